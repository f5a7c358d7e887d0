//! Where the engine is known to differ from the design: each by name, with the least case that shows it.
//!
//! The reference can do as the engine does in each of them ([`crate::naive::Mark`]), so an exception hides nothing else.
//! When a fault is mended its test here fails: take its name out of [`ENGINE`], and its test away.

use std::collections::BTreeSet;

use freehold_assess::{Deployment, NO_HOUSE};
use freehold_base::{Basis, Claim, Evidence, Graph, MadeBy, Relation, Value, Work};

use crate::cases::{CATALOG, Random, edge, seen};
use crate::naive::Mark;

/// The exceptions in force.
pub(crate) static ENGINE: &[Mark] =
    &[Mark::PathsMerged, Mark::Unsure, Mark::OwnSteps, Mark::Choice, Mark::IdleFact, Mark::TwoEditions];

pub(crate) fn engine() -> BTreeSet<Mark> {
    ENGINE.iter().copied().collect()
}

const US: Option<MadeBy> = Some(MadeBy::Organization);
const THEM: Option<MadeBy> = Some(MadeBy::ThirdParty);

type Said<'a> = (Basis, &'a str);

/// Works in order, the subject first: who made each, what is said of it; then steps: child, parent, relation.
fn case(
    works: &[(Option<MadeBy>, &[Said<'_>])],
    steps: &[(usize, usize, Relation)],
    facts: &[(&str, Value)],
) -> Random {
    let works: Vec<Work> = works
        .iter()
        .enumerate()
        .map(|(i, (made_by, said))| {
            let mut work = Work::named(format!("w{i}"), Evidence::default());
            work.made_by = *made_by;
            work.claims = said.iter().map(|(basis, l)| Claim::new(*l, *basis, Evidence::default())).collect();
            work
        })
        .collect();
    let edges = steps.iter().map(|(child, parent, relation)| edge(&works, *child, *parent, *relation)).collect();
    let mut deployment = Deployment::empty(&CATALOG);
    let ordinary = [("use.access", list(&["internal"])), ("use.activities", list(&[]))];
    for (name, value) in ordinary.iter().chain(facts) {
        deployment.set(&CATALOG, CATALOG.facts.find(name).unwrap(), Some(value.clone()));
    }
    Random { graph: Graph { works, edges, subject: 0 }, made_by: None, deployment, house: NO_HOUSE.clone() }
}

fn list(words: &[&str]) -> Value {
    Value::List(words.iter().map(|w| (*w).to_string()).collect())
}

/// The engine does what the exception says, and not what the design says.
#[track_caller]
fn shows(mark: Mark, case: &Random) {
    assert!(ENGINE.contains(&mark), "{mark:?} is shown and not in force");
    let design = case.naive(&BTreeSet::new()).unwrap();
    let as_engine = case.naive(&BTreeSet::from([mark])).unwrap();
    let engine = seen(&case.assess(), BTreeSet::new());
    assert_ne!(as_engine.plain(), design.plain(), "the exception {mark:?} changes nothing here");
    assert_ne!(engine, design.plain(), "{mark:?} is mended: take it out of the exceptions");
    assert_eq!(engine, as_engine.plain(), "{mark:?} is not what the engine does here");
}

#[test]
fn shown_paths_merged() {
    // one merge took the work itself, another path leads over our adapter of it, to whose outputs the subject was
    // trained: a duty for changes that we made to the one is asked of the other
    let works: [(_, &[Said<'_>]); 3] =
        [(THEM, &[(Basis::Told, "mit")]), (THEM, &[(Basis::Told, "qwen-research")]), (US, &[])];
    let steps = [(0, 1, Relation::Merge), (2, 1, Relation::Adapter), (0, 2, Relation::Distilled)];
    let facts = [("use.commercial", Value::Bool(false)), ("use.access", list(&["weights"]))];
    shows(Mark::PathsMerged, &case(&works, &steps, &facts));
}

#[test]
fn shown_unsure() {
    // whether the terms reach the model hangs on a fact; either way the use is granted
    let works: [(_, &[Said<'_>]); 2] = [(THEM, &[(Basis::Told, "mit")]), (THEM, &[(Basis::Told, "deepseek-1.0")])];
    let facts = [("use.commercial", Value::Bool(false)), ("use.customer_countries", list(&[]))];
    shows(Mark::Unsure, &case(&works, &[(0, 1, Relation::TrainedOnOutputs)], &facts));
}

#[test]
fn shown_own_steps() {
    // we hold a copy of what others trained on outputs: nothing was done with the work that made the outputs
    let works: [(_, &[Said<'_>]); 3] = [(US, &[]), (THEM, &[(Basis::Told, "mit")]), (THEM, &[(Basis::Told, "qwen")])];
    let steps = [(0, 1, Relation::Copy), (1, 2, Relation::TrainedOnOutputs)];
    shows(Mark::OwnSteps, &case(&works, &steps, &[]));
}

#[test]
fn shown_choice() {
    // the second branch may turn out to allow it
    let works: [(_, &[Said<'_>]); 1] = [(THEM, &[(Basis::Told, "cc-by-nc-4.0 OR acme-model-terms")])];
    shows(Mark::Choice, &case(&works, &[], &[("use.commercial", Value::Bool(true))]));
}

#[test]
fn shown_idle_fact() {
    // the users of the group may lead to a separate license, which is needed anyhow; what is open is the text
    let works: [(_, &[Said<'_>]); 1] = [(THEM, &[(Basis::Told, "cc-by-nc-4.0 AND llama-3.1 AND acme-model-terms")])];
    shows(Mark::IdleFact, &case(&works, &[], &[("use.commercial", Value::Bool(true))]));
}

#[test]
fn shown_two_editions() {
    let works: [(_, &[Said<'_>]); 1] =
        [(THEM, &[(Basis::Catalog, "bilibili-model-use-zh"), (Basis::Catalog, "bilibili-model-use-2025-09-09")])];
    // revenue above the Chinese text's limit however it is counted, above the English text's by one reading only
    let none = ["monthly_active_users", "affiliates_monthly_active_users", "affiliates_annual_revenue_usd"];
    let none = none.map(|name| (format!("organization.{name}"), Value::Number(0)));
    let mut facts: Vec<(&str, Value)> = none.iter().map(|(name, v)| (name.as_str(), v.clone())).collect();
    facts.push(("organization.annual_revenue_usd", Value::Number(20_000_000)));
    shows(Mark::TwoEditions, &case(&works, &[], &facts));
}
