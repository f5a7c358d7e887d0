//! `freehold scan`: what lies in a folder, what its code names, and a store of this machine.

use std::path::Path;

use crate::run::{run, session};

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn what_lies_and_what_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            (
                "app/serve.py",
                "import os\nfrom transformers import AutoModel\n\
                 a = AutoModel.from_pretrained(\"Qwen/Qwen2.5-3B-Instruct\", revision=\"main\")\n\
                 b = AutoModel.from_pretrained(\"acme/unknown-7b\")\n\
                 c = AutoModel.from_pretrained(os.environ[\"MODEL_ID\"])\n\
                 d = client.chat.completions.create(model=\"gpt-4o\", messages=[])\n",
            ),
            (
                "Dockerfile",
                "FROM vllm/vllm-openai:latest\nENV HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz123456\n\
                 CMD [\"--model\", \"meta-llama/Llama-3.1-8B-Instruct\"]\nRUN ollama pull gemma2:9b\n",
            ),
            (
                "tuned/adapter_config.json",
                "{\"base_model_name_or_path\":\"mistralai/Mistral-7B-v0.3\",\"peft_type\":\"LORA\"}",
            ),
            ("tuned/README.md", "---\nlicense: apache-2.0\n---\n# Tuned\n"),
            (".git/config", "[remote]\n"),
            (".gitignore", "ignored/\n"),
            ("ignored/x.py", "m = AutoModel.from_pretrained(\"google/gemma-2-9b\")\n"),
            ("empty/notes.txt", "nothing here\n"),
        ],
    );
    insta::assert_snapshot!(session(
        dir.path(),
        &[&["scan"], &["scan", "tuned", "--format", "json"], &["scan", "empty"], &["scan", "absent"]]
    ));
    let schema = serde_json::from_str(&run(dir.path(), &["schema", "scan"]).1).unwrap();
    let report = serde_json::from_str(&run(dir.path(), &["scan", "--format", "json"]).1).unwrap();
    assert!(jsonschema::is_valid(&schema, &report), "{report}");
}
