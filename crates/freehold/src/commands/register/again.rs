//! All records assessed once more: what a newer law, other facts or another day would change, and writing it down.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::ArgMatches;
use freehold_assess::{Deployment, House};
use freehold_base::{Severity, shown};
use freehold_catalog::Catalog;
use freehold_check::{Parts, judge_unasked};
use freehold_record::{Command, Record, State, difference};
use freehold_register::{Register, Row};
use freehold_wire::{TrainingData, restored_case};
use serde_json::{Value, json};

use super::{
    Wrong, assessed, change_several, folded, last_day, now, open, open_to_write, outcome_of, pages, person, usage,
};
use crate::commands::{prepare, print, report};
use crate::context::{from_flags, get};
use crate::exit;
use crate::load::Run;
use crate::parallel::in_order;

/// Records that are assessed and written together.
const BATCH: u32 = 256;
/// Records between two signs of progress on a terminal.
const PROGRESS_EVERY: usize = 1000;

/// Under what records are judged.
pub(super) struct Law<'c> {
    pub(super) catalog: &'c Catalog,
    as_of: String,
    house: Arc<House>,
    /// Facts that are stated over those of each record.
    facts: Deployment,
}

impl<'c> Law<'c> {
    /// The law of a run, without the facts of its flags.
    pub(super) fn of(run: Run<'c>) -> Law<'c> {
        Law { catalog: run.catalog, as_of: run.as_of, house: run.house, facts: Deployment::empty(run.catalog) }
    }

    /// What a record is judged on under it.
    pub(super) fn parts(&self, record: &Record) -> Result<Parts, Wrong> {
        let text = |d: &Value, key: &str| d[key].as_str().unwrap_or_default().to_string();
        let data: Vec<TrainingData> = record
            .datasets
            .values()
            // what only measures a model is no part of it
            .filter(|d| ["train", "preference", "distill"].iter().any(|r| d["role"] == *r))
            .map(|d| TrainingData {
                id: text(d, "id"),
                license: Some(text(d, "license")).filter(|l| l != "unknown").unwrap_or_default(),
                generator: text(d, "generator"),
                owned: d["acquisition"] == "owned",
            })
            .collect();
        let mut parts = restored_case(&record.case, &data, self.catalog, &self.as_of)
            .map_err(|e| usage(format!("{}: {e}", record.name), "assess it again from its files"))?;
        for (id, _) in crate::cli::stated_facts(self.catalog) {
            if let Some(value) = self.facts.get(id) {
                parts.deployment.set(self.catalog, id, Some(value.clone()));
            }
        }
        parts.house = self.house.clone();
        Ok(parts)
    }

    /// What a record's assessment says under it: the body of an event.
    fn assess(&self, record: &Record) -> Result<Value, Wrong> {
        let mut body = assessed(&judge_unasked(self.parts(record)?, self.catalog))?;
        // the case is what was read; what is said besides stands in the record
        body["case"]["graph"] = record.case["graph"].clone();
        body["datasets"] = json!(record.datasets.keys().collect::<Vec<_>>());
        Ok(body)
    }

    /// What a decision would rest on under it.
    fn outcome(&self, record: &Record) -> Result<Value, Wrong> {
        outcome_of(&judge_unasked(self.parts(record)?, self.catalog))
    }
}

/// The facts that the flags state, and their words.
fn stated(matches: &ArgMatches, catalog: &Catalog) -> Result<(Deployment, Vec<String>), Wrong> {
    let mut mistakes = Vec::new();
    let mut facts = Deployment::empty(catalog);
    let words = from_flags(matches, catalog, &mut facts, &mut mistakes);
    let failed = mistakes.iter().any(|d| d.severity == Severity::Error);
    report(&mistakes);
    if failed { Err(Wrong::Told(exit::USAGE)) } else { Ok((facts, words)) }
}

/// True for a record about which something is still to be decided, or was and may fall.
fn is_open(state: State) -> bool {
    !matches!(state, State::Rejected | State::Withdrawn | State::Superseded | State::Retired)
}

/// What was looked at.
struct Looked {
    /// How many records.
    records: usize,
    /// Those of them that keep no case: id and name.
    unkept: Vec<String>,
}

impl Looked {
    /// What is told of those that keep no case; empty for none.
    fn note(&self) -> String {
        note(
            &self.unkept,
            "keep no case, and can be assessed from their files alone: freehold register assess RECORD PATH",
        )
    }
}

/// How many, and the first of them; empty for none.
fn note(all: &[String], says: &str) -> String {
    all.first().map_or_else(String::new, |first| format!("note      {} {says}\n          {first}\n", all.len()))
}

/// Each record that is open and keeps its case, a batch at a time.
fn each(
    register: &mut Register,
    wanted: &str,
    mut work: impl FnMut(&mut Register, Vec<(Row, Record)>) -> Result<(), Wrong>,
) -> Result<Looked, Wrong> {
    let moment = now();
    let progress = std::io::stderr().is_terminal();
    let mut looked = Looked { records: 0, unkept: Vec::new() };
    pages(register, BATCH, |register, page| {
        let mut batch = Vec::with_capacity(page.len());
        let before = looked.records / PROGRESS_EVERY;
        for row in page {
            if !State::parse(&row.state).is_some_and(is_open) {
                continue;
            }
            let record = folded(&register.history(&row.record)?);
            let state = record.state_at(moment);
            if !is_open(state) || !(wanted.is_empty() || wanted == state.as_str()) {
                continue;
            }
            looked.records += 1;
            if record.case.is_null() {
                looked.unkept.push(format!("{}  {}", row.record, record.name));
            } else {
                batch.push((row, record));
            }
        }
        if progress && looked.records / PROGRESS_EVERY > before {
            anstream::eprint!("\r{} records", looked.records);
        }
        work(register, batch)
    })?;
    if progress && looked.records >= PROGRESS_EVERY {
        anstream::eprint!("\r\x1b[K");
    }
    Ok(looked)
}

/// A record that a change would move.
struct Moved {
    id: String,
    name: String,
    state: String,
    before: String,
    after: String,
    lines: Vec<String>,
}

/// `freehold register impact`: which records another law, other facts or another day would move. Nothing is written.
pub(super) fn impact(matches: &ArgMatches, catalog: &Catalog) -> Result<u8, Wrong> {
    let mut after = Law::of(prepare(matches, catalog).map_err(Wrong::Told)?);
    let (facts, mut changes) = stated(matches, after.catalog)?;
    after.facts = facts;
    // another law is looked at beside the one that holds without the flag
    let other_law = matches.value_source("catalog") == Some(clap::parser::ValueSource::CommandLine);
    let held = other_law.then(|| crate::law::catalog(std::iter::empty())).transpose().map_err(Wrong::Told)?;
    let before = Law::of(prepare(matches, held.as_ref().unwrap_or(catalog)).map_err(Wrong::Told)?);
    let before = Law { as_of: crate::context::today(), ..before };
    if other_law {
        changes.push(format!("catalog {}, not {}", after.catalog.version, before.catalog.version));
    }
    if before.as_of != after.as_of {
        changes.push(format!("on {}, not {}", after.as_of, before.as_of));
    }
    if changes.is_empty() {
        return Err(usage(
            "nothing is to change",
            "--set organization.monthly_active_users=710000000, --catalog DIR, --as-of 2027-12-31",
        ));
    }
    let mut register = open(matches)?;
    let moment = now();
    let mut moved: Vec<Moved> = Vec::new();
    let mut behind: Vec<String> = Vec::new();
    let looked = each(&mut register, get(matches, "state").unwrap_or_default(), |_, batch| {
        let both = |(_, r): &(Row, Record)| Ok::<_, Wrong>((before.outcome(r)?, after.outcome(r)?));
        let outcomes = in_order(batch.iter().collect(), both);
        for ((row, record), outcome) in batch.iter().zip(outcomes) {
            let (old, new) = outcome?;
            if !record.differs_from(&old).is_empty() {
                behind.push(format!("{}  {}", row.record, record.name));
            }
            let lines = difference(&old, &new);
            if lines.is_empty() {
                continue;
            }
            let verdict = |o: &Value| o["verdict"].as_str().unwrap_or_default().to_string();
            moved.push(Moved {
                id: row.record.clone(),
                name: record.name.clone(),
                state: state_words(record, moment),
                before: verdict(&old),
                after: verdict(&new),
                lines,
            });
        }
        Ok(())
    })?;
    if get(matches, "format") == Some("json") {
        let one = |m: &Moved| json!({"id": m.id, "name": m.name, "state": m.state, "before": m.before, "after": m.after, "difference": m.lines});
        let page = json!({
            "schema": "freehold.impact/1",
            "changes": changes,
            "looked_at": looked.records,
            "moved": moved.iter().map(one).collect::<Vec<_>>(),
            "behind": behind,
            "not_kept": looked.unkept,
        });
        print(&format!("{page:#}\n"));
    } else {
        let mut out = format!(
            "if        {}\nthen      of {} record{}, {} would rest on other grounds\n",
            changes.join(", "),
            looked.records,
            if looked.records == 1 { "" } else { "s" },
            moved.len()
        );
        out.push_str(&tally(&moved));
        for m in &moved {
            out.push_str(&format!("\n{}  {}  ({})\n", m.id, m.name, m.state));
            m.lines.iter().for_each(|l| out.push_str(&format!("  {l}\n")));
        }
        let behind = note(&behind, "already rest on other grounds than the law of today: freehold register reassess");
        for told in [behind, looked.note()].iter().filter(|t| !t.is_empty()) {
            out.push_str(&format!("\n{told}"));
        }
        print(&shown(&out));
    }
    Ok(match (looked.records, moved.is_empty()) {
        (0, _) => exit::NOTHING,
        (_, true) => exit::CLEAR,
        _ => exit::OPEN,
    })
}

/// From which answer to which, how often.
fn tally(moved: &[Moved]) -> String {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for m in moved.iter().filter(|m| m.before != m.after) {
        *counts.entry((&m.before, &m.after)).or_default() += 1;
    }
    counts.iter().map(|((a, b), n)| format!("          {n}: {a} -> {b}\n")).collect()
}

/// `freehold register reassess`: assesses every record once more under the law of today, and writes down those whose outcome is
/// another: an approval whose grounds have changed falls by that.
pub(super) fn reassess(matches: &ArgMatches, catalog: &Catalog) -> Result<u8, Wrong> {
    let who = person(matches)?;
    let mut law = Law::of(prepare(matches, catalog).map_err(Wrong::Told)?);
    let (facts, changes) = stated(matches, law.catalog)?;
    law.facts = facts;
    let mut register = open_to_write(matches)?;
    let moment = now();
    let (mut changed, mut fell, mut raced) = (0_usize, 0_usize, 0_usize);
    let mut told = String::new();
    let trigger =
        changes.iter().cloned().chain([format!("catalog {}", law.catalog.version)]).collect::<Vec<_>>().join(", ");
    let looked = each(&mut register, get(matches, "state").unwrap_or_default(), |register, batch| {
        let bodies = in_order(batch.iter().collect(), |(_, r): &(Row, Record)| {
            // most records stay as they are
            let same = changes.is_empty() && r.unassessed().is_empty() && r.differs_from(&law.outcome(r)?).is_empty();
            if same { Ok(None) } else { law.assess(r).map(Some) }
        });
        let mut writes: Vec<(String, u64, Command)> = Vec::new();
        for ((row, record), body) in batch.iter().zip(bodies) {
            let Some(mut body) = body? else { continue };
            let lines = record.differs_from(&body["outcome"]);
            let facts_moved = body["deployment"] != record.deployment;
            if lines.is_empty() && !facts_moved && record.unassessed().is_empty() {
                continue;
            }
            // the bytes are those that were read when the case was kept
            body["artifact"] = json!(record.artifact);
            body["files"] = record.files.clone();
            body["trigger"] = json!(trigger);
            let was = state_words(record, moment);
            told.push_str(&format!("\n{}  {}  ({was})\n", row.record, record.name));
            if facts_moved {
                told.push_str(&format!("  facts: {}\n", changes.join(", ")));
            }
            lines.iter().for_each(|l| told.push_str(&format!("  {l}\n")));
            writes.push((row.record.clone(), record.events, Command::Assess(body)));
        }
        if writes.is_empty() {
            return Ok(());
        }
        for outcome in change_several(register, &who, writes)? {
            match outcome {
                None => raced += 1,
                Some((before, after)) => {
                    changed += 1;
                    fell += usize::from(before.is_in_force() && !after.is_in_force());
                }
            }
        }
        Ok(())
    })?;
    let mut out = format!(
        "assessed  {} record{} by catalog {}: {changed} changed, {fell} approval{} fell\n",
        looked.records,
        if looked.records == 1 { "" } else { "s" },
        law.catalog.version,
        if fell == 1 { "" } else { "s" },
    );
    out.push_str(&told);
    if raced > 0 {
        out.push_str(&format!("note      {raced} were changed by somebody meanwhile: run it again\n"));
    }
    out.push_str(&looked.note());
    print(&shown(&out));
    Ok(match (looked.records, fell) {
        (0, _) => exit::NOTHING,
        (_, 0) => exit::CLEAR,
        _ => exit::OPEN,
    })
}

/// A record whose files were assessed, with what else it says it was trained on: the body of an event.
pub(super) fn with_datasets(body: Value, record: &Record, run: Run<'_>) -> Result<Value, Wrong> {
    if body["case"].is_null() {
        return Ok(body);
    }
    let mut whole = record.clone();
    whole.case = body["case"].clone();
    let mut again = Law::of(run).assess(&whole)?;
    again["artifact"] = body["artifact"].clone();
    again["files"] = body["files"].clone();
    Ok(again)
}

/// What of the outcome has changed since a decision, in lines; empty where nothing has.
pub(super) fn since(record: &Record) -> Vec<String> {
    record.outcome_at_decision().map_or_else(Vec::new, |then| difference(then, &record.outcome))
}

/// Until when a record in force is.
pub(super) fn state_words(record: &Record, moment: i64) -> String {
    let state = record.state_at(moment);
    if state.is_in_force() {
        format!("{} until {}", state.as_str(), last_day(record.expires))
    } else {
        state.as_str().to_string()
    }
}
