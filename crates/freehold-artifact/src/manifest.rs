//! Manifests of stores of blobs: Ollama's, Docker Model Runner's, ModelPack's (CNCF). Bytes in, layers out; the blobs
//! are opened by whoever has the store.
//!
//! A manifest is a file that anybody may have written: a digest is taken in its one form and is never a path; the name
//! that a layer had before it was packed says how to read it and is never opened.

use freehold_base::{Diagnostic, FactKind};

use crate::FileFacts;
use crate::json::{self, Go, Path, Value};
use crate::labels;
use crate::sink::Sink;

/// Largest manifest and largest config that is worth reading, in bytes; real ones have a few kilobytes.
pub const BYTES_MAX: usize = 1 << 20;
/// Longest value of a layer that is kept, in bytes.
const TEXT_BYTES_MAX: usize = 512;

/// The hex digits of a sha256 digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// `sha256:` or `sha256-` and 64 small hex digits; nothing else is a digest.
    #[must_use]
    pub fn parse(text: &str) -> Option<Digest> {
        let hex = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha256-"))?;
        let small_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (hex.len() == 64 && hex.bytes().all(small_hex)).then(|| Digest(hex.to_owned()))
    }

    /// Its 64 hex digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0
    }
}

/// What a layer is, by its media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights: a file of its own.
    Model,
    /// One tensor of weights that lie in many blobs.
    Tensor,
    /// Weights of a small model that drafts what the other checks: another work.
    Draft,
    /// An adapter or a projector.
    Part,
    /// A legal text.
    License,
    /// A file of the model's folder (a config, a card, a license), read by the name that it had: [`Layer::name`].
    File,
    /// Templates, prompts, parameters and whatever else: not read.
    Other,
}

/// The role that a media type tells, and whether a [`Role::File`] is packed.
fn role(media_type: &str) -> (Role, bool) {
    let bare = media_type.split(';').next().unwrap_or(media_type).trim();
    let packed = bare.split(['.', '+']).any(|w| matches!(w, "tar" | "gzip" | "zstd"));
    if let Some(kind) = bare.strip_prefix("application/vnd.ollama.image.") {
        let role = match kind {
            "model" => Role::Model,
            "tensor" => Role::Tensor,
            "draft" => Role::Draft,
            "adapter" | "projector" => Role::Part,
            "license" => Role::License,
            "json" => Role::File,
            _ => Role::Other,
        };
        return (role, false);
    }
    // ModelPack, under its present prefix and its first one
    let pack = ["application/vnd.cncf.model.", "application/vnd.cnai.model."].iter().find_map(|p| bare.strip_prefix(p));
    if let Some(kind) = pack {
        let mut words = kind.split('.');
        let role = match (words.next(), words.next()) {
            (Some("weight"), Some("config")) | (Some("doc"), _) => Role::File,
            (Some("weight" | "layer"), _) => Role::Model,
            _ => Role::Other,
        };
        return (role, packed);
    }
    let Some(kind) = bare.strip_prefix("application/vnd.docker.ai.") else { return (Role::Other, packed) };
    let has = |w: &str| kind.split(['.', '+']).any(|k| k == w);
    let role = if has("license") {
        Role::License
    } else if has("mmproj") || has("lora") {
        Role::Part
    } else if has("gguf") || has("safetensors") {
        Role::Model
    } else if kind.starts_with("model.file") {
        Role::File
    } else {
        Role::Other
    };
    (role, packed)
}

/// A blob that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What it is.
    pub role: Role,
    /// What it is named by.
    pub digest: Digest,
    /// Its size as the manifest states it, in bytes.
    pub bytes: Option<u64>,
    /// Where the manifest names it (`layers[0].digest`).
    pub key: String,
    /// The model that it was taken from, as Ollama calls it (`layers[0].from`); never a path.
    pub from: Option<String>,
    /// The path that it had in the model's folder (`LICENSE`, `text_encoder/config.json`); stays inside that folder.
    pub name: Option<String>,
}

/// A manifest: its config and its layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The blob that describes the model.
    pub config: Option<Layer>,
    /// The other blobs, in order.
    pub layers: Vec<Layer>,
    /// What cannot be used of it.
    pub diagnostics: Vec<Diagnostic>,
}

/// A layer as it is written.
#[derive(Default)]
struct Raw {
    key: String,
    digest: String,
    media_type: String,
    bytes: Option<u64>,
    from: String,
    name: String,
    place: (usize, usize),
}

impl Raw {
    /// Keeps a member of the layer that stands at `level` of the path.
    fn take(&mut self, path: &Path, level: usize, value: Value<'_>, place: (usize, usize)) {
        let text = |raw: &[u8]| json::decode(raw.get(..TEXT_BYTES_MAX.min(raw.len())).unwrap_or_default());
        let own = path.depth() == level.saturating_add(1);
        match (value, path.step(level), path.last()) {
            (Value::Str(raw), "digest", _) if own => (self.digest, self.place) = (text(raw), place),
            (Value::Str(raw), "mediaType", _) if own => self.media_type = text(raw),
            (Value::Str(raw), "from", _) if own => self.from = text(raw),
            (Value::Str(raw), "name", _) if own && self.name.is_empty() => self.name = text(raw),
            (Value::Number(raw), "size", _) if own => {
                self.bytes = std::str::from_utf8(raw).ok().and_then(|n| n.parse().ok());
            }
            (Value::Str(raw), "annotations", r#"["org.cncf.model.filepath"]"# | r#"["org.cnai.model.filepath"]"#) => {
                self.name = text(raw)
            }
            _ => {}
        }
    }

    /// What it names, if it does so in the one form.
    fn layer(self, sink: &mut Sink<'_>) -> Option<Layer> {
        let key = &self.key;
        let Some(digest) = Digest::parse(&self.digest) else {
            let shown: String = self.digest.chars().take(100).collect();
            let message = format!("`{key}` is not named by a sha256 digest, but `{shown}`");
            sink.error("manifest-digest", message, Some(self.place));
            sink.help("a digest is `sha256:` and 64 small hex digits; the blob is not read");
            return None;
        };
        let (mut role, packed) = role(&self.media_type);
        let name = Some(self.name).filter(|n| !n.trim().is_empty() && labels::stays_inside(n));
        if role == Role::File && packed {
            let shown = name.as_deref().unwrap_or(key);
            let message = format!("`{shown}` is packed in its layer: what it says is not looked into");
            sink.warn("layer-packed", message, Some(self.place));
            sink.help("unpack the model and check the folder");
            role = Role::Other;
        }
        // Ollama writes the path of the maker's own machine there, or a model's name
        let from = Some(self.from).filter(|f| !f.is_empty() && !f.starts_with(['/', '.', '~']) && !f.contains('\\'));
        Some(Layer { role, digest, bytes: self.bytes, key: format!("{key}.digest"), from, name })
    }
}

impl Manifest {
    /// Reads a manifest; `file` is where it stands, and at most `layers_max` layers are kept. What cannot be used is
    /// told.
    #[must_use]
    pub fn parse(bytes: &[u8], file: &str, layers_max: usize) -> Manifest {
        let mut sink = Sink::new(file);
        let mut config: Option<Raw> = None;
        let mut layers: Vec<Raw> = Vec::new();
        let mut count = 0_usize;
        let mut listed = false;
        let outcome = json::walk(bytes, &mut |path, value, place| {
            match (path.depth(), path.step(0)) {
                (0, _) if !matches!(value, Value::Object) => return Go::Stop,
                // of two lists the later counts, as for the programs that use them
                (1, "layers") => {
                    listed = matches!(value, Value::Array);
                    count = 0;
                    layers.clear();
                }
                (2, "layers") if listed => {
                    count = count.saturating_add(1);
                    if count <= layers_max {
                        layers.push(Raw { key: path.dotted().to_owned(), place, ..Raw::default() });
                    }
                }
                (3 | 4, "layers") if listed && count <= layers_max => {
                    if let Some(raw) = layers.last_mut() {
                        raw.take(path, 2, value, place);
                    }
                }
                (1, "config") => {
                    let is = matches!(value, Value::Object);
                    config = is.then(|| Raw { key: "config".to_owned(), place, ..Raw::default() });
                }
                (2, "config") => {
                    if let Some(raw) = config.as_mut() {
                        raw.take(path, 1, value, place);
                    }
                }
                _ => {}
            }
            Go::On
        });
        if let Err(e) = outcome {
            return Manifest::unreadable(&format!("not JSON: {}", e.message), file);
        }
        if !listed {
            return Manifest::unreadable("it lists no layers", file);
        }
        if count > layers_max {
            let message = format!("a manifest of {count} layers: only the first {layers_max} are read");
            sink.warn("too-many-layers", message, None);
        }
        let config = config.and_then(|c| c.layer(&mut sink));
        let layers = layers.into_iter().filter_map(|l| l.layer(&mut sink)).collect();
        Manifest { config, layers, diagnostics: sink.out.diagnostics }
    }

    /// A manifest that says nothing but that it cannot be read, and why.
    #[must_use]
    pub fn unreadable(why: &str, file: &str) -> Manifest {
        let mut sink = Sink::new(file);
        sink.error("manifest-unreadable", format!("the manifest cannot be read: {why}"), None);
        Manifest { diagnostics: sink.out.diagnostics, ..Manifest::default() }
    }

    /// True where a layer is this blob.
    #[must_use]
    pub fn holds(&self, digest: &Digest) -> bool {
        self.layers.iter().chain(&self.config).any(|l| l.digest == *digest)
    }
}

/// What a manifest's config says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFacts {
    /// Facts, and what is wrong with it.
    pub said: FileFacts,
    /// True where the model runs on somebody else's machine and no weights are here.
    pub remote: bool,
}

/// Reads a manifest's config; `file` is where it stands.
#[must_use]
pub fn read_config(bytes: &[u8], file: &str) -> ConfigFacts {
    let mut sink = Sink::new(file);
    let mut remote: Option<String> = None;
    let outcome = json::walk(bytes, &mut |path, value, place| {
        let Value::Str(raw) = value else { return Go::On };
        let kind = match (path.depth(), path.step(0), path.step(1)) {
            // Ollama's
            (1, "model_family", _) => FactKind::Architecture,
            (1, "model_type", _) => FactKind::SizeLabel,
            (1, "file_type", _) => FactKind::Quantization,
            (1, "remote_model", _) => FactKind::Name,
            (1, "remote_host", _) => {
                remote = Some(json::decode(raw)).filter(|h| !h.trim().is_empty());
                return Go::On;
            }
            // Docker's and ModelPack's; an image's config has an `architecture` one level above, the machine's
            (2, "config", "architecture") => FactKind::Architecture,
            (2, "config", "parameters" | "paramSize") => FactKind::SizeLabel,
            (2, "config", "quantization") => FactKind::Quantization,
            // ModelPack's
            (2, "descriptor", "name") => FactKind::Name,
            (2, "descriptor", "vendor") => FactKind::Organization,
            (2, "descriptor", "version") => FactKind::Version,
            (3, "descriptor", "licenses") => FactKind::LicenseTag,
            _ => return Go::On,
        };
        let text = json::decode(raw);
        if !text.trim().eq_ignore_ascii_case("unknown") {
            sink.fact(kind, text.trim(), path.dotted(), Some(place));
        }
        if sink.is_full() { Go::Stop } else { Go::On }
    });
    if let Err(e) = outcome {
        let message = format!("the config cannot be read: {}", e.message);
        sink.warn("config-unreadable", message, Some((e.at, e.at)));
    }
    if let Some(host) = &remote {
        let host: String = host.chars().take(200).collect();
        let message = format!("a cloud model: it runs at {host}, and no weights are here");
        sink.note("cloud-model", message, None);
    }
    sink.out.bytes_read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    ConfigFacts { said: sink.out, remote: remote.is_some() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn digest(letter: char) -> String {
        format!("sha256:{}", letter.to_string().repeat(64))
    }

    /// A manifest of every tool's layers.
    pub(crate) fn manifest() -> String {
        let layer = |media: &str, letter: char, more: &str| {
            format!(r#"{{"mediaType": "application/vnd.{media}", "digest": "{}", "size": 7{more}}}"#, digest(letter))
        };
        let path = |p: &str| format!(r#", "annotations": {{"org.cncf.model.filepath": "{p}"}}"#);
        let layers = [
            layer("ollama.image.model", 'a', r#", "from": "llama3.1:8b""#),
            layer("ollama.image.draft", 'b', r#", "from": "/Users/x/.ollama/models/blobs/sha256-b""#),
            layer("ollama.image.license", 'c', ""),
            layer("ollama.image.license", 'd', ""),
            layer("ollama.image.json", 'e', r#", "name": "config.json""#),
            layer("cncf.model.weight.v1.raw", 'f', &path("model.safetensors")),
            layer("cncf.model.doc.v1.raw", '0', &path("LICENSE")),
            layer("cncf.model.doc.v1.tar", '1', &path("docs")),
            layer("cncf.model.weight.config.v1.raw", '2', &path("../../etc/passwd")),
        ];
        let config = layer("cncf.model.config.v1+json", '9', "");
        format!(r#"{{"schemaVersion": 2, "config": {config}, "layers": [{}]}}"#, layers.join(", "))
    }

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
            ("application/vnd.ollama.image.tensor; name=a", Role::Tensor),
            ("application/vnd.ollama.image.draft", Role::Draft),
            ("application/vnd.ollama.image.json", Role::File),
            ("application/vnd.docker.ai.gguf.v3", Role::Model),
            ("application/vnd.docker.ai.gguf.v3.lora", Role::Part),
            ("application/vnd.docker.ai.mmproj", Role::Part),
            ("application/vnd.docker.ai.license", Role::License),
            ("application/vnd.docker.ai.model.file.v1+gguf", Role::Model),
            ("application/vnd.docker.ai.model.file", Role::File),
            ("application/vnd.docker.ai.chat.template.jinja", Role::Other),
            ("application/vnd.cncf.model.weight.v1.raw", Role::Model),
            ("application/vnd.cncf.model.weight.v1.gguf", Role::Model),
            ("application/vnd.cncf.model.weight.config.v1.raw", Role::File),
            ("application/vnd.cncf.model.doc.v1.raw", Role::File),
            ("application/vnd.cncf.model.code.v1.raw", Role::Other),
            ("application/vnd.cnai.model.layer.v1.tar", Role::Model),
            ("", Role::Other),
        ] {
            assert_eq!(role(media_type).0, expected, "{media_type}");
        }
    }

    #[test]
    fn layers_say_where_they_come_from_and_what_they_were() {
        let read = Manifest::parse(manifest().as_bytes(), "m", 100);
        let roles: Vec<Role> = read.layers.iter().map(|l| l.role).collect();
        use Role::{Draft, File, License, Model, Other};
        assert_eq!(roles, [Model, Draft, License, License, File, Model, File, Other, File]);
        let names: Vec<_> = read.layers.iter().filter_map(|l| l.name.as_deref()).collect();
        assert_eq!(names, ["config.json", "model.safetensors", "LICENSE", "docs"]);
        let from: Vec<_> = read.layers.iter().filter_map(|l| l.from.as_deref()).collect();
        assert_eq!(from, ["llama3.1:8b"]);
        assert_eq!((read.layers[2].key.as_str(), read.layers[2].bytes), ("layers[2].digest", Some(7)));
        assert_eq!(read.config.as_ref().map(|c| c.digest.hex()), Some("9".repeat(64).as_str()));
        let codes: Vec<_> = read.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["layer-packed"]);
        let place = read.diagnostics[0].label.as_ref().and_then(|l| l.bytes).unwrap();
        assert_eq!(&manifest()[place.0..place.1], digest('1'));
    }

    #[test]
    fn broken_manifests_are_told() {
        for (bytes, code) in [
            (&b"{"[..], "manifest-unreadable"),
            (b"[]", "manifest-unreadable"),
            (b"7", "manifest-unreadable"),
            (b"\xff\xfe", "manifest-unreadable"),
            (br#"{"layers": 3}"#, "manifest-unreadable"),
            (br#"{"layers": []} x"#, "manifest-unreadable"),
            (br#"{"layers": [{"digest": "sha256:../../x"}]}"#, "manifest-digest"),
            (br#"{"layers": [7]}"#, "manifest-digest"),
        ] {
            let read = Manifest::parse(bytes, "m", 10);
            assert_eq!(read.diagnostics[0].code, code, "{}", String::from_utf8_lossy(bytes));
            assert!(read.layers.is_empty());
        }
        let deep = "[".repeat(200_000);
        assert_eq!(Manifest::parse(deep.as_bytes(), "m", 10).diagnostics[0].code, "manifest-unreadable");
        // a million layers are counted and not kept
        let many = format!(r#"{{"layers": [{}]}}"#, vec!["{}"; 1_000_000].join(","));
        let read = Manifest::parse(many.as_bytes(), "m", 10);
        assert_eq!(read.diagnostics[0].code, "too-many-layers");
        assert!(read.diagnostics.len() <= 11, "{}", read.diagnostics.len());
        // nor does every one of them get a line
        assert!(Manifest::parse(many.as_bytes(), "m", 1_000_000).diagnostics.len() <= 64);
        // of two lists the later counts
        let twice = format!(r#"{{"layers": [{{}}], "layers": [{{"digest": "{}"}}]}}"#, digest('a'));
        assert_eq!(Manifest::parse(twice.as_bytes(), "m", 10).layers.len(), 1);
    }

    #[test]
    fn configs_of_three_tools() {
        let said = |text: &str| {
            let read = read_config(text.as_bytes(), "c");
            let facts: Vec<_> =
                read.said.facts.iter().map(|f| (f.kind, f.value.clone(), f.evidence.key.clone())).collect();
            (facts, read.remote, read.said.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>())
        };
        let fact = |kind, value: &str, key: &str| (kind, value.to_owned(), key.to_owned());
        let (facts, remote, _) = said(r#"{"model_family": "llama", "file_type": "unknown", "architecture": "amd64"}"#);
        assert_eq!(facts, [fact(FactKind::Architecture, "llama", "model_family")]);
        assert!(!remote);
        let (_, remote, codes) = said(r#"{"remote_host": "https://ollama.com:443", "remote_model": "x"}"#);
        assert_eq!((remote, codes), (true, vec!["cloud-model"]));
        let (facts, _, _) = said(r#"{"config": {"parameters": "361.82 M", "architecture": "llama"}}"#);
        assert_eq!(
            facts,
            [
                fact(FactKind::SizeLabel, "361.82 M", "config.parameters"),
                fact(FactKind::Architecture, "llama", "config.architecture")
            ]
        );
        let (facts, _, _) = said(
            r#"{"descriptor": {"name": "xyz-3-8B", "vendor": "XYZ", "version": "3.1", "licenses": ["Apache-2.0", "mit"]},
            "config": {"paramSize": "8b"}, "modelfs": {"type": "layers"}}"#,
        );
        assert_eq!(
            facts,
            [
                fact(FactKind::Name, "xyz-3-8B", "descriptor.name"),
                fact(FactKind::Organization, "XYZ", "descriptor.vendor"),
                fact(FactKind::Version, "3.1", "descriptor.version"),
                fact(FactKind::LicenseTag, "Apache-2.0", "descriptor.licenses[0]"),
                fact(FactKind::LicenseTag, "mit", "descriptor.licenses[1]"),
                fact(FactKind::SizeLabel, "8b", "config.paramSize"),
            ]
        );
        assert_eq!(said("{").2, ["config-unreadable"]);
    }
}
