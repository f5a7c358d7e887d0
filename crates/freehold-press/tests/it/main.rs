//! Papers, printed: what any reader of PDF and DOCX finds in them.

#![expect(clippy::print_stderr, reason = "tests tell what they skip")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use freehold_documents::{Block, Paper};
use freehold_press::{docx, pdf};

/// A paper with everything, several pages long, and texts that would be markup elsewhere.
fn paper() -> Paper {
    let bad = "#panic(\"x\") $1$ *b* _i_ <a> @ref `c` [d] \\ & \u{1b}[31m \u{202e} löwe";
    let text = |n: usize| format!("{} {}", "The clause says what it says.".repeat(4), n);
    let row =
        |n: usize| vec![format!("duty {n}"), "sha256:".to_string() + &"0123456789abcdef".repeat(4), bad.to_string()];
    let mut blocks = vec![
        Block::Heading("Question and short answer".into()),
        Block::Callout("permitted-with-obligations".into()),
        Block::Text(bad.into()),
        Block::Quote { words: "prominently display".into(), from: "llama-3.1 1.b.i(B)".into() },
        Block::List(vec!["one".into(), bad.into()]),
        Block::Heading("A long table".into()),
        Block::Table {
            caption: "Duties".into(),
            heads: ["duty", "digest", "says"].map(str::to_string).to_vec(),
            rows: (0..60).map(row).collect(),
        },
        Block::Table {
            caption: "Nothing".into(),
            heads: vec!["a".into(), "b".into()],
            rows: vec![vec!["short".into()]],
        },
    ];
    blocks.extend((0..30).map(|n| Block::Text(text(n))));
    Paper {
        title: "Review memo: support-bot".into(),
        subtitle: "May we?".into(),
        marking: "privileged and confidential".into(),
        about: vec![("model".into(), "support-bot".into()), ("bytes".into(), "sha256:".to_string() + &"ab".repeat(32))],
        blocks,
        footer: "No legal advice.".into(),
        day: "2026-11-24".into(),
    }
}

#[test]
fn the_same_paper_is_the_same_bytes() {
    let paper = paper();
    let (one, lacks) = pdf(&paper, None).unwrap();
    assert_eq!(lacks, None);
    assert_eq!(one, pdf(&paper, None).unwrap().0);
    assert!(one.starts_with(b"%PDF-1.7"));
    // it says of itself that it is accessible, and made to be kept; the writer has checked both
    for mark in [&b"pdfuaid:part>1"[..], b"pdfaid:part>2", b"/StructTreeRoot", b"/Lang"] {
        assert!(one.windows(mark.len()).any(|w| w == mark), "{}", String::from_utf8_lossy(mark));
    }
    let word = docx(&paper).unwrap();
    assert_eq!(word, docx(&paper).unwrap());
    assert!(word.starts_with(b"PK"));
}

#[test]
fn a_paper_without_a_day_is_accessible_all_the_same() {
    let plain = Paper { title: "x".into(), ..Paper::default() };
    let (bytes, _) = pdf(&plain, None).unwrap();
    assert!(bytes.windows(14).any(|w| w == b"pdfuaid:part>1"));
    assert!(docx(&plain).is_ok());
    // a day that is none is a mistake, and no panic
    assert!(pdf(&Paper { day: "soon".into(), ..plain }, None).is_err());
}

#[test]
fn a_character_that_no_font_has_is_told_and_the_rest_is_printed() {
    let paper = Paper { title: "モデル".into(), day: "2026-11-24".into(), ..Paper::default() };
    let (bytes, lacks) = pdf(&paper, None).unwrap();
    assert!(bytes.starts_with(b"%PDF"));
    assert!(lacks.unwrap().contains("could not be displayed"));
}

fn python() -> Option<PathBuf> {
    let set = std::env::var_os("FREEHOLD_PYTHON").filter(|v| !v.is_empty()).map(PathBuf::from);
    if set.is_none() {
        eprintln!("skipped: FREEHOLD_PYTHON names no Python with pikepdf, pypdf and python-docx");
    }
    set
}

#[test]
fn readers_that_are_not_ours_find_everything_in_it() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (pdf_file, docx_file) = (dir.path().join("memo.pdf"), dir.path().join("memo.docx"));
    fs::write(&pdf_file, pdf(&paper(), None).unwrap().0).unwrap();
    fs::write(&docx_file, docx(&paper()).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/validate/paper.py");
    let out = Command::new(python).arg(script).args([&pdf_file, &docx_file]).output().unwrap();
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{said}");
    // each says how many pages, headings and tables it found
    let found: Vec<&str> = said.lines().collect();
    assert!(found[0].starts_with("pdf pages ") && found[1] == "docx headings 2 tables 3", "{said}");
}
