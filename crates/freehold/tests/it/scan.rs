//! `freehold scan`: what lies in a folder, what its code names, and a store of this machine.

use std::fs;
use std::path::Path;

use crate::run::{root, run, session};

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

/// Models that are alike are judged once in a scan: what is told of each must be what is told of it alone.
#[test]
fn what_is_told_of_a_model_does_not_hang_on_those_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut models = Vec::new();
    for name in ["gemma-reviewer", "mistral-merge", "mystery", "phi-4-awq", "qwen-3b-product", "support-bot-lora"] {
        for n in 0..3 {
            let to = dir.path().join(format!("{name}-{n}"));
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(root().join("examples").join(name).join("model")).unwrap() {
                let entry = entry.unwrap();
                let text = fs::read(entry.path()).unwrap();
                // the third is like the others but for its license, where a card says one
                let text = match String::from_utf8(text.clone()) {
                    Ok(t) if n == 2 => t.replace("\nlicense: ", "\nlicense: cc-by-nc-4.0 # ").into_bytes(),
                    _ => text,
                };
                fs::write(to.join(entry.file_name()), text).unwrap();
            }
            models.push(format!("{name}-{n}"));
        }
    }
    let told = |what: &str| -> Vec<serde_json::Value> {
        let (_, out, err) = run(dir.path(), &["scan", what, "--format=json"]);
        let page: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
        page["models"].as_array().unwrap().clone()
    };
    let all = told(".");
    assert_eq!(all.len(), models.len());
    for name in &models {
        let alone = told(name);
        let beside = all.iter().find(|m| m["place"] == name.as_str()).unwrap();
        for key in ["name", "kind", "bytes", "from", "under", "findings"] {
            let (mut a, mut b) = (alone[0][key].clone(), beside[key].clone());
            // places of files are told below what was named
            for step in a.as_array_mut().into_iter().flatten().chain(b.as_array_mut().into_iter().flatten()) {
                if let Some(place) = step.get_mut("place") {
                    *place = place.as_str().unwrap().rsplit('/').next().unwrap().into();
                }
            }
            assert_eq!(a, b, "{name} {key}");
        }
    }
}
