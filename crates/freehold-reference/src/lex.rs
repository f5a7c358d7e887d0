//! A small tokenizer for source code: names, string literals, marks. Comments are left out; a literal that is not
//! closed ends with its line.

use crate::code::Style;
use crate::steps;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tok {
    /// A name or number.
    Name,
    /// A string literal; `start..end` is what stands between its quotes.
    Text {
        /// It is put together when the program runs (`f"…"`, a template with `${…}`).
        computed: bool,
        /// It spans lines (`"""`), so it may be documentation.
        long: bool,
    },
    /// One character.
    Mark(u8),
    /// The end of a line outside brackets is told by the reader; all line ends are kept.
    Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) tok: Tok,
    from: u32,
    to: u32,
}

impl Token {
    pub(crate) fn start(&self) -> usize {
        self.from as usize
    }

    pub(crate) fn end(&self) -> usize {
        self.to as usize
    }
}

/// Longest literal on several lines, in bytes.
const LONG_TEXT_BYTES_MAX: usize = 256 << 10;

struct Lexer<'a> {
    bytes: &'a [u8],
    style: Style,
    at: usize,
    out: Vec<Token>,
    /// Bytes that were read for literals that then were not closed.
    wasted: usize,
}

/// Bytes that are read in vain for literals on several lines before their ends are looked for nearby only.
const WASTED_BYTES_MAX: usize = 4 * LONG_TEXT_BYTES_MAX;

/// Longest literal on several lines after that.
const NEARBY_BYTES: usize = 64;

/// The tokens of `text`.
pub(crate) fn tokens(text: &str, style: Style) -> Vec<Token> {
    let mut lexer = Lexer { bytes: text.as_bytes(), style, at: 0, out: Vec::new(), wasted: 0 };
    lexer.run();
    lexer.out
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, tok: Tok, start: usize, end: usize) {
        // the text is at most `u32::MAX` bytes long: `scan` cuts it
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.out.push(Token { tok, from: narrow(start), to: narrow(end) });
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            let b = self.peek(0);
            steps::count(1);
            match b {
                b'\n' => {
                    self.push(Tok::Line, self.at, self.at + 1);
                    self.at += 1;
                }
                b if b.is_ascii_whitespace() => self.at += 1,
                b'#' if self.style == Style::Python => self.skip_line(),
                b'/' if self.style != Style::Python && self.peek(1) == b'/' => self.skip_line(),
                b'/' if self.style != Style::Python && self.peek(1) == b'*' => self.skip_block(),
                b'"' | b'\'' | b'`' => self.text(b, false, false),
                b if b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80 => self.name(),
                _ => {
                    self.push(Tok::Mark(b), self.at, self.at + 1);
                    self.at += 1;
                }
            }
        }
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }

    fn skip_block(&mut self) {
        self.at += 2;
        while self.at < self.bytes.len() && !(self.peek(0) == b'*' && self.peek(1) == b'/') {
            self.at += 1;
        }
        self.at += 2;
    }

    fn name(&mut self) {
        let start = self.at;
        while self.peek(0).is_ascii_alphanumeric() || matches!(self.peek(0), b'_' | b'$') || self.peek(0) >= 0x80 {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).unwrap_or_default();
        let next = self.peek(0);
        if self.style == Style::Python && matches!(next, b'"' | b'\'') && word.len() <= 2 {
            let has = |c: u8| word.iter().any(|b| b.eq_ignore_ascii_case(&c));
            if word.iter().all(|b| matches!(b.to_ascii_lowercase(), b'f' | b'r' | b'b' | b'u')) {
                self.text(next, has(b'f'), has(b'r'));
                return;
            }
        }
        if self.style == Style::Rust && matches!(word, b"r" | b"br") && matches!(next, b'"' | b'#') && self.raw_rust() {
            return;
        }
        self.push(Tok::Name, start, self.at);
    }

    /// `r#"…"#` at the marks; false where it is none.
    fn raw_rust(&mut self) -> bool {
        let mut hashes = 0;
        while self.peek(hashes) == b'#' && hashes < 8 {
            hashes += 1;
        }
        if self.peek(hashes) != b'"' {
            return false;
        }
        let start = self.at + hashes + 1;
        let mut end = start;
        let stop = self.bytes.len().min(start + self.long_max());
        while end < stop {
            let closed =
                self.bytes.get(end) == Some(&b'"') && (1..=hashes).all(|n| self.bytes.get(end + n) == Some(&b'#'));
            if closed {
                self.push(Tok::Text { computed: false, long: false }, start, end);
                self.at = end + 1 + hashes;
                return true;
            }
            end += 1;
        }
        self.wasted = self.wasted.saturating_add(end - start);
        steps::count(end - start);
        self.at = start;
        true
    }

    fn long_max(&self) -> usize {
        if self.wasted > WASTED_BYTES_MAX { NEARBY_BYTES } else { LONG_TEXT_BYTES_MAX }
    }

    fn text(&mut self, q: u8, computed: bool, raw: bool) {
        if self.style == Style::Rust && q == b'\'' {
            // a lifetime, or one character
            let close = if self.peek(1) == b'\\' { 3 } else { 2 };
            self.at += if self.peek(close) == b'\'' { close + 1 } else { 1 };
            return;
        }
        if self.style != Style::JavaScript && q == b'`' {
            self.at += 1;
            return;
        }
        let triple = self.style == Style::Python && self.peek(1) == q && self.peek(2) == q;
        let start = self.at + if triple { 3 } else { 1 };
        let lines = triple || q == b'`' || self.style == Style::Rust;
        let stop = if lines { self.bytes.len().min(start + self.long_max()) } else { self.bytes.len() };
        let mut end = start;
        let mut template = computed;
        while end < stop {
            let b = self.bytes.get(end).copied().unwrap_or(0);
            let closed =
                b == q && (!triple || self.bytes.get(end + 1) == Some(&q) && self.bytes.get(end + 2) == Some(&q));
            if closed {
                self.push(Tok::Text { computed: template, long: triple }, start, end);
                self.at = end + if triple { 3 } else { 1 };
                return;
            }
            if b == b'\n' && !lines {
                break;
            }
            template |= q == b'`' && b == b'$' && self.bytes.get(end + 1) == Some(&b'{');
            end += if b == b'\\' && !(raw && self.bytes.get(end + 1) != Some(&q)) { 2 } else { 1 };
        }
        // not closed: an apostrophe, or broken code; go on behind the quote
        steps::count(end.saturating_sub(start));
        if lines {
            self.wasted = self.wasted.saturating_add(end - start);
        }
        if lines && !triple {
            self.at = start;
        } else if triple {
            self.skip_line();
        } else {
            self.at = end.min(self.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(code: &str, style: Style) -> Vec<&str> {
        let t = tokens(code, style);
        t.iter().filter(|t| matches!(t.tok, Tok::Text { .. })).map(|t| &code[t.start()..t.end()]).collect()
    }

    #[test]
    fn literals_of_each_language() {
        assert_eq!(
            texts("a = 'x' # 'y'\nf\"{z}\" r'\\d' \"\"\"l\n1\"\"\" '' \"a\\\"b\"", Style::Python),
            ["x", "{z}", "\\d", "l\n1", "", "a\\\"b"]
        );
        assert_eq!(texts("a('x', \"y\"); // 'z'\n/* 'w' */ `t${u}`", Style::JavaScript), ["x", "y", "t${u}"]);
        assert_eq!(texts("f::<'a>(\"x\", r#\"y\"z\"#, 'c', '\\n') // \"w\"", Style::Rust), ["x", "y\"z"]);
    }

    #[test]
    fn an_open_literal_ends_with_its_line() {
        assert_eq!(texts("a = 'x\nb = 'y'", Style::Python), ["y"]);
        assert_eq!(texts("it's\n'y'", Style::JavaScript), ["y"]);
        for text in ["'", "\"\"\"", "`", "r#\"", "/*", "f'", "\\", "'\\"] {
            for style in [Style::Python, Style::JavaScript, Style::Rust] {
                tokens(text, style);
            }
        }
    }
}
