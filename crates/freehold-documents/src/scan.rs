//! The inventory of a scan: what lies here, what is named, what could not be resolved.

use crate::page::{Cell, Page, cut};
use crate::style::{Ink, Style};
use crate::words;

/// A model whose files lie somewhere.
#[derive(Clone, Debug, Default)]
pub struct ScannedModel {
    /// What it is called.
    pub name: String,
    /// Where it lies.
    pub place: String,
    /// What it is.
    pub kind: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// What it was made from, in words, a line each.
    pub from: Vec<String>,
    /// Licenses that govern it.
    pub under: Vec<String>,
    /// Codes of findings.
    pub findings: Vec<String>,
}

/// Something that code or a deployment file names.
#[derive(Clone, Debug, Default)]
pub struct ScannedReference {
    /// model, ollama-model, file, service.
    pub kind: String,
    /// Its id, or the variable.
    pub id: String,
    /// It stands behind a variable.
    pub unresolved: bool,
    /// Licenses by the catalog.
    pub under: Vec<String>,
    /// The catalog knows it.
    pub known: bool,
    /// File and line, and how it is named there.
    pub places: Vec<(String, String)>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// What was scanned, as the user named it.
    pub what: String,
    /// Models with files.
    pub models: Vec<ScannedModel>,
    /// What is named.
    pub references: Vec<ScannedReference>,
    /// Stores: kind, folder, models.
    pub stores: Vec<(String, String, usize)>,
    /// Files read for references.
    pub files_read: usize,
}

/// Places of one name that are shown.
const PLACES_MAX: usize = 3;
/// Steps of one model that are shown.
const FROM_MAX: usize = 4;
/// Columns of a name.
const NAME_MAX: usize = 40;
/// Columns of licenses.
const UNDER_MAX: usize = 26;
/// Columns of a path.
const PLACE_MAX: usize = 60;

/// Prints an inventory.
pub fn scan(found: &Scan, style: Style) -> String {
    let mut page = Page::new(style);
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let named = found.references.iter().filter(|r| !r.unresolved && r.kind != "service").count();
    let services = found.references.iter().filter(|r| !r.unresolved && r.kind == "service").count();
    let open = found.references.iter().filter(|r| r.unresolved).count();
    let mut says = vec![count(found.models.len(), "model here", "models here"), format!("{named} named")];
    if services > 0 {
        says.push(count(services, "service", "services"));
    }
    if open > 0 {
        says.push(format!("{open} not resolved"));
    }
    page.line(
        Ink::Strong,
        &format!(
            "{}  {} · {} read",
            found.what,
            says.join(", "),
            count(found.files_read, "source file", "source files")
        ),
    );
    models(&mut page, &found.models);
    let of = |kinds: &[&str]| -> Vec<&ScannedReference> {
        found.references.iter().filter(|r| !r.unresolved && kinds.contains(&r.kind.as_str())).collect()
    };
    references(&mut page, "named in code and deployment files", &of(&["model", "ollama-model"]));
    references(&mut page, "weights files named", &of(&["file"]));
    references(&mut page, "hosted services: their terms of use govern, not a license of weights", &of(&["service"]));
    let unresolved: Vec<&ScannedReference> = found.references.iter().filter(|r| r.unresolved).collect();
    references(&mut page, "not resolved: the name stands behind a variable", &unresolved);
    if !found.stores.is_empty() {
        page.blank();
        page.line(Ink::Quiet, "stores of this machine");
        let rows: Vec<Vec<Cell>> = found
            .stores
            .iter()
            .map(|(kind, path, n)| {
                vec![Cell::plain(kind.clone()), Cell::plain(count(*n, "model", "models")), Cell::plain(path.clone())]
            })
            .collect();
        page.table(2, 2, &rows);
    }
    page.blank();
    page.row(Ink::Quiet, "next", &next(found));
    page.finish()
}

fn models(page: &mut Page, all: &[ScannedModel]) {
    if all.is_empty() {
        return;
    }
    page.blank();
    page.line(Ink::Quiet, "models here");
    for m in all {
        let under = if m.under.is_empty() { "no license stated".to_string() } else { m.under.join(", ") };
        let what: Vec<String> = [m.kind.clone(), words::size(m.bytes)].into_iter().filter(|w| !w.is_empty()).collect();
        let place = if m.place == m.name { String::new() } else { format!(" · {}", cut(&m.place, PLACE_MAX)) };
        let line = format!("  {}  {under} · {}{place}", cut(&m.name, NAME_MAX), what.join(", "));
        page.line(if m.under.is_empty() { Ink::Open } else { Ink::Plain }, &line);
        for from in m.from.iter().take(FROM_MAX) {
            page.line(Ink::Quiet, &format!("      {from}"));
        }
        if m.from.len() > FROM_MAX {
            page.line(Ink::Quiet, &format!("      and {} more", m.from.len() - FROM_MAX));
        }
        if !m.findings.is_empty() {
            page.line(Ink::Open, &format!("      {}", m.findings.join(", ")));
        }
    }
}

fn references(page: &mut Page, title: &str, all: &[&ScannedReference]) {
    if all.is_empty() {
        return;
    }
    page.blank();
    page.line(Ink::Quiet, title);
    let mut rows = Vec::new();
    for r in all {
        let (ink, under) = match (r.kind.as_str(), r.known, r.under.is_empty()) {
            ("service", ..) | ("file", ..) => (Ink::Plain, String::new()),
            _ if r.unresolved => (Ink::Plain, String::new()),
            (_, true, false) => (Ink::Plain, r.under.join(", ")),
            _ => (Ink::Open, "not in the catalog".to_string()),
        };
        for (i, (place, construct)) in r.places.iter().take(PLACES_MAX).enumerate() {
            let first = i == 0;
            rows.push(vec![
                Cell::ink(Ink::Strong, if first { cut(&r.id, NAME_MAX) } else { String::new() }),
                Cell::ink(ink, if first { cut(&under, UNDER_MAX) } else { String::new() }),
                Cell::plain(format!("{place}  {construct}")),
            ]);
        }
        if r.places.len() > PLACES_MAX {
            let more = format!("and {} more places", r.places.len() - PLACES_MAX);
            rows.push(vec![Cell::plain(""), Cell::plain(""), Cell::plain(more)]);
        }
    }
    page.table(2, 2, &rows);
}

fn next(found: &Scan) -> String {
    let mut out = Vec::new();
    if !found.models.is_empty() {
        out.push(format!("freehold check {}", if found.what.is_empty() { "." } else { &found.what }));
    }
    if let Some(r) = found.references.iter().find(|r| r.known && !r.unresolved) {
        out.push(format!("freehold explain {}", r.id));
    }
    if out.is_empty() {
        out.push("freehold scan --machine".into());
    }
    out.join("   ·   ")
}
