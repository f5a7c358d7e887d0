//! The engine against a naive reference of the same law, and the properties that both must have.

mod cases;
mod naive;
mod properties;
