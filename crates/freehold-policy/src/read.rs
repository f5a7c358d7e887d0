//! Reads `[policy]`: every mistake at once, each with its place and what was probably meant.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{Access, FindingCode};
use freehold_base::{Basis, Diagnostic, Verdict, nearest};
use freehold_catalog::condition::{Scope, parse};
use freehold_catalog::document::{NodeValue, Sink, Span, Spanned, Table, parse_toml, unknown_word};
use freehold_catalog::{Catalog, FactId, FactOrigin, FactTable, is_country};

use crate::glob::{PATTERN_BYTES_MAX, Pattern};
use crate::names::{self, LEVELS, PERMISSIONS, duty_codes, presumable};
use crate::rule::{Class, CodeKind, Effect, Policy, PolicyCode, Rule, Selectors, Severity};

/// Largest policy file, in bytes.
pub const POLICY_BYTES_MAX: usize = 1 << 20;
/// Most rules of one file.
const RULES_MAX: usize = 1_000;
/// Longest chain of profiles.
const EXTENDS_MAX: usize = 8;
/// The profiles that ship with the command.
const BUILTIN: &str = include_str!("../builtin.toml");
/// What the built-in profiles are called in messages.
const BUILTIN_FILE: &str = "built in";

/// One section: the body of a policy, a profile or an environment.
#[derive(Clone, Debug, Default)]
struct Section {
    extends: Option<Spanned>,
    rules: Vec<Rule>,
    severities: Vec<(Spanned, Severity)>,
    required: Vec<FactId>,
    cannot_be_waived: Vec<Spanned>,
}

/// A policy file with everything that it may become: a body, profiles, environments.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// The file, as the user named it.
    pub file: String,
    body: Section,
    environment: Option<String>,
    environments: BTreeMap<String, Section>,
    profiles: BTreeMap<String, Section>,
    base: Section,
    rule_ids: BTreeSet<String>,
    names: FactTable,
}

impl PolicyFile {
    /// Reads the `[policy]` of a file; `None` where there is none. Tables of facts beside it are another reader's.
    pub fn read(file: &str, text: &str, catalog: &Catalog) -> (Option<PolicyFile>, Vec<Diagnostic>) {
        let sink = Sink::new(file, text);
        if text.len() > POLICY_BYTES_MAX {
            let message = format!("a policy of {} bytes; the limit is {POLICY_BYTES_MAX}", text.len());
            sink.error("file-too-large", (0, 0), message);
            return (None, sink.into_diagnostics());
        }
        let root = parse_toml(&sink);
        let Some(top) = Table::open(&root, file, &sink) else { return (None, sink.into_diagnostics()) };
        if top.get("policy").is_none() {
            return (None, sink.into_diagnostics());
        }
        let Some(node) = top.table("policy") else { return (None, sink.into_diagnostics()) };
        let (mut out, mut mistakes) = PolicyFile::builtin(catalog);
        out.file = file.to_string();
        let names = out.names.clone();
        let reader = Reader { catalog, names: &names, sink: &sink };
        let built_in: BTreeSet<String> = out.profiles.keys().cloned().collect();
        reader.file(&node, &mut out, &built_in);
        node.finish();
        reader.codes(&out);
        mistakes.extend(sink.into_diagnostics());
        (Some(out), mistakes)
    }

    /// What every policy starts from. Its mistakes would be this build's.
    fn builtin(catalog: &Catalog) -> (PolicyFile, Vec<Diagnostic>) {
        let sink = Sink::new(BUILTIN_FILE, BUILTIN);
        let names = names::table(catalog);
        let mut out = PolicyFile {
            file: BUILTIN_FILE.into(),
            body: Section::default(),
            environment: None,
            environments: BTreeMap::new(),
            profiles: BTreeMap::new(),
            base: Section::default(),
            rule_ids: BTreeSet::new(),
            names: names.clone(),
        };
        let root = parse_toml(&sink);
        if let Some(top) = Table::open(&root, BUILTIN_FILE, &sink) {
            top.need("schema");
            if let Some(node) = top.table("policy") {
                let reader = Reader { catalog, names: &names, sink: &sink };
                reader.file(&node, &mut out, &BTreeSet::new());
                node.finish();
                out.base = std::mem::take(&mut out.body);
                reader.codes(&out);
            }
            top.finish();
        }
        (out, sink.into_diagnostics())
    }

    /// Names of the profiles that ship with the command.
    pub fn built_in_profiles(catalog: &Catalog) -> Vec<String> {
        PolicyFile::builtin(catalog).0.profiles.into_keys().collect()
    }

    /// Names of the environments.
    pub fn environments(&self) -> impl Iterator<Item = &str> + Clone {
        self.environments.keys().map(String::as_str)
    }

    /// The profile that the file extends; empty for none.
    pub fn profile(&self) -> &str {
        self.body.extends.as_ref().map_or("", |e| e.text.as_str())
    }

    /// What a code is: a rule of any section, a finding, a code of the policy.
    pub fn kind_of(&self, code: &str) -> Option<CodeKind> {
        if self.rule_ids.contains(code) {
            Some(CodeKind::Rule)
        } else if FindingCode::ALL.iter().any(|f| f.as_str() == code) {
            Some(CodeKind::Finding)
        } else {
            PolicyCode::ALL.iter().any(|c| c.as_str() == code).then_some(CodeKind::Policy)
        }
    }

    /// Every code that a waiver may name, for "did you mean".
    pub fn codes(&self) -> impl Iterator<Item = &str> + Clone {
        let own = PolicyCode::ALL.iter().map(|c| c.as_str());
        self.rule_ids.iter().map(String::as_str).chain(FindingCode::ALL.iter().map(|f| f.as_str())).chain(own)
    }

    /// Every section in which something stands that no waiver sets aside.
    pub fn cannot_be_waived(&self, code: &str) -> bool {
        let sections = self.profiles.values().chain(self.environments.values()).chain([&self.base, &self.body]);
        sections.into_iter().any(|s| s.cannot_be_waived.iter().any(|c| c.text == code))
    }

    /// The policy that applies in an environment: the one named, else the file's default, else none.
    ///
    /// # Errors
    /// The environment is not one of the file's.
    #[expect(clippy::result_large_err, reason = "once a run")]
    pub fn policy(&self, environment: Option<&str>) -> Result<Policy, Diagnostic> {
        let environment = environment.map(str::to_string).or_else(|| self.environment.clone());
        let over = match &environment {
            Some(name) => Some(self.environments.get(name).ok_or_else(|| self.no_environment(name))?),
            None => None,
        };
        let mut chain = Vec::new();
        let mut next = self.body.extends.as_ref();
        while let Some(section) = next.and_then(|name| self.profiles.get(&name.text)) {
            chain.push(section);
            next = section.extends.as_ref().filter(|_| chain.len() < EXTENDS_MAX);
        }
        let mut policy = Policy {
            file: self.file.clone(),
            profile: self.profile().to_string(),
            environment: environment.unwrap_or_default(),
            rules: Vec::new(),
            severities: BTreeMap::new(),
            required: Vec::new(),
            cannot_be_waived: BTreeSet::new(),
            names: self.names.clone(),
        };
        for section in [&self.base].into_iter().chain(chain.into_iter().rev()).chain([&self.body]).chain(over) {
            policy.rules.extend(section.rules.iter().cloned());
            policy.severities.extend(section.severities.iter().map(|(code, s)| (code.text.clone(), *s)));
            for id in &section.required {
                if !policy.required.contains(id) {
                    policy.required.push(*id);
                }
            }
            policy.cannot_be_waived.extend(section.cannot_be_waived.iter().map(|c| c.text.clone()));
        }
        Ok(policy)
    }

    fn no_environment(&self, name: &str) -> Diagnostic {
        let d = Diagnostic::error("unknown-environment", format!("the policy has no environment `{name}`"));
        let all: Vec<&str> = self.environments().collect();
        let d = d.in_file(&self.file);
        match nearest(name, self.environments()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None if all.is_empty() => d.help(format!("write [policy.environments.{name}], or leave --environment out")),
            None => d.help(format!("one of: {}", all.join(", "))),
        }
    }
}

struct Reader<'r> {
    catalog: &'r Catalog,
    names: &'r FactTable,
    sink: &'r Sink<'r>,
}

impl Reader<'_> {
    /// The whole of `[policy]`.
    fn file(&self, table: &Table<'_, '_>, out: &mut PolicyFile, built_in: &BTreeSet<String>) {
        out.body = self.section(table, "profile", "", &mut out.rule_ids);
        if let Some(profiles) = table.table("profiles") {
            for (key, node) in profiles.entries() {
                let Some(t) = Table::open(node, &key.name, self.sink) else { continue };
                if built_in.contains(&key.name) {
                    let message = format!("`{}` is built in and cannot be written anew", key.name);
                    let help = format!("give it another name, with `extends = \"{}\"`", key.name);
                    self.sink.error_help("duplicate", key.span, message, help);
                }
                let section = self.section(&t, "extends", &format!("profile {}", key.name), &mut out.rule_ids);
                t.finish();
                out.profiles.insert(key.name.clone(), section);
            }
        }
        if let Some(environments) = table.table("environments") {
            for (key, node) in environments.entries() {
                let Some(t) = Table::open(node, &key.name, self.sink) else { continue };
                let section = self.section(&t, "", &format!("environment {}", key.name), &mut out.rule_ids);
                t.finish();
                out.environments.insert(key.name.clone(), section);
            }
        }
        let environment = table.text("environment");
        if let Some(e) = environment.as_ref().filter(|e| !out.environments.contains_key(&e.text)) {
            let known: Vec<&str> = out.environments.keys().map(String::as_str).collect();
            if known.is_empty() {
                let help = format!("write [policy.environments.{}], or take this line out", e.text);
                self.sink.error_help(
                    "unknown-value",
                    e.span,
                    format!("no environment `{}` is written here", e.text),
                    help,
                );
            } else {
                unknown_word(self.sink, "environment", e, known);
            }
        }
        out.environment = environment.map(|e| e.text).filter(|e| out.environments.contains_key(e));
        self.profiles(out);
    }

    /// Every profile that is named exists, and no chain of them is a circle.
    fn profiles(&self, out: &PolicyFile) {
        let known: Vec<&str> = out.profiles.keys().map(String::as_str).collect();
        let sections = out.profiles.values().chain([&out.body]);
        for name in sections.filter_map(|s| s.extends.as_ref()) {
            if !known.contains(&name.text.as_str()) {
                unknown_word(self.sink, "profile", name, known.clone());
            }
        }
        for name in out.body.extends.iter().chain(out.profiles.values().filter_map(|s| s.extends.as_ref())) {
            let mut steps = 0;
            let mut next = Some(name);
            while let Some(section) = next.and_then(|n| out.profiles.get(&n.text)) {
                steps += 1;
                if steps > EXTENDS_MAX {
                    let message = format!(
                        "the profiles from `{}` on extend each other in a circle, or more than {EXTENDS_MAX} deep",
                        name.text
                    );
                    self.sink.error("profile-circle", name.span, message);
                    break;
                }
                next = section.extends.as_ref();
            }
        }
    }

    /// `within` says where the section stands; empty for the body.
    fn section(&self, t: &Table<'_, '_>, extends: &'static str, within: &str, ids: &mut BTreeSet<String>) -> Section {
        let mut out =
            Section { extends: if extends.is_empty() { None } else { t.text(extends) }, ..Section::default() };
        for effect in Effect::ALL {
            for row in t.tables(effect.as_str()) {
                if ids.len() >= RULES_MAX {
                    self.sink.error("too-many", row.span, format!("more than {RULES_MAX} rules"));
                    break;
                }
                out.rules.extend(self.rule(row, effect, within, ids));
            }
        }
        if let Some(severity) = t.table("severity") {
            for (key, node) in severity.entries() {
                let code = Spanned { text: key.name.clone(), span: key.span };
                match &node.value {
                    NodeValue::Text(word) => {
                        let word = Spanned { text: word.clone(), span: node.span };
                        let parsed = Severity::parse(&word.text);
                        if parsed.is_none() {
                            unknown_word(self.sink, &key.name, &word, Severity::WORDS.iter().copied());
                        }
                        // the code is looked at whatever its word is
                        out.severities.push((code, parsed.unwrap_or(Severity::Off)));
                    }
                    other => {
                        let message = format!("`{}` must be text, found {}", key.name, other.type_name());
                        self.sink.error("wrong-type", node.span, message);
                    }
                }
            }
        }
        out.required = t.texts("required").iter().filter_map(|name| self.fact(name)).collect();
        out.cannot_be_waived = t.texts("cannot-be-waived");
        out
    }

    fn fact(&self, name: &Spanned) -> Option<FactId> {
        let stated = |id: &FactId| self.catalog.facts.get(*id).origin == FactOrigin::Stated;
        let id = self.catalog.facts.find(&name.text).filter(stated);
        if id.is_none() {
            let facts = self.catalog.facts.facts.iter().filter(|f| f.origin == FactOrigin::Stated);
            let known: Vec<&str> = facts.map(|f| f.name.as_str()).collect();
            unknown_word(self.sink, "required", name, known);
        }
        id
    }

    /// Every code that is named is one.
    fn codes(&self, out: &PolicyFile) {
        let own = out.environments.values().chain(out.profiles.values()).chain([&out.body, &out.base]);
        let mut seen: BTreeSet<Span> = BTreeSet::new();
        for section in own {
            let codes = section.severities.iter().map(|(c, _)| ("severity", c));
            for (key, code) in codes.chain(section.cannot_be_waived.iter().map(|c| ("cannot-be-waived", c))) {
                if out.kind_of(&code.text).is_none() && seen.insert(code.span) {
                    let message = format!("no rule, finding or code is called `{}` (in `{key}`)", code.text);
                    match nearest(&code.text, out.codes()) {
                        Some(near) => {
                            self.sink.error_help("unknown-code", code.span, message, format!("did you mean `{near}`?"));
                        }
                        None => self.sink.error_help(
                            "unknown-code",
                            code.span,
                            message,
                            "docs/findings.md lists the findings; `freehold policy check` the rules",
                        ),
                    }
                }
            }
        }
    }

    fn rule(&self, row: Table<'_, '_>, effect: Effect, within: &str, ids: &mut BTreeSet<String>) -> Option<Rule> {
        let id = row.need("id");
        let line = self.line(row.span.0);
        let kebab = id.text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !id.text.is_empty() && (!kebab || id.text.len() > 64) {
            let message = format!("`{}` is no id: small letters, digits and hyphens, at most 64", id.text);
            self.sink.error("bad-id", id.span, message);
        }
        let taken = FindingCode::ALL.iter().any(|f| f.as_str() == id.text)
            || PolicyCode::ALL.iter().any(|c| c.as_str() == id.text);
        if taken {
            self.sink.error("duplicate", id.span, format!("`{}` is a code already; give the rule another id", id.text));
        } else if !id.text.is_empty() && !ids.insert(id.text.clone()) {
            let help = "to change how a rule of a profile counts, give its id a severity in [policy.severity]; \
                        `off` leaves it out";
            self.sink.error_help("duplicate", id.span, format!("there is a rule `{}` already", id.text), help);
        }
        let default = match effect {
            Effect::Deny => Severity::Error,
            Effect::Review => Severity::Review,
            Effect::Allow => Severity::Off,
        };
        let severity = row.word("severity", Severity::WORDS, Severity::parse);
        if let (Effect::Allow, Some(_)) = (effect, severity) {
            self.sink.error_help(
                "allow-severity",
                row.get("severity").map_or(row.span, |n| n.span),
                "what a rule allows is no violation and has no severity",
                "how licenses that no rule allows count is `license-not-listed` in [policy.severity]",
            );
        }
        let rule = Rule {
            id: id.text.clone(),
            effect,
            severity: severity.unwrap_or(default),
            says: row.text("says").map(|t| t.text).unwrap_or_default(),
            fix: row.text("fix").map(|t| t.text).unwrap_or_default(),
            from: match (self.sink.file == BUILTIN_FILE, within.is_empty()) {
                (true, _) => within.to_string(),
                (false, true) => format!("{}:{line}", self.sink.file),
                (false, false) => format!("{}:{line}, {within}", self.sink.file),
            },
            about: self.selectors(&row),
        };
        let (span, asks_nothing) = (row.span, rule.about.is_empty());
        // a selector that could not be read is told already, and the rule is about something
        let misread = row.entries().iter().any(|(k, _)| !["id", "says", "fix", "severity"].contains(&k.name.as_str()));
        row.finish();
        if asks_nothing && !misread {
            let help = "add license, class, publisher, basis, review-level, verdict, worst, access, activity, country, \
                        presumption, obligation, finding or when";
            self.sink.error_help("empty-rule", span, "the rule does not say what it is about", help);
        }
        if effect == Effect::Allow && !rule.about.of_statement() && !asks_nothing {
            self.sink.error_help(
                "allow-what",
                span,
                "a rule that allows must say which licenses",
                "add license, class, publisher, basis or review-level",
            );
        }
        (!rule.id.is_empty() && !asks_nothing).then_some(rule)
    }

    fn line(&self, at: usize) -> usize {
        let before = self.sink.text.get(..at).unwrap_or_default();
        before.bytes().filter(|b| *b == b'\n').count() + 1
    }

    fn selectors(&self, row: &Table<'_, '_>) -> Selectors {
        let verdict = |w: &str| Verdict::ALL.into_iter().find(|v| v.as_str() == w);
        Selectors {
            licenses: self.licenses(row),
            classes: row.words("class", Class::WORDS, Class::parse),
            publishers: row.texts("publisher").iter().filter_map(|p| self.pattern(p)).collect(),
            bases: row.words("basis", &words(Basis::ALL.iter().map(|b| b.as_str())), Basis::parse),
            levels: row.words("review-level", &LEVELS, |w| LEVELS.contains(&w).then(|| w.to_string())),
            verdicts: row.words("verdict", &words(Verdict::ALL.iter().map(|v| v.as_str())), verdict),
            worst: row.words("worst", &words(PERMISSIONS.iter().map(|p| p.as_str())), freehold_base::Permission::parse),
            accesses: row.words("access", &words(Access::ALL.iter().map(|a| a.as_str())), Access::parse),
            activities: self.activities(row),
            countries: self.countries(row),
            presumptions: self.listed(row, "presumption", &presumable(self.catalog)),
            obligations: self.obligations(row),
            findings: row.words("finding", &words(FindingCode::ALL.iter().map(|f| f.as_str())), |w| {
                FindingCode::ALL.iter().find(|f| f.as_str() == w).copied()
            }),
            when: self.when(row),
        }
    }

    fn pattern(&self, t: &Spanned) -> Option<Pattern> {
        if t.text.trim().is_empty() || t.text.len() > PATTERN_BYTES_MAX {
            let message =
                format!("a name of 1 to {PATTERN_BYTES_MAX} bytes is meant, in which `*` stands for anything");
            self.sink.error("bad-pattern", t.span, message);
            return None;
        }
        Some(Pattern::new(t.text.trim()))
    }

    /// Names of licenses in any spelling that the catalog knows, or patterns of their ids, families and editions.
    fn licenses(&self, row: &Table<'_, '_>) -> Vec<Pattern> {
        let mut out = Vec::new();
        for t in row.texts("license") {
            let Some(pattern) = self.pattern(&t) else { continue };
            if let Some(i) = self.catalog.license_named(&t.text).filter(|_| !pattern.is_open()) {
                // an edition is meant by its own name
                let license = &self.catalog.licenses[i];
                let edition = license.editions.iter().any(|e| e.text == t.text);
                out.push(if edition { pattern } else { Pattern::new(&license.id) });
                continue;
            }
            let law = &self.catalog.licenses;
            let known = law.iter().any(|l| {
                pattern.fits(&l.id) || pattern.fits(&l.family) || l.editions.iter().any(|e| pattern.fits(&e.text))
            });
            if known {
                out.push(pattern);
                continue;
            }
            let message = format!("no license in law is called `{}`", t.text);
            let help = match nearest(&t.text, self.catalog.license_names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`freehold catalog list` lists them; what is not in law is `class = [\"unknown\"]`".to_string(),
            };
            self.sink.error_help("unknown-license", t.span, message, help);
        }
        out
    }

    fn obligations(&self, row: &Table<'_, '_>) -> Vec<Pattern> {
        let known = duty_codes(self.catalog);
        let mut out = Vec::new();
        for t in row.texts("obligation") {
            let Some(pattern) = self.pattern(&t) else { continue };
            if known.iter().any(|k| pattern.fits(k)) || self.catalog.obligations.knows(&t.text) {
                out.push(pattern);
            } else {
                unknown_word(self.sink, "obligation", &t, known.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
        out
    }

    /// Words of a list, or `*`.
    fn listed(&self, row: &Table<'_, '_>, key: &'static str, known: &[String]) -> Vec<String> {
        let mut out = Vec::new();
        for t in row.texts(key) {
            if t.text == "*" || known.contains(&t.text) {
                out.push(t.text);
            } else {
                unknown_word(self.sink, key, &t, known.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
        out
    }

    fn activities(&self, row: &Table<'_, '_>) -> Option<freehold_catalog::ActivityMask> {
        let mut mask: Option<freehold_catalog::ActivityMask> = None;
        for t in row.texts("activity") {
            match self.catalog.activities.below(&t.text) {
                Some(m) => mask = Some(mask.unwrap_or_default().union(m)),
                None => unknown_word(self.sink, "activity", &t, self.catalog.activities.ids().collect::<Vec<_>>()),
            }
        }
        mask
    }

    /// Country codes and `territory.<id>`, sorted.
    fn countries(&self, row: &Table<'_, '_>) -> Vec<String> {
        let mut out = BTreeSet::new();
        for t in row.texts("country") {
            if let Some(id) = t.text.strip_prefix("territory.") {
                match self.catalog.territories.find(id) {
                    Some(countries) => out.extend(countries.iter().cloned()),
                    None => {
                        let id = Spanned { text: id.to_string(), span: t.span };
                        unknown_word(self.sink, "country", &id, self.catalog.territories.ids().collect::<Vec<_>>());
                    }
                }
            } else if is_country(&t.text) {
                out.insert(t.text);
            } else {
                let help = "give the two-letter code of ISO 3166-1, as `DE` or `US`, or `territory.<id>`";
                let message = format!("unknown value `{}` for `country`", t.text);
                self.sink.error_help("unknown-country", t.span, message, help);
            }
        }
        out.into_iter().collect()
    }

    fn when(&self, row: &Table<'_, '_>) -> Option<freehold_catalog::Expr> {
        let source = row.text("when")?;
        let scope = Scope { facts: self.names, ..self.catalog.scope() };
        let expr = parse(&source, &scope, self.sink)?;
        let mut mentioned = Vec::new();
        expr.mentions(self.names, &mut mentioned);
        let hidden = mentioned.iter().map(|id| self.names.get(*id)).find(|f| !names::readable(f));
        if let Some(fact) = hidden {
            let message = format!("`{}` is about one step of the lineage, which a policy does not see", fact.name);
            self.sink.error("unknown-fact", source.span, message);
            return None;
        }
        Some(expr)
    }
}

/// The words of an enum as the readers of tables want them.
fn words(words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    words.collect()
}
