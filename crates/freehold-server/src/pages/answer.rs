//! The interview and the advisor: questions that would change the outcome, and base models that may be used.

use freehold_catalog::SERVICE_TOPICS;
use serde_json::{Value, json};

use super::shown;
use crate::app::App;
use crate::call::{Call, Problem, Reply};
use crate::judge::{assessment, form_facts};

/// Most steps of an interview that are told.
const STEPS_MAX: usize = 60;

/// Facts by the order in which the query states them.
fn stated(call: &Call) -> Vec<(String, Vec<(String, String)>)> {
    let mut out: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (key, value) in &call.query {
        let Some(name) = key.strip_prefix("fact.").filter(|_| !value.trim().is_empty()) else { continue };
        let pair = (key.clone(), value.clone());
        match out.iter_mut().find(|(n, _)| n == name) {
            Some((_, pairs)) => pairs.push(pair),
            None => out.push((name.to_string(), vec![pair])),
        }
    }
    out.truncate(STEPS_MAX);
    out
}

/// The interview. All of it stands in the address: it can be sent on, and the way back is the browser's.
pub(super) fn interview(app: &App, call: &Call) -> Result<Reply, Problem> {
    let model = call.asked("model").trim();
    if model.is_empty() {
        return shown(app, call, "interview.html", json!({"model": Value::Null}));
    }
    let value = json!({"model": model, "finetune": call.asked("finetune") == "yes", "name": Some(call.asked("name")).filter(|n| !n.is_empty())});
    let catalog = app.config.catalog;
    let skipped = call.asked_all("skip");
    let mut wrong = Vec::new();
    let mut steps: Vec<Value> = Vec::new();
    let mut current = {
        let q = app.question(&value, call.now)?;
        app.judged(q, assessment)
    };
    let range = |a: &Value| json!({"worst": a["verdict_range"]["worst"], "best": a["verdict_range"]["best"], "verdict": a["verdict"]});
    steps.push(json!({"says": "before any answer", "range": range(&current)}));
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (name, more) in stated(call) {
        let said: Vec<String> = more.iter().map(|(_, v)| v.clone()).collect();
        pairs.extend(more);
        let mut q = app.question(&value, call.now)?;
        let before = wrong.len();
        form_facts(&pairs, catalog, &mut q.parts.deployment, &mut wrong);
        if wrong.len() > before {
            pairs.retain(|(k, _)| k.strip_prefix("fact.") != Some(name.as_str()));
            continue;
        }
        current = app.judged(q, assessment);
        let asks = catalog.facts.find(&name).map(|id| catalog.facts.get(id).question.clone());
        steps.push(json!({"fact": name, "asks": asks, "said": said.join(", "), "range": range(&current)}));
    }
    let question = current["questions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|q| !skipped.contains(&q["fact"].as_str().unwrap_or_default()))
        .cloned();
    let question = question.map(|mut q| {
        let name = q["fact"].as_str().unwrap_or_default().to_string();
        if let Some(id) = catalog.facts.find(&name) {
            q["form"] = crate::api::law_fact(catalog, catalog.facts.get(id));
        }
        q
    });
    let kept: Vec<Value> = call
        .query
        .iter()
        .filter(|(k, v)| {
            (["model", "finetune", "name", "skip"].contains(&k.as_str())
                || pairs.iter().any(|(pk, pv)| pk == k && pv == v))
                && !v.is_empty()
        })
        .map(|(k, v)| json!({"key": k, "value": v}))
        .collect();
    // one step back: the address without the last answer
    let last = steps.last().and_then(|s| s["fact"].as_str()).map(|f| format!("fact.{f}"));
    let back: Vec<String> = call
        .query
        .iter()
        .filter(|(k, _)| Some(k.as_str()) != last.as_deref())
        .map(|(k, v)| format!("{}={}", crate::routes::encoded(k), crate::routes::encoded(v)))
        .collect();
    let wrong: Vec<Value> = wrong.iter().map(|d| json!({"says": d.message, "fix": d.help})).collect();
    shown(
        app,
        call,
        "interview.html",
        json!({
            "model": model, "finetune": call.asked("finetune"), "name": call.asked("name"), "a": current, "steps": steps, "q": question, "kept": kept,
            "back": if last.is_some() { json!(format!("/interview?{}", back.join("&"))) } else { Value::Null }, "wrong": wrong, "skipped": skipped.len(),
            "facts": pairs.iter().map(|(k, v)| json!({"key": k, "value": v})).collect::<Vec<_>>(),
        }),
    )
}

fn list(text: &str) -> Vec<String> {
    text.split([',', ' ']).map(|w| w.trim().to_lowercase()).filter(|w| !w.is_empty()).collect()
}

pub(super) fn advisor(app: &App, call: &Call) -> Result<Reply, Problem> {
    let catalog = app.config.catalog;
    let asked = call.query.iter().any(|(k, _)| k == "go");
    let mut wrong = Vec::new();
    let mut deployment = app.config.organization.clone();
    form_facts(&call.query, catalog, &mut deployment, &mut wrong);
    let weight = |key: &str, default: f64| call.asked(key).parse::<f64>().unwrap_or(default);
    let text = |key: &str| Some(call.asked(key)).filter(|t| !t.is_empty());
    let kinds: Vec<&str> = call.asked_all("kind");
    let value = json!({
        "needs": {
            "kinds": kinds, "languages": list(call.asked("languages")), "takes": call.asked_all("takes"), "context": text("context"), "max_size": text("max_size"),
            "min_size": text("min_size"), "memory": text("memory"), "bits": call.asked("bits").parse::<u32>().ok(), "finetune": call.asked("finetune") == "yes",
            "no_use_policy": call.asked("no_use_policy") == "yes", "without": list(call.asked("without")),
        },
        "weights": {"simplicity": weight("simplicity", 1.0), "multilingual": weight("multilingual", 0.0), "quality": weight("quality", 1.0), "size": weight("size", 0.5)},
        "facts": freehold_wire::facts_json(&deployment, catalog),
    });
    let (advice, claims) = if asked && wrong.is_empty() {
        (app.advice(&value, call.now, 40)?, app.claims(&value, call.now)?)
    } else {
        (Value::Null, Value::Null)
    };
    let mut grouped: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for e in advice["excluded"].as_array().into_iter().flatten() {
        if let Some(why) = e["why"].as_array().into_iter().flatten().find(|w| w["about"] == "license") {
            grouped.entry(why["says"].as_str().unwrap_or_default().to_string()).or_default().push(e["model"].clone());
        }
    }
    let mut excluded: Vec<Value> =
        grouped.into_iter().map(|(why, models)| json!({"why": why, "n": models.len(), "models": models})).collect();
    excluded.sort_by_key(|e| std::cmp::Reverse(e["n"].as_u64()));
    let by_need = advice["excluded"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|e| e["why"].as_array().is_some_and(|w| w.iter().all(|w| w["about"] != "license")))
        .count();
    let asked_facts = [
        "use.access",
        "use.commercial",
        "organization.kind",
        "organization.country",
        "organization.monthly_active_users",
        "organization.annual_revenue_usd",
        "use.activities",
        "use.customer_countries",
    ];
    let values = |name: &str| call.asked_all(&format!("fact.{name}")).into_iter().map(str::to_string).collect();
    let forms: Vec<Value> = super::records::facts_of_forms(app, &values)
        .into_iter()
        .filter(|f| asked_facts.iter().any(|a| f["name"] == *a))
        .collect();
    let asked_for: Value =
        call.query.iter().map(|(k, v)| (k.clone(), json!(v))).collect::<serde_json::Map<_, _>>().into();
    let wrong: Vec<Value> = wrong.iter().map(|d| json!({"says": d.message, "fix": d.help})).collect();
    shown(
        app,
        call,
        "advisor.html",
        json!({
            "asked": asked, "q": asked_for, "kinds": kinds, "facts": forms, "advice": advice, "claims": claims, "excluded": excluded, "by_need": by_need,
            "wrong": wrong, "known": catalog.capabilities.models.len(), "all_kinds": freehold_catalog::KINDS,
        }),
    )
}

pub(super) fn own_or_rent(app: &App, call: &Call) -> Result<Reply, Problem> {
    let catalog = app.config.catalog;
    let license = if call.asked("license").is_empty() { "apache-2.0" } else { call.asked("license") };
    let mut services: Vec<&str> = call.asked_all("service");
    if services.is_empty() {
        services = catalog.services.iter().take(3).map(|s| s.id.as_str()).collect();
    }
    let page = freehold_wire::own_or_rent(catalog, license, &services).ok_or_else(|| {
        Problem::new(422, "unknown-license", format!("no license goes by `{}`", freehold_base::shown(license)))
    })?;
    let mut all: Vec<Value> =
        catalog.licenses.iter().filter(|l| !l.agreement).map(|l| json!({"id": l.id, "name": l.name})).collect();
    all.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    let vendors: Vec<Value> = catalog
        .services
        .iter()
        .map(|s| json!({"id": s.id, "name": s.name, "on": services.contains(&s.id.as_str())}))
        .collect();
    shown(
        app,
        call,
        "own.html",
        json!({"page": page, "license": license, "all": all, "vendors": vendors, "topics": SERVICE_TOPICS.len()}),
    )
}
