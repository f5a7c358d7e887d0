//! `--baseline` and `--write-baseline`: what is known of the models of a repository.

use std::path::Path;

use freehold_base::Diagnostic;
use freehold_wire::pipeline::{BASELINE_BYTES_MAX, Baseline, Known, Pipeline};

/// Most entries that are named one by one.
const NAMED_MAX: usize = 5;
/// Most models whose known verdicts are named.
const KNOWN_MAX: usize = 20;

/// The baseline of a run: the one to be read, else what stands in the file to be written; `None` where neither is asked for.
pub(super) fn read(baseline: Option<&str>, write: Option<&str>) -> Result<Option<Baseline>, Vec<Diagnostic>> {
    let Some(file) = baseline.or(write) else { return Ok(None) };
    // what is to be written need not be there yet
    if baseline.is_none() && !Path::new(file).exists() {
        return Ok(Some(Baseline::default()));
    }
    let wrong = |code, why: String| {
        let d = Diagnostic::error(code, why).in_file(file);
        vec![d.help("`freehold check WHAT --write-baseline FILE` writes one")]
    };
    let size = std::fs::metadata(file).map_err(|e| wrong("unreadable", format!("cannot be read: {e}")))?.len();
    if usize::try_from(size).is_ok_and(|n| n > BASELINE_BYTES_MAX) {
        return Err(wrong("file-too-large", format!("a baseline of {size} bytes; the limit is {BASELINE_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(file).map_err(|e| wrong("unreadable", format!("cannot be read: {e}")))?;
    match Baseline::parse(file, &text) {
        Ok(read) => Ok(Some(read)),
        Err(_) if baseline.is_none() => {
            let d =
                Diagnostic::error("exists", "there is a file that is no baseline; it is left as it is").in_file(file);
            Err(vec![d.help("give another name after `--write-baseline`")])
        }
        Err(mistakes) => Err(mistakes),
    }
}

/// Marks what is known, and writes a new baseline where one is asked for: what to tell the user, or why it failed.
pub(super) fn apply(
    baseline: Option<Baseline>,
    write: Option<&str>,
    run: &mut Pipeline,
) -> Option<Result<Vec<String>, Diagnostic>> {
    let mut baseline = baseline?;
    let mut told = Vec::new();
    if let Some(file) = write {
        let new = Baseline::of(run, &baseline);
        if let Err(e) = std::fs::write(file, new.to_toml()) {
            return Some(Err(Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(file)));
        }
        told.push(format!("wrote {file}: {} known; `freehold check … --baseline {file}` leaves them out", new.len()));
        baseline = new;
    }
    let (mended, elsewhere) = baseline.mark(run);
    if write.is_none() {
        told.extend(known(run));
    }
    told.extend(removable(&mended, "is no longer so"));
    let gone: Vec<Known> =
        elsewhere.into_iter().filter(|k| !Path::new(&k.model).exists() && !k.model.contains('#')).collect();
    told.extend(removable(&gone, "is about a model that is not there any more"));
    Some(Ok(told))
}

/// What is known and would count, a line a model.
fn known(run: &Pipeline) -> Vec<String> {
    let mut out = Vec::new();
    for m in &run.models {
        let known: Vec<_> = m.issues.iter().filter(|i| i.outcome.is_some() && i.since.is_some()).collect();
        let since = known.iter().filter_map(|i| i.since.as_deref()).max();
        if let Some(since) = since {
            let codes: Vec<&str> = known.iter().map(|i| i.code.as_str()).collect();
            out.push(format!("not counted: {}: {}, in the baseline since {since}", m.path, codes.join(", ")));
        }
    }
    if out.len() > KNOWN_MAX {
        let more = out.len() - KNOWN_MAX;
        out.truncate(KNOWN_MAX);
        out.push(format!("not counted: … and {more} more models in the baseline"));
    }
    out
}

fn removable(entries: &[Known], why: &str) -> Vec<String> {
    let mut out: Vec<String> = entries
        .iter()
        .take(NAMED_MAX)
        .map(|k| {
            let cite = [&k.key.license, &k.key.clause, &k.key.work].map(String::as_str).join(" ");
            let cite = cite.split_whitespace().collect::<Vec<_>>().join(" ");
            let cite = if cite.is_empty() { String::new() } else { format!(" ({cite})") };
            format!("baseline: {}: {}{cite}, since {}, {why}; take the entry out", k.model, k.key.code, k.since)
        })
        .collect();
    if entries.len() > NAMED_MAX {
        out.push(format!("baseline: … and {} more; --write-baseline writes it anew", entries.len() - NAMED_MAX));
    }
    out
}
