//! Small files that tools write beside weights to say what they are: Civitai's and the web UI's for loose checkpoints,
//! Jan's, LM Studio's, LocalAI's. Told by name and by the keys that only they have.

use freehold_base::FactKind;

use crate::json::{self, Go, Value};
use crate::labels;
use crate::sink::{Sink, same_length_text};
use crate::yaml::{Id, Yaml};

/// Longest such file that is read, in bytes; Civitai's hold an HTML description.
pub(crate) const BYTES_MAX: usize = 2 << 20;
/// Most parents or files that are kept of one.
const KEPT_MAX: usize = 16;

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `x.civitai.info`: Civitai's answer for `x.safetensors`.
    Civitai,
    /// `x.json`: what a user of the web UI noted of `x.safetensors`.
    WebUi,
    /// Jan's `model.yml`.
    Jan,
    /// LM Studio's `model.yaml` of its hub.
    LmStudioModel,
    /// LM Studio's `manifest.json` beside it.
    LmStudioManifest,
    /// LocalAI's `name.yaml`.
    LocalAi,
}

/// Whose file `path` is by its name and first bytes, if it is one.
pub(crate) fn kind(path: &str, head: &[u8]) -> Option<Kind> {
    let base = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let head = head.get(..4096.min(head.len())).unwrap_or_default();
    let has = |word: &[u8]| head.windows(word.len()).any(|w| w == word);
    let line = |word: &[u8]| head.split(|b| *b == b'\n').any(|l| l.starts_with(word));
    let yaml = base.ends_with(".yaml") || base.ends_with(".yml");
    if base.ends_with(".civitai.info") {
        Some(Kind::Civitai)
    } else if base == "manifest.json" && has(b"\"owner\"") && has(b"\"dependencies\"") {
        Some(Kind::LmStudioManifest)
    } else if base.ends_with(".json") && has(b"\"sd version\"") {
        Some(Kind::WebUi)
    } else if base == "model.yaml" && line(b"model:") && line(b"base:") {
        Some(Kind::LmStudioModel)
    } else if base == "model.yml" && line(b"model_path:") {
        Some(Kind::Jan)
    } else if yaml && line(b"parameters:") && line(b"name:") && has(b" model:") {
        Some(Kind::LocalAi)
    } else {
        None
    }
}

/// Reads one; `bytes` are its beginning or the whole.
pub(crate) fn read(kind: Kind, bytes: &[u8], sink: &mut Sink<'_>) {
    match kind {
        Kind::Civitai => civitai(bytes, sink),
        Kind::WebUi => web_ui(bytes, sink),
        Kind::LmStudioManifest => lm_studio_manifest(bytes, sink),
        Kind::Jan | Kind::LmStudioModel | Kind::LocalAi => {
            let (text, _) = same_length_text(bytes);
            let yaml = Yaml::read(&text);
            if let Some((message, at)) = &yaml.error {
                let message = format!("broken YAML: {message}; what stands before it was read");
                sink.warn("sidecar-yaml", message, Some((*at, *at)));
            }
            let Some(root) = yaml.documents.first().copied() else { return };
            match kind {
                Kind::Jan => jan(&yaml, root, sink),
                Kind::LmStudioModel => lm_studio_model(&yaml, root, sink),
                _ => local_ai(&yaml, root, sink),
            }
        }
    }
}

/// A plain name of a file in the same folder.
fn is_beside(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\']) && labels::stays_inside(name)
}

fn broken(outcome: Result<(), json::JsonError>, sink: &mut Sink<'_>) {
    if let Err(e) = outcome {
        sink.warn(e.code, format!("broken JSON: {}", e.message), Some((e.at, e.at)));
    }
}

/// What the page of a model forbids or asks, by the key that says so.
fn term(key: &str, value: Value<'_>) -> Option<&'static str> {
    Some(match (key, value) {
        ("allowNoCredit", Value::Bool(false)) => "credit to the creator",
        ("allowDerivatives", Value::Bool(false)) => "no merges",
        ("allowDifferentLicense", Value::Bool(false)) => "merges under the same permissions",
        ("allowCommercialUse", Value::Str(raw)) if raw.eq_ignore_ascii_case(b"none") => "no commercial use",
        _ => return None,
    })
}

fn civitai(bytes: &[u8], sink: &mut Sink<'_>) {
    let mut terms: Vec<&'static str> = Vec::new();
    let mut terms_at = None;
    let mut commercial: Option<(usize, (usize, usize))> = None;
    let outcome = json::walk(bytes, &mut |path, value, place| {
        let (depth, top, last) = (path.depth(), path.step(0), path.last());
        if (depth == 1 || (depth == 2 && top == "model")) && last.starts_with("allow") {
            terms_at.get_or_insert(place);
            terms.extend(term(last, value));
            if last == "allowCommercialUse" && matches!(value, Value::Array) {
                commercial = Some((0, place));
            }
        }
        let within = path.step(depth.wrapping_sub(2));
        if within == "allowCommercialUse"
            && let (Some((n, _)), Value::Str(raw)) = (commercial.as_mut(), value)
        {
            *n += usize::from(!raw.eq_ignore_ascii_case(b"none"));
        }
        let Value::Str(raw) = value else { return Go::On };
        let kind = match (depth, top, last) {
            (1, "baseModel", _) => FactKind::BaseModelName,
            (1, "name", _) => FactKind::Version,
            (2, "model", "name") => FactKind::Name,
            (2, "model", "type") if matches!(raw, b"LORA" | b"LoCon" | b"DoRA" | b"Hypernetwork") => {
                FactKind::AdapterType
            }
            (4, "files", "SHA256") if path.step(2) == "hashes" => FactKind::Sha256,
            _ => return Go::On,
        };
        let text = json::decode(raw);
        let text = if kind == FactKind::Sha256 { text.to_ascii_lowercase() } else { text };
        if !matches!(text.as_str(), "Other" | "Unknown") {
            sink.fact(kind, &text, path.dotted(), Some(place));
        }
        if sink.is_full() { Go::Stop } else { Go::On }
    });
    broken(outcome, sink);
    if commercial.is_some_and(|(n, _)| n == 0) {
        terms.push("no commercial use");
    }
    if !terms.is_empty() {
        terms.dedup();
        // no license by that name is known: the terms of a page count as a license that nobody has read
        let terms = format!("Civitai page: {}", terms.join(", "));
        sink.fact(FactKind::LicenseName, &terms, "model.allow", terms_at);
    }
}

fn web_ui(bytes: &[u8], sink: &mut Sink<'_>) {
    let outcome = json::walk(bytes, &mut |path, value, place| {
        if let (1, "sd version", Value::Str(raw)) = (path.depth(), path.last(), value) {
            let text = json::decode(raw);
            if !matches!(text.as_str(), "Other" | "Unknown") {
                sink.fact(FactKind::BaseModelName, &text, "sd version", Some(place));
            }
        }
        Go::On
    });
    broken(outcome, sink);
}

/// `dependencies[].sources[]` name the repositories that the same model can be had from.
fn lm_studio_manifest(bytes: &[u8], sink: &mut Sink<'_>) {
    let (mut owner, mut name) = (None, None);
    let mut user: Option<String> = None;
    let mut kept = 0_usize;
    let outcome = json::walk(bytes, &mut |path, value, place| {
        if path.depth() == 4 && matches!(value, Value::Object) {
            user = None;
        }
        let Value::Str(raw) = value else { return Go::On };
        match (path.depth(), path.step(0), path.last()) {
            (1, "owner", _) => owner = Some((json::decode(raw), place)),
            (1, "name", _) => name = Some((json::decode(raw), place)),
            (5, "dependencies", "user") if path.step(2) == "sources" => user = Some(json::decode(raw)),
            (5, "dependencies", "repo") if path.step(2) == "sources" && kept < KEPT_MAX => {
                if let Some(user) = user.take() {
                    kept += 1;
                    sink.fact(
                        FactKind::BaseModel,
                        &format!("{user}/{}", json::decode(raw)),
                        path.dotted(),
                        Some(place),
                    );
                }
            }
            _ => {}
        }
        Go::On
    });
    broken(outcome, sink);
    if let (Some((owner, _)), Some((name, place))) = (owner, name) {
        sink.fact(FactKind::Name, &format!("{owner}/{name}"), "name", Some(place));
        sink.out.model_file = true;
    }
}

fn lm_studio_model(yaml: &Yaml, root: Id, sink: &mut Sink<'_>) {
    if let Some((name, place)) = yaml.get(root, "model").and_then(|id| yaml.scalar(id)) {
        sink.fact(FactKind::Name, name, "model", Some(place));
        sink.out.model_file = true;
    }
    let Some(base) = yaml.get(root, "base") else { return };
    if let Some((name, place)) = yaml.scalar(base) {
        return sink.fact(FactKind::BaseModel, name, "base", Some(place));
    }
    for (i, item) in yaml.items(base).iter().take(KEPT_MAX).enumerate() {
        if let Some((key, place)) = yaml.get(*item, "key").and_then(|id| yaml.scalar(id)) {
            sink.fact(FactKind::BaseModel, key, &format!("base[{i}].key"), Some(place));
        }
    }
}

fn jan(yaml: &Yaml, root: Id, sink: &mut Sink<'_>) {
    if let Some((name, place)) = yaml.get(root, "name").and_then(|id| yaml.scalar(id)) {
        sink.fact(FactKind::Name, name, "name", Some(place));
    }
    // relative to Jan's data folder; where the file lies beside, its last part is its name
    if let Some((path, _)) = yaml.get(root, "model_path").and_then(|id| yaml.scalar(id)) {
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if is_beside(file) {
            sink.out.made_from.push(file.to_owned());
        }
    }
}

fn local_ai(yaml: &Yaml, root: Id, sink: &mut Sink<'_>) {
    let scalar = |id: Option<Id>| id.and_then(|id| yaml.scalar(id));
    // `name` is what callers ask for (`gpt-4`), not what the model is
    if let Some((file, _)) = scalar(yaml.get(root, "parameters").and_then(|p| yaml.get(p, "model")))
        && is_beside(file)
    {
        sink.out.made_from.push(file.to_owned());
    }
    if let Some((license, place)) = scalar(yaml.get(root, "license")) {
        sink.fact(FactKind::LicenseTag, license, "license", Some(place));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{FileFacts, read_file};

    /// One of each, with its name.
    pub(crate) const EXAMPLES: &[(&str, &str)] = &[
        (
            "models/Lora/ink.civitai.info",
            r#"{"id": 7, "name": "v2.0", "baseModel": "SDXL 1.0", "trainedWords": ["ink"],
            "model": {"name": "Ink", "type": "LORA", "nsfw": false, "allowNoCredit": false, "allowCommercialUse": []},
            "files": [{"name": "ink.safetensors", "hashes": {"AutoV2": "AB", "SHA256": "ABCD"}}]}"#,
        ),
        ("models/Lora/ink.json", r#"{"description": "", "sd version": "SDXL", "activation text": "ink"}"#),
        (
            "models/qwen/model.yml",
            "embedding: false\nmodel_path: llamacpp/models/qwen/model.gguf\nname: Qwen3-4B\nsize_bytes: 7\n",
        ),
        (
            "hub/models/qwen/qwen3-8b/model.yaml",
            "model: qwen/qwen3-8b\nbase:\n  - key: lmstudio-community/Qwen3-8B-GGUF\n    sources:\n      - type: huggingface\n",
        ),
        (
            "hub/models/qwen/qwen3-8b/manifest.json",
            r#"{"type": "model", "owner": "qwen", "name": "qwen3-8b", "dependencies": [{"type": "model",
            "purpose": "baseModel", "modelKeys": ["x/y"], "sources": [{"type": "huggingface",
            "user": "lmstudio-community", "repo": "Qwen3-8B-GGUF"}]}], "revision": 2}"#,
        ),
        ("models/gpt-4.yaml", "name: gpt-4\nlicense: mit\nparameters:\n  model: phi-2.Q8_0.gguf\n  temperature: 0.2\n"),
    ];

    fn told(name: &str) -> FileFacts {
        let (name, text) = EXAMPLES.iter().find(|(n, _)| n.ends_with(name)).unwrap();
        let said = read_file(name, &text.as_bytes());
        assert!(said.diagnostics.is_empty(), "{name}: {:?}", said.diagnostics);
        for fact in &said.facts {
            let (s, e) = fact.evidence.bytes.unwrap();
            assert!(s <= e && e <= u64::try_from(text.len()).unwrap());
        }
        said
    }

    fn facts(said: &FileFacts) -> Vec<(FactKind, &str)> {
        said.facts.iter().map(|f| (f.kind, f.value.as_str())).collect()
    }

    #[test]
    fn loose_checkpoints_have_their_page() {
        assert_eq!(
            facts(&told("ink.civitai.info")),
            [
                (FactKind::Version, "v2.0"),
                (FactKind::BaseModelName, "SDXL 1.0"),
                (FactKind::Name, "Ink"),
                (FactKind::AdapterType, "LORA"),
                (FactKind::Sha256, "abcd"),
                (FactKind::LicenseName, "Civitai page: credit to the creator, no commercial use"),
            ]
        );
        assert_eq!(facts(&told("ink.json")), [(FactKind::BaseModelName, "SDXL")]);
        let free =
            br#"{"model": {"allowNoCredit": true, "allowCommercialUse": ["None", "Sell"], "allowDerivatives": true}}"#;
        assert!(read_file("x.civitai.info", &&free[..]).facts.is_empty());
        let old = br#"{"model": {"allowCommercialUse": "None"}}"#;
        assert_eq!(read_file("x.civitai.info", &&old[..]).facts[0].value, "Civitai page: no commercial use");
    }

    #[test]
    fn stores_describe_their_models() {
        let jan = told("model.yml");
        assert_eq!(facts(&jan), [(FactKind::Name, "Qwen3-4B")]);
        assert_eq!(jan.made_from, ["model.gguf"]);
        for file in ["model.yaml", "manifest.json"] {
            let mut said = told(file);
            said.facts.sort_by_key(|f| f.kind);
            let mut expected =
                [(FactKind::Name, "qwen/qwen3-8b"), (FactKind::BaseModel, "lmstudio-community/Qwen3-8B-GGUF")];
            expected.sort_by_key(|f| f.0);
            assert_eq!(facts(&said), expected, "{file}");
            assert!(said.model_file);
        }
        let local = told("gpt-4.yaml");
        assert_eq!(
            (facts(&local), local.made_from.as_slice()),
            (vec![(FactKind::LicenseTag, "mit")], &["phi-2.Q8_0.gguf".to_owned()][..])
        );
        assert!(!local.model_file && !jan.model_file);
    }

    #[test]
    fn other_files_are_not_theirs_and_paths_stay_inside() {
        for (name, text) in [
            ("values.yaml", "parameters:\n  model: x.gguf\n"),
            ("recipe.yml", "name: x\nparameters:\n  weight: 1\n"),
            ("manifest.json", "{\"name\": \"app\", \"version\": 2}"),
            ("x.json", "{\"version\": 2}"),
            ("model.yaml", "model: x\n"),
        ] {
            assert_eq!(kind(name, text.as_bytes()), None, "{name}");
        }
        for path in ["../x.gguf", "/etc/passwd", "huggingface://a/b/c.gguf", "a/b.gguf"] {
            let text = format!("name: x\nparameters:\n  model: {path}\n");
            assert!(read_file("x.yaml", &text.as_bytes()).made_from.is_empty(), "{path}");
        }
    }
}
