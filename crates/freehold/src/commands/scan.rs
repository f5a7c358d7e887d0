//! `freehold scan`: every model that lies here or is named here, and on this machine where that is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;

use clap::ArgMatches;
use freehold_base::{Diagnostic, FactKind, Severity};
use freehold_catalog::{Catalog, Match};
use freehold_check::Dossier;
use freehold_documents::Scan;
use freehold_reference::{Language, Limits, Reference, ReferenceKind, scan};
use freehold_wire::{ScanReport, ScannedModel, ScannedPlace, ScannedReference, ScannedStep, ScannedStore};

use super::{prepare, print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::{Run, dossier};

/// Files of one walk for references.
const FILES_MAX: usize = 500_000;
/// Bytes of a file that are looked at to tell text from bytes.
const HEAD_BYTES: usize = 8192;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let mut found = Found::default();
    let paths = all(matches, "what");
    let machine = matches.get_flag("machine");
    // a machine alone: the stores, not the folder one happens to stand in
    let here = matches.value_source("what") == Some(clap::parser::ValueSource::CommandLine) || !machine;
    if here {
        for path in &paths {
            found.told.clear();
            models(path, None, &run, &mut found);
            references(path, catalog, &mut found);
        }
    }
    if machine {
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(std::path::PathBuf::from);
        for store in freehold_source::stores(&|name| std::env::var(name).ok(), home.as_deref()) {
            let before = found.models.len();
            let path = store.path.display().to_string();
            models(&path, Some(store.kind.as_str()), &run, &mut found);
            let models = found.models.len() - before;
            found.stores.push(ScannedStore { kind: store.kind.as_str().to_string(), path, models });
        }
    }
    finish(matches, &paths, here, found, catalog)
}

#[derive(Default)]
struct Found {
    models: Vec<ScannedModel>,
    references: BTreeMap<(&'static str, bool, String), Vec<ScannedPlace>>,
    stores: Vec<ScannedStore>,
    files_read: usize,
    /// Files that spoke of a model that lies here: what they name is that model's lineage, told with it.
    told: BTreeSet<String>,
    said: Vec<Diagnostic>,
}

fn finish(matches: &ArgMatches, paths: &[&str], here: bool, mut found: Found, catalog: &Catalog) -> u8 {
    found.models.sort_by(|a, b| (&a.place, &a.name).cmp(&(&b.place, &b.name)));
    let references: Vec<ScannedReference> =
        found.references.into_iter().map(|((kind, open, id), places)| named(kind, open, id, places, catalog)).collect();
    let failed = found.said.iter().any(|d| d.severity == Severity::Error);
    let nothing = found.models.is_empty() && references.is_empty();
    let page =
        ScanReport::new(catalog.version.clone(), found.models, references, found.stores, found.files_read, &found.said);
    match get(matches, "format").unwrap_or("human") {
        "json" => print(&format!("{}\n", serde_json::to_string_pretty(&page).unwrap_or_default())),
        _ => {
            let what = if here { paths.join(" ") } else { String::new() };
            print(&freehold_documents::scan(&shown(&page, &what), style()));
        }
    }
    report(&found.said);
    match (failed, nothing) {
        (true, _) => exit::UNREADABLE,
        (false, true) => exit::NOTHING,
        _ => exit::CLEAR,
    }
}

/// Models whose files lie at a path.
fn models(path: &str, store: Option<&str>, run: &Run<'_>, found: &mut Found) {
    let walked = freehold_source::each(Path::new(path), &freehold_source::Limits::default(), &mut |artifact| {
        let sha256 = artifact.facts.iter().find(|f| f.kind == FactKind::Sha256).map(|f| f.value.clone());
        found.told.extend(artifact.facts.iter().map(|f| f.evidence.file.clone()));
        let dossier = dossier(path, &artifact, run);
        found.models.push(model(path, store, sha256, &dossier));
        for d in artifact.diagnostics.iter().filter(|d| d.severity == Severity::Error) {
            if !found.said.contains(d) {
                found.said.push(d.clone());
            }
        }
    });
    match walked {
        // what a walk notes in passing is for `inspect`
        Ok(said) => found.said.extend(said.into_iter().filter(|d| d.severity != Severity::Note)),
        // nothing there is no fault of a scan
        Err(d) if d.code == "nothing-found" => {}
        Err(d) => found.said.push(d),
    }
}

fn model(path: &str, store: Option<&str>, sha256: Option<String>, d: &Dossier<'_>) -> ScannedModel {
    let graph = &d.graph;
    let step = |e: &freehold_base::Edge| ScannedStep {
        relation: e.relation.as_str().to_string(),
        parent: graph.works[e.parent].id.clone(),
        place: place(&e.evidence),
    };
    let mut under: Vec<String> = d
        .assessment
        .licenses
        .iter()
        .filter(|l| !l.displaced && !l.outbound && !l.beyond && !l.license.is_empty())
        .map(|l| l.license.clone())
        .collect();
    under.sort();
    under.dedup();
    let mut findings: Vec<String> = d.assessment.findings.iter().map(|f| f.code.as_str().to_string()).collect();
    findings.sort();
    findings.dedup();
    let root = path.trim_end_matches('/');
    ScannedModel {
        name: graph.works[graph.subject].name.clone().unwrap_or_else(|| d.subject.id.clone()),
        place: match store {
            Some(kind) => format!("{kind}:{}", d.subject.id),
            None if root == "." => d.subject.id.clone(),
            // the folder or file that was named is the model itself
            None if Path::new(root).file_name().is_some_and(|n| n == d.subject.id.as_str()) => root.to_string(),
            None => format!("{root}/{}", d.subject.id),
        },
        kind: d.subject.kind.clone(),
        bytes: d.subject.bytes_total,
        sha256,
        from: graph.edges.iter().filter(|e| e.child == graph.subject).map(step).collect(),
        under,
        findings,
    }
}

fn place(e: &freehold_base::Evidence) -> String {
    match e.line {
        Some(line) => format!("{}:{line}", e.file),
        None if e.key.is_empty() => e.file.clone(),
        None => format!("{} {}", e.file, e.key),
    }
}

/// Names of models in the text files below a path; what git ignores is left out where it is a repository.
fn references(path: &str, catalog: &Catalog, found: &mut Found) {
    let root = Path::new(path);
    let mut walk = ignore::WalkBuilder::new(root);
    walk.hidden(false).follow_links(false).sort_by_file_path(Ord::cmp);
    walk.filter_entry(|e| {
        let name = e.file_name();
        name != ".git" && name != "node_modules" && name != "site-packages" && name != "__pycache__"
    });
    for entry in walk.build().flatten() {
        if found.files_read >= FILES_MAX {
            let message = format!("too many files: the walk for names stopped after {FILES_MAX}");
            found.said.push(Diagnostic::warning("walk-limit", message).in_file(path));
            break;
        }
        if !entry.file_type().is_some_and(|t| t.is_file()) {
            continue;
        }
        let file = entry.path();
        let shown = file.strip_prefix(root).ok().filter(|p| !p.as_os_str().is_empty()).unwrap_or(file);
        let shown = shown.to_string_lossy().replace('\\', "/");
        if found.told.contains(&shown) {
            continue;
        }
        let Some(text) = text_of(file).filter(|text| Language::of(&shown, text).is_some()) else { continue };
        found.files_read += 1;
        for r in scan(&shown, &text, &Limits::default()).references {
            let key = (kind_word(r.kind), r.unresolved, canonical(&r, catalog));
            found.references.entry(key).or_default().push(ScannedPlace {
                file: r.evidence.file.clone(),
                line: r.evidence.line,
                construct: r.construct.clone(),
                revision: r.revision.clone(),
                excerpt: r.excerpt.clone(),
            });
        }
    }
}

/// A text file's beginning; `None` for what is no text. What is no text is told by its first bytes alone.
fn text_of(file: &Path) -> Option<String> {
    let limit = Limits::default().bytes_max as u64;
    let mut bytes = Vec::new();
    let mut open = fs::File::open(file).ok()?;
    open.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes).ok()?;
    if bytes.contains(&0) {
        return None;
    }
    open.take(limit).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn kind_word(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::Model => "model",
        ReferenceKind::OllamaModel => "ollama-model",
        ReferenceKind::File => "file",
        ReferenceKind::VendorApi => "service",
    }
}

/// The id in the catalog's spelling, so that two spellings of one model are one line.
fn canonical(r: &Reference, catalog: &Catalog) -> String {
    match (r.kind, catalog.models.find(&r.id).first()) {
        (ReferenceKind::Model, Some(row)) if !r.unresolved && row.id.eq_ignore_ascii_case(&r.id) => row.id.clone(),
        _ => r.id.clone(),
    }
}

fn named(kind: &str, unresolved: bool, id: String, places: Vec<ScannedPlace>, catalog: &Catalog) -> ScannedReference {
    let model = match kind {
        "ollama-model" => catalog.models.by_ollama_name(&id).map(str::to_string),
        "model" if !unresolved => match catalog.models.resolve(&id) {
            Some(Match::Id(rows)) => rows.first().map(|r| r.id.clone()),
            Some(Match::Reupload { model, .. }) => Some(model),
            None => None,
        },
        _ => None,
    };
    let rows = model.as_deref().map(|m| catalog.models.find(m)).unwrap_or_default();
    let mut under: Vec<String> = rows
        .iter()
        .filter(|r| r.until.is_none())
        .map(|r| {
            catalog.license_named(&r.license).map_or_else(|| r.license.clone(), |i| catalog.licenses[i].id.clone())
        })
        .collect();
    under.sort();
    under.dedup();
    ScannedReference { kind: kind.to_string(), id, unresolved, under, known: model.is_some(), places }
}

/// A step as a person says it.
fn step_words(step: &ScannedStep) -> String {
    let word = freehold_base::Relation::parse(&step.relation).map_or("from", freehold_documents::step_word);
    format!("{word} {}  {}", step.parent, step.place)
}

/// The form for people.
fn shown(page: &ScanReport, what: &str) -> Scan {
    let model = |m: &ScannedModel| freehold_documents::ScannedModel {
        name: m.name.clone(),
        place: m.place.clone(),
        kind: m.kind.clone(),
        bytes: m.bytes,
        from: m.from.iter().map(step_words).collect(),
        under: m.under.clone(),
        findings: m.findings.clone(),
    };
    let place = |p: &ScannedPlace| {
        let at = p.line.map_or_else(|| p.file.clone(), |l| format!("{}:{l}", p.file));
        (at, p.construct.clone())
    };
    let reference = |r: &ScannedReference| freehold_documents::ScannedReference {
        kind: r.kind.clone(),
        id: r.id.clone(),
        unresolved: r.unresolved,
        under: r.under.clone(),
        known: r.known,
        places: r.places.iter().map(place).collect(),
    };
    Scan {
        what: what.to_string(),
        models: page.models.iter().map(model).collect(),
        references: page.references.iter().map(reference).collect(),
        stores: page.stores.iter().map(|s| (s.kind.clone(), s.path.clone(), s.models)).collect(),
        files_read: page.files_read,
    }
}
