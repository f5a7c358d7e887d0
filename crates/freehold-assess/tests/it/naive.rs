//! The same law once more, slow and plain: every path from a work to the subject is walked on its own, every term is
//! asked along every path, nothing is grouped and nothing is shared with the engine but the catalog and the graph.
//!
//! Written from sections 3 and 5 of the design and from `docs/catalog-format.md`. Left out, and out of the generated cases:
//! statements about code alone, terms that were replaced since, tags under which another text travels, parentheses.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{Access, Agreement, Certainty, Deployment, GapKind, House};
use freehold_base::{
    Basis, By, Claim, Edge, Graph, MadeBy, Month, Permission, Relation, Value, Verdict, Work, WorkKind,
};
use freehold_catalog::condition::{Comparison, Quantity};
use freehold_catalog::{
    Act, Catalog, Duty, Effect, Expr, FactId, License, Match, OutputTrained, Presumed, Standing, Standings, Strictness,
    TagMeaning, Term, Upstream,
};

use Permission::{NeedsSeparateLicense, Permitted, Prohibited};

/// Worst and best.
pub(crate) type Ends = (Permission, Permission);

/// What is compared with the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub verdict: Verdict,
    pub range: Ends,
    pub by_access: Vec<(Access, Ends, Verdict)>,
    pub duties: BTreeSet<(String, Certainty)>,
    pub gaps: BTreeSet<GapKind>,
    /// What the case has that a named exception is about.
    pub marks: BTreeSet<Mark>,
}

impl Outcome {
    /// Without the marks.
    pub(crate) fn plain(&self) -> Outcome {
        Outcome { marks: BTreeSet::new(), ..self.clone() }
    }
}

/// A thing on which the engine is known to differ; see `exceptions.rs`. With an exception in [`Case::faults`] the
/// reference does as the engine does, so that everything else is still compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// Paths of one license that differ are judged as one: standings of some with steps of others, one student for all.
    PathsMerged,
    /// A path stands only if an unknown fact about a step falls so, and what is not granted on it is withheld at once.
    Unsure,
    /// Training on data that a work generated, in two steps, is no training on outputs; training on other data is.
    SplitTraining,
    /// A grant is looked for by what the subject is, not by what the work was when we did something with it; what we did
    /// with a model that was only trained on its outputs counts as done with the work.
    OwnSteps,
    /// What a product generated is the product.
    OutputsOfProduct,

    /// The range of a choice is that of the branch that is taken, whatever the others leave open.
    Choice,
    /// Changes and additions to a text are forgotten where the maker of the work is not stated.
    UnreadOfUnknownMaker,
    /// Any open fact makes an outcome `undetermined`, also one whose answer moves nothing.
    IdleFact,
    /// Two statements about one layer that name a license in two editions are judged under the first.
    TwoEditions,
}

/// Most walks from one work under one license.
const WALKS_MAX: usize = 2_000;
/// Most steps that are tried for them.
const TRIES_MAX: usize = 8_000;

pub(crate) struct Case<'a> {
    pub catalog: &'a Catalog,
    pub graph: &'a Graph,
    pub deployment: &'a Deployment,
    pub made_by: Option<MadeBy>,
    pub house: &'a House,
    /// Where to do as the engine does.
    pub faults: &'a BTreeSet<Mark>,
}

// ---------------------------------------------------------------------------------------------------- truth

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tri {
    No,
    Open,
    Yes,
}

fn known(b: bool) -> Tri {
    if b { Tri::Yes } else { Tri::No }
}

fn flip(t: Tri) -> Tri {
    match t {
        Tri::No => Tri::Yes,
        Tri::Open => Tri::Open,
        Tri::Yes => Tri::No,
    }
}

/// The values that a term's readings leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Values {
    yes: bool,
    no: bool,
    open: bool,
}

/// The facts as one term sees them: what the path, the work and the access say, then what is stated, then what silence
/// means.
struct Eyes<'a> {
    case: &'a Case<'a>,
    over: BTreeMap<FactId, Option<Value>>,
}

impl Eyes<'_> {
    fn get(&self, fact: FactId) -> Option<Value> {
        if let Some(value) = self.over.get(&fact) {
            return value.clone();
        }
        self.case.deployment.get(fact).cloned().or_else(|| match &self.case.catalog.facts.get(fact).presumed {
            Some((Presumed::Value(v), _)) => Some(v.clone()),
            Some((Presumed::Same(other), _)) => self.case.deployment.get(*other).cloned(),
            None => None,
        })
    }

    fn holds(&self, e: &Expr, near_counts: bool) -> Tri {
        match e {
            Expr::Const(b) => known(*b),
            Expr::Not(inner) => flip(self.holds(inner, near_counts)),
            Expr::And(parts) => parts.iter().map(|p| self.holds(p, near_counts)).min().unwrap_or(Tri::Yes),
            Expr::Or(parts) => parts.iter().map(|p| self.holds(p, near_counts)).max().unwrap_or(Tri::No),
            Expr::Holds(fact) => match self.get(*fact) {
                None | Some(Value::History(_)) => Tri::Open,
                Some(Value::Bool(b)) => known(b),
                Some(Value::Text(t)) => known(!t.is_empty()),
                Some(Value::List(l)) => known(!l.is_empty()),
                Some(Value::Number(n)) => known(n != 0),
            },
            Expr::Number { left, op, right } => numbers(self.span(left), *op, self.span(right)),
            Expr::Same { fact, to } => self.get(*fact).map_or(Tri::Open, |v| known(v == *to)),
            Expr::In { fact, list } => self.get(*fact).map_or(Tri::Open, |v| match v {
                Value::Text(t) => known(list.contains(&t)),
                _ => Tri::No,
            }),
            Expr::Overlaps { fact, list } => self.get(*fact).map_or(Tri::Open, |v| match v {
                Value::List(l) => known(l.iter().any(|x| list.contains(x))),
                _ => Tri::No,
            }),
            Expr::StartsWith { fact, prefix } => self.get(*fact).map_or(Tri::Open, |v| match v {
                Value::Text(t) => known(t.strip_prefix(prefix.as_str()).is_some()),
                _ => Tri::No,
            }),
            Expr::Activities { fact, named, near } => match self.get(*fact) {
                Some(Value::List(words)) => {
                    let stated = self.case.catalog.activities.stated(&words);
                    known(stated.overlaps(*named) || near_counts && stated.overlaps(*near))
                }
                _ => Tri::Open,
            },
        }
    }

    /// The least and the most that a quantity may be; an unknown count or amount is anything from zero up.
    fn span(&self, q: &Quantity) -> (i128, i128) {
        const ANY: (i128, i128) = (0, i128::MAX / 4);
        match q {
            Quantity::Literal(n) => (i128::from(*n), i128::from(*n)),
            Quantity::Fact(fact, at) => self.figure(*fact, *at).map_or(ANY, |n| (n, n)),
            Quantity::Sum(sum, at) => {
                let parts = &self.case.catalog.facts.sums[usize::from(*sum)].parts;
                let parts = parts.iter().map(|(fact, by)| match self.figure(*fact, *at) {
                    Some(n) => {
                        let n = (n.max(0) + i128::from(*by) - 1) / i128::from(*by);
                        (n, n)
                    }
                    None => ANY,
                });
                parts.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
            }
        }
    }

    fn figure(&self, fact: FactId, at: Option<Month>) -> Option<i128> {
        let own = self.get(fact);
        let Some(month) = at else {
            return match own? {
                Value::Number(n) => Some(i128::from(n)),
                Value::History(h) => h.values().last().map(|n| i128::from(*n)),
                _ => None,
            };
        };
        if let Some(Value::History(h)) = &own
            && let Some(n) = h.get(&month)
        {
            return Some(i128::from(*n));
        }
        // a figure without a month says nothing about another month; the fact that asks for that month does
        match self.get(self.case.catalog.facts.get(fact).at_release?)? {
            Value::Number(n) => Some(i128::from(n)),
            _ => None,
        }
    }
}

fn numbers(a: (i128, i128), op: Comparison, b: (i128, i128)) -> Tri {
    let point = a.0 == a.1 && b.0 == b.1;
    let apart = a.1 < b.0 || b.1 < a.0;
    let equal = match (point && a.0 == b.0, apart) {
        (true, _) => Tri::Yes,
        (_, true) => Tri::No,
        _ => Tri::Open,
    };
    // where it holds even in the least favorable corner it always does; where it fails in the most favorable, never
    let corners = |worst: bool, best: bool| match (worst, best) {
        (true, _) => Tri::Yes,
        (false, false) => Tri::No,
        (false, true) => Tri::Open,
    };
    match op {
        Comparison::Equal => equal,
        Comparison::Unequal => flip(equal),
        Comparison::Greater => corners(a.0 > b.1, a.1 > b.0),
        Comparison::AtLeast => corners(a.0 >= b.1, a.1 >= b.0),
        Comparison::Less => corners(a.1 < b.0, a.0 < b.1),
        Comparison::AtMost => corners(a.1 <= b.0, a.0 <= b.1),
    }
}

// ---------------------------------------------------------------------------------------------------- statements

/// A license statement. Small: names joined by ` OR ` and ` AND `, `AND` binding closer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    License(usize),
    Unread(String),
    Family(String),
    Missing,
    All(Vec<Said>),
    Any(Vec<Said>),
}

fn read(text: &str, catalog: &Catalog) -> Option<Said> {
    let name = |n: &str| match (catalog.license_named(n), catalog.tags.meaning(n)) {
        (Some(i), _) => Some(Said::License(i)),
        (None, Some(TagMeaning::Silent)) => None,
        (None, Some(TagMeaning::Family(_))) => Some(Said::Family(n.to_string())),
        (None, None) => Some(Said::Unread(n.to_string())),
    };
    if !text.contains(" OR ") && !text.contains(" AND ") {
        return name(text);
    }
    let one = |n: &str| name(n).unwrap_or_else(|| Said::Unread(n.to_string()));
    let all = |part: &str| match part.split(" AND ").map(one).collect::<Vec<_>>() {
        mut parts if parts.len() == 1 => parts.remove(0),
        parts => Said::All(parts),
    };
    Some(match text.split(" OR ").map(all).collect::<Vec<_>>() {
        mut parts if parts.len() == 1 => parts.remove(0),
        parts => Said::Any(parts),
    })
}

fn licenses_of(said: &Said) -> BTreeSet<usize> {
    match said {
        Said::License(i) => BTreeSet::from([*i]),
        Said::All(parts) | Said::Any(parts) => parts.iter().flat_map(licenses_of).collect(),
        _ => BTreeSet::new(),
    }
}

/// How much a statement limits: of several that bind the most, of a choice the least; `None` = nobody knows.
fn strictness(said: &Said, catalog: &Catalog) -> Option<Strictness> {
    match said {
        Said::License(i) => Some(catalog.licenses[*i].strictness),
        Said::All(parts) => parts.iter().filter_map(|p| strictness(p, catalog)).max(),
        Said::Any(parts) => parts.iter().map(|p| strictness(p, catalog)).min().flatten(),
        _ => None,
    }
}

/// A statement that is weighed for a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Weighed {
    said: Said,
    edition: Option<String>,
    altered: bool,
    additions: Vec<String>,
    beside: Vec<String>,
    /// Binds only if somebody else made the work, and who did is not stated.
    perhaps: bool,
    basis: Basis,
}

#[derive(Clone, Debug, Default)]
struct Layer {
    weighed: Vec<Weighed>,
    /// Every statement that counted, also those that agreed with another, is a tag.
    tags_only: bool,
    /// What we would be saying of our own work.
    outbound: Vec<Said>,
    displaced: bool,
}

const COPIES: [Relation; 3] = [Relation::Copy, Relation::Converted, Relation::Quantized];
const WEIGHTS: [Relation; 8] = [
    Relation::Copy,
    Relation::Converted,
    Relation::Quantized,
    Relation::Adapter,
    Relation::Finetune,
    Relation::Merge,
    Relation::Derived,
    Relation::Distilled,
];

// ---------------------------------------------------------------------------------------------------- paths

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Is {
    Materials,
    Derivative,
    Product,
    OutputTrained,
    /// Data that the work generated.
    Outputs,
    /// Trained on it, and the license says nothing of that: who trained it has run the work all the same.
    Free,
}

impl Is {
    fn standing(self) -> Option<Standing> {
        match self {
            Is::Materials => Some(Standing::Materials),
            Is::Derivative => Some(Standing::Derivative),
            Is::Product => Some(Standing::Product),
            Is::OutputTrained => Some(Standing::OutputTrained),
            Is::Outputs | Is::Free => None,
        }
    }
}

/// A path from a work to the subject, as far as a license cares.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    /// What the subject is to the work; false = only if an unknown fact falls so.
    standings: BTreeMap<Standing, bool>,
    /// Relation, by us. `trained-on-data` over `outputs-of` is `trained-on-outputs`.
    steps: BTreeSet<(Relation, bool)>,
    /// What we did with the work, and what it was when we did it. A model that was only trained on its outputs is
    /// another work.
    handled: BTreeSet<(Standing, Act)>,
    /// The model on the path that is trained on outputs.
    student: Option<usize>,
}

impl Path {
    fn holds(&self) -> bool {
        self.standings.keys().any(|s| matches!(s, Standing::Materials | Standing::Derivative | Standing::Product))
    }

    fn sure(&self) -> bool {
        self.standings.values().any(|sure| *sure)
    }
}

fn trains(r: Relation) -> bool {
    matches!(r, Relation::Distilled | Relation::TrainedOnOutputs)
}

fn acts_of_step(r: Relation) -> &'static [Act] {
    match r {
        Relation::Copy => &[Act::Copy],
        Relation::Converted
        | Relation::Quantized
        | Relation::Adapter
        | Relation::Finetune
        | Relation::Merge
        | Relation::Derived => &[Act::Use, Act::Modify],
        Relation::Distilled | Relation::TrainedOnOutputs => &[Act::Use, Act::TrainOnOutputs],
        Relation::OutputsOf => &[Act::Use],
        Relation::TrainedOnData | Relation::Component => &[],
    }
}

fn acts_of_access(a: Access) -> &'static [Act] {
    match a {
        Access::Internal => &[Act::Use],
        Access::HostedApi | Access::HostedApp => &[Act::Use, Act::MakeAvailable],
        Access::EmbeddedProduct | Access::Weights => &[Act::Use, Act::Copy, Act::Distribute],
    }
}

// ---------------------------------------------------------------------------------------------------- outcomes

/// An outcome that keeps its open questions, so that each can be answered and the answer looked at.
#[derive(Clone, Debug)]
enum Tree {
    /// Caps at `to`: for sure, or if the question `key` falls badly.
    Cap { to: Permission, open: Option<(GapKind, Key)> },
    /// All bind.
    Meet(Vec<Tree>),
    /// One of them may be chosen.
    Join(Vec<Tree>),
    /// One of them is true, nobody knows which.
    Hull(Vec<Tree>),
    /// Binds only if `key` falls so.
    Perhaps(Box<Tree>, Key),
    /// The first if `key` falls so, else the second.
    Either(Box<Tree>, Box<Tree>, Key),
}

type Key = String;

impl Tree {
    fn ends(&self, answer: Option<(&str, bool)>) -> Ends {
        let falls = |key: &str| answer.filter(|(k, _)| *k == key).map(|(_, bad)| bad);
        let fold = |parts: &[Tree],
                    worst: fn(Permission, Permission) -> Permission,
                    best: fn(Permission, Permission) -> Permission| {
            parts
                .iter()
                .map(|p| p.ends(answer))
                .reduce(|a, b| (worst(a.0, b.0), best(a.1, b.1)))
                .unwrap_or((Permitted, Permitted))
        };
        match self {
            Tree::Cap { to, open: None } => (*to, *to),
            Tree::Cap { to, open: Some((_, key)) } => match falls(key) {
                Some(true) => (*to, *to),
                Some(false) => (Permitted, Permitted),
                None => (*to, Permitted),
            },
            Tree::Meet(parts) => fold(parts, Ord::min, Ord::min),
            Tree::Join(parts) => fold(parts, Ord::max, Ord::max),
            Tree::Hull(parts) => fold(parts, Ord::min, Ord::max),
            Tree::Perhaps(inner, key) => {
                let inner = inner.ends(answer);
                match falls(key) {
                    Some(true) => inner,
                    Some(false) => (Permitted, Permitted),
                    None => (inner.0, Permitted),
                }
            }
            Tree::Either(first, second, key) => {
                let (a, b) = (first.ends(answer), second.ends(answer));
                match falls(key) {
                    Some(true) => a,
                    Some(false) => b,
                    None => (a.0.min(b.0), a.1.max(b.1)),
                }
            }
        }
    }

    /// The questions of fact.
    fn fact_keys<'t>(&'t self, out: &mut BTreeSet<&'t str>) {
        match self {
            Tree::Cap { open: Some((GapKind::Fact, key)), .. } => {
                out.insert(key);
            }
            Tree::Cap { .. } => {}
            Tree::Meet(parts) | Tree::Join(parts) | Tree::Hull(parts) => parts.iter().for_each(|p| p.fact_keys(out)),
            Tree::Perhaps(inner, key) => {
                inner.fact_keys(out);
                out.insert(key);
            }
            Tree::Either(first, second, key) => {
                first.fact_keys(out);
                second.fact_keys(out);
                out.insert(key);
            }
        }
    }

    /// True where the answer to some question of fact leaves less open than before.
    fn a_fact_narrows(&self) -> bool {
        let now = self.ends(None);
        let mut keys = BTreeSet::new();
        self.fact_keys(&mut keys);
        keys.iter().any(|key| [true, false].iter().any(|bad| self.ends(Some((key, *bad))) != now))
    }
}

/// A duty as one term asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    code: String,
    text: Option<String>,
    certainty: Certainty,
    /// License, term, and whether it is about the model that our use trains.
    source: (usize, String, bool),
}

#[derive(Clone, Debug)]
struct Found {
    tree: Tree,
    gaps: BTreeSet<GapKind>,
    due: BTreeSet<Due>,
}

impl Found {
    fn nothing() -> Found {
        Found { tree: Tree::Meet(vec![]), gaps: BTreeSet::new(), due: BTreeSet::new() }
    }

    fn open(kind: GapKind, to: Permission, key: Key) -> Found {
        let tree = Tree::Cap { to, open: Some((kind, key)) };
        Found { tree, gaps: BTreeSet::from([kind]), due: BTreeSet::new() }
    }

    fn all(parts: Vec<Found>, how: fn(Vec<Tree>) -> Tree) -> Found {
        let gaps = parts.iter().flat_map(|p| p.gaps.iter().copied()).collect();
        let due = parts.iter().flat_map(|p| p.due.iter().cloned()).collect();
        Found { tree: how(parts.into_iter().map(|p| p.tree).collect()), gaps, due }
    }

    fn at_most_conditional(&mut self) {
        let due = std::mem::take(&mut self.due);
        self.due = due.into_iter().map(|d| Due { certainty: d.certainty.min(Certainty::Conditional), ..d }).collect();
    }

    fn owed(&self) -> usize {
        self.due.iter().filter(|d| d.certainty == Certainty::Owed).map(|d| &d.source).collect::<BTreeSet<_>>().len()
    }
}

/// Section 3: a point is that point, `permitted` with or without duties; wider with a fact whose answer narrows it is
/// undetermined; else counsel settles it.
fn verdict(ends: Ends, a_fact_narrows: bool, duty: bool) -> Verdict {
    match ends {
        (Prohibited, Prohibited) => Verdict::Prohibited,
        (NeedsSeparateLicense, NeedsSeparateLicense) => Verdict::NeedsSeparateLicense,
        (Permitted, Permitted) if duty => Verdict::PermittedWithObligations,
        (Permitted, Permitted) => Verdict::Permitted,
        _ if a_fact_narrows => Verdict::Undetermined,
        _ => Verdict::NeedsReview,
    }
}

// ---------------------------------------------------------------------------------------------------- the evaluator

struct Evaluator<'a> {
    case: &'a Case<'a>,
    above: BTreeSet<usize>,
    layers: BTreeMap<usize, Layer>,
    paths: BTreeMap<(usize, usize), BTreeSet<Path>>,
    marks: BTreeSet<Mark>,
}

/// Assesses; `None` where the graph has more paths than one cares to walk.
pub(crate) fn assess(case: &Case<'_>) -> Option<Outcome> {
    let mut all = Evaluator {
        case,
        above: leads_to(case.graph, case.graph.subject, |_| true),
        layers: BTreeMap::new(),
        paths: BTreeMap::new(),
        marks: BTreeSet::new(),
    };
    all.conclude();
    all.walk_all()?;
    let stated = case.deployment.accesses(case.catalog);
    let accesses = stated.clone().unwrap_or_else(|| Access::ALL.to_vec());
    let each: Vec<(Access, Found)> = accesses.iter().map(|a| (*a, all.one_access(*a))).collect();
    let mut by_access = Vec::new();
    let mut gaps = BTreeSet::new();
    let mut duties: BTreeMap<(String, Option<String>), (Certainty, BTreeSet<Access>)> = BTreeMap::new();
    for (access, found) in &each {
        let ends = found.tree.ends(None);
        let narrows = all.narrows(&found.tree, &found.gaps);
        gaps.extend(&found.gaps);
        let duty = found.due.iter().any(|d| d.certainty >= Certainty::Conditional);
        for d in &found.due {
            let entry =
                duties.entry((d.code.clone(), d.text.clone())).or_insert((Certainty::Arguable, BTreeSet::new()));
            entry.0 = entry.0.max(d.certainty);
            entry.1.insert(*access);
        }
        by_access.push((*access, ends, verdict(ends, narrows, duty)));
    }
    let trees: Vec<Tree> = each.into_iter().map(|(_, f)| f.tree).collect();
    let open = stated.is_none();
    let whole = if open { Tree::Hull(trees) } else { Tree::Meet(trees) };
    let range = whole.ends(None);
    let mut narrows = all.narrows(&whole, &gaps);
    if open {
        // a duty that is due for some accesses only hangs on the access
        for (certainty, due_for) in duties.values_mut().filter(|d| d.1.len() < Access::ALL.len()) {
            *certainty = (*certainty).min(Certainty::Conditional);
            due_for.clear();
        }
        if by_access.iter().any(|(_, ends, _)| *ends != range) {
            narrows = true;
            gaps.insert(GapKind::Fact);
        }
    }

    let duties: BTreeSet<(String, Certainty)> = duties.into_iter().map(|((code, _), (c, _))| (code, c)).collect();
    let duty = duties.iter().any(|(_, c)| *c >= Certainty::Conditional);
    Some(Outcome { verdict: verdict(range, narrows, duty), range, by_access, duties, gaps, marks: all.marks })
}

/// The works from which steps that `follow` accepts lead to `end`; `end` among them.
fn leads_to(graph: &Graph, end: usize, follow: impl Fn(&Edge) -> bool) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([end]);
    for _ in 0..graph.works.len() {
        for e in graph.edges.iter().filter(|e| e.child != e.parent && follow(e)) {
            if found.contains(&e.child) {
                found.insert(e.parent);
            }
        }
    }
    found
}

impl<'a> Evaluator<'a> {
    /// Notes that the case has what a named exception is about; true where that exception is in force.
    fn does(&mut self, mark: Mark) -> bool {
        self.marks.insert(mark);
        self.case.faults.contains(&mark)
    }

    fn narrows(&mut self, tree: &Tree, gaps: &BTreeSet<GapKind>) -> bool {
        let (worst, best) = tree.ends(None);
        if worst == best || !gaps.contains(&GapKind::Fact) {
            return false;
        }
        tree.a_fact_narrows() || self.does(Mark::IdleFact)
    }
    fn work(&self, w: usize) -> &'a Work {
        &self.case.graph.works[w]
    }

    fn steps_into(&self, w: usize) -> impl Iterator<Item = &'a Edge> {
        self.case.graph.edges.iter().filter(move |e| e.child == w && e.parent != w)
    }

    fn maker(&self, w: usize) -> Option<MadeBy> {
        if w == self.case.graph.subject { self.case.made_by.or(self.work(w).made_by) } else { self.work(w).made_by }
    }

    /// True where we took the step.
    fn by_us(&self, e: &Edge) -> bool {
        match self.case.made_by {
            Some(maker) if e.child == self.case.graph.subject => maker == MadeBy::Organization,
            _ => e.by == By::Us,
        }
    }

    // ------------------------------------------------------------------------------------ what a layer stands under

    fn conclude(&mut self) {
        let works: Vec<usize> = self.above.iter().copied().collect();
        for &w in &works {
            let layer = self.layer(w);
            self.layers.insert(w, layer);
        }
        let catalog = self.case.catalog;
        let bases: Vec<(BTreeSet<usize>, bool)> =
            works.iter().map(|w| (self.bases(*w), self.adds_no_layer(*w))).collect();
        for (w, (bases, copied)) in works.iter().zip(bases) {
            let layer = self.layers.get_mut(w).unwrap();
            // a copy has no layer: on it a tag that names a family of texts says no more than the original's license
            let empty = |said: &Said| copied && bases.iter().any(|b| one_of(said, *b, catalog));
            layer.weighed.retain(|l| !empty(&l.said));
            layer.outbound.retain(|said| !empty(said));
            layer.displaced = displaced(layer, &bases, copied, catalog);
        }
    }

    /// True for a copy, in whatever container and precision, of what it came from.
    fn adds_no_layer(&self, w: usize) -> bool {
        let mut steps = self.steps_into(w).map(|e| e.relation).peekable();
        let same = |r: Relation| matches!(r, Relation::Copy | Relation::Converted | Relation::Quantized);
        steps.peek().is_some() && steps.all(same)
    }

    fn layer(&mut self, w: usize) -> Layer {
        let work = self.work(w);
        let maker = self.maker(w);
        let ours = maker == Some(MadeBy::Organization);
        let unknown_maker = maker.is_none() && !work.known;
        let steps: Vec<Relation> = self.steps_into(w).map(|e| e.relation).collect();
        let alone = steps.iter().all(|r| *r == Relation::TrainedOnData);
        let mut layer = Layer { tags_only: true, ..Layer::default() };
        let mut inbound: Vec<Weighed> = Vec::new();
        for claim in &work.claims {
            let Some(mut said) = weighed(claim, self.case.catalog) else { continue };
            let plain = !claim.expression && claim.basis != Basis::Told;
            // what is said of a layer of ours is our own choice for it; the user's word on a work that stands on
            // nothing may be what it was taken under
            let choice = match claim.basis {
                Basis::Catalog => false,
                Basis::Told => !alone,
                Basis::Recognized | Basis::Declared | Basis::Inferred => true,
            };
            if ours && !claim.expression && choice {
                layer.outbound.push(said.said);
                continue;
            }
            if unknown_maker && plain {
                said.perhaps = true;
                layer.outbound.push(said.said.clone());
            }
            inbound.push(said);
        }
        let missing = |perhaps| Weighed {
            said: Said::Missing,
            edition: None,
            altered: false,
            additions: vec![],
            beside: vec![],
            perhaps,
            basis: Basis::Inferred,
        };
        let only_copied = !steps.is_empty() && steps.iter().all(|r| COPIES.contains(r));
        let adds = work.kind == WorkKind::Model && !ours && !only_copied;
        if inbound.is_empty() {
            // nothing is said: whoever made it granted nothing; what stands on another's work is judged by that
            if adds && (!unknown_maker || alone) {
                layer.weighed.push(missing(unknown_maker));
            }
            return layer;
        }
        self.choose(inbound, &mut layer);
        layer
    }

    /// The first that applies; what differs from it is in dispute, or set aside.
    fn choose(&mut self, inbound: Vec<Weighed>, layer: &mut Layer) {
        let catalog = self.case.catalog;
        let order = [Basis::Told, Basis::Catalog, Basis::Recognized, Basis::Declared];
        let Some(first) = order.into_iter().find(|b| inbound.iter().any(|i| i.basis == *b)) else { return };
        for i in inbound.iter().filter(|i| i.basis == first) {
            layer.tags_only &= i.basis == Basis::Declared;
            if !layer.weighed.contains(i) {
                layer.weighed.push(i.clone());
            }
        }
        for basis in [Basis::Recognized, Basis::Declared] {
            for i in inbound.iter().filter(|i| i.basis == basis && basis != first) {
                if let Some(same) = layer.weighed.iter_mut().find(|l| l.said == i.said) {
                    // it agrees, and may say which edition
                    if same.edition.is_none() {
                        same.edition.clone_from(&i.edition);
                    }
                    same.altered |= i.altered;
                    layer.tags_only &= basis == Basis::Declared;
                    continue;
                }
                if layer.weighed.iter().any(|l| matches!(l.said, Said::License(law) if one_of(&i.said, law, catalog))) {
                    // the tag names several texts, and what leads is one of them
                    layer.tags_only &= basis == Basis::Declared;
                    continue;
                }
                let stricter =
                    layer.weighed.iter().all(|l| strictness(&i.said, catalog) > strictness(&l.said, catalog));
                let outranked = matches!(first, Basis::Told | Basis::Catalog) && basis == Basis::Declared;
                if outranked && !stricter {
                    continue;
                }
                layer.tags_only &= basis == Basis::Declared;
                layer.weighed.push(i.clone());
            }
        }
    }

    /// The licenses of what the work's weights were made from.
    fn bases(&self, w: usize) -> BTreeSet<usize> {
        let mut bases = BTreeSet::new();
        for e in self.steps_into(w).filter(|e| WEIGHTS.contains(&e.relation)) {
            for above in leads_to(self.case.graph, e.parent, |e| WEIGHTS.contains(&e.relation)) {
                let said = self.layers.get(&above).into_iter().flat_map(|l| &l.weighed);
                bases.extend(said.flat_map(|l| licenses_of(&l.said)));
            }
        }
        bases
    }

    // ------------------------------------------------------------------------------------ paths

    fn walk_all(&mut self) -> Option<()> {
        let pairs: Vec<(usize, usize)> = self
            .layers
            .iter()
            .flat_map(|(w, l)| l.weighed.iter().flat_map(|s| licenses_of(&s.said)).map(move |i| (*w, i)))
            .chain(self.layers.keys().flat_map(|w| self.agreements(*w).into_iter().map(|(_, a)| (*w, a.license))))
            .collect();
        for (w, license) in pairs {
            let paths = self.walk(w, &self.case.catalog.licenses[license])?;
            self.paths.insert((w, license), paths);
        }
        let alone = self.paths.clone();
        for (w, license) in alone.keys() {
            let alike = self.layers.keys().filter(|o| self.alike(*w, **o)).filter_map(|o| alone.get(&(*o, *license)));
            let all: BTreeSet<&Path> = alike.flatten().collect();
            if all.len() < 2 || !self.does(Mark::PathsMerged) {
                continue;
            }
            let mut merged = Path::default();
            for path in all {
                for (standing, sure) in &path.standings {
                    *merged.standings.entry(*standing).or_default() |= sure;
                }
                merged.steps.extend(&path.steps);
                merged.handled.extend(&path.handled);
                merged.student = merged.student.into_iter().chain(path.student).min();
            }
            self.paths.insert((*w, *license), BTreeSet::from([merged]));
        }
        Some(())
    }

    /// True for works under the same statements with the same facts.
    fn alike(&self, a: usize, b: usize) -> bool {
        let (x, y) = (&self.layers[&a], &self.layers[&b]);
        let dataset = |w: usize| self.work(w).kind == WorkKind::Dataset;
        let said =
            |l: &Layer| l.weighed.iter().map(|w| Weighed { basis: Basis::Told, ..w.clone() }).collect::<Vec<_>>();
        let agreed = |w: usize| self.agreements(w).into_iter().map(|(i, _)| i).collect::<Vec<_>>();
        x.displaced == y.displaced
            && agreed(a) == agreed(b)
            && self.work(a).facts == self.work(b).facts
            && dataset(a) == dataset(b)
            && said(x) == said(y)
    }

    /// Every path from the work to the subject. A cycle may be gone round once: no step is taken
    /// more than twice from the same standing.
    fn walk(&mut self, start: usize, law: &License) -> Option<BTreeSet<Path>> {
        struct Open {
            at: usize,
            is: Is,
            sure: bool,
            taken: Vec<(usize, Is, bool)>,
            steps: BTreeSet<(Relation, bool)>,
            handled: BTreeSet<(Standing, Act)>,
            students: BTreeSet<usize>,
        }
        let graph = self.case.graph;
        let mut out = BTreeSet::new();
        let mut tries = 0;
        let first = Open {
            at: start,
            is: Is::Materials,
            sure: true,
            taken: vec![],
            steps: BTreeSet::new(),
            handled: BTreeSet::new(),
            students: BTreeSet::new(),
        };
        let mut open = vec![first];
        let mut ended = 0;
        while let Some(here) = open.pop() {
            if here.at == graph.subject && here.is != Is::Outputs {
                ended += 1;
                let standings: BTreeMap<_, _> = here.is.standing().map(|s| (s, here.sure)).into_iter().collect();
                let path = |student| Path {
                    standings: standings.clone(),
                    steps: here.steps.clone(),
                    handled: here.handled.clone(),
                    student,
                };
                if here.students.is_empty() {
                    out.insert(path(None));
                }
                out.extend(here.students.iter().map(|s| path(Some(*s))));
            }
            for (i, e) in graph.edges.iter().enumerate().filter(|(_, e)| e.parent == here.at && e.child != here.at) {
                let step = (i, here.is, here.sure);
                if !self.above.contains(&e.child) || here.taken.iter().filter(|t| **t == step).count() >= 2 {
                    continue;
                }
                tries += 1;
                if tries > TRIES_MAX || ended > WALKS_MAX {
                    return None;
                }

                let Some((is, sure)) = self.step(law, here.is, e) else { continue };
                let mut next = Open {
                    at: e.child,
                    is,
                    sure: here.sure && sure,
                    taken: here.taken.iter().copied().chain([step]).collect(),
                    steps: here.steps.clone(),
                    handled: here.handled.clone(),
                    students: here.students.clone(),
                };
                let on_outputs = here.is == Is::Outputs && e.relation == Relation::TrainedOnData;
                let split = e.relation == Relation::TrainedOnData && self.does(Mark::SplitTraining);
                let relation = if on_outputs && !split { Relation::TrainedOnOutputs } else { e.relation };
                if here.is != Is::Free {
                    next.steps.insert((relation, self.by_us(e)));
                }
                if self.by_us(e) && !matches!(here.is, Is::OutputTrained | Is::Free) {
                    // data that a work generated is handled for the work that generated it
                    let was = here.is.standing().unwrap_or(Standing::Materials);
                    next.handled.extend(acts_of_step(relation).iter().map(|act| (was, *act)));
                }
                // a derivative of a derivative is asked about as a derivative; no license asks more of it
                if (trains(e.relation) || on_outputs) && next.is != here.is {
                    next.students.insert(e.child);
                }
                open.push(next);
            }
        }
        Some(out)
    }

    /// What a step makes of the licensed work; `None` = the license does not reach there, `false` = only if an unknown
    /// fact falls so.
    fn step(&mut self, law: &License, is: Is, e: &Edge) -> Option<(Is, bool)> {
        let r = e.relation;
        let named = law.reach.derivative.has(r);
        match is {
            // data that the work generated: passed on, or trained on
            Is::Outputs => match r {
                Relation::Copy | Relation::Converted => Some((Is::Outputs, true)),
                Relation::TrainedOnData => self.trained_on_outputs(law, e),
                _ => None,
            },
            Is::Free => Some((is, true)),
            // named by some terms, and no further
            Is::OutputTrained => (r == Relation::Copy).then_some((is, true)),
            Is::Product => match r {
                Relation::OutputsOf if self.does(Mark::OutputsOfProduct) => Some((Is::Product, true)),
                Relation::OutputsOf => Some((Is::Outputs, true)),
                _ if trains(r) && named => Some((Is::Derivative, true)),
                _ if trains(r) => self.trained_on_outputs(law, e),
                _ => Some((Is::Product, true)),
            },
            Is::Materials | Is::Derivative => match r {
                Relation::Component => Some((Is::Product, true)),
                Relation::OutputsOf => Some((Is::Outputs, true)),
                // a copy of the materials is the materials
                Relation::Copy if is == Is::Materials => Some((is, true)),
                _ if named => Some((Is::Derivative, true)),
                Relation::Distilled | Relation::TrainedOnOutputs => self.trained_on_outputs(law, e),
                Relation::Copy | Relation::Converted | Relation::Quantized => Some((is, true)),
                Relation::Derived | Relation::Finetune | Relation::Adapter | Relation::Merge => {
                    Some((Is::Derivative, true))
                }
                Relation::TrainedOnData => None,
            },
        }
    }

    fn trained_on_outputs(&self, law: &License, e: &Edge) -> Option<(Is, bool)> {
        let is = match law.reach.output_trained.0 {
            OutputTrained::Derivative => Is::Derivative,
            OutputTrained::NamedOnly => Is::OutputTrained,
            OutputTrained::None => return Some((Is::Free, true)),
        };
        let child = &self.case.graph.works[e.child];
        // to distill is to imitate
        let similar = (e.relation == Relation::Distilled)
            .then_some(true)
            .or_else(|| self.described("step.to_perform_similarly", child.description.as_deref()));
        let eyes = self.eyes([("step.to_perform_similarly", similar.map(Value::Bool))]);
        match eyes.holds(&law.reach.output_trained.1, false) {
            Tri::Yes => Some((is, true)),
            Tri::Open => Some((is, false)),
            Tri::No => Some((Is::Free, true)),
        }
    }

    // ------------------------------------------------------------------------------------ facts

    fn eyes<'n>(&self, over: impl IntoIterator<Item = (&'n str, Option<Value>)>) -> Eyes<'a> {
        let facts = &self.case.catalog.facts;
        let over = over.into_iter().filter_map(|(name, v)| facts.find(name).map(|id| (id, v))).collect();
        Eyes { case: self.case, over }
    }

    /// What a description answers, by the words of `facts.toml`.
    fn described(&self, fact: &str, description: Option<&str>) -> Option<bool> {
        let facts = &self.case.catalog.facts;
        let (no, yes) = &facts.get(facts.find(fact)?).words_for;
        let text = description?.to_lowercase();
        let hit = |words: &[String]| words.iter().any(|w| text.contains(w.as_str()));
        match (hit(no), hit(yes)) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        }
    }

    /// Whether the catalog has this model, or one that it is built on, under the license.
    fn same_family(&self, id: &str, license: usize, deep: usize) -> Option<bool> {
        let catalog = self.case.catalog;
        let like = &catalog.licenses[license].like;
        let license = like.as_ref().map_or(license, |l| catalog.license_named(l).unwrap());
        let rows = match catalog.models.resolve(id)? {
            Match::Id(rows) => rows,
            Match::Reupload { model, .. } => catalog.models.find(&model),
        };
        let mut found = None;
        for row in rows {
            let same = catalog.license_named(&row.license) == Some(license);
            let above = |(p, _): &(String, Relation)| deep > 0 && self.same_family(p, license, deep - 1) == Some(true);
            found = Some(found == Some(true) || same || row.parents.iter().any(above));
        }
        found
    }

    /// The facts of a model in the graph that is trained on outputs.
    fn student_in_graph(&self, w: usize, license: usize, access: Access) -> Vec<(&'static str, Option<Value>)> {
        let work = self.work(w);
        let bases: Vec<&str> = self
            .steps_into(w)
            .filter(|e| WEIGHTS.contains(&e.relation) && !trains(e.relation))
            .map(|e| self.work(e.parent).id.as_str())
            .collect();
        let each: Vec<Option<bool>> = bases.iter().map(|b| self.same_family(b, license, 8)).collect();
        let same = if bases.is_empty() {
            let scratch = work.description.as_deref().is_some_and(|d| d.to_lowercase().contains("from scratch"));
            scratch.then_some(false)
        } else if each.contains(&Some(true)) {
            Some(true)
        } else if each.contains(&None) {
            None
        } else {
            Some(false)
        };
        let row = bases.iter().find_map(|b| self.case.catalog.models.find(b).iter().find_map(|r| r.language_model));
        let language = row.or_else(|| self.described("student.language_model", work.description.as_deref()));
        vec![
            ("student.same_family", same.map(Value::Bool)),
            ("student.language_model", language.map(Value::Bool)),
            ("student.distributed", Some(Value::Bool(access != Access::Internal))),
            ("student.name", work.name.clone().map(Value::Text)),
        ]
    }

    /// The facts of the model that our use trains on outputs; `None` = it trains none.
    fn student_of_use(&self, license: usize) -> Option<Vec<(&'static str, Option<Value>)>> {
        let catalog = self.case.catalog;
        let stated =
            |name: &str| self.case.deployment.named(catalog, &format!("use.trains_on_outputs.{name}")).cloned();
        let all = catalog.facts.iter().filter(|(_, f)| f.name.starts_with("use.trains_on_outputs."));
        if all.into_iter().all(|(id, _)| self.case.deployment.get(id).is_none()) {
            return None;
        }
        let text = |v: Option<Value>| match v {
            Some(Value::Text(t)) => Some(t),
            _ => None,
        };
        let (base, description) = (text(stated("student_base")), text(stated("student")));
        let model = base.or(description.clone());
        let same = stated("same_family").or_else(|| self.same_family(model.as_deref()?, license, 8).map(Value::Bool));
        let rows = model.as_deref().map(|m| catalog.models.find(m)).unwrap_or_default();
        let language = rows
            .iter()
            .find_map(|r| r.language_model)
            .or_else(|| self.described("student.language_model", description.as_deref()));
        Some(vec![
            ("student.same_family", same),
            ("student.language_model", language.map(Value::Bool)),
            ("student.distributed", stated("distributed")),
            ("student.name", stated("name")),
            ("student.foundational", stated("student_foundational")),
            ("student.competes", stated("student_competes")),
        ])
    }

    // ------------------------------------------------------------------------------------ judging

    fn one_access(&mut self, access: Access) -> Found {
        let works: Vec<usize> = self.layers.keys().copied().collect();
        let each = works.into_iter().map(|w| self.one_work(w, access)).collect();
        Found::all(each, Tree::Meet)
    }

    fn one_work(&mut self, w: usize, access: Access) -> Found {
        let Some(first) = self.layers[&w].weighed.first().cloned() else { return Found::nothing() };
        let perhaps = self.layers[&w].weighed.iter().any(|l| l.perhaps);
        let covers = self.covers(w, None, access);
        self.under(&covers, access, &mut |all, agreement| match agreement {
            None => all.as_stated(w, access),
            Some(license) => {
                let key = format!("{w}/agreed");
                let found = all.license(&key, w, &first, license, false, access);
                if perhaps { only_if_made_by_others(found, &key) } else { found }
            }
        })
    }

    /// Agreements in force that name the work and a license that it stands under, or all that is said of it.
    fn agreements(&self, w: usize) -> Vec<(usize, &'a Agreement)> {
        let catalog = self.case.catalog;
        let layer = &self.layers[&w];
        let under: BTreeSet<usize> = layer
            .weighed
            .iter()
            .flat_map(|l| {
                let beside = l.beside.iter().filter_map(|b| catalog.license_named(b));
                licenses_of(&l.said).into_iter().chain(beside)
            })
            .collect();
        let day = self.case.house.day.as_str();
        let term = |a: &Agreement| day >= a.entry.from.as_str() && a.entry.until.as_deref().is_none_or(|u| day <= u);
        let about = |a: &Agreement| match a.replaces.is_empty() {
            true => !layer.weighed.is_empty(),
            false => a.replaces.iter().any(|r| under.contains(r)),
        };
        let all = self.case.house.agreements.iter().enumerate();
        all.filter(|(_, a)| term(a) && a.names(&self.work(w).id) && about(a)).collect()
    }

    /// Which of them cover a use, in order, up to the first that surely does.
    fn covers(&self, w: usize, license: Option<usize>, access: Access) -> Vec<(usize, &'a Agreement, Tri)> {
        let eyes = self.eyes([("use.access", Some(Value::List(vec![access.as_str().to_string()])))]);
        let mut out = Vec::new();
        for (i, a) in self.agreements(w) {
            let meant = license.map_or(a.replaces.is_empty(), |l| a.replaces.contains(&l));
            let covers = eyes.holds(&a.uses, false);
            if meant && covers != Tri::No {
                out.push((i, a, covers));
            }
            if meant && covers == Tri::Yes {
                break;
            }
        }
        out
    }

    /// What an agreement covers is judged under it, the rest as it is stated.
    fn under(
        &mut self,
        covers: &[(usize, &Agreement, Tri)],
        access: Access,
        judge: &mut dyn FnMut(&mut Self, Option<usize>) -> Found,
    ) -> Found {
        let Some(((index, agreement, covered), rest)) = covers.split_first() else { return judge(self, None) };
        let agreed = judge(self, Some(agreement.license));
        if *covered == Tri::Yes {
            return agreed;
        }
        let other = self.under(rest, access, judge);
        let key = format!("covers/{index}/{}", access.as_str());
        let mut found = Found::all(vec![agreed, other], |mut parts| {
            let second = parts.pop().unwrap();
            Tree::Either(Box::new(parts.pop().unwrap()), Box::new(second), String::new())
        });
        if let Tree::Either(_, _, k) = &mut found.tree {
            *k = key;
        }
        found.at_most_conditional();
        let ends = found.tree.ends(None);
        if ends.0 != ends.1 {
            found.gaps.insert(GapKind::Fact);
        }
        found
    }

    fn as_stated(&mut self, w: usize, access: Access) -> Found {
        let layer = self.layers[&w].clone();
        let mut each: Vec<Found> =
            layer.weighed.iter().enumerate().map(|(n, l)| self.weigh(w, n, l, layer.displaced, access)).collect();
        if each.len() < 2 {
            return each.pop().unwrap_or_else(Found::nothing);
        }
        let mut found = Found::all(each, Tree::Hull);
        found.at_most_conditional();
        let ends = found.tree.ends(None);
        if ends.0 != ends.1 {
            found.gaps.insert(GapKind::Dispute);
        }
        found
    }

    fn weigh(&mut self, w: usize, n: usize, l: &Weighed, displaced: bool, access: Access) -> Found {
        let dataset = self.work(w).kind == WorkKind::Dataset;
        let key = format!("{w}/{n}");
        let mut parts = vec![self.statement(&key, w, l, &l.said, displaced, access)];
        for (i, id) in l.beside.iter().enumerate() {
            let said = self.case.catalog.license_named(id).map_or_else(|| Said::Unread(id.clone()), Said::License);
            parts.push(self.statement(&format!("{key}+{i}"), w, l, &said, displaced, access));
        }
        let unread = l.altered || !l.additions.is_empty();
        let forgotten = unread && l.perhaps && self.does(Mark::UnreadOfUnknownMaker);
        if !dataset && !forgotten {
            if l.altered {
                parts.push(Found::open(GapKind::Text, Prohibited, format!("{key}/altered")));
            }
            for a in &l.additions {
                parts.push(Found::open(GapKind::Text, NeedsSeparateLicense, format!("{key}/{a}")));
            }
        }
        let found = Found::all(parts, Tree::Meet);
        if l.perhaps { only_if_made_by_others(found, &key) } else { found }
    }

    fn statement(&mut self, key: &str, w: usize, l: &Weighed, said: &Said, displaced: bool, access: Access) -> Found {
        let dataset = self.work(w).kind == WorkKind::Dataset;
        match said {
            Said::License(i) => {
                let covers = self.covers(w, Some(*i), access);
                self.under(&covers, access, &mut |all, agreement| match agreement {
                    None => all.license(key, w, l, *i, displaced, access),
                    Some(agreed) => all.license(key, w, l, agreed, false, access),
                })
            }
            Said::All(parts) => {
                let each = parts.iter().map(|p| self.statement(key, w, l, p, displaced, access)).collect();
                Found::all(each, Tree::Meet)
            }
            Said::Any(parts) => {
                let each: Vec<Found> = parts.iter().map(|p| self.statement(key, w, l, p, displaced, access)).collect();
                self.elect(each)
            }
            // what training data's terms mean for the model is a finding, not a limit
            Said::Missing | Said::Unread(_) | Said::Family(_) if dataset => Found::nothing(),
            Said::Missing => Found::open(GapKind::Fact, Prohibited, format!("{key}/missing")),
            Said::Family(name) => Found::open(GapKind::Dispute, Prohibited, format!("{key}/{name}")),
            Said::Unread(name) => Found::open(GapKind::Text, Prohibited, format!("{key}/{name}")),
        }
    }

    /// A choice: the duties of the branch with the best worst case, the range of having the choice.
    fn elect(&mut self, mut each: Vec<Found>) -> Found {
        let rank = |f: &Found| {
            let (worst, best) = f.tree.ends(None);
            (worst, best, std::cmp::Reverse(f.owed()))
        };
        let mut taken = 0;
        for (i, f) in each.iter().enumerate() {
            if rank(f) > rank(&each[taken]) {
                taken = i;
            }
        }
        let due = each[taken].due.clone();
        let alone = each[taken].tree.ends(None);
        let join = Tree::Join(each.iter().map(|f| f.tree.clone()).collect());
        if join.ends(None) == alone {
            let gaps = each[taken].gaps.clone();
            // another branch may still become the better one; it is not what the outcome hangs on
            return Found { tree: each[taken].tree.clone(), gaps, due };
        }
        if self.does(Mark::Choice) {
            return each.swap_remove(taken);
        }
        let gaps = each.iter().flat_map(|f| f.gaps.iter().copied()).collect();
        Found { tree: join, gaps, due }
    }

    fn license(&mut self, key: &str, w: usize, l: &Weighed, license: usize, displaced: bool, access: Access) -> Found {
        let law = &self.case.catalog.licenses[license];
        let mut edition = l.edition.as_deref();
        let layer = self.layers[&w].clone();
        let named: Vec<&Weighed> = layer.weighed.iter().filter(|o| licenses_of(&o.said).contains(&license)).collect();
        if named.first().is_some_and(|n| n.edition != l.edition) && self.does(Mark::TwoEditions) {
            edition = named[0].edition.as_deref();
        }
        let own = edition.filter(|e| law.editions.iter().any(|x| x.text == *e));
        let in_force = || law.editions.iter().rfind(|e| e.until.is_none()).or(law.editions.last());
        let edition = own.unwrap_or_else(|| in_force().map_or("", |e| e.text.as_str()));
        let paths: Vec<Path> = self.paths[&(w, license)].iter().cloned().collect();
        if paths.iter().any(|p| p.steps.iter().any(|(r, us)| *us && !acts_of_step(*r).is_empty())) {
            self.marks.insert(Mark::OwnSteps);
        }
        if paths.iter().any(|p| !p.sure()) {
            self.marks.insert(Mark::Unsure);
        }
        let along: Vec<Along<'a>> =
            paths.into_iter().map(|p| self.along(w, license, law, edition, p, access)).collect();
        let key = format!("{key}/{}", law.id);
        let mut found = Found::nothing();
        let mut caps = Vec::new();
        for act in Act::ALL {
            let each: Vec<(Bites, Permission)> = along.iter().filter_map(|a| a.grant(*act)).collect();
            for to in [Prohibited, NeedsSeparateLicense] {
                let bites: Vec<Bites> = each.iter().filter(|(_, p)| *p == to).map(|(b, _)| *b).collect();
                cap(&bites, to, &format!("{key}/{}", act.as_str()), &mut caps, &mut found.gaps);
            }
        }
        for term in law.terms.iter().filter(|t| stands_in(t, edition)) {
            let (blocks, to) = match &term.effect {
                Effect::Forbid(acts) => (Some(*acts), Prohibited),
                Effect::LicenseNeeded(acts) => (Some(*acts), NeedsSeparateLicense),
                Effect::EndsGrant => (None, Prohibited),
                Effect::Duty(duty) if !displaced => {
                    found.due.extend(along.iter().flat_map(|a| a.due(term, duty)));
                    continue;
                }
                _ => continue,
            };
            let touches = |a: &&Along<'_>| match blocks {
                Some(blocks) => a.acts.iter().any(|act| blocks.has(*act)),
                None => !a.acts.is_empty(),
            };
            // of the subject, and of the model that our use trains: two questions
            for student in [false, true] {
                let bites: Vec<Bites> = along.iter().filter(touches).filter_map(|a| a.limit(term, student)).collect();
                cap(&bites, to, &format!("{key}/{}/{student}", term.id), &mut caps, &mut found.gaps);
            }
        }
        found.tree = Tree::Meet(caps);
        found
    }

    fn along(
        &self,
        w: usize,
        license: usize,
        law: &'a License,
        edition: &str,
        path: Path,
        access: Access,
    ) -> Along<'a> {
        let subject = &self.case.graph.works[self.case.graph.subject];
        let mut facts: Vec<(&str, Option<Value>)> = vec![
            ("use.access", Some(Value::List(vec![access.as_str().to_string()]))),
            ("subject.name", subject.name.clone().map(Value::Text)),
        ];
        facts.extend(self.work(w).facts.iter().map(|(n, v)| (n.as_str(), Some(v.clone()))));
        let in_graph = path.student.map(|s| self.student_in_graph(s, license, access)).unwrap_or_default();
        let of_use = if path.holds() { self.student_of_use(license) } else { None };
        let mut acts: BTreeSet<Act> = BTreeSet::new();
        if path.holds() {
            acts.extend(acts_of_access(access));
        }
        if self.case.faults.contains(&Mark::OwnSteps) {
            acts.extend(path.steps.iter().filter(|(_, us)| *us).flat_map(|(r, _)| acts_of_step(*r)));
        } else {
            acts.extend(path.handled.iter().map(|(_, act)| *act));
        }
        if of_use.is_some() {
            acts.insert(Act::TrainOnOutputs);
        }
        let main = self.eyes(facts.iter().cloned().chain(in_graph));
        let student = of_use.map(|s| self.eyes(facts.iter().cloned().chain(s)));
        Along { license, law, edition: edition.to_string(), path, acts, main, student, faults: self.case.faults }
    }
}

/// Terms that bind only if somebody else made the work.
fn only_if_made_by_others(mut found: Found, key: &str) -> Found {
    found.at_most_conditional();
    if found.tree.ends(None) != (Permitted, Permitted) {
        found.gaps.insert(GapKind::Fact);
        found.tree = Tree::Perhaps(Box::new(found.tree), format!("{key}/maker"));
    }
    found
}

/// True where the layer's tag is looser than the terms of a base, or names another version of them.
fn displaced(layer: &Layer, bases: &BTreeSet<usize>, copied: bool, catalog: &Catalog) -> bool {
    let perhaps = layer.weighed.iter().any(|l| l.perhaps);
    if !layer.tags_only || (!layer.outbound.is_empty() && !perhaps) {
        return false;
    }
    let Some(strictest) = bases.iter().map(|i| catalog.licenses[*i].strictness).max() else { return false };
    let ours = layer.outbound.iter();
    let stated: Vec<&Said> =
        if layer.outbound.is_empty() { layer.weighed.iter().map(|l| &l.said).collect() } else { ours.collect() };
    stated.into_iter().any(|said| {
        let own = licenses_of(said);
        if matches!(said, Said::All(_)) && !own.is_disjoint(bases) {
            return false;
        }
        let family = |i: &usize| &catalog.licenses[*i].family;
        let taken = |b: &usize, i: &usize| !copied && catalog.licenses[*b].accepts(&catalog.licenses[*i].id);
        let other_version = own
            .iter()
            .filter(|i| !bases.contains(i))
            .any(|i| bases.iter().any(|b| family(b) == family(i) && !taken(b, i)));
        other_version || strictness(said, catalog).is_some_and(|s| s < strictest)
    })
}

/// True where a tag names a family of texts and the license is one of them.
fn one_of(said: &Said, license: usize, catalog: &Catalog) -> bool {
    let Said::Family(tag) = said else { return false };
    let Some(TagMeaning::Family(texts)) = catalog.tags.meaning(tag) else { return false };
    texts.iter().any(|text| match catalog.license_of_edition(text) {
        Some((i, _)) => i == license,
        None => catalog.license_named(text) == Some(license),
    })
}

fn weighed(claim: &Claim, catalog: &Catalog) -> Option<Weighed> {
    let mut additions = claim.additions.clone();
    let name = match claim.license.split_once(" + ") {
        Some((name, more)) => {
            additions.push(more.to_string());
            name
        }
        None => claim.license.as_str(),
    };
    Some(Weighed {
        said: read(name, catalog)?,
        edition: claim
            .edition
            .clone()
            .or_else(|| catalog.license_of_edition(&claim.license).map(|(_, e)| e.text.clone())),
        altered: claim.altered,
        additions,
        beside: claim.beside.clone(),
        perhaps: false,
        basis: claim.basis,
    })
}

fn stands_in(term: &Term, edition: &str) -> bool {
    term.editions.is_empty() || term.editions.iter().any(|e| e == edition)
}

/// How a limit falls along one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bites {
    Surely,
    IfAFact,
    IfRead,
    /// A fact is open and the readings differ besides.
    IfBoth,
}

/// A limit that bites along one path bites.
fn cap(bites: &[Bites], to: Permission, key: &str, caps: &mut Vec<Tree>, gaps: &mut BTreeSet<GapKind>) {
    if bites.is_empty() {
        return;
    }
    if bites.contains(&Bites::Surely) {
        caps.push(Tree::Cap { to, open: None });
        return;
    }
    let fact = bites.iter().any(|b| matches!(b, Bites::IfAFact | Bites::IfBoth));
    let reading = bites.iter().any(|b| matches!(b, Bites::IfRead | Bites::IfBoth));
    for kind in [(fact, GapKind::Fact), (reading, GapKind::Reading)].into_iter().filter(|k| k.0).map(|k| k.1) {
        gaps.insert(kind);
        caps.push(Tree::Cap { to, open: Some((kind, format!("{key}/{}", kind.as_str()))) });
    }
}

/// A license along one path for one access.
struct Along<'a> {
    license: usize,
    law: &'a License,
    edition: String,
    path: Path,
    acts: BTreeSet<Act>,
    main: Eyes<'a>,
    student: Option<Eyes<'a>>,
    faults: &'a BTreeSet<Mark>,
}

impl Along<'_> {
    /// The values of a term's readings; `sure` is false where the path stands only if a fact falls so.
    fn values(&self, term: &Term, eyes: &Eyes<'_>, sure: bool) -> Values {
        let mut values = Values::default();
        let off = term.unless.as_ref().map_or(Tri::No, |u| eyes.holds(u, false));
        let house = self.main.case.house;
        let taken = house.positions.iter().find(|p| {
            let ended = p.entry.until.as_ref().is_some_and(|until| *until < house.day);
            p.license == self.license && p.term == term.id && p.entry.from <= house.day && !ended
        });
        for reading in term.readings.iter().filter(|r| taken.is_none_or(|p| p.reading == r.id)) {
            for near in [false, true] {
                let holds = eyes.holds(&reading.when, near).min(flip(off));
                match holds.min(if sure { Tri::Yes } else { Tri::Open }) {
                    Tri::Yes => values.yes = true,
                    Tri::No => values.no = true,
                    Tri::Open => values.open = true,
                }
            }
        }
        values
    }

    /// True where we run the work to train on what it generates.
    fn we_train(&self) -> bool {
        let split = self.faults.contains(&Mark::SplitTraining);
        self.path.steps.iter().any(|(r, us)| *us && (trains(*r) || split && *r == Relation::TrainedOnData))
    }

    /// Whether a term speaks of what the subject is to the work, and how surely.
    fn stands(&self, reach: Standings) -> Option<bool> {
        self.path.standings.iter().filter(|(s, _)| reach.has(**s)).map(|(_, sure)| *sure).max()
    }

    /// Whether a term speaks of the acts: also where we ran the work to train on its outputs, which is a use of it.
    fn speaks(&self, reach: Standings) -> Option<bool> {
        let sure = self.path.sure() || self.faults.contains(&Mark::Unsure);
        let used = self.we_train() && reach.has(Standing::Materials);
        self.stands(reach).or(used.then_some(sure))
    }

    /// Whether a grant speaks of the acts: what we did with the work on the way was done to what the work was then.
    fn grants(&self, reach: Standings, act: Act) -> Option<bool> {
        let handled = !self.faults.contains(&Mark::OwnSteps)
            && self.path.handled.iter().any(|(was, done)| reach.has(*was) && *done == act);
        self.speaks(reach).or(handled.then_some(self.path.sure()))
    }

    /// Where an act is done and not granted: how surely, and what that makes of it. No grant that names it: prohibited;
    /// one whose condition fails: a separate license.
    fn grant(&self, act: Act) -> Option<(Bites, Permission)> {
        if !self.acts.contains(&act) || self.law.beside {
            return None;
        }
        let as_engine = self.faults.contains(&Mark::Unsure);
        let mut to = Prohibited;
        let mut all = Values::default();
        for term in self.law.terms.iter().filter(|t| stands_in(t, &self.edition)) {
            let Effect::Grant(acts) = &term.effect else { continue };
            if !acts.has(act) {
                continue;
            }
            let mut reach = term.reach;
            if act == Act::TrainOnOutputs {
                // what may be done with outputs is said of the work, whatever is made of them
                reach = reach.with(Standing::Student).with(Standing::OutputTrained);
            }
            let main = self.grants(reach, act).map(|sure| (&self.main, sure || !as_engine));
            let student = self.student.as_ref().filter(|_| reach.has(Standing::Student)).map(|s| (s, true));
            for (eyes, sure) in main.into_iter().chain(student) {
                to = NeedsSeparateLicense;
                let v = self.values(term, eyes, sure);
                if v == (Values { yes: true, no: false, open: false }) {
                    return None;
                }
                all.yes |= v.yes;
                all.no |= v.no;
                all.open |= v.open;
            }
        }
        let bites = match (all.yes, all.open) {
            // the act is one under this license only if the path stands
            _ if !self.path.sure() && !as_engine => Bites::IfAFact,
            (_, true) => Bites::IfAFact,
            (true, false) => Bites::IfRead,
            (false, false) => Bites::Surely,
        };
        Some((bites, to))
    }

    fn limit(&self, term: &Term, student: bool) -> Option<Bites> {
        let (eyes, sure) = if student {
            (self.student.as_ref().filter(|_| term.reach.has(Standing::Student))?, true)
        } else {
            (&self.main, self.speaks(term.reach).filter(|_| !term.by_us || self.we_train())?)
        };
        bites(self.values(term, eyes, sure))
    }

    fn due(&self, term: &Term, duty: &Duty) -> Vec<Due> {
        let mut out = Vec::new();
        let mut push = |eyes: &Eyes<'_>, who: Certainty, sure: bool, student: bool| {
            let when = match self.values(term, eyes, sure) {
                Values { open: true, .. } => Some(Certainty::Conditional),
                Values { yes: true, no: false, .. } => Some(Certainty::Owed),
                Values { yes: true, no: true, .. } => Some(Certainty::Arguable),
                _ => None,
            };
            let perhaps =
                || duty.arguable.as_ref().filter(|w| eyes.holds(w, false) != Tri::No).map(|_| Certainty::Arguable);
            out.extend(when.or_else(perhaps).map(|when| Due {
                code: duty.code.clone(),
                text: duty.text.clone(),
                certainty: who.min(when),
                source: (self.license, term.id.clone(), student),
            }));
        };
        if let Some(sure) = self.stands(term.reach)
            && let Some(who) = self.who_owes(duty)
        {
            push(&self.main, who, sure, false);
        }
        if let Some(student) = self.student.as_ref().filter(|_| term.reach.has(Standing::Student)) {
            push(student, Certainty::Owed, true, true);
        }
        out
    }

    fn who_owes(&self, duty: &Duty) -> Option<Certainty> {
        if !duty.by_us {
            return Some(Certainty::Owed);
        }
        let split = self.faults.contains(&Mark::SplitTraining);
        let triggers = |r: Relation| match duty.steps.is_empty() {
            true => acts_of_step(r).contains(&Act::Modify) || trains(r) || split && r == Relation::TrainedOnData,
            false => duty.steps.has(r),
        };
        let took =
            |us: bool, test: &dyn Fn(Relation) -> bool| self.path.steps.iter().any(|(r, u)| *u == us && test(*r));
        if took(true, &triggers) {
            Some(Certainty::Owed)
        } else if took(true, &|r| duty.steps_arguable.has(r)) {
            Some(Certainty::Arguable)
        } else {
            let theirs = took(false, &|r| triggers(r) || duty.steps_arguable.has(r));
            (theirs && duty.upstream == Upstream::Arguable).then_some(Certainty::Arguable)
        }
    }
}

fn bites(v: Values) -> Option<Bites> {
    match v {
        Values { yes: true, no: true, open: true } => Some(Bites::IfBoth),
        Values { open: true, .. } => Some(Bites::IfAFact),
        Values { yes: true, no: true, .. } => Some(Bites::IfRead),
        Values { yes: true, .. } => Some(Bites::Surely),
        Values { .. } => None,
    }
}
