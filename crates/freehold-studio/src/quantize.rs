//! Quantization of rows of weights, byte for byte as ggml's reference code does it.
//!
//! Ported from ggml (`ggml-quants.c`), MIT (`LICENSE-ggml`), Copyright (c) 2023-2026 The ggml authors. The order of the arithmetic is
//! theirs, for the bytes depend on it; nothing here is fused or reordered.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::numbers::{from_bf16, from_f16, to_bf16, to_f16};

/// How a tensor is stored in a GGUF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "ggml's own names")]
pub enum Kind {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// ggml's number, its name, values and bytes of one block.
    fn facts(self) -> (u32, &'static str, usize, usize) {
        match self {
            Self::F32 => (0, "F32", 1, 4),
            Self::F16 => (1, "F16", 1, 2),
            Self::Q4_0 => (2, "Q4_0", 32, 18),
            Self::Q4_1 => (3, "Q4_1", 32, 20),
            Self::Q5_0 => (6, "Q5_0", 32, 22),
            Self::Q5_1 => (7, "Q5_1", 32, 24),
            Self::Q8_0 => (8, "Q8_0", 32, 34),
            Self::Q4K => (12, "Q4_K", 256, 144),
            Self::Q5K => (13, "Q5_K", 256, 176),
            Self::Q6K => (14, "Q6_K", 256, 210),
            Self::Bf16 => (30, "BF16", 1, 2),
        }
    }

    /// ggml's number of the type.
    pub fn number(self) -> u32 {
        self.facts().0
    }

    /// The type with this number.
    pub fn of(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.number() == number)
    }

    /// ggml's name.
    pub fn name(self) -> &'static str {
        self.facts().1
    }

    /// Values a block.
    pub fn block(self) -> usize {
        self.facts().2
    }

    /// Bytes of so many values: whole blocks.
    pub fn bytes(self, values: usize) -> usize {
        values / self.block() * self.facts().3
    }

    /// Whether it is none of the floats.
    pub fn is_quantized(self) -> bool {
        self.block() > 1
    }
}

/// The bytes of rows of `columns` values (whole blocks). `importance` has one number a column.
///
/// # Panics
/// Where the values are not whole rows, or rows not whole blocks.
pub fn quantize(kind: Kind, values: &[f32], columns: usize, importance: Option<&[f32]>) -> Vec<u8> {
    assert!(
        columns.is_multiple_of(kind.block()) && values.len().is_multiple_of(columns.max(1)),
        "whole rows of blocks"
    );
    let mut out = vec![0; kind.bytes(values.len())];
    if values.is_empty() {
        return out;
    }
    let row = kind.bytes(columns);
    out.par_chunks_mut(row).zip(values.par_chunks(columns)).for_each(|(to, from)| one_row(kind, from, importance, to));
    out
}

fn one_row(kind: Kind, row: &[f32], importance: Option<&[f32]>, to: &mut [u8]) {
    let (values, bytes) = (kind.block(), kind.facts().3);
    // of the whole row, where columns are weighed
    let square = || {
        let mut sum = 0.0;
        for x in row {
            sum += x * x;
        }
        sum / row.len() as f32
    };
    let sigma = if importance.is_some() && values == 32 && kind != Kind::Q8_0 { square() } else { 0.0 };
    for (i, (x, to)) in row.chunks_exact(values).zip(to.chunks_exact_mut(bytes)).enumerate() {
        let weights = importance.map(|w| &w[i * values..(i + 1) * values]);
        match kind {
            Kind::F32 => to.copy_from_slice(&x[0].to_le_bytes()),
            Kind::F16 => to.copy_from_slice(&to_f16(x[0]).to_le_bytes()),
            Kind::Bf16 => to.copy_from_slice(&to_bf16(x[0]).to_le_bytes()),
            Kind::Q8_0 => q8_0(x, to),
            Kind::Q4_0 => match weights {
                Some(w) => q45_0_weighed(x, &weighed(x, w, sigma), to, 8),
                None => q4_0(x, to),
            },
            Kind::Q5_0 => match weights {
                Some(w) => q45_0_weighed(x, &weighed(x, w, sigma), to, 16),
                None => q5_0(x, to),
            },
            Kind::Q4_1 => match weights {
                Some(w) => q45_1_weighed(x, &weighed(x, w, sigma), to, 15),
                None => q45_1(x, to, 15),
            },
            Kind::Q5_1 => match weights {
                Some(w) => q45_1_weighed(x, &weighed(x, w, sigma), to, 31),
                None => q45_1(x, to, 31),
            },
            Kind::Q4K => q45_k(x, weights, to, 15),
            Kind::Q5K => q45_k(x, weights, to, 31),
            Kind::Q6K => q6_k(x, weights, to),
        }
    }
}

/// Values of blocks of bytes.
///
/// # Panics
/// Where the bytes are not whole blocks.
pub fn dequantize(kind: Kind, bytes: &[u8]) -> Vec<f32> {
    let size = kind.facts().3;
    assert!(bytes.len().is_multiple_of(size), "whole blocks");
    let mut out = vec![0.0; bytes.len() / size * kind.block()];
    out.par_chunks_mut(kind.block()).zip(bytes.par_chunks(size)).for_each(|(to, b)| one_back(kind, b, to));
    out
}

fn half(bytes: &[u8], at: usize) -> f32 {
    from_f16(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn put_half(bytes: &mut [u8], at: usize, x: f32) {
    bytes[at..at + 2].copy_from_slice(&to_f16(x).to_le_bytes());
}

fn one_back(kind: Kind, b: &[u8], to: &mut [f32]) {
    let nibble = |q: &[u8], j: usize| if j < 16 { q[j] & 15 } else { q[j - 16] >> 4 };
    let fifth = |q: &[u8], j: usize| (u32::from_le_bytes([q[0], q[1], q[2], q[3]]) >> j & 1) as u8 * 16;
    let each = to.iter_mut().enumerate();
    match kind {
        Kind::F32 => to[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        Kind::F16 => to[0] = half(b, 0),
        Kind::Bf16 => to[0] = from_bf16(u16::from_le_bytes([b[0], b[1]])),
        Kind::Q8_0 => each.for_each(|(j, t)| *t = f32::from(b[2 + j].cast_signed()) * half(b, 0)),
        Kind::Q4_0 => each.for_each(|(j, t)| *t = (f32::from(nibble(&b[2..], j)) - 8.0) * half(b, 0)),
        Kind::Q5_0 => {
            each.for_each(|(j, t)| *t = (f32::from(nibble(&b[6..], j) | fifth(&b[2..], j)) - 16.0) * half(b, 0));
        }
        Kind::Q4_1 => each.for_each(|(j, t)| *t = f32::from(nibble(&b[4..], j)) * half(b, 0) + half(b, 2)),
        Kind::Q5_1 => {
            each.for_each(|(j, t)| *t = f32::from(nibble(&b[8..], j) | fifth(&b[4..], j)) * half(b, 0) + half(b, 2));
        }
        Kind::Q4K | Kind::Q5K => {
            let five = kind == Kind::Q5K;
            let (scales, low) = (&b[4..16], if five { &b[48..176] } else { &b[16..144] });
            for (i, t) in each {
                let (part, j) = (i / 64, i % 64);
                let (scale, min) = scale_and_min(i / 32, scales);
                let q = low[part * 32 + j % 32];
                let mut value = if j < 32 { q & 15 } else { q >> 4 };
                if five && b[16 + j % 32] >> (2 * part + j / 32) & 1 == 1 {
                    value += 16;
                }
                *t = half(b, 0) * f32::from(scale) * f32::from(value) - half(b, 2) * f32::from(min);
            }
        }
        Kind::Q6K => {
            for (i, t) in each {
                let (part, j) = (i / 128, i % 128);
                let (quarter, l) = (j / 32, j % 32);
                let low = b[part * 64 + l + 32 * (quarter % 2)];
                let low = if quarter < 2 { low & 15 } else { low >> 4 };
                let high = b[128 + part * 32 + l] >> (2 * quarter) & 3;
                let scale = b[192 + i / 16].cast_signed();
                *t = half(b, 208) * f32::from(scale) * (f32::from(low | high << 4) - 32.0);
            }
        }
    }
}

const LEAST: f32 = 1e-15;

/// To the nearest integer, ties to even, for |x| <= 4194303.
#[inline(always)]
fn nearest(x: f32) -> i32 {
    let bits = (x + 12_582_912.0).to_bits();
    (bits & 0x007f_ffff).cast_signed() - 0x0040_0000
}

/// Toward zero; what no i32 holds becomes the least one, as the processor that the reference runs on has it.
#[inline(always)]
fn truncated(x: f32) -> i32 {
    if x.abs() < 2_147_483_648.0 { x as i32 } else { i32::MIN }
}

/// The low byte.
#[inline(always)]
fn low(x: i32) -> u8 {
    x.to_le_bytes()[0]
}

fn weighed(x: &[f32], w: &[f32], sigma: f32) -> [f32; 32] {
    let mut to = [0.0; 32];
    for j in 0..32 {
        to[j] = w[j] * (sigma + x[j] * x[j]).sqrt();
    }
    to
}

/// The value furthest from zero.
fn furthest(x: &[f32]) -> (f32, f32) {
    let (mut most, mut value) = (0.0f32, 0.0);
    for v in x {
        if most < v.abs() {
            most = v.abs();
            value = *v;
        }
    }
    (most, value)
}

fn inverse(d: f32) -> f32 {
    if d != 0.0 { 1.0 / d } else { 0.0 }
}

fn q4_0(x: &[f32], to: &mut [u8]) {
    let d = furthest(x).1 / -8.0;
    let by = inverse(d);
    put_half(to, 0, d);
    let value = |v: f32| low(truncated(v * by + 8.5)).min(15);
    for j in 0..16 {
        to[2 + j] = value(x[j]) | value(x[j + 16]) << 4;
    }
}

/// Low nibbles of 32 values at `at`, their fifth bits at `bits`.
fn put_fives(values: &[u8; 32], to: &mut [u8], bits: usize, at: usize) {
    let mut high = 0u32;
    for j in 0..16 {
        to[at + j] = (values[j] & 15) | (values[j + 16] & 15) << 4;
        high |= u32::from(values[j] >> 4 & 1) << j | u32::from(values[j + 16] >> 4 & 1) << (j + 16);
    }
    to[bits..bits + 4].copy_from_slice(&high.to_le_bytes());
}

fn q5_0(x: &[f32], to: &mut [u8]) {
    let d = furthest(x).1 / -16.0;
    let by = inverse(d);
    put_half(to, 0, d);
    let mut values = [0; 32];
    for (v, x) in values.iter_mut().zip(x) {
        *v = low(truncated(x * by + 16.5)).min(31);
    }
    put_fives(&values, to, 2, 6);
}

fn q45_1(x: &[f32], to: &mut [u8], most: u8) {
    let (mut least, mut top) = (f32::MAX, -f32::MAX);
    for v in x {
        if *v < least {
            least = *v;
        }
        if *v > top {
            top = *v;
        }
    }
    let d = (top - least) / f32::from(most);
    let by = inverse(d);
    put_half(to, 0, d);
    put_half(to, 2, least);
    let mut values = [0; 32];
    for (v, x) in values.iter_mut().zip(x) {
        *v = low(truncated((x - least) * by + 0.5));
        if most == 15 {
            *v = (*v).min(15);
        }
    }
    put_ones(&values, to, most);
}

fn put_ones(values: &[u8; 32], to: &mut [u8], most: u8) {
    if most == 15 {
        for j in 0..16 {
            to[4 + j] = values[j] | values[j + 16] << 4;
        }
    } else {
        put_fives(values, to, 4, 8);
    }
}

fn q45_0_weighed(x: &[f32], w: &[f32; 32], to: &mut [u8], most: i32) {
    let mut values = [0; 32];
    let d = symmetric(x, most, Some(w), &mut values);
    put_half(to, 0, d);
    if most == 8 {
        for j in 0..16 {
            to[2 + j] = values[j] | values[j + 16] << 4;
        }
    } else {
        put_fives(&values, to, 2, 6);
    }
}

fn q45_1_weighed(x: &[f32], w: &[f32; 32], to: &mut [u8], most: i32) {
    let mut values = [0; 32];
    let (d, min) = with_minimum(x, most, w, &mut values, (-0.9, 0.05, 36), false);
    put_half(to, 0, d);
    put_half(to, 2, -min);
    put_ones(&values, to, low(most));
}

fn q8_0(x: &[f32], to: &mut [u8]) {
    let mut most = 0.0f32;
    for v in x {
        most = most.max(v.abs());
    }
    let d = most / 127.0;
    let by = inverse(d);
    put_half(to, 0, d);
    for (to, v) in to[2..].iter_mut().zip(x) {
        *to = low(truncated((v * by).round()));
    }
}

/// `make_qx_quants` of type 1: a scale for values from -most to most - 1, stored with `most` added.
fn symmetric(x: &[f32], most: i32, weights: Option<&[f32]>, to: &mut [u8]) -> f32 {
    let (furthest_away, value) = furthest(x);
    if furthest_away < LEAST {
        to.fill(0);
        return 0.0;
    }
    let m = most as f32;
    let weight = |i: usize| weights.map_or(x[i] * x[i], |w| w[i]);
    let round = |by: f32, x: f32| nearest(by * x).clamp(-most, most - 1);
    let sums = |by: f32| {
        let (mut with, mut alone) = (0.0f32, 0.0f32);
        for (i, v) in x.iter().enumerate() {
            let (l, w) = (round(by, *v) as f32, weight(i));
            with += w * v * l;
            alone += w * l * l;
        }
        (with, alone)
    };
    let fill = |by: f32, to: &mut [u8]| to.iter_mut().zip(x).for_each(|(t, v)| *t = low(round(by, *v) + most));
    let by = -m / value;
    fill(by, to);
    let (with, alone) = sums(by);
    let mut scale = if alone != 0.0 { with / alone } else { 0.0 };
    let mut best = scale * with;
    for step in (-9i16..=9).filter(|s| *s != 0) {
        let by = -(m + 0.1 * f32::from(step)) / value;
        let (with, alone) = sums(by);
        if alone > 0.0 && with * with > best * alone {
            fill(by, to);
            scale = with / alone;
            best = scale * with;
        }
    }
    scale
}

/// `make_qkx2_quants` and `make_qkx3_quants`: a scale and a minimum (its negative is given) for values 0..=most.
/// They differ in one comparison: what counts as flat.
fn with_minimum(x: &[f32], most: i32, w: &[f32], to: &mut [u8], steps: (f32, f32, u8), exact: bool) -> (f32, f32) {
    let n = x.len();
    let (mut min, mut max, mut sum_w) = (x[0], x[0], w[0]);
    let mut sum_x = sum_w * x[0];
    for i in 1..n {
        if x[i] < min {
            min = x[i];
        }
        if x[i] > max {
            max = x[i];
        }
        sum_w += w[i];
        sum_x += w[i] * x[i];
    }
    if min > 0.0 {
        min = 0.0;
    }
    if if exact { max == min } else { max <= min } {
        to.fill(0);
        return (0.0, -min);
    }
    let m = most as f32;
    let mut scale = 1.0 / (m / (max - min));
    let by = m / (max - min);
    let round = |by: f32, x: f32, min: f32| nearest(by * (x - min)).clamp(0, most);
    let mut best = 0.0f32;
    for i in 0..n {
        to[i] = low(round(by, x[i], min));
        let apart = scale * f32::from(to[i]) + min - x[i];
        best += w[i] * (apart * apart);
    }
    let mut tried = [0u8; 32];
    for step in 0..=steps.2 {
        // the range shrinks with the best minimum so far, as theirs does
        let by = (steps.0 + steps.1 * f32::from(step) + m) / (max - min);
        let (mut sum_l, mut sum_l2, mut sum_xl) = (0.0f32, 0.0f32, 0.0f32);
        for i in 0..n {
            let l = round(by, x[i], min);
            tried[i] = low(l);
            let l = l as f32;
            sum_l += w[i] * l;
            sum_l2 += w[i] * l * l;
            sum_xl += w[i] * l * x[i];
        }
        let determinant = sum_w * sum_l2 - sum_l * sum_l;
        if determinant > 0.0 {
            let mut this = (sum_w * sum_xl - sum_x * sum_l) / determinant;
            let mut this_min = (sum_l2 * sum_x - sum_l * sum_xl) / determinant;
            if this_min > 0.0 {
                this_min = 0.0;
                this = sum_xl / sum_l2;
            }
            let mut error = 0.0f32;
            for i in 0..n {
                let apart = this * f32::from(tried[i]) + this_min - x[i];
                error += w[i] * (apart * apart);
            }
            if error < best {
                to.copy_from_slice(&tried[..n]);
                best = error;
                scale = this;
                min = this_min;
            }
        }
    }
    (scale, -min)
}

/// `make_qp_quants`: a scale for eight values that are not negative.
fn positive(x: &[f32; 8], most: i32, w: &[f32; 8], to: &mut [u8; 8]) -> f32 {
    let mut max = 0.0f32;
    for v in x {
        max = max.max(*v);
    }
    if max < LEAST {
        to.fill(0);
        return 0.0;
    }
    let m = most as f32;
    let mut by = m / max;
    for (t, v) in to.iter_mut().zip(x) {
        *t = low(nearest(by * v));
    }
    let scale = 1.0 / by;
    let mut best = 0.0f32;
    for i in 0..8 {
        let apart = x[i] - scale * f32::from(to[i]);
        best += w[i] * apart * apart;
    }
    for step in (-4i16..=4).filter(|s| *s != 0) {
        let this = (0.1 * f32::from(step) + m) / max;
        let scale = 1.0 / this;
        let mut error = 0.0f32;
        for i in 0..8 {
            let l = nearest(this * x[i]).min(most);
            let apart = x[i] - scale * l as f32;
            error += w[i] * apart * apart;
        }
        if error < best {
            best = error;
            by = this;
        }
    }
    let (mut with, mut alone) = (0.0f32, 0.0f32);
    for i in 0..8 {
        let l = nearest(by * x[i]).min(most);
        to[i] = low(l);
        with += w[i] * x[i] * l as f32;
        alone += w[i] * l as f32 * l as f32;
    }
    for _ in 0..5 {
        let mut changed = false;
        for i in 0..8 {
            let old = f32::from(to[i]);
            let mut this_with = with - w[i] * x[i] * old;
            let mut this_alone = alone - w[i] * old * old;
            if this_with > 0.0 && this_alone > 0.0 {
                let new = nearest(x[i] * this_alone / this_with).min(most);
                if new != i32::from(to[i]) {
                    this_with += w[i] * x[i] * new as f32;
                    this_alone += w[i] * new as f32 * new as f32;
                    if this_with * this_with * alone > with * with * this_alone {
                        to[i] = low(new);
                        with = this_with;
                        alone = this_alone;
                        changed = true;
                    }
                }
            }
        }
        if !changed {
            break;
        }
    }
    if alone > 0.0 { with / alone } else { 0.0 }
}

/// The scale and the minimum of part `j`, of six bits each, out of twelve bytes.
fn scale_and_min(j: usize, q: &[u8]) -> (u8, u8) {
    if j < 4 {
        (q[j] & 63, q[j + 4] & 63)
    } else {
        (q[j + 4] & 15 | q[j - 4] >> 6 << 4, q[j + 4] >> 4 | q[j] >> 6 << 4)
    }
}

fn q45_k(x: &[f32], importance: Option<&[f32]>, to: &mut [u8], most: i32) {
    let mut values = [0u8; 256];
    let (mut scales, mut mins, mut sums) = ([0.0f32; 8], [0.0f32; 8], [0.0f32; 8]);
    let mut of_block = 0.0f32;
    for v in x {
        of_block += v * v;
    }
    let sigma = 2.0 * of_block / 256.0;
    for (j, (x, to)) in x.chunks_exact(32).zip(values.chunks_exact_mut(32)).enumerate() {
        let mut weights = [0.0f32; 32];
        (scales[j], mins[j]) = match importance {
            Some(all) => {
                let all = &all[j * 32..(j + 1) * 32];
                for l in 0..32 {
                    weights[l] = all[l] * (sigma + x[l] * x[l]).sqrt();
                }
                for w in weights {
                    sums[j] += w;
                }
                with_minimum(x, most, &weights, to, (-0.9, 0.05, 36), false)
            }
            None => {
                let mut squares = 0.0f32;
                for v in x {
                    squares += v * v;
                }
                let average = (squares / 32.0).sqrt();
                for l in 0..32 {
                    weights[l] = average + x[l].abs();
                }
                let steps = if most == 15 { (-1.0, 0.1, 20) } else { (-0.5, 0.1, 15) };
                with_minimum(x, most, &weights, to, steps, true)
            }
        };
    }
    let (mut scale_values, mut min_values) = ([0u8; 8], [0u8; 8]);
    let (d, dmin) = match importance {
        Some(_) => {
            let d = positive(&scales, 63, &sums, &mut scale_values);
            (d, positive(&mins, 63, &sums, &mut min_values))
        }
        None => {
            let top = |all: &[f32; 8]| all.iter().fold(0.0f32, |a, b| if *b > a { *b } else { a });
            let (max_scale, max_min) = (top(&scales), top(&mins));
            let by = |max: f32| if max > 0.0 { 63.0 / max } else { 0.0 };
            for j in 0..8 {
                scale_values[j] = low(nearest(by(max_scale) * scales[j])).min(63);
                min_values[j] = low(nearest(by(max_min) * mins[j])).min(63);
            }
            (max_scale / 63.0, max_min / 63.0)
        }
    };
    if most == 31 {
        scale_values.iter_mut().chain(&mut min_values).for_each(|v| *v = (*v).min(63));
    }
    to.fill(0);
    put_half(to, 0, d);
    put_half(to, 2, dmin);
    for j in 0..8 {
        let (ls, lm) = (scale_values[j], min_values[j]);
        if j < 4 {
            to[4 + j] = ls;
            to[8 + j] = lm;
        } else {
            to[8 + j] = ls & 15 | (lm & 15) << 4;
            to[j] |= ls >> 4 << 6;
            to[4 + j] |= lm >> 4 << 6;
        }
    }
    let (d, dmin) = (half(to, 0), half(to, 2));
    for j in 0..8 {
        let (scale, min) = scale_and_min(j, &to[4..16]);
        let d = d * f32::from(scale);
        if d == 0.0 {
            continue;
        }
        let dm = dmin * f32::from(min);
        for i in j * 32..(j + 1) * 32 {
            values[i] = low(nearest((x[i] + dm) / d).clamp(0, most));
        }
    }
    let at = if most == 15 { 16 } else { 48 };
    for part in 0..4 {
        for j in 0..32 {
            let (mut a, mut b) = (values[part * 64 + j], values[part * 64 + 32 + j]);
            if most == 31 {
                if a > 15 {
                    a -= 16;
                    to[16 + j] |= 1 << (2 * part);
                }
                if b > 15 {
                    b -= 16;
                    to[16 + j] |= 2 << (2 * part);
                }
            }
            to[at + part * 32 + j] = a | b << 4;
        }
    }
}

fn q6_k(x: &[f32], importance: Option<&[f32]>, to: &mut [u8]) {
    let mut values = [0u8; 256];
    let mut scales = [0.0f32; 16];
    let (mut most, mut max) = (0.0f32, 0.0f32);
    for (j, scale) in scales.iter_mut().enumerate() {
        let part = j * 16..(j + 1) * 16;
        let weights = importance.map(|w| &w[part.clone()]);
        *scale = symmetric(&x[part.clone()], 32, weights, &mut values[part]);
        if scale.abs() > most {
            most = scale.abs();
            max = *scale;
        }
    }
    to.fill(0);
    if most < LEAST {
        return;
    }
    let by = -128.0 / max;
    put_half(to, 208, 1.0 / by);
    let d = half(to, 208);
    for j in 0..16 {
        let scale = low(nearest(by * scales[j]).min(127));
        to[192 + j] = scale;
        let d = d * f32::from(scale.cast_signed());
        if d == 0.0 {
            continue;
        }
        for i in j * 16..(j + 1) * 16 {
            values[i] = low(nearest(x[i] / d).clamp(-32, 31) + 32);
        }
    }
    for part in 0..2 {
        let v = &values[part * 128..(part + 1) * 128];
        for l in 0..32 {
            to[part * 64 + l] = v[l] & 15 | (v[l + 64] & 15) << 4;
            to[part * 64 + 32 + l] = v[l + 32] & 15 | (v[l + 96] & 15) << 4;
            to[128 + part * 32 + l] = v[l] >> 4 | v[l + 32] >> 4 << 2 | v[l + 64] >> 4 << 4 | v[l + 96] >> 4 << 6;
        }
    }
}
