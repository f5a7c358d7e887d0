//! One record: its answer, its duties, its evidence, its lineage, its review, its history.

use freehold_check::judge;
use freehold_governance::STEPS;
use freehold_record::{Area, FIELDS, may};
use serde_json::{Map, Value, json};

use super::shown;
use crate::api::records::{case_file, coverage_json, events_json, parts, stated, stepped, whole};
use crate::app::App;
use crate::call::{Call, Problem, Reply};
use crate::judge::assessment;

/// What each step of the workflow is called on its button, and from which states it leads on.
const BUTTONS: &[(&str, &str, &[&str])] = &[
    ("submit", "Submit for review", &["draft", "changes-requested"]),
    ("triage", "Complete: send to review", &["triage"]),
    ("request-changes", "Send back", &["triage", "review"]),
    ("need-counsel", "Ask counsel", &["review"]),
    ("counsel-answered", "Answer as counsel", &["needs-counsel"]),
    ("approve", "Approve", &["review"]),
    ("reject", "Reject", &["review"]),
    ("suspend", "Suspend", &["approved", "approved-with-conditions"]),
    ("resume", "Resume review", &["suspended", "re-review"]),
    ("renew", "Renew", &["expired", "re-review"]),
    ("withdraw", "Withdraw", &["draft", "triage", "review", "changes-requested", "needs-counsel"]),
    ("retire", "Retire", &["approved", "approved-with-conditions", "expired", "rejected", "re-review"]),
];

fn word(v: &Value) -> &str {
    v.as_str().unwrap_or_default()
}

/// Clauses of the use policies that bind a record, each with what was answered.
fn clauses(app: &App, a: &Value, record: &Value) -> Vec<Value> {
    let catalog = app.config.catalog;
    let mut out = Vec::new();
    let governing =
        a["licenses"].as_array().into_iter().flatten().filter(|l| l["displaced"] != true && l["outbound"] != true);
    let mut ids: Vec<&str> = governing.map(|l| word(&l["id"])).collect();
    ids.sort_unstable();
    ids.dedup();
    for l in ids.iter().filter_map(|id| catalog.license(id)) {
        for t in l.terms.iter().filter(|t| t.policy.is_some()) {
            let key = format!("{} {}", l.id, t.clause);
            let said = record["clauses"].as_array().into_iter().flatten().find(|c| c["id"] == key.as_str());
            out.push(json!({
                "license": l.id, "clause": t.clause, "words": t.quote, "key": key,
                "answer": said.map(|s| s["says"]["answer"].clone()), "reason": said.map(|s| s["says"]["reason"].clone()), "by": said.map(|s| s["by"].clone()),
            }));
        }
    }
    out
}

pub(super) fn record(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let caller = call.caller()?;
    let a = match parts(app, &w, call.now) {
        Ok(parts) => assessment(&judge(parts, app.config.catalog)),
        Err(_) => Value::Null,
    };
    let state = word(&w.json["state"]).to_string();
    let roles =
        |step: &str| -> Vec<&str> { caller.roles.iter().map(String::as_str).filter(|r| may(r, step)).collect() };
    let steps: Vec<Value> = BUTTONS
        .iter()
        .filter(|(step, _, from)| from.contains(&state.as_str()) && !roles(step).is_empty())
        .map(|(step, title, _)| json!({"step": step, "title": title, "roles": roles(step)}))
        .collect();
    let owners = app.shelf(|s| s.list("owner", &format!("{} ", w.id), 500, call.now))?;
    let owners: Map<String, Value> = owners
        .into_iter()
        .filter(|i| i.id.starts_with(&w.id))
        .map(|i| (i.id.get(w.id.len() + 1..).unwrap_or_default().to_string(), json!(i.body)))
        .collect();
    let seen = |key: &str| {
        w.json["attributions"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|x| x["id"] == key)
            .map(|x| json!({"where": x["says"]["where"], "by": x["by"]}))
    };
    let duties: Vec<Value> = a["obligations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|o| {
            let key = format!("{} {}", word(&o["code"]), word(&o["license"]));
            let entry = app.config.catalog.obligations.get(word(&o["code"]));
            let mut o = o.clone();
            o["title"] = json!(entry.map(|e| e.title.clone()));
            o["asks"] = json!(entry.map(|e| e.says.clone()));
            o["key"] = json!(key);
            o["seen"] = json!(seen(&key));
            o["owner"] = owners.get(&key).cloned().unwrap_or_default();
            o
        })
        .collect();
    let areas: Vec<Value> = Area::ALL
        .iter()
        .map(|area| {
            let fields: Vec<Value> = FIELDS
                .iter()
                .filter(|f| f.area == *area)
                .map(|f| {
                    let fact = &w.json["facts"][f.name];
                    let words = match f.kind {
                        freehold_record::Kind::Word(words) => json!(words),
                        freehold_record::Kind::YesNo => json!(["yes", "no"]),
                        _ => Value::Null,
                    };
                    let kind = if matches!(f.kind, freehold_record::Kind::Day) { "date" } else { "text" };
                    json!({
                        "name": f.name, "asks": f.asks, "needed": f.needed, "value": fact["value"], "state": fact["state"], "source": fact["source"],
                        "by": fact["by"], "words": words, "kind": kind, "mine": caller.roles.iter().any(|r| f.is_stated_by(r)), "for": f.for_whom, "role": f.role,
                    })
                })
                .collect();
            json!({"title": area.title(), "fields": fields})
        })
        .collect();
    let clauses = if a.is_null() { Vec::new() } else { clauses(app, &a, &w.json) };
    let answered = clauses.iter().filter(|c| c["answer"].is_string()).count();
    let mut events = events_json(app, &w)?;
    events.reverse();
    let register = crate::api::system::register_json(app)?;
    let may_step = |step: &str| !roles(step).is_empty();
    shown(
        app,
        call,
        "record.html",
        json!({
            "r": w.json, "a": a, "duties": duties, "steps": steps, "areas": areas, "clauses": clauses, "answered": answered, "events": events,
            "register": register, "coverage": coverage_json(app, &w)?, "since": freehold_governance::since(&w.record),
            "may": {"clause": may_step("clause"), "attribution": may_step("attribution"), "assess": may_step("assess"), "exception": may_step("exception"),
                "agree": may_step("approve-exception"), "condition": may_step("condition"), "dataset": may_step("dataset"), "set": may_step("set")},
            "done": call.asked("done"), "max_until": freehold_governance::day(call.now.saturating_add(365 * freehold_governance::DAY_MICROS)),
        }),
    )
}

pub(super) fn lineage(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let parts = parts(app, &w, call.now)?;
    let d = judge(parts, app.config.catalog);
    let lineage = freehold_check::lineage(std::slice::from_ref(&d));
    let svg = freehold_documents::lineage_svg(&lineage, app.config.catalog);
    // a drawing has styles of its own, and nothing else
    Ok(Reply::of("image/svg+xml", svg.into_bytes())
        .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"))
}

pub(super) fn pass_through(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let d = judge(parts(app, &w, call.now)?, app.config.catalog);
    let paper = freehold_documents::pass_through(&d).html();
    Ok(Reply::html(paper)
        .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"))
}

fn to(w: &crate::api::records::Whole, done: &str, place: &str) -> Reply {
    Reply::to(format!("/records/{}?done={}#{place}", w.id, crate::routes::encoded(done)))
}

pub(super) fn field(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = json!({
        "field": call.field("field"), "value": call.field("value"), "state": if call.field("state").is_empty() { "known" } else { call.field("state") },
        "role": call.field("role"),
    });
    let w = stated(app, call, &value)?;
    Ok(to(&w, call.field("field"), "facts"))
}

pub(super) fn step(app: &App, call: &Call) -> Result<Reply, Problem> {
    let step = call.part("step");
    let mut said = Map::new();
    for key in ["role", "entry", "answer", "reason", "where", "covers", "says", "by", "comment", "until", "due"] {
        if !call.field(key).is_empty() {
            said.insert(key.into(), json!(call.field(key)));
        }
    }
    let values: Map<String, Value> = call
        .form
        .iter()
        .filter_map(|(k, v)| Some((k.strip_prefix("value.")?.to_string(), json!(v.trim()))).filter(|(_, v)| v != ""))
        .collect();
    if !values.is_empty() {
        said.insert("values".into(), Value::Object(values));
    }
    let w = stepped(app, call, step, &said)?;
    let workflow = STEPS.iter().any(|(s, flow, _)| *s == step && *flow);
    let place = match step {
        "attribution" => "duties",
        "clause" => "policy",
        _ if workflow => "decide",
        _ => "facts",
    };
    Ok(to(&w, step, place))
}

pub(super) fn again(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let who = call.caller()?.role_for("assess", "")?;
    parts(app, &w, call.now)?;
    let mut over = freehold_assess::Deployment::empty(app.config.catalog);
    let mut wrong = Vec::new();
    crate::judge::form_facts(&call.form, app.config.catalog, &mut over, &mut wrong);
    if !wrong.is_empty() {
        return Err(Problem::mistakes(&wrong));
    }
    let law = crate::api::records::law(app, freehold_governance::day(call.now), over);
    let mut body = law.assess(&w.record)?;
    body["artifact"] = json!(w.record.artifact);
    body["files"] = w.record.files.clone();
    app.write(|register| {
        freehold_governance::change(register, Some(&w.id), &who, |_, _| Ok(freehold_record::Command::Assess(body)))
    })?;
    let w = whole(app, &w.id, call.now)?;
    app.tell("assessed", &w, call.now);
    Ok(to(&w, "assessed", "answer"))
}

/// Who sees to a duty.
pub(super) fn owner(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let (key, person) = (call.field("key"), call.field("person"));
    if key.is_empty() || key.len() > 200 || person.len() > 200 {
        return Err(Problem::new(422, "bad-owner", "a duty and a name, 200 bytes each at most"));
    }
    let id = format!("{} {key}", w.id);
    let was = app.shelf(|s| s.get("owner", &id, call.now))?;
    match was {
        Some(item) => app.shelf(|s| s.replace("owner", &id, item.rev, person, 0))?,
        None => app.shelf(|s| s.create("owner", &id, person, 0, call.now))?,
    };
    Ok(to(&w, "owner", "duties"))
}

/// A wrong answer as a case file, to keep as a test.
pub(super) fn report(app: &App, call: &Call) -> Result<Reply, Problem> {
    let w = whole(app, call.part("id"), call.now)?;
    let says = call.field("says");
    if says.is_empty() || says.len() > 4096 {
        return Err(Problem::new(422, "no-words", "say what is wrong, in at most 4,096 bytes"));
    }
    let file = case_file(&w, says, call.field("expected"), call.field("clause"));
    let id = freehold_register::new_id(call.now)?;
    app.shelf(|s| s.create("reported", &id, &file.to_string(), 0, call.now))?;
    let name = format!("reported-{}.json", w.id);
    Ok(Reply::of(crate::call::JSON, format!("{file:#}\n").into_bytes())
        .with("content-disposition", format!("attachment; filename=\"{name}\"")))
}
