//! YAML as a flat arena with byte ranges, built from a pull parser's events: nesting and size are bounded, an alias is
//! an index and is never copied.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Deepest nesting that is read; merge recipes need eight levels.
const DEPTH_MAX: usize = 64;
/// Most nodes that are read.
const NODES_MAX: usize = 200_000;

/// Index of a node.
pub(crate) type Id = usize;

/// What a node is.
#[derive(Debug)]
pub(crate) enum Value {
    /// A scalar; `plain` where it was written without quotes (then `null` and `~` mean nothing).
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Id>),
    Map(Vec<(Id, Id)>),
}

/// A node and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// Byte range in the text, end exclusive.
    pub(crate) bytes: (usize, usize),
}

/// What could be read of a text.
#[derive(Debug, Default)]
pub(crate) struct Yaml {
    nodes: Vec<Node>,
    /// One for each document.
    pub(crate) documents: Vec<Id>,
    /// What ended the reading early, and at which byte.
    pub(crate) error: Option<(String, usize)>,
}

/// An open collection.
struct Open {
    id: Id,
    key: Option<Id>,
}

/// Byte offsets of characters: the identity for ASCII.
struct Offsets {
    bytes: Option<Vec<u32>>,
    len: usize,
}

impl Offsets {
    fn new(text: &str) -> Offsets {
        let table = || text.char_indices().map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect();
        Offsets { bytes: (!text.is_ascii()).then(table), len: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        let Some(table) = &self.bytes else { return character.min(self.len) };
        table.get(character).map_or(self.len, |at| usize::try_from(*at).unwrap_or(self.len))
    }
}

impl Yaml {
    /// Reads all documents of `text`, as far as they can be read.
    pub(crate) fn read(text: &str) -> Yaml {
        let offsets = Offsets::new(text);
        let mut yaml = Yaml::default();
        let mut open: Vec<Open> = Vec::new();
        let mut anchors: BTreeMap<usize, Id> = BTreeMap::new();
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            let (event, span) = match next {
                Ok(e) => e,
                Err(e) => {
                    yaml.error = Some((e.info().to_owned(), offsets.byte(e.marker().index())));
                    break;
                }
            };
            let bytes = (offsets.byte(span.start.index()), offsets.byte(span.end.index()));
            if open.len() > DEPTH_MAX || yaml.nodes.len() > NODES_MAX {
                yaml.error = Some(("nested too deep or too long, the rest is not read".to_owned(), bytes.0));
                break;
            }
            yaml.event(event, bytes, &mut open, &mut anchors);
        }
        yaml
    }

    fn event(
        &mut self,
        event: Event<'_>,
        bytes: (usize, usize),
        open: &mut Vec<Open>,
        anchors: &mut BTreeMap<usize, Id>,
    ) {
        let (value, anchor, opens) = match event {
            Event::Scalar(text, style, anchor, _) => {
                (Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }, anchor, false)
            }
            Event::SequenceStart(anchor, _) => (Value::List(Vec::new()), anchor, true),
            Event::MappingStart(anchor, _) => (Value::Map(Vec::new()), anchor, true),
            Event::Alias(anchor) => {
                if let Some(id) = anchors.get(&anchor).copied() {
                    self.attach(id, open);
                }
                return;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(node) = open.pop().and_then(|o| self.nodes.get_mut(o.id)) {
                    node.bytes.1 = bytes.1.max(node.bytes.0);
                }
                return;
            }
            _ => return,
        };
        let id = self.nodes.len();
        self.nodes.push(Node { value, bytes });
        if anchor != 0 {
            anchors.insert(anchor, id);
        }
        self.attach(id, open);
        if opens {
            open.push(Open { id, key: None });
        }
    }

    /// Puts a node into the collection that is open, or makes it a document.
    fn attach(&mut self, id: Id, open: &mut [Open]) {
        let Some(parent) = open.last_mut() else {
            self.documents.push(id);
            return;
        };
        match self.nodes.get_mut(parent.id).map(|n| &mut n.value) {
            Some(Value::List(items)) => items.push(id),
            Some(Value::Map(pairs)) => match parent.key.take() {
                Some(key) => pairs.push((key, id)),
                None => parent.key = Some(id),
            },
            _ => {}
        }
    }

    /// The node.
    pub(crate) fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// Text and place of a scalar that says something: not `null`, not empty.
    pub(crate) fn scalar(&self, id: Id) -> Option<(&str, (usize, usize))> {
        let node = self.nodes.get(id)?;
        match &node.value {
            Value::Scalar { text, plain } if !(*plain && is_null(text)) => Some((text, node.bytes)),
            _ => None,
        }
    }

    /// Elements of a list; nothing for another node.
    pub(crate) fn items(&self, id: Id) -> &[Id] {
        match self.nodes.get(id).map(|n| &n.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// Members of a mapping; nothing for another node.
    pub(crate) fn pairs(&self, id: Id) -> &[(Id, Id)] {
        match self.nodes.get(id).map(|n| &n.value) {
            Some(Value::Map(pairs)) => pairs,
            _ => &[],
        }
    }

    /// Members with a text as key.
    pub(crate) fn members(&self, id: Id) -> impl Iterator<Item = (&str, Id)> {
        self.pairs(id).iter().filter_map(|(k, v)| match self.nodes.get(*k).map(|n| &n.value) {
            Some(Value::Scalar { text, .. }) => Some((text.as_str(), *v)),
            _ => None,
        })
    }

    /// The first member of this name.
    pub(crate) fn get(&self, id: Id, key: &str) -> Option<Id> {
        self.members(id).find(|(k, _)| *k == key).map(|(_, v)| v)
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get<'y>(yaml: &'y Yaml, text: &'y str, key: &str) -> (&'y str, &'y str) {
        let id = yaml.get(yaml.documents[0], key).unwrap();
        let (value, (s, e)) = yaml.scalar(id).unwrap();
        (value, &text[s..e])
    }

    #[test]
    fn places_are_bytes_even_behind_other_alphabets() {
        let text = "title: 日本語モデル\r\nlicense: \"apache-2.0\"\r\nname: é'é\n";
        let yaml = Yaml::read(text);
        assert_eq!(get(&yaml, text, "license"), ("apache-2.0", "\"apache-2.0\""));
        assert_eq!(get(&yaml, text, "title"), ("日本語モデル", "日本語モデル"));
        assert_eq!(get(&yaml, text, "name"), ("é'é", "é'é"));
    }

    #[test]
    fn what_precedes_a_mistake_is_kept() {
        let yaml = Yaml::read("license: mit\nbase_model: [a/b, c/d\nx: {y: ]\n");
        assert!(yaml.error.is_some());
        assert_eq!(yaml.get(yaml.documents[0], "license").and_then(|id| yaml.scalar(id)).unwrap().0, "mit");
    }

    #[test]
    fn aliases_are_shared_and_depth_is_bounded() {
        let yaml = Yaml::read("a: &x [1, 2]\nb: *x\nc: &y {z: *y}\n");
        let (a, b) = (yaml.get(yaml.documents[0], "a").unwrap(), yaml.get(yaml.documents[0], "b").unwrap());
        assert_eq!(a, b);
        for deep in ["- ".repeat(10_000), "[".repeat(10_000), "{a: ".repeat(10_000), "? ".repeat(10_000)] {
            assert!(Yaml::read(&deep).error.is_some());
        }
    }
}
