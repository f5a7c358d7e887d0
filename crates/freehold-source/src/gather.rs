//! Files that were read, on their way into artifacts.

use std::collections::BTreeMap;

use freehold_artifact::{Artifact, FileFacts};
use freehold_base::{Diagnostic, FactKind};

/// Most bytes of text kept for one artifact; a license has 20 kB.
pub(crate) const TEXT_BYTES_MAX: usize = 32 << 20;

/// A file and what it says.
#[derive(Clone)]
pub(crate) struct ReadFile {
    /// Path relative to the source's root.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) said: FileFacts,
    /// The repository that a file beside it says it was downloaded from.
    pub(crate) repository: Option<String>,
}

impl ReadFile {
    pub(crate) fn new(path: String, bytes: u64, said: FileFacts) -> ReadFile {
        ReadFile { path, bytes, said, repository: None }
    }

    fn base(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// True for a file that said nothing at all.
    pub(crate) fn is_silent(&self) -> bool {
        self.said.facts.is_empty() && self.said.texts.is_empty() && self.said.diagnostics.is_empty()
    }

    fn has(&self, kind: FactKind) -> bool {
        self.said.facts.iter().any(|f| f.kind == kind)
    }

    fn is_recipe(&self) -> bool {
        freehold_artifact::is_modelfile(self.base())
    }

    fn is_gguf(&self) -> bool {
        self.said.facts.iter().any(|f| f.kind == FactKind::Format && f.value == "gguf")
    }

    /// A projector belongs to whatever model lies beside it.
    fn is_projector(&self) -> bool {
        let clip = self.said.facts.iter().any(|f| f.kind == FactKind::Architecture && f.value == "clip");
        self.base().to_ascii_lowercase().contains("mmproj") || clip || self.has(FactKind::Multimodal)
    }
}

/// True where the files of one folder make it a model's.
pub(crate) fn is_model(files: &[ReadFile]) -> bool {
    files.iter().any(|f| f.said.model_file && !f.said.not_a_model)
}

/// True where a folder's subfolders are parts of one model: diffusers pipelines, sentence-transformers.
pub(crate) fn is_composite(files: &[ReadFile]) -> bool {
    files.iter().any(|f| match f.base() {
        "model_index.json" => f.said.model_file,
        "modules.json" => true,
        _ => false,
    })
}

/// Drops texts once `left` bytes are used up, and says so.
pub(crate) fn cap_texts(files: &mut [ReadFile], left: &mut usize) {
    for file in files {
        let here: usize = file.said.texts.iter().map(|t| t.text.len()).sum();
        match left.checked_sub(here) {
            Some(rest) => *left = rest,
            None => {
                file.said.texts.clear();
                let message = "more than 32 MiB of text beside one model: this one is not kept";
                file.said.diagnostics.push(Diagnostic::warning("texts-too-long", message).in_file(&file.path));
            }
        }
    }
}

/// One artifact of these files.
pub(crate) fn artifact(root_name: String, mut files: Vec<ReadFile>) -> Artifact {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    cap_texts(&mut files, &mut { TEXT_BYTES_MAX });
    let mut artifact = Artifact { root_name, ..Artifact::default() };
    for file in files {
        artifact.add(file.path, file.bytes, file.said);
    }
    artifact
}

/// Divides a folder that holds GGUF files of several models and nothing that speaks for all of them.
///
/// So are several Modelfiles, where nothing else speaks for the folder: each is a model.
///
/// Files are of one model where `general.basename`, else `general.name`, else the file name without its shard and
/// quantization is the same. With a card or a config in the folder it is one model, whatever its files say of
/// themselves. Projectors and all other files go to each.
pub(crate) fn split(root_name: &str, own: Vec<ReadFile>, rest: Vec<ReadFile>) -> Vec<Artifact> {
    match several(root_name, &own, &rest) {
        Some(artifacts) => artifacts,
        None => vec![artifact(root_name.to_owned(), own.into_iter().chain(rest).collect())],
    }
}

/// [`split`] where the files are of several models.
fn several(root_name: &str, own: &[ReadFile], rest: &[ReadFile]) -> Option<Vec<Artifact>> {
    let speaks = |f: &&ReadFile| f.said.model_file && !f.is_gguf();
    if own.iter().filter(speaks).any(|f| !f.is_recipe()) {
        return None;
    }
    let (recipes, others): (Vec<&ReadFile>, Vec<&ReadFile>) = own.iter().partition(|f| speaks(f));
    if !recipes.is_empty() && (recipes.len() == 1 || others.iter().any(|f| f.said.model_file)) {
        return None;
    }
    if !recipes.is_empty() {
        let one = |recipe: &ReadFile| {
            let files = others.iter().copied().chain([recipe]).cloned().chain(rest.iter().cloned()).collect();
            artifact(below(root_name, recipe.base()), files)
        };
        return Some(recipes.into_iter().map(one).collect());
    }
    let (models, shared): (Vec<&ReadFile>, Vec<&ReadFile>) = own.iter().partition(|f| f.is_gguf() && !f.is_projector());
    // the later shards of a model carry no name: they take that of the first
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for file in &models {
        if let Some(name) = header_name(file) {
            named.entry(stem(file.base())).or_insert(name);
        }
    }
    let mut groups: BTreeMap<String, Vec<&ReadFile>> = BTreeMap::new();
    for file in models {
        let stem = stem(file.base());
        let identity = named.get(&stem).cloned().unwrap_or(stem);
        groups.entry(identity).or_default().push(file);
    }
    if groups.len() < 2 {
        return None;
    }
    let one = |group: Vec<&ReadFile>| {
        let label = group.first().map(|f| without_shard(f.base())).unwrap_or_default();
        let with = shared.iter().copied().filter(|f| speaks_for(f, &group, own)).collect::<Vec<_>>();
        let files = group.into_iter().chain(with).cloned().chain(rest.iter().cloned()).collect();
        artifact(below(root_name, &label), files)
    };
    Some(groups.into_values().map(one).collect())
}

fn below(root_name: &str, label: &str) -> String {
    if root_name.is_empty() { label.to_owned() } else { format!("{root_name}/{label}") }
}

/// A recipe that is made from files of its folder speaks for those; every other file speaks for all.
fn speaks_for(file: &ReadFile, group: &[&ReadFile], own: &[ReadFile]) -> bool {
    let made_from = |f: &ReadFile| file.said.made_from.iter().any(|m| m == f.base());
    group.iter().any(|f| made_from(f)) || !own.iter().any(made_from)
}

/// Takes out of a folder the models whose files say each where they were downloaded: one a repository.
pub(crate) fn by_repository(own: &mut Vec<ReadFile>) -> Vec<Artifact> {
    let mut groups: BTreeMap<String, Vec<ReadFile>> = BTreeMap::new();
    for file in own.iter().filter(|f| f.said.model_file && !f.said.not_a_model) {
        if let Some(repository) = &file.repository {
            groups.entry(repository.clone()).or_default();
        }
    }
    let mut left = Vec::with_capacity(own.len());
    for file in own.drain(..) {
        match file.repository.as_ref().and_then(|r| groups.get_mut(r)) {
            Some(group) => group.push(file),
            None => left.push(file),
        }
    }
    *own = left;
    groups.into_iter().map(|(repository, files)| artifact(repository, files)).collect()
}

/// Takes every model file out of a folder, each a model of its own, with the files that have its name and more
/// (`ink.civitai.info` for `ink.safetensors`).
pub(crate) fn one_by_one(root_name: &str, own: &mut Vec<ReadFile>) -> Vec<Artifact> {
    let (models, left): (Vec<_>, Vec<_>) = own.drain(..).partition(|f| f.said.model_file && !f.said.not_a_model);
    let mut groups: BTreeMap<String, Vec<ReadFile>> = BTreeMap::new();
    for file in models {
        groups.entry(without_ending(file.base()).to_owned()).or_default().push(file);
    }
    for file in left {
        // of `v1.safetensors` and `v1.5.safetensors` the longer name has `v1.5.json`
        let mut name = without_ending(file.base()).to_owned();
        while !groups.contains_key(&name) && name.contains('.') {
            name.truncate(name.rfind('.').unwrap_or(0));
        }
        match groups.get_mut(&name) {
            Some(group) => group.push(file),
            None => own.push(file),
        }
    }
    let is_model = |f: &ReadFile| f.said.model_file && !f.said.not_a_model;
    let mut out = Vec::new();
    for group in groups.into_values() {
        let (models, with): (Vec<_>, Vec<_>) = group.into_iter().partition(is_model);
        // `x.safetensors` and `x.ckpt` may be two models of one name: what is said of it counts for both
        for model in models {
            let label = below(root_name, model.base());
            out.push(artifact(label, [vec![model], with.clone()].concat()));
        }
    }
    out
}

/// `ink.safetensors` → `ink`.
fn without_ending(base: &str) -> &str {
    base.rsplit_once('.').map_or(base, |(stem, _)| stem)
}

/// True where a folder has a config or a card: its files are one model.
pub(crate) fn has_config(files: &[ReadFile]) -> bool {
    const NAMES: [&str; 4] = ["config.json", "model_index.json", "adapter_config.json", "README.md"];
    files.iter().any(|f| NAMES.contains(&f.base()) && f.said.model_file)
}

fn header_name(file: &ReadFile) -> Option<String> {
    let under = |key: &str| {
        let fact = file.said.facts.iter().find(|f| f.kind == FactKind::Name && f.evidence.key == key);
        fact.map(|f| f.value.to_lowercase())
    };
    under("general.basename").or_else(|| under("general.name"))
}

/// `model-00001-of-00003.gguf` → `model`.
fn without_shard(base: &str) -> String {
    let name = base.strip_suffix(".gguf").unwrap_or(base);
    let is_number = |t: &str| t.len() == 5 && t.bytes().all(|b| b.is_ascii_digit());
    if let Some((head, count)) = name.rsplit_once("-of-")
        && let Some((head, no)) = head.rsplit_once('-')
        && is_number(count)
        && is_number(no)
    {
        return head.to_owned();
    }
    name.to_owned()
}

/// The name without shard and quantization: `Llama-3.2-1B-Instruct.Q4_K_M.gguf` → `llama-3.2-1b-instruct`.
fn stem(base: &str) -> String {
    let name = without_shard(base).to_lowercase();
    for (at, _) in name.match_indices(['-', '.', '_']) {
        if at > 0 && is_quantization(name.get(at + 1..).unwrap_or_default()) {
            return name.get(..at).unwrap_or_default().to_owned();
        }
    }
    name
}

fn is_quantization(tail: &str) -> bool {
    let tail = tail.strip_prefix("ud-").unwrap_or(tail);
    let rest = ["iq", "tq", "bf", "mxfp", "q", "f"].iter().find_map(|p| tail.strip_prefix(p)).unwrap_or_default();
    rest.starts_with(|c: char| c.is_ascii_digit()) && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_lose_shard_and_quantization() {
        for (name, expected) in [
            ("unsloth.Q8_0.gguf", "unsloth"),
            ("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "llama-3.2-1b-instruct"),
            ("Qwen2.5-7B-UD-IQ2_XXS-00001-of-00002.gguf", "qwen2.5-7b"),
            ("phi-4-bf16.gguf", "phi-4"),
            ("model.gguf", "model"),
            ("q4.gguf", "q4"),
        ] {
            assert_eq!(stem(name), expected, "{name}");
        }
    }
}
