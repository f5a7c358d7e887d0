//! The same story on SQLite and on PostgreSQL.

use freehold_log::{Checkpoint, leaf_hash, verify_consistency, verify_inclusion};
use freehold_register::{Filter, KeyFile, NewEvent, Register, Remembered, Trouble};
use serde_json::json;

use crate::server::Server;
use crate::{DAY, attached, project, whole, write};

fn story(location: &str) {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyFile::at(dir.path().join("the.key"));
    let seen = || Some(Remembered::in_folder(dir.path().join("seen")));
    assert!(matches!(Register::open(location, None), Err(Trouble::Absent(_))));
    let mut register = Register::create(location, &key, "acme", seen()).unwrap();
    assert!(matches!(Register::create(location, &key, "acme", None), Err(Trouble::Present(_))));
    assert_eq!(whole(&mut register), 0);
    let first = write(&mut register, DAY, "A", "created", "Ada Lovelace").unwrap();
    assert_eq!((first.index, first.seq, first.at), (0, 0, DAY));
    assert!(!first.leaf.contains("Ada"), "a name does not stand in the log");
    let second = write(&mut register, DAY + 5, "B", "created", "Grace Hopper").unwrap();
    let third = write(&mut register, DAY + 9, "A", "submitted", "Ada Lovelace").unwrap();
    assert_eq!((second.index, third.index, third.seq), (1, 2, 1));
    assert_eq!(first.actor, third.actor, "one person is one value");
    assert_ne!(first.actor, second.actor);
    // what a decision refuses writes nothing
    let refused = register.change(DAY + 10, |change| {
        change.private("Somebody Else")?;
        change.append(&NewEvent {
            record: "C".into(),
            kind: "created".into(),
            role: String::new(),
            actor: json!(null),
            body: json!({}),
        })?;
        Err::<(), Trouble>(Trouble::TooLarge("no".into()))
    });
    assert!(matches!(refused, Ok(Err(Trouble::TooLarge(_)))));
    assert_eq!(register.head().unwrap().size, 3);
    assert!(register.row("C").unwrap().is_none());
    // lists and filters
    let ids = |r: &mut Register, f: Filter| r.list(&f).unwrap().into_iter().map(|r| r.record).collect::<Vec<_>>();
    assert_eq!(ids(&mut register, Filter::default()), ["A", "B"]);
    assert_eq!(ids(&mut register, Filter { state: "submitted".into(), ..Filter::default() }), ["A"]);
    assert_eq!(ids(&mut register, Filter { artifact: "sha256:bb".into(), ..Filter::default() }), [""; 0]);
    assert_eq!(ids(&mut register, Filter { after: "A".into(), most: 1, ..Filter::default() }), ["B"]);
    // a file that belongs to an event
    let file = attached(&mut register, DAY + 11, b"the license's text");
    assert_eq!(register.attachment(&file).unwrap().unwrap(), b"the license's text");
    assert!(register.attachment("00").unwrap().is_none());
    // proofs, as a stranger checks them
    let head = register.head().unwrap();
    let vkey = register.verifying_key().clone();
    for index in 0..4 {
        let proof = register.prove(index).unwrap();
        let leaf = register.events(index).unwrap().remove(0).leaf;
        assert_eq!(proof.verify(leaf.as_bytes(), &vkey).unwrap().size, 4);
        verify_inclusion(&leaf_hash(leaf.as_bytes()), index, head.size, &proof.path, &head.root).unwrap();
    }
    assert!(register.prove(4).is_err());
    let before = Checkpoint::open(&head.note, &vkey).unwrap();
    for n in 0..20 {
        write(&mut register, DAY + 20 + n, "B", "noted", "Grace Hopper").unwrap();
    }
    let now = register.head().unwrap();
    let path = register.prove_growth(before.size, now.size).unwrap();
    verify_consistency(before.size, &before.root, now.size, &now.root, &path).unwrap();
    register.begins_with(&before, "an auditor saw").unwrap();
    // erasing a name leaves the log whole
    let hash = first.actor["private"].as_str().unwrap().to_string();
    assert_eq!(register.private(&hash).unwrap().as_deref(), Some("Ada Lovelace"));
    register
        .change(DAY + 50, |change| {
            assert!(change.erase(&hash)?);
            change.append(&NewEvent {
                record: String::new(),
                kind: "erased".into(),
                role: "admin".into(),
                actor: json!(null),
                body: json!({"of": {"private": hash}}),
            })?;
            Ok::<(), Trouble>(())
        })
        .unwrap()
        .unwrap();
    assert_eq!(register.private(&hash).unwrap(), None);
    let report = register.verify(&project, &[before]).unwrap();
    assert_eq!((report.found.as_slice(), report.events, report.records, report.erased), ([].as_slice(), 25, 2, 1));
    assert_eq!(report.checkpoints, 25);
    // the same person, met again, is somebody new: what was erased is not known any more
    let again = write(&mut register, DAY + 60, "A", "noted", "Ada Lovelace").unwrap();
    assert_ne!(again.actor, first.actor);
    // a clock that is behind: a little is waited out, more is refused
    let little = write(&mut register, DAY + 60 - 1_000_000, "A", "noted", "Ada Lovelace").unwrap();
    assert_eq!(little.at, DAY + 60);
    let back = write(&mut register, DAY - 3_600_000_000, "A", "noted", "Ada Lovelace");
    assert!(matches!(back, Err(Trouble::ClockBack { .. })), "{back:?}");
    assert!(back.unwrap_err().to_string().contains("2026-11-24T23:00:00.000000Z"));
    // opened again, by whoever may only read
    drop(register);
    let mut reader = Register::open(location, seen()).unwrap();
    assert_eq!(whole(&mut reader), 27);
    assert!(matches!(write(&mut reader, DAY + 70, "A", "noted", "x"), Err(Trouble::ReadOnly(_))));
    let other = KeyFile::at(dir.path().join("other.key"));
    other.make("somebody/else").unwrap();
    assert!(matches!(Register::open_to_write(location, &other, None), Err(Trouble::Key(_))));
    assert!(matches!(Register::open_to_write(location, &KeyFile::at("/absent"), None), Err(Trouble::Key(_))));
    let mut writer = Register::open_to_write(location, &key, seen()).unwrap();
    write(&mut writer, DAY + 80, "A", "approved", "Grace Hopper").unwrap();
    assert_eq!(whole(&mut writer), 28);
    // a later version's register is not touched
    writer.tamper("UPDATE meta SET value = '99' WHERE name = 'schema'").unwrap();
    let later = Register::open_to_write(location, &key, None).map(|_| ()).unwrap_err().to_string();
    assert!(later.contains("later version"), "{later}");
}

#[test]
fn in_one_file() {
    let dir = tempfile::tempdir().unwrap();
    story(&dir.path().join("r.db").display().to_string());
    let left: Vec<String> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(left, ["r.db"], "one file, and nothing beside it");
}

#[test]
fn in_postgresql() {
    let Some(server) = Server::start() else { return };
    story(&server.database());
}
