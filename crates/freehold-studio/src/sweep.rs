//! Trainings side by side: every combination of the values under `[sweep]`, compared.

use std::path::Path;

use crate::recipe::{Recipe, of_table};
use crate::train::{Plan, Progress};

/// Most combinations of a sweep.
const COMBINATIONS_MAX: usize = 64;

/// One combination: what was set, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `training.learning_rate = 0.0002`, ...
    pub set: Vec<String>,
    /// Mean loss of the last tenth of steps.
    pub loss: f64,
    /// Of the rows held back.
    pub evaluation: Option<f64>,
    /// Numbers of the adapter.
    pub parameters: u64,
}

/// Sets `a.b` in a table.
fn set(table: &mut toml::Table, path: &str, value: &toml::Value) -> Result<(), String> {
    let (last, before) = path.rsplit_once('.').map_or((path, ""), |(b, l)| (l, b));
    let mut at = table;
    for part in before.split('.').filter(|p| !p.is_empty()) {
        let next = at.entry(part).or_insert_with(|| toml::Table::new().into());
        at = next.as_table_mut().ok_or_else(|| format!("sweep: `{part}` of `{path}` is no table"))?;
    }
    at.insert(last.into(), value.clone());
    Ok(())
}

/// Recipes of all combinations.
///
/// # Errors
/// A field that is none, a value that is wrong, too many combinations.
pub fn recipes(table: &toml::Table, folder: &Path) -> Result<Vec<(Vec<String>, Recipe)>, Vec<String>> {
    let sweep = table.get("sweep").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let mut all: Vec<(Vec<String>, toml::Table)> = vec![(vec![], table.clone())];
    let mut wrong = Vec::new();
    for (field, values) in &sweep {
        let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
        let tables = ["adapter.", "data.", "training."];
        if values.is_empty() || !tables.iter().any(|t| field.starts_with(t)) {
            wrong.push(format!("sweep: `{field}` is no list of values for a field of [adapter], [data] or [training]"));
            continue;
        }
        let mut next = Vec::new();
        for (said, table) in &all {
            for value in &values {
                let mut table = table.clone();
                if let Err(what) = set(&mut table, field, value) {
                    wrong.push(what);
                }
                let mut said = said.clone();
                said.push(format!("{field} = {}", serde_json::to_string(value).unwrap_or_default()));
                next.push((said, table));
            }
        }
        all = next;
        if all.len() > COMBINATIONS_MAX {
            return Err(vec![format!("sweep: more than {COMBINATIONS_MAX} combinations")]);
        }
    }
    if sweep.is_empty() {
        wrong.push("[sweep] is missing or empty: \"training.learning_rate\" = [1e-4, 2e-4]".into());
    }
    let mut out = Vec::new();
    for (said, table) in all {
        match of_table(&table, folder.to_path_buf()) {
            Ok(recipe) => out.push((said, recipe)),
            Err(what) => wrong.extend(what.into_iter().map(|w| format!("{}: {w}", said.join(", ")))),
        }
    }
    if wrong.is_empty() { Ok(out) } else { Err(wrong) }
}

/// Trains every combination and gives the table of outcomes, best first.
///
/// # Errors
/// What keeps one from being trained.
pub fn run(path: &Path, mut progress: impl FnMut(&Progress)) -> Result<String, Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|e| vec![format!("{}: {}", path.display(), e.kind())])?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| vec![format!("{}: {e}", path.display())])?;
    let mut outcomes = Vec::new();
    for (i, (said, mut recipe)) in recipes(&table, path.parent().unwrap_or(Path::new("")))?.into_iter().enumerate() {
        recipe.output.folder = Some(
            recipe.output.folder.unwrap_or_else(|| recipe.name.clone().into()).join(format!("sweep/{:02}", i + 1)),
        );
        let plan = Plan::new(recipe)?;
        let state = plan.train(false, &mut progress).map_err(|e| vec![format!("{}: {e}", said.join(", "))])?;
        let adapter = state.best.as_ref().unwrap_or(&state.adapter);
        let evaluation = (!plan.evaluation.is_empty()).then(|| plan.evaluate(Some(adapter)));
        outcomes.push(Outcome {
            set: said,
            loss: last_losses(&plan.run_folder()),
            evaluation,
            parameters: adapter.parameters(),
        });
    }
    outcomes.sort_by(|a, b| a.evaluation.unwrap_or(a.loss).total_cmp(&b.evaluation.unwrap_or(b.loss)));
    let mut out = String::from("| | evaluation loss | training loss, last tenth | adapter |\n|---|---|---|---|\n");
    for o in &outcomes {
        let evaluation = o.evaluation.map_or("-".into(), |e| format!("{e:.4}"));
        out.push_str(&format!("| {} | {evaluation} | {:.4} | {} |\n", o.set.join(", "), o.loss, o.parameters));
    }
    let folder = of_table(&table, path.parent().unwrap_or(Path::new("")).to_path_buf())?.out().join("sweep");
    crate::files::write(&folder.join("outcomes.md"), &[out.as_bytes()]).map_err(|e| vec![e])?;
    Ok(out)
}

fn last_losses(run: &Path) -> f64 {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    let losses: Vec<f64> =
        text.lines().filter_map(|l| serde_json::from_str::<crate::train::Metric>(l).ok()?.loss).collect();
    let tail = &losses[losses.len() - losses.len().div_ceil(10).min(losses.len())..];
    tail.iter().sum::<f64>() / tail.len().max(1) as f64
}
