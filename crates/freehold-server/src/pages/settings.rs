//! Settings: the reader's own, and for who keeps them those of everybody.

use serde_json::{Value, json};

use super::shown;
use crate::api::{access_json, end_token as token_ends};
use crate::app::App;
use crate::call::{Call, Problem, Reply};
use crate::people::SCOPES;

fn context(app: &App, call: &Call) -> Result<Value, Problem> {
    let caller = call.caller()?;
    // a token sees here no more than the API would show it
    let whole = caller.scopes.as_ref().is_none_or(|s| s.iter().any(|s| s == "admin"));
    let keeper = whole && caller.has("compliance");
    let accounts =
        if keeper || (whole && caller.has("auditor")) { json!(app.accounts(call.now)?) } else { Value::Null };
    let hooks = if keeper { json!(app.hooks(call.now)?) } else { Value::Null };
    let of = if keeper { None } else { Some(caller.login.as_str()) };
    Ok(json!({
        "keeper": keeper, "accounts": accounts, "hooks": hooks, "tokens": app.tokens(of, call.now)?, "roles": super::roles(),
        "scopes": SCOPES.iter().map(|(s, says)| json!({"scope": s, "says": says})).collect::<Vec<_>>(),
        "register": crate::api::system::register_json(app)?, "done": call.asked("done"), "elsewhere": app.config.oidc.is_some(),
    }))
}

pub(super) fn page(app: &App, call: &Call) -> Result<Reply, Problem> {
    shown(app, call, "settings.html", context(app, call)?)
}

pub(super) fn password(app: &App, call: &Call) -> Result<Reply, Problem> {
    let caller = call.caller()?;
    // who finds a session open does not take the account with it
    app.sign_in(&caller.login, call.field("old"), call).map_err(|p| {
        if p.code == "wrong-password" { Problem::new(403, "wrong-password", "this is not your password") } else { p }
    })?;
    app.change_account(
        &caller.login,
        &json!({"password": call.field("new")}),
        &(caller.name.clone(), "compliance".into()),
        call.now,
    )?;
    Ok(Reply::to("/sign-in"))
}

pub(super) fn add_token(app: &App, call: &Call) -> Result<Reply, Problem> {
    let scopes: Vec<&str> = call.form.iter().filter(|(k, _)| k == "scopes").map(|(_, v)| v.as_str()).collect();
    let value =
        json!({"name": call.field("name"), "scopes": scopes, "days": call.field("days").parse::<u32>().unwrap_or(0)});
    let made = app.add_token(call.caller()?, &value, call.now)?;
    let mut page = context(app, call)?;
    page["secret"] = json!({"what": "token", "of": made["name"], "value": made["secret"]});
    shown(app, call, "settings.html", page)
}

pub(super) fn end_token(app: &App, call: &Call) -> Result<Reply, Problem> {
    token_ends(app, call, call.field("id"))?;
    Ok(Reply::to("/settings?done=token#tokens"))
}

pub(super) fn add_account(app: &App, call: &Call) -> Result<Reply, Problem> {
    let who = (call.caller()?.name.clone(), "compliance".to_string());
    app.add_account(&super::account_of(call), &who, call.now)?;
    Ok(Reply::to("/settings?done=account#people"))
}

pub(super) fn change_account(app: &App, call: &Call) -> Result<Reply, Problem> {
    let who = (call.caller()?.name.clone(), "compliance".to_string());
    let roles: Vec<&str> = call.form.iter().filter(|(k, _)| k == "roles").map(|(_, v)| v.as_str()).collect();
    let mut change = json!({"roles": roles, "disabled": call.field("disabled") == "yes"});
    if !call.field("password").is_empty() {
        change["password"] = json!(call.field("password"));
    }
    app.change_account(call.field("login"), &change, &who, call.now)?;
    Ok(Reply::to("/settings?done=account#people"))
}

pub(super) fn add_hook(app: &App, call: &Call) -> Result<Reply, Problem> {
    let events: Vec<&str> = call.field("events").split([',', ' ']).map(str::trim).filter(|e| !e.is_empty()).collect();
    let made = app.add_hook(&json!({"url": call.field("url"), "events": events}), call.now)?;
    let mut page = context(app, call)?;
    page["secret"] = json!({"what": "webhook", "of": made["url"], "value": made["secret"]});
    shown(app, call, "settings.html", page)
}

pub(super) fn end_hook(app: &App, call: &Call) -> Result<Reply, Problem> {
    app.shelf(|s| s.remove("hook", call.field("id")))?;
    Ok(Reply::to("/settings?done=webhook#webhooks"))
}

pub(super) fn access(app: &App, call: &Call) -> Result<Reply, Problem> {
    let page = access_json(app, call.asked("before"), 200)?;
    shown(app, call, "access.html", json!({"page": page}))
}

pub(super) fn verify(app: &App, call: &Call) -> Result<Reply, Problem> {
    let checked = crate::api::system::verified(app)?;
    shown(app, call, "verify.html", json!({"v": checked, "register": crate::api::system::register_json(app)?}))
}
