//! Mistakes of the user and broken files: all at once, each with its place and what to do.

use std::fs;

use crate::run::{run, session};

#[test]
fn every_mistake_of_a_deployment_file_at_once() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("use.toml"),
        "[organization]\nkind = \"compny\"\ncountry = \"Germany\"\nmonthly_actve_users = 3\n\n[use]\ncommercial = \"yes\"\naccess = [\"hostedapp\"]\nactivities = [\"creditt\"]\n\n[usee]\nx = 1\n",
    )
    .unwrap();
    fs::write(dir.path().join("config.json"), "{\"model_type\": \"llama\"}").unwrap();
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["check", ".", "--use", "use.toml"],
            &["check", ".", "--set", "use.comercial=yes", "--country", "XX", "--as-of", "tomorrow"],
            &["check", ".", "--use", "absent.toml"],
        ]
    ));
}

#[test]
fn broken_files_are_named_and_the_rest_answers() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for folder in ["cut-gguf", "bad-json", "contradiction", "notes"] {
        fs::create_dir(at(folder)).unwrap();
    }
    fs::write(at("cut-gguf/model.gguf"), b"GGUF\x03\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff").unwrap();
    fs::write(at("bad-json/config.json"), "{\"architectures\": [").unwrap();
    fs::write(at("bad-json/README.md"), "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n").unwrap();
    fs::write(at("contradiction/README.md"), "---\nlicense: mit\nbase_model: Qwen/Qwen2.5-7B\n---\n").unwrap();
    fs::write(
        at("contradiction/adapter_config.json"),
        "{\"base_model_name_or_path\": \"google/gemma-2-9b\", \"peft_type\": \"LORA\"}",
    )
    .unwrap();
    fs::write(at("notes/todo.txt"), "nothing to see").unwrap();
    let flags = ["--access", "internal", "--commercial=yes", "--activities", "none", "--as-of=2026-11-24"];
    let check = |what: &'static str| {
        let mut args = vec!["check", what];
        args.extend(flags);
        args
    };
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &check("cut-gguf"),
            &check("bad-json"),
            &check("contradiction"),
            &check("notes"),
            &check("absent"),
            &check(".")
        ]
    ));
}

#[test]
fn a_name_cannot_command_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("README.md"), "---\nlicense: \"mit\\e[2J\"\nbase_model: \"a/b\\e]0;x\\a\"\n---\n")
        .unwrap();
    let (_, out, err) = run(dir.path(), &["check", "."]);
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{out}{err}");
}

#[test]
fn what_is_not_counted_is_said() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("README.md"), "---\nlicense: cc-by-nc-4.0\nbase_model: x/y\n---\n").unwrap();
    let (code, _, err) = run(dir.path(), &["check", ".", "--fail-on", "nothing"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("not counted"), "{err}");
}
