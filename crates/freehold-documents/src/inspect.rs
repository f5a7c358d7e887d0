//! What a model's files say, each fact with its place.

use freehold_base::{Diagnostic, Fact};

use crate::page::{Cell, Page, cut};
use crate::style::{Ink, Style};
use crate::words;

/// A legal text and what it was identified as.
#[derive(Clone, Debug)]
pub struct InspectedText {
    /// Path below the model's root.
    pub file: String,
    /// Text id.
    pub edition: Option<String>,
    /// exact, altered, partial, combined or none.
    pub matched: String,
    /// What else is to say (`names MIT`).
    pub note: String,
}

/// Prints one model's facts, texts and mistakes; `bytes` = read, total.
pub fn inspect(
    name: &str,
    facts: &[Fact],
    texts: &[InspectedText],
    diagnostics: &[Diagnostic],
    bytes: (u64, u64),
    style: Style,
) -> String {
    let mut page = Page::new(style);
    page.row(Ink::Strong, name, &format!("{} of {} read", words::size(bytes.0), words::size(bytes.1)));
    let rows: Vec<Vec<Cell>> = facts
        .iter()
        .map(|f| {
            vec![
                Cell::plain(words::fact_word(f.kind)),
                Cell::plain(cut(&f.value, 160)),
                Cell::ink(Ink::Quiet, words::place(&f.evidence)),
            ]
        })
        .collect();
    page.table(2, 1, &rows);
    for t in texts {
        let edition = t.edition.as_deref().unwrap_or("no license that the catalog knows");
        let note = if t.note.is_empty() { String::new() } else { format!("; {}", t.note) };
        page.row(Ink::Quiet, "text", &format!("{}: {edition} ({}){note}", t.file, t.matched));
    }
    for d in diagnostics {
        let file = d.label.as_ref().map(|l| format!("{}: ", l.file)).unwrap_or_default();
        page.row(Ink::Open, "unread", &format!("{file}{}", d.message));
    }
    page.finish()
}
