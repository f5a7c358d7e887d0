//! `freehold mcp`: the Model Context Protocol over standard input and output, for assistants in an editor. Read-only, offline, with
//! citations. The protocol is a dozen messages of JSON-RPC, so it stands here whole; its test asks with the official client.

use std::io::{BufRead as _, Read as _, Write as _};

use clap::ArgMatches;
use freehold_base::{Diagnostic, Severity};
use freehold_catalog::{Catalog, FactOrigin};
use freehold_check::{Ask, Needs, Side, Weights, advise, compare, count, fact_from_text};
use freehold_documents::Style;
use freehold_wire::Assessment;
use serde_json::{Value, json};

use super::prepare;
use crate::exit;
use crate::load::{Run, dossiers};

/// Versions of the protocol that this speaks, the newest first.
const VERSIONS: &[&str] = &["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// Longest message, in bytes.
const MESSAGE_BYTES_MAX: u64 = 16 << 20;
/// How wide what is told is.
const STYLE: Style = Style { color: false, width: 100 };

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(MESSAGE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) => return exit::CLEAR,
            Ok(_) if !line.ends_with(b"\n") && line.len() as u64 >= MESSAGE_BYTES_MAX => return exit::UNREADABLE,
            Ok(_) => {}
            Err(_) => return exit::UNREADABLE,
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = match serde_json::from_slice::<Value>(&line) {
            Ok(message) => answered(&message, &run),
            Err(_) => Some(failed(&Value::Null, -32700, "not JSON")),
        };
        if let Some(answer) = answer
            && writeln!(output, "{answer}").and_then(|()| output.flush()).is_err()
        {
            return exit::CLEAR;
        }
    }
}

fn failed(id: &Value, code: i64, says: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": says}})
}

/// The answer to a message; `None` for one that asks for none.
fn answered(message: &Value, run: &Run<'_>) -> Option<Value> {
    let method = message["method"].as_str().unwrap_or_default();
    let id = message.get("id").filter(|id| !id.is_null())?;
    let result = match method {
        "initialize" => {
            let asked = message["params"]["protocolVersion"].as_str().unwrap_or_default();
            let version = VERSIONS.iter().find(|v| **v == asked).or(VERSIONS.first());
            json!({
                "protocolVersion": version,
                "capabilities": {"tools": {"listChanged": false}},
                "serverInfo": {"name": "freehold", "version": env!("CARGO_PKG_VERSION")},
                "instructions": "Answers whether an open-weight model may be shipped in a way and what is owed then, from the license texts, clause by clause. Quote the clauses that it cites. A reading of texts on stated facts, no legal advice: what is not stated is unknown, and never taken for no.",
            })
        }
        "ping" => json!({}),
        "tools/list" => json!({"tools": tools()}),
        "tools/call" => called(&message["params"], run),
        "resources/list" => json!({"resources": []}),
        "prompts/list" => json!({"prompts": []}),
        _ => return Some(failed(id, -32601, "no such method")),
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn tools() -> Value {
    let facts = json!({"type": "object", "description": "facts of the use, by name: {\"use.access\": \"hosted-app\", \"use.commercial\": \"yes\", \"organization.country\": \"DE\"}", "additionalProperties": {"type": "string"}});
    let tool = |name: &str, title: &str, says: &str, properties: Value, required: &[&str]| {
        json!({
            "name": name, "title": title, "description": says,
            "inputSchema": {"type": "object", "properties": properties, "required": required},
            "annotations": {"readOnlyHint": true, "openWorldHint": false},
        })
    };
    json!([
        tool(
            "check",
            "Check a model",
            "Judges a model by its folder, file or name (hf:org/name): may it be used so, what is owed, by which clause.",
            json!({"what": {"type": "string", "description": "folder, file, hf:org/name or ollama:name"}, "facts": facts}),
            &["what"]
        ),
        tool(
            "explain",
            "Explain a license or model",
            "What a license says, clause by clause, or what a model is under.",
            json!({"name": {"type": "string"}}),
            &["name"]
        ),
        tool(
            "compare",
            "Compare two licenses",
            "What changes between two licenses or editions, and for whom.",
            json!({"from": {"type": "string"}, "to": {"type": "string"}}),
            &["from", "to"]
        ),
        tool(
            "advise",
            "Advise a base model",
            "Base models that may be used so by their license texts, ranked by published facts with their sources.",
            json!({"facts": facts, "finetune": {"type": "boolean"}, "kinds": {"type": "array", "items": {"type": "string"}}, "languages": {"type": "array", "items": {"type": "string"}},
                "max_size": {"type": "string", "description": "15B"}, "context": {"type": "string", "description": "32k"}, "no_use_policy": {"type": "boolean"}}),
            &[]
        ),
    ])
}

/// Facts of a call over those of the run.
fn stated(facts: &Value, run: &Run<'_>) -> Result<freehold_assess::Deployment, String> {
    let mut out = run.deployment.clone();
    let mut wrong: Vec<Diagnostic> = Vec::new();
    for (name, value) in facts.as_object().into_iter().flatten() {
        let found = run.catalog.facts.find(name).filter(|id| run.catalog.facts.get(*id).origin == FactOrigin::Stated);
        let Some(id) = found else {
            wrong.push(Diagnostic::error("unknown-fact", format!("no fact is called `{name}`")));
            continue;
        };
        let text = match value {
            Value::String(s) => s.clone(),
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        let value = fact_from_text(name, &text, run.catalog.facts.get(id), run.catalog, &mut wrong);
        if value.is_some() {
            out.set(run.catalog, id, value);
        }
    }
    if wrong.iter().any(|d| d.severity == Severity::Error) {
        return Err(freehold_documents::diagnostics(&wrong, STYLE));
    }
    Ok(out)
}

fn told(text: String, structured: Option<Value>) -> Value {
    let mut out = json!({"content": [{"type": "text", "text": text}], "isError": false});
    if let Some(structured) = structured {
        out["structuredContent"] = structured;
    }
    out
}

fn called(params: &Value, run: &Run<'_>) -> Value {
    let arguments = &params["arguments"];
    let done = match params["name"].as_str().unwrap_or_default() {
        "check" => check(arguments, run),
        "explain" => explain(arguments, run.catalog),
        "compare" => compared(arguments, run.catalog),
        "advise" => advised(arguments, run),
        other => Err(format!("no tool is called `{other}`")),
    };
    done.unwrap_or_else(|says| json!({"content": [{"type": "text", "text": says}], "isError": true}))
}

fn word<'v>(arguments: &'v Value, key: &str) -> Result<&'v str, String> {
    arguments[key].as_str().filter(|w| !w.is_empty() && w.len() <= 4096).ok_or_else(|| format!("`{key}` is missing"))
}

fn check(arguments: &Value, run: &Run<'_>) -> Result<Value, String> {
    let what = word(arguments, "what")?;
    let one = Run { deployment: stated(&arguments["facts"], run)?, ..run.for_parts() };
    let loaded = dossiers(&[what], &one);
    let wrong: Vec<Diagnostic> =
        loaded.mistakes.iter().chain(&loaded.unreadable).chain(&loaded.nothing).cloned().collect();
    if loaded.dossiers.is_empty() {
        return Err(freehold_documents::diagnostics(&wrong, STYLE));
    }
    let text: String =
        loaded.dossiers.iter().map(|d| freehold_documents::screen(d, STYLE)).collect::<Vec<_>>().join("\n");
    let all: Vec<Assessment> = loaded.dossiers.iter().map(Assessment::of).collect();
    Ok(told(text, Some(json!({"assessments": all}))))
}

fn explain(arguments: &Value, catalog: &Catalog) -> Result<Value, String> {
    let name = word(arguments, "name")?;
    if let Some(index) = catalog.license_named(name) {
        return Ok(told(freehold_documents::explain_license(catalog, index, STYLE), None));
    }
    let id = catalog.models.by_ollama_name(name).or_else(|| catalog.models.by_display_name(name)).unwrap_or(name);
    if catalog.models.resolve(id).is_some() {
        return Ok(told(freehold_documents::explain_model(catalog, id, STYLE), None));
    }
    Err(format!("no license or model of the catalog goes by `{}`", freehold_base::shown(name)))
}

fn compared(arguments: &Value, catalog: &Catalog) -> Result<Value, String> {
    let side = |key: &str| {
        let name = word(arguments, key)?;
        Side::named(catalog, name).ok_or_else(|| format!("no license goes by `{}`", freehold_base::shown(name)))
    };
    let (a, b) = (side("from")?, side("to")?);
    let d = compare(catalog, &a, &b);
    Ok(told(freehold_documents::difference(catalog, &d, STYLE), Some(freehold_wire::difference(catalog, &d))))
}

fn advised(arguments: &Value, run: &Run<'_>) -> Result<Value, String> {
    let words = |key: &str| -> Vec<String> {
        arguments[key].as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_lowercase)).collect()
    };
    let number = |key: &str| match arguments[key].as_str() {
        None => Ok(None),
        Some(text) => count(text).map(Some).ok_or_else(|| format!("`{key}` is no count: 15B, 32k")),
    };
    let needs = Needs {
        kinds: words("kinds"),
        languages: words("languages"),
        context_min: number("context")?,
        parameters_max: number("max_size")?,
        finetune: arguments["finetune"].as_bool().unwrap_or(false),
        no_use_policy: arguments["no_use_policy"].as_bool().unwrap_or(false),
        ..Needs::default()
    };
    let deployment = stated(&arguments["facts"], run)?;
    let ask = Ask {
        needs,
        weights: Weights::default(),
        scores: &[],
        deployment: &deployment,
        as_of: &run.as_of,
        house: &run.house,
    };
    let advice = advise(&ask, run.catalog);
    let text = freehold_documents::advice(&advice, &ask.needs, run.catalog, 10, false, STYLE);
    Ok(told(text, Some(freehold_wire::advice(&advice, &ask, run.catalog, 10))))
}
