//! Docker Model Runner's store: `models.json`, `manifests/sha256/{hex}`, `blobs/sha256/{hex}`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::said;

/// Most names of one model.
const TAGS_MAX: usize = 64;

/// The names that `models.json` gives each manifest, by its digest's hex digits.
pub(crate) fn names(models_json: &[u8]) -> BTreeMap<String, Vec<String>> {
    let json: Value = serde_json::from_slice(models_json).unwrap_or_default();
    let models = json.get("models").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for model in models {
        let Some(hex) = model.get("id").and_then(Value::as_str).and_then(|id| id.strip_prefix("sha256:")) else {
            continue;
        };
        let tags = model.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let tags = tags.iter().filter_map(Value::as_str).take(TAGS_MAX).map(short).filter(|t| !t.is_empty());
        out.entry(hex.to_owned()).or_default().extend(tags);
    }
    out
}

/// A name as the tool shows it: without the registry that is meant anyway.
fn short(tag: &str) -> String {
    let tag = tag.strip_prefix("index.docker.io/").or_else(|| tag.strip_prefix("docker.io/")).unwrap_or(tag);
    said::clean(tag.strip_prefix("library/").unwrap_or(tag))
}

/// `org/name`, where the name is one of the Hugging Face hub's.
pub(crate) fn repository(name: &str) -> Option<String> {
    let rest = name.strip_prefix("hf.co/").or_else(|| name.strip_prefix("huggingface.co/"))?;
    let (org, rest) = rest.split_once('/')?;
    let name = rest.split_once(':').map_or(rest, |(name, _)| name);
    said::is_repository(org, name).then(|| format!("{org}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_names_manifests() {
        let read = names(
            br#"{"models": [{"id": "sha256:ab", "tags": ["index.docker.io/ai/smollm2:latest", 7]},
            {"id": "sha256:cd", "tags": ["hf.co/bartowski/X:Q4_K_M"]}, {"id": 3}, 4]}"#,
        );
        assert_eq!(read["ab"], ["ai/smollm2:latest"]);
        assert_eq!(repository(&read["cd"][0]).as_deref(), Some("bartowski/X"));
        assert_eq!(repository("ai/smollm2:latest"), None);
        assert!(names(b"[[").is_empty());
    }
}
