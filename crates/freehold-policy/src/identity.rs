//! What a waiver is bound to: a digest of everything that was read of a model, and of each legal text.

use std::fmt::Write as _;

use freehold_base::{Fact, TextFile};
use sha2::{Digest, Sha256};

/// Digest of what was read of a model: names and sizes of all files, every fact that their headers and small files state,
/// every legal text and card. Tensor data is not read and does not count, except by the hashes that a store or a pointer
/// states. `sha256:` and 64 hex digits. Neither the order in which things were read counts, nor the folders that all files
/// lie in: a model is the same whether its folder is checked or one above.
pub fn artifact_digest<'a>(
    files: impl IntoIterator<Item = (&'a str, u64)>,
    facts: &[Fact],
    texts: &[TextFile],
) -> String {
    let files: Vec<(&str, u64)> = files.into_iter().collect();
    let above = common_folder(files.iter().map(|(path, _)| *path));
    let below = |path: &'_ str| path.strip_prefix(above).unwrap_or(path).to_string();
    let mut parts: Vec<String> =
        files.iter().map(|(path, bytes)| part(&["file", &below(path), &bytes.to_string()])).collect();
    // where in a file a fact stands is no part of what it says
    parts.extend(
        facts
            .iter()
            .map(|f| part(&["fact", &format!("{:?}", f.kind), &below(&f.evidence.file), &f.evidence.key, &f.value])),
    );
    parts.extend(texts.iter().map(|t| part(&["text", &below(&t.file), &text_digest(&t.text)])));
    sum(parts)
}

/// The folder that all of these lie in, with a slash at the end; empty where there is none.
fn common_folder<'a>(mut paths: impl Iterator<Item = &'a str>) -> &'a str {
    let folder = |path: &'a str| path.get(..path.rfind('/').map_or(0, |at| at + 1)).unwrap_or_default();
    let Some(first) = paths.next().map(folder) else { return "" };
    paths.fold(first, |mut above, path| {
        while !path.starts_with(above) {
            above = folder(above.get(..above.len() - 1).unwrap_or_default());
        }
        above
    })
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
        // from a folder above it is the same model
        let moved = Fact { evidence: Evidence { file: "m/x/README.md".into(), ..Evidence::default() }, ..fact("mit") };
        let license = TextFile { file: "m/x/LICENSE".into(), ..text("x") };
        assert_eq!(base, artifact_digest([("m/x/a", 1), ("m/x/b", 2)], &[moved], &[license]));
        assert_eq!(common_folder(["a/b/c", "a/bb/c", "a/x"].into_iter()), "a/");
        assert_eq!(common_folder(["a/b/c", "a/b/d"].into_iter()), "a/b/");
        assert_eq!(common_folder(["a/b/c", "d"].into_iter()), "");
        assert_eq!(common_folder(["ab/c", "a/c"].into_iter()), "");
    }
}
