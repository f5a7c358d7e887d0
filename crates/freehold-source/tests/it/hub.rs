//! The Hugging Face cache beyond its folders' names.

use std::fs;

use freehold_base::FactKind;

use crate::{CARD, CONFIG, all, codes, names, put, values};

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn real_files_in_a_snapshot_are_read_as_links_are() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "models--acme--bot/refs/main", SHA);
    put(dir.path(), &format!("models--acme--bot/snapshots/{SHA}/config.json"), CONFIG);
    put(dir.path(), "models--acme--bot/.no_exist/x/adapter_config.json", "");
    put(dir.path(), ".locks/models--acme--bot/x.lock", "");
    let found = all(dir.path());
    assert_eq!(names(&found), ["acme/bot"]);
    assert_eq!(values(&found[0], FactKind::Revision), [SHA]);
    assert!(found[0].diagnostics.is_empty(), "{:?}", found[0].diagnostics);
}

#[test]
fn datasets_apps_and_tokens_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    for kind in ["datasets", "spaces"] {
        put(dir.path(), &format!("hub/{kind}--acme--data/snapshots/{SHA}/config.json"), CONFIG);
    }
    put(dir.path(), &format!("hub/models--acme--bot/snapshots/{SHA}/config.json"), CONFIG);
    put(dir.path(), "token", CARD);
    put(dir.path(), "stored_tokens", CARD);
    let found = all(dir.path());
    assert_eq!(names(&found), ["acme/bot"]);
    assert!(found[0].files.iter().all(|f| !f.path.contains("token")));
}

#[test]
fn what_is_not_all_here_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let other = SHA.replace('0', "f");
    put(dir.path(), "models--acme--bot/refs/main", &other);
    put(dir.path(), "models--acme--bot/refs/broken", "../../../etc");
    put(dir.path(), "models--acme--bot/blobs/abc.incomplete", "x");
    put(dir.path(), &format!("models--acme--bot/snapshots/{SHA}/config.json"), CONFIG);
    put(dir.path(), "models--acme--gone/refs/main", SHA);
    fs::create_dir_all(dir.path().join("models--acme--gone/snapshots")).unwrap();
    let found = all(dir.path());
    assert_eq!(names(&found), ["acme/bot"]);
    let mut told = codes(&found[0]);
    told.sort_unstable();
    assert_eq!(told, ["download-incomplete", "no-snapshot", "ref-broken", "ref-missing"]);
}

#[cfg(unix)]
#[test]
fn a_blob_called_by_its_hash_is_known_without_reading() {
    let dir = tempfile::tempdir().unwrap();
    let hash = "ab".repeat(32);
    put(dir.path(), &format!("models--acme--bot/blobs/{hash}"), CONFIG);
    let snapshot = dir.path().join("models--acme--bot/snapshots").join(SHA);
    fs::create_dir_all(&snapshot).unwrap();
    std::os::unix::fs::symlink(format!("../../blobs/{hash}"), snapshot.join("config.json")).unwrap();
    let found = all(dir.path());
    assert_eq!(values(&found[0], FactKind::Sha256), [hash]);
    assert_eq!(values(&found[0], FactKind::Architecture), ["llama"]);
}
