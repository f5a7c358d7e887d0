//! Splits a text into words, clauses and sentences, each with its place in the text.

use std::collections::BTreeMap;
use std::ops::Range;

/// What stands before a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Break {
    /// Nothing, or a space.
    None,
    /// A comma or a bracket.
    Comma,
    /// A list mark: the item inherits what its lead-in said.
    Item,
    /// A semicolon.
    Semicolon,
    /// A colon: what stood before is the lead-in of what follows.
    Colon,
    /// The end of a sentence.
    Stop,
    /// The end of a sentence, followed by a list mark.
    StopItem,
}

/// A word: its bytes in the text and what stands before it.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) range: Range<usize>,
    pub(crate) before: Break,
}

/// Words `words` of the text up to the next list mark, semicolon, colon or full stop.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) words: Range<usize>,
    pub(crate) opens: Break,
}

/// The parts of a text.
pub(crate) struct Parts {
    pub(crate) tokens: Vec<Token>,
    pub(crate) clauses: Vec<Clause>,
    /// Byte ranges.
    pub(crate) sentences: Vec<Range<usize>>,
    /// The text has more words than were read.
    pub(crate) truncated: bool,
}

/// White space after a line end that is looked at.
const SPACES_MAX: usize = 128;
/// Words after which a full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &["inc", "corp", "co", "ltd", "no", "vs", "etc", "eg", "ie", "cf", "sec", "art", "v"];
/// A clause is cut after this many words, so that the work on one clause is bounded.
const CLAUSE_WORDS_MAX: usize = 400;

/// Splits a text; at most `words_max` words are read. `known` says which words, in lower case, are never two.
pub(crate) fn split(text: &str, words_max: usize, known: impl Fn(&str) -> bool) -> Parts {
    let (tokens, truncated) = tokens(text, words_max);
    let tokens = unglue(text, tokens, known);
    let mut parts = Parts { tokens, clauses: Vec::new(), sentences: Vec::new(), truncated };
    let mut from = 0;
    for at in 1..=parts.tokens.len() {
        let before = parts.tokens.get(at).map_or(Break::Stop, |t| t.before);
        let long = at - from >= CLAUSE_WORDS_MAX;
        if before < Break::Item && !long {
            continue;
        }
        let opens = parts.tokens.get(from).map_or(Break::Stop, |t| t.before);
        let Some((first, last)) = parts.tokens.get(from).zip(parts.tokens.get(at - 1)) else { break };
        if from == 0 || opens >= Break::Stop {
            parts.sentences.push(first.range.start..last.range.end);
        } else if let Some(sentence) = parts.sentences.last_mut() {
            sentence.end = last.range.end;
        }
        parts.clauses.push(Clause { words: from..at, opens });
        from = at;
    }
    parts
}

fn tokens(text: &str, words_max: usize) -> (Vec<Token>, bool) {
    let bytes = text.as_bytes();
    let mut out: Vec<Token> = Vec::new();
    let mut before = Break::Stop;
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        if !b.is_ascii_alphanumeric() {
            before = punctuation(bytes, at, &out).map_or(before, |p| raise(before, p));
            at += 1;
            continue;
        }
        if let Some(end) = mark(bytes, at, before, out.last()) {
            before = raise(before, Break::Item);
            at = end;
            continue;
        }
        let end = word_end(bytes, at);
        if out.len() >= words_max {
            return (out, true);
        }
        if glued(bytes, at) && before < Break::Stop {
            before = Break::Stop;
        }
        out.push(Token { range: at..end, before });
        (before, at) = (Break::None, end);
    }
    (out, false)
}

/// Shortest and longest word that is tried as two.
const GLUED_BYTES: Range<usize> = 6..40;

/// Takes words apart that a converter joined at the end of a line, as in `abovecopyright`: a word that is not known,
/// whose two parts stand alone elsewhere in the same text.
fn unglue(text: &str, tokens: Vec<Token>, known: impl Fn(&str) -> bool) -> Vec<Token> {
    let lower = |range: &Range<usize>| text.get(range.clone()).unwrap_or("").to_ascii_lowercase();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for token in &tokens {
        *counts.entry(lower(&token.range)).or_default() += 1;
    }
    let mut cuts: BTreeMap<String, Option<usize>> = BTreeMap::new();
    let mut out = Vec::with_capacity(tokens.len());
    for token in tokens {
        let word = lower(&token.range);
        let cut = if GLUED_BYTES.contains(&word.len()) {
            let own = counts.get(&word).copied().unwrap_or(0);
            *cuts.entry(word).or_insert_with_key(|word| {
                let stands = |part: &str| counts.get(part).is_some_and(|n| *n > own) || (part.len() > 3 && known(part));
                let cut = |at: &usize| word.get(..*at).is_some_and(stands) && word.get(*at..).is_some_and(stands);
                if known(word) { None } else { (2..word.len() - 1).find(cut) }
            })
        } else {
            None
        };
        match cut {
            Some(at) => {
                let middle = token.range.start + at;
                out.push(Token { range: token.range.start..middle, before: token.before });
                out.push(Token { range: middle..token.range.end, before: Break::None });
            }
            None => out.push(token),
        }
    }
    out
}

fn raise(before: Break, new: Break) -> Break {
    match (before, new) {
        (Break::Stop, Break::Item) | (Break::Item, Break::Stop) => Break::StopItem,
        // `may not: (a)`: the colon matters more than the mark
        (Break::Semicolon, Break::Item) => Break::Semicolon,
        _ => before.max(new),
    }
}

/// The break that a character makes; `None` for one that makes none.
fn punctuation(bytes: &[u8], at: usize, out: &[Token]) -> Option<Break> {
    let next = bytes.get(at + 1).copied().unwrap_or(b' ');
    match bytes.get(at)? {
        b';' => Some(Break::Semicolon),
        b':' if next != b'/' => Some(Break::Colon),
        b',' | b'(' | b')' => Some(Break::Comma),
        b'.' | b'!' | b'?' if stops(bytes, at, out) => Some(Break::Stop),
        b'\n' => {
            let rest = bytes.get(at + 1..)?;
            let rest = rest.get(..rest.len().min(SPACES_MAX))?;
            let blank = rest.iter().take_while(|b| b.is_ascii_whitespace()).any(|b| *b == b'\n');
            let first = rest.iter().position(|b| !b.is_ascii_whitespace())?;
            let after = rest.get(first + 1).copied().unwrap_or(b' ');
            let bullet = matches!(rest.get(first)?, b'-' | b'*' | b'+') && matches!(after, b' ' | b'\t');
            let dot = rest.get(first..)?.starts_with("•".as_bytes());
            match (bullet || dot, blank) {
                (true, _) => Some(Break::Item),
                // a paragraph after a comma or a lead-in goes on
                (false, true) => Some(Break::Stop).filter(|_| !ends_open(bytes, at)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The last visible character before `at` is a comma, colon or semicolon.
fn ends_open(bytes: &[u8], at: usize) -> bool {
    let last = bytes.get(..at).and_then(|b| b.iter().rev().take(64).find(|b| !b.is_ascii_whitespace()));
    matches!(last, Some(b',' | b':' | b';'))
}

/// A full stop at `at` ends a sentence: a capital, a digit or a bracket follows, and no abbreviation stands before.
fn stops(bytes: &[u8], at: usize, out: &[Token]) -> bool {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    let follows = rest.iter().take(64).find(|b| !b.is_ascii_whitespace() && b.is_ascii()).copied();
    let spaced = rest.first().is_none_or(|b| !b.is_ascii_alphanumeric());
    let capital = follows.is_none_or(|b| !b.is_ascii_lowercase());
    let Some(word) = out.last().filter(|t| t.range.end == at).and_then(|t| bytes.get(t.range.clone())) else {
        return capital;
    };
    let word = word.to_ascii_lowercase();
    let digit_inside = word.iter().all(u8::is_ascii_digit) && !spaced && follows.is_some_and(|b| b.is_ascii_digit());
    let short = word.len() == 1 && word.first().is_some_and(u8::is_ascii_alphabetic);
    capital && !digit_inside && !short && !ABBREVIATIONS.iter().any(|a| a.as_bytes() == word)
}

/// A list mark at `at`: `(a)`, `a)`, `1.`, `iv.`, `2.3`: the index after it.
fn mark(bytes: &[u8], at: usize, before: Break, last: Option<&Token>) -> Option<usize> {
    let len = bytes.get(at..)?.iter().take(6).take_while(|b| b.is_ascii_alphanumeric()).count();
    let word = bytes.get(at..at + len)?;
    let roman = word.iter().all(|b| matches!(b.to_ascii_lowercase(), b'i' | b'v' | b'x'));
    let number = word.iter().all(u8::is_ascii_digit);
    if !(len == 1 || (len <= 2 && number) || (len <= 5 && roman)) {
        return None;
    }
    let previous = at.checked_sub(1).and_then(|i| bytes.get(i)).copied().unwrap_or(b'\n');
    let next = bytes.get(at + len).copied().unwrap_or(b' ');
    if next == b')' {
        // `source(s)` is a word
        let word_before = at.checked_sub(2).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
        let copyright = word.eq_ignore_ascii_case(b"c") || word.eq_ignore_ascii_case(b"r");
        let plural = word == b"s" && word_before;
        let a_mark = copyright && previous == b'(' && is_copyright_mark(bytes, at);
        return (!plural && !a_mark).then_some(at + len + 1);
    }
    if previous == b'(' || !(before >= Break::Item || last.is_none() || previous == b'\n') {
        return None;
    }
    if next != b'.' && next != b'\\' {
        return None;
    }
    let mut end = at + len + 1;
    while bytes.get(end).is_some_and(|b| b.is_ascii_digit() || (*b == b'.' && number)) {
        end += 1;
    }
    let after = bytes.get(end).copied().unwrap_or(b' ');
    (number || !after.is_ascii_lowercase()).then_some(end)
}

fn is_copyright_mark(bytes: &[u8], at: usize) -> bool {
    let start = at.saturating_sub(12);
    bytes.get(start..at).is_some_and(|b| b.to_ascii_lowercase().windows(9).any(|w| w == b"copyright"))
        || bytes.get(at + 2..at + 5).is_some_and(|b| b.iter().any(u8::is_ascii_digit))
}

/// A word that follows another without a space, as where a converter lost a line break: `formYou must`, `RIGHTSYou may`.
/// `NonCommercial` is one word.
fn glued(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(3).and_then(|i| bytes.get(i..at)).unwrap_or_default();
    let more = at.checked_sub(4).and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphabetic);
    let after = bytes.get(at + 1..at + 3).unwrap_or_default();
    if before.len() < 3 || !bytes.get(at).is_some_and(u8::is_ascii_uppercase) {
        return false;
    }
    let lower = more && before.iter().all(u8::is_ascii_lowercase);
    let upper = before.iter().all(u8::is_ascii_uppercase) && after.len() == 2;
    lower || (upper && after.iter().all(u8::is_ascii_lowercase))
}

fn word_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(b) = bytes.get(end) {
        let apostrophe = *b == b'\'' && bytes.get(end + 1).is_some_and(u8::is_ascii_lowercase);
        if !(b.is_ascii_alphanumeric() || apostrophe) || glued(bytes, end) {
            break;
        }
        end += 1;
    }
    end
}
