//! Which edition a text is.
//!
//! Candidates are the editions that share most windows with the text. Each is aligned; what the alignment leaves over
//! is tolerated (an absent title, another holder) or deviates. The edition that explains most of the text with the
//! least deviation wins; what it leaves is tried again, so that several licenses in one file are all found.

use crate::align::{Gap, Places, Run, gaps};
use crate::builder::{is_holder, low};
use crate::index::{Edition, Index, Region, RegionKind};
use crate::pointer::points_to;
use crate::words::{Mark, Words, windows};

/// How a text, or a part of it, agrees with an edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Match {
    /// Every word is the edition's, but for what every copy may vary.
    Exact,
    /// The edition with other words: see the differences.
    Altered,
    /// A piece of the edition.
    Partial,
    /// Several licenses, or one inside a longer text: see the parts.
    Combined,
    /// No known edition.
    None,
}

impl Match {
    /// The word used on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Match::Exact => "exact",
            Match::Altered => "altered",
            Match::Partial => "partial",
            Match::Combined => "combined",
            Match::None => "none",
        }
    }
}

/// An edition found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its id.
    pub edition: String,
    /// How the words of `range` agree with it.
    pub matched: Match,
    /// Share of the edition's words (optional ones aside) that stand there, per mille.
    pub coverage: u16,
    /// Byte range in the text.
    pub range: (usize, usize),
}

/// What was done to the edition's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// The text has words that the edition has not.
    Added,
    /// The edition has words that the text has not.
    Removed,
    /// The text has other words.
    Replaced,
}

impl DifferenceKind {
    /// The word used on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            DifferenceKind::Added => "added",
            DifferenceKind::Removed => "removed",
            DifferenceKind::Replaced => "replaced",
        }
    }
}

/// A place where a text differs from an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The edition whose words were changed.
    pub edition: String,
    /// The text that `words` counts in: the edition's id, or that of another publisher's copy of it.
    pub text: String,
    /// What was done.
    pub kind: DifferenceKind,
    /// The clause of the edition (`1.b.i`); empty where the edition has no clause there.
    pub clause: String,
    /// The edition's words. The index holds no text, so `None` here: who holds the text fills it in from `words`.
    pub was: Option<String>,
    /// The words as they stand in the text, at most [`Difference::IS_CHARS_MAX`] characters.
    pub is: String,
    /// Byte range in the text; empty where words were removed.
    pub range: (usize, usize),
    /// The edition's words, by index in its normalized text.
    pub words: (u32, u32),
}

impl Difference {
    /// Longest excerpt.
    pub const IS_CHARS_MAX: usize = 200;
}

/// What a text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identification {
    /// The edition, where the text as a whole is one.
    pub edition: Option<String>,
    /// How the whole text agrees with it.
    pub matched: Match,
    /// The editions found, in the order of the text.
    pub parts: Vec<Part>,
    /// Where the text differs from `edition`, or each part from its own; at most [`Limits::differences_max`].
    pub differences: Vec<Difference>,
    /// Other editions that are close, per mille, closest first.
    pub near: Vec<(String, u16)>,
    /// A license that the text names without being one, as written.
    pub points_to: Option<String>,
    /// Words of the text that stand in no part.
    pub other_words: usize,
}

/// Bounds of one identification.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the text that are read; a longer text is never `Exact`.
    pub text_bytes_max: usize,
    /// Parts that are looked for.
    pub parts_max: usize,
    /// Differences that are told.
    pub differences_max: usize,
    /// Near editions that are told.
    pub near_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { text_bytes_max: 2 << 20, parts_max: 16, differences_max: 64, near_max: 5 }
    }
}

/// Editions that are aligned for one part, whatever their length.
const CANDIDATES_MIN: usize = 14;
/// Editions that are aligned after one that is the whole text.
const SIBLINGS_MAX: usize = 6;
/// Editions that are aligned for one part at most: the short licenses have dozens of siblings that share most words.
const CANDIDATES_MAX: usize = 64;
/// Words of the editions aligned for one part, past the first [`CANDIDATES_MIN`].
const CANDIDATE_WORDS_MAX: usize = 8_000;
/// Fewer shared words than this are no piece of a license.
const PARTIAL_WORDS_MIN: usize = 60;
/// A second license with less than this share, per mille, of its words is a borrowed sentence.
const LATER_COVERAGE_MIN: usize = 700;
/// Words around a license from which on the text is more than that license.
const EMBEDDED_WORDS_MIN: usize = 100;
/// Words up to which a text that names a license is a notice, not a piece of one.
const NOTICE_WORDS_MAX: usize = 150;
/// Words of one copyright line.
const COPYRIGHT_WORDS_MAX: usize = 25;
/// Words missing at an end of an edition that count against it.
const OUTER_WORDS_MAX: usize = 60;
/// Words missing at one place inside an edition that count against it: one cut is one change, however long.
const INNER_WORDS_MAX: usize = 120;
/// Words that deviate, up to which an edition is taken without a look at what several would explain.
const DEVIATION_MIN: usize = 40;
/// Candidates that are tried with the best of what they leave.
const SEVERAL_TRIES_MAX: usize = 2;
/// More runs than this are many; see [`Candidate::accept`].
const RUNS_FEW: usize = 8;
/// What an edition without any difference gains: its score divided by this.
const CLEAN_SHARE: i64 = 50;
/// Similarity, per mille, from which on another edition is told as near.
const NEAR_MIN: usize = 800;

/// Finds the edition of a text.
pub fn identify(index: &Index<'_>, text: &str, limits: Limits) -> Identification {
    let cut = text.len() > limits.text_bytes_max;
    let text = if cut { text.get(..text.floor_char_boundary(limits.text_bytes_max)).unwrap_or("") } else { text };
    let words = Words::of(text);
    let mut taken = vec![false; words.words.len()];
    let all = windows(&words.words);
    let mut found: Vec<Candidate<'_>> = Vec::new();
    let mut near = Vec::new();
    while found.len() < limits.parts_max {
        let places = Places::new(&all, &taken);
        let mut candidates = candidates(index, &words, &places);
        let first = found.is_empty();
        let Some(mut at) = candidates.iter().position(|c| c.accept(first) != Match::None) else {
            if first {
                near = nearest(&candidates, None, &words, limits.near_max);
            }
            break;
        };
        if first {
            at = several(index, &words, &all, &candidates, at).unwrap_or(at);
            near = nearest(&candidates, Some(at), &words, limits.near_max);
        }
        let winner = candidates.swap_remove(at);
        winner.take(&mut taken);
        found.push(winner);
    }
    found.sort_by_key(|c| c.span.0);
    conclude(text, &words, &found, near, limits, cut)
}

/// An edition whose text holds what others hold in two (a license with its use policy) may explain more than each of
/// them and still be the wrong one: where the best candidate deviates, the candidate that explains more together with
/// the best of what it leaves.
fn several(
    index: &Index<'_>,
    words: &Words,
    windows: &[u64],
    candidates: &[Candidate<'_>],
    best: usize,
) -> Option<usize> {
    let winner = candidates.get(best).filter(|c| c.deviation() > DEVIATION_MIN)?;
    let with_rest = |c: &Candidate<'_>| {
        let mut taken = vec![false; words.words.len()];
        c.take(&mut taken);
        let rest = self::candidates(index, words, &Places::new(windows, &taken));
        c.score + rest.iter().find(|r| r.coverage() >= 850 && r.accept(false) == Match::Altered).map_or(0, |r| r.score)
    };
    let mut tries: Vec<usize> = (0..candidates.len())
        .filter(|i| candidates.get(*i).is_some_and(|c| *i != best && c.is_cleaner_piece_of(winner)))
        .collect();
    tries.truncate(SEVERAL_TRIES_MAX);
    let others: Vec<(i64, usize)> =
        tries.into_iter().filter_map(|i| Some((with_rest(candidates.get(i)?), i))).collect();
    let (score, at) = others.into_iter().max_by_key(|(score, i)| (*score, std::cmp::Reverse(*i)))?;
    let alone = with_rest(winner);
    (score > alone + alone / 50).then_some(at)
}

/// An edition aligned with the text.
struct Candidate<'a> {
    edition: Edition<'a>,
    chain: Vec<Run>,
    regions: Vec<Region>,
    title: Vec<u32>,
    /// First word of the text that it explains, and the word after the last.
    span: (usize, usize),
    /// Words of the edition that must stand in a copy, and those that do.
    required: usize,
    present: usize,
    /// Words of the text between the first and the last that it does not explain and that are not tolerated.
    inside: usize,
    marks: Vec<MarkDifference>,
    /// Nothing differs that is not tolerated.
    clean: bool,
    score: i64,
}

/// A list mark inside a line that differs.
#[derive(Clone, Copy)]
struct MarkDifference {
    kind: DifferenceKind,
    edition: usize,
    text: usize,
    bytes: Option<(u32, u32)>,
}

fn candidates<'a>(index: &Index<'a>, words: &Words, places: &Places) -> Vec<Candidate<'a>> {
    let mut votes = vec![0usize; index.len()];
    let mut holders = Vec::new();
    for window in places.open() {
        holders.clear();
        index.postings(window, |edition| holders.push(edition));
        // words that few editions have tell one of a family from the others
        let weight = match holders.len() {
            0..=2 => 4,
            3..=6 => 2,
            _ => 1,
        };
        for edition in &holders {
            if let Some(v) = votes.get_mut(*edition) {
                *v += weight;
            }
        }
    }
    let estimate = |i: u32, votes: usize| {
        let long = index.length(i) > crate::index::POST_ALL_WORDS as usize;
        if long { votes * usize::try_from(crate::index::POST_EVERY).unwrap_or(1) } else { votes }
    };
    let length = |i: u32| index.length(i);
    let mut order: Vec<(usize, u32)> =
        (0u32..).zip(votes).filter(|(_, v)| *v > 0).map(|(i, v)| (estimate(i, v), i)).collect();
    // of two that share as much, the shorter lacks less
    order.sort_by_key(|(n, i)| (std::cmp::Reverse(*n), length(*i), *i));
    let floor = order.first().map_or(0, |(n, _)| n / 20).max(4);
    order.retain(|(n, _)| *n >= floor);
    let (mut kept, mut budget) = (0, CANDIDATE_WORDS_MAX);
    order.retain(|(_, i)| {
        budget = budget.saturating_sub(length(*i));
        kept += 1;
        kept <= CANDIDATES_MIN || (kept <= CANDIDATES_MAX && budget > 0)
    });
    let mut out: Vec<Candidate<'a>> = Vec::new();
    let mut left = usize::MAX;
    for (_, i) in order {
        if left == 0 {
            break;
        }
        left -= 1;
        let Some(candidate) = index.edition(i).and_then(|e| Candidate::of(e, words, places)) else { continue };
        // nothing explains more than an edition that is the whole text; its siblings are told as near
        if candidate.clean && candidate.span.1 - candidate.span.0 + COPYRIGHT_WORDS_MAX >= words.words.len() {
            left = left.min(SIBLINGS_MAX);
        }
        out.push(candidate);
    }
    out.sort_by_key(|c| (std::cmp::Reverse(c.score), c.edition.text));
    out
}

impl<'a> Candidate<'a> {
    fn of(edition: Edition<'a>, words: &Words, places: &Places) -> Option<Candidate<'a>> {
        let chain = places.align(&edition.windows());
        let (first, last) = (chain.first()?, chain.last()?);
        let span = (first.text, last.text + last.len);
        let mut c = Candidate {
            regions: edition.regions(),
            title: edition.title_words(),
            edition,
            chain,
            span,
            required: 0,
            present: 0,
            inside: 0,
            marks: Vec::new(),
            clean: true,
            score: 0,
        };
        let count = c.edition.words as usize;
        // the year and the name of another copy are no reason to take its edition
        let matched: usize = c.chain.iter().map(|r| r.len - c.free_words(r.edition, r.edition + r.len)).sum();
        c.required = count - c.optional_words(0, count);
        c.present = c.chain.iter().map(|r| r.len - c.optional_words(r.edition, r.edition + r.len)).sum();
        let (mut added, mut lost) = (0, 0);
        for gap in gaps(&c.chain, count, span) {
            if c.tolerates(words, &gap) {
                continue;
            }
            c.clean = false;
            let len = gap.text.1 - gap.text.0;
            c.inside += len;
            added += len.min(60);
            // what a text lacks before its first or after its last word tells little: it may be a piece
            let outer = gap.edition.0 == 0 || gap.edition.1 == count;
            let missing = gap.edition.1 - gap.edition.0 - c.optional_words(gap.edition.0, gap.edition.1);
            lost += if outer { missing.min(OUTER_WORDS_MAX) * 2 } else { missing.min(INNER_WORDS_MAX) * 4 };
        }
        c.marks = c.mark_differences(words);
        let score = |n: usize| i64::try_from(n).unwrap_or(i64::MAX / 100);
        c.score = score(matched) * 20 - score(lost) - score(added) * 10 - score(c.marks.len()) * 10;
        // an edition that stands there whole is not beaten by a piece of a sibling with a name more in it
        c.clean &= c.marks.is_empty();
        if c.clean {
            c.score += c.score / CLEAN_SHARE;
        }
        Some(c)
    }

    /// Optional words among the edition's `from..to`.
    fn optional_words(&self, from: usize, to: usize) -> usize {
        self.words_in(from, to, |_| true)
    }

    /// Those of them that every copy writes anew: years and names.
    fn free_words(&self, from: usize, to: usize) -> usize {
        self.words_in(from, to, |kind| kind != RegionKind::Removable)
    }

    fn words_in(&self, from: usize, to: usize, kind: fn(RegionKind) -> bool) -> usize {
        let mut at = from;
        let mut count = 0;
        // regions are sorted by start and may nest
        for r in self.regions.iter().filter(|r| kind(r.kind)) {
            let (start, end) = (at.max(r.start as usize), to.min(r.end as usize));
            if start < end {
                count += end - start;
                at = end;
            }
        }
        count
    }

    fn tolerates(&self, words: &Words, gap: &Gap) -> bool {
        let (e0, e1) = gap.edition;
        let (t0, t1) = gap.text;
        let region = |kind: RegionKind| self.regions.iter().filter(move |r| r.kind == kind);
        let in_holder = region(RegionKind::Holder).any(|r| r.start as usize <= e0 && e1 <= r.end as usize);
        if in_holder && t0 < t1 {
            return t1 - t0 <= 16 && is_holder(words, t0, t1);
        }
        if !self.may_be_absent(e0, e1) {
            return false;
        }
        if t0 == t1 {
            return true;
        }
        // a copyright line whose first word is the edition's
        if region(RegionKind::Copyright).any(|r| (r.start as usize) < e0 && e1 <= r.end as usize) {
            return t1 - t0 <= COPYRIGHT_WORDS_MAX && is_holder(words, t0, t1);
        }
        let at_start = self.may_be_absent(0, e0);
        let copyright = (t0..t1).find(|i| matches!(words.folded(*i), "copyright" | "portions"));
        let title = copyright.unwrap_or(t1);
        if title > t0 && !(at_start && (t0..title).all(|i| self.may_title(words, i))) {
            return false;
        }
        let touches = region(RegionKind::Copyright).any(|r| r.start as usize <= e1 && e0 <= r.end as usize);
        copyright.is_none_or(|from| {
            (at_start || touches || e1 == self.edition.words as usize) && are_copyright_lines(words, from, t1)
        })
    }

    /// True where a copy may lack the edition's words `from..to`: whole optional parts, a copyright line, or an
    /// optional end cut short.
    fn may_be_absent(&self, from: usize, to: usize) -> bool {
        let count = self.edition.words as usize;
        let mut at = from;
        for r in &self.regions {
            let (start, end) = (r.start as usize, r.end as usize);
            let whole = start >= from && end <= to;
            let usable = match r.kind {
                RegionKind::Copyright => true,
                RegionKind::Removable => whole || (end == count && to == count),
                RegionKind::Holder => false,
            };
            if usable && start <= at && at < end {
                at = end.min(to);
            }
        }
        at >= to
    }

    fn may_title(&self, words: &Words, i: usize) -> bool {
        const ANY: &[&str] = &["license", "licence", "licensing", "text", "copying"];
        const FORMS: &[&str] = &["the", "version", "new", "or", "revised", "simplified", "expat", "agreement", "terms"];
        let word = words.folded(i);
        let Some(hash) = words.words.get(i).map(|w| low(w.hash)) else { return false };
        ANY.contains(&word) || (!self.title.is_empty() && (FORMS.contains(&word) || self.title.contains(&hash)))
    }

    fn accept(&self, first: bool) -> Match {
        let span = self.span.1 - self.span.0;
        let matched: usize = self.chain.iter().map(|r| r.len).sum();
        let coverage = self.coverage();
        let explained = (span - self.inside.min(span)) * 1000 / span.max(1);
        if !first && coverage < LATER_COVERAGE_MIN {
            return Match::None;
        }
        // a copy, altered or not, agrees over long stretches; a text that somebody wrote after an edition, everywhere
        // a little
        let runs = self.chain.len();
        let scattered = runs > RUNS_FEW && matched < 60 * runs;
        let (coverage_min, explained_min) = if scattered { (850, 900) } else { (700, 800) };
        if coverage >= coverage_min && explained >= explained_min {
            Match::Altered
        } else if self.present >= PARTIAL_WORDS_MIN && explained >= 900 && (runs <= 2 || matched >= 60 * runs) {
            Match::Partial
        } else {
            Match::None
        }
    }

    /// Words that it lacks or that stand in it and are not its own.
    fn deviation(&self) -> usize {
        self.required.saturating_sub(self.present) + self.inside
    }

    /// True where it explains a part of what the other explains, with less that deviates.
    fn is_cleaner_piece_of(&self, other: &Candidate<'_>) -> bool {
        let long = |c: &Candidate<'_>| c.span.1 - c.span.0;
        long(self) * 10 < long(other) * 9
            && long(self) * 5 > long(other)
            && self.deviation() < other.deviation()
            && self.accept(true) == Match::Altered
    }

    fn coverage(&self) -> usize {
        self.present * 1000 / self.required.max(1)
    }

    /// Marks what it explains, small changes included, as taken.
    fn take(&self, taken: &mut [bool]) {
        let mut last = self.span.0;
        for run in &self.chain {
            let from = if run.text - last <= 20 { last } else { run.text };
            last = run.text + run.len;
            if let Some(t) = taken.get_mut(from..last) {
                t.fill(true);
            }
        }
    }

    /// List marks inside lines must be the same; at the start of a line they may differ.
    fn mark_differences(&self, words: &Words) -> Vec<MarkDifference> {
        let ours = self.edition.marks();
        let mut out = Vec::new();
        for run in &self.chain {
            let (e_end, t_end) = (run.edition + run.len, run.text + run.len);
            let from = ours.partition_point(|(at, _, _)| (*at as usize) <= run.edition);
            let mine: Vec<_> = ours.iter().skip(from).take_while(|(at, _, _)| (*at as usize) < e_end).collect();
            let from = words.marks.partition_point(|m| (m.before as usize) <= run.text);
            let theirs: Vec<&Mark> =
                words.marks.iter().skip(from).take_while(|m| (m.before as usize) < t_end).collect();
            let place = |m: &Mark| (m.before as usize).saturating_sub(run.text) + run.edition;
            for (at, hash, soft) in &mine {
                let at = *at as usize;
                let there: Vec<_> = theirs.iter().filter(|m| place(m) == at).collect();
                if *soft || there.iter().any(|m| low(m.hash) == *hash) {
                    continue;
                }
                let kind = if there.is_empty() { DifferenceKind::Removed } else { DifferenceKind::Replaced };
                let bytes = there.first().map(|m| (m.start, m.end));
                out.push(MarkDifference { kind, edition: at, text: at - run.edition + run.text, bytes });
            }
            for m in &theirs {
                if !m.initial && !mine.iter().any(|(at, _, _)| *at as usize == place(m)) {
                    let bytes = Some((m.start, m.end));
                    let text = m.before as usize;
                    out.push(MarkDifference { kind: DifferenceKind::Added, edition: place(m), text, bytes });
                }
            }
        }
        out
    }

    fn similarity(&self, words: usize) -> usize {
        let size =
            (self.span.1 - self.span.0).max(self.required).max(if words < 2 * self.required { words } else { 0 });
        (self.present * 1000 / size.max(1)).min(1000)
    }
}

fn are_copyright_lines(words: &Words, from: usize, to: usize) -> bool {
    let count = (from..to).filter(|i| words.folded(*i) == "copyright").count();
    to - from <= COPYRIGHT_WORDS_MAX * count && is_holder(words, from, to)
}

fn nearest(all: &[Candidate<'_>], winner: Option<usize>, words: &Words, most: usize) -> Vec<(String, u16)> {
    let mut near: Vec<(usize, &str)> = all
        .iter()
        .enumerate()
        .filter(|(i, _)| Some(*i) != winner)
        .map(|(_, c)| (c.similarity(words.words.len()), c.edition.id))
        .filter(|(_, id)| winner.and_then(|w| all.get(w)).is_none_or(|w| w.edition.id != *id))
        .filter(|(s, _)| *s >= if winner.is_some() { NEAR_MIN } else { NEAR_MIN / 4 })
        .collect();
    near.sort_by_key(|(s, id)| (std::cmp::Reverse(*s), *id));
    let mut seen = std::collections::BTreeSet::new();
    near.retain(|(_, id)| seen.insert(*id));
    near.into_iter().take(most).map(|(s, id)| (id.to_owned(), u16::try_from(s).unwrap_or(1000))).collect()
}

fn conclude(
    text: &str,
    words: &Words,
    found: &[Candidate<'_>],
    near: Vec<(String, u16)>,
    limits: Limits,
    cut: bool,
) -> Identification {
    let count = words.words.len();
    let inside: usize = found.iter().map(|c| c.span.1 - c.span.0).sum();
    let outside = count.saturating_sub(inside);
    let alone = found.len() == 1;
    let embedded = alone && outside > inside && outside >= EMBEDDED_WORDS_MIN;
    let whole = alone && !embedded;
    let mut out = Identification {
        edition: None,
        matched: if found.is_empty() { Match::None } else { Match::Combined },
        parts: Vec::new(),
        differences: Vec::new(),
        near,
        points_to: None,
        other_words: if whole { 0 } else { outside },
    };
    for c in found {
        let bounds = if whole { (0, count) } else { c.span };
        let differences = c.differences(text, words, bounds);
        let matched = match c.accept(alone) {
            Match::Altered if differences.is_empty() && !(cut && whole) => Match::Exact,
            other => other,
        };
        // a short notice that names a license may stand word for word in the appendix of another
        let notice = matched == Match::Partial && count <= NOTICE_WORDS_MAX && points_to(text).is_some();
        if notice || (embedded && matched == Match::Partial) {
            out.matched = Match::None;
            out.other_words = count;
            break;
        }
        if whole {
            out.edition = Some(c.edition.id.to_owned());
            out.matched = matched;
        }
        let coverage = u16::try_from(c.coverage()).unwrap_or(1000);
        let range = byte_range(words, bounds);
        out.parts.push(Part { edition: c.edition.id.to_owned(), matched, coverage, range });
        out.differences.extend(differences);
    }
    out.differences.truncate(limits.differences_max);
    if out.matched == Match::None {
        out.points_to = points_to(text);
    }
    out
}

/// Bytes from the first to the last of the words; an empty range stands after the word before.
fn byte_range(words: &Words, (from, to): (usize, usize)) -> (usize, usize) {
    let last = to.checked_sub(1).and_then(|i| words.words.get(i)).map_or(0, |w| w.end as usize);
    match words.words.get(from) {
        Some(first) if from < to => (first.start as usize, last),
        _ => (last, last),
    }
}

impl Candidate<'_> {
    fn differences(&self, text: &str, words: &Words, bounds: (usize, usize)) -> Vec<Difference> {
        let mut out = Vec::new();
        for gap in gaps(&self.chain, self.edition.words as usize, bounds) {
            if self.tolerates(words, &gap) {
                continue;
            }
            let kind = match (gap.edition.0 < gap.edition.1, gap.text.0 < gap.text.1) {
                (false, _) => DifferenceKind::Added,
                (true, false) => DifferenceKind::Removed,
                (true, true) => DifferenceKind::Replaced,
            };
            out.push(self.difference(text, kind, gap.edition, byte_range(words, gap.text)));
        }
        for mark in &self.marks {
            let after = byte_range(words, (mark.text, mark.text));
            let range = mark.bytes.map_or(after, |(s, e)| (s as usize, e as usize));
            let end = mark.edition + usize::from(mark.kind != DifferenceKind::Added);
            out.push(self.difference(text, mark.kind, (mark.edition, end), range));
        }
        out.sort_by_key(|d| d.range);
        out
    }

    fn difference(
        &self,
        text: &str,
        kind: DifferenceKind,
        edition: (usize, usize),
        range: (usize, usize),
    ) -> Difference {
        let word = |i: usize| u32::try_from(i).unwrap_or(u32::MAX);
        // added words belong to the clause that they follow
        let place = if kind == DifferenceKind::Added { edition.0.saturating_sub(1) } else { edition.0 };
        let is = if kind == DifferenceKind::Removed { "" } else { text.get(range.0..range.1).unwrap_or("") };
        Difference {
            edition: self.edition.id.to_owned(),
            text: self.edition.text.to_owned(),
            kind,
            clause: self.edition.clause_at(word(place)).to_owned(),
            was: None,
            is: is.chars().take(Difference::IS_CHARS_MAX).collect(),
            range,
            words: (word(edition.0), word(edition.1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::build_index_from;
    use crate::index::EditionKind;

    /// `count` words of which no two texts share four in a row.
    fn prose(name: &str, count: usize) -> String {
        (0..count).map(|i| format!("{name}{i}{}", if i % 12 == 11 { ".\n" } else { " " })).collect()
    }

    fn find(texts: &[(&str, &str)], text: &str) -> Identification {
        let all = texts.iter().map(|(id, t)| (*id, EditionKind::License, *t));
        let bytes = build_index_from(all).unwrap_or_default();
        let index = Index::from_bytes(&bytes).unwrap_or_else(|e| panic!("{e}"));
        identify(&index, text, Limits::default())
    }

    fn parts(found: &Identification) -> Vec<(&str, Match)> {
        found.parts.iter().map(|p| (p.edition.as_str(), p.matched)).collect()
    }

    #[test]
    fn a_license_with_its_policy_is_not_the_older_text_that_holds_both() {
        let (license, policy) = (prose("lamp", 400), prose("gate", 300));
        let mut older = format!("{license}\n{policy}");
        for word in ["lamp50 ", "lamp150 ", "lamp250 ", "gate100 "] {
            older = older.replace(word, &prose(&format!("old{word}").replace(' ', "x"), 60));
        }
        let known = [("license", &*license), ("policy", &*policy), ("older", &*older)];
        let found = find(&known, &format!("{license}\n\n{policy}"));
        assert_eq!(parts(&found), [("license", Match::Exact), ("policy", Match::Exact)]);
        assert_eq!(find(&known, &older).edition.as_deref(), Some("older"));
    }

    #[test]
    fn a_run_that_begins_inside_a_longer_one_elsewhere_is_found() {
        // the address stands twice in the copy: its second place is where the rest goes on
        let address = prose("address", 6);
        let edition = format!("{}{address}{}", prose("lamp", 40), prose("gate", 200));
        let copy = format!("{}{address}{address}{}", prose("lamp", 40), prose("gate", 200));
        let found = find(&[("a", &edition)], &copy);
        assert_eq!((found.edition.as_deref(), found.matched), (Some("a"), Match::Altered));
        assert_eq!(found.differences.len(), 1, "{:?}", found.differences);
    }

    #[test]
    fn words_that_stand_everywhere_do_not_hide_what_follows() {
        let often = prose("often", 4);
        let chorus: String = (0..30).map(|i| format!("{often}{}", prose(&format!("verse{i}x"), 4))).collect();
        let text = format!("{chorus}{often}{}", prose("gate", 200));
        assert_eq!(find(&[("a", &text)], &text).matched, Match::Exact);
    }

    #[test]
    fn a_text_written_after_another_is_not_it() {
        let edition = prose("lamp", 600);
        let written_after: String = edition
            .split_whitespace()
            .enumerate()
            .map(|(i, w)| if i % 20 < 4 { format!("own{i} ") } else { format!("{w} ") })
            .collect();
        let found = find(&[("a", &edition)], &written_after);
        assert_eq!((found.edition.as_deref(), found.matched), (None, Match::None));
        assert_eq!(found.near.first().map(|(id, _)| id.as_str()), Some("a"));
    }

    #[test]
    fn a_name_filled_into_the_appendix_changes_nothing() {
        let terms = prose("lamp", 300);
        let appendix = "APPENDIX: How to apply these terms to your work.\n\nTo apply them, attach the following notice.\n\n   \
            Copyright [yyyy] [name of the holder]\n\nCarried under the lamp terms through the north gate at night.\n";
        let edition = format!("{terms}\n{appendix}");
        let filled = edition.replace("[yyyy] [name of the holder]", "2026 Everybody Who Carries Lamps");
        let known = [("a", &*edition)];
        assert_eq!(find(&known, &filled).matched, Match::Exact);
        assert_eq!(find(&known, &terms).matched, Match::Exact);
        let term = edition.replace("[yyyy] [name of the holder]", "2026 Somebody. You may not carry it on Mondays");
        assert_eq!(find(&known, &term).matched, Match::Altered);
    }

    #[test]
    fn a_notice_that_names_a_license_is_no_piece_of_it() {
        let notice = format!("Copyright [yyyy] [name]\n\n{}", prose("notice", 80));
        let edition = format!("{}\nAPPENDIX: How to apply these terms\n\n{notice}", prose("lamp", 900));
        let found = find(&[("a", &edition)], &format!("Licensed under the Lamp License.\n{notice}"));
        assert_eq!((found.matched, found.points_to.as_deref()), (Match::None, Some("Lamp License")));
    }
}
