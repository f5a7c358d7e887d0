//! The terms of an agreement: a license that an organization bought or negotiated, in the form of the catalog's own.

use std::collections::BTreeSet;

use freehold_base::Evidence;

use crate::condition::{Scope, parse};
use crate::document::{NodeValue, Sink, Spanned, Table, unknown_word};
use crate::license::{Law, Review, load_reach, load_term, strictness};
use crate::{Catalog, Edition, Effect, Expr, License, OutputTrained, Reach, Relations, Strictness, Term};

/// What an agreement is called, and with whom.
#[derive(Clone, Debug)]
pub struct AgreementHead {
    /// Its id in the organization's file.
    pub id: String,
    /// Who grants it.
    pub counterparty: String,
    /// The day from which it runs, `YYYY-MM-DD`.
    pub from: String,
    /// Where it is written down.
    pub evidence: Evidence,
}

/// The id under which an agreement's terms are cited.
pub fn agreement_id(id: &str) -> String {
    format!("agreement:{id}")
}

impl Catalog {
    /// Reads an agreement's terms (`like`, `edition`, `without`, `terms`, `reach`, `define`) and adds them as law of its
    /// own, which no tag, text or alias names. Gives their index; `None` where an agreement of that id is there already.
    pub fn add_agreement(&mut self, head: &AgreementHead, row: &Table<'_, '_>, sink: &Sink<'_>) -> Option<usize> {
        let mut license = self.agreement_base(head, row, sink);
        let mut defines = self.defines.clone();
        if let Some(table) = row.table("define") {
            for (key, node) in table.entries() {
                let NodeValue::Text(text) = &node.value else {
                    sink.error("wrong-type", node.span, "a definition must be a condition in quotes");
                    continue;
                };
                let scope = Scope { defines: &defines, ..self.scope() };
                if let Some(e) = parse(&Spanned { text: text.clone(), span: node.span }, &scope, sink) {
                    defines.push((key.name.clone(), e));
                }
            }
        }
        let law = Law { scope: Scope { defines: &defines, ..self.scope() }, obligations: &self.obligations };
        match row.table("reach") {
            Some(reach) => license.reach = load_reach(reach, &law.scope, sink),
            None if license.like.is_none() => row.missing("reach` or `like"),
            None => {}
        }
        let mut ids = BTreeSet::new();
        for table in row.tables("terms") {
            let span = table.span;
            let term = load_term(table, &law.scope, law.obligations, &[], sink);
            if !ids.insert(term.id.clone()) {
                sink.error("duplicate", span, format!("two terms are called `{}`", term.id));
            }
            match license.terms.iter_mut().find(|t| t.id == term.id && t.policy.is_none()) {
                Some(there) => *there = term,
                None => license.terms.push(term),
            }
        }
        if !license.terms.iter().any(|t| matches!(t.effect, Effect::Grant(_))) {
            sink.error("no-grant", row.span, "an agreement without a grant permits nothing; write what it grants");
        }
        license.strictness = strictness(&license.terms);
        if self.license(&license.id).is_some() {
            return None;
        }
        self.licenses.push(license);
        Some(self.licenses.len() - 1)
    }

    /// The terms of the license that it is like, without those that it leaves out; none where it is like no other.
    fn agreement_base(&self, head: &AgreementHead, row: &Table<'_, '_>, sink: &Sink<'_>) -> License {
        let (wanted, without) = (row.text("edition"), row.texts("without"));
        let like = row.text("like");
        let found = like.as_ref().and_then(|t| self.license_named(&t.text)).and_then(|i| self.licenses.get(i));
        if let (Some(t), None) = (&like, found) {
            unknown_word(sink, "like", t, self.license_names().collect::<Vec<_>>());
        }
        if let (None, Some(t)) = (&like, wanted.as_ref().or(without.first())) {
            sink.error(
                "nothing-to-change",
                t.span,
                "`edition` and `without` change another license's terms: name it with `like`",
            );
        }
        let edition = found.and_then(|l| match &wanted {
            Some(t) => {
                let of = l.editions.iter().find(|e| e.text == t.text);
                if of.is_none() {
                    unknown_word(sink, "edition", t, l.editions.iter().map(|e| e.text.as_str()).collect::<Vec<_>>());
                }
                of
            }
            None => l.edition_in_force(),
        });
        let mut terms: Vec<Term> = Vec::new();
        if let Some(base) = found {
            let stands = |t: &&Term| edition.is_none_or(|e| t.stands_in(&e.text));
            terms.extend(base.terms.iter().filter(stands).cloned().map(|t| Term { editions: Vec::new(), ..t }));
            for left in &without {
                if !terms.iter().any(|t| t.id == left.text) {
                    unknown_word(sink, "without", left, terms.iter().map(|t| t.id.as_str()).collect::<Vec<_>>());
                }
            }
            terms.retain(|t| !without.iter().any(|w| w.text == t.id));
        }
        let id = agreement_id(&head.id);
        License {
            file: head.evidence.file.clone(),
            name: format!("{}, agreement with {}", head.id, head.counterparty),
            licensor: head.counterparty.clone(),
            spdx: "LicenseRef-agreement".into(),
            family: id.clone(),
            aliases: Vec::new(),
            looks_like: Vec::new(),
            covers: found.map(|l| l.covers.clone()).unwrap_or_default(),
            policies: found.map(|l| l.policies.clone()).unwrap_or_default(),
            beside: false,
            contact: None,
            review: found.map_or_else(
                || Review { level: "unreviewed".into(), by: String::new(), date: String::new() },
                |l| l.review.clone(),
            ),
            open_source: None,
            editions: vec![Edition {
                text: id.clone(),
                date: head.from.clone(),
                until: None,
                url: None,
                differs: None,
                read_at: None,
            }],
            reach: found.map_or(
                Reach {
                    derivative: Relations::default(),
                    output_trained: (OutputTrained::None, Expr::Const(true)),
                    product_uses: false,
                },
                |l| l.reach.clone(),
            ),
            terms,
            absent: found.map(|l| l.absent.clone()).unwrap_or_default(),
            strictness: Strictness::Open,
            agreement: true,
            like: found.map(|l| l.id.clone()),
            id,
        }
    }
}
