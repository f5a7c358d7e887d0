//! Makes an index from texts. The only place that knows what may vary in a license: everything that it decides is
//! written to the index as ranges of words.

use std::collections::{BTreeMap, BTreeSet};

use crate::clauses::{Clause, clauses};
use crate::index::{
    BUCKET_BITS, CLAUSE, EditionKind, HEADER, LABEL_BYTES_MAX, MAGIC, MARK, MARK_SOFT, POST_ALL_WORDS, POST_EVERY,
    POSTING, RECORD, REGION, Region, RegionKind, WINDOW_BYTES,
};
use crate::words::{Words, windows};

/// Longest id.
const ID_BYTES_MAX: usize = 128;
/// Longest text: one that has more words is not a license.
const TEXT_WORDS_MAX: usize = 1 << 20;

/// Why a text cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The id is empty, too long or already there.
    Id(String),
    /// The text has too few words to be told from another, or too many.
    Words(String),
}

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BuildError::Id(id) => write!(f, "the id {id:?} is empty, too long or used twice: give each text its own"),
            BuildError::Words(id) => {
                write!(f, "the text of {id} has fewer than 8 words or more than a license can have")
            }
        }
    }
}

impl std::error::Error for BuildError {}

struct Text {
    kind: EditionKind,
    words: u32,
    sha256: [u8; 32],
    windows: Vec<u64>,
    clauses: Vec<Clause>,
    regions: Vec<Region>,
    marks: Vec<(u32, u32)>,
    title: BTreeSet<u32>,
}

/// Collects texts. The bytes do not depend on the order in which they were added.
#[derive(Default)]
pub struct IndexBuilder {
    texts: BTreeMap<String, Text>,
}

impl IndexBuilder {
    /// An index of nothing.
    pub fn new() -> IndexBuilder {
        IndexBuilder::default()
    }

    /// Adds a text. Its optional parts are found by rules over its lines: title line, copyright lines, a closing
    /// "how to apply", sections that say that they are no part of the license, holders' names in the short licenses
    /// that everybody fills in.
    ///
    /// # Errors
    /// Where the id cannot be used, or the text is too short or too long.
    pub fn add(&mut self, id: &str, kind: EditionKind, text: &str) -> Result<(), BuildError> {
        if id.is_empty() || id.len() > ID_BYTES_MAX || self.texts.contains_key(id) {
            return Err(BuildError::Id(id.to_owned()));
        }
        let words = Words::of(text);
        let count = words.words.len();
        let (true, Ok(length)) = ((8..TEXT_WORDS_MAX).contains(&count), u32::try_from(count)) else {
            return Err(BuildError::Words(id.to_owned()));
        };
        let lines = lines(text, &words);
        let template = is_template(&words);
        let mut regions = BTreeSet::new();
        let title = title(&lines, &mut regions);
        copyright_lines(&words, &lines, &mut regions);
        how_to_apply(&words, &lines, &mut regions);
        not_the_license(text, &words, &mut regions);
        for_more_information(&words, &lines, &mut regions);
        if template {
            holders(&words, &mut regions);
        }
        let mut title_words = BTreeSet::new();
        if template || title.is_none() {
            for word in Words::of(id).words.iter().chain(words.words.get(..title.unwrap_or(0)).unwrap_or_default()) {
                title_words.insert(low(word.hash));
            }
        }
        let marks =
            words.marks.iter().map(|m| (m.before | if m.initial { MARK_SOFT } else { 0 }, low(m.hash))).collect();
        let entry = Text {
            kind,
            words: length,
            sha256: words.sha256(),
            windows: windows(&words.words),
            clauses: clauses(text, &words),
            regions: regions.into_iter().collect(),
            marks,
            title: title_words,
        };
        self.texts.insert(id.to_owned(), entry);
        Ok(())
    }

    /// The index.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut records = Vec::new();
        let mut data = Vec::new();
        let mut postings: BTreeSet<(u64, u16)> = BTreeSet::new();
        let base = HEADER + self.texts.len() * RECORD;
        for (i, (id, text)) in self.texts.iter().enumerate() {
            let at = |data: &Vec<u8>| u32_of(base + data.len()).to_le_bytes();
            records.extend(at(&data));
            records.extend(u16::try_from(id.len()).unwrap_or(0).to_le_bytes());
            records.extend([text.kind as u8, 0]);
            data.extend(id.as_bytes());
            records.extend(text.words.to_le_bytes());
            records.extend(at(&data));
            for w in &text.windows {
                data.extend(w.to_le_bytes().iter().take(WINDOW_BYTES));
                if (text.words <= POST_ALL_WORDS || w % POST_EVERY == 0)
                    && let Ok(edition) = u16::try_from(i)
                {
                    postings.insert((*w, edition));
                }
            }
            for (table, size) in tables(text) {
                records.extend(at(&data));
                records.extend(u32_of(table.len() / size).to_le_bytes());
                data.extend(table);
            }
            records.extend(text.sha256);
        }
        let mut out = Vec::with_capacity(base + data.len() + postings.len() * POSTING);
        out.extend(MAGIC);
        out.extend(u32_of(self.texts.len()).to_le_bytes());
        out.extend(u32_of(postings.len()).to_le_bytes());
        out.extend(u32_of(base + data.len()).to_le_bytes());
        out.extend(records);
        out.extend(data);
        write_postings(&mut out, &postings);
        out
    }
}

fn tables(text: &Text) -> [(Vec<u8>, usize); 4] {
    let mut clauses = Vec::new();
    for clause in &text.clauses {
        clauses.extend(clause.start.to_le_bytes());
        let label = clause.label.as_bytes().get(..LABEL_BYTES_MAX.min(clause.label.len())).unwrap_or_default();
        clauses.push(u8::try_from(label.len()).unwrap_or(0));
        clauses.extend(label);
        clauses.resize(clauses.len().next_multiple_of(CLAUSE), 0);
    }
    let mut regions = Vec::new();
    for region in &text.regions {
        regions.extend(region.start.to_le_bytes());
        regions.extend(region.end.to_le_bytes());
        regions.push(region.kind as u8);
    }
    let mut marks = Vec::new();
    for (at, hash) in &text.marks {
        marks.extend(at.to_le_bytes());
        marks.extend(hash.to_le_bytes());
    }
    let title = text.title.iter().flat_map(|h| h.to_le_bytes()).collect();
    [(clauses, CLAUSE), (regions, REGION), (marks, MARK), (title, 4)]
}

fn write_postings(out: &mut Vec<u8>, postings: &BTreeSet<(u64, u16)>) {
    let mut sorted = postings.iter().peekable();
    let mut done = 0u32;
    for bucket in 0..(1u64 << BUCKET_BITS) {
        out.extend(done.to_le_bytes());
        while sorted.next_if(|(hash, _)| hash >> (40 - BUCKET_BITS) == bucket).is_some() {
            done += 1;
        }
    }
    out.extend(done.to_le_bytes());
    for (hash, edition) in postings {
        out.extend(hash.to_le_bytes().iter().take(WINDOW_BYTES));
        out.extend(edition.to_le_bytes());
    }
}

/// Builds an index from texts, for the workshop's command.
///
/// # Errors
/// At the first text that cannot be added.
pub fn build_index_from<I, S, T>(texts: I) -> Result<Vec<u8>, BuildError>
where
    I: IntoIterator<Item = (S, EditionKind, T)>,
    S: AsRef<str>,
    T: AsRef<str>,
{
    let mut builder = IndexBuilder::new();
    for (id, kind, text) in texts {
        builder.add(id.as_ref(), kind, text.as_ref())?;
    }
    Ok(builder.to_bytes())
}

/// The low half of a hash.
pub(crate) fn low(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or(0)
}

fn u32_of(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A line as a range of words.
struct Line {
    from: usize,
    to: usize,
    /// Its last visible character.
    last: char,
}

impl Line {
    fn blank(&self) -> bool {
        self.from == self.to
    }
    fn len(&self) -> usize {
        self.to - self.from
    }
}

fn lines(text: &str, words: &Words) -> Vec<Line> {
    let mut out = Vec::new();
    for line in text.lines() {
        let at = offset(text, line);
        let (from, to) = (words.at_byte(at), words.at_byte(at + line.len()));
        let last = line.trim_end_matches(|c: char| c.is_whitespace() || c == '*').chars().next_back().unwrap_or(' ');
        out.push(Line { from, to, last });
    }
    out
}

fn region(regions: &mut BTreeSet<Region>, start: usize, end: usize, kind: RegionKind) {
    if start < end {
        regions.insert(Region { start: u32_of(start), end: u32_of(end), kind });
    }
}

/// A short text that every holder fills in: the MIT, BSD and ISC families.
fn is_template(words: &Words) -> bool {
    const OPENINGS: &[&str] = &[
        "permission is hereby granted free of charge",
        "permission to use copy modify",
        "redistribution and use in source and binary forms",
    ];
    words.words.len() <= 450 && OPENINGS.iter().any(|o| words.find(o, 0, 60).is_some())
}

/// The first line, where it is short, stands alone and is no sentence: its words.
fn title(lines: &[Line], regions: &mut BTreeSet<Region>) -> Option<usize> {
    let i = lines.iter().position(|l| !l.blank())?;
    let line = lines.get(i)?;
    let alone = lines.get(i + 1).is_some_and(Line::blank);
    if !alone || line.len() > 12 || matches!(line.last, '.' | ',' | ';' | ':') {
        return None;
    }
    region(regions, line.from, line.to, RegionKind::Removable);
    Some(line.to)
}

fn copyright_lines(words: &Words, lines: &[Line], regions: &mut BTreeSet<Region>) {
    let mut i = 0;
    while let Some(line) = lines.get(i) {
        let starts = words.folded(line.from) == "copyright"
            && !line.blank()
            && (i < 4 || lines.get(i - 1).is_some_and(Line::blank))
            && (line.from + 1..line.to.min(line.from + 6)).any(|w| {
                let word = words.folded(w);
                word.starts_with(|c: char| c.is_ascii_digit()) || matches!(word, "year" | "yyyy" | "xxxx")
            });
        if !starts {
            i += 1;
            continue;
        }
        let mut end = line.to;
        let mut next = i + 1;
        while let Some(more) = lines.get(next) {
            if more.blank() || more.to - line.from > 40 || next > i + 3 || !is_holder(words, more.from, more.to) {
                break;
            }
            end = more.to;
            next += 1;
        }
        if is_holder(words, line.from, end) {
            region(regions, line.from, end, RegionKind::Copyright);
        }
        i = next;
    }
}

/// Words that a name or a copyright line does not hold, and a term does.
const OPERATIVE: &[&str] = &[
    "agree",
    "agreement",
    "any",
    "commercial",
    "commercially",
    "except",
    "express",
    "forbidden",
    "granted",
    "license",
    "licensed",
    "licensee",
    "licenses",
    "may",
    "must",
    "no",
    "non",
    "noncommercial",
    "not",
    "only",
    "permission",
    "permitted",
    "prohibited",
    "provided",
    "redistribute",
    "require",
    "required",
    "requires",
    "restricted",
    "shall",
    "software",
    "subject",
    "terms",
    "this",
    "unless",
    "use",
    "used",
    "using",
    "warranty",
    "without",
    "you",
    "your",
];

/// True where the words `from..to` could be names, years and "all rights reserved": no word of a term among them.
pub(crate) fn is_holder(words: &Words, from: usize, to: usize) -> bool {
    (from..to).all(|i| !OPERATIVE.contains(&words.folded(i)))
}

/// From "how to apply …" to the end, with the line that says that the terms end where it stands just before.
fn how_to_apply(words: &Words, lines: &[Line], regions: &mut BTreeSet<Region>) {
    let full = |l: &&Line| !l.blank();
    let Some(i) = lines.iter().position(|l| {
        (l.from..l.to).len() <= 16
            && (words.phrase_at(l.from, "how to apply") || words.phrase_at(l.from, "appendix how to apply"))
    }) else {
        return;
    };
    let Some(line) = lines.get(i) else { return };
    let before = lines.get(..i).unwrap_or_default().iter().rev().find(full);
    let from = before.filter(|l| words.phrase_at(l.from, "end of terms and conditions")).map_or(line.from, |l| l.from);
    region(regions, from, words.words.len(), RegionKind::Removable);
}

/// Parts set off by rules of `=`, or paragraphs, in which a steward says that it is no party to the license.
fn not_the_license(text: &str, words: &Words, regions: &mut BTreeSet<Region>) {
    const SAYS: &[&str] = &["is not a law firm", "is not a party to its public licenses"];
    let is_rule = |l: &str| l.trim().len() >= 10 && l.trim().bytes().all(|b| b == b'=');
    let sections: Vec<usize> = text.split_inclusive('\n').filter(|l| is_rule(l)).map(|l| offset(text, l)).collect();
    let ends: Vec<usize> =
        if sections.is_empty() { text.match_indices("\n\n").map(|(i, _)| i).collect() } else { sections };
    let mut from = 0;
    for end in ends.into_iter().chain([text.len()]) {
        let (first, last) = (words.at_byte(from), words.at_byte(end));
        if SAYS.iter().any(|s| words.find(s, first, last.min(first + 40)).is_some()) {
            region(regions, first, last, RegionKind::Removable);
        }
        from = end;
    }
}

fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// A last line that says where to read more.
fn for_more_information(words: &Words, lines: &[Line], regions: &mut BTreeSet<Region>) {
    if let Some(line) = lines.iter().rev().find(|l| !l.blank())
        && line.len() <= 12
        && words.phrase_at(line.from, "for more information please refer to")
    {
        region(regions, line.from, line.to, RegionKind::Removable);
    }
}

/// Holders' names inside the sentences of the short licenses.
fn holders(words: &Words, regions: &mut BTreeSet<Region>) {
    const AROUND: &[(&str, &str)] = &[
        ("neither the name of", "nor the names of"),
        ("software is provided by", "as is"),
        ("in no event shall", "be liable"),
        ("as is and", "disclaims"),
        ("as is and", "disclaim"),
    ];
    let count = words.words.len();
    for (before, after) in AROUND {
        let mut at = 0;
        while let Some(found) = words.find(before, at, count) {
            let start = found + before.split(' ').count();
            if let Some(end) = words.find(after, start, start + 13) {
                region(regions, start, end, RegionKind::Holder);
            }
            at = start;
        }
    }
}
