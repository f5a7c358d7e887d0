//! What a model's `config.json` says of its shape. A feature that is not understood is refused by its name.

use serde_json::{Map, Value};

use crate::compute::{Activation, Rotation};

/// Families whose decoders are understood, by `model_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Llama 2 and 3.
    Llama,
    /// Mistral 7B, Nemo, Small.
    Mistral,
    /// Qwen2 and 2.5.
    Qwen2,
    /// Qwen3, dense.
    Qwen3,
    /// Phi-3, 3.5 and 4 (mini).
    Phi3,
    /// Gemma 2.
    Gemma2,
    /// Gemma 3, text alone.
    Gemma3,
}

impl Family {
    /// The `model_type` of each.
    pub const ALL: [(&str, Self); 8] = [
        ("llama", Self::Llama),
        ("mistral", Self::Mistral),
        ("qwen2", Self::Qwen2),
        ("qwen3", Self::Qwen3),
        ("phi3", Self::Phi3),
        ("gemma2", Self::Gemma2),
        ("gemma3_text", Self::Gemma3),
        ("gemma3", Self::Gemma3),
    ];

    /// Whether norms multiply by one more than their weight, embeddings are scaled, and outputs of both parts are normed.
    pub fn is_gemma(self) -> bool {
        matches!(self, Self::Gemma2 | Self::Gemma3)
    }
}

/// How positions become angles.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Frequencies of a sequence up to `long_from` tokens.
    pub frequencies: Vec<f32>,
    /// Frequencies of a longer one, where they differ.
    pub long: Option<Vec<f32>>,
    /// The longest sequence that takes `frequencies`.
    pub long_from: usize,
    /// Multiplies cosines and sines.
    pub scale: f32,
    /// What `config.json` calls the kind: `default`, `llama3`, `linear`, `longrope`.
    pub kind: String,
    /// The base of the frequencies.
    pub theta: f32,
    /// What divides the frequencies of `llama3`, or the factors of `longrope`, as a GGUF stores them: (short, long).
    pub factors: Option<(Vec<f32>, Vec<f32>)>,
    /// The factor of `linear`.
    pub linear: Option<f32>,
}

impl Rope {
    /// The table for sequences of up to `length` tokens.
    pub fn table(&self, length: usize) -> Rotation {
        let frequencies = match &self.long {
            Some(long) if length > self.long_from => long,
            _ => &self.frequencies,
        };
        Rotation::new(frequencies, length, self.scale)
    }
}

/// A decoder's shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// Which family.
    pub family: Family,
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// Width of the stream.
    pub hidden: usize,
    /// Number of layers.
    pub layers: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values.
    pub key_heads: usize,
    /// Values a head.
    pub head_width: usize,
    /// Width of the feed-forward part.
    pub intermediate: usize,
    /// Of every norm.
    pub epsilon: f32,
    /// Of the feed-forward part's gate.
    pub activation: Activation,
    /// Whether the head is the embedding.
    pub tied: bool,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: bool,
    /// Whether the attention's output has one.
    pub output_bias: bool,
    /// Whether the feed-forward part has them.
    pub feed_bias: bool,
    /// Multiplies the scores of attention.
    pub attention_scale: f32,
    /// Bends the scores of attention.
    pub attention_cap: Option<f32>,
    /// Bends the logits.
    pub logits_cap: Option<f32>,
    /// The window of each layer.
    pub windows: Vec<Option<usize>>,
    /// The rotation of layers without a window, and of all where there is one rotation.
    pub rope: Rope,
    /// The rotation of layers with a window (Gemma 3).
    pub local_rope: Option<Rope>,
    /// The longest sequence it was made for.
    pub positions: usize,
    /// `torch_dtype` or `dtype`, as written.
    pub dtype: Option<String>,
}

impl Architecture {
    /// Columns that queries, keys and values take together.
    pub fn qkv_width(&self) -> usize {
        (self.heads + 2 * self.key_heads) * self.head_width
    }

    /// How many weights the model has, norms and biases aside.
    pub fn parameters(&self) -> u64 {
        let wide = |a: usize, b: usize| a as u64 * b as u64;
        let layer = wide(self.hidden, self.qkv_width())
            + wide(self.hidden, self.heads * self.head_width)
            + 3 * wide(self.hidden, self.intermediate);
        layer * self.layers as u64 + wide(self.vocabulary, self.hidden) * if self.tied { 1 } else { 2 }
    }
}

/// Keys that change nothing of what is computed here: how it was trained, cached, saved or is sampled from.
const INERT: &[&str] = &[
    "_name_or_path",
    "architectures",
    "transformers_version",
    "torch_dtype",
    "dtype",
    "use_cache",
    "initializer_range",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "unk_token_id",
    "attention_dropout",
    "resid_pdrop",
    "embd_pdrop",
    "pretraining_tp",
    "auto_map",
    "cache_implementation",
    "output_attentions",
    "output_hidden_states",
    "return_dict",
    "model_type",
    "name_or_path",
    "_attn_implementation_autoset",
    "_attn_implementation",
    "attn_implementation",
    "unsloth_fixed",
    "unsloth_version",
    "is_decoder",
    "id2label",
    "label2id",
    "problem_type",
    "chunk_size_feed_forward",
    "hidden_dropout",
    "mlp_dropout",
    "embedding_dropout",
    "task_specific_params",
    "torchscript",
    "max_length",
    "do_sample",
    "temperature",
    "top_p",
    "top_k",
    "num_return_sequences",
    "hidden_act",
    "hidden_activation",
    "_sliding_window_pattern",
    "sliding_window_pattern",
];

/// A `config.json` with what was asked of it, so that what was not can be named.
struct Asked<'a> {
    map: &'a Map<String, Value>,
    keys: Vec<&'static str>,
    wrong: Vec<String>,
}

impl<'a> Asked<'a> {
    fn get(&mut self, key: &'static str) -> Option<&'a Value> {
        self.keys.push(key);
        self.map.get(key).filter(|v| !v.is_null())
    }

    fn whole(&mut self, key: &'static str, limit: u64) -> Option<usize> {
        let value = self.get(key)?;
        let read = value.as_u64().filter(|n| (1..=limit).contains(n)).and_then(|n| usize::try_from(n).ok());
        if read.is_none() {
            self.wrong.push(format!("`{key}` is {value}, not a whole number from 1 to {limit}"));
        }
        read
    }

    fn needed(&mut self, key: &'static str, limit: u64) -> usize {
        let known = self.map.get(key).is_some_and(|v| !v.is_null());
        let read = self.whole(key, limit);
        if !known {
            self.wrong.push(format!("`{key}` is missing"));
        }
        read.unwrap_or(1)
    }

    fn number(&mut self, key: &'static str) -> Option<f32> {
        let value = self.get(key)?;
        let read = value.as_f64().filter(|n| n.is_finite() && *n > 0.0).map(|n| n as f32);
        if read.is_none() {
            self.wrong.push(format!("`{key}` is {value}, not a number above 0"));
        }
        read
    }

    fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        if value.as_bool().is_none() {
            self.wrong.push(format!("`{key}` is {value}, neither true nor false"));
        }
        value.as_bool()
    }
}

/// Reads `config.json`.
///
/// # Errors
/// Everything that is missing, out of range or not understood, one line each.
pub fn read(text: &[u8]) -> Result<Architecture, Vec<String>> {
    let value: Value = serde_json::from_slice(text).map_err(|e| vec![format!("not JSON: {e}")])?;
    let Value::Object(map) = &value else { return Err(vec!["not a JSON object".into()]) };
    let kind = map.get("model_type").and_then(Value::as_str).unwrap_or("");
    let family = Family::ALL.iter().find(|(name, _)| *name == kind).map(|(_, f)| *f);
    let Some(family) = family.filter(|_| !map.contains_key("text_config")) else {
        let known: Vec<_> = Family::ALL.iter().map(|(n, _)| *n).filter(|n| *n != "gemma3").collect();
        let what =
            if map.contains_key("text_config") { format!("{kind}, with parts that are not text") } else { kind.into() };
        return Err(vec![format!("`model_type` is \"{what}\": the studio trains {}", known.join(", "))]);
    };
    let mut asked = Asked { map, keys: vec![], wrong: vec![] };
    let read = architecture(family, &mut asked);
    let Asked { keys, mut wrong, .. } = asked;
    for (key, value) in map {
        let off = value.is_null() || value == &Value::Bool(false);
        if !off && !keys.contains(&key.as_str()) && !INERT.contains(&key.as_str()) {
            wrong.push(format!("`{key}` is a feature that the studio does not know (its value: {})", short(value)));
        }
    }
    if wrong.is_empty() { Ok(read) } else { Err(wrong) }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { text.chars().take(57).collect::<String>() + "..." } else { text }
}

fn architecture(family: Family, asked: &mut Asked<'_>) -> Architecture {
    let hidden = asked.needed("hidden_size", 1 << 17);
    let layers = asked.needed("num_hidden_layers", 1024);
    let heads = asked.needed("num_attention_heads", 4096);
    let key_heads = asked.whole("num_key_value_heads", 4096).unwrap_or(heads);
    let gemma = family.is_gemma();
    // what a config leaves out is what transformers takes for it
    let silent = |key: &str| !asked.map.contains_key(key);
    let usual_width = match family {
        Family::Qwen3 if silent("head_dim") => 128,
        Family::Gemma2 | Family::Gemma3 if silent("head_dim") => 256,
        _ => (hidden / heads).max(1),
    };
    let gemma2_caps = family == Family::Gemma2;
    let usual_cap = |key: &str, cap: f32| (gemma2_caps && silent(key)).then_some(cap);
    let usual_caps = (usual_cap("attn_logit_softcapping", 50.0), usual_cap("final_logit_softcapping", 30.0));
    let usual_scalar = (gemma && silent("query_pre_attn_scalar")).then_some(256.0);
    let head_width = asked.whole("head_dim", 4096).unwrap_or(usual_width);
    if key_heads > heads || !heads.is_multiple_of(key_heads) {
        asked.wrong.push(format!("{heads} heads do not share {key_heads} key heads evenly"));
    }
    let act = asked.get("hidden_activation").or_else(|| asked.get("hidden_act")).and_then(Value::as_str);
    let activation = match act {
        Some("gelu_pytorch_tanh") => Activation::GeluTanh,
        // Gemma's first configs say "gelu" and mean the tanh form
        Some("gelu") | None if gemma => Activation::GeluTanh,
        Some("silu") | None => Activation::Silu,
        Some(other) => {
            asked.wrong.push(format!("`hidden_act` is \"{other}\": the studio knows silu and gelu_pytorch_tanh"));
            Activation::Silu
        }
    };
    let qwen2 = family == Family::Qwen2;
    let attention_bias = asked.flag("attention_bias").unwrap_or(false);
    let positions = asked.whole("max_position_embeddings", 1 << 28).unwrap_or(2048);
    let windows = windows(family, layers, asked);
    let query_scalar = if gemma { asked.number("query_pre_attn_scalar").or(usual_scalar) } else { None };
    let attention_scale = 1.0 / query_scalar.unwrap_or(head_width as f32).sqrt();
    let (attention_cap, logits_cap) = match gemma {
        true => {
            let (attention, logits) = (asked.number("attn_logit_softcapping"), asked.number("final_logit_softcapping"));
            (attention.or(usual_caps.0), logits.or(usual_caps.1))
        }
        false => (None, None),
    };
    if gemma && asked.flag("use_bidirectional_attention") == Some(true) {
        asked.wrong.push("`use_bidirectional_attention` is true: the studio trains causal decoders".into());
    }
    let partial = match family {
        Family::Phi3 => asked.number("partial_rotary_factor").unwrap_or(1.0),
        _ => 1.0,
    };
    let (rope, local_rope) = ropes(family, ((head_width as f32 * partial) as usize / 2 * 2, positions), asked);
    Architecture {
        family,
        vocabulary: asked.needed("vocab_size", 1 << 24),
        hidden,
        layers,
        heads,
        key_heads,
        head_width,
        intermediate: asked.needed("intermediate_size", 1 << 20),
        epsilon: asked.number("rms_norm_eps").unwrap_or(if family == Family::Phi3 { 1e-5 } else { 1e-6 }),
        activation,
        tied: asked.flag("tie_word_embeddings").unwrap_or(gemma),
        qkv_bias: qwen2 || attention_bias,
        output_bias: attention_bias && !qwen2,
        feed_bias: asked.flag("mlp_bias").unwrap_or(false),
        attention_scale,
        attention_cap,
        logits_cap,
        windows,
        rope,
        local_rope,
        positions,
        dtype: asked.get("torch_dtype").or_else(|| asked.get("dtype")).and_then(Value::as_str).map(str::to_owned),
    }
}

/// The window of each layer.
fn windows(family: Family, layers: usize, asked: &mut Asked<'_>) -> Vec<Option<usize>> {
    let silent = !asked.map.contains_key("sliding_window");
    let usual = matches!(family, Family::Mistral | Family::Gemma2 | Family::Gemma3) && silent;
    let window = asked.whole("sliding_window", 1 << 28).or(usual.then_some(4096));
    let used = asked.flag("use_sliding_window");
    let first_windowed = asked.get("max_window_layers").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let pattern = (asked.map.get("sliding_window_pattern").or_else(|| asked.map.get("_sliding_window_pattern")))
        .and_then(Value::as_u64)
        .and_then(|n| usize::try_from(n).ok())
        .filter(|n| *n > 0)
        .unwrap_or(6);
    if let Some(kinds) = asked.get("layer_types") {
        let kinds: Vec<&str> = kinds.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let known = kinds.iter().all(|k| matches!(*k, "full_attention" | "sliding_attention"));
        if kinds.len() != layers || !known {
            asked.wrong.push("`layer_types` is not one of full_attention and sliding_attention for each layer".into());
            return vec![None; layers];
        }
        if window.is_none() && kinds.contains(&"sliding_attention") {
            asked.wrong.push("`layer_types` names sliding_attention and `sliding_window` is missing".into());
        }
        return kinds.iter().map(|k| window.filter(|_| *k == "sliding_attention")).collect();
    }
    let has = |i: usize| match family {
        Family::Llama => false,
        Family::Mistral | Family::Phi3 => true,
        Family::Qwen2 | Family::Qwen3 => used == Some(true) && i >= first_windowed.unwrap_or(28),
        Family::Gemma2 => i.is_multiple_of(2),
        Family::Gemma3 => !(i + 1).is_multiple_of(pattern),
    };
    (0..layers).map(|i| window.filter(|_| has(i))).collect()
}

/// The rotation, and the one of windowed layers where it is another. `sizes` is the rotated width and the most positions.
fn ropes(family: Family, sizes: (usize, usize), asked: &mut Asked<'_>) -> (Rope, Option<Rope>) {
    let theta = asked.number("rope_theta");
    let local = if family == Family::Gemma3 { asked.number("rope_local_base_freq") } else { None };
    let original = asked.whole("original_max_position_embeddings", 1 << 28);
    let usual = match family {
        Family::Gemma3 | Family::Mistral => 1_000_000.0,
        _ => 10_000.0,
    };
    let empty = Map::new();
    // transformers 5 writes one object, or one a kind of layer; before it there were a number and an object
    let newer = asked.get("rope_parameters").and_then(Value::as_object);
    let older = asked.get("rope_scaling").and_then(Value::as_object);
    let pick = |kind: &str| match newer {
        Some(map) => map.get(kind).and_then(Value::as_object).unwrap_or(map),
        None => older.unwrap_or(&empty),
    };
    let base = |map: &Map<String, Value>, else_: f32| {
        map.get("rope_theta").and_then(Value::as_f64).map_or(else_, |t| t as f32)
    };
    let full = pick("full_attention");
    if family == Family::Gemma3 && !full.contains_key("rope_type") && full.get("type").is_some_and(|t| t != "default") {
        let what =
            "`rope_scaling.type` is a spelling that transformers does not read for this family: `rope_type` is the one";
        asked.wrong.push(what.into());
    }
    let usual = if newer.is_none() && family == Family::Mistral { 10_000.0 } else { usual };
    let global = rope(full, base(full, theta.unwrap_or(usual)), (sizes.0, sizes.1, original), asked);
    let windowed = (family == Family::Gemma3).then(|| {
        let (map, theta) = match newer {
            Some(_) => (pick("sliding_attention"), 10_000.0),
            None => (&empty, local.unwrap_or(10_000.0)),
        };
        rope(map, base(map, theta), (sizes.0, sizes.1, original), asked)
    });
    (global, windowed)
}

/// One rotation from `rope_scaling` or its newer spelling.
fn rope(map: &Map<String, Value>, theta: f32, sizes: (usize, usize, Option<usize>), asked: &mut Asked<'_>) -> Rope {
    let (width, positions, original) = sizes;
    let plain: Vec<f32> = (0..width / 2).map(|i| frequency(theta, i, width)).collect();
    let kind = map.get("rope_type").or_else(|| map.get("type")).and_then(Value::as_str).unwrap_or("default");
    let number =
        |key: &str| map.get(key).and_then(Value::as_f64).filter(|n| n.is_finite() && *n > 0.0).map(|n| n as f32);
    let mut rope = Rope {
        frequencies: plain.clone(),
        long: None,
        long_from: usize::MAX,
        scale: 1.0,
        kind: kind.into(),
        theta,
        factors: None,
        linear: None,
    };
    let known: &[&str] = match kind {
        "default" => &["partial_rotary_factor"],
        "linear" => &["factor"],
        "llama3" => &["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
        "longrope" | "su" => &[
            "short_factor",
            "long_factor",
            "factor",
            "attention_factor",
            "original_max_position_embeddings",
            "partial_rotary_factor",
        ],
        other => {
            asked.wrong.push(format!(
                "`rope_scaling` is of type \"{other}\": the studio knows default, linear, llama3, longrope"
            ));
            return rope;
        }
    };
    for (key, value) in map {
        let said = known.contains(&key.as_str()) || matches!(key.as_str(), "type" | "rope_type" | "rope_theta");
        if !said && !value.is_null() {
            asked.wrong.push(format!("`rope_scaling.{key}` is a feature that the studio does not know for {kind}"));
        }
    }
    let mut missing = |key: &str| asked.wrong.push(format!("`rope_scaling.{key}` is missing, or no number above 0"));
    match kind {
        "linear" => match number("factor") {
            Some(factor) => {
                rope.frequencies.iter_mut().for_each(|f| *f /= factor);
                rope.linear = Some(factor);
            }
            None => missing("factor"),
        },
        "llama3" => {
            let keys = ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"];
            let [Some(factor), Some(low), Some(high), Some(old)] = keys.map(number) else {
                keys.iter().filter(|k| number(k).is_none()).for_each(|k| missing(k));
                return rope;
            };
            let factors: Vec<f32> = plain
                .iter()
                .map(|f| {
                    let wave = 2.0 * std::f32::consts::PI / f;
                    if wave < old / high {
                        1.0
                    } else if wave > old / low {
                        factor
                    } else {
                        let smooth = (old / wave - low) / (high - low);
                        1.0 / ((1.0 - smooth) / factor + smooth)
                    }
                })
                .collect();
            for ((f, plain), by) in rope.frequencies.iter_mut().zip(&plain).zip(&factors) {
                let wave = 2.0 * std::f32::consts::PI / plain;
                let smooth = (old / wave - low) / (high - low);
                *f = match () {
                    () if *by == 1.0 => *plain,
                    () if *by == factor => plain / factor,
                    () => (1.0 - smooth) * (plain / factor) + smooth * plain,
                };
            }
            rope.factors = Some((factors.clone(), factors));
        }
        "longrope" | "su" => {
            let list = |key: &str| {
                let all = map.get(key)?.as_array()?.iter().map(|v| v.as_f64().map(|n| n as f32));
                all.collect::<Option<Vec<f32>>>().filter(|l| l.len() == width / 2 && l.iter().all(|f| *f > 0.0))
            };
            let (Some(short), Some(long)) = (list("short_factor"), list("long_factor")) else {
                asked
                    .wrong
                    .push(format!("`rope_scaling` needs {} numbers each in short_factor and long_factor", width / 2));
                return rope;
            };
            let old = number("original_max_position_embeddings").map(|n| n as usize).or(original);
            let old = old.unwrap_or(positions);
            let factor = match original {
                Some(original) => positions as f32 / original as f32,
                None => number("factor").unwrap_or(positions as f32 / old as f32),
            };
            let usual = if factor > 1.0 { (1.0 + factor.ln() / (old as f32).ln()).sqrt() } else { 1.0 };
            rope.scale = number("attention_factor").unwrap_or(usual);
            rope.frequencies = plain.iter().zip(&short).map(|(f, by)| f / by).collect();
            rope.long = Some(plain.iter().zip(&long).map(|(f, by)| f / by).collect());
            rope.long_from = old;
            rope.factors = Some((short, long));
            rope.kind = "longrope".into();
        }
        _ => {}
    }
    rope
}

/// The `i`th frequency of a rotation over `width` values.
fn frequency(theta: f32, i: usize, width: usize) -> f32 {
    let exponent = 2.0 * i as f32 / width as f32;
    1.0 / (f64::from(theta).powf(f64::from(exponent)) as f32)
}
