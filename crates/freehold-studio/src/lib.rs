//! Fine-tunes a base model on a CPU, merges the adapter, and writes the GGUF.

pub mod chart;
pub mod checkpoint;
pub mod compute;
pub mod config;
pub mod data;
pub mod decoder;
pub mod export;
pub mod files;
pub mod finish;
pub mod fuzz;
pub mod gguf;
pub mod job;
pub mod lora;
pub mod memory;
pub mod numbers;
pub mod optimizer;
pub mod quantize;
pub mod random;
pub mod recipe;
pub mod sweep;
pub mod tokenizer;
pub mod train;
pub mod weights;
