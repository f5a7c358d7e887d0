//! Papers as PDF and DOCX: the same blocks that Markdown and HTML are made from, laid out for A4.
//!
//! A leaf of its own, since typesetting is heavy: `freehold` runs it and goes on without it where it is not there.

mod docx;
mod pdf;

pub use docx::docx;
pub use pdf::pdf;

/// Longest paper, as JSON, in bytes.
pub const PAPER_BYTES_MAX: u64 = 16 << 20;
