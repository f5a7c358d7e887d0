//! Events, and what is kept of a record for lists.

use freehold_log::{canonical, is_canonical};
use serde_json::{Map, Value, json};

use crate::Trouble;

/// The schema of a leaf.
pub(crate) const SCHEMA: &str = "freehold.event/1";
/// Longest leaf, in bytes.
pub(crate) const LEAF_BYTES_MAX: usize = 4 << 20;
/// Longest id of a record.
const RECORD_BYTES_MAX: usize = 64;

/// What is to be written down.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// The record that it is about; empty for the register as a whole.
    pub record: String,
    /// What happened: a word (`created`, `approved`).
    pub kind: String,
    /// In which role.
    pub role: String,
    /// Who: a value of [`crate::Change::private`], so that a name can be erased; null for nobody.
    pub actor: Value,
    /// What it says. Numbers are whole.
    pub body: Value,
}

/// What was written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the log, from 0.
    pub index: u64,
    /// When, in microseconds since 1970, UTC. Never before the event before it.
    pub at: i64,
    /// The record; empty for the register.
    pub record: String,
    /// Its place among the record's events, from 0.
    pub seq: u64,
    /// What happened.
    pub kind: String,
    /// In which role.
    pub role: String,
    /// Who.
    pub actor: Value,
    /// What it says.
    pub body: Value,
    /// The leaf's bytes: canonical JSON.
    pub leaf: String,
}

/// What is kept of a record for lists and filters: a projection of its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The record's id.
    pub record: String,
    /// What it is called.
    pub name: String,
    /// Where its workflow stands, as far as events say it.
    pub state: String,
    /// Digest of what was read of the model, to which a decision is bound.
    pub artifact: String,
    /// When it ends, in microseconds since 1970; 0 where it does not.
    pub expires: i64,
    /// When its last event was.
    pub updated: i64,
    /// The record as JSON, in its one form.
    pub body: String,
}

/// A moment as `2026-11-25T07:00:00.000000Z`.
pub(crate) fn time(micros: i64) -> String {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(t) => format!("{t:.6}"),
        Err(_) => format!("{micros} µs"),
    }
}

fn micros(text: &str) -> Option<i64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_microsecond()).filter(|m| time(*m) == text)
}

/// A new id that sorts by time: 48 bits of milliseconds, 80 of chance, in Crockford's letters.
///
/// # Errors
/// The machine gives no random bytes.
pub fn new_id(now: i64) -> Result<String, Trouble> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Trouble::Database(format!("no random bytes: {e}")))?;
    let millis = u64::try_from(now.max(0) / 1000).unwrap_or(0);
    for (to, from) in bytes.iter_mut().zip(millis.to_be_bytes().into_iter().skip(2)) {
        *to = from;
    }
    let mut value = u128::from_be_bytes(bytes);
    let mut out = [b'0'; 26];
    for place in out.iter_mut().rev() {
        let digit = usize::try_from(value & 31).unwrap_or(0);
        *place = LETTERS.get(digit).copied().unwrap_or(b'0');
        value >>= 5;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

impl NewEvent {
    /// The leaf of this event at its place.
    pub(crate) fn leaf(&self, at: i64, seq: u64) -> Result<String, Trouble> {
        let word = |w: &str| !w.is_empty() && w.len() <= 64 && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let id = |w: &str| w.len() <= RECORD_BYTES_MAX && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !word(&self.kind) || !id(&self.record) || !(self.role.is_empty() || word(&self.role)) {
            return Err(Trouble::TooLarge(
                "an event's kind and role are short words, a record's id letters and digits".into(),
            ));
        }
        let leaf = canonical(&json!({
            "schema": SCHEMA,
            "at": time(at),
            "actor": self.actor,
            "role": self.role,
            "record": self.record,
            "seq": seq,
            "kind": self.kind,
            "body": self.body,
        }))?;
        if leaf.len() > LEAF_BYTES_MAX {
            return Err(Trouble::TooLarge(format!("an event of {} bytes; the limit is {LEAF_BYTES_MAX}", leaf.len())));
        }
        Ok(leaf)
    }
}

impl Event {
    /// Reads a leaf.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(index: u64, leaf: &str) -> Result<Event, String> {
        if leaf.len() > LEAF_BYTES_MAX {
            return Err("longer than an event may be".into());
        }
        if !is_canonical(leaf) {
            return Err("its text is not JSON in its one form".into());
        }
        let value: Value = serde_json::from_str(leaf).map_err(|_| "it is no JSON".to_string())?;
        let members: &Map<String, Value> = value.as_object().ok_or("it is no object")?;
        let text = |key: &str| members.get(key).and_then(Value::as_str).ok_or(format!("it has no `{key}`"));
        if text("schema")? != SCHEMA || members.len() != 8 {
            return Err(format!("it is not of {SCHEMA}"));
        }
        Ok(Event {
            index,
            at: micros(text("at")?).ok_or("`at` is no moment")?,
            record: text("record")?.to_string(),
            seq: members.get("seq").and_then(Value::as_u64).ok_or("it has no `seq`")?,
            kind: text("kind")?.to_string(),
            role: text("role")?.to_string(),
            actor: members.get("actor").cloned().ok_or("it has no `actor`")?,
            body: members.get("body").cloned().ok_or("it has no `body`")?,
            leaf: leaf.to_string(),
        })
    }
}

/// What stands in an event for a private text: `{"private": HASH}`.
pub(crate) const PRIVATE: &str = "private";
/// What stands in an event for a file: `{"attachment": SHA-256}`.
pub(crate) const ATTACHMENT: &str = "attachment";

/// The hashes that a value names as `what`.
pub(crate) fn named(what: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|v| named(what, v, out)),
        Value::Object(members) => {
            if let (1, Some(Value::String(hash))) = (members.len(), members.get(what)) {
                out.push(hash.clone());
            }
            members.values().for_each(|v| named(what, v, out));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_read_as_it_was_written() {
        let new = NewEvent {
            record: "01J".into(),
            kind: "created".into(),
            role: "requester".into(),
            actor: json!({"private": "sha256:00"}),
            body: json!({"b": [1, null], "a": "é"}),
        };
        let at = 1_795_590_000_000_001;
        let leaf = new.leaf(at, 3).unwrap();
        let read = Event::read(7, &leaf).unwrap();
        assert_eq!((read.index, read.at, read.seq, &read.body), (7, at, 3, &new.body));
        let mut hashes = Vec::new();
        named(PRIVATE, &serde_json::from_str(&leaf).unwrap(), &mut hashes);
        assert_eq!(hashes, ["sha256:00"]);
        for wrong in [
            leaf.replace("\"seq\":3", "\"seq\":03"),
            leaf.replace("freehold.event/1", "freehold.event/2"),
            leaf.replace("\"role\"", "\"roles\""),
            leaf.replace("Z\"", "+00:00\""),
            leaf.replacen('{', "{\"x\":1,", 1),
            String::new(),
        ] {
            assert!(Event::read(0, &wrong).is_err(), "{wrong}");
        }
        assert!(NewEvent { kind: "Created".into(), ..new.clone() }.leaf(at, 0).is_err());
        assert!(NewEvent { record: "a/b".into(), ..new.clone() }.leaf(at, 0).is_err());
        assert!(NewEvent { body: json!(1.5), ..new }.leaf(at, 0).is_err());
    }

    #[test]
    fn ids_sort_by_time() {
        let (a, b) = (new_id(1_000_000_000).unwrap(), new_id(2_000_000_000).unwrap());
        assert!(a < b && a.len() == 26 && a != new_id(1_000_000_000).unwrap());
    }
}
