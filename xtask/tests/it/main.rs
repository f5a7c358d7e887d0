//! Checks over the whole checkout.
mod arrows;
mod law;
mod replay;
