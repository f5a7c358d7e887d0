//! A small language model that is trained for real: embedding, layers of causal attention and a gated feed-forward part
//! with learned norms, head; Adam; words of a made-up language, each with a few successors.

/// Width, heads, width of the feed-forward part, words, layers.
pub(crate) const WIDTH: usize = 128;
pub(crate) const HEADS: usize = 4;
pub(crate) const FORWARD: usize = 256;
pub(crate) const WORDS: usize = 512;
pub(crate) const LAYERS: usize = 4;
const PER_HEAD: usize = WIDTH / HEADS;
/// Words of a line, and lines of a step.
const LINE: usize = 16;
const BATCH: usize = 8;
const N: usize = LINE * BATCH;

/// A source of randomness that is the same everywhere.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Of the normal distribution.
    pub(crate) fn normal(&mut self) -> f32 {
        let (u, v) = (self.uniform().max(1e-7), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
    }

    pub(crate) fn order(&mut self, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            all.swap(i, self.below(i + 1));
        }
        all
    }
}

/// A matrix of a model; a norm has one row.
#[derive(Clone)]
pub(crate) struct Matrix {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) w: Vec<f32>,
}

impl Matrix {
    pub(crate) fn is_norm(&self) -> bool {
        self.rows == 1
    }

    /// A matrix inside a layer.
    pub(crate) fn is_projection(&self) -> bool {
        self.name.contains("proj")
    }
}

/// A model: embedding, nine matrices a layer, last norm, head.
#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) all: Vec<Matrix>,
}

pub(crate) const PER_LAYER: usize = 9;
const NAMES: [&str; PER_LAYER] = [
    "input_layernorm",
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "post_attention_layernorm",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
];

impl Net {
    /// Random, as models begin: norms are ones, matrices normal.
    pub(crate) fn fresh(seed: u64) -> Net {
        let mut dice = Dice(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let mut all = Vec::new();
        let mut add = |name: String, rows: usize, columns: usize, scale: f32| {
            let w = (0..rows * columns).map(|_| if scale == 0.0 { 1.0 } else { dice.normal() * scale }).collect();
            all.push(Matrix { name, rows, columns, w });
        };
        add("model.embed_tokens.weight".into(), WORDS, WIDTH, 0.02 * 4.0);
        for l in 0..LAYERS {
            for (i, part) in NAMES.iter().enumerate() {
                let (rows, columns) = match i {
                    0 | 5 => (1, WIDTH),
                    6 | 7 => (FORWARD, WIDTH),
                    8 => (WIDTH, FORWARD),
                    _ => (WIDTH, WIDTH),
                };
                let scale = if rows == 1 { 0.0 } else { 0.7 / (columns as f32).sqrt() };
                add(format!("model.layers.{l}.{part}.weight"), rows, columns, scale);
            }
        }
        add("model.norm.weight".into(), 1, WIDTH, 0.0);
        add("lm_head.weight".into(), WORDS, WIDTH, 0.7 / (WIDTH as f32).sqrt());
        Net { all }
    }

    pub(crate) fn layers(&self) -> usize {
        (self.all.len() - 3) / PER_LAYER
    }

    pub(crate) fn layer(&self, l: usize) -> &[Matrix] {
        &self.all[1 + l * PER_LAYER..1 + (l + 1) * PER_LAYER]
    }
}

/// A language: successors of each word.
pub(crate) struct Language(Vec<[usize; 4]>);

impl Language {
    pub(crate) fn new(seed: u64) -> Language {
        let mut dice = Dice(seed ^ 0xabcd);
        Language((0..WORDS).map(|_| std::array::from_fn(|_| dice.below(WORDS))).collect())
    }

    fn line(&self, dice: &mut Dice) -> Vec<usize> {
        let mut at = dice.below(WORDS);
        (0..=LINE)
            .map(|_| {
                let said = at;
                // the first successor is said half of the time
                at = self.0[at][if dice.below(2) == 0 { 0 } else { dice.below(4) }];
                said
            })
            .collect()
    }
}

/// `x · wᵀ`, rows of `x` having `k` numbers.
fn nt(x: &[f32], w: &[f32], k: usize) -> Vec<f32> {
    let out = w.len() / k;
    let mut y = vec![0.0; x.len() / k * out];
    for (x, y) in x.chunks_exact(k).zip(y.chunks_exact_mut(out)) {
        for (w, y) in w.chunks_exact(k).zip(y.iter_mut()) {
            let mut sums = [0f32; 8];
            for (a, b) in x.chunks_exact(8).zip(w.chunks_exact(8)) {
                for i in 0..8 {
                    sums[i] += a[i] * b[i];
                }
            }
            *y = sums.iter().sum();
        }
    }
    y
}

/// `dx += dy · w`.
fn nn(dy: &[f32], w: &[f32], k: usize, dx: &mut [f32]) {
    let out = w.len() / k;
    for (dy, dx) in dy.chunks_exact(out).zip(dx.chunks_exact_mut(k)) {
        for (d, w) in dy.iter().zip(w.chunks_exact(k)) {
            dx.iter_mut().zip(w).for_each(|(x, w)| *x += d * w);
        }
    }
}

/// `dw += dyᵀ · x`.
fn tn(dy: &[f32], x: &[f32], k: usize, dw: &mut [f32]) {
    let out = dw.len() / k;
    for (dy, x) in dy.chunks_exact(out).zip(x.chunks_exact(k)) {
        for (d, dw) in dy.iter().zip(dw.chunks_exact_mut(k)) {
            dw.iter_mut().zip(x).for_each(|(w, x)| *w += d * x);
        }
    }
}

fn norm(x: &[f32], gain: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut y = Vec::with_capacity(x.len());
    let mut scales = Vec::new();
    for x in x.chunks_exact(WIDTH) {
        let scale = 1.0 / (x.iter().map(|v| v * v).sum::<f32>() / WIDTH as f32 + 1e-6).sqrt();
        y.extend(x.iter().zip(gain).map(|(v, g)| v * scale * g));
        scales.push(scale);
    }
    (y, scales)
}

fn norm_back(dy: &[f32], x: &[f32], gain: &[f32], scales: &[f32], dx: &mut [f32], dg: &mut [f32]) {
    for (((dy, x), s), dx) in
        dy.chunks_exact(WIDTH).zip(x.chunks_exact(WIDTH)).zip(scales).zip(dx.chunks_exact_mut(WIDTH))
    {
        let dot: f32 = dy.iter().zip(gain).zip(x).map(|((d, g), x)| d * g * x).sum::<f32>() / WIDTH as f32;
        for i in 0..WIDTH {
            dg[i] += dy[i] * x[i] * s;
            dx[i] += s * (dy[i] * gain[i] - x[i] * s * s * dot);
        }
    }
}

struct Kept {
    x: Vec<f32>,
    a: Vec<f32>,
    a_scales: Vec<f32>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    p: Vec<f32>,
    o: Vec<f32>,
    mid: Vec<f32>,
    f: Vec<f32>,
    f_scales: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    h: Vec<f32>,
}

/// Places of one head in the rows of a line.
fn head(line: usize, head: usize, t: usize) -> std::ops::Range<usize> {
    let at = (line * LINE + t) * WIDTH + head * PER_HEAD;
    at..at + PER_HEAD
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn attention(q: &[f32], k: &[f32], v: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut p = vec![0.0; BATCH * HEADS * LINE * LINE];
    let mut o = vec![0.0; q.len()];
    let scale = 1.0 / (PER_HEAD as f32).sqrt();
    for b in 0..BATCH {
        for h in 0..HEADS {
            for t in 0..LINE {
                let row = &mut p[((b * HEADS + h) * LINE + t) * LINE..][..t + 1];
                for (u, p) in row.iter_mut().enumerate() {
                    *p = (dot(&q[head(b, h, t)], &k[head(b, h, u)]) * scale).exp();
                }
                let sum: f32 = row.iter().sum();
                for (u, p) in row.iter_mut().enumerate() {
                    *p /= sum;
                    let (o, v) = (&mut o[head(b, h, t)], &v[head(b, h, u)]);
                    o.iter_mut().zip(v).for_each(|(o, v)| *o += *p * v);
                }
            }
        }
    }
    (p, o)
}

fn attention_back(d_o: &[f32], kept: &Kept) -> [Vec<f32>; 3] {
    let mut back: [Vec<f32>; 3] = std::array::from_fn(|_| vec![0.0; d_o.len()]);
    let scale = 1.0 / (PER_HEAD as f32).sqrt();
    for b in 0..BATCH {
        for h in 0..HEADS {
            for t in 0..LINE {
                let p = &kept.p[((b * HEADS + h) * LINE + t) * LINE..][..t + 1];
                let d = &d_o[head(b, h, t)];
                let dp: Vec<f32> = (0..=t).map(|u| dot(d, &kept.v[head(b, h, u)])).collect();
                let mean = dot(&dp, p);
                for u in 0..=t {
                    let ds = p[u] * (dp[u] - mean) * scale;
                    for i in 0..PER_HEAD {
                        let (at, au) = (head(b, h, t).start + i, head(b, h, u).start + i);
                        back[0][at] += ds * kept.k[au];
                        back[1][au] += ds * kept.q[at];
                        back[2][au] += p[u] * d[i];
                    }
                }
            }
        }
    }
    back
}

/// Loss and gradients on these lines. `teacher`: what to say is another model's guess and not the next word.
fn gradients(net: &Net, lines: &[Vec<usize>], teacher: Option<&Net>) -> (f32, Vec<Vec<f32>>) {
    let mut grads: Vec<Vec<f32>> = net.all.iter().map(|m| vec![0.0; m.w.len()]).collect();
    let (kept, x, last, scales, logits) = forward(net, lines);
    let softmax = |row: &[f32]| {
        let top = row.iter().copied().fold(f32::MIN, f32::max);
        let e: Vec<f32> = row.iter().map(|v| (v - top).exp()).collect();
        let sum: f32 = e.iter().sum();
        e.into_iter().map(|v| v / sum).collect::<Vec<f32>>()
    };
    let words = logits.len() / N;
    let guesses = teacher.map(|t| forward(t, lines).4);
    let mut loss = 0.0;
    let mut d = vec![0.0; logits.len()];
    for n in 0..N {
        let p = softmax(&logits[n * words..][..words]);
        let next = lines[n / LINE][n % LINE + 1];
        loss -= p[next].max(1e-9).ln() / N as f32;
        let row = &mut d[n * words..][..words];
        row.iter_mut().zip(&p).for_each(|(d, p)| *d = p / N as f32);
        match &guesses {
            Some(g) => row.iter_mut().zip(softmax(&g[n * words..][..words])).for_each(|(d, g)| *d -= g / N as f32),
            None => row[next] -= 1.0 / N as f32,
        }
    }
    let end = net.all.len();
    let mut dlast = vec![0.0; x.len()];
    nn(&d, &net.all[end - 1].w, WIDTH, &mut dlast);
    tn(&d, &last, WIDTH, &mut grads[end - 1]);
    let mut dx = vec![0.0; x.len()];
    norm_back(&dlast, &x, &net.all[end - 2].w, &scales, &mut dx, &mut grads[end - 2]);
    for l in (0..net.layers()).rev() {
        let (m, k, at) = (net.layer(l), &kept[l], 1 + l * PER_LAYER);
        // feed-forward
        let mut dh = vec![0.0; k.h.len()];
        nn(&dx, &m[8].w, FORWARD, &mut dh);
        tn(&dx, &k.h, FORWARD, &mut grads[at + 8]);
        let (mut dgate, mut dup) = (dh.clone(), dh);
        for i in 0..dgate.len() {
            let s = 1.0 / (1.0 + (-k.gate[i]).exp());
            let d = dgate[i];
            dgate[i] = d * k.up[i] * s * (1.0 + k.gate[i] * (1.0 - s));
            dup[i] = d * k.gate[i] * s;
        }
        let mut df = vec![0.0; k.f.len()];
        for (i, d) in [(6, &dgate), (7, &dup)] {
            nn(d, &m[i].w, WIDTH, &mut df);
            tn(d, &k.f, WIDTH, &mut grads[at + i]);
        }
        norm_back(&df, &k.mid, &m[5].w, &k.f_scales, &mut dx, &mut grads[at + 5]);
        // attention
        let mut d_o = vec![0.0; k.o.len()];
        nn(&dx, &m[4].w, WIDTH, &mut d_o);
        tn(&dx, &k.o, WIDTH, &mut grads[at + 4]);
        let mut da = vec![0.0; k.a.len()];
        for (i, d) in attention_back(&d_o, k).iter().enumerate() {
            nn(d, &m[1 + i].w, WIDTH, &mut da);
            tn(d, &k.a, WIDTH, &mut grads[at + 1 + i]);
        }
        norm_back(&da, &k.x, &m[0].w, &k.a_scales, &mut dx, &mut grads[at]);
    }
    for n in 0..N {
        let word = lines[n / LINE][n % LINE];
        let row = &mut grads[0][word * WIDTH..][..WIDTH];
        row.iter_mut().zip(&dx[n * WIDTH..]).for_each(|(g, d)| *g += d);
    }
    (loss, grads)
}

type Forward = (Vec<Kept>, Vec<f32>, Vec<f32>, Vec<f32>, Vec<f32>);

fn forward(net: &Net, lines: &[Vec<usize>]) -> Forward {
    let mut x: Vec<f32> = Vec::with_capacity(N * WIDTH);
    for line in lines {
        for word in &line[..LINE] {
            x.extend_from_slice(&net.all[0].w[word * WIDTH..][..WIDTH]);
        }
    }
    let mut kept = Vec::new();
    for l in 0..net.layers() {
        let m = net.layer(l);
        let (a, a_scales) = norm(&x, &m[0].w);
        let (q, k, v) = (nt(&a, &m[1].w, WIDTH), nt(&a, &m[2].w, WIDTH), nt(&a, &m[3].w, WIDTH));
        let (p, o) = attention(&q, &k, &v);
        let mid: Vec<f32> = nt(&o, &m[4].w, WIDTH).iter().zip(&x).map(|(a, b)| a + b).collect();
        let (f, f_scales) = norm(&mid, &m[5].w);
        let (gate, up) = (nt(&f, &m[6].w, WIDTH), nt(&f, &m[7].w, WIDTH));
        let h: Vec<f32> = gate.iter().zip(&up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
        let next = nt(&h, &m[8].w, FORWARD).iter().zip(&mid).map(|(a, b)| a + b).collect();
        kept.push(Kept { x, a, a_scales, q, k, v, p, o, mid, f, f_scales, gate, up, h });
        x = next;
    }
    let end = net.all.len();
    let (last, scales) = norm(&x, &net.all[end - 2].w);
    let logits = nt(&last, &net.all[end - 1].w, WIDTH);
    (kept, x, last, scales, logits)
}

/// What each matrix of a layer is given, over a few lines; nothing for others. For quantizers that look at it.
pub(crate) fn inputs(net: &Net, language: &Language, batches: usize) -> Vec<Vec<f32>> {
    let mut dice = Dice(77);
    let mut out = vec![Vec::new(); net.all.len()];
    for _ in 0..batches {
        let lines: Vec<Vec<usize>> = (0..BATCH).map(|_| language.line(&mut dice)).collect();
        for (l, k) in forward(net, &lines).0.iter().enumerate() {
            let at = 1 + l * PER_LAYER;
            for (i, x) in [(1, &k.a), (2, &k.a), (3, &k.a), (4, &k.o), (6, &k.f), (7, &k.f), (8, &k.h)] {
                out[at + i].extend_from_slice(x);
            }
        }
    }
    out
}

/// Adam's memory of one matrix.
#[derive(Clone, Default)]
struct Adam {
    m: Vec<f32>,
    v: Vec<f32>,
}

impl Adam {
    fn step(&mut self, w: &mut [f32], g: &[f32], rate: f32, t: i32) {
        self.m.resize(w.len(), 0.0);
        self.v.resize(w.len(), 0.0);
        let (c1, c2) = (1.0 - 0.9f32.powi(t), 1.0 - 0.99f32.powi(t));
        for (((w, g), m), v) in w.iter_mut().zip(g).zip(&mut self.m).zip(&mut self.v) {
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.99 * *v + 0.01 * g * g;
            *w -= rate * (*m / c1) / ((*v / c2).sqrt() + 1e-8);
        }
    }
}

/// Trains in place; gives back the last loss. `still`: matrices that stay as they are.
pub(crate) fn train(
    net: &mut Net,
    language: &Language,
    (steps, rate, seed): (i32, f32, u64),
    teacher: Option<&Net>,
    still: &dyn Fn(&Matrix) -> bool,
) -> f32 {
    let mut dice = Dice(seed);
    let mut memory = vec![Adam::default(); net.all.len()];
    let mut loss = 0.0;
    for t in 1..=steps {
        let lines: Vec<Vec<usize>> = (0..BATCH).map(|_| language.line(&mut dice)).collect();
        let (l, grads) = gradients(net, &lines, teacher);
        loss = if t == 1 { l } else { 0.9 * loss + 0.1 * l };
        for ((m, g), memory) in net.all.iter_mut().zip(&grads).zip(&mut memory) {
            if !still(m) {
                memory.step(&mut m.w, g, rate, t);
            }
        }
    }
    loss
}

/// Trains an adapter of a rank on the layers' matrices and gives back the model with it merged in.
pub(crate) fn adapt(net: &Net, language: &Language, (steps, rate, seed): (i32, f32, u64), rank: usize) -> Net {
    let mut dice = Dice(seed);
    let down: Vec<Vec<f32>> = net
        .all
        .iter()
        .map(|m| (0..rank * m.columns).map(|_| dice.normal() / (m.columns as f32).sqrt()).collect())
        .collect();
    let mut pairs: Vec<(Vec<f32>, Vec<f32>)> =
        down.into_iter().zip(&net.all).map(|(a, m)| (a, vec![0.0; m.rows * rank])).collect();
    let mut memory = vec![(Adam::default(), Adam::default()); net.all.len()];
    let merged = |pairs: &[(Vec<f32>, Vec<f32>)]| {
        let mut out = net.clone();
        for (m, (a, b)) in out.all.iter_mut().zip(pairs).filter(|(m, _)| m.is_projection()) {
            // scaled by two, as adapters are
            for (w, b) in m.w.chunks_exact_mut(m.columns).zip(b.chunks_exact(rank)) {
                for (b, a) in b.iter().zip(a.chunks_exact(m.columns)) {
                    w.iter_mut().zip(a).for_each(|(w, a)| *w += 2.0 * b * a);
                }
            }
        }
        out
    };
    for t in 1..=steps {
        let lines: Vec<Vec<usize>> = (0..BATCH).map(|_| language.line(&mut dice)).collect();
        let (_, grads) = gradients(&merged(&pairs), &lines, None);
        for (((m, g), (a, b)), (ma, mb)) in net.all.iter().zip(&grads).zip(&mut pairs).zip(&mut memory) {
            if !m.is_projection() {
                continue;
            }
            let mut da = vec![0.0; a.len()];
            let mut db = vec![0.0; b.len()];
            for (r, g) in g.chunks_exact(m.columns).enumerate() {
                for k in 0..rank {
                    db[r * rank + k] = 2.0 * dot(g, &a[k * m.columns..][..m.columns]);
                    let b = 2.0 * b[r * rank + k];
                    da[k * m.columns..][..m.columns].iter_mut().zip(g).for_each(|(d, g)| *d += b * g);
                }
            }
            ma.step(a, &da, rate, t);
            mb.step(b, &db, rate, t);
        }
    }
    merged(&pairs)
}
