//! Opening, writing, reading.

use freehold_log::{
    Checkpoint, Fault, Hash, LogProof, Nodes, SigningKey, VerifyingKey, append, consistency_proof, inclusion_proof,
    leaf_hash, root,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::cell::RefCell;

use crate::db::{Cell, Cells, Db, shown};
use crate::event::{ATTACHMENT, Event, NewEvent, PRIVATE, Row};
use crate::key::{KeyFile, Remembered};
use crate::trouble::Trouble;
use crate::verify::{Report, verify};

/// How far a clock may be behind the last event; then that event's time is used. More is refused.
pub const CLOCK_SLACK_MICROS: i64 = 5 * 60 * 1_000_000;

/// The schema that this build writes.
pub(crate) const SCHEMA_VERSION: i64 = 1;

/// Each step from one schema to the next; the first makes a new register's tables.
const MIGRATIONS: &[&str] = &["
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE event (idx BIGINT PRIMARY KEY, record TEXT NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL, leaf TEXT NOT NULL);
CREATE UNIQUE INDEX event_of_record ON event (record, seq);
CREATE TABLE node (level BIGINT NOT NULL, idx BIGINT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (level, idx));
CREATE TABLE head (id BIGINT PRIMARY KEY, size BIGINT NOT NULL, note TEXT NOT NULL);
CREATE TABLE checkpoint (size BIGINT PRIMARY KEY, note TEXT NOT NULL);
CREATE TABLE private (hash TEXT PRIMARY KEY, salt TEXT NOT NULL, digest TEXT NOT NULL, content TEXT NOT NULL);
CREATE UNIQUE INDEX private_by_digest ON private (digest);
CREATE TABLE record (record TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, artifact TEXT NOT NULL, expires BIGINT NOT NULL, updated BIGINT NOT NULL, body TEXT NOT NULL);
CREATE INDEX record_by_state ON record (state, record);
CREATE INDEX record_by_artifact ON record (artifact);
CREATE TABLE attachment (sha256 TEXT PRIMARY KEY, content TEXT NOT NULL);
"];

/// Longest attachment, in bytes.
pub(crate) const ATTACHMENT_BYTES_MAX: usize = 16 << 20;
/// Longest private text, in bytes.
const PRIVATE_BYTES_MAX: usize = 64 << 10;
/// Events that are read at once.
pub(crate) const PAGE: u64 = 1000;

/// A log's head: what was signed last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Events.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
    /// The signed checkpoint.
    pub note: String,
}

/// Which records a list tells. Empty fields tell all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The state, word for word.
    pub state: String,
    /// The artifact's digest.
    pub artifact: String,
    /// Records after this id, in the order of ids.
    pub after: String,
    /// Most records; 0 = 1,000.
    pub most: u32,
}

/// A register that is open.
pub struct Register {
    pub(crate) db: Db,
    location: String,
    origin: String,
    pub(crate) vkey: VerifyingKey,
    key: Option<SigningKey>,
    remembered: Option<Remembered>,
    /// True after a write of which it is not known whether it was kept.
    broken: bool,
}

/// The hashes of subtrees, read from the database as they are asked for.
struct Stored<'d>(RefCell<&'d mut Db>);

impl Nodes for Stored<'_> {
    fn node(&self, level: u32, index: u64) -> Result<Hash, Fault> {
        let missing = Fault::MissingNode { level, index };
        let cells = [Cell::from(level), Cell::from(index)];
        let row = self.0.borrow_mut().one("SELECT hash FROM node WHERE level = $1 AND idx = $2", &cells);
        let hash =
            row.ok().flatten().and_then(|r| r.first().and_then(|c| c.text().ok())).ok_or_else(|| missing.clone())?;
        unhex(&hash).ok_or(missing)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut out, b| {
        // writing to a string cannot fail
        let _ = write!(out, "{b:02x}");
        out
    })
}

pub(crate) fn unhex(text: &str) -> Option<Hash> {
    let mut out = [0_u8; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return None;
    }
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}

/// The hash by which a private text stands in the log.
pub(crate) fn private_hash(salt: &str, text: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"freehold-private\0")
        .chain_update(unhex(salt).unwrap_or_default())
        .chain_update(text.as_bytes())
        .finalize();
    format!("sha256:{}", hex(digest.as_slice()))
}

pub(crate) fn cell(row: &Cells, at: usize) -> Result<&Cell, Trouble> {
    row.get(at).ok_or_else(|| Trouble::NotOurs("a row with too few columns".into()))
}

impl Register {
    /// Makes a new register: its tables, its key (`key` must not be there yet), its first checkpoint.
    ///
    /// # Errors
    /// [`Trouble::Present`] where one is there; whatever the database or the key's file refuses.
    pub fn create(
        location: &str,
        key: &KeyFile,
        name: &str,
        remembered: Option<Remembered>,
    ) -> Result<Register, Trouble> {
        if !crate::db::is_postgres(location) && std::path::Path::new(location).exists() {
            return Err(Trouble::Present(location.to_string()));
        }
        let mut db = Db::open(location, true, true)?;
        if db.has_table("meta")? {
            return Err(Trouble::Present(shown(location)));
        }
        let mut id = [0_u8; 8];
        getrandom::fill(&mut id).map_err(|e| Trouble::Key(format!("no random bytes: {e}")))?;
        let safe: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).take(64).collect();
        let origin = format!("{}/freehold-register/{}", if safe.is_empty() { "local" } else { &safe }, hex(&id));
        let key = key.make(&origin)?;
        let vkey = key.verifying_key();
        db.batch("BEGIN")?;
        let made = Register::tables(&mut db, &key, &origin);
        if let Err(e) = made.and_then(|()| db.commit()) {
            db.rollback();
            return Err(e);
        }
        let location = location.to_string();
        let out = Register { db, location, origin, vkey, key: Some(key), remembered, broken: false };
        Ok(out)
    }

    fn tables(db: &mut Db, key: &SigningKey, origin: &str) -> Result<(), Trouble> {
        for step in MIGRATIONS {
            db.batch(step)?;
        }
        let put = "INSERT INTO meta (name, value) VALUES ($1, $2)";
        db.execute(put, &["schema".into(), SCHEMA_VERSION.to_string().into()])?;
        db.execute(put, &["origin".into(), origin.into()])?;
        db.execute(put, &["vkey".into(), key.verifying_key().to_string().into()])?;
        let note = Checkpoint { origin: origin.into(), size: 0, root: freehold_log::empty_root() }.sign(key)?;
        db.execute(
            "INSERT INTO head (id, size, note) VALUES ($1, $2, $3)",
            &[1_i64.into(), 0_u64.into(), note.into()],
        )?;
        Ok(())
    }

    /// Opens a register to read it.
    ///
    /// # Errors
    /// [`Trouble::Absent`], [`Trouble::NotOurs`], [`Trouble::History`] where its log does not begin with what this machine
    /// remembers.
    pub fn open(location: &str, remembered: Option<Remembered>) -> Result<Register, Trouble> {
        Register::opened(location, None, remembered)
    }

    /// Opens a register to read and write it, with the key that signs.
    ///
    /// # Errors
    /// As [`Register::open`]; [`Trouble::Key`], [`Trouble::ReadOnly`].
    pub fn open_to_write(location: &str, key: &KeyFile, remembered: Option<Remembered>) -> Result<Register, Trouble> {
        Register::opened(location, Some(key), remembered)
    }

    fn opened(location: &str, key: Option<&KeyFile>, remembered: Option<Remembered>) -> Result<Register, Trouble> {
        let mut db = Db::open(location, false, key.is_some())?;
        let mut there = db.has_table("meta");
        if matches!(there, Err(Trouble::ReadOnly(_))) && key.is_none() {
            // a writer that was killed left its journal: who may write puts the file right before it can be read
            Db::open(location, false, true)?.has_table("meta")?;
            db = Db::open(location, false, false)?;
            there = db.has_table("meta");
        }
        if !there? {
            return Err(Trouble::Absent(shown(location)));
        }
        let mut meta = |name: &str| -> Result<String, Trouble> {
            let row = db.one("SELECT value FROM meta WHERE name = $1", &[name.into()])?;
            row.as_ref()
                .map(|r| cell(r, 0)?.text())
                .transpose()?
                .ok_or_else(|| Trouble::NotOurs(format!("it has no {name}")))
        };
        let schema: i64 = meta("schema")?.parse().map_err(|_| Trouble::NotOurs("its schema is no number".into()))?;
        let (origin, vkey) = (meta("origin")?, meta("vkey")?);
        if schema > SCHEMA_VERSION {
            let why = format!(
                "it was written by a later version (schema {schema}, this build knows {SCHEMA_VERSION}): update freehold"
            );
            return Err(Trouble::NotOurs(why));
        }
        let vkey = VerifyingKey::parse(&vkey).map_err(|e| Trouble::NotOurs(format!("its public key: {e}")))?;
        if vkey.name() != origin {
            return Err(Trouble::NotOurs("its public key is another register's".into()));
        }
        let key = key.map(KeyFile::read).transpose()?;
        if let Some(key) = key.as_ref().filter(|k| k.verifying_key() != vkey) {
            return Err(Trouble::Key(format!("it is that of {}, and this is {origin}", key.verifying_key().name())));
        }
        let location = location.to_string();
        let mut out = Register { db, location, origin, vkey, key, remembered, broken: false };
        if schema < SCHEMA_VERSION && out.key.is_some() {
            out.migrate(schema)?;
        }
        out.recall()?;
        Ok(out)
    }

    /// Brings an older register's tables up to date, in one transaction.
    fn migrate(&mut self, from: i64) -> Result<(), Trouble> {
        self.db.begin()?;
        let mut done = Ok(());
        for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
            done = done.and_then(|()| self.db.batch(step));
        }
        let set = "UPDATE meta SET value = $1 WHERE name = $2";
        let done = done
            .and_then(|()| self.db.execute(set, &[SCHEMA_VERSION.to_string().into(), "schema".into()]))
            .and_then(|_| self.db.commit());
        if done.is_err() {
            self.db.rollback();
        }
        done
    }

    /// Compares the log with what this machine remembers, and remembers what it is now.
    fn recall(&mut self) -> Result<(), Trouble> {
        let head = self.head()?;
        let Some(remembered) = &self.remembered else { return Ok(()) };
        if let Some(last) = remembered.last(&self.origin, &self.vkey)? {
            self.begins_with(&last, "this machine saw")?;
        }
        if let Some(remembered) = &self.remembered {
            remembered.keep(&self.origin, &head.note);
        }
        Ok(())
    }

    /// Whether the log begins with what a checkpoint says; `whose` says who has it (`this machine saw`).
    ///
    /// # Errors
    /// [`Trouble::History`] where it does not: it was put back, cut, or is another history.
    pub fn begins_with(&mut self, known: &Checkpoint, whose: &str) -> Result<(), Trouble> {
        let head = self.head()?;
        if head.size < known.size {
            return Err(Trouble::History(format!(
                "the register has {} events, and {whose} {} of it: an older copy was put back, or its end was cut off; nothing is \
                 written into it",
                head.size, known.size
            )));
        }
        let then = root(&Stored(RefCell::new(&mut self.db)), known.size)?;
        if then != known.root {
            return Err(Trouble::History(format!(
                "the register's first {} events are not those that {whose}: it has another history; nothing is written into it",
                known.size
            )));
        }
        Ok(())
    }

    /// Which log it is.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The key that checkpoints are checked with.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.vkey
    }

    /// The location as it may be shown: without a password.
    pub fn shown(&self) -> String {
        shown(&self.location)
    }

    /// The log's head, whose signature was checked.
    ///
    /// # Errors
    /// [`Trouble::Fault`] where the checkpoint is not signed by the register's key.
    pub fn head(&mut self) -> Result<Head, Trouble> {
        head(&mut self.db, &self.vkey)
    }

    /// Writes. `work` reads what it needs and says what is added; what it refuses is given back and nothing is written. Nobody
    /// else writes meanwhile. What is returned is durable.
    ///
    /// # Errors
    /// Whatever refuses to keep it. After [`Trouble::Broken`] this register takes no more writes: open it again and look.
    pub fn change<T, E>(
        &mut self,
        now: i64,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<Result<(T, Head), E>, Trouble>
    where
        E: From<Trouble>,
    {
        if self.broken {
            return Err(Trouble::Broken);
        }
        let Some(key) = &self.key else { return Err(Trouble::ReadOnly("it was opened without its key".into())) };
        self.db.begin()?;
        let outcome = written(&mut self.db, key, &self.vkey, now, work);
        let (value, note) = match outcome {
            Ok(Ok(done)) => done,
            Ok(Err(refused)) => {
                self.db.rollback();
                return Ok(Err(refused));
            }
            Err(trouble) => {
                self.db.rollback();
                return Err(trouble);
            }
        };
        if let Err(e) = self.db.commit() {
            // it may have been kept or not: whoever goes on writing might build on sand
            self.db.rollback();
            self.broken = !matches!(e, Trouble::Busy | Trouble::ReadOnly(_));
            return Err(e);
        }
        if let Some(remembered) = &self.remembered {
            remembered.keep(&self.origin, &note.note);
        }
        Ok(Ok((value, note)))
    }

    /// The events of a record, in order; of the register as a whole for an empty id.
    ///
    /// # Errors
    /// [`Trouble::NotOurs`] where a leaf cannot be read.
    pub fn history(&mut self, record: &str) -> Result<Vec<Event>, Trouble> {
        history(&mut self.db, record)
    }

    /// Up to 1,000 events from a place in the log.
    ///
    /// # Errors
    /// As [`Register::history`].
    pub fn events(&mut self, from: u64) -> Result<Vec<Event>, Trouble> {
        let sql = "SELECT idx, leaf FROM event WHERE idx >= $1 ORDER BY idx LIMIT $2";
        events(self.db.query(sql, &[from.into(), PAGE.into()])?)
    }

    /// Records, in the order of their ids.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn list(&mut self, filter: &Filter) -> Result<Vec<Row>, Trouble> {
        // only what is asked for stands in the statement, so that an index serves it
        let mut sql =
            String::from("SELECT record, name, state, artifact, expires, updated, body FROM record WHERE record > $1");
        let mut cells: Cells = vec![filter.after.as_str().into()];
        for (column, value) in [("state", &filter.state), ("artifact", &filter.artifact)] {
            if !value.is_empty() {
                cells.push(value.as_str().into());
                sql.push_str(&format!(" AND {column} = ${}", cells.len()));
            }
        }
        cells.push(if filter.most == 0 { 1000_u32 } else { filter.most }.into());
        sql.push_str(&format!(" ORDER BY record LIMIT ${}", cells.len()));
        self.db.query(&sql, &cells)?.iter().map(row).collect()
    }

    /// One record's row.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn row(&mut self, record: &str) -> Result<Option<Row>, Trouble> {
        stored_row(&mut self.db, record)
    }

    /// A private text by its hash; `None` where it was erased.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn private(&mut self, hash: &str) -> Result<Option<String>, Trouble> {
        private_text(&mut self.db, hash)
    }

    /// An attachment by its SHA-256 in hex. What it is, its event says.
    ///
    /// # Errors
    /// [`Trouble::NotOurs`] where its bytes are no longer what they were.
    pub fn attachment(&mut self, sha256: &str) -> Result<Option<Vec<u8>>, Trouble> {
        use base64::Engine as _;
        let sql = "SELECT content FROM attachment WHERE sha256 = $1";
        let Some(row) = self.db.one(sql, &[sha256.into()])? else { return Ok(None) };
        let bytes = base64::engine::general_purpose::STANDARD.decode(cell(&row, 0)?.text()?).unwrap_or_default();
        if hex(Sha256::digest(&bytes).as_slice()) != sha256 {
            return Err(Trouble::NotOurs(format!("the attachment {sha256} is not what it was")));
        }
        Ok(Some(bytes))
    }

    /// The proof that event `index` is in the log, against its head.
    ///
    /// # Errors
    /// [`Trouble::Fault`] where there is no such event.
    pub fn prove(&mut self, index: u64) -> Result<LogProof, Trouble> {
        let head = self.head()?;
        let path = inclusion_proof(&Stored(RefCell::new(&mut self.db)), index, head.size)?;
        Ok(LogProof { extra: None, index, path, checkpoint: head.note })
    }

    /// What shows that the log of `old` events is the beginning of the log of `size`.
    ///
    /// # Errors
    /// [`Trouble::Fault`] where there are not so many.
    pub fn prove_growth(&mut self, old: u64, size: u64) -> Result<Vec<Hash>, Trouble> {
        if old == 0 || old == size {
            return Ok(Vec::new());
        }
        Ok(consistency_proof(&Stored(RefCell::new(&mut self.db)), old, size)?)
    }

    /// Checks everything that is stored against everything else, offline. `project` says what a record's row must be, given its
    /// events; `known` are checkpoints that somebody kept elsewhere.
    ///
    /// # Errors
    /// Where the database cannot be read at all.
    pub fn verify(
        &mut self,
        project: &dyn Fn(&[Event]) -> Option<Row>,
        known: &[Checkpoint],
    ) -> Result<Report, Trouble> {
        self.db.begin_reading()?;
        let report = verify(&mut self.db, &self.origin, &self.vkey, project, known);
        self.db.rollback();
        report
    }

    /// For tests: any statement.
    #[doc(hidden)]
    pub fn tamper(&mut self, sql: &str) -> Result<(), Trouble> {
        self.db.batch(sql)
    }

    /// For tests: every row of a query, as text.
    #[doc(hidden)]
    pub fn look(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Trouble> {
        let text = |c: &Cell| match c {
            Cell::Int(n) => n.to_string(),
            Cell::Text(t) => t.clone(),
        };
        Ok(self.db.query(sql, &[])?.iter().map(|r| r.iter().map(text).collect()).collect())
    }
}

/// Everything of a write but its end.
fn written<T, E: From<Trouble>>(
    db: &mut Db,
    key: &SigningKey,
    vkey: &VerifyingKey,
    now: i64,
    work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
) -> Result<Result<(T, Head), E>, Trouble> {
    let head = head(db, vkey)?;
    // the tree must be what was signed, or the next checkpoint would vouch for what somebody put there
    if root(&Stored(RefCell::new(db)), head.size)? != head.root {
        return Err(Trouble::Fault(Fault::RootDiffers));
    }
    let last = match head.size.checked_sub(1) {
        Some(index) => {
            let row = db.one("SELECT leaf FROM event WHERE idx = $1", &[index.into()])?;
            let leaf = row.as_ref().map(|r| cell(r, 0)?.text()).transpose()?.unwrap_or_default();
            let event = Event::read(index, &leaf).map_err(|e| Trouble::NotOurs(format!("event {index}: {e}")))?;
            event.at
        }
        None => i64::MIN,
    };
    if now < last.saturating_sub(CLOCK_SLACK_MICROS) {
        return Err(Trouble::ClockBack { now, last });
    }
    let mut change = Change { db, at: now.max(last), size: head.size, key, last: None };
    let value = match work(&mut change) {
        Ok(value) => value,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(last) = change.last else { return Ok(Ok((value, head))) };
    let cells = [last.size.into(), last.note.as_str().into()];
    db.execute("UPDATE head SET size = $1, note = $2 WHERE id = 1", &cells)?;
    Ok(Ok((value, last)))
}

/// A write under way.
pub struct Change<'d> {
    db: &'d mut Db,
    /// When it is, in microseconds: the clock's time, or the last event's where the clock is a little behind.
    pub at: i64,
    size: u64,
    key: &'d SigningKey,
    /// The head after the last event of this write.
    last: Option<Head>,
}

impl Change<'_> {
    /// The events of a record so far, those of this write too.
    ///
    /// # Errors
    /// As [`Register::history`].
    pub fn history(&mut self, record: &str) -> Result<Vec<Event>, Trouble> {
        history(self.db, record)
    }

    /// One record's row.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn row(&mut self, record: &str) -> Result<Option<Row>, Trouble> {
        stored_row(self.db, record)
    }

    /// A text that is kept apart, so that it can be erased: what stands for it in an event. One text is one value in a
    /// register, so that two events can be seen to name one person.
    ///
    /// # Errors
    /// [`Trouble::TooLarge`]; whatever the database refuses.
    pub fn private(&mut self, text: &str) -> Result<Value, Trouble> {
        if text.len() > PRIVATE_BYTES_MAX {
            return Err(Trouble::TooLarge(format!("a text of {} bytes; the limit is {PRIVATE_BYTES_MAX}", text.len())));
        }
        // found again by its digest, which goes when the text goes
        let digest = hex(Sha256::digest(text.as_bytes()).as_slice());
        if let Some(hash) = self.known_private(text)? {
            return Ok(json!({ PRIVATE: hash }));
        }
        let mut salt = [0_u8; 32];
        getrandom::fill(&mut salt).map_err(|e| Trouble::Database(format!("no random bytes: {e}")))?;
        let salt = hex(&salt);
        let hash = private_hash(&salt, text);
        let put = "INSERT INTO private (hash, salt, digest, content) VALUES ($1, $2, $3, $4)";
        self.db.execute(put, &[hash.as_str().into(), salt.into(), digest.into(), text.into()])?;
        Ok(json!({ PRIVATE: hash }))
    }

    /// A private text by its hash; `None` where it was erased.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn private_text(&mut self, hash: &str) -> Result<Option<String>, Trouble> {
        private_text(self.db, hash)
    }

    /// The hash of a private text that is kept.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn known_private(&mut self, text: &str) -> Result<Option<String>, Trouble> {
        let digest = hex(Sha256::digest(text.as_bytes()).as_slice());
        let row = self.db.one("SELECT hash FROM private WHERE digest = $1", &[digest.into()])?;
        row.as_ref().map(|r| cell(r, 0)?.text()).transpose()
    }

    /// Erases a private text. The log stays whole: what stands in it was never the text. Add an event that says so.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn erase(&mut self, hash: &str) -> Result<bool, Trouble> {
        Ok(self.db.execute("DELETE FROM private WHERE hash = $1", &[hash.into()])? > 0)
    }

    /// Keeps a file: what stands for it in an event, which must name it.
    ///
    /// # Errors
    /// [`Trouble::TooLarge`]; whatever the database refuses.
    pub fn attach(&mut self, bytes: &[u8]) -> Result<Value, Trouble> {
        use base64::Engine as _;
        if bytes.len() > ATTACHMENT_BYTES_MAX {
            let message = format!("an attachment of {} bytes; the limit is {ATTACHMENT_BYTES_MAX}", bytes.len());
            return Err(Trouble::TooLarge(message));
        }
        let sha256 = hex(Sha256::digest(bytes).as_slice());
        if self.db.one("SELECT sha256 FROM attachment WHERE sha256 = $1", &[sha256.as_str().into()])?.is_none() {
            let content = base64::engine::general_purpose::STANDARD.encode(bytes);
            let put = "INSERT INTO attachment (sha256, content) VALUES ($1, $2)";
            self.db.execute(put, &[sha256.as_str().into(), content.into()])?;
        }
        Ok(json!({ ATTACHMENT: sha256 }))
    }

    /// Adds an event: as it was written.
    ///
    /// # Errors
    /// [`Trouble::TooLarge`] where it is no event; whatever the database refuses.
    pub fn append(&mut self, event: &NewEvent) -> Result<Event, Trouble> {
        let sql = "SELECT seq FROM event WHERE record = $1 ORDER BY seq DESC LIMIT 1";
        let seq = match self.db.one(sql, &[event.record.as_str().into()])? {
            Some(row) => cell(&row, 0)?.size()?.saturating_add(1),
            None => 0,
        };
        let leaf = event.leaf(self.at, seq)?;
        let index = self.size;
        let nodes = append(&Stored(RefCell::new(self.db)), index, leaf_hash(leaf.as_bytes()))?;
        let put = "INSERT INTO event (idx, record, seq, kind, leaf) VALUES ($1, $2, $3, $4, $5)";
        let cells =
            [index.into(), event.record.as_str().into(), seq.into(), event.kind.as_str().into(), leaf.as_str().into()];
        self.db.execute(put, &cells)?;
        for (level, at, hash) in nodes {
            let put = "INSERT INTO node (level, idx, hash) VALUES ($1, $2, $3)";
            self.db.execute(put, &[level.into(), at.into(), hex(&hash).into()])?;
        }
        self.size = index.saturating_add(1);
        // one for each event, so that a check can say which is the first bad one
        let root = root(&Stored(RefCell::new(self.db)), self.size)?;
        let origin = self.key.verifying_key().name().to_string();
        let note = Checkpoint { origin, size: self.size, root }.sign(self.key)?;
        let put = "INSERT INTO checkpoint (size, note) VALUES ($1, $2)";
        self.db.execute(put, &[self.size.into(), note.as_str().into()])?;
        self.last = Some(Head { size: self.size, root, note });
        Event::read(index, &leaf).map_err(Trouble::NotOurs)
    }

    /// Keeps a record's projection, in place of the one that is there.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn put_row(&mut self, row: &Row) -> Result<(), Trouble> {
        self.db.execute("DELETE FROM record WHERE record = $1", &[row.record.as_str().into()])?;
        let put = "INSERT INTO record (record, name, state, artifact, expires, updated, body) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let cells = [
            row.record.as_str().into(),
            row.name.as_str().into(),
            row.state.as_str().into(),
            row.artifact.as_str().into(),
            row.expires.into(),
            row.updated.into(),
            row.body.as_str().into(),
        ];
        self.db.execute(put, &cells).map(|_| ())
    }
}

fn head(db: &mut Db, vkey: &VerifyingKey) -> Result<Head, Trouble> {
    let row = db.one("SELECT size, note FROM head WHERE id = 1", &[])?;
    let row = row.ok_or_else(|| Trouble::NotOurs("it has no head".into()))?;
    let (size, note) = (cell(&row, 0)?.size()?, cell(&row, 1)?.text()?);
    let signed = Checkpoint::open(&note, vkey)?;
    if signed.size != size {
        return Err(Trouble::NotOurs("its head is not what was signed".into()));
    }
    Ok(Head { size, root: signed.root, note })
}

fn private_text(db: &mut Db, hash: &str) -> Result<Option<String>, Trouble> {
    let row = db.one("SELECT content FROM private WHERE hash = $1", &[hash.into()])?;
    row.as_ref().map(|r| cell(r, 0)?.text()).transpose()
}

fn events(rows: Vec<Cells>) -> Result<Vec<Event>, Trouble> {
    let one = |row: &Cells| {
        let index = cell(row, 0)?.size()?;
        Event::read(index, &cell(row, 1)?.text()?).map_err(|e| Trouble::NotOurs(format!("event {index}: {e}")))
    };
    rows.iter().map(one).collect()
}

fn history(db: &mut Db, record: &str) -> Result<Vec<Event>, Trouble> {
    events(db.query("SELECT idx, leaf FROM event WHERE record = $1 ORDER BY seq", &[record.into()])?)
}

fn stored_row(db: &mut Db, record: &str) -> Result<Option<Row>, Trouble> {
    let sql = "SELECT record, name, state, artifact, expires, updated, body FROM record WHERE record = $1";
    db.one(sql, &[record.into()])?.as_ref().map(row).transpose()
}

pub(crate) fn row(cells: &Cells) -> Result<Row, Trouble> {
    Ok(Row {
        record: cell(cells, 0)?.text()?,
        name: cell(cells, 1)?.text()?,
        state: cell(cells, 2)?.text()?,
        artifact: cell(cells, 3)?.text()?,
        expires: cell(cells, 4)?.int()?,
        updated: cell(cells, 5)?.int()?,
        body: cell(cells, 6)?.text()?,
    })
}
