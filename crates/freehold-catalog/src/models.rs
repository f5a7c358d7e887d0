//! What each model is under: rows by organization, family, size, version and date, and the spellings they travel under.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use freehold_base::{Covers, Relation};

use crate::document::{Node, Sink, Table};

/// Most ids that one brace expression may expand to.
const EXPANSION_MAX: usize = 512;

/// What a publisher states of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRow {
    /// Repository id as the publisher writes it.
    pub id: String,
    /// Catalog license id, SPDX id or text id.
    pub license: String,
    /// Text id, where the copy is of one edition.
    pub edition: Option<String>,
    /// Family.
    pub family: Option<String>,
    /// First day of these terms, `YYYY-MM-DD`.
    pub since: Option<String>,
    /// Day on which these terms were replaced.
    pub until: Option<String>,
    /// What the row is about.
    pub covers: Vec<Covers>,
    /// Takes images, audio or video.
    pub multimodal: Option<bool>,
    /// A large language model.
    pub language_model: Option<bool>,
    /// Has a NOTICE file of its own.
    pub notice_file: Option<bool>,
    /// Lineage that the publisher states.
    pub parents: Vec<(String, Relation)>,
    /// Additions to the license that no text at hand states.
    pub conditions: Vec<String>,
    /// Ids of terms in law that the publisher adds to the license.
    pub beside: Vec<String>,
    /// Where the publisher says so.
    pub source: String,
    /// Day it was looked at.
    pub checked: String,
    /// A sentence for the reader.
    pub note: Option<String>,
    /// The catalog file.
    pub file: String,
}

/// How a name led to a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Match<'c> {
    /// The publisher's id or another id of the same weights.
    Id(Vec<&'c ModelRow>),
    /// A known re-uploader's naming rule.
    Reupload {
        /// The model's id.
        model: String,
        /// What the re-upload is to it.
        relation: Relation,
    },
}

/// All rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Models {
    rows: Vec<ModelRow>,
    /// Lower-case id or alias to rows.
    by_id: BTreeMap<String, Vec<u32>>,
    /// Lower-case bare name (after the slash) to ids.
    by_bare: BTreeMap<String, BTreeSet<String>>,
    /// Folded display name to id.
    by_display: BTreeMap<String, BTreeSet<String>>,
    /// Ollama name to id.
    by_ollama: BTreeMap<String, String>,
    reuploaders: BTreeSet<String>,
    suffixes: Vec<(String, Relation)>,
}

/// What stands before the name of a work that is known by Ollama's registry alone.
pub const OLLAMA_PREFIX: &str = "ollama:";

impl Models {
    /// Rows of this repository id; several where the terms changed or differ by part.
    pub fn find(&self, id: &str) -> Vec<&ModelRow> {
        self.by_id.get(&id.to_lowercase()).into_iter().flatten().filter_map(|i| self.rows.get(*i as usize)).collect()
    }

    /// Every row.
    pub fn rows(&self) -> &[ModelRow] {
        &self.rows
    }

    /// Every id and alias, lower case.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    /// Resolves a repository id: the publisher's own, or a known re-uploader's copy by its naming rule.
    pub fn resolve(&self, id: &str) -> Option<Match<'_>> {
        let rows = self.find(id);
        if !rows.is_empty() {
            return Some(Match::Id(rows));
        }
        let (organization, name) = id.split_once('/')?;
        if !self.reuploaders.contains(&organization.to_lowercase()) {
            return None;
        }
        let (model, relation) = self.by_stem(name)?;
        Some(Match::Reupload { model, relation })
    }

    /// The one known model whose bare name is left when known suffixes are taken off `name`.
    pub fn by_stem(&self, name: &str) -> Option<(String, Relation)> {
        let mut stem = name.to_lowercase();
        let mut relation = Relation::Copy;
        for _ in 0..4 {
            if let Some(ids) = self.by_bare.get(&stem) {
                let mut ids = ids.iter();
                return match (ids.next(), ids.next()) {
                    (Some(one), None) => Some((one.clone(), relation)),
                    _ => None,
                };
            }
            let (suffix, r) = self.suffixes.iter().find(|(s, _)| stem.len() > s.len() && stem.ends_with(s.as_str()))?;
            stem.truncate(stem.len() - suffix.len());
            if *r != Relation::Copy {
                relation = *r;
            }
        }
        None
    }

    /// The one model that a GGUF header spells this way.
    pub fn by_display_name(&self, name: &str) -> Option<&str> {
        let ids = self.by_display.get(&fold(name))?;
        if ids.len() == 1 { ids.first().map(String::as_str) } else { None }
    }

    /// The model behind an Ollama name (`llama3.1`, `llama3.1:8b-instruct-q4_K_M`).
    pub fn by_ollama_name(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        let name = name.strip_prefix("library/").unwrap_or(&name);
        let hit = self.by_ollama.get(name).or_else(|| self.by_ollama.get(name.split(':').next()?));
        hit.map(String::as_str)
    }

    /// The work that an Ollama name means: the model that the catalog knows by it, a repository of the hub (`hf.co/org/name`),
    /// else a name of its own. One with a namespace gets `ollama:` before it: `org/name` in Ollama's registry and on the hub
    /// are two publishers' works.
    pub fn ollama_work(&self, name: &str) -> String {
        let bare = name.strip_prefix("registry.ollama.ai/").unwrap_or(name);
        let bare = bare.strip_prefix("library/").unwrap_or(bare);
        if let Some(id) = self.by_ollama_name(bare) {
            return id.to_string();
        }
        let untagged = match bare.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => path,
            _ => bare,
        };
        if let Some(id) = ["hf.co/", "huggingface.co/"].iter().find_map(|hub| untagged.strip_prefix(hub)) {
            return id.to_string();
        }
        if untagged.contains('/') {
            return format!("{OLLAMA_PREFIX}{untagged}");
        }
        bare.strip_suffix(":latest").unwrap_or(bare).to_string()
    }

    pub(crate) fn load(&mut self, root: &Node, stem: &str, sink: &Sink<'_>) {
        let Some(top) = Table::open(root, stem, sink) else { return };
        let schema = top.need("schema");
        if schema.text == "freehold.reuploads/1" {
            self.load_reuploads(top, sink);
            return;
        }
        let organization = top.need("organization").text;
        top.texts("names");
        let source = top.text("source").map(|t| t.text);
        let checked = top.text("checked").map(|t| t.text);
        for row in top.tables("model") {
            self.load_row(&row, &organization, (source.as_deref(), checked.as_deref()), sink);
            row.finish();
        }
        top.finish();
    }

    fn load_row(
        &mut self,
        row: &Table<'_, '_>,
        organization: &str,
        defaults: (Option<&str>, Option<&str>),
        sink: &Sink<'_>,
    ) {
        let pattern = row.need("id");
        let ids = expand_reported(&pattern, sink);
        let aliases: Vec<Vec<String>> = row.texts("aliases").iter().map(|a| expand_reported(a, sink)).collect();
        let display: Vec<Vec<String>> = row.texts("gguf").iter().map(|a| expand_reported(a, sink)).collect();
        let ollama = row.texts("ollama");
        let or_default = |key: &'static str, default: Option<&str>| {
            let found = row.text(key).map(|t| t.text).or_else(|| default.map(str::to_string));
            if found.is_none() {
                row.missing(key);
            }
            found.unwrap_or_default()
        };
        let covers_words: Vec<&str> = Covers::ALL.iter().map(|c| c.as_str()).collect();
        let covers = row.words("covers", &covers_words, Covers::parse);
        let relation_words: Vec<&str> = Relation::ALL.iter().map(|c| c.as_str()).collect();
        let parents = row
            .tables("parents")
            .into_iter()
            .filter_map(|p| {
                let parent = (p.need("work").text, p.word("relation", &relation_words, Relation::parse)?);
                p.finish();
                Some(parent)
            })
            .collect();
        let template = ModelRow {
            id: String::new(),
            license: row.need("license").text,
            edition: row.text("edition").map(|t| t.text),
            family: row.text("family").map(|t| t.text),
            since: row.text("since").map(|t| t.text),
            until: row.text("until").map(|t| t.text),
            covers: if covers.is_empty() { vec![Covers::Weights] } else { covers },
            multimodal: row.bool("multimodal"),
            language_model: row.bool("language-model"),
            notice_file: row.bool("notice-file"),
            parents,
            conditions: row.texts("conditions").into_iter().map(|t| t.text).collect(),
            beside: row.texts("beside").into_iter().map(|t| t.text).collect(),
            source: or_default("source", defaults.0),
            checked: or_default("checked", defaults.1),
            note: row.text("note").map(|t| t.text),
            file: sink.file.to_string(),
        };
        row.text("revision");
        for id in &ids {
            if !id.starts_with(&format!("{organization}/")) {
                let message = format!("`{id}` is not of the organization `{organization}`");
                sink.error("wrong-organization", pattern.span, message);
            }
            let index = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            self.name(id, id, index);
            self.rows.push(ModelRow { id: id.clone(), ..template.clone() });
        }
        self.load_spellings(&ids, &aliases, &display);
        if let Some(first) = ids.first() {
            for name in ollama.iter().flat_map(|o| expand_reported(o, sink)) {
                self.by_ollama.entry(name.to_lowercase()).or_insert_with(|| first.clone());
            }
        }
    }

    /// Aliases that expand as often as the ids belong to them one by one; others to all of them, which share their terms.
    fn load_spellings(&mut self, ids: &[String], aliases: &[Vec<String>], display: &[Vec<String>]) {
        let first = u32::try_from(self.rows.len().saturating_sub(ids.len())).unwrap_or(u32::MAX);
        let partner = |list: &[String], i: usize| if list.len() == ids.len() { i } else { 0 };
        for list in aliases {
            for (i, alias) in list.iter().enumerate() {
                let of = partner(list, i);
                let index = first.saturating_add(u32::try_from(of).unwrap_or(u32::MAX));
                if let Some(id) = ids.get(of) {
                    self.name(alias, id, index);
                }
            }
        }
        for list in display {
            for (i, name) in list.iter().enumerate() {
                if let Some(id) = ids.get(partner(list, i)) {
                    self.by_display.entry(fold(name)).or_default().insert(id.clone());
                }
            }
        }
        for id in ids {
            if let Some((_, bare)) = id.split_once('/') {
                self.by_display.entry(fold(bare)).or_default().insert(id.clone());
            }
        }
    }

    fn name(&mut self, spelling: &str, id: &str, index: u32) {
        let key = spelling.to_lowercase();
        if let Some((_, bare)) = key.split_once('/') {
            self.by_bare.entry(bare.to_string()).or_default().insert(id.to_string());
        }
        let rows = self.by_id.entry(key).or_default();
        if !rows.contains(&index) {
            rows.push(index);
        }
    }

    fn load_reuploads(&mut self, top: Table<'_, '_>, sink: &Sink<'_>) {
        for row in top.tables("reuploader") {
            self.reuploaders.insert(row.need("organization").text.to_lowercase());
            row.text("source");
            row.text("note");
            row.finish();
        }
        for row in top.tables("suffix") {
            let suffix = row.need("ends-with").text.to_lowercase();
            let words = ["quantized", "converted", "copy"];
            if let Some(relation) = row.word("relation", &words, Relation::parse) {
                self.suffixes.push((suffix, relation));
            }
            row.text("note");
            row.finish();
        }
        self.suffixes.sort_by_key(|(s, _)| std::cmp::Reverse(s.len()));
        top.text("source");
        top.text("checked");
        top.text("note");
        let _ = sink;
        top.finish();
    }
}

/// Compares display names: letters and digits only, lower case.
fn fold(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn expand_reported(pattern: &crate::document::Spanned, sink: &Sink<'_>) -> Vec<String> {
    match expand(&pattern.text) {
        Some(ids) => ids,
        None => {
            sink.error("braces", pattern.span, "braces must be closed, not nested, and expand to few enough names");
            Vec::new()
        }
    }
}

/// `a-{1,2}{,-x}` → `a-1`, `a-1-x`, `a-2`, `a-2-x`. `None` for unbalanced or nested braces, or too many results.
pub fn expand(pattern: &str) -> Option<Vec<String>> {
    let mut out = vec![String::new()];
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        let (plain, tail) = (rest.get(..open)?, rest.get(open + 1..)?);
        let close = tail.find('}')?;
        let choices: Vec<&str> = tail.get(..close)?.split(',').collect();
        if plain.contains('}') || tail.get(..close)?.contains('{') || out.len() * choices.len() > EXPANSION_MAX {
            return None;
        }
        out = out.iter().flat_map(|o| choices.iter().map(move |c| format!("{o}{plain}{c}"))).collect();
        rest = tail.get(close + 1..)?;
    }
    if rest.contains('}') {
        return None;
    }
    out.iter_mut().for_each(|o| o.push_str(rest));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_expand() {
        assert_eq!(expand("a-{1,2}{,-x}").unwrap(), ["a-1", "a-1-x", "a-2", "a-2-x"]);
        assert_eq!(expand("a").unwrap(), ["a"]);
        for bad in ["a{", "a}", "{a{b}}", "{a,b", "a{b}c}"] {
            assert_eq!(expand(bad), None, "{bad}");
        }
    }
}
