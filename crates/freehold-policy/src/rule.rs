//! What a policy is made of.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{Access, FindingCode};
use freehold_base::{Basis, Permission, Verdict};
use freehold_catalog::{ActivityMask, Expr, FactId, FactTable};

use crate::glob::Pattern;

/// How much a violation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is not raised.
    Off,
    /// It is shown.
    Note,
    /// It is shown with the question whether it should be so.
    Warning,
    /// A person looks before it goes out: the check ends open.
    Review,
    /// It does not go out: the check ends blocked.
    Error,
}

impl Severity {
    /// Every severity, least first.
    pub const ALL: [Severity; 5] =
        [Severity::Off, Severity::Note, Severity::Warning, Severity::Review, Severity::Error];
    /// The words of the file, most first.
    pub const WORDS: &'static [&'static str] = &["error", "review", "warning", "note", "off"];

    /// The word used in files and on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Off => "off",
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Review => "review",
            Severity::Error => "error",
        }
    }

    /// The inverse of [`Severity::as_str`].
    pub fn parse(word: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

macro_rules! policy_codes {
    ($($(#[$meta:meta])* $variant:ident = $code:literal,)*) => {
        /// What a policy raises besides its rules and the findings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum PolicyCode { $($(#[$meta])* $variant,)* }
        impl PolicyCode {
            /// Every code, in order.
            pub const ALL: &'static [PolicyCode] = &[$(PolicyCode::$variant,)*];
            /// The code on every public surface.
            pub fn as_str(self) -> &'static str { match self { $(PolicyCode::$variant => $code,)* } }
        }
    };
}

policy_codes! {
    /// A rule of `deny` applies.
    Denied = "denied",
    /// A rule of `review` applies.
    ReviewAsked = "review-asked",
    /// There are rules of `allow`, and none of them names this license.
    LicenseNotListed = "license-not-listed",
    /// A fact that the policy wants stated is not.
    RequiredFact = "required-fact",
    /// A rule applies or not, depending on a fact that is not stated.
    Undecided = "undecided",
    /// A file could not be read, or cannot be trusted.
    UnreadableInput = "unreadable-input",
}

/// What a code of `severity`, `cannot-be-waived` or a waiver may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// A rule's id.
    Rule,
    /// A finding's code.
    Finding,
    /// A code of the policy itself.
    Policy,
}

/// What a rule does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The license may be used. As soon as one rule says so, the others may not.
    Allow,
    /// A person looks first.
    Review,
    /// It does not go out.
    Deny,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Effect; 3] = [Effect::Allow, Effect::Deny, Effect::Review];

    /// The word used in files and on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Allow => "allow",
            Effect::Review => "review",
            Effect::Deny => "deny",
        }
    }
}

/// A class of licenses, read off the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Duties at most.
    Open,
    /// Some uses, users or territories are out.
    Restricted,
    /// Granted for some purposes only.
    PurposeLimited,
    /// On the Open Source Initiative's list.
    OsiApproved,
    /// In law, and not on that list.
    NotOsiApproved,
    /// Not in law: nobody here has read it.
    Unknown,
    /// No license is stated.
    NoLicense,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 7] = [
        Class::Open,
        Class::Restricted,
        Class::PurposeLimited,
        Class::OsiApproved,
        Class::NotOsiApproved,
        Class::Unknown,
        Class::NoLicense,
    ];
    /// Every word, in order.
    pub const WORDS: &'static [&'static str] =
        &["open", "restricted", "purpose-limited", "osi-approved", "not-osi-approved", "unknown", "none"];

    /// The inverse of the word.
    pub fn parse(word: &str) -> Option<Class> {
        Class::WORDS.iter().position(|w| *w == word).and_then(|i| Class::ALL.get(i)).copied()
    }
}

/// What a rule is about. All that are given must hold; each is a list of which one must. Empty = not asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selectors {
    // of one license statement
    pub(crate) licenses: Vec<Pattern>,
    pub(crate) classes: Vec<Class>,
    pub(crate) publishers: Vec<Pattern>,
    pub(crate) bases: Vec<Basis>,
    pub(crate) levels: Vec<String>,
    // of the whole
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) worst: Vec<Permission>,
    pub(crate) accesses: Vec<Access>,
    pub(crate) activities: Option<ActivityMask>,
    pub(crate) countries: Vec<String>,
    pub(crate) presumptions: Vec<String>,
    pub(crate) obligations: Vec<Pattern>,
    pub(crate) findings: Vec<FindingCode>,
    pub(crate) when: Option<Expr>,
}

impl Selectors {
    /// True where the rule is about a license statement.
    pub(crate) fn of_statement(&self) -> bool {
        self.only_publishers()
            || !self.licenses.is_empty()
            || !self.classes.is_empty()
            || !self.bases.is_empty()
            || !self.levels.is_empty()
    }

    /// True where the rule is about who published a work, under whatever license.
    pub(crate) fn only_publishers(&self) -> bool {
        !self.publishers.is_empty()
            && self.licenses.is_empty()
            && self.classes.is_empty()
            && self.bases.is_empty()
            && self.levels.is_empty()
    }

    /// True where the rule says nothing of what it is about.
    pub(crate) fn is_empty(&self) -> bool {
        !self.of_statement()
            && self.verdicts.is_empty()
            && self.worst.is_empty()
            && self.accesses.is_empty()
            && self.activities.is_none()
            && self.countries.is_empty()
            && self.presumptions.is_empty()
            && self.obligations.is_empty()
            && self.findings.is_empty()
            && self.when.is_none()
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name in the file, in `severity`, in waivers and on screens.
    pub id: String,
    /// What it does.
    pub effect: Effect,
    /// How it counts, where the policy says nothing else of its id.
    pub severity: Severity,
    /// Why, in the organization's words; empty where none are given.
    pub says: String,
    /// What to do, in the organization's words; empty where none are given.
    pub fix: String,
    /// Where it stands: `freehold.toml:12`, `profile product`.
    pub from: String,
    pub(crate) about: Selectors,
}

/// A policy as it applies: a profile, the file over it, an environment over that.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The file it was read from, as the user named it.
    pub file: String,
    /// The profile it extends; empty for none.
    pub profile: String,
    /// The environment that was picked; empty for none.
    pub environment: String,
    /// Rules: the profile's, the file's, the environment's.
    pub rules: Vec<Rule>,
    /// How codes and rules count, the later section over the earlier.
    pub severities: BTreeMap<String, Severity>,
    /// Facts that must be stated.
    pub required: Vec<FactId>,
    /// Codes and rules that no waiver sets aside.
    pub cannot_be_waived: BTreeSet<String>,
    /// The facts of the catalog and the names of [`crate::NAMES`] behind them.
    pub(crate) names: FactTable,
}

impl Policy {
    /// How a code or rule counts where it says nothing itself.
    pub(crate) fn severity(&self, code: &str) -> Option<Severity> {
        self.severities.get(code).copied()
    }
}
