//! `capabilities/` and `services/`: what base models can do, by whose word; and what vendors of models as a service may do. Neither
//! reaches a verdict: the advisor ranks by the first, and the second stands beside what one owns.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::document::{Node, NodeValue, Sink, Table};

/// What a base model is for.
pub const KINDS: &[&str] = &["base", "instruct", "reasoning", "code", "vision", "embedding"];

/// Where a value was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its id in the file.
    pub id: String,
    /// Repository, path and commit, or the address of a page.
    pub at: String,
    /// The day of what was read, where it has one.
    pub date: Option<String>,
    /// How far to trust it: `first-party`, `first-party-card-mirror`, `third-party-code`, `third-party-registry`, `secondary`,
    /// `project-research`.
    pub class: String,
}

/// A value and where it was read: an index into [`Capabilities::sources`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The source.
    pub source: u32,
}

/// A published score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The benchmark (`mmlu_pro`).
    pub name: String,
    /// The score as stated, mostly percent.
    pub value: f64,
    /// How it was measured, where that is stated. Scores compare under one name and setup alone.
    pub setup: Option<String>,
    /// Who states it, where that is not the model's publisher.
    pub stated_by: Option<String>,
    /// The source.
    pub source: u32,
}

/// What is known of a base model's abilities. `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capability {
    /// Repository id.
    pub id: String,
    /// Family, as its publisher calls it.
    pub family: String,
    /// Words of [`KINDS`].
    pub kind: Vec<String>,
    /// The model it was made from, by its publisher.
    pub built_on: Option<String>,
    /// Parameters, as stated.
    pub parameters: Option<Sourced<u64>>,
    /// Parameters that work on a token, for a mixture of experts.
    pub parameters_active: Option<Sourced<u64>>,
    /// Longest context, in tokens.
    pub context: Option<Sourced<u64>>,
    /// Languages by ISO 639, where they are listed.
    pub languages: Option<Sourced<Vec<String>>>,
    /// Those of them that go with images, where the publisher says that not all do.
    pub languages_with_images: Option<Sourced<Vec<String>>>,
    /// How many languages, where that is stated.
    pub languages_count: Option<Sourced<u64>>,
    /// What goes in: text, image, audio, video.
    pub takes: Option<Sourced<Vec<String>>>,
    /// What comes out: text, vector, …
    pub gives: Option<Sourced<Vec<String>>>,
    /// Day or month of its release.
    pub released: Option<Sourced<String>>,
    /// Length of its vectors, for an embedding model.
    pub dimension: Option<Sourced<u64>>,
    /// Published scores.
    pub scores: Vec<Score>,
}

/// Every base model whose abilities are known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Capabilities {
    /// Models, by id.
    pub models: Vec<Capability>,
    /// Sources of all files.
    pub sources: Vec<Source>,
}

impl Capabilities {
    /// The model of this id, in any case.
    pub fn find(&self, id: &str) -> Option<&Capability> {
        self.models.iter().find(|m| m.id.eq_ignore_ascii_case(id))
    }

    /// Where a value was read.
    pub fn source(&self, index: u32) -> Option<&Source> {
        self.sources.get(usize::try_from(index).ok()?)
    }

    pub(crate) fn load(&mut self, root: &Node, stem: &str, sink: &Sink<'_>) {
        let Some(top) = Table::open(root, stem, sink) else { return };
        top.need("schema");
        top.get("collected");
        let mut ids: BTreeMap<String, u32> = BTreeMap::new();
        for row in top.tables("source") {
            let id = row.need("id").text;
            ids.insert(id.clone(), u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
            self.sources.push(Source {
                id,
                at: row.need("at").text,
                date: row.text("date").map(|d| d.text),
                class: row.need("class").text,
            });
            row.finish();
        }
        for row in top.tables("model") {
            let model = capability(&row, &ids, sink);
            if self.find(&model.id).is_some() {
                sink.error("duplicate", row.span, format!("`{}` is described already", model.id));
            }
            self.models.push(model);
            row.finish();
        }
        top.finish();
    }
}

fn capability(row: &Table<'_, '_>, ids: &BTreeMap<String, u32>, sink: &Sink<'_>) -> Capability {
    let number = |key: &'static str, part: &'static str| {
        let cell = row.table(key)?;
        let value = cell.integer(part).and_then(|n| u64::try_from(n).ok());
        Some(Sourced { value: value?, source: source_of(&cell, ids, sink) })
    };
    let words = |key: &'static str| {
        let cell = row.table(key)?;
        cell.get("value")?;
        let value: Vec<String> = cell.texts("value").into_iter().map(|t| t.text).collect();
        Some(Sourced { value, source: source_of(&cell, ids, sink) })
    };
    let kind = row.texts("kind");
    for k in &kind {
        if !KINDS.contains(&k.text.as_str()) {
            crate::document::unknown_word(sink, "kind", k, KINDS.iter().copied());
        }
    }
    let scores = row
        .tables("score")
        .into_iter()
        .map(|s| {
            let value = s.need("value");
            let number = value.text.parse::<f64>().ok().filter(|v| v.is_finite());
            if number.is_none() {
                sink.error("wrong-type", value.span, "a score is a number, as text: \"68.9\"");
            }
            let score = Score {
                name: s.need("name").text,
                value: number.unwrap_or_default(),
                setup: s.text("setup").map(|t| t.text),
                stated_by: s.text("stated-by").map(|t| t.text),
                source: source_of(&s, ids, sink),
            };
            s.finish();
            score
        })
        .collect();
    Capability {
        id: row.need("id").text,
        family: row.need("family").text,
        kind: kind.into_iter().map(|t| t.text).collect(),
        built_on: row.text("built-on").map(|t| t.text),
        parameters: number("parameters", "value"),
        parameters_active: number("parameters-active", "value"),
        context: number("context", "value"),
        languages: words("languages"),
        languages_with_images: words("languages-with-images"),
        languages_count: number("languages", "count"),
        takes: words("takes"),
        gives: words("gives"),
        released: row
            .table("released")
            .and_then(|cell| Some(Sourced { value: cell.text("value")?.text, source: source_of(&cell, ids, sink) })),
        dimension: number("dimension", "value"),
        scores,
    }
}

fn source_of(cell: &Table<'_, '_>, ids: &BTreeMap<String, u32>, sink: &Sink<'_>) -> u32 {
    let named = cell.need("source");
    ids.get(&named.text).copied().unwrap_or_else(|| {
        if !named.text.is_empty() {
            sink.error("unknown-source", named.span, format!("no [[source]] of this file is called `{}`", named.text));
        }
        u32::MAX
    })
}

/// What a vendor's documents state about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFact {
    /// A word of [`SERVICE_TOPICS`].
    pub topic: String,
    /// What they state, in our words.
    pub says: String,
    /// Where in the document.
    pub clause: Option<String>,
    /// Its words, 25 at most.
    pub quote: Option<String>,
    /// The document's address.
    pub source: String,
    /// Which version of it, as its publisher dates it.
    pub version: Option<String>,
    /// True where the words were found in a stored copy of the publisher's own text.
    pub verified: bool,
    /// True where the quoted edition has been replaced since.
    pub superseded: bool,
    /// A sentence for the reader.
    pub note: Option<String>,
}

/// A vendor's models as a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id (`aws-bedrock`).
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose models it serves.
    pub kind: String,
    /// The day its documents were read.
    pub read: String,
    /// What of its documents was not read, so that *unknown* is not taken for silence.
    pub note: Option<String>,
    /// What they state; what is not here is unknown.
    pub facts: Vec<ServiceFact>,
    /// The catalog file.
    pub file: String,
}

/// What is looked for in a vendor's documents: the topic, the question that it answers, and what a license's terms are about that
/// answer the same of a model that one holds.
pub const SERVICE_TOPICS: &[(&str, &str, &[&str])] = &[
    ("unilateral-change-of-terms", "may the other side change the terms alone", &["unilateral-change"]),
    ("change-notice", "with how much notice", &["unilateral-change"]),
    ("model-retirement-notice", "may the model be taken away, and with how much notice", &["updates"]),
    ("suspension-and-termination", "how can use be stopped", &["termination", "unilateral-restriction"]),
    ("usage-policy-changes", "may the use policy change", &["unilateral-change"]),
    ("outputs-owner", "who owns the outputs", &["outputs-ownership"]),
    ("outputs-may-train-other-models", "may outputs train another model", &["outputs-training-ban"]),
    ("customer-data-used-for-training", "are your data trained on", &[]),
    ("data-retention", "how long are your data kept", &[]),
    ("fine-tuned-model-ownership", "who owns a model that you tuned", &["derivative-ownership"]),
    ("fine-tuned-weights-portability", "can you take its weights with you", &[]),
    ("indemnity", "who answers for claims of others", &["indemnity", "warranty"]),
    ("supported-countries-and-export", "where may it be used", &["trade-compliance", "territory-limit"]),
];

pub(crate) fn load_service(root: &Node, stem: &str, sink: &Sink<'_>) -> Option<Service> {
    let top = Table::open(root, stem, sink)?;
    top.need("schema");
    let id = top.need("id");
    if id.text != stem {
        sink.error("wrong-id", id.span, format!("the file is called `{stem}`"));
    }
    let mut facts = Vec::new();
    for row in top.tables("fact") {
        let topic = row.need("topic");
        if !SERVICE_TOPICS.iter().any(|(t, _, _)| *t == topic.text) {
            crate::document::unknown_word(sink, "topic", &topic, SERVICE_TOPICS.iter().map(|(t, _, _)| *t));
        }
        let quote = row.text("quote");
        if let Some(q) = quote.as_ref().filter(|q| q.text.split_whitespace().count() > crate::QUOTE_WORDS_MAX) {
            sink.error("long-quote", q.span, format!("a quote has at most {} words", crate::QUOTE_WORDS_MAX));
        }
        facts.push(ServiceFact {
            topic: topic.text,
            says: row.need("says").text,
            clause: row.text("clause").map(|t| t.text),
            quote: quote.map(|t| t.text),
            source: row.need("source").text,
            version: row.text("version").map(|t| t.text),
            verified: row.bool("verified").unwrap_or(false),
            superseded: row.bool("superseded").unwrap_or(false),
            note: row.text("note").map(|t| t.text),
        });
        row.finish();
    }
    let read = match top.get("read").map(|n| &n.value) {
        Some(NodeValue::Date(d) | NodeValue::Text(d)) => d.clone(),
        _ => {
            top.missing("read");
            String::new()
        }
    };
    let out = Service {
        id: id.text,
        name: top.need("name").text,
        kind: top.need("kind").text,
        read,
        note: top.text("note").map(|t| t.text),
        facts,
        file: String::new(),
    };
    top.finish();
    Some(out)
}

/// What somebody recommends, to be computed beside what the texts say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its id.
    pub id: String,
    /// What is wanted.
    pub asks: String,
    /// What is recommended, in the words of who does.
    pub says: String,
    /// What of a ranking it is about: `simplicity`, `multilingual`, `quality`, `size`.
    pub weight: String,
    /// True where what has a use policy is to be left out.
    pub no_use_policy: bool,
    /// Models that it names, each with the license that it says it is under.
    pub models: Vec<(String, String)>,
}

pub(crate) fn load_claims(root: &Node, sink: &Sink<'_>) -> (String, Vec<Claim>) {
    let Some(top) = Table::open(root, "claims.toml", sink) else { return Default::default() };
    top.need("schema");
    let source = top.need("source").text;
    let mut out = Vec::new();
    for row in top.tables("claim") {
        let models = row.tables("models").into_iter().map(|m| (m.need("id").text, m.need("license").text)).collect();
        out.push(Claim {
            id: row.need("id").text,
            asks: row.need("asks").text,
            says: row.need("says").text,
            weight: row.need("weight").text,
            no_use_policy: row.bool("no-use-policy").unwrap_or(false),
            models,
        });
        row.finish();
    }
    top.finish();
    (source, out)
}
