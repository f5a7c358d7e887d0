//! Chat templates: a hash and the marker tokens that they name. They are programs (Jinja) and never rendered.

use std::collections::BTreeSet;

use freehold_base::FactKind;

use crate::sink::Sink;

/// Longest chat template that is looked at; published ones have up to 20 KB.
pub(crate) const TEMPLATE_BYTES_MAX: usize = 64 << 10;
/// Most marker tokens that are kept of one template.
const MARKERS_MAX: usize = 32;
/// Longest marker token, in characters.
const MARKER_CHARS_MAX: usize = 40;

/// Keeps a chat template as a fact.
pub(crate) fn keep(text: &str, key: &str, place: (u64, u64), sink: &mut Sink<'_>) {
    if !text.trim().is_empty() {
        sink.fact_wide(FactKind::ChatTemplate, &summary(text), key, Some(place));
    }
}

/// Its hash and the markers that it names, by spaces.
fn summary(text: &str) -> String {
    let mut out = format!("{:016x}", hash(text));
    for marker in markers(text) {
        out.push(' ');
        out.push_str(marker);
    }
    out
}

/// FNV-1a over what is not white space: a template that was indented anew is the same.
fn hash(text: &str) -> u64 {
    let step = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().filter(|b| !b.is_ascii_whitespace()).fold(0xcbf2_9ce4_8422_2325, step)
}

/// `<|im_start|>`, `<start_of_turn>`, `[INST]`: what stands in such brackets and has no space.
fn markers(text: &str) -> BTreeSet<&str> {
    let mut out = BTreeSet::new();
    for (at, c) in text.char_indices() {
        if out.len() >= MARKERS_MAX {
            break;
        }
        let close = match c {
            '<' => '>',
            '[' => ']',
            _ => continue,
        };
        let inside = |c: char| match close {
            '>' => c.is_alphanumeric() || matches!(c, '_' | '|' | '｜' | '▁' | '-' | '/'),
            _ => c.is_ascii_uppercase() || matches!(c, '_' | '/'),
        };
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.char_indices().skip(1).take(MARKER_CHARS_MAX).find(|(_, c)| !inside(*c));
        if let Some((end, _)) = end.filter(|(end, c)| *c == close && *end > 3) {
            out.extend(rest.get(..=end));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_told_from_code() {
        let text = "{% if a < b and c[0] > d[X] %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>[INST] <start_of_turn>\
                    [/INST]<｜User｜><<SYS>> < | > <a href=1> items[LAST_ONE]";
        let found: Vec<&str> = markers(text).into_iter().collect();
        let want = [
            "<SYS>",
            "<start_of_turn>",
            "<|end_header_id|>",
            "<|start_header_id|>",
            "<｜User｜>",
            "[/INST]",
            "[INST]",
            "[LAST_ONE]",
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn white_space_is_not_hashed_and_words_are() {
        assert_eq!(hash("{{ a }}\n"), hash("{{a}}"));
        assert_ne!(hash("{{a}}"), hash("{{b}}"));
        assert_eq!(summary("{{a}}<|x|><|x|>"), format!("{:016x} <|x|>", hash("{{a}}<|x|><|x|>")));
    }

    #[test]
    fn many_markers_are_cut() {
        let text: String = (0..1000).map(|i| format!("<m_{i}>")).collect();
        assert_eq!(markers(&text).len(), MARKERS_MAX);
        assert!(markers(&"<".repeat(10_000)).is_empty());
        assert!(markers(&format!("<{}>", "a".repeat(64))).is_empty());
    }
}
