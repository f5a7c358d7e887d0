//! What the organization's policy says, in a block of its own below the answer, which it does not change.

use freehold_catalog::Catalog;
use freehold_policy::{
    Effect, Outcome, OutcomeState, Policy, PolicyFile, Severity, StaleWhy, Violation, WaiverUse, WaiverUseState,
};

use crate::page::{Cell, Page, cut};
use crate::style::{Ink, Style};
use crate::words;

/// Most violations on one screen.
const VIOLATIONS_MAX: usize = 12;
/// Most waivers to take out.
const STALE_MAX: usize = 4;

/// One subject's block. `what` is what to type to check it again.
pub fn policy_block(o: &Outcome, what: &str, style: Style) -> String {
    let mut page = Page::new(style);
    let (ink, heading) = heading(o.state);
    page.row(ink, "policy", &format!("{heading} {}", head_words(o)));
    page.row(Ink::Quiet, "", "the answer above stands as it is: a policy changes no verdict");
    o.violations.iter().take(VIOLATIONS_MAX).for_each(|v| violation(v, &mut page));
    if o.violations.len() > VIOLATIONS_MAX {
        let more = o.violations.len() - VIOLATIONS_MAX;
        page.line(Ink::Quiet, &format!("  … and {more} more; --format json lists them"));
    }
    for (i, stale) in o.stale.iter().take(STALE_MAX).enumerate() {
        let why = match stale.why {
            StaleWhy::Unused => "nothing of it is raised any more",
            StaleWhy::Lapsed => "it was given for other bytes than these",
        };
        let text = format!("{} at {}: {why}; take it out", stale.waiver.code, stale.waiver.from);
        page.row(Ink::Open, if i == 0 { "waivers" } else { "" }, &text);
    }
    if let Some(next) = next(o, what) {
        page.row(Ink::Quiet, "next", &next);
    }
    page.finish()
}

/// Many subjects: those that the policy objects to, and the count.
pub fn policy_table(outcomes: &[(&str, &Outcome)], style: Style) -> String {
    let mut page = Page::new(style);
    let mut rows = Vec::new();
    let mut order: Vec<&(&str, &Outcome)> = outcomes.iter().filter(|(_, o)| o.state != OutcomeState::Passed).collect();
    order.sort_by(|(a, x), (b, y)| y.state.cmp(&x.state).then(a.cmp(b)));
    for (id, o) in order {
        let open: Vec<&str> = o.violations.iter().filter(|v| counts(v)).map(|v| v.rule.as_str()).collect();
        let mut rules = open.clone();
        rules.dedup();
        let (ink, heading) = heading(o.state);
        rows.push(vec![Cell::ink(ink, heading), Cell::plain(cut(id, 44)), Cell::ink(Ink::Quiet, rules.join(", "))]);
    }
    page.table(0, 2, &rows);
    let count = |state| outcomes.iter().filter(|(_, o)| o.state == state).count();
    let text = format!(
        "{} denied, {} to review, {} passed; no verdict is changed by it",
        count(OutcomeState::Denied),
        count(OutcomeState::Review),
        count(OutcomeState::Passed)
    );
    page.row(Ink::Strong, "policy", &text);
    page.finish()
}

/// What a policy asks for, as it applies in an environment.
pub fn policy_summary(p: &Policy, file: &PolicyFile, catalog: &Catalog, waivers: &str, style: Style) -> String {
    let mut page = Page::new(style);
    let or_none = |text: String| if text.is_empty() { "none".to_string() } else { text };
    page.row(Ink::Good, &p.file, "no mistakes");
    page.row(Ink::Quiet, "profile", &or_none(p.profile.clone()));
    let all = file.environments().collect::<Vec<_>>().join(", ");
    let picked = if p.environment.is_empty() { "none of them" } else { p.environment.as_str() };
    let over =
        if all.is_empty() { "no environments".into() } else { format!("environments {all}; {picked} is picked") };
    page.row(Ink::Quiet, "over it", &over);
    let required: Vec<&str> = p.required.iter().map(|id| catalog.facts.get(*id).name.as_str()).collect();
    page.row(Ink::Quiet, "required", &or_none(required.join(", ")));
    let ids: Vec<&str> = p.rules.iter().map(|r| r.id.as_str()).collect();
    for severity in Severity::ALL.into_iter().rev().filter(|s| *s != Severity::Off) {
        let codes = p.severities.iter().filter(|(c, s)| **s == severity && !ids.contains(&c.as_str()));
        let codes: Vec<&str> = codes.map(|(c, _)| c.as_str()).collect();
        if !codes.is_empty() {
            page.row(Ink::Quiet, severity.as_str(), &codes.join(", "));
        }
    }
    page.row(Ink::Quiet, "waivers", waivers);
    page.line(Ink::Strong, &format!("{} rules", p.rules.len()));
    let mut rows = Vec::new();
    for effect in [Effect::Deny, Effect::Review, Effect::Allow] {
        for rule in p.rules.iter().filter(|r| r.effect == effect) {
            let counts = p.severities.get(&rule.id).copied().unwrap_or(rule.severity);
            let counts = if effect == Effect::Allow { "" } else { counts.as_str() };
            rows.push(vec![
                Cell::plain(effect.as_str()),
                Cell::plain(&rule.id),
                Cell::plain(counts),
                Cell::ink(Ink::Quiet, &rule.from),
            ]);
        }
    }
    page.table(2, 3, &rows);
    page.row(Ink::Quiet, "next", "freehold policy test DIR   ·   freehold check .");
    page.finish()
}

/// Lines as they are, cleaned of what a terminal would obey.
pub fn plain_lines(lines: &[String], style: Style) -> String {
    let mut page = Page::new(style);
    lines.iter().for_each(|l| page.line(Ink::Plain, &l.replace('\n', " ")));
    page.finish()
}

fn heading(state: OutcomeState) -> (Ink, &'static str) {
    match state {
        OutcomeState::Denied => (Ink::Bad, "DENIED"),
        OutcomeState::Review => (Ink::Open, "REVIEW"),
        OutcomeState::Passed => (Ink::Good, "PASSED"),
    }
}

fn counts(v: &Violation) -> bool {
    !v.is_waived() && v.severity >= Severity::Review
}

/// `by freehold.toml, profile product, environment release: 1 error, 2 to review, 1 waived`.
fn head_words(o: &Outcome) -> String {
    let mut by = format!("by {}", o.file);
    if !o.profile.is_empty() {
        by.push_str(&format!(", profile {}", o.profile));
    }
    if !o.environment.is_empty() {
        by.push_str(&format!(", environment {}", o.environment));
    }
    let count = |s: Severity| o.violations.iter().filter(|v| v.severity == s && !v.is_waived()).count();
    let waived = o.violations.iter().filter(|v| v.is_waived()).count();
    let parts = [
        (count(Severity::Error), "error", "errors"),
        (count(Severity::Review), "to review", "to review"),
        (count(Severity::Warning), "warning", "warnings"),
        (count(Severity::Note), "note", "notes"),
        (waived, "waived", "waived"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(n, _, _)| *n > 0)
        .map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }))
        .collect();
    if said.is_empty() { format!("{by}: it objects to nothing") } else { format!("{by}: {}", said.join(", ")) }
}

fn violation(v: &Violation, page: &mut Page) {
    let (ink, word) = if v.is_waived() {
        (Ink::Quiet, "waived")
    } else {
        match v.severity {
            Severity::Error => (Ink::Bad, "error"),
            Severity::Review => (Ink::Open, "review"),
            Severity::Warning => (Ink::Open, "warning"),
            Severity::Note | Severity::Off => (Ink::Quiet, "note"),
        }
    };
    // what the catalog says has no place in a file of the model
    let place = v.evidence.iter().find(|e| e.line.is_some() || e.bytes.is_some()).or(v.evidence.first());
    let place = place.filter(|e| e.key.is_empty() || e.line.is_some() || e.bytes.is_some()).map(words::place);
    let place = place.filter(|p| !p.is_empty() && p != "case").map(|p| format!("  {p}")).unwrap_or_default();
    let from = if v.from.is_empty() { String::new() } else { format!("  ({})", v.from) };
    page.row(ink, &format!("  {word}"), &format!("{}{from}{place}", v.rule));
    page.row(Ink::Quiet, "", &v.says);
    if let Some(w) = &v.waiver {
        page.row_of(Ink::Quiet, "", Ink::Open, &waiver_words(w));
    }
    if !v.is_waived() && !v.fix.is_empty() {
        page.row(Ink::Quiet, "", &format!("fix: {}", v.fix));
    }
}

/// A waiver beside what it is about, in words: until when, by whom for whom, why.
pub fn waiver_words(w: &WaiverUse) -> String {
    let WaiverUse { waiver: w, state } = w;
    let by = format!("by {} for {}", w.approver, w.owner);
    match state {
        WaiverUseState::Active => format!("waived until {} {by}: {}", w.expires, w.reason),
        WaiverUseState::Expired => format!("the waiver {by} ended on {}", w.expires),
        WaiverUseState::NotYet => format!("the waiver {by} begins on {}", w.created),
        WaiverUseState::Lapsed => format!("the waiver {by} was given for other bytes than these"),
    }
}

fn next(o: &Outcome, what: &str) -> Option<String> {
    let open = o.violations.iter().find(|v| counts(v))?;
    if let Some(fact) = open.facts.first() {
        return Some(format!("freehold check {what} --set {fact}=…"));
    }
    if !open.waivable {
        return Some(format!("freehold why verdict {what}   ({} cannot be waived)", open.rule));
    }
    let waive = format!("freehold waive {} {what} --reason … --owner … --approver … --until …", open.rule);
    Some(format!("mend it and check again   ·   or, by somebody with a name: {waive}"))
}
