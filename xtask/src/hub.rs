//! The lineage that the cards of the real hub sample state, beside the pairs that its collectors found, and what children
//! of restricted parents declare.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use freehold_artifact::{Artifact, read_file};
use freehold_base::{Basis, Relation};
use freehold_catalog::{Catalog, Strictness};
use freehold_check::{ModelFiles, Said, model};
use freehold_text::Index;
use serde_json::Value;

/// One row of `pairs.tsv`.
struct Pair {
    parent: String,
    child: String,
    /// What the hub calls the step.
    relation: String,
}

/// `cargo xtask hub`.
pub(crate) fn report(shared: &Path, catalog: &Catalog) -> Result<String, String> {
    let read = |p: &str| fs::read_to_string(shared.join(p)).map_err(|e| format!("{p}: {e}"));
    let bytes = fs::read(crate::root().join("catalog/texts.idx")).map_err(|e| format!("catalog/texts.idx: {e}"))?;
    let index = Index::from_bytes(&bytes).map_err(|e| e.to_string())?;
    let mut models = BTreeMap::new();
    for line in read("hub/hub.jsonl")?.lines() {
        let row: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let id = row["id"].as_str().unwrap_or_default().to_string();
        models.insert(id.clone(), artifact(&id, &row));
    }
    let pairs: Vec<Pair> = read("hub/pairs.tsv")?
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let column = |i: usize| columns.get(i).map(|c| (*c).to_string());
            Some(Pair { parent: column(0)?, child: column(3)?, relation: column(4)? })
        })
        .collect();
    let mut out = lineage(&models, &pairs, (catalog, &index));
    out.push_str(&declared(&models, &pairs, (catalog, &index)));
    Ok(out)
}

/// The card and the config of a repository, as a folder would hold them.
fn artifact(id: &str, row: &Value) -> Artifact {
    let mut artifact = Artifact { root_name: id.to_string(), ..Artifact::default() };
    // of a gated repository the sample has the card's head alone
    let head = row["cardDataYaml"].as_str().unwrap_or_default();
    let readme = row["readme"].as_str().map_or_else(|| format!("---\n{head}\n---\n"), str::to_string);
    let config = if row["config"].is_object() { row["config"].to_string() } else { String::new() };
    for (name, text) in [("README.md", readme), ("config.json", config)] {
        if !text.is_empty() {
            let bytes = text.as_bytes();
            artifact.add(name, bytes.len() as u64, read_file(name, &bytes));
        }
    }
    artifact
}

fn judged(artifact: &Artifact, (catalog, index): (&Catalog, &Index<'_>)) -> freehold_check::Model {
    let files = ModelFiles {
        root_name: &artifact.root_name,
        path: &artifact.root_name,
        facts: &artifact.facts,
        texts: &artifact.texts,
        diagnostics: &artifact.diagnostics,
        files: artifact.files.len(),
        bytes_total: artifact.bytes_total,
        bytes_read: artifact.bytes_read,
    };
    model(&files, &Said::default(), index, catalog, "2026-11-24")
}

/// Parents of the subject as its own files name them.
fn parents(model: &freehold_check::Model) -> BTreeSet<String> {
    let graph = &model.graph;
    let own = |e: &&freehold_base::Edge| e.child == graph.subject && e.relation != Relation::TrainedOnData;
    graph.edges.iter().filter(own).map(|e| graph.works[e.parent].id.to_lowercase()).collect()
}

/// What the subject is to a parent of this name.
fn step(model: &freehold_check::Model, parent: &str) -> Option<Relation> {
    let graph = &model.graph;
    let to =
        |e: &&freehold_base::Edge| e.child == graph.subject && graph.works[e.parent].id.eq_ignore_ascii_case(parent);
    graph.edges.iter().find(to).map(|e| e.relation)
}

fn lineage(models: &BTreeMap<String, Artifact>, pairs: &[Pair], law: (&Catalog, &Index<'_>)) -> String {
    let (mut same, mut more, mut other, mut none) = (0, 0, Vec::new(), Vec::new());
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    for pair in pairs {
        let Some(child) = models.get(&pair.child) else { continue };
        let model = judged(child, law);
        let found = parents(&model);
        if let Some(step) = step(&model, &pair.parent) {
            *words.entry(format!("the hub {}, here {step}", pair.relation)).or_default() += 1;
        }
        let there = found.contains(&pair.parent.to_lowercase());
        match (there, found.len()) {
            (true, 1) => same += 1,
            (true, _) => more += 1,
            (false, 0) => none.push(pair),
            (false, _) => other.push((pair, found)),
        }
    }
    let list = |all: Vec<String>| all.into_iter().take(12).collect::<Vec<_>>().join(", ");
    let mut out = format!(
        "pairs of child and parent: {}; traced from the child's own files alone: {same} with that parent alone, {more} with others besides, {} with another one, {} with none\n",
        pairs.len(),
        other.len(),
        none.len()
    );
    // the hub calls a step a fine-tune where a card says nothing of it
    let words: Vec<String> = words.iter().map(|(words, n)| format!("{words}: {n}")).collect();
    out.push_str(&format!("  what the step is called: {}\n", words.join("; ")));
    let others = other.iter().map(|(p, found)| {
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        format!("{} ← {} (traced: {})", p.child, p.parent, found.join(" + "))
    });
    out.push_str(&format!("  another: {}\n", list(others.collect())));
    out.push_str(&format!("  none: {}\n", list(none.iter().map(|p| format!("{} ← {}", p.child, p.parent)).collect())));
    out
}

/// What children of a parent whose license restricts declare.
fn declared(models: &BTreeMap<String, Artifact>, pairs: &[Pair], law: (&Catalog, &Index<'_>)) -> String {
    let catalog = law.0;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut named = 0;
    for pair in pairs {
        let Some(child) = models.get(&pair.child) else { continue };
        let model = judged(child, law);
        let graph = &model.graph;
        let Some(parent) = graph.works.iter().find(|w| w.id.eq_ignore_ascii_case(&pair.parent)) else { continue };
        let licenses: Vec<usize> = parent.claims.iter().filter_map(|c| catalog.license_named(&c.license)).collect();
        let Some(strictest) = licenses.iter().copied().max_by_key(|i| catalog.licenses[*i].strictness) else {
            continue;
        };
        if catalog.licenses[strictest].strictness == Strictness::Open {
            continue;
        }
        named += 1;
        let tags: Vec<_> = graph.works[graph.subject].claims.iter().filter(|c| c.basis == Basis::Declared).collect();
        let own: Vec<usize> = tags.iter().filter_map(|c| catalog.license_named(&c.license)).collect();
        let class = if tags.is_empty() {
            "no tag"
        } else if own.iter().any(|i| licenses.contains(i)) {
            "the parent's license"
        } else if own.iter().any(|i| catalog.licenses[*i].family == catalog.licenses[strictest].family) {
            "another version of it"
        } else if !own.is_empty()
            && own.iter().all(|i| catalog.licenses[*i].strictness < catalog.licenses[strictest].strictness)
        {
            "a looser license"
        } else {
            "another tag"
        };
        *counts.entry(class).or_default() += 1;
    }
    let share = |n: usize| {
        let tenths = (n * 1000).checked_div(named).unwrap_or(0);
        format!("{n} ({}.{} %)", tenths / 10, tenths % 10)
    };
    let rows: Vec<String> = counts.iter().map(|(class, n)| format!("{class}: {}", share(*n))).collect();
    format!(
        "children of the {named} pairs whose parent stands under a license that restricts declare {}\n",
        rows.join("; ")
    )
}
