//! `freehold.bundle/1`: what was read of a model, to be judged elsewhere. Cards, legal texts and statements of headers with their
//! places; no tensor data is in it, so that weights never travel. Its digest is the model's own.

use freehold_base::{Fact, TextFile};
use serde::{Deserialize, Serialize};

/// The schema.
const SCHEMA: &str = "freehold.bundle/1";
/// Most bytes of a bundle.
pub const BUNDLE_BYTES_MAX: usize = 128 << 20;
/// Most models of a bundle.
const MODELS_MAX: usize = 1_000;
/// Most files, statements and texts of a model.
const PARTS_MAX: usize = 200_000;

/// What was read of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledModel {
    /// What it is called.
    pub name: String,
    /// Its files and their sizes in bytes, sorted by path.
    pub files: Vec<(String, u64)>,
    /// Statements of its files, each with its place.
    pub facts: Vec<Fact>,
    /// Legal texts and the card's body.
    pub texts: Vec<TextFile>,
    /// What was wrong with the files, in sentences.
    pub notes: Vec<String>,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Bytes of all files.
    pub bytes_total: u64,
}

/// A bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// `freehold.bundle/1`.
    pub schema: String,
    /// Models.
    pub models: Vec<BundledModel>,
}

impl Bundle {
    /// A bundle of models.
    pub fn of(models: Vec<BundledModel>) -> Bundle {
        Bundle { schema: SCHEMA.into(), models }
    }

    /// Reads a bundle that somebody sent.
    ///
    /// # Errors
    /// A sentence: it is none, or larger than is taken.
    pub fn read(bytes: &[u8]) -> Result<Bundle, String> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(format!("a bundle of {} bytes; the limit is {BUNDLE_BYTES_MAX}", bytes.len()));
        }
        let bundle: Bundle = serde_json::from_slice(bytes).map_err(|e| format!("no bundle: {e}"))?;
        if bundle.schema != SCHEMA {
            return Err(format!("no bundle that this build reads: its schema is not {SCHEMA}"));
        }
        let large =
            |m: &BundledModel| m.files.len().max(m.facts.len()).max(m.texts.len()).max(m.notes.len()) > PARTS_MAX;
        if bundle.models.len() > MODELS_MAX || bundle.models.iter().any(large) {
            return Err(format!("more than {MODELS_MAX} models, or more than {PARTS_MAX} parts of one"));
        }
        if bundle.models.iter().flat_map(|m| &m.facts).any(|f| f.value.len() > Fact::VALUE_BYTES_MAX) {
            return Err(format!("a statement of more than {} bytes", Fact::VALUE_BYTES_MAX));
        }
        Ok(bundle)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        // a model's facts are text and numbers, which always have a JSON
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use freehold_base::{Evidence, FactKind};

    #[test]
    fn a_bundle_comes_back_as_it_was() {
        let fact = Fact {
            kind: FactKind::LicenseTag,
            value: "mit".into(),
            evidence: Evidence { line: Some(3), ..Evidence::stated("README.md") },
        };
        let model = BundledModel {
            name: "m".into(),
            files: vec![("README.md".into(), 9)],
            facts: vec![fact],
            ..BundledModel::default()
        };
        let bundle = Bundle::of(vec![model]);
        assert_eq!(Bundle::read(bundle.to_json().as_bytes()).unwrap(), bundle);
        for bad in ["{}", "[]", r#"{"schema": "freehold.bundle/2", "models": []}"#, "\u{0}"] {
            assert!(Bundle::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
