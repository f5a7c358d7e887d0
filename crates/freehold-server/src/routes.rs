//! One table of routes: who may ask what, with which scope, what it takes and gives. The router, the OpenAPI document, the matrix of
//! authorization in the tests and the limits are made from it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequest as _, Multipart, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::routing::{MethodFilter, on};
use freehold_governance::now;
use serde_json::{Value, json};

use crate::app::App;
use crate::call::{Call, HTML, PROBLEM, Problem, Reply};
use crate::people::{hashed, same};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody, signed in or not.
    Nobody,
    /// Whoever is signed in.
    Anybody,
    /// Whoever holds one of these roles.
    Roles(&'static [&'static str]),
}

/// What a route takes.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    Nothing,
    /// JSON of this schema.
    Json(fn() -> Value),
    /// Bytes of this media type.
    Raw(&'static str),
    /// A form of a page.
    Form,
}

/// What a route gives.
#[derive(Clone, Copy)]
pub(crate) enum Gives {
    /// JSON with this status.
    Json(u16, fn() -> Value),
    Raw(&'static str),
    Empty,
    Page,
}

pub(crate) type Work = fn(&App, &Call) -> Result<Reply, Problem>;

/// A route.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) says: &'static str,
    pub(crate) who: Who,
    /// The scope that a token needs.
    pub(crate) scope: &'static str,
    /// Keys of the query, each with its kind (`text`, `count`, `day`, or words with `|`) and what it is.
    pub(crate) query: &'static [(&'static str, &'static str, &'static str)],
    pub(crate) takes: Takes,
    pub(crate) gives: Gives,
    pub(crate) work: Work,
}

/// Most bytes of a body, and of one with files.
const BODY_BYTES_MAX: usize = 4 << 20;
const UPLOAD_BYTES_MAX: usize = 256 << 20;
/// How many requests an address that nobody has signed in from may make at once, and how many a second.
const STRANGER: (f64, f64) = (60.0, 5.0);
/// How long an answer stands for its idempotency key, in microseconds.
/// Bytes of a refused call that are read, so that its sender reads the refusal.
const REFUSED_BYTES_MAX: usize = 65_536;
const IDEMPOTENT_MICROS: i64 = 24 * 3_600_000_000;
/// How long a request may take until its key is free again.
const PENDING_MICROS: i64 = 120_000_000;

impl Route {
    pub(crate) fn is_page(&self) -> bool {
        matches!(self.gives, Gives::Page) || self.tag == "page"
    }

    fn is_unsafe(&self) -> bool {
        self.method != "GET"
    }

    /// Whether an idempotency key counts: not where the answer tells a secret, which is kept nowhere.
    pub(crate) fn takes_key(&self) -> bool {
        self.method == "POST" && !self.is_page() && !["/api/v1/tokens", "/api/v1/webhooks"].contains(&self.path)
    }

    fn body_max(&self) -> usize {
        match self.takes {
            Takes::Raw(_) => UPLOAD_BYTES_MAX,
            Takes::Form if self.path.contains("upload") => UPLOAD_BYTES_MAX,
            _ => BODY_BYTES_MAX,
        }
    }
}

/// Every route.
pub(crate) fn all() -> Vec<Route> {
    [crate::api::ROUTES, crate::pages::ROUTES].concat()
}

pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router: Router<Arc<App>> = Router::new();
    for route in all() {
        let filter = match route.method {
            "POST" => MethodFilter::POST,
            "PUT" => MethodFilter::PUT,
            "PATCH" => MethodFilter::PATCH,
            "DELETE" => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        let handler =
            move |State(app): State<Arc<App>>,
                  ConnectInfo(peer): ConnectInfo<SocketAddr>,
                  params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
                  request: Request| async move { answered(app, route, peer, params.ok(), request).await };
        router = router.route(route.path, on(filter, handler));
    }
    router = router.route("/api/v1/runs/{id}/events", axum::routing::get(crate::runs::stream));
    router.fallback(nothing_here).with_state(app.clone())
}

async fn nothing_here(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let problem = Problem::missing("nothing is at this address");
    let page = !request.uri().path().starts_with("/api");
    let reply = if page { crate::pages::problem(&app, None, &problem) } else { problem.reply() };
    response(&app, reply, !page)
}

/// A request into a call, but what it sends.
fn head(app: &App, peer: SocketAddr, params: Option<RawPathParams>, request: &Parts) -> Result<Call, Problem> {
    let mut call = Call { peer: peer_of(app, peer, &request.headers), now: now(), ..Call::default() };
    call.uri = request.uri.path_and_query().map_or_else(String::new, |p| p.as_str().to_string());
    let Some(params) = params else { return Err(Problem::missing("no text in UTF-8 is at this address")) };
    call.path = params.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    if call.path.values().any(|v| v.chars().any(char::is_control)) {
        return Err(Problem::missing("nothing is at this address"));
    }
    call.query = request.uri.query().map(pairs).unwrap_or_default();
    for (name, value) in &request.headers {
        if let Ok(value) = value.to_str() {
            call.headers.insert(name.as_str().to_string(), value.to_string());
        }
    }
    Ok(call)
}

/// The address that a call comes from: the peer's, or what a proxy that is trusted says last.
pub(crate) fn peer_of(app: &App, peer: SocketAddr, headers: &HeaderMap) -> String {
    let at = peer.ip().to_canonical();
    // what stands before a proxy's own word anybody may have written
    let told = || {
        let all = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        all.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
    };
    let behind = if app.config.proxies.contains(&at) { told() } else { None };
    behind.map_or(at, |b| b.to_canonical()).to_string()
}

/// What a call sends, for one that may: within the bytes and the time of its route.
async fn read(app: &App, route: &Route, call: &mut Call, parts: Parts, body: Body) -> Result<(), Problem> {
    let large = route.body_max() > BODY_BYTES_MAX;
    let full = |_| Problem { retry_after: Some(5), ..Problem::new(503, "busy", "too many uploads are under way") };
    let _place = if large { Some(app.uploads.try_acquire().map_err(full)?) } else { None };
    let seconds = 30 + u64::try_from(route.body_max() >> 20).unwrap_or(300);
    let late = |_| Problem::new(408, "too-slow", format!("not sent within {seconds} seconds"));
    tokio::time::timeout(Duration::from_secs(seconds), sent(route, call, parts, body)).await.map_err(late)?
}

async fn sent(route: &Route, call: &mut Call, parts: Parts, body: Body) -> Result<(), Problem> {
    let multipart = call.header("content-type").starts_with("multipart/form-data");
    let too_large = || Problem::new(413, "too-large", format!("at most {} bytes", route.body_max()));
    if multipart && matches!(route.takes, Takes::Form) {
        let bad = |_| Problem::new(400, "bad-form", "the form cannot be read");
        let bytes = axum::body::to_bytes(body, route.body_max()).await.map_err(|_| too_large())?;
        let request = Request::from_parts(parts, Body::from(bytes));
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| bad(()))?;
        while let Some(field) = form.next_field().await.map_err(|_| bad(()))? {
            let (name, file) = (field.name().unwrap_or_default().to_string(), field.file_name().is_some());
            let bytes = field.bytes().await.map_err(|_| bad(()))?;
            if file {
                call.files.push((name, bytes.to_vec()));
            } else {
                call.form.push((name, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        return Ok(());
    }
    call.body = axum::body::to_bytes(body, route.body_max()).await.map_err(|_| too_large())?.into();
    if matches!(route.takes, Takes::Form) {
        call.form = std::str::from_utf8(&call.body).map(pairs).unwrap_or_default();
    }
    Ok(())
}

/// Pairs of a query or a form.
fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|p| !p.is_empty())
        .take(2_000)
        .map(|p| {
            let (k, v) = p.split_once('=').unwrap_or((p, ""));
            (decoded(k), decoded(v))
        })
        .collect()
}

/// Percent-encoded text, `+` for a space; what is no UTF-8 is replaced.
pub(crate) fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut i = 0;
    while let Some(b) = bytes.get(i) {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (b, hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(*b),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Text as a part of a query.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}

async fn answered(
    app: Arc<App>,
    route: Route,
    peer: SocketAddr,
    params: Option<RawPathParams>,
    request: Request,
) -> Response<Body> {
    let start = Instant::now();
    app.metrics.open.fetch_add(1, Ordering::Relaxed);
    let (reply, call) = done(&app, route, peer, params, request).await;
    let who = call.caller.as_ref().map(|c| c.login.clone()).unwrap_or_default();
    let seconds = start.elapsed().as_secs_f64();
    app.metrics.open.fetch_sub(1, Ordering::Relaxed);
    app.metrics.request(route.path, reply.status, seconds);
    let path: BTreeMap<&str, &str> =
        call.path.iter().map(|(k, v)| (k.as_str(), v.get(..v.floor_char_boundary(200)).unwrap_or_default())).collect();
    let body = json!({
        "at": call.now, "who": who, "by": call.caller.as_ref().map(|c| c.by.clone()), "from": call.peer, "method": route.method,
        "route": route.path, "path": path, "status": reply.status, "ms": (seconds * 1e4).round() / 10.0,
    })
    .to_string();
    if app.config.log {
        log_line(&body);
    }
    // of those whom nobody knows, who tried to come in: they fill no disk with what they were refused
    let tried = route.who == Who::Nobody && route.is_unsafe() && reply.status != 429;
    if !who.is_empty() || tried {
        app.accessed(call.now, body);
    }
    response(&app, reply, !route.is_page())
}

async fn done(
    app: &Arc<App>,
    route: Route,
    peer: SocketAddr,
    params: Option<RawPathParams>,
    request: Request,
) -> (Reply, Call) {
    let (parts, body) = request.into_parts();
    let call = match head(app, peer, params, &parts) {
        Ok(call) => call,
        Err(p) => return (p.reply(), Call { peer: peer.ip().to_string(), now: now(), ..Call::default() }),
    };
    if !route.is_unsafe() {
        return at_work(app, call, move |app, call| {
            let may = authorized(app, &route, call);
            handle(app, &route, call, may)
        })
        .await;
    }
    // who may not is refused before what they send is read
    let (may, mut call) = at_work(app, call, move |app, call| authorized(app, &route, call)).await;
    if let Err(p) = may {
        // a short body is read to its end, so that the refusal arrives
        let rest = axum::body::to_bytes(body, REFUSED_BYTES_MAX);
        let _ = tokio::time::timeout(Duration::from_secs(2), rest).await;
        return (refusal(app, &route, &call, &p), call);
    }
    if let Err(p) = read(app, &route, &mut call, parts, body).await {
        return (refusal(app, &route, &call, &p), call);
    }
    at_work(app, call, move |app, call| {
        let may = of_session(&route, call);
        handle(app, &route, call, may)
    })
    .await
}

/// What a piece of work gives where it failed altogether.
trait Faulty {
    fn fault() -> Self;
}

impl Faulty for Reply {
    fn fault() -> Reply {
        Problem::new(500, "fault", "a fault of this server; it was logged").reply()
    }
}

impl Faulty for Result<(), Problem> {
    fn fault() -> Self {
        Err(Problem::new(500, "fault", "a fault of this server; it was logged"))
    }
}

/// Does what asks the disk or the processor, aside.
async fn at_work<T: Faulty + Send + 'static>(
    app: &Arc<App>,
    mut call: Call,
    work: impl FnOnce(&App, &mut Call) -> T + Send + 'static,
) -> (T, Call) {
    let shared = app.clone();
    let done = tokio::task::spawn_blocking(move || (work(&shared, &mut call), call)).await;
    done.unwrap_or_else(|_| (T::fault(), Call::default()))
}

fn refusal(app: &App, route: &Route, call: &Call, p: &Problem) -> Reply {
    if route.is_page() { crate::pages::problem(app, Some(call), p) } else { p.reply() }
}

/// A line of the log. Standard error is where a service's log goes.
pub(crate) fn log_line(body: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{body}");
}

/// A reply as a response: with what keeps browsers from being turned against their users.
pub(crate) fn response(app: &App, reply: Reply, api: bool) -> Response<Body> {
    let mut out = Response::new(Body::from(reply.body));
    *out.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let own = reply.headers.iter().any(|(k, _)| *k == "content-security-policy");
    let cached = reply.headers.iter().any(|(k, _)| *k == "cache-control");
    let headers = out.headers_mut();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(header::HeaderName::from_static(name), value);
        }
    };
    if !reply.kind.is_empty() {
        put("content-type", reply.kind);
    }
    for (name, value) in &reply.headers {
        put(name, value);
    }
    if !own {
        put(
            "content-security-policy",
            if api && reply.kind != HTML {
                "default-src 'none'; frame-ancestors 'none'"
            } else {
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            },
        );
    }
    put("x-content-type-options", "nosniff");
    put("x-frame-options", "DENY");
    put("referrer-policy", "same-origin");
    put("cross-origin-opener-policy", "same-origin");
    put("cross-origin-resource-policy", "same-origin");
    put("permissions-policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()");
    if !cached {
        put("cache-control", "no-store");
    }
    if app.is_tls() {
        put("strict-transport-security", "max-age=31536000");
    }
    out
}

/// Whether a request may be answered at all: it names a host that this server goes by, so that no other site's name leads here.
fn host(app: &App, call: &Call) -> Result<(), Problem> {
    let named = call.header("host");
    let bare = named.rsplit_once(':').filter(|(_, p)| p.bytes().all(|b| b.is_ascii_digit())).map_or(named, |(h, _)| h);
    let public = app.config.public_url.as_deref().and_then(|u| u.split("://").nth(1)).unwrap_or_default();
    let public = public.split('/').next().unwrap_or_default();
    let listen = app.config.listen.ip().to_string();
    let own = ["localhost", "127.0.0.1", "[::1]", listen.as_str()];
    if named.is_empty() || own.contains(&bare) || (!public.is_empty() && (named == public || bare == public)) {
        return Ok(());
    }
    Err(Problem::new(421, "wrong-host", "this server does not go by that name")
        .fix("--public-url says by which it does"))
}

fn limited(app: &App, call: &Call, known: Option<&str>) -> Result<(), Problem> {
    let (who, (most, each)) = match known {
        Some(login) => (format!("by {login}"), (f64::from(app.config.rate) * 2.0, f64::from(app.config.rate))),
        None => (format!("from {}", call.peer), STRANGER),
    };
    app.limits
        .take(&who, most, each, call.now)
        .map_err(|wait| Problem { retry_after: Some(wait), ..Problem::new(429, "too-many", "too many requests") })
}

/// Who asks, and whether they may; what they send is not read yet.
pub(crate) fn authorized(app: &App, route: &Route, call: &mut Call) -> Result<(), Problem> {
    // who shows a key that is none is a stranger, and counted as one
    let found = app.caller(call);
    limited(app, call, found.as_ref().ok().and_then(|c| c.as_ref()).map(|c| c.login.as_str()))?;
    host(app, call)?;
    call.caller = found?;
    if route.who == Who::Nobody {
        return from_here(app, route, call);
    }
    let caller = call.caller()?;
    if let Some(scopes) = &caller.scopes
        && !scopes.iter().any(|s| s == route.scope)
    {
        return Err(Problem::new(403, "scope", format!("the token has no scope `{}`", route.scope)));
    }
    if let Who::Roles(roles) = route.who
        && !roles.iter().any(|r| caller.has(r))
    {
        return Err(Problem::new(403, "not-your-role", "none of your roles may do this")
            .fix(format!("for: {}", roles.join(", "))));
    }
    if route.is_unsafe() && caller.scopes.is_none() {
        from_here(app, route, call)?;
    }
    Ok(())
}

/// Whether what a session sends comes from a page of that session.
fn of_session(route: &Route, call: &Call) -> Result<(), Problem> {
    if route.who != Who::Nobody && call.caller()?.scopes.is_none() {
        let sent =
            if call.header("x-csrf-token").is_empty() { call.field("csrf") } else { call.header("x-csrf-token") };
        if !same(sent, &call.caller()?.csrf) {
            return Err(Problem::new(403, "csrf", "the form is not of this session").fix("load the page again"));
        }
    }
    Ok(())
}

/// Whether an unsafe request comes from a page of this server, as far as its browser says.
fn from_here(app: &App, route: &Route, call: &Call) -> Result<(), Problem> {
    if !route.is_unsafe() {
        return Ok(());
    }
    let origin = call.header("origin");
    let site = call.header("sec-fetch-site");
    let own = origin.is_empty()
        || origin == app.url()
        || origin.split("://").nth(1).is_some_and(|h| h == call.header("host"));
    if !own || (!site.is_empty() && site != "same-origin" && site != "none") {
        return Err(Problem::new(403, "other-site", "the request comes from another site"));
    }
    Ok(())
}

fn handle(app: &App, route: &Route, call: &Call, may: Result<(), Problem>) -> Reply {
    let mut key = None;
    let outcome = may.and_then(|()| match begun(app, route, call)? {
        Begun::Replayed(reply) => Ok(reply),
        Begun::Mine(id) => {
            key = id;
            (route.work)(app, call)
        }
    });
    let reply = match outcome {
        Ok(reply) => reply,
        Err(p) => refusal(app, route, call, &p),
    };
    if let Some(id) = key {
        ended(app, &id, &reply, call.now);
    }
    tagged(route, call, reply)
}

enum Begun {
    /// It was done before: its answer.
    Replayed(Reply),
    /// It is to be done, under this key.
    Mine(Option<String>),
}

/// Looks whether a request with an idempotency key was answered before; where not, the key is this request's.
fn begun(app: &App, route: &Route, call: &Call) -> Result<Begun, Problem> {
    let key = call.header("idempotency-key");
    let Some(caller) = call.caller.as_ref().filter(|_| !key.is_empty() && route.takes_key()) else {
        return Ok(Begun::Mine(None));
    };
    if key.len() > 255 {
        return Err(Problem::new(400, "bad-key", "an idempotency key has at most 255 bytes"));
    }
    let id = hashed(&format!("{}\n{}\n{key}", caller.login, call.uri));
    let digest = crate::people::hex(&<sha2::Sha256 as sha2::Digest>::digest(&call.body));
    let pending = json!({"digest": digest}).to_string();
    if app.shelf(|s| s.create("idempotency", &id, &pending, call.now.saturating_add(PENDING_MICROS), call.now))? {
        return Ok(Begun::Mine(Some(id)));
    }
    let item = app.shelf(|s| s.get("idempotency", &id, call.now))?;
    let body: Value = item.and_then(|i| serde_json::from_str(&i.body).ok()).unwrap_or_default();
    if body["digest"] != digest.as_str() {
        return Err(Problem::new(422, "other-request", "another request had this idempotency key"));
    }
    let Some(status) = body["status"].as_u64().and_then(|s| u16::try_from(s).ok()) else {
        return Err(Problem {
            retry_after: Some(1),
            ..Problem::new(409, "under-way", "a request with this key is under way")
        });
    };
    let kind = if body["problem"] == true { PROBLEM } else { crate::call::JSON };
    let mut reply = Reply::of(kind, body["body"].as_str().unwrap_or_default().as_bytes().to_vec());
    reply.status = status;
    if let Some(at) = body["location"].as_str() {
        reply = reply.with("location", at);
    }
    Ok(Begun::Replayed(reply.with("idempotency-replayed", "true")))
}

/// Keeps the answer for its key. An answer of ours that is no answer frees the key.
fn ended(app: &App, id: &str, reply: &Reply, now: i64) {
    let digest = app.shelf(|s| s.get("idempotency", id, now)).ok().flatten();
    let Some(item) = digest else { return };
    let _ = if reply.status >= 500 || reply.status == 429 {
        app.shelf(|s| s.remove("idempotency", id)).map(|_| ())
    } else {
        let was: Value = serde_json::from_str(&item.body).unwrap_or_default();
        let at = reply.headers.iter().find(|(k, _)| *k == "location").map(|(_, v)| v.clone());
        let body = json!({
            "digest": was["digest"], "status": reply.status, "problem": reply.kind == PROBLEM,
            "body": String::from_utf8_lossy(&reply.body), "location": at,
        });
        let expires = now.saturating_add(IDEMPOTENT_MICROS);
        app.shelf(|s| s.replace("idempotency", id, item.rev, &body.to_string(), expires)).map(|_| ())
    };
}

/// What is read gets a tag by which it is told whether it is still the same.
fn tagged(route: &Route, call: &Call, reply: Reply) -> Reply {
    if route.method != "GET" || reply.status != 200 || route.is_page() {
        return reply;
    }
    let own = reply.headers.iter().find(|(k, _)| *k == "etag").map(|(_, v)| v.clone());
    let mut reply = reply;
    let tag = own.unwrap_or_else(|| {
        let digest = <sha2::Sha256 as sha2::Digest>::digest(&reply.body);
        let tag = format!("\"{}\"", crate::people::hex(digest.get(..12).unwrap_or_default()));
        reply.headers.push(("etag", tag.clone()));
        tag
    });
    let asked = call.header("if-none-match");
    if !asked.is_empty() && (asked == "*" || asked.split(',').any(|t| t.trim().trim_start_matches("W/") == tag)) {
        return Reply { status: 304, body: Vec::new(), kind: "", ..reply };
    }
    reply
}

/// Routes by path, for tests and documents.
pub(crate) fn by_path() -> BTreeMap<&'static str, Vec<Route>> {
    let mut out: BTreeMap<&'static str, Vec<Route>> = BTreeMap::new();
    for r in all() {
        out.entry(r.path).or_default().push(r);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        assert_eq!(
            pairs("a=1&b=x+y%2Fz&&c"),
            [("a", "1"), ("b", "x y/z"), ("c", "")].map(|(k, v)| (k.to_string(), v.to_string()))
        );
        assert_eq!(decoded("%zz%4"), "%zz%4");
        assert_eq!(decoded(&encoded("a b/ü?&=")), "a b/ü?&=");
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_comes_back_and_nothing_panics(text in ".*") {
            proptest::prop_assert_eq!(decoded(&encoded(&text)), text.clone());
            let _ = (pairs(&text), crate::people::cookie(&text, crate::people::COOKIE));
        }
    }

    #[test]
    fn no_route_is_open_but_those_that_must_be() {
        let open: Vec<&str> = all().iter().filter(|r| r.who == Who::Nobody).map(|r| r.path).collect();
        let expected = [
            "/api/openapi.json",
            "/api",
            "/healthz",
            "/readyz",
            "/sign-in",
            "/sign-in",
            "/sign-in/elsewhere",
            "/sign-in/elsewhere/back",
            "/setup",
            "/setup",
            "/assets/{name}",
        ];
        let mut sorted = (open, expected.to_vec());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1);
    }
}
