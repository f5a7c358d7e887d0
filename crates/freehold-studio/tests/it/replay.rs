//! Every file of the fuzz corpus goes through the readers: no panic, no hang.

#[test]
fn the_corpus_replays() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/studio");
    let files: Vec<_> = std::fs::read_dir(folder).expect("a corpus").map(|e| e.expect("an entry").path()).collect();
    assert!(files.len() >= 8);
    for file in files {
        freehold_studio::fuzz::fuzz_studio(&std::fs::read(file).expect("bytes"));
    }
}
