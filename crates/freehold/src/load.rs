//! From a path to dossiers: the shell around the one pipeline.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use freehold_assess::Deployment;
use freehold_base::{Diagnostic, Graph, TextKind};
use freehold_catalog::Catalog;
use freehold_check::{
    Dossier, ModelFiles, Outgoing, Parts, ReleaseFile, Said, Subject, case_from_toml, judge, judge_unasked, model,
    read_release,
};
use freehold_text::Index;

use crate::commands::report;
use crate::deployments::ByPath;
use crate::exit;
use crate::names::{self, Named};
use crate::references::{AlreadyRead, own_files};

/// Models between two signs of progress on a terminal.
const PROGRESS_EVERY: usize = 100;

/// The text index that this build carries.
static TEXT_INDEX: &[u8] = include_bytes!("../../../catalog/texts.idx");
/// What the texts of the index appear to say.
pub(crate) static READINGS: &str = include_str!("../../../catalog/readings.tsv");

/// Threads that judge beside the walk.
const WORKERS_MAX: usize = 8;
/// Models that were read and wait to be judged.
const WAITING_MAX: usize = 256;
/// Models that a worker is handed at once.
const BATCH: usize = 32;

/// Everything a run holds fixed over its models.
pub(crate) struct Run<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) index: Index<'static>,
    pub(crate) deployment: Deployment,
    /// What flags alone state of it.
    pub(crate) stated: Deployment,
    /// Deployments by path, the first that holds a path before `deployment`.
    pub(crate) by_path: Vec<ByPath>,
    /// Models that files name are judged too.
    pub(crate) named: bool,
    pub(crate) said: Said,
    pub(crate) outgoing: Option<Outgoing>,
    pub(crate) as_of: String,
    /// The house's own law, and the folder of its files.
    pub(crate) house: std::sync::Arc<freehold_assess::House>,
    pub(crate) home: Option<std::path::PathBuf>,
}

impl<'c> Run<'c> {
    /// True where models that files name are judged as those that lie here are: where a repository's deployments are
    /// stated, or that is asked for.
    fn names_count(&self) -> bool {
        self.named || !self.by_path.is_empty()
    }

    /// The deployment of what lies at a path.
    pub(crate) fn deployment_of(&self, path: &Path) -> &Deployment {
        self.by_path.iter().find(|d| d.holds(path)).map_or(&self.deployment, |d| &d.deployment)
    }

    /// The same run for the parts of an assembly: what the user said of the whole is not said of them.
    pub(crate) fn for_parts(&self) -> Run<'c> {
        Run {
            catalog: self.catalog,
            index: self.index,
            deployment: self.deployment.clone(),
            stated: self.stated.clone(),
            by_path: self.by_path.clone(),
            named: self.named,
            said: Said::default(),
            outgoing: self.outgoing.clone(),
            as_of: self.as_of.clone(),
            house: self.house.clone(),
            home: self.home.clone(),
        }
    }
}

/// What a path gave.
#[derive(Default)]
pub(crate) struct Loaded<'c> {
    pub(crate) dossiers: Vec<Dossier<'c>>,
    /// Inputs that could not be read at all.
    pub(crate) unreadable: Vec<Diagnostic>,
    /// Where nothing was found and what was looked for, and what was found and is not judged.
    pub(crate) nothing: Vec<Diagnostic>,
    /// Mistakes of a case file: configuration, not input.
    pub(crate) mistakes: Vec<Diagnostic>,
    /// What governance records say in bills: a subject's id and the statement.
    pub(crate) statements: Vec<(String, serde_json::Value)>,
}

impl<'c> Loaded<'c> {
    /// The one model of it, or the whole of an assembly; else what is wrong is told, and the status. `is_about` says for whom it must
    /// be one (`a memo`).
    pub(crate) fn only(&self, what: &str, is_about: &str) -> Result<&Dossier<'c>, u8> {
        report(&self.mistakes);
        report(&self.unreadable);
        report(&self.nothing);
        match self.dossiers.as_slice() {
            [] if !self.mistakes.is_empty() => Err(exit::USAGE),
            [] if !self.unreadable.is_empty() => Err(exit::UNREADABLE),
            [] => Err(exit::NOTHING),
            [one, parts @ ..] if parts.is_empty() || one.subject.components == parts.len() => Ok(one),
            many => {
                let message = format!("{} models lie there: {is_about} is about one", many.len());
                report(&[Diagnostic::error("several-models", message).in_file(what).help("name one of them")]);
                Err(exit::USAGE)
            }
        }
    }
}

/// The index of license texts.
#[expect(clippy::result_large_err, reason = "once a run")]
pub(crate) fn text_index() -> Result<Index<'static>, Diagnostic> {
    Index::from_bytes(TEXT_INDEX)
        .map_err(|e| Diagnostic::error("text-index", format!("the built-in text index cannot be read: {e}")))
}

/// Reads what a release shows.
pub(crate) fn release(
    path: &str,
    index: &Index<'_>,
    catalog: &Catalog,
    unreadable: &mut Vec<Diagnostic>,
) -> Option<Outgoing> {
    match freehold_source::read_texts(Path::new(path)) {
        Ok(texts) => {
            let files: Vec<ReleaseFile> = texts.into_iter().map(|(path, text)| ReleaseFile { path, text }).collect();
            Some(outgoing(path, &files, index, catalog))
        }
        Err(d) => {
            unreadable.push(d);
            None
        }
    }
}

/// What the texts of a release show.
pub(crate) fn outgoing(path: &str, files: &[ReleaseFile], index: &Index<'_>, catalog: &Catalog) -> Outgoing {
    let is_card = |f: &&ReleaseFile| matches!(f.path.to_ascii_lowercase().as_str(), "readme.md" | "model-card.md");
    let mut names = files.iter().filter(is_card).flat_map(|f| freehold_artifact::card_values(&f.text, "model_name"));
    Outgoing { path: path.to_string(), release: read_release(files, index, catalog), card_name: names.next() }
}

/// What goes out is called what its folder is called, unless somebody says otherwise: the card that goes out with it,
/// where that name is this one with more (`Llama-support-bot`), and so not another model's.
fn outgoing_name(root_name: &str, outgoing: &Outgoing) -> String {
    let own = freehold_source::base_name(root_name);
    let fold = |s: &str| -> String { s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let said = outgoing.card_name.as_deref().filter(|n| !fold(own).is_empty() && fold(n).contains(&fold(own)));
    said.unwrap_or(own).to_string()
}

/// Judges everything at the paths.
pub(crate) fn dossiers<'c>(paths: &[&str], run: &Run<'c>) -> Loaded<'c> {
    let mut out = Loaded::default();
    let progress = std::io::stderr().is_terminal();
    for path in paths {
        // what a configuration of a training plans is judged as what it would become
        if let Some(planned) = crate::commands::tune::planned_at(path, run) {
            match planned {
                Ok(dossier) => out.dossiers.push(dossier),
                Err(refused) => out.mistakes.extend(refused.said),
            }
            continue;
        }
        if Path::new(path).extension().is_some_and(|e| e == "toml") && Path::new(path).is_file() {
            case_file(path, run, &mut out);
            continue;
        }
        match names::find(path) {
            Some(Named::Here(copy)) => {
                folder(&copy.display().to_string(), run, false, progress, &mut out);
                continue;
            }
            Some(Named::Elsewhere(mut work)) => {
                if path.starts_with("ollama:") {
                    work.id = run.catalog.models.ollama_work(&work.id);
                }
                out.dossiers.push(crate::assembly::named_work_dossier(&work, path, run));
                continue;
            }
            Some(Named::Wrong(d)) => {
                out.mistakes.push(*d);
                continue;
            }
            None => {}
        }
        if crate::bills::judged(path, run, &mut out) {
            continue;
        }
        if let Some(assembly) = crate::assembly::named_in(path, run, &mut out.unreadable) {
            if assembly.is_empty() {
                out.nothing.push(nothing_at(path));
            }
            out.dossiers.extend(assembly);
            continue;
        }
        let before = out.dossiers.len();
        folder(path, run, run.names_count() && Path::new(path).is_dir(), progress, &mut out);
        if freehold_source::is_archive(Path::new(path)) {
            let parts = out.dossiers.split_off(before);
            out.dossiers.extend(crate::assembly::of_parts(path, parts, run));
        }
    }
    out
}

/// Judges each model of a folder as it is found, beside the walk.
///
/// With `named`, every model that a file below names is judged too.
fn folder<'c>(path: &str, run: &Run<'c>, named: bool, progress: bool, out: &mut Loaded<'c>) {
    let (mut walked, mut judged) = beside(path, progress, &|artifact| {
        let files = if named { own_files(&artifact) } else { Vec::new() };
        (dossier(path, &artifact, run), files)
    });
    judged.sort_by(|(n, (a, _)), (m, (b, _))| a.subject.id.cmp(&b.subject.id).then(n.cmp(m)));
    let mut read = AlreadyRead::default();
    let mut here: Vec<Dossier<'c>> = Vec::with_capacity(judged.len());
    for (_, (dossier, files)) in judged {
        read.add(files);
        here.push(dossier);
    }
    if let (true, Ok(said)) = (named, &mut walked) {
        here.extend(crate::assembly::named_below(path, &read, run, said, &mut out.nothing));
    }
    match (walked, here.first_mut()) {
        (Ok(diagnostics), Some(first)) => first.diagnostics.extend(diagnostics),
        (Ok(diagnostics), None) if diagnostics.is_empty() => out.nothing.push(nothing_at(path)),
        // nothing was found, and the walk itself went wrong: that is not the same as nothing there
        (Ok(diagnostics), None) => out.unreadable.extend(diagnostics),
        (Err(d), _) => out.unreadable.push(d),
    }
    out.dossiers.extend(here);
}

/// What a walk gave: what is wrong with it, and what `work` made of each model, with the model's number in the walk.
type Walked<T> = (Result<Vec<Diagnostic>, Diagnostic>, Vec<(usize, T)>);

/// Does `work` on each model at a path as it is found, on as many threads as there are cores, so that what was read of
/// a model can go. Results are in no order.
pub(crate) fn beside<T: Send>(
    path: &str,
    progress: bool,
    work: &(dyn Fn(freehold_artifact::Artifact) -> T + Sync),
) -> Walked<T> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
    let (send, receive) = std::sync::mpsc::sync_channel::<Batch>(WAITING_MAX / BATCH);
    let receive = std::sync::Mutex::new(receive);
    std::thread::scope(|scope| {
        let worker = || {
            let mut here: Vec<(usize, T)> = Vec::new();
            loop {
                // whoever holds the lock waits for the next; the others work
                let next = receive.lock().map(|r| r.recv());
                let Ok(Ok(batch)) = next else { return here };
                here.extend(batch.into_iter().map(|(n, artifact)| (n, work(artifact))));
            }
        };
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let mut found = 0usize;
        let mut batch = Batch::with_capacity(BATCH);
        let walked = freehold_source::each(Path::new(path), &freehold_source::Limits::default(), &mut |artifact| {
            batch.push((found, artifact));
            found += 1;
            if batch.len() >= BATCH {
                // a worker that is gone has panicked, which is told when it is joined
                let _ = send.send(std::mem::replace(&mut batch, Batch::with_capacity(BATCH)));
            }
            if progress && found.is_multiple_of(PROGRESS_EVERY) {
                anstream::eprint!("\r{found} models");
            }
        });
        let _ = send.send(batch);
        drop(send);
        let mut done = Vec::with_capacity(found);
        for handle in handles {
            match handle.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        if progress && found >= PROGRESS_EVERY {
            anstream::eprint!("\r\x1b[K");
        }
        (walked, done)
    })
}

/// Models on their way to a worker, each with its number in the walk.
type Batch = Vec<(usize, freehold_artifact::Artifact)>;

fn nothing_at(path: &str) -> Diagnostic {
    let help = format!(
        "looked for *.gguf, *.safetensors, config.json, adapter_config.json, a model card with front matter, mergekit_config.yml, a Modelfile, git-lfs pointers and these stores: {}",
        freehold_source::known_stores()
    );
    Diagnostic::warning("nothing-found", "no model was found here").in_file(path).help(help)
}

/// A model's files, judged.
pub(crate) fn dossier<'c>(path: &str, artifact: &freehold_artifact::Artifact, run: &Run<'c>) -> Dossier<'c> {
    let mut parts = parts(path, artifact, run);
    let entries = artifact.files.iter().map(|f| (f.path.as_str(), f.bytes));
    parts.subject.artifact = freehold_policy::artifact_digest(entries, &artifact.facts, &artifact.texts);
    // the body of a card is no legal text
    let legal = artifact.texts.iter().filter(|t| t.kind != TextKind::Card);
    parts.subject.texts = legal.map(|t| (t.file.clone(), freehold_policy::text_digest(&t.text))).collect();
    judge(parts, run.catalog)
}

/// What an inventory says of a model's terms.
#[derive(Debug)]
pub(crate) struct Inventoried {
    /// Licenses that govern, sorted.
    pub(crate) under: Vec<String>,
    /// Codes of findings, sorted.
    pub(crate) findings: Vec<String>,
}

/// Answers of an inventory, for models that are alike: of thousands of fine-tunes and quantizations of a base most differ in
/// nothing that a license looks at.
#[derive(Default)]
pub(crate) struct Alike(std::sync::Mutex<BTreeMap<String, std::sync::Arc<Inventoried>>>);

/// Most kinds of models that are remembered.
const ALIKE_MAX: usize = 4096;

impl Alike {
    /// What is alike of a model, where that can be told: everything that was read or is known of it and of what it was made from but
    /// its own id and places in files. `None` where a model is asked about by its place or its name.
    fn key(parts: &Parts, run: &Run<'_>) -> Option<String> {
        let graph = &parts.graph;
        if !run.house.is_empty() || !run.by_path.is_empty() || run.outgoing.is_some() || parts.made_by.is_some() {
            return None;
        }
        let mut out = String::with_capacity(512);
        // no word holds a control character that could stand for a separator: they are cleaned when they are read
        let part = |out: &mut String, text: &str| {
            out.push_str(text);
            out.push('\u{1}');
        };
        let flags = |out: &mut String, all: &[bool]| all.iter().for_each(|b| out.push(if *b { '+' } else { '-' }));
        for (i, w) in graph.works.iter().enumerate() {
            part(&mut out, if i == graph.subject { "" } else { &w.id });
            // nothing and an empty text are two things
            for text in [&w.name, &w.description] {
                part(&mut out, text.as_deref().unwrap_or("\u{2}"));
            }
            part(&mut out, w.kind.as_str());
            part(&mut out, w.made_by.map_or("", |m| m.as_str()));
            flags(&mut out, &[w.known]);
            for (name, value) in &w.facts {
                let _ = write!(out, "{name} {value:?}\u{1}");
            }
            for c in &w.claims {
                part(&mut out, &c.license);
                c.covers.iter().for_each(|k| part(&mut out, k.as_str()));
                part(&mut out, c.basis.as_str());
                flags(&mut out, &[c.expression, c.altered, c.superseded]);
                part(&mut out, c.edition.as_deref().unwrap_or("\u{2}"));
                c.additions.iter().for_each(|a| part(&mut out, a));
                out.push('\u{2}');
                c.beside.iter().for_each(|a| part(&mut out, a));
                part(&mut out, c.evidence.file.rsplit('/').next().unwrap_or_default());
            }
            out.push('\n');
        }
        for e in &graph.edges {
            let _ = write!(out, "{} {} ", e.child, e.parent);
            part(&mut out, e.relation.as_str());
            part(&mut out, e.by.as_str());
            flags(&mut out, &[e.by_presumed]);
        }
        parts.findings.iter().for_each(|f| part(&mut out, f.code.as_str()));
        Some(out)
    }
}

/// What an inventory tells of a model: judged without questions, which cost as much as everything else together, and without the
/// digests that waivers are bound to; and not at all where another was like it.
pub(crate) fn inventory(
    path: &str,
    artifact: &freehold_artifact::Artifact,
    run: &Run<'_>,
    alike: &Alike,
) -> (Subject, Graph, std::sync::Arc<Inventoried>) {
    let parts = parts(path, artifact, run);
    let key = Alike::key(&parts, run);
    let known = key.as_ref().and_then(|k| alike.0.lock().ok()?.get(k).cloned());
    if let Some(known) = known {
        return (parts.subject, parts.graph, known);
    }
    let d = judge_unasked(parts, run.catalog);
    let sorted = |all: &mut Vec<String>| {
        all.sort();
        all.dedup();
    };
    let governs = d.assessment.licenses.iter();
    let governs = governs.filter(|l| !l.displaced && !l.outbound && !l.beyond && !l.license.is_empty());
    let mut under: Vec<String> = governs.map(|l| l.license.clone()).collect();
    let mut findings: Vec<String> = d.assessment.findings.iter().map(|f| f.code.as_str().to_string()).collect();
    sorted(&mut under);
    sorted(&mut findings);
    let said = std::sync::Arc::new(Inventoried { under, findings });
    // what a license says of names hangs on the one of this model
    let by_name = d.assessment.obligations.iter().any(|o| o.code.starts_with("name-prefix"));
    if let Some(key) = key.filter(|_| !by_name)
        && let Ok(mut kept) = alike.0.lock()
        && kept.len() < ALIKE_MAX
    {
        kept.insert(key, said.clone());
    }
    (d.subject, d.graph, said)
}

/// Where a model of a walk lies: `name` is relative to `path`, or is what `path` is called.
fn place(path: &str, name: &str) -> PathBuf {
    let path = Path::new(path);
    let own = path.file_name().is_some_and(|n| n == name);
    if own || path.is_file() { path.to_path_buf() } else { path.join(name) }
}

fn parts(path: &str, artifact: &freehold_artifact::Artifact, run: &Run<'_>) -> Parts {
    let files = ModelFiles {
        root_name: &artifact.root_name,
        path,
        facts: &artifact.facts,
        texts: &artifact.texts,
        diagnostics: &artifact.diagnostics,
        files: artifact.files.len(),
        bytes_total: artifact.bytes_total,
        bytes_read: artifact.bytes_read,
    };
    let mut said = run.said.clone();
    if let Some(outgoing) = run.outgoing.as_ref().filter(|_| said.name.is_none()) {
        said.name = Some(outgoing_name(&artifact.root_name, outgoing));
    }
    let model = model(&files, &said, &run.index, run.catalog, &run.as_of);
    let mut subject = model.subject;
    // entries of the house alone ask where a model lies
    if !run.house.is_empty() {
        subject.place = crate::house::place(run.home.as_deref(), path, &subject.id);
    }
    Parts {
        subject,
        graph: model.graph,
        deployment: run.deployment_of(&place(path, &artifact.root_name)).clone(),
        outgoing: run.outgoing.clone(),
        made_by: None,
        diagnostics: model.diagnostics,
        not_read: model.not_read,
        as_of: run.as_of.clone(),
        findings: model.findings,
        house: run.house.clone(),
    }
}

fn case_file<'c>(path: &str, run: &Run<'c>, out: &mut Loaded<'c>) {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => {
            out.unreadable.push(Diagnostic::error("unreadable", format!("cannot be read: {e}")).in_file(path));
            return;
        }
    };
    let (case, mistakes) = case_from_toml(path, &text, run.catalog, &run.as_of);
    let usable = mistakes.is_empty();
    out.mistakes.extend(mistakes);
    if let Some(mut case) = case.filter(|_| usable) {
        let catalog = case.law.take().map_or(run.catalog, crate::house::kept);
        let mut parts = case.into_parts(path, &run.as_of);
        parts.subject.artifact = freehold_policy::text_digest(&text);
        out.dossiers.push(judge(parts, catalog));
    }
}
