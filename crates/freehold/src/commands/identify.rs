//! `freehold identify`: which license a text is, word for word, and where it differs.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_documents::{Identified, IdentifiedDifference, IdentifiedPart};
use freehold_text::{Identification, Limits, Match, Words, identify};
use freehold_wire::{IdentificationReport, IdentifiedFile, NearEdition, TextDifference};

use super::{print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::text_index;

/// Most bytes of one text that are read; what follows is not identified.
const TEXT_BYTES_MAX: u64 = 4 << 20;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let index = match text_index() {
        Ok(index) => index,
        Err(d) => {
            report(&[d]);
            return 70;
        }
    };
    let format = get(matches, "format").unwrap_or("human");
    let (mut read, mut open, mut failed) = (0usize, 0usize, false);
    let originals = get(matches, "texts").map(Path::new);
    let (mut rows, mut mistakes) = (Vec::new(), Vec::new());
    for name in all(matches, "what") {
        let files = match texts(name) {
            Ok(files) => files,
            Err(d) => {
                failed = true;
                report(std::slice::from_ref(&d));
                mistakes.push(d);
                continue;
            }
        };
        for (file, text) in files {
            let id = identify(&index, &text, Limits::default());
            read += 1;
            open += usize::from(id.matched != Match::Exact);
            let row = public(&file, &id, originals);
            match format {
                "jsonl" => print(&format!("{}\n", serde_json::to_string(&row).unwrap_or_default())),
                "json" => rows.push(row),
                _ => print(&freehold_documents::identification(catalog, &shown(&row), style())),
            }
        }
    }
    if format == "json" {
        let report = IdentificationReport::new(rows, &mistakes);
        print(&format!("{}\n", serde_json::to_string_pretty(&report).unwrap_or_default()));
    }
    match (failed, read, open) {
        (true, _, _) => exit::UNREADABLE,
        (_, 0, _) => {
            report(&[Diagnostic::warning("nothing-found", "no text was found")
                .help("give a file, a folder with license files, or - for standard input")]);
            exit::NOTHING
        }
        (_, _, 0) => exit::CLEAR,
        _ => exit::OPEN,
    }
}

/// The texts of a name: a file, the license texts of a folder, standard input.
#[expect(clippy::result_large_err, reason = "once a file")]
fn texts(name: &str) -> Result<Vec<(String, String)>, Diagnostic> {
    let unreadable =
        |e: std::io::Error| Diagnostic::error("unreadable", format!("cannot be read: {}", e.kind())).in_file(name);
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin().lock().take(TEXT_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
        return Ok(vec![(name.to_string(), String::from_utf8_lossy(&bytes).into_owned())]);
    }
    let path = Path::new(name);
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        let found = freehold_source::read_texts(path)?;
        let legal = |file: &str| {
            let base = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
            ["license", "licence", "copying", "notice", "policy", "terms", "unlicense"].iter().any(|w| base.contains(w))
        };
        return Ok(found.into_iter().filter(|(f, _)| legal(f)).map(|(f, t)| (format!("{name}/{f}"), t)).collect());
    }
    if !metadata.is_file() {
        return Err(Diagnostic::error("not-a-file", "neither a folder nor a regular file").in_file(name));
    }
    std::fs::File::open(path).map_err(unreadable)?.take(TEXT_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(vec![(name.to_string(), String::from_utf8_lossy(&bytes).into_owned())])
}

/// The public form. `texts` holds license texts, `ID.txt` each: then the words that were changed are shown.
fn public(file: &str, id: &Identification, texts: Option<&Path>) -> IdentifiedFile {
    let mut originals: BTreeMap<String, Option<String>> = BTreeMap::new();
    let differences = id
        .differences
        .iter()
        .map(|d| TextDifference {
            license: d.edition.clone(),
            kind: d.kind.as_str().into(),
            clause: d.clause.clone(),
            was: d.was.clone().or_else(|| {
                let dir = texts?;
                let text = originals.entry(d.edition.clone()).or_insert_with(|| original(dir, &d.edition));
                words_between(text.as_deref()?, d.words)
            }),
            is: d.is.clone(),
            range: [d.range.0, d.range.1],
            words: [d.words.0, d.words.1],
        })
        .collect();
    IdentifiedFile {
        file: file.to_string(),
        license: id.edition.clone(),
        matched: id.matched.as_str().into(),
        parts: id
            .parts
            .iter()
            .map(|p| freehold_wire::IdentifiedPart {
                license: p.edition.clone(),
                matched: p.matched.as_str().into(),
                coverage: f64::from(p.coverage) / 1000.0,
                range: [p.range.0, p.range.1],
            })
            .collect(),
        differences,
        near: id
            .near
            .iter()
            .map(|(n, c)| NearEdition { license: n.clone(), similarity: f64::from(*c) / 1000.0 })
            .collect(),
        points_to: id.points_to.clone(),
        other_words: id.other_words,
    }
}

/// The text of an edition, from a folder that the user gave. Ids are the index's own, and hold no path.
fn original(dir: &Path, edition: &str) -> Option<String> {
    std::fs::read_to_string(dir.join(format!("{edition}.txt"))).ok()
}

/// The words from one index to another, as they are written.
fn words_between(text: &str, (from, to): (u32, u32)) -> Option<String> {
    let words = Words::of(text);
    let at = |i: u32| words.words.get(usize::try_from(i).ok()?);
    let (first, last) = (at(from)?, at(to.checked_sub(1)?)?);
    let range = usize::try_from(first.start).ok()?..usize::try_from(last.end).ok()?;
    Some(text.get(range)?.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn shown(f: &IdentifiedFile) -> Identified {
    Identified {
        file: f.file.clone(),
        edition: f.license.clone(),
        matched: f.matched.clone(),
        parts: f
            .parts
            .iter()
            .map(|p| IdentifiedPart { edition: p.license.clone(), matched: p.matched.clone(), coverage: p.coverage })
            .collect(),
        differences: f
            .differences
            .iter()
            .map(|d| IdentifiedDifference {
                kind: d.kind.clone(),
                clause: d.clause.clone(),
                was: d.was.clone(),
                is: d.is.clone(),
                words: d.words[1].saturating_sub(d.words[0]),
            })
            .collect(),
        near: f.near.iter().map(|n| (n.license.clone(), n.similarity)).collect(),
        points_to: f.points_to.clone(),
        other_words: f.other_words,
    }
}
