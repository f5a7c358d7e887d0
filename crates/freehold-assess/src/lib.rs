//! The engine: may this be shipped the way it is to be shipped, and what is owed. Pure: no file, no clock, no network.
//!
//! 1. [`reach`]: from each work under a license to the subject, by that license's own rules.
//! 2. [`conclude`]: what each layer stands under.
//! 3. [`judge`]: one license, one access.
//! 4. [`assess`]: the meet over licenses and accesses, the duties, the findings, the verdict.
//! 5. [`questions`]: the fewest questions that settle it.

mod conclude;
mod deployment;
mod expression;
mod finding;
mod house;
mod judge;
mod questions;
mod reach;
mod release;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::{By, Graph, MadeBy, Permission, Range, Relation, Truth, Value, Verdict, Work};
use freehold_catalog::{Catalog, Effect, FactId, Near, Requires, Standing, Term};

pub use deployment::{Access, Deployment};
pub use expression::{Leaf, Statement, covers_of_file, parse as parse_statement, parts as statement_parts};
pub use finding::{Explained, Finding, FindingCode, Likeness, Resemblance};
pub use house::{
    Agreement, Artifact, Attestation, Entry, House, HouseKind, HouseState, HouseUse, NO_HOUSE, Phase, Position, glob,
};
pub use judge::{Certainty, GapKind, Leaned, Limit};
pub use questions::{Answer, Question, questions};
pub use release::{Notice, Release, Status, attestable, begins_with};
pub use verdict::{compose, explained as verdict_explained};

use conclude::{Alternative, Conclusion, Layer, LicenseSet};
use deployment::View;
use judge::{Due, Positions, Situation, judge};
use reach::{Ancestry, Reached};

/// What is assessed.
#[derive(Clone, Copy, Debug)]
pub struct Input<'c, 'g> {
    /// The law.
    pub catalog: &'c Catalog,
    /// The subject and what it was made from.
    pub graph: &'g Graph,
    /// Who, what for, how it reaches whom.
    pub deployment: &'g Deployment,
    /// What goes out, where it was looked at.
    pub release: Option<&'g Release>,
    /// Who made the subject, where that is said besides the graph.
    pub made_by: Option<MadeBy>,
    /// The house's own law on the day of the question ([`NO_HOUSE`] = none).
    pub house: &'g House,
    /// What an attestation may name besides the works of the graph.
    pub artifact: Artifact<'g>,
}

impl Input<'_, '_> {
    fn made_by(&self, work: usize) -> Option<MadeBy> {
        self.made_by.filter(|_| work == self.graph.subject).or(self.graph.works[work].made_by)
    }
}

/// An open question of the law or of the facts.
#[derive(Clone, Debug)]
pub struct Gap<'c> {
    /// What sort.
    pub kind: GapKind,
    /// The license as it is named; empty where none is.
    pub license: String,
    /// The term; `None` where a text is unread, a claim in dispute or a license missing.
    pub term: Option<&'c Term>,
    /// The facts that would settle it.
    pub facts: Vec<FactId>,
    /// The readings that differ: id, sentence.
    pub readings: Vec<(&'c str, &'c str)>,
    /// What the outcome is capped to if it falls badly.
    pub worst: Permission,
    /// The question in a sentence, lower case, no full stop.
    pub says: String,
}

impl PartialEq for Gap<'_> {
    /// The sentence names the license and the clause.
    fn eq(&self, o: &Self) -> bool {
        (self.kind, &self.says, &self.facts, self.worst) == (o.kind, &o.says, &o.facts, o.worst)
    }
}

/// A license that governs, or was looked at and set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governing {
    /// Index of the work in the graph.
    pub work: usize,
    /// The statement as it is judged.
    pub license: String,
    /// The edition that is cited; empty for a text not in law.
    pub edition: String,
    /// Claims behind it, as indices into the work's claims.
    pub claims: Vec<usize>,
    /// What the subject is to the work.
    pub standings: Vec<Standing>,
    /// Who took the last step.
    pub by: Option<By>,
    /// Set aside: looser than the terms of a base, or our own outbound choice.
    pub displaced: bool,
    /// Our own choice for our own layer.
    pub outbound: bool,
    /// About code alone.
    pub code_only: bool,
    /// The license stopped reaching on the way.
    pub beyond: bool,
    /// The agreement of the house that this is, or that stands in its place where it is displaced; an index.
    pub agreement: Option<usize>,
}

/// A choice that was made among licenses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// Index of the work.
    pub work: usize,
    /// What was offered.
    pub offered: String,
    /// What was taken.
    pub taken: String,
}

/// A duty, with everyone who asks for it.
#[derive(Clone, Debug)]
pub struct Obligation<'c> {
    /// The code.
    pub code: &'c str,
    /// How sure it is.
    pub certainty: Certainty,
    /// Whether it is met.
    pub status: Status,
    /// Who asks: license index, edition, term; the first is cited.
    pub sources: Vec<Source<'c>>,
    /// The facts that would settle a conditional one.
    pub facts: Vec<FactId>,
    /// An earlier author's duty, reported.
    pub upstream: bool,
    /// The accesses for which it is due.
    pub accesses: Vec<Access>,
    /// The attestations of the house that say it is met, as indices.
    pub attested: Vec<usize>,
}

/// Who asks for a duty.
#[derive(Clone, Debug)]
pub struct Source<'c> {
    /// License index.
    pub license: usize,
    /// Text id.
    pub edition: String,
    /// The term.
    pub term: &'c Term,
}

impl Obligation<'_> {
    /// Exactly what must appear, where the license prescribes words.
    pub fn text(&self) -> Option<&str> {
        self.sources.iter().find_map(|s| match &s.term.effect {
            Effect::Duty(d) => d.text.as_deref(),
            _ => None,
        })
    }

    /// True where what meets it can be written by a program: a text, the prescribed words in a place that is a file, a
    /// statement from the lineage, a name in the card.
    pub fn fixable(&self, catalog: &Catalog) -> bool {
        let Some(entry) = catalog.obligations.get(self.code).filter(|o| o.fixable) else { return false };
        let duties = self.sources.iter().filter_map(|s| match &s.term.effect {
            Effect::Duty(d) => Some(&**d),
            _ => None,
        });
        let mut duties = duties.peekable();
        duties.peek().is_some()
            && duties.all(|d| match entry.met_by.as_deref() {
                Some("name") => d.name_prefix.is_some(),
                Some("notice-file") => d.text.as_deref().is_some_and(release::is_whole),
                Some("words") => d.text.as_deref().is_none_or(release::is_whole) && release::writable(d),
                _ => true,
            })
    }
}

/// A presumption that the outcome leans on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assumption {
    /// The fact; `None` for what the graph presumes (who took a step).
    pub fact: Option<FactId>,
    /// The sentence.
    pub says: String,
    /// License ids and clauses that lean on it.
    pub leaned_on_by: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Assessment<'c> {
    /// The verdict.
    pub verdict: Verdict,
    /// Worst and best.
    pub range: Range,
    /// By access, in order; all five where none is stated.
    pub by_access: Vec<(Access, Range, Verdict)>,
    /// True where the access is not stated.
    pub access_open: bool,
    /// Open questions.
    pub gaps: Vec<Gap<'c>>,
    /// Terms that limit the outcome, worst first.
    pub limits: Vec<Limit<'c>>,
    /// Presumptions.
    pub assumptions: Vec<Assumption>,
    /// Licenses.
    pub licenses: Vec<Governing>,
    /// Choices made.
    pub elections: Vec<Election>,
    /// Duties.
    pub obligations: Vec<Obligation<'c>>,
    /// Findings.
    pub findings: Vec<Finding>,
    /// Entries of the house's own law that are about the case, and what became of each.
    pub house: Vec<HouseUse>,
}

/// Works that stand under the same statement with the same facts: judged once.
struct Group {
    conclusion: Conclusion,
    facts: Vec<(FactId, Value)>,
    /// Training data: its terms reach the model only where they say so.
    dataset: bool,
    /// Agreements in force that name the works, as indices; which of them covers a use, the use says.
    agreements: Vec<usize>,
    works: Vec<usize>,
}

/// Assesses.
pub fn assess<'c>(input: Input<'c, '_>) -> Assessment<'c> {
    let ancestry = Ancestry::of(input.graph);
    let mut findings = Vec::new();
    let (groups, layers) = groups(input, &ancestry, &mut findings);
    let mut run = Run::new(input, ancestry);
    let stated = input.deployment.accesses(input.catalog);
    let access_open = stated.is_none();
    let accesses = stated.unwrap_or_else(|| Access::ALL.to_vec());
    let mut by_access = Vec::new();
    for access in &accesses {
        let outcome = run.one_access(*access, &groups);
        by_access.push((*access, outcome));
    }
    run.describe(&groups, &layers);
    run.upstream_findings(&groups, &mut findings);
    outbound_findings(&run, &layers, &groups, &mut findings);
    findings.extend(near_threshold(&run, &groups));
    statement_findings(input, &groups, &run.elections, &mut findings);
    let house = run.house(&groups, &layers, &accesses);
    Assessment { house, ..run.finish(by_access, access_open, findings) }
}

/// Concludes every layer above the subject and gathers works that are judged alike.
fn groups<'g>(
    input: Input<'_, 'g>,
    ancestry: &Ancestry,
    findings: &mut Vec<Finding>,
) -> (Vec<Group>, Vec<Option<Layer<'g>>>) {
    let (graph, catalog) = (input.graph, input.catalog);
    let mut layers: Vec<Option<Layer<'g>>> = Vec::with_capacity(graph.works.len());
    for (i, work) in graph.works.iter().enumerate() {
        if !ancestry.above[i] {
            layers.push(None);
            continue;
        }
        let edges = &ancestry.by_child[i];
        let only_copies = !edges.is_empty() && edges.iter().all(|e| conclude::copies(graph.edges[*e].relation));
        let made_by = input.made_by(i);
        let adds_layer =
            !only_copies && made_by != Some(MadeBy::Organization) && work.kind == freehold_base::WorkKind::Model;
        let stands_alone = edges.iter().all(|e| graph.edges[*e].relation == Relation::TrainedOnData);
        layers.push(Some(conclude::conclude(work, made_by, (adds_layer, stands_alone), catalog, findings)));
    }
    let upstream = upstream_sets(input, ancestry, &layers);
    type Key = (Conclusion, Vec<(FactId, Value)>, bool, Vec<usize>);
    let mut groups: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (i, slot) in layers.iter_mut().enumerate() {
        let Some(layer) = slot else { continue };
        let work = &graph.works[i];
        conclude::displace(work, layer, &upstream[i], (graph, &ancestry.by_child[i]), catalog, findings);
        if layer.conclusion.alternatives.is_empty() && layer.conclusion.code.is_empty() {
            continue;
        }
        let facts = work
            .facts
            .iter()
            .filter_map(|(name, value)| catalog.facts.find(name).map(|id| (id, value.clone())))
            .collect();
        let dataset = work.kind == freehold_base::WorkKind::Dataset;
        let in_force = |a: &Agreement| a.entry.in_force(&input.house.day);
        let agreements = agreements_on(input, work, &layer.conclusion, &in_force);
        groups.entry((layer.conclusion.clone(), facts, dataset, agreements)).or_default().push(i);
    }
    let groups = groups
        .into_iter()
        .map(|((conclusion, facts, dataset, agreements), works)| Group {
            conclusion,
            facts,
            dataset,
            agreements,
            works,
        })
        .collect();
    (groups, layers)
}

/// The agreements that name a work and something that it stands under, in the order of their file.
fn agreements_on(
    input: Input<'_, '_>,
    work: &Work,
    conclusion: &Conclusion,
    which: &dyn Fn(&Agreement) -> bool,
) -> Vec<usize> {
    let under = |license: &usize| {
        let leaf = Leaf::License(*license);
        conclusion.alternatives.iter().any(|a| a.leaves().contains(&&leaf))
    };
    let about = |a: &Agreement| {
        // an index is one into the catalog that the house was read with
        which(a)
            && input.catalog.licenses.get(a.license).is_some_and(|l| l.agreement)
            && a.names(&work.id)
            && if a.replaces.is_empty() { !conclusion.alternatives.is_empty() } else { a.replaces.iter().any(under) }
    };
    let all = input.house.agreements.iter().enumerate();
    all.filter(|(_, a)| about(a)).map(|(i, _)| i).collect()
}

/// For each work the licenses of what its weights were made from, to a fixpoint.
fn upstream_sets(input: Input<'_, '_>, ancestry: &Ancestry, layers: &[Option<Layer<'_>>]) -> Vec<LicenseSet> {
    let graph = input.graph;
    let words = input.catalog.licenses.len().div_ceil(64);
    let empty = vec![0u64; words];
    let own: Vec<LicenseSet> = layers
        .iter()
        .map(|layer| {
            let mut set = empty.clone();
            for a in layer.iter().flat_map(|l| &l.conclusion.alternatives) {
                for leaf in a.leaves() {
                    if let Leaf::License(i) = leaf {
                        set[*i / 64] |= 1 << (*i % 64);
                    }
                }
            }
            set
        })
        .collect();
    let mut upstream = vec![empty; graph.works.len()];
    let mut open: Vec<usize> = (0..graph.works.len()).filter(|i| ancestry.above[*i]).collect();
    while let Some(parent) = open.pop() {
        for &e in &ancestry.by_parent[parent] {
            let edge = &graph.edges[e];
            let weights = !matches!(
                edge.relation,
                Relation::Component | Relation::OutputsOf | Relation::TrainedOnData | Relation::TrainedOnOutputs
            );
            if !weights {
                continue;
            }
            let mut from = upstream[parent].clone();
            conclude::add_all(&mut from, &own[parent]);
            if conclude::add_all(&mut upstream[edge.child], &from) {
                open.push(edge.child);
            }
        }
    }
    upstream
}

/// One access's outcome.
struct Outcome {
    range: Range,
    gaps: BTreeSet<GapKind>,
    due: Vec<(Certainty, usize)>,
}

/// A leaf of a group under one license: how it is reached and which edition governs.
struct Walk {
    reached: Reached,
    edition: String,
}

/// An agreement that covers a use, or does if the facts fall so.
struct Cover {
    agreement: usize,
    sure: bool,
    /// The facts that decide.
    facts: Vec<FactId>,
}

struct Run<'c, 'g> {
    input: Input<'c, 'g>,
    positions: Positions<'g>,
    /// Positions that were asked, and whether one settled anything.
    asked: BTreeMap<usize, bool>,
    /// Accesses by group and agreement that was judged there; false = only if the facts fall so.
    agreed: BTreeMap<(usize, usize), BTreeMap<Access, bool>>,
    /// Groups that were judged under what is publicly said of them.
    public: BTreeSet<usize>,
    /// What became of attestations.
    attested: BTreeMap<usize, HouseState>,
    ancestry: Ancestry,
    base: View<'g>,
    access_facts: Vec<Value>,
    yes_no: [Value; 2],
    walks: BTreeMap<(usize, usize), Walk>,
    gaps: Vec<Gap<'c>>,
    limits: Vec<Limit<'c>>,
    leaned: BTreeSet<Leaned>,
    obligations: Vec<Obligation<'c>>,
    obligation_index: BTreeMap<(&'c str, Option<&'c str>), usize>,
    licenses: Vec<Governing>,
    elections: Vec<Election>,
    subject_name: Option<Value>,
}

/// One leaf's outcome inside a statement.
struct Found<'c> {
    range: Range,
    limits: Vec<Limit<'c>>,
    due: Vec<(Due<'c>, String)>,
    leaned: BTreeSet<Leaned>,
    gaps: Vec<Gap<'c>>,
    elected: Vec<(String, String)>,
}

impl<'c> Found<'c> {
    fn clear(range: Range) -> Found<'c> {
        Found { range, limits: vec![], due: vec![], leaned: BTreeSet::new(), gaps: vec![], elected: vec![] }
    }

    /// Both bind: the range of the two together, and what each found.
    fn meet(&mut self, other: Found<'c>) {
        let range = self.range.meet(other.range);
        self.absorb(other);
        self.range = range;
    }

    fn absorb(&mut self, other: Found<'c>) {
        self.limits.extend(other.limits);
        self.due.extend(other.due);
        self.leaned.extend(other.leaned);
        self.gaps.extend(other.gaps);
        self.elected.extend(other.elected);
    }
}

impl<'c: 'g, 'g> Run<'c, 'g> {
    fn new(input: Input<'c, 'g>, ancestry: Ancestry) -> Run<'c, 'g> {
        let subject = input.graph.works.get(input.graph.subject);
        let house = input.house;
        let in_force = house.positions.iter().enumerate().filter(|(_, p)| p.entry.in_force(&house.day));
        let mut positions = Positions::new();
        for (i, p) in in_force {
            positions.entry((p.license, p.term.as_str())).or_insert((i, p.reading.as_str()));
        }
        Run {
            positions,
            asked: BTreeMap::new(),
            agreed: BTreeMap::new(),
            public: BTreeSet::new(),
            attested: BTreeMap::new(),
            base: View::new(input.catalog, input.deployment),
            access_facts: Access::ALL.iter().map(|a| Value::List(vec![a.as_str().to_string()])).collect(),
            yes_no: [Value::Bool(false), Value::Bool(true)],
            walks: BTreeMap::new(),
            gaps: Vec::new(),
            limits: Vec::new(),
            leaned: BTreeSet::new(),
            obligations: Vec::new(),
            obligation_index: BTreeMap::new(),
            licenses: Vec::new(),
            elections: Vec::new(),
            subject_name: subject.and_then(|w| w.name.clone()).map(Value::Text),
            input,
            ancestry,
        }
    }

    fn one_access(&mut self, access: Access, groups: &[Group]) -> Outcome {
        let mut range = Range::PERMITTED;
        let mut gaps = BTreeSet::new();
        let mut due = Vec::new();
        for (g, group) in groups.iter().enumerate() {
            let found = self.group(access, g, group);
            range = range.meet(found.range);
            gaps.extend(found.gaps.iter().map(|gap| gap.kind));
            for (duty, edition) in found.due {
                let index = self.add_obligation(access, duty, edition);
                due.push((self.obligations[index].certainty, index));
            }
            for gap in found.gaps {
                if !self.gaps.contains(&gap) {
                    self.gaps.push(gap);
                }
            }
            for limit in found.limits {
                if !self.limits.contains(&limit) {
                    self.limits.push(limit);
                }
            }
            self.leaned.extend(found.leaned);
            for (offered, taken) in found.elected {
                let election = Election { work: group.works[0], offered, taken };
                if !self.elections.contains(&election) {
                    self.elections.push(election);
                }
            }
        }
        Outcome { range, gaps, due }
    }

    fn group(&mut self, access: Access, g: usize, group: &Group) -> Found<'c> {
        let covers = self.covers(access, group, None);
        let mut found = self.under(access, g, group, &covers, None);
        for code in &group.conclusion.code {
            let about_code = self.alternative(access, g, group, code, true);
            found.due.extend(about_code.due);
        }
        found
    }

    /// The agreements that may stand in the place of a license, or of everything that is said (`None`), for an access: those
    /// that may, and the first that surely does.
    fn covers(&mut self, access: Access, group: &Group, license: Option<usize>) -> Vec<Cover> {
        let mut out = Vec::new();
        for &index in &group.agreements {
            let agreement = &self.input.house.agreements[index];
            let stands = match license {
                None => agreement.replaces.is_empty(),
                Some(license) => agreement.replaces.contains(&license),
            };
            if !stands {
                continue;
            }
            let value = Some(&self.access_facts[access as usize]);
            let view = self.base.with(self.input.catalog.facts.find("use.access").map(|id| (id, value)));
            let truth = agreement.uses.eval(&view, Near::Out);
            let mut facts = Vec::new();
            agreement.uses.support(&view, Near::Out, &mut facts);
            if view.touched_presumption() {
                let clause = "coverage".to_string();
                let presumed = facts.iter().filter(|f| view.is_presumed(**f));
                let lean = |f: &FactId| Leaned { fact: *f, license: agreement.license, clause: clause.clone() };
                self.leaned.extend(presumed.map(lean));
            }
            facts.sort();
            facts.dedup();
            match truth {
                Truth::False => {}
                Truth::Unknown => out.push(Cover { agreement: index, sure: false, facts }),
                Truth::True => {
                    out.push(Cover { agreement: index, sure: true, facts: Vec::new() });
                    return out;
                }
            }
        }
        out
    }

    /// Agreements first, then what they stand in the place of: a license in one edition, or all that is said (`None`).
    fn under(
        &mut self,
        access: Access,
        g: usize,
        group: &Group,
        covers: &[Cover],
        public: Option<(&Option<String>, usize)>,
    ) -> Found<'c> {
        let Some((cover, rest)) = covers.split_first() else {
            let Some((edition, license)) = public else { return self.stated(access, g, group) };
            self.walk(g, group, edition, license);
            return self.judged(access, g, group, license, false);
        };
        let house = self.input.house;
        let license = house.agreements[cover.agreement].license;
        self.walk(g, group, &None, license);
        let mut found = self.judged(access, g, group, license, false);
        if public.is_none() && group.conclusion.alternatives.iter().any(|a| a.perhaps) {
            self.perhaps(group, self.input.catalog.licenses[license].id.clone(), &mut found);
        }
        *self.agreed.entry((g, cover.agreement)).or_default().entry(access).or_default() |= cover.sure;
        if cover.sure {
            return found;
        }
        let other = self.under(access, g, group, rest, public);
        let (a, b) = (found.range, other.range);
        found.absorb(other);
        found.range = a.hull(b);
        for (due, _) in &mut found.due {
            // whether it is one hangs on whether the agreement covers the use
            if due.certainty > Certainty::Conditional {
                due.certainty = Certainty::Conditional;
                due.facts = cover.facts.clone();
            }
        }
        if !found.range.is_point() {
            found.gaps.push(Gap {
                kind: GapKind::Fact,
                license: self.input.catalog.licenses[license].id.clone(),
                term: None,
                facts: cover.facts.clone(),
                readings: Vec::new(),
                worst: found.range.worst,
                says: format!("whether {} covers this use", house.cite_agreement(cover.agreement)),
            });
        }
        found
    }

    /// A group under what is publicly said of it.
    fn stated(&mut self, access: Access, g: usize, group: &Group) -> Found<'c> {
        self.public.insert(g);
        let mut all: Option<Found<'c>> = None;
        for alternative in &group.conclusion.alternatives {
            let found = self.alternative(access, g, group, alternative, false);
            all = Some(match all {
                None => found,
                Some(mut so_far) => {
                    let (a, b) = (so_far.range, found.range);
                    so_far.absorb(found);
                    so_far.range = a.hull(b);
                    so_far
                }
            });
        }
        let mut found = all.unwrap_or_else(|| Found::clear(Range::PERMITTED));
        if group.conclusion.alternatives.len() > 1 {
            self.dispute(group, &mut found);
        }
        found
    }

    fn dispute(&self, group: &Group, found: &mut Found<'c>) {
        // duties of statements in dispute hang on which of them is right
        for (due, _) in &mut found.due {
            due.certainty = due.certainty.min(Certainty::Conditional);
        }
        if found.range.is_point() {
            return;
        }
        let names: Vec<String> =
            group.conclusion.alternatives.iter().map(|a| a.statement.display(self.input.catalog)).collect();
        let work = &self.input.graph.works[group.works[0]].id;
        found.gaps.push(Gap {
            kind: GapKind::Dispute,
            license: names.join(" or "),
            term: None,
            facts: Vec::new(),
            readings: Vec::new(),
            worst: found.range.worst,
            says: format!("which license governs `{work}`: {}", names.join(" or ")),
        });
    }

    fn alternative(&mut self, access: Access, g: usize, group: &Group, a: &Alternative, code_only: bool) -> Found<'c> {
        let mut found = self.statement(access, g, group, a, &a.statement, code_only);
        for beside in &a.beside {
            let more = self.leaf(access, g, group, a, beside, code_only);
            found.meet(more);
        }
        let name = || a.statement.display(self.input.catalog);
        let mut text_gap = |worst: Permission, says: String| {
            found.range = found.range.cap_worst(worst);
            found.gaps.push(Gap {
                kind: GapKind::Text,
                license: name(),
                term: None,
                facts: Vec::new(),
                readings: Vec::new(),
                worst,
                says,
            });
        };
        if a.altered && !code_only && !group.dataset {
            let says = format!("what do the words change that differ from {}", name());
            text_gap(Permission::Prohibited, says);
        }
        for addition in a.additions.iter().filter(|_| !group.dataset) {
            text_gap(
                Permission::NeedsSeparateLicense,
                format!("what does this addition to {} withhold: {addition}", name()),
            );
        }
        if a.perhaps && !code_only {
            self.perhaps(group, a.statement.display(self.input.catalog), &mut found);
        }
        found
    }

    /// Who made the layer decides whether these terms bind at all.
    fn perhaps(&self, group: &Group, license: String, found: &mut Found<'c>) {
        for (due, _) in &mut found.due {
            due.certainty = due.certainty.min(Certainty::Conditional);
        }
        if found.range == Range::PERMITTED {
            return;
        }
        found.range = found.range.hull(Range::PERMITTED);
        let work = &self.input.graph.works[group.works[0]].id;
        found.gaps.push(Gap {
            kind: GapKind::Fact,
            license,
            term: None,
            facts: self.input.catalog.facts.find("subject.made_by").into_iter().collect(),
            readings: Vec::new(),
            worst: found.range.worst,
            says: format!("who made `{work}`: the license it states binds you only if somebody else did"),
        });
    }

    fn statement(
        &mut self,
        access: Access,
        g: usize,
        group: &Group,
        a: &Alternative,
        s: &Statement,
        code_only: bool,
    ) -> Found<'c> {
        match s {
            Statement::One(leaf) => self.leaf(access, g, group, a, leaf, code_only),
            Statement::All(parts) => {
                let mut all = Found::clear(Range::PERMITTED);
                for part in parts {
                    let found = self.statement(access, g, group, a, part, code_only);
                    all.meet(found);
                }
                all
            }
            Statement::Any(parts) => {
                let offered = s.display(self.input.catalog);
                let mut best: Option<(Found<'c>, &Statement)> = None;
                for part in parts {
                    let found = self.statement(access, g, group, a, part, code_only);
                    let rank = |f: &Found<'_>| {
                        let owed = f.due.iter().filter(|(d, _)| d.certainty == Certainty::Owed).count();
                        (f.range.worst, f.range.best, std::cmp::Reverse(owed))
                    };
                    if best.as_ref().is_none_or(|(b, _)| rank(&found) > rank(b)) {
                        best = Some((found, part));
                    }
                }
                let Some((mut found, taken)) = best else { return Found::clear(Range::OPEN) };
                found.elected.push((offered, taken.display(self.input.catalog)));
                found
            }
        }
    }

    fn leaf(
        &mut self,
        access: Access,
        g: usize,
        group: &Group,
        a: &Alternative,
        leaf: &Leaf,
        code_only: bool,
    ) -> Found<'c> {
        let open = |kind: GapKind, license: &str, says: String| {
            let mut found = Found::clear(Range::OPEN);
            let license = license.to_string();
            found.gaps.push(Gap {
                kind,
                license,
                term: None,
                facts: Vec::new(),
                readings: Vec::new(),
                worst: Permission::Prohibited,
                says,
            });
            found
        };
        if group.dataset && !matches!(leaf, Leaf::License(_)) {
            // what training data's terms mean for the model is a finding, not a limit
            return Found::clear(Range::PERMITTED);
        }
        let work = &self.input.graph.works[group.works[0]].id;
        match leaf {
            Leaf::Missing => open(GapKind::Fact, "", format!("what did the author of `{work}` grant")),
            Leaf::Family(tag) => open(GapKind::Dispute, tag, format!("which of the texts that go by `{tag}` is meant")),
            Leaf::Unread(name) => open(GapKind::Text, name, format!("what does `{name}` say; nobody here has read it")),
            Leaf::License(index) => {
                if code_only {
                    self.walk(g, group, &a.edition, *index);
                    return self.judged(access, g, group, *index, true);
                }
                let covers = self.covers(access, group, Some(*index));
                self.under(access, g, group, &covers, Some((&a.edition, *index)))
            }
        }
    }

    /// Finds how the group's license reaches the subject, once.
    fn walk(&mut self, g: usize, group: &Group, edition: &Option<String>, license: usize) {
        if self.walks.contains_key(&(g, license)) {
            return;
        }
        let law = &self.input.catalog.licenses[license];
        let (graph, catalog) = (self.input.graph, self.input.catalog);
        let similar = catalog.facts.find("step.to_perform_similarly");
        let base = &self.base;
        let yes_no = &self.yes_no;
        let mut condition = |e: usize| {
            let value = similar_by_description(catalog, &graph.edges[e].relation, &graph.works[graph.edges[e].child]);
            let value = value.map(|b| &yes_no[usize::from(b)]);
            let view = base.with(similar.map(|id| (id, value)));
            law.reach.output_trained.1.eval(&view, Near::Out)
        };
        let made_by = self.input.made_by;
        let by = |e: usize| conclude::by_of(graph, e, made_by);
        let reached = reach::reach(graph, &self.ancestry, law, &group.works, &by, &mut condition);
        let edition = edition
            .as_ref()
            .filter(|e| law.editions.iter().any(|x| x.text == **e))
            .cloned()
            .or_else(|| law.edition_in_force().map(|e| e.text.clone()))
            .unwrap_or_default();
        self.walks.insert((g, license), Walk { reached, edition });
    }

    fn judged(&mut self, access: Access, g: usize, group: &Group, license: usize, code_only: bool) -> Found<'c> {
        let Some(walk) = self.walks.get(&(g, license)) else { return Found::clear(Range::OPEN) };
        let catalog = self.input.catalog;
        let mut overlay: Vec<(FactId, Option<Value>)> = Vec::new();
        let mut put = |name: &str, value: Option<Value>| overlay.extend(catalog.facts.find(name).map(|id| (id, value)));
        put("use.access", Some(self.access_facts[access as usize].clone()));
        put("subject.name", self.subject_name.clone());
        overlay.extend(group.facts.iter().map(|(id, v)| (*id, Some(v.clone()))));
        let graph_student = walk.reached.students.iter().next().map(|s| self.student_of_graph(*s, license, access));
        let stated_student = self
            .input
            .deployment
            .trains_on_outputs(catalog)
            .then(|| self.student_of_use(license))
            .filter(|_| holds(&walk.reached));
        let named = |facts: &[(&'static str, Option<Value>)]| -> Vec<(FactId, Option<Value>)> {
            facts.iter().filter_map(|(n, v)| catalog.facts.find(n).map(|id| (id, v.clone()))).collect()
        };
        let of_graph = named(graph_student.as_deref().unwrap_or(&[]));
        let of_use = named(stated_student.as_deref().unwrap_or(&[]));
        // the values live in this call; what is returned holds references into the catalog only
        let main: Vec<_> = overlay.iter().chain(&of_graph).map(|(id, v)| (*id, v.as_ref())).collect();
        let view = self.base.with(main);
        let student = stated_student.is_some().then(|| {
            self.base.with(overlay.iter().chain(&of_use).map(|(id, v)| (*id, v.as_ref())).collect::<Vec<_>>())
        });
        let j = judge(&Situation {
            catalog,
            license,
            edition: &walk.edition,
            reached: &walk.reached,
            access,
            view: &view,
            student: student.as_ref(),
            // a tag may be set aside; what was agreed is not
            displaced: group.conclusion.displaced && !catalog.licenses[license].agreement,
            code_only,
            positions: &self.positions,
        });
        for (position, mattered) in &j.positions {
            *self.asked.entry(*position).or_default() |= mattered;
        }
        let law = &catalog.licenses[license];
        let mut found = Found::clear(j.range);
        for limit in &j.limits {
            let Some(kind) = limit.gap else { continue };
            found.gaps.push(Gap {
                kind,
                license: law.id.clone(),
                term: limit.term,
                facts: limit.facts.clone(),
                readings: limit.readings.iter().map(|r| (r.id.as_str(), r.says.as_str())).collect(),
                worst: limit.to,
                says: match limit.term {
                    Some(t) => format!("{} {}", law.id, t.clause),
                    None => format!("{} grants no such act", law.id),
                },
            });
        }
        found.limits = j.limits;
        found.leaned = j.leaned;
        found.due = j.due.into_iter().map(|d| (d, walk.edition.clone())).collect();
        found
    }

    fn add_obligation(&mut self, access: Access, due: Due<'c>, edition: String) -> usize {
        let key = (due.duty.code.as_str(), due.duty.text.as_deref());
        let (status, attested) = self.status(&due);
        let source = Source { license: due.license, edition, term: due.term };
        if let Some(&i) = self.obligation_index.get(&key) {
            let o = &mut self.obligations[i];
            if due.certainty > o.certainty {
                o.certainty = due.certainty;
                o.upstream = due.upstream;
                o.facts = due.facts;
                // what is cited first is what makes it so
                o.sources.insert(0, source);
            } else {
                o.sources.push(source);
            }
            let mut seen = BTreeSet::new();
            o.sources.retain(|s| seen.insert((s.license, s.term.id.clone(), s.edition.clone())));
            o.status = worse(o.status, status);
            if let Some(index) = attested.filter(|i| !o.attested.contains(i)) {
                o.attested.push(index);
            }
            if !o.accesses.contains(&access) {
                o.accesses.push(access);
            }
            return i;
        }
        self.obligations.push(Obligation {
            code: &due.duty.code,
            certainty: due.certainty,
            status,
            sources: vec![source],
            facts: due.facts,
            upstream: due.upstream,
            accesses: vec![access],
            attested: attested.into_iter().collect(),
        });
        self.obligation_index.insert(key, self.obligations.len() - 1);
        self.obligations.len() - 1
    }

    /// Whether a duty is met, and the attestation that says so where no file does.
    fn status(&mut self, due: &Due<'_>) -> (Status, Option<usize>) {
        let status = self.shown(due);
        let house = self.input.house;
        if house.attestations.is_empty() || due.upstream || !attestable(due.duty, self.input.catalog) {
            return (status, None);
        }
        let subject = self.input.graph.works.get(self.input.graph.subject);
        let names: Vec<&str> =
            subject.iter().flat_map(|w| [Some(w.id.as_str()), w.name.as_deref()]).flatten().collect();
        let mut by = None;
        for (i, a) in house.attestations.iter().enumerate() {
            if a.license != due.license || a.code != due.duty.code {
                continue;
            }
            let state = match (a.is_about(&names, self.input.artifact), a.entry.in_force(&house.day)) {
                (None, _) => continue,
                (Some(false), _) => HouseState::Outside,
                (Some(true), false) => HouseState::Lapsed,
                (Some(true), true) if status == Status::Met || by.is_some() => HouseState::Moot,
                (Some(true), true) => {
                    by = Some(i);
                    HouseState::Applied
                }
            };
            let told = self.attested.entry(i).or_insert(state);
            *told = (*told).min(state);
        }
        (if by.is_some() { Status::Met } else { status }, by)
    }

    /// Whether the release and the name show a duty to be met.
    fn shown(&self, due: &Due<'_>) -> Status {
        let student = due.term.reach.has(Standing::Student) && !due.term.reach.has(Standing::Derivative);
        let name = if student {
            match self.input.deployment.named(self.input.catalog, "use.trains_on_outputs.name") {
                Some(Value::Text(t)) => Some(t.as_str()),
                _ => None,
            }
        } else {
            match &self.subject_name {
                Some(Value::Text(t)) => Some(t.as_str()),
                _ => None,
            }
        };
        if due.upstream && due.duty.name_prefix.is_some() {
            return Status::Unknown;
        }
        release::status(due.duty, due.license, self.input.release, name, self.input.catalog)
    }

    /// The facts of the model that a step in the graph trains on outputs.
    fn student_of_graph(&self, student: usize, license: usize, access: Access) -> Vec<(&'static str, Option<Value>)> {
        let graph = self.input.graph;
        let work = &graph.works[student];
        let mut bases = Vec::new();
        for &e in &self.ancestry.by_child[student] {
            let edge = &graph.edges[e];
            let weights = matches!(
                edge.relation,
                Relation::Finetune
                    | Relation::Adapter
                    | Relation::Merge
                    | Relation::Derived
                    | Relation::Quantized
                    | Relation::Converted
                    | Relation::Copy
            );
            if weights {
                bases.push(graph.works[edge.parent].id.as_str());
            }
        }
        let same: Option<bool> = if bases.is_empty() {
            work.description.as_deref().and_then(|d| d.to_lowercase().contains("from scratch").then_some(false))
        } else {
            let each: Vec<Option<bool>> = bases.iter().map(|b| self.same_family(b, license)).collect();
            if each.contains(&Some(true)) {
                Some(true)
            } else if each.contains(&None) {
                None
            } else {
                Some(false)
            }
        };
        let language = bases
            .iter()
            .find_map(|b| self.input.catalog.models.find(b).iter().find_map(|r| r.language_model))
            .or_else(|| by_description(self.input.catalog, "student.language_model", work.description.as_deref()));
        vec![
            ("student.same_family", same.map(Value::Bool)),
            ("student.language_model", language.map(Value::Bool)),
            ("student.distributed", Some(Value::Bool(access != Access::Internal))),
            ("student.name", work.name.clone().map(Value::Text)),
        ]
    }

    /// The facts of the model that our use trains on outputs.
    fn student_of_use(&self, license: usize) -> Vec<(&'static str, Option<Value>)> {
        let catalog = self.input.catalog;
        let stated =
            |name: &str| self.input.deployment.named(catalog, &format!("use.trains_on_outputs.{name}")).cloned();
        let text = |v: &Option<Value>| match v {
            Some(Value::Text(t)) => Some(t.clone()),
            _ => None,
        };
        let (base, description) = (text(&stated("student_base")), text(&stated("student")));
        let same = stated("same_family").or_else(|| {
            let base = base.as_deref().or(description.as_deref())?;
            self.same_family(base, license).map(Value::Bool)
        });
        let known = base.as_deref().or(description.as_deref()).map(|b| catalog.models.find(b)).unwrap_or_default();
        let language = known
            .iter()
            .find_map(|r| r.language_model)
            .or_else(|| by_description(catalog, "student.language_model", description.as_deref()))
            .map(Value::Bool);
        vec![
            ("student.same_family", same),
            ("student.language_model", language),
            ("student.distributed", stated("distributed")),
            ("student.name", stated("name")),
            ("student.foundational", stated("student_foundational")),
            ("student.competes", stated("student_competes")),
        ]
    }

    /// Whether a model stands under the same license; `None` where the catalog does not know the model.
    fn same_family(&self, id: &str, license: usize) -> Option<bool> {
        let catalog = self.input.catalog;
        // an agreement is of the family of the license that its terms were taken from
        let license =
            catalog.licenses[license].like.as_deref().and_then(|l| catalog.license_named(l)).unwrap_or(license);
        let mut open = vec![id.to_string()];
        let mut seen = BTreeSet::new();
        let mut known = false;
        while let Some(id) = open.pop() {
            if !seen.insert(id.to_lowercase()) || seen.len() > 64 {
                continue;
            }
            let rows = match catalog.models.resolve(&id) {
                Some(freehold_catalog::Match::Id(rows)) => rows,
                Some(freehold_catalog::Match::Reupload { model, .. }) => catalog.models.find(&model),
                None => Vec::new(),
            };
            for row in rows {
                known = true;
                if catalog.license_named(&row.license) == Some(license) {
                    return Some(true);
                }
                open.extend(row.parents.iter().map(|(p, _)| p.clone()));
            }
        }
        known.then_some(false)
    }

    /// Lists what governs and what was set aside.
    fn describe(&mut self, groups: &[Group], layers: &[Option<Layer<'_>>]) {
        for (g, group) in groups.iter().enumerate() {
            for &index in &group.agreements {
                if self.agreed.contains_key(&(g, index)) {
                    self.describe_agreement(g, group, index);
                }
            }
            let all = group.conclusion.alternatives.iter().map(|a| (a, false));
            for (a, code_only) in all.chain(group.conclusion.code.iter().map(|a| (a, true))) {
                let taken = self.taken(group, a);
                for leaf in a.leaves() {
                    let chosen = |t: &Vec<&Leaf>| t.contains(&leaf) || a.beside.contains(leaf);
                    let left = taken.as_ref().is_some_and(|t| !chosen(t));
                    let stands_for = if code_only { None } else { self.in_place_of(g, group, leaf) };
                    self.describe_leaf(g, group, leaf, (code_only, left, stands_for), layers);
                }
            }
        }
        for (work, layer) in layers.iter().enumerate() {
            let Some(layer) = layer else { continue };
            for claim in &layer.set_aside {
                let outbound = layer.outbound.iter().any(|_| true);
                self.licenses.push(Governing {
                    work,
                    license: claim.license.clone(),
                    edition: String::new(),
                    claims: claim_index(&self.input.graph.works[work], claim).into_iter().collect(),
                    standings: Vec::new(),
                    by: None,
                    displaced: true,
                    outbound,
                    code_only: false,
                    beyond: false,
                    agreement: None,
                });
            }
        }
    }

    fn describe_agreement(&mut self, g: usize, group: &Group, index: usize) {
        let law = &self.input.catalog.licenses[self.input.house.agreements[index].license];
        let Some(walk) = self.walks.get(&(g, self.input.house.agreements[index].license)) else { return };
        for &work in &group.works {
            let by = self.ancestry.by_child[work].first();
            self.licenses.push(Governing {
                work,
                license: law.id.clone(),
                edition: walk.edition.clone(),
                claims: Vec::new(),
                standings: walk.reached.standings.keys().copied().collect(),
                by: by.map(|e| conclude::by_of(self.input.graph, *e, self.input.made_by).0),
                displaced: false,
                outbound: false,
                code_only: false,
                beyond: walk.reached.beyond,
                agreement: Some(index),
            });
        }
    }

    /// The agreement that stood in the place of a statement for every access.
    fn in_place_of(&self, g: usize, group: &Group, leaf: &Leaf) -> Option<usize> {
        let judged = match leaf {
            Leaf::License(i) => self.public.contains(&g) && self.walks.contains_key(&(g, *i)),
            _ => self.public.contains(&g),
        };
        group.agreements.iter().copied().find(|i| !judged && self.agreed.contains_key(&(g, *i)))
    }

    /// The licenses of a group that were judged: what is stated, where no agreement stood in its place, and agreements.
    fn judged_licenses(&self, g: usize, group: &Group) -> BTreeSet<usize> {
        let stated = group.conclusion.alternatives.iter().flat_map(Alternative::leaves).filter_map(|l| match l {
            Leaf::License(i) => Some(*i),
            _ => None,
        });
        let agreed = group.agreements.iter().map(|i| self.input.house.agreements[*i].license);
        stated.chain(agreed).filter(|i| self.walks.contains_key(&(g, *i))).collect()
    }

    /// The leaves of the branch that was taken, where a statement offers a choice.
    fn taken<'s>(&self, group: &Group, a: &'s Alternative) -> Option<Vec<&'s Leaf>> {
        let Statement::Any(parts) = &a.statement else { return None };
        let taken: Vec<&str> =
            self.elections.iter().filter(|e| group.works.contains(&e.work)).map(|e| e.taken.as_str()).collect();
        let branch = parts.iter().filter(|p| taken.contains(&p.display(self.input.catalog).as_str()));
        Some(branch.flat_map(Statement::leaves).collect())
    }

    fn describe_leaf(
        &mut self,
        g: usize,
        group: &Group,
        leaf: &Leaf,
        (code_only, left, agreement): (bool, bool, Option<usize>),
        layers: &[Option<Layer<'_>>],
    ) {
        let catalog = self.input.catalog;
        let (license, walk) = match leaf {
            Leaf::License(i) => (catalog.licenses[*i].id.clone(), self.walks.get(&(g, *i))),
            Leaf::Unread(n) | Leaf::Family(n) => (n.clone(), None),
            Leaf::Missing => (String::new(), None),
        };
        for &work in &group.works {
            let weighed = layers[work].as_ref().map(|l| l.weighed.clone()).unwrap_or_default();
            let claims = weighed.iter().filter_map(|c| claim_index(&self.input.graph.works[work], c)).collect();
            let by = self.ancestry.by_child[work]
                .first()
                .map(|e| conclude::by_of(self.input.graph, *e, self.input.made_by).0);
            self.licenses.push(Governing {
                work,
                license: license.clone(),
                edition: walk.map(|w| w.edition.clone()).unwrap_or_default(),
                claims,
                standings: walk.map(|w| w.reached.standings.keys().copied().collect()).unwrap_or_default(),
                by,
                displaced: group.conclusion.displaced || left || agreement.is_some(),
                outbound: false,
                code_only,
                beyond: walk.is_some_and(|w| w.reached.beyond),
                agreement,
            });
        }
    }

    /// Duties that earlier authors left undone, as far as it shows, and trainings that bind only them.
    fn upstream_findings(&self, groups: &[Group], findings: &mut Vec<Finding>) {
        let (graph, catalog) = (self.input.graph, self.input.catalog);
        for o in self.obligations.iter().filter(|o| o.upstream) {
            let Some(source) = o.sources.first() else { continue };
            let Effect::Duty(duty) = &source.term.effect else { continue };
            let Some(prefix) = &duty.name_prefix else { continue };
            for (i, work) in graph.works.iter().enumerate() {
                let derived = self.ancestry.above[i]
                    && self.ancestry.by_child[i]
                        .iter()
                        .any(|e| conclude::by_of(graph, *e, self.input.made_by).0 == By::Upstream);
                let name = work.name.as_deref().unwrap_or_else(|| work.id.rsplit('/').next().unwrap_or(&work.id));
                if derived && !release::begins_with(name, prefix) {
                    findings.push(Finding {
                        code: FindingCode::UpstreamNamePrefixMissing,
                        work: work.id.clone(),
                        detail: format!(
                            "the name `{name}` does not begin with \"{prefix}\" ({} {})",
                            catalog.licenses[source.license].id, source.term.clause
                        ),
                        evidence: vec![work.evidence.clone()],
                        resemblance: None,
                    });
                }
            }
        }
        for (g, group) in groups.iter().enumerate() {
            for license in self.judged_licenses(g, group) {
                let Some(walk) = self.walks.get(&(g, license)) else { continue };
                self.outputs_finding(group, license, &walk.reached, findings);
            }
        }
    }

    fn outputs_finding(&self, group: &Group, license: usize, reached: &Reached, findings: &mut Vec<Finding>) {
        let trained = reached
            .steps
            .iter()
            .any(|(r, by, _)| *by == By::Upstream && matches!(r, Relation::TrainedOnOutputs | Relation::Distilled));
        let law = &self.input.catalog.licenses[license];
        let restricts = law.terms.iter().find(|t| {
            t.by_us
                && t.reach.has(Standing::OutputTrained)
                && matches!(t.effect, Effect::Forbid(_) | Effect::LicenseNeeded(_))
        });
        if let (true, Some(term)) = (trained, restricts) {
            findings.push(Finding {
                code: FindingCode::OutputsTermsRestrict,
                work: self.input.graph.works[group.works[0]].id.clone(),
                detail: format!("an earlier author trained on its outputs; {} {} limits that", law.id, term.clause),
                evidence: Vec::new(),
                resemblance: None,
            });
        }
    }

    fn finish(
        self,
        by_access: Vec<(Access, Outcome)>,
        access_open: bool,
        mut findings: Vec<Finding>,
    ) -> Assessment<'c> {
        let Run { input, mut gaps, mut limits, leaned, mut obligations, licenses, elections, .. } = self;
        let mut range: Option<Range> = None;
        let mut rows = Vec::new();
        let mut kinds: BTreeSet<GapKind> = BTreeSet::new();
        for (access, outcome) in &by_access {
            let list: Vec<GapKind> = outcome.gaps.iter().copied().collect();
            let due: Vec<Certainty> = outcome.due.iter().map(|(c, _)| *c).collect();
            rows.push((*access, outcome.range, compose(outcome.range, &list, &due)));
            kinds.extend(&outcome.gaps);
            range = Some(match range {
                None => outcome.range,
                Some(r) if access_open => r.hull(outcome.range),
                Some(r) => r.meet(outcome.range),
            });
        }
        let range = range.unwrap_or(Range::OPEN);
        if access_open {
            open_access(input.catalog, &by_access, range, &mut obligations, &mut gaps, &mut kinds);
        }
        let kinds: Vec<GapKind> = kinds.into_iter().collect();
        let certainties: Vec<Certainty> = obligations.iter().map(|o| o.certainty).collect();
        let verdict = compose(range, &kinds, &certainties);
        limits.sort_by_key(|l| (l.to, !l.sure));
        obligations.sort_by_key(|o| std::cmp::Reverse(o.certainty));
        findings.sort();
        findings.dedup();
        let assumptions = assumptions(input, leaned);
        Assessment {
            verdict,
            range,
            by_access: rows,
            access_open,
            gaps,
            limits,
            assumptions,
            licenses,
            elections,
            obligations,
            findings,
            house: Vec::new(),
        }
    }

    /// What became of every entry of the house that is about the case.
    fn house(&self, groups: &[Group], layers: &[Option<Layer<'_>>], accesses: &[Access]) -> Vec<HouseUse> {
        let mut out = Vec::new();
        self.agreements(groups, layers, accesses, &mut out);
        self.positions(&mut out);
        for (index, state) in &self.attested {
            let cite = self.input.house.cite_with_term(HouseKind::Attestation, *index);
            let a = &self.input.house.attestations[*index];
            let duty = format!("{} of {}", a.code, self.input.catalog.licenses[a.license].id);
            let says = match state {
                HouseState::Applied | HouseState::Open => format!("{cite}: {duty} is met"),
                HouseState::Moot => format!("{cite}: {duty} is shown or attested without it"),
                HouseState::Outside => format!("{cite}: {duty} is attested for other bytes than these"),
                HouseState::Lapsed => format!("{cite}: does not say on this day that {duty} is met"),
            };
            let (kind, index, state) = (HouseKind::Attestation, *index, *state);
            out.push(HouseUse { kind, index, state, accesses: Vec::new(), says });
        }
        out
    }

    fn agreements(&self, groups: &[Group], layers: &[Option<Layer<'_>>], accesses: &[Access], out: &mut Vec<HouseUse>) {
        let house = self.input.house;
        for (index, agreement) in house.agreements.iter().enumerate() {
            let cite = house.cite_with_term(HouseKind::Agreement, index);
            let mut works: Vec<&str> = Vec::new();
            for (i, layer) in layers.iter().enumerate() {
                let Some(layer) = layer else { continue };
                let work = &self.input.graph.works[i];
                if !agreements_on(self.input, work, &layer.conclusion, &|a| std::ptr::eq(a, agreement)).is_empty() {
                    works.push(&work.id);
                }
            }
            if works.is_empty() {
                continue;
            }
            let works = works.into_iter().take(3).collect::<Vec<_>>().join(", ");
            let mut applied: BTreeMap<Access, bool> = BTreeMap::new();
            for g in 0..groups.len() {
                for (access, sure) in self.agreed.get(&(g, index)).into_iter().flatten() {
                    *applied.entry(*access).or_default() |= sure;
                }
            }
            let sure: Vec<Access> = applied.iter().filter(|(_, sure)| **sure).map(|(a, _)| *a).collect();
            let words = |list: &[Access]| list.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(", ");
            let covers = if agreement.uses_written.is_empty() { "every use" } else { agreement.uses_written.as_str() };
            let (state, says) = if !agreement.entry.in_force(&house.day) {
                (HouseState::Lapsed, format!("{cite}: the public terms govern {works}"))
            } else if applied.is_empty() {
                (
                    HouseState::Outside,
                    format!(
                        "{cite}: does not cover this use of {works}, which the public terms govern; it covers {covers}"
                    ),
                )
            } else if sure.is_empty() {
                (
                    HouseState::Open,
                    format!(
                        "{cite}: whether it covers this use of {works} hangs on what is not stated; it covers {covers}"
                    ),
                )
            } else if sure.len() < accesses.len() {
                let text = format!(
                    "{cite}: governs {works} for {}; the rest is under the public terms; it covers {covers}",
                    words(&sure)
                );
                (HouseState::Applied, text)
            } else {
                (HouseState::Applied, format!("{cite}: governs {works} in the place of the public terms"))
            };
            out.push(HouseUse {
                kind: HouseKind::Agreement,
                index,
                state,
                accesses: applied.into_keys().collect(),
                says,
            });
        }
    }

    fn positions(&self, out: &mut Vec<HouseUse>) {
        let house = self.input.house;
        let judged: BTreeSet<usize> = self.walks.keys().map(|(_, license)| *license).collect();
        for (index, p) in house.positions.iter().enumerate().filter(|(_, p)| judged.contains(&p.license)) {
            let law = &self.input.catalog.licenses[p.license];
            let Some(term) = law.terms.iter().find(|t| t.id == p.term) else { continue };
            let reading = term.readings.iter().find(|r| r.id == p.reading).map_or("", |r| r.says.as_str());
            let state = match (p.entry.in_force(&house.day), self.asked.get(&index)) {
                (false, _) => HouseState::Lapsed,
                (true, Some(true)) => HouseState::Applied,
                (true, _) => HouseState::Moot,
            };
            let cite = house.cite_with_term(HouseKind::Position, index);
            let of = format!("{} {}", law.id, term.clause);
            let says = match state {
                HouseState::Lapsed => format!("{cite}: does not settle on this day how {of} is read"),
                HouseState::Moot => format!("{cite}: the readings of {of} do not differ here"),
                _ => format!("{cite}: {of} is read as {}: {reading}", p.reading),
            };
            out.push(HouseUse { kind: HouseKind::Position, index, state, accesses: Vec::new(), says });
        }
    }
}

/// True where the subject is the licensed work, a derivative or a product of it: its outputs are the license's outputs.
fn holds(reached: &Reached) -> bool {
    [Standing::Materials, Standing::Derivative, Standing::Product].iter().any(|s| reached.standings.contains_key(s))
}

/// What an unstated access means: the outcomes of all five, and a question.
fn open_access<'c>(
    catalog: &Catalog,
    by_access: &[(Access, Outcome)],
    range: Range,
    obligations: &mut [Obligation<'c>],
    gaps: &mut Vec<Gap<'c>>,
    kinds: &mut BTreeSet<GapKind>,
) {
    for o in obligations.iter_mut() {
        if o.accesses.len() < by_access.len() {
            o.certainty = o.certainty.min(Certainty::Conditional);
            o.facts.extend(catalog.facts.find("use.access"));
        }
    }
    if by_access.iter().all(|(_, o)| o.range == range) {
        return;
    }
    kinds.insert(GapKind::Fact);
    gaps.push(Gap {
        kind: GapKind::Fact,
        license: String::new(),
        term: None,
        facts: catalog.facts.find("use.access").into_iter().collect(),
        readings: Vec::new(),
        worst: range.worst,
        says: "how does the model reach people".into(),
    });
}

/// Met somewhere and unmet elsewhere is unmet.
fn worse(a: Status, b: Status) -> Status {
    let rank = |s: Status| match s {
        Status::Met => 0,
        Status::Unknown => 1,
        Status::ToAttest => 2,
        Status::Unmet => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}

fn claim_index(work: &Work, claim: &freehold_base::Claim) -> Option<usize> {
    work.claims.iter().position(|c| c == claim)
}

/// Whether the words of a description answer a question, by the lists of `facts.toml`.
fn by_description(catalog: &Catalog, fact: &str, description: Option<&str>) -> Option<bool> {
    let text = description?.to_lowercase();
    let (no, yes) = &catalog.facts.get(catalog.facts.find(fact)?).words_for;
    let hit = |words: &[String]| words.iter().any(|w| text.contains(w.as_str()));
    if hit(no) { Some(false) } else { hit(yes).then_some(true) }
}

fn similar_by_description(catalog: &Catalog, relation: &Relation, child: &Work) -> Option<bool> {
    if *relation == Relation::Distilled {
        return Some(true);
    }
    by_description(catalog, "step.to_perform_similarly", child.description.as_deref())
}

/// Licenses that limit what we may put on our own layer.
fn outbound_findings(run: &Run<'_, '_>, layers: &[Option<Layer<'_>>], groups: &[Group], findings: &mut Vec<Finding>) {
    let (input, catalog) = (run.input, run.input.catalog);
    let ours: Vec<(usize, &Alternative)> = layers
        .iter()
        .enumerate()
        .flat_map(|(i, l)| l.iter().flat_map(move |l| l.outbound.iter().map(move |a| (i, a))))
        .collect();
    for (work, outbound) in ours {
        for (g, group) in groups.iter().enumerate() {
            for inbound in run.judged_licenses(g, group) {
                let Some(walk) = run.walks.get(&(g, inbound)) else { continue };
                let same = outbound.statement.leaves().contains(&&Leaf::License(inbound));
                // only what the subject is to that license, in the license's own words
                let reaches = |t: &&Term| walk.reached.standings.keys().any(|s| t.reach.has(*s));
                let demand = catalog.licenses[inbound].terms.iter().filter(reaches).find_map(|t| match t.effect {
                    Effect::Outbound(r @ (Requires::SameLicense | Requires::IncludesRestrictions)) => Some((r, t)),
                    _ => None,
                });
                let accepted = |term: &Term| {
                    outbound.statement.leaves().iter().any(|l| match l {
                        Leaf::License(i) => term.accepts.iter().any(|a| *a == catalog.licenses[*i].id),
                        _ => false,
                    })
                };
                if let Some((_, term)) = demand
                    && !same
                    && !accepted(term)
                {
                    findings.push(Finding {
                        code: FindingCode::OutboundLicenseConflicts,
                        work: input.graph.works[work].id.clone(),
                        detail: format!(
                            "{} does not carry what {} {} asks for",
                            outbound.statement.display(catalog),
                            catalog.licenses[inbound].id,
                            term.clause
                        ),
                        evidence: Vec::new(),
                        resemblance: None,
                    });
                }
            }
        }
    }
}

/// A stated figure of at least this share of a limit, in percent, is near it.
const NEAR_PERCENT: i64 = 80;

/// Figures that a license counts and that come near its limit without passing it.
fn near_threshold(run: &Run<'_, '_>, groups: &[Group]) -> Vec<Finding> {
    let catalog = run.input.catalog;
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for (g, group) in groups.iter().enumerate() {
        for license in run.judged_licenses(g, group) {
            let law = &catalog.licenses[license];
            let limiting = |t: &&Term| matches!(t.effect, Effect::LicenseNeeded(_) | Effect::Forbid(_));
            for term in law.terms.iter().filter(limiting) {
                let mut all = Vec::new();
                term.readings.iter().for_each(|r| r.when.comparisons(&mut all));
                for (quantity, limit) in all {
                    let Some(n) = quantity.known(&run.base) else { continue };
                    let near = n <= limit && n >= limit / 100 * NEAR_PERCENT && limit > 0;
                    if near && seen.insert((license, term.id.clone())) {
                        let (n, limit) = (Value::Number(n), Value::Number(limit));
                        out.push(Finding {
                            code: FindingCode::NearThreshold,
                            work: run.input.graph.works[group.works[0]].id.clone(),
                            detail: format!("{n} of {limit} ({} {})", law.id, term.clause),
                            evidence: Vec::new(),
                            resemblance: None,
                        });
                    }
                }
            }
        }
    }
    out
}

/// Statements that nobody has read, choices made for the user, and training data under terms that limit it.
fn statement_findings(input: Input<'_, '_>, groups: &[Group], elections: &[Election], findings: &mut Vec<Finding>) {
    let (graph, catalog) = (input.graph, input.catalog);
    let finding = |code, work: usize, detail: String| Finding {
        code,
        work: graph.works[work].id.clone(),
        detail,
        evidence: graph.works[work].claims.iter().map(|c| c.evidence.clone()).collect(),
        resemblance: None,
    };
    for group in groups {
        for a in &group.conclusion.alternatives {
            for leaf in a.leaves() {
                if let Leaf::Unread(name) | Leaf::Family(name) = leaf {
                    let detail = format!("`{name}` is not in the catalog in law");
                    findings
                        .extend(group.works.iter().map(|w| finding(FindingCode::UnknownLicense, *w, detail.clone())));
                }
            }
            let restricts = conclude::strictness(a, catalog) != Some(freehold_catalog::Strictness::Open);
            let data = |w: &&usize| graph.works[**w].kind == freehold_base::WorkKind::Dataset;
            for work in group.works.iter().filter(data).filter(|_| restricts) {
                let detail = format!("training data stands under {}", a.statement.display(catalog));
                findings.push(finding(FindingCode::DatasetLicenseRestricts, *work, detail));
            }
        }
    }
    let mut weighed: Vec<usize> = groups.iter().flat_map(|g| g.works.iter().copied()).collect();
    weighed.sort_unstable();
    for work in weighed {
        for claim in &graph.works[work].claims {
            let words: Vec<&str> = claim.license.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).collect();
            for pair in words.windows(2).filter(|p| p[0].eq_ignore_ascii_case("WITH")) {
                let Some(exception) = catalog.tags.exception(pair[1]) else { continue };
                let detail = format!("`{}`: judged without it; it permits {}", exception.id, exception.permits);
                findings.push(finding(FindingCode::LicenseException, work, detail));
            }
        }
    }
    for e in elections {
        let detail = format!("offered under {}; {} was taken", e.offered, e.taken);
        findings.push(finding(FindingCode::LicenseChoiceUnrecorded, e.work, detail));
    }
}

/// The presumptions that the outcome leans on, each once.
fn assumptions(input: Input<'_, '_>, leaned: BTreeSet<Leaned>) -> Vec<Assumption> {
    let catalog = input.catalog;
    let mut by_fact: BTreeMap<FactId, Vec<String>> = BTreeMap::new();
    for l in leaned {
        let cited = format!("{} {}", catalog.licenses[l.license].id, l.clause);
        let list = by_fact.entry(l.fact).or_default();
        if !list.contains(&cited) {
            list.push(cited);
        }
    }
    let mut out: Vec<Assumption> = by_fact
        .into_iter()
        .filter_map(|(fact, leaned_on_by)| {
            let (_, says) = catalog.facts.get(fact).presumed.as_ref()?;
            Some(Assumption { fact: Some(fact), says: says.clone(), leaned_on_by })
        })
        .collect();
    for by in [By::Us, By::Upstream] {
        let presumed = input
            .graph
            .edges
            .iter()
            .enumerate()
            .filter(|(i, e)| !e.is_loop() && conclude::by_of(input.graph, *i, input.made_by) == (by, true));
        let children: BTreeSet<&str> = presumed.map(|(_, e)| input.graph.works[e.child].id.as_str()).collect();
        if !children.is_empty() {
            let who = if by == By::Us { "your organization" } else { "somebody else" };
            let list: Vec<&str> = children.into_iter().take(5).collect();
            let says = format!("{who} made {}", list.join(", "));
            out.push(Assumption { fact: None, says, leaned_on_by: Vec::new() });
        }
    }
    out
}
