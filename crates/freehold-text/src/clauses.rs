//! Where the clauses of a text start, read off the marks at the starts of its lines. Best effort: a text whose
//! numbering is inconsistent gets odd labels, never wrong places.

use crate::index::LABEL_BYTES_MAX;
use crate::words::Words;

/// A clause: the index of its first word, and its label (`1.b.i`, `4(a)`, `attachment a`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) start: u32,
    pub(crate) label: String,
}

/// How a mark is written; marks of one style are siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Heading,
    Number,
    UpperRoman,
    Upper,
    Roman,
    Lower,
    InParentheses(Inner),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    Number,
    UpperRoman,
    Upper,
    Roman,
    Lower,
}

struct Found {
    style: Style,
    text: String,
    /// Bytes of the line that the mark takes, so that a second mark may follow.
    len: usize,
}

const HEADINGS: &[&str] = &["section", "article", "attachment", "appendix", "exhibit", "annex", "schedule", "part"];
const DEPTH_MAX: usize = 8;

pub(crate) fn clauses(text: &str, words: &Words) -> Vec<Clause> {
    let mut out: Vec<Clause> = Vec::new();
    let mut stack: Vec<(Style, String)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        let word = words.at_byte(at);
        let mut rest = line;
        let mut any = false;
        while let Some(found) = mark(rest, &stack) {
            rest = rest.get(found.len..).unwrap_or("");
            place(&mut stack, found);
            any = true;
        }
        at += line.len();
        let Ok(start) = u32::try_from(word) else { break };
        if any && word < words.words.len() {
            out.retain(|c| c.start != start);
            out.push(Clause { start, label: join(&stack) });
        }
    }
    out
}

fn place(stack: &mut Vec<(Style, String)>, found: Found) {
    if found.style == Style::Heading {
        stack.clear();
    } else if found.style == Style::Number && found.text.contains('.') {
        // `1.2` says its parent itself
        stack.retain(|(style, _)| *style == Style::Heading);
    } else if let Some(i) = stack.iter().position(|(style, _)| *style == found.style) {
        stack.truncate(i);
    }
    if stack.len() < DEPTH_MAX {
        stack.push((found.style, found.text));
    }
}

fn join(stack: &[(Style, String)]) -> String {
    let mut label = String::new();
    for (style, text) in stack {
        match style {
            Style::InParentheses(_) => label.push_str(&format!("({text})")),
            _ if label.is_empty() => label.push_str(text),
            _ => label.push_str(&format!(".{text}")),
        }
    }
    while label.len() > LABEL_BYTES_MAX {
        label.pop();
    }
    label
}

fn mark(line: &str, stack: &[(Style, String)]) -> Option<Found> {
    let body = line.trim_start_matches(|c: char| c.is_whitespace() || "#*>_-•§\\|\u{feff}".contains(c));
    let skipped = line.len() - body.len();
    if let Some(found) = heading(body) {
        return Some(Found { len: skipped + found.len, ..found });
    }
    let (open, inner) = match body.strip_prefix('(') {
        Some(inner) => (true, inner),
        None => (false, body),
    };
    let len = inner.find(|c: char| !(c.is_ascii_alphanumeric() || (c == '.' && !open))).unwrap_or(inner.len());
    let token = inner.get(..len)?;
    let text = token.trim_end_matches('.');
    let after = inner.get(len..)?.chars().next();
    let closed = after == Some(')');
    let ended = token.ends_with('.') || closed || (text.contains('.') && after.is_none_or(char::is_whitespace));
    if text.is_empty() || !ended || (open && !closed) {
        return None;
    }
    let inner = kind(text, open, stack)?;
    let style = match (open, inner) {
        (true, inner) => Style::InParentheses(inner),
        (false, Inner::Number) => Style::Number,
        (false, Inner::UpperRoman) => Style::UpperRoman,
        (false, Inner::Upper) => Style::Upper,
        (false, Inner::Roman) => Style::Roman,
        (false, Inner::Lower) => Style::Lower,
    };
    Some(Found { style, text: text.to_owned(), len: skipped + usize::from(open) + len + usize::from(closed) })
}

fn heading(body: &str) -> Option<Found> {
    let mut words = body.split_whitespace();
    let (first, second) = (words.next()?.to_ascii_lowercase(), words.next()?);
    let number = second.trim_end_matches([':', '.', ',', '*']);
    let fits = number.len() <= 4
        && !number.is_empty()
        && (number.chars().all(|c| c.is_ascii_digit()) || number.chars().all(|c| c.is_ascii_uppercase()));
    // a sentence that begins with a reference goes on; a heading is short or its number ends in punctuation
    let heads =
        number.len() < second.len() || words.next().is_none_or(|w| w.starts_with(char::is_uppercase) || w.len() < 4);
    if !fits || !heads || !HEADINGS.contains(&first.as_str()) {
        return None;
    }
    let text = if matches!(first.as_str(), "section" | "article" | "part") {
        number.to_owned()
    } else {
        format!("{first} {number}")
    };
    Some(Found { style: Style::Heading, text, len: body.find(second)? + second.len() })
}

fn kind(text: &str, open: bool, stack: &[(Style, String)]) -> Option<Inner> {
    if text.split('.').all(|p| (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit())) {
        return Some(Inner::Number);
    }
    let lower = text.bytes().all(|b| b.is_ascii_lowercase());
    let upper = text.bytes().all(|b| b.is_ascii_uppercase());
    if !lower && !upper {
        // `1.a`
        let first = text.split('.').next()?;
        let short = text.len() <= 6 && text.split('.').all(|p| (1..=2).contains(&p.len()));
        return (short && first.bytes().all(|b| b.is_ascii_digit())).then_some(Inner::Number);
    }
    let roman = text.len() <= 5 && text.bytes().all(|b| matches!(b.to_ascii_lowercase(), b'i' | b'v' | b'x'));
    let (letter, numeral) = if lower { (Inner::Lower, Inner::Roman) } else { (Inner::Upper, Inner::UpperRoman) };
    if text.len() == 1 {
        let style = match (open, letter) {
            (true, l) => Style::InParentheses(l),
            (false, Inner::Lower) => Style::Lower,
            (false, _) => Style::Upper,
        };
        let before = stack.iter().rev().find(|(s, _)| *s == style).and_then(|(_, t)| t.bytes().next());
        let follows = before.is_some_and(|b| Some(b + 1) == text.bytes().next());
        return Some(if roman && !follows { numeral } else { letter });
    }
    roman.then_some(numeral)
}
