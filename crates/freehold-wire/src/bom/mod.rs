//! Bills of materials: what dossiers say, as CycloneDX and SPDX write it down, and back.
//!
//! [`Bom`] is the bill before it has a format. What a format has no field for goes into properties named `freehold:…`
//! (CycloneDX) or a JSON comment under `freehold` (SPDX); `import` reads them back and everything else by the standard.
//! No verdict is in it: whoever receives it has another use. Numbers of the organization are never written.

mod cyclonedx;
mod g7;
mod import;
mod names;
mod spdx3;

use std::collections::BTreeMap;

use freehold_base::{Claim, Evidence, Fact, FactKind, MadeBy, Relation, TextFile, TextKind, Value, WorkKind};
use freehold_catalog::Catalog;
use freehold_check::{Dossier, Lineage, LineageStep, LineageWork, Role, is_repository_id};
use sha2::{Digest, Sha256};

use crate::Obligation;
use crate::convert::Names;
use names::LicenseName;

pub use cyclonedx::{CycloneDx, cyclonedx};
pub use g7::{Coverage, Element, ElementState, g7_coverage};
pub use import::{BOM_BYTES_MAX, Imported, import_bom, is_bom};
pub use spdx3::spdx3;

/// Most files of one model that a bill lists; how many were left out is a property.
const FILES_MAX: usize = 2_000;

/// What the files of a subject say that its dossier does not hold.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Facts.
    pub facts: Vec<Fact>,
    /// Its files.
    pub files: Vec<BomFile>,
    /// Legal texts that lie beside it.
    pub texts: Vec<TextFile>,
}

/// A file of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BomFile {
    /// Path relative to the subject's root.
    pub path: String,
    /// Size on disk.
    pub bytes: u64,
    /// SHA-256 of its content in lower-case hex, where somebody took it.
    pub sha256: Option<String>,
}

/// A bill of materials before it has a format.
#[derive(Clone, Debug)]
pub struct Bom<'a> {
    catalog: &'a Catalog,
    as_of: String,
    /// What the bill is of, where it is of several models.
    name: String,
    organization: Option<String>,
    accesses: Vec<String>,
    activities: Vec<String>,
    works: Vec<BomWork>,
    steps: Vec<LineageStep>,
    subjects: Vec<usize>,
    /// The work that holds the others side by side.
    whole: Option<usize>,
    duties: Vec<Duty>,
    review_level: String,
    record: Option<BomRecord>,
}

/// What a governance record says of the subject, for a bill of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BomRecord {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: String,
    /// The last day of an approval; empty for none.
    pub until: String,
    /// What people and files state: fields in tables, each a `value` or a `state` with its `source`, and the lists `datasets`,
    /// `clauses`, `attributions`.
    pub statement: serde_json::Value,
    /// Who approved it.
    pub approvals: Vec<BomApproval>,
}

/// A step of an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BomApproval {
    /// In which role.
    pub role: String,
    /// Who.
    pub by: String,
    /// When, as RFC 3339 in UTC.
    pub at: String,
    /// Said with it; empty for nothing.
    pub comment: String,
}

impl BomRecord {
    /// The statement as names and values: `base.revision`, `base.revision:source`, and each entry of a list as JSON.
    fn pairs(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for (table, value) in self.statement.as_object().into_iter().flatten() {
            for entry in value.as_array().into_iter().flatten() {
                out.push((table.clone(), entry.to_string()));
            }
            for (key, said) in value.as_object().into_iter().flatten() {
                for part in ["value", "state", "source"] {
                    let Some(text) = said[part].as_str() else { continue };
                    let suffix = if part == "value" { String::new() } else { format!(":{part}") };
                    out.push((format!("{table}.{key}{suffix}"), text.to_string()));
                }
            }
        }
        out
    }

    /// The inverse of [`BomRecord::pairs`].
    fn statement_of<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)>) -> serde_json::Value {
        use serde_json::json;
        let mut out = serde_json::Map::new();
        for (name, value) in pairs {
            match name.split_once('.') {
                None => {
                    let Ok(entry) = serde_json::from_str::<serde_json::Value>(value) else { continue };
                    if let Some(list) = out.entry(name).or_insert_with(|| json!([])).as_array_mut() {
                        list.push(entry);
                    }
                }
                Some((table, rest)) => {
                    let (key, part) = rest.split_once(':').unwrap_or((rest, "value"));
                    let field = out.entry(table).or_insert_with(|| json!({}));
                    if let Some(field) = field.as_object_mut() {
                        let said = field.entry(key).or_insert_with(|| json!({}));
                        if let Some(said) = said.as_object_mut() {
                            said.insert(part.into(), json!(value));
                        }
                    }
                }
            }
        }
        serde_json::Value::Object(out)
    }

    /// What it is used for, where that is known.
    fn described(&self) -> Option<&str> {
        self.statement["use"]["description"]["value"].as_str()
    }

    fn approval_text(a: &BomApproval) -> String {
        let comment = if a.comment.is_empty() { String::new() } else { format!(": {}", a.comment) };
        format!("approved as {}{comment}", a.role)
    }
}

/// A work with everything that a bill says of it.
#[derive(Clone, Debug)]
struct BomWork {
    id: String,
    of: LineageWork,
    is_subject: bool,
    /// Organization and name on the hub, where it is published there.
    repository: Option<(String, String)>,
    version: Option<String>,
    supplier: Option<String>,
    concluded: Vec<LicenseName>,
    /// Whose license stands open, in sentences.
    open: Vec<String>,
    files: Vec<BomFile>,
    files_left_out: usize,
    /// The digest of the weights, where they are one file.
    weights_sha256: Option<String>,
    texts: Vec<TextFile>,
    card: Card,
}

/// What a header or a card states of a model.
#[derive(Clone, Debug, Default)]
struct Card {
    task: Option<String>,
    architecture: Option<String>,
    /// Property name and value.
    more: Vec<(&'static str, String)>,
}

/// What a subject owes.
#[derive(Clone, Debug)]
struct Duty {
    subject: usize,
    title: String,
    says: String,
    of: Obligation,
}

impl<'a> Bom<'a> {
    /// The bill of dossiers; `details` go with them one by one, and `name` says what is listed where it is several
    /// models. `None` where there are none.
    pub fn of(dossiers: &[Dossier<'a>], details: &[Details], name: &str) -> Option<Bom<'a>> {
        let first = dossiers.first()?;
        let catalog = first.catalog;
        let joined = freehold_check::lineage(dossiers);
        let place = |d: &Dossier<'_>| {
            let id = d.graph.works.get(d.graph.subject).map_or("", |w| w.id.as_str());
            let here = |w: &LineageWork| w.work.id == id && w.subject.as_ref().is_some_and(|s| s.0 == d.subject.path);
            joined.works.iter().position(here)
        };
        let places: Vec<Option<usize>> = dossiers.iter().map(place).collect();
        let stated = |name: &str| match first.deployment.named(catalog, name) {
            Some(Value::Text(t)) => vec![t.clone()],
            Some(Value::List(l)) => l.clone(),
            _ => Vec::new(),
        };
        let mut works: Vec<BomWork> = joined.works.iter().map(|w| bare(w, catalog)).collect();
        pin_bases(&mut works, &joined, dossiers, details, &places);
        let organization = stated("organization.name").into_iter().next();
        for (i, work) in works.iter_mut().enumerate() {
            work.is_subject = joined.subjects.contains(&i);
            if work.supplier.is_none() && work.of.work.made_by == Some(MadeBy::Organization) {
                work.supplier.clone_from(&organization);
            }
        }
        let mut duties = Vec::new();
        for ((d, place), detail) in
            dossiers.iter().zip(&places).zip(details.iter().map(Some).chain(std::iter::repeat(None)))
        {
            let Some(at) = *place else { continue };
            if let Some(work) = works.get_mut(at) {
                describe(work, d, detail);
            }
            let names = Names { catalog, house: &d.house };
            for o in &d.assessment.obligations {
                let entry = catalog.obligations.get(o.code);
                duties.push(Duty {
                    subject: at,
                    title: entry.map_or_else(|| o.code.to_string(), |e| e.title.clone()),
                    says: entry.map_or_else(String::new, |e| e.says.clone()),
                    of: names.obligation(o),
                });
            }
        }
        let rest = dossiers.len().saturating_sub(1);
        let whole = (first.subject.components > 0 && first.subject.components == rest)
            .then(|| places.first().copied().flatten());
        let subjects = joined.subjects.clone();
        let levels = dossiers.iter().map(|d| crate::convert::catalog_version(d).review_level);
        let review_level = levels.min_by_key(|l| rank(l)).unwrap_or_default();
        let accesses = first.deployment.accesses(catalog).unwrap_or_default();
        Some(Bom {
            catalog,
            as_of: first.as_of.clone(),
            name: name.to_string(),
            organization,
            accesses: accesses.iter().map(|a| a.as_str().to_string()).collect(),
            activities: stated("use.activities"),
            works,
            steps: joined.steps,
            subjects,
            whole: whole.flatten(),
            duties,
            review_level,
            record: None,
        })
    }

    /// The bill with what a governance record says of its subject.
    pub fn with_record(mut self, record: BomRecord) -> Bom<'a> {
        self.record = Some(record);
        self
    }

    /// The work that the record is about.
    fn recorded(&self, w: usize) -> Option<&BomRecord> {
        let about = self.whole.or(self.subjects.first().copied());
        self.record.as_ref().filter(|_| about == Some(w))
    }

    /// The time that the bill states: the day of the question, so that the same input gives the same bytes.
    fn timestamp(&self) -> String {
        format!("{}T00:00:00Z", self.as_of)
    }

    /// Steps of a child.
    fn steps_of(&self, child: usize) -> impl Iterator<Item = &LineageStep> {
        self.steps.iter().filter(move |s| s.child == child)
    }

    /// Works that a work was made from or holds, each once, itself left out.
    fn parents_of(&self, child: usize) -> Vec<usize> {
        let mut out: Vec<usize> = self.steps_of(child).map(|s| s.parent).filter(|p| *p != child).collect();
        out.sort_unstable();
        out.dedup();
        out
    }
}

fn rank(level: &str) -> u8 {
    match level {
        "counsel" => 2,
        "engineer" => 1,
        _ => 0,
    }
}

/// A work as the lineage knows it.
fn bare(w: &LineageWork, catalog: &Catalog) -> BomWork {
    let published = is_repository_id(&w.work.id)
        && w.work.made_by != Some(MadeBy::Organization)
        // the name of a folder is no repository, though it may look like one
        && (w.subject.is_none() || w.work.known);
    let repository = w.work.id.split_once('/').filter(|_| published).map(|(o, n)| (o.to_string(), n.to_string()));
    let governing = w.terms.iter().filter(|t| matches!(t.role, Role::Governs | Role::Code));
    BomWork {
        id: w.id.clone(),
        is_subject: false,
        version: None,
        supplier: repository.as_ref().map(|(o, _)| o.clone()),
        repository,
        concluded: conclude(governing.map(|t| (t.license.as_str(), t.edition.as_str())), catalog),
        open: Vec::new(),
        files: Vec::new(),
        files_left_out: 0,
        weights_sha256: None,
        texts: Vec::new(),
        card: Card::default(),
        of: w.clone(),
    }
}

fn conclude<'t>(terms: impl Iterator<Item = (&'t str, &'t str)>, catalog: &Catalog) -> Vec<LicenseName> {
    let mut out: Vec<LicenseName> = Vec::new();
    for (license, edition) in terms {
        for name in names::statement(license, edition, catalog).names {
            if !out.iter().any(|n| n.reference == name.reference) {
                out.push(name);
            }
        }
    }
    out
}

/// Revisions that an adapter's config pins its base to.
fn pin_bases(
    works: &mut [BomWork],
    joined: &Lineage,
    dossiers: &[Dossier<'_>],
    details: &[Details],
    places: &[Option<usize>],
) {
    for ((_, detail), place) in dossiers.iter().zip(details).zip(places) {
        let Some(revision) = value(&detail.facts, FactKind::AdapterRevision) else { continue };
        let bases = joined.steps.iter().filter(|s| Some(s.child) == *place && s.relation == Relation::Adapter);
        let bases: Vec<usize> = bases.map(|s| s.parent).collect();
        if let [base] = bases.as_slice()
            && let Some(work) = works.get_mut(*base)
        {
            work.version.get_or_insert(revision);
        }
    }
}

fn value(facts: &[Fact], kind: FactKind) -> Option<String> {
    facts.iter().find(|f| f.kind == kind && !f.value.trim().is_empty()).map(|f| f.value.trim().to_string())
}

/// What the dossier and the files of a subject add to its work.
fn describe(work: &mut BomWork, d: &Dossier<'_>, detail: Option<&Details>) {
    let governs = d.assessment.licenses.iter().filter(|g| !g.displaced && !g.outbound && !g.beyond);
    // training data's terms are a finding about the model, not the model's license
    let weighty = |g: &&freehold_assess::Governing| {
        d.graph.works.get(g.work).is_none_or(|w| w.kind != WorkKind::Dataset || g.work == d.graph.subject)
    };
    let mut concluded = conclude(governs.filter(weighty).map(|g| (g.license.as_str(), g.edition.as_str())), d.catalog);
    if concluded.is_empty() {
        let own = d.assessment.licenses.iter().filter(|g| g.outbound);
        concluded = conclude(own.map(|g| (g.license.as_str(), g.edition.as_str())), d.catalog);
    }
    work.concluded = concluded;
    let open = |g: &&freehold_assess::Gap<'_>| {
        matches!(g.kind, freehold_assess::GapKind::Dispute | freehold_assess::GapKind::Text) || g.license.is_empty()
    };
    work.open = d.assessment.gaps.iter().filter(open).map(|g| g.says.clone()).collect();
    let Some(detail) = detail else { return };
    let facts = &detail.facts;
    work.version = value(facts, FactKind::Revision).or_else(|| value(facts, FactKind::Version)).or(work.version.take());
    if work.supplier.is_none() {
        work.supplier =
            value(facts, FactKind::Organization).filter(|_| work.of.work.made_by != Some(MadeBy::Organization));
    }
    let digests: BTreeMap<&str, &str> = facts
        .iter()
        .filter(|f| f.kind == FactKind::Sha256 && is_sha256(&f.value))
        .map(|f| (f.evidence.file.as_str(), f.value.as_str()))
        .collect();
    let listed = detail.files.iter().take(FILES_MAX).map(|f| BomFile {
        sha256: f.sha256.clone().or_else(|| digests.get(f.path.as_str()).map(|d| d.to_ascii_lowercase())),
        ..f.clone()
    });
    work.files = listed.collect();
    work.files_left_out = detail.files.len().saturating_sub(FILES_MAX);
    let mut weights: Vec<&str> =
        facts.iter().filter(|f| f.kind == FactKind::Format).map(|f| f.evidence.file.as_str()).collect();
    weights.dedup();
    if let [one] = weights.as_slice() {
        work.weights_sha256 = work.files.iter().find(|f| f.path == *one).and_then(|f| f.sha256.clone());
    }
    work.texts.clone_from(&detail.texts);
    work.card.task = value(facts, FactKind::Task);
    work.card.architecture = value(facts, FactKind::Architecture);
    let more = [
        ("freehold:format", FactKind::Format),
        ("freehold:quantization", FactKind::Quantization),
        ("freehold:quantized-by", FactKind::QuantizedBy),
        ("freehold:size", FactKind::SizeLabel),
        ("freehold:context", FactKind::Context),
        ("freehold:layers", FactKind::Layers),
        ("freehold:adapter-type", FactKind::AdapterType),
        ("freehold:merge-method", FactKind::MergeMethod),
        ("freehold:header-name", FactKind::Name),
    ];
    work.card.more = more.into_iter().filter_map(|(name, kind)| Some((name, value(facts, kind)?))).collect();
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl BomWork {
    fn claims(&self) -> &[Claim] {
        &self.of.work.claims
    }

    /// Where a file of the subject says so; `None` for what the catalog, a case or a flag says.
    fn occurrence<'e>(&self, evidence: &'e Evidence) -> Option<&'e Evidence> {
        self.files.iter().any(|f| f.path == evidence.file).then_some(evidence)
    }

    fn purl(&self) -> Option<String> {
        let (org, name) = self.repository.as_ref()?;
        if self.of.work.kind != WorkKind::Model {
            return None;
        }
        let version = self.version.as_deref().filter(|v| is_commit(v));
        let at = version.map(|v| format!("@{}", v.to_ascii_lowercase())).unwrap_or_default();
        Some(format!("pkg:huggingface/{}/{}{at}", encoded(org), encoded(name)))
    }

    /// Its page on the hub.
    fn page(&self) -> Option<String> {
        let (org, name) = self.repository.as_ref()?;
        let (org, name) = (encoded(org), encoded(name));
        match self.of.work.kind {
            WorkKind::Model => Some(format!("https://huggingface.co/{org}/{name}")),
            WorkKind::Dataset => Some(format!("https://huggingface.co/datasets/{org}/{name}")),
            WorkKind::Code | WorkKind::Service => None,
        }
    }

    /// The name that a reader sees.
    fn shown(&self) -> &str {
        self.of.work.name.as_deref().or(self.repository.as_ref().map(|(_, n)| n.as_str())).unwrap_or(&self.id)
    }

    /// The text of a license that lies beside the work.
    fn text_of(&self, claim: &Claim) -> Option<&TextFile> {
        self.texts.iter().find(|t| t.kind == TextKind::License && t.file == claim.evidence.file)
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A segment of an address, as a package URL writes it.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => out.push(char::from(b)),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

/// A UUID of version 8 (RFC 9562) made from content: the same content has the same one.
fn uuid_of(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    let mut bytes: Vec<u8> = digest.iter().copied().take(16).collect();
    if let Some(b) = bytes.get_mut(6) {
        *b = (*b & 0x0f) | 0x80;
    }
    if let Some(b) = bytes.get_mut(8) {
        *b = (*b & 0x3f) | 0x80;
    }
    let mut out = String::new();
    for (i, b) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{b:02x}"));
    }
    out
}

/// The UUID that stands in a document while its own is made.
const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";

/// What is written where nothing is known and the standard wants a value.
const NO_ASSERTION: &str = "NOASSERTION";

/// Words for one place: `README.md, base_model, line 12`.
fn place_in_words(e: &Evidence) -> String {
    let mut out = e.file.clone();
    if !e.key.is_empty() {
        out.push_str(&format!(", {}", e.key));
    }
    if let Some(line) = e.line {
        out.push_str(&format!(", line {line}"));
    }
    out
}

#[cfg(test)]
mod tests;
