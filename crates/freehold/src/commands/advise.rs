//! `freehold advise`: base models that may be used the way the user wants to, by their texts; ranked by what is published of them.

use std::path::Path;

use clap::ArgMatches;
use freehold_base::Diagnostic;
use freehold_catalog::{Catalog, KINDS, SERVICE_TOPICS};
use freehold_check::{Ask, Needs, OwnScore, Weights, advise, count};

use super::{prepare, print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::Run;

/// Models that are told of each list.
const TOLD: usize = 12;
/// Models of each list in JSON.
const TOLD_JSON: usize = 1000;

fn words(matches: &ArgMatches, id: &str) -> Vec<String> {
    all(matches, id).into_iter().map(|w| w.trim().to_lowercase()).filter(|w| !w.is_empty()).collect()
}

fn needs(matches: &ArgMatches, mistakes: &mut Vec<Diagnostic>) -> Needs {
    let mut number = |id: &str| {
        let text = get(matches, id)?;
        let value = count(text);
        if value.is_none() {
            let d = Diagnostic::error("not-a-number", format!("`--{id} {text}` is no count"));
            mistakes.push(d.help("write it as 8B, 128k, 24GB or in digits"));
        }
        value
    };
    let out = Needs {
        context_min: number("context"),
        parameters_min: number("min-size"),
        parameters_max: number("max-size"),
        memory_bytes_max: number("memory"),
        bits: number("bits").and_then(|b| u32::try_from(b).ok()).unwrap_or(16),
        kinds: words(matches, "kind"),
        languages: words(matches, "language"),
        takes: words(matches, "takes"),
        finetune: matches.get_flag("finetune"),
        no_use_policy: matches.get_flag("no-use-policy"),
        without: words(matches, "without"),
    };
    for kind in out.kinds.iter().filter(|k| !KINDS.contains(&k.as_str())) {
        let d = Diagnostic::error("unknown-word", format!("`{kind}` is no kind of base model"));
        mistakes.push(d.help(format!("one of: {}", KINDS.join(", "))));
    }
    out
}

fn weights(matches: &ArgMatches, mistakes: &mut Vec<Diagnostic>) -> Weights {
    let mut out = Weights::default();
    for pair in all(matches, "weight") {
        let parsed = pair.split_once('=').and_then(|(k, v)| Some((k.trim(), v.trim().parse::<f64>().ok()?)));
        let slot = match parsed {
            Some(("simplicity", _)) => Some(&mut out.simplicity),
            Some(("multilingual", _)) => Some(&mut out.multilingual),
            Some(("quality", _)) => Some(&mut out.quality),
            Some(("size", _)) => Some(&mut out.size),
            _ => None,
        };
        match (slot, parsed) {
            (Some(slot), Some((_, v))) if (0.0..=1000.0).contains(&v) => *slot = v,
            _ => {
                let d = Diagnostic::error("bad-weight", format!("`--weight {pair}` is no weight"));
                mistakes.push(
                    d.help("simplicity, multilingual, quality or size, and a number from 0: --weight multilingual=2"),
                );
            }
        }
    }
    out
}

fn scores(matches: &ArgMatches, mistakes: &mut Vec<Diagnostic>) -> Vec<OwnScore> {
    let Some(path) = get(matches, "scores") else { return Vec::new() };
    let limit = u64::try_from(freehold_wire::SCORES_BYTES_MAX).unwrap_or(u64::MAX);
    let text = match crate::commands::tune::bounded(Path::new(path), limit) {
        Ok(text) => text,
        Err(d) => {
            mistakes.push(d);
            return Vec::new();
        }
    };
    freehold_wire::own_scores(path, &text).unwrap_or_else(|wrong| {
        mistakes.extend(wrong);
        Vec::new()
    })
}

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let mut mistakes = Vec::new();
    let (needs, weights) = (needs(matches, &mut mistakes), weights(matches, &mut mistakes));
    let scores = scores(matches, &mut mistakes);
    let told = get(matches, "most").map_or(Some(TOLD), |n| n.parse().ok());
    if told.is_none() {
        mistakes.push(Diagnostic::error("not-a-number", "`--most` is a whole number"));
    }
    report(&mistakes);
    let Some(told) = told.filter(|_| mistakes.is_empty()) else { return exit::USAGE };
    let json = get(matches, "format") == Some("json");
    let ask =
        Ask { needs, weights, scores: &scores, deployment: &run.deployment, as_of: &run.as_of, house: &run.house };
    if matches.get_flag("claims") {
        let claims = freehold_wire::claims(run.catalog, &ask);
        print(&if json { format!("{claims:#}\n") } else { freehold_documents::claims(&claims, style()) });
        return exit::CLEAR;
    }
    if let Some(service) = get(matches, "against") {
        return against(service, get(matches, "license"), &ask, &run, json);
    }
    let advice = advise(&ask, run.catalog);
    if json {
        print(&format!("{:#}\n", freehold_wire::advice(&advice, &ask, run.catalog, TOLD_JSON)));
    } else {
        let every = matches.get_flag("all");
        print(&freehold_documents::advice(&advice, &ask.needs, run.catalog, told, every, style()));
    }
    if advice.ranked.is_empty() { exit::NOTHING } else { exit::CLEAR }
}

/// The first of the advice, or a license, beside services that are rented.
fn against(service: &str, license: Option<&str>, ask: &Ask<'_>, run: &Run<'_>, json: bool) -> u8 {
    let catalog = run.catalog;
    let ids = catalog.services.iter().map(|s| s.id.as_str());
    if service != "all" && !ids.clone().any(|id| id == service) {
        let d = Diagnostic::error("unknown-name", format!("no service of the catalog goes by `{service}`"));
        let all: Vec<&str> = ids.collect();
        report(&[d.help(format!("one of: {}, all", all.join(", ")))]);
        return exit::USAGE;
    }
    let governs = match license {
        Some(license) => Some(license.to_string()),
        None => {
            let advice = advise(ask, catalog);
            let first = advice.ranked.first().map(|a| a.dossier.assessment.licenses.clone()).unwrap_or_default();
            first.iter().find(|l| !l.displaced && !l.outbound && !l.beyond).map(|l| l.license.clone())
        }
    };
    let wanted: Vec<&str> = if service == "all" { Vec::new() } else { vec![service] };
    let page = governs.and_then(|l| freehold_wire::own_or_rent(catalog, &l, &wanted));
    let Some(page) = page else {
        report(&[Diagnostic::error("unknown-name", "no license to compare with: name one with --license")]);
        return exit::NOTHING;
    };
    debug_assert_eq!(page["rows"].as_array().map(Vec::len), Some(SERVICE_TOPICS.len()));
    print(&if json { format!("{page:#}\n") } else { freehold_documents::own_or_rent(&page, style()) });
    exit::CLEAR
}
