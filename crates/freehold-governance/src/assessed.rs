//! What an assessment brings into a record.

use freehold_assess::Deployment;
use freehold_base::Value as FactValue;
use freehold_catalog::{Catalog, FactDef, FactId, FactOrigin};
use freehold_check::Dossier;
use freehold_record::outcome;
use serde_json::{Map, Value, json};

use crate::wrong::{Wrong, usage};

/// The stated facts of a deployment: name to value.
pub fn deployment_json(deployment: &Deployment, catalog: &Catalog) -> Value {
    let mut out = Map::new();
    for (id, fact) in stated_facts(catalog) {
        let Some(value) = deployment.get(id) else { continue };
        out.insert(fact.name.clone(), plain(value));
    }
    Value::Object(out)
}

/// A fact's value, with whole numbers alone.
fn plain(value: &FactValue) -> Value {
    match value {
        FactValue::Text(t) => json!(t),
        FactValue::Bool(b) => json!(b),
        FactValue::List(all) => json!(all),
        other => json!(other.to_string()),
    }
}

/// What of a dossier's assessment a decision rests on.
///
/// # Errors
/// An assessment that cannot be written as JSON, which is a fault.
pub fn outcome_of(d: &Dossier<'_>) -> Result<Value, Wrong> {
    let assessment = serde_json::to_value(freehold_wire::Assessment::of(d));
    Ok(outcome(&assessment.map_err(|_| usage("the assessment cannot be written as JSON", ""))?))
}

/// What an assessment brings into a record.
///
/// # Errors
/// As [`outcome_of`].
pub fn assessed(d: &Dossier<'_>) -> Result<Value, Wrong> {
    let (graph, subject) = (&d.graph, d.graph.subject);
    let steps: Vec<Value> = graph
        .edges
        .iter()
        .filter(|e| !e.is_loop())
        .map(|e| json!({"child": graph.works[e.child].id, "relation": e.relation.as_str(), "parent": graph.works[e.parent].id}))
        .collect();
    let known = |value: String| json!({"value": value, "state": "known", "source": "assessment"});
    let mut facts = Map::new();
    let bases: Vec<String> = graph
        .edges
        .iter()
        .filter(|e| e.child == subject && !e.is_loop() && e.relation.as_str() != "trained-on-data")
        .map(|e| graph.works[e.parent].id.clone())
        .collect();
    if !bases.is_empty() {
        let publishers: std::collections::BTreeSet<&str> =
            bases.iter().filter_map(|b| b.split_once('/').map(|(o, _)| o)).collect();
        if !publishers.is_empty() {
            facts.insert("base.publisher".into(), known(publishers.into_iter().collect::<Vec<_>>().join(", ")));
        }
        facts.insert("base.model".into(), known(bases.join(", ")));
    }
    let governing: Vec<&freehold_assess::Governing> = d
        .assessment
        .licenses
        .iter()
        .filter(|l| !l.displaced && !l.outbound && !l.beyond && !l.license.is_empty())
        // what data stand under is the datasets' to say
        .filter(|l| {
            let kind = graph.works.get(l.work).map(|w| w.kind);
            l.work == subject || kind != Some(freehold_base::WorkKind::Dataset)
        })
        .collect();
    let joined = |part: &dyn Fn(&freehold_assess::Governing) -> String| {
        let all: std::collections::BTreeSet<String> =
            governing.iter().map(|l| part(l)).filter(|t| !t.is_empty()).collect();
        all.into_iter().collect::<Vec<_>>().join(", ")
    };
    for (name, value) in
        [("license.concluded", joined(&|l| l.license.clone())), ("license.edition", joined(&|l| l.edition.clone()))]
    {
        if !value.is_empty() {
            facts.insert(name.into(), known(value));
        }
    }
    let deployment = deployment_json(&d.deployment, d.catalog);
    if let Some(countries) = deployment["use.customer_countries"].as_array().filter(|c| !c.is_empty()) {
        let named: Vec<&str> = countries.iter().filter_map(Value::as_str).collect();
        facts.insert("distribution.territory".into(), known(named.join(", ")));
    }
    if steps.iter().any(|s| s["relation"] == "trained-on-data" && s["child"] == graph.works[subject].id) {
        facts.insert("data.used".into(), known("yes".into()));
    }
    Ok(json!({
        "artifact": d.subject.artifact,
        "files": d.subject.digests,
        "deployment": deployment,
        "outcome": outcome_of(d)?,
        "lineage": steps,
        "facts": facts,
        // a lineage that is too large to be kept is assessed from its files alone
        "case": freehold_wire::stored_case(d).unwrap_or_default(),
    }))
}

/// Facts that a user states.
pub fn stated_facts(catalog: &Catalog) -> impl Iterator<Item = (FactId, &FactDef)> {
    catalog.facts.iter().filter(|(_, f)| f.origin == FactOrigin::Stated)
}
