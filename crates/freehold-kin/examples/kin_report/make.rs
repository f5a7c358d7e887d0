//! Files of a model, and what people do to models.

use crate::forms::{self, Packed};
use crate::train::{Dice, FORWARD, HEADS, LAYERS, Language, Matrix, Net, PER_LAYER, WIDTH, inputs};

/// How a file stores its numbers.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Store {
    F32,
    Bf16,
    F16,
    GgufF16,
    GgufQ8,
    GgufQ4,
    /// What has rows of 256 as Q4_K, the rest as Q4_0, as llama.cpp falls back.
    GgufQ4K,
    /// The same with Q2_K.
    GgufQ2K,
    GgufMxfp4,
    /// A zip archive of torch, brain floats.
    Torch,
    /// The form before it.
    TorchOld,
    Packed(Packed),
}

pub(crate) fn bf16(v: f32) -> u16 {
    let bits = v.to_bits();
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// To the nearest half float, ties away from zero; models have no numbers beyond its range.
pub(crate) fn f16(v: f32) -> u16 {
    let sign = (v.to_bits() >> 16 & 0x8000) as u16;
    let a = v.abs();
    if a < 6.103_515_6e-5 {
        return sign | (a * 16_777_216.0).round() as u16;
    }
    let bits = a.to_bits() + 0x1000;
    sign | (((bits >> 23) - 112) as u16 * 1024 + (bits >> 13 & 0x3ff) as u16)
}

/// A half float as single.
pub(crate) fn half(bits: u16) -> f32 {
    let (e, m) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3ff));
    let v = if e == 0 { m * 2f32.powi(-24) } else { (1.0 + m / 1024.0) * 2f32.powi(e - 15) };
    if bits >> 15 == 1 { -v } else { v }
}

/// The whole model rounded to brain floats.
pub(crate) fn rounded(net: &Net) -> Net {
    each(net, |m| m.w.iter_mut().for_each(|v| *v = f32::from_bits(u32::from(bf16(*v)) << 16)))
}

fn q8(row: &[f32], out: &mut Vec<u8>) {
    for block in row.chunks_exact(32) {
        let d = block.iter().fold(0f32, |m, v| m.max(v.abs())) / 127.0;
        out.extend(f16(d).to_le_bytes());
        out.extend(block.iter().map(|v| if d > 0.0 { (v / d).round() as i8 as u8 } else { 0 }));
    }
}

fn q4(row: &[f32], out: &mut Vec<u8>) {
    for block in row.chunks_exact(32) {
        let most = block.iter().fold(0f32, |m, v| if v.abs() > m.abs() { *v } else { m });
        let d = most / -8.0;
        let code = |v: f32| if d == 0.0 { 8 } else { ((v / d + 8.5) as i32).clamp(0, 15) as u8 };
        out.extend(f16(d).to_le_bytes());
        out.extend((0..16).map(|i| code(block[i]) | code(block[i + 16]) << 4));
    }
}

fn floats(w: &[f32], store: Store, out: &mut Vec<u8>) {
    for v in w {
        match store {
            Store::Bf16 => out.extend(bf16(*v).to_le_bytes()),
            Store::F16 | Store::GgufF16 => out.extend(f16(*v).to_le_bytes()),
            _ => out.extend(v.to_le_bytes()),
        }
    }
}

fn safetensors(all: &[&Matrix], store: Store) -> Vec<u8> {
    let (dtype, width) = match store {
        Store::Bf16 => ("BF16", 2),
        Store::F16 => ("F16", 2),
        _ => ("F32", 4),
    };
    let (mut header, mut data, mut at) = (String::from("{"), Vec::new(), 0);
    for m in all {
        let shape = if m.is_norm() { format!("[{}]", m.columns) } else { format!("[{},{}]", m.rows, m.columns) };
        let end = at + m.w.len() * width;
        let comma = if header.len() > 1 { "," } else { "" };
        header.push_str(&format!(
            "{comma}\"{}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{at},{end}]}}",
            m.name
        ));
        at = end;
        floats(&m.w, store, &mut data);
    }
    header.push('}');
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn packed(parts: &[forms::Part]) -> Vec<u8> {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (name, dtype, shape, bytes) in parts {
        let (at, end) = (data.len(), data.len() + bytes.len());
        header.push(format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{at},{end}]}}"));
        data.extend(bytes);
    }
    let header = format!("{{{}}}", header.join(","));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn gguf_name(name: &str) -> String {
    let name = name.strip_prefix("model.").unwrap_or(name);
    let mut out = name.replace("layers.", "blk.");
    for (hf, gguf) in [
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("embed_tokens", "token_embd"),
        ("lm_head", "output"),
    ] {
        out = out.replace(hf, gguf);
    }
    if out == "norm.weight" { "output_norm.weight".into() } else { out }
}

fn gguf(all: &[&Matrix], store: Store) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend((all.len() as u64).to_le_bytes());
    out.extend(2u64.to_le_bytes());
    let text = |out: &mut Vec<u8>, t: &str| {
        out.extend((t.len() as u64).to_le_bytes());
        out.extend(t.as_bytes());
    };
    text(&mut out, "general.architecture");
    out.extend(8u32.to_le_bytes());
    text(&mut out, "llama");
    text(&mut out, "llama.attention.head_count");
    out.extend(4u32.to_le_bytes());
    out.extend((HEADS as u32).to_le_bytes());
    let mut data = Vec::new();
    for m in all {
        text(&mut out, &gguf_name(&m.name));
        out.extend(if m.is_norm() { 1u32 } else { 2 }.to_le_bytes());
        out.extend((m.columns as u64).to_le_bytes());
        if !m.is_norm() {
            out.extend((m.rows as u64).to_le_bytes());
        }
        let kind: u32 = match store {
            _ if m.is_norm() => 0,
            Store::GgufQ8 => 8,
            Store::GgufQ4K if m.columns % 256 == 0 => 12,
            Store::GgufQ2K if m.columns % 256 == 0 => 10,
            Store::GgufQ4 | Store::GgufQ4K | Store::GgufQ2K => 2,
            Store::GgufMxfp4 => 39,
            _ => 1,
        };
        out.extend(kind.to_le_bytes());
        out.extend((data.len() as u64).to_le_bytes());
        // queries and keys as llama.cpp keeps them
        let turned = m.name.contains("q_proj") || m.name.contains("k_proj");
        let half = m.rows / HEADS / 2;
        for r in 0..m.rows {
            let (h, at) = (r / (2 * half.max(1)), r % (2 * half.max(1)));
            let from = if turned { h * 2 * half + at % 2 * half + at / 2 } else { r };
            let row = &m.w[from * m.columns..][..m.columns];
            match kind {
                8 => q8(row, &mut data),
                2 => q4(row, &mut data),
                12 => forms::q4_k(row, &mut data),
                10 => forms::q2_k(row, &mut data),
                39 => forms::mxfp4(row, &mut data),
                0 => floats(row, Store::F32, &mut data),
                _ => floats(row, store, &mut data),
            }
        }
        data.resize(data.len().next_multiple_of(32), 0);
    }
    out.resize(out.len().next_multiple_of(32), 0);
    out.extend(data);
    out
}

/// The files of a model, in this many shards.
pub(crate) fn files(net: &Net, store: Store, shards: usize) -> Vec<Vec<u8>> {
    let all: Vec<&Matrix> = net.all.iter().collect();
    match store {
        Store::F32 | Store::Bf16 | Store::F16 => {
            all.chunks(all.len().div_ceil(shards)).map(|c| safetensors(c, store)).collect()
        }
        Store::Torch | Store::TorchOld => vec![forms::torch(net, store == Store::TorchOld)],
        Store::Packed(form) => vec![packed(&forms::parts(net, form, &inputs(net, &Language::new(1), 8)))],
        _ => vec![gguf(&all, store)],
    }
}

fn each(net: &Net, change: impl Fn(&mut Matrix)) -> Net {
    let mut out = net.clone();
    out.all.iter_mut().for_each(change);
    out
}

/// Noise on every matrix, in units of its own spread.
pub(crate) fn noisy(net: &Net, amount: f32, seed: u64) -> Net {
    let mut out = net.clone();
    let mut dice = Dice(seed);
    for m in &mut out.all {
        let spread = (m.w.iter().map(|v| v * v).sum::<f32>() / m.w.len() as f32).sqrt();
        let amount = if m.is_norm() { 0.01 * amount } else { amount };
        m.w.iter_mut().for_each(|v| *v += dice.normal() * spread * amount);
    }
    out
}

/// Between two models: linear, or along the sphere.
pub(crate) fn merge(a: &Net, b: &Net, t: f32, sphere: bool) -> Net {
    let mut out = a.clone();
    for (m, b) in out.all.iter_mut().zip(&b.all) {
        let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
        let angle = (dot(&m.w, &b.w) / (dot(&m.w, &m.w) * dot(&b.w, &b.w)).sqrt()).clamp(-1.0, 1.0).acos();
        let (p, q) = if sphere && angle > 1e-3 {
            (((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin())
        } else {
            (1.0 - t, t)
        };
        m.w.iter_mut().zip(&b.w).for_each(|(x, y)| *x = p * *x + q * y);
    }
    out
}

/// Layers in another order, doubled or left out.
pub(crate) fn stacked(net: &Net, order: &[usize]) -> Net {
    let mut all = vec![net.all[0].clone()];
    for (l, from) in order.iter().enumerate() {
        for m in net.layer(*from) {
            let name = m.name.replace(&format!("layers.{from}."), &format!("layers.{l}."));
            all.push(Matrix { name, ..m.clone() });
        }
    }
    all.extend_from_slice(&net.all[net.all.len() - 2..]);
    Net { all }
}

/// More words, each like the mean of the others and a little noise.
pub(crate) fn longer(net: &Net, words: usize, seed: u64) -> Net {
    let mut out = net.clone();
    let mut dice = Dice(seed);
    let end = out.all.len() - 1;
    for i in [0, end] {
        let m = &mut out.all[i];
        for _ in 0..words {
            let row: Vec<f32> = (0..m.columns).map(|_| dice.normal() * 0.05).collect();
            m.w.extend(row);
        }
        m.rows += words;
    }
    out
}

fn rows(m: &mut Matrix, order: &[usize]) {
    m.w = order.iter().flat_map(|r| m.w[r * m.columns..][..m.columns].to_vec()).collect();
}

fn columns(m: &mut Matrix, order: &[usize]) {
    m.w = m.w.chunks_exact(m.columns).flat_map(|row| order.iter().map(|c| row[*c]).collect::<Vec<_>>()).collect();
}

/// Heads and the channels of the feed-forward part in another order: the model says the same.
pub(crate) fn inner_permuted(net: &Net, seed: u64) -> Net {
    let mut out = net.clone();
    let mut dice = Dice(seed);
    for l in 0..LAYERS {
        let heads = dice.order(HEADS);
        let per_head = WIDTH / HEADS;
        let order: Vec<usize> = heads.iter().flat_map(|h| h * per_head..(h + 1) * per_head).collect();
        let channels = dice.order(FORWARD);
        let at = 1 + l * PER_LAYER;
        (1..4).for_each(|i| rows(&mut out.all[at + i], &order));
        columns(&mut out.all[at + 4], &order);
        (6..8).for_each(|i| rows(&mut out.all[at + i], &channels));
        columns(&mut out.all[at + 8], &channels);
    }
    out
}

/// What writes to the channels between the layers, by its name; the others read from them.
fn writes(m: &Matrix) -> bool {
    m.name.contains("o_proj") || m.name.contains("down_proj")
}

/// The channels between the layers in another order: the model says the same.
pub(crate) fn outer_permuted(net: &Net, seed: u64) -> Net {
    let order = Dice(seed).order(WIDTH);
    each(net, |m| if writes(m) { rows(m, &order) } else { columns(m, &order) })
}

/// The channels between the layers turned, gains of the norms taken into what follows: the model says the same.
pub(crate) fn turned(net: &Net, seed: u64) -> Net {
    let mut out = net.clone();
    let mut gain = vec![1.0; WIDTH];
    for m in &mut out.all {
        if m.is_norm() {
            gain.clone_from(&m.w);
            m.w.fill(1.0);
        } else if !writes(m) && m.name != "model.embed_tokens.weight" {
            m.w.chunks_exact_mut(WIDTH).for_each(|row| row.iter_mut().zip(&gain).for_each(|(v, g)| *v *= g));
        }
    }
    // a turn made of reflections
    let mut dice = Dice(seed);
    for _ in 0..4 * WIDTH {
        let v: Vec<f32> = (0..WIDTH).map(|_| dice.normal()).collect();
        let length: f32 = v.iter().map(|x| x * x).sum();
        for m in out.all.iter_mut().filter(|m| !m.is_norm()) {
            if writes(m) {
                let mut dots = vec![0.0; m.columns];
                for (row, v) in m.w.chunks_exact(m.columns).zip(&v) {
                    dots.iter_mut().zip(row).for_each(|(d, w)| *d += w * v * 2.0 / length);
                }
                for (row, v) in m.w.chunks_exact_mut(m.columns).zip(&v) {
                    row.iter_mut().zip(&dots).for_each(|(w, d)| *w -= d * v);
                }
            } else {
                for row in m.w.chunks_exact_mut(WIDTH) {
                    let d: f32 = row.iter().zip(&v).map(|(w, v)| w * v).sum::<f32>() * 2.0 / length;
                    row.iter_mut().zip(&v).for_each(|(w, v)| *w -= d * v);
                }
            }
        }
    }
    out
}
