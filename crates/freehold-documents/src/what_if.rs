//! What moves if a fact, the access or the base changes.

use std::collections::BTreeSet;

use freehold_assess::Certainty;
use freehold_check::{Advised, Dossier};

use crate::page::Page;
use crate::screen::answer_words;
use crate::style::{Ink, Style};
use crate::words;

/// Prints one model before and after; `alike`: base models of like size that may be used so, after another base.
pub fn what_if(
    before: &Dossier<'_>,
    after: &Dossier<'_>,
    changes: &[String],
    alike: &[Advised<'_>],
    style: Style,
) -> String {
    let mut page = Page::new(style);
    page.row(Ink::Strong, &before.subject.id, &format!("if {}", changes.join(", ")));
    let (ink_a, heading_a, text_a) = answer_words(before);
    let (ink_b, heading_b, text_b) = answer_words(after);
    page.row_of(Ink::Quiet, "now", ink_a, heading_a);
    page.row(Ink::Quiet, "", &text_a);
    page.row_of(Ink::Quiet, "then", ink_b, heading_b);
    page.row(Ink::Quiet, "", &text_b);
    if before.assessment.verdict == after.assessment.verdict {
        page.row(Ink::Quiet, "verdict", "stays the same");
    }
    let governs = |d: &Dossier<'_>| -> BTreeSet<String> {
        d.assessment
            .licenses
            .iter()
            .filter(|l| !l.displaced && !l.outbound && !l.beyond)
            .map(|l| l.license.clone())
            .collect()
    };
    sets(&mut page, "governs", &governs(before), &governs(after));
    let owed = |d: &Dossier<'_>| -> BTreeSet<String> {
        let list = d.assessment.obligations.iter().filter(|o| o.certainty == Certainty::Owed);
        list.map(|o| duty(d, o)).collect()
    };
    sets(&mut page, "you owe", &owed(before), &owed(after));
    let limits = |d: &Dossier<'_>| -> BTreeSet<String> {
        let cite = |l: &freehold_assess::Limit<'_>| {
            let clause = l.term.map_or("grants no such act", |t| t.clause.as_str());
            format!("{} {clause}", d.catalog.licenses[l.license].id)
        };
        d.assessment.limits.iter().map(cite).collect()
    };
    sets(&mut page, "limited by", &limits(before), &limits(after));
    if let Some(q) = after.questions.first() {
        page.row(Ink::Open, "question", &after.catalog.facts.get(q.fact).question);
    }
    crate::advice::like_size(&mut page, alike, after.catalog);
    let what = if before.subject.path.is_empty() { "." } else { before.subject.path.as_str() };
    page.row(Ink::Quiet, "next", &format!("freehold check {what} with the same flags shows the whole screen"));
    page.finish()
}

fn duty(d: &Dossier<'_>, o: &freehold_assess::Obligation<'_>) -> String {
    let clause = o.sources.first().map(|s| format!(" ({} {})", d.catalog.licenses[s.license].id, s.term.clause));
    let title = words::duty_title(d.catalog, o.code);
    let text = o.text().map(|t| format!(" “{}”", crate::page::cut(t, 40))).unwrap_or_default();
    format!("{title}{text}{}", clause.unwrap_or_default())
}

fn sets(page: &mut Page, label: &str, before: &BTreeSet<String>, after: &BTreeSet<String>) {
    let gone: Vec<&String> = before.difference(after).collect();
    let new: Vec<&String> = after.difference(before).collect();
    if gone.is_empty() && new.is_empty() {
        return;
    }
    let mut first = true;
    for (sign, ink, list) in [("+", Ink::Strong, new), ("-", Ink::Quiet, gone)] {
        for item in list {
            page.row_of(Ink::Quiet, if first { label } else { "" }, ink, &format!("{sign} {item}"));
            first = false;
        }
    }
}
