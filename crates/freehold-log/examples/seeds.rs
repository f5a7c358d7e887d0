//! Writes the seeds of the fuzz target: `cargo run -p freehold-log --example seeds DIR`.

#![expect(clippy::unwrap_used, reason = "a tool of the workshop")]

use freehold_log::{Checkpoint, LogProof, SigningKey, leaf_hash, node_hash};

fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let key = SigningKey::new("example.com/log", &[9; 32]).unwrap();
    let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
    let head = Checkpoint { origin: "example.com/log".into(), size: 2, root: node_hash(&a, &b) };
    let note = head.sign(&key).unwrap();
    let proof = LogProof { extra: Some(b"x".to_vec()), index: 1, path: vec![a], checkpoint: note.clone() };
    std::fs::write(dir.join("checkpoint"), &note).unwrap();
    std::fs::write(dir.join("proof"), proof.to_string()).unwrap();
    std::fs::write(dir.join("vkey"), key.verifying_key().to_string()).unwrap();
    std::fs::write(dir.join("key"), SigningKey::new("k", &[0; 32]).unwrap().to_secret_text()).unwrap();
    std::fs::write(dir.join("json"), "{\"a\":[1,-2,null,true,\"\\u000f€\"],\"b\":{}}").unwrap();
}
