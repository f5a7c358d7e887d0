//! The law that this build carries has no mistake, and its quotes stand in the texts where these are at hand.

use std::path::Path;
use std::process::Command;

use freehold_catalog::Catalog;
use sha2::{Digest, Sha256};

#[test]
fn the_built_in_catalog_has_no_mistake() {
    let (_, mistakes) = Catalog::load(freehold_law::files());
    let lines: Vec<String> =
        mistakes.iter().map(|d| format!("{:?}: {}", d.label.as_ref().map(|l| &l.file), d.message)).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn every_quote_stands_in_its_text() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/licenses");
    if !shared.is_dir() {
        println!("skipped: ../shared is absent");
        return;
    }
    let out = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["catalog", "check"]).arg(&shared).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && text.contains("verbatim"), "{text}");
}

#[test]
fn a_changed_word_in_a_quote_is_found() {
    let files = freehold_law::files();
    let license = files.iter().find(|f| f.path == "licenses/mit.toml").unwrap();
    let catalog = freehold_law::catalog();
    let quote = &catalog.license("mit").unwrap().terms[0].quote;
    let changed = quote.replacen(' ', " un", 1);
    assert!(license.text.contains(quote.as_str()));
    let text = freehold_text::Words::of(quote);
    assert!(freehold_text::quote_in(&text, &freehold_text::Words::of(quote)).is_some());
    assert!(freehold_text::quote_in(&text, &freehold_text::Words::of(&changed)).is_none());
}

#[test]
fn the_readings_are_of_these_rules_and_texts() {
    let catalog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../catalog");
    let read = |name: &str| std::fs::read(catalog.join(name)).unwrap();
    let rules: String = Sha256::digest(read("reading.toml")).iter().map(|b| format!("{b:02x}")).collect();
    let table = String::from_utf8(read("readings.tsv")).unwrap();
    assert!(table.lines().next().unwrap().contains(&rules), "cargo xtask texts writes catalog/readings.tsv again");
    let index = read("texts.idx");
    let index = freehold_text::Index::from_bytes(&index).unwrap();
    let known: Vec<&str> = table.lines().skip(2).filter_map(|l| l.split('\t').next()).collect();
    assert!(index.editions().map(|e| e.text).eq(known), "cargo xtask texts writes both again");
}

#[test]
fn the_pages_are_of_this_catalog() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let catalog = freehold_law::shared();
    let read = |name: &str| std::fs::read_to_string(docs.join(name)).unwrap_or_default();
    let again = "cargo xtask pages and cargo xtask findings write them again";
    assert_eq!(read("licenses/README.md"), freehold_documents::license_index(catalog), "{again}");
    for (i, license) in catalog.licenses.iter().enumerate() {
        let page = read(&format!("licenses/{}.md", license.id));
        assert!(page == freehold_documents::license_page(catalog, i), "docs/licenses/{}.md: {again}", license.id);
    }
    let pages = freehold_documents::finding_pages(catalog);
    for (name, text) in &pages {
        assert!(read(&format!("findings/{name}")) == *text, "docs/findings/{name}: {again}");
    }
    // a code has one page, and no page is left of a code that is gone
    let names: std::collections::BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    let there = std::fs::read_dir(docs.join("findings")).unwrap();
    let there: std::collections::BTreeSet<String> =
        there.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(there, names, "{again}");
    for code in freehold_assess::FindingCode::ALL.iter().map(|c| c.as_str()).chain(catalog.obligations.codes()) {
        let page = format!("{}.md", freehold_documents::duty_page_name(catalog, code));
        assert!(names.contains(&page), "{code} has no page");
    }
}

#[test]
fn no_license_logic_in_rust() {
    // a license's name in the code of an engine is a rule that counsel cannot read
    let names = ["llama", "gemma", "qwen", "mistral", "deepseek", "falcon", "stability", "apache-2.0"];
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut found = Vec::new();
    for engine in ["freehold-assess", "freehold-catalog", "freehold-lineage", "freehold-check", "freehold-text"] {
        let mut open = vec![crates.join(engine).join("src")];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                for (n, line) in code.lines().enumerate() {
                    let line = line.split("//").next().unwrap_or_default().to_lowercase().replace("ollama", "");
                    if names.iter().any(|name| line.contains(name)) {
                        found.push(format!("{}:{}: {}", path.display(), n + 1, line.trim()));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
