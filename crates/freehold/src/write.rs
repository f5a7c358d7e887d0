//! Writing, so that a crash leaves the old file or the new one: a new file in the same folder, flushed, renamed over the
//! old one. Nothing is written through a link, and nothing outside of the folder that was given.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use freehold_artifact::{GgufPlan, Piece, gguf_header};
use freehold_base::Diagnostic;
use freehold_comply::{Look, Release};
use freehold_source::DiskFile;

/// Largest text that is edited, in bytes: what check reads of a release.
const TEXT_BYTES_MAX: u64 = 1 << 20;
/// Beginning and end of the name of a file that is not yet complete.
const UNFINISHED: (&str, &str) = (".freehold-", ".tmp");
/// Most entries of a folder that are looked through for unfinished files.
const ENTRIES_MAX: usize = 100_000;

/// A folder that is written into.
pub(crate) struct Root(PathBuf);

impl Root {
    /// The folder as it stands, links in its own path resolved once.
    ///
    /// # Errors
    /// It is absent or no folder.
    #[expect(clippy::result_large_err, reason = "once a run")]
    pub(crate) fn open(dir: &str) -> Result<Root, Diagnostic> {
        let path = Path::new(dir).canonicalize().map_err(|e| {
            Diagnostic::error("release-not-found", format!("the release cannot be read: {}", e.kind())).in_file(dir)
        })?;
        Ok(Root(path))
    }

    /// Where a path below the folder lies; `Err` says why nothing is written there.
    fn place(&self, relative: &str) -> Result<PathBuf, String> {
        let mut at = self.0.clone();
        let parts: Vec<Component<'_>> = Path::new(relative).components().collect();
        for (n, part) in parts.iter().enumerate() {
            let Component::Normal(name) = part else { return Err("is a path that leaves the release".into()) };
            at.push(name);
            if n.saturating_add(1) < parts.len() {
                match fs::symlink_metadata(&at) {
                    Ok(m) if m.is_dir() => {}
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                    _ => return Err("lies behind a link or a file, which is not followed".into()),
                }
            }
        }
        if parts.is_empty() { Err("is no file".into()) } else { Ok(at) }
    }

    /// Writes a text whose file is as it was when it was planned.
    ///
    /// # Errors
    /// It has changed since, may not be written, or the disk refuses.
    #[expect(clippy::result_large_err, reason = "one result a file")]
    pub(crate) fn write(&self, relative: &str, was: Option<&str>, text: &str) -> Result<(), Diagnostic> {
        let refused = |why: String| Diagnostic::error("not-written", why).in_file(relative);
        let path = self.place(relative).map_err(refused)?;
        let now = match self.look(relative) {
            Look::Absent => None,
            Look::Text(text) => Some(text),
            Look::Refused(why) => return Err(refused(why)),
        };
        if now.as_deref() != was {
            return Err(refused("has changed while this ran: nothing is written into it".into()).help("run it again"));
        }
        let done = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| replace(&path, |file, _| file.write_all(text.as_bytes())));
        done.map_err(|e| refused(io_words(&e)))
    }
}

impl Release for Root {
    fn look(&self, path: &str) -> Look {
        let place = match self.place(path) {
            Ok(place) => place,
            Err(why) => return Look::Refused(why),
        };
        match fs::symlink_metadata(&place) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Look::Absent,
            Err(e) => Look::Refused(format!("cannot be read: {}", e.kind())),
            Ok(m) if m.is_symlink() => Look::Refused("is a link, and nothing is written through one".into()),
            Ok(m) if !m.is_file() => Look::Refused("is no regular file".into()),
            Ok(m) if m.len() > TEXT_BYTES_MAX => Look::Refused("is longer than 1 MiB".into()),
            Ok(m) if m.permissions().readonly() => Look::Refused("is read-only".into()),
            Ok(_) => match fs::read(&place).map(String::from_utf8) {
                Ok(Ok(text)) => Look::Text(text),
                Ok(Err(_)) => Look::Refused("is not UTF-8".into()),
                Err(e) => Look::Refused(format!("cannot be read: {}", e.kind())),
            },
        }
    }
}

/// What went wrong on the disk, in words.
pub(crate) fn io_words(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::PermissionDenied => "may not be written: the folder or the file is read-only".into(),
        io::ErrorKind::StorageFull => "the disk is full; nothing was changed".into(),
        _ => format!("cannot be written: {e}"),
    }
}

/// Writes a file anew and puts it in the place of `path`. Gives back what `fill` gives.
fn replace<T>(path: &Path, fill: impl FnOnce(&mut File, &Path) -> io::Result<T>) -> io::Result<T> {
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let old = match fs::symlink_metadata(path) {
        Ok(m) if m.is_file() && !m.permissions().readonly() => Some(m),
        Ok(_) => return Err(io::ErrorKind::PermissionDenied.into()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    if fs::metadata(dir)?.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    clean(dir);
    let (unfinished, mut file) = unfinished(dir)?;
    let done = (|| {
        let filled = fill(&mut file, &unfinished)?;
        if let Some(old) = &old {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        Ok(filled)
    })();
    if done.is_err() {
        let _ = fs::remove_file(&unfinished);
        return done;
    }
    // the folder too, so that the new name outlives a power cut; not every system can
    let _ = File::open(dir).and_then(|d| d.sync_all());
    done
}

/// A new empty file, locked while it is being written.
fn unfinished(dir: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = dir.join(format!("{}{}-{n}{}", UNFINISHED.0, std::process::id(), UNFINISHED.1));
    let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    // a file system without locks: then nobody takes it for a leftover either, see `clean`
    let _ = file.try_lock();
    Ok((path, file))
}

/// Removes what runs left behind that were killed: unfinished files that nobody holds.
fn clean(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten().take(ENTRIES_MAX) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1);
        if !ours || !entry.file_type().is_ok_and(|t| t.is_file()) {
            continue;
        }
        let free = File::open(entry.path()).is_ok_and(|f| f.try_lock().is_ok());
        if free {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes a GGUF file as planned, over `path` or to `out`. The new file's header is read again before it takes the old
/// one's place.
///
/// # Errors
/// The disk refuses, or the file changed while it was copied: the old file is as it was.
#[expect(clippy::result_large_err, reason = "one result a file")]
pub(crate) fn gguf(path: &Path, out: &Path, plan: &GgufPlan) -> Result<(), Diagnostic> {
    let name = path.display().to_string();
    let refused = |e: &io::Error| Diagnostic::error("not-written", io_words(e)).in_file(name.clone());
    let mut source = File::open(path).map_err(|e| refused(&e))?;
    let stamp = |m: fs::Metadata| (m.len(), m.modified().ok());
    let before = source.metadata().map(stamp).map_err(|e| refused(&e))?;
    let done = replace(out, |file, unfinished| {
        for piece in &plan.pieces {
            match piece {
                Piece::Bytes(bytes) => file.write_all(bytes)?,
                Piece::Copy { from, bytes } => {
                    source.seek(SeekFrom::Start(*from))?;
                    if io::copy(&mut Read::by_ref(&mut source).take(*bytes), file)? != *bytes {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
        if file.metadata()?.len() != plan.bytes || source.metadata().map(stamp)? != before {
            return Err(io::Error::other("the file changed while it was copied"));
        }
        header(unfinished).map(|_| ()).map_err(|d| io::Error::other(d.message))
    });
    done.map_err(|e| refused(&e))
}

/// Reads a GGUF header of a regular file so that its keys can be changed.
///
/// # Errors
/// As [`gguf_header`]; a link or another thing that is no regular file.
#[expect(clippy::result_large_err, reason = "one result a file")]
pub(crate) fn header(path: &Path) -> Result<freehold_artifact::GgufHeader, Diagnostic> {
    let name = path.display().to_string();
    if fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink()) {
        let d = Diagnostic::error("not-written", "is a link, and nothing is written through one").in_file(name);
        return Err(d.help("give the file that it leads to, or write a new one with --out"));
    }
    let file = DiskFile::open(path)
        .map_err(|e| Diagnostic::error("unreadable", format!("cannot be read: {}", e.kind())).in_file(&*name))?;
    gguf_header(&name, &file)
}

/// Files below a folder whose names `wanted` takes, by path below it; links are not followed.
pub(crate) fn files(dir: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    const DEPTH_MAX: usize = 12;
    let mut out = Vec::new();
    let mut open = vec![(dir.to_path_buf(), 0_usize)];
    let mut left = ENTRIES_MAX;
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if left == 0 {
                break;
            }
            left -= 1;
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() && depth < DEPTH_MAX && name != ".git" {
                open.push((entry.path(), depth.saturating_add(1)));
            } else if kind.is_file() && wanted(&name) {
                out.push(entry.path());
            }
        }
    }
    out.sort();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(&dir.path().display().to_string()).unwrap();
        (dir, root)
    }

    #[test]
    fn a_path_stays_below_the_folder() {
        let (_dir, root) = root();
        for path in ["../x", "/etc/x", "a/../../x", ""] {
            assert!(matches!(root.look(path), Look::Refused(_)), "{path}");
            assert!(root.write(path, None, "x").is_err(), "{path}");
        }
        root.write("a/b/c.txt", None, "x").unwrap();
        assert_eq!(root.look("a/b/c.txt"), Look::Text("x".into()));
        assert!(root.write("a/b/c.txt", Some("y"), "z").is_err(), "it was not y");
        root.write("a/b/c.txt", Some("x"), "z").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        let (dir, root) = root();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("f"), "old").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("docs")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("f"), dir.path().join("NOTICE")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("new"), dir.path().join("dangling")).unwrap();
        for path in ["docs/x.md", "NOTICE", "dangling"] {
            assert!(matches!(root.look(path), Look::Refused(_)), "{path}");
            assert!(root.write(path, None, "x").is_err(), "{path}");
        }
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read_to_string(outside.path().join("f")).unwrap(), "old");
    }

    #[test]
    fn leftovers_go_and_what_is_being_written_stays() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".freehold-1-0.tmp"), "half").unwrap();
        let (held, _file) = unfinished(dir.path()).unwrap();
        clean(dir.path());
        assert!(!dir.path().join(".freehold-1-0.tmp").exists());
        assert!(held.exists());
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "old").unwrap();
        let failed: io::Result<()> = replace(&path, |file, _| {
            file.write_all(b"new")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
