//! Where a license's terms reach: from the works under it along the steps to the subject, by that license's own rules.
//! States, not paths: linear in edges.

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::{By, Graph, Relation, Truth};
use freehold_catalog::{License, OutputTrained, Standing};

/// What is known of the walk from a license to the subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Standings of the subject; false = only if an unknown fact about a step falls so.
    pub(crate) standings: BTreeMap<Standing, bool>,
    /// Steps on the way: relation, who, and whether who is presumed.
    pub(crate) steps: BTreeSet<(Relation, By, bool)>,
    /// Children of the steps that train on outputs, as node indices.
    pub(crate) students: BTreeSet<usize>,
    /// The walk left the license's reach everywhere.
    pub(crate) beyond: bool,
}

/// The part of the graph that leads to the subject.
pub(crate) struct Ancestry {
    /// True for the subject and everything above it.
    pub(crate) above: Vec<bool>,
    /// Edges by parent, among those nodes; no loops.
    pub(crate) by_parent: Vec<Vec<usize>>,
    /// Edges by child; no loops.
    pub(crate) by_child: Vec<Vec<usize>>,
}

impl Ancestry {
    pub(crate) fn of(graph: &Graph) -> Ancestry {
        let n = graph.works.len();
        let mut by_child = vec![Vec::new(); n];
        for (i, e) in graph.edges.iter().enumerate() {
            // a work that is said to be made from itself was made from nothing by that
            if e.child < n && e.parent < n && !e.is_loop() {
                by_child[e.child].push(i);
            }
        }
        let mut above = vec![false; n];
        let mut open = Vec::new();
        if let Some(slot) = above.get_mut(graph.subject) {
            *slot = true;
            open.push(graph.subject);
        }
        let mut by_parent = vec![Vec::new(); n];
        while let Some(node) = open.pop() {
            for &e in &by_child[node] {
                let parent = graph.edges[e].parent;
                by_parent[parent].push(e);
                if !above[parent] {
                    above[parent] = true;
                    open.push(parent);
                }
            }
        }
        Ancestry { above, by_parent, by_child }
    }
}

/// A state of the walk: a node, and what it is to the license. `Outputs` is data that the work generated; `Free` is what
/// was trained on it and the license says nothing of: whoever trained it has run the work all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Is(Standing),
    Outputs,
    Free,
}

/// Walks from `starts` to the subject. `similar` answers the license's own condition on training with outputs, by edge.
pub(crate) fn reach(
    graph: &Graph,
    ancestry: &Ancestry,
    license: &License,
    starts: &[usize],
    by: &dyn Fn(usize) -> (By, bool),
    similar: &mut dyn FnMut(usize) -> Truth,
) -> Reached {
    type Node = (usize, State, bool);
    let mut seen: BTreeSet<Node> = BTreeSet::new();
    let mut open: Vec<Node> = Vec::new();
    let mut back: BTreeMap<Node, Vec<(Node, usize)>> = BTreeMap::new();
    for &s in starts {
        let node = (s, State::Is(Standing::Materials), true);
        if seen.insert(node) {
            open.push(node);
        }
    }
    while let Some(node) = open.pop() {
        for &e in &ancestry.by_parent[node.0] {
            let edge = &graph.edges[e];
            for (state, sure) in step(license, node.1, edge.relation, &mut || similar(e)) {
                let next = (edge.child, state, node.2 && sure);
                back.entry(next).or_default().push((node, e));
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
    }
    // only the states from which the subject is still reached count
    let mut out = Reached::default();
    let mut live: BTreeSet<Node> = BTreeSet::new();
    let mut open: Vec<Node> = Vec::new();
    for node in seen.iter().filter(|n| n.0 == graph.subject && n.1 != State::Outputs) {
        if let State::Is(standing) = node.1 {
            let sure = out.standings.entry(standing).or_insert(node.2);
            *sure |= node.2;
        }
        live.insert(*node);
        open.push(*node);
    }
    while let Some(node) = open.pop() {
        for (from, e) in back.get(&node).into_iter().flatten() {
            let edge = &graph.edges[*e];
            if live.insert(*from) {
                open.push(*from);
            }
            if from.1 == State::Free {
                continue;
            }
            let (by, presumed) = by(*e);
            // data that the work generated, and a model trained on it: together that is training on outputs
            let relation = match (edge.relation, from.1) {
                (Relation::TrainedOnData, State::Outputs) => Relation::TrainedOnOutputs,
                (relation, _) => relation,
            };
            out.steps.insert((relation, by, presumed));
            if node.1 != from.1 && trains_on_outputs(edge.relation, from.1) {
                out.students.insert(edge.child);
            }
        }
    }
    out.beyond = out.standings.is_empty() && out.steps.iter().all(|(_, by, _)| *by != By::Us);
    out
}

fn trains_on_outputs(relation: Relation, from: State) -> bool {
    matches!(relation, Relation::TrainedOnOutputs | Relation::Distilled)
        || (relation == Relation::TrainedOnData && from == State::Outputs)
}

/// What a child is to the license, given what its parent is; `false` = only if an unknown fact falls so.
fn step(license: &License, from: State, relation: Relation, similar: &mut dyn FnMut() -> Truth) -> Vec<(State, bool)> {
    let derivative = vec![(State::Is(Standing::Derivative), true)];
    let standing = match from {
        State::Free => return vec![(State::Free, true)],
        State::Outputs => {
            return match relation {
                Relation::TrainedOnData => output_trained(license, similar),
                Relation::Copy | Relation::Converted => vec![(State::Outputs, true)],
                _ => Vec::new(),
            };
        }
        State::Is(s) => s,
    };
    match (standing, relation) {
        (Standing::Materials, Relation::Copy) => vec![(from, true)],
        (Standing::Materials | Standing::Derivative | Standing::Product, Relation::Component) => {
            vec![(State::Is(Standing::Product), true)]
        }
        (Standing::Product, r) if !output_step(r) && r != Relation::OutputsOf => vec![(from, true)],
        (Standing::OutputTrained, Relation::Copy) => vec![(from, true)],
        (Standing::OutputTrained | Standing::Student, _) => Vec::new(),
        (_, Relation::OutputsOf) => vec![(State::Outputs, true)],
        (_, r) if license.reach.derivative.has(r) => derivative,
        (_, r) if output_step(r) => output_trained(license, similar),
        // `derived` is judged as a derivative; a copy, conversion or quantization that the license does not name
        // changes nothing it names
        (_, Relation::Derived) => derivative,
        (s, Relation::Copy | Relation::Converted | Relation::Quantized) => vec![(State::Is(s), true)],
        (_, Relation::Finetune | Relation::Adapter | Relation::Merge) => derivative,
        (_, _) => Vec::new(),
    }
}

fn output_step(r: Relation) -> bool {
    matches!(r, Relation::TrainedOnOutputs | Relation::Distilled)
}

fn output_trained(license: &License, similar: &mut dyn FnMut() -> Truth) -> Vec<(State, bool)> {
    let standing = match license.reach.output_trained.0 {
        OutputTrained::Derivative => State::Is(Standing::Derivative),
        OutputTrained::NamedOnly => State::Is(Standing::OutputTrained),
        OutputTrained::None => return vec![(State::Free, true)],
    };
    match similar() {
        Truth::True => vec![(standing, true)],
        Truth::Unknown => vec![(standing, false)],
        Truth::False => vec![(State::Free, true)],
    }
}
