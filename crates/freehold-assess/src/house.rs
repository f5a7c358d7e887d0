//! The house's own law, as plain data: agreements that stand in the place of a public license, positions of counsel on an
//! ambiguous term, attestations of duties that no file shows. What sets the organization's own policy aside is no part of
//! it: it moves nothing here.

use freehold_base::Evidence;
use freehold_catalog::Expr;

use crate::Access;

/// Who wrote an entry down, for how long it stands, and on what it rests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The person who answers for it.
    pub who: String,
    /// The day on which it was signed, decided or attested, `YYYY-MM-DD`.
    pub when: String,
    /// The first day on which it stands, `YYYY-MM-DD`.
    pub from: String,
    /// The last day, `YYYY-MM-DD`; `None` = without end.
    pub until: Option<String>,
    /// SHA-256 of the signed file or the written opinion, in hex; empty where the entry has none.
    pub digest: String,
    /// Why, in the author's words; empty for none.
    pub why: String,
    /// Where it is written down.
    pub evidence: Evidence,
}

/// Where a day stands to an entry's term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The entry begins later.
    Before,
    /// It is in force.
    Within,
    /// It has ended.
    After,
}

impl Entry {
    /// Where `day` stands to the entry's term, both ends in it.
    pub fn on(&self, day: &str) -> Phase {
        if day < self.from.as_str() {
            Phase::Before
        } else if self.until.as_deref().is_some_and(|until| day > until) {
            Phase::After
        } else {
            Phase::Within
        }
    }

    /// True on a day of the entry's term.
    pub fn in_force(&self, day: &str) -> bool {
        self.on(day) == Phase::Within
    }

    fn term_words(&self, day: &str) -> String {
        match (self.on(day), &self.until) {
            (Phase::Before, _) => format!("begins on {}", self.from),
            (Phase::After, Some(until)) => format!("ended on {until}"),
            (_, Some(until)) => format!("until {until}"),
            (_, None) => "without end".into(),
        }
    }
}

/// A license that was bought or negotiated: in force and for what it covers, it is assessed in the public one's place.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// Its id in the organization's file.
    pub id: String,
    /// Its terms: index into the catalog's licenses.
    pub license: usize,
    /// Who grants it.
    pub counterparty: String,
    /// Ids of the works that it covers; `*` stands for anything. Empty = every work under a license of [`Agreement::replaces`].
    pub works: Vec<String>,
    /// The licenses in whose place it stands, as indices; empty = whatever is said of the works.
    pub replaces: Vec<usize>,
    /// The uses that it covers.
    pub uses: Expr,
    /// The same in words: what of accesses, activities, territory and other conditions limits it; empty = every use.
    pub uses_written: String,
    /// Who, when, until, evidence.
    pub entry: Entry,
}

impl Agreement {
    /// True where the works that it names have this one among them.
    pub fn names(&self, work: &str) -> bool {
        self.works.is_empty() || self.works.iter().any(|w| glob(w, work))
    }
}

/// Counsel's reading of one term that bears several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The license, as an index.
    pub license: usize,
    /// The term's id.
    pub term: String,
    /// The id of the reading that is taken.
    pub reading: String,
    /// Who, when, until, evidence.
    pub entry: Entry,
}

/// A duty that a person says is met, where no file shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The duty's code.
    pub code: String,
    /// The license that asks for it, as an index.
    pub license: usize,
    /// The model: its path or id; `*` stands for anything. Empty = told by its digest alone.
    pub artifact: String,
    /// SHA-256 of one of its files, in hex; empty = told by its path alone.
    pub sha256: String,
    /// Who, when, until, evidence.
    pub entry: Entry,
}

/// The house's own law on one day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct House {
    /// The day of the question, `YYYY-MM-DD`.
    pub day: String,
    /// Agreements; of several that cover a use, the first.
    pub agreements: Vec<Agreement>,
    /// Positions.
    pub positions: Vec<Position>,
    /// Attestations.
    pub attestations: Vec<Attestation>,
}

/// No law of one's own.
pub static NO_HOUSE: House =
    House { day: String::new(), agreements: Vec::new(), positions: Vec::new(), attestations: Vec::new() };

/// What an attestation may name besides the works of the graph.
#[derive(Clone, Copy, Debug, Default)]
pub struct Artifact<'a> {
    /// Where the model lies, below the folder of the house; empty for none.
    pub path: &'a str,
    /// SHA-256 of its files, as far as something says them, in hex.
    pub digests: &'a [String],
}

/// Which of the three files an entry stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HouseKind {
    /// Agreements.
    Agreement,
    /// Positions.
    Position,
    /// Attestations.
    Attestation,
}

impl HouseKind {
    /// The word on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            HouseKind::Agreement => "agreement",
            HouseKind::Position => "position",
            HouseKind::Attestation => "attestation",
        }
    }
}

/// What became of an entry that is about the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HouseState {
    /// The answer rests on it.
    Applied,
    /// It may apply; a fact decides.
    Open,
    /// It is in force and changes nothing here.
    Moot,
    /// It is in force and does not cover this.
    Outside,
    /// Its term has not begun or has ended.
    Lapsed,
}

impl HouseState {
    /// The word on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            HouseState::Applied => "applied",
            HouseState::Open => "open",
            HouseState::Moot => "moot",
            HouseState::Outside => "outside",
            HouseState::Lapsed => "lapsed",
        }
    }
}

/// An entry that is about the case, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HouseUse {
    /// The file it stands in.
    pub kind: HouseKind,
    /// Its place there.
    pub index: usize,
    /// What became of it.
    pub state: HouseState,
    /// The accesses that it applied to; empty for what knows no access.
    pub accesses: Vec<Access>,
    /// The same in a sentence, lower case, no full stop.
    pub says: String,
}

impl House {
    /// True where there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.agreements.is_empty() && self.positions.is_empty() && self.attestations.is_empty()
    }

    /// How an agreement is cited: `agreement acme with Acme Inc., 2026-03-01`.
    pub fn cite_agreement(&self, index: usize) -> String {
        self.agreements
            .get(index)
            .map_or_else(String::new, |a| format!("agreement {} with {}, {}", a.id, a.counterparty, a.entry.when))
    }

    /// How a position is cited: `position of counsel, NAME, DATE`.
    pub fn cite_position(&self, index: usize) -> String {
        let entry = self.positions.get(index).map(|p| &p.entry);
        entry.map_or_else(String::new, |e| format!("position of counsel, {}, {}", e.who, e.when))
    }

    /// How an attestation is cited: `attested by NAME, DATE`.
    pub fn cite_attestation(&self, index: usize) -> String {
        let entry = self.attestations.get(index).map(|a| &a.entry);
        entry.map_or_else(String::new, |e| format!("attested by {}, {}", e.who, e.when))
    }

    /// The entry behind a use.
    pub fn entry(&self, kind: HouseKind, index: usize) -> Option<&Entry> {
        match kind {
            HouseKind::Agreement => self.agreements.get(index).map(|a| &a.entry),
            HouseKind::Position => self.positions.get(index).map(|p| &p.entry),
            HouseKind::Attestation => self.attestations.get(index).map(|a| &a.entry),
        }
    }

    /// How an entry is cited, and where its term stands on the day.
    pub(crate) fn cite_with_term(&self, kind: HouseKind, index: usize) -> String {
        let cite = match kind {
            HouseKind::Agreement => self.cite_agreement(index),
            HouseKind::Position => self.cite_position(index),
            HouseKind::Attestation => self.cite_attestation(index),
        };
        let term = self.entry(kind, index).map(|e| e.term_words(&self.day)).unwrap_or_default();
        format!("{cite}, {term}")
    }
}

impl Attestation {
    /// Whether it is about this model: `Some(false)` = it names the model, and the bytes are others or not known.
    pub(crate) fn is_about(&self, names: &[&str], artifact: Artifact<'_>) -> Option<bool> {
        let named = names.iter().chain([&artifact.path]).any(|n| !n.is_empty() && glob(&self.artifact, n));
        let same = artifact.digests.iter().any(|d| d.eq_ignore_ascii_case(&self.sha256));
        match (self.artifact.is_empty(), self.sha256.is_empty()) {
            (true, true) => None,
            (true, false) => same.then_some(true),
            (false, true) => named.then_some(true),
            (false, false) => named.then_some(same),
        }
    }
}

/// True where a pattern, in which `*` stands for any run of characters, matches the whole text; case counts for nothing.
/// Time is the product of the lengths at most.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().collect(), text.to_lowercase().chars().collect());
    let (mut i, mut j) = (0, 0);
    // where the last star stands, and how far its run goes
    let mut star: Option<(usize, usize)> = None;
    while j < t.len() {
        if p.get(i) == Some(&'*') {
            star = Some((i, j));
            i += 1;
        } else if p.get(i) == t.get(j) {
            i += 1;
            j += 1;
        } else if let Some((at, run)) = star {
            star = Some((at, run + 1));
            i = at + 1;
            j = run + 1;
        } else {
            return false;
        }
    }
    p.iter().skip(i).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run() {
        for (pattern, text, hit) in [
            ("meta-llama/Llama-3.1-*", "meta-llama/Llama-3.1-8B", true),
            ("meta-llama/Llama-3.1-*", "meta-llama/llama-3.1-", true),
            ("meta-llama/Llama-3.1-*", "meta-llama/Llama-3.2-8B", false),
            ("*", "", true),
            ("", "x", false),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2b3", false),
            ("*/bot", "models/bot", true),
            ("models/bot", "models/bot-2", false),
        ] {
            assert_eq!(glob(pattern, text), hit, "{pattern} {text}");
        }
    }

    #[test]
    fn both_ends_of_a_term_are_in_it() {
        let entry = Entry { from: "2026-02-01".into(), until: Some("2026-02-28".into()), ..Entry::default() };
        let days = ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01"];
        assert_eq!(days.map(|d| entry.on(d)), [Phase::Before, Phase::Within, Phase::Within, Phase::After]);
        assert!(Entry { until: None, ..entry }.in_force("2100-01-01"));
    }

    #[test]
    fn an_attestation_names_the_model_or_its_bytes() {
        let of = |artifact: &str, sha256: &str| Attestation {
            code: String::new(),
            license: 0,
            artifact: artifact.into(),
            sha256: sha256.into(),
            entry: Entry::default(),
        };
        let digests = ["ab".to_string()];
        let artifact = Artifact { path: "models/bot", digests: &digests };
        assert_eq!(of("models/*", "").is_about(&["bot"], artifact), Some(true));
        assert_eq!(of("bot", "").is_about(&["bot"], artifact), Some(true));
        assert_eq!(of("other", "").is_about(&["bot"], artifact), None);
        assert_eq!(of("", "AB").is_about(&[], artifact), Some(true));
        assert_eq!(of("", "cd").is_about(&[], artifact), None);
        assert_eq!(of("models/bot", "cd").is_about(&[], artifact), Some(false));
        assert_eq!(of("models/bot", "ab").is_about(&[], artifact), Some(true));
        assert_eq!(of("*", "").is_about(&[""], Artifact::default()), None);
    }
}
