//! The law as a user sees it: lists, differences, a folder of law of one's own.

use std::fs;

use crate::run::{root, run, session};

#[test]
fn differences() {
    insta::assert_snapshot!(session(
        &root(),
        &[
            &["diff", "gemma-terms-of-use-2024-02-21", "gemma-terms-of-use-2025-03-24"],
            &["diff", "mit", "apache-2.0"],
            &["diff", "mit", "apache-3"],
        ]
    ));
}

#[test]
fn from_llama_3_to_3_1() {
    let (code, out, _) = run(&root(), &["diff", "llama-3", "llama-3.1", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["schema"].as_str()), (0, Some("freehold.difference/1")));
    let moved: Vec<(&str, &str)> = json["for_whom"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| (w["before"].as_str().unwrap(), w["after"].as_str().unwrap()))
        .filter(|(a, b)| a != b)
        .collect();
    // training another language model on the outputs was forbidden, and is not any more
    assert_eq!(moved, [("prohibited", "permitted-with-obligations")]);
}

#[test]
fn a_list_of_the_law() {
    let (code, out, _) = run(&root(), &["catalog", "list"]);
    assert_eq!(code, 0);
    for id in ["llama-3.1", "gemma", "mit", "agpl-3.0", "creativeml-openrail-m"] {
        assert!(out.lines().any(|l| l.starts_with(&format!("{id} "))), "{id}");
    }
    let (_, json, _) = run(&root(), &["catalog", "list", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["licenses"].as_array().unwrap().len() > 80);
}

const ACME: &str = r#"
schema = "freehold.license/1"
[license]
id = "acme-internal-1.0"
name = "Acme Internal Model License 1.0"
licensor = "Acme"
spdx = "LicenseRef-acme-internal-1.0"
covers = ["weights"]
review = { level = "counsel", by = "J. Doe", date = 2026-11-01 }
[[edition]]
text = "acme-internal-1.0"
date = 2026-01-01
[reach]
derivative = ["finetune"]
product = "contains"
[[term]]
id = "grant"
clause = "1"
quote = "employees of Acme may use the model"
effect = "grant"
acts = ["use"]
WHEN
[absent]
clauses = [
    "user-test", "revenue-test", "non-commercial", "territory-limit", "use-policy", "outputs-training-ban", "attribution",
    "name-prefix", "notice-file", "include-license-copy", "preserve-copyright", "state-changes", "pass-through-terms",
    "require-user-compliance", "share-alike", "publish-source", "network-source", "hosting-rule", "patent-grant",
    "trademark", "litigation-clause", "termination", "governing-law", "unilateral-change", "registration", "reporting",
    "royalty", "disclosure",
]
"#;

#[test]
fn a_folder_of_law_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, when) in [("acme-law", ""), ("acme-law-2", "when = 'not use.commercial'"), ("broken", "wen = 'x'")] {
        fs::create_dir_all(dir.path().join(folder).join("licenses")).unwrap();
        let text = ACME.replace("WHEN", when);
        fs::write(dir.path().join(folder).join("licenses/acme-internal-1.0.toml"), text).unwrap();
    }
    fs::create_dir(dir.path().join("bot")).unwrap();
    fs::write(dir.path().join("bot/README.md"), "---\nlicense: other\nlicense_name: acme-internal-1.0\n---\n# bot\n")
        .unwrap();
    fs::write(dir.path().join("bot/config.json"), "{\"model_type\": \"llama\"}").unwrap();
    fs::write(
        dir.path().join("cases.jsonl"),
        "{\"id\": \"inside\", \"subject\": {\"id\": \"bot\", \"license\": \"acme-internal-1.0\", \"made_by\": \"third-party\"}, \"use\": {\"access\": [\"internal\"], \"commercial\": true}}\n\
         {\"id\": \"outside\", \"subject\": {\"id\": \"bot\", \"license\": \"mit\", \"made_by\": \"third-party\"}, \"use\": {\"access\": [\"weights\"]}}\n",
    )
    .unwrap();
    let day = "--as-of=2026-11-24";
    let facts = ["--made-by=third-party", "--commercial=yes", "--access", "internal", day];
    let check = |catalog: &'static str| {
        let mut args = vec!["check", "bot"];
        args.extend(facts);
        args.push(catalog);
        args
    };
    let (_, out, _) = run(dir.path(), &["check", "bot", "--format", "jsonl", "--catalog", "acme-law", day]);
    let catalog = serde_json::from_str::<serde_json::Value>(&out).unwrap()["catalog"].clone();
    let version = catalog["version"].as_str().unwrap();
    assert_eq!(version.strip_suffix("+acme-law").unwrap().replace('.', "-"), catalog["date"].as_str().unwrap());
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &check("--catalog=acme-law"),
            &["why", "verdict", "bot", "--made-by=third-party", "--access", "internal", day, "--catalog", "acme-law"],
            &["catalog", "check", "acme-law"],
            &["catalog", "check", "broken"],
            &["catalog", "diff", "acme-law", "acme-law-2", "--cases", "cases.jsonl", day],
            &check("--catalog=absent"),
        ]
    ));
}
