//! The advice on a terminal: what may be used and suits best, what is open, what is left out and by which clause.

use std::collections::BTreeMap;

use freehold_assess::Certainty;
use freehold_catalog::Catalog;
use freehold_check::{Advice, Advised, Needs};

use crate::page::{Cell, Page};
use crate::style::{Ink, Style};

/// A number of parameters or tokens, short.
fn short(n: u64) -> String {
    let of = |unit: u64, word: &str| {
        let tenths = n / (unit / 10);
        if tenths.is_multiple_of(10) {
            format!("{}{word}", tenths / 10)
        } else {
            format!("{}.{}{word}", tenths / 10, tenths % 10)
        }
    };
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 if n.is_multiple_of(1024) => format!("{}k", n / 1024),
        1_000..1_000_000 => of(1_000, "k"),
        1_000_000..1_000_000_000 => of(1_000_000, "M"),
        _ => of(1_000_000_000, "B"),
    }
}

/// The best of each family, with how many more of it follow; all of them where `every`.
fn chosen<'a, 'c>(all: &'a [Advised<'c>], every: bool) -> Vec<(&'a Advised<'c>, usize)> {
    let mut out: Vec<(&Advised<'_>, usize)> = Vec::new();
    for a in all {
        match out.iter_mut().find(|(b, _)| !every && b.model.family == a.model.family) {
            Some((_, more)) => *more += 1,
            None => out.push((a, 0)),
        }
    }
    out
}

fn governs(a: &Advised<'_>, catalog: &Catalog) -> String {
    let all = a.dossier.assessment.licenses.iter().filter(|l| !l.displaced && !l.outbound && !l.beyond);
    let mut names: Vec<&str> =
        all.map(|l| catalog.license(&l.license).map_or(l.license.as_str(), |l| l.name.as_str())).collect();
    names.dedup();
    names.join(", ")
}

/// Prints advice; `most` models of each list, one a family unless `every`.
pub fn advice(advice: &Advice<'_>, needs: &Needs, catalog: &Catalog, most: usize, every: bool, style: Style) -> String {
    let mut page = Page::new(style);
    let asked = catalog.capabilities.models.len();
    let what = if needs.finetune { "a fine-tune of it, used as you say" } else { "it, used as you say" };
    page.row(
        Ink::Strong,
        "advice",
        &format!(
            "{} of {asked} base models: the license texts allow {what}, and what you need of them is known",
            advice.ranked.len()
        ),
    );
    let best = chosen(&advice.ranked, every);
    if !best.is_empty() {
        page.blank();
        let head = ["", "model", "parameters", "context", "rank", "under", "you owe"];
        let mut rows = vec![head.iter().map(|h| Cell::ink(Ink::Quiet, *h)).collect::<Vec<_>>()];
        for (i, (a, more)) in best.iter().take(most).enumerate() {
            let owed = a
                .dossier
                .assessment
                .obligations
                .iter()
                .filter(|o| !o.upstream && o.certainty >= Certainty::Conditional)
                .count();
            let name = if *more > 0 { format!("{}  +{more} of its family", a.model.id) } else { a.model.id.clone() };
            let size = match (&a.model.parameters, &a.model.parameters_active) {
                (Some(p), Some(active)) => format!("{}, {} active", short(p.value), short(active.value)),
                (Some(p), None) => short(p.value),
                _ => "?".into(),
            };
            rows.push(vec![
                Cell::plain(format!("{}", i + 1)),
                Cell::ink(Ink::Strong, name),
                Cell::plain(size),
                Cell::plain(a.model.context.as_ref().map_or("?".into(), |c| short(c.value))),
                Cell::plain(format!("{:.2}", a.rank)),
                Cell::plain(governs(a, catalog)),
                Cell::plain(if owed == 1 { "1 duty".to_string() } else { format!("{owed} duties") }),
            ]);
        }
        page.table(2, 5, &rows);
        page.blank();
        if let Some((first, _)) = best.first() {
            page.row(Ink::Quiet, "why", &format!("{} stands first:", first.model.id));
            for p in &first.parts {
                let value = p.value.map_or("not known".to_string(), |v| format!("{v:.2}"));
                page.row(Ink::Quiet, "", &format!("{} {value}: {}", p.name, p.says));
                for s in p.sources.iter().filter_map(|s| catalog.capabilities.source(*s)).take(2) {
                    let date = s.date.as_deref().map_or("undated".to_string(), str::to_string);
                    page.row_of(Ink::Quiet, "", Ink::Quiet, &format!("({date}, {}) {}", s.class, s.at));
                }
            }
        }
    }
    for (label, list, says) in [
        ("not known", &advice.unknown, "may be used, but something that you need is not stated of them"),
        ("open", &advice.open, "hang on a fact that you have not stated, or on a reading"),
    ] {
        if list.is_empty() {
            continue;
        }
        let few = chosen(list, every);
        page.row(Ink::Open, label, &format!("{} {says}", list.len()));
        for (a, more) in few.iter().take(5) {
            let why = match a.dossier.questions.first() {
                Some(q) if label == "open" => {
                    format!("{}: {}", a.dossier.assessment.verdict.as_str(), catalog.facts.get(q.fact).question)
                }
                _ if label == "open" => a.dossier.assessment.verdict.as_str().to_string(),
                _ => a.unknown.iter().map(|m| m.says.clone()).collect::<Vec<_>>().join("; "),
            };
            let more = if *more > 0 { format!(" (+{more})") } else { String::new() };
            page.row(Ink::Quiet, "", &format!("{}{more}: {why}", a.model.id));
        }
    }
    let by_license: Vec<&Advised<'_>> =
        advice.excluded.iter().filter(|a| a.excluded.iter().any(|m| m.about == "license")).collect();
    let mut clauses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for a in &by_license {
        for m in a.excluded.iter().filter(|m| m.about == "license").take(1) {
            clauses.entry(&m.says).or_default().push(&a.model.id);
        }
    }
    if !clauses.is_empty() {
        page.row(Ink::Bad, "excluded", &format!("{} by their license", by_license.len()));
        let mut all: Vec<(&str, Vec<&str>)> = clauses.into_iter().collect();
        all.sort_by_key(|(_, models)| std::cmp::Reverse(models.len()));
        for (says, models) in all.iter().take(if every { usize::MAX } else { 8 }) {
            let first = models.first().copied().unwrap_or_default();
            let more = if models.len() > 1 { format!(" and {} more", models.len() - 1) } else { String::new() };
            page.row(Ink::Quiet, "", &format!("{first}{more}: {says}"));
        }
    }
    let by_needs = advice.excluded.len() - by_license.len();
    if by_needs > 0 {
        page.row(
            Ink::Quiet,
            "left out",
            &format!("{by_needs} that are not what you need: --format json has each with its fact"),
        );
    }
    let next = best.first().map_or_else(
        || "freehold advise --help   states fewer needs".to_string(),
        |(a, _)| {
            format!(
                "freehold explain {}   ·   freehold advise --all   ·   freehold advise --against openai",
                a.model.id
            )
        },
    );
    page.row(Ink::Quiet, "next", &next);
    page.finish()
}

/// What one owns beside what one rents, on a terminal: from `freehold.ownership/1`.
pub fn own_or_rent(page_json: &serde_json::Value, style: Style) -> String {
    let word = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_string();
    let mut page = Page::new(style);
    page.row(
        Ink::Strong,
        "own",
        &format!("weights under {} ({})", word(&page_json["license"]["name"]), word(&page_json["license"]["edition"])),
    );
    let list = |v: &serde_json::Value| v.as_array().cloned().unwrap_or_default();
    for s in list(&page_json["services"]) {
        page.row(
            Ink::Strong,
            "rent",
            &format!("{} ({}), documents read {}", word(&s["name"]), word(&s["kind"]), word(&s["read"])),
        );
        if let Some(note) = s["note"].as_str() {
            page.row(Ink::Quiet, "", note);
        }
    }
    for row in list(&page_json["rows"]) {
        page.blank();
        page.line(Ink::Strong, &word(&row["asks"]));
        let mut held: Vec<String> = list(&row["held"]["terms"])
            .iter()
            .take(2)
            .map(|t| format!("{}: “{}”", word(&t["clause"]), word(&t["words"])))
            .collect();
        held.extend(row["by_holding"].as_str().map(str::to_string));
        if held.is_empty() {
            held.push(word(&row["held"]["state"]));
        }
        page.row(Ink::Quiet, "own", &held.join(" · "));
        for cell in list(&row["rented"]) {
            let facts = list(&cell["facts"]);
            if facts.is_empty() {
                page.row(Ink::Quiet, &word(&cell["service"]), "unknown: not found in what was read");
            }
            for f in facts {
                let clause = f["clause"].as_str().map(|c| format!(" ({c})")).unwrap_or_default();
                let old = if f["superseded"] == true { "; of an edition that was replaced since" } else { "" };
                let sure = if f["verified"] == true { "" } else { "; not verified" };
                page.row(Ink::Quiet, &word(&cell["service"]), &format!("{}{clause}{old}{sure}", word(&f["says"])));
                if let Some(words) = f["words"].as_str() {
                    page.row(Ink::Quiet, "", &format!("“{words}”"));
                }
                let version = f["version"].as_str().map(|v| format!("{v}, ")).unwrap_or_default();
                page.row(Ink::Quiet, "", &format!("{version}{}", word(&f["source"])));
                if let Some(note) = f["note"].as_str() {
                    page.row(Ink::Quiet, "", note);
                }
            }
        }
    }
    page.finish()
}

/// What a guide recommends beside what was computed, on a terminal: from `freehold.claims/1`.
pub fn claims(page_json: &serde_json::Value, style: Style) -> String {
    let word = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_string();
    let list = |v: &serde_json::Value| v.as_array().cloned().unwrap_or_default();
    let mut page = Page::new(style);
    page.row(Ink::Quiet, "guide", &word(&page_json["guide"]));
    for c in list(&page_json["claims"]) {
        page.blank();
        let outcome = word(&c["outcome"]);
        let ink = match outcome.as_str() {
            "supported" => Ink::Good,
            "not supported" => Ink::Bad,
            _ => Ink::Open,
        };
        page.row(Ink::Strong, "for", &word(&c["asks"]));
        page.row(Ink::Quiet, "it says", &format!("“{}”", word(&c["says"])));
        page.row_of(Ink::Quiet, "computed", ink, &outcome);
        for m in list(&c["models"]) {
            let is: Vec<String> = list(&m["is"]).iter().map(&word).collect();
            let license = if m["license_agrees"] == true {
                format!("under {}", is.join(", "))
            } else {
                format!("under {}, not {}", is.join(", "), word(&m["said"]))
            };
            let place = format!("place {} of {} ({})", m["place"], m["of"], word(&m["list"]));
            page.row(Ink::Quiet, "", &format!("{}: {license}; {}; {place}", word(&m["model"]), word(&m["verdict"])));
            let part = &m["part"];
            if !part["says"].is_null() {
                page.row_of(Ink::Quiet, "", Ink::Quiet, &format!("  {}: {}", word(&part["name"]), word(&part["says"])));
            }
            for l in list(&m["limits"]).iter().take(2) {
                page.row_of(
                    Ink::Quiet,
                    "",
                    Ink::Quiet,
                    &format!("  {} {}: “{}”", word(&l["license"]), word(&l["clause"]), word(&l["words"])),
                );
            }
        }
    }
    page.finish()
}

/// Base models of like size that may be used so, in a what-if on a base.
pub(crate) fn like_size(page: &mut Page, all: &[Advised<'_>], catalog: &Catalog) {
    for (i, (a, _)) in chosen(all, false).iter().take(5).enumerate() {
        let size = a.model.parameters.as_ref().map_or("?".into(), |p| short(p.value));
        let says =
            format!("{} ({size}): {}, {}", a.model.id, a.dossier.assessment.verdict.as_str(), governs(a, catalog));
        page.row(Ink::Quiet, if i == 0 { "like size" } else { "" }, &says);
    }
}
