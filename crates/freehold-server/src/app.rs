//! What every handler shares: the register, the shelf beside it, the law, the templates, counters.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use freehold_assess::{Deployment, House};
use freehold_catalog::Catalog;
use freehold_governance::Wrong;
use freehold_record::{Standing, State};
use freehold_register::{Filter, KeyFile, Register, Remembered, Row, Shelf, Trouble, new_id};
use freehold_text::Index;
use serde_json::Value;

use crate::call::Problem;
use crate::metrics::Metrics;
use crate::runs::Runs;

/// How the server is set up.
pub struct Config {
    /// The register: an SQLite file or `postgres://…`.
    pub register: String,
    /// Its private key.
    pub key: PathBuf,
    /// Where checkpoints are remembered.
    pub remembered: Option<Remembered>,
    /// The address that it listens on.
    pub listen: SocketAddr,
    /// The address that people reach it under (`https://freehold.example`); cookies are for TLS alone where it is https.
    pub public_url: Option<String>,
    /// The law.
    pub catalog: &'static Catalog,
    /// The index of license texts.
    pub index: Index<'static>,
    /// The house's own law.
    pub house: Arc<House>,
    /// Facts of the organization that every question starts from.
    pub organization: Deployment,
    /// The organization's policy as it is written, and its file.
    pub policy: Option<(String, String)>,
    /// The program itself, for what it does by commands: exports, trainings.
    pub program: PathBuf,
    /// Where recipes, bases and data of trainings lie; `None` = no trainings from here.
    pub studio: Option<PathBuf>,
    /// Sign-in at another place.
    pub oidc: Option<OidcConfig>,
    /// Webhooks may go to private addresses and over plain HTTP.
    pub private_hooks: bool,
    /// Addresses of proxies whose last word in `x-forwarded-for` is believed.
    pub proxies: Vec<IpAddr>,
    /// Requests a second that one caller may make.
    pub rate: u32,
    /// One line of JSON a request to standard error.
    pub log: bool,
}

/// An OpenID provider.
pub struct OidcConfig {
    /// Its issuer.
    pub issuer: String,
    /// The id that it knows us under.
    pub client_id: String,
    /// The secret for that.
    pub client_secret: String,
    /// What the button says.
    pub name: String,
}

/// What lists show of a record, read once; its state is read off the clock.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) artifact: String,
    pub(crate) expires: i64,
    pub(crate) updated: i64,
    pub(crate) verdict: String,
    pub(crate) licenses: Vec<String>,
    pub(crate) bases: Vec<String>,
    pub(crate) owner: String,
    /// Whether an exception that was agreed to has an end.
    pub(crate) excepted: bool,
    standing: Option<Standing>,
}

impl Line {
    fn of(row: Row) -> Line {
        let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
        let word = |key: &str| body[key].as_str().unwrap_or_default().to_string();
        Line {
            verdict: word("verdict"),
            licenses: crate::people::words(&body["licenses"]),
            bases: crate::people::words(&body["bases"]),
            owner: word("owner"),
            excepted: !body["standing"]["exception_ends"].is_null(),
            standing: Standing::from_json(&body["standing"]),
            id: row.record,
            name: row.name,
            artifact: row.artifact,
            expires: row.expires,
            updated: row.updated,
        }
    }

    /// Where it stands at a moment; what cannot be read is in force for nobody.
    pub(crate) fn state(&self, now: i64) -> State {
        self.standing.map_or(State::ReReview, |s| s.state_at(now))
    }
}

/// Lines of lists at one size of the log.
type Lines = (u64, Arc<Vec<Line>>);

/// Accesses that wait to be written down.
const ACCESSES_WAITING_MAX: usize = 65_536;
/// Large uploads at once.
const UPLOADS_MAX: usize = 4;
/// How long an access is kept: longer than a year, which is what audits are about.
const ACCESS_MICROS: i64 = 400 * 86_400_000_000;
/// Connections that are kept open.
const KEPT_MAX: usize = 16;

pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) pages: minijinja::Environment<'static>,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    pub(crate) runs: Runs,
    /// Places for large uploads, each of which is held in memory.
    pub(crate) uploads: tokio::sync::Semaphore,
    readers: Mutex<Vec<Register>>,
    writer: Mutex<Option<Register>>,
    shelves: Mutex<Vec<Shelf>>,
    lines: Mutex<Option<Lines>>,
    accesses: SyncSender<(String, String)>,
}

/// A lock whose holder panicked holds what it held: nothing here is left half done under one.
pub(crate) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    pub(crate) fn new(config: Config) -> (App, Receiver<(String, String)>) {
        let (accesses, written) = sync_channel(ACCESSES_WAITING_MAX);
        let app = App {
            pages: crate::pages::environment(),
            metrics: Metrics::default(),
            limits: Limits::default(),
            runs: Runs::default(),
            uploads: tokio::sync::Semaphore::new(UPLOADS_MAX),
            readers: Mutex::new(Vec::new()),
            writer: Mutex::new(None),
            shelves: Mutex::new(Vec::new()),
            lines: Mutex::new(None),
            accesses,
            config,
        };
        (app, written)
    }

    /// Reads the register.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut Register) -> Result<T, Wrong>) -> Result<T, Problem> {
        let kept = held(&self.readers).pop();
        let mut register = match kept {
            Some(register) => register,
            None => Register::open(&self.config.register, self.config.remembered.clone())?,
        };
        let out = work(&mut register);
        // a connection that failed is not used again
        if !matches!(out, Err(Wrong::Trouble(Trouble::Database(_) | Trouble::Broken | Trouble::ReadOnly(_)))) {
            let mut kept = held(&self.readers);
            if kept.len() < KEPT_MAX {
                kept.push(register);
            }
        }
        Ok(out?)
    }

    /// Writes into the register, one after the other.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut Register) -> Result<T, Wrong>) -> Result<T, Problem> {
        let mut writer = held(&self.writer);
        let mut register = match writer.take() {
            Some(register) => register,
            None => {
                let key = KeyFile::at(&self.config.key);
                Register::open_to_write(&self.config.register, &key, self.config.remembered.clone())?
            }
        };
        let out = work(&mut register);
        if !matches!(out, Err(Wrong::Trouble(_))) {
            *writer = Some(register);
        }
        Ok(out?)
    }

    /// Reads and writes what is kept beside the log.
    pub(crate) fn shelf<T>(&self, work: impl FnOnce(&mut Shelf) -> Result<T, Trouble>) -> Result<T, Problem> {
        let kept = held(&self.shelves).pop();
        let mut shelf = match kept {
            Some(shelf) => shelf,
            None => Shelf::open(&Shelf::beside(&self.config.register))?,
        };
        let out = work(&mut shelf);
        if out.is_ok() {
            let mut kept = held(&self.shelves);
            if kept.len() < KEPT_MAX {
                kept.push(shelf);
            }
        }
        Ok(out?)
    }

    /// Every record's line, in the order of ids: read once for each size of the log.
    pub(crate) fn lines(&self) -> Result<Arc<Vec<Line>>, Problem> {
        let size = self.read(|r| Ok(r.head()?.size))?;
        if let Some((at, lines)) = held(&self.lines).as_ref()
            && *at == size
        {
            return Ok(lines.clone());
        }
        let lines = self.read(|register| {
            let mut all = Vec::new();
            let mut after = String::new();
            loop {
                let page = register.list(&Filter { after: after.clone(), most: 0, ..Filter::default() })?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.record);
                all.extend(page.into_iter().map(Line::of));
            }
            Ok(all)
        })?;
        let lines = Arc::new(lines);
        *held(&self.lines) = Some((size, lines.clone()));
        Ok(lines)
    }

    /// Writes down that somebody asked for something. What cannot wait is written at once.
    pub(crate) fn accessed(&self, at: i64, body: String) {
        let Ok(id) = new_id(at) else { return };
        if let Err(full) = self.accesses.try_send((id, body)) {
            use std::sync::mpsc::TrySendError;
            let (TrySendError::Full((id, body)) | TrySendError::Disconnected((id, body))) = full;
            // nothing is dropped in silence: it waits for the disk
            let _ = self.keep_accesses(&[(id, body)], at);
        }
    }

    /// Writes accesses down together.
    pub(crate) fn keep_accesses(&self, batch: &[(String, String)], now: i64) -> Result<(), Problem> {
        self.shelf(|s| s.create_all("access", batch, now.saturating_add(ACCESS_MICROS))).map(|_| ())
    }

    /// Whether the address that people reach it under is one of TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.config.public_url.as_deref().is_some_and(|u| u.starts_with("https://"))
    }

    /// The address that people reach it under.
    pub(crate) fn url(&self) -> String {
        self.config.public_url.clone().unwrap_or_else(|| format!("http://{}", self.config.listen))
    }
}

/// How often somebody may ask: a bucket each, that fills again.
#[derive(Default)]
pub(crate) struct Limits(Mutex<Buckets>);

#[derive(Default)]
struct Buckets {
    /// What is left in each, and since when.
    all: BTreeMap<String, (f64, i64)>,
    /// When full ones were last thrown away.
    swept: i64,
}

/// Most buckets that are kept.
const BUCKETS_MAX: usize = 100_000;

impl Limits {
    /// Takes one from the bucket of `who`, which holds `most` and gets `per_second` back: the seconds to wait where it is empty.
    pub(crate) fn take(&self, who: &str, most: f64, per_second: f64, now: i64) -> Result<(), u64> {
        let mut buckets = held(&self.0);
        if buckets.all.len() >= BUCKETS_MAX && now.saturating_sub(buckets.swept) > 10_000_000 {
            // a bucket that nobody took from for ten minutes is full again
            buckets.all.retain(|_, (_, at)| now.saturating_sub(*at) < 600_000_000);
            buckets.swept = now;
        }
        // where there is no place left, whoever is new shares one
        let full = buckets.all.len() >= BUCKETS_MAX && !buckets.all.contains_key(who);
        let who = if full { "everybody else" } else { who };
        let (left, at) = buckets.all.entry(who.to_string()).or_insert((most, now));
        let micros = i32::try_from(now.saturating_sub(*at).clamp(0, 2_000_000_000)).unwrap_or(0);
        *left = (*left + f64::from(micros) / 1e6 * per_second).min(most);
        *at = now;
        if *left >= 1.0 {
            *left -= 1.0;
            return Ok(());
        }
        let wait = ((1.0 - *left) / per_second).ceil().clamp(1.0, 3600.0);
        Err(format!("{wait:.0}").parse().unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let limits = Limits::default();
        assert!((0..3).all(|_| limits.take("a", 3.0, 1.0, 0).is_ok()));
        assert_eq!(limits.take("a", 3.0, 1.0, 0), Err(1));
        assert!(limits.take("b", 3.0, 1.0, 0).is_ok());
        assert!(limits.take("a", 3.0, 1.0, 1_000_000).is_ok());
    }
}
