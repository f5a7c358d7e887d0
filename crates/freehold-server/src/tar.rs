//! A folder as a tar (ustar): for evidence packs. Regular files alone, in the order of their names, without owners and times, so that
//! the same folder gives the same bytes.

use std::fs;
use std::io;
use std::path::Path;

/// Most bytes of a folder.
const BYTES_MAX: u64 = 512 << 20;
const BLOCK: usize = 512;

/// A folder below a name.
pub(crate) fn folder(root: &Path, name: &str) -> io::Result<Vec<u8>> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort();
    let mut out = Vec::new();
    let mut bytes_total = 0_u64;
    for path in files {
        let bytes = fs::read(root.join(&path))?;
        bytes_total = bytes_total.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if bytes_total > BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        file(&format!("{name}/{path}"), &bytes, &mut out)?;
    }
    out.resize(out.len().saturating_add(2 * BLOCK), 0);
    Ok(out)
}

fn walk(dir: &Path, below: &str, out: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &path, out)?;
        } else if kind.is_file() {
            out.push(path);
        }
    }
    Ok(())
}

/// One file.
pub(crate) fn file(path: &str, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let (prefix, name) = match path.len() {
        0..=100 => ("", path),
        _ => path
            .match_indices('/')
            .map(|(i, _)| path.split_at(i))
            .map(|(a, b)| (a, b.trim_start_matches('/')))
            .find(|(a, b)| a.len() <= 155 && b.len() <= 100)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?,
    };
    let mut head = [0_u8; BLOCK];
    let mut put = |at: usize, text: &str| {
        if let Some(slot) = head.get_mut(at..at.saturating_add(text.len())) {
            slot.copy_from_slice(text.as_bytes());
        }
    };
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", bytes.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\0");
    put(263, "00");
    put(345, prefix);
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    if let Some(slot) = head.get_mut(148..156) {
        slot.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    out.extend(head);
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_packed_the_same_twice_and_long_names_fit() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("x".repeat(90)).join("y".repeat(60));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("a.txt"), "hello").unwrap();
        fs::write(dir.path().join("b"), vec![7; 600]).unwrap();
        let one = folder(dir.path(), "pack").unwrap();
        assert_eq!(one, folder(dir.path(), "pack").unwrap());
        assert_eq!(one.len(), BLOCK * (2 + 3 + 2));
        assert!(file(&"z".repeat(300), b"", &mut Vec::new()).is_err());
    }
}
