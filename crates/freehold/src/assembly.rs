//! Files that stand for several works side by side: a compose file or a program that names models, an archive or an
//! image that holds them. Each work is judged by itself, and all of them as one.

use std::collections::BTreeMap;
use std::path::Path;

use freehold_base::{Diagnostic, Evidence, Graph, MadeBy, WorkKind};
use freehold_check::{Dossier, NamedWork, Parts, Subject, assemble, judge, named_work};
use freehold_reference::{Limits, Reference, ReferenceKind, Role, scan};

use crate::load::{Run, dossier};
use crate::references::{AlreadyRead, canonical, text_of, walk};

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
        let beside = folder_of(file).join(&id);
        if kind == ReferenceKind::File && !reference.unresolved && beside.exists() {
            parts.extend(files(&beside, &reference.evidence, run, unreadable));
        } else {
            parts.push(named(id, kind, &reference, run));
        }
    }
    if parts.is_empty() {
        // a text that names no model is none either
        let is_model = freehold_source::open(file, &freehold_source::Limits::default())
            .is_ok_and(|all| all.iter().any(|a| !a.facts.is_empty() || !a.texts.is_empty()));
        return if is_model { None } else { Some(Vec::new()) };
    }
    Some(whole(path, Some(run.said.made_by.unwrap_or(MadeBy::Organization)), parts, run))
}

/// Every model that a file below `path` names, each judged in the deployment of the file's path. Models of hosted APIs
/// are told and not judged: they come under terms of service, which are not in law.
pub(crate) fn named_below<'c>(
    path: &str,
    read: &AlreadyRead,
    run: &Run<'c>,
    said: &mut Vec<Diagnostic>,
    told: &mut Vec<Diagnostic>,
) -> Vec<Dossier<'c>> {
    let mut works: BTreeMap<(String, ReferenceKind, Option<usize>), Vec<Reference>> = BTreeMap::new();
    let mut services: BTreeMap<String, String> = BTreeMap::new();
    walk(path, read, said, &mut |mut r| {
        if r.role == Some(Role::Tokenizer) {
            return;
        }
        if path != "." {
            r.evidence.file = Path::new(path).join(&r.evidence.file).to_string_lossy().into_owned();
        }
        let id = canonical(&r, run.catalog);
        if r.kind == ReferenceKind::VendorApi {
            services.entry(id).or_insert_with(|| r.evidence.file.clone());
            return;
        }
        let deployment = run.by_path.iter().position(|d| d.holds(Path::new(&r.evidence.file)));
        works.entry((id, r.kind, deployment)).or_default().push(r);
    });
    for (id, file) in services {
        let message = format!("`{id}` is a vendor's API: its terms of service are not in law and are not judged");
        told.push(Diagnostic {
            severity: freehold_base::Severity::Note,
            ..Diagnostic::warning("service-not-judged", message).in_file(file)
        });
    }
    let mut out = Vec::with_capacity(works.len());
    for ((id, kind, deployment), places) in works {
        let Some(first) = places.first() else { continue };
        let (mut dossier, _) = named(id, kind, first, run);
        let place = match first.evidence.line {
            Some(line) => format!("{}:{line}", first.evidence.file),
            None => first.evidence.file.clone(),
        };
        let more = match places.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let of = deployment.and_then(|d| run.by_path.get(d)).map(|d| format!(", {}", d.name)).unwrap_or_default();
        dossier.subject.kind = format!("named at {place}{more}{of}");
        out.push(dossier);
    }
    out
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
        ReferenceKind::OllamaModel => run.catalog.models.ollama_work(&id),
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
    (named_work_dossier(&work, "", run), evidence)
}

/// A model that is known by its name alone, judged; `path` is what the user typed for it, if anything.
pub(crate) fn named_work_dossier<'c>(work: &NamedWork, path: &str, run: &Run<'c>) -> Dossier<'c> {
    let (mut graph, diagnostics) = named_work(work, run.catalog, &run.as_of);
    graph.works[0].name.clone_from(&run.said.name);
    let said = match (work.kind, work.unresolved) {
        (WorkKind::Service, _) => "a vendor's API",
        (_, true) => "named through a variable that this file does not settle",
        _ => "named, not here",
    };
    let subject =
        Subject { id: graph.works[0].id.clone(), kind: said.to_string(), path: path.to_string(), ..Subject::default() };
    judge(parts(subject, Path::new(&work.evidence.file), graph, diagnostics, run), run.catalog)
}

/// The folder that a path lies in, as a path that can be opened.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Models in a file or folder that a file names; of a file in a model's folder, what the folder says too.
pub(crate) fn files<'c>(
    beside: &Path,
    evidence: &Evidence,
    run: &Run<'c>,
    unreadable: &mut Vec<Diagnostic>,
) -> Vec<(Dossier<'c>, Evidence)> {
    // who made the whole says nothing of its parts
    let mut run = run.for_parts();
    run.said.name = None;
    let limits = freehold_source::Limits::default();
    let name = beside.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if beside.is_file()
        && let Ok(around) = freehold_source::open(folder_of(beside), &limits)
        && let Some(holds) = around.iter().find(|a| a.files.iter().any(|f| f.path == name))
    {
        let path = folder_of(beside).display().to_string();
        return vec![(dossier(&path, holds, &run), evidence.clone())];
    }
    let path = beside.display().to_string();
    match freehold_source::open(beside, &limits) {
        Ok(artifacts) => artifacts.iter().map(|a| (dossier(&path, a, &run), evidence.clone())).collect(),
        Err(d) => {
            unreadable.push(d);
            Vec::new()
        }
    }
}

fn parts(subject: Subject, place: &Path, graph: Graph, diagnostics: Vec<Diagnostic>, run: &Run<'_>) -> Parts {
    Parts {
        subject,
        graph,
        deployment: run.deployment_of(place).clone(),
        outgoing: run.outgoing.clone(),
        made_by: None,
        diagnostics,
        not_read: Vec::new(),
        as_of: run.as_of.clone(),
        findings: Vec::new(),
        house: run.house.clone(),
    }
}

/// What tells a component: what was read of it, or its name where nothing was.
fn identity(subject: &Subject) -> &str {
    if subject.artifact.is_empty() { &subject.id } else { &subject.artifact }
}

/// Several works as one, judged as a whole: the whole first.
pub(crate) fn whole<'c>(
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
        place: crate::house::place(run.home.as_deref(), path, ""),
        digests: Vec::new(),
        artifact: freehold_policy::digest_of_parts(components.iter().map(|(d, _)| identity(&d.subject))),
        texts: components.iter().flat_map(|(d, _)| d.subject.texts.iter().cloned()).collect(),
    };
    let mut all = parts(subject, Path::new(path), graph, Vec::new(), run);
    for (d, _) in &components {
        // what a component's own files show is the whole's too; the engine finds the rest anew
        all.diagnostics.extend(d.diagnostics.iter().cloned());
        all.not_read.extend(d.not_read.iter().map(|n| format!("{}: {n}", d.subject.id)));
    }
    let mut out = vec![judge(all, run.catalog)];
    out.extend(components.into_iter().map(|(d, _)| d));
    out
}
