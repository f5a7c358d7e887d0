//! `obligations.toml`: the closed list of duty codes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::document::{Node, Sink, Table};

/// One code or family of codes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Obligation {
    /// The code, or the prefix of a family.
    pub code: String,
    /// Two or three words for a table.
    pub title: String,
    /// What it asks for, in a sentence.
    pub says: String,
    /// What in a release meets it (a notice kind, `words`, `name`); `None` = a person attests it.
    pub met_by: Option<String>,
    /// True where `comply` can write what meets it.
    pub fixable: bool,
}

/// All codes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Obligations {
    by_code: BTreeMap<String, Obligation>,
    families: Vec<Obligation>,
}

impl Obligations {
    /// The entry of a code, through its family where it has one.
    pub fn get(&self, code: &str) -> Option<&Obligation> {
        self.by_code
            .get(code)
            .or_else(|| self.families.iter().find(|f| code.len() > f.code.len() && code.starts_with(&f.code)))
    }

    /// True for a code of the list or of a family.
    pub fn knows(&self, code: &str) -> bool {
        self.get(code).is_some()
    }

    /// Every code and family prefix.
    pub fn codes(&self) -> impl Iterator<Item = &str> + Clone {
        self.by_code.keys().map(String::as_str).chain(self.families.iter().map(|f| f.code.as_str()))
    }

    pub(crate) fn load(root: &Node, sink: &Sink<'_>) -> Obligations {
        let mut out = Obligations::default();
        let Some(top) = Table::open(root, "obligations.toml", sink) else { return out };
        top.need("schema");
        for (key, code_key) in [("obligation", "code"), ("family", "prefix")] {
            for row in top.tables(key) {
                let code = row.need(code_key);
                let entry = Obligation {
                    code: code.text.clone(),
                    title: row.need("title").text,
                    says: row.need("says").text,
                    met_by: row.text("met-by").map(|t| t.text),
                    fixable: row.bool("fixable").unwrap_or(false),
                };
                if key == "family" {
                    out.families.push(entry);
                } else if out.by_code.insert(code.text, entry).is_some() {
                    sink.error("duplicate", code.span, "an obligation with this code exists already");
                }
                row.finish();
            }
        }
        top.finish();
        out
    }
}
