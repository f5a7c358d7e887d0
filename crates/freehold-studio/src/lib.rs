//! Fine-tunes a base model on a CPU, merges the adapter, and writes the GGUF.

pub mod compute;
pub mod config;
pub mod decoder;
pub mod export;
pub mod gguf;
pub mod lora;
pub mod numbers;
pub mod optimizer;
pub mod quantize;
pub mod random;
pub mod tokenizer;
pub mod weights;
