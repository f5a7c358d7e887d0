//! CycloneDX 1.7 and 1.6 (ECMA-424), only the parts that are used.
//!
//! 1.7 lets a declared license and a concluded expression stand side by side, and cites who said what; 1.6 has the same
//! statements as single licenses, and no citations.

use std::collections::BTreeMap;

use freehold_base::{Basis, Claim, Relation, WorkKind};
use freehold_catalog::document::{Sink, Table, parse_toml};
use serde::Serialize;

use super::names::{self, LicenseName};
use super::{Bom, BomWork, Duty, NO_UUID, place_in_words, uuid_of};

/// Edition of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CycloneDx {
    /// 1.6 (2024).
    V1_6,
    /// 1.7 (2025).
    V1_7,
}

impl CycloneDx {
    fn as_str(self) -> &'static str {
        match self {
            CycloneDx::V1_6 => "1.6",
            CycloneDx::V1_7 => "1.7",
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A record of the standard: what is empty is not written.
macro_rules! record {
    ($name:ident { $($(#[$meta:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        #[derive(Clone, Debug, Default, PartialEq, Serialize)]
        #[serde(rename_all = "camelCase")]
        struct $name { $($(#[$meta])* #[serde(skip_serializing_if = "is_default")] $field: $kind,)* }
    };
}

record!(Document {
    #[serde(rename = "$schema")]
    schema: String,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    services: Vec<Service>,
    dependencies: Vec<Dependency>,
    compositions: Vec<Composition>,
    definitions: Option<Definitions>,
    declarations: Option<Declarations>,
    annotations: Vec<Annotation>,
    citations: Vec<Citation>,
});
record!(Annotation {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    subjects: Vec<String>,
    annotator: Annotator,
    timestamp: String,
    text: String,
});
record!(Annotator { individual: Option<Person>, });
record!(Person { name: String });
record!(Metadata {
    timestamp: String,
    lifecycles: Vec<Lifecycle>,
    tools: Tools,
    manufacturer: Option<Organization>,
    component: Option<Component>,
    properties: Vec<Property>,
});
record!(Lifecycle { phase: &'static str, });
record!(Tools { components: Vec<Component>, });
record!(Organization { name: String });
record!(Property { name: String, value: String });
record!(Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    supplier: Option<Organization>,
    group: String,
    name: Needed,
    version: String,
    description: String,
    hashes: Vec<Hash>,
    licenses: Vec<Choice>,
    purl: String,
    pedigree: Option<Pedigree>,
    external_references: Vec<Reference>,
    components: Vec<Component>,
    evidence: Option<Evidence>,
    model_card: Option<ModelCard>,
    data: Vec<Data>,
    properties: Vec<Property>,
});
record!(Service {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    name: Needed,
    licenses: Vec<Choice>,
    properties: Vec<Property>,
});
record!(Hash { alg: &'static str, content: String, });
record!(Pedigree { ancestors: Vec<Component>, });
record!(Reference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
});
record!(Evidence { occurrences: Vec<Occurrence>, licenses: Vec<Choice>, });
record!(Occurrence {
    location: Needed,
    line: Option<u32>,
    offset: Option<u64>,
    symbol: String,
    additional_context: String,
});
record!(ModelCard { model_parameters: Option<Parameters>, considerations: Option<Considerations>, });
record!(Parameters {
    task: String,
    architecture_family: String,
    datasets: Vec<DataRef>,
    inputs: Vec<Form>,
    outputs: Vec<Form>,
});
record!(DataRef {
    #[serde(rename = "ref")]
    reference: String,
});
record!(Form { format: String });
record!(Considerations { use_cases: Vec<String>, ethical_considerations: Vec<Risk>, });
record!(Risk { name: String, mitigation_strategy: String });
record!(Data {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    contents: Option<Contents>,
    description: String,
});
record!(Contents { url: String });
record!(License {
    id: String,
    name: String,
    acknowledgement: &'static str,
    text: Option<Attachment>,
    url: String,
    licensing: Option<Licensing>,
    properties: Vec<Property>,
});
record!(Attachment { content_type: &'static str, content: String, });
record!(Licensing { alt_ids: Vec<String>, licensor: Option<Licensor>, });
record!(Licensor { organization: Organization });
record!(ExpressionDetail { license_identifier: String, url: String });
record!(Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: Vec<String>,
});
record!(Composition { aggregate: &'static str, dependencies: Vec<String>, });
record!(Definitions { standards: Vec<Standard>, });
record!(Standard {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    name: String,
    version: String,
    owner: String,
    requirements: Vec<Requirement>,
    external_references: Vec<Reference>,
});
record!(Requirement {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    identifier: String,
    title: String,
    text: String,
    descriptions: Vec<String>,
    properties: Vec<Property>,
});
record!(Declarations { assessors: Vec<Assessor>, attestations: Vec<Attestation>, claims: Vec<Asserted>, });
record!(Assessor {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    third_party: Option<bool>,
    organization: Option<Organization>,
});
record!(Attestation { summary: String, assessor: String, map: Vec<Mapped>, });
record!(Mapped { requirement: String, claims: Vec<String>, conformance: Option<Conformance>, });
record!(Conformance { score: Option<f32>, rationale: String, });
record!(Asserted {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    target: String,
    predicate: String,
    reasoning: String,
});
record!(Citation { pointers: Vec<String>, timestamp: String, attributed_to: String, note: String, });

/// A text that the standard wants even where it is empty.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
struct Needed(String);

impl PartialEq for Needed {
    /// Never equal, so that it is never left out.
    fn eq(&self, _: &Needed) -> bool {
        false
    }
}

/// A license of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Choice {
    One {
        license: Box<License>,
    },
    #[serde(rename_all = "camelCase")]
    Expression {
        expression: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        expression_details: Vec<ExpressionDetail>,
        #[serde(skip_serializing_if = "is_default")]
        acknowledgement: &'static str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        properties: Vec<Property>,
    },
}

/// Longest license text that goes into a bill, in bytes; a longer one is pointed at.
pub(super) const TEXT_BYTES_MAX: usize = 256 << 10;

/// Ids that are newer than the schema.
const NEWER_IDS: &str = include_str!("../../../../catalog/regimes/cyclonedx-license-ids.toml");
/// The tool's own reference.
const TOOL: &str = "tool/freehold";
/// Who looked at the duties.
const ASSESSOR: &str = "assessor/freehold";

/// The bill as CycloneDX JSON; the same bill gives the same bytes.
pub fn cyclonedx(bom: &Bom<'_>, version: CycloneDx) -> String {
    let newer = newer_ids();
    let text = |serial: &str| {
        let writer = Writer { bom, version, newer: &newer, citations: Vec::new() };
        let document = writer.document(serial);
        format!("{}\n", serde_json::to_string_pretty(&document).unwrap_or_default())
    };
    text(&uuid_of(text(NO_UUID).as_bytes()))
}

struct Writer<'b, 'a> {
    bom: &'b Bom<'a>,
    version: CycloneDx,
    /// Ids that the list inside the schema does not know.
    newer: &'b [String],
    citations: Vec<Citation>,
}

/// A property of ours; an empty value is none.
fn property(name: &str, value: impl Into<String>) -> Option<Property> {
    let value = value.into();
    (!value.is_empty()).then(|| Property { name: format!("freehold:{name}"), value })
}

fn reference(work: &BomWork) -> String {
    format!("{}/{}", work.of.work.kind.as_str(), work.id)
}

impl Writer<'_, '_> {
    fn document(mut self, serial: &str) -> Document {
        let bom = self.bom;
        let main = bom.whole.or(if let [one] = bom.subjects.as_slice() { Some(*one) } else { None });
        let component = match main {
            Some(w) => self.component(w, "/metadata/component"),
            None => Some(inventory(&bom.name)),
        };
        let mut components = Vec::new();
        let mut services = Vec::new();
        for w in (0..bom.works.len()).filter(|w| Some(*w) != main) {
            match self.component(w, &format!("/components/{}", components.len())) {
                Some(c) => components.push(c),
                None => services.extend(self.service(w, services.len())),
            }
        }
        let (definitions, declarations) = self.duties();
        let catalog = &bom.catalog.version;
        let manufacturer = bom.organization.clone().map(|name| Organization { name });
        let metadata = Metadata {
            timestamp: bom.timestamp(),
            lifecycles: vec![Lifecycle { phase: "post-build" }],
            tools: Tools { components: vec![tool()] },
            manufacturer,
            component,
            properties: [
                property("catalog", catalog.clone()),
                property("catalog-review", bom.review_level.clone()),
                property("distribution-scope", bom.accesses.join(",")),
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        Document {
            schema: format!("http://cyclonedx.org/schema/bom-{}.schema.json", self.version.as_str()),
            bom_format: "CycloneDX",
            spec_version: self.version.as_str(),
            serial_number: format!("urn:uuid:{serial}"),
            version: 1,
            dependencies: self.dependencies(main),
            compositions: vec![self.composition()],
            metadata,
            components,
            services,
            definitions,
            declarations,
            annotations: self.approvals(),
            citations: if self.version == CycloneDx::V1_7 { self.citations } else { Vec::new() },
        }
    }

    fn dependencies(&self, main: Option<usize>) -> Vec<Dependency> {
        let of = |w: usize| self.bom.works.get(w).map(reference).unwrap_or_default();
        let mut out: Vec<Dependency> = (0..self.bom.works.len())
            .map(|w| Dependency { reference: of(w), depends_on: self.bom.parents_of(w).into_iter().map(of).collect() })
            .collect();
        if main.is_none() {
            let depends_on = self.bom.subjects.iter().map(|w| of(*w)).collect();
            out.insert(0, Dependency { reference: INVENTORY.into(), depends_on });
        }
        out
    }

    /// How far the lineage goes: what a file does not name nobody can list.
    fn composition(&self) -> Composition {
        let lost = self.bom.works.iter().any(|w| w.of.unresolved);
        let subjects = self.bom.subjects.iter().filter_map(|w| self.bom.works.get(*w));
        Composition {
            aggregate: if lost { "incomplete" } else { "unknown" },
            dependencies: subjects.map(reference).collect(),
        }
    }

    /// A work as a component; `None` for a vendor's API.
    fn component(&mut self, w: usize, pointer: &str) -> Option<Component> {
        let work = self.bom.works.get(w)?;
        let kind = if self.bom.whole == Some(w) {
            "application"
        } else {
            match work.of.work.kind {
                WorkKind::Model => "machine-learning-model",
                WorkKind::Dataset => "data",
                WorkKind::Code => "library",
                WorkKind::Service => return None,
            }
        };
        let licenses = self.licenses(work, pointer);
        let (group, name) = match &work.repository {
            Some((org, name)) => (org.clone(), name.clone()),
            None => (String::new(), work.shown().to_string()),
        };
        let is_model = kind == "machine-learning-model";
        Some(Component {
            kind,
            bom_ref: reference(work),
            supplier: work.supplier.clone().map(|name| Organization { name }),
            group,
            name: Needed(name),
            version: work.version.clone().unwrap_or_default(),
            description: work.of.work.description.clone().unwrap_or_default(),
            hashes: work.weights_sha256.iter().map(|h| sha256(h)).collect(),
            licenses,
            purl: work.purl().unwrap_or_default(),
            pedigree: self.pedigree(w, pointer),
            external_references: references(work),
            components: work.files.iter().map(file).collect(),
            evidence: self.evidence(w),
            model_card: if is_model { self.model_card(w) } else { None },
            data: if kind == "data" { vec![data(work)] } else { Vec::new() },
            properties: self.properties(w),
        })
    }

    fn service(&mut self, w: usize, at: usize) -> Option<Service> {
        let work = self.bom.works.get(w)?;
        Some(Service {
            bom_ref: reference(work),
            name: Needed(work.shown().to_string()),
            licenses: self.licenses(work, &format!("/services/{at}")),
            properties: self.properties(w),
        })
    }

    fn cite(&mut self, pointer: String, by: String, note: String) {
        self.citations.push(Citation {
            pointers: vec![pointer],
            timestamp: self.bom.timestamp(),
            attributed_to: by,
            note,
        });
    }

    fn licenses(&mut self, work: &BomWork, pointer: &str) -> Vec<Choice> {
        let mut out = Vec::new();
        let said = |c: &&Claim| matches!(c.basis, Basis::Declared | Basis::Told) && !c.license.trim().is_empty();
        for claim in work.claims().iter().filter(said) {
            let by = if work.occurrence(&claim.evidence).is_some() { reference(work) } else { TOOL.into() };
            let note = format!("{}: {}", claim.basis.as_str(), place_in_words(&claim.evidence));
            self.cite(format!("{pointer}/licenses/{}", out.len()), by, note);
            out.push(self.claimed(work, claim, "declared"));
        }
        let note = {
            let mut from: Vec<String> = work
                .claims()
                .iter()
                .filter(|c| c.basis != Basis::Declared)
                .map(|c| format!("{} ({})", c.basis.as_str(), place_in_words(&c.evidence)))
                .collect();
            from.dedup();
            let whose = if work.is_subject {
                "the licenses of everything it was made from that reach it"
            } else {
                "its own layer"
            };
            let by = if from.is_empty() { String::new() } else { format!("; by {}", from.join("; ")) };
            format!("concluded for {whose}{by}")
        };
        if let Some(expression) = names::all_of(&work.concluded) {
            if self.version == CycloneDx::V1_7 {
                self.cite(format!("{pointer}/licenses/{}", out.len()), TOOL.into(), note);
                let detail = |n: &LicenseName| ExpressionDetail {
                    license_identifier: n.reference.clone(),
                    url: n.url.clone().unwrap_or_default(),
                };
                out.push(Choice::Expression {
                    expression,
                    expression_details: work.concluded.iter().filter(|n| !n.listed()).map(detail).collect(),
                    acknowledgement: "concluded",
                    properties: Vec::new(),
                });
            } else {
                let one = |n: &LicenseName| Choice::One { license: Box::new(license(n, "concluded", self.newer)) };
                out.extend(work.concluded.iter().map(one));
            }
        }
        out
    }

    /// A statement with its basis, as written.
    fn claimed(&self, work: &BomWork, claim: &Claim, acknowledgement: &'static str) -> Choice {
        let edition = claim.edition.as_deref().unwrap_or_default();
        let named = names::statement(&claim.license, edition, self.bom.catalog);
        let covers: Vec<&str> = claim.covers.iter().map(|c| c.as_str()).collect();
        let flag = |b: bool| if b { "true" } else { "" };
        let properties: Vec<Property> = [
            property("statement", claim.license.clone()),
            property("basis", claim.basis.as_str()),
            property("covers", covers.join(",")),
            property("edition", edition),
            property("altered", flag(claim.altered)),
            property("expression", flag(claim.expression)),
            property("place", place_in_words(&claim.evidence)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let (Some(expression), true, CycloneDx::V1_7) = (&named.expression, named.names.len() > 1, self.version) {
            return Choice::Expression {
                expression: expression.clone(),
                expression_details: Vec::new(),
                acknowledgement,
                properties,
            };
        }
        let mut out = match named.names.as_slice() {
            [one] => license(one, acknowledgement, self.newer),
            _ => License {
                name: named.expression.unwrap_or_else(|| claim.license.clone()),
                acknowledgement,
                ..License::default()
            },
        };
        let custom = named.names.first().is_some_and(|n| !n.listed());
        if let Some(text) = work.text_of(claim).filter(|t| custom && t.text.len() <= TEXT_BYTES_MAX) {
            out.text = Some(Attachment { content_type: "text/plain", content: text.text.clone() });
        }
        out.properties = properties;
        Choice::One { license: Box::new(out) }
    }

    fn pedigree(&mut self, w: usize, pointer: &str) -> Option<Pedigree> {
        let mut ancestors = Vec::new();
        let steps: Vec<_> = self.bom.steps_of(w).cloned().collect();
        let child = self.bom.works.get(w).map(reference).unwrap_or_default();
        for step in steps.iter().filter(|s| !matches!(s.relation, Relation::Component | Relation::TrainedOnData)) {
            let Some(parent) = self.bom.works.get(step.parent) else { continue };
            let places: Vec<String> = step.evidence.iter().map(place_in_words).collect();
            let flag = if step.presumed { "true" } else { "" };
            let properties = [
                property("ref", reference(parent)),
                property("id", parent.of.work.id.clone()),
                property("relation", step.relation.as_str()),
                property("by", step.by.as_str()),
                property("by-presumed", flag),
                property("place", places.join("; ")),
            ];
            let note = format!("{} of {}: {}", step.relation, parent.id, places.join("; "));
            let by = match self.bom.works.get(w).zip(step.evidence.first()) {
                Some((work, e)) if work.occurrence(e).is_some() => child.clone(),
                _ => TOOL.to_string(),
            };
            self.cite(format!("{pointer}/pedigree/ancestors/{}", ancestors.len()), by, note);
            let (group, name) = parent.repository.clone().unwrap_or((String::new(), parent.shown().to_string()));
            ancestors.push(Component {
                kind: match parent.of.work.kind {
                    WorkKind::Model => "machine-learning-model",
                    WorkKind::Dataset => "data",
                    WorkKind::Code => "library",
                    WorkKind::Service => "application",
                },
                group,
                name: Needed(name),
                version: parent.version.clone().unwrap_or_default(),
                purl: parent.purl().unwrap_or_default(),
                properties: properties.into_iter().flatten().collect(),
                ..Component::default()
            });
        }
        (!ancestors.is_empty()).then_some(Pedigree { ancestors })
    }

    /// Where the work's own files say what the bill says, and the texts that were identified beside it.
    fn evidence(&self, w: usize) -> Option<Evidence> {
        let work = self.bom.works.get(w)?;
        let steps = self.steps_evidence(w);
        let claims =
            work.claims().iter().map(|c| (format!("{} license `{}`", c.basis.as_str(), c.license), &c.evidence));
        let steps = steps.iter().map(|(words, e)| (words.clone(), e));
        let here = claims.chain(steps).filter_map(|(words, e)| Some((words, work.occurrence(e)?)));
        let occurrences = here.map(|(words, e)| Occurrence {
            location: Needed(e.file.clone()),
            line: e.line,
            offset: e.bytes.map(|b| b.0),
            symbol: e.key.clone(),
            additional_context: words,
        });
        let recognized = work.claims().iter().filter(|c| c.basis == Basis::Recognized);
        let out = Evidence {
            occurrences: occurrences.collect(),
            licenses: recognized.map(|c| self.claimed(work, c, "")).collect(),
        };
        (!is_default(&out)).then_some(out)
    }

    fn steps_evidence(&self, w: usize) -> Vec<(String, freehold_base::Evidence)> {
        let words = |s: &freehold_check::LineageStep| {
            let parent = self.bom.works.get(s.parent).map_or("", |p| p.id.as_str());
            format!("{} of `{parent}`", s.relation)
        };
        self.bom.steps_of(w).flat_map(|s| s.evidence.iter().map(move |e| (words(s), e.clone()))).collect()
    }

    fn model_card(&self, w: usize) -> Option<ModelCard> {
        let work = self.bom.works.get(w)?;
        let mut data: Vec<usize> =
            self.bom.steps_of(w).filter(|s| s.relation == Relation::TrainedOnData).map(|s| s.parent).collect();
        data.dedup();
        let datasets = data.iter().filter_map(|p| self.bom.works.get(*p));
        let (inputs, outputs) = forms(work.card.task.as_deref().unwrap_or_default());
        let form = |f: &str| Form { format: f.to_string() };
        let parameters = Parameters {
            task: work.card.task.clone().unwrap_or_default(),
            architecture_family: work.card.architecture.clone().unwrap_or_default(),
            datasets: datasets.map(|d| DataRef { reference: reference(d) }).collect(),
            inputs: inputs.into_iter().map(form).collect(),
            outputs: outputs.into_iter().map(form).collect(),
        };
        let policies = work.concluded.iter().flat_map(|n| &n.policies).filter(|_| work.is_subject);
        let risk = |(name, url): &(String, Option<String>)| Risk {
            name: format!("uses that the {name} rules out"),
            mitigation_strategy: url.as_ref().map(|u| format!("pass it on: {u}")).unwrap_or_default(),
        };
        let mut use_cases = if work.is_subject { self.bom.activities.clone() } else { Vec::new() };
        use_cases.extend(self.bom.recorded(w).and_then(super::BomRecord::described).map(str::to_string));
        let considerations = Considerations { use_cases, ethical_considerations: policies.map(risk).collect() };
        let card = ModelCard {
            model_parameters: (!is_default(&parameters)).then_some(parameters),
            considerations: (!is_default(&considerations)).then_some(considerations),
        };
        (!is_default(&card)).then_some(card)
    }

    fn properties(&self, w: usize) -> Vec<Property> {
        let Some(work) = self.bom.works.get(w) else { return Vec::new() };
        let own = &work.of.work;
        let flag = |b: bool| if b { "true" } else { "" };
        let what = if self.bom.whole == Some(w) { "assembly" } else { own.kind.as_str() };
        let mut out: Vec<Property> = [
            property("id", own.id.clone()),
            property("name", own.name.clone().unwrap_or_default()),
            property("kind", what),
            property("made-by", own.made_by.map(|m| m.as_str()).unwrap_or_default()),
            property("subject", flag(work.is_subject)),
            property("unresolved", flag(work.of.unresolved)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let facts = own.facts.iter().filter_map(|(name, value)| match value {
            freehold_base::Value::Bool(b) => property(&format!("fact:{name}"), b.to_string()),
            _ => None,
        });
        out.extend(facts);
        for s in self.bom.steps_of(w).filter(|s| s.relation == Relation::Component) {
            out.extend(self.bom.works.get(s.parent).and_then(|p| property("component", reference(p))));
        }
        out.extend(work.card.more.iter().map(|(n, v)| Property { name: (*n).to_string(), value: v.clone() }));
        out.extend(work.open.iter().filter_map(|says| property("open", says.clone())));
        if work.files_left_out > 0 {
            out.extend(property("files-left-out", work.files_left_out.to_string()));
        }
        if let Some(record) = self.bom.recorded(w) {
            let state = [("record-id", &record.id), ("record-state", &record.state), ("record-until", &record.until)];
            out.extend(state.into_iter().filter_map(|(name, value)| property(name, value.clone())));
            out.extend(
                record.pairs().into_iter().filter_map(|(name, value)| property(&format!("record:{name}"), value)),
            );
        }
        out
    }

    fn approvals(&self) -> Vec<Annotation> {
        let about = (0..self.bom.works.len()).find_map(|w| Some((self.bom.works.get(w)?, self.bom.recorded(w)?)));
        let Some((work, record)) = about else { return Vec::new() };
        let one = |(n, a): (usize, &super::BomApproval)| Annotation {
            bom_ref: format!("approval/{}", n + 1),
            subjects: vec![reference(work)],
            annotator: Annotator { individual: Some(Person { name: a.by.clone() }) },
            timestamp: a.at.clone(),
            text: super::BomRecord::approval_text(a),
        };
        record.approvals.iter().enumerate().map(one).collect()
    }

    fn duties(&self) -> (Option<Definitions>, Option<Declarations>) {
        if self.bom.duties.is_empty() {
            return (None, None);
        }
        let mut standards: BTreeMap<String, Standard> = BTreeMap::new();
        let mut claims = Vec::new();
        let mut maps: BTreeMap<usize, Vec<Mapped>> = BTreeMap::new();
        for (n, duty) in self.bom.duties.iter().enumerate() {
            let Some(work) = self.bom.works.get(duty.subject) else { continue };
            let claim = format!("claim/{}", n + 1);
            claims.push(Asserted {
                bom_ref: claim.clone(),
                target: reference(work),
                predicate: predicate(duty),
                reasoning: reasoning(duty),
            });
            for source in &duty.of.sources {
                let requirement = self.requirement(&mut standards, duty, source);
                maps.entry(duty.subject).or_default().push(Mapped {
                    requirement,
                    claims: vec![claim.clone()],
                    conformance: Some(conformance(duty)),
                });
            }
        }
        let attestations = maps.into_iter().filter_map(|(w, map)| {
            let work = self.bom.works.get(w)?;
            let summary = format!("what shipping {} owes to the licenses that bind it", work.shown());
            Some(Attestation { summary, assessor: ASSESSOR.into(), map })
        });
        let organization = self.bom.organization.clone().map(|name| Organization { name });
        let declarations = Declarations {
            assessors: vec![Assessor { bom_ref: ASSESSOR.into(), third_party: Some(false), organization }],
            attestations: attestations.collect(),
            claims,
        };
        (Some(Definitions { standards: standards.into_values().collect() }), Some(declarations))
    }

    /// The reference of the clause that asks for a duty; adds the license and the clause where they are new.
    fn requirement(&self, standards: &mut BTreeMap<String, Standard>, duty: &Duty, source: &crate::Source) -> String {
        let law = self.bom.catalog.license(&source.license);
        let edition = law.and_then(|l| l.editions.iter().find(|e| e.text == source.edition));
        let key = format!("standard/{}/{}", source.license, source.edition);
        let url = edition.and_then(|e| e.url.clone());
        let standard = standards.entry(key.clone()).or_insert_with(|| Standard {
            bom_ref: key,
            name: law.map_or_else(|| source.license.clone(), |l| l.name.clone()),
            version: edition.map(|e| e.date.clone()).unwrap_or_default(),
            owner: law.map(|l| l.licensor.clone()).unwrap_or_default(),
            requirements: Vec::new(),
            external_references: url.into_iter().map(|url| Reference { kind: "license", url }).collect(),
        });
        let same = |r: &&Requirement| r.identifier == source.clause && r.text == source.words && r.title == duty.title;
        if let Some(there) = standard.requirements.iter().find(same) {
            return there.bom_ref.clone();
        }
        let bom_ref = format!("requirement/{}/{}/{}", source.license, source.edition, standard.requirements.len() + 1);
        standard.requirements.push(Requirement {
            bom_ref: bom_ref.clone(),
            identifier: source.clause.clone(),
            title: duty.title.clone(),
            text: source.words.clone(),
            descriptions: Some(duty.says.clone()).filter(|s| !s.is_empty()).into_iter().collect(),
            properties: property("code", duty.of.code.clone()).into_iter().collect(),
        });
        bom_ref
    }
}

/// What stands for a list of models that are no product together.
const INVENTORY: &str = "inventory";

fn inventory(name: &str) -> Component {
    Component {
        kind: "application",
        bom_ref: INVENTORY.into(),
        name: Needed(name.to_string()),
        properties: property("kind", INVENTORY).into_iter().collect(),
        ..Component::default()
    }
}

fn tool() -> Component {
    Component {
        kind: "application",
        bom_ref: TOOL.into(),
        name: Needed("freehold".into()),
        version: env!("CARGO_PKG_VERSION").into(),
        ..Component::default()
    }
}

fn sha256(digest: &str) -> Hash {
    Hash { alg: "SHA-256", content: digest.to_string() }
}

fn file(f: &super::BomFile) -> Component {
    Component {
        kind: "file",
        name: Needed(f.path.clone()),
        hashes: f.sha256.iter().map(|h| sha256(h)).collect(),
        properties: property("bytes", f.bytes.to_string()).into_iter().collect(),
        ..Component::default()
    }
}

fn data(work: &BomWork) -> Data {
    Data {
        kind: "dataset",
        name: work.shown().to_string(),
        contents: work.page().map(|url| Contents { url }),
        description: work.of.work.description.clone().unwrap_or_default(),
    }
}

/// Ids of SPDX's list that the list inside the schema does not know.
fn newer_ids() -> Vec<String> {
    let sink = Sink::new("catalog/regimes/cyclonedx-license-ids.toml", NEWER_IDS);
    let node = parse_toml(&sink);
    let top = Table::open(&node, "cyclonedx-license-ids", &sink);
    top.map(|t| t.texts("newer").into_iter().map(|id| id.text).collect()).unwrap_or_default()
}

fn license(n: &LicenseName, acknowledgement: &'static str, newer: &[String]) -> License {
    let listed = n.listed() && !newer.contains(&n.reference);
    let (id, name) = if listed { (n.reference.clone(), String::new()) } else { (String::new(), n.title.clone()) };
    let mut alt_ids: Vec<String> = Vec::new();
    if !listed {
        alt_ids.push(n.reference.clone());
        alt_ids.extend(n.id.clone());
    }
    let licensor = n.licensor.clone().filter(|_| !listed);
    let licensing =
        Licensing { alt_ids, licensor: licensor.map(|name| Licensor { organization: Organization { name } }) };
    License {
        id,
        name,
        acknowledgement,
        text: None,
        url: n.url.clone().unwrap_or_default(),
        licensing: (!is_default(&licensing)).then_some(licensing),
        properties: Vec::new(),
    }
}

fn references(work: &BomWork) -> Vec<Reference> {
    let mut out = Vec::new();
    if let Some(url) = work.page() {
        if work.of.work.kind == WorkKind::Model {
            out.push(Reference { kind: "model-card", url: url.clone() });
        }
        out.push(Reference { kind: "distribution", url });
    }
    out.extend(work.concluded.iter().filter_map(|n| n.url.clone()).map(|url| Reference { kind: "license", url }));
    out
}

/// What a task takes and gives, where its name says so (`image-text-to-text`).
pub(super) fn forms(task: &str) -> (Vec<&str>, Vec<&str>) {
    match task {
        "text-generation" | "text2text-generation" => (vec!["text"], vec!["text"]),
        _ => match task.split_once("-to-") {
            Some((from, to)) => (from.split('-').collect(), to.split('-').collect()),
            None => (Vec::new(), Vec::new()),
        },
    }
}

pub(super) fn predicate(duty: &Duty) -> String {
    match &duty.of.text {
        Some(words) => format!("{}: “{words}”", duty.says),
        None => duty.says.clone(),
    }
}

pub(super) fn reasoning(duty: &Duty) -> String {
    let mut out = format!("{}; {}", duty.of.certainty, duty.of.status);
    if !duty.of.facts.is_empty() {
        out.push_str(&format!("; hangs on {}", duty.of.facts.join(", ")));
    }
    if !duty.of.accesses.is_empty() {
        out.push_str(&format!("; for {}", duty.of.accesses.join(", ")));
    }
    if duty.of.upstream {
        out.push_str("; an earlier author's duty");
    }
    out
}

/// A score only where a release was looked at.
fn conformance(duty: &Duty) -> Conformance {
    let (score, rationale) = match duty.of.status.as_str() {
        "met" => (Some(1.0), "met: the release shows it"),
        "unmet" => (Some(0.0), "unmet: the release was looked at, and it is not there"),
        "to-attest" => (None, "to attest: no file can show it, a person attests it"),
        _ => (None, "unknown: no release was looked at"),
    };
    Conformance { score, rationale: rationale.to_string() }
}
