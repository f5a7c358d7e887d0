//! An organization's policy: written, checked, tried, applied, set aside; and that it moves no verdict.

use std::fs;
use std::path::Path;

use crate::run::{root, run, session};

/// A LoRA of Llama, tagged looser, whose base is not pinned; and a model under a tag alone.
fn models(dir: &Path) {
    let write = |path: &str, text: &str| {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "bot/adapter_config.json",
        "{\n  \"base_model_name_or_path\": \"meta-llama/Llama-3.2-3B-Instruct\",\n  \"peft_type\": \"LORA\"\n}\n",
    );
    write("bot/README.md", "---\nlicense: apache-2.0\nbase_model: meta-llama/Llama-3.2-3B-Instruct\n---\n");
    write("notes/README.md", "---\nlicense: cc-by-nc-4.0\nbase_model: x/y\n---\n");
    write("notes/config.json", "{\"model_type\": \"llama\"}");
}

const POLICY: &str = r#"[organization]
kind = "company"
country = "DE"
monthly_active_users_at_license_release = 1000
affiliates_monthly_active_users_at_license_release = 0

[use]
commercial = true
access = ["hosted-app"]
activities = []
customer_countries = ["DE"]

[policy]
profile = "product"

[policy.severity]
unpinned-revision = "error"

[[policy.deny]]
id = "no-purposes"
class = ["purpose-limited"]
says = "the license grants some purposes only"

[[policy.review]]
id = "sold-abroad"
when = 'use.access overlaps ["hosted-app"] and use.price'
says = "sales looks at the price list"

[policy.environments.dev]
[policy.environments.dev.severity]
unpinned-revision = "note"
sold-abroad = "off"
no-purposes = "warning"
"#;

const DAY: &str = "--as-of=2026-11-24";

#[test]
fn from_a_first_policy_to_a_waiver() {
    let dir = tempfile::tempdir().unwrap();
    models(dir.path());
    insta::assert_snapshot!(
        "first_policy",
        session(
            dir.path(),
            &[
                &["policy", "check"],
                &["check", "bot", "--environment", "dev", DAY],
                &["init", "--organization-kind=company", "--country=DE", "--access=weights", "--commercial=yes"],
                &["policy", "init", "--profile", "prodct"],
                &["policy", "init"],
                &["policy", "init"],
                &["policy", "check"],
            ]
        )
    );
    insta::assert_snapshot!("first_policy_file", fs::read_to_string(dir.path().join("freehold.toml")).unwrap());

    fs::write(dir.path().join("freehold.toml"), POLICY).unwrap();
    let waive: &[&str] = &["waive", "unpinned-revision", "bot", "--owner", "Ada", DAY];
    let with = |more: &[&'static str]| -> Vec<&str> { waive.iter().copied().chain(more.iter().copied()).collect() };
    insta::assert_snapshot!(
        "waived",
        session(
            dir.path(),
            &[
                &["check", "bot", DAY],
                &["check", "bot", DAY, "--environment", "dev"],
                &["check", ".", DAY],
                &with(&["--reason", "hub outage", "--approver", "ada", "--until", "2027-05-01"]),
                &with(&["--reason", "hub outage", "--approver", "Grace", "--until", "2028-01-01"]),
                &[
                    "waive",
                    "unpined-revision",
                    "bot",
                    "--reason=x",
                    "--owner=A",
                    "--approver=B",
                    "--until=2027-01-01",
                    DAY
                ],
                &["waive", "pickle-code", "bot", "--reason=x", "--owner=A", "--approver=B", "--until=2027-01-01", DAY],
                &["waive", "no-purposes", ".", "--reason=x", "--owner=A", "--approver=B", "--until=2027-01-01", DAY],
                &with(&["--reason", "hub outage", "--approver", "Grace", "--until", "2027-05-01"]),
                &["check", "bot", DAY],
                &["check", "bot", "--as-of=2027-05-02"],
                &["policy", "check", "--as-of=2027-05-02"],
            ]
        )
    );
    // other bytes: the waiver was for what was read then
    fs::write(
        dir.path().join("bot/adapter_config.json"),
        "{\"base_model_name_or_path\": \"meta-llama/Llama-3.2-3B-Instruct\", \"peft_type\": \"LORA\", \"revision\": \"main\"}",
    )
    .unwrap();
    let (_, out, _) = run(dir.path(), &["check", "bot", DAY]);
    assert!(out.contains("was given for other bytes than these"), "{out}");
    let file = fs::read_to_string(dir.path().join("freehold.waivers.toml")).unwrap();
    assert!(file.starts_with("# Waivers:") && file.matches("[[waiver]]").count() == 1, "{file}");
}

#[test]
fn a_policy_moves_no_verdict() {
    let dir = tempfile::tempdir().unwrap();
    models(dir.path());
    fs::write(dir.path().join("freehold.toml"), POLICY.split("[policy]").next().unwrap()).unwrap();
    fs::write(dir.path().join("p.toml"), &POLICY[POLICY.find("[policy]").unwrap()..]).unwrap();
    let json = |more: &[&str]| -> (i32, serde_json::Value) {
        let args: Vec<&str> = ["check", ".", DAY, "--format", "json"].iter().chain(more).copied().collect();
        let (code, out, err) = run(dir.path(), &args);
        (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}")))
    };
    let (_, plain) = json(&[]);
    let (code, mut governed) = json(&["--policy", "p.toml"]);
    assert_eq!(code, 1);
    assert_eq!(governed["summary"]["policy_denied"], 2);
    for a in governed["assessments"].as_array_mut().unwrap() {
        let policy = a.as_object_mut().unwrap().remove("policy").unwrap();
        assert_eq!(policy["outcome"], "denied");
        assert!(!policy["violations"].as_array().unwrap().is_empty());
    }
    assert_eq!(plain["assessments"], governed["assessments"]);
    // what it denies ends blocked, whatever the verdict; `--fail-on` leaves it out as it leaves out any block
    let (code, _) = json(&["--policy", "p.toml", "--fail-on", "nothing"]);
    assert_eq!(code, 0);
}

#[test]
fn an_organizations_own_scenarios() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("freehold.toml"), POLICY).unwrap();
    fs::create_dir(dir.path().join("tests")).unwrap();
    let case = "```toml\n[subject]\nid = \"CohereForAI/c4ai-command-r-v01\"\n[use]\naccess = [\"internal\"]\n```\n";
    let good = format!(
        "# Ours\n\n{case}\n```expect\npolicy = \"denied\"\nrules = [\"no-purposes\", \"required-fact\"]\n```\n\n{case}\n```expect\nenvironment = \"dev\"\npolicy = \"review\"\n```\n"
    );
    fs::write(dir.path().join("tests/good.md"), &good).unwrap();
    fs::write(dir.path().join("tests/README.md"), "no scenario").unwrap();
    let wrong = good.replace("\"denied\"", "\"passed\"").replace("rules = [\"no-purposes\"", "rules = [\"no-llama\"");
    fs::write(dir.path().join("wrong.md"), wrong).unwrap();
    let broken = good.replace("denied", "denyed").replace("[use]", "[usee]").replace("\"dev\"", "\"prod\"");
    fs::write(dir.path().join("broken.md"), broken).unwrap();
    insta::assert_snapshot!(
        "scenarios",
        session(
            dir.path(),
            &[
                &["policy", "test", "tests", DAY],
                &["policy", "test", "wrong.md", "tests", DAY],
                &["policy", "test", "broken.md", "absent.md", DAY],
                &["policy", "test", "tests/README.md", DAY],
            ]
        )
    );
}

#[test]
fn mistakes_of_a_policy_and_its_waivers_come_at_once() {
    let dir = tempfile::tempdir().unwrap();
    models(dir.path());
    fs::write(
        dir.path().join("p.toml"),
        "[policy]\nprofile = \"regulatd\"\n[policy.severity]\nunpinned-revison = \"eror\"\n[[policy.deny]]\nid = \"a\"\nlicense = [\"llama3\", \"lama-3.1\"]\nwhen = 'use.comercial'\n",
    )
    .unwrap();
    fs::write(
        dir.path().join("freehold.waivers.toml"),
        "schema = \"freehold.waivers/1\"\n[[waiver]]\ncode = \"altered-license-text\"\nreason = \"\"\nowner = \"A\"\napprover = \"a\"\ncreated = 2026-01-01\nexpires = 2027-01-02\nuntil = 3\n",
    )
    .unwrap();
    fs::write(dir.path().join("none.toml"), "[use]\n").unwrap();
    insta::assert_snapshot!(
        "policy_mistakes",
        session(
            dir.path(),
            &[
                &["policy", "check", "--policy", "p.toml"],
                &["check", "bot", "--policy", "p.toml", DAY, "--country", "XX"],
                &["check", "bot", "--policy", "none.toml", DAY],
                &["check", "bot", "--policy", "absent.toml", DAY],
            ]
        )
    );
}

#[test]
fn a_policy_cannot_command_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    models(dir.path());
    fs::write(
        dir.path().join("freehold.toml"),
        "[policy]\n[policy.environments.\"\\u001b[2J\"]\n[[policy.deny]]\nid = \"a\"\nlicense = [\"*\"]\nsays = \"\\u001b[2J\"\n",
    )
    .unwrap();
    for args in [&["policy", "check"][..], &["check", "bot", DAY], &["check", ".", DAY]] {
        let (_, out, err) = run(dir.path(), args);
        assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'), "{out}{err}");
    }
}

/// The blocks of a page that follow a fence with this word.
fn blocks(page: &str, word: &str) -> Vec<String> {
    let fence = format!("```{word}\n");
    page.split(&fence).skip(1).filter_map(|b| b.split_once("\n```").map(|(body, _)| format!("{body}\n"))).collect()
}

#[test]
fn the_page_shows_what_happens() {
    let page = fs::read_to_string(root().join("docs/policy.md")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (example, name) in [("support-bot-lora", "support-bot"), ("qwen-3b-product", "phone-helper")] {
        let to = dir.path().join("models").join(name);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(root().join("examples").join(example).join("model")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    let toml = blocks(&page, "toml");
    fs::write(dir.path().join("freehold.toml"), &toml[0]).unwrap();
    let scenario = page.split_once("````markdown\n").and_then(|(_, rest)| rest.split_once("\n````")).unwrap().0;
    fs::write(dir.path().join("purposes.md"), format!("{scenario}\n")).unwrap();
    let shown = blocks(&page, "text");
    // the answer above the policy's block stands in the example's own page
    let holds = |args: &[&str], from: &str, shown: &str| {
        let (code, out, err) = run(dir.path(), args);
        let at = shown.find(from).unwrap_or_else(|| panic!("`{from}` is not in {shown}"));
        let (want, _) = shown[at..].split_once("[exit").unwrap();
        assert!(out.contains(want), "{want}\n--- is not in\n{out}{err}");
        assert!(shown[at..].starts_with(&format!("{want}[exit {code}]")), "{code}");
    };
    holds(&["check", "models/support-bot", DAY], "policy    DENIED", &shown[1]);
    holds(&["check", "models", DAY], "BLOCKED", &shown[2]);
    let reason = "the hub is being migrated, the revision is pinned in December";
    let names = ["--owner", "Ada Lovelace", "--approver", "Grace Hopper", "--until", "2027-01-31", "--reason", reason];
    let args = ["waive", "unpinned-revision", "models/support-bot", DAY];
    let (code, out, err) = run(dir.path(), &[&args[..], &names[..]].concat());
    assert!(code == 0 && shown[3].contains(&out), "{out}{err}");
    let file = fs::read_to_string(dir.path().join("freehold.waivers.toml")).unwrap();
    assert!(file.ends_with(toml.iter().find(|b| b.starts_with("[[waiver]]")).unwrap().as_str()), "{file}");
    holds(&["check", "models/support-bot", DAY], "policy    REVIEW", &shown[3]);
    holds(&["policy", "test", "purposes.md", DAY], "1 scenario", shown.last().unwrap());
}

#[test]
fn why_a_rule_objects() {
    let dir = tempfile::tempdir().unwrap();
    models(dir.path());
    fs::write(dir.path().join("freehold.toml"), POLICY).unwrap();
    let (code, said, _) = run(dir.path(), &["why", "no-purposes", "notes", DAY]);
    assert_eq!(code, 0, "{said}");
    for words in ["no-purposes  (freehold.toml:", "the license grants some purposes only", "1 error"] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(!said.contains("unpinned-revision"), "that rule alone: {said}");
    let (code, _, said) = run(dir.path(), &["why", "no-purpose", "notes", DAY]);
    assert!(code == 2 && said.contains("did you mean `no-purposes`?"), "{said}");
    let (code, said, _) = run(dir.path(), &["why", "unpinned-revision", "bot", DAY]);
    assert!(code == 0 && said.contains("adapter_config.json"), "a finding's trail and the policy's word: {said}");
}
