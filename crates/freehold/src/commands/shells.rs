//! `freehold completions` and `freehold man`: what a shell and `man` need, made from the command line itself.

use std::path::Path;

use clap::ArgMatches;
use clap_complete::Shell;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;

use super::{print, report};
use crate::context::get;
use crate::exit;

/// `freehold completions SHELL`.
pub(crate) fn completions(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let Some(shell) = matches.get_one::<Shell>("shell") else { return exit::USAGE };
    let mut out = Vec::new();
    clap_complete::generate(*shell, &mut crate::cli::command(catalog), "freehold", &mut out);
    print(&String::from_utf8_lossy(&out));
    exit::CLEAR
}

/// `freehold man DIR`: a page for the command and one for each of its commands.
pub(crate) fn manual(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let dir = Path::new(get(matches, "dir").unwrap_or("."));
    let mut command =
        crate::cli::command(catalog).about("may we ship this model the way we want to, and what do we owe if we do");
    command.build();
    match std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir)) {
        Ok(()) => exit::CLEAR,
        Err(e) => {
            report(&[
                Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(dir.display().to_string())
            ]);
            exit::UNREADABLE
        }
    }
}
