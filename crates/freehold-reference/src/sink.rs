//! Where references are gathered: once for each place, with line and excerpt.

use std::collections::BTreeMap;

use freehold_base::Evidence;

use crate::ids::Named;
use crate::{EXCERPT_CHARS_MAX, Reference, Role, Scanned, mask};

/// Bytes of a long line that are looked at before and after the name.
const EXCERPT_AROUND: usize = 400;

/// Bytes around a place in which an id is looked for that does not stand there.
const PLACE_BYTES: usize = 512;

/// Longest id that is kept, in characters.
const ID_CHARS_MAX: usize = 512;

pub(crate) struct Sink<'a> {
    path: &'a str,
    text: &'a str,
    /// Offsets at which lines begin.
    lines: Vec<usize>,
    references_max: usize,
    found: Vec<Reference>,
    /// Start in the file and id → index in `found`.
    seen: BTreeMap<(usize, String), usize>,
    truncated: bool,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(path: &'a str, text: &'a str, references_max: usize) -> Sink<'a> {
        let mut lines = vec![0];
        lines.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        Sink { path, text, lines, references_max, found: Vec::new(), seen: BTreeMap::new(), truncated: false }
    }

    /// A limit was reached elsewhere.
    pub(crate) fn cut(&mut self) {
        self.truncated = true;
    }

    /// True where nothing more is kept.
    pub(crate) fn full(&self) -> bool {
        self.found.len() >= self.references_max
    }

    /// Keeps `named`, which stands at `span` of the file.
    pub(crate) fn push(&mut self, named: Named, construct: &str, key: &str, span: (usize, usize), role: Option<Role>) {
        if self.full() {
            self.truncated = true;
            return;
        }
        let span = self.place(span, &named.id);
        let id = mask::clean(&named.id, ID_CHARS_MAX);
        if let Some(known) = self.seen.get(&(span.0, id.clone())).and_then(|i| self.found.get_mut(*i)) {
            // the tokenizer and the model of one constant: the model counts; a use says more than an assignment
            if known.construct.starts_with("constant ") || (known.role == Some(Role::Tokenizer) && role != known.role) {
                known.role = role;
                known.construct = construct.to_owned();
            }
            known.revision = known.revision.take().or(named.revision);
            known.file = known.file.take().or(named.file);
            return;
        }
        let index = self.lines.partition_point(|start| *start <= span.0).saturating_sub(1);
        let from = self.lines.get(index).copied().unwrap_or(0);
        let to = self.lines.get(index + 1).copied().unwrap_or(self.text.len());
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.seen.insert((span.0, id.clone()), self.found.len());
        self.found.push(Reference {
            kind: named.kind,
            id,
            revision: named.revision.map(|r| mask::clean(&r, ID_CHARS_MAX)),
            file: named.file.map(|f| mask::clean(&f, ID_CHARS_MAX)),
            construct: mask::clean(construct, EXCERPT_CHARS_MAX),
            unresolved: named.unresolved,
            role,
            evidence: Evidence {
                file: self.path.to_owned(),
                key: mask::clean(key, EXCERPT_CHARS_MAX),
                bytes: Some((wide(span.0), wide(span.1))),
                line: u32::try_from(index + 1).ok(),
            },
            excerpt: self.excerpt(from, to, span.0),
        });
    }

    /// Where `id` stands: `span`, unless escapes inside a quoted command moved it a little; always whole characters.
    fn place(&self, span: (usize, usize), id: &str) -> (usize, usize) {
        let boundary = |mut at: usize| {
            at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let span = (boundary(span.0), boundary(span.1.max(span.0)));
        if self.text.get(span.0..span.1).is_some_and(|t| t.contains(id)) {
            return span;
        }
        let from = boundary(span.0.saturating_sub(PLACE_BYTES));
        let window = self.text.get(from..boundary(span.1.saturating_add(PLACE_BYTES))).unwrap_or_default();
        // the nearest at or behind the beginning, else the last before it
        let ahead = window.get(span.0 - from..).and_then(|t| t.find(id)).map(|n| span.0 + n);
        match ahead.or_else(|| window.rfind(id).map(|n| from + n)) {
            Some(at) if !id.is_empty() => (at, at + id.len()),
            _ => span,
        }
    }

    /// The line at `from..to`; of a long one the part around `at`, begun where a secret cannot have lost its head.
    fn excerpt(&self, from: usize, to: usize, at: usize) -> String {
        let mut start = from;
        if at.saturating_sub(from) > EXCERPT_CHARS_MAX / 2 {
            start = at.saturating_sub(EXCERPT_AROUND).max(from);
            if start > from {
                let bytes = self.text.as_bytes().get(start..at).unwrap_or_default();
                start = match bytes.iter().position(|b| matches!(b, b' ' | b'"' | b'\'' | b',' | b'\t')) {
                    Some(n) => start + n,
                    None => at,
                };
            }
        }
        let mut end = at.saturating_add(EXCERPT_AROUND).min(to);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        while !self.text.is_char_boundary(start) {
            start += 1;
        }
        let masked = mask::clean(self.text.get(start..end).unwrap_or_default(), usize::MAX);
        if masked.chars().count() <= EXCERPT_CHARS_MAX {
            return masked;
        }
        // keep what comes just before the name, then the name
        let before = mask::clean(self.text.get(start..at).unwrap_or_default(), usize::MAX).chars().count();
        let skip = before.saturating_sub(EXCERPT_CHARS_MAX / 2);
        masked.chars().skip(skip).take(EXCERPT_CHARS_MAX).collect::<String>().trim().to_owned()
    }

    pub(crate) fn finish(mut self) -> Scanned {
        self.found.sort_by(|a, b| (a.evidence.bytes, &a.id).cmp(&(b.evidence.bytes, &b.id)));
        Scanned { references: self.found, truncated: self.truncated }
    }
}
