//! From what somebody wants to the event that it becomes, or to everything that stands in its way.

use serde_json::{Value, json};

use crate::fields::field;
use crate::outcome::difference;
use crate::record::{Entry, Record};
use crate::rules::Rules;
use crate::workflow::{ROLES, State, may};

/// A day, in microseconds.
const DAY_MICROS: i64 = 86_400_000_000;
/// Longest time that an exception holds.
const EXCEPTION_DAYS_MAX: i64 = 365;
/// Longest time that an approval holds; half of it where the risk is high.
const APPROVAL_DAYS_MAX: i64 = 366;
/// Most entries of one kind in a record.
const ENTRIES_MAX: usize = 1000;

/// Who asks, when, and in which role.
pub struct Context<'a> {
    /// The moment, in microseconds since 1970.
    pub now: i64,
    /// The person, as it stands in events: one person is one value.
    pub actor: &'a Value,
    /// In which role.
    pub role: &'a str,
    /// Roles that the person holds; `None` where the register keeps no list of people.
    pub holds: Option<&'a [String]>,
    /// Who must approve.
    pub rules: &'a Rules,
}

/// What somebody wants. Bodies are JSON whose numbers are whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A new record: `name`, and what [`Command::Assess`] has.
    Create(Value),
    /// What an assessment says now: `artifact`, `files`, `deployment`, `outcome`, `lineage`, `facts`.
    Assess(Value),
    /// A field: `field`, `value`, `state`, `source`.
    Set(Value),
    /// A dataset: `id`, and what is known of it.
    Dataset(Value),
    /// An answer to a use policy's clause: `id`, `answer` (within, outside, unclear), `reason`.
    Clause(Value),
    /// Where an attribution was seen: `id` (code and license), `where`.
    Attribution(Value),
    /// A duty or a rule is set aside: `id`, `covers` (an obligation's code), `reason`, `expires` in microseconds.
    Exception(Value),
    /// An exception is agreed to: `id`.
    ApproveException(Value),
    /// A condition: `id`, `says`, `due` in microseconds.
    Condition(Value),
    /// A condition is met: `id`, `where`.
    ConditionMet(Value),
    /// For review.
    Submit(Value),
    /// Complete, and to be reviewed.
    Triage(Value),
    /// Sent back: `comment`.
    RequestChanges(Value),
    /// A question for counsel: `comment`.
    NeedCounsel(Value),
    /// Counsel's answer: `comment`.
    CounselAnswered(Value),
    /// Approved in this role: `expires` in microseconds, `comment`.
    Approve(Value),
    /// Refused: `comment`.
    Reject(Value),
    /// Taken back.
    Withdraw(Value),
    /// Stopped: `comment`.
    Suspend(Value),
    /// Back to review after it was stopped.
    Resume(Value),
    /// Once more, after an approval has ended or its grounds have changed.
    Renew(Value),
    /// Another record has taken its place: `by`.
    Supersede(Value),
    /// Over.
    Retire(Value),
}

/// One thing that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about: a field, a duty, a role.
    pub about: String,
    /// What is wrong, lower case, no full stop.
    pub says: String,
    /// What to do.
    pub fix: String,
}

pub(crate) fn problem(about: impl Into<String>, says: impl Into<String>, fix: impl Into<String>) -> Problem {
    Problem { about: about.into(), says: says.into(), fix: fix.into() }
}

impl Command {
    /// The word by which [`may`] knows it, the kind of its event, its body.
    fn parts(&self) -> (&'static str, &'static str, &Value) {
        match self {
            Command::Create(b) => ("create", "created", b),
            Command::Assess(b) => ("assess", "assessed", b),
            Command::Set(b) => ("set", "set", b),
            Command::Dataset(b) => ("dataset", "dataset", b),
            Command::Clause(b) => ("clause", "clause", b),
            Command::Attribution(b) => ("attribution", "attribution", b),
            Command::Exception(b) => ("exception", "exception", b),
            Command::ApproveException(b) => ("approve-exception", "approve-exception", b),
            Command::Condition(b) => ("condition", "condition", b),
            Command::ConditionMet(b) => ("condition-met", "condition-met", b),
            Command::Submit(b) => ("submit", "submitted", b),
            Command::Triage(b) => ("triage", "triaged", b),
            Command::RequestChanges(b) => ("request-changes", "changes-requested", b),
            Command::NeedCounsel(b) => ("need-counsel", "needs-counsel", b),
            Command::CounselAnswered(b) => ("counsel-answered", "counsel-answered", b),
            Command::Approve(b) => ("approve", "step-approved", b),
            Command::Reject(b) => ("reject", "rejected", b),
            Command::Withdraw(b) => ("withdraw", "withdrawn", b),
            Command::Suspend(b) => ("suspend", "suspended", b),
            Command::Resume(b) => ("resume", "resumed", b),
            Command::Renew(b) => ("renew", "renewed", b),
            Command::Supersede(b) => ("supersede", "superseded", b),
            Command::Retire(b) => ("retire", "retired", b),
        }
    }
}

/// The event that a command becomes: kind and body.
///
/// # Errors
/// Everything that stands in its way, at once.
pub fn decide(
    record: &Record,
    command: &Command,
    context: &Context<'_>,
) -> Result<(&'static str, Value), Vec<Problem>> {
    let (word, kind, body) = command.parts();
    let mut wrong = Vec::new();
    if !ROLES.iter().any(|(r, _)| *r == context.role) {
        let all: Vec<&str> = ROLES.iter().map(|(r, _)| *r).collect();
        wrong.push(problem("role", format!("`{}` is no role", context.role), format!("one of: {}", all.join(", "))));
    } else if !may(context.role, word) {
        let who: Vec<&str> = ROLES.iter().map(|(r, _)| *r).filter(|r| may(r, word)).collect();
        wrong.push(problem("role", format!("{} may not {word}", context.role), format!("for: {}", who.join(", "))));
    } else if context.holds.is_some_and(|h| !h.iter().any(|r| r == context.role)) {
        wrong.push(problem(
            "role",
            format!("this person does not act as {}", context.role),
            "see `freehold register members`",
        ));
    }
    if matches!(command, Command::Create(_)) != (record.events == 0) {
        wrong.push(problem(
            "record",
            if record.events == 0 { "there is no such record" } else { "it is there already" },
            "",
        ));
        return Err(wrong);
    }
    stage(record, command, context.now, &mut wrong);
    content(record, command, body, context, &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let Command::Approve(_) = command else { return Ok((kind, body.clone())) };
    // the last step that is asked for is the decision
    let inputs = record.inputs();
    let mut body = body.clone();
    body["inputs"] = json!(inputs);
    let missing = steps_missing(record, context, &inputs);
    Ok((if missing.is_empty() { "approved" } else { kind }, body))
}

/// Roles that have not approved these inputs, this one left out.
fn steps_missing<'a>(record: &Record, context: &Context<'a>, inputs: &str) -> Vec<&'static str> {
    let given =
        |role: &str| role == context.role || record.approvals.iter().any(|a| a.role == role && a.inputs == inputs);
    context.rules.approvers(record).into_iter().filter(|role| !given(role)).collect()
}

/// What a command needs the record to stand at.
fn stage(record: &Record, command: &Command, now: i64, wrong: &mut Vec<Problem>) {
    use State::{
        Approved, ApprovedWithConditions, ChangesRequested, Draft, Expired, NeedsCounsel, ReReview, Rejected, Retired,
        Review, Superseded, Suspended, Triage, Withdrawn,
    };
    let now_at = record.state_at(now);
    let open: &[State] = match command {
        Command::Create(_) => return,
        Command::Submit(_) => &[Draft, ChangesRequested, Withdrawn],
        Command::Triage(_) => &[Triage],
        Command::RequestChanges(_) => &[Triage, Review, NeedsCounsel],
        Command::NeedCounsel(_) => &[Review],
        Command::CounselAnswered(_) => &[NeedsCounsel],
        Command::Approve(_) | Command::Reject(_) => &[Review],
        Command::Withdraw(_) => &[Draft, Triage, Review, ChangesRequested, NeedsCounsel],
        Command::Suspend(_) | Command::Supersede(_) => &[Approved, ApprovedWithConditions, ReReview],
        Command::Resume(_) => &[Suspended],
        Command::Renew(_) => &[Expired, ReReview, Rejected],
        Command::ConditionMet(_) => &[Review, Approved, ApprovedWithConditions, Suspended],
        Command::Condition(_) => &[Draft, Triage, Review, ChangesRequested],
        Command::Retire(_) => &[
            Draft,
            Triage,
            Review,
            ChangesRequested,
            NeedsCounsel,
            Approved,
            ApprovedWithConditions,
            Rejected,
            Withdrawn,
            Suspended,
            ReReview,
            Expired,
            Superseded,
        ],
        // facts may be told at any time: what they void, they void
        _ => {
            if matches!(now_at, Retired | Superseded) {
                wrong.push(problem(
                    "state",
                    format!("the record is {}: it is kept as it is", now_at.as_str()),
                    "make a new record",
                ));
            }
            return;
        }
    };
    if !open.contains(&now_at) {
        let at: Vec<&str> = open.iter().map(|s| s.as_str()).collect();
        wrong.push(problem(
            "state",
            format!("the record is {}", now_at.as_str()),
            format!("that is done at: {}", at.join(", ")),
        ));
    }
}

fn content(record: &Record, command: &Command, body: &Value, context: &Context<'_>, wrong: &mut Vec<Problem>) {
    let text = |key: &str| body[key].as_str().map(str::trim).filter(|t| !t.is_empty());
    let mut need = |key: &str, what: &str| {
        if text(key).is_none() && !body[key].is_object() {
            wrong.push(problem(key, format!("it is not stated: {what}"), format!("state {key}")));
        }
    };
    match command {
        Command::Create(_) => need("name", "what the record is called"),
        Command::Set(_) => set(record, body, context, wrong),
        Command::Dataset(_) => dataset(body, wrong),
        Command::Clause(_) => {
            need("id", "which clause");
            need("reason", "why");
            if !["within", "outside", "unclear"].iter().any(|a| body["answer"] == *a) {
                wrong.push(problem("answer", "it is none", "within, outside or unclear"));
            } else if body["answer"] != "unclear" && record_clause_is_unclear(record, body) && context.role != "legal" {
                wrong.push(problem("answer", "the clause was unclear", "legal settles it"));
            }
        }
        Command::Attribution(_) => {
            need("id", "which attribution");
            need("where", "where it was seen");
        }
        Command::Exception(_) => {
            need("id", "how it is called");
            need("covers", "which duty it sets aside");
            need("reason", "why");
            let longest = context.now.saturating_add(EXCEPTION_DAYS_MAX * DAY_MICROS);
            match body["expires"].as_i64() {
                Some(end) if end > context.now && end <= longest => {}
                _ => wrong.push(problem(
                    "expires",
                    "an exception ends within a year, and after today",
                    "give its last day",
                )),
            }
        }
        Command::ApproveException(_) => {
            answer(record.exceptions.get(text("id").unwrap_or_default()), "exception", context, wrong)
        }
        Command::ConditionMet(_) => {
            need("where", "what shows it");
            if !record.conditions.contains_key(text("id").unwrap_or_default()) {
                wrong.push(problem("id", "there is no such condition", "see the record"));
            }
        }
        Command::Condition(_) => {
            need("id", "how it is called");
            need("says", "what is asked");
            if body["due"].as_i64().is_none_or(|due| due <= context.now) {
                wrong.push(problem("due", "a condition has a day after today", "give the day by which it is met"));
            }
        }
        Command::Submit(_) => {
            for field in record.missing().into_iter().filter(|f| f.needed) {
                wrong.push(problem(
                    field.name,
                    format!("unknown: {}", field.asks),
                    "state it, or that it does not apply",
                ));
            }
        }
        Command::RequestChanges(_)
        | Command::NeedCounsel(_)
        | Command::CounselAnswered(_)
        | Command::Reject(_)
        | Command::Suspend(_) => {
            need("comment", "why");
        }
        Command::Approve(_) => approve(record, body, context, wrong),
        Command::Supersede(_) => need("by", "which record takes its place"),
        _ => {}
    }
    let full = |n: usize| n >= ENTRIES_MAX;
    let sizes = [
        record.datasets.len(),
        record.clauses.len(),
        record.attributions.len(),
        record.exceptions.len(),
        record.conditions.len(),
    ];
    if sizes.into_iter().any(full) && !matches!(command, Command::Retire(_) | Command::Reject(_) | Command::Suspend(_))
    {
        wrong.push(problem("record", format!("more than {ENTRIES_MAX} entries of one kind"), "make a new record"));
    }
}

fn record_clause_is_unclear(record: &Record, body: &Value) -> bool {
    record.clauses.get(body["id"].as_str().unwrap_or_default()).is_some_and(|c| c.body["answer"] == "unclear")
}

fn set(record: &Record, body: &Value, context: &Context<'_>, wrong: &mut Vec<Problem>) {
    let name = body["field"].as_str().unwrap_or_default();
    let Some(field) = field(name) else {
        wrong.push(problem(name, "no field is called so", "freehold register fields"));
        return;
    };
    let state = body["state"].as_str().unwrap_or_default();
    match state {
        "known" => {
            if let Err(expected) = field.check(body["value"].as_str().unwrap_or_default()) {
                wrong.push(problem(
                    name,
                    format!("`{}` is no value of it", body["value"].as_str().unwrap_or_default()),
                    expected,
                ));
            }
        }
        "unknown" | "not-applicable" | "disputed" => {}
        _ => wrong.push(problem(name, format!("`{state}` is no state"), "known, unknown, not-applicable, disputed")),
    }
    if !field.is_stated_by(context.role) {
        wrong.push(problem(name, format!("{} does not state it", context.role), format!("for: {}", field.role)));
    }
    let _ = record;
}

fn dataset(body: &Value, wrong: &mut Vec<Problem>) {
    const WORDS: &[(&str, &[&str])] = &[
        ("role", &["train", "validate", "test", "rag", "preference", "distill"]),
        ("acquisition", &["owned", "licensed", "purchased", "public", "scraped", "user-provided", "synthetic"]),
        ("copyright", &["protected", "public-domain", "mixed", "unknown"]),
        ("personal_data", &["none", "personal", "special-category", "unknown"]),
        ("opt_outs", &["honored", "not-checked", "not-applicable"]),
    ];
    const TEXTS: &[&str] = &[
        "version",
        "sha256",
        "source",
        "license",
        "contract",
        "generator",
        "generator_terms",
        "period",
        "size",
        "owner",
        "legal_basis",
    ];
    if body["id"].as_str().is_none_or(|i| i.trim().is_empty()) {
        wrong.push(problem("id", "a dataset has a name", "state id"));
    }
    for (key, value) in body.as_object().into_iter().flatten() {
        let words = WORDS.iter().find(|(k, _)| k == key).map(|(_, w)| *w);
        match (words, value.as_str()) {
            (Some(words), Some(v)) if words.contains(&v) => {}
            (Some(words), v) => {
                wrong.push(problem(
                    key,
                    format!("`{}` is no value of it", v.unwrap_or_default()),
                    format!("one of: {}", words.join(", ")),
                ));
            }
            (None, Some(_)) if key == "id" || TEXTS.contains(&key.as_str()) => {}
            (None, _) => {
                let known: Vec<&str> = WORDS.iter().map(|(k, _)| *k).chain(TEXTS.iter().copied()).collect();
                wrong.push(problem(key, "no part of a dataset is called so", format!("one of: {}", known.join(", "))));
            }
        }
    }
    for key in ["role", "acquisition", "license", "personal_data"] {
        if body[key].as_str().is_none_or(str::is_empty) {
            wrong.push(problem(key, "it is not stated", "state it; where nobody knows: unknown"));
        }
    }
    // what a model wrote is under that model's terms
    if body["acquisition"] == "synthetic" && body["generator"].as_str().is_none_or(str::is_empty) {
        wrong.push(problem(
            "generator",
            "it is not stated which model generated it",
            "state generator and generator_terms",
        ));
    }
}

fn answer(entry: Option<&Entry>, what: &str, context: &Context<'_>, wrong: &mut Vec<Problem>) {
    match entry {
        None => wrong.push(problem("id", format!("there is no such {what}"), "see the record")),
        Some(e) if e.answered_at.is_some() => wrong.push(problem("id", "it is answered already", "")),
        Some(e) if e.by == *context.actor => {
            wrong.push(problem("actor", format!("who asked for an {what} does not agree to it"), "somebody else"));
        }
        Some(_) => {}
    }
}

/// Everything that an approval needs.
fn approve(record: &Record, body: &Value, context: &Context<'_>, wrong: &mut Vec<Problem>) {
    if *context.actor == record.requester {
        wrong.push(problem("actor", "who asked for a record does not approve it", "somebody else"));
    }
    let inputs = record.inputs();
    let twice = |a: &&crate::Approval| a.by == *context.actor && a.role != context.role && a.inputs == inputs;
    if let Some(other) = record.approvals.iter().find(twice) {
        wrong.push(problem(
            "actor",
            format!("this person has approved as {}", other.role),
            "another person for each role",
        ));
    }
    let asked = context.rules.approvers(record);
    if !asked.contains(&context.role) {
        wrong.push(problem(
            "role",
            format!("{} is not asked", context.role),
            format!("asked are: {}", asked.join(", ")),
        ));
    }
    let high = ["high", "critical"].contains(&record.value("governance.risk").unwrap_or_default().as_str());
    let longest = if high { APPROVAL_DAYS_MAX / 2 } else { APPROVAL_DAYS_MAX };
    match body["expires"].as_i64() {
        Some(end) if end > context.now && end <= context.now.saturating_add(longest * DAY_MICROS) => {}
        _ => wrong.push(problem(
            "expires",
            format!("an approval ends within {longest} days, and after today"),
            "give its last day",
        )),
    }
    match record.outcome["verdict"].as_str() {
        Some("permitted" | "permitted-with-obligations") => {}
        Some(v) => {
            wrong.push(problem("verdict", format!("{v}: there is nothing to approve"), "settle it, then assess again"))
        }
        None => wrong.push(problem("verdict", "nothing was assessed", "freehold register assess")),
    }
    let unassessed = record.unassessed();
    if !unassessed.is_empty() {
        wrong.push(problem(
            "datasets",
            format!("not in the assessment yet: {}", unassessed.join(", ")),
            "freehold register reassess",
        ));
    }
    let rows = |key: &str| record.outcome[key].as_array().cloned().unwrap_or_default();
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_string();
    for gap in rows("gaps") {
        wrong.push(problem(
            "gap",
            format!("open: {}", word(&gap, "says")),
            "a fact (`--set`), or a position of counsel (`freehold position`), and assess again",
        ));
    }
    let excepted = |code: &str| {
        let live =
            |e: &&Entry| e.answered_at.is_some() && e.body["expires"].as_i64().is_some_and(|end| context.now < end);
        record.exceptions.values().filter(live).any(|e| e.body["covers"] == code)
    };
    for o in rows("obligations") {
        let (code, license) = (word(&o, "code"), word(&o, "license"));
        let due = o["certainty"] == "owed" && o["upstream"] != true && o["status"] != "met";
        // a use policy is kept by what is done, clause by clause
        let by_clause = code == "aup-compliance" && clauses_settle(record, &license);
        let seen = record.attributions.contains_key(&format!("{code} {license}"));
        if due && !by_clause && !seen && !excepted(&code) {
            wrong.push(problem(
                format!("{code} {license}"),
                format!("owed ({} {}), and {}", license, word(&o, "clause"), word(&o, "status")),
                "meet it (`freehold comply`), say where it is seen, have it attested (`freehold attest`), or an exception",
            ));
        }
    }
    for (id, clause) in &record.clauses {
        match clause.body["answer"].as_str() {
            Some("unclear") => wrong.push(problem(id, "a clause is unclear", "legal answers it")),
            Some("outside") => wrong.push(problem(id, "the use is outside of a clause", "change the use")),
            _ => {}
        }
    }
    let exceptions = record.exceptions.iter().filter(|(_, e)| e.answered_at.is_none());
    wrong.extend(
        exceptions
            .map(|(id, _)| problem(id, "an exception that nobody agreed to", "have it approved, or leave it out")),
    );
    if record.value("data.used").as_deref() == Some("yes") && record.datasets.is_empty() {
        wrong.push(problem("data.used", "it was trained on data, and no dataset is in the record", "add it"));
    }
}

/// True where the answers to a license's use policy are all within, and there is one.
fn clauses_settle(record: &Record, license: &str) -> bool {
    let own = |id: &str| id.split(' ').next().is_some_and(|l| l == license);
    let mut answers = record.clauses.iter().filter(|(id, _)| own(id)).map(|(_, c)| &c.body["answer"]).peekable();
    answers.peek().is_some() && answers.all(|a| a == "within")
}

/// What is found when a record is assessed again: the difference in lines, or nothing.
impl Record {
    /// The lines that differ between what a decision would rest on now and what it rests on in this record.
    pub fn differs_from(&self, outcome: &Value) -> Vec<String> {
        difference(&self.outcome, outcome)
    }
}
