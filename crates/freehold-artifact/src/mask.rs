//! Secrets and control characters never leave this crate.

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
    Token { prefix: "xoxb-", tail_min: 16, tail: alnum_dash, strict: false },
    Token { prefix: "AIza", tail_min: 30, tail: alnum_dash, strict: true },
    Token { prefix: "AKIA", tail_min: 16, tail: upper_digit, strict: true },
    Token { prefix: "ASIA", tail_min: 16, tail: upper_digit, strict: true },
];

/// The shortest token: `hf_` and 16 characters.
const SECRET_BYTES_MIN: usize = 19;

/// `text` with the tail of every access token replaced by `*`, byte for byte, so that offsets stay right.
pub(crate) fn mask_secrets(text: &str) -> String {
    let bytes = text.as_bytes();
    if bytes.len() < SECRET_BYTES_MIN {
        return text.to_owned();
    }
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    // one pass: few bytes begin a prefix, and nearly every value holds no token
    for (at, first) in bytes.iter().enumerate() {
        if !matches!(first, b'h' | b'a' | b's' | b'g' | b'x' | b'A') {
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        for token in TOKENS.iter().filter(|t| rest.starts_with(t.prefix.as_bytes())) {
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
    if hidden.is_empty() {
        return text.to_owned();
    }
    let mut out = bytes.to_vec();
    for (from, to) in hidden {
        out.get_mut(from..to).unwrap_or_default().fill(b'*');
    }
    // only ASCII was replaced by ASCII
    String::from_utf8(out).unwrap_or_default()
}

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
    let masked = mask_secrets(text.get(..margin).unwrap_or_default());
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
    fn tokens_are_masked_and_words_are_not() {
        let hf = format!("token hf_{} end", "a1B2".repeat(8));
        assert_eq!(mask_secrets(&hf), format!("token hf_{} end", "*".repeat(32)));
        assert_eq!(mask_secrets(&format!("x=sk-{}", "aB3".repeat(8))), format!("x=sk-{}", "*".repeat(24)));
        assert_eq!(mask_secrets(&format!("AKIA{}", "A1".repeat(8))), format!("AKIA{}", "*".repeat(16)));
        for word in
            ["meta-llama/Llama-3.1-8B", "task-specific-fine-tuning-of", "hf_transfer", "sk-learn-like-things-in-words"]
        {
            assert_eq!(mask_secrets(word), word);
        }
    }

    #[test]
    fn every_prefix_begins_with_a_byte_that_is_looked_for() {
        for token in TOKENS {
            let secret = format!("{}{}", token.prefix, "A1".repeat(20));
            assert!(mask_secrets(&secret).ends_with("****"), "{}", token.prefix);
            assert!(token.prefix.len() + token.tail_min >= SECRET_BYTES_MIN);
        }
    }

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
