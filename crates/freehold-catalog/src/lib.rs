//! The law as data: loads and checks `catalog/`, the condition language, ids and aliases.
//!
//! No line here knows a license. Every mistake of every file is reported at once, each with its place.

mod activities;
mod agreement;
mod capability;
pub mod condition;
pub mod document;
mod facts;
mod fingerprints;
mod license;
mod models;
mod obligations;
mod tags;
mod territories;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use freehold_base::Diagnostic;

pub use activities::{Activity, ActivityMask, ActivityTable};
pub use agreement::{AgreementHead, agreement_id};
pub use capability::{
    Capabilities, Capability, Claim, KINDS, SERVICE_TOPICS, Score, Service, ServiceFact, Source, Sourced,
};
pub use condition::{Expr, Facts, Near};
pub use facts::{FactDef, FactId, FactOrigin, FactTable, FactType, Presumed, SumDef};
pub use fingerprints::{
    Comparison, Fingerprint, Fingerprints, FoundTemplate, Header, Numbers, Scaling, Sign, TemplatePrint, TokenizerPrint,
};
pub use license::{
    Act, Acts, Duty, Edition, Effect, License, OpenSource, Openness, OpennessTest, OutputTrained, Policy,
    QUOTE_WORDS_MAX, Reach, Reading, Relations, Requires, Review, Standing, Standings, Strictness, TOPICS, Term,
    Upstream,
};
pub use models::{Match, ModelRow, Models, OLLAMA_PREFIX, expand};
pub use obligations::{Obligation, Obligations};
pub use tags::{TagMeaning, Tags};
pub use territories::{Territories, countries, is_country};

use condition::Scope;
use document::{Sink, parse_toml};
use license::Law;

/// Everything that `catalog/` says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Catalog {
    /// Facts and sums.
    pub facts: FactTable,
    /// Activities.
    pub activities: ActivityTable,
    /// Territories.
    pub territories: Territories,
    /// Duty codes.
    pub obligations: Obligations,
    /// Tags that are not licenses.
    pub tags: Tags,
    /// What tells known base models apart by their headers.
    pub fingerprints: Fingerprints,
    /// Licenses in law, by id.
    // half of the catalog: written down beside the rest, and read at the same time
    #[serde(skip)]
    pub licenses: Vec<License>,
    /// Use policies, by id.
    pub policies: Vec<Policy>,
    /// Models.
    pub models: Models,
    /// What base models can do.
    pub capabilities: Capabilities,
    /// What a guide recommends, and which.
    pub claims: (String, Vec<Claim>),
    /// Vendors of models as a service, by id.
    pub services: Vec<Service>,
    /// Version of the catalog, `YYYY.MM.DD`.
    pub version: String,
    /// Words that every condition may use, with their meaning.
    defines: Vec<(String, Expr)>,
    aliases: BTreeMap<String, usize>,
    editions: BTreeMap<String, usize>,
}

/// One file of the catalog: its path below `catalog/`, and its text.
#[derive(Clone, Copy, Debug)]
pub struct CatalogFile<'a> {
    /// Path below `catalog/`, with `/`.
    pub path: &'a str,
    /// Content.
    pub text: &'a str,
    /// The path as messages and citations name it (`catalog/licenses/mit.toml`, `acme-law/licenses/acme.toml`).
    pub shown: &'a str,
}

impl Catalog {
    /// The loaded catalog as bytes, for [`Catalog::from_bytes`] of the same build.
    ///
    /// # Errors
    /// A catalog that cannot be written down is a fault of this crate; the sentence says where.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let wrong = |e: postcard::Error| e.to_string();
        let rest = postcard::to_allocvec(self).map_err(wrong)?;
        let licenses = postcard::to_allocvec(&self.licenses).map_err(wrong)?;
        let length = u32::try_from(rest.len()).map_err(|e| e.to_string())?;
        Ok([&length.to_le_bytes()[..], &rest, &licenses].concat())
    }

    /// Reads what [`Catalog::to_bytes`] of the same build wrote; nothing else can be read.
    ///
    /// # Errors
    /// Bytes of another build, or not of a catalog.
    pub fn from_bytes(bytes: &[u8]) -> Result<Catalog, String> {
        let (length, bytes) = bytes.split_first_chunk::<4>().ok_or("no catalog")?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|e| e.to_string())?;
        let (rest, licenses) = bytes.split_at_checked(length).ok_or("no catalog")?;
        let read = || postcard::from_bytes::<Vec<License>>(licenses).map_err(|e| e.to_string());
        // every run waits for this
        std::thread::scope(|scope| {
            let beside = std::thread::Builder::new().spawn_scoped(scope, read);
            let mut catalog: Catalog = postcard::from_bytes(rest).map_err(|e| e.to_string())?;
            catalog.licenses = match beside.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(licenses)) => licenses?,
                _ => read()?,
            };
            Ok(catalog)
        })
    }

    /// Loads a catalog with an organization's files laid over it: a file of the same path replaces one, others are added.
    /// The version says so, and every citation names the file.
    pub fn overlaid(base: &[CatalogFile<'_>], over: &[CatalogFile<'_>], name: &str) -> (Catalog, Vec<Diagnostic>) {
        let kept = base.iter().filter(|b| !over.iter().any(|o| o.path == b.path)).copied();
        let mut files: Vec<CatalogFile<'_>> = kept.chain(over.iter().copied()).collect();
        files.sort_by_key(|f| f.path);
        let (mut catalog, mistakes) = Catalog::load(&files);
        catalog.version = format!("{}+{name}", catalog.version);
        (catalog, mistakes)
    }

    /// Loads a catalog; every mistake of every file is returned.
    pub fn load(files: &[CatalogFile<'_>]) -> (Catalog, Vec<Diagnostic>) {
        let mut catalog = Catalog::default();
        let mut mistakes = Vec::new();
        let mut defines = Vec::new();
        let mut one = |path: &str, read: &mut dyn FnMut(&document::Node, &Sink<'_>)| {
            let Some(file) = files.iter().find(|f| f.path == path) else {
                mistakes.push(Diagnostic::error("missing-file", format!("`{path}` is missing")).in_file(path));
                return;
            };
            let sink = Sink::new(file.shown, file.text);
            read(&parse_toml(&sink), &sink);
            mistakes.extend(sink.into_diagnostics());
        };
        one("catalog.toml", &mut |n, s| catalog.version = version(n, s));
        one("territories.toml", &mut |n, s| catalog.territories = Territories::load(n, s));
        one("activities.toml", &mut |n, s| catalog.activities = ActivityTable::load(n, s));
        one("obligations.toml", &mut |n, s| catalog.obligations = Obligations::load(n, s));
        one("tags.toml", &mut |n, s| catalog.tags = Tags::load(n, s));
        one("facts.toml", &mut |n, s| {
            let (table, raw) = FactTable::load(n, s);
            for (name, source) in raw {
                let scope = Scope {
                    facts: &table,
                    activities: &catalog.activities,
                    territories: &catalog.territories,
                    defines: &defines,
                };
                if let Some(e) = condition::parse(&source, &scope, s) {
                    defines.push((name, e));
                }
            }
            catalog.facts = table;
        });
        // without it nothing is told by its numbers; an organization's small catalog need not have it
        if let Some(file) = files.iter().find(|f| f.path == "fingerprints.toml") {
            let sink = Sink::new(file.shown, file.text);
            catalog.fingerprints = fingerprints::load(&parse_toml(&sink), &sink);
            mistakes.extend(sink.into_diagnostics());
        }
        if let Some(file) = files.iter().find(|f| f.path == "claims.toml") {
            let sink = Sink::new(file.shown, file.text);
            catalog.claims = capability::load_claims(&parse_toml(&sink), &sink);
            mistakes.extend(sink.into_diagnostics());
        }
        catalog.load_law(files, &defines, &mut mistakes);
        catalog.defines = defines;
        catalog.load_models(files, &mut mistakes);
        (catalog, mistakes)
    }

    fn load_law(&mut self, files: &[CatalogFile<'_>], defines: &[(String, Expr)], mistakes: &mut Vec<Diagnostic>) {
        let mut licenses = Vec::new();
        let mut policies = Vec::new();
        for file in files {
            let sink = Sink::new(file.shown, file.text);
            let law = Law {
                scope: Scope {
                    facts: &self.facts,
                    activities: &self.activities,
                    territories: &self.territories,
                    defines,
                },
                obligations: &self.obligations,
            };
            if let Some(stem) = stem(file.path, "licenses/") {
                licenses.extend(license::load_license(&parse_toml(&sink), stem, &law, &sink).map(|l| (l, file.shown)));
            } else if let Some(stem) = stem(file.path, "policies/") {
                policies.extend(license::load_policy(&parse_toml(&sink), stem, &law, &sink));
            }
            mistakes.extend(sink.into_diagnostics());
        }
        for (license, path) in &mut licenses {
            for (index, id) in license.policies.iter().enumerate() {
                let Some(policy) = policies.iter().find(|p| p.id == *id) else {
                    let message = format!("the license incorporates `{id}`, and no such policy is encoded");
                    mistakes.push(Diagnostic::error("unknown-policy", message).in_file(*path));
                    continue;
                };
                let items = policy.items.iter().cloned().map(|t| Term { policy: Some(index), ..t });
                license.terms.extend(items);
            }
        }
        self.policies = policies;
        for (license, path) in licenses {
            self.index(license, path, mistakes);
        }
    }

    fn index(&mut self, license: License, path: &str, mistakes: &mut Vec<Diagnostic>) {
        let index = self.licenses.len();
        let names = [&license.id, &license.spdx].into_iter().chain(&license.aliases);
        for name in names.cloned().collect::<Vec<_>>() {
            let key = fold_tag(&name);
            match self.aliases.insert(key, index) {
                Some(other) if other != index => {
                    let other = &self.licenses[other].id;
                    let message = format!("`{name}` is an alias of `{other}` already");
                    mistakes.push(Diagnostic::error("duplicate-alias", message).in_file(path));
                }
                _ => {}
            }
        }
        for e in &license.editions {
            if let Some(other) = self.editions.insert(e.text.clone(), index) {
                // the other may be this very license, which is not among them yet
                let other = self.licenses.get(other).map_or(&license.id, |l| &l.id);
                let message = format!("`{}` is an edition of `{other}` already", e.text);
                mistakes.push(Diagnostic::error("duplicate-edition", message).in_file(path));
            }
            self.aliases.entry(fold_tag(&e.text)).or_insert(index);
        }
        self.licenses.push(license);
    }

    fn load_models(&mut self, files: &[CatalogFile<'_>], mistakes: &mut Vec<Diagnostic>) {
        let mut models = Models::default();
        for file in files {
            if let Some(stem) = stem(file.path, "models/") {
                let sink = Sink::new(file.shown, file.text);
                models.load(&parse_toml(&sink), stem, &sink);
                mistakes.extend(sink.into_diagnostics());
            } else if let Some(stem) = stem(file.path, "capabilities/") {
                let sink = Sink::new(file.shown, file.text);
                self.capabilities.load(&parse_toml(&sink), stem, &sink);
                mistakes.extend(sink.into_diagnostics());
            } else if let Some(stem) = stem(file.path, "services/") {
                let sink = Sink::new(file.shown, file.text);
                let service = capability::load_service(&parse_toml(&sink), stem, &sink);
                self.services.extend(service.map(|s| Service { file: file.shown.to_string(), ..s }));
                mistakes.extend(sink.into_diagnostics());
            }
        }
        self.models = models;
    }

    /// What a condition outside the catalog is read against.
    pub fn scope(&self) -> Scope<'_> {
        Scope {
            facts: &self.facts,
            activities: &self.activities,
            territories: &self.territories,
            defines: &self.defines,
        }
    }

    /// The license with this id.
    pub fn license(&self, id: &str) -> Option<&License> {
        self.licenses.iter().find(|l| l.id == id)
    }

    /// Index of the license that goes by this name, in any spelling known.
    pub fn license_named(&self, name: &str) -> Option<usize> {
        self.aliases.get(&fold_tag(name)).copied()
    }

    /// Index of the license that this text is an edition of, and the edition.
    pub fn license_of_edition(&self, text: &str) -> Option<(usize, &Edition)> {
        let index = *self.editions.get(text)?;
        let edition = self.licenses[index].editions.iter().find(|e| e.text == text)?;
        Some((index, edition))
    }

    /// The use policy with this id.
    pub fn policy(&self, id: &str) -> Option<&Policy> {
        self.policies.iter().find(|p| p.id == id)
    }

    /// Every license name and alias, for "did you mean".
    pub fn license_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.aliases.keys().map(String::as_str)
    }
}

fn version(root: &document::Node, sink: &Sink<'_>) -> String {
    let Some(top) = document::Table::open(root, "catalog.toml", sink) else { return String::new() };
    top.need("schema");
    let version = top.need("version").text;
    top.finish();
    version
}

fn stem<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    path.strip_prefix(folder)?.strip_suffix(".toml")
}

/// Compares tags: lower case, spaces and underscores as hyphens.
pub fn fold_tag(tag: &str) -> String {
    tag.trim().chars().map(|c| if c == ' ' || c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}
