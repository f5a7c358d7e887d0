//! `freehold read`: what a license text that nobody has read appears to say, for the person who has to read it.

use std::path::Path;

use clap::ArgMatches;
use freehold_catalog::Catalog;
use freehold_documents::reading;
use freehold_text::{
    BUILT_IN, Evidence, Identification, Index, Limits, Match, Proposal, Reading, Readings, identify, read,
};
use freehold_wire::{ReadChange, ReadFile, ReadProposal, ReadSentence, ReadingReport};

use super::identify::{Texts, each_text, index_of_texts, row, shown};
use super::style;
use crate::exit;
use crate::load::READINGS;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let Some(index) = index_of_texts() else { return exit::INTERNAL };
    let known = Readings::parse(READINGS);
    let outcome = each_text(
        matches,
        &mut |file, text| {
            let found = identify(&index, text, Limits::default());
            let one = read_one(file, text, found, (&index, &known, catalog));
            let clear = one.review == "read";
            (one, clear)
        },
        &|one| reading(catalog, &for_people(one), style()),
    );
    outcome.finish(Vec::new(), &|rows, said| {
        serde_json::to_string_pretty(&ReadingReport::new(rows, said)).unwrap_or_default()
    })
}

fn read_one(
    file: &Path,
    text: &str,
    found: Identification,
    (index, known, catalog): (&Index<'_>, &Readings, &Catalog),
) -> ReadFile {
    let said = read(&BUILT_IN, text);
    let law = found.edition.as_deref().and_then(|e| catalog.license_of_edition(e));
    let law = law.map(|(i, _)| catalog.licenses[i].id.clone());
    let changes = (found.matched == Match::Altered).then(|| {
        // the copy of the edition that was aligned is named by its differences
        let edition = found.differences.first().map(|d| d.text.clone()).or_else(|| found.edition.clone());
        known.changes(&edition?, &said)
    });
    let word = |a: Option<freehold_text::Attitude>| a.map(|a| a.as_str().to_string());
    let changes = changes.flatten().map(|all| {
        all.into_iter().map(|c| ReadChange { term: c.term, was: word(c.was), now: word(c.now) }).collect::<Vec<_>>()
    });
    let exact = found.matched == Match::Exact && law.is_some();
    let lines = Lines::of(text);
    ReadFile {
        identified: row(file, found, index, &mut Texts::none()),
        review: if exact { "read".into() } else { "needs-review".into() },
        law,
        changes,
        proposals: proposals(&said, &lines),
        truncated: said.truncated,
    }
}

fn proposals(said: &Reading, lines: &Lines) -> Vec<ReadProposal> {
    let sentence = |e: &Evidence| ReadSentence {
        attitude: e.attitude.as_str().into(),
        quote: e.quote.split_whitespace().collect::<Vec<_>>().join(" "),
        range: [e.range.start, e.range.end],
        line: lines.of_byte(e.range.start),
        conditional: e.conditional,
    };
    let proposal = |p: &Proposal| ReadProposal {
        term: p.term.clone(),
        name: BUILT_IN.terms().find(|(id, _)| *id == p.term).map_or_else(String::new, |(_, n)| n.to_string()),
        attitude: p.attitude.as_str().into(),
        basis: match p.basis {
            freehold_text::Basis::Said => "said".into(),
            freehold_text::Basis::Supposed => "supposed".into(),
        },
        sentences: p.sentences.iter().map(sentence).collect(),
        against: p.against.iter().map(sentence).collect(),
    };
    said.proposals.iter().map(proposal).collect()
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect())
    }

    /// The line of a byte, from 1.
    fn of_byte(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at).max(1)
    }
}

fn for_people(one: &ReadFile) -> freehold_documents::ReadText {
    let name = |term: &str| {
        BUILT_IN.terms().find(|(id, _)| *id == term).map_or_else(|| term.to_string(), |(_, n)| n.to_lowercase())
    };
    let change = |c: &ReadChange| {
        let now = c.now.clone().unwrap_or_default();
        let proposal = one.proposals.iter().find(|p| p.term == c.term && p.attitude == now);
        let sentences = proposal.map(|p| p.sentences.iter().map(|s| (s.line, s.quote.clone())).collect());
        freehold_documents::ReadChange {
            name: name(&c.term),
            was: c.was.clone().unwrap_or_default(),
            now,
            sentences: sentences.unwrap_or_default(),
        }
    };
    let proposal = |p: &ReadProposal| freehold_documents::ReadProposal {
        name: p.name.to_lowercase(),
        attitude: p.attitude.clone(),
        supposed: p.basis == "supposed",
        sentences: p.sentences.iter().map(|s| (s.line, s.quote.clone(), s.conditional)).collect(),
        against: p.against.len(),
    };
    let spoken = |id: &str| one.proposals.iter().any(|p| p.term == id);
    freehold_documents::ReadText {
        identified: shown(&one.identified),
        law: one.law.clone(),
        changes: one.changes.as_ref().map(|all| all.iter().map(change).collect()),
        proposals: one.proposals.iter().map(proposal).collect(),
        silent: BUILT_IN.terms().filter(|(id, _)| !spoken(id)).map(|(_, n)| n.to_lowercase()).collect(),
        truncated: one.truncated,
    }
}
