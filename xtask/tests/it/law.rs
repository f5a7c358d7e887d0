//! The law that this build carries has no mistake, and its quotes stand in the texts where these are at hand.

use std::path::Path;
use std::process::Command;

use freehold_catalog::Catalog;

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
