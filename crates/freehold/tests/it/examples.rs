//! The examples of the README, as they are printed.

use crate::run::{root, run, session};

const AS_OF: &str = "--as-of=2026-11-24";

fn example(name: &str) -> String {
    let dir = format!("examples/{name}");
    let (model, uses, release) = (format!("{dir}/model"), format!("{dir}/use.toml"), format!("{dir}/release"));
    let mut args = vec!["check", &model, "--use", &uses, AS_OF];
    if root().join(&release).is_dir() {
        args.extend(["--release", &release]);
    }
    session(&root(), &[&args])
}

macro_rules! examples {
    ($($test:ident = $name:literal),* $(,)?) => {
        $(#[test] fn $test() { insta::assert_snapshot!(example($name)); })*
    };
}

examples! {
    support_bot_lora = "support-bot-lora",
    gemma_reviewer = "gemma-reviewer",
    qwen_3b_product = "qwen-3b-product",
    mistral_merge = "mistral-merge",
    phi_4_awq = "phi-4-awq",
    mystery = "mystery",
}

#[test]
fn every_example_is_tested() {
    let mut folders: Vec<String> = std::fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    assert_eq!(
        folders,
        ["gemma-reviewer", "mistral-merge", "mystery", "phi-4-awq", "qwen-3b-product", "support-bot-lora"]
    );
}

#[test]
fn all_examples_in_one_table() {
    insta::assert_snapshot!(session(
        &root(),
        &[&["check", "examples", "--access", "internal", "--commercial=yes", "--activities", "none", AS_OF]]
    ));
}

#[test]
fn trails() {
    let model = "examples/support-bot-lora/model";
    let uses = ["--use", "examples/support-bot-lora/use.toml", AS_OF];
    let why = |code: &'static str| {
        let mut args = vec!["why", code, model];
        args.extend(uses);
        args.extend(["--release", "examples/support-bot-lora/release"]);
        args
    };
    insta::assert_snapshot!(session(
        &root(),
        &[
            &why("attribution"),
            &why("include-license-copy"),
            &why("unpinned-revision"),
            &why("organization.monthly_active_users"),
            &why("llama-3.1 2"),
            &why("atribution"),
        ]
    ));
}

#[test]
fn what_moves() {
    insta::assert_snapshot!(session(
        &root(),
        &[
            &[
                "what-if",
                "examples/qwen-3b-product/model",
                "--use",
                "examples/qwen-3b-product/use.toml",
                "--swap-base",
                "Qwen/Qwen2.5-7B-Instruct",
                AS_OF
            ],
            &[
                "what-if",
                "examples/support-bot-lora/model",
                "--use",
                "examples/support-bot-lora/use.toml",
                "--access",
                "internal",
                AS_OF
            ],
            &["what-if", "examples/support-bot-lora/model", "--use", "examples/support-bot-lora/use.toml", AS_OF],
            &[
                "what-if",
                "examples/mystery/model",
                "--use",
                "examples/mystery/use.toml",
                "--swap-base",
                "Qwen/Qwen2.5-7B-Instrukt",
                AS_OF
            ],
        ]
    ));
}

#[test]
fn files_say() {
    insta::assert_snapshot!(session(
        &root(),
        &[&["inspect", "examples/support-bot-lora/model"], &["inspect", "examples/qwen-3b-product/model"]]
    ));
}

#[test]
fn licenses_and_models_explained() {
    insta::assert_snapshot!(session(
        &root(),
        &[
            &["explain", "mit"],
            &["explain", "smlnj"],
            &["explain", "Qwen/Qwen2.5-3B-Instruct"],
            &["explain", "unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit"],
            &["explain", "llama-3.11"],
        ]
    ));
}

#[test]
fn json_keeps_to_its_schema() {
    let (_, schema, _) = run(&root(), &["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (code, report, _) = run(&root(), &["check", "examples", "--format", "json", AS_OF]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let errors: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(report["assessments"].as_array().unwrap().len(), 6);
    assert_eq!(report["summary"]["exit"], code);
    let (_, again, _) = run(&root(), &["check", "examples", "--format", "json", AS_OF]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again).unwrap(), report);
}

#[test]
fn the_readme_shows_the_real_screen() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, screen, _) = run(
        &root(),
        &[
            "check",
            "examples/support-bot-lora/model",
            "--use",
            "examples/support-bot-lora/use.toml",
            "--release",
            "examples/support-bot-lora/release",
        ],
    );
    assert!(readme.contains(screen.trim_end()), "the README shows another screen than:\n{screen}");
}
