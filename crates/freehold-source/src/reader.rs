//! Reading folders and files: what lies in them and what it says. Decides nothing about models.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use freehold_artifact::{FileFacts, ReadAt, clean_name, read_file_beside};
use freehold_base::{Diagnostic, Evidence, Fact, FactKind};

use crate::cache::{self, Snapshot};
use crate::disk::DiskFile;
use crate::gather::{self, ReadFile};
use crate::sidecar::{self, Origin};
use crate::{Limits, said};

/// Endings of files that are listed and not opened: no model format hides behind them in practice, and a source
/// tree has thousands.
const UNOPENED: &[&str] = &[
    "py", "pyc", "ipynb", "png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "mp4", "mp3", "wav", "flac", "ogg", "css",
    "js", "ts", "tsx", "map", "csv", "tsv", "parquet", "arrow", "rs", "go", "c", "cc", "cpp", "h", "hpp", "java", "sh",
];

/// Files that hold what nobody else may see: never opened, whatever links to them.
const SECRET: &[&str] = &[
    "token",
    "stored_tokens",
    ".netrc",
    ".env",
    ".git-credentials",
    "credentials",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
];

/// Files that ModelScope leaves in each model's folder.
const MODELSCOPE: &[&str] = &[".msc", ".mdl", ".mv"];

/// Most diagnostics of one walk.
pub(crate) const DIAGNOSTICS_MAX: usize = 256;

/// A folder's entries, sorted by name.
pub(crate) struct Entries {
    /// Name, path, and whether it is a link.
    pub(crate) files: Vec<(String, PathBuf, bool)>,
    pub(crate) folders: Vec<(String, PathBuf)>,
}

/// What is told once in a walk, however often it is met.
const ONCE: &[&str] = &["too-many-entries", "too-many-files", "too-deep"];
pub(crate) const LINK_OUTSIDE: &str = "a link that leads out of the folder: it is not followed";
const TOO_MANY_ENTRIES: &str = "more files and folders than are read in one walk";

/// A folder whose files were read.
pub(crate) struct ReadFolder {
    /// Its folders: name and path.
    pub(crate) folders: Vec<(String, PathBuf)>,
    /// Its files.
    pub(crate) own: Vec<ReadFile>,
    /// True where ModelScope left its marks.
    pub(crate) marked: bool,
    /// True where `blobs` is a link to a folder, beside `manifests`: a store's blobs on another disk.
    pub(crate) linked_blobs: bool,
    /// Files and folders that were listed.
    listed: usize,
}

/// Reads below one root.
pub(crate) struct Reader<'r> {
    limits: &'r Limits,
    /// Canonical root: links may not lead out of it.
    pub(crate) root: &'r Path,
    entries_left: usize,
    /// What is wrong with the walk itself.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(root: &'r Path, limits: &'r Limits, entries_left: usize) -> Reader<'r> {
        Reader { limits, root, entries_left, diagnostics: Vec::new() }
    }

    /// Lists a folder and reads its files; `None` where it cannot be listed.
    pub(crate) fn folder(&mut self, dir: &Path, rel: &str) -> Option<ReadFolder> {
        let before = self.entries_left;
        let entries = self.entries(dir, rel)?;
        let listed = before.saturating_sub(self.entries_left);
        let mut origins = sidecar::origins(&entries.files, rel);
        let marked = entries.files.iter().any(|(n, _, _)| MODELSCOPE.contains(&n.as_str()));
        let store = entries.folders.iter().any(|(n, _)| n == "manifests");
        let mut linked_blobs = false;
        let mut own = Vec::with_capacity(entries.files.len());
        for (name, path, link) in entries.files {
            if link && store && name == "blobs" && path.is_dir() {
                // whether it may be followed is the store's question
                linked_blobs = true;
                continue;
            }
            let origin = origins.remove(&name);
            own.extend(self.file(&path, rel, &name, link, None, origin));
        }
        gather::cap_texts(&mut own, &mut { gather::TEXT_BYTES_MAX });
        Some(ReadFolder { folders: entries.folders, own, marked, linked_blobs, listed })
    }

    /// Takes over what another reader read, within what is left of this one's limits.
    pub(crate) fn take_over(
        &mut self,
        (read, told): (Option<ReadFolder>, Vec<Diagnostic>),
        rel: &str,
    ) -> Option<ReadFolder> {
        for d in told {
            let once = ONCE.contains(&d.code) && self.diagnostics.iter().any(|o| o.code == d.code);
            if !once && self.diagnostics.len() < DIAGNOSTICS_MAX {
                self.diagnostics.push(d);
            }
        }
        let read = read?;
        match self.entries_left.checked_sub(read.listed) {
            Some(left) => {
                self.entries_left = left;
                Some(read)
            }
            None => {
                self.entries_left = 0;
                self.note("too-many-entries", TOO_MANY_ENTRIES, rel);
                None
            }
        }
    }

    /// Reads one file, if it may be read; `origin` is where it was downloaded.
    pub(crate) fn file(
        &mut self,
        path: &Path,
        rel: &str,
        name: &str,
        link: bool,
        within: Option<&Snapshot>,
        origin: Option<Origin>,
    ) -> Option<ReadFile> {
        let rel = join(rel, name);
        let mut hash = None;
        let followed;
        let target = if link {
            followed = self.follow(path, &rel, within)?;
            hash = within.and_then(|_| cache::blob_hash(&followed));
            followed.as_path()
        } else {
            path
        };
        let mut file = read(target, &rel, name, origin.as_ref().and_then(|o| o.name.as_deref()));
        if let Some(hash) = hash {
            let evidence = Evidence { file: rel, key: "blob".to_owned(), ..Evidence::default() };
            file.said.facts.push(Fact { kind: FactKind::Sha256, value: hash, evidence });
        }
        if let Some(origin) = origin {
            file.said.facts.splice(0..0, origin.facts);
            file.repository = Some(origin.repository);
        }
        Some(file)
    }

    /// Where a link leads, if it may be followed: inside the root, in a cache into the repository's own blobs.
    fn follow(&mut self, path: &Path, rel: &str, within: Option<&Snapshot>) -> Option<PathBuf> {
        let target = match path.canonicalize() {
            Ok(target) => target,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.warn("link-broken", "a link that leads nowhere: the file is missing", rel);
                return None;
            }
            Err(e) => {
                self.warn("link-broken", &format!("a link that cannot be followed: {}", e.kind()), rel);
                return None;
            }
        };
        let inside = match within {
            Some(s) => s.blobs.as_ref().is_some_and(|b| target.starts_with(b)),
            None => target.starts_with(self.root),
        };
        if !inside {
            self.warn("link-outside", LINK_OUTSIDE, rel);
            return None;
        }
        match target.metadata() {
            Ok(m) if m.is_file() => Some(target),
            // what lies inside is walked where it lies
            Ok(m) if m.is_dir() => None,
            _ => {
                self.warn("not-a-file", NOT_A_FILE, rel);
                None
            }
        }
    }

    pub(crate) fn entries(&mut self, dir: &Path, rel: &str) -> Option<Entries> {
        let listing = match fs::read_dir(dir) {
            Ok(l) => l,
            Err(e) => {
                self.warn("unreadable", &format!("the folder cannot be read: {}", e.kind()), rel);
                return None;
            }
        };
        let mut entries = Entries { files: Vec::new(), folders: Vec::new() };
        for entry in listing {
            if self.entries_left == 0 {
                self.note("too-many-entries", TOO_MANY_ENTRIES, rel);
                break;
            }
            self.entries_left -= 1;
            let Ok(entry) = entry else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            // what is told; what is opened is the path
            let name = clean_name(&entry.file_name().to_string_lossy());
            if kind.is_dir() {
                entries.folders.push((name, entry.path()));
            } else if kind.is_file() || kind.is_symlink() {
                if entries.files.len() < self.limits.files_per_model_max {
                    entries.files.push((name, entry.path(), kind.is_symlink()));
                } else if entries.files.len() == self.limits.files_per_model_max {
                    self.note("too-many-files", "more files than are read of one folder", rel);
                }
            } else {
                self.warn("not-a-file", NOT_A_FILE, &join(rel, &name));
            }
        }
        entries.files.sort();
        entries.folders.sort();
        Some(entries)
    }

    pub(crate) fn warn(&mut self, code: &'static str, message: &str, rel: &str) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(Diagnostic::warning(code, message).in_file(rel));
        }
    }

    pub(crate) fn note(&mut self, code: &'static str, message: &str, rel: &str) {
        if !self.diagnostics.iter().any(|d| d.code == code) {
            self.warn(code, message, rel);
        }
    }
}

pub(crate) fn join(rel: &str, name: &str) -> String {
    if rel.is_empty() { name.to_owned() } else { format!("{rel}/{name}") }
}

/// What is told of a pipe, a socket, a device.
const NOT_A_FILE: &str = "a pipe, a socket or a device, no file: it is not opened";

/// Size and content of a file; a file that cannot be read says so. `called` is its name where it was downloaded.
pub(crate) fn read(path: &Path, rel: &str, name: &str, called: Option<&str>) -> ReadFile {
    let real = path.file_name().and_then(|n| n.to_str()).unwrap_or(name);
    if is_closed(name) || is_closed(real) {
        let bytes = fs::metadata(path).map(|m| m.len()).unwrap_or(0);
        return ReadFile::new(rel.to_owned(), bytes, FileFacts::default());
    }
    let disk = match DiskFile::open(path) {
        Ok(disk) => disk,
        Err(e) => return ReadFile::new(rel.to_owned(), 0, unreadable(rel, &e)),
    };
    let mut said = match called {
        Some(called) => {
            let folder = rel.strip_suffix(name).unwrap_or_default();
            said::read_as(&format!("{folder}{called}"), rel, &disk)
        }
        None => {
            let beside = |name: &str| path.parent().is_some_and(|p| p.join(name).symlink_metadata().is_ok());
            read_file_beside(rel, &disk, &beside)
        }
    };
    // one read is of one moment; a header that took several may be of two
    if said.bytes_read > ONE_READ && disk.changed() {
        let message = "the file changed while it was read: what is told of it may be of two states";
        said.diagnostics.push(Diagnostic::warning("file-changed", message).in_file(rel));
    }
    ReadFile::new(rel.to_owned(), disk.size(), said)
}

/// Bytes that reading a file begins with.
const ONE_READ: u64 = 4096;

/// True for a file that is listed and not opened: a secret, a source file, a picture.
pub(crate) fn is_closed(name: &str) -> bool {
    SECRET.contains(&name) || is_unopened(name)
}

fn is_unopened(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, e)| e);
    UNOPENED.iter().any(|u| u.eq_ignore_ascii_case(ending))
}

fn unreadable(rel: &str, error: &io::Error) -> FileFacts {
    let message = format!("the file cannot be read: {}", error.kind());
    FileFacts { diagnostics: vec![Diagnostic::warning("unreadable", message).in_file(rel)], ..FileFacts::default() }
}
