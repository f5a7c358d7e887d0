//! What is wrong with a user's input: found where, what it means, what to do. All at once, never the first only.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// Part of the input was not read; the rest answers.
    Warning,
    /// Worth knowing.
    Note,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Path as the user knows it.
    pub file: String,
    /// Byte range in the file, end exclusive; `None` = the whole file.
    pub bytes: Option<(usize, usize)>,
    /// 1-based line and column of the start, where known.
    pub position: Option<(u32, u32)>,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code in kebab case (`unknown-fact`, `gguf-truncated`).
    pub code: &'static str,
    /// Lower case, no full stop: what was found and what it means.
    pub message: String,
    /// Where.
    pub label: Option<Label>,
    /// What to do (`did you mean …`).
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Error, code, message: message.into(), label: None, help: None }
    }

    /// A warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message) }
    }

    /// Adds the file.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Diagnostic {
        self.label = Some(Label { file: file.into(), bytes: None, position: None });
        self
    }

    /// Adds the file and the byte range, and the line and column read off its text.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, text: &str, start: usize, end: usize) -> Diagnostic {
        let before = &text.as_bytes()[..start.min(text.len())];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column =
            String::from_utf8_lossy(before.rsplit(|b| *b == b'\n').next().unwrap_or(before)).chars().count() + 1;
        let position = Some((u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX)));
        self.label = Some(Label { file: file.into(), bytes: Some((start, end)), position });
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

/// The candidate closest to `word`, if close enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates.into_iter().map(|c| (distance(word, c), c)).filter(|(d, _)| *d <= limit).min().map(|(_, c)| c)
}

/// Edits (insert, delete, replace) that turn one word into the other; inputs over 64 characters count as far.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replace = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_typos_only() {
        let facts = ["commercial", "access", "activities"];
        assert_eq!(nearest("comercial", facts), Some("commercial"));
        assert_eq!(nearest("acess", facts), Some("access"));
        assert_eq!(nearest("revenue", facts), None);
    }

    #[test]
    fn places_are_counted_in_characters() {
        let d = Diagnostic::error("x", "y").at("f", "a = 1\nbé = 2", 10, 11);
        assert_eq!(d.label.unwrap().position, Some((2, 4)));
    }
}
