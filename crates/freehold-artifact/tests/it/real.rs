//! Real files of many makers: no panic, and counts that make sense.

use std::fs;
use std::path::{Path, PathBuf};

use freehold_artifact::FileFacts;
use freehold_base::{FactKind, Severity};

use crate::build::read;

fn data() -> Option<PathBuf> {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    if !shared.is_dir() {
        println!("skipped: ../shared is absent");
        return None;
    }
    Some(shared.to_path_buf())
}

/// Every file of a folder of samples, read under the name it had: `repo__path__config.json` is `config.json`.
fn samples(folder: &str, rename: Option<&str>) -> Vec<(String, Vec<u8>, FileFacts)> {
    let Some(data) = data() else { return Vec::new() };
    let mut out = Vec::new();
    for entry in fs::read_dir(data.join("artifacts").join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let base = rename.unwrap_or_else(|| file.rsplit("__").next().unwrap()).to_owned();
        let bytes = fs::read(&path).unwrap();
        let facts = read(&base, &bytes);
        out.push((file, bytes, facts));
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

fn with(samples: &[(String, Vec<u8>, FileFacts)], kind: FactKind) -> usize {
    samples.iter().filter(|(_, _, f)| f.facts.iter().any(|f| f.kind == kind)).count()
}

fn troubled(samples: &[(String, Vec<u8>, FileFacts)]) -> Vec<(&str, &str)> {
    let all = samples.iter().flat_map(|(n, _, f)| f.diagnostics.iter().map(move |d| (n.as_str(), d)));
    all.filter(|(_, d)| d.severity != Severity::Note).map(|(n, d)| (n, d.code)).collect()
}

#[test]
fn gguf_headers() {
    let found = samples("gguf", None);
    if found.is_empty() {
        return;
    }
    assert_eq!(troubled(&found), []);
    assert_eq!(with(&found, FactKind::Architecture), found.len());
    assert_eq!(with(&found, FactKind::Name), found.len());
}

#[test]
fn safetensors_headers() {
    let found = [samples("safetensors", None), samples("safetensors-header-only", None)].concat();
    if found.is_empty() {
        return;
    }
    assert_eq!(with(&found, FactKind::Format), 7);
    assert_eq!(with(&found, FactKind::AdapterType), 4);
    // six of the seven are headers without their data
    assert_eq!(troubled(&found).iter().filter(|(_, c)| *c == "safetensors-truncated").count(), 6);
    assert_eq!(troubled(&found).len(), 6);
}

#[test]
fn configs() {
    let found = samples("hfconfig", None);
    if found.is_empty() {
        return;
    }
    let errors = troubled(&found);
    assert!(errors.len() <= 2, "{errors:?}");
    assert!(with(&found, FactKind::Architecture) >= 20, "{}", with(&found, FactKind::Architecture));
    assert!(with(&found, FactKind::NameOrPath) >= 5);
    for (name, bytes, facts) in &found {
        let made = [
            FactKind::Multimodal,
            FactKind::Quantization,
            FactKind::RopeBase,
            FactKind::RopeFactor,
            FactKind::RopeScaling,
            FactKind::ChatTemplate,
        ];
        for fact in facts.facts.iter().filter(|f| !made.contains(&f.kind)) {
            let (s, e) = fact.evidence.bytes.unwrap();
            assert_eq!(&bytes[s as usize..e as usize], fact.value.as_bytes(), "{name}");
        }
    }
    let quant = samples("quant", None);
    assert_eq!(with(&quant, FactKind::Quantization), 5);
}

#[test]
fn adapters() {
    let found = samples("adapter", None);
    if found.is_empty() {
        return;
    }
    let missing = troubled(&found).iter().filter(|(_, c)| *c == "adapter-base-missing").count();
    assert_eq!(with(&found, FactKind::AdapterBase) + missing, found.len());
    assert!(missing > 0 && with(&found, FactKind::AdapterBase) > 10);
    assert!(with(&found, FactKind::AdapterType) * 10 > found.len() * 9, "{}", with(&found, FactKind::AdapterType));
}

#[test]
fn cards() {
    let found = samples("card", Some("README.md"));
    if found.is_empty() {
        return;
    }
    // of 408 cards 368 have a `license:` line at the top (one is a template without a value), 79 a `base_model:`
    assert_eq!(with(&found, FactKind::LicenseTag), 367, "{:?}", troubled(&found));
    assert!(with(&found, FactKind::BaseModel) >= 74, "{}", with(&found, FactKind::BaseModel));
    assert!(with(&found, FactKind::MergeParent) >= 3);
    let broken = troubled(&found);
    assert!(broken.iter().filter(|(_, c)| *c == "card-yaml").count() <= 2, "{broken:?}");
    for (name, bytes, facts) in &found {
        let text = String::from_utf8_lossy(bytes);
        for fact in facts.facts.iter().filter(|f| f.kind != FactKind::Gated && !f.value.contains('\n')) {
            let (s, e) = fact.evidence.bytes.unwrap();
            let there = String::from_utf8_lossy(&bytes[s as usize..e as usize]).into_owned();
            let plain = there.contains(&fact.value) || there.starts_with(['"', '\'']) || there.contains("\n ");
            assert!(plain, "{name}: {fact:?} is not `{there}`");
            let line = text[..s as usize].matches('\n').count() + 1;
            assert_eq!(fact.evidence.line, Some(line as u32), "{name}");
        }
    }
}

#[test]
fn recipes_indexes_pointers() {
    let recipes = samples("mergekit", Some("mergekit_config.yml"));
    if recipes.is_empty() {
        return;
    }
    assert_eq!((with(&recipes, FactKind::MergeMethod), with(&recipes, FactKind::MergeParent)), (5, 5));
    assert_eq!(troubled(&recipes), []);
    let indexes = samples("index", Some("model.safetensors.index.json"));
    assert_eq!((with(&indexes, FactKind::Format), troubled(&indexes).len()), (5, 0));
    let pointers = samples("lfs-pointer", None);
    assert_eq!(with(&pointers, FactKind::Sha256), pointers.len());
    assert!(with(&pointers, FactKind::Format) >= 90);
}

/// Names in pickles, counted with Python's `pickletools`: none of them runs code, each is one that tensors do not need.
#[test]
fn pickles_of_training_runs() {
    let found = samples("bin", None);
    if found.is_empty() {
        return;
    }
    let globals = |f: &FileFacts| f.facts.iter().filter(|f| f.evidence.key == "pickle-global").count();
    // `torch.device` is one of those that tensors need
    assert_eq!(found.iter().map(|(_, _, f)| globals(f)).collect::<Vec<_>>(), [7, 8, 7, 9]);
    assert!(found.iter().all(|(_, _, f)| f.diagnostics.len() == 1));
    assert!(troubled(&found).iter().all(|(_, code)| *code == "pickle-global"), "{:?}", troubled(&found));
    let values = |kind: FactKind| {
        let of_all = found.iter().flat_map(|(_, _, f)| &f.facts).filter(move |f| f.kind == kind);
        of_all.map(|f| f.value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(values(FactKind::Format), ["pytorch"; 4]);
    assert_eq!(
        values(FactKind::Name),
        ["llama2-7b", "gemma-text-to-sql-lora", "model_tuning", "patient_persona_model"]
    );
    for (name, bytes, facts) in &found {
        assert!(!facts.model_file, "{name}");
        for f in facts.facts.iter().filter(|f| f.evidence.key == "pickle-global") {
            let (s, e) = f.evidence.bytes.unwrap();
            let text = String::from_utf8_lossy(&bytes[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()]);
            let dotted = text.trim_start_matches('c').trim_end().replace('\n', ".");
            assert_eq!(f.value, dotted, "{name}");
        }
    }
}

/// What a line-by-line reading finds, which knows nothing of quotes: none of these files quotes one of the words.
#[test]
fn modelfiles_say_what_a_plain_reading_finds() {
    let found = samples("modelfile", None);
    if found.is_empty() {
        return;
    }
    let (mut names, mut files, mut blobs, mut licenses) = (0, 0, 0, 0);
    for (name, bytes, facts) in &found {
        let text = std::str::from_utf8(bytes).unwrap();
        let from: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("FROM ")).map(str::trim).collect();
        let values = |kind: FactKind| facts.facts.iter().filter(|f| f.kind == kind).collect::<Vec<_>>();
        assert_eq!(from.len(), 1, "{name}");
        let base = values(FactKind::BaseModel);
        if let Some((_, hex)) = from[0].split_once("blobs/sha256-") {
            blobs += 1;
            assert_eq!(values(FactKind::Sha256)[0].value, hex, "{name}");
            assert!(base.is_empty() && facts.made_from.is_empty(), "{name}");
        } else if from[0].ends_with(".gguf") {
            files += 1;
            assert_eq!(facts.made_from, [from[0].trim_start_matches("./")], "{name}");
            assert!(base.is_empty(), "{name}");
        } else {
            names += 1;
            assert_eq!((base.len(), base[0].value.as_str()), (1, from[0]), "{name}: the tag belongs to the name");
            let line = base[0].evidence.line.and_then(|l| usize::try_from(l).ok()).unwrap();
            assert!(text.lines().nth(line - 1).unwrap().contains(from[0]), "{name}");
        }
        let licensed = text.lines().filter(|l| l.starts_with("LICENSE")).count();
        licenses += licensed;
        assert_eq!(facts.texts.len() + values(FactKind::LicenseTag).len(), licensed, "{name}");
        assert_eq!(facts.diagnostics, [], "{name}");
    }
    assert_eq!((names, files, blobs, licenses), (7, 7, 1, 3));
}

#[test]
fn onnx_models() {
    let found = samples("onnx", None);
    if found.is_empty() {
        return;
    }
    assert_eq!((troubled(&found), found.len()), (Vec::new(), 32));
    for (name, bytes, facts) in &found {
        let producer = facts.facts.iter().find(|f| f.evidence.key == "producer_name").unwrap();
        // all of them begin with the version, then the length of the producer's name
        let length = usize::from(bytes[3]);
        assert_eq!(producer.value.as_bytes(), &bytes[4..4 + length], "{name}");
        assert!(facts.model_file && facts.bytes_read <= 3 * bytes.len() as u64, "{name}");
    }
}
