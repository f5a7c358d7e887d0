//! What a server keeps beside the log: accounts, sessions, tokens, views. Items by kind and id, each with a revision, so that of two
//! writers who read the same one only the first is heard. None of it is proof of anything; what must be proven is in the log.

use crate::Trouble;
use crate::db::{Cell, Cells, Db, is_postgres};
use crate::register::cell;

/// Longest item, in bytes.
pub const ITEM_BYTES_MAX: usize = 8 << 20;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS item (kind TEXT NOT NULL, id TEXT NOT NULL, rev BIGINT NOT NULL, expires BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS item_by_end ON item (expires);
";

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id within its kind.
    pub id: String,
    /// Counts its writes, from 1.
    pub rev: i64,
    /// When it ends, in microseconds since 1970; 0 for never.
    pub expires: i64,
    /// Its text.
    pub body: String,
}

/// A shelf that is open.
pub struct Shelf(Db);

impl Shelf {
    /// Where the shelf of a register lies: in its database, or in a file beside its file.
    pub fn beside(register: &str) -> String {
        if is_postgres(register) { register.to_string() } else { format!("{register}.server") }
    }

    /// Opens a shelf, and makes what it lacks.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn open(location: &str) -> Result<Shelf, Trouble> {
        let mut db = Db::open_shared(location)?;
        if !db.has_table("item")? {
            db.batch(TABLES).or_else(|e| if db.has_table("item")? { Ok(()) } else { Err(e) })?;
        }
        Ok(Shelf(db))
    }

    /// An item that has not ended.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn get(&mut self, kind: &str, id: &str, now: i64) -> Result<Option<Item>, Trouble> {
        let sql =
            "SELECT id, rev, expires, body FROM item WHERE kind = $1 AND id = $2 AND (expires = 0 OR expires > $3)";
        self.0.one(sql, &[kind.into(), id.into(), now.into()])?.map(|row| read(&row)).transpose()
    }

    /// Items of a kind after an id, in the order of ids, that have not ended.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn list(&mut self, kind: &str, after: &str, most: u32, now: i64) -> Result<Vec<Item>, Trouble> {
        let sql = "SELECT id, rev, expires, body FROM item WHERE kind = $1 AND id > $2 AND (expires = 0 OR expires > $3) ORDER BY id LIMIT $4";
        let rows = self.0.query(sql, &[kind.into(), after.into(), now.into(), most.into()])?;
        rows.iter().map(read).collect()
    }

    /// The last items of a kind before an id (empty: of all), latest first.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn latest(&mut self, kind: &str, before: &str, most: u32) -> Result<Vec<Item>, Trouble> {
        let sql = "SELECT id, rev, expires, body FROM item WHERE kind = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3";
        let rows = self.0.query(sql, &[kind.into(), before.into(), most.into()])?;
        rows.iter().map(read).collect()
    }

    /// Makes an item: false where one is there that has not ended.
    ///
    /// # Errors
    /// Whatever the database refuses; an item that is too long.
    pub fn create(&mut self, kind: &str, id: &str, body: &str, expires: i64, now: i64) -> Result<bool, Trouble> {
        fits(body)?;
        self.0.execute(
            "DELETE FROM item WHERE kind = $1 AND id = $2 AND expires <> 0 AND expires <= $3",
            &[kind.into(), id.into(), now.into()],
        )?;
        let sql = "INSERT INTO item (kind, id, rev, expires, body) VALUES ($1, $2, 1, $3, $4) ON CONFLICT (kind, id) DO NOTHING";
        Ok(self.0.execute(sql, &[kind.into(), id.into(), expires.into(), body.into()])? == 1)
    }

    /// Makes several items at once, passing over ids that are taken.
    ///
    /// # Errors
    /// As [`Shelf::create`]; then none of them was made.
    pub fn create_all(&mut self, kind: &str, items: &[(String, String)], expires: i64) -> Result<(), Trouble> {
        self.0.batch(if matches!(self.0, Db::Sqlite(_)) { "BEGIN IMMEDIATE" } else { "BEGIN" })?;
        let sql = "INSERT INTO item (kind, id, rev, expires, body) VALUES ($1, $2, 1, $3, $4) ON CONFLICT (kind, id) DO NOTHING";
        let mut done = Ok(());
        for (id, body) in items {
            done = done.and_then(|()| fits(body));
            if done.is_ok() {
                let cells = [kind.into(), id.as_str().into(), expires.into(), body.as_str().into()];
                done = self.0.execute(sql, &cells).map(|_| ());
            }
        }
        match done.and_then(|()| self.0.commit()) {
            Ok(()) => Ok(()),
            Err(e) => {
                self.0.rollback();
                Err(e)
            }
        }
    }

    /// Replaces an item whose revision is `rev`: false where it has another by now, or is gone.
    ///
    /// # Errors
    /// As [`Shelf::create`].
    pub fn replace(&mut self, kind: &str, id: &str, rev: i64, body: &str, expires: i64) -> Result<bool, Trouble> {
        fits(body)?;
        let sql = "UPDATE item SET rev = rev + 1, body = $1, expires = $2 WHERE kind = $3 AND id = $4 AND rev = $5";
        Ok(self.0.execute(sql, &[body.into(), expires.into(), kind.into(), id.into(), rev.into()])? == 1)
    }

    /// Takes an item away: false where there is none.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn remove(&mut self, kind: &str, id: &str) -> Result<bool, Trouble> {
        Ok(self.0.execute("DELETE FROM item WHERE kind = $1 AND id = $2", &[kind.into(), id.into()])? == 1)
    }

    /// Takes away what has ended: how many.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn sweep(&mut self, now: i64) -> Result<u64, Trouble> {
        self.0.execute("DELETE FROM item WHERE expires <> 0 AND expires <= $1", &[now.into()])
    }

    /// How many of a kind there are.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn count(&mut self, kind: &str, now: i64) -> Result<u64, Trouble> {
        let sql = "SELECT COUNT(*) FROM item WHERE kind = $1 AND (expires = 0 OR expires > $2)";
        self.0.one(sql, &[kind.into(), now.into()])?.map_or(Ok(0), |row| cell(&row, 0)?.size())
    }
}

fn fits(body: &str) -> Result<(), Trouble> {
    if body.len() > ITEM_BYTES_MAX {
        return Err(Trouble::TooLarge(format!("an item of {} bytes; the limit is {ITEM_BYTES_MAX}", body.len())));
    }
    Ok(())
}

fn read(row: &Cells) -> Result<Item, Trouble> {
    Ok(Item {
        id: cell(row, 0)?.text()?,
        rev: cell(row, 1)?.int()?,
        expires: cell(row, 2)?.int()?,
        body: cell(row, 3)?.text()?,
    })
}

/// Copies a register's database as it is at this moment, while others go on: SQLite alone.
///
/// # Errors
/// PostgreSQL has its own means (`pg_dump`); whatever the database refuses.
pub fn copy_database(location: &str, to: &str) -> Result<(), Trouble> {
    if is_postgres(location) {
        return Err(Trouble::Database("a database of PostgreSQL is copied by pg_dump".into()));
    }
    if std::path::Path::new(to).exists() {
        return Err(Trouble::Present(to.to_string()));
    }
    let mut db = Db::open(location, false, false)?;
    db.execute("VACUUM INTO $1", &[Cell::from(to)]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_writers_of_one_revision_the_first_is_heard() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("r.db.server").display().to_string();
        let (mut a, mut b) = (Shelf::open(&at).unwrap(), Shelf::open(&at).unwrap());
        assert!(a.create("view", "x", "one", 0, 5).unwrap() && !b.create("view", "x", "two", 0, 5).unwrap());
        let seen = b.get("view", "x", 5).unwrap().unwrap();
        assert!(a.replace("view", "x", seen.rev, "three", 0).unwrap());
        assert!(!b.replace("view", "x", seen.rev, "four", 0).unwrap());
        assert_eq!(b.get("view", "x", 5).unwrap().unwrap().body, "three");
    }

    #[test]
    fn what_has_ended_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("s").display().to_string();
        let mut s = Shelf::open(&at).unwrap();
        assert!(s.create("session", "a", "", 100, 1).unwrap());
        assert!(s.get("session", "a", 99).unwrap().is_some() && s.get("session", "a", 100).unwrap().is_none());
        assert!(s.create("session", "a", "again", 200, 150).unwrap(), "its id is free again");
        s.create_all("access", &[("1".into(), "x".into()), ("2".into(), "y".into())], 0).unwrap();
        assert_eq!(s.latest("access", "", 10).unwrap().iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["2", "1"]);
        assert_eq!((s.count("access", 1).unwrap(), s.sweep(300).unwrap()), (2, 1));
    }
}
