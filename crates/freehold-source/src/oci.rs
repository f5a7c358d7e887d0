//! Stores of blobs that manifests name by digest: Ollama's and Docker Model Runner's, with ModelPack's layers in either.
//!
//! A manifest is a file that anybody may have written: a digest is taken only in its one form and never as a path, and
//! a blob only where it lies inside the store.

use std::io;
use std::path::{Path, PathBuf};

use freehold_artifact::manifest::{BYTES_MAX, Digest, Layer, Manifest, Role, read_config};
use freehold_artifact::{Artifact, FileFacts, ReadAt, read_file, read_license};
use freehold_base::{Diagnostic, Fact, FactKind};

use crate::disk::{DiskFile, read_small};
use crate::gather::{self, ReadFile};
use crate::said;

/// How a store names its blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `blobs/sha256-{hex}`: Ollama.
    Dash,
    /// `blobs/sha256/{hex}`: Docker Model Runner.
    Folder,
}

/// A store of blobs.
pub(crate) struct Blobs<'s> {
    /// Its folder, canonical: no blob is read that lies elsewhere.
    pub(crate) store: &'s Path,
    /// That folder relative to the source's root, with `/`; empty where it is the root.
    pub(crate) rel: &'s str,
    pub(crate) shape: Shape,
    /// Where its `blobs` folder really lies, where that is a link which may be followed: [`linked_blobs`].
    pub(crate) linked: Option<PathBuf>,
}

/// Where a store's `blobs` folder lies, where it is a link that may be followed; `named` is true where the user gave
/// the store itself or it is one of this machine's.
///
/// People move the blobs to a bigger disk and leave a link. That link leads out of the folder that was given, so it is
/// followed on three conditions. The store itself was named: a store somewhere below a folder may have been unpacked
/// from anybody's archive. The link belongs to whom the store belongs to, or to root: in a store that several may write
/// to, another user's link would show files that only the reader may read. And nothing but a blob is taken from behind
/// it: a regular file of that very folder that is called by a digest ([`Blobs::locate`]), so a link to `/` or to a home
/// folder shows nothing of it. In an archive that the user unpacked the owner proves nothing; the last condition holds
/// there too.
pub(crate) fn linked_blobs(store: &Path, named: bool) -> Option<PathBuf> {
    let link = store.join("blobs");
    let metadata = link.symlink_metadata().ok().filter(std::fs::Metadata::is_symlink)?;
    if !named || !same_owner(&metadata, &store.metadata().ok()?) {
        return None;
    }
    link.canonicalize().ok().filter(|target| target.is_dir())
}

#[cfg(unix)]
fn same_owner(link: &std::fs::Metadata, store: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    link.uid() == store.uid() || link.uid() == 0
}

/// Making a link takes a right there that other users do not have.
#[cfg(not(unix))]
fn same_owner(_link: &std::fs::Metadata, _store: &std::fs::Metadata) -> bool {
    true
}

/// What a manifest is called and where it stands.
pub(crate) struct Named {
    /// As the tool shows it.
    pub(crate) name: String,
    /// `org/name`, where the store says which repository of a hub it is.
    pub(crate) repository: Option<String>,
    /// Path of the manifest.
    pub(crate) file: String,
    /// Size of the manifest, in bytes.
    pub(crate) bytes: u64,
}

impl Blobs<'_> {
    /// The blob's path relative to the store.
    fn place(&self, digest: &Digest) -> String {
        match self.shape {
            Shape::Dash => format!("blobs/sha256-{}", digest.hex()),
            Shape::Folder => format!("blobs/sha256/{}", digest.hex()),
        }
    }

    /// Where a blob lies, if it may be read: in the store, linked at most to another place in it; behind a link of the
    /// whole folder only as a blob of that folder.
    fn locate(&self, place: &str) -> Result<PathBuf, (&'static str, String)> {
        let path = self.store.join(place);
        let target = path.canonicalize().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                let partial = ["-partial", ".incomplete"].iter().any(|end| {
                    let mut name = path.clone().into_os_string();
                    name.push(end);
                    Path::new(&name).exists()
                });
                let why = if partial { "its download is not complete" } else { "it is not in the store" };
                ("blob-missing", why.to_owned())
            }
            kind => ("blob-unreadable", kind.to_string()),
        })?;
        let inside = match &self.linked {
            Some(blobs) => is_blob_of(blobs, &target, self.shape),
            None => target.starts_with(self.store),
        };
        if !inside {
            return Err(("link-outside", "it is a link that leads out of the store, which is not followed".to_owned()));
        }
        Ok(target)
    }

    /// Opens a layer's blob; tells what is wrong with it.
    fn open(&self, layer: &Layer, file: &str, out: &mut Vec<Diagnostic>) -> Option<(String, DiskFile)> {
        let place = self.place(&layer.digest);
        let shown = if self.rel.is_empty() { place.clone() } else { format!("{}/{place}", self.rel) };
        let opened = self
            .locate(&place)
            .and_then(|target| DiskFile::open(&target).map_err(|e| ("blob-unreadable", e.to_string())));
        let key = layer.key.strip_suffix(".digest").unwrap_or(&layer.key);
        match opened {
            Ok(disk) => {
                if let Some(bytes) = layer.bytes.filter(|b| *b != disk.size()) {
                    let message = format!("{} bytes where `{file}` states {bytes}: not the whole blob", disk.size());
                    out.push(Diagnostic::warning("blob-size", message).in_file(&shown));
                }
                Some((shown, disk))
            }
            Err((code, why)) => {
                let message = format!("the blob of `{key}` is not read: {why}");
                out.push(Diagnostic::warning(code, message).in_file(&shown));
                None
            }
        }
    }

    /// Reads everything of a manifest that speaks of identity and license. A draft model in it is a work of its own and
    /// comes behind.
    pub(crate) fn artifacts(&self, named: Named, manifest: Manifest) -> Vec<Artifact> {
        let mut diagnostics = manifest.diagnostics;
        let mut facts: Vec<Fact> = Vec::new();
        if let Some(repository) = &named.repository {
            facts.extend(said::fact(FactKind::Repository, repository, &named.file, "path"));
        }
        facts.extend(said::fact(FactKind::Name, &named.name, &named.file, "path"));
        let own = |from: &&str| *from != named.name && *from != named.name.trim_end_matches(":latest");
        for layer in manifest.layers.iter().filter(|l| l.role == Role::Model) {
            facts.extend(said::fact(FactKind::Sha256, layer.digest.hex(), &named.file, &layer.key));
            let key = layer.key.replace(".digest", ".from");
            let from = layer.from.as_deref().filter(own);
            facts.extend(from.and_then(|f| said::fact(FactKind::BaseModel, f, &named.file, &key)));
        }
        let mut files = vec![ReadFile::new(named.file.clone(), named.bytes, FileFacts::default())];
        let mut remote = false;
        if let Some(layer) = &manifest.config
            && let Some((shown, disk)) = self.open(layer, &named.file, &mut diagnostics)
        {
            let bytes = disk.size();
            let said = config(&disk, &shown, &mut remote);
            files.push(ReadFile::new(shown, bytes, said));
        }
        let mut weights = false;
        let mut drafts = Vec::new();
        for layer in &manifest.layers {
            // hundreds of tensors of one model say no more than that they are there
            weights |= matches!(layer.role, Role::Model | Role::Tensor);
            if matches!(layer.role, Role::Other | Role::Tensor) || (layer.role == Role::File && layer.name.is_none()) {
                continue;
            }
            let Some((shown, disk)) = self.open(layer, &named.file, &mut diagnostics) else { continue };
            if files.iter().any(|f| f.path == shown) {
                continue;
            }
            let said = match (layer.role, &layer.name) {
                (Role::License, _) => read_license(&shown, "", &disk),
                (Role::File, Some(name)) => said::read_as(name, &shown, &disk),
                (_, name) => weights_of(name.as_deref(), &shown, &disk),
            };
            let file = ReadFile::new(shown, disk.size(), said);
            if layer.role == Role::Draft {
                drafts.push((layer, file));
            } else {
                files.push(file);
            }
        }
        let drafts = drafts.into_iter().map(|(layer, file)| {
            let message = "it runs with a draft model, which is a work of its own and listed as such";
            diagnostics.push(said::note("draft-model", message, &file.path));
            let mut draft = gather::artifact(said::clean(&format!("{} (draft model)", named.name)), vec![file]);
            let hash = said::fact(FactKind::Sha256, layer.digest.hex(), &named.file, &layer.key);
            let key = layer.key.replace(".digest", ".from");
            let from = layer.from.as_deref().and_then(|f| said::fact(FactKind::BaseModel, f, &named.file, &key));
            draft.facts.splice(0..0, hash.into_iter().chain(from));
            draft
        });
        let drafts: Vec<Artifact> = drafts.collect();
        let unread = manifest.layers.is_empty() && !diagnostics.is_empty();
        if !weights && !remote && !unread {
            let message = "the manifest names no weights: what it runs is not known";
            diagnostics.push(Diagnostic::warning("no-weights", message).in_file(&named.file));
        }
        // the manifest's path and config speak before the files that they name
        let (config, rest): (Vec<_>, Vec<_>) = files.into_iter().enumerate().partition(|(i, _)| *i < 2);
        let mut order: Vec<Fact> = facts;
        let mut all: Vec<ReadFile> = Vec::new();
        for (_, mut file) in config {
            order.append(&mut file.said.facts);
            all.push(file);
        }
        all.extend(rest.into_iter().map(|(_, f)| f));
        let mut artifact = gather::artifact(said::clean(&named.name), all);
        artifact.facts.splice(0..0, order);
        artifact.diagnostics.splice(0..0, diagnostics);
        let mut out = vec![artifact];
        out.extend(drafts);
        out
    }
}

/// True for a file that is a blob of this folder: `{folder}/sha256-{hex}`, or `{folder}/sha256/{hex}`.
fn is_blob_of(folder: &Path, target: &Path, shape: Shape) -> bool {
    let name = |p: &Path| p.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let (digest, parent) = match shape {
        Shape::Dash => (name(target), target.parent()),
        Shape::Folder => {
            let parent = target.parent();
            (format!("{}:{}", parent.map(name).unwrap_or_default(), name(target)), parent.and_then(Path::parent))
        }
    };
    parent == Some(folder) && Digest::parse(&digest).is_some()
}

/// A layer of weights, an adapter or a projector.
fn weights_of(name: Option<&str>, shown: &str, disk: &DiskFile) -> FileFacts {
    let mut said = match name {
        Some(name) => said::read_as(name, shown, disk),
        None => read_file(shown, disk),
    };
    if !said.facts.iter().any(|f| f.kind == FactKind::Format) && said.diagnostics.is_empty() {
        let message = "a layer of weights in a format that is not known: nothing was read of it";
        said.diagnostics.push(Diagnostic::warning("layer-unknown", message).in_file(shown));
    }
    said
}

/// What the config says; `remote` becomes true for a model that runs elsewhere.
fn config(disk: &DiskFile, file: &str, remote: &mut bool) -> FileFacts {
    match read_blob(disk) {
        Ok(bytes) => {
            let read = read_config(&bytes, file);
            *remote = read.remote;
            read.said
        }
        Err(why) => {
            let message = format!("the config cannot be read: {why}");
            let d = Diagnostic::warning("config-unreadable", said::clean(&message)).in_file(file);
            FileFacts { diagnostics: vec![d], ..FileFacts::default() }
        }
    }
}

fn read_blob(disk: &DiskFile) -> Result<Vec<u8>, String> {
    let size = usize::try_from(disk.size()).ok().filter(|s| *s <= BYTES_MAX);
    let size = size.ok_or_else(|| format!("more than {BYTES_MAX} bytes"))?;
    disk.read_whole(size).map_err(|e| e.kind().to_string())
}

/// A manifest's bytes.
pub(crate) fn read_manifest(path: &Path, file: &str, layers_max: usize) -> (u64, Manifest) {
    match read_small(path, BYTES_MAX) {
        Ok(bytes) => {
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            (size, Manifest::parse(&bytes, file, layers_max))
        }
        Err(e) => {
            let why = match e.kind() {
                io::ErrorKind::FileTooLarge => format!("more than {BYTES_MAX} bytes"),
                kind => kind.to_string(),
            };
            (0, Manifest::unreadable(&why, file))
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_blobs_of_the_folder_itself_are_behind_a_link() {
        let hex = "ab".repeat(32);
        for (target, shape, expected) in [
            (format!("/mnt/blobs/sha256-{hex}"), Shape::Dash, true),
            (format!("/mnt/blobs/sha256/{hex}"), Shape::Folder, true),
            (format!("/mnt/blobs/sha256/{hex}"), Shape::Dash, false),
            (format!("/mnt/blobs/x/sha256-{hex}"), Shape::Dash, false),
            (format!("/mnt/other/sha256-{hex}"), Shape::Dash, false),
            (format!("/mnt/blobs/x/{hex}"), Shape::Folder, false),
            ("/mnt/blobs/id_rsa".to_owned(), Shape::Dash, false),
            ("/mnt/blobs".to_owned(), Shape::Dash, false),
        ] {
            assert_eq!(is_blob_of(Path::new("/mnt/blobs"), Path::new(&target), shape), expected, "{target} {shape:?}");
        }
        assert!(!is_blob_of(Path::new("/"), Path::new("/etc/passwd"), Shape::Dash));
    }
}
