//! What of an assessment a decision rests on: its answer, what governs, what is owed, what is open, what was found.

use serde_json::{Map, Value, json};

/// The part of an assessment (`freehold.assessment/1`) that a decision rests on. Places and wordings are left out, so that it is
/// the same wherever the model lies.
pub fn outcome(assessment: &Value) -> Value {
    let pick = |key: &str, members: &[&str]| -> Value {
        let all = assessment[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut rows: Vec<Value> = all
            .iter()
            .map(|row| {
                let kept = members.iter().filter_map(|m| Some(((*m).to_string(), row.get(*m)?.clone())));
                Value::Object(kept.collect::<Map<String, Value>>())
            })
            .collect();
        rows.sort_by_key(Value::to_string);
        rows.dedup();
        Value::Array(rows)
    };
    json!({
        "verdict": assessment["verdict"],
        "by_access": pick("by_access", &["access", "verdict"]),
        "licenses": pick("licenses", &["work", "id", "edition", "basis", "displaced", "outbound"]),
        "obligations": pick("obligations", &["code", "license", "edition", "clause", "text", "certainty", "status", "upstream"]),
        "gaps": pick("gaps", &["kind", "license", "clause", "says"]),
        "limits": pick("limits", &["license", "clause", "to", "sure"]),
        "findings": pick("findings", &["code", "work"]),
        "assumptions": pick("assumptions", &["fact", "says"]),
        "catalog": assessment["catalog"]["version"],
    })
}

fn words(row: &Value, keys: &[&str]) -> String {
    let all: Vec<&str> = keys.iter().filter_map(|k| row[*k].as_str()).filter(|w| !w.is_empty()).collect();
    all.join(" ")
}

fn words_of(ways: &[Value]) -> Vec<String> {
    ways.iter().map(|w| words(w, &["access"])).collect()
}

/// What differs between two outcomes, a line each; empty where a decision would rest on the same. Another version of the catalog is
/// no difference by itself.
pub fn difference(before: &Value, after: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if before["verdict"] != after["verdict"] {
        let of = |v: &Value| v["verdict"].as_str().unwrap_or("none").to_string();
        out.push(format!("verdict: {}, was {}", of(after), of(before)));
    }
    let ways = |v: &Value| v["by_access"].as_array().cloned().unwrap_or_default();
    let (old_ways, new_ways) = (ways(before), ways(after));
    // of one way alone the verdict has said it
    if old_ways.len() > 1 || new_ways.len() > 1 || words_of(&old_ways) != words_of(&new_ways) {
        for way in &new_ways {
            let was = old_ways.iter().find(|w| w["access"] == way["access"]);
            match was {
                Some(was) if was["verdict"] == way["verdict"] => {}
                Some(was) => {
                    out.push(format!("{}, was {}", words(way, &["access", "verdict"]), words(was, &["verdict"])))
                }
                None => out.push(format!("+ {}", words(way, &["access", "verdict"]))),
            }
        }
        let gone = |w: &&Value| !new_ways.iter().any(|n| n["access"] == w["access"]);
        out.extend(old_ways.iter().filter(gone).map(|w| format!("- {}", words(w, &["access", "verdict"]))));
    }
    for (key, one, keys) in [
        ("licenses", "governs ", &["work", "id", "edition"][..]),
        ("obligations", "owed ", &["code", "license", "clause", "certainty", "status"]),
        ("gaps", "open ", &["license", "clause", "says"]),
        ("limits", "limited by ", &["license", "clause", "to"]),
        ("findings", "found ", &["code", "work"]),
        ("assumptions", "assumed ", &["fact"]),
    ] {
        let rows = |v: &Value| v[key].as_array().cloned().unwrap_or_default();
        let (old, new) = (rows(before), rows(after));
        out.extend(new.iter().filter(|r| !old.contains(r)).map(|r| format!("+ {one}{}", words(r, keys))));
        out.extend(old.iter().filter(|r| !new.contains(r)).map(|r| format!("- {one}{}", words(r, keys))));
    }
    out
}
