//! Times the command as a user runs it: whole processes, from start to exit.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs of a short command that are timed, after one that warms the file cache.
const RUNS: usize = 41;
/// Runs over the folder of many models.
const RUNS_MANY: usize = 5;
/// Models of that folder.
const MODELS: usize = 10_000;

/// `cargo xtask bench`: median, least and most wall time, and the memory at its peak: a check of one model, the start
/// alone, a check of ten thousand models beside a plain read of the same files.
pub(crate) fn command() -> Result<String, String> {
    let root = crate::root();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "-p", "freehold"])
        .current_dir(&root)
        .status()
        .map_err(|e| e.to_string())?;
    if !built.success() {
        return Err("the command does not build".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let bin = target.join("release/freehold");
    let lora = "examples/support-bot-lora";
    let (model, uses, release) = (format!("{lora}/model"), format!("{lora}/use.toml"), format!("{lora}/release"));
    let check = ["check", &model, "--use", &uses, "--release", &release];
    let mut out = String::from("| what | median | least | most | memory at its peak |\n|---|---|---|---|---|\n");
    out.push_str(&row("`freehold check` of one model", &bin, &check, &root, RUNS)?);
    out.push_str(&row("`freehold explain mit`", &bin, &["explain", "mit"], &root, RUNS)?);
    let many = std::env::temp_dir().join(format!("freehold-bench-{}", std::process::id()));
    let done = models(&many).and_then(|()| {
        let path = many.display().to_string();
        let args = ["check", &path, "--access", "weights", "--commercial=yes", "--activities", "none"];
        let scanned = row(&format!("`freehold scan` of {MODELS} models"), &bin, &["scan", &path], &root, RUNS_MANY)?;
        let checked = row(&format!("`freehold check` of {MODELS} models"), &bin, &args, &root, RUNS_MANY)?;
        let read = timed(RUNS_MANY, || plain_read(&many))?;
        Ok(format!(
            "{scanned}{checked}| a plain read of the first 4 KiB of each of their files | {} | |\n",
            columns(&read)
        ))
    });
    let removed = fs::remove_dir_all(&many);
    out.push_str(&done?);
    removed.map_err(|e| format!("{}: {e}", many.display()))?;
    Ok(out)
}

fn timed(runs: usize, mut work: impl FnMut() -> Result<(), String>) -> Result<Vec<f64>, String> {
    work()?;
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn columns(times: &[f64]) -> String {
    let at = |i: usize| times.get(i).copied().unwrap_or_default();
    format!("{:.1} ms | {:.1} ms | {:.1} ms", at(times.len() / 2), at(0), at(times.len().saturating_sub(1)))
}

fn row(name: &str, bin: &Path, args: &[&str], root: &Path, runs: usize) -> Result<String, String> {
    let run = |command: &mut Command| {
        let command = command.args(args).current_dir(root).stdout(Stdio::null());
        command.output().map_err(|e| format!("{}: {e}", bin.display()))
    };
    let times = timed(runs, || run(&mut Command::new(bin)).map(|_| ()))?;
    let memory = run(Command::new("/usr/bin/time").args(["-f", "%M"]).arg(bin)).ok();
    let memory = memory.and_then(|o| String::from_utf8_lossy(&o.stderr).lines().last()?.trim().parse::<u64>().ok());
    let memory = memory.map_or("not measured: no /usr/bin/time".into(), |kb| format!("{:.1} MB", kb as f64 / 1024.0));
    Ok(format!("| {name} | {} | {memory} |\n", columns(&times)))
}

/// Ten thousand small models of five files: a card, three configs, a safetensors header.
fn models(dir: &Path) -> Result<(), String> {
    const BASES: [&str; 4] =
        ["meta-llama/Llama-3.1-8B-Instruct", "google/gemma-2-9b-it", "Qwen/Qwen2.5-7B", "mistralai/Mistral-7B-v0.3"];
    let header = "{\"__metadata__\":{\"format\":\"pt\"}}        ";
    let mut weights = u64::try_from(header.len()).unwrap_or_default().to_le_bytes().to_vec();
    weights.extend_from_slice(header.as_bytes());
    for n in 0..MODELS {
        let folder = dir.join(format!("org{}/m{n}", n % 50));
        let card = format!("---\nlicense: apache-2.0\nbase_model: {}\n---\n# m{n}\n", BASES[n % BASES.len()]);
        let files: [(&str, &[u8]); 5] = [
            ("README.md", card.as_bytes()),
            ("config.json", b"{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"]}"),
            (
                "generation_config.json",
                b"{\"_from_model_config\":true,\"bos_token_id\":128000,\"eos_token_id\":128001}",
            ),
            ("tokenizer_config.json", b"{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"model_max_length\":131072}"),
            ("model.safetensors", &weights),
        ];
        fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        for (name, bytes) in files {
            fs::write(folder.join(name), bytes).map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

fn plain_read(dir: &Path) -> Result<(), String> {
    let mut open = vec![dir.to_path_buf()];
    let mut bytes = Vec::with_capacity(4096);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| e.to_string())? {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                bytes.clear();
                let file = fs::File::open(&path).map_err(|e| e.to_string())?;
                file.take(4096).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(())
}
