//! What changes between two licenses, and between two states of the law; the list of the law.

use freehold_catalog::{Catalog, Strictness, Term};
use freehold_check::{Difference, LicenseChange, Side};

use crate::page::{Cell, Page};
use crate::style::{Ink, Style};
use crate::why::effect_word;
use crate::words;

fn name(catalog: &Catalog, side: &Side) -> String {
    words::license_name(&catalog.licenses[side.license], &side.edition)
}

/// Prints a comparison.
pub fn difference(catalog: &Catalog, d: &Difference<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    page.row(Ink::Strong, "from", &name(catalog, &d.a));
    page.row(Ink::Strong, "to", &name(catalog, &d.b));
    page.row(
        Ink::Quiet,
        "terms",
        &format!("{} new, {} gone, {} changed, {} the same", d.new.len(), d.gone.len(), d.changed.len(), d.same),
    );
    let edition = catalog.licenses[d.b.license].editions.iter().find(|e| e.text == d.b.edition);
    if let Some(differs) = edition.and_then(|e| e.differs.as_ref()).filter(|_| d.a.license == d.b.license) {
        page.row(Ink::Quiet, "in short", differs);
    }
    for (title, ink, list) in [("new", Ink::Strong, &d.new), ("gone", Ink::Quiet, &d.gone)] {
        if !list.is_empty() {
            page.blank();
            page.line(Ink::Strong, title);
            page.table(2, 2, &list.iter().map(|t| row(ink, t)).collect::<Vec<_>>());
        }
    }
    if !d.changed.is_empty() {
        page.blank();
        page.line(Ink::Strong, "changed");
        for (a, b, what) in &d.changed {
            let number = if a.clause == b.clause { b.clause.clone() } else { format!("{} → {}", a.clause, b.clause) };
            page.row(Ink::Plain, &format!("  {number}"), &format!("{}: {}", b.id.replace('-', " "), what.join(", ")));
            if a.quote != b.quote {
                page.row(Ink::Quiet, "  was", &format!("“{}”", a.quote));
                page.row(Ink::Quiet, "  is", &format!("“{}”", b.quote));
            }
            for (label, t) in [("  was when", a), ("  is when", b)] {
                let when: Vec<&str> = t.readings.iter().map(|r| r.written.as_str()).filter(|w| !w.is_empty()).collect();
                if what.contains(&"when it bites") {
                    let when = if when.is_empty() { "always".to_string() } else { when.join("  or  ") };
                    page.row(Ink::Quiet, label, &when);
                }
            }
        }
    }
    page.blank();
    page.line(Ink::Strong, "for whom");
    let mut same = 0;
    for w in &d.for_whom {
        if w.same() {
            same += 1;
            continue;
        }
        page.row(Ink::Plain, "  -", &w.says);
        let verdict = if w.before == w.after { w.after.to_string() } else { format!("{} → {}", w.before, w.after) };
        page.row_of(Ink::Quiet, "", words::verdict_ink(w.after), &verdict);
        let duties: Vec<String> = w
            .new_duties
            .iter()
            .map(|c| format!("+ {c}"))
            .chain(w.gone_duties.iter().map(|c| format!("- {c}")))
            .collect();
        if !duties.is_empty() {
            page.row(Ink::Quiet, "", &duties.join(", "));
        }
    }
    if same > 0 {
        page.row(Ink::Quiet, "", &format!("{same} of {} ordinary deployments: nothing moves", d.for_whom.len()));
    }
    page.finish()
}

fn row(ink: Ink, t: &Term) -> Vec<Cell> {
    let says = t.note.as_ref().map_or_else(|| format!("“{}”", t.quote), |n| format!("“{}”  ({n})", t.quote));
    vec![
        Cell::ink(Ink::Quiet, crate::page::cut(&t.clause, 20)),
        Cell::ink(ink, effect_word(&t.effect)),
        Cell::plain(says),
    ]
}

/// Number of stored cases, and those whose outcome moved: id, before, after.
pub type Moved = (usize, Vec<(String, String, String)>);

/// Prints what changed between two states of the law.
pub fn catalog_changes(
    old: &Catalog,
    new: &Catalog,
    changes: &[LicenseChange],
    moved: Option<&Moved>,
    style: Style,
) -> String {
    let mut page = Page::new(style);
    page.row(Ink::Strong, "catalog", &format!("{} → {}", old.version, new.version));
    if changes.is_empty() {
        page.row(Ink::Quiet, "terms", "nothing changed");
    }
    for c in changes {
        page.row(Ink::Strong, &c.id, "");
        for line in &c.lines {
            page.row(Ink::Quiet, "", line);
        }
    }
    if let Some((all, moved)) = moved {
        page.row(Ink::Strong, "cases", &format!("{} of {all} come out otherwise", moved.len()));
        for (id, before, after) in moved {
            page.row(Ink::Plain, &format!("  {id}"), &format!("{before}  →  {after}"));
        }
    }
    page.finish()
}

/// Prints every license in law.
pub fn catalog_list(catalog: &Catalog, style: Style) -> String {
    let mut page = Page::new(style);
    let mut all: Vec<_> = catalog.licenses.iter().collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let rows: Vec<Vec<Cell>> = all
        .iter()
        .map(|l| {
            let limits = match l.strictness {
                Strictness::Open => "open",
                Strictness::Restricted => "restricted",
                Strictness::PurposeLimited => "some purposes only",
            };
            vec![Cell::plain(&l.id), Cell::plain(&l.name), Cell::plain(limits), Cell::ink(Ink::Quiet, &l.review.level)]
        })
        .collect();
    page.table(0, 1, &rows);
    page.blank();
    let read = catalog.licenses.iter().filter(|l| l.review.level != "unreviewed").count();
    page.row(
        Ink::Strong,
        "law",
        &format!(
            "{} licenses, {} use policies, {} model rows, catalog {}; {read} read twice, none by counsel yet",
            catalog.licenses.len(),
            catalog.policies.len(),
            catalog.models.rows().len(),
            catalog.version
        ),
    );
    page.finish()
}
