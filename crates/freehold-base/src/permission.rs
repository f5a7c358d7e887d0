//! Permission, truth and verdict: the three small lattices that everything is computed in.

use std::fmt;

/// What the terms say about an act. The order is the order of the lattice: `min` is "all must allow".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Nobody granted it, or a term withholds it from this licensee.
    Prohibited,
    /// Granted for other purposes only, or the text sends the user to the licensor.
    NeedsSeparateLicense,
    /// The terms grant it.
    Permitted,
}

impl Permission {
    /// The word used on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::Prohibited => "prohibited",
            Permission::NeedsSeparateLicense => "needs-separate-license",
            Permission::Permitted => "permitted",
        }
    }

    /// The inverse of [`Permission::as_str`].
    pub fn parse(word: &str) -> Option<Permission> {
        [Permission::Prohibited, Permission::NeedsSeparateLicense, Permission::Permitted]
            .into_iter()
            .find(|p| p.as_str() == word)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A judgment: the worst and the best that the open questions leave possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The outcome if every open question falls against us.
    pub worst: Permission,
    /// The outcome if every open question falls for us.
    pub best: Permission,
}

impl Range {
    /// Nothing limits the act.
    pub const PERMITTED: Range = Range::point(Permission::Permitted);
    /// Nothing is known.
    pub const OPEN: Range = Range { worst: Permission::Prohibited, best: Permission::Permitted };

    /// A judgment without open questions.
    pub const fn point(p: Permission) -> Range {
        Range { worst: p, best: p }
    }

    /// Both must allow: min at each end.
    pub fn meet(self, other: Range) -> Range {
        Range { worst: self.worst.min(other.worst), best: self.best.min(other.best) }
    }

    /// Either will do: max at each end.
    pub fn join(self, other: Range) -> Range {
        Range { worst: self.worst.max(other.worst), best: self.best.max(other.best) }
    }

    /// The smallest range that holds both: used where it is unknown which of the two applies.
    pub fn hull(self, other: Range) -> Range {
        Range { worst: self.worst.min(other.worst), best: self.best.max(other.best) }
    }

    /// Limits both ends.
    pub fn cap(self, p: Permission) -> Range {
        self.meet(Range::point(p))
    }

    /// Limits the worst end only.
    pub fn cap_worst(self, p: Permission) -> Range {
        Range { worst: self.worst.min(p), best: self.best }
    }

    /// True where no question is open.
    pub fn is_point(self) -> bool {
        self.worst == self.best
    }
}

/// Kleene's three truth values, ordered false < unknown < true: `and` is min, `or` is max.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// Known not to hold.
    False,
    /// Not stated.
    Unknown,
    /// Known to hold.
    True,
}

impl Truth {
    /// Kleene conjunction.
    pub fn and(self, other: Truth) -> Truth {
        self.min(other)
    }
    /// Kleene disjunction.
    pub fn or(self, other: Truth) -> Truth {
        self.max(other)
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(b: bool) -> Truth {
        if b { Truth::True } else { Truth::False }
    }
}

/// The answer, derived from a [`Range`], its gaps and its duties in one place (`freehold-assess`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// No, or not to this licensee.
    Prohibited,
    /// Not without another license from the licensor.
    NeedsSeparateLicense,
    /// A fact decides that the user can supply.
    Undetermined,
    /// The text bears two readings, claims differ, or the text was never read: counsel decides.
    NeedsReview,
    /// Yes, and a duty is owed or may be.
    PermittedWithObligations,
    /// Yes, and nothing is owed.
    Permitted,
}

impl Verdict {
    /// The word used on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Prohibited => "prohibited",
            Verdict::NeedsSeparateLicense => "needs-separate-license",
            Verdict::Undetermined => "undetermined",
            Verdict::NeedsReview => "needs-review",
            Verdict::PermittedWithObligations => "permitted-with-obligations",
            Verdict::Permitted => "permitted",
        }
    }

    /// Every verdict, worst first.
    pub const ALL: [Verdict; 6] = [
        Verdict::Prohibited,
        Verdict::NeedsSeparateLicense,
        Verdict::Undetermined,
        Verdict::NeedsReview,
        Verdict::PermittedWithObligations,
        Verdict::Permitted,
    ];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
