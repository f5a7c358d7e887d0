//! A text as a sequence of words, each with its place in the original.
//!
//! What a copy may change without changing the license is gone: case, wrapping, quotes, dashes, comment prefixes,
//! Markdown, HTML tags and entities. A word, a number, a name or a date is kept. List marks (`1.`, `(a)`, `iv)`) are
//! kept apart from the words: see [`Mark`].

use sha2::{Digest, Sha256};

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// First byte in the original text.
    pub start: u32,
    /// Byte after the last in the original text.
    pub end: u32,
    /// Hash of the folded word, the same on every platform.
    pub hash: u64,
    fold_start: u32,
    fold_end: u32,
}

/// A token that looks like a list mark, whatever the wrapping: one or two digits, one letter or a small roman numeral
/// in the form `x.`, `x)` or `(x)`, and `1.2.`. It is not a word. At the start of a line it numbers a paragraph, and
/// copies may renumber, add or drop it; elsewhere (`(i) … (ii) …`, "version 2.") it must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Index of the word that follows.
    pub before: u32,
    /// First byte in the original text.
    pub start: u32,
    /// Byte after the last in the original text.
    pub end: u32,
    /// Hash of the folded mark without punctuation.
    pub hash: u64,
    /// True at the start of a line and not after a word that takes a number (`section`, `version`).
    pub initial: bool,
}

/// A text, normalized.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// The words in order.
    pub words: Vec<Word>,
    /// The list marks in order.
    pub marks: Vec<Mark>,
    folded: String,
}

impl Words {
    /// Normalizes a text. Bytes beyond `u32::MAX` are not read.
    pub fn of(text: &str) -> Words {
        let decoded = decode(text);
        let mut scan = Scan { chars: &decoded, out: Words::default(), word: None, line_has_word: false };
        scan.out.folded.reserve(text.len());
        scan.run();
        scan.out
    }

    /// The folded form of word `i`; empty beyond the end.
    pub fn folded(&self, i: usize) -> &str {
        self.words.get(i).and_then(|w| self.folded.get(w.fold_start as usize..w.fold_end as usize)).unwrap_or("")
    }

    /// sha256 of the folded words joined by one space.
    pub fn sha256(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for i in 0..self.words.len() {
            if i > 0 {
                hasher.update(b" ");
            }
            hasher.update(self.folded(i).as_bytes());
        }
        hasher.finalize().into()
    }

    /// Index of the first word that starts at or after the byte.
    pub(crate) fn at_byte(&self, byte: usize) -> usize {
        self.words.partition_point(|w| (w.start as usize) < byte)
    }

    /// True where the folded words from `at` on are `phrase` (words separated by a space).
    pub(crate) fn phrase_at(&self, at: usize, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(i, w)| self.folded(at + i) == w)
    }

    /// Index of the first occurrence of `phrase` in the words `from..to`.
    pub(crate) fn find(&self, phrase: &str, from: usize, to: usize) -> Option<usize> {
        (from..to.min(self.words.len())).find(|i| self.phrase_at(*i, phrase))
    }
}

/// A character of the text, entities decoded.
#[derive(Clone, Copy)]
struct Char {
    c: char,
    start: u32,
    end: u32,
}

const ENTITY_BYTES_MAX: usize = 12;
const TAG_CHARS_MAX: usize = 2000;
const WORD_BYTES_MAX: usize = 4096;

fn decode(text: &str) -> Vec<Char> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0usize;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let (c, len) = if c == '&' { entity(text, at).unwrap_or(('&', 1)) } else { (c, c.len_utf8()) };
        let (Ok(start), Ok(end)) = (u32::try_from(at), u32::try_from(at + len)) else { break };
        out.push(Char { c, start, end });
        at += len;
    }
    out
}

fn entity(text: &str, at: usize) -> Option<(char, usize)> {
    let bytes = text.as_bytes().get(at + 1..)?;
    let len = bytes.iter().take(ENTITY_BYTES_MAX).position(|b| *b == b';')?;
    let name = text.get(at + 1..at + 1 + len)?;
    let c = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        char::from_u32(code)?
    } else {
        match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" | "ldquo" | "rdquo" | "bdquo" | "laquo" | "raquo" => '"',
            "apos" | "lsquo" | "rsquo" | "sbquo" => '\'',
            "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
            "ndash" | "mdash" | "minus" | "bull" | "middot" | "hellip" | "sect" | "para" | "deg" => '-',
            "copy" => '©',
            "reg" => '®',
            "trade" => '™',
            "shy" | "zwnj" | "zwj" => '\u{ad}',
            "euro" => '€',
            "pound" => '£',
            "yen" => '¥',
            "eacute" => 'e',
            _ => return None,
        }
    };
    Some((c, len + 2))
}

struct Scan<'a> {
    chars: &'a [Char],
    out: Words,
    /// Start byte of the word being read, start of its folded form, end byte so far.
    word: Option<(u32, usize, u32)>,
    line_has_word: bool,
}

impl Scan<'_> {
    fn c(&self, i: usize) -> char {
        self.chars.get(i).map_or('\n', |c| c.c)
    }

    fn run(&mut self) {
        let mut i = 0;
        while let Some(&ch) = self.chars.get(i) {
            if ch.c == '<'
                && let Some((next, splits)) = self.tag(i)
            {
                if splits {
                    self.finish();
                    self.line_has_word = false;
                }
                i = next;
            } else if ch.c == ']'
                && let Some(next) = self.link_target(i)
            {
                self.finish();
                i = next;
            } else if is_transparent(ch.c) {
                i += 1;
            } else if is_word(ch.c) {
                if self.word.is_none()
                    && let Some(next) = self.mark(i)
                {
                    i = next;
                    continue;
                }
                self.push(ch);
                i += 1;
            } else {
                self.finish();
                if ch.c == '\n' || ch.c == '\r' {
                    self.line_has_word = false;
                }
                i += 1;
            }
        }
        self.finish();
    }

    fn push(&mut self, ch: Char) {
        let alone = is_alone(ch.c);
        if alone {
            self.finish();
        }
        let (start, fold, _) = self.word.unwrap_or((ch.start, self.out.folded.len(), ch.start));
        fold_into(ch.c, &mut self.out.folded);
        self.word = Some((start, fold, ch.end));
        if alone || self.out.folded.len() - fold > WORD_BYTES_MAX {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let Some((start, fold, end)) = self.word.take() else { return };
        if self.out.folded.get(fold..) == Some("https") {
            self.out.folded.pop();
        }
        let hash = hash_bytes(self.out.folded.as_bytes().get(fold..).unwrap_or_default());
        let (Ok(fold_start), Ok(fold_end)) = (u32::try_from(fold), u32::try_from(self.out.folded.len())) else {
            return;
        };
        if fold_start < fold_end {
            self.out.words.push(Word { start, end, hash, fold_start, fold_end });
            self.line_has_word = true;
        }
    }

    /// A list mark whose first character is at `i`: the index after it.
    fn mark(&mut self, i: usize) -> Option<usize> {
        let before = if i == 0 { '\n' } else { self.c(i - 1) };
        let open = matches!(before, '(' | '（');
        if open && let Some(end) = self.trademark(i) {
            return Some(end);
        }
        if open {
            let outer = if i < 2 { '\n' } else { self.c(i - 2) };
            if outer.is_alphanumeric() || outer == ')' {
                return None;
            }
        } else if before.is_alphanumeric() || ".,/@:=&'’-–[{$<".contains(before) {
            // a hyphen followed by a mark is a bullet only where the hyphen itself stands after a space
            if !(matches!(before, '-' | '–') && (i < 2 || self.c(i - 2).is_whitespace())) {
                return None;
            }
        }
        let end = self.mark_end(i, open)?;
        let last = self.out.words.len().wrapping_sub(1);
        let text: String = (i..end).flat_map(|j| self.c(j).to_lowercase()).filter(|c| c.is_alphanumeric()).collect();
        let after = (end..self.chars.len().min(end + 4)).map(|j| self.c(j)).find(|c| c.is_alphanumeric());
        if open && text == "c" && (self.out.folded(last) == "copyright" || after.is_some_and(|c| c.is_ascii_digit())) {
            return Some(end);
        }
        let (first, final_char) = (self.chars.get(i)?, self.chars.get(end.checked_sub(1)?)?);
        let initial = !self.line_has_word && !TAKES_NUMBER.contains(&self.out.folded(last));
        self.out.marks.push(Mark {
            before: u32::try_from(self.out.words.len()).ok()?,
            start: first.start,
            end: final_char.end,
            hash: hash_bytes(text.as_bytes()),
            initial,
        });
        Some(end)
    }

    /// `(R)` and `(TM)` are dropped as `®` and `™` are: the index after the letters.
    fn trademark(&self, i: usize) -> Option<usize> {
        let letters: String =
            (i..i + 3).map(|j| self.c(j)).take_while(|c| *c != ')').collect::<String>().to_lowercase();
        matches!(letters.as_str(), "r" | "tm").then_some(i + letters.len())
    }

    fn mark_end(&self, i: usize, open: bool) -> Option<usize> {
        let mut j = self.mark_component(i)?;
        if open {
            return matches!(self.c(j), ')' | '）').then_some(j + 1);
        }
        let numeric = self.c(i).is_ascii_digit();
        for _ in 0..4 {
            if self.c(j) == '\\' {
                j += 1;
            }
            match self.c(j) {
                ')' | '）' | '、' => return self.mark_stops(j + 1).then_some(j + 1),
                '.' if self.mark_stops(j + 1) => return Some(j + 1),
                '.' if numeric => j = self.mark_component(j + 1)?,
                _ => return None,
            }
        }
        None
    }

    fn mark_stops(&self, j: usize) -> bool {
        let c = self.c(j);
        j >= self.chars.len() || c.is_whitespace() || matches!(c, '*' | '_' | '<' | '"' | '“') || is_alone(c)
    }

    /// One or two digits, one letter, or a roman numeral of at most five letters: the index after it.
    fn mark_component(&self, i: usize) -> Option<usize> {
        let len = (i..i + 7).take_while(|j| self.c(*j).is_alphanumeric()).count();
        let run = |f: fn(char) -> bool| (i..i + len).all(|j| f(self.c(j)));
        let fits = match len {
            1 => self.c(i).is_ascii_alphanumeric(),
            2..=5 => {
                (len == 2 && run(|c| c.is_ascii_digit()))
                    || run(|c| matches!(c, 'i' | 'v' | 'x'))
                    || run(|c| matches!(c, 'I' | 'V' | 'X'))
            }
            _ => false,
        };
        fits.then_some(i + len)
    }

    /// An HTML tag or comment at `i`: the index after it, and whether it separates words.
    fn tag(&self, i: usize) -> Option<(usize, bool)> {
        if (1..=3).zip(['!', '-', '-']).all(|(d, c)| self.c(i + d) == c) {
            let end =
                (i + 4..self.chars.len()).find(|j| (0..3).zip(['-', '-', '>']).all(|(d, c)| self.c(j + d) == c))?;
            return Some((end + 3, true));
        }
        let closing = self.c(i + 1) == '/';
        let from = i + 1 + usize::from(closing || self.c(i + 1) == '!');
        let name: String = (from..from + 12)
            .map(|j| self.c(j))
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        let after = self.c(from + name.len());
        if !(after.is_whitespace() || after == '>' || after == '/') {
            return None;
        }
        let inline = INLINE_TAGS.contains(&name.as_str());
        if !inline && !BLOCK_TAGS.contains(&name.as_str()) {
            return None;
        }
        let close = (from..(from + TAG_CHARS_MAX).min(self.chars.len())).find(|j| self.c(*j) == '>')?;
        if !closing && matches!(name.as_str(), "script" | "style") {
            let end = (close..self.chars.len()).find(|j| {
                self.c(*j) == '<'
                    && self.c(j + 1) == '/'
                    && name.chars().zip(j + 2..).all(|(n, k)| self.c(k).to_ascii_lowercase() == n)
            });
            return Some((end.unwrap_or(self.chars.len()), true));
        }
        Some((close + 1, !inline))
    }

    /// `](target)` at `i`, where the target looks like an address: the index after it.
    fn link_target(&self, i: usize) -> Option<usize> {
        if self.c(i + 1) != '(' {
            return None;
        }
        let mut looks = false;
        for j in i + 2..(i + TAG_CHARS_MAX).min(self.chars.len()) {
            match self.c(j) {
                ')' => return looks.then_some(j + 1),
                '/' | '#' | '@' | '.' | ':' => looks = true,
                '\n' => return None,
                c if c.is_whitespace() && self.c(j + 1) != '"' && self.c(j + 1) != ')' => return None,
                _ => {}
            }
        }
        None
    }
}

/// Words after which a number is a reference, not a list mark.
const TAKES_NUMBER: &[&str] = &[
    "section",
    "sections",
    "clause",
    "clauses",
    "article",
    "articles",
    "paragraph",
    "paragraphs",
    "version",
    "exhibit",
    "schedule",
    "appendix",
    "attachment",
    "part",
    "v",
];

const INLINE_TAGS: &[&str] = &[
    "a", "abbr", "b", "big", "code", "em", "font", "i", "kbd", "mark", "s", "small", "span", "strong", "sub", "sup",
    "tt", "u", "var",
];

const BLOCK_TAGS: &[&str] = &[
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "button",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "doctype",
    "dt",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "iframe",
    "img",
    "input",
    "label",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "noscript",
    "ol",
    "option",
    "p",
    "path",
    "pre",
    "script",
    "section",
    "select",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// Not seen by a reader, inside a word or beside it.
fn is_transparent(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{300}'..='\u{36f}')
}

/// A character that is a word by itself: scripts written without spaces, currency, percent.
fn is_alone(c: char) -> bool {
    matches!(c, '$' | '%' | '€' | '£' | '¥' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_alone(c)
}

fn fold_into(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            let ascii = char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c);
            out.push(ascii.to_ascii_lowercase());
        }
        'à'..='å' | 'À'..='Å' | 'ā' | 'ă' | 'ą' => out.push('a'),
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'ė' | 'ę' | 'ě' => out.push('e'),
        'ì'..='ï' | 'Ì'..='Ï' | 'ī' | 'ı' | 'İ' => out.push('i'),
        'ò'..='ö' | 'ø' | 'Ò'..='Ö' | 'Ø' | 'ō' | 'ő' => out.push('o'),
        'ù'..='ü' | 'Ù'..='Ü' | 'ū' | 'ů' | 'ű' => out.push('u'),
        'ç' | 'Ç' | 'ć' | 'Ć' | 'č' | 'Č' => out.push('c'),
        'ñ' | 'Ñ' | 'ń' | 'ň' => out.push('n'),
        'ý' | 'ÿ' | 'Ý' => out.push('y'),
        'ś' | 'š' | 'Ś' | 'Š' | 'ş' => out.push('s'),
        'ź' | 'ż' | 'ž' | 'Ž' => out.push('z'),
        'ł' | 'Ł' => out.push('l'),
        'ğ' => out.push('g'),
        'ß' => out.push_str("ss"),
        'æ' | 'Æ' => out.push_str("ae"),
        'œ' | 'Œ' => out.push_str("oe"),
        'ﬁ' => out.push_str("fi"),
        'ﬂ' => out.push_str("fl"),
        'ﬀ' => out.push_str("ff"),
        'ﬃ' => out.push_str("ffi"),
        'ﬄ' => out.push_str("ffl"),
        _ => out.extend(c.to_lowercase()),
    }
}

/// FNV-1a with a final mix, so that every bit depends on every byte.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    for b in bytes {
        h = (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    mix(h)
}

/// The finalizer of `SplitMix64`.
pub(crate) fn mix(mut h: u64) -> u64 {
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

/// Words in a window.
pub(crate) const WINDOW_WORDS: usize = 4;
/// Hashes of windows are kept in this many bits.
const WINDOW_BITS: u32 = 40;

/// The hash of each window of [`WINDOW_WORDS`] words, 40 bits.
pub(crate) fn windows(words: &[Word]) -> Vec<u64> {
    words
        .windows(WINDOW_WORDS)
        .map(|w| {
            w.iter().fold(0x9e37_79b9_7f4a_7c15u64, |h, word| mix(h.rotate_left(17) ^ word.hash)) >> (64 - WINDOW_BITS)
        })
        .collect()
}

/// Where a quote stands in a text, as a byte range of the text: the same words in the same order, list marks that
/// number a paragraph aside. `None` where it does not stand there, or where the quote has no words.
pub fn contains_quote(text: &str, quote: &str) -> Option<(usize, usize)> {
    let (text, quote) = (Words::of(text), Words::of(quote));
    quote_in(&text, &quote)
}

/// [`contains_quote`] over normalized texts, for many quotes against one text.
pub fn quote_in(text: &Words, quote: &Words) -> Option<(usize, usize)> {
    let count = quote.words.len();
    let first = quote.words.first()?;
    for at in 0..text.words.len().checked_sub(count)? + 1 {
        let Some(found) = text.words.get(at..at + count) else { break };
        if found.first().is_some_and(|w| w.hash == first.hash)
            && (0..count).all(|i| text.folded(at + i) == quote.folded(i))
            && marks_agree(text, quote, at, count)
        {
            let last = found.last()?;
            return Some((found.first()?.start as usize, last.end as usize));
        }
    }
    None
}

fn marks_agree(text: &Words, quote: &Words, at: usize, count: usize) -> bool {
    let shift = |m: &Mark, by: usize| (m.before as usize).checked_sub(by).map(|b| (b, m.hash, m.initial));
    let inside = |m: &(usize, u64, bool)| m.0 > 0 && m.0 < count;
    let from = text.marks.partition_point(|m| m.before as usize <= at);
    let theirs: Vec<_> =
        text.marks.iter().skip(from).map_while(|m| shift(m, at)).take_while(|m| m.0 < count).filter(inside).collect();
    let ours: Vec<_> = quote.marks.iter().filter_map(|m| shift(m, 0)).filter(inside).collect();
    ours.iter().all(|q| theirs.iter().any(|t| t.0 == q.0 && t.1 == q.1))
        && theirs.iter().all(|t| t.2 || ours.iter().any(|q| t.0 == q.0 && t.1 == q.1))
}
