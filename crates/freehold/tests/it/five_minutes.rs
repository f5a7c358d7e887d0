//! The first five minutes: in a repository with a model, each command says what to type next.

use std::fs;

use crate::run::session;

#[test]
fn from_nothing_to_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("support-bot");
    fs::create_dir(&model).unwrap();
    fs::write(
        model.join("adapter_config.json"),
        "{\n  \"base_model_name_or_path\": \"meta-llama/Llama-3.2-3B-Instruct\",\n  \"revision\": \"0cb88a4\",\n  \"peft_type\": \"LORA\"\n}\n",
    )
    .unwrap();
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &[],
            &["check", ".", "--as-of=2026-11-24"],
            &[
                "init",
                "--organization-kind=company",
                "--country=FR",
                "--commercial=yes",
                "--monthly-active-users=120000",
                "--affiliates-monthly-active-users=0",
                "--activities=none",
            ],
            &["init"],
            &["check", ".", "--as-of=2026-11-24", "--access", "hosted-app"],
            &["what-if", ".", "--as-of=2026-11-24", "--access", "weights"],
        ]
    ));
    insta::assert_snapshot!("written_file", fs::read_to_string(dir.path().join("freehold.toml")).unwrap());
}

#[test]
fn help_is_a_page() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(session(dir.path(), &[&["help"], &["--help"], &["help", "nothing"], &["chekc"]]));
}
