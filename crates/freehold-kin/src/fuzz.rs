//! Plain functions for fuzzers and for the replay of their corpora: no panic, no hang, and no more memory than the order
//! of the input, whatever the bytes are.

use freehold_artifact::ReadAt;

use crate::ggml::Block;
use crate::numbers::Numbers;
use crate::{Model, compare};

/// A file of weights of any form against itself, and its bytes as blocks of every type.
pub fn fuzz_kin(data: &[u8]) {
    let open = || Model::open(vec![("a".to_owned(), &data as &dyn ReadAt)]);
    let found = compare(&open(), &open());
    assert!((0.0..=1.0).contains(&found.score) && (0.0..=1.001).contains(&found.closeness), "{found:?}");
    for number in 0..64 {
        let Some(block) = Block::of(number) else { continue };
        let size = usize::try_from(block.size().1).unwrap_or(1);
        if let Some(bytes) = data.get(..size) {
            let mut out = Numbers::default();
            block.decode(bytes, &mut out);
            assert!(out.values.iter().chain(&out.half).all(|v| v.is_finite()), "{}", block.name());
        }
    }
}
