//! Likely personal data: told by kind and line, never repeated.

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number with its country's code.
    Telephone,
    /// A payment card's number: its check digit is right.
    Card,
    /// An IBAN: its check digits are right.
    Iban,
    /// A number of the United States' social security.
    SocialSecurity,
}

impl Kind {
    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "e-mail address",
            Self::Telephone => "telephone number",
            Self::Card => "payment card",
            Self::Iban => "IBAN",
            Self::SocialSecurity => "social security number",
        }
    }
}

/// The kinds that a text appears to hold.
pub fn found(text: &str) -> Vec<Kind> {
    let mut all = Vec::new();
    let mut add = |holds: bool, kind: Kind| {
        if holds && !all.contains(&kind) {
            all.push(kind);
        }
    };
    for word in text.split(|c: char| c.is_whitespace() || "<>()[]{},;\"'\u{0}".contains(c)) {
        add(is_email(word.trim_matches(['.', ':', '!', '?'])), Kind::Email);
    }
    for (start, run) in runs(text) {
        let digits: String = run.chars().filter(char::is_ascii_digit).collect();
        let parts: Vec<usize> = run.split(['-', ' ']).map(str::len).collect();
        add(start == Some('+') && (8..=15).contains(&digits.len()), Kind::Telephone);
        add((13..=19).contains(&digits.len()) && luhn(&digits) && !digits.starts_with('0'), Kind::Card);
        add(parts == [3, 2, 4] && run.contains('-'), Kind::SocialSecurity);
    }
    let letters: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ' ').collect();
    add(letters.iter().any(|part| has_iban(part)), Kind::Iban);
    all
}

fn is_email(word: &str) -> bool {
    let Some((who, place)) = word.split_once('@') else { return false };
    let plain = |t: &str, more: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    let ending = place.rsplit('.').next().unwrap_or_default();
    plain(who, "._%+-")
        && plain(place, ".-")
        && place.contains('.')
        && ending.len() >= 2
        && ending.chars().all(|c| c.is_ascii_alphabetic())
}

/// Runs of digits with single spaces and hyphens between, and what stands before each.
fn runs(text: &str) -> Vec<(Option<char>, String)> {
    let mut all = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        if !chars[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < chars.len() {
            let joins = matches!(chars[at], ' ' | '-') && chars.get(at + 1).is_some_and(char::is_ascii_digit);
            if !chars[at].is_ascii_digit() && !joins {
                break;
            }
            at += 1;
        }
        let before = start.checked_sub(1).map(|i| chars[i]);
        let glued =
            before.is_some_and(|c| c.is_alphanumeric() || c == '.') || chars.get(at).is_some_and(|c| c.is_alphabetic());
        if !glued {
            all.push((before, chars[start..at].iter().collect()));
        }
    }
    all
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| match (u32::from(b - b'0'), i % 2) {
            (d, 0) => d,
            (d, _) => (2 * d) / 10 + (2 * d) % 10,
        })
        .sum();
    // a row of one digit passes the check and is nobody's
    sum.is_multiple_of(10) && digits.bytes().any(|b| Some(b) != digits.bytes().next())
}

/// Words that begin as an IBAN does, put together with those that follow, as long as they may be one.
fn has_iban(part: &str) -> bool {
    let begins = |w: &str| {
        let b = w.as_bytes();
        b.len() >= 4 && b[..2].iter().all(u8::is_ascii_uppercase) && b[2..4].iter().all(u8::is_ascii_digit)
    };
    let words: Vec<&str> = part.split(' ').filter(|w| !w.is_empty()).collect();
    words.iter().enumerate().filter(|(_, w)| begins(w)).any(|(i, _)| {
        let mut solid = String::new();
        words[i..].iter().take(9).any(|w| {
            solid.push_str(w);
            (15..=34).contains(&solid.len()) && remainder(&solid) == Some(1)
        })
    })
}

fn remainder(iban: &str) -> Option<u32> {
    let mut turned = iban.get(4..)?.chars().chain(iban.get(..4)?.chars());
    turned.try_fold(0u32, |sum, c| {
        let value = c.to_digit(36).filter(|_| !c.is_ascii_lowercase())?;
        Some(if value < 10 { (sum * 10 + value) % 97 } else { (sum * 100 + value) % 97 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_and_ordinary_numbers_are_not() {
        assert_eq!(found("write to jane.doe@example.org, please"), [Kind::Email]);
        assert_eq!(found("call +49 30 901820 today"), [Kind::Telephone]);
        assert_eq!(found("card 4111 1111 1111 1111"), [Kind::Card]);
        assert_eq!(found("pay to DE89 3704 0044 0532 0130 00"), [Kind::Iban]);
        assert_eq!(found("ssn 078-05-1120."), [Kind::SocialSecurity]);
        for text in [
            "a@b",
            "3.14159265358979",
            "2024-01-02 10:11:12",
            "version 1.2.3-4",
            "0000000000000000",
            "x = 12345678901234",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
