//! Headers with other keys: tensor data stays as it is, to the byte, and odd files are refused.

use freehold_artifact::{GgufValue, gguf_bytes, gguf_header, read_file};
use freehold_base::FactKind;

use crate::build::{Gguf, said, sample};

fn text(value: &str) -> GgufValue {
    GgufValue::Text(value.into())
}

/// A file with two tensors of numbers.
fn with_tensors(version: u32, big_endian: bool) -> Vec<u8> {
    let gguf = sample(version, big_endian).tensor("a", 8, 0, 0).tensor("b", 8, 0, 32);
    let mut bytes = gguf.bytes(64);
    let start = bytes.len() - 64;
    for (n, b) in bytes[start..].iter_mut().enumerate() {
        *b = n as u8 + 1;
    }
    bytes
}

fn refused(bytes: &[u8]) -> &'static str {
    gguf_header("f.gguf", &bytes).map(|_| "accepted").unwrap_or_else(|d| d.code)
}

#[test]
fn keys_change_and_data_stays() {
    for (version, big_endian) in [(2, false), (3, false), (2, true), (3, true)] {
        let old = with_tensors(version, big_endian);
        let header = gguf_header("f.gguf", &old).unwrap();
        for long in [0, 1, 31, 32, 33, 5000] {
            let set = vec![
                ("general.license".to_string(), text("apache-2.0")),
                ("general.license.name".to_string(), text(&"n".repeat(long))),
                ("general.base_model.count".to_string(), GgufValue::Number(2)),
            ];
            let plan = header.with(&set, &["general.base_model.0.".to_string()]).unwrap();
            let new = gguf_bytes(&plan, &old).unwrap();
            assert_eq!(new.len() as u64, plan.bytes);
            let again = gguf_header("f.gguf", &new).unwrap();
            assert_eq!(again.data(&new), header.data(&old));
            assert_eq!(again.data(&new)[..3], [1, 2, 3]);
            let facts = read_file("f.gguf", &new);
            assert!(facts.diagnostics.is_empty(), "{:?}", facts.diagnostics);
            assert_eq!(said(&facts, FactKind::LicenseTag), ["general.license=apache-2.0"]);
            assert_eq!(said(&facts, FactKind::BaseModel), Vec::<String>::new());
            assert_eq!(again.keys("tokenizer.").count(), header.keys("tokenizer.").count());
            assert!(again.with(&set, &["general.base_model.0.".to_string()]).unwrap().changes.is_empty());
        }
    }
}

#[test]
fn nothing_asked_is_the_same_file() {
    let old = with_tensors(3, false);
    let plan = gguf_header("f.gguf", &old).unwrap().with(&[], &[]).unwrap();
    assert!(plan.changes.is_empty());
    assert_eq!(gguf_bytes(&plan, &old).unwrap(), old);
}

#[test]
fn changes_are_told_with_what_stood_there() {
    let old = with_tensors(3, false);
    let header = gguf_header("f.gguf", &old).unwrap();
    let plan =
        header.with(&[("general.license".into(), text("mit")), ("x".into(), text("y"))], &["split.".into()]).unwrap();
    let rows: Vec<_> = plan.changes.iter().map(|c| (c.key.as_str(), c.was.as_deref(), c.is.as_deref())).collect();
    assert_eq!(rows, [("general.license", Some("llama3.1"), Some("mit")), ("x", None, Some("y"))]);
    assert!(header.with(&[("x".into(), text(&"y".repeat(9000)))], &[]).is_err());
}

#[test]
fn a_wider_alignment_is_kept() {
    let gguf = Gguf::new(3, false).number("general.alignment", 4096).tensor("a", 8, 0, 0);
    let mut old = gguf.bytes(0);
    old.resize(old.len().next_multiple_of(4096), 0);
    old.extend([7; 32]);
    let header = gguf_header("f.gguf", &old).unwrap();
    let plan = header.with(&[("general.license".into(), text("mit"))], &[]).unwrap();
    let new = gguf_bytes(&plan, &old).unwrap();
    assert_eq!(new.len() % 4096, 32);
    assert_eq!(gguf_header("f.gguf", &new).unwrap().data(&new), [7; 32]);
}

#[test]
fn odd_files_are_refused() {
    let twice = sample(3, false).text("general.license", "mit");
    assert_eq!(refused(&twice.bytes(0)), "gguf-duplicate-key");
    assert_eq!(refused(&sample(1, false).bytes(0)), "gguf-version");
    assert_eq!(refused(&sample(3, false).number("split.count", 2).bytes(0)), "gguf-sharded");
    assert_eq!(refused(&sample(3, false).number("general.alignment", 3).bytes(0)), "gguf-alignment");
    let whole = with_tensors(3, false);
    assert_eq!(refused(&whole), "accepted");
    assert_eq!(refused(&whole[..whole.len() - 1]), "gguf-data-truncated");
    assert_eq!(refused(&whole[..400]), "gguf-truncated");
    assert_eq!(refused(b"ggml"), "gguf-magic");
    assert_eq!(refused(b""), "gguf-magic");
    let mut many = sample(3, false);
    many.pair_count = u64::MAX;
    assert_eq!(refused(&many.bytes(0)), "gguf-count");
}
