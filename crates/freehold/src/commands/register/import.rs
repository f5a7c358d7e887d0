//! Many records at once: from a bill of materials, a table, an export of a model registry, folders of models; and a record's facts
//! from a file.

use std::collections::BTreeSet;
use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;

use clap::ArgMatches;
use freehold_assess::Deployment;
use freehold_base::{Basis, Claim, Diagnostic, Evidence, Graph, Relation, Severity, nearest, shown};
use freehold_catalog::document::{Node, NodeValue, Sink, parse_toml};
use freehold_catalog::{Catalog, FactId};
use freehold_check::{Parts, Subject, complete_graph, fact_from_text, judge_unasked, link, work_index};
use freehold_record::{Command, FIELDS, Problem, ROLES, Record, Rules, field, may, statement_commands};
use freehold_register::{Change, Register, new_id};
use freehold_wire::{TrainingData, registry_versions, trained_on};
use serde_json::{Map, Value, json};

use freehold_governance::{House, Who, Wrong, assessed, folded, in_order, now, one_change, pages, stated_facts};

use super::{diagnostic, open_to_write, person};
use crate::commands::{prepare, print, report};
use crate::context::{all, text_of};
use crate::exit;
use crate::load::{Run, dossiers};

/// Largest table, in bytes.
const TABLE_BYTES_MAX: u64 = 512 << 20;
/// Largest export of a registry, in bytes.
const EXPORT_BYTES_MAX: u64 = 64 << 20;
/// Most rows of a table.
const ROWS_MAX: usize = 1_000_000;
/// Most columns.
const COLUMNS_MAX: usize = 512;
/// Mistakes that are told.
const MISTAKES_MAX: usize = 50;
/// Records that are written together.
const BATCH: usize = 256;

/// The columns of a table that say what a model is. Others are facts (`use.access`) and fields (`governance.owner`).
const COLUMNS: &[(&str, &str)] = &[
    ("name", "what the record is called"),
    ("model", "the model's id (default: the name)"),
    ("base", "what it was made from; several by `;`"),
    ("relation", "the step: finetune, adapter, merge, quantized, …"),
    ("dataset", "what it was trained on; several by `;`"),
    ("license", "the license that its author says"),
];

/// A model that somebody lists.
#[derive(Default)]
struct Listed {
    /// File and line, or place.
    place: String,
    name: String,
    model: String,
    bases: Vec<String>,
    relation: Option<Relation>,
    datasets: Vec<String>,
    license: String,
    facts: Vec<(FactId, freehold_base::Value)>,
    statement: Map<String, Value>,
}

/// A record that is to be made.
struct New {
    body: Value,
    more: Vec<Command>,
}

/// One that may still have to be judged: what is judged is larger than what is listed.
enum Pending {
    Listed(Box<Listed>),
    Judged(Box<New>),
}

impl Pending {
    fn name(&self) -> &str {
        match self {
            Pending::Listed(l) => &l.name,
            Pending::Judged(n) => n.body["name"].as_str().unwrap_or_default(),
        }
    }
}

/// Judges what is not; in order.
fn judged(pending: Vec<Pending>, run: &Run<'_>) -> Result<Vec<New>, Wrong> {
    let one = |p: Pending| match p {
        Pending::Listed(l) => l.judged(run),
        Pending::Judged(n) => Ok(*n),
    };
    in_order(pending, one).into_iter().collect()
}

impl Listed {
    /// Judges it: what it is made from and under is all that is known.
    fn judged(&self, run: &Run<'_>) -> Result<New, Wrong> {
        let evidence = Evidence::stated(self.place.clone());
        let mut graph = Graph::default();
        let subject = work_index(&mut graph, &self.model, &evidence);
        if let Some(work) = graph.works.get_mut(subject) {
            work.name = Some(self.name.clone()).filter(|n| *n != self.model);
            if !self.license.is_empty() {
                work.claims.push(Claim::new(&self.license, Basis::Declared, evidence.clone()));
            }
        }
        for base in &self.bases {
            let parent = work_index(&mut graph, base, &evidence);
            link(&mut graph, subject, parent, self.relation.unwrap_or(Relation::Derived), evidence.clone());
        }
        for id in &self.datasets {
            trained_on(&mut graph, &TrainingData { id: id.clone(), ..TrainingData::default() }, &evidence);
        }
        let diagnostics = complete_graph(&mut graph, run.catalog, &run.as_of);
        let mut deployment: Deployment = run.deployment.clone();
        for (id, value) in &self.facts {
            deployment.set(run.catalog, *id, Some(value.clone()));
        }
        let parts = Parts {
            subject: Subject { id: self.name.clone(), kind: "listed in a table".into(), ..Subject::default() },
            graph,
            deployment,
            outgoing: None,
            made_by: run.said.made_by,
            diagnostics,
            not_read: vec!["the files themselves: a list is somebody's word for them".into()],
            as_of: run.as_of.clone(),
            findings: Vec::new(),
            house: run.house.clone(),
        };
        let mut body = assessed(&judge_unasked(parts, run.catalog))?;
        body["name"] = json!(self.name);
        let more = statement_commands(&Value::Object(self.statement.clone()), &self.place).map_err(Wrong::Refused)?;
        Ok(New { body, more })
    }
}

/// What was wrong, up to a limit.
#[derive(Default)]
struct Mistakes {
    told: Vec<Diagnostic>,
    more: usize,
}

impl Mistakes {
    fn push(&mut self, d: Diagnostic) {
        if self.told.len() < MISTAKES_MAX { self.told.push(d) } else { self.more += 1 }
    }

    fn fail(mut self) -> Result<(), Wrong> {
        if self.told.is_empty() {
            return Ok(());
        }
        if self.more > 0 {
            self.told.push(Diagnostic::error("more", format!("and {} more", self.more)));
        }
        report(&self.told);
        Err(Wrong::Told(exit::USAGE))
    }
}

/// What a column holds.
enum Column {
    Known(usize),
    Fact(FactId),
    Field(&'static str),
}

fn column(name: &str, run: &Run<'_>) -> Option<Column> {
    let name = name.trim();
    if let Some(at) = COLUMNS.iter().position(|(n, _)| *n == name) {
        return Some(Column::Known(at));
    }
    if let Some((id, _)) = stated_facts(run.catalog).find(|(_, f)| f.name == name) {
        return Some(Column::Fact(id));
    }
    field(name).map(|f| Column::Field(f.name))
}

/// Puts a cell where it belongs.
fn fill(listed: &mut Listed, column: &Column, text: &str, run: &Run<'_>, mistakes: &mut Mistakes) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let several = || text.split(';').map(|t| t.trim().to_string()).filter(|t| !t.is_empty()).collect::<Vec<String>>();
    match column {
        Column::Known(0) => listed.name = text.into(),
        Column::Known(1) => listed.model = text.into(),
        Column::Known(2) => listed.bases = several(),
        Column::Known(3) => {
            listed.relation = Relation::parse(text);
            if listed.relation.is_none() {
                let words: Vec<&str> = Relation::ALL.iter().map(|r| r.as_str()).collect();
                mistakes.push(
                    Diagnostic::error("unknown-word", format!("`{text}` is no step"))
                        .in_file(listed.place.clone())
                        .help(format!("one of: {}", words.join(", "))),
                );
            }
        }
        Column::Known(4) => listed.datasets = several(),
        Column::Known(_) => listed.license = text.into(),
        Column::Fact(id) => {
            let fact = run.catalog.facts.get(*id);
            let mut wrong = Vec::new();
            // a table's own separator is the comma
            let value = fact_from_text(&listed.place, &text.replace(';', ","), fact, run.catalog, &mut wrong);
            wrong.into_iter().for_each(|d| mistakes.push(d));
            listed.facts.extend(value.map(|v| (*id, v)));
        }
        Column::Field(name) => {
            if let Some(wrong) = field(name).and_then(|f| f.check(text).err()) {
                let message = format!("`{text}` is no value of {name}: {wrong}");
                mistakes.push(Diagnostic::error("wrong-value", message).in_file(listed.place.clone()));
                return;
            }
            if let Some((table, key)) = name.split_once('.')
                && let Some(table) = listed.statement.entry(table).or_insert_with(|| json!({})).as_object_mut()
            {
                table.insert(key.into(), json!(text));
            }
        }
    }
}

/// Rows of a table in CSV.
fn table(path: &str, run: &Run<'_>, mistakes: &mut Mistakes) -> Result<Vec<Listed>, Wrong> {
    let unreadable = |says: String| {
        report(&[Diagnostic::error("unreadable", says).in_file(path)]);
        Wrong::Told(exit::UNREADABLE)
    };
    let size = fs::metadata(path).map_err(|e| unreadable(format!("cannot be read: {}", e.kind())))?;
    if !size.is_file() || size.len() > TABLE_BYTES_MAX {
        return Err(unreadable(format!("no regular file of at most {TABLE_BYTES_MAX} bytes")));
    }
    let mut reader = csv::ReaderBuilder::new()
        .flexible(false)
        .from_path(path)
        .map_err(|e| unreadable(format!("cannot be read: {e}")))?;
    let heads = reader.headers().map_err(|e| unreadable(format!("no table: {e}")))?.clone();
    if heads.len() > COLUMNS_MAX {
        return Err(unreadable(format!("{} columns; the limit is {COLUMNS_MAX}", heads.len())));
    }
    let mut columns = Vec::with_capacity(heads.len());
    let known: Vec<&str> = COLUMNS
        .iter()
        .map(|(n, _)| *n)
        .chain(stated_facts(run.catalog).map(|(_, f)| f.name.as_str()))
        .chain(FIELDS.iter().map(|f| f.name))
        .collect();
    for head in &heads {
        let found = column(head.trim_start_matches('\u{feff}'), run);
        if found.is_none() {
            let d = Diagnostic::error("unknown-column", format!("no column is called `{head}`")).in_file(path);
            mistakes.push(match nearest(head.trim(), known.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help("name, model, base, relation, dataset, license, facts as `use.access`, fields as `governance.owner`"),
            });
        }
        columns.push(found);
    }
    if !columns.iter().any(|c| matches!(c, Some(Column::Known(0)))) {
        mistakes.push(Diagnostic::error("missing-column", "no column is called `name`").in_file(path));
    }
    let mut out: Vec<Listed> = Vec::new();
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(e) => {
                mistakes.push(Diagnostic::error("csv", e.to_string()).in_file(path));
                continue;
            }
        };
        if out.len() >= ROWS_MAX {
            return Err(unreadable(format!("more than {ROWS_MAX} rows")));
        }
        let line = row.position().map_or(0, csv::Position::line);
        let mut listed = Listed { place: format!("{path}:{line}"), ..Listed::default() };
        for (column, cell) in columns.iter().zip(&row) {
            if let Some(column) = column {
                fill(&mut listed, column, cell, run, mistakes);
            }
        }
        if listed.name.is_empty() {
            mistakes.push(Diagnostic::error("missing-name", "the row has no name").in_file(listed.place.clone()));
        }
        if listed.model.is_empty() {
            listed.model.clone_from(&listed.name);
        }
        out.push(listed);
    }
    Ok(out)
}

/// Versions of registered models, each as a row; `None` for what is no export of a registry.
fn registry(
    path: &str,
    text: &str,
    run: &Run<'_>,
    mistakes: &mut Mistakes,
    notes: &mut Vec<Diagnostic>,
) -> Option<Vec<Listed>> {
    let versions = registry_versions(&serde_json::from_str(text).ok()?)?;
    let mut out = Vec::with_capacity(versions.len());
    let mut unused: BTreeSet<String> = BTreeSet::new();
    for (n, v) in versions.into_iter().enumerate() {
        if v.name.is_empty() {
            mistakes.push(Diagnostic::error("missing-name", format!("version {} has no name", n + 1)).in_file(path));
        }
        // a slash would make a repository of it
        let name = v.version.as_ref().map_or_else(|| v.name.clone(), |number| format!("{} v{number}", v.name));
        let mut listed = Listed { place: format!("{path} {name}"), model: name.clone(), name, ..Listed::default() };
        for (key, value) in v.tags {
            let asked = match key.as_str() {
                "base_model" => "base",
                "base_model_relation" => "relation",
                "license_name" => "license",
                "datasets" => "dataset",
                "model_id" => "model",
                other => other,
            };
            match column(asked, run).filter(|c| !matches!(c, Column::Known(0))) {
                Some(column) => fill(&mut listed, &column, &value.replace(", ", ";"), run, mistakes),
                None => {
                    unused.insert(key);
                }
            }
        }
        out.push(listed);
    }
    if !unused.is_empty() {
        let all: Vec<String> = unused.into_iter().take(20).collect();
        notes.push(
            Diagnostic::warning("not-imported", format!("tags that no record has a place for: {}", all.join(", ")))
                .in_file(path)
                .help("license, base_model, base_model_relation, datasets, facts as `use.access` and fields as `governance.owner` are taken"),
        );
    }
    Some(out)
}

/// `freehold register import`.
pub(super) fn import(matches: &ArgMatches, catalog: &Catalog) -> Result<u8, Wrong> {
    let who = person(matches)?;
    let run = prepare(matches, catalog).map_err(Wrong::Told)?;
    let (mut mistakes, mut notes) = (Mistakes::default(), Vec::new());
    let mut fresh: Vec<Pending> = Vec::new();
    for path in all(matches, "what") {
        let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        if extension == "csv" {
            let rows = table(path, &run, &mut mistakes)?;
            if mistakes.told.is_empty() {
                fresh.extend(rows.into_iter().map(|r| Pending::Listed(Box::new(r))));
            }
            continue;
        }
        if extension == "json" && crate::bills::bytes_of(path).is_none() {
            let small = fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= EXPORT_BYTES_MAX);
            let text = fs::read_to_string(path).ok().filter(|_| small);
            let rows = text.and_then(|t| registry(path, &t, &run, &mut mistakes, &mut notes));
            let Some(rows) = rows else {
                mistakes.push(
                    Diagnostic::error("not-a-list", "neither a bill of materials nor an export of a model registry")
                        .in_file(path)
                        .help("CycloneDX, SPDX, a table in CSV, what MLflow answers to registered-models/search or model-versions/search"),
                );
                continue;
            };
            if mistakes.told.is_empty() {
                fresh.extend(rows.into_iter().map(|r| Pending::Listed(Box::new(r))));
            }
            continue;
        }
        let loaded = dossiers(&[path], &run);
        loaded.mistakes.into_iter().chain(loaded.unreadable).chain(loaded.nothing).for_each(|d| mistakes.push(d));
        let carried = loaded.statements;
        for d in loaded.dossiers.iter().filter(|d| d.subject.components == 0) {
            let mut body = assessed(d)?;
            let name = d.graph.works.get(d.graph.subject).and_then(|w| w.name.clone());
            body["name"] = json!(name.unwrap_or_else(|| d.subject.id.clone()));
            let statement = carried.iter().find(|(id, _)| *id == d.subject.id).map(|(_, s)| s);
            let more = statement.map(|s| statement_commands(s, path)).transpose().map_err(Wrong::Refused)?;
            fresh.push(Pending::Judged(Box::new(New { body, more: more.unwrap_or_default() })));
        }
    }
    report(&notes);
    mistakes.fail()?;
    if fresh.is_empty() {
        return Ok(exit::NOTHING);
    }
    if matches.get_flag("dry-run") {
        let fresh = judged(fresh, &run)?;
        let lines: String = fresh
            .iter()
            .map(|n| {
                let word = |v: &Value| v.as_str().unwrap_or_default().to_string();
                format!("{}  {}\n", word(&n.body["name"]), word(&n.body["outcome"]["verdict"]))
            })
            .collect();
        print(&shown(&format!("{lines}would add {}\n", fresh.len())));
        return Ok(exit::CLEAR);
    }
    let mut register = open_to_write(matches)?;
    let (added, there, left) = write(&mut register, &who, fresh, &run)?;
    let mut out = format!("added     {added} record{}\n", if added == 1 { "" } else { "s" });
    if there > 0 {
        out.push_str(&format!("note      {there} are there by their names already, and were left as they are\n"));
    }
    for (role, fields) in left {
        out.push_str(&format!(
            "note      for {role} to state: {}\n",
            fields.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    out.push_str("next      freehold register list\n");
    print(&shown(&out));
    Ok(exit::CLEAR)
}

/// What of a statement a role may not state: role, fields and lists.
pub(super) type Left = std::collections::BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Leaves out what a role may not state.
fn allowed(command: &Command, role: &str, left: &mut Left) -> bool {
    let (word, list) = match command {
        Command::Dataset(_) => ("dataset", "datasets"),
        Command::Clause(_) => ("clause", "clauses"),
        Command::Attribution(_) => ("attribution", "attributions"),
        _ => ("set", ""),
    };
    if !list.is_empty() {
        let whose = ROLES.iter().map(|(r, _)| *r).find(|r| may(r, word)).unwrap_or("requester");
        if !may(role, word) {
            left.entry(whose).or_default().insert(list);
        }
        return may(role, word);
    }
    let Command::Set(body) = command else { return true };
    let Some(f) = field(body["field"].as_str().unwrap_or_default()) else { return true };
    if !f.is_stated_by(role) {
        left.entry(f.role).or_default().insert(f.name);
    }
    f.is_stated_by(role)
}

/// States what a record does not state yet and the role may; what it may not is put into `left`.
fn state_all(
    change: &mut Change<'_>,
    id: &str,
    who: &Who,
    house: &House,
    mut record: Record,
    commands: &[Command],
    left: &mut Left,
) -> Result<Record, Wrong> {
    for command in commands {
        if !record.states(command) && allowed(command, &who.1, left) {
            record = one_change(change, id, who, house, &record, command)?;
        }
    }
    Ok(record)
}

/// Makes records: how many were made, how many were there, what was left for others to state.
fn write(
    register: &mut Register,
    who: &Who,
    fresh: Vec<Pending>,
    run: &Run<'_>,
) -> Result<(usize, usize, Left), Wrong> {
    let progress = std::io::stderr().is_terminal();
    let mut names: BTreeSet<String> = BTreeSet::new();
    pages(register, 0, |_, page| {
        names.extend(page.into_iter().map(|r| r.name));
        Ok(())
    })?;
    let (mut added, mut left) = (0_usize, Left::new());
    let all = fresh.len();
    let mut waiting = fresh.into_iter().filter(|p| names.insert(p.name().to_string())).peekable();
    while waiting.peek().is_some() {
        let batch = judged(waiting.by_ref().take(BATCH).collect(), run)?;
        let moment = now();
        let done = register.change(moment, |change| -> Result<(), Wrong> {
            let house = House::of(&change.history("")?);
            // ids in the order of the list: each a millisecond later
            for (new, at) in batch.iter().zip((moment..).step_by(1000)) {
                let name = new.body["name"].as_str().unwrap_or_default();
                let id = new_id(at)?;
                let create = Command::Create(new.body.clone());
                let record = one_change(change, &id, who, &house, &Record::default(), &create)?;
                state_all(change, &id, who, &house, record, &new.more, &mut left).map_err(|w| named(w, name))?;
                added += 1;
            }
            Ok(())
        })?;
        done?;
        if progress && added.is_multiple_of(1024) {
            anstream::eprint!("\r{added} records");
        }
    }
    if progress {
        anstream::eprint!("\r\x1b[K");
    }
    Ok((added, all.saturating_sub(added), left))
}

/// A refusal with the record that it is about.
fn named(wrong: Wrong, name: &str) -> Wrong {
    match wrong {
        Wrong::Refused(problems) => Wrong::Refused(
            problems.into_iter().map(|p| Problem { about: format!("{name}: {}", p.about), ..p }).collect(),
        ),
        other => other,
    }
}

/// A document as JSON.
fn json_of(node: &Node) -> Value {
    match &node.value {
        NodeValue::Null => Value::Null,
        NodeValue::Bool(b) => json!(b),
        NodeValue::Integer(n) => json!(n),
        NodeValue::Float(f) => json!(f),
        NodeValue::Text(t) | NodeValue::Date(t) => json!(t),
        NodeValue::List(all) => Value::Array(all.iter().map(json_of).collect()),
        NodeValue::Table(all) => Value::Object(all.iter().map(|(k, v)| (k.name.clone(), json_of(v))).collect()),
    }
}

/// The rules of a file: `[[rule]]`, each with `roles` and what it looks at.
pub(super) fn rules_file(path: &str) -> Result<Rules, Wrong> {
    let value = document(path)?;
    Rules::from_json(&value["rule"]).map_err(|wrong| mistakes_of(path, wrong))
}

/// The facts of a `record.toml`.
pub(super) fn record_file(path: &str) -> Result<Vec<Command>, Wrong> {
    let value = document(path)?;
    let name = Path::new(path).file_name().map_or_else(|| path.to_string(), |n| n.to_string_lossy().into_owned());
    statement_commands(&value, &format!("file {name}")).map_err(|wrong| mistakes_of(path, wrong))
}

fn mistakes_of(path: &str, wrong: Vec<Problem>) -> Wrong {
    report(&wrong.into_iter().map(|p| diagnostic("record-file", p).in_file(path)).collect::<Vec<_>>());
    Wrong::Told(exit::USAGE)
}

/// A file in TOML as JSON.
fn document(path: &str) -> Result<Value, Wrong> {
    let told = |d: Diagnostic| {
        report(&[d]);
        Wrong::Told(exit::USAGE)
    };
    let text = text_of(Path::new(path)).map_err(|d| told(*d))?;
    let sink = Sink::new(path, &text);
    let node = parse_toml(&sink);
    let mistakes = sink.into_diagnostics();
    if mistakes.iter().any(|d| d.severity == Severity::Error) {
        report(&mistakes);
        return Err(Wrong::Told(exit::USAGE));
    }
    Ok(json_of(&node))
}

/// `freehold register set RECORD --from FILE`: everything that a file states, at once.
pub(super) fn set_from(
    register: &mut Register,
    id: &str,
    who: &Who,
    commands: &[Command],
) -> Result<(Record, Left), Wrong> {
    let mut left = Left::new();
    let done = register.change(now(), |change| -> Result<Record, Wrong> {
        let house = House::of(&change.history("")?);
        let record = folded(&change.history(id)?);
        state_all(change, id, who, &house, record, commands, &mut left)
    })?;
    Ok((done?.0, left))
}
