//! `freehold lineage`: what models were made from, drawn. No verdict.

use std::path::Path;

use clap::ArgMatches;
use freehold_assess::Deployment;
use freehold_base::{Diagnostic, Evidence, Severity};
use freehold_catalog::Catalog;
use freehold_catalog::Match as Known;
use freehold_check::{Dossier, case_from_json, judge, lineage};
use freehold_documents::{Style, lineage_mermaid, lineage_svg, lineage_text};
use freehold_wire::LineageReport;

use super::{print, report, style};
use crate::context::{self, all, get};
use crate::exit;
use crate::load::{Run, dossiers, text_index};

/// Columns of a tree that goes into a file.
const FILE_COLUMNS: usize = 120;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let mut mistakes = Vec::new();
    let as_of = context::as_of(matches, &mut mistakes);
    report(&mistakes);
    if mistakes.iter().any(|d| d.severity == Severity::Error) {
        return exit::USAGE;
    }
    let index = match text_index() {
        Ok(index) => index,
        Err(d) => {
            report(&[d]);
            return 70;
        }
    };
    // nothing here asks who ships what to whom
    let deployment = Deployment::empty(catalog);
    let run = Run {
        catalog,
        index,
        stated: deployment.clone(),
        deployment,
        by_path: Vec::new(),
        named: false,
        said: context::said(matches),
        outgoing: None,
        as_of,
        house: Default::default(),
        home: None,
    };
    let (found, code) = load(&all(matches, "what"), &run);
    if found.is_empty() {
        return code;
    }
    let joined = lineage(&found);
    let file = get(matches, "out");
    let look = if file.is_some() { Style { color: false, width: FILE_COLUMNS } } else { style() };
    let format = get(matches, "format").unwrap_or("human");
    let text = match format {
        "json" => LineageReport::of(&joined, catalog, &run.as_of).to_text(),
        "svg" => lineage_svg(&joined, catalog),
        "mermaid" => lineage_mermaid(&joined),
        _ => lineage_text(&joined, catalog, look),
    };
    if matches!(format, "svg" | "mermaid") {
        report(&joined.diagnostics);
    }
    match file {
        None => print(&text),
        Some(file) => {
            if let Err(e) = std::fs::write(file, text) {
                report(&[Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(file)]);
                return exit::USAGE;
            }
        }
    }
    code
}

/// What the words of the command line name: files and folders first, then models of the catalog.
fn load<'c>(what: &[&str], run: &Run<'c>) -> (Vec<Dossier<'c>>, u8) {
    let mut found = Vec::new();
    let (mut unreadable, mut mistaken) = (false, false);
    for name in what {
        if std::fs::symlink_metadata(Path::new(name)).is_err() {
            match model(name, run) {
                Ok(dossier) => found.push(dossier),
                Err(d) => {
                    unreadable = true;
                    report(&[*d]);
                }
            }
            continue;
        }
        let loaded = dossiers(&[name], run);
        report(&loaded.mistakes);
        report(&loaded.unreadable);
        report(&loaded.nothing);
        unreadable |= !loaded.unreadable.is_empty();
        mistaken |= !loaded.mistakes.is_empty();
        found.extend(loaded.dossiers);
    }
    let code = match (mistaken, unreadable, found.is_empty()) {
        (true, _, _) => exit::USAGE,
        (_, true, _) => exit::UNREADABLE,
        (_, _, true) => exit::NOTHING,
        _ => exit::CLEAR,
    };
    (found, code)
}

/// A model of the catalog, by its id, a re-upload's or an Ollama name.
fn model<'c>(name: &str, run: &Run<'c>) -> Result<Dossier<'c>, Box<Diagnostic>> {
    let models = &run.catalog.models;
    let id = models.by_ollama_name(name).or_else(|| models.by_display_name(name)).unwrap_or(name);
    let id = match models.resolve(id) {
        // as the publisher writes it
        Some(Known::Id(rows)) => rows.iter().find(|r| r.id.eq_ignore_ascii_case(id)).map_or(id, |r| r.id.as_str()),
        Some(Known::Reupload { .. }) => id,
        None => return Err(Box::new(unknown(name, run.catalog))),
    };
    let line = serde_json::json!({ "subject": { "id": id, "made_by": "third-party" } }).to_string();
    let (case, mut mistakes) = case_from_json("command line", &line, run.catalog, &run.as_of);
    let Some(mut case) = case.filter(|_| mistakes.is_empty()) else {
        return Err(Box::new(mistakes.pop().unwrap_or_else(|| unknown(name, run.catalog))));
    };
    let subject = case.graph.subject;
    if let Some(work) = case.graph.works.get_mut(subject) {
        work.evidence = Evidence::stated("command line");
    }
    Ok(judge(case.into_parts("", &run.as_of), run.catalog))
}

fn unknown(name: &str, catalog: &Catalog) -> Diagnostic {
    let d = Diagnostic::error("unknown-name", format!("`{name}` is no file here, and no model of the catalog"));
    match freehold_base::nearest(&name.to_lowercase(), catalog.models.ids()) {
        Some(near) => {
            // as its publisher writes it
            let id = catalog.models.find(near).first().map_or(near, |r| r.id.as_str());
            d.help(format!("did you mean `{id}`?"))
        }
        None => {
            d.help("name a folder, a file, a case.toml or a model as its publisher does: freehold lineage ORG/NAME")
        }
    }
}
