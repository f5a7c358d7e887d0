//! Entry points for the fuzzers; the same functions replay the corpus in the ordinary tests.

use crate::{Record, Rules, Told, statement_commands};

/// A statement, rules of approval, and events: read, and folded.
pub fn fuzz_record(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(data) else { return };
    let _ = statement_commands(&value, "fuzz");
    let record = Record::fold(value["events"].as_array().into_iter().flatten().map(|e| Told {
        at: e["at"].as_i64().unwrap_or(0),
        kind: e["kind"].as_str().unwrap_or_default(),
        role: e["role"].as_str().unwrap_or_default(),
        actor: &e["actor"],
        body: &e["body"],
    }));
    let _ = (record.state_at(0), record.changed(), record.to_json("R", i64::MAX));
    // what a record states comes to commands again
    assert!(statement_commands(&record.statement(), "again").is_ok(), "a statement cannot be read again");
    if let Ok(rules) = Rules::from_json(&value["rules"]) {
        assert!(!rules.approvers(&record).is_empty(), "a record that nobody must approve");
        assert_eq!(Rules::from_json(&rules.to_json()).as_ref(), Ok(&rules), "rules cannot be read again");
    }
}
