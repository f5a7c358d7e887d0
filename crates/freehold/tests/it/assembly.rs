//! `freehold check` of what holds several works: a compose file, a zip, a container image.

use std::path::Path;

use crate::run::session;

const COMPOSE: &str = "services:\n  \
    chat:\n    image: vllm/vllm-openai:latest\n    command: [\"--model\", \"meta-llama/Llama-3.1-8B-Instruct\"]\n  \
    draft:\n    image: vllm/vllm-openai:latest\n    command: --model ${DRAFT_MODEL}\n  \
    embed:\n    image: ghcr.io/huggingface/text-embeddings-inference:1.5\n    command: --model-id BAAI/bge-m3\n  \
    app:\n    build: .\n    environment:\n      OPENAI_MODEL: gpt-4o\n";

/// A tar archive of these files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in files {
        let mut block = vec![0_u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..107].copy_from_slice(b"0000644");
        block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        block[148..156].copy_from_slice(b"        ");
        block[156] = b'0';
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(block);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

const FLAGS: &[&str] = &["--access", "hosted-app", "--commercial=yes", "--activities", "none"];

fn check<'a>(path: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    ["check", path].iter().chain(FLAGS).chain(more).copied().collect()
}

#[test]
fn a_compose_file_is_judged_as_a_whole_and_each_model_of_it() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "compose.yaml", COMPOSE.as_bytes());
    insta::assert_snapshot!(session(dir.path(), &[&check("compose.yaml", &[])]));
}

#[test]
fn files_that_a_compose_file_names_are_read() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "serve.sh", b"llama-server -m models/bot/model.gguf\n");
    let mut gguf = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
    for text in ["general.license", "apache-2.0"] {
        if text == "apache-2.0" {
            gguf.extend(8_u32.to_le_bytes());
        }
        gguf.extend(u64::try_from(text.len()).unwrap().to_le_bytes());
        gguf.extend(text.bytes());
    }
    write(dir.path(), "models/bot/model.gguf", &gguf);
    write(dir.path(), "models/bot/README.md", b"---\nlicense: apache-2.0\nbase_model: Qwen/Qwen2.5-7B\n---\n");
    insta::assert_snapshot!(session(dir.path(), &[&check("serve.sh", &["--made-by", "organization"])]));
}

#[test]
fn an_image_is_judged_as_a_whole_and_each_model_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let layer = tar(&[
        ("models/chat/README.md", b"---\nlicense: llama3.1\nbase_model: meta-llama/Llama-3.1-8B\n---\n# Chat\n"),
        ("models/chat/config.json", b"{\"model_type\":\"llama\"}"),
        ("models/code/README.md", b"---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n# Code\n"),
        ("models/code/config.json", b"{\"model_type\":\"phi3\"}"),
        ("app/main.py", b"print(1)\n"),
    ]);
    let image = tar(&[("manifest.json", b"[]"), ("0a1b2c/layer.tar", &layer)]);
    write(dir.path(), "image.tar", &image);
    insta::assert_snapshot!(session(dir.path(), &[&check("image.tar", &[])]));
}

#[test]
fn archives_of_nothing_and_archives_that_leave_their_folder() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "empty.tar", &tar(&[("a.txt", b"nothing")]));
    write(dir.path(), "slip.tar", &tar(&[("../../README.md", b"---\nlicense: mit\n---\n"), ("b.txt", b"x")]));
    write(dir.path(), "notes.sh", b"echo no model here\n");
    insta::assert_snapshot!(session(
        dir.path(),
        &[&check("empty.tar", &[]), &check("slip.tar", &[]), &check("notes.sh", &[])]
    ));
}
