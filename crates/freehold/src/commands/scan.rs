//! `freehold scan`: every model that lies here or is named here, and on this machine where that is asked.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;

use clap::ArgMatches;
use freehold_artifact::Artifact;
use freehold_assess::Access;
use freehold_base::{Diagnostic, FactKind, Graph, Severity, Value};
use freehold_catalog::{Catalog, Match};
use freehold_check::Subject;
use freehold_documents::Scan;
use freehold_reference::{Reference, ReferenceKind};
use freehold_wire::{ScanReport, ScannedModel, ScannedPlace, ScannedReference, ScannedStep, ScannedStore};

use super::{prepare, print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::{Alike, Inventoried, Run, beside, inventory};
use crate::names::machine_stores;
use crate::references::{AlreadyRead, canonical, own_files, walk};

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let mut run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    if let Some(access) = catalog.facts.find("use.access").filter(|id| run.deployment.get(*id).is_none()) {
        // an inventory asks what stands under what, not how it is used: one access is judged instead of all
        let widest = Value::List(vec![Access::Weights.as_str().to_string()]);
        run.deployment.set(catalog, access, Some(widest));
    }
    let mut found = Found::default();
    let paths = all(matches, "what");
    let machine = matches.get_flag("machine");
    // a machine alone: the stores, not the folder one happens to stand in
    let here = matches.value_source("what") == Some(clap::parser::ValueSource::CommandLine) || !machine;
    if here {
        for path in &paths {
            found.read = AlreadyRead::default();
            models(path, None, &run, &mut found);
            references(path, catalog, &mut found);
        }
    }
    if machine {
        for store in machine_stores() {
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
    /// What of the folder at hand its models' own files make up.
    read: AlreadyRead,
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
            let inventory = shown(page, &what);
            print(&freehold_documents::scan(&inventory, style()));
            // the process ends here: taking ten thousand models apart again is time that nobody gains by
            std::mem::forget(inventory);
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
    let alike = Alike::default();
    let (walked, mut all) =
        beside(path, std::io::stderr().is_terminal(), &|artifact| seen(path, store, &artifact, run, &alike));
    all.sort_by_key(|(n, _)| *n);
    for (_, one) in all {
        let one = *one;
        found.read.add(one.files);
        found.models.push(one.model);
        for d in one.errors {
            if !found.said.contains(&d) {
                found.said.push(d);
            }
        }
    }
    match walked {
        // what a walk notes in passing is for `inspect`
        Ok(said) => found.said.extend(said.into_iter().filter(|d| d.severity != Severity::Note)),
        // nothing there is no fault of a scan
        Err(d) if d.code == "nothing-found" => {}
        Err(d) => found.said.push(d),
    }
}

/// What a scan keeps of a model.
struct Seen {
    model: ScannedModel,
    /// Its files, and whether each was read for the model itself.
    files: Vec<(String, bool)>,
    errors: Vec<Diagnostic>,
}

fn seen(path: &str, store: Option<&str>, artifact: &Artifact, run: &Run<'_>, alike: &Alike) -> Box<Seen> {
    let sha256 = artifact.facts.iter().find(|f| f.kind == FactKind::Sha256).map(|f| f.value.clone());
    let files = own_files(artifact);
    let errors = artifact.diagnostics.iter().filter(|d| d.severity == Severity::Error).cloned().collect();
    let (subject, graph, said) = inventory(path, artifact, run, alike);
    Box::new(Seen { model: model(path, store, sha256, subject, &graph, &said), files, errors })
}

fn model(
    path: &str,
    store: Option<&str>,
    sha256: Option<String>,
    subject: Subject,
    graph: &Graph,
    said: &Inventoried,
) -> ScannedModel {
    let step = |e: &freehold_base::Edge| ScannedStep {
        relation: e.relation.as_str().to_string(),
        parent: graph.works[e.parent].id.clone(),
        place: place(&e.evidence),
    };
    let root = path.trim_end_matches('/');
    ScannedModel {
        name: graph.works[graph.subject].name.clone().unwrap_or_else(|| subject.id.clone()),
        place: match store {
            Some(kind) => format!("{kind}:{}", subject.id),
            None if root == "." => subject.id.clone(),
            // the folder or file that was named is the model itself
            None if Path::new(root).file_name().is_some_and(|n| n == subject.id.as_str()) => root.to_string(),
            None => format!("{root}/{}", subject.id),
        },
        kind: subject.kind,
        bytes: subject.bytes_total,
        sha256,
        from: graph.edges.iter().filter(|e| e.child == graph.subject).map(step).collect(),
        under: said.under.clone(),
        findings: said.findings.clone(),
    }
}

fn place(e: &freehold_base::Evidence) -> String {
    match e.line {
        Some(line) => format!("{}:{line}", e.file),
        None if e.key.is_empty() => e.file.clone(),
        None => format!("{} {}", e.file, e.key),
    }
}

/// Names of models in the text files below a path.
fn references(path: &str, catalog: &Catalog, found: &mut Found) {
    let read = std::mem::take(&mut found.read);
    let mut named = Vec::new();
    found.files_read += walk(path, &read, &mut found.said, &mut |r| named.push(r));
    for r in &named {
        tell(r, catalog, found);
    }
}

/// Adds a reference to what was found; one that another file settled with both places.
fn tell(r: &Reference, catalog: &Catalog, found: &mut Found) {
    let key = (kind_word(r.kind), r.unresolved, canonical(r, catalog));
    let places = found.references.entry(key).or_default();
    places.push(ScannedPlace {
        file: r.evidence.file.clone(),
        line: r.evidence.line,
        construct: r.construct.clone(),
        revision: r.revision.clone(),
        excerpt: r.excerpt.clone(),
    });
    let Some(defined) = &r.defined else { return };
    if places.iter().any(|p| p.file == defined.file && p.line == defined.line) {
        return;
    }
    places.push(ScannedPlace {
        file: defined.file.clone(),
        line: defined.line,
        construct: format!("defines {}", defined.key),
        revision: None,
        excerpt: format!("{} = {}", defined.key, r.id),
    });
}

fn kind_word(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::Model => "model",
        ReferenceKind::OllamaModel => "ollama-model",
        ReferenceKind::File => "file",
        ReferenceKind::VendorApi => "service",
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
fn shown(page: ScanReport, what: &str) -> Scan {
    let model = |m: ScannedModel| freehold_documents::ScannedModel {
        from: m.from.iter().map(step_words).collect(),
        name: m.name,
        place: m.place,
        kind: m.kind,
        bytes: m.bytes,
        under: m.under,
        findings: m.findings,
    };
    let place = |p: ScannedPlace| {
        let at = p.line.map_or_else(|| p.file.clone(), |l| format!("{}:{l}", p.file));
        (at, p.construct)
    };
    let reference = |r: ScannedReference| freehold_documents::ScannedReference {
        kind: r.kind,
        id: r.id,
        unresolved: r.unresolved,
        under: r.under,
        known: r.known,
        places: r.places.into_iter().map(place).collect(),
    };
    Scan {
        what: what.to_string(),
        models: page.models.into_iter().map(model).collect(),
        references: page.references.into_iter().map(reference).collect(),
        stores: page.stores.into_iter().map(|s| (s.kind, s.path, s.models)).collect(),
        files_read: page.files_read,
    }
}
