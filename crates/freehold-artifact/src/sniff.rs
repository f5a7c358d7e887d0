//! What a file is, by its first bytes; its name only says what to expect.

use freehold_base::FactKind;

use crate::config::{self, Config};
use crate::input::{Input, ReadAt};
use crate::sink::{Sink, TEXT_BYTES_MAX, same_length_text};
use crate::{FileFacts, card, gguf, legal, merge, pointer, safetensors};

/// Longest JSON config; tokenizers' reach a few MB.
const CONFIG_BYTES_MAX: usize = 16 << 20;
/// Longest shard index.
const INDEX_BYTES_MAX: usize = 16 << 20;

/// Reads one file: tells what it is, dispatches, reports. Never fails: what cannot be read is a diagnostic.
pub(crate) fn read_file(path: &str, source: &dyn ReadAt) -> FileFacts {
    let base = path.rsplit('/').next().unwrap_or(path);
    let mut input = match Input::open(source) {
        Ok(i) => i,
        Err(e) => {
            let mut sink = Sink::new(path);
            sink.error("unreadable", format!("reading failed: {}", e.kind()), None);
            return sink.out;
        }
    };
    let mut sink = Sink::new(path);
    if input.size == 0 {
        if is_read_name(path) || format_by_name(base).is_some() {
            sink.warn("empty-file", "the file is empty: it states nothing", None);
        }
        return sink.out;
    }
    if !binary(path, base, &mut input, &mut sink) {
        // the text must outlive the sink that counts its lines
        let (bytes, whole) = text_bytes(path, base, &mut input, &mut sink);
        let diagnostics = sink.out.diagnostics;
        let mut sink = Sink::new(path);
        sink.out.diagnostics = diagnostics;
        if let Some(bytes) = &bytes {
            sink.text(bytes);
            text(path, base, bytes, whole, input.size, &mut sink);
        }
        sink.out.bytes_read = input.bytes_read;
        return sink.out;
    }
    sink.out.bytes_read = input.bytes_read;
    sink.out
}

/// Formats told by their first bytes; false where it is none of them.
fn binary(path: &str, base: &str, input: &mut Input<'_>, sink: &mut Sink<'_>) -> bool {
    let head = input.head.clone();
    if head.starts_with(b"GGUF") {
        gguf::read(input, sink);
        contradiction(base, "gguf", sink);
    } else if let Some(magic) = gguf::legacy_magic(&head) {
        gguf::read_legacy(magic, sink);
    } else if pointer::is_lfs(&head) {
        pointer::read_lfs(path, &head, input.size, sink);
    } else if let Some(n) = safetensors::header_length(&head, input.size) {
        safetensors::read(input, n, sink);
        contradiction(base, "safetensors", sink);
    } else if legal::kind(path).is_some() {
        return false;
    } else if let Some(format) = other_format(base, &head) {
        sink.fact(FactKind::Format, format, "", Some((0, head.len().min(4))));
        if format == "pytorch" {
            sink.out.model_file = is_weights_name(base);
            pickle_note(sink);
        }
    } else {
        match format_by_name(base) {
            Some("safetensors") => safetensors::read_broken(&head, input.size, sink),
            Some("gguf") => {
                sink.error("gguf-magic", "named like a GGUF file, but does not begin with its magic", Some((0, 4)));
            }
            _ => return false,
        }
    }
    true
}

/// A name that promises another format than the bytes have.
fn contradiction(base: &str, format: &str, sink: &mut Sink<'_>) {
    if let Some(named) = format_by_name(base).filter(|n| *n != format && *n != "pytorch") {
        let message = format!("named like {named}, but its bytes are {format}: it is read as {format}");
        sink.warn("format-contradiction", message, Some((0, 8)));
    }
}

/// Says that loading the file may run code.
pub(crate) fn pickle_note(sink: &mut Sink<'_>) {
    sink.note("pickle-code", "a pickle: loading it can run code, and it is not opened here", None);
}

/// Containers that are named and not looked into.
fn other_format(base: &str, head: &[u8]) -> Option<&'static str> {
    let ending = base.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    let ending = ending.as_deref().unwrap_or_default();
    let torch = matches!(ending, "bin" | "pt" | "pth" | "ckpt" | "pkl" | "pickle" | "mar");
    let torch_zip = head.starts_with(b"PK\x03\x04") && head.windows(9).take(256).any(|w| w == b"/data.pkl");
    if torch_zip || (torch && head.starts_with(b"PK\x03\x04")) || (head.starts_with(b"\x80") && pickle_protocol(head)) {
        return Some("pytorch");
    }
    if head.get(4..8) == Some(b"TFL3") {
        return Some("tflite");
    }
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Some("hdf5");
    }
    match ending {
        "keras" if head.starts_with(b"PK\x03\x04") => Some("keras"),
        "onnx" if head.first() == Some(&0x08) => Some("onnx"),
        _ => None,
    }
}

fn pickle_protocol(head: &[u8]) -> bool {
    head.get(1).is_some_and(|p| (2..=5).contains(p))
}

/// The format that a name promises.
pub(crate) fn format_by_name(base: &str) -> Option<&'static str> {
    let (_, ending) = base.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "gguf" => "gguf",
        "safetensors" => "safetensors",
        "bin" | "pt" | "pth" | "ckpt" | "pkl" => "pytorch",
        "onnx" => "onnx",
        "tflite" => "tflite",
        "keras" => "keras",
        "h5" => "hdf5",
        "mlmodel" => "coreml",
        _ => return None,
    })
}

/// True for weights, false for what a training run leaves beside them in the same container.
pub(crate) fn is_weights_name(base: &str) -> bool {
    let state = ["training_args", "optimizer", "scheduler", "rng_state", "scaler", "trainer_state"];
    format_by_name(base).is_some() && !base.ends_with(".pkl") && !state.iter().any(|s| base.starts_with(s))
}

/// A card's name: `README.md`, `README_HF.md`, `model_card.md`.
fn is_card_name(base: &str) -> bool {
    let lower = base.to_ascii_lowercase();
    lower.ends_with(".md") && ["readme", "modelcard", "model_card", "model-card"].iter().any(|p| lower.starts_with(p))
}

fn is_recipe_name(base: &str) -> bool {
    let lower = base.to_ascii_lowercase();
    lower.contains("mergekit") && (lower.ends_with(".yml") || lower.ends_with(".yaml"))
}

/// True for names whose content is read as text.
pub(crate) fn is_read_name(path: &str) -> bool {
    let base = path.rsplit('/').next().unwrap_or(path);
    Config::named(base).is_some()
        || is_card_name(base)
        || is_recipe_name(base)
        || base.ends_with(".index.json")
        || legal::kind(path).is_some()
        || pointer::is_download_metadata(path)
}

/// The bytes of a text that is read, up to its kind's limit, and whether that is all of it.
fn text_bytes(path: &str, base: &str, input: &mut Input<'_>, sink: &mut Sink<'_>) -> (Option<Vec<u8>>, bool) {
    if !is_read_name(path) {
        return (None, true);
    }
    let limit = if Config::named(base).is_some() {
        CONFIG_BYTES_MAX
    } else if base.ends_with(".index.json") {
        INDEX_BYTES_MAX
    } else if is_card_name(base) {
        card::CARD_BYTES_MAX
    } else if is_recipe_name(base) {
        merge::RECIPE_BYTES_MAX
    } else {
        TEXT_BYTES_MAX + 1
    };
    let whole = usize::try_from(input.size).is_ok_and(|s| s <= limit);
    match input.start(limit) {
        Ok(bytes) => (Some(bytes), whole),
        Err(e) => {
            sink.error("unreadable", format!("reading failed: {}", e.kind()), None);
            (None, false)
        }
    }
}

fn text(path: &str, base: &str, bytes: &[u8], whole: bool, size: u64, sink: &mut Sink<'_>) {
    if let Some(kind) = legal::kind(path) {
        return legal::read(kind, bytes, size, sink);
    }
    if pointer::is_download_metadata(path) {
        return pointer::read_download_metadata(bytes, sink);
    }
    if !whole {
        sink.warn("file-too-long", format!("{size} bytes: only the first {} are read", bytes.len()), None);
    }
    if let Some(config) = Config::named(base) {
        config::read(config, bytes, sink);
    } else if base.ends_with(".index.json") {
        safetensors::read_index(bytes, sink);
    } else {
        let (text, replaced) = same_length_text(bytes);
        if replaced {
            sink.warn("text-encoding", "not UTF-8: bytes that are not, and NUL, are read as `?`", None);
        }
        if is_recipe_name(base) {
            merge::read(&text, 0, sink);
            sink.out.model_file = sink.out.facts.iter().any(|f| f.kind == FactKind::MergeParent);
        } else {
            card::read(&text, sink);
        }
    }
}
