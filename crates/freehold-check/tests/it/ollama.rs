//! Names of Ollama's, with their tags, as lineage resolves them.

use freehold_base::{Evidence, Fact, FactKind};
use freehold_lineage::{Described, describe};

/// The parents of a folder in which one fact stands.
fn parents(kind: FactKind, value: &str, file: &str, key: &str) -> Vec<String> {
    let evidence = Evidence { file: file.to_owned(), key: key.to_owned(), ..Evidence::default() };
    let facts = [Fact { kind, value: value.to_owned(), evidence }];
    let described = Described { root_name: "bot", facts: &facts, ..Described::default() };
    let (graph, _) = describe(&described, freehold_law::shared());
    graph.edges.iter().filter(|e| e.child == 0).map(|e| graph.works[e.parent].id.clone()).collect()
}

#[test]
fn names_with_tags_are_the_models_that_the_catalog_knows() {
    let models = &freehold_law::shared().models;
    for name in ["llama3.1:8b", "llama3.2:latest", "llama3.2", "qwen2.5-coder:7b"] {
        let known = models.by_ollama_name(name).unwrap_or_else(|| panic!("{name} is not in the catalog")).to_owned();
        for (value, key) in [
            (name.to_owned(), "FROM"),
            (format!("registry.ollama.ai/library/{name}"), "FROM"),
            (name.to_owned(), "# FROM"),
            (name.to_owned(), "layers[0].from"),
        ] {
            assert_eq!(parents(FactKind::BaseModel, &value, "Modelfile", key), [known.as_str()], "{value}");
        }
        let store = format!("models/manifests/registry.ollama.ai/library/{}", name.replace(':', "/"));
        assert_eq!(parents(FactKind::Name, name, &store, "path"), [known], "{store}");
    }
}

#[test]
fn other_names_lose_their_tag_only_where_it_says_nothing() {
    for (value, expected) in [
        ("acme-secret:7b", "acme-secret:7b"),
        ("acme-secret:latest", "acme-secret"),
        ("igorls/gemma-x:latest", "ollama:igorls/gemma-x"),
        ("hf.co/bartowski/X-GGUF:Q4_K_M", "bartowski/X-GGUF"),
    ] {
        assert_eq!(parents(FactKind::BaseModel, value, "Modelfile", "FROM"), [expected], "{value}");
    }
    // on a card a family's name is no name of Ollama's, nor is one in another registry's place
    assert_eq!(parents(FactKind::BaseModel, "qwen2.5-coder", "README.md", "base_model"), ["qwen2.5-coder"]);
    let elsewhere = "models/manifests/evil.example/library/qwen2.5-coder/7b";
    assert!(parents(FactKind::Name, "qwen2.5-coder", elsewhere, "path").is_empty());
}

#[test]
fn a_name_with_a_namespace_is_no_repository_of_the_hub() {
    let catalog = freehold_law::catalog();
    let work = |name: &str| catalog.models.ollama_work(name);
    assert_eq!(work("mistralai/Mistral-7B-v0.1:latest"), "ollama:mistralai/Mistral-7B-v0.1");
    assert_eq!(work("example.com:5000/team/model"), "ollama:example.com:5000/team/model");
    assert_eq!(work("hf.co/bartowski/X-GGUF:Q4_K_M"), "bartowski/X-GGUF");
    assert_eq!(work("nobody-has-heard-of-it:latest"), "nobody-has-heard-of-it");
    assert_eq!(work("registry.ollama.ai/library/llama3.1:8b"), "meta-llama/Llama-3.1-8B-Instruct");
}
