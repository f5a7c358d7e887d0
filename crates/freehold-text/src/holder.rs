//! The line of a short license that names its holder: whether it was left blank, and filling it in.

/// Lines from the start in which that line stands; longer licenses have a pattern of one at their end, which is no notice.
const LINES_MAX: usize = 12;

/// Words of a blank.
const BLANKS: [&str; 7] = ["year", "yyyy", "holder", "owner", "name", "author", "organization"];

/// Where the blank line stands.
fn blank(text: &str) -> Option<(usize, usize)> {
    let mut at = 0_usize;
    let mut lines = 0_usize;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        let lower = bare.to_lowercase();
        let copyright = lower.trim_start().starts_with("copyright") || lower.trim_start().starts_with("(c)");
        let in_brackets = ['<', '[', '{'].iter().filter_map(|open| lower.split_once(*open)).any(|(_, rest)| {
            let inside: String = rest.chars().take_while(|c| !matches!(c, '>' | ']' | '}')).collect();
            BLANKS.iter().any(|b| inside.contains(b))
        });
        if copyright && in_brackets {
            return Some((at, at + bare.len()));
        }
        lines += usize::from(!bare.is_empty());
        if lines >= LINES_MAX {
            return None;
        }
        at += line.len();
    }
    None
}

/// True for a text whose copyright line was never filled in (`Copyright (c) <year> <copyright holders>`): it names
/// nobody, so it retains nobody's notice.
pub fn has_blank_holder(text: &str) -> bool {
    blank(text).is_some()
}

/// The text with its blank copyright line replaced by `line`; `None` where there is no blank line, or `line` is none.
pub fn fill_holder(text: &str, line: &str) -> Option<String> {
    let (start, end) = blank(text)?;
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
        assert_eq!(
            fill_holder(text, "Copyright (c) 2024 Acme").unwrap(),
            "MIT License\n\nCopyright (c) 2024 Acme\r\n\nPermission"
        );
        assert!(has_blank_holder("Copyright [yyyy] [name of copyright owner]\n"));
        assert!(!has_blank_holder("Copyright (c) 2024 Acme <mail@acme.example>\n"));
        assert!(!has_blank_holder(&format!("{}Copyright [yyyy] [name of copyright owner]\n", "line\n".repeat(50))));
        assert_eq!(fill_holder(text, "a\nb"), None);
    }
}
