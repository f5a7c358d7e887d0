//! SPDX 3.0.1 (ISO/IEC 5962) as JSON-LD, with the AI and the Dataset profile, only the parts that are used.
//!
//! The profiles call fields mandatory that neither the JSON Schema nor the shapes ask for: they are written here all the
//! same, `NOASSERTION` where nothing is known. A time cannot say that, so an unknown one is left out and the comment says
//! so. What has no field is JSON in a comment, under `freehold`.

use std::collections::BTreeMap;

use freehold_base::{Basis, Claim, Relation, WorkKind};
use serde_json::{Map, Value, json};

use super::cyclonedx::{TEXT_BYTES_MAX, forms, predicate, reasoning};
use super::names::{self, LicenseName};
use super::{Bom, BomFile, BomRecord, BomWork, NO_ASSERTION, NO_UUID, place_in_words, uuid_of};

/// The JSON-LD context of the edition.
const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";
/// Under what a record's statement stands in an annotation.
pub(super) const RECORD: &str = "freehold-record";
/// The one creation of every element.
const CREATION: &str = "_:creation";

/// The bill as SPDX 3.0.1 JSON-LD; the same bill gives the same bytes.
pub fn spdx3(bom: &Bom<'_>) -> String {
    let text = |uuid: &str| {
        let writer =
            Writer { bom, uuid, graph: Vec::new(), licenses: BTreeMap::new(), agents: BTreeMap::new(), next: 0 };
        format!("{:#}\n", writer.document())
    };
    text(&uuid_of(text(NO_UUID).as_bytes()))
}

struct Writer<'b, 'a> {
    bom: &'b Bom<'a>,
    uuid: &'b str,
    graph: Vec<Value>,
    /// Expressions that have an element, and its id.
    licenses: BTreeMap<String, String>,
    agents: BTreeMap<String, String>,
    next: usize,
}

/// What has no field, as a comment.
fn comment(members: Vec<(&str, Value)>) -> Value {
    let kept = members.into_iter().filter(|(_, v)| !matches!(v, Value::Null) && *v != json!([]) && *v != json!(""));
    let members: Map<String, Value> = kept.map(|(k, v)| (k.to_string(), v)).collect();
    Value::String(json!({ "freehold": members }).to_string())
}

impl Writer<'_, '_> {
    fn id(&self, local: &str) -> String {
        format!("urn:uuid:{}#{local}", self.uuid)
    }

    fn work_id(&self, w: usize) -> String {
        self.id(&format!("work-{}", w + 1))
    }

    /// Adds an element; members that are `null` fall away.
    fn element(&mut self, kind: &str, id: &str, members: Value) {
        let mut out = Map::new();
        out.insert("type".into(), kind.into());
        out.insert("spdxId".into(), id.into());
        out.insert("creationInfo".into(), CREATION.into());
        if let Value::Object(members) = members {
            out.extend(members.into_iter().filter(|(_, v)| !v.is_null()));
        }
        self.graph.push(Value::Object(out));
    }

    fn relation(&mut self, from: &str, kind: &str, to: Vec<String>, note: Option<Value>) {
        if to.is_empty() {
            return;
        }
        self.next += 1;
        let id = self.id(&format!("relation-{}", self.next));
        self.element("Relationship", &id, json!({ "from": from, "relationshipType": kind, "to": to, "comment": note }));
    }

    fn document(mut self) -> Value {
        let bom = self.bom;
        let (author, tool, freehold) = (self.id("author"), self.id("tool"), self.id("freehold"));
        let by = if bom.organization.is_some() { &author } else { &freehold };
        let creation = json!({
            "type": "CreationInfo",
            "@id": CREATION,
            "specVersion": "3.0.1",
            "created": bom.timestamp(),
            "createdBy": [by],
            "createdUsing": [tool],
            "comment": comment(vec![
                ("version", json!(1)),
                ("catalog", json!(bom.catalog.version)),
                ("catalog-review", json!(bom.review_level)),
            ]),
        });
        self.graph.push(creation);
        match &bom.organization {
            Some(name) => {
                self.agents.insert(name.clone(), author.clone());
                self.element("Organization", &author, json!({ "name": name }));
            }
            None => self.element("SoftwareAgent", &freehold, json!({ "name": "freehold" })),
        }
        let version = env!("CARGO_PKG_VERSION");
        self.element("Tool", &tool, json!({ "name": "freehold", "description": format!("freehold {version}") }));
        let first = self.graph.len();
        for w in 0..bom.works.len() {
            self.work(w);
        }
        self.steps();
        self.duties();
        let roots: Vec<String> = match bom.whole {
            Some(w) => vec![self.work_id(w)],
            None => bom.subjects.iter().map(|w| self.work_id(*w)).collect(),
        };
        let named = |e: &Value| e.get("spdxId").and_then(Value::as_str).map(str::to_string);
        let elements: Vec<String> = self.graph.iter().skip(first).filter_map(named).collect();
        let (sbom, document) = (self.id("sbom"), self.id("document"));
        let note = comment(vec![("distribution-scope", json!(bom.accesses)), ("of", json!(bom.name))]);
        self.element(
            "software_Sbom",
            &sbom,
            json!({
                "name": bom.name,
                "rootElement": roots,
                "element": elements,
                "software_sbomType": ["analyzed"],
                "comment": note,
            }),
        );
        let profiles = ["core", "software", "ai", "dataset", "simpleLicensing"];
        self.element(
            "SpdxDocument",
            &document,
            json!({ "name": bom.name, "profileConformance": profiles, "rootElement": [sbom] }),
        );
        json!({ "@context": CONTEXT, "@graph": self.graph })
    }

    /// The element of whoever made something; one that says that nobody knows where nobody does.
    fn agent(&mut self, name: Option<&str>) -> String {
        let name = name.unwrap_or(NO_ASSERTION);
        if let Some(id) = self.agents.get(name) {
            return id.clone();
        }
        let id = self.id(&format!("agent-{}", self.agents.len() + 1));
        self.agents.insert(name.to_string(), id.clone());
        let kind = if name == NO_ASSERTION { "Agent" } else { "Organization" };
        self.element(kind, &id, json!({ "name": name }));
        id
    }

    fn work(&mut self, w: usize) {
        let bom = self.bom;
        let Some(work) = bom.works.get(w) else { return };
        let own = &work.of.work;
        let id = self.work_id(w);
        let maker = self.agent(work.supplier.as_deref());
        let is_whole = bom.whole == Some(w);
        let unknown: &[&str] = if own.kind == WorkKind::Dataset {
            &["releaseTime: NOASSERTION", "builtTime: NOASSERTION"]
        } else {
            &["releaseTime: NOASSERTION"]
        };
        let facts: Map<String, Value> = own
            .facts
            .iter()
            .filter_map(|(name, value)| match value {
                freehold_base::Value::Bool(b) => Some((name.clone(), json!(b))),
                _ => None,
            })
            .collect();
        let more: Map<String, Value> =
            work.card.more.iter().map(|(n, v)| (n.trim_start_matches("freehold:").to_string(), json!(v))).collect();
        let note = comment(vec![
            ("id", json!(own.id)),
            ("name", json!(own.name)),
            ("kind", json!(if is_whole { "assembly" } else { own.kind.as_str() })),
            ("made-by", json!(own.made_by.map(|m| m.as_str()))),
            ("subject", json!(work.is_subject.then_some(true))),
            ("unresolved", json!(work.of.unresolved.then_some(true))),
            ("facts", if facts.is_empty() { Value::Null } else { json!(facts) }),
            ("header", if more.is_empty() { Value::Null } else { json!(more) }),
            ("open", json!(work.open)),
            ("not-known", json!(unknown)),
        ]);
        let hash = |h: &String| json!([{ "type": "Hash", "algorithm": "sha256", "hashValue": h }]);
        let mut members = json!({
            "name": work.shown(),
            "description": own.description,
            "comment": note,
            "software_downloadLocation": work.page().unwrap_or_else(|| NO_ASSERTION.into()),
            "software_packageUrl": work.purl(),
            "verifiedUsing": work.weights_sha256.as_ref().map(hash),
        });
        let (kind, special) = match own.kind {
            WorkKind::Model if !is_whole => ("ai_AIPackage", self.model(w, work, &maker)),
            WorkKind::Dataset => (
                "dataset_DatasetPackage",
                json!({
                    "originatedBy": [maker],
                    "software_primaryPurpose": "data",
                    "dataset_datasetType": ["noAssertion"],
                    "dataset_hasSensitivePersonalInformation": "noAssertion",
                    "software_packageVersion": work.version.clone().unwrap_or_else(|| NO_ASSERTION.into()),
                }),
            ),
            _ => (
                "software_Package",
                json!({
                    "suppliedBy": maker,
                    "software_primaryPurpose": if own.kind == WorkKind::Code { "library" } else { "application" },
                    "software_packageVersion": work.version.clone().unwrap_or_else(|| NO_ASSERTION.into()),
                }),
            ),
        };
        if let (Value::Object(all), Value::Object(special)) = (&mut members, special) {
            all.extend(special);
        }
        self.element(kind, &id, members);
        self.files(&id, w, &work.files);
        self.licenses(&id, work);
        if let Some(record) = bom.recorded(w) {
            self.record(&id, record);
        }
    }

    /// What a governance record says, and who approved it.
    fn record(&mut self, subject: &str, record: &BomRecord) {
        let statement = json!({ RECORD: {
            "id": record.id,
            "state": record.state,
            "until": record.until,
            "statement": record.statement,
        }});
        let mut notes = vec![("application/json", statement.to_string())];
        notes.extend(
            record
                .approvals
                .iter()
                .map(|a| ("text/plain", format!("{} {}, {}", BomRecord::approval_text(a), a.by, a.at))),
        );
        for (n, (form, text)) in notes.into_iter().enumerate() {
            let id = self.id(&format!("record-{}", n + 1));
            self.element(
                "Annotation",
                &id,
                json!({
                    "annotationType": if n == 0 { "other" } else { "review" },
                    "contentType": form,
                    "subject": subject,
                    "statement": text,
                }),
            );
        }
    }

    fn model(&self, w: usize, work: &BomWork, maker: &str) -> Value {
        let bom = self.bom;
        let steps = bom.steps_of(w).filter(|s| s.relation != Relation::Component);
        let training: Vec<String> =
            steps.filter_map(|s| Some(format!("{} of {}", s.relation, bom.works.get(s.parent)?.id))).collect();
        let (inputs, outputs) = forms(work.card.task.as_deref().unwrap_or_default());
        let described = bom.recorded(w).and_then(BomRecord::described);
        let application = match (&work.card.task, inputs.is_empty()) {
            (None, _) => None,
            (Some(task), true) => Some(task.clone()),
            (Some(task), false) => Some(format!("{task}: takes {}, gives {}", inputs.join(", "), outputs.join(", "))),
        };
        let policies = work.concluded.iter().flat_map(|n| &n.policies).filter(|_| work.is_subject);
        let limits: Vec<String> = policies
            .map(|(name, url)| match url {
                Some(url) => format!("uses that the {name} rules out ({url})"),
                None => format!("uses that the {name} rules out"),
            })
            .collect();
        let domains = if work.is_subject { bom.activities.clone() } else { Vec::new() };
        json!({
            "suppliedBy": maker,
            "software_primaryPurpose": "model",
            "software_packageVersion": work.version.clone().unwrap_or_else(|| NO_ASSERTION.into()),
            "ai_typeOfModel": work.card.architecture.as_ref().map(|a| json!([a])),
            "ai_domain": (!domains.is_empty()).then_some(domains),
            "ai_informationAboutTraining": (!training.is_empty()).then(|| training.join("; ")),
            "ai_informationAboutApplication": match (application, described) {
                (Some(a), Some(d)) => Some(format!("{a}; {d}")),
                (a, d) => a.or(d.map(str::to_string)),
            },
            "ai_limitation": (!limits.is_empty()).then(|| limits.join("; ")),
            "ai_useSensitivePersonalInformation": "noAssertion",
        })
    }

    fn files(&mut self, id: &str, w: usize, files: &[BomFile]) {
        let mut ids = Vec::new();
        for (n, f) in files.iter().enumerate() {
            let file = self.id(&format!("file-{}-{}", w + 1, n + 1));
            let hash = f.sha256.as_ref().map(|h| json!([{ "type": "Hash", "algorithm": "sha256", "hashValue": h }]));
            let note = comment(vec![("bytes", json!(f.bytes))]);
            self.element("software_File", &file, json!({ "name": f.path, "verifiedUsing": hash, "comment": note }));
            ids.push(file);
        }
        self.relation(id, "contains", ids, None);
    }

    fn licenses(&mut self, id: &str, work: &BomWork) {
        let mut declared = false;
        for claim in work.claims() {
            let kind = match claim.basis {
                Basis::Declared | Basis::Told => "hasDeclaredLicense",
                // what a text beside the model says is evidence, and no statement about it
                Basis::Recognized => "other",
                Basis::Catalog | Basis::Inferred => continue,
            };
            if claim.license.trim().is_empty() {
                continue;
            }
            declared |= kind == "hasDeclaredLicense";
            let named =
                names::statement(&claim.license, claim.edition.as_deref().unwrap_or_default(), self.bom.catalog);
            let to = self.license(named.expression.as_deref(), &named.names, Some((work, claim)));
            let covers: Vec<&str> = claim.covers.iter().map(|c| c.as_str()).collect();
            let note = comment(vec![
                ("role", json!((claim.basis == Basis::Recognized).then_some("license-evidence"))),
                ("statement", json!(claim.license)),
                ("basis", json!(claim.basis.as_str())),
                ("covers", json!(covers)),
                ("edition", json!(claim.edition)),
                ("altered", json!(claim.altered.then_some(true))),
                ("expression", json!(claim.expression.then_some(true))),
                ("place", json!(place_in_words(&claim.evidence))),
                ("bytes", json!(claim.evidence.bytes)),
            ]);
            self.relation(id, kind, vec![to], Some(note));
        }
        if !declared {
            let to = self.license(None, &[], None);
            self.relation(id, "hasDeclaredLicense", vec![to], None);
        }
        let concluded = names::all_of(&work.concluded);
        let to = self.license(concluded.as_deref(), &work.concluded, None);
        self.relation(id, "hasConcludedLicense", vec![to], None);
    }

    /// The element of an expression, with an element for every license that SPDX does not list.
    fn license(&mut self, expression: Option<&str>, names: &[LicenseName], said: Option<(&BomWork, &Claim)>) -> String {
        let expression = expression.unwrap_or(NO_ASSERTION);
        if let Some(id) = self.licenses.get(expression) {
            return id.clone();
        }
        let mut customs = Vec::new();
        for n in names.iter().filter(|n| !n.listed()) {
            let key = format!("text of {}", n.reference);
            let uri = match self.licenses.get(&key) {
                Some(uri) => uri.clone(),
                None => {
                    let uri = self.id(&format!("text-{}", self.licenses.len() + 1));
                    self.licenses.insert(key, uri.clone());
                    let beside = said
                        .and_then(|(work, claim)| work.text_of(claim))
                        .filter(|t| t.text.len() <= TEXT_BYTES_MAX && names.len() == 1);
                    let text = match (beside, &n.url) {
                        (Some(t), _) => t.text.clone(),
                        (None, Some(url)) => format!("the text is kept by its publisher: {url}"),
                        (None, None) => NO_ASSERTION.to_string(),
                    };
                    self.element(
                        "simplelicensing_SimpleLicensingText",
                        &uri,
                        json!({ "name": n.title, "simplelicensing_licenseText": text }),
                    );
                    uri
                }
            };
            customs.push(json!({ "type": "DictionaryEntry", "key": n.reference, "value": uri }));
        }
        let id = self.id(&format!("license-{}", self.licenses.len() + 1));
        self.licenses.insert(expression.to_string(), id.clone());
        self.element(
            "simplelicensing_LicenseExpression",
            &id,
            json!({
                "simplelicensing_licenseExpression": expression,
                "simplelicensing_customIdToUri": (!customs.is_empty()).then_some(customs),
            }),
        );
        id
    }

    fn steps(&mut self) {
        let bom = self.bom;
        for step in &bom.steps {
            let kind = match step.relation {
                Relation::TrainedOnData => "trainedOn",
                Relation::Component => "contains",
                _ => "descendantOf",
            };
            let places: Vec<String> = step.evidence.iter().map(place_in_words).collect();
            let note = comment(vec![
                ("relation", json!(step.relation.as_str())),
                ("by", json!(step.by.as_str())),
                ("by-presumed", json!(step.presumed.then_some(true))),
                ("places", json!(places)),
            ]);
            let (from, to) = (self.work_id(step.child), self.work_id(step.parent));
            self.relation(&from, kind, vec![to], Some(note));
        }
        // readers that follow dependencies alone would call a base afloat
        for w in 0..bom.works.len() {
            let to = bom.parents_of(w).into_iter().map(|p| self.work_id(p)).collect();
            let from = self.work_id(w);
            self.relation(&from, "dependsOn", to, None);
        }
    }

    fn duties(&mut self) {
        let bom = self.bom;
        for (n, duty) in bom.duties.iter().enumerate() {
            let id = self.id(&format!("duty-{}", n + 1));
            let sources: Vec<Value> = duty
                .of
                .sources
                .iter()
                .map(|s| json!({ "license": s.license, "edition": s.edition, "clause": s.clause, "words": s.words }))
                .collect();
            let statement = json!({
                "obligation": duty.of.code,
                "says": predicate(duty),
                "certainty": duty.of.certainty,
                "status": duty.of.status,
                "reasoning": reasoning(duty),
                "sources": sources,
            });
            let subject = self.work_id(duty.subject);
            self.element(
                "Annotation",
                &id,
                json!({
                    "annotationType": "review",
                    "contentType": "application/json",
                    "subject": subject,
                    "statement": statement.to_string(),
                }),
            );
        }
    }
}
