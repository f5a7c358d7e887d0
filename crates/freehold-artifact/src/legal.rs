//! Legal texts beside a model, told by name; kept whole up to a limit, as UTF-8.

use freehold_base::{FactKind, TextKind};

use crate::sink::{Sink, TEXT_BYTES_MAX, same_length_text};

/// Endings of files that are code, data or pictures, whatever they are called.
const NOT_TEXT: &[&str] = &[
    "py",
    "js",
    "ts",
    "rs",
    "go",
    "c",
    "h",
    "cpp",
    "java",
    "sh",
    "json",
    "jsonl",
    "yml",
    "yaml",
    "toml",
    "xml",
    "csv",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "safetensors",
    "gguf",
    "bin",
    "onnx",
    "pkl",
    "zip",
    "gz",
    "lock",
];

/// What a file's path says about its text.
pub(crate) fn kind(path: &str) -> Option<TextKind> {
    let (folder, base) = path.rsplit_once('/').unwrap_or(("", path));
    let upper = base.to_ascii_uppercase();
    if let Some((_, ending)) = upper.rsplit_once('.')
        && NOT_TEXT.iter().any(|e| e.eq_ignore_ascii_case(ending))
    {
        return None;
    }
    let words: String = upper.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let has = |word: &str| words.split(' ').any(|w| w == word);
    let starts = |word: &str| upper.starts_with(word);
    if (has("USE") && has("POLICY")) || (has("ACCEPTABLE") && has("USE")) || starts("ACCEPTABLE_USE") {
        return Some(TextKind::UsePolicy);
    }
    if starts("NOTICE") || has("NOTICE") || has("NOTICES") {
        return Some(TextKind::Notice);
    }
    let in_licenses = folder.rsplit('/').next().is_some_and(|f| f.eq_ignore_ascii_case("licenses"));
    let named = ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"].iter().any(|w| starts(w) || has(w));
    (named || in_licenses).then_some(TextKind::License)
}

/// Keeps the text; `bytes` are at most one more than [`TEXT_BYTES_MAX`] of the file's `size`.
pub(crate) fn read(kind: TextKind, bytes: &[u8], size: u64, sink: &mut Sink<'_>) {
    if bytes.starts_with(b"%PDF-") {
        sink.warn("text-pdf", "a legal text as PDF is not read", Some((0, 5)));
        sink.help("put the text beside it as a plain file");
        return;
    }
    if bytes.len() > TEXT_BYTES_MAX {
        let message = format!("{size} bytes are too many for a legal text: only the first MiB is read");
        sink.warn("text-too-long", message, None);
    }
    let bytes = bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes);
    let text = match bytes.get(..2) {
        Some([0xff, 0xfe]) => utf16(bytes, u16::from_le_bytes),
        Some([0xfe, 0xff]) => utf16(bytes, u16::from_be_bytes),
        _ => {
            if bytes.iter().filter(|b| **b == 0).count() > bytes.len() / 64 {
                sink.warn("text-binary", "named like a legal text, but its bytes are not text", None);
                return;
            }
            let (text, replaced) = same_length_text(bytes);
            if replaced {
                sink.note("text-encoding", "not UTF-8: bytes that are not are shown as `?`", None);
            }
            text.trim_start_matches('\u{feff}').to_owned()
        }
    };
    if text.trim().is_empty() {
        sink.warn("empty-file", "named like a legal text, but empty: it grants nothing", None);
        return;
    }
    sink.legal(kind, &text);
}

/// Longest license statement that may be a tag or a link rather than a text, in bytes.
const TAG_BYTES_MAX: usize = 200;

/// Keeps what a recipe or a store gives as the license: a text, or where it is one word a tag or a link. `key` and
/// `place` are where it stands; `bytes` and `size` are as for [`read`].
pub(crate) fn statement(bytes: &[u8], size: u64, key: &str, place: Option<(usize, usize)>, sink: &mut Sink<'_>) {
    let before = sink.out.texts.len();
    read(TextKind::License, bytes, size, sink);
    let word = match sink.out.texts.get(before..) {
        Some([only]) if only.text.len() <= TAG_BYTES_MAX => only.text.trim().to_owned(),
        _ => return,
    };
    if !word.is_empty() && !word.contains(char::is_whitespace) {
        let kind = if word.contains("://") { FactKind::LicenseLink } else { FactKind::LicenseTag };
        sink.out.texts.truncate(before);
        sink.fact(kind, &word, key, place);
    }
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> String {
    let units = bytes.get(2..).unwrap_or_default().chunks_exact(2).filter_map(|c| c.try_into().ok()).map(read);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_license;

    #[test]
    fn one_word_is_a_tag_and_a_text_a_text() {
        let tag = read_license("Modelfile", "LICENSE", &"\napache-2.0\n".as_bytes());
        assert_eq!(tag.facts[0].kind, FactKind::LicenseTag);
        assert_eq!((tag.facts[0].value.as_str(), tag.texts.len()), ("apache-2.0", 0));
        let link = read_license("f", "LICENSE", &"https://ai.example/terms".as_bytes());
        assert_eq!(link.facts[0].kind, FactKind::LicenseLink);
        let text = read_license("blobs/x", "", &"Permission is hereby granted".as_bytes());
        assert_eq!((text.texts[0].kind, text.texts[0].file.as_str()), (TextKind::License, "blobs/x"));
    }

    #[test]
    fn names_tell_the_kind() {
        for (name, expected) in [
            ("LICENSE", Some(TextKind::License)),
            ("LICENSE.md", Some(TextKind::License)),
            ("LICENSE.llama3.1", Some(TextKind::License)),
            ("a/GEMMA_LICENSE", Some(TextKind::License)),
            ("LICENCE.txt", Some(TextKind::License)),
            ("COPYING.LESSER", Some(TextKind::License)),
            ("LICENSES/Apache-2.0.txt", Some(TextKind::License)),
            ("Notice.txt", Some(TextKind::Notice)),
            ("USE_POLICY.md", Some(TextKind::UsePolicy)),
            ("prohibited-use-policy.txt", Some(TextKind::UsePolicy)),
            ("ACCEPTABLE_USE.md", Some(TextKind::UsePolicy)),
            ("license.py", None),
            ("license_checker.json", None),
            ("README.md", None),
            ("LICENSES/data.json", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
