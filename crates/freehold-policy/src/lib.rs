//! An organization's own rules over an assessment, and the waivers that set one aside for a time.
//!
//! A policy is stricter than the law or as strict, never looser: [`evaluate`] reads an assessment and raises violations, it
//! changes none of it. A waiver answers a violation, shows that it does, and changes no verdict either.
//!
//! Three answers of a rule: it applies, it does not, or a fact that nobody has stated decides. The last raises `undecided`:
//! unknown is not false.

mod evaluate;
pub mod fuzz;
mod glob;
mod identity;
mod names;
mod read;
mod rule;
mod start;
mod waiver;

pub use evaluate::{Outcome, OutcomeState, Situation, Violation, evaluate, outcome};
pub use identity::{artifact_digest, digest_of_parts, text_digest};
pub use names::NAMES;
pub use read::{POLICY_BYTES_MAX, PolicyFile};
pub use rule::{Class, CodeKind, Effect, Policy, PolicyCode, Rule, Severity};
pub use start::default_text;
pub use waiver::{
    NewWaiver, Scope, StaleWaiver, StaleWhy, WAIVERS_SCHEMA, Waiver, WaiverUse, WaiverUseState, Waivers,
    mistakes_of_new, with_waiver,
};
