//! Identifies a license text: which edition it is, word for word, and where it differs.
//!
//! The editions are known by an [`Index`] of hashes and clause offsets, made from texts by [`IndexBuilder`]; the index
//! holds no sentence. Pure: text in, plain data out.

mod align;
mod builder;
mod clauses;
pub mod fuzz;
mod holder;
mod identify;
mod index;
mod pointer;
mod reading;
mod words;

pub use builder::{BuildError, IndexBuilder, build_index_from};
pub use holder::{has_blank_holder, holder, with_holder};
pub use identify::{Difference, DifferenceKind, Identification, Limits, Match, Part, identify};
pub use index::{Edition, EditionKind, Index, IndexError};
pub use reading::{
    Attitude, BUILT_IN, Basis, Change, EVIDENCE_MAX, Evidence, Proposal, QUOTE_WORDS_MAX, READ_WORDS_MAX, Reading,
    Readings, Rules, RulesError, read,
};
pub use words::{Mark, Word, Words, contains_quote, quote_in};
