//! Bytes of a model's files in, facts with evidence out.
//!
//! [`read_file`] tells what a file is by its first bytes and reads the little of it that speaks of identity, lineage
//! and license: headers, configs, the card, legal texts. Weights are never read, pickles are walked and never loaded,
//! archives never unpacked, templates never rendered. Whatever the bytes are there is an answer: what cannot be read is
//! a diagnostic, and reading goes on. Nothing here opens a file; a caller lends one as [`ReadAt`].
//!
//! A name inside a file is a claim, not identity, so statements that differ are all kept, each with its place.
//! Every kept text has its secrets masked.

mod archive;
mod card;
mod card_edit;
mod config;
mod coreml;
pub mod fuzz;
mod gguf;
mod input;
mod json;
mod keras;
mod labels;
mod legal;
pub mod manifest;
mod mask;
mod members;
mod merge;
mod modelfile;
mod onnx;
mod openvino;
mod pickle;
mod pointer;
mod proto;
mod safetensors;
mod shapes;
mod sidecar;
mod sink;
mod sniff;
mod tar;
mod template;
mod tflite;
mod yaml;

/// What is wrong with a text as YAML, and at which byte; `None` where it can be read to its end.
pub fn yaml_error(text: &str) -> Option<(String, usize)> {
    yaml::Yaml::read(text).error
}
mod zip;

use freehold_base::{Diagnostic, Fact, TextFile};

pub use card_edit::{CardField, card_values, edit_card, has_front_matter};
pub use gguf::edit::{GgufHeader, GgufPlan, GgufValue, KeyChange, Piece, gguf_bytes, gguf_header};
pub use input::ReadAt;
pub use mask::clean_name;
pub use members::{Member, Members, members, read_member};
pub use modelfile::is_modelfile;
pub use sniff::is_own_file;

/// A part of a model that is split over several files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// Its number, from 0 (`split.no`).
    pub no: u32,
    /// How many there are (`split.count`), two or more.
    pub count: u32,
}

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Statements in the order of the file.
    pub facts: Vec<Fact>,
    /// Its legal text or card body.
    pub texts: Vec<TextFile>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// Bytes fetched to learn this.
    pub bytes_read: u64,
    /// True where this file alone makes its folder a model's: weights or a pointer to them, a model's or an
    /// adapter's config, a merge recipe, a card with a model's front matter.
    pub model_file: bool,
    /// True for a card whose front matter describes a dataset or an app.
    pub not_a_model: bool,
    /// Its place among the shards, where a GGUF header states it.
    pub shard: Option<Shard>,
    /// For a git-lfs pointer: bytes of the content that it stands for.
    pub pointer_bytes: Option<u64>,
    /// Paths of other files that it says it is made from (`FROM ./bot.gguf`), as written, without `./` before: never
    /// opened for that.
    pub made_from: Vec<String>,
}

/// Reads one file. `name` is its path relative to the source's root, with `/`: it becomes the evidence's file, and
/// its last part tells what to expect; what it is, the bytes tell.
pub fn read_file(name: &str, source: &dyn ReadAt) -> FileFacts {
    read_file_beside(name, source, &|_| false)
}

/// [`read_file`] for whoever can tell whether the file's folder holds a name, which `beside` answers: a recipe may mean
/// a folder beside it or a model elsewhere by the same word.
pub fn read_file_beside(name: &str, source: &dyn ReadAt, beside: &dyn Fn(&str) -> bool) -> FileFacts {
    sniff::read_file(name, source, beside)
}

/// Reads what a store keeps as a model's license, whatever it is called there: a text, or where it is one word a tag or
/// a link. `file` is where it stands, `key` the name that it has in there, if any.
pub fn read_license(file: &str, key: &str, source: &dyn ReadAt) -> FileFacts {
    sniff::read_license(file, key, source)
}

/// A member of a zip archive whose bytes stand in the file as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMember {
    /// Its name in the directory.
    pub name: String,
    /// Where its bytes begin in the file.
    pub at: u64,
    /// How many there are.
    pub bytes: u64,
}

/// The members of a zip archive that are not compressed, in its order; none where it is no archive. Members that do
/// not lie inside of the file are left out.
pub fn stored_members(source: &dyn ReadAt) -> Vec<StoredMember> {
    let Ok(mut input) = input::Input::open(source) else { return Vec::new() };
    let members = zip::read(&mut input).members.into_iter().filter(|m| m.stored);
    let inside = members.filter(|m| m.data_at.checked_add(m.bytes).is_some_and(|end| end <= input.size));
    inside.map(|m| StoredMember { name: m.name, at: m.data_at, bytes: m.bytes }).collect()
}

/// A file of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileEntry {
    /// Path relative to the source's root, with `/`.
    pub path: String,
    /// Its size on disk.
    pub bytes: u64,
}

/// A model as it lies somewhere: a folder, a file, a repository in a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// What to call it: the folder relative to the source's root, the folder's or file's own name where it is the
    /// root, `org/name` in a cache.
    pub root_name: String,
    /// Its files, sorted by path.
    pub files: Vec<FileEntry>,
    /// What they say, in that order.
    pub facts: Vec<Fact>,
    /// Legal texts and card bodies.
    pub texts: Vec<TextFile>,
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
    /// Bytes fetched of all files.
    pub bytes_read: u64,
    /// Bytes of all files on disk.
    pub bytes_total: u64,
}

impl Artifact {
    /// Adds a file and what it says.
    pub fn add(&mut self, path: impl Into<String>, bytes: u64, said: FileFacts) {
        self.files.push(FileEntry { path: path.into(), bytes });
        self.facts.extend(said.facts);
        self.texts.extend(said.texts);
        self.diagnostics.extend(said.diagnostics);
        self.bytes_read = self.bytes_read.saturating_add(said.bytes_read);
        self.bytes_total = self.bytes_total.saturating_add(bytes);
    }
}
