//! Files that are there whole or not at all.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Bytes as hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// What the disk says.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let (mut sum, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&sum.finalize())),
            n => sum.update(&buffer[..n]),
        }
    }
}

/// Writes a file: under another name until it is whole and on the disk.
///
/// # Errors
/// What the disk says, with the file's name.
pub fn write(path: &Path, parts: &[&[u8]]) -> Result<(), String> {
    let says = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = File::create(&partial).map_err(says)?;
    for part in parts {
        file.write_all(part).map_err(says)?;
    }
    file.sync_all().map_err(says)?;
    std::fs::rename(&partial, path).map_err(says)?;
    sync_folder(path);
    Ok(())
}

/// Puts a renamed file's name on the disk too, where the system lets a folder be synchronized.
pub fn sync_folder(path: &Path) {
    if let Some(folder) =
        path.parent().and_then(|p| File::open(if p.as_os_str().is_empty() { Path::new(".") } else { p }).ok())
    {
        let _ = folder.sync_all();
    }
}
