//! `freehold.kinship/1`: what two models' weights say of their kinship. A finding for a person; no verdict is made of it.

use freehold_kin::{ClassSum, Kinship, Proof};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Diagnostic;

/// What `kin --format json` prints.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KinshipReport {
    /// `freehold.kinship/1`.
    pub schema: String,
    /// same, same-quantized, adapter-merged, fine-tuned-or-merged, unrelated, cannot-tell. Which of the two came first
    /// no weights tell.
    pub relation: String,
    /// How likely one stems from the other, or both from a third: 0 to 1.
    pub score: f64,
    /// What the score is made of: the cosine that a tenth of the matrices reach, 1 where other signs prove kinship.
    pub closeness: f64,
    /// What it was found by.
    pub reasons: Vec<String>,
    /// The first model.
    pub a: KinModel,
    /// The second.
    pub b: KinModel,
    /// Pairs of tensors that were compared.
    pub compared: usize,
    /// The classes of tensors.
    pub classes: Vec<KinClass>,
    /// Tensors that show it, a dozen at most.
    pub proofs: Vec<KinTensor>,
    /// Where both are folders of parts (diffusers), and else empty: each part that both have, the largest first; what stands above is
    /// said of that one.
    pub parts: Vec<KinPart>,
    /// Files that could not be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// A part of a model in a subfolder of its own.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KinPart {
    /// The subfolder.
    pub name: String,
    /// As for the whole.
    pub relation: String,
    /// As for the whole.
    pub score: f64,
    /// As for the whole.
    pub closeness: f64,
    /// What it was found by.
    pub reasons: Vec<String>,
    /// Pairs of tensors that were compared.
    pub compared: usize,
}

/// One of the two models.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KinModel {
    /// The path as it was given.
    pub name: String,
    /// Its layers.
    pub layers: u32,
    /// Tensors without a partner.
    pub alone: usize,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Bytes of its weights.
    pub bytes_total: u64,
}

/// The tensors of one class.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KinClass {
    /// norm, embedding, head, projection, other.
    pub class: String,
    /// Pairs compared, those of one constant left out.
    pub tensors: usize,
    /// Pairs whose sampled numbers are all equal.
    pub equal: usize,
    /// Pairs whose sampled numbers may all be roundings of the same.
    pub fits: usize,
    /// Median of their cosines.
    pub cosine: f64,
    /// Norm of the difference over the norm of the first.
    pub difference: f64,
}

/// A pair of tensors.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KinTensor {
    /// Its class.
    pub class: String,
    /// Where it stands in the first model.
    pub a: KinPlace,
    /// Where it stands in the second.
    pub b: KinPlace,
    /// Numbers compared.
    pub numbers: u64,
    /// Share that is equal.
    pub equal: f64,
    /// Share that may be roundings of the same.
    pub fits: f64,
    /// Cosine of the samples.
    pub cosine: f64,
    /// Norm of the difference over the norm of the first.
    pub difference: f64,
    /// Rank of the difference, where it was measured and is low.
    pub rank: Option<u32>,
}

/// A place of a file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KinPlace {
    /// The file.
    pub file: String,
    /// The tensor's name in it.
    pub tensor: String,
    /// Bytes between which the sample lies, from and to.
    pub range: [u64; 2],
}

/// Six digits behind the point are enough for anybody.
fn short(v: f64) -> f64 {
    (v * 1e6).round() / 1e6
}

impl KinshipReport {
    /// The report over two models by their names, and over their parts by theirs.
    pub fn new(
        a: &str,
        b: &str,
        k: &Kinship,
        parts: &[(String, Kinship)],
        diagnostics: &[freehold_base::Diagnostic],
    ) -> KinshipReport {
        let model = |name: &str, layers, alone, bytes_read, bytes_total| KinModel {
            name: name.to_owned(),
            layers,
            alone,
            bytes_read,
            bytes_total,
        };
        KinshipReport {
            schema: "freehold.kinship/1".into(),
            relation: k.relation.as_str().into(),
            score: short(k.score),
            closeness: short(k.closeness),
            reasons: k.reasons.clone(),
            a: model(a, k.layers.0, k.alone.0, k.bytes_read.0, k.bytes_total.0),
            b: model(b, k.layers.1, k.alone.1, k.bytes_read.1, k.bytes_total.1),
            compared: k.compared,
            classes: k.classes.iter().map(class).collect(),
            proofs: k.proofs.iter().map(tensor).collect(),
            parts: parts.iter().map(part).collect(),
            diagnostics: diagnostics.iter().map(crate::convert::diagnostic).collect(),
        }
    }
}

fn part((name, k): &(String, Kinship)) -> KinPart {
    KinPart {
        name: name.clone(),
        relation: k.relation.as_str().into(),
        score: short(k.score),
        closeness: short(k.closeness),
        reasons: k.reasons.clone(),
        compared: k.compared,
    }
}

fn class(c: &ClassSum) -> KinClass {
    KinClass {
        class: c.class.as_str().into(),
        tensors: c.tensors,
        equal: c.equal,
        fits: c.fits,
        cosine: short(c.cosine),
        difference: short(c.difference),
    }
}

fn tensor(p: &Proof) -> KinTensor {
    let place = |(file, tensor): &(String, String), range: (u64, u64)| KinPlace {
        file: file.clone(),
        tensor: tensor.clone(),
        range: [range.0, range.1],
    };
    KinTensor {
        class: p.class.as_str().into(),
        a: place(&p.a, p.bytes_a),
        b: place(&p.b, p.bytes_b),
        numbers: p.numbers,
        equal: short(p.equal),
        fits: short(p.fits),
        cosine: short(p.cosine),
        difference: short(p.difference),
        rank: p.rank,
    }
}

/// The JSON Schema of `freehold.kinship/1`.
pub fn kinship_schema() -> serde_json::Value {
    schemars::schema_for!(KinshipReport).to_value()
}
