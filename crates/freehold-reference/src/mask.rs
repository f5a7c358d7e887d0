//! Secrets and control characters never leave this crate. The rules are those of `freehold-artifact`.

/// A token's prefix, the shortest tail that is taken for a secret, and what the tail consists of.
struct Token {
    prefix: &'static str,
    tail_min: usize,
    tail: fn(u8) -> bool,
    /// True where the prefix is short enough to occur inside words: then a letter or digit before it rules it out,
    /// and the tail must hold a digit or a capital.
    strict: bool,
}

fn alnum(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn alnum_dash(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}

fn upper_digit(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}

const TOKENS: &[Token] = &[
    Token { prefix: "hf_", tail_min: 16, tail: alnum, strict: false },
    Token { prefix: "api_org_", tail_min: 16, tail: alnum, strict: false },
    Token { prefix: "sk-", tail_min: 16, tail: alnum_dash, strict: true },
    Token { prefix: "ghp_", tail_min: 16, tail: alnum, strict: false },
    Token { prefix: "gho_", tail_min: 16, tail: alnum, strict: false },
    Token { prefix: "ghs_", tail_min: 16, tail: alnum, strict: false },
    Token { prefix: "github_pat_", tail_min: 16, tail: alnum_dash, strict: false },
    Token { prefix: "glpat-", tail_min: 16, tail: alnum_dash, strict: false },
    Token { prefix: "gsk_", tail_min: 16, tail: alnum, strict: false },
    Token { prefix: "nvapi-", tail_min: 16, tail: alnum_dash, strict: false },
    Token { prefix: "xoxb-", tail_min: 16, tail: alnum_dash, strict: false },
    Token { prefix: "AIza", tail_min: 30, tail: alnum_dash, strict: true },
    Token { prefix: "AKIA", tail_min: 16, tail: upper_digit, strict: true },
    Token { prefix: "ASIA", tail_min: 16, tail: upper_digit, strict: true },
];

/// `text` with the tail of every access token replaced by `*`, byte for byte.
pub(crate) fn mask_secrets(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    for token in TOKENS {
        for (at, _) in text.match_indices(token.prefix) {
            let from = at + token.prefix.len();
            let tail = bytes.get(from..).unwrap_or_default();
            let n = tail.iter().take_while(|b| (token.tail)(**b)).count();
            let inside_word = at.checked_sub(1).and_then(|p| bytes.get(p)).is_some_and(|b| alnum(*b));
            let random = tail.iter().take(n).any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
            if n >= token.tail_min && !(token.strict && (inside_word || !random)) {
                hidden.push((from, from + n));
            }
        }
    }
    hide_passwords(bytes, &mut hidden);
    if hidden.is_empty() {
        return text.to_owned();
    }
    let mut out = bytes.to_vec();
    for (from, to) in hidden {
        out.get_mut(from..to).unwrap_or_default().fill(b'*');
    }
    // a mask may cover part of a character that is not ASCII
    String::from_utf8_lossy(&out).into_owned()
}

/// The password of `scheme://user:password@host`.
fn hide_passwords(bytes: &[u8], hidden: &mut Vec<(usize, usize)>) {
    for (at, w) in bytes.windows(3).enumerate() {
        if w != b"://" {
            continue;
        }
        let rest = bytes.get(at + 3..).unwrap_or_default();
        let end = rest.iter().take(256).position(|b| matches!(b, b'/' | b' ' | b'"' | b'\'' | b'@'));
        let Some(end) = end.filter(|e| rest.get(*e) == Some(&b'@')) else { continue };
        if let Some(colon) = rest.iter().take(end).position(|b| *b == b':') {
            hidden.push((at + 3 + colon + 1, at + 3 + end));
        }
    }
}

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
