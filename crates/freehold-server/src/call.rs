//! What a handler gets and what it gives: a call, a reply, a problem (RFC 9457).

use std::collections::BTreeMap;

use freehold_base::Diagnostic;
use freehold_governance::Wrong;
use freehold_register::Trouble;
use serde_json::{Value, json};

use crate::people::Caller;

/// A request, read.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// Who asks; `None` for nobody that is known.
    pub(crate) caller: Option<Caller>,
    /// Parts of the path by their names.
    pub(crate) path: BTreeMap<String, String>,
    /// The query, in order.
    pub(crate) query: Vec<(String, String)>,
    /// A form's fields, in order; empty for a body of another kind.
    pub(crate) form: Vec<(String, String)>,
    /// Files of a form: field, bytes.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// The body as it came.
    pub(crate) body: Vec<u8>,
    /// Headers that handlers look at, lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The path as it was asked for.
    pub(crate) uri: String,
    /// Where it comes from.
    pub(crate) peer: String,
    /// The moment, in microseconds since 1970.
    pub(crate) now: i64,
}

impl Call {
    /// The first value of a query's key; empty for none.
    pub(crate) fn asked(&self, key: &str) -> &str {
        self.query.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str())
    }

    /// Every value of a query's key.
    pub(crate) fn asked_all(&self, key: &str) -> Vec<&str> {
        self.query.iter().filter(|(k, v)| k == key && !v.is_empty()).map(|(_, v)| v.as_str()).collect()
    }

    /// A field of a form; empty for none.
    pub(crate) fn field(&self, key: &str) -> &str {
        self.form.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.trim())
    }

    /// A part of the path.
    pub(crate) fn part(&self, key: &str) -> &str {
        self.path.get(key).map_or("", String::as_str)
    }

    pub(crate) fn header(&self, key: &str) -> &str {
        self.headers.get(key).map_or("", String::as_str)
    }

    /// Who asks; a route that nobody may ask without signing in has one.
    pub(crate) fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(Problem::unknown_caller)
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<Value, Problem> {
        let kind = self.header("content-type").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" && !kind.ends_with("+json") {
            return Err(Problem::new(415, "not-json", "the body is JSON: content-type application/json"));
        }
        let value: Value =
            serde_json::from_slice(&self.body).map_err(|e| Problem::new(400, "not-json", format!("not JSON: {e}")))?;
        if !value.is_object() {
            return Err(Problem::new(422, "not-an-object", "the body is a JSON object"));
        }
        Ok(value)
    }

    /// A count in the query, within bounds.
    pub(crate) fn count(&self, key: &str, default: u32, most: u32) -> Result<u32, Problem> {
        let text = self.asked(key);
        if text.is_empty() && !self.query.iter().any(|(k, _)| k == key) {
            return Ok(default);
        }
        match text.parse::<u32>() {
            Ok(n) if (1..=most).contains(&n) => Ok(n),
            _ => Err(Problem::new(400, "bad-query", format!("`{key}` is a number from 1 to {most}"))),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// JSON.
pub(crate) const JSON: &str = "application/json";
/// A problem.
pub(crate) const PROBLEM: &str = "application/problem+json";
/// A page.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

impl Reply {
    pub(crate) fn json(value: &Value) -> Reply {
        Reply { status: 200, kind: JSON, body: value.to_string().into_bytes(), headers: Vec::new() }
    }

    pub(crate) fn created(value: &Value, at: String) -> Reply {
        Reply { status: 201, headers: vec![("location", at)], ..Reply::json(value) }
    }

    pub(crate) fn empty() -> Reply {
        Reply { status: 204, kind: "", body: Vec::new(), headers: Vec::new() }
    }

    pub(crate) fn of(kind: &'static str, body: Vec<u8>) -> Reply {
        Reply { status: 200, kind, body, headers: Vec::new() }
    }

    pub(crate) fn html(body: String) -> Reply {
        Reply::of(HTML, body.into_bytes())
    }

    /// Sends the reader elsewhere on this server.
    pub(crate) fn to(at: impl Into<String>) -> Reply {
        Reply { status: 303, kind: HTML, body: Vec::new(), headers: vec![("location", at.into())] }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    /// A word that programs look at.
    pub(crate) code: String,
    /// One sentence, lower case.
    pub(crate) says: String,
    /// What to do about it; empty for nothing.
    pub(crate) fix: String,
    /// Everything that stands in the way, at once: about, says, fix.
    pub(crate) errors: Vec<(String, String, String)>,
    /// For a page that asks again: where it was.
    pub(crate) retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: u16, code: &str, says: impl Into<String>) -> Problem {
        Problem {
            status,
            code: code.into(),
            says: says.into(),
            fix: String::new(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Problem {
        self.fix = fix.into();
        self
    }

    pub(crate) fn unknown_caller() -> Problem {
        Problem::new(401, "not-signed-in", "it is not known who asks")
            .fix("sign in, or send an API token: authorization: Bearer …")
    }

    pub(crate) fn missing(what: impl Into<String>) -> Problem {
        Problem::new(404, "not-found", what)
    }

    /// Mistakes of what was sent.
    pub(crate) fn mistakes(all: &[Diagnostic]) -> Problem {
        let errors = all
            .iter()
            .map(|d| (d.code.to_string(), d.message.clone(), d.help.clone().unwrap_or_default()))
            .collect::<Vec<_>>();
        let says = all.first().map_or_else(|| "it cannot be read".to_string(), |d| d.message.clone());
        Problem { errors, ..Problem::new(422, "mistakes", says) }
    }

    /// `application/problem+json`.
    pub(crate) fn reply(&self) -> Reply {
        let errors: Vec<Value> = self.errors.iter().map(|(a, s, f)| json!({"about": a, "says": s, "fix": f})).collect();
        let body = json!({
            "type": format!("urn:freehold:problem:{}", self.code),
            "title": self.code.replace('-', " "),
            "status": self.status,
            "detail": self.says,
            "fix": self.fix,
            "errors": errors,
        });
        let mut reply =
            Reply { status: self.status, kind: PROBLEM, body: body.to_string().into_bytes(), headers: Vec::new() };
        if self.status == 401 {
            reply = reply.with("www-authenticate", "Bearer");
        }
        match self.retry_after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        }
    }
}

impl From<Trouble> for Problem {
    fn from(t: Trouble) -> Problem {
        match t {
            Trouble::Busy => Problem { retry_after: Some(1), ..Problem::new(503, "busy", t.to_string()) },
            Trouble::TooLarge(says) => Problem::new(413, "too-large", says),
            Trouble::Fault(f) => Problem::new(404, "no-such-proof", f.to_string()),
            other => Problem::new(503, "register", other.to_string()),
        }
    }
}

impl From<Wrong> for Problem {
    fn from(w: Wrong) -> Problem {
        match w {
            Wrong::Trouble(t) => t.into(),
            Wrong::Refused(all) => {
                let says = all.first().map_or_else(String::new, |p| format!("{}: {}", p.about, p.says));
                let errors = all.into_iter().map(|p| (p.about, p.says, p.fix)).collect();
                Problem { errors, ..Problem::new(409, "refused", says) }
            }
            Wrong::Usage(d) => Problem::new(422, "unusable", d.message.clone()).fix(d.help.clone().unwrap_or_default()),
            Wrong::Changed => Problem::new(412, "changed-meanwhile", "somebody changed it since it was read")
                .fix("read it again, then decide"),
            Wrong::Told(code) => Problem::new(500, "fault", format!("ended with {code}")),
        }
    }
}
