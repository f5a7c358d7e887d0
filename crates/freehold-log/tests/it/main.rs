//! The log against software that is not ours: `ct-merkle`, and Cloudflare's `tlog_tiles` and `signed_note`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

use std::collections::BTreeMap;

use freehold_log::{
    Checkpoint, Fault, Hash, LogProof, Nodes, Note, SigningKey, VerifyingKey, append, consistency_proof, empty_root,
    inclusion_proof, leaf_hash, root, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use sha2::Sha256;

/// A log in memory.
#[derive(Default)]
struct Log {
    nodes: BTreeMap<(u32, u64), Hash>,
    size: u64,
}

impl Nodes for Log {
    fn node(&self, level: u32, index: u64) -> Result<Hash, Fault> {
        self.nodes.get(&(level, index)).copied().ok_or(Fault::MissingNode { level, index })
    }
}

impl Log {
    fn push(&mut self, leaf: &[u8]) {
        for (level, index, hash) in append(self, self.size, leaf_hash(leaf)).unwrap() {
            self.nodes.insert((level, index), hash);
        }
        self.size += 1;
    }

    fn of(size: u64) -> Log {
        let mut log = Log::default();
        (0..size).for_each(|i| log.push(&leaf(i)));
        log
    }
}

fn leaf(i: u64) -> Vec<u8> {
    format!("event {i}").into_bytes()
}

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|h| tlog_tiles::Hash(*h)).collect()
}

fn usize_of(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

/// Sizes on both sides of every power of two, and some between.
fn sizes() -> impl Iterator<Item = u64> {
    (1..=70).chain([127, 128, 129, 200, 255, 256, 257, 300])
}

#[test]
fn trees_and_proofs_are_those_of_two_other_programs() {
    let log = Log::of(300);
    let mut peer = ct_merkle::mem_backed_tree::MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut known: BTreeMap<u64, Hash> = BTreeMap::from([(0, empty_root())]);
    for size in 1..=300 {
        peer.push(leaf(size - 1));
        let own = root(&log, size).unwrap();
        assert_eq!(own.as_slice(), peer.root().as_bytes().as_slice(), "size {size}");
        known.insert(size, own);
        if !sizes().any(|s| s == size) {
            continue;
        }
        for index in (0..size).filter(|i| size <= 70 || i % 7 == 0 || i + 3 > size) {
            let path = inclusion_proof(&log, index, size).unwrap();
            assert_eq!(path.concat(), peer.prove_inclusion(usize_of(index)).as_bytes(), "{index} of {size}");
            let (hash, head) = (leaf_hash(&leaf(index)), known[&size]);
            verify_inclusion(&hash, index, size, &path, &head).unwrap();
            tlog_tiles::check_record(&theirs(&path), size, tlog_tiles::Hash(head), index, tlog_tiles::Hash(hash))
                .unwrap();
        }
        for old in 1..=size {
            let path = consistency_proof(&log, old, size).unwrap();
            if old < size {
                assert_eq!(path.concat(), peer.prove_consistency(usize_of(size - old)).as_bytes(), "{old} in {size}");
            }
            verify_consistency(old, &known[&old], size, &known[&size], &path).unwrap();
            let (old_root, new_root) = (tlog_tiles::Hash(known[&old]), tlog_tiles::Hash(known[&size]));
            tlog_tiles::check_tree(&theirs(&path), size, new_root, old, old_root).unwrap();
        }
    }
}

/// A generator of numbers that is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A proof of inclusion and everything that it is about.
#[derive(Clone, PartialEq, Eq)]
struct Claim {
    leaf: Hash,
    index: u64,
    size: u64,
    path: Vec<Hash>,
    root: Hash,
}

#[test]
fn a_thousand_forged_proofs_are_refused_here_and_elsewhere() {
    let log = Log::of(600);
    let mut dice = Dice(1);
    let mut forged = 0;
    while forged < 1000 {
        let size = 2 + dice.below(598);
        let index = dice.below(size);
        let path = inclusion_proof(&log, index, size).unwrap();
        let good = Claim { leaf: leaf_hash(&leaf(index)), index, size, path, root: root(&log, size).unwrap() };
        let mut bad = good.clone();
        let (bit, at) = (dice.below(256), usize_of(dice.below(good.path.len() as u64)));
        let flip = |hash: &mut Hash| hash[usize_of(bit / 8)] ^= 1 << (bit % 8);
        match dice.below(9) {
            0 => flip(&mut bad.leaf),
            1 => flip(&mut bad.root),
            2 => flip(&mut bad.path[at]),
            3 => bad.index = dice.below(size),
            4 => bad.size = 1 + dice.below(600),
            5 => {
                bad.path.remove(at);
            }
            6 => bad.path.insert(at, leaf_hash(&bit.to_be_bytes())),
            7 => bad.path.reverse(),
            _ => bad.path.clear(),
        }
        // a place may have the same shape in a tree of another size: the root then says nothing else, so it is no forgery
        if bad == good
            || (bad.size != good.size && verify_inclusion(&bad.leaf, bad.index, bad.size, &bad.path, &bad.root).is_ok())
        {
            continue;
        }
        assert!(verify_inclusion(&bad.leaf, bad.index, bad.size, &bad.path, &bad.root).is_err());
        let (head, leaf) = (tlog_tiles::Hash(bad.root), tlog_tiles::Hash(bad.leaf));
        let elsewhere = bad.index >= bad.size
            || tlog_tiles::check_record(&theirs(&bad.path), bad.size, head, bad.index, leaf).is_err();
        assert!(elsewhere, "another program takes what we refuse");
        forged += 1;
    }
}

#[test]
fn forged_histories_are_refused_here_and_elsewhere() {
    let log = Log::of(300);
    let mut dice = Dice(2);
    let mut forged = 0;
    while forged < 1000 {
        let size = 2 + dice.below(298);
        let old = 1 + dice.below(size - 1);
        let path = consistency_proof(&log, old, size).unwrap();
        let (mut bad, mut old_root, mut new_root) = (path.clone(), root(&log, old).unwrap(), root(&log, size).unwrap());
        let bit = dice.below(256);
        let flip = |hash: &mut Hash| hash[usize_of(bit / 8)] ^= 1 << (bit % 8);
        let at = usize_of(dice.below(bad.len() as u64));
        match dice.below(6) {
            0 => flip(&mut old_root),
            1 => flip(&mut new_root),
            2 => flip(&mut bad[at]),
            3 => {
                bad.remove(at);
            }
            4 => bad.push(leaf_hash(b"more")),
            _ => bad.reverse(),
        }
        if bad == path && old_root == root(&log, old).unwrap() && new_root == root(&log, size).unwrap() {
            continue;
        }
        assert!(verify_consistency(old, &old_root, size, &new_root, &bad).is_err(), "{old} in {size}");
        let (a, b) = (tlog_tiles::Hash(old_root), tlog_tiles::Hash(new_root));
        assert!(tlog_tiles::check_tree(&theirs(&bad), size, b, old, a).is_err(), "another program takes it");
        forged += 1;
    }
}

#[test]
fn places_that_a_tree_does_not_have() {
    let log = Log::of(5);
    let (head, hash) = (root(&log, 5).unwrap(), leaf_hash(&leaf(0)));
    assert_eq!(inclusion_proof(&log, 5, 5), Err(Fault::OutOfRange));
    assert_eq!(inclusion_proof(&log, 0, 0), Err(Fault::OutOfRange));
    assert_eq!(consistency_proof(&log, 0, 5), Err(Fault::OutOfRange));
    assert_eq!(consistency_proof(&log, 6, 5), Err(Fault::OutOfRange));
    assert!(inclusion_proof(&log, 0, 9).is_err());
    assert_eq!(verify_inclusion(&hash, 5, 5, &[], &head), Err(Fault::OutOfRange));
    assert_eq!(verify_inclusion(&hash, 0, 0, &[], &empty_root()), Err(Fault::OutOfRange));
    assert_eq!(verify_inclusion(&hash, 0, 5, &[hash; 200], &head), Err(Fault::TooLong));
    assert_eq!(verify_inclusion(&hash, 0, u64::MAX, &[hash; 3], &head), Err(Fault::ProofLength));
    assert_eq!(verify_consistency(0, &empty_root(), 5, &head, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &head, 5, &head, &[]), Err(Fault::RootDiffers));
    assert_eq!(verify_consistency(0, &empty_root(), 5, &head, &[hash]), Err(Fault::ProofLength));
    assert_eq!(verify_consistency(5, &head, 5, &head, &[hash]), Err(Fault::ProofLength));
    assert_eq!(verify_consistency(6, &head, 5, &head, &[]), Err(Fault::OutOfRange));
    assert_eq!(verify_consistency(4, &head, 5, &head, &[]), Err(Fault::ProofLength));
}

fn key() -> SigningKey {
    SigningKey::new("freehold.example/register", &[42; 32]).unwrap()
}

/// What another program says of a note: its text where a key that it trusts vouches for it.
fn elsewhere(note: &str, vkey: &str) -> Result<Vec<u8>, String> {
    let verifier = signed_note::StandardVerifier::new(vkey).map_err(|e| e.to_string())?;
    let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
    let note = signed_note::Note::from_bytes(note.as_bytes()).map_err(|e| e.to_string())?;
    note.verify(&known).map_err(|e| e.to_string())?;
    Ok(note.text().to_vec())
}

#[test]
fn checkpoints_open_elsewhere_and_theirs_here() {
    let (key, log) = (key(), Log::of(77));
    let head = Checkpoint { origin: "freehold.example/register".into(), size: 77, root: root(&log, 77).unwrap() };
    let note = head.sign(&key).unwrap();
    let vkey = key.verifying_key().to_string();
    let text = elsewhere(&note, &vkey).unwrap();
    let read = tlog_tiles::Checkpoint::from_bytes(&text).unwrap();
    assert_eq!((read.origin(), read.size(), read.hash().0), (head.origin.as_str(), head.size, head.root));
    assert_eq!(Checkpoint::open(&note, &key.verifying_key()), Ok(head.clone()));
    // a key of theirs, with its private form
    let signer = signed_note::StandardSigner::new(&key.to_secret_text()).unwrap();
    let mut by_them = signed_note::Note::new(head.to_string().as_bytes(), &[]).unwrap();
    by_them.add_sigs(&[&signer]).unwrap();
    let theirs = String::from_utf8(by_them.to_bytes()).unwrap();
    assert_eq!(theirs, note, "Ed25519 signs a text one way");
    assert_eq!(VerifyingKey::parse(&vkey), Ok(key.verifying_key()));
    assert_eq!(SigningKey::parse(&key.to_secret_text()).unwrap().verifying_key(), key.verifying_key());
    assert!(!format!("{key:?}").contains("KEY+"), "a private key is never shown");
}

#[test]
fn every_changed_byte_of_a_checkpoint_is_found() {
    let (key, log) = (key(), Log::of(9));
    let head = Checkpoint { origin: "freehold.example/register".into(), size: 9, root: root(&log, 9).unwrap() };
    let note = head.sign(&key).unwrap();
    let vkey = key.verifying_key().to_string();
    for at in 0..note.len() {
        for change in [1_u8, 32] {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= change;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(Checkpoint::open(&text, &key.verifying_key()).is_err(), "byte {at} of\n{text}");
            assert!(elsewhere(&text, &vkey).is_err(), "byte {at}, elsewhere");
        }
    }
    let other = SigningKey::new("freehold.example/register", &[43; 32]).unwrap();
    assert_eq!(Checkpoint::open(&note, &other.verifying_key()), Err(Fault::Unsigned));
    let foreign = Checkpoint { origin: "elsewhere.example".into(), ..head }.sign(&key).unwrap();
    assert!(matches!(Checkpoint::open(&foreign, &key.verifying_key()), Err(Fault::Form(_))));
}

#[test]
fn notes_of_the_standard_and_notes_that_are_none() {
    // the text of the example in C2SP's signed-note: it has an empty line of its own
    let text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";
    let note = key().sign(text).unwrap();
    assert_eq!(Note::parse(&note.to_string()), Ok(note.clone()), "the text ends at the last empty line");
    note.verify(&key().verifying_key()).unwrap();
    let form = note.to_string();
    let signature = form.lines().last().unwrap();
    for wrong in [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "text\n\nno dash\n",
        &format!("{text}\n{signature}"),
        &format!("a\tb\n\n{signature}\n"),
        &format!("{text}\n{}\n", signature.replace(' ', "  ")),
        &form.replace("AA", "A="),
        &format!("{text}\n— a+b AAAAAAA=\n"),
        &format!("{text}\n— a AAAA\n"),
        &format!("{text}\n{}", format!("{signature}\n").repeat(65)),
        &"x".repeat(70_000),
    ] {
        if wrong != form {
            assert!(Note::parse(wrong).is_err(), "{wrong:?}");
        }
    }
    // signatures of others are passed over; a broken one of the trusted key is not
    let more = format!("{form}— other.example/x AAAAAGFiYw==\n");
    Note::parse(&more).unwrap().verify(&key().verifying_key()).unwrap();
    let mut twice = Note::parse(&form).unwrap();
    let mut bad = twice.signatures[0].clone();
    bad.bytes[3] ^= 1;
    twice.signatures.push(bad);
    assert_eq!(twice.verify(&key().verifying_key()), Err(Fault::BadSignature));
    for wrong in ["", "a+b", "a+00000000+AAAA", "a b+00000000+AQ==", "a+zz+AQ==", &"a".repeat(2000)] {
        assert!(VerifyingKey::parse(wrong).is_err() && SigningKey::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_proof_travels_alone() {
    let (key, log) = (key(), Log::of(41));
    let head = Checkpoint { origin: "freehold.example/register".into(), size: 41, root: root(&log, 41).unwrap() };
    let proof = LogProof {
        extra: Some(b"how it is called".to_vec()),
        index: 17,
        path: inclusion_proof(&log, 17, 41).unwrap(),
        checkpoint: head.sign(&key).unwrap(),
    };
    let text = proof.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra aG93IGl0IGlzIGNhbGxlZA==\nindex 17\n"), "{text}");
    let read = LogProof::parse(&text).unwrap();
    assert_eq!(read, proof);
    assert_eq!(read.verify(&leaf(17), &key.verifying_key()), Ok(head));
    assert_eq!(read.verify(&leaf(16), &key.verifying_key()), Err(Fault::RootDiffers));
    // by another program's hands: its note, its checkpoint, its check of the path
    let opened = elsewhere(&read.checkpoint, &key.verifying_key().to_string()).unwrap();
    let theirs_head = tlog_tiles::Checkpoint::from_bytes(&opened).unwrap();
    let record = tlog_tiles::record_hash(&leaf(17));
    tlog_tiles::check_record(&theirs(&read.path), theirs_head.size(), *theirs_head.hash(), 17, record).unwrap();
    for wrong in [
        text.replace("v1", "v2"),
        text.replace("index 17", "index 017"),
        text.replace("index 17", "index -1"),
        text.replace("index 17\n", ""),
        text.replace("\n\n", "\n"),
        text.replace("extra aG", "extra !"),
        text.replacen("index 17\n", &format!("index 17\n{}", "AAAA\n".repeat(3)), 1),
        "x".repeat(200_000),
    ] {
        assert!(LogProof::parse(&wrong).is_err(), "{wrong}");
    }
    // an index within the tree that is another's
    assert!(
        LogProof::parse(&text.replace("index 17", "index 16"))
            .unwrap()
            .verify(&leaf(17), &key.verifying_key())
            .is_err()
    );
}

proptest! {
    #[test]
    fn a_tree_grows_by_what_is_added(size in 1_u64..400, more in 0_u64..100) {
        let log = Log::of(size + more);
        let path = consistency_proof(&log, size, size + more).unwrap();
        let (old, new) = (root(&log, size).unwrap(), root(&log, size + more).unwrap());
        prop_assert_eq!(verify_consistency(size, &old, size + more, &new, &path), Ok(()));
        // a history in which one entry was other is not taken for this one
        let mut forged = Log::of(size - 1);
        forged.push(b"something else");
        (size..size + more).for_each(|i| forged.push(&leaf(i)));
        let other = root(&forged, size + more).unwrap();
        let their_path = consistency_proof(&forged, size, size + more).unwrap();
        prop_assert!(verify_consistency(size, &old, size + more, &other, &their_path).is_err());
    }

    #[test]
    fn bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        freehold_log::fuzz::fuzz_log(&bytes);
    }
}
