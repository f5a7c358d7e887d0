//! Waivers: a policy set aside, for one model as it was read, by somebody with a name, for a year at most. Shown, never
//! hidden; it changes no verdict and makes no duty met.

use freehold_base::{Diagnostic, Verdict, nearest};
use freehold_catalog::document::{NodeValue, Sink, Spanned, Table, parse_toml};
use jiff::civil::Date;
use jiff::{Span as Days, ToSpan};

use crate::evaluate::{Situation, Violation};
use crate::read::{POLICY_BYTES_MAX, PolicyFile};
use crate::rule::{Policy, PolicyCode, Severity};

/// The `schema` of a file of waivers.
pub const WAIVERS_SCHEMA: &str = "freehold.waivers/1";
/// Most waivers of one file.
const WAIVERS_MAX: usize = 10_000;
/// Longest text of a field, in bytes.
const FIELD_BYTES_MAX: usize = 2_000;

/// How long a waiver may hold.
fn longest() -> Days {
    1.year()
}

/// What a waiver is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Digest of what was read of the model; empty = not asked.
    pub artifact: String,
    /// Digests of its legal texts, all of them; empty = not asked.
    pub texts: Vec<String>,
}

impl Scope {
    fn fits(&self, s: &Situation<'_>) -> bool {
        let artifact = self.artifact.is_empty() || self.artifact == s.artifact;
        let has = |d: &String| self.texts.contains(d);
        let texts = self.texts.is_empty()
            || s.texts.iter().all(|(_, d)| has(d)) && self.texts.iter().all(|d| s.texts.iter().any(|(_, t)| t == d));
        artifact && texts && (!self.artifact.is_empty() || !self.texts.is_empty())
    }
}

/// One waiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The rule or code that is set aside.
    pub code: String,
    /// What the model was called; for people, and to tell that it has changed since.
    pub subject: String,
    /// The license that it is about; empty = any.
    pub license: String,
    /// What it is bound to.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who asked.
    pub requested_by: String,
    /// Who agreed; another person than who asked.
    pub approver: String,
    /// First day, `YYYY-MM-DD`.
    pub created: String,
    /// Last day.
    pub expires: String,
    /// Where it stands: `freehold.waivers.toml:12`.
    pub from: String,
}

/// What `freehold waive` writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewWaiver {
    /// The rule or code.
    pub code: String,
    /// What the model is called.
    pub subject: String,
    /// The license; empty = any.
    pub license: String,
    /// What it is bound to.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who asked; empty = the owner.
    pub requested_by: String,
    /// Who agreed.
    pub approver: String,
    /// First day.
    pub created: String,
    /// Last day.
    pub expires: String,
}

/// Where a waiver stands towards a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaiverUseState {
    /// It was given for other bytes than these.
    Lapsed,
    /// Its last day is over.
    Expired,
    /// Its first day is to come.
    NotYet,
    /// It answers the violation.
    Active,
}

impl WaiverUseState {
    /// The word used on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            WaiverUseState::Lapsed => "lapsed",
            WaiverUseState::Expired => "expired",
            WaiverUseState::NotYet => "not-yet",
            WaiverUseState::Active => "active",
        }
    }
}

/// A waiver beside the violation that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverUse {
    /// The waiver.
    pub waiver: Waiver,
    /// Whether it answers.
    pub state: WaiverUseState,
}

/// Why a waiver about this subject answers nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StaleWhy {
    /// Nothing of its code is raised any more.
    Unused,
    /// It names this subject and was given for other bytes.
    Lapsed,
}

impl StaleWhy {
    /// The word used on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            StaleWhy::Unused => "unused",
            StaleWhy::Lapsed => "lapsed",
        }
    }
}

/// A waiver to take out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleWaiver {
    /// The waiver.
    pub waiver: Waiver,
    /// Why.
    pub why: StaleWhy,
}

/// The waivers of a file.
#[derive(Clone, Debug, Default)]
pub struct Waivers {
    /// The file, as the user named it.
    pub file: String,
    /// Waivers without a mistake, in the file's order.
    pub all: Vec<Waiver>,
}

impl Waivers {
    /// Reads a file; every mistake at once. `policy` says which codes there are.
    pub fn read(file: &str, text: &str, policy: &PolicyFile) -> (Waivers, Vec<Diagnostic>) {
        let sink = Sink::new(file, text);
        let mut out = Waivers { file: file.to_string(), all: Vec::new() };
        if text.len() > POLICY_BYTES_MAX {
            let message = format!("a file of {} bytes; the limit is {POLICY_BYTES_MAX}", text.len());
            sink.error("file-too-large", (0, 0), message);
            return (out, sink.into_diagnostics());
        }
        let root = parse_toml(&sink);
        if let Some(top) = Table::open(&root, file, &sink) {
            let schema = top.need("schema");
            if !schema.text.is_empty() && schema.text != WAIVERS_SCHEMA {
                let message = format!("`{}` is no schema that this build reads", schema.text);
                sink.error_help("unknown-schema", schema.span, message, format!("write `{WAIVERS_SCHEMA}`"));
            }
            for row in top.tables("waiver") {
                if out.all.len() >= WAIVERS_MAX {
                    sink.error("too-many", row.span, format!("more than {WAIVERS_MAX} waivers"));
                    break;
                }
                out.all.extend(read_one(row, policy, &sink));
            }
            top.finish();
        }
        (out, sink.into_diagnostics())
    }

    /// Puts waivers beside the violations that they are about; gives back those about this subject that answer nothing.
    pub(crate) fn answer(&self, policy: &Policy, s: &Situation<'_>, violations: &mut [Violation]) -> Vec<StaleWaiver> {
        let mut stale = Vec::new();
        for waiver in &self.all {
            let fits = waiver.scope.fits(s);
            if !fits && (waiver.subject.is_empty() || waiver.subject != s.id) {
                continue;
            }
            if policy.cannot_be_waived.contains(&waiver.code) {
                continue;
            }
            let state = if !fits {
                WaiverUseState::Lapsed
            } else if waiver.created.as_str() > s.as_of {
                WaiverUseState::NotYet
            } else if waiver.expires.as_str() < s.as_of {
                WaiverUseState::Expired
            } else {
                WaiverUseState::Active
            };
            let mut used = false;
            for v in violations.iter_mut().filter(|v| v.rule == waiver.code) {
                if !waiver.license.is_empty() && waiver.license != v.license {
                    continue;
                }
                used = true;
                if v.waiver.as_ref().is_none_or(|other| other.state < state) {
                    v.waiver = Some(WaiverUse { waiver: waiver.clone(), state });
                }
            }
            if !used && raises(policy, &waiver.code) {
                let why = if fits { StaleWhy::Unused } else { StaleWhy::Lapsed };
                stale.push(StaleWaiver { waiver: waiver.clone(), why });
            }
        }
        stale
    }
}

/// True where the policy, as it applies, could raise the code: a rule of another environment is not unused in this one.
fn raises(policy: &Policy, code: &str) -> bool {
    policy.rules.iter().any(|r| r.id == code) || policy.severity(code).is_some_and(|s| s != Severity::Off)
}

fn read_one(row: Table<'_, '_>, policy: &PolicyFile, sink: &Sink<'_>) -> Option<Waiver> {
    let before = sink.diagnostics.borrow().len();
    let code = row.need("code");
    check_code(&code, policy, sink);
    let optional = |key| row.text(key).unwrap_or(Spanned { text: String::new(), span: row.span });
    let (subject, license, artifact) = (optional("subject"), optional("license"), optional("artifact"));
    let texts = row.texts("texts");
    for digest in texts.iter().chain(Some(&artifact).filter(|a| !a.text.is_empty())) {
        if !is_digest(&digest.text) {
            let message = format!("`{}` is no digest", cut(&digest.text));
            sink.error_help(
                "bad-digest",
                digest.span,
                message,
                "`sha256:` and 64 hex digits, as `freehold waive` writes",
            );
        }
    }
    if artifact.text.is_empty() && texts.is_empty() {
        let message = "the waiver is bound to nothing: it would go on for whatever the model becomes";
        let help = "add `artifact` or `texts`, as `freehold waive` writes them";
        sink.error_help("unbound-waiver", row.span, message, help);
    }
    let (reason, owner, approver) = (row.need("reason"), row.need("owner"), row.need("approver"));
    let requested_by = row.text("requested-by").unwrap_or_else(|| owner.clone());
    let (created, expires) = (row.need("created"), row.need("expires"));
    let asks = [("reason", &reason), ("owner", &owner), ("approver", &approver), ("requested-by", &requested_by)];
    for (key, t) in asks {
        if row.get(key).is_some()
            && matches!(row.get(key).map(|n| &n.value), Some(NodeValue::Text(x)) if x.trim().is_empty())
        {
            sink.error("empty-field", t.span, format!("`{key}` is empty"));
        }
        if t.text.len() > FIELD_BYTES_MAX {
            sink.error("long-field", t.span, format!("`{key}` is longer than {FIELD_BYTES_MAX} bytes"));
        }
    }
    if same_person(&approver.text, &requested_by.text) {
        let message = format!("`{}` asked for the waiver and approved it", cut(&approver.text));
        sink.error_help("own-approval", approver.span, message, "the approver is another person than who asked");
    }
    check_days(&created, &expires, sink);
    let line = sink.text.get(..row.span.0).unwrap_or_default().bytes().filter(|b| *b == b'\n').count() + 1;
    row.finish();
    let waiver = Waiver {
        code: code.text,
        subject: subject.text,
        license: license.text,
        scope: Scope { artifact: artifact.text, texts: texts.into_iter().map(|t| t.text).collect() },
        reason: reason.text,
        owner: owner.text,
        requested_by: requested_by.text,
        approver: approver.text,
        created: created.text,
        expires: expires.text,
        from: format!("{}:{line}", sink.file),
    };
    (sink.diagnostics.borrow().len() == before).then_some(waiver)
}

fn check_code(code: &Spanned, policy: &PolicyFile, sink: &Sink<'_>) {
    if code.text.is_empty() {
        return;
    }
    if Verdict::ALL.iter().any(|v| v.as_str() == code.text) {
        let help = "a waiver sets your policy aside, not the terms: ask the licensor, or take another base";
        sink.error_help(
            "verdict-waived",
            code.span,
            format!("`{}` is a verdict, and no waiver changes one", code.text),
            help,
        );
        return;
    }
    let sorts = [PolicyCode::Denied, PolicyCode::ReviewAsked, PolicyCode::Undecided];
    if sorts.iter().any(|c| c.as_str() == code.text) {
        let message = format!("`{}` says what sort a violation is, not which", code.text);
        sink.error_help("unknown-code", code.span, message, "name the rule");
    } else if policy.kind_of(&code.text).is_none() {
        let message = format!("no rule, finding or code is called `{}`", cut(&code.text));
        let help = match nearest(&code.text, policy.codes()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`freehold policy check` lists the rules, docs/findings.md the findings".into(),
        };
        sink.error_help("unknown-code", code.span, message, help);
    } else if policy.cannot_be_waived(&code.text) {
        let message = format!("`{}` cannot be waived", code.text);
        let help = "replace the file, or let counsel read it; the policy lists such codes in `cannot-be-waived`";
        sink.error_help("not-waivable", code.span, message, help);
    }
}

fn check_days(created: &Spanned, expires: &Spanned, sink: &Sink<'_>) {
    let day = |t: &Spanned| {
        let day = day(&t.text);
        if day.is_none() && !t.text.is_empty() {
            sink.error_help("bad-date", t.span, format!("`{}` is not a day", cut(&t.text)), "write it as 2026-11-24");
        }
        day
    };
    let (Some(from), Some(to)) = (day(created), day(expires)) else { return };
    if to < from {
        sink.error("bad-date", expires.span, "the waiver ends before it begins");
    } else if from.checked_add(longest()).is_ok_and(|last| to > last) {
        let help = "a year at most; it can be asked for again with a new reason";
        sink.error_help("too-long", expires.span, "the waiver holds for more than a year", help);
    }
}

fn day(text: &str) -> Option<Date> {
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// The same name, whatever its case and spaces.
fn same_person(a: &str, b: &str) -> bool {
    let fold = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    !a.trim().is_empty() && fold(a) == fold(b)
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// What is wrong with a waiver before it is written: it is read as the file would be.
pub fn mistakes_of_new(new: &NewWaiver, policy: &PolicyFile) -> Vec<Diagnostic> {
    match with_waiver("", new) {
        Ok(text) => Waivers::read("freehold waive", &text, policy).1.into_iter().map(without_place).collect(),
        Err(d) => vec![d],
    }
}

/// The line of a file that is not written yet helps nobody.
fn without_place(d: Diagnostic) -> Diagnostic {
    Diagnostic { label: None, ..d }
}

const HEAD: &str = "\
# Waivers: the policy set aside, for one model as it was read, by somebody with a name, for a year at most.
# They are shown in every check, change no verdict and make no duty met. `freehold waive` adds one.
schema = \"freehold.waivers/1\"
";

/// The file's text with one waiver more; comments and order stay.
///
/// # Errors
/// The text is no TOML, or `waiver` is something else than a list of tables.
#[expect(clippy::result_large_err, reason = "once a run")]
pub fn with_waiver(text: &str, new: &NewWaiver) -> Result<String, Diagnostic> {
    use toml_edit::{ArrayOfTables, DocumentMut, Item, Table as Edited, value};
    let text = if text.trim().is_empty() { format!("{HEAD}{text}") } else { text.to_string() };
    let mut document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| {
        let place = e.span().unwrap_or(0..0);
        let d = Diagnostic::error("toml-syntax", e.message().to_lowercase().replace('\n', ", "));
        d.at("freehold.waivers.toml", &text, place.start, place.end)
    })?;
    let mut table = Edited::new();
    table.decor_mut().set_prefix("\n");
    let mut put = |key: &str, text: &str| {
        if !text.is_empty() {
            table.insert(key, value(text));
        }
    };
    put("code", &new.code);
    put("subject", &new.subject);
    put("license", &new.license);
    put("artifact", &new.scope.artifact);
    if !new.scope.texts.is_empty() {
        let texts: toml_edit::Array = new.scope.texts.iter().collect();
        table.insert("texts", value(texts));
    }
    let requested_by = if new.requested_by.is_empty() { &new.owner } else { &new.requested_by };
    for (key, text) in
        [("reason", &new.reason), ("owner", &new.owner), ("requested-by", requested_by), ("approver", &new.approver)]
    {
        table.insert(key, value(text));
    }
    for (key, text) in [("created", &new.created), ("expires", &new.expires)] {
        // a day as TOML writes it, where it is one; else the text, for the reader to refuse
        match text.parse::<toml_edit::Datetime>() {
            Ok(day) => table.insert(key, value(day)),
            Err(_) => table.insert(key, value(text)),
        };
    }
    let slot = document.entry("waiver").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    match slot.as_array_of_tables_mut() {
        Some(list) => list.push(table),
        None => {
            let d = Diagnostic::error("wrong-type", "`waiver` must be a list of tables, each under [[waiver]]");
            return Err(d.in_file("freehold.waivers.toml"));
        }
    }
    Ok(document.to_string())
}
