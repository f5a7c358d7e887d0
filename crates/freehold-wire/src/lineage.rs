//! `freehold.lineage/1`: works, what is said of them, and every step with its evidence. No verdict.

use freehold_catalog::Catalog;
use freehold_check::{Lineage as Joined, LineageWork as JoinedWork};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Diagnostic, Evidence};

/// What `lineage --format json` prints.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LineageReport {
    /// `freehold.lineage/1`.
    pub schema: String,
    /// The day of the question, `YYYY-MM-DD`: terms change.
    pub as_of: String,
    /// Ids of the works that were asked about.
    pub subjects: Vec<String>,
    /// Works.
    pub works: Vec<LineageNode>,
    /// Steps.
    pub edges: Vec<LineageStep>,
    /// Works that are named as parents and cannot be found: not in the catalog, no file, nothing said of them.
    pub unresolved: Vec<Unresolved>,
    /// Works that are named as made from each other, or from themselves.
    pub cycles: Vec<Vec<String>>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
    /// Version of the catalog.
    pub catalog: String,
    /// The program and its version.
    pub engine: String,
}

/// A work.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LineageNode {
    /// Repository id or name; unique here: a name that stands for two works says whose it is
    /// (`base (of acme/bot)`).
    pub id: String,
    /// Its own name, where stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is in its author's words, where stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// model, dataset, code, service.
    pub kind: String,
    /// organization or third-party, where stated or known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// ours, third-party, dataset, unknown: the color of a picture.
    pub standing: String,
    /// True where the catalog or a store knows it.
    pub known: bool,
    /// True where it is named as a parent and cannot be found.
    pub unresolved: bool,
    /// Where it lies, for what was asked about; empty for a model of the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it was named.
    pub evidence: Evidence,
    /// The licenses said of it.
    pub licenses: Vec<SaidLicense>,
    /// What its own layer stands under, and what was set aside.
    pub terms: Vec<StandsUnder>,
}

/// A license said of a work.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SaidLicense {
    /// As written.
    pub license: String,
    /// Text id of the edition, where one is stated or recognized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// told, catalog, recognized, declared, inferred.
    pub basis: String,
    /// weights, code, data, tokenizer, outputs, documentation; empty = not stated.
    pub covers: Vec<String>,
    /// True where a recognized text differs from its edition.
    pub altered: bool,
    /// True where the publisher has replaced these terms since.
    pub superseded: bool,
    /// Where it stands.
    pub evidence: Evidence,
}

/// What a work's layer stands under.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StandsUnder {
    /// Catalog id, or the statement as written; empty where nothing is stated.
    pub license: String,
    /// Text id of the edition; empty where none is cited.
    pub edition: String,
    /// True where the catalog holds its terms.
    pub in_law: bool,
    /// governs, code, own-choice, set-aside, said.
    pub role: String,
    /// True where it goes on binding a work that was asked about.
    pub reaches: bool,
    /// The claims behind it, as positions in `licenses`.
    pub claims: Vec<usize>,
}

/// A step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LineageStep {
    /// The child's id.
    pub child: String,
    /// The parent's id.
    pub parent: String,
    /// What the child is to the parent.
    pub relation: String,
    /// us, upstream, unknown.
    pub by: String,
    /// True where who took it is presumed, not stated.
    pub presumed: bool,
    /// True where it lies on a cycle.
    pub cyclic: bool,
    /// Where it stands; several where several subjects show it.
    pub evidence: Vec<Evidence>,
}

/// A parent that cannot be found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unresolved {
    /// The work's id.
    pub id: String,
    /// Works that name it.
    pub named_by: Vec<String>,
}

impl LineageReport {
    /// The report of a lineage.
    pub fn of(lineage: &Joined, catalog: &Catalog, as_of: &str) -> LineageReport {
        let id = |w: &usize| lineage.works.get(*w).map(|w| w.id.clone()).unwrap_or_default();
        let named_by = |w: usize| {
            let mut ids: Vec<String> = lineage.steps.iter().filter(|s| s.parent == w).map(|s| id(&s.child)).collect();
            ids.dedup();
            ids
        };
        let lost = lineage.works.iter().enumerate().filter(|(_, w)| w.unresolved);
        LineageReport {
            schema: "freehold.lineage/1".into(),
            as_of: as_of.into(),
            subjects: lineage.subjects.iter().map(id).collect(),
            works: lineage.works.iter().map(|w| node(w, catalog)).collect(),
            edges: lineage
                .steps
                .iter()
                .map(|s| LineageStep {
                    child: id(&s.child),
                    parent: id(&s.parent),
                    relation: s.relation.as_str().into(),
                    by: s.by.as_str().into(),
                    presumed: s.presumed,
                    cyclic: s.cyclic,
                    evidence: s.evidence.iter().map(crate::convert::evidence).collect(),
                })
                .collect(),
            unresolved: lost.map(|(i, w)| Unresolved { id: w.id.clone(), named_by: named_by(i) }).collect(),
            cycles: lineage.cycles.iter().map(|c| c.iter().map(id).collect()).collect(),
            diagnostics: lineage.diagnostics.iter().map(crate::convert::diagnostic).collect(),
            catalog: catalog.version.clone(),
            engine: concat!("freehold ", env!("CARGO_PKG_VERSION")).into(),
        }
    }

    /// The report as text. What a terminal would obey and what reorders text is written by its number, which a reader of
    /// JSON turns back.
    pub fn to_text(&self) -> String {
        let raw = serde_json::to_string_pretty(self).unwrap_or_default();
        let mut out = String::with_capacity(raw.len() + 1);
        for c in raw.chars() {
            let hostile = (c.is_control() && c != '\n')
                || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
            if hostile {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                out.push(c);
            }
        }
        out.push('\n');
        out
    }
}

fn node(w: &JoinedWork, catalog: &Catalog) -> LineageNode {
    LineageNode {
        id: w.id.clone(),
        name: w.work.name.clone(),
        description: w.work.description.clone(),
        kind: w.work.kind.as_str().into(),
        made_by: w.work.made_by.map(|m| m.as_str().into()),
        standing: w.maker().as_str().into(),
        known: w.work.known,
        unresolved: w.unresolved,
        path: w.subject.as_ref().map(|(path, _)| path.clone()),
        evidence: crate::convert::evidence(&w.work.evidence),
        licenses: w
            .work
            .claims
            .iter()
            .map(|c| SaidLicense {
                license: c.license.clone(),
                edition: c.edition.clone(),
                basis: c.basis.as_str().into(),
                covers: c.covers.iter().map(|c| c.as_str().into()).collect(),
                altered: c.altered,
                superseded: c.superseded,
                evidence: crate::convert::evidence(&c.evidence),
            })
            .collect(),
        terms: w
            .terms
            .iter()
            .map(|t| StandsUnder {
                license: t.license.clone(),
                edition: t.edition.clone(),
                in_law: catalog.license(&t.license).is_some(),
                role: t.role.as_str().into(),
                reaches: t.reaches,
                claims: t.claims.clone(),
            })
            .collect(),
    }
}

/// The JSON Schema of `freehold.lineage/1`.
pub fn lineage_schema() -> serde_json::Value {
    schemars::schema_for!(LineageReport).to_value()
}
