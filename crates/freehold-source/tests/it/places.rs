//! The places of a machine, made up in a temporary folder.

use std::fs;

use freehold_source::{StoreKind, known_stores, stores};

#[test]
fn only_what_exists_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    for folder in [
        ".cache/huggingface/hub",
        ".cache/huggingface/transformers",
        ".cache/torch/hub/checkpoints",
        ".cache/torch/sentence_transformers",
        ".cache/modelscope/hub",
        ".cache/llama.cpp",
        ".cache/lm-studio/models",
        ".ollama/models",
        ".lmstudio/models",
        ".local/share/nomic.ai/GPT4All",
        ".docker/models",
        "jan/models",
        ".lmstudio/hub/models",
        "ComfyUI/models",
        "invokeai/models",
        "elsewhere/ollama",
    ] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    let none = |_: &str| None;
    // the service's folder may exist on the machine that runs this
    let found: Vec<_> = stores(&none, Some(home)).into_iter().filter(|s| s.path.starts_with(home)).collect();
    let kinds: Vec<&str> = found.iter().map(|s| s.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "huggingface-cache",
            "transformers-cache",
            "sentence-transformers",
            "torch-hub",
            "modelscope",
            "ollama",
            "lm-studio",
            "lm-studio",
            "lm-studio",
            "gpt4all",
            "llama.cpp",
            "jan",
            "docker-model-runner",
            "comfyui",
            "invokeai"
        ]
    );
    let elsewhere = home.join("elsewhere/ollama");
    let moved = |name: &str| match name {
        "OLLAMA_MODELS" => Some(elsewhere.display().to_string()),
        "HF_HOME" => Some("~/.cache/huggingface".to_owned()),
        "LLAMA_CACHE" => Some(" ".to_owned()),
        "HF_HUB_CACHE" => Some("relative/folder".to_owned()),
        _ => None,
    };
    let moved = stores(&moved, Some(home));
    let of = |kind| moved.iter().filter(|s| s.kind == kind && s.path.starts_with(home)).count();
    assert_eq!(of(StoreKind::Ollama), 2);
    assert_eq!(of(StoreKind::HuggingFaceCache), 1);
    assert_eq!(of(StoreKind::LlamaCpp), 1);
    assert!(moved.iter().all(|s| s.path.is_absolute()));
    assert!(stores(&none, None).iter().all(|s| s.path.starts_with("/usr/share")));
}

#[test]
fn the_page_of_the_user_names_every_store() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&known_stores()), "the README lists: {}", known_stores());
}
