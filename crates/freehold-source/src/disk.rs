//! A file on disk, read by offset.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use freehold_artifact::ReadAt;

/// An open regular file and its size when it was opened.
pub struct DiskFile {
    file: File,
    size: u64,
    /// Its first bytes, where they were read when it was opened.
    head: Vec<u8>,
}

/// Bytes that are read when a listed file is opened: most files are no longer.
const HEAD_BYTES: usize = 4096;

/// `O_NONBLOCK | O_NOFOLLOW`, where their values are known: opening a pipe that took a file's place between listing and
/// opening must not wait for a writer, and a link that took it must not be followed.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "x86", target_arch = "riscv64")))]
const FLAGS: i32 = 0o4_000 | 0o400_000;
#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "arm")))]
const FLAGS: i32 = 0o4_000 | 0o100_000;
#[cfg(target_os = "macos")]
const FLAGS: i32 = 0x4 | 0x100;
#[cfg(all(
    unix,
    not(any(
        target_os = "macos",
        all(
            target_os = "linux",
            any(
                target_arch = "x86_64",
                target_arch = "x86",
                target_arch = "riscv64",
                target_arch = "aarch64",
                target_arch = "arm"
            )
        )
    ))
))]
const FLAGS: i32 = 0;

/// Opens for reading; never waits for a writer, never follows a link.
fn opened(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, FLAGS);
    options.open(path)
}

/// The size of a regular file; anything else is refused.
fn regular_size(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(metadata.len())
}

impl DiskFile {
    /// Opens a regular file; anything else is refused, a link too.
    ///
    /// # Errors
    /// Whatever opening reports; [`io::ErrorKind::InvalidInput`] for what is no regular file.
    pub fn open(path: &Path) -> io::Result<DiskFile> {
        let file = opened(path)?;
        let size = regular_size(&file)?;
        Ok(DiskFile { file, size, head: Vec::new() })
    }

    /// Opens a file that a listing has just told to be a regular one, and reads its beginning. A short file is read whole by that, and
    /// the system need not be asked for its size; of a longer one, and where reading fails, it is.
    ///
    /// # Errors
    /// As [`DiskFile::open`].
    pub(crate) fn listed(path: &Path) -> io::Result<DiskFile> {
        let mut buffer = [0_u8; HEAD_BYTES];
        let mut disk = DiskFile { file: opened(path)?, size: 0, head: Vec::new() };
        // a pipe or a socket that took its place cannot be read by offset
        let read = disk.read_at(0, &mut buffer);
        match read {
            Ok(n) if n < HEAD_BYTES && n > 0 => {
                disk.head = buffer.get(..n).unwrap_or_default().to_vec();
                disk.size = n as u64;
            }
            _ => {
                disk.size = regular_size(&disk.file)?;
                disk.head = read.map(|n| buffer.get(..n).unwrap_or_default().to_vec())?;
            }
        }
        Ok(disk)
    }

    /// The first `size` bytes; fewer where the file has become shorter.
    pub(crate) fn read_whole(&self, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        let mut filled = 0_usize;
        while let Some(rest) = bytes.get_mut(filled..).filter(|r| !r.is_empty()) {
            let at = u64::try_from(filled).unwrap_or(u64::MAX);
            match self.read_at(at, rest) {
                Ok(0) => break,
                Ok(n) => filled = filled.saturating_add(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// What of the head is asked for; `None` where it has none of it.
    fn head_at(&self, offset: u64, buffer: &mut [u8]) -> Option<usize> {
        let known = self.head.get(usize::try_from(offset).ok()?..).filter(|k| !k.is_empty())?;
        let n = known.len().min(buffer.len());
        buffer.get_mut(..n)?.copy_from_slice(known.get(..n)?);
        Some(n)
    }

    /// True where the file's length is no longer what it was when it was opened.
    pub(crate) fn changed(&self) -> bool {
        self.file.metadata().map_or(true, |m| m.len() != self.size)
    }
}

/// The whole of a small regular file.
///
/// # Errors
/// Whatever opening and reading report; a file longer than `bytes_max` is [`io::ErrorKind::FileTooLarge`].
pub(crate) fn read_small(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let file = DiskFile::open(path)?;
    let size = usize::try_from(file.size).ok().filter(|s| *s <= bytes_max);
    let size = size.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
    file.read_whole(size)
}

impl ReadAt for DiskFile {
    fn size(&self) -> u64 {
        self.size
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(n) = self.head_at(offset, buffer) {
            return Ok(n);
        }
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(n) = self.head_at(offset, buffer) {
            return Ok(n);
        }
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        if let Some(n) = self.head_at(offset, buffer) {
            return Ok(n);
        }
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }
}
