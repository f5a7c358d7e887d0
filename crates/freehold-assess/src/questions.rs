//! The fewest questions that settle an undetermined outcome, chosen greedily by how much of the range they remove.

use std::collections::BTreeSet;

use freehold_base::{MadeBy, Range, Value, Verdict};
use freehold_catalog::{Catalog, FactId, FactOrigin, FactType, Term};

use crate::{Access, GapKind, Input, assess};

/// An answer and where it leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The value, as it would be stated.
    pub value: Value,
    /// The answer in words (`yes`, `more than 700,000,000`).
    pub says: String,
    /// The outcome if this is stated and nothing else.
    pub range: Range,
    /// The verdict if this is stated and nothing else.
    pub verdict: Verdict,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The fact that is asked for.
    pub fact: FactId,
    /// What answers lead where.
    pub answers: Vec<Answer>,
    /// The licenses and clauses that ask.
    pub asked_by: Vec<String>,
}

/// Most rounds of asking.
const ROUNDS_MAX: usize = 8;
/// Most facts that are tried in a round.
const CANDIDATES_MAX: usize = 24;

/// The questions, most decisive first. Empty where no fact is open.
pub fn questions(input: Input<'_, '_>) -> Vec<Question> {
    let mut deployment = input.deployment.clone();
    let mut said = input.made_by;
    let made_by = input.catalog.facts.find("subject.made_by");
    let mut out: Vec<Question> = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let here = Input { deployment: &deployment, made_by: said, ..input };
        let now = assess(here);
        if now.range.is_point() || !now.gaps.iter().any(|g| g.kind == GapKind::Fact) {
            break;
        }
        let mut facts: BTreeSet<FactId> =
            now.gaps.iter().filter(|g| g.kind == GapKind::Fact).flat_map(|g| g.facts.iter().copied()).collect();
        facts.retain(|f| {
            (input.catalog.facts.get(*f).origin == FactOrigin::Stated && deployment.get(*f).is_none())
                || (Some(*f) == made_by && here.made_by.is_none())
        });
        let asked_by = |fact: FactId| {
            let cites = now
                .gaps
                .iter()
                .filter(|g| g.facts.contains(&fact))
                .filter_map(|g| g.term.map(|t| format!("{} {}", g.license, t.clause)));
            cites.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        let tried = facts.into_iter().take(CANDIDATES_MAX).map(|fact| {
            let terms: Vec<&Term> =
                now.gaps.iter().filter(|g| g.facts.contains(&fact)).filter_map(|g| g.term).collect();
            let answers = answers(here, fact, &terms);
            let removed: usize = answers.iter().map(|a| width(now.range).saturating_sub(width(a.range))).sum();
            // more removed per answer first; then the fact that more terms ask for
            let score = (removed * 100 / answers.len().max(1), asked_by(fact).len());
            (score, std::cmp::Reverse(fact), answers)
        });
        let Some((_, std::cmp::Reverse(fact), answers)) = tried.max_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1))) else {
            break;
        };
        // go on as if the answer were the one with the best outcome
        let first_best = |a: &Answer, b: &Answer| (a.range.worst, a.range.best) < (b.range.worst, b.range.best);
        let best = answers.iter().reduce(|a, b| if first_best(a, b) { b } else { a });
        let Some(best) = best else { break };
        let best = best.value.clone();
        out.push(Question { fact, asked_by: asked_by(fact), answers });
        if Some(fact) == made_by {
            said = maker(&best);
        } else {
            deployment.set(input.catalog, fact, Some(best));
        }
    }
    out
}

fn maker(value: &Value) -> Option<MadeBy> {
    match value {
        Value::Text(t) => MadeBy::parse(t),
        _ => None,
    }
}

fn width(r: Range) -> usize {
    r.best as usize - r.worst as usize
}

fn answers(input: Input<'_, '_>, fact: FactId, terms: &[&Term]) -> Vec<Answer> {
    candidates(input.catalog, fact, terms)
        .into_iter()
        .map(|(value, says)| {
            let mut deployment = input.deployment.clone();
            deployment.set(input.catalog, fact, Some(value.clone()));
            let made_by =
                if input.catalog.facts.get(fact).name == "subject.made_by" { maker(&value) } else { input.made_by };
            let outcome = assess(Input { deployment: &deployment, made_by, ..input });
            Answer { value, says, range: outcome.range, verdict: outcome.verdict }
        })
        .collect()
}

/// Values that tell the outcomes apart: one on each side of every limit that the open terms name.
fn candidates(catalog: &Catalog, fact: FactId, terms: &[&Term]) -> Vec<(Value, String)> {
    let def = catalog.facts.get(fact);
    match def.kind {
        FactType::Bool => vec![(Value::Bool(false), "no".into()), (Value::Bool(true), "yes".into())],
        FactType::Word => def.values.iter().map(|v| (Value::Text(v.clone()), v.clone())).collect(),
        FactType::Words if def.name == "use.access" => {
            Access::ALL.iter().map(|a| (Value::List(vec![a.as_str().into()]), a.as_str().into())).collect()
        }
        FactType::Words | FactType::Countries => vec![(Value::List(vec![]), "none".into())],
        FactType::Activities => {
            let mut all = vec![(Value::List(vec![]), "none of them".to_string())];
            all.extend(catalog.activities.ids().map(|a| (Value::List(vec![a.into()]), a.to_string())));
            all
        }
        FactType::Country => country_candidates(catalog),
        FactType::Number | FactType::History => {
            let mut limits = BTreeSet::new();
            for term in terms {
                let conditions = term.readings.iter().map(|r| &r.when).chain(&term.unless);
                conditions.for_each(|e| e.limits_on(&catalog.facts, fact, &mut limits));
            }
            let mut out = vec![(Value::Number(0), "none".to_string())];
            for limit in limits {
                out.push((Value::Number(limit), format!("up to {}", Value::Number(limit))));
                out.push((Value::Number(limit.saturating_add(1)), format!("more than {}", Value::Number(limit))));
            }
            out
        }
        FactType::Text => vec![(Value::Text(String::new()), "none".into()), (Value::Text("yes".into()), "yes".into())],
    }
}

/// A country inside each territory that a text names, and one outside all.
fn country_candidates(catalog: &Catalog) -> Vec<(Value, String)> {
    let mut out = Vec::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for id in catalog.territories.ids() {
        let Some(first) = catalog.territories.find(id).and_then(|c| c.iter().find(|c| !taken.contains(c.as_str())))
        else {
            continue;
        };
        taken.insert(first);
        out.push((Value::Text(first.clone()), format!("{} ({first})", id.replace('-', " "))));
    }
    out.push((Value::Text("US".into()), "elsewhere (US)".into()));
    out
}
