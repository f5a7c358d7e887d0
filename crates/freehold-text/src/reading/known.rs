//! What the editions of the index appear to say, by the same rules, read when the index was made: a copy whose words
//! differ is compared with it, so that only what the changed words say is put before a person.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Attitude, Reading, Rules, read};

/// Rows of a table of readings.
const ROWS_MAX: usize = 20_000;

/// What each edition appears to say. One line a text: its id, a tab, one letter a term (`-` nothing, `c` can, `n` cannot,
/// `m` must), in the order of the terms that the head line names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readings {
    terms: Vec<String>,
    rows: BTreeMap<String, Vec<Option<Attitude>>>,
}

impl Readings {
    /// Reads a table; a line that is none is left out.
    pub fn parse(table: &str) -> Readings {
        let mut lines = table.lines().filter(|l| !l.starts_with('#'));
        let terms: Vec<String> = lines.next().unwrap_or("").split_whitespace().map(String::from).collect();
        let row = |line: &str| {
            let (id, letters) = line.split_once('\t')?;
            let said: Vec<Option<Attitude>> = letters.chars().map(attitude_of).collect();
            (said.len() == terms.len()).then(|| (id.to_string(), said))
        };
        let rows = lines.take(ROWS_MAX).filter_map(row).collect();
        Readings { terms, rows }
    }

    /// The table of these texts (id, text), in the order of their ids.
    pub fn table<'t>(rules: &Rules, texts: impl Iterator<Item = (&'t str, &'t str)>) -> String {
        let terms: Vec<&str> = rules.terms().map(|(id, _)| id).collect();
        let rows: BTreeMap<&str, String> = texts
            .map(|(id, text)| {
                let reading = read(rules, text);
                (id, terms.iter().map(|t| letter_of(reading.of(t).map(|p| p.attitude))).collect())
            })
            .collect();
        let mut out = format!("{}\n", terms.join(" "));
        for (id, letters) in rows {
            let _ = writeln!(out, "{id}\t{letters}");
        }
        out
    }

    /// Where `reading` differs from what the edition whose text goes by `id` appears to say; `None` where that text is not
    /// in the table. In the order of the terms.
    pub fn changes(&self, id: &str, reading: &Reading) -> Option<Vec<Change>> {
        let known = self.rows.get(id)?;
        let change = |(term, was): (&String, &Option<Attitude>)| {
            let now = reading.of(term).map(|p| p.attitude);
            (now != *was).then(|| Change { term: term.clone(), was: *was, now })
        };
        Some(self.terms.iter().zip(known).filter_map(change).collect())
    }
}

/// A term of which an altered text appears to say something else than its edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The term, as [`Rules::terms`] lists it.
    pub term: String,
    /// What the edition appears to say; `None` = nothing.
    pub was: Option<Attitude>,
    /// What the text appears to say; `None` = nothing.
    pub now: Option<Attitude>,
}

fn attitude_of(letter: char) -> Option<Attitude> {
    match letter {
        'c' => Some(Attitude::Can),
        'n' => Some(Attitude::Cannot),
        'm' => Some(Attitude::Must),
        _ => None,
    }
}

fn letter_of(attitude: Option<Attitude>) -> char {
    match attitude {
        Some(Attitude::Can) => 'c',
        Some(Attitude::Cannot) => 'n',
        Some(Attitude::Must) => 'm',
        None => '-',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BUILT_IN;

    const EDITION: &str = "You may distribute copies of the Work. You must retain all copyright notices.";

    #[test]
    fn only_what_reads_otherwise_is_a_change() {
        let table = Readings::table(&BUILT_IN, [("a", EDITION)].into_iter());
        let known = Readings::parse(&table);
        assert_eq!(known.changes("a", &read(&BUILT_IN, EDITION)), Some(vec![]));
        let turned = EDITION.replace("You may distribute", "You may not distribute");
        let changes = known.changes("a", &read(&BUILT_IN, &turned)).unwrap();
        assert_eq!(
            changes,
            [Change { term: "distribute".into(), was: Some(Attitude::Can), now: Some(Attitude::Cannot) }]
        );
        assert_eq!(known.changes("b", &read(&BUILT_IN, EDITION)), None);
    }

    #[test]
    fn a_broken_table_has_fewer_rows_and_no_panic() {
        let known = Readings::parse("# head\nx y\na\tc\nb\tcm\nno tab\n");
        assert_eq!(known.rows.len(), 1);
        assert_eq!(Readings::parse("").rows.len(), 0);
    }
}
