//! `facts.toml`: the facts that conditions may read, what a user is asked, and what silence means.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use freehold_base::Value;

use crate::document::{Node, NodeValue, Sink, Table};

/// Index of a fact in [`FactTable::facts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FactId(pub u16);

/// The type of a fact's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FactType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Number,
    /// A whole number, or numbers by month.
    History,
    /// Free text.
    Text,
    /// One word of [`FactDef::values`].
    Word,
    /// Words of [`FactDef::values`]; complete when given.
    Words,
    /// A country code, ISO 3166-1 alpha-2.
    Country,
    /// Country codes; complete when given.
    Countries,
    /// Activities; complete when given.
    Activities,
}

/// Where a fact's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FactOrigin {
    /// The user states it.
    Stated,
    /// The lineage graph and the catalog's model rows hold it.
    Graph,
    /// Read off the model that is trained on outputs.
    Student,
}

/// What silence means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Presumed {
    /// This value.
    Value(Value),
    /// The value of another fact.
    Same(FactId),
}

/// One fact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FactDef {
    /// Dotted name (`organization.country`).
    pub name: String,
    /// Type of its value.
    pub kind: FactType,
    /// Words it may have, for [`FactType::Word`] and [`FactType::Words`].
    pub values: Vec<String>,
    /// Unit of a number (`users`, `US dollars`), empty for none.
    pub unit: String,
    /// The question a person is asked.
    pub question: String,
    /// Position among the questions of `freehold init`.
    pub init: Option<i64>,
    /// What silence means, and the sentence that says so.
    pub presumed: Option<(Presumed, String)>,
    /// Where the value comes from.
    pub origin: FactOrigin,
    /// For a fact with a history: the fact that holds the figure in the month before the license's release.
    pub at_release: Option<FactId>,
    /// Words of a description that answer the question with no, with yes (for [`FactOrigin::Student`]).
    pub words_for: (Vec<String>, Vec<String>),
}

/// A sum over facts: an interval, known where all its parts are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SumDef {
    /// Dotted name (`group.monthly_active_users`).
    pub name: String,
    /// Parts, each divided by a whole number.
    pub parts: Vec<(FactId, i64)>,
}

/// Everything `facts.toml` says, but for `[define]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FactTable {
    /// Facts, in the file's order.
    pub facts: Vec<FactDef>,
    /// Sums.
    pub sums: Vec<SumDef>,
    by_name: BTreeMap<String, FactId>,
    sums_by_name: BTreeMap<String, u16>,
}

impl FactTable {
    /// The fact with this name.
    pub fn find(&self, name: &str) -> Option<FactId> {
        self.by_name.get(name).copied()
    }

    /// The sum with this name, as an index into [`FactTable::sums`].
    pub fn find_sum(&self, name: &str) -> Option<u16> {
        self.sums_by_name.get(name).copied()
    }

    /// A fact by its id.
    pub fn get(&self, id: FactId) -> &FactDef {
        &self.facts[usize::from(id.0)]
    }

    /// Ids and facts.
    pub fn iter(&self) -> impl Iterator<Item = (FactId, &FactDef)> {
        self.facts.iter().enumerate().map(|(i, f)| (FactId(u16::try_from(i).unwrap_or(u16::MAX)), f))
    }

    /// The table with more facts behind its own, whose ids stay: for a language over more names than the catalog's.
    pub fn extended(&self, more: impl IntoIterator<Item = FactDef>) -> FactTable {
        let mut table = self.clone();
        for fact in more {
            let id = FactId(u16::try_from(table.facts.len()).unwrap_or(u16::MAX));
            table.by_name.insert(fact.name.clone(), id);
            table.facts.push(fact);
        }
        table
    }

    /// Every name that a condition may use, for "did you mean".
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.by_name.keys().chain(self.sums_by_name.keys()).map(String::as_str)
    }

    /// Reads the file; returns the table and the `[define]` entries with their places.
    pub(crate) fn load(root: &Node, sink: &Sink<'_>) -> (FactTable, Vec<(String, crate::document::Spanned)>) {
        let mut table = FactTable::default();
        let mut defines = Vec::new();
        let Some(top) = Table::open(root, "facts.toml", sink) else { return (table, defines) };
        top.need("schema");
        if let Some(define) = top.table("define") {
            for (key, node) in define.entries() {
                if let NodeValue::Text(t) = &node.value {
                    defines.push((key.name.clone(), crate::document::Spanned { text: t.clone(), span: node.span }));
                } else {
                    sink.error("wrong-type", node.span, "a definition must be a condition in quotes");
                }
            }
        }
        let rows = top.tables("fact");
        for row in &rows {
            let name = row.need("name");
            let id = FactId(u16::try_from(table.facts.len()).unwrap_or(u16::MAX));
            if table.by_name.insert(name.text, id).is_some() {
                sink.error("duplicate", name.span, "a fact with this name exists already");
            }
            table.facts.push(fact_def(row));
        }
        for (i, row) in rows.into_iter().enumerate() {
            let presumed = presumed(&row, &table, i);
            let at_release = table.find(&format!("{}_at_license_release", table.facts[i].name));
            let def = &mut table.facts[i];
            def.presumed = presumed;
            if def.kind == FactType::History {
                def.at_release = at_release;
            }
            row.finish();
        }
        for row in top.tables("sum") {
            let name = row.need("name");
            let parts = row.list("of").iter().filter_map(|n| sum_part(n, &table, sink)).collect();
            let index = u16::try_from(table.sums.len()).unwrap_or(u16::MAX);
            table.sums_by_name.insert(name.text.clone(), index);
            table.sums.push(SumDef { name: name.text, parts });
            row.finish();
        }
        top.finish();
        (table, defines)
    }
}

fn fact_def(row: &Table<'_, '_>) -> FactDef {
    const TYPES: &[&str] =
        &["bool", "number", "history", "text", "word", "words", "country", "countries", "activities"];
    let kind = row
        .word("type", TYPES, |w| {
            Some(match w {
                "bool" => FactType::Bool,
                "number" => FactType::Number,
                "history" => FactType::History,
                "text" => FactType::Text,
                "word" => FactType::Word,
                "words" => FactType::Words,
                "country" => FactType::Country,
                "countries" => FactType::Countries,
                "activities" => FactType::Activities,
                _ => return None,
            })
        })
        .unwrap_or(FactType::Text);
    let origin = row
        .word("from", &["graph", "student"], |w| match w {
            "graph" => Some(FactOrigin::Graph),
            "student" => Some(FactOrigin::Student),
            _ => None,
        })
        .unwrap_or(FactOrigin::Stated);
    let list = |key| row.texts(key).into_iter().map(|s| s.text).collect::<Vec<_>>();
    FactDef {
        name: row.need("name").text,
        kind,
        values: list("values"),
        unit: row.text("unit").map(|t| t.text).unwrap_or_default(),
        question: row.need("question").text,
        init: row.integer("init"),
        presumed: None,
        origin,
        at_release: None,
        words_for: (list("words-for-no"), list("words-for-yes")),
    }
}

fn presumed(row: &Table<'_, '_>, table: &FactTable, index: usize) -> Option<(Presumed, String)> {
    let node = row.get("presumed")?;
    let sentence = row.need("presumption").text;
    let value = match &node.value {
        NodeValue::Bool(b) => Presumed::Value(Value::Bool(*b)),
        NodeValue::Integer(n) => Presumed::Value(Value::Number(*n)),
        NodeValue::Text(t) => match table.find(t) {
            Some(other) if usize::from(other.0) != index => Presumed::Same(other),
            _ => Presumed::Value(Value::Text(t.clone())),
        },
        _ => {
            row.sink().error("wrong-type", node.span, "`presumed` must be a value or the name of another fact");
            return None;
        }
    };
    Some((value, sentence))
}

fn sum_part(node: &Node, table: &FactTable, sink: &Sink<'_>) -> Option<(FactId, i64)> {
    let (name, divide_by) = match &node.value {
        NodeValue::Text(t) => (t.clone(), 1),
        _ => {
            let t = Table::open(node, "of", sink)?;
            let part = (t.need("fact").text, t.integer("divide-by").unwrap_or(1).max(1));
            t.finish();
            part
        }
    };
    let id = table.find(&name);
    if id.is_none() {
        sink.error("unknown-fact", node.span, format!("no fact is called `{name}`"));
    }
    id.map(|id| (id, divide_by))
}
