//! The API as OpenAPI 3.1, made from the table of routes.

use serde_json::{Map, Value, json};

use crate::routes::{Gives, Route, Takes, Who, by_path};

fn answer(says: &str, kind: &str, schema: &Value) -> Value {
    json!({"description": says, "content": {kind: {"schema": schema}}})
}

fn problem(says: &str) -> Value {
    answer(says, crate::call::PROBLEM, &json!({"$ref": "#/components/schemas/Problem"}))
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut out = Vec::new();
    for part in route.path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')) {
        let schema = match part {
            "step" => json!({"enum": freehold_governance::STEPS.iter().map(|(w, _, _)| *w).collect::<Vec<_>>()}),
            "index" => json!({"type": "integer", "minimum": 0}),
            _ => json!({"type": "string", "minLength": 1}),
        };
        out.push(json!({"name": part, "in": "path", "required": true, "schema": schema}));
    }
    for (name, kind, says) in route.query {
        let schema = match *kind {
            "count" => json!({"type": "integer", "minimum": 1, "maximum": 1000}),
            "day" => json!({"type": "string", "format": "date"}),
            "text" => json!({"type": "string", "maxLength": 2000}),
            words => json!({"enum": words.split('|').collect::<Vec<_>>()}),
        };
        out.push(json!({"name": name, "in": "query", "description": says, "schema": schema}));
    }
    if route.takes_key() {
        out.push(json!({"name": "Idempotency-Key", "in": "header", "description": "the same key and body get the same answer for a day", "schema": {"type": "string", "maxLength": 255}}));
    }
    if route.path.contains("/records/{id}") && route.method == "POST" {
        out.push(json!({"name": "If-Match", "in": "header", "description": "only on this revision", "schema": {"type": "string"}}));
    }
    out
}

fn operation(route: &Route) -> Value {
    let mut answers = Map::new();
    let mut put = |status: &str, value: Value| {
        answers.insert(status.to_string(), value);
    };
    match route.gives {
        Gives::Json(status, schema) => put(&status.to_string(), answer("as asked", crate::call::JSON, &schema())),
        Gives::Raw(kind) => {
            put("200", answer("as asked", kind.split(';').next().unwrap_or(kind), &json!({"type": "string"})))
        }
        Gives::Empty => put("204", json!({"description": "done"})),
        Gives::Page => {}
    }
    if route.method == "GET" {
        put("304", json!({"description": "what `if-none-match` names is still so"}));
    }
    put("400", problem("it cannot be read"));
    if route.who != Who::Nobody {
        put("401", problem("it is not known who asks"));
        put("403", problem("whoever asks may not"));
    }
    put("404", problem("it is not there"));
    if route.method != "GET" || route.path.contains("/records/{id}") {
        put("409", problem("it stands against what is there"));
        put("412", problem("it was changed since it was read"));
        put("422", problem("it is nothing that can be done"));
    }
    if !matches!(route.takes, Takes::Nothing) {
        put("408", problem("it was not sent in time"));
        put("413", problem("it is too large"));
        put("415", problem("it is of another kind"));
    }
    put("421", problem("this server does not go by that name"));
    put("429", problem("too many requests"));
    put("503", problem("the register cannot be reached, or is busy"));
    let mut out = json!({
        "summary": route.says,
        "tags": [route.tag],
        "operationId": format!("{}{}", route.method.to_lowercase(), route.path.replace(['/', '{', '}', '-', '.'], "_")),
        "parameters": parameters(route),
        "responses": answers,
    });
    let body = match route.takes {
        Takes::Json(schema) => Some(json!({"required": true, "content": {"application/json": {"schema": schema()}}})),
        Takes::Raw(kind) => Some(json!({"required": true, "content": {kind: {"schema": {"type": "string"}}}})),
        _ => None,
    };
    if let Some(body) = body {
        out["requestBody"] = body;
    }
    match route.who {
        Who::Nobody => out["security"] = json!([]),
        Who::Anybody => out["x-freehold-scope"] = json!(route.scope),
        Who::Roles(roles) => {
            out["x-freehold-scope"] = json!(route.scope);
            out["x-freehold-roles"] = json!(roles);
        }
    }
    out
}

/// The document; `url` is where the API is.
pub(crate) fn document(url: &str) -> Value {
    let mut paths = Map::new();
    for (path, routes) in by_path() {
        let mut methods = Map::new();
        for r in routes.iter().chain([&crate::runs::EVENTS]).filter(|r| !r.is_page() && r.path == path) {
            methods.insert(r.method.to_lowercase(), operation(r));
        }
        if !methods.is_empty() {
            paths.insert(path.to_string(), Value::Object(methods));
        }
    }
    paths.insert(crate::runs::EVENTS.path.to_string(), json!({"get": operation(&crate::runs::EVENTS)}));
    let mut assessment = schemars::schema_for!(freehold_wire::Assessment).to_value();
    let definitions = assessment.as_object_mut().and_then(|o| o.remove("$defs")).unwrap_or_default();
    let mut schemas = Map::new();
    if let Some(o) = assessment.as_object_mut() {
        o.remove("$schema");
    }
    schemas.insert("Assessment".into(), assessment);
    for (name, schema) in definitions.as_object().into_iter().flatten() {
        schemas.insert(name.clone(), schema.clone());
    }
    schemas.insert(
        "Problem".into(),
        json!({
            "type": "object", "description": "RFC 9457", "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}, "fix": {"type": "string"},
                "errors": {"type": "array", "items": {"type": "object", "properties": {"about": {"type": "string"}, "says": {"type": "string"}, "fix": {"type": "string"}}}},
            },
        }),
    );
    let text = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Freehold", "version": env!("CARGO_PKG_VERSION"),
            "summary": "may we ship this model the way we want to, and what do we owe if we do",
            "description": "Verdicts are readings of license texts on stated facts, each with its clause; no legal advice.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "an API token, made under settings"}},
        },
    })
    .to_string();
    // definitions of the assessment's schema are components here
    serde_json::from_str(&text.replace("#/$defs/", "#/components/schemas/")).unwrap_or_default()
}
