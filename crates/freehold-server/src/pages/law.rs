//! The license library, models of the catalog, terms side by side.

use serde_json::{Value, json};

use super::shown;
use crate::api::{difference_json, license_json, license_named, model_json};
use crate::app::App;
use crate::call::{Call, Problem, Reply};

pub(super) fn licenses(app: &App, call: &Call) -> Result<Reply, Problem> {
    let catalog = app.config.catalog;
    let q = call.asked("q").to_lowercase();
    let mut under: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for m in catalog.models.rows() {
        if let Some(l) = catalog.license_named(&m.license).and_then(|i| catalog.licenses.get(i)) {
            *under.entry(&l.id).or_default() += 1;
        }
    }
    let mut rows: Vec<Value> = catalog
        .licenses
        .iter()
        .filter(|l| !l.agreement)
        .filter(|l| q.is_empty() || [&l.id, &l.name, &l.licensor].iter().any(|t| t.to_lowercase().contains(&q)) || l.aliases.iter().any(|a| a.to_lowercase().contains(&q)))
        .map(|l| {
            let limits = match l.strictness {
                freehold_catalog::Strictness::Open => "duties at most",
                freehold_catalog::Strictness::Restricted => "restricts uses, users or places",
                freehold_catalog::Strictness::PurposeLimited => "for some purposes only",
            };
            json!({
                "id": l.id, "name": l.name, "licensor": l.licensor, "editions": l.editions.len(), "limits": limits, "policies": l.policies.len(),
                "review": l.review.level, "models": under.get(l.id.as_str()).copied().unwrap_or(0), "terms": l.terms.len(),
            })
        })
        .collect();
    rows.sort_by(|a, b| b["models"].as_u64().cmp(&a["models"].as_u64()).then(a["id"].as_str().cmp(&b["id"].as_str())));
    shown(app, call, "licenses.html", json!({"rows": rows, "q": call.asked("q"), "n": catalog.licenses.len()}))
}

pub(super) fn license(app: &App, call: &Call) -> Result<Reply, Problem> {
    let catalog = app.config.catalog;
    let l = license_named(catalog, call.part("id"))?;
    let page = license_json(catalog, l);
    let groups: Vec<Value> = [
        ("grant", "What it grants"),
        ("forbid", "What it withholds"),
        ("license-needed", "What needs another license"),
        ("duty", "What it asks for"),
        ("outbound", "What your own license must keep"),
        ("ends-grant", "What ends it"),
        ("information", "What else it says"),
    ]
    .iter()
    .map(|(effect, title)| {
        let terms: Vec<&Value> = page["terms"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|t| t["effect"] == *effect && t["policy"].is_null())
            .collect();
        json!({"title": title, "terms": terms})
    })
    .filter(|g| g["terms"].as_array().is_some_and(|t| !t.is_empty()))
    .collect();
    let policy: Vec<&Value> =
        page["terms"].as_array().into_iter().flatten().filter(|t| !t["policy"].is_null()).collect();
    let mut uses: Vec<Value> = Vec::new();
    for line in app.lines()?.iter() {
        if line.licenses.contains(&l.id) && uses.len() < 50 {
            uses.push(crate::api::records::row_json(line, call.now));
        }
    }
    shown(app, call, "license.html", json!({"l": page, "groups": groups, "policy": policy, "uses": uses}))
}

pub(super) fn compare(app: &App, call: &Call) -> Result<Reply, Problem> {
    let names: Vec<&str> = call.asked_all("license").into_iter().take(6).collect();
    let page = if names.is_empty() { Value::Null } else { freehold_wire::comparison(app.config.catalog, &names) };
    let all = choices(app);
    shown(app, call, "compare.html", json!({"page": page, "names": names, "all": all}))
}

fn choices(app: &App) -> Vec<Value> {
    let mut all: Vec<(&str, &str)> =
        app.config.catalog.licenses.iter().filter(|l| !l.agreement).map(|l| (l.id.as_str(), l.name.as_str())).collect();
    all.sort_unstable();
    all.into_iter().map(|(id, name)| json!({"id": id, "name": name})).collect()
}

pub(super) fn difference(app: &App, call: &Call) -> Result<Reply, Problem> {
    let (from, to) = (call.asked("from"), call.asked("to"));
    let page = if from.is_empty() || to.is_empty() { Value::Null } else { difference_json(app, from, to)? };
    let mut all: Vec<Value> = Vec::new();
    for l in app.config.catalog.licenses.iter().filter(|l| !l.agreement) {
        all.extend(l.editions.iter().map(|e| json!({"id": e.text, "name": format!("{} ({})", l.name, e.date)})));
    }
    shown(app, call, "difference.html", json!({"d": page, "from": from, "to": to, "all": all}))
}

pub(super) fn models(app: &App, call: &Call) -> Result<Reply, Problem> {
    let catalog = app.config.catalog;
    let q = call.asked("q").to_lowercase();
    let mut all: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for m in catalog.models.rows().iter().filter(|m| q.is_empty() || m.id.to_lowercase().contains(&q)) {
        let under = all.entry(&m.id).or_default();
        if !under.contains(&m.license.as_str()) {
            under.push(&m.license);
        }
    }
    let n = all.len();
    let rows: Vec<Value> = all
        .into_iter()
        .take(200)
        .map(|(id, under)| {
            let ability = catalog.capabilities.find(id);
            json!({
                "id": id, "licenses": under, "parameters": ability.and_then(|a| a.parameters.as_ref()).map(|p| p.value),
                "context": ability.and_then(|a| a.context.as_ref()).map(|p| p.value), "known": id.contains('/'),
            })
        })
        .collect();
    shown(app, call, "models.html", json!({"rows": rows, "n": n, "q": call.asked("q")}))
}

pub(super) fn model(app: &App, call: &Call) -> Result<Reply, Problem> {
    let id = format!("{}/{}", call.part("publisher"), call.part("name"));
    let page = model_json(app.config.catalog, &id)?;
    shown(app, call, "model.html", json!({"model": page}))
}

/// Warranty, governing law, termination and change, over the licenses of what is in use.
pub(super) fn terms_in_use(app: &App, call: &Call) -> Result<Reply, Problem> {
    let mut used: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for l in app.lines()?.iter() {
        let over = matches!(l.state(call.now).as_str(), "rejected" | "withdrawn" | "superseded" | "retired");
        for license in l.licenses.iter().filter(|_| !over) {
            used.entry(license.clone()).or_default().push(json!({"id": l.id, "name": l.name}));
        }
    }
    let names: Vec<&str> = used.keys().map(String::as_str).collect();
    let mut page = freehold_wire::comparison(app.config.catalog, &names);
    let kept = [
        "warranty",
        "liability",
        "indemnity",
        "governing-law",
        "termination",
        "survival",
        "unilateral-change",
        "unilateral-restriction",
    ];
    if let Some(rows) = page["rows"].as_array_mut() {
        rows.retain(|r| kept.iter().any(|k| r["topic"] == *k));
    }
    shown(app, call, "counsel.html", json!({"page": page, "used": used}))
}
