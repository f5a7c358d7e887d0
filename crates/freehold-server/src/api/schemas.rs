//! Schemas of what the API takes and gives (JSON Schema 2020-12, as OpenAPI 3.1 takes it).

use serde_json::{Value, json};

/// An object of no fixed shape; its `schema` says which it is.
pub(crate) fn object() -> Value {
    json!({"type": "object"})
}

fn text(max: u32) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max})
}

fn open_object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

fn facts_schema() -> Value {
    json!({"type": "object", "description": "facts by their names, as /api/v1/facts lists them; null takes one back", "additionalProperties": true})
}

pub(crate) fn assessment() -> Value {
    json!({"$ref": "#/components/schemas/Assessment"})
}

pub(crate) fn assessments() -> Value {
    open_object(&["assessments"], json!({"assessments": {"type": "array", "items": assessment()}}))
}

pub(crate) fn question() -> Value {
    json!({
        "type": "object",
        "description": "a model by its id (`model`, `finetune`, `name`) or a `case`, as `freehold assess` reads it",
        "properties": {
            "model": text(512), "finetune": {"type": "boolean"}, "name": text(512), "case": {"type": "object"},
            "facts": facts_schema(), "as_of": {"type": "string", "format": "date"},
        },
        "anyOf": [{"required": ["model"]}, {"required": ["case"]}],
    })
}

pub(crate) fn what_if() -> Value {
    let mut out = question();
    out["properties"]["change"] = facts_schema();
    out["properties"]["swap_base"] = text(512);
    out
}

pub(crate) fn advice() -> Value {
    let words = json!({"type": "array", "items": {"type": "string"}});
    let count = json!({"type": ["string", "integer"], "description": "8B, 128k, 24GB, or a number"});
    let weight = json!({"type": "number", "minimum": 0, "maximum": 1000});
    json!({
        "type": "object",
        "properties": {
            "needs": {"type": "object", "properties": {
                "kinds": words, "languages": words, "takes": words, "without": words, "context": count, "min_size": count, "max_size": count,
                "memory": count, "bits": {"type": "integer", "minimum": 1, "maximum": 64}, "finetune": {"type": "boolean"}, "no_use_policy": {"type": "boolean"},
            }},
            "weights": {"type": "object", "properties": {"simplicity": weight, "multilingual": weight, "quality": weight, "size": weight}},
            "scores": {"type": "string", "description": "CSV with model,name,score, or results of lm-evaluation-harness"},
            "facts": facts_schema(), "as_of": {"type": "string", "format": "date"},
        },
    })
}

fn page_of(key: &str, item: Value) -> Value {
    open_object(&[key, "next"], json!({key: {"type": "array", "items": item}, "next": {"type": ["string", "null"]}}))
}

pub(crate) fn licenses() -> Value {
    page_of("licenses", open_object(&["id", "name"], json!({"id": {"type": "string"}, "name": {"type": "string"}})))
}

pub(crate) fn models() -> Value {
    page_of(
        "models",
        open_object(
            &["id"],
            json!({"id": {"type": "string"}, "licenses": {"type": "array", "items": {"type": "string"}}}),
        ),
    )
}

fn row() -> Value {
    open_object(
        &["id", "name", "state"],
        json!({"id": {"type": "string"}, "name": {"type": "string"}, "state": {"type": "string"}, "verdict": {"type": ["string", "null"]},
            "licenses": {"type": "array"}, "bases": {"type": "array"}, "owner": {"type": ["string", "null"]}, "expires": {"type": "integer"}}),
    )
}

pub(crate) fn records() -> Value {
    page_of("records", row())
}

pub(crate) fn record() -> Value {
    open_object(
        &["schema", "id", "name", "state", "revision"],
        json!({"schema": {"const": "freehold.record/1"}, "id": {"type": "string"}, "name": {"type": "string"}, "state": {"type": "string"},
            "revision": {"type": "integer", "description": "how many events it has; also its etag"}}),
    )
}

pub(crate) fn new_record() -> Value {
    let mut out = question();
    out["properties"]["record"] =
        json!({"type": "string", "minLength": 1, "maxLength": 200, "description": "what the record is called"});
    out["properties"]["role"] = text(32);
    out
}

pub(crate) fn reassess_one() -> Value {
    let mut out = question();
    out["properties"]["role"] = text(32);
    if let Some(o) = out.as_object_mut() {
        o.remove("anyOf");
    }
    out
}

pub(crate) fn fact() -> Value {
    open_object(
        &["field"],
        json!({"field": text(100), "value": {"type": ["string", "null"], "maxLength": 4096}, "state": {"enum": ["known", "unknown", "not-applicable", "disputed"]},
            "source": text(200), "role": text(32)}),
    )
}

pub(crate) fn step() -> Value {
    let t = || json!({"type": "string", "maxLength": 4096});
    json!({"type": "object", "properties": {
        "role": t(), "entry": t(), "answer": t(), "reason": t(), "where": t(), "covers": t(), "says": t(), "by": t(), "comment": t(),
        "until": {"type": "string", "format": "date"}, "due": {"type": "string", "format": "date"},
        "values": {"type": "object", "additionalProperties": {"type": "string"}},
    }})
}

pub(crate) fn report() -> Value {
    open_object(
        &["says"],
        json!({"says": text(4096), "expected": {"enum": ["permitted", "permitted-with-obligations", "undetermined", "needs-review", "needs-separate-license", "prohibited"]}, "clause": text(200)}),
    )
}

pub(crate) fn impact() -> Value {
    json!({"type": "object", "properties": {"facts": facts_schema(), "as_of": {"type": "string", "format": "date"}, "state": text(40), "role": text(32)}})
}

pub(crate) fn rules() -> Value {
    open_object(
        &["rules"],
        json!({"rules": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "object"}}}),
    )
}

pub(crate) fn view() -> Value {
    open_object(
        &["query"],
        json!({"query": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 200}, "maxProperties": 10}}),
    )
}

fn roles() -> Value {
    let all: Vec<&str> = freehold_record::ROLES.iter().map(|(r, _)| *r).collect();
    json!({"type": "array", "items": {"enum": all}})
}

pub(crate) fn account() -> Value {
    open_object(
        &["login", "name", "roles"],
        json!({"login": text(128), "name": text(200), "roles": roles(), "password": {"type": "string", "minLength": 12, "maxLength": 256}}),
    )
}

pub(crate) fn account_change() -> Value {
    json!({"type": "object", "properties": {"roles": roles(), "disabled": {"type": "boolean"}, "password": {"type": "string", "minLength": 12, "maxLength": 256}}})
}

pub(crate) fn token() -> Value {
    let all: Vec<&str> = crate::people::SCOPES.iter().map(|(s, _)| *s).collect();
    open_object(
        &["name", "scopes", "days"],
        json!({"name": text(100), "scopes": {"type": "array", "minItems": 1, "items": {"enum": all}}, "days": {"type": "integer", "minimum": 1, "maximum": crate::people::TOKEN_DAYS_MAX}}),
    )
}

pub(crate) fn hook() -> Value {
    open_object(
        &["url"],
        json!({"url": {"type": "string", "format": "uri", "maxLength": 2000}, "events": {"type": "array", "items": {"type": "string"}}}),
    )
}

pub(crate) fn run() -> Value {
    open_object(
        &["recipe"],
        json!({"recipe": {"type": "string", "minLength": 1, "maxLength": 65536, "description": "a recipe in TOML, with paths below the server's studio folder"}}),
    )
}
