//! `freehold tune`: the gate before a training, whoever trains; and the studio's way from a recipe to a bundle.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_assess::{Certainty, Deployment, Finding, FindingCode, Status};
use freehold_base::{Basis, Claim, Diagnostic, Evidence, Graph, MadeBy, Relation, Verdict, Work, WorkKind, shown};
use freehold_catalog::Catalog;
use freehold_check::{
    Dossier, NamedWork, Parts, Recipe, Subject, complete_graph, composed, judge, link, named_work, recipe, work_index,
};
use freehold_reference::{Data, Method, Named, Trainer, Training, Use, listed, training};

use super::{check, policy, prepare, print, report, style};
use crate::context::{all, get};
use crate::exit::{self, FailOn};
use crate::load::{Loaded, Run};

/// The word for a dataset of the organization's own.
const OWN: &str = "own";
/// Longest list of datasets that is read, in bytes.
const LIST_BYTES_MAX: u64 = 16 << 20;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    match matches.subcommand() {
        Some(("gate", m)) => gate(m, catalog),
        Some((other @ ("plan" | "export" | "sweep" | "job"), m)) => studio(other, m),
        _ => train(matches, catalog),
    }
}

/// What the studio does alone: its own words are passed on as they were typed.
fn studio(command: &str, matches: &ArgMatches) -> u8 {
    let Some(program) = crate::press::helper("freehold-studio") else {
        report(&[no_studio()]);
        return exit::INTERNAL;
    };
    let words = all(matches, "words");
    match std::process::Command::new(program).arg(command).args(words).status() {
        Ok(status) => status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(exit::INTERNAL),
        Err(e) => {
            report(&[Diagnostic::error("no-studio", format!("freehold-studio does not start: {}", e.kind()))]);
            exit::INTERNAL
        }
    }
}

fn no_studio() -> Diagnostic {
    Diagnostic::error("no-studio", "this needs freehold-studio, which is not beside freehold nor on PATH")
        .help("cargo build --release --package freehold-studio builds it beside freehold")
}

/// `freehold tune gate`.
fn gate(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let (run, policy) = (prepare(matches, catalog), policy::load(matches, catalog));
    let (run, policy) = match (run, policy) {
        (Ok(run), Ok(policy)) => (run, policy),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let mut loaded = Loaded::default();
    let mut plans = Vec::new();
    let own = all(matches, "data-license");
    for file in all(matches, "what") {
        match plan(file, &own, &run) {
            Ok((plan, dossier)) => {
                plans.push(plan);
                loaded.dossiers.push(*dossier);
            }
            Err(Refused { unreadable: true, said }) => loaded.unreadable.extend(said),
            Err(Refused { said, .. }) => loaded.mistakes.extend(said),
        }
    }
    if get(matches, "format").unwrap_or("human") == "human" {
        plans.iter().for_each(|lines| print(lines));
    }
    // a name is chosen now, not when it goes out
    let mut lacking = Vec::new();
    for d in &loaded.dossiers {
        if let Some(prefix) = prefix_lacking(d) {
            let name = d.graph.works[d.graph.subject].name.as_deref().unwrap_or(&d.subject.id);
            let message = format!("the name must begin with “{prefix}”; it is “{name}”");
            lacking.push(Diagnostic::error("tune-name", message).in_file(d.subject.path.as_str()));
        }
    }
    let code = check::finish(matches, &loaded, &run, policy.as_ref());
    report(&lacking);
    let counts = FailOn::parse(all(matches, "fail-on").into_iter()).blocked;
    if code == exit::CLEAR && counts && !lacking.is_empty() { exit::BLOCKED } else { code }
}

/// Why a configuration is not judged.
pub(crate) struct Refused {
    pub(crate) unreadable: bool,
    pub(crate) said: Vec<Diagnostic>,
}

impl From<Diagnostic> for Refused {
    fn from(d: Diagnostic) -> Refused {
        Refused { unreadable: d.code == "unreadable" || d.code == "not-a-file", said: vec![d] }
    }
}

/// What a configuration plans, in lines, and the model that would come out, judged.
fn plan<'c>(file: &str, own: &[&str], run: &Run<'c>) -> Result<(String, Box<Dossier<'c>>), Refused> {
    let (training, deployment) = read(file, run)?;
    let dossier = planned(file, &training, own, deployment, run);
    Ok((lines(file, &training), Box::new(dossier)))
}

/// The model that the file at `path` plans, judged; `None` where it plans none.
pub(crate) fn planned_at<'c>(path: &str, run: &Run<'c>) -> Option<Result<Dossier<'c>, Refused>> {
    let ending = Path::new(path).extension()?.to_str()?.to_ascii_lowercase();
    if !Path::new(path).is_file() || !["yml", "yaml", "json", "py", "ipynb", "toml"].contains(&ending.as_str()) {
        return None;
    }
    let text = text(Path::new(path)).ok()?;
    match ending.as_str() {
        "toml" if !is_recipe(&text) => return None,
        "toml" => {}
        _ => {
            training(path, &text).ok()?;
        }
    }
    Some(plan(path, &[], run).map(|(_, dossier)| *dossier))
}

/// True for a recipe rather than a case: it has a base and no subject.
fn is_recipe(text: &str) -> bool {
    let has = |table: &str| text.lines().any(|l| l.trim() == table);
    has("[base]") && !has("[subject]")
}

/// Reads a configuration; of a recipe the deployment too.
fn read(file: &str, run: &Run<'_>) -> Result<(Training, Deployment), Refused> {
    let path = Path::new(file);
    let text = text(path)?;
    if path.extension().is_some_and(|e| e == "toml") {
        let (recipe, deployment) = read_recipe(file, &text, run)?;
        return Ok((of_recipe(file, &recipe), deployment));
    }
    let yaml = !path.extension().is_some_and(|e| e == "py" || e == "ipynb" || e == "json");
    if let Some((message, at)) = yaml.then(|| freehold_artifact::yaml_error(&text)).flatten() {
        let d = Diagnostic::error("broken-yaml", format!("not YAML: {message}")).at(file, &text, at, at);
        return Err(d.help("nothing is judged that may have been read wrongly: mend it and ask again").into());
    }
    let mut training = training(file, &text)?;
    resolve_listed(path, &mut training);
    Ok((training, run.deployment.clone()))
}

/// A recipe, and the facts that it states between those of files and those of flags.
pub(crate) fn read_recipe(file: &str, text: &str, run: &Run<'_>) -> Result<(Recipe, Deployment), Refused> {
    let mut deployment = run.deployment.clone();
    let (found, mistakes) = recipe(file, text, run.catalog, &mut deployment);
    for (id, _) in run.catalog.facts.iter() {
        if let Some(value) = run.stated.get(id) {
            deployment.set(run.catalog, id, Some(value.clone()));
        }
    }
    match found.filter(|_| mistakes.is_empty()) {
        Some(found) => Ok((found, deployment)),
        None => Err(Refused { unreadable: false, said: mistakes }),
    }
}

fn text(path: &Path) -> Result<String, Refused> {
    let limit = u64::try_from(freehold_reference::TRAINING_BYTES_MAX).unwrap_or(u64::MAX);
    Ok(bounded(path, limit)?)
}

/// The text of a regular file of a bounded size.
#[expect(clippy::result_large_err, reason = "once a run")]
pub(crate) fn bounded(path: &Path, limit: u64) -> Result<String, Diagnostic> {
    let name = path.display().to_string();
    let wrong = |code, message: String| Diagnostic::error(code, message).in_file(name.clone());
    let unreadable = |e: std::io::Error| wrong("unreadable", format!("cannot be read: {e}"));
    let found = std::fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err(wrong("not-a-file", "not a regular file".into()));
    }
    if found.len() > limit {
        return Err(wrong("file-too-large", format!("a file of {} bytes; the limit is {limit}", found.len())));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        wrong("not-utf8", format!("not UTF-8 from byte {at} on"))
    })
}

/// A recipe as every other configuration.
fn of_recipe(file: &str, recipe: &Recipe) -> Training {
    let at = |key: &str, line: u32| Evidence { key: key.into(), line: Some(line), ..Evidence::stated(file) };
    let named = |text: &str, key: &str, line| Named {
        text: text.into(),
        revision: None,
        unread: false,
        evidence: at(key, line),
    };
    let base = &recipe.base;
    let data = recipe.datasets.iter().map(|d| Data {
        named: named(&d.path, "dataset.path", d.line),
        listed: false,
        license: d.license.clone().filter(|l| l != OWN),
        generated_by: d.generated_by.iter().map(|g| named(g, "dataset.generated_by", d.line)).collect(),
        own: d.license.as_deref() == Some(OWN),
    });
    Training {
        trainer: Trainer::Recipe,
        method: Method::Adapter,
        output: Some(named(&recipe.name, "name", recipe.line)),
        models: vec![(Use::Base, named(base.model.as_deref().unwrap_or(&base.path), "base.path", base.line))],
        base_license: base.license.clone(),
        datasets: data.collect(),
        remote_code: None,
        list_folder: None,
        truncated: false,
    }
}

/// Names out of LLaMA-Factory's list become what the list says they are, where the list is at hand.
fn resolve_listed(path: &Path, training: &mut Training) {
    let Some(folder) = &training.list_folder else { return };
    let list = beside(path, folder).join("dataset_info.json");
    // its own runs begin in the folder above the configurations, so the list may lie there
    let above = path.parent().map(|p| p.join("..").join(folder).join("dataset_info.json"));
    let found = [Some(list), above, Some(Path::new(folder).join("dataset_info.json"))];
    let Some(info) = found.into_iter().flatten().find_map(|p| bounded(&p, LIST_BYTES_MAX).ok()) else { return };
    for data in training.datasets.iter_mut().filter(|d| d.listed) {
        if let Some(real) = listed(&info, &data.named.text) {
            (data.named.text, data.listed) = (real, false);
        }
    }
}

/// A path as the configuration at `file` means it.
fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(path)
}

/// Where a path of a configuration lies: beside it, or where the run is.
fn lies(file: &Path, path: &str) -> Option<PathBuf> {
    let looks = !path.is_empty() && !path.contains("://");
    [beside(file, path), PathBuf::from(path)].into_iter().find(|p| looks && p.exists())
}

/// What the configuration plans, a sentence a line.
fn lines(file: &str, t: &Training) -> String {
    let of = |n: &Named| match n.evidence.line {
        Some(line) => format!("{} (line {line})", n.text),
        None => n.text.clone(),
    };
    let list = |all: Vec<String>| all.join(", ");
    let used = |wanted: Use| list(t.models.iter().filter(|(u, _)| *u == wanted).map(|(_, n)| of(n)).collect());
    let verb = match t.method {
        Method::Adapter => "trains an adapter for",
        Method::Finetune => "fine-tunes",
        Method::Merge => "merges",
    };
    let mut out = format!("{file}: {} {verb} {}", t.trainer.name(), used(Use::Base));
    for (word, what) in [("with", used(Use::Adapter)), ("on the outputs of", used(Use::Teacher))] {
        if !what.is_empty() {
            out.push_str(&format!(" {word} {what}"));
        }
    }
    let data = list(t.datasets.iter().map(|d| of(&d.named)).collect());
    out.push_str(&if data.is_empty() { String::new() } else { format!("\n  on {data}") });
    match &t.output {
        Some(o) => out.push_str(&format!("\n  into {}", of(o))),
        None => out.push_str("\n  into a model that it does not name (--name says how it will be called)"),
    }
    format!("{}\n\n", shown(&out))
}

/// Its name, where the place says what it will be called: an id on a hub, a recipe's name. A folder's name is none.
fn name_of(t: &Training) -> Option<String> {
    let output = t.output.as_ref().filter(|o| !o.unread)?;
    let key = output.evidence.key.rsplit('.').next().unwrap_or_default();
    let says = ["hub_model_id", "export_hub_model_id", "name", "repo_id", "argument"].contains(&key);
    let own = output.text.rsplit('/').next().unwrap_or_default();
    let folder = output.text.starts_with(['.', '/']);
    (says && !own.is_empty() && !folder).then(|| own.to_string())
}

/// The model that would come out, judged.
fn planned<'c>(file: &str, t: &Training, said: &[&str], deployment: Deployment, run: &Run<'c>) -> Dossier<'c> {
    let path = Path::new(file);
    let mut diagnostics = Vec::new();
    let mut findings = Vec::new();
    let mut parts: Vec<(Graph, Relation, Evidence)> = Vec::new();
    for (used, named) in &t.models {
        let relation = match (used, t.method) {
            (Use::Adapter, Method::Merge) => Relation::Merge,
            (Use::Base, Method::Merge) => Relation::Merge,
            (Use::Base, Method::Finetune) => Relation::Finetune,
            (Use::Base, Method::Adapter) => Relation::Adapter,
            (Use::Adapter, _) => Relation::Finetune,
            (Use::Teacher, _) => Relation::Distilled,
        };
        let mut graph = model(path, named, run, &mut diagnostics);
        // a declaration, as a tag is: it displaces neither the publisher's terms nor a text that lies there
        if let Some(license) = t.base_license.as_ref().filter(|_| parts.is_empty()) {
            let work = &mut graph.works[graph.subject];
            let own = license == OWN;
            work.made_by = Some(if own && !work.known { MadeBy::Organization } else { MadeBy::ThirdParty });
            if !own {
                work.claims.push(Claim::new(license.clone(), Basis::Declared, named.evidence.clone()));
            }
        }
        parts.push((graph, relation, named.evidence.clone()));
    }
    for (base, _) in &run.said.parents {
        let evidence = Evidence::stated("--base");
        let named = Named { text: base.clone(), revision: None, unread: false, evidence: evidence.clone() };
        let relation = if t.method == Method::Adapter { Relation::Adapter } else { Relation::Finetune };
        parts.push((model(path, &named, run, &mut diagnostics), relation, evidence));
    }
    for data in &t.datasets {
        parts.push((
            dataset(path, data, said, run, &mut diagnostics),
            Relation::TrainedOnData,
            data.named.evidence.clone(),
        ));
    }
    if t.truncated {
        diagnostics.push(
            Diagnostic::warning("cut-short", "a limit cut the reading short: more may be used than is told")
                .in_file(file),
        );
    }
    if let (Some(at), Some((_, base))) = (&t.remote_code, t.models.first()) {
        findings.push(Finding {
            code: FindingCode::RemoteCode,
            work: base.text.clone(),
            detail: format!("the configuration lets code out of {} run (trust_remote_code)", base.text),
            evidence: vec![at.clone()],
            resemblance: None,
        });
    }
    let name = run.said.name.clone().or_else(|| name_of(t));
    let id = t.output.as_ref().filter(|o| !o.unread).map_or_else(|| file.to_string(), |o| o.text.clone());
    // the same name would make a loop of what is made and what it is made from
    let taken = parts.iter().any(|(g, ..)| g.works[g.subject].id == id);
    let id = if taken { format!("{id} (planned)") } else { id };
    for (g, _, evidence) in &parts {
        let work = &g.works[g.subject];
        let silent =
            work.kind == WorkKind::Dataset && work.made_by != Some(MadeBy::Organization) && work.claims.is_empty();
        if silent {
            findings.push(Finding {
                code: FindingCode::MissingLicense,
                work: work.id.clone(),
                detail: format!("nothing says under what license the dataset `{}` stands", work.id),
                evidence: vec![evidence.clone()],
                resemblance: None,
            });
        }
    }
    let borrowed: Vec<_> = parts.iter().map(|(g, r, e)| (g, *r, e.clone())).collect();
    let mut graph = composed(&id, Some(MadeBy::Organization), &borrowed);
    graph.works[0].name = name;
    let subject = Subject {
        id,
        path: file.to_string(),
        kind: format!("planned in {}'s configuration", t.trainer.name()),
        place: crate::house::place(run.home.as_deref(), file, ""),
        ..Subject::default()
    };
    let parts = Parts {
        subject,
        graph,
        deployment,
        outgoing: run.outgoing.clone(),
        made_by: None,
        diagnostics,
        not_read: Vec::new(),
        as_of: run.as_of.clone(),
        findings,
        house: run.house.clone(),
    };
    judge(parts, run.catalog)
}

/// What a value that cannot be read means for the answer.
fn unread(named: &Named, what: &str, diagnostics: &mut Vec<Diagnostic>) {
    let line = named.evidence.line.map(|l| format!(":{l}")).unwrap_or_default();
    let message =
        format!("`{}` names {what} through a variable or an expression that the file does not settle", named.text);
    diagnostics.push(
        Diagnostic::warning("unread-value", message)
            .in_file(format!("{}{line}", named.evidence.file))
            .help("write the id or path out, or say it with --base"),
    );
}

/// A model that is used: the folder where it lies beside the configuration, else what the catalog knows of its name.
fn model(file: &Path, named: &Named, run: &Run<'_>, diagnostics: &mut Vec<Diagnostic>) -> Graph {
    if named.unread {
        unread(named, "a model", diagnostics);
    }
    if let Some(folder) = lies(file, &named.text).filter(|_| !named.unread) {
        let mut wrong = Vec::new();
        let here = crate::assembly::files(&folder, &named.evidence, run, &mut wrong);
        diagnostics.extend(wrong);
        if let Some((dossier, _)) = here.into_iter().next() {
            diagnostics.extend(dossier.diagnostics);
            return dossier.graph;
        }
        let d = Diagnostic::warning("nothing-found", "no model was found here").in_file(folder.display().to_string());
        diagnostics.push(d);
    }
    let work = NamedWork {
        id: named.text.clone(),
        kind: WorkKind::Model,
        unresolved: named.unread,
        evidence: named.evidence.clone(),
    };
    let (graph, said) = named_work(&work, run.catalog, &run.as_of);
    diagnostics.extend(said);
    graph
}

/// A dataset: what the configuration, `--data-license` and its own card say of it.
fn dataset(file: &Path, data: &Data, said: &[&str], run: &Run<'_>, diagnostics: &mut Vec<Diagnostic>) -> Graph {
    let named = &data.named;
    if named.unread {
        unread(named, "a dataset", diagnostics);
    }
    let mut work = Work::named(&named.text, named.evidence.clone());
    work.kind = WorkKind::Dataset;
    work.made_by = Some(MadeBy::ThirdParty);
    let told = said.iter().filter_map(|s| s.split_once('=')).find(|(name, _)| *name == named.text).map(|(_, l)| l);
    let license = told.filter(|l| *l != OWN).map(str::to_string).or_else(|| data.license.clone());
    if data.own || told == Some(OWN) {
        work.made_by = Some(MadeBy::Organization);
    }
    match license {
        Some(license) => work.claims.push(Claim::new(license, Basis::Declared, named.evidence.clone())),
        None => work.claims.extend(card_license(file, &named.text)),
    }
    let mut graph = Graph { works: vec![work], edges: Vec::new(), subject: 0 };
    for by in &data.generated_by {
        let parent = work_index(&mut graph, &by.text, &by.evidence);
        graph.works[parent].made_by = Some(MadeBy::ThirdParty);
        link(&mut graph, 0, parent, Relation::OutputsOf, by.evidence.clone());
    }
    if !named.unread {
        diagnostics.extend(complete_graph(&mut graph, run.catalog, &run.as_of));
        // what the catalog knows by its publisher is not the organization's own
        if graph.works[0].known {
            graph.works[0].made_by = Some(MadeBy::ThirdParty);
        }
    }
    graph
}

/// What a card in the dataset's folder says of its license.
fn card_license(file: &Path, path: &str) -> Vec<Claim> {
    let Some(folder) = lies(file, path).filter(|p| p.is_dir()) else { return Vec::new() };
    let card = folder.join("README.md");
    let Ok(text) = bounded(&card, 4 << 20) else { return Vec::new() };
    let at = Evidence { key: "license".into(), ..Evidence::stated(card.display().to_string()) };
    let all = freehold_artifact::card_values(&text, "license");
    all.into_iter().map(|l| Claim::new(l, Basis::Declared, at.clone())).collect()
}

/// What a recipe asks for, judged.
struct Asked<'c> {
    recipe: Recipe,
    dossier: Dossier<'c>,
}

/// `freehold tune RECIPE`: gate, training, merge, GGUF, bundle, check.
fn train(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let file = get(matches, "recipe").unwrap_or_default();
    let run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let asked = match ask(file, &run) {
        Ok(asked) => asked,
        Err(refused) => {
            report(&refused.said);
            return if refused.unreadable { exit::UNREADABLE } else { exit::USAGE };
        }
    };
    let Some(studio) = crate::press::helper("freehold-studio") else {
        report(&[no_studio()]);
        return exit::INTERNAL;
    };
    print(&freehold_documents::screen(&asked.dossier, style()));
    print("\n");
    if let Some(refusal) = refusal(file, &asked) {
        report(&[refusal]);
        return exit::BLOCKED;
    }
    let folder = match out_folder(file, &asked.recipe) {
        Ok(folder) => folder,
        Err(d) => {
            report(&[d]);
            return exit::USAGE;
        }
    };
    let prepared = write_beside(&folder, &asked, &run);
    let about = match prepared {
        Ok(about) => about,
        Err(d) => {
            report(&[d]);
            return exit::UNREADABLE;
        }
    };
    let mut command = std::process::Command::new(studio);
    // memory that one step gives back the next one takes: handing it to the system in between costs a twentieth of the time
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        command.env("MIMALLOC_PURGE_DELAY", "-1");
    }
    command.arg("train").arg(file).arg("--about").arg(about);
    if matches.get_flag("restart") {
        command.arg("--restart");
    }
    if let Some(threads) = get(matches, "threads") {
        command.args(["--threads", threads]);
    }
    match command.status() {
        Ok(status) if status.success() => {}
        // its own mistakes are told already
        Ok(status) => return if status.code() == Some(2) { exit::USAGE } else { exit::UNREADABLE },
        Err(e) => {
            report(&[Diagnostic::error("no-studio", format!("freehold-studio does not start: {}", e.kind()))]);
            return exit::INTERNAL;
        }
    }
    bundle(matches, catalog, &folder, &asked, &run)
}

/// The recipe and what it plans.
fn ask<'c>(file: &str, run: &Run<'c>) -> Result<Asked<'c>, Refused> {
    let text = text(Path::new(file))?;
    let (recipe, deployment) = read_recipe(file, &text, run)?;
    let dossier = planned(file, &of_recipe(file, &recipe), &[], deployment, run);
    Ok(Asked { recipe, dossier })
}

/// Why a training does not begin: its result could not be used as is meant, or not under its name.
fn refusal(file: &str, asked: &Asked<'_>) -> Option<Diagnostic> {
    let d = &asked.dossier;
    if matches!(d.assessment.verdict, Verdict::Prohibited | Verdict::NeedsSeparateLicense) {
        let clause = d.assessment.limits.first().map(|l| freehold_documents::limit_cite(d, l)).unwrap_or_default();
        let message = format!("not trained: what is planned is {}, {clause}", d.assessment.verdict.as_str());
        let help = "another base, other data or another use: freehold what-if shows what moves";
        return Some(
            Diagnostic::error("tune-blocked", message.trim_end_matches([',', ' ']).to_string())
                .in_file(file)
                .help(help),
        );
    }
    let prefix = prefix_lacking(d)?;
    let message = format!("not trained: the name must begin with “{prefix}”; it is “{}”", asked.recipe.name);
    let place = format!("{file}:{}", asked.recipe.line);
    Some(
        Diagnostic::error("tune-name", message)
            .in_file(place)
            .help(format!("name = \"{prefix}-{}\"", asked.recipe.name)),
    )
}

/// The prefix that the name of what is planned owes and lacks.
fn prefix_lacking<'d>(d: &'d Dossier<'_>) -> Option<&'d str> {
    let unmet = |o: &&freehold_assess::Obligation<'_>| {
        o.code.starts_with("name-prefix") && o.certainty == Certainty::Owed && o.status == Status::Unmet
    };
    let duty = d.assessment.obligations.iter().find(unmet)?;
    duty.sources.iter().find_map(|s| match &s.term.effect {
        freehold_catalog::Effect::Duty(d) => d.name_prefix.as_deref(),
        _ => None,
    })
}

/// Where the studio writes: `[output] folder`, else the recipe's name, beside the recipe.
#[expect(clippy::result_large_err, reason = "once a run")]
fn out_folder(file: &str, recipe: &Recipe) -> Result<PathBuf, Diagnostic> {
    let plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
    if !plain(&recipe.name) {
        let d = Diagnostic::error("bad-name", format!("`{}` cannot be a folder's name", shown(&recipe.name)));
        return Err(d.in_file(file).help("files are called after it: letters, digits, -, _ and ."));
    }
    Ok(beside(Path::new(file), recipe.folder.as_deref().unwrap_or(&recipe.name)))
}

/// Writes what the studio and later steps are told: the keys of the GGUF, the deployment, the decision.
#[expect(clippy::result_large_err, reason = "once a run")]
fn write_beside(folder: &Path, asked: &Asked<'_>, run: &Run<'_>) -> Result<PathBuf, Diagnostic> {
    let inside = folder.join("run");
    let wrong = |path: &Path, e: std::io::Error| {
        Diagnostic::error("unwritable", format!("cannot be written: {}", e.kind())).in_file(path.display().to_string())
    };
    std::fs::create_dir_all(&inside).map_err(|e| wrong(&inside, e))?;
    let keys = freehold_comply::new_keys(&identity_of(asked));
    let value = |v: &freehold_artifact::GgufValue| match v {
        freehold_artifact::GgufValue::Text(t) => serde_json::Value::from(t.as_str()),
        freehold_artifact::GgufValue::Number(n) => serde_json::Value::from(*n),
    };
    let keys: serde_json::Map<String, serde_json::Value> = keys.iter().map(|(k, v)| (k.clone(), value(v))).collect();
    let decision = freehold_wire::Assessment::of(&asked.dossier);
    let files = [
        ("about.json", serde_json::to_string_pretty(&keys).unwrap_or_default()),
        ("decision.json", serde_json::to_string_pretty(&decision).unwrap_or_default()),
        ("deployment.toml", crate::deployments::as_toml(&asked.dossier.deployment, run.catalog)),
    ];
    for (name, text) in &files {
        let path = inside.join(name);
        std::fs::write(&path, text).map_err(|e| wrong(&path, e))?;
    }
    Ok(inside.join("about.json"))
}

/// What is known of the model that comes out. Its license is the recipe's choice, else that of the one license that
/// binds it: whoever hands a derivative on does so under those terms.
fn identity_of(asked: &Asked<'_>) -> freehold_comply::Identity {
    let known = freehold_comply::identity(&asked.dossier);
    let governing = freehold_comply::governing(&asked.dossier);
    let (license, license_name, license_link) = match (&asked.recipe.license, governing.as_slice()) {
        (Some(chosen), _) => (Some(chosen.clone()), None, None),
        (None, [one]) => freehold_comply::tag_of(one),
        _ => (None, None, None),
    };
    // the merged file is a fine-tune; the adapter lies beside it
    let relation = Some("finetune".to_string());
    let mut bases = known.bases;
    // a base without an id on a hub is named too: whoever reads the card must not take the model for one from nothing
    if bases.is_empty() {
        bases.push(asked.recipe.base.model.clone().unwrap_or_else(|| asked.recipe.base.path.clone()));
    }
    let (name, datasets) = (Some(asked.recipe.name.clone()), known.datasets);
    freehold_comply::Identity { name, license, license_name, license_link, relation, bases, datasets }
}

/// What a person would add to the model's record and the recipe knows. Of data that is neither the organization's own
/// nor written by a model nothing says how it was acquired: it stands there to be completed.
fn record(asked: &Asked<'_>, measured: &serde_json::Value) -> String {
    let quoted = |t: &str| serde_json::Value::from(t).to_string();
    let mut out = String::from(
        "# for `freehold register set RECORD --from` this file\n[data]\nused = true\ncomplete = true\n\n[modification]\n",
    );
    // a frozen base: its own weights have no gradient, so at most the six of a full training, and the upper bound is what is told
    let (tokens, weights) = (measured["tokens"].as_u64(), measured["parameters"].as_u64());
    let method = match (tokens, weights) {
        (Some(tokens), Some(weights)) => {
            out.push_str(&format!("flop = \"6*{weights}*{tokens}\"\n"));
            format!(
                "architecture: at most 6 x {weights} parameters x {tokens} tokens; a low-rank adapter over a frozen base, merged"
            )
        }
        _ => "a low-rank adapter over a frozen base, trained and merged".into(),
    };
    out.push_str(&format!("method = {}\n", quoted(&method)));
    for (i, d) in asked.recipe.datasets.iter().enumerate() {
        let name = d.name.as_deref().unwrap_or(&d.path);
        let own = d.license.as_deref() == Some(OWN);
        let acquired = match (own, d.generated_by.is_empty()) {
            (_, false) => Some("synthetic"),
            (true, true) => Some("owned"),
            (false, true) => None,
        };
        let seen = &measured["data"][i];
        let personal = seen["personal"].as_object().is_some_and(|p| !p.is_empty());
        let license = d.license.as_deref().map_or("unknown", |l| if l == OWN { "proprietary" } else { l });
        let mut lines = vec![
            ("id", Some(name.to_string())),
            ("role", Some("train".into())),
            ("acquisition", acquired.map(str::to_string)),
            ("license", Some(license.to_string())),
            ("personal_data", Some(if personal { "personal" } else { "unknown" }.to_string())),
            ("source", d.source.clone()),
        ];
        if let Some(generator) = d.generated_by.first() {
            lines.push(("generator", Some(generator.clone())));
        }
        if let Some(rows) = seen["rows"].as_u64() {
            lines.push(("size", Some(format!("{rows} rows"))));
        }
        // an entry that lacks something is refused whole
        let mark = if acquired.is_none() { "# " } else { "" };
        out.push_str(&format!("\n{mark}[[datasets]]\n"));
        for (key, value) in lines {
            match value {
                Some(value) => out.push_str(&format!("{mark}{key} = {}\n", quoted(&value))),
                None if key == "acquisition" => {
                    out.push_str("# acquisition = \"licensed\", \"purchased\", \"public\", ...\n")
                }
                None => {}
            }
        }
    }
    out
}

/// What the studio reported.
fn measured(folder: &Path) -> serde_json::Value {
    std::fs::read(folder.join("run/report.json")).ok().and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default()
}

/// Runs another command of this program, as a user would type it.
fn run_command(catalog: &Catalog, words: &[&str]) -> u8 {
    let typed = std::iter::once("freehold").chain(words.iter().copied());
    match crate::cli::command(catalog).try_get_matches_from(typed) {
        Ok(matches) => match matches.subcommand() {
            Some(("comply", m)) => super::comply::run(m, catalog),
            Some(("check", m)) => check::run(m, catalog),
            Some(("bom", m)) => super::bom::run(m, catalog),
            Some(("register", m)) => super::register::run(m, catalog),
            _ => exit::INTERNAL,
        },
        Err(e) => {
            report(&[Diagnostic::error("internal", e.to_string())]);
            exit::INTERNAL
        }
    }
}

/// Card, notices, license copies, bill of materials, sums; then the bundle as `check` sees it.
fn bundle(matches: &ArgMatches, catalog: &Catalog, folder: &Path, asked: &Asked<'_>, run: &Run<'_>) -> u8 {
    let dir = folder.join("bundle");
    let text = |p: PathBuf| p.display().to_string();
    let (bundle, deployment) = (text(dir.clone()), text(folder.join("run/deployment.toml")));
    let base = text(beside(Path::new(get(matches, "recipe").unwrap_or_default()), &asked.recipe.base.path));
    let record = folder.join("run/record.toml");
    let written = std::fs::write(dir.join("README.md"), card(folder, asked));
    let written = written.and_then(|()| std::fs::write(&record, self::record(asked, &measured(folder))));
    if let Err(e) = written {
        report(&[Diagnostic::error("unwritable", format!("cannot be written: {}", e.kind())).in_file(bundle)]);
        return exit::UNREADABLE;
    }
    let texts = get(matches, "texts").map_or(base, str::to_string);
    let house: Vec<&str> = get(matches, "house").map(|h| vec!["--house", h]).unwrap_or_default();
    let as_of = run.as_of.as_str();
    let common = ["--use", deployment.as_str(), "--as-of", as_of];
    let with = |words: &[&str]| {
        let mut all: Vec<String> = words.iter().chain(&common).chain(&house).map(|w| w.to_string()).collect();
        all.push("--made-by=organization".into());
        all
    };
    let call = |words: &[&str]| {
        let all = with(words);
        run_command(catalog, &all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    print("\n");
    call(&["comply", &bundle, "--release", &bundle, "--name", &asked.recipe.name, "--texts", &texts]);
    let bom = text(dir.join("bom.cdx.json"));
    call(&["bom", &bundle, "--hash", "--out", &bom]);
    if let Err(e) = sums(&dir) {
        report(&[Diagnostic::error("unwritable", format!("SHA256SUMS cannot be written: {e}")).in_file(bundle)]);
        return exit::UNREADABLE;
    }
    if let Some(register) = get(matches, "register") {
        let who: Vec<&str> = get(matches, "as").map(|w| vec!["--as", w]).unwrap_or_default();
        // the adapter beside it is another model
        let model = text(dir.join("model.gguf"));
        let mut words = vec![
            "register",
            "add",
            &model,
            "--release",
            &bundle,
            "--register",
            register,
            "--called",
            &asked.recipe.name,
        ];
        words.extend(&who);
        if call(&words) == exit::CLEAR {
            let from = text(record);
            let mut words = vec!["register", "set", &asked.recipe.name, "--from", &from, "--register", register];
            words.extend(&who);
            run_command(catalog, &words);
        }
    }
    print("\n");
    let code = call(&["check", &bundle, "--release", &bundle, "--name", &asked.recipe.name]);
    // what the plan leaves open the bundle does not settle
    let planned = exit::of_dossier(&asked.dossier);
    if code == exit::CLEAR { planned } else { code }
}

/// The card: front matter from what is known, and what the studio measured.
fn card(folder: &Path, asked: &Asked<'_>) -> String {
    let identity = identity_of(asked);
    let mut out = String::from("---\n");
    for field in identity.card_fields(true) {
        match field.values.as_slice() {
            [one] if !field.list => out.push_str(&format!("{}: {one}\n", field.key)),
            many => {
                out.push_str(&format!("{}:\n", field.key));
                many.iter().for_each(|v| out.push_str(&format!("- {v}\n")));
            }
        }
    }
    out.push_str("library_name: gguf\npipeline_tag: text-generation\n---\n");
    let recipe = &asked.recipe;
    let base = recipe.base.model.as_deref().unwrap_or(&recipe.base.path);
    out.push_str(&format!("# {}\n\nA fine-tune of `{base}`: a low-rank adapter, trained by freehold, merged and quantized. The adapter alone is in `adapter/`.\n", recipe.name));
    let measured = measured(folder);
    out.push_str("\n## Training\n\n");
    for d in measured["data"].as_array().into_iter().flatten() {
        out.push_str(&format!(
            "- `{}`: {} rows, {} tokens, {} of them learned; SHA-256 `{}`\n",
            d["file"].as_str().unwrap_or_default(),
            d["rows"],
            d["tokens"],
            d["learned_tokens"],
            d["sha256"].as_str().unwrap_or_default()
        ));
    }
    let a = &measured["adapter"];
    out.push_str(&format!("- rank {}, {} steps\n", a["rank"], measured["steps"]));
    if let (Some(before), Some(after)) =
        (measured["evaluation"]["loss_before"].as_f64(), measured["evaluation"]["loss_after"].as_f64())
    {
        out.push_str(&format!(
            "\n## Evaluation\n\nLoss on {} rows held back: {before:.4} before, {after:.4} after.\n",
            measured["evaluation"]["rows"]
        ));
    }
    out.push_str("\n## Files\n\n");
    for f in measured["files"].as_array().into_iter().flatten() {
        out.push_str(&format!(
            "- `{}`: {}\n",
            f["file"].as_str().unwrap_or_default(),
            f["format"].as_str().unwrap_or_default()
        ));
    }
    out.push_str("\n`SHA256SUMS` lists every file; `bom.cdx.json` is the bill of materials. Run it with `llama-cli -m model.gguf` or `ollama create NAME -f Modelfile`.\n");
    out
}

/// SHA-256 of every file below a folder, in the form that `sha256sum --check` reads; written last.
fn sums(dir: &Path) -> std::io::Result<()> {
    let mut lines = std::collections::BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(name) = path.strip_prefix(dir) {
                let name = name.to_string_lossy().replace('\\', "/");
                if name != "SHA256SUMS" {
                    lines.insert(name, super::bom::sha256(&path)?);
                }
            }
        }
    }
    let text: String = lines.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    std::fs::write(dir.join("SHA256SUMS"), text)
}
