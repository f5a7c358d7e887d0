//! Entry points for fuzzing: they must return, whatever the bytes.

use crate::{
    BUILT_IN, EditionKind, Index, IndexBuilder, Limits, QUOTE_WORDS_MAX, Rules, contains_quote, identify, read,
};

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

/// Reads the bytes as a license nobody has read, and as rules to read one by.
pub fn fuzz_reading(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let reading = read(&BUILT_IN, &text);
    for proposal in &reading.proposals {
        assert!(!proposal.sentences.is_empty());
        for sentence in proposal.sentences.iter().chain(&proposal.against) {
            let whole = text.get(sentence.range.clone());
            assert!(whole.is_some_and(|w| w.contains(&sentence.quote)));
            assert!(sentence.quote.split_whitespace().count() <= QUOTE_WORDS_MAX);
        }
    }
    if let Ok(rules) = Rules::parse(&text) {
        let _ = read(&rules, SAMPLE);
    }
}

/// Words that the seeds of the fuzzer index.
pub const SAMPLE: &str = "1. Everybody may carry the lamp through the north gate at night.\n\
    2. Whoever carries the lamp shall (a) keep it lit and (b) hand it on to the next who asks.\n";
