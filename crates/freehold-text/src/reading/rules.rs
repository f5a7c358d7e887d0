//! Loads the cue patterns, and refuses a file with a mistake in it.

use toml::{Table, Value};

use super::Attitude;
use super::pattern::{Pattern, Vocabulary};

/// Bytes of a rules file.
const RULES_BYTES_MAX: usize = 1 << 20;
/// Patterns in a rules file.
const PATTERNS_MAX: usize = 4096;

/// The cue patterns and what they mean, loaded from TOML (`catalog/reading.toml`).
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) operators: Vec<Operator>,
    pub(crate) operator_patterns: Vec<Pattern>,
    pub(crate) negators: Vec<Pattern>,
    pub(crate) waivers: Vec<Pattern>,
    pub(crate) conditions: Vec<Pattern>,
    pub(crate) unconditional: Vec<Pattern>,
    pub(crate) definitions: Vec<Pattern>,
    pub(crate) terms: Vec<TermRules>,
}

/// What the words of one operator pattern say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    /// `None`: the words only suppose, as `if you` does.
    pub(crate) attitude: Option<Attitude>,
    /// It governs what stands before it: `is permitted`.
    pub(crate) after: bool,
    /// It governs what stands after it: `you may`.
    pub(crate) before: bool,
}

/// The rules of one term.
#[derive(Clone, Debug)]
pub(crate) struct TermRules {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Which statement wins where the text says several.
    pub(crate) order: Vec<Rank>,
    /// A prohibition that has an exception counts.
    pub(crate) keep_conditional: bool,
    /// Words that may stand between `must` and the act.
    pub(crate) must_within: Option<usize>,
    /// Words that may stand between `cannot` and the act.
    pub(crate) cannot_within: Option<usize>,
    /// Clauses where one of these stands say nothing of the term.
    pub(crate) unless: Vec<Pattern>,
    pub(crate) cues: Vec<Cue>,
}

/// A kind of statement, to put kinds in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Any statement of this attitude.
    Said(Attitude),
    /// One that takes a duty back: `but it is not required`.
    Waived,
}

/// Patterns that speak of a term.
#[derive(Clone, Debug)]
pub(crate) struct Cue {
    pub(crate) patterns: Vec<Pattern>,
    /// In the same clause one of these stands too.
    pub(crate) also: Vec<Pattern>,
    /// In the same clause none of these stands.
    pub(crate) unless: Vec<Pattern>,
    pub(crate) says: Says,
    /// What each of can, cannot, must of the governing operator means for the term.
    pub(crate) means: [Option<Attitude>; 3],
    /// Only an operator after the cue, or inside it, governs it: for nouns, as in `redistribution is permitted`.
    pub(crate) after: bool,
    /// Counts only where nothing else speaks of the term.
    pub(crate) weak: bool,
}

/// Where a cue takes its attitude from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// From the operator that governs it.
    Governed,
    /// From the words themselves; an operator does not matter.
    Fixed(Attitude),
}

/// Why a rules file cannot be used: one line a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError(pub Vec<String>);

impl std::fmt::Display for RulesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for RulesError {}

impl Rules {
    /// Loads rules from the text of a TOML file; `docs/reading.md` says what stands in it.
    ///
    /// # Errors
    /// Every mistake of the file at once.
    pub fn parse(toml: &str) -> Result<Rules, RulesError> {
        if toml.len() > RULES_BYTES_MAX {
            return Err(RulesError(vec![format!("the rules have more than {RULES_BYTES_MAX} bytes")]));
        }
        let table: Table = toml.parse().map_err(|e| RulesError(vec![format!("the rules are no TOML: {e}")]))?;
        let mut loader = Loader { rules: Rules::default(), errors: Vec::new(), patterns: 0 };
        loader.load(&table);
        if loader.errors.is_empty() { Ok(loader.rules) } else { Err(RulesError(loader.errors)) }
    }

    /// The terms that these rules speak of: id and name, in the order of the file.
    pub fn terms(&self) -> impl Iterator<Item = (&str, &str)> {
        self.terms.iter().map(|t| (t.id.as_str(), t.name.as_str()))
    }
}

struct Loader {
    rules: Rules,
    errors: Vec<String>,
    patterns: usize,
}

impl Loader {
    fn load(&mut self, table: &Table) {
        self.only(table, "the file", &["format", "class", "operator", "words", "term"]);
        if table.get("format").and_then(Value::as_integer) != Some(1) {
            self.errors.push("format is not 1: this build reads format 1".to_owned());
        }
        for (name, words) in table.get("class").and_then(Value::as_table).into_iter().flatten() {
            match words.as_str() {
                Some(words) => self.rules.vocabulary.name(name, words),
                None => self.errors.push(format!("class.{name} is no string of words")),
            }
        }
        for operator in self.tables(table, "operator") {
            self.operator(&operator);
        }
        if let Some(words) = table.get("words").and_then(Value::as_table) {
            self.only(words, "words", &["negators", "waivers", "conditions", "unconditional", "definitions"]);
            self.rules.negators = self.patterns(words, "negators", "words");
            self.rules.waivers = self.patterns(words, "waivers", "words");
            self.rules.conditions = self.patterns(words, "conditions", "words");
            self.rules.unconditional = self.patterns(words, "unconditional", "words");
            self.rules.definitions = self.patterns(words, "definitions", "words");
        }
        for term in self.tables(table, "term") {
            self.term(&term);
        }
        if self.rules.terms.is_empty() {
            self.errors.push("no [[term]]".to_owned());
        }
    }

    fn operator(&mut self, table: &Table) {
        self.only(table, "operator", &["attitude", "side", "patterns"]);
        let attitude = match table.get("attitude").and_then(Value::as_str) {
            Some("none") => None,
            Some(word) => self.attitude(word, "operator"),
            None => return self.errors.push("an operator has no attitude".to_owned()),
        };
        let (before, after) = match table.get("side").and_then(Value::as_str) {
            None | Some("before") => (true, false),
            Some("after") => (false, true),
            Some("both") => (true, true),
            Some(other) => return self.errors.push(format!("side {other:?} is none of before, after, both")),
        };
        for pattern in self.patterns(table, "patterns", "operator") {
            self.rules.operators.push(Operator { attitude, after, before });
            self.rules.operator_patterns.push(pattern);
        }
    }

    fn term(&mut self, table: &Table) {
        let id = table.get("id").and_then(Value::as_str).unwrap_or("").to_owned();
        let at = format!("term {id:?}");
        if id.is_empty() || self.rules.terms.iter().any(|t| t.id == id) {
            self.errors.push(format!("{at}: the id is missing or used twice"));
        }
        self.only(table, &at, &["id", "name", "order", "conditional", "must_within", "cannot_within", "unless", "cue"]);
        let order = table.get("order").and_then(Value::as_array).cloned().unwrap_or_default();
        let order = order.iter().filter_map(|v| match v.as_str().unwrap_or("") {
            "waived" => Some(Rank::Waived),
            word => self.attitude(word, &at).map(Rank::Said),
        });
        let order = order.collect();
        let words = |key: &str| table.get(key).and_then(Value::as_integer).and_then(|n| usize::try_from(n).ok());
        let unless = self.patterns(table, "unless", &at);
        let cues = self.tables(table, "cue").iter().filter_map(|c| self.cue(c, &at)).collect();
        self.rules.terms.push(TermRules {
            name: table.get("name").and_then(Value::as_str).unwrap_or(&id).to_owned(),
            id,
            order,
            keep_conditional: table.get("conditional").and_then(Value::as_str) == Some("keep"),
            must_within: words("must_within"),
            cannot_within: words("cannot_within"),
            unless,
            cues,
        });
    }

    fn cue(&mut self, table: &Table, at: &str) -> Option<Cue> {
        self.only(table, at, &["patterns", "also", "unless", "says", "can", "cannot", "must", "after", "weak"]);
        let says = match table.get("says").and_then(Value::as_str) {
            None => Says::Governed,
            Some(word) => Says::Fixed(self.attitude(word, at)?),
        };
        let plain = ["can", "cannot", "must"].iter().all(|k| !table.contains_key(*k));
        let mut means = [None; 3];
        for (slot, default) in means.iter_mut().zip([Attitude::Can, Attitude::Cannot, Attitude::Must]) {
            *slot = match table.get(default.as_str()).and_then(Value::as_str) {
                None => Some(default).filter(|_| plain),
                Some("none") => None,
                Some(word) => self.attitude(word, at),
            };
        }
        let patterns = self.patterns(table, "patterns", at);
        if patterns.is_empty() {
            self.errors.push(format!("{at}: a cue without patterns"));
        }
        Some(Cue {
            patterns,
            also: self.patterns(table, "also", at),
            unless: self.patterns(table, "unless", at),
            says,
            means,
            after: table.get("after").and_then(Value::as_bool).unwrap_or(false),
            weak: table.get("weak").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    fn attitude(&mut self, word: &str, at: &str) -> Option<Attitude> {
        let found = [Attitude::Can, Attitude::Cannot, Attitude::Must].into_iter().find(|a| a.as_str() == word);
        if found.is_none() {
            self.errors.push(format!("{at}: {word:?} is none of can, cannot, must"));
        }
        found
    }

    fn tables(&mut self, table: &Table, key: &str) -> Vec<Table> {
        let rows = table.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        rows.into_iter().filter_map(|v| v.try_into().ok()).collect()
    }

    fn patterns(&mut self, table: &Table, key: &str, at: &str) -> Vec<Pattern> {
        let mut out = Vec::new();
        for value in table.get(key).and_then(Value::as_array).into_iter().flatten() {
            self.patterns += 1;
            let compiled = match value.as_str() {
                _ if self.patterns > PATTERNS_MAX => Err(format!("more than {PATTERNS_MAX} patterns")),
                Some(text) => self.rules.vocabulary.compile(text),
                None => Err(format!("{key} holds something that is no string")),
            };
            match compiled {
                Ok(pattern) => out.push(pattern),
                Err(message) => self.errors.push(format!("{at}: {message}")),
            }
        }
        out
    }

    fn only(&mut self, table: &Table, at: &str, keys: &[&str]) {
        for key in table.keys().filter(|k| !keys.contains(&k.as_str())) {
            self.errors.push(format!("{at}: unknown key {key:?}: use one of {}", keys.join(", ")));
        }
    }
}
