//! `freehold bom`: a bill of materials of models, checked against the minimum elements of the G7; or one of somebody else,
//! read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_check::Dossier;
use freehold_documents::{ElementRow, Elements, elements, elements_in_short, lineage_text};
use freehold_wire::{Bom, BomFile, Coverage, CycloneDx, Details, ElementState, cyclonedx, g7_coverage, spdx3};
use sha2::{Digest, Sha256};

use super::{prepare, print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::{Run, dossiers};

/// Bytes of a file that are hashed at once.
const CHUNK: usize = 1 << 20;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    if let Some(file) = get(matches, "import") {
        return import(file, &run);
    }
    let paths = all(matches, "what");
    // a bill that somebody wrote is checked as it is
    if matches.get_flag("check")
        && let [one] = paths.as_slice()
        && let Some(bytes) = crate::bills::bytes_of(one)
    {
        return check(&bytes, one);
    }
    let loaded = dossiers(&paths, &run);
    report(&loaded.mistakes);
    report(&loaded.unreadable);
    report(&loaded.nothing);
    let mut mistakes = Vec::new();
    let details = details(&paths, &loaded.dossiers, matches.get_flag("hash"), &mut mistakes);
    report(&mistakes);
    let code = match (loaded.mistakes.is_empty(), loaded.unreadable.is_empty() && mistakes.is_empty()) {
        (false, _) => exit::USAGE,
        (_, false) => exit::UNREADABLE,
        _ => exit::CLEAR,
    };
    let Some(bom) = Bom::of(&loaded.dossiers, &details, &paths.join(" ")) else {
        return if code == exit::CLEAR { exit::NOTHING } else { code };
    };
    let text = match get(matches, "format") {
        Some("spdx") => spdx3(&bom),
        Some("cyclonedx-1.6") => cyclonedx(&bom, CycloneDx::V1_6),
        _ => cyclonedx(&bom, CycloneDx::V1_7),
    };
    if matches.get_flag("check") {
        return code.max(check(text.as_bytes(), "the bill"));
    }
    match get(matches, "out") {
        None => print(&text),
        Some(file) => {
            if let Err(e) = std::fs::write(file, &text) {
                report(&[Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(file)]);
                return exit::USAGE;
            }
        }
    }
    match coverage(text.as_bytes()) {
        Ok(c) => anstream::eprint!("{}", elements_in_short(&rows(&c), style())),
        Err(mistakes) => report(&mistakes),
    }
    code
}

/// The minimum elements, each with its answer.
fn check(bytes: &[u8], name: &str) -> u8 {
    match coverage(bytes) {
        Ok(c) => {
            print(&elements(&rows(&c), style()));
            exit::CLEAR
        }
        Err(mistakes) => {
            report(&mistakes.into_iter().map(|d| d.in_file(name)).collect::<Vec<_>>());
            exit::UNREADABLE
        }
    }
}

fn coverage(bytes: &[u8]) -> Result<Coverage, Vec<Diagnostic>> {
    let document =
        serde_json::from_slice(bytes).map_err(|e| vec![Diagnostic::error("json-syntax", format!("not JSON: {e}"))])?;
    g7_coverage(&document)
}

fn rows(c: &Coverage) -> Elements {
    let row = |e: &freehold_wire::Element| {
        let what = match e.cluster.as_str() {
            "datasets" => "data sets",
            _ => "models",
        };
        ElementRow {
            id: e.id.clone(),
            cluster: e.cluster.clone(),
            name: e.name.clone(),
            state: e.state.as_str().into(),
            there: e.state == ElementState::Present,
            of: match (e.state, e.held) {
                (ElementState::Partly, (n, all)) => format!("{n} of {all} {what}"),
                (ElementState::Missing, (_, 0)) if e.cluster == "datasets" => "no data set is named".into(),
                _ => String::new(),
            },
            fill: e.fill.clone(),
        }
    };
    Elements {
        name: format!("G7 {}", c.name),
        date: c.date.clone(),
        status: c.status.clone(),
        format: c.format.clone(),
        rows: c.elements.iter().map(row).collect(),
    }
}

/// What a bill of somebody else says: the lineage, and what is lost of it.
fn import(file: &str, run: &Run<'_>) -> u8 {
    let mut loaded = crate::load::Loaded::default();
    if !crate::bills::judged(file, run, &mut loaded) {
        let d = Diagnostic::error("not-a-bom", "no bill of materials in JSON").in_file(file);
        report(&[d.help("CycloneDX 1.5 to 1.7, SPDX 3.0.1 or SPDX 2.3, in a file that ends in .json or .jsonld")]);
        return exit::UNREADABLE;
    }
    report(&loaded.unreadable);
    report(&loaded.nothing);
    if !loaded.unreadable.is_empty() {
        return exit::UNREADABLE;
    }
    if loaded.dossiers.is_empty() {
        return exit::NOTHING;
    }
    let joined = freehold_check::lineage(&loaded.dossiers);
    print(&lineage_text(&joined, run.catalog, style()));
    exit::CLEAR
}

/// What the files of each dossier say besides: they are read once more, since a dossier keeps no files.
fn details(paths: &[&str], dossiers: &[Dossier<'_>], hash: bool, mistakes: &mut Vec<Diagnostic>) -> Vec<Details> {
    let mut found: BTreeMap<(String, String), Details> = BTreeMap::new();
    for path in paths {
        let has_files =
            dossiers.iter().any(|d| d.subject.path == *path && d.subject.files > 0 && d.subject.components == 0);
        let limits = freehold_source::Limits::default();
        let artifacts = if has_files { freehold_source::open(Path::new(path), &limits) } else { continue };
        // what cannot be opened was told when it was judged
        for a in artifacts.unwrap_or_default() {
            let mut files: Vec<BomFile> = Vec::with_capacity(a.files.len());
            for f in a.files {
                let sha256 = if hash { digest(path, &f.path, mistakes) } else { None };
                files.push(BomFile { path: f.path, bytes: f.bytes, sha256 });
            }
            let details = Details { facts: a.facts, files, texts: a.texts };
            found.insert(((*path).to_string(), a.root_name), details);
        }
    }
    let of = |d: &Dossier<'_>| found.get(&(d.subject.path.clone(), d.subject.id.clone())).cloned().unwrap_or_default();
    dossiers.iter().map(of).collect()
}

/// The digest of a file below a path, or of the file that the path is; `None` where it lies inside another file.
fn digest(root: &str, below: &str, mistakes: &mut Vec<Diagnostic>) -> Option<String> {
    let root = Path::new(root);
    let path = if root.is_file() { root.to_path_buf() } else { root.join(below) };
    if !path.is_file() || root.is_file() && root.file_name().is_none_or(|n| n != below) {
        return None;
    }
    let here = root.canonicalize().ok()?;
    if !path.canonicalize().ok()?.starts_with(&here) {
        let message = format!("`{below}` leads out of the folder: not hashed");
        mistakes.push(Diagnostic::warning("outside", message).in_file(path.display().to_string()));
        return None;
    }
    match sha256(&path) {
        Ok(digest) => Some(digest),
        Err(e) => {
            let message = format!("cannot be read: {e}");
            mistakes.push(Diagnostic::error("unreadable", message).in_file(path.display().to_string()));
            None
        }
    }
}

pub(crate) fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; CHUNK];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hasher.update(buffer.get(..n).unwrap_or_default());
    }
    Ok(hasher.finalize().iter().map(|b| format!("{b:02x}")).collect())
}
