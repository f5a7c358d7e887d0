//! The line of a short license that names its holder: whose it is, whether it was left blank, and putting another there.

/// Lines from the start in which that line stands; longer licenses have a pattern of one at their end, which is no notice.
const LINES_MAX: usize = 12;
/// Words of the longest license whose holder writes his own line into it. In a longer one such a line is the text's own.
const WORDS_MAX: usize = 1000;
/// Words of a blank.
const BLANKS: [&str; 7] = ["year", "yyyy", "holder", "owner", "name", "author", "organization"];

fn is_notice(line: &str) -> bool {
    let lower = line.trim_start().to_lowercase();
    ["copyright (c)", "copyright ©", "copyright <", "copyright [", "copyright {", "(c) ", "© "]
        .iter()
        .any(|n| lower.starts_with(n))
        || lower.strip_prefix("copyright ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_blank(line: &str) -> bool {
    let lower = line.to_lowercase();
    ['<', '[', '{'].iter().filter_map(|open| lower.split_once(*open)).any(|(_, rest)| {
        let inside: String = rest.chars().take_while(|c| !matches!(c, '>' | ']' | '}')).collect();
        BLANKS.iter().any(|b| inside.contains(b))
    })
}

/// Where the holder's lines stand, without the last line break.
fn place(text: &str) -> Option<(usize, usize)> {
    if text.split_whitespace().nth(WORDS_MAX).is_some() {
        return None;
    }
    let mut at = 0_usize;
    let mut lines = 0_usize;
    let mut found: Option<(usize, usize)> = None;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        match &mut found {
            _ if is_notice(bare) => {
                let end = at + bare.len();
                found = Some((found.map_or(at, |(start, _)| start), end));
            }
            Some(_) => break,
            None => {}
        }
        lines += usize::from(!bare.is_empty());
        if lines >= LINES_MAX {
            break;
        }
        at += line.len();
    }
    found
}

/// The copyright line (or lines) that the holder of a work wrote into a short license; `None` for a text without one and
/// for a long license, whose own such line is its author's.
pub fn holder(text: &str) -> Option<&str> {
    place(text).and_then(|(start, end)| text.get(start..end))
}

/// True for a short license whose copyright line was never filled in (`Copyright (c) <year> <copyright holders>`): it
/// names nobody, so it retains nobody's notice.
pub fn has_blank_holder(text: &str) -> bool {
    holder(text).is_some_and(is_blank)
}

/// The text with `line` in place of its holder's line; `None` where it has none, or `line` is no line.
pub fn with_holder(text: &str, line: &str) -> Option<String> {
    let (start, end) = place(text)?;
    let line = line.trim();
    if line.is_empty() || line.contains(['\n', '\r']) {
        return None;
    }
    Some(format!("{}{line}{}", text.get(..start)?, text.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_told_from_notices() {
        let text = "MIT License\n\nCopyright (c) <year> <copyright holders>\r\n\nPermission";
        assert!(has_blank_holder(text));
        let filled = with_holder(text, "Copyright (c) 2024 Acme").unwrap();
        assert_eq!(filled, "MIT License\n\nCopyright (c) 2024 Acme\r\n\nPermission");
        assert_eq!(holder(&filled), Some("Copyright (c) 2024 Acme"));
        assert!(has_blank_holder("Copyright [yyyy] [name of copyright owner]\n"));
        assert!(!has_blank_holder("Copyright (c) 2024 Acme <mail@acme.example>\n"));
        assert_eq!(with_holder(text, "a\nb"), None);
    }

    #[test]
    fn several_lines_are_one_notice_and_sentences_are_none() {
        let text = "Copyright (c) 2019 A\nCopyright 2020 B\nPermission\n";
        assert_eq!(holder(text), Some("Copyright (c) 2019 A\nCopyright 2020 B"));
        assert_eq!(with_holder(text, "(c) C").unwrap(), "(c) C\nPermission\n");
        assert_eq!(holder("Copyright notices must stay in every copy\n"), None);
        assert_eq!(holder(&format!("{}Copyright [yyyy] [name of copyright owner]\n", "line\n".repeat(50))), None);
        assert_eq!(holder(&format!("Copyright (C) 2007 Author of the text\n{}", "word ".repeat(2000))), None);
    }
}
