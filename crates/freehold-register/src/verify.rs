//! The check of a whole register, offline: every stored byte against every other.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use freehold_log::{Checkpoint, Hash, VerifyingKey, empty_root, leaf_hash, node_hash};
use sha2::{Digest, Sha256};

use crate::db::{Cell, Db};
use crate::event::{ATTACHMENT, Event, PRIVATE, Row, named};
use crate::register::{PAGE, SCHEMA_VERSION, cell, hex, private_hash, row, unhex};
use crate::trouble::Trouble;

/// Most faults that are told; further ones are counted.
const FOUND_MAX: usize = 100;

/// One thing that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The first event that it touches, by its place; `None` where it touches none.
    pub event: Option<u64>,
    /// What is wrong, lower case, no full stop.
    pub says: String,
}

/// What a check of a register found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that were read.
    pub events: u64,
    /// Records.
    pub records: u64,
    /// Signed checkpoints that agree with the log.
    pub checkpoints: u64,
    /// Private texts that were erased: their events stay.
    pub erased: u64,
    /// What does not agree, the first bad event first.
    pub found: Vec<Found>,
    /// Faults beyond those that are listed.
    pub more: u64,
}

impl Report {
    fn tell(&mut self, event: Option<u64>, says: impl Into<String>) {
        if self.found.len() < FOUND_MAX {
            self.found.push(Found { event, says: says.into() });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

/// A tree that grows leaf by leaf and keeps its complete subtrees alone.
#[derive(Default)]
struct Frontier {
    /// Level and hash, largest first.
    peaks: Vec<(u32, Hash)>,
    size: u64,
}

impl Frontier {
    /// Adds a leaf; the subtrees that it completes: level, place, hash.
    fn push(&mut self, leaf: Hash) -> Vec<(u32, u64, Hash)> {
        let (mut level, mut at, mut hash) = (0_u32, self.size, leaf);
        let mut done = vec![(level, at, hash)];
        while let Some((_, left)) = self.peaks.pop_if(|(l, _)| *l == level) {
            hash = node_hash(&left, &hash);
            level += 1;
            at >>= 1;
            done.push((level, at, hash));
        }
        self.peaks.push((level, hash));
        self.size += 1;
        done
    }

    fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().map(|(_, hash)| *hash);
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(last, |right, left| node_hash(&left, &right))
    }
}

/// What the pass over all events gathers.
#[derive(Default)]
struct Pass {
    tree: Frontier,
    /// Events of each record so far.
    next: BTreeMap<String, u64>,
    last_at: Option<i64>,
    /// Hashes of private texts: the first event that has each.
    private: BTreeMap<String, u64>,
    /// SHA-256 of files: the first event that names each.
    attached: BTreeMap<String, u64>,
    /// Hashes that an event says were erased.
    erased: BTreeSet<String>,
}

pub(crate) fn verify(
    db: &mut Db,
    origin: &str,
    vkey: &VerifyingKey,
    project: &dyn Fn(&[Event]) -> Option<Row>,
    known: &[Checkpoint],
) -> Result<Report, Trouble> {
    let mut report = Report::default();
    let mut roots: BTreeMap<u64, Hash> = BTreeMap::from([(0, empty_root())]);
    let mut wanted: BTreeSet<u64> = known.iter().map(|c| c.size).collect();
    let notes = checkpoints(db, vkey, &mut report)?;
    wanted.extend(notes.iter().map(|c| c.size));
    let mut pass = Pass::default();
    loop {
        let sql = "SELECT idx, record, seq, kind, leaf FROM event WHERE idx >= $1 ORDER BY idx LIMIT $2";
        let rows = db.query(sql, &[pass.tree.size.into(), PAGE.into()])?;
        if rows.is_empty() {
            break;
        }
        let mut made = BTreeMap::new();
        for cells in &rows {
            let index = cell(cells, 0)?.int()?;
            let expected = pass.tree.size;
            if u64::try_from(index) != Ok(expected) {
                report.tell(Some(expected), format!("event {expected} is missing: the next that is there is {index}"));
                return ended(report);
            }
            let leaf = cell(cells, 4)?.text()?;
            for (level, at, hash) in pass.tree.push(leaf_hash(leaf.as_bytes())) {
                made.insert((level, at), hash);
            }
            let columns = (cell(cells, 1)?.text()?, cell(cells, 2)?.int()?, cell(cells, 3)?.text()?);
            event(expected, &leaf, &columns, &mut pass, &mut report);
            if wanted.contains(&pass.tree.size) {
                roots.insert(pass.tree.size, pass.tree.root());
            }
        }
        nodes(db, made, &mut report)?;
    }
    report.events = pass.tree.size;
    roots.insert(pass.tree.size, pass.tree.root());
    signed(db, origin, &pass, &roots, &notes, &mut report)?;
    for kept in known {
        match roots.get(&kept.size) {
            Some(root) if *root == kept.root => {}
            Some(_) => report.tell(
                kept.size.checked_sub(1),
                format!(
                    "the first {} events are not those of a checkpoint that was kept elsewhere: another history",
                    kept.size
                ),
            ),
            None => report.tell(
                Some(report.events),
                format!(
                    "a checkpoint that was kept elsewhere has {} events, and {} are here: the end was cut off",
                    kept.size, report.events
                ),
            ),
        }
    }
    stray(db, &pass, vkey, &mut report)?;
    privates(db, &pass, &mut report)?;
    attachments(db, &pass, &mut report)?;
    records(db, &pass, project, &mut report)?;
    ended(report)
}

/// The first bad event first; what touches none last.
fn ended(mut report: Report) -> Result<Report, Trouble> {
    report.found.sort_by_key(|f| f.event.unwrap_or(u64::MAX));
    Ok(report)
}

/// Every checkpoint that was signed, those that are read.
fn checkpoints(db: &mut Db, vkey: &VerifyingKey, report: &mut Report) -> Result<Vec<Checkpoint>, Trouble> {
    let mut out = Vec::new();
    let mut after = -1_i64;
    loop {
        let sql = "SELECT size, note FROM checkpoint WHERE size > $1 ORDER BY size LIMIT $2";
        let rows = db.query(sql, &[after.into(), PAGE.into()])?;
        if rows.is_empty() {
            return Ok(out);
        }
        for cells in &rows {
            after = cell(cells, 0)?.int()?;
            let size = u64::try_from(after).unwrap_or(0);
            match Checkpoint::open(&cell(cells, 1)?.text()?, vkey) {
                Ok(head) if head.size == size => out.push(head),
                Ok(head) => {
                    report.tell(
                        size.checked_sub(1),
                        format!("the checkpoint of {after} events was signed for {}", head.size),
                    );
                }
                Err(e) => report.tell(size.checked_sub(1), format!("the checkpoint of {after} events: {e}")),
            }
        }
    }
}

/// One event against its columns and those before it.
fn event(index: u64, leaf: &str, (record, seq, kind): &(String, i64, String), pass: &mut Pass, report: &mut Report) {
    let read = match Event::read(index, leaf) {
        Ok(read) => read,
        Err(e) => return report.tell(Some(index), format!("event {index}: {e}")),
    };
    let next = pass.next.entry(read.record.clone()).or_insert(0);
    if read.seq != *next {
        report.tell(
            Some(index),
            format!("event {index}: it says to be event {} of its record, which has {next}", read.seq),
        );
    }
    *next = read.seq.saturating_add(1);
    if (record, u64::try_from(*seq), kind) != (&read.record, Ok(read.seq), &read.kind) {
        report.tell(Some(index), format!("event {index}: its columns are not what its leaf says"));
    }
    if pass.last_at.is_some_and(|last| read.at < last) {
        report.tell(Some(index), format!("event {index}: it is dated before the event before it"));
    }
    pass.last_at = Some(read.at);
    let mut hashes = Vec::new();
    named(PRIVATE, &read.body, &mut hashes);
    if read.kind == "erased" {
        pass.erased.extend(hashes.iter().cloned());
    }
    named(PRIVATE, &read.actor, &mut hashes);
    let mut files = Vec::new();
    named(ATTACHMENT, &read.body, &mut files);
    for file in files {
        pass.attached.entry(file).or_insert(index);
    }
    for hash in hashes {
        pass.private.entry(hash).or_insert(index);
    }
}

/// The stored subtrees that these events complete.
fn nodes(db: &mut Db, mut made: BTreeMap<(u32, u64), Hash>, report: &mut Report) -> Result<(), Trouble> {
    let levels: BTreeSet<u32> = made.keys().map(|(l, _)| *l).collect();
    for level in levels {
        let of_level = || made.range((level, 0)..=(level, u64::MAX)).map(|((_, at), _)| *at);
        let (Some(first), Some(last)) = (of_level().next(), of_level().next_back()) else { continue };
        let sql = "SELECT idx, hash FROM node WHERE level = $1 AND idx >= $2 AND idx <= $3 ORDER BY idx";
        for cells in db.query(sql, &[level.into(), first.into(), last.into()])? {
            let at = cell(&cells, 0)?.size()?;
            let stored = unhex(&cell(&cells, 1)?.text()?);
            if made.remove(&(level, at)) != stored {
                // the event that completed it: of what went wrong before, checkpoints name the first
                let event = (at.saturating_add(1) << level).saturating_sub(1);
                report.tell(
                    Some(event),
                    format!("event {event}: the log's tree was made of something else (level {level}, {at})"),
                );
            }
        }
    }
    for (level, at) in made.keys() {
        let event = (at.saturating_add(1) << level).saturating_sub(1);
        report.tell(Some(event), format!("event {event}: a hash of the log's tree is missing (level {level}, {at})"));
    }
    Ok(())
}

/// The head and all checkpoints against the roots that the events come to.
fn signed(
    db: &mut Db,
    origin: &str,
    pass: &Pass,
    roots: &BTreeMap<u64, Hash>,
    notes: &[Checkpoint],
    report: &mut Report,
) -> Result<(), Trouble> {
    let size = pass.tree.size;
    let heads = db.query("SELECT id, size, note FROM head", &[])?;
    let [one] = heads.as_slice() else {
        report.tell(None, format!("{} heads, and there must be one", heads.len()));
        return Ok(());
    };
    let stated = (cell(one, 0)?.int()?, cell(one, 1)?.int()?);
    if stated.0 != 1 || u64::try_from(stated.1) != Ok(size) {
        report.tell(Some(size), format!("the head says {} events, and {size} are here", stated.1));
    }
    let note = cell(one, 2)?.text()?;
    let newest = db.one("SELECT note FROM checkpoint WHERE size = $1", &[size.into()])?;
    let newest = newest.as_ref().map(|r| cell(r, 0)?.text()).transpose()?;
    match freehold_log::Note::parse(&note).ok().and_then(|n| Checkpoint::parse(&n.text).ok()) {
        Some(head) if head.size == size && Some(&head.root) == roots.get(&size) && head.origin == origin => {
            // a register without events has its first note in the head alone
            if size > 0 && newest.as_ref() != Some(&note) {
                report.tell(size.checked_sub(1), "the head's checkpoint is not the last that was signed");
            }
        }
        _ => report.tell(size.checked_sub(1), "the head's checkpoint is not of these events"),
    }
    let sizes: BTreeSet<u64> = notes.iter().map(|c| c.size).collect();
    if let Some(missing) = (1..=size).find(|n| !sizes.contains(n)) {
        report.tell(missing.checked_sub(1), format!("no signed checkpoint of the first {missing} events"));
    }
    let mut differs = false;
    for kept in notes {
        match roots.get(&kept.size) {
            Some(root) if *root == kept.root => report.checkpoints = report.checkpoints.saturating_add(1),
            // of a log that differs from there on, every later one differs too
            Some(_) if std::mem::replace(&mut differs, true) => report.more = report.more.saturating_add(1),
            Some(_) => report.tell(
                kept.size.checked_sub(1),
                format!("event {} is not the one that was signed", kept.size.saturating_sub(1)),
            ),
            None => report.tell(
                Some(size),
                format!("a checkpoint of {} events was signed, and {size} are here: the end was cut off", kept.size),
            ),
        }
    }
    Ok(())
}

/// Rows that no event accounts for.
fn stray(db: &mut Db, pass: &Pass, vkey: &VerifyingKey, report: &mut Report) -> Result<(), Trouble> {
    let size = pass.tree.size;
    let count = |db: &mut Db, sql: &str| -> Result<u64, Trouble> {
        db.one(sql, &[])?.as_ref().map_or(Ok(0), |r| cell(r, 0)?.size())
    };
    // of n leaves the complete subtrees are 2n less the bits of n
    let subtrees = (2 * size).saturating_sub(u64::from(size.count_ones()));
    let stored = count(db, "SELECT COUNT(*) FROM node")?;
    if stored > subtrees {
        report.tell(None, format!("the log's tree has {} hashes that no event accounts for", stored - subtrees));
    }
    let events = count(db, "SELECT COUNT(*) FROM event")?;
    if events != size {
        report.tell(Some(size), format!("{} events stand outside the log", events.abs_diff(size)));
    }
    let stated: BTreeMap<String, String> = db
        .query("SELECT name, value FROM meta", &[])?
        .iter()
        .map(|r| Ok((cell(r, 0)?.text()?, cell(r, 1)?.text()?)))
        .collect::<Result<_, Trouble>>()?;
    let expected = [("schema", SCHEMA_VERSION.to_string()), ("origin", vkey.name().into()), ("vkey", vkey.to_string())];
    if stated != expected.into_iter().map(|(n, v)| (n.to_string(), v)).collect() {
        report.tell(None, "the register's own description is not what it was");
    }
    Ok(())
}

fn privates(db: &mut Db, pass: &Pass, report: &mut Report) -> Result<(), Trouble> {
    let mut here = BTreeSet::new();
    let mut after = String::new();
    loop {
        let sql = "SELECT hash, salt, digest, content FROM private WHERE hash > $1 ORDER BY hash LIMIT $2";
        let rows = db.query(sql, &[after.as_str().into(), PAGE.into()])?;
        if rows.is_empty() {
            break;
        }
        for cells in &rows {
            let (hash, salt, text) = (cell(cells, 0)?.text()?, cell(cells, 1)?.text()?, cell(cells, 3)?.text()?);
            let digest = hex(Sha256::digest(text.as_bytes()).as_slice());
            after.clone_from(&hash);
            let event = pass.private.get(&hash).copied();
            if unhex(&salt).is_none() || private_hash(&salt, &text) != hash || digest != cell(cells, 2)?.text()? {
                report.tell(event, "a private text is not the one that its event stands for");
            } else if event.is_none() {
                report.tell(None, "a private text that no event stands for");
            } else if pass.erased.contains(&hash) {
                report.tell(event, "a private text is there that was erased");
            }
            here.insert(hash);
        }
    }
    for (hash, event) in pass.private.iter().filter(|(h, _)| !here.contains(*h)) {
        if pass.erased.contains(hash) {
            report.erased = report.erased.saturating_add(1);
        } else {
            report.tell(
                Some(*event),
                format!("event {event}: a private text is gone, and no event says that it was erased"),
            );
        }
    }
    Ok(())
}

fn attachments(db: &mut Db, pass: &Pass, report: &mut Report) -> Result<(), Trouble> {
    let (mut after, mut here) = (String::new(), BTreeSet::new());
    loop {
        // one at a time: each may be large
        let sql = "SELECT sha256, content FROM attachment WHERE sha256 > $1 ORDER BY sha256 LIMIT 1";
        let Some(cells) = db.one(sql, &[Cell::from(after.as_str())])? else { break };
        after = cell(&cells, 0)?.text()?;
        let content = cell(&cells, 1)?.text()?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(&content);
        let same = bytes.is_ok_and(|b| {
            hex(Sha256::digest(&b).as_slice()) == after
                && base64::engine::general_purpose::STANDARD.encode(&b) == content
        });
        let event = pass.attached.get(&after).copied();
        if !same {
            report.tell(event, format!("the attachment {after} is not what it was"));
        } else if event.is_none() {
            report.tell(None, format!("the attachment {after} belongs to no event"));
        }
        here.insert(after.clone());
    }
    for (file, event) in pass.attached.iter().filter(|(f, _)| !here.contains(*f)) {
        report.tell(Some(*event), format!("event {event}: its attachment {file} is gone"));
    }
    Ok(())
}

/// Each record's row against what its events come to.
fn records(
    db: &mut Db,
    pass: &Pass,
    project: &dyn Fn(&[Event]) -> Option<Row>,
    report: &mut Report,
) -> Result<(), Trouble> {
    for record in pass.next.keys().filter(|r| !r.is_empty()) {
        let sql = "SELECT idx, leaf FROM event WHERE record = $1 ORDER BY seq";
        let mut events = Vec::new();
        for cells in db.query(sql, &[record.as_str().into()])? {
            let index = cell(&cells, 0)?.size()?;
            events.extend(Event::read(index, &cell(&cells, 1)?.text()?));
        }
        let sql = "SELECT record, name, state, artifact, expires, updated, body FROM record WHERE record = $1";
        let stored = db.one(sql, &[record.as_str().into()])?.as_ref().map(row).transpose()?;
        report.records = report.records.saturating_add(u64::from(stored.is_some()));
        if stored != project(&events) {
            let last = events.last().map(|e| e.index);
            report.tell(last, format!("record {record}: what is kept for lists is not what its events come to"));
        }
    }
    let sql = "SELECT record FROM record ORDER BY record";
    for cells in db.query(sql, &[])? {
        let record = cell(&cells, 0)?.text()?;
        if !pass.next.contains_key(&record) {
            report.tell(None, format!("record {record}: it has no events"));
        }
    }
    Ok(())
}
