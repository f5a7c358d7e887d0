//! What comes out of a training: the adapter, answers before and after, the merged model, GGUF files, and what of them
//! was verified.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::config::Architecture;
use crate::export::{Export, Format, merged, pair_of};
use crate::files::write;
use crate::gguf::Value;
use crate::lora::Adapter;
use crate::numbers::{to_bf16, to_f16};
use crate::tokenizer::Tokenizer;
use crate::train::Plan;
use crate::weights::{Dtype, Weights, map_file};

/// Files of a base that a merged model needs too.
const BESIDE: [&str; 9] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
];

/// What was verified of one file.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// The file's name.
    pub file: String,
    /// As llama.cpp calls it.
    pub format: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: String,
    /// Whether keys and tensors were read back as they were written.
    pub read_back: bool,
    /// How far quantized weights are from what they were, as a share of their size.
    pub relative_error: f64,
    /// What llama.cpp answered, and by which program; or why none was asked.
    pub llama_cpp: Json,
    /// What llama.cpp leaves out of the model.
    pub notes: Vec<String>,
}

/// Writes the adapter as PEFT does.
///
/// # Errors
/// What the disk says.
pub fn write_adapter(folder: &Path, adapter: &Adapter, base: &str) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {}", folder.display(), e.kind()))?;
    let (mut header, mut data) = (Map::new(), Vec::new());
    header.insert("__metadata__".into(), json!({"format": "pt"}));
    let mut tensors = adapter.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, shape, values) in tensors {
        let from = data.len();
        data.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        header.insert(name, json!({"dtype": "F32", "shape": shape, "data_offsets": [from, data.len()]}));
    }
    let head = padded(&header);
    // a folder with a config and no tensors would be taken for an adapter: the config comes last
    let _ = std::fs::remove_file(folder.join("adapter_config.json"));
    write(&folder.join("adapter_model.safetensors"), &[&head, &data])?;
    let config = serde_json::to_string_pretty(&adapter.config(base)).map_err(|e| e.to_string())?;
    write(&folder.join("adapter_config.json"), &[config.as_bytes(), b"\n"])
}

/// A safetensors header with its length, padded to eight bytes.
fn padded(header: &Map<String, Json>) -> Vec<u8> {
    let mut text = Json::Object(header.clone()).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut out = (text.len() as u64).to_le_bytes().to_vec();
    out.extend(text);
    out
}

/// Writes the merged model: shard by shard as the base has them, each tensor as the base stores it.
///
/// # Errors
/// What the disk says.
pub fn write_merged(folder: &Path, base: &Path, weights: &Weights, adapter: &Adapter) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {}", folder.display(), e.kind()))?;
    for file in &weights.files {
        let name = file.file_name().unwrap_or_default();
        let tensors = map_file(file)?;
        let (mut header, mut at) = (Map::new(), 0usize);
        header.insert("__metadata__".into(), json!({"format": "pt"}));
        for (tensor, t) in &tensors {
            let end = at + t.bytes().len();
            header
                .insert(tensor.clone(), json!({"dtype": t.dtype.name(), "shape": t.shape, "data_offsets": [at, end]}));
            at = end;
        }
        let path = folder.join(name);
        let says = |e: std::io::Error| format!("{}: {e}", path.display());
        let mut partial = path.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let mut out = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(&partial).map_err(says)?);
        std::io::Write::write_all(&mut out, &padded(&header)).map_err(says)?;
        for (tensor, t) in &tensors {
            let bytes = match pair_of(Some(adapter), tensor) {
                None => t.bytes().to_vec(),
                pair => stored(&merged(t, pair), t.dtype),
            };
            std::io::Write::write_all(&mut out, &bytes).map_err(says)?;
        }
        let file = out.into_inner().map_err(|e| says(e.into_error()))?;
        file.sync_all().map_err(says)?;
        std::fs::rename(&partial, &path).map_err(says)?;
    }
    for name in BESIDE.iter().chain(&["model.safetensors.index.json"]) {
        let from = base.join(name);
        if from.is_file() {
            std::fs::copy(&from, folder.join(name)).map_err(|e| format!("{}: {}", from.display(), e.kind()))?;
        }
    }
    crate::files::sync_folder(&folder.join("config.json"));
    Ok(())
}

fn stored(values: &[f32], dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Dtype::F16 => values.iter().flat_map(|v| to_f16(*v).to_le_bytes()).collect(),
        Dtype::Bf16 => values.iter().flat_map(|v| to_bf16(*v).to_le_bytes()).collect(),
    }
}

/// Keys of a GGUF out of JSON: texts, whole numbers and lists of texts.
///
/// # Errors
/// A key or value that is none.
pub fn about(json: &Json) -> Result<Vec<(String, Value)>, String> {
    let map = json.as_object().ok_or("--about is no JSON object")?;
    let one = |(key, value): (&String, &Json)| {
        let value = match value {
            Json::String(text) => Value::Text(text.clone()),
            Json::Number(n) => Value::U32(
                n.as_u64()
                    .and_then(|n| u32::try_from(n).ok())
                    .ok_or_else(|| format!("`{key}` is no number of a key"))?,
            ),
            Json::Array(all) => {
                let all: Option<Vec<String>> = all.iter().map(|v| v.as_str().map(str::to_owned)).collect();
                Value::Texts(all.ok_or_else(|| format!("`{key}` is no list of texts"))?)
            }
            _ => return Err(format!("`{key}` is neither text, number nor list")),
        };
        match key.starts_with("general.") && key.len() <= 200 {
            true => Ok((key.clone(), value)),
            false => Err(format!("`{key}` is no key of `general.`")),
        }
    };
    map.iter().map(one).collect()
}

/// What one GGUF is made from.
#[derive(Debug)]
pub struct Making<'a> {
    /// The base's shape.
    pub architecture: &'a Architecture,
    /// Its tensors.
    pub weights: &'a Weights,
    /// The adapter.
    pub adapter: Option<&'a Adapter>,
    /// The tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Keys of name, license and lineage.
    pub about: &'a [(String, Value)],
    /// Importances by tensor.
    pub importance: Option<&'a BTreeMap<String, Vec<f32>>>,
}

impl Making<'_> {
    /// Writes one file and verifies it. `prompt` is what a llama.cpp at hand is asked.
    ///
    /// # Errors
    /// What llama.cpp would compute otherwise; what the disk says; a file that does not read back.
    pub fn gguf(
        &self,
        path: &Path,
        format: Format,
        prompt: &str,
        progress: impl FnMut(usize, usize),
    ) -> Result<Verified, Vec<String>> {
        let export = Export {
            architecture: self.architecture,
            tensors: &self.weights.tensors,
            adapter: self.adapter,
            tokenizer: self.tokenizer,
            about: self.about,
            importance: self.importance,
        };
        let made = export.write(path, format, progress)?;
        made.verify(path).map_err(|e| vec![e])?;
        Ok(Verified {
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            format: format.name().into(),
            bytes: made.written.bytes,
            sha256: made.written.sha256.clone(),
            read_back: true,
            relative_error: made.relative_error,
            llama_cpp: asked(path, prompt),
            notes: export.notes(),
        })
    }
}

/// A program of llama.cpp's: the one that `FREEHOLD_LLAMA_CPP` names, else the first on PATH.
fn llama_cpp() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("FREEHOLD_LLAMA_CPP") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["llama-completion", "llama-cli"].map(|n| format!("{n}{}", std::env::consts::EXE_SUFFIX));
    names.iter().flat_map(|n| folders.iter().map(move |f| f.join(n))).find(|p| p.is_file())
}

/// What a llama.cpp at hand answers.
fn asked(model: &Path, prompt: &str) -> Json {
    let Some(program) = llama_cpp() else {
        return json!({"asked": false, "why": "no llama-completion or llama-cli on PATH (FREEHOLD_LLAMA_CPP names one)"});
    };
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let out = Command::new(&program)
        .arg("-m")
        .arg(model)
        .args(["-p", prompt, "-n", "24", "--temp", "0", "-no-cnv", "--no-display-prompt"])
        .stdin(std::process::Stdio::null())
        .output();
    match out {
        Ok(out) if out.status.success() => {
            let text: String = String::from_utf8_lossy(&out.stdout).chars().take(400).collect();
            json!({"asked": true, "program": name, "loads": true, "answer": text.trim()})
        }
        Ok(out) => {
            let said = String::from_utf8_lossy(&out.stderr);
            let last: String =
                said.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("").chars().take(200).collect();
            json!({"asked": true, "program": name, "loads": false, "why": last})
        }
        Err(e) => json!({"asked": false, "why": format!("{name} does not start: {}", e.kind())}),
    }
}

/// Answers before and after, as a page.
pub fn samples(prompts: &[String], before: &[String], after: &[String]) -> String {
    let quoted = |text: &str| text.trim().lines().map(|l| format!("> {l}")).collect::<Vec<_>>().join("\n");
    let mut out = String::from("# Answers before and after\n\nThe most likely tokens; nothing is drawn.\n");
    for ((prompt, before), after) in prompts.iter().zip(before).zip(after) {
        out.push_str(&format!(
            "\n## {}\n\nBefore:\n\n{}\n\nAfter:\n\n{}\n",
            prompt.replace('\n', " "),
            quoted(before),
            quoted(after)
        ));
    }
    out
}

/// A Modelfile for the file beside it.
pub fn modelfile(file: &str, tokenizer: &Tokenizer) -> String {
    let mut out = format!("FROM ./{file}\n");
    for end in tokenizer.ends() {
        if let Some(text) = tokenizer.token(end).filter(|t| !t.contains(['"', '\n'])) {
            out.push_str(&format!("PARAMETER stop \"{text}\"\n"));
        }
    }
    out
}

/// The name of the `n`th GGUF.
pub fn gguf_file(n: usize, format: Format) -> String {
    if n == 0 { "model.gguf".into() } else { format!("model-{}.gguf", format.name()) }
}

/// The whole of what follows a training that ran `tokens` tokens; gives the report that `run/report.json` holds.
///
/// # Errors
/// Whatever keeps a file from being written or verified.
pub fn finish(
    plan: &Plan,
    adapter: &Adapter,
    tokens: u64,
    about: &[(String, Value)],
    mut say: impl FnMut(&str),
) -> Result<Json, Vec<String>> {
    let one = |e: String| vec![e];
    let (recipe, run, bundle) = (&plan.recipe, plan.run_folder(), plan.recipe.out().join("bundle"));
    std::fs::create_dir_all(&bundle).map_err(|e| vec![format!("{}: {}", bundle.display(), e.kind())])?;
    let base = recipe.path(&recipe.base.path);
    let name = recipe.base.model.clone().unwrap_or_else(|| recipe.base.path.to_string_lossy().into_owned());
    write_adapter(&bundle.join("adapter"), adapter, &name).map_err(one)?;
    let prompts = &recipe.probe.prompts;
    if !prompts.is_empty() {
        say("asking the probe's prompts before and after");
        let (before, after) = (plan.answers(None).map_err(one)?, plan.answers(Some(adapter)).map_err(one)?);
        write(&run.join("samples.md"), &[samples(prompts, &before, &after).as_bytes()]).map_err(one)?;
    }
    let weights = Weights::open(&base)?;
    if recipe.output.merged {
        say("merging");
        write_merged(&bundle.join("merged"), &base, &weights, adapter).map_err(one)?;
    }
    let importance = recipe.output.importance.then(|| {
        say("weighing columns over the data");
        plan.importance(adapter)
    });
    let making = Making {
        architecture: &plan.model.architecture,
        weights: &weights,
        adapter: Some(adapter),
        tokenizer: &plan.tokenizer,
        about,
        importance: importance.as_ref(),
    };
    let mut verified = Vec::new();
    for (n, format) in recipe.output.formats.iter().enumerate() {
        let file = gguf_file(n, *format);
        say(&format!("writing {file} ({})", format.name()));
        let prompt = prompts.first().map_or("Hello", String::as_str);
        verified.push(making.gguf(&bundle.join(&file), *format, prompt, |_, _| {})?);
    }
    let file = gguf_file(0, recipe.output.formats[0]);
    write(&bundle.join("Modelfile"), &[modelfile(&file, &plan.tokenizer).as_bytes()]).map_err(one)?;
    let evaluation = (!plan.evaluation.is_empty()).then(|| {
        say("evaluating before and after");
        json!({"rows": plan.evaluation.len(), "loss_before": plan.evaluate(None), "loss_after": plan.evaluate(Some(adapter))})
    });
    let report = json!({
        "schema": "freehold.tune-run/1",
        "name": recipe.name,
        "training": plan.digest,
        "steps": plan.steps,
        "tokens": tokens,
        "parameters": plan.model.architecture.parameters(),
        "recompute": plan.recompute,
        "memory": plan.memory,
        "adapter": {"rank": adapter.shape.rank, "alpha": adapter.shape.alpha, "rslora": adapter.shape.rslora,
            "targets": adapter.shape.targets, "parameters": adapter.parameters()},
        "data": plan.reports,
        "evaluation": evaluation,
        "files": verified,
    });
    let text = serde_json::to_string_pretty(&report).map_err(|e| vec![e.to_string()])?;
    write(&run.join("report.json"), &[text.as_bytes(), b"\n"]).map_err(one)?;
    Ok(report)
}
