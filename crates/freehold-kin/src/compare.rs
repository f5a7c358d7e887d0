//! Pairs tensors, measures them, and says what they are to each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Form, Model, Tensor};
use crate::names::{Class, Key};
use crate::numbers::{Numbers, precision};
use crate::rank::{Rank, rank, spectrum};
use crate::sample::{Measure, Piece, interleaved, measure, plan, read};

/// Tensors of each model that are sampled; where both have more, fewer kinds of each layer are.
const TENSORS_MAX: usize = 1024;
/// Kinds of tensor that are sampled whatever the number of layers.
const KINDS_MIN: usize = 12;
/// Layers of a stack that are sampled; the deepest models have about 130.
const LAYERS_MAX: u32 = 256;
/// Numbers of a layer that tell it from others.
const SIGNATURE: usize = 2048;
/// Cosine from which a matrix is the other's descendant: chance gives 0.02.
const AKIN: f64 = 0.3;
/// Rows and columns of the block whose rank is measured.
const RANK_SIDE: u64 = 192;
/// Matrices whose rank is measured.
const RANK_TENSORS: usize = 8;
/// Norms that are read whole where nothing stands in the same place.
const SORTED_NORMS: usize = 8;
/// Longest norm that is read whole.
const SORTED_MAX: u64 = 1 << 16;
/// Tensors that are named as proof.
const PROOFS: usize = 12;
/// Fewest numbers of matrices without which nothing is said.
const NUMBERS_MIN: u64 = 1024;
/// Share of numbers that must fit their rounding: other programs round a few otherwise.
const SAME_SHARE: f64 = 0.998;
/// The closeness at which kin and strangers count as equally likely, and how fast that changes. Generated pairs alone
/// would put it lower and make it steeper (`docs/kin.md`): real strangers may have more in common.
const LOGISTIC: (f64, f64) = (0.07, 0.016);
/// Below the one they are called strangers, above the other kin: to be called kin by mistake is worse.
const SURE: (f64, f64) = (0.25, 0.95);

/// What two models are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// The sampled numbers are all equal.
    Same,
    /// Equal but for what rounding to another precision or quantization explains.
    SameRounded,
    /// Norms and vocabulary are equal, and the matrices differ by a few directions: an adapter was merged into one.
    AdapterMerged,
    /// Close and not equal: one was trained further, merged or cut from the other, or both from a third.
    Derived,
    /// Of the same shapes, and no closer than chance.
    Unrelated,
    /// Too little to compare, or in between.
    CannotTell,
}

impl Relation {
    /// The word of a report, stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Same => "same",
            Relation::SameRounded => "same-quantized",
            Relation::AdapterMerged => "adapter-merged",
            Relation::Derived => "fine-tuned-or-merged",
            Relation::Unrelated => "unrelated",
            Relation::CannotTell => "cannot-tell",
        }
    }
}

/// The tensors of one class together.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSum {
    /// Which.
    pub class: Class,
    /// Pairs compared; those whose numbers are all one constant are left out.
    pub tensors: usize,
    /// Pairs whose sampled numbers are all equal.
    pub equal: usize,
    /// Pairs whose sampled numbers all fit the rounding of one to the other.
    pub fits: usize,
    /// Median of their cosines.
    pub cosine: f64,
    /// Norm of the difference over the norm of A, over all of them.
    pub difference: f64,
}

/// A pair of tensors and what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Its class.
    pub class: Class,
    /// File and name in A.
    pub a: (String, String),
    /// File and name in B.
    pub b: (String, String),
    /// First and last byte of the sample in A's file, end exclusive.
    pub bytes_a: (u64, u64),
    /// The same in B's.
    pub bytes_b: (u64, u64),
    /// Numbers compared.
    pub numbers: u64,
    /// Share that is equal.
    pub equal: f64,
    /// Share that fits the rounding of one to the other.
    pub fits: f64,
    /// Cosine of the two samples.
    pub cosine: f64,
    /// Norm of the difference over the norm of A.
    pub difference: f64,
    /// Rank of the difference, where it was measured and is low.
    pub rank: Option<u32>,
}

/// What two models' weights say.
#[derive(Clone, Debug, PartialEq)]
pub struct Kinship {
    /// The answer.
    pub relation: Relation,
    /// How likely one stems from the other, or both from a third: 0 to 1.
    pub score: f64,
    /// What the score is made of: the cosine that a tenth of the matrices reach, 1 where other signs prove kinship.
    pub closeness: f64,
    /// What it was found by, in words; no full stops.
    pub reasons: Vec<String>,
    /// The classes that were compared.
    pub classes: Vec<ClassSum>,
    /// The tensors that show it.
    pub proofs: Vec<Proof>,
    /// Pairs of tensors that were compared.
    pub compared: usize,
    /// Tensors of A and of B without a partner of the same name and shape.
    pub alone: (usize, usize),
    /// Layers of A and of B.
    pub layers: (u32, u32),
    /// Bytes fetched of A and of B, tables included.
    pub bytes_read: (u64, u64),
    /// Bytes of their files.
    pub bytes_total: (u64, u64),
}

struct Pair<'m> {
    a: &'m Tensor,
    b: &'m Tensor,
    pieces_a: Vec<Piece>,
    pieces_b: Vec<Piece>,
    /// It stands in a layer.
    layered: bool,
    m: Measure,
    rank: Option<Rank>,
}

impl Pair<'_> {
    fn speaks(&self) -> bool {
        !self.m.constant && self.m.n > 0
    }

    fn is_matrix(&self) -> bool {
        self.a.rows > 1
    }
}

/// What a kind of tensor is sampled by.
struct Kind {
    class: Class,
    rows: u64,
    columns: u64,
    heads: Option<u64>,
    pieces: Vec<Piece>,
}

/// Compares two models by samples of the tensors that both have.
pub fn compare(a: &Model<'_>, b: &Model<'_>) -> Kinship {
    let kinds = kinds(a, b);
    let mixed = a.form != b.form;
    let samples = |model: &Model<'_>| {
        let wanted = model.tensors.iter().filter(|(k, _)| k.layer.is_none_or(|l| l < LAYERS_MAX));
        wanted
            .filter_map(|(key, t)| {
                let kind = kinds.get(&key.kind)?;
                let fits = t.columns == kind.columns && (t.rows == kind.rows || vocabulary(kind.class));
                let pieces = kind.pieces.clone();
                let numbers = fits.then(|| read(model, t, &pieces)).flatten()?;
                Some((key.clone(), (pieces, numbers)))
            })
            .collect::<BTreeMap<Key, (Vec<Piece>, Numbers)>>()
    };
    let (of_a, mut of_b) = (samples(a), samples(b));
    if mixed {
        turn_heads(b, &kinds, &of_a, &mut of_b);
    }
    let partner = align(&of_a, &of_b, &kinds);
    let mut pairs = Vec::new();
    let mut used: BTreeSet<&Key> = BTreeSet::new();
    for (key, (pieces_b, numbers_b)) in &of_b {
        let layer = key.layer.map(|l| if key.kind.contains('/') { l } else { partner.get(&l).copied().unwrap_or(l) });
        let key_a = Key { kind: key.kind.clone(), layer };
        let Some((key_a, (pieces_a, numbers_a))) = of_a.get_key_value(&key_a) else { continue };
        let (Some(ta), Some(tb)) = (a.tensors.get(key_a), b.tensors.get(key)) else { continue };
        used.insert(key_a);
        let m = measure(numbers_a, numbers_b, (ta.storage.is_float(), tb.storage.is_float()));
        let layered = key.layer.is_some();
        let (pieces_a, pieces_b) = (pieces_a.clone(), pieces_b.clone());
        pairs.push(Pair { a: ta, b: tb, pieces_a, pieces_b, layered, m, rank: None });
    }
    let moved = partner.iter().filter(|(i, j)| i != j).count();
    let shared = |x: &Model<'_>, y: &Model<'_>| x.tensors.keys().filter(|k| !y.tensors.contains_key(*k)).count();
    let mut found = decide(a, b, &mut pairs, moved, used.len() < of_a.len());
    found.alone = (shared(a, b), shared(b, a));
    found.compared = pairs.len();
    found.layers = (a.layers(), b.layers());
    found.classes = sums(&pairs);
    found.proofs = proofs(a, b, &pairs);
    let ((read_a, total_a), (read_b, total_b)) = (a.bytes(), b.bytes());
    found.bytes_read = (read_a, read_b);
    found.bytes_total = (total_a, total_b);
    found
}

fn vocabulary(class: Class) -> bool {
    matches!(class, Class::Embedding | Class::Head)
}

/// Kinds that both models have in the same shape (a vocabulary may be longer), and where they are sampled.
fn kinds(a: &Model<'_>, b: &Model<'_>) -> BTreeMap<String, Kind> {
    fn first<'m>(m: &'m Model<'_>) -> BTreeMap<String, (&'m Tensor, u64, usize, bool)> {
        let mut out: BTreeMap<String, (&Tensor, u64, usize, bool)> = BTreeMap::new();
        for (key, t) in &m.tensors {
            let block = t.storage.block().0;
            let e = out.entry(key.kind.clone()).or_insert((t, block, 0, false));
            e.1 = e.1.max(block);
            e.2 += usize::from(key.layer.is_none_or(|l| l < LAYERS_MAX));
            e.3 |= t.is_across();
        }
        out
    }
    let (of_a, of_b) = (first(a), first(b));
    let mut all: Vec<(String, Kind, usize)> = Vec::new();
    for (kind, (ta, block_a, n, across_a)) in of_a {
        let Some((tb, block_b, _, across_b)) = of_b.get(&kind) else { continue };
        let same = ta.columns == tb.columns && (ta.rows == tb.rows || vocabulary(ta.class)) && ta.class == tb.class;
        let rows = ta.rows.min(tb.rows);
        let pieces = plan(&kind, ta.class, rows, ta.columns, block_a.max(*block_b), across_a || *across_b);
        if !same || pieces.is_empty() {
            continue;
        }
        let gguf = if a.form == Form::Gguf { a } else { b };
        let heads = match kind.as_str() {
            "attn_q.weight" | "attn_q.bias" => gguf.heads,
            "attn_k.weight" | "attn_k.bias" => gguf.kv_heads.or(gguf.heads),
            _ => None,
        };
        all.push((kind, Kind { class: ta.class, rows, columns: ta.columns, heads, pieces }, n));
    }
    // experts last: a layer has hundreds
    all.sort_by_key(|(kind, k, _)| (kind.contains("expert"), k.class, kind.clone()));
    let mut left = TENSORS_MAX;
    let mut out = BTreeMap::new();
    for (kind, k, n) in all {
        if n <= left || out.len() < KINDS_MIN {
            left = left.saturating_sub(n);
            out.insert(kind, k);
        }
    }
    out
}

/// Where one model is GGUF and the other not, queries and keys may be interleaved in one: B's samples are taken from the
/// rows where A's numbers would then lie, if they are closer there.
fn turn_heads(
    b: &Model<'_>,
    kinds: &BTreeMap<String, Kind>,
    of_a: &BTreeMap<Key, (Vec<Piece>, Numbers)>,
    of_b: &mut BTreeMap<Key, (Vec<Piece>, Numbers)>,
) {
    for (name, kind) in kinds {
        let Some(heads) = kind.heads.filter(|_| kind.rows > 1) else { continue };
        let turned = |row: u64| {
            if b.form == Form::Gguf {
                return interleaved(row, kind.rows, heads);
            }
            // the other way round
            let per_head = kind.rows.checked_div(heads)?;
            let first = row.checked_div(per_head)?.checked_mul(per_head)?;
            (first..first.checked_add(per_head.min(4096))?).find(|r| interleaved(*r, kind.rows, heads) == Some(row))
        };
        let pieces: Option<Vec<Piece>> = kind.pieces.iter().map(|(r, c, n)| Some((turned(*r)?, *c, *n))).collect();
        let Some(pieces) = pieces else { continue };
        for (key, sample) in of_b.iter_mut().filter(|(k, _)| k.kind == *name) {
            let (Some(tb), Some((_, numbers_a))) = (b.tensors.get(key), of_a.get(key)) else { continue };
            let Some(numbers) = read(b, tb, &pieces) else { continue };
            let cosine = |x: &Numbers| measure(numbers_a, x, (true, true)).cosine();
            if cosine(&numbers) > cosine(&sample.1) {
                *sample = (pieces.clone(), numbers);
            }
        }
    }
}

/// For each layer of B the layer of A that it is closest to, where one is close at all: layers are cut out, doubled and
/// stacked.
fn align(
    of_a: &BTreeMap<Key, (Vec<Piece>, Numbers)>,
    of_b: &BTreeMap<Key, (Vec<Piece>, Numbers)>,
    kinds: &BTreeMap<String, Kind>,
) -> BTreeMap<u32, u32> {
    let per_kind = SIGNATURE
        / kinds.iter().filter(|(n, k)| k.class == Class::Projection && !n.contains('/')).count().clamp(1, SIGNATURE);
    let signatures = |of: &BTreeMap<Key, (Vec<Piece>, Numbers)>| {
        let mut out: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
        for (key, (_, numbers)) in of {
            let Some(layer) = key.layer.filter(|_| !key.kind.contains('/')) else { continue };
            if kinds.get(&key.kind).is_some_and(|k| k.class == Class::Projection) {
                let line = out.entry(layer).or_default();
                if line.len() < SIGNATURE {
                    line.extend(numbers.values.iter().take(per_kind.max(32)));
                }
            }
        }
        out
    };
    let (sa, sb) = (signatures(of_a), signatures(of_b));
    let cosine = |x: &[f32], y: &[f32]| {
        if x.len() != y.len() {
            return 0.0;
        }
        let (mut ab, mut aa, mut bb) = (0f32, 0f32, 0f32);
        for (x, y) in x.iter().zip(y) {
            ab += x * y;
            aa += x * x;
            bb += y * y;
        }
        if aa > 0.0 && bb > 0.0 { f64::from(ab) / (f64::from(aa) * f64::from(bb)).sqrt() } else { 0.0 }
    };
    sb.iter()
        .map(|(i, y)| {
            let own = sa.get(i).map_or(0.0, |x| cosine(x, y));
            if own > 0.9 {
                return (*i, *i);
            }
            let best = sa.iter().map(|(j, x)| (cosine(x, y), *j)).max_by(|p, q| p.0.total_cmp(&q.0));
            // a neighbor must be much closer than the layer of the same number
            best.filter(|(c, _)| *c > AKIN && *c > own + 0.1).map_or((*i, *i), |(_, j)| (*i, j))
        })
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The value that a tenth lie above.
fn upper(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_mul(9) / 10).or(values.last()).copied().unwrap_or(0.0)
}

fn decide(a: &Model<'_>, b: &Model<'_>, pairs: &mut [Pair<'_>], moved: usize, dropped: bool) -> Kinship {
    let mut reasons = Vec::new();
    let speaking: Vec<&Pair<'_>> = pairs.iter().filter(|p| p.speaks()).collect();
    let matrices: Vec<&&Pair<'_>> = speaking.iter().filter(|p| p.is_matrix()).collect();
    let cosines: Vec<f64> = matrices.iter().map(|p| p.m.cosine()).collect();
    let numbers: u64 = matrices.iter().map(|p| p.m.n).sum();
    let norms: Vec<&&Pair<'_>> = speaking.iter().filter(|p| p.a.class == Class::Norm && p.m.distinct >= 16).collect();
    let equal_norms = norms.iter().filter(|p| p.m.fits == p.m.n).count();
    let median_cosine = median(cosines.clone());
    let mut close = upper(cosines.clone()).max(0.0);
    if median_cosine < AKIN && close >= AKIN {
        // a transform that the architecture fixes stands outside of the layers, and is equal in strangers
        let inside = matrices.iter().filter(|p| p.layered || vocabulary(p.a.class)).map(|p| p.m.cosine());
        close = upper(inside.collect()).max(median_cosine).max(0.0);
        let outside = |p: &&&&Pair<'_>| !p.layered && !vocabulary(p.a.class) && p.m.cosine() >= AKIN;
        if let Some(p) = matrices.iter().find(outside).filter(|_| close < AKIN) {
            reasons.push(format!("`{}` is alike, but outside of the layers a program may fix it", p.a.name));
        }
    }
    for p in matrices.iter().filter(|p| vocabulary(p.a.class)) {
        if p.m.cosine() > close.max(0.5) {
            close = p.m.cosine();
            if median_cosine < AKIN {
                reasons.push(format!("`{}` is shared, the matrices do not lie in the same places", p.a.name));
            }
        }
    }
    if norms.len() >= 2 && equal_norms * 2 >= norms.len() && close < 0.9 {
        close = 1.0;
        reasons.push(format!(
            "{equal_norms} of {} learned norms are equal, the matrices do not match in place",
            norms.len()
        ));
    }
    if close < AKIN && numbers >= NUMBERS_MIN {
        let (same, tested) = sorted_norms(a, b, &norms);
        if tested >= 2 && same * 3 >= tested * 2 {
            close = 1.0;
            reasons.push(format!(
                "{same} of {tested} norms have the same values in another order: channels were rearranged"
            ));
        }
    }
    let score = 1.0 / (1.0 + ((LOGISTIC.0 - close) / LOGISTIC.1).exp());
    let relation = if numbers < NUMBERS_MIN {
        reasons.push(nothing_shared(a, b, numbers));
        Relation::CannotTell
    } else if score < SURE.0 {
        reasons.push(format!("{} matrices of the same name and shape are no closer than chance", matrices.len()));
        Relation::Unrelated
    } else if score < SURE.1 {
        reasons.push("closer than chance and further than any kin that was tried".into());
        Relation::CannotTell
    } else {
        kin(a, b, pairs, moved, dropped, &mut reasons)
    };
    let score = if numbers < NUMBERS_MIN { 0.5 } else { score };
    Kinship {
        relation,
        score,
        closeness: close,
        reasons,
        classes: Vec::new(),
        proofs: Vec::new(),
        compared: 0,
        alone: (0, 0),
        layers: (0, 0),
        bytes_read: (0, 0),
        bytes_total: (0, 0),
    }
}

fn nothing_shared(a: &Model<'_>, b: &Model<'_>, numbers: u64) -> String {
    if a.tensors() == 0 || b.tensors() == 0 {
        match unread(a, b) {
            None => "no tensor whose numbers can be read".into(),
            Some(names) => format!("no tensor whose numbers can be read: {names}"),
        }
    } else if numbers == 0 {
        match unread(a, b) {
            None => "no matrix of the same name and shape in both".into(),
            Some(names) => format!("no matrix of the same name and shape in both; not read: {names}"),
        }
    } else {
        format!("only {numbers} numbers of matrices to compare")
    }
}

/// What neither's numbers are read of, by name.
fn unread(a: &Model<'_>, b: &Model<'_>) -> Option<String> {
    let names: BTreeSet<&str> = a.unread.keys().chain(b.unread.keys()).map(String::as_str).collect();
    let some: Vec<&str> = names.into_iter().take(8).collect();
    (!some.is_empty()).then(|| some.join(", "))
}

/// Which kin.
fn kin(
    a: &Model<'_>,
    b: &Model<'_>,
    pairs: &mut [Pair<'_>],
    moved: usize,
    dropped: bool,
    reasons: &mut Vec<String>,
) -> Relation {
    let mut total = Measure::default();
    pairs.iter().filter(|p| p.speaks()).for_each(|p| total.add(&p.m));
    let layers = (a.layers(), b.layers());
    let whole = moved == 0 && !dropped && layers.0 == layers.1;
    if moved > 0 {
        reasons
            .push(format!("{moved} of {} layers stand elsewhere: layers were cut out, doubled or stacked", layers.1));
    } else if layers.0 != layers.1 {
        reasons.push(format!("one has {} layers, the other {}", layers.0, layers.1));
    }
    let rows = |p: &Pair<'_>| vocabulary(p.a.class) && p.a.rows != p.b.rows;
    if let Some(p) = pairs.iter().find(|p| rows(p)) {
        reasons.push(format!("the vocabularies have {} and {} rows; those of both were compared", p.a.rows, p.b.rows));
    }
    let longer = pairs.iter().any(rows);
    let all_fit = |class: &dyn Fn(&Pair<'_>) -> bool, share: f64| {
        let mut m = Measure::default();
        pairs.iter().filter(|p| p.speaks() && class(p)).for_each(|p| m.add(&p.m));
        m.n == 0 || m.share(m.fits) >= share
    };
    let projections = |p: &Pair<'_>| p.a.class == Class::Projection;
    let read_all = pairs.iter().any(|p| p.a.class == Class::Projection);
    if whole && !longer && read_all {
        if total.equal == total.n {
            return Relation::Same;
        }
        let rounded = pairs.iter().any(|p| p.a.storage != p.b.storage);
        let each = pairs.iter().filter(|p| p.speaks()).all(|p| p.m.share(p.m.fits) >= 0.98);
        let exact = all_fit(&|p| !projections(p) && !vocabulary(p.a.class), 1.0);
        if exact && each && all_fit(&projections, SAME_SHARE) && all_fit(&|p| vocabulary(p.a.class), SAME_SHARE) {
            let how = if rounded { "to another storage" } else { "to another precision" };
            reasons.push(format!("every difference is one that rounding {how} explains"));
            if pairs.iter().any(|p| p.a.is_corrected() || p.b.is_corrected()) {
                reasons.push(
                    "GPTQ moves numbers further than rounding does: a training that left norms and vocabulary alone may hide in that".into(),
                );
            }
            return Relation::SameRounded;
        }
    }
    if !read_all {
        let what = unread(a, b).map_or("of other names or shapes".into(), |names| format!("not read ({names})"));
        reasons.push(format!("the layers' matrices are {what}: an adapter or a training of them would not be seen"));
    }
    let still = all_fit(&|p| !projections(p), 1.0);
    if still && whole && !longer && read_all {
        let ranks = ranks(a, b, pairs);
        let low: Vec<u32> = ranks.iter().filter_map(|r| if let Rank::Low(n) = r { Some(*n) } else { None }).collect();
        let full = ranks.iter().filter(|r| **r == Rank::Full).count();
        if let Some(most) = low.iter().max().filter(|_| full == 0) {
            reasons.push(format!(
                "norms and vocabulary are equal; the difference of {} of {} matrices that were looked into has a rank of {most} or less",
                low.len(),
                ranks.len()
            ));
            return Relation::AdapterMerged;
        }
        if ranks.is_empty() {
            reasons.push("norms and vocabulary are equal, matrices differ, and at least one side is quantized: an adapter may have been merged".into());
        }
    } else if still && read_all && !longer {
        reasons.push("what both have of norms and vocabulary is equal".into());
    }
    let share = total.share(total.equal);
    reasons.push(match share {
        s if s < 0.0005 => "next to no sampled number is equal, all together are close".into(),
        s => format!("{:.1} % of the sampled numbers are equal, all together are close", s * 100.0),
    });
    Relation::Derived
}

/// The rank of the difference of the matrices that differ most, where both are floats.
fn ranks(a: &Model<'_>, b: &Model<'_>, pairs: &mut [Pair<'_>]) -> Vec<Rank> {
    let floats = |p: &Pair<'_>| p.a.storage.is_float() && p.b.storage.is_float();
    let mut chosen: Vec<usize> = (0..pairs.len())
        .filter(|i| pairs.get(*i).is_some_and(|p| p.a.class == Class::Projection && floats(p) && p.m.equal < p.m.n))
        .collect();
    let difference = |i: &usize| pairs.get(*i).map_or(0.0, |p| p.m.relative());
    chosen.sort_by(|i, j| difference(j).total_cmp(&difference(i)));
    chosen.truncate(RANK_TENSORS);
    let mut out = Vec::new();
    for i in chosen {
        let Some(p) = pairs.get_mut(i) else { continue };
        // a form that interleaves heads would mix the rows, which no rank minds, but not the two sides alike
        let turned = p.pieces_a != p.pieces_b;
        if let Some(r) = rank_of(a, b, p).filter(|_| !turned) {
            p.rank = Some(r);
            out.push(r);
        }
    }
    out
}

fn rank_of(a: &Model<'_>, b: &Model<'_>, p: &Pair<'_>) -> Option<Rank> {
    let (rows, columns) = (p.a.rows.min(RANK_SIDE), p.a.columns.min(RANK_SIDE));
    let stride = (p.a.rows / rows).max(1);
    let pieces: Vec<Piece> = (0..rows).map(|i| (i * stride, 0, columns)).collect();
    let (x, y) = (read(a, p.a, &pieces)?, read(b, p.b, &pieces)?);
    let difference: Vec<f64> = x.values.iter().zip(&y.values).map(|(x, y)| f64::from(*x) - f64::from(*y)).collect();
    let relative = |values: &[f32]| f64::from(f32::from_bits((127 - u32::from(precision(values))) << 23));
    // a rounding lies anywhere in a step, and a number's step is shorter than its leading bit allows: a seventh, with room
    let energy = |n: &Numbers| {
        let half = relative(&n.values);
        n.values.iter().map(|v| (f64::from(*v) * half).powi(2)).sum::<f64>() / 5.0
    };
    let rounding = energy(&x).max(energy(&y));
    let (r, c) = (usize::try_from(rows).ok()?, usize::try_from(columns).ok()?);
    Some(rank(&spectrum(&difference, r, c), rounding))
}

/// Norms that have the same values in another order, and how many were tried.
fn sorted_norms(a: &Model<'_>, b: &Model<'_>, norms: &[&&Pair<'_>]) -> (usize, usize) {
    let stride = (norms.len() / SORTED_NORMS).max(1);
    let (mut same, mut tested) = (0, 0);
    for p in norms.iter().step_by(stride).filter(|p| p.a.columns >= 64 && p.a.columns <= SORTED_MAX) {
        let piece = [(0, 0, p.a.columns)];
        let (Some(x), Some(y)) = (read(a, p.a, &piece), read(b, p.b, &piece)) else { continue };
        let sorted = |n: Numbers| {
            let mut order: Vec<f32> = n.values;
            order.sort_by(f32::total_cmp);
            let half = vec![0.0; order.len()];
            Numbers { values: order, half }
        };
        let m = measure(&sorted(x), &sorted(y), (true, true));
        tested += 1;
        same += usize::from(m.share(m.fits) >= 0.999);
    }
    (same, tested)
}

fn sums(pairs: &[Pair<'_>]) -> Vec<ClassSum> {
    let of = |class: Class| {
        let pairs: Vec<&Pair<'_>> = pairs.iter().filter(|p| p.a.class == class && p.speaks()).collect();
        let mut m = Measure::default();
        pairs.iter().for_each(|p| m.add(&p.m));
        (!pairs.is_empty()).then(|| ClassSum {
            class,
            tensors: pairs.len(),
            equal: pairs.iter().filter(|p| p.m.equal == p.m.n).count(),
            fits: pairs.iter().filter(|p| p.m.fits == p.m.n).count(),
            cosine: median(pairs.iter().map(|p| p.m.cosine()).collect()),
            difference: m.relative(),
        })
    };
    Class::ALL.into_iter().filter_map(of).collect()
}

/// The vocabulary, then norms and matrices from all depths, those whose rank was measured first.
fn proofs(a: &Model<'_>, b: &Model<'_>, pairs: &[Pair<'_>]) -> Vec<Proof> {
    let speaking: Vec<&Pair<'_>> = pairs.iter().filter(|p| p.speaks()).collect();
    let mut chosen: Vec<&Pair<'_>> = speaking.iter().copied().filter(|p| vocabulary(p.a.class)).take(2).collect();
    chosen.extend(speaking.iter().copied().filter(|p| p.rank.is_some()).take(3));
    let rest = PROOFS.saturating_sub(chosen.len());
    let spread = |class: Class, n: usize| {
        let all: Vec<&Pair<'_>> = speaking.iter().copied().filter(|p| p.a.class == class && p.rank.is_none()).collect();
        let stride = (all.len() / n.max(1)).max(1);
        all.into_iter().step_by(stride).take(n).collect::<Vec<_>>()
    };
    chosen.extend(spread(Class::Norm, rest / 2));
    chosen.extend(spread(Class::Projection, PROOFS.saturating_sub(chosen.len())));
    let range = |t: &Tensor, pieces: &[Piece]| {
        let places = pieces.iter().filter_map(|(r, c, n)| Model::place(t, *r, *c, *n));
        places.reduce(|p, q| (p.0.min(q.0), p.1.max(q.1))).unwrap_or_default()
    };
    chosen
        .into_iter()
        .map(|p| Proof {
            class: p.a.class,
            a: (a.file(p.a).to_owned(), p.a.name.clone()),
            b: (b.file(p.b).to_owned(), p.b.name.clone()),
            bytes_a: range(p.a, &p.pieces_a),
            bytes_b: range(p.b, &p.pieces_b),
            numbers: p.m.n,
            equal: p.m.share(p.m.equal),
            fits: p.m.share(p.m.fits),
            cosine: p.m.cosine(),
            difference: p.m.relative(),
            rank: if let Some(Rank::Low(n)) = p.rank { Some(n) } else { None },
        })
        .collect()
}
