//! Pages: rendered here from what the API gives, so that they work without scripts; htmx makes them quicker where it may run.

mod answer;
mod law;
mod model;
mod records;
mod settings;
mod work;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::{Value, json};

use crate::api::{DOER, KEEPER, MAKER, READER_OF_ALL, TRAINER};
use crate::app::App;
use crate::call::{Call, HTML, Problem, Reply};
use crate::people::COOKIE;
use crate::routes::{Gives, Route, Takes, Who, Work};

/// The templates, by name.
const TEMPLATES: &[(&str, &str)] = &[
    ("base.html", include_str!("../templates/base.html")),
    ("macros.html", include_str!("../templates/macros.html")),
    ("problem.html", include_str!("../templates/problem.html")),
    ("sign-in.html", include_str!("../templates/sign-in.html")),
    ("setup.html", include_str!("../templates/setup.html")),
    ("home.html", include_str!("../templates/home.html")),
    ("records.html", include_str!("../templates/records.html")),
    ("record.html", include_str!("../templates/record.html")),
    ("new.html", include_str!("../templates/new.html")),
    ("interview.html", include_str!("../templates/interview.html")),
    ("licenses.html", include_str!("../templates/licenses.html")),
    ("license.html", include_str!("../templates/license.html")),
    ("compare.html", include_str!("../templates/compare.html")),
    ("difference.html", include_str!("../templates/difference.html")),
    ("models.html", include_str!("../templates/models.html")),
    ("model.html", include_str!("../templates/model.html")),
    ("review.html", include_str!("../templates/review.html")),
    ("impact.html", include_str!("../templates/impact.html")),
    ("runs.html", include_str!("../templates/runs.html")),
    ("run.html", include_str!("../templates/run.html")),
    ("policies.html", include_str!("../templates/policies.html")),
    ("advisor.html", include_str!("../templates/advisor.html")),
    ("own.html", include_str!("../templates/own.html")),
    ("counsel.html", include_str!("../templates/counsel.html")),
    ("settings.html", include_str!("../templates/settings.html")),
    ("access.html", include_str!("../templates/access.html")),
    ("verify.html", include_str!("../templates/verify.html")),
    ("api.html", include_str!("../templates/api.html")),
];

/// Files that pages load: name, media type, bytes.
const ASSETS: &[(&str, &str, &[u8])] = &[
    ("freehold.css", "text/css; charset=utf-8", include_bytes!("../assets/freehold.css")),
    ("freehold.js", "text/javascript; charset=utf-8", include_bytes!("../assets/freehold.js")),
    ("htmx.min.js", "text/javascript; charset=utf-8", include_bytes!("../assets/htmx.min.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
];

const fn page(path: &'static str, work: Work) -> Route {
    Route {
        method: "GET",
        path,
        tag: "page",
        says: "",
        who: Who::Anybody,
        scope: "read",
        query: &[],
        takes: Takes::Nothing,
        gives: Gives::Page,
        work,
    }
}

const fn form(path: &'static str, who: Who, scope: &'static str, work: Work) -> Route {
    Route { method: "POST", who, scope, takes: Takes::Form, ..page(path, work) }
}

/// Every page, and what its forms do.
pub(crate) const ROUTES: &[Route] = &[
    Route { who: Who::Nobody, ..page("/assets/{name}", asset) },
    Route { who: Who::Nobody, ..page("/sign-in", sign_in_page) },
    form("/sign-in", Who::Nobody, "read", sign_in),
    Route { who: Who::Nobody, ..page("/sign-in/elsewhere", crate::oidc::leave) },
    Route { who: Who::Nobody, ..page("/sign-in/elsewhere/back", signed_in_elsewhere) },
    Route { who: Who::Nobody, ..page("/setup", setup_page) },
    form("/setup", Who::Nobody, "read", set_up),
    form("/sign-out", Who::Anybody, "read", sign_out),
    Route { who: Who::Nobody, ..page("/api", api) },
    page("/", records::home),
    page("/records", records::list),
    page("/records/new", records::new),
    form("/records/new", MAKER, "write", records::create),
    form("/records/upload", MAKER, "write", records::upload),
    form("/records/views", Who::Anybody, "write", records::save_view),
    page("/records/{id}", model::record),
    page("/records/{id}/lineage.svg", model::lineage),
    page("/records/{id}/pass-through", model::pass_through),
    page("/records/{id}/export", crate::api::records::export),
    form("/records/{id}/field", DOER, "write", model::field),
    form("/records/{id}/again", DOER, "write", model::again),
    form("/records/{id}/owner", DOER, "write", model::owner),
    form("/records/{id}/report", Who::Anybody, "write", model::report),
    form("/records/{id}/do/{step}", DOER, "write", model::step),
    page("/interview", answer::interview),
    page("/licenses", law::licenses),
    page("/licenses/{id}", law::license),
    page("/compare", law::compare),
    page("/differences", law::difference),
    page("/models", law::models),
    page("/models/{publisher}/{name}", law::model),
    page("/review", records::review),
    page("/impact", work::impact),
    form("/impact/again", KEEPER, "approve", work::again),
    page("/runs", work::runs),
    page("/runs/new", work::new_run),
    form("/runs/new", TRAINER, "tune", work::start),
    page("/runs/{id}", work::run),
    form("/runs/{id}/stop", TRAINER, "tune", work::stop),
    page("/policies", work::policies),
    form("/policies/rules", KEEPER, "admin", work::keep_rules),
    page("/advisor", answer::advisor),
    page("/own-or-rent", answer::own_or_rent),
    page("/terms", law::terms_in_use),
    page("/settings", settings::page),
    form("/settings/password", Who::Anybody, "admin", settings::password),
    form("/settings/tokens", Who::Anybody, "admin", settings::add_token),
    form("/settings/tokens/end", Who::Anybody, "admin", settings::end_token),
    form("/settings/accounts", KEEPER, "admin", settings::add_account),
    form("/settings/accounts/change", KEEPER, "admin", settings::change_account),
    form("/settings/webhooks", KEEPER, "admin", settings::add_hook),
    form("/settings/webhooks/end", KEEPER, "admin", settings::end_hook),
    Route { who: READER_OF_ALL, scope: "admin", ..page("/access", settings::access) },
    page("/verify", settings::verify),
];

/// The templates, ready.
pub(crate) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    // What is not known is an empty place on a page, never the word of a language for it.
    env.set_formatter(
        |out, state, value| if value.is_none() { Ok(()) } else { minijinja::escape_formatter(out, state, value) },
    );
    env.set_trim_blocks(true);
    env.set_lstrip_blocks(true);
    env.add_filter("word", |v: String| v.replace('-', " "));
    env.add_filter("encoded", |v: String| crate::routes::encoded(&v));
    env.add_filter("day", |v: i64| freehold_governance::day(v));
    env.add_filter("short", short);
    for (name, text) in TEMPLATES {
        // a template that cannot be read is told when it is asked for; a test asks for each
        let _ = env.add_template(name, text);
    }
    env
}

/// A number as people say it: `70.6 B`.
fn short(n: f64) -> String {
    let of = |unit: f64, word: &str| {
        let text = format!("{:.1}", n / unit);
        format!("{} {word}", text.strip_suffix(".0").unwrap_or(&text))
    };
    match n {
        n if n >= 1e9 => of(1e9, "B"),
        n if n >= 1e6 => of(1e6, "M"),
        n if n >= 1e4 => of(1e3, "k"),
        n => format!("{n}"),
    }
}

/// Renders a template for somebody.
pub(crate) fn render(app: &App, call: Option<&Call>, name: &str, status: u16, mut context: Value) -> Reply {
    let caller = call.and_then(|c| c.caller.as_ref());
    context["me"] =
        caller.map_or(Value::Null, |c| json!({"login": c.login, "name": c.name, "roles": c.roles, "csrf": c.csrf}));
    context["path"] = json!(call.map_or("", |c| c.uri.split('?').next().unwrap_or_default()));
    context["catalog"] = json!(app.config.catalog.version);
    context["studio"] = json!(app.config.studio.is_some());
    let text = app.pages.get_template(name).and_then(|t| t.render(&context));
    match text {
        Ok(text) => Reply { status, ..Reply::html(text) },
        Err(e) => {
            crate::routes::log_line(&json!({"template": name, "says": e.to_string()}).to_string());
            Reply {
                status: 500,
                kind: HTML,
                body: b"<!doctype html><title>fault</title><p>A fault of this server; it was logged.".to_vec(),
                headers: Vec::new(),
            }
        }
    }
}

/// A page for somebody who is signed in.
pub(crate) fn shown(app: &App, call: &Call, name: &str, context: Value) -> Result<Reply, Problem> {
    Ok(render(app, Some(call), name, 200, context))
}

/// A problem as a page; who is not signed in is sent to sign in.
pub(crate) fn problem(app: &App, call: Option<&Call>, p: &Problem) -> Reply {
    if let Some(call) = call.filter(|_| p.status == 401 && p.code == "not-signed-in") {
        let next = if call.uri.starts_with('/') && !call.uri.starts_with("//") { call.uri.as_str() } else { "/" };
        return Reply::to(format!("/sign-in?next={}", crate::routes::encoded(next)));
    }
    let errors: Vec<Value> = p.errors.iter().map(|(a, s, f)| json!({"about": a, "says": s, "fix": f})).collect();
    let mut reply = render(
        app,
        call,
        "problem.html",
        p.status,
        json!({"status": p.status, "title": p.code.replace('-', " "), "says": p.says, "fix": p.fix, "errors": errors}),
    );
    if let Some(seconds) = p.retry_after {
        reply = reply.with("retry-after", seconds.to_string());
    }
    reply
}

fn asset(_: &App, call: &Call) -> Result<Reply, Problem> {
    let found = ASSETS.iter().find(|(name, _, _)| *name == call.part("name"));
    let (_, kind, bytes) = found.ok_or_else(|| Problem::missing("nothing is at this address"))?;
    Ok(Reply::of(kind, bytes.to_vec()).with("cache-control", "public, max-age=3600"))
}

/// Where somebody goes after signing in: a path of this server.
fn next(call: &Call) -> String {
    let asked = if call.field("next").is_empty() { call.asked("next") } else { call.field("next") };
    let own = asked.starts_with('/')
        && !asked.starts_with("//")
        && !asked.contains('\\')
        && !asked.chars().any(char::is_control);
    if own { asked.to_string() } else { "/".to_string() }
}

fn elsewhere(app: &App) -> Value {
    json!(app.config.oidc.as_ref().map(|o| o.name.clone()))
}

fn sign_in_page(app: &App, call: &Call) -> Result<Reply, Problem> {
    if app.is_new()? {
        return shown(app, call, "setup.html", json!({"waiting": true}));
    }
    shown(app, call, "sign-in.html", json!({"next": next(call), "elsewhere": elsewhere(app)}))
}

/// Goes on as somebody.
fn as_somebody(app: &App, secret: &str, to: String) -> Reply {
    let secure = if app.is_tls() { "; Secure" } else { "" };
    Reply::to(to)
        .with("set-cookie", format!("{COOKIE}={secret}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax{secure}"))
}

fn sign_in(app: &App, call: &Call) -> Result<Reply, Problem> {
    match app.sign_in(call.field("login"), call.field("password"), call) {
        Ok(secret) => Ok(as_somebody(app, &secret, next(call))),
        Err(p) if p.code == "wrong-password" => {
            let context =
                json!({"next": next(call), "elsewhere": elsewhere(app), "wrong": p.says, "login": call.field("login")});
            Ok(render(app, Some(call), "sign-in.html", 401, context))
        }
        Err(p) => Err(p),
    }
}

fn signed_in_elsewhere(app: &App, call: &Call) -> Result<Reply, Problem> {
    let secret = crate::oidc::back(app, call)?;
    Ok(as_somebody(app, &secret, "/".into()))
}

fn sign_out(app: &App, call: &Call) -> Result<Reply, Problem> {
    app.sign_out(call)?;
    Ok(Reply::to("/sign-in").with("set-cookie", format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")))
}

fn roles() -> Value {
    json!(freehold_record::ROLES.iter().map(|(r, says)| json!({"role": r, "says": says})).collect::<Vec<_>>())
}

fn setup_page(app: &App, call: &Call) -> Result<Reply, Problem> {
    if !app.is_setup(call.asked("token"), call.now)? {
        return Err(Problem::new(403, "link-used", "this link was used, or its time is over")
            .fix("sign in; where there is no account yet, restart the server"));
    }
    shown(app, call, "setup.html", json!({"token": call.asked("token"), "roles": roles()}))
}

fn account_of(call: &Call) -> Value {
    let roles: Vec<&str> = call.form.iter().filter(|(k, _)| k == "roles").map(|(_, v)| v.as_str()).collect();
    json!({"login": call.field("login"), "name": call.field("name"), "password": call.field("password"), "roles": roles})
}

fn set_up(app: &App, call: &Call) -> Result<Reply, Problem> {
    let account = account_of(call);
    let made = app.set_up(call.field("token"), &account, call.now);
    match made {
        Ok(made) => {
            let secret = app.start_session(made["login"].as_str().unwrap_or_default(), call.now)?;
            Ok(as_somebody(app, &secret, "/".into()))
        }
        Err(p) if p.status == 422 => {
            let context = json!({"token": call.field("token"), "roles": roles(), "wrong": p.says, "login": call.field("login"), "name": call.field("name")});
            Ok(render(app, Some(call), "setup.html", 422, context))
        }
        Err(p) => Err(p),
    }
}

/// The API as a page.
fn api(app: &App, call: &Call) -> Result<Reply, Problem> {
    let document = crate::openapi::document(&app.url());
    let mut tags: Vec<(String, Vec<Value>)> = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, op) in methods.as_object().into_iter().flatten() {
            let tag = op["tags"][0].as_str().unwrap_or_default().to_string();
            let query: Vec<&Value> =
                op["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] != "header").collect();
            let body = op["requestBody"]["content"]
                .as_object()
                .and_then(|c| c.iter().next())
                .map(|(kind, c)| json!({"kind": kind, "schema": format!("{:#}", c["schema"])}));
            let row = json!({
                "method": method.to_uppercase(), "path": path, "says": op["summary"], "scope": op["x-freehold-scope"], "roles": op["x-freehold-roles"],
                "parameters": query, "body": body, "answers": op["responses"].as_object().map(|r| r.keys().cloned().collect::<Vec<_>>()),
            });
            match tags.iter_mut().find(|(t, _)| *t == tag) {
                Some((_, rows)) => rows.push(row),
                None => tags.push((tag, vec![row])),
            }
        }
    }
    let tags: Vec<Value> = tags.into_iter().map(|(tag, routes)| json!({"tag": tag, "routes": routes})).collect();
    shown(app, call, "api.html", json!({"tags": tags, "url": app.url()}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_one() {
        let env = environment();
        for (name, text) in TEMPLATES {
            assert!(env.get_template(name).is_ok(), "{name}: {:?}", Environment::new().template_from_str(text).err());
        }
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for (asked, to) in [
            ("/records", "/records"),
            ("//evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("", "/"),
        ] {
            let call = Call { query: vec![("next".into(), asked.into())], ..Call::default() };
            assert_eq!(next(&call), to);
        }
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([short(7e9), short(1.5e9), short(131_072.0), short(4096.0)], ["7 B", "1.5 B", "131.1 k", "4096"]);
    }
}
