//! `freehold check` of a whole repository: what lies there and what is named, each in the deployment of its path.

use std::path::Path;

use crate::run::session;

const ORGANIZATION: &str = r#"
[organization]
kind = "company"
country = "US"
monthly_active_users_at_license_release = 1000
affiliates_monthly_active_users_at_license_release = 0

[use]
commercial = true
activities = []
access = ["internal"]

[[deployment]]
name = "chat"
paths = ["services/chat/**"]
use = { access = ["hosted-app"] }

[[deployment]]
name = "desk"
paths = ["desk", "shared/*.gguf"]
use = { access = ["embedded-product"] }
"#;

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("freehold.toml", ORGANIZATION),
            ("services/chat/serve.py", "llm = LLM(model=\"meta-llama/Llama-3.1-8B-Instruct\")\n"),
            ("services/chat/api.py", "r = client.chat.completions.create(model=\"gpt-4o\", messages=[])\n"),
            ("notebooks/try.py", "m = AutoModel.from_pretrained(\"meta-llama/Llama-3.1-8B-Instruct\")\n"),
            ("desk/model/README.md", "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n# Desk\n"),
            ("desk/model/config.json", "{\"model_type\":\"phi3\"}"),
        ],
    );
    dir
}

#[test]
fn every_model_of_a_repository_in_the_deployment_of_its_path() {
    let dir = repository();
    insta::assert_snapshot!(session(dir.path(), &[&["check", "."], &["check", "desk/model"]]));
}

#[test]
fn mistakes_of_deployments_are_told_at_once() {
    let dir = repository();
    let text = "[[deployment]]\nname = \"a\"\n\n[[deployment]]\nname = \"a\"\npaths = [\"[\"]\nuses = 1\n\
                use = { acces = [\"internal\"] }\n";
    write(dir.path(), &[("freehold.toml", text)]);
    insta::assert_snapshot!(session(dir.path(), &[&["check", "."]]));
}

#[test]
fn names_count_where_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("serve.py", "m = AutoModel.from_pretrained(\"Qwen/Qwen2.5-7B\")\n")]);
    insta::assert_snapshot!(session(
        dir.path(),
        &[&["check", "."], &["check", ".", "--named", "--access", "internal"]]
    ));
}

#[test]
fn models_by_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--access", "internal", "--commercial=yes", "--activities", "none"];
    let one = |what: &'static str| [&["check", what][..], &flags[..]].concat();
    let (known, tagged, none, wrong) =
        (one("hf:Qwen/Qwen2.5-7B-Instruct"), one("ollama:gemma2:9b"), one("hf:acme/none-7b@main"), one("hf:../../etc"));
    insta::assert_snapshot!(session(dir.path(), &[&known, &tagged, &none, &wrong]));
}
