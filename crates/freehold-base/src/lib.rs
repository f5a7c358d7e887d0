//! The vocabulary that every other crate speaks: no file, no clock, no network, no parsing.
//!
//! *Works* are linked by *relations*; each statement about one is a [`Fact`] with its [`Evidence`];
//! what may be done with one is a [`Range`] between two [`Permission`]s.

mod diagnostic;
mod evidence;
mod graph;
mod mask;
mod permission;
mod shown;
mod value;

pub use diagnostic::{Diagnostic, Label, Severity, nearest};
pub use evidence::{Evidence, Fact, FactKind, TextFile, TextKind};
pub use graph::{Basis, By, Claim, Covers, Edge, Graph, MadeBy, Relation, Work, WorkKind};
pub use mask::{mask_secrets, masked};
pub use permission::{Permission, Range, Truth, Verdict};
pub use shown::shown;
pub use value::{Month, Value, amount};
