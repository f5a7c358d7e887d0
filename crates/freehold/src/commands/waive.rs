//! `freehold waive`: the policy set aside for one model as it is.

use std::path::Path;

use clap::ArgMatches;
use freehold_base::{Diagnostic, nearest};
use freehold_catalog::Catalog;
use freehold_policy::{NewWaiver, Outcome, OutcomeState, Scope, mistakes_of_new, outcome, with_waiver};

use super::{policy, prepare, print, report, style};
use crate::context::{get, text_of};
use crate::exit;
use crate::load::dossiers;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let (run, active) = (prepare(matches, catalog), policy::load(matches, catalog));
    let (run, active) = match (run, active) {
        (Ok(run), Ok(active)) => (run, active),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let Some(active) = active else {
        let d = Diagnostic::error("no-policy", "there is no policy here, so there is nothing to set aside");
        report(&[d.help("`freehold policy init` writes one; `--policy FILE` names one")]);
        return exit::USAGE;
    };
    let what = get(matches, "what").unwrap_or(".");
    let loaded = dossiers(&[what], &run);
    report(&loaded.mistakes);
    report(&loaded.unreadable);
    report(&loaded.nothing);
    if !loaded.mistakes.is_empty() {
        return exit::USAGE;
    }
    if !loaded.unreadable.is_empty() {
        return exit::UNREADABLE;
    }
    let dossier = match loaded.dossiers.as_slice() {
        [] => return exit::NOTHING,
        // an assembly goes out as a whole
        [one] => one,
        [whole, parts @ ..] if whole.subject.components == parts.len() => whole,
        many => {
            let ids: Vec<&str> = many.iter().take(5).map(|d| d.subject.id.as_str()).collect();
            let message = format!("{} models are here ({}, …), and a waiver is for one", many.len(), ids.join(", "));
            report(&[Diagnostic::error("many-models", message).in_file(what).help("name the folder of one")]);
            return exit::USAGE;
        }
    };
    let stated = |id: &str| get(matches, id).unwrap_or_default().to_string();
    let texts: Vec<String> = dossier.subject.texts.iter().map(|(_, d)| d.clone()).collect();
    let scope = match get(matches, "bind") {
        Some("texts") => Scope { artifact: String::new(), texts },
        _ => Scope { artifact: dossier.subject.artifact.clone(), texts: Vec::new() },
    };
    let new = NewWaiver {
        code: stated("code"),
        subject: dossier.subject.id.clone(),
        license: stated("license"),
        scope,
        reason: stated("reason"),
        owner: stated("owner"),
        requested_by: stated("requested-by"),
        approver: stated("approver"),
        created: run.as_of.clone(),
        expires: stated("until"),
    };
    let mut mistakes = mistakes_of_new(&new, &active.file);
    let before = outcome(&active.policy, active.waivers.as_ref(), &policy::situation(dossier));
    if mistakes.is_empty() {
        mistakes.extend(nothing_to_waive(&new, &before));
    }
    if !mistakes.is_empty() {
        report(&mistakes);
        return exit::USAGE;
    }
    let path = &active.waivers_path;
    let text = match add(path, &new) {
        Ok(text) => text,
        Err(d) => {
            report(&[d]);
            return exit::UNREADABLE;
        }
    };
    let (waivers, _) = freehold_policy::Waivers::read(&path.display().to_string(), &text, &active.file);
    let after = outcome(&active.policy, Some(&waivers), &policy::situation(dossier));
    let bound = if new.scope.texts.is_empty() { "its files and what they say" } else { "its license texts" };
    let left: Vec<&str> = open(&after).collect();
    let lines = [
        format!(
            "wrote {}: `{}` is set aside for {} until {}, by {} for {}",
            path.display(),
            new.code,
            new.subject,
            new.expires,
            new.approver,
            new.owner
        ),
        format!("it ends sooner if {bound} change; the verdict stays {}", dossier.assessment.verdict),
        match after.state {
            OutcomeState::Passed if left.is_empty() => "the policy has no other objection".into(),
            state => format!("besides, the policy says {}: {}", state.as_str(), left.join(", ")),
        },
        format!("next      freehold check {what}"),
    ];
    print(&freehold_documents::plain_lines(&lines, style()));
    exit::CLEAR
}

/// Writes one waiver more; gives back the file's text.
#[expect(clippy::result_large_err, reason = "once a run")]
fn add(path: &Path, new: &NewWaiver) -> Result<String, Diagnostic> {
    let before = if path.exists() { text_of(path).map_err(|d| *d)? } else { String::new() };
    let text = with_waiver(&before, new)?;
    policy::write(path, &text)?;
    Ok(text)
}

/// Rules that a waiver may be asked for.
fn open(o: &Outcome) -> impl Iterator<Item = &str> {
    let mut seen = std::collections::BTreeSet::new();
    o.violations.iter().filter(|v| !v.is_waived()).map(|v| v.rule.as_str()).filter(move |r| seen.insert(*r))
}

/// A waiver of what nobody raises would be one for whatever comes.
fn nothing_to_waive(new: &NewWaiver, o: &Outcome) -> Option<Diagnostic> {
    let about = |v: &&freehold_policy::Violation| {
        v.rule == new.code && !v.is_waived() && (new.license.is_empty() || v.license == new.license)
    };
    if o.violations.iter().any(|v| about(&v)) {
        return None;
    }
    let raised: Vec<&str> = open(o).collect();
    let of = if new.license.is_empty() { String::new() } else { format!(" about {}", new.license) };
    let message = format!("the policy raises no `{}`{of} here that is not waived", new.code);
    let d = Diagnostic::error("nothing-to-waive", message);
    Some(match (nearest(&new.code, raised.iter().copied()), raised.is_empty()) {
        (Some(near), _) if near != new.code => d.help(format!("did you mean `{near}`?")),
        (_, false) => d.help(format!("it raises: {}", raised.join(", "))),
        (_, true) => d.help("it objects to nothing; with --environment it may"),
    })
}
