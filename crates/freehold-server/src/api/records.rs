//! Records: lists, one, steps, what proves them, what they would become.

use freehold_assess::Deployment;
use freehold_check::{Parts, judge};
use freehold_governance::{Law, STEPS, Wrong, assessed, change, folded, last_day, rules, told_whole, waiting};
use freehold_record::{Command, Record, State};
use freehold_register::{Event, Register};
use freehold_wire::regimes;
use serde_json::{Map, Value, json};

use crate::app::{App, Line};
use crate::call::{Call, Problem, Reply};
use crate::judge::{Question, as_of, assessment as assessment_json, facts, today_alone};

/// A record and everything that a reader asks of it.
pub(crate) struct Whole {
    pub(crate) id: String,
    pub(crate) record: Record,
    pub(crate) events: Vec<Event>,
    /// `freehold.record/1`, its private texts put back, and who it waits for.
    pub(crate) json: Value,
}

fn is_id(id: &str) -> bool {
    id.len() == 26 && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Reads a record.
pub(crate) fn whole(app: &App, id: &str, now: i64) -> Result<Whole, Problem> {
    let missing = || Problem::missing(format!("no record is called `{}`", freehold_base::shown(id)));
    if !is_id(id) {
        return Err(missing());
    }
    let read = app.read(|register| read_whole(register, id, now))?;
    read.ok_or_else(missing)
}

fn read_whole(register: &mut Register, id: &str, now: i64) -> Result<Option<Whole>, Wrong> {
    let events = register.history(id)?;
    if events.is_empty() {
        return Ok(None);
    }
    let record = folded(&events);
    let mut json = told_whole(register, &record.to_json(id, now))?;
    let waits = waiting(&record, &rules(&register.history("")?));
    json["waits_for"] = json!(waits);
    json["revision"] = json!(record.events);
    json["until"] = if record.expires > 0 { json!(last_day(record.expires)) } else { Value::Null };
    json["missing"] = json!(record.missing().iter().filter(|f| f.needed).map(|f| f.name).collect::<Vec<_>>());
    json["unassessed"] = json!(record.unassessed());
    Ok(Some(Whole { id: id.to_string(), record, events, json }))
}

fn reply(w: &Whole) -> Reply {
    Reply::json(&w.json).with("etag", format!("\"{}\"", w.record.events))
}

pub(crate) fn row_json(l: &Line, now: i64) -> Value {
    let owner = if l.owner.is_empty() { Value::Null } else { json!(l.owner) };
    let verdict = if l.verdict.is_empty() { Value::Null } else { json!(l.verdict) };
    json!({
        "id": l.id, "name": l.name, "state": l.state(now).as_str(), "verdict": verdict,
        "licenses": l.licenses, "bases": l.bases, "owner": owner,
        "artifact": l.artifact, "expires": l.expires, "updated": l.updated,
        "until": if l.expires > 0 { json!(last_day(l.expires)) } else { Value::Null },
    })
}

/// Which records a query asks for.
pub(crate) struct Narrow {
    state: Option<State>,
    license: String,
    base: String,
    owner: String,
    verdict: String,
    q: String,
    ends_by: Option<i64>,
}

impl Narrow {
    /// Out of the words of a query.
    pub(crate) fn of(asked: &dyn Fn(&str) -> String) -> Result<Narrow, Problem> {
        let state = asked("state");
        let parsed = State::parse(&state);
        if !state.is_empty() && parsed.is_none() {
            let known: Vec<&str> = State::ALL.iter().map(|s| s.as_str()).collect();
            return Err(Problem::new(400, "bad-query", format!("`{}` is no state", freehold_base::shown(&state)))
                .fix(format!("one of: {}", known.join(", "))));
        }
        let before = asked("expires_before");
        let ends_by = if before.is_empty() { None } else { freehold_governance::end_of(&before) };
        if !before.is_empty() && ends_by.is_none() {
            return Err(Problem::new(400, "bad-query", "`expires_before` is a day, YYYY-MM-DD"));
        }
        let low = |key: &str| asked(key).to_lowercase();
        Ok(Narrow {
            state: parsed,
            license: low("license"),
            base: low("base"),
            owner: low("owner"),
            verdict: low("verdict"),
            q: low("q"),
            ends_by,
        })
    }

    pub(crate) fn fits(&self, l: &Line, now: i64) -> bool {
        let state = l.state(now);
        // nothing asked is what every word begins with; who has no word is not asked for by none
        let begins = |words: &mut dyn Iterator<Item = &str>, asked: &str| {
            asked.is_empty() || freehold_governance::begins(words, asked)
        };
        (self.q.is_empty() || l.name.to_lowercase().contains(&self.q))
            && begins(&mut l.licenses.iter().map(String::as_str), &self.license)
            && begins(&mut l.bases.iter().map(String::as_str), &self.base)
            && begins(&mut [l.owner.as_str()].into_iter(), &self.owner)
            && begins(&mut [l.verdict.as_str()].into_iter(), &self.verdict)
            && self.state.is_none_or(|s| s == state)
            && self.ends_by.is_none_or(|end| state.is_in_force() && l.expires <= end)
    }
}

/// What a call asks for: its query, over that of a saved view.
pub(crate) fn asked_with_view<'a>(app: &App, call: &'a Call) -> Result<impl Fn(&str) -> String + use<'a>, Problem> {
    let name = call.asked("view");
    let view = if name.is_empty() { Value::Null } else { super::system::view(app, name, call.now)? };
    Ok(move |key: &str| {
        let own = call.asked(key);
        if own.is_empty() { view["query"][key].as_str().unwrap_or_default().to_string() } else { own.to_string() }
    })
}

pub(super) fn list(app: &App, call: &Call) -> Result<Reply, Problem> {
    let asked = asked_with_view(app, call)?;
    let narrow = Narrow::of(&asked)?;
    let lines = app.lines()?;
    let fits = lines.iter().filter(|l| narrow.fits(l, call.now));
    super::law::paged(fits.map(|l| (l.id.as_str(), l)), "records", call, |l| row_json(l, call.now))
}

/// The name of a new record.
fn called(value: &Value) -> Result<Option<String>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::String(s) if !s.trim().is_empty() && s.len() <= 200 && !s.chars().any(char::is_control) => {
            Ok(Some(s.trim().to_string()))
        }
        _ => Err(Problem::new(422, "bad-name", "a record's name has 1 to 200 bytes and no control characters")),
    }
}

/// Makes a record of a question.
pub(crate) fn made(
    app: &App,
    question: Question,
    name: Option<String>,
    role: &str,
    call: &Call,
) -> Result<Whole, Problem> {
    let who = call.caller()?.role_for("create", role)?;
    app.keepable(&question, call.now)?;
    let mut body = app.judged(question, |d| assessed(d).map(|b| (b, d.subject.id.clone())))?;
    body.0["name"] = json!(name.unwrap_or(body.1));
    let body = body.0;
    let id = app.write(|register| change(register, None, &who, |_, _| Ok(Command::Create(body))).map(|(id, _)| id))?;
    let w = whole(app, &id, call.now)?;
    app.tell("created", &w, call.now);
    Ok(w)
}

pub(super) fn create(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    let name = called(&value["record"])?;
    let question = app.question(&value, call.now)?;
    let w = made(app, question, name, value["role"].as_str().unwrap_or_default(), call)?;
    Ok(Reply::created(&w.json, format!("/api/v1/records/{}", w.id)).with("etag", format!("\"{}\"", w.record.events)))
}

pub(super) fn create_bundle(app: &App, call: &Call) -> Result<Reply, Problem> {
    let said = super::law::said(call)?;
    let w = made_of_bundle(app, &call.body, &said, call)?;
    Ok(Reply::created(&w.json, format!("/api/v1/records/{}", w.id)))
}

pub(crate) fn made_of_bundle(app: &App, bytes: &[u8], said: &Value, call: &Call) -> Result<Whole, Problem> {
    let name = called(&said["name"]).ok().flatten();
    let mut all = app.bundle(bytes, said, call.now)?;
    let n = all.len();
    match (all.pop(), n) {
        (Some(one), 1) => made(app, one, name, "", call),
        _ => Err(Problem::new(422, "several", format!("{n} models are in the archive: a record is about one"))),
    }
}

pub(super) fn one(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(reply(&whole(app, call.part("id"), call.now)?))
}

/// The law of today, or of a day.
pub(crate) fn law(app: &App, as_of: String, facts: Deployment) -> Law<'static> {
    Law { catalog: app.config.catalog, as_of, house: app.config.house.clone(), facts }
}

pub(crate) fn today(app: &App, now: i64) -> Law<'static> {
    law(app, freehold_governance::day(now), Deployment::empty(app.config.catalog))
}

/// What a record is judged on under the law of today.
pub(crate) fn parts(app: &App, w: &Whole, now: i64) -> Result<Parts, Problem> {
    if w.record.case.is_null() {
        return Err(Problem::new(409, "no-case", "the record keeps no case")
            .fix("assess it again from its files: freehold register assess"));
    }
    Ok(today(app, now).parts(&w.record)?)
}

pub(super) fn assessment(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let d = judge(parts(app, &w, call.now)?, app.config.catalog);
    Ok(Reply::json(&assessment_json(&d)))
}

/// Events with their private texts put back.
pub(crate) fn events_json(app: &App, w: &Whole) -> Result<Vec<Value>, Problem> {
    app.read(|register| {
        w.events
            .iter()
            .map(|e| {
                let mut body = e.body.clone();
                // the case is what was read of the files: long, and in the record
                if let Some(o) = body.as_object_mut() {
                    o.remove("case");
                }
                Ok(json!({
                    "index": e.index, "at": freehold_governance::moment_of(e.at), "kind": e.kind, "role": e.role,
                    "by": told_whole(register, &e.actor)?, "says": told_whole(register, &body)?,
                }))
            })
            .collect()
    })
}

pub(super) fn events(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    Ok(Reply::json(&json!({"schema": "freehold.events/1", "record": w.id, "events": events_json(app, &w)?})))
}

pub(super) fn proofs(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let (all, vkey) = app.read(|register| {
        let all: Result<Vec<Value>, Wrong> = w
            .events
            .iter()
            .map(|e| Ok(json!({"index": e.index, "leaf": e.leaf, "proof": register.prove(e.index)?.to_string()})))
            .collect();
        Ok((all?, register.verifying_key().to_string()))
    })?;
    Ok(Reply::json(&json!({"schema": "freehold.proofs/1", "record": w.id, "public_key": vkey, "events": all})))
}

/// What regimes ask of a record.
pub(crate) fn coverage_json(app: &App, w: &Whole) -> Result<Value, Problem> {
    let tables = regimes(&w.json, app.config.catalog).map_err(|d| Problem::mistakes(&d))?;
    let one = |t: &freehold_wire::RegimeTable| {
        let rows: Vec<Value> = t
            .rows
            .iter()
            .map(|r| json!({"point": r.id, "asks": r.name, "answer": r.answer.as_str(), "says": r.says}))
            .collect();
        json!({"id": t.id, "name": t.name, "date": t.date, "status": t.status, "read_as": t.read_as, "checked": t.checked, "rows": rows})
    };
    Ok(json!({"schema": "freehold.coverage/1", "record": w.id, "regimes": tables.iter().map(one).collect::<Vec<_>>()}))
}

pub(super) fn coverage(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    Ok(Reply::json(&coverage_json(app, &w)?))
}

pub(super) fn pass_through(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let d = judge(parts(app, &w, call.now)?, app.config.catalog);
    let paper = freehold_documents::pass_through(&d);
    Ok(Reply::json(&json!({
        "schema": "freehold.pass-through/1", "record": w.id, "title": paper.title, "markdown": paper.markdown(), "html": paper.html(),
    })))
}

pub(crate) fn export(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let faulty = |e: std::io::Error| Problem::new(503, "no-space", format!("the pack cannot be written: {}", e.kind()));
    let folder = tempfile::tempdir().map_err(faulty)?;
    let out = folder.path().join("pack");
    let done = std::process::Command::new(&app.config.program)
        .args(["register", "export", &w.id])
        .arg(&out)
        // a password in the address stands in no list of processes
        .env("FREEHOLD_REGISTER", &app.config.register)
        .env("FREEHOLD_REGISTER_KEY", &app.config.key)
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(faulty)?;
    if !done.status.success() {
        let says = String::from_utf8_lossy(&done.stderr).lines().next().unwrap_or_default().to_string();
        return Err(Problem::new(503, "no-pack", format!("the pack was not made: {says}")));
    }
    let name = format!("evidence-pack-{}", w.id);
    let tar = crate::tar::folder(&out, &name).map_err(faulty)?;
    Ok(Reply::of("application/x-tar", tar).with("content-disposition", format!("attachment; filename=\"{name}.tar\"")))
}

/// The revision that a call was made on; `None` where it does not say.
fn expected(call: &Call) -> Result<Option<u64>, Problem> {
    let tag = call.header("if-match");
    if tag.is_empty() || tag == "*" {
        return Ok(None);
    }
    let number = tag.trim().trim_start_matches("W/").trim_matches('"').parse();
    number.map(Some).map_err(|_| Problem::new(412, "changed-meanwhile", "`if-match` is no revision of a record"))
}

pub(super) fn assess_again(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    let w = whole(app, call.part("id"), call.now)?;
    let who = call.caller()?.role_for("assess", value["role"].as_str().unwrap_or_default())?;
    let body = if value["case"].is_null() && value["model"].is_null() {
        let mut over = Deployment::empty(app.config.catalog);
        let mut wrong = Vec::new();
        facts(&value["facts"], app.config.catalog, &mut over, &mut wrong);
        if !wrong.is_empty() {
            return Err(Problem::mistakes(&wrong));
        }
        parts(app, &w, call.now)?;
        let day = as_of(&value["as_of"], call.now)?;
        today_alone(&day, call.now)?;
        let mut body = law(app, day, over).assess(&w.record)?;
        body["artifact"] = json!(w.record.artifact);
        body["files"] = w.record.files.clone();
        body
    } else {
        let question = app.question(&value, call.now)?;
        app.keepable(&question, call.now)?;
        app.judged(question, assessed)?
    };
    let asked = expected(call)?;
    app.write(|register| {
        change(register, Some(&w.id), &who, |_, before| {
            if asked.is_some_and(|n| n != before.events) { Err(Wrong::Changed) } else { Ok(Command::Assess(body)) }
        })
    })?;
    let w = whole(app, &w.id, call.now)?;
    app.tell("assessed", &w, call.now);
    Ok(reply(&w))
}

pub(super) fn set(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    let w = stated(app, call, &value)?;
    Ok(reply(&w))
}

/// States a field of a record.
pub(crate) fn stated(app: &App, call: &Call, value: &Value) -> Result<Whole, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let who = call.caller()?.role_for("set", value["role"].as_str().unwrap_or_default())?;
    let text = |key: &str, default: &str| match &value[key] {
        Value::Null => Ok(default.to_string()),
        Value::String(s) => Ok(s.clone()),
        _ => Err(Problem::new(422, "wrong-type", format!("`{key}` is text"))),
    };
    let state = text("state", "known")?;
    let said = if state == "known" { json!(text("value", "")?) } else { Value::Null };
    let body = json!({"field": text("field", "")?, "value": said, "state": state, "source": text("source", "person")?});
    let asked = expected(call)?;
    app.write(|register| {
        change(register, Some(&w.id), &who, |_, before| {
            if asked.is_some_and(|n| n != before.events) { Err(Wrong::Changed) } else { Ok(Command::Set(body)) }
        })
    })?;
    let w = whole(app, &w.id, call.now)?;
    app.tell("set", &w, call.now);
    Ok(w)
}

pub(super) fn step(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    let none = Map::new();
    let w = stepped(app, call, call.part("step"), value.as_object().unwrap_or(&none))?;
    Ok(reply(&w))
}

/// Takes a step on a record.
pub(crate) fn stepped(app: &App, call: &Call, word: &str, said: &Map<String, Value>) -> Result<Whole, Problem> {
    if !STEPS.iter().any(|(w, _, _)| *w == word) {
        let all: Vec<&str> = STEPS.iter().map(|(w, _, _)| *w).collect();
        return Err(Problem::missing(format!("`{}` is no step", freehold_base::shown(word)))
            .fix(format!("one of: {}", all.join(", "))));
    }
    let long = said.values().any(|v| v.as_str().is_some_and(|t| t.len() > 4096));
    if long {
        return Err(Problem::new(422, "too-long", "a text has at most 4,096 bytes"));
    }
    let w = whole(app, call.part("id"), call.now)?;
    let caller = call.caller()?;
    let decides =
        !["submit", "withdraw", "dataset", "attribution", "clause", "exception", "condition-met"].contains(&word);
    if decides && caller.scopes.as_ref().is_some_and(|s| !s.iter().any(|s| s == "approve")) {
        return Err(Problem::new(403, "scope", "the token has no scope `approve`"));
    }
    let who = caller.role_for(word, said.get("role").and_then(Value::as_str).unwrap_or_default())?;
    let asked = expected(call)?;
    app.write(|register| freehold_governance::step(register, &w.id, &who, word, said, asked))?;
    let w = whole(app, &w.id, call.now)?;
    app.tell(word, &w, call.now);
    Ok(w)
}

/// A wrong answer as a case file, so that it can be judged, kept as a test, and mended.
pub(crate) fn case_file(w: &Whole, says: &str, expected: &str, clause: &str) -> Value {
    let got = |key: &str| w.record.outcome[key].as_str().unwrap_or_default();
    freehold_wire::reported_case(&w.record.case, (got("verdict"), got("catalog")), says, expected, clause)
}

pub(super) fn report(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    let w = whole(app, call.part("id"), call.now)?;
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_string();
    if text("says").trim().is_empty() || text("says").len() > 4096 {
        return Err(Problem::new(422, "no-words", "`says` tells what is wrong, in at most 4,096 bytes"));
    }
    let file = case_file(&w, &text("says"), &text("expected"), &text("clause"));
    let id = freehold_register::new_id(call.now)?;
    app.shelf(|s| s.create("reported", &id, &file.to_string(), 0, call.now))?;
    Ok(Reply::created(&file, format!("/api/v1/records/{}", w.id)))
}

/// What a change is, out of JSON: the law after it, and its words.
pub(crate) fn changed_law(app: &App, value: &Value, now: i64) -> Result<(Law<'static>, Vec<String>), Problem> {
    let mut over = Deployment::empty(app.config.catalog);
    let mut wrong = Vec::new();
    facts(&value["facts"], app.config.catalog, &mut over, &mut wrong);
    if !wrong.is_empty() {
        return Err(Problem::mistakes(&wrong));
    }
    let day = as_of(&value["as_of"], now)?;
    let mut changes: Vec<String> =
        value["facts"].as_object().into_iter().flatten().map(|(k, v)| format!("{k} = {v}")).collect();
    if day != freehold_governance::day(now) {
        changes.push(format!("on {day}"));
    }
    Ok((law(app, day, over), changes))
}

fn state_of(value: &Value) -> Result<String, Problem> {
    let state = value["state"].as_str().unwrap_or_default();
    if !state.is_empty() && State::parse(state).is_none() {
        return Err(Problem::new(422, "bad-state", "`state` is a state of the workflow"));
    }
    Ok(state.to_string())
}

pub(super) fn impact(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&impact_json(app, &call.json()?, call.now)?))
}

pub(crate) fn impact_json(app: &App, value: &Value, now: i64) -> Result<Value, Problem> {
    let (after, changes) = changed_law(app, value, now)?;
    if changes.is_empty() {
        return Err(Problem::new(422, "nothing-changed", "name facts that change, or another day"));
    }
    let state = state_of(value)?;
    let before = today(app, now);
    let found = app.read(|r| freehold_governance::impact(r, &before, &after, &state, &mut |_| ()))?;
    Ok(found.to_json(&changes))
}

pub(super) fn reassess(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    let who = call.caller()?.role_for("assess", value["role"].as_str().unwrap_or_default())?;
    let (law, changes) = changed_law(app, &value, call.now)?;
    let state = state_of(&value)?;
    let done = app.write(|r| freehold_governance::reassess(r, &who, &law, &changes, &state, &mut |_| ()))?;
    let told: Vec<Value> =
        done.told.iter().map(|t| json!({"id": t.id, "name": t.name, "was": t.was, "difference": t.lines})).collect();
    Ok(Reply::json(&json!({
        "schema": "freehold.reassessed/1", "looked_at": done.looked.records, "changed": done.changed, "fell": done.fell,
        "raced": done.raced, "records": told, "not_kept": done.looked.unkept,
    })))
}

/// Exceptions of all records.
pub(crate) fn waivers_json(app: &App, now: i64) -> Result<Value, Problem> {
    let mut all = Vec::new();
    for l in app.lines()?.iter() {
        // a line says whether an exception that was agreed to has an end; those asked for stand in the record alone
        let open = matches!(
            l.state(now),
            State::Draft | State::Triage | State::Review | State::ChangesRequested | State::NeedsCounsel
        );
        if !l.excepted && !open {
            continue;
        }
        let w = whole(app, &l.id, now)?;
        for e in w.json["exceptions"].as_array().into_iter().flatten() {
            let ends = e["says"]["expires"].as_i64().unwrap_or(0);
            let state = match (e["answered_at"].is_null(), ends > now) {
                (true, _) => "asked for",
                (false, true) => "in force",
                (false, false) => "ended",
            };
            all.push(json!({
                "record": w.id, "name": w.json["name"], "id": e["id"], "covers": e["says"]["covers"], "reason": e["says"]["reason"],
                "by": e["by"], "agreed_by": e["answered_by"], "until": last_day(ends), "state": state,
            }));
        }
    }
    Ok(json!({"schema": "freehold.waivers/1", "waivers": all}))
}

pub(super) fn waivers(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&waivers_json(app, call.now)?))
}
