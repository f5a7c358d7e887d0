//! Bills of materials of others, read: CycloneDX 1.5 to 1.7, SPDX 3.0.1 and SPDX 2.3 as JSON. Works, what is said of them
//! and how they were made; whatever else is in there is ignored, and what is lost of what matters is said.
//!
//! A bill is somebody's word. A declared license and a concluded one are both *declared* here, never *told* or *catalog*,
//! and "we" in it is whoever wrote it, unless the reader says that the bill is their own.

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::{
    Basis, By, Claim, Covers, Diagnostic, Edge, Evidence, Graph, MadeBy, Relation, Severity, Work, WorkKind,
};
use freehold_catalog::Catalog;
use freehold_check::is_repository_id;
use serde_json::Value;

/// Largest bill that is read, in bytes.
pub const BOM_BYTES_MAX: usize = 16 << 20;
/// Most components, packages or elements.
const COMPONENTS_MAX: usize = 100_000;
/// Most models and data sets.
const WORKS_MAX: usize = 5_000;
/// Most steps between them.
const STEPS_MAX: usize = 50_000;
/// Levels of components inside components, and of ancestors inside ancestors.
const NESTING_MAX: usize = 32;
/// Most statements about one work.
const CLAIMS_MAX: usize = 64;
/// Longest text that is kept, in bytes.
const TEXT_BYTES_MAX: usize = 4096;
/// Most works and steps over all subjects: a base of many subjects counts for each.
const PLACES_MAX: usize = 200_000;
/// Bytes in which a bill shows what it is.
const SNIFF_BYTES: usize = 64 << 10;

/// What a bill says, ready to be completed by the catalog and judged.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Format and edition (`CycloneDX 1.7`).
    pub format: String,
    /// What the bill is of.
    pub name: String,
    /// One graph for each model that stands at the end of a lineage.
    pub graphs: Vec<Graph>,
    /// True where the bill is of one product that holds them side by side.
    pub assembly: bool,
    /// What the bill says and is lost here.
    pub lost: Vec<Diagnostic>,
    /// What governance records say of models: the model's id and the statement ([`super::BomRecord::statement`]).
    pub statements: Vec<(String, Value)>,
}

/// True for bytes that look like a bill of materials in JSON.
pub fn is_bom(bytes: &[u8]) -> bool {
    let head = bytes.get(..SNIFF_BYTES.min(bytes.len())).unwrap_or_default();
    let has = |needle: &str| head.windows(needle.len()).any(|w| w == needle.as_bytes());
    has("\"bomFormat\"") || has("\"spdxVersion\"") || has("spdx.org/rdf/3")
}

/// Reads a bill. `made_by` is who wrote it, where the reader says so: the organization that asks, or somebody else.
///
/// # Errors
/// Bytes that are no bill, or more than the limits.
pub fn import_bom(
    file: &str,
    bytes: &[u8],
    made_by: Option<MadeBy>,
    catalog: &Catalog,
) -> Result<Imported, Box<Diagnostic>> {
    let fail = |code, message: String| Box::new(Diagnostic::error(code, message).in_file(file));
    if bytes.len() > BOM_BYTES_MAX {
        return Err(fail("bom-too-large", format!("{} bytes; the limit is {BOM_BYTES_MAX}", bytes.len())));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value = serde_json::from_slice(bytes).map_err(|e| fail("json-syntax", format!("not JSON: {e}")))?;
    let mut draft = Draft { made_by, ..Draft::empty(file, catalog) };
    let format = if text(&document, "bomFormat") == "CycloneDX" {
        draft.cyclonedx(&document);
        format!("CycloneDX {}", text(&document, "specVersion"))
    } else if let Some(version) = document.get("spdxVersion").and_then(Value::as_str) {
        draft.spdx2(&document);
        version.replace('-', " ")
    } else if let Some(graph) = document.get("@graph").and_then(Value::as_array) {
        draft.spdx3(graph);
        let version = graph.iter().map(|e| text(e, "specVersion")).find(|v| !v.is_empty());
        format!("SPDX {}", version.unwrap_or("3"))
    } else {
        let message = "neither CycloneDX nor SPDX in JSON";
        let help = "a bill of materials says `bomFormat`, `spdxVersion` or `@graph` at its top";
        return Err(Box::new(Diagnostic::error("not-a-bom", message).in_file(file).help(help)));
    };
    Ok(draft.finish(format))
}

fn text<'v>(v: &'v Value, key: &str) -> &'v str {
    v.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn members<'v>(v: &'v Value, key: &str) -> &'v [Value] {
    v.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A text of somebody else: masked, and cut at a limit.
fn kept(raw: &str) -> String {
    let raw = raw.trim();
    let mut end = raw.len().min(TEXT_BYTES_MAX);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    freehold_base::mask_secrets(raw.get(..end).unwrap_or_default())
}

/// Most properties of one component that are read.
const PROPERTIES_MAX: usize = 10_000;

/// Properties by name, those of `freehold:` without it.
struct Properties<'v>(Vec<(&'v str, &'v str)>);

impl<'v> Properties<'v> {
    fn of(v: &'v Value) -> Properties<'v> {
        let ours = members(v, "properties")
            .iter()
            .filter_map(|p| Some((text(p, "name").strip_prefix("freehold:")?, text(p, "value"))));
        Properties(ours.take(PROPERTIES_MAX).collect())
    }
    fn get(&self, name: &str) -> Option<&'v str> {
        self.all(name).next()
    }
    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'v str> + 's {
        self.0.iter().filter(move |(n, _)| *n == name).map(|(_, v)| *v)
    }
}

/// Works and steps in the making.
struct Draft<'a> {
    file: &'a str,
    catalog: &'a Catalog,
    made_by: Option<MadeBy>,
    name: String,
    works: Vec<Work>,
    /// Works that said their whole; others are only named.
    described: BTreeSet<usize>,
    by_id: BTreeMap<String, usize>,
    /// Works by the document's own references.
    by_reference: BTreeMap<String, usize>,
    edges: BTreeMap<(usize, usize, Relation), Evidence>,
    subjects: BTreeSet<usize>,
    assembly: bool,
    /// Parts that are not followed: how many, by what.
    lost: BTreeMap<&'static str, (usize, &'static str)>,
    full: bool,
    /// Works whose element says in a comment that it was written here.
    ours: BTreeSet<usize>,
    /// What records say of works.
    statements: BTreeMap<usize, Value>,
}

impl<'a> Draft<'a> {
    fn empty(file: &'a str, catalog: &'a Catalog) -> Draft<'a> {
        Draft {
            file,
            catalog,
            made_by: None,
            name: String::new(),
            works: Vec::new(),
            described: BTreeSet::new(),
            by_id: BTreeMap::new(),
            by_reference: BTreeMap::new(),
            edges: BTreeMap::new(),
            subjects: BTreeSet::new(),
            assembly: false,
            lost: BTreeMap::new(),
            full: false,
            ours: BTreeSet::new(),
            statements: BTreeMap::new(),
        }
    }

    fn lose(&mut self, code: &'static str, what: &'static str) {
        self.lost.entry(code).or_insert((0, what)).0 += 1;
    }

    fn at(&self, key: String) -> Evidence {
        Evidence { file: self.file.to_string(), key, ..Evidence::default() }
    }

    /// The index of the work with this id; `None` beyond the limit.
    fn work(&mut self, id: &str, kind: WorkKind, key: String) -> Option<usize> {
        let id = kept(id);
        if id.is_empty() {
            return None;
        }
        if let Some(i) = self.by_id.get(&id) {
            return Some(*i);
        }
        if self.works.len() >= WORKS_MAX {
            self.full = true;
            return None;
        }
        let mut work = Work::named(&id, self.at(key));
        work.kind = kind;
        if is_repository_id(&id) && kind == WorkKind::Model {
            // what is fetched from a hub is its publisher's
            work.made_by = Some(MadeBy::ThirdParty);
        }
        self.works.push(work);
        self.by_id.insert(id, self.works.len() - 1);
        Some(self.works.len() - 1)
    }

    /// The index of a work that the bill describes under a reference of its own; two that go by one name are two.
    fn own_work(&mut self, id: &str, kind: WorkKind, key: String, reference: &str) -> Option<usize> {
        let taken = self.by_id.get(&kept(id)).is_some_and(|w| self.described.contains(w));
        let before = if taken && !reference.is_empty() { self.by_id.remove(&kept(id)) } else { None };
        let found = self.work(id, kind, key);
        if let Some(first) = before {
            // a name alone goes on meaning the first
            self.by_id.insert(kept(id), first);
        }
        if let Some(w) = found {
            self.described.insert(w);
            if !reference.is_empty() {
                self.by_reference.insert(reference.to_string(), w);
            }
        }
        found
    }

    fn step(&mut self, child: usize, parent: usize, relation: Relation, key: String) {
        if self.edges.len() >= STEPS_MAX {
            self.full = true;
            return;
        }
        let evidence = self.at(key);
        self.edges.entry((child, parent, relation)).or_insert(evidence);
    }

    /// Who made a work, by the word of the bill.
    fn maker(&self, word: &str) -> Option<MadeBy> {
        match (MadeBy::parse(word)?, self.made_by) {
            // "the organization" is whoever wrote the bill
            (MadeBy::Organization, said) => said,
            (MadeBy::ThirdParty, _) => Some(MadeBy::ThirdParty),
        }
    }

    fn claim(&mut self, work: usize, claim: Claim) {
        if claim.license.is_empty() || matches!(claim.license.as_str(), "NOASSERTION" | "NONE") {
            return;
        }
        let Some(w) = self.works.get_mut(work) else { return };
        if w.claims.len() >= CLAIMS_MAX {
            self.full = true;
            return;
        }
        let same = |c: &Claim| (&c.license, c.basis, &c.edition) == (&claim.license, claim.basis, &claim.edition);
        if !w.claims.iter().any(same) {
            w.claims.push(claim);
        }
    }

    /// How a statement of the bill counts here.
    fn basis(&self, word: Option<&str>) -> Basis {
        match word.and_then(Basis::parse) {
            Some(Basis::Recognized) => Basis::Recognized,
            // the writer's own word is ours only where the bill is
            Some(Basis::Told) if self.made_by == Some(MadeBy::Organization) => Basis::Told,
            _ => Basis::Declared,
        }
    }

    fn fact(&mut self, work: usize, name: &str, value: &str) {
        let known = name.starts_with("work.") && self.catalog.facts.find(name).is_some();
        let (Some(w), Ok(value)) = (self.works.get_mut(work), value.parse::<bool>()) else { return };
        if known && !w.facts.iter().any(|(n, _)| n == name) {
            w.facts.push((name.to_string(), freehold_base::Value::Bool(value)));
            w.facts.sort();
        }
    }

    // CycloneDX

    fn cyclonedx(&mut self, document: &Value) {
        let main = document.get("metadata").and_then(|m| m.get("component"));
        let mut open: Vec<(&Value, String, usize)> = Vec::new();
        for (i, c) in members(document, "components").iter().enumerate().rev() {
            open.push((c, format!("components[{i}]"), 0));
        }
        open.extend(main.map(|c| (c, "metadata.component".to_string(), 0)));
        let mut found: Vec<(&Value, usize, String)> = Vec::new();
        let mut seen = 0usize;
        while let Some((c, key, depth)) = open.pop() {
            seen += 1;
            if seen > COMPONENTS_MAX {
                self.full = true;
                break;
            }
            if depth < NESTING_MAX {
                for (i, inner) in members(c, "components").iter().enumerate() {
                    open.push((inner, format!("{key}.components[{i}]"), depth + 1));
                }
            } else if !members(c, "components").is_empty() {
                self.full = true;
            }
            let ours = Properties::of(c);
            let Some(kind) = kind_of(c, &ours) else {
                if text(c, "type") != "file" && key != "metadata.component" {
                    self.lose("software-not-read", "components that are software and no model or data");
                }
                continue;
            };
            let Some(w) = self.own_work(&id_of(c, &ours), kind, key.clone(), text(c, "bom-ref")) else { continue };
            found.push((c, w, key));
        }
        for (i, s) in members(document, "services").iter().enumerate().take(COMPONENTS_MAX) {
            let ours = Properties::of(s);
            if ours.get("kind") != Some(WorkKind::Service.as_str()) {
                self.lose("service-not-read", "services that are no models");
                continue;
            }
            let key = format!("services[{i}]");
            if let Some(w) = self.own_work(&id_of(s, &ours), WorkKind::Service, key.clone(), text(s, "bom-ref")) {
                found.push((s, w, key));
            }
        }
        for (c, w, key) in &found {
            self.component(c, *w, key);
        }
        self.main_component(main);
        self.dependencies(document, main);
        for (part, code, what) in [
            ("vulnerabilities", "vulnerabilities-not-read", "vulnerabilities"),
            ("declarations", "claims-not-read", "sets of claims about duties: they are judged anew"),
            ("annotations", "annotations-not-read", "notes"),
        ] {
            if document.get(part).is_some_and(|v| *v != Value::Null) {
                self.lose(code, what);
            }
        }
    }

    fn component(&mut self, c: &Value, w: usize, key: &str) {
        let ours = Properties::of(c);
        let maker = ours.get("made-by").and_then(|m| self.maker(m));
        let stated = ours.get("made-by").is_some();
        if let Some(work) = self.works.get_mut(w) {
            work.name = work.name.take().or_else(|| ours.get("name").map(kept).filter(|n| !n.is_empty()));
            let described = Some(kept(text(c, "description"))).filter(|d| !d.is_empty());
            work.description = work.description.take().or(described);
            if stated {
                work.made_by = maker;
            }
        }
        for (name, value) in &ours.0 {
            if let Some(fact) = name.strip_prefix("fact:") {
                self.fact(w, fact, value);
            }
        }
        let said = ours.0.iter().filter_map(|(name, value)| Some((name.strip_prefix("record:")?, *value)));
        let statement = super::BomRecord::statement_of(said);
        if statement.as_object().is_some_and(|s| !s.is_empty()) {
            self.statements.insert(w, statement);
        }
        if ours.get("subject") == Some("true") {
            self.subjects.insert(w);
        }
        self.cyclonedx_licenses(c, w, key, ours.get("id").is_some());
        self.ancestors(c, w, key);
        for (i, d) in
            members(c.get("modelCard").and_then(|m| m.get("modelParameters")).unwrap_or(&Value::Null), "datasets")
                .iter()
                .enumerate()
        {
            let key = format!("{key}.modelCard.modelParameters.datasets[{i}]");
            let by_reference = self.by_reference.get(text(d, "ref")).copied();
            let data = by_reference.or_else(|| {
                let name = if text(d, "name").is_empty() { text(d, "ref") } else { text(d, "name") };
                self.work(name, WorkKind::Dataset, key.clone())
            });
            if let Some(data) = data.filter(|d| *d != w) {
                self.step(w, data, Relation::TrainedOnData, key);
            }
        }
        for part in ours.all("component") {
            if let Some(part) = self.by_reference.get(part).copied() {
                self.step(w, part, Relation::Component, format!("{key}.properties"));
            }
        }
        let pedigree = c.get("pedigree").unwrap_or(&Value::Null);
        for (part, code) in [("descendants", "descendants-not-read"), ("variants", "variants-not-read")] {
            if !members(pedigree, part).is_empty() {
                self.lose(code, "lists of what was made from a model");
            }
        }
    }

    fn cyclonedx_licenses(&mut self, c: &Value, w: usize, key: &str, by_us: bool) {
        let listed = members(c, "licenses").iter().enumerate().map(|(i, l)| (l, format!("{key}.licenses[{i}]"), false));
        let evidence = c.get("evidence").unwrap_or(&Value::Null);
        let found = members(evidence, "licenses");
        let found = found.iter().enumerate().map(|(i, l)| (l, format!("{key}.evidence.licenses[{i}]"), true));
        let stated = !members(c, "licenses").is_empty();
        for (choice, key, is_evidence) in listed.chain(found) {
            let (entry, expression) = match choice.get("license") {
                Some(l) => (l, false),
                None => (choice, true),
            };
            let ours = Properties::of(entry);
            let recognized = ours.get("basis") == Some(Basis::Recognized.as_str());
            if is_evidence && !recognized && stated {
                self.lose("evidence-not-read", "licenses that are evidence beside a statement");
                continue;
            }
            if text(entry, "acknowledgement") == "concluded" && by_us {
                // the catalog at hand concludes again
                continue;
            }
            if entry.get("text").is_some() {
                self.lose("texts-not-read", "license texts inside it, which are not compared with the known ones");
            }
            let said = ours.get("statement").map(str::to_string).unwrap_or_else(|| self.license_name(entry));
            let edition = ours.get("edition").filter(|e| self.catalog.license_of_edition(e).is_some());
            let covers = ours.get("covers").unwrap_or_default().split(',').filter_map(Covers::parse).collect();
            let claim = Claim {
                covers,
                expression: expression && ours.get("statement").is_none() || ours.get("expression") == Some("true"),
                altered: ours.get("altered") == Some("true"),
                edition: edition.map(str::to_string),
                ..Claim::new(kept(&said), self.basis(ours.get("basis")), self.at(key))
            };
            self.claim(w, claim);
        }
    }

    /// The name of a license that the catalog knows, of all that an entry gives; else the first.
    fn license_name(&self, entry: &Value) -> String {
        let alternatives = entry.get("licensing").map(|l| members(l, "altIds")).unwrap_or_default();
        let names = [text(entry, "id"), text(entry, "expression"), text(entry, "name")];
        let names = names.into_iter().chain(alternatives.iter().filter_map(Value::as_str).take(8));
        let mut names = names.filter(|n| !n.is_empty()).peekable();
        let first = names.peek().copied().unwrap_or_default();
        names.find(|n| self.catalog.license_named(n).is_some()).unwrap_or(first).to_string()
    }

    /// What a work was made from, and what that was made from.
    fn ancestors(&mut self, c: &Value, w: usize, key: &str) {
        let mut open = vec![(c, w, key.to_string(), 0usize)];
        while let Some((c, w, key, depth)) = open.pop() {
            let pedigree = c.get("pedigree").unwrap_or(&Value::Null);
            let noted = text(pedigree, "notes").to_ascii_lowercase();
            for (i, a) in members(pedigree, "ancestors").iter().enumerate() {
                let key = format!("{key}.pedigree.ancestors[{i}]");
                let ours = Properties::of(a);
                let there =
                    ours.get("ref").or(Some(text(a, "bom-ref"))).and_then(|r| self.by_reference.get(r).copied());
                let kind = kind_of(a, &ours).unwrap_or(WorkKind::Model);
                let Some(parent) = there.or_else(|| self.work(&id_of(a, &ours), kind, key.clone())) else { continue };
                let word = ours.get("relation").and_then(Relation::parse);
                let relation = word.or_else(|| relation_in(&noted)).unwrap_or(Relation::Derived);
                if word.is_none() && relation == Relation::Derived {
                    self.lose("step-not-stated", "ancestors of which the bill does not say what was done with them");
                }
                self.step(w, parent, relation, key.clone());
                if there.is_none() && !self.described.contains(&parent) {
                    self.described.insert(parent);
                    self.cyclonedx_licenses(a, parent, &key, false);
                    if depth < NESTING_MAX {
                        open.push((a, parent, key, depth + 1));
                    } else if a.get("pedigree").is_some() {
                        self.full = true;
                    }
                }
            }
        }
    }

    fn main_component(&mut self, main: Option<&Value>) {
        let Some(main) = main else { return };
        self.name = kept(text(main, "name"));
        let ours = Properties::of(main);
        if kind_of(main, &ours).is_some() {
            let by_reference = self.by_reference.get(text(main, "bom-ref"));
            let w = by_reference.or_else(|| self.by_id.get(&kept(&id_of(main, &ours))));
            self.subjects.extend(w.copied());
            return;
        }
        // a list of models is no product
        self.assembly = ours.get("kind") != Some("inventory");
    }

    fn dependencies(&mut self, document: &Value, main: Option<&Value>) {
        let root = main.map(|m| text(m, "bom-ref")).unwrap_or_default();
        for (i, d) in members(document, "dependencies").iter().enumerate().take(COMPONENTS_MAX) {
            if text(d, "ref") == root {
                continue;
            }
            let Some(child) = self.by_reference.get(text(d, "ref")).copied() else { continue };
            for on in members(d, "dependsOn").iter().filter_map(Value::as_str) {
                let Some(parent) = self.by_reference.get(on).copied().filter(|p| *p != child) else { continue };
                self.depends(child, parent, format!("dependencies[{i}]"));
            }
        }
    }

    /// A dependency between two works that no other statement explains.
    fn depends(&mut self, child: usize, parent: usize, key: String) {
        let explained = self.edges.range((child, parent, Relation::Copy)..=(child, parent, Relation::Component));
        if explained.count() > 0 {
            return;
        }
        let data = self.works.get(parent).is_some_and(|w| w.kind == WorkKind::Dataset);
        self.lose("step-not-stated", "ancestors of which the bill does not say what was done with them");
        self.step(child, parent, if data { Relation::TrainedOnData } else { Relation::Derived }, key);
    }

    // SPDX 3

    fn spdx3(&mut self, graph: &[Value]) {
        if graph.len() > COMPONENTS_MAX {
            self.full = true;
        }
        let graph = graph.get(..COMPONENTS_MAX.min(graph.len())).unwrap_or_default();
        let id = |e: &Value| {
            let id = text(e, "spdxId");
            if id.is_empty() { text(e, "@id").to_string() } else { id.to_string() }
        };
        let mut licenses: BTreeMap<String, String> = BTreeMap::new();
        let mut roots: BTreeSet<String> = BTreeSet::new();
        let mut wholes: BTreeSet<String> = BTreeSet::new();
        let mut records: Vec<&Value> = Vec::new();
        for (i, e) in graph.iter().enumerate() {
            let kind = text(e, "type").rsplit(['/', '_']).next().unwrap_or_default();
            let ours = noted(e);
            let work = match (kind, ours.get("kind").and_then(Value::as_str)) {
                (_, Some("assembly")) => {
                    wholes.insert(id(e));
                    None
                }
                ("AIPackage", _) => Some(WorkKind::Model),
                ("DatasetPackage", _) => Some(WorkKind::Dataset),
                ("Package", Some(word)) => WorkKind::parse(word),
                _ => None,
            };
            if let Some(work) = work {
                self.package3(e, &ours, work, &id(e), i);
                continue;
            }
            match kind {
                "LicenseExpression" => {
                    licenses.insert(id(e), text(e, "simplelicensing_licenseExpression").to_string());
                }
                "ListedLicense" => {
                    let name = id(e).rsplit('/').next().unwrap_or_default().to_string();
                    licenses.insert(id(e), name);
                }
                "CustomLicense" | "SimpleLicensingText" => {
                    licenses.insert(id(e), text(e, "name").to_string());
                }
                "ConjunctiveLicenseSet" | "DisjunctiveLicenseSet" | "OrLaterOperator" | "WithAdditionOperator" => {
                    self.lose("license-sets-not-read", "licenses that are put together from elements");
                }
                "Sbom" | "Bom" => {
                    roots.extend(members(e, "rootElement").iter().filter_map(Value::as_str).map(str::to_string));
                    self.name = kept(text(e, "name"));
                }
                "Package" => {
                    if roots.contains(&id(e)) {
                        wholes.insert(id(e));
                    }
                    self.lose("software-not-read", "components that are software and no model or data");
                }
                "Annotation" if text(e, "statement").contains(super::spdx3::RECORD) => records.push(e),
                "Annotation" => self.lose("annotations-not-read", "notes, of duties too: they are judged anew"),
                "Vulnerability" => self.lose("vulnerabilities-not-read", "vulnerabilities"),
                _ => {}
            }
        }
        for e in records {
            let said: Value = serde_json::from_str(text(e, "statement")).unwrap_or_default();
            let statement = said[super::spdx3::RECORD]["statement"].clone();
            if let Some(w) = self.by_reference.get(text(e, "subject")).filter(|_| statement.is_object()) {
                self.statements.insert(*w, statement);
            }
        }
        let mut late: Vec<(usize, usize, String)> = Vec::new();
        for (i, e) in graph.iter().enumerate() {
            if text(e, "type").rsplit('/').next() == Some("Relationship") {
                self.relation3(e, i, &licenses, &wholes, &mut late);
            }
        }
        for (child, parent, key) in late {
            self.depends(child, parent, key);
        }
        for root in &roots {
            if let Some(w) = self.by_reference.get(root) {
                self.subjects.insert(*w);
            }
        }
        self.assembly = roots.iter().any(|r| wholes.contains(r));
    }

    fn package3(&mut self, e: &Value, ours: &Value, kind: WorkKind, reference: &str, i: usize) {
        let key = format!("@graph[{i}]");
        let own = text(ours, "id");
        let purl = repository_of(text(e, "software_packageUrl"));
        let name = match (own, purl) {
            ("", Some(id)) => id,
            ("", None) => text(e, "name").to_string(),
            (own, _) => own.to_string(),
        };
        let Some(w) = self.own_work(&name, kind, key, reference) else { return };
        if !own.is_empty() {
            self.ours.insert(w);
        }
        let stated = ours.get("made-by").is_some();
        let maker = self.maker(text(ours, "made-by"));
        if let Some(work) = self.works.get_mut(w) {
            work.name = Some(kept(text(ours, "name"))).filter(|n| !n.is_empty());
            work.description = Some(kept(text(e, "description"))).filter(|d| !d.is_empty());
            if stated {
                work.made_by = maker;
            }
        }
        if let Some(facts) = ours.get("facts").and_then(Value::as_object) {
            for (name, value) in facts.iter().take(CLAIMS_MAX) {
                self.fact(w, name, &value.to_string());
            }
        }
        if ours.get("subject") == Some(&Value::Bool(true)) {
            self.subjects.insert(w);
        }
    }

    fn relation3(
        &mut self,
        e: &Value,
        i: usize,
        licenses: &BTreeMap<String, String>,
        wholes: &BTreeSet<String>,
        late: &mut Vec<(usize, usize, String)>,
    ) {
        let key = format!("@graph[{i}]");
        let ours = noted(e);
        let from = self.by_reference.get(text(e, "from")).copied();
        let kind = text(e, "relationshipType");
        let single = e.get("to").and_then(Value::as_str);
        let to: Vec<&str> = members(e, "to").iter().filter_map(Value::as_str).chain(single).take(STEPS_MAX).collect();
        let evidence = kind == "other" && text(&ours, "role") == "license-evidence";
        if matches!(kind, "hasDeclaredLicense" | "hasConcludedLicense") || evidence {
            let Some(w) = from else { return };
            // what freehold concluded is concluded again
            let by_us = kind == "hasConcludedLicense" && self.ours.contains(&w);
            for license in to.iter().filter_map(|t| licenses.get(*t)) {
                if by_us {
                    continue;
                }
                let said = ours.get("statement").and_then(Value::as_str);
                let edition = ours.get("edition").and_then(Value::as_str);
                let edition = edition.filter(|e| self.catalog.license_of_edition(e).is_some());
                let covers = members(&ours, "covers").iter().filter_map(Value::as_str).filter_map(Covers::parse);
                let words = license.split_whitespace().count();
                let claim = Claim {
                    covers: covers.collect(),
                    expression: match said {
                        Some(_) => ours.get("expression") == Some(&Value::Bool(true)),
                        None => words > 1,
                    },
                    altered: ours.get("altered") == Some(&Value::Bool(true)),
                    edition: edition.map(str::to_string),
                    ..Claim::new(
                        kept(said.unwrap_or(license)),
                        self.basis(ours.get("basis").and_then(Value::as_str)),
                        self.at(key.clone()),
                    )
                };
                self.claim(w, claim);
            }
            return;
        }
        let word = ours.get("relation").and_then(Value::as_str).and_then(Relation::parse);
        for to in to {
            let other = self.by_reference.get(to).copied();
            let (Some(a), Some(b)) = (from, other) else {
                if matches!(kind, "contains" | "dependsOn") && wholes.contains(text(e, "from")) {
                    self.subjects.extend(other);
                }
                continue;
            };
            match kind {
                "descendantOf" => {
                    if word.is_none() {
                        let what = "ancestors of which the bill does not say what was done with them";
                        self.lose("step-not-stated", what);
                    }
                    self.step(a, b, word.unwrap_or(Relation::Derived), key.clone());
                }
                "ancestorOf" => self.step(b, a, word.unwrap_or(Relation::Derived), key.clone()),
                "trainedOn" => self.step(a, b, word.unwrap_or(Relation::TrainedOnData), key.clone()),
                "contains" => self.step(a, b, Relation::Component, key.clone()),
                "dependsOn" if a != b => late.push((a, b, key.clone())),
                "hasVariant" => self.lose("variants-not-read", "lists of what was made from a model"),
                _ => {}
            }
        }
    }

    // SPDX 2.3

    fn spdx2(&mut self, document: &Value) {
        self.name = kept(text(document, "name"));
        let purl = |p: &Value| {
            let refs = members(p, "externalRefs").iter();
            let mut found = refs.filter(|r| text(r, "referenceType") == "purl").map(|r| text(r, "referenceLocator"));
            found.find_map(repository_of)
        };
        for (i, p) in members(document, "packages").iter().enumerate().take(COMPONENTS_MAX) {
            let hub = repository_of_page(text(p, "downloadLocation"));
            let named = Some(text(p, "name")).filter(|n| is_repository_id(n) && members(p, "externalRefs").is_empty());
            let Some(id) = purl(p).or(hub).or(named.map(str::to_string)) else {
                self.lose("software-not-read", "packages that name no model of a hub");
                continue;
            };
            let key = format!("packages[{i}]");
            let Some(w) = self.own_work(&id, WorkKind::Model, key.clone(), text(p, "SPDXID")) else { continue };
            for field in ["licenseDeclared", "licenseConcluded"] {
                let said = kept(text(p, field));
                let expression = said.contains(' ');
                let at = self.at(format!("{key}.{field}"));
                self.claim(w, Claim { expression, ..Claim::new(said, Basis::Declared, at) });
            }
        }
        let mut late = Vec::new();
        for (i, r) in members(document, "relationships").iter().enumerate().take(STEPS_MAX) {
            let a = self.by_reference.get(text(r, "spdxElementId")).copied();
            let b = self.by_reference.get(text(r, "relatedSpdxElement")).copied();
            let (Some(a), Some(b)) = (a, b) else { continue };
            let key = format!("relationships[{i}]");
            match text(r, "relationshipType") {
                "DESCENDANT_OF" | "GENERATED_FROM" | "VARIANT_OF" => self.step(a, b, Relation::Derived, key),
                "ANCESTOR_OF" | "GENERATES" => self.step(b, a, Relation::Derived, key),
                "CONTAINS" => self.step(a, b, Relation::Component, key),
                "COPY_OF" => self.step(a, b, Relation::Copy, key),
                "DEPENDS_ON" => late.push((a, b, key)),
                "DEPENDENCY_OF" => late.push((b, a, key)),
                _ => {}
            }
        }
        for (a, b, key) in late.into_iter().filter(|(a, b, _)| a != b) {
            self.depends(a, b, key);
        }
    }

    /// The graphs of the subjects.
    fn finish(mut self, format: String) -> Imported {
        let used: BTreeSet<usize> = self.edges.keys().filter(|(c, p, _)| c != p).map(|(_, p, _)| *p).collect();
        if self.subjects.is_empty() {
            let ends = |kinds: &[WorkKind]| -> BTreeSet<usize> {
                let of = |i: &usize| self.works.get(*i).is_some_and(|w| kinds.contains(&w.kind));
                (0..self.works.len()).filter(|i| !used.contains(i)).filter(of).collect()
            };
            self.subjects = ends(&[WorkKind::Model, WorkKind::Service]);
            if self.subjects.is_empty() {
                self.subjects = ends(WorkKind::ALL);
            }
            if self.subjects.is_empty() && !self.works.is_empty() {
                // each was made from another: the first that is named stands for them
                self.subjects.insert(0);
            }
        }
        let mut parents: Vec<Vec<(usize, Relation, &Evidence)>> = vec![Vec::new(); self.works.len()];
        for ((child, parent, relation), evidence) in &self.edges {
            if let Some(list) = parents.get_mut(*child) {
                list.push((*parent, *relation, evidence));
            }
        }
        let mut graphs = Vec::new();
        let mut places = 0usize;
        for subject in &self.subjects {
            let graph = cut(*subject, &self.works, &parents);
            places += graph.works.len() + graph.edges.len();
            if places > PLACES_MAX {
                self.full = true;
                break;
            }
            graphs.push(graph);
        }
        let mut lost: Vec<Diagnostic> = Vec::new();
        let note = |code, message: String| Diagnostic {
            severity: Severity::Note,
            ..Diagnostic::warning(code, message).in_file(self.file)
        };
        if self.full {
            let message = format!(
                "more than is followed ({WORKS_MAX} models and data sets, {STEPS_MAX} steps, {NESTING_MAX} levels): the rest was not read"
            );
            lost.push(Diagnostic::warning("bom-too-large", message).in_file(self.file));
        }
        for (code, (n, what)) in &self.lost {
            lost.push(note(code, format!("not taken from the bill: {what} ({n})")));
        }
        if self.made_by.is_none()
            && self.subjects.iter().any(|s| self.works.get(*s).is_some_and(|w| w.made_by.is_none()))
        {
            let d = note("maker-not-stated", "the bill does not say whether what it is of is yours".into());
            lost.push(d.help("say --made-by organization or --made-by third-party"));
        }
        let id = |w: usize| self.works.get(w).map(|w| w.id.clone()).unwrap_or_default();
        let statements = self.statements.into_iter().map(|(w, s)| (id(w), s)).collect();
        Imported { format, name: self.name, graphs, assembly: self.assembly, lost, statements }
    }
}

/// A subject and what it was made from.
fn cut(subject: usize, works: &[Work], parents: &[Vec<(usize, Relation, &Evidence)>]) -> Graph {
    let mut graph = Graph::default();
    let mut place: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = vec![subject];
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut add = |graph: &mut Graph, place: &mut BTreeMap<usize, usize>, w: usize| -> (usize, bool) {
        if let Some(at) = place.get(&w) {
            return (*at, false);
        }
        // in one lineage a name is one work
        let id = works.get(w).map(|w| w.id.as_str()).unwrap_or_default();
        if let Some(at) = names.get(id) {
            place.insert(w, *at);
            return (*at, true);
        }
        graph.works.extend(works.get(w).cloned());
        place.insert(w, graph.works.len() - 1);
        names.insert(id, graph.works.len() - 1);
        (graph.works.len() - 1, true)
    };
    add(&mut graph, &mut place, subject);
    while let Some(w) = open.pop() {
        let (child, _) = add(&mut graph, &mut place, w);
        for (parent, relation, evidence) in parents.get(w).into_iter().flatten() {
            let (at, new) = add(&mut graph, &mut place, *parent);
            if new {
                open.push(*parent);
            }
            graph.edges.push(Edge {
                child,
                parent: at,
                relation: *relation,
                by: By::Unknown,
                by_presumed: false,
                evidence: (*evidence).clone(),
            });
        }
    }
    graph
}

/// What a component is; `None` for software.
fn kind_of(c: &Value, ours: &Properties<'_>) -> Option<WorkKind> {
    match text(c, "type") {
        "machine-learning-model" => Some(WorkKind::Model),
        "data" => Some(WorkKind::Dataset),
        _ => ours.get("kind").and_then(WorkKind::parse),
    }
}

/// The id of a component: ours, the hub's by its package URL, else group and name.
fn id_of(c: &Value, ours: &Properties<'_>) -> String {
    if let Some(id) = ours.get("id") {
        return id.to_string();
    }
    if let Some(id) = repository_of(text(c, "purl")) {
        return id;
    }
    let (group, name) = (text(c, "group"), text(c, "name"));
    let both = format!("{group}/{name}");
    if is_repository_id(&both) { both } else { name.to_string() }
}

/// `pkg:huggingface/org/name@commit` → `org/name`.
fn repository_of(purl: &str) -> Option<String> {
    let rest = purl.strip_prefix("pkg:huggingface/")?;
    let rest = rest.split(['@', '?', '#']).next().unwrap_or_default();
    let id = decoded(rest);
    is_repository_id(&id).then_some(id)
}

/// The id in the address of a model's page.
fn repository_of_page(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://huggingface.co/").or_else(|| url.strip_prefix("https://hf.co/"))?;
    let id: Vec<&str> = rest.split('/').take(2).collect();
    let id = id.join("/");
    is_repository_id(&id).then_some(id)
}

/// Percent-encoding undone; what is none stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(b) = bytes.get(i) {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok()).filter(|_| *b == b'%');
        out.push(hex.unwrap_or(*b));
        i += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A step that a note spells out (`base_model_relation: finetune`).
fn relation_in(noted: &str) -> Option<Relation> {
    let word = noted.split_once("base_model_relation:")?.1.trim();
    let word = word.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    Relation::parse(word)
}

/// Our members of an element's comment; `null` where it has none.
fn noted(e: &Value) -> Value {
    let comment = text(e, "comment");
    if !comment.starts_with("{\"freehold\"") || comment.len() > 16 * TEXT_BYTES_MAX {
        return Value::Null;
    }
    let parsed: Option<Value> = serde_json::from_str(comment).ok();
    parsed.and_then(|mut v| v.get_mut("freehold").map(Value::take)).unwrap_or(Value::Null)
}
