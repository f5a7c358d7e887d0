//! Which minimum elements a bill of materials holds: a table, and the same in three lines.

use crate::page::Page;
use crate::style::{Ink, Style, clean};

/// What a bill was checked against, and how it answers.
#[derive(Clone, Debug, Default)]
pub struct Elements {
    /// Who asks, and in what.
    pub name: String,
    /// Its day, `YYYY-MM-DD`.
    pub date: String,
    /// How binding it is.
    pub status: String,
    /// The bill's format.
    pub format: String,
    /// One an element.
    pub rows: Vec<ElementRow>,
}

/// One element.
#[derive(Clone, Debug, Default)]
pub struct ElementRow {
    /// Its number.
    pub id: String,
    /// Its group.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// present, partly, stated unknown, missing.
    pub state: String,
    /// True where nothing is wanted.
    pub there: bool,
    /// Of how many it is there; empty for all or none.
    pub of: String,
    /// What would fill it.
    pub fill: String,
}

fn title(e: &Elements) -> String {
    let there = e.rows.iter().filter(|r| r.there).count();
    format!("{} ({}, {}): {there} of {} in this {}", e.name, e.date, e.status, e.rows.len(), e.format)
}

/// Every element, with what would fill those that are wanting.
pub fn elements(e: &Elements, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(Ink::Plain, &clean(&title(e)));
    let mut cluster = "";
    for row in &e.rows {
        if row.cluster != cluster {
            cluster = &row.cluster;
            page.blank();
            page.line(Ink::Quiet, &clean(cluster));
        }
        let of = if row.of.is_empty() { String::new() } else { format!(", {}", row.of) };
        let (ink, text) = if row.there {
            (Ink::Good, format!("{}: {}", row.name, row.state))
        } else {
            (Ink::Open, format!("{}: {}{of}; {}", row.name, row.state, row.fill))
        };
        page.row(ink, &clean(&row.id), &text);
    }
    page.finish()
}

/// How many are there, and which are not.
pub fn elements_in_short(e: &Elements, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(Ink::Plain, &clean(&title(e)));
    for state in ["partly", "stated unknown", "missing"] {
        let ids: Vec<&str> = e.rows.iter().filter(|r| r.state == state).map(|r| r.id.as_str()).collect();
        if !ids.is_empty() {
            page.row(Ink::Quiet, state, &ids.join(", "));
        }
    }
    page.row(Ink::Quiet, "next", "--check says what would fill each");
    page.finish()
}
