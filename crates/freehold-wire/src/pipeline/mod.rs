//! What a pipeline is told: an issue for each thing that was asked of a model, in the formats that pipelines read.
//!
//! [`Pipeline`] is the one list; `sarif`, `junit`, `markdown` and `github` only print it. A baseline marks issues as known.

mod baseline;
mod github;
mod junit;
mod markdown;
mod sarif;

use std::collections::BTreeSet;

use freehold_assess::{Certainty, FindingCode, Obligation, Status};
use freehold_base::{Diagnostic, Evidence, Permission, Severity, Verdict, shown};
use freehold_check::Dossier;
use freehold_policy::{Severity as Counts, StaleWhy, WaiverUse};

pub use baseline::{BASELINE_BYTES_MAX, Baseline, Known};
pub use sarif::{Sarif, sarif};

pub use github::annotations;
pub use junit::junit;
pub use markdown::markdown;

/// Where the pages of `docs/` are published, without a slash at the end; `None` until the workspace's `repository` names it.
pub fn docs_address() -> Option<String> {
    let repository = env!("CARGO_PKG_REPOSITORY").trim_end_matches('/');
    (!repository.is_empty()).then(|| format!("{repository}/blob/main/docs"))
}

/// How loud an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Asked, and nothing is wrong.
    Pass,
    /// Worth knowing.
    Note,
    /// Open, or likely a mistake.
    Warning,
    /// In the way.
    Error,
}

/// What an issue is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// May we.
    Verdict,
    /// What is owed.
    Duty,
    /// What is wrong besides.
    Finding,
    /// What the organization's own policy objects to; no answer of the law.
    Policy,
    /// What could not be read.
    Input,
}

/// What an issue does to the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Refused, or a release lacks what is owed.
    Blocked,
    /// A fact or counsel decides.
    Open,
    /// A file that cannot be trusted.
    Unreadable,
}

/// What makes an issue the same from one run to the next: no line and no byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The code: a verdict, a duty, a finding.
    pub code: String,
    /// The license that is cited; empty for a finding.
    pub license: String,
    /// Its clause; where a license grants no such act, the act; where no clause is at issue, the question that is open.
    pub clause: String,
    /// The work that a finding is about, where it is not the model itself.
    pub work: String,
}

/// A place in a file of the working tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path with `/`, relative to the folder where the check was run; absolute where it lies outside.
    pub path: String,
    /// True for a folder.
    pub folder: bool,
    /// 1-based line.
    pub line: Option<u32>,
    /// 1-based column, in characters.
    pub column: Option<u32>,
    /// 1-based line and column (exclusive) of the end.
    pub end: Option<(u32, u32)>,
    /// First byte and the byte after the last.
    pub bytes: Option<(u64, u64)>,
    /// Key inside the file.
    pub key: String,
}

/// One thing that was asked of a model, and what came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// What about.
    pub topic: Topic,
    /// The verdict, or the code of the duty, the finding, the mistake of the input.
    pub code: String,
    /// How loud.
    pub level: Level,
    /// A sentence, lower case, no full stop, cleaned.
    pub message: String,
    /// What to do; empty where nothing is to be done.
    pub help: String,
    /// Clauses, in short: `llama-3.1 2`.
    pub cites: Vec<String>,
    /// Where it stands; never empty for a model that lies somewhere.
    pub places: Vec<Place>,
    /// What makes it the same; all of them must be known for a baseline to know it. Empty: no baseline ever knows it.
    pub keys: Vec<Key>,
    /// What it does to the exit status.
    pub outcome: Option<Outcome>,
    /// False where the user lets such outcomes pass.
    pub counts: bool,
    /// The day since which a baseline knows it, `YYYY-MM-DD`.
    pub since: Option<String>,
    /// The waiver in force that sets it aside, in words: until when, by whom, why. Of a policy's issues alone.
    pub waived: Option<String>,
}

impl Place {
    /// `README.md:3`, `model.gguf general.license`, `model.gguf bytes 0 to 2`; cleaned.
    fn shown(&self) -> String {
        line(&match (self.line, self.bytes) {
            (Some(line), _) => format!("{}:{line}", self.path),
            (None, Some(_)) if !self.key.is_empty() => format!("{} {}", self.path, self.key),
            (None, Some((from, to))) => format!("{} bytes {from} to {to}", self.path),
            (None, None) => self.path.clone(),
        })
    }
}

impl Issue {
    /// True where it fails the run.
    pub fn fails(&self) -> bool {
        self.outcome.is_some() && self.counts && self.since.is_none() && self.waived.is_none()
    }
}

/// One model's issues; the first is the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where it lies, as [`Place::path`]; unique in a run.
    pub path: String,
    /// What it is called, cleaned.
    pub name: String,
    /// `BLOCKED`, `OPEN`, `CLEAR`.
    pub heading: String,
    /// The answer's issues: the verdict first, duties, findings, mistakes of the input.
    pub issues: Vec<Issue>,
}

/// A run over models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// One a model.
    pub models: Vec<Checked>,
    /// What went wrong besides any model: inputs that are not there, mistakes of configuration.
    pub input: Vec<Issue>,
    /// The day of the question.
    pub as_of: String,
    /// Version of the law.
    pub catalog: String,
    /// True where a baseline was given.
    pub baseline: bool,
    /// The exit status.
    pub exit: u8,
}

/// What the shell and the screens know of a dossier.
pub struct Told<'t> {
    /// Where the model lies, as [`Place::path`].
    pub path: String,
    /// True where that is a folder.
    pub folder: bool,
    /// `BLOCKED`, `OPEN`, `CLEAR`, and a sentence that begins with the verdict.
    pub answer: (&'t str, String),
    /// A duty in one line.
    pub duty: &'t dyn Fn(&Obligation<'_>) -> String,
    /// Where evidence stands in the working tree; `None` where it is not a file of it.
    pub place: &'t dyn Fn(&Evidence) -> Option<Place>,
}

/// Most places of one issue.
const PLACES_MAX: usize = 10;
/// Most clauses that a message cites.
const CITES_MAX: usize = 3;

/// The issues of a model.
pub fn checked(d: &Dossier<'_>, told: &Told<'_>) -> Checked {
    let mut issues = vec![verdict(d, told)];
    // what a refused use would owe is of no use
    if d.assessment.verdict != Verdict::Prohibited {
        let owed = d.assessment.obligations.iter().filter(|o| o.certainty == Certainty::Owed);
        issues.extend(owed.map(|o| duty(d, o, told)));
    } else if d.outgoing.is_some() {
        let lacks = |o: &&Obligation<'_>| o.certainty == Certainty::Owed && o.status == Status::Unmet;
        issues.extend(d.assessment.obligations.iter().filter(lacks).map(|o| duty(d, o, told)));
    }
    issues.extend(d.assessment.findings.iter().map(|f| finding(d, f, told)));
    issues.extend(d.diagnostics.iter().map(|m| input(m, told.place)));
    let here = Place { path: told.path.clone(), folder: told.folder, ..Place::default() };
    for issue in &mut issues {
        if issue.places.is_empty() && !here.path.is_empty() {
            issue.places.push(here.clone());
        }
    }
    Checked { path: told.path.clone(), name: line(&d.subject.id), heading: told.answer.0.to_string(), issues }
}

/// What a policy objects to, as issues. `place` finds evidence in the working tree, `rule` the file of a rule or a waiver
/// (`freehold.toml:12`), `waiver` says a waiver in words. No baseline knows them: what a policy denies it denies each time,
/// and a waiver, with a name and an end, is what sets it aside.
pub fn policy(
    outcome: &freehold_policy::Outcome,
    place: &dyn Fn(&Evidence) -> Option<Place>,
    rule: &dyn Fn(&Evidence) -> Option<Place>,
    waiver: &dyn Fn(&WaiverUse) -> String,
) -> Vec<Issue> {
    let stands = |from: &str| {
        let (file, number) = from.rsplit_once(':')?;
        rule(&Evidence { file: file.into(), line: Some(number.parse().ok()?), ..Evidence::default() })
    };
    let issue = |code: &str, level, message: String, help: &str, places: Vec<Place>, outcome| Issue {
        topic: Topic::Policy,
        code: code.to_string(),
        level,
        message: line(&message),
        help: line(help),
        cites: Vec::new(),
        places,
        keys: Vec::new(),
        outcome,
        counts: true,
        since: None,
        waived: None,
    };
    let mut out = Vec::new();
    for v in &outcome.violations {
        let (level, effect) = match v.severity {
            Counts::Error => (Level::Error, Some(Outcome::Blocked)),
            Counts::Review => (Level::Warning, Some(Outcome::Open)),
            Counts::Warning => (Level::Warning, None),
            Counts::Note => (Level::Note, None),
            Counts::Off => continue,
        };
        let mut places: Vec<Place> = v.evidence.iter().filter_map(place).collect();
        places.extend(stands(&v.from));
        places.dedup();
        places.truncate(PLACES_MAX);
        let mut message = format!("{}: {}", v.rule, v.says);
        let said = v.waiver.as_ref().map(|w| line(&waiver(w)));
        // a waiver that has ended, or was given for other bytes, is told and sets nothing aside
        if let Some(said) = said.as_ref().filter(|_| !v.is_waived()) {
            message.push_str(&format!("; {said}"));
        }
        let one = issue(&v.rule, level, message, &v.fix, places, effect);
        out.push(Issue { waived: said.filter(|_| v.is_waived()), ..one });
    }
    for stale in &outcome.stale {
        let message = match stale.why {
            StaleWhy::Unused => {
                format!("the waiver of {} is unused: nothing of it is raised any more", stale.waiver.code)
            }
            StaleWhy::Lapsed => format!("the waiver of {} was given for other bytes than these", stale.waiver.code),
        };
        let places = stands(&stale.waiver.from).into_iter().collect();
        out.push(issue("waiver-unused", Level::Note, message, "take it out", places, None));
    }
    out
}

/// What a register says of a model that no approval in force covers, as an issue: it fails the run every time.
pub fn not_approved(gate: &crate::Gate, place: Place) -> Issue {
    Issue {
        topic: Topic::Policy,
        code: "not-approved".into(),
        level: Level::Error,
        message: line(&format!("no approval in force covers it: {}", gate.says.join("; "))),
        help: "have it approved for this use: freehold register".into(),
        cites: Vec::new(),
        places: vec![place],
        keys: Vec::new(),
        outcome: Some(Outcome::Blocked),
        counts: true,
        since: None,
        waived: None,
    }
}

/// A mistake of the input as an issue; `place` finds the file.
pub fn input(m: &Diagnostic, place: &dyn Fn(&Evidence) -> Option<Place>) -> Issue {
    let level = match m.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Note => Level::Note,
    };
    let evidence = m.label.as_ref().map(|l| Evidence {
        file: l.file.clone(),
        line: l.position.map(|p| p.0),
        bytes: l.bytes.and_then(|(a, b)| Some((u64::try_from(a).ok()?, u64::try_from(b).ok()?))),
        ..Evidence::default()
    });
    let mut found = evidence.as_ref().and_then(place);
    if let (Some(p), Some((_, column))) = (found.as_mut(), m.label.as_ref().and_then(|l| l.position)) {
        p.column.get_or_insert(column);
    }
    // a file that is not found again is named in words
    let named = m.label.as_ref().filter(|_| found.is_none()).map(|l| format!("{}: ", l.file)).unwrap_or_default();
    Issue {
        topic: Topic::Input,
        code: m.code.to_string(),
        level,
        message: line(&format!("{named}{}", m.message)),
        help: line(m.help.as_deref().unwrap_or_default()),
        cites: Vec::new(),
        places: found.into_iter().collect(),
        keys: Vec::new(),
        outcome: (level == Level::Error).then_some(Outcome::Unreadable),
        counts: true,
        since: None,
        waived: None,
    }
}

/// Foreign text on one line.
fn line(text: &str) -> String {
    shown(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn verdict(d: &Dossier<'_>, told: &Told<'_>) -> Issue {
    let a = &d.assessment;
    let (level, outcome) = match a.verdict {
        Verdict::Prohibited | Verdict::NeedsSeparateLicense => (Level::Error, Some(Outcome::Blocked)),
        Verdict::Undetermined | Verdict::NeedsReview => (Level::Warning, Some(Outcome::Open)),
        Verdict::PermittedWithObligations | Verdict::Permitted => (Level::Pass, None),
    };
    let reasons = if outcome.is_some() { reasons(d) } else { Vec::new() };
    let mut cites: Vec<String> = Vec::new();
    for r in &reasons {
        if !r.cite.is_empty() && !cites.contains(&r.cite) {
            cites.push(line(&r.cite));
        }
    }
    let mut message = told.answer.1.clone();
    let quotable = || reasons.iter().filter(|r| !r.quote.is_empty());
    let quoted: Vec<String> = quotable().take(CITES_MAX).map(|r| format!("{} “{}”", r.cite, r.quote)).collect();
    if !quoted.is_empty() {
        message.push_str(&format!("; because {}", quoted.join(", ")));
    }
    let more = quotable().count().saturating_sub(CITES_MAX);
    if more > 0 {
        message.push_str(&format!(" and {more} more"));
    }
    Issue {
        topic: Topic::Verdict,
        code: a.verdict.as_str().into(),
        level,
        message: line(&message),
        help: freehold_assess::verdict_explained(a.verdict).fix.to_string(),
        cites,
        places: verdict_places(d, told),
        keys: reasons.into_iter().map(|r| r.key).collect(),
        outcome,
        counts: true,
        since: None,
        waived: None,
    }
}

fn cite(key: &Key) -> String {
    format!("{} {}", key.license, key.clause).trim().to_string()
}

/// One thing that decides a verdict that is not clear.
struct Reason {
    key: Key,
    /// `llama-3.1 2`, or the question where no clause is at issue.
    cite: String,
    /// The operative words; empty where no clause is at issue.
    quote: String,
}

/// What decides a verdict that is not clear, each once.
fn reasons(d: &Dossier<'_>) -> Vec<Reason> {
    let a = &d.assessment;
    let mut out: Vec<Reason> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut push = |license: &str, clause: &str, says: Option<&str>, quote: &str| {
        let key = Key {
            code: a.verdict.as_str().into(),
            license: license.into(),
            clause: clause.into(),
            work: String::new(),
        };
        if seen.insert(key.clone()) {
            let cite = says.map_or_else(|| cite(&key), str::to_string);
            out.push(Reason { key, cite, quote: quote.to_string() });
        }
    };
    // of an open verdict also what is sure: should it bite anew, a baseline that knew the rest is told
    let decides = |l: &&freehold_assess::Limit<'_>| {
        if a.range.is_point() { l.sure && l.to == a.range.worst } else { l.to < Permission::Permitted }
    };
    for l in a.limits.iter().filter(decides) {
        let id = d.catalog.licenses.get(l.license).map_or("", |x| x.id.as_str());
        match l.term {
            Some(t) => push(id, &t.clause, None, &t.quote),
            None => push(id, &format!("grants no {}", l.act.map_or("such act", |x| x.as_str())), None, ""),
        }
    }
    if !a.range.is_point() {
        for g in &a.gaps {
            match g.term {
                Some(t) => push(&g.license, &t.clause, None, &t.quote),
                None => push(&g.license, &g.says, Some(&g.says), ""),
            }
        }
    }
    // a verdict without a clause is still one thing to know
    if a.limits.iter().filter(decides).count() == 0 && (a.range.is_point() || a.gaps.is_empty()) {
        push("", "", Some(""), "");
    }
    out
}

/// Where the statements stand on which a verdict rests: what names a base, then what states a license.
fn verdict_places(d: &Dossier<'_>, told: &Told<'_>) -> Vec<Place> {
    let steps = d.graph.edges.iter().filter(|e| e.child == d.graph.subject).map(|e| &e.evidence);
    let governing = d.assessment.licenses.iter().filter(|l| !l.displaced && !l.outbound && !l.beyond);
    let claims = governing
        .flat_map(|l| l.claims.iter().filter_map(|c| d.graph.works.get(l.work)?.claims.get(*c)))
        .map(|c| &c.evidence);
    places(steps.chain(claims), told.place)
}

fn places<'e>(all: impl Iterator<Item = &'e Evidence>, place: &dyn Fn(&Evidence) -> Option<Place>) -> Vec<Place> {
    let mut out: Vec<Place> = Vec::new();
    for p in all.filter_map(place) {
        if !out.contains(&p) && out.len() < PLACES_MAX {
            out.push(p);
        }
    }
    out
}

fn duty(d: &Dossier<'_>, o: &Obligation<'_>, told: &Told<'_>) -> Issue {
    let source = o.sources.first();
    let key = Key {
        code: o.code.into(),
        license: source.and_then(|s| d.catalog.licenses.get(s.license)).map(|l| l.id.clone()).unwrap_or_default(),
        clause: source.map(|s| s.term.clause.clone()).unwrap_or_default(),
        work: String::new(),
    };
    let unmet = o.status == Status::Unmet && d.outgoing.is_some();
    let (level, outcome, state) = match o.status {
        Status::Met => (Level::Pass, None, "met"),
        _ if unmet => (Level::Error, Some(Outcome::Blocked), "unmet"),
        Status::Unmet | Status::Unknown => (Level::Note, None, "not checked"),
        Status::ToAttest => (Level::Note, None, "to attest"),
    };
    let help = match o.status {
        _ if unmet => {
            let out = d.outgoing.as_ref().map_or("the release", |x| x.path.as_str());
            format!("put it into {out}; `freehold why {} {}` shows the clause", o.code, told.path)
        }
        Status::Unmet | Status::Unknown => "check what goes out with `--release DIR`".into(),
        Status::ToAttest => "a person sees to it; no file shows it".into(),
        Status::Met => String::new(),
    };
    Issue {
        topic: Topic::Duty,
        code: o.code.into(),
        level,
        message: line(&format!("{} ({}); {state}", (told.duty)(o), cite(&key))),
        help: line(&help),
        cites: vec![cite(&key)],
        places: verdict_places(d, told),
        keys: vec![key],
        outcome,
        counts: true,
        since: None,
        waived: None,
    }
}

fn finding(d: &Dossier<'_>, f: &freehold_assess::Finding, told: &Told<'_>) -> Issue {
    let subject = d.graph.works.get(d.graph.subject).map_or("", |w| w.id.as_str());
    let work = if f.work == subject { String::new() } else { f.work.clone() };
    let of = if work.is_empty() { String::new() } else { format!(" (of {work})") };
    Issue {
        topic: Topic::Finding,
        code: f.code.as_str().into(),
        level: if f.code.severity() == Severity::Note { Level::Note } else { Level::Warning },
        message: line(&format!("{}: {}{of}", f.code.title(), f.detail)),
        help: f.code.explained().fix.to_string(),
        cites: Vec::new(),
        places: places(f.evidence.iter(), told.place),
        keys: vec![Key { code: f.code.as_str().into(), work, ..Key::default() }],
        outcome: None,
        counts: true,
        since: None,
        waived: None,
    }
}

/// The words of a code: a line, what it means, what to do.
fn rule_words(topic: Topic, code: &str) -> (String, String, String) {
    let finding = FindingCode::ALL.iter().find(|c| c.as_str() == code).filter(|_| topic == Topic::Finding);
    if let Some(code) = finding {
        let words = code.explained();
        return (code.title().into(), format!("{} {}", words.means, words.matters), words.fix.into());
    }
    let verdict = Verdict::ALL.iter().find(|v| v.as_str() == code).filter(|_| topic == Topic::Verdict);
    if let Some(verdict) = verdict {
        let words = freehold_assess::verdict_explained(*verdict);
        return (words.means.into(), format!("{} {}", words.means, words.matters), words.fix.into());
    }
    if topic == Topic::Policy {
        return (
            code.replace('-', " "),
            "the organization's own policy objects; no verdict is changed by it".into(),
            String::new(),
        );
    }
    (code.replace('-', " "), String::new(), String::new())
}

impl Pipeline {
    /// Every issue with its model, in order.
    pub fn issues(&self) -> impl Iterator<Item = (Option<&Checked>, &Issue)> {
        let of_models = self.models.iter().flat_map(|m| m.issues.iter().map(move |i| (Some(m), i)));
        of_models.chain(self.input.iter().map(|i| (None, i)))
    }

    /// True where a waiver sets anything aside.
    fn waives(&self) -> bool {
        self.issues().any(|(_, i)| i.waived.is_some())
    }

    /// The outcomes that the user lets pass no longer fail the run.
    pub fn count(&mut self, counts: impl Fn(Outcome) -> bool) {
        let all = self.models.iter_mut().flat_map(|m| &mut m.issues).chain(&mut self.input);
        for issue in all {
            issue.counts = issue.outcome.is_none_or(&counts);
        }
    }

    /// `4 models: 1 blocked, 1 open, 2 clear`.
    fn counted(&self) -> String {
        let n = self.models.len();
        let mut parts: Vec<String> = Vec::new();
        for word in ["blocked", "open", "unreadable", "denied by policy", "to review", "clear"] {
            let k = self.models.iter().filter(|m| m.word() == word).count();
            if k > 0 {
                parts.push(format!("{k} {word}"));
            }
        }
        let models = if n == 1 { "1 model".to_string() } else { format!("{n} models") };
        if parts.is_empty() { models } else { format!("{models}: {}", parts.join(", ")) }
    }
}

impl Checked {
    /// The heading in a count: a clear answer over a file that cannot be trusted is none.
    fn word(&self) -> &'static str {
        match self.heading.as_str() {
            "BLOCKED" => "blocked",
            "OPEN" => "open",
            _ if self.issues.iter().any(|i| i.outcome == Some(Outcome::Unreadable)) => "unreadable",
            _ => match self
                .issues
                .iter()
                .filter(|i| i.topic == Topic::Policy && i.waived.is_none())
                .filter_map(|i| i.outcome)
                .min()
            {
                Some(Outcome::Blocked) => "denied by policy",
                Some(_) => "to review",
                None => "clear",
            },
        }
    }

    /// The outcome of what no baseline knows: blocked before open before unreadable.
    pub fn new_outcome(&self) -> Option<Outcome> {
        let stands = |i: &&Issue| i.since.is_none() && i.waived.is_none();
        self.issues.iter().filter(stands).filter_map(|i| i.outcome).min()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run with hostile names: a refused model, an open one, a clear one, a broken input.
    pub(crate) fn sample() -> Pipeline {
        let issue = |topic, code: &str, level, message: &str, outcome| Issue {
            topic,
            code: code.into(),
            level,
            message: message.into(),
            help: String::new(),
            cites: Vec::new(),
            places: Vec::new(),
            keys: Vec::new(),
            outcome,
            counts: true,
            since: None,
            waived: None,
        };
        let key = |code: &str, license: &str, clause: &str| Key {
            code: code.into(),
            license: license.into(),
            clause: clause.into(),
            work: String::new(),
        };
        let mut refused = issue(Topic::Verdict, "prohibited", Level::Error, "prohibited: no", Some(Outcome::Blocked));
        refused.keys = vec![key("prohibited", "acme-1", "2"), key("prohibited", "acme-1", "3")];
        refused.cites = vec!["acme-1 2".into(), "acme-1 3".into()];
        refused.places = vec![Place {
            path: "models/a b/README.md".into(),
            line: Some(3),
            column: Some(10),
            end: Some((3, 13)),
            bytes: Some((20, 23)),
            ..Place::default()
        }];
        let mut binary = issue(
            Topic::Finding,
            "pickle-code",
            Level::Warning,
            "a <script>alert(1)</script> | @octocat\u{fffd}, 50%",
            None,
        );
        binary.places = vec![Place { path: "models/a b/x.bin".into(), bytes: Some((0, 2)), ..Place::default() }];
        binary.keys = vec![key("pickle-code", "", "")];
        let mut open =
            issue(Topic::Verdict, "undetermined", Level::Warning, "undetermined: a fact", Some(Outcome::Open));
        open.keys = vec![key("undetermined", "acme-1", "2")];
        open.places = vec![Place { path: "models/o".into(), folder: true, ..Place::default() }];
        let mut owed = issue(
            Topic::Duty,
            "notice-file",
            Level::Error,
            "notice file: there is none (acme-1 4); unmet",
            Some(Outcome::Blocked),
        );
        owed.keys = vec![key("notice-file", "acme-1", "4")];
        let model = |path: &str, name: &str, heading: &str, issues| Checked {
            path: path.into(),
            name: name.into(),
            heading: heading.into(),
            issues,
        };
        Pipeline {
            models: vec![
                model("models/a b", "a|b`</summary><b>", "BLOCKED", vec![refused, binary]),
                model("models/o", "o", "OPEN", vec![open]),
                model(
                    "models/c",
                    "c",
                    "BLOCKED",
                    vec![issue(Topic::Verdict, "permitted", Level::Pass, "permitted: yes", None), owed],
                ),
            ],
            input: vec![issue(Topic::Input, "gguf-truncated", Level::Error, "cut short", Some(Outcome::Unreadable))],
            as_of: "2026-11-24".into(),
            catalog: "2026.11.24".into(),
            baseline: false,
            exit: 3,
        }
    }

    #[test]
    fn what_passes_and_what_is_known_does_not_fail() {
        let mut run = sample();
        let failing = |p: &Pipeline| p.issues().filter(|(_, i)| i.fails()).count();
        assert_eq!(failing(&run), 4);
        run.count(|o| o != Outcome::Open);
        assert_eq!(failing(&run), 3);
        run.models[0].issues[0].since = Some("2026-01-01".into());
        assert_eq!(failing(&run), 2);
        assert_eq!(run.models[0].new_outcome(), None);
        assert_eq!(run.counted(), "3 models: 2 blocked, 1 open");
    }

    #[test]
    fn every_code_has_words() {
        for code in FindingCode::ALL {
            assert!(!rule_words(Topic::Finding, code.as_str()).2.is_empty());
        }
        for verdict in Verdict::ALL {
            assert!(!rule_words(Topic::Verdict, verdict.as_str()).2.is_empty());
        }
    }
}
