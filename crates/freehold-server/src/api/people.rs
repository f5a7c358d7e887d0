//! People, tokens, webhooks, who asked for what.

use serde_json::{Value, json};

use crate::app::App;
use crate::call::{Call, Problem, Reply};

pub(super) fn me(_: &App, call: &Call) -> Result<Reply, Problem> {
    let c = call.caller()?;
    Ok(Reply::json(&json!({"login": c.login, "name": c.name, "roles": c.roles, "scopes": c.scopes})))
}

pub(super) fn accounts(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&json!({"schema": "freehold.accounts/1", "accounts": app.accounts(call.now)?})))
}

fn keeper(call: &Call) -> Result<freehold_governance::Who, Problem> {
    Ok((call.caller()?.name.clone(), "compliance".to_string()))
}

pub(super) fn add_account(app: &App, call: &Call) -> Result<Reply, Problem> {
    let made = app.add_account(&call.json()?, &keeper(call)?, call.now)?;
    let at = format!("/api/v1/accounts/{}", made["login"].as_str().unwrap_or_default());
    Ok(Reply::created(&made, at))
}

pub(super) fn change_account(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&app.change_account(call.part("login"), &call.json()?, &keeper(call)?, call.now)?))
}

pub(super) fn tokens(app: &App, call: &Call) -> Result<Reply, Problem> {
    let c = call.caller()?;
    // who keeps people sees all of them
    let of = if c.has("compliance") { None } else { Some(c.login.as_str()) };
    Ok(Reply::json(&json!({"schema": "freehold.tokens/1", "tokens": app.tokens(of, call.now)?})))
}

pub(super) fn add_token(app: &App, call: &Call) -> Result<Reply, Problem> {
    let made = app.add_token(call.caller()?, &call.json()?, call.now)?;
    let at = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap_or_default());
    Ok(Reply::created(&made, at))
}

/// Ends a token of the caller's own, or anybody's where they keep people.
pub(crate) fn end_token(app: &App, call: &Call, id: &str) -> Result<(), Problem> {
    let c = call.caller()?;
    let mine = app.tokens(if c.has("compliance") { None } else { Some(&c.login) }, call.now)?;
    if !mine.iter().any(|t| t["id"] == id) {
        return Err(Problem::missing("no token of yours has this id"));
    }
    app.shelf(|s| s.remove("token", id)).map(|_| ())
}

pub(super) fn drop_token(app: &App, call: &Call) -> Result<Reply, Problem> {
    end_token(app, call, call.part("id")).map(|()| Reply::empty())
}

pub(crate) fn access_json(app: &App, before: &str, most: u32) -> Result<Value, Problem> {
    let items = app.shelf(|s| s.latest("access", before, most))?;
    let all: Vec<Value> = items
        .iter()
        .map(|i| {
            let mut body: Value = serde_json::from_str(&i.body).unwrap_or_default();
            body["at"] = json!(freehold_governance::moment_of(body["at"].as_i64().unwrap_or(0)));
            body
        })
        .collect();
    let next = items.last().filter(|_| u32::try_from(items.len()).is_ok_and(|n| n == most)).map(|i| i.id.clone());
    Ok(json!({"schema": "freehold.access/1", "access": all, "next": next}))
}

pub(super) fn access(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&access_json(app, call.asked("before"), call.count("limit", 100, 1000)?)?))
}

pub(super) fn hooks(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&json!({"schema": "freehold.webhooks/1", "webhooks": app.hooks(call.now)?})))
}

pub(super) fn add_hook(app: &App, call: &Call) -> Result<Reply, Problem> {
    let made = app.add_hook(&call.json()?, call.now)?;
    let at = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap_or_default());
    Ok(Reply::created(&made, at))
}

pub(super) fn drop_hook(app: &App, call: &Call) -> Result<Reply, Problem> {
    match app.shelf(|s| s.remove("hook", call.part("id")))? {
        true => Ok(Reply::empty()),
        false => Err(Problem::missing("no webhook has this id")),
    }
}
