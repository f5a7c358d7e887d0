//! Training steps on prepared batches, timed: `steps FOLDER STEPS THREADS plain|recompute`. `FOLDER` has `base/`,
//! `adapter0/` and `batches.json` (a list of {"ids": [[...]], "labels": [[...]]}). Prints one line of JSON.

use std::path::Path;
use std::time::Instant;

use freehold_studio::decoder::{Batch, Decoder, Step};
use freehold_studio::lora::Adapter;
use freehold_studio::optimizer::{AdamW, Moments};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn status(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with(key)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Seconds of processor time so far.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

#[expect(clippy::print_stdout, reason = "its one line is its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, steps, threads, mode] = &arguments[..] else {
        return Err("steps FOLDER STEPS THREADS plain|recompute".into());
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build_global()?;
    let folder = Path::new(folder);
    let mut model = Decoder::open(&folder.join("base")).map_err(|e| e.join("; "))?;
    let mut adapter = Adapter::read(&folder.join("adapter0"), &model.modules()).map_err(|e| e.join("; "))?;
    model.attach(&adapter);
    let all: Value = serde_json::from_slice(&std::fs::read(folder.join("batches.json"))?)?;
    let batches: Vec<Batch> = all
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let rows = |key: &str| one[key].as_array().cloned().unwrap_or_default();
            let mut batch = Batch::default();
            for (ids, labels) in rows("ids").iter().zip(&rows("labels")) {
                let numbers =
                    |v: &Value| v.as_array().into_iter().flatten().filter_map(Value::as_i64).collect::<Vec<_>>();
                let ids: Vec<u32> = numbers(ids).into_iter().filter_map(|i| u32::try_from(i).ok()).collect();
                let learn: Vec<bool> = numbers(labels).into_iter().map(|l| l >= 0).collect();
                batch.push(&ids, &learn);
            }
            batch
        })
        .collect();
    let loaded = status("VmRSS");
    let optimizer = AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };
    let mut moments = Moments::new(&adapter);
    let (mut losses, mut walls, mut cpus) = (vec![], vec![], vec![]);
    for step in 0..steps.parse::<usize>()? {
        let (began, before) = (Instant::now(), cpu());
        let batch = &batches[step % batches.len()];
        let targets = batch.targets() as f32;
        let mut gradients = adapter.gradients();
        let how = Step { recompute: mode == "recompute", dropout: 0.0, seed: 0, divide_by: targets };
        let loss = model.learn(&adapter, batch, &how, &mut gradients)?;
        optimizer.step(&mut adapter, &gradients, &mut moments, 2e-3);
        losses.push(loss / f64::from(targets));
        walls.push(began.elapsed().as_secs_f64());
        cpus.push(cpu() - before);
    }
    let mean = |all: &[f64]| all.iter().skip(1).sum::<f64>() / (all.len().max(2) - 1) as f64;
    let result = json!({
        "engine": "freehold-studio", "mode": mode, "threads": threads, "wall_s_per_step": mean(&walls),
        "cpu_s_per_step": mean(&cpus), "loaded_mb": loaded, "peak_mb": status("VmHWM"), "losses": losses,
    });
    println!("{result}");
    Ok(())
}
