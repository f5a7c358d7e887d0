//! Facts to graph: what a model says it was made from, completed by what the catalog knows of each name.
//!
//! A name inside a file is a claim: it adds a parent, and adding a parent never raises permission.

use std::collections::BTreeSet;

use freehold_base::{
    Basis, By, Claim, Covers, Diagnostic, Edge, Evidence, Fact, FactKind, Graph, MadeBy, Relation, Severity, Value,
    Work, WorkKind,
};
use freehold_catalog::{Catalog, Match, ModelRow, OLLAMA_PREFIX};

/// Most works that a graph may hold; the rest is cut off with a warning.
pub const WORKS_MAX: usize = 100_000;

/// Adds the work under this id if it is not there yet.
pub fn work_index(graph: &mut Graph, id: &str, evidence: &Evidence) -> usize {
    match graph.find(id) {
        Some(i) => i,
        None => {
            graph.works.push(Work::named(id, evidence.clone()));
            graph.works.len() - 1
        }
    }
}

/// Links a child to a parent, which may be itself, unless the same step is there already.
pub fn link(graph: &mut Graph, child: usize, parent: usize, relation: Relation, evidence: Evidence) {
    let there = graph.edges.iter().any(|e| e.child == child && e.parent == parent && e.relation == relation);
    if !there {
        graph.edges.push(Edge { child, parent, relation, by: By::Unknown, by_presumed: false, evidence });
    }
}

/// Completes a graph with what the catalog knows: terms, facts and lineage of each named work, and who took each step.
/// `as_of` is the day of the question (`YYYY-MM-DD`).
pub fn complete(graph: &mut Graph, catalog: &Catalog, as_of: &str) -> Vec<Diagnostic> {
    let mut next = 0;
    let mut diagnostics = Vec::new();
    while next < graph.works.len() {
        if graph.works.len() > WORKS_MAX {
            let message = format!("the lineage names more than {WORKS_MAX} works; the rest was not followed");
            diagnostics.push(Diagnostic::warning("lineage-too-large", message));
            break;
        }
        complete_one(graph, next, catalog, as_of);
        next += 1;
    }
    settle_steps(graph);
    diagnostics
}

/// Where a name led to a model by the catalog's patterns of names.
const REUPLOADS: &str = "catalog/models/reuploads.toml";

/// A graph as it was before [`complete`] added to it what `catalog` knows: what was read or said, for keeping. Completed by the
/// same catalog again it is the same.
pub fn without_catalog(graph: &Graph, catalog: &Catalog) -> Graph {
    let mut out = graph.clone();
    let files: BTreeSet<&str> = catalog.models.rows().iter().map(|r| r.file.as_str()).chain([REUPLOADS]).collect();
    let stated = |e: &Evidence| e.key.is_empty() && e.bytes.is_none() && e.line.is_none();
    out.edges.retain(|e| !(stated(&e.evidence) && files.contains(e.evidence.file.as_str())));
    for work in &mut out.works {
        work.claims.retain(|c| c.basis != Basis::Catalog);
        if let Some(Match::Id(rows)) = catalog.models.resolve(&work.id) {
            work.facts.retain(|fact| !rows.iter().any(|row| row_facts(row).contains(fact)));
        }
    }
    // a work that only the catalog named
    let named: BTreeSet<usize> = out.edges.iter().flat_map(|e| [e.child, e.parent]).chain([out.subject]).collect();
    let kept: Vec<usize> = (0..out.works.len())
        .filter(|i| {
            let work = &out.works[*i];
            named.contains(i) || !work.claims.is_empty() || !files.contains(work.evidence.file.as_str())
        })
        .collect();
    // they are in order
    let place = |i: usize| kept.binary_search(&i).unwrap_or(0);
    for edge in &mut out.edges {
        (edge.child, edge.parent) = (place(edge.child), place(edge.parent));
    }
    out.subject = place(out.subject);
    out.works = kept.iter().map(|i| out.works[*i].clone()).collect();
    out
}

fn row_facts(row: &ModelRow) -> Vec<(String, Value)> {
    let facts = [("work.multimodal", row.multimodal), ("work.has_notice_file", row.notice_file)];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_string(), Value::Bool(value?)))).collect()
}

fn complete_one(graph: &mut Graph, index: usize, catalog: &Catalog, as_of: &str) {
    let work = &graph.works[index];
    if work.made_by == Some(MadeBy::Organization) || work.kind != WorkKind::Model {
        return;
    }
    match catalog.models.resolve(&work.id) {
        Some(Match::Id(rows)) => {
            let rows: Vec<ModelRow> = rows.into_iter().cloned().collect();
            for row in &rows {
                let claim = claim_of(row, as_of);
                let work = &mut graph.works[index];
                if !work.claims.contains(&claim) {
                    work.claims.push(claim);
                }
                facts_of(row, work);
            }
            let evidence = |row: &ModelRow| Evidence::stated(row.file.clone());
            for row in rows.iter().filter(|r| !replaced(r, as_of)) {
                for (parent, relation) in &row.parents {
                    let parent = work_index(graph, parent, &evidence(row));
                    let stated = graph.edges.iter().any(|e| e.child == index && e.parent == parent);
                    if !stated {
                        link(graph, index, parent, *relation, evidence(row));
                    }
                }
            }
        }
        Some(Match::Reupload { model, relation }) => {
            let evidence = Evidence::stated(REUPLOADS);
            graph.works[index].known = true;
            graph.works[index].made_by.get_or_insert(MadeBy::ThirdParty);
            if !graph.has_parent(index) {
                let parent = work_index(graph, &model, &evidence);
                link(graph, index, parent, relation, evidence);
            }
        }
        None => {}
    }
}

fn replaced(row: &ModelRow, as_of: &str) -> bool {
    row.until.as_deref().is_some_and(|u| u <= as_of) || row.since.as_deref().is_some_and(|s| s > as_of)
}

fn claim_of(row: &ModelRow, as_of: &str) -> Claim {
    Claim {
        covers: row.covers.clone(),
        edition: row.edition.clone(),
        additions: row.conditions.clone(),
        beside: row.beside.clone(),
        superseded: replaced(row, as_of),
        ..Claim::new(
            &row.license,
            Basis::Catalog,
            Evidence { key: row.id.clone(), ..Evidence::stated(row.file.clone()) },
        )
    }
}

fn facts_of(row: &ModelRow, work: &mut Work) {
    work.known = true;
    work.made_by.get_or_insert(MadeBy::ThirdParty);
    for (name, value) in row_facts(row) {
        if !work.facts.iter().any(|(n, _)| *n == name) {
            work.facts.push((name, value));
        }
    }
    work.facts.sort();
}

/// Who took each step: who made its child; where that is not stated, somebody else for what the catalog knows, else us.
fn settle_steps(graph: &mut Graph) {
    for i in 0..graph.edges.len() {
        let child = &graph.works[graph.edges[i].child];
        let (by, presumed) = match (child.made_by, child.known) {
            (Some(MadeBy::Organization), _) => (By::Us, false),
            (Some(MadeBy::ThirdParty), _) => (By::Upstream, false),
            (None, true) => (By::Upstream, true),
            (None, false) => (By::Us, true),
        };
        let edge = &mut graph.edges[i];
        edge.by = by;
        edge.by_presumed = presumed;
    }
}

/// A license text of a folder, identified.
#[derive(Clone, Debug)]
pub struct RecognizedText {
    /// Text id of the edition.
    pub edition: String,
    /// The text differs from the edition.
    pub altered: bool,
    /// What it covers, by the file's name.
    pub covers: Vec<Covers>,
    /// Where it stands.
    pub evidence: Evidence,
}

/// What is known of a folder or file, ready for the graph.
#[derive(Clone, Debug, Default)]
pub struct Described<'a> {
    /// Name of the folder or file.
    pub root_name: &'a str,
    /// Facts read from it.
    pub facts: &'a [Fact],
    /// License texts identified in it.
    pub texts: Vec<RecognizedText>,
    /// Who made it, where the user says so.
    pub made_by: Option<MadeBy>,
    /// Its name, where the user says so.
    pub name: Option<String>,
    /// Parents that the user names, with the step.
    pub parents: Vec<(String, Relation)>,
}

/// Builds the graph of one model as its files describe it. Call [`complete`] on it.
pub fn describe(described: &Described<'_>, catalog: &Catalog) -> (Graph, Vec<Diagnostic>) {
    let facts = Facts(described.facts);
    let repository = facts.first(FactKind::Repository);
    let id = repository.map_or(described.root_name, |f| f.value.as_str());
    let evidence = repository.map_or_else(|| Evidence::stated(described.root_name), |f| f.evidence.clone());
    let mut subject = Work::named(id, evidence);
    subject.name.clone_from(&described.name);
    subject.made_by = described.made_by;
    if repository.is_some() && subject.made_by.is_none() {
        // a store holds it: it was downloaded
        subject.made_by = Some(MadeBy::ThirdParty);
        subject.known = true;
    }
    if facts.any(FactKind::Multimodal) {
        subject.facts.push(("work.multimodal".into(), Value::Bool(true)));
    }
    subject.claims = claims(described);
    let mut graph = Graph { works: vec![subject], edges: Vec::new(), subject: 0 };
    let diagnostics = parents(&mut graph, described, &facts, catalog);
    for f in facts.all(FactKind::Dataset) {
        let dataset = work_index(&mut graph, &f.value, &f.evidence);
        if dataset != 0 {
            graph.works[dataset].kind = WorkKind::Dataset;
            link(&mut graph, 0, dataset, Relation::TrainedOnData, f.evidence.clone());
        }
    }
    (graph, diagnostics)
}

struct Facts<'a>(&'a [Fact]);

impl<'a> Facts<'a> {
    fn all(&self, kind: FactKind) -> impl Iterator<Item = &'a Fact> {
        self.0.iter().filter(move |f| f.kind == kind && !f.value.trim().is_empty())
    }
    fn first(&self, kind: FactKind) -> Option<&'a Fact> {
        self.all(kind).next()
    }
    fn any(&self, kind: FactKind) -> bool {
        self.0.iter().any(|f| f.kind == kind)
    }
}

fn claims(described: &Described<'_>) -> Vec<Claim> {
    let facts = Facts(described.facts);
    let mut out = Vec::new();
    for text in &described.texts {
        out.push(Claim {
            covers: text.covers.clone(),
            altered: text.altered,
            edition: Some(text.edition.clone()),
            ..Claim::new(&text.edition, Basis::Recognized, text.evidence.clone())
        });
    }
    let tags: Vec<&Fact> = facts.all(FactKind::LicenseTag).collect();
    let names: Vec<&Fact> = facts.all(FactKind::LicenseName).collect();
    let vague = |t: &&&Fact| matches!(t.value.trim().to_ascii_lowercase().as_str(), "other" | "unknown" | "custom");
    for f in tags.iter().filter(|t| !vague(t)).copied().chain(names) {
        let claim = Claim::new(&f.value, Basis::Declared, f.evidence.clone());
        if !out.iter().any(|c: &Claim| c.basis == Basis::Declared && c.license == claim.license) {
            out.push(claim);
        }
    }
    out
}

/// The step that the files show the model to be, for a card that names a base without saying how.
fn shown_step(facts: &Facts<'_>) -> Option<Relation> {
    let stated = facts.first(FactKind::BaseModelRelation).and_then(|f| match f.value.trim() {
        "finetune" => Some(Relation::Finetune),
        "adapter" => Some(Relation::Adapter),
        "merge" => Some(Relation::Merge),
        "quantized" => Some(Relation::Quantized),
        _ => None,
    });
    let merged = facts.any(FactKind::MergeMethod) || facts.all(FactKind::Tag).any(|t| t.value == "mergekit");
    stated.or(if facts.any(FactKind::AdapterType) || facts.any(FactKind::AdapterBase) {
        Some(Relation::Adapter)
    } else if merged {
        Some(Relation::Merge)
    } else {
        None
    })
}

fn parents(graph: &mut Graph, described: &Described<'_>, facts: &Facts<'_>, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let step = shown_step(facts);
    let own = graph.works[0].id.clone();
    let mut add = |graph: &mut Graph, raw: &str, relation: Relation, evidence: &Evidence| {
        let id = clean_id(raw, evidence, catalog);
        if id.eq_ignore_ascii_case(&own) {
            if !graph.edges.iter().any(Edge::is_loop) {
                let message =
                    format!("the model is named as its own base, `{raw}`: the step is kept and moves no answer");
                let told = Diagnostic::warning("base-is-itself", message).in_file(evidence.file.clone());
                diagnostics.push(Diagnostic { severity: Severity::Note, ..told });
            }
            link(graph, 0, 0, relation, evidence.clone());
            return;
        }
        let parent = work_index(graph, &id, evidence);
        if is_repository_id(&id) || id.starts_with(OLLAMA_PREFIX) {
            // a base that is fetched from a hub is its publisher's
            graph.works[parent].made_by.get_or_insert(MadeBy::ThirdParty);
        }
        // the step that a recipe or an adapter's config states outranks a card's bare name
        if let Some(e) = graph.edges.iter_mut().find(|e| e.child == 0 && e.parent == parent) {
            if e.relation == Relation::Derived {
                e.relation = relation;
            }
            return;
        }
        link(graph, 0, parent, relation, evidence.clone());
        if looks_local(&id) && !graph.works[parent].known {
            let message = format!("the base is named by a path, `{raw}`, which says nothing about what it is");
            diagnostics.push(
                Diagnostic::warning("local-base", message)
                    .in_file(evidence.file.clone())
                    .help("name the model it was downloaded as"),
            );
        }
    };
    for (id, relation) in &described.parents {
        add(graph, id, *relation, &Evidence::stated("--base"));
    }
    for f in facts.all(FactKind::AdapterBase) {
        add(graph, &f.value, Relation::Adapter, &f.evidence);
    }
    for f in facts.all(FactKind::MergeParent) {
        add(graph, &f.value, Relation::Merge, &f.evidence);
    }
    for f in facts.all(FactKind::BaseModel) {
        let quantized = step.is_none() && facts.any(FactKind::Quantization) && same_model(facts, &f.value);
        let relation = if quantized { Relation::Quantized } else { step.unwrap_or(Relation::Derived) };
        add(graph, &f.value, relation, &f.evidence);
    }
    // where a config was saved, or what a header calls itself, is no statement that it was made from itself
    let other = |raw: &str, e: &Evidence| !clean_id(raw, e, catalog).eq_ignore_ascii_case(&own);
    if !graph.has_parent(0) {
        for f in facts.all(FactKind::NameOrPath).filter(|f| is_repository_id(&f.value) && other(&f.value, &f.evidence))
        {
            add(graph, &f.value, step.unwrap_or(Relation::Derived), &f.evidence);
        }
    }
    if !graph.has_parent(0) && catalog.models.find(&own).is_empty() {
        // a header's display name: a claim that adds a parent and nothing else
        for f in facts.all(FactKind::BaseModelName).chain(facts.all(FactKind::Name)) {
            let ollama = catalog.models.by_ollama_name(&f.value).filter(|_| is_ollama(&f.evidence));
            if let Some(id) = ollama.or_else(|| catalog.models.by_display_name(&f.value)) {
                let id = id.to_string();
                if id.eq_ignore_ascii_case(&own) {
                    break;
                }
                // the catalog's id, which is the hub's wherever the name stood
                add(graph, &format!("hf:{id}"), Relation::Derived, &f.evidence);
                break;
            }
        }
    }
    diagnostics
}

/// True where the file calls itself what its base is called: then it is that model in another form.
fn same_model(facts: &Facts<'_>, base: &str) -> bool {
    let fold = |s: &str| -> String { s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let bare = fold(base.trim_end_matches('/').rsplit('/').next().unwrap_or(base));
    let hit = |f: &Fact| {
        let name = fold(f.value.rsplit('/').next().unwrap_or(&f.value));
        name == bare || format!("meta{name}") == bare
    };
    facts.all(FactKind::Name).any(hit)
}

/// True where a name is one that Ollama gives a meaning: in its recipes, its manifests and their places in the store.
fn is_ollama(evidence: &Evidence) -> bool {
    let key = evidence.key.as_str();
    matches!(key, "FROM" | "# FROM")
        || (key.starts_with("layers[") && key.ends_with(".from"))
        || (key == "path" && evidence.file.contains("manifests/registry.ollama.ai/library/"))
}

/// A repository id out of what files write: an id, a URL of a hub, an Ollama name with its tag.
fn clean_id(raw: &str, evidence: &Evidence, catalog: &Catalog) -> String {
    let raw = raw.trim().trim_end_matches('/');
    for prefix in
        ["https://huggingface.co/", "http://huggingface.co/", "https://hf.co/", "hf.co/", "huggingface.co/", "hf:"]
    {
        if let Some(rest) = raw.strip_prefix(prefix) {
            let mut parts = rest.split('/');
            if let (Some(org), Some(name)) = (parts.next(), parts.next()) {
                // Ollama writes a quantization behind
                return format!("{org}/{}", name.split(':').next().unwrap_or(name));
            }
        }
    }
    let bare = raw.strip_prefix("registry.ollama.ai/").unwrap_or(raw);
    let bare = bare.strip_prefix("library/").unwrap_or(bare);
    if is_ollama(evidence) && !bare.starts_with(['.', '/', '~']) {
        if !bare.contains('/') {
            // there it is an Ollama name before it is a header's: `llama3.1:8b` is the tuned model, whatever a header
            // that is spelled so would be. The tag stays where nothing is known by the name: it may be all that tells
            // two models apart
            let id = catalog.models.by_ollama_name(bare).or_else(|| catalog.models.by_display_name(bare));
            return id.unwrap_or(bare.strip_suffix(":latest").unwrap_or(bare)).to_string();
        }
        // a file below the recipe, written without `./`
        let file = [".gguf", ".safetensors", ".bin"].iter().any(|e| bare.ends_with(e));
        return if file { bare.to_string() } else { catalog.models.ollama_work(bare) };
    }
    if !raw.contains('/')
        && let Some(id) = catalog.models.by_display_name(raw)
    {
        return id.to_string();
    }
    raw.to_string()
}

/// `org/name` with nothing else in it.
pub fn is_repository_id(text: &str) -> bool {
    let mut parts = text.split('/');
    let (Some(org), Some(name), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    let word = |w: &str| {
        !w.is_empty()
            && w.len() <= 96
            && w.starts_with(|c: char| c.is_ascii_alphanumeric())
            && w.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            && !w.contains("..")
    };
    word(org) && word(name)
}

fn looks_local(id: &str) -> bool {
    let registry = id.starts_with(OLLAMA_PREFIX);
    id.starts_with(['.', '/', '~']) || id.contains('\\') || (id.contains('/') && !registry && !is_repository_id(id))
}

/// Ids of works that are named and of which nothing is known: no row, no claim, no parent.
pub fn unknown_works(graph: &Graph) -> Vec<&Work> {
    let with_parent: BTreeSet<usize> = graph.edges.iter().filter(|e| !e.is_loop()).map(|e| e.child).collect();
    graph
        .works
        .iter()
        .enumerate()
        .filter(|(i, w)| *i != graph.subject && !w.known && w.claims.is_empty() && !with_parent.contains(i))
        .map(|(_, w)| w)
        .collect()
}
