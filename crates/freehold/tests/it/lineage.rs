//! The lineage as a user sees it: a tree, JSON, a picture, a Mermaid diagram.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::run::{root, run, session, shared};

const AS_OF: &str = "--as-of=2026-11-24";

/// Two products on one base; one of them with a cycle, a base that nobody can find, data, and a hostile name.
const BOT: &str = r#"
[subject]
id = "acme/support-bot"
name = "Support Bot"
made_by = "organization"
license_expression = "Apache-2.0"
parents = [
  { work = "meta-llama/Llama-3.1-8B-Instruct", relation = "finetune" },
  { work = "acme/lost-base", relation = "merge" },
  { work = "alpha", relation = "merge" },
]
datasets = [{ description = "tickets of 2025", license = "CC-BY-4.0" }, { id = "acme/chats" }]
[[works]]
id = "alpha"
declared_license = "MIT"
parents = [{ work = "beta", relation = "distilled" }]
[[works]]
id = "beta"
license = "GPL-3.0"
made_by = "third-party"
parents = [{ work = "alpha", relation = "merge" }]
[[works]]
id = "evil\u202e\"]<script>alert(1)</script>"
made_by = "third-party"
parents = [{ work = "beta", relation = "component" }]
"#;

const TOOL: &str = r#"
[subject]
id = "acme/search-tool"
made_by = "organization"
parents = [{ work = "meta-llama/Llama-3.1-8B-Instruct", relation = "quantized" }, { work = "alpha", relation = "merge" }]
"#;

fn cases() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("bot.toml"), BOT).unwrap();
    fs::write(dir.path().join("tool.toml"), TOOL).unwrap();
    dir
}

#[test]
fn trees() {
    let model = |name: &str| format!("examples/{name}/model");
    insta::assert_snapshot!(session(
        &root(),
        &[
            &["lineage", &model("support-bot-lora"), AS_OF],
            &["lineage", &model("mistral-merge"), AS_OF, "--made-by=organization"],
            &["lineage", &model("gemma-reviewer"), AS_OF],
            &["lineage", &model("mystery"), AS_OF, "--base", "Qwen/Qwen2.5-3B"],
            &["lineage", "Qwen/Qwen2.5-3B-Instruct", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", AS_OF],
            &["lineage", "unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", AS_OF],
        ]
    ));
}

#[test]
fn a_case_with_everything() {
    let dir = cases();
    insta::assert_snapshot!(session(dir.path(), &[&["lineage", "bot.toml", "tool.toml", AS_OF]]));
}

#[test]
fn mermaid() {
    let dir = cases();
    insta::assert_snapshot!(session(dir.path(), &[&["lineage", "bot.toml", "--format", "mermaid", AS_OF]]));
}

#[test]
fn a_picture() {
    let model = "examples/mistral-merge/model";
    insta::assert_snapshot!(session(&root(), &[&["lineage", model, "--format", "svg", AS_OF]]));
}

#[test]
fn mistakes() {
    let dir = cases();
    fs::create_dir(dir.path().join("empty")).unwrap();
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["lineage", "Qwen/Qwen2.5-3B-Instrukt", AS_OF],
            &["lineage", "acme/nothing-like-it-at-all", "tool.toml", "--format", "mermaid", AS_OF],
            &["lineage", "empty"],
            &["lineage", "tool.toml", "--as-of=tomorrow"],
            &["lineage", "tool.toml", "--out", "absent/picture.svg", "--format", "svg"],
        ]
    ));
}

#[test]
fn a_model_that_names_itself_as_its_base_is_shown_so_and_answered_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let card = |base: &str| format!("---\nlicense: mit\n{base}---\n# A bot\n");
    for (folder, text) in [("a/bot", card("base_model: Bot\n")), ("b/bot", card(""))] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
        fs::write(dir.path().join(folder).join("README.md"), text).unwrap();
    }
    insta::assert_snapshot!(session(dir.path(), &[&["lineage", "a/bot", AS_OF], &["check", "a/bot", AS_OF]]));
    let json = |args: &[&str]| -> Value { serde_json::from_str(&run(dir.path(), args).1).unwrap() };
    let lineage = json(&["lineage", "a/bot", "--format", "json", AS_OF]);
    assert_eq!(lineage["cycles"], serde_json::json!([["bot"]]));
    let edge = &lineage["edges"][0];
    assert_eq!((edge["child"].as_str(), edge["parent"].as_str()), (Some("bot"), Some("bot")));
    let (_, svg, _) = run(dir.path(), &["lineage", "a/bot", "--format", "svg", AS_OF]);
    assert!(svg.contains("class=\"line cycle"), "{svg}");
    let judged = |folder: &str| json(&["check", folder, "--format", "json", AS_OF])["assessments"][0].clone();
    for part in
        ["verdict", "range", "by_access", "licenses", "obligations", "gaps", "questions", "assumptions", "findings"]
    {
        // the place of the license is the same too: the base stands below it
        assert_eq!(judged("a/bot")[part], judged("b/bot")[part], "{part}");
    }
}

#[test]
fn a_picture_goes_into_a_file_and_holds_no_name_that_acts() {
    let dir = cases();
    let (code, out, err) = run(dir.path(), &["lineage", "bot.toml", "--format", "svg", "--out", "bot.svg"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    let svg = fs::read_to_string(dir.path().join("bot.svg")).unwrap();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "));
    assert!(!svg.contains("<script") && !svg.contains('\u{202e}') && !svg.contains("href"));
    assert!(svg.contains("&lt;script&gt;") && svg.contains("prefers-color-scheme:dark"));
    assert!(svg.contains("class=\"line cycle"));
    assert_eq!(svg.matches("http").count(), 1, "nothing is fetched");
    let open = svg.matches("<g").count();
    assert_eq!(open, svg.matches("</g>").count());
}

#[test]
fn json_keeps_to_its_schema() {
    let dir = cases();
    let (code, out, _) = run(dir.path(), &["lineage", "bot.toml", "tool.toml", "--format", "json", AS_OF]);
    assert!(!out.contains('\u{202e}') && out.contains("\\u202e"));
    let json: Value = serde_json::from_str(&out).unwrap();
    let (_, schema, _) = run(dir.path(), &["schema", "lineage"]);
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&json).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!((code, json["schema"].as_str()), (0, Some("freehold.lineage/1")));
    assert_eq!(json["subjects"], serde_json::json!(["acme/support-bot", "acme/search-tool"]));
    assert_eq!(json["cycles"], serde_json::json!([["alpha", "beta"]]));
    let lost: Vec<&str> = json["unresolved"].as_array().unwrap().iter().map(|u| u["id"].as_str().unwrap()).collect();
    // a plain name in another case is another work
    assert_eq!(lost, ["acme/lost-base", "acme/chats", "alpha (of acme/search-tool)"]);
    assert_eq!(json["unresolved"][0]["named_by"], serde_json::json!(["acme/support-bot"]));
    let ids: Vec<&str> = json["works"].as_array().unwrap().iter().map(|w| w["id"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    assert_eq!(ids.iter().filter(|id| id.starts_with("meta-llama/")).count(), 1, "a shared base is one work");
    assert!(!out.contains("verdict"));
    for edge in json["edges"].as_array().unwrap() {
        assert!(ids.contains(&edge["child"].as_str().unwrap()) && ids.contains(&edge["parent"].as_str().unwrap()));
        assert!(!edge["evidence"].as_array().unwrap().is_empty());
    }
}

#[test]
fn every_format_is_the_same_on_every_run() {
    let dir = cases();
    for format in ["human", "json", "svg", "mermaid"] {
        let args = ["lineage", "bot.toml", "tool.toml", "--format", format, AS_OF];
        assert_eq!(run(dir.path(), &args), run(dir.path(), &args), "{format}");
    }
}

/// The steps that `check` reports of the same folder, one by one.
#[test]
fn real_folders_have_the_steps_that_check_has() {
    let Some(artifacts) = shared("data/artifacts") else { return };
    let mut folders = 0;
    for entry in fs::read_dir(&artifacts).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        let (_, check, _) = run(&entry, &["check", ".", "--format", "json", AS_OF]);
        let (_, lineage, _) = run(&entry, &["lineage", ".", "--format", "json", AS_OF]);
        let (Ok(check), Ok(lineage)) = (serde_json::from_str::<Value>(&check), serde_json::from_str::<Value>(&lineage))
        else {
            continue;
        };
        let step = |e: &Value| {
            let of = |key: &str| e[key].as_str().unwrap().split(" (").next().unwrap().to_string();
            (of("child"), of("parent"), of("relation"), of("by"))
        };
        let assessed = check["assessments"].as_array().unwrap().iter();
        let theirs: BTreeSet<_> = assessed.flat_map(|a| a["lineage"]["edges"].as_array().unwrap()).map(step).collect();
        let ours: BTreeSet<_> = lineage["edges"].as_array().unwrap().iter().map(step).collect();
        assert_eq!(ours, theirs, "{}", entry.display());
        folders += 1;
        let (code, svg, _) = run(&entry, &["lineage", ".", "--format", "svg", AS_OF]);
        assert!(code == 0 || code == 3, "{}", entry.display());
        assert!(svg.is_empty() || svg.trim_end().ends_with("</svg>"), "{}", entry.display());
    }
    assert!(folders > 0);
}
