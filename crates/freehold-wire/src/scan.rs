//! `freehold.scan/1`: every model that lies somewhere or is named somewhere. An inventory, no verdict.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Diagnostic;

/// What `scan --format json` prints.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScanReport {
    /// `freehold.scan/1`.
    pub schema: String,
    /// Version of the catalog.
    pub catalog: String,
    /// Models whose files lie in what was scanned, in the order of their places.
    pub models: Vec<ScannedModel>,
    /// Models, services and files that source code, deployment files and notebooks name, by kind and id.
    pub references: Vec<ScannedReference>,
    /// Stores of this machine that were looked at (`--machine`).
    pub stores: Vec<ScannedStore>,
    /// Source and deployment files that were read for references.
    pub files_read: usize,
    /// What could not be read, or not to its end.
    pub diagnostics: Vec<Diagnostic>,
}

impl ScanReport {
    /// The report of one scan, and what is wrong with what was scanned.
    pub fn new(
        catalog: String,
        models: Vec<ScannedModel>,
        references: Vec<ScannedReference>,
        stores: Vec<ScannedStore>,
        files_read: usize,
        diagnostics: &[freehold_base::Diagnostic],
    ) -> ScanReport {
        let diagnostics = diagnostics.iter().map(crate::convert::diagnostic).collect();
        ScanReport { schema: "freehold.scan/1".into(), catalog, models, references, stores, files_read, diagnostics }
    }
}

/// A model whose files lie somewhere.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScannedModel {
    /// What it is called.
    pub name: String,
    /// Where it lies, as the user named the root; `store:path` in a store.
    pub place: String,
    /// What it is in words (`LoRA adapter`, `gguf`).
    pub kind: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// sha256 of its weights where a store's own names tell it.
    pub sha256: Option<String>,
    /// What it says it was made from: relation, parent, place.
    pub from: Vec<ScannedStep>,
    /// Licenses that govern it, as far as files and catalog say; ids of the catalog, else as written.
    pub under: Vec<String>,
    /// Codes of findings.
    pub findings: Vec<String>,
}

/// A step to a parent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScannedStep {
    /// adapter, finetune, merge, quantized, …
    pub relation: String,
    /// The parent, as named.
    pub parent: String,
    /// Where it is named.
    pub place: String,
}

/// Something that is named.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScannedReference {
    /// model, ollama-model, file, service.
    pub kind: String,
    /// The id as written; the variable where it is unresolved.
    pub id: String,
    /// True where the id stands behind a variable.
    pub unresolved: bool,
    /// Licenses of the model by the catalog; empty where it is not in it.
    pub under: Vec<String>,
    /// True where the catalog knows the model.
    pub known: bool,
    /// Where it is named.
    pub places: Vec<ScannedPlace>,
}

/// A place where a model is named.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScannedPlace {
    /// Path below the root that was scanned.
    pub file: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// How it is named (`from_pretrained`, `vllm serve`, `env MODEL_ID`).
    pub construct: String,
    /// The revision that is asked for; `null` = none.
    pub revision: Option<String>,
    /// The line, secrets masked.
    pub excerpt: String,
}

/// A store of models on this machine.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScannedStore {
    /// huggingface-cache, ollama, lm-studio, …
    pub kind: String,
    /// Its folder.
    pub path: String,
    /// Models found in it.
    pub models: usize,
}
