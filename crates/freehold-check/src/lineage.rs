//! Several subjects and what they were made from, as one graph for a reader: every step with its evidence, what is said of
//! each work and what it stands under. No verdict is in it.
//!
//! A base that several subjects name by its repository is one work. Names that mean something only where they are written
//! (`base`, `./out`, a folder) are never taken for each other, and a name that then stands twice says whose
//! it is.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{Leaf, Statement, parse_statement};
use freehold_base::{By, Claim, Diagnostic, Evidence, MadeBy, Relation, Work, WorkKind};
use freehold_catalog::Catalog;
use freehold_lineage::is_repository_id;

use crate::dossier::Dossier;

/// Works and steps of one or several subjects.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    /// Works; ids are unique.
    pub works: Vec<LineageWork>,
    /// Steps.
    pub steps: Vec<LineageStep>,
    /// Indices of the works that were asked about, in the order of asking.
    pub subjects: Vec<usize>,
    /// Works that were made from each other, or from themselves: one list a knot, as indices in ascending order.
    pub cycles: Vec<Vec<usize>>,
    /// Mistakes of the inputs.
    pub diagnostics: Vec<Diagnostic>,
}

/// A work with everything that is said of it.
#[derive(Clone, Debug)]
pub struct LineageWork {
    /// Its id in the lineage: the work's own, with whose it is where the name stands twice (`base (of acme/bot)`).
    pub id: String,
    /// The subject that named it first.
    pub of: String,
    /// The work; its claims are those of every subject that names it.
    pub work: Work,
    /// What its own layer stands under, and what was looked at and set aside.
    pub terms: Vec<LineageTerm>,
    /// Where it lies, as the user named it, and what it is in a few words; `None` for what is only named.
    pub subject: Option<(String, String)>,
    /// True where it is named as a parent and cannot be found: not in the catalog, no file, nothing said of it.
    pub unresolved: bool,
}

/// Whose a work is, for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Maker {
    /// The organization that asks.
    Ours,
    /// Somebody else.
    ThirdParty,
    /// Data, whoever made it.
    Dataset,
    /// Not stated, or not found.
    Unknown,
}

impl Maker {
    /// Every value, in order.
    pub const ALL: [Maker; 4] = [Maker::Ours, Maker::ThirdParty, Maker::Dataset, Maker::Unknown];

    /// The word of the public formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Maker::Ours => "ours",
            Maker::ThirdParty => "third-party",
            Maker::Dataset => "dataset",
            Maker::Unknown => "unknown",
        }
    }
}

impl LineageWork {
    /// Whose it is.
    pub fn maker(&self) -> Maker {
        match (self.work.kind, self.work.made_by) {
            (WorkKind::Dataset, _) => Maker::Dataset,
            _ if self.unresolved => Maker::Unknown,
            (_, Some(MadeBy::Organization)) => Maker::Ours,
            (_, Some(MadeBy::ThirdParty)) => Maker::ThirdParty,
            (_, None) if self.work.known => Maker::ThirdParty,
            (_, None) => Maker::Unknown,
        }
    }
}

/// What a statement is to a work's layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The layer stands under it.
    Governs,
    /// Its code does.
    Code,
    /// Our own choice for a layer of ours, or what would be that if we made it.
    OwnChoice,
    /// Looked at and set aside: looser than a base's terms, replaced, or not taken among several.
    SetAside,
    /// Said, and not weighed: nothing that was asked about was made from the work, or the statement says nothing.
    Said,
}

impl Role {
    /// The word of the public formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Governs => "governs",
            Role::Code => "code",
            Role::OwnChoice => "own-choice",
            Role::SetAside => "set-aside",
            Role::Said => "said",
        }
    }
}

/// A license and what it is to a work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineageTerm {
    /// Catalog id, or the statement as written where nobody has read it; empty where nothing is stated.
    pub license: String,
    /// Text id of the edition; empty where none is cited.
    pub edition: String,
    /// What it is to the work's layer.
    pub role: Role,
    /// True where it goes on binding a work that was asked about.
    pub reaches: bool,
    /// Claims behind it, as indices into the work's claims.
    pub claims: Vec<usize>,
}

/// A step from a parent to a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineageStep {
    /// Index of the child.
    pub child: usize,
    /// Index of the parent.
    pub parent: usize,
    /// What the child is to the parent.
    pub relation: Relation,
    /// Who took it.
    pub by: By,
    /// True where that is presumed, not stated.
    pub presumed: bool,
    /// Where it stands; several where several subjects show it.
    pub evidence: Vec<Evidence>,
    /// True where the step lies on a cycle.
    pub cyclic: bool,
}

/// Joins the lineages of dossiers.
pub fn lineage(dossiers: &[Dossier<'_>]) -> Lineage {
    let mut join = Join::default();
    for dossier in dossiers {
        join.add(dossier);
    }
    join.finish()
}

#[derive(Default)]
struct Join {
    out: Lineage,
    /// Names that mean one work wherever they are written.
    shared: BTreeMap<String, usize>,
    /// Path and id of the subject, and each work of it: the same subject asked for again is the same.
    placed: BTreeMap<(String, String, String), usize>,
    steps: BTreeMap<(usize, usize, Relation, By, bool), usize>,
}

impl Join {
    fn add(&mut self, d: &Dossier<'_>) {
        let place = |join: &mut Join, (i, work): (usize, &Work)| join.place(d, i, work);
        let at: Vec<usize> = d.graph.works.iter().enumerate().map(|w| place(self, w)).collect();
        for e in &d.graph.edges {
            let (Some(&child), Some(&parent)) = (at.get(e.child), at.get(e.parent)) else { continue };
            let next = self.out.steps.len();
            let index = *self.steps.entry((child, parent, e.relation, e.by, e.by_presumed)).or_insert(next);
            if index == next {
                self.out.steps.push(LineageStep {
                    child,
                    parent,
                    relation: e.relation,
                    by: e.by,
                    presumed: e.by_presumed,
                    evidence: Vec::new(),
                    cyclic: false,
                });
            }
            push_new(&mut self.out.steps[index].evidence, e.evidence.clone());
        }
        for g in &d.assessment.licenses {
            let (Some(&index), Some(from)) = (at.get(g.work), d.graph.works.get(g.work)) else { continue };
            let into = &mut self.out.works[index];
            let claims = g.claims.iter().filter_map(|c| from.claims.get(*c));
            let claims: Vec<usize> = claims.filter_map(|c| into.work.claims.iter().position(|x| x == c)).collect();
            let role = match (g.outbound, g.displaced, g.code_only) {
                (true, _, _) => Role::OwnChoice,
                (_, true, _) => Role::SetAside,
                (_, _, true) => Role::Code,
                _ => Role::Governs,
            };
            let term = LineageTerm {
                license: spelled(&g.license, d.catalog),
                edition: g.edition.clone(),
                role,
                reaches: !g.beyond && role != Role::SetAside,
                claims,
            };
            add_term(&mut into.terms, term);
        }
        for diagnostic in &d.diagnostics {
            push_new(&mut self.out.diagnostics, diagnostic.clone());
        }
    }

    /// Where a work of a dossier stands in the lineage; adds it if it is new.
    fn place(&mut self, d: &Dossier<'_>, i: usize, work: &Work) -> usize {
        let subject = i == d.graph.subject;
        let of = d.graph.works.get(d.graph.subject).map_or("", |w| w.id.as_str());
        let key = (d.subject.path.clone(), of.to_string(), work.id.clone());
        let again = self.placed.get(&key).copied();
        let known = self.shared.get(&work.id).copied().filter(|_| is_shared(d, subject, work));
        // two subjects of one name are two copies, which may say different things
        let known = known.filter(|k| !subject || self.out.works[*k].subject.is_none());
        let index = again.or(known).unwrap_or(self.out.works.len());
        if index == self.out.works.len() {
            self.out.works.push(LineageWork {
                id: work.id.clone(),
                of: d.subject.id.clone(),
                work: work.clone(),
                terms: Vec::new(),
                subject: None,
                unresolved: false,
            });
            if is_shared(d, subject, work) {
                self.shared.entry(work.id.clone()).or_insert(index);
            }
        } else {
            absorb(&mut self.out.works[index].work, work);
        }
        if subject {
            self.out.works[index].subject = Some((d.subject.path.clone(), d.subject.kind.clone()));
            push_new(&mut self.out.subjects, index);
        }
        self.placed.insert(key, index);
        index
    }

    fn finish(self) -> Lineage {
        let mut out = self.out;
        let mut has_parent = vec![false; out.works.len()];
        for step in out.steps.iter().filter(|s| s.child != s.parent) {
            has_parent[step.child] = true;
        }
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for (i, w) in out.works.iter_mut().enumerate() {
            w.unresolved = w.subject.is_none() && !w.work.known && w.work.claims.is_empty() && !has_parent[i];
            say_the_rest(w);
            if taken.contains(&w.id) {
                let whose = match &w.subject {
                    Some((path, _)) => format!("in {path}"),
                    None => format!("of {}", w.of),
                };
                let named = |n: usize| match n {
                    1 => format!("{} ({whose})", w.work.id),
                    n => format!("{} ({whose}, {n})", w.work.id),
                };
                // one of so many names is free
                w.id = (1..=i + 1).map(named).find(|id| !taken.contains(id)).unwrap_or_else(|| named(i + 2));
            }
            taken.insert(w.id.clone());
        }
        let parents = parents_of(&out);
        let knots = knots(&parents);
        let mut of = vec![usize::MAX; out.works.len()];
        for (k, knot) in knots.iter().enumerate() {
            for w in knot {
                of[*w] = k;
            }
        }
        let mut turns = vec![false; knots.len()];
        for step in &mut out.steps {
            step.cyclic = of[step.child] == of[step.parent];
            if step.cyclic {
                turns[of[step.child]] = true;
            }
        }
        out.cycles = knots.into_iter().zip(turns).filter(|(_, turns)| *turns).map(|(knot, _)| knot).collect();
        out.cycles.sort();
        out
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// True for a name that means the same work wherever it is written.
fn is_shared(d: &Dossier<'_>, subject: bool, work: &Work) -> bool {
    // the name of a folder is no repository, though it may look like one; a case states its subject's name
    let stated = d.subject.files == 0;
    let repository = is_repository_id(&work.id) && (!subject || work.known || stated);
    // old datasets of a hub have plain names
    let dataset = work.kind == WorkKind::Dataset && !stated && !work.id.contains(['/', '\\', '.']);
    repository || dataset
}

/// What another subject says of the same work.
fn absorb(into: &mut Work, other: &Work) {
    into.known |= other.known;
    into.name = into.name.take().or_else(|| other.name.clone());
    into.description = into.description.take().or_else(|| other.description.clone());
    into.made_by = into.made_by.or(other.made_by);
    if into.kind == WorkKind::Model {
        into.kind = other.kind;
    }
    for claim in &other.claims {
        push_new(&mut into.claims, claim.clone());
    }
    for fact in &other.facts {
        push_new(&mut into.facts, fact.clone());
    }
}

/// A statement that is one license of the catalog goes by its id, however it was written.
fn spelled(license: &str, catalog: &Catalog) -> String {
    match parse_statement(license, catalog).statement {
        Some(Statement::One(Leaf::License(i))) => {
            catalog.licenses.get(i).map_or_else(|| license.to_string(), |l| l.id.clone())
        }
        _ => license.to_string(),
    }
}

fn add_term(terms: &mut Vec<LineageTerm>, term: LineageTerm) {
    // what was set aside is told as it was written, and again as it was read: that is one statement
    let edition = |t: &LineageTerm| {
        t.edition == term.edition || t.role == Role::SetAside && (t.edition.is_empty() || term.edition.is_empty())
    };
    let same = |t: &&mut LineageTerm| (&t.license, t.role) == (&term.license, term.role) && edition(t);
    match terms.iter_mut().find(same) {
        Some(t) => {
            t.reaches |= term.reaches;
            if t.edition.is_empty() {
                t.edition = term.edition;
            }
            for claim in term.claims {
                push_new(&mut t.claims, claim);
            }
        }
        None => terms.push(term),
    }
}

/// Claims that nothing weighed. That nothing is stated falls away where another subject states something, and a statement that was set aside only because it is our own choice is told once.
fn say_the_rest(w: &mut LineageWork) {
    let own: Vec<LineageTerm> = w.terms.iter().filter(|t| t.role == Role::OwnChoice).cloned().collect();
    let told =
        |t: &LineageTerm| own.iter().any(|o| o.license == t.license && t.claims.iter().all(|c| o.claims.contains(c)));
    w.terms.retain(|t| t.role != Role::SetAside || !told(t));
    if w.terms.iter().any(|t| t.role == Role::Governs && !t.license.is_empty()) {
        w.terms.retain(|t| !t.license.is_empty());
    }
    for (i, claim) in w.work.claims.iter().enumerate() {
        if !w.terms.iter().any(|t| t.claims.contains(&i)) {
            w.terms.push(LineageTerm {
                license: said(claim),
                edition: claim.edition.clone().unwrap_or_default(),
                role: Role::Said,
                reaches: false,
                claims: vec![i],
            });
        }
    }
    w.terms.sort_by_key(|t| (t.role, t.claims.first().copied()));
}

fn said(claim: &Claim) -> String {
    claim.license.trim().to_string()
}

/// The parents of each work.
fn parents_of(lineage: &Lineage) -> Vec<Vec<usize>> {
    let mut parents = vec![Vec::new(); lineage.works.len()];
    for step in &lineage.steps {
        parents[step.child].push(step.parent);
    }
    parents
}

/// Works by knot: two works are in one where each was made from the other, over however many steps (Tarjan's strongly
/// connected components, without recursion). A work on no cycle is a knot of its own.
fn knots(parents: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let n = parents.len();
    let (mut order, mut low, mut on) = (vec![UNSEEN; n], vec![UNSEEN; n], vec![false; n]);
    let (mut stack, mut out, mut next) = (Vec::new(), Vec::new(), 0);
    for root in 0..n {
        if order[root] != UNSEEN {
            continue;
        }
        let mut calls = vec![(root, 0)];
        while let Some((v, at)) = calls.pop() {
            if at == 0 {
                (order[v], low[v], on[v]) = (next, next, true);
                next += 1;
                stack.push(v);
            }
            if let Some(&w) = parents[v].get(at) {
                calls.push((v, at + 1));
                if order[w] == UNSEEN {
                    calls.push((w, 0));
                } else if on[w] {
                    low[v] = low[v].min(order[w]);
                }
                continue;
            }
            if let Some(&(child, _)) = calls.last() {
                low[child] = low[child].min(low[v]);
            }
            if low[v] == order[v] {
                let mut knot = Vec::new();
                while let Some(w) = stack.pop() {
                    on[w] = false;
                    knot.push(w);
                    if w == v {
                        break;
                    }
                }
                knot.sort_unstable();
                out.push(knot);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{case_from_toml, judge};

    fn dossier(path: &str, text: &str) -> Dossier<'static> {
        let catalog = freehold_law::shared();
        let (case, mistakes) = case_from_toml(path, text, catalog, "2026-11-24");
        assert!(mistakes.is_empty(), "{mistakes:?}");
        judge(case.unwrap().into_parts(path, "2026-11-24"), catalog)
    }

    fn ids(l: &Lineage) -> Vec<&str> {
        l.works.iter().map(|w| w.id.as_str()).collect()
    }

    const ONE: &str = "[subject]\nid = 'one'\nmade_by = 'organization'\nparents = [{ work = 'acme/base', relation = 'finetune' }, { work = 'local', relation = 'merge' }]\n";

    #[test]
    fn a_base_of_two_is_one_work_and_a_local_name_is_not() {
        let two = ONE.replace("'one'", "'two'");
        let l = lineage(&[dossier("a.toml", ONE), dossier("b.toml", &two)]);
        assert_eq!(ids(&l), ["one", "acme/base", "local", "two", "local (of two)"]);
        assert_eq!(l.subjects, [0, 3]);
        let steps: Vec<(usize, usize)> = l.steps.iter().map(|s| (s.child, s.parent)).collect();
        assert_eq!(steps, [(0, 1), (0, 2), (3, 1), (3, 4)]);
        assert!(l.works[1].unresolved && l.works[1].maker() == Maker::Unknown);
        assert_eq!(l.works[0].maker(), Maker::Ours);
        assert!(l.cycles.is_empty());
    }

    #[test]
    fn one_subject_asked_twice_is_one_and_two_of_a_name_are_two() {
        let l = lineage(&[dossier("a.toml", ONE), dossier("a.toml", ONE), dossier("b.toml", ONE)]);
        assert_eq!(l.subjects, [0, 3]);
        assert_eq!(ids(&l), ["one", "acme/base", "local", "one (in b.toml)", "local (of one)"]);
    }

    #[test]
    fn a_subject_that_is_the_base_of_another_is_one_work() {
        let base = "[subject]\nid = 'acme/base'\nlicense = 'MIT'\n";
        let l = lineage(&[dossier("a.toml", ONE), dossier("b.toml", base)]);
        assert_eq!(l.subjects, [0, 1]);
        assert!(!l.works[1].unresolved);
        assert_eq!(l.works[1].terms[0].license, "mit");
        assert_eq!(l.works[1].terms[0].role, Role::Governs);
    }

    #[test]
    fn cycles_are_found_and_stay() {
        let text = "[subject]\nid = 'a'\nparents = [{ work = 'b', relation = 'merge' }]\n[[works]]\nid = 'b'\nparents = [{ work = 'c', relation = 'merge' }, { work = 'd', relation = 'finetune' }]\n[[works]]\nid = 'c'\nparents = [{ work = 'b', relation = 'distilled' }]\n";
        let l = lineage(&[dossier("a.toml", text)]);
        assert_eq!(l.cycles, [[1, 2]]);
        let cyclic: Vec<bool> = l.steps.iter().map(|s| s.cyclic).collect();
        assert_eq!(cyclic, [false, true, false, true]);
    }

    #[test]
    fn a_work_made_from_itself_is_a_cycle() {
        let mut d = dossier("a.toml", ONE);
        let mut own = d.graph.edges[0].clone();
        own.parent = own.child;
        d.graph.edges.push(own);
        assert_eq!(lineage(&[d]).cycles, [[0]]);
    }

    #[test]
    fn a_long_chain_does_not_exhaust_the_stack() {
        let n = 200_000;
        let parents: Vec<Vec<usize>> = (0..n).map(|i| if i + 1 < n { vec![i + 1] } else { vec![0] }).collect();
        assert_eq!(knots(&parents).len(), 1);
    }

    #[test]
    fn what_is_said_and_not_weighed_is_listed() {
        let text = format!("{ONE}[[works]]\nid = 'apart'\nlicense = 'MIT'\n");
        let l = lineage(&[dossier("a.toml", &text)]);
        let apart = l.works.iter().find(|w| w.id == "apart").unwrap();
        assert_eq!((apart.terms[0].license.as_str(), apart.terms[0].claims.as_slice()), ("MIT", [0usize].as_slice()));
    }
}
