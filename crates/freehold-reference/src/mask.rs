//! Secrets and control characters never leave this crate.

use freehold_base::mask_secrets;

/// Characters that move a terminal's cursor or turn the reading direction.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` without secrets and control characters, trimmed, at most `chars_max` characters.
pub(crate) fn clean(text: &str, chars_max: usize) -> String {
    let masked = mask_secrets(text);
    let kept: String = masked.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !is_unsafe(*c)).collect();
    kept.trim().chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked_and_names_are_not() {
        let secret = format!("hf_{}", "aB3".repeat(11));
        assert_eq!(clean(&format!("TOKEN={secret} x"), 160), format!("TOKEN=hf_{} x", "*".repeat(33)));
        assert_eq!(clean("hf_hub_download(sk-learn)", 160), "hf_hub_download(sk-learn)");
        let key = format!("sk-proj-{}", "a1B2".repeat(8));
        assert!(!clean(&format!("key={key}"), 160).contains("a1B2"));
        assert_eq!(
            clean("git clone https://me:topsecret@huggingface.co/a/b", 160),
            "git clone https://me:*********@huggingface.co/a/b"
        );
    }

    #[test]
    fn control_characters_are_removed_and_length_is_bounded() {
        assert_eq!(clean("\u{1b}[31mred\u{202e}\tx\r", 160), "[31mred x");
        assert_eq!(clean(&"é".repeat(500), 160).chars().count(), 160);
    }
}
