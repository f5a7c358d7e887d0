//! `freehold check`: every model, judged.

use std::io::{BufRead, IsTerminal, Write as _};

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_check::Dossier;
use freehold_policy::Outcome as Ruled;
use freehold_wire::pipeline::{Outcome, Pipeline};
use freehold_wire::{Assessment, Gate, Report};

use super::{baseline, policy, prepare, print, register, report, style};
use crate::context::{all, get};
use crate::exit::{self, FailOn};
use crate::load::{Loaded, Run, dossiers};
use crate::pipeline;

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
    finish(matches, &loaded, &run, policy.as_ref())
}

pub(crate) fn finish(matches: &ArgMatches, loaded: &Loaded<'_>, by: &Run<'_>, policy: Option<&policy::Active>) -> u8 {
    let fail_on = FailOn::parse(all(matches, "fail-on").into_iter());
    let format = get(matches, "format").unwrap_or("human");
    let baseline = match baseline::read(get(matches, "baseline"), get(matches, "write-baseline")) {
        Ok(baseline) => baseline,
        Err(mistakes) => {
            report(&mistakes);
            return exit::USAGE;
        }
    };
    // an annotation tells it; a runner would take other lines that begin with `::` for commands
    if format != "github" {
        report(&loaded.mistakes);
        report(&loaded.unreadable);
        report(&loaded.nothing);
    }
    // the list of issues walks every piece of evidence again: only for those who read it
    let listed = ["sarif", "junit", "markdown", "github"].contains(&format)
        || ["also", "baseline", "write-baseline"].iter().any(|flag| matches.contains_id(flag));
    let outcomes = policy.map(|p| p.outcomes(&loaded.dossiers)).unwrap_or_default();
    let gated = match get(matches, "register").map(|r| register::gate(r, &loaded.dossiers)).transpose() {
        Ok(gated) => gated.unwrap_or_default(),
        Err(d) => {
            report(&[*d]);
            return exit::UNREADABLE;
        }
    };
    let mut run = if listed { pipeline::of(loaded, by, &outcomes, &gated) } else { Pipeline::default() };
    run.count(|outcome| match outcome {
        Outcome::Blocked => fail_on.blocked,
        Outcome::Open => fail_on.open,
        Outcome::Unreadable => true,
    });
    let known = baseline::apply(baseline, get(matches, "write-baseline"), &mut run);
    let mut codes: Vec<u8> = match &known {
        Some(_) => run.models.iter().map(exit::of_checked).collect(),
        None => loaded.dossiers.iter().map(exit::of_dossier).collect(),
    };
    // a baseline knows the answers of the law; what a policy denies it denies every time
    for (code, outcome) in codes.iter_mut().zip(&outcomes) {
        *code = exit::with_policy(*code, outcome.state);
    }
    for (code, _) in codes.iter_mut().zip(&gated).filter(|(code, g)| !g.covered && **code != exit::UNREADABLE) {
        *code = exit::BLOCKED;
    }
    let (mut code, uncounted) = exit::of_all(&codes, !loaded.unreadable.is_empty(), fail_on);
    if !loaded.mistakes.is_empty() {
        code = exit::USAGE;
    }
    run.exit = code;
    let mut notes: Vec<String> = uncounted.into_iter().map(|line| format!("not counted: {line}")).collect();
    match known.unwrap_or(Ok(Vec::new())) {
        Ok(lines) => notes.extend(lines),
        Err(d) => {
            report(&[d]);
            code = exit::UNREADABLE;
        }
    }
    if let Err(d) = written(matches, loaded, &run, &outcomes, &gated) {
        report(&[d]);
        code = exit::UNREADABLE;
    }
    match rendered(format, &loaded.dossiers, &run, &outcomes, &gated) {
        Some(text) => print(&text),
        None => emit(format, &loaded.dossiers, &outcomes, code),
    }
    if !gated.is_empty() {
        let lines = register::gate_lines(&loaded.dossiers, &gated);
        // every other format has them in it
        if format == "human" {
            print(&lines);
        }
    }
    for line in notes {
        // names are foreign: each note stays one line
        anstream::eprintln!("{}", freehold_base::shown(&line).replace('\n', " "));
    }
    code
}

/// The formats that `--also` names, written to their files.
#[expect(clippy::result_large_err, reason = "once a run")]
fn written(
    matches: &ArgMatches,
    loaded: &Loaded<'_>,
    run: &Pipeline,
    outcomes: &[Ruled],
    gates: &[Gate],
) -> Result<(), Diagnostic> {
    let wanted = matches.get_many::<(String, String)>("also").into_iter().flatten();
    for (format, file) in wanted {
        let text = rendered(format, &loaded.dossiers, run, outcomes, gates).unwrap_or_default();
        std::fs::write(file, text)
            .map_err(|e| Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(file.as_str()))?;
    }
    Ok(())
}

/// A run in a format that is not made for a terminal, with what a policy says of each dossier.
fn rendered(
    format: &str,
    dossiers: &[Dossier<'_>],
    run: &Pipeline,
    outcomes: &[Ruled],
    gates: &[Gate],
) -> Option<String> {
    let json = |v: Result<String, serde_json::Error>| format!("{}\n", v.unwrap_or_default());
    Some(match format {
        "json" => json(serde_json::to_string_pretty(
            &Report::of(dossiers, run.exit).with_policy(outcomes).with_register(gates),
        )),
        "jsonl" => {
            let line = |(i, d)| {
                json(serde_json::to_string(
                    &Assessment::of(d).with_policy(outcomes.get(i)).with_register(gates.get(i).cloned()),
                ))
            };
            dossiers.iter().enumerate().map(line).collect()
        }
        "sarif" => {
            let catalog = dossiers.first().map(|d| d.catalog);
            let page = |code: &str| match catalog {
                Some(c) => freehold_documents::duty_page_name(c, code).to_string(),
                None => code.to_string(),
            };
            json(serde_json::to_string_pretty(&freehold_wire::pipeline::sarif(run, &page)))
        }
        "junit" => freehold_wire::pipeline::junit(run),
        "markdown" => freehold_wire::pipeline::markdown(run),
        "github" => freehold_wire::pipeline::annotations(run),
        _ => return None,
    })
}

/// Prints dossiers in a format, with what a policy says of each; no outcomes = there is no policy.
pub(crate) fn emit(format: &str, dossiers: &[Dossier<'_>], outcomes: &[Ruled], code: u8) {
    let run = Pipeline { exit: code, ..Pipeline::default() };
    match rendered(format, dossiers, &run, outcomes, &[]) {
        Some(text) => print(&text),
        None => match dossiers {
            [] => {}
            [one] => {
                print(&freehold_documents::screen(one, style()));
                policy::print_one(one, outcomes.first());
            }
            // an assembly: as a whole, then each
            [whole, parts @ ..] if whole.subject.components == parts.len() => {
                print(&freehold_documents::screen(whole, style()));
                policy::print_one(whole, outcomes.first());
                print(&format!("\n{}", freehold_documents::parts_table(parts, style())));
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
        let value = freehold_check::fact_from_text(&fact.name, line.trim(), fact, run.catalog, &mut mistakes);
        report(&mistakes);
        let Some(value) = value else { continue };
        if fact.name == "subject.made_by" {
            run.said.made_by = freehold_base::MadeBy::parse(line.trim());
        } else {
            run.stated.set(run.catalog, question.fact, Some(value.clone()));
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
