//! Trainings from here: `freehold tune` as a process of its own, below the studio's folder, its progress told as it goes.

use std::convert::Infallible;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{ConnectInfo, Path as PathPart, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use freehold_register::new_id;
use serde_json::{Value, json};

use crate::app::{App, held};
use crate::call::{Call, Problem, Reply};
use crate::routes::{Gives, Route, Takes, Who};

/// Trainings at once.
const AT_ONCE_MAX: usize = 1;
/// Most points of a curve that are told.
const POINTS_MAX: usize = 2000;
/// Most bytes of a file of a run that is told.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Processes that were started here.
#[derive(Default)]
pub(crate) struct Runs(Mutex<Vec<(String, Child)>>);

impl Runs {
    /// Ends every process that was started here.
    pub(crate) fn end(&self) {
        for (_, child) in held(&self.0).iter_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn studio(app: &App) -> Result<&Path, Problem> {
    app.config.studio.as_deref().ok_or_else(|| {
        Problem::new(409, "no-studio", "this server starts no trainings")
            .fix("freehold serve --studio DIR, where recipes, bases and data lie")
    })
}

/// A path below the studio's folder, as a recipe writes it.
fn below(root: &Path, path: &str) -> Result<PathBuf, Problem> {
    let bad = || {
        Problem::new(422, "bad-path", format!("`{}` leads out of the studio's folder", freehold_base::shown(path)))
            .fix("paths of a recipe are relative and lie below it")
    };
    let relative = Path::new(path);
    if path.is_empty() || !relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
        return Err(bad());
    }
    let whole = root.join(relative);
    // a link may lead out too
    match (whole.canonicalize(), root.canonicalize()) {
        (Ok(real), Ok(root)) if !real.starts_with(&root) => Err(bad()),
        _ => Ok(whole),
    }
}

fn word(v: &Value) -> String {
    v.as_str().unwrap_or_default().to_string()
}

/// A text of a run's folder, as far as it is told.
fn told(path: &Path) -> String {
    match std::fs::metadata(path) {
        Ok(m) if m.is_file() && m.len() <= FILE_BYTES_MAX => std::fs::read_to_string(path).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Starts a training from a recipe's text.
pub(crate) fn started(app: &App, recipe: &str, call: &Call) -> Result<Value, Problem> {
    let root = studio(app)?;
    if recipe.trim().is_empty() || recipe.len() > 65_536 {
        return Err(Problem::new(422, "no-recipe", "a recipe has 1 to 65,536 bytes"));
    }
    let mut deployment = app.config.organization.clone();
    let (read, mistakes) = freehold_check::recipe("recipe.toml", recipe, app.config.catalog, &mut deployment);
    let Some(read) = read.filter(|_| mistakes.is_empty()) else { return Err(Problem::mistakes(&mistakes)) };
    below(root, &read.base.path)?;
    for d in &read.datasets {
        below(root, &d.path)?;
    }
    let out = read.folder.clone().unwrap_or_else(|| read.name.clone());
    below(root, &out)?;
    let now = call.now;
    let mut all = held(&app.runs.0);
    let running = all.iter_mut().map(|(_, c)| usize::from(matches!(c.try_wait(), Ok(None)))).sum::<usize>();
    if running >= AT_ONCE_MAX {
        return Err(Problem {
            retry_after: Some(60),
            ..Problem::new(409, "busy", "a training is under way on this machine")
        });
    }
    let id = new_id(now)?;
    let faulty =
        |e: std::io::Error| Problem::new(503, "no-start", format!("the training does not start: {}", e.kind()));
    let file = root.join(format!("run-{id}.toml"));
    std::fs::write(&file, recipe).map_err(faulty)?;
    let log = std::fs::File::create(root.join(format!("run-{id}.log"))).map_err(faulty)?;
    let both = log.try_clone().map_err(faulty)?;
    let child = Command::new(&app.config.program)
        .arg("tune")
        .arg(&file)
        .current_dir(root)
        .env_remove("FREEHOLD_REGISTER")
        .env_remove("FREEHOLD_REGISTER_KEY")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(both)
        .spawn()
        .map_err(faulty)?;
    let body = json!({"name": read.name, "by": call.caller()?.login, "started": now, "recipe": recipe, "out": out, "steps": Value::Null});
    app.shelf(|s| s.create("run", &id, &body.to_string(), 0, now))?;
    all.push((id.clone(), child));
    drop(all);
    run_json(app, &id, now)
}

/// A training as it stands.
pub(crate) fn run_json(app: &App, id: &str, now: i64) -> Result<Value, Problem> {
    let root = studio(app)?;
    let item = app.shelf(|s| s.get("run", id, now))?.ok_or_else(|| Problem::missing("no training has this id"))?;
    let body: Value = serde_json::from_str(&item.body).unwrap_or_default();
    let code =
        held(&app.runs.0).iter_mut().find(|(r, _)| r == id).map(|(_, c)| c.try_wait().ok().flatten().map(|s| s.code()));
    let stopped = body["stopped"] == true;
    let mut state = match code {
        Some(None) => "running",
        Some(Some(Some(0))) => "done",
        _ if stopped => "stopped",
        // the gate, or the check of what came out, says so
        Some(Some(Some(1 | 4))) => "blocked",
        Some(Some(_)) => "failed",
        // started by a process that is gone
        None => body["ended"].as_str().unwrap_or("unknown"),
    };
    if matches!(code, Some(Some(_))) && body["ended"].is_null() {
        let mut ended = body.clone();
        ended["ended"] = json!(state);
        app.shelf(|s| s.replace("run", id, item.rev, &ended.to_string(), 0))?;
    }
    let log = told(&root.join(format!("run-{id}.log")));
    let out = word(&body["out"]);
    let dir = below(root, &out).unwrap_or_else(|_| root.join("nowhere"));
    let metrics = told(&dir.join("run/metrics.jsonl"));
    let points: Vec<Value> = metrics.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let points: Vec<Value> = points.into_iter().step_by(every).collect();
    if state == "unknown" && dir.join("bundle").is_dir() {
        state = "done";
    }
    let tail: Vec<&str> = log.lines().rev().take(60).collect();
    let tail: Vec<String> = tail.into_iter().rev().map(freehold_base::shown).collect();
    let samples = told(&dir.join("run/samples.md"));
    Ok(json!({
        "schema": "freehold.run/1", "id": id, "name": body["name"], "by": body["by"], "started": freehold_governance::moment_of(body["started"].as_i64().unwrap_or(0)),
        "state": state, "recipe": body["recipe"], "points": points, "log": tail, "samples": samples,
    }))
}

pub(crate) fn runs_json(app: &App, now: i64) -> Result<Vec<Value>, Problem> {
    let items = app.shelf(|s| s.latest("run", "", 200))?;
    items
        .iter()
        .map(|i| {
            let r = run_json(app, &i.id, now)?;
            let last = r["points"].as_array().and_then(|p| p.last()).cloned().unwrap_or_default();
            Ok(json!({"id": r["id"], "name": r["name"], "by": r["by"], "started": r["started"], "state": r["state"], "last": last}))
        })
        .collect()
}

pub(crate) fn list(app: &App, call: &Call) -> Result<Reply, Problem> {
    let all = if app.config.studio.is_some() { runs_json(app, call.now)? } else { Vec::new() };
    Ok(Reply::json(&json!({"schema": "freehold.runs/1", "runs": all})))
}

pub(crate) fn start(app: &App, call: &Call) -> Result<Reply, Problem> {
    let value = call.json()?;
    let run = started(app, value["recipe"].as_str().unwrap_or_default(), call)?;
    let at = format!("/api/v1/runs/{}", word(&run["id"]));
    Ok(Reply::created(&run, at))
}

pub(crate) fn one(app: &App, call: &Call) -> Result<Reply, Problem> {
    if app.config.studio.is_none() {
        return Err(Problem::missing("this server starts no trainings"));
    }
    Ok(Reply::json(&run_json(app, call.part("id"), call.now)?))
}

/// Stops a training that was started here.
pub(crate) fn stopped(app: &App, call: &Call, id: &str) -> Result<Value, Problem> {
    studio(app)?;
    let item = app.shelf(|s| s.get("run", id, call.now))?.ok_or_else(|| Problem::missing("no training has this id"))?;
    let mut body: Value = serde_json::from_str(&item.body).unwrap_or_default();
    let mut runs = held(&app.runs.0);
    let none = || Problem::new(409, "not-running", "it is not running, or was started elsewhere");
    let (_, child) = runs.iter_mut().find(|(r, _)| r == id).ok_or_else(none)?;
    if !matches!(child.try_wait(), Ok(None)) {
        return Err(none());
    }
    let _ = child.kill();
    let _ = child.wait();
    drop(runs);
    body["stopped"] = json!(true);
    app.shelf(|s| s.replace("run", id, item.rev, &body.to_string(), 0))?;
    run_json(app, id, call.now)
}

pub(crate) fn stop(app: &App, call: &Call) -> Result<Reply, Problem> {
    Ok(Reply::json(&stopped(app, call, call.part("id"))?))
}

/// The route of a training's progress, for who may listen.
pub(crate) const EVENTS: Route = Route {
    method: "GET",
    path: "/api/v1/runs/{id}/events",
    tag: "trainings",
    says: "a training's progress, as server-sent events",
    who: Who::Anybody,
    scope: "read",
    query: &[],
    takes: Takes::Nothing,
    gives: Gives::Raw("text/event-stream"),
    work: one,
};

/// A training's progress as it goes: an event for each new state, until it ends.
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    PathPart(id): PathPart<String>,
    request: Request,
) -> Response {
    let peer = crate::routes::peer_of(&app, peer, request.headers());
    let mut call = Call { peer, now: freehold_governance::now(), ..Call::default() };
    for (name, value) in request.headers() {
        if let Ok(value) = value.to_str() {
            call.headers.insert(name.as_str().to_string(), value.to_string());
        }
    }
    let (shared, run) = (app.clone(), id.clone());
    let may = tokio::task::spawn_blocking(move || {
        crate::routes::authorized(&shared, &EVENTS, &mut call)?;
        if shared.config.studio.is_none() {
            return Err(Problem::missing("this server starts no trainings"));
        }
        run_json(&shared, &run, call.now).map(|_| ())
    })
    .await;
    if let Ok(Err(problem)) = may {
        return crate::routes::response(&app, problem.reply(), true);
    }
    let first = (app, id, String::new(), false);
    let events = futures_util::stream::unfold(first, |(app, id, last, over)| async move {
        if over {
            return None;
        }
        loop {
            let (shared, run) = (app.clone(), id.clone());
            let now = tokio::task::spawn_blocking(move || run_json(&shared, &run, freehold_governance::now())).await;
            let Ok(Ok(mut state)) = now else { return None };
            // what was sent with the page is not sent again and again
            if let Some(o) = state.as_object_mut() {
                o.remove("recipe");
            }
            let text = state.to_string();
            let ended = state["state"] != "running";
            if text != last {
                let event = Event::default().event(if ended { "end" } else { "progress" }).data(&text);
                return Some((Ok::<Event, Infallible>(event), (app, id, text, ended)));
            }
            if ended {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_recipe_stay_below_the_studio() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("data")).unwrap();
        assert!(below(dir.path(), "data/a.jsonl").is_ok() && below(dir.path(), "./data").is_ok());
        for bad in ["../x", "/etc/passwd", "data/../../x", ""] {
            assert!(below(dir.path(), bad).is_err(), "{bad}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/etc", dir.path().join("out")).unwrap();
            assert!(below(dir.path(), "out").is_err());
        }
    }
}
