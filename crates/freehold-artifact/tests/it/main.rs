//! What a caller of the crate sees: valid files, hostile files, mutated files, real files, the fuzz corpus.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on says where it stopped, and one that is skipped says so"
)]

mod build;
mod corpus;
mod edit;
mod formats;
mod hostile;
mod mutated;
mod real;
