//! A recipe as a job for engines that run elsewhere: axolotl or TRL, started by torchrun; as a Kubeflow `TrainJob` and as
//! a SkyPilot task. What comes back is an adapter in PEFT's format, which `export` takes.

use serde_json::{Value, json};

use crate::data::Row;
use crate::optimizer::Schedule;
use crate::recipe::{BadRows, Recipe};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `axolotl` or `trl`.
    pub engine: &'a str,
    /// GPUs of a node.
    pub gpus: u32,
    /// Nodes.
    pub nodes: u32,
    /// The gate's decision, as JSON.
    pub decision: Option<&'a str>,
}

/// Where a job finds its rows.
const DATA: &str = "data/train.jsonl";

/// The files of a job: its rows in the one form that both engines read, the engine's configuration, and the job itself.
///
/// # Errors
/// What keeps a row from being read.
pub fn files(recipe: &Recipe, asked: &Asked<'_>) -> Result<Vec<(String, String)>, Vec<String>> {
    let base = recipe.base.model.clone().unwrap_or_else(|| recipe.base.path.to_string_lossy().into_owned());
    let mut wrong = Vec::new();
    let (rows, text) = rows(recipe, &mut wrong);
    if asked.decision.is_some_and(|d| serde_json::from_str::<Value>(d).is_err()) {
        wrong.push("--decision is no JSON".into());
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let config = match asked.engine {
        "trl" => trl(recipe, &base, asked),
        _ => axolotl(recipe, &base, text, asked),
    };
    let name: String =
        recipe.name.to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = name.trim_matches('-').chars().take(50).collect::<String>();
    let file = format!("{}.yaml", asked.engine);
    let run = match asked.engine {
        "trl" => format!("torchrun --nproc-per-node={} -m trl.scripts.sft --config {file}", asked.gpus),
        _ => format!("torchrun --nproc-per-node={} -m axolotl.cli.train {file}", asked.gpus),
    };
    let mut out = vec![
        (DATA.into(), rows),
        (file.clone(), yaml(&config)),
        ("trainjob.yaml".into(), yaml(&trainjob(&name, &file, &config, asked))),
        ("skypilot.yaml".into(), yaml(&skypilot(&name, &run, asked))),
    ];
    if let Some(decision) = asked.decision {
        out.push(("decision.json".into(), decision.into()));
    }
    out.push(("README.md".into(), readme(recipe, &run, &file, asked)));
    Ok(out)
}

fn schedule(recipe: &Recipe) -> &'static str {
    match recipe.training.schedule {
        Schedule::Constant => "constant_with_warmup",
        Schedule::Linear => "linear",
        Schedule::Cosine => "cosine",
    }
}

/// Every row of every dataset, a line each: conversations as `messages`, texts as `text`; and whether they are texts.
fn rows(recipe: &Recipe, wrong: &mut Vec<String>) -> (String, bool) {
    let (mut out, mut texts, mut talks) = (String::new(), 0usize, 0usize);
    for d in &recipe.datasets {
        let source = match crate::data::read_rows(&recipe.path(&d.path)) {
            Ok(source) => source,
            Err(what) => {
                wrong.push(format!("{}: {what}", d.path.display()));
                continue;
            }
        };
        for (line, row) in source.rows {
            let row = match row {
                Ok(Row::Text(text)) => {
                    texts += 1;
                    json!({"text": text})
                }
                Ok(Row::Messages(messages)) => {
                    talks += 1;
                    json!({"messages": messages})
                }
                Err(_) if recipe.data.bad_rows == BadRows::Skip => continue,
                Err(why) => {
                    if wrong.len() < 20 {
                        wrong.push(format!("{}:{line}: {why}", d.path.display()));
                    }
                    continue;
                }
            };
            out.push_str(&row.to_string());
            out.push('\n');
        }
    }
    if texts > 0 && talks > 0 {
        wrong.push("some datasets are texts and some conversations: one job has one kind".into());
    }
    (out, texts > 0)
}

/// A number as it was written, not as its nearest float of double width.
fn short(x: f32) -> f64 {
    x.to_string().parse().unwrap_or_else(|_| f64::from(x))
}

fn axolotl(recipe: &Recipe, base: &str, text: bool, asked: &Asked<'_>) -> Value {
    let t = &recipe.training;
    let data = match text {
        true => json!([{"path": DATA, "ds_type": "json", "type": "completion"}]),
        false => json!([{"path": DATA, "ds_type": "json", "type": "chat_template", "field_messages": "messages",
            "message_property_mappings": {"role": "role", "content": "content"}}]),
    };
    let mut config = json!({
        "base_model": base,
        "adapter": "lora",
        "lora_r": recipe.adapter.rank,
        "lora_alpha": number(short(recipe.adapter.alpha)),
        "lora_dropout": short(recipe.adapter.dropout),
        "peft_use_rslora": recipe.adapter.rslora,
        "datasets": data,
        "val_set_size": short(recipe.data.evaluation),
        "sequence_len": recipe.data.sequence_length,
        "sample_packing": recipe.data.packing,
        "micro_batch_size": t.batch,
        "gradient_accumulation_steps": per_gpu(t.accumulate, asked),
        "optimizer": "adamw_torch",
        "lr_scheduler": schedule(recipe),
        "learning_rate": t.learning_rate,
        "warmup_ratio": t.warmup,
        "weight_decay": short(t.weight_decay),
        "max_grad_norm": short(t.clip),
        "seed": t.seed,
        "bf16": "auto",
        "gradient_checkpointing": true,
        "save_steps": t.save_every,
        "output_dir": "out",
    });
    match t.steps {
        Some(steps) => config["max_steps"] = steps.into(),
        None => config["num_epochs"] = number(t.epochs),
    }
    if recipe.adapter.targets.is_empty() {
        config["lora_target_linear"] = true.into();
    } else {
        config["lora_target_modules"] = recipe.adapter.targets.clone().into();
    }
    match recipe.data.template.as_deref() {
        _ if text => {}
        // a name that axolotl has too, or the template's own text
        Some(name @ ("chatml" | "alpaca")) => config["chat_template"] = name.into(),
        Some(path) => {
            config["chat_template"] = "jinja".into();
            config["chat_template_jinja"] =
                std::fs::read_to_string(recipe.path(path.as_ref())).unwrap_or_default().into();
        }
        None => config["chat_template"] = "tokenizer_default".into(),
    }
    config
}

fn trl(recipe: &Recipe, base: &str, asked: &Asked<'_>) -> Value {
    let t = &recipe.training;
    let mut config = json!({
        "model_name_or_path": base,
        "datasets": [{"path": "json", "data_files": DATA, "split": "train"}],
        "use_peft": true,
        "lora_r": recipe.adapter.rank,
        "lora_alpha": recipe.adapter.alpha as i64,
        "lora_dropout": short(recipe.adapter.dropout),
        "use_rslora": recipe.adapter.rslora,
        "lora_target_modules": if recipe.adapter.targets.is_empty() { json!(["all-linear"]) } else { json!(recipe.adapter.targets) },
        "max_length": recipe.data.sequence_length,
        "packing": recipe.data.packing,
        "per_device_train_batch_size": t.batch,
        "gradient_accumulation_steps": per_gpu(t.accumulate, asked),
        "learning_rate": t.learning_rate,
        "lr_scheduler_type": schedule(recipe),
        // a share of all steps, where below one
        "warmup_steps": t.warmup.min(0.999),
        "weight_decay": short(t.weight_decay),
        "max_grad_norm": short(t.clip),
        "seed": t.seed,
        "bf16": true,
        "gradient_checkpointing": true,
        "save_steps": t.save_every,
        "output_dir": "out",
    });
    match t.steps {
        Some(steps) => config["max_steps"] = steps.into(),
        None => config["num_train_epochs"] = number(t.epochs),
    }
    config
}

/// A whole number where it is one.
fn number(x: f64) -> Value {
    if x.fract() == 0.0 && x.abs() < 1e15 { Value::from(x as i64) } else { Value::from(x) }
}

/// The same number of rows a step on so many GPUs, as far as it divides.
fn per_gpu(accumulate: usize, asked: &Asked<'_>) -> usize {
    (accumulate / (asked.gpus * asked.nodes) as usize).max(1)
}

/// The decision's first words as annotations, so that whoever looks at the job sees that it was asked for.
fn annotations(asked: &Asked<'_>) -> Value {
    let decision: Value = asked.decision.and_then(|d| serde_json::from_str(d).ok()).unwrap_or(Value::Null);
    let mut out = json!({});
    for (key, pointer) in [("verdict", "/verdict"), ("as-of", "/as_of"), ("catalog", "/catalog")] {
        if let Some(text) = decision.pointer(pointer).and_then(Value::as_str) {
            out[format!("freehold.dev/{key}")] = text.into();
        }
    }
    if let Some(text) = asked.decision {
        let sum = crate::files::hex(&<sha2::Sha256 as sha2::Digest>::digest(text.as_bytes()));
        out["freehold.dev/decision-sha256"] = sum.into();
    }
    out
}

fn trainjob(name: &str, file: &str, config: &Value, asked: &Asked<'_>) -> Value {
    let module = if asked.engine == "trl" {
        json!(["-m", "trl.scripts.sft", "--config"])
    } else {
        json!(["-m", "axolotl.cli.train"])
    };
    let mut command = vec![Value::from("torchrun")];
    command.extend(module.as_array().cloned().unwrap_or_default());
    command.push(format!("/workspace/job/{file}").into());
    let mut annotations = annotations(asked);
    annotations["freehold.dev/config"] = config.to_string().into();
    json!({
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "runtimeRef": {"name": "torch-distributed"},
            "trainer": {
                "numNodes": asked.nodes,
                "numProcPerNode": asked.gpus,
                "command": command,
                "resourcesPerNode": {"limits": {"nvidia.com/gpu": asked.gpus}, "requests": {"nvidia.com/gpu": asked.gpus}},
            },
        },
    })
}

fn skypilot(name: &str, run: &str, asked: &Asked<'_>) -> Value {
    let install = if asked.engine == "trl" { "pip install trl peft" } else { "pip install axolotl" };
    let run = match asked.nodes {
        1 => run.to_owned(),
        _ => run.replacen(
            "torchrun",
            "torchrun --nnodes=$SKYPILOT_NUM_NODES --node-rank=$SKYPILOT_NODE_RANK --master-addr=$(echo \"$SKYPILOT_NODE_IPS\" | head -n1) --master-port=29500",
            1,
        ),
    };
    let decision = annotations(asked);
    let mut envs = json!({});
    for (key, to) in
        [("freehold.dev/verdict", "FREEHOLD_VERDICT"), ("freehold.dev/decision-sha256", "FREEHOLD_DECISION_SHA256")]
    {
        if let Some(value) = decision.get(key) {
            envs[to] = value.clone();
        }
    }
    json!({
        "name": name,
        "num_nodes": asked.nodes,
        "resources": {"accelerators": format!("H100:{}", asked.gpus)},
        "workdir": ".",
        "envs": envs,
        "setup": format!("{install}\n"),
        "run": format!("{run}\n"),
    })
}

fn readme(recipe: &Recipe, run: &str, file: &str, asked: &Asked<'_>) -> String {
    let decision = if asked.decision.is_some() {
        "`decision.json` is what the gate answered when this job was made."
    } else {
        "No decision of the gate is attached: `freehold tune gate` asks the licenses before a GPU minute is spent."
    };
    format!(
        "# {} on {}\n\n{decision}\n\n- here: `{run}`\n- Kubernetes with Kubeflow Trainer: `kubectl apply -f trainjob.yaml` (its volume holds `{file}` at /workspace/job)\n- SkyPilot: `sky launch skypilot.yaml`\n\nThe adapter comes out under `out/`. It goes on here:\n\n    freehold tune export --base BASE --adapter out -o bundle\n",
        recipe.name, asked.engine
    )
}

/// JSON as YAML: block style, texts quoted where they could be taken for something else.
fn yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                out.push_str(&format!("{pad}{}:", scalar(&Value::from(key.as_str()))));
                below(value, depth, out);
            }
        }
        Value::Array(all) => {
            for value in all {
                match value {
                    Value::Object(map) if !map.is_empty() => {
                        let mut inner = String::new();
                        block(value, depth + 1, &mut inner);
                        out.push_str(&format!("{pad}- {}", inner.trim_start()));
                    }
                    _ => out.push_str(&format!("{pad}- {}\n", scalar(value))),
                }
            }
        }
        other => out.push_str(&format!("{pad}{}\n", scalar(other))),
    }
}

fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if map.is_empty() => out.push_str(" {}\n"),
        Value::Array(all) if all.is_empty() => out.push_str(" []\n"),
        Value::Object(_) | Value::Array(_) => {
            out.push('\n');
            block(value, depth + 1, out);
        }
        other => out.push_str(&format!(" {}\n", scalar(other))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let plain = !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./~".contains(c))
                && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '~' && text.len() > 1)
                && !matches!(
                    text.to_ascii_lowercase().as_str(),
                    "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
                );
            if plain { text.clone() } else { value.to_string() }
        }
        // YAML 1.1 takes 2e-4 for a text: a point makes it a number everywhere
        Value::Number(n) if n.is_f64() => {
            let text = n.to_string();
            match text.split_once('e') {
                Some((digits, power)) if !digits.contains('.') => format!("{digits}.0e{power}"),
                _ => text,
            }
        }
        other => other.to_string(),
    }
}
