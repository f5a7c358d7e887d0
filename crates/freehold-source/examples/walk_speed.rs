//! Times the walk alone: many small model folders, a plain read of the first 4 KiB of each file beside [`each`].
//!
//! `cargo run --release -p freehold-source --example walk_speed [FOLDERS] [RUNS]`

#![expect(clippy::print_stdout, reason = "an example that prints what it measured")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use freehold_source::{Limits, each};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const CARD: &str = "---\nlicense: apache-2.0\nbase_model: acme/base-7b\nlanguage:\n- en\ntags:\n- text-generation\n---\n\n\
                    # A model\n\nWhat it was trained on and what it is for.\n";
const CONFIG: &str = "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": 4096, \
                      \"num_hidden_layers\": 32, \"vocab_size\": 32000, \"torch_dtype\": \"bfloat16\"}";

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<usize>());
    let folders = args.next().transpose()?.unwrap_or(10_000);
    let runs = args.next().transpose()?.unwrap_or(7).max(1);
    let root = tempfile::tempdir()?;
    let header = "{\"w\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}";
    let weights = [u64::try_from(header.len())?.to_le_bytes().as_slice(), header.as_bytes(), &[0, 0]].concat();
    for n in 0..folders {
        let folder = root.path().join(format!("{:03}/m{n:06}", n / 100));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("README.md"), CARD)?;
        fs::write(folder.join("config.json"), CONFIG)?;
        fs::write(folder.join("model.safetensors"), &weights)?;
    }
    println!("| {folders} folders | median | least | most |\n|---|---|---|---|");
    timed("names alone", runs, || names(root.path()))?;
    timed("first 4 KiB of each file", runs, || plain(root.path(), &mut [0; 4096]))?;
    timed("`each`", runs, || {
        let mut found = 0;
        each(root.path(), &Limits::default(), &mut |_| found += 1).map_err(|d| d.message)?;
        Ok(found)
    })?;
    Ok(())
}

fn timed(what: &str, runs: usize, mut work: impl FnMut() -> Outcome<usize>) -> Outcome<()> {
    let count = work()?;
    let mut times = Vec::new();
    for _ in 0..runs {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |i: usize| times.get(i).copied().unwrap_or_default();
    println!("| {what}: {count} | {:.0} ms | {:.0} ms | {:.0} ms |", at(runs / 2), at(0), at(runs - 1));
    Ok(())
}

fn names(dir: &Path) -> Outcome<usize> {
    let mut count = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { names(&entry.path())? } else { 1 };
    }
    Ok(count)
}

fn plain(dir: &Path, buffer: &mut [u8]) -> Outcome<usize> {
    let mut count = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            count += plain(&entry.path(), buffer)?;
        } else {
            let n = fs::File::open(entry.path())?.read(buffer)?;
            count += usize::from(n > 0);
        }
    }
    Ok(count)
}
