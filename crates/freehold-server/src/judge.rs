//! Questions as they come over the wire, and their answers: the one pipeline, with nothing kept.

use std::sync::Arc;

use freehold_artifact::Artifact;
use freehold_assess::Deployment;
use freehold_base::{Diagnostic, Evidence, MadeBy, Relation, Severity, TextKind, WorkKind};
use freehold_catalog::document::Sink;
use freehold_catalog::{Catalog, FactOrigin};
use freehold_check::{
    Ask, Dossier, ModelFiles, NamedWork, Needs, OwnScore, Parts, Said, Subject, Weights, advise, case_from_json,
    composed, count, fact_from_text, judge, model, named_work, node_of_json, read_value,
};
use freehold_wire::{Assessment, Bundle, BundledModel};
use serde_json::{Value, json};

use crate::app::App;
use crate::call::{Call, Problem};

/// A question that is ready to be judged.
pub(crate) struct Question {
    pub(crate) parts: Parts,
    /// The catalog with the terms of the question's own agreements, where it states any.
    law: Option<Catalog>,
}

/// Facts by their names out of JSON; mistakes go to `wrong`.
pub(crate) fn facts(value: &Value, catalog: &Catalog, deployment: &mut Deployment, wrong: &mut Vec<Diagnostic>) {
    let Some(all) = value.as_object() else {
        if !value.is_null() {
            wrong.push(Diagnostic::error("wrong-type", "`facts` is an object: {\"use.access\": [\"hosted-app\"]}"));
        }
        return;
    };
    for (name, value) in all {
        let Some(id) = catalog.facts.find(name).filter(|id| catalog.facts.get(*id).origin == FactOrigin::Stated) else {
            let known = catalog.facts.facts.iter().filter(|f| f.origin == FactOrigin::Stated).map(|f| f.name.as_str());
            let d = Diagnostic::error("unknown-fact", format!("no fact is called `{name}`"));
            wrong.push(
                freehold_base::nearest(name, known).iter().fold(d, |d, n| d.help(format!("did you mean `{n}`?"))),
            );
            continue;
        };
        if value.is_null() {
            deployment.set(catalog, id, None);
            continue;
        }
        let text = value.to_string();
        let sink = Sink::new(name, &text);
        let read = read_value(&node_of_json(value, (0, text.len())), catalog.facts.get(id), catalog, &sink);
        wrong.extend(sink.into_diagnostics());
        if read.is_some() {
            deployment.set(catalog, id, read);
        }
    }
}

/// Facts out of the fields of a form, `fact.NAME`; an empty field states nothing.
pub(crate) fn form_facts(
    form: &[(String, String)],
    catalog: &Catalog,
    deployment: &mut Deployment,
    wrong: &mut Vec<Diagnostic>,
) {
    let mut several: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for (key, value) in form {
        if let Some(name) = key.strip_prefix("fact.")
            && !value.trim().is_empty()
        {
            several.entry(name).or_default().push(value.trim());
        }
    }
    for (name, values) in several {
        let Some(id) = catalog.facts.find(name).filter(|id| catalog.facts.get(*id).origin == FactOrigin::Stated) else {
            wrong.push(Diagnostic::error("unknown-fact", format!("no fact is called `{name}`")));
            continue;
        };
        let text = values.join(",");
        let value = fact_from_text(name, &text, catalog.facts.get(id), catalog, wrong);
        if value.is_some() {
            deployment.set(catalog, id, value);
        }
    }
}

fn has_errors(all: &[Diagnostic]) -> bool {
    all.iter().any(|d| d.severity == Severity::Error)
}

/// A day in words that a question may state; today where it states none.
pub(crate) fn as_of(value: &Value, now: i64) -> Result<String, Problem> {
    match value.as_str() {
        None if value.is_null() => Ok(freehold_governance::day(now)),
        Some(day) if freehold_governance::end_of(day).is_some() && day.len() == 10 => Ok(day.to_string()),
        _ => Err(Problem::new(422, "bad-date", "`as_of` is a day, YYYY-MM-DD")),
    }
}

/// A record is assessed as of the day that it is, so that no approval rests on the law of another.
pub(crate) fn today_alone(as_of: &str, now: i64) -> Result<(), Problem> {
    if as_of == freehold_governance::day(now) {
        return Ok(());
    }
    Err(Problem::new(422, "other-day", "a record is assessed as of today").fix("leave `as_of` out"))
}

impl App {
    /// A question: `case` (as `freehold assess` reads it), or `model` (an id of the catalog or any other) with `finetune` and `name`;
    /// with `facts` and `as_of`.
    pub(crate) fn question(&self, value: &Value, now: i64) -> Result<Question, Problem> {
        let catalog = self.config.catalog;
        let as_of = as_of(&value["as_of"], now)?;
        let mut wrong = Vec::new();
        let mut deployment = self.config.organization.clone();
        facts(&value["facts"], catalog, &mut deployment, &mut wrong);
        let (mut parts, law) = if value["case"].is_null() {
            let Some(id) = value["model"].as_str().map(str::trim).filter(|m| !m.is_empty() && m.len() <= 512) else {
                return Err(Problem::new(422, "no-model", "a question is about a `model` or a `case`"));
            };
            let finetune = value["finetune"].as_bool().unwrap_or(false);
            let name = value["name"].as_str().map(str::trim).filter(|n| !n.is_empty() && n.len() <= 512);
            (self.of_model(id, finetune, name, &as_of), None)
        } else {
            let text = value["case"].to_string();
            let (case, mistakes) = case_from_json("case", &text, catalog, &as_of);
            let failed = has_errors(&mistakes) || !mistakes.is_empty();
            wrong.extend(mistakes);
            let Some(mut case) = case.filter(|_| !failed) else { return Err(Problem::mistakes(&wrong)) };
            let law = case.law.take();
            // what the case states stands over what is known of the organization, and under `facts`
            let mut over = self.config.organization.clone();
            for (id, _) in catalog.facts.iter() {
                if let Some(v) = case.deployment.get(id) {
                    over.set(catalog, id, Some(v.clone()));
                }
            }
            facts(&value["facts"], catalog, &mut over, &mut Vec::new());
            deployment = over;
            let mut parts = case.into_parts("", &as_of);
            if parts.house.is_empty() {
                parts.house = self.config.house.clone();
            }
            parts.subject.artifact = freehold_policy::text_digest(&text);
            (parts, law)
        };
        if has_errors(&wrong) {
            return Err(Problem::mistakes(&wrong));
        }
        parts.deployment = deployment;
        Ok(Question { parts, law })
    }

    /// Whether the answer may be kept in a record: approvals rest on it, so it is judged by the law that this server keeps, on this day,
    /// and not by what the asker would like it judged by.
    pub(crate) fn keepable(&self, question: &Question, now: i64) -> Result<(), Problem> {
        if question.law.is_some() || !Arc::ptr_eq(&question.parts.house, &self.config.house) {
            let says = "a record's case brings no law, agreements, positions or attestations of its own";
            return Err(Problem::new(422, "own-law", says).fix("they are kept with the server, beside freehold.toml"));
        }
        today_alone(&question.parts.as_of, now)
    }

    /// A model by its id, or a fine-tune of ours on it.
    pub(crate) fn of_model(&self, id: &str, finetune: bool, name: Option<&str>, as_of: &str) -> Parts {
        let catalog = self.config.catalog;
        let evidence = Evidence::stated("the question");
        let named =
            NamedWork { id: id.to_string(), kind: WorkKind::Model, unresolved: false, evidence: evidence.clone() };
        let (graph, diagnostics) = named_work(&named, catalog, as_of);
        let (graph, called) = if finetune {
            let called = name.unwrap_or("our fine-tune");
            (composed(called, Some(MadeBy::Organization), &[(&graph, Relation::Finetune, evidence)]), called)
        } else {
            (graph, name.unwrap_or(id))
        };
        Parts {
            subject: Subject { id: called.to_string(), kind: "by its name".to_string(), ..Subject::default() },
            graph,
            deployment: self.config.organization.clone(),
            outgoing: None,
            made_by: None,
            diagnostics,
            not_read: vec!["its files: only what the catalog knows of its name".to_string()],
            as_of: as_of.to_string(),
            findings: Vec::new(),
            house: self.config.house.clone(),
        }
    }

    /// Judges a question.
    pub(crate) fn judged<T>(&self, question: Question, work: impl FnOnce(&Dossier<'_>) -> T) -> T {
        let catalog = question.law.as_ref().unwrap_or(self.config.catalog);
        work(&judge(question.parts, catalog))
    }

    /// Everything in a bundle of headers (`freehold inspect --bundle`) or any other archive of model files, as questions.
    pub(crate) fn bundle(&self, bytes: &[u8], said: &Value, now: i64) -> Result<Vec<Question>, Problem> {
        let catalog = self.config.catalog;
        let as_of = as_of(&said["as_of"], now)?;
        let mut wrong = Vec::new();
        let mut deployment = self.config.organization.clone();
        facts(&said["facts"], catalog, &mut deployment, &mut wrong);
        if has_errors(&wrong) {
            return Err(Problem::mistakes(&wrong));
        }
        let models = if bytes.first() == Some(&b'{') {
            Bundle::read(bytes).map_err(|says| Problem::new(422, "no-bundle", says))?.models
        } else {
            unpacked(bytes)?
        };
        // an archive of nothing that says anything is no model
        let models: Vec<BundledModel> =
            models.into_iter().filter(|m| !m.facts.is_empty() || !m.texts.is_empty()).collect();
        if models.is_empty() {
            return Err(Problem::new(422, "nothing-found", "no model was found in what was sent")
                .fix("freehold inspect MODEL --bundle FILE"));
        }
        let many = models.len() > 1;
        Ok(models.iter().map(|m| self.of_files(m, many, said, &deployment, &as_of)).collect())
    }

    fn of_files(&self, m: &BundledModel, many: bool, said: &Value, deployment: &Deployment, as_of: &str) -> Question {
        let name = said["name"].as_str().filter(|n| !many && !n.is_empty());
        let diagnostics: Vec<Diagnostic> =
            m.notes.iter().take(1_000).map(|n| Diagnostic::warning("bundle", n.clone())).collect();
        let files = ModelFiles {
            root_name: &m.name,
            path: "",
            facts: &m.facts,
            texts: &m.texts,
            diagnostics: &diagnostics,
            files: m.files.len(),
            bytes_total: m.bytes_total,
            bytes_read: m.bytes_read,
        };
        let made_by = said["made_by"].as_str().and_then(MadeBy::parse);
        let told = Said { made_by, name: name.map(str::to_string), ..Said::default() };
        let read = model(&files, &told, &self.config.index, self.config.catalog, as_of);
        let mut subject = read.subject;
        let entries = m.files.iter().map(|(path, bytes)| (path.as_str(), *bytes));
        subject.artifact = freehold_policy::artifact_digest(entries, &m.facts, &m.texts);
        let legal = m.texts.iter().filter(|t| t.kind != TextKind::Card);
        subject.texts = legal.map(|t| (t.file.clone(), freehold_policy::text_digest(&t.text))).collect();
        Question {
            parts: Parts {
                subject,
                graph: read.graph,
                deployment: deployment.clone(),
                outgoing: None,
                made_by: None,
                diagnostics: read.diagnostics,
                not_read: read.not_read,
                as_of: as_of.to_string(),
                findings: read.findings,
                house: self.config.house.clone(),
            },
            law: None,
        }
    }

    /// The question with other facts, or on another base.
    pub(crate) fn changed(&self, value: &Value, now: i64) -> Result<Value, Problem> {
        let before = self.question(value, now)?;
        let (change, swap) = (&value["change"], value["swap_base"].as_str());
        if change.as_object().is_none_or(serde_json::Map::is_empty) && swap.is_none() {
            return Err(Problem::new(422, "nothing-changed", "name a `change` of facts, or a base to `swap_base`"));
        }
        let mut wrong = Vec::new();
        let mut after = self.question(value, now)?;
        facts(change, self.config.catalog, &mut after.parts.deployment, &mut wrong);
        if has_errors(&wrong) {
            return Err(Problem::mistakes(&wrong));
        }
        let mut alike = Vec::new();
        if let Some(base) = swap {
            if base.is_empty() || base.len() > 512 {
                return Err(Problem::new(422, "bad-base", "`swap_base` is a model's id"));
            }
            let swapped = self.of_model(base, true, Some(&after.parts.subject.id), &after.parts.as_of);
            after.parts.graph = swapped.graph;
            let ask = Ask {
                needs: Needs { finetune: true, ..Needs::default() },
                weights: Weights::default(),
                scores: &[],
                deployment: &after.parts.deployment,
                as_of: &after.parts.as_of,
                house: &after.parts.house,
            };
            alike = freehold_check::of_like_size(base, &ask, self.config.catalog)
                .unwrap_or_default()
                .iter()
                .take(10)
                .map(|a| json!({"model": a.model.id, "verdict": a.dossier.assessment.verdict.as_str(), "parameters": a.model.parameters.as_ref().map(|p| p.value)}))
                .collect();
        }
        let (a, b) = (self.judged(before, assessment), self.judged(after, assessment));
        Ok(json!({"schema": "freehold.what-if/1", "before": a, "after": b, "like_size": alike}))
    }

    /// What the advisor is asked, out of JSON.
    pub(crate) fn advice(&self, value: &Value, now: i64, most: usize) -> Result<Value, Problem> {
        self.asked(value, now, |ask| {
            let catalog = self.config.catalog;
            freehold_wire::advice(&advise(ask, catalog), ask, catalog, most)
        })
    }

    /// What a guide recommends, under this deployment.
    pub(crate) fn claims(&self, value: &Value, now: i64) -> Result<Value, Problem> {
        self.asked(value, now, |ask| freehold_wire::claims(self.config.catalog, ask))
    }

    fn asked<T>(&self, value: &Value, now: i64, work: impl FnOnce(&Ask<'_>) -> T) -> Result<T, Problem> {
        let catalog = self.config.catalog;
        let as_of = as_of(&value["as_of"], now)?;
        let mut wrong = Vec::new();
        let mut deployment = self.config.organization.clone();
        facts(&value["facts"], catalog, &mut deployment, &mut wrong);
        let scores = match value["scores"].as_str() {
            None => Vec::new(),
            Some(text) => freehold_wire::own_scores("scores", text).unwrap_or_else(|all| {
                wrong.extend(all);
                Vec::<OwnScore>::new()
            }),
        };
        let needs = needs(&value["needs"], &mut wrong);
        if has_errors(&wrong) {
            return Err(Problem::mistakes(&wrong));
        }
        let weight = |key: &str, default: f64| value["weights"][key].as_f64().unwrap_or(default).clamp(0.0, 1000.0);
        let d = Weights::default();
        let weights = Weights {
            simplicity: weight("simplicity", d.simplicity),
            multilingual: weight("multilingual", d.multilingual),
            quality: weight("quality", d.quality),
            size: weight("size", d.size),
        };
        let house = Arc::clone(&self.config.house);
        Ok(work(&Ask { needs, weights, scores: &scores, deployment: &deployment, as_of: &as_of, house: &house }))
    }
}

/// What is read of the models of an archive.
fn unpacked(bytes: &[u8]) -> Result<Vec<BundledModel>, Problem> {
    let faulty = |e: std::io::Error| Problem::new(503, "no-space", format!("the upload cannot be kept: {}", e.kind()));
    let folder = tempfile::tempdir().map_err(faulty)?;
    let path = folder.path().join("upload");
    std::fs::write(&path, bytes).map_err(faulty)?;
    let limits = freehold_source::Limits { files_per_model_max: 2_000, entries_max: 10_000, ..Default::default() };
    let artifacts = freehold_source::open(&path, &limits).map_err(|d| Problem::mistakes(&[d]))?;
    Ok(artifacts
        .into_iter()
        .map(|a: Artifact| BundledModel {
            name: if a.root_name.starts_with("upload") { "upload".into() } else { a.root_name },
            files: a.files.into_iter().map(|f| (f.path, f.bytes)).collect(),
            facts: a.facts,
            texts: a.texts,
            notes: a.diagnostics.into_iter().map(|d| d.message).collect(),
            bytes_read: a.bytes_read,
            bytes_total: a.bytes_total,
        })
        .collect())
}

/// Needs out of JSON: lists of words, counts as numbers or with their units.
fn needs(value: &Value, wrong: &mut Vec<Diagnostic>) -> Needs {
    let words = |key: &str| -> Vec<String> {
        crate::people::words(&value[key])
            .into_iter()
            .map(|w| w.trim().to_lowercase())
            .filter(|w| !w.is_empty())
            .collect()
    };
    let mut number = |key: &str| {
        let v = &value[key];
        let read = v.as_u64().or_else(|| v.as_str().and_then(count));
        if read.is_none() && !v.is_null() && v != "" {
            wrong.push(
                Diagnostic::error("not-a-number", format!("`{key}` is no count")).help("8B, 128k, 24GB, or a number"),
            );
        }
        read
    };
    Needs {
        context_min: number("context"),
        parameters_min: number("min_size"),
        parameters_max: number("max_size"),
        memory_bytes_max: number("memory"),
        bits: number("bits").and_then(|b| u32::try_from(b).ok()).filter(|b| (1..=64).contains(b)).unwrap_or(16),
        kinds: words("kinds"),
        languages: words("languages"),
        takes: words("takes"),
        finetune: value["finetune"].as_bool().unwrap_or(false),
        no_use_policy: value["no_use_policy"].as_bool().unwrap_or(false),
        without: words("without"),
    }
}

/// An assessment as it is told.
pub(crate) fn assessment(d: &Dossier<'_>) -> Value {
    serde_json::to_value(Assessment::of(d)).unwrap_or_default()
}

/// The question of a form: its model, its facts.
pub(crate) fn of_form(call: &Call) -> Value {
    json!({
        "model": call.field("model"),
        "finetune": call.field("finetune") == "yes",
        "name": Some(call.field("name")).filter(|n| !n.is_empty()),
    })
}
