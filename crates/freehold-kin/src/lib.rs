//! Two models in, what their weights say of their kinship out.
//!
//! [`Model::open`] reads the tensor tables of safetensors and GGUF files, [`compare`] samples the numbers of the
//! tensors that both have: whole norms, a few rows of each matrix, in places that depend on the tensor's name and shape
//! alone. Quantized numbers come with the interval that they were rounded from, so that "the same but for rounding" is
//! a test and no guess. Where all norms are equal and only matrices differ, the rank of the difference tells a
//! merged adapter.
//!
//! Pure: nothing here opens a file; reads are bounded by stated limits, whatever the bytes are. Which of two models came
//! first no weights tell.

mod bytes;
mod compare;
pub mod fuzz;
mod ggml;
mod gguf;
mod model;
mod names;
mod numbers;
mod packed;
mod rank;
mod safetensors;
mod sample;
mod torch;

pub use compare::{ClassSum, Kinship, Proof, Relation, compare};
pub use model::Model;
pub use names::Class;
