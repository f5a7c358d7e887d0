//! The one place where the verdict is composed.

use freehold_base::{Permission, Range, Verdict};

use crate::finding::Explained;
use crate::judge::{Certainty, GapKind};

/// Composes the verdict from the range, the gaps and the duties; one sentence a row.
pub fn compose(range: Range, gaps: &[GapKind], duties: &[Certainty]) -> Verdict {
    use Permission::{NeedsSeparateLicense, Permitted, Prohibited};
    let fact = gaps.contains(&GapKind::Fact);
    let duty = duties.iter().any(|d| *d >= Certainty::Conditional);
    match (range.worst, range.best, fact, duty) {
        // the terms withhold it whatever the open questions turn out to be
        (Prohibited, Prohibited, _, _) => Verdict::Prohibited,
        // the terms send the user to the licensor whatever the open questions turn out to be
        (NeedsSeparateLicense, NeedsSeparateLicense, _, _) => Verdict::NeedsSeparateLicense,
        // the terms grant it, and something is owed or may be
        (Permitted, Permitted, _, true) => Verdict::PermittedWithObligations,
        // the terms grant it, and nothing is owed
        (Permitted, Permitted, _, false) => Verdict::Permitted,
        // the outcome hangs on a fact: the user settles it
        (Prohibited | NeedsSeparateLicense, NeedsSeparateLicense | Permitted, true, _) => Verdict::Undetermined,
        // the outcome hangs on a reading, a dispute or an unread text: counsel settles it
        (Prohibited | NeedsSeparateLicense, NeedsSeparateLicense | Permitted, false, _) => Verdict::NeedsReview,
        // a range whose worst end is above its best is none; a fault is never a pass
        (NeedsSeparateLicense | Permitted, Prohibited, _, _) | (Permitted, NeedsSeparateLicense, _, _) => {
            Verdict::NeedsReview
        }
    }
}

/// A verdict in words.
pub fn explained(verdict: Verdict) -> Explained {
    match verdict {
        Verdict::Prohibited => Explained {
            means: "The terms do not let you do this, whatever the open questions turn out to be.",
            matters: "Shipping it would be without a license.",
            rests: "the terms of each license that reaches the model, on the facts that are stated",
            fix: "use another base (`freehold what-if WHAT --swap-base MODEL`), another way to reach people (`--access`), or buy a license and record it.",
        },
        Verdict::NeedsSeparateLicense => Explained {
            means: "You may not do this without another license from the licensor, whatever the open questions turn out to be.",
            matters: "The public license ends where this use begins.",
            rests: "the clause that reserves the use, on the facts that are stated",
            fix: "ask the licensor for a license, use another base, or change the use that the clause names.",
        },
        Verdict::Undetermined => Explained {
            means: "Whether you may hangs on a fact that nobody has stated.",
            matters: "Unknown is never taken for no: until it is stated the answer may turn out to be the worst of its range.",
            rests: "the conditions of the terms, and the facts that they ask for",
            fix: "answer what `freehold check WHAT --ask` asks, or state the fact in `freehold.toml`.",
        },
        Verdict::NeedsReview => Explained {
            means: "The text bears two readings, the statements about the license differ, or nobody here has read the text.",
            matters: "A program cannot settle it; counsel can.",
            rests: "the clause with its readings, the statements with their places, or the text itself",
            fix: "let counsel read what the screen names under `counsel`, and record what was found.",
        },
        Verdict::PermittedWithObligations => Explained {
            means: "The terms let you, and ask for something in return.",
            matters: "What is owed and not done ends the license, by most texts.",
            rests: "the grants and the duties of each license that reaches the model",
            fix: "check what goes out: `freehold check WHAT --release DIR`.",
        },
        Verdict::Permitted => Explained {
            means: "The terms let you, and ask for nothing.",
            matters: "Nothing is to be done.",
            rests: "the grants of each license that reaches the model",
            fix: "nothing; the answer holds for the facts that were stated.",
        },
    }
}
