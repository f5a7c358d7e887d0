//! A real PostgreSQL for the tests: `FREEHOLD_POSTGRES` names one, else Debian's is started in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A server that ends with the test.
pub(crate) struct Server {
    url: String,
    own: Option<(PathBuf, tempfile::TempDir)>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("bin"))
        .filter(|b| b.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop()
}

/// A command as a user that PostgreSQL runs as: it refuses root.
fn as_user(program: &Path) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
    if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

impl Server {
    /// Starts a server; `None`, and one line that says why, where there is none to start.
    pub(crate) fn start() -> Option<Server> {
        if let Ok(url) = std::env::var("FREEHOLD_POSTGRES") {
            return Some(Server { url, own: None });
        }
        let Some(bin) = binaries() else {
            eprintln!(
                "skipped: no PostgreSQL in /usr/lib/postgresql (Debian's package `postgresql`), and FREEHOLD_POSTGRES names none"
            );
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
        if root {
            let done = Command::new("chown").arg("postgres:postgres").arg(dir.path()).status();
            if !done.is_ok_and(|s| s.success()) {
                eprintln!("skipped: there is no user `postgres`, and a server does not run as root");
                return None;
            }
        }
        let data = dir.path().join("data");
        let init = as_user(&bin.join("initdb"))
            .args(["--auth=trust", "--username=freehold", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(&data)
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        let socket = dir.path().display().to_string().replace('/', "%2F");
        let server = Server { url: format!("postgres://freehold@{socket}/postgres"), own: Some((bin, dir)) };
        server.up();
        Some(server)
    }

    fn control(&self, args: &[&str]) {
        let Some((bin, dir)) = &self.own else { return };
        let log = dir.path().join("log");
        let done = as_user(&bin.join("pg_ctl"))
            .args(args)
            .arg("-D")
            .arg(dir.path().join("data"))
            .arg("-l")
            .arg(&log)
            .current_dir(dir.path())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "{args:?}: {}", std::fs::read_to_string(log).unwrap_or_default());
    }

    /// Starts it; it listens on a socket in its folder and nowhere else.
    pub(crate) fn up(&self) {
        let Some((_, dir)) = &self.own else { return };
        let options = format!("-c listen_addresses= -c unix_socket_directories={} -c fsync=on", dir.path().display());
        self.control(&["-w", "-o", &options, "start"]);
    }

    /// Stops it as a loss of power would: without a word to anybody.
    pub(crate) fn crash(&self) {
        self.control(&["-w", "-m", "immediate", "stop"]);
    }

    /// True where this test started it, and may stop it.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// A database that nobody else uses.
    pub(crate) fn database(&self) -> String {
        let name = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut client = postgres_client(&self.url);
        client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let (before, _) = self.url.rsplit_once('/').unwrap();
        format!("{before}/{name}")
    }
}

fn postgres_client(url: &str) -> postgres::Client {
    postgres::Client::connect(url, postgres::NoTls).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.own.is_some() && !std::thread::panicking() {
            self.control(&["-m", "fast", "stop"]);
        } else if let Some((bin, dir)) = &self.own {
            let _ = as_user(&bin.join("pg_ctl"))
                .args(["-m", "immediate", "stop", "-D"])
                .arg(dir.path().join("data"))
                .status();
        }
    }
}
