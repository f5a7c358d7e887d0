//! `freehold.stored-case/1`: what a model was judged on, for keeping, so that it can be judged again without its files: by a newer
//! catalog, on another day, under other facts.

use freehold_assess::{Deployment, Finding, FindingCode, Notice, Release};
use freehold_base::{Basis, Claim, Diagnostic, Evidence, Graph, MadeBy, Relation, Value as FactValue, WorkKind};
use freehold_catalog::document::{Sink, Table};
use freehold_catalog::{Catalog, FactOrigin};
use freehold_check::{
    Dossier, Outgoing, Parts, Subject, complete_graph, link, node_of_json, read_facts, without_catalog, work_index,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const SCHEMA: &str = "freehold.stored-case/1";
/// Most bytes of a stored case, as JSON.
pub const STORED_BYTES_MAX: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct Stored {
    schema: String,
    id: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    artifact: String,
    #[serde(default)]
    digests: Vec<String>,
    #[serde(default)]
    components: usize,
    #[serde(default)]
    files: usize,
    #[serde(default)]
    bytes: u64,
    /// Before the catalog completed it.
    graph: Graph,
    /// The facts that are stated, by their names, with their types.
    facts: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made_by: Option<MadeBy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<StoredRelease>,
    #[serde(default)]
    findings: Vec<StoredFinding>,
    #[serde(default)]
    not_read: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredRelease {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card_name: Option<String>,
    /// `kind: what`.
    notices: Vec<(String, String)>,
    #[serde(default)]
    unsure: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct StoredFinding {
    code: String,
    work: String,
    detail: String,
    evidence: Vec<Evidence>,
}

/// The facts that somebody states, by their names, each value with its type: whole numbers, words, lists, numbers by month.
pub fn facts_json(facts: &Deployment, catalog: &Catalog) -> Map<String, Value> {
    let stated = catalog.facts.facts.iter().filter(|f| f.origin == FactOrigin::Stated);
    stated.filter_map(|f| Some((f.name.clone(), fact_json(facts.named(catalog, &f.name)?)))).collect()
}

fn fact_json(value: &FactValue) -> Value {
    match value {
        FactValue::Bool(b) => json!(b),
        FactValue::Number(n) => json!(n),
        FactValue::Text(t) => json!(t),
        FactValue::List(all) => json!(all),
        FactValue::History(months) => {
            months.iter().map(|(m, n)| (m.to_string(), json!(n))).collect::<Map<_, _>>().into()
        }
    }
}

/// What a dossier was judged on. `found` = what the files showed besides their licenses ([`Parts::findings`]); what the
/// catalog said is left out, and comes back from the catalog that it is judged by.
///
/// # Errors
/// The size in bytes of a case that is larger than [`STORED_BYTES_MAX`].
pub fn stored_case(d: &Dossier<'_>) -> Result<Value, usize> {
    let pair = |n: &Notice| (n.kind.clone(), n.what.clone());
    let finding = |f: &Finding| StoredFinding {
        code: f.code.as_str().to_string(),
        work: f.work.clone(),
        detail: f.detail.clone(),
        evidence: f.evidence.clone(),
    };
    let stored = Stored {
        schema: SCHEMA.into(),
        id: d.subject.id.clone(),
        kind: d.subject.kind.clone(),
        place: d.subject.place.clone(),
        artifact: d.subject.artifact.clone(),
        digests: d.subject.digests.clone(),
        components: d.subject.components,
        files: d.subject.files,
        bytes: d.subject.bytes_total,
        graph: without_catalog(&d.graph, d.catalog),
        facts: facts_json(&d.deployment, d.catalog),
        made_by: d.made_by,
        release: d.outgoing.as_ref().map(|o| StoredRelease {
            path: o.path.clone(),
            card_name: o.card_name.clone(),
            notices: o.release.notices.iter().map(pair).collect(),
            unsure: o.release.unsure.iter().map(pair).collect(),
        }),
        findings: d.found.iter().map(finding).collect(),
        not_read: d.not_read.clone(),
    };
    let value = serde_json::to_value(stored).unwrap_or_default();
    match value.to_string().len() {
        n if n > STORED_BYTES_MAX => Err(n),
        _ => Ok(value),
    }
}

/// Data that the model of a case was trained on, told besides its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainingData {
    /// What it is called.
    pub id: String,
    /// The license that it stands under; empty where nobody says.
    pub license: String,
    /// The model that generated it; empty for none.
    pub generator: String,
    /// It is the organization's own: no license of others binds it.
    pub owned: bool,
}

/// A stored case, ready to be judged by `catalog` on the day `as_of`, with what it is said to be trained on besides; the house's own
/// law is the caller's to add. Facts that this catalog does not know any more are told and left out.
///
/// # Errors
/// What is wrong with the value.
pub fn restored_case(value: &Value, data: &[TrainingData], catalog: &Catalog, as_of: &str) -> Result<Parts, String> {
    let stored = Stored::deserialize(value).map_err(|e| format!("no stored case: {e}"))?;
    if stored.schema != SCHEMA {
        return Err(format!("a stored case of another form than {SCHEMA}"));
    }
    let mut graph = stored.graph;
    let works = graph.works.len();
    if graph.subject >= works || graph.edges.iter().any(|e| e.child >= works || e.parent >= works) {
        return Err("no stored case: a step leads to a work that is not in it".into());
    }
    for one in data {
        trained_on(&mut graph, one, &Evidence { key: one.id.clone(), ..Evidence::stated("record") });
    }
    let mut diagnostics = complete_graph(&mut graph, catalog, as_of);
    let (deployment, mistakes) = facts_of(&stored.facts, catalog);
    diagnostics.extend(mistakes);
    let notices = |all: Vec<(String, String)>| all.into_iter().map(|(kind, what)| Notice { kind, what }).collect();
    let finding = |f: StoredFinding| {
        let code = FindingCode::ALL.iter().find(|c| c.as_str() == f.code)?;
        Some(Finding { code: *code, work: f.work, detail: f.detail, evidence: f.evidence, resemblance: None })
    };
    Ok(Parts {
        subject: Subject {
            id: stored.id,
            kind: stored.kind,
            place: stored.place,
            artifact: stored.artifact,
            digests: stored.digests,
            components: stored.components,
            files: stored.files,
            bytes_total: stored.bytes,
            ..Subject::default()
        },
        graph,
        deployment,
        outgoing: stored.release.map(|r| Outgoing {
            path: r.path,
            release: Release { notices: notices(r.notices), unsure: notices(r.unsure) },
            card_name: r.card_name,
        }),
        made_by: stored.made_by,
        diagnostics,
        not_read: stored.not_read,
        as_of: as_of.to_string(),
        findings: stored.findings.into_iter().filter_map(finding).collect(),
        house: std::sync::Arc::default(),
    })
}

/// Adds data that the subject was trained on, their license and what generated them. What the graph names already is that one, and stays
/// what it is: a base that data are called after keeps its own terms.
pub fn trained_on(graph: &mut Graph, data: &TrainingData, evidence: &Evidence) {
    let evidence = evidence.clone();
    let (subject, fresh) = (graph.subject, graph.find(&data.id).is_none());
    let dataset = work_index(graph, &data.id, &evidence);
    if dataset == subject {
        return;
    }
    if let Some(work) = graph.works.get_mut(dataset) {
        if fresh {
            work.kind = WorkKind::Dataset;
        }
        let said = work.claims.iter().any(|c| c.license == data.license);
        // what a record says of data is said of no model that goes by the same name; what the files name is not ours for it
        if data.owned && fresh {
            work.made_by = Some(MadeBy::Organization);
        } else if !data.owned && work.kind == WorkKind::Dataset && !data.license.is_empty() && !said {
            work.claims.push(Claim::new(&data.license, Basis::Declared, evidence.clone()));
        }
    }
    link(graph, subject, dataset, Relation::TrainedOnData, evidence.clone());
    if !data.generator.is_empty() {
        let generator = work_index(graph, &data.generator, &evidence);
        link(graph, dataset, generator, Relation::OutputsOf, evidence);
    }
}

/// The facts of a deployment from their names and values.
fn facts_of(facts: &Map<String, Value>, catalog: &Catalog) -> (Deployment, Vec<Diagnostic>) {
    let mut deployment = Deployment::empty(catalog);
    let sink = Sink::new("stored case", "");
    for (name, value) in facts {
        // `use.access` stands in the table `use` as it would in a file
        let Some((prefix, rest)) = name.split_once('.') else { continue };
        let nested = rest.rsplit('.').fold(value.clone(), |inner, key| json!({ key: inner }));
        let node = node_of_json(&nested, (0, 0));
        if Table::open(&node, prefix, &sink).is_some() {
            read_facts(prefix, &node, catalog, &sink, &mut deployment);
        }
    }
    (deployment, sink.into_diagnostics())
}

/// `freehold.reported-case/1`: a wrong answer, so that it can be judged again, kept as a test, and mended. `case` is a stored case,
/// `got` the verdict and the catalog that gave it; empty texts say nothing.
pub fn reported_case(case: &Value, got: (&str, &str), says: &str, expected: &str, clause: &str) -> Value {
    let said = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    json!({
        "schema": "freehold.reported-case/1",
        "says": says,
        "clause": said(clause),
        "expected": {"verdict": said(expected)},
        "got": {"verdict": got.0, "catalog": got.1},
        "case": case,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use freehold_check::{case_from_json, case_from_toml, judge_unasked, scenarios};

    use super::*;

    const AS_OF: &str = "2026-11-24";

    /// The assessment that a register would keep of it, without places and wordings that hang on files.
    fn answers(d: &Dossier<'_>) -> Value {
        let mut whole = serde_json::to_value(crate::Assessment::of(d)).unwrap();
        for key in ["subject", "not_read", "diagnostics"] {
            whole.as_object_mut().unwrap().remove(key);
        }
        whole
    }

    fn same_again(case: freehold_check::Case, law: &Catalog, place: &str) {
        let d = judge_unasked(case.into_parts("case.toml", AS_OF), law);
        let text = stored_case(&d).unwrap().to_string();
        let value: Value = serde_json::from_str(&text).unwrap();
        let mut parts = restored_case(&value, &[], law, AS_OF).unwrap();
        parts.house = d.house.clone();
        assert_eq!(parts.graph, d.graph, "{place}");
        let again = judge_unasked(parts, law);
        assert_eq!(answers(&again), answers(&d), "{place}");
        assert_eq!(stored_case(&again).unwrap().to_string(), text, "{place}");
    }

    #[test]
    fn every_scenario_is_answered_from_its_stored_case_as_before() {
        let law = freehold_law::shared();
        let mut n = 0_usize;
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            for s in scenarios("s.md", &text).0 {
                let (case, _) = case_from_toml("s.md", &s.case, law, AS_OF);
                let Some(mut case) = case else { continue };
                let own = case.law.take();
                same_again(case, own.as_ref().unwrap_or(law), &format!("{}:{}", path.display(), s.line));
                n += 1;
            }
        }
        assert!(n > 200, "{n}");
    }

    #[test]
    fn every_case_at_hand_is_answered_from_its_stored_case_as_before() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/dev.jsonl");
        let Ok(text) = fs::read_to_string(&file) else {
            eprintln!("skipped: no cases beside the checkout");
            return;
        };
        let law = freehold_law::shared();
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            let (case, _) = case_from_json("dev", line, law, AS_OF);
            let Some(mut case) = case else { continue };
            let own = case.law.take();
            let id = case.id.clone();
            same_again(case, own.as_ref().unwrap_or(law), &id);
        }
    }

    #[test]
    fn data_that_a_record_names_counts_as_if_the_files_did() {
        let law = freehold_law::shared();
        let text = "[subject]\nid = \"ours\"\nmade_by = \"organization\"\n[[subject.parents]]\nwork = \"Qwen/Qwen2.5-7B\"\nrelation = \"finetune\"\n[use]\naccess = [\"weights\"]\ncommercial = true\nactivities = []\n";
        let (case, mistakes) = case_from_toml("case.toml", text, law, AS_OF);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        let d = judge_unasked(case.unwrap().into_parts("", AS_OF), law);
        assert!(!d.assessment.findings.iter().any(|f| f.code.as_str() == "dataset-license-restricts"));
        let value = stored_case(&d).unwrap();
        let data = TrainingData { id: "chats".into(), license: "cc-by-nc-4.0".into(), ..TrainingData::default() };
        let d = judge_unasked(restored_case(&value, std::slice::from_ref(&data), law, AS_OF).unwrap(), law);
        let codes: Vec<&str> = d.assessment.findings.iter().map(|f| f.code.as_str()).collect();
        assert!(codes.contains(&"dataset-license-restricts"), "{codes:?}");
        let written = TrainingData { generator: "meta-llama/Llama-2-7b-hf".into(), id: "written".into(), ..data };
        let d = judge_unasked(restored_case(&value, &[written], law, AS_OF).unwrap(), law);
        assert!(d.graph.edges.iter().any(|e| e.relation == Relation::OutputsOf));
        assert!(d.assessment.licenses.iter().any(|l| l.license == "llama-2"), "{:?}", d.assessment.licenses);
    }

    #[test]
    fn data_that_goes_by_a_bases_name_takes_nothing_from_its_terms() {
        let law = freehold_law::shared();
        for base in ["meta-llama/Llama-2-7b-hf", "somebody/never-heard-of"] {
            let text = format!(
                "[subject]\nid = \"ours\"\nmade_by = \"organization\"\n[[subject.parents]]\nwork = \"{base}\"\nrelation = \"finetune\"\n[use]\naccess = [\"weights\"]\ncommercial = true\nactivities = []\n"
            );
            let (case, _) = case_from_toml("case.toml", &text, law, AS_OF);
            let d = judge_unasked(case.unwrap().into_parts("", AS_OF), law);
            let value = stored_case(&d).unwrap();
            for owned in [true, false] {
                let data = TrainingData { id: base.into(), license: "mit".into(), owned, ..TrainingData::default() };
                let again = judge_unasked(restored_case(&value, &[data], law, AS_OF).unwrap(), law);
                let of_base = |d: &Dossier<'_>| {
                    let work = d.graph.works.iter().find(|w| w.id == base).unwrap();
                    (work.made_by, work.claims.clone(), work.kind)
                };
                assert_eq!(of_base(&again), of_base(&d), "{base} {owned}");
                assert!(again.assessment.verdict == d.assessment.verdict, "{base} {owned}");
            }
        }
    }

    #[test]
    fn what_is_no_stored_case_is_refused() {
        let law = freehold_law::shared();
        let good = json!({"schema": SCHEMA, "id": "x", "graph": {"works": [], "subject": 0}, "facts": {}});
        for (value, says) in [
            (json!(null), "no stored case"),
            (json!({"schema": SCHEMA}), "no stored case"),
            (good, "a work that is not in it"),
            (json!({"schema": "x/1", "id": "", "graph": {"works": [], "subject": 0}, "facts": {}}), "another form"),
        ] {
            let said = restored_case(&value, &[], law, AS_OF).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
        // a fact that the law does not know any more is told
        let work = json!({"id": "a/b", "kind": "model", "evidence": {}});
        let value = json!({"schema": SCHEMA, "id": "x", "graph": {"works": [work], "subject": 0},
            "facts": {"use.gone": 1, "use.commercial": true}});
        let parts = restored_case(&value, &[], law, AS_OF).unwrap();
        assert_eq!(parts.diagnostics.len(), 1, "{:?}", parts.diagnostics);
        assert!(parts.deployment.named(law, "use.commercial").is_some());
    }
}
