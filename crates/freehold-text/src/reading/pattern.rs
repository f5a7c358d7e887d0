//! Patterns over words, and the classes of words that they are made of.
//!
//! A pattern is a row of elements separated by spaces: a word, words separated by `|`, a beginning followed by `*`, a
//! class `@name`, any of these followed by `?` (may be missing), `..N` (at most N words of any kind). It is matched by a
//! set of offsets in one machine word, so a place costs one step an element, whatever the text.

use std::collections::BTreeMap;

/// Words that one match can span: the bits of the set of offsets.
const SPAN_WORDS_MAX: usize = 60;
/// Elements of one pattern.
const ELEMENTS_MAX: usize = 24;
/// Different sets of words in all patterns.
const CLASSES_MAX: usize = 2048;

#[derive(Clone, Debug)]
enum Element {
    One { class: usize, optional: bool },
    Gap(usize),
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    elements: Vec<Element>,
}

/// The sets of words that patterns ask for, each with a number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    named: BTreeMap<String, String>,
    classes: BTreeMap<String, usize>,
    words: BTreeMap<String, Vec<usize>>,
    beginnings: BTreeMap<String, Vec<usize>>,
}

/// The classes of one word, as bits.
pub(crate) type Bits = Vec<u64>;

impl Vocabulary {
    /// Names a set of words, to be used as `@name` in patterns that are compiled later.
    pub(crate) fn name(&mut self, name: &str, words: &str) {
        self.named.insert(name.to_owned(), words.to_owned());
    }

    /// Compiles a pattern; the error says what is wrong with it.
    pub(crate) fn compile(&mut self, pattern: &str) -> Result<Pattern, String> {
        let mut elements = Vec::new();
        let mut span = 0;
        for part in pattern.split_whitespace() {
            if let Some(gap) = part.strip_prefix("..") {
                let gap = gap.parse().ok().filter(|n| (1..=SPAN_WORDS_MAX).contains(n));
                let gap: usize = gap.ok_or_else(|| format!("{part:?} in {pattern:?} is no gap: write ..1 to ..60"))?;
                span += gap;
                elements.push(Element::Gap(gap));
                continue;
            }
            let (words, optional) = part.strip_suffix('?').map_or((part, false), |w| (w, true));
            elements.push(Element::One { class: self.class(words, pattern)?, optional });
            span += 1;
        }
        let fixed = matches!(elements.first(), Some(Element::One { optional: false, .. }));
        if !fixed || elements.len() > ELEMENTS_MAX || span > SPAN_WORDS_MAX {
            return Err(format!(
                "the pattern {pattern:?} starts with no word, or spans more than {SPAN_WORDS_MAX} words"
            ));
        }
        Ok(Pattern { elements })
    }

    fn class(&mut self, words: &str, pattern: &str) -> Result<usize, String> {
        if let Some(class) = self.classes.get(words) {
            return Ok(*class);
        }
        let class = self.classes.len();
        if class >= CLASSES_MAX {
            return Err(format!("more than {CLASSES_MAX} different sets of words in the patterns"));
        }
        self.classes.insert(words.to_owned(), class);
        for word in words.split('|') {
            let expanded = match word.strip_prefix('@') {
                Some(name) => {
                    self.named.get(name).cloned().ok_or_else(|| format!("no class {word:?}, named in {pattern:?}"))?
                }
                None => word.to_owned(),
            };
            for word in expanded.split(|c: char| c == '|' || c.is_whitespace()).filter(|w| !w.is_empty()) {
                let (map, key) = match word.strip_suffix('*') {
                    Some(beginning) => (&mut self.beginnings, beginning),
                    None => (&mut self.words, word),
                };
                if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'\'') {
                    return Err(format!("{word:?} in {pattern:?} is no word: use lower case letters and digits"));
                }
                map.entry(key.to_owned()).or_default().push(class);
            }
        }
        Ok(class)
    }

    /// Some pattern asks for this word.
    pub(crate) fn knows_exactly(&self, word: &str) -> bool {
        self.words.contains_key(word)
    }

    /// The classes that a word, in lower case, belongs to.
    pub(crate) fn bits(&self, word: &str) -> Bits {
        let mut bits = vec![0u64; self.classes.len().div_ceil(64)];
        let mut set = |classes: &Vec<usize>| {
            for class in classes {
                if let Some(bit) = bits.get_mut(class / 64) {
                    *bit |= 1 << (class % 64);
                }
            }
        };
        self.words.get(word).map(&mut set);
        for end in 1..=word.len() {
            if let Some(classes) = word.get(..end).and_then(|b| self.beginnings.get(b)) {
                set(classes);
            }
        }
        bits
    }
}

/// The words of one clause, each by its classes.
pub(crate) struct Line<'a> {
    /// For each word, its row in `table`.
    pub(crate) words: &'a [usize],
    /// The classes of each different word.
    table: &'a [Bits],
    /// The classes that any of the words has: most patterns are ruled out by it at once.
    any: Bits,
}

impl<'a> Line<'a> {
    pub(crate) fn new(words: &'a [usize], table: &'a [Bits]) -> Line<'a> {
        let mut any: Bits = Vec::new();
        for bits in words.iter().filter_map(|row| table.get(*row)) {
            any.resize(bits.len(), 0);
            for (all, one) in any.iter_mut().zip(bits) {
                *all |= one;
            }
        }
        Line { words, table, any }
    }

    fn has(bits: &[u64], class: usize) -> bool {
        bits.get(class / 64).is_some_and(|b| b & (1 << (class % 64)) != 0)
    }

    /// The pattern may match somewhere: each word that it cannot do without is there.
    fn allows(&self, pattern: &Pattern) -> bool {
        pattern.elements.iter().all(|e| match e {
            Element::One { class, optional: false } => Self::has(&self.any, *class),
            _ => true,
        })
    }

    fn is(&self, at: usize, class: usize) -> bool {
        self.words.get(at).and_then(|row| self.table.get(*row)).is_some_and(|bits| Self::has(bits, class))
    }

    /// The end of the longest match of a pattern that starts at a word.
    fn matches_at(&self, pattern: &Pattern, at: usize) -> Option<usize> {
        let room = self.words.len().checked_sub(at)?.min(SPAN_WORDS_MAX);
        let inside = (1u64 << (room + 1)) - 1;
        let mut offsets = 1u64;
        for element in &pattern.elements {
            offsets = match element {
                Element::Gap(gap) => (0..*gap).fold(offsets, |set, _| set | (set << 1)) & inside,
                Element::One { class, optional } => {
                    let mut next = if *optional { offsets } else { 0 };
                    let mut open = offsets;
                    while open != 0 {
                        let offset = open.trailing_zeros() as usize;
                        open &= open - 1;
                        if self.is(at + offset, *class) {
                            next |= 1 << (offset + 1);
                        }
                    }
                    next & inside
                }
            };
            if offsets == 0 {
                return None;
            }
        }
        (63 - offsets.leading_zeros() as usize).checked_add(at)
    }

    /// Every place where one of the patterns matches, one for each first word: where the longest match ends, and which
    /// pattern it is.
    pub(crate) fn matches(&self, patterns: &[Pattern]) -> Vec<(usize, usize, usize)> {
        let live: Vec<(usize, &Pattern)> = patterns.iter().enumerate().filter(|(_, p)| self.allows(p)).collect();
        if live.is_empty() {
            return Vec::new();
        }
        let longest = |at: usize| {
            let ends = live.iter().filter_map(|(i, p)| Some((self.matches_at(p, at)?, *i)));
            ends.max_by_key(|(end, i)| (*end, std::cmp::Reverse(*i))).map(|(end, i)| (at, end, i))
        };
        (0..self.words.len()).filter_map(longest).collect()
    }

    /// [`Line::matches`] without the patterns.
    pub(crate) fn find(&self, patterns: &[Pattern]) -> Vec<(usize, usize)> {
        self.matches(patterns).into_iter().map(|(start, end, _)| (start, end)).collect()
    }

    /// One of the patterns matches somewhere.
    pub(crate) fn holds(&self, patterns: &[Pattern]) -> bool {
        patterns.iter().any(|p| self.allows(p) && (0..self.words.len()).any(|at| self.matches_at(p, at).is_some()))
    }
}
