//! `freehold catalog`: the law that this build carries.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_check::{CASE_BYTES_MAX, case_from_json, catalog_changes, judge};

use super::{print, report, style};
use crate::context::{as_of, get};
use crate::exit;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    match matches.subcommand() {
        Some(("list", m)) => list(m, catalog),
        Some(("show", m)) => super::explain::run(m, catalog),
        Some(("check", m)) => check(m),
        Some(("diff", m)) => diff(m),
        _ => exit::USAGE,
    }
}

fn list(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    if get(matches, "format") == Some("json") {
        print(&format!("{:#}\n", freehold_wire::catalog_list(catalog)));
    } else {
        print(&freehold_documents::catalog_list(catalog, style()));
    }
    exit::CLEAR
}

fn check(matches: &ArgMatches) -> u8 {
    match crate::law::over_builtin(Path::new(get(matches, "dir").unwrap_or_default()), exit::UNREADABLE) {
        Ok(catalog) => {
            print(&format!("no mistake: catalog {}\n", catalog.version));
            exit::CLEAR
        }
        Err(code) => code,
    }
}

fn load(name: &str) -> Result<Catalog, u8> {
    if name == "builtin" {
        return Ok(freehold_law::catalog());
    }
    crate::law::over_builtin(Path::new(name), exit::UNREADABLE)
}

#[expect(clippy::result_large_err, reason = "once a run")]
fn diff(matches: &ArgMatches) -> u8 {
    let mut mistakes = Vec::new();
    let day = as_of(matches, &mut mistakes);
    report(&mistakes);
    if !mistakes.is_empty() {
        return exit::USAGE;
    }
    let sides = load(get(matches, "old").unwrap_or_default())
        .and_then(|old| load(get(matches, "new").unwrap_or_default()).map(|new| (old, new)));
    let (old, new) = match sides {
        Ok(both) => both,
        Err(code) => return code,
    };
    let changes = catalog_changes(&old, &new);
    let moved = match get(matches, "cases") {
        None => None,
        Some(file) => match outcomes(file, &old, &day).and_then(|a| outcomes(file, &new, &day).map(|b| (a, b))) {
            Ok((a, b)) => {
                let n = a.len();
                let moved: Vec<(String, String, String)> = a
                    .into_iter()
                    .filter_map(|(id, before)| {
                        let after = b.get(&id).cloned().unwrap_or_default();
                        (after != before).then_some((id, before, after))
                    })
                    .collect();
                Some((n, moved))
            }
            Err(d) => {
                report(&[d]);
                return exit::UNREADABLE;
            }
        },
    };
    print(&freehold_documents::catalog_changes(&old, &new, &changes, moved.as_ref(), style()));
    exit::CLEAR
}

/// The verdict and the owed duties of each stored case.
#[expect(clippy::result_large_err, reason = "one result for a whole file")]
fn outcomes(file: &str, catalog: &Catalog, as_of: &str) -> Result<BTreeMap<String, String>, Diagnostic> {
    let unreadable = |e: std::io::Error| Diagnostic::error("unreadable", format!("cannot be read: {e}")).in_file(file);
    let reader = BufReader::new(std::fs::File::open(file).map_err(unreadable)?);
    let mut out = BTreeMap::new();
    for (i, line) in reader.lines().enumerate() {
        let line = line.map_err(unreadable)?;
        if line.trim().is_empty() || line.len() > CASE_BYTES_MAX {
            continue;
        }
        let (case, _) = case_from_json(&format!("{file}:{}", i + 1), line.trim_end(), catalog, as_of);
        let Some(mut case) = case else { continue };
        let law = case.law.take();
        let dossier = judge(case.into_parts("", as_of), law.as_ref().unwrap_or(catalog));
        let owed: Vec<&str> = dossier
            .assessment
            .obligations
            .iter()
            .filter(|o| o.certainty == freehold_assess::Certainty::Owed)
            .map(|o| o.code)
            .collect();
        let duties = if owed.is_empty() { String::new() } else { format!(", owes {}", owed.join(", ")) };
        out.insert(dossier.subject.id.clone(), format!("{}{duties}", dossier.assessment.verdict));
    }
    Ok(out)
}
