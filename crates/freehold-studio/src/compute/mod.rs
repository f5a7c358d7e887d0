//! Numbers: matrix products and the loops between them, all in f32, all with the same result for a given number of threads.

/// Consumed by the body of [`wide`], which makes the closure one that can be called once only. Rust then calls its body
/// directly; through the shim that it makes for other closures the body would lose the wide instructions.
pub(crate) struct Once;

/// Runs a block with the widest instructions that this processor has. What the block uses is moved into it.
macro_rules! wide {
    ($body:block) => {{
        let once = $crate::compute::Once;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            move || {
                let _once = once;
                $body
            },
        )
    }};
}
pub(crate) use wide;

mod attention;
mod pointwise;
mod product;

pub use attention::{Attention, Saved as SavedAttention};
pub use pointwise::{
    Activation, Rotation, add, dropped, exp, gated, gated_back, greatest, head_major, norm, norm_back, rotate,
    token_major,
};
pub use product::{Threads, View, multiply, multiply_into};
