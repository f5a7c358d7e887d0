//! TensorFlow Lite: the metadata buffer of the flat buffer, reached by its offsets; weights are not passed.

use freehold_base::FactKind;

use crate::input::Input;
use crate::sink::Sink;

/// Most entries of `Model.metadata` that are looked at.
const ENTRIES_MAX: u64 = 256;
/// Bytes of a text that are kept.
const TEXT_BYTES_MAX: u64 = 4096;

/// Where `Model` has its metadata and buffers, `ModelMetadata` its texts.
const MODEL_DESCRIPTION: u64 = 3;
const MODEL_BUFFERS: u64 = 4;
const MODEL_METADATA: u64 = 6;

/// Reads a file with `TFL3` at byte 4.
pub(crate) fn read(input: &mut Input<'_>, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, "tflite", "", Some((4, 8)));
    sink.out.model_file = true;
    let end = input.size;
    let mut flat = Flat { input, base: 0, end };
    if model(&mut flat, sink).is_none() {
        sink.warn("tflite-broken", "an offset leads out of the file: what it says of itself is not read", None);
    }
}

/// A flat buffer at `base` in the file; every offset is checked against its end.
struct Flat<'f, 'a> {
    input: &'f mut Input<'a>,
    base: u64,
    end: u64,
}

impl Flat<'_, '_> {
    fn take(&mut self, at: u64, n: usize) -> Option<Vec<u8>> {
        let last = at.checked_add(u64::try_from(n).ok()?)?;
        if at < self.base || last > self.end {
            return None;
        }
        let bytes = match usize::try_from(at).ok().and_then(|a| self.input.head.get(a..a.checked_add(n)?)) {
            Some(b) => b.to_vec(),
            None => self.input.read(at, n).ok()?,
        };
        (bytes.len() == n).then_some(bytes)
    }

    fn u16(&mut self, at: u64) -> Option<u64> {
        Some(u64::from(u16::from_le_bytes(self.take(at, 2)?.try_into().ok()?)))
    }

    fn u32(&mut self, at: u64) -> Option<u64> {
        Some(u64::from(u32::from_le_bytes(self.take(at, 4)?.try_into().ok()?)))
    }

    fn u64(&mut self, at: u64) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(at, 8)?.try_into().ok()?))
    }

    /// The place that an offset at `at` leads to.
    fn follow(&mut self, at: u64) -> Option<u64> {
        at.checked_add(self.u32(at)?)
    }

    fn root(&mut self) -> Option<u64> {
        self.follow(self.base)
    }

    /// Where field `index` of the table stands: `None` for a broken table, `Some(None)` where it is not set.
    fn field(&mut self, table: u64, index: u64) -> Option<Option<u64>> {
        let back = i32::from_le_bytes(self.take(table, 4)?.try_into().ok()?);
        let vtable = table.checked_add_signed(-i64::from(back))?;
        let length = self.u16(vtable)?;
        let slot = 4 + 2 * index;
        if slot + 2 > length {
            return Some(None);
        }
        let offset = self.u16(vtable.checked_add(slot)?)?;
        Some(if offset == 0 { None } else { Some(table.checked_add(offset)?) })
    }

    /// A string's text and place.
    fn string(&mut self, table: u64, index: u64) -> Option<Option<(String, (u64, u64))>> {
        let Some(at) = self.field(table, index)? else { return Some(None) };
        let start = self.follow(at)?;
        let length = self.u32(start)?;
        let from = start.checked_add(4)?;
        if from.checked_add(length)? > self.end {
            return None;
        }
        let raw = self.take(from, usize::try_from(length.min(TEXT_BYTES_MAX)).ok()?)?;
        Some(Some((String::from_utf8_lossy(&raw).into_owned(), (from, from + length))))
    }

    /// A vector's first element and length.
    fn vector(&mut self, table: u64, index: u64) -> Option<Option<(u64, u64)>> {
        let Some(at) = self.field(table, index)? else { return Some(None) };
        let start = self.follow(at)?;
        let length = self.u32(start)?;
        Some(Some((start.checked_add(4)?, length)))
    }
}

fn model(flat: &mut Flat<'_, '_>, sink: &mut Sink<'_>) -> Option<()> {
    let root = flat.root()?;
    if let Some((text, place)) = flat.string(root, MODEL_DESCRIPTION)? {
        // the converter writes `MLIR Converted.` here
        if !text.contains("onverted") {
            sink.fact_wide(FactKind::Name, &text, "description", Some(place));
        }
    }
    let Some((first, n)) = flat.vector(root, MODEL_METADATA)? else { return Some(()) };
    for i in 0..n.min(ENTRIES_MAX) {
        let entry = flat.follow(first.checked_add(4 * i)?)?;
        let Some((name, _)) = flat.string(entry, 0)? else { continue };
        let buffer = match flat.field(entry, 1)? {
            Some(at) => flat.u32(at)?,
            None => 0,
        };
        if name == "TFLITE_METADATA" {
            let (start, length) = buffer_at(flat, root, buffer)?;
            let end = start.checked_add(length).filter(|e| *e <= flat.end)?;
            let mut inner = Flat { input: &mut *flat.input, base: start, end };
            metadata(&mut inner, sink)?;
        }
    }
    Some(())
}

/// Where the bytes of a buffer stand: in the table, or behind it in files of more than 2 GiB.
fn buffer_at(flat: &mut Flat<'_, '_>, root: u64, index: u64) -> Option<(u64, u64)> {
    let (first, n) = flat.vector(root, MODEL_BUFFERS)??;
    if index >= n {
        return None;
    }
    let table = flat.follow(first.checked_add(4 * index)?)?;
    if let Some(found) = flat.vector(table, 0)? {
        return Some(found);
    }
    let offset = flat.field(table, 1)??;
    let size = flat.field(table, 2)??;
    Some((flat.u64(offset)?, flat.u64(size)?))
}

fn metadata(flat: &mut Flat<'_, '_>, sink: &mut Sink<'_>) -> Option<()> {
    let root = flat.root()?;
    for (index, kind, key) in [
        (0, FactKind::Name, "metadata.name"),
        (2, FactKind::Version, "metadata.version"),
        (4, FactKind::Organization, "metadata.author"),
        (5, FactKind::LicenseTag, "metadata.license"),
    ] {
        if let Some((text, place)) = flat.string(root, index)? {
            sink.fact_wide(kind, &text, key, Some(place));
        }
    }
    Some(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn n32(n: usize) -> [u8; 4] {
        u32::try_from(n).unwrap().to_le_bytes()
    }

    /// A table of offsets to what `parts` writes; a slot without a part is not set.
    fn table(out: &mut Vec<u8>, slots: &[bool]) -> Vec<usize> {
        let vtable = out.len();
        let set = slots.iter().filter(|s| **s).count();
        out.extend(u16::try_from(4 + 2 * slots.len()).unwrap().to_le_bytes());
        out.extend(u16::try_from(4 + 4 * set).unwrap().to_le_bytes());
        let mut next = 4_u16;
        for slot in slots {
            out.extend(if *slot { next } else { 0 }.to_le_bytes());
            next += if *slot { 4 } else { 0 };
        }
        let here = out.len();
        out.extend(i32::try_from(here - vtable).unwrap().to_le_bytes());
        let fields = (0..set).map(|i| here + 4 + 4 * i).collect();
        out.resize(here + 4 + 4 * set, 0);
        fields
    }

    fn point(out: &mut [u8], field: usize, to: usize) {
        out[field..field + 4].copy_from_slice(&n32(to - field));
    }

    fn bytes(out: &mut Vec<u8>, field: usize, body: &[u8]) {
        let at = out.len();
        point(out, field, at);
        out.extend(n32(body.len()));
        out.extend(body);
    }

    /// Where the table whose vtable begins at `vtable` with `slots` slots stands.
    fn start_of(vtable: usize, slots: usize) -> usize {
        vtable + 4 + 2 * slots
    }

    /// A model with metadata.
    pub(crate) fn model_file() -> Vec<u8> {
        let mut inner = [n32(0), *b"M001"].concat();
        let at = inner.len();
        let fields = table(&mut inner, &[true, false, true, false, true, true]);
        point(&mut inner, 0, start_of(at, 6));
        for (field, text) in fields.iter().zip(["Cats", "v2", "Acme", "Apache License. Version 2.0"]) {
            bytes(&mut inner, *field, text.as_bytes());
        }
        let mut out = [n32(0), *b"TFL3"].concat();
        let at = out.len();
        let fields = table(&mut out, &[false, false, false, false, true, false, true]);
        point(&mut out, 0, start_of(at, 7));
        // buffers: one empty, one with the metadata
        let vector = out.len();
        point(&mut out, fields[0], vector);
        out.extend([n32(2), n32(0), n32(0)].concat());
        let at = out.len();
        table(&mut out, &[]);
        point(&mut out, vector + 4, start_of(at, 0));
        let at = out.len();
        let data = table(&mut out, &[true]);
        point(&mut out, vector + 8, start_of(at, 1));
        bytes(&mut out, data[0], &inner);
        // metadata: its name, and which buffer
        let vector = out.len();
        point(&mut out, fields[1], vector);
        out.extend([n32(1), n32(0)].concat());
        let at = out.len();
        let entry = table(&mut out, &[true, true]);
        point(&mut out, vector + 4, start_of(at, 2));
        out[entry[1]..entry[1] + 4].copy_from_slice(&n32(1));
        bytes(&mut out, entry[0], b"TFLITE_METADATA");
        out
    }

    #[test]
    fn metadata_is_reached_and_broken_offsets_are_not_followed() {
        let file = model_file();
        let source = file.as_slice();
        let mut sink = Sink::new("m.tflite");
        read(&mut Input::open(&source).unwrap(), &mut sink);
        assert!(sink.out.diagnostics.is_empty());
        let said: Vec<_> = sink.out.facts.iter().map(|f| (f.kind, f.value.as_str())).collect();
        assert_eq!(
            said,
            [
                (FactKind::Format, "tflite"),
                (FactKind::Name, "Cats"),
                (FactKind::Version, "v2"),
                (FactKind::Organization, "Acme"),
                (FactKind::LicenseTag, "Apache License. Version 2.0")
            ]
        );
        let (s, e) = sink.out.facts[1].evidence.bytes.unwrap();
        assert_eq!(&file[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], b"Cats");
        let mut bad = file.clone();
        for i in (0..file.len()).filter(|i| !(4..8).contains(i)) {
            for b in [0x7f, 0x80, 0xff] {
                bad[i] = b;
                let source = bad.as_slice();
                read(&mut Input::open(&source).unwrap(), &mut Sink::new("m.tflite"));
            }
            bad[i] = file[i];
        }
        for n in 0..file.len() {
            let source = &file[..n];
            read(&mut Input::open(&source).unwrap(), &mut Sink::new("m.tflite"));
        }
    }
}
