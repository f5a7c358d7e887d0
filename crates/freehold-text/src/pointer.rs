//! A text that names a license without being one.

/// Longest name that is told.
const NAME_CHARS_MAX: usize = 120;
/// Bytes of the text that are looked at.
const LOOK_BYTES_MAX: usize = 64 << 10;

/// The license that the text names, as written: an SPDX tag, a phrase after "licensed under", a `license:` field, or
/// the address of a license.
pub(crate) fn points_to(text: &str) -> Option<String> {
    let text = text.get(..text.floor_char_boundary(LOOK_BYTES_MAX)).unwrap_or(text);
    spdx_tag(text)
        .or_else(|| phrase(text))
        .or_else(|| field(text))
        .or_else(|| address(text))
        .or_else(|| short_name(text))
}

fn clip(name: &str) -> Option<String> {
    let name = name.trim_matches(|c: char| c.is_whitespace() || "\"'`*_[]()<>.,;:“”".contains(c));
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    (!name.is_empty()).then(|| name.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn spdx_tag(text: &str) -> Option<String> {
    const TAG: &str = "SPDX-License-Identifier:";
    let at = text.find(TAG)?;
    let line = text.get(at + TAG.len()..)?.lines().next()?;
    let line = line.split("*/").next()?.split("-->").next()?;
    let name = line.trim().trim_matches('"');
    (!name.is_empty()).then(|| name.chars().take(NAME_CHARS_MAX).collect())
}

fn phrase(text: &str) -> Option<String> {
    const BEFORE: &[&str] = &[
        "licensed under",
        "licenced under",
        "released under",
        "distributed under",
        "available under",
        "governed by",
        "provided under",
        "refer to license",
        "subject to",
        "under the terms of",
        "use of this model is under",
        "is under",
        "are under",
        "license is",
        "refer to the",
    ];
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<(usize, String)> = Vec::new();
    for before in BEFORE {
        for (at, _) in lower.match_indices(before).take(8) {
            if let Some(name) = text.get(at + before.len()..).and_then(name_after) {
                found.push((at, name));
            }
        }
    }
    found.sort();
    found.into_iter().next().map(|(_, name)| name)
}

/// A name that ends with a word for a license, or an address, before the sentence ends.
fn name_after(rest: &str) -> Option<String> {
    let rest = rest.get(..rest.floor_char_boundary(NAME_CHARS_MAX * 2)).unwrap_or(rest);
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ":[*\"'`“(".contains(c));
    let rest = rest.strip_prefix("the ").or_else(|| rest.strip_prefix("The ")).unwrap_or(rest);
    let rest = rest.strip_prefix("terms of the ").unwrap_or(rest);
    let end = sentence_end(rest);
    let name = rest.get(..end)?;
    let lower = name.to_ascii_lowercase();
    let says =
        ["license", "licence", "agreement", "terms"].iter().filter_map(|w| lower.find(w).map(|i| i + w.len())).max();
    let known =
        ["apache", "mit", "gpl", "cc-by", "cc by", "bsd", "openrail", "http"].iter().any(|k| lower.starts_with(k));
    match says {
        Some(said) if name.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()) || known => {
            // `Apache License 2.0`, `Apache License, Version 2.0`
            let tail = name.get(said..)?;
            let version = tail.find(|c: char| c.is_ascii_digit()).filter(|i| *i <= 12);
            let extra = version.map_or(0, |i| {
                let digits =
                    tail.get(i..).map_or(0, |t| t.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(t.len()));
                i + digits
            });
            clip(name.get(..said + extra)?)
        }
        _ if known => clip(name),
        _ => None,
    }
}

fn sentence_end(s: &str) -> usize {
    let bytes = s.as_bytes();
    for (i, b) in bytes.iter().enumerate() {
        let next = bytes.get(i + 1).copied().unwrap_or(b'\n');
        let blank = *b == b'\n' && next == b'\n';
        if blank || matches!(b, b';' | b']' | b'"') || (matches!(b, b'.' | b')') && next.is_ascii_whitespace()) {
            return i;
        }
    }
    s.len()
}

fn field(text: &str) -> Option<String> {
    text.lines().take(200).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        let key = key.trim().trim_matches(['"', '*', '#', ' ']);
        let fits = ["license", "licence"].iter().any(|k| key.eq_ignore_ascii_case(k));
        if fits && value.split_whitespace().count() <= 6 { clip(value) } else { None }
    })
}

fn address(text: &str) -> Option<String> {
    text.match_indices("http").find_map(|(at, _)| {
        let rest = text.get(at..)?;
        let end = rest.find(|c: char| c.is_whitespace() || "<>\"')]".contains(c)).unwrap_or(rest.len());
        let url = rest.get(..end)?;
        let lower = url.to_ascii_lowercase();
        let fits = ["license", "licence", "terms", "legal", "copying", "use-policy", "use_policy"]
            .iter()
            .any(|w| lower.contains(w));
        if fits && lower.contains("://") { clip(url) } else { None }
    })
}

/// A text of a few words that is nothing but a name.
fn short_name(text: &str) -> Option<String> {
    let words = text.split_whitespace().count();
    let lower = text.to_ascii_lowercase();
    let says = ["license", "licence", "mit", "apache", "bsd", "gpl"]
        .iter()
        .any(|w| lower.split(|c: char| !c.is_alphanumeric()).any(|x| x == *w));
    if (1..=8).contains(&words) && says { clip(text) } else { None }
}
