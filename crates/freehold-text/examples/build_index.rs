//! Builds the index of license texts: `build_index TEXTS_DIR OUT [TABLE]`. The name of a file less `.txt` is the id of
//! its edition; TABLE (`index.tsv`: first column the id, last the kind) says which texts are policies.

use std::collections::BTreeMap;
use std::process::ExitCode;

use freehold_text::{EditionKind, build_index_from};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (dir, out, table) = match args.as_slice() {
        [dir, out] => (dir, out, None),
        [dir, out, table] => (dir, out, Some(table)),
        _ => return say("usage: build_index TEXTS_DIR OUT [TABLE]"),
    };
    match build(dir, table).and_then(|bytes| std::fs::write(out, bytes).map_err(|e| format!("{out}: {e}"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => say(&message),
    }
}

#[expect(clippy::print_stderr, reason = "an example speaks to the terminal")]
fn say(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

fn build(dir: &str, table: Option<&String>) -> Result<Vec<u8>, String> {
    let read = |path: &str| std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"));
    let table = table.map(|t| read(t)).transpose()?.unwrap_or_default();
    let kinds: BTreeMap<&str, EditionKind> = table
        .lines()
        .filter_map(|l| Some((l.split('\t').next()?, EditionKind::parse(l.rsplit('\t').next()?)?)))
        .collect();
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| format!("{dir}: {e}"))? {
        let path = entry.map_err(|e| format!("{dir}: {e}"))?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("").to_owned();
        if let Some(id) = name.strip_suffix(".txt") {
            let text = std::fs::read(&path).map_err(|e| format!("{name}: {e}"))?;
            let kind = kinds.get(id).copied().unwrap_or(EditionKind::License);
            texts.push((id.to_owned(), kind, String::from_utf8_lossy(&text).into_owned()));
        }
    }
    build_index_from(texts).map_err(|e| e.to_string())
}
