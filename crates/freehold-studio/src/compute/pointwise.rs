//! Everything that is no matrix product: norms, rotations, gates, each with its way back.
//!
//! The inner loops are written so that they become vector code, and run through [`pulp`], which picks the widest
//! instructions of this processor once.

use rayon::prelude::*;

/// e to the `x`, within two units in the last place, as plain arithmetic that becomes vector code.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to an integer
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = ((((1.987_569_1e-4 * r + 1.398_199_9e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r + 0.166_666_66) * r
        + 0.5;
    let y = p * r * r + r + 1.0;
    // the integer is in the low bits of the shifted number
    y * f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23)
}

/// The hyperbolic tangent, likewise.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let s = x * x;
    let near = x * (1.0 + s * (-0.333_333_34 + s * (0.133_333_34 + s * (-0.053_968_254 + s * 0.021_869_488))));
    let far = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    if s < 0.04 { near } else { far }
}

/// Rows of `width` values, several at a time on each thread.
fn rows_at_a_time(width: usize) -> usize {
    (16_384 / width.max(1)).max(1)
}

/// `to += from`.
pub fn add(to: &mut [f32], from: &[f32]) {
    to.par_chunks_mut(65_536).zip(from.par_chunks(65_536)).for_each(|(to, from)| {
        wide!({ to.iter_mut().zip(from).for_each(|(t, f)| *t += f) });
    });
}

/// The sum of products, in eight running sums so that it becomes vector code.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let (ac, bc) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = ac.remainder().iter().zip(bc.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in ac.zip(bc) {
        for i in 0..16 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The sum, likewise.
#[inline(always)]
pub(super) fn sum(a: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let parts = a.chunks_exact(16);
    let rest: f32 = parts.remainder().iter().sum();
    for part in parts {
        for i in 0..16 {
            sums[i] += part[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// The greatest of values that are numbers, likewise.
#[inline(always)]
pub fn greatest(a: &[f32]) -> f32 {
    let mut tops = [f32::NEG_INFINITY; 16];
    let parts = a.chunks_exact(16);
    let more = |a: f32, b: f32| if b > a { b } else { a };
    let rest = parts.remainder().iter().fold(f32::NEG_INFINITY, |a, b| more(a, *b));
    for part in parts {
        for i in 0..16 {
            tops[i] = more(tops[i], part[i]);
        }
    }
    tops.iter().fold(rest, |a, b| more(a, *b))
}

#[inline(always)]
fn inverse_root(row: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot(row, row) / row.len() as f32 + epsilon).sqrt()
}

/// Root-mean-square norm of each row of `weight.len()` values, times `weight`. Rows of `from` begin `step` values apart;
/// rows of `to` lie one after another.
pub fn norm(to: &mut [f32], from: &[f32], step: usize, weight: &[f32], epsilon: f32) {
    let (width, many) = (weight.len(), rows_at_a_time(weight.len()));
    to.par_chunks_mut(width * many).enumerate().for_each(|(block, to)| {
        wide!({
            for (i, to) in to.chunks_exact_mut(width).enumerate() {
                let row = &from[(block * many + i) * step..][..width];
                let inverse = inverse_root(row, epsilon);
                for ((t, x), w) in to.iter_mut().zip(row).zip(weight) {
                    *t = x * inverse * w;
                }
            }
        });
    });
}

/// The way back through [`norm`]: from the gradient of what came out (`grad`, replaced) and what went in.
pub fn norm_back(grad: &mut [f32], from: &[f32], step: usize, weight: &[f32], epsilon: f32) {
    let (width, many) = (weight.len(), rows_at_a_time(weight.len()));
    grad.par_chunks_mut(width * many).enumerate().for_each(|(block, grad)| {
        wide!({
            for (i, grad) in grad.chunks_exact_mut(width).enumerate() {
                let row = &from[(block * many + i) * step..][..width];
                let inverse = inverse_root(row, epsilon);
                for (g, w) in grad.iter_mut().zip(weight) {
                    *g *= w;
                }
                let along = dot(grad, row) * inverse * inverse * inverse / width as f32;
                for (g, x) in grad.iter_mut().zip(row) {
                    *g = *g * inverse - x * along;
                }
            }
        });
    });
}

/// How the gate of the feed-forward part bends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x * sigmoid(x).
    Silu,
    /// The Gaussian error unit in its tanh form.
    GeluTanh,
}

/// The value and the slope at `x`.
#[inline(always)]
fn bent(kind: Activation, x: f32) -> (f32, f32) {
    match kind {
        Activation::Silu => {
            let s = 1.0 / (1.0 + exp(-x));
            (x * s, s * (1.0 + x * (1.0 - s)))
        }
        Activation::GeluTanh => {
            const ROOT: f32 = 0.797_884_6; // sqrt(2 / pi)
            let t = tanh(ROOT * (x + 0.044_715 * x * x * x));
            let inner = ROOT * (1.0 + 3.0 * 0.044_715 * x * x);
            (0.5 * x * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner)
        }
    }
}

/// `act(gate) * up` where each row of `both` is a gate of `width` values and then an up of as many.
pub fn gated(kind: Activation, both: &[f32], width: usize) -> Vec<f32> {
    let mut to = vec![0.0; both.len() / 2];
    let many = rows_at_a_time(width);
    to.par_chunks_mut(width * many).zip(both.par_chunks(2 * width * many)).for_each(|(to, both)| {
        wide!({
            for (to, both) in to.chunks_exact_mut(width).zip(both.chunks_exact(2 * width)) {
                let (gate, up) = both.split_at(width);
                for ((t, g), u) in to.iter_mut().zip(gate).zip(up) {
                    *t = bent(kind, *g).0 * u;
                }
            }
        });
    });
    to
}

/// The way back through [`gated`]: `both` is replaced by the gradients of gate and up.
pub fn gated_back(kind: Activation, both: &mut [f32], grad: &[f32], width: usize) {
    let many = rows_at_a_time(width);
    both.par_chunks_mut(2 * width * many).zip(grad.par_chunks(width * many)).for_each(|(both, grad)| {
        wide!({
            for (both, grad) in both.chunks_exact_mut(2 * width).zip(grad.chunks_exact(width)) {
                let (gate, up) = both.split_at_mut(width);
                for ((g, u), d) in gate.iter_mut().zip(up).zip(grad) {
                    let (value, slope) = bent(kind, *g);
                    *g = d * *u * slope;
                    *u = d * value;
                }
            }
        });
    });
}

/// Cosines and sines of a rotary embedding for positions 0.. in steps of `half` values.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    /// Half of the rotated width.
    pub half: usize,
    /// `half` cosines a position.
    pub cosine: Vec<f32>,
    /// `half` sines a position.
    pub sine: Vec<f32>,
}

impl Rotation {
    /// For `positions` positions from the frequencies; `scale` multiplies both.
    pub fn new(frequencies: &[f32], positions: usize, scale: f32) -> Self {
        let angles = || (0..positions).flat_map(|p| frequencies.iter().map(move |f| p as f32 * f));
        Self {
            half: frequencies.len(),
            cosine: angles().map(|a| a.cos() * scale).collect(),
            sine: angles().map(|a| a.sin() * scale).collect(),
        }
    }
}

/// Rotates each row (a head of one token, `width` values) by its position; `back` rotates the other way.
pub fn rotate(
    rows: &mut [f32],
    width: usize,
    rotation: &Rotation,
    position: impl Fn(usize) -> usize + Sync,
    back: bool,
) {
    let (half, many, position) = (rotation.half, rows_at_a_time(width), &position);
    rows.par_chunks_mut(width * many).enumerate().for_each(|(block, rows)| {
        wide!({
            for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                let at = position(block * many + i) * half;
                let (cosine, sine) = (&rotation.cosine[at..][..half], &rotation.sine[at..][..half]);
                let (low, high) = row[..2 * half].split_at_mut(half);
                for j in 0..half {
                    let (u, v, c) = (low[j], high[j], cosine[j]);
                    let s = if back { -sine[j] } else { sine[j] };
                    low[j] = u * c - v * s;
                    high[j] = v * c + u * s;
                }
            }
        });
    });
}

/// From rows of tokens (`step` values each; these heads begin at `offset`) to one block of rows a head.
pub fn head_major(from: &[f32], step: usize, offset: usize, heads: usize, width: usize) -> Vec<f32> {
    let tokens = from.len() / step;
    let mut to = vec![0.0; tokens * heads * width];
    to.par_chunks_mut(tokens * width).enumerate().for_each(|(head, to)| {
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            to.copy_from_slice(&from[row * step + offset + head * width..][..width]);
        }
    });
    to
}

/// The other way: into columns `offset..` of rows of `step` values.
pub fn token_major(to: &mut [f32], step: usize, offset: usize, from: &[f32], heads: usize, width: usize) {
    let tokens = to.len() / step;
    to.par_chunks_mut(step).enumerate().for_each(|(row, to)| {
        for head in 0..heads {
            to[offset + head * width..][..width].copy_from_slice(&from[(head * tokens + row) * width..][..width]);
        }
    });
}

/// A copy with each value zeroed with probability `rate` and the rest scaled up; which ones follows from `seed` and the
/// value's place alone, so that the same call gives the same answer when a layer is computed again.
pub fn dropped(from: &[f32], rate: f32, seed: u64) -> Vec<f32> {
    let mut to = from.to_vec();
    drop_in_place(&mut to, rate, seed);
    to
}

pub(crate) fn drop_in_place(values: &mut [f32], rate: f32, seed: u64) {
    if rate <= 0.0 {
        return;
    }
    let keep = 1.0 / (1.0 - rate);
    let limit = (f64::from(rate) * 4_294_967_296.0) as u64;
    values.par_chunks_mut(16_384).enumerate().for_each(|(block, values)| {
        for (i, v) in values.iter_mut().enumerate() {
            let at = (block * 16_384 + i) as u64;
            *v = if crate::random::mix(seed ^ at.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 32 < limit {
                0.0
            } else {
                *v * keep
            };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_tanh_are_close() {
        for i in -8_600..8_600 {
            let x = i as f32 / 100.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 3e-7, "{x}");
            assert!((tanh(x) - x.tanh()).abs() < 2e-7, "{x}");
        }
    }

    /// Every way back agrees with what a small step forward does.
    #[test]
    fn the_ways_back_are_the_slopes() {
        let value = |i: usize| ((i * 7919 % 101) as f32 - 50.0) / 30.0;
        let (x, g): (Vec<f32>, Vec<f32>) = ((0..48).map(value).collect(), (48..96).map(value).collect());
        let slope = |f: &dyn Fn(&[f32]) -> Vec<f32>, i: usize, g: &[f32]| {
            let step = |d: f32| {
                let mut moved = x.clone();
                moved[i] += d;
                f(&moved).iter().zip(g).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
            };
            (step(1e-2) - step(-1e-2)) / 2e-2
        };
        let weight: Vec<f32> = (0..12).map(|i| 1.0 + value(i) / 5.0).collect();
        let forward = |x: &[f32]| {
            let mut to = vec![0.0; x.len()];
            norm(&mut to, x, 12, &weight, 1e-5);
            to
        };
        let mut back = g.clone();
        norm_back(&mut back, &x, 12, &weight, 1e-5);
        for (i, b) in back.iter().enumerate() {
            assert!((slope(&forward, i, &g) - f64::from(*b)).abs() < 2e-3, "norm {i}");
        }
        for kind in [Activation::Silu, Activation::GeluTanh] {
            let mut both = x.clone();
            gated_back(kind, &mut both, &g[..24], 8);
            for (i, b) in both.iter().enumerate() {
                assert!((slope(&|x| gated(kind, x, 8), i, &g[..24]) - f64::from(*b)).abs() < 2e-3, "{kind:?} {i}");
            }
        }
        let rotation = Rotation::new(&[1.0, 0.1, 0.01], 9, 1.5);
        let turn = |x: &[f32], back| {
            let mut x = x.to_vec();
            rotate(&mut x, 8, &rotation, |row| row + 1, back);
            x
        };
        let back = turn(&g, true);
        for (i, b) in back.iter().enumerate() {
            assert!((slope(&|x| turn(x, false), i, &g) - f64::from(*b)).abs() < 2e-3, "rotation {i}");
        }
    }
}
