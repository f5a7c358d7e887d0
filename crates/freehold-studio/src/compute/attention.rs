//! Causal attention with grouped heads, a window and a soft cap, in blocks: scores are never held for a whole sequence.
//!
//! The way back computes a block's scores again from what the forward pass saved of each row: one number, the logarithm
//! of its sum of exponentials.

use std::ops::Range;

use rayon::prelude::*;

use super::pointwise::{dot, exp, greatest, sum, tanh};
use super::{Threads, View, multiply};

/// Rows of queries whose scores are held at once.
const BLOCK: usize = 64;

/// How a layer attends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; divides `heads`.
    pub key_heads: usize,
    /// Values a head.
    pub width: usize,
    /// Multiplies the scores.
    pub scale: f32,
    /// A query sees this many keys at most, itself among them.
    pub window: Option<usize>,
    /// Scores are bent into (-cap, cap).
    pub cap: Option<f32>,
}

/// What the way back needs of the forward pass.
#[derive(Debug)]
pub struct Saved {
    /// What came out, one block of rows a head.
    pub out: Vec<f32>,
    /// One number a row of each head.
    pub log_sums: Vec<f32>,
}

/// One block of query rows of one head: which rows, which keys they can see.
struct Block {
    queries: Range<usize>,
    keys: Range<usize>,
    /// Index within all keys of the first query's own key.
    own: usize,
}

impl Attention {
    /// Blocks of a sequence whose `queries` are the last ones of its `keys`.
    fn blocks(&self, queries: &Range<usize>, keys: &Range<usize>) -> impl Iterator<Item = Block> {
        let (queries, keys, window) = (queries.clone(), keys.clone(), self.window);
        let ahead = keys.len() - queries.len();
        queries.clone().step_by(BLOCK).map(move |first| {
            let last = (first + BLOCK).min(queries.end);
            let own = keys.start + ahead + (first - queries.start);
            let from = window.map_or(keys.start, |w| (own + 1).saturating_sub(w).max(keys.start));
            Block { queries: first..last, keys: from..own + (last - first), own }
        })
    }

    /// The keys that row `i` of a block sees, counted from the block's first key.
    fn seen(&self, block: &Block, i: usize) -> Range<usize> {
        let own = block.own + i - block.keys.start;
        self.window.map_or(0, |w| (own + 1).saturating_sub(w))..own + 1
    }

    fn scores(&self, to: &mut [f32], block: &Block, q: &[f32], k: &[f32]) {
        let (d, n, m) = (self.width, block.keys.len(), block.queries.len());
        let q = View::new(&q[block.queries.start * d..block.queries.end * d], m, d);
        let k = View::new(&k[block.keys.start * d..block.keys.end * d], n, d);
        multiply(to, q, k.turned(), self.scale, false, Threads::One);
    }

    /// Attends. `q` holds `heads` blocks of rows, `k` and `v` hold `key_heads`; each sequence is the rows of its queries
    /// and of its keys, the queries being the last of the keys.
    pub fn forward(&self, q: &[f32], k: &[f32], v: &[f32], sequences: &[(Range<usize>, Range<usize>)]) -> Saved {
        let d = self.width;
        let (rows, key_rows) = (q.len() / (self.heads * d), k.len() / (self.key_heads * d));
        let group = self.heads / self.key_heads;
        let mut saved = Saved { out: vec![0.0; q.len()], log_sums: vec![0.0; self.heads * rows] };
        let each = saved.out.par_chunks_mut(rows * d).zip(saved.log_sums.par_chunks_mut(rows)).enumerate();
        each.for_each(|(head, (out, log_sums))| {
            let q = &q[head * rows * d..][..rows * d];
            let (k, v) =
                (&k[head / group * key_rows * d..][..key_rows * d], &v[head / group * key_rows * d..][..key_rows * d]);
            let mut scores = Vec::new();
            let mut sums = [0.0f32; BLOCK];
            for block in sequences.iter().flat_map(|(q, k)| self.blocks(q, k)) {
                let (n, m) = (block.keys.len(), block.queries.len());
                scores.resize(m * n, 0.0);
                self.scores(&mut scores, &block, q, k);
                let (rows, totals, logs, here) = (&mut scores[..], &mut sums, &mut *log_sums, &block);
                wide!({
                    for (i, row) in rows.chunks_exact_mut(n).enumerate() {
                        let seen = self.seen(here, i);
                        row[..seen.start].fill(0.0);
                        row[seen.end..].fill(0.0);
                        let row = &mut row[seen];
                        if let Some(cap) = self.cap {
                            row.iter_mut().for_each(|s| *s = cap * tanh(*s / cap));
                        }
                        let top = greatest(row);
                        row.iter_mut().for_each(|s| *s = exp(*s - top));
                        totals[i] = sum(row);
                        logs[here.queries.start + i] = top + totals[i].ln();
                    }
                });
                let out = &mut out[block.queries.start * d..block.queries.end * d];
                let v = View::new(&v[block.keys.start * d..block.keys.end * d], n, d);
                multiply(out, View::new(&scores, m, n), v, 1.0, false, Threads::One);
                for (row, sum) in out.chunks_exact_mut(d).zip(sums) {
                    row.iter_mut().for_each(|o| *o /= sum);
                }
            }
        });
        saved
    }

    /// The gradients of queries, keys and values from that of what came out. Every sequence's queries are all its keys.
    pub fn back(
        &self,
        (q, k, v): (&[f32], &[f32], &[f32]),
        saved: &Saved,
        grad: &[f32],
        sequences: &[(Range<usize>, Range<usize>)],
    ) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let d = self.width;
        let rows = q.len() / (self.heads * d);
        let group = self.heads / self.key_heads;
        let (mut gq, mut gk, mut gv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        let each =
            gq.par_chunks_mut(group * rows * d).zip(gk.par_chunks_mut(rows * d)).zip(gv.par_chunks_mut(rows * d));
        each.enumerate().for_each(|(key_head, ((gq, gk), gv))| {
            let (k, v) = (&k[key_head * rows * d..][..rows * d], &v[key_head * rows * d..][..rows * d]);
            let (mut scores, mut slopes) = (Vec::new(), Vec::new());
            for (member, gq) in gq.chunks_exact_mut(rows * d).enumerate() {
                let head = key_head * group + member;
                let q = &q[head * rows * d..][..rows * d];
                let (out, grad) = (&saved.out[head * rows * d..][..rows * d], &grad[head * rows * d..][..rows * d]);
                let log_sums = &saved.log_sums[head * rows..][..rows];
                for block in sequences.iter().flat_map(|(q, k)| self.blocks(q, k)) {
                    let (n, m) = (block.keys.len(), block.queries.len());
                    scores.resize(m * n, 0.0);
                    slopes.resize(m * n, 0.0);
                    self.scores(&mut scores, &block, q, k);
                    let here = block.queries.start * d..block.queries.end * d;
                    let there = block.keys.start * d..block.keys.end * d;
                    let grad_rows = View::new(&grad[here.clone()], m, d);
                    let v = View::new(&v[there.clone()], n, d);
                    multiply(&mut slopes, grad_rows, v.turned(), 1.0, false, Threads::One);
                    let (all, all_slopes, this) = (&mut scores[..], &mut slopes[..], &block);
                    wide!({
                        for (i, (row, slope)) in all.chunks_exact_mut(n).zip(all_slopes.chunks_exact_mut(n)).enumerate()
                        {
                            let at = this.queries.start + i;
                            let seen = self.seen(this, i);
                            for side in [0..seen.start, seen.end..n] {
                                row[side.clone()].fill(0.0);
                                slope[side].fill(0.0);
                            }
                            let (row, slope) = (&mut row[seen.clone()], &mut slope[seen]);
                            let along = dot(&grad[at * d..][..d], &out[at * d..][..d]);
                            let total = log_sums[at];
                            for (p, s) in row.iter_mut().zip(slope) {
                                let bent = self.cap.map(|cap| tanh(*p / cap));
                                let score = match (self.cap, bent) {
                                    (Some(cap), Some(t)) => cap * t,
                                    _ => *p,
                                };
                                *p = exp(score - total);
                                *s = *p * (*s - along) * bent.map_or(1.0, |t| 1.0 - t * t);
                            }
                        }
                    });
                    let (p, s) = (View::new(&scores, m, n), View::new(&slopes, m, n));
                    let keys = View::new(&k[there.clone()], n, d);
                    multiply(&mut gq[here.clone()], s, keys, self.scale, false, Threads::One);
                    multiply(
                        &mut gk[there.clone()],
                        s.turned(),
                        View::new(&q[here], m, d),
                        self.scale,
                        true,
                        Threads::One,
                    );
                    multiply(&mut gv[there], p.turned(), grad_rows, 1.0, true, Threads::One);
                }
            }
        });
        (gq, gk, gv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(i: usize) -> f32 {
        ((i * 7919 % 211) as f32 - 105.0) / 90.0
    }

    /// As the formula says, one query at a time.
    fn naive(a: &Attention, q: &[f32], k: &[f32], v: &[f32], sequences: &[(Range<usize>, Range<usize>)]) -> Vec<f32> {
        let d = a.width;
        let (rows, key_rows) = (q.len() / (a.heads * d), k.len() / (a.key_heads * d));
        let mut to = vec![0.0; q.len()];
        for head in 0..a.heads {
            let kh = head / (a.heads / a.key_heads);
            for (queries, keys) in sequences {
                for i in queries.clone() {
                    let own = keys.end - (queries.end - i);
                    let from = a.window.map_or(keys.start, |w| (own + 1).saturating_sub(w).max(keys.start));
                    let scores: Vec<f64> = (from..=own)
                        .map(|j| {
                            let (q, k) = (&q[(head * rows + i) * d..][..d], &k[(kh * key_rows + j) * d..][..d]);
                            let s = q.iter().zip(k).map(|(x, y)| f64::from(x * y)).sum::<f64>() * f64::from(a.scale);
                            a.cap.map_or(s, |c| f64::from(c) * (s / f64::from(c)).tanh()).exp()
                        })
                        .collect();
                    let sum: f64 = scores.iter().sum();
                    for (j, s) in (from..=own).zip(&scores) {
                        for x in 0..d {
                            to[(head * rows + i) * d + x] += (s / sum) as f32 * v[(kh * key_rows + j) * d + x];
                        }
                    }
                }
            }
        }
        to
    }

    #[test]
    fn blocks_agree_with_the_formula_and_the_way_back_with_its_slopes() {
        for (window, cap, lengths) in [
            (None, None, vec![3, 5]),
            (Some(4), None, vec![9, 2]),
            (Some(3), Some(1.5), vec![7]),
            (Some(70), None, vec![150]),
        ] {
            let a = Attention { heads: 4, key_heads: 2, width: 8, scale: 0.4, window, cap };
            let mut start = 0;
            let sequences: Vec<_> = lengths
                .iter()
                .map(|n| {
                    start += n;
                    (start - n..start, start - n..start)
                })
                .collect();
            let q: Vec<f32> = (0..4 * start * 8).map(value).collect();
            let k: Vec<f32> = (0..2 * start * 8).map(|i| value(i + 5_000)).collect();
            let v: Vec<f32> = (0..2 * start * 8).map(|i| value(i + 9_000)).collect();
            let g: Vec<f32> = (0..4 * start * 8).map(|i| value(i + 12_000)).collect();
            let saved = a.forward(&q, &k, &v, &sequences);
            let wanted = naive(&a, &q, &k, &v, &sequences);
            assert!(saved.out.iter().zip(&wanted).all(|(x, y)| (x - y).abs() < 1e-5));
            if start > 20 {
                continue;
            }
            let (gq, gk, gv) = a.back((&q, &k, &v), &saved, &g, &sequences);
            let loss = |q: &[f32], k: &[f32], v: &[f32]| {
                naive(&a, q, k, v, &sequences).iter().zip(&g).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
            };
            for (which, grad) in [gq, gk, gv].iter().enumerate() {
                for i in 0..grad.len() {
                    let step = |by: f32| {
                        let mut all = [q.clone(), k.clone(), v.clone()];
                        all[which][i] += by;
                        loss(&all[0], &all[1], &all[2])
                    };
                    let slope = (step(1e-2) - step(-1e-2)) / 2e-2;
                    assert!((slope - f64::from(grad[i])).abs() < 2e-3, "{which} {i} {slope} {}", grad[i]);
                }
            }
            // the last queries alone, as when an answer is written token by token
            let last: Vec<f32> = (0..4).flat_map(|h| q[(h * start + start - 1) * 8..][..8].to_vec()).collect();
            let keys = &sequences[sequences.len() - 1].1;
            let one = a.forward(&last, &k, &v, &[(0..1, keys.clone())]);
            for h in 0..4 {
                let whole = &wanted[(h * start + start - 1) * 8..][..8];
                assert!(one.out[h * 8..][..8].iter().zip(whole).all(|(x, y)| (x - y).abs() < 1e-5));
            }
        }
    }
}
