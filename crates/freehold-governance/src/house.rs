//! What a register keeps of the organization: who holds which roles, who must approve what.

use std::collections::BTreeMap;

use freehold_record::Rules;
use freehold_register::{Change, Event, NewEvent, Register};
use serde_json::Value;

use crate::Who;
use crate::time::now;
use crate::wrong::{Wrong, usage};

/// What a register keeps of the organization.
pub struct House {
    /// Who holds which roles; `None` where it keeps no list.
    pub people: Option<Members>,
    /// Who must approve what.
    pub rules: Rules,
}

impl House {
    /// From the events of the register as a whole.
    pub fn of(events: &[Event]) -> House {
        House { people: members(events), rules: rules(events) }
    }
}

/// Roles by people.
pub type Members = BTreeMap<String, Vec<String>>;

/// Roles of people, where the register keeps a list.
pub fn members(events: &[Event]) -> Option<Members> {
    let mut out = BTreeMap::new();
    for e in events.iter().filter(|e| e.kind == "member") {
        let roles =
            e.body["roles"].as_array().into_iter().flatten().filter_map(|r| r.as_str().map(str::to_string)).collect();
        out.insert(e.body["person"].to_string(), roles);
    }
    (!out.is_empty()).then_some(out)
}

/// The rules that the register keeps.
pub fn rules_event(events: &[Event]) -> Option<&Event> {
    events.iter().rev().find(|e| e.kind == "rules")
}

/// Who must approve what: as the register keeps it, else as it holds for everybody.
pub fn rules(events: &[Event]) -> Rules {
    rules_event(events).and_then(|e| Rules::from_json(&e.body["rules"]).ok()).unwrap_or_default()
}

/// Writes an event of the register as a whole, which compliance alone does; `does` says what it is (`keep rules`).
///
/// # Errors
/// The person does not keep the register; what the register refuses.
pub fn keep(
    register: &mut Register,
    (who, role): &Who,
    does: &str,
    kind: &str,
    body: impl FnOnce(&mut Change<'_>) -> Result<Value, Wrong>,
) -> Result<(), Wrong> {
    if role != "compliance" {
        return Err(usage(format!("{role} does not {does}"), "for: compliance"));
    }
    let done = register.change(now(), |change| -> Result<(), Wrong> {
        let actor = change.private(who)?;
        let people = members(&change.history("")?);
        // once there is a list, whoever keeps it stands on it
        let may = people.is_none_or(|p| p.get(&actor.to_string()).is_some_and(|r| r.iter().any(|r| r == "compliance")));
        if !may {
            return Err(usage(format!("this person does not {does}"), "somebody whose role is compliance"));
        }
        let body = body(change)?;
        change.append(&NewEvent { record: String::new(), kind: kind.into(), role: role.clone(), actor, body })?;
        Ok(())
    })?;
    done?;
    Ok(())
}
