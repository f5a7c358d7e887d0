//! Times identification in one process: `bench_identify INDEX PATH… [--repeat N] [--answers]`. A PATH is a file or a
//! folder that is walked for `*.txt`. The files are read first; what is timed is `identify` alone, the best of N (3).
//! `--answers` prints one line a file: match, edition, parts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use freehold_text::{Index, Limits, identify};

fn main() -> ExitCode {
    let mut paths = Vec::new();
    let (mut repeat, mut answers) = (3u32, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--repeat" => repeat = args.next().and_then(|n| n.parse().ok()).unwrap_or(3),
            "--answers" => answers = true,
            _ => paths.push(PathBuf::from(arg)),
        }
    }
    match paths.split_first().map(|(index, paths)| bench(index, paths, repeat.max(1), answers)) {
        Some(Ok(report)) => say(&report, ExitCode::SUCCESS),
        Some(Err(message)) => say(&message, ExitCode::FAILURE),
        None => say("usage: bench_identify INDEX PATH… [--repeat N] [--answers]", ExitCode::FAILURE),
    }
}

#[expect(clippy::print_stdout, reason = "an example speaks to the terminal")]
fn say(text: &str, code: ExitCode) -> ExitCode {
    println!("{text}");
    code
}

fn bench(index: &Path, paths: &[PathBuf], repeat: u32, answers: bool) -> Result<String, String> {
    let bytes = std::fs::read(index).map_err(|e| format!("{}: {e}", index.display()))?;
    let start = Instant::now();
    let index = Index::from_bytes(&bytes).map_err(|e| e.to_string())?;
    let opened = start.elapsed();
    let mut files = Vec::new();
    for path in paths {
        walk(path, true, &mut files);
    }
    files.sort();
    let mut out = String::new();
    let mut times = Vec::new();
    let mut size = 0;
    for path in &files {
        let Ok(raw) = std::fs::read(path) else { continue };
        let text = String::from_utf8_lossy(&raw);
        size += text.len();
        let mut best = u128::MAX;
        for round in 0..repeat {
            let start = Instant::now();
            let found = identify(&index, &text, Limits::default());
            best = best.min(start.elapsed().as_nanos());
            if answers && round == 0 {
                let parts: Vec<&str> = found.parts.iter().map(|p| p.edition.as_str()).collect();
                let name = found.edition.as_deref().unwrap_or("-");
                out.push_str(&format!("{}\t{name}\t{}\t{}\n", found.matched.as_str(), parts.join(","), path.display()));
            }
        }
        times.push((best, path));
    }
    times.sort();
    let at = |share: usize| times.get((times.len() * share / 1000).min(times.len().saturating_sub(1)));
    let ms = |t: Option<&(u128, &PathBuf)>| t.map_or(0.0, |(n, _)| to_ms(*n));
    let total: u128 = times.iter().map(|(n, _)| n).sum();
    let mean = to_ms(total) / f64::from(u32::try_from(times.len()).unwrap_or(1).max(1));
    out.push_str(&format!(
        "{} texts, {} kB, {} editions; index opened in {:.3} ms\nmean {mean:.3} ms, median {:.3}, 99 % {:.3}, worst {:.3} ({})",
        times.len(),
        size >> 10,
        index.len(),
        to_ms(opened.as_nanos()),
        ms(at(500)),
        ms(at(990)),
        ms(times.last()),
        times.last().map_or(String::new(), |(_, p)| p.display().to_string()),
    ));
    Ok(out)
}

fn to_ms(ns: u128) -> f64 {
    f64::from(u32::try_from(ns / 1000).unwrap_or(u32::MAX)) / 1000.0
}

fn walk(path: &Path, named: bool, out: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            walk(&entry.path(), false, out);
        }
    } else if named || path.extension().is_some_and(|e| e == "txt") {
        out.push(path.to_path_buf());
    }
}
