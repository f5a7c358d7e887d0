//! The advisor: what may be used, what is left out by which clause, what a guide recommends and whether the texts support it.

use serde_json::Value;

use crate::run::{run, session};

const DAY: &str = "--as-of=2026-11-25";
const USE: &[&str] =
    &["--finetune", "--access", "hosted-app", "--commercial=yes", "--country", "DE", "--organization-kind", "company"];

fn json(args: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let all: Vec<&str> = ["advise", DAY, "--format", "json"].iter().chain(USE).chain(args).copied().collect();
    let (code, out, err) = run(dir.path(), &all);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn what_a_person_sees() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("mine.csv"),
        "model,name,score\nQwen/Qwen2.5-7B-Instruct,support,0.71\nmicrosoft/phi-4,support,0.64\n",
    )
    .unwrap();
    let mut all: Vec<&str> = vec!["advise", DAY];
    all.extend(USE);
    let needs = ["--kind", "instruct", "--language", "de,fr", "--max-size", "15B", "--most", "5"];
    let first: Vec<&str> = all.iter().chain(&needs).copied().collect();
    let scored: Vec<&str> =
        first.iter().chain(&["--scores", "mine.csv", "--weight", "quality=3,size=0"]).copied().collect();
    let claims: Vec<&str> = all.iter().chain(&["--claims"]).copied().collect();
    let wrong = ["advise", "--kind", "huge", "--max-size", "big", "--weight", "speed=1", "--scores", "nowhere.csv"];
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &first,
            &scored,
            &claims,
            &["advise", "--against", "openai", "--license", "llama-3.3"],
            &["advise", "--against", "nobody"],
            &wrong,
        ]
    ));
}

#[test]
fn sixty_base_models_and_more_each_with_its_sources() {
    let catalog = freehold_law::shared();
    assert!(catalog.capabilities.models.len() >= 60);
    for m in &catalog.capabilities.models {
        assert!(catalog.models.resolve(&m.id).is_some(), "{} has no terms in the catalog", m.id);
        let sources = m.parameters.iter().chain(&m.context).map(|s| s.source).chain(m.scores.iter().map(|s| s.source));
        assert!(sources.into_iter().all(|s| catalog.capabilities.source(s).is_some()), "{}", m.id);
    }
    assert!(catalog.services.len() >= 8);
}

#[test]
fn nothing_that_is_advised_is_left_to_chance() {
    let a = json(&[]);
    for list in ["ranked", "not_known"] {
        for m in a[list].as_array().unwrap() {
            assert!(m["verdict"].as_str().unwrap().starts_with("permitted"), "{m}");
        }
    }
    let by_license = |m: &&Value| m["why"].as_array().unwrap().iter().any(|w| w["about"] == "license");
    for m in a["excluded"].as_array().unwrap().iter().filter(by_license) {
        assert!(
            m["why"].to_string().contains('“') || m["why"].to_string().contains("nothing in it grants"),
            "a clause is cited: {m}"
        );
    }
    assert_eq!(a.to_string(), json(&[]).to_string(), "the same question has the same answer");
}

#[test]
fn the_guide_is_supported_where_the_texts_support_it_and_nowhere_else() {
    let c = json(&["--claims"]);
    let outcome = |id: &str| {
        c["claims"].as_array().unwrap().iter().find(|x| x["id"] == id).unwrap()["outcome"].as_str().unwrap().to_string()
    };
    assert_eq!(outcome("legal-simplicity"), "supported");
    assert_eq!(outcome("regulated"), "supported");
    // Qwen 2.5 72B is under the Qwen license, whatever the guide says
    assert_eq!(outcome("multilingual"), "supported in part");
    assert!(outcome("benchmarks").starts_with("open"), "what it is used for decides under a use policy");
    let settled = json(&[
        "--claims",
        "--activities",
        "none",
        "--monthly-active-users",
        "1000",
        "--set",
        "organization.affiliates_monthly_active_users=0",
        "--set",
        "organization.monthly_active_users_at_license_release=1000",
        "--set",
        "organization.affiliates_monthly_active_users_at_license_release=0",
    ]);
    let of = settled["claims"].as_array().unwrap().iter().find(|x| x["id"] == "benchmarks").unwrap();
    assert_eq!(of["outcome"], "supported", "{of}");
}

#[test]
fn another_base_comes_with_those_of_like_size() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("adapter_config.json"),
        r#"{"base_model_name_or_path": "meta-llama/Llama-3.1-8B", "peft_type": "LORA"}"#,
    )
    .unwrap();
    let (code, out, err) =
        run(dir.path(), &["what-if", ".", "--swap-base", "Qwen/Qwen2.5-7B-Instruct", "--access", "hosted-app"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("like size") && out.contains("permitted"), "{out}");
}
