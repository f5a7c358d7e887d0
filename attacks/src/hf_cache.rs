//! The Hugging Face cache: folders that name repositories, snapshots that are links.

use std::io;
use std::path::Path;

use crate::bytes::Gguf;
use crate::disk::{bait, folder, inside, link, put, sparse, symlink};
use crate::{Attack, CANARY, Cases, Class, FORGED, SECRETS};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const CARD: &str = "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n";

/// A repository with one snapshot that holds a card as a blob.
fn repository(home: &Path, name: &str) -> io::Result<String> {
    let at = format!("models--{name}");
    put(home, &format!("{at}/refs/main"), COMMIT)?;
    put(home, &format!("{at}/blobs/aaaa"), CARD)?;
    link(home, &format!("{at}/snapshots/{COMMIT}/README.md"), "../../blobs/aaaa")?;
    Ok(at)
}

fn snapshot(at: &str, file: &str) -> String {
    format!("{at}/snapshots/{COMMIT}/{file}")
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::HfCache);
    c.ok("hf-cache-valid", "a cached repository", |d| {
        let at = repository(d, "acme--bot")?;
        let blob = "b".repeat(64);
        put(d, &format!("{at}/blobs/{blob}"), Gguf::sample().bytes(0))?;
        link(d, &snapshot(&at, "model.gguf"), format!("../../blobs/{blob}"))
    });
    c.ok("hf-cache-valid-windows", "a snapshot of real files, as on Windows", |d| {
        put(d, &format!("models--acme--bot/snapshots/{COMMIT}/README.md"), CARD)
    });
    c.ok("hf-cache-valid-two", "two snapshots of one repository", |d| {
        let at = repository(d, "acme--bot")?;
        link(d, &format!("{at}/snapshots/{}/README.md", "f".repeat(40)), "../../blobs/aaaa")
    });
    c.ok("hf-cache-valid-incomplete", "a download that is under way", |d| {
        let at = repository(d, "acme--bot")?;
        put(d, &format!("{at}/blobs/{}.incomplete", "c".repeat(64)), "half")?;
        put(d, ".locks/models--acme--bot/x.lock", "")
    });
    c.ok("hf-cache-token", "the token beside the hub's folder is never read", |d| {
        repository(d, "acme--bot")?;
        put(d, "token", SECRETS[0])?;
        put(d, "stored_tokens", format!("[main]\nhf_token = {}\n", SECRETS[0]))
    });
    c.warning("hf-cache-link-out", "a snapshot's file that links out of the cache", |d| {
        bait(d)?;
        let at = repository(d, "acme--bot")?;
        link(d, &snapshot(&at, "LICENSE"), "../../../../out/LICENSE")
    });
    c.warning("hf-cache-link-absolute", "a snapshot's file that links to an absolute path", |d| {
        let out = bait(d)?.canonicalize()?;
        let at = repository(d, "acme--bot")?;
        link(d, &snapshot(&at, "config.json"), out.join("config.json"))
    });
    c.warning("hf-cache-link-other-repository", "a snapshot's file that links to another repository's blob", |d| {
        let other = repository(d, "other--secret")?;
        put(d, &format!("{other}/blobs/bbbb"), format!("{CANARY} License"))?;
        let at = repository(d, "acme--bot")?;
        link(d, &snapshot(&at, "LICENSE"), "../../../models--other--secret/blobs/bbbb")
    });
    c.warning("hf-cache-link-passwd", "a snapshot's file that is the system's list of users", |d| {
        let at = repository(d, "acme--bot")?;
        link(d, &snapshot(&at, "NOTICE"), "/etc/passwd")
    });
    c.warning("hf-cache-link-broken", "a blob that is gone", |d| {
        let at = repository(d, "acme--bot")?;
        link(d, &snapshot(&at, "model.safetensors"), "../../blobs/gone")
    });
    c.warning("hf-cache-blobs-link", "the blobs' folder is a link out of the cache", |d| {
        let out = bait(d)?;
        std::fs::write(out.join("aaaa"), format!("---\nlicense: {CANARY}\n---\n"))?;
        folder(d, "models--acme--bot")?;
        symlink(Path::new("../../out"), &inside(d, "models--acme--bot/blobs"))?;
        put(d, &format!("models--acme--bot/snapshots/{COMMIT}/config.json"), "{\"model_type\":\"llama\"}")?;
        link(d, &snapshot("models--acme--bot", "README.md"), "../../blobs/aaaa")
    });
    c.ok("hf-cache-snapshots-link", "the snapshots' folder is a link out of the cache", |d| {
        let out = bait(d)?;
        std::fs::create_dir_all(out.join(COMMIT))?;
        std::fs::write(out.join(COMMIT).join("README.md"), format!("---\nlicense: {CANARY}\nbase_model: a/b\n---\n"))?;
        repository(d, "other--bot")?;
        folder(d, "models--acme--bot")?;
        symlink(Path::new("../../out"), &inside(d, "models--acme--bot/snapshots"))
    });
    c.ok("hf-cache-name-dots", "a repository whose name climbs", |d| repository(d, "..--..").map(drop));
    c.ok("hf-cache-name-empty", "repositories of no name", |d| {
        put(d, &format!("models--/snapshots/{COMMIT}/README.md"), CARD)?;
        put(d, &format!("models----x/snapshots/{COMMIT}/README.md"), CARD)?;
        repository(d, "acme--bot").map(drop)
    });
    c.ok("hf-cache-name-escape", "escape sequences and a line break in a repository's name", |d| {
        repository(d, &format!("acme\u{1b}[2J\u{202e}\u{9b}--bot\n{FORGED}")).map(drop)
    });
    c.ok("hf-cache-name-homoglyph", "a publisher in letters that only look Latin", |d| {
        repository(d, "met\u{430}-llama--Llam\u{430}-3.1-8B").map(drop)
    });
    c.ok("hf-cache-revision-lie", "a revision that is no commit", |d| {
        put(d, "models--acme--bot/snapshots/main; rm -rf/README.md", CARD)
    });
    c.ok("hf-cache-ref-lie", "a branch that names a path", |d| {
        let at = repository(d, "acme--bot")?;
        put(d, &format!("{at}/refs/main"), "../../../../out")
    });
    c.ok("hf-cache-ref-sparse", "a branch's file of 10 GB", |d| {
        let at = repository(d, "acme--bot")?;
        sparse(d, &format!("{at}/refs/main"), COMMIT.as_bytes(), 10 << 30)
    });
    c.ok("hf-cache-datasets", "data sets and apps beside the models", |d| {
        repository(d, "acme--bot")?;
        put(d, &format!("datasets--acme--chat/snapshots/{COMMIT}/data.json"), "{}")
    });
    c.ok("hf-cache-many-snapshots", "300 snapshots of one repository", |d| {
        let at = repository(d, "acme--bot")?;
        (0..300).try_for_each(|i| link(d, &format!("{at}/snapshots/{i:040x}/README.md"), "../../blobs/aaaa"))
    });
    c.warning("hf-cache-deep", "a snapshot 60 folders deep", |d| {
        let at = repository(d, "acme--bot")?;
        put(d, &snapshot(&at, &format!("{}/x.txt", vec!["d"; 60].join("/"))), "x")
    });
    c.done()
}
