//! Patterns of names: `*` stands for any run of characters, case does not count.

/// Longest pattern, in bytes.
pub(crate) const PATTERN_BYTES_MAX: usize = 256;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    folded: Vec<char>,
}

impl Pattern {
    /// Reads a pattern; every text is one.
    pub(crate) fn new(written: &str) -> Pattern {
        Pattern { folded: fold(written) }
    }

    /// True where the pattern has a `*`.
    pub(crate) fn is_open(&self) -> bool {
        self.folded.contains(&'*')
    }

    /// True where the whole name fits. Time grows with pattern times name; both are short.
    pub(crate) fn fits(&self, name: &str) -> bool {
        let (pattern, name) = (&self.folded, fold(name));
        let (mut p, mut n) = (0, 0);
        // where the last `*` stood, and how much of the name it has taken
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(c) if Some(c) == name.get(n) => {
                    p += 1;
                    n += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        n = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
    }
}

fn fold(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        let fits = |p: &str, n: &str| Pattern::new(p).fits(n);
        assert!(fits("cc-by-nc-*", "cc-by-nc-4.0"));
        assert!(fits("*", ""));
        assert!(fits("Qwen", "qwen"));
        assert!(fits("a*b*c", "a--b-b--c"));
        assert!(!fits("a*b*c", "a--b-b--"));
        assert!(!fits("cc-by", "cc-by-nc"));
        assert!(!fits("", "x"));
    }
}
