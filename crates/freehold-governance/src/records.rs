//! Records: what their events come to, lists of them, and changes.

use freehold_record::{Command, Context, Record, Rules, Standing, State, Told, decide};
use freehold_register::{Change, Event, Filter, NewEvent, Register, Row, new_id};
use serde_json::{Map, Value, json};

use crate::Who;
use crate::house::House;
use crate::time::now;
use crate::wrong::{Wrong, usage};

/// Most records that a name is looked for in.
pub const LOOKED_MAX: u32 = 100_000;

pub(crate) fn told(e: &Event) -> Told<'_> {
    Told { at: e.at, kind: &e.kind, role: &e.role, actor: &e.actor, body: &e.body }
}

/// What events come to.
pub fn folded(events: &[Event]) -> Record {
    Record::fold(events.iter().map(told))
}

/// What lists keep of a record. Its state is the workflow's: whether an approval still stands is read off the clock.
pub fn project(events: &[Event]) -> Option<Row> {
    let first = events.first().filter(|e| !e.record.is_empty())?;
    Some(row_of(&first.record, &folded(events)))
}

pub(crate) fn row_of(id: &str, record: &Record) -> Row {
    Row {
        record: id.to_string(),
        name: record.name.clone(),
        state: record.stage.as_str().to_string(),
        artifact: record.artifact.clone(),
        expires: record.expires,
        updated: record.updated,
        body: listed(record).to_string(),
    }
}

/// What lists show of a record, and what its state hangs on.
pub(crate) fn listed(record: &Record) -> Value {
    let words = |key: &str| -> Vec<String> {
        let all = record.value(key).unwrap_or_default();
        all.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_string).collect()
    };
    let owner = record.value("governance.owner");
    json!({
        "standing": record.standing().to_json(),
        "verdict": record.outcome["verdict"],
        "licenses": words("license.concluded"),
        "bases": words("base.model"),
        "owner": owner,
    })
}

/// Every row, at most so many at a time (0: as many as a register gives).
///
/// # Errors
/// What the register refuses, and what `work` or the workflow does.
pub fn pages(
    register: &mut Register,
    most: u32,
    mut work: impl FnMut(&mut Register, Vec<Row>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut after = String::new();
    loop {
        let page = register.list(&Filter { after: after.clone(), most, ..Filter::default() })?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.record);
        work(register, page)?;
    }
}

/// The id of the record that a person named: its id, the beginning of one, or its name.
///
/// # Errors
/// No record, or several, go by it.
pub fn named(register: &mut Register, what: &str) -> Result<String, Wrong> {
    if register.row(what)?.is_some() {
        return Ok(what.to_string());
    }
    let rows = register.list(&Filter { most: LOOKED_MAX, ..Filter::default() })?;
    let by_id = |r: &&Row| what.len() >= 6 && r.record.starts_with(&what.to_uppercase());
    let mut found: Vec<&Row> = rows.iter().filter(|r| r.name == what).collect();
    if found.is_empty() {
        found = rows.iter().filter(by_id).collect();
    }
    match found.as_slice() {
        [one] => Ok(one.record.clone()),
        [] => Err(usage(format!("no record is called `{what}`"), "freehold register list")),
        many => {
            let ids: Vec<&str> = many.iter().map(|r| r.record.as_str()).collect();
            Err(usage(
                format!("several records are called `{what}`"),
                format!("name one by its id: {}", ids.join(", ")),
            ))
        }
    }
}

/// Does a command on a record; `id` = `None` makes a new one.
///
/// # Errors
/// What the register refuses, and what `work` or the workflow does.
pub fn change(
    register: &mut Register,
    id: Option<&str>,
    who: &Who,
    command: impl FnOnce(&mut Change<'_>, &Record) -> Result<Command, Wrong>,
) -> Result<(String, Record), Wrong> {
    let moment = now();
    let id = match id {
        Some(id) => id.to_string(),
        None => new_id(moment)?,
    };
    let done = register.change(moment, |change| -> Result<Record, Wrong> {
        let house = House::of(&change.history("")?);
        let before = folded(&change.history(&id)?);
        let command = command(change, &before)?;
        one_change(change, &id, who, &house, &before, &command)
    })?;
    let (record, _) = done?;
    Ok((id, record))
}

/// Does commands on several records at once, so that all of them are kept or none is: where each stood before and stands after.
/// `None` for a record that has other events by now than were counted.
///
/// # Errors
/// What the register refuses, and what `work` or the workflow does.
pub fn change_several(
    register: &mut Register,
    who: &Who,
    commands: Vec<(String, u64, Command)>,
) -> Result<Vec<Option<(State, State)>>, Wrong> {
    let moment = now();
    let done = register.change(moment, |change| -> Result<_, Wrong> {
        let house = House::of(&change.history("")?);
        let mut out = Vec::with_capacity(commands.len());
        for (id, events, command) in &commands {
            let before = folded(&change.history(id)?);
            if before.events != *events {
                out.push(None);
                continue;
            }
            let after = one_change(change, id, who, &house, &before, command)?;
            out.push(Some((before.state_at(moment), after.state_at(moment))));
        }
        Ok(out)
    })?;
    Ok(done?.0)
}

/// One command on one record, within a change of the register.
///
/// # Errors
/// What the register refuses, and what `work` or the workflow does.
pub fn one_change(
    change: &mut Change<'_>,
    id: &str,
    (who, role): &Who,
    house: &House,
    record: &Record,
    command: &Command,
) -> Result<Record, Wrong> {
    let actor = change.private(who)?;
    let holds = house.people.as_ref().map(|p| p.get(&actor.to_string()).cloned().unwrap_or_default());
    let context = Context { now: change.at, actor: &actor, role, holds: holds.as_deref(), rules: &house.rules };
    // who was erased and acts again is somebody new: that they did not ask for the record cannot be told
    let asked = record.requester["private"].as_str().unwrap_or_default();
    if matches!(command, Command::Approve(_) | Command::ApproveException(_)) && change.private_text(asked)?.is_none() {
        return Err(Wrong::Refused(vec![freehold_record::Problem {
            about: "actor".into(),
            says: "the name of who asked for the record was erased, so nobody can be told from them".into(),
            fix: "send it back (`request-changes`) and have somebody else submit it".into(),
        }]));
    }
    let (kind, body) = decide(record, command, &context).map_err(Wrong::Refused)?;
    let event =
        change.append(&NewEvent { record: id.to_string(), kind: kind.into(), role: role.clone(), actor, body })?;
    let mut after = record.clone();
    after.apply(&told(&event));
    change.put_row(&row_of(id, &after))?;
    Ok(after)
}

/// Roles that have yet to approve.
pub fn waiting(record: &Record, rules: &Rules) -> Vec<&'static str> {
    if record.stage != freehold_record::State::Review {
        return Vec::new();
    }
    let inputs = record.inputs();
    let given = |role: &str| record.approvals.iter().any(|a| a.role == role && a.inputs == inputs);
    rules.approvers(record).into_iter().filter(|r| !given(r)).collect()
}

/// A line of a list.
pub struct Listed {
    /// What the register keeps for lists.
    pub row: Row,
    /// Its own words: verdict, licenses, bases, owner.
    pub body: Value,
    /// Where it stands at the moment of reading.
    pub state: State,
}

impl Listed {
    /// Read off its row and the clock.
    pub fn of(row: Row, moment: i64) -> Listed {
        let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
        // what cannot be read is in force for nobody
        let state = Standing::from_json(&body["standing"]).map_or(State::ReReview, |s| s.state_at(moment));
        Listed { row, body, state }
    }

    /// A key's words.
    pub fn words(&self, key: &str) -> Vec<&str> {
        match &self.body[key] {
            Value::String(one) => vec![one],
            all => all.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        }
    }

    /// True where one of the words begins with what is asked for, in any case: `llama` finds every version.
    pub fn has(&self, key: &str, asked: &str) -> bool {
        begins(self.words(key), &asked.to_lowercase())
    }
}

/// True where one of the words, or what follows its last slash, begins with what is asked for, which is in lower case.
pub fn begins<'w>(words: impl IntoIterator<Item = &'w str>, asked: &str) -> bool {
    words.into_iter().any(|w| {
        let w = w.to_lowercase();
        w.starts_with(asked) || w.rsplit('/').next().is_some_and(|name| name.starts_with(asked))
    })
}

/// Private texts of a value, put back where they were not erased.
///
/// # Errors
/// What the register refuses, and what `work` or the workflow does.
pub fn told_whole(register: &mut Register, value: &Value) -> Result<Value, Wrong> {
    Ok(match value {
        Value::Array(all) => Value::Array(all.iter().map(|v| told_whole(register, v)).collect::<Result<_, _>>()?),
        Value::Object(members) => match (members.len(), members.get("private").and_then(Value::as_str)) {
            (1, Some(hash)) => json!(register.private(hash)?.unwrap_or_else(|| "(erased)".into())),
            _ => {
                let mut out = Map::new();
                for (k, v) in members {
                    out.insert(k.clone(), told_whole(register, v)?);
                }
                Value::Object(out)
            }
        },
        other => other.clone(),
    })
}
