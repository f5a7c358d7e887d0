//! `freehold inspect`: what the files say, each fact with its place. No verdict.

use std::path::Path;

use clap::ArgMatches;
use freehold_base::{Diagnostic, Severity, TextKind, shown};
use freehold_catalog::Catalog;
use freehold_documents::InspectedText;
use freehold_text::{Limits, identify};
use freehold_wire::{Bundle, BundledModel};

use super::{print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::text_index;

pub(crate) fn run(matches: &ArgMatches, _catalog: &Catalog) -> u8 {
    let index = match text_index() {
        Ok(index) => index,
        Err(d) => {
            report(&[d]);
            return 70;
        }
    };
    let mut found = 0usize;
    let mut failed = false;
    let json = get(matches, "format") == Some("json");
    let mut rows = Vec::new();
    let bundle = get(matches, "bundle");
    let mut bundled: Vec<BundledModel> = Vec::new();
    for path in all(matches, "what") {
        match freehold_source::open(Path::new(path), &freehold_source::Limits::default()) {
            Err(d) => {
                failed = true;
                report(&[d]);
            }
            Ok(artifacts) => {
                found += artifacts.len();
                for a in &artifacts {
                    if bundle.is_some() {
                        bundled.push(bundled_model(a));
                    }
                    failed |= a.diagnostics.iter().any(|d| d.severity == Severity::Error);
                    let texts = a.texts.iter().filter(|t| t.kind != TextKind::Card).map(|t| {
                        let id = identify(&index, &t.text, Limits::default());
                        let near = id.points_to.clone().map(|p| format!("names {p}")).unwrap_or_default();
                        InspectedText {
                            file: t.file.clone(),
                            edition: id.edition.clone(),
                            matched: id.matched.as_str().to_string(),
                            note: near,
                        }
                    });
                    let texts: Vec<InspectedText> = texts.collect();
                    if bundle.is_some() {
                        report(&a.diagnostics);
                    } else if json {
                        rows.push(as_json(a, &texts));
                    } else {
                        print(&freehold_documents::inspect(
                            &a.root_name,
                            &a.facts,
                            &texts,
                            &a.diagnostics,
                            (a.bytes_read, a.bytes_total),
                            style(),
                        ));
                    }
                }
            }
        }
    }
    if json {
        print(&format!("{:#}\n", serde_json::json!({ "schema": "freehold.inspection/1", "artifacts": rows })));
    }
    if let Some(file) = bundle.filter(|_| found > 0) {
        let text = Bundle::of(bundled).to_json();
        if let Err(e) = std::fs::write(file, &text) {
            report(&[Diagnostic::error("unwritable", format!("cannot be written: {}", e.kind())).in_file(file)]);
            return exit::UNREADABLE;
        }
        let models = if found == 1 { "1 model".to_string() } else { format!("{found} models") };
        print(&shown(&format!(
            "wrote     {file}: {models}, {} bytes, no tensor data\nnext      upload it under New record, or POST it to /api/v1/records/bundle\n",
            text.len()
        )));
    }
    match (failed, found) {
        (true, _) => exit::UNREADABLE,
        (false, 0) => {
            report(&[Diagnostic::warning("nothing-found", "no model was found")]);
            exit::NOTHING
        }
        _ => exit::CLEAR,
    }
}

/// What was read of a model, to be judged elsewhere.
fn bundled_model(a: &freehold_artifact::Artifact) -> BundledModel {
    BundledModel {
        name: a.root_name.clone(),
        files: a.files.iter().map(|f| (f.path.clone(), f.bytes)).collect(),
        facts: a.facts.clone(),
        texts: a.texts.clone(),
        notes: a.diagnostics.iter().map(|d| d.message.clone()).collect(),
        bytes_read: a.bytes_read,
        bytes_total: a.bytes_total,
    }
}

fn as_json(a: &freehold_artifact::Artifact, texts: &[InspectedText]) -> serde_json::Value {
    let facts: Vec<serde_json::Value> = a
        .facts
        .iter()
        .map(|f| {
            serde_json::json!({
                "fact": freehold_documents::fact_word(f.kind),
                "value": f.value,
                "file": f.evidence.file,
                "key": f.evidence.key,
                "bytes": f.evidence.bytes.map(|(from, to)| [from, to]),
                "line": f.evidence.line,
            })
        })
        .collect();
    let texts: Vec<serde_json::Value> = texts
        .iter()
        .map(|t| serde_json::json!({ "file": t.file, "edition": t.edition, "match": t.matched, "note": t.note }))
        .collect();
    let diagnostics: Vec<serde_json::Value> = a
        .diagnostics
        .iter()
        .map(|d| serde_json::json!({ "code": d.code, "message": d.message, "file": d.label.as_ref().map(|l| &l.file) }))
        .collect();
    serde_json::json!({
        "name": a.root_name,
        "bytes_total": a.bytes_total,
        "bytes_read": a.bytes_read,
        "facts": facts,
        "texts": texts,
        "diagnostics": diagnostics,
    })
}
