//! What a run knows before it looks at a model: the law, the day, the facts that the user states.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_assess::Deployment;
use freehold_base::{Diagnostic, MadeBy, Relation};
use freehold_catalog::Catalog;
use freehold_catalog::document::{Sink, Table, parse_toml};
use freehold_check::{Said, fact_from_text, read_facts};

use freehold_governance::stated_facts;

use crate::cli::flag_of;
use crate::deployments::{self, ByPath};

/// Largest deployment file, in bytes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// The organization's file, looked for in the working directory and above it.
pub(crate) const ORGANIZATION_FILE: &str = "freehold.toml";

/// Today in UTC, `YYYY-MM-DD`.
pub(crate) fn today() -> String {
    jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string()
}

/// The day of the question.
pub(crate) fn as_of(matches: &ArgMatches, mistakes: &mut Vec<Diagnostic>) -> String {
    let Some(stated) = get(matches, "as-of") else { return today() };
    if stated.len() != 10 || stated.parse::<jiff::civil::Date>().is_err() {
        let message = format!("`--as-of {stated}` is not a day");
        mistakes.push(Diagnostic::error("bad-date", message).help("write it as 2026-11-24"));
    }
    stated.to_string()
}

/// A flag's value, where the command has that flag.
pub(crate) fn get<'m>(matches: &'m ArgMatches, id: &str) -> Option<&'m str> {
    matches.try_get_one::<String>(id).ok().flatten().map(String::as_str)
}

/// A flag's values.
pub(crate) fn all<'m>(matches: &'m ArgMatches, id: &str) -> Vec<&'m str> {
    matches.try_get_many::<String>(id).ok().flatten().map(|v| v.map(String::as_str).collect()).unwrap_or_default()
}

/// The facts of the run: the organization's file, then `--use`, then flags, the later over the earlier; and those of
/// each `[[deployment]]` of the organization's file, with the same flags.
pub(crate) fn deployment(
    matches: &ArgMatches,
    catalog: &Catalog,
    mistakes: &mut Vec<Diagnostic>,
) -> (Deployment, Vec<ByPath>) {
    let (mut deployment, mut by_path) = from_files(get(matches, "use-file"), catalog, mistakes);
    from_flags(matches, catalog, &mut deployment, mistakes);
    for one in &mut by_path {
        // their mistakes are told already
        from_flags(matches, catalog, &mut one.deployment, &mut Vec::new());
    }
    (deployment, by_path)
}

/// [`deployment`] before any flag.
pub(crate) fn from_files(
    file: Option<&str>,
    catalog: &Catalog,
    mistakes: &mut Vec<Diagnostic>,
) -> (Deployment, Vec<ByPath>) {
    let mut deployment = Deployment::empty(catalog);
    let mut by_path = Vec::new();
    if let Some(path) = find_organization_file() {
        by_path = read_file(&path, true, catalog, &mut deployment, mistakes);
    }
    if let Some(path) = file {
        // what is stated for this run is stated for every path
        read_file(Path::new(path), false, catalog, &mut deployment, mistakes);
        for one in &mut by_path {
            read_file(Path::new(path), false, catalog, &mut one.deployment, &mut Vec::new());
        }
    }
    (deployment, by_path)
}

pub(crate) fn find_organization_file() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let found = here.ancestors().map(|d| d.join(ORGANIZATION_FILE)).find(|p| p.is_file())?;
    // named as the user would see it from here
    Some(found.strip_prefix(&here).map(Path::to_path_buf).unwrap_or(found))
}

fn read_file(
    path: &Path,
    organization: bool,
    catalog: &Catalog,
    deployment: &mut Deployment,
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<ByPath> {
    let name = path.display().to_string();
    match text_of(path) {
        Ok(text) => {
            let root = path.parent().filter(|_| organization);
            read_text(&name, &text, root, catalog, deployment, mistakes)
        }
        Err(d) => {
            mistakes.push(*d);
            Vec::new()
        }
    }
}

/// The text of a file that configures a run: a regular one, of a bounded size.
pub(crate) fn text_of(path: &Path) -> Result<String, Box<Diagnostic>> {
    let mistake =
        |code, message: String| Box::new(Diagnostic::error(code, message).in_file(path.display().to_string()));
    let unreadable = |e: std::io::Error| mistake("unreadable", format!("cannot be read: {e}"));
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err(mistake("not-a-file", "not a regular file".into()));
    }
    if found.len() > CONFIG_BYTES_MAX {
        let message = format!("a file of {} bytes; the limit is {CONFIG_BYTES_MAX}", found.len());
        return Err(mistake("file-too-large", message));
    }
    fs::read_to_string(path).map_err(unreadable)
}

/// Reads `[organization]` and `[use]`, and in the organization's file, which lies in `folder`, every `[[deployment]]`;
/// anything else is a mistake.
fn read_text(
    name: &str,
    text: &str,
    folder: Option<&Path>,
    catalog: &Catalog,
    deployment: &mut Deployment,
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<ByPath> {
    let mut by_path = Vec::new();
    let sink = Sink::new(name, text);
    let root = parse_toml(&sink);
    if let Some(top) = Table::open(&root, name, &sink) {
        for prefix in ["organization", "use"] {
            if let Some(node) = top.get(prefix) {
                read_facts(prefix, node, catalog, &sink, deployment);
            }
        }
        if let Some(folder) = folder {
            by_path = deployments::read(&top, folder, deployment, catalog, &sink);
        }
        // read by `freehold-policy`, which tells its own mistakes
        top.get("policy");
        top.finish();
    }
    mistakes.extend(sink.into_diagnostics());
    by_path
}

/// The facts that flags state.
pub(crate) fn from_flags(
    matches: &ArgMatches,
    catalog: &Catalog,
    deployment: &mut Deployment,
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let mut stated = Vec::new();
    for (id, fact) in stated_facts(catalog) {
        let values = all(matches, &fact.name);
        if values.is_empty() {
            continue;
        }
        let text = values.join(",");
        let flag = format!("--{}", flag_of(catalog, fact));
        if let Some(v) = fact_from_text(&flag, &text, fact, catalog, mistakes) {
            deployment.set(catalog, id, Some(v));
            stated.push(format!("{} = {text}", fact.name));
        }
    }
    for set in all(matches, "set") {
        let (name, text) = set.split_once('=').unwrap_or((set, ""));
        let found = catalog.facts.find(name.trim()).filter(|id| stated_facts(catalog).any(|(s, _)| s == *id));
        let Some(id) = found else {
            let names = stated_facts(catalog).map(|(_, f)| f.name.as_str());
            let near = freehold_base::nearest(name, names);
            let mut d = Diagnostic::error("unknown-fact", format!("no fact is called `{name}`")).in_file("--set");
            if let Some(near) = near {
                d = d.help(format!("did you mean `{near}`?"));
            }
            mistakes.push(d);
            continue;
        };
        let fact = catalog.facts.get(id);
        if let Some(v) = fact_from_text(&format!("--set {name}"), text.trim(), fact, catalog, mistakes) {
            deployment.set(catalog, id, Some(v));
            stated.push(format!("{name} = {}", text.trim()));
        }
    }
    stated
}

/// What the user says of the subject besides its files.
pub(crate) fn said(matches: &ArgMatches) -> Said {
    let parents: BTreeSet<&str> = all(matches, "base").into_iter().collect();
    Said {
        made_by: get(matches, "made-by").and_then(MadeBy::parse),
        name: get(matches, "name").map(str::to_string),
        parents: parents.into_iter().map(|p| (p.to_string(), Relation::Derived)).collect(),
        swap_base: None,
    }
}
