//! Folders, files and the stores of model tools, read into artifacts.
//!
//! Which files make one artifact:
//! - A folder that directly holds a *model file* is a model: weights or a git-lfs pointer to them, `config.json`,
//!   `adapter_config.json`, `model_index.json`, a merge recipe, a card with a model's front matter. The folders below
//!   it are part of it, except those that are models themselves; below `model_index.json` or `modules.json`
//!   everything is part.
//! - A folder of several GGUF models with neither card nor config is divided by their headers' names.
//! - Each snapshot of a repository in the Hugging Face cache is one artifact; so is each manifest of Ollama and of
//!   Docker Model Runner, found where `manifests` and `blobs` lie, and each repository of llama.cpp's flat folder.
//! - An archive that is no model's container (a product's zip, a container image) is divided like a folder.
//! - Where image programs keep loose files (`models/checkpoints`, `models/loras`, …) each file is a model, with the
//!   small files of its name that say what it is.
//! - A Modelfile that names its parent is a model; one that is made from a file beside it speaks for that.
//! - Files around the only model that is found belong to it; around several they belong to none, with a note.
//!
//! Regular files only, inside the given root only: a link is followed where it leads inside the root, in a cache into
//! the same repository's blobs, in a store inside the store; a store's whole `blobs` folder may be a link, see
//! `oci::linked_blobs`. Pipes, sockets and devices are told and not opened, the
//! tokens that lie beside stores are not opened at all. Nothing is written and nothing fetched; no environment variable
//! is read but those that the caller gives to [`stores`].

mod ahead;
mod cache;
mod disk;
mod docker;
mod gather;
mod oci;
mod ollama;
mod packed;
mod places;
mod reader;
mod said;
mod sidecar;
mod texts;
mod walk;

use std::path::{Path, PathBuf};

use freehold_artifact::manifest::Digest;
use freehold_artifact::{Artifact, clean_name};
use freehold_base::{Diagnostic, FactKind};

use walk::Only;

pub use disk::DiskFile;
pub use places::{Store, StoreKind, known_stores, stores};
pub use texts::read_texts;

/// How far a walk goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Folders below the root, in levels.
    pub depth_max: usize,
    /// Files and folders of one walk.
    pub entries_max: usize,
    /// Files of one folder or one snapshot.
    pub files_per_model_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth_max: 12, entries_max: 2_000_000, files_per_model_max: 10_000 }
    }
}

/// Every model in `path`, a folder or a file, sorted by name. What is wrong with the walk itself (a link that leads
/// out, a limit that was reached) is told with the first artifact.
///
/// # Errors
/// `path` is absent, unreadable, or neither a folder nor a regular file; nothing was found and the walk did not see all.
#[expect(clippy::result_large_err, reason = "one result for a whole walk")]
pub fn open(path: &Path, limits: &Limits) -> Result<Vec<Artifact>, Diagnostic> {
    let mut artifacts = Vec::new();
    let diagnostics = each(path, limits, &mut |a| artifacts.push(a))?;
    artifacts.sort_by(|a, b| a.root_name.cmp(&b.root_name));
    match artifacts.first_mut() {
        Some(first) => first.diagnostics.extend(diagnostics),
        // nothing was found, and the walk itself went wrong: that is not the same as nothing there
        None => diagnostics.into_iter().next().map_or(Ok(()), Err)?,
    }
    Ok(artifacts)
}

/// Folder names that say what lies in them and not what it is called.
const GENERIC: &[&str] =
    &["adapter", "checkpoint", "dist", "final", "hf", "merged", "model", "models", "out", "output", "weights"];

/// The name that the user gave, unless it is `.` or ends in `..`; for a folder that is called `model` the name of the
/// folder around it.
fn name_of(path: &Path, root: &Path) -> String {
    let own = path.file_name().or(root.file_name()).map(|n| clean_name(&n.to_string_lossy())).unwrap_or_default();
    let generic = root.is_dir() && GENERIC.contains(&own.to_ascii_lowercase().as_str());
    let around = root.parent().and_then(Path::file_name).map(|n| clean_name(&n.to_string_lossy()));
    around.filter(|_| generic).unwrap_or(own)
}

/// The name of a model among the folders of a walk (`support-bot/model` is `support-bot`).
pub fn base_name(root_name: &str) -> &str {
    let mut parts = root_name.rsplit('/');
    let last = parts.next().unwrap_or(root_name);
    if GENERIC.contains(&last.to_ascii_lowercase().as_str()) { parts.next().unwrap_or(last) } else { last }
}

/// [`open`] without keeping them: `out` gets each artifact as it is complete, folders below before those above.
/// Gives back what is wrong with the walk itself.
///
/// # Errors
/// As [`open`].
#[expect(clippy::result_large_err, reason = "one result for a whole walk")]
pub fn each(path: &Path, limits: &Limits, out: &mut dyn FnMut(Artifact)) -> Result<Vec<Diagnostic>, Diagnostic> {
    let root = path.canonicalize().map_err(|e| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { "source-not-found" } else { "unreadable" };
        Diagnostic::error(code, format!("`{}` cannot be read: {}", path.display(), e.kind()))
            .help("give a folder, a file, or a Hugging Face cache that exists")
    })?;
    let name = name_of(path, &root);
    let metadata = root
        .metadata()
        .map_err(|e| Diagnostic::error("unreadable", format!("`{}` cannot be read: {}", path.display(), e.kind())))?;
    if !metadata.is_dir() && !metadata.is_file() {
        let message = format!("`{}` is neither a folder nor a regular file", path.display());
        return Err(Diagnostic::error("source-not-a-file", message));
    }
    if let Some((store, only)) = store_around(&root) {
        let (found, diagnostics) = walk::Walk::new(&store, limits, out).run_store(&only);
        if found {
            return Ok(diagnostics);
        }
    }
    if metadata.is_dir() {
        return Ok(walk::Walk::new(&root, limits, out).run(&name));
    }
    if let Some((disk, members)) = archive(&root, &name) {
        let (artifacts, diagnostics) = packed::artifacts(&name, &disk, members);
        artifacts.into_iter().for_each(out);
        return Ok(diagnostics);
    }
    let mut file = reader::read(&root, &name, &name, None);
    let hash = root.parent().and_then(Path::file_name).filter(|n| *n == "blobs").and(Digest::parse(&name));
    file.said.facts.extend(hash.and_then(|h| said::fact(FactKind::Sha256, h.hex(), &name, "name")));
    let mut artifact = Artifact { root_name: name.clone(), ..Artifact::default() };
    artifact.add(name, file.bytes, file.said);
    // a file inside a snapshot: its folders say what it is
    if let Some(snapshot) = path.parent().and_then(cache::snapshot_of) {
        artifact.root_name = snapshot.repository.clone();
        artifact.facts.splice(0..0, snapshot.facts());
    } else if let Some(kept) = root.parent().and_then(|folder| places::kept(folder, false)) {
        let fact = said::fact(FactKind::Repository, &kept.repository, &kept.folder, "folder");
        artifact.facts.splice(0..0, fact);
        artifact.root_name = kept.repository;
    }
    out(artifact);
    Ok(Vec::new())
}

/// True for an archive of several works: a product's zip, a container image.
pub fn is_archive(path: &Path) -> bool {
    path.is_file() && path.canonicalize().is_ok_and(|root| archive(&root, &name_of(path, &root)).is_some())
}

fn archive(root: &Path, name: &str) -> Option<(DiskFile, freehold_artifact::Members)> {
    let disk = DiskFile::open(root).ok()?;
    let members = freehold_artifact::members(name, &disk)?;
    Some((disk, members))
}

/// Folders above a path inside a store of blobs, up to the store: `manifests/{host}/{namespace}/{name}/{tag}`.
const STORE_LEVELS: usize = 5;

/// The store of blobs that `path` lies in, and what of it `path` is.
fn store_around(path: &Path) -> Option<(PathBuf, Only)> {
    for store in path.ancestors().skip(1).take(STORE_LEVELS) {
        let inside = path.strip_prefix(store).ok()?;
        let mut parts = inside.iter().map(|p| p.to_string_lossy().into_owned());
        let first = parts.next()?;
        if !(first == "manifests" || first == "blobs") {
            continue;
        }
        // the blobs may be a link to another disk
        let is_store =
            store.join("manifests").symlink_metadata().is_ok_and(|m| m.is_dir()) && store.join("blobs").is_dir();
        if !is_store {
            continue;
        }
        let rest: Vec<String> = parts.collect();
        let blob = match rest.as_slice() {
            [name] => Digest::parse(name),
            [kind, hex] => Digest::parse(&format!("{kind}:{hex}")),
            _ => None,
        };
        let only = match (first.as_str(), blob) {
            ("manifests", _) => Only::Under(rest),
            (_, Some(digest)) => Only::Blob(digest),
            (_, None) if rest.is_empty() => Only::All,
            (_, None) => return None,
        };
        return Some((store.to_path_buf(), only));
    }
    None
}
