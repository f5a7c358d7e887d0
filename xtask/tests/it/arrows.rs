//! The arrows between our crates, against the table of `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Rows of the table: crate → crates it may know.
fn allowed(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?.to_string();
        let short = |n: &str| if n == "–" { None } else { Some(format!("freehold-{n}")) };
        let knows = cells.get(3)?.split(", ").filter_map(short).collect();
        Some((name, knows))
    };
    text.lines().filter(|l| l.starts_with("| `freehold") || l.starts_with("| `xtask")).filter_map(row).collect()
}

/// The arrows of `cargo metadata`, development ones left out.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let packages = json["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|p| p["name"].as_str().unwrap()).collect();
    let deps = |p: &serde_json::Value| {
        let all = p["dependencies"].as_array().unwrap().iter();
        all.filter(|d| d["kind"].as_str() != Some("dev"))
            .map(|d| d["name"].as_str().unwrap().to_string())
            .filter(|d| ours.contains(d.as_str()))
            .collect()
    };
    packages.iter().map(|p| (p["name"].as_str().unwrap().to_string(), deps(p))).collect()
}

#[test]
fn no_arrow_that_the_table_does_not_allow() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let allowed = allowed(&text);
    let mut wrong = Vec::new();
    for (name, knows) in arrows() {
        let Some(may) = allowed.get(&name) else {
            wrong.push(format!("`{name}` is not in the table"));
            continue;
        };
        wrong.extend(knows.difference(may).map(|d| format!("`{name}` may not know `{d}`")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_read() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let allowed = allowed(&text);
    assert_eq!(allowed.get("freehold-base"), Some(&BTreeSet::new()));
    assert!(allowed["freehold-assess"].contains("freehold-catalog"));
    assert!(!allowed["freehold-assess"].contains("freehold-check"));
}

#[test]
fn the_engines_touch_no_file_clock_or_environment() {
    let pure = [
        "base",
        "artifact",
        "text",
        "catalog",
        "lineage",
        "reference",
        "kin",
        "assess",
        "check",
        "comply",
        "policy",
        "log",
        "record",
        "wire",
        "documents",
    ];
    let banned = ["std::fs", "std::env::", "std::net", "SystemTime", "Instant::now", "std::process"];
    let mut wrong = Vec::new();
    for name in pure {
        let mut open = vec![root().join(format!("crates/freehold-{name}/src"))];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                // a module of tests by itself, behind `#[cfg(test)] mod tests;`
                if path.file_name().is_some_and(|n| n == "tests.rs") {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                // tests at the end of a file may read what they compare with
                let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                wrong.extend(banned.iter().filter(|b| text.contains(**b)).map(|b| format!("{}: {b}", path.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
