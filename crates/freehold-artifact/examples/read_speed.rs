//! Times the readers of large headers: a GGUF with a vocabulary of 128,256 words and 280,147 merges, a safetensors header
//! of 10,000 tensors, and any files that are named. With `FREEHOLD_PYTHON` (a Python that has the packages `gguf` and
//! `safetensors`) those are timed on the same files in the same run.
//!
//! `cargo run --release -p freehold-artifact --example read_speed [FILE…]`

#![expect(clippy::print_stdout, reason = "an example that prints what it measured")]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use freehold_artifact::{ReadAt, read_file};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const RUNS: usize = 101;
const WORDS: usize = 128_256;
const MERGES: usize = 280_147;
const TENSORS: u64 = 10_000;

struct Disk(File, u64);

impl ReadAt for Disk {
    fn size(&self) -> u64 {
        self.1
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = &self.0;
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }
}

fn main() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let mut files = vec![dir.path().join("words.gguf"), dir.path().join("tensors.safetensors")];
    std::fs::write(&files[0], gguf())?;
    safetensors(&files[1])?;
    files.extend(std::env::args().skip(1).map(PathBuf::from));
    println!("| file | reader | median | least | most |\n|---|---|---|---|---|");
    for file in &files {
        let mut read = 0;
        let times = timed(|| {
            let open = File::open(file)?;
            let size = open.metadata()?.len();
            let said = read_file(&file.to_string_lossy(), &Disk(open, size));
            read = said.bytes_read;
            Ok(())
        })?;
        row(file, &format!("Freehold, {} kB read", read / 1000), &times);
        if let Some(python) = std::env::var_os("FREEHOLD_PYTHON") {
            let out = Command::new(python).arg("-c").arg(PYTHON).arg(file).output()?;
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            let mut lines = text.lines();
            let reader = lines.next().unwrap_or("not installed");
            let times: Vec<f64> = lines.filter_map(|l| l.parse().ok()).collect();
            row(file, reader, &times);
        }
    }
    Ok(())
}

/// What the packages do to list the metadata of a file: once to warm, then five times.
const PYTHON: &str = r#"
import sys, time, importlib.metadata as m
p = sys.argv[1]
if p.endswith(".gguf"):
    import gguf
    print("PyPI gguf " + m.version("gguf"))
    work = lambda: [f.parts for f in gguf.GGUFReader(p).fields.values()]
else:
    import safetensors
    print("PyPI safetensors " + m.version("safetensors"))
    def work():
        with safetensors.safe_open(p, "np") as f: return f.metadata(), len(f.keys())
work()
for _ in range(5):
    t = time.perf_counter(); work(); print((time.perf_counter() - t) * 1e3)
"#;

fn timed(mut work: impl FnMut() -> Outcome<()>) -> Outcome<Vec<f64>> {
    work()?;
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn row(file: &Path, reader: &str, times: &[f64]) {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let at = |i: usize| times.get(i).copied().unwrap_or_default();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let last = times.len().saturating_sub(1);
    println!("| {name} | {reader} | {:.3} ms | {:.3} ms | {:.3} ms |", at(times.len() / 2), at(0), at(last));
}

fn text(out: &mut Vec<u8>, s: &str) {
    out.extend(u64::try_from(s.len()).unwrap_or_default().to_le_bytes());
    out.extend(s.bytes());
}

fn key(out: &mut Vec<u8>, name: &str, kind: u32) {
    text(out, name);
    out.extend(kind.to_le_bytes());
}

fn array(out: &mut Vec<u8>, name: &str, kind: u32, n: usize) {
    key(out, name, 9);
    out.extend(kind.to_le_bytes());
    out.extend(u64::try_from(n).unwrap_or_default().to_le_bytes());
}

fn gguf() -> Vec<u8> {
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend(0_u64.to_le_bytes());
    out.extend(7_u64.to_le_bytes());
    for (name, value) in [("general.architecture", "llama"), ("general.name", "words")] {
        key(&mut out, name, 8);
        text(&mut out, value);
    }
    array(&mut out, "tokenizer.ggml.tokens", 8, WORDS);
    (0..WORDS).for_each(|i| text(&mut out, &format!("w{i:x}")));
    array(&mut out, "tokenizer.ggml.token_type", 5, WORDS);
    out.extend((0..WORDS).flat_map(|_| 1_i32.to_le_bytes()));
    array(&mut out, "tokenizer.ggml.merges", 8, MERGES);
    (0..MERGES).for_each(|i| text(&mut out, &format!("w{:x} {:x}", i / 3, i % 97)));
    for (name, value) in [("tokenizer.chat_template", "{{ messages }}"), ("general.license", "apache-2.0")] {
        key(&mut out, name, 8);
        text(&mut out, value);
    }
    out
}

/// A header of many tensors over a sparse file of the size that they declare.
fn safetensors(path: &Path) -> Outcome<()> {
    let mut header = String::from("{\"__metadata__\":{\"format\":\"pt\"}");
    let bytes = 4096 * 4096 * 2_u64;
    for n in 0..TENSORS {
        let name = format!("model.layers.{}.mlp.experts.{}.down_proj.weight", n / 100, n % 100);
        let (from, to) = (n * bytes, (n + 1) * bytes);
        header += &format!(",\"{name}\":{{\"dtype\":\"BF16\",\"shape\":[4096,4096],\"data_offsets\":[{from},{to}]}}");
    }
    header.push('}');
    let length = u64::try_from(header.len())?;
    let mut file = File::create(path)?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    file.set_len(8 + length + TENSORS * bytes)?;
    Ok(())
}
