//! The words of the workflow and the commands that they are.

use freehold_record::{Command, Record};
use freehold_register::Register;
use serde_json::{Map, Value};

use crate::Who;
use crate::records::change;
use crate::time::{DAY_MICROS, end_of};
use crate::wrong::{Wrong, usage};

type Made = fn(Value) -> Command;

/// Every step that a person takes on a record, by its word, and whether it is a step of the workflow (else something is added).
pub const STEPS: &[(&str, bool, Made)] = &[
    ("dataset", false, Command::Dataset),
    ("clause", false, Command::Clause),
    ("attribution", false, Command::Attribution),
    ("exception", false, Command::Exception),
    ("approve-exception", false, Command::ApproveException),
    ("condition", false, Command::Condition),
    ("condition-met", false, Command::ConditionMet),
    ("submit", true, Command::Submit),
    ("triage", true, Command::Triage),
    ("request-changes", true, Command::RequestChanges),
    ("need-counsel", true, Command::NeedCounsel),
    ("counsel-answered", true, Command::CounselAnswered),
    ("approve", true, Command::Approve),
    ("reject", true, Command::Reject),
    ("withdraw", true, Command::Withdraw),
    ("suspend", true, Command::Suspend),
    ("resume", true, Command::Resume),
    ("renew", true, Command::Renew),
    ("supersede", true, Command::Supersede),
    ("retire", true, Command::Retire),
];

/// The command that a word is; `None` for a word that is none.
pub fn command(word: &str, body: Value) -> Option<Command> {
    STEPS.iter().find(|(w, _, _)| *w == word).map(|(_, _, made)| made(body))
}

/// What a step says, by the words that people write it with, and the names that its event has.
const SAID: &[(&str, &str)] = &[
    ("entry", "id"),
    ("answer", "answer"),
    ("reason", "reason"),
    ("where", "where"),
    ("covers", "covers"),
    ("says", "says"),
    ("by", "by"),
];

/// Takes a step on a record. `said`: `entry`, `answer`, `reason`, `where`, `covers`, `says`, `by`, `comment` (which can be erased
/// later), `until` and `due` (days), and for a dataset `values`. With `expected`, only where the record has so many events.
///
/// # Errors
/// Words that are none; what the workflow refuses; [`Wrong::Changed`].
pub fn step(
    register: &mut Register,
    id: &str,
    who: &Who,
    word: &str,
    said: &Map<String, Value>,
    expected: Option<u64>,
) -> Result<Record, Wrong> {
    let date = |key: &str| -> Result<Option<i64>, Wrong> {
        let Some(day) = said.get(key).and_then(Value::as_str).filter(|d| !d.is_empty()) else { return Ok(None) };
        end_of(day).map(Some).ok_or_else(|| usage(format!("`{day}` is no day"), "write it as 2027-01-31"))
    };
    let (until, due) = (date("until")?, date("due")?);
    let (_, record) = change(register, Some(id), who, |change, before| {
        if expected.is_some_and(|n| n != before.events) {
            return Err(Wrong::Changed);
        }
        let mut body = match said.get("values") {
            Some(Value::Object(values)) if word == "dataset" => values.clone(),
            _ => Map::new(),
        };
        for (key, named) in SAID {
            if let Some(value) = said.get(*key).and_then(Value::as_str).filter(|v| !v.is_empty()) {
                body.insert((*named).into(), value.into());
            }
        }
        // what a person says in their own words can be erased
        if let Some(comment) = said.get("comment").and_then(Value::as_str).filter(|v| !v.is_empty()) {
            body.insert("comment".into(), change.private(comment)?);
        }
        for (value, key) in [(until, "expires"), (due, "due")] {
            if let Some(value) = value {
                body.insert(key.into(), value.into());
            }
        }
        if word == "approve" && until.is_none() {
            body.insert("expires".into(), change.at.saturating_add(365 * DAY_MICROS).into());
        }
        command(word, Value::Object(body))
            .ok_or_else(|| usage(format!("`{word}` is no step"), "submit, triage, approve, …"))
    })?;
    Ok(record)
}
