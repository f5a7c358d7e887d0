//! What is trained on: rows of five schemas out of JSONL, CSV and Parquet, as tokens of which some are to be learned.

mod personal;
mod rows;
mod template;

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use personal::{Kind as PersonalKind, found as personal_data};
pub(crate) use rows::rows_of;
pub use rows::{Message, Row, Schema, Source, read as read_rows};
pub use template::{ALPACA, CHATML, Template};

use crate::tokenizer::Tokenizer;

/// Bad rows that a report lists.
const BAD_ROWS_MAX: usize = 100;
/// Lines that a report names of each kind of finding.
const LINES_MAX: usize = 20;

/// A row as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The tokens.
    pub ids: Vec<u32>,
    /// Which are to be learned.
    pub learn: Vec<bool>,
    /// A digest of its text: equal rows have equal ones.
    pub digest: u64,
}

/// How many and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How many.
    pub count: usize,
    /// The first lines, from 1.
    pub lines: Vec<usize>,
}

impl Told {
    fn add(&mut self, line: usize) {
        self.count += 1;
        if self.lines.len() < LINES_MAX {
            self.lines.push(line);
        }
    }
}

/// Lengths of rows in tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// The shortest.
    pub least: usize,
    /// Half are shorter.
    pub median: usize,
    /// Nineteen of twenty are shorter.
    pub p95: usize,
    /// The longest.
    pub most: usize,
}

/// What a dataset is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its file.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Its schema.
    pub schema: Schema,
    /// Rows, bad ones among them.
    pub rows: usize,
    /// Rows that cannot be read: line and why, the first hundred.
    pub bad_rows: Vec<(usize, String)>,
    /// All of those.
    pub bad_rows_count: usize,
    /// Tokens of all rows, after cutting.
    pub tokens: usize,
    /// Of those, to be learned.
    pub learned_tokens: usize,
    /// Lengths before cutting.
    pub lengths: Lengths,
    /// Rows that were cut.
    pub truncated: Told,
    /// Rows that are there again.
    pub duplicates: Told,
    /// Rows of which nothing is left to learn, after cutting.
    pub nothing_to_learn: Told,
    /// Likely personal data, by kind.
    pub personal: BTreeMap<String, Told>,
    /// Likely secrets.
    pub secrets: Told,
}

/// A row as tokens, the kinds of personal data that it appears to hold, and whether it appears to hold a secret.
type Encoded = (Sequence, Vec<PersonalKind>, bool);

/// Rows of one file as tokens.
///
/// # Errors
/// The file cannot be read, or has no schema that is known.
pub fn load(
    path: &Path,
    tokenizer: &Tokenizer,
    template: Option<&Template>,
    length: usize,
) -> Result<(Report, Vec<Sequence>), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = read_rows(path).map_err(|e| format!("{name}: {e}"))?;
    let sha256 = crate::files::sha256(path).map_err(|e| format!("{name}: {}", e.kind()))?;
    let encoded: Vec<(usize, Result<Encoded, String>)> = source
        .rows
        .into_par_iter()
        .map(|(line, row)| {
            let row = row.and_then(|row| {
                let sequence = encode(&row, tokenizer, template)?;
                let text = row.text();
                let secret = freehold_base::mask_secrets(&text) != text;
                Ok((sequence, personal_data(&text), secret))
            });
            (line, row)
        })
        .collect();
    let mut report = Report {
        file: name,
        sha256,
        schema: source.schema,
        rows: encoded.len(),
        bad_rows: vec![],
        bad_rows_count: 0,
        tokens: 0,
        learned_tokens: 0,
        lengths: Lengths::default(),
        truncated: Told::default(),
        duplicates: Told::default(),
        nothing_to_learn: Told::default(),
        personal: BTreeMap::new(),
        secrets: Told::default(),
    };
    let (mut sequences, mut lengths, mut seen) = (Vec::new(), Vec::new(), std::collections::BTreeSet::new());
    for (line, row) in encoded {
        let (mut sequence, personal, secret) = match row {
            Ok(row) => row,
            Err(why) => {
                report.bad_rows_count += 1;
                if report.bad_rows.len() < BAD_ROWS_MAX {
                    report.bad_rows.push((line, why));
                }
                continue;
            }
        };
        lengths.push(sequence.ids.len());
        if sequence.ids.len() > length {
            report.truncated.add(line);
            sequence.ids.truncate(length);
            sequence.learn.truncate(length);
        }
        if !seen.insert(sequence.digest) {
            report.duplicates.add(line);
        }
        personal.into_iter().for_each(|k| report.personal.entry(k.name().into()).or_default().add(line));
        if secret {
            report.secrets.add(line);
        }
        let learned = sequence.learn.iter().skip(1).filter(|l| **l).count();
        report.tokens += sequence.ids.len();
        report.learned_tokens += learned;
        if learned == 0 {
            report.nothing_to_learn.add(line);
            continue;
        }
        sequences.push(sequence);
    }
    lengths.sort_unstable();
    if let (Some(least), Some(most)) = (lengths.first(), lengths.last()) {
        let at = |share: usize| lengths[(lengths.len() - 1) * share / 100];
        report.lengths = Lengths { least: *least, median: at(50), p95: at(95), most: *most };
    }
    Ok((report, sequences))
}

/// One row as tokens: of a text all are learned, of a conversation what the assistant says.
fn encode(row: &Row, tokenizer: &Tokenizer, template: Option<&Template>) -> Result<Sequence, String> {
    let digest = Sha256::digest(row.text().as_bytes());
    let digest = u64::from_le_bytes(digest[..8].try_into().unwrap_or_default());
    let (ids, learn) = match row {
        Row::Text(text) => {
            let mut ids = tokenizer.encode(text, true)?;
            if let Some(end) = tokenizer.special_id("eos").filter(|e| ids.last() != Some(e)) {
                ids.push(end);
            }
            let learn = vec![true; ids.len()];
            (ids, learn)
        }
        Row::Messages(messages) => {
            let template = template.ok_or("the base has no chat template")?;
            let (text, spans) = template.with_answers(messages)?;
            let tokens = tokenizer.encode_with_places(&text)?;
            let learned = |from: usize| spans.iter().any(|s| s.contains(&from));
            tokens.into_iter().map(|(id, from)| (id, learned(from))).unzip()
        }
    };
    Ok(Sequence { ids, learn, digest })
}
