//! What goes wrong.

use freehold_base::Diagnostic;
use freehold_register::Trouble;

/// What goes wrong with what is wanted of a register.
#[derive(Debug)]
pub enum Wrong {
    /// The register itself.
    Trouble(Trouble),
    /// What the workflow refuses, all at once.
    Refused(Vec<freehold_record::Problem>),
    /// What was asked for cannot be so: unknown, badly written, not of that role.
    Usage(Box<Diagnostic>),
    /// Somebody changed it since it was read.
    Changed,
    /// Told already, with this exit status.
    Told(u8),
}

impl From<Trouble> for Wrong {
    fn from(t: Trouble) -> Wrong {
        Wrong::Trouble(t)
    }
}

/// What cannot be asked for so, and what can.
pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong::Usage(Box::new(Diagnostic::error("register", message.into()).help(help.into())))
}
