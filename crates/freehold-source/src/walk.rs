//! The walk over folders: which files belong to which model.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use freehold_artifact::{Artifact, FileFacts, ReadAt, clean_name, read_file};
use freehold_base::{Diagnostic, Evidence, Fact, FactKind, Severity};

use crate::cache::{self, Snapshot};
use crate::disk::{DiskFile, read_small};
use crate::gather::{self, ReadFile};
use crate::oci::{self, Blobs, Digest, Named, Shape};
use crate::ollama::Place;
use crate::sidecar::{self, Origin};
use crate::{Limits, docker, modelfile, places, said};

/// Folders that hold no model of their own.
const SKIPPED: &[&str] =
    &[".git", ".hg", ".svn", ".locks", ".no_exist", "__pycache__", "node_modules", ".ipynb_checkpoints"];

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

/// Longest ref of a cached repository, in bytes: it names a commit.
const REF_BYTES_MAX: usize = 256;

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
    /// True where the held artifact is a store's: files around it are not its own.
    held_is_stored: bool,
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

/// What of a store the user pointed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Only {
    /// All of it.
    All,
    /// The manifests at or below these folders under `manifests`.
    Under(Vec<String>),
    /// The models that hold this blob.
    Blob(Digest),
}

/// A folder's entries, sorted by name.
struct Entries {
    /// Name, path, and whether it is a link.
    files: Vec<(String, PathBuf, bool)>,
    folders: Vec<(String, PathBuf)>,
}

impl<'w> Walk<'w> {
    pub(crate) fn new(root: PathBuf, limits: &'w Limits, out: &'w mut dyn FnMut(Artifact)) -> Walk<'w> {
        let entries_left = limits.entries_max;
        Walk { limits, root, entries_left, held: None, held_is_stored: false, emitted: 0, out, diagnostics: Vec::new() }
    }

    /// Walks the root, which the user calls `name`.
    pub(crate) fn run(mut self, name: &str) -> Vec<Diagnostic> {
        let root = self.root.clone();
        if let Some(snapshot) = cache::snapshot_of(&root) {
            self.snapshot(&root, "", &snapshot, false, Vec::new());
        } else if cache::repository(name).is_some() && is_own_folder(&root.join("snapshots")) {
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

    /// Walks a store of blobs, which is the root; false where there is nothing of it.
    pub(crate) fn run_store(mut self, only: &Only) -> (bool, Vec<Diagnostic>) {
        let root = self.root.clone();
        let found = self.blobs(&root, "", only);
        if let Some(last) = self.held.take() {
            (self.out)(last);
        }
        (found, self.diagnostics)
    }

    /// Files outside every model folder: they speak for the only model there is, or for none in particular.
    fn leftovers(&mut self, loose: Vec<ReadFile>) {
        if self.emitted == 1
            && !self.held_is_stored
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
        for file in loose.iter().filter(|f| !f.said.texts.is_empty()).take(if self.emitted > 0 { 16 } else { 0 }) {
            let message = if self.emitted > 1 {
                "a text above several models: which of them it speaks for is not known, so it counts for none"
            } else {
                "a text outside the store that the model lies in: it counts for none"
            };
            self.diagnostics.push(Diagnostic {
                severity: Severity::Note,
                ..Diagnostic::warning("text-outside-model", message).in_file(&file.path)
            });
        }
    }

    fn emit(&mut self, artifact: Artifact) {
        self.emitted += 1;
        self.held_is_stored = false;
        if let Some(earlier) = self.held.replace(artifact) {
            (self.out)(earlier);
        }
    }

    /// [`Walk::emit`] for what a tool's store says is a model of its own.
    fn emit_stored(&mut self, artifact: Artifact) {
        self.emit(artifact);
        self.held_is_stored = true;
    }

    /// Reads a folder; what belongs to no model in or below it goes back to the caller.
    fn folder(&mut self, dir: &Path, rel: &str, name: &str, depth: usize, above: Above) -> Vec<ReadFile> {
        let Some(mut entries) = self.entries(dir, rel) else { return Vec::new() };
        let holds = |e: &Entries, n: &str| e.folders.iter().any(|(f, _)| f == n);
        if holds(&entries, "manifests") && holds(&entries, "blobs") && self.blobs(dir, rel, &Only::All) {
            entries.folders.retain(|(n, _)| !["manifests", "blobs", "bundles"].contains(&n.as_str()));
        }
        let mut origins = sidecar::origins(&entries.files, rel);
        let marked = entries.files.iter().any(|(n, _, _)| MODELSCOPE.contains(&n.as_str()));
        let mut own = Vec::new();
        for (name, path, link) in entries.files {
            let origin = origins.remove(&name);
            own.extend(self.file(&path, rel, &name, link, None, origin));
        }
        if own.iter().any(|f| f.repository.is_some()) {
            for artifact in gather::by_repository(&mut own) {
                self.emit_stored(artifact);
            }
        }
        if places::is_torch_hub(dir) {
            for artifact in gather::one_by_one(rel, &mut own) {
                self.emit_stored(artifact);
            }
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
            let hub = cache::repository(&child).is_some() || cache::is_other(&child);
            if hub && is_own_folder(&path.join("snapshots")) {
                // datasets and apps are no models
                if !cache::is_other(&child) {
                    self.repository(&path, &rel);
                }
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
        let kept = places::kept(dir, marked);
        let artifacts = gather::split(kept.as_ref().map_or(name, |k| k.repository.as_str()), &own, loose);
        for mut artifact in artifacts {
            let Some(kept) = &kept else {
                self.emit(artifact);
                continue;
            };
            let fact = said::fact(FactKind::Repository, &kept.repository, &kept.folder, "folder");
            artifact.facts.splice(0..0, fact);
            self.emit_stored(artifact);
        }
        Vec::new()
    }

    /// A store of blobs: every manifest is an artifact. False where no manifest is found.
    fn blobs(&mut self, dir: &Path, rel: &str, only: &Only) -> bool {
        // a link may lead anywhere: the store is where its folder really lies
        let Ok(store) = dir.canonicalize() else { return false };
        if store.join("manifests/sha256").is_dir() {
            self.docker(&store, rel, only)
        } else {
            self.ollama(&store, rel, only)
        }
    }

    fn ollama(&mut self, store: &Path, rel: &str, only: &Only) -> bool {
        let wanted = |parts: &[String]| match only {
            Only::Under(under) => under.iter().zip(parts).all(|(a, b)| a == b),
            Only::All | Only::Blob(_) => true,
        };
        let mut level = vec![(store.join("manifests"), Vec::<String>::new())];
        let mut manifests = Vec::new();
        for depth in 0..4 {
            let mut next = Vec::new();
            for (dir, parts) in level {
                // a file manager leaves its own hidden files; no name of a model begins with a dot
                let below = |name: &str| {
                    if name.starts_with('.') {
                        return None;
                    }
                    let parts: Vec<String> = parts.iter().cloned().chain([name.to_owned()]).collect();
                    wanted(&parts).then_some(parts)
                };
                let Some(entries) = self.entries(&dir, &join(rel, &format!("manifests/{}", parts.join("/")))) else {
                    continue;
                };
                next.extend(entries.folders.into_iter().filter_map(|(n, p)| Some((p, below(&n)?))));
                if depth == 3 {
                    manifests.extend(entries.files.into_iter().filter_map(|(n, p, l)| Some((p, l, below(&n)?))));
                }
            }
            level = next;
        }
        let mut found = false;
        for (path, link, parts) in manifests {
            let Some(place) = Place::of(&parts) else { continue };
            let named = (place.display(), place.repository());
            let file = join(rel, &format!("manifests/{}", parts.join("/")));
            found |= self.manifest(store, rel, Shape::Dash, (&path, link), file, named, only);
        }
        found
    }

    fn docker(&mut self, store: &Path, rel: &str, only: &Only) -> bool {
        let index = read_small(&store.join("models.json"), oci::MANIFEST_BYTES_MAX).unwrap_or_default();
        let mut names = docker::names(&index);
        let Some(entries) = self.entries(&store.join("manifests/sha256"), &join(rel, "manifests/sha256")) else {
            return false;
        };
        let mut found = false;
        for (hex, path, link) in entries.files {
            let file = join(rel, &format!("manifests/sha256/{hex}"));
            let under = matches!(only, Only::Under(parts) if parts.get(1).is_some_and(|p| *p != hex));
            if under || Digest::parse(&format!("sha256:{hex}")).is_none() {
                continue;
            }
            let short: String = hex.chars().take(12).collect();
            let mut tags = names.remove(&hex).unwrap_or_default();
            if tags.is_empty() {
                tags.push(format!("sha256:{short}"));
            }
            for tag in tags {
                let repository = docker::repository(&tag);
                let named = (tag, repository);
                found |= self.manifest(store, rel, Shape::Folder, (&path, link), file.clone(), named, only);
            }
        }
        found
    }

    #[expect(clippy::too_many_arguments, reason = "one place where both stores meet")]
    fn manifest(
        &mut self,
        store: &Path,
        rel: &str,
        shape: Shape,
        (path, link): (&Path, bool),
        file: String,
        (name, repository): (String, Option<String>),
        only: &Only,
    ) -> bool {
        let path = if link {
            let target = path.canonicalize().ok().filter(|t| t.starts_with(store));
            let Some(target) = target else {
                self.warn("link-outside", "a manifest that is a link out of the store: it is not followed", &file);
                return false;
            };
            target
        } else {
            path.to_path_buf()
        };
        let (bytes, manifest) = oci::read_manifest(&path, &file, self.limits.files_per_model_max);
        if matches!(only, Only::Blob(digest) if !manifest.holds(digest)) {
            return false;
        }
        let blobs = Blobs { store, rel, shape };
        self.emit_stored(blobs.artifact(Named { name, repository, file, bytes }, manifest));
        true
    }

    /// `models--org--name`: every snapshot is an artifact.
    fn repository(&mut self, dir: &Path, rel: &str) {
        let snapshots = dir.join("snapshots");
        let mut told = self.cache_state(dir, rel);
        let place = join(rel, "snapshots");
        let Some(entries) = self.entries(&snapshots, &place) else { return };
        let several = entries.folders.len() > 1;
        if entries.folders.is_empty() {
            self.warn("no-snapshot", "a cached repository without a snapshot: nothing of it is here", rel);
        }
        for (revision, path) in entries.folders {
            if let Some(snapshot) = cache::snapshot_of(&path) {
                let told = std::mem::take(&mut told);
                self.snapshot(&path, &join(&place, &revision), &snapshot, several, told);
            }
        }
    }

    /// What a cached repository's refs and blobs show to be missing.
    fn cache_state(&mut self, dir: &Path, rel: &str) -> Vec<Diagnostic> {
        let mut told = Vec::new();
        let refs = dir.join("refs");
        let place = join(rel, "refs");
        let entries = refs.is_dir().then(|| self.entries(&refs, &place)).flatten();
        for (name, path, link) in entries.map(|e| e.files).unwrap_or_default() {
            let file = join(&place, &name);
            let commit = if link { None } else { read_small(&path, REF_BYTES_MAX).ok() };
            let commit = commit.and_then(|b| String::from_utf8(b).ok()).map(|t| t.trim().to_owned());
            match commit.filter(|c| cache::is_commit(c)) {
                Some(commit) if !dir.join("snapshots").join(&commit).is_dir() => {
                    let message = format!("`{name}` is the commit {commit}, which is not here");
                    told.push(said::note("ref-missing", message, &file));
                }
                Some(_) => {}
                None => told.push(Diagnostic::warning("ref-broken", "a ref that names no commit").in_file(&file)),
            }
        }
        let blobs = dir.join("blobs");
        let entries = blobs.is_dir().then(|| self.entries(&blobs, &join(rel, "blobs"))).flatten();
        let incomplete = entries.map(|e| e.files).unwrap_or_default();
        let incomplete = incomplete.iter().filter(|(n, _, _)| n.ends_with(".incomplete")).count();
        if incomplete > 0 {
            let message = format!("files whose download is not complete: {incomplete}; what they say is not known");
            told.push(Diagnostic::warning("download-incomplete", message).in_file(join(rel, "blobs")));
        }
        told
    }

    /// Reads a snapshot; `told` is what is wrong with its repository.
    fn snapshot(&mut self, dir: &Path, rel: &str, snapshot: &Snapshot, several: bool, told: Vec<Diagnostic>) {
        let mut files = Vec::new();
        let mut pending = vec![(dir.to_path_buf(), rel.to_owned(), 0_usize)];
        while let Some((dir, rel, depth)) = pending.pop() {
            let Some(entries) = self.entries(&dir, &rel) else { continue };
            for (name, path, link) in entries.files {
                if files.len() >= self.limits.files_per_model_max {
                    self.note("too-many-files", "more files than are read of one model", &rel);
                    break;
                }
                files.extend(self.file(&path, &rel, &name, link, Some(snapshot), None));
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
        artifact.diagnostics.splice(0..0, told);
        self.emit_stored(artifact);
    }

    /// Reads one file, if it may be read; `origin` is where it was downloaded.
    fn file(
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
            None => target.starts_with(&self.root),
        };
        if !inside {
            self.warn("link-outside", "a link that leads out of the folder: it is not followed", rel);
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

/// True for a folder that is none by way of a link, which could lead anywhere.
fn is_own_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}

fn join(rel: &str, name: &str) -> String {
    if rel.is_empty() { name.to_owned() } else { format!("{rel}/{name}") }
}

/// What is told of a pipe, a socket, a device.
const NOT_A_FILE: &str = "a pipe, a socket or a device, no file: it is not opened";

/// Size and content of a file; a file that cannot be read says so. `called` is its name where it was downloaded.
pub(crate) fn read(path: &Path, rel: &str, name: &str, called: Option<&str>) -> ReadFile {
    let real = path.file_name().and_then(|n| n.to_str()).unwrap_or(name);
    if SECRET.contains(&name) || SECRET.contains(&real) || is_unopened(name) {
        let bytes = fs::metadata(path).map(|m| m.len()).unwrap_or(0);
        return ReadFile::new(rel.to_owned(), bytes, FileFacts::default());
    }
    let disk = match DiskFile::open(path) {
        Ok(disk) => disk,
        Err(e) => return ReadFile::new(rel.to_owned(), 0, unreadable(rel, &e)),
    };
    if modelfile::is_name(name) {
        return recipe(path, rel, &disk);
    }
    let mut said = match called {
        Some(called) => {
            let folder = rel.strip_suffix(name).unwrap_or_default();
            said::read_as(&format!("{folder}{called}"), rel, &disk)
        }
        None => read_file(rel, &disk),
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

fn is_unopened(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, e)| e);
    UNOPENED.iter().any(|u| u.eq_ignore_ascii_case(ending))
}

fn recipe(path: &Path, rel: &str, disk: &DiskFile) -> ReadFile {
    let size = usize::try_from(disk.size()).unwrap_or(usize::MAX);
    let bytes = match disk.read_whole(size.min(modelfile::BYTES_MAX)) {
        Ok(bytes) => bytes,
        Err(e) => return ReadFile::new(rel.to_owned(), disk.size(), unreadable(rel, &e)),
    };
    let beside = |name: &str| path.parent().is_some_and(|p| p.join(name).symlink_metadata().is_ok());
    let mut recipe = modelfile::read(rel, &bytes, &beside);
    if size > bytes.len() {
        let message = format!("{size} bytes: only the first {} are read", bytes.len());
        recipe.said.diagnostics.push(Diagnostic::warning("file-too-long", message).in_file(rel));
    }
    ReadFile { made_from: recipe.files, ..ReadFile::new(rel.to_owned(), disk.size(), recipe.said) }
}

fn unreadable(rel: &str, error: &io::Error) -> FileFacts {
    let message = format!("the file cannot be read: {}", error.kind());
    FileFacts { diagnostics: vec![Diagnostic::warning("unreadable", message).in_file(rel)], ..FileFacts::default() }
}
