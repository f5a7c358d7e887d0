//! Bills of materials that lie at a path: what they name, judged like any other model.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use freehold_base::Evidence;
use freehold_check::{Dossier, Parts, Subject, complete_graph, judge};
use freehold_wire::{BOM_BYTES_MAX, Imported, import_bom, is_bom};

use crate::load::{Loaded, Run};

/// Most works and steps of an assembly that is judged as a whole too: putting it together takes a comparison of each with
/// each.
const ASSEMBLED_MAX: usize = 5_000;
/// Bytes of a file that tell whether it is a bill.
const HEAD_BYTES: usize = 64 << 10;

/// The bytes of a bill at a path; `None` where it is none.
pub(crate) fn bytes_of(path: &str) -> Option<Vec<u8>> {
    let file = Path::new(path);
    let extension = file.extension()?.to_str()?.to_ascii_lowercase();
    if !matches!(extension.as_str(), "json" | "jsonld") || !file.is_file() {
        return None;
    }
    let mut open = fs::File::open(file).ok()?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES);
    open.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes).ok()?;
    if !is_bom(&bytes) {
        return None;
    }
    // one byte more than the limit, so that the reader can say so
    open.take(BOM_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// What a bill at a path says, where one lies there; mistakes go to `out`.
pub(crate) fn read(path: &str, run: &Run<'_>, out: &mut Loaded<'_>) -> Option<Imported> {
    let bytes = bytes_of(path)?;
    match import_bom(path, &bytes, run.said.made_by, run.catalog) {
        Ok(imported) if imported.graphs.is_empty() => {
            out.nothing.push(
                freehold_base::Diagnostic::warning(
                    "nothing-found",
                    format!("no model is listed in this {}", imported.format),
                )
                .in_file(path)
                .help("looked for components of the types machine-learning-model and data, AI and data set packages"),
            );
            None
        }
        Ok(imported) => Some(imported),
        Err(d) => {
            out.unreadable.push(*d);
            None
        }
    }
}

/// Judges what a bill lists: true where the path is one.
pub(crate) fn judged<'c>(path: &str, run: &Run<'c>, out: &mut Loaded<'c>) -> bool {
    let before = (out.nothing.len(), out.unreadable.len());
    let Some(imported) = read(path, run, out) else { return before != (out.nothing.len(), out.unreadable.len()) };
    let Imported { format, name, graphs, assembly, mut lost, statements } = imported;
    out.statements.extend(statements);
    let count = graphs.len();
    let mut all: Vec<(Dossier<'c>, Evidence)> = Vec::with_capacity(count);
    for (n, mut graph) in graphs.into_iter().enumerate() {
        let mut diagnostics = complete_graph(&mut graph, run.catalog, &run.as_of);
        if n == 0 && !(assembly && count > 1) {
            diagnostics.extend(lost.iter().cloned());
        }
        let work = graph.works.get_mut(graph.subject);
        let mut place = Evidence::stated(path);
        let mut id = String::new();
        if let Some(work) = work {
            work.made_by = work.made_by.or(run.said.made_by);
            if count == 1 {
                work.name = run.said.name.clone().or(work.name.take());
            }
            place.clone_from(&work.evidence);
            id.clone_from(&work.id);
        }
        for (base, relation) in &run.said.parents {
            let subject = graph.subject;
            let parent = freehold_check::work_index(&mut graph, base, &Evidence::stated("--base"));
            freehold_check::link(&mut graph, subject, parent, *relation, Evidence::stated("--base"));
        }
        if !run.said.parents.is_empty() {
            diagnostics.extend(complete_graph(&mut graph, run.catalog, &run.as_of));
        }
        let subject = Subject { id, path: path.into(), kind: format!("listed in {format}"), ..Subject::default() };
        let parts = Parts {
            subject,
            graph,
            deployment: run.deployment.clone(),
            outgoing: run.outgoing.clone(),
            made_by: None,
            diagnostics,
            not_read: vec!["the files themselves: a bill of materials is somebody's word for them".into()],
            as_of: run.as_of.clone(),
            findings: Vec::new(),
            house: run.house.clone(),
        };
        all.push((judge(parts, run.catalog), place));
    }
    let size: usize = all.iter().map(|(d, _)| d.graph.works.len() + d.graph.edges.len()).sum();
    if assembly && count > 1 && size > ASSEMBLED_MAX {
        let message = format!("{size} works and steps: each model is judged, and not all of them as one");
        lost.push(freehold_base::Diagnostic::warning("assembly-too-large", message).in_file(path));
        if let Some((first, _)) = all.first_mut() {
            first.diagnostics.append(&mut lost);
        }
    }
    if assembly && count > 1 && size <= ASSEMBLED_MAX {
        let shown = if name.is_empty() { path } else { name.as_str() };
        let mut whole = crate::assembly::whole(shown, run.said.made_by, all, run);
        if let Some(first) = whole.first_mut() {
            first.subject.path = path.to_string();
            first.diagnostics.extend(lost);
        }
        out.dossiers.extend(whole);
    } else {
        out.dossiers.extend(all.into_iter().map(|(d, _)| d));
    }
    true
}
