//! All records assessed once more: what a newer law, other facts or another day would change, and writing it down.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use clap::ArgMatches;
use freehold_assess::Deployment;
use freehold_base::{Severity, shown};
use freehold_catalog::Catalog;
use freehold_governance::{Again, Impact, Law, Looked, Moved, Wrong, usage};
use freehold_record::Record;
use serde_json::Value;

use super::{open, open_to_write, person};
use crate::commands::{prepare, print, report};
use crate::context::{from_flags, get};
use crate::exit;
use crate::load::Run;

/// The law of a run, without the facts of its flags.
pub(super) fn law_of(run: Run<'_>) -> Law<'_> {
    Law { catalog: run.catalog, as_of: run.as_of, house: run.house, facts: Deployment::empty(run.catalog) }
}

/// Signs of progress on a terminal.
fn on_terminal(all: usize) {
    if std::io::stderr().is_terminal() {
        anstream::eprint!("\r{all} records\x1b[K");
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

/// What is told of records that keep no case; empty for none.
fn unkept(looked: &Looked) -> String {
    note(
        &looked.unkept,
        "keep no case, and can be assessed from their files alone: freehold register assess RECORD PATH",
    )
}

/// How many, and the first of them; empty for none.
fn note(all: &[String], says: &str) -> String {
    all.first().map_or_else(String::new, |first| format!("note      {} {says}\n          {first}\n", all.len()))
}

/// `freehold register impact`: which records another law, other facts or another day would move. Nothing is written.
pub(super) fn impact(matches: &ArgMatches, catalog: &Catalog) -> Result<u8, Wrong> {
    let mut after = law_of(prepare(matches, catalog).map_err(Wrong::Told)?);
    let (facts, mut changes) = stated(matches, after.catalog)?;
    after.facts = facts;
    // another law is looked at beside the one that holds without the flag
    let other_law = matches.value_source("catalog") == Some(clap::parser::ValueSource::CommandLine);
    let held = other_law.then(|| crate::law::catalog(std::iter::empty())).transpose().map_err(Wrong::Told)?;
    let before = law_of(prepare(matches, held.as_ref().unwrap_or(catalog)).map_err(Wrong::Told)?);
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
    let wanted = get(matches, "state").unwrap_or_default();
    let found = freehold_governance::impact(&mut register, &before, &after, wanted, &mut on_terminal)?;
    let Impact { moved, behind, looked } = &found;
    if get(matches, "format") == Some("json") {
        print(&format!("{:#}\n", found.to_json(&changes)));
    } else {
        let mut out = format!(
            "if        {}\nthen      of {} record{}, {} would rest on other grounds\n",
            changes.join(", "),
            looked.records,
            if looked.records == 1 { "" } else { "s" },
            moved.len()
        );
        out.push_str(&tally(moved));
        for m in moved {
            out.push_str(&format!("\n{}  {}  ({})\n", m.id, m.name, m.state));
            m.lines.iter().for_each(|l| out.push_str(&format!("  {l}\n")));
        }
        let behind = note(behind, "already rest on other grounds than the law of today: freehold register reassess");
        for told in [behind, unkept(looked)].iter().filter(|t| !t.is_empty()) {
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
    let mut law = law_of(prepare(matches, catalog).map_err(Wrong::Told)?);
    let (facts, changes) = stated(matches, law.catalog)?;
    law.facts = facts;
    let mut register = open_to_write(matches)?;
    let wanted = get(matches, "state").unwrap_or_default();
    let done = freehold_governance::reassess(&mut register, &who, &law, &changes, wanted, &mut on_terminal)?;
    let Again { told, changed, fell, raced, looked } = &done;
    let (changed, fell, raced) = (*changed, *fell, *raced);
    let mut out = format!(
        "assessed  {} record{} by catalog {}: {changed} changed, {fell} approval{} fell\n",
        looked.records,
        if looked.records == 1 { "" } else { "s" },
        law.catalog.version,
        if fell == 1 { "" } else { "s" },
    );
    for r in told {
        out.push_str(&format!("\n{}  {}  ({})\n", r.id, r.name, r.was));
        if r.facts_moved {
            out.push_str(&format!("  facts: {}\n", changes.join(", ")));
        }
        r.lines.iter().for_each(|l| out.push_str(&format!("  {l}\n")));
    }
    if raced > 0 {
        out.push_str(&format!("note      {raced} were changed by somebody meanwhile: run it again\n"));
    }
    out.push_str(&unkept(looked));
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
    let mut again = law_of(run).assess(&whole)?;
    again["artifact"] = body["artifact"].clone();
    again["files"] = body["files"].clone();
    Ok(again)
}
