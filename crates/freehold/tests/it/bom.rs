//! Bills of materials as a user meets them, and as programs that are not ours judge them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::run::{installed, root, run, session, shared};

const AS_OF: &str = "--as-of=2026-11-24";
const FORMATS: [&str; 3] = ["cyclonedx", "cyclonedx-1.6", "spdx"];

/// The arguments that make a bill of an example.
fn example(name: &str) -> Vec<String> {
    let dir = format!("examples/{name}");
    let mut args = vec![format!("{dir}/model"), "--use".into(), format!("{dir}/use.toml"), AS_OF.into()];
    if root().join(&dir).join("release").is_dir() {
        args.extend(["--release".into(), format!("{dir}/release")]);
    }
    args
}

fn examples() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A model of every license in law, one of the data sets, a chain, and names that no license has.
fn every_license(dir: &Path) -> PathBuf {
    let (code, out, err) = run(&root(), &["catalog", "list", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let list: Value = serde_json::from_str(&out).unwrap();
    let ids: Vec<&str> = list["licenses"].as_array().unwrap().iter().map(|l| l["id"].as_str().unwrap()).collect();
    assert!(ids.len() > 100, "{}", ids.len());
    let mut parents = String::new();
    let mut works = String::new();
    for (n, id) in ids.iter().enumerate() {
        parents.push_str(&format!("{{ work = \"base-{n}\", relation = \"merge\" }}, "));
        works.push_str(&format!(
            "[[works]]\nid = \"base-{n}\"\nmade_by = \"third-party\"\ndeclared_license = \"{id}\"\n"
        ));
    }
    let text = format!(
        "[subject]\nid = \"every-license\"\nmade_by = \"organization\"\ndeclared_license = \"odd \\u202e name & <b>\"\nparents = [{parents}]\ndatasets = [{{ id = \"acme/data\", license = \"ODbL-1.0\" }}]\n{works}"
    );
    let file = dir.join("every-license.toml");
    fs::write(&file, text).unwrap();
    file
}

/// Every document that the judges look at: of each example, of all of them, of a compose file, of every license.
fn documents(dir: &Path) -> Vec<(&'static str, PathBuf)> {
    let mut bills: Vec<(String, Vec<String>)> = examples().into_iter().map(|n| (n.clone(), example(&n))).collect();
    bills.push((
        "all".into(),
        vec!["examples".into(), "--hash".into(), AS_OF.into(), "--set".into(), "organization.name=Acme".into()],
    ));
    bills.push(("every".into(), vec![every_license(dir).display().to_string(), AS_OF.into()]));
    let compose = dir.join("compose.yaml");
    fs::write(&compose, "services:\n  a:\n    image: vllm/vllm-openai\n    command: --model meta-llama/Llama-3.1-8B-Instruct\n  b:\n    image: vllm/vllm-openai\n    command: --model Qwen/Qwen2.5-3B-Instruct\n").unwrap();
    bills.push(("compose".into(), vec![compose.display().to_string(), AS_OF.into()]));
    let mut out = Vec::new();
    for (name, args) in bills {
        for format in FORMATS {
            let file = dir.join(format!("{name}.{format}.json"));
            let shown = file.display().to_string();
            let mut all = vec!["bom"];
            all.extend(args.iter().map(String::as_str));
            all.extend(["--format", format, "--out", &shown]);
            let (code, _, err) = run(&root(), &all);
            assert_eq!(code, 0, "{name} {format}: {err}");
            out.push((format, file));
        }
    }
    // with what a governance record says inside
    for name in ["support-bot-lora", "mystery"] {
        let pack = crate::register::packed(name, dir);
        out.push(("cyclonedx", pack.join("09-aibom/model.cdx.json")));
        out.push(("cyclonedx-1.6", pack.join("09-aibom/model.cdx16.json")));
        out.push(("spdx", pack.join("09-aibom/model.spdx3.json")));
    }
    out
}

fn judged(program: &Path, script: &str, files: &[&PathBuf], name: &str, value: &Path) -> (bool, String) {
    let out = Command::new(program)
        .arg(root().join("tests/validate").join(script))
        .args(files)
        .env(name, value)
        .output()
        .unwrap();
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

/// One document in which a member is wrong, so that a judge that accepts everything is found out.
fn broken(file: &Path, dir: &Path) -> PathBuf {
    let text = fs::read_to_string(file).unwrap();
    let text = text.replace("\"acknowledgement\": \"declared\"", "\"acknowledgement\": \"guessed\"");
    let text = text.replace("\"relationshipType\": \"trainedOn\"", "\"relationshipType\": \"dreamtOf\"");
    let text = text.replace("\"relationshipType\": \"descendantOf\"", "\"relationshipType\": \"dreamtOf\"");
    let out = dir.join(format!("broken-{}", file.file_name().unwrap().to_string_lossy()));
    fs::write(&out, text).unwrap();
    out
}

#[test]
fn programs_that_are_not_ours_accept_every_document() {
    let dir = tempfile::tempdir().unwrap();
    let all = documents(dir.path());
    let cyclonedx: Vec<&PathBuf> = all.iter().filter(|(f, _)| *f != "spdx").map(|(_, p)| p).collect();
    // the shapes take minutes over thousands of elements: those documents pass the schema in the next test
    let large = |p: &PathBuf| p.ends_with("every.spdx.json") || p.ends_with("all.spdx.json");
    let spdx: Vec<&PathBuf> = all.iter().filter(|(f, p)| *f == "spdx" && !large(p)).map(|(_, p)| p).collect();
    let here = Path::new(".");
    if let Some(node) = installed("FREEHOLD_NODE", "npm's CycloneDX library") {
        let (ok, said) = judged(Path::new("node"), "cdx.cjs", &cyclonedx, "FREEHOLD_NODE", &node);
        assert!(ok, "{said}");
        let bad = broken(cyclonedx[0], dir.path());
        assert!(!judged(Path::new("node"), "cdx.cjs", &[&bad], "FREEHOLD_NODE", &node).0, "npm's judge sees nothing");
    }
    if let Some(python) = installed("FREEHOLD_PYTHON", "PyPI's CycloneDX and SPDX validators") {
        let (ok, said) = judged(&python, "cdx.py", &cyclonedx, "PYTHONDONTWRITEBYTECODE", Path::new("1"));
        assert!(ok, "{said}");
        let bad = broken(cyclonedx[0], dir.path());
        assert!(!judged(&python, "cdx.py", &[&bad], "PYTHONDONTWRITEBYTECODE", here).0, "PyPI's judge sees nothing");
        let schemas = shared("data/standards/schemas").unwrap_or_default();
        let (ok, said) = judged(&python, "spdx.py", &spdx, "SPDX3_DIR", &schemas);
        if !ok && said.contains("urlopen error") {
            eprintln!("skipped: spdx.org cannot be reached, and ../shared/data/standards/schemas is absent");
            return;
        }
        assert!(ok, "{said}");
        let with_base = spdx.iter().find(|p| p.ends_with("support-bot-lora.spdx.json")).unwrap();
        let bad = broken(with_base, dir.path());
        assert!(!judged(&python, "spdx.py", &[&bad], "SPDX3_DIR", &schemas).0, "PyPI's SPDX judges see nothing");
    }
}

#[test]
fn spdx_documents_pass_the_official_schema() {
    let Some(schema) = shared("data/standards/schemas/spdx301-schema.json") else { return };
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (format, file) in documents(dir.path()) {
        if format != "spdx" {
            continue;
        }
        let document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let errors: Vec<String> = schema.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
    }
}

#[test]
fn the_same_bytes_again_and_a_digest_where_it_is_asked_for() {
    let mut args = vec!["bom", "examples/qwen-3b-product/model", AS_OF];
    let (_, one, _) = run(&root(), &args);
    let (_, two, _) = run(&root(), &args);
    assert_eq!(one, two);
    args.push("--hash");
    let (code, out, _) = run(&root(), &args);
    assert_eq!(code, 0);
    let v: Value = serde_json::from_str(&out).unwrap();
    let hash = v["metadata"]["component"]["hashes"][0]["content"].as_str().unwrap();
    assert_eq!(hash.len(), 64);
    assert_ne!(v["serialNumber"], serde_json::from_str::<Value>(&one).unwrap()["serialNumber"]);
}

/// What a bill is judged to, as `check` says it of the files and of every bill of them.
#[test]
fn a_bill_is_judged_as_the_files_are() {
    let dir = tempfile::tempdir().unwrap();
    for name in examples() {
        let uses = format!("examples/{name}/use.toml");
        let facts = ["--use", &uses, AS_OF, "--made-by", "organization", "--format", "json"];
        let check = |what: &str| {
            let mut args = vec!["check", what];
            args.extend(facts);
            let (_, out, err) = run(&root(), &args);
            let v: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{what}: {e}\n{out}{err}"));
            let a = &v["assessments"][0];
            let owed: Vec<String> = a["obligations"]
                .as_array()
                .unwrap()
                .iter()
                .map(|o| format!("{} {} {}", o["code"], o["license"], o["certainty"]))
                .collect();
            let steps: Vec<String> = a["lineage"]["edges"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| format!("{} {} {} {}", e["child"], e["relation"], e["parent"], e["by"]))
                .collect();
            (a["verdict"].clone(), a["verdict_range"].clone(), owed, steps)
        };
        let files = check(&format!("examples/{name}/model"));
        for format in FORMATS {
            let file = dir.path().join(format!("{name}.{format}.json")).display().to_string();
            let mut args = vec!["bom".to_string()];
            args.extend(example(&name));
            args.extend(["--made-by", "organization", "--format", format, "--out", &file].map(String::from));
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            assert_eq!(run(&root(), &args).0, 0);
            assert_eq!(check(&file), files, "{name} {format}");
        }
    }
}

#[test]
fn a_session() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let (bot, spdx, theirs, hostile, software) =
        (at("bot.json"), at("bot.spdx.json"), at("theirs.json"), at("hostile.json"), at("software.json"));
    let uses = "examples/support-bot-lora/use.toml";
    let model = "examples/support-bot-lora/model";
    fs::write(
        &theirs,
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"type": "application", "bom-ref": "shop", "name": "shop"}},
        "components": [{"type": "library", "name": "torch"},
          {"type": "machine-learning-model", "bom-ref": "t", "group": "acme", "name": "tune", "licenses": [{"license": {"id": "MIT"}}],
           "pedigree": {"ancestors": [{"type": "machine-learning-model", "name": "Llama-3.1-8B-Instruct", "group": "meta-llama"}]}},
          {"type": "machine-learning-model", "bom-ref": "q", "purl": "pkg:huggingface/Qwen/Qwen2.5-3B-Instruct", "name": "q"}]}"#,
    )
    .unwrap();
    fs::write(&hostile, format!("{{\"bomFormat\": {}", "[".repeat(5_000))).unwrap();
    fs::write(
        &software,
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "torch"}]}"#,
    )
    .unwrap();
    let shown = session(
        &root(),
        &[
            &["bom", model, "--use", uses, AS_OF, "--out", &bot],
            &["bom", model, "--use", uses, AS_OF, "--check"],
            &["bom", "--import", &bot, AS_OF],
            &["bom", &bot, "--use", uses, AS_OF, "--format", "spdx", "--out", &spdx],
            &["check", &spdx, "--use", uses, AS_OF],
            &["bom", "--import", &theirs, AS_OF],
            &["check", &theirs, "--access", "weights", "--commercial=yes", AS_OF],
            &["bom", &theirs, "--check"],
            &["bom", "--import", &hostile],
            &["check", &hostile],
            &["check", &software],
            &["bom", "--import", "README.md"],
            &["bom", "nowhere"],
        ],
    );
    insta::assert_snapshot!(shown.replace(&dir.path().display().to_string(), "TMP"));
}
