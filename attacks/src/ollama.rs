//! Ollama's store and Modelfiles: digests that are paths, manifests that lie.

use std::io;
use std::path::Path;

use crate::bytes::Gguf;
use crate::disk::{bait, card, inside, link, put, sparse};
use crate::{Attack, CANARY, Cases, Class, FORGED, SECRETS};

const MANIFEST: &str = "manifests/registry.ollama.ai/library/bot/latest";
const MODEL: &str = "application/vnd.ollama.image.model";
const LICENSE: &str = "application/vnd.ollama.image.license";

fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

fn blob(home: &Path, letter: char, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    put(home, &format!("blobs/sha256-{}", letter.to_string().repeat(64)), bytes)
}

fn layer(kind: &str, digest: &str) -> String {
    format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":64}}"#)
}

fn manifest(layers: &[String]) -> String {
    let config = layer("application/vnd.docker.container.image.v1+json", &digest('c'));
    format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","))
}

/// A sound store with one model, whose manifest `layers` follow those of the weights.
fn store(home: &Path, layers: &[String]) -> io::Result<()> {
    blob(home, 'a', Gguf::sample().bytes(0))?;
    blob(home, 'c', r#"{"model_format":"gguf","model_family":"llama","model_type":"1B","file_type":"F16"}"#)?;
    blob(home, 'd', "MIT License\n\nCopyright (c) Acme\n")?;
    let mut all = vec![layer(MODEL, &digest('a'))];
    all.extend(layers.iter().cloned());
    put(home, MANIFEST, manifest(&all))
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Ollama);
    controls(&mut c);
    manifests(&mut c);
    modelfiles(&mut c);
    c.done()
}

fn controls(c: &mut Cases) {
    c.ok("ollama-valid", "a sound store", |d| store(d, &[layer(LICENSE, &digest('d'))]));
    c.ok("ollama-valid-two-licenses", "two license layers", |d| {
        blob(d, 'e', "Use policy of Acme\n")?;
        store(d, &[layer(LICENSE, &digest('d')), layer(LICENSE, &digest('e'))])
    });
    c.ok("ollama-valid-namespace", "a model of a user and one of another host", |d| {
        store(d, &[])?;
        put(d, "manifests/registry.ollama.ai/acme/bot/1b", manifest(&[layer(MODEL, &digest('a'))]))?;
        put(d, "manifests/hf.co/acme/bot-GGUF/Q4_K_M", manifest(&[layer(MODEL, &digest('a'))]))
    });
    c.ok("ollama-valid-modelfile", "a Modelfile beside a GGUF", |d| {
        put(d, "bot.gguf", Gguf::sample().bytes(0))?;
        put(d, "Modelfile", "FROM ./bot.gguf\nLICENSE \"\"\"MIT License\"\"\"\nPARAMETER temperature 1\n")
    });
}

fn manifests(c: &mut Cases) {
    c.error("ollama-digest-dots", "a digest that is a path out of the store (CVE-2024-37032, Probllama)", |d| {
        bait(d)?;
        store(d, &[layer(LICENSE, "../../out/LICENSE")])
    });
    c.error("ollama-digest-prefix", "a path behind the digest's prefix (CVE-2024-37032)", |d| {
        bait(d)?;
        store(d, &[layer(LICENSE, "sha256:../../../out/LICENSE")])
    });
    c.error("ollama-digest-absolute", "a digest that is an absolute path", |d| {
        store(d, &[layer(LICENSE, "/etc/passwd")])
    });
    c.error("ollama-digest-short", "a digest of three letters", |d| store(d, &[layer(LICENSE, "sha256:abc")]));
    c.error("ollama-digest-slash", "64 letters with a slash among them", |d| {
        store(d, &[layer(LICENSE, &format!("sha256:{}/{}", "a".repeat(31), "b".repeat(32)))])
    });
    c.error("ollama-digest-escape", "an escape sequence in a digest", |d| {
        store(d, &[layer(LICENSE, r"sha256:\u001b[2J\u202e\u009b31m")])
    });
    c.error("ollama-manifest-cut", "a manifest that ends in the middle", |d| {
        store(d, &[])?;
        put(d, MANIFEST, "{\"schemaVersion\":2,\"layers\":[")
    });
    c.error("ollama-manifest-deep", "a manifest of 100,000 brackets", |d| {
        store(d, &[])?;
        put(d, MANIFEST, "[".repeat(100_000))
    });
    c.error("ollama-manifest-empty", "an empty manifest", |d| {
        store(d, &[])?;
        put(d, MANIFEST, "")
    });
    c.error("ollama-manifest-sparse", "a manifest of 10 GB", |d| {
        store(d, &[])?;
        sparse(d, MANIFEST, b"{", 10 << 30)
    });
    c.warning("ollama-blob-gone", "a layer whose blob is gone", |d| store(d, &[layer(LICENSE, &digest('f'))]));
    c.warning("ollama-blob-link", "a blob that is a link out of the store", |d| {
        bait(d)?;
        store(d, &[layer(LICENSE, &digest('e'))])?;
        link(d, &format!("blobs/sha256-{}", "e".repeat(64)), "../../out/LICENSE")
    });
    c.warning("ollama-manifest-link", "a manifest that is a link out of the store", |d| {
        let out = bait(d)?;
        std::fs::write(
            out.join("manifest"),
            manifest(&[layer(MODEL, &digest('a'))]).replace("\"size\"", &format!("\"{CANARY}\":1,\"size\"")),
        )?;
        store(d, &[])?;
        link(d, "manifests/registry.ollama.ai/library/other/latest", inside(d, "../out/manifest").as_path())
    });
    c.ok("ollama-license-secret", "an access token in a license layer", |d| {
        blob(d, 'e', format!("License of {} and {}\n", SECRETS[0], SECRETS[2]))?;
        store(d, &[layer(LICENSE, &digest('e'))])
    });
    c.warning("ollama-license-sparse", "a license layer of 10 GB", |d| {
        store(d, &[layer(LICENSE, &digest('e'))])?;
        sparse(d, &format!("blobs/sha256-{}", "e".repeat(64)), b"MIT License", 10 << 30)
    });
    c.error("ollama-layers-many", "20,000 layers", |d| store(d, &vec![layer(LICENSE, &digest('d')); 20_000]));
    c.ok("ollama-name-escape", "escape sequences and a line break in a model's name", |d| {
        store(d, &[])?;
        let name = format!("manifests/registry.ollama.ai/library/b\u{1b}[2J\u{202e}\n{FORGED}/latest");
        put(d, &name, manifest(&[layer(MODEL, &digest('a'))]))
    });
    c.error("ollama-digest-traversal-model", "weights and a draft by digests that are paths (CVE-2024-37032)", |d| {
        bait(d)?;
        store(d, &[])?;
        let draft = "application/vnd.ollama.image.draft";
        let pack = "application/vnd.cncf.model.weight.v1.raw";
        let layers = [
            layer(MODEL, "sha256-../../../out/model.gguf"),
            layer(draft, "../out/model.gguf"),
            layer(pack, "/etc/passwd"),
        ];
        put(d, MANIFEST, manifest(&layers))
    });
    c.error("ollama-layers-million", "a manifest of a million layers", |d| {
        store(d, &[])?;
        put(d, MANIFEST, format!(r#"{{"schemaVersion":2,"layers":[{}]}}"#, vec!["{}"; 1_000_000].join(",")))
    });
    c.error("ollama-layers-empty-many", "340,000 layers without a digest, as many as a manifest can hold", |d| {
        store(d, &[])?;
        put(d, MANIFEST, format!(r#"{{"layers":[{}]}}"#, vec!["{}"; 340_000].join(",")))
    });
    c.ok("ollama-layer-name", "files of a model's folder that are called by paths out of it", |d| {
        bait(d)?;
        let named = |name: &str| {
            let annotations = format!(r#""annotations":{{"org.cncf.model.filepath":"{name}"}},"size""#);
            layer("application/vnd.cncf.model.doc.v1.raw", &digest('d')).replace("\"size\"", &annotations)
        };
        store(d, &[named("../../out/LICENSE"), named("/etc/passwd"), named(r"..\\..\\out\\LICENSE"), named("LICENSE")])
    });
    c.ok("ollama-layer-name-escape", "escape sequences and an access token in such a name and in a parent's", |d| {
        let json = format!(r#""name":"\u001b[2J{}","from":"\u202e{}","size""#, SECRETS[0], SECRETS[2]);
        store(d, &[layer("application/vnd.ollama.image.json", &digest('d')).replace("\"size\"", &json)])?;
        let model = layer(MODEL, &digest('a')).replace("\"size\"", &json);
        put(d, "manifests/registry.ollama.ai/library/other/latest", manifest(&[model]))
    });
    c.ok("ollama-blobs-elsewhere", "blobs on another disk behind a link, as people move them", |d| {
        store(d, &[])?;
        std::fs::rename(inside(d, "blobs"), d.join("disk"))?;
        link(d, "blobs", "../disk")
    });
    c.error("ollama-blobs-root", "a link of the blobs to the root, and a digest that is a path below it", |d| {
        bait(d)?;
        store(d, &[layer(LICENSE, &digest('d')), layer(LICENSE, "sha256:/etc/passwd")])?;
        std::fs::remove_dir_all(inside(d, "blobs"))?;
        link(d, "blobs", "/")
    });
    c.warning("ollama-blobs-elsewhere-out", "blobs behind a link, one of which is a link on to another folder", |d| {
        bait(d)?;
        store(d, &[layer(LICENSE, &digest('e')), layer(LICENSE, &digest('f'))])?;
        link(d, &format!("blobs/sha256-{}", "e".repeat(64)), "../out/LICENSE")?;
        link(d, &format!("blobs/sha256-{}", "f".repeat(64)), "/etc/passwd")?;
        std::fs::rename(inside(d, "blobs"), d.join("disk"))?;
        link(d, "blobs", "../disk")
    });
    c.warning("ollama-blobs-below", "the same in a store somewhere below the folder, which may be anybody's", |d| {
        let out = bait(d)?;
        std::fs::rename(out.join("LICENSE"), out.join(format!("sha256-{}", "d".repeat(64))))?;
        card(d)?;
        put(d, "unpacked/manifests/registry.ollama.ai/library/bot/latest", manifest(&[layer(LICENSE, &digest('d'))]))?;
        link(d, "unpacked/blobs", "../../out")
    });
    c.ok("ollama-from-path", "a layer that says it came from a path", |d| {
        let lie = layer(LICENSE, &digest('d')).replace("\"size\"", "\"from\":\"../../../etc/passwd\",\"size\"");
        store(d, &[lie])
    });
    c.error("ollama-model-broken", "weights that are a broken GGUF (CVE-2025-66960)", |d| {
        store(d, &[])?;
        blob(d, 'a', Gguf::new().lying_text("general.name", u64::MAX, b"x").bytes(0))
    });
}

fn modelfiles(c: &mut Cases) {
    c.ok("ollama-modelfile-parent", "a Modelfile whose weights lie out of the folder", |d| {
        bait(d)?;
        put(d, "bot.gguf", Gguf::sample().bytes(0))?;
        put(d, "Modelfile", "FROM ../out/model.gguf\nADAPTER /etc/passwd\n")
    });
    c.ok("ollama-modelfile-open", "a license text in a Modelfile that is never closed", |d| {
        put(d, "bot.gguf", Gguf::sample().bytes(0))?;
        put(d, "Modelfile", format!("FROM ./bot.gguf\nLICENSE \"\"\"{}", "word ".repeat(100_000)))
    });
    c.ok("ollama-modelfile-escape", "escape sequences and access tokens in a Modelfile", |d| {
        put(d, "bot.gguf", Gguf::sample().bytes(0))?;
        put(d, "Modelfile", format!("FROM a/b\u{1b}[2J\u{202e}:\u{9b}31m\nSYSTEM {}\n# {}\n", SECRETS[0], SECRETS[1]))
    });
    c.ok("ollama-modelfile-many", "200,000 lines of a Modelfile", |d| {
        put(d, "bot.gguf", Gguf::sample().bytes(0))?;
        put(d, "Modelfile", format!("FROM ./bot.gguf\n{}", "PARAMETER stop x\n".repeat(200_000)))
    });
    c.ok("ollama-modelfile-sparse", "a Modelfile of 10 GB", |d| {
        put(d, "bot.gguf", Gguf::sample().bytes(0))?;
        sparse(d, "Modelfile", b"FROM ./bot.gguf\n", 10 << 30)
    });
}
