//! `freehold why`: the trail behind a duty, a finding, a clause, a fact, a verdict, or a rule of the policy.

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;

use super::{policy, prepare, print, report, style};
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
    let policy = match policy::load(matches, catalog) {
        Ok(policy) => policy,
        Err(code) => return code,
    };
    let mut known: Vec<String> = Vec::new();
    let mut answered = false;
    // a rule of the organization's own: where it stands, what it objects to here, what to do
    for (dossier, outcome) in loaded.dossiers.iter().zip(policy.iter().flat_map(|p| p.outcomes(&loaded.dossiers))) {
        let raised = outcome.violations.iter().filter(|v| v.rule == code).cloned().collect::<Vec<_>>();
        known.extend(outcome.violations.iter().map(|v| v.rule.clone()));
        if !raised.is_empty() {
            answered = true;
            let one = freehold_policy::Outcome { violations: raised, stale: Vec::new(), ..outcome };
            policy::print_one(dossier, Some(&one));
        }
    }
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
