//! States, roles, and who must approve what.

use serde_json::{Value, json};

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Being filled in.
    Draft,
    /// Looked over before review.
    Triage,
    /// With those who must approve.
    Review,
    /// Sent back.
    ChangesRequested,
    /// A question for counsel is open.
    NeedsCounsel,
    /// Approved, and in force.
    Approved,
    /// Approved under conditions, all of them met or not yet due.
    ApprovedWithConditions,
    /// Refused.
    Rejected,
    /// Taken back by who asked.
    Withdrawn,
    /// An approval that a condition, or somebody, has stopped.
    Suspended,
    /// An approval whose grounds have changed since.
    ReReview,
    /// An approval whose time is over.
    Expired,
    /// Another record has taken its place.
    Superseded,
    /// Over; kept.
    Retired,
}

impl State {
    /// Every state.
    pub const ALL: [State; 14] = [
        State::Draft,
        State::Triage,
        State::Review,
        State::ChangesRequested,
        State::NeedsCounsel,
        State::Approved,
        State::ApprovedWithConditions,
        State::Rejected,
        State::Withdrawn,
        State::Suspended,
        State::ReReview,
        State::Expired,
        State::Superseded,
        State::Retired,
    ];

    /// The word used on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Triage => "triage",
            State::Review => "review",
            State::ChangesRequested => "changes-requested",
            State::NeedsCounsel => "needs-counsel",
            State::Approved => "approved",
            State::ApprovedWithConditions => "approved-with-conditions",
            State::Rejected => "rejected",
            State::Withdrawn => "withdrawn",
            State::Suspended => "suspended",
            State::ReReview => "re-review",
            State::Expired => "expired",
            State::Superseded => "superseded",
            State::Retired => "retired",
        }
    }

    /// The inverse of [`State::as_str`].
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|s| s.as_str() == word)
    }

    /// True where a model may be deployed on it.
    pub fn is_in_force(self) -> bool {
        matches!(self, State::Approved | State::ApprovedWithConditions)
    }
}

/// What the state of a record hangs on, between two of its events: a state is read off it and the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where the workflow stands, not counting time and changes.
    pub stage: State,
    /// When the last event was, in microseconds.
    pub updated: i64,
    /// When the approval ends; 0 where there is none.
    pub expires: i64,
    /// Something that it was given for has changed since.
    pub changed: bool,
    /// When the first exception that was agreed to ends.
    pub exception_ends: Option<i64>,
    /// When the first condition that is open must be met.
    pub condition_due: Option<i64>,
}

impl Standing {
    /// Where the record stands at a moment. An approval whose time is over, whose grounds have changed, or of which a condition
    /// was not met in time, is no approval: nothing needs to have run for that.
    pub fn state_at(&self, now: i64) -> State {
        // turning a clock back revives nothing
        let now = now.max(self.updated);
        if !self.stage.is_in_force() {
            return self.stage;
        }
        if now >= self.expires {
            return State::Expired;
        }
        if self.changed || self.exception_ends.is_some_and(|end| now >= end) {
            return State::ReReview;
        }
        match self.condition_due {
            None => State::Approved,
            Some(due) if now >= due => State::Suspended,
            Some(_) => State::ApprovedWithConditions,
        }
    }

    /// As JSON, whose numbers are whole.
    pub fn to_json(&self) -> Value {
        json!({
            "stage": self.stage.as_str(),
            "updated": self.updated,
            "expires": self.expires,
            "changed": self.changed,
            "exception_ends": self.exception_ends,
            "condition_due": self.condition_due,
        })
    }

    /// The inverse of [`Standing::to_json`]; `None` for what is no standing.
    pub fn from_json(value: &Value) -> Option<Standing> {
        Some(Standing {
            stage: State::parse(value["stage"].as_str()?)?,
            updated: value["updated"].as_i64()?,
            expires: value["expires"].as_i64()?,
            changed: value["changed"].as_bool()?,
            exception_ends: value["exception_ends"].as_i64(),
            condition_due: value["condition_due"].as_i64(),
        })
    }
}

/// Every role, and what it is for.
pub const ROLES: &[(&str, &str)] = &[
    ("requester", "makes records, states facts, submits; approves nothing of its own"),
    ("owner", "answers for the model in the business; accepts conditions"),
    ("data-steward", "states the facts of datasets"),
    ("legal", "answers clauses, concludes licenses, approves or rejects, approves exceptions"),
    ("privacy", "approves its step"),
    ("security", "approves its step"),
    ("risk", "sets the risk, approves its step"),
    ("compliance", "approves its step, suspends, retires, keeps roles"),
    ("auditor", "reads, exports, verifies; changes nothing"),
    ("automation", "states facts, assesses again, reads the gate; approves nothing"),
];

/// True where a role may do what a command is called.
pub fn may(role: &str, command: &str) -> bool {
    match command {
        "create" | "submit" | "withdraw" => {
            ["requester", "owner"].contains(&role) || (command == "create" && role == "automation")
        }
        "set" | "dataset" | "attribution" => {
            ["requester", "owner", "data-steward", "legal", "risk", "automation"].contains(&role)
        }
        "assess" => ["requester", "owner", "compliance", "automation"].contains(&role),
        "clause" => ["legal", "owner", "requester"].contains(&role),
        "triage" | "request-changes" | "suspend" | "retire" | "supersede" | "renew" => {
            ["legal", "compliance"].contains(&role)
        }
        "need-counsel" => ["legal", "compliance", "owner", "privacy", "risk", "security"].contains(&role),
        "counsel-answered" => role == "legal",
        "approve" | "reject" => ["owner", "legal", "privacy", "security", "risk", "compliance"].contains(&role),
        "exception" => ["requester", "owner"].contains(&role),
        "approve-exception" => ["legal", "compliance", "risk"].contains(&role),
        "condition" | "condition-met" => {
            ["owner", "legal", "privacy", "security", "risk", "compliance"].contains(&role)
        }
        "resume" => role == "compliance",
        _ => false,
    }
}
