//! What may go wrong: kills, full disks, edits, copies put back, two writers, a clock.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use freehold_register::{KeyFile, NewEvent, Register, Remembered, Trouble};
use serde_json::json;

use crate::server::Server;
use crate::{DAY, attached, memory, project, sqlite, whole, write};

/// Kills of a test; `FREEHOLD_KILLS` asks for another number.
fn kills(default: usize) -> usize {
    std::env::var("FREEHOLD_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// A writer of its own process, which is killed: it says each event after that was acknowledged.
#[test]
#[ignore = "started by the tests that kill it"]
fn child() {
    let Ok(location) = std::env::var("FREEHOLD_TEST_REGISTER") else { return };
    let key = KeyFile::at(std::env::var("FREEHOLD_TEST_KEY").unwrap());
    let mut register = Register::open_to_write(&location, &key, None).unwrap();
    let mut out = std::io::stdout();
    for n in 0.. {
        let event = write(&mut register, DAY + n, &format!("R{}", n % 3), "noted", &format!("person {n}")).unwrap();
        writeln!(out, "acknowledged {} {}", event.index, event.leaf).unwrap();
        out.flush().unwrap();
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Kills a writer at chance moments; what it acknowledged is there, and nothing half.
fn killed(location: &str, key: &KeyFile, times: usize, mut besides: impl FnMut(usize)) {
    let mut dice = Dice(7);
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..times {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["faults::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env("FREEHOLD_TEST_REGISTER", location)
            .env("FREEHOLD_TEST_KEY", key.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        // within the first writes, or a few later
        let lines = dice.below(4);
        let pause = Duration::from_micros(dice.below(9_000));
        let mut seen = Vec::new();
        let mut lines_of_child = out.lines();
        let begun = Instant::now();
        while (seen.len() as u64) < lines && begun.elapsed() < Duration::from_secs(20) {
            let Some(Ok(line)) = lines_of_child.next() else { break };
            seen.extend(line.strip_prefix("acknowledged ").map(str::to_string));
        }
        std::thread::sleep(pause);
        child.kill().unwrap();
        // what it had said before it died was acknowledged too
        seen.extend(
            lines_of_child.map_while(Result::ok).filter_map(|l| l.strip_prefix("acknowledged ").map(str::to_string)),
        );
        child.wait().unwrap();
        acknowledged.extend(seen);
        besides(round);
        if round % 50 == 49 || round + 1 == times {
            let mut register = Register::open_to_write(location, key, None).unwrap();
            let events = whole(&mut register);
            let mut from = 0;
            let mut stored = Vec::new();
            while from < events {
                let page = register.events(from).unwrap();
                from += page.len() as u64;
                stored.extend(page);
            }
            for line in &acknowledged {
                // a line may have been cut by the kill: then nobody read the acknowledgement
                let Some((index, leaf)) = line.split_once(' ') else { continue };
                let Ok(index) = index.parse::<usize>() else { continue };
                let event =
                    stored.get(index).unwrap_or_else(|| panic!("event {index} was acknowledged and is not there"));
                assert!(event.leaf.starts_with(leaf), "event {index} is another");
            }
            println!("{} kills, {} acknowledged, {events} events", round + 1, acknowledged.len());
        }
    }
}

#[test]
fn a_killed_writer_loses_nothing_in_one_file() {
    let (_dir, path, key) = sqlite();
    killed(&path, &key, kills(2000), |_| {});
}

#[test]
fn a_killed_writer_loses_nothing_in_postgresql() {
    let Some(server) = Server::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (location, key) = (server.database(), KeyFile::at(dir.path().join("key")));
    Register::create(&location, &key, "acme", None).unwrap();
    killed(&location, &key, kills(100), |round| {
        // and sometimes the server goes down as well
        if server.is_own() && round % 25 == 10 {
            server.crash();
            server.up();
        }
    });
}

#[test]
fn every_edit_of_a_stored_field_is_found() {
    let (dir, path, key) = sqlite();
    let mut register = Register::open_to_write(&path, &key, None).unwrap();
    for n in 0..11 {
        write(&mut register, DAY + n, ["A", "B"][usize::from(n % 2 == 1)], "noted", &format!("person {}", n % 3))
            .unwrap();
    }
    attached(&mut register, DAY + 20, b"a text");
    whole(&mut register);
    drop(register);
    let copy = dir.path().join("copy.db");
    let mut edits = 0;
    for (table, columns) in [
        ("meta", &["name", "value"][..]),
        ("event", &["idx", "record", "seq", "kind", "leaf"]),
        ("node", &["level", "idx", "hash"]),
        ("head", &["id", "size", "note"]),
        ("checkpoint", &["size", "note"]),
        ("private", &["hash", "salt", "digest", "content"]),
        ("record", &["record", "name", "state", "artifact", "expires", "updated", "body"]),
        ("attachment", &["sha256", "content"]),
    ] {
        let rows = {
            let mut register = Register::open(&path, None).unwrap();
            register.look(&format!("SELECT rowid FROM {table}")).unwrap()
        };
        for row in rows {
            let row = &row[0];
            let number = ["idx", "seq", "level", "id", "size", "expires", "updated"];
            for column in columns {
                let changed = if number.contains(column) {
                    format!("UPDATE {table} SET {column} = {column} + 1000 WHERE rowid = {row}")
                } else {
                    // one letter is another
                    format!(
                        "UPDATE {table} SET {column} = substr({column}, 1, length({column}) / 2) || \
                         CASE substr({column}, length({column}) / 2 + 1, 1) WHEN 'b' THEN 'c' ELSE 'b' END || \
                         substr({column}, length({column}) / 2 + 2) WHERE rowid = {row}"
                    )
                };
                found_after(&path, &copy, &key, &changed);
                edits += 1;
            }
            found_after(&path, &copy, &key, &format!("DELETE FROM {table} WHERE rowid = {row}"));
            edits += 1;
        }
    }
    assert!(edits > 200, "{edits}");
}

/// A copy of the register with one change: opening or checking it finds something.
fn found_after(path: &str, copy: &std::path::Path, key: &KeyFile, sql: &str) {
    std::fs::copy(path, copy).unwrap();
    let copy = copy.display().to_string();
    {
        let mut register = Register::open_to_write(&copy, key, None).unwrap();
        register.tamper(sql).unwrap();
    }
    let found = match Register::open(&copy, None) {
        Err(_) => true,
        Ok(mut register) => register.verify(&project, &[]).map_or(true, |r| !r.found.is_empty()),
    };
    assert!(found, "not found: {sql}");
}

#[test]
fn the_first_bad_event_is_named() {
    let (_dir, path, key) = sqlite();
    let mut register = Register::open_to_write(&path, &key, None).unwrap();
    for n in 0..30 {
        write(&mut register, DAY + n, "A", "noted", "Ada").unwrap();
    }
    register.tamper("UPDATE event SET leaf = replace(leaf, '\"n\":1', '\"n\":2') WHERE idx IN (17, 23)").unwrap();
    let report = register.verify(&project, &[]).unwrap();
    assert_eq!(report.found[0].event, Some(17), "{:?}", report.found);
    // an administrator who mends the tree as well, and cannot sign
    let leaf = &register.look("SELECT leaf FROM event WHERE idx = 17").unwrap()[0][0];
    let hash: String = freehold_log::leaf_hash(leaf.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    register.tamper(&format!("UPDATE node SET hash = '{hash}' WHERE level = 0 AND idx = 17")).unwrap();
    let report = register.verify(&project, &[]).unwrap();
    assert_eq!(report.found[0].event, Some(17), "{:?}", report.found);
    // what is signed after it is signed over what was signed before, not over what stands there now
    write(&mut register, DAY + 99, "A", "noted", "Ada").unwrap();
    let report = register.verify(&project, &[]).unwrap();
    assert_eq!(report.found[0].event, Some(17), "{:?}", report.found);
}

#[test]
fn a_copy_that_was_put_back_and_another_history_are_told() {
    let (dir, path, key) = sqlite();
    let mut register = Register::open_to_write(&path, &key, memory(&dir)).unwrap();
    for n in 0..5 {
        write(&mut register, DAY + n, "A", "noted", "Ada").unwrap();
    }
    drop(register);
    let backup = dir.path().join("backup.db");
    std::fs::copy(&path, &backup).unwrap();
    let mut register = Register::open_to_write(&path, &key, memory(&dir)).unwrap();
    for n in 5..9 {
        write(&mut register, DAY + n, "A", "noted", "Ada").unwrap();
    }
    let kept = freehold_log::Checkpoint::open(&register.head().unwrap().note, register.verifying_key()).unwrap();
    drop(register);
    std::fs::copy(&backup, &path).unwrap();
    let told = Register::open_to_write(&path, &key, memory(&dir)).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("has 5 events, and this machine saw 9") && told.contains("put back"), "{told}");
    // somebody who does not know goes on with the old copy: the same number of events, another history
    let mut fork = Register::open_to_write(&path, &key, None).unwrap();
    for n in 0..4 {
        write(&mut fork, DAY + 100 + n, "A", "noted", "Eve").unwrap();
    }
    assert_eq!(whole(&mut fork), 9, "by itself nothing is wrong with it");
    let report = fork.verify(&project, std::slice::from_ref(&kept)).unwrap();
    assert!(report.found[0].says.contains("another history"), "{:?}", report.found);
    drop(fork);
    let told = Register::open(&path, memory(&dir)).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("another history"), "{told}");
    // a log whose end was cut off, with everything else put right but the signature
    let (_dir2, path, key) = sqlite();
    let mut register = Register::open_to_write(&path, &key, None).unwrap();
    for n in 0..4 {
        write(&mut register, DAY + n, "A", "noted", "Ada").unwrap();
    }
    register.tamper("DELETE FROM event WHERE idx = 3; DELETE FROM node WHERE level = 0 AND idx = 3; DELETE FROM checkpoint WHERE size = 4").unwrap();
    let report = register.verify(&project, &[]).unwrap();
    assert!(!report.found.is_empty());
}

#[test]
fn another_key_under_the_same_name_is_told() {
    let (dir, path, key) = sqlite();
    let origin = Register::open(&path, memory(&dir)).unwrap().origin().to_string();
    std::fs::remove_file(key.path()).unwrap();
    let forged = key.make(&origin).unwrap();
    let mut register = Register::open(&path, None).unwrap();
    drop(register.look("SELECT 1"));
    drop(register);
    // whoever holds the file makes a whole new log with a key of his own
    let note = freehold_log::Checkpoint { origin: origin.clone(), size: 0, root: freehold_log::empty_root() }
        .sign(&forged)
        .unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE meta SET value = ?1 WHERE name = 'vkey'", [forged.verifying_key().to_string()]).unwrap();
    connection.execute("UPDATE head SET note = ?1", [note]).unwrap();
    drop(connection);
    assert!(Register::open(&path, None).is_ok());
    let told = Register::open(&path, memory(&dir)).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("another key"), "{told}");
}

fn together(location: &str, key: &KeyFile, writers: usize, each: usize) {
    std::thread::scope(|scope| {
        for w in 0..writers {
            let key = KeyFile::at(key.path());
            scope.spawn(move || {
                let mut register = Register::open_to_write(location, &key, None).unwrap();
                let mut done = 0;
                while done < each {
                    match write(&mut register, DAY + i64::try_from(done).unwrap(), &format!("W{w}"), "noted", "Ada") {
                        Ok(_) => done += 1,
                        Err(Trouble::Busy) => {}
                        Err(e) => panic!("{e}"),
                    }
                }
            });
        }
    });
    let mut register = Register::open(location, None).unwrap();
    assert_eq!(whole(&mut register), u64::try_from(writers * each).unwrap());
}

#[test]
fn writers_together_keep_one_log() {
    let (_dir, path, key) = sqlite();
    together(&path, &key, 4, 15);
    let Some(server) = Server::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (location, key) = (server.database(), KeyFile::at(dir.path().join("key")));
    Register::create(&location, &key, "acme", None).unwrap();
    together(&location, &key, 8, 25);
}

#[test]
#[cfg(unix)]
fn a_file_that_cannot_be_written_and_files_that_are_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, path, key) = sqlite();
    let mode = std::fs::metadata(key.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "a key is its owner's");
    std::fs::write(dir.path().join("text.db"), "not a database, and long enough to be looked at as one".repeat(40))
        .unwrap();
    for wrong in ["text.db", ".", "absent.db"] {
        let at = dir.path().join(wrong).display().to_string();
        assert!(Register::open(&at, None).is_err(), "{wrong}");
    }
    let empty = dir.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert!(matches!(Register::open(&empty.display().to_string(), None), Err(Trouble::Absent(_))));
    // half a file
    let half = std::fs::read(&path).unwrap();
    let cut = dir.path().join("cut.db");
    std::fs::write(&cut, &half[..half.len() / 2]).unwrap();
    let opened = Register::open(&cut.display().to_string(), None)
        .and_then(|mut r| r.verify(&project, &[]).map(|r| r.found.len()));
    assert!(!matches!(opened, Ok(0)), "{opened:?}");
    // root may write whatever its mode says
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
    if !root {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
        let mut register = Register::open_to_write(&path, &key, None).unwrap();
        let told = write(&mut register, DAY, "A", "noted", "Ada").unwrap_err();
        assert!(matches!(told, Trouble::ReadOnly(_)), "{told}");
    }
}

#[test]
fn a_full_disk_keeps_what_was_acknowledged() {
    let (_dir, path, key) = sqlite();
    let mut register = Register::open_to_write(&path, &key, None).unwrap();
    write(&mut register, DAY, "A", "noted", "Ada").unwrap();
    register.tamper("PRAGMA max_page_count = 40").unwrap();
    let mut kept = 1;
    let refused = loop {
        match write(&mut register, DAY + kept, "A", "noted", &format!("{}{kept}", "x".repeat(3000))) {
            Ok(_) => kept += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(refused, Trouble::Database(_)) && refused.to_string().contains("full"), "{refused}");
    drop(register);
    let mut register = Register::open_to_write(&path, &key, None).unwrap();
    assert_eq!(i64::try_from(whole(&mut register)).unwrap(), kept);
    // with room again it goes on
    write(&mut register, DAY + 1000, "A", "noted", "Ada").unwrap();
    assert_eq!(i64::try_from(whole(&mut register)).unwrap(), kept + 1);
}

#[test]
fn what_is_no_event_is_refused() {
    let (_dir, path, key) = sqlite();
    let mut register = Register::open_to_write(&path, &key, None).unwrap();
    let good =
        NewEvent { record: "A".into(), kind: "noted".into(), role: String::new(), actor: json!(null), body: json!({}) };
    for wrong in [
        NewEvent { body: json!(0.5), ..good.clone() },
        NewEvent { body: json!("x".repeat(5 << 20)), ..good.clone() },
        NewEvent { kind: String::new(), ..good.clone() },
        NewEvent { record: "a b".into(), ..good.clone() },
    ] {
        let refused = register.change(DAY, |change| change.append(&wrong)).unwrap();
        assert!(refused.is_err());
    }
    let long = register.change(DAY, |change| change.private(&"x".repeat(70_000)).map(|_| ())).unwrap();
    assert!(matches!(long, Err(Trouble::TooLarge(_))));
    let large = register.change(DAY, |change| change.attach(&vec![0; (16 << 20) + 1]).map(|_| ())).unwrap();
    assert!(matches!(large, Err(Trouble::TooLarge(_))));
    assert_eq!(whole(&mut register), 0);
}

#[test]
fn what_is_remembered_is_a_courtesy() {
    let (dir, path, key) = sqlite();
    // a folder that cannot be made: nothing is remembered, and nothing fails
    let nowhere = Some(Remembered::in_folder(dir.path().join("register.db/below")));
    let mut register = Register::open_to_write(&path, &key, nowhere).unwrap();
    write(&mut register, DAY, "A", "noted", "Ada").unwrap();
    assert_eq!(whole(&mut register), 1);
}
