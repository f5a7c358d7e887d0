//! The scanner as one plain function, for fuzzers and for the replay of their corpora. It may not panic or hang,
//! whatever the bytes.

use crate::{Definitions, Limits, scan, training};

/// One path for each language.
const PATHS: &[&str] = &[
    "a.py",
    "a.ts",
    "a.rs",
    "a.sh",
    "Dockerfile",
    "values.yaml",
    "a.json",
    "a.tf",
    "n.ipynb",
    "Modelfile",
    "README.md",
    "config.pbtxt",
    ".env",
    "Makefile",
    "a.nix",
    "docker-compose.yml",
    "no-ending",
];

/// Any bytes as text; the first byte says under which path.
pub fn fuzz_reference(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let path = PATHS.get(usize::from(*first) % PATHS.len()).copied().unwrap_or_default();
    let text = String::from_utf8_lossy(rest);
    let limits = Limits { references_max: 256, ..Limits::default() };
    let mut found = scan(path, &text, &limits);
    let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if let Ok(t) = training(path, &text) {
        let names = t.models.iter().map(|(_, n)| n).chain(t.datasets.iter().map(|d| &d.named)).chain(&t.output);
        for (from, to) in names.filter_map(|n| n.evidence.bytes) {
            assert!(from <= to && to <= size, "evidence lies outside the file");
        }
    }
    let mut definitions = Definitions::default();
    definitions.add(found.definitions);
    found.pending.append(&mut found.references);
    for reference in &mut found.pending {
        let (from, to) = reference.evidence.bytes.unwrap_or_default();
        assert!(from <= to && to <= size, "evidence lies outside the file");
        assert!(reference.excerpt.chars().count() <= crate::EXCERPT_CHARS_MAX, "an excerpt is too long");
        definitions.settle(reference);
    }
}
