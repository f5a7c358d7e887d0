//! Proofs that travel alone (C2SP `tlog-proof`): a place, an audit path, a signed checkpoint.

use crate::checkpoint::{hash, number};
use crate::note::{decode, encode};
use crate::{Checkpoint, Fault, Hash, NOTE_BYTES_MAX, VerifyingKey, leaf_hash, verify_inclusion};

/// Longest proof that is read, in bytes.
pub const PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + (16 << 10);
/// The first line.
const MAGIC: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes of a proof.
const HASHES_MAX: usize = 64;

/// That an entry is in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// What the maker wrote beside it, which nothing vouches for.
    pub extra: Option<Vec<u8>>,
    /// The entry's place, from 0.
    pub index: u64,
    /// The audit path.
    pub path: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl LogProof {
    /// Reads a proof. Nothing in it is to be believed before [`LogProof::verify`].
    ///
    /// # Errors
    /// [`Fault::Form`], [`Fault::TooLong`].
    pub fn parse(text: &str) -> Result<LogProof, Fault> {
        let wrong = Fault::Form("a proof: its magic line, index, hashes, an empty line, a checkpoint");
        if text.len() > PROOF_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(|| wrong.clone())?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(MAGIC) {
            return Err(wrong);
        }
        let extra = match lines.peek().and_then(|l| l.strip_prefix("extra ")) {
            Some(bytes) => {
                lines.next();
                Some(decode(bytes)?)
            }
            None => None,
        };
        let index = lines.next().and_then(|l| l.strip_prefix("index ")).ok_or_else(|| wrong.clone())?;
        let index = number(index)?;
        let mut path = Vec::new();
        for line in lines {
            if path.len() >= HASHES_MAX {
                return Err(Fault::TooLong);
            }
            path.push(hash(line)?);
        }
        Ok(LogProof { extra, index, path, checkpoint: checkpoint.to_string() })
    }

    /// Whether these bytes are an entry of the log that `key` signs for; its checkpoint where they are.
    ///
    /// # Errors
    /// What is wrong with the checkpoint or the path.
    pub fn verify(&self, leaf: &[u8], key: &VerifyingKey) -> Result<Checkpoint, Fault> {
        let head = Checkpoint::open(&self.checkpoint, key)?;
        verify_inclusion(&leaf_hash(leaf), self.index, head.size, &self.path, &head.root)?;
        Ok(head)
    }
}

impl std::fmt::Display for LogProof {
    /// The form that [`LogProof::parse`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{MAGIC}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for one in &self.path {
            writeln!(f, "{}", encode(one))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
