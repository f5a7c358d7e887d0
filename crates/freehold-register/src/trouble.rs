//! What goes wrong with a register, in words that say what to do.

use std::fmt;

use freehold_log::Fault;

/// Why a register is not opened, read or written.
#[derive(Debug)]
pub enum Trouble {
    /// Nothing is there.
    Absent(String),
    /// Something is there already.
    Present(String),
    /// What is there is no register, or is of a later version of Freehold.
    NotOurs(String),
    /// The database refuses: its own words. Nothing that was not acknowledged is counted on.
    Database(String),
    /// Another writer holds the register for longer than is waited.
    Busy,
    /// It can be read and not written.
    ReadOnly(String),
    /// No key to sign with, or the wrong one.
    Key(String),
    /// The clock is behind the last event: microseconds since 1970, the clock's and the event's.
    ClockBack {
        /// What the clock says.
        now: i64,
        /// When the last event was.
        last: i64,
    },
    /// The log is not the one that this machine saw: what is wrong, and since when.
    History(String),
    /// A proof, a checkpoint, a text of the register that is not of its form.
    Fault(Fault),
    /// More than is taken.
    TooLarge(String),
    /// The connection failed during a write: it is not known whether that was kept. The next reading tells.
    Broken,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Absent(what) => write!(f, "no register at {what}: `freehold register init` makes one"),
            Trouble::Present(what) => write!(f, "{what} is there already: it is left as it is"),
            Trouble::NotOurs(why) => write!(f, "no register that this build reads: {why}"),
            Trouble::Database(why) => write!(f, "the database refuses: {why}; nothing of this was accepted"),
            Trouble::Busy => f.write_str("another writer holds the register: try again"),
            Trouble::ReadOnly(why) => write!(f, "the register cannot be written: {why}"),
            Trouble::Key(why) => write!(f, "the register's key: {why}"),
            Trouble::ClockBack { now, last } => write!(
                f,
                "the clock says {}, and the last event was at {}: nothing is written before it; set the clock",
                crate::event::time(*now),
                crate::event::time(*last)
            ),
            Trouble::History(why) => f.write_str(why),
            Trouble::Fault(fault) => write!(f, "the register is damaged: {fault}"),
            Trouble::TooLarge(what) => write!(f, "{what}"),
            Trouble::Broken => {
                f.write_str("the connection failed during a write: read the register before writing again")
            }
        }
    }
}

impl std::error::Error for Trouble {}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::Fault(fault)
    }
}
