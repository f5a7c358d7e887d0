//! The workflow, guard by guard, on both sides; and that no order of commands gets around one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

use freehold_record::{
    Command, Context, Coverage, FIELDS, Problem, Record, Rules, State, Told, covers, decide, difference, outcome,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const DAY: i64 = 86_400_000_000;
const NOW: i64 = 20_000 * DAY;

/// A record and the events that it came from.
#[derive(Default)]
struct Story {
    events: Vec<(i64, &'static str, String, Value, Value)>,
    record: Record,
}

fn person(name: &str) -> Value {
    json!({ "private": name })
}

impl Story {
    fn say(&mut self, now: i64, who: &str, role: &str, command: &Command) -> Result<State, Vec<Problem>> {
        let actor = person(who);
        let context = Context { now, actor: &actor, role, holds: None, rules: &Rules::default() };
        let (kind, body) = decide(&self.record, command, &context)?;
        self.events.push((now, kind, role.to_string(), actor, body));
        let (at, kind, role, actor, body) = self.events.last().unwrap();
        self.record.apply(&Told { at: *at, kind, role, actor, body });
        Ok(self.record.state_at(now))
    }

    fn ok(&mut self, who: &str, role: &str, command: &Command) -> State {
        self.say(NOW, who, role, command).unwrap_or_else(|p| panic!("{command:?}: {p:#?}"))
    }

    /// What stands in the way, by what it is about.
    fn no(&mut self, who: &str, role: &str, command: &Command) -> Vec<String> {
        self.say(NOW, who, role, command).unwrap_err().into_iter().map(|p| p.about).collect()
    }

    fn folded(&self) -> Record {
        Record::fold(self.events.iter().map(|(at, kind, role, actor, body)| Told { at: *at, kind, role, actor, body }))
    }
}

fn assessment(verdict: &str, status: &str) -> Value {
    json!({
        "verdict": verdict,
        "by_access": [{"access": "hosted-app", "verdict": verdict}],
        "licenses": [{"work": "m", "id": "apache-2.0", "edition": "Apache-2.0", "basis": ["catalog"], "displaced": false, "outbound": false, "evidence": []}],
        "obligations": [{"code": "include-license-copy", "license": "apache-2.0", "edition": "Apache-2.0", "clause": "4(a)", "certainty": "owed", "status": status, "upstream": false, "words": "x"}],
        "gaps": [], "limits": [], "findings": [], "assumptions": [],
        "catalog": {"version": "2026.11.24"},
    })
}

fn created(verdict: &str, status: &str) -> Command {
    Command::Create(json!({
        "name": "support bot", "artifact": "sha256:aa", "files": [],
        "deployment": {"use.access": ["hosted-app"], "use.commercial": true, "use.customer_countries": ["DE", "FR"]},
        "outcome": outcome(&assessment(verdict, status)), "lineage": [],
        "facts": {"base.model": {"value": "mistralai/Mistral-7B-v0.3", "state": "known", "source": "assessment"}},
    }))
}

fn set(field: &str, value: &str) -> Command {
    Command::Set(json!({"field": field, "value": value, "state": "known", "source": "person"}))
}

/// A record that lacks nothing but its approvals.
fn ready() -> Story {
    let mut s = Story::default();
    s.ok("ada", "requester", &created("permitted-with-obligations", "met"));
    for field in FIELDS.iter().filter(|f| f.needed && f.name != "base.model") {
        let value = if field.name == "distribution.audience" { "customers" } else { "something" };
        s.ok("ada", "requester", &set(field.name, value));
    }
    s.ok("ada", "requester", &Command::Submit(json!({})));
    s.ok("cora", "compliance", &Command::Triage(json!({})));
    s
}

fn approve(days: i64) -> Command {
    Command::Approve(json!({"expires": NOW + days * DAY}))
}

fn approved() -> Story {
    let mut s = ready();
    assert_eq!(s.ok("olga", "owner", &approve(300)), State::Review, "one of two");
    assert_eq!(s.ok("cora", "compliance", &approve(300)), State::Approved);
    s
}

#[test]
fn from_a_draft_to_an_approval_and_its_end() {
    let s = approved();
    assert_eq!(s.folded(), s.record);
    assert_eq!(s.record.state_at(NOW + 299 * DAY), State::Approved);
    assert_eq!(s.record.state_at(NOW + 300 * DAY), State::Expired, "the day it ends it is over");
    assert_eq!(s.record.state_at(0), State::Approved, "a clock that is set back counts from the last event");
    let mut late = approved();
    let renewed = late.say(NOW + 301 * DAY, "cora", "compliance", &Command::Renew(json!({}))).unwrap();
    assert_eq!(renewed, State::Triage);
    assert!(late.record.approvals.is_empty(), "old steps do not count again");
}

#[test]
fn nothing_is_submitted_while_what_is_needed_is_unknown() {
    let mut s = Story::default();
    s.ok("ada", "requester", &created("permitted", "met"));
    let missing = s.no("ada", "requester", &Command::Submit(json!({})));
    assert!(
        missing.contains(&"distribution.territory".to_string()) && missing.contains(&"governance.owner".to_string())
    );
    assert!(!missing.contains(&"base.model".to_string()), "the assessment knows it");
    assert_eq!(missing.len(), FIELDS.iter().filter(|f| f.needed).count() - 1, "all at once");
    let none =
        Command::Set(json!({"field": "base.revision", "value": null, "state": "not-applicable", "source": "person"}));
    s.ok("ada", "requester", &none);
    assert!(!s.no("ada", "requester", &Command::Submit(json!({}))).contains(&"base.revision".to_string()));
}

#[test]
fn who_asks_does_not_approve_and_nobody_approves_twice() {
    let mut s = ready();
    assert_eq!(s.no("ada", "owner", &approve(300)), ["actor"]);
    s.ok("olga", "owner", &approve(300));
    assert_eq!(s.no("olga", "compliance", &approve(300)), ["actor"], "one person, one role");
    assert_eq!(s.no("paul", "privacy", &approve(300)), ["role"], "not asked");
    assert_eq!(s.no("ada", "requester", &approve(300)), ["role", "actor", "role"]);
    assert_eq!(s.no("cora", "compliance", &approve(367)), ["expires"]);
    assert_eq!(s.no("cora", "compliance", &approve(0)), ["expires"]);
    assert_eq!(s.ok("cora", "compliance", &approve(366)), State::Approved);
}

#[test]
fn what_is_owed_is_met_attested_seen_or_excepted() {
    let owed = |s: &mut Story| s.no("olga", "owner", &approve(10));
    let with_unmet = || {
        let mut s = ready();
        s.ok(
            "ada",
            "requester",
            &Command::Assess(json!({
                "artifact": "sha256:aa", "files": [], "deployment": s.record.deployment.clone(), "lineage": [],
                "outcome": outcome(&assessment("permitted-with-obligations", "unmet")), "facts": {},
            })),
        );
        s
    };
    let mut s = with_unmet();
    assert_eq!(owed(&mut s), ["include-license-copy apache-2.0"]);
    let exception = Command::Exception(
        json!({"id": "e1", "covers": "include-license-copy", "reason": "moved in March", "expires": NOW + 20 * DAY}),
    );
    s.ok("ada", "requester", &exception);
    assert_eq!(owed(&mut s), ["include-license-copy apache-2.0", "e1"], "nobody agreed to it yet");
    assert_eq!(s.no("ada", "legal", &Command::ApproveException(json!({"id": "e1"}))), ["actor"]);
    s.ok("lena", "legal", &Command::ApproveException(json!({"id": "e1"})));
    s.ok("olga", "owner", &approve(300));
    s.ok("cora", "compliance", &approve(300));
    assert_eq!(s.record.state_at(NOW + 19 * DAY), State::Approved);
    assert_eq!(s.record.state_at(NOW + 20 * DAY), State::ReReview, "an exception that ended is none");
    let mut s = with_unmet();
    s.ok(
        "ada",
        "requester",
        &Command::Attribution(json!({"id": "include-license-copy apache-2.0", "where": "https://acme.example/legal"})),
    );
    s.ok("olga", "owner", &approve(300));
    let long = Command::Exception(json!({"id": "e", "covers": "x", "reason": "y", "expires": NOW + 366 * DAY}));
    assert_eq!(s.no("ada", "requester", &long), ["expires"]);
}

#[test]
fn what_is_open_or_refused_is_not_approved() {
    for (verdict, about) in [("prohibited", "verdict"), ("undetermined", "verdict"), ("needs-review", "verdict")] {
        let mut s = ready();
        let body = json!({"artifact": "sha256:aa", "files": [], "deployment": {}, "lineage": [], "facts": {}, "outcome": outcome(&assessment(verdict, "met"))});
        s.ok("ada", "requester", &Command::Assess(body));
        assert_eq!(s.no("olga", "owner", &approve(10)), [about], "{verdict}");
    }
    let mut s = ready();
    let mut open = assessment("permitted", "met");
    open["gaps"] = json!([{"kind": "reading", "license": "l", "clause": "2", "says": "two readings"}]);
    let body = json!({"artifact": "sha256:aa", "files": [], "deployment": {}, "lineage": [], "facts": {}, "outcome": outcome(&open)});
    s.ok("ada", "requester", &Command::Assess(body));
    assert_eq!(s.no("olga", "owner", &approve(10)), ["gap"]);
}

#[test]
fn clauses_of_a_use_policy_are_answered_one_by_one() {
    let mut s = ready();
    let clause =
        |id: &str, answer: &str| Command::Clause(json!({"id": id, "answer": answer, "reason": "we sell shoes"}));
    s.ok("ada", "requester", &clause("apache-2.0 3", "unclear"));
    assert_eq!(s.no("olga", "owner", &approve(10)), ["apache-2.0 3"]);
    assert_eq!(
        s.no("ada", "requester", &clause("apache-2.0 3", "within")),
        ["answer"],
        "legal settles what was unclear"
    );
    s.ok("lena", "legal", &clause("apache-2.0 3", "within"));
    s.ok("olga", "owner", &approve(10));
    s.ok("lena", "legal", &clause("apache-2.0 4", "outside"));
    assert_eq!(s.no("cora", "compliance", &approve(10)), ["apache-2.0 4"]);
    assert_eq!(s.no("ada", "requester", &clause("x", "maybe")), ["answer"]);
}

#[test]
fn datasets_have_provenance() {
    let mut s = ready();
    s.ok("dora", "data-steward", &set("data.used", "yes"));
    assert_eq!(s.no("olga", "owner", &approve(10)), ["data.used"]);
    let bad = Command::Dataset(json!({"id": "d", "acquisition": "found", "colour": "red"}));
    let mut about = s.no("dora", "data-steward", &bad);
    about.sort();
    assert_eq!(about, ["acquisition", "colour", "license", "personal_data", "role"]);
    let synthetic =
        json!({"id": "d", "role": "train", "acquisition": "synthetic", "license": "none", "personal_data": "none"});
    assert_eq!(s.no("dora", "data-steward", &Command::Dataset(synthetic.clone())), ["generator"]);
    let mut whole = synthetic;
    whole["generator"] = json!("openai/gpt-4o");
    s.ok("dora", "data-steward", &Command::Dataset(whole));
    // its license and what generated it may move the answer
    assert_eq!(s.no("olga", "owner", &approve(10)), ["datasets"]);
    let again = |s: &Story, with: &[&str]| {
        Command::Assess(json!({
            "artifact": "sha256:aa", "files": [], "deployment": s.record.deployment.clone(), "lineage": [], "datasets": with,
            "outcome": s.record.outcome.clone(), "facts": {},
        }))
    };
    let body = again(&s, &["d"]);
    s.ok("ada", "requester", &body);
    s.ok("olga", "owner", &approve(10));
    // special data asks for two more
    let special = json!({"id": "e", "role": "train", "acquisition": "owned", "license": "none", "personal_data": "special-category"});
    s.ok("dora", "data-steward", &Command::Dataset(special));
    let body = again(&s, &["d", "e"]);
    s.ok("ada", "requester", &body);
    s.ok("cora", "compliance", &approve(10));
    s.ok("olga", "owner", &approve(10));
    assert_eq!(s.record.state_at(NOW), State::Review);
    s.ok("paul", "privacy", &approve(10));
    assert_eq!(s.ok("rita", "risk", &approve(10)), State::Approved);
}

#[test]
fn a_change_voids_an_approval_and_is_named() {
    let mut s = approved();
    s.ok(
        "ada",
        "requester",
        &Command::Set(
            json!({"field": "governance.owner", "value": "somebody else", "state": "known", "source": "person"}),
        ),
    );
    assert_eq!(s.record.state_at(NOW), State::Approved, "who answers for it is no ground of the decision");
    s.ok("ada", "requester", &set("distribution.territory", "US"));
    assert_eq!(s.record.state_at(NOW), State::ReReview);
    assert_eq!(s.record.changed(), ["facts distribution.territory"]);
    s.ok("ada", "requester", &set("distribution.territory", "something"));
    assert_eq!(s.record.state_at(NOW), State::Approved, "as it was");
    // a step that was given for other inputs does not count
    let mut s = ready();
    s.ok("olga", "owner", &approve(300));
    s.ok("ada", "requester", &set("distribution.territory", "US"));
    assert_eq!(s.ok("cora", "compliance", &approve(300)), State::Review);
    assert_eq!(s.ok("olga", "owner", &approve(300)), State::Approved);
    // a new catalog with the same answer changes nothing
    let mut s = approved();
    let mut newer = assessment("permitted-with-obligations", "met");
    newer["catalog"]["version"] = json!("2027.1.1");
    assert_eq!(s.record.differs_from(&outcome(&newer)), [""; 0]);
    let body = json!({"artifact": "sha256:aa", "files": [], "deployment": s.record.deployment, "lineage": [], "facts": {}, "outcome": outcome(&newer)});
    s.ok("bot", "automation", &Command::Assess(body));
    assert_eq!(s.record.state_at(NOW), State::Approved);
    let worse = outcome(&assessment("needs-separate-license", "met"));
    assert_eq!(
        difference(&s.record.outcome, &worse)[0],
        "verdict: needs-separate-license, was permitted-with-obligations"
    );
}

#[test]
fn conditions_have_a_day() {
    let mut s = ready();
    s.ok(
        "lena",
        "legal",
        &Command::Condition(json!({"id": "c1", "says": "the notice is on the website", "due": NOW + 30 * DAY})),
    );
    s.ok("olga", "owner", &approve(300));
    assert_eq!(s.ok("cora", "compliance", &approve(300)), State::ApprovedWithConditions);
    assert_eq!(s.record.state_at(NOW + 30 * DAY), State::Suspended, "not met in time");
    assert_eq!(s.no("lena", "legal", &Command::ConditionMet(json!({"id": "c2", "where": "x"}))), ["id"]);
    s.ok("lena", "legal", &Command::ConditionMet(json!({"id": "c1", "where": "https://acme.example"})));
    assert_eq!(s.record.state_at(NOW + 30 * DAY), State::Approved);
    let mut early = ready();
    let past = Command::Condition(json!({"id": "c1", "says": "x", "due": NOW}));
    assert_eq!(early.no("lena", "legal", &past), ["due"]);
}

#[test]
fn every_state_has_its_way_in_and_out() {
    let mut s = ready();
    let comment = json!({"comment": "why"});
    assert_eq!(s.no("lena", "legal", &Command::NeedCounsel(json!({}))), ["comment"]);
    assert_eq!(s.ok("lena", "legal", &Command::NeedCounsel(comment.clone())), State::NeedsCounsel);
    assert_eq!(s.no("olga", "owner", &approve(10)), ["state"]);
    assert_eq!(s.ok("lena", "legal", &Command::CounselAnswered(comment.clone())), State::Review);
    assert_eq!(s.ok("lena", "legal", &Command::RequestChanges(comment.clone())), State::ChangesRequested);
    assert_eq!(s.ok("ada", "requester", &Command::Submit(json!({}))), State::Triage);
    assert_eq!(s.ok("ada", "requester", &Command::Withdraw(json!({}))), State::Withdrawn);
    assert_eq!(s.ok("ada", "requester", &Command::Submit(json!({}))), State::Triage);
    s.ok("cora", "compliance", &Command::Triage(json!({})));
    assert_eq!(s.ok("olga", "owner", &Command::Reject(comment.clone())), State::Rejected);
    let mut s = approved();
    assert_eq!(s.ok("cora", "compliance", &Command::Suspend(comment.clone())), State::Suspended);
    assert_eq!(s.ok("cora", "compliance", &Command::Resume(json!({}))), State::Review);
    let mut s = approved();
    assert_eq!(s.no("cora", "compliance", &Command::Supersede(json!({}))), ["by"]);
    assert_eq!(s.ok("cora", "compliance", &Command::Supersede(json!({"by": "01J"}))), State::Superseded);
    assert_eq!(s.no("ada", "requester", &set("base.model", "x")), ["state"], "kept as it is");
    assert_eq!(s.ok("cora", "compliance", &Command::Retire(json!({}))), State::Retired);
    assert_eq!(s.no("cora", "compliance", &Command::Retire(json!({}))), ["state"]);
    assert_eq!(s.no("ada", "requester", &created("permitted", "met")), ["record"]);
    assert_eq!(Story::default().no("ada", "requester", &Command::Submit(json!({}))), ["record"]);
    for role in ["auditor", "automation", "nobody"] {
        assert!(ready().no("x", role, &approve(10)).contains(&"role".to_string()), "{role}");
    }
    for state in State::ALL {
        assert_eq!(State::parse(state.as_str()), Some(state));
    }
}

#[test]
fn the_gate_fails_closed() {
    let s = approved();
    let use_ = |access: &[&str], countries: &[&str]| json!({"use.access": access, "use.commercial": true, "use.customer_countries": countries});
    let why =
        |record: &Record, now: i64, artifact: &str, deployment: &Value| match covers(record, now, artifact, deployment)
        {
            Coverage::Covered => Vec::new(),
            Coverage::Not(why) => why,
        };
    assert_eq!(why(&s.record, NOW, "sha256:aa", &use_(&["hosted-app"], &["DE"])), [""; 0], "narrower is covered");
    assert_eq!(
        why(&s.record, NOW, "sha256:bb", &use_(&["hosted-app"], &["DE"])),
        ["it was approved for other bytes than these"]
    );
    assert_eq!(why(&s.record, NOW, "", &use_(&["hosted-app"], &["DE"])).len(), 1);
    assert_eq!(
        why(&s.record, NOW, "sha256:aa", &use_(&["hosted-app", "weights"], &["DE"])),
        ["use.access: approved for hosted-app, and not for weights"]
    );
    assert_eq!(why(&s.record, NOW, "sha256:aa", &use_(&["hosted-app"], &["US"])).len(), 1);
    assert_eq!(
        why(&s.record, NOW, "sha256:aa", &json!({"use.commercial": true})).len(),
        2,
        "what is not stated is not known to be narrow"
    );
    let more = json!({"use.access": ["hosted-app"], "use.customer_countries": ["DE"], "use.purpose": "production"});
    assert_eq!(
        why(&s.record, NOW, "sha256:aa", &more),
        ["use.purpose: nothing was approved of it, and it is production"]
    );
    assert_eq!(
        why(&s.record, NOW + 300 * DAY, "sha256:aa", &use_(&["hosted-app"], &["DE"])),
        ["the record is expired"]
    );
    let draft = ready();
    assert_eq!(why(&draft.record, NOW, "sha256:aa", &use_(&["hosted-app"], &["DE"])), ["the record is review"]);
    let json = s.record.to_json("01J", NOW);
    assert_eq!((json["schema"].as_str(), json["state"].as_str()), (Some("freehold.record/1"), Some("approved")));
    assert_eq!(json["facts"].as_object().unwrap().len(), FIELDS.len());
}

#[test]
fn weights_that_leave_ask_for_legal() {
    let mut s = ready();
    let mut body =
        json!({"artifact": "sha256:aa", "files": [], "lineage": [], "facts": {}, "outcome": s.record.outcome});
    body["deployment"] = json!({"use.access": ["weights"]});
    s.ok("ada", "requester", &Command::Assess(body));
    s.ok("olga", "owner", &approve(10));
    s.ok("cora", "compliance", &approve(10));
    assert_eq!(s.record.state_at(NOW), State::Review);
    assert_eq!(s.ok("lena", "legal", &approve(10)), State::Approved);
}

fn any_command() -> impl Strategy<Value = (usize, usize, Command)> {
    let comment = json!({"comment": "c"});
    let commands = vec![
        created("permitted-with-obligations", "met"),
        created("permitted-with-obligations", "unmet"),
        set("distribution.territory", "DE"),
        set("governance.risk", "high"),
        Command::Submit(json!({})),
        Command::Triage(json!({})),
        Command::RequestChanges(comment.clone()),
        Command::Approve(json!({"expires": NOW + 50 * DAY})),
        Command::Approve(json!({"expires": NOW + 500 * DAY})),
        Command::Reject(comment.clone()),
        Command::Withdraw(json!({})),
        Command::Suspend(comment.clone()),
        Command::Resume(json!({})),
        Command::Renew(json!({})),
        Command::Retire(json!({})),
        Command::Assess(
            json!({"artifact": "sha256:aa", "files": [], "deployment": {}, "lineage": [], "facts": {}, "outcome": outcome(&assessment("permitted-with-obligations", "unmet"))}),
        ),
        Command::Assess(
            json!({"artifact": "sha256:aa", "files": [], "deployment": {}, "lineage": [], "facts": {}, "outcome": outcome(&assessment("permitted", "met"))}),
        ),
        Command::Exception(
            json!({"id": "e", "covers": "include-license-copy", "reason": "r", "expires": NOW + 9 * DAY}),
        ),
        Command::ApproveException(json!({"id": "e"})),
        Command::Condition(json!({"id": "c", "says": "s", "due": NOW + 5 * DAY})),
        Command::ConditionMet(json!({"id": "c", "where": "w"})),
        Command::Clause(json!({"id": "p 1", "answer": "unclear", "reason": "r"})),
    ];
    (0..4_usize, 0..8_usize, proptest::sample::select(commands))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_order_of_commands_gets_around_a_guard(from_ready in any::<bool>(), commands in proptest::collection::vec(any_command(), 1..40)) {
        const PEOPLE: [&str; 4] = ["ada", "olga", "cora", "lena"];
        const ROLES: [&str; 8] = ["requester", "owner", "compliance", "legal", "risk", "privacy", "automation", "auditor"];
        let mut s = if from_ready { ready() } else { Story::default() };
        for (who, role, command) in commands {
            let _ = s.say(NOW, PEOPLE[who], ROLES[role], &command);
            prop_assert_eq!(&s.folded(), &s.record);
            if !s.record.state_at(NOW).is_in_force() {
                continue;
            }
            let inputs = s.record.inputs();
            for role in Rules::default().approvers(&s.record) {
                let step = s.record.approvals.iter().find(|a| a.role == role);
                prop_assert!(step.is_some_and(|a| a.inputs == inputs && a.by != s.record.requester), "{}", role);
            }
            let mut people: Vec<String> = s.record.approvals.iter().map(|a| a.by.to_string()).collect();
            people.sort();
            people.dedup();
            prop_assert_eq!(people.len(), s.record.approvals.len(), "one person, one role");
            let owed = s.record.outcome["obligations"].as_array().unwrap().iter().any(|o| o["status"] != "met");
            let excepted = s.record.exceptions.get("e").is_some_and(|e| e.answered_at.is_some());
            prop_assert!(!owed || excepted, "an owed duty is unmet");
            prop_assert!(!s.record.state_at(s.record.expires).is_in_force());
        }
    }
}

#[test]
fn an_organization_says_who_must_approve_what() {
    let rules = |text: &str| Rules::from_json(&serde_json::from_str(text).unwrap());
    let own = rules(
        r#"[{"roles": ["owner"]}, {"roles": ["legal", "security"], "access": ["weights"], "audience": ["public"]}]"#,
    )
    .unwrap();
    assert_eq!(Rules::from_json(&own.to_json()).unwrap(), own);
    assert_eq!(Rules::from_json(&Rules::default().to_json()).unwrap(), Rules::default());
    let mut record = Record::default();
    record.deployment = json!({"use.access": ["weights"]});
    assert_eq!(own.approvers(&record), ["owner"]);
    let told = |kind: &'static str, body: &Value, record: &mut Record| {
        let actor = json!("a");
        record.apply(&Told { at: 1, kind, role: "requester", actor: &actor, body });
    };
    told(
        "set",
        &json!({"field": "distribution.audience", "value": "public", "state": "known", "source": "p"}),
        &mut record,
    );
    assert_eq!(own.approvers(&record), ["owner", "legal", "security"]);
    assert_eq!(Rules::default().approvers(&record), ["owner", "compliance", "legal"]);
    let wrong = rules(r#"[{"roles": ["requester"], "color": ["red"], "access": []}]"#).unwrap_err();
    let about: Vec<&str> = wrong.iter().map(|p| p.says.as_str()).collect();
    for says in [
        "`requester` approves nothing",
        "`color` is nothing",
        "`access` has no words",
        "names no role",
        "would need nobody",
    ] {
        assert!(about.iter().any(|a| a.contains(says)), "{says}: {about:?}");
    }
}
