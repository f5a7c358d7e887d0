//! The walk over folders: which files belong to which model.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use freehold_artifact::{Artifact, FileFacts, read_file};
use freehold_base::{Diagnostic, Evidence, Fact, FactKind, Severity};

use crate::Limits;
use crate::cache::{self, Snapshot};
use crate::disk::DiskFile;
use crate::gather::{self, ReadFile};

/// Folders that hold no model of their own.
const SKIPPED: &[&str] =
    &[".git", ".hg", ".svn", ".locks", ".no_exist", "__pycache__", "node_modules", ".ipynb_checkpoints"];

/// Endings of files that are listed and not opened: no model format hides behind them in practice, and a source
/// tree has thousands.
const UNOPENED: &[&str] = &[
    "py", "pyc", "ipynb", "png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "mp4", "mp3", "wav", "flac", "ogg", "css",
    "js", "ts", "tsx", "map", "csv", "tsv", "parquet", "arrow", "rs", "go", "c", "cc", "cpp", "h", "hpp", "java", "sh",
];

/// Most diagnostics of one walk.
const DIAGNOSTICS_MAX: usize = 256;

/// A walk under way.
pub(crate) struct Walk<'w> {
    limits: &'w Limits,
    /// Canonical root: links may not lead out of it.
    root: PathBuf,
    entries_left: usize,
    /// The first artifact waits, because files around it are its own where it stays the only one.
    held: Option<Artifact>,
    emitted: usize,
    out: &'w mut dyn FnMut(Artifact),
    /// What is wrong with the walk itself.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// What the folders above are to a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    /// No model lies above.
    Nothing,
    /// A model lies above; a model here is another one.
    Model,
    /// Everything here is part of a model above.
    Whole,
}

/// A folder's entries, sorted by name.
struct Entries {
    files: Vec<(String, PathBuf, bool)>,
    folders: Vec<(String, PathBuf)>,
}

impl<'w> Walk<'w> {
    pub(crate) fn new(root: PathBuf, limits: &'w Limits, out: &'w mut dyn FnMut(Artifact)) -> Walk<'w> {
        let entries_left = limits.entries_max;
        Walk { limits, root, entries_left, held: None, emitted: 0, out, diagnostics: Vec::new() }
    }

    /// Walks the root, which the user calls `name`.
    pub(crate) fn run(mut self, name: &str) -> Vec<Diagnostic> {
        let root = self.root.clone();
        if let Some(snapshot) = cache::snapshot_of(&root) {
            self.snapshot(&root, "", &snapshot, false);
        } else if cache::repository(name).is_some() && root.join("snapshots").is_dir() {
            self.repository(&root, "");
        } else {
            let loose = self.folder(&root, "", name, 0, Above::Nothing);
            self.leftovers(loose);
        }
        if let Some(last) = self.held.take() {
            (self.out)(last);
        }
        self.diagnostics
    }

    /// Files outside every model folder: they speak for the only model there is, or for none in particular.
    fn leftovers(&mut self, loose: Vec<ReadFile>) {
        if self.emitted == 1
            && let Some(mut only) = self.held.take()
        {
            for file in loose {
                only.add(file.path, file.bytes, file.said);
            }
            only.files.sort();
            self.held = Some(only);
            return;
        }
        // a file that promised a model and cannot be read is told, whether or not models lie around it
        for d in loose.iter().flat_map(|f| &f.said.diagnostics).filter(|d| d.severity == Severity::Error) {
            if self.diagnostics.len() < DIAGNOSTICS_MAX {
                self.diagnostics.push(d.clone());
            }
        }
        for file in loose.iter().filter(|f| !f.said.texts.is_empty()).take(if self.emitted > 1 { 16 } else { 0 }) {
            let message =
                "a text above several models: which of them it speaks for is not known, so it counts for none";
            self.diagnostics.push(Diagnostic {
                severity: Severity::Note,
                ..Diagnostic::warning("text-outside-model", message).in_file(&file.path)
            });
        }
    }

    fn emit(&mut self, artifact: Artifact) {
        self.emitted += 1;
        if let Some(earlier) = self.held.replace(artifact) {
            (self.out)(earlier);
        }
    }

    /// Reads a folder; what belongs to no model in or below it goes back to the caller.
    fn folder(&mut self, dir: &Path, rel: &str, name: &str, depth: usize, above: Above) -> Vec<ReadFile> {
        let Some(entries) = self.entries(dir, rel) else { return Vec::new() };
        let mut own = Vec::new();
        for (name, path, link) in entries.files {
            own.extend(self.file(&path, rel, &name, link, None));
        }
        let model = above != Above::Whole && gather::is_model(&own);
        let below = if above == Above::Whole || gather::is_composite(&own) {
            Above::Whole
        } else if model {
            Above::Model
        } else {
            above
        };
        let mut text_left = gather::TEXT_BYTES_MAX;
        let mut loose = Vec::new();
        for (child, path) in entries.folders {
            let rel = join(rel, &child);
            if SKIPPED.contains(&child.as_str()) {
                continue;
            }
            if cache::repository(&child).is_some() && path.join("snapshots").is_dir() {
                self.repository(&path, &rel);
            } else if depth >= self.limits.depth_max {
                self.note("too-deep", "deeper than is read", &rel);
            } else {
                let mut found = self.folder(&path, &rel, &rel, depth + 1, below);
                gather::cap_texts(&mut found, &mut text_left);
                loose.extend(found);
            }
        }
        if !model {
            // in a tree of sources nobody asks for the thousands of files that say nothing
            loose.extend(own.into_iter().filter(|f| above != Above::Nothing || !f.is_silent()));
            return loose;
        }
        for artifact in gather::split(name, &own, loose) {
            self.emit(artifact);
        }
        Vec::new()
    }

    /// `models--org--name`: every snapshot is an artifact.
    fn repository(&mut self, dir: &Path, rel: &str) {
        let snapshots = dir.join("snapshots");
        let rel = join(rel, "snapshots");
        let Some(entries) = self.entries(&snapshots, &rel) else { return };
        let several = entries.folders.len() > 1;
        for (revision, path) in entries.folders {
            if let Some(snapshot) = cache::snapshot_of(&path) {
                self.snapshot(&path, &join(&rel, &revision), &snapshot, several);
            }
        }
    }

    fn snapshot(&mut self, dir: &Path, rel: &str, snapshot: &Snapshot, several: bool) {
        let mut files = Vec::new();
        let mut pending = vec![(dir.to_path_buf(), rel.to_owned(), 0_usize)];
        while let Some((dir, rel, depth)) = pending.pop() {
            let Some(entries) = self.entries(&dir, &rel) else { continue };
            for (name, path, link) in entries.files {
                if files.len() >= self.limits.files_per_model_max {
                    self.note("too-many-files", "more files than are read of one model", &rel);
                    break;
                }
                files.extend(self.file(&path, &rel, &name, link, Some(snapshot)));
            }
            if depth < self.limits.depth_max {
                pending.extend(entries.folders.into_iter().map(|(n, p)| (p, join(&rel, &n), depth + 1)));
            } else if !entries.folders.is_empty() {
                self.note("too-deep", "deeper than is read", &rel);
            }
        }
        let short: String = snapshot.revision.chars().take(12).collect();
        let name = if several { format!("{}@{short}", snapshot.repository) } else { snapshot.repository.clone() };
        let mut artifact = gather::artifact(name, files);
        artifact.facts.splice(0..0, snapshot.facts());
        self.emit(artifact);
    }

    /// Reads one file, if it may be read.
    fn file(&mut self, path: &Path, rel: &str, name: &str, link: bool, within: Option<&Snapshot>) -> Option<ReadFile> {
        let rel = join(rel, name);
        let mut hash = None;
        let target = if link {
            let target = self.follow(path, &rel, within)?;
            hash = within.and_then(|_| cache::blob_hash(&target));
            target
        } else {
            path.to_path_buf()
        };
        let (bytes, mut said) = read(&target, &rel, name);
        if let Some(hash) = hash {
            let evidence = Evidence { file: rel.clone(), key: "blob".to_owned(), ..Evidence::default() };
            said.facts.push(Fact { kind: FactKind::Sha256, value: hash, evidence });
        }
        Some(ReadFile { path: rel, bytes, said })
    }

    /// Where a link leads, if it may be followed: inside the root, in a cache into the repository's own blobs.
    fn follow(&mut self, path: &Path, rel: &str, within: Option<&Snapshot>) -> Option<PathBuf> {
        let Ok(target) = path.canonicalize() else {
            self.warn("link-broken", "a link that leads nowhere: the file is missing", rel);
            return None;
        };
        let inside = match within {
            Some(s) => s.blobs.as_ref().is_some_and(|b| target.starts_with(b)),
            None => target.starts_with(&self.root),
        };
        if !inside {
            self.warn("link-outside", "a link that leads out of the folder: it is not followed", rel);
            return None;
        }
        // a link to a folder is not followed: what lies inside is walked where it lies
        target.is_file().then_some(target)
    }

    fn entries(&mut self, dir: &Path, rel: &str) -> Option<Entries> {
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
                let told = self.diagnostics.iter().any(|d| d.code == "too-many-entries");
                if !told {
                    self.warn("too-many-entries", "more files and folders than are read in one walk", rel);
                }
                break;
            }
            self.entries_left -= 1;
            let Ok(entry) = entry else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() {
                entries.folders.push((name, entry.path()));
            } else if kind.is_file() || kind.is_symlink() {
                if entries.files.len() < self.limits.files_per_model_max {
                    entries.files.push((name, entry.path(), kind.is_symlink()));
                } else if entries.files.len() == self.limits.files_per_model_max {
                    self.note("too-many-files", "more files than are read of one folder", rel);
                }
            }
        }
        entries.files.sort();
        entries.folders.sort();
        Some(entries)
    }

    fn warn(&mut self, code: &'static str, message: &str, rel: &str) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(Diagnostic::warning(code, message).in_file(rel));
        }
    }

    fn note(&mut self, code: &'static str, message: &str, rel: &str) {
        if !self.diagnostics.iter().any(|d| d.code == code) {
            self.warn(code, message, rel);
        }
    }
}

fn join(rel: &str, name: &str) -> String {
    if rel.is_empty() { name.to_owned() } else { format!("{rel}/{name}") }
}

/// Size and content of a file; a file that cannot be read says so.
pub(crate) fn read(path: &Path, rel: &str, name: &str) -> (u64, FileFacts) {
    let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    if ending.is_some_and(|e| UNOPENED.contains(&e.as_str())) {
        return (fs::metadata(path).map(|m| m.len()).unwrap_or(0), FileFacts::default());
    }
    match DiskFile::open(path) {
        Ok(file) => (freehold_artifact::ReadAt::size(&file), read_file(rel, &file)),
        Err(e) => (0, unreadable(rel, &e)),
    }
}

fn unreadable(rel: &str, error: &io::Error) -> FileFacts {
    let message = format!("the file cannot be read: {}", error.kind());
    FileFacts { diagnostics: vec![Diagnostic::warning("unreadable", message).in_file(rel)], ..FileFacts::default() }
}
