//! Core ML: the metadata of a `.mlmodel`, and the manifest of a `.mlpackage`.

use freehold_base::FactKind;

use crate::input::{Cursor, Input};
use crate::json::{self, Go, Value};
use crate::labels;
use crate::proto::{self, Fault, Wire};
use crate::sink::Sink;

/// Most bytes that are fetched of a model.
const FETCH_BYTES_MAX: u64 = 4 << 20;
/// Bytes fetched at once.
const STEP_BYTES: usize = 4096;
/// Bytes of a text that are kept.
const TEXT_BYTES_MAX: usize = 4096;
/// Most entries of the user's own that are read.
const ENTRIES_MAX: usize = 256;
/// Longest manifest that is read.
const MANIFEST_BYTES_MAX: usize = 1 << 20;

/// Reads a `.mlmodel`.
pub(crate) fn read(input: &mut Input<'_>, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, "coreml", "", Some((0, input.head.len().min(2))));
    sink.out.model_file = true;
    let size = input.size;
    let mut cursor = Cursor::stepping(input, FETCH_BYTES_MAX, STEP_BYTES);
    if let Err(fault) = model(&mut cursor, size, sink) {
        let at = usize::try_from(cursor.at).ok().map(|a| (a, a));
        sink.error("coreml-broken", format!("a broken Core ML model: {}; what follows is not read", fault.words()), at);
    }
}

fn model(cursor: &mut Cursor<'_, '_>, size: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
    while let Some((number, wire)) = proto::field(cursor, size)? {
        if let Wire::Bytes { at, end } = wire {
            if number == 2 {
                description(cursor, at, end, sink)?;
            }
            cursor.seek(end)?;
        }
    }
    Ok(())
}

fn description(cursor: &mut Cursor<'_, '_>, at: u64, end: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
    cursor.seek(at)?;
    while let Some((number, wire)) = proto::field(cursor, end)? {
        if let Wire::Bytes { at, end } = wire {
            if number == 100 {
                metadata(cursor, at, end, sink)?;
            }
            cursor.seek(end)?;
        }
    }
    Ok(())
}

fn metadata(cursor: &mut Cursor<'_, '_>, at: u64, end: u64, sink: &mut Sink<'_>) -> Result<(), Fault> {
    cursor.seek(at)?;
    let mut entries = 0;
    while let Some((number, wire)) = proto::field(cursor, end)? {
        let Wire::Bytes { at, end } = wire else { continue };
        let key = match number {
            1 => "shortDescription",
            2 => "versionString",
            3 => "author",
            4 => "license",
            100 if entries < ENTRIES_MAX => {
                entries += 1;
                let (key, value, place) = proto::entry(cursor, at, end, TEXT_BYTES_MAX)?;
                labels::keep(&key, &value, &format!("metadata.userDefined.{key}"), place, sink);
                continue;
            }
            _ => {
                cursor.seek(end)?;
                continue;
            }
        };
        let text = proto::text(cursor, at, end, TEXT_BYTES_MAX)?;
        let kind = match number {
            2 => FactKind::Version,
            3 => FactKind::Organization,
            4 => FactKind::LicenseTag,
            // one line that says what it is; a longer text names nothing
            _ if text.len() <= 80 && !text.contains('\n') => FactKind::Name,
            _ => continue,
        };
        sink.fact_wide(kind, &text, &format!("metadata.{key}"), Some((at, end)));
    }
    Ok(())
}

/// True for the manifest of a package.
pub(crate) fn is_manifest(base: &str, head: &[u8]) -> bool {
    let has = |word: &[u8]| head.windows(word.len()).any(|w| w == word);
    base == "Manifest.json" && has(b"\"itemInfoEntries\"")
}

/// Reads the manifest of a package: where the model lies.
pub(crate) fn read_manifest(input: &mut Input<'_>, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, "coreml", "", None);
    sink.out.model_file = true;
    let bytes = match input.start(MANIFEST_BYTES_MAX) {
        Ok(b) => b,
        Err(e) => return sink.error("unreadable", format!("reading failed: {}", e.kind()), None),
    };
    let mut outside = 0;
    let outcome = json::walk(&bytes, &mut |path, value, place| {
        if let (3, "itemInfoEntries", "path", Value::Str(raw)) = (path.depth(), path.step(0), path.last(), value) {
            let text = json::decode(raw);
            if !labels::stays_inside(&text) && outside < 4 {
                outside += 1;
                let message = format!("the package names `{text}`, outside its folder: it is not opened");
                sink.error("coreml-path", message, Some(place));
            }
        }
        Go::On
    });
    if let Err(e) = outcome {
        sink.error(e.code, format!("broken JSON: {}", e.message), Some((e.at, e.at)));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::proto::tests::{bytes, varint};

    /// A model with metadata before its weights.
    pub(crate) fn model_file() -> Vec<u8> {
        let own = [bytes(1, "com.github.apple.coremltools.source"), bytes(2, "torch==2.1")].concat();
        let base = [bytes(1, "base_model"), bytes(2, "acme/base")].concat();
        let metadata = [
            bytes(1, "Finds cats"),
            bytes(2, "1.2"),
            bytes(3, "Acme"),
            bytes(4, "CC-BY-NC 4.0"),
            bytes(100, own),
            bytes(100, base),
        ];
        [varint(1, 5), bytes(2, [bytes(1, "in"), bytes(100, metadata.concat())].concat()), bytes(500, [0; 64])].concat()
    }

    #[test]
    fn metadata_is_read() {
        let file = model_file();
        let source = file.as_slice();
        let mut sink = Sink::new("m.mlmodel");
        read(&mut Input::open(&source).unwrap(), &mut sink);
        assert!(sink.out.diagnostics.is_empty());
        let said: Vec<_> = sink.out.facts.iter().map(|f| (f.kind, f.value.as_str())).collect();
        assert_eq!(
            said,
            [
                (FactKind::Format, "coreml"),
                (FactKind::Name, "Finds cats"),
                (FactKind::Version, "1.2"),
                (FactKind::Organization, "Acme"),
                (FactKind::LicenseTag, "CC-BY-NC 4.0"),
                (FactKind::BaseModel, "acme/base")
            ]
        );
        for n in 0..file.len() {
            let source = &file[..n];
            read(&mut Input::open(&source).unwrap(), &mut Sink::new("m.mlmodel"));
        }
    }

    #[test]
    fn manifests_stay_in_their_package() {
        for (path, codes) in [("com.apple.CoreML/model.mlmodel", 0), ("../../x", 1), ("/etc/passwd", 1)] {
            let text = format!(r#"{{"itemInfoEntries":{{"A":{{"path":"{path}"}}}},"rootModelIdentifier":"A"}}"#);
            let source = text.as_bytes();
            assert!(is_manifest("Manifest.json", source));
            let mut sink = Sink::new("Manifest.json");
            read_manifest(&mut Input::open(&source).unwrap(), &mut sink);
            assert_eq!(sink.out.diagnostics.len(), codes, "{path}");
        }
    }
}
