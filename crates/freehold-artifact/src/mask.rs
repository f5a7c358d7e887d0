//! Secrets and control characters never leave this crate.

use freehold_base::{mask_secrets, masked};

/// Characters that move a terminal's cursor or turn the reading direction.
fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The name of a file or folder as it may be told: secrets masked, and what moves a cursor, turns the reading
/// direction or begins a line replaced by U+FFFD.
pub fn clean_name(name: &str) -> String {
    let unsafe_here = |c: char| is_unsafe(c) || matches!(c, '\n' | '\t' | '\u{2028}' | '\u{2029}');
    mask_secrets(name).chars().map(|c| if unsafe_here(c) { '\u{fffd}' } else { c }).collect()
}

/// A value as it may be kept: secrets masked, control characters replaced by U+FFFD, cut at `bytes_max`.
pub(crate) fn clean(text: &str, bytes_max: usize) -> String {
    // masked before it is cut: a token that straddles the cut would otherwise show its head
    let mut margin = bytes_max.saturating_add(256).min(text.len());
    while !text.is_char_boundary(margin) {
        margin -= 1;
    }
    let masked = masked(text.get(..margin).unwrap_or_default());
    if masked.len() <= bytes_max && masked.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return masked.into_owned();
    }
    let mut out = String::with_capacity(masked.len().min(bytes_max));
    for c in masked.chars() {
        let c = if is_unsafe(c) { '\u{fffd}' } else { c };
        if out.len() + c.len_utf8() > bytes_max {
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_line_and_no_secret() {
        assert_eq!(clean_name("a\nb\u{1b}[2J\u{202e}\u{61c}c"), "a\u{fffd}b\u{fffd}[2J\u{fffd}\u{fffd}c");
        assert_eq!(clean_name(&format!("run-hf_{}", "a1B2".repeat(8))), format!("run-hf_{}", "*".repeat(32)));
        assert_eq!(clean_name("löwe 日本語"), "löwe 日本語");
    }

    #[test]
    fn values_are_cut_at_a_character_and_control_characters_go() {
        assert_eq!(clean("é".repeat(10).as_str(), 5), "éé");
        assert_eq!(clean("mit\0\u{1b}[31m\u{202e}", 100), "mit\u{fffd}\u{fffd}[31m\u{fffd}");
        let secret = format!("{}hf_{}", "x".repeat(10), "a".repeat(40));
        assert!(!clean(&secret, 30).contains("aaa"));
    }
}
