//! Names that one file defines and another uses: `from config import MODEL_ID`, `${MODEL_ID}` of `.env`, Helm's
//! `.Values`, Terraform's `var`. A use is settled where exactly one value is in reach; nothing is guessed.

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::Evidence;

use crate::Reference;
use crate::ids::{self, Named, Slot};
use crate::mask;

/// Definitions that are kept of one tree.
pub const DEFINITIONS_MAX: usize = 65_536;

/// Definitions that are kept of one file.
pub(crate) const DEFINITIONS_OF_FILE_MAX: usize = 256;

/// Longest value that is kept, in bytes.
const VALUE_BYTES_MAX: usize = 200;

/// Longest name that is kept, in bytes.
const NAME_BYTES_MAX: usize = 96;

/// Definitions of one name that are compared.
const SAME_NAME_MAX: usize = 256;

/// By which rules a name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A constant of a program, imported by its module.
    Code,
    /// A variable of the environment, of a build or of a shell.
    Environment,
    /// A path in the values of a Helm chart.
    Values,
    /// A variable of Terraform.
    Terraform,
}

/// A name with a value that may be a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// How it is looked up.
    pub origin: Origin,
    /// The name; for Helm the path (`a.b`).
    pub name: String,
    /// Its value.
    value: String,
    /// Where the value stands.
    pub evidence: Evidence,
}

/// What a reference waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// How it is looked up.
    pub origin: Origin,
    /// The name; for Helm the path (`a.b`).
    pub name: String,
    /// The files that may hold it, where the use says so: stems of modules, names of files that are sourced.
    pub files: Vec<String>,
    pub(crate) slot: Slot,
}

/// A definition, where the value could be a model at all.
pub(crate) fn definition(
    origin: Origin,
    name: &str,
    value: &str,
    evidence: impl FnOnce() -> Evidence,
) -> Option<Definition> {
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX && value.len() <= VALUE_BYTES_MAX;
    if !fits || mask::clean(value, VALUE_BYTES_MAX) != value {
        return None;
    }
    let named = ids::classify(value, Slot::Loaded)?;
    (!named.unresolved).then(|| Definition {
        origin,
        name: name.to_owned(),
        value: value.to_owned(),
        evidence: evidence(),
    })
}

/// The variable that `text` is, and nothing beside it. `imports`: name → (file stem, name there).
pub(crate) fn variable(
    text: &str,
    slot: Slot,
    imports: &BTreeMap<String, (String, String)>,
    sourced: &[String],
) -> Option<Variable> {
    let text = text.trim();
    if text.len() > 2 * NAME_BYTES_MAX {
        return None;
    }
    let make = |origin, name: &str, files: Vec<String>| {
        let plain =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        plain.then(|| Variable { origin, name: name.to_owned(), files, slot })
    };
    if let Some(inner) = text.strip_prefix("{{").and_then(|t| t.strip_suffix("}}")) {
        let path = inner.trim_matches(['-', ' ']).split(['|', ' ']).next()?.trim();
        return make(Origin::Values, path.strip_prefix(".Values.")?, Vec::new());
    }
    if let Some(inner) = text.strip_prefix("${{").and_then(|t| t.strip_suffix("}}")) {
        return make(Origin::Environment, inner.trim().strip_prefix("env.")?, sourced.to_vec());
    }
    let braced = text.strip_prefix("${").and_then(|t| t.strip_suffix('}'));
    let bare =
        braced.or_else(|| text.strip_prefix("$(").and_then(|t| t.strip_suffix(')'))).or_else(|| text.strip_prefix('$'));
    if let Some(name) = text.strip_prefix("var.").or_else(|| bare?.strip_prefix("var.")) {
        return make(Origin::Terraform, name, Vec::new());
    }
    if let Some(name) = bare {
        let name = name.split([':', '-', '?']).next().unwrap_or_default();
        return make(Origin::Environment, name, sourced.to_vec()).filter(|v| !v.name.contains('.'));
    }
    // `os.environ["X"]`, `os.getenv("X")`, `process.env.X`, `env::var("X")`
    if let Some(name) = text.strip_prefix("process.env.").or_else(|| text.strip_prefix("import.meta.env.")) {
        return make(Origin::Environment, name, Vec::new());
    }
    if ["environ", "getenv", "env::var"].iter().any(|w| text.contains(w)) {
        let name = text.split(['"', '\'']).nth(1)?;
        return make(Origin::Environment, name, Vec::new());
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':')) {
        return None;
    }
    if let Some((stem, name)) = imports.get(text) {
        return make(Origin::Code, name, vec![stem.clone()]);
    }
    // `config.MODEL_ID`, `config::MODEL_ID`
    let (object, name) = text.rsplit_once("::").or_else(|| text.rsplit_once('.'))?;
    let object = object.rsplit(['.', ':']).next()?;
    let stem = imports.get(object).map_or(object, |(_, module)| module.as_str());
    (!matches!(stem, "self" | "cls" | "this" | "args" | "Self"))
        .then(|| make(Origin::Code, name, vec![stem.to_owned()]))
        .flatten()
}

/// Folder of a path, without the last slash.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a module is imported as: its file's stem, or its folder for `__init__.py`, `index.ts`, `mod.rs`.
fn module(path: &str) -> &str {
    let stem = file_name(path).split('.').next().unwrap_or_default();
    if matches!(stem, "__init__" | "index" | "mod") { file_name(folder(path)) } else { stem }
}

/// True where `outer` is `inner` or holds it.
fn holds(outer: &str, inner: &str) -> bool {
    outer.is_empty() || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Parts that two folders begin with alike.
fn shared(a: &str, b: &str) -> usize {
    a.split('/').zip(b.split('/')).take_while(|(x, y)| x == y && !x.is_empty()).count()
}

/// What the files of one tree define.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    known: BTreeMap<(Origin, String), Vec<Definition>>,
    count: usize,
    /// True where more was defined than is kept: what is missing may contradict what is known.
    full: bool,
}

impl Definitions {
    /// Takes what one file defines; nothing more once [`DEFINITIONS_MAX`] are kept.
    pub fn add(&mut self, definitions: Vec<Definition>) {
        for definition in definitions {
            if self.count >= DEFINITIONS_MAX {
                self.full = true;
                return;
            }
            let same = self.known.entry((definition.origin, definition.name.clone())).or_default();
            if same.len() < SAME_NAME_MAX {
                same.push(definition);
                self.count += 1;
            }
        }
    }

    /// True where [`DEFINITIONS_MAX`] were not enough; nothing is settled then.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Gives an open reference the value of its variable, where exactly one is in reach: true where it did.
    pub fn settle(&self, reference: &mut Reference) -> bool {
        let Some(variable) = reference.variable.as_ref().filter(|_| reference.unresolved && !self.full) else {
            return false;
        };
        let Some((definition, named)) = self.value(variable, &reference.evidence.file) else { return false };
        let Named { kind, id, revision, file, unresolved } = named;
        reference.kind = kind;
        reference.id = id;
        reference.revision = reference.revision.take().or(revision);
        reference.file = reference.file.take().or(file);
        reference.unresolved = unresolved;
        reference.defined = Some(definition.evidence.clone());
        true
    }

    fn value(&self, variable: &Variable, user: &str) -> Option<(&Definition, Named)> {
        let same = self.known.get(&(variable.origin, variable.name.clone()))?;
        if same.len() >= SAME_NAME_MAX {
            return None;
        }
        let here = folder(user);
        let reach = |d: &&Definition| {
            let (file, name, there) = (d.evidence.file.as_str(), file_name(&d.evidence.file), folder(&d.evidence.file));
            file != user
                && match variable.origin {
                    Origin::Code => variable.files.iter().any(|f| f == module(file)),
                    Origin::Environment => {
                        let environment = name.starts_with(".env") || name.ends_with(".env");
                        let compose = name.contains("compose") || name.to_ascii_lowercase().contains("dockerfile");
                        let sourced = variable.files.iter().any(|f| f == name);
                        (holds(there, here) && (environment || compose))
                            || (sourced && shared(there, here) > 0)
                            || (sourced && there == here)
                    }
                    Origin::Values => name == "values.yaml" && holds(there, here),
                    Origin::Terraform => there == here,
                }
        };
        let all: Vec<&Definition> = same.iter().filter(reach).collect();
        let nearest = all.iter().map(|d| shared(folder(&d.evidence.file), here)).max()?;
        let near: Vec<&Definition> =
            all.into_iter().filter(|d| shared(folder(&d.evidence.file), here) == nearest).collect();
        // `.env` is what runs; `.env.example` counts where it is alone
        let own: Vec<&Definition> = near.iter().copied().filter(|d| file_name(&d.evidence.file) == ".env").collect();
        let near = if own.is_empty() { near } else { own };
        let values: BTreeSet<&str> = near.iter().map(|d| d.value.as_str()).collect();
        let definition = near.into_iter().next().filter(|_| values.len() == 1)?;
        let named = ids::classify(&definition.value, variable.slot)?;
        (!named.unresolved).then_some((definition, named))
    }
}
