//! The impact of a change, trainings, policies and waivers.

use serde_json::{Value, json};

use super::shown;
use crate::api::records::{changed_law, impact_json, waivers_json};
use crate::app::App;
use crate::call::{Call, Problem, Reply};

/// The facts of a form as JSON by their names, read as their types.
fn facts_of(app: &App, pairs: &[(String, String)]) -> Result<Value, Problem> {
    let catalog = app.config.catalog;
    let mut over = freehold_assess::Deployment::empty(catalog);
    let mut wrong = Vec::new();
    crate::judge::form_facts(pairs, catalog, &mut over, &mut wrong);
    if !wrong.is_empty() {
        return Err(Problem::mistakes(&wrong));
    }
    Ok(Value::Object(freehold_wire::facts_json(&over, catalog)))
}

pub(super) fn impact(app: &App, call: &Call) -> Result<Reply, Problem> {
    // one fact by its name and value, or forms of facts
    let mut pairs = call.query.clone();
    if !call.asked("fact").is_empty() && !call.asked("value").is_empty() {
        pairs.push((format!("fact.{}", call.asked("fact")), call.asked("value").to_string()));
    }
    let facts = facts_of(app, &pairs)?;
    let day = call.asked("as_of");
    let asked = facts.as_object().is_some_and(|f| !f.is_empty()) || !day.is_empty();
    let page = if asked {
        let value = json!({"facts": facts, "as_of": if day.is_empty() { Value::Null } else { json!(day) }});
        impact_json(app, &value, call.now)?
    } else {
        Value::Null
    };
    let catalog = app.config.catalog;
    let names: Vec<Value> = catalog
        .facts
        .facts
        .iter()
        .filter(|f| f.origin == freehold_catalog::FactOrigin::Stated)
        .map(|f| json!({"name": f.name, "asks": f.question}))
        .collect();
    shown(
        app,
        call,
        "impact.html",
        json!({"page": page, "fact": call.asked("fact"), "value": call.asked("value"), "as_of": day, "facts": names, "done": call.asked("done")}),
    )
}

/// Every record assessed again under the law of today.
pub(super) fn again(app: &App, call: &Call) -> Result<Reply, Problem> {
    let who = call.caller()?.role_for("assess", "")?;
    let (law, changes) = changed_law(app, &json!({}), call.now)?;
    let done = app.write(|r| freehold_governance::reassess(r, &who, &law, &changes, "", &mut |_| ()))?;
    let says =
        format!("{} records looked at, {} changed, {} approvals fell", done.looked.records, done.changed, done.fell);
    Ok(Reply::to(format!("/impact?done={}", crate::routes::encoded(&says))))
}

pub(super) fn runs(app: &App, call: &Call) -> Result<Reply, Problem> {
    let all = if app.config.studio.is_some() { crate::runs::runs_json(app, call.now)? } else { Vec::new() };
    shown(app, call, "runs.html", json!({"runs": all}))
}

/// What lies in the studio's folder and may be a base or data.
fn choices(app: &App) -> (Vec<String>, Vec<String>) {
    let (mut bases, mut data) = (Vec::new(), Vec::new());
    let Some(root) = &app.config.studio else { return (bases, data) };
    let mut open = vec![(root.clone(), String::new(), 0)];
    while let Some((dir, below, depth)) = open.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten().take(500) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < 3 && bases.len() < 200 {
                if entry.path().join("config.json").is_file() {
                    bases.push(path.clone());
                } else {
                    open.push((entry.path(), path, depth + 1));
                }
            } else if kind.is_file()
                && [".jsonl", ".csv", ".parquet"].iter().any(|e| name.ends_with(e))
                && data.len() < 200
            {
                data.push(path);
            }
        }
    }
    bases.sort();
    data.sort();
    (bases, data)
}

pub(super) fn new_run(app: &App, call: &Call) -> Result<Reply, Problem> {
    let (bases, data) = choices(app);
    shown(app, call, "runs.html", json!({"new": true, "bases": bases, "data": data, "form": Value::Null}))
}

/// A text in TOML.
fn quoted(text: &str) -> String {
    json!(text).to_string()
}

pub(super) fn start(app: &App, call: &Call) -> Result<Reply, Problem> {
    let written = call.field("recipe");
    let recipe = if written.is_empty() {
        let mut out = format!("name = {}\n", quoted(call.field("name")));
        if !call.field("license").is_empty() {
            out.push_str(&format!("license = {}\n", quoted(call.field("license"))));
        }
        out.push_str(&format!("\n[base]\npath = {}\n", quoted(call.field("base"))));
        if !call.field("model").is_empty() {
            out.push_str(&format!("model = {}\n", quoted(call.field("model"))));
        }
        out.push_str(&format!(
            "\n[[dataset]]\npath = {}\nlicense = {}\n",
            quoted(call.field("data")),
            quoted(if call.field("data_license").is_empty() { "own" } else { call.field("data_license") })
        ));
        let access = call.field("access");
        let mut uses = String::new();
        if !access.is_empty() {
            uses.push_str(&format!("access = {}\n", quoted(access)));
        }
        if !call.field("commercial").is_empty() {
            uses.push_str(&format!("commercial = {}\n", call.field("commercial") == "yes"));
        }
        if !uses.is_empty() {
            out.push_str(&format!("\n[use]\n{uses}"));
        }
        for (table, keys) in
            [("adapter", ["rank", "alpha"].as_slice()), ("training", &["epochs", "learning_rate", "batch_size"])]
        {
            let lines: String = keys
                .iter()
                .filter(|k| call.field(k).parse::<f64>().is_ok())
                .map(|k| format!("{k} = {}\n", call.field(k)))
                .collect();
            if !lines.is_empty() {
                out.push_str(&format!("\n[{table}]\n{lines}"));
            }
        }
        out
    } else {
        written.to_string()
    };
    let run = crate::runs::started(app, &recipe, call)?;
    Ok(Reply::to(format!("/runs/{}", run["id"].as_str().unwrap_or_default())))
}

/// The curve of a run as points of a drawing of 640 by 240.
fn curve(points: &Value, key: &str) -> Value {
    let all: Vec<(f64, f64)> =
        points.as_array().into_iter().flatten().filter_map(|p| Some((p["step"].as_f64()?, p[key].as_f64()?))).collect();
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return Value::Null };
    let (low, high) = all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (_, y)| (a.min(*y), b.max(*y)));
    let (wide, tall) = ((last.0 - first.0).max(1.0), (high - low).max(1e-9));
    let line: Vec<String> = all
        .iter()
        .map(|(x, y)| format!("{:.1},{:.1}", 50.0 + (x - first.0) / wide * 580.0, 210.0 - (y - low) / tall * 190.0))
        .collect();
    json!({"line": line.join(" "), "low": format!("{low:.3}"), "high": format!("{high:.3}"), "first": format!("{:.0}", first.0), "last": format!("{:.0}", last.0), "now": format!("{:.4}", last.1)})
}

pub(super) fn run(app: &App, call: &Call) -> Result<Reply, Problem> {
    let run = crate::runs::run_json(app, call.part("id"), call.now)?;
    let (loss, evaluation) = (curve(&run["points"], "loss"), curve(&run["points"], "evaluation_loss"));
    shown(app, call, "run.html", json!({"run": run, "loss": loss, "evaluation": evaluation}))
}

pub(super) fn stop(app: &App, call: &Call) -> Result<Reply, Problem> {
    crate::runs::stopped(app, call, call.part("id"))?;
    Ok(Reply::to(format!("/runs/{}", call.part("id"))))
}

pub(super) fn policies(app: &App, call: &Call) -> Result<Reply, Problem> {
    let rules = crate::api::system::rules_json(app)?;
    let waivers = waivers_json(app, call.now)?;
    let policy = app.config.policy.as_ref().map(|(file, text)| json!({"file": file, "text": text}));
    let written = rules["rules"].as_array().map(|r| json!({"rules": r}).to_string()).unwrap_or_default();
    shown(
        app,
        call,
        "policies.html",
        json!({
            "rules": rules, "waivers": waivers["waivers"], "policy": policy, "written": written, "done": call.asked("done"),
            "regimes": app.config.catalog.version,
        }),
    )
}

pub(super) fn keep_rules(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value: Value = serde_json::from_str(call.field("rules"))
        .map_err(|e| Problem::new(422, "no-rules", format!("not JSON: {e}")))?;
    let rules = if value.is_array() { value } else { value["rules"].clone() };
    let new = freehold_record::Rules::from_json(&rules).map_err(|wrong| Problem {
        errors: wrong.into_iter().map(|p| (p.about, p.says, p.fix)).collect(),
        ..Problem::new(422, "no-rules", "these are no rules")
    })?;
    let who = (call.caller()?.name.clone(), "compliance".to_string());
    app.write(|r| freehold_governance::keep(r, &who, "keep rules", "rules", |_| Ok(json!({"rules": new.to_json()}))))?;
    Ok(Reply::to("/policies?done=rules"))
}
