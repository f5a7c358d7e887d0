//! Keras: the configuration inside a `.keras` archive, and what can be found of it in an HDF5 file.
//!
//! HDF5 is not parsed: both ends of the file are searched for Keras' attributes as text. What stands in the middle of a
//! large file, in an attribute that is packed or split over several heaps, is not found, and then the file says no more
//! than its format. A packed member of a `.keras` archive is told and not unpacked ([`crate::archive`]).

use std::collections::BTreeSet;

use freehold_base::FactKind;

use crate::input::Input;
use crate::json::{self, Go, Value};
use crate::sink::Sink;

/// Longest configuration that is read.
pub(crate) const CONFIG_BYTES_MAX: usize = 8 << 20;
/// Bytes at the start and at the end of an HDF5 file that are searched for one.
const SEARCH_BYTES_MAX: usize = 2 << 20;
/// Layers and modules that are told one by one.
const TOLD_MAX: usize = 8;
/// Packages whose classes a configuration may name.
const OWN_PACKAGES: &[&str] = &["keras", "keras_hub", "keras_nlp", "keras_cv", "tf_keras", "tensorflow", "builtins"];

/// Reads `config.json`, or the same text in an HDF5 attribute; places are those in `bytes`.
pub(crate) fn read_config(bytes: &[u8], sink: &mut Sink<'_>) -> bool {
    let mut lambda = 0_u32;
    let mut modules: BTreeSet<String> = BTreeSet::new();
    let mut found = false;
    let outcome = json::walk(bytes, &mut |path, value, place| {
        let Value::Str(raw) = value else { return Go::On };
        match (path.depth(), path.last()) {
            (1, "class_name") => {
                found = true;
                let text = json::decode(raw);
                sink.fact(FactKind::Architecture, &text, "class_name", Some(place));
                lambda += u32::from(text == "Lambda");
            }
            (2, "name") if path.step(0) == "config" => {
                let text = json::decode(raw);
                if !is_generic(&text) {
                    sink.fact(FactKind::Name, &text, "config.name", Some(place));
                }
            }
            (_, "class_name") if raw == b"Lambda" || raw == b"__lambda__" => {
                if lambda == 0 {
                    sink.fact(FactKind::RemoteCode, "Lambda", path.dotted(), Some(place));
                    let message = "a Lambda layer: the file holds Python code that is run when the model is loaded";
                    sink.warn("keras-lambda", message, Some(place));
                    sink.help("load it with safe_mode=True, or not at all");
                }
                lambda += 1;
            }
            (_, "module") if raw.len() <= 256 && modules.len() < TOLD_MAX => {
                let text = json::decode(raw);
                let root = text.split('.').next().unwrap_or_default();
                if !root.is_empty() && !OWN_PACKAGES.contains(&root) && modules.insert(text.clone()) {
                    sink.fact(FactKind::RemoteCode, &text, path.dotted(), Some(place));
                    let message = format!("names the module `{text}`, which Keras does not need: loading imports it");
                    sink.warn("keras-module", message, Some(place));
                }
            }
            _ => {}
        }
        if sink.is_full() { Go::Stop } else { Go::On }
    });
    if let Err(e) = outcome
        && e.code != "json-trailing"
    {
        sink.warn(e.code, format!("the configuration is broken: {}", e.message), Some((e.at, e.at)));
    }
    found
}

/// Reads `metadata.json`.
pub(crate) fn read_metadata(bytes: &[u8], sink: &mut Sink<'_>) {
    let outcome = json::walk(bytes, &mut |path, value, place| {
        if let (1, "keras_version", Value::Str(raw)) = (path.depth(), path.last(), value) {
            sink.fact(FactKind::Tag, &format!("keras {}", json::decode(raw)), "keras_version", Some(place));
        }
        Go::On
    });
    if let Err(e) = outcome {
        sink.warn(e.code, format!("broken JSON: {}", e.message), Some((e.at, e.at)));
    }
}

/// What Keras calls a model that nobody named.
fn is_generic(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    matches!(stem, "functional" | "sequential" | "model" | "")
}

/// True for HDF5.
pub(crate) fn is_hdf5(head: &[u8]) -> bool {
    head.starts_with(b"\x89HDF\r\n\x1a\n")
}

/// Searches both ends of an HDF5 file for Keras' attributes.
pub(crate) fn read_hdf5(input: &mut Input<'_>, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, "hdf5", "", Some((0, 8)));
    let Ok(start) = input.start(SEARCH_BYTES_MAX) else { return };
    let behind = u64::try_from(start.len()).unwrap_or(u64::MAX);
    let from = input.size.saturating_sub(u64::try_from(SEARCH_BYTES_MAX).unwrap_or(u64::MAX)).max(behind);
    let end = input.read(from, SEARCH_BYTES_MAX).unwrap_or_default();
    let mut keras = false;
    for (bytes, shift) in [(start, 0), (end, from)] {
        keras |= bytes.windows(13).any(|w| w == b"keras_version");
        // the attribute's text begins like this, and nothing else in such a file does
        let config = [&b"{\"class_name\": \""[..], b"{\"module\": \"keras"]
            .iter()
            .filter_map(|mark| bytes.windows(mark.len()).position(|w| w == *mark))
            .min();
        if let Some(at) = config {
            let text = bytes.get(at..).unwrap_or_default();
            let length = object_length(text);
            let whole = text.get(..length).unwrap_or_default();
            sink.within("model_config", shift + u64::try_from(at).unwrap_or(0), |sink| {
                keras |= read_config(whole, sink);
            });
            break;
        }
    }
    sink.out.model_file = keras;
}

/// Bytes of the JSON object that begins here.
fn object_length(text: &[u8]) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (i, b) in text.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A configuration with a layer of this class from this module.
    pub(crate) fn config(class: &str, module: &str) -> String {
        format!(
            r#"{{"class_name": "Functional", "config": {{"name": "cats", "layers": [{{"module": "{module}", "class_name": "{class}", "config": {{}}}}]}}}}"#
        )
    }

    fn codes(text: &str) -> Vec<&'static str> {
        let mut sink = Sink::new("m.keras");
        read_config(text.as_bytes(), &mut sink);
        sink.out.diagnostics.iter().map(|d| d.code).collect()
    }

    #[test]
    fn code_in_a_configuration_is_told() {
        assert_eq!(codes(&config("Dense", "keras.layers")), Vec::<&str>::new());
        assert_eq!(codes(&config("Lambda", "keras.layers")), ["keras-lambda"]);
        assert_eq!(codes(&config("Popen", "subprocess")), ["keras-module"]);
        assert_eq!(codes("{\"class_name\": \"Model\", "), ["json-truncated"]);
        assert!(is_generic("functional_3") && is_generic("sequential") && !is_generic("cats"));
    }

    #[test]
    fn hdf5_is_searched() {
        let text = config("Lambda", "keras.layers");
        let file = [b"\x89HDF\r\n\x1a\n\0\0keras_version\0model_config\0", text.as_bytes(), b"\0\0}} {"].concat();
        let source = file.as_slice();
        let mut sink = Sink::new("m.h5");
        read_hdf5(&mut Input::open(&source).unwrap(), &mut sink);
        let codes: Vec<_> = sink.out.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!((codes, sink.out.model_file), (vec!["keras-lambda"], true));
        let name = sink.out.facts.iter().find(|f| f.kind == FactKind::Name).unwrap();
        let (s, e) = name.evidence.bytes.unwrap();
        assert_eq!(&file[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], b"cats");
        assert_eq!(name.evidence.key, "model_config:config.name");
        let other = &b"\x89HDF\r\n\x1a\nweather data"[..];
        let mut sink = Sink::new("w.h5");
        read_hdf5(&mut Input::open(&other).unwrap(), &mut sink);
        assert!(!sink.out.model_file && sink.out.diagnostics.is_empty());
    }
}
