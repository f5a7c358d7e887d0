//! `freehold.baseline/1`: what a repository's models were known to lack, so that only what is new fails a run.

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::{Diagnostic, Verdict, shown};
use freehold_catalog::document::{Sink, Table, parse_toml};

use super::{Checked, Issue, Key, Pipeline};

/// Largest baseline, in bytes.
pub const BASELINE_BYTES_MAX: usize = 8 << 20;

const SCHEMA: &str = "freehold.baseline/1";

const HEAD: &str = "\
# What the models of this repository were known to lack, and since when. Written by
#   freehold check WHAT --write-baseline FILE
# and read by
#   freehold check WHAT --baseline FILE
# What is listed here does not count for the exit status; it is still shown, with its day. It makes nothing allowed. A worse
# verdict of the same model, another clause or another duty counts all the same. Take out what is mended: each run names it.
# An entry is one model, one code and, for a verdict or a duty, clauses of one license; no lines of files, so that edits
# elsewhere change nothing.
";

/// One thing that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Where the model lies.
    pub model: String,
    /// What is known of it.
    pub key: Key,
    /// Since when, `YYYY-MM-DD`.
    pub since: String,
}

/// A baseline, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<(String, Key), String>,
}

impl Baseline {
    /// Reads a baseline; every mistake at once, with its place.
    ///
    /// # Errors
    /// The text is no baseline, or one of another version.
    pub fn parse(file: &str, text: &str) -> Result<Baseline, Vec<Diagnostic>> {
        if text.len() > BASELINE_BYTES_MAX {
            let message = format!("a baseline of {} bytes; the limit is {BASELINE_BYTES_MAX}", text.len());
            return Err(vec![Diagnostic::error("file-too-large", message).in_file(file)]);
        }
        let sink = Sink::new(file, text);
        let root = parse_toml(&sink);
        let mut out = Baseline::default();
        if let Some(top) = Table::open(&root, file, &sink) {
            let schema = top.need("schema");
            if !schema.text.is_empty() && schema.text != SCHEMA {
                let message = format!("`{}` is not a baseline that this version reads", schema.text);
                sink.error_help("wrong-schema", schema.span, message, format!("it reads `{SCHEMA}`"));
            }
            for row in top.tables("known") {
                let text = |key| row.text(key).map(|t| t.text).unwrap_or_default();
                let since = row.need("since");
                if !since.text.is_empty() && !is_day(&since.text) {
                    sink.error_help(
                        "bad-date",
                        since.span,
                        format!("`{}` is not a day", since.text),
                        "write it as 2026-11-24",
                    );
                }
                let (model, code) = (row.need("model").text, row.need("code").text);
                let (license, work) = (text("license"), text("work"));
                let mut clauses: Vec<String> = row.texts("clauses").into_iter().map(|t| t.text).collect();
                if clauses.is_empty() {
                    clauses.push(String::new());
                }
                for clause in clauses {
                    let key = Key { code: code.clone(), license: license.clone(), clause, work: work.clone() };
                    out.entries.insert((model.clone(), key), since.text.clone());
                }
                row.finish();
            }
            top.finish();
        }
        let mistakes = sink.into_diagnostics();
        if mistakes.is_empty() { Ok(out) } else { Err(mistakes) }
    }

    /// The file: sorted, the same for the same entries.
    pub fn to_toml(&self) -> String {
        let mut out = format!("{HEAD}\nschema = \"{SCHEMA}\"\n");
        let mut groups: BTreeMap<[&str; 5], Vec<&str>> = BTreeMap::new();
        for ((model, key), since) in &self.entries {
            let clauses = groups.entry([model, &key.code, &key.license, &key.work, since]).or_default();
            if !key.clause.is_empty() {
                clauses.push(&key.clause);
            }
        }
        for ([model, code, license, work, since], clauses) in groups {
            out.push_str(&format!("\n[[known]]\nmodel = {}\ncode = {}\n", quoted(model), quoted(code)));
            for (name, value) in [("license", license), ("work", work)] {
                if !value.is_empty() {
                    out.push_str(&format!("{name} = {}\n", quoted(value)));
                }
            }
            match clauses.as_slice() {
                [] => {}
                [one] => out.push_str(&format!("clauses = [{}]\n", quoted(one))),
                many => {
                    let lines: Vec<String> = many.iter().map(|c| format!("  {},\n", quoted(c))).collect();
                    out.push_str(&format!("clauses = [\n{}]\n", lines.concat()));
                }
            }
            out.push_str(&format!("since = {}\n", quoted(since)));
        }
        out
    }

    /// Every issue of a run that a baseline can know, with the day since which `before` knew it, or the run's. A model
    /// that the run did not look at keeps its entries.
    #[must_use]
    pub fn of(run: &Pipeline, before: &Baseline) -> Baseline {
        let looked_at: BTreeSet<&str> = run.models.iter().map(|m| m.path.as_str()).collect();
        let mut entries: BTreeMap<(String, Key), String> = before
            .entries
            .iter()
            .filter(|((m, _), _)| !looked_at.contains(m.as_str()))
            .map(|(k, s)| (k.clone(), s.clone()))
            .collect();
        for m in &run.models {
            for issue in m.issues.iter().filter(|i| i.level > super::Level::Pass && can_be_known(i)) {
                for key in &issue.keys {
                    let known = (tame(&m.path), tame_key(key));
                    let since = before.entries.get(&known).cloned().unwrap_or_else(|| run.as_of.clone());
                    entries.insert(known, since);
                }
            }
        }
        Baseline { entries }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Marks what is known in a run; gives back the entries of its models that nothing matches any more, and those of
    /// models that the run did not look at.
    pub fn mark(&self, run: &mut Pipeline) -> (Vec<Known>, Vec<Known>) {
        let mut used: BTreeSet<&(String, Key)> = BTreeSet::new();
        for m in &mut run.models {
            let path = tame(&m.path);
            for issue in m.issues.iter_mut().filter(|i| can_be_known(i)) {
                let found: Vec<_> = issue.keys.iter().map(|k| self.covering(&path, &tame_key(k))).collect();
                used.extend(found.iter().flatten().map(|(entry, _)| *entry));
                let all: Option<Vec<&str>> = found.iter().map(|f| f.map(|(_, since)| since)).collect();
                issue.since = all.and_then(|days| days.into_iter().max().map(str::to_string));
            }
        }
        run.baseline = true;
        let looked_at: BTreeSet<String> = run.models.iter().map(|m: &Checked| tame(&m.path)).collect();
        let unused = self.entries.iter().filter(|(k, _)| !used.contains(k));
        let known =
            unused.map(|((model, key), since)| Known { model: model.clone(), key: key.clone(), since: since.clone() });
        known.partition(|k| looked_at.contains(&k.model))
    }

    /// The entry that covers a key: the same, or the same clause under a worse verdict.
    fn covering(&self, model: &str, key: &Key) -> Option<(&(String, Key), &str)> {
        let as_bad: Vec<&str> = match Verdict::ALL.iter().position(|v| v.as_str() == key.code) {
            Some(at) => Verdict::ALL.iter().take(at + 1).map(|v| v.as_str()).collect(),
            None => vec![key.code.as_str()],
        };
        // the verdict itself before a worse one
        as_bad.into_iter().rev().find_map(|code| {
            let wanted = (model.to_string(), Key { code: code.to_string(), ..key.clone() });
            self.entries.get_key_value(&wanted).map(|(k, since)| (k, since.as_str()))
        })
    }
}

/// A mistake of the input is never known: what was not read may be anything. Neither is what a run only says in passing.
fn can_be_known(issue: &Issue) -> bool {
    !issue.keys.is_empty() && (issue.outcome.is_some() || issue.topic == super::Topic::Finding)
}

/// As it stands in the file: cleaned, so that it is read again as it was written.
fn tame(text: &str) -> String {
    shown(text).replace('\n', " ")
}

fn tame_key(key: &Key) -> Key {
    Key { code: tame(&key.code), license: tame(&key.license), clause: tame(&key.clause), work: tame(&key.work) }
}

/// A TOML string; control characters are gone by now.
fn quoted(text: &str) -> String {
    format!("\"{}\"", tame(text).replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_day(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn what_was_written_is_read_again_and_quiets_the_run() {
        let mut run = sample();
        let written = Baseline::of(&run, &Baseline::default());
        let text = written.to_toml();
        let read = Baseline::parse("b.toml", &text).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.to_toml(), text);
        let (fixed, elsewhere) = read.mark(&mut run);
        assert!(fixed.is_empty() && elsewhere.is_empty());
        let failing: Vec<&str> = run.issues().filter(|(_, i)| i.fails()).map(|(_, i)| i.code.as_str()).collect();
        // what could not be read is never known
        assert_eq!(failing, ["gguf-truncated"]);
    }

    #[test]
    fn a_worse_verdict_and_another_clause_count() {
        let mut run = sample();
        let known = Baseline::of(&run, &Baseline::default());
        // the open model becomes a refused one, over the same clause
        run.models[1].issues[0].code = "prohibited".into();
        run.models[1].issues[0].keys[0].code = "prohibited".into();
        // the refused model gets one more clause
        let mut more = run.models[0].issues[0].keys[0].clone();
        more.clause = "9".into();
        run.models[0].issues[0].keys.push(more);
        let (fixed, _) = known.mark(&mut run);
        assert_eq!(run.models[0].issues[0].since, None);
        assert_eq!(run.models[1].issues[0].since, None);
        // the entry of the verdict that is gone can be taken out
        assert_eq!(fixed.iter().map(|k| k.key.code.as_str()).collect::<Vec<_>>(), ["undetermined"]);
    }

    #[test]
    fn a_better_verdict_over_the_same_clauses_stays_quiet() {
        let mut run = sample();
        let known = Baseline::of(&run, &Baseline::default());
        let issue = &mut run.models[0].issues[0];
        issue.code = "needs-review".into();
        issue.keys.iter_mut().for_each(|k| k.code = "needs-review".into());
        known.mark(&mut run);
        assert_eq!(run.models[0].issues[0].since.as_deref(), Some("2026-11-24"));
    }

    #[test]
    fn what_is_mended_or_gone_is_told_and_days_are_kept() {
        let mut run = sample();
        let known = Baseline::of(&run, &Baseline::default());
        run.as_of = "2027-01-01".into();
        run.models.remove(2);
        run.models[0].issues.truncate(1);
        let (fixed, elsewhere) = known.mark(&mut run);
        assert_eq!(fixed.iter().map(|k| k.key.code.as_str()).collect::<Vec<_>>(), ["pickle-code"]);
        assert_eq!(elsewhere.iter().map(|k| k.model.as_str()).collect::<Vec<_>>(), ["models/c"]);
        let again = Baseline::of(&run, &known);
        assert!(again.to_toml().contains("2026-11-24") && !again.to_toml().contains("2027-01-01"));
        assert_eq!(again.len(), known.len() - 1);
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let text = "schema = \"freehold.baseline/9\"\n[[known]]\nmodell = \"x\"\nsince = \"soon\"\n";
        let mistakes = Baseline::parse("b.toml", text).unwrap_err();
        let codes: BTreeSet<&str> = mistakes.iter().map(|d| d.code).collect();
        assert_eq!(codes, BTreeSet::from(["bad-date", "missing-key", "unknown-key", "wrong-schema"]));
    }

    #[test]
    fn a_hostile_name_comes_back_as_it_was_written() {
        let mut run = sample();
        run.models[0].path = "a\"\\\n\u{1b}b".into();
        let written = Baseline::of(&run, &Baseline::default());
        assert_eq!(Baseline::parse("b.toml", &written.to_toml()).unwrap(), written);
        written.mark(&mut run);
        assert!(run.models[0].issues[0].since.is_some());
    }
}
