//! Checks over the whole checkout.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

mod arrows;
mod law;
mod replay;
mod wheel;
