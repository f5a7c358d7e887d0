//! A document as a tree with spans, and a reader that reports every mistake instead of the first.

use std::cell::RefCell;
use std::collections::BTreeSet;

use freehold_base::{Diagnostic, nearest};
use toml::de::{DeTable, DeValue};

/// Byte range in the document's text, end exclusive.
pub type Span = (usize, usize);

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: NodeValue,
    /// Its place.
    pub span: Span,
}

/// The kinds of value that TOML and JSON share.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    /// JSON `null`; TOML has none.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// A string.
    Text(String),
    /// A date or time, as written.
    Date(String),
    /// An array.
    List(Vec<Node>),
    /// A table; keys in the order of the document where the parser keeps it.
    Table(Vec<(Key, Node)>),
}

/// A key with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The key.
    pub name: String,
    /// Its place.
    pub span: Span,
}

impl NodeValue {
    /// The kind, as messages say it.
    pub fn type_name(&self) -> &'static str {
        match self {
            NodeValue::Null => "null",
            NodeValue::Bool(_) => "true or false",
            NodeValue::Integer(_) => "a whole number",
            NodeValue::Float(_) => "a number",
            NodeValue::Text(_) => "text",
            NodeValue::Date(_) => "a date",
            NodeValue::List(_) => "a list",
            NodeValue::Table(_) => "a table",
        }
    }
}

/// Where mistakes of one document go.
pub struct Sink<'a> {
    /// Path as the user knows it.
    pub file: &'a str,
    /// The document's text, for lines and columns.
    pub text: &'a str,
    /// The mistakes so far.
    pub diagnostics: RefCell<Vec<Diagnostic>>,
}

impl<'a> Sink<'a> {
    /// An empty sink.
    pub fn new(file: &'a str, text: &'a str) -> Sink<'a> {
        Sink { file, text, diagnostics: RefCell::new(Vec::new()) }
    }

    /// Reports a mistake at a place.
    pub fn error(&self, code: &'static str, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::error(code, message), span);
    }

    /// Reports a mistake at a place, with what to do.
    pub fn error_help(&self, code: &'static str, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Diagnostic::error(code, message).help(help), span);
    }

    fn push(&self, d: Diagnostic, span: Span) {
        self.diagnostics.borrow_mut().push(d.at(self.file, self.text, span.0, span.1));
    }

    /// The mistakes.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics.into_inner()
    }
}

/// Reads TOML. Syntax errors go to the sink; what could be read is returned.
pub fn parse_toml(sink: &Sink<'_>) -> Node {
    let (table, errors) = DeTable::parse_recoverable(sink.text);
    for e in errors {
        let span = e.span().unwrap_or(0..0);
        sink.error("toml-syntax", (span.start, span.end), e.message().to_lowercase().replace('\n', ", "));
    }
    let span = table.span();
    Node { value: table_value(table.get_ref()), span: (span.start, span.end) }
}

fn table_value(table: &DeTable<'_>) -> NodeValue {
    let entries = table.iter().map(|(k, v)| {
        let (ks, vs) = (k.span(), v.span());
        let key = Key { name: k.get_ref().to_string(), span: (ks.start, ks.end) };
        (key, Node { value: value(v.get_ref()), span: (vs.start, vs.end) })
    });
    NodeValue::Table(entries.collect())
}

fn value(v: &DeValue<'_>) -> NodeValue {
    match v {
        DeValue::String(s) => NodeValue::Text(s.to_string()),
        DeValue::Integer(i) => match i64::from_str_radix(&i.as_str().replace('_', ""), i.radix()) {
            Ok(n) => NodeValue::Integer(n),
            Err(_) => NodeValue::Float(f64::INFINITY),
        },
        DeValue::Float(f) => NodeValue::Float(f.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => NodeValue::Bool(*b),
        DeValue::Datetime(d) => NodeValue::Date(d.to_string()),
        DeValue::Array(a) => NodeValue::List(
            a.iter()
                .map(|v| {
                    let s = v.span();
                    Node { value: value(v.get_ref()), span: (s.start, s.end) }
                })
                .collect(),
        ),
        DeValue::Table(t) => table_value(t),
    }
}

/// A table whose keys are a closed list: what is never asked for is a mistake.
pub struct Table<'n, 's> {
    entries: &'n [(Key, Node)],
    /// Place of the table.
    pub span: Span,
    sink: &'s Sink<'s>,
    asked: RefCell<BTreeSet<&'static str>>,
}

/// A string with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned {
    /// The string.
    pub text: String,
    /// Its place.
    pub span: Span,
}

impl<'n, 's> Table<'n, 's> {
    /// Opens a node as a table; anything else is a mistake.
    pub fn open(node: &'n Node, what: &str, sink: &'s Sink<'s>) -> Option<Table<'n, 's>> {
        match &node.value {
            NodeValue::Table(entries) => {
                Some(Table { entries, span: node.span, sink, asked: RefCell::new(BTreeSet::new()) })
            }
            other => {
                sink.error("wrong-type", node.span, format!("`{what}` must be a table, found {}", other.type_name()));
                None
            }
        }
    }

    /// The node under a key. JSON `null` counts as absent.
    pub fn get(&self, key: &'static str) -> Option<&'n Node> {
        self.asked.borrow_mut().insert(key);
        self.entries.iter().find(|(k, _)| k.name == key).map(|(_, n)| n).filter(|n| n.value != NodeValue::Null)
    }

    /// All entries, for tables whose keys are data; marks them as asked for.
    pub fn entries(&self) -> &'n [(Key, Node)] {
        self.entries
    }

    fn wrong(&self, key: &str, wanted: &str, node: &Node) {
        let found = node.value.type_name();
        self.sink.error("wrong-type", node.span, format!("`{key}` must be {wanted}, found {found}"));
    }

    /// Reports a key that must be there.
    pub fn missing(&self, key: &str) {
        self.sink.error("missing-key", self.span, format!("`{key}` is missing"));
    }

    /// A string.
    pub fn text(&self, key: &'static str) -> Option<Spanned> {
        let node = self.get(key)?;
        match &node.value {
            NodeValue::Text(t) => Some(Spanned { text: t.clone(), span: node.span }),
            NodeValue::Date(d) => Some(Spanned { text: d.clone(), span: node.span }),
            _ => {
                self.wrong(key, "text", node);
                None
            }
        }
    }

    /// A string that must be there.
    pub fn need(&self, key: &'static str) -> Spanned {
        match self.text(key) {
            Some(t) => t,
            None => {
                if self.get(key).is_none() {
                    self.missing(key);
                }
                Spanned { text: String::new(), span: self.span }
            }
        }
    }

    /// `true` or `false`.
    pub fn bool(&self, key: &'static str) -> Option<bool> {
        let node = self.get(key)?;
        match node.value {
            NodeValue::Bool(b) => Some(b),
            _ => {
                self.wrong(key, "true or false", node);
                None
            }
        }
    }

    /// A whole number.
    pub fn integer(&self, key: &'static str) -> Option<i64> {
        let node = self.get(key)?;
        match node.value {
            NodeValue::Integer(i) => Some(i),
            _ => {
                self.wrong(key, "a whole number", node);
                None
            }
        }
    }

    /// A list of strings; absent = empty.
    pub fn texts(&self, key: &'static str) -> Vec<Spanned> {
        self.list(key)
            .iter()
            .filter_map(|node| match &node.value {
                NodeValue::Text(t) => Some(Spanned { text: t.clone(), span: node.span }),
                _ => {
                    self.wrong(key, "a list of text", node);
                    None
                }
            })
            .collect()
    }

    /// A list; absent = empty.
    pub fn list(&self, key: &'static str) -> &'n [Node] {
        match self.get(key) {
            None => &[],
            Some(Node { value: NodeValue::List(items), .. }) => items,
            Some(node) => {
                self.wrong(key, "a list", node);
                &[]
            }
        }
    }

    /// A list of tables (`[[key]]`); absent = empty.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'n, 's>> {
        self.list(key).iter().filter_map(|n| Table::open(n, key, self.sink)).collect()
    }

    /// A table; absent = none.
    pub fn table(&self, key: &'static str) -> Option<Table<'n, 's>> {
        self.get(key).and_then(|n| Table::open(n, key, self.sink))
    }

    /// One word of a closed list, converted by `parse`.
    pub fn word<T>(&self, key: &'static str, words: &[&'static str], parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let t = self.text(key)?;
        self.convert(key, &t, words, parse)
    }

    /// Words of a closed list, converted by `parse`; absent = empty.
    pub fn words<T>(&self, key: &'static str, words: &[&'static str], parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        self.texts(key).iter().filter_map(|t| self.convert(key, t, words, &parse)).collect()
    }

    fn convert<T>(
        &self,
        key: &str,
        t: &Spanned,
        words: &[&'static str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = parse(&t.text);
        if found.is_none() {
            unknown_word(self.sink, key, t, words.iter().copied());
        }
        found
    }

    /// Where mistakes go.
    pub fn sink(&self) -> &'s Sink<'s> {
        self.sink
    }

    /// Reports every key that was never asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries {
            if !asked.contains(key.name.as_str()) {
                let message = format!("unknown key `{}`", key.name);
                match nearest(&key.name, asked.iter().copied()) {
                    Some(near) => {
                        self.sink.error_help("unknown-key", key.span, message, format!("did you mean `{near}`?"));
                    }
                    None => {
                        let all: Vec<&str> = asked.iter().copied().collect();
                        self.sink.error_help("unknown-key", key.span, message, format!("known: {}", all.join(", ")));
                    }
                }
            }
        }
    }
}

/// Reports a word that is not in its closed list, with the nearest one or the whole list.
pub fn unknown_word<'a>(sink: &Sink<'_>, key: &str, t: &Spanned, words: impl IntoIterator<Item = &'a str> + Clone) {
    let message = format!("unknown value `{}` for `{key}`", t.text);
    let help = match nearest(&t.text, words.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let all: Vec<&str> = words.into_iter().collect();
            if all.len() > 40 {
                format!("{} values are known", all.len())
            } else {
                format!("one of: {}", all.join(", "))
            }
        }
    };
    sink.error_help("unknown-value", t.span, message, help);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let text = "idd = \"x\"\nname = 3\n";
        let sink = Sink::new("f.toml", text);
        let node = parse_toml(&sink);
        let table = Table::open(&node, "file", &sink).unwrap();
        assert_eq!(table.text("id"), None);
        assert_eq!(table.text("name"), None);
        table.finish();
        let all = sink.into_diagnostics();
        let lines: Vec<String> = all
            .iter()
            .map(|d| {
                format!(
                    "{:?} {} / {}",
                    d.label.as_ref().unwrap().position.unwrap(),
                    d.message,
                    d.help.clone().unwrap_or_default()
                )
            })
            .collect();
        assert_eq!(
            lines,
            ["(2, 8) `name` must be text, found a whole number / ", "(1, 1) unknown key `idd` / did you mean `id`?"]
        );
    }

    #[test]
    fn broken_toml_is_a_diagnostic() {
        let sink = Sink::new("f.toml", "a = [1, \nb = ");
        parse_toml(&sink);
        assert!(!sink.into_diagnostics().is_empty());
    }
}
