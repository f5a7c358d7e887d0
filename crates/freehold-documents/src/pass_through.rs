//! The clause that our own terms of sale need: drafted from the duties to pass terms on, each with the clause that asks for it.

use std::collections::BTreeSet;

use freehold_assess::Certainty;
use freehold_check::Dossier;

use crate::paper::{Block, Paper};

/// What meets a duty that our own terms must carry.
const OWN_TERMS: &str = "own-license-with-restrictions";

/// The draft. Where nothing must be passed on it says so.
pub fn pass_through(d: &Dossier<'_>) -> Paper {
    let catalog = d.catalog;
    let name = d.graph.works[d.graph.subject].name.as_deref().unwrap_or(&d.subject.id);
    let mine = |o: &&freehold_assess::Obligation<'_>| !o.upstream && o.certainty >= Certainty::Conditional;
    let ours = |code: &str| catalog.obligations.get(code).and_then(|o| o.met_by.as_deref()) == Some(OWN_TERMS);
    let duties: Vec<&freehold_assess::Obligation<'_>> =
        d.assessment.obligations.iter().filter(mine).filter(|o| ours(o.code)).collect();
    let policies: Vec<&freehold_assess::Obligation<'_>> =
        d.assessment.obligations.iter().filter(mine).filter(|o| o.code == "aup-compliance").collect();
    let mut blocks = Vec::new();
    let mut licenses: BTreeSet<usize> = BTreeSet::new();
    duties.iter().chain(&policies).for_each(|o| licenses.extend(o.sources.iter().map(|s| s.license)));
    let from = |license: usize, edition: &str, clause: &str| {
        let of = catalog.licenses.get(license).map_or("", |l| l.name.as_str());
        format!("{of} ({edition}), {clause}")
    };
    if duties.is_empty() {
        blocks.push(Block::Text(format!("No license that governs {name} asks that its terms be passed on in an agreement of yours, on the facts that are stated.")));
        if !policies.is_empty() {
            blocks.push(Block::Text(
                "Use policies bind you all the same; whether to bind your customers to them is yours to decide.".into(),
            ));
        }
    } else {
        let named: Vec<&str> =
            licenses.iter().filter_map(|l| catalog.licenses.get(*l)).map(|l| l.name.as_str()).collect();
        blocks.push(Block::Heading("Draft".into()));
        blocks.push(Block::Text(format!(
            "Third-party model terms. The Product contains or was made from {name}, which is provided under {}. The Customer's right to use that part of the Product is subject to those terms, a copy of which is provided with the Product, and ends where they end.",
            named.join(" and ")
        )));
        let mut points = vec!["The Customer shall not use the Product, and shall not let others use it, in a way that those terms or the use policies that they incorporate restrict.".to_string()];
        points.push("Where the Customer passes the Product or any part of it on, the Customer shall bind each recipient to this clause in an enforceable agreement.".into());
        for p in licenses.iter().filter_map(|l| catalog.licenses.get(*l)).flat_map(|l| &l.policies) {
            if let Some(policy) = catalog.policy(p) {
                points.push(format!(
                    "The use policy “{}” is part of this clause, in the edition that the license names.",
                    policy.name
                ));
            }
        }
        blocks.push(Block::List(points));
        blocks.push(Block::Heading("Why each line is there".into()));
        for o in duties.iter().chain(&policies) {
            let title = catalog.obligations.get(o.code).map_or(o.code, |c| c.title.as_str());
            let sure = if o.certainty == Certainty::Owed { "owed" } else { "hangs on an open fact" };
            blocks.push(Block::Text(format!("{title} ({sure})")));
            for s in &o.sources {
                blocks.push(Block::Quote {
                    words: s.term.quote.clone(),
                    from: from(s.license, &s.edition, &s.term.clause),
                });
            }
        }
    }
    let verdict = d.assessment.verdict.as_str();
    if !verdict.starts_with("permitted") {
        blocks.push(Block::Callout(format!("The answer for this use is {verdict}: a clause does not change that.")));
    }
    Paper {
        title: format!("Pass-through clause: {name}"),
        subtitle: "Drafted from the duties that the license texts state".into(),
        about: vec![
            ("model".into(), name.to_string()),
            ("answer".into(), verdict.to_string()),
            ("catalog".into(), catalog.version.clone()),
        ],
        blocks,
        day: d.as_of.clone(),
        footer: "A draft for counsel, made by a program from the texts; no legal advice.".into(),
        ..Paper::default()
    }
}
