//! What is wrong with a proof, a note, a text.

use std::fmt;

/// Why something that claims to prove a thing does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes that are not of the form: what was expected, lower case, no full stop.
    Form(&'static str),
    /// Longer, or of more parts, than is read.
    TooLong,
    /// A position that the tree does not have.
    OutOfRange,
    /// A subtree's hash that must be there is not.
    MissingNode {
        /// Level of the subtree: it covers 2^level leaves.
        level: u32,
        /// Its place on that level, from 0.
        index: u64,
    },
    /// A proof with fewer or more hashes than its place asks for.
    ProofLength,
    /// The hashes do not come to the root.
    RootDiffers,
    /// No signature of a key that is trusted.
    Unsigned,
    /// A trusted key's signature that is not of this text.
    BadSignature,
    /// A number that is no whole number within 2^53, which is all that one form holds.
    Number,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Form(expected) => write!(f, "not of the form: {expected}"),
            Fault::TooLong => f.write_str("longer than is read"),
            Fault::OutOfRange => f.write_str("the tree has no such place"),
            Fault::MissingNode { level, index } => write!(f, "the hash of subtree {index} at level {level} is missing"),
            Fault::ProofLength => f.write_str("the proof has too few or too many hashes"),
            Fault::RootDiffers => f.write_str("the hashes do not come to the root"),
            Fault::Unsigned => f.write_str("no signature of a trusted key"),
            Fault::BadSignature => f.write_str("the signature is not of this text"),
            Fault::Number => f.write_str("a number that is no whole number within 2^53"),
        }
    }
}

impl std::error::Error for Fault {}
