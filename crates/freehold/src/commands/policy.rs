//! `freehold policy`: the organization's own rules: written, checked, tried; and how `check` applies them.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_base::{Diagnostic, Severity, nearest};
use freehold_catalog::Catalog;
use freehold_check::{Dossier, Expectation, Scenario, case_from_toml, differences, judge, scenarios, set_difference};
use freehold_policy::{Outcome, Policy, PolicyFile, Severity as Counts, Situation, Waivers, default_text, outcome};

use super::{print, report, style};
use crate::context::{self, ORGANIZATION_FILE, all, find_organization_file, get, text_of};
use crate::exit;

/// The waivers, beside the policy's file.
const WAIVERS_FILE: &str = "freehold.waivers.toml";
/// Most files of scenarios of one run.
const SCENARIO_FILES_MAX: usize = 5_000;

/// A policy as it applies to a run.
pub(crate) struct Active {
    pub(crate) file: PolicyFile,
    pub(crate) policy: Policy,
    pub(crate) waivers: Option<Waivers>,
    /// Where the waivers lie, or would.
    pub(crate) waivers_path: PathBuf,
}

impl Active {
    /// What the policy says of each.
    pub(crate) fn outcomes(&self, dossiers: &[Dossier<'_>]) -> Vec<Outcome> {
        dossiers.iter().map(|d| outcome(&self.policy, self.waivers.as_ref(), &situation(d))).collect()
    }
}

/// What a policy sees of a dossier.
pub(crate) fn situation<'d>(d: &'d Dossier<'_>) -> Situation<'d> {
    Situation {
        catalog: d.catalog,
        graph: &d.graph,
        deployment: &d.deployment,
        assessment: &d.assessment,
        diagnostics: &d.diagnostics,
        id: &d.subject.id,
        as_of: &d.as_of,
        artifact: &d.subject.artifact,
        texts: &d.subject.texts,
    }
}

/// The policy of a run: of `--policy FILE`, else of the organization's file, where that has one. Mistakes are printed; the
/// exit status is given where there are any.
pub(crate) fn load(matches: &ArgMatches, catalog: &Catalog) -> Result<Option<Active>, u8> {
    let (active, mistakes) = read(matches, catalog);
    report(&mistakes);
    if mistakes.iter().any(|d| d.severity == Severity::Error) { Err(exit::USAGE) } else { Ok(active) }
}

fn read(matches: &ArgMatches, catalog: &Catalog) -> (Option<Active>, Vec<Diagnostic>) {
    let mut mistakes = Vec::new();
    let stated = get(matches, "policy").map(PathBuf::from);
    let environment = get(matches, "environment");
    let Some(path) = stated.clone().or_else(find_organization_file) else {
        mistakes.extend(environment.map(|e| no_policy(ORGANIZATION_FILE, e)));
        return (None, mistakes);
    };
    let name = path.display().to_string();
    let text = match text_of(&path).map_err(|d| *d) {
        Ok(text) => text,
        // of the organization's file the reader of facts tells it
        Err(d) => return (None, if stated.is_some() { vec![d] } else { Vec::new() }),
    };
    let (file, wrong) = PolicyFile::read(&name, &text, catalog);
    let broken = |d: &Diagnostic| stated.is_some() || d.code != "toml-syntax";
    mistakes.extend(wrong.into_iter().filter(broken));
    let Some(file) = file else {
        if let (Some(_), true) = (&stated, mistakes.is_empty()) {
            let d = Diagnostic::error("no-policy", "the file has no [policy]").in_file(&name);
            mistakes.push(d.help(format!("`freehold policy init --policy {name}` adds one")));
        } else if let (None, Some(e)) = (&stated, environment) {
            mistakes.push(no_policy(&name, e));
        }
        return (None, mistakes);
    };
    let waivers_path = path.parent().unwrap_or(Path::new("")).join(WAIVERS_FILE);
    let mut waivers = None;
    if waivers_path.exists() {
        match text_of(&waivers_path).map_err(|d| *d) {
            Ok(text) => {
                let (read, wrong) = Waivers::read(&waivers_path.display().to_string(), &text, &file);
                mistakes.extend(wrong);
                waivers = Some(read);
            }
            Err(d) => mistakes.push(d),
        }
    }
    match file.policy(environment) {
        Ok(policy) => (Some(Active { file, policy, waivers, waivers_path }), mistakes),
        Err(d) => {
            mistakes.push(d);
            (None, mistakes)
        }
    }
}

fn no_policy(file: &str, environment: &str) -> Diagnostic {
    let message = format!("`--environment {environment}` picks a part of a policy, and there is none in {file}");
    Diagnostic::error("no-policy", message).help("`freehold policy init` writes one; `--policy FILE` names one")
}

/// One subject's block below its screen.
pub(crate) fn print_one(d: &Dossier<'_>, outcome: Option<&Outcome>) {
    if let Some(o) = outcome {
        let what = if d.subject.path.is_empty() { "." } else { d.subject.path.as_str() };
        print(&format!("\n{}", freehold_documents::policy_block(o, what, style())));
    }
}

/// The table below that of many subjects.
pub(crate) fn print_many(dossiers: &[Dossier<'_>], outcomes: &[Outcome]) {
    if !outcomes.is_empty() {
        let rows: Vec<(&str, &Outcome)> = dossiers.iter().map(|d| d.subject.id.as_str()).zip(outcomes).collect();
        print(&format!("\n{}", freehold_documents::policy_table(&rows, style())));
    }
}

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    match matches.subcommand() {
        Some(("init", m)) => init(m, catalog),
        Some(("check", m)) => check(m, catalog),
        Some(("test", m)) => test(m, catalog),
        _ => exit::USAGE,
    }
}

/// Adds a policy to the organization's file, below what stands there.
fn init(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let path = get(matches, "policy").map(PathBuf::from).or_else(find_organization_file);
    let path = path.unwrap_or_else(|| PathBuf::from(ORGANIZATION_FILE));
    let name = path.display().to_string();
    let mut mistakes = Vec::new();
    let profile = get(matches, "profile");
    let profiles = PolicyFile::built_in_profiles(catalog);
    if let Some(p) = profile.filter(|p| !profiles.iter().any(|known| known == p)) {
        let d = Diagnostic::error("unknown-value", format!("no profile `{p}` ships with freehold"));
        mistakes.push(match nearest(p, profiles.iter().map(String::as_str)) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("one of: {}", profiles.join(", "))),
        });
    }
    let before = if path.exists() { text_of(&path).map_err(|d| *d) } else { Ok(String::new()) };
    let before = before.unwrap_or_else(|d| {
        mistakes.push(d);
        String::new()
    });
    let (present, _) = PolicyFile::read(&name, &before, catalog);
    if present.is_some() {
        let d = Diagnostic::error("exists", "there is a [policy] already; it would be lost").in_file(&name);
        mistakes.push(d.help("edit it; `freehold policy check` tells its mistakes"));
    }
    // the answers: those of the organization's file, wherever the policy goes
    let deployment = context::from_files(None, catalog, &mut mistakes);
    if !mistakes.is_empty() {
        report(&mistakes);
        return exit::USAGE;
    }
    let gap = if before.is_empty() || before.ends_with("\n\n") { "" } else { "\n" };
    let ended = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let text = format!("{before}{ended}{gap}{}", default_text(profile, &deployment.0, catalog));
    if let Err(d) = write(&path, &text) {
        report(&[d]);
        return exit::UNREADABLE;
    }
    let verb = if before.is_empty() { "wrote" } else { "added a [policy] to" };
    print(&format!("{verb} {name}\nnext      freehold policy check   ·   freehold check .\n"));
    exit::CLEAR
}

/// Replaces a file as a whole: a crash leaves the old one.
#[expect(clippy::result_large_err, reason = "once a run")]
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Diagnostic> {
    let unwritable = |e: std::io::Error| {
        Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(path.display().to_string())
    };
    // a link is written through, not replaced
    let path = if path.exists() { path.canonicalize().map_err(unwritable)? } else { path.to_path_buf() };
    let beside = path.with_extension("toml.new");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path)).map_err(unwritable)
}

fn check(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let (active, mut mistakes) = read(matches, catalog);
    let as_of = context::as_of(matches, &mut mistakes);
    report(&mistakes);
    if mistakes.iter().any(|d| d.severity == Severity::Error) {
        return exit::USAGE;
    }
    let Some(active) = active else {
        let d = Diagnostic::error("no-policy", "there is no policy here, nor in a folder above");
        report(&[d.help("`freehold policy init` writes one; `--policy FILE` names one")]);
        return exit::NOTHING;
    };
    let waivers = active.waivers.as_ref().map_or("none".to_string(), |w| {
        let over = w.all.iter().filter(|w| w.expires.as_str() < as_of.as_str()).count();
        format!("{} in {}, {over} of them expired", w.all.len(), w.file)
    });
    print(&freehold_documents::policy_summary(&active.policy, &active.file, catalog, &waivers, style()));
    exit::CLEAR
}

/// The organization's own scenarios. Each is a whole case: facts of `freehold.toml` do not reach it, so that it says the
/// same on every machine; neither do waivers, which are bound to bytes.
fn test(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let (active, mut mistakes) = read(matches, catalog);
    let as_of = context::as_of(matches, &mut mistakes);
    let mut files = Vec::new();
    for path in all(matches, "what") {
        gather(Path::new(path), &mut files, &mut mistakes);
    }
    let mut pairs: Vec<(String, Scenario)> = Vec::new();
    for path in &files {
        let name = path.display().to_string();
        match text_of(path).map_err(|d| *d) {
            Ok(text) => {
                let (found, wrong) = scenarios(&name, &text);
                mistakes.extend(wrong);
                pairs.extend(found.into_iter().map(|s| (name.clone(), s)));
            }
            Err(d) => mistakes.push(d),
        }
    }
    let mut wrong = Vec::new();
    let mut judged = 0usize;
    for (file, scenario) in &pairs {
        let (case, told) = case_from_toml(file, &scenario.case, catalog, &as_of);
        if told.iter().any(|d| d.severity == Severity::Error) || case.is_none() {
            mistakes.extend(told);
            continue;
        }
        let Some(case) = case else { continue };
        judged += 1;
        let dossier = judge(case.into_parts("", &as_of), catalog);
        let mut found = differences(&dossier, &scenario.expect);
        match policy_differences(&dossier, &scenario.expect, active.as_ref()) {
            Ok(more) => found.extend(more),
            Err(d) => mistakes.push(d),
        }
        wrong.extend(found.into_iter().map(|f| format!("{file}:{}: {f}", scenario.line)));
    }
    report(&mistakes);
    if mistakes.iter().any(|d| d.severity == Severity::Error) {
        return exit::USAGE;
    }
    if judged == 0 {
        let d = Diagnostic::error("nothing-found", "no scenario was found: no file has a case and an `expect` block");
        report(&[d.help("docs/policy.md shows one")]);
        return exit::NOTHING;
    }
    print(&freehold_documents::plain_lines(&wrong, style()));
    let word = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let (cases, files) = (word(judged, "scenario"), word(files.len(), "file"));
    if wrong.is_empty() {
        print(&format!("{cases} in {files}: all come out as they say\n"));
        return exit::CLEAR;
    }
    print(&format!("{cases} in {files}: {}\n", word(wrong.len(), "difference")));
    exit::BLOCKED
}

#[expect(clippy::result_large_err, reason = "a few scenarios a run")]
fn policy_differences(
    d: &Dossier<'_>,
    expect: &Expectation,
    active: Option<&Active>,
) -> Result<Vec<String>, Diagnostic> {
    if expect.policy.is_none() && expect.rules.is_none() && expect.remarks.is_none() {
        return Ok(Vec::new());
    }
    let Some(active) = active else {
        let d = Diagnostic::error("no-policy", "the scenarios expect something of a policy, and there is none");
        return Err(d.help("`--policy FILE` names one"));
    };
    let picked;
    let policy = match &expect.environment {
        Some(name) => {
            picked = active.file.policy(Some(name))?;
            &picked
        }
        None => &active.policy,
    };
    let o = outcome(policy, None, &situation(d));
    let mut wrong = Vec::new();
    if let Some(want) = expect.policy.as_deref().filter(|w| *w != o.state.as_str()) {
        wrong.push(format!("policy: expected {want}, got {}", o.state.as_str()));
    }
    let raised = |wanted: fn(Counts) -> bool| -> Vec<String> {
        o.violations.iter().filter(|v| wanted(v.severity)).map(|v| v.rule.clone()).collect()
    };
    let sets = [
        ("rules", &expect.rules, raised(|s| s >= Counts::Review)),
        ("remarks", &expect.remarks, raised(|s| s < Counts::Review)),
    ];
    for (key, want, got) in sets {
        wrong.extend(want.as_ref().and_then(|want| set_difference(key, want, &got)));
    }
    Ok(wrong)
}

/// Markdown files at a path and below; `README.md` tells of them and is none. Links are not followed.
fn gather(path: &Path, out: &mut Vec<PathBuf>, mistakes: &mut Vec<Diagnostic>) {
    let wrong = |e: std::io::Error| {
        Diagnostic::error("unreadable", format!("cannot be read: {e}")).in_file(path.display().to_string())
    };
    let mut open = vec![path.to_path_buf()];
    let first = out.len();
    while let Some(next) = open.pop() {
        let is_named = next == path;
        let metadata = if is_named { fs::metadata(&next) } else { fs::symlink_metadata(&next) };
        match metadata {
            Ok(m) if m.is_dir() => match fs::read_dir(&next) {
                Ok(entries) => open.extend(entries.flatten().map(|e| e.path())),
                Err(e) => mistakes.push(wrong(e)),
            },
            Ok(m) if m.is_file() => {
                let markdown = next.extension().is_some_and(|e| e == "md") && !next.ends_with("README.md");
                if is_named || markdown {
                    out.push(next);
                }
            }
            Ok(_) => {}
            Err(e) => mistakes.push(wrong(e)),
        }
        if out.len() > SCENARIO_FILES_MAX || open.len() > SCENARIO_FILES_MAX {
            let message = format!("more than {SCENARIO_FILES_MAX} files");
            mistakes.push(Diagnostic::error("too-many", message).in_file(path.display().to_string()));
            break;
        }
    }
    if let Some(found) = out.get_mut(first..) {
        found.sort();
    }
}
