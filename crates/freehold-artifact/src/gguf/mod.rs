//! GGUF v1 to v3, either byte order: the whole header is walked, tensor data is never read.
//!
//! Layout: magic, version, counts, key-value pairs, tensor descriptions, padding, data. License keys may stand
//! after the tokenizer's arrays, so the walk does not stop at the first keys; arrays are jumped over, in one step
//! where elements have a fixed size, by their lengths where they are strings. The bytes fetched are bounded by
//! [`FETCH_BYTES_MAX`] whatever the counts declare.

pub(crate) mod edit;
mod facts;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::FactKind;

use crate::Shard;
use crate::input::{Cursor, Input, Stop};
use crate::shapes::Shapes;
use crate::sink::Sink;
use tables::{is_float, tensor_type};

/// Most bytes of header that are fetched; the largest real ones have 11 MB.
const FETCH_BYTES_MAX: u64 = 128 << 20;
/// Most key-value pairs; real files have under a hundred.
const PAIRS_MAX: u64 = 1 << 16;
/// Most tensor descriptions; real files have a few thousand.
const TENSORS_MAX: u64 = 1 << 20;
/// Longest key (the format's own limit).
const KEY_BYTES_MAX: u64 = 65_535;
/// Longest string (llama.cpp's limit); never allocated.
const STRING_BYTES_MAX: u64 = 1 << 30;
/// Most elements of an array (llama.cpp's limit).
const ARRAY_ELEMENTS_MAX: u64 = 1 << 30;
/// Most dimensions of a tensor.
const DIMENSIONS_MAX: u32 = 4;
/// Bytes of a string value that are looked at; facts are cut shorter still.
const VALUE_BYTES_MAX: u64 = 8192;
/// Keys longer than this are not remembered for the search for duplicates.
const REMEMBERED_KEY_BYTES_MAX: usize = 256;
/// Longest special token.
const MARKED_BYTES_MAX: u64 = 64;
/// Most words of a vocabulary that are kept because they look like special tokens; real ones have under a thousand.
const MARKED_MAX: usize = 4096;
/// Name of the tensor that holds how the rotary embedding is stretched.
const ROPE_TENSOR: &str = "rope_freqs.weight";
/// Elements of a string array (tags, datasets) that are kept.
const LIST_KEPT_MAX: u64 = 256;

/// A value of a pair, as far as it was kept.
#[derive(Debug, PartialEq)]
enum Value {
    Text {
        text: String,
        place: (u64, u64),
        cut: bool,
    },
    Number(u64),
    Bool(bool),
    Float(f64),
    /// Elements of an array that was jumped over.
    Count(u64),
    /// Strings with the range of each.
    List(Vec<(String, (u64, u64))>),
    /// Jumped over.
    Other,
}

/// A string's text (cut), the range of its bytes, and whether it was cut.
type Text = (String, (u64, u64), bool);

/// Why the walk ended: the file's fault in words, or the reader's.
enum Fault {
    Stop(Stop),
    Refused(&'static str, String),
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Fault {
        Fault::Stop(stop)
    }
}

fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(code, message.into()))
}

/// Reads the header of a file whose first four bytes are `GGUF`.
pub(crate) fn read(input: &mut Input<'_>, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, "gguf", "", Some((0, 4)));
    sink.out.model_file = true;
    let mut walk = Walk { cursor: Cursor::new(input, FETCH_BYTES_MAX), big_endian: false, wide: true, alignment: 32 };
    let outcome = walk.run(sink);
    let at = usize::try_from(walk.cursor.at).ok().map(|a| (a, a));
    match outcome {
        Ok(()) => {}
        Err(Fault::Refused(code, message)) => sink.error(code, message, at),
        Err(Fault::Stop(Stop::Truncated { needed })) => {
            let size = walk.cursor.size();
            sink.error(
                "gguf-truncated",
                format!("the header declares bytes up to {needed}, the file has {size}: what follows is not read"),
                at,
            );
        }
        Err(Fault::Stop(Stop::Budget)) => {
            let message = "the header is longer than 128 MiB, what follows is not read";
            sink.error("gguf-header-too-long", message, at);
        }
        Err(Fault::Stop(Stop::Io(kind))) => sink.error("unreadable", format!("reading failed: {kind}"), at),
    }
}

struct Walk<'i, 'a> {
    cursor: Cursor<'i, 'a>,
    big_endian: bool,
    /// False in version 1, where counts and lengths have 32 bits.
    wide: bool,
    alignment: u64,
}

impl Walk<'_, '_> {
    fn run(&mut self, sink: &mut Sink<'_>) -> Result<(), Fault> {
        self.cursor.skip(4)?;
        self.version()?;
        let (tensors, pairs) = (self.length()?, self.length()?);
        let (pair_bytes_min, tensor_bytes_min) = if self.wide { (13, 24) } else { (9, 20) };
        self.count("key-value pairs", pairs, PAIRS_MAX, pair_bytes_min)?;
        self.count("tensors", tensors, TENSORS_MAX, tensor_bytes_min)?;
        let mut header = facts::Header::default();
        let outcome = self.pairs(pairs, &mut header, sink);
        header.finish(sink);
        outcome?;
        self.tensors(tensors, &header, sink)
    }

    /// A count that the file cannot hold is refused before anything is done with it.
    fn count(&self, what: &str, n: u64, max: u64, bytes_each: u64) -> Result<(), Fault> {
        let left = self.cursor.left();
        if n.checked_mul(bytes_each).is_none_or(|need| need > left) {
            return refuse("gguf-count", format!("declares {n} {what}, which {left} remaining bytes cannot hold"));
        }
        if n > max {
            return refuse("gguf-count", format!("declares {n} {what}, more than the {max} that are read"));
        }
        Ok(())
    }

    fn version(&mut self) -> Result<(), Fault> {
        let raw = self.u32()?;
        self.big_endian = raw & 0xffff == 0 && raw != 0;
        let version = if self.big_endian { raw.swap_bytes() } else { raw };
        self.wide = version != 1;
        match version {
            1..=3 => Ok(()),
            n => refuse("gguf-version", format!("GGUF version {n} is not known: nothing in it is read")),
        }
    }

    fn pairs(&mut self, n: u64, header: &mut facts::Header, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for _ in 0..n {
            let key_at = self.cursor.at;
            let key_length = self.length()?;
            if key_length > KEY_BYTES_MAX {
                return refuse("gguf-key-length", format!("a key of {key_length} bytes, more than the format allows"));
            }
            let raw = self.cursor.take(usize::try_from(key_length).unwrap_or(usize::MAX))?;
            let key = String::from_utf8_lossy(raw).into_owned();
            let kind = self.u32()?;
            let start = self.cursor.at;
            let value = if key == facts::TOKENS_KEY && kind == 9 {
                self.vocabulary(header)?
            } else {
                self.value(kind, facts::wanted(&key))?
            };
            let place = (start, self.cursor.at);
            if key.len() <= REMEMBERED_KEY_BYTES_MAX && !seen.insert(key.clone()) {
                let at = usize::try_from(key_at).ok().map(|a| (a, a.saturating_add(key.len())));
                let message = format!("the key `{key}` stands twice: both values are kept, programs differ in theirs");
                sink.warn("gguf-duplicate-key", message, at);
            }
            if key == "general.alignment" {
                self.alignment = match value {
                    Value::Number(a) if a.is_power_of_two() && a <= 1 << 20 => a,
                    _ => return refuse("gguf-alignment", "general.alignment is not a power of two"),
                };
            }
            header.pair(&key, &value, place, sink);
        }
        Ok(())
    }

    /// Reads or jumps over one value.
    fn value(&mut self, kind: u32, keep: u64) -> Result<Value, Fault> {
        Ok(match kind {
            0 | 1 => Value::Number(u64::from(self.byte()?)),
            2 | 3 => Value::Number(u64::from(self.u16()?)),
            4 | 5 => Value::Number(u64::from(self.u32()?)),
            6 => Value::Float(f64::from(f32::from_bits(self.u32()?))),
            7 => match self.byte()? {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                b => return refuse("gguf-bool", format!("a truth value of {b}: only 0 and 1 exist")),
            },
            8 => self.string(keep)?.map_or(Value::Other, |(text, place, cut)| Value::Text { text, place, cut }),
            9 => self.array(keep)?,
            10 | 11 => Value::Number(self.u64()?),
            12 => Value::Float(f64::from_bits(self.u64()?)),
            t => {
                return refuse(
                    "gguf-value-type",
                    format!("value type {t} does not exist: what follows cannot be read"),
                );
            }
        })
    }

    /// Length of a string whose bytes follow and are there.
    fn string_length(&mut self) -> Result<u64, Fault> {
        let length = self.length()?;
        if length > STRING_BYTES_MAX {
            return refuse("gguf-string-length", format!("a string of {length} bytes, more than any program reads"));
        }
        if length > self.cursor.left() {
            return Err(Stop::Truncated { needed: self.cursor.at.saturating_add(length) }.into());
        }
        Ok(length)
    }

    /// A string, its first `keep` bytes; `None` where it is only jumped over.
    fn string(&mut self, keep: u64) -> Result<Option<Text>, Fault> {
        let length = self.string_length()?;
        if keep == 0 {
            self.cursor.skip(length)?;
            return Ok(None);
        }
        let start = self.cursor.at;
        let kept = length.min(keep);
        let raw = self.cursor.take(usize::try_from(kept).unwrap_or(usize::MAX))?;
        let text = String::from_utf8_lossy(raw).into_owned();
        self.cursor.skip(length - kept)?;
        Ok(Some((text, (start, self.cursor.at), kept < length)))
    }

    /// The vocabulary: its words are counted, those that look like special tokens (`<s>`, `[INST]`) are kept.
    fn vocabulary(&mut self, header: &mut facts::Header) -> Result<Value, Fault> {
        let at = self.cursor.at;
        if self.u32()? != 8 {
            self.cursor.seek(at)?;
            return self.array(0);
        }
        let n = self.array_length()?;
        self.strings_fit(n)?;
        let mut i = 0;
        while i < n {
            if self.wide {
                i += self.cursor.strings_at_hand(n - i, self.big_endian, STRING_BYTES_MAX, |more, at, raw| {
                    if is_marked(raw) && header.marked.len() < MARKED_MAX {
                        let text = String::from_utf8_lossy(raw).into_owned();
                        let end = at.saturating_add(u64::try_from(raw.len()).unwrap_or(u64::MAX));
                        header.marked.entry(i + more).or_insert((text, (at, end)));
                    }
                });
                if i >= n {
                    break;
                }
            }
            // one that does not lie in the buffer
            let length = self.string_length()?;
            let here = i;
            i += 1;
            if !(3..=MARKED_BYTES_MAX).contains(&length) || header.marked.len() >= MARKED_MAX {
                self.cursor.skip(length)?;
                continue;
            }
            let start = self.cursor.at;
            let raw = self.cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?;
            if is_marked(raw) {
                let text = String::from_utf8_lossy(raw).into_owned();
                header.marked.entry(here).or_insert((text, (start, self.cursor.at)));
            }
        }
        Ok(Value::Count(n))
    }

    fn array_length(&mut self) -> Result<u64, Fault> {
        let n = self.length()?;
        if n > ARRAY_ELEMENTS_MAX {
            return refuse("gguf-array-length", format!("an array of {n} elements, more than any program reads"));
        }
        Ok(n)
    }

    /// Refuses more strings than the file can hold.
    fn strings_fit(&self, n: u64) -> Result<(), Fault> {
        let need = n.saturating_mul(if self.wide { 8 } else { 4 });
        if need > self.cursor.left() {
            return Err(Stop::Truncated { needed: self.cursor.at.saturating_add(need) }.into());
        }
        Ok(())
    }

    fn array(&mut self, keep: u64) -> Result<Value, Fault> {
        let kind = self.u32()?;
        let n = self.array_length()?;
        let element_bytes: u64 = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => return self.strings(n, keep),
            9 => return refuse("gguf-nested-array", "an array of arrays, which no program reads"),
            t => return refuse("gguf-value-type", format!("element type {t} does not exist")),
        };
        // n ≤ 2^30, so the product fits
        self.cursor.skip(n.saturating_mul(element_bytes))?;
        Ok(Value::Count(n))
    }

    fn strings(&mut self, n: u64, keep: u64) -> Result<Value, Fault> {
        self.strings_fit(n)?;
        let mut list = Vec::new();
        let mut i = 0;
        while i < n {
            if self.wide && (keep == 0 || i >= LIST_KEPT_MAX) {
                i += self.cursor.strings_at_hand(n - i, self.big_endian, STRING_BYTES_MAX, |_, _, _| {});
                if i >= n {
                    break;
                }
            }
            let here = i;
            i += 1;
            if let Some((text, place, _)) = self.string(if here < LIST_KEPT_MAX { keep } else { 0 })? {
                list.push((text, place));
            }
        }
        Ok(if keep > 0 { Value::List(list) } else { Value::Count(n) })
    }

    /// Walks the tensor descriptions: what they declare must lie in the file.
    fn tensors(&mut self, n: u64, header: &facts::Header, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let mut found = Tensors::default();
        for _ in 0..n {
            self.tensor(&mut found, sink)?;
        }
        let at = self.cursor.at;
        let data = at.checked_next_multiple_of(self.alignment).unwrap_or(u64::MAX);
        let size = self.cursor.size();
        if let Some(end) = found.end.map(|e| data.saturating_add(e)).filter(|e| *e > size) {
            let message =
                format!("tensors extend to byte {end}, the file has {size}: it is cut off or the header lies");
            sink.warn("gguf-data-truncated", message, None);
        }
        found.facts(header, sink);
        Ok(())
    }

    fn tensor(&mut self, found: &mut Tensors, sink: &mut Sink<'_>) -> Result<(), Fault> {
        let length = self.length()?;
        if length > KEY_BYTES_MAX {
            return refuse("gguf-tensor-name", format!("a tensor's name of {length} bytes"));
        }
        let name_at = self.cursor.at;
        let raw = self.cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        let name = String::from_utf8_lossy(raw).into_owned();
        if found.lora.is_none() && (name.ends_with(".lora_a") || name.ends_with(".lora_b")) {
            found.lora = Some((name_at, self.cursor.at));
        }
        let name_place = (name_at, self.cursor.at);
        if name == ROPE_TENSOR {
            found.rope = Some(name_place);
        }
        let dimensions = self.u32()?;
        if dimensions > DIMENSIONS_MAX {
            return refuse("gguf-dimensions", format!("a tensor of {dimensions} dimensions, at most 4 exist"));
        }
        let mut elements = Some(1_u64);
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let dimension = self.length()?;
            shape.push(dimension);
            elements = elements.and_then(|e| e.checked_mul(dimension));
        }
        // the innermost dimension comes first here
        shape.reverse();
        found.shapes.tensor(&name, Some(&shape), name_place);
        let kind = self.u32()?;
        let offset = self.u64()?;
        let layout = tensor_type(kind);
        let bytes = match (elements, layout) {
            (Some(e), Some(t)) => e.div_ceil(t.block).checked_mul(t.bytes),
            (Some(_), None) => Some(0),
            (None, _) => None,
        };
        let Some(end) = bytes.and_then(|b| offset.checked_add(b)) else {
            return refuse("gguf-tensor-size", "a tensor's size does not fit into 64 bits");
        };
        found.end = found.end.max(Some(end));
        match layout {
            Some(t) => {
                let sum = found.elements.entry(t.name).or_insert(0_u64);
                *sum = sum.saturating_add(elements.unwrap_or(0));
            }
            None if !found.unknown => {
                found.unknown = true;
                sink.note("gguf-tensor-type", format!("tensor type {kind} is not known: sizes are not checked"), None);
            }
            None => {}
        }
        Ok(())
    }

    /// A count or length: 32 bits in version 1, else 64.
    fn length(&mut self) -> Result<u64, Fault> {
        if self.wide { self.u64() } else { Ok(u64::from(self.u32()?)) }
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.cursor.take(1)?.first().copied().unwrap_or(0))
    }

    fn u16(&mut self) -> Result<u16, Fault> {
        let big = self.big_endian;
        let raw: [u8; 2] = self.cursor.take(2)?.try_into().unwrap_or_default();
        Ok(if big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        let big = self.big_endian;
        let raw: [u8; 4] = self.cursor.take(4)?.try_into().unwrap_or_default();
        Ok(if big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        let big = self.big_endian;
        let raw: [u8; 8] = self.cursor.take(8)?.try_into().unwrap_or_default();
        Ok(if big { u64::from_be_bytes(raw) } else { u64::from_le_bytes(raw) })
    }
}

/// True for a word that looks like a special token: `<s>`, `[INST]`.
fn is_marked(raw: &[u8]) -> bool {
    let short = u64::try_from(raw.len()).is_ok_and(|n| (3..=MARKED_BYTES_MAX).contains(&n));
    short && matches!(raw, [b'<', .., b'>'] | [b'[', .., b']'])
}

/// What the tensor descriptions say together.
#[derive(Default)]
struct Tensors {
    /// Furthest end of a tensor, from the start of the data.
    end: Option<u64>,
    /// Elements by type.
    elements: BTreeMap<&'static str, u64>,
    /// Where the first LoRA matrix is named.
    lora: Option<(u64, u64)>,
    unknown: bool,
    /// Where [`ROPE_TENSOR`] is named.
    rope: Option<(u64, u64)>,
    shapes: Shapes,
}

impl Tensors {
    fn facts(&self, header: &facts::Header, sink: &mut Sink<'_>) {
        if !header.quantization_known {
            let most = self.elements.iter().max_by_key(|(_, n)| **n).map(|(name, _)| *name);
            if let Some(name) = most.filter(|n| !is_float(n)) {
                sink.fact(FactKind::Quantization, name, "tensors", None);
            }
        }
        if self.rope.is_some() {
            sink.fact_wide(FactKind::RopeScaling, ROPE_TENSOR, "tensors", self.rope);
        }
        if !header.is_sized() && self.lora.is_none() {
            self.shapes.facts(sink);
        }
        if let Some(place) = self.lora.filter(|_| !header.adapter_known) {
            sink.fact_wide(FactKind::AdapterType, "lora", "tensors", Some(place));
        }
    }
}

/// Reads a file that begins with one of ggml's magics from before GGUF: it has no metadata at all.
pub(crate) fn read_legacy(magic: &'static str, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, magic, "", Some((0, 4)));
    sink.out.model_file = true;
    let message = format!("{magic} files carry no metadata: neither a license nor a base can stand in this one");
    sink.warn("ggml-no-metadata", message, Some((0, 4)));
    sink.help("find the page that it was downloaded from, or convert it to GGUF with its license");
}

/// The legacy format that four bytes announce.
pub(crate) fn legacy_magic(head: &[u8]) -> Option<&'static str> {
    match head.get(..4)? {
        b"lmgg" => Some("ggml"),
        b"fmgg" => Some("ggmf"),
        b"tjgg" => Some("ggjt"),
        _ => None,
    }
}

/// `split.no` and `split.count`, kept for the caller that collects shards.
fn shard_from(no: Option<u64>, count: Option<u64>) -> Option<Shard> {
    let (no, count) = (u32::try_from(no?).ok()?, u32::try_from(count?).ok()?);
    (count > 1).then_some(Shard { no, count })
}
