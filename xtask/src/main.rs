//! The workshop's commands.
//!
//! - `cargo xtask catalog check [TEXTS]`: every file of `catalog/`, every quote against the texts where they are at hand.
//! - `cargo xtask texts TEXTS`: builds `catalog/texts.idx` from a folder of texts with its `index.tsv`.
//! - `cargo xtask bench`: times the command as a whole process.
//! - `cargo xtask coverage`: how many tagged models of the field resolve to law.
//! - `cargo xtask hub`: the lineage that the cards of the hub sample state, and what children of restricted parents declare.
//! - `cargo xtask pages`: writes `docs/licenses/`, one page a license.
//! - `cargo xtask findings`: writes `docs/findings/`, one page a code.
//! - `cargo xtask man OUT`: writes the manual pages.
//! - `cargo xtask release`: the static binary for Linux, where its target is installed.
//! - `cargo xtask wheel OUT [BINARY [TARGET]]`: a Python wheel that carries the binary.

mod bench;
mod catalog;
mod coverage;
mod hub;
mod release;
mod texts;
mod wheel;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["catalog", "check"] => catalog::check(&default_texts()),
        ["catalog", "check", dir] => catalog::check(&PathBuf::from(dir)),
        ["texts"] => texts::build(&default_texts()),
        ["texts", dir] => texts::build(&PathBuf::from(dir)),
        ["findings"] => catalog::findings(),
        ["man", out] => release::manual(&PathBuf::from(out)),
        ["release"] => release::binary().map(|b| b.told),
        ["wheel", out] => release::wheel(&PathBuf::from(out), None, None),
        ["wheel", out, binary] => release::wheel(&PathBuf::from(out), Some(&PathBuf::from(binary)), None),
        ["wheel", out, binary, target] => {
            release::wheel(&PathBuf::from(out), Some(&PathBuf::from(binary)), Some(target))
        }
        ["bench"] => bench::command(),
        ["pages"] => catalog::pages(),
        ["coverage"] => catalog::load().and_then(|c| coverage::report(&root().join("../shared/data"), &c)),
        ["hub"] => catalog::load().and_then(|c| hub::report(&root().join("../shared/data"), &c)),
        _ => {
            Err("usage: cargo xtask catalog check [TEXTS] | texts [TEXTS] | findings | pages | coverage | hub | bench | man OUT | release | wheel OUT [BINARY [TARGET]]"
                .into())
        }
    };
    match outcome {
        Ok(message) => {
            anstream::println!("{message}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            anstream::eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(PathBuf::from).unwrap_or(manifest)
}

/// Where the license texts lie on a developer's machine: beside the checkout.
fn default_texts() -> PathBuf {
    root().join("../shared/data/licenses")
}
