//! `freehold assess`: the plumbing. Reads a case, or cases one a line.

use std::io::{BufRead, BufReader, Read};

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_check::{CASE_BYTES_MAX, case_from_json, case_from_toml, judge};
use freehold_wire::Assessment;

use super::check::emit;
use super::{print, report};
use crate::context::{self, get};
use crate::exit::{self, FailOn};

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let mut mistakes = Vec::new();
    let as_of = context::as_of(matches, &mut mistakes);
    if !mistakes.is_empty() {
        report(&mistakes);
        return exit::USAGE;
    }
    match get(matches, "cases") {
        Some(file) => many(file, catalog, &as_of, get(matches, "format").unwrap_or("jsonl")),
        None => {
            one(get(matches, "case").unwrap_or_default(), catalog, &as_of, get(matches, "format").unwrap_or("human"))
        }
    }
}

fn one(path: &str, catalog: &Catalog, as_of: &str, format: &str) -> u8 {
    let text = match std::fs::read_to_string(path) {
        Ok(text) if text.len() <= CASE_BYTES_MAX => text,
        Ok(text) => {
            let message = format!("a case of {} bytes; the limit is {CASE_BYTES_MAX}", text.len());
            report(&[Diagnostic::error("case-too-large", message).in_file(path)]);
            return exit::UNREADABLE;
        }
        Err(e) => {
            report(&[Diagnostic::error("unreadable", format!("cannot be read: {e}")).in_file(path)]);
            return exit::UNREADABLE;
        }
    };
    let (case, mistakes) = case_from_toml(path, &text, catalog, as_of);
    report(&mistakes);
    let Some(mut case) = case.filter(|_| mistakes.is_empty()) else { return exit::USAGE };
    let law = case.law.take();
    let dossier = judge(case.into_parts(path, as_of), law.as_ref().unwrap_or(catalog));
    let fail_on = FailOn::parse(std::iter::empty());
    let (code, _) = exit::of_all(&[exit::of_dossier(&dossier)], false, fail_on);
    emit(format, &[dossier], &[], code);
    code
}

/// One line in, one line out: memory does not grow with the file.
fn many(file: &str, catalog: &Catalog, as_of: &str, format: &str) -> u8 {
    let input: Box<dyn Read> = if file == "-" {
        Box::new(std::io::stdin())
    } else {
        match std::fs::File::open(file) {
            Ok(f) => Box::new(f),
            Err(e) => {
                report(&[Diagnostic::error("unreadable", format!("cannot be read: {e}")).in_file(file)]);
                return exit::UNREADABLE;
            }
        }
    };
    let mut codes = Vec::new();
    let mut wrong = false;
    let mut reader = BufReader::new(input);
    let mut line = Vec::new();
    let mut dossiers = Vec::new();
    for number in 1.. {
        line.clear();
        let limit = u64::try_from(CASE_BYTES_MAX).unwrap_or(u64::MAX) + 2;
        match reader.by_ref().take(limit).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(e) => {
                report(&[Diagnostic::error("unreadable", format!("cannot be read: {e}")).in_file(file)]);
                return exit::UNREADABLE;
            }
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        let name = format!("{file}:{number}");
        let (case, mistakes) = case_from_json(&name, text.trim_end(), catalog, as_of);
        wrong |= !mistakes.is_empty();
        report(&mistakes);
        let Some(mut case) = case else { continue };
        let law = case.law.take();
        if format == "jsonl" {
            let dossier = judge(case.into_parts("", as_of), law.as_ref().unwrap_or(catalog));
            codes.push(exit::of_dossier(&dossier));
            print(&format!("{}\n", serde_json::to_string(&Assessment::of(&dossier)).unwrap_or_default()));
        } else {
            // a table is printed at the end, so the law of a case is kept until then
            let dossier = judge(case.into_parts("", as_of), law.map_or(catalog, crate::house::kept));
            codes.push(exit::of_dossier(&dossier));
            dossiers.push(dossier);
        }
    }
    let (code, _) = exit::of_all(&codes, false, FailOn::parse(std::iter::empty()));
    let code = if wrong { exit::USAGE } else { code };
    if format != "jsonl" {
        emit(format, &dossiers, &[], code);
    }
    code
}
