//! Times the re-assessment of stored deployments on one core, and the cost of long lineages.
//!
//! `cargo run --release -p freehold-check --example reassess`

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::time::Instant;

use freehold_assess::{Artifact, Deployment, Input, NO_HOUSE, assess};
use freehold_base::{Evidence, Graph, MadeBy, Relation, Value};
use freehold_catalog::Catalog;
use freehold_lineage::{complete, link, work_index};

const BASES: [&str; 8] = [
    "meta-llama/Llama-3.1-8B-Instruct",
    "google/gemma-2-9b-it",
    "Qwen/Qwen2.5-72B-Instruct",
    "mistralai/Mistral-7B-v0.3",
    "microsoft/phi-4",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct",
    "mistralai/Mistral-Large-Instruct-2411",
    "deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
];
const STEPS: [Relation; 4] = [Relation::Finetune, Relation::Adapter, Relation::Quantized, Relation::Merge];
const ACCESS: [&str; 5] = ["internal", "hosted-api", "hosted-app", "embedded-product", "weights"];
const COUNTRIES: [&str; 4] = ["US", "DE", "GB", "JP"];

/// A deployment as a register stores it: a lineage of `depth` steps over one or two bases, and the facts.
fn stored(n: usize, depth: usize, catalog: &Catalog) -> (Graph, Deployment) {
    let evidence = Evidence::stated("benchmark");
    let mut graph = Graph::default();
    let mut child = work_index(&mut graph, "acme/model", &evidence);
    for step in 1..depth {
        let parent = work_index(&mut graph, &format!("acme/step-{step}"), &evidence);
        link(&mut graph, child, parent, STEPS[(n + step) % STEPS.len()], evidence.clone());
        child = parent;
    }
    for work in &mut graph.works {
        work.made_by = Some(MadeBy::Organization);
    }
    let bases = 1 + n % 2;
    for b in 0..bases {
        let base = work_index(&mut graph, BASES[(n + 3 * b) % BASES.len()], &evidence);
        link(&mut graph, child, base, STEPS[(n / 3) % STEPS.len()], evidence.clone());
    }
    complete(&mut graph, catalog, "2026-11-24");
    let mut deployment = Deployment::empty(catalog);
    let mut set = |name: &str, value: Value| {
        if let Some(id) = catalog.facts.find(name) {
            deployment.set(catalog, id, Some(value));
        }
    };
    let users = i64::try_from(n).unwrap_or(0) * 9_000;
    set("organization.country", Value::Text(COUNTRIES[n % 4].into()));
    set("organization.monthly_active_users", Value::Number(users));
    set("organization.monthly_active_users_at_license_release", Value::Number(users));
    set("organization.affiliates_monthly_active_users_at_license_release", Value::Number(0));
    set("use.commercial", Value::Bool(!n.is_multiple_of(5)));
    set("use.access", Value::List(vec![ACCESS[n % 5].into()]));
    set("use.activities", Value::List(if n.is_multiple_of(7) { vec!["credit".into()] } else { vec![] }));
    (graph, deployment)
}

fn main() {
    let catalog = freehold_law::catalog();
    let count: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(100_000);
    let all: Vec<(Graph, Deployment)> = (0..count).map(|n| stored(n, 1 + n % 4, &catalog)).collect();
    let start = Instant::now();
    let mut open = 0usize;
    for (graph, deployment) in &all {
        let a = assess(Input {
            catalog: &catalog,
            graph,
            deployment,
            release: None,
            made_by: None,
            house: &NO_HOUSE,
            artifact: Artifact::default(),
        });
        open += usize::from(!a.range.is_point());
    }
    let took = start.elapsed();
    println!("{count} deployments re-assessed in {:.2} s on one core ({open} open)", took.as_secs_f64());
    for edges in [100, 1_000, 10_000, 100_000] {
        let (graph, deployment) = chain(edges, &catalog);
        let start = Instant::now();
        let a = assess(Input {
            catalog: &catalog,
            graph: &graph,
            deployment: &deployment,
            release: None,
            made_by: None,
            house: &NO_HOUSE,
            artifact: Artifact::default(),
        });
        println!("{edges:>7} edges: {:>9.3} ms ({})", start.elapsed().as_secs_f64() * 1e3, a.verdict);
    }
}

/// A chain of third-party fine-tunes, each tagged with the license of the first.
fn chain(edges: usize, catalog: &Catalog) -> (Graph, Deployment) {
    let (mut graph, deployment) = stored(1, 1, catalog);
    let evidence = Evidence::stated("benchmark");
    let mut child = graph.subject;
    graph.edges.clear();
    for n in 0..edges {
        graph.works.push(freehold_base::Work::named(format!("someone/model-{n}"), evidence.clone()));
        let parent = graph.works.len() - 1;
        let work = &mut graph.works[parent];
        work.made_by = Some(MadeBy::ThirdParty);
        work.claims.push(freehold_base::Claim::new("llama3.1", freehold_base::Basis::Declared, evidence.clone()));
        graph.edges.push(freehold_base::Edge {
            child,
            parent,
            relation: Relation::Finetune,
            by: freehold_base::By::Upstream,
            by_presumed: false,
            evidence: evidence.clone(),
        });
        child = parent;
    }
    (graph, deployment)
}
