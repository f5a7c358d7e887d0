//! `freehold attest`, `position`, `agreement add`: entries of the house's own law, added to its files.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_assess::HouseKind;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;

use super::{print, report};
use crate::context::{self, all, get};
use crate::exit;
use crate::house::{add, folder, place, sha256};

pub(crate) fn attest(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    entry(matches, catalog, HouseKind::Attestation, &|home| {
        let path = get(matches, "path").unwrap_or_default();
        let artifact = if Path::new(path).exists() { place(Some(home), path, "") } else { path.to_string() };
        let key = |name: &str, id: &str| format!("{name} = {}\n", quoted(get(matches, id).unwrap_or_default()));
        format!(
            "[[attestations]]\n{}{}artifact = {}\n",
            key("code", "code"),
            key("license", "license"),
            quoted(&artifact)
        )
    })
}

pub(crate) fn position(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    entry(matches, catalog, HouseKind::Position, &|_| {
        let key = |name: &str| format!("{name} = {}\n", quoted(get(matches, name).unwrap_or_default()));
        format!("[[positions]]\n{}{}{}", key("license"), key("term"), key("reading"))
    })
}

pub(crate) fn agreement(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let Some(("add", matches)) = matches.subcommand() else { return exit::USAGE };
    entry(matches, catalog, HouseKind::Agreement, &|_| {
        let of = |name: &str| quoted(get(matches, name).unwrap_or_default());
        let works: Vec<String> = all(matches, "works").into_iter().map(quoted).collect();
        format!(
            "[[agreements]]\nid = {}\ncounterparty = {}\nworks = [{}]\nlike = {}\n\
             # terms of that license that do not stand in it, by id (`freehold why \"LICENSE CLAUSE\"` names it)\n\
             # without = [\"…\"]\n\
             # what it covers; what is left out is covered\n\
             # accesses = [\"internal\", \"hosted-api\", \"hosted-app\", \"embedded-product\", \"weights\"]\n\
             # activities = []\n\
             # territory = [\"US\", \"european-union\"]\n\
             # terms of its own, in the form of the catalog (docs/house.md)\n\
             # terms = [{{ id = \"…\", clause = \"…\", quote = \"…\", effect = \"duty\", code = \"pay-royalty\", reach = [\"materials\"] }}]\n",
            of("id"),
            of("counterparty"),
            works.join(", "),
            of("like"),
        )
    })
}

/// Adds an entry: what is its own, then who, when, until, evidence, why.
fn entry(matches: &ArgMatches, catalog: &Catalog, kind: HouseKind, own: &dyn Fn(&Path) -> String) -> u8 {
    let mut mistakes = Vec::new();
    let day = context::as_of(matches, &mut mistakes);
    let Some(home) = folder(matches) else {
        let d =
            Diagnostic::error("no-house", "there is no freehold.toml here or above, beside which the file would lie")
                .help("`freehold init` writes one; or name a folder with --house DIR");
        report(&[d]);
        return exit::USAGE;
    };
    let evidence = match sha256(&PathBuf::from(get(matches, "evidence").unwrap_or_default())) {
        Ok(digest) => digest,
        Err(d) => {
            report(&[*d]);
            return exit::UNREADABLE;
        }
    };
    if !mistakes.is_empty() {
        report(&mistakes);
        return exit::USAGE;
    }
    let mut block = own(&home);
    let text = |name: &str| quoted(get(matches, name).unwrap_or_default());
    block.push_str(&format!("who = {}\nwhen = {day}\nuntil = {}\n", text("who"), text("until")));
    block.push_str(&format!("evidence = \"sha256:{evidence}\"\n"));
    if get(matches, "why").is_some() {
        block.push_str(&format!("why = {}\n", text("why")));
    }
    match add(&home, kind, &block, catalog, &day) {
        Ok((file, line)) => {
            print(&format!("added to {file}, line {line}:\n\n{block}\nnext      freehold check .\n"));
            exit::CLEAR
        }
        Err(mistakes) => {
            report(&mistakes);
            report(&[Diagnostic::error("not-added", "nothing was written")]);
            exit::USAGE
        }
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
