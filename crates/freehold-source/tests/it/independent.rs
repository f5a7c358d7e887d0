//! What we read of real files beside what an independent reader in Python sees (`tests/independent/read.py`), field by
//! field. A difference is allowed only for a reason that stands in [`REASONS`]; a reason that explains nothing fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use freehold_artifact::{FileFacts, read_file};
use freehold_base::{Fact, FactKind, Severity};
use freehold_source::{Limits, open};
use serde_json::Value;

/// Where one reader saw something else than the other.
struct Difference<'a> {
    kind: &'a str,
    field: &'a str,
    theirs: &'a [String],
    ours: &'a [String],
    /// Their parser takes the file, or a recipe in it, for broken.
    refused: bool,
    /// A key stands twice.
    doubled: bool,
}

impl Difference<'_> {
    /// We have all that they have, and something more.
    fn we_have_more(&self) -> bool {
        self.theirs.iter().all(|t| self.ours.contains(t)) && self.ours.len() > self.theirs.len()
    }
}

/// Why a difference is right, by its class.
struct Reason {
    why: &'static str,
    holds: fn(&Difference<'_>) -> bool,
}

const REASONS: &[Reason] = &[
    Reason {
        why: "a parser refuses the whole text; we tell what is broken and keep what can be read",
        holds: |d| d.refused && d.we_have_more(),
    },
    Reason {
        why: "a key stands twice: Python keeps the last value, we keep both",
        holds: |d| d.doubled && d.we_have_more(),
    },
    Reason {
        why: "a recipe of experts states no method: we call it one all the same",
        holds: |d| d.field == "merge_method" && d.theirs.is_empty() && d.ours == ["moe"],
    },
    Reason {
        why: "a config without `quant_method` tells the quantizer by its own keys",
        holds: |d| d.kind == "quant" && d.field == "quantization" && d.theirs.is_empty() && d.ours.len() == 1,
    },
    Reason {
        why: "FROM names a file or a blob: bytes, and no name of a parent",
        holds: |d| d.field == "from" && d.ours.is_empty() && d.theirs.iter().all(|t| t.starts_with(['.', '/'])),
    },
];

/// Fields of each kind of file, and the facts that state the same.
fn fields(kind: &str) -> &'static [(&'static str, FactKind, &'static str)] {
    match kind {
        "card" | "card-dataset" | "hub" => &[
            ("license", FactKind::LicenseTag, ""),
            ("license_name", FactKind::LicenseName, ""),
            ("license_link", FactKind::LicenseLink, ""),
            ("base_model", FactKind::BaseModel, ""),
            ("base_model_relation", FactKind::BaseModelRelation, ""),
            ("datasets", FactKind::Dataset, ""),
            ("tags", FactKind::Tag, "tags"),
            ("library_name", FactKind::Tag, "library_name"),
            ("pipeline_tag", FactKind::Task, ""),
            ("model_name", FactKind::Name, ""),
            ("quantized_by", FactKind::QuantizedBy, ""),
            ("merge_method", FactKind::MergeMethod, ""),
            ("merge_parent", FactKind::MergeParent, ""),
        ],
        "mergekit" => &[("merge_method", FactKind::MergeMethod, ""), ("merge_parent", FactKind::MergeParent, "")],
        "adapter" => &[
            ("license", FactKind::LicenseTag, ""),
            ("adapter_base", FactKind::AdapterBase, ""),
            ("adapter_revision", FactKind::AdapterRevision, ""),
            ("adapter_type", FactKind::AdapterType, ""),
        ],
        "hfconfig" | "quant" => &[
            ("license", FactKind::LicenseTag, ""),
            ("name_or_path", FactKind::NameOrPath, ""),
            ("architecture", FactKind::Architecture, ""),
            ("quantization", FactKind::Quantization, ""),
            ("remote_code", FactKind::RemoteCode, ""),
        ],
        "index" => &[("format", FactKind::Format, "")],
        "lfs-pointer" | "ollama" => &[("sha256", FactKind::Sha256, "")],
        "safetensors" | "safetensors-header-only" => &[
            ("format", FactKind::Format, ""),
            ("license", FactKind::LicenseTag, ""),
            ("base_model", FactKind::BaseModel, ""),
        ],
        "gguf" => &[
            ("format", FactKind::Format, ""),
            ("license", FactKind::LicenseTag, ""),
            ("license_name", FactKind::LicenseName, ""),
            ("license_link", FactKind::LicenseLink, ""),
            ("base_model", FactKind::BaseModel, ""),
            ("base_model_name", FactKind::BaseModelName, ""),
            ("architecture", FactKind::Architecture, ""),
            ("name", FactKind::Name, "general.name"),
            ("quantized_by", FactKind::QuantizedBy, ""),
            ("datasets", FactKind::Dataset, ""),
            ("tags", FactKind::Tag, ""),
        ],
        "modelfile" => &[("from", FactKind::BaseModel, "FROM"), ("license", FactKind::LicenseTag, "")],
        "chat_template" => &[("license", FactKind::LicenseTag, ""), ("base_model", FactKind::BaseModel, "")],
        other => panic!("no fields are compared for {other}"),
    }
}

/// Cards of a sample of the hub, one JSON object a line; beside the artifacts.
const HUB: &str = "../hub/hub.jsonl";

/// Those cards by id.
fn hub_cards(root: &Path) -> BTreeMap<String, String> {
    let rows = fs::read_to_string(root.join(HUB)).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let card = |row: &Value| match row["readme"].as_str().filter(|t| !t.is_empty()) {
        Some(text) => text.to_owned(),
        None => format!("---\n{}\n---\n", row["cardDataYaml"].as_str().unwrap_or_default()),
    };
    rows.map(|row| (row["id"].as_str().unwrap().to_owned(), card(&row))).collect()
}

fn artifacts() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/artifacts"));
    if !folder.is_dir() {
        println!("skipped: ../shared is absent");
        return None;
    }
    Some(folder.to_path_buf())
}

/// What the independent reader prints; `None` where there is no Python that could run it.
fn independent(folder: &Path) -> Option<Vec<Value>> {
    let prepared = std::env::var_os("FREEHOLD_PYTHON").filter(|p| !p.is_empty());
    let python = prepared.clone().unwrap_or_else(|| "python3".into());
    let has_yaml = Command::new(&python).args(["-c", "import yaml"]).output().is_ok_and(|o| o.status.success());
    assert!(has_yaml || prepared.is_none(), "{} has no PyYAML", python.display());
    if !has_yaml {
        println!("skipped: no python3 with PyYAML (`./test` makes one)");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/independent/read.py");
    let output = Command::new(&python).arg(script).arg(folder).arg(folder.join(HUB)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The name that a sample had in its repository: `owner+repo__path__config.json` is `config.json`.
fn name_of(kind: &str, file: &str) -> String {
    match kind {
        "card" | "card-dataset" => "README.md".to_owned(),
        "mergekit" => "mergekit_config.yml".to_owned(),
        _ => file.rsplit(['/']).next().unwrap().rsplit("__").next().unwrap().to_owned(),
    }
}

/// The facts of a sample: of a file as it is, of a Modelfile and a manifest in a folder as they would lie.
fn facts(kind: &str, root: &Path, file: &str) -> Vec<Fact> {
    let bytes = fs::read(root.join(file)).unwrap();
    if !matches!(kind, "modelfile" | "ollama") {
        return read_file(&name_of(kind, file), &bytes.as_slice()).facts;
    }
    let dir = tempfile::tempdir().unwrap();
    let place = match kind {
        "modelfile" => name_of(kind, file),
        _ => file.strip_prefix("ollama/").unwrap().to_owned(),
    };
    fs::create_dir_all(dir.path().join("blobs")).unwrap();
    super::put(dir.path(), &place, &bytes);
    // the file that a Modelfile is made from must lie there for it to be a model
    let text = String::from_utf8_lossy(&bytes).into_owned();
    for beside in text.lines().filter_map(|l| l.strip_prefix("FROM ./")).filter(|_| kind == "modelfile") {
        let inside = Path::new(beside.trim()).components().all(|c| matches!(c, std::path::Component::Normal(_)));
        assert!(inside, "{file} names {beside}, outside its folder");
        super::put(dir.path(), beside.trim(), super::gguf(&[]));
    }
    open(dir.path(), &Limits::default())
        .map_or_else(|_| Vec::new(), |all| all.into_iter().flat_map(|a| a.facts).collect())
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|t| t.as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_independent_reader_says_the_same() {
    let Some(root) = artifacts() else { return };
    let Some(rows) = independent(&root) else { return };
    let hub = hub_cards(&root);
    let (mut unexplained, mut used, mut same) = (Vec::new(), BTreeSet::new(), BTreeMap::<&str, usize>::new());
    for row in &rows {
        let (file, kind) = (row["file"].as_str().unwrap(), row["kind"].as_str().unwrap());
        let facts = match kind {
            "hub" => read_file("README.md", &hub[file].as_bytes()).facts,
            _ => facts(kind, &root, file),
        };
        for (field, fact, key) in fields(kind) {
            let mine = facts.iter().filter(|f| f.kind == *fact && f.evidence.key.starts_with(key));
            let (theirs, ours) = (texts(&row["said"][field]), mine.map(|f| f.value.clone()).collect::<Vec<_>>());
            if theirs == ours {
                *same.entry(field).or_default() += theirs.len();
                continue;
            }
            let difference = Difference {
                kind,
                field,
                theirs: &theirs,
                ours: &ours,
                refused: !row["refused"].is_null(),
                doubled: row["doubled"].as_array().is_some_and(|d| !d.is_empty()),
            };
            match REASONS.iter().position(|r| (r.holds)(&difference)) {
                Some(reason) => drop(used.insert(reason)),
                None => unexplained.push(format!("{file}: {field}: they {theirs:?}, we {ours:?}; {}", row["refused"])),
            }
        }
    }
    let yaml11 = rows.iter().filter(|r| r["yaml11"].as_array().is_some_and(|y| !y.is_empty())).count();
    println!("{} files, {yaml11} with values that YAML 1.1 takes for no text; both read {same:?}", rows.len());
    assert!(unexplained.is_empty(), "{} differences:\n{}", unexplained.len(), unexplained.join("\n"));
    let idle = REASONS.iter().enumerate().filter(|(i, _)| !used.contains(i));
    assert_eq!(idle.map(|(_, r)| r.why).collect::<Vec<_>>(), Vec::<&str>::new(), "reasons that explain nothing");
    // a reader that sees nothing agrees with everybody
    let enough = [
        ("license", 900),
        ("base_model", 750),
        ("base_model_relation", 16),
        ("datasets", 600),
        ("tags", 2000),
        ("adapter_base", 17),
    ];
    for (field, least) in enough {
        assert!(same.get(field).is_some_and(|n| *n >= least), "{field}: {same:?}");
    }
}

/// Samples in which something cannot be used, and what it is.
const BROKEN: &[(&str, &str)] = &[
    // a comma is missing
    ("hfconfig/SkkJodhpur+Meta-Llama-3.1-8B-Unsloth-2x-faster-finetuning-GGUF-by-skk__config.json", "json-syntax"),
];

#[test]
fn only_broken_files_have_errors() {
    let Some(root) = artifacts() else { return };
    let (mut found, mut files) = (BTreeSet::new(), 0);
    for folder in fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        let kind = folder.file_name().unwrap().to_string_lossy().into_owned();
        if kind == "ollama" {
            continue;
        }
        for path in fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()) {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let said: FileFacts = read_file(&name_of(&kind, &file), &fs::read(&path).unwrap().as_slice());
            let errors = said.diagnostics.into_iter().filter(|d| d.severity == Severity::Error);
            found.extend(errors.map(|d| (format!("{kind}/{file}"), d.code)));
            files += 1;
        }
    }
    assert!(files > 850, "{files}");
    let expected: BTreeSet<(String, &str)> = BROKEN.iter().map(|(file, code)| ((*file).to_owned(), *code)).collect();
    assert_eq!(found, expected);
}
