//! Deployments of a repository, by path: `[[deployment]]` of the organization's file.
//!
//! One repository ships several things: a chat service, a command that carries a model, a notebook for staff. Each
//! `[[deployment]]` names the paths that belong to it and the facts of its use; what it does not state, `[use]` does.

use std::path::{Path, PathBuf};

use freehold_assess::Deployment;
use freehold_catalog::Catalog;
use freehold_catalog::document::{Sink, Table};
use freehold_check::read_facts;
use globset::{Glob, GlobSet, GlobSetBuilder};

/// Most deployments of one file.
const DEPLOYMENTS_MAX: usize = 1_000;

/// A deployment and the paths that belong to it.
#[derive(Clone, Debug)]
pub(crate) struct ByPath {
    /// What it is called.
    pub(crate) name: String,
    paths: GlobSet,
    /// The folder of the file that states it: patterns are relative to it.
    root: PathBuf,
    /// Its facts over those of the organization and of `[use]`.
    pub(crate) deployment: Deployment,
}

impl ByPath {
    /// True where a path, as it is named from here, belongs to it.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        let plain: PathBuf = path.components().filter(|c| !matches!(c, std::path::Component::CurDir)).collect();
        let below = if plain.is_absolute() { plain.strip_prefix(&self.root).ok() } else { Some(plain.as_path()) };
        below.is_some_and(|p| self.paths.is_match(p) || p.ancestors().skip(1).any(|above| self.paths.is_match(above)))
    }
}

/// A deployment as a file that states the same.
pub(crate) fn as_toml(deployment: &Deployment, catalog: &Catalog) -> String {
    use freehold_base::Value;
    let quoted = |t: &str| serde_json::Value::from(t).to_string();
    let mut out = String::new();
    for (id, fact) in catalog.facts.iter().filter(|(_, f)| f.origin == freehold_catalog::FactOrigin::Stated) {
        let value = match deployment.get(id) {
            None => continue,
            Some(Value::Bool(b)) => b.to_string(),
            Some(Value::Number(n)) => n.to_string(),
            Some(Value::Text(t)) => quoted(t),
            Some(Value::List(all)) => format!("[{}]", all.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", ")),
            Some(Value::History(months)) => {
                let each = months.iter().map(|(month, n)| format!("{} = {n}", quoted(&month.to_string())));
                format!("{{ {} }}", each.collect::<Vec<_>>().join(", "))
            }
        };
        out.push_str(&format!("{} = {value}\n", fact.name));
    }
    out
}

/// Reads every `[[deployment]]`; each starts from `base`. `root` is the folder of the file.
pub(crate) fn read(
    top: &Table<'_, '_>,
    root: &Path,
    base: &Deployment,
    catalog: &Catalog,
    sink: &Sink<'_>,
) -> Vec<ByPath> {
    let mut out: Vec<ByPath> = Vec::new();
    for table in top.tables("deployment").into_iter().take(DEPLOYMENTS_MAX) {
        let name = table.need("name");
        let mut globs = GlobSetBuilder::new();
        let paths = table.texts("paths");
        if paths.is_empty() {
            table.missing("paths");
        }
        for path in &paths {
            match Glob::new(path.text.trim_end_matches('/')) {
                Ok(glob) => {
                    globs.add(glob);
                }
                Err(e) => {
                    let message = format!("`{}` is no pattern of paths: {}", path.text, e.kind());
                    sink.error_help("bad-pattern", path.span, message, "write it as services/chat/** or models/*.gguf");
                }
            }
        }
        let mut deployment = base.clone();
        if let Some(node) = table.get("use") {
            read_facts("use", node, catalog, sink, &mut deployment);
        }
        if out.iter().any(|d| d.name == name.text) {
            sink.error("duplicate-deployment", name.span, format!("`{}` is there already", name.text));
        }
        table.finish();
        let Ok(paths) = globs.build() else { continue };
        out.push(ByPath { name: name.text, paths, root: root.to_path_buf(), deployment });
    }
    out
}
