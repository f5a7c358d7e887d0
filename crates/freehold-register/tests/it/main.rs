//! One story on both databases, and what may go wrong with each.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot go on says where it stopped; a child tells its parent what was acknowledged"
)]

mod faults;
mod server;
mod story;

use freehold_register::{Event, KeyFile, NewEvent, Register, Remembered, Row, Trouble};
use serde_json::json;

/// 2026-11-25, in microseconds.
pub(crate) const DAY: i64 = 1_795_564_800_000_000;

/// What a record's row is, given its events.
pub(crate) fn project(events: &[Event]) -> Option<Row> {
    let (first, last) = (events.first()?, events.last()?);
    Some(Row {
        record: first.record.clone(),
        name: first.body["name"].as_str().unwrap_or_default().to_string(),
        state: last.kind.clone(),
        artifact: first.body["artifact"].as_str().unwrap_or_default().to_string(),
        expires: 0,
        updated: last.at,
        body: format!("{{\"events\":{}}}", events.len()),
    })
}

/// Adds an event to a record and brings its row up to date.
pub(crate) fn write(register: &mut Register, now: i64, record: &str, kind: &str, who: &str) -> Result<Event, Trouble> {
    let done = register.change(now, |change| {
        let actor = change.private(who)?;
        let new = NewEvent {
            record: record.into(),
            kind: kind.into(),
            role: "engineer".into(),
            actor,
            body: json!({"name": format!("model {record}"), "artifact": "sha256:aa", "n": 1}),
        };
        let event = change.append(&new)?;
        let history = change.history(record)?;
        if let Some(row) = project(&history) {
            change.put_row(&row)?;
        }
        Ok::<Event, Trouble>(event)
    })?;
    done.map(|(event, _)| event)
}

/// A new register in SQLite: the folder that holds it, its path, its key.
pub(crate) fn sqlite() -> (tempfile::TempDir, String, KeyFile) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("register.db").display().to_string();
    let key = KeyFile::beside(&path);
    Register::create(&path, &key, "acme", None).unwrap();
    (dir, path, key)
}

pub(crate) fn memory(dir: &tempfile::TempDir) -> Option<Remembered> {
    Some(Remembered::in_folder(dir.path().join("seen")))
}

/// Everything agrees.
pub(crate) fn whole(register: &mut Register) -> u64 {
    let report = register.verify(&project, &[]).unwrap();
    assert_eq!((report.found.as_slice(), report.more), ([].as_slice(), 0));
    report.events
}

/// Keeps a file with an event of the register that names it: its SHA-256.
pub(crate) fn attached(register: &mut Register, now: i64, bytes: &[u8]) -> String {
    let done = register.change(now, |change| {
        let file = change.attach(bytes)?;
        let new = NewEvent {
            record: String::new(),
            kind: "attached".into(),
            role: String::new(),
            actor: json!(null),
            body: json!({"file": file}),
        };
        change.append(&new)
    });
    done.unwrap().unwrap().0.body["file"]["attachment"].as_str().unwrap().to_string()
}
