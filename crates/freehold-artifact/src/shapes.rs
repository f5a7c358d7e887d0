//! What the names and shapes of tensors tell of an architecture: blocks and widths. For files without a config.

use freehold_base::FactKind;

use crate::sink::Sink;

/// Tensors that tell a width: what a fact calls it, and the ends of their names in the spellings of the model families.
const ROLES: &[(&str, &[&str])] = &[
    (
        "embedding",
        &[
            "embed_tokens.weight",
            "tok_embeddings.weight",
            "word_embeddings.weight",
            "wte.weight",
            "embed_in.weight",
            "token_embd.weight",
        ],
    ),
    (
        "feed-forward",
        &[
            "gate_proj.weight",
            "up_proj.weight",
            "feed_forward.w1.weight",
            "dense_h_to_4h.weight",
            "mlp.c_fc.weight",
            "ffn_gate.weight",
            "ffn_up.weight",
        ],
    ),
    // both of its halves in one
    ("feed-forward-twice", &["gate_up_proj.weight"]),
    ("queries", &["q_proj.weight", "attn_q.weight", "attention.wq.weight"]),
    ("keys", &["k_proj.weight", "attn_k.weight", "attention.wk.weight"]),
    // queries, keys and values in one
    ("attention", &["qkv_proj.weight", "attn_qkv.weight", "query_key_value.weight", "attention.wqkv.weight"]),
];
/// Parts of a name that is not the language model's, or one of many experts'.
const OTHERS: &[&str] = &["vision", "visual", "audio", "speech", "encoder", "expert", "exps", "mtp", "draft", "lora_"];
/// Most blocks that a name may count; the deepest models have under 200.
const BLOCKS_MAX: u64 = 10_000;
/// Longest tensor name that is looked at; those of language models have under 100 bytes.
const NAME_BYTES_MAX: usize = 256;

/// A tensor's name and its place.
type Named = (String, (u64, u64));

/// Gathers while the tensors go by.
#[derive(Default)]
pub(crate) struct Shapes {
    blocks: Option<(u64, Named)>,
    /// Role and shape as `role out x in`; at most one of each role.
    widths: [Option<(String, Named)>; ROLES.len()],
}

impl Shapes {
    /// Takes a tensor; `shape` = rows first, `None` where what is stored is packed and has another shape.
    pub(crate) fn tensor(&mut self, name: &str, shape: Option<&[u64]>, place: (u64, u64)) {
        if name.len() > NAME_BYTES_MAX || name.starts_with("v.") || name.starts_with("mm.") {
            return;
        }
        if OTHERS.iter().any(|o| name.contains(o)) {
            return;
        }
        let block = block_of(name);
        if let Some(n) = block.filter(|n| self.blocks.as_ref().is_none_or(|(most, _)| n > most)) {
            self.blocks = Some((n, (name.to_owned(), place)));
        }
        // all blocks are alike: the first speaks for them, so that a model in many files says each width once
        if block.is_some_and(|n| n > 0) {
            return;
        }
        let Some([rows, columns]) = shape else { return };
        for ((role, ends), width) in ROLES.iter().zip(&mut self.widths) {
            if width.is_none() && ends.iter().any(|e| ends_with_part(name, e)) {
                *width = Some((format!("{role} {rows} x {columns}"), (name.to_owned(), place)));
            }
        }
    }

    /// Says what was gathered.
    pub(crate) fn facts(&self, sink: &mut Sink<'_>) {
        if let Some((most, (name, place))) = &self.blocks {
            sink.fact_wide(FactKind::Blocks, &most.saturating_add(1).to_string(), name, Some(*place));
        }
        for (shape, (name, place)) in self.widths.iter().flatten() {
            sink.fact_wide(FactKind::Shape, shape, name, Some(*place));
        }
    }
}

/// True where the name is `end` or ends with it behind a dot.
fn ends_with_part(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Number of the block that a name speaks of: `model.layers.12.mlp…`, `blk.12.…`, `transformer.h.12.…`.
fn block_of(name: &str) -> Option<u64> {
    let mut parts = name.split('.');
    parts.find(|p| matches!(*p, "layers" | "layer" | "blk" | "blocks" | "h"))?;
    parts.next()?.parse().ok().filter(|n| *n < BLOCKS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(tensors: &[(&str, Option<&[u64]>)]) -> Vec<(FactKind, String, String)> {
        let mut shapes = Shapes::default();
        for (name, shape) in tensors {
            shapes.tensor(name, *shape, (0, 1));
        }
        let mut sink = Sink::new("f");
        shapes.facts(&mut sink);
        sink.out.facts.into_iter().map(|f| (f.kind, f.value, f.evidence.key)).collect()
    }

    #[test]
    fn blocks_and_widths_are_told_once() {
        let own = |kind, value: &str, key: &str| (kind, value.to_owned(), key.to_owned());
        let found = said(&[
            ("model.embed_tokens.weight", Some(&[100, 8])),
            ("model.layers.0.mlp.gate_proj.weight", Some(&[16, 8])),
            ("model.layers.0.mlp.up_proj.weight", Some(&[17, 8])),
            ("model.layers.0.self_attn.k_proj.weight", None),
            ("model.layers.3.self_attn.q_proj.weight", Some(&[8, 8])),
            ("model.vision_tower.layers.90.mlp.up_proj.weight", Some(&[1, 1])),
            ("model.layers.0.mlp.experts.0.down_proj.weight", Some(&[1, 1])),
        ]);
        let want = [
            own(FactKind::Blocks, "4", "model.layers.3.self_attn.q_proj.weight"),
            own(FactKind::Shape, "embedding 100 x 8", "model.embed_tokens.weight"),
            own(FactKind::Shape, "feed-forward 16 x 8", "model.layers.0.mlp.gate_proj.weight"),
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn odd_names_say_nothing() {
        let long = format!("model.layers.3.{}", "a".repeat(300));
        let names = [
            "",
            ".",
            "layers",
            "layers.",
            "layers.x.y",
            "layers.99999999999999999999.y",
            "v.blk.7.attn_q.weight",
            &long,
        ];
        assert_eq!(said(&names.map(|n| (n, Some(&[1, 2][..])))), []);
        assert_eq!(said(&[("xembed_tokens.weight", Some(&[1, 2])), ("wte.weight", Some(&[1, 2, 3]))]), []);
    }
}
