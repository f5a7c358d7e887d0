//! Checkpoints (C2SP `tlog-checkpoint`): what a log was at a size, in three lines.

use crate::note::{decode, encode};
use crate::{Fault, Hash, Note, SigningKey, VerifyingKey};

/// A tree's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is of.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

/// A number in decimal with no second spelling.
pub(crate) fn number(text: &str) -> Result<u64, Fault> {
    let wrong = Fault::Form("a number in decimal");
    let n: u64 = text.parse().map_err(|_| wrong.clone())?;
    if n.to_string() == text { Ok(n) } else { Err(wrong) }
}

pub(crate) fn hash(text: &str) -> Result<Hash, Fault> {
    decode(text)?.try_into().map_err(|_| Fault::Form("a SHA-256 in base64"))
}

impl Checkpoint {
    /// Reads a note's text; lines that extend it are passed over.
    ///
    /// # Errors
    /// [`Fault::Form`].
    pub fn parse(text: &str) -> Result<Checkpoint, Fault> {
        let wrong = Fault::Form("a checkpoint: origin, size, root");
        let body = text.strip_suffix('\n').ok_or_else(|| wrong.clone())?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(wrong);
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(wrong);
        }
        Ok(Checkpoint { origin: origin.to_string(), size: number(size)?, root: hash(root)? })
    }

    /// Reads a signed checkpoint that `key` vouches for and that is of the log which the key is named for.
    ///
    /// # Errors
    /// What is wrong with the note, its signature, its text; [`Fault::Form`] where it is another log's.
    pub fn open(note: &str, key: &VerifyingKey) -> Result<Checkpoint, Fault> {
        let note = Note::parse(note)?;
        note.verify(key)?;
        let out = Checkpoint::parse(&note.text)?;
        if out.origin != key.name() {
            return Err(Fault::Form("a checkpoint of the log that the key is named for"));
        }
        Ok(out)
    }

    /// The signed note.
    ///
    /// # Errors
    /// [`Fault::Form`] where the origin is no line.
    pub fn sign(&self, key: &SigningKey) -> Result<String, Fault> {
        Ok(key.sign(&self.to_string())?.to_string())
    }
}

impl std::fmt::Display for Checkpoint {
    /// The note's text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, encode(&self.root))
    }
}
