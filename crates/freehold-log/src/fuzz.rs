//! Entry point for the fuzzer; the same function replays the corpus in the ordinary tests.

use crate::{Checkpoint, LogProof, Note, SigningKey, VerifyingKey, canonical, is_canonical};

/// Bytes as a note, a checkpoint, a proof, keys, a JSON text: what is read is written as it was.
pub fn fuzz_log(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(note) = Note::parse(&text) {
        assert_eq!(note.to_string(), text, "a note has one spelling");
        if let Ok(head) = Checkpoint::parse(&note.text) {
            assert!(note.text.starts_with(&head.to_string()));
        }
    }
    let key = SigningKey::new("example.com/log", &[7; 32]).expect("a name");
    if let Ok(proof) = LogProof::parse(&text) {
        assert_eq!(LogProof::parse(&proof.to_string()).as_ref(), Ok(&proof));
        assert!(proof.verify(b"", &key.verifying_key()).is_err(), "nobody has this key");
    }
    if let Ok(key) = VerifyingKey::parse(&text) {
        assert_eq!(VerifyingKey::parse(&key.to_string()), Ok(key));
    }
    let _ = SigningKey::parse(&text);
    if let Ok(value) = serde_json::from_slice(data)
        && let Ok(form) = canonical(&value)
    {
        assert!(is_canonical(&form), "the one form is its own");
    }
}
