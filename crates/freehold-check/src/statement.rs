//! Facts as a user writes them: `[organization]` and `[use]` of a deployment file, a case, or flags.
//! Every mistake is reported, each with its place and what was probably meant.

use std::collections::BTreeMap;

use freehold_assess::Deployment;
use freehold_base::{Diagnostic, Month, Value, nearest};
use freehold_catalog::document::{Key, Node, NodeValue, Sink, Spanned, Table, unknown_word};
use freehold_catalog::{Catalog, FactDef, FactOrigin, FactType, is_country};

/// Reads every fact below `prefix` (`organization`, `use`) from a table.
pub fn read_facts(prefix: &str, node: &Node, catalog: &Catalog, sink: &Sink<'_>, deployment: &mut Deployment) {
    let Some(table) = Table::open(node, prefix, sink) else { return };
    for (key, value) in table.entries() {
        if value.value == NodeValue::Null {
            continue;
        }
        let name = format!("{prefix}.{}", key.name);
        if let Some(id) = catalog.facts.find(&name).filter(|id| catalog.facts.get(*id).origin == FactOrigin::Stated) {
            if let Some(v) = read_value(value, catalog.facts.get(id), catalog, sink) {
                deployment.set(catalog, id, Some(v));
            }
        } else if matches!(value.value, NodeValue::Table(_)) && has_facts_below(catalog, &name) {
            read_facts(&name, value, catalog, sink, deployment);
        } else {
            unknown_fact(prefix, key, catalog, sink);
        }
    }
}

fn has_facts_below(catalog: &Catalog, prefix: &str) -> bool {
    catalog.facts.facts.iter().any(|f| f.name.strip_prefix(prefix).is_some_and(|r| r.starts_with('.')))
}

fn unknown_fact(prefix: &str, key: &Key, catalog: &Catalog, sink: &Sink<'_>) {
    let stated = catalog.facts.facts.iter().filter(|f| f.origin == FactOrigin::Stated);
    let known: Vec<&str> =
        stated.filter_map(|f| f.name.strip_prefix(prefix)?.strip_prefix('.')).filter(|n| !n.contains('.')).collect();
    let message = format!("no fact is called `{prefix}.{}`", key.name);
    let elsewhere = catalog.facts.facts.iter().find(|f| f.name.rsplit('.').next() == Some(key.name.as_str()));
    let help = match (nearest(&key.name, known.iter().copied()), elsewhere) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(other)) => format!("did you mean `{}`?", other.name),
        (None, None) => format!("known: {}", known.join(", ")),
    };
    sink.error_help("unknown-fact", key.span, message, help);
}

/// Reads one value of a fact; a mistake goes to the sink.
pub fn read_value(node: &Node, fact: &FactDef, catalog: &Catalog, sink: &Sink<'_>) -> Option<Value> {
    let wrong = |wanted: &str| {
        let found = node.value.type_name();
        sink.error("wrong-type", node.span, format!("`{}` must be {wanted}, found {found}", fact.name));
        None
    };
    match (fact.kind, &node.value) {
        (FactType::Bool, NodeValue::Bool(b)) => Some(Value::Bool(*b)),
        (FactType::Bool, _) => wrong("true or false"),
        (FactType::Number | FactType::History, NodeValue::Integer(n)) => amount(*n, node, fact, sink),
        // a threshold is passed by any part of a unit: round up
        (FactType::Number | FactType::History, NodeValue::Float(f)) if f.is_finite() && *f < 1e18 => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "bounded on the line above and by the check for negatives"
            )]
            let n = f.ceil() as i64;
            amount(n, node, fact, sink)
        }
        (FactType::History, NodeValue::Table(entries)) => history(entries, fact, sink),
        (FactType::Number, _) => wrong("a whole number"),
        (FactType::History, _) => wrong("a whole number, or numbers by month (`{ \"2024-06\" = 1000 }`)"),
        (FactType::Text, NodeValue::Text(t)) => Some(Value::Text(t.clone())),
        // a plain "no" to a question that wants a description is the empty description
        (FactType::Text, NodeValue::Bool(b)) => Some(Value::Text(if *b { "yes".into() } else { String::new() })),
        (FactType::Text, _) => wrong("text"),
        (FactType::Word, NodeValue::Text(t)) => {
            word(t, node, fact, fact.values.iter().map(String::as_str).collect(), sink).map(Value::Text)
        }
        (FactType::Word, _) => wrong("one word"),
        (FactType::Country, NodeValue::Text(t)) => country(t, node, fact, sink).map(Value::Text),
        (FactType::Country, _) => wrong("a two-letter country code"),
        (FactType::Words | FactType::Countries | FactType::Activities, NodeValue::List(items)) => {
            let mut out = Vec::new();
            for item in items {
                let NodeValue::Text(t) = &item.value else {
                    sink.error("wrong-type", item.span, format!("`{}` must be a list of words", fact.name));
                    continue;
                };
                out.extend(list_word(t, item, fact, catalog, sink));
            }
            Some(Value::List(out))
        }
        // one word where a list is meant
        (FactType::Words | FactType::Countries | FactType::Activities, NodeValue::Text(t)) => {
            list_word(t, node, fact, catalog, sink).map(|w| Value::List(vec![w]))
        }
        (FactType::Words | FactType::Countries | FactType::Activities, _) => wrong("a list of words"),
    }
}

fn amount(n: i64, node: &Node, fact: &FactDef, sink: &Sink<'_>) -> Option<Value> {
    if n < 0 {
        sink.error("negative", node.span, format!("`{}` is never negative", fact.name));
        return None;
    }
    Some(Value::Number(n))
}

fn history(entries: &[(Key, Node)], fact: &FactDef, sink: &Sink<'_>) -> Option<Value> {
    let mut months = BTreeMap::new();
    for (key, node) in entries {
        match (Month::parse(&key.name), &node.value) {
            (Some(m), NodeValue::Integer(n)) if *n >= 0 => {
                months.insert(m, *n);
            }
            (None, _) => sink.error("month", key.span, format!("`{}` is not a month as \"2024-06\"", key.name)),
            _ => sink.error("wrong-type", node.span, format!("`{}` must be whole numbers by month", fact.name)),
        }
    }
    Some(Value::History(months))
}

fn list_word(t: &str, node: &Node, fact: &FactDef, catalog: &Catalog, sink: &Sink<'_>) -> Option<String> {
    match fact.kind {
        FactType::Countries => country(t, node, fact, sink),
        FactType::Activities => word(t, node, fact, catalog.activities.ids().collect(), sink),
        _ => word(t, node, fact, fact.values.iter().map(String::as_str).collect(), sink),
    }
}

fn word(t: &str, node: &Node, fact: &FactDef, known: Vec<&str>, sink: &Sink<'_>) -> Option<String> {
    if known.contains(&t) {
        return Some(t.to_string());
    }
    unknown_word(sink, &fact.name, &Spanned { text: t.to_string(), span: node.span }, known);
    None
}

fn country(t: &str, node: &Node, fact: &FactDef, sink: &Sink<'_>) -> Option<String> {
    let code = t.to_ascii_uppercase();
    let code = if code == "UK" { "GB".to_string() } else { code };
    if is_country(&code) {
        return Some(code);
    }
    let message = format!("unknown value `{t}` for `{}`", fact.name);
    sink.error_help("unknown-country", node.span, message, "give the two-letter code of ISO 3166-1, as `DE` or `US`");
    None
}

/// Reads a text (a flag's, a form's, a table's) as the fact's type; `place` says where it was written.
pub fn fact_from_text(
    place: &str,
    text: &str,
    fact: &FactDef,
    catalog: &Catalog,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let sink = Sink::new(place, text);
    let node = text_node(text, fact);
    let value = read_value(&node, fact, catalog, &sink);
    mistakes.extend(sink.into_diagnostics());
    value
}

fn text_node(text: &str, fact: &FactDef) -> Node {
    let span = (0, text.len());
    let word = |t: &str| Node { value: NodeValue::Text(t.trim().to_string()), span };
    let number = |t: &str| t.trim().replace([',', '_'], "").parse::<i64>().ok();
    let value = match fact.kind {
        FactType::Bool => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "y" => NodeValue::Bool(true),
            "no" | "false" | "n" => NodeValue::Bool(false),
            _ => NodeValue::Text(text.into()),
        },
        FactType::Number | FactType::History if number(text).is_some() => NodeValue::Integer(number(text).unwrap_or(0)),
        FactType::History if text.contains('=') => {
            let entry = |part: &str| {
                let (month, n) = part.split_once('=')?;
                let value = number(n).map_or_else(|| NodeValue::Text(n.into()), NodeValue::Integer);
                Some((Key { name: month.trim().into(), span }, Node { value, span }))
            };
            NodeValue::Table(text.split(',').filter_map(entry).collect())
        }
        FactType::Words | FactType::Activities | FactType::Countries => {
            let none = text.trim().is_empty() || text.trim() == "none";
            NodeValue::List(if none { Vec::new() } else { text.split(',').map(word).collect() })
        }
        _ => NodeValue::Text(text.into()),
    };
    Node { value, span }
}
