//! What the organization's policy says, in a block of its own below the answer, which it does not change.

use freehold_policy::{Outcome, OutcomeState, Severity, StaleWhy, Violation, Waiver, WaiverUseState};

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
    page.row(ink, heading, &head_words(o));
    page.row(Ink::Quiet, "", "the answer above stands as it is: a policy changes no verdict");
    let rows: Vec<Vec<Cell>> = o.violations.iter().take(VIOLATIONS_MAX).map(row).collect();
    page.table(2, 2, &rows);
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
    let mut by = format!("by the policy in {}", o.file);
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

fn row(v: &Violation) -> Vec<Cell> {
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
    let mut text = v.says.clone();
    if let Some(w) = &v.waiver {
        text.push_str(&format!("; {}", waiver_words(&w.waiver, w.state)));
    }
    if !v.is_waived() && !v.fix.is_empty() {
        text.push_str(&format!(". Fix: {}", v.fix));
    }
    let place = v.evidence.iter().map(words::place).find(|p| !p.is_empty() && p != "case");
    vec![
        Cell::ink(ink, word),
        Cell::plain(&v.rule),
        Cell::plain(text),
        Cell::ink(Ink::Quiet, place.unwrap_or_default()),
    ]
}

fn waiver_words(w: &Waiver, state: WaiverUseState) -> String {
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
    Some(format!("freehold waive {} {what} --reason … --owner … --approver … --until …", open.rule))
}
