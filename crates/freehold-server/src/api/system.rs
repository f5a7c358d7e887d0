//! The process, the register as a whole, saved views.

use freehold_governance::{keep, project, rules as kept_rules};
use freehold_record::Rules;
use serde_json::{Value, json};

use crate::app::App;
use crate::call::{Call, Problem, Reply};

pub(super) fn openapi(app: &App, _: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&crate::openapi::document(&app.url())))
}

pub(super) fn health(_: &App, _: &Call) -> Result<Reply, Problem> {
    Ok(Reply::of("text/plain", b"ok\n".to_vec()))
}

pub(super) fn ready(app: &App, _: &Call) -> Result<Reply, Problem> {
    app.read(|r| Ok(r.head()?))?;
    app.shelf(|s| s.count("account", 0))?;
    Ok(Reply::of("text/plain", b"ready\n".to_vec()))
}

pub(super) fn metrics(app: &App, _: &Call) -> Result<Reply, Problem> {
    let size = app.read(|r| Ok(r.head()?.size))?;
    Ok(Reply::of("text/plain; version=0.0.4", app.metrics.page(size).into_bytes()))
}

pub(crate) fn register_json(app: &App) -> Result<Value, Problem> {
    app.read(|r| {
        let head = r.head()?;
        Ok(json!({
            "schema": "freehold.register/1", "origin": r.origin(), "events": head.size, "checkpoint": head.note,
            "public_key": r.verifying_key().to_string(), "where": r.shown(),
        }))
    })
}

pub(super) fn register(app: &App, _: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&register_json(app)?))
}

pub(super) fn proof(app: &App, call: &Call) -> Result<Reply, Problem> {
    let index = call.part("index").parse::<u64>().map_err(|_| Problem::missing("an event has a number"))?;
    let size = app.read(|r| Ok(r.head()?.size))?;
    if index >= size {
        return Err(Problem::missing(format!("the log has {size} events")));
    }
    let (leaf, proof) = app.read(|r| {
        let leaf = r.events(index)?.first().map(|e| e.leaf.clone()).unwrap_or_default();
        Ok((leaf, r.prove(index)?.to_string()))
    })?;
    Ok(Reply::json(&json!({"schema": "freehold.proof/1", "index": index, "leaf": leaf, "proof": proof})))
}

pub(crate) fn verified(app: &App) -> Result<Value, Problem> {
    let report = app.read(|r| Ok(r.verify(&project, &[])?))?;
    let bad: Vec<&str> = report.found.iter().map(|f| f.says.as_str()).collect();
    Ok(json!({
        "schema": "freehold.verification/1", "whole": bad.is_empty(), "events": report.events, "records": report.records,
        "checkpoints": report.checkpoints, "erased": report.erased, "bad": bad, "more": report.more,
    }))
}

pub(super) fn verify(app: &App, _: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&verified(app)?))
}

pub(crate) fn rules_json(app: &App) -> Result<Value, Problem> {
    let rules = app.read(|r| Ok(kept_rules(&r.history("")?)))?;
    Ok(json!({"schema": "freehold.rules/1", "rules": rules.to_json(), "lines": rules.lines()}))
}

pub(super) fn rules(app: &App, _: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&rules_json(app)?))
}

pub(super) fn keep_rules(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    let new = Rules::from_json(&value["rules"]).map_err(|wrong| Problem {
        errors: wrong.into_iter().map(|p| (p.about, p.says, p.fix)).collect(),
        ..Problem::new(422, "no-rules", "these are no rules")
    })?;
    let who = (call.caller()?.name.clone(), "compliance".to_string());
    app.write(|r| keep(r, &who, "keep rules", "rules", |_| Ok(json!({"rules": new.to_json()}))))?;
    rules(app, call)
}

/// A name of a view: what a URL takes.
fn view_name(name: &str) -> Result<&str, Problem> {
    let fits = !name.is_empty() && name.len() <= 80 && name.chars().all(|c| c.is_alphanumeric() || " -_.".contains(c));
    if fits {
        Ok(name)
    } else {
        Err(Problem::new(422, "bad-name", "a view's name has letters, digits, spaces and -_. alone, 80 at most"))
    }
}

pub(crate) fn view(app: &App, name: &str, now: i64) -> Result<Value, Problem> {
    let item = app.shelf(|s| s.get("view", name, now))?;
    let item = item.ok_or_else(|| Problem::missing(format!("no view is called `{}`", freehold_base::shown(name))))?;
    Ok(serde_json::from_str(&item.body).unwrap_or_default())
}

pub(crate) fn views_json(app: &App, now: i64) -> Result<Vec<Value>, Problem> {
    let items = app.shelf(|s| s.list("view", "", 1000, now))?;
    Ok(items
        .iter()
        .map(|i| {
            let body: Value = serde_json::from_str(&i.body).unwrap_or_default();
            json!({"name": i.id, "query": body["query"], "by": body["by"]})
        })
        .collect())
}

pub(super) fn views(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&json!({"schema": "freehold.views/1", "views": views_json(app, call.now)?})))
}

pub(crate) fn keep_view(app: &App, name: &str, query: &Value, call: &Call) -> Result<Value, Problem> {
    let name = view_name(name)?;
    let known = ["state", "license", "base", "owner", "verdict", "q", "expires_before"];
    let all = query.as_object().ok_or_else(|| Problem::new(422, "no-query", "`query` is an object"))?;
    if let Some(k) = all.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(Problem::new(422, "bad-query", format!("`{}` narrows no list", freehold_base::shown(k)))
            .fix(format!("one of: {}", known.join(", "))));
    }
    if all.values().any(|v| v.as_str().is_none_or(|t| t.len() > 200)) {
        return Err(Problem::new(422, "bad-query", "what narrows a list is text of at most 200 bytes"));
    }
    let body = json!({"query": query, "by": call.caller()?.login});
    let was = app.shelf(|s| s.get("view", name, call.now))?;
    let kept = match was {
        Some(item) => app.shelf(|s| s.replace("view", name, item.rev, &body.to_string(), 0))?,
        None => app.shelf(|s| s.create("view", name, &body.to_string(), 0, call.now))?,
    };
    if kept {
        Ok(json!({"name": name, "query": query}))
    } else {
        Err(Problem::new(409, "changed-meanwhile", "somebody changed it meanwhile"))
    }
}

pub(super) fn save_view(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    Ok(Reply::json(&keep_view(app, call.part("name"), &value["query"], call)?))
}

pub(super) fn drop_view(app: &App, call: &Call) -> Result<Reply, Problem> {
    match app.shelf(|s| s.remove("view", call.part("name")))? {
        true => Ok(Reply::empty()),
        false => Err(Problem::missing("no view is called so")),
    }
}
