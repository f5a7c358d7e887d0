//! The one pipeline against scenarios that counsel can read.

mod ollama;
mod recipe;
mod scenarios;
