//! `freehold serve`, `freehold backup` and `freehold inspect --bundle` as typed: what they say, and what they refuse.

use crate::run::{root, run, session};

#[test]
fn mistakes_of_the_command_line_are_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &[
                "serve",
                "--listen",
                "nowhere",
                "--public-url",
                "freehold.example",
                "--studio",
                "nowhere",
                "--rate",
                "0",
                "--oidc-issuer",
                "https://id.example"
            ],
            &["serve", "--register", "postgres://nobody@127.0.0.1:1/none"],
            &["backup", "--register", "nowhere.db", "--out", "copy"],
        ]
    ));
}

#[test]
fn a_copy_holds_what_the_register_held() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, err) = run(dir.path(), &["register", "init", "--register", "r.db"]);
    assert_eq!(code, 0, "{err}");
    let model = root().join("examples/phi-4-awq").display().to_string();
    let (code, _, err) = run(dir.path(), &["register", "add", &model, "--register", "r.db", "--as", "Ada"]);
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = run(dir.path(), &["backup", "--register", "r.db", "--out", "copy"]);
    assert!(code == 0 && out.contains("holds     1 events"), "{out}{err}");
    let (code, out, err) =
        run(dir.path(), &["register", "verify", "--register", "copy/register.db", "--checkpoint", "copy/checkpoint"]);
    assert!(code == 0 && out.contains("WHOLE"), "{out}{err}");
    let (code, _, err) = run(dir.path(), &["backup", "--register", "r.db", "--out", "copy"]);
    assert!(code == 2 && err.contains("is there already"), "{err}");
}

#[test]
fn a_bundle_has_what_was_read_and_no_weights() {
    let dir = tempfile::tempdir().unwrap();
    let model = root().join("examples/support-bot-lora/model").display().to_string();
    let (code, out, err) = run(dir.path(), &["inspect", &model, "--bundle", "b.json"]);
    assert!(code == 0 && out.contains("no tensor data"), "{out}{err}");
    let text = std::fs::read_to_string(dir.path().join("b.json")).unwrap();
    let bundle = freehold_wire::Bundle::read(text.as_bytes()).unwrap();
    assert!(bundle.models[0].facts.iter().any(|f| f.value == "meta-llama/Llama-3.1-8B-Instruct"));
    assert!(text.len() < 20_000);
}
