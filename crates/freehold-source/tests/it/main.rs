//! Folders, links, caches and limits, as a caller of the crate meets them.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says where it stopped, and one that is skipped says so"
)]

mod files;
mod hub;
mod independent;
mod ollama;
mod places;
mod tools;

use std::fs;
use std::path::Path;

use freehold_artifact::Artifact;
use freehold_base::FactKind;
use freehold_source::{Limits, open};

fn put(root: &Path, file: &str, text: impl AsRef<[u8]>) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The smallest GGUF file that has these texts in its header.
fn gguf(pairs: &[(&str, &str)]) -> Vec<u8> {
    let text = |t: &str| [u64::try_from(t.len()).unwrap().to_le_bytes().as_slice(), t.as_bytes()].concat();
    let mut out = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend(u64::try_from(pairs.len()).unwrap().to_le_bytes());
    for (key, value) in pairs {
        out.extend(text(key));
        out.extend(8_u32.to_le_bytes());
        out.extend(text(value));
    }
    out
}

fn all(path: &Path) -> Vec<Artifact> {
    open(path, &Limits::default()).unwrap()
}

fn values(artifact: &Artifact, kind: FactKind) -> Vec<&str> {
    artifact.facts.iter().filter(|f| f.kind == kind).map(|f| f.value.as_str()).collect()
}

fn codes(artifact: &Artifact) -> Vec<&str> {
    artifact.diagnostics.iter().map(|d| d.code).collect()
}

fn names(artifacts: &[Artifact]) -> Vec<&str> {
    artifacts.iter().map(|a| a.root_name.as_str()).collect()
}

const CONFIG: &str = "{\"model_type\": \"llama\"}";
const CARD: &str = "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n";

#[test]
fn every_folder_with_a_model_file_is_a_model() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a/config.json", CONFIG);
    put(dir.path(), "b/c/README.md", CARD);
    put(dir.path(), "b/notes.txt", "not a model");
    let found = open(dir.path(), &Limits::default()).unwrap();
    assert_eq!(names(&found).len(), 2, "{:?}", names(&found));
    assert!(found[1].facts.iter().any(|f| f.kind == FactKind::BaseModel && f.value == "microsoft/phi-4"));
}

#[test]
fn a_folder_called_model_takes_the_name_around_it() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "support-bot/model/config.json", CONFIG);
    let found = open(&dir.path().join("support-bot/model"), &Limits::default()).unwrap();
    assert_eq!(names(&found), ["support-bot"]);
    assert_eq!(freehold_source::base_name("x/support-bot/model"), "support-bot");
    assert_eq!(freehold_source::base_name("x/support-bot"), "support-bot");
}

#[test]
fn a_cache_names_repository_and_revision() {
    let dir = tempfile::tempdir().unwrap();
    let sha = "0123456789abcdef0123456789abcdef01234567";
    put(dir.path(), "models--acme--bot/refs/main", sha);
    put(dir.path(), &format!("models--acme--bot/snapshots/{sha}/README.md"), CARD);
    let found = open(dir.path(), &Limits::default()).unwrap();
    assert_eq!(names(&found), ["acme/bot"]);
    assert!(found[0].facts.iter().any(|f| f.kind == FactKind::Revision && f.value == sha));
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_root_is_not_followed() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(outside.path(), "secret/README.md", CARD);
    put(dir.path(), "a/config.json", CONFIG);
    std::os::unix::fs::symlink(outside.path().join("secret"), dir.path().join("a/linked")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret/README.md"), dir.path().join("a/README.md")).unwrap();
    let found = open(dir.path(), &Limits::default()).unwrap();
    assert!(found.iter().all(|a| a.facts.iter().all(|f| f.value != "microsoft/phi-4")));
    assert!(found.iter().any(|a| !a.diagnostics.is_empty()), "the link is told");
}

#[cfg(unix)]
#[test]
fn a_circle_of_links_ends() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a/config.json", CONFIG);
    std::os::unix::fs::symlink(dir.path(), dir.path().join("a/again")).unwrap();
    assert_eq!(open(dir.path(), &Limits::default()).unwrap().len(), 1);
}

#[test]
fn limits_are_told_and_not_passed() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..50 {
        put(dir.path(), &format!("m{n:02}/config.json"), CONFIG);
    }
    let limits = Limits { entries_max: 20, ..Limits::default() };
    let told = match open(dir.path(), &limits) {
        Ok(found) => {
            assert!(found.len() < 50);
            found[0].diagnostics.clone()
        }
        Err(d) => vec![d],
    };
    assert!(told.iter().any(|d| d.code == "too-many-entries"), "{told:?}");
}

#[test]
fn what_is_not_there_is_an_error() {
    let error = open(Path::new("/nowhere/at/all"), &Limits::default()).unwrap_err();
    assert_eq!(error.code, "source-not-found");
}

/// A header length that no safetensors file can have, and a file that is no GGUF.
const BROKEN: [(&str, &[u8]); 2] =
    [("model.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7fxxxx"), ("model.gguf", b"GGML nothing of the sort")];

#[test]
fn a_broken_model_is_not_nothing() {
    for (name, bytes) in BROKEN {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), bytes).unwrap();
        let told = open(dir.path(), &Limits::default()).unwrap_err();
        assert_eq!(told.label.unwrap().file, name);
        put(dir.path(), "a/config.json", CONFIG);
        put(dir.path(), "b/config.json", CONFIG);
        let found = open(dir.path(), &Limits::default()).unwrap();
        let named = |d: &freehold_base::Diagnostic| d.label.as_ref().is_some_and(|l| l.file == name);
        assert!(found.iter().any(|a| a.diagnostics.iter().any(named)), "{name}");
    }
}
