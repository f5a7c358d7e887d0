//! A model's files: what they say, what their license texts are, and what a release shows.

use freehold_assess::{Finding, FindingCode, Notice, Release, covers_of_file};
use freehold_base::{Basis, Claim, Diagnostic, Evidence, Fact, FactKind, Graph, MadeBy, Relation, TextFile, TextKind};
use freehold_catalog::{Catalog, Effect, Match as Known};
use freehold_lineage::{Described, RecognizedText, complete, describe, unknown_works};
use freehold_text::{Identification, Index, Limits, Match, has_blank_holder, identify};

use crate::dossier::Subject;
use crate::undeclared::undeclared_base;

/// What was read of one model's folder or file.
#[derive(Clone, Copy, Debug)]
pub struct ModelFiles<'a> {
    /// Its name.
    pub root_name: &'a str,
    /// Where it lies, as the user named it.
    pub path: &'a str,
    /// Facts.
    pub facts: &'a [Fact],
    /// Legal texts.
    pub texts: &'a [TextFile],
    /// Mistakes of the files.
    pub diagnostics: &'a [Diagnostic],
    /// Number of files.
    pub files: usize,
    /// Size of all files, in bytes.
    pub bytes_total: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
}

/// What the user says besides the files.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Who made it.
    pub made_by: Option<MadeBy>,
    /// The name it is shipped under.
    pub name: Option<String>,
    /// Parents.
    pub parents: Vec<(String, Relation)>,
    /// Replaces every parent of the model by this one.
    pub swap_base: Option<String>,
}

/// A model as it is judged.
#[derive(Clone, Debug)]
pub struct Model {
    /// What was looked at.
    pub subject: Subject,
    /// The completed graph.
    pub graph: Graph,
    /// Its license texts, identified: file and outcome.
    pub texts: Vec<(String, Identification)>,
    /// Mistakes of the files and of the lineage.
    pub diagnostics: Vec<Diagnostic>,
    /// What was not looked at, in sentences.
    pub not_read: Vec<String>,
    /// What the files show besides their licenses.
    pub findings: Vec<Finding>,
}

/// Puts together what a model's files say.
pub fn model(files: &ModelFiles<'_>, said: &Said, index: &Index<'_>, catalog: &Catalog, as_of: &str) -> Model {
    let texts: Vec<(String, Identification)> = files
        .texts
        .iter()
        .filter(|t| t.kind == TextKind::License)
        .map(|t| (t.file.clone(), identify(index, &t.text, Limits::default())))
        .collect();
    let described = Described {
        root_name: files.root_name,
        facts: files.facts,
        texts: texts.iter().flat_map(|(file, id)| recognized(file, id)).collect(),
        made_by: said.made_by,
        name: said.name.clone(),
        parents: said.parents.clone(),
    };
    let (mut graph, mut diagnostics) = describe(&described, catalog);
    if let Some(base) = &said.swap_base {
        swap_base(&mut graph, base);
    }
    diagnostics.extend(complete(&mut graph, catalog, as_of));
    passed_on(&mut graph, catalog);
    let mut all = files.diagnostics.to_vec();
    all.append(&mut diagnostics);
    Model {
        subject: subject(files),
        not_read: not_read(files, &graph),
        findings: findings(files, &graph, catalog),
        graph,
        texts,
        diagnostics: all,
    }
}

/// What a license file's identification claims.
fn recognized(file: &str, id: &Identification) -> Vec<RecognizedText> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let text = |edition: &str, altered: bool| RecognizedText {
        edition: edition.to_string(),
        altered,
        covers: covers_of_file(name).into_iter().collect(),
        evidence: Evidence { file: file.to_string(), ..Evidence::default() },
    };
    match id.matched {
        Match::Exact => id.edition.iter().map(|e| text(e, false)).collect(),
        Match::Altered | Match::Partial => id.edition.iter().map(|e| text(e, true)).collect(),
        Match::Combined => id.parts.iter().map(|p| text(&p.edition, p.matched != Match::Exact)).collect(),
        Match::None => match &id.points_to {
            Some(name) => vec![text(name, false)],
            // a text that nobody here knows is no pass
            None => vec![text(&format!("the text in {file}"), false)],
        },
    }
}

/// Copies of a base's license that lie in the model's own folder speak for that base, as its terms ask them to: who says
/// in a tag what the model itself stands under, and puts the base's text beside it as `LICENSE-gemma.txt`, has said one
/// thing of the model. Nothing is lifted by it: the base's terms reach the model through the base. A text that no base
/// stands under, one that is altered, or one that is called `LICENSE` and no more, is the model's own.
fn passed_on(graph: &mut Graph, catalog: &Catalog) {
    let subject = graph.subject;
    let license = |claim: &Claim| match claim.edition.as_deref() {
        Some(edition) => catalog.license_of_edition(edition).map(|(i, _)| i),
        None => catalog.license_named(&claim.license),
    };
    let declared: Vec<Option<usize>> =
        graph.works[subject].claims.iter().filter(|c| c.basis == Basis::Declared).map(license).collect();
    if declared.is_empty() {
        return;
    }
    // nearest first
    let mut bases: Vec<usize> = Vec::new();
    let mut next = vec![subject];
    while let Some(child) = next.pop() {
        for edge in graph.edges.iter().filter(|e| e.child == child && e.relation != Relation::TrainedOnData) {
            if edge.parent != subject && !bases.contains(&edge.parent) {
                bases.push(edge.parent);
                next.push(edge.parent);
            }
        }
    }
    let claims = std::mem::take(&mut graph.works[subject].claims);
    for claim in claims {
        let copied = license(&claim).filter(|i| {
            let id = &catalog.licenses[*i].id;
            claim.basis == Basis::Recognized
                && !claim.altered
                && !declared.contains(&Some(*i))
                && is_named_for(&claim.evidence.file, id)
        });
        let stands_under = |w: &&usize| graph.works[**w].claims.iter().any(|c| license(c) == copied);
        let of = bases.iter().filter(|_| copied.is_some()).find(stands_under).copied();
        graph.works[of.unwrap_or(subject)].claims.push(claim);
    }
}

/// `LICENSE-gemma.txt` is named for `gemma`; `LICENSE` is named for nothing.
fn is_named_for(file: &str, license: &str) -> bool {
    let fold = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    fold(file.rsplit('/').next().unwrap_or(file)).contains(&fold(license))
}

/// As if we had made the model anew on another base: its own statements and its other bases fall away.
fn swap_base(graph: &mut Graph, base: &str) {
    let subject = graph.subject;
    graph.works[subject].claims.clear();
    graph.works[subject].made_by = Some(MadeBy::Organization);
    let relation =
        graph.edges.iter().find(|e| e.child == subject && !e.is_loop()).map_or(Relation::Finetune, |e| e.relation);
    graph.edges.retain(|e| e.child != subject || e.relation == Relation::TrainedOnData);
    let evidence = Evidence::stated("--swap-base");
    let parent = freehold_lineage::work_index(graph, base, &evidence);
    freehold_lineage::link(graph, subject, parent, relation, evidence);
}

fn subject(files: &ModelFiles<'_>) -> Subject {
    let first = |kind: FactKind| files.facts.iter().find(|f| f.kind == kind).map(|f| f.value.as_str());
    let mut kind = Vec::new();
    if let Some(adapter) = first(FactKind::AdapterType) {
        kind.push(if adapter.eq_ignore_ascii_case("lora") {
            "LoRA adapter".into()
        } else {
            format!("{adapter} adapter")
        });
    } else if first(FactKind::MergeMethod).is_some() {
        kind.push("merge".to_string());
    }
    kind.extend(first(FactKind::Format).filter(|_| kind.is_empty()).map(str::to_string));
    kind.extend(first(FactKind::Quantization).map(str::to_string));
    kind.extend(first(FactKind::SizeLabel).map(str::to_string));
    Subject {
        id: files.root_name.to_string(),
        path: files.path.to_string(),
        kind: kind.join(", "),
        bytes_total: files.bytes_total,
        bytes_read: files.bytes_read,
        files: files.files,
        components: 0,
        place: String::new(),
        digests: files.facts.iter().filter(|f| f.kind == FactKind::Sha256).map(|f| f.value.clone()).collect(),
        ..Subject::default()
    }
}

/// What the files show besides their licenses: code that runs on loading, gates, unpinned and contradicted bases.
fn findings(files: &ModelFiles<'_>, graph: &Graph, catalog: &Catalog) -> Vec<Finding> {
    let id = &graph.works[graph.subject].id;
    let all = |kind: FactKind| files.facts.iter().filter(move |f| f.kind == kind).collect::<Vec<_>>();
    let finding = |code, detail: String, of: &[&Fact]| Finding {
        code,
        work: id.clone(),
        detail,
        evidence: of.iter().map(|f| f.evidence.clone()).collect(),
        resemblance: None,
    };
    let mut out = Vec::new();
    let remote = all(FactKind::RemoteCode);
    if let Some(first) = remote.first() {
        out.push(finding(
            FindingCode::RemoteCode,
            format!("`{}` is run when the model is loaded", first.value),
            &remote,
        ));
    }
    let is_pickle = |f: &&Fact| f.value.contains("pickle") || matches!(f.value.as_str(), "pytorch" | "joblib");
    let pickled: Vec<&Fact> = all(FactKind::Format).into_iter().filter(is_pickle).collect();
    if let Some(first) = pickled.first() {
        out.push(finding(FindingCode::PickleCode, format!("`{}` is a pickle", first.evidence.file), &pickled));
    }
    let gates = all(FactKind::Gated);
    if !gates.is_empty() {
        out.push(finding(
            FindingCode::GatedTermsNotAccepted,
            "the card asks for acceptance of terms before download".into(),
            &gates,
        ));
    }
    let bases = all(FactKind::AdapterBase);
    if !bases.is_empty() && all(FactKind::AdapterRevision).is_empty() {
        out.push(finding(
            FindingCode::UnpinnedRevision,
            format!("`{}` is named without a revision", bases[0].value),
            &bases,
        ));
    }
    let named = all(FactKind::BaseModel);
    let contradicts = |a: &&&Fact| !named.is_empty() && !named.iter().any(|n| same_model(&a.value, &n.value, catalog));
    if let Some(a) = bases.iter().find(contradicts) {
        let detail = format!("the adapter's config names `{}`, the card `{}`", a.value, named[0].value);
        out.push(finding(FindingCode::BaseModelContradicted, detail, &[a, named[0]]));
    }
    out.extend(undeclared_base(files.facts, graph, catalog));
    out
}

/// True where two names are one model, also through a re-upload's name; a local path says nothing either way.
pub(crate) fn same_model(a: &str, b: &str, catalog: &Catalog) -> bool {
    let local = |id: &str| !freehold_lineage::is_repository_id(id);
    local(a) || local(b) || canonical(a, catalog) == canonical(b, catalog)
}

/// The name that all names of a known model come to, in lower case; any other name in lower case.
pub(crate) fn canonical(id: &str, catalog: &Catalog) -> String {
    match catalog.models.resolve(id) {
        Some(Known::Id(rows)) => rows.first().map_or(id.to_lowercase(), |r| r.id.to_lowercase()),
        Some(Known::Reupload { model, .. }) => model.to_lowercase(),
        None => id.to_lowercase(),
    }
}

fn not_read(files: &ModelFiles<'_>, graph: &Graph) -> Vec<String> {
    let mut out = Vec::new();
    if !files.facts.iter().any(|f| f.kind == FactKind::Dataset) {
        out.push("training data: no file names any".to_string());
    }
    for work in unknown_works(graph) {
        out.push(format!("{}: named as a base, and not in the catalog", work.id));
    }
    out
}

/// A text file of a release: path below its root, and content.
#[derive(Clone, Debug)]
pub struct ReleaseFile {
    /// Path below the release's root.
    pub path: String,
    /// Content.
    pub text: String,
}

/// Reads off a release what meets the duties that any license of the catalog may ask for.
pub fn read_release(files: &[ReleaseFile], index: &Index<'_>, catalog: &Catalog) -> Release {
    let mut release = Release::default();
    let mut add = |kind: &str, what: &str| {
        let notice = Notice { kind: kind.into(), what: what.into() };
        if !release.notices.contains(&notice) {
            release.notices.push(notice);
        }
    };
    // somebody else's license, word for word, is no agreement of our own, whatever its file is called
    let mut copies = Vec::new();
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path).to_ascii_lowercase();
        let legal = ["license", "licence", "copying", "notice", "third", "eula", "terms", "agreement", "legal"];
        if legal.iter().any(|l| name.contains(l)) {
            copies.extend(license_copies(&file.text, index, catalog, &mut add).then_some(file.path.as_str()));
        }
        if name.starts_with("notice") {
            notice_texts(&file.text, catalog, &mut add);
        }
        let names_a_holder = || file.text.to_lowercase().contains("copyright") && !has_blank_holder(&file.text);
        if legal.iter().any(|l| name.contains(l)) && names_a_holder() {
            add("notices-retained", "");
        }
        if states_changes(&name, &file.text) {
            add("change-notice", "");
        }
        if let Some(place) = place(&name, &file.text) {
            add(place, &file.text);
        }
    }
    for file in files.iter().filter(|f| !copies.contains(&f.path.as_str())) {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path).to_ascii_lowercase();
        if ["eula", "terms", "agreement"].iter().any(|l| name.contains(l)) {
            release.unsure.push(Notice { kind: "own-license-with-restrictions".into(), what: file.path.clone() });
        }
    }
    release
}

/// Tells the licenses whose text stands there; true where that is all that stands there.
fn license_copies(text: &str, index: &Index<'_>, catalog: &Catalog, add: &mut impl FnMut(&str, &str)) -> bool {
    let id = identify(index, text, Limits::default());
    let whole = (id.matched == Match::Exact).then_some(id.edition.as_deref()).flatten();
    let parts = id.parts.iter().filter(|p| p.matched == Match::Exact).map(|p| p.edition.as_str());
    for edition in whole.into_iter().chain(parts) {
        let license = catalog.license_of_edition(edition).map_or(edition, |(i, _)| catalog.licenses[i].id.as_str());
        add("license-copy", license);
    }
    whole.is_some()
}

/// The prescribed notice of a license is met where all its words stand in the file.
fn notice_texts(text: &str, catalog: &Catalog, add: &mut impl FnMut(&str, &str)) {
    let shown = fold(text);
    for license in &catalog.licenses {
        for term in &license.terms {
            let Effect::Duty(duty) = &term.effect else { continue };
            let Some(words) = duty.text.as_deref().filter(|_| duty.code == "notice-file") else { continue };
            if shown.contains(&fold(words)) {
                add("notice-file", &license.id);
            }
        }
    }
}

fn fold(text: &str) -> String {
    let plain = |c: char| match c {
        '“' | '”' => '"',
        '‘' | '’' => '\'',
        c => c,
    };
    let text: String = text.chars().map(plain).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn states_changes(name: &str, text: &str) -> bool {
    let named = ["changes", "changelog", "modifications", "notice"].iter().any(|n| name.starts_with(n));
    let text = text.to_lowercase();
    named && ["modified", "changed", "fine-tuned", "finetuned", "quantized", "merged"].iter().any(|w| text.contains(w))
}

/// Where a reader sees a file, for words that must be shown there.
fn place(name: &str, text: &str) -> Option<&'static str> {
    if ["readme", "model-card"].iter().any(|n| name.starts_with(n))
        && text.trim_start_matches('\u{feff}').starts_with("---")
    {
        Some("model-card")
    } else if name.starts_with("about") {
        Some("about")
    } else if name.ends_with(".html") || name.ends_with(".htm") {
        Some("website")
    } else if [".md", ".txt", ".rst", ".adoc"].iter().any(|e| name.ends_with(e)) && !name.starts_with("license") {
        Some("docs")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(root_name: &str, facts: &[(FactKind, &str)]) -> (Graph, Vec<&'static str>) {
        let catalog = freehold_law::shared();
        let fact = |(kind, value): &(FactKind, &str)| Fact {
            kind: *kind,
            value: (*value).to_string(),
            evidence: Evidence::stated("README.md"),
        };
        let facts: Vec<Fact> = facts.iter().map(fact).collect();
        let described = Described { root_name, facts: &facts, ..Described::default() };
        let (mut graph, mut diagnostics) = describe(&described, catalog);
        diagnostics.extend(complete(&mut graph, catalog, "2026-11-24"));
        (graph, diagnostics.into_iter().map(|d| d.code).collect())
    }

    fn steps(graph: &Graph) -> Vec<(&str, &str)> {
        graph.edges.iter().map(|e| (graph.works[e.child].id.as_str(), graph.works[e.parent].id.as_str())).collect()
    }

    #[test]
    fn a_model_named_as_its_own_base_keeps_that_step_and_its_other_parents() {
        let itself = [(FactKind::BaseModel, "Acme/bot"), (FactKind::AdapterBase, "acme/bot")];
        let (found, codes) = graph("acme/bot", &itself);
        assert_eq!((steps(&found), codes), (vec![("acme/bot", "acme/bot")], vec!["base-is-itself"]));
        assert!(!found.has_parent(0));
        // what names no base otherwise is still looked at
        let (found, _) = graph("acme/bot", &[itself[0], (FactKind::NameOrPath, "acme/elder")]);
        assert_eq!(steps(&found), [("acme/bot", "acme/bot"), ("acme/bot", "acme/elder")]);
        // and so is what the catalog knows of the name
        let (unsloth, id) = ("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", "meta-llama/Llama-3.1-8B-Instruct");
        let (found, _) = graph(unsloth, &[(FactKind::BaseModel, unsloth)]);
        assert!(
            steps(&found).contains(&(unsloth, unsloth)) && steps(&found).contains(&(unsloth, id)),
            "{:?}",
            steps(&found)
        );
    }

    #[test]
    fn where_a_config_was_saved_is_no_loop() {
        let (found, codes) = graph("acme/bot", &[(FactKind::NameOrPath, "acme/bot"), (FactKind::Name, "bot")]);
        assert_eq!((steps(&found), codes), (Vec::new(), Vec::new()));
    }
}
