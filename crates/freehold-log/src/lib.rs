//! An append-only log that a stranger can check: a Merkle tree (RFC 6962), signed checkpoints (C2SP `tlog-checkpoint` over
//! `signed-note`), proofs that travel alone (C2SP `tlog-proof`), and the one form of an event's bytes (RFC 8785).
//!
//! Pure: no file, no clock, no source of randomness. Whoever keeps a log keeps the hashes of its complete subtrees
//! ([`Nodes`]); appending and proving read a logarithm of them.

mod checkpoint;
mod fault;
pub mod fuzz;
mod json;
mod note;
mod proof;
mod tree;

pub use checkpoint::Checkpoint;
pub use fault::Fault;
pub use json::{canonical, is_canonical};
pub use note::{NOTE_BYTES_MAX, Note, Signature, SigningKey, VerifyingKey};
pub use proof::{LogProof, PROOF_BYTES_MAX};
pub use tree::{
    Hash, Nodes, append, consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash, root,
    verify_consistency, verify_inclusion,
};
