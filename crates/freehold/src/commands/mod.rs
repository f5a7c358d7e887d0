//! One file a command, and what they share.

pub(crate) mod advise;
pub(crate) mod assess;
mod baseline;
pub(crate) mod bom;
pub(crate) mod catalog;
pub(crate) mod check;
pub(crate) mod comply;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod house;
pub(crate) mod identify;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod kin;
pub(crate) mod lineage;
pub(crate) mod mcp;
pub(crate) mod memo;
pub(crate) mod policy;
pub(crate) mod read;
pub(crate) mod register;
pub(crate) mod report;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod shells;
pub(crate) mod stamp;
pub(crate) mod templates;
pub(crate) mod texts;
pub(crate) mod tune;
pub(crate) mod waive;
pub(crate) mod what_if;
pub(crate) mod why;

use std::io::IsTerminal;

use clap::ArgMatches;
use freehold_base::{Diagnostic, Severity};
use freehold_catalog::Catalog;
use freehold_documents::Style;

use crate::context::{self, get};
use crate::exit;
use crate::load::{Run, release, text_index};

/// Prints to standard output; a closed pipe is no fault.
pub(crate) fn print(text: &str) {
    // what has no color needs none taken out of it
    let mut out: Box<dyn std::io::Write> = match text.contains('\u{1b}') {
        true => Box::new(anstream::stdout().lock()),
        false => Box::new(std::io::stdout().lock()),
    };
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The look of standard output: color on a terminal only (and never with NO_COLOR), and its width.
pub(crate) fn style() -> Style {
    let color =
        !matches!(anstream::stdout().current_choice(), anstream::ColorChoice::Never) && std::io::stdout().is_terminal();
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse::<usize>().ok());
    Style { color, width: columns.unwrap_or(100).clamp(60, 140) }
}

/// Prints mistakes to standard error, all at once.
pub(crate) fn report(mistakes: &[Diagnostic]) {
    if mistakes.is_empty() {
        return;
    }
    let style = Style { color: std::io::stderr().is_terminal(), ..style() };
    anstream::eprint!("{}", freehold_documents::diagnostics(mistakes, style));
}

/// What every command that judges needs; prints mistakes and gives the exit status where it cannot go on.
pub(crate) fn prepare<'c>(matches: &ArgMatches, catalog: &'c Catalog) -> Result<Run<'c>, u8> {
    let mut mistakes = Vec::new();
    let mut unreadable = Vec::new();
    let as_of = context::as_of(matches, &mut mistakes);
    let (deployment, by_path) = context::deployment(matches, catalog, &mut mistakes);
    let mut stated = freehold_assess::Deployment::empty(catalog);
    context::from_flags(matches, catalog, &mut stated, &mut Vec::new());
    let index = text_index().map_err(|d| {
        report(&[d]);
        70u8
    })?;
    let (own, home) = crate::house::of_run(matches, catalog, &as_of, &mut mistakes);
    let outgoing = get(matches, "release").and_then(|p| release(p, &index, catalog, &mut unreadable));
    let failed = mistakes.iter().any(|d| d.severity == Severity::Error);
    report(&mistakes);
    report(&unreadable);
    if failed {
        return Err(exit::USAGE);
    }
    if !unreadable.is_empty() {
        return Err(exit::UNREADABLE);
    }
    let named = matches.try_get_one::<bool>("named").ok().flatten().copied().unwrap_or(false);
    let catalog = own.law.map_or(catalog, crate::house::kept);
    let house = std::sync::Arc::new(own.house);
    Ok(Run {
        catalog,
        index,
        deployment,
        stated,
        by_path,
        named,
        said: context::said(matches),
        outgoing,
        as_of,
        house,
        home,
    })
}

/// `freehold` alone: what is here, what to type next.
pub(crate) fn welcome(catalog: &Catalog) -> u8 {
    let configured = std::path::Path::new(context::ORGANIZATION_FILE).is_file();
    let models = freehold_source::open(std::path::Path::new("."), &freehold_source::Limits::default())
        .map(|a| a.len())
        .unwrap_or(0);
    let here = match models {
        0 => "no model in this folder".to_string(),
        1 => "1 model in this folder".to_string(),
        n => format!("{n} models in this folder"),
    };
    let organization =
        if configured { "freehold.toml is here" } else { "no freehold.toml: nothing is known of your organization" };
    let next = match (models, configured) {
        (0, _) => "freehold check PATH-TO-A-MODEL",
        (_, false) => "freehold check .      then      freehold init",
        (_, true) => "freehold check .",
    };
    print(&format!(
        "freehold {}: may we ship this model the way we want to, and what do we owe if we do\n\n  here     {here}; {organization}\n  law      {} licenses, {} use policies, catalog {}\n  next     {next}\n  more     freehold help\n",
        env!("CARGO_PKG_VERSION"),
        catalog.licenses.len(),
        catalog.policies.len(),
        catalog.version,
    ));
    exit::CLEAR
}

/// `freehold help`.
pub(crate) fn help(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    match crate::cli::help(catalog, matches.get_flag("all"), get(matches, "command")) {
        Ok(text) => {
            print(&text);
            exit::CLEAR
        }
        Err(message) => {
            report(&[Diagnostic::error("unknown-command", message).help("freehold help --all lists them")]);
            exit::USAGE
        }
    }
}

/// `freehold schema COMMAND`.
pub(crate) fn schema(matches: &ArgMatches) -> u8 {
    let schema = freehold_wire::schema(get(matches, "command").unwrap_or_default()).unwrap_or_default();
    print(&format!("{schema:#}\n"));
    exit::CLEAR
}
