//! Stores of blobs that manifests name by digest: Ollama's and Docker Model Runner's.
//!
//! A manifest is a file that anybody may have written: a digest is taken only in its one form and never as a path, and
//! a blob only where it lies inside the store.

use std::io;
use std::path::{Path, PathBuf};

use freehold_artifact::{Artifact, FileFacts, ReadAt, read_file};
use freehold_base::{Diagnostic, Fact, FactKind};
use serde_json::Value;

use crate::disk::{DiskFile, read_small};
use crate::gather::{self, ReadFile};
use crate::said;

/// Largest manifest and largest config that is read; real ones have a few kilobytes.
pub(crate) const MANIFEST_BYTES_MAX: usize = 1 << 20;

/// The hex digits of a sha256 digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest(String);

impl Digest {
    /// `sha256:` or `sha256-` and 64 small hex digits; nothing else is a digest.
    pub(crate) fn parse(text: &str) -> Option<Digest> {
        let hex = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha256-"))?;
        let small_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (hex.len() == 64 && hex.bytes().all(small_hex)).then(|| Digest(hex.to_owned()))
    }

    /// Its 64 hex digits.
    pub(crate) fn hex(&self) -> &str {
        &self.0
    }
}

/// What a layer is, by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Weights, and what is read as a file beside them.
    Model,
    /// An adapter or a projector.
    Part,
    /// A legal text.
    License,
    /// Templates, prompts, parameters and whatever else: not read.
    Other,
}

fn role(media_type: &str) -> Role {
    let bare = media_type.split(';').next().unwrap_or(media_type).trim();
    if let Some(kind) = bare.strip_prefix("application/vnd.ollama.image.") {
        return match kind {
            "model" => Role::Model,
            "adapter" | "projector" => Role::Part,
            "license" => Role::License,
            _ => Role::Other,
        };
    }
    let Some(kind) = bare.strip_prefix("application/vnd.docker.ai.") else { return Role::Other };
    let has = |w: &str| kind.split(['.', '+']).any(|k| k == w);
    if has("license") {
        Role::License
    } else if has("mmproj") || has("lora") {
        Role::Part
    } else if has("gguf") || has("safetensors") {
        Role::Model
    } else {
        Role::Other
    }
}

/// A blob that a manifest names.
#[derive(Clone, Debug)]
struct Layer {
    role: Role,
    digest: Digest,
    /// Its size as the manifest states it, in bytes.
    bytes: Option<u64>,
    /// Where the manifest names it (`layers[0].digest`).
    key: String,
}

/// A manifest: its config and its layers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    config: Option<Layer>,
    layers: Vec<Layer>,
    diagnostics: Vec<Diagnostic>,
}

impl Manifest {
    /// Reads a manifest's bytes; `file` is where they stand. What cannot be used is told.
    pub(crate) fn parse(bytes: &[u8], file: &str, layers_max: usize) -> Manifest {
        let mut manifest = Manifest::default();
        let json: Value = match serde_json::from_slice(bytes) {
            Ok(json) => json,
            Err(e) => return manifest.broken(format!("not JSON: {e}"), file),
        };
        let Some(layers) = json.get("layers").and_then(Value::as_array) else {
            return manifest.broken("it lists no layers".to_owned(), file);
        };
        if layers.len() > layers_max {
            let message = format!("a manifest of {} layers: only the first {layers_max} are read", layers.len());
            manifest.diagnostics.push(Diagnostic::warning("too-many-layers", message).in_file(file));
        }
        manifest.config = json.get("config").and_then(|c| manifest.layer(c, "config", file));
        for (i, layer) in layers.iter().take(layers_max).enumerate() {
            let layer = manifest.layer(layer, &format!("layers[{i}]"), file);
            manifest.layers.extend(layer);
        }
        manifest
    }

    /// A manifest that says nothing but that it cannot be read.
    pub(crate) fn unreadable(error: &io::Error, file: &str) -> Manifest {
        let message = match error.kind() {
            io::ErrorKind::FileTooLarge => format!("more than {MANIFEST_BYTES_MAX} bytes"),
            kind => kind.to_string(),
        };
        Manifest::default().broken(message, file)
    }

    fn broken(mut self, why: String, file: &str) -> Manifest {
        let message = format!("the manifest cannot be read: {}", said::clean(&why));
        self.diagnostics.push(Diagnostic::error("manifest-unreadable", message).in_file(file));
        self
    }

    fn layer(&mut self, json: &Value, key: &str, file: &str) -> Option<Layer> {
        let text = |k: &str| json.get(k).and_then(Value::as_str).unwrap_or_default();
        let Some(digest) = Digest::parse(text("digest")) else {
            let shown: String = text("digest").chars().take(100).collect();
            let message = format!("`{key}` is not named by a sha256 digest, but `{}`", said::clean(&shown));
            let d = Diagnostic::error("manifest-digest", message).in_file(file);
            self.diagnostics.push(d.help("a digest is `sha256:` and 64 small hex digits; the blob is not read"));
            return None;
        };
        let bytes = json.get("size").and_then(Value::as_u64);
        Some(Layer { role: role(text("mediaType")), digest, bytes, key: format!("{key}.digest") })
    }

    /// True where a layer is this blob.
    pub(crate) fn holds(&self, digest: &Digest) -> bool {
        self.layers.iter().chain(&self.config).any(|l| l.digest == *digest)
    }
}

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
            Shape::Dash => format!("blobs/sha256-{}", digest.0),
            Shape::Folder => format!("blobs/sha256/{}", digest.0),
        }
    }

    /// Where a blob lies, if it may be read: in the store, linked at most to another place in it.
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
        if !target.starts_with(self.store) {
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

    /// Reads everything of a manifest that speaks of identity and license.
    pub(crate) fn artifact(&self, named: Named, manifest: Manifest) -> Artifact {
        let mut diagnostics = manifest.diagnostics;
        let mut facts: Vec<Fact> = Vec::new();
        if let Some(repository) = &named.repository {
            facts.extend(said::fact(FactKind::Repository, repository, &named.file, "path"));
        }
        facts.extend(said::fact(FactKind::Name, &named.name, &named.file, "path"));
        for layer in manifest.layers.iter().filter(|l| l.role == Role::Model) {
            facts.extend(said::fact(FactKind::Sha256, &layer.digest.0, &named.file, &layer.key));
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
        for layer in &manifest.layers {
            weights |= layer.role == Role::Model;
            if layer.role == Role::Other {
                continue;
            }
            let Some((shown, disk)) = self.open(layer, &named.file, &mut diagnostics) else { continue };
            if files.iter().any(|f| f.path == shown) {
                continue;
            }
            let said = match layer.role {
                Role::License => said::license(&shown, "", &disk),
                _ => weights_of(&shown, &disk),
            };
            files.push(ReadFile::new(shown, disk.size(), said));
        }
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
        artifact
    }
}

/// A layer of weights, an adapter or a projector.
fn weights_of(shown: &str, disk: &DiskFile) -> FileFacts {
    let mut said = read_file(shown, disk);
    if !said.facts.iter().any(|f| f.kind == FactKind::Format) && said.diagnostics.is_empty() {
        let message = "a layer of weights in a format that is not known: nothing was read of it";
        said.diagnostics.push(Diagnostic::warning("layer-unknown", message).in_file(shown));
    }
    said
}

/// The config blob: what the tool itself says of the model, and whether it runs elsewhere.
fn config(disk: &DiskFile, file: &str, remote: &mut bool) -> FileFacts {
    let mut said = FileFacts::default();
    let bytes = match read_blob(disk) {
        Ok(bytes) => bytes,
        Err(why) => {
            let message = format!("the config cannot be read: {why}");
            said.diagnostics.push(Diagnostic::warning("config-unreadable", message).in_file(file));
            return said;
        }
    };
    said.bytes_read = disk.size();
    let json: Value = match serde_json::from_slice(&bytes) {
        Ok(json) => json,
        Err(e) => {
            let message = format!("the config cannot be read: {e}");
            said.diagnostics.push(Diagnostic::warning("config-unreadable", said::clean(&message)).in_file(file));
            return said;
        }
    };
    // Docker's config stands one level below
    let (json, prefix) = json.get("config").filter(|c| c.is_object()).map_or((&json, ""), |c| (c, "config."));
    for (key, kind) in [
        ("model_family", FactKind::Architecture),
        ("model_type", FactKind::SizeLabel),
        ("file_type", FactKind::Quantization),
        ("remote_model", FactKind::Name),
        ("architecture", FactKind::Architecture),
        ("parameters", FactKind::SizeLabel),
        ("quantization", FactKind::Quantization),
    ] {
        // an image's config has an `architecture` too, the machine's: only the one inside Docker's `config` is a model's
        let of_docker = matches!(key, "architecture" | "parameters" | "quantization");
        if of_docker == prefix.is_empty() {
            continue;
        }
        let value = json.get(key).and_then(Value::as_str).unwrap_or_default();
        if !value.eq_ignore_ascii_case("unknown") {
            said.facts.extend(said::fact(kind, value, file, &format!("{prefix}{key}")));
        }
    }
    if let Some(host) = json.get("remote_host").and_then(Value::as_str).filter(|h| !h.trim().is_empty()) {
        *remote = true;
        let host: String = host.chars().take(200).collect();
        let message = format!("a cloud model: it runs at {}, and no weights are here", said::clean(&host));
        said.diagnostics.push(said::note("cloud-model", message, file));
    }
    said
}

fn read_blob(disk: &DiskFile) -> Result<Vec<u8>, String> {
    let size = usize::try_from(disk.size()).ok().filter(|s| *s <= MANIFEST_BYTES_MAX);
    let size = size.ok_or_else(|| format!("more than {MANIFEST_BYTES_MAX} bytes"))?;
    disk.read_whole(size).map_err(|e| e.kind().to_string())
}

/// A manifest's bytes.
pub(crate) fn read_manifest(path: &Path, file: &str, layers_max: usize) -> (u64, Manifest) {
    match read_small(path, MANIFEST_BYTES_MAX) {
        Ok(bytes) => {
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            (size, Manifest::parse(&bytes, file, layers_max))
        }
        Err(e) => (0, Manifest::unreadable(&e, file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_form() {
        let hex = "0123456789abcdef".repeat(4);
        assert!(Digest::parse(&format!("sha256:{hex}")).is_some());
        assert!(Digest::parse(&format!("sha256-{hex}")).is_some());
        for bad in [
            "sha256:../../../../etc/passwd".to_owned(),
            format!("sha256:{}", hex.to_uppercase()),
            format!("sha256:{hex}/../x"),
            format!("sha256:{hex}\n"),
            format!("sha512:{hex}"),
            hex.clone(),
            String::new(),
            "/dev/random".to_owned(),
        ] {
            assert_eq!(Digest::parse(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn media_types_tell_the_role() {
        for (media_type, expected) in [
            ("application/vnd.ollama.image.model", Role::Model),
            ("application/vnd.ollama.image.adapter", Role::Part),
            ("application/vnd.ollama.image.projector", Role::Part),
            ("application/vnd.ollama.image.license", Role::License),
            ("application/vnd.ollama.image.template", Role::Other),
            ("application/vnd.ollama.image.system", Role::Other),
            ("application/vnd.ollama.image.tensor; name=a", Role::Other),
            ("application/vnd.docker.ai.gguf.v3", Role::Model),
            ("application/vnd.docker.ai.gguf.v3.lora", Role::Part),
            ("application/vnd.docker.ai.mmproj", Role::Part),
            ("application/vnd.docker.ai.license", Role::License),
            ("application/vnd.docker.ai.model.file.v1+gguf", Role::Model),
            ("application/vnd.docker.ai.chat.template.jinja", Role::Other),
            ("", Role::Other),
        ] {
            assert_eq!(role(media_type), expected, "{media_type}");
        }
    }

    #[test]
    fn broken_manifests_are_told() {
        for (bytes, code) in [
            (&b"{"[..], "manifest-unreadable"),
            (b"[]", "manifest-unreadable"),
            (b"\xff\xfe", "manifest-unreadable"),
            (br#"{"layers": 3}"#, "manifest-unreadable"),
            (br#"{"layers": [{"digest": "sha256:../../x"}]}"#, "manifest-digest"),
            (br#"{"layers": [7]}"#, "manifest-digest"),
        ] {
            let read = Manifest::parse(bytes, "m", 10);
            assert_eq!(read.diagnostics[0].code, code);
            assert!(read.layers.is_empty());
        }
        let deep = "[".repeat(200_000);
        assert_eq!(Manifest::parse(deep.as_bytes(), "m", 10).diagnostics[0].code, "manifest-unreadable");
        let many = format!(r#"{{"layers": [{}]}}"#, vec!["{}"; 50].join(","));
        assert_eq!(Manifest::parse(many.as_bytes(), "m", 10).diagnostics[0].code, "too-many-layers");
    }
}
