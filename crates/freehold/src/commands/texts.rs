//! `freehold texts`: the organization's own folder of license texts, from which `comply` takes copies.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_base::{Diagnostic, Severity};
use freehold_catalog::Catalog;
use freehold_text::{Limits, Match, identify};

use super::identify::{index_of_texts, list, read_text};
use super::{print, report};
use crate::context::all;
use crate::exit;

/// Most texts that a list tells.
const LISTED_MAX: usize = 10_000;

/// Where the organization's texts lie: `FREEHOLD_TEXTS`, else `freehold/texts` below this user's data folder.
pub(crate) fn store() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || set("HOME").or_else(|| set("USERPROFILE"));
    let data = || set("XDG_DATA_HOME").or_else(|| home().map(|h| h.join(".local/share")));
    set("FREEHOLD_TEXTS").or_else(|| data().map(|d| d.join("freehold/texts")))
}

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let Some(store) = store() else {
        let d = Diagnostic::error("no-home", "there is no home folder to keep texts in");
        report(&[d.help("name a folder with FREEHOLD_TEXTS")]);
        return exit::USAGE;
    };
    match matches.subcommand() {
        Some(("add", m)) => add(m, &store, catalog),
        Some(("list", _)) => listed(&store, catalog),
        _ => exit::USAGE,
    }
}

/// The license or use policy that an edition is of.
fn title<'c>(edition: &str, catalog: &'c Catalog) -> Option<&'c str> {
    let license = catalog.license_of_edition(edition).map(|(i, _)| catalog.licenses[i].name.as_str());
    license.or_else(|| catalog.policies.iter().find(|p| p.text == edition).map(|p| p.name.as_str()))
}

/// Keeps each text that is an edition word for word under that edition's name; refuses the rest, all at once.
fn add(matches: &ArgMatches, store: &Path, catalog: &Catalog) -> u8 {
    let Some(index) = index_of_texts() else { return exit::INTERNAL };
    let (files, mut said) = list(&all(matches, "what"));
    let mut lines = Vec::new();
    for file in &files {
        let Some(text) = read_text(file, &mut said) else { continue };
        let found = identify(&index, &text, Limits::default());
        let name = file.display().to_string();
        let edition = match (found.matched, found.edition) {
            (Match::Exact, Some(edition)) => edition,
            (_, near) => {
                let near = near.map(|e| format!(", nearest is {e}")).unwrap_or_default();
                let message = format!("no license or use policy that is known word for word{near}: it is not kept");
                let d = Diagnostic::error("not-an-edition", message).in_file(&*name);
                said.push(d.help(format!("freehold identify {name}   tells where it differs")));
                continue;
            }
        };
        let to = store.join(format!("{}.txt", edition.replace(['/', '\\'], "_")));
        if fs::read_to_string(&to).is_ok_and(|there| there == text) {
            lines.push(format!("there      {edition}"));
            continue;
        }
        let beside = to.with_extension("txt.new");
        let done =
            fs::create_dir_all(store).and_then(|()| fs::write(&beside, &text)).and_then(|()| fs::rename(&beside, &to));
        match done {
            Ok(()) => lines.push(format!(
                "kept       {edition}{}",
                title(&edition, catalog).map(|t| format!("   {t}")).unwrap_or_default()
            )),
            Err(e) => {
                let message = format!("cannot be written: {}", e.kind());
                said.push(Diagnostic::error("unwritable", message).in_file(to.display().to_string()));
            }
        }
    }
    if !lines.is_empty() {
        print(&format!("{}\nstore      {}\nnext       freehold texts list\n", lines.join("\n"), store.display()));
    }
    let failed = said.iter().any(|d| d.severity == Severity::Error);
    report(&said);
    match (failed, lines.is_empty()) {
        (true, _) => exit::UNREADABLE,
        (false, true) => exit::NOTHING,
        (false, false) => exit::CLEAR,
    }
}

fn listed(store: &Path, catalog: &Catalog) -> u8 {
    let Some(index) = index_of_texts() else { return exit::INTERNAL };
    let texts = if store.is_dir() { freehold_source::read_texts(store).unwrap_or_default() } else { Vec::new() };
    let mut rows = Vec::new();
    let mut said = Vec::new();
    for (path, text) in texts.into_iter().take(LISTED_MAX) {
        let found = identify(&index, &text, Limits::default());
        match found.edition.filter(|_| found.matched == Match::Exact) {
            Some(edition) => rows.push((edition.clone(), title(&edition, catalog).unwrap_or_default().to_string())),
            None => said.push(
                Diagnostic::warning("not-an-edition", "no text that is known word for word: it is never used")
                    .in_file(store.join(&path).display().to_string()),
            ),
        }
    }
    let width = rows.iter().map(|(e, _)| e.chars().count()).max().unwrap_or(0);
    let lines: String = rows.iter().map(|(e, t)| format!("{e:width$}   {t}\n")).collect();
    let count = if rows.len() == 1 { "1 text".to_string() } else { format!("{} texts", rows.len()) };
    let next = "freehold texts add FILE…   keeps a license text for comply";
    print(&freehold_base::shown(&format!("{lines}{count} in {}\nnext   {next}\n", store.display())));
    report(&said);
    if rows.is_empty() { exit::NOTHING } else { exit::CLEAR }
}
