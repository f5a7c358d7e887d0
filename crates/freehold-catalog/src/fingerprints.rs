//! `fingerprints.toml`: the numbers of a header that tell one base model from another.

use serde::{Deserialize, Serialize};

use crate::document::{Node, Sink, Table};

/// The numbers of an architecture, as a header or a config states them; `None` = not stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Blocks.
    pub layers: Option<u64>,
    /// Width of the embedding.
    pub hidden: Option<u64>,
    /// Attention heads.
    pub heads: Option<u64>,
    /// Heads of keys and values.
    pub kv_heads: Option<u64>,
    /// Width of the feed-forward layer.
    pub feed_forward: Option<u64>,
    /// Words of the vocabulary; padding and added tokens make it differ a little.
    pub vocabulary: Option<u64>,
    /// Base of the rotary position embedding.
    pub rope_base: Option<u64>,
    /// Positions that the model was made for.
    pub context: Option<u64>,
}

/// Known base models that share all numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Their repository ids.
    pub models: Vec<String>,
    /// What they share.
    pub numbers: Numbers,
}

/// Vocabularies that differ by no more are the same: embeddings are padded, and fine-tunes add a few tokens.
const VOCABULARY_SLACK: u64 = 1024;

impl Numbers {
    /// How many numbers of the two are stated on both sides and agree; `None` where one differs, or too few are stated to
    /// tell anything: layers, width and heads must be, and one of the others.
    pub fn agreement(&self, other: &Numbers) -> Option<usize> {
        let same = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => (a == b).then_some(1),
            _ => Some(0),
        };
        let vocabulary = match (self.vocabulary, other.vocabulary) {
            (Some(a), Some(b)) => (a.abs_diff(b) <= VOCABULARY_SLACK).then_some(1),
            _ => Some(0),
        };
        let core = same(self.layers, other.layers)? + same(self.hidden, other.hidden)? + same(self.heads, other.heads)?;
        let rest = same(self.kv_heads, other.kv_heads)? + same(self.feed_forward, other.feed_forward)? + vocabulary?;
        let rope = same(self.rope_base, other.rope_base)?;
        (core == 3 && rest >= 2).then_some(core + rest + rope)
    }
}

/// The rows that agree with `numbers` in every number that both state. Where the context that was stated is that of some of
/// them, those alone: later versions of one architecture often differ in nothing else.
pub fn matching<'f>(all: &'f [Fingerprint], numbers: &Numbers) -> Vec<&'f Fingerprint> {
    let agree: Vec<&Fingerprint> = all.iter().filter(|f| f.numbers.agreement(numbers).is_some()).collect();
    let of_context: Vec<&Fingerprint> =
        agree.iter().copied().filter(|f| numbers.context.is_some() && f.numbers.context == numbers.context).collect();
    if of_context.is_empty() { agree } else { of_context }
}

pub(crate) fn load(root: &Node, sink: &Sink<'_>) -> Vec<Fingerprint> {
    let Some(top) = Table::open(root, "fingerprints.toml", sink) else { return Vec::new() };
    top.need("schema");
    top.need("source");
    top.need("checked");
    let mut out = Vec::new();
    for row in top.tables("fingerprint") {
        let number = |key: &'static str| row.integer(key).and_then(|n| u64::try_from(n).ok());
        let numbers = Numbers {
            layers: number("layers"),
            hidden: number("hidden"),
            heads: number("heads"),
            kv_heads: number("kv-heads"),
            feed_forward: number("feed-forward"),
            vocabulary: number("vocabulary"),
            rope_base: number("rope-base"),
            context: number("context"),
        };
        out.push(Fingerprint { models: row.texts("models").into_iter().map(|t| t.text).collect(), numbers });
        row.finish();
    }
    top.finish();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eight(context: Option<u64>) -> Numbers {
        Numbers {
            layers: Some(32),
            hidden: Some(4096),
            heads: Some(32),
            kv_heads: Some(8),
            feed_forward: Some(14336),
            vocabulary: Some(128_256),
            rope_base: Some(500_000),
            context,
        }
    }

    #[test]
    fn a_number_that_differs_ends_it_and_padding_does_not() {
        let base = eight(None);
        assert_eq!(base.agreement(&base), Some(7));
        assert_eq!(base.agreement(&Numbers { vocabulary: Some(128_258), ..base }), Some(7));
        assert_eq!(base.agreement(&Numbers { vocabulary: Some(32_000), ..base }), None);
        assert_eq!(base.agreement(&Numbers { rope_base: Some(10_000), ..base }), None);
        assert_eq!(base.agreement(&Numbers { rope_base: None, ..base }), Some(6));
    }

    #[test]
    fn too_little_says_nothing() {
        let base = eight(None);
        let few = Numbers { layers: Some(32), hidden: Some(4096), heads: Some(32), ..Numbers::default() };
        assert_eq!(base.agreement(&few), None);
        assert_eq!(base.agreement(&Numbers::default()), None);
    }

    #[test]
    fn the_context_tells_versions_apart_where_it_is_stated() {
        let row = |id: &str, context| Fingerprint { models: vec![id.into()], numbers: eight(context) };
        let all = [row("old", Some(8192)), row("new", Some(131_072))];
        let ids = |n| matching(&all, &n).iter().map(|f| f.models[0].clone()).collect::<Vec<_>>();
        assert_eq!(ids(eight(Some(131_072))), ["new"]);
        assert_eq!(ids(eight(None)), ["old", "new"]);
        assert_eq!(ids(eight(Some(4096))), ["old", "new"]);
    }
}
