//! The portfolio, lists of records, new ones, the queue of those who must decide.

use freehold_record::State;
use serde_json::{Value, json};

use super::shown;
use crate::api::records::{Narrow, made, made_of_bundle, row_json, whole};
use crate::app::{App, Line};
use crate::call::{Call, Problem, Reply};
use crate::judge::{form_facts, of_form};
use crate::routes::encoded;

/// Records of a list on one page.
const PAGE: usize = 100;
/// How far ahead an end is told, in microseconds.
const SOON_MICROS: i64 = 30 * freehold_governance::DAY_MICROS;
/// Most records that are told of each kind of attention.
const TOLD_MAX: usize = 25;

/// Why a record needs somebody today; `None` for one that does not.
fn needs(l: &Line, state: State, now: i64) -> Option<(&'static str, String)> {
    let verdict = l.verdict.as_str();
    Some(match state {
        State::Suspended => ("suspended", "a condition was not met in time, or somebody stopped it".into()),
        State::ReReview => {
            ("changed since it was approved", "its grounds are others than those that were approved".into())
        }
        State::Expired => ("expired", format!("its approval ended on {}", freehold_governance::last_day(l.expires))),
        State::NeedsCounsel => ("a question for counsel", "somebody asked counsel and waits".into()),
        State::Triage => ("to be looked over", "submitted, and not yet looked over".into()),
        State::Review => ("to be decided", "waits for approvals".into()),
        State::ChangesRequested => ("sent back", "the requester must change something".into()),
        s if s.is_in_force() && l.expires <= now.saturating_add(SOON_MICROS) => {
            ("ends soon", format!("its approval ends on {}", freehold_governance::last_day(l.expires)))
        }
        State::Draft if verdict == "prohibited" || verdict == "needs-separate-license" => {
            ("blocked", "the license texts do not allow it".into())
        }
        State::Draft if verdict == "undetermined" || verdict == "needs-review" => {
            ("open", "a fact or a reading is missing".into())
        }
        _ => return None,
    })
}

/// One more of it.
fn count(all: &mut std::collections::BTreeMap<String, usize>, what: &str) {
    match all.get_mut(what) {
        Some(n) => *n += 1,
        None => {
            all.insert(what.to_string(), 1);
        }
    }
}

pub(super) fn home(app: &App, call: &Call) -> Result<Reply, Problem> {
    let all = app.lines()?;
    let mut states: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    let mut verdicts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut licenses: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut attention: Vec<(&str, Vec<Value>, usize)> = Vec::new();
    for l in all.iter() {
        let state = l.state(call.now);
        *states.entry(state.as_str()).or_default() += 1;
        count(&mut verdicts, if l.verdict.is_empty() { "not assessed" } else { &l.verdict });
        l.licenses.iter().for_each(|w| count(&mut licenses, w));
        let Some((kind, why)) = needs(l, state, call.now) else { continue };
        let row = || {
            let mut row = row_json(l, call.now);
            row["why"] = json!(why);
            row
        };
        match attention.iter_mut().find(|(k, _, _)| *k == kind) {
            Some((_, rows, n)) => {
                *n += 1;
                if rows.len() < TOLD_MAX {
                    rows.push(row());
                }
            }
            None => attention.push((kind, vec![row()], 1)),
        }
    }
    let order = [
        "suspended",
        "changed since it was approved",
        "expired",
        "a question for counsel",
        "blocked",
        "to be decided",
        "to be looked over",
        "sent back",
        "ends soon",
        "open",
    ];
    attention.sort_by_key(|(k, _, _)| order.iter().position(|o| o == k));
    let most = |m: std::collections::BTreeMap<String, usize>| {
        let mut v: Vec<(String, usize)> = m.into_iter().collect();
        v.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        v.into_iter()
            .take(8)
            .map(|(name, n)| json!({"name": name, "n": n, "share": n * 100 / all.len().max(1)}))
            .collect::<Vec<_>>()
    };
    let in_force: usize =
        states.iter().filter(|(s, _)| State::parse(s).is_some_and(State::is_in_force)).map(|(_, n)| n).sum();
    let need: usize = attention.iter().map(|(_, _, n)| n).sum();
    let groups: Vec<Value> =
        attention.into_iter().map(|(kind, rows, n)| json!({"kind": kind, "rows": rows, "n": n})).collect();
    let states: Vec<Value> =
        states.into_iter().map(|(s, n)| json!({"name": s, "n": n, "share": n * 100 / all.len().max(1)})).collect();
    shown(
        app,
        call,
        "home.html",
        json!({
            "all": all.len(), "in_force": in_force, "need": need, "groups": groups, "states": states,
            "verdicts": most(verdicts), "licenses": most(licenses), "today": freehold_governance::day(call.now),
        }),
    )
}

const ASKED: &[&str] = &["state", "license", "base", "owner", "verdict", "q", "expires_before"];

pub(super) fn list(app: &App, call: &Call) -> Result<Reply, Problem> {
    let asked = crate::api::records::asked_with_view(app, call)?;
    let narrow = Narrow::of(&asked)?;
    let lines = app.lines()?;
    let all: Vec<&Line> = lines.iter().filter(|l| narrow.fits(l, call.now)).collect();
    let from = call.asked("from").parse::<usize>().unwrap_or(0).min(all.len());
    let page = all.get(from..).unwrap_or_default();
    let page = page.get(..PAGE).unwrap_or(page);
    let rows: Vec<Value> = page.iter().map(|l| row_json(l, call.now)).collect();
    let query: Value =
        ASKED.iter().map(|k| ((*k).to_string(), json!(asked(k)))).collect::<serde_json::Map<_, _>>().into();
    let link = |from: usize| {
        let kept: String =
            ASKED.iter().filter(|k| !asked(k).is_empty()).map(|k| format!("{k}={}&", encoded(&asked(k)))).collect();
        format!("/records?{kept}from={from}")
    };
    let next = if from + PAGE < all.len() { json!(link(from + PAGE)) } else { Value::Null };
    let before = if from > 0 { json!(link(from.saturating_sub(PAGE))) } else { Value::Null };
    let states: Vec<&str> = State::ALL.iter().map(|s| s.as_str()).collect();
    // views that every organization asks for first
    let soon = freehold_governance::day(call.now.saturating_add(90 * freehold_governance::DAY_MICROS));
    let ready = json!([
        {"name": "contain a Llama derivative", "at": "/records?base=llama"},
        {"name": "under Gemma's terms", "at": "/records?license=gemma"},
        {"name": "approved, ending within 90 days", "at": format!("/records?expires_before={soon}")},
        {"name": "blocked by their license", "at": "/records?verdict=prohibited"},
    ]);
    let approvers = approvers(app, page, call.now)?;
    shown(
        app,
        call,
        "records.html",
        json!({
            "rows": rows, "n": all.len(), "from": from, "query": query, "states": states, "next": next, "before": before,
            "views": crate::api::system::views_json(app, call.now)?, "ready": ready, "view": call.asked("view"), "approvers": approvers,
        }),
    )
}

/// Who approved the records of a page: by id.
fn approvers(app: &App, all: &[&Line], now: i64) -> Result<Value, Problem> {
    let mut out = serde_json::Map::new();
    for l in all.iter().filter(|l| l.expires > 0) {
        let w = whole(app, &l.id, now)?;
        let names: Vec<String> = w.json["approvals"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|a| format!("{} ({})", a["by"].as_str().unwrap_or("erased"), a["role"].as_str().unwrap_or_default()))
            .collect();
        out.insert(l.id.clone(), json!(names.join(", ")));
    }
    Ok(Value::Object(out))
}

pub(super) fn save_view(app: &App, call: &Call) -> Result<Reply, Problem> {
    let query: Value = ASKED
        .iter()
        .filter(|k| !call.field(k).is_empty())
        .map(|k| ((*k).to_string(), json!(call.field(k))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let name = call.field("view");
    crate::api::system::keep_view(app, name, &query, call)?;
    Ok(Reply::to(format!("/records?view={}", encoded(name))))
}

/// Facts that a form asks for first; the others are behind a fold.
pub(super) fn facts_of_forms(app: &App, values: &dyn Fn(&str) -> Vec<String>) -> Vec<Value> {
    let catalog = app.config.catalog;
    let known = &app.config.organization;
    catalog
        .facts
        .iter()
        .filter(|(_, f)| f.origin == freehold_catalog::FactOrigin::Stated)
        .map(|(id, f)| {
            let mut v = crate::api::law_fact(catalog, f);
            let mut said = values(&f.name);
            if said.is_empty()
                && let Some(stated) = known.get(id)
            {
                said = match stated {
                    freehold_base::Value::List(all) => all.clone(),
                    freehold_base::Value::Bool(b) => vec![if *b { "yes" } else { "no" }.to_string()],
                    other => vec![other.to_string()],
                };
            }
            v["said"] = json!(said);
            v["first"] = json!(f.init.is_some());
            v
        })
        .collect()
}

pub(super) fn new(app: &App, call: &Call) -> Result<Reply, Problem> {
    let values = |name: &str| call.asked_all(&format!("fact.{name}")).into_iter().map(str::to_string).collect();
    shown(
        app,
        call,
        "new.html",
        json!({
            "model": call.asked("model"), "finetune": call.asked("finetune"), "name": call.asked("name"), "facts": facts_of_forms(app, &values),
        }),
    )
}

pub(super) fn create(app: &App, call: &Call) -> Result<Reply, Problem> {
    let mut question = app.question(&of_form(call), call.now)?;
    let mut wrong = Vec::new();
    form_facts(&call.form, app.config.catalog, &mut question.parts.deployment, &mut wrong);
    if !wrong.is_empty() {
        return Err(Problem::mistakes(&wrong));
    }
    let name = Some(call.field("record").to_string()).filter(|n| !n.is_empty() && n.len() <= 200);
    let w = made(app, question, name, "", call)?;
    Ok(Reply::to(format!("/records/{}", w.id)))
}

pub(super) fn upload(app: &App, call: &Call) -> Result<Reply, Problem> {
    let bytes = call.files.iter().find(|(name, b)| name == "bundle" && !b.is_empty()).map(|(_, b)| b.as_slice());
    let bytes = bytes.ok_or_else(|| {
        Problem::new(422, "no-file", "no file was sent").fix("freehold inspect MODEL --bundle FILE makes one")
    })?;
    let said = json!({"name": call.field("record"), "made_by": call.field("made_by")});
    let w = made_of_bundle(app, bytes, &said, call)?;
    Ok(Reply::to(format!("/records/{}", w.id)))
}

/// Records that wait for somebody, and whether it is the reader.
pub(super) fn review(app: &App, call: &Call) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    let mut rows = Vec::new();
    for l in app.lines()?.iter() {
        let state = l.state(call.now);
        let waits = matches!(
            state,
            State::Triage
                | State::Review
                | State::NeedsCounsel
                | State::ReReview
                | State::Expired
                | State::Suspended
                | State::ChangesRequested
        );
        if !waits {
            continue;
        }
        let w = whole(app, &l.id, call.now)?;
        let roles: Vec<String> = match state {
            State::Triage => vec!["legal".into(), "compliance".into()],
            State::NeedsCounsel => vec!["legal".into()],
            State::Review => crate::people::words(&w.json["waits_for"]),
            State::ChangesRequested => vec!["requester".into(), "owner".into()],
            _ => vec!["legal".into(), "compliance".into()],
        };
        let mine = roles.iter().any(|r| caller.has(r))
            && !(state == State::Review && w.json["requester"] == caller.name.as_str());
        let mut row = row_json(l, call.now);
        row["waits_for"] = json!(roles);
        row["mine"] = json!(mine);
        row["requester"] = w.json["requester"].clone();
        row["since"] = json!(freehold_governance::day(l.updated));
        rows.push(row);
    }
    rows.sort_by_key(|r| r["mine"] != true);
    let mine = rows.iter().filter(|r| r["mine"] == true).count();
    shown(app, call, "review.html", json!({"rows": rows, "mine": mine}))
}
