//! A governance record: what an organization knows of a model that it deploys, what it decided, and who decided it.
//!
//! A record is what its events come to ([`Record::fold`]). What somebody wants done is a [`Command`]; [`decide`] says which event it
//! becomes, or everything that stands in its way. Pure: the time, the person and the role are given.
//!
//! An approval is bound to a digest of what it was given for ([`Record::inputs`]). When anything of that changes, the approval
//! no longer stands, and the record says which field it was. Whether it stands is read off the clock at reading
//! ([`Record::state_at`]): no program has to run for an approval to end.

mod decide;
mod fields;
pub mod fuzz;
mod gate;
mod outcome;
mod record;
mod rules;
mod statement;
mod workflow;

pub use decide::{Command, Context, Problem, decide};
pub use fields::{Area, FIELDS, Field, Kind, field};
pub use gate::{Coverage, covers};
pub use outcome::{difference, outcome};
pub use record::{Approval, Entry, Fact, Record, Told};
pub use rules::Rules;
pub use statement::statement_commands;
pub use workflow::{ROLES, Standing, State, may};
