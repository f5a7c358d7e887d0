//! Merge recipes of mergekit: which method, which parents. Several documents, models by name, with a revision
//! (`a/b@rev`) or with a LoRA on top (`a/b+lora/c`, two parents).

use std::collections::BTreeSet;

use freehold_base::FactKind;

use crate::sink::Sink;
use crate::yaml::{Id, Yaml};

/// Longest recipe that is read.
pub(crate) const RECIPE_BYTES_MAX: usize = 4 << 20;
/// References that are looked at: aliases may make a short text name a list a thousand times.
const REFERENCES_MAX: usize = 20_000;

/// True where a block of YAML looks like a recipe.
pub(crate) fn is_recipe(block: &str) -> bool {
    let has = |key: &str| block.lines().any(|l| l.trim_start().trim_start_matches("- ").starts_with(key));
    block.lines().any(|l| l.starts_with("merge_method:"))
        || (has("experts:") && has("source_model:"))
        || (has("slices:") && has("sources:"))
}

/// Reads the recipe in `text`, which stands at `base` in its file.
pub(crate) fn read(text: &str, base: usize, sink: &mut Sink<'_>) {
    let yaml = Yaml::read(text);
    if let Some((message, at)) = &yaml.error {
        let at = base + at;
        let message = format!("broken YAML in a merge recipe: {message}; lines that name models are read one by one");
        sink.warn("merge-yaml", message, Some((at, at)));
    }
    let mut recipe = Recipe {
        yaml: &yaml,
        base,
        sink,
        own: BTreeSet::new(),
        seen: BTreeSet::new(),
        method: false,
        left: REFERENCES_MAX,
    };
    // a document may be a step that later ones name
    for root in &yaml.documents {
        if let Some((name, _)) = yaml.get(*root, "name").and_then(|id| yaml.scalar(id)) {
            recipe.own.insert(name.to_owned());
        }
    }
    for (i, root) in yaml.documents.iter().enumerate() {
        let prefix = if yaml.documents.len() > 1 { format!("[{i}].") } else { String::new() };
        recipe.document(*root, &prefix);
    }
    if yaml.error.is_some() {
        recipe.lines(text);
    }
    if recipe.left == 0 {
        sink.warn("merge-too-long", "a recipe with more than 20,000 references, the rest is not read", None);
    }
}

struct Recipe<'r, 's> {
    yaml: &'r Yaml,
    base: usize,
    sink: &'r mut Sink<'s>,
    /// Names of the recipe's own steps.
    own: BTreeSet<String>,
    /// Parents already named.
    seen: BTreeSet<String>,
    /// True once a method was named.
    method: bool,
    left: usize,
}

impl Recipe<'_, '_> {
    fn document(&mut self, root: Id, prefix: &str) {
        let yaml = self.yaml;
        let mut method = false;
        for (key, id) in yaml.members(root) {
            let path = format!("{prefix}{key}");
            match key {
                "merge_method" => {
                    if let Some((text, place)) = yaml.scalar(id) {
                        (method, self.method) = (true, true);
                        self.fact(FactKind::MergeMethod, text, &path, place);
                    }
                }
                "base_model" => self.reference(id, &path),
                "models" => self.each(id, &path, "model"),
                "experts" | "shared_experts" => {
                    if !method && !yaml.items(id).is_empty() {
                        (method, self.method) = (true, true);
                        let place = yaml.node(id).map(|n| n.bytes).unwrap_or_default();
                        self.fact(FactKind::MergeMethod, "moe", &path, place);
                    }
                    self.each(id, &path, "source_model");
                }
                "slices" => self.slices(id, &path),
                "modules" => {
                    for (name, module) in yaml.members(id) {
                        if let Some(slices) = yaml.get(module, "slices") {
                            self.slices(slices, &format!("{path}.{name}.slices"));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// A recipe pasted between other lines is no YAML, yet its lines name parents that must not be lost.
    fn lines(&mut self, text: &str) {
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let bare = line.trim_start_matches([' ', '-']);
            let Some((key, value)) = bare.split_once(':') else { continue };
            let said = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            let from = start + (line.len() - value.len()) + value.find(said).unwrap_or(0);
            let place = (from, from + said.len());
            match key {
                "model" | "base_model" | "source_model" if !said.is_empty() && self.left > 0 => {
                    self.left -= 1;
                    self.parents(said, key, place);
                }
                "merge_method" if !self.method && !said.is_empty() => {
                    self.method = true;
                    self.fact(FactKind::MergeMethod, said, key, place);
                }
                _ => {}
            }
        }
    }

    fn slices(&mut self, id: Id, path: &str) {
        let yaml = self.yaml;
        for (i, slice) in yaml.items(id).iter().enumerate() {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            let path = format!("{path}[{i}]");
            if let Some(base) = yaml.get(*slice, "base_model") {
                self.reference(base, &format!("{path}.base_model"));
            }
            if let Some(sources) = yaml.get(*slice, "sources") {
                self.each(sources, &format!("{path}.sources"), "model");
            }
        }
    }

    /// The model of each element, under `key` or as the element itself.
    fn each(&mut self, id: Id, path: &str, key: &str) {
        let yaml = self.yaml;
        for (i, item) in yaml.items(id).iter().enumerate() {
            if self.left == 0 {
                return;
            }
            let path = format!("{path}[{i}]");
            match yaml.get(*item, key) {
                Some(model) => self.reference(model, &format!("{path}.{key}")),
                None => self.reference(*item, &path),
            }
        }
    }

    /// A reference: `org/name`, `org/name@rev`, `org/name+lora`, or a mapping of the same.
    fn reference(&mut self, id: Id, path: &str) {
        let yaml = self.yaml;
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        if let Some((text, place)) = yaml.scalar(id) {
            self.parents(text, path, place);
            return;
        }
        // `{model: {path: a/b, revision: r}, lora: {path: c/d}}`
        for key in ["model", "lora"] {
            let Some(part) = yaml.get(id, key) else { continue };
            let inner = yaml.get(part, "path").unwrap_or(part);
            if let Some((text, place)) = yaml.scalar(inner) {
                self.parents(text, &format!("{path}.{key}"), place);
            }
        }
        if let Some((text, place)) = yaml.get(id, "path").and_then(|p| yaml.scalar(p)) {
            self.parents(text, &format!("{path}.path"), place);
        }
    }

    /// Splits `a/b@rev+c/d`; the value is the id without its revision, the range covers it as written.
    fn parents(&mut self, text: &str, path: &str, place: (usize, usize)) {
        if self.own.contains(text) {
            return;
        }
        for part in text.split('+').take(8) {
            let id = part.split_once('@').map_or(part, |(id, _)| id).trim();
            if !id.is_empty() && self.seen.insert(id.to_owned()) {
                self.fact(FactKind::MergeParent, id, path, place);
            }
        }
    }

    fn fact(&mut self, kind: FactKind, value: &str, path: &str, place: (usize, usize)) {
        self.sink.fact(kind, value, path, Some((self.base + place.0, self.base + place.1)));
    }
}
