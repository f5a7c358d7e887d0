//! `freehold.reading/1`: what license texts that nobody has read appear to say. Input for a person, no verdict.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Diagnostic, IdentifiedFile};

/// What `read --format json` prints.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReadingReport {
    /// `freehold.reading/1`.
    pub schema: String,
    /// One a file, in the order of the command line. `--format jsonl` prints one a line.
    pub files: Vec<ReadFile>,
    /// Files that could not be read, or not to their end.
    pub diagnostics: Vec<Diagnostic>,
}

impl ReadingReport {
    /// The report over these files, and what is wrong with others.
    pub fn new(files: Vec<ReadFile>, diagnostics: &[freehold_base::Diagnostic]) -> ReadingReport {
        let diagnostics = diagnostics.iter().map(crate::convert::diagnostic).collect();
        ReadingReport { schema: "freehold.reading/1".into(), files, diagnostics }
    }
}

/// What one text appears to say.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReadFile {
    /// What the text was identified as.
    #[serde(flatten)]
    pub identified: IdentifiedFile,
    /// Id of the license in law that it is an edition of, altered or not; `null` where it is none.
    pub law: Option<String>,
    /// `needs-review`, or `read` for the exact text of a license in law.
    pub review: String,
    /// Terms of which it appears to say something else than its edition; `null` where it is not an altered edition.
    pub changes: Option<Vec<ReadChange>>,
    /// One for each term that the text appears to speak of.
    pub proposals: Vec<ReadProposal>,
    /// The text was longer than is read.
    pub truncated: bool,
}

/// A term of which an altered text says something else than its edition.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReadChange {
    /// Id of the term (`include-license`).
    pub term: String,
    /// can, cannot, must; `null` = nothing.
    pub was: Option<String>,
    /// can, cannot, must; `null` = nothing.
    pub now: Option<String>,
}

/// What a text appears to say of one term.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReadProposal {
    /// Id of the term.
    pub term: String,
    /// The term's name.
    pub name: String,
    /// can, cannot, must.
    pub attitude: String,
    /// said, supposed (the text says it nowhere but speaks as if it were so).
    pub basis: String,
    /// The sentences that say so.
    pub sentences: Vec<ReadSentence>,
    /// Sentences that say something else of it.
    pub against: Vec<ReadSentence>,
}

/// A sentence.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReadSentence {
    /// can, cannot, must.
    pub attitude: String,
    /// At most 25 words of it.
    pub quote: String,
    /// Bytes of the text, from and to.
    pub range: [usize; 2],
    /// The line on which it begins, from 1.
    pub line: usize,
    /// It has an exception or a condition.
    pub conditional: bool,
}
