//! Ollama's store, Docker Model Runner's, and Modelfiles.

use std::fs;
use std::path::Path;

use freehold_base::{FactKind, Severity, TextKind};

use crate::{CONFIG, all, codes, gguf, names, put, values};

const TERMS: &str = "Permission is hereby granted to whoever asks, provided that they ask.";

fn hex(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

fn digest(n: u8) -> String {
    format!("sha256:{}", hex(n))
}

fn layer(kind: &str, n: u8, bytes: usize) -> String {
    let media = format!("application/vnd.ollama.image.{kind}");
    format!(r#"{{"mediaType": "{media}", "digest": "{}", "size": {bytes}}}"#, digest(n))
}

fn manifest(config: Option<u8>, layers: &[String]) -> String {
    let config = config.map_or(String::new(), |n| format!(r#""config": {{"digest": "{}"}}, "#, digest(n)));
    format!(r#"{{"schemaVersion": 2, {config}"layers": [{}]}}"#, layers.join(", "))
}

fn blob(root: &Path, n: u8, content: impl AsRef<[u8]>) {
    put(root, &format!("blobs/sha256-{}", hex(n)), content);
}

/// A store with a model of the library, one of a hub and a made one with an adapter.
fn store(root: &Path) {
    let weights = gguf(&[("general.architecture", "llama"), ("general.license", "llama3.1")]);
    let adapter = gguf(&[("general.architecture", "llama"), ("general.type", "adapter")]);
    let layers = [
        layer("model", 1, weights.len()),
        layer("license", 2, TERMS.len()),
        layer("license", 3, 3),
        layer("template", 9, 4),
    ];
    put(root, "manifests/registry.ollama.ai/library/llama3.1/8b", manifest(Some(4), &layers));
    put(root, "manifests/hf.co/bartowski/X-GGUF/Q4_K_M", manifest(None, &layers[..1]));
    put(
        root,
        "manifests/registry.ollama.ai/acme/bot/latest",
        manifest(None, &[layers[0].clone(), layer("adapter", 5, adapter.len())]),
    );
    put(root, "manifests/registry.ollama.ai/acme/bot/.DS_Store", "x");
    blob(root, 1, weights);
    blob(root, 2, TERMS);
    blob(root, 3, "mit");
    blob(root, 4, r#"{"model_format": "gguf", "model_family": "llama", "model_type": "8.0B", "file_type": "Q4_K_M"}"#);
    blob(root, 5, adapter);
}

#[test]
fn every_manifest_is_a_model() {
    let dir = tempfile::tempdir().unwrap();
    store(&dir.path().join("models"));
    put(dir.path(), "id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----");
    let found = all(dir.path());
    assert_eq!(names(&found), ["acme/bot:latest", "hf.co/bartowski/X-GGUF:Q4_K_M", "llama3.1:8b"]);
    let [bot, hub, library] = found.as_slice() else { unreachable!() };
    assert_eq!(values(hub, FactKind::Repository), ["bartowski/X-GGUF"]);
    assert!(values(library, FactKind::Repository).is_empty());
    assert_eq!(values(library, FactKind::Name), ["llama3.1:8b"]);
    assert_eq!(values(library, FactKind::Sha256), [hex(1)]);
    assert_eq!(values(library, FactKind::Architecture), ["llama", "llama"]);
    assert_eq!(values(library, FactKind::SizeLabel), ["8.0B"]);
    assert_eq!(values(library, FactKind::Quantization), ["Q4_K_M"]);
    assert_eq!(values(library, FactKind::LicenseTag), ["llama3.1", "mit"]);
    let of = |kind| library.facts.iter().find(|f| f.kind == kind).unwrap().evidence.clone();
    let blob = |n| format!("models/blobs/sha256-{}", hex(n));
    assert_eq!(of(FactKind::LicenseTag).file, blob(1));
    assert_eq!((of(FactKind::SizeLabel).file, of(FactKind::SizeLabel).key), (blob(4), "model_type".to_owned()));
    assert_eq!(of(FactKind::Sha256).key, "layers[0].digest");
    assert_eq!(of(FactKind::Name).file, "models/manifests/registry.ollama.ai/library/llama3.1/8b");
    assert_eq!(library.texts.len(), 1);
    assert_eq!((library.texts[0].kind, library.texts[0].text.as_str()), (TextKind::License, TERMS));
    assert_eq!(library.texts[0].file, blob(2));
    // the template is neither listed nor read
    assert_eq!(library.files.len(), 5);
    assert_eq!(values(bot, FactKind::AdapterType), ["adapter"]);
    assert!(found.iter().all(|a| a.diagnostics.is_empty()), "{found:?}");
}

#[test]
fn a_place_inside_a_store_is_what_lies_there() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let at = |place: &str| {
        let found = all(&dir.path().join(place));
        found.iter().map(|a| a.root_name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(at("").len(), 3);
    assert_eq!(at("manifests").len(), 3);
    assert_eq!(at("blobs").len(), 3);
    assert_eq!(at("manifests/hf.co"), ["hf.co/bartowski/X-GGUF:Q4_K_M"]);
    assert_eq!(at("manifests/registry.ollama.ai/library/llama3.1"), ["llama3.1:8b"]);
    assert_eq!(at("manifests/registry.ollama.ai/library/llama3.1/8b"), ["llama3.1:8b"]);
    assert_eq!(at(&format!("blobs/sha256-{}", hex(2))), ["llama3.1:8b"]);
    assert_eq!(at(&format!("blobs/sha256-{}", hex(1))).len(), 3);
    // a blob that no manifest names is a file with a hash
    blob(dir.path(), 7, gguf(&[("general.architecture", "phi3")]));
    let orphan = all(&dir.path().join(format!("blobs/sha256-{}", hex(7))));
    assert_eq!(values(&orphan[0], FactKind::Sha256), [hex(7)]);
    assert_eq!(values(&orphan[0], FactKind::Architecture), ["phi3"]);
}

#[test]
fn what_a_manifest_cannot_name_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "secret.gguf", gguf(&[("general.architecture", "secret")]));
    let root = dir.path().join("store");
    let media = "application/vnd.ollama.image.model";
    let named = |digest: &str| format!(r#"{{"layers": [{{"mediaType": "{media}", "digest": "{digest}"}}]}}"#);
    for (tag, content) in [
        ("traversal", named("sha256:../../../secret.gguf")),
        ("absolute", named("/dev/random")),
        ("capitals", named(&format!("sha256:{}", "AB".repeat(32)))),
        ("missing", manifest(None, &[layer("model", 6, 1)])),
        ("partial", manifest(Some(8), &[layer("model", 8, 1)])),
        ("short", manifest(None, &[layer("model", 1, 999)])),
        ("text", manifest(None, &[layer("model", 2, 4)])),
        ("broken", "{".to_owned()),
        ("empty", manifest(None, &[])),
    ] {
        put(&root, &format!("manifests/registry.ollama.ai/library/m/{tag}"), content);
    }
    put(&root, "manifests/registry.ollama.ai/library/m/long", vec![b' '; (1 << 20) + 1]);
    blob(&root, 1, gguf(&[("general.architecture", "llama")]));
    blob(&root, 2, "text");
    put(&root, &format!("blobs/sha256-{}-partial", hex(8)), "GG");
    let found = all(&root);
    let told = |tag: &str| {
        let artifact = found.iter().find(|a| a.root_name == format!("m:{tag}")).unwrap();
        codes(artifact)
    };
    assert_eq!(found.len(), 10);
    for tag in ["traversal", "absolute", "capitals"] {
        assert_eq!(told(tag), ["manifest-digest"], "{tag}");
    }
    assert_eq!(told("missing"), ["blob-missing"]);
    assert_eq!(told("partial"), ["blob-missing", "blob-missing"]);
    let partial = found.iter().find(|a| a.root_name == "m:partial").unwrap();
    assert!(partial.diagnostics[0].message.contains("not complete"));
    assert_eq!(told("short"), ["blob-size"]);
    assert_eq!(told("text"), ["layer-unknown"]);
    assert_eq!(told("broken"), ["manifest-unreadable"]);
    assert_eq!(told("long"), ["manifest-unreadable"]);
    assert_eq!(told("empty"), ["no-weights"]);
    assert!(found.iter().all(|a| !values(a, FactKind::Architecture).contains(&"secret")));
}

#[test]
fn a_cloud_model_has_no_weights() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "manifests/registry.ollama.ai/library/gpt-oss/120b-cloud", manifest(Some(1), &[]));
    blob(dir.path(), 1, r#"{"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"}"#);
    let found = all(dir.path());
    assert_eq!(values(&found[0], FactKind::Name), ["gpt-oss:120b-cloud", "gpt-oss:120b"]);
    assert_eq!(codes(&found[0]), ["cloud-model"]);
    assert_eq!(found[0].diagnostics[0].severity, Severity::Note);
}

#[cfg(unix)]
#[test]
fn links_stay_in_the_store() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let weights = gguf(&[("general.architecture", "llama")]);
    put(dir.path(), "outside.gguf", &weights);
    put(&root, "shared/inside.gguf", &weights);
    put(dir.path(), "outside.json", manifest(None, &[layer("model", 1, weights.len())]));
    let manifests = root.join("manifests/registry.ollama.ai/library/m");
    put(&root, "manifests/registry.ollama.ai/library/m/in", manifest(None, &[layer("model", 1, weights.len())]));
    put(&root, "manifests/registry.ollama.ai/library/m/out", manifest(None, &[layer("model", 2, weights.len())]));
    put(&root, "manifests/registry.ollama.ai/library/m/loop", manifest(None, &[layer("model", 3, weights.len())]));
    symlink(dir.path().join("outside.json"), manifests.join("linked")).unwrap();
    symlink(manifests.join("in"), manifests.join("alias")).unwrap();
    fs::create_dir_all(root.join("blobs")).unwrap();
    symlink(root.join("shared/inside.gguf"), root.join(format!("blobs/sha256-{}", hex(1)))).unwrap();
    symlink(dir.path().join("outside.gguf"), root.join(format!("blobs/sha256-{}", hex(2)))).unwrap();
    symlink(format!("sha256-{}", hex(3)), root.join(format!("blobs/sha256-{}", hex(3)))).unwrap();
    let found = all(&root);
    assert_eq!(names(&found).into_iter().filter(|n| n.starts_with("m:")).count(), 4, "{:?}", names(&found));
    let of = |name: &str| found.iter().find(|a| a.root_name == name).unwrap();
    assert_eq!(values(of("m:in"), FactKind::Architecture), ["llama"]);
    assert_eq!(values(of("m:alias"), FactKind::Architecture), ["llama"]);
    assert!(codes(of("m:out")).contains(&"link-outside"));
    assert!(values(of("m:out"), FactKind::Architecture).is_empty());
    assert!(codes(of("m:loop")).contains(&"blob-unreadable"));
    assert!(
        found.iter().flat_map(|a| &a.diagnostics).any(|d| d.code == "link-outside" && d.message.contains("manifest"))
    );
}

#[test]
fn a_manifest_that_was_written_by_the_tool() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/artifacts/ollama");
    if !samples.is_dir() {
        println!("skipped: ../shared is absent");
        return;
    }
    let file = "manifests/registry.ollama.ai/library/phi3/mini";
    let text = fs::read_to_string(samples.join(file)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), file, &text);
    // the digests by searching the text, beside the reader's own way
    let digests: Vec<&str> = text.split("sha256:").skip(1).map(|t| &t[..64]).collect();
    put(dir.path(), &format!("blobs/sha256-{}", digests[1]), gguf(&[("general.architecture", "phi3")]));
    put(dir.path(), &format!("blobs/sha256-{}", digests[2]), TERMS);
    let found = all(dir.path());
    assert_eq!(names(&found), ["phi3:mini"]);
    assert_eq!(values(&found[0], FactKind::Sha256), [digests[1]]);
    assert_eq!(values(&found[0], FactKind::Architecture), ["phi3"]);
    assert_eq!(found[0].texts[0].text, TERMS);
    // the config is absent, and neither blob has the stated length
    assert_eq!(codes(&found[0]), ["blob-missing", "blob-size", "blob-size"]);
}

#[test]
fn docker_names_its_manifests_in_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let weights = gguf(&[("general.architecture", "llama")]);
    let layer =
        |kind: &str, n| format!(r#"{{"mediaType": "application/vnd.docker.ai.{kind}", "digest": "{}"}}"#, digest(n));
    let root = dir.path().join(".docker/models");
    let manifest = manifest(Some(4), &[layer("gguf.v3", 1), layer("license", 2)]);
    put(&root, &format!("manifests/sha256/{}", hex(10)), &manifest);
    put(&root, &format!("manifests/sha256/{}", hex(11)), &manifest);
    let index = format!(
        r#"{{"models": [{{"id": "{}", "tags": ["index.docker.io/ai/smollm2:latest", "hf.co/a/b:Q8_0"]}}]}}"#,
        digest(10)
    );
    put(&root, "models.json", index);
    for (n, content) in [
        (1, weights),
        (2, TERMS.into()),
        (
            4,
            br#"{"config": {"format": "gguf", "quantization": "Q4_0",
        "parameters": "361.82 M", "architecture": "llama"}}"#
                .to_vec(),
        ),
    ] {
        put(&root, &format!("blobs/sha256/{}", hex(n)), content);
    }
    let found = all(dir.path());
    let short = format!("sha256:{}", &hex(11)[..12]);
    assert_eq!(names(&found), ["ai/smollm2:latest", "hf.co/a/b:Q8_0", short.as_str()]);
    assert_eq!(values(&found[1], FactKind::Repository), ["a/b"]);
    for artifact in &found {
        assert_eq!(values(artifact, FactKind::Quantization), ["Q4_0"]);
        assert_eq!(values(artifact, FactKind::SizeLabel), ["361.82 M"]);
        assert_eq!(artifact.texts[0].text, TERMS);
        assert!(artifact.diagnostics.is_empty(), "{:?}", artifact.diagnostics);
    }
    assert_eq!(all(&root.join(format!("manifests/sha256/{}", hex(11)))).len(), 1);
    assert_eq!(all(&root.join(format!("blobs/sha256/{}", hex(1)))).len(), 3);
}

#[test]
fn a_modelfile_that_names_a_parent_is_a_model() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "bot/Modelfile", format!("FROM llama3.1:8b\nLICENSE \"\"\"{TERMS}\"\"\"\n"));
    let found = all(dir.path());
    assert_eq!(names(&found), ["bot"]);
    assert_eq!(values(&found[0], FactKind::BaseModel), ["llama3.1:8b"]);
    assert_eq!(found[0].facts[0].evidence.file, "bot/Modelfile");
    assert_eq!(found[0].texts[0].text, TERMS);
}

#[test]
fn modelfiles_speak_for_the_files_that_they_are_made_from() {
    let dir = tempfile::tempdir().unwrap();
    for (n, license) in [("mini", "apache-2.0"), ("nano", "mit")] {
        put(dir.path(), &format!("cdx/cdx-{n}.gguf"), gguf(&[("general.name", n)]));
        put(dir.path(), &format!("cdx/Modelfile-{n}"), format!("FROM ./cdx-{n}.gguf\nLICENSE {license}\n"));
    }
    let found = all(dir.path());
    assert_eq!(names(&found), ["cdx/cdx-mini", "cdx/cdx-nano"]);
    assert_eq!(values(&found[0], FactKind::LicenseTag), ["apache-2.0"]);
    assert_eq!(values(&found[1], FactKind::LicenseTag), ["mit"]);
    // weights in a folder below: the recipe's license is theirs
    put(dir.path(), "one/Modelfile", "FROM ./model/x.gguf\nLICENSE mit\n");
    put(dir.path(), "one/model/x.gguf", gguf(&[("general.name", "x")]));
    let one = all(&dir.path().join("one"));
    assert_eq!(one.len(), 1);
    assert_eq!(values(&one[0], FactKind::LicenseTag), ["mit"]);
}

#[test]
fn several_modelfiles_are_several_models() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "t/Modelfile", "FROM qwen2.5-coder:7b\n");
    put(dir.path(), "t/Modelfile.rp", "FROM llama3.2:3b\n");
    let found = all(dir.path());
    assert_eq!(names(&found), ["t/Modelfile", "t/Modelfile.rp"]);
    assert_eq!(values(&found[1], FactKind::BaseModel), ["llama3.2:3b"]);
}

#[test]
fn modelfiles_of_other_people() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/artifacts/modelfile");
    let Ok(listing) = fs::read_dir(&samples) else {
        println!("skipped: ../shared is absent");
        return;
    };
    let mut read = 0;
    for entry in listing {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "m/Modelfile", &text);
        put(dir.path(), "m/config.json", crate::CONFIG);
        let found = all(dir.path());
        let parents = values(&found[0], FactKind::BaseModel);
        // the first line that begins with FROM, read by hand
        let from = text.lines().find_map(|l| l.strip_prefix("FROM ")).unwrap().trim();
        let local = from.starts_with(['/', '.']);
        assert_eq!(parents.is_empty(), local, "{}: {from} {parents:?}", path.display());
        if let [parent] = parents.as_slice() {
            assert!(from.starts_with(parent), "{from} {parent}");
        }
        let blob = from.rsplit_once("sha256-").map(|(_, hex)| hex);
        assert_eq!(values(&found[0], FactKind::Sha256), blob.into_iter().collect::<Vec<_>>());
        let tagged = text.contains("LICENSE \"\"\"\napache-2.0");
        assert_eq!(values(&found[0], FactKind::LicenseTag), if tagged { vec!["apache-2.0"] } else { vec![] });
        read += 1;
    }
    assert_eq!(read, 15);
}

#[test]
fn every_sort_of_layer_is_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let draft = gguf(&[("general.architecture", "llama"), ("general.license", "gemma")]);
    let draft_layer = layer("draft", 6, draft.len()).replace("\"size\"", "\"from\": \"llama3.2:1b\", \"size\"");
    let model = layer("model", 1, gguf(&[("general.architecture", "llama"), ("general.license", "llama3.1")]).len());
    let layers = [
        model.replace("\"size\"", "\"from\": \"llama3.1:8b\", \"size\""),
        draft_layer,
        layer("license", 2, TERMS.len()),
        layer("license", 3, 3),
        layer("license", 8, 10),
        layer("json", 9, CONFIG.len()).replace("\"size\"", "\"name\": \"config.json\", \"size\""),
    ];
    put(dir.path(), "manifests/registry.ollama.ai/acme/quick/latest", manifest(None, &layers));
    blob(dir.path(), 6, draft);
    blob(dir.path(), 8, "apache-2.0");
    blob(dir.path(), 9, CONFIG);
    let found = all(&dir.path().join("manifests/registry.ollama.ai/acme/quick"));
    assert_eq!(names(&found), ["acme/quick:latest", "acme/quick:latest (draft model)"]);
    assert_eq!(values(&found[0], FactKind::BaseModel), ["llama3.1:8b"]);
    // every license is kept, and the draft's is not the model's
    assert_eq!(found[0].texts.len(), 1);
    assert_eq!(values(&found[0], FactKind::LicenseTag), ["llama3.1", "mit", "apache-2.0"]);
    assert_eq!(values(&found[0], FactKind::Architecture), ["llama", "llama"]);
    assert_eq!(codes(&found[0]), ["draft-model"]);
    assert_eq!(values(&found[1], FactKind::LicenseTag), ["gemma"]);
    assert_eq!(values(&found[1], FactKind::BaseModel), ["llama3.2:1b"]);
    assert_eq!(values(&found[1], FactKind::Sha256), [hex(6)]);
}

#[test]
fn a_model_of_tensors_has_weights_and_a_pack_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let tensors: Vec<String> = (1..4).map(|n| layer("tensor; name=a", n, 1)).collect();
    put(dir.path(), "manifests/registry.ollama.ai/library/small/latest", manifest(None, &tensors));
    let pack = |kind: &str, n: u8, path: &str| {
        let media = format!("application/vnd.cncf.model.{kind}");
        let named = format!(r#""annotations": {{"org.cncf.model.filepath": "{path}"}}"#);
        format!(r#"{{"mediaType": "{media}", "digest": "{}", {named}}}"#, digest(n))
    };
    let layers = [
        pack("weight.v1.raw", 5, "bot.gguf"),
        pack("weight.config.v1.raw", 6, "config.json"),
        pack("doc.v1.raw", 7, "LICENSE"),
        pack("doc.v1.raw", 8, "README.md"),
        pack("code.v1.raw", 9, "run.py"),
    ];
    put(dir.path(), "manifests/example.com/acme/bot/1", manifest(Some(4), &layers));
    let config = r#"{"descriptor": {"name": "bot", "licenses": ["Apache-2.0"]}, "config": {"paramSize": "8b"}}"#;
    blob(dir.path(), 4, config);
    blob(dir.path(), 5, gguf(&[("general.architecture", "llama")]));
    blob(dir.path(), 6, CONFIG);
    blob(dir.path(), 7, TERMS);
    blob(dir.path(), 8, crate::CARD);
    let found = all(dir.path());
    assert_eq!(names(&found), ["example.com/acme/bot:1", "small:latest"]);
    let [bot, small] = found.as_slice() else { unreachable!() };
    assert_eq!(values(bot, FactKind::LicenseTag), ["Apache-2.0", "mit"]);
    assert_eq!(values(bot, FactKind::BaseModel), ["microsoft/phi-4"]);
    assert_eq!(bot.texts[0].text, TERMS);
    assert!(
        bot.diagnostics.is_empty() && small.diagnostics.is_empty(),
        "{:?} {:?}",
        bot.diagnostics,
        small.diagnostics
    );
    assert!(
        bot.facts.iter().all(|f| f.evidence.file.starts_with("blobs/") || f.evidence.file.starts_with("manifests/"))
    );
}

/// The blobs on another disk, with one that leads on from there.
#[cfg(unix)]
#[test]
fn blobs_on_another_disk_are_read_and_nothing_else_there() {
    use std::os::unix::fs::symlink;
    let (dir, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let models = dir.path().join("models");
    store(&models);
    fs::rename(models.join("blobs"), disk.path().join("blobs")).unwrap();
    symlink(disk.path().join("blobs"), models.join("blobs")).unwrap();
    let texts = |found: &[freehold_artifact::Artifact]| found.iter().map(|a| a.texts.len()).sum::<usize>();
    let found = all(&models);
    assert_eq!((found.len(), texts(&found)), (3, 1));
    assert!(found.iter().all(|a| a.diagnostics.is_empty()), "{:?}", found[0].diagnostics);
    assert_eq!(all(&models.join("manifests/registry.ollama.ai/library"))[0].texts.len(), 1);
    // a store that was not named itself may be anybody's
    let found = all(dir.path());
    assert_eq!((found.len(), texts(&found)), (3, 0));
    assert!(codes(&found[2]).iter().all(|c| *c == "link-outside"), "{:?}", codes(&found[2]));
    // a blob behind the link may not lead out of its folder, nor to what is no blob in it
    put(disk.path(), "secret", TERMS);
    put(disk.path(), "blobs/secret", TERMS);
    for target in ["../secret", "secret"] {
        let place = disk.path().join(format!("blobs/sha256-{}", hex(2)));
        fs::remove_file(&place).unwrap();
        symlink(target, &place).unwrap();
        let found = all(&models);
        assert_eq!(texts(&found), 0, "{target}");
        assert!(codes(&found[2]).contains(&"link-outside"));
    }
}
