//! Collects what a reader finds in one file: facts cut, masked and counted, mistakes with their place.

use freehold_base::{Diagnostic, Evidence, Fact, FactKind, Label, Severity, TextFile, TextKind};

use crate::FileFacts;
use crate::mask::clean;

/// Most facts kept of one file; a card with 50,000 tags is an attack or an accident.
pub(crate) const FACTS_MAX: usize = 4096;
/// Most diagnostics kept of one file.
const DIAGNOSTICS_MAX: usize = 64;
/// Longest dotted key that is kept.
const KEY_BYTES_MAX: usize = 512;
/// Longest message: most of one is our own words, the rest an excerpt.
const MESSAGE_BYTES_MAX: usize = 600;
/// Longest legal text that is kept.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;

/// Line numbers by offset: counts of line breaks at every 1,024th byte.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    before: Vec<u32>,
}

const LINES_STEP: usize = 1024;

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Lines<'a> {
        let mut count = 0_u32;
        let mut before = Vec::with_capacity(bytes.len() / LINES_STEP + 1);
        for chunk in bytes.chunks(LINES_STEP) {
            before.push(count);
            count = count.saturating_add(breaks(chunk));
        }
        Lines { bytes, before }
    }

    /// 1-based line of the byte at `offset`.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        let offset = offset.min(self.bytes.len());
        let block = offset / LINES_STEP;
        let start = block * LINES_STEP;
        let known = self.before.get(block).or(self.before.last()).copied().unwrap_or(0);
        // exactly at the end of a whole number of blocks there is no entry: count the last block too
        let start = if self.before.get(block).is_some() { start } else { start.saturating_sub(LINES_STEP) };
        known.saturating_add(breaks(self.bytes.get(start..offset).unwrap_or_default())).saturating_add(1)
    }

    /// 1-based column of the byte at `offset`, in characters.
    fn column(&self, offset: usize) -> u32 {
        let before = self.bytes.get(..offset.min(self.bytes.len())).unwrap_or_default();
        // one endless line must not be walked for each of many mistakes
        let window = before.get(before.len().saturating_sub(4096)..).unwrap_or_default();
        let line = window.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        u32::try_from(String::from_utf8_lossy(line).chars().count()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

fn breaks(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.iter().filter(|b| **b == b'\n').count()).unwrap_or(u32::MAX)
}

/// What one file says.
pub(crate) struct Sink<'a> {
    file: &'a str,
    lines: Option<Lines<'a>>,
    /// Where the member that is being read begins in its file.
    shift: u64,
    /// Name of that member, put before keys.
    member: String,
    /// True where the latest diagnostic was one too many.
    dropped: bool,
    pub(crate) out: FileFacts,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(file: &'a str) -> Sink<'a> {
        Sink { file, lines: None, shift: 0, member: String::new(), dropped: false, out: FileFacts::default() }
    }

    /// Reads a member that begins `shift` bytes into what is being read: its places become places in the file.
    /// Keys get `member` and a colon before them where it is not empty.
    pub(crate) fn within(&mut self, member: &str, shift: u64, read: impl FnOnce(&mut Sink<'a>)) {
        let outer = self.shift;
        let inner = if member.is_empty() { self.member.clone() } else { format!("{member}:") };
        let name = std::mem::replace(&mut self.member, inner);
        self.shift = outer.saturating_add(shift);
        read(self);
        self.shift = outer;
        self.member = name;
    }

    /// Places from now on have lines, counted in `bytes`.
    pub(crate) fn text(&mut self, bytes: &'a [u8]) {
        self.lines = Some(Lines::new(bytes));
    }

    /// True where nothing more is kept; asked before more is read, so it is told.
    pub(crate) fn is_full(&mut self) -> bool {
        let full = self.out.facts.len() >= FACTS_MAX;
        if full && !self.out.diagnostics.iter().any(|d| d.code == "too-many-facts") {
            self.warn("too-many-facts", format!("more than {FACTS_MAX} statements, the rest is not read"), None);
        }
        full
    }

    /// Keeps a statement. Empty values state nothing and are dropped.
    pub(crate) fn fact(&mut self, kind: FactKind, value: &str, key: &str, bytes: Option<(usize, usize)>) {
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.fact_wide(kind, value, key, bytes.map(|(s, e)| (wide(s), wide(e))));
    }

    /// [`Sink::fact`] with offsets beyond 4 GiB on every machine.
    pub(crate) fn fact_wide(&mut self, kind: FactKind, value: &str, key: &str, bytes: Option<(u64, u64)>) {
        let value = clean(value, Fact::VALUE_BYTES_MAX);
        if value.trim().is_empty() {
            return;
        }
        if self.is_full() {
            return;
        }
        let start = bytes.and_then(|(s, _)| usize::try_from(s).ok());
        let line = start.and_then(|s| self.lines.as_ref().map(|l| l.line(s)));
        let key = if self.member.is_empty() {
            clean(key, KEY_BYTES_MAX)
        } else {
            clean(&format!("{}{key}", self.member), KEY_BYTES_MAX)
        };
        let bytes = bytes.map(|(s, e)| (s.saturating_add(self.shift), e.saturating_add(self.shift)));
        let evidence = Evidence { file: self.file.to_owned(), key, bytes, line };
        self.out.facts.push(Fact { kind, value, evidence });
    }

    /// Keeps a legal text or a card's body.
    pub(crate) fn legal(&mut self, kind: TextKind, text: &str) {
        let text = freehold_base::mask_secrets(text);
        self.out.texts.push(TextFile { kind, file: self.file.to_owned(), text });
    }

    /// Part of the file cannot be used.
    pub(crate) fn error(&mut self, code: &'static str, message: impl AsRef<str>, bytes: Option<(usize, usize)>) {
        self.push(Severity::Error, code, message.as_ref(), bytes);
    }

    /// Part of the file was not read or contradicts itself.
    pub(crate) fn warn(&mut self, code: &'static str, message: impl AsRef<str>, bytes: Option<(usize, usize)>) {
        self.push(Severity::Warning, code, message.as_ref(), bytes);
    }

    /// Worth knowing.
    pub(crate) fn note(&mut self, code: &'static str, message: impl AsRef<str>, bytes: Option<(usize, usize)>) {
        self.push(Severity::Note, code, message.as_ref(), bytes);
    }

    fn push(&mut self, severity: Severity, code: &'static str, message: &str, bytes: Option<(usize, usize)>) {
        self.dropped = false;
        if self.out.diagnostics.len() >= DIAGNOSTICS_MAX {
            // many warnings must not hide an error
            let lesser = self.out.diagnostics.iter().rposition(|d| d.severity != Severity::Error);
            match lesser.filter(|_| severity == Severity::Error) {
                Some(at) => drop(self.out.diagnostics.remove(at)),
                None => {
                    self.dropped = true;
                    return;
                }
            }
        }
        let position = bytes.zip(self.lines.as_ref()).map(|((s, _), l)| (l.line(s), l.column(s)));
        let shift = usize::try_from(self.shift).unwrap_or(usize::MAX);
        let bytes = bytes.map(|(s, e)| (s.saturating_add(shift), e.saturating_add(shift)));
        let label = Some(Label { file: self.file.to_owned(), bytes, position });
        let message = clean(message, MESSAGE_BYTES_MAX);
        self.out.diagnostics.push(Diagnostic { severity, code, message, label, help: None });
    }

    /// Adds what to do to the latest diagnostic.
    pub(crate) fn help(&mut self, help: &str) {
        if let Some(d) = self.out.diagnostics.last_mut().filter(|_| !self.dropped) {
            d.help = Some(help.to_owned());
        }
    }
}

/// Bytes as text of the same length: what is not UTF-8, and NUL, becomes `?`, so that offsets stay right.
/// The flag tells whether anything was replaced.
pub(crate) fn same_length_text(bytes: &[u8]) -> (String, bool) {
    let mut text = String::with_capacity(bytes.len());
    let mut replaced = false;
    for chunk in bytes.utf8_chunks() {
        if chunk.valid().contains('\0') {
            text.push_str(&chunk.valid().replace('\0', "?"));
            replaced = true;
        } else {
            text.push_str(chunk.valid());
        }
        for _ in chunk.invalid() {
            text.push('?');
            replaced = true;
        }
    }
    (text, replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_agree_with_counting() {
        let text: Vec<u8> = (0..5000_u32).map(|i| if i % 7 == 0 { b'\n' } else { b'x' }).collect();
        let lines = Lines::new(&text);
        for offset in [0, 1, 2, 1023, 1024, 1025, 4095, 4096, 4999, 5000, 9999] {
            let naive = text.iter().take(offset).filter(|b| **b == b'\n').count() + 1;
            assert_eq!(lines.line(offset) as usize, naive, "{offset}");
        }
        let block = vec![b'\n'; 2048];
        assert_eq!(Lines::new(&block).line(2048), 2049);
        assert_eq!(Lines::new(b"").line(0), 1);
    }

    #[test]
    fn warnings_do_not_hide_an_error() {
        let mut sink = Sink::new("f");
        for i in 0..100 {
            sink.warn("w", format!("{i}"), None);
        }
        sink.error("e", "last", None);
        sink.help("help");
        sink.warn("w", "more", None);
        sink.help("wrong");
        let all = &sink.out.diagnostics;
        let last = all.last().unwrap();
        assert_eq!((all.len(), last.code, last.help.as_deref()), (DIAGNOSTICS_MAX, "e", Some("help")));
    }

    #[test]
    fn members_have_places_in_the_file() {
        let mut sink = Sink::new("f");
        sink.within("a", 10, |sink| {
            sink.fact(FactKind::Name, "x", "k", Some((1, 2)));
            sink.within("", 5, |sink| sink.warn("w", "m", Some((1, 2))));
        });
        sink.fact(FactKind::Name, "y", "k", Some((1, 2)));
        let places: Vec<_> =
            sink.out.facts.iter().map(|f| (f.evidence.key.as_str(), f.evidence.bytes.unwrap())).collect();
        assert_eq!(places, [("a:k", (11, 12)), ("k", (1, 2))]);
        assert_eq!(sink.out.diagnostics[0].label.as_ref().unwrap().bytes, Some((16, 17)));
    }

    #[test]
    fn replaced_bytes_keep_the_length() {
        let (text, replaced) = same_length_text(b"a\xff\xfeb\0\xc3\xa9");
        assert_eq!((text.as_str(), replaced), ("a??b?é", true));
        assert_eq!(same_length_text("né".as_bytes()), ("né".to_owned(), false));
    }
}
