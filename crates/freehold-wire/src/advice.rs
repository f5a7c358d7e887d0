//! The advice, what one owns beside what one rents, and terms side by side, as JSON; and scores of the user's own as they are read.

use freehold_base::Diagnostic;
use freehold_catalog::{Catalog, License, SERVICE_TOPICS, Service, Term};
use freehold_check::{Advice, Advised, Ask, Miss, OwnScore};
use serde_json::{Value, json};

use crate::Assessment;

/// Most bytes of a file of scores.
pub const SCORES_BYTES_MAX: usize = 8 << 20;
/// Most scores of a file.
const SCORES_MAX: usize = 100_000;

/// `freehold.advice/1`. `most` bounds each list of models that may be used; those left out are told with their first reason.
pub fn advice(advice: &Advice<'_>, ask: &Ask<'_>, catalog: &Catalog, most: usize) -> Value {
    let list = |all: &[Advised<'_>]| all.iter().take(most).map(|a| advised(a, ask, catalog)).collect::<Vec<_>>();
    let left_out = |a: &Advised<'_>| {
        json!({
            "model": a.model.id,
            "verdict": a.dossier.assessment.verdict.as_str(),
            "why": a.excluded.iter().map(|m| miss(m, catalog)).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "freehold.advice/1",
        "as_of": ask.as_of,
        "finetune": ask.needs.finetune,
        "counts": {
            "asked": catalog.capabilities.models.len(),
            "ranked": advice.ranked.len(),
            "not_known": advice.unknown.len(),
            "open": advice.open.len(),
            "excluded": advice.excluded.len(),
        },
        "ranked": list(&advice.ranked),
        "not_known": list(&advice.unknown),
        "open": list(&advice.open),
        "excluded": advice.excluded.iter().map(left_out).collect::<Vec<_>>(),
        "catalog": catalog.version,
    })
}

fn source(index: u32, catalog: &Catalog) -> Value {
    catalog.capabilities.source(index).map_or(Value::Null, |s| json!({"at": s.at, "date": s.date, "class": s.class}))
}

fn miss(m: &Miss, catalog: &Catalog) -> Value {
    json!({"about": m.about, "says": m.says, "source": m.source.map(|s| source(s, catalog))})
}

fn advised(a: &Advised<'_>, ask: &Ask<'_>, catalog: &Catalog) -> Value {
    let m = a.model;
    let whole = Assessment::of(&a.dossier);
    let governs: Vec<&str> = whole
        .licenses
        .iter()
        .filter(|l| !l.displaced && !l.outbound && l.standing.iter().all(|s| s != "beyond"))
        .map(|l| l.id.as_str())
        .collect();
    let owed: Vec<Value> = whole
        .obligations
        .iter()
        .filter(|o| !o.upstream && o.certainty != "arguable")
        .map(|o| json!({"code": o.code, "license": o.license, "clause": o.clause, "certainty": o.certainty}))
        .collect();
    let parts: Vec<Value> = a
        .parts
        .iter()
        .map(|p| {
            let value = p.value.map(|v| (v * 1000.0).round() / 1000.0);
            json!({
                "name": p.name, "value": value, "says": p.says,
                "sources": p.sources.iter().map(|s| source(*s, catalog)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "model": m.id,
        "family": m.family,
        "kind": m.kind,
        "verdict": whole.verdict,
        "licenses": governs,
        "duties": owed,
        "limits": whole.limits.iter().map(|l| json!({"license": l.license, "clause": l.clause, "words": l.words, "to": l.to})).collect::<Vec<_>>(),
        "questions": whole.questions.iter().map(|q| json!({"fact": q.fact, "text": q.text})).collect::<Vec<_>>(),
        "parameters": m.parameters.as_ref().map(|p| p.value),
        "parameters_active": m.parameters_active.as_ref().map(|p| p.value),
        "context": m.context.as_ref().map(|p| p.value),
        "languages": m.languages.as_ref().map(|l| &l.value),
        "languages_with_images": m.languages_with_images.as_ref().map(|l| &l.value),
        "languages_count": m.languages_count.as_ref().map(|l| l.value),
        "released": m.released.as_ref().map(|l| &l.value),
        "memory_bytes": a.memory_bytes(ask.needs.bits),
        "rank": (a.rank * 1000.0).round() / 1000.0,
        "parts": parts,
        "not_known": a.unknown.iter().map(|m| miss(m, catalog)).collect::<Vec<_>>(),
    })
}

/// Reads scores of the user's own: CSV with `model`, `name`, `score`, or the results of lm-evaluation-harness.
///
/// # Errors
/// Every row that is none, at once, each with its line.
pub fn own_scores(file: &str, text: &str) -> Result<Vec<OwnScore>, Vec<Diagnostic>> {
    let wrong = |says: String| Diagnostic::error("scores", says).in_file(file.to_string());
    if text.len() > SCORES_BYTES_MAX {
        return Err(vec![wrong(format!("{} bytes; the limit is {SCORES_BYTES_MAX}", text.len()))]);
    }
    if text.trim_start().starts_with('{') {
        let value: Value = serde_json::from_str(text).map_err(|e| vec![wrong(format!("not JSON: {e}"))])?;
        return harness(&value).ok_or_else(|| {
            vec![wrong("no results of lm-evaluation-harness: `results` and the model's name are expected".into())]
        });
    }
    let (mut out, mut mistakes) = (Vec::new(), Vec::new());
    let mut lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    let cells = |l: &str| l.split(',').map(|c| c.trim().trim_matches('"').to_string()).collect::<Vec<_>>();
    let heads = lines.next().map(|(_, l)| cells(l.trim_start_matches('\u{feff}'))).unwrap_or_default();
    let at = |name: &str| heads.iter().position(|h| h.eq_ignore_ascii_case(name));
    let (Some(model), Some(score)) = (at("model"), at("score")) else {
        return Err(vec![wrong("the first line names no `model` and `score`: model,name,score".into())]);
    };
    let name = at("name");
    for (n, line) in lines {
        let row = cells(line);
        let cell = |i: usize| row.get(i).map(String::as_str).unwrap_or_default();
        match cell(score).parse::<f64>() {
            Ok(value) if value.is_finite() && !cell(model).is_empty() && out.len() < SCORES_MAX => out.push(OwnScore {
                model: cell(model).to_string(),
                name: name.map_or("score", cell).to_string(),
                value,
            }),
            _ if mistakes.len() < 50 => {
                mistakes.push(wrong(format!("line {}: `{}` is no model and score", n + 1, line)))
            }
            _ => {}
        }
    }
    if mistakes.is_empty() { Ok(out) } else { Err(mistakes) }
}

/// What lm-evaluation-harness writes: `results` by task, metrics as `acc,none`; errors of a metric are left out.
fn harness(value: &Value) -> Option<Vec<OwnScore>> {
    let named = value["model_name"].as_str().map(str::to_string).or_else(|| {
        let args = value["config"]["model_args"].as_str()?;
        args.split(',').find_map(|a| a.trim().strip_prefix("pretrained=")).map(str::to_string)
    })?;
    let mut out = Vec::new();
    for (task, metrics) in value["results"].as_object()? {
        for (metric, score) in metrics.as_object()? {
            let Some(score) = score.as_f64().filter(|s| s.is_finite()) else { continue };
            if !metric.contains("stderr") && out.len() < SCORES_MAX {
                out.push(OwnScore { model: named.clone(), name: format!("{task} {metric}"), value: score });
            }
        }
    }
    Some(out)
}

/// `freehold.claims/1`: what a guide recommends, for this deployment, beside what the texts and the published figures say. Where the
/// models that it names are under other licenses than it says, or may not be used so, it is not supported, and the clause says why.
pub fn claims(catalog: &Catalog, ask: &Ask<'_>) -> Value {
    let (guide, all) = &catalog.claims;
    let judged = freehold_check::advise(ask, catalog);
    let one = |c: &freehold_catalog::Claim| {
        let counts = |name: &str| if c.weight == name { 1.0 } else { 0.0 };
        let weights = freehold_check::Weights {
            simplicity: counts("simplicity"),
            multilingual: counts("multilingual"),
            quality: counts("quality"),
            size: counts("size"),
        };
        // what else the user needs is not what the guide speaks of
        let needs = freehold_check::Needs {
            no_use_policy: c.no_use_policy,
            finetune: ask.needs.finetune,
            ..Default::default()
        };
        let asked = Ask { needs, weights, ..ask.clone() };
        let found = freehold_check::ranked_anew(&judged, &asked, catalog);
        let models: Vec<Value> = c
            .models
            .iter()
            .map(|(id, said)| {
                let lists = [("ranked", &found.ranked), ("not known", &found.unknown), ("open", &found.open), ("excluded", &found.excluded)];
                let place = lists.iter().find_map(|(list, all)| {
                    let a = all.iter().find(|a| a.model.id == *id)?;
                    // what ranks alike shares the place
                    Some((*list, all.iter().filter(|o| o.rank > a.rank).count() + 1, all.len(), a))
                });
                let Some((list, place, of, a)) = place else { return json!({"model": id, "said": said, "known": false}) };
                let told = advised(a, &asked, catalog);
                let same = told["licenses"].as_array().is_some_and(|l| l.iter().any(|l| l == said));
                let part = told["parts"].as_array().and_then(|p| p.iter().find(|p| p["name"] == c.weight.as_str()).cloned());
                json!({
                    "model": id, "said": said, "is": told["licenses"], "license_agrees": same, "verdict": told["verdict"],
                    "limits": told["limits"], "questions": told["questions"], "list": list, "place": place, "of": of, "part": part,
                    "supported": same && list == "ranked",
                })
            })
            .collect();
        let supported = models.iter().filter(|m| m["supported"] == true).count();
        let open = models.iter().filter(|m| m["license_agrees"] == true && m["list"] == "open").count();
        let word = match (supported, open, models.len()) {
            (a, _, b) if a == b => "supported",
            (0, a, b) if a == b => "open: it hangs on what is not stated, or on a reading",
            (0, _, _) => "not supported",
            _ => "supported in part",
        };
        json!({"id": c.id, "asks": c.asks, "says": c.says, "outcome": word, "models": models})
    };
    json!({"schema": "freehold.claims/1", "guide": guide, "claims": all.iter().map(one).collect::<Vec<_>>(), "catalog": catalog.version})
}

fn term(t: &Term) -> Value {
    json!({"id": t.id, "clause": t.clause, "words": t.quote, "note": t.note})
}

/// What a license says about topics (words of `[absent]`), in force today: for each topic its terms, or that it was read for and
/// is not there, or that nobody looked.
pub fn terms_about(license: &License, edition: &str, topics: &[&str]) -> Value {
    let terms: Vec<Value> = license
        .terms
        .iter()
        .filter(|t| t.stands_in(edition) && t.subject().is_some_and(|s| topics.contains(&s)))
        .map(term)
        .collect();
    let absent = topics.iter().any(|t| license.absent.iter().any(|a| a == t));
    let state = match (terms.is_empty(), absent) {
        (false, _) => "says",
        (true, true) => "read for, and not there",
        (true, false) => "not looked for",
    };
    json!({"state": state, "terms": terms})
}

/// What counsel compares: topic, and what it is called.
pub const COMPARED: &[(&str, &str)] = &[
    ("warranty", "warranty"),
    ("liability", "liability"),
    ("indemnity", "indemnity"),
    ("governing-law", "governing law"),
    ("termination", "termination"),
    ("survival", "what survives it"),
    ("unilateral-change", "change by one side"),
    ("unilateral-restriction", "restriction by one side"),
    ("updates", "updates"),
    ("patent-grant", "patents"),
    ("litigation-clause", "litigation"),
    ("outputs-ownership", "outputs"),
    ("derivative-ownership", "derivatives"),
    ("outputs-training-ban", "training on outputs"),
    ("user-test", "users"),
    ("revenue-test", "revenue"),
    ("territory-limit", "territory"),
    ("use-policy", "use policy"),
    ("attribution", "attribution"),
    ("name-prefix", "name"),
    ("pass-through-terms", "passing on"),
    ("trademark", "trademarks"),
];

/// `freehold.comparison/1`: licenses side by side; names that are none are told in `unknown`.
pub fn comparison(catalog: &Catalog, names: &[&str]) -> Value {
    let mut unknown = Vec::new();
    let mut sides = Vec::new();
    for name in names {
        match freehold_check::Side::named(catalog, name) {
            Some(side) => sides.push(side),
            None => unknown.push(*name),
        }
    }
    let licenses: Vec<Value> = sides
        .iter()
        .filter_map(|s| Some((s, catalog.licenses.get(s.license)?)))
        .map(|(s, l)| json!({"id": l.id, "name": l.name, "edition": s.edition, "licensor": l.licensor, "review": l.review.level}))
        .collect();
    let rows: Vec<Value> = COMPARED
        .iter()
        .map(|(topic, title)| {
            let cells: Vec<Value> = sides
                .iter()
                .filter_map(|s| catalog.licenses.get(s.license).map(|l| terms_about(l, &s.edition, &[topic])))
                .collect();
            json!({"topic": topic, "title": title, "cells": cells})
        })
        .collect();
    json!({"schema": "freehold.comparison/1", "licenses": licenses, "rows": rows, "unknown": unknown, "catalog": catalog.version})
}

/// `freehold.services/1`: vendors of models as a service, and what their documents state.
pub fn services(catalog: &Catalog) -> Value {
    let one = |s: &Service| {
        let facts: Vec<Value> = s.facts.iter().map(fact).collect();
        json!({"id": s.id, "name": s.name, "kind": s.kind, "read": s.read, "note": s.note, "facts": facts})
    };
    json!({"schema": "freehold.services/1", "services": catalog.services.iter().map(one).collect::<Vec<_>>()})
}

fn fact(f: &freehold_catalog::ServiceFact) -> Value {
    json!({
        "topic": f.topic, "says": f.says, "clause": f.clause, "words": f.quote, "source": f.source, "version": f.version,
        "verified": f.verified, "superseded": f.superseded, "note": f.note,
    })
}

/// `freehold.ownership/1`: a license under which weights are held, beside services that are rented (all of them where none is named).
/// `None` for a license that is none.
pub fn own_or_rent(catalog: &Catalog, license: &str, wanted: &[&str]) -> Option<Value> {
    let side = freehold_check::Side::named(catalog, license)?;
    let held = catalog.licenses.get(side.license)?;
    let rented: Vec<&Service> =
        catalog.services.iter().filter(|s| wanted.is_empty() || wanted.contains(&s.id.as_str())).collect();
    let rows: Vec<Value> = SERVICE_TOPICS
        .iter()
        .map(|(topic, asks, about)| {
            let cells: Vec<Value> = rented
                .iter()
                .map(|s| {
                    let facts: Vec<Value> = s.facts.iter().filter(|f| f.topic == *topic).map(fact).collect();
                    json!({"service": s.id, "facts": facts})
                })
                .collect();
            // where the weights are yours to run, these do not ask a license
            let by_holding = match *topic {
                "customer-data-used-for-training" | "data-retention" => Some("no vendor gets them where you run it yourself"),
                "fine-tuned-weights-portability" => Some("you hold the files"),
                "model-retirement-notice" => Some("files that you hold stay; whether the right to use them does is for the termination row"),
                _ => None,
            };
            json!({"topic": topic, "asks": asks, "held": terms_about(held, &side.edition, about), "by_holding": by_holding, "rented": cells})
        })
        .collect();
    let names: Vec<Value> = rented
        .iter()
        .map(|s| json!({"id": s.id, "name": s.name, "kind": s.kind, "read": s.read, "note": s.note}))
        .collect();
    Some(json!({
        "schema": "freehold.ownership/1",
        "license": {"id": held.id, "name": held.name, "edition": side.edition},
        "services": names,
        "rows": rows,
        "catalog": catalog.version,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_from_a_table_and_from_the_harness() {
        let table = own_scores("s.csv", "model,name,score\na/b,mine,0.5\n\"c/d\",mine,0.75\n").unwrap();
        assert_eq!((table.len(), table[1].model.as_str(), table[1].value), (2, "c/d", 0.75));
        let wrong = own_scores("s.csv", "model,score\na/b,many\n,1\n").unwrap_err();
        assert_eq!(wrong.len(), 2);
        assert!(own_scores("s.csv", "what").is_err() && own_scores("s.json", "{}").is_err());
        let harness = r#"{"results": {"mmlu": {"alias": "mmlu", "acc,none": 0.61, "acc_stderr,none": 0.01}}, "config": {"model_args": "pretrained=a/b,dtype=auto"}}"#;
        let read = own_scores("r.json", harness).unwrap();
        assert_eq!(read, [OwnScore { model: "a/b".into(), name: "mmlu acc,none".into(), value: 0.61 }]);
    }

    #[test]
    fn what_is_owned_stands_beside_what_is_rented() {
        let catalog = freehold_law::shared();
        let page = own_or_rent(catalog, "apache-2.0", &[]).unwrap();
        assert!(page["services"].as_array().unwrap().len() >= 8);
        assert_eq!(page["rows"].as_array().unwrap().len(), SERVICE_TOPICS.len());
        assert!(own_or_rent(catalog, "no-such-license", &[]).is_none());
    }
}
