//! What a waiver is bound to: a digest of everything that was read of a model, and of each legal text.

use std::fmt::Write as _;

use freehold_base::{Fact, TextFile};
use sha2::{Digest, Sha256};

/// Digest of what was read of a model: names and sizes of all files, every fact that their headers and small files state,
/// every legal text and card. Tensor data is not read and does not count, except by the hashes that a store or a pointer
/// states. `sha256:` and 64 hex digits; the order in which things were read does not count.
pub fn artifact_digest<'a>(
    files: impl IntoIterator<Item = (&'a str, u64)>,
    facts: &[Fact],
    texts: &[TextFile],
) -> String {
    let mut parts: Vec<String> =
        files.into_iter().map(|(path, bytes)| part(&["file", path, &bytes.to_string()])).collect();
    // where in a file a fact stands is no part of what it says
    parts.extend(
        facts.iter().map(|f| part(&["fact", &format!("{:?}", f.kind), &f.evidence.file, &f.evidence.key, &f.value])),
    );
    parts.extend(texts.iter().map(|t| part(&["text", &t.file, &text_digest(&t.text)])));
    sum(parts)
}

/// Digest of several works that go out as one.
pub fn digest_of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    sum(parts.into_iter().map(|p| part(&["part", p])).collect())
}

/// Digest of one text, `sha256:` and 64 hex digits.
pub fn text_digest(text: &str) -> String {
    hex(Sha256::digest(text.as_bytes()).as_slice())
}

/// Fields with their lengths, so that no two lists of fields are the same bytes.
fn part(fields: &[&str]) -> String {
    fields.iter().map(|f| format!("{}:{f}", f.len())).collect()
}

fn sum(mut parts: Vec<String>) -> String {
    parts.sort_unstable();
    let mut hash = Sha256::new();
    for p in parts {
        hash.update(p.len().to_le_bytes());
        hash.update(p.as_bytes());
    }
    hex(hash.finalize().as_slice())
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity("sha256:".len() + 2 * bytes.len());
    out.push_str("sha256:");
    for b in bytes {
        // writing to a string cannot fail
        let _ = write!(out, "{b:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use freehold_base::{Evidence, FactKind, TextKind};

    #[test]
    fn every_thing_read_counts_and_its_order_does_not() {
        let fact = |value: &str| Fact {
            kind: FactKind::LicenseTag,
            value: value.into(),
            evidence: Evidence { file: "README.md".into(), line: Some(2), ..Evidence::default() },
        };
        let text = |t: &str| TextFile { kind: TextKind::License, file: "LICENSE".into(), text: t.into() };
        let base = artifact_digest([("a", 1), ("b", 2)], &[fact("mit")], &[text("x")]);
        assert_eq!(base.len(), 71);
        assert_eq!(base, artifact_digest([("b", 2), ("a", 1)], &[fact("mit")], &[text("x")]));
        for other in [
            artifact_digest([("a", 1), ("b", 3)], &[fact("mit")], &[text("x")]),
            artifact_digest([("a", 1)], &[fact("mit")], &[text("x")]),
            artifact_digest([("a", 1), ("b", 2)], &[fact("mi")], &[text("x")]),
            artifact_digest([("a", 1), ("b", 2)], &[], &[text("x")]),
            artifact_digest([("a", 1), ("b", 2)], &[fact("mit")], &[text("y")]),
        ] {
            assert_ne!(base, other);
        }
    }
}
