//! The decoder of every family: one layer with switches, forward and back by hand.
//!
//! The base is frozen, so the way back makes no gradient of it: only of the stream and of the adapter's pairs. With
//! `recompute` a layer keeps nothing but what went into it and is computed again when the gradient comes by.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::compute::{
    Attention, Rotation, SavedAttention, Threads, View, add, dropped, exp, gated, gated_back, greatest, head_major,
    multiply, multiply_into, norm, norm_back, rotate, token_major, wide,
};
use crate::config::{Architecture, Family, read};
use crate::lora::{Adapter, Gradients, last_part};
use crate::random::{mix, seed_of};
use crate::weights::{Matrix, Tensor, Weights};

/// A frozen linear layer.
#[derive(Debug)]
pub struct Linear {
    /// Its module's name.
    pub module: String,
    /// Its weight.
    pub matrix: Matrix,
    bias: Option<Vec<f32>>,
    /// Which of the adapter's pairs stands beside it.
    pair: Option<usize>,
}

#[derive(Debug)]
struct Layer {
    before_attention: Vec<f32>,
    /// Queries, keys and values, one after another; or one layer for all.
    qkv: Vec<Linear>,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    output: Vec<Linear>,
    after_attention: Option<Vec<f32>>,
    before_feed: Vec<f32>,
    /// Gate and up; or one layer for both.
    gate_up: Vec<Linear>,
    down: Vec<Linear>,
    after_feed: Option<Vec<f32>>,
    attention: Attention,
    local: bool,
}

/// What the way back needs of one layer.
#[derive(Debug, Default)]
struct Kept {
    stream: Vec<f32>,
    qkv: Vec<f32>,
    qkv_low: Vec<Vec<f32>>,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    attended: Option<SavedAttention>,
    output: Vec<f32>,
    output_low: Vec<Vec<f32>>,
    middle: Vec<f32>,
    gate_up: Vec<f32>,
    gate_up_low: Vec<Vec<f32>>,
    fed: Vec<f32>,
    down_low: Vec<Vec<f32>>,
}

/// A model ready to run.
#[derive(Debug)]
pub struct Decoder {
    /// Its shape.
    pub architecture: Architecture,
    embedding: Matrix,
    layers: Vec<Layer>,
    last_norm: Vec<f32>,
    head: Option<Matrix>,
}

/// Tokens to run through a decoder: whole sequences, one after another, without padding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// All tokens.
    pub ids: Vec<u32>,
    /// Whether each token is one to learn: its predecessor in the sequence is asked for it.
    pub learn: Vec<bool>,
    /// Which tokens each sequence has.
    pub sequences: Vec<Range<usize>>,
}

impl Batch {
    /// Adds a sequence.
    pub fn push(&mut self, ids: &[u32], learn: &[bool]) {
        let from = self.ids.len();
        self.ids.extend_from_slice(ids);
        self.learn.extend_from_slice(learn);
        self.sequences.push(from..self.ids.len());
    }

    /// Rows that are asked, and for which token.
    fn asked(&self) -> Vec<(usize, u32)> {
        let each = self.sequences.iter().flat_map(|s| (s.start + 1..s.end).filter(|i| self.learn[*i]));
        each.map(|i| (i - 1, self.ids[i])).collect()
    }

    /// How many tokens are to be learned.
    pub fn targets(&self) -> usize {
        self.sequences.iter().map(|s| (s.start + 1..s.end).filter(|i| self.learn[*i]).count()).sum()
    }

    fn longest(&self) -> usize {
        self.sequences.iter().map(Range::len).max().unwrap_or(0)
    }

    fn positions(&self) -> Vec<usize> {
        self.sequences.iter().flat_map(|s| 0..s.len()).collect()
    }
}

/// How to run a training step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Whether layers keep only what went into them.
    pub recompute: bool,
    /// Of the inputs of A.
    pub dropout: f32,
    /// Of this step's dropout.
    pub seed: u64,
    /// The loss is summed and divided by this: the tokens to learn of all batches of the step.
    pub divide_by: f32,
}

/// Everything that one pass through a layer is told.
struct Pass<'a> {
    adapter: Option<&'a Adapter>,
    positions: &'a [usize],
    sequences: &'a [(Range<usize>, Range<usize>)],
    rotation: &'a Rotation,
    local_rotation: Option<&'a Rotation>,
    dropout: f32,
    seed: u64,
    watch: Option<&'a Watch>,
}

/// Sums of squares of what goes into each linear layer, by module, and of how many tokens.
#[derive(Debug, Default)]
pub struct Watch(Mutex<BTreeMap<String, (Vec<f64>, u64)>>);

impl Watch {
    fn see(&self, linears: &[Linear], x: &[f32]) {
        let columns = linears[0].matrix.columns;
        let Ok(mut all) = self.0.lock() else { return };
        for linear in linears {
            let entry = all.entry(linear.module.clone()).or_insert_with(|| (vec![0.0; columns], 0));
            for row in x.chunks_exact(columns) {
                entry.0.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x) * f64::from(*x));
            }
            entry.1 += (x.len() / columns) as u64;
        }
    }

    /// The mean square of each column, by module.
    pub fn means(self) -> BTreeMap<String, Vec<f32>> {
        let all = self.0.into_inner().unwrap_or_default();
        all.into_iter().map(|(m, (sums, n))| (m, sums.iter().map(|s| (s / n.max(1) as f64) as f32).collect())).collect()
    }
}

impl Pass<'_> {
    /// The seed of one linear layer's dropout.
    fn seed_for(&self, linear: &Linear) -> u64 {
        mix(self.seed ^ seed_of(&linear.module))
    }
}

/// Keys and values of the tokens so far, for writing an answer token by token.
#[derive(Debug)]
pub struct Cache {
    layers: Vec<(Vec<f32>, Vec<f32>)>,
    capacity: usize,
    length: usize,
    tables: (Rotation, Option<Rotation>),
}

/// The linear layers of one place: the names of their last parts and their rows.
type Parts<'a> = &'a [(&'a str, usize)];

struct Loader<'a> {
    weights: &'a mut Weights,
    wrong: Vec<String>,
}

impl Loader<'_> {
    fn take(&mut self, name: &str, shape: &[usize]) -> Tensor {
        match self.weights.tensors.remove(name) {
            Some(tensor) if tensor.shape == shape => tensor,
            Some(tensor) => {
                self.wrong.push(format!("`{name}` is {:?} where config.json makes it {shape:?}", tensor.shape));
                Tensor::held(&[], vec![0, 0])
            }
            None => {
                self.wrong.push(format!("`{name}` is missing"));
                Tensor::held(&[], vec![0, 0])
            }
        }
    }

    fn vector(&mut self, name: &str, length: usize, plus_one: bool) -> Vec<f32> {
        let mut values = self.take(name, &[length]).all();
        if plus_one {
            values.iter_mut().for_each(|v| *v += 1.0);
        }
        values
    }

    fn linears(&mut self, prefix: &str, parts: Parts<'_>, columns: usize, bias: bool) -> Vec<Linear> {
        let each = parts.iter().map(|(part, rows)| {
            let module = format!("{prefix}.{part}");
            let matrix = Matrix::new(self.take(&format!("{module}.weight"), &[*rows, columns]));
            let bias = bias.then(|| self.vector(&format!("{module}.bias"), *rows, false));
            Linear { module, matrix, bias, pair: None }
        });
        each.collect()
    }
}

/// The linear layers' output for `x`: one row a token of all their outputs; and each pair's low-rank inside.
fn through(linears: &[Linear], x: &[f32], pass: &Pass<'_>) -> (Vec<f32>, Vec<Vec<f32>>) {
    let columns = linears[0].matrix.columns;
    let (tokens, width) = (x.len() / columns, linears.iter().map(|l| l.matrix.rows).sum::<usize>());
    if let Some(watch) = pass.watch {
        watch.see(linears, x);
    }
    let rows_in = View::new(x, tokens, columns);
    let mut out = vec![0.0; tokens * width];
    let (mut offset, mut low) = (0, Vec::new());
    for linear in linears {
        let rows = linear.matrix.rows;
        linear.matrix.forward(&mut out[offset..], width, rows_in);
        if let Some(bias) = &linear.bias {
            out.par_chunks_mut(width).for_each(|row| row[offset..].iter_mut().zip(bias).for_each(|(o, b)| *o += b));
        }
        if let (Some(pair), Some(adapter)) = (linear.pair, pass.adapter) {
            let p = &adapter.pairs[pair];
            let mut inside = vec![0.0; tokens * p.rank];
            let a = View::new(&p.a, p.rank, p.inputs).turned();
            if pass.dropout > 0.0 {
                let thinned = dropped(x, pass.dropout, pass.seed_for(linear));
                multiply(&mut inside, View::new(&thinned, tokens, columns), a, 1.0, false, Threads::All);
            } else {
                multiply(&mut inside, rows_in, a, 1.0, false, Threads::All);
            }
            let b = View::new(&p.b, rows, p.rank).turned();
            multiply_into(
                &mut out[offset..],
                width,
                View::new(&inside, tokens, p.rank),
                b,
                p.scale,
                true,
                Threads::All,
            );
            low.push(inside);
        }
        offset += rows;
    }
    (out, low)
}

/// The way back through [`through`]: adds to the pairs' gradients, gives that of `x` unless nobody below needs it.
fn through_back(
    linears: &[Linear],
    (x, low): (&[f32], &[Vec<f32>]),
    grad: &[f32],
    pass: &Pass<'_>,
    gradients: &mut Gradients,
    needed: bool,
) -> Vec<f32> {
    let columns = linears[0].matrix.columns;
    let (tokens, width) = (x.len() / columns, linears.iter().map(|l| l.matrix.rows).sum::<usize>());
    let mut back = vec![0.0; if needed { x.len() } else { 0 }];
    let mut low = low.iter();
    let mut offset = 0;
    for (i, linear) in linears.iter().enumerate() {
        let rows = linear.matrix.rows;
        if needed {
            linear.matrix.back(&mut back, &grad[offset..], width, i > 0);
        }
        if let (Some(pair), Some(adapter), Some(inside)) =
            (linear.pair, pass.adapter, linear.pair.and_then(|_| low.next()))
        {
            let (p, (ga, gb)) = (&adapter.pairs[pair], &mut gradients[pair]);
            let g = View::spaced(&grad[offset..], tokens, rows, width);
            multiply(gb, g.turned(), View::new(inside, tokens, p.rank), p.scale, true, Threads::All);
            let mut inner = vec![0.0; tokens * p.rank];
            multiply(&mut inner, g, View::new(&p.b, rows, p.rank), p.scale, false, Threads::All);
            let inner = View::new(&inner, tokens, p.rank);
            let a = View::new(&p.a, p.rank, p.inputs);
            if pass.dropout > 0.0 {
                let seed = pass.seed_for(linear);
                let thinned = dropped(x, pass.dropout, seed);
                multiply(ga, inner.turned(), View::new(&thinned, tokens, columns), 1.0, true, Threads::All);
                if needed {
                    let mut part = vec![0.0; x.len()];
                    multiply(&mut part, inner, a, 1.0, false, Threads::All);
                    add(&mut back, &dropped(&part, pass.dropout, seed));
                }
            } else {
                multiply(ga, inner.turned(), View::new(x, tokens, columns), 1.0, true, Threads::All);
                if needed {
                    multiply(&mut back, inner, a, 1.0, true, Threads::All);
                }
            }
        }
        offset += rows;
    }
    back
}

impl Decoder {
    /// Reads a folder as transformers writes it.
    ///
    /// # Errors
    /// Everything that is missing, does not fit or is not understood, a line each.
    pub fn open(folder: &Path) -> Result<Self, Vec<String>> {
        let text = std::fs::read(folder.join("config.json")).map_err(|e| vec![format!("config.json: {}", e.kind())])?;
        let said = |all: Vec<String>| all.into_iter().map(|w| format!("config.json: {w}")).collect::<Vec<_>>();
        let architecture = read(&text).map_err(said)?;
        let mut weights = Weights::open(folder)?;
        Self::of(architecture, &mut weights)
    }

    /// From tensors.
    ///
    /// # Errors
    /// Every tensor that is missing, does not fit or is left over.
    pub fn of(architecture: Architecture, weights: &mut Weights) -> Result<Self, Vec<String>> {
        let s = &architecture;
        let gemma = s.family.is_gemma();
        let mut load = Loader { weights, wrong: vec![] };
        let embedding = Matrix::new(load.take("model.embed_tokens.weight", &[s.vocabulary, s.hidden]));
        let (queries, keys) = (s.heads * s.head_width, s.key_heads * s.head_width);
        let fused = s.family == Family::Phi3;
        let layers = (0..s.layers).map(|i| {
            let at = format!("model.layers.{i}");
            let norm = |load: &mut Loader<'_>, name: &str| load.vector(&format!("{at}.{name}.weight"), s.hidden, gemma);
            let attention = format!("{at}.self_attn");
            let qkv: Parts<'_> = match fused {
                true => &[("qkv_proj", queries + 2 * keys)],
                false => &[("q_proj", queries), ("k_proj", keys), ("v_proj", keys)],
            };
            let gate_up: Parts<'_> = match fused {
                true => &[("gate_up_proj", 2 * s.intermediate)],
                false => &[("gate_proj", s.intermediate), ("up_proj", s.intermediate)],
            };
            let normed = matches!(s.family, Family::Qwen3 | Family::Gemma3);
            let of_head = |load: &mut Loader<'_>, name: &str| {
                normed.then(|| load.vector(&format!("{attention}.{name}.weight"), s.head_width, gemma))
            };
            Layer {
                before_attention: norm(&mut load, "input_layernorm"),
                qkv: load.linears(&attention, qkv, s.hidden, s.qkv_bias),
                query_norm: of_head(&mut load, "q_norm"),
                key_norm: of_head(&mut load, "k_norm"),
                output: load.linears(&attention, &[("o_proj", s.hidden)], queries, s.output_bias),
                after_attention: gemma.then(|| norm(&mut load, "post_attention_layernorm")),
                before_feed: norm(
                    &mut load,
                    if gemma { "pre_feedforward_layernorm" } else { "post_attention_layernorm" },
                ),
                gate_up: load.linears(&format!("{at}.mlp"), gate_up, s.hidden, s.feed_bias),
                down: load.linears(&format!("{at}.mlp"), &[("down_proj", s.hidden)], s.intermediate, s.feed_bias),
                after_feed: gemma.then(|| norm(&mut load, "post_feedforward_layernorm")),
                attention: Attention {
                    heads: s.heads,
                    key_heads: s.key_heads,
                    width: s.head_width,
                    scale: s.attention_scale,
                    window: s.windows[i],
                    cap: s.attention_cap,
                },
                local: s.local_rope.is_some() && s.windows[i].is_some(),
            }
        });
        let layers: Vec<Layer> = layers.collect();
        let last_norm = load.vector("model.norm.weight", s.hidden, gemma);
        let head = (!s.tied).then(|| Matrix::new(load.take("lm_head.weight", &[s.vocabulary, s.hidden])));
        let Loader { mut wrong, .. } = load;
        // a tied head may be stored again; old exports keep the rotation's frequencies
        let spare = |name: &String| (s.tied && name == "lm_head.weight") || name.ends_with("rotary_emb.inv_freq");
        let left: Vec<&String> = weights.tensors.keys().filter(|n| !spare(n)).collect();
        wrong.extend(left.iter().take(8).map(|n| format!("`{n}` is a tensor that config.json does not explain")));
        if left.len() > 8 {
            wrong.push(format!("and {} more tensors that config.json does not explain", left.len() - 8));
        }
        if wrong.is_empty() { Ok(Self { architecture, embedding, layers, last_norm, head }) } else { Err(wrong) }
    }

    /// Its linear layers: name, inputs, outputs.
    pub fn modules(&self) -> Vec<(String, usize, usize)> {
        let all = self.layers.iter().flat_map(Layer::linears);
        all.map(|l| (l.module.clone(), l.matrix.columns, l.matrix.rows)).collect()
    }

    /// The last parts of its linear layers' names, in order.
    pub fn target_names(&self) -> Vec<String> {
        let first = self.layers.first().into_iter().flat_map(Layer::linears);
        first.map(|l| last_part(&l.module).to_owned()).collect()
    }

    /// Puts an adapter's pairs beside their layers.
    pub fn attach(&mut self, adapter: &Adapter) {
        for layer in &mut self.layers {
            for linear in layer.linears_mut() {
                linear.pair = adapter.pairs.iter().position(|p| p.module == linear.module);
            }
        }
    }

    fn embed(&self, ids: &[u32]) -> Vec<f32> {
        let hidden = self.architecture.hidden;
        let mut stream = vec![0.0; ids.len() * hidden];
        for (row, id) in stream.chunks_exact_mut(hidden).zip(ids) {
            self.embedding.row((*id as usize).min(self.architecture.vocabulary - 1), row);
        }
        if self.architecture.family.is_gemma() {
            let scale = (hidden as f32).sqrt();
            stream.iter_mut().for_each(|v| *v *= scale);
        }
        stream
    }

    fn tables(&self, length: usize) -> (Rotation, Option<Rotation>) {
        let s = &self.architecture;
        (s.rope.table(length), s.local_rope.as_ref().map(|r| r.table(length)))
    }

    /// The loss of a batch, summed over its targets, and its gradient added to `gradients`.
    ///
    /// # Errors
    /// A loss that is no number.
    pub fn learn(
        &self,
        adapter: &Adapter,
        batch: &Batch,
        step: &Step,
        gradients: &mut Gradients,
    ) -> Result<f64, String> {
        let (positions, sequences) = (batch.positions(), pairs_of(&batch.sequences));
        let tables = self.tables(batch.longest());
        let pass = Pass {
            adapter: Some(adapter),
            positions: &positions,
            sequences: &sequences,
            rotation: &tables.0,
            local_rotation: tables.1.as_ref(),
            dropout: step.dropout,
            seed: step.seed,
            watch: None,
        };
        let mut stream = self.embed(&batch.ids);
        let mut kept = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            if step.recompute {
                let before = stream.clone();
                stream = layer.forward(stream, &pass, &self.architecture, true).0;
                kept.push(Kept { stream: before, ..Kept::default() });
            } else {
                let (next, all) = layer.forward(stream, &pass, &self.architecture, true);
                stream = next;
                kept.push(all);
            }
        }
        let (loss, mut grad) = self.ask(&stream, &batch.asked(), Some(step.divide_by));
        if !loss.is_finite() {
            return Err(format!("the loss is {loss}"));
        }
        drop(stream);
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let Some(mut all) = kept.pop() else { break };
            if step.recompute {
                all = layer.forward(all.stream, &pass, &self.architecture, false).1;
            }
            grad = layer.back(all, grad, &pass, &self.architecture, gradients, i > 0);
        }
        Ok(loss)
    }

    /// The loss of a batch, summed over its targets.
    pub fn loss(&self, adapter: Option<&Adapter>, batch: &Batch) -> f64 {
        self.ask(&self.run(adapter, batch, None), &batch.asked(), None).0
    }

    /// Runs a batch and sees what goes into each linear layer.
    pub fn watch(&self, adapter: Option<&Adapter>, batch: &Batch, watch: &Watch) {
        self.run(adapter, batch, Some(watch));
    }

    /// The stream after the last layer.
    fn run(&self, adapter: Option<&Adapter>, batch: &Batch, watch: Option<&Watch>) -> Vec<f32> {
        let (positions, sequences) = (batch.positions(), pairs_of(&batch.sequences));
        let tables = self.tables(batch.longest());
        let pass = Pass {
            adapter,
            positions: &positions,
            sequences: &sequences,
            rotation: &tables.0,
            local_rotation: tables.1.as_ref(),
            dropout: 0.0,
            seed: 0,
            watch,
        };
        let stream = self.embed(&batch.ids);
        self.layers.iter().fold(stream, |s, layer| layer.forward(s, &pass, &self.architecture, true).0)
    }

    /// The logits of every token: one row of the vocabulary each.
    pub fn logits(&self, adapter: Option<&Adapter>, batch: &Batch) -> Vec<f32> {
        let stream = self.run(adapter, batch, None);
        let hidden = self.architecture.hidden;
        let mut normed = vec![0.0; stream.len()];
        norm(&mut normed, &stream, hidden, &self.last_norm, self.architecture.epsilon);
        self.head_of(&normed)
    }

    fn head_matrix(&self) -> &Matrix {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// Logits of rows that are normed already.
    fn head_of(&self, normed: &[f32]) -> Vec<f32> {
        let s = &self.architecture;
        let rows = normed.len() / s.hidden;
        let mut logits = vec![0.0; rows * s.vocabulary];
        self.head_matrix().forward(&mut logits, s.vocabulary, View::new(normed, rows, s.hidden));
        if let Some(cap) = s.logits_cap {
            logits.par_iter_mut().for_each(|l| *l = cap * (*l / cap).tanh());
        }
        logits
    }

    /// Loss of the rows that are asked, and, divided, the gradient of the stream. Only those rows meet the head.
    fn ask(&self, stream: &[f32], asked: &[(usize, u32)], divide_by: Option<f32>) -> (f64, Vec<f32>) {
        let s = &self.architecture;
        let (hidden, words) = (s.hidden, s.vocabulary);
        let mut grad = vec![0.0; if divide_by.is_some() { stream.len() } else { 0 }];
        let mut loss = 0.0f64;
        for asked in asked.chunks((4_194_304 / words).max(64)) {
            let rows: Vec<f32> = asked.iter().flat_map(|(row, _)| &stream[row * hidden..][..hidden]).copied().collect();
            let mut normed = vec![0.0; rows.len()];
            norm(&mut normed, &rows, hidden, &self.last_norm, s.epsilon);
            let mut logits = self.head_of(&normed);
            let losses: Vec<f64> = logits
                .par_chunks_mut(words)
                .zip(asked)
                .map(|(row, (_, word))| {
                    let word = (*word as usize).min(words - 1);
                    surprise(row, word, divide_by, s.logits_cap)
                })
                .collect();
            loss += losses.iter().sum::<f64>();
            if divide_by.is_some() {
                let mut back = vec![0.0; rows.len()];
                self.head_matrix().back(&mut back, &logits, words, false);
                norm_back(&mut back, &rows, hidden, &self.last_norm, s.epsilon);
                for (back, (row, _)) in back.chunks_exact(hidden).zip(asked) {
                    grad[row * hidden..][..hidden].copy_from_slice(back);
                }
            }
        }
        (loss, grad)
    }

    /// Room for `capacity` tokens.
    pub fn cache(&self, capacity: usize) -> Cache {
        let s = &self.architecture;
        let one = || vec![0.0; s.key_heads * capacity * s.head_width];
        Cache {
            layers: (0..s.layers).map(|_| (one(), one())).collect(),
            capacity,
            length: 0,
            tables: self.tables(capacity),
        }
    }

    /// The logits after `ids`, which follow what the cache holds.
    ///
    /// # Errors
    /// More tokens than the cache has room for.
    pub fn next(&self, adapter: Option<&Adapter>, ids: &[u32], cache: &mut Cache) -> Result<Vec<f32>, String> {
        let (first, n) = (cache.length, ids.len());
        if n == 0 || first + n > cache.capacity {
            return Err(format!("{n} tokens do not fit behind {first} of {}", cache.capacity));
        }
        let positions: Vec<usize> = (first..first + n).collect();
        let pass = Pass {
            adapter,
            positions: &positions,
            sequences: &[(0..n, 0..first + n)],
            rotation: &cache.tables.0,
            local_rotation: cache.tables.1.as_ref(),
            dropout: 0.0,
            seed: 0,
            watch: None,
        };
        let mut stream = self.embed(ids);
        for (layer, (keys, values)) in self.layers.iter().zip(&mut cache.layers) {
            stream = layer.extend(stream, &pass, &self.architecture, (keys, values, first));
        }
        cache.length += n;
        let hidden = self.architecture.hidden;
        let mut normed = vec![0.0; hidden];
        norm(&mut normed, &stream[(n - 1) * hidden..], hidden, &self.last_norm, self.architecture.epsilon);
        Ok(self.head_of(&normed))
    }
}

fn pairs_of(sequences: &[Range<usize>]) -> Vec<(Range<usize>, Range<usize>)> {
    sequences.iter().map(|s| (s.clone(), s.clone())).collect()
}

/// Minus the logarithm of `word`'s probability; where a divisor is given, the row becomes the gradient of that, divided.
fn surprise(row: &mut [f32], word: usize, divide_by: Option<f32>, cap: Option<f32>) -> f64 {
    wide!({
        let top = greatest(row);
        let mut total = 0.0f64;
        for part in row.chunks(1024) {
            let mut parts = [0.0f32; 16];
            for sixteen in part.chunks(16) {
                for (p, l) in parts.iter_mut().zip(sixteen) {
                    *p += exp(*l - top);
                }
            }
            total += f64::from(parts.iter().sum::<f32>());
        }
        let log_sum = f64::from(top) + total.ln();
        let loss = log_sum - f64::from(row[word]);
        if let Some(divide_by) = divide_by {
            let (sum, inverse) = (log_sum as f32, 1.0 / divide_by);
            let slope = |l: f32| cap.map_or(1.0, |c| 1.0 - (l / c) * (l / c));
            let own = slope(row[word]) * inverse;
            for l in row.iter_mut() {
                *l = exp(*l - sum) * inverse * slope(*l);
            }
            row[word] -= own;
        }
        loss
    })
}

impl Layer {
    fn linears(&self) -> impl Iterator<Item = &Linear> {
        self.qkv.iter().chain(&self.output).chain(&self.gate_up).chain(&self.down)
    }

    fn linears_mut(&mut self) -> impl Iterator<Item = &mut Linear> {
        let (a, b) = (self.qkv.iter_mut().chain(&mut self.output), self.gate_up.iter_mut().chain(&mut self.down));
        a.chain(b)
    }

    fn rotation<'a>(&self, pass: &Pass<'a>) -> &'a Rotation {
        pass.local_rotation.filter(|_| self.local).unwrap_or(pass.rotation)
    }

    /// Queries, keys and values of a stream, normed and rotated, a block of rows a head; and what the way back needs.
    fn attend_to(&self, stream: &[f32], pass: &Pass<'_>, s: &Architecture, kept: &mut Kept) {
        let mut normed = vec![0.0; stream.len()];
        norm(&mut normed, stream, s.hidden, &self.before_attention, s.epsilon);
        let (qkv, low) = through(&self.qkv, &normed, pass);
        let (width, d) = (s.qkv_width(), s.head_width);
        let after_queries = s.heads * d;
        let after_keys = after_queries + s.key_heads * d;
        kept.queries = head_major(&qkv, width, 0, s.heads, d);
        kept.keys = head_major(&qkv, width, after_queries, s.key_heads, d);
        kept.values = head_major(&qkv, width, after_keys, s.key_heads, d);
        for (rows, weight) in [(&mut kept.queries, &self.query_norm), (&mut kept.keys, &self.key_norm)] {
            if let Some(weight) = weight {
                let before = rows.clone();
                norm(rows, &before, d, weight, s.epsilon);
            }
            let tokens = pass.positions.len();
            rotate(rows, d, self.rotation(pass), |row| pass.positions[row % tokens], false);
        }
        if self.query_norm.is_some() {
            kept.qkv = qkv;
        }
        kept.qkv_low = low;
    }

    /// Through the layer: what comes out, and everything the way back needs. Without `whole`, what comes out is wanted
    /// only as far as the way back needs it, and may be left empty.
    fn forward(&self, stream: Vec<f32>, pass: &Pass<'_>, s: &Architecture, whole: bool) -> (Vec<f32>, Kept) {
        let mut kept = Kept::default();
        self.attend_to(&stream, pass, s, &mut kept);
        let attended = self.attention.forward(&kept.queries, &kept.keys, &kept.values, pass.sequences);
        let out = self.rest(&stream, &attended.out, pass, s, &mut kept, whole);
        kept.stream = stream;
        kept.attended = Some(attended);
        (out, kept)
    }

    /// Everything after attention.
    fn rest(
        &self,
        stream: &[f32],
        attended: &[f32],
        pass: &Pass<'_>,
        s: &Architecture,
        kept: &mut Kept,
        whole: bool,
    ) -> Vec<f32> {
        let queries = s.heads * s.head_width;
        let mut joined = vec![0.0; attended.len()];
        token_major(&mut joined, queries, 0, attended, s.heads, s.head_width);
        let (output, low) = through(&self.output, &joined, pass);
        drop(joined);
        kept.output_low = low;
        let mut middle = match &self.after_attention {
            Some(weight) => {
                let mut normed = vec![0.0; output.len()];
                norm(&mut normed, &output, s.hidden, weight, s.epsilon);
                kept.output = output;
                normed
            }
            None => output,
        };
        add(&mut middle, stream);
        let mut normed = vec![0.0; middle.len()];
        norm(&mut normed, &middle, s.hidden, &self.before_feed, s.epsilon);
        let (gate_up, low) = through(&self.gate_up, &normed, pass);
        drop(normed);
        kept.gate_up_low = low;
        let bent = gated(s.activation, &gate_up, s.intermediate);
        kept.gate_up = gate_up;
        let out = if whole || self.after_feed.is_some() {
            let (fed, low) = through(&self.down, &bent, pass);
            kept.down_low = low;
            let mut out = match &self.after_feed {
                Some(weight) => {
                    let mut normed = vec![0.0; fed.len()];
                    norm(&mut normed, &fed, s.hidden, weight, s.epsilon);
                    kept.fed = fed;
                    normed
                }
                None => fed,
            };
            add(&mut out, &middle);
            out
        } else {
            kept.down_low = inside(&self.down, &bent, pass);
            vec![]
        };
        kept.middle = middle;
        out
    }

    /// [`Layer::forward`] for tokens that follow those of a cache.
    fn extend(
        &self,
        stream: Vec<f32>,
        pass: &Pass<'_>,
        s: &Architecture,
        cache: (&mut [f32], &mut [f32], usize),
    ) -> Vec<f32> {
        let (keys, values, first) = cache;
        let mut kept = Kept::default();
        self.attend_to(&stream, pass, s, &mut kept);
        let (n, d) = (pass.positions.len(), s.head_width);
        let capacity = keys.len() / (s.key_heads * d);
        for (all, new) in [(&mut *keys, &kept.keys), (&mut *values, &kept.values)] {
            for (all, new) in all.chunks_exact_mut(capacity * d).zip(new.chunks_exact(n * d)) {
                all[first * d..(first + n) * d].copy_from_slice(new);
            }
        }
        let attended = self.attention.forward(&kept.queries, keys, values, pass.sequences);
        self.rest(&stream, &attended.out, pass, s, &mut kept, true)
    }

    /// The way back: the gradient of what came out becomes that of what went in.
    fn back(
        &self,
        mut kept: Kept,
        grad: Vec<f32>,
        pass: &Pass<'_>,
        s: &Architecture,
        gradients: &mut Gradients,
        needed: bool,
    ) -> Vec<f32> {
        let d = s.head_width;
        // the feed-forward part
        let mut inner = grad.clone();
        if let Some(weight) = &self.after_feed {
            norm_back(&mut inner, &kept.fed, s.hidden, weight, s.epsilon);
            kept.fed = vec![];
        }
        let bent = gated(s.activation, &kept.gate_up, s.intermediate);
        let inner = through_back(&self.down, (&bent, &kept.down_low), &inner, pass, gradients, true);
        drop(bent);
        let mut both = std::mem::take(&mut kept.gate_up);
        gated_back(s.activation, &mut both, &inner, s.intermediate);
        drop(inner);
        let mut normed = vec![0.0; kept.middle.len()];
        norm(&mut normed, &kept.middle, s.hidden, &self.before_feed, s.epsilon);
        let mut middle = through_back(&self.gate_up, (&normed, &kept.gate_up_low), &both, pass, gradients, true);
        drop(both);
        norm_back(&mut middle, &kept.middle, s.hidden, &self.before_feed, s.epsilon);
        add(&mut middle, &grad);
        drop(grad);
        kept.middle = vec![];
        // attention
        let mut inner = middle.clone();
        if let Some(weight) = &self.after_attention {
            norm_back(&mut inner, &kept.output, s.hidden, weight, s.epsilon);
        }
        let Some(attended) = kept.attended.take() else { return middle };
        let queries = s.heads * d;
        let mut joined = vec![0.0; attended.out.len()];
        token_major(&mut joined, queries, 0, &attended.out, s.heads, d);
        let inner = through_back(&self.output, (&joined, &kept.output_low), &inner, pass, gradients, true);
        drop(joined);
        let inner = head_major(&inner, queries, 0, s.heads, d);
        let from = (&kept.queries[..], &kept.keys[..], &kept.values[..]);
        let (mut gq, mut gk, gv) = self.attention.back(from, &attended, &inner, pass.sequences);
        drop(attended);
        let (width, tokens) = (s.qkv_width(), pass.positions.len());
        let mut before = queries;
        for (rows, weight, heads, offset) in
            [(&mut gq, &self.query_norm, s.heads, 0), (&mut gk, &self.key_norm, s.key_heads, queries)]
        {
            rotate(rows, d, self.rotation(pass), |row| pass.positions[row % tokens], true);
            if let Some(weight) = weight {
                norm_back(rows, &head_major(&kept.qkv, width, offset, heads, d), d, weight, s.epsilon);
            }
            before = offset + heads * d;
        }
        let mut all = vec![0.0; tokens * width];
        token_major(&mut all, width, 0, &gq, s.heads, d);
        token_major(&mut all, width, queries, &gk, s.key_heads, d);
        token_major(&mut all, width, before, &gv, s.key_heads, d);
        norm(&mut normed, &kept.stream, s.hidden, &self.before_attention, s.epsilon);
        let mut back = through_back(&self.qkv, (&normed, &kept.qkv_low), &all, pass, gradients, needed);
        if needed {
            norm_back(&mut back, &kept.stream, s.hidden, &self.before_attention, s.epsilon);
            add(&mut back, &middle);
        }
        back
    }
}

/// Each pair's low-rank inside, without the frozen product.
fn inside(linears: &[Linear], x: &[f32], pass: &Pass<'_>) -> Vec<Vec<f32>> {
    let Some(adapter) = pass.adapter else { return vec![] };
    let each = linears.iter().filter_map(|linear| Some((linear, &adapter.pairs[linear.pair?])));
    each.map(|(linear, p)| {
        let tokens = x.len() / p.inputs;
        let mut inside = vec![0.0; tokens * p.rank];
        let thinned = (pass.dropout > 0.0).then(|| dropped(x, pass.dropout, pass.seed_for(linear)));
        let x = View::new(thinned.as_deref().unwrap_or(x), tokens, p.inputs);
        multiply(&mut inside, x, View::new(&p.a, p.rank, p.inputs).turned(), 1.0, false, Threads::All);
        inside
    })
    .collect()
}
