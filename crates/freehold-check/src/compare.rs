//! What changes between two licenses, two editions of one, or two states of the whole law.

use std::collections::BTreeSet;

use freehold_assess::{Artifact, Certainty, Deployment, Input, NO_HOUSE, assess};
use freehold_base::{Basis, Claim, Evidence, Graph, MadeBy, Relation, Value, Verdict, Work};
use freehold_catalog::document::{Sink, Table, parse_toml};
use freehold_catalog::{Catalog, Effect, License, Term};
use freehold_lineage::{link, work_index};

use crate::statement::read_facts;

/// The deployments that a comparison judges.
static PROFILES: &str = include_str!("../../../catalog/profiles.toml");

/// One side of a comparison: a license, and the edition that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Index of the license.
    pub license: usize,
    /// Text id of the edition.
    pub edition: String,
}

impl Side {
    /// The license or edition that goes by this name; a license stands for its edition in force.
    pub fn named(catalog: &Catalog, name: &str) -> Option<Side> {
        if let Some((license, edition)) = catalog.license_of_edition(name) {
            return Some(Side { license, edition: edition.text.clone() });
        }
        let license = catalog.license_named(name)?;
        let edition = catalog.licenses[license].edition_in_force()?.text.clone();
        Some(Side { license, edition })
    }

    fn terms<'c>(&self, catalog: &'c Catalog) -> Vec<&'c Term> {
        catalog.licenses[self.license].terms.iter().filter(|t| t.stands_in(&self.edition)).collect()
    }
}

/// A deployment and its outcome under both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForWhom {
    /// The deployment in a sentence.
    pub says: String,
    /// Verdict under the first.
    pub before: Verdict,
    /// Verdict under the second.
    pub after: Verdict,
    /// Codes of duties owed under the second only.
    pub new_duties: Vec<String>,
    /// Codes of duties owed under the first only.
    pub gone_duties: Vec<String>,
}

impl ForWhom {
    /// True where nothing moved.
    pub fn same(&self) -> bool {
        self.before == self.after && self.new_duties.is_empty() && self.gone_duties.is_empty()
    }
}

/// What changes.
#[derive(Clone, Debug)]
pub struct Difference<'c> {
    /// The first side.
    pub a: Side,
    /// The second side.
    pub b: Side,
    /// Terms of the first that the second lacks.
    pub gone: Vec<&'c Term>,
    /// Terms of the second that the first lacks.
    pub new: Vec<&'c Term>,
    /// Terms that both have and that differ, with what differs.
    pub changed: Vec<(&'c Term, &'c Term, Vec<&'static str>)>,
    /// Number of terms that are the same.
    pub same: usize,
    /// What it means for ordinary deployments.
    pub for_whom: Vec<ForWhom>,
}

/// Compares two licenses or editions.
pub fn compare<'c>(catalog: &'c Catalog, a: &Side, b: &Side) -> Difference<'c> {
    let (old, new) = (a.terms(catalog), b.terms(catalog));
    let (gone, added, changed, same) = match_terms(&old, &new);
    let for_whom = profiles(catalog)
        .into_iter()
        .map(|p| {
            let (before, owed_before) = outcome(catalog, a, &p);
            let (after, owed_after) = outcome(catalog, b, &p);
            let only = |x: &[String], y: &[String]| x.iter().filter(|c| !y.contains(c)).cloned().collect::<Vec<_>>();
            ForWhom {
                says: p.says,
                before,
                after,
                new_duties: only(&owed_after, &owed_before),
                gone_duties: only(&owed_before, &owed_after),
            }
        })
        .collect();
    Difference { a: a.clone(), b: b.clone(), gone, new: added, changed, same, for_whom }
}

type Matched<'c> = (Vec<&'c Term>, Vec<&'c Term>, Vec<(&'c Term, &'c Term, Vec<&'static str>)>, usize);

/// Pairs terms: by id and effect first, then by what they are about.
fn match_terms<'c>(old: &[&'c Term], new: &[&'c Term]) -> Matched<'c> {
    let mut left: Vec<Option<&'c Term>> = new.iter().map(|t| Some(*t)).collect();
    let mut gone = Vec::new();
    let mut pairs: Vec<(&'c Term, &'c Term)> = Vec::new();
    let mut open = Vec::new();
    let mut take = |test: &dyn Fn(&Term) -> bool| {
        let slot = left.iter_mut().find(|s| s.is_some_and(test))?;
        slot.take()
    };
    for t in old {
        match take(&|n: &Term| n.id == t.id && about(n) == about(t)) {
            Some(n) => pairs.push((t, n)),
            None => open.push(*t),
        }
    }
    for t in open {
        match take(&|n: &Term| about(n) == about(t) && !about(t).1.is_empty()) {
            Some(n) => pairs.push((t, n)),
            None => gone.push(t),
        }
    }
    let new = left.into_iter().flatten().collect();
    let mut changed = Vec::new();
    let mut same = 0;
    for (a, b) in pairs {
        let what = differs(a, b);
        if what.is_empty() {
            same += 1;
        } else {
            changed.push((a, b, what));
        }
    }
    (gone, new, changed, same)
}

/// What a term does, and what it is about.
fn about(t: &Term) -> (&'static str, String) {
    match &t.effect {
        Effect::Grant(acts) => ("grant", acts.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(" ")),
        Effect::Forbid(_) => ("forbid", t.topic.clone().unwrap_or_default()),
        Effect::LicenseNeeded(_) => ("license-needed", t.topic.clone().unwrap_or_default()),
        Effect::EndsGrant => ("ends-grant", "ends".into()),
        Effect::Duty(d) => ("duty", d.code.clone()),
        Effect::Outbound(_) => ("outbound", "outbound".into()),
        Effect::Information(topic) => ("information", topic.clone()),
    }
}

fn differs(a: &Term, b: &Term) -> Vec<&'static str> {
    let conditions = |t: &Term| {
        let when: Vec<&str> = t.readings.iter().map(|r| r.written.as_str()).collect();
        (when.join(" | "), t.unless_written.clone())
    };
    let duty = |t: &Term| match &t.effect {
        Effect::Duty(d) => {
            Some((d.text.clone(), d.name_prefix.clone(), d.arguable_written.clone(), d.by_us, d.places.clone()))
        }
        _ => None,
    };
    let words = |t: &Term| t.quote.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let mut out = Vec::new();
    if conditions(a) != conditions(b) {
        out.push("when it bites");
    }
    if a.reach != b.reach {
        out.push("what it reaches");
    }
    if duty(a) != duty(b) {
        out.push("what must be done");
    }
    if words(a) != words(b) {
        out.push("its words");
    }
    if a.clause != b.clause && !out.is_empty() {
        out.push("its number");
    }
    out
}

/// A deployment of `catalog/profiles.toml`.
struct Profile {
    says: String,
    step: Option<Relation>,
    multimodal: bool,
    deployment: Deployment,
}

fn profiles(catalog: &Catalog) -> Vec<Profile> {
    let sink = Sink::new("catalog/profiles.toml", PROFILES);
    let root = parse_toml(&sink);
    let Some(top) = Table::open(&root, "profiles", &sink) else { return Vec::new() };
    top.need("schema");
    let words: Vec<&str> = Relation::ALL.iter().map(|r| r.as_str()).collect();
    let mut out: Vec<Profile> = Vec::new();
    for row in top.tables("profile") {
        let like = row.integer("like").and_then(|n| usize::try_from(n).ok()).and_then(|n| out.get(n.checked_sub(1)?));
        let mut deployment = like.map_or_else(|| Deployment::empty(catalog), |p| p.deployment.clone());
        for prefix in ["organization", "use"] {
            if let Some(node) = row.get(prefix) {
                read_facts(prefix, node, catalog, &sink, &mut deployment);
            }
        }
        out.push(Profile {
            says: row.need("says").text,
            step: row.word("step", &words, Relation::parse),
            multimodal: row.bool("multimodal").unwrap_or(false),
            deployment,
        });
        row.finish();
    }
    top.finish();
    debug_assert!(sink.diagnostics.borrow().is_empty(), "catalog/profiles.toml: {:?}", sink.diagnostics.borrow());
    out
}

/// The verdict and the duties owed for a model under one license and edition.
fn outcome(catalog: &Catalog, side: &Side, profile: &Profile) -> (Verdict, Vec<String>) {
    let evidence = Evidence::stated("comparison");
    let mut base = Work::named("publisher/model", evidence.clone());
    base.made_by = Some(MadeBy::ThirdParty);
    base.known = true;
    base.facts.push(("work.multimodal".into(), Value::Bool(profile.multimodal)));
    base.claims.push(Claim {
        edition: Some(side.edition.clone()),
        ..Claim::new(&catalog.licenses[side.license].id, Basis::Told, evidence.clone())
    });
    let mut graph = Graph { works: vec![base], edges: Vec::new(), subject: 0 };
    if let Some(step) = profile.step {
        let ours = work_index(&mut graph, "ours/model", &evidence);
        graph.works[ours].made_by = Some(MadeBy::Organization);
        link(&mut graph, ours, 0, step, evidence);
        for e in &mut graph.edges {
            e.by = freehold_base::By::Us;
            e.by_presumed = false;
        }
        graph.subject = ours;
    }
    let a = assess(Input {
        catalog,
        graph: &graph,
        deployment: &profile.deployment,
        release: None,
        made_by: None,
        house: &NO_HOUSE,
        artifact: Artifact::default(),
    });
    let owed = a.obligations.iter().filter(|o| o.certainty == Certainty::Owed).map(|o| o.code.to_string()).collect();
    (a.verdict, owed)
}

/// How a license differs between two states of the law.
#[derive(Clone, Debug)]
pub struct LicenseChange {
    /// The license.
    pub id: String,
    /// What changed, a line each; a line that begins with `+` or `-` is a term.
    pub lines: Vec<String>,
}

/// What changed between two states of the law, license by license.
pub fn catalog_changes(old: &Catalog, new: &Catalog) -> Vec<LicenseChange> {
    let mut ids: Vec<&str> = old.licenses.iter().chain(&new.licenses).map(|l| l.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut out = Vec::new();
    for id in ids {
        let lines = match (old.license(id), new.license(id)) {
            (None, Some(l)) => vec![format!("+ a license in law: {}", l.name)],
            (Some(l), None) => vec![format!("- no longer in law: {}", l.name)],
            (Some(a), Some(b)) => license_lines(a, b),
            (None, None) => Vec::new(),
        };
        if !lines.is_empty() {
            out.push(LicenseChange { id: id.to_string(), lines });
        }
    }
    let rows = |c: &Catalog| -> BTreeSet<String> {
        let row = |r: &freehold_catalog::ModelRow| {
            let span = [r.since.as_deref().unwrap_or(""), r.until.as_deref().unwrap_or("")].join("..");
            format!("{} under {} {span}", r.id, r.license)
        };
        c.models.rows().iter().map(row).collect()
    };
    let (a, b) = (rows(old), rows(new));
    let mut lines: Vec<String> = b.difference(&a).map(|r| format!("+ {r}")).collect();
    lines.extend(a.difference(&b).map(|r| format!("- {r}")));
    if !lines.is_empty() {
        out.push(LicenseChange { id: "models".into(), lines });
    }
    out
}

fn license_lines(a: &License, b: &License) -> Vec<String> {
    let (old, new): (Vec<&Term>, Vec<&Term>) = (a.terms.iter().collect(), b.terms.iter().collect());
    let (gone, added, changed, _) = match_terms(&old, &new);
    let line = |sign: &str, t: &Term| format!("{sign} {} {}: {} {}", b.id, t.clause, about(t).0, t.id);
    let mut lines: Vec<String> = added.iter().map(|t| line("+", t)).collect();
    lines.extend(gone.iter().map(|t| line("-", t)));
    lines.extend(changed.iter().map(|(_, t, what)| format!("{} ({})", line("~", t), what.join(", "))));
    if a.review != b.review {
        lines.push(format!("review: {} → {}", a.review.level, b.review.level));
    }
    let editions = |l: &License| l.editions.iter().map(|e| e.text.clone()).collect::<Vec<_>>();
    if editions(a) != editions(b) {
        lines.push(format!("editions: {} → {}", editions(a).join(", "), editions(b).join(", ")));
    }
    lines
}
