//! What a model says of itself: license, bases, data; and where that stands in a card and in a GGUF header.

use freehold_artifact::{CardField, GgufHeader, GgufValue, card_values};
use freehold_assess::Governing;
use freehold_base::{Basis, Relation};
use freehold_catalog::License;
use freehold_check::Dossier;
use freehold_lineage::is_repository_id;

/// What is written of a model into its card and its GGUF files. An empty field is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The name it goes out under.
    pub name: Option<String>,
    /// The license tag.
    pub license: Option<String>,
    /// Its name, where the tag is `other`.
    pub license_name: Option<String>,
    /// Where its text stands.
    pub license_link: Option<String>,
    /// What it was made from, as repository ids.
    pub bases: Vec<String>,
    /// The step, in the hub's words: finetune, adapter, merge, quantized.
    pub relation: Option<String>,
    /// What it was trained on, as repository ids.
    pub datasets: Vec<String>,
}

/// The hub's words for a step.
pub const RELATIONS: [&str; 4] = ["finetune", "adapter", "merge", "quantized"];

/// The tag that says that the license is named elsewhere.
const OTHER: &str = "other";

/// What check knows of the subject. The license of a layer of our own is our choice and is not made up: it is known
/// where somebody stated it, or where no step adds a layer and one license governs.
pub fn identity(d: &Dossier<'_>) -> Identity {
    let graph = &d.graph;
    let steps: Vec<_> = graph.edges.iter().filter(|e| e.child == graph.subject && !e.is_loop()).collect();
    let id = |work: usize| graph.works.get(work).map(|w| w.id.clone()).filter(|id| is_repository_id(id));
    let is_data = |r: Relation| matches!(r, Relation::TrainedOnData | Relation::TrainedOnOutputs);
    let is_base =
        |r: Relation| !is_data(r) && !matches!(r, Relation::OutputsOf | Relation::Component | Relation::Distilled);
    let mut relations: Vec<Relation> = steps.iter().map(|e| e.relation).filter(|r| is_base(*r)).collect();
    relations.dedup();
    let mut out = Identity {
        bases: steps.iter().filter(|e| is_base(e.relation)).filter_map(|e| id(e.parent)).collect(),
        datasets: steps.iter().filter(|e| is_data(e.relation)).filter_map(|e| id(e.parent)).collect(),
        relation: match relations.as_slice() {
            [one] => Some(one.as_str().to_string()).filter(|r| RELATIONS.contains(&r.as_str())),
            _ => None,
        },
        ..Identity::default()
    };
    let declared = |name: bool| {
        let mut claims = graph.works.get(graph.subject).into_iter().flat_map(|w| &w.claims);
        claims
            .find(|c| c.basis == Basis::Declared && c.evidence.key.ends_with("name") == name)
            .map(|c| c.license.clone())
    };
    let adds_a_layer = |r: &Relation| !matches!(r, Relation::Quantized | Relation::Converted | Relation::Copy);
    match (declared(false), declared(true)) {
        (Some(tag), _) => out.license = Some(tag),
        (None, Some(name)) => {
            out.license = Some(OTHER.into());
            out.license_name = Some(name);
        }
        (None, None) if !relations.is_empty() && !relations.iter().any(adds_a_layer) => {
            if let [one] = governing(d).as_slice() {
                (out.license, out.license_name, out.license_link) = tag_of(one);
            }
        }
        (None, None) => {}
    }
    out
}

/// Licenses in law that bind the subject from outside.
pub fn governing<'c>(d: &Dossier<'c>) -> Vec<&'c License> {
    let binds = |l: &&Governing| !l.displaced && !l.outbound && !l.beyond;
    let named = d.assessment.licenses.iter().filter(binds).filter_map(|l| d.catalog.license_of_edition(&l.edition));
    let mut all: Vec<usize> = named.map(|(i, _)| i).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().filter_map(|i| d.catalog.licenses.get(i)).collect()
}

/// How a card names a license: one of the SPDX list by its tag, any other by name and address.
pub fn tag_of(license: &License) -> (Option<String>, Option<String>, Option<String>) {
    if !license.spdx.starts_with("LicenseRef-") {
        return (Some(license.id.clone()), None, None);
    }
    let link = license.edition_in_force().and_then(|e| e.url.clone());
    (Some(OTHER.into()), Some(license.id.clone()), link)
}

impl Identity {
    /// The card's fields. `replace`: also where another value stands; the name always is.
    pub fn card_fields(&self, replace: bool) -> Vec<CardField> {
        let one = |key: &str, value: &Option<String>, after: &'static [&'static str]| {
            let values = value.iter().cloned().collect();
            CardField { key: key.into(), values, list: false, replace: replace || key == "model_name", after }
        };
        let many = |key: &str, values: &[String], list: bool, after: &'static [&'static str]| CardField {
            key: key.into(),
            values: values.to_vec(),
            list,
            replace,
            after,
        };
        let all = [
            one("model_name", &self.name, &[]),
            one("license", &self.license, &[]),
            one("license_name", &self.license_name, &["license"]),
            one("license_link", &self.license_link, &["license_name", "license"]),
            many("base_model", &self.bases, false, &["license_link", "license_name", "license"]),
            one("base_model_relation", &self.relation, &["base_model"]),
            many("datasets", &self.datasets, true, &["base_model_relation", "base_model"]),
        ];
        all.into_iter().filter(|f| !f.values.is_empty()).collect()
    }

    /// What a card says.
    pub fn of_card(text: &str) -> Identity {
        let one = |key: &str| card_values(text, key).into_iter().next();
        let ids = |key: &str| card_values(text, key).into_iter().filter(|v| is_repository_id(v)).collect();
        Identity {
            name: one("model_name"),
            license: one("license"),
            license_name: one("license_name"),
            license_link: one("license_link"),
            bases: ids("base_model"),
            relation: one("base_model_relation").filter(|r| RELATIONS.contains(&r.as_str())),
            datasets: ids("datasets"),
        }
    }

    /// The keys of a GGUF header to set, and the prefixes of keys that go where they are not set. `replace`: also where
    /// other values stand; the name always is.
    pub fn gguf_keys(&self, header: &GgufHeader, replace: bool) -> (Vec<(String, GgufValue)>, Vec<String>) {
        let mut set: Vec<(String, GgufValue)> = Vec::new();
        let mut without = Vec::new();
        let text = |v: &str| GgufValue::Text(v.to_string());
        set.extend(self.name.iter().map(|n| ("general.name".into(), text(n))));
        if let Some(license) = self.license.as_deref().filter(|_| replace || header.text("general.license").is_none()) {
            set.push(("general.license".into(), text(license)));
            for (key, value) in [("name", &self.license_name), ("link", &self.license_link)] {
                set.extend(value.iter().map(|v| (format!("general.license.{key}"), text(v))));
            }
            if replace {
                // the name and link of another license must not stay behind
                without.push("general.license.".to_string());
            }
        }
        for (group, ids) in [("base_model", &self.bases), ("dataset", &self.datasets)] {
            let prefix = format!("general.{group}.");
            if ids.is_empty() || said(header, group, ids) || (!replace && header.keys(&prefix).next().is_some()) {
                continue;
            }
            set.extend(of_group(group, ids));
            without.push(prefix);
        }
        (set, without)
    }
}

/// The keys of a header that is written anew: everything that is known.
pub fn new_keys(identity: &Identity) -> Vec<(String, GgufValue)> {
    let text = |key: &str, v: &Option<String>| v.as_ref().map(|v| (key.to_string(), GgufValue::Text(v.clone())));
    let own = [
        text("general.name", &identity.name),
        text("general.license", &identity.license),
        text("general.license.name", &identity.license_name),
        text("general.license.link", &identity.license_link),
    ];
    let lineage = [("base_model", &identity.bases), ("dataset", &identity.datasets)];
    let lineage = lineage.into_iter().filter(|(_, ids)| !ids.is_empty()).flat_map(|(group, ids)| of_group(group, ids));
    own.into_iter().flatten().chain(lineage).collect()
}

/// The keys of what a model was made from, or trained on.
fn of_group(group: &str, ids: &[String]) -> Vec<(String, GgufValue)> {
    let text = |v: &str| GgufValue::Text(v.to_string());
    let count = GgufValue::Number(u32::try_from(ids.len()).unwrap_or(u32::MAX));
    let mut set = vec![(format!("general.{group}.count"), count)];
    for (n, id) in ids.iter().enumerate() {
        let (organization, name) = id.split_once('/').unwrap_or(("", id));
        let words = |s: &str| s.replace(['-', '_'], " ");
        let key = |what: &str| format!("general.{group}.{n}.{what}");
        set.push((key("name"), text(&words(name))));
        set.push((key("organization"), text(&words(organization))));
        set.push((key("repo_url"), text(&address(id, group == "dataset"))));
    }
    set
}

/// The page of a repository.
fn address(id: &str, dataset: bool) -> String {
    format!("https://huggingface.co/{}{id}", if dataset { "datasets/" } else { "" })
}

/// True where a header names exactly these already, whatever it says of them besides.
fn said(header: &GgufHeader, group: &str, ids: &[String]) -> bool {
    let of =
        |n: usize| header.text(&format!("general.{group}.{n}.repo_url")).map(|u| u.trim_end_matches('/').to_string());
    let same = |(n, id): (usize, &String)| of(n).is_some_and(|url| url == address(id, group == "dataset"));
    ids.iter().enumerate().all(same) && header.keys(&format!("general.{group}.{}.", ids.len())).next().is_none()
}
