//! The gate: whether an approval in force covers a model and a use.

use serde_json::Value;

use crate::record::Record;
use crate::workflow::State;

/// Whether a record covers what is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It does.
    Covered,
    /// It does not, and why: each a sentence, lower case, no full stop.
    Not(Vec<String>),
}

/// Facts of which a use may be narrower than what was approved: lists, and words that stand for one.
const LISTS: &[&str] = &["use.access", "use.activities", "use.customer_countries", "use.audience"];

fn items(value: &Value) -> Option<Vec<String>> {
    let one = |v: &Value| match v {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Null => None,
        Value::Array(all) => Some(all.iter().map(one).collect()),
        other => Some(vec![one(other)]),
    }
}

/// Whether an approval of this record, at a moment, covers a model by its digest in a use. What the use states must have been
/// stated when it was approved, and be no wider: fails closed.
pub fn covers(record: &Record, now: i64, artifact: &str, deployment: &Value) -> Coverage {
    let mut why = Vec::new();
    let state = record.state_at(now);
    if !state.is_in_force() {
        let mut says = format!("the record is {}", state.as_str());
        if state == State::ReReview {
            says.push_str(&format!(": changed since the approval: {}", record.changed().join(", ")));
        }
        why.push(says);
    }
    if artifact.is_empty() || record.artifact != artifact {
        why.push("it was approved for other bytes than these".to_string());
    }
    for (name, value) in deployment.as_object().into_iter().flatten() {
        let (Some(asked), approved) = (items(value), items(&record.deployment[name])) else { continue };
        match approved {
            None => why.push(format!("{name}: nothing was approved of it, and it is {}", asked.join(", "))),
            Some(approved) if LISTS.contains(&name.as_str()) => {
                let wider: Vec<String> = asked.into_iter().filter(|a| !approved.contains(a)).collect();
                if !wider.is_empty() {
                    why.push(format!("{name}: approved for {}, and not for {}", listed(&approved), wider.join(", ")));
                }
            }
            Some(approved) if approved != asked => {
                why.push(format!("{name}: approved for {}, and it is {}", listed(&approved), asked.join(", ")));
            }
            Some(_) => {}
        }
    }
    // what was narrower then and is not stated now is not known to be
    for name in LISTS.iter().filter(|n| !record.deployment[**n].is_null() && deployment[**n].is_null()) {
        why.push(format!("{name}: it was approved for a stated one, and none is stated"));
    }
    if why.is_empty() { Coverage::Covered } else { Coverage::Not(why) }
}

fn listed(all: &[String]) -> String {
    if all.is_empty() { "none".into() } else { all.join(", ") }
}
