//! Stores of other tools: flat folders with a small file beside each, and folders whose names say where a model is from.

use freehold_base::FactKind;

use crate::{CONFIG, all, gguf, names, put, values};

#[test]
fn llama_cpp_says_where_a_file_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let url = |repo: &str, file: &str| {
        format!(r#"{{"url": "https://huggingface.co/{repo}/resolve/main/{file}", "etag": "x"}}"#)
    };
    put(dir.path(), "a_x-GGUF_x-Q4_K_M.gguf", gguf(&[("general.name", "same")]));
    put(dir.path(), "a_x-GGUF_x-Q4_K_M.gguf.json", url("a/x-GGUF", "x-Q4_K_M.gguf"));
    put(dir.path(), "a_x-GGUF_mmproj-x.gguf", gguf(&[("general.architecture", "clip")]));
    put(dir.path(), "a_x-GGUF_mmproj-x.gguf.json", url("a/x-GGUF", "mmproj-x.gguf"));
    put(dir.path(), "b_y_dir_y.gguf", gguf(&[("general.name", "same")]));
    let hash = "cd".repeat(32);
    put(
        dir.path(),
        "manifest=b=y=latest.json",
        format!(r#"{{"ggufFile": {{"rfilename": "dir/y.gguf", "lfs": {{"sha256": "{hash}"}}}}}}"#),
    );
    put(dir.path(), "own.gguf", gguf(&[("general.name", "own")]));
    put(dir.path(), "own.gguf.json", r#"{"url": "https://example.com/own.gguf"}"#);
    let found = all(dir.path());
    let own = dir.path().file_name().unwrap().to_str().unwrap();
    let mut expected = vec!["a/x-GGUF", "b/y", own];
    expected.sort_unstable();
    assert_eq!(names(&found), expected);
    let of = |name: &str| found.iter().find(|a| a.root_name == name).unwrap();
    assert_eq!(values(of("a/x-GGUF"), FactKind::Repository)[0], "a/x-GGUF");
    assert_eq!(of("a/x-GGUF").files.len(), 4);
    assert_eq!(of("a/x-GGUF").facts[0].evidence.key, "url");
    assert_eq!(values(of("b/y"), FactKind::Repository), ["b/y"]);
    assert_eq!(values(of("b/y"), FactKind::Sha256), [hash]);
    assert!(values(of(own), FactKind::Repository).is_empty());
}

#[test]
fn the_old_transformers_cache_hides_names_in_hashes() {
    let dir = tempfile::tempdir().unwrap();
    for (hash, file, content) in
        [("11.aa", "config.json", CONFIG), ("22.bb", "pytorch_model.bin", "PK\x03\x04xxxxxxxx")]
    {
        put(dir.path(), hash, content);
        let url = format!(r#"{{"url": "https://huggingface.co/gpt2/resolve/main/{file}", "etag": "\"x\""}}"#);
        put(dir.path(), &format!("{hash}.json"), url);
        put(dir.path(), &format!("{hash}.lock"), "");
    }
    let found = all(dir.path());
    assert_eq!(names(&found), ["gpt2"]);
    assert_eq!(values(&found[0], FactKind::Architecture), ["llama"]);
    assert!(values(&found[0], FactKind::Format).contains(&"pytorch"));
    let config = found[0].facts.iter().find(|f| f.kind == FactKind::Architecture).unwrap();
    assert_eq!(config.evidence.file, "11.aa");
}

#[test]
fn folders_of_stores_say_where_models_are_from() {
    let dir = tempfile::tempdir().unwrap();
    let weights = || gguf(&[("general.architecture", "llama")]);
    put(dir.path(), ".lmstudio/models/bartowski/X-GGUF/x.gguf", weights());
    put(dir.path(), ".cache/modelscope/hub/models/Qwen/Qwen2___5-7B/config.json", CONFIG);
    put(dir.path(), "srv/LLM-Research/Phi-3/config.json", CONFIG);
    put(dir.path(), "srv/LLM-Research/Phi-3/.mdl", "\u{80}\u{4}");
    put(dir.path(), ".cache/torch/sentence_transformers/acme_mini-v2/config.json", CONFIG);
    put(dir.path(), "jan/models/huggingface.co/bartowski/Y-GGUF/y.gguf", weights());
    put(dir.path(), "plain/acme/bot/config.json", CONFIG);
    let found = all(dir.path());
    let repositories =
        ["LLM-Research/Phi-3", "Qwen/Qwen2.5-7B", "acme/mini-v2", "bartowski/X-GGUF", "bartowski/Y-GGUF"];
    assert_eq!(names(&found)[..5], repositories);
    for (artifact, repository) in found.iter().zip(repositories) {
        assert_eq!(values(artifact, FactKind::Repository), [repository]);
    }
    assert_eq!(found[5].root_name, "plain/acme/bot");
    assert!(values(&found[5], FactKind::Repository).is_empty());
    // one file of such a folder
    let one = all(&dir.path().join(".lmstudio/models/bartowski/X-GGUF/x.gguf"));
    assert_eq!(values(&one[0], FactKind::Repository), ["bartowski/X-GGUF"]);
}

#[test]
fn each_checkpoint_of_torch_hub_is_a_model() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["resnet50-0676ba61.pth", "vgg16-397923af.pth"] {
        put(dir.path(), &format!("torch/hub/checkpoints/{name}"), "PK\x03\x04xxxxxxxx");
    }
    let found = all(dir.path());
    assert_eq!(
        names(&found),
        ["torch/hub/checkpoints/resnet50-0676ba61.pth", "torch/hub/checkpoints/vgg16-397923af.pth"]
    );
}

#[test]
fn jan_names_the_sources_of_a_model() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "jan/models/bot/bot.gguf", gguf(&[("general.architecture", "llama")]));
    put(
        dir.path(),
        "jan/models/bot/model.json",
        r#"{"sources": [{"filename": "bot.gguf", "url": "https://huggingface.co/acme/bot-GGUF/resolve/main/bot.Q4.gguf"}]}"#,
    );
    let found = all(dir.path());
    assert_eq!(names(&found), ["acme/bot-GGUF"]);
    assert_eq!(values(&found[0], FactKind::Repository), ["acme/bot-GGUF"]);
}

#[test]
fn texts_outside_a_store_are_not_its_models() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), ".lmstudio/models/bartowski/X-GGUF/x.gguf", gguf(&[("general.architecture", "llama")]));
    put(dir.path(), "LICENSE", "Permission is hereby granted");
    let found = all(dir.path());
    assert!(found[0].texts.is_empty());
    assert!(found[0].diagnostics.iter().any(|d| d.code == "text-outside-model"));
}

/// The smallest safetensors file.
const SAFETENSORS: &[u8] = b"\x02\0\0\0\0\0\0\0{}";

#[test]
fn loose_files_of_image_programs_are_models_with_their_sidecars() {
    let dir = tempfile::tempdir().unwrap();
    let models = dir.path().join("ComfyUI/models");
    for name in ["checkpoints/base.safetensors", "loras/sdxl/v1.safetensors", "loras/sdxl/v1.5.safetensors"] {
        put(&models, name, SAFETENSORS);
    }
    put(
        &models,
        "loras/sdxl/v1.5.civitai.info",
        r#"{"baseModel": "SDXL 1.0", "model": {"name": "Ink", "type": "LORA"}}"#,
    );
    put(&models, "loras/sdxl/v1.json", r#"{"sd version": "SD1"}"#);
    put(&models, "loras/sdxl/v1.preview.png", "x");
    put(&models, "loras/put_loras_here", "");
    // a folder with a config is one model, wherever it lies
    put(&models, "unet/flux/config.json", CONFIG);
    put(&models, "unet/flux/a.safetensors", SAFETENSORS);
    put(&models, "unet/flux/b.safetensors", SAFETENSORS);
    let found = all(dir.path());
    assert_eq!(
        names(&found),
        [
            "ComfyUI/models/checkpoints/base.safetensors",
            "ComfyUI/models/loras/sdxl/v1.5.safetensors",
            "ComfyUI/models/loras/sdxl/v1.safetensors",
            "ComfyUI/models/unet/flux"
        ]
    );
    assert_eq!(values(&found[1], FactKind::Name), ["Ink"]);
    assert_eq!(values(&found[1], FactKind::AdapterType), ["LORA"]);
    assert_eq!(values(&found[2], FactKind::BaseModelName), ["SD1"]);
    assert_eq!(found[2].files.len(), 3);
    assert_eq!(found[3].files.len(), 3);
}

#[test]
fn localai_and_jan_speak_for_the_file_that_they_name() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "models/a.gguf", gguf(&[("general.name", "A")]));
    put(dir.path(), "models/b.gguf", gguf(&[("general.name", "B")]));
    put(dir.path(), "models/gpt-4.yaml", "name: gpt-4\nlicense: mit\nparameters:\n  model: a.gguf\n");
    let found = all(dir.path());
    assert_eq!(names(&found), ["models/a", "models/b"]);
    assert_eq!(values(&found[0], FactKind::LicenseTag), ["mit"]);
    assert!(values(&found[1], FactKind::LicenseTag).is_empty());
    let jan = tempfile::tempdir().unwrap();
    put(jan.path(), "models/q/model.gguf", gguf(&[("general.architecture", "qwen3")]));
    put(jan.path(), "models/q/model.yml", "model_path: llamacpp/models/q/model.gguf\nname: Qwen3-4B\n");
    assert_eq!(values(&all(jan.path())[0], FactKind::Name), ["Qwen3-4B"]);
}

#[test]
fn the_hub_of_lm_studio_names_what_a_model_is_made_from() {
    let dir = tempfile::tempdir().unwrap();
    let folder = "hub/models/qwen/qwen3-8b";
    put(
        dir.path(),
        &format!("{folder}/model.yaml"),
        "model: qwen/qwen3-8b\nbase:\n  - key: lmstudio-community/Q-GGUF\n",
    );
    let found = all(dir.path());
    assert_eq!(values(&found[0], FactKind::Name), ["qwen/qwen3-8b"]);
    assert_eq!(values(&found[0], FactKind::BaseModel), ["lmstudio-community/Q-GGUF"]);
}
