//! The engine against a naive reference of the same law, and the properties that it must have.
#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy.toml allows it in the tests themselves only")]

mod cases;
mod exceptions;
mod naive;
mod properties;
