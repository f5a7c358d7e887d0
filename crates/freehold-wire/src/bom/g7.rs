//! Which of the G7's minimum elements a bill holds. It looks at the document as it was written, whoever wrote it; what is
//! asked stands in `catalog/regimes/g7-ai-sbom.toml`.

use std::collections::BTreeMap;

use freehold_base::Diagnostic;
use freehold_catalog::document::{Sink, Table, parse_toml};
use serde_json::Value;

/// The elements, dated and with their source.
const REGIME: &str = include_str!("../../../../catalog/regimes/g7-ai-sbom.toml");
/// Where they stand, for messages.
const REGIME_FILE: &str = "catalog/regimes/g7-ai-sbom.toml";
/// Most members that a path is followed through, over a document.
const MEMBERS_MAX: usize = 20_000_000;
/// Levels of components inside components.
const NESTING_MAX: usize = 16;

/// How a document answers one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElementState {
    /// It is there, for everything that it is asked of.
    Present,
    /// There for some of the models or data sets.
    Partly,
    /// The document says that it is not known.
    StatedUnknown,
    /// Not there.
    Missing,
}

impl ElementState {
    /// The word that a person reads.
    pub fn as_str(self) -> &'static str {
        match self {
            ElementState::Present => "present",
            ElementState::Partly => "partly",
            ElementState::StatedUnknown => "stated unknown",
            ElementState::Missing => "missing",
        }
    }
}

/// One minimum element and how the document answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// `MDL-12`.
    pub id: String,
    /// The group that the publication puts it in.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// The answer.
    pub state: ElementState,
    /// Of how many models or data sets it is there, and how many there are; (1, 1) for the document's own.
    pub held: (usize, usize),
    /// What would fill it.
    pub fill: String,
}

/// What a document holds of the minimum elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The publication's name.
    pub name: String,
    /// Its day, `YYYY-MM-DD`.
    pub date: String,
    /// How binding it is.
    pub status: String,
    /// The document's format and edition.
    pub format: String,
    /// The elements in order.
    pub elements: Vec<Element>,
}

impl Coverage {
    /// How many elements have this answer.
    pub fn count(&self, state: ElementState) -> usize {
        self.elements.iter().filter(|e| e.state == state).count()
    }
}

/// Checks a document.
///
/// # Errors
/// The document is neither CycloneDX nor SPDX 3, or the data file of the elements is at fault (then all its mistakes).
pub fn g7_coverage(document: &Value) -> Result<Coverage, Vec<Diagnostic>> {
    let (format, cyclonedx) = format_of(document).ok_or_else(|| {
        vec![Diagnostic::error(
            "not-a-bom",
            "neither CycloneDX nor SPDX 3: the minimum elements are looked for in these",
        )]
    })?;
    let sink = Sink::new(REGIME_FILE, REGIME);
    let node = parse_toml(&sink);
    let coverage = Table::open(&node, REGIME_FILE, &sink).map(|top| read(&top, document, format, cyclonedx));
    let mistakes = sink.into_diagnostics();
    match coverage {
        Some(coverage) if mistakes.is_empty() => Ok(coverage),
        _ => Err(mistakes),
    }
}

fn format_of(document: &Value) -> Option<(String, bool)> {
    let word = |v: &Value| v.as_str().unwrap_or("?").to_string();
    if document.get("bomFormat").and_then(Value::as_str) == Some("CycloneDX") {
        return Some((format!("CycloneDX {}", document.get("specVersion").map(word).unwrap_or_default()), true));
    }
    let graph = document.get("@graph")?.as_array()?;
    let version = graph.iter().find_map(|e| e.get("specVersion"));
    Some((format!("SPDX {}", version.map(word).unwrap_or_default()), false))
}

fn read(top: &Table<'_, '_>, document: &Value, format: String, cyclonedx: bool) -> Coverage {
    let mut look = Look::new(document, cyclonedx);
    top.need("schema");
    let (mut name, mut date, mut status) = (String::new(), String::new(), String::new());
    if let Some(regime) = top.table("regime") {
        name = regime.need("name").text;
        date = regime.need("date").text;
        status = regime.need("status").text;
        for key in ["id", "publisher", "source", "read-as", "mapping", "checked"] {
            regime.need(key);
        }
        regime.finish();
    }
    let elements = top.tables("element").into_iter().map(|row| {
        let of = row.need("of").text;
        let texts = |key| row.texts(key).into_iter().map(|t| t.text).collect::<Vec<String>>();
        let (cdx, spdx) = (texts("cyclonedx"), texts("spdx"));
        let paths = if cyclonedx { cdx } else { spdx };
        let (state, held) = look.answer(&of, &paths);
        let element = Element {
            id: row.need("id").text,
            cluster: row.need("cluster").text,
            name: row.need("name").text,
            fill: row.need("fill").text,
            state,
            held,
        };
        row.finish();
        element
    });
    Coverage { name, date, status, format, elements: elements.collect() }
}

/// What one thing answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    There,
    Unknown,
    Not,
}

/// A document that is looked into.
struct Look<'d> {
    document: &'d Value,
    models: Vec<&'d Value>,
    datasets: Vec<&'d Value>,
    systems: Vec<&'d Value>,
    /// SPDX elements by id.
    by_id: BTreeMap<&'d str, &'d Value>,
    /// What SPDX relationships of a kind lead to from an element.
    related: BTreeMap<(&'d str, &'d str), Vec<&'d str>>,
    /// Members that may still be followed.
    left: usize,
}

fn text<'v>(v: &'v Value, key: &str) -> &'v str {
    v.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn members(v: Option<&Value>) -> &[Value] {
    v.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl<'d> Look<'d> {
    fn new(document: &'d Value, cyclonedx: bool) -> Look<'d> {
        let mut look = Look {
            document,
            models: Vec::new(),
            datasets: Vec::new(),
            systems: Vec::new(),
            by_id: BTreeMap::new(),
            related: BTreeMap::new(),
            left: MEMBERS_MAX,
        };
        if cyclonedx {
            look.components()
        } else {
            look.graph()
        }
        look
    }

    fn components(&mut self) {
        let main = self.document.get("metadata").and_then(|m| m.get("component"));
        self.systems.extend(main);
        let top = members(self.document.get("components"));
        let mut open: Vec<(&Value, usize)> = top.iter().rev().map(|c| (c, 0)).collect();
        open.extend(main.map(|c| (c, 0)));
        while let Some((c, depth)) = open.pop() {
            match text(c, "type") {
                "machine-learning-model" => self.models.push(c),
                "data" => self.datasets.push(c),
                _ => {}
            }
            if depth < NESTING_MAX && self.models.len() < MEMBERS_MAX {
                open.extend(members(c.get("components")).iter().map(|c| (c, depth + 1)));
            }
        }
    }

    fn graph(&mut self) {
        let graph = members(self.document.get("@graph"));
        for e in graph {
            match text(e, "type") {
                "ai_AIPackage" => self.models.push(e),
                "dataset_DatasetPackage" => self.datasets.push(e),
                "Relationship" => {
                    let to = members(e.get("to")).iter().filter_map(Value::as_str);
                    self.related.entry((text(e, "from"), text(e, "relationshipType"))).or_default().extend(to);
                }
                _ => {}
            }
            let id = text(e, "spdxId");
            if !id.is_empty() {
                self.by_id.insert(id, e);
            }
        }
        let sboms = graph.iter().filter(|e| text(e, "type") == "software_Sbom");
        let roots = sboms.flat_map(|s| members(s.get("rootElement"))).filter_map(Value::as_str);
        self.systems = roots.filter_map(|r| self.by_id.get(r).copied()).collect();
    }

    fn answer(&mut self, of: &str, paths: &[String]) -> (ElementState, (usize, usize)) {
        let things: Vec<&Value> = match of {
            "model" => self.models.clone(),
            "dataset" => self.datasets.clone(),
            "system" => self.systems.clone(),
            _ => vec![self.document],
        };
        let answers: Vec<Answer> = things.iter().map(|t| self.thing(t, paths)).collect();
        let count = |a: Answer| answers.iter().filter(|x| **x == a).count();
        let (there, unknown) = (count(Answer::There), count(Answer::Unknown));
        let state = match answers.len() {
            0 => ElementState::Missing,
            n if there == n => ElementState::Present,
            _ if there > 0 => ElementState::Partly,
            _ if unknown > 0 => ElementState::StatedUnknown,
            _ => ElementState::Missing,
        };
        (state, (there, answers.len()))
    }

    fn thing(&mut self, thing: &'d Value, paths: &[String]) -> Answer {
        let mut out = Answer::Not;
        for path in paths {
            for found in self.follow(thing, path) {
                match self.weigh(found) {
                    Answer::There => return Answer::There,
                    Answer::Unknown => out = Answer::Unknown,
                    Answer::Not => {}
                }
            }
        }
        out
    }

    /// Whether a value says anything.
    fn weigh(&self, value: &'d Value) -> Answer {
        match value {
            Value::Null => Answer::Not,
            Value::Bool(_) | Value::Number(_) => Answer::There,
            Value::String(s) => {
                // an agent or a license that stands for nobody's knowledge is no answer either
                let named = self.by_id.get(s.as_str()).map(|e| text(e, "name"));
                match s.trim() {
                    "" => Answer::Not,
                    s if unknown(s) || named.is_some_and(unknown) => Answer::Unknown,
                    _ => Answer::There,
                }
            }
            Value::Array(a) => {
                let all: Vec<Answer> = a.iter().take(64).map(|v| self.weigh_flat(v)).collect();
                if all.contains(&Answer::There) {
                    Answer::There
                } else if all.contains(&Answer::Unknown) {
                    Answer::Unknown
                } else {
                    Answer::Not
                }
            }
            Value::Object(o) if o.is_empty() => Answer::Not,
            Value::Object(_) => Answer::There,
        }
    }

    fn weigh_flat(&self, value: &'d Value) -> Answer {
        match value {
            Value::Array(a) if a.is_empty() => Answer::Not,
            Value::Array(_) => Answer::There,
            other => self.weigh(other),
        }
    }

    fn follow(&mut self, thing: &'d Value, path: &str) -> Vec<&'d Value> {
        let mut here = vec![thing];
        for step in path.split('.') {
            let (name, filters) = step.split_once('[').map_or((step, ""), |(n, f)| (n, f));
            let mut next = Vec::new();
            for v in here {
                match name.strip_prefix('>') {
                    Some(kind) => {
                        let to = self.related.get(&(text(v, "spdxId"), kind)).into_iter().flatten();
                        next.extend(to.filter_map(|id| self.by_id.get(id).copied()));
                    }
                    None => match v.get(name) {
                        Some(Value::Array(a)) => next.extend(a.iter()),
                        found => next.extend(found),
                    },
                }
            }
            for filter in filters.split('[').filter(|f| !f.is_empty()) {
                let (key, wanted) = filter.trim_end_matches(']').split_once('=').unwrap_or((filter, ""));
                next.retain(|v| text(v, key) == wanted);
            }
            next.truncate(self.left);
            self.left -= next.len();
            here = next;
        }
        here
    }
}

/// Words by which documents say that something is not known.
fn unknown(s: &str) -> bool {
    let s = s.to_ascii_lowercase();
    matches!(s.as_str(), "noassertion" | "unknown" | "none stated" | "not-known") || s.ends_with("/noassertion")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(c: &Coverage, id: &str) -> (ElementState, (usize, usize)) {
        let e = c.elements.iter().find(|e| e.id == id).unwrap();
        (e.state, e.held)
    }

    #[test]
    fn the_data_file_has_the_fifty_elements_of_seven_clusters() {
        let c = g7_coverage(&json!({"bomFormat": "CycloneDX", "specVersion": "1.7"})).unwrap();
        assert_eq!(c.elements.len(), 50);
        let mut clusters: Vec<&str> = c.elements.iter().map(|e| e.cluster.as_str()).collect();
        clusters.dedup();
        assert_eq!(clusters.len(), 7);
        let mut ids: Vec<&str> = c.elements.iter().map(|e| e.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 50);
        assert_eq!((c.date.as_str(), c.status.as_str()), ("2026-05-12", "voluntary"));
    }

    #[test]
    fn cyclonedx_is_looked_into_model_by_model() {
        let document = json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6",
            "metadata": {"component": {"type": "machine-learning-model", "name": "a", "licenses": [{"license": {"name": "x"}}]}},
            "components": [
                {"type": "machine-learning-model", "name": "b", "licenses": []},
                {"type": "application", "name": "c", "components": [{"type": "data", "name": "d", "hashes": [{"alg": "SHA-256"}]}]}
            ]
        });
        let c = g7_coverage(&document).unwrap();
        assert_eq!(c.format, "CycloneDX 1.6");
        assert_eq!(state(&c, "MDL-01"), (ElementState::Present, (2, 2)));
        assert_eq!(state(&c, "MDL-12"), (ElementState::Partly, (1, 2)));
        assert_eq!(state(&c, "DP-05"), (ElementState::Present, (1, 1)));
        assert_eq!(state(&c, "MD-05"), (ElementState::Missing, (0, 1)));
    }

    #[test]
    fn what_spdx_says_is_unknown_is_not_present() {
        let document = json!({ "@graph": [
            {"type": "CreationInfo", "specVersion": "3.0.1"},
            {"type": "software_Sbom", "spdxId": "urn:s", "rootElement": ["urn:m"]},
            {"type": "Agent", "spdxId": "urn:a", "name": "NOASSERTION"},
            {"type": "ai_AIPackage", "spdxId": "urn:m", "name": "m", "suppliedBy": "urn:a", "software_packageVersion": "NOASSERTION"},
            {"type": "simplelicensing_LicenseExpression", "spdxId": "urn:l", "simplelicensing_licenseExpression": "MIT"},
            {"type": "Relationship", "from": "urn:m", "relationshipType": "hasDeclaredLicense", "to": ["urn:l"]}
        ]});
        let c = g7_coverage(&document).unwrap();
        assert_eq!(c.format, "SPDX 3.0.1");
        assert_eq!(state(&c, "MDL-05").0, ElementState::StatedUnknown);
        assert_eq!(state(&c, "MDL-03").0, ElementState::StatedUnknown);
        assert_eq!(state(&c, "MDL-12").0, ElementState::Present);
        assert_eq!(state(&c, "SLP-01").0, ElementState::Present);
        assert_eq!(state(&c, "DP-01"), (ElementState::Missing, (0, 0)));
    }

    #[test]
    fn what_is_no_bill_is_refused() {
        assert!(g7_coverage(&json!({"a": 1})).is_err());
        assert!(g7_coverage(&json!([1])).is_err());
    }
}
