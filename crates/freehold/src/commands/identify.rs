//! `freehold identify`: which license a text is, word for word, and where it differs.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_base::{Diagnostic, Severity};
use freehold_catalog::Catalog;
use freehold_documents::{Identified, IdentifiedDifference, identification};
use freehold_text::{Identification, Index, Limits, Match, Words, identify};
use freehold_wire::{IdentificationReport, IdentifiedFile, IdentifiedPart, NearEdition, TextDifference};

use super::{print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::text_index;

/// License texts that the walk of one folder gives.
const FILES_MAX: usize = 100_000;
/// Files and folders that the walk of one folder looks at.
const ENTRIES_MAX: usize = 2_000_000;
/// Folders below the one that was given, in levels.
const DEPTH_MAX: usize = 12;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let Some(index) = index_of_texts() else { return exit::INTERNAL };
    let mut texts = Texts { dir: get(matches, "texts").map(PathBuf::from), ..Texts::none() };
    if let Some(dir) = texts.dir.as_ref().filter(|d| !d.is_dir()) {
        let d = Diagnostic::error("not-a-folder", "`--texts` must be a folder of license texts, ID.txt each");
        report(&[d.in_file(dir.display().to_string())]);
        return exit::USAGE;
    }
    let outcome = each_text(
        matches,
        &mut |file, text| {
            let found = identify(&index, text, Limits::default());
            let clear = is_clear(&found);
            (row(file, found, &index, &mut texts), clear)
        },
        &|row| identification(catalog, &shown(row), style()),
    );
    outcome.finish(texts.said, &|rows, said| {
        serde_json::to_string_pretty(&IdentificationReport::new(rows, said)).unwrap_or_default()
    })
}

/// The index of license texts; `None` where this build's is broken, which is told.
pub(crate) fn index_of_texts() -> Option<Index<'static>> {
    text_index().map_err(|d| report(&[d])).ok()
}

/// What a command that reads license texts has done: rows kept for the report in JSON, and what decides the status.
pub(crate) struct TextRun<R> {
    json: bool,
    rows: Vec<R>,
    said: Vec<Diagnostic>,
    read: usize,
    open: bool,
}

/// Reads each license text that the command line names. `one` gives its row and whether nothing is left to look at, `screen` the
/// form for people; a row is printed as it is made, but for `json`.
pub(crate) fn each_text<R: serde::Serialize>(
    matches: &ArgMatches,
    one: &mut dyn FnMut(&Path, &str) -> (R, bool),
    screen: &dyn Fn(&R) -> String,
) -> TextRun<R> {
    let format = get(matches, "format").unwrap_or("human");
    let (files, said) = list(&all(matches, "what"));
    let mut run = TextRun { json: format == "json", rows: Vec::new(), said, read: 0, open: false };
    for file in &files {
        let Some(text) = read_text(file, &mut run.said) else { continue };
        let (row, clear) = one(file, &text);
        run.open |= !clear;
        match format {
            "json" => run.rows.push(row),
            "jsonl" => print(&format!("{}\n", serde_json::to_string(&row).unwrap_or_default())),
            _ => {
                let gap = if run.read == 0 { "" } else { "\n" };
                print(&format!("{gap}{}", screen(&row)));
            }
        }
        run.read += 1;
    }
    run
}

impl<R> TextRun<R> {
    /// Tells what was wrong, `more` after it, prints the report where that is asked for, and gives the status.
    pub(crate) fn finish(mut self, more: Vec<Diagnostic>, json: &dyn Fn(Vec<R>, &[Diagnostic]) -> String) -> u8 {
        self.said.extend(more);
        let failed = self.said.iter().any(|d| d.severity == Severity::Error);
        if self.read == 0 && !failed {
            self.said.push(nothing_found());
        }
        if self.json {
            print(&format!("{}\n", json(self.rows, &self.said)));
        }
        report(&self.said);
        match (failed, self.read, self.open) {
            (true, _, _) => exit::UNREADABLE,
            (_, 0, _) => exit::NOTHING,
            (_, _, true) => exit::OPEN,
            _ => exit::CLEAR,
        }
    }
}

/// No file of those named is a license text.
fn nothing_found() -> Diagnostic {
    let help = "looked for files named like LICENSE, COPYING, TERMS or USE_POLICY; a file that is named outright is read whatever its name";
    Diagnostic::warning("nothing-found", "no license text was found").help(help)
}

/// Nothing to look at: one license word for word, or several and nothing else.
fn is_clear(found: &Identification) -> bool {
    match found.matched {
        Match::Exact => true,
        Match::Combined => found.other_words == 0 && found.parts.iter().all(|p| p.matched == Match::Exact),
        Match::Altered | Match::Partial | Match::None => false,
    }
}

/// What the command line names: files as they are, folders as the license-like files below them.
pub(crate) fn list(paths: &[&str]) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let (mut files, mut said) = (Vec::new(), Vec::new());
    for path in paths {
        if *path == "-" || !Path::new(path).is_dir() {
            files.push(PathBuf::from(path));
            continue;
        }
        let mut walk = Walk { left: ENTRIES_MAX, files: Vec::new(), said: Vec::new() };
        walk.folder(Path::new(path), 0);
        if walk.left == 0 || walk.files.len() >= FILES_MAX {
            let message = format!("too many files: the walk stopped after {} license texts", walk.files.len());
            walk.said.push(Diagnostic::error("walk-limit", message).in_file(*path));
        }
        files.append(&mut walk.files);
        said.append(&mut walk.said);
    }
    (files, said)
}

/// A walk over one folder: regular files only, links are not followed.
struct Walk {
    left: usize,
    files: Vec<PathBuf>,
    said: Vec<Diagnostic>,
}

impl Walk {
    fn folder(&mut self, dir: &Path, depth: usize) {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) => {
                self.said.push(unreadable(&dir.display().to_string(), &e));
                return;
            }
        };
        let mut entries: Vec<_> = entries.flatten().take(self.left).collect();
        self.left -= entries.len();
        entries.sort_by_key(fs::DirEntry::file_name);
        let of_licenses = dir.file_name().is_some_and(|n| n.eq_ignore_ascii_case("licenses"));
        for entry in entries {
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() && depth < DEPTH_MAX && name != ".git" {
                self.folder(&entry.path(), depth + 1);
            } else if kind.is_file()
                && self.files.len() < FILES_MAX
                && (is_license_name(&name) || (of_licenses && ends_as_text(&name)))
            {
                self.files.push(entry.path());
            }
        }
    }
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map_or_else(String::new, |(_, e)| e.to_ascii_lowercase())
}

/// True for the endings of prose, none, and the end of a version (`LICENSE-2.0`, `LICENSE.llama3.1`).
fn ends_as_text(name: &str) -> bool {
    const PROSE: &[&str] = &["adoc", "htm", "html", "markdown", "md", "rst", "text", "txt"];
    let ending = ending(name);
    PROSE.contains(&ending.as_str()) || ending.bytes().all(|b| b.is_ascii_digit())
}

/// True where the name says that the file is a license or a use policy.
fn is_license_name(name: &str) -> bool {
    const CODE: &[&str] = &[
        "c", "cc", "cpp", "cs", "css", "csv", "gif", "go", "h", "hpp", "java", "jpg", "js", "json", "jsonl", "kt",
        "lock", "pdf", "php", "png", "py", "rb", "rs", "sh", "svg", "swift", "toml", "ts", "tsv", "tsx", "xml", "yaml",
        "yml", "zip",
    ];
    let lower = name.to_ascii_lowercase();
    if ["license", "licence", "copying", "unlicense", "eula"].iter().any(|w| lower.starts_with(w)) {
        return !CODE.contains(&ending(name).as_str());
    }
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |w: &str| words.contains(&w);
    let named = ["license", "licence", "copying", "eula"].iter().any(|w| has(w))
        || (has("terms") && (has("use") || has("service") || words.len() <= 2))
        || (has("use") && (has("policy") || has("acceptable")));
    named && ends_as_text(name)
}

fn unreadable(file: &str, e: &io::Error) -> Diagnostic {
    let code = if e.kind() == io::ErrorKind::NotFound { "source-not-found" } else { "unreadable" };
    Diagnostic::error(code, format!("cannot be read: {}", e.kind())).in_file(file)
}

/// A file, or standard input, as text; what is none is told.
pub(crate) fn read_text(path: &Path, said: &mut Vec<Diagnostic>) -> Option<String> {
    let name = path.display().to_string();
    let most = Limits::default().text_bytes_max as u64;
    let mut bytes = Vec::new();
    let done = if name == "-" {
        io::stdin().lock().take(most + 1).read_to_end(&mut bytes)
    } else {
        // a pipe or a device might never end
        fs::metadata(path).and_then(|m| {
            if !m.is_file() {
                return Err(io::Error::from(io::ErrorKind::InvalidInput));
            }
            fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)
        })
    };
    if let Err(e) = done {
        said.push(unreadable(&name, &e));
        return None;
    }
    if bytes.len() as u64 > most {
        let message = format!("longer than {most} bytes: only those were read, so it is never exact");
        said.push(Diagnostic::warning("text-too-long", message).in_file(&*name));
    }
    let text = decode(&bytes);
    if text.is_none() {
        let d = Diagnostic::error("not-a-text", "its bytes are not text");
        said.push(d.in_file(&*name).help("give the license as plain text, Markdown or HTML"));
    }
    text
}

/// UTF-8, or UTF-16 with its mark. A byte that is no UTF-8 becomes `?`, so that offsets stay those of the file.
fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |read: fn([u8; 2]) -> u16| {
        let units = bytes.get(2..).unwrap_or_default().chunks_exact(2).filter_map(|c| c.try_into().ok()).map(read);
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => return Some(utf16(u16::from_le_bytes)),
        Some([0xfe, 0xff]) => return Some(utf16(u16::from_be_bytes)),
        _ => {}
    }
    if bytes.iter().filter(|b| **b == 0).count() > bytes.len() / 64 || bytes.starts_with(b"%PDF-") {
        return None;
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Some(text)
}

/// License texts at hand, for the words that a copy changed.
pub(crate) struct Texts {
    dir: Option<PathBuf>,
    known: BTreeMap<String, Option<(String, Words)>>,
    said: Vec<Diagnostic>,
}

impl Texts {
    /// None at hand.
    pub(crate) fn none() -> Texts {
        Texts { dir: None, known: BTreeMap::new(), said: Vec::new() }
    }

    /// The edition's words `from..to`, where its text is at hand and is the one that the index was made from.
    fn words(&mut self, index: &Index<'_>, edition: &str, (from, to): (u32, u32)) -> Option<String> {
        let dir = self.dir.as_ref()?;
        if !self.known.contains_key(edition) {
            // ids are the index's own, and hold no path
            let path = dir.join(format!("{edition}.txt"));
            let text = fs::read_to_string(&path).ok();
            let text = text.map(|text| (Words::of(&text), text)).map(|(words, text)| (text, words));
            let same = |w: &Words| index.get(edition).is_some_and(|e| e.sha256() == w.sha256());
            if text.as_ref().is_some_and(|(_, words)| !same(words)) {
                let message = format!("not the text of `{edition}` that this build knows: its words are not shown");
                self.said.push(Diagnostic::warning("other-text", message).in_file(path.display().to_string()));
            }
            self.known.insert(edition.to_owned(), text.filter(|(_, words)| same(words)));
        }
        let (text, words) = self.known.get(edition)?.as_ref()?;
        let range = words.words.get(from as usize..to as usize)?;
        let (first, last) = (range.first()?, range.last()?);
        text.get(first.start as usize..last.end as usize).map(str::to_owned)
    }
}

fn share(per_mille: u16) -> f64 {
    f64::from(per_mille) / 1000.0
}

/// The public form.
pub(crate) fn row(file: &Path, found: Identification, index: &Index<'_>, texts: &mut Texts) -> IdentifiedFile {
    let part = |p: freehold_text::Part| IdentifiedPart {
        license: p.edition,
        matched: p.matched.as_str().into(),
        coverage: share(p.coverage),
        range: [p.range.0, p.range.1],
    };
    let mut difference = |d: freehold_text::Difference| TextDifference {
        was: texts.words(index, &d.text, d.words).or(d.was),
        license: d.edition,
        kind: d.kind.as_str().into(),
        clause: d.clause,
        is: d.is,
        range: [d.range.0, d.range.1],
        words: [d.words.0, d.words.1],
    };
    IdentifiedFile {
        file: file.display().to_string(),
        license: found.edition,
        matched: found.matched.as_str().into(),
        parts: found.parts.into_iter().map(part).collect(),
        differences: found.differences.into_iter().map(&mut difference).collect(),
        near: found.near.into_iter().map(|(license, s)| NearEdition { license, similarity: share(s) }).collect(),
        points_to: found.points_to,
        other_words: found.other_words,
    }
}

/// The form for people.
pub(crate) fn shown(row: &IdentifiedFile) -> Identified {
    let part = |p: &IdentifiedPart| freehold_documents::IdentifiedPart {
        edition: p.license.clone(),
        matched: p.matched.clone(),
        coverage: p.coverage,
    };
    let difference = |d: &TextDifference| IdentifiedDifference {
        kind: d.kind.clone(),
        clause: d.clause.clone(),
        was: d.was.clone(),
        is: d.is.clone(),
        words: d.words[1].saturating_sub(d.words[0]),
    };
    Identified {
        file: if row.file == "-" { "standard input".into() } else { row.file.clone() },
        edition: row.license.clone(),
        matched: row.matched.clone(),
        parts: row.parts.iter().map(part).collect(),
        differences: row.differences.iter().map(difference).collect(),
        near: row.near.iter().map(|n| (n.license.clone(), n.similarity)).collect(),
        points_to: row.points_to.clone(),
        other_words: row.other_words,
    }
}
