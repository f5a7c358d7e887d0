//! `freehold.identification/1`: which license texts files are.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Diagnostic;

/// What `identify --format json` prints.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IdentificationReport {
    /// `freehold.identification/1`.
    pub schema: String,
    /// One a file, in the order of the command line. `--format jsonl` prints one a line.
    pub files: Vec<IdentifiedFile>,
    /// Files that could not be read, or not to their end.
    pub diagnostics: Vec<Diagnostic>,
}

impl IdentificationReport {
    /// The report over these files, and what is wrong with others.
    pub fn new(files: Vec<IdentifiedFile>, diagnostics: &[freehold_base::Diagnostic]) -> IdentificationReport {
        let diagnostics = diagnostics.iter().map(crate::convert::diagnostic).collect();
        IdentificationReport { schema: "freehold.identification/1".into(), files, diagnostics }
    }
}

/// What one text is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IdentifiedFile {
    /// The path as it was given; `-` = standard input.
    pub file: String,
    /// Id of the edition that the text as a whole is.
    pub license: Option<String>,
    /// exact, altered, partial, combined, none.
    #[serde(rename = "match")]
    pub matched: String,
    /// The editions that stand in it, in the order of the text.
    pub parts: Vec<IdentifiedPart>,
    /// Where it differs from its edition, or a part from its own.
    pub differences: Vec<TextDifference>,
    /// Other editions that are close, closest first.
    pub near: Vec<NearEdition>,
    /// A license that the text names without being one, as written.
    pub points_to: Option<String>,
    /// Words that stand in no part.
    pub other_words: usize,
}

/// An edition that stands in a text.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IdentifiedPart {
    /// Id of the edition.
    pub license: String,
    /// exact, altered, partial.
    #[serde(rename = "match")]
    pub matched: String,
    /// Share of the edition's words, from 0 to 1, optional ones aside.
    pub coverage: f64,
    /// Bytes of the text, from and to; of its UTF-8 form where it is stored in another encoding.
    pub range: [usize; 2],
}

/// A place where a text differs from an edition.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TextDifference {
    /// Id of the edition.
    pub license: String,
    /// added, removed, replaced.
    pub kind: String,
    /// The edition's clause (`1.b.i`); empty where it has none there.
    pub clause: String,
    /// The edition's words; `null` unless `--texts` gives its text.
    pub was: Option<String>,
    /// The words that stand there, cut at 200 characters; empty where words were removed.
    pub is: String,
    /// Bytes of the text, from and to.
    pub range: [usize; 2],
    /// Words of the edition's normalized text, from and to, counted from 0.
    pub words: [u32; 2],
}

/// An edition that is close to a text.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NearEdition {
    /// Its id.
    pub license: String,
    /// From 0 to 1.
    pub similarity: f64,
}

/// The JSON Schema of `freehold.identification/1`.
pub fn identification_schema() -> serde_json::Value {
    schemars::schema_for!(IdentificationReport).to_value()
}
