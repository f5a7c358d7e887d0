//! Exit codes: a contract.

use freehold_base::{Severity, Verdict};
use freehold_check::Dossier;
use freehold_policy::OutcomeState;
use freehold_wire::pipeline::{Checked, Outcome};

/// Clear: everything that was judged may be shipped.
pub(crate) const CLEAR: u8 = 0;
/// Blocked: prohibited, needs a separate license, denied by policy, or the release lacks an owed duty.
pub(crate) const BLOCKED: u8 = 1;
/// The command line or a file that configures it is wrong.
pub(crate) const USAGE: u8 = 2;
/// An input is unreadable or hostile.
pub(crate) const UNREADABLE: u8 = 3;
/// Open: undetermined, needs review, or a policy wants a person to look.
pub(crate) const OPEN: u8 = 4;
/// There was nothing to judge.
pub(crate) const NOTHING: u8 = 5;

/// A fault of this build.
pub(crate) const INTERNAL: u8 = 70;

/// Which outcomes fail a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailOn {
    pub(crate) blocked: bool,
    pub(crate) open: bool,
    pub(crate) nothing: bool,
}

impl FailOn {
    pub(crate) const WORDS: [&'static str; 4] = ["blocked", "open", "nothing", "never"];

    pub(crate) fn parse<'w>(words: impl Iterator<Item = &'w str>) -> FailOn {
        let words: Vec<&str> = words.collect();
        let all = words.is_empty();
        let has = |w: &str| all || words.contains(&w);
        FailOn { blocked: has("blocked"), open: has("open"), nothing: has("nothing") }
    }
}

/// The status of one subject.
pub(crate) fn of_dossier(d: &Dossier<'_>) -> u8 {
    match d.assessment.verdict {
        Verdict::Prohibited | Verdict::NeedsSeparateLicense => BLOCKED,
        _ if d.owed_and_unmet() > 0 && d.outgoing.is_some() => BLOCKED,
        Verdict::Undetermined | Verdict::NeedsReview => OPEN,
        // a clear verdict over files of which one cannot be trusted is none
        _ if d.diagnostics.iter().any(|m| m.severity == Severity::Error) => UNREADABLE,
        Verdict::Permitted | Verdict::PermittedWithObligations => CLEAR,
    }
}

/// The status of one subject beside what a baseline knows of it.
pub(crate) fn of_checked(m: &Checked) -> u8 {
    match m.new_outcome() {
        Some(Outcome::Blocked) => BLOCKED,
        Some(Outcome::Open) => OPEN,
        Some(Outcome::Unreadable) => UNREADABLE,
        None => CLEAR,
    }
}

/// The status of one subject under a policy: what it denies is blocked, what it wants seen is open. It makes nothing
/// better.
pub(crate) fn with_policy(code: u8, outcome: OutcomeState) -> u8 {
    match (outcome, code) {
        (_, UNREADABLE | BLOCKED) | (OutcomeState::Passed, _) => code,
        (OutcomeState::Denied, _) => BLOCKED,
        (OutcomeState::Review, _) => OPEN,
    }
}

/// Over many subjects the first that applies of unreadable, blocked, open, nothing, clear; and what was not counted.
pub(crate) fn of_all(codes: &[u8], unreadable: bool, fail_on: FailOn) -> (u8, Vec<String>) {
    let mut uncounted = Vec::new();
    if unreadable || codes.contains(&UNREADABLE) {
        return (UNREADABLE, uncounted);
    }
    if codes.is_empty() {
        if fail_on.nothing {
            return (NOTHING, uncounted);
        }
        uncounted.push("nothing was judged, and --fail-on leaves that out".into());
    }
    for (code, counts, word) in [(BLOCKED, fail_on.blocked, "blocked"), (OPEN, fail_on.open, "open")] {
        let n = codes.iter().filter(|c| **c == code).count();
        if n > 0 && counts {
            return (code, uncounted);
        }
        if n > 0 {
            uncounted.push(format!("{n} {word}, which --fail-on leaves out"));
        }
    }
    (CLEAR, uncounted)
}
