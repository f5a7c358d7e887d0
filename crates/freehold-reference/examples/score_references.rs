//! Scores the scanner: `score_references LABELS.tsv FOLDER [--half NAME] [-v]`. LABELS has a heading and the columns
//! file (in FOLDER), kind (`none` where the file names nothing), id, unresolved (0 or 1), half. A reference is right
//! where file, kind, id and unresolved agree; repeats count once. Misses and extras are printed; `-v` prints hits too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use freehold_reference::{Limits, scan};

type Row = (String, String, bool);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let only = args.iter().position(|a| a == "--half").and_then(|i| args.get(i + 1)).cloned();
    let verbose = args.iter().any(|a| a == "-v");
    let (Some(labels), Some(folder)) = (args.first(), args.get(1)) else {
        return say("usage: score_references LABELS.tsv FOLDER [--half NAME] [-v]", ExitCode::FAILURE);
    };
    match score(Path::new(labels), Path::new(folder), only.as_deref(), verbose) {
        Ok(report) => say(&report, ExitCode::SUCCESS),
        Err(message) => say(&message, ExitCode::FAILURE),
    }
}

#[expect(clippy::print_stdout, reason = "an example speaks to the terminal")]
fn say(text: &str, code: ExitCode) -> ExitCode {
    println!("{}", text.trim_end());
    code
}

fn score(labels: &Path, folder: &Path, only: Option<&str>, verbose: bool) -> Result<String, String> {
    let table = std::fs::read_to_string(labels).map_err(|e| format!("{}: {e}", labels.display()))?;
    let mut halves: BTreeMap<String, BTreeMap<String, BTreeSet<Row>>> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [file, kind, id, unresolved, half, ..] = cells.as_slice() else {
            return Err(format!("five columns expected: {line}"));
        };
        let rows = halves.entry((*half).to_owned()).or_default().entry((*file).to_owned()).or_default();
        if *kind != "none" {
            rows.insert(((*kind).to_owned(), (*id).to_owned(), *unresolved == "1"));
        }
    }
    let mut out = String::new();
    for (half, files) in halves.iter().filter(|(h, _)| only.is_none_or(|o| o == h.as_str())) {
        let (mut right, mut missed, mut extra) = (0u32, 0u32, 0u32);
        for (file, wanted) in files {
            let path = folder.join(file);
            let raw = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let scanned = scan(file, &String::from_utf8_lossy(&raw), &Limits::default());
            let found: BTreeMap<Row, String> = scanned
                .references
                .iter()
                .map(|r| {
                    (
                        (r.kind.as_str().to_owned(), r.id.clone(), r.unresolved),
                        format!("{}: {}", r.construct, r.excerpt),
                    )
                })
                .collect();
            for row in wanted {
                if found.contains_key(row) {
                    right += 1;
                    if verbose {
                        out.push_str(&format!("  hit    {file}\t{}\t{}\n", row.0, row.1));
                    }
                } else {
                    missed += 1;
                    out.push_str(&format!("  missed {file}\t{}\t{}\t{}\n", row.0, row.1, u8::from(row.2)));
                }
            }
            for (row, place) in found.iter().filter(|(row, _)| !wanted.contains(*row)) {
                extra += 1;
                out.push_str(&format!("  extra  {file}\t{}\t{}\t{}\t{place}\n", row.0, row.1, u8::from(row.2)));
            }
        }
        let share = |a: u32, b: u32| if a + b == 0 { 1.0 } else { f64::from(a) / f64::from(a + b) };
        let (precision, recall) = (share(right, extra), share(right, missed));
        out.push_str(&format!(
            "{half}: {} files, {right} right, {extra} extra, {missed} missed; precision {precision:.3}, recall {recall:.3}\n",
            files.len()
        ));
    }
    Ok(out)
}
