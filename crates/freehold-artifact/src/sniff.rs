//! What a file is, by its first bytes; its name only says what to expect.

use freehold_base::FactKind;

use crate::config::{self, Config};
use crate::input::{Input, ReadAt};
use crate::sink::{Sink, TEXT_BYTES_MAX, same_length_text};
use crate::{
    FileFacts, archive, card, coreml, gguf, keras, legal, merge, modelfile, onnx, openvino, pointer, safetensors,
    sidecar, tar, template, tflite, zip,
};

/// Longest JSON config; tokenizers' reach a few MB.
const CONFIG_BYTES_MAX: usize = 16 << 20;
/// A chat template in a file of its own.
const TEMPLATE_NAME: &str = "chat_template.jinja";
/// Longest shard index.
const INDEX_BYTES_MAX: usize = 16 << 20;

/// Reads one file: tells what it is, dispatches, reports. Never fails: what cannot be read is a diagnostic.
/// `beside` tells whether the file's folder holds a name.
pub(crate) fn read_file(path: &str, source: &dyn ReadAt, beside: &dyn Fn(&str) -> bool) -> FileFacts {
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
            text(path, base, &Text { bytes, whole, size: input.size, beside }, &mut sink);
        }
        sink.out.bytes_read = input.bytes_read;
        return sink.out;
    }
    sink.out.bytes_read = input.bytes_read;
    sink.out
}

/// Reads a license whatever it is called; see [`crate::read_license`].
pub(crate) fn read_license(file: &str, key: &str, source: &dyn ReadAt) -> FileFacts {
    let mut sink = Sink::new(file);
    match Input::open(source).and_then(|mut input| Ok((input.start(TEXT_BYTES_MAX + 1)?, input.bytes_read))) {
        Ok((bytes, read)) => {
            legal::statement(&bytes, source.size(), key, None, &mut sink);
            sink.out.bytes_read = read;
        }
        Err(e) => sink.error("unreadable", format!("reading failed: {}", e.kind()), None),
    }
    sink.out
}

/// A file that is read as text.
struct Text<'t> {
    /// Its beginning, up to its kind's limit.
    bytes: &'t [u8],
    /// True where that is all of it.
    whole: bool,
    /// Length of the file.
    size: u64,
    /// Tells whether the file's folder holds a name.
    beside: &'t dyn Fn(&str) -> bool,
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
    } else if container(base, &head, input, sink) || named_only(base, &head, sink) {
        return true;
    } else {
        match format_by_name(base) {
            Some("safetensors") => safetensors::read_broken(&head, input.size, sink),
            Some("gguf") => {
                sink.error("gguf-magic", "named like a GGUF file, but does not begin with its magic", Some((0, 4)));
            }
            Some("onnx") => onnx::read(input, sink),
            Some("coreml") => coreml::read(input, sink),
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

/// Says that loading the file may run code; for a pickle whose bytes are not here.
pub(crate) fn pickle_note(sink: &mut Sink<'_>) {
    sink.note("pickle-code", "a pickle: loading it can run code, and its content is not here to be looked at", None);
}

/// Containers that are looked into, told by their bytes; false where it is none of them.
fn container(base: &str, head: &[u8], input: &mut Input<'_>, sink: &mut Sink<'_>) -> bool {
    let lower = base.to_ascii_lowercase();
    let prefixed = head.starts_with(b"MZqFpD=") || head.starts_with(b"jartsr=") || lower.ends_with(".llamafile");
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return archive::read_zip(base, input, sink, 0);
    }
    // some loaders find an archive by its end, whatever stands before it
    let by_end = prefixed || format_by_name(base) == Some("pytorch");
    if by_end && zip::ends_like_one(input) {
        let zip = archive::read_zip(base, input, sink, 0);
        return archive::read_pickle(base, input, sink) || zip;
    }
    if head.get(4..8) == Some(b"TFL3") {
        tflite::read(input, sink);
    } else if keras::is_hdf5(head) {
        keras::read_hdf5(input, sink);
    } else if coreml::is_manifest(base, head) {
        coreml::read_manifest(input, sink);
    } else if onnx::looks_like_one(head) && format_by_name(base) != Some("coreml") {
        onnx::read(input, sink);
    } else if openvino::is_one(head) {
        openvino::read(base, input, sink);
    } else if tar::is_one(head) {
        return archive::read_tar(base, input, sink);
    } else {
        return archive::read_npy(input, sink) || archive::read_pickle(base, input, sink);
    }
    true
}

/// Formats that are told and whose inside stays closed.
fn named_only(base: &str, head: &[u8], sink: &mut Sink<'_>) -> bool {
    let format = if head.starts_with(b"ftrt") {
        "tensorrt"
    } else if head.get(4..8) == Some(b"ORTM") {
        "ort"
    } else if matches!(head.get(4..8), Some(b"ET12" | b"ET11")) {
        "executorch"
    } else if let Some(packer) = packer(base, head) {
        let message = format!("packed with {packer}: what it holds is not looked into");
        sink.warn("compressed-unread", message, Some((0, head.len().min(4))));
        sink.help("unpack it and check what comes out");
        sink.out.model_file = is_weights_name(base);
        return true;
    } else {
        return false;
    };
    sink.fact(FactKind::Format, format, "", Some((0, head.len().min(8))));
    sink.out.model_file = true;
    true
}

/// The program that packed a file whose name promises weights or a pickle.
pub(crate) fn packer(base: &str, head: &[u8]) -> Option<&'static str> {
    let lower = base.to_ascii_lowercase();
    let inner =
        [".gz", ".bz2", ".xz", ".zst", ".lz4", ".z"].iter().find_map(|e| lower.strip_suffix(e)).unwrap_or(&lower);
    format_by_name(inner).filter(|f| matches!(*f, "pytorch" | "pickle" | "nemo" | "numpy"))?;
    let pickle = [".pkl", ".pickle", ".joblib"].iter().any(|e| inner.ends_with(e));
    Some(match head {
        [0x1f, 0x8b, ..] => "gzip",
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => "7-zip",
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => "bzip2",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [0x04, 0x22, 0x4d, 0x18, ..] => "lz4",
        [b'R', b'a', b'r', b'!', ..] => "rar",
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] if pickle => "zlib",
        _ => return None,
    })
}

/// The format that a name promises.
pub(crate) fn format_by_name(base: &str) -> Option<&'static str> {
    let (_, ending) = base.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "gguf" => "gguf",
        "safetensors" => "safetensors",
        "bin" | "pt" | "pth" | "ckpt" | "pkl" | "mar" | "jit" | "ptl" => "pytorch",
        "pickle" | "joblib" => "pickle",
        "npz" | "npy" => "numpy",
        "nemo" => "nemo",
        "llamafile" => "llamafile",
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
    let format = format_by_name(base).filter(|f| !matches!(*f, "pickle" | "numpy"));
    format.is_some() && !base.ends_with(".pkl") && !state.iter().any(|s| base.starts_with(s))
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
        || base == TEMPLATE_NAME
        || legal::kind(path).is_some()
        || pointer::is_download_metadata(path)
        || modelfile::is_modelfile(base)
}

/// True for the name of a file that is read for what it says of the model it lies with: configs, cards, legal texts,
/// weights. What such a file says is in its [`FileFacts`]; it is no program that names other models.
pub fn is_own_file(path: &str) -> bool {
    is_read_name(path) || format_by_name(path.rsplit('/').next().unwrap_or(path)).is_some()
}

/// The bytes of a text that is read, up to its kind's limit, and whether that is all of it.
fn text_bytes(path: &str, base: &str, input: &mut Input<'_>, sink: &mut Sink<'_>) -> (Option<Vec<u8>>, bool) {
    let recipe = modelfile::is_modelfile(base) || modelfile::is_generated(&input.head);
    let sidecar = !recipe && !is_read_name(path);
    if sidecar && sidecar::kind(path, &input.head).is_none() {
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
    } else if recipe {
        modelfile::BYTES_MAX
    } else if sidecar {
        sidecar::BYTES_MAX
    } else if base == TEMPLATE_NAME {
        template::TEMPLATE_BYTES_MAX
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

fn text(path: &str, base: &str, text: &Text<'_>, sink: &mut Sink<'_>) {
    let Text { bytes, whole, size, beside } = *text;
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
    } else if modelfile::is_modelfile(base) || modelfile::is_generated(bytes) {
        modelfile::read(bytes, whole, beside, sink);
    } else if let Some(kind) = sidecar::kind(path, bytes) {
        sidecar::read(kind, bytes, sink);
    } else if base == TEMPLATE_NAME {
        let end = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        template::keep(&String::from_utf8_lossy(bytes), "", (0, end), sink);
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

#[cfg(test)]
mod tests {
    use crate::read_file;

    #[test]
    fn closed_formats_are_named() {
        let xml = b"<?xml version=\"1.0\"?>\n<net name=\"Model0\" version=\"11\">\n\t<layers>\n";
        for (name, bytes, format) in [
            ("m.engine", &b"ftrt\0\0\0\0"[..], "tensorrt"),
            ("m.ort", b"\x18\0\0\0ORTM", "ort"),
            ("m.pte", b"\x18\0\0\0ET12", "executorch"),
            ("openvino_model.xml", xml, "openvino"),
        ] {
            let facts = read_file(name, &bytes);
            assert_eq!(facts.facts[0].value, format, "{name}");
            assert!(facts.model_file && facts.diagnostics.is_empty());
        }
        let page = &b"<?xml version=\"1.0\"?><net name=\"x\">"[..];
        assert!(read_file("page.xml", &page).facts.is_empty());
    }

    #[test]
    fn packed_pickles_are_told() {
        let codes =
            |name: &str, bytes: &[u8]| read_file(name, &bytes).diagnostics.iter().map(|d| d.code).collect::<Vec<_>>();
        assert_eq!(codes("m.nemo", b"\x1f\x8b\x08\0"), ["compressed-unread"]);
        assert_eq!(codes("m.joblib", b"\x78\x9c\0\0"), ["compressed-unread"]);
        assert_eq!(codes("m.pkl.gz", b"\x1f\x8b\x08\0"), ["compressed-unread"]);
        assert_eq!(codes("m.bin", b"7z\xbc\xaf\x27\x1c\0"), ["compressed-unread"]);
        assert_eq!(codes("notes.tar.gz", b"\x1f\x8b\x08\0"), Vec::<&str>::new());
    }
}
