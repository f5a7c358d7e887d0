//! Real model families and adapters, laid out as the Hugging Face cache does, run through `check` without an error.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::run::{run, shared};

fn verdicts(out: &str) -> BTreeMap<String, String> {
    out.lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap())
        .map(|a| (a["subject"]["id"].as_str().unwrap().to_string(), a["verdict"].as_str().unwrap().to_string()))
        .collect()
}

fn lay_out(root: &Path, row: &Value) -> Option<String> {
    let id = row["id"].as_str()?;
    if id.matches('/').count() != 1 {
        return None;
    }
    let folder = root.join(format!("models--{}", id.replace('/', "--")));
    let sha = row["sha"].as_str().unwrap_or("0000000000000000000000000000000000000000");
    let snapshot = folder.join("snapshots").join(sha);
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(folder.join("refs")).unwrap();
    fs::write(folder.join("refs/main"), sha).unwrap();
    fs::write(snapshot.join("README.md"), row["readme"].as_str().unwrap_or("")).unwrap();
    if row["config"].is_object() {
        fs::write(snapshot.join("config.json"), row["config"].to_string()).unwrap();
    }
    Some(id.to_string())
}

#[test]
fn real_families() {
    let Some(path) = shared("data/hub/hub.jsonl") else { return };
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(path).unwrap();
    let ids: Vec<String> =
        text.lines().filter_map(|l| lay_out(dir.path(), &serde_json::from_str(l).unwrap())).collect();
    let hub = dir.path().to_str().unwrap();
    let args = ["check", hub, "--format", "jsonl", "--access", "weights", "--commercial=yes", "--as-of=2026-11-24"];
    let (code, out, err) = run(dir.path(), &args);
    assert!([0, 1, 4].contains(&code), "{code} {err}");
    assert!(!err.contains("error"), "{err}");
    let verdicts = verdicts(&out);
    for id in &ids {
        assert!(verdicts.contains_key(id), "{id} was not judged");
    }
    // read by hand against the texts, for weights handed out commercially with nothing else stated
    for (id, verdict) in [
        ("deepseek-ai/DeepSeek-V3", "undetermined"), // Attachment A: the activities are not stated
        ("microsoft/phi-2", "permitted-with-obligations"), // MIT since 2024: the notices
    ] {
        if let Some(got) = verdicts.get(id) {
            assert_eq!(got, verdict, "{id}");
        }
    }
}

#[test]
fn real_adapters() {
    let Some(path) = shared("data/peers/lora_adapters") else { return };
    let mut n = 0;
    for entry in fs::read_dir(path).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let args = ["check", ".", "--format", "jsonl", "--access", "weights", "--as-of=2026-11-24"];
        let (code, out, err) = run(&folder, &args);
        assert!([0, 1, 4].contains(&code), "{}: {code} {err}", folder.display());
        assert!(!verdicts(&out).is_empty(), "{}", folder.display());
        n += 1;
    }
    assert!(n > 10, "{n} adapters");
}
