//! What a recipe of the studio says of law: what it trains, on what, what for. The rest of it is the studio's.

use freehold_assess::Deployment;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_catalog::document::{Sink, Spanned, Table, parse_toml};

use crate::statement::read_facts;

/// `[base]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecipeBase {
    /// A folder as transformers writes it, relative to the recipe.
    pub path: String,
    /// Where `path` stands: line, from 1.
    pub line: u32,
    /// The id that it has on a hub.
    pub model: Option<String>,
    /// Its license, where neither the folder nor the catalog says it.
    pub license: Option<String>,
}

/// One `[[dataset]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecipeData {
    /// A file, relative to the recipe.
    pub path: String,
    /// Where `path` stands: line, from 1.
    pub line: u32,
    /// What it is called in the record.
    pub name: Option<String>,
    /// Its license; `own` where it is the organization's own work.
    pub license: Option<String>,
    /// Models whose outputs it holds.
    pub generated_by: Vec<String>,
    /// Where it comes from, in the writer's words.
    pub source: Option<String>,
}

/// What a recipe says of law.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// What the model will be called.
    pub name: String,
    /// Where `name` stands: line, from 1.
    pub line: u32,
    /// The license that it will be given out under, where the organization has chosen one.
    pub license: Option<String>,
    /// Where the studio writes, relative to the recipe, where that is stated.
    pub folder: Option<String>,
    /// What is trained.
    pub base: RecipeBase,
    /// What it is trained on.
    pub datasets: Vec<RecipeData>,
}

/// Tables that the studio reads.
const STUDIO: [&str; 8] = ["adapter", "data", "training", "output", "probe", "sweep", "job", "schema"];

/// Reads the recipe in `text`; facts under `[organization]` and `[use]` are stated in `deployment`, over what is there.
/// `None` where it has no `[base]` or no `name`; every mistake is told.
pub fn recipe(
    file: &str,
    text: &str,
    catalog: &Catalog,
    deployment: &mut Deployment,
) -> (Option<Recipe>, Vec<Diagnostic>) {
    let sink = Sink::new(file, text);
    let root = parse_toml(&sink);
    let found = Table::open(&root, "recipe", &sink).and_then(|top| read(top, text, catalog, deployment, &sink));
    (found, sink.into_diagnostics())
}

fn read(
    top: Table<'_, '_>,
    text: &str,
    catalog: &Catalog,
    deployment: &mut Deployment,
    sink: &Sink<'_>,
) -> Option<Recipe> {
    let line = |t: &Spanned| {
        let before = text.get(..t.span.0).unwrap_or_default();
        u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
    };
    let name = top.need("name");
    let license = top.text("license").map(|t| t.text);
    // the rest of the table is the studio's
    let folder = top.table("output").and_then(|t| t.text("folder")).map(|t| t.text);
    STUDIO.into_iter().for_each(|key| {
        top.get(key);
    });
    for prefix in ["organization", "use"] {
        if let Some(node) = top.get(prefix) {
            read_facts(prefix, node, catalog, sink, deployment);
        }
    }
    let base = match top.table("base") {
        Some(table) => {
            let path = table.need("path");
            let one = RecipeBase {
                line: line(&path),
                path: path.text,
                model: table.text("model").map(|t| t.text),
                license: table.text("license").map(|t| t.text),
            };
            table.finish();
            Some(one)
        }
        None => {
            if top.get("base").is_none() {
                top.missing("base");
            }
            None
        }
    };
    let mut datasets = Vec::new();
    for table in top.tables("dataset") {
        let path = table.need("path");
        datasets.push(RecipeData {
            line: line(&path),
            path: path.text,
            name: table.text("name").map(|t| t.text),
            license: table.text("license").map(|t| t.text),
            generated_by: table.texts("generated_by").into_iter().map(|t| t.text).collect(),
            source: table.text("source").map(|t| t.text),
        });
        table.finish();
    }
    let own = Recipe { line: line(&name), name: name.text, license, folder, base: base?, datasets };
    top.finish();
    (!own.name.is_empty() && !own.base.path.is_empty()).then_some(own)
}
