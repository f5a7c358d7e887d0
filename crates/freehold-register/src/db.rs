//! The two databases, behind the few things that a register asks of one. One text of SQL serves both: numbers are `BIGINT`,
//! everything else is `TEXT`, placeholders are `$1`, `$2`, … in their order.

use std::path::Path;
use std::time::Duration;

use postgres::types::ToSql;
use rusqlite::OpenFlags;
use rusqlite::types::ValueRef;

use crate::Trouble;

/// How long a writer waits for another.
const BUSY: Duration = Duration::from_secs(10);

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Int(i64),
    Text(String),
}

impl Cell {
    pub(crate) fn int(&self) -> Result<i64, Trouble> {
        match self {
            Cell::Int(n) => Ok(*n),
            Cell::Text(_) => Err(Trouble::NotOurs("a number is expected, and there is text".into())),
        }
    }

    pub(crate) fn size(&self) -> Result<u64, Trouble> {
        u64::try_from(self.int()?).map_err(|_| Trouble::NotOurs("a number below zero".into()))
    }

    pub(crate) fn text(&self) -> Result<String, Trouble> {
        match self {
            Cell::Text(text) => Ok(text.clone()),
            Cell::Int(_) => Err(Trouble::NotOurs("text is expected, and there is a number".into())),
        }
    }
}

impl From<u64> for Cell {
    fn from(n: u64) -> Cell {
        // a log of 2^63 events is refused where its size is read
        Cell::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Cell {
    fn from(n: u32) -> Cell {
        Cell::Int(i64::from(n))
    }
}

impl From<i64> for Cell {
    fn from(n: i64) -> Cell {
        Cell::Int(n)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_string())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

pub(crate) type Cells = Vec<Cell>;

/// A connection.
pub(crate) enum Db {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgres::Client>),
}

/// What `location` names.
pub(crate) fn is_postgres(location: &str) -> bool {
    location.starts_with("postgres://") || location.starts_with("postgresql://")
}

/// A location without the password in it.
pub(crate) fn shown(location: &str) -> String {
    match (is_postgres(location), location.split_once("://"), location.rsplit_once('@')) {
        (true, Some((scheme, _)), Some((before, host))) => {
            let user = before.split_once("://").map_or("", |(_, u)| u).split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        _ => location.to_string(),
    }
}

fn sqlite(e: &rusqlite::Error) -> Trouble {
    use rusqlite::ErrorCode;
    match e.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Busy,
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Trouble::ReadOnly(e.to_string())
        }
        Some(ErrorCode::NotADatabase) => Trouble::NotOurs("it is no SQLite file".into()),
        Some(ErrorCode::DatabaseCorrupt) => Trouble::NotOurs(format!("the file is damaged: {e}")),
        _ => Trouble::Database(e.to_string()),
    }
}

fn pg(e: &postgres::Error) -> Trouble {
    match e.as_db_error() {
        Some(d) if d.code().code() == "25006" => Trouble::ReadOnly(d.message().to_string()),
        Some(d) if d.code().code() == "55P03" => Trouble::Busy,
        Some(d) => Trouble::Database(d.message().to_string()),
        None => Trouble::Database(e.to_string()),
    }
}

impl Db {
    /// Opens what is there; with `create` it may be new.
    pub(crate) fn open(location: &str, create: bool, writes: bool) -> Result<Db, Trouble> {
        Db::opened(location, create, writes, false)
    }

    /// Opens a database whose readers never wait for a writer: SQLite keeps files beside it while it is open.
    pub(crate) fn open_shared(location: &str) -> Result<Db, Trouble> {
        Db::opened(location, true, true, true)
    }

    fn opened(location: &str, create: bool, writes: bool, shared: bool) -> Result<Db, Trouble> {
        if is_postgres(location) {
            return Ok(Db::Postgres(Box::new(connect(location)?)));
        }
        let path = Path::new(location);
        if !create && !path.is_file() {
            return Err(Trouble::Absent(location.to_string()));
        }
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags |= match (create, writes) {
            (true, _) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            (false, true) => OpenFlags::SQLITE_OPEN_READ_WRITE,
            (false, false) => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(|e| sqlite(&e))?;
        connection.busy_timeout(BUSY).map_err(|e| sqlite(&e))?;
        if shared {
            connection.pragma_update(None, "journal_mode", "WAL").map_err(|e| sqlite(&e))?;
            connection.pragma_update(None, "synchronous", "FULL").map_err(|e| sqlite(&e))?;
        } else if writes || create {
            // one file, and nothing beside it once a write is done; the folder is flushed too, so that the end of a write
            // survives a loss of power
            connection.pragma_update(None, "journal_mode", "DELETE").map_err(|e| sqlite(&e))?;
            connection.pragma_update(None, "synchronous", "EXTRA").map_err(|e| sqlite(&e))?;
        }
        // SQL in a file that somebody else made is not trusted
        connection.pragma_update(None, "trusted_schema", "OFF").map_err(|e| sqlite(&e))?;
        Ok(Db::Sqlite(connection))
    }

    /// Statements without values, one after the other.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), Trouble> {
        match self {
            Db::Sqlite(c) => c.execute_batch(sql).map_err(|e| sqlite(&e)),
            Db::Postgres(c) => c.batch_execute(sql).map_err(|e| pg(&e)),
        }
    }

    /// Begins a write: nobody else writes until it ends.
    pub(crate) fn begin(&mut self) -> Result<(), Trouble> {
        match self {
            Db::Sqlite(_) => self.batch("BEGIN IMMEDIATE"),
            Db::Postgres(_) => {
                self.batch("BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '10s'")?;
                // whoever holds this row appends; the next reads what it left
                self.query("SELECT size FROM head WHERE id = 1 FOR UPDATE", &[]).map(|_| ())
            }
        }
    }

    /// Begins a reading of one moment.
    pub(crate) fn begin_reading(&mut self) -> Result<(), Trouble> {
        match self {
            Db::Sqlite(_) => self.batch("BEGIN"),
            Db::Postgres(_) => self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        }
    }

    /// Ends it and keeps what was written. After an error it is not known whether it was kept.
    pub(crate) fn commit(&mut self) -> Result<(), Trouble> {
        self.batch("COMMIT")
    }

    /// Ends it and keeps nothing.
    pub(crate) fn rollback(&mut self) {
        // a connection that is gone has kept nothing either
        let _ = self.batch("ROLLBACK");
    }

    pub(crate) fn execute(&mut self, sql: &str, cells: &[Cell]) -> Result<u64, Trouble> {
        match self {
            Db::Sqlite(c) => {
                let mut statement = c.prepare_cached(sql).map_err(|e| sqlite(&e))?;
                bind(&mut statement, cells)?;
                let rows = statement.raw_execute().map_err(|e| sqlite(&e))?;
                Ok(u64::try_from(rows).unwrap_or(u64::MAX))
            }
            Db::Postgres(c) => {
                let values: Vec<&(dyn ToSql + Sync)> = cells.iter().map(value).collect();
                c.execute(sql, &values).map_err(|e| pg(&e))
            }
        }
    }

    pub(crate) fn query(&mut self, sql: &str, cells: &[Cell]) -> Result<Vec<Cells>, Trouble> {
        match self {
            Db::Sqlite(c) => {
                let mut statement = c.prepare_cached(sql).map_err(|e| sqlite(&e))?;
                bind(&mut statement, cells)?;
                let columns = statement.column_count();
                let mut rows = statement.raw_query();
                let mut out = Vec::new();
                while let Some(row) = rows.next().map_err(|e| sqlite(&e))? {
                    let cell = |i| match row.get_ref(i).map_err(|e| sqlite(&e))? {
                        ValueRef::Integer(n) => Ok(Cell::Int(n)),
                        ValueRef::Text(text) => match std::str::from_utf8(text) {
                            Ok(text) => Ok(Cell::Text(text.to_string())),
                            Err(_) => Err(Trouble::NotOurs("text that is not UTF-8".into())),
                        },
                        _ => Err(Trouble::NotOurs("a value of a kind that no register holds".into())),
                    };
                    out.push((0..columns).map(cell).collect::<Result<Cells, Trouble>>()?);
                }
                Ok(out)
            }
            Db::Postgres(c) => {
                let values: Vec<&(dyn ToSql + Sync)> = cells.iter().map(value).collect();
                let rows = c.query(sql, &values).map_err(|e| pg(&e))?;
                let cell = |row: &postgres::Row, i: usize| match row.columns().get(i).map(|c| c.type_().name()) {
                    Some("int8") => row.try_get::<_, i64>(i).map(Cell::Int).map_err(|e| pg(&e)),
                    _ => row.try_get::<_, String>(i).map(Cell::Text).map_err(|e| pg(&e)),
                };
                rows.iter().map(|row| (0..row.len()).map(|i| cell(row, i)).collect()).collect()
            }
        }
    }

    /// The first row.
    pub(crate) fn one(&mut self, sql: &str, cells: &[Cell]) -> Result<Option<Cells>, Trouble> {
        Ok(self.query(sql, cells)?.into_iter().next())
    }

    /// True where there is a table of this name.
    pub(crate) fn has_table(&mut self, name: &str) -> Result<bool, Trouble> {
        let sql = match self {
            Db::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
            Db::Postgres(_) => {
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1"
            }
        };
        Ok(self.one(sql, &[name.into()])?.is_some())
    }
}

fn value(cell: &Cell) -> &(dyn ToSql + Sync) {
    match cell {
        Cell::Int(n) => n,
        Cell::Text(text) => text,
    }
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, cells: &[Cell]) -> Result<(), Trouble> {
    for (i, cell) in cells.iter().enumerate() {
        let at = i.saturating_add(1);
        let done = match cell {
            Cell::Int(n) => statement.raw_bind_parameter(at, n),
            Cell::Text(text) => statement.raw_bind_parameter(at, text),
        };
        done.map_err(|e| sqlite(&e))?;
    }
    Ok(())
}

/// Connects to PostgreSQL: with TLS, but on this machine where the URL does not ask for it.
fn connect(url: &str) -> Result<postgres::Client, Trouble> {
    use postgres::config::{Host, SslMode};
    let mut config: postgres::Config =
        url.parse().map_err(|_| Trouble::Database("the URL is not one: postgres://user@host/database".into()))?;
    config.connect_timeout(BUSY);
    let local = config.get_hosts().iter().all(|h| match h {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    if local && config.get_ssl_mode() != SslMode::Require {
        return config.connect(postgres::NoTls).map_err(|e| pg(&e));
    }
    // a server that offers no TLS is refused: a register does not cross a network in the clear
    config.ssl_mode(SslMode::Require);
    let tls = || Trouble::Database("TLS cannot be set up on this machine".into());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let settings = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| tls())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.connect(tokio_postgres_rustls::MakeRustlsConnect::new(settings)).map_err(|e| pg(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("postgres://ada:s3cret@db.example/freehold"), "postgres://ada@db.example/freehold");
        assert_eq!(shown("postgresql://ada@h/x"), "postgresql://ada@h/x");
        assert_eq!(shown("postgres://h/x"), "postgres://h/x");
        assert_eq!(shown("/tmp/a@b/register.db"), "/tmp/a@b/register.db");
    }
}
