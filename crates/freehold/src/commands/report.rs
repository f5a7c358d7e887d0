//! `freehold report`: a wrong answer as a case file.

use clap::ArgMatches;
use freehold_base::{Diagnostic, shown};
use freehold_catalog::Catalog;

use super::{prepare, print};
use crate::context::get;
use crate::exit;
use crate::load::dossiers;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let what = get(matches, "what").unwrap_or(".");
    let loaded = dossiers(&[what], &run);
    let d = match loaded.only(what, "a report") {
        Ok(one) => one,
        Err(code) => return code,
    };
    let Ok(case) = freehold_wire::stored_case(d) else {
        super::report(&[Diagnostic::error("too-large", "the lineage is too large to be written down")]);
        return exit::UNREADABLE;
    };
    let word = |key: &str| get(matches, key).unwrap_or_default();
    let got = (d.assessment.verdict.as_str(), d.catalog.version.as_str());
    let text =
        format!("{:#}\n", freehold_wire::reported_case(&case, got, word("says"), word("expected"), word("clause")));
    let Some(file) = get(matches, "out") else {
        print(&text);
        return exit::CLEAR;
    };
    if let Err(e) = std::fs::write(file, text) {
        super::report(&[Diagnostic::error("unwritable", format!("cannot be written: {}", e.kind())).in_file(file)]);
        return exit::UNREADABLE;
    }
    print(&shown(&format!("wrote     {file}\n")));
    exit::CLEAR
}
