//! Reads a license text that nobody has read: proposes, sentence by sentence, what it appears to grant, require, forbid
//! and limit. What it proposes is for a person to check; no verdict is made from it.
//!
//! The engine knows sentences, list items and their lead-ins, words of permission, duty and prohibition, negation and
//! exceptions. What the words are, and which terms they speak of, is data: [`Rules`], loaded from
//! `catalog/reading.toml`.

mod engine;
mod known;
mod pattern;
mod rules;
mod sentences;

use std::ops::Range;
use std::sync::LazyLock;

pub use engine::read;
pub use known::{Change, Readings};
pub use rules::{Rules, RulesError};

/// Words of a text that are read; [`Reading::truncated`] says that there were more.
pub const READ_WORDS_MAX: usize = 100_000;
/// Words of a quote.
pub const QUOTE_WORDS_MAX: usize = 25;
/// Sentences that are kept for one attitude of one term, the first ones.
pub const EVIDENCE_MAX: usize = 8;

/// The rules of this build.
pub static BUILT_IN: LazyLock<Rules> = LazyLock::new(|| Rules::parse(BUILT_IN_TOML).unwrap_or_default());

/// The text of `catalog/reading.toml`.
pub(crate) const BUILT_IN_TOML: &str = include_str!("../../../../catalog/reading.toml");

/// What a text appears to say of an act or a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attitude {
    /// It may be done, or need not.
    Can,
    /// It must not be done.
    Cannot,
    /// It has to be done.
    Must,
}

impl Attitude {
    /// `can`, `cannot` or `must`.
    pub fn as_str(self) -> &'static str {
        match self {
            Attitude::Can => "can",
            Attitude::Cannot => "cannot",
            Attitude::Must => "must",
        }
    }
}

/// How a proposal was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// The text says it.
    Said,
    /// The text says it nowhere but speaks as if it were so: conditions on redistribution suppose that one may.
    Supposed,
}

/// A sentence that a proposal rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What this sentence says of the term.
    pub attitude: Attitude,
    /// The clause, as bytes of the text.
    pub range: Range<usize>,
    /// At most [`QUOTE_WORDS_MAX`] words of it, around the words that decided, as they stand in the text.
    pub quote: String,
    /// What it says has an exception or a condition.
    pub conditional: bool,
}

/// What the text appears to say of one term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The term, as [`Rules::terms`] lists it.
    pub term: String,
    /// What the text appears to say.
    pub attitude: Attitude,
    /// Said, or only supposed.
    pub basis: Basis,
    /// The sentences that say so, in the order of the text; at least one.
    pub sentences: Vec<Evidence>,
    /// Sentences that say something else of the same term; a person decides.
    pub against: Vec<Evidence>,
}

/// What a text appears to say, as input for a person's review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// One for each term that the text speaks of, in the order of the rules.
    pub proposals: Vec<Proposal>,
    /// Sentences in the text.
    pub sentences: usize,
    /// The text has more than [`READ_WORDS_MAX`] words; the rest was not read.
    pub truncated: bool,
}

impl Reading {
    /// The proposal for a term; `None` where the text does not appear to speak of it.
    pub fn of(&self, term: &str) -> Option<&Proposal> {
        self.proposals.iter().find(|p| p.term == term)
    }
}
