//! One license against one access: grants, limits, duties.

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::{By, Permission, Range, Relation, Truth};
use freehold_catalog::{
    Act, Acts, Catalog, Duty, Effect, Expr, FactId, License, Near, Reading, Standing, Standings, Term, Upstream,
};

use crate::deployment::{Access, View};
use crate::reach::Reached;

/// Why a judgment is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapKind {
    /// A question that the user can answer.
    Fact,
    /// The text bears two readings.
    Reading,
    /// Claims about one license differ.
    Dispute,
    /// A license that nobody has read.
    Text,
}

impl GapKind {
    /// The word on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            GapKind::Fact => "fact",
            GapKind::Reading => "reading",
            GapKind::Dispute => "dispute",
            GapKind::Text => "text",
        }
    }
}

/// How sure a duty is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// It may be one.
    Arguable,
    /// It hangs on an unknown fact.
    Conditional,
    /// It is one.
    Owed,
}

impl Certainty {
    /// The word on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Certainty::Arguable => "arguable",
            Certainty::Conditional => "conditional",
            Certainty::Owed => "owed",
        }
    }
}

/// A term that limits the outcome.
#[derive(Clone, Debug)]
pub struct Limit<'c> {
    /// License index.
    pub license: usize,
    /// The term; `None` = no grant names the act.
    pub term: Option<&'c Term>,
    /// The act, where a grant is missing or conditional.
    pub act: Option<Act>,
    /// What it limits the outcome to.
    pub to: Permission,
    /// True where it limits both ends, false where only the worst.
    pub sure: bool,
    /// Why it is open; `None` where it is sure.
    pub gap: Option<GapKind>,
    /// The facts it rests on, or that would settle it.
    pub facts: Vec<FactId>,
    /// Readings that differ.
    pub readings: Vec<&'c Reading>,
    /// The position of counsel under which it is read, as an index into the house's.
    pub position: Option<usize>,
}

impl PartialEq for Limit<'_> {
    /// Terms are compared by their place in the catalog.
    fn eq(&self, o: &Self) -> bool {
        let same_term = match (self.term, o.term) {
            (Some(a), Some(b)) => std::ptr::eq(a, b),
            (None, None) => true,
            _ => false,
        };
        same_term
            && (self.license, self.act, self.to, self.sure, self.gap) == (o.license, o.act, o.to, o.sure, o.gap)
            && self.facts == o.facts
    }
}

/// A duty as one license asks for it.
#[derive(Clone, Debug)]
pub(crate) struct Due<'c> {
    /// License index.
    pub license: usize,
    /// The term.
    pub term: &'c Term,
    /// Its duty fields.
    pub duty: &'c Duty,
    /// How sure it is.
    pub certainty: Certainty,
    /// The facts that would settle a conditional one.
    pub facts: Vec<FactId>,
    /// True where it is an earlier author's.
    pub upstream: bool,
}

/// A presumption that a judgment leans on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leaned {
    /// The presumed fact.
    pub fact: FactId,
    /// License index.
    pub license: usize,
    /// The clause.
    pub clause: String,
}

/// The outcome of one license for one access.
#[derive(Clone, Debug)]
pub(crate) struct Judgment<'c> {
    pub(crate) range: Range,
    pub(crate) limits: Vec<Limit<'c>>,
    pub(crate) due: Vec<Due<'c>>,
    pub(crate) leaned: BTreeSet<Leaned>,
    /// Positions that were asked, and whether one settled anything.
    pub(crate) positions: BTreeMap<usize, bool>,
}

/// The positions in force, by license and term.
pub(crate) type Positions<'g> = BTreeMap<(usize, &'g str), (usize, &'g str)>;

/// What a license is judged under.
pub(crate) struct Situation<'a, 'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) license: usize,
    /// Text id of the edition that governs.
    pub(crate) edition: &'a str,
    pub(crate) reached: &'a Reached,
    pub(crate) access: Access,
    /// Facts, with those of the work and the steps.
    pub(crate) view: &'a View<'a>,
    /// Facts, with those of the model that our use trains on outputs; `None` = it trains none.
    pub(crate) student: Option<&'a View<'a>>,
    /// The tag is displaced: its restrictions count, its duties do not.
    pub(crate) displaced: bool,
    /// The statement is about code alone: its duties are arguable.
    pub(crate) code_only: bool,
    /// Positions in force.
    pub(crate) positions: &'a Positions<'a>,
}

/// The value of a term's readings: which outcomes stand in the set.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Values {
    yes: bool,
    no: bool,
    open: bool,
}

impl Values {
    fn add(&mut self, t: Truth) {
        match t {
            Truth::True => self.yes = true,
            Truth::False => self.no = true,
            Truth::Unknown => self.open = true,
        }
    }
}

pub(crate) fn judge<'c>(s: &Situation<'_, 'c>) -> Judgment<'c> {
    let license: &'c License = &s.catalog.licenses[s.license];
    let mut j = Judgment {
        range: Range::PERMITTED,
        limits: Vec::new(),
        due: Vec::new(),
        leaned: BTreeSet::new(),
        positions: BTreeMap::new(),
    };
    if !s.code_only && !license.beside {
        for act in acts(s).iter() {
            grant(s, license, act, &mut j);
        }
    }
    for term in &license.terms {
        if !term.stands_in(s.edition) {
            continue;
        }
        match &term.effect {
            Effect::Forbid(blocks) => limit(s, term, *blocks, Permission::Prohibited, &mut j),
            Effect::EndsGrant => limit(s, term, Acts::of(Act::ALL), Permission::Prohibited, &mut j),
            Effect::LicenseNeeded(blocks) => limit(s, term, *blocks, Permission::NeedsSeparateLicense, &mut j),
            Effect::Duty(duty) if !s.displaced => due(s, term, duty, &mut j),
            _ => {}
        }
    }
    j
}

/// The acts that the use needs of this license.
fn acts(s: &Situation<'_, '_>) -> Acts {
    let mut acts = Acts::default();
    let holds = [Standing::Materials, Standing::Derivative, Standing::Product];
    if s.reached.standings.keys().any(|k| holds.contains(k)) {
        acts = acts.union(acts_of_access(s.access));
    }
    for (relation, by, _) in &s.reached.steps {
        if *by == By::Us {
            acts = acts.union(acts_of_step(*relation));
        }
    }
    if s.student.is_some() {
        acts = acts.with(Act::TrainOnOutputs);
    }
    acts
}

fn acts_of_access(access: Access) -> Acts {
    match access {
        Access::Internal => Acts::of(&[Act::Use]),
        Access::HostedApi | Access::HostedApp => Acts::of(&[Act::Use, Act::MakeAvailable]),
        Access::EmbeddedProduct | Access::Weights => Acts::of(&[Act::Use, Act::Copy, Act::Distribute]),
    }
}

fn acts_of_step(relation: Relation) -> Acts {
    match relation {
        Relation::Copy => Acts::of(&[Act::Copy]),
        Relation::Converted
        | Relation::Quantized
        | Relation::Adapter
        | Relation::Finetune
        | Relation::Merge
        | Relation::Derived => Acts::of(&[Act::Use, Act::Modify]),
        Relation::Distilled | Relation::TrainedOnOutputs => Acts::of(&[Act::Use, Act::TrainOnOutputs]),
        Relation::OutputsOf => Acts::of(&[Act::Use]),
        Relation::TrainedOnData | Relation::Component => Acts::default(),
    }
}

/// Views and sureness under which a grant or a limit applies: also where we ran the work to train on its outputs.
fn applies_to_acts<'a>(s: &Situation<'a, '_>, reach: Standings) -> Vec<(&'a View<'a>, bool)> {
    let out = applies(s, reach);
    let ran = s.reached.steps.iter().any(|(r, by, _)| *by == By::Us && output_training(*r));
    if out.iter().all(|(view, _)| !std::ptr::eq(*view, s.view)) && ran && reach.has(Standing::Materials) {
        return out.into_iter().chain([(s.view, true)]).collect();
    }
    out
}

/// Views and sureness under which a term applies; the student's view for terms that reach it.
fn applies<'a>(s: &Situation<'a, '_>, reach: Standings) -> Vec<(&'a View<'a>, bool)> {
    let mut out = Vec::new();
    let hits = || s.reached.standings.iter().filter(|(standing, _)| reach.has(**standing));
    if hits().count() > 0 {
        out.push((s.view, hits().any(|(_, sure)| *sure)));
    }
    if reach.has(Standing::Student)
        && let Some(student) = s.student
    {
        out.push((student, true));
    }
    out
}

/// The readings of a term that count: the one that a position of counsel names, else all.
fn readings<'t>(s: &Situation<'_, '_>, term: &'t Term) -> (&'t [Reading], Option<usize>) {
    let Some((position, taken)) = s.positions.get(&(s.license, term.id.as_str())) else {
        return (&term.readings, None);
    };
    match term.readings.iter().position(|r| r.id == *taken) {
        Some(at) => (&term.readings[at..=at], Some(*position)),
        None => (&term.readings, None),
    }
}

/// Every outcome that some readings of a term leave.
fn outcomes(readings: &[Reading], view: &View<'_>, off: Truth, sure: bool) -> Values {
    let mut values = Values::default();
    for reading in readings {
        for near in [Near::Out, Near::In] {
            let mut v = reading.when.eval(view, near).and(!off);
            if !sure {
                v = v.and(Truth::Unknown);
            }
            values.add(v);
        }
    }
    values
}

/// Every outcome that the term's readings leave, the facts behind them, and the position that chose among them.
fn values(
    s: &Situation<'_, '_>,
    term: &Term,
    view: &View<'_>,
    sure: bool,
    j: &mut Judgment<'_>,
) -> (Values, Vec<FactId>, Option<usize>) {
    let mut facts = Vec::new();
    view.reset();
    let off = term.unless.as_ref().map_or(Truth::False, |u| u.eval(view, Near::Out));
    let (readings, position) = readings(s, term);
    let mut settled = None;
    if let Some(position) = position {
        let matters = outcomes(&term.readings, view, off, sure) != outcomes(readings, view, off, sure);
        *j.positions.entry(position).or_default() |= matters;
        settled = matters.then_some(position);
        view.reset();
        if let Some(unless) = &term.unless {
            unless.eval(view, Near::Out);
        }
    }
    let values = outcomes(readings, view, off, sure);
    if values.open {
        open_facts(readings, term, view, off, &mut facts);
        if !sure {
            facts.extend(s.catalog.facts.find("step.to_perform_similarly"));
        }
    }
    if view.touched_presumption() {
        lean(s, readings, term, view, &mut j.leaned);
    }
    (values, facts, settled)
}

/// The unknown facts that may settle the term.
fn open_facts(readings: &[Reading], term: &Term, view: &View<'_>, off: Truth, facts: &mut Vec<FactId>) {
    for reading in readings {
        if reading.when.eval(view, Near::Out) == Truth::Unknown {
            reading.when.support(view, Near::Out, facts);
        }
    }
    if off == Truth::Unknown
        && let Some(unless) = &term.unless
    {
        unless.support(view, Near::Out, facts);
    }
    facts.sort();
    facts.dedup();
}

/// The presumed facts that the term's value rests on.
fn lean(s: &Situation<'_, '_>, readings: &[Reading], term: &Term, view: &View<'_>, leaned: &mut BTreeSet<Leaned>) {
    let mut facts = Vec::new();
    let mut whole: Vec<&Expr> = readings.iter().map(|r| &r.when).collect();
    // what switches the term off matters only where the term would bite
    if readings.iter().any(|r| r.when.eval(view, Near::In) != Truth::False) {
        whole.extend(&term.unless);
    }
    for e in whole {
        e.support(view, Near::Out, &mut facts);
    }
    for fact in facts.into_iter().filter(|f| view.is_presumed(*f)) {
        leaned.insert(Leaned { fact, license: s.license, clause: term.clause.clone() });
    }
}

fn grant<'c>(s: &Situation<'_, 'c>, license: &'c License, act: Act, j: &mut Judgment<'c>) {
    let mut any = Values::default();
    let mut found: Option<&'c Term> = None;
    let mut facts = Vec::new();
    let mut differ: Vec<&'c Reading> = Vec::new();
    let mut position = None;
    for term in &license.terms {
        let Effect::Grant(acts) = &term.effect else { continue };
        if !acts.has(act) || !term.stands_in(s.edition) {
            continue;
        }
        // a grant of training on outputs is about our use of them, whatever the subject is
        let reach = if act == Act::TrainOnOutputs {
            term.reach.with(Standing::Student).with(Standing::OutputTrained)
        } else {
            term.reach
        };
        for (view, sure) in applies_to_acts(s, reach) {
            let (v, open, settled) = values(s, term, view, sure, j);
            found = Some(found.unwrap_or(term));
            position = position.or(settled);
            // one grant that surely holds is enough
            if v.yes && !v.no && !v.open {
                return;
            }
            any.yes |= v.yes;
            any.open |= v.open;
            any.no |= v.no;
            facts.extend(open);
            if v.yes && v.no {
                differ.extend(readings(s, term).0);
            }
        }
    }
    let to = if found.is_some() { Permission::NeedsSeparateLicense } else { Permission::Prohibited };
    let (sure, gap) = match (any.yes, any.open) {
        (false, false) => (true, None),
        (_, true) => (false, Some(GapKind::Fact)),
        (true, false) => (false, Some(GapKind::Reading)),
    };
    j.range = if sure { j.range.cap(to) } else { j.range.cap_worst(to) };
    let support = if sure { support_of(s, found) } else { facts };
    j.limits.push(Limit {
        license: s.license,
        term: found,
        act: Some(act),
        to,
        sure,
        gap,
        facts: support,
        readings: differ,
        position,
    });
}

fn support_of(s: &Situation<'_, '_>, term: Option<&Term>) -> Vec<FactId> {
    let mut facts = Vec::new();
    for reading in term.into_iter().flat_map(|t| readings(s, t).0) {
        reading.when.support(s.view, Near::Out, &mut facts);
    }
    facts.sort();
    facts.dedup();
    facts
}

fn limit<'c>(s: &Situation<'_, 'c>, term: &'c Term, blocks: Acts, to: Permission, j: &mut Judgment<'c>) {
    if s.code_only || !blocks.overlaps(acts(s)) {
        return;
    }
    for (view, sure) in applies_to_acts(s, term.reach) {
        // the student's training is ours; another's step does not bind us
        let ours = std::ptr::eq(view, s.view);
        if term.by_us && ours && !s.reached.steps.iter().any(|(r, by, _)| *by == By::Us && output_training(*r)) {
            continue;
        }
        let (v, facts, position) = values(s, term, view, sure, j);
        let count = readings(s, term).0;
        let (sure, gap) = match (v.yes, v.no, v.open) {
            (false, true, false) | (false, false, false) => continue,
            (true, false, false) => (true, None),
            (_, _, true) => (false, Some(GapKind::Fact)),
            (true, true, false) => (false, Some(GapKind::Reading)),
        };
        j.range = if sure { j.range.cap(to) } else { j.range.cap_worst(to) };
        let facts = if gap == Some(GapKind::Fact) { facts } else { support(count, view) };
        let differ: Vec<&Reading> =
            if gap == Some(GapKind::Reading) && count.len() > 1 { count.iter().collect() } else { Vec::new() };
        let limit =
            Limit { license: s.license, term: Some(term), act: None, to, sure, gap, facts, readings: differ, position };
        // a fact may be open and the readings differ besides: both are questions
        if v.open && v.yes && v.no {
            let facts = support(count, view);
            j.limits.push(Limit {
                gap: Some(GapKind::Reading),
                facts,
                readings: count.iter().collect(),
                ..limit.clone()
            });
        }
        j.limits.push(limit);
    }
}

fn output_training(r: Relation) -> bool {
    matches!(r, Relation::TrainedOnOutputs | Relation::Distilled | Relation::TrainedOnData)
}

fn support(readings: &[Reading], view: &View<'_>) -> Vec<FactId> {
    let mut facts = Vec::new();
    for reading in readings {
        reading.when.support(view, Near::In, &mut facts);
    }
    facts.sort();
    facts.dedup();
    facts
}

fn due<'c>(s: &Situation<'_, 'c>, term: &'c Term, duty: &'c Duty, j: &mut Judgment<'c>) {
    for (view, sure) in applies(s, term.reach) {
        let student = !std::ptr::eq(view, s.view);
        let Some((by, upstream)) = (if student { Some((Certainty::Owed, false)) } else { who_owes(s, duty) }) else {
            continue;
        };
        let (v, mut facts, _) = values(s, term, view, sure, j);
        let when = match (v.yes, v.no, v.open) {
            (true, false, false) => Some(Certainty::Owed),
            (_, _, true) => Some(Certainty::Conditional),
            (true, true, false) => Some(Certainty::Arguable),
            (false, _, false) => None,
        };
        let when = when.or_else(|| {
            let wider = duty.arguable.as_ref()?;
            (wider.eval(view, Near::Out) != Truth::False).then_some(Certainty::Arguable)
        });
        let Some(when) = when else { continue };
        let mut certainty = by.min(when);
        if s.code_only {
            certainty = Certainty::Arguable;
        }
        if certainty != Certainty::Conditional {
            facts.clear();
        }
        j.due.push(Due { license: s.license, term, duty, certainty, facts, upstream });
    }
}

/// Whether the duty is ours by the steps that were taken; `None` = nobody's here. True = an earlier author's.
fn who_owes(s: &Situation<'_, '_>, duty: &Duty) -> Option<(Certainty, bool)> {
    if !duty.by_us {
        return Some((Certainty::Owed, false));
    }
    let triggers = |r: Relation| {
        if duty.steps.is_empty() { acts_of_step(r).has(Act::Modify) || output_training(r) } else { duty.steps.has(r) }
    };
    let any = |by: By, test: &dyn Fn(Relation) -> bool| s.reached.steps.iter().any(|(r, b, _)| *b == by && test(*r));
    let perhaps = |r: Relation| duty.steps_arguable.has(r);
    if any(By::Us, &triggers) {
        Some((Certainty::Owed, false))
    } else if any(By::Unknown, &triggers) {
        Some((Certainty::Conditional, false))
    } else if any(By::Us, &perhaps) || any(By::Unknown, &perhaps) {
        Some((Certainty::Arguable, false))
    } else if any(By::Upstream, &|r| triggers(r) || perhaps(r)) && duty.upstream == Upstream::Arguable {
        Some((Certainty::Arguable, true))
    } else {
        None
    }
}
