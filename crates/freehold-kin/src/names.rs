//! One name for a tensor, whoever wrote the file: GGUF's short names, Hugging Face's long ones.

/// What a tensor is to its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The gain (or shift) of a norm: one number a channel.
    Norm,
    /// A row a word of the vocabulary, on the way in.
    Embedding,
    /// A row a word of the vocabulary, on the way out.
    Head,
    /// A matrix inside a layer.
    Projection,
    /// Biases and what has no better name.
    Other,
}

impl Class {
    /// Every class, in the order of a report.
    pub const ALL: [Class; 5] = [Class::Norm, Class::Embedding, Class::Head, Class::Projection, Class::Other];

    /// The word of a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Norm => "norm",
            Class::Embedding => "embedding",
            Class::Head => "head",
            Class::Projection => "projection",
            Class::Other => "other",
        }
    }
}

/// Where a tensor stands: its layer, and what it is there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// What it is (`attn_q.weight`), the same in each layer.
    pub(crate) kind: String,
    /// The first number of its name.
    pub(crate) layer: Option<u32>,
}

/// Words before the layer that say nothing of the model.
const WRAPPERS: &[&str] = &["base_model", "model", "module", "transformer", "language_model", "text_model", "decoder"];
/// What a stack of layers is called.
const STACKS: &[&str] = &["blk", "layers", "h", "blocks", "layer"];
/// Buffers that the architecture fixes: equal in strangers too.
const FIXED: &[&str] = &[
    "inv_freq",
    "rotary",
    "rope_freqs",
    "position_ids",
    "attn.bias",
    "masked_bias",
    "rope_factors",
    "basis_buffer",
    "mel_basis",
    "freqs_cis",
];

/// Hugging Face's words for what GGUF calls otherwise, inside a layer.
const IN_LAYER: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("pre_feedforward_layernorm", "ffn_norm"),
    ("post_feedforward_layernorm", "post_ffw_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.qkv_proj", "attn_qkv"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.gate_up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("mlp.gate", "ffn_gate_inp"),
    ("block_sparse_moe.gate", "ffn_gate_inp"),
];

/// The same outside of the layers.
const OUTSIDE: &[(&str, &str)] = &[("embed_tokens", "token_embd"), ("norm", "output_norm"), ("lm_head", "output")];

/// The key of a tensor's name; `None` for buffers that the architecture fixes. `sandwich`: the model has norms before
/// and after each part (Gemma 2), so that `post_attention_layernorm` is what it says.
pub(crate) fn key(name: &str, sandwich: bool) -> Option<Key> {
    if FIXED.iter().any(|f| name.contains(f)) {
        return None;
    }
    let mut parts: Vec<&str> = name.split('.').collect();
    while parts.len() > 2 && parts.first().is_some_and(|p| WRAPPERS.contains(p)) {
        parts.remove(0);
    }
    let number = |p: &str| if p.len() <= 6 { p.parse::<u32>().ok() } else { None };
    let at = parts.iter().position(|p| number(p).is_some());
    let layer = at.and_then(|i| parts.get(i).and_then(|p| number(p)));
    let (before, rest) = match at {
        Some(i) => (parts.get(..i).unwrap_or_default(), parts.get(i + 1..).unwrap_or_default()),
        None => (&[][..], parts.as_slice()),
    };
    let before = if before.len() == 1 && before.iter().all(|p| STACKS.contains(p)) { &[][..] } else { before };
    let (stem, end) = match rest.split_last() {
        Some((last, stem)) if matches!(*last, "weight" | "bias") => (stem.join("."), format!(".{last}")),
        _ => (rest.join("."), String::new()),
    };
    let table = if layer.is_some() { IN_LAYER } else { OUTSIDE };
    let stem = match stem.as_str() {
        "post_attention_layernorm" => if sandwich { "post_attention_norm" } else { "ffn_norm" }.to_owned(),
        s => table.iter().find(|(from, _)| *from == s).map_or(stem.clone(), |(_, to)| (*to).to_owned()),
    };
    let prefix = if before.is_empty() { String::new() } else { format!("{}/", before.join(".")) };
    Some(Key { kind: format!("{prefix}{stem}{end}"), layer })
}

/// The class of a tensor by its key and whether it is a matrix.
pub(crate) fn class(kind: &str, matrix: bool) -> Class {
    let stem = kind.rsplit('/').next().unwrap_or(kind);
    match stem {
        "token_embd.weight" => Class::Embedding,
        "output.weight" => Class::Head,
        _ if matrix => Class::Projection,
        _ if stem.contains("norm") || stem.contains("ln_") => Class::Norm,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> String {
        key(name, false).map_or("-".into(), |k| format!("{:?} {}", k.layer, k.kind))
    }

    #[test]
    fn two_conventions_meet_in_one_name() {
        for (gguf, hf) in [
            ("blk.7.attn_norm.weight", "model.layers.7.input_layernorm.weight"),
            ("blk.7.ffn_norm.weight", "model.layers.7.post_attention_layernorm.weight"),
            ("blk.0.attn_q.weight", "model.language_model.layers.0.self_attn.q_proj.weight"),
            ("blk.0.attn_q.bias", "model.layers.0.self_attn.q_proj.bias"),
            ("blk.0.ffn_down.weight", "layers.0.mlp.down_proj.weight"),
            ("token_embd.weight", "model.embed_tokens.weight"),
            ("output_norm.weight", "model.norm.weight"),
            ("output.weight", "lm_head.weight"),
        ] {
            assert_eq!(of(gguf), of(hf), "{gguf}");
        }
    }

    #[test]
    fn other_stacks_keep_their_name_and_buffers_are_left_out() {
        assert_eq!(
            of("vision_tower.encoder.layers.3.mlp.fc1.weight"),
            "Some(3) vision_tower.encoder.layers/mlp.fc1.weight"
        );
        assert_eq!(of("transformer.h.1.ln_1.weight"), "Some(1) ln_1.weight");
        assert_eq!(of("model.layers.0.self_attn.rotary_emb.inv_freq"), "-");
        assert_eq!(of(""), "None ");
        assert_eq!(
            key("model.layers.1.post_attention_layernorm.weight", true).map(|k| k.kind),
            Some("post_attention_norm.weight".into())
        );
        assert_eq!(class("attn_norm.weight", false), Class::Norm);
        assert_eq!(class("attn_q.bias", false), Class::Other);
    }
}
