//! The words of the workflow and the commands that they are.

use freehold_record::Command;
use serde_json::Value;

type Made = fn(Value) -> Command;

/// Every step that a person takes on a record, by its word, and whether it is a step of the workflow (else something is added).
pub const STEPS: &[(&str, bool, Made)] = &[
    ("dataset", false, Command::Dataset),
    ("clause", false, Command::Clause),
    ("attribution", false, Command::Attribution),
    ("exception", false, Command::Exception),
    ("approve-exception", false, Command::ApproveException),
    ("condition", false, Command::Condition),
    ("condition-met", false, Command::ConditionMet),
    ("submit", true, Command::Submit),
    ("triage", true, Command::Triage),
    ("request-changes", true, Command::RequestChanges),
    ("need-counsel", true, Command::NeedCounsel),
    ("counsel-answered", true, Command::CounselAnswered),
    ("approve", true, Command::Approve),
    ("reject", true, Command::Reject),
    ("withdraw", true, Command::Withdraw),
    ("suspend", true, Command::Suspend),
    ("resume", true, Command::Resume),
    ("renew", true, Command::Renew),
    ("supersede", true, Command::Supersede),
    ("retire", true, Command::Retire),
];

/// The command that a word is; `None` for a word that is none.
pub fn command(word: &str, body: Value) -> Option<Command> {
    STEPS.iter().find(|(w, _, _)| *w == word).map(|(_, _, made)| made(body))
}
