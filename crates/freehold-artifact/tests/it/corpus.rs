//! Replays every file of the fuzz corpus; makes the seeds where asked to.

use std::fs;
use std::path::PathBuf;

use freehold_artifact::fuzz;

use crate::mutated::valid;

fn corpus() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"))
}

/// The seeds are what [`valid`] makes: `FREEHOLD_WRITE_SEEDS=1` writes them anew.
#[test]
fn seeds_are_current() {
    for (i, (folder, bytes)) in valid().into_iter().enumerate() {
        let path = corpus().join(folder).join(format!("seed-{i:02}"));
        if std::env::var_os("FREEHOLD_WRITE_SEEDS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        assert_eq!(fs::read(&path).ok().as_deref(), Some(bytes.as_slice()), "{folder}/seed-{i:02} is stale");
    }
}

#[test]
fn corpus_replays() {
    let mut replayed = 0;
    for (name, target) in fuzz::ALL {
        for entry in fs::read_dir(corpus().join(name)).unwrap() {
            target(&fs::read(entry.unwrap().path()).unwrap());
            replayed += 1;
        }
    }
    assert!(replayed >= valid().len(), "{replayed}");
}
