//! The walk over folders: which files belong to which model.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use freehold_artifact::Artifact;
use freehold_artifact::manifest::{self, Digest};
use freehold_base::{Diagnostic, FactKind, Severity};

use crate::ahead::{Ahead, BATCH, Coming, WINDOW};
use crate::cache::{self, Snapshot};
use crate::disk::read_small;
use crate::gather::{self, ReadFile};
use crate::oci::{self, Blobs, Named, Shape};
use crate::ollama::Place;
use crate::reader::{DIAGNOSTICS_MAX, LINK_OUTSIDE, ReadFolder, Reader, join};
use crate::{Limits, docker, places, said};

/// Folders that hold no model of their own.
const SKIPPED: &[&str] =
    &[".git", ".hg", ".svn", ".locks", ".no_exist", "__pycache__", "node_modules", ".ipynb_checkpoints"];

/// Longest ref of a cached repository, in bytes: it names a commit.
const REF_BYTES_MAX: usize = 256;

const TOO_DEEP: &str = "deeper than is read";

/// A walk under way.
pub(crate) struct Walk<'w> {
    limits: &'w Limits,
    /// Reads folders and files.
    reader: Reader<'w>,
    /// Reads the folders that come next, where there are threads for it.
    ahead: Option<Ahead>,
    /// What is read of a folder that the walk has not come to.
    early: Option<Early>,
    /// The first artifact waits, because files around it are its own where it stays the only one.
    held: Option<Artifact>,
    /// True where the held artifact is a store's: files around it are not its own.
    held_is_stored: bool,
    emitted: usize,
    out: &'w mut dyn FnMut(Artifact),
}

/// The folders of one level while the walk is below one of them.
#[derive(Clone, Copy)]
struct Level<'l> {
    coming: &'l VecDeque<(usize, Coming)>,
    folders: &'l [(String, PathBuf)],
    rel: &'l str,
}

/// What was ordered of a folder, and what of the level that it is on.
#[derive(Default)]
struct Ordered<'l> {
    /// What is read of it ahead.
    read: Option<Coming>,
    up: Option<Level<'l>>,
}

/// Folders that were ordered before the walk came to the folder that holds them.
#[derive(Default)]
struct Early {
    dir: PathBuf,
    /// How many folders it listed: numbers in `coming` are theirs.
    listed: usize,
    coming: VecDeque<(usize, Coming)>,
    next: usize,
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

impl<'w> Walk<'w> {
    pub(crate) fn new(root: &'w Path, limits: &'w Limits, out: &'w mut dyn FnMut(Artifact)) -> Walk<'w> {
        let reader = Reader::new(root, limits, limits.entries_max);
        Walk { limits, reader, ahead: None, early: None, held: None, held_is_stored: false, emitted: 0, out }
    }

    /// Walks the root, which the user calls `name`.
    pub(crate) fn run(mut self, name: &str) -> Vec<Diagnostic> {
        let (root, limits) = (self.reader.root, self.limits);
        std::thread::scope(|scope| {
            self.ahead = Ahead::start(scope, root, limits);
            self.whole(name)
        })
    }

    fn whole(mut self, name: &str) -> Vec<Diagnostic> {
        let root = self.reader.root.to_path_buf();
        if let Some(snapshot) = cache::snapshot_of(&root) {
            self.snapshot(&root, "", &snapshot, false, Vec::new());
        } else if cache::repository(name).is_some() && is_own_folder(&root.join("snapshots")) {
            self.repository(&root, "");
        } else {
            let loose = self.folder(&root, "", name, 0, Above::Nothing, Ordered::default());
            self.leftovers(loose);
        }
        if let Some(last) = self.held.take() {
            (self.out)(last);
        }
        self.reader.diagnostics
    }

    /// Walks a store of blobs, which is the root; false where there is nothing of it.
    pub(crate) fn run_store(mut self, only: &Only) -> (bool, Vec<Diagnostic>) {
        let root = self.reader.root.to_path_buf();
        let found = self.blobs(&root, "", only);
        if let Some(last) = self.held.take() {
            (self.out)(last);
        }
        (found, self.reader.diagnostics)
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
            if self.reader.diagnostics.len() < DIAGNOSTICS_MAX {
                self.reader.diagnostics.push(d.clone());
            }
        }
        for file in loose.iter().filter(|f| !f.said.texts.is_empty()).take(if self.emitted > 0 { 16 } else { 0 }) {
            let message = if self.emitted > 1 {
                "a text above several models: which of them it speaks for is not known, so it counts for none"
            } else {
                "a text outside the store that the model lies in: it counts for none"
            };
            self.reader.diagnostics.push(Diagnostic {
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
    ///
    /// `read` is what was read of it ahead, `up` the level that it is on.
    fn folder(
        &mut self,
        dir: &Path,
        rel: &str,
        name: &str,
        depth: usize,
        above: Above,
        Ordered { read, up }: Ordered<'_>,
    ) -> Vec<ReadFile> {
        let read = match (read, &self.ahead) {
            (Some(coming), Some(ahead)) => ahead.take(&coming),
            _ => None,
        };
        let read = match read {
            Some(read) => self.reader.take_over(read, rel),
            None => self.reader.folder(dir, rel),
        };
        let Some(ReadFolder { mut folders, mut own, marked, linked_blobs, .. }) = read else { return Vec::new() };
        let listed = folders.len();
        let holds = |n: &str| folders.iter().any(|(f, _)| f == n);
        if holds("manifests") && (linked_blobs || holds("blobs")) && self.blobs(dir, rel, &Only::All) {
            folders.retain(|(n, _)| !["manifests", "blobs", "bundles"].contains(&n.as_str()));
        } else if linked_blobs {
            self.reader.warn("link-outside", LINK_OUTSIDE, &join(rel, "blobs"));
        }
        if own.iter().any(|f| f.repository.is_some()) {
            for artifact in gather::by_repository(&mut own) {
                self.emit_stored(artifact);
            }
        }
        let loose_files = above != Above::Whole && places::is_loose(dir) && !gather::has_config(&own);
        if loose_files || places::is_torch_hub(dir) {
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
        let (mut coming, mut next) = match self.early.take_if(|e| e.dir == dir) {
            // numbers of folders that were ordered early are of the whole list
            Some(early) if early.listed == folders.len() && listed == early.listed => (early.coming, early.next),
            Some(early) => {
                early.coming.iter().for_each(|(_, c)| drop(self.ahead.as_ref().and_then(|a| a.take(c))));
                (VecDeque::new(), 0)
            }
            None => (VecDeque::new(), 0),
        };
        let above_rel = rel;
        for (at, (child, path)) in folders.iter().enumerate() {
            let rel = join(rel, child);
            if SKIPPED.contains(&child.as_str()) {
                continue;
            }
            if depth < self.limits.depth_max {
                self.order(&folders, above_rel, &mut next, &mut coming);
                if next >= folders.len() && coming.len() + BATCH <= WINDOW {
                    self.order_early(up);
                }
            }
            let hub = is_hub(child);
            if hub && is_own_folder(&path.join("snapshots")) {
                // datasets and apps are no models
                if !cache::is_other(child) {
                    self.repository(path, &rel);
                }
            } else if depth >= self.limits.depth_max {
                self.reader.note("too-deep", TOO_DEEP, &rel);
            } else {
                let read = coming.pop_front_if(|(i, _): &mut (usize, Coming)| *i == at).map(|(_, c)| c);
                let here = Level { coming: &coming, folders: &folders, rel: above_rel };
                let mut found = self.folder(path, &rel, &rel, depth + 1, below, Ordered { read, up: Some(here) });
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
        let artifacts = gather::split(kept.as_ref().map_or(name, |k| k.repository.as_str()), own, loose);
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

    /// Has the folders of the next folder one level up read, where all of this level are on their way: else the threads that read
    /// would wait at the end of each folder.
    fn order_early(&mut self, up: Option<Level<'_>>) {
        let (Some(up), Some(ahead), None) = (up, &self.ahead, &self.early) else { return };
        let Some((at, coming)) = up.coming.front() else { return };
        let (Some(below), Some((name, dir))) = (ahead.below(coming), up.folders.get(*at)) else { return };
        let mut early = Early { dir: dir.clone(), listed: below.len(), ..Early::default() };
        self.order(&below, &join(up.rel, name), &mut early.next, &mut early.coming);
        self.early = Some(early);
    }

    /// Has the folders read that come next.
    fn order(
        &self,
        folders: &[(String, PathBuf)],
        rel: &str,
        next: &mut usize,
        coming: &mut VecDeque<(usize, Coming)>,
    ) {
        let Some(ahead) = &self.ahead else { return };
        while coming.len() + BATCH <= WINDOW && *next < folders.len() && !ahead.is_full() {
            let (mut numbers, mut batch) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
            while batch.len() < BATCH
                && let Some((child, path)) = folders.get(*next)
            {
                // repositories of a cache are read by their snapshots
                if !SKIPPED.contains(&child.as_str()) && !is_hub(child) {
                    numbers.push(*next);
                    batch.push((path.clone(), join(rel, child)));
                }
                *next += 1;
            }
            coming.extend(numbers.into_iter().zip(ahead.order(batch)));
        }
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
                let Some(entries) = self.reader.entries(&dir, &join(rel, &format!("manifests/{}", parts.join("/"))))
                else {
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
        let index = read_small(&store.join("models.json"), manifest::BYTES_MAX).unwrap_or_default();
        let mut names = docker::names(&index);
        let Some(entries) = self.reader.entries(&store.join("manifests/sha256"), &join(rel, "manifests/sha256")) else {
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
                self.reader.warn(
                    "link-outside",
                    "a manifest that is a link out of the store: it is not followed",
                    &file,
                );
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
        // what the user gave is the root: a known store of this machine is given too
        let linked = oci::linked_blobs(store, rel.is_empty());
        let blobs = Blobs { store, rel, shape, linked };
        for artifact in blobs.artifacts(Named { name, repository, file, bytes }, manifest) {
            self.emit_stored(artifact);
        }
        true
    }

    /// `models--org--name`: every snapshot is an artifact.
    fn repository(&mut self, dir: &Path, rel: &str) {
        let snapshots = dir.join("snapshots");
        let mut told = self.cache_state(dir, rel);
        let place = join(rel, "snapshots");
        let Some(entries) = self.reader.entries(&snapshots, &place) else { return };
        let several = entries.folders.len() > 1;
        if entries.folders.is_empty() {
            self.reader.warn("no-snapshot", "a cached repository without a snapshot: nothing of it is here", rel);
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
        let entries = refs.is_dir().then(|| self.reader.entries(&refs, &place)).flatten();
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
        let entries = blobs.is_dir().then(|| self.reader.entries(&blobs, &join(rel, "blobs"))).flatten();
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
            let Some(entries) = self.reader.entries(&dir, &rel) else { continue };
            for (name, path, link) in entries.files {
                if files.len() >= self.limits.files_per_model_max {
                    self.reader.note("too-many-files", "more files than are read of one model", &rel);
                    break;
                }
                files.extend(self.reader.file(&path, &rel, &name, link, Some(snapshot), None));
            }
            if depth < self.limits.depth_max {
                pending.extend(entries.folders.into_iter().map(|(n, p)| (p, join(&rel, &n), depth + 1)));
            } else if !entries.folders.is_empty() {
                self.reader.note("too-deep", TOO_DEEP, &rel);
            }
        }
        let short: String = snapshot.revision.chars().take(12).collect();
        let name = if several { format!("{}@{short}", snapshot.repository) } else { snapshot.repository.clone() };
        let mut artifact = gather::artifact(name, files);
        artifact.facts.splice(0..0, snapshot.facts());
        artifact.diagnostics.splice(0..0, told);
        self.emit_stored(artifact);
    }
}

/// True for the name of a repository's folder in the Hugging Face cache.
fn is_hub(name: &str) -> bool {
    cache::repository(name).is_some() || cache::is_other(name)
}

/// True for a folder that is none by way of a link, which could lead anywhere.
fn is_own_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}
