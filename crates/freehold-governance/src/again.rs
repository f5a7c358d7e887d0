//! All records assessed once more: what a newer law, other facts or another day would change, and writing it down.

use std::sync::Arc;

use freehold_assess::{Deployment, House};
use freehold_catalog::Catalog;
use freehold_check::{Parts, judge_unasked};
use freehold_record::{Command, Record, State, difference};
use freehold_register::{Register, Row};
use freehold_wire::{TrainingData, restored_case};
use serde_json::{Value, json};

use crate::Who;
use crate::assessed::{assessed, outcome_of, stated_facts};
use crate::parallel::in_order;
use crate::records::{change_several, folded, pages};
use crate::time::{last_day, now};
use crate::wrong::{Wrong, usage};

/// Records that are assessed and written together.
const BATCH: u32 = 256;
/// Records between two signs of progress on a terminal.
const PROGRESS_EVERY: usize = 1000;

/// Under what records are judged.
#[derive(Clone)]
pub struct Law<'c> {
    /// The catalog.
    pub catalog: &'c Catalog,
    /// The day, `YYYY-MM-DD`.
    pub as_of: String,
    /// The house's own law.
    pub house: Arc<House>,
    /// Facts that are stated over those of each record.
    pub facts: Deployment,
}

impl<'c> Law<'c> {
    /// What a record is judged on under it.
    ///
    /// # Errors
    /// The record keeps no case, or one that this build does not read.
    pub fn parts(&self, record: &Record) -> Result<Parts, Wrong> {
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
        for (id, _) in stated_facts(self.catalog) {
            if let Some(value) = self.facts.get(id) {
                parts.deployment.set(self.catalog, id, Some(value.clone()));
            }
        }
        parts.house = self.house.clone();
        Ok(parts)
    }

    /// What a record's assessment says under it: the body of an event.
    ///
    /// # Errors
    /// As [`Law::parts`].
    pub fn assess(&self, record: &Record) -> Result<Value, Wrong> {
        let mut body = assessed(&judge_unasked(self.parts(record)?, self.catalog))?;
        // the case is what was read; what is said besides stands in the record
        body["case"]["graph"] = record.case["graph"].clone();
        body["datasets"] = json!(record.datasets.keys().collect::<Vec<_>>());
        Ok(body)
    }

    /// What a decision would rest on under it.
    ///
    /// # Errors
    /// As [`Law::parts`].
    pub fn outcome(&self, record: &Record) -> Result<Value, Wrong> {
        outcome_of(&judge_unasked(self.parts(record)?, self.catalog))
    }
}

/// True for a record about which something is still to be decided, or was and may fall.
fn is_open(state: State) -> bool {
    !matches!(state, State::Rejected | State::Withdrawn | State::Superseded | State::Retired)
}

/// What was looked at.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// How many records.
    pub records: usize,
    /// Those of them that keep no case: id and name.
    pub unkept: Vec<String>,
}

/// Each record that is open and keeps its case, a batch at a time.
fn each(
    register: &mut Register,
    wanted: &str,
    progress: &mut dyn FnMut(usize),
    mut work: impl FnMut(&mut Register, Vec<(Row, Record)>) -> Result<(), Wrong>,
) -> Result<Looked, Wrong> {
    let moment = now();
    let mut looked = Looked::default();
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
        if looked.records / PROGRESS_EVERY > before {
            progress(looked.records);
        }
        work(register, batch)
    })?;
    Ok(looked)
}

/// A record that a change would move.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it stands, with its last day.
    pub state: String,
    /// The verdict by the law of today.
    pub before: String,
    /// The verdict after the change.
    pub after: String,
    /// What differs, line by line.
    pub lines: Vec<String>,
}

/// What a change would move.
#[derive(Clone, Debug, Default)]
pub struct Impact {
    /// Records that would rest on other grounds.
    pub moved: Vec<Moved>,
    /// Records that already do: id and name.
    pub behind: Vec<String>,
    /// What was looked at.
    pub looked: Looked,
}

impl Impact {
    /// `freehold.impact/1`; `changes` are the words of the change.
    pub fn to_json(&self, changes: &[String]) -> Value {
        let one = |m: &Moved| json!({"id": m.id, "name": m.name, "state": m.state, "before": m.before, "after": m.after, "difference": m.lines});
        json!({
            "schema": "freehold.impact/1",
            "changes": changes,
            "looked_at": self.looked.records,
            "moved": self.moved.iter().map(one).collect::<Vec<_>>(),
            "behind": self.behind,
            "not_kept": self.looked.unkept,
        })
    }
}

/// Which records another law, other facts or another day would move; `wanted` is a state, or empty. Nothing is written.
///
/// # Errors
/// What the register refuses; a record whose case cannot be read.
pub fn impact(
    register: &mut Register,
    before: &Law<'_>,
    after: &Law<'_>,
    wanted: &str,
    progress: &mut dyn FnMut(usize),
) -> Result<Impact, Wrong> {
    let moment = now();
    let mut out = Impact::default();
    let (moved, behind) = (&mut out.moved, &mut out.behind);
    let looked = each(register, wanted, progress, |_, batch| {
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
    out.looked = looked;
    Ok(out)
}

/// A record that was assessed again and is another.
#[derive(Clone, Debug)]
pub struct Reassessed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it stood before.
    pub was: String,
    /// True where the facts of its use are others.
    pub facts_moved: bool,
    /// What differs, line by line.
    pub lines: Vec<String>,
}

/// What was written down anew.
#[derive(Clone, Debug, Default)]
pub struct Again {
    /// Records that are others.
    pub told: Vec<Reassessed>,
    /// How many were written.
    pub changed: usize,
    /// Approvals that fell by it.
    pub fell: usize,
    /// Records that somebody changed meanwhile.
    pub raced: usize,
    /// What was looked at.
    pub looked: Looked,
}

/// Assesses every record once more, and writes down those whose outcome is another: an approval whose grounds have changed falls by
/// that. `changes` are the words of what is stated besides.
///
/// # Errors
/// What the register or the workflow refuses; a record whose case cannot be read.
pub fn reassess(
    register: &mut Register,
    who: &Who,
    law: &Law<'_>,
    changes: &[String],
    wanted: &str,
    progress: &mut dyn FnMut(usize),
) -> Result<Again, Wrong> {
    let moment = now();
    let mut out = Again::default();
    let trigger =
        changes.iter().cloned().chain([format!("catalog {}", law.catalog.version)]).collect::<Vec<_>>().join(", ");
    let counts = &mut out;
    let looked = each(register, wanted, progress, |register, batch| {
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
            counts.told.push(Reassessed {
                id: row.record.clone(),
                name: record.name.clone(),
                was: state_words(record, moment),
                facts_moved,
                lines,
            });
            writes.push((row.record.clone(), record.events, Command::Assess(body)));
        }
        if writes.is_empty() {
            return Ok(());
        }
        for outcome in change_several(register, who, writes)? {
            match outcome {
                None => counts.raced += 1,
                Some((before, after)) => {
                    counts.changed += 1;
                    counts.fell += usize::from(before.is_in_force() && !after.is_in_force());
                }
            }
        }
        Ok(())
    })?;
    out.looked = looked;
    Ok(out)
}

/// What of the outcome has changed since a decision, in lines; empty where nothing has.
pub fn since(record: &Record) -> Vec<String> {
    record.outcome_at_decision().map_or_else(Vec::new, |then| difference(then, &record.outcome))
}

/// Until when a record in force is.
pub fn state_words(record: &Record, moment: i64) -> String {
    let state = record.state_at(moment);
    if state.is_in_force() {
        format!("{} until {}", state.as_str(), last_day(record.expires))
    } else {
        state.as_str().to_string()
    }
}
