//! From the engine's types to the public ones.

use freehold_assess as engine;
use freehold_base as base;
use freehold_base::Verdict;
use freehold_catalog::{Catalog, Effect, FactId, Term};
use freehold_check::Dossier;

use crate::assessment as wire;

impl wire::Report {
    /// A report over dossiers; `exit` is what the command ends with.
    pub fn of(dossiers: &[Dossier<'_>], exit: u8) -> wire::Report {
        let mut summary = wire::Summary { subjects: dossiers.len(), exit, ..wire::Summary::default() };
        for d in dossiers {
            let slot = match d.assessment.verdict {
                Verdict::Prohibited => &mut summary.prohibited,
                Verdict::NeedsSeparateLicense => &mut summary.needs_separate_license,
                Verdict::Undetermined => &mut summary.undetermined,
                Verdict::NeedsReview => &mut summary.needs_review,
                Verdict::PermittedWithObligations => &mut summary.permitted_with_obligations,
                Verdict::Permitted => &mut summary.permitted,
            };
            *slot += 1;
            summary.unmet += usize::from(d.owed_and_unmet() > 0);
        }
        wire::Report {
            schema: "freehold.report/1".into(),
            assessments: dossiers.iter().map(wire::Assessment::of).collect(),
            summary,
        }
    }
}

impl wire::Assessment {
    /// One dossier.
    pub fn of(d: &Dossier<'_>) -> wire::Assessment {
        let a = &d.assessment;
        let names = Names { catalog: d.catalog, house: &d.house };
        wire::Assessment {
            schema: "freehold.assessment/1".into(),
            id: d.subject.id.clone(),
            subject: subject(d),
            as_of: d.as_of.clone(),
            verdict: a.verdict.as_str().into(),
            verdict_range: range(a.range),
            by_access: a
                .by_access
                .iter()
                .map(|(access, r, v)| wire::ByAccess {
                    access: access.as_str().into(),
                    verdict: v.as_str().into(),
                    verdict_range: range(*r),
                })
                .collect(),
            access_open: a.access_open,
            gaps: a.gaps.iter().map(|g| names.gap(g)).collect(),
            limits: a.limits.iter().map(|l| names.limit(l)).collect(),
            questions: d.questions.iter().map(|q| names.question(q)).collect(),
            assumptions: a.assumptions.iter().map(|x| names.assumption(x)).collect(),
            licenses: a.licenses.iter().map(|l| license(d, l)).collect(),
            elections: a
                .elections
                .iter()
                .map(|e| wire::Election {
                    work: d.graph.works[e.work].id.clone(),
                    offered: e.offered.clone(),
                    taken: e.taken.clone(),
                })
                .collect(),
            obligations: a.obligations.iter().map(|o| names.obligation(o)).collect(),
            findings: a.findings.iter().map(finding).collect(),
            house: a.house.iter().map(|u| house(d, u)).collect(),
            policy: None,
            register: None,
            lineage: lineage(&d.graph),
            not_read: d.not_read.clone(),
            diagnostics: d.diagnostics.iter().map(diagnostic).collect(),
            catalog: catalog_version(d),
            engine: concat!("freehold ", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

fn subject(d: &Dossier<'_>) -> wire::Subject {
    let work = &d.graph.works[d.graph.subject];
    wire::Subject {
        id: work.id.clone(),
        name: work.name.clone(),
        path: d.subject.path.clone(),
        kind: d.subject.kind.clone(),
        files: d.subject.files,
        bytes_total: d.subject.bytes_total,
        bytes_read: d.subject.bytes_read,
        components: (d.subject.components > 0).then_some(d.subject.components),
    }
}

fn range(r: base::Range) -> wire::VerdictRange {
    wire::VerdictRange { worst: r.worst.as_str().into(), best: r.best.as_str().into() }
}

pub(crate) fn catalog_version(d: &Dossier<'_>) -> wire::CatalogVersion {
    let rank = |level: &str| match level {
        "counsel" => 2,
        "engineer" => 1,
        _ => 0,
    };
    let governing = d.assessment.licenses.iter().filter_map(|l| d.catalog.license(&l.license));
    let least = governing.map(|l| l.review.level.as_str()).min_by_key(|l| rank(l)).unwrap_or("unreviewed");
    wire::CatalogVersion {
        version: d.catalog.version.clone(),
        // the version of an overlaid catalog goes on after the day: `2026.11.24+acme-law`
        date: d.catalog.version.split('+').next().unwrap_or_default().replace('.', "-"),
        review_level: least.into(),
    }
}

pub(crate) struct Names<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) house: &'c engine::House,
}

impl Names<'_> {
    fn facts(&self, ids: &[FactId]) -> Vec<String> {
        ids.iter().map(|id| self.catalog.facts.get(*id).name.clone()).collect()
    }

    fn gap(&self, g: &engine::Gap<'_>) -> wire::Gap {
        wire::Gap {
            kind: g.kind.as_str().into(),
            license: g.license.clone(),
            clause: g.term.map(|t| t.clause.clone()),
            words: g.term.map(|t| t.quote.clone()),
            says: g.says.clone(),
            facts: self.facts(&g.facts),
            readings: g
                .readings
                .iter()
                .map(|(id, says)| wire::Reading { id: (*id).into(), says: (*says).into() })
                .collect(),
            worst: g.worst.as_str().into(),
        }
    }

    fn limit(&self, l: &engine::Limit<'_>) -> wire::Limit {
        let of = |f: fn(&Term) -> String| l.term.map(f);
        wire::Limit {
            license: self.catalog.licenses[l.license].id.clone(),
            term: of(|t| t.id.clone()),
            clause: of(|t| t.clause.clone()),
            words: of(|t| t.quote.clone()),
            act: l.act.map(|a| a.as_str().into()),
            to: l.to.as_str().into(),
            sure: l.sure,
            facts: self.facts(&l.facts),
            position: l.position.map(|p| self.house.cite_position(p)),
        }
    }

    fn question(&self, q: &engine::Question) -> wire::Question {
        let fact = self.catalog.facts.get(q.fact);
        wire::Question {
            fact: fact.name.clone(),
            text: fact.question.clone(),
            why: q.asked_by.clone(),
            settles: q.answers.iter().any(|a| a.range.is_point()),
            answers: q
                .answers
                .iter()
                .map(|a| wire::Answer {
                    says: a.says.clone(),
                    value: json(&a.value),
                    verdict: a.verdict.as_str().into(),
                })
                .collect(),
        }
    }

    fn assumption(&self, a: &engine::Assumption) -> wire::Assumption {
        wire::Assumption {
            fact: a.fact.map(|f| self.catalog.facts.get(f).name.clone()),
            says: a.says.clone(),
            leaned_on_by: a.leaned_on_by.clone(),
        }
    }

    pub(crate) fn obligation(&self, o: &engine::Obligation<'_>) -> wire::Obligation {
        let sources: Vec<wire::Source> = o
            .sources
            .iter()
            .map(|s| wire::Source {
                license: self.catalog.licenses[s.license].id.clone(),
                edition: s.edition.clone(),
                clause: s.term.clause.clone(),
                words: s.term.quote.clone(),
            })
            .collect();
        let first = sources.first().cloned().unwrap_or(wire::Source {
            license: String::new(),
            edition: String::new(),
            clause: String::new(),
            words: String::new(),
        });
        let places = o.sources.iter().find_map(|s| match &s.term.effect {
            Effect::Duty(d) if !d.places.is_empty() => Some(d.places.clone()),
            _ => None,
        });
        wire::Obligation {
            code: o.code.into(),
            license: first.license,
            edition: first.edition,
            clause: first.clause,
            words: first.words,
            text: o.text().map(str::to_string),
            places: places.unwrap_or_default(),
            fixable: o.fixable(self.catalog),
            certainty: o.certainty.as_str().into(),
            status: o.status.as_str().into(),
            facts: self.facts(&o.facts),
            upstream: o.upstream,
            accesses: o.accesses.iter().map(|a| a.as_str().into()).collect(),
            sources,
            attested: o.attested.iter().map(|i| self.house.cite_attestation(*i)).collect(),
        }
    }
}

/// A value as JSON.
fn json(value: &base::Value) -> serde_json::Value {
    match value {
        base::Value::Bool(b) => (*b).into(),
        base::Value::Number(n) => (*n).into(),
        base::Value::Text(t) => t.clone().into(),
        base::Value::List(l) => l.clone().into(),
        base::Value::History(h) => h.iter().map(|(m, n)| (m.to_string(), serde_json::Value::from(*n))).collect(),
    }
}

fn license(d: &Dossier<'_>, l: &engine::Governing) -> wire::License {
    let work = &d.graph.works[l.work];
    let claims: Vec<&base::Claim> = l.claims.iter().filter_map(|c| work.claims.get(*c)).collect();
    let mut covers: Vec<String> = claims.iter().flat_map(|c| &c.covers).map(|c| c.as_str().into()).collect();
    covers.sort();
    covers.dedup();
    wire::License {
        work: work.id.clone(),
        layer: if l.outbound { "own" } else { "upstream" }.into(),
        id: l.license.clone(),
        edition: l.edition.clone(),
        covers,
        basis: match l.agreement {
            Some(_) if !l.displaced => vec!["house".into()],
            _ => claims.iter().map(|c| c.basis.as_str().into()).collect(),
        },
        standing: l.standings.iter().map(|s| s.as_str().into()).collect(),
        by: l.by.map(|b| b.as_str().into()),
        evidence: match l.agreement.and_then(|i| d.house.agreements.get(i)) {
            Some(a) if !l.displaced => vec![evidence(&a.entry.evidence)],
            _ => claims.iter().map(|c| evidence(&c.evidence)).collect(),
        },
        agreement: l.agreement.map(|i| d.house.cite_agreement(i)),
        displaced: l.displaced,
        outbound: l.outbound,
    }
}

fn house(d: &Dossier<'_>, u: &engine::HouseUse) -> wire::HouseUse {
    let entry = d.house.entry(u.kind, u.index);
    let text = |of: fn(&engine::Entry) -> &str| entry.map(of).unwrap_or_default().to_string();
    wire::HouseUse {
        kind: u.kind.as_str().into(),
        state: u.state.as_str().into(),
        says: u.says.clone(),
        who: text(|e| &e.who),
        when: text(|e| &e.when),
        from: text(|e| &e.from),
        until: entry.and_then(|e| e.until.clone()),
        why: text(|e| &e.why),
        digest: text(|e| &e.digest),
        accesses: u.accesses.iter().map(|a| a.as_str().into()).collect(),
        evidence: entry.map(|e| evidence(&e.evidence)),
    }
}

pub(crate) fn evidence(e: &base::Evidence) -> wire::Evidence {
    wire::Evidence {
        file: e.file.clone(),
        key: e.key.clone(),
        bytes: e.bytes.map(|(from, to)| [from, to]),
        line: e.line,
    }
}

fn finding(f: &engine::Finding) -> wire::Finding {
    wire::Finding {
        code: f.code.as_str().into(),
        title: f.code.title().into(),
        work: f.work.clone(),
        detail: f.detail.clone(),
        evidence: f.evidence.iter().map(evidence).collect(),
        resemblance: f.resemblance.as_deref().map(resemblance),
    }
}

fn resemblance(r: &engine::Resemblance) -> wire::Resemblance {
    let likenesses = |all: &[engine::Likeness]| {
        let one = |l: &engine::Likeness| wire::Likeness {
            what: l.what.clone(),
            evidence: l.evidence.iter().map(evidence).collect(),
        };
        all.iter().map(one).collect()
    };
    wire::Resemblance {
        basis: base::Basis::Inferred.as_str().into(),
        bases: r.bases.clone(),
        licenses: r.licenses.clone(),
        matched: likenesses(&r.matched),
        differs: likenesses(&r.differs),
        not_compared: r.not_compared.clone(),
        ambiguous: r.ambiguous.clone(),
    }
}

fn lineage(graph: &base::Graph) -> wire::Lineage {
    let works = graph.works.iter().map(|w| wire::LineageWork {
        id: w.id.clone(),
        kind: w.kind.as_str().into(),
        made_by: w.made_by.map(|m| m.as_str().into()),
        known: w.known,
    });
    let edges = graph.edges.iter().map(|e| wire::LineageEdge {
        child: graph.works[e.child].id.clone(),
        parent: graph.works[e.parent].id.clone(),
        relation: e.relation.as_str().into(),
        by: e.by.as_str().into(),
        by_presumed: e.by_presumed,
        evidence: evidence(&e.evidence),
    });
    wire::Lineage { works: works.collect(), edges: edges.collect() }
}

pub(crate) fn diagnostic(d: &base::Diagnostic) -> wire::Diagnostic {
    wire::Diagnostic {
        severity: match d.severity {
            base::Severity::Error => "error",
            base::Severity::Warning => "warning",
            base::Severity::Note => "note",
        }
        .into(),
        code: d.code.into(),
        message: d.message.clone(),
        file: d.label.as_ref().map(|l| l.file.clone()),
        position: d.label.as_ref().and_then(|l| l.position).map(|(line, column)| [line, column]),
        help: d.help.clone(),
    }
}
