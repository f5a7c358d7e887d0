//! The model card: YAML front matter with the place of every value, the body as text, merge recipes in fenced blocks.

use std::collections::BTreeSet;

use freehold_base::{FactKind, TextKind};

use crate::merge;
use crate::sink::{Sink, TEXT_BYTES_MAX};
use crate::yaml::{Id, Yaml};

/// Longest card that is read; the longest real one of 408 has 60 kB.
pub(crate) const CARD_BYTES_MAX: usize = 4 << 20;
/// Longest front matter; the rest of a longer one is not read.
const FRONT_MATTER_BYTES_MAX: usize = 1 << 20;
/// Mappings that one merge key may name, and members that are taken of each.
const MERGED_MAX: usize = 16;
const MEMBERS_MAX: usize = 256;
/// Times that reading resumes behind a mistake.
const RESUMES_MAX: usize = 16;

/// Where the front matter stands.
struct FrontMatter {
    start: usize,
    end: usize,
    body: usize,
}

/// Reads a card from its text (as long as the file, so that offsets hold).
pub(crate) fn read(text: &str, sink: &mut Sink<'_>) {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let body = match front_matter(text, start, sink) {
        Some(front) => {
            facts(text, &front, sink);
            front.body
        }
        None => start,
    };
    let body_text = text.get(body..).unwrap_or_default();
    if !body_text.trim().is_empty() {
        sink.legal(TextKind::Card, cut(body_text));
    }
    recipes(text, body, sink);
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Lines from `from` on: start and end without the break, and where the next begins.
fn lines(text: &str, from: usize) -> impl Iterator<Item = (usize, &str)> {
    let mut at = from;
    text.get(from..).unwrap_or_default().split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line)
    })
}

fn front_matter(text: &str, start: usize, sink: &mut Sink<'_>) -> Option<FrontMatter> {
    let rest = text.get(start..)?;
    let trimmed = rest.trim_start();
    let first = trimmed.split_inclusive('\n').next().unwrap_or_default();
    if first.trim_end() != "---" {
        return None;
    }
    let open = start + (rest.len() - trimmed.len());
    if open != start {
        let message = "the front matter does not begin at the first byte: some readers see none";
        sink.note("card-front-matter-offset", message, Some((open, open + 3)));
    }
    let inner = open + first.len();
    for (at, line) in lines(text, inner) {
        if line.trim_end() == "---" {
            return Some(FrontMatter { start: inner, end: at, body: at + line.len() });
        }
    }
    let message = "the front matter is never closed: no reader takes it for metadata";
    sink.warn("card-front-matter-open", message, Some((open, open + 3)));
    None
}

fn facts(text: &str, front: &FrontMatter, sink: &mut Sink<'_>) {
    let mut end = front.end.min(front.start + FRONT_MATTER_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end < front.end {
        sink.warn("card-front-matter-long", "the front matter is longer than 1 MiB, the rest is not read", None);
    }
    let mut keys = BTreeSet::new();
    let mut from = front.start;
    for _ in 0..=RESUMES_MAX {
        let yaml = Yaml::read(text.get(from..end).unwrap_or_default());
        if let Some(root) = yaml.documents.first().copied() {
            Card { yaml: &yaml, base: from, sink, keys: &mut keys }.members(root);
        }
        let Some((message, at)) = &yaml.error else { return };
        let at = from + at;
        sink.warn("card-yaml", format!("broken YAML: {message}; reading goes on at the next key"), Some((at, at)));
        let next = lines(text, at.max(from)).find(|(start, line)| *start > at && *start < end && is_top_key(line));
        match next {
            Some((start, _)) if start > from => from = start,
            _ => return,
        }
    }
}

/// `license: …` at the beginning of a line.
fn is_top_key(line: &str) -> bool {
    let name = line.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-').count();
    name > 0 && line.as_bytes().get(name) == Some(&b':') && line.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
}

/// Members of the front matter on their way to becoming facts.
struct Card<'c, 's> {
    yaml: &'c Yaml,
    /// Offset of the YAML in the file.
    base: usize,
    sink: &'c mut Sink<'s>,
    keys: &'c mut BTreeSet<String>,
}

impl Card<'_, '_> {
    fn members(&mut self, root: Id) {
        let yaml = self.yaml;
        for (key, id) in yaml.members(root) {
            if self.sink.is_full() {
                return;
            }
            if self.keys.len() < 4096 && !self.keys.insert(key.to_owned()) {
                let place = self.place(id);
                let message = format!("the key `{key}` stands twice: both values are kept");
                self.sink.warn("card-duplicate-key", message, place);
            }
            self.member(key, id);
        }
        if let Some(from) = yaml.get(root, "<<") {
            self.merged(root, from);
        }
    }

    /// YAML's merge key: members of other mappings, where the mapping itself has none of that name.
    fn merged(&mut self, root: Id, from: Id) {
        let yaml = self.yaml;
        let own: BTreeSet<&str> = yaml.members(root).map(|(key, _)| key).collect();
        let several = yaml.items(from).iter().copied().take(MERGED_MAX);
        for map in std::iter::once(from).chain(several) {
            for (key, id) in yaml.members(map).take(MEMBERS_MAX) {
                if self.sink.is_full() {
                    return;
                }
                if !own.contains(key) {
                    self.member(key, id);
                }
            }
        }
    }

    fn member(&mut self, key: &str, id: Id) {
        let kind = match key {
            "license" => FactKind::LicenseTag,
            "license_name" => FactKind::LicenseName,
            "license_link" => FactKind::LicenseLink,
            "base_model" => FactKind::BaseModel,
            "base_model_relation" => FactKind::BaseModelRelation,
            "datasets" => FactKind::Dataset,
            "tags" | "library_name" => FactKind::Tag,
            "pipeline_tag" => FactKind::Task,
            "model_name" => FactKind::Name,
            "quantized_by" => FactKind::QuantizedBy,
            "extra_gated_prompt" => FactKind::Gated,
            "dataset_info" | "task_categories" | "size_categories" | "annotations_creators" | "sdk" | "app_file" => {
                self.sink.out.not_a_model = true;
                return;
            }
            _ => return,
        };
        // any page may have tags; these say that it is a model's
        let says_model = matches!(
            key,
            "license"
                | "base_model"
                | "base_model_relation"
                | "pipeline_tag"
                | "library_name"
                | "model_name"
                | "quantized_by"
        );
        self.sink.out.model_file |= says_model;
        self.value(kind, key, id);
    }

    fn value(&mut self, kind: FactKind, key: &str, id: Id) {
        let yaml = self.yaml;
        if let Some((text, _)) = yaml.scalar(id) {
            let place = self.place(id);
            self.sink.fact(kind, text, key, place);
        }
        for (i, item) in yaml.items(id).iter().enumerate() {
            if self.sink.is_full() {
                return;
            }
            // `datasets: [{name: …}]` and `base_model: [{name: …}]` are seen in the wild
            let named = yaml.get(*item, "name").or(yaml.get(*item, "id")).unwrap_or(*item);
            match yaml.scalar(named) {
                Some((text, _)) => {
                    let place = self.place(named);
                    self.sink.fact(kind, text, &format!("{key}[{i}]"), place);
                }
                None if kind == FactKind::LicenseTag || kind == FactKind::BaseModel => self.odd(key, *item),
                None => {}
            }
        }
        if !yaml.pairs(id).is_empty() {
            self.odd(key, id);
        }
    }

    fn odd(&mut self, key: &str, id: Id) {
        let place = self.place(id);
        self.sink.warn(
            "card-value",
            format!("`{key}` holds neither a text nor a list of texts: it states nothing"),
            place,
        );
    }

    fn place(&self, id: Id) -> Option<(usize, usize)> {
        self.yaml.node(id).map(|n| (self.base + n.bytes.0, self.base + n.bytes.1))
    }
}

/// The language that a fence names, whatever dots, colons and braces stand around it (`.yaml:`, `{yaml}`, `yaml title=x`).
fn language(info: &str) -> String {
    let word = info.split(|c: char| !c.is_ascii_alphanumeric()).find(|w| !w.is_empty());
    word.unwrap_or_default().to_ascii_lowercase()
}

/// Merge recipes stand in fenced blocks of the body, more complete than the front matter.
fn recipes(text: &str, body: usize, sink: &mut Sink<'_>) {
    let mut open: Option<(&str, usize)> = None;
    for (at, line) in lines(text, body) {
        let bare = line.trim();
        match open {
            None => {
                let fence = if bare.starts_with("```") { "```" } else { "~~~" };
                let info = bare.strip_prefix(fence).map(language);
                if info.is_some_and(|i| matches!(i.as_str(), "" | "yaml" | "yml")) {
                    open = Some((fence, at + line.len()));
                } else if bare.starts_with(fence) {
                    // another language: its end must not be taken for a beginning
                    open = Some((fence, usize::MAX));
                }
            }
            Some((fence, start)) if bare.starts_with(fence) && bare.trim_start_matches(['`', '~']).is_empty() => {
                open = None;
                let block = text.get(start..at).unwrap_or_default();
                if merge::is_recipe(block) {
                    merge::read(block, start, sink);
                }
            }
            Some(_) => {}
        }
    }
}
