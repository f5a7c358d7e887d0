//! Entry points for fuzzing: they must return, whatever the bytes.

use crate::{EditionKind, Index, IndexBuilder, Limits, contains_quote, identify};

/// Identifies the bytes as text, also against an index made of the text itself.
pub fn fuzz_identify(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut builder = IndexBuilder::new();
    let middle = text.floor_char_boundary(text.len() / 2);
    let half = text.get(..middle).unwrap_or("");
    let added = [("a", text.as_ref()), ("b", half)].map(|(id, t)| builder.add(id, EditionKind::License, t).is_ok());
    let bytes = builder.to_bytes();
    let Ok(index) = Index::from_bytes(&bytes) else { return };
    let found = identify(&index, &text, Limits::default());
    assert!(!added[0] || !found.parts.is_empty() || found.edition.is_none());
    let _ = contains_quote(&text, half);
}

/// Reads the bytes as an index and identifies with it.
pub fn fuzz_index(data: &[u8]) {
    let Ok(index) = Index::from_bytes(data) else { return };
    for edition in index.editions() {
        let _ = (edition.sha256(), edition.clauses().count(), edition.clause_at(5), index.get(edition.id).is_some());
    }
    let _ = identify(&index, SAMPLE, Limits::default());
}

/// Words that the seeds of the fuzzer index.
pub const SAMPLE: &str = "1. Everybody may carry the lamp through the north gate at night.\n\
    2. Whoever carries the lamp shall (a) keep it lit and (b) hand it on to the next who asks.\n";
