//! Low-rank adapters, in memory and in the folder that PEFT writes and reads.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::random::{Random, seed_of};
use crate::weights::map_file;

/// One pair of matrices beside a frozen one: `y += scale * (x A^T) B^T`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The module that it stands beside: `model.layers.0.self_attn.q_proj`.
    pub module: String,
    /// Rows of A, columns of B.
    pub rank: usize,
    /// Inputs.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
    /// `alpha / rank`, or `alpha / sqrt(rank)`.
    pub scale: f32,
    /// `rank` rows of `inputs`.
    pub a: Vec<f32>,
    /// `outputs` rows of `rank`.
    pub b: Vec<f32>,
}

/// An adapter: its pairs in the order of their modules in the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Adapter {
    /// What was asked for.
    pub shape: Shape,
    /// One a target module.
    pub pairs: Vec<Pair>,
}

/// What an adapter is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Rank of each pair.
    pub rank: usize,
    /// Numerator of the scale.
    pub alpha: f32,
    /// Whether the scale is `alpha / sqrt(rank)`.
    pub rslora: bool,
    /// Of the inputs of A, while training.
    pub dropout: f32,
    /// Last parts of module names.
    pub targets: Vec<String>,
}

impl Shape {
    /// The factor of every pair.
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f32;
        self.alpha / if self.rslora { rank.sqrt() } else { rank }
    }
}

/// The gradient of an adapter, pair by pair: that of A and that of B.
pub type Gradients = Vec<(Vec<f32>, Vec<f32>)>;

impl Adapter {
    /// A new one for `modules` (name, inputs, outputs): A drawn as PEFT draws it (Kaiming, uniform), B zero.
    pub fn new(shape: Shape, modules: &[(String, usize, usize)], seed: u64) -> Self {
        let wanted = modules.iter().filter(|(name, ..)| shape.targets.iter().any(|t| last_part(name) == t));
        let pairs = wanted
            .map(|(module, inputs, outputs)| {
                let mut random = Random(seed ^ seed_of(module));
                let bound = 1.0 / (*inputs as f32).sqrt();
                Pair {
                    module: module.clone(),
                    rank: shape.rank,
                    inputs: *inputs,
                    outputs: *outputs,
                    scale: shape.scale(),
                    a: (0..shape.rank * inputs).map(|_| (random.unit() * 2.0 - 1.0) * bound).collect(),
                    b: vec![0.0; outputs * shape.rank],
                }
            })
            .collect();
        Self { shape, pairs }
    }

    /// Zeros of its shape.
    pub fn gradients(&self) -> Gradients {
        self.pairs.iter().map(|p| (vec![0.0; p.a.len()], vec![0.0; p.b.len()])).collect()
    }

    /// Numbers that are trained.
    pub fn parameters(&self) -> u64 {
        self.pairs.iter().map(|p| (p.a.len() + p.b.len()) as u64).sum()
    }

    /// The tensors as PEFT names them.
    pub fn tensors(&self) -> Vec<(String, [usize; 2], &[f32])> {
        let both = self.pairs.iter().flat_map(|p| {
            let name = |side| format!("base_model.model.{}.lora_{side}.weight", p.module);
            [(name("A"), [p.rank, p.inputs], &p.a[..]), (name("B"), [p.outputs, p.rank], &p.b[..])]
        });
        both.collect()
    }

    /// `adapter_config.json` as PEFT writes it.
    pub fn config(&self, base: &str) -> Value {
        serde_json::json!({
            "alpha_pattern": {},
            "auto_mapping": null,
            "base_model_name_or_path": base,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "layers_pattern": null,
            "layers_to_transform": null,
            "lora_alpha": if self.shape.alpha.fract() == 0.0 { Value::from(self.shape.alpha as i64) } else { Value::from(self.shape.alpha) },
            "lora_dropout": self.shape.dropout,
            "modules_to_save": null,
            "peft_type": "LORA",
            "r": self.shape.rank,
            "rank_pattern": {},
            "revision": null,
            "target_modules": self.shape.targets,
            "task_type": "CAUSAL_LM",
            "use_dora": false,
            "use_rslora": self.shape.rslora,
        })
    }

    /// Reads the folder that PEFT writes, for a model whose modules are `modules`.
    ///
    /// # Errors
    /// Everything in its config that is not understood, and every tensor that does not fit.
    pub fn read(folder: &Path, modules: &[(String, usize, usize)]) -> Result<Self, Vec<String>> {
        let text = std::fs::read(folder.join("adapter_config.json"))
            .map_err(|e| vec![format!("adapter_config.json: {}", e.kind())])?;
        let (shape, patterns) = shape(&text)?;
        let tensors = map_file(&folder.join("adapter_model.safetensors")).map_err(|e| vec![e])?;
        let mut wrong = Vec::new();
        let mut used = BTreeMap::new();
        let mut pairs = Vec::new();
        for (module, inputs, outputs) in modules {
            let name = |side: &str| format!("base_model.model.{module}.lora_{side}.weight");
            let (Some(a), Some(b)) = (tensors.get(&name("A")), tensors.get(&name("B"))) else { continue };
            used.insert(name("A"), ());
            used.insert(name("B"), ());
            let ((rank, width), (height, rank_b)) = (a.sides(), b.sides());
            if width != *inputs || height != *outputs || rank != rank_b {
                wrong.push(format!("{module}: A is {rank}x{width} and B {height}x{rank_b} beside {outputs}x{inputs}"));
                continue;
            }
            let wanted = patterns.rank(module).unwrap_or(shape.rank);
            if rank != wanted {
                wrong.push(format!("{module}: A has {rank} rows where adapter_config.json says {wanted}"));
            }
            let alpha = patterns.alpha(module).unwrap_or(shape.alpha);
            let scale = Shape { rank, alpha, ..shape.clone() }.scale();
            let (a, b) = (a.all(), b.all());
            pairs.push(Pair { module: module.clone(), rank, inputs: *inputs, outputs: *outputs, scale, a, b });
        }
        for name in tensors.keys().filter(|n| !used.contains_key(*n)) {
            wrong.push(format!("adapter_model.safetensors: `{name}` belongs to no linear layer of this model"));
        }
        if pairs.is_empty() && wrong.is_empty() {
            wrong.push("adapter_model.safetensors: no pair of matrices".into());
        }
        if wrong.is_empty() { Ok(Self { shape, pairs }) } else { Err(wrong) }
    }
}

/// The last part of a module's name.
pub fn last_part(module: &str) -> &str {
    module.rsplit('.').next().unwrap_or(module)
}

/// `rank_pattern` and `alpha_pattern`: names to numbers.
pub(crate) struct Patterns {
    ranks: Map<String, Value>,
    alphas: Map<String, Value>,
}

impl Patterns {
    /// A pattern's key is the end of a module's name, after a dot or whole.
    fn of<'a>(map: &'a Map<String, Value>, module: &str) -> Option<&'a Value> {
        map.iter()
            .find(|(key, _)| module == *key || module.strip_suffix(key.as_str()).is_some_and(|r| r.ends_with('.')))
            .map(|(_, v)| v)
    }

    fn rank(&self, module: &str) -> Option<usize> {
        Self::of(&self.ranks, module)?.as_u64().and_then(|n| usize::try_from(n).ok())
    }

    fn alpha(&self, module: &str) -> Option<f32> {
        Self::of(&self.alphas, module)?.as_f64().map(|n| n as f32)
    }
}

/// Keys of `adapter_config.json` that say who made it, or how it began.
const INERT: &[&str] = &[
    "auto_mapping",
    "base_model_name_or_path",
    "inference_mode",
    "init_lora_weights",
    "peft_type",
    "revision",
    "task_type",
    "peft_version",
    "loftq_config",
    "eva_config",
    "corda_config",
    "megatron_core",
    "unsloth_fixed",
    "lora_ga_config",
    "runtime_config",
    "layers_pattern",
    "ensure_weight_tying",
];

pub(crate) fn shape(text: &[u8]) -> Result<(Shape, Patterns), Vec<String>> {
    let value: Value = serde_json::from_slice(text).map_err(|e| vec![format!("adapter_config.json: {e}")])?;
    let Value::Object(map) = value else { return Err(vec!["adapter_config.json: not a JSON object".into()]) };
    let mut wrong = Vec::new();
    if map.get("peft_type").and_then(Value::as_str) != Some("LORA") {
        wrong.push("`peft_type` is not LORA".into());
    }
    let rank =
        map.get("r").and_then(Value::as_u64).filter(|r| (1..=65_536).contains(r)).and_then(|r| usize::try_from(r).ok());
    let alpha = map.get("lora_alpha").and_then(Value::as_f64).filter(|a| a.is_finite()).map(|a| a as f32);
    if rank.is_none() {
        wrong.push("`r` is missing, or not a whole number from 1 to 65,536".into());
    }
    if alpha.is_none() {
        wrong.push("`lora_alpha` is missing, or not a number".into());
    }
    let targets = match map.get("target_modules") {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => vec![],
    };
    let object = |key: &str| map.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in &map {
        let empty = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(all) => all.is_empty(),
            Value::Object(all) => all.is_empty(),
            _ => false,
        };
        let known = match key.as_str() {
            "r" | "lora_alpha" | "lora_dropout" | "target_modules" | "use_rslora" | "rank_pattern"
            | "alpha_pattern" => true,
            "bias" => value == "none",
            "megatron_config" | "qalora_group_size" | "arrow_config" => true,
            key => INERT.contains(&key),
        };
        if !known && !empty {
            wrong.push(format!("`{key}` is a feature of adapters that the studio does not know (its value: {value})"));
        }
    }
    let said = |what: String| format!("adapter_config.json: {what}");
    match (rank, alpha) {
        (Some(rank), Some(alpha)) if wrong.is_empty() => {
            let dropout = map.get("lora_dropout").and_then(Value::as_f64).unwrap_or(0.0) as f32;
            let rslora = map.get("use_rslora").and_then(Value::as_bool).unwrap_or(false);
            let patterns = Patterns { ranks: object("rank_pattern"), alphas: object("alpha_pattern") };
            Ok((Shape { rank, alpha, rslora, dropout, targets }, patterns))
        }
        _ => Err(wrong.into_iter().map(said).collect()),
    }
}
