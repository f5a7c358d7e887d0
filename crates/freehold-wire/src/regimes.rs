//! What regimes ask of a governance record, and where it answers: tables of coverage, from dated files of their own
//! (`catalog/regimes/`). They never enter a verdict.

use freehold_base::{Diagnostic, amount};
use freehold_catalog::document::{Sink, Table, parse_toml};
use freehold_catalog::{Catalog, Openness};
use serde_json::Value;

/// The files, each a regime.
const FILES: &[(&str, &str)] = &[
    ("eu-ai-act-annex-xi.toml", include_str!("../../../catalog/regimes/eu-ai-act-annex-xi.toml")),
    ("eu-ai-act-annex-xii.toml", include_str!("../../../catalog/regimes/eu-ai-act-annex-xii.toml")),
    ("eu-gpai-guidelines.toml", include_str!("../../../catalog/regimes/eu-gpai-guidelines.toml")),
    ("us-ca-ab-2013.toml", include_str!("../../../catalog/regimes/us-ca-ab-2013.toml")),
    ("us-nist-ai-600-1.toml", include_str!("../../../catalog/regimes/us-nist-ai-600-1.toml")),
    ("iso-42001.toml", include_str!("../../../catalog/regimes/iso-42001.toml")),
];
/// The form of such a file.
const SCHEMA: &str = "freehold.record-regime/1";

/// How a record answers one point of a regime, or a test comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// The record holds it.
    Held,
    /// It holds it for some of its datasets.
    Partly,
    /// Somebody said that it is not known.
    SaidUnknown,
    /// Nobody said anything.
    Missing,
    /// Said not to apply.
    NotApplicable,
    /// No part of a record: kept elsewhere.
    Elsewhere,
    /// A test is met.
    Met,
    /// A test is not met.
    NotMet,
    /// A test cannot be told, for want of a fact or since the texts leave it open.
    CannotTell,
}

impl Answer {
    /// The word that a person reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Answer::Held => "held",
            Answer::Partly => "partly",
            Answer::SaidUnknown => "said to be unknown",
            Answer::Missing => "missing",
            Answer::NotApplicable => "not applicable",
            Answer::Elsewhere => "elsewhere",
            Answer::Met => "yes",
            Answer::NotMet => "no",
            Answer::CannotTell => "cannot be told",
        }
    }
}

/// A point of a regime and what the record says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegimeRow {
    /// The point, as the regime numbers it.
    pub id: String,
    /// What it asks, in our words.
    pub name: String,
    /// The answer.
    pub answer: Answer,
    /// The values, or why; on one line.
    pub says: String,
}

/// A regime, and how a record answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegimeTable {
    /// `eu-ai-act-annex-xi`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The day of the text, `YYYY-MM-DD`.
    pub date: String,
    /// Law, guidance, standard; since when.
    pub status: String,
    /// What of it was read.
    pub read_as: String,
    /// When that was.
    pub checked: String,
    /// Points and tests, in the order of the file.
    pub rows: Vec<RegimeRow>,
}

/// The day that a document states.
fn day(table: &Table<'_, '_>, key: &'static str) -> String {
    use freehold_catalog::document::NodeValue;
    match table.get(key).map(|n| &n.value) {
        Some(NodeValue::Date(d) | NodeValue::Text(d)) => d.clone(),
        _ => {
            table.missing(key);
            String::new()
        }
    }
}

/// How a record (`freehold.record/1`) answers every regime; `catalog` knows the licenses that it names.
///
/// # Errors
/// Mistakes of the files of this build.
pub fn regimes(record: &Value, catalog: &Catalog) -> Result<Vec<RegimeTable>, Vec<Diagnostic>> {
    let mut out = Vec::with_capacity(FILES.len());
    let mut mistakes = Vec::new();
    for (file, text) in FILES {
        let sink = Sink::new(file, text);
        let node = parse_toml(&sink);
        if let Some(top) = Table::open(&node, file, &sink) {
            out.extend(one(&top, record, catalog, &sink));
        }
        mistakes.extend(sink.into_diagnostics());
    }
    if mistakes.is_empty() { Ok(out) } else { Err(mistakes) }
}

fn one(top: &Table<'_, '_>, record: &Value, catalog: &Catalog, sink: &Sink<'_>) -> Option<RegimeTable> {
    let schema = top.need("schema");
    if schema.text != SCHEMA {
        sink.error("schema", schema.span, format!("`schema` must be `{SCHEMA}`"));
    }
    let head = top.table("regime")?;
    let text = |key: &'static str| head.need(key).text;
    let mut table = RegimeTable {
        id: text("id"),
        name: text("name"),
        date: day(&head, "date"),
        status: text("status"),
        read_as: text("read-as"),
        checked: day(&head, "checked"),
        rows: Vec::new(),
    };
    head.need("publisher");
    head.need("source");
    head.finish();
    for row in top.tables("element") {
        let (id, name) = (row.need("id").text, row.need("name").text);
        let fill = row.text("fill").map(|t| t.text);
        let (answer, says) = match row.text("elsewhere") {
            Some(where_) => (Answer::Elsewhere, where_.text),
            None => {
                let (answer, says) = held(&row.texts("from").into_iter().map(|t| t.text).collect::<Vec<_>>(), record);
                (answer, if answer == Answer::Missing { fill.unwrap_or(says) } else { says })
            }
        };
        row.finish();
        table.rows.push(RegimeRow { id, name, answer, says });
    }
    let percent = top.table("uncertainty").map(|t| {
        t.need("paragraph");
        let percent = t.integer("percent").unwrap_or(0);
        t.finish();
        percent
    });
    for row in top.tables("test") {
        let (id, name) = (row.need("id").text, row.need("name").text);
        let kind = row.need("kind");
        let (answer, says) = match kind.text.as_str() {
            "indicator" => indicator(&row, record, percent.unwrap_or(0)),
            "share" => share(&row, record, percent.unwrap_or(0)),
            "license" => license(record, catalog),
            "answer" => answered(&row, record),
            other => {
                sink.error("unknown-word", kind.span, format!("`{other}` is no kind of test"));
                (Answer::CannotTell, String::new())
            }
        };
        row.finish();
        table.rows.push(RegimeRow { id, name, answer, says });
    }
    for row in top.tables("vector") {
        row.need("product");
        row.need("flop");
        row.finish();
    }
    Some(table)
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        Value::Array(all) => all.iter().map(words).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// What a record says of one path. `?` at its end: it is told where it is there, and not missed where it is not.
fn path(path: &str, record: &Value) -> Option<(Answer, String)> {
    let (name, optional) = path.strip_suffix('?').map_or((path, false), |p| (p, true));
    let found = match name.split_once('.') {
        Some(("datasets", key)) => datasets(key, record),
        Some(("deployment", fact)) => match &record["deployment"][fact] {
            Value::Null => (Answer::Missing, format!("{fact} is not stated")),
            // nobody outside gets at it
            Value::Array(all) if all.is_empty() => (Answer::Held, "none".into()),
            value => (Answer::Held, words(value)),
        },
        Some(_) => {
            let fact = &record["facts"][name];
            match fact["state"].as_str() {
                Some("known") => (Answer::Held, words(&fact["value"])),
                Some("not-applicable") => (Answer::NotApplicable, words(&fact["source"])),
                Some("disputed") => (Answer::SaidUnknown, format!("{name} is disputed")),
                _ if words(&fact["source"]).is_empty() => (Answer::Missing, name.to_string()),
                _ => (Answer::SaidUnknown, format!("{name}: {}", words(&fact["source"]))),
            }
        }
        None => match name {
            "outcome" => match record["outcome"]["verdict"].as_str() {
                Some(v) => (Answer::Held, v.to_string()),
                None => (Answer::Missing, "not assessed".into()),
            },
            "events" => (Answer::Held, format!("{} events in the log", record["events"])),
            list => match record[list].as_array().map(Vec::len).unwrap_or(0) {
                0 if list == "lineage" => (Answer::NotApplicable, "made from nothing".into()),
                0 => (Answer::Missing, format!("no {list}")),
                n => {
                    let (one, many) = match list {
                        "lineage" => ("step", "steps"),
                        "clauses" => ("clause answered", "clauses answered"),
                        "approvals" => ("approval", "approvals"),
                        "attributions" => ("attribution seen", "attributions seen"),
                        other => (other, other),
                    };
                    (Answer::Held, format!("{n} {}", if n == 1 { one } else { many }))
                }
            },
        },
    };
    if optional && found.0 != Answer::Held { None } else { Some(found) }
}

fn datasets(key: &str, record: &Value) -> (Answer, String) {
    let all = record["datasets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        let used = &record["facts"]["data.used"];
        return match (used["state"].as_str(), used["value"].as_str()) {
            (Some("known"), Some("no")) => (Answer::NotApplicable, "it was trained on no data of ours".into()),
            (Some("unknown"), _) if !words(&used["source"]).is_empty() => {
                (Answer::SaidUnknown, format!("data.used: {}", words(&used["source"])))
            }
            _ => (Answer::Missing, "no dataset is in the record".into()),
        };
    }
    let said: Vec<String> = all.iter().map(|d| words(&d[key])).filter(|w| !w.is_empty()).collect();
    let unknown = said.iter().filter(|w| *w == "unknown" || *w == "not-checked").count();
    match (said.len(), all.len()) {
        (0, _) => (Answer::Missing, format!("{key} of the datasets")),
        (n, all) if n < all => (Answer::Partly, format!("{key} of {n} of {all} datasets")),
        (n, _) if unknown == n => (Answer::SaidUnknown, format!("{key} of the datasets")),
        _ => {
            let mut each = said;
            each.sort();
            each.dedup();
            (Answer::Held, each.join(", "))
        }
    }
}

/// The worst of the paths decides; what is held is told.
fn held(paths: &[String], record: &Value) -> (Answer, String) {
    let found: Vec<(Answer, String)> = paths.iter().filter_map(|p| path(p, record)).collect();
    let order = [Answer::Missing, Answer::Partly, Answer::SaidUnknown];
    for worst in order {
        let says: Vec<&str> = found.iter().filter(|(a, _)| *a == worst).map(|(_, s)| s.as_str()).collect();
        if !says.is_empty() {
            return (worst, says.join("; "));
        }
    }
    if found.iter().all(|(a, _)| *a == Answer::NotApplicable) {
        return (Answer::NotApplicable, found.first().map(|(_, s)| s.clone()).unwrap_or_default());
    }
    let says: Vec<&str> = found.iter().filter(|(a, _)| *a == Answer::Held).map(|(_, s)| s.as_str()).collect();
    (Answer::Held, says.join("; "))
}

fn known<'r>(record: &'r Value, field: &str) -> Option<&'r str> {
    let fact = &record["facts"][field];
    fact["value"].as_str().filter(|_| fact["state"] == "known")
}

fn stated(record: &Value, field: &str) -> Option<f64> {
    amount(known(record, field)?)
}

/// Whether an amount is above a limit; `None` where an estimate of that uncertainty does not settle it.
fn above(amount: f64, limit: f64, percent: i64) -> Option<bool> {
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    let margin = percent as f64 / 100.0;
    if amount * (1.0 + margin) <= limit {
        Some(false)
    } else if amount * (1.0 - margin) > limit {
        Some(true)
    } else {
        None
    }
}

fn indicator(row: &Table<'_, '_>, record: &Value, percent: i64) -> (Answer, String) {
    let (field, limit) = (row.need("amount").text, row.need("above").text);
    let word = row.text("word").map(|t| t.text);
    let words: Vec<String> = row.texts("words").into_iter().map(|t| t.text).collect();
    let limit_value = amount(&limit).unwrap_or(f64::INFINITY);
    let generates = word.as_deref().map(|w| (w, known(record, w)));
    if let Some((_, Some(says))) = generates
        && !words.iter().any(|w| w == says)
    {
        return (Answer::NotMet, format!("it generates {says}"));
    }
    match (stated(record, &field).map(|a| (a, above(a, limit_value, percent))), generates) {
        (None, _) => (Answer::CannotTell, format!("{field} is not known")),
        (Some((a, Some(false))), _) => (Answer::NotMet, format!("{a:.2e} FLOP, not above {limit}")),
        (_, Some((word, None))) => (Answer::CannotTell, format!("{word} is not known")),
        (Some((a, Some(true))), _) => (Answer::Met, format!("{a:.2e} FLOP, above {limit}")),
        (Some((a, None)), _) => (
            Answer::CannotTell,
            format!("{a:.2e} FLOP is within {percent} % of {limit}: an estimate does not settle it"),
        ),
    }
}

fn share(row: &Table<'_, '_>, record: &Value, percent: i64) -> (Answer, String) {
    let (part, whole) = (row.need("part").text, row.need("whole").text);
    let of = row.integer("share").unwrap_or(1).max(1);
    #[expect(clippy::cast_precision_loss, reason = "a small whole number")]
    let share = of as f64;
    let limit = |key: &'static str| amount(&row.need(key).text).unwrap_or(f64::INFINITY);
    let (unknown, systemic) = (limit("unknown"), limit("unknown-systemic"));
    let fact = &record["facts"][part.as_str()];
    if fact["state"] == "not-applicable" {
        return (Answer::NotMet, format!("nothing was trained: {}", words(&fact["source"])));
    }
    let Some(own) = stated(record, &part) else { return (Answer::CannotTell, format!("{part} is not known")) };
    if let Some(base) = stated(record, &whole) {
        let says = format!("{own:.2e} FLOP against 1/{of} of {base:.2e}");
        return match above(own, base / share, percent) {
            Some(true) => (Answer::Met, says),
            Some(false) => (Answer::NotMet, says),
            None => (Answer::CannotTell, format!("{says}: within {percent} %, an estimate does not settle it")),
        };
    }
    // of a base whose compute nobody knows: its class decides, and nobody may know that either
    match (above(own, unknown / share, percent), above(own, systemic / share, percent)) {
        (Some(false), _) => (
            Answer::NotMet,
            format!("{own:.2e} FLOP; the base's is not known, and 1/{of} of {unknown:.0e} is not reached"),
        ),
        (_, Some(true)) => {
            (Answer::Met, format!("{own:.2e} FLOP; the base's is not known, and 1/{of} of {systemic:.0e} is passed"))
        }
        _ => (
            Answer::CannotTell,
            format!("{own:.2e} FLOP; the base's is not known, nor whether systemic risk is presumed of it"),
        ),
    }
}

/// The license test, as the law reads each license that governs.
fn license(record: &Value, catalog: &Catalog) -> (Answer, String) {
    let concluded = known(record, "license.concluded").unwrap_or_default();
    let ids: Vec<&str> = concluded.split(',').map(str::trim).filter(|w| !w.is_empty()).collect();
    if ids.is_empty() {
        return (Answer::CannotTell, "no license is concluded".into());
    }
    let mut worst = Answer::Met;
    let mut says = Vec::new();
    for id in ids {
        let Some(l) = catalog.license_named(id).and_then(|i| catalog.licenses.get(i)) else {
            worst = if worst == Answer::NotMet { worst } else { Answer::CannotTell };
            says.push(format!("{id} is not in law"));
            continue;
        };
        let Some(test) = l.open_source.as_ref().map(|o| &o.eu) else {
            worst = if worst == Answer::NotMet { worst } else { Answer::CannotTell };
            says.push(format!("{id}: nobody has read it for this"));
            continue;
        };
        match test.test {
            Openness::Met => says.push(format!("{id}: met")),
            Openness::NotMet => {
                worst = Answer::NotMet;
                says.push(format!("{id} {}: {}", test.clause, test.why));
            }
            Openness::Unclear => {
                worst = if worst == Answer::NotMet { worst } else { Answer::CannotTell };
                says.push(format!("{id} {}: {}", test.clause, test.why));
            }
        }
    }
    (worst, says.join("; "))
}

fn answered(row: &Table<'_, '_>, record: &Value) -> (Answer, String) {
    let (field, met) = (row.need("field").text, row.need("met").text);
    match (path(&field, record), known(record, &field)) {
        (_, Some(says)) => (if says == met { Answer::Met } else { Answer::NotMet }, format!("{field}: {says}")),
        (Some((Answer::NotApplicable, why)), _) => (Answer::NotApplicable, why),
        _ => (Answer::CannotTell, format!("{field} is not known")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(facts: &[(&str, &str)]) -> Value {
        let facts: serde_json::Map<String, Value> = facts
            .iter()
            .map(|(name, value)| ((*name).to_string(), json!({"value": value, "state": "known", "source": "person"})))
            .collect();
        json!({"facts": facts, "datasets": [], "deployment": {}, "outcome": {}, "events": 3})
    }

    fn row(record: &Value, regime: &str, id: &str) -> (Answer, String) {
        let all = regimes(record, freehold_law::shared()).unwrap();
        let table = all.into_iter().find(|t| t.id == regime).unwrap();
        let row = table.rows.into_iter().find(|r| r.id == id).unwrap();
        (row.answer, row.says)
    }

    #[test]
    fn every_file_reads_and_every_path_is_a_field_or_a_list() {
        let all = regimes(&record(&[]), freehold_law::shared()).unwrap();
        assert_eq!(all.len(), FILES.len());
        for table in &all {
            assert!(table.date.len() == 10 && table.checked.len() == 10, "{}", table.id);
            assert!(!table.rows.is_empty() && !table.read_as.is_empty(), "{}", table.id);
            // an empty record answers nothing but what is kept elsewhere
            for r in &table.rows {
                let told = matches!(r.answer, Answer::Missing | Answer::Elsewhere | Answer::CannotTell);
                assert!(
                    told || ["A.6.2.8", "GV-6.1-007"].contains(&r.id.as_str()),
                    "{} {}: {:?}",
                    table.id,
                    r.id,
                    r.answer
                );
            }
        }
    }

    #[test]
    fn the_guidelines_own_examples_come_out() {
        let sink = Sink::new("f", FILES[2].1);
        let node = parse_toml(&sink);
        let top = Table::open(&node, "f", &sink).unwrap();
        let mut n = 0;
        for row in top.tables("vector") {
            let (says, flop) = (amount(&row.need("product").text).unwrap(), row.need("flop").text);
            // they round to two or three digits, and not always the same way
            let published = amount(&flop).unwrap();
            assert!((says / published - 1.0).abs() < 0.09, "{says:e} {flop}");
            n += 1;
            // a model of that compute is indicated where it is above 1e23 by more than an estimate's uncertainty
            let (answer, _) = row_of(&flop);
            let expected = match above(published, 1e23, 30) {
                Some(true) => Answer::Met,
                Some(false) => Answer::NotMet,
                None => Answer::CannotTell,
            };
            assert_eq!(answer, expected, "{flop}");
        }
        assert_eq!(n, 7);
    }

    fn row_of(flop: &str) -> (Answer, String) {
        let facts = [("base.training_flop", flop), ("base.generates", "language")];
        row(&record(&facts), "eu-gpai-guidelines", "paragraph 17")
    }

    #[test]
    fn who_trains_a_third_is_a_provider() {
        let test = |facts: &[(&str, &str)]| row(&record(facts), "eu-gpai-guidelines", "paragraphs 63 and 64");
        for (own, base, answer) in [
            ("1e23", Some("2e23"), Answer::Met),
            ("1.2e17", Some("7.2e23"), Answer::NotMet),
            ("6*8e9*2.5e6", Some("6*8e9*15e12"), Answer::NotMet),
            // exactly a third, as an estimate
            ("1e23", Some("3e23"), Answer::CannotTell),
            ("1e22", None, Answer::NotMet),
            ("1e24", None, Answer::CannotTell),
            ("1e25", None, Answer::Met),
        ] {
            let mut facts = vec![("modification.flop", own)];
            facts.extend(base.map(|b| ("base.training_flop", b)));
            assert_eq!(test(&facts).0, answer, "{own} {base:?} {:?}", test(&facts));
        }
        assert_eq!(test(&[]).0, Answer::CannotTell);
    }

    #[test]
    fn free_and_open_is_what_the_law_says_of_each_license() {
        let test = |license: &str| {
            row(&record(&[("license.concluded", license)]), "eu-gpai-guidelines", "paragraphs 78 to 84").0
        };
        for (license, answer) in [
            ("apache-2.0", Answer::Met),
            ("mit", Answer::Met),
            ("openmdw-1.0", Answer::Met),
            ("llama-3.1", Answer::NotMet),
            ("cc-by-nc-4.0", Answer::NotMet),
            ("gemma", Answer::CannotTell),
            ("apache-2.0, llama-3.1", Answer::NotMet),
            ("never-heard-of", Answer::CannotTell),
        ] {
            assert_eq!(test(license), answer, "{license}");
        }
    }

    #[test]
    fn datasets_answer_for_each_of_them() {
        let mut r = record(&[("data.used", "yes")]);
        r["datasets"] = json!([{"id": "a", "source": "x", "owner": "o"}, {"id": "b", "source": "y"}]);
        let (answer, says) = row(&r, "us-ca-ab-2013", "1");
        assert_eq!((answer, says.as_str()), (Answer::Partly, "owner of 1 of 2 datasets"));
        r["datasets"][1]["owner"] = json!("p");
        assert_eq!(row(&r, "us-ca-ab-2013", "1"), (Answer::Held, "x, y; o, p".into()));
        let none = record(&[("data.used", "no")]);
        assert_eq!(row(&none, "us-ca-ab-2013", "1").0, Answer::NotApplicable);
    }
}
