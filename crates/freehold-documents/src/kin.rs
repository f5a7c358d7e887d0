//! What two models' weights say of their kinship.

use freehold_kin::{Kinship, Proof, Relation};

use crate::page::{Cell, Page};
use crate::style::{Ink, Style};
use crate::words;

fn says(relation: Relation) -> (Ink, &'static str) {
    match relation {
        Relation::Same => (Ink::Good, "the same weights"),
        Relation::SameRounded => (Ink::Good, "the same weights, quantized or rounded"),
        Relation::AdapterMerged => (Ink::Open, "an adapter was merged into one of them"),
        Relation::Derived => (Ink::Open, "one is fine-tuned, merged or cut from the other, or both from a third"),
        Relation::Unrelated => (Ink::Strong, "unrelated, as far as weights show"),
        Relation::CannotTell => (Ink::Open, "cannot tell"),
    }
}

/// A share in per cent that never rounds to all or nothing what is neither.
fn per_cent(share: f64) -> String {
    match share {
        s if s >= 1.0 => "all".into(),
        s if s <= 0.0 => "none".into(),
        s if s > 0.999 => "> 99.9 %".into(),
        s if s < 0.001 => "< 0.1 %".into(),
        s => format!("{:.1} %", s * 100.0),
    }
}

/// Prints the answer, what it was found by, and the tensors that show it.
pub fn kinship(a: &str, b: &str, k: &Kinship, style: Style) -> String {
    let mut page = Page::new(style);
    let (ink, answer) = says(k.relation);
    // of a small file some is read twice
    let read = |read: u64, total: u64| format!("{} of {} read", words::size(read.min(total)), words::size(total));
    page.row(Ink::Strong, "A", &format!("{a}   {}", read(k.bytes_read.0, k.bytes_total.0)));
    page.row(Ink::Strong, "B", &format!("{b}   {}", read(k.bytes_read.1, k.bytes_total.1)));
    page.row_of(Ink::Strong, "kinship", ink, answer);
    if k.relation != Relation::CannotTell || k.closeness > 0.0 {
        // never sure: nobody tried everything
        let score = k.score.clamp(0.01, 0.99);
        page.row(Ink::Quiet, "score", &format!("{score:.2} that they are kin (closeness {:.3})", k.closeness));
    }
    for reason in &k.reasons {
        page.row(Ink::Quiet, "because", reason);
    }
    if !k.classes.is_empty() {
        page.blank();
        let head = ["tensors", "compared", "equal", "equal or rounded", "cosine", "difference"];
        let mut rows: Vec<Vec<Cell>> = vec![head.iter().map(|h| Cell::ink(Ink::Quiet, *h)).collect()];
        rows.extend(k.classes.iter().map(|c| {
            vec![
                Cell::plain(c.class.as_str()),
                Cell::plain(c.tensors.to_string()),
                Cell::plain(c.equal.to_string()),
                Cell::plain(c.fits.to_string()),
                Cell::plain(format!("{:.3}", c.cosine)),
                Cell::plain(format!("{:.4}", c.difference)),
            ]
        }));
        page.table(2, 0, &rows);
    }
    if !k.proofs.is_empty() {
        page.blank();
        page.line(Ink::Strong, "shown by");
        page.table(2, 0, &k.proofs.iter().map(row).collect::<Vec<_>>());
    }
    page.blank();
    if k.alone.0 + k.alone.1 > 0 && k.compared > 0 {
        let message = format!("{} tensors of A and {} of B have no partner of that name", k.alone.0, k.alone.1);
        page.row(Ink::Quiet, "left out", &message);
    }
    match k.relation {
        Relation::Unrelated | Relation::CannotTell => {
            page.row(Ink::Quiet, "note", "distilling, turning channels and training anew leave no trace in weights");
        }
        _ => {
            page.row(Ink::Quiet, "note", "which came first no weights tell; no verdict is made of this");
            page.row(Ink::Quiet, "next", "is the base stated?  freehold check B --base MODEL");
        }
    }
    page.finish()
}

fn row(p: &Proof) -> Vec<Cell> {
    let name = if p.a.1 == p.b.1 { p.a.1.clone() } else { format!("{} ~ {}", p.a.1, p.b.1) };
    let rank = p.rank.map(|r| format!("rank {r}")).unwrap_or_default();
    vec![
        Cell::plain(name),
        Cell::plain(format!("{} equal", per_cent(p.equal))),
        Cell::plain(format!("cosine {:.3}", p.cosine)),
        Cell::plain(rank),
    ]
}
