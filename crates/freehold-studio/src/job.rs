//! A recipe as a job for engines that run elsewhere: axolotl or TRL, started by torchrun; as a Kubeflow `TrainJob` and as
//! a SkyPilot task. What comes back is an adapter in PEFT's format, which `export` takes.

use serde_json::{Value, json};

use crate::data::Schema;
use crate::optimizer::Schedule;
use crate::recipe::Recipe;

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

/// The files of a job.
///
/// # Errors
/// What the engine cannot be told.
pub fn files(recipe: &Recipe, asked: &Asked<'_>) -> Result<Vec<(String, String)>, Vec<String>> {
    let base = recipe.base.model.clone().unwrap_or_else(|| recipe.base.path.to_string_lossy().into_owned());
    let mut wrong = Vec::new();
    let mut schemas = Vec::new();
    for d in &recipe.datasets {
        match crate::data::read_rows(&recipe.path(&d.path)) {
            Ok(source) => schemas.push(source.schema),
            Err(what) => wrong.push(format!("{}: {what}", d.path.display())),
        }
    }
    if asked.engine == "trl" && recipe.datasets.len() != 1 {
        wrong.push("TRL's command takes one dataset; axolotl takes several".into());
    }
    if asked.engine == "trl" && schemas.iter().any(|s| matches!(s, Schema::Instruction | Schema::Conversations)) {
        wrong.push(
            "TRL reads text, prompt and completion, or messages; axolotl reads instructions and conversations too"
                .into(),
        );
    }
    if let Some(decision) = asked.decision.filter(|d| serde_json::from_str::<Value>(d).is_err()) {
        wrong.push(format!("--decision is no JSON: {}", decision.chars().take(40).collect::<String>()));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let config = match asked.engine {
        "trl" => trl(recipe, &base, asked),
        _ => axolotl(recipe, &base, &schemas, asked),
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
        (file.clone(), yaml(&config)),
        ("trainjob.yaml".into(), yaml(&trainjob(&name, &file, &config, asked))),
        ("skypilot.yaml".into(), yaml(&skypilot(&name, recipe, &run, asked))),
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

/// Where a job finds a file of the recipe.
fn mounted(path: &std::path::Path) -> String {
    format!("data/{}", path.file_name().unwrap_or_default().to_string_lossy())
}

fn axolotl(recipe: &Recipe, base: &str, schemas: &[Schema], asked: &Asked<'_>) -> Value {
    let t = &recipe.training;
    let data: Vec<Value> = recipe
        .datasets
        .iter()
        .zip(schemas)
        .map(|(d, schema)| {
            let mut one = json!({"path": mounted(&d.path), "ds_type": kind(&d.path)});
            match schema {
                Schema::Text => one["type"] = "completion".into(),
                Schema::Instruction => one["type"] = "alpaca".into(),
                Schema::InputOutput => {
                    one["type"] = json!({"field_instruction": "input", "field_output": "output", "format": "{instruction}\n", "no_input_format": "{instruction}\n"});
                }
                Schema::Conversations | Schema::Messages => {
                    let (list, role, content) = if *schema == Schema::Messages { ("messages", "role", "content") } else { ("conversations", "from", "value") };
                    one["type"] = "chat_template".into();
                    one["field_messages"] = list.into();
                    one["message_property_mappings"] = json!({"role": role, "content": content});
                }
            }
            one
        })
        .collect();
    let mut config = json!({
        "base_model": base,
        "adapter": "lora",
        "lora_r": recipe.adapter.rank,
        "lora_alpha": number(f64::from(recipe.adapter.alpha)),
        "lora_dropout": f64::from(recipe.adapter.dropout),
        "peft_use_rslora": recipe.adapter.rslora,
        "datasets": data,
        "val_set_size": f64::from(recipe.data.evaluation),
        "sequence_len": recipe.data.sequence_length,
        "sample_packing": recipe.data.packing,
        "micro_batch_size": t.batch,
        "gradient_accumulation_steps": per_gpu(t.accumulate, asked),
        "optimizer": "adamw_torch",
        "lr_scheduler": schedule(recipe),
        "learning_rate": t.learning_rate,
        "warmup_ratio": t.warmup,
        "weight_decay": f64::from(t.weight_decay),
        "max_grad_norm": f64::from(t.clip),
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
    if let Some(template) = recipe.data.template.as_deref() {
        config["chat_template"] = template.into();
    }
    config
}

fn trl(recipe: &Recipe, base: &str, asked: &Asked<'_>) -> Value {
    let t = &recipe.training;
    let path = recipe.datasets.first().map(|d| d.path.as_path()).unwrap_or(std::path::Path::new(""));
    let mut config = json!({
        "model_name_or_path": base,
        "datasets": [{"path": kind(path), "data_files": {"train": mounted(path)}, "split": "train"}],
        "use_peft": true,
        "lora_r": recipe.adapter.rank,
        "lora_alpha": recipe.adapter.alpha as i64,
        "lora_dropout": f64::from(recipe.adapter.dropout),
        "use_rslora": recipe.adapter.rslora,
        "lora_target_modules": if recipe.adapter.targets.is_empty() { json!(["all-linear"]) } else { json!(recipe.adapter.targets) },
        "max_length": recipe.data.sequence_length,
        "packing": recipe.data.packing,
        "per_device_train_batch_size": t.batch,
        "gradient_accumulation_steps": per_gpu(t.accumulate, asked),
        "learning_rate": t.learning_rate,
        "lr_scheduler_type": schedule(recipe),
        "warmup_ratio": t.warmup,
        "weight_decay": f64::from(t.weight_decay),
        "max_grad_norm": f64::from(t.clip),
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

fn kind(path: &std::path::Path) -> &'static str {
    match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
        "csv" | "tsv" => "csv",
        "parquet" => "parquet",
        _ => "json",
    }
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

fn skypilot(name: &str, recipe: &Recipe, run: &str, asked: &Asked<'_>) -> Value {
    let mut mounts = json!({});
    for d in &recipe.datasets {
        mounts[format!("~/sky_workdir/{}", mounted(&d.path))] =
            recipe.path(&d.path).to_string_lossy().into_owned().into();
    }
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
        "file_mounts": mounts,
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
        "# {} on {}\n\n{decision}\n\n- here: put the data under `data/`, then `{run}`\n- Kubernetes with Kubeflow Trainer: `kubectl apply -f trainjob.yaml` (its volume holds `{file}` at /workspace/job)\n- SkyPilot: `sky launch skypilot.yaml`\n\nThe adapter comes out under `out/`. It goes on here:\n\n    freehold tune export --base BASE --adapter out -o bundle\n",
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
