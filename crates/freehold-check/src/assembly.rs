//! Assemblies: a compose file, an image, an archive that hold several works side by side. Each work is judged by itself
//! and the assembly as a whole, in which all of them must allow and the duties add up.

use freehold_base::{Basis, Claim, Diagnostic, Evidence, Graph, MadeBy, Relation, Work, WorkKind};
use freehold_catalog::Catalog;
use freehold_lineage::{complete, link};

/// A work that a file names.
#[derive(Clone, Debug)]
pub struct NamedWork {
    /// The id, in the catalog's spelling where it knows it; as written where a variable hides it.
    pub id: String,
    /// A model, or a vendor's API.
    pub kind: WorkKind,
    /// True where a variable hides what it is.
    pub unresolved: bool,
    /// Where it is named.
    pub evidence: Evidence,
}

/// The graph of a work that a file names, completed by the catalog. `as_of` is the day of the question.
pub fn named_work(named: &NamedWork, catalog: &Catalog, as_of: &str) -> (Graph, Vec<Diagnostic>) {
    let mut work = Work::named(&named.id, named.evidence.clone());
    work.kind = named.kind;
    // what is fetched by its name somebody else made
    work.made_by = Some(MadeBy::ThirdParty);
    if named.kind == WorkKind::Service {
        work.claims.push(Claim::new(SERVICE_TERMS, Basis::Declared, named.evidence.clone()));
    }
    let mut graph = Graph { works: vec![work], edges: Vec::new(), subject: 0 };
    let diagnostics = if named.unresolved { Vec::new() } else { complete(&mut graph, catalog, as_of) };
    (graph, diagnostics)
}

/// What stands for a vendor's terms, which are no license of weights.
const SERVICE_TERMS: &str = "the vendor's terms of service";

/// The graph of a whole: `id` contains the subject of each component. Works of the same id are one.
pub fn assemble(id: &str, made_by: Option<MadeBy>, components: &[(&Graph, Evidence)]) -> Graph {
    let parts: Vec<_> =
        components.iter().map(|(graph, evidence)| (*graph, Relation::Component, evidence.clone())).collect();
    composed(id, made_by, &parts)
}

/// The graph of what is made from others: `id` is to the subject of each part what its relation says. Works of the same
/// id are one.
pub fn composed(id: &str, made_by: Option<MadeBy>, parts: &[(&Graph, Relation, Evidence)]) -> Graph {
    let mut subject = Work::named(id, Evidence::stated(id));
    subject.made_by = made_by;
    let mut whole = Graph { works: vec![subject], edges: Vec::new(), subject: 0 };
    for (graph, relation, evidence) in parts {
        let places: Vec<usize> = graph.works.iter().map(|work| place(&mut whole, work)).collect();
        for edge in &graph.edges {
            if let (Some(child), Some(parent)) = (places.get(edge.child), places.get(edge.parent)) {
                link(&mut whole, *child, *parent, edge.relation, edge.evidence.clone());
                let added = whole
                    .edges
                    .iter_mut()
                    .find(|e| (e.child, e.parent, e.relation) == (*child, *parent, edge.relation));
                if let Some(e) = added {
                    (e.by, e.by_presumed) = (edge.by, edge.by_presumed);
                }
            }
        }
        if let Some(part) = places.get(graph.subject) {
            link(&mut whole, 0, *part, *relation, evidence.clone());
        }
    }
    for edge in whole.edges.iter_mut().filter(|e| e.child == 0) {
        (edge.by, edge.by_presumed) = match made_by {
            Some(MadeBy::ThirdParty) => (freehold_base::By::Upstream, false),
            Some(MadeBy::Organization) => (freehold_base::By::Us, false),
            None => (freehold_base::By::Us, true),
        };
    }
    whole
}

/// The index of a work in the whole; what another component said of it stands beside what this one says.
fn place(whole: &mut Graph, work: &Work) -> usize {
    let Some(i) = whole.works.iter().skip(1).position(|w| w.id == work.id).map(|i| i + 1) else {
        whole.works.push(work.clone());
        return whole.works.len() - 1;
    };
    let there = &mut whole.works[i];
    for claim in &work.claims {
        if !there.claims.contains(claim) {
            there.claims.push(claim.clone());
        }
    }
    for fact in &work.facts {
        if !there.facts.contains(fact) {
            there.facts.push(fact.clone());
        }
    }
    there.facts.sort();
    there.known |= work.known;
    there.made_by = there.made_by.or(work.made_by);
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(ids: &[&str]) -> Graph {
        let works = ids.iter().map(|id| Work::named(*id, Evidence::stated("f"))).collect();
        let mut graph = Graph { works, edges: Vec::new(), subject: 0 };
        for parent in 1..ids.len() {
            link(&mut graph, parent - 1, parent, Relation::Finetune, Evidence::stated("f"));
        }
        graph
    }

    #[test]
    fn works_of_the_same_name_are_one_and_each_part_is_a_component() {
        let (a, b) = (graph(&["x/tune", "y/base"]), graph(&["y/base"]));
        let at = |line| Evidence { line: Some(line), ..Evidence::stated("compose.yaml") };
        let whole = assemble("compose.yaml", Some(MadeBy::Organization), &[(&a, at(3)), (&b, at(7))]);
        let ids: Vec<&str> = whole.works.iter().map(|w| w.id.as_str()).collect();
        assert_eq!(ids, ["compose.yaml", "x/tune", "y/base"]);
        let edges: Vec<(usize, usize, Relation)> =
            whole.edges.iter().map(|e| (e.child, e.parent, e.relation)).collect();
        assert_eq!(edges, [(1, 2, Relation::Finetune), (0, 1, Relation::Component), (0, 2, Relation::Component)]);
        assert_eq!(whole.edges[2].evidence.line, Some(7));
    }

    #[test]
    fn a_component_that_is_called_what_the_whole_is_called_is_no_loop() {
        let part = graph(&["suite"]);
        let whole = assemble("suite", None, &[(&part, Evidence::stated("f"))]);
        assert_eq!((whole.works.len(), whole.edges.len()), (2, 1));
        assert!(whole.edges.iter().all(|e| e.child != e.parent));
    }
}
