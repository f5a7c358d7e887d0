//! Secrets that must not be told: access tokens and passwords in addresses.

use std::borrow::Cow;

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

/// The shortest text that can hold a password: `s://u:p@`.
const PASSWORD_BYTES_MIN: usize = 8;

/// `text` with the tail of every access token, and the password of every `scheme://user:password@host`, replaced by `*`, byte
/// for byte, so that offsets stay right.
pub fn mask_secrets(text: &str) -> String {
    masked(text).into_owned()
}

/// [`mask_secrets`] without a copy where there is nothing to mask, as in nearly every value.
pub fn masked(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if bytes.len() < PASSWORD_BYTES_MIN {
        return Cow::Borrowed(text);
    }
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    // one pass: few pairs of bytes begin a prefix, and nearly every value holds no token
    for (at, pair) in bytes.windows(2).enumerate() {
        if !matches!(
            pair,
            b"hf" | b"ap" | b"sk" | [b'g', b'h' | b'i' | b'l' | b's'] | b"nv" | b"xo" | [b'A', b'I' | b'K' | b'S']
        ) {
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
    hide_passwords(bytes, &mut hidden);
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = bytes.to_vec();
    for (from, to) in hidden {
        out.get_mut(from..to).unwrap_or_default().fill(b'*');
    }
    // whole characters were replaced: what is hidden begins and ends beside ASCII
    Cow::Owned(String::from_utf8(out).unwrap_or_default())
}

/// Bytes of an address in which its password is looked for.
const ADDRESS_BYTES_MAX: usize = 256;

fn hide_passwords(bytes: &[u8], hidden: &mut Vec<(usize, usize)>) {
    for (at, _) in bytes.iter().enumerate().filter(|(_, b)| **b == b':') {
        let Some(rest) = bytes.get(at..).and_then(|tail| tail.strip_prefix(b"://")) else { continue };
        let end =
            rest.iter().take(ADDRESS_BYTES_MAX).position(|b| matches!(b, b'/' | b' ' | b'\n' | b'"' | b'\'' | b'@'));
        let Some(end) = end.filter(|e| rest.get(*e) == Some(&b'@')) else { continue };
        if let Some(colon) = rest.iter().take(end).position(|b| *b == b':') {
            hidden.push((at + 3 + colon + 1, at + 3 + end));
        }
    }
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
    fn every_prefix_begins_with_a_pair_that_is_looked_for() {
        for token in TOKENS {
            let secret = format!("{}{}", token.prefix, "A1".repeat(20));
            assert!(mask_secrets(&secret).ends_with("****"), "{}", token.prefix);
        }
    }

    #[test]
    fn a_password_in_an_address_is_masked() {
        assert_eq!(
            mask_secrets("git clone https://me:topsecret@huggingface.co/a/b"),
            "git clone https://me:*********@huggingface.co/a/b"
        );
        assert_eq!(mask_secrets("postgres://u:löwe@h"), "postgres://u:*****@h");
        assert_eq!(mask_secrets("https://huggingface.co/a/b@main:x"), "https://huggingface.co/a/b@main:x");
    }
}
