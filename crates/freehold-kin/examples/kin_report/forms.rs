//! Forms that quantizers write, each by a quantizer of its own here: the simple ones as published, GPTQ with its
//! correction of errors over the model's own activations.

use crate::make::{bf16, f16, half};
use crate::train::{Matrix, Net};

/// A tensor of a safetensors file: name, dtype, shape, bytes.
pub(crate) type Part = (String, &'static str, Vec<usize>, Vec<u8>);

/// A quantized form of safetensors.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Packed {
    /// Eight-bit floats, one scale a matrix.
    Fp8,
    /// Eight-bit floats, a scale for 128 square.
    Fp8Block,
    /// Four bits, rounded.
    GptqRounded,
    /// Four bits, by GPTQ.
    Gptq,
    /// Eight bits, by GPTQ.
    Gptq8,
    /// Four bits, channels scaled by their activations, what they were scaled by folded into the norm before.
    Awq,
    /// bitsandbytes, four bits.
    Nf4,
    /// bitsandbytes, eight bits.
    Int8,
    /// MLX, four bits in groups of 64.
    Mlx,
}

fn bytes<const N: usize>(values: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
    values.flatten().collect()
}

fn words(codes: &[u32], bits: u32) -> u32 {
    codes.iter().enumerate().fold(0, |w, (i, c)| w | c << (i as u32 * bits))
}

fn e4m3(bits: u8) -> f32 {
    let (e, m) = (i32::from(bits >> 3 & 15), f32::from(bits & 7));
    if e == 0 { m * 2f32.powi(-9) } else { (1.0 + m / 8.0) * 2f32.powi(e - 7) }
}

fn to_e4m3(v: f32) -> u8 {
    let near = (0..0x7fu8).min_by(|a, b| (e4m3(*a) - v.abs()).abs().total_cmp(&(e4m3(*b) - v.abs()).abs()));
    near.unwrap_or(0) | if v < 0.0 { 0x80 } else { 0 }
}

const NF4: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// The whole model; norms, embedding and head stay half floats, but for MLX, which quantizes words too.
pub(crate) fn parts(net: &Net, form: Packed, inputs: &[Vec<f32>]) -> Vec<Part> {
    let mut net = net.clone();
    let mut scales: Vec<Vec<f32>> = net.all.iter().map(|m| vec![1.0; m.columns]).collect();
    if form == Packed::Awq {
        fold(&mut net, inputs, &mut scales);
    }
    let mut out = Vec::new();
    for (i, m) in net.all.iter().enumerate() {
        let stem = m.name.strip_suffix(".weight").unwrap().to_owned();
        let packed = m.is_projection() || form == Packed::Mlx && !m.is_norm();
        if packed {
            matrix(m, &stem, form, &inputs[i], &mut out);
        } else {
            let shape = if m.is_norm() { vec![m.columns] } else { vec![m.rows, m.columns] };
            out.push((m.name.clone(), "F16", shape, bytes(m.w.iter().map(|v| f16(*v).to_le_bytes()))));
        }
    }
    out
}

fn matrix(m: &Matrix, stem: &str, form: Packed, inputs: &[f32], out: &mut Vec<Part>) {
    let (rows, columns) = (m.rows, m.columns);
    let name = |end: &str| format!("{stem}{end}");
    let most = |w: &[f32]| w.iter().fold(0f32, |a, v| a.max(v.abs()));
    match form {
        Packed::Fp8 => {
            let s = most(&m.w) / 448.0;
            out.push((name(".weight"), "F8_E4M3", vec![rows, columns], m.w.iter().map(|v| to_e4m3(v / s)).collect()));
            out.push((name(".weight_scale"), "F32", vec![], s.to_le_bytes().to_vec()));
        }
        Packed::Fp8Block => {
            let (br, bc) = (rows.div_ceil(128), columns.div_ceil(128));
            let mut s = vec![0f32; br * bc];
            for (i, v) in m.w.iter().enumerate() {
                let b = &mut s[i / columns / 128 * bc + i % columns / 128];
                *b = b.max(v.abs() / 448.0);
            }
            let code = |(i, v): (usize, &f32)| to_e4m3(v / s[i / columns / 128 * bc + i % columns / 128]);
            out.push((name(".weight"), "F8_E4M3", vec![rows, columns], m.w.iter().enumerate().map(code).collect()));
            out.push((name(".weight_scale_inv"), "F32", vec![br, bc], bytes(s.iter().map(|v| v.to_le_bytes()))));
        }
        Packed::Gptq | Packed::Gptq8 | Packed::GptqRounded => {
            let bits = if form == Packed::Gptq8 { 8 } else { 4 };
            let (codes, scales) = gptq(m, bits, (form != Packed::GptqRounded).then_some(inputs));
            let per = (32 / bits) as usize;
            let mut q = Vec::new();
            for block in 0..columns / per {
                for r in 0..rows {
                    let line: Vec<u32> = (0..per).map(|k| codes[r * columns + block * per + k]).collect();
                    q.extend(words(&line, bits).to_le_bytes());
                }
            }
            let groups = columns / 128;
            // the older way of writing the middle: one less
            let zero = words(&vec![(1 << (bits - 1)) - 1; per], bits);
            out.push((name(".qweight"), "I32", vec![columns / per, rows], q));
            let zeros = bytes(std::iter::repeat_n(zero.to_le_bytes(), groups * rows / per));
            out.push((name(".qzeros"), "I32", vec![groups, rows / per], zeros));
            let s = (0..groups).flat_map(|g| (0..rows).map(move |r| (g, r)));
            let s = bytes(s.map(|(g, r)| f16(scales[r * groups + g]).to_le_bytes()));
            out.push((name(".scales"), "F16", vec![groups, rows], s));
            let order = bytes((0..columns as u32).map(|c| (c / 128).to_le_bytes()));
            out.push((name(".g_idx"), "I32", vec![columns], order));
        }
        Packed::Awq => {
            const ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];
            let groups = columns / 128;
            let (mut codes, mut zeros, mut scales) = (vec![0u32; rows * columns], vec![0u32; groups * rows], vec![]);
            for g in 0..groups {
                for r in 0..rows {
                    let line = &m.w[r * columns + g * 128..][..128];
                    let (low, high) = line.iter().fold((0f32, 0f32), |(l, h), v| (l.min(*v), h.max(*v)));
                    let s = half(f16(((high - low) / 15.0).max(1e-5)));
                    let z = (-low / s).round().clamp(0.0, 15.0);
                    scales.extend(f16(s).to_le_bytes());
                    zeros[g * rows + r] = z as u32;
                    for (c, v) in line.iter().enumerate() {
                        codes[(g * 128 + c) * rows + r] = ((v / s).round() + z).clamp(0.0, 15.0) as u32;
                    }
                }
            }
            let pack = |all: &[u32]| {
                let word = |c: &[u32]| words(&ORDER.map(|k| c[k]), 4).to_le_bytes();
                bytes(all.chunks_exact(8).map(word))
            };
            out.push((name(".qweight"), "I32", vec![columns, rows / 8], pack(&codes)));
            out.push((name(".qzeros"), "I32", vec![groups, rows / 8], pack(&zeros)));
            out.push((name(".scales"), "F16", vec![groups, rows], scales));
        }
        Packed::Nf4 => {
            let (mut codes, mut scales) = (Vec::new(), Vec::new());
            for block in m.w.chunks(64) {
                let s = most(block);
                scales.extend(s.to_le_bytes());
                let near = |v: f32| {
                    let d = |c: &usize| (NF4[*c] - v / s.max(1e-12)).abs();
                    (0..16usize).min_by(|a, b| d(a).total_cmp(&d(b))).unwrap() as u8
                };
                codes.extend(block.chunks(2).map(|p| near(p[0]) << 4 | near(p[1])));
            }
            let state = format!(
                "{{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"float16\",\"shape\":[{rows},{columns}]}}"
            );
            out.push((name(".weight.absmax"), "F32", vec![scales.len() / 4], scales));
            out.push((name(".weight.quant_map"), "F32", vec![16], bytes(NF4.iter().map(|v| v.to_le_bytes()))));
            out.push((name(".weight"), "U8", vec![codes.len(), 1], codes));
            let state = state.into_bytes();
            out.push((name(".weight.quant_state.bitsandbytes__nf4"), "U8", vec![state.len()], state));
        }
        Packed::Int8 => {
            let (mut codes, mut scales) = (Vec::new(), Vec::new());
            for row in m.w.chunks(columns) {
                let s = most(row);
                scales.extend(s.to_le_bytes());
                codes.extend(row.iter().map(|v| (v * 127.0 / s.max(1e-12)).round() as i8 as u8));
            }
            out.push((name(".weight"), "I8", vec![rows, columns], codes));
            out.push((name(".SCB"), "F32", vec![rows], scales));
        }
        Packed::Mlx => {
            let (mut codes, mut scales, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
            for group in m.w.chunks(64) {
                let (low, high) = group.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
                let s = half(f16(((high - low) / 15.0).max(1e-7)));
                let low = half(f16(low));
                scales.extend(f16(s).to_le_bytes());
                offsets.extend(f16(low).to_le_bytes());
                let line: Vec<u32> = group.iter().map(|v| ((v - low) / s).round().clamp(0.0, 15.0) as u32).collect();
                codes.extend(bytes(line.chunks(8).map(|c| words(c, 4).to_le_bytes())));
            }
            out.push((name(".weight"), "U32", vec![rows, columns / 8], codes));
            out.push((name(".scales"), "F16", vec![rows, columns / 64], scales));
            out.push((name(".biases"), "F16", vec![rows, columns / 64], offsets));
        }
    }
}

/// AWQ's scales of the channels that a norm feeds, by the root of their mean activation.
fn fold(net: &mut Net, inputs: &[Vec<f32>], scales: &mut [Vec<f32>]) {
    for i in 0..net.all.len() {
        let fed: &[usize] = match net.all[i].name.as_str() {
            n if n.ends_with("input_layernorm.weight") => &[1, 2, 3],
            n if n.ends_with("post_attention_layernorm.weight") => &[1, 2],
            _ => continue,
        };
        let columns = net.all[i].columns;
        let x = &inputs[i + 1];
        let mut s: Vec<f32> = (0..columns)
            .map(|c| {
                (x.iter().skip(c).step_by(columns).map(|v| v.abs()).sum::<f32>() / (x.len() / columns) as f32)
                    .max(1e-4)
                    .sqrt()
            })
            .collect();
        let (low, high) = s.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        let middle = (low * high).sqrt();
        s.iter_mut().for_each(|v| *v /= middle);
        net.all[i].w.iter_mut().zip(&s).for_each(|(w, s)| *w /= s);
        for k in fed {
            net.all[i + k]
                .w
                .chunks_exact_mut(columns)
                .for_each(|row| row.iter_mut().zip(&s).for_each(|(w, s)| *w *= s));
            scales[i + k].clone_from(&s);
        }
    }
}

/// Codes, and a scale for 128 columns of each row. With inputs, each column's error is taken to those after it.
fn gptq(m: &Matrix, bits: u32, inputs: Option<&[f32]>) -> (Vec<u32>, Vec<f32>) {
    let (rows, n) = (m.rows, m.columns);
    let upper = inputs.map(|x| cholesky_of_inverse(x, n));
    let last = ((1u32 << bits) - 1) as f32;
    let zero = (1u32 << (bits - 1)) as f32;
    let (mut codes, mut scales) = (vec![0; rows * n], vec![0.0; rows * (n / 128)]);
    for r in 0..rows {
        let mut w: Vec<f64> = m.w[r * n..][..n].iter().map(|v| f64::from(*v)).collect();
        for c in 0..n {
            let s = &mut scales[r * (n / 128) + c / 128];
            if c % 128 == 0 {
                let most = w[c..c + 128].iter().fold(0f64, |a, v| a.max(v.abs())) as f32;
                *s = half(f16((2.0 * most / last).max(1e-6)));
            }
            let code = ((w[c] as f32 / *s).round() + zero).clamp(0.0, last);
            codes[r * n + c] = code as u32;
            if let Some(u) = &upper {
                let error = (w[c] - f64::from((code - zero) * *s)) / u[c * n + c];
                for j in c + 1..n {
                    w[j] -= error * u[c * n + j];
                }
            }
        }
    }
    (codes, scales)
}

/// The upper factor of the inverse of what the inputs' columns have in common, a hundredth of damping added.
fn cholesky_of_inverse(x: &[f32], n: usize) -> Vec<f64> {
    let mut h = vec![0f64; n * n];
    for row in x.chunks_exact(n) {
        for i in 0..n {
            for j in 0..n {
                h[i * n + j] += f64::from(row[i]) * f64::from(row[j]);
            }
        }
    }
    let damp = 0.01 * (0..n).map(|i| h[i * n + i]).sum::<f64>() / n as f64 + 1e-9;
    (0..n).for_each(|i| h[i * n + i] += damp);
    // inverse by elimination; the matrix is positive
    let mut inverse = vec![0f64; n * n];
    (0..n).for_each(|i| inverse[i * n + i] = 1.0);
    for i in 0..n {
        let p = h[i * n + i];
        for j in 0..n {
            h[i * n + j] /= p;
            inverse[i * n + j] /= p;
        }
        for k in (0..n).filter(|k| *k != i) {
            let f = h[k * n + i];
            for j in 0..n {
                h[k * n + j] -= f * h[i * n + j];
                inverse[k * n + j] -= f * inverse[i * n + j];
            }
        }
    }
    // inverse = U^T U: rows of U one by one
    let mut u = vec![0f64; n * n];
    for i in 0..n {
        for j in i..n {
            let s: f64 = (0..i).map(|k| u[k * n + i] * u[k * n + j]).sum();
            let v = inverse[i * n + j] - s;
            u[i * n + j] = if i == j { v.max(1e-12).sqrt() } else { v / u[i * n + i] };
        }
    }
    u
}

/// Levels of a four-bit float, doubled.
const FP4: [f32; 8] = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0];

/// Rows of ggml's blocks: 32 to a power of two.
pub(crate) fn mxfp4(row: &[f32], out: &mut Vec<u8>) {
    for block in row.chunks_exact(32) {
        let most = block.iter().fold(0f32, |m, v| m.max(v.abs()));
        let e = if most > 0.0 { (most.log2().floor() as i32 - 2 + 127).clamp(1, 254) } else { 1 };
        let d = 2f32.powi(e - 128);
        let code = |v: f32| {
            let near = |c: &usize| (FP4[*c] - v.abs() / d).abs();
            let c = (0..8usize).min_by(|a, b| near(a).total_cmp(&near(b))).unwrap() as u8;
            c | if v < 0.0 { 8 } else { 0 }
        };
        out.push(e as u8);
        out.extend((0..16).map(|i| code(block[i]) | code(block[i + 16]) << 4));
    }
}

/// Scale and minimum of a run; the minimum is none above zero.
fn run(w: &[f32], last: f32) -> (f32, f32) {
    let (low, high) = w.iter().fold((0f32, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    (((high - low) / last).max(0.0), -low)
}

fn nearest(v: f32, scale: f32, minimum: f32, last: f32) -> u8 {
    if scale > 0.0 { ((v + minimum) / scale).round().clamp(0.0, last) as u8 } else { 0 }
}

/// Eight runs of 32, scales and minima of six bits.
pub(crate) fn q4_k(row: &[f32], out: &mut Vec<u8>) {
    for block in row.chunks_exact(256) {
        let runs: Vec<(f32, f32)> = block.chunks(32).map(|w| run(w, 15.0)).collect();
        let d = half(f16(runs.iter().fold(0f32, |m, r| m.max(r.0)) / 63.0));
        let least = half(f16(runs.iter().fold(0f32, |m, r| m.max(r.1)) / 63.0));
        let short = |v: f32, of: f32| if of > 0.0 { (v / of).round().clamp(0.0, 63.0) as u8 } else { 0 };
        let six: Vec<(u8, u8)> = runs.iter().map(|r| (short(r.0, d), short(r.1, least))).collect();
        let mut packed = [0u8; 12];
        for j in 0..4 {
            packed[j] = six[j].0 | six[j + 4].0 >> 4 << 6;
            packed[j + 4] = six[j].1 | six[j + 4].1 >> 4 << 6;
            packed[j + 8] = six[j + 4].0 & 15 | (six[j + 4].1 & 15) << 4;
        }
        out.extend(f16(d).to_le_bytes());
        out.extend(f16(least).to_le_bytes());
        out.extend(packed);
        let code = |i: usize| {
            let (s, m) = six[i / 32];
            nearest(block[i], d * f32::from(s), least * f32::from(m), 15.0)
        };
        for j in 0..4 {
            out.extend((0..32).map(|i| code(64 * j + i) | code(64 * j + 32 + i) << 4));
        }
    }
}

/// Sixteen runs of 16, scales and minima of four bits.
pub(crate) fn q2_k(row: &[f32], out: &mut Vec<u8>) {
    for block in row.chunks_exact(256) {
        let runs: Vec<(f32, f32)> = block.chunks(16).map(|w| run(w, 3.0)).collect();
        let d = half(f16(runs.iter().fold(0f32, |m, r| m.max(r.0)) / 15.0));
        let least = half(f16(runs.iter().fold(0f32, |m, r| m.max(r.1)) / 15.0));
        let short = |v: f32, of: f32| if of > 0.0 { (v / of).round().clamp(0.0, 15.0) as u8 } else { 0 };
        let four: Vec<(u8, u8)> = runs.iter().map(|r| (short(r.0, d), short(r.1, least))).collect();
        out.extend(four.iter().map(|(s, m)| s | m << 4));
        let code = |i: usize| {
            let (s, m) = four[i / 16];
            nearest(block[i], d * f32::from(s), least * f32::from(m), 3.0)
        };
        for h in 0..2 {
            out.extend((0..32).map(|i| (0..4).fold(0, |b, k| b | code(128 * h + 32 * k + i) << (2 * k))));
        }
        out.extend(f16(d).to_le_bytes());
        out.extend(f16(least).to_le_bytes());
    }
}

/// The model as torch saves it, or saved it before it had archives.
pub(crate) fn torch(net: &Net, old: bool) -> Vec<u8> {
    let all: Vec<crate::saved::Saved<'_>> = net
        .all
        .iter()
        .map(|m| {
            let shape = if m.is_norm() { vec![m.columns] } else { vec![m.rows, m.columns] };
            (m.name.as_str(), shape, "BFloat16Storage", 2, bytes(m.w.iter().map(|v| bf16(*v).to_le_bytes())))
        })
        .collect();
    if old { crate::saved::torch_legacy(&all) } else { crate::saved::torch_zip(&all) }
}
