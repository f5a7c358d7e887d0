//! The one place where the verdict is composed.

use freehold_base::{Permission, Range, Verdict};

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
