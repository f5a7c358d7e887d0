//! A policy against one assessment.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{Access, Assessment, Certainty, Deployment, Governing};
use freehold_base::{Basis, Diagnostic, Evidence, Graph, Severity as InputSeverity, Truth, Value, Work};
use freehold_catalog::{Catalog, FactId, Facts, License, Near, Strictness};

use crate::names::Values;
use crate::rule::{Class, Effect, Policy, PolicyCode, Rule, Selectors, Severity};
use crate::waiver::{StaleWaiver, WaiverUse, WaiverUseState, Waivers};

/// What a policy looks at: an assessment and what it was made from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The law.
    pub catalog: &'a Catalog,
    /// The subject and what it was made from.
    pub graph: &'a Graph,
    /// The stated facts.
    pub deployment: &'a Deployment,
    /// The answer.
    pub assessment: &'a Assessment<'a>,
    /// What is wrong with the input.
    pub diagnostics: &'a [Diagnostic],
    /// What the subject is called.
    pub id: &'a str,
    /// The day of the question, `YYYY-MM-DD`.
    pub as_of: &'a str,
    /// Digest of what was read of it; empty where nothing was.
    pub artifact: &'a str,
    /// Its legal texts: file, digest.
    pub texts: &'a [(String, String)],
}

/// What a policy objects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule's id; a finding's or the policy's own code where no rule is behind it.
    pub rule: String,
    /// What sort it is: a code of the policy or a finding's.
    pub code: String,
    /// How much it counts.
    pub severity: Severity,
    /// What was found, lower case, no full stop.
    pub says: String,
    /// What to do; empty where nothing is known.
    pub fix: String,
    /// The license it is about; empty for none.
    pub license: String,
    /// The works it is about, by id.
    pub works: Vec<String>,
    /// Names of the facts that decide it where they are not stated.
    pub facts: Vec<String>,
    /// Where it stands.
    pub evidence: Vec<Evidence>,
    /// Where the rule stands (`freehold.toml:12`, `profile product`); empty for codes.
    pub from: String,
    /// True where a waiver may set it aside.
    pub waivable: bool,
    /// The waiver that is about it, in force or not.
    pub waiver: Option<WaiverUse>,
}

impl Violation {
    /// True where a waiver in force answers it.
    pub fn is_waived(&self) -> bool {
        self.waiver.as_ref().is_some_and(|w| w.state == WaiverUseState::Active)
    }
}

/// What a policy comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutcomeState {
    /// Nothing of it stands in the way.
    Passed,
    /// A person looks first.
    Review,
    /// It does not go out.
    Denied,
}

impl OutcomeState {
    /// The word used on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            OutcomeState::Passed => "passed",
            OutcomeState::Review => "review",
            OutcomeState::Denied => "denied",
        }
    }
}

/// A policy's outcome for one subject. The verdict is the assessment's and is not repeated here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The policy's file.
    pub file: String,
    /// Its profile; empty for none.
    pub profile: String,
    /// The environment; empty for none.
    pub environment: String,
    /// Digest of what was read of the subject, to which a waiver is bound.
    pub artifact: String,
    /// What it comes to.
    pub state: OutcomeState,
    /// Violations, waived ones too: most first.
    pub violations: Vec<Violation>,
    /// Waivers about this subject that answer nothing.
    pub stale: Vec<StaleWaiver>,
}

/// A license statement that governs, as rules see it.
pub(crate) struct Statement<'a> {
    work: &'a Work,
    governing: Option<&'a Governing>,
    pub(crate) law: Option<&'a License>,
    pub(crate) basis: Option<Basis>,
    evidence: Vec<&'a Evidence>,
}

impl Statement<'_> {
    /// False for a work of which nothing says under what it stands, and which is here for its publisher.
    pub(crate) fn stated(&self) -> bool {
        self.governing.is_some()
    }

    pub(crate) fn is(&self, class: Class) -> bool {
        let Some(governing) = self.governing else { return false };
        let osi = self.law.and_then(|l| l.open_source.as_ref()).is_some_and(|o| o.osi_approved);
        match (class, self.law) {
            (Class::NoLicense, _) => governing.license.is_empty(),
            (Class::Unknown, law) => law.is_none() && !governing.license.is_empty(),
            (Class::Open, Some(l)) => l.strictness == Strictness::Open,
            (Class::Restricted, Some(l)) => l.strictness == Strictness::Restricted,
            (Class::PurposeLimited, Some(l)) => l.strictness == Strictness::PurposeLimited,
            (Class::OsiApproved, Some(_)) => osi,
            (Class::NotOsiApproved, Some(_)) => !osi,
            (_, None) => false,
        }
    }

    /// What is not in law was read by nobody.
    pub(crate) fn level(&self) -> &str {
        self.law.map_or("unreviewed", |l| l.review.level.as_str())
    }

    fn name(&self) -> &str {
        self.governing.map_or("", |g| g.license.as_str())
    }

    fn publisher(&self) -> &str {
        self.work.id.split_once('/').map_or("", |(p, _)| p)
    }

    /// Whether a rule is about this statement.
    fn fits(&self, about: &Selectors) -> bool {
        if !about.publishers.is_empty() && !about.publishers.iter().any(|p| p.fits(self.publisher())) {
            return false;
        }
        if about.only_publishers() {
            return true;
        }
        let Some(governing) = self.governing else { return false };
        let names = || {
            let law = self.law.into_iter().flat_map(|l| [l.id.as_str(), l.family.as_str()]);
            law.chain([governing.license.as_str(), governing.edition.as_str()])
        };
        (about.licenses.is_empty() || about.licenses.iter().any(|p| names().any(|n| !n.is_empty() && p.fits(n))))
            && (about.classes.is_empty() || about.classes.iter().any(|c| self.is(*c)))
            && (about.bases.is_empty() || self.basis.is_some_and(|b| about.bases.contains(&b)))
            && (about.levels.is_empty() || about.levels.iter().any(|l| l == self.level()))
    }
}

/// What stands for who took a step, which the graph presumes and no fact states.
pub(crate) fn step_taker() -> &'static str {
    "who-made-it"
}

/// The statements that govern, then the works that say nothing.
fn statements<'a>(s: &Situation<'a>) -> Vec<Statement<'a>> {
    let mut out: Vec<Statement<'a>> = Vec::new();
    for governing in s.assessment.licenses.iter().filter(|l| !l.displaced && !l.outbound && !l.beyond) {
        let Some(work) = s.graph.works.get(governing.work) else { continue };
        let claims: Vec<_> = governing.claims.iter().filter_map(|c| work.claims.get(*c)).collect();
        out.push(Statement {
            work,
            governing: Some(governing),
            law: s.catalog.license(&governing.license),
            basis: claims.iter().map(|c| c.basis).min(),
            evidence: if claims.is_empty() {
                vec![&work.evidence]
            } else {
                claims.iter().map(|c| &c.evidence).collect()
            },
        });
    }
    for (i, work) in s.graph.works.iter().enumerate() {
        if !s.assessment.licenses.iter().any(|l| l.work == i && !l.displaced && !l.outbound && !l.beyond) {
            out.push(Statement { work, governing: None, law: None, basis: None, evidence: vec![&work.evidence] });
        }
    }
    out
}

/// A truth with the facts that would settle it.
struct Known {
    truth: Truth,
    facts: BTreeSet<FactId>,
}

impl Known {
    fn sure(truth: bool) -> Known {
        Known { truth: truth.into(), facts: BTreeSet::new() }
    }

    fn open(facts: impl IntoIterator<Item = FactId>) -> Known {
        Known { truth: Truth::Unknown, facts: facts.into_iter().collect() }
    }

    fn and(mut self, other: Known) -> Known {
        self.facts.extend(other.facts);
        Known { truth: self.truth.and(other.truth), facts: self.facts }
    }
}

struct Eval<'a> {
    s: &'a Situation<'a>,
    values: &'a Values<'a>,
}

impl Eval<'_> {
    fn fact(&self, name: &str) -> Vec<FactId> {
        self.s.catalog.facts.find(name).into_iter().collect()
    }

    /// Everything that a rule asks besides the statement; `of` is the statement's license in law, for duties.
    fn whole(&self, about: &Selectors, of: Option<&Statement<'_>>) -> Known {
        let a = self.s.assessment;
        let mut known = self.outcome(about);
        if !about.worst.is_empty() {
            known = known.and(Known::sure(about.worst.contains(&a.range.worst)));
        }
        if let Some(mask) = about.activities {
            known = known.and(match self.values.activities() {
                Some(stated) => Known::sure(stated.overlaps(mask)),
                None => Known::open(self.fact("use.activities")),
            });
        }
        if !about.countries.is_empty() {
            known = known.and(self.places(&about.countries));
        }
        if !about.presumptions.is_empty() {
            let named = |f: Option<FactId>| f.map_or(step_taker(), |id| self.s.catalog.facts.get(id).name.as_str());
            let hit = |f| about.presumptions.iter().any(|p| p == "*" || p == named(f));
            known = known.and(Known::sure(a.assumptions.iter().any(|x| hit(x.fact))));
        }
        if !about.obligations.is_empty() {
            known = known.and(self.duties(about, of));
        }
        if !about.findings.is_empty() {
            known = known.and(Known::sure(a.findings.iter().any(|f| about.findings.contains(&f.code))));
        }
        if let Some(when) = &about.when {
            let truth = when.eval(self.values, Near::Out);
            let mut facts = Vec::new();
            if truth == Truth::Unknown {
                when.support(self.values, Near::Out, &mut facts);
            }
            known = known.and(Known { truth, facts: facts.into_iter().collect() });
        }
        known
    }

    /// The verdict and the access: where both are asked, the verdict of that access.
    fn outcome(&self, about: &Selectors) -> Known {
        let a = self.s.assessment;
        let verdict = |v| about.verdicts.is_empty() || about.verdicts.contains(&v);
        if about.accesses.is_empty() {
            return Known::sure(verdict(a.verdict));
        }
        let hit = a.by_access.iter().any(|(access, _, v)| about.accesses.contains(access) && verdict(*v));
        match (hit, a.access_open) {
            (true, true) => Known::open(self.fact("use.access")),
            (hit, _) => Known::sure(hit),
        }
    }

    /// Where it is used: where it runs, and where its customers are.
    fn places(&self, countries: &[String]) -> Known {
        let mut open = Vec::new();
        for name in ["use.deployment_country", "use.customer_countries"] {
            match self.s.deployment.named(self.s.catalog, name) {
                Some(Value::Text(c)) if countries.contains(c) => return Known::sure(true),
                Some(Value::List(list)) if list.iter().any(|c| countries.contains(c)) => return Known::sure(true),
                Some(_) => {}
                None => open.extend(self.fact(name)),
            }
        }
        if open.is_empty() { Known::sure(false) } else { Known::open(open) }
    }

    fn duties(&self, about: &Selectors, of: Option<&Statement<'_>>) -> Known {
        let law = of.and_then(|s| s.law).map(|l| l.id.as_str());
        let asked_by = |o: &freehold_assess::Obligation<'_>| match (of, law) {
            (None, _) => true,
            (Some(_), Some(id)) => {
                o.sources.iter().any(|x| self.s.catalog.licenses.get(x.license).is_some_and(|l| l.id == id))
            }
            (Some(_), None) => false,
        };
        let due: Vec<_> = (self.s.assessment.obligations.iter())
            .filter(|o| !o.upstream && about.obligations.iter().any(|p| p.fits(o.code)) && asked_by(o))
            .collect();
        if due.iter().any(|o| o.certainty == Certainty::Owed) {
            return Known::sure(true);
        }
        match due.is_empty() {
            true => Known::sure(false),
            false => Known::open(due.iter().flat_map(|o| o.facts.iter().copied())),
        }
    }
}

/// What a policy objects to in an assessment. It is read, never changed. Most first, then by rule.
pub fn evaluate(policy: &Policy, s: &Situation<'_>) -> Vec<Violation> {
    let statements = statements(s);
    let values = Values::new(&policy.names, s, &statements);
    let eval = Eval { s, values: &values };
    let mut out = Vec::new();
    for rule in policy.rules.iter().filter(|r| r.effect != Effect::Allow) {
        apply(policy, rule, &statements, &eval, &mut out);
    }
    listed(policy, &statements, &eval, &mut out);
    findings(policy, s, &mut out);
    required(policy, s, &mut out);
    unreadable(policy, s, &mut out);
    for v in &mut out {
        v.waivable = !policy.cannot_be_waived.contains(&v.rule);
    }
    out.sort_by(|a, b| {
        (b.severity, &a.rule, &a.license, &a.works, &a.says).cmp(&(a.severity, &b.rule, &b.license, &b.works, &b.says))
    });
    out.dedup();
    out
}

/// One rule: a violation for each license it is about, with the works under it.
fn apply(policy: &Policy, rule: &Rule, statements: &[Statement<'_>], eval: &Eval<'_>, out: &mut Vec<Violation>) {
    let severity = policy.severity(&rule.id).unwrap_or(rule.severity);
    if severity == Severity::Off {
        return;
    }
    let mut add = |known: &Known, of: &[&Statement<'_>]| {
        if let Some(v) = raised(policy, rule, severity, known, of, eval.s) {
            out.push(v);
        }
    };
    if !rule.about.of_statement() {
        add(&eval.whole(&rule.about, None), &[]);
        return;
    }
    let mut groups: BTreeMap<&str, Vec<&Statement<'_>>> = BTreeMap::new();
    for statement in statements.iter().filter(|s| s.fits(&rule.about)) {
        groups.entry(statement.name()).or_default().push(statement);
    }
    for of in groups.values() {
        let first = of.first().copied();
        add(&eval.whole(&rule.about, first), of);
    }
}

fn raised(
    policy: &Policy,
    rule: &Rule,
    severity: Severity,
    known: &Known,
    of: &[&Statement<'_>],
    s: &Situation<'_>,
) -> Option<Violation> {
    let mut violation = blank(&rule.id, severity);
    violation.from = rule.from.clone();
    about_statements(&mut violation, of);
    let about = about_words(rule, of, s);
    let why = if rule.says.is_empty() { default_says(rule) } else { rule.says.clone() };
    match known.truth {
        Truth::False => return None,
        Truth::True => {
            let code = if rule.effect == Effect::Deny { PolicyCode::Denied } else { PolicyCode::ReviewAsked };
            violation.code = code.as_str().into();
            violation.says = if about.is_empty() { why } else { format!("{about}: {why}") };
            violation.fix = if rule.fix.is_empty() { default_fix(rule, of) } else { rule.fix.clone() };
        }
        Truth::Unknown => {
            // an open rule never counts more than the rule itself
            violation.severity = policy.severity(PolicyCode::Undecided.as_str()).unwrap_or(severity).min(severity);
            if violation.severity == Severity::Off {
                return None;
            }
            violation.code = PolicyCode::Undecided.as_str().into();
            undecided(&mut violation, known, s);
            let open = match violation.facts.as_slice() {
                [] => "whether it applies hangs on a reading of the license".to_string(),
                facts => format!("whether it applies hangs on what is not stated: {}", facts.join(", ")),
            };
            violation.says =
                if about.is_empty() { format!("{why}; {open}") } else { format!("{about}: {why}; {open}") };
        }
    }
    Some(violation)
}

fn blank(rule: &str, severity: Severity) -> Violation {
    Violation {
        rule: rule.to_string(),
        code: rule.to_string(),
        severity,
        says: String::new(),
        fix: String::new(),
        license: String::new(),
        works: Vec::new(),
        facts: Vec::new(),
        evidence: Vec::new(),
        from: String::new(),
        waivable: true,
        waiver: None,
    }
}

fn about_statements(violation: &mut Violation, of: &[&Statement<'_>]) {
    violation.license = of.first().map(|s| s.name().to_string()).unwrap_or_default();
    for s in of {
        if !violation.works.contains(&s.work.id) {
            violation.works.push(s.work.id.clone());
        }
        for e in &s.evidence {
            if !violation.evidence.contains(e) {
                violation.evidence.push((*e).clone());
            }
        }
    }
}

/// What has to be stated, and with which flag.
fn undecided(violation: &mut Violation, known: &Known, s: &Situation<'_>) {
    violation.facts = known
        .facts
        .iter()
        .filter_map(|id| s.catalog.facts.facts.get(usize::from(id.0)))
        .map(|f| f.name.clone())
        .collect();
    violation.fix = match violation.facts.as_slice() {
        [] => "let counsel read the clause; `freehold why verdict` shows it".into(),
        [_] => "state it in freehold.toml or with --set".into(),
        _ => "state them in freehold.toml or with --set".into(),
    };
}

/// `cc-by-nc-4.0, of acme/base and 2 more`.
fn about_words(rule: &Rule, of: &[&Statement<'_>], s: &Situation<'_>) -> String {
    if of.is_empty() {
        return facts_words(rule, s);
    }
    let mut works: Vec<&str> = of.iter().map(|s| s.work.id.as_str()).collect();
    works.dedup();
    let more = works.len().saturating_sub(2);
    works.truncate(2);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let works = format!("{}{more}", works.join(", "));
    match of.first().map(|s| (s.name(), s.stated())) {
        Some(("", true)) => format!("no license is stated, of {works}"),
        Some(("", false)) | None => works,
        Some((name, _)) => format!("{name}, of {works}"),
    }
}

/// What of the whole a rule without a license is about.
fn facts_words(rule: &Rule, s: &Situation<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    let about = &rule.about;
    if !about.obligations.is_empty() {
        let codes: BTreeSet<&str> = (s.assessment.obligations.iter())
            .filter(|o| !o.upstream && about.obligations.iter().any(|p| p.fits(o.code)))
            .map(|o| o.code)
            .collect();
        parts.extend(codes.into_iter().map(str::to_string));
    }
    if !about.findings.is_empty() {
        let found = s.assessment.findings.iter().filter(|f| about.findings.contains(&f.code));
        parts.extend(found.map(|f| f.code.as_str()).collect::<BTreeSet<_>>().into_iter().map(str::to_string));
    }
    if !about.presumptions.is_empty() {
        parts.extend(s.assessment.assumptions.iter().map(|a| a.says.clone()));
    }
    if !about.verdicts.is_empty() {
        parts.push(s.assessment.verdict.as_str().into());
    }
    if !about.accesses.is_empty() {
        let stated = s.assessment.by_access.iter().map(|(a, _, _)| *a).filter(|a| about.accesses.contains(a));
        parts.extend(stated.map(Access::as_str).map(str::to_string));
    }
    parts.truncate(4);
    parts.join(", ")
}

fn default_says(rule: &Rule) -> String {
    match rule.effect {
        Effect::Deny => "the policy does not let it go out".into(),
        _ => "the policy wants a person to look first".into(),
    }
}

fn default_fix(rule: &Rule, of: &[&Statement<'_>]) -> String {
    match (of.is_empty(), rule.effect) {
        (false, Effect::Deny) => {
            "take another base (`freehold what-if --swap-base MODEL` tells what moves), or ask for a waiver".into()
        }
        (true, Effect::Deny) => "change what the rule is about, or ask for a waiver".into(),
        _ => "have it looked at, and record the answer: `freehold waive`".into(),
    }
}

/// Licenses that no rule allows, where there is a rule that allows any.
fn listed(policy: &Policy, statements: &[Statement<'_>], eval: &Eval<'_>, out: &mut Vec<Violation>) {
    let allow: Vec<&Rule> = policy.rules.iter().filter(|r| r.effect == Effect::Allow).collect();
    let code = PolicyCode::LicenseNotListed.as_str();
    let severity = policy.severity(code).unwrap_or(Severity::Error);
    if allow.is_empty() || severity == Severity::Off {
        return;
    }
    type Group<'s, 'a> = (Vec<&'s Statement<'a>>, BTreeSet<FactId>);
    let mut groups: BTreeMap<(&str, bool), Group<'_, '_>> = BTreeMap::new();
    for statement in statements.iter().filter(|s| s.stated()) {
        let mut best = Known::sure(false);
        for rule in allow.iter().filter(|r| statement.fits(&r.about)) {
            let known = eval.whole(&rule.about, Some(statement));
            if known.truth > best.truth {
                best = known;
            }
        }
        if best.truth == Truth::True {
            continue;
        }
        let group = groups.entry((statement.name(), best.truth == Truth::Unknown)).or_default();
        group.0.push(statement);
        group.1.extend(best.facts);
    }
    for ((name, open), (of, facts)) in groups {
        let mut v = blank(code, severity);
        about_statements(&mut v, &of);
        let name = if name.is_empty() { "work without a stated license" } else { name };
        if open {
            v.code = PolicyCode::Undecided.as_str().into();
            v.severity = policy.severity(&v.code).unwrap_or(severity).min(severity);
            if v.severity == Severity::Off {
                continue;
            }
            undecided(&mut v, &Known { truth: Truth::Unknown, facts }, eval.s);
            v.says = format!("whether `{name}` is allowed hangs on what is not stated: {}", v.facts.join(", "));
        } else {
            v.says = format!("no rule allows `{name}`, of {}", v.works.join(", "));
            v.fix = "have it approved and add it to [[policy.allow]], or take another base".into();
        }
        out.push(v);
    }
}

/// Findings that the policy gives a severity.
fn findings(policy: &Policy, s: &Situation<'_>, out: &mut Vec<Violation>) {
    for f in &s.assessment.findings {
        let code = f.code.as_str();
        let Some(severity) = policy.severity(code).filter(|x| *x != Severity::Off) else { continue };
        let mut v = blank(code, severity);
        v.says = f.detail.clone();
        v.works = vec![f.work.clone()];
        v.evidence = f.evidence.clone();
        v.fix = f.code.explained().fix.trim_end_matches('.').to_string();
        out.push(v);
    }
}

/// Facts that the policy wants stated.
fn required(policy: &Policy, s: &Situation<'_>, out: &mut Vec<Violation>) {
    let code = PolicyCode::RequiredFact.as_str();
    let severity = policy.severity(code).unwrap_or(Severity::Review);
    if severity == Severity::Off {
        return;
    }
    for id in policy.required.iter().filter(|id| s.deployment.get(**id).is_none()) {
        let fact = s.catalog.facts.get(*id);
        let mut v = blank(code, severity);
        v.says = format!("`{}` is not stated: {}", fact.name, fact.question);
        v.fix = "state it in freehold.toml or with --set".into();
        v.facts = vec![fact.name.clone()];
        out.push(v);
    }
}

/// Input that could not be read.
fn unreadable(policy: &Policy, s: &Situation<'_>, out: &mut Vec<Violation>) {
    let code = PolicyCode::UnreadableInput.as_str();
    let severity = policy.severity(code).unwrap_or(Severity::Error);
    if severity == Severity::Off {
        return;
    }
    for d in s.diagnostics.iter().filter(|d| d.severity == InputSeverity::Error) {
        let mut v = blank(code, severity);
        v.says = d.message.clone();
        v.evidence = d.label.iter().map(|l| Evidence::stated(l.file.clone())).collect();
        v.fix = d.help.clone().unwrap_or_else(|| "replace the file with a whole one from its publisher".into());
        out.push(v);
    }
}

/// The outcome: violations, with the waivers that answer them. A waiver takes nothing away; it says that somebody
/// answers for it.
pub fn outcome(policy: &Policy, waivers: Option<&Waivers>, s: &Situation<'_>) -> Outcome {
    let mut violations = evaluate(policy, s);
    let stale = waivers.map(|w| w.answer(policy, s, &mut violations)).unwrap_or_default();
    let worst = violations.iter().filter(|v| !v.is_waived()).map(|v| v.severity).max();
    Outcome {
        file: policy.file.clone(),
        profile: policy.profile.clone(),
        environment: policy.environment.clone(),
        artifact: s.artifact.to_string(),
        state: match worst {
            Some(Severity::Error) => OutcomeState::Denied,
            Some(Severity::Review) => OutcomeState::Review,
            _ => OutcomeState::Passed,
        },
        violations,
        stale,
    }
}
