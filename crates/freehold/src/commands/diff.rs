//! `freehold diff`: what changes between two licenses, or two editions of one, and for whom.

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_check::{Side, compare};

use super::{print, report, style};
use crate::context::get;
use crate::exit;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let mut mistakes = Vec::new();
    let mut side = |key: &str| {
        let name = get(matches, key).unwrap_or_default();
        let found = Side::named(catalog, name);
        if found.is_none() {
            let d = Diagnostic::error("unknown-name", format!("no license or edition goes by `{name}`"));
            let near = freehold_base::nearest(&name.to_lowercase(), catalog.license_names());
            mistakes.push(near.iter().fold(d, |d, n| d.help(format!("did you mean `{n}`?"))));
        }
        found
    };
    let (a, b) = (side("a"), side("b"));
    report(&mistakes);
    let (Some(a), Some(b)) = (a, b) else { return exit::NOTHING };
    let difference = compare(catalog, &a, &b);
    if get(matches, "format") == Some("json") {
        print(&format!("{:#}\n", freehold_wire::difference(catalog, &difference)));
    } else {
        print(&freehold_documents::difference(catalog, &difference, style()));
    }
    exit::CLEAR
}
