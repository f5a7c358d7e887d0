//! Models named in source code, deployment files and notebooks.
//!
//! [`scan`] reads one file's text and tells which models it names: ids on Hugging Face, Ollama names, weights files,
//! models of hosted APIs. It reads lines, words, string literals and calls; it parses no language in full, so a file
//! that is half broken still answers. Nothing is run and nothing is opened. What stands in a comment is not reported.
//!
//! A name found here says that the file mentions the model in a place where programs take one, not that it is deployed.

mod code;
mod config;
mod defined;
pub mod fuzz;
mod ids;
mod language;
mod lex;
mod mask;
mod notebook;
mod piece;
mod plain;
mod programs;
mod shell;
mod sink;
mod steps;
mod training;
mod tree;

use freehold_base::Evidence;

pub use defined::{DEFINITIONS_MAX, Definition, Definitions, Origin, Variable};
pub use language::Language;
pub use training::{Data, Method, Named, TRAINING_BYTES_MAX, Trainer, Training, Use, listed, training};

/// What sort of thing a reference names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// A repository on Hugging Face (`owner/name`, or a name that a loader completes, such as `gpt2`).
    Model,
    /// A name that Ollama resolves (`llama3.1:8b`).
    OllamaModel,
    /// A weights file or folder: a path, a URL, an object store, a repository elsewhere.
    File,
    /// A model that only a hosted API serves (`gpt-4o`): terms of service, not a license of weights.
    VendorApi,
}

impl ReferenceKind {
    /// The word used in tables: `model`, `ollama`, `file`, `vendor`.
    pub fn as_str(self) -> &'static str {
        match self {
            ReferenceKind::Model => "model",
            ReferenceKind::OllamaModel => "ollama",
            ReferenceKind::File => "file",
            ReferenceKind::VendorApi => "vendor",
        }
    }
}

/// What the model is used as, where the place says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// What something else is built on.
    Base,
    /// An adapter (LoRA) laid over a base.
    Adapter,
    /// A small model that drafts for speculative decoding.
    Draft,
    /// Only its tokenizer or processor is loaded there.
    Tokenizer,
}

/// One place that names a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it names.
    pub kind: ReferenceKind,
    /// The id, secrets masked; as written (with its variable) where `unresolved`.
    pub id: String,
    /// Branch, tag or commit, where the place states one.
    pub revision: Option<String>,
    /// A file inside the repository, where the place states one.
    pub file: Option<String>,
    /// What takes the name: `from_pretrained`, `vllm serve`, `env MODEL_ID`, `key base_model`, `FROM`.
    pub construct: String,
    /// True where the id stands behind a variable that this file does not settle.
    pub unresolved: bool,
    /// What another file may settle, where `unresolved` and nothing stands beside the variable.
    pub variable: Option<Variable>,
    /// Where the id is written, where that is in another file than the use ([`Definitions::settle`]).
    pub defined: Option<Evidence>,
    /// What it is used as, where clear.
    pub role: Option<Role>,
    /// Where the name stands.
    pub evidence: Evidence,
    /// The line, secrets masked, control characters removed, at most [`EXCERPT_CHARS_MAX`] characters.
    pub excerpt: String,
}

/// Longest excerpt, in characters.
pub const EXCERPT_CHARS_MAX: usize = 160;

/// How much of a file is read and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text that are read; the rest is left out.
    pub bytes_max: usize,
    /// References that are kept.
    pub references_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes_max: 4 << 20, references_max: 4096 }
    }
}

/// What a file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// In the order of the text.
    pub references: Vec<Reference>,
    /// Uses of variables in places that hold a model: models only where another file settles them.
    pub pending: Vec<Reference>,
    /// Names that this file gives to what may be a model, for [`Definitions`].
    pub definitions: Vec<Definition>,
    /// True where a limit cut the reading short.
    pub truncated: bool,
}

/// Reads `text`, the content of the file at `path` (relative, with `/`; its name says the language, and the content
/// does where the name has no known ending). Linear in the length of the text.
pub fn scan(path: &str, text: &str, limits: &Limits) -> Scanned {
    let mut end = limits.bytes_max.min(text.len()).min(u32::MAX as usize);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = end < text.len();
    let text = text.get(..end).unwrap_or_default();
    let mut sink = sink::Sink::new(path, text, limits.references_max);
    if let Some(language) = Language::of(path, text) {
        language::dispatch(&mut sink, language, &piece::Piece::whole(text), 0);
    }
    let mut scanned = sink.finish();
    scanned.truncated |= cut;
    scanned
}
