//! What a caller of the crate sees: valid files, hostile files, mutated files, real files, the fuzz corpus.

mod build;
mod corpus;
mod formats;
mod hostile;
mod mutated;
mod real;
