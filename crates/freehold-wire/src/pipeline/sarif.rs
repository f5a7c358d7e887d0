//! SARIF 2.1.0, as code scanning services read it. Only the parts that are used.
//!
//! Paths are relative to `%SRCROOT%`, the folder where the check was run. A place in a text has line and column (in Unicode
//! characters); any place has its bytes. `partialFingerprints` hold no line, so an alert survives edits elsewhere.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Checked, Issue, Level, Outcome, Pipeline, Place, Topic, docs_address, rule_words};
use freehold_assess::FindingCode;
use freehold_base::Verdict;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const ROOT: &str = "%SRCROOT%";

/// A log with one run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sarif {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<Run>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    automation_details: AutomationDetails,
    invocations: Vec<Invocation>,
    original_uri_base_ids: BTreeMap<&'static str, BaseId>,
    column_kind: &'static str,
    results: Vec<SarifResult>,
    properties: RunProperties,
}

#[derive(Clone, Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    information_uri: Option<String>,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Text,
    full_description: Text,
    help: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Clone, Debug, Serialize)]
struct Text {
    text: String,
}

#[derive(Clone, Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct RuleProperties {
    tags: Vec<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
struct AutomationDetails {
    id: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    exit_code: u8,
    exit_code_description: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct BaseId {
    description: Text,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties {
    as_of: String,
    catalog: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<Vec<Suppression>>,
    properties: ResultProperties,
}

#[derive(Clone, Debug, Serialize)]
struct ResultProperties {
    #[serde(skip_serializing_if = "String::is_empty")]
    model: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clauses: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    help: String,
    fails: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_length: Option<u64>,
}

/// A run as a log. What passed is not in it. `page` names the page of a duty's code below `docs/findings`.
pub fn sarif(run: &Pipeline, page: &dyn Fn(&str) -> String) -> Sarif {
    let docs = docs_address();
    let mut rules = Rules { docs: docs.clone(), page, list: Vec::new() };
    for verdict in Verdict::ALL {
        rules.index(Topic::Verdict, verdict.as_str(), Level::Warning);
    }
    for code in FindingCode::ALL {
        rules.index(Topic::Finding, code.as_str(), Level::Warning);
    }
    let told = run.issues().filter(|(_, i)| i.level > Level::Pass);
    let results = told.map(|(model, issue)| result(run, model, issue, &mut rules)).collect();
    Sarif {
        schema: SCHEMA,
        version: "2.1.0",
        runs: vec![Run {
            tool: Tool {
                driver: Driver {
                    name: "freehold",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    version: env!("CARGO_PKG_VERSION"),
                    information_uri: docs.map(|d| format!("{d}/findings/README.md")),
                    rules: rules.list,
                },
            },
            automation_details: AutomationDetails { id: "freehold/check/" },
            invocations: vec![Invocation {
                execution_successful: !matches!(run.exit, 2 | 3 | 70),
                exit_code: run.exit,
                exit_code_description: exit_words(run.exit),
            }],
            original_uri_base_ids: BTreeMap::from([(
                ROOT,
                BaseId { description: text("the folder where freehold was run") },
            )]),
            column_kind: "unicodeCodePoints",
            results,
            properties: RunProperties { as_of: run.as_of.clone(), catalog: run.catalog.clone() },
        }],
    }
}

fn exit_words(exit: u8) -> &'static str {
    match exit {
        0 => "clear",
        1 => "blocked",
        2 => "the command line or a file that configures it is wrong",
        3 => "an input is unreadable or hostile",
        4 => "open",
        5 => "nothing to judge",
        _ => "a fault of freehold",
    }
}

fn text(text: impl Into<String>) -> Text {
    Text { text: text.into() }
}

/// The rules of a run, each once.
struct Rules<'p> {
    docs: Option<String>,
    page: &'p dyn Fn(&str) -> String,
    list: Vec<Rule>,
}

impl Rules<'_> {
    /// The index of a code's rule; a code that is new is added.
    fn index(&mut self, topic: Topic, code: &str, level: Level) -> usize {
        // a policy may raise a finding's code, and is another rule by that name
        let id = if topic == Topic::Policy { format!("policy/{code}") } else { code.to_string() };
        if let Some(i) = self.list.iter().position(|r| r.id == id) {
            return i;
        }
        let (title, full, help) = rule_words(topic, code);
        let (page, tag) = match topic {
            Topic::Verdict => (code.to_string(), "verdict"),
            Topic::Finding => (code.to_string(), "finding"),
            Topic::Duty => ((self.page)(code), "duty"),
            Topic::Policy => (String::new(), "policy"),
            Topic::Input => ("input".to_string(), "input"),
        };
        let level = match topic {
            Topic::Verdict => match Verdict::ALL.iter().find(|v| v.as_str() == code) {
                Some(Verdict::Prohibited | Verdict::NeedsSeparateLicense) => "error",
                Some(Verdict::Permitted | Verdict::PermittedWithObligations) => "none",
                _ => "warning",
            },
            Topic::Finding => {
                let quiet = |c: &&FindingCode| c.as_str() == code && c.severity() == freehold_base::Severity::Note;
                if FindingCode::ALL.iter().any(|c| quiet(&c)) { "note" } else { "warning" }
            }
            Topic::Duty => "error",
            Topic::Policy | Topic::Input => level_word(level),
        };
        self.list.push(Rule {
            id,
            // code scanning services take no rule without all three
            full_description: text(if full.is_empty() { title.clone() } else { full }),
            short_description: text(title),
            help: text(if help.is_empty() { "each result says what to do".to_string() } else { help }),
            help_uri: self.docs.as_ref().map(|d| match topic {
                Topic::Policy => format!("{d}/policy.md"),
                _ => format!("{d}/findings/{page}.md"),
            }),
            default_configuration: Configuration { level },
            properties: RuleProperties { tags: vec!["license", tag] },
        });
        self.list.len() - 1
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Pass => "none",
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

fn result(run: &Pipeline, model: Option<&Checked>, issue: &Issue, rules: &mut Rules<'_>) -> SarifResult {
    let rule_index = rules.index(issue.topic, &issue.code, issue.level);
    let message = match model {
        Some(m) => format!("{}: {}", m.name, issue.message),
        None => issue.message.clone(),
    };
    let mut places = issue.places.iter();
    let named = |m: &Checked| LogicalLocation { fully_qualified_name: m.name.clone(), kind: "module" };
    let first = places.next().map(|p| Location {
        id: None,
        physical_location: physical(p),
        logical_locations: model.map(named).into_iter().collect(),
    });
    let related = places.enumerate().map(|(i, p)| Location {
        id: Some(i + 1),
        physical_location: physical(p),
        logical_locations: Vec::new(),
    });
    SarifResult {
        rule_id: rules.list.get(rule_index).map_or_else(|| issue.code.clone(), |r| r.id.clone()),
        rule_index,
        level: level_word(issue.level),
        message: text(message),
        locations: first.into_iter().collect(),
        related_locations: related.collect(),
        partial_fingerprints: fingerprint(model, issue),
        baseline_state: run.baseline.then_some(if issue.since.is_some() { "unchanged" } else { "new" }),
        // where one result may be set aside, each says whether it is
        suppressions: (run.baseline || run.waives()).then(|| {
            let since = issue.since.iter().map(|day| format!("in the baseline since {day}"));
            let accepted = |justification| Suppression { kind: "external", status: "accepted", justification };
            since.chain(issue.waived.clone()).map(accepted).collect()
        }),
        properties: ResultProperties {
            model: model.map(|m| m.path.clone()).unwrap_or_default(),
            clauses: issue.cites.clone(),
            help: issue.help.clone(),
            fails: match issue.outcome {
                Some(Outcome::Unreadable) => issue.counts,
                _ => issue.fails(),
            },
        },
    }
}

/// Of the model, the code and what tells issues of one code apart: clauses, the work, the file of a mistake. No line.
fn fingerprint(model: Option<&Checked>, issue: &Issue) -> BTreeMap<&'static str, String> {
    let mut parts: Vec<&str> = vec![model.map_or("", |m| m.path.as_str()), &issue.code];
    for key in &issue.keys {
        parts.extend([key.license.as_str(), &key.clause, &key.work]);
    }
    if issue.keys.is_empty() {
        parts.extend(issue.places.iter().map(|p| p.path.as_str()));
        parts.push(&issue.message);
    }
    let digest = Sha256::digest(parts.join("\0").as_bytes());
    let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
    BTreeMap::from([("freeholdIssue/v1", hex)])
}

fn physical(p: &Place) -> PhysicalLocation {
    let (line, column) = (p.line, p.column.filter(|_| p.line.is_some()));
    let end = p.end.filter(|_| column.is_some());
    let region = Region {
        start_line: line,
        start_column: column,
        end_line: end.map(|e| e.0),
        end_column: end.map(|e| e.1),
        byte_offset: p.bytes.map(|b| b.0),
        byte_length: p.bytes.map(|b| b.1.saturating_sub(b.0)),
    };
    let somewhere = region.start_line.is_some() || region.byte_offset.is_some();
    PhysicalLocation { artifact_location: location(p), region: somewhere.then_some(region) }
}

fn location(p: &Place) -> ArtifactLocation {
    let path = if p.folder && !p.path.ends_with('/') { format!("{}/", p.path) } else { p.path.clone() };
    let uri = encoded(&path);
    if p.path.starts_with('/') {
        return ArtifactLocation { uri: format!("file://{uri}"), uri_base_id: None };
    }
    ArtifactLocation { uri, uri_base_id: Some(ROOT) }
}

/// A path as a URI reference (RFC 3986): every byte but the unreserved ones and `/` by its number.
fn encoded(path: &str) -> String {
    let mut out = String::new();
    for b in path.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Baseline;
    use super::super::tests::sample;
    use super::*;

    fn log(run: &Pipeline) -> serde_json::Value {
        serde_json::to_value(sarif(run, &|code| code.to_string())).unwrap()
    }

    #[test]
    fn regions_stand_where_the_evidence_stands() {
        let log = log(&sample());
        let results = log["runs"][0]["results"].as_array().unwrap();
        let place = |i: usize| &results[i]["locations"][0]["physicalLocation"];
        assert_eq!(place(0)["artifactLocation"]["uri"], "models/a%20b/README.md");
        assert_eq!(place(0)["artifactLocation"]["uriBaseId"], "%SRCROOT%");
        let region = serde_json::json!({
            "startLine": 3, "startColumn": 10, "endLine": 3, "endColumn": 13, "byteOffset": 20, "byteLength": 3
        });
        assert_eq!(place(0)["region"], region);
        assert_eq!(place(1)["region"], serde_json::json!({"byteOffset": 0, "byteLength": 2}));
        assert_eq!(place(2)["artifactLocation"]["uri"], "models/o/");
    }

    #[test]
    fn every_result_has_its_rule_and_what_passed_is_left_out() {
        let log = log(&sample());
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), 5);
        for r in results {
            let at = usize::try_from(r["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[at]["id"], r["ruleId"]);
        }
        assert!(run["invocations"][0]["executionSuccessful"] == false);
    }

    #[test]
    fn a_fingerprint_moves_with_the_clause_and_not_with_the_line() {
        let (before, mut run) = (log(&sample()), sample());
        let print = |log: &serde_json::Value| log["runs"][0]["results"][0]["partialFingerprints"].clone();
        run.models[0].issues[0].places[0].line = Some(99);
        run.models[0].issues[0].message = "said otherwise".into();
        assert_eq!(print(&log(&run)), print(&before));
        run.models[0].issues[0].keys[0].clause = "7".into();
        assert_ne!(print(&log(&run)), print(&before));
    }

    #[test]
    fn what_a_baseline_knows_is_suppressed_and_the_rest_is_new() {
        let mut run = sample();
        let known = Baseline::of(&run, &Baseline::default());
        run.models[2].issues[1].keys[0].clause = "8".into();
        known.mark(&mut run);
        let log = log(&run);
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results[0]["baselineState"], "unchanged");
        assert_eq!(results[0]["suppressions"][0]["justification"], "in the baseline since 2026-11-24");
        assert_eq!(results[3]["baselineState"], "new");
        assert_eq!(results[3]["suppressions"], serde_json::json!([]));
    }

    #[test]
    fn paths_are_uris() {
        let place = |path: &str| location(&Place { path: path.into(), ..Place::default() });
        assert_eq!(place("a/b c%#?é").uri, "a/b%20c%25%23%3F%C3%A9");
        let outside = place("/x/y");
        assert_eq!((outside.uri.as_str(), outside.uri_base_id), ("file:///x/y", None));
    }
}
