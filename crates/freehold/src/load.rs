//! From a path to dossiers: the shell around the one pipeline.

use std::io::IsTerminal;
use std::path::Path;

use freehold_assess::Deployment;
use freehold_base::{Diagnostic, TextKind};
use freehold_catalog::Catalog;
use freehold_check::{
    Dossier, ModelFiles, Outgoing, Parts, ReleaseFile, Said, case_from_toml, judge, judge_unasked, model, read_release,
};
use freehold_text::Index;

/// Models between two signs of progress on a terminal.
const PROGRESS_EVERY: usize = 100;

/// The text index that this build carries.
static TEXT_INDEX: &[u8] = include_bytes!("../../../catalog/texts.idx");
/// What the texts of the index appear to say.
pub(crate) static READINGS: &str = include_str!("../../../catalog/readings.tsv");

/// Threads that judge beside the walk.
const WORKERS_MAX: usize = 8;
/// Models that were read and wait to be judged.
const WAITING_MAX: usize = 64;
/// Models that a worker is handed at once.
const BATCH: usize = 8;

/// Everything a run holds fixed over its models.
pub(crate) struct Run<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) index: Index<'static>,
    pub(crate) deployment: Deployment,
    pub(crate) said: Said,
    pub(crate) outgoing: Option<Outgoing>,
    pub(crate) as_of: String,
}

/// What a path gave.
#[derive(Default)]
pub(crate) struct Loaded<'c> {
    pub(crate) dossiers: Vec<Dossier<'c>>,
    /// Inputs that could not be read at all.
    pub(crate) unreadable: Vec<Diagnostic>,
    /// Where nothing was found, and what was looked for.
    pub(crate) nothing: Vec<Diagnostic>,
    /// Mistakes of a case file: configuration, not input.
    pub(crate) mistakes: Vec<Diagnostic>,
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
            Some(Outgoing { path: path.to_string(), release: read_release(&files, index, catalog) })
        }
        Err(d) => {
            unreadable.push(d);
            None
        }
    }
}

/// Judges everything at the paths.
pub(crate) fn dossiers<'c>(paths: &[&str], run: &Run<'c>) -> Loaded<'c> {
    let mut out = Loaded::default();
    let progress = std::io::stderr().is_terminal();
    for path in paths {
        if Path::new(path).extension().is_some_and(|e| e == "toml") && Path::new(path).is_file() {
            case_file(path, run, &mut out);
            continue;
        }
        if let Some(assembly) = crate::assembly::named_in(path, run, &mut out.unreadable) {
            out.dossiers.extend(assembly);
            continue;
        }
        let before = out.dossiers.len();
        folder(path, run, progress, &mut out);
        if freehold_source::is_archive(Path::new(path)) {
            let parts = out.dossiers.split_off(before);
            out.dossiers.extend(crate::assembly::of_parts(path, parts, run));
        }
    }
    out
}

/// Judges each model of a folder as it is found, beside the walk.
fn folder<'c>(path: &str, run: &Run<'c>, progress: bool, out: &mut Loaded<'c>) {
    let (walked, mut judged) = beside(path, progress, &|artifact| dossier(path, &artifact, run));
    judged.sort_by(|(n, a), (m, b)| a.subject.id.cmp(&b.subject.id).then(n.cmp(m)));
    let mut here: Vec<Dossier<'c>> = judged.into_iter().map(|(_, d)| d).collect();
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
    judge(parts(path, artifact, run), run.catalog)
}

/// [`dossier`] without questions, which cost as much as everything else together: for an inventory.
pub(crate) fn inventory<'c>(path: &str, artifact: &freehold_artifact::Artifact, run: &Run<'c>) -> Dossier<'c> {
    judge_unasked(parts(path, artifact, run), run.catalog)
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
    if run.outgoing.is_some() && said.name.is_none() {
        // what goes out is called what its folder is called, unless somebody says otherwise
        said.name = Some(freehold_source::base_name(&artifact.root_name).to_string());
    }
    let model = model(&files, &said, &run.index, run.catalog, &run.as_of);
    let mut subject = model.subject;
    let entries = artifact.files.iter().map(|f| (f.path.as_str(), f.bytes));
    subject.artifact = freehold_policy::artifact_digest(entries, &artifact.facts, &artifact.texts);
    // the body of a card is no legal text
    let legal = artifact.texts.iter().filter(|t| t.kind != TextKind::Card);
    subject.texts = legal.map(|t| (t.file.clone(), freehold_policy::text_digest(&t.text))).collect();
    Parts {
        subject,
        graph: model.graph,
        deployment: run.deployment.clone(),
        outgoing: run.outgoing.clone(),
        made_by: None,
        diagnostics: model.diagnostics,
        not_read: model.not_read,
        as_of: run.as_of.clone(),
        findings: model.findings,
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
    if let Some(case) = case.filter(|_| usable) {
        let mut parts = case.into_parts(path, &run.as_of);
        parts.subject.artifact = freehold_policy::text_digest(&text);
        out.dossiers.push(judge(parts, run.catalog));
    }
}
