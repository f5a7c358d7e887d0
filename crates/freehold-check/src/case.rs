//! A case: a subject, the works around it, who asks and what for, in one document. The plumbing of `assess`, the form
//! of scenarios and of what the register stores.

use std::sync::Arc;

use freehold_assess::{Deployment, House, Notice, Release, statement_parts};
use freehold_base::{Basis, Claim, Diagnostic, Evidence, Graph, MadeBy, Relation, WorkKind};
use freehold_catalog::Catalog;
use freehold_catalog::document::{Key, Node, NodeValue, Sink, Table, parse_toml};
use freehold_lineage::{complete, link, work_index};

use crate::dossier::{Outgoing, Parts, Subject};
use crate::house::read_own;
use crate::statement::read_facts;

/// A case, completed with what the catalog knows.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its id; empty where none is given.
    pub id: String,
    /// The graph.
    pub graph: Graph,
    /// The facts.
    pub deployment: Deployment,
    /// What the release shows, where the case says.
    pub release: Option<Release>,
    /// The house's own law, where the case states any.
    pub house: House,
    /// The catalog with the terms of the case's agreements in it, where it has any: what the case is judged under.
    pub law: Option<Catalog>,
}

impl Case {
    /// What a dossier of the case is made from; `path` is the file that it came from, empty for none.
    pub fn into_parts(self, path: &str, as_of: &str) -> Parts {
        let id = if self.id.is_empty() { self.graph.works[self.graph.subject].id.clone() } else { self.id };
        Parts {
            subject: Subject { id, path: path.to_string(), place: path.to_string(), ..Subject::default() },
            graph: self.graph,
            deployment: self.deployment,
            outgoing: self.release.map(|release| Outgoing { release, ..Outgoing::default() }),
            made_by: None,
            diagnostics: Vec::new(),
            not_read: Vec::new(),
            as_of: as_of.to_string(),
            findings: Vec::new(),
            house: Arc::new(self.house),
        }
    }
}

/// Most bytes of one case.
pub const CASE_BYTES_MAX: usize = 4 << 20;

/// Reads a case from TOML.
pub fn case_from_toml(file: &str, text: &str, catalog: &Catalog, as_of: &str) -> (Option<Case>, Vec<Diagnostic>) {
    let sink = Sink::new(file, text);
    let node = parse_toml(&sink);
    let case = read_case(&node, catalog, as_of, &sink);
    (case, sink.into_diagnostics())
}

/// Reads a case from one line of JSON.
pub fn case_from_json(file: &str, line: &str, catalog: &Catalog, as_of: &str) -> (Option<Case>, Vec<Diagnostic>) {
    let sink = Sink::new(file, line);
    if line.len() > CASE_BYTES_MAX {
        let message = format!("a case of {} bytes; the limit is {CASE_BYTES_MAX}", line.len());
        sink.error("case-too-large", (0, 0), message);
        return (None, sink.into_diagnostics());
    }
    let value: serde_json::Value = match serde_json::from_str(line) {
        Ok(v) => v,
        Err(e) => {
            let at = e.column().saturating_sub(1).min(line.len());
            sink.error("json-syntax", (at, at), format!("not JSON: {}", strip_position(&e.to_string())));
            return (None, sink.into_diagnostics());
        }
    };
    let node = node_of_json(&value, (0, line.len()));
    let case = read_case(&node, catalog, as_of, &sink);
    (case, sink.into_diagnostics())
}

fn strip_position(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}

/// JSON as a document; serde_json keeps no places, so every node has the whole line's.
pub fn node_of_json(value: &serde_json::Value, span: (usize, usize)) -> Node {
    use serde_json::Value as Json;
    let value = match value {
        Json::Null => NodeValue::Null,
        Json::Bool(b) => NodeValue::Bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(i) => NodeValue::Integer(i),
            None => NodeValue::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => NodeValue::Text(s.clone()),
        Json::Array(a) => NodeValue::List(a.iter().map(|v| node_of_json(v, span)).collect()),
        Json::Object(o) => {
            NodeValue::Table(o.iter().map(|(k, v)| (Key { name: k.clone(), span }, node_of_json(v, span))).collect())
        }
    };
    Node { value, span }
}

fn read_case(node: &Node, catalog: &Catalog, as_of: &str, sink: &Sink<'_>) -> Option<Case> {
    let top = Table::open(node, "case", sink)?;
    let id = top.text("id").map(|t| t.text).unwrap_or_default();
    for ignored in ["topic", "expected", "confidence", "schema"] {
        top.get(ignored);
    }
    let mut graph = Graph::default();
    let mut release = None;
    match top.table("subject") {
        None => {
            if top.get("subject").is_none() {
                top.missing("subject");
            }
            return None;
        }
        Some(subject) => read_work(subject, &mut graph, Some(&mut release), sink),
    }
    for work in top.tables("works") {
        read_work(work, &mut graph, None, sink);
    }
    let mut deployment = Deployment::empty(catalog);
    for prefix in ["organization", "use"] {
        if let Some(node) = top.get(prefix) {
            read_facts(prefix, node, catalog, sink, &mut deployment);
        }
    }
    let own = read_own(&top, catalog, as_of, sink);
    top.finish();
    for d in complete(&mut graph, catalog, as_of) {
        sink.diagnostics.borrow_mut().push(d);
    }
    Some(Case { id, graph, deployment, release, house: own.house, law: own.law })
}

fn read_work(table: Table<'_, '_>, graph: &mut Graph, release: Option<&mut Option<Release>>, sink: &Sink<'_>) {
    let id = table.need("id");
    let evidence = Evidence::stated("case");
    let index = work_index(graph, &id.text, &evidence);
    let made_by_words: Vec<&str> = MadeBy::ALL.iter().map(|m| m.as_str()).collect();
    let made_by = table.word("made_by", &made_by_words, MadeBy::parse);
    let kind_words: Vec<&str> = WorkKind::ALL.iter().map(|m| m.as_str()).collect();
    let kind = table.word("kind", &kind_words, WorkKind::parse);
    // unset = the publisher named in the id
    let publisher = id.text.contains('/').then_some(MadeBy::ThirdParty);
    let claims = read_claims(&table, &evidence);
    let work = &mut graph.works[index];
    work.made_by = made_by.or(publisher);
    work.kind = kind.unwrap_or(WorkKind::Model);
    work.name = table.text("name").map(|t| t.text);
    work.description = table.text("description").map(|t| t.text);
    work.claims.extend(claims);
    read_parents(&table, graph, index, &evidence, sink);
    read_datasets(&table, graph, index, &evidence);
    let notices = table.get("notices").is_some().then(|| Release {
        notices: table.texts("notices").into_iter().map(|t| notice(&t.text)).collect(),
        unsure: Vec::new(),
    });
    if let Some(slot) = release {
        *slot = notices;
    }
    table.finish();
}

fn read_claims(table: &Table<'_, '_>, evidence: &Evidence) -> Vec<Claim> {
    let mut claims = Vec::new();
    let at = |key: &str| Evidence { key: key.into(), ..evidence.clone() };
    if let Some(t) = table.text("license") {
        claims.push(Claim::new(t.text, Basis::Told, at("license")));
    }
    if let Some(t) = table.text("license_expression") {
        claims.push(Claim { expression: true, ..Claim::new(t.text, Basis::Declared, at("license_expression")) });
    }
    if let Some(t) = table.text("license_file") {
        for (covers, license) in statement_parts(&t.text) {
            claims.push(Claim {
                covers: covers.into_iter().collect(),
                ..Claim::new(license, Basis::Recognized, at("license_file"))
            });
        }
    }
    if let Some(t) = table.text("declared_license") {
        claims.push(Claim::new(t.text, Basis::Declared, at("declared_license")));
    }
    claims
}

fn read_parents(table: &Table<'_, '_>, graph: &mut Graph, child: usize, evidence: &Evidence, _sink: &Sink<'_>) {
    let words: Vec<&str> = Relation::ALL.iter().map(|r| r.as_str()).collect();
    for row in table.tables("parents") {
        let parent = row.need("work").text;
        let relation = row.word("relation", &words, Relation::parse).unwrap_or(Relation::Derived);
        row.finish();
        if parent.is_empty() {
            continue;
        }
        let known = graph.find(&parent).is_some();
        let index = work_index(graph, &parent, evidence);
        if !known && parent.contains('/') {
            graph.works[index].made_by = Some(MadeBy::ThirdParty);
        }
        link(graph, child, index, relation, evidence.clone());
    }
}

fn read_datasets(table: &Table<'_, '_>, graph: &mut Graph, child: usize, evidence: &Evidence) {
    for (i, row) in table.tables("datasets").into_iter().enumerate() {
        let description = row.text("description").map(|t| t.text);
        let license = row.text("license").map(|t| t.text);
        let id = row.text("id").map(|t| t.text).unwrap_or_else(|| format!("dataset {}", i + 1));
        row.finish();
        let index = work_index(graph, &id, evidence);
        let work = &mut graph.works[index];
        work.kind = WorkKind::Dataset;
        work.made_by = Some(MadeBy::ThirdParty);
        work.description = description;
        work.claims.extend(license.map(|l| Claim::new(l, Basis::Told, evidence.clone())));
        link(graph, child, index, Relation::TrainedOnData, evidence.clone());
    }
}

/// `license-copy:llama-3.1` → kind and what; a word alone is a kind.
fn notice(text: &str) -> Notice {
    match text.split_once(':') {
        Some((kind, what)) => Notice { kind: kind.trim().into(), what: what.trim().into() },
        None => Notice { kind: text.trim().into(), what: String::new() },
    }
}
