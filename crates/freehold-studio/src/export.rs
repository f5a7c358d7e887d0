//! A model and an adapter as one: merged tensor by tensor, as safetensors again or as a GGUF.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::compute::{Threads, View, multiply};
use crate::config::{Architecture, Family};
use crate::gguf::{Described, Value, Written, read, write};
use crate::lora::{Adapter, Pair};
use crate::numbers::{from_bf16, from_f16, to_bf16, to_f16};
use crate::quantize::{Kind, dequantize, quantize};
use crate::tokenizer::Tokenizer;
use crate::weights::{Dtype, Tensor};

/// What a whole file is stored as: a float, or one of llama.cpp's mixtures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(non_camel_case_types, missing_docs, reason = "llama.cpp's own names")]
pub enum Format {
    F32,
    F16,
    BF16,
    Q8_0,
    Q4_0,
    Q5_0,
    Q4_K_M,
    Q5_K_M,
    Q6_K,
}

impl Format {
    /// All, with llama.cpp's number and what most tensors become.
    pub const ALL: [(Self, &'static str, u32, Kind); 9] = [
        (Self::F32, "F32", 0, Kind::F32),
        (Self::F16, "F16", 1, Kind::F16),
        (Self::BF16, "BF16", 32, Kind::Bf16),
        (Self::Q8_0, "Q8_0", 7, Kind::Q8_0),
        (Self::Q4_0, "Q4_0", 2, Kind::Q4_0),
        (Self::Q5_0, "Q5_0", 8, Kind::Q5_0),
        (Self::Q4_K_M, "Q4_K_M", 15, Kind::Q4K),
        (Self::Q5_K_M, "Q5_K_M", 17, Kind::Q5K),
        (Self::Q6_K, "Q6_K", 18, Kind::Q6K),
    ];

    fn facts(self) -> (Self, &'static str, u32, Kind) {
        let [first, ..] = Self::ALL;
        Self::ALL.into_iter().find(|f| f.0 == self).unwrap_or(first)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.facts().1
    }

    /// llama.cpp's number of the file type.
    pub fn number(self) -> u32 {
        self.facts().2
    }
}

/// A linear layer's weight as a GGUF calls it.
pub fn gguf_name(module: &str) -> Option<String> {
    const PARTS: [(&str, &str); 9] = [
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.qkv_proj", "attn_qkv"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.gate_up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
    ];
    let (layer, part) = module.strip_prefix("model.layers.")?.split_once('.')?;
    let to = PARTS.iter().find(|(from, _)| *from == part)?.1;
    Some(format!("blk.{layer}.{to}.weight"))
}

/// What llama.cpp's quantizer looks at when it chooses a tensor's type.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// The file's format.
    pub format: Format,
    /// Layers.
    pub layers: usize,
    /// Whether the head is the embedding.
    pub tied: bool,
    /// Whether importances are given.
    pub weighed: bool,
    /// Llama of 80 layers with shared key heads: its values are stored wider.
    pub is_70b: bool,
}

impl Mix {
    /// How a matrix is stored: its GGUF name, and its columns. Of vectors, see [`Kind::F32`].
    pub fn kind(&self, name: &str, columns: usize) -> Kind {
        let kind = self.format.facts().3;
        if !kind.is_quantized() {
            return kind;
        }
        let layer = name.strip_prefix("blk.").and_then(|r| r.split('.').next()?.parse::<usize>().ok()).unwrap_or(0);
        let (n, eighth) = (self.layers, self.layers / 8);
        let more = layer < eighth || layer >= 7 * n / 8 || (layer.wrapping_sub(eighth)) % 3 == 2;
        let mixed = matches!(self.format, Format::Q4_K_M | Format::Q5_K_M);
        let mut kind = kind;
        if name == "output.weight" || (self.tied && name == "token_embd.weight") {
            if !columns.is_multiple_of(kind.block()) {
                kind = Kind::Q8_0;
            } else if kind != Kind::Q8_0 {
                kind = Kind::Q6K;
            }
        } else if name.contains("attn_v.weight") || name.contains("attn_qkv.weight") {
            if mixed && more {
                kind = Kind::Q6K;
            }
            if self.is_70b && kind == Kind::Q4K {
                kind = Kind::Q5K;
            }
        } else if name.contains("ffn_down") {
            if mixed && more {
                kind = Kind::Q6K;
            } else if self.weighed && layer < eighth {
                kind = match self.format {
                    Format::Q4_0 => Kind::Q4_1,
                    Format::Q5_0 => Kind::Q5_1,
                    _ => kind,
                };
            }
        }
        if columns.is_multiple_of(kind.block()) {
            return kind;
        }
        let narrower = match kind {
            Kind::Q4K => Kind::Q5_0,
            Kind::Q5K => Kind::Q5_1,
            Kind::Q6K => Kind::Q8_0,
            other => other,
        };
        if columns.is_multiple_of(narrower.block()) { narrower } else { Kind::F16 }
    }
}

/// A tensor with its pair added, rounded to the kind of the base's own values. F32 again, for what follows.
pub fn merged(tensor: &Tensor, pair: Option<&Pair>) -> Vec<f32> {
    let mut values = tensor.all();
    let Some(p) = pair else { return values };
    let (a, b) = (View::new(&p.a, p.rank, p.inputs), View::new(&p.b, p.outputs, p.rank));
    multiply(&mut values, b, a, p.scale, true, Threads::All);
    match tensor.dtype {
        Dtype::F32 => {}
        Dtype::F16 => values.iter_mut().for_each(|v| *v = from_f16(to_f16(*v))),
        Dtype::Bf16 => values.iter_mut().for_each(|v| *v = from_bf16(to_bf16(*v))),
    }
    values
}

/// The pair beside a tensor.
pub fn pair_of<'a>(adapter: Option<&'a Adapter>, tensor: &str) -> Option<&'a Pair> {
    let module = tensor.strip_suffix(".weight")?;
    adapter?.pairs.iter().find(|p| p.module == module)
}

/// Its tensors' names and shapes in a GGUF.
struct Place {
    name: String,
    /// The name in the folder; none for tensors that follow from the config.
    from: Option<String>,
    sides: Vec<u64>,
    /// Heads whose rows are taken apart, as llama.cpp rotates neighbors.
    heads: Option<usize>,
    plus_one: bool,
}

/// A GGUF that was written.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Its sums.
    pub written: Written,
    /// Its keys.
    pub keys: Vec<(String, Value)>,
    /// Its tensors.
    pub described: Vec<Described>,
    /// How far quantized weights are from what they were, as a share of their size (root mean squares).
    pub relative_error: f64,
}

impl Exported {
    /// Reads the file back and compares every key and every tensor.
    ///
    /// # Errors
    /// The first thing that is not as it was written.
    pub fn verify(&self, path: &Path) -> Result<(), String> {
        let read = read(path)?;
        if read.keys != self.keys {
            return Err("the keys read back are not those that were written".into());
        }
        let same = |((d, sum), own): (&(Described, [u8; 32]), &Described)| {
            d == own && self.written.tensors.get(&d.name) == Some(sum)
        };
        match read.tensors.len() == self.described.len() && read.tensors.iter().zip(&self.described).all(same) {
            true => Ok(()),
            false => Err("the tensors read back are not those that were written".into()),
        }
    }
}

/// A model that is written as a GGUF.
#[derive(Debug)]
pub struct Export<'a> {
    /// Its shape.
    pub architecture: &'a Architecture,
    /// Its tensors.
    pub tensors: &'a BTreeMap<String, Tensor>,
    /// Its adapter.
    pub adapter: Option<&'a Adapter>,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Keys that tell of its name, license and lineage.
    pub about: &'a [(String, Value)],
    /// Importances of columns by GGUF tensor name.
    pub importance: Option<&'a BTreeMap<String, Vec<f32>>>,
}

impl Export<'_> {
    fn arch(&self) -> &'static str {
        match self.architecture.family {
            Family::Llama | Family::Mistral => "llama",
            Family::Qwen2 => "qwen2",
            Family::Qwen3 => "qwen3",
            Family::Phi3 => "phi3",
            Family::Gemma2 => "gemma2",
            Family::Gemma3 => "gemma3",
        }
    }

    /// What llama.cpp would compute otherwise than the model was trained.
    fn refused(&self) -> Vec<String> {
        let s = self.architecture;
        let mut wrong = Vec::new();
        let wide = match s.family {
            // llama.cpp scales by the head's width, but for the 27 billions
            Family::Gemma2 if s.layers == 46 => s.hidden / s.heads,
            Family::Gemma3 if s.layers == 62 => s.hidden / s.heads,
            _ => s.head_width,
        };
        if (s.attention_scale - 1.0 / (wide as f32).sqrt()).abs() > 1e-6 {
            let scalar = (1.0 / (s.attention_scale * s.attention_scale)).round();
            wrong.push(format!("`query_pre_attn_scalar` is {scalar}, where llama.cpp scales by {wide}"));
        }
        if matches!(s.family, Family::Qwen2 | Family::Qwen3) && s.windows.iter().any(Option::is_some) {
            wrong.push("`use_sliding_window` is true, where llama.cpp gives this family no window".into());
        }
        if s.feed_bias {
            wrong.push("`mlp_bias` is true, which the studio does not write into a GGUF".into());
        }
        if s.rope.kind == "linear" && s.family != Family::Gemma3 {
            wrong.push("`rope_scaling` is linear, which the studio writes for Gemma 3 alone".into());
        }
        let pattern = match s.family {
            Family::Gemma2 => 2,
            Family::Gemma3 => 6,
            _ => return wrong,
        };
        let usual = s.windows.iter().enumerate().all(|(i, w)| w.is_some() == ((i + 1) % pattern != 0));
        if !usual {
            wrong.push("`layer_types` does not alternate as llama.cpp has it for this family".into());
        }
        wrong
    }

    /// What llama.cpp leaves out: told, not refused, for texts shorter than the window are unaffected.
    pub fn notes(&self) -> Vec<String> {
        let s = self.architecture;
        let window = s.windows.iter().flatten().min();
        match (s.family, window) {
            (Family::Mistral | Family::Phi3, Some(w)) if *w < s.positions => {
                vec![format!(
                    "trained with a window of {w} tokens, which llama.cpp does not apply to this family: keep the context below it"
                )]
            }
            _ => vec![],
        }
    }

    fn places(&self) -> Vec<Place> {
        let s = self.architecture;
        let (h, d) = (s.hidden as u64, s.head_width as u64);
        let (queries, keys) = (s.heads as u64 * d, s.key_heads as u64 * d);
        let f = s.intermediate as u64;
        let gemma = s.family.is_gemma();
        let mut all = Vec::new();
        let mut put = |name: String, from: String, sides: Vec<u64>, heads: Option<usize>, norm: bool| {
            all.push(Place { name, from: Some(from), sides, heads, plus_one: norm && gemma });
        };
        let rows = self.embeddings() as u64;
        put("token_embd.weight".into(), "model.embed_tokens.weight".into(), vec![h, rows], None, false);
        for i in 0..s.layers {
            let mut put = |to: &str, from: &str, sides: Vec<u64>, heads: Option<usize>| {
                let (to, from) = (format!("blk.{i}.{to}"), format!("model.layers.{i}.{from}"));
                let norm = to.contains("_norm");
                put(to, from, sides, heads, norm);
            };
            let turned = matches!(s.family, Family::Llama | Family::Mistral);
            let (of_queries, of_keys) = (turned.then_some(s.heads), turned.then_some(s.key_heads));
            put("attn_norm.weight", "input_layernorm.weight", vec![h], None);
            if s.family == Family::Phi3 {
                put("attn_qkv.weight", "self_attn.qkv_proj.weight", vec![h, queries + 2 * keys], None);
                put("ffn_up.weight", "mlp.gate_up_proj.weight", vec![h, 2 * f], None);
            } else {
                for (part, rows, heads) in [("q", queries, of_queries), ("k", keys, of_keys), ("v", keys, None)] {
                    put(&format!("attn_{part}.weight"), &format!("self_attn.{part}_proj.weight"), vec![h, rows], heads);
                    if s.qkv_bias {
                        put(&format!("attn_{part}.bias"), &format!("self_attn.{part}_proj.bias"), vec![rows], heads);
                    }
                }
                put("ffn_gate.weight", "mlp.gate_proj.weight", vec![h, f], None);
                put("ffn_up.weight", "mlp.up_proj.weight", vec![h, f], None);
            }
            if matches!(s.family, Family::Qwen3 | Family::Gemma3) {
                put("attn_q_norm.weight", "self_attn.q_norm.weight", vec![d], None);
                put("attn_k_norm.weight", "self_attn.k_norm.weight", vec![d], None);
            }
            put("attn_output.weight", "self_attn.o_proj.weight", vec![queries, h], None);
            if s.output_bias {
                put("attn_output.bias", "self_attn.o_proj.bias", vec![h], None);
            }
            put("ffn_down.weight", "mlp.down_proj.weight", vec![f, h], None);
            if gemma {
                put("post_attention_norm.weight", "post_attention_layernorm.weight", vec![h], None);
                put("ffn_norm.weight", "pre_feedforward_layernorm.weight", vec![h], None);
                put("post_ffw_norm.weight", "post_feedforward_layernorm.weight", vec![h], None);
            } else {
                put("ffn_norm.weight", "post_attention_layernorm.weight", vec![h], None);
            }
        }
        put("output_norm.weight".into(), "model.norm.weight".into(), vec![h], None, true);
        if !s.tied {
            put("output.weight".into(), "lm_head.weight".into(), vec![h, rows], None, false);
        }
        let mut follows = |name: &str, values: &[f32]| {
            all.push(Place {
                name: name.into(),
                from: None,
                sides: vec![values.len() as u64],
                heads: None,
                plus_one: false,
            });
        };
        match (&s.rope.factors, s.rope.kind.as_str()) {
            (Some((factors, _)), "llama3") => follows("rope_freqs.weight", factors),
            (Some((short, long)), "longrope") => {
                follows("rope_factors_long.weight", long);
                follows("rope_factors_short.weight", short);
            }
            _ => {}
        }
        all
    }

    /// Rows of the embedding that are written: Gemma 3's padding rows are left out, as llama.cpp's own converter does.
    fn embeddings(&self) -> usize {
        let s = self.architecture;
        match s.family {
            Family::Gemma3 => self.tokenizer.words().min(s.vocabulary),
            _ => s.vocabulary,
        }
    }

    fn keys(&self, format: Format) -> Result<Vec<(String, Value)>, String> {
        let s = self.architecture;
        let arch = self.arch();
        let n = |x: usize| u32::try_from(x).map(Value::U32).map_err(|_| format!("{x} is more than a GGUF's key holds"));
        let mut keys =
            vec![("general.architecture".to_owned(), Value::from(arch)), ("general.type".into(), "model".into())];
        keys.extend(self.about.iter().cloned());
        keys.push(("general.file_type".into(), Value::U32(format.number())));
        keys.push(("general.quantization_version".into(), Value::U32(2)));
        let mut put = |key: &str, value: Value| keys.push((format!("{arch}.{key}"), value));
        put("block_count", n(s.layers)?);
        put("context_length", n(s.positions)?);
        put("embedding_length", n(s.hidden)?);
        put("feed_forward_length", n(s.intermediate)?);
        put("attention.head_count", n(s.heads)?);
        put("attention.head_count_kv", n(s.key_heads)?);
        put("attention.layer_norm_rms_epsilon", Value::F32(s.epsilon));
        put("attention.key_length", n(s.head_width)?);
        put("attention.value_length", n(s.head_width)?);
        put("rope.freq_base", Value::F32(s.rope.theta));
        put("vocab_size", n(self.embeddings())?);
        if !s.family.is_gemma() {
            put("rope.dimension_count", n(2 * s.rope.frequencies.len())?);
        }
        if let Some(factor) = s.rope.linear {
            put("rope.scaling.type", "linear".into());
            put("rope.scaling.factor", Value::F32(factor));
        }
        if s.rope.kind == "longrope" {
            put("rope.scaling.type", "longrope".into());
            put("rope.scaling.attn_factor", Value::F32(s.rope.scale));
        }
        if s.family == Family::Phi3 {
            let original = if s.rope.long.is_some() { s.rope.long_from } else { s.positions };
            put("rope.scaling.original_context_length", n(original)?);
            put("attention.sliding_window", n(s.windows.iter().flatten().copied().min().unwrap_or(0))?);
        }
        if s.family.is_gemma() {
            if let Some(window) = s.windows.iter().flatten().min() {
                put("attention.sliding_window", n(*window)?);
            }
            if let Some(cap) = s.attention_cap {
                put("attn_logit_softcapping", Value::F32(cap));
            }
            if let Some(cap) = s.logits_cap {
                put("final_logit_softcapping", Value::F32(cap));
            }
            if let Some(local) = &s.local_rope {
                put("rope.freq_base_swa", Value::F32(local.theta));
            }
        }
        keys.extend(self.tokenizer.keys(self.embeddings())?);
        Ok(keys)
    }

    /// Values of one tensor as llama.cpp has them, f32.
    fn values(&self, place: &Place) -> Result<Vec<f32>, String> {
        let Some(from) = &place.from else {
            let (short, long) = self.architecture.rope.factors.clone().unwrap_or_default();
            return Ok(if place.name.contains("long") { long } else { short });
        };
        let tensor = self.tensors.get(from).ok_or_else(|| format!("`{from}` is missing"))?;
        let mut values = merged(tensor, pair_of(self.adapter, from));
        let columns = if place.sides.len() == 2 { place.sides[0] as usize } else { 1 };
        let wanted = place.sides.iter().product::<u64>() as usize;
        values.truncate(wanted);
        if values.len() != wanted {
            return Err(format!("`{from}` has {} values where {wanted} are needed", values.len()));
        }
        if place.plus_one {
            values.iter_mut().for_each(|v| *v += 1.0);
        }
        Ok(match place.heads {
            Some(heads) => neighbors(&values, heads, columns),
            None => values,
        })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What llama.cpp would compute otherwise, and what the disk says.
    pub fn write(
        &self,
        path: &Path,
        format: Format,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Exported, Vec<String>> {
        let wrong = self.refused();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let s = self.architecture;
        let mix = Mix {
            format,
            layers: s.layers,
            tied: s.tied,
            weighed: self.importance.is_some(),
            is_70b: self.arch() == "llama" && s.layers == 80 && s.heads != s.key_heads,
        };
        let places = self.places();
        let described: Vec<Described> = places
            .iter()
            .map(|p| {
                let kind = if p.sides.len() < 2 { Kind::F32 } else { mix.kind(&p.name, p.sides[0] as usize) };
                let bytes = kind.bytes(p.sides.iter().product::<u64>() as usize) as u64;
                Described { name: p.name.clone(), sides: p.sides.clone(), kind, bytes }
            })
            .collect();
        let keys = self.keys(format).map_err(|e| vec![e])?;
        let (mut places, mut done, all) = (places.iter(), 0, described.len());
        let (mut error, mut size) = (0.0f64, 0.0f64);
        let written = write(path, &keys, &described, |d| {
            let place = places.next().filter(|p| p.name == d.name).ok_or("tensors out of order")?;
            let values = self.values(place)?;
            let importance = self.importance.and_then(|i| i.get(&d.name)).filter(|i| i.len() as u64 == d.sides[0]);
            let bytes = quantize(d.kind, &values, d.sides[0] as usize, importance.map(Vec::as_slice));
            if d.kind.is_quantized() {
                let apart = |(a, b): (&f32, &f32)| f64::from(a - b) * f64::from(a - b);
                error += values.iter().zip(&dequantize(d.kind, &bytes)).map(apart).sum::<f64>();
                size += values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
            }
            done += 1;
            progress(done, all);
            Ok(bytes)
        });
        let written = written.map_err(|e| vec![e])?;
        Ok(Exported { written, keys, described, relative_error: if size > 0.0 { (error / size).sqrt() } else { 0.0 } })
    }
}

/// Rows of each head reordered: the halves that transformers rotates together become neighbors.
fn neighbors(values: &[f32], heads: usize, columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    let half = rows / heads / 2;
    let mut to = Vec::with_capacity(values.len());
    for head in 0..heads {
        for i in 0..half {
            for side in 0..2 {
                let row = head * 2 * half + side * half + i;
                to.extend_from_slice(&values[row * columns..(row + 1) * columns]);
            }
        }
    }
    to
}
