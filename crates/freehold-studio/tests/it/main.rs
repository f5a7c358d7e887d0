//! The studio against other people's software: golden numbers of transformers and PEFT, and a real llama.cpp.

mod files;
mod formula;
mod jobs;
mod llama;
mod parity;
mod replay;
mod resume;
