//! The server: the register, the license library, the assessment and the advisor as an API and as pages.
//!
//! Handlers are plain functions from a call to a reply, run on threads of their own; one table of routes ([`routes`]) says who may ask
//! what. Nothing here knows a license, and nothing goes out but webhooks and sign-in, which whoever runs the server names.

mod api;
mod app;
mod call;
mod hooks;
mod judge;
mod metrics;
mod oidc;
mod openapi;
mod pages;
mod people;
mod routes;
mod runs;
mod tar;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use app::{Config, OidcConfig};
pub use routes::Who;

use app::App;

/// Why the server does not start.
#[derive(Debug)]
pub enum Failed {
    /// The address cannot be listened on.
    Listen(std::io::Error),
    /// The register or what lies beside it cannot be opened: a sentence.
    Register(String),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Listen(e) => write!(f, "the address cannot be listened on: {}", e.kind()),
            Failed::Register(says) => f.write_str(says),
        }
    }
}

/// The OpenAPI document, for an address.
pub fn openapi(url: &str) -> serde_json::Value {
    openapi::document(url)
}

/// A route as the matrix of authorization sees it: method, path, who may ask, with which scope, whether it is a page.
pub fn matrix() -> Vec<(&'static str, &'static str, Who, &'static str, bool)> {
    let mut all: Vec<_> = routes::all().iter().map(|r| (r.method, r.path, r.who, r.scope, r.is_page())).collect();
    let e = runs::EVENTS;
    all.push((e.method, e.path, e.who, e.scope, false));
    all
}

/// Serves until it is told to stop (SIGINT, SIGTERM), then lets what is under way end. `ready` gets the address, and the link by which
/// the first account is made where there is none.
///
/// # Errors
/// Why it does not start.
pub fn serve(config: Config, ready: impl FnOnce(SocketAddr, Option<String>)) -> Result<(), Failed> {
    let mut config = config;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failed::Listen)?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind(config.listen)).map_err(Failed::Listen)?;
    config.listen = listener.local_addr().map_err(Failed::Listen)?;
    let (app, accesses) = App::new(config);
    let app = Arc::new(app);
    let register = |p: call::Problem| Failed::Register(p.says);
    app.write(|r| Ok(r.head()?)).map_err(register)?;
    app.read(|r| Ok(r.head()?)).map_err(register)?;
    let link = if app.is_new().map_err(register)? {
        Some(app.setup_link(freehold_governance::now()).map_err(register)?)
    } else {
        None
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (app, stop) = (&app, &stop);
        scope.spawn(move || hooks::work(app, stop));
        scope.spawn(move || {
            // accesses are written together: a disk is asked a few times a second, not for each
            let mut batch = Vec::new();
            loop {
                match accesses.recv_timeout(Duration::from_millis(200)) {
                    Ok(one) => {
                        batch.push(one);
                        batch.extend(accesses.try_iter().take(5_000));
                    }
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) if !stop.load(Ordering::Relaxed) => continue,
                    Err(_) => break,
                }
                if let Err(p) = app.keep_accesses(&batch, freehold_governance::now()) {
                    routes::log_line(&serde_json::json!({"access": p.says, "lost": batch.len()}).to_string());
                }
                batch.clear();
            }
        });
        ready(app.config.listen, link);
        let router = routes::router(app).into_make_service_with_connect_info::<SocketAddr>();
        let served =
            runtime.block_on(async { axum::serve(listener, router).with_graceful_shutdown(told_to_stop()).await });
        stop.store(true, Ordering::Relaxed);
        app.runs.end();
        served.map_err(Failed::Listen)
    })?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(())
}

/// Waits for a signal to stop.
async fn told_to_stop() {
    let interrupt = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
