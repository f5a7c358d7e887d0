//! ONNX and CoreML: protobuf with paths in it.

use std::io;
use std::path::Path;

use crate::bytes::{field, number, varint};
use crate::disk::{bait, card, put, sparse};
use crate::{Attack, Cases, Class, FORGED, SECRETS};

fn property(key: &str, value: &str) -> Vec<u8> {
    field(14, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
}

/// A model of one tensor whose data lies in another file.
fn external(location: &str) -> Vec<u8> {
    let entry = field(13, &[field(1, b"location"), field(2, location.as_bytes())].concat());
    let tensor = [number(1, 4), number(2, 1), field(8, b"w"), entry, number(14, 1)].concat();
    [number(1, 9), field(2, b"pytorch"), field(7, &[field(2, b"g"), field(5, &tensor)].concat())].concat()
}

fn sample() -> Vec<u8> {
    let graph = field(7, &[field(2, b"g"), field(1, &field(4, b"Relu"))].concat());
    [number(1, 9), field(2, b"pytorch"), field(3, b"2.5"), graph, property("license", "mit")].concat()
}

fn model(home: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    card(home)?;
    bait(home)?;
    put(home, "model.onnx", bytes)
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Onnx);
    c.ok("onnx-valid", "a small valid model", |d| model(d, sample()));
    c.ok("onnx-valid-external", "weights in a file beside it", |d| {
        put(d, "model.onnx.data", [0; 16])?;
        model(d, external("model.onnx.data"))
    });
    c.ok("onnx-valid-many-properties", "a thousand properties", |d| {
        let all: Vec<u8> = (0..1000).flat_map(|i| property(&format!("k{i}"), "v")).collect();
        model(d, [sample(), all].concat())
    });
    c.error("onnx-external-parent", "weights in the folder above (CVE-2022-25882)", |d| {
        model(d, external("../out/model.gguf"))
    });
    c.error("onnx-external-absolute", "weights at an absolute path (CVE-2022-25882)", |d| {
        model(d, external("/etc/passwd"))
    });
    c.error("onnx-external-dots", "dots behind a folder's name (CVE-2024-27318)", |d| {
        model(d, external("a/../../out/model.gguf"))
    });
    c.error("onnx-external-backslash", "weights by a path of Windows", |d| model(d, external(r"..\out\model.gguf")));
    c.error("onnx-external-escape", "an escape sequence in the path", |d| model(d, external("../\u{1b}[2J\u{202e}/x")));
    c.error("onnx-length-max", "a field of 2^64-1 bytes", |d| {
        model(d, [number(1, 9), varint(2 << 3 | 2), varint(u64::MAX)].concat())
    });
    c.error("onnx-length-beyond", "a graph longer than the file", |d| {
        model(d, [number(1, 9), varint(7 << 3 | 2), varint(1 << 40)].concat())
    });
    c.error("onnx-varint-endless", "a number that never ends", |d| model(d, [number(1, 9), vec![0xff; 100]].concat()));
    c.error("onnx-field-zero", "field number 0", |d| model(d, [number(1, 9), vec![0x02, 0x01, 0x00]].concat()));
    c.error("onnx-group", "groups, which nobody writes any more, 10,000 deep", |d| {
        model(d, [number(1, 9), vec![0x3b; 10_000]].concat())
    });
    c.error("onnx-cut", "a file that is cut inside the graph", |d| {
        let bytes = external("model.onnx.data");
        model(d, bytes.get(..bytes.len() - 9).unwrap_or_default())
    });
    c.ok("onnx-deep-graphs", "2,000 graphs, one in another's attribute", |d| {
        let mut graph = field(2, b"g");
        for _ in 0..200 {
            graph = field(1, &field(5, &field(6, &graph)));
        }
        model(d, [number(1, 9), field(7, &graph), property("license", "mit")].concat())
    });
    c.ok("onnx-many-fields", "a million fields of two bytes", |d| {
        model(d, [sample(), number(5, 1).repeat(1_000_000)].concat())
    });
    c.ok("onnx-graph-50gb", "a graph of 50 GB before the properties, in a sparse file", |d| {
        card(d)?;
        let head = [number(1, 9), varint(7 << 3 | 2), varint(50 << 30)].concat();
        let size = (50 << 30) + crate::bytes::wide(head.len());
        sparse(d, "model.onnx", &head, size)
    });
    c.ok("onnx-duplicate-license", "two licenses among the properties", |d| {
        model(d, [sample(), property("license", "cc-by-nc-4.0")].concat())
    });
    c.ok("onnx-escape", "escape sequences in the producer and the properties", |d| {
        let bytes = [
            sample(),
            property("license\u{1b}[2J", "mit\u{9b}31m\u{202e}"),
            field(6, "\u{1b}]0;owned\u{7}".as_bytes()),
        ];
        model(d, bytes.concat())
    });
    c.ok("onnx-newline", "a property with a line of its own", |d| {
        model(d, [sample(), property("author", &format!("x\n{FORGED}"))].concat())
    });
    c.ok("onnx-secret", "access tokens among the properties", |d| {
        model(d, [sample(), property("author", SECRETS[0]), property("source", SECRETS[2])].concat())
    });
    c.error("onnx-coreml-path", "a CoreML package whose manifest leads out", |d| {
        card(d)?;
        bait(d)?;
        let manifest = r#"{"fileFormatVersion":"1.0.0","itemInfoEntries":{"A":{"path":"../../../out/README.md"}},"rootModelIdentifier":"A"}"#;
        put(d, "bot.mlpackage/Manifest.json", manifest)
    });
    c.done()
}
