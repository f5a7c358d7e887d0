//! The tree of RFC 6962, section 2.1, over the hashes of its complete subtrees.

use sha2::{Digest, Sha256};

use crate::Fault;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Longest proof that is looked at: a tree of 2^63 leaves needs no more hashes.
const PROOF_HASHES_MAX: usize = 128;

/// The hashes of complete subtrees.
pub trait Nodes {
    /// The hash of subtree `index` of `level`: of the 2^level leaves from `index` · 2^level.
    ///
    /// # Errors
    /// [`Fault::MissingNode`] where it is not there.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Fault>;
}

/// The root of a tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The hash of a leaf's bytes.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// The hash over two subtrees.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The subtrees that a leaf completes when it becomes leaf `index`: level, place, hash; the leaf's own first.
///
/// # Errors
/// [`Fault::MissingNode`] where an earlier subtree's hash is not there.
pub fn append(nodes: &dyn Nodes, index: u64, leaf: Hash) -> Result<Vec<(u32, u64, Hash)>, Fault> {
    let mut out = vec![(0, index, leaf)];
    let (mut level, mut at, mut hash) = (0_u32, index, leaf);
    while at & 1 == 1 {
        hash = node_hash(&nodes.node(level, at - 1)?, &hash);
        level += 1;
        at >>= 1;
        out.push((level, at, hash));
    }
    Ok(out)
}

/// The root of the tree's first `size` leaves.
///
/// # Errors
/// [`Fault::MissingNode`].
pub fn root(nodes: &dyn Nodes, size: u64) -> Result<Hash, Fault> {
    if size == 0 { Ok(empty_root()) } else { range(nodes, 0, size) }
}

/// The largest power of two below `n`, for `n` of 2 or more.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// The hash of `count` leaves from `from`, where `from` is where a subtree of that many begins.
fn range(nodes: &dyn Nodes, from: u64, count: u64) -> Result<Hash, Fault> {
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes.node(level, from >> level);
    }
    let left = split(count);
    Ok(node_hash(&range(nodes, from, left)?, &range(nodes, from + left, count - left)?))
}

/// The audit path of leaf `index` in the tree of `size` leaves, from the leaf's sibling upwards.
///
/// # Errors
/// [`Fault::OutOfRange`] where the tree has no such leaf; [`Fault::MissingNode`].
pub fn inclusion_proof(nodes: &dyn Nodes, index: u64, size: u64) -> Result<Vec<Hash>, Fault> {
    if index >= size {
        return Err(Fault::OutOfRange);
    }
    let (mut from, mut count, mut at) = (0, size, index);
    let mut path = Vec::new();
    while count > 1 {
        let left = split(count);
        if at < left {
            path.push(range(nodes, from + left, count - left)?);
            count = left;
        } else {
            path.push(range(nodes, from, left)?);
            from += left;
            at -= left;
            count -= left;
        }
    }
    path.reverse();
    Ok(path)
}

/// What shows that the first `old` leaves of the tree of `size` are the tree of `old`.
///
/// # Errors
/// [`Fault::OutOfRange`] where `old` is 0 or more than `size`; [`Fault::MissingNode`].
pub fn consistency_proof(nodes: &dyn Nodes, old: u64, size: u64) -> Result<Vec<Hash>, Fault> {
    if old == 0 || old > size {
        return Err(Fault::OutOfRange);
    }
    let (mut from, mut count, mut known) = (0, size, old);
    let mut whole = true;
    let mut path = Vec::new();
    while known != count {
        let left = split(count);
        if known <= left {
            path.push(range(nodes, from + left, count - left)?);
            count = left;
        } else {
            path.push(range(nodes, from, left)?);
            from += left;
            known -= left;
            count -= left;
            whole = false;
        }
    }
    if !whole {
        path.push(range(nodes, from, count)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether a leaf's hash is leaf `index` of the tree of `size` with this root.
///
/// # Errors
/// [`Fault::OutOfRange`], [`Fault::ProofLength`], [`Fault::RootDiffers`].
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], expected: &Hash) -> Result<(), Fault> {
    if index >= size {
        return Err(Fault::OutOfRange);
    }
    if path.len() > PROOF_HASHES_MAX {
        return Err(Fault::TooLong);
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(Fault::ProofLength);
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(Fault::ProofLength);
    }
    if hash == *expected { Ok(()) } else { Err(Fault::RootDiffers) }
}

/// Whether the tree of `size` with root `new_root` begins with the tree of `old` with root `old_root`. Every tree begins with the
/// empty one, which needs no proof.
///
/// # Errors
/// [`Fault::OutOfRange`], [`Fault::ProofLength`], [`Fault::RootDiffers`].
pub fn verify_consistency(old: u64, old_root: &Hash, size: u64, new_root: &Hash, path: &[Hash]) -> Result<(), Fault> {
    if old > size {
        return Err(Fault::OutOfRange);
    }
    if path.len() > PROOF_HASHES_MAX {
        return Err(Fault::TooLong);
    }
    let same = |a: &Hash, b: &Hash| if a == b { Ok(()) } else { Err(Fault::RootDiffers) };
    if old == 0 || old == size {
        if !path.is_empty() {
            return Err(Fault::ProofLength);
        }
        return if old == 0 { same(old_root, &empty_root()) } else { same(old_root, new_root) };
    }
    let mut rest = path.iter();
    let (mut at, mut last) = (old - 1, size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    // where the old tree is one complete subtree, it is its own beginning
    let seed = if old.is_power_of_two() { *old_root } else { *rest.next().ok_or(Fault::ProofLength)? };
    let (mut first, mut second) = (seed, seed);
    for sibling in rest {
        if last == 0 {
            return Err(Fault::ProofLength);
        }
        if at & 1 == 1 || at == last {
            first = node_hash(sibling, &first);
            second = node_hash(sibling, &second);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            second = node_hash(&second, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(Fault::ProofLength);
    }
    same(&first, old_root)?;
    same(&second, new_root)
}
