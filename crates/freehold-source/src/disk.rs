//! A file on disk, read by offset.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use freehold_artifact::ReadAt;

/// An open regular file and its size when it was opened.
pub struct DiskFile {
    file: File,
    size: u64,
}

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

impl DiskFile {
    /// Opens a regular file; anything else is refused, a link too.
    ///
    /// # Errors
    /// Whatever opening reports; [`io::ErrorKind::InvalidInput`] for what is no regular file.
    pub fn open(path: &Path) -> io::Result<DiskFile> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, FLAGS);
        let file = options.open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(DiskFile { file, size: metadata.len() })
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
        std::os::unix::fs::FileExt::read_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }
}
