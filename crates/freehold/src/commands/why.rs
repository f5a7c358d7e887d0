//! `freehold why`: the trail behind a duty, a finding, a clause, a fact or a verdict.

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;

use super::{prepare, print, report, style};
use crate::context::get;
use crate::exit;
use crate::load::dossiers;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let code = get(matches, "code").unwrap_or_default();
    let loaded = dossiers(&[get(matches, "what").unwrap_or(".")], &run);
    report(&loaded.mistakes);
    report(&loaded.unreadable);
    report(&loaded.nothing);
    if !loaded.mistakes.is_empty() {
        return exit::USAGE;
    }
    if !loaded.unreadable.is_empty() {
        return exit::UNREADABLE;
    }
    if loaded.dossiers.is_empty() {
        return exit::NOTHING;
    }
    let mut known: Vec<String> = Vec::new();
    let mut answered = false;
    for dossier in &loaded.dossiers {
        match freehold_documents::why(dossier, code, style()) {
            Ok(text) => {
                answered = true;
                print(&text);
            }
            Err(names) => known.extend(names),
        }
    }
    if answered {
        return exit::CLEAR;
    }
    known.sort();
    known.dedup();
    let mut d = Diagnostic::error("nothing-to-explain", format!("nothing here goes by `{code}`"));
    d = match freehold_base::nearest(code, known.iter().map(String::as_str)) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("one of: {}", known.join(", "))),
    };
    report(&[d]);
    exit::USAGE
}
