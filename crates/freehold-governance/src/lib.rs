//! Records in a register: what `freehold register` and the server both do with them. Joins `freehold-record`, which is pure, with
//! `freehold-register`, which keeps events and knows nothing of records.

mod again;
mod assessed;
mod gate;
mod house;
mod parallel;
mod records;
mod steps;
mod time;
mod wrong;

pub use again::{Again, Impact, Law, Looked, Moved, Reassessed, impact, reassess, since, state_words};
pub use assessed::{assessed, deployment_json, outcome_of, stated_facts};
pub use gate::gate;
pub use house::{House, Members, keep, members, rules, rules_event};
pub use parallel::in_order;
pub use records::{
    LOOKED_MAX, Listed, begins, change, change_several, folded, named, one_change, pages, project, told_whole, waiting,
};
pub use steps::{STEPS, command, step};
pub use time::{DAY_MICROS, day, end_of, last_day, moment_of, now};
pub use wrong::{Wrong, usage};

/// A person and the role in which they act.
pub type Who = (String, String);
