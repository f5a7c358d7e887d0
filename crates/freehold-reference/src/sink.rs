//! Where references are gathered: once for each place, with line and excerpt.

use std::collections::BTreeMap;

use freehold_base::Evidence;

use crate::defined::{self, DEFINITIONS_OF_FILE_MAX, Definition, Origin};
use crate::ids::{Named, Slot};
use crate::{EXCERPT_CHARS_MAX, Reference, Role, Scanned, mask};

/// Bytes of a long line that are looked at before and after the name.
const EXCERPT_AROUND: usize = 400;

/// Bytes around a place in which an id is looked for that does not stand there.
const PLACE_BYTES: usize = 512;

/// Bytes whose line ends are counted together.
const BLOCK_BYTES: usize = 1024;

fn line_ends_in(bytes: &[u8]) -> u32 {
    bytes.iter().map(|b| u32::from(*b == b'\n')).sum()
}

/// Longest id that is kept, in characters.
const ID_CHARS_MAX: usize = 512;

pub(crate) struct Sink<'a> {
    path: &'a str,
    text: &'a str,
    /// Line ends before each block of [`BLOCK_BYTES`].
    line_ends: Vec<u32>,
    references_max: usize,
    found: Vec<Reference>,
    pending: Vec<Reference>,
    definitions: Vec<Definition>,
    /// Imported name → (stem of its module, its name there).
    pub(crate) imports: BTreeMap<String, (String, String)>,
    /// Names of files that scripts of this file read their variables from.
    pub(crate) sourced: Vec<String>,
    /// Start in the file and id → index in `found`.
    seen: BTreeMap<(usize, String), usize>,
    truncated: bool,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(path: &'a str, text: &'a str, references_max: usize) -> Sink<'a> {
        let mut before = 0u32;
        let line_ends = text.as_bytes().chunks(BLOCK_BYTES).map(|block| {
            let here = before;
            before = before.saturating_add(line_ends_in(block));
            here
        });
        let line_ends = line_ends.collect();
        Sink {
            path,
            text,
            line_ends,
            references_max,
            found: Vec::new(),
            pending: Vec::new(),
            definitions: Vec::new(),
            imports: BTreeMap::new(),
            sourced: Vec::new(),
            seen: BTreeMap::new(),
            truncated: false,
        }
    }

    /// The file's name without its folder.
    pub(crate) fn file_name(&self) -> &'a str {
        self.path.rsplit('/').next().unwrap_or(self.path)
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
        self.seen.insert((span.0, id), self.found.len());
        let reference = self.reference(named, construct, key, span, role);
        self.found.push(reference);
    }

    /// A use of a variable where a model stands: kept until another file settles it.
    pub(crate) fn pend(
        &mut self,
        value: &str,
        slot: Slot,
        construct: &str,
        key: &str,
        span: (usize, usize),
        role: Option<Role>,
    ) {
        if self.pending.len() >= DEFINITIONS_OF_FILE_MAX {
            return;
        }
        let Some(variable) = defined::variable(value, slot, &self.imports, &self.sourced) else { return };
        let span = self.place(span, value);
        let named = Named::unresolved(crate::ReferenceKind::Model, value);
        let reference = self.reference(named, construct, key, span, role);
        self.pending.push(Reference { variable: Some(variable), ..reference });
    }

    /// A name is given a value that may be a model.
    pub(crate) fn define(&mut self, origin: Origin, name: &str, value: &str, span: (usize, usize)) {
        if self.definitions.len() >= DEFINITIONS_OF_FILE_MAX {
            return;
        }
        let found = defined::definition(origin, name, value, || {
            let span = self.place(span, value);
            self.evidence(name, span)
        });
        self.definitions.extend(found);
    }

    fn evidence(&self, key: &str, span: (usize, usize)) -> Evidence {
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Evidence {
            file: self.path.to_owned(),
            key: mask::clean(key, EXCERPT_CHARS_MAX),
            bytes: Some((wide(span.0), wide(span.1))),
            line: Some(self.line(span.0)),
        }
    }

    fn reference(
        &self,
        named: Named,
        construct: &str,
        key: &str,
        span: (usize, usize),
        role: Option<Role>,
    ) -> Reference {
        let bytes = self.text.as_bytes();
        let near = span.0.saturating_sub(2 * EXCERPT_AROUND);
        let from = bytes
            .get(near..span.0)
            .unwrap_or_default()
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(near, |n| near + n + 1);
        let ahead = bytes.get(span.0..).unwrap_or_default().iter().take(2 * EXCERPT_AROUND);
        let to = ahead.clone().position(|b| *b == b'\n').map_or(span.0 + ahead.len(), |n| span.0 + n);
        let slot = if named.kind == crate::ReferenceKind::OllamaModel { Slot::Ollama } else { Slot::Loaded };
        let variable =
            if named.unresolved { defined::variable(&named.id, slot, &self.imports, &self.sourced) } else { None };
        Reference {
            kind: named.kind,
            id: mask::clean(&named.id, ID_CHARS_MAX),
            revision: named.revision.map(|r| mask::clean(&r, ID_CHARS_MAX)),
            file: named.file.map(|f| mask::clean(&f, ID_CHARS_MAX)),
            construct: mask::clean(construct, EXCERPT_CHARS_MAX),
            unresolved: named.unresolved,
            variable,
            defined: None,
            role,
            evidence: self.evidence(key, span),
            excerpt: self.excerpt(from, to, span.0),
        }
    }

    /// The line that `at` stands in, from 1.
    fn line(&self, at: usize) -> u32 {
        let block = at / BLOCK_BYTES;
        let before = self.line_ends.get(block).copied().unwrap_or(0);
        let here = self.text.as_bytes().get(block * BLOCK_BYTES..at).unwrap_or_default();
        before.saturating_add(line_ends_in(here)).saturating_add(1)
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
        Scanned {
            references: self.found,
            pending: self.pending,
            definitions: self.definitions,
            truncated: self.truncated,
        }
    }
}
