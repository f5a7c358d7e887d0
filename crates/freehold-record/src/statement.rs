//! What people and files state of a model, in one document: the five areas of a record without its decisions. It is what a
//! `record.toml` holds, what a bill of materials carries, and what is brought into another register.

use serde_json::{Map, Value, json};

use crate::decide::{Command, Problem, problem};
use crate::fields::{FIELDS, field};
use crate::record::{Entry, Record};

/// Lists of a statement.
const LISTS: &[&str] = &["datasets", "clauses", "attributions"];

impl Record {
    /// The five areas as a document: fields in tables by the first part of their name, with their states where they are not
    /// known and their sources; `datasets`, `clauses`, `attributions` as lists. [`statement_commands`] is its inverse.
    pub fn statement(&self) -> Value {
        let mut out = Map::new();
        for f in FIELDS {
            let Some(fact) = self.facts.get(f.name) else { continue };
            let Some((table, key)) = f.name.split_once('.') else { continue };
            let mut said = Map::new();
            if fact.state == "known" {
                said.insert("value".into(), fact.value.clone());
            } else {
                said.insert("state".into(), json!(fact.state));
            }
            said.insert("source".into(), json!(fact.source));
            if let Some(table) = out.entry(table).or_insert_with(|| json!({})).as_object_mut() {
                table.insert(key.into(), Value::Object(said));
            }
        }
        let bodies = |all: &std::collections::BTreeMap<String, Entry>| -> Vec<Value> {
            all.values().map(|e| e.body.clone()).collect()
        };
        let lists = [self.datasets.values().cloned().collect(), bodies(&self.clauses), bodies(&self.attributions)];
        for (key, mut list) in LISTS.iter().zip(lists) {
            // an event of another program may say nothing
            list.retain(Value::is_object);
            if !list.is_empty() {
                out.insert((*key).into(), Value::Array(list));
            }
        }
        Value::Object(out)
    }
}

impl Record {
    /// True where a command of a statement would state again what stands there.
    pub fn states(&self, command: &Command) -> bool {
        let id = |body: &Value| body["id"].as_str().unwrap_or_default().to_string();
        let entry = |all: &std::collections::BTreeMap<String, Entry>, body: &Value| {
            all.get(&id(body)).is_some_and(|e| e.body == *body)
        };
        match command {
            Command::Set(body) => {
                let fact = body["field"].as_str().and_then(|f| self.facts.get(f));
                fact.is_some_and(|f| {
                    f.value == body["value"] && body["state"] == f.state.as_str() && body["source"] == f.source.as_str()
                })
            }
            Command::Dataset(body) => self.datasets.get(&id(body)) == Some(body),
            Command::Clause(body) => entry(&self.clauses, body),
            Command::Attribution(body) => entry(&self.attributions, body),
            _ => false,
        }
    }
}

/// The commands that a statement comes to. A field is a value (`revision = "0cb88a4"`, `used = true`) or a table of `value`,
/// `state` and `source`; `source` is what stands for a value that names none. Whether a value is one of its field is decided with
/// each command.
///
/// # Errors
/// Every key that is no part of a statement, at once.
pub fn statement_commands(statement: &Value, source: &str) -> Result<Vec<Command>, Vec<Problem>> {
    let (mut out, mut wrong) = (Vec::new(), Vec::new());
    let Some(top) = statement.as_object() else {
        return Err(vec![problem("statement", "it is no table", "[base] revision = \"…\"")]);
    };
    for (key, value) in top {
        match (LISTS.iter().find(|l| *l == key), value) {
            (Some(list), Value::Array(rows)) => {
                for row in rows {
                    if !row.is_object() {
                        wrong.push(problem(*list, "a list of tables", format!("[[{list}]] id = \"…\"")));
                        continue;
                    }
                    let row = row.clone();
                    out.push(match *list {
                        "datasets" => Command::Dataset(row),
                        "clauses" => Command::Clause(row),
                        _ => Command::Attribution(row),
                    });
                }
            }
            (Some(list), _) => wrong.push(problem(*list, "a list of tables", format!("[[{list}]] id = \"…\""))),
            (None, Value::Object(fields)) => {
                for (name, said) in fields {
                    let name = format!("{key}.{name}");
                    match one_field(&name, said, source) {
                        Ok(body) => out.push(Command::Set(body)),
                        Err(p) => wrong.push(p),
                    }
                }
            }
            (None, _) => {
                wrong.push(problem(
                    key,
                    "no part of a record is called so",
                    "freehold register fields lists its tables",
                ));
            }
        }
    }
    if wrong.is_empty() { Ok(out) } else { Err(wrong) }
}

fn one_field(name: &str, said: &Value, source: &str) -> Result<Value, Problem> {
    if field(name).is_none() {
        return Err(problem(name, "no field is called so", "freehold register fields"));
    }
    let text = |value: &Value| match value {
        Value::String(s) => Some(s.clone()),
        Value::Bool(b) => Some(if *b { "yes" } else { "no" }.to_string()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    };
    let Some(said) = said.as_object() else {
        let value = text(said).ok_or_else(|| problem(name, "a text, a number, true or false", ""))?;
        return Ok(json!({"field": name, "value": value, "state": "known", "source": source}));
    };
    if let Some(key) = said.keys().find(|k| !["value", "state", "source"].contains(&k.as_str())) {
        return Err(problem(name, format!("`{key}` is no part of a field"), "value, state, source"));
    }
    let state = said.get("state").and_then(Value::as_str).unwrap_or("known");
    let value = said.get("value").and_then(text).map_or(Value::Null, Value::String);
    let source = said.get("source").and_then(Value::as_str).unwrap_or(source);
    Ok(json!({"field": name, "value": value, "state": state, "source": source}))
}
