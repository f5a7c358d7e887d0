//! A training, from a recipe to an adapter: prepared and told before it begins, resumed where it was cut off.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::checkpoint::State;
use crate::data::{ALPACA, CHATML, Message, Report, Sequence, Template, load};
use crate::decoder::{Batch, Decoder, Step, Watch};
use crate::export::gguf_name;
use crate::files::{hex, write};
use crate::lora::{Adapter, Shape};
use crate::memory::{Estimate, available, estimate, shown};
use crate::optimizer::{AdamW, clip, length};
use crate::random::{Random, mix};
use crate::recipe::{BadRows, Recipe, Recompute};
use crate::tokenizer::Tokenizer;

/// Batches whose columns are weighed.
const IMPORTANCE_BATCHES: usize = 64;

/// Everything that is known before the first step.
#[derive(Debug)]
pub struct Plan {
    /// The recipe.
    pub recipe: Recipe,
    /// The base, with the adapter's pairs beside their layers.
    pub model: Decoder,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// The chat template that data is written with.
    pub template: Option<Template>,
    /// What the data is like, file by file.
    pub reports: Vec<Report>,
    /// Rows to train on.
    pub training: Vec<Sequence>,
    /// Rows to evaluate on.
    pub evaluation: Vec<Sequence>,
    /// Batches in order: rows of `training`.
    batches: Vec<Vec<usize>>,
    /// Steps in all.
    pub steps: u64,
    /// Whether layers are computed again on the way back.
    pub recompute: bool,
    /// What is needed of memory.
    pub memory: Estimate,
    /// The adapter before the first step.
    pub adapter: Adapter,
    /// What this training is.
    pub digest: String,
}

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct Metric {
    /// Steps taken.
    pub step: u64,
    /// Mean loss of the step's targets, before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Mean loss of the evaluation rows' targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_loss: Option<f64>,
    /// Of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Of the whole gradient, before clipping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_length: Option<f64>,
    /// Tokens that the step ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// That it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Plan {
    /// Reads base and data, and counts what the training will need.
    ///
    /// # Errors
    /// Everything that keeps it from beginning.
    pub fn new(recipe: Recipe) -> Result<Self, Vec<String>> {
        let base = recipe.path(&recipe.base.path);
        let mut wrong = Vec::new();
        let model = Decoder::open(&base)
            .map_err(|all| wrong.extend(all.into_iter().map(|w| format!("{}: {w}", base.display()))));
        let tokenizer = Tokenizer::open(&base).map_err(|w| wrong.push(format!("{}: {w}", base.display())));
        let (Ok(mut model), Ok(mut tokenizer)) = (model, tokenizer) else { return Err(wrong) };
        if tokenizer.words() > model.architecture.vocabulary {
            let (words, rows) = (tokenizer.words(), model.architecture.vocabulary);
            wrong.push(format!("the tokenizer has {words} tokens and the model {rows} embeddings"));
        }
        if recipe.data.sequence_length > model.architecture.positions {
            let (asked, most) = (recipe.data.sequence_length, model.architecture.positions);
            wrong.push(format!("data.sequence_length is {asked}, and the base was made for {most} positions at most"));
        }
        let template = template(&recipe, &tokenizer).map_err(|w| wrong.push(w)).ok().flatten();
        // what it was trained with goes into the file that is written
        if let Some(own) = template.as_ref().filter(|_| recipe.data.template.is_some()) {
            tokenizer.template = Some(own.text.clone());
        }
        let (mut reports, mut rows) = (Vec::new(), Vec::new());
        for dataset in &recipe.datasets {
            match load(&recipe.path(&dataset.path), &tokenizer, template.as_ref(), recipe.data.sequence_length) {
                Ok((report, sequences)) => {
                    reports.push(report);
                    rows.extend(sequences);
                }
                Err(what) => wrong.push(what),
            }
        }
        for report in reports.iter().filter(|r| r.bad_rows_count > 0 && recipe.data.bad_rows == BadRows::Stop) {
            for (line, why) in report.bad_rows.iter().take(20) {
                wrong.push(format!("{}:{line}: {why}", report.file));
            }
            let n = report.bad_rows_count;
            wrong.push(format!("{}: {n} bad rows; mend them, or say [data] bad_rows = \"skip\"", report.file));
        }
        let (mut training, mut evaluation) = (Vec::new(), Vec::new());
        let mut seen = std::collections::BTreeSet::new();
        for row in rows {
            if recipe.data.deduplicate && !seen.insert(row.digest) {
                continue;
            }
            // equal rows fall on one side
            let draw = (mix(row.digest ^ recipe.training.seed) >> 11) as f64 / (1u64 << 53) as f64;
            if draw < f64::from(recipe.data.evaluation) { evaluation.push(row) } else { training.push(row) }
        }
        if training.is_empty() && wrong.is_empty() {
            wrong.push("no row is left to train on".into());
        }
        let adapter = adapter(&recipe, &model).map_err(|all| wrong.extend(all)).ok();
        let Some(adapter) = adapter.filter(|_| wrong.is_empty()) else { return Err(wrong) };
        model.attach(&adapter);
        let (batches, steps) = batches(&recipe, &training);
        let widest = batches.iter().map(|b| tokens_of(b, &training)).max().unwrap_or(0);
        let bytes = crate::weights::Weights::open(&base)?
            .files
            .iter()
            .filter_map(|f| std::fs::metadata(f).ok())
            .map(|m| m.len())
            .sum();
        let needs = |again| estimate(&model.architecture, widest, bytes, adapter.parameters(), again);
        let free = available();
        let recompute = match recipe.training.recompute {
            Recompute::Yes => true,
            Recompute::No => false,
            Recompute::Auto => free.is_some_and(|f| needs(false).total() > f / 10 * 8),
        };
        let memory = needs(recompute);
        // the base is mapped: the system takes it back where it must, so only the rest has to fit
        if let Some(free) = free.filter(|f| memory.total() - memory.base > *f) {
            let (all, free) = (shown(memory.total() - memory.base), shown(free));
            let help = if recompute { "" } else { ", or recompute = \"yes\"" };
            return Err(vec![format!(
                "the training needs {all} beside the base, and {free} are free: a smaller batch or sequence_length{help}"
            )]);
        }
        let digest = digest(&recipe, &reports, &base, &adapter);
        Ok(Self {
            recipe,
            model,
            tokenizer,
            template,
            reports,
            training,
            evaluation,
            batches,
            steps,
            recompute,
            memory,
            adapter,
            digest,
        })
    }

    /// The folder of what a training leaves behind for itself.
    pub fn run_folder(&self) -> PathBuf {
        self.recipe.out().join("run")
    }

    /// Trains from the last checkpoint to the end.
    ///
    /// # Errors
    /// What keeps it from going on.
    pub fn train(&self, restart: bool, mut progress: impl FnMut(&Progress)) -> Result<State, String> {
        let run = self.run_folder();
        std::fs::create_dir_all(&run).map_err(|e| format!("{}: {}", run.display(), e.kind()))?;
        let (checkpoint, metrics) = (run.join("checkpoint"), run.join("metrics.jsonl"));
        let fresh = State::new(self.digest.clone(), self.adapter.clone());
        let mut state = match restart {
            true => fresh,
            false => fresh.load(&checkpoint)?.unwrap_or(fresh),
        };
        let resumed = state.head.step;
        let mut told = keep_metrics(&metrics, resumed)?;
        let mut log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&metrics)
            .map_err(|e| format!("{}: {}", metrics.display(), e.kind()))?;
        let mut say = |metric: Metric, told: &mut Vec<Metric>| {
            let line = serde_json::to_string(&metric).unwrap_or_default();
            told.push(metric);
            writeln!(log, "{line}").map_err(|e| format!("metrics.jsonl: {e}"))
        };
        let started = Instant::now();
        let mut ran = 0u64;
        let t = &self.recipe.training;
        let optimizer = AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: t.weight_decay };
        let warmup = (t.warmup * self.steps as f64).round() as u64;
        if state.head.step == 0 && !self.evaluation.is_empty() && t.evaluate_every > 0 && told.is_empty() {
            let loss = self.evaluate(Some(&state.adapter));
            say(Metric { evaluation_loss: Some(loss), ..Metric::at(0) }, &mut told)?;
        }
        while state.head.step < self.steps && !state.head.done {
            let (began, step) = (Instant::now(), state.head.step);
            let first = usize::try_from(step).unwrap_or(usize::MAX).saturating_mul(t.accumulate);
            let group: Vec<Batch> =
                self.batches.iter().skip(first).take(t.accumulate).map(|b| batch(b, &self.training)).collect();
            let targets: usize = group.iter().map(Batch::targets).sum();
            let tokens: usize = group.iter().map(|b| b.ids.len()).sum();
            let mut gradients = state.adapter.gradients();
            let mut loss = 0.0;
            for (i, batch) in group.iter().enumerate() {
                let how = Step {
                    recompute: self.recompute,
                    dropout: self.recipe.adapter.dropout,
                    seed: mix(t.seed ^ mix(step * 65_536 + i as u64)),
                    divide_by: targets as f32,
                };
                loss += self
                    .model
                    .learn(&state.adapter, batch, &how, &mut gradients)
                    .map_err(|e| format!("step {}: {e}", step + 1))?;
            }
            let gradient_length = if t.clip > 0.0 { clip(&mut gradients, t.clip) } else { length(&gradients) };
            if !gradient_length.is_finite() {
                return Err(format!(
                    "step {}: the gradient is {gradient_length}; a lower learning_rate may help",
                    step + 1
                ));
            }
            let rate = t.learning_rate * t.schedule.factor(step, warmup, self.steps);
            optimizer.step(&mut state.adapter, &gradients, &mut state.moments, rate);
            state.head.step += 1;
            state.head.tokens += tokens as u64;
            ran += tokens as u64;
            let loss = loss / targets.max(1) as f64;
            let metric = Metric {
                loss: Some(loss),
                learning_rate: Some(rate),
                gradient_length: Some(gradient_length),
                tokens: Some(tokens as u64),
                seconds: Some(began.elapsed().as_secs_f64()),
                ..Metric::at(state.head.step)
            };
            say(metric, &mut told)?;
            let last = state.head.step == self.steps;
            let due = t.evaluate_every > 0 && state.head.step.is_multiple_of(t.evaluate_every);
            if !self.evaluation.is_empty() && (due || last) {
                let loss = self.evaluate(Some(&state.adapter));
                say(Metric { evaluation_loss: Some(loss), ..Metric::at(state.head.step) }, &mut told)?;
                let better = state.head.best.is_none_or(|b| loss < b);
                if better {
                    state.head.best = Some(loss);
                    state.head.stale = 0;
                    state.best = (t.stop_after > 0).then(|| state.adapter.clone());
                } else {
                    state.head.stale += 1;
                    state.head.done = t.stop_after > 0 && state.head.stale >= t.stop_after;
                }
            }
            if state.head.step.is_multiple_of(t.save_every) || last || state.head.done {
                state.save(&checkpoint)?;
            }
            let seconds = started.elapsed().as_secs_f64().max(1e-9);
            let left = (self.steps - state.head.step) as f64 * seconds / (state.head.step - resumed).max(1) as f64;
            progress(&Progress {
                step: state.head.step,
                steps: self.steps,
                loss,
                tokens_a_second: ran as f64 / seconds,
                seconds_left: left,
            });
        }
        let points =
            |of: fn(&Metric) -> Option<f64>| told.iter().filter_map(|m| Some((m.step, of(m)?))).collect::<Vec<_>>();
        let svg = crate::chart::loss_curve(&self.recipe.name, &points(|m| m.loss), &points(|m| m.evaluation_loss));
        write(&run.join("loss.svg"), &[svg.as_bytes()])?;
        Ok(state)
    }

    /// Mean loss of the evaluation rows' targets.
    pub fn evaluate(&self, adapter: Option<&Adapter>) -> f64 {
        let order: Vec<usize> = (0..self.evaluation.len()).collect();
        let (mut loss, mut targets) = (0.0, 0);
        for rows in packed(&order, &self.evaluation, self.recipe.training.batch, self.recipe.data.sequence_length, true)
        {
            let batch = batch(&rows, &self.evaluation);
            loss += self.model.loss(adapter, &batch);
            targets += batch.targets();
        }
        loss / targets.max(1) as f64
    }

    /// How much each column weighs, by GGUF tensor name, over the first rows of the data.
    pub fn importance(&self, adapter: &Adapter) -> std::collections::BTreeMap<String, Vec<f32>> {
        let watch = Watch::default();
        for rows in self.batches.iter().take(IMPORTANCE_BATCHES) {
            self.model.watch(Some(adapter), &batch(rows, &self.training), &watch);
        }
        watch.means().into_iter().filter_map(|(module, means)| Some((gguf_name(&module)?, means))).collect()
    }

    /// The most likely answer to each of the probe's prompts.
    ///
    /// # Errors
    /// What the template or the tokenizer says.
    pub fn answers(&self, adapter: Option<&Adapter>) -> Result<Vec<String>, String> {
        self.recipe.probe.prompts.iter().map(|p| self.answer(adapter, p)).collect()
    }

    /// The most likely answer to a prompt.
    ///
    /// # Errors
    /// What the template or the tokenizer says.
    pub fn answer(&self, adapter: Option<&Adapter>, prompt: &str) -> Result<String, String> {
        let ids = self.prompt(prompt)?;
        let ends = self.tokenizer.ends();
        let most = self.recipe.probe.tokens;
        let mut cache = self.model.cache(ids.len() + most);
        let mut logits = self.model.next(adapter, &ids, &mut cache)?;
        let mut said = Vec::new();
        for _ in 0..most {
            let next = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i);
            let next = u32::try_from(next).map_err(|e| e.to_string())?;
            if ends.contains(&next) {
                break;
            }
            said.push(next);
            if said.len() < most {
                logits = self.model.next(adapter, &[next], &mut cache)?;
            }
        }
        self.tokenizer.decode(&said)
    }

    /// A prompt's tokens: as a user's turn where there is a template, as a text else.
    ///
    /// # Errors
    /// What the template or the tokenizer says.
    pub fn prompt(&self, prompt: &str) -> Result<Vec<u32>, String> {
        let text_rows = self.reports.iter().all(|r| r.schema == crate::data::Schema::Text);
        match &self.template {
            Some(template) if !text_rows => {
                let turn = Message { role: "user".into(), content: prompt.into() };
                self.tokenizer.encode(&template.render(&[turn], true)?, false)
            }
            _ => self.tokenizer.encode(prompt, true),
        }
    }
}

impl Metric {
    fn at(step: u64) -> Self {
        Self {
            step,
            loss: None,
            evaluation_loss: None,
            learning_rate: None,
            gradient_length: None,
            tokens: None,
            seconds: None,
        }
    }
}

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps taken.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Of the step.
    pub loss: f64,
    /// Since this run began.
    pub tokens_a_second: f64,
    /// To the end, at this pace.
    pub seconds_left: f64,
}

/// Metrics up to a step are kept, later ones are of steps that are taken again.
fn keep_metrics(path: &Path, step: u64) -> Result<Vec<Metric>, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(e) => return Err(format!("{}: {}", path.display(), e.kind())),
    };
    if step == 0 {
        write(path, &[])?;
        return Ok(vec![]);
    }
    let kept: Vec<Metric> =
        text.lines().filter_map(|l| serde_json::from_str(l).ok()).filter(|m: &Metric| m.step <= step).collect();
    let lines: String = kept.iter().filter_map(|m| serde_json::to_string(m).ok()).map(|l| l + "\n").collect();
    write(path, &[lines.as_bytes()])?;
    Ok(kept)
}

fn template(recipe: &Recipe, tokenizer: &Tokenizer) -> Result<Option<Template>, String> {
    let text = match recipe.data.template.as_deref() {
        Some("chatml") => Some(CHATML.to_owned()),
        Some("alpaca") => Some(ALPACA.to_owned()),
        Some(path) => {
            let path = recipe.path(Path::new(path));
            Some(
                std::fs::read_to_string(&path)
                    .map_err(|e| format!("data.template: {}: {}", path.display(), e.kind()))?,
            )
        }
        None => tokenizer.template.clone(),
    };
    let specials = ["bos_token", "eos_token", "pad_token"].map(|k| tokenizer.special(k));
    text.map(|t| Template::new(&t, specials)).transpose()
}

/// The adapter before the first step.
fn adapter(recipe: &Recipe, model: &Decoder) -> Result<Adapter, Vec<String>> {
    let modules = model.modules();
    if let Some(from) = &recipe.adapter.from {
        return Adapter::read(&recipe.path(from), &modules);
    }
    let a = &recipe.adapter;
    let known = model.target_names();
    let targets = if a.targets.is_empty() { known.clone() } else { a.targets.clone() };
    let unknown: Vec<String> = targets.iter().filter(|t| !known.contains(t)).cloned().collect();
    if !unknown.is_empty() {
        return Err(vec![format!(
            "adapter.targets: {} {} no linear layer of this model: it has {}",
            unknown.join(", "),
            if unknown.len() == 1 { "is" } else { "are" },
            known.join(", ")
        )]);
    }
    let shape = Shape { rank: a.rank, alpha: a.alpha, rslora: a.rslora, dropout: a.dropout, targets };
    Ok(Adapter::new(shape, &modules, recipe.training.seed))
}

fn tokens_of(rows: &[usize], all: &[Sequence]) -> usize {
    rows.iter().map(|r| all[*r].ids.len()).sum()
}

fn batch(rows: &[usize], all: &[Sequence]) -> Batch {
    let mut batch = Batch::default();
    rows.iter().for_each(|r| batch.push(&all[*r].ids, &all[*r].learn));
    batch
}

/// Rows put together: as many as `rows`, or with packing as fill `rows` times `length` tokens.
fn packed(order: &[usize], all: &[Sequence], rows: usize, length: usize, packing: bool) -> Vec<Vec<usize>> {
    let room = rows.saturating_mul(length);
    let (mut out, mut here, mut filled) = (Vec::new(), Vec::new(), 0);
    for row in order {
        let n = all[*row].ids.len();
        let full = if packing { filled + n > room } else { here.len() >= rows };
        if full && !here.is_empty() {
            out.push(std::mem::take(&mut here));
            filled = 0;
        }
        here.push(*row);
        filled += n;
    }
    if !here.is_empty() {
        out.push(here);
    }
    out
}

/// All batches in order, and the steps that they make.
fn batches(recipe: &Recipe, all: &[Sequence]) -> (Vec<Vec<usize>>, u64) {
    let t = &recipe.training;
    let wanted = t.steps.map(|s| usize::try_from(s).unwrap_or(usize::MAX).saturating_mul(t.accumulate));
    let rows = (t.epochs * all.len() as f64).round() as usize;
    let (mut out, mut epoch, mut taken) = (Vec::new(), 0u64, 0usize);
    loop {
        let enough = match wanted {
            Some(wanted) => out.len() >= wanted,
            None => taken >= rows,
        };
        if enough || all.is_empty() {
            break;
        }
        let mut order = Random(mix(t.seed ^ mix(epoch))).order(all.len());
        if wanted.is_none() {
            order.truncate(rows - taken);
        }
        taken += order.len();
        out.extend(packed(&order, all, t.batch, recipe.data.sequence_length, recipe.data.packing));
        epoch += 1;
    }
    if let Some(wanted) = wanted {
        out.truncate(wanted);
    }
    let steps = out.len().div_ceil(t.accumulate) as u64;
    (out, steps)
}

/// What a training is: anything that changes its numbers changes this.
fn digest(recipe: &Recipe, reports: &[Report], base: &Path, adapter: &Adapter) -> String {
    let mut sum = Sha256::new();
    let mut training = recipe.training.clone();
    // how often it is saved, and whether layers are computed again, changes no number
    training.save_every = 1;
    training.recompute = Recompute::Auto;
    for part in
        [serde_json::to_string(&recipe.adapter), serde_json::to_string(&recipe.data), serde_json::to_string(&training)]
    {
        sum.update(part.unwrap_or_default());
    }
    reports.iter().for_each(|r| sum.update(&r.sha256));
    for name in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "model.safetensors.index.json",
    ] {
        sum.update(std::fs::read(base.join(name)).unwrap_or_default());
    }
    for pair in &adapter.pairs {
        sum.update(&pair.module);
        pair.a.iter().take(64).chain(pair.b.iter().take(64)).for_each(|v| sum.update(v.to_le_bytes()));
    }
    hex(&sum.finalize())
}
