//! Small JSON files beside downloaded ones that say where they came from: llama.cpp's, the old transformers cache's,
//! Jan's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use freehold_base::{Fact, FactKind};
use serde_json::Value;

use crate::disk::read_small;
use crate::said::{self, hub_address, is_repository};

/// Longest such file that is read, in bytes; the manifests that the hub serves to llama.cpp carry a header of the model.
const BYTES_MAX: usize = 4 << 20;
/// Most such files of one folder.
const FILES_MAX: usize = 2_000;

/// Where a file was downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// `org/name`.
    pub(crate) repository: String,
    /// What the file is called there, without folders, where the file here has a hash for a name.
    pub(crate) name: Option<String>,
    /// What is told of it.
    pub(crate) facts: Vec<Fact>,
}

/// The origins of a folder's files, by name. `files` are its files, sorted; `rel` is the folder relative to the
/// source's root.
pub(crate) fn origins(files: &[(String, PathBuf, bool)], rel: &str) -> BTreeMap<String, Origin> {
    let mut out = BTreeMap::new();
    let holds = |name: &str| files.binary_search_by(|(n, _, _)| n.as_str().cmp(name)).is_ok();
    let mut left = FILES_MAX;
    for (name, path, link) in files {
        let Some(bare) = name.strip_suffix(".json") else { continue };
        let manifest = bare.strip_prefix("manifest=");
        if *link || left == 0 || !(manifest.is_some() || holds(bare) || name == "model.json") {
            continue;
        }
        left -= 1;
        let Some(json) = read_small(path, BYTES_MAX).ok().and_then(|b| serde_json::from_slice::<Value>(&b).ok()) else {
            continue;
        };
        let place = if rel.is_empty() { name.clone() } else { format!("{rel}/{name}") };
        if let Some(parts) = manifest {
            from_manifest(parts, &json, &place, files, &mut out);
        } else if holds(bare) {
            let Some(origin) = from_address(json.get("url"), "url", &place) else { continue };
            out.insert(name.clone(), Origin { name: Some(name.clone()), facts: Vec::new(), ..origin.clone() });
            out.insert(bare.to_owned(), origin);
        } else {
            jan(&json, &place, files, &mut out);
        }
    }
    out
}

fn from_address(url: Option<&Value>, key: &str, place: &str) -> Option<Origin> {
    let url = url.and_then(Value::as_str)?;
    let (repository, revision, file) = hub_address(url)?;
    let mut facts: Vec<Fact> = said::fact(FactKind::Repository, &repository, place, key).into_iter().collect();
    let commit = revision.filter(|r| r.len() == 40 && r.bytes().all(|b| b.is_ascii_hexdigit()));
    facts.extend(commit.and_then(|c| said::fact(FactKind::Revision, c, place, key)));
    let name = file.rsplit('/').next().filter(|n| !n.is_empty()).map(str::to_owned);
    Some(Origin { repository, name, facts })
}

/// `manifest={org}={repository}={tag}.json`: the hub's answer; the file itself is called `{org}_{repository}_{file}`.
fn from_manifest(
    parts: &str,
    json: &Value,
    place: &str,
    files: &[(String, PathBuf, bool)],
    out: &mut BTreeMap<String, Origin>,
) {
    let mut parts = parts.split('=');
    let (Some(org), Some(name)) = (parts.next(), parts.next()) else { return };
    if !is_repository(org, name) {
        return;
    }
    let repository = format!("{org}/{name}");
    for key in ["ggufFile", "mmprojFile"] {
        let Some(file) = json.get(key) else { continue };
        let Some(remote) = file.get("rfilename").and_then(Value::as_str) else { continue };
        let local = format!("{org}_{name}_{}", remote.replace('/', "_"));
        if files.binary_search_by(|(n, _, _)| n.cmp(&local)).is_err() {
            continue;
        }
        let mut facts: Vec<Fact> = said::fact(FactKind::Repository, &repository, place, "name").into_iter().collect();
        let hash = file.get("lfs").and_then(|l| l.get("sha256")).and_then(Value::as_str);
        let hash = hash.filter(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit()));
        let key = format!("{key}.lfs.sha256");
        facts.extend(hash.and_then(|h| said::fact(FactKind::Sha256, &h.to_ascii_lowercase(), place, &key)));
        out.entry(local).or_insert(Origin { repository: repository.clone(), name: None, facts });
    }
}

/// Jan's `model.json`: `sources[0].url` is where the folder's GGUF file came from.
fn jan(json: &Value, place: &str, files: &[(String, PathBuf, bool)], out: &mut BTreeMap<String, Origin>) {
    let sources = json.get("sources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (i, source) in sources.iter().enumerate().take(16) {
        let Some(origin) = from_address(source.get("url"), &format!("sources[{i}].url"), place) else { continue };
        let listed = source.get("filename").and_then(Value::as_str).map(str::to_owned);
        let Some(name) = listed.or(origin.name.clone()) else { continue };
        if files.binary_search_by(|(n, _, _)| n.cmp(&name)).is_ok() {
            out.insert(name, Origin { name: None, ..origin });
        }
    }
}
