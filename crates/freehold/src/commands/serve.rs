//! `freehold serve`: the register, the license library, the assessment and the advisor as pages and as an API.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_base::{Diagnostic, Severity, shown};
use freehold_catalog::Catalog;
use freehold_governance::Wrong;
use freehold_register::{KeyFile, Register, Shelf, copy_database};
use freehold_server::{Config, OidcConfig, serve};

use super::{prepare, print, register, report};
use crate::context::{find_organization_file, get, text_of};
use crate::exit;

/// The address that is listened on where none is named: this machine alone.
const LISTEN: &str = "127.0.0.1:8080";
/// Requests a second that one caller may make.
const RATE: u32 = 200;
/// The register that is made where none is named.
const REGISTER: &str = "freehold-register.db";

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let own = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let config = match config(matches, own) {
        Ok(config) => config,
        Err(mistakes) => {
            report(&mistakes);
            return exit::USAGE;
        }
    };
    let open = !config.listen.ip().is_loopback();
    let plain = config.public_url.as_deref().is_none_or(|u| !u.starts_with("https://"));
    if open && plain {
        let d = Diagnostic::warning("open", format!("{} is reached from other machines, in the clear", config.listen));
        report(&[d.help("put a proxy with TLS before it, and name its address: --public-url https://…")]);
    }
    let shown_register = shown(&config.register);
    let done = serve(config, |address, link| {
        let mut out = format!("serving   http://{address}\nregister  {shown_register}\n");
        match link {
            Some(link) => out.push_str(&format!("first     {link}   makes the first account, once\n")),
            None => out.push_str("api       /api, with tokens from /settings\n"),
        }
        print(&out);
    });
    match done {
        Ok(()) => exit::CLEAR,
        Err(e) => {
            report(&[Diagnostic::error("serve", e.to_string())]);
            exit::UNREADABLE
        }
    }
}

fn config(matches: &ArgMatches, own: crate::load::Run<'_>) -> Result<Config, Vec<Diagnostic>> {
    let mut mistakes = Vec::new();
    let listen = get(matches, "listen").unwrap_or(LISTEN);
    let address: Option<SocketAddr> = listen.parse().ok();
    if address.is_none() {
        mistakes.push(
            Diagnostic::error("bad-address", format!("`--listen {listen}` is no address"))
                .help("127.0.0.1:8080, [::1]:8080, 0.0.0.0:8080"),
        );
    }
    let public_url = get(matches, "public-url").map(|u| u.trim_end_matches('/').to_string());
    if public_url.as_deref().is_some_and(|u| !(u.starts_with("https://") || u.starts_with("http://"))) {
        mistakes.push(Diagnostic::error("bad-address", "`--public-url` begins with https://"));
    }
    let set = std::env::var("FREEHOLD_REGISTER").ok().filter(|v| !v.is_empty());
    let location = get(matches, "register").map(str::to_string).or(set).unwrap_or_else(|| REGISTER.to_string());
    let key = match register::key_of(matches, &location) {
        Ok(key) => key,
        Err(Wrong::Usage(d)) => {
            mistakes.push(*d);
            KeyFile::beside(&location)
        }
        Err(_) => KeyFile::beside(&location),
    };
    let studio = get(matches, "studio").map(PathBuf::from);
    if studio.as_ref().is_some_and(|s| !s.is_dir()) {
        mistakes.push(Diagnostic::error("no-folder", "`--studio` names no folder"));
    }
    let rate = get(matches, "rate").map_or(Some(RATE), |n| n.parse().ok().filter(|n| (1..=10_000_000).contains(n)));
    if rate.is_none() {
        mistakes.push(Diagnostic::error("not-a-number", "`--rate` is a number from 1"));
    }
    let mut proxies = Vec::new();
    for one in get(matches, "trusted-proxy").unwrap_or_default().split(',').map(str::trim).filter(|p| !p.is_empty()) {
        match one.parse::<IpAddr>() {
            Ok(ip) => proxies.push(ip.to_canonical()),
            Err(_) => mistakes.push(Diagnostic::error("bad-address", format!("`{one}` is no address of a proxy"))),
        }
    }
    let oidc = oidc(matches, &mut mistakes);
    let policy = policy(matches, &mut mistakes);
    let program = std::env::current_exe();
    if program.is_err() {
        mistakes.push(Diagnostic::error("no-program", "this program cannot find itself"));
    }
    if mistakes.iter().any(|d| d.severity == Severity::Error) {
        return Err(mistakes);
    }
    report(&mistakes);
    // a new register where there is none: a server that is tried needs no preparation
    let remembered = register::remembered();
    if !location.contains("://") && !Path::new(&location).exists() {
        let made =
            Register::create(&location, &key, get(matches, "organization").unwrap_or("local"), remembered.clone());
        made.map_err(|e| vec![Diagnostic::error("register", e.to_string())])?;
    }
    let catalog = crate::house::kept(own.catalog.clone());
    Ok(Config {
        register: location,
        key: key.path().to_path_buf(),
        remembered,
        listen: address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
        public_url,
        organization: own.deployment.clone(),
        catalog,
        index: own.index,
        house: own.house,
        policy,
        program: program.unwrap_or_default(),
        studio,
        oidc,
        rate: rate.unwrap_or(RATE),
        proxies,
        private_hooks: matches.get_flag("private-webhooks"),
        log: !matches.get_flag("quiet"),
    })
}

fn oidc(matches: &ArgMatches, mistakes: &mut Vec<Diagnostic>) -> Option<OidcConfig> {
    let issuer = get(matches, "oidc-issuer")?;
    let client_id = get(matches, "oidc-client");
    // a secret stands on no command line, where everybody on the machine reads it
    let secret = std::env::var("FREEHOLD_OIDC_SECRET").ok().filter(|v| !v.is_empty());
    if client_id.is_none() || secret.is_none() {
        let d =
            Diagnostic::error("oidc", "`--oidc-issuer` needs --oidc-client ID, and its secret in FREEHOLD_OIDC_SECRET");
        mistakes.push(d);
    }
    Some(OidcConfig {
        issuer: issuer.to_string(),
        client_id: client_id.unwrap_or_default().to_string(),
        client_secret: secret.unwrap_or_default(),
        name: get(matches, "oidc-name").unwrap_or("your organization").to_string(),
    })
}

/// The policy as it is written, and its file, where there is one.
fn policy(matches: &ArgMatches, mistakes: &mut Vec<Diagnostic>) -> Option<(String, String)> {
    let path = get(matches, "policy").map(PathBuf::from).or_else(find_organization_file)?;
    match text_of(&path) {
        Ok(text) => Some((path.display().to_string(), text)).filter(|(_, t)| t.contains("[policy")),
        Err(d) => {
            mistakes.push(*d);
            None
        }
    }
}

/// `freehold backup`: copies of the databases while others go on.
pub(crate) fn backup(matches: &ArgMatches) -> u8 {
    let set = std::env::var("FREEHOLD_REGISTER").ok().filter(|v| !v.is_empty());
    let location = get(matches, "register").map(str::to_string).or(set).unwrap_or_else(|| REGISTER.to_string());
    let dir = PathBuf::from(get(matches, "out").unwrap_or_default());
    let failed = |says: String| {
        report(&[Diagnostic::error("backup", says)]);
        exit::UNREADABLE
    };
    if dir.exists() {
        report(&[Diagnostic::error("backup", format!("{} is there already", dir.display()))
            .help("name a folder that is not there")]);
        return exit::USAGE;
    }
    if let Err(e) = std::fs::create_dir_all(&dir) {
        return failed(format!("{} cannot be made: {}", dir.display(), e.kind()));
    }
    let shelf = Shelf::beside(&location);
    let mut out = String::new();
    for (from, name) in [(location.clone(), "register.db"), (shelf, "register.db.server")] {
        if name.ends_with(".server") && !Path::new(&from).exists() {
            continue;
        }
        let to = dir.join(name);
        if let Err(e) = copy_database(&from, &to.display().to_string()) {
            return failed(e.to_string());
        }
        out.push_str(&format!("wrote     {}\n", to.display()));
    }
    let head = Register::open(&dir.join("register.db").display().to_string(), None).and_then(|mut r| r.head());
    match head {
        Ok(head) => {
            if let Err(e) = std::fs::write(dir.join("checkpoint"), &head.note) {
                return failed(format!("the checkpoint cannot be written: {}", e.kind()));
            }
            out.push_str(&format!(
                "holds     {} events; their signed checkpoint is beside them\nnote      the private key is not in it: keep a copy of {} elsewhere\nnext      freehold register verify --register {}/register.db --checkpoint {}/checkpoint\n",
                head.size,
                KeyFile::beside(&location).path().display(),
                dir.display(),
                dir.display(),
            ));
        }
        Err(e) => return failed(e.to_string()),
    }
    print(&shown(&out));
    exit::CLEAR
}
