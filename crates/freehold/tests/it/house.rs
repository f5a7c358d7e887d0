//! The house's own law: added by commands, cited in answers, refused where it is wrong.

use std::fs;
use std::path::Path;

use crate::run::{run, session};

const AS_OF: &str = "--as-of=2026-11-24";

/// A folder with an organization, an adapter on a model that is for research, and something to rest entries on.
fn home() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("freehold.toml", "[organization]\nkind = \"company\"\ncountry = \"DE\"\n");
    write("opinion.txt", "our opinion\n");
    fs::create_dir(dir.path().join("bot")).unwrap();
    write("bot/README.md", "---\nlicense: other\nbase_model: Qwen/Qwen2.5-3B-Instruct\n---\n");
    write(
        "bot/adapter_config.json",
        "{\"base_model_name_or_path\": \"Qwen/Qwen2.5-3B-Instruct\", \"peft_type\": \"LORA\"}",
    );
    dir
}

const TRIAL: [&str; 8] = [
    "check",
    "bot",
    "--access",
    "internal",
    "--commercial=no",
    "--purpose=proof-of-concept",
    "--activities=none",
    "--made-by=organization",
];

fn trial<'a>(more: &[&'a str]) -> Vec<&'a str> {
    TRIAL.iter().copied().chain([AS_OF]).chain(more.iter().copied()).collect()
}

const POSITION: [&str; 13] = [
    "position",
    "qwen-research",
    "proof-of-concept",
    "evaluation",
    "--who",
    "R. Roe",
    "--until=2026-12-31",
    "--evidence",
    "opinion.txt",
    "--why",
    "it ends in a decision, not in a product",
    "--as-of",
    "2026-11-01",
];

#[test]
fn counsel_settles_a_reading() {
    let dir = home();
    let why: Vec<&str> = ["why", "qwen-research 1.i"].into_iter().chain(trial(&[])[1..].iter().copied()).collect();
    let verdict: Vec<&str> = ["why", "verdict"].into_iter().chain(trial(&[])[1..].iter().copied()).collect();
    let mut later = trial(&[]);
    later.retain(|a| *a != AS_OF);
    later.push("--as-of=2027-01-01");
    insta::assert_snapshot!(session(
        dir.path(),
        &[&trial(&[]), &POSITION, &trial(&[]), &why, &verdict, &later, &POSITION]
    ));
}

#[test]
fn a_bought_license_governs_what_it_covers() {
    let dir = home();
    let add = [
        "agreement",
        "add",
        "qwen-3b",
        "--counterparty",
        "Alibaba Cloud",
        "--works",
        "Qwen/Qwen2.5-3B*",
        "--like",
        "qwen-research",
        "--who",
        "R. Roe",
        "--until",
        "perpetual",
        "--evidence",
        "opinion.txt",
        "--as-of",
        "2026-02-01",
    ];
    let mut out = session(dir.path(), &[&add]);
    let file = dir.path().join("freehold.agreements.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text
        .replace("# without = [\"…\"]", "without = [\"commercial\", \"other-purposes\", \"proof-of-concept\"]")
        .replace(
            "# accesses = [\"internal\", \"hosted-api\", \"hosted-app\", \"embedded-product\", \"weights\"]",
            "accesses = [\"hosted-api\"]",
        )
        + "[[agreements.terms]]\nid = \"grant\"\nclause = \"Amendment 1\"\nquote = \"the rights of clause 2.a for any purpose\"\neffect = \"grant\"\nacts = [\"use\", \"modify\", \"make-available\"]\n";
    fs::write(&file, text).unwrap();
    let product = |access: &'static str| {
        [
            "check",
            "bot",
            "--access",
            access,
            "--commercial=yes",
            "--purpose=production",
            "--activities=none",
            "--made-by=organization",
            AS_OF,
        ]
    };
    out += &session(dir.path(), &[&product("hosted-api"), &product("weights")]);
    insta::assert_snapshot!(out);
}

#[test]
fn a_person_says_that_a_duty_is_met() {
    let dir = home();
    fs::write(dir.path().join("bot/README.md"), "---\nbase_model: meta-llama/Llama-3.1-8B-Instruct\n---\n").unwrap();
    fs::remove_file(dir.path().join("bot/adapter_config.json")).unwrap();
    let attest = |code: &'static str| {
        [
            "attest",
            code,
            "bot",
            "--license",
            "llama-3.1",
            "--who",
            "P. \"Owner\"",
            "--until",
            "2026-12-31",
            "--evidence",
            "opinion.txt",
            "--as-of",
            "2026-11-01",
        ]
    };
    let mut check = trial(&[]);
    check[3] = "hosted-app";
    check.push("--monthly-active-users-at-license-release=0");
    check.push("--affiliates-monthly-active-users-at-license-release=0");
    let why: Vec<&str> = ["why", "aup-compliance"].into_iter().chain(check[1..].iter().copied()).collect();
    let list: [&[&str]; 6] = [
        &attest("aup-compliance"),
        &attest("attribution-built-with-llama"),
        &attest("include-license-copy"),
        &attest("aup-complience"),
        &check,
        &why,
    ];
    insta::assert_snapshot!(session(dir.path(), &list));
}

#[test]
fn every_mistake_of_the_three_files_at_once() {
    let dir = home();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write(
        "freehold.agreements.toml",
        "schema = \"freehold.agreements/2\"\n[[agreements]]\nid = \"a\"\ncounterparty = \"X\"\nwho = \"R. Roe\"\nwhen = 2026-01-01\nuntil = 2025-01-01\nevidence = \"none\"\nlike = \"llama-3.11\"\nworkz = [\"x\"]\n",
    );
    write(
        "freehold.positions.toml",
        "schema = \"freehold.positions/1\"\n[[positions]]\nlicense = \"qwen-research\"\nterm = \"proof-of-conzept\"\nreading = \"x\"\n[[positions]]\nlicense = \"qwen-research\"\nterm = \"commercial\"\nreading = \"x\"\nwho = \"R. Roe\"\nwhen = \"yesterday\"\nuntil = 2026-12-31\nevidence = \"\"\nwhy = \"\"\n",
    );
    write(
        "freehold.attestations.toml",
        "schema = \"freehold.attestations/1\"\n[[attestations]]\ncode = \"state-changes\"\nlicense = \"qwen-research\"\n",
    );
    insta::assert_snapshot!(session(dir.path(), &[&trial(&[]), &trial(&["--house", "nowhere"])]));
}

#[test]
fn what_was_in_a_file_stays_as_it_was() {
    let dir = home();
    let file = dir.path().join("freehold.positions.toml");
    let before = "# ours, see the binder\nschema   = \"freehold.positions/1\"   # the form\n\n# nothing yet";
    fs::write(&file, before).unwrap();
    assert_eq!(run(dir.path(), &POSITION).0, 0);
    let after = fs::read_to_string(&file).unwrap();
    assert!(after.starts_with(before) && after.contains("reading = \"evaluation\""), "{after}");
    // the same again would stand in the same days, and a refused entry leaves the file
    assert_eq!(run(dir.path(), &POSITION).0, 2);
    assert_eq!(fs::read_to_string(&file).unwrap(), after);
    let names: Vec<String> =
        fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into()).collect();
    assert!(names.iter().all(|n| !n.ends_with(".new")), "{names:?}");
}

#[test]
fn json_tells_the_house_and_keeps_to_its_schema() {
    let dir = home();
    assert_eq!(run(dir.path(), &POSITION).0, 0);
    let schema: serde_json::Value = serde_json::from_str(&run(dir.path(), &["schema"]).1).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let report =
        |dir: &Path| -> serde_json::Value { serde_json::from_str(&run(dir, &trial(&["--format", "json"])).1).unwrap() };
    let told = report(dir.path());
    let errors: Vec<String> = validator.iter_errors(&told).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let used = &told["assessments"][0]["house"][0];
    assert_eq!((&used["kind"], &used["state"]), (&"position".into(), &"applied".into()));
    assert_eq!(used["who"], "R. Roe");
    assert_eq!(used["evidence"]["line"], 3);
    assert_eq!(report(dir.path()), told);
}
