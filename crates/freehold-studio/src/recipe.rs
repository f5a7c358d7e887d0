//! The studio's part of a recipe: how to train, and what to write. What concerns the law is read by `freehold tune`.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::export::Format;
use crate::optimizer::Schedule;

/// Longest recipe that is read, in bytes.
const RECIPE_BYTES_MAX: u64 = 1 << 20;

/// `[base]`, as far as the studio needs it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Base {
    /// The folder, relative to the recipe.
    pub path: PathBuf,
    /// Its id on a hub.
    #[serde(default)]
    pub model: Option<String>,
}

/// One `[[dataset]]`, likewise.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Dataset {
    /// The file, relative to the recipe.
    pub path: PathBuf,
    /// Its name in the record.
    #[serde(default)]
    pub name: Option<String>,
}

/// `[adapter]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lora {
    /// Of each pair.
    pub rank: usize,
    /// Numerator of the scale.
    pub alpha: f32,
    /// Whether the scale is `alpha / sqrt(rank)`.
    pub rslora: bool,
    /// Of the inputs of A, while training.
    pub dropout: f32,
    /// Last parts of the modules' names; empty = every linear layer.
    pub targets: Vec<String>,
    /// A folder of PEFT's to go on from.
    pub from: Option<PathBuf>,
}

impl Default for Lora {
    fn default() -> Self {
        Self { rank: 16, alpha: 32.0, rslora: false, dropout: 0.0, targets: vec![], from: None }
    }
}

/// What becomes of rows that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BadRows {
    /// They are listed and nothing is trained.
    Stop,
    /// They are listed and left out.
    Skip,
}

/// `[data]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// Tokens of a row at most; longer ones are cut, and told.
    pub sequence_length: usize,
    /// Whether a batch is filled up to its tokens, rather than its rows.
    pub packing: bool,
    /// `chatml`, `alpaca` or a file with a template, in place of the base's own.
    pub template: Option<String>,
    /// What becomes of rows that cannot be read.
    pub bad_rows: BadRows,
    /// The share of rows that is held back to evaluate on.
    pub evaluation: f32,
    /// Whether a row that is there again is left out.
    pub deduplicate: bool,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            sequence_length: 1024,
            packing: true,
            template: None,
            bad_rows: BadRows::Stop,
            evaluation: 0.0,
            deduplicate: false,
        }
    }
}

/// Whether layers are computed again on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Recompute {
    /// Where memory asks for it.
    Auto,
    /// Always: least memory.
    Yes,
    /// Never: least time.
    No,
}

/// `[training]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Times through the data.
    pub epochs: f64,
    /// Steps, in place of epochs.
    pub steps: Option<u64>,
    /// Rows of a batch; with packing, its tokens are this times `sequence_length`.
    pub batch: usize,
    /// Batches of a step.
    pub accumulate: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// How it falls.
    pub schedule: Schedule,
    /// The share of steps in which it rises.
    pub warmup: f64,
    /// Taken off every weight, times the learning rate.
    pub weight_decay: f32,
    /// The gradient's greatest length; 0 = no limit.
    pub clip: f32,
    /// Of everything that is drawn.
    pub seed: u64,
    /// Whether layers are computed again on the way back.
    pub recompute: Recompute,
    /// Steps between two checkpoints.
    pub save_every: u64,
    /// Steps between two evaluations; 0 = at the end alone.
    pub evaluate_every: u64,
    /// Evaluations without progress after which it stops; 0 = never.
    pub stop_after: u64,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 1.0,
            steps: None,
            batch: 4,
            accumulate: 1,
            learning_rate: 2e-4,
            schedule: Schedule::Cosine,
            warmup: 0.03,
            weight_decay: 0.0,
            clip: 1.0,
            seed: 42,
            recompute: Recompute::Auto,
            save_every: 50,
            evaluate_every: 0,
            stop_after: 0,
        }
    }
}

/// `[output]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Where everything goes, relative to the recipe; by default the recipe's name.
    pub folder: Option<PathBuf>,
    /// GGUF files to write.
    pub formats: Vec<Format>,
    /// Whether columns are weighed by what the data shows of them.
    pub importance: bool,
    /// Whether the merged model is written as safetensors too.
    pub merged: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self { folder: None, formats: vec![Format::Q4_K_M], importance: false, merged: false }
    }
}

/// `[probe]`: questions that are asked before and after.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// The questions.
    pub prompts: Vec<String>,
    /// Tokens of an answer at most.
    pub tokens: usize,
}

impl Default for Probe {
    fn default() -> Self {
        Self { prompts: vec![], tokens: 64 }
    }
}

/// A recipe.
#[derive(Clone, Debug, Serialize)]
pub struct Recipe {
    /// What the model will be called.
    pub name: String,
    /// What is trained.
    pub base: Base,
    /// What on.
    pub datasets: Vec<Dataset>,
    /// The adapter.
    pub adapter: Lora,
    /// How data is read.
    pub data: Data,
    /// How it is trained.
    pub training: Training,
    /// What is written.
    pub output: Output,
    /// What is asked before and after.
    pub probe: Probe,
    /// Fields to vary, with their values.
    pub sweep: toml::Table,
    /// The recipe's folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Recipe {
    /// A path as the recipe means it.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Where everything goes.
    pub fn out(&self) -> PathBuf {
        self.path(self.output.folder.as_deref().unwrap_or(Path::new(&self.name)))
    }
}

fn part<T: DeserializeOwned>(table: &toml::Table, key: &str, wrong: &mut Vec<String>) -> Option<T> {
    let value = table.get(key)?.clone();
    value.try_into().map_err(|e: toml::de::Error| wrong.push(format!("[{key}]: {}", e.message()))).ok()
}

/// Reads the recipe at `path`.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn read(path: &Path) -> Result<Recipe, Vec<String>> {
    let name = path.display();
    let size = std::fs::metadata(path).map_err(|e| vec![format!("{name}: {}", e.kind())])?;
    if !size.is_file() || size.len() > RECIPE_BYTES_MAX {
        return Err(vec![format!("{name}: not a file of at most {RECIPE_BYTES_MAX} bytes")]);
    }
    let text = std::fs::read_to_string(path).map_err(|e| vec![format!("{name}: {}", e.kind())])?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| vec![format!("{name}: {e}")])?;
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    of_table(&table, folder).map_err(|all| all.into_iter().map(|w| format!("{name}: {w}")).collect())
}

/// A recipe out of its table.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn of_table(table: &toml::Table, folder: PathBuf) -> Result<Recipe, Vec<String>> {
    let mut wrong = Vec::new();
    let name = table.get("name").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let plain =
        !name.is_empty() && name.len() <= 96 && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !plain || name.starts_with(['.', '-']) {
        wrong.push("`name` is missing, or not made of letters, digits, -, _ and .: files are called after it".into());
    }
    let base: Option<Base> = part(table, "base", &mut wrong);
    let datasets: Vec<Dataset> = part(table, "dataset", &mut wrong).unwrap_or_default();
    let adapter: Lora = part(table, "adapter", &mut wrong).unwrap_or_default();
    let data: Data = part(table, "data", &mut wrong).unwrap_or_default();
    let training: Training = part(table, "training", &mut wrong).unwrap_or_default();
    let output: Output = part(table, "output", &mut wrong).unwrap_or_default();
    let probe: Probe = part(table, "probe", &mut wrong).unwrap_or_default();
    let mut limit = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    limit(base.is_some() || table.contains_key("base"), "[base] is missing");
    limit(!datasets.is_empty(), "[[dataset]] is missing: there is nothing to train on");
    limit((1..=4096).contains(&adapter.rank), "adapter.rank is not from 1 to 4096");
    limit(adapter.alpha.is_finite() && adapter.alpha > 0.0, "adapter.alpha is not above 0");
    limit((0.0..0.95).contains(&adapter.dropout), "adapter.dropout is not from 0 to 0.95");
    limit((8..=1 << 20).contains(&data.sequence_length), "data.sequence_length is not from 8 to 1,048,576");
    limit((0.0..=0.5).contains(&data.evaluation), "data.evaluation is not from 0 to 0.5");
    limit((1..=4096).contains(&training.batch), "training.batch is not from 1 to 4096");
    limit((1..=65_536).contains(&training.accumulate), "training.accumulate is not from 1 to 65,536");
    limit(
        training.epochs.is_finite() && training.epochs > 0.0 && training.epochs <= 10_000.0,
        "training.epochs is not above 0",
    );
    limit(training.steps != Some(0), "training.steps is 0");
    limit(training.learning_rate.is_finite() && training.learning_rate > 0.0, "training.learning_rate is not above 0");
    limit((0.0..=1.0).contains(&training.warmup), "training.warmup is a share of all steps, from 0 to 1");
    limit(training.clip.is_finite() && training.clip >= 0.0, "training.clip is below 0");
    limit((0.0..=1.0).contains(&training.weight_decay), "training.weight_decay is not from 0 to 1");
    limit(training.save_every > 0, "training.save_every is 0");
    limit(!output.formats.is_empty(), "output.formats is empty");
    limit(
        (1..=4096).contains(&probe.tokens) && probe.prompts.len() <= 100,
        "[probe] asks at most 100 prompts for at most 4096 tokens",
    );
    let sweep = table.get("sweep").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    match base {
        Some(base) if wrong.is_empty() => {
            Ok(Recipe { name, base, datasets, adapter, data, training, output, probe, sweep, folder })
        }
        _ => Err(wrong),
    }
}
