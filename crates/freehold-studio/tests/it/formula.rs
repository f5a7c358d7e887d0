//! Small models whose weights follow from their names, so that none is stored. `golden.py` fills them the same way.

use std::path::Path;

use freehold_studio::decoder::Batch;
use freehold_studio::numbers::to_bf16;
use freehold_studio::random::{mix, seed_of};
use serde_json::{Value, json};

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The numbers of a name, in [-1, 1).
pub(crate) fn units(name: &str, n: usize) -> impl Iterator<Item = f32> {
    let seed = seed_of(name);
    (1..=n as u64).map(move |i| (mix(seed.wrapping_add(i.wrapping_mul(STEP))) >> 40) as f32 / 8_388_608.0 - 1.0)
}

fn values(name: &str, n: usize, gemma: bool) -> Vec<f32> {
    let each = units(name, n);
    match () {
        () if name.contains("norm") && gemma => each.map(|u| 0.2 * u).collect(),
        () if name.contains("norm") => each.map(|u| 1.0 + 0.2 * u).collect(),
        () if name.ends_with("bias") => each.map(|u| 0.1 * u).collect(),
        () => each.map(|u| 0.12 * u).collect(),
    }
}

/// Names and shapes of a model's tensors.
pub(crate) fn shapes(config: &Value) -> Vec<(String, Vec<usize>)> {
    let n = |key: &str| config[key].as_u64().map(|n| n as usize);
    let kind = config["model_type"].as_str().expect("a kind");
    let (h, v, f) = (n("hidden_size").expect("h"), n("vocab_size").expect("v"), n("intermediate_size").expect("f"));
    let (q, k) = (n("num_attention_heads").expect("q"), n("num_key_value_heads").expect("k"));
    let d = n("head_dim").unwrap_or(h / q);
    let gemma = kind.starts_with("gemma");
    let mut all = vec![("model.embed_tokens.weight".to_owned(), vec![v, h]), ("model.norm.weight".into(), vec![h])];
    if !config["tie_word_embeddings"].as_bool().unwrap_or(gemma) {
        all.push(("lm_head.weight".into(), vec![v, h]));
    }
    for i in 0..n("num_hidden_layers").expect("layers") {
        let mut put = |name: &str, shape: &[usize]| all.push((format!("model.layers.{i}.{name}"), shape.to_vec()));
        put("input_layernorm.weight", &[h]);
        put("post_attention_layernorm.weight", &[h]);
        if gemma {
            put("pre_feedforward_layernorm.weight", &[h]);
            put("post_feedforward_layernorm.weight", &[h]);
        }
        if kind == "phi3" {
            put("self_attn.qkv_proj.weight", &[(q + 2 * k) * d, h]);
            put("mlp.gate_up_proj.weight", &[2 * f, h]);
        } else {
            for (name, rows) in [("q", q * d), ("k", k * d), ("v", k * d)] {
                put(&format!("self_attn.{name}_proj.weight"), &[rows, h]);
                if kind == "qwen2" {
                    put(&format!("self_attn.{name}_proj.bias"), &[rows]);
                }
            }
            put("mlp.gate_proj.weight", &[f, h]);
            put("mlp.up_proj.weight", &[f, h]);
        }
        put("self_attn.o_proj.weight", &[h, q * d]);
        put("mlp.down_proj.weight", &[h, f]);
        if matches!(kind, "qwen3" | "gemma3_text") {
            put("self_attn.q_norm.weight", &[d]);
            put("self_attn.k_norm.weight", &[d]);
        }
    }
    all
}

/// Writes `config.json` and the shards of a model: two of them, so that an index is read too.
pub(crate) fn write(folder: &Path, config: &Value) {
    let gemma = config["model_type"].as_str().is_some_and(|k| k.starts_with("gemma"));
    let half = config["torch_dtype"] == "bfloat16";
    std::fs::write(folder.join("config.json"), config.to_string()).expect("config");
    let all: Vec<(String, Vec<usize>, Vec<u8>)> = shapes(config)
        .into_iter()
        .map(|(name, shape)| {
            let values = values(&name, shape.iter().product(), gemma);
            let bytes = match half {
                true => values.iter().flat_map(|v| to_bf16(*v).to_le_bytes()).collect(),
                false => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            };
            (name, shape, bytes)
        })
        .collect();
    let (first, second) = all.split_at(all.len() / 2);
    let mut index = serde_json::Map::new();
    for (file, tensors) in [("model-00001-of-00002.safetensors", first), ("model-00002-of-00002.safetensors", second)] {
        let (mut header, mut at) = (serde_json::Map::new(), 0);
        for (name, shape, bytes) in tensors {
            let kind = if half { "BF16" } else { "F32" };
            header.insert(name.clone(), json!({"dtype": kind, "shape": shape, "data_offsets": [at, at + bytes.len()]}));
            index.insert(name.clone(), file.into());
            at += bytes.len();
        }
        let mut text = Value::Object(header).to_string();
        text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
        let mut out = (text.len() as u64).to_le_bytes().to_vec();
        out.extend(text.bytes());
        tensors.iter().for_each(|(.., bytes)| out.extend(bytes));
        std::fs::write(folder.join(file), out).expect("shard");
    }
    let index = json!({"metadata": {}, "weight_map": index});
    std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).expect("index");
}

/// The tokens of one training step: two rows of 48, of which the first 8 and 13 are not to be learned.
pub(crate) fn batch(step: u64, length: usize) -> Batch {
    let mut batch = Batch::default();
    for row in 0..2u64 {
        let id = |t: u64| mix(0xF00Du64.wrapping_add(((step * 64 + row) * 1024 + t + 1).wrapping_mul(STEP))) % 320;
        let ids: Vec<u32> = (0..length as u64).map(|t| id(t) as u32).collect();
        let learn: Vec<bool> = (0..length).map(|t| t >= if row == 0 { 8 } else { 13 }).collect();
        batch.push(&ids, &learn);
    }
    batch
}
