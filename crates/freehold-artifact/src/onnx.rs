//! ONNX: who wrote the model, what it says of itself, and whether its weights lie where they may.
//!
//! The graph stands before the metadata and may hold gigabytes, so the top level is read first, jumping over it. A
//! second walk goes into the graph for the one thing that matters there: tensors whose bytes lie in other files, which
//! a program would open by the path that the file names.

use freehold_base::FactKind;

use crate::input::{Cursor, Input};
use crate::labels;
use crate::proto::{self, Fault, Wire};
use crate::sink::Sink;

/// Most bytes that are fetched of the top level.
const TOP_FETCH_BYTES_MAX: u64 = 4 << 20;
/// Most bytes that are fetched of the graph.
const GRAPH_FETCH_BYTES_MAX: u64 = 32 << 20;
/// Most fields of the graph that are looked at.
const FIELDS_MAX: u64 = 2_000_000;
/// Deepest nesting of messages in the graph; real ones have twelve levels.
const DEPTH_MAX: usize = 64;
/// Bytes of a text that are kept.
const TEXT_BYTES_MAX: usize = 4096;
/// Most metadata entries that are read.
const ENTRIES_MAX: usize = 512;
/// Bytes fetched at once of the top level.
const STEP_BYTES: usize = 4096;
/// Bytes fetched at once of the graph: most of it is weights that are jumped over.
const GRAPH_STEP_BYTES: usize = 1024;
/// Paths outside the folder that are told one by one.
const PATHS_TOLD_MAX: u32 = 4;

/// True where the first bytes are those of an ONNX model: a version, then the name of a program, then another field.
pub(crate) fn looks_like_one(head: &[u8]) -> bool {
    let [8, version, 0x12, length, rest @ ..] = head else { return false };
    let n = usize::from(*length);
    let name = rest.get(..n).unwrap_or_default();
    let next = rest.get(n).copied().unwrap_or(0);
    (3..=20).contains(version)
        && (2..64).contains(&n)
        && name.len() == n
        && name.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
        && matches!(next, 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42)
}

/// Messages of the format, by number of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Training,
    Graph,
    Node,
    Attribute,
    Sparse,
    Tensor,
    Function,
}

impl Message {
    /// The message in a field; `None` for fields that are jumped over.
    fn inner(self, field: u64) -> Option<Message> {
        Some(match (self, field) {
            (Message::Training, 1 | 2) => Message::Graph,
            (Message::Graph, 1) => Message::Node,
            (Message::Graph, 5) => Message::Tensor,
            (Message::Graph, 15) => Message::Sparse,
            (Message::Node, 5) => Message::Attribute,
            (Message::Attribute, 5 | 10) => Message::Tensor,
            (Message::Attribute, 6 | 11) => Message::Graph,
            (Message::Attribute, 22 | 23) => Message::Sparse,
            (Message::Sparse, 1 | 2) => Message::Tensor,
            (Message::Function, 7) => Message::Node,
            (Message::Function, 11) => Message::Attribute,
            _ => return None,
        })
    }
}

/// Reads a model.
pub(crate) fn read(input: &mut Input<'_>, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, "onnx", "", Some((0, input.head.len().min(4))));
    sink.out.model_file = true;
    let head = input.head.clone();
    let size = input.size;
    let mut parts = Vec::new();
    let mut cursor = Cursor::stepping(input, TOP_FETCH_BYTES_MAX, STEP_BYTES);
    if let Err(fault) = top(&mut cursor, size, &mut parts, sink) {
        let at = usize::try_from(cursor.at).ok().map(|a| (a, a));
        sink.error("onnx-broken", format!("a broken ONNX file: {}; what follows is not read", fault.words()), at);
    }
    if !parts.iter().any(|(m, _, _)| *m == Message::Graph) {
        sink.warn("onnx-graph", "an ONNX file without a graph: it is no model", None);
    }
    input.head = head;
    let mut cursor = Cursor::stepping(input, GRAPH_FETCH_BYTES_MAX, GRAPH_STEP_BYTES);
    let mut paths = Paths { fields: FIELDS_MAX, outside: 0 };
    for (message, at, end) in parts {
        if let Err(fault) = paths.walk(&mut cursor, message, at, end, sink) {
            let place = usize::try_from(cursor.at).ok().map(|a| (a, a));
            let message =
                format!("the graph is not read to its end: {}; it may name files that are not seen", fault.words());
            sink.warn("onnx-graph", message, place);
            break;
        }
    }
    if paths.outside > PATHS_TOLD_MAX {
        let more = paths.outside - PATHS_TOLD_MAX;
        sink.error("onnx-external-path", format!("{more} more paths outside the model's folder"), None);
    }
}

fn top(
    cursor: &mut Cursor<'_, '_>,
    size: u64,
    parts: &mut Vec<(Message, u64, u64)>,
    sink: &mut Sink<'_>,
) -> Result<(), Fault> {
    let mut entries = 0;
    while let Some((number, wire)) = proto::field(cursor, size)? {
        let Wire::Bytes { at, end } = wire else {
            if let (5, Wire::Varint(n @ 1..)) = (number, wire) {
                let place = (cursor.at.saturating_sub(1), cursor.at);
                sink.fact_wide(FactKind::Version, &n.to_string(), "model_version", Some(place));
            }
            continue;
        };
        let place = Some((at, end));
        match number {
            // the program that wrote it, and its version
            2 => {
                let text = proto::text(cursor, at, end, TEXT_BYTES_MAX)?;
                sink.fact_wide(FactKind::Tag, &text, "producer_name", place);
                if text.contains("quantize") {
                    sink.fact_wide(FactKind::Quantization, &text, "producer_name", place);
                }
            }
            3 => {
                let text = proto::text(cursor, at, end, TEXT_BYTES_MAX)?;
                sink.fact_wide(FactKind::Tag, &text, "producer_version", place);
            }
            4 => {
                let text = proto::text(cursor, at, end, TEXT_BYTES_MAX)?;
                // a name space, often the program's and not the maker's
                if !text.starts_with("ai.onnx") {
                    sink.fact_wide(FactKind::Tag, &text, "domain", place);
                }
            }
            6 => {
                let text = proto::text(cursor, at, end, TEXT_BYTES_MAX)?;
                doc_string(&text, at, sink);
            }
            7 => parts.push((Message::Graph, at, end)),
            20 => parts.push((Message::Training, at, end)),
            25 => parts.push((Message::Function, at, end)),
            14 if entries < ENTRIES_MAX => {
                entries += 1;
                let (key, value, place) = proto::entry(cursor, at, end, TEXT_BYTES_MAX)?;
                labels::keep(&key, &value, &format!("metadata_props.{key}"), place, sink);
            }
            _ => {}
        }
        cursor.seek(end)?;
        if parts.len() > 4096 {
            return Err(Fault::Broken("more than 4,096 graphs and functions".to_owned()));
        }
    }
    Ok(())
}

/// Lines of the description that name a license.
fn doc_string(text: &str, at: u64, sink: &mut Sink<'_>) {
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let start = from;
        from += line.len();
        let Some((key, value)) = line.split_once(':') else { continue };
        let said = value.trim();
        if labels::kind(key.trim_start_matches(['#', '*', ' '])) == Some(FactKind::LicenseTag) && said.len() <= 128 {
            let offset = start + (line.len() - value.len()) + value.find(said).unwrap_or(0);
            let begin = at.saturating_add(u64::try_from(offset).unwrap_or(0));
            let end = begin.saturating_add(u64::try_from(said.len()).unwrap_or(0));
            sink.fact_wide(FactKind::LicenseTag, said, "doc_string", Some((begin, end)));
        }
    }
}

struct Paths {
    /// Fields that may still be looked at.
    fields: u64,
    /// Paths that leave the folder.
    outside: u32,
}

impl Paths {
    fn walk(
        &mut self,
        cursor: &mut Cursor<'_, '_>,
        message: Message,
        at: u64,
        end: u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), Fault> {
        cursor.seek(at)?;
        let mut open = vec![(message, end)];
        while let Some((message, end)) = open.last().copied() {
            let Some((number, wire)) = proto::field(cursor, end)? else {
                open.pop();
                continue;
            };
            self.fields =
                self.fields.checked_sub(1).ok_or_else(|| Fault::Broken("it has too many fields".to_owned()))?;
            let Wire::Bytes { at, end } = wire else { continue };
            if message == Message::Tensor && number == 13 {
                let (key, value, place) = proto::entry(cursor, at, end, TEXT_BYTES_MAX)?;
                if key == "location" {
                    self.location(&value, place, sink);
                }
                continue;
            }
            match message.inner(number) {
                Some(inner) if open.len() < DEPTH_MAX => open.push((inner, end)),
                Some(_) => return Err(Fault::Broken("it is nested too deep".to_owned())),
                None => cursor.seek(end)?,
            }
        }
        Ok(())
    }

    fn location(&mut self, path: &str, place: (u64, u64), sink: &mut Sink<'_>) {
        // onnxruntime's own mark for tensors that it holds in memory
        if labels::stays_inside(path) || path == "*/_ORT_MEM_ADDR_/*" {
            return;
        }
        self.outside = self.outside.saturating_add(1);
        if self.outside <= PATHS_TOLD_MAX {
            let at = usize::try_from(place.0).ok().zip(usize::try_from(place.1).ok());
            let message = format!("weights are said to lie in `{path}`, outside the model's folder: it is not opened");
            sink.error("onnx-external-path", message, at);
            sink.help("do not load it: a program would read that file");
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::FileFacts;
    use crate::proto::tests::{bytes, varint};

    fn pair(key: &str, value: &str) -> Vec<u8> {
        [bytes(1, key), bytes(2, value)].concat()
    }

    /// A model whose one tensor lies at `location`, with metadata behind the graph.
    pub(crate) fn model(location: &str, metadata: &[(&str, &str)]) -> Vec<u8> {
        let tensor = [varint(1, 4), varint(2, 1), bytes(8, "w"), bytes(13, pair("location", location)), varint(14, 1)];
        let inner = [bytes(2, "main"), bytes(5, tensor.concat())].concat();
        // the same again inside a node's attribute
        let node = bytes(5, [bytes(1, "body"), bytes(6, &inner), varint(20, 5)].concat());
        let graph = [bytes(1, node), inner, vec![0x7d, 0, 0, 0, 0]].concat();
        let mut out = [varint(1, 8), bytes(2, "pytorch"), bytes(3, "2.1.0"), varint(5, 3), bytes(7, graph)].concat();
        for (key, value) in metadata {
            out.extend(bytes(14, pair(key, value)));
        }
        out
    }

    fn told(source: &[u8]) -> FileFacts {
        let mut sink = Sink::new("m.onnx");
        read(&mut Input::open(&source).unwrap(), &mut sink);
        sink.out
    }

    #[test]
    fn metadata_behind_the_graph_is_read() {
        let file = model(
            "weights.data",
            &[
                ("license", "AGPL-3.0 License (https://ultralytics.com/license)"),
                ("author", "Ultralytics"),
                ("names", "{}"),
            ],
        );
        assert!(looks_like_one(&file));
        let facts = told(&file);
        assert!(facts.diagnostics.is_empty() && facts.model_file, "{:?}", facts.diagnostics);
        let said: Vec<_> = facts.facts.iter().map(|f| (f.evidence.key.as_str(), f.value.as_str())).collect();
        assert_eq!(
            said,
            [
                ("", "onnx"),
                ("producer_name", "pytorch"),
                ("producer_version", "2.1.0"),
                ("model_version", "3"),
                ("metadata_props.license", "AGPL-3.0 License (https://ultralytics.com/license)"),
                ("metadata_props.author", "Ultralytics")
            ]
        );
        let (s, e) = facts.facts[5].evidence.bytes.unwrap();
        assert_eq!(&file[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], b"Ultralytics");
    }

    #[test]
    fn weights_outside_the_folder_are_an_error_wherever_they_are_named() {
        for path in ["../../etc/passwd", "/etc/passwd", "C:\\x", "file:///etc/passwd"] {
            let codes: Vec<_> = told(&model(path, &[])).diagnostics.iter().map(|d| d.code).collect();
            assert_eq!(codes, ["onnx-external-path", "onnx-external-path"], "{path}");
        }
        assert!(told(&model("sub/weights.bin", &[])).diagnostics.is_empty());
    }

    #[test]
    fn a_description_may_name_a_license() {
        let file = [varint(1, 8), bytes(6, "A model.\nLicense: Apache-2.0\n"), bytes(7, bytes(2, "g"))].concat();
        let facts = told(&file);
        let said: Vec<_> = facts.facts.iter().filter(|f| f.kind == FactKind::LicenseTag).collect();
        let (s, e) = said[0].evidence.bytes.unwrap();
        assert_eq!(&file[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], b"Apache-2.0");
    }

    #[test]
    fn broken_models_end() {
        let whole = model("w", &[("license", "mit")]);
        for n in 0..whole.len() {
            told(&whole[..n]);
        }
        let mut deep = bytes(2, "x");
        for _ in 0..200 {
            deep = bytes(1, bytes(5, bytes(6, deep)));
        }
        let facts = told(&[varint(1, 8), bytes(7, deep)].concat());
        assert_eq!(facts.diagnostics[0].code, "onnx-graph");
        assert_eq!(told(b"\x08\x08\x12\xff\xff\xff\xff\x0f").diagnostics[0].code, "onnx-broken");
    }
}
