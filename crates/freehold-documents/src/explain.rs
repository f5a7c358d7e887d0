//! A license in plain words, each line with its clause; a model and what it is under.

use freehold_catalog::{Catalog, Effect, License, Match, ModelRow, Term};

use crate::page::{Cell, Page};
use crate::style::{Ink, Style};
use crate::words;

/// A license.
pub fn explain_license(catalog: &Catalog, index: usize, style: Style) -> String {
    let law = &catalog.licenses[index];
    let mut page = Page::new(style);
    page.row(Ink::Strong, &law.name, "");
    page.row(Ink::Quiet, "id", &format!("{}   SPDX {}   by {}", law.id, law.spdx, law.licensor));
    if !law.policies.is_empty() {
        page.row(Ink::Quiet, "policies", &law.policies.join(", "));
    }
    if law.editions.len() > 1 {
        let list: Vec<String> = law.editions.iter().map(|e| e.date.clone()).collect();
        page.row(Ink::Quiet, "editions", &list.join(", "));
    }
    let by =
        if law.review.by.is_empty() { String::new() } else { format!(" by {}, {}", law.review.by, law.review.date) };
    page.row(Ink::Quiet, "review", &format!("{}{by}", law.review.level));
    if let Some(open) = &law.open_source {
        let osi = if open.osi_approved { "OSI-approved" } else { "not on the OSI's list" };
        page.row(Ink::Quiet, "open?", osi);
        for (name, test) in [("Open Source AI Definition", &open.osaid), ("EU guidelines", &open.eu)] {
            let why = if test.why.is_empty() { String::new() } else { format!(": {} ({})", test.why, test.clause) };
            page.row(Ink::Quiet, "", &format!("{name}: {}{why}", test.test.as_str()));
        }
    }
    for group in words::GROUPS {
        let list: Vec<&Term> = law.terms.iter().filter(|t| t.policy.is_none() && (group.holds)(&t.effect)).collect();
        section(&mut page, group.screen, &rows(catalog, law, &list));
    }
    for (i, policy) in law.policies.iter().enumerate() {
        let list: Vec<&Term> =
            law.terms.iter().filter(|t| t.policy == Some(i) && !matches!(t.effect, Effect::Information(_))).collect();
        section(&mut page, &format!("{policy} forbids"), &rows(catalog, law, &list));
    }
    if !law.absent.is_empty() {
        page.blank();
        page.row(Ink::Quiet, "absent", &format!("read for and not there: {}", law.absent.join(", ")));
    }
    page.row(Ink::Quiet, "next", &format!("freehold diff {} OTHER   ·   the entry: {}", law.id, law.file));
    page.finish()
}

fn section(page: &mut Page, title: &str, rows: &[Vec<Cell>]) {
    if rows.is_empty() {
        return;
    }
    page.blank();
    page.line(Ink::Strong, title);
    page.table(2, 1, rows);
}

fn rows(catalog: &Catalog, law: &License, terms: &[&Term]) -> Vec<Vec<Cell>> {
    terms
        .iter()
        .map(|t| vec![Cell::ink(Ink::Quiet, crate::page::cut(&t.clause, 24)), Cell::plain(plain(catalog, law, t))])
        .collect()
}

/// A term in plain words, its condition, its words.
fn plain(catalog: &Catalog, law: &License, t: &Term) -> String {
    let mut out = match &t.effect {
        Effect::Grant(acts) => acts.iter().map(|a| a.as_str().replace('-', " ")).collect::<Vec<_>>().join(", "),
        Effect::Duty(d) => {
            let title = words::duty_title(catalog, &d.code);
            let says = catalog.obligations.get(&d.code).map(|o| o.says.clone()).unwrap_or_default();
            match (&d.text, &d.name_prefix) {
                (Some(text), _) => format!("{title}: “{}”", text.replace(" | ", "” or “")),
                (None, Some(prefix)) => format!("{title}: begins with “{prefix}”"),
                (None, None) => format!("{title}: {says}"),
            }
        }
        Effect::Information(topic) if !topic.is_empty() => topic.replace('-', " "),
        _ => t.id.replace('-', " "),
    };
    let conditions: Vec<String> = t
        .readings
        .iter()
        .filter(|r| !r.written.is_empty())
        .map(
            |r| if r.says.is_empty() { format!("when {}", r.written) } else { format!("reading {}: {}", r.id, r.says) },
        )
        .collect();
    if !conditions.is_empty() {
        out.push_str(&format!("; {}", conditions.join("; ")));
    }
    if let Some(unless) = &t.unless_written {
        out.push_str(&format!("; unless {unless}"));
    }
    out.push_str(&words::only_in(law, t));
    out.push_str(&format!("  “{}”", t.quote));
    if let Some(note) = &t.note {
        out.push_str(&format!("  ({note})"));
    }
    out
}

/// A model.
pub fn explain_model(catalog: &Catalog, id: &str, style: Style) -> String {
    let mut page = Page::new(style);
    let rows: Vec<&ModelRow> = match catalog.models.resolve(id) {
        Some(Match::Id(rows)) => rows,
        Some(Match::Reupload { model, relation }) => {
            page.row(Ink::Quiet, id, &format!("a re-upload, {} {model}", words::step(relation)));
            catalog.models.find(&model)
        }
        None => Vec::new(),
    };
    for row in rows {
        page.row(Ink::Strong, &row.id, row.family.as_deref().unwrap_or(""));
        let law = catalog.license_named(&row.license).map(|i| &catalog.licenses[i]);
        let covers: Vec<&str> = row.covers.iter().map(|c| c.as_str()).collect();
        let name = match law {
            Some(law) => words::license_name(law, row.edition.as_deref().unwrap_or("")),
            None => format!("{} (not in the catalog in law)", row.license),
        };
        page.row(Ink::Quiet, "under", &format!("{name}, for its {}", covers.join(", ")));
        match (&row.since, &row.until) {
            (Some(since), Some(until)) => page.row(Ink::Quiet, "from", &format!("{since} until {until}")),
            (Some(since), None) => page.row(Ink::Quiet, "since", since),
            (None, Some(until)) => page.row(Ink::Quiet, "until", until),
            (None, None) => {}
        }
        for c in &row.conditions {
            page.row(Ink::Open, "adds", c);
        }
        for (parent, relation) in &row.parents {
            page.row(Ink::Quiet, "made", &format!("{} {parent}", words::step(*relation)));
        }
        page.row(Ink::Quiet, "source", &format!("{} (looked at {})", row.source, row.checked));
        if let Some(note) = &row.note {
            page.row(Ink::Quiet, "note", note);
        }
        if let Some(law) = law {
            page.row(Ink::Quiet, "next", &format!("freehold explain {}", law.id));
        }
    }
    page.finish()
}
