//! Scores the reading of license texts against labels: `score_reading DATA [--rules FILE] [--part dev|rest|all] [-v]`; with
//! `--show TEXT` it prints what one text appears to say.
//! DATA holds `ai_16`, `aimut_176`, `oss_124` and `ossmut_620`, each a table of labels and a folder of texts. A label is
//! 0 (nothing said), 1 (can), 2 (cannot) or 3 (must); columns follow the order of the terms in the rules.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use freehold_text::{Attitude, BUILT_IN, Basis, Proposal, Rules, read};

type Labels = BTreeMap<String, Vec<u8>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| args.iter().position(|a| a == flag).and_then(|i| args.get(i + 1));
    let Some(data) = args.first() else {
        return say("usage: score_reading DATA [--rules FILE] [--part dev|rest|all] [-v]");
    };
    let rules = match after("--rules").map(std::fs::read_to_string) {
        None => BUILT_IN.clone(),
        Some(Err(e)) => return say(&e.to_string()),
        Some(Ok(text)) => match Rules::parse(&text) {
            Ok(rules) => rules,
            Err(e) => return say(&e.to_string()),
        },
    };
    if let Some(file) = after("--show") {
        return match std::fs::read(file) {
            Ok(text) => {
                print(&show(&rules, &String::from_utf8_lossy(&text)));
                ExitCode::SUCCESS
            }
            Err(e) => say(&format!("{file}: {e}")),
        };
    }
    let part = after("--part").map_or("all", String::as_str);
    match score(Path::new(data), &rules, part, args.iter().any(|a| a == "-v")) {
        Ok(report) => {
            print(&report);
            ExitCode::SUCCESS
        }
        Err(message) => say(&message),
    }
}

/// Everything that a text appears to say, with the sentences for and against.
fn show(rules: &Rules, text: &str) -> String {
    let mut out = String::new();
    for proposal in read(rules, text).proposals {
        let _ = writeln!(out, "{}: {} ({:?})", proposal.term, proposal.attitude.as_str(), proposal.basis);
        for (sign, sentences) in [("+", &proposal.sentences), ("-", &proposal.against)] {
            for s in sentences {
                let condition = if s.conditional { ", on a condition" } else { "" };
                let _ = writeln!(out, "  {sign} {:?} {}{condition}: {:?}", s.range, s.attitude.as_str(), s.quote);
            }
        }
    }
    out
}

#[expect(clippy::print_stderr, reason = "an example speaks to the terminal")]
fn say(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

#[expect(clippy::print_stdout, reason = "an example speaks to the terminal")]
fn print(report: &str) {
    print!("{report}");
}

fn score(data: &Path, rules: &Rules, part: &str, verbose: bool) -> Result<String, String> {
    let mut out = String::new();
    let sets = [
        ("ai_16", "label_ai_16.csv", None),
        ("aimut_176", "label_mutate_ai_176.csv", Some("ai_16/label_ai_16.csv")),
        ("oss_124", "label_124.csv", None),
        ("ossmut_620", "label_mutate_620.csv", Some("oss_124/label_124.csv")),
    ];
    for (set, table, base) in sets {
        let labels = labels(&data.join(set).join(table))?;
        let base_folder = base.and_then(|b| b.split('/').next());
        let base = base.map(|b| self::labels(&data.join(b))).transpose()?.unwrap_or_default();
        let mut score = Score::default();
        for (file, want) in labels.iter().filter(|(f, _)| part == "all" || (part == "rest") == is_rest(f)) {
            let text = std::fs::read(data.join(set).join("license").join(file)).map_err(|e| format!("{file}: {e}"))?;
            let text = String::from_utf8_lossy(&text);
            score.add(rules, file, &text, want, base.get(&base_of(file)), verbose);
            if let (Some(known), Some(folder)) = (base.get(&base_of(file)), base_folder) {
                let path = data.join(folder).join("license").join(base_of(file));
                let original = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                score.add_against(rules, (&String::from_utf8_lossy(&original), &text), (want, known), file, verbose);
            }
        }
        score.report(set, &mut out);
    }
    Ok(out)
}

/// Texts that were not looked at while the rules were written; a mutant goes with its base.
fn is_rest(file: &str) -> bool {
    let number: String = file.chars().take_while(char::is_ascii_digit).collect();
    number.parse::<u32>().map_or_else(
        |_| ["llama", "cdla", "c-uda", "intel", "apple-ascl"].iter().any(|family| file.starts_with(family)),
        |n| (43..=64).contains(&n) || n >= 104,
    )
}

/// `7_31.txt` is a mutant of `7.txt`.
fn base_of(file: &str) -> String {
    file.rsplit_once('_').map_or_else(|| file.to_owned(), |(base, _)| format!("{base}.txt"))
}

fn labels(path: &Path) -> Result<Labels, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let row = |line: &str| {
        let mut cells = line.trim().split(',');
        let file = cells.next().unwrap_or("").to_owned();
        (file, cells.map(|c| c.bytes().next().map_or(0, |b| b.saturating_sub(b'0'))).collect())
    };
    Ok(text.lines().skip(1).filter(|l| !l.trim().is_empty()).map(row).collect())
}

fn label(proposal: Option<&Proposal>) -> u8 {
    proposal.map_or(0, |p| match p.attitude {
        Attitude::Can => 1,
        Attitude::Cannot => 2,
        Attitude::Must => 3,
    })
}

#[derive(Default)]
struct Score {
    against_exact: usize,
    against_changed: usize,
    against_proposed: usize,
    against_right: usize,
    texts: usize,
    exact: usize,
    right: usize,
    proposed: usize,
    labeled: usize,
    cells: usize,
    same: usize,
    changed: usize,
    changed_right: usize,
    copied_right: usize,
    copied: usize,
    /// (class of failure, term) → how often.
    failures: BTreeMap<(&'static str, String), usize>,
    lines: String,
}

impl Score {
    fn add(&mut self, rules: &Rules, file: &str, text: &str, want: &[u8], base: Option<&Vec<u8>>, verbose: bool) {
        let reading = read(rules, text);
        self.texts += 1;
        let mut exact = true;
        for ((id, name), (column, want)) in rules.terms().zip(want.iter().copied().enumerate()) {
            let proposal = reading.of(id);
            let got = label(proposal);
            self.cells += 1;
            self.same += usize::from(got == want);
            self.proposed += usize::from(got != 0);
            self.labeled += usize::from(want != 0);
            self.right += usize::from(got == want && want != 0);
            let before = base.and_then(|b| b.get(column)).copied();
            self.copied += usize::from(before.is_some_and(|b| b != 0));
            self.copied_right += usize::from(before == Some(want) && want != 0);
            if before.is_some_and(|b| b != want) {
                self.changed += 1;
                self.changed_right += usize::from(got == want);
            }
            if got == want {
                continue;
            }
            exact = false;
            let class = match (got, want) {
                (0, _) => "not seen",
                (_, 0) if proposal.is_some_and(|p| p.basis == Basis::Supposed) => "supposed, label silent",
                (_, 0) => "said, label silent",
                (_, _) if proposal.is_some_and(|p| p.against.is_empty()) => "other attitude",
                _ => "other attitude, both said",
            };
            *self.failures.entry((class, name.to_owned())).or_default() += 1;
            if verbose {
                let quote = proposal.and_then(|p| p.sentences.first()).map_or("", |s| s.quote.as_str());
                let _ = writeln!(
                    self.lines,
                    "  {file}\t{name}\tlabel {want}{}\tread {got}\t{quote:?}",
                    before.filter(|b| *b != want).map_or(String::new(), |b| format!(" (base {b})"))
                );
            }
        }
        self.exact += usize::from(exact);
    }

    /// A text that is known to be an altered edition: what is known of the edition, and what reads otherwise.
    fn add_against(
        &mut self,
        rules: &Rules,
        (original, text): (&str, &str),
        (want, known): (&[u8], &[u8]),
        file: &str,
        verbose: bool,
    ) {
        let (before, after) = (read(rules, original), read(rules, text));
        let mut exact = true;
        for (((id, name), want), known) in rules.terms().zip(want).zip(known) {
            let (was, is) = (label(before.of(id)), label(after.of(id)));
            let got = if was == is { *known } else { is };
            self.against_proposed += usize::from(got != 0);
            self.against_right += usize::from(got == *want && got != 0);
            self.against_changed += usize::from(known != want && got == *want);
            exact &= got == *want;
            if verbose && got != *want {
                let _ = writeln!(self.lines, "  AGAINST {file}\t{name}\tlabel {want} base {known} read {was} -> {is}");
            }
        }
        self.against_exact += usize::from(exact);
    }

    fn report(&self, set: &str, out: &mut String) {
        let ratio = |a: usize, b: usize| format!("{}/{} = {:.3}", a, b, share(a, b));
        let _ = writeln!(
            out,
            "{set}: {} texts, micro-F1 {:.3} (precision {:.3}, recall {:.3}), cells {:.3}, exact {}",
            self.texts,
            f1(self.right, self.proposed, self.labeled),
            share(self.right, self.proposed),
            share(self.right, self.labeled),
            share(self.same, self.cells),
            ratio(self.exact, self.texts),
        );
        if self.changed > 0 {
            let _ = writeln!(
                out,
                "  changed cells {}; copying the labels of the base: micro-F1 {:.3}, no changed cell, none exact",
                ratio(self.changed_right, self.changed),
                f1(self.copied_right, self.copied, self.labeled)
            );
        }
        if self.changed > 0 {
            let _ = writeln!(
                out,
                "  with what is known of the edition: micro-F1 {:.3}, changed cells {}, exact {}",
                f1(self.against_right, self.against_proposed, self.labeled),
                ratio(self.against_changed, self.changed),
                ratio(self.against_exact, self.texts)
            );
        }
        let mut classes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((class, term), count) in &self.failures {
            classes.entry(class).or_default().push(format!("{term} {count}"));
        }
        for (class, terms) in classes {
            let _ = writeln!(out, "  {class}: {}", terms.join(", "));
        }
        out.push_str(&self.lines);
    }
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn share(a: usize, b: usize) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

fn f1(right: usize, proposed: usize, labeled: usize) -> f64 {
    2.0 * share(right, proposed + labeled)
}
