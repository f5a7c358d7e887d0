//! One plain function for each parser, for fuzzers and for the replay of their corpora. None may panic, hang or
//! allocate beyond its input's order of magnitude, whatever the bytes.

use crate::{FileFacts, ReadAt, read_file};

fn run(name: &str, data: &[u8]) -> FileFacts {
    let facts = read_file(name, &data);
    assert!(facts.facts.iter().all(|f| f.value.len() <= freehold_base::Fact::VALUE_BYTES_MAX), "a value is too long");
    let size = data.size();
    let inside = |place: Option<(u64, u64)>| place.is_none_or(|(s, e)| s <= e && e <= size);
    assert!(facts.facts.iter().all(|f| inside(f.evidence.bytes)), "evidence lies outside the file");
    facts
}

/// GGUF and its predecessors.
pub fn fuzz_gguf(data: &[u8]) {
    run("model.gguf", data);
}

/// safetensors headers.
pub fn fuzz_safetensors(data: &[u8]) {
    run("model.safetensors", data);
}

/// Shard indexes.
pub fn fuzz_index(data: &[u8]) {
    run("model.safetensors.index.json", data);
}

/// Every JSON config.
pub fn fuzz_config(data: &[u8]) {
    for name in
        ["config.json", "adapter_config.json", "tokenizer_config.json", "quantize_config.json", "model_index.json"]
    {
        run(name, data);
    }
}

/// Model cards.
pub fn fuzz_card(data: &[u8]) {
    run("README.md", data);
}

/// Merge recipes.
pub fn fuzz_merge(data: &[u8]) {
    run("mergekit_config.yml", data);
}

/// git-lfs pointers and download metadata.
pub fn fuzz_pointer(data: &[u8]) {
    run("model-00001-of-00002.bin", data);
    run(".cache/huggingface/download/model.safetensors.metadata", data);
}

/// Legal texts.
pub fn fuzz_legal(data: &[u8]) {
    run("LICENSE", data);
}

/// A parser under fuzz.
pub type Target = fn(&[u8]);

/// Each parser by the name of its corpus folder.
pub const ALL: &[(&str, Target)] = &[
    ("gguf", fuzz_gguf),
    ("safetensors", fuzz_safetensors),
    ("index", fuzz_index),
    ("config", fuzz_config),
    ("card", fuzz_card),
    ("merge", fuzz_merge),
    ("pointer", fuzz_pointer),
    ("legal", fuzz_legal),
];
