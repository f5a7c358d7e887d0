//! What a rule's `when` may name besides the facts of the catalog.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{Certainty, FindingCode, Status};
use freehold_base::{Permission, Relation, Value, Verdict};
use freehold_catalog::{
    ActivityMask, Catalog, Effect as TermEffect, FactDef, FactId, FactOrigin, FactTable, FactType, Facts, Presumed,
};

use crate::evaluate::{Situation, Statement, step_taker};
use crate::rule::Class;

/// Every name: what it is called, whether it is a list, what it holds.
pub const NAMES: &[(&str, bool, &str)] = &[
    ("verdict", false, "the verdict"),
    ("worst", false, "the outcome if every open question falls against us"),
    ("best", false, "the outcome if every open question falls for us"),
    ("license", true, "ids of the licenses that govern, as far as they are in law"),
    ("license-family", true, "their families"),
    ("license-class", true, "their classes"),
    ("license-basis", true, "how each is known: the strongest basis of each statement"),
    ("review-level", true, "who has read each license's entry"),
    ("obligation", true, "codes of the duties that are owed"),
    ("obligation-open", true, "codes of the duties that are conditional or arguable"),
    ("unmet", true, "codes of owed duties that the release lacks"),
    ("finding", true, "codes of the findings"),
    ("presumed", true, "facts that the answer presumes"),
    ("relation", true, "the steps by which the model was made"),
];

/// Levels of review, least first.
pub(crate) const LEVELS: [&str; 3] = ["unreviewed", "engineer", "counsel"];

/// The catalog's facts with the names behind them.
pub(crate) fn table(catalog: &Catalog) -> FactTable {
    catalog.facts.extended(NAMES.iter().map(|(name, list, says)| FactDef {
        name: (*name).to_string(),
        kind: if *list { FactType::Words } else { FactType::Word },
        values: values(name, catalog),
        unit: String::new(),
        question: (*says).to_string(),
        init: None,
        presumed: None,
        origin: FactOrigin::Graph,
        at_release: None,
        words_for: (Vec::new(), Vec::new()),
    }))
}

/// The words that a name may have.
fn values(name: &str, catalog: &Catalog) -> Vec<String> {
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_string()).collect::<Vec<_>>();
    let set = |list: BTreeSet<&str>| list.into_iter().map(str::to_string).collect::<Vec<_>>();
    match name {
        "verdict" => Verdict::ALL.iter().map(|v| v.as_str().to_string()).collect(),
        "worst" | "best" => PERMISSIONS.iter().map(|p| p.as_str().to_string()).collect(),
        "license" => catalog.licenses.iter().map(|l| l.id.clone()).collect(),
        "license-family" => set(catalog.licenses.iter().map(|l| l.family.as_str()).collect()),
        "license-class" => words(Class::WORDS),
        "license-basis" => freehold_base::Basis::ALL.iter().map(|b| b.as_str().to_string()).collect(),
        "review-level" => words(&LEVELS),
        "obligation" | "obligation-open" | "unmet" => duty_codes(catalog),
        "finding" => FindingCode::ALL.iter().map(|f| f.as_str().to_string()).collect(),
        "presumed" => presumable(catalog),
        "relation" => Relation::ALL.iter().map(|r| r.as_str().to_string()).collect(),
        _ => Vec::new(),
    }
}

/// Every permission, worst first.
pub(crate) const PERMISSIONS: [Permission; 3] =
    [Permission::Prohibited, Permission::NeedsSeparateLicense, Permission::Permitted];

/// Every duty code that a license of the catalog asks for, and the closed list.
pub(crate) fn duty_codes(catalog: &Catalog) -> Vec<String> {
    let asked = catalog.licenses.iter().flat_map(|l| &l.terms).filter_map(|t| match &t.effect {
        TermEffect::Duty(d) => Some(d.code.as_str()),
        _ => None,
    });
    let all: BTreeSet<&str> = asked.chain(catalog.obligations.codes()).collect();
    all.into_iter().map(str::to_string).collect()
}

/// Facts whose silence means something, and who took a step.
pub(crate) fn presumable(catalog: &Catalog) -> Vec<String> {
    let facts = catalog.facts.facts.iter().filter(|f| f.presumed.is_some()).map(|f| f.name.clone());
    facts.chain([step_taker().to_string()]).collect()
}

/// Facts that a rule may name though nobody states them: those of the subject itself.
pub(crate) fn readable(fact: &FactDef) -> bool {
    fact.origin == FactOrigin::Stated
        || NAMES.iter().any(|(n, _, _)| *n == fact.name)
        || ["subject.", "work."].iter().any(|p| fact.name.starts_with(p))
}

/// The values of all names for one situation.
pub(crate) struct Values<'a> {
    table: &'a FactTable,
    own: BTreeMap<FactId, Value>,
    situation: &'a Situation<'a>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(table: &'a FactTable, situation: &'a Situation<'a>, statements: &[Statement<'_>]) -> Values<'a> {
        let mut own = BTreeMap::new();
        let a = situation.assessment;
        let mut set = |name: &str, value: Value| {
            if let Some(id) = table.find(name) {
                own.insert(id, value);
            }
        };
        let word = |w: &str| Value::Text(w.to_string());
        let list = |words: BTreeSet<&str>| Value::List(words.into_iter().map(str::to_string).collect());
        set("verdict", word(a.verdict.as_str()));
        set("worst", word(a.range.worst.as_str()));
        set("best", word(a.range.best.as_str()));
        let laws: Vec<_> = statements.iter().filter_map(|s| s.law).collect();
        set("license", list(laws.iter().map(|l| l.id.as_str()).collect()));
        set("license-family", list(laws.iter().map(|l| l.family.as_str()).collect()));
        let classes = Class::ALL.iter().zip(Class::WORDS);
        let classes = classes.filter(|(c, _)| statements.iter().any(|s| s.is(**c))).map(|(_, w)| *w);
        set("license-class", list(classes.collect()));
        set("license-basis", list(statements.iter().filter_map(|s| s.basis).map(|b| b.as_str()).collect()));
        set("review-level", list(statements.iter().filter(|s| s.stated()).map(|s| s.level()).collect()));
        let duties = |wanted: fn(&freehold_assess::Obligation<'_>) -> bool| {
            Value::List(a.obligations.iter().filter(|o| wanted(o)).map(|o| o.code.to_string()).collect())
        };
        set("obligation", duties(|o| o.certainty == Certainty::Owed));
        set("obligation-open", duties(|o| o.certainty != Certainty::Owed));
        set("unmet", duties(|o| o.certainty == Certainty::Owed && o.status == Status::Unmet));
        set("finding", list(a.findings.iter().map(|f| f.code.as_str()).collect()));
        let presumed = a.assumptions.iter().map(|x| match x.fact {
            Some(id) => situation.catalog.facts.get(id).name.as_str(),
            None => step_taker(),
        });
        set("presumed", list(presumed.collect()));
        set("relation", list(situation.graph.edges.iter().map(|e| e.relation.as_str()).collect()));
        if let Some(subject) = situation.graph.works.get(situation.graph.subject) {
            for (name, value) in &subject.facts {
                set(name, value.clone());
            }
            if let Some(name) = &subject.name {
                set("subject.name", Value::Text(name.clone()));
            }
            if let Some(by) = subject.made_by {
                set("subject.made_by", word(by.as_str()));
            }
        }
        Values { table, own, situation }
    }
}

impl Facts for Values<'_> {
    fn value(&self, id: FactId) -> Option<&Value> {
        if let Some(v) = self.own.get(&id) {
            return Some(v);
        }
        let deployment = self.situation.deployment;
        deployment.get(id).or_else(|| match &self.table.facts.get(usize::from(id.0))?.presumed {
            // silence means the same here as in the engine
            Some((Presumed::Value(v), _)) => Some(v),
            Some((Presumed::Same(other), _)) => deployment.get(*other),
            None => None,
        })
    }

    fn activities(&self) -> Option<ActivityMask> {
        match self.situation.deployment.named(self.situation.catalog, "use.activities") {
            Some(Value::List(words)) => Some(self.situation.catalog.activities.stated(words)),
            _ => None,
        }
    }

    fn table(&self) -> &FactTable {
        self.table
    }
}
