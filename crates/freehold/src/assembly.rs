//! Files that stand for several works side by side: a compose file or a program that names models, an archive or an
//! image that holds them. Each work is judged by itself, and all of them as one.

use std::collections::BTreeMap;
use std::path::Path;

use freehold_base::{Diagnostic, Evidence, Graph, MadeBy, WorkKind};
use freehold_check::{Dossier, NamedWork, Parts, Subject, assemble, judge, named_work};
use freehold_reference::{Limits, Reference, ReferenceKind, Role, scan};

use crate::load::{Run, dossier};
use crate::references::{canonical, text_of};

/// The works that a file names, where it is no model itself and names any: the whole first. Files beside it that it
/// names are read.
pub(crate) fn named_in<'c>(path: &str, run: &Run<'c>, unreadable: &mut Vec<Diagnostic>) -> Option<Vec<Dossier<'c>>> {
    let file = Path::new(path);
    let name = file.file_name()?.to_string_lossy();
    if !file.is_file() || freehold_artifact::is_own_file(&name) {
        return None;
    }
    let text = text_of(file)?;
    let references = scan(path, &text, &Limits::default()).references;
    // a tokenizer alone is no model, and a recipe of a model that is to be made is not made of its base side by side
    let mut works: BTreeMap<(ReferenceKind, String), Reference> = BTreeMap::new();
    for r in references.into_iter().filter(|r| r.role != Some(Role::Tokenizer)) {
        works.entry((r.kind, canonical(&r, run.catalog))).or_insert(r);
    }
    let mut parts = Vec::new();
    for ((kind, id), reference) in works {
        let beside = file.parent().unwrap_or(Path::new("")).join(&id);
        if kind == ReferenceKind::File && !reference.unresolved && beside.exists() {
            parts.extend(files(&beside, &reference.evidence, run, unreadable));
        } else {
            parts.push(named(id, kind, &reference, run));
        }
    }
    if parts.is_empty() {
        return None;
    }
    Some(whole(path, Some(run.said.made_by.unwrap_or(MadeBy::Organization)), parts, run))
}

/// The archive at a path and the models in it, which were judged.
pub(crate) fn of_parts<'c>(path: &str, parts: Vec<Dossier<'c>>, run: &Run<'c>) -> Vec<Dossier<'c>> {
    if parts.is_empty() {
        return parts;
    }
    let name = Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let parts = parts.into_iter().map(|d| (d, Evidence::stated(&*name))).collect();
    whole(path, run.said.made_by, parts, run)
}

fn named<'c>(id: String, kind: ReferenceKind, reference: &Reference, run: &Run<'c>) -> (Dossier<'c>, Evidence) {
    let id = match kind {
        ReferenceKind::OllamaModel => run.catalog.models.by_ollama_name(&id).map(str::to_string).unwrap_or(id),
        _ => id,
    };
    let evidence = reference.evidence.clone();
    let service = kind == ReferenceKind::VendorApi;
    let work = NamedWork {
        id: id.clone(),
        kind: if service { WorkKind::Service } else { WorkKind::Model },
        unresolved: reference.unresolved,
        evidence: evidence.clone(),
    };
    let (graph, diagnostics) = named_work(&work, run.catalog, &run.as_of);
    let said = match (service, reference.unresolved) {
        (true, _) => "a vendor's API",
        (false, true) => "named through a variable that this file does not settle",
        _ => "named, not here",
    };
    let subject = Subject { id, kind: said.to_string(), ..Subject::default() };
    (judge(parts(subject, graph, diagnostics, run), run.catalog), evidence)
}

/// Models in a file or folder that a file names.
fn files<'c>(
    beside: &Path,
    evidence: &Evidence,
    run: &Run<'c>,
    unreadable: &mut Vec<Diagnostic>,
) -> Vec<(Dossier<'c>, Evidence)> {
    let path = beside.display().to_string();
    match freehold_source::open(beside, &freehold_source::Limits::default()) {
        Ok(artifacts) => artifacts.iter().map(|a| (dossier(&path, a, run), evidence.clone())).collect(),
        Err(d) => {
            unreadable.push(d);
            Vec::new()
        }
    }
}

fn parts(subject: Subject, graph: Graph, diagnostics: Vec<Diagnostic>, run: &Run<'_>) -> Parts {
    Parts {
        subject,
        graph,
        deployment: run.deployment.clone(),
        outgoing: run.outgoing.clone(),
        made_by: None,
        diagnostics,
        not_read: Vec::new(),
        as_of: run.as_of.clone(),
        findings: Vec::new(),
    }
}

/// What tells a component: what was read of it, or its name where nothing was.
fn identity(subject: &Subject) -> &str {
    if subject.artifact.is_empty() { &subject.id } else { &subject.artifact }
}

fn whole<'c>(
    path: &str,
    made_by: Option<MadeBy>,
    mut components: Vec<(Dossier<'c>, Evidence)>,
    run: &Run<'c>,
) -> Vec<Dossier<'c>> {
    components.sort_by(|(a, _), (b, _)| a.subject.id.cmp(&b.subject.id));
    let graphs: Vec<(&Graph, Evidence)> = components.iter().map(|(d, e)| (&d.graph, e.clone())).collect();
    let mut graph = assemble(path, made_by, &graphs);
    graph.works[0].name.clone_from(&run.said.name);
    let sum = |of: fn(&Subject) -> u64| components.iter().map(|(d, _)| of(&d.subject)).sum();
    let n = components.len();
    let subject = Subject {
        id: path.to_string(),
        path: path.to_string(),
        kind: if n == 1 { "assembly of 1 work".to_string() } else { format!("assembly of {n} works") },
        bytes_total: sum(|s| s.bytes_total),
        bytes_read: sum(|s| s.bytes_read),
        files: components.iter().map(|(d, _)| d.subject.files).sum(),
        components: n,
        artifact: freehold_policy::digest_of_parts(components.iter().map(|(d, _)| identity(&d.subject))),
        texts: components.iter().flat_map(|(d, _)| d.subject.texts.iter().cloned()).collect(),
    };
    let mut all = parts(subject, graph, Vec::new(), run);
    for (d, _) in &components {
        // what a component's own files show is the whole's too; the engine finds the rest anew
        all.diagnostics.extend(d.diagnostics.iter().cloned());
        all.not_read.extend(d.not_read.iter().map(|n| format!("{}: {n}", d.subject.id)));
    }
    let mut out = vec![judge(all, run.catalog)];
    out.extend(components.into_iter().map(|(d, _)| d));
    out
}
