//! `freehold check`: every model, judged.

use std::io::{BufRead, IsTerminal, Write as _};

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_check::Dossier;
use freehold_policy::Outcome;
use freehold_wire::{Assessment, Report};

use super::{policy, prepare, print, report, style};
use crate::context::{all, get};
use crate::exit::{self, FailOn};
use crate::load::{Loaded, Run, dossiers};

/// Most rounds of questions of `--ask`.
const ASK_MAX: usize = 12;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    // mistakes of both are told before either ends the run
    let (run, policy) = (prepare(matches, catalog), policy::load(matches, catalog));
    let (mut run, policy) = match (run, policy) {
        (Ok(run), Ok(policy)) => (run, policy),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let paths = all(matches, "what");
    let mut loaded = dossiers(&paths, &run);
    if matches.get_flag("ask") {
        if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            loaded = ask(&paths, &mut run, loaded);
        } else {
            let d = Diagnostic::warning("no-terminal", "`--ask` asks on a terminal, and this is none")
                .help("state the facts with flags, --set or a deployment file");
            report(&[d]);
        }
    }
    finish(matches, &loaded, policy.as_ref())
}

fn finish(matches: &ArgMatches, loaded: &Loaded<'_>, policy: Option<&policy::Active>) -> u8 {
    let fail_on = FailOn::parse(all(matches, "fail-on").into_iter());
    report(&loaded.mistakes);
    report(&loaded.unreadable);
    report(&loaded.nothing);
    let outcomes = policy.map(|p| p.outcomes(&loaded.dossiers)).unwrap_or_default();
    let mut codes: Vec<u8> = loaded.dossiers.iter().map(exit::of_dossier).collect();
    for (code, outcome) in codes.iter_mut().zip(&outcomes) {
        *code = exit::with_policy(*code, outcome.state);
    }
    let (mut code, uncounted) = exit::of_all(&codes, !loaded.unreadable.is_empty(), fail_on);
    if !loaded.mistakes.is_empty() {
        code = exit::USAGE;
    }
    emit(get(matches, "format").unwrap_or("human"), &loaded.dossiers, &outcomes, code);
    for line in uncounted {
        anstream::eprintln!("not counted: {line}");
    }
    code
}

/// Prints dossiers in a format, with what a policy says of each; no outcomes = there is no policy.
pub(crate) fn emit(format: &str, dossiers: &[Dossier<'_>], outcomes: &[Outcome], code: u8) {
    match format {
        "json" => {
            let report = Report::of(dossiers, code).with_policy(outcomes);
            print(&format!("{}\n", serde_json::to_string_pretty(&report).unwrap_or_default()));
        }
        "jsonl" => {
            for (i, d) in dossiers.iter().enumerate() {
                let line = Assessment::of(d).with_policy(outcomes.get(i));
                print(&format!("{}\n", serde_json::to_string(&line).unwrap_or_default()));
            }
        }
        _ => match dossiers {
            [] => {}
            [one] => {
                print(&freehold_documents::screen(one, style()));
                policy::print_one(one, outcomes.first());
            }
            // an assembly: as a whole, then each
            [whole, parts @ ..] if whole.subject.components == parts.len() => {
                print(&freehold_documents::screen(whole, style()));
                policy::print_one(whole, outcomes.first());
                print(&format!("\n{}", freehold_documents::summary_table(parts, style())));
                policy::print_many(parts, outcomes.get(1..).unwrap_or_default());
            }
            many => {
                print(&freehold_documents::summary_table(many, style()));
                policy::print_many(many, outcomes);
            }
        },
    }
}

/// Asks the most decisive question of the first open model until nothing is open or the user has enough.
fn ask<'c>(paths: &[&str], run: &mut Run<'c>, mut loaded: Loaded<'c>) -> Loaded<'c> {
    let mut learned = Vec::new();
    for _ in 0..ASK_MAX {
        let Some(question) = loaded.dossiers.iter().find_map(|d| d.questions.first()) else { break };
        let fact = run.catalog.facts.get(question.fact);
        anstream::eprintln!("\n{}", fact.question);
        if !question.asked_by.is_empty() {
            anstream::eprintln!("  asked by {}", question.asked_by.join(", "));
        }
        let hint = if fact.values.is_empty() { String::new() } else { format!(" [{}]", fact.values.join(", ")) };
        anstream::eprint!("  {}{hint} (empty = stop): ", fact.name);
        let _ = std::io::stderr().flush();
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        let mut mistakes = Vec::new();
        let value = crate::context::flag_value(&fact.name, line.trim(), fact, run.catalog, &mut mistakes);
        report(&mistakes);
        let Some(value) = value else { continue };
        if fact.name == "subject.made_by" {
            run.said.made_by = freehold_base::MadeBy::parse(line.trim());
        } else {
            run.deployment.set(run.catalog, question.fact, Some(value));
        }
        learned.push(format!("--set {}={}", fact.name, line.trim()));
        loaded = dossiers(paths, run);
    }
    if !learned.is_empty() {
        anstream::eprintln!(
            "\nto keep these answers, add them to freehold.toml; to repeat them: {}\n",
            learned.join(" ")
        );
    }
    loaded
}
