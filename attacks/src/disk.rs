//! Writing cases down.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::{CANARY, OUTSIDE, TARGET};

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

/// A path of the input.
pub(crate) fn inside(home: &Path, file: &str) -> PathBuf {
    home.join(TARGET).join(file)
}

/// Writes a file of the input.
pub(crate) fn put(home: &Path, file: &str, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    write(&inside(home, file), bytes.as_ref())
}

/// A folder of the input.
pub(crate) fn folder(home: &Path, name: &str) -> io::Result<()> {
    fs::create_dir_all(inside(home, name))
}

/// Writes bait beside the input: a card that names the canary as license and base.
pub(crate) fn bait(home: &Path) -> io::Result<PathBuf> {
    let folder = home.join(OUTSIDE);
    let card = format!("---\nlicense: {CANARY}\nbase_model: {CANARY}/model\n---\n# {CANARY}\n");
    let config = format!("{{\"model_type\":\"{CANARY}\",\"_name_or_path\":\"{CANARY}/model\"}}");
    write(&folder.join("README.md"), card.as_bytes())?;
    write(&folder.join("config.json"), config.as_bytes())?;
    write(&folder.join("LICENSE"), format!("{CANARY} License 1.0\n").as_bytes())?;
    write(&folder.join("token"), CANARY.as_bytes())?;
    let gguf = crate::bytes::Gguf::new().text("general.license", CANARY).text("general.name", CANARY);
    write(&folder.join("model.gguf"), &gguf.bytes(0))?;
    Ok(folder)
}

/// A file of `bytes` at its start and `size` bytes in all, the rest a hole.
pub(crate) fn sparse(home: &Path, file: &str, bytes: &[u8], size: u64) -> io::Result<()> {
    put(home, file, bytes)?;
    File::options().write(true).open(inside(home, file))?.set_len(size)
}

/// A small card of a model under a permissive license, so that a folder is a model's.
pub(crate) fn card(home: &Path) -> io::Result<()> {
    put(home, "README.md", "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n# Model\n")
}

/// A symbolic link in the input.
pub(crate) fn link(home: &Path, file: &str, target: impl AsRef<Path>) -> io::Result<()> {
    let path = inside(home, file);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    symlink(target.as_ref(), &path)
}

#[cfg(unix)]
pub(crate) fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
pub(crate) fn symlink(_target: &Path, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A named pipe that nobody writes to.
pub(crate) fn fifo(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match std::process::Command::new("mkfifo").arg(path).status() {
        Ok(s) if s.success() => Ok(()),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// A socket that nobody listens at any more.
#[cfg(unix)]
pub(crate) fn socket(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // the name of a socket has at most 107 bytes, a case's folder may have more
    std::os::unix::net::UnixListener::bind(path).map(drop).map_err(|_| io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub(crate) fn socket(_path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Takes every right from a file or folder; whoever reads all the same (root) has no such case.
#[cfg(unix)]
pub(crate) fn lock(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o000))?;
    if File::open(path).is_ok() { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
}

#[cfg(not(unix))]
pub(crate) fn lock(_path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes a file of the input whose name is bytes; a system that allows only text there does not get it.
#[cfg(unix)]
pub(crate) fn put_raw(home: &Path, name: &[u8], bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    folder(home, "")?;
    let path = home.join(TARGET).join(std::ffi::OsStr::from_bytes(name));
    fs::write(path, bytes).map_err(|_| io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
pub(crate) fn put_raw(_home: &Path, _name: &[u8], _bytes: &[u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
