//! A record, as its events come to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::fields::{FIELDS, field};
use crate::workflow::{Standing, State};

/// One event, as a register keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'e> {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What happened.
    pub kind: &'e str,
    /// In which role.
    pub role: &'e str,
    /// Who.
    pub actor: &'e Value,
    /// What it says.
    pub body: &'e Value,
}

/// A value of a field, and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The value; null where there is none.
    pub value: Value,
    /// known, unknown, not-applicable, disputed.
    pub state: String,
    /// Where it is from: `file README.md:3`, `assessment`, `person`.
    pub source: String,
    /// Who said it.
    pub by: Value,
    /// When.
    pub at: i64,
}

/// An exception, a condition: something with an id that is answered later.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it says, as its event does.
    pub body: Value,
    /// Who wrote it.
    pub by: Value,
    /// When.
    pub at: i64,
    /// Who answered it: approved the exception, met the condition; null for nobody yet.
    pub answered_by: Value,
    /// When that was.
    pub answered_at: Option<i64>,
}

/// A step of an approval.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// In which role.
    pub role: String,
    /// Who.
    pub by: Value,
    /// When.
    pub at: i64,
    /// What it was given for: the digest of the record's inputs then.
    pub inputs: String,
    /// Said with it; may be a private text.
    pub comment: Value,
}

/// A record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What it is called.
    pub name: String,
    /// Digest of what was read of the model.
    pub artifact: String,
    /// SHA-256 of its files, as far as they are known.
    pub files: Value,
    /// The facts of the deployment that were assessed: name to value.
    pub deployment: Value,
    /// What of the assessment a decision rests on ([`crate::outcome`]).
    pub outcome: Value,
    /// What it was judged on (`freehold.stored-case/1`), so that it can be judged again without its files; null where it was too
    /// large to be kept.
    pub case: Value,
    /// Ids of the datasets that the last assessment took in.
    pub assessed_with: Vec<String>,
    /// What it was made from: relation and parent, as the assessment says it.
    pub lineage: Value,
    /// Fields.
    pub facts: BTreeMap<String, Fact>,
    /// Datasets by their ids.
    pub datasets: BTreeMap<String, Value>,
    /// Answers to clauses of use policies, by `policy clause`.
    pub clauses: BTreeMap<String, Entry>,
    /// Where attributions were seen, by the obligation's code and license.
    pub attributions: BTreeMap<String, Entry>,
    /// Exceptions by their ids.
    pub exceptions: BTreeMap<String, Entry>,
    /// Conditions by their ids.
    pub conditions: BTreeMap<String, Entry>,
    /// Steps towards an approval since the record was last submitted.
    pub approvals: Vec<Approval>,
    /// Who asked for it.
    pub requester: Value,
    /// Where the workflow stands, not counting time and changes: [`Record::state_at`] does.
    pub stage: State,
    /// What an approval in force was given for; empty where there is none.
    pub decided: String,
    /// What a decision was given for, field by field, so that a change can be named.
    grounds: Value,
    /// When the approval ends, in microseconds; 0 where there is none.
    pub expires: i64,
    /// Why it stands where it stands: the last comment, difference, question.
    pub why: Value,
    /// Events so far.
    pub events: u64,
    /// When the last event was.
    pub updated: i64,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            name: String::new(),
            artifact: String::new(),
            files: Value::Null,
            deployment: json!({}),
            outcome: Value::Null,
            case: Value::Null,
            assessed_with: Vec::new(),
            lineage: Value::Null,
            facts: BTreeMap::new(),
            datasets: BTreeMap::new(),
            clauses: BTreeMap::new(),
            attributions: BTreeMap::new(),
            exceptions: BTreeMap::new(),
            conditions: BTreeMap::new(),
            approvals: Vec::new(),
            requester: Value::Null,
            stage: State::Draft,
            decided: String::new(),
            grounds: Value::Null,
            expires: 0,
            why: Value::Null,
            events: 0,
            updated: 0,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

impl Record {
    /// What events come to.
    pub fn fold<'e>(events: impl IntoIterator<Item = Told<'e>>) -> Record {
        let mut record = Record::default();
        events.into_iter().for_each(|e| record.apply(&e));
        record
    }

    /// Takes one more event in. An event of a kind that is not known changes nothing but the count.
    pub fn apply(&mut self, e: &Told<'_>) {
        self.events = self.events.saturating_add(1);
        self.updated = e.at;
        let id = text(&e.body["id"]);
        let entry = || Entry {
            body: e.body.clone(),
            by: e.actor.clone(),
            at: e.at,
            answered_by: Value::Null,
            answered_at: None,
        };
        match e.kind {
            "created" => {
                self.name = text(&e.body["name"]);
                self.requester = e.actor.clone();
                self.assessed(e);
            }
            "assessed" => self.assessed(e),
            "set" => self.set(&text(&e.body["field"]), e.body, e),
            "dataset" => {
                // what is said of it anew was not assessed
                self.assessed_with.retain(|d| *d != id);
                self.datasets.insert(id, e.body.clone());
            }
            "clause" => {
                self.clauses.insert(id, entry());
            }
            "attribution" => {
                self.attributions.insert(id, entry());
            }
            "exception" => {
                self.exceptions.insert(id, entry());
            }
            "condition" => {
                self.conditions.insert(id, entry());
            }
            "approve-exception" => answered(self.exceptions.get_mut(&id), e),
            "condition-met" => answered(self.conditions.get_mut(&id), e),
            "submitted" => {
                self.requester = e.actor.clone();
                self.approvals.clear();
                self.to(State::Triage, e);
            }
            "renewed" => {
                self.approvals.clear();
                self.to(State::Triage, e);
            }
            "triaged" => self.to(State::Review, e),
            "changes-requested" => self.to(State::ChangesRequested, e),
            "needs-counsel" => self.to(State::NeedsCounsel, e),
            "counsel-answered" => self.to(State::Review, e),
            "step-approved" => self.approved(e),
            "approved" => {
                self.approved(e);
                self.decided = text(&e.body["inputs"]);
                self.grounds = self.inputs_value();
                self.expires = number(&e.body["expires"]);
                let conditional = self.conditions.values().any(|c| c.answered_at.is_none());
                self.to(if conditional { State::ApprovedWithConditions } else { State::Approved }, e);
            }
            "rejected" => self.ended(State::Rejected, e),
            "withdrawn" => self.ended(State::Withdrawn, e),
            "suspended" => self.to(State::Suspended, e),
            "resumed" => self.to(State::Review, e),
            "superseded" => self.ended(State::Superseded, e),
            "retired" => self.ended(State::Retired, e),
            _ => {}
        }
    }

    fn to(&mut self, stage: State, e: &Told<'_>) {
        self.stage = stage;
        self.why = e.body["comment"].clone();
    }

    fn ended(&mut self, stage: State, e: &Told<'_>) {
        self.decided.clear();
        self.expires = 0;
        self.to(stage, e);
    }

    fn approved(&mut self, e: &Told<'_>) {
        self.approvals.retain(|a| a.role != e.role);
        self.approvals.push(Approval {
            role: e.role.to_string(),
            by: e.actor.clone(),
            at: e.at,
            inputs: text(&e.body["inputs"]),
            comment: e.body["comment"].clone(),
        });
    }

    fn assessed(&mut self, e: &Told<'_>) {
        self.artifact = text(&e.body["artifact"]);
        self.files = e.body["files"].clone();
        self.deployment = e.body["deployment"].clone();
        self.outcome = e.body["outcome"].clone();
        self.case = e.body["case"].clone();
        let taken = e.body["datasets"].as_array().into_iter().flatten();
        self.assessed_with = taken.filter_map(|d| d.as_str().map(str::to_string)).collect();
        self.lineage = e.body["lineage"].clone();
        let none = Map::new();
        for (name, body) in e.body["facts"].as_object().unwrap_or(&none) {
            // what a person said stands
            if self.facts.get(name).is_none_or(|f| f.source == "assessment") {
                self.set(name, body, e);
            }
        }
    }

    fn set(&mut self, name: &str, body: &Value, e: &Told<'_>) {
        let fact = Fact {
            value: body["value"].clone(),
            state: text(&body["state"]),
            source: text(&body["source"]),
            by: e.actor.clone(),
            at: e.at,
        };
        self.facts.insert(name.to_string(), fact);
    }

    /// A field's value, where it is known.
    pub fn value(&self, name: &str) -> Option<String> {
        let fact = self.facts.get(name).filter(|f| f.state == "known")?;
        fact.value.as_str().map(str::to_string)
    }

    /// True where a field is known or does not apply.
    pub fn is_settled(&self, name: &str) -> bool {
        self.facts.get(name).is_some_and(|f| f.state == "known" || f.state == "not-applicable")
    }

    /// What a decision is given for: everything of the record that is material, as one value.
    pub fn inputs_value(&self) -> Value {
        let facts: Map<String, Value> = self
            .facts
            .iter()
            .filter(|(name, _)| field(name).is_none_or(|f| f.material))
            .map(|(name, f)| (name.clone(), json!({"value": f.value, "state": f.state})))
            .collect();
        let bodies = |all: &BTreeMap<String, Entry>| -> Map<String, Value> {
            all.iter().map(|(id, e)| (id.clone(), e.body.clone())).collect()
        };
        json!({
            "artifact": self.artifact,
            "files": self.files,
            "deployment": self.deployment,
            "outcome": without(&self.outcome, "catalog"),
            "facts": facts,
            "datasets": self.datasets,
            "clauses": bodies(&self.clauses),
            "exceptions": bodies(&self.exceptions),
        })
    }

    /// The digest of [`Record::inputs_value`].
    pub fn inputs(&self) -> String {
        // every value came out of canonical JSON
        let form = freehold_log::canonical(&self.inputs_value()).unwrap_or_default();
        let digest = Sha256::digest(form.as_bytes());
        digest.iter().fold(String::from("sha256:"), |out, b| out + &format!("{b:02x}"))
    }

    /// What has changed since the decision, by name: `facts governance.risk`, `outcome`. Empty where nothing has.
    pub fn changed(&self) -> Vec<String> {
        if self.decided.is_empty() || self.decided == self.inputs() {
            return Vec::new();
        }
        let (before, now) = (&self.grounds, self.inputs_value());
        let mut out = Vec::new();
        for (key, value) in now.as_object().into_iter().flatten() {
            match (value, &before[key]) {
                (a, b) if a == b => {}
                (Value::Object(a), Value::Object(b)) => {
                    let mut names: Vec<&String> = a.keys().chain(b.keys()).filter(|k| a.get(*k) != b.get(*k)).collect();
                    names.sort();
                    names.dedup();
                    out.extend(names.into_iter().map(|n| format!("{key} {n}")));
                }
                _ => out.push(key.clone()),
            }
        }
        out
    }

    /// Datasets that no assessment took in yet.
    pub fn unassessed(&self) -> Vec<&str> {
        let is_new = |id: &&String| !self.assessed_with.contains(id);
        self.datasets.keys().filter(is_new).map(String::as_str).collect()
    }

    /// The outcome that a decision rested on; `None` where there is no decision.
    pub fn outcome_at_decision(&self) -> Option<&Value> {
        Some(&self.grounds["outcome"]).filter(|v| !self.decided.is_empty() && v.is_object())
    }

    /// Where the record stands at a moment ([`Standing::state_at`]).
    pub fn state_at(&self, now: i64) -> State {
        self.standing().state_at(now)
    }

    /// What its state hangs on, for lists that do not read its events.
    pub fn standing(&self) -> Standing {
        let open = self.conditions.values().filter(|c| c.answered_at.is_none());
        let agreed = self.exceptions.values().filter(|e| e.answered_at.is_some());
        Standing {
            stage: self.stage,
            updated: self.updated,
            expires: self.expires,
            changed: self.stage.is_in_force() && !self.changed().is_empty(),
            exception_ends: agreed.map(|e| number(&e.body["expires"])).min(),
            condition_due: open.map(|c| number(&c.body["due"])).min(),
        }
    }

    /// Fields that are neither known nor said not to apply; those that are needed first.
    pub fn missing(&self) -> Vec<&'static crate::Field> {
        let mut out: Vec<&'static crate::Field> = FIELDS.iter().filter(|f| !self.is_settled(f.name)).collect();
        out.sort_by_key(|f| (!f.needed, f.area));
        out
    }

    /// The record as JSON, `freehold.record/1`.
    pub fn to_json(&self, id: &str, now: i64) -> Value {
        let entries = |all: &BTreeMap<String, Entry>| -> Vec<Value> {
            let one = |(id, e): (&String, &Entry)| json!({"id": id, "says": e.body, "by": e.by, "at": e.at, "answered_by": e.answered_by, "answered_at": e.answered_at});
            all.iter().map(one).collect()
        };
        let facts: Map<String, Value> = FIELDS
            .iter()
            .map(|f| {
                let fact = self.facts.get(f.name);
                let value = json!({
                    "area": f.area.title(),
                    "value": fact.map_or(Value::Null, |x| x.value.clone()),
                    "state": fact.map_or("unknown", |x| x.state.as_str()),
                    "source": fact.map_or("", |x| x.source.as_str()),
                    "by": fact.map_or(Value::Null, |x| x.by.clone()),
                    "at": fact.map(|x| x.at),
                });
                (f.name.to_string(), value)
            })
            .collect();
        let approvals: Vec<Value> = self
            .approvals
            .iter()
            .map(|a| json!({"role": a.role, "by": a.by, "at": a.at, "inputs": a.inputs, "comment": a.comment}))
            .collect();
        json!({
            "schema": "freehold.record/1",
            "id": id,
            "name": self.name,
            "state": self.state_at(now).as_str(),
            "stage": self.stage.as_str(),
            "why": self.why,
            "changed": self.changed(),
            "artifact": self.artifact,
            "files": self.files,
            "lineage": self.lineage,
            "deployment": self.deployment,
            "outcome": self.outcome,
            "facts": facts,
            "datasets": self.datasets.values().collect::<Vec<_>>(),
            "clauses": entries(&self.clauses),
            "attributions": entries(&self.attributions),
            "exceptions": entries(&self.exceptions),
            "conditions": entries(&self.conditions),
            "requester": self.requester,
            "approvals": approvals,
            "inputs": self.inputs(),
            "decided": self.decided,
            "expires": self.expires,
            "events": self.events,
            "updated": self.updated,
        })
    }
}

fn answered(entry: Option<&mut Entry>, e: &Told<'_>) {
    if let Some(entry) = entry {
        entry.answered_by = e.actor.clone();
        entry.answered_at = Some(e.at);
    }
}

fn without(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.iter().filter(|(k, _)| *k != key).map(|(k, v)| (k.clone(), v.clone())).collect())
        }
        other => other.clone(),
    }
}
