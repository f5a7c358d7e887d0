//! Questions, and the law as it stands.

use freehold_catalog::{Catalog, Effect, FactOrigin, FactType, License};
use serde_json::{Value, json};

use crate::app::App;
use crate::call::{Call, Problem, Reply};
use crate::judge::assessment;

pub(super) fn assess(app: &App, call: &Call) -> Result<Reply, Problem> {
    let question = app.question(&call.json()?, call.now)?;
    Ok(Reply::json(&app.judged(question, assessment)))
}

/// What a query says of a bundle.
pub(crate) fn said(call: &Call) -> Result<Value, Problem> {
    let facts = call.asked("facts");
    let facts = if facts.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(facts)
            .map_err(|e| Problem::new(400, "bad-query", format!("`facts` is a JSON object: {e}")))?
    };
    let made_by = call.asked("made_by");
    if !["", "organization", "third-party"].contains(&made_by) {
        return Err(Problem::new(400, "bad-query", "`made_by` is organization or third-party"));
    }
    Ok(json!({"name": call.asked("name"), "made_by": made_by, "facts": facts}))
}

pub(super) fn assess_bundle(app: &App, call: &Call) -> Result<Reply, Problem> {
    let questions = app.bundle(&call.body, &said(call)?, call.now)?;
    let all: Vec<Value> = questions.into_iter().map(|q| app.judged(q, assessment)).collect();
    Ok(Reply::json(&json!({"assessments": all})))
}

pub(super) fn what_if(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&app.changed(&call.json()?, call.now)?))
}

pub(super) fn advice(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&app.advice(&call.json()?, call.now, 100)?))
}

pub(super) fn claims(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&app.claims(&call.json()?, call.now)?))
}

pub(super) fn identify(app: &App, call: &Call) -> Result<Reply, Problem> {
    let text = String::from_utf8_lossy(&call.body);
    let id = freehold_text::identify(&app.config.index, &text, freehold_text::Limits::default());
    let differences: Vec<Value> = id
        .differences
        .iter()
        .take(200)
        .map(|d| json!({"kind": d.kind.as_str(), "clause": d.clause, "is": d.is, "bytes": [d.range.0, d.range.1]}))
        .collect();
    let near: Vec<Value> =
        id.near.iter().map(|(edition, mille)| json!({"edition": edition, "alike_per_mille": mille})).collect();
    Ok(Reply::json(&json!({
        "schema": "freehold.identified/1", "match": id.matched.as_str(), "edition": id.edition, "points_to": id.points_to,
        "differences": differences, "near": near,
    })))
}

/// A page out of a list in the order of ids; what is on no page is not made.
pub(crate) fn paged<'a, T>(
    all: impl Iterator<Item = (&'a str, T)>,
    key: &'static str,
    call: &Call,
    json_of: impl Fn(T) -> Value,
) -> Result<Reply, Problem> {
    let limit = call.count("limit", 100, 1000)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let after = call.asked("after");
    let mut rows = all.filter(|(id, _)| after.is_empty() || *id > after);
    let (mut last, mut values) = (String::new(), Vec::new());
    for (id, one) in rows.by_ref().take(most) {
        last = id.to_string();
        values.push(json_of(one));
    }
    let next = rows.next().map(|_| last);
    let mut reply = Reply::json(&json!({key: values, "next": next}));
    if let Some(next) = next {
        let path = call.uri.split('?').next().unwrap_or_default();
        let kept: String = call
            .query
            .iter()
            .filter(|(k, _)| k != "after")
            .map(|(k, v)| format!("{}={}&", crate::routes::encoded(k), crate::routes::encoded(v)))
            .collect();
        reply = reply.with("link", format!("<{path}?{kept}after={}>; rel=\"next\"", crate::routes::encoded(&next)));
    }
    Ok(reply)
}

pub(super) fn licenses(app: &App, call: &Call) -> Result<Reply, Problem> {
    let list = freehold_wire::catalog_list(app.config.catalog);
    let mut all: Vec<(String, Value)> = list["licenses"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|l| (l["id"].as_str().unwrap_or_default().to_string(), l.clone()))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    paged(all.iter().map(|(id, l)| (id.as_str(), l)), "licenses", call, Value::clone)
}

/// A license with its terms.
pub(crate) fn license_json(catalog: &Catalog, l: &License) -> Value {
    let word = |e: &Effect| match e {
        Effect::Grant(_) => "grant",
        Effect::Forbid(_) => "forbid",
        Effect::LicenseNeeded(_) => "license-needed",
        Effect::EndsGrant => "ends-grant",
        Effect::Duty(_) => "duty",
        Effect::Outbound(_) => "outbound",
        Effect::Information(_) => "information",
    };
    let terms: Vec<Value> = l
        .terms
        .iter()
        .map(|t| {
            let readings: Vec<Value> = t.readings.iter().map(|r| json!({"id": r.id, "says": r.says})).collect();
            json!({
                "id": t.id, "clause": t.clause, "words": t.quote, "effect": word(&t.effect), "topic": t.subject(), "note": t.note,
                "editions": t.editions, "readings": readings, "unless": t.unless_written,
                "policy": t.policy.and_then(|p| l.policies.get(p)),
                "duty": match &t.effect { Effect::Duty(d) => Some(json!({"code": d.code, "text": d.text})), _ => None },
            })
        })
        .collect();
    let editions: Vec<Value> = l
        .editions
        .iter()
        .map(|e| json!({"text": e.text, "date": e.date, "until": e.until, "url": e.url, "differs": e.differs}))
        .collect();
    let under: Vec<&str> = {
        let mut ids: Vec<&str> = catalog
            .models
            .rows()
            .iter()
            .filter(|m| {
                catalog.license_named(&m.license).and_then(|i| catalog.licenses.get(i)).is_some_and(|o| o.id == l.id)
            })
            .map(|m| m.id.as_str())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    json!({
        "schema": "freehold.license/1", "id": l.id, "name": l.name, "licensor": l.licensor, "spdx": l.spdx, "family": l.family,
        "policies": l.policies, "contact": l.contact, "review": {"level": l.review.level, "by": l.review.by, "date": l.review.date},
        "editions": editions, "terms": terms, "absent": l.absent, "aliases": l.aliases, "file": l.file, "models": under,
        "catalog": catalog.version,
    })
}

/// The license that goes by a name.
pub(crate) fn named<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c License, Problem> {
    catalog.license_named(name).and_then(|i| catalog.licenses.get(i)).ok_or_else(|| {
        let p = Problem::missing(format!("no license goes by `{}`", freehold_base::shown(name)));
        let near = freehold_base::nearest(&name.to_lowercase(), catalog.license_names());
        near.iter().fold(p, |p, n| p.fix(format!("did you mean `{n}`?")))
    })
}

pub(super) fn license(app: &App, call: &Call) -> Result<Reply, Problem> {
    let catalog = app.config.catalog;
    Ok(Reply::json(&license_json(catalog, named(catalog, call.part("id"))?)))
}

pub(super) fn comparison(app: &App, call: &Call) -> Result<Reply, Problem> {
    let names = call.asked_all("license");
    if names.is_empty() || names.len() > 12 {
        return Err(Problem::new(400, "bad-query", "name 1 to 12 licenses: ?license=mit&license=gemma"));
    }
    Ok(Reply::json(&freehold_wire::comparison(app.config.catalog, &names)))
}

pub(super) fn difference(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&difference_json(app, call.asked("from"), call.asked("to"))?))
}

pub(crate) fn difference_json(app: &App, from: &str, to: &str) -> Result<Value, Problem> {
    let catalog = app.config.catalog;
    let side = |name: &str| {
        freehold_check::Side::named(catalog, name).ok_or_else(|| {
            Problem::new(
                400,
                "bad-query",
                format!("`from` and `to` name licenses or editions; `{}` is none", freehold_base::shown(name)),
            )
        })
    };
    let (a, b) = (side(from)?, side(to)?);
    Ok(freehold_wire::difference(catalog, &freehold_check::compare(catalog, &a, &b)))
}

pub(super) fn models(app: &App, call: &Call) -> Result<Reply, Problem> {
    let catalog = app.config.catalog;
    let q = call.asked("q").to_lowercase();
    let mut all: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for m in catalog.models.rows().iter().filter(|m| q.is_empty() || m.id.to_lowercase().contains(&q)) {
        let under = all.entry(m.id.clone()).or_default();
        if !under.contains(&m.license) {
            under.push(m.license.clone());
        }
    }
    paged(
        all.iter().map(|(id, under)| (id.as_str(), (id, under))),
        "models",
        call,
        |(id, under)| json!({"id": id, "licenses": under}),
    )
}

pub(super) fn model(app: &App, call: &Call) -> Result<Reply, Problem> {
    let id = format!("{}/{}", call.part("publisher"), call.part("name"));
    Ok(Reply::json(&model_json(app.config.catalog, &id)?))
}

/// What is known of a model: its terms over time, its lineage, what it can do by whose word.
pub(crate) fn model_json(catalog: &Catalog, id: &str) -> Result<Value, Problem> {
    let rows = catalog.models.find(id);
    let source = |s: u32| catalog.capabilities.source(s).map(|s| json!({"at": s.at, "date": s.date, "class": s.class}));
    let ability = catalog.capabilities.find(id).map(|m| {
        json!({
            "family": m.family, "kind": m.kind, "built_on": m.built_on,
            "parameters": m.parameters.as_ref().map(|p| json!({"value": p.value, "source": source(p.source)})),
            "context": m.context.as_ref().map(|p| json!({"value": p.value, "source": source(p.source)})),
            "languages": m.languages.as_ref().map(|p| json!({"value": p.value, "source": source(p.source)})),
            "languages_with_images": m.languages_with_images.as_ref().map(|p| json!({"value": p.value, "source": source(p.source)})),
            "released": m.released.as_ref().map(|p| json!({"value": p.value, "source": source(p.source)})),
            "scores": m.scores.iter().map(|s| json!({"name": s.name, "value": s.value, "setup": s.setup, "stated_by": s.stated_by, "source": source(s.source)})).collect::<Vec<_>>(),
        })
    });
    if rows.is_empty() {
        return Err(Problem::missing(format!("the catalog knows no model `{}`", freehold_base::shown(id)))
            .fix("an unknown model of a known publisher is not guessed: assess its files"));
    }
    let terms: Vec<Value> = rows
        .iter()
        .map(|r| {
            json!({
                "license": r.license, "edition": r.edition, "since": r.since, "until": r.until, "note": r.note, "source": r.source,
                "checked": r.checked, "conditions": r.conditions, "parents": r.parents.iter().map(|(p, rel)| json!({"model": p, "relation": rel.as_str()})).collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(
        json!({"schema": "freehold.model/1", "id": rows.first().map(|r| r.id.clone()), "terms": terms, "ability": ability, "catalog": catalog.version}),
    )
}

pub(super) fn facts(app: &App, _: &Call) -> Result<Reply, Problem> {
    let catalog = app.config.catalog;
    let all: Vec<Value> =
        catalog.facts.facts.iter().filter(|f| f.origin == FactOrigin::Stated).map(|f| fact_json(catalog, f)).collect();
    Ok(Reply::json(&json!({"schema": "freehold.facts/1", "facts": all, "catalog": catalog.version})))
}

/// A fact as a form asks for it.
pub(crate) fn fact_json(catalog: &Catalog, f: &freehold_catalog::FactDef) -> Value {
    let kind = match f.kind {
        FactType::Bool => "yes-or-no",
        FactType::Number => "number",
        FactType::History => "number-or-months",
        FactType::Text => "text",
        FactType::Word => "word",
        FactType::Words => "words",
        FactType::Country => "country",
        FactType::Countries => "countries",
        FactType::Activities => "activities",
    };
    let values: Vec<String> = match f.kind {
        FactType::Activities => catalog.activities.ids().map(str::to_string).collect(),
        _ => f.values.clone(),
    };
    json!({
        "name": f.name, "kind": kind, "values": values, "unit": f.unit, "asks": f.question,
        "silence": f.presumed.as_ref().map(|(_, says)| says),
    })
}

pub(super) fn services(app: &App, _: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&freehold_wire::services(app.config.catalog)))
}

pub(super) fn ownership(app: &App, call: &Call) -> Result<Reply, Problem> {
    let page = freehold_wire::own_or_rent(app.config.catalog, call.asked("license"), &call.asked_all("service"));
    page.map(|p| Reply::json(&p))
        .ok_or_else(|| Problem::new(400, "bad-query", "`license` names a license of the catalog"))
}
