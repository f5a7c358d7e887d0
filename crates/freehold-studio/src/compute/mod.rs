//! Numbers: matrix products and the loops between them, all in f32, all with the same result for a given number of threads.

mod attention;
mod pointwise;
mod product;

pub use attention::{Attention, Saved as SavedAttention};
pub use pointwise::{
    Activation, Rotation, add, dropped, exp, gated, gated_back, head_major, norm, norm_back, rotate, token_major,
};
pub use product::{Threads, View, multiply, multiply_into};
