//! A GGUF header with other keys: what the new file consists of, as pieces of the old one and a few new bytes. Tensor
//! data is never looked at; its offsets count from the start of the data, so they hold wherever that begins.

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::Diagnostic;

use super::{FETCH_BYTES_MAX, Fault, PAIRS_MAX, TENSORS_MAX, Tensors, VALUE_BYTES_MAX, Value, Walk, refuse};
use crate::input::{Cursor, Input, ReadAt, Stop};
use crate::sink::Sink;

/// Longest text that is written under a key.
const TEXT_BYTES_MAX: usize = 8192;
/// Most bytes of padding between header and data (the largest alignment that is read).
const PADDING: [u8; 4096] = [0; 4096];

/// A value that is written under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GgufValue {
    /// A text.
    Text(String),
    /// A number of 32 bits without sign.
    Number(u32),
}

impl GgufValue {
    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            GgufValue::Text(text) => text.clone(),
            GgufValue::Number(n) => n.to_string(),
        }
    }
}

/// A piece of the new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// New bytes.
    Bytes(Vec<u8>),
    /// Bytes of the old file.
    Copy {
        /// Where they begin there.
        from: u64,
        /// How many.
        bytes: u64,
    },
}

/// What happens to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key.
    pub key: String,
    /// Its value before, cut at 8 KiB; `None` where it is new.
    pub was: Option<String>,
    /// Its value after; `None` where it is removed.
    pub is: Option<String>,
}

/// How to write the new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgufPlan {
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
    /// Its length.
    pub bytes: u64,
    /// What changes. Empty: the new file would be the old one.
    pub changes: Vec<KeyChange>,
}

/// The header of a GGUF file, as far as keys can be changed in it.
#[derive(Debug)]
pub struct GgufHeader {
    big_endian: bool,
    tensors: u64,
    pairs: Vec<Pair>,
    /// Where the pairs begin, the tensor descriptions begin and end, the data begins, the file ends.
    places: [u64; 5],
    alignment: u64,
}

#[derive(Debug)]
struct Pair {
    key: String,
    /// From the key's length to behind the value.
    place: (u64, u64),
    value: Option<GgufValue>,
    shown: String,
}

/// Reads a header so that its keys can be changed. `file` names it in messages.
///
/// # Errors
/// The file is no GGUF of version 2 or 3, is damaged or cut off, is one part of several, or has a key twice: which of
/// the two its author meant cannot be told.
#[expect(clippy::result_large_err, reason = "one result for a whole file")]
pub fn gguf_header(file: &str, source: &dyn ReadAt) -> Result<GgufHeader, Diagnostic> {
    let refused = |code, message: String| Diagnostic::error(code, message).in_file(file);
    let mut input = Input::open(source).map_err(|e| refused("unreadable", format!("cannot be read: {}", e.kind())))?;
    if input.head.get(..4) != Some(b"GGUF") {
        return Err(refused("gguf-magic", "no GGUF file: nothing is written into it".into()));
    }
    let mut sink = Sink::new(file);
    let mut walk =
        Walk { cursor: Cursor::new(&mut input, FETCH_BYTES_MAX), big_endian: false, wide: true, alignment: 32 };
    let header = walk.header(&mut sink).map_err(|fault| match fault {
        Fault::Refused(code, message) => refused(code, message).help(HELP),
        Fault::Stop(Stop::Truncated { needed }) => {
            let message = format!("the header declares bytes up to {needed}, which the file does not have");
            refused("gguf-truncated", message).help(HELP)
        }
        Fault::Stop(Stop::Budget) => refused("gguf-header-too-long", "the header is longer than 128 MiB".into()),
        Fault::Stop(Stop::Io(kind)) => refused("unreadable", format!("reading failed: {kind}")),
    })?;
    match sink.out.diagnostics.into_iter().find(|d| d.code != "gguf-tensor-type") {
        Some(d) => Err(d.help(HELP)),
        None => Ok(header),
    }
}

/// What to do about a file that cannot be rewritten.
const HELP: &str = "it is left as it is: convert it anew, with its license and base in the card beside the weights";

impl Walk<'_, '_> {
    fn header(&mut self, sink: &mut Sink<'_>) -> Result<GgufHeader, Fault> {
        self.cursor.skip(4)?;
        self.version()?;
        if !self.wide {
            return refuse("gguf-version", "GGUF version 1: only versions 2 and 3 are written");
        }
        let (tensors, count) = (self.length()?, self.length()?);
        self.count("key-value pairs", count, PAIRS_MAX, 13)?;
        self.count("tensors", tensors, TENSORS_MAX, 24)?;
        let first = self.cursor.at;
        let mut pairs = Vec::new();
        let mut seen = BTreeSet::new();
        for _ in 0..count {
            let pair = self.keyed()?;
            if !seen.insert(pair.key.clone()) {
                let message =
                    format!("the key `{}` stands twice: which one its author meant nobody can tell", pair.key);
                return refuse("gguf-duplicate-key", message);
            }
            if pair.key == "split.count" && !matches!(pair.value, Some(GgufValue::Number(0 | 1))) {
                return refuse("gguf-sharded", "one part of a model that is split over several files");
            }
            if pair.key == "general.alignment" {
                self.alignment = match pair.value {
                    Some(GgufValue::Number(a)) if a.is_power_of_two() && a <= 1 << 20 => u64::from(a),
                    _ => return refuse("gguf-alignment", "general.alignment is not a power of two"),
                };
            }
            pairs.push(pair);
        }
        let descriptions = self.cursor.at;
        let mut found = Tensors::default();
        for _ in 0..tensors {
            self.tensor(&mut found, sink)?;
        }
        let end = self.cursor.at;
        let size = self.cursor.size();
        let data = end.checked_next_multiple_of(self.alignment).unwrap_or(u64::MAX);
        let last = data.saturating_add(found.end.unwrap_or(0));
        if tensors > 0 && last > size {
            return refuse(
                "gguf-data-truncated",
                format!("tensors extend to byte {last}, the file has {size}: it is cut off or the header lies"),
            );
        }
        Ok(GgufHeader {
            big_endian: self.big_endian,
            tensors,
            pairs,
            places: [first, descriptions, end, data.min(size), size],
            alignment: self.alignment,
        })
    }

    /// A key and, where it is a short text or a small number, its value.
    fn keyed(&mut self) -> Result<Pair, Fault> {
        let start = self.cursor.at;
        let length = self.length()?;
        if length > super::KEY_BYTES_MAX {
            return refuse("gguf-key-length", format!("a key of {length} bytes, more than the format allows"));
        }
        let raw = self.cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?.to_vec();
        let Ok(key) = String::from_utf8(raw) else {
            return refuse("gguf-key", "a key that is not UTF-8");
        };
        let kind = self.u32()?;
        // only what is about identity is compared and shown
        let keep = if key.starts_with("general.") { VALUE_BYTES_MAX } else { 0 };
        let small = kind == 4;
        let value = self.value(kind, keep)?;
        let shown = match &value {
            Value::Text { text, .. } => text.clone(),
            Value::Number(n) => n.to_string(),
            Value::Float(x) => x.to_string(),
            Value::Bool(b) => b.to_string(),
            Value::List(list) => list.iter().map(|(t, _)| t.as_str()).collect::<Vec<_>>().join(", "),
            Value::Count(n) => format!("{n} elements"),
            Value::Other => String::new(),
        };
        let value = match value {
            Value::Text { text, cut: false, .. } => Some(GgufValue::Text(text)),
            Value::Number(n) if small => u32::try_from(n).ok().map(GgufValue::Number),
            _ => None,
        };
        Ok(Pair { key, place: (start, self.cursor.at), value, shown })
    }
}

impl GgufHeader {
    /// The text under a key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|p| p.key == key).and_then(|p| match &p.value {
            Some(GgufValue::Text(text)) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Keys that begin so.
    pub fn keys<'k>(&'k self, prefix: &'k str) -> impl Iterator<Item = &'k str> {
        self.pairs.iter().map(|p| p.key.as_str()).filter(move |k| k.starts_with(prefix))
    }

    /// The bytes of the tensors, of a file in memory.
    #[must_use]
    pub fn data<'b>(&self, file: &'b [u8]) -> &'b [u8] {
        let [_, _, _, data, size] = self.places;
        let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        file.get(at(data)..at(size)).unwrap_or_default()
    }

    /// The file with these keys set, and those gone that begin with one of `without` and are not set.
    ///
    /// # Errors
    /// A key or text longer than the format or a reader takes.
    pub fn with(&self, set: &[(String, GgufValue)], without: &[String]) -> Result<GgufPlan, String> {
        let [_, descriptions, end, data, size] = self.places;
        let wanted: BTreeMap<&str, &GgufValue> = set.iter().map(|(k, v)| (k.as_str(), v)).collect();
        let mut body = Vec::new();
        let mut changes = Vec::new();
        let mut count = 0_u64;
        for pair in &self.pairs {
            let key = pair.key.as_str();
            let old = Piece::Copy { from: pair.place.0, bytes: pair.place.1.saturating_sub(pair.place.0) };
            match wanted.get(key) {
                Some(value) if pair.value.as_ref() == Some(*value) => push(&mut body, old),
                Some(value) => {
                    push(&mut body, Piece::Bytes(self.pair(key, value)?));
                    changes.push(change(key, Some(pair.shown.clone()), Some(value.shown())));
                }
                None if without.iter().any(|w| key.starts_with(w.as_str())) => {
                    changes.push(change(key, Some(pair.shown.clone()), None));
                    continue;
                }
                None => push(&mut body, old),
            }
            count = count.saturating_add(1);
        }
        let there: BTreeSet<&str> = self.pairs.iter().map(|p| p.key.as_str()).collect();
        for (key, value) in set {
            // the last of two values for one key is the one that is meant, and stands in `wanted`
            let last = wanted.get(key.as_str()).is_some_and(|w| std::ptr::eq(*w, value));
            if last && !there.contains(key.as_str()) {
                push(&mut body, Piece::Bytes(self.pair(key, value)?));
                changes.push(change(key, None, Some(value.shown())));
                count = count.saturating_add(1);
            }
        }
        let mut pieces = vec![Piece::Copy { from: 0, bytes: 8 }];
        push(&mut pieces, Piece::Bytes([self.u64(self.tensors), self.u64(count)].concat()));
        for piece in body {
            push(&mut pieces, piece);
        }
        push(&mut pieces, Piece::Copy { from: descriptions, bytes: end.saturating_sub(descriptions) });
        // no tensors and no data: a vocabulary alone may end without padding
        if size > end {
            let at: u64 = pieces.iter().map(length).sum();
            let mut pad = at.next_multiple_of(self.alignment).saturating_sub(at);
            while pad > 0 {
                let n = usize::try_from(pad).unwrap_or(usize::MAX).min(PADDING.len());
                push(&mut pieces, Piece::Bytes(PADDING.get(..n).unwrap_or_default().to_vec()));
                pad = pad.saturating_sub(u64::try_from(n).unwrap_or(u64::MAX));
            }
            push(&mut pieces, Piece::Copy { from: data, bytes: size.saturating_sub(data) });
        }
        Ok(GgufPlan { bytes: pieces.iter().map(length).sum(), pieces, changes })
    }

    fn pair(&self, key: &str, value: &GgufValue) -> Result<Vec<u8>, String> {
        let mut out = self.string(key)?;
        match value {
            GgufValue::Text(text) => {
                out.extend(self.u32(8));
                out.extend(self.string(text)?);
            }
            GgufValue::Number(n) => {
                out.extend(self.u32(4));
                out.extend(self.u32(*n));
            }
        }
        Ok(out)
    }

    fn string(&self, text: &str) -> Result<Vec<u8>, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("a text of {} bytes: at most {TEXT_BYTES_MAX} are written", text.len()));
        }
        let mut out = self.u64(u64::try_from(text.len()).unwrap_or(u64::MAX));
        out.extend(text.as_bytes());
        Ok(out)
    }

    fn u32(&self, n: u32) -> Vec<u8> {
        if self.big_endian { n.to_be_bytes().to_vec() } else { n.to_le_bytes().to_vec() }
    }

    fn u64(&self, n: u64) -> Vec<u8> {
        if self.big_endian { n.to_be_bytes().to_vec() } else { n.to_le_bytes().to_vec() }
    }
}

fn change(key: &str, was: Option<String>, is: Option<String>) -> KeyChange {
    KeyChange { key: key.to_owned(), was, is }
}

fn length(piece: &Piece) -> u64 {
    match piece {
        Piece::Bytes(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        Piece::Copy { bytes, .. } => *bytes,
    }
}

/// Adds a piece; neighbors become one, so that a header is copied in few steps.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (_, piece) if length(&piece) == 0 => {}
        (Some(Piece::Bytes(a)), Piece::Bytes(b)) => a.extend(b),
        (Some(Piece::Copy { from, bytes }), Piece::Copy { from: next, bytes: more })
            if from.saturating_add(*bytes) == next =>
        {
            *bytes = bytes.saturating_add(more);
        }
        (_, piece) => pieces.push(piece),
    }
}

/// The new file as a whole, for those that are small enough: a test, a file in memory.
///
/// # Errors
/// Whatever reading reports.
pub fn gguf_bytes(plan: &GgufPlan, source: &dyn ReadAt) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    for piece in &plan.pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend(bytes),
            Piece::Copy { from, bytes } => {
                let start = out.len();
                let n = usize::try_from(*bytes).unwrap_or(usize::MAX);
                out.resize(start.saturating_add(n), 0);
                let mut at = 0_usize;
                while let Some(rest) = out.get_mut(start.saturating_add(at)..).filter(|r| !r.is_empty()) {
                    match source.read_at(from.saturating_add(u64::try_from(at).unwrap_or(u64::MAX)), rest)? {
                        0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                        n => at = at.saturating_add(n),
                    }
                }
            }
        }
    }
    Ok(out)
}
