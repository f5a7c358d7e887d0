//! `freehold init --ci`: the files with which a pipeline runs `freehold check`. Nothing that is there is overwritten.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use clap::{Arg, ArgAction};
use freehold_base::Diagnostic;

use super::{print, report};
use crate::exit;

/// A pipeline's file.
struct Template {
    /// The word after `--ci`.
    name: &'static str,
    /// Where it goes, from the repository's root.
    path: &'static str,
    /// What is in it; the same as in `ci/`.
    text: &'static str,
    /// What else is to be done.
    then: &'static str,
}

const TEMPLATES: [Template; 3] = [
    Template {
        name: "github",
        path: ".github/workflows/freehold.yml",
        text: include_str!("../../../../ci/github.yml"),
        then: "set the repository variable FREEHOLD_WHEEL, commit the file",
    },
    Template {
        name: "gitlab",
        path: ".gitlab/freehold.yml",
        text: include_str!("../../../../ci/gitlab.yml"),
        then: "add `include: [{local: .gitlab/freehold.yml}]` to .gitlab-ci.yml, set the CI variable FREEHOLD_WHEEL",
    },
    Template {
        name: "pre-commit",
        path: ".pre-commit-config.yaml",
        text: include_str!("../../../../ci/pre-commit.yml"),
        then: "pre-commit install",
    },
];

/// The flags of `init` for it.
pub(crate) fn args() -> [Arg; 2] {
    [
        Arg::new("ci")
            .long("ci")
            .value_name("WHERE")
            .value_parser(TEMPLATES.map(|t| t.name))
            .conflicts_with("force")
            .help("write the file with which a pipeline runs `freehold check`, and nothing else"),
        Arg::new("dry-run")
            .long("dry-run")
            .action(ArgAction::SetTrue)
            .requires("ci")
            .help("print it instead of writing it"),
    ]
}

/// Writes a template below the working directory, or prints it.
pub(crate) fn run(name: &str, dry: bool) -> u8 {
    let Some(template) = TEMPLATES.iter().find(|t| t.name == name) else { return exit::USAGE };
    if dry {
        print(&format!("# {}\n{}", template.path, template.text));
        return exit::CLEAR;
    }
    let path = Path::new(template.path);
    let folder = path.parent().unwrap_or(Path::new(""));
    let made = if folder.as_os_str().is_empty() { Ok(()) } else { std::fs::create_dir_all(folder) };
    // a file that is there, or a link, is left as it is
    let file = made.and_then(|()| OpenOptions::new().write(true).create_new(true).open(path));
    match file.and_then(|mut f| f.write_all(template.text.as_bytes())) {
        Ok(()) => {
            print(&format!("wrote {}\nnext      {}\n", template.path, template.then));
            exit::CLEAR
        }
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            let help = format!("`freehold init --ci {name} --dry-run` prints what to add to it");
            report(&[Diagnostic::error("exists", "there is one already; it is left as it is")
                .in_file(template.path)
                .help(help)]);
            exit::USAGE
        }
        Err(e) => {
            report(&[Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(template.path)]);
            exit::UNREADABLE
        }
    }
}
