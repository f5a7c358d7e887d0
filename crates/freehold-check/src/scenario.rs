//! Scenarios: prose with pairs of blocks, a case and what is expected of it. The form is told in `scenarios/README.md`.

use std::collections::BTreeSet;

use freehold_assess::{Certainty, Obligation, Status};
use freehold_base::{Diagnostic, Permission, Verdict};
use freehold_catalog::document::{Sink, Table, parse_toml};

use crate::Dossier;

/// Largest file of scenarios, in bytes.
pub const SCENARIO_BYTES_MAX: usize = 256 << 10;
/// Most pairs of one file.
const PAIRS_MAX: usize = 200;

/// A case and what is expected of it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The line on which the case begins.
    pub line: usize,
    /// The case as TOML. What stands around it in the file is blank, so that places in it are places in the file.
    pub case: String,
    /// What is expected.
    pub expect: Expectation,
}

/// What is expected of a case; `None` = not asked. Lists are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// The best end of the range.
    pub best: Option<Permission>,
    /// The worst end.
    pub worst: Option<Permission>,
    /// Codes of obligations that are owed.
    pub owed: Option<Vec<String>>,
    /// Codes of conditional ones.
    pub conditional: Option<Vec<String>>,
    /// Codes of arguable ones.
    pub arguable: Option<Vec<String>>,
    /// Owed ones that the notices do not meet.
    pub unmet: Option<Vec<String>>,
    /// Codes of findings.
    pub findings: Option<Vec<String>>,
    /// Facts that are asked for, in this order.
    pub asks: Option<Vec<String>>,
    /// Clauses that must be among those cited: `<license> <clause>`.
    pub because: Vec<String>,
    /// What a policy comes to: denied, review, passed.
    pub policy: Option<String>,
    /// Ids of the rules, and codes, that the policy raises as error or review.
    pub rules: Option<Vec<String>>,
    /// Those that it raises as warning or note.
    pub remarks: Option<Vec<String>>,
    /// The environment of the policy.
    pub environment: Option<String>,
}

/// Reads a file of scenarios; every mistake of its form at once. The cases are read by [`crate::case_from_toml`].
pub fn scenarios(file: &str, text: &str) -> (Vec<Scenario>, Vec<Diagnostic>) {
    let sink = Sink::new(file, text);
    if text.len() > SCENARIO_BYTES_MAX {
        let message = format!("a file of {} bytes; the limit is {SCENARIO_BYTES_MAX}", text.len());
        sink.error("file-too-large", (0, 0), message);
        return (Vec::new(), sink.into_diagnostics());
    }
    let mut out = Vec::new();
    let mut mistakes = Vec::new();
    let mut case: Option<Block<'_>> = None;
    for block in blocks(text, &sink) {
        match block.word {
            "toml" => {
                if let Some(before) = case.replace(block) {
                    let help = "an `expect` block follows each case";
                    sink.error_help("no-expectation", before.fence, "nothing is expected of this case", help);
                }
            }
            "expect" => match case.take() {
                Some(c) if out.len() < PAIRS_MAX => {
                    let masked = only(text, block.body);
                    let inner = Sink::new(file, &masked);
                    let expect = expectation(&inner, block.fence);
                    mistakes.extend(inner.into_diagnostics());
                    out.push(Scenario { line: c.line, case: only(text, c.body), expect });
                }
                Some(_) => {
                    sink.error("too-many", block.fence, format!("more than {PAIRS_MAX} pairs"));
                    break;
                }
                None => sink.error("no-case", block.fence, "an `expect` block without a case before it"),
            },
            _ => {}
        }
    }
    if let Some(c) = case {
        let help = "an `expect` block follows each case";
        sink.error_help("no-expectation", c.fence, "nothing is expected of this case", help);
    }
    let mut all = sink.into_diagnostics();
    all.extend(mistakes);
    all.sort_by_key(|d| d.label.as_ref().and_then(|l| l.bytes));
    (out, all)
}

/// A fenced block: what follows its fence, where its fence and its lines are.
struct Block<'t> {
    word: &'t str,
    line: usize,
    fence: (usize, usize),
    body: (usize, usize),
}

fn blocks<'t>(text: &'t str, sink: &Sink<'_>) -> Vec<Block<'t>> {
    let mut out = Vec::new();
    let mut open: Option<Block<'t>> = None;
    let mut at = 0;
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        if let Some(word) = line.strip_prefix("```") {
            match open.take() {
                Some(block) => out.push(Block { body: (block.body.0, at), ..block }),
                None => {
                    let fence = (at, at + line.trim_end().len());
                    open = Some(Block { word: word.trim(), line: i + 1, fence, body: (end, end) });
                }
            }
        }
        at = end;
    }
    if let Some(block) = open {
        sink.error("open-block", block.fence, "the block is not closed");
    }
    out
}

/// The text with everything outside a range blank, byte for byte and line for line.
fn only(text: &str, (from, to): (usize, usize)) -> String {
    let mut out = String::with_capacity(text.len());
    let blank = |part: &str| part.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect::<String>();
    out.push_str(&blank(text.get(..from).unwrap_or_default()));
    out.push_str(text.get(from..to).unwrap_or_default());
    out
}

fn expectation(sink: &Sink<'_>, fence: (usize, usize)) -> Expectation {
    let root = parse_toml(sink);
    let Some(t) = Table::open(&root, "expect", sink) else { return Expectation::default() };
    let list = |key| t.get(key).is_some().then(|| t.texts(key).into_iter().map(|w| w.text).collect::<Vec<_>>());
    let verdicts: Vec<&str> = Verdict::ALL.iter().map(|v| v.as_str()).collect();
    let ends = ["permitted", "needs-separate-license", "prohibited"];
    let outcomes = ["denied", "review", "passed"];
    let out = Expectation {
        verdict: t.word("verdict", &verdicts, |w| Verdict::ALL.into_iter().find(|v| v.as_str() == w)),
        best: t.word("best", &ends, Permission::parse),
        worst: t.word("worst", &ends, Permission::parse),
        owed: list("owed"),
        conditional: list("conditional"),
        arguable: list("arguable"),
        unmet: list("unmet"),
        findings: list("findings"),
        asks: list("asks"),
        because: list("because").unwrap_or_default(),
        policy: t.word("policy", &outcomes, |w| outcomes.contains(&w).then(|| w.to_string())),
        rules: list("rules"),
        remarks: list("remarks"),
        environment: t.text("environment").map(|e| e.text),
    };
    if t.get("verdict").is_none() && t.get("policy").is_none() {
        sink.error_help(
            "missing-key",
            fence,
            "neither a verdict nor an outcome of the policy is expected",
            "add `verdict = …` or `policy = …`",
        );
    }
    t.finish();
    out
}

/// Where a dossier differs from what is expected of it, a line each; what a policy comes to is its caller's to compare.
pub fn differences(d: &Dossier<'_>, expect: &Expectation) -> Vec<String> {
    let a = &d.assessment;
    let mut wrong = Vec::new();
    let one = |key: &str, want: Option<&str>, got: &str| {
        want.filter(|w| *w != got).map(|w| format!("{key}: expected {w}, got {got}"))
    };
    wrong.extend(one("verdict", expect.verdict.map(Verdict::as_str), a.verdict.as_str()));
    wrong.extend(one("best", expect.best.map(Permission::as_str), a.range.best.as_str()));
    wrong.extend(one("worst", expect.worst.map(Permission::as_str), a.range.worst.as_str()));
    let codes = |wanted: &dyn Fn(&Obligation<'_>) -> bool| -> Vec<String> {
        a.obligations.iter().filter(|o| wanted(o)).map(|o| o.code.to_string()).collect()
    };
    let unmet = |o: &Obligation<'_>| o.certainty == Certainty::Owed && o.status == Status::Unmet;
    let sets = [
        ("owed", &expect.owed, codes(&|o| o.certainty == Certainty::Owed)),
        ("conditional", &expect.conditional, codes(&|o| o.certainty == Certainty::Conditional)),
        ("arguable", &expect.arguable, codes(&|o| o.certainty == Certainty::Arguable)),
        ("unmet", &expect.unmet, codes(&unmet)),
        ("findings", &expect.findings, a.findings.iter().map(|f| f.code.as_str().to_string()).collect()),
    ];
    for (key, want, got) in sets {
        wrong.extend(want.as_ref().and_then(|want| set_difference(key, want, &got)));
    }
    let asks: Vec<String> = d.questions.iter().map(|q| d.catalog.facts.get(q.fact).name.clone()).collect();
    if let Some(want) = expect.asks.as_ref().filter(|w| **w != asks) {
        wrong.push(format!("asks: expected {}, got {}", list_words(want), list_words(&asks)));
    }
    let cite = |license: usize, clause: &str| format!("{} {clause}", d.catalog.licenses[license].id);
    let mut cited: BTreeSet<String> =
        a.limits.iter().filter_map(|l| l.term.map(|t| cite(l.license, &t.clause))).collect();
    cited.extend(a.gaps.iter().filter_map(|g| g.term.map(|t| format!("{} {}", g.license, t.clause))));
    cited.extend(a.obligations.iter().flat_map(|o| &o.sources).map(|s| cite(s.license, &s.term.clause)));
    for clause in expect.because.iter().filter(|c| !cited.contains(*c)) {
        let cited: Vec<String> = cited.iter().cloned().collect();
        wrong.push(format!("because: `{clause}` is not cited; cited are {}", list_words(&cited)));
    }
    wrong
}

/// How two sets of words differ, where they do; order and repetition do not count.
pub fn set_difference(key: &str, want: &[String], got: &[String]) -> Option<String> {
    let (want, got): (BTreeSet<&String>, BTreeSet<&String>) = (want.iter().collect(), got.iter().collect());
    let words = |s: &BTreeSet<&String>| list_words(&s.iter().map(|w| (*w).clone()).collect::<Vec<_>>());
    (want != got).then(|| format!("{key}: expected {}, got {}", words(&want), words(&got)))
}

fn list_words(list: &[String]) -> String {
    if list.is_empty() { "none".into() } else { list.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        let (_, mistakes) = scenarios("s.md", text);
        let place = |d: &Diagnostic| d.label.as_ref().and_then(|l| l.position).unwrap_or((0, 0)).0;
        mistakes.iter().map(|d| format!("{}: {}", place(d), d.message)).collect()
    }

    #[test]
    fn pairs_are_read_with_their_places() {
        let text =
            "# é\n```toml\n[subject]\nid = \"x\"\n```\nprose\n```expect\nverdict = \"permitted\"\nrules = []\n```\n";
        let (all, mistakes) = scenarios("s.md", text);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        let [one] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((one.line, one.expect.verdict), (2, Some(Verdict::Permitted)));
        assert_eq!((&one.expect.rules, &one.expect.owed), (&Some(Vec::new()), &None));
        // a place in the case is a place in the file
        assert_eq!(one.case.find("id = "), text.find("id = "));
        assert_eq!(one.case.trim(), "[subject]\nid = \"x\"");
    }

    #[test]
    fn mistakes_of_form_are_told_at_once() {
        let text = "```toml\na = 1\n```\n```toml\nb = 1\n```\n```expect\nverdct = \"permitted\"\nbest = \"maybe\"\n```\n```expect\n```\n```toml\n";
        assert_eq!(
            places(text),
            [
                "1: nothing is expected of this case",
                "7: neither a verdict nor an outcome of the policy is expected",
                "8: unknown key `verdct`",
                "9: unknown value `maybe` for `best`",
                "11: an `expect` block without a case before it",
                "13: the block is not closed",
            ]
        );
    }

    #[test]
    fn sets_differ_whatever_their_order() {
        let words = |w: &[&str]| w.iter().map(|w| (*w).to_string()).collect::<Vec<_>>();
        assert_eq!(set_difference("k", &words(&["a", "b"]), &words(&["b", "a", "a"])), None);
        assert_eq!(set_difference("k", &words(&["a"]), &[]), Some("k: expected a, got none".into()));
    }
}
