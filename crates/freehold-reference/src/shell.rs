//! Command lines: words, quotes, continuations, comments. Shell scripts, Dockerfiles, makefiles, `.env` files and the
//! commands inside deployment files are read alike.

use crate::piece::Piece;
use crate::programs::{self, Shell};
use crate::sink::Sink;
use crate::steps;

/// One word of a command, its quotes undone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Where it stands in the file.
    pub(crate) span: (usize, usize),
}

/// Words of one command that are looked at together; a longer one is taken apart.
const WORDS_MAX: usize = 2048;

/// Longest quoted text that is taken for one word, in bytes; otherwise the quote is an ordinary character.
const QUOTED_BYTES_MAX: usize = 8192;

/// Reads all commands of `piece`.
pub(crate) fn scan(sink: &mut Sink<'_>, piece: &Piece<'_>, docker: bool) {
    let mut shell = Shell::default();
    scan_with(sink, piece, docker, &mut shell);
}

/// The same, with variables and image known from before.
pub(crate) fn scan_with(sink: &mut Sink<'_>, piece: &Piece<'_>, docker: bool, shell: &mut Shell) {
    for_each_command(piece, docker, |words| {
        if sink.full() {
            sink.cut();
        } else {
            programs::command(sink, words, shell);
        }
    });
}

struct Reader<'p, F> {
    piece: &'p Piece<'p>,
    bytes: &'p [u8],
    at: usize,
    word: Vec<u8>,
    word_start: Option<usize>,
    words: Vec<Word>,
    docker: bool,
    /// Inside the array form of a Dockerfile's CMD.
    array: bool,
    /// Up to where `>`, `}` and `}}` are known not to come.
    no_close: [usize; 3],
    each: F,
}

fn for_each_command(piece: &Piece<'_>, docker: bool, each: impl FnMut(&[Word])) {
    let bytes = piece.text.as_bytes();
    let mut r = Reader {
        piece,
        bytes,
        at: 0,
        word: Vec::new(),
        word_start: None,
        words: Vec::new(),
        docker,
        array: false,
        no_close: [0; 3],
        each,
    };
    r.run();
}

impl<F: FnMut(&[Word])> Reader<'_, F> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn end_word(&mut self) {
        let Some(start) = self.word_start.take() else { return };
        let text = String::from_utf8_lossy(&self.word).into_owned();
        self.word.clear();
        let last = self.at.saturating_sub(1).max(start);
        let span = (self.piece.at(start), self.piece.at(last) + 1);
        self.words.push(Word { text, span });
        if self.words.len() >= WORDS_MAX {
            self.end_command();
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            (self.each)(&self.words);
            self.words.clear();
        }
        self.array = false;
    }

    fn add(&mut self, b: u8) {
        self.word_start.get_or_insert(self.at);
        self.word.push(b);
        self.at += 1;
    }

    /// Takes `..=to` into the word as it stands.
    fn add_to(&mut self, to: usize) {
        while self.at <= to && self.at < self.bytes.len() {
            self.add(self.peek(0));
        }
    }

    /// Offset of the last byte of `close` within `max` bytes, on this line.
    fn find_close(&mut self, close: &[u8], max: usize) -> Option<usize> {
        let known = match close {
            b">" => 0,
            b"}" => 1,
            _ => 2,
        };
        // looked for once, not once for each that opens
        if self.no_close.get(known).is_some_and(|until| self.at < *until) {
            return None;
        }
        let window = self.bytes.get(self.at..(self.at + max).min(self.bytes.len()))?;
        let line = window.split(|b| *b == b'\n').next().unwrap_or_default();
        steps::count(line.len());
        let found = line.windows(close.len()).position(|w| w == close);
        if found.is_none()
            && let Some(until) = self.no_close.get_mut(known)
        {
            *until = self.at + line.len();
        }
        found.map(|p| self.at + p + close.len() - 1)
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() {
            let b = self.peek(0);
            steps::count(1);
            match b {
                b'\\' => self.backslash(),
                b'\n' => self.newline(),
                b' ' | b'\t' | b'\r' => {
                    self.end_word();
                    self.at += 1;
                }
                b'#' if self.word_start.is_none() => self.comment(),
                b'\'' | b'"' => self.quote(b),
                b'$' if self.peek(1) == b'{' => {
                    let close: &[u8] = if self.peek(2) == b'{' { b"}}" } else { b"}" };
                    match self.find_close(close, 512) {
                        Some(to) => self.add_to(to),
                        None => self.add(b),
                    }
                }
                b'{' if self.peek(1) == b'{' => match self.find_close(b"}}", 512) {
                    Some(to) => self.add_to(to),
                    None => self.add(b),
                },
                b'$' if self.peek(1) == b'(' => {
                    self.end_command();
                    self.at += 2;
                }
                b'<' if self.word_start.is_none() => match self.find_close(b">", 64) {
                    Some(to) => {
                        self.add_to(to);
                        self.end_word();
                    }
                    None => self.at += 1,
                },
                b'<' | b'>' => {
                    self.end_word();
                    self.at += 1;
                }
                b';' | b'|' | b'&' | b'(' | b')' | b'`' => {
                    self.end_command();
                    self.at += 1;
                }
                b'[' | b']' | b',' if self.array => {
                    self.end_word();
                    self.at += 1;
                }
                b'[' if self.docker && self.word_start.is_none() && self.is_exec_form() => {
                    self.array = true;
                    self.at += 1;
                }
                _ => self.add(b),
            }
        }
        self.end_command();
    }

    fn is_exec_form(&self) -> bool {
        let first = self.words.first().map(|w| w.text.as_str()).unwrap_or_default();
        self.words.len() == 1 && ["CMD", "ENTRYPOINT", "RUN", "SHELL"].iter().any(|i| first.eq_ignore_ascii_case(i))
    }

    fn backslash(&mut self) {
        // a line that goes on, also with blanks after the backslash
        let mut n = 1;
        while matches!(self.peek(n), b' ' | b'\t' | b'\r') {
            n += 1;
        }
        if self.peek(n) == b'\n' {
            self.end_word();
            self.at += n + 1;
            return;
        }
        let next = self.peek(1);
        if matches!(next, b'"' | b'\'' | b' ' | b'$' | b'\\') {
            self.word_start.get_or_insert(self.at);
            self.at += 1;
            self.add(next);
        } else {
            self.add(b'\\');
        }
    }

    fn newline(&mut self) {
        let mut n = 1;
        while matches!(self.peek(n), b' ' | b'\t') {
            n += 1;
        }
        // an indented line that begins with a flag belongs to the command before it
        let flag = n > 1 && self.peek(n) == b'-' && self.peek(n + 1) == b'-' && self.peek(n + 2).is_ascii_alphabetic();
        if self.piece.folded || flag {
            self.end_word();
        } else {
            self.end_command();
        }
        self.at += 1;
    }

    fn comment(&mut self) {
        while self.at < self.bytes.len() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }

    fn quote(&mut self, q: u8) {
        let from = self.at + 1;
        let window = self.bytes.get(from..(from + QUOTED_BYTES_MAX).min(self.bytes.len())).unwrap_or_default();
        let mut close = None;
        let mut i = 0;
        while let Some(b) = window.get(i) {
            match b {
                b'\\' if q == b'"' => i += 1,
                b if *b == q => {
                    close = Some(from + i);
                    break;
                }
                _ => {}
            }
            i += 1;
        }
        steps::count(i);
        let Some(close) = close else {
            // an apostrophe
            self.add(q);
            return;
        };
        if self.word_start.is_none() && self.word.is_empty() {
            self.word_start = Some(from);
        }
        self.at = from;
        while self.at < close {
            let b = self.peek(0);
            if b == b'\\' && q == b'"' {
                let next = self.peek(1);
                self.at += 1;
                match next {
                    b'\n' => self.at += 1,
                    b'"' | b'\\' | b'$' | b'`' => self.add(next),
                    _ => {
                        self.at -= 1;
                        self.add(b);
                    }
                }
            } else {
                self.add(b);
            }
        }
        self.at = close + 1;
        // the span of a quoted word ends before its quote
        if !matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r' | b',' | b']' | 0) {
            return;
        }
        self.at = close;
        self.end_quoted();
        self.at = close + 1;
    }

    fn end_quoted(&mut self) {
        self.at += usize::from(self.word.is_empty());
        self.end_word();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str, docker: bool) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        let piece = Piece::whole(text);
        for_each_command(&piece, docker, |words| {
            for w in words {
                let said: String = text.get(w.span.0..w.span.1).unwrap_or_default().into();
                assert!(
                    said.contains(w.text.trim_matches('\\'))
                        || w.text.is_empty()
                        || said.contains('\\')
                        || said.contains('"'),
                    "{said:?} {w:?}"
                );
            }
            out.push(words.iter().map(|w| w.text.clone()).collect());
        });
        out
    }

    #[test]
    fn words_quotes_and_continuations() {
        assert_eq!(
            commands("a 'b c' \"d\" e\\\n  f # x y\ng; h && i | j", false),
            [vec!["a", "b c", "d", "e", "f"], vec!["g"], vec!["h"], vec!["i"], vec!["j"]]
        );
        assert_eq!(commands("x=${{ a.b }} y {{ c d }} it's", false), [vec!["x=${{ a.b }}", "y", "{{ c d }}", "it's"]]);
        assert_eq!(
            commands("hf download a/b\n  --repo-type dataset\nls", false),
            [vec!["hf", "download", "a/b", "--repo-type", "dataset"], vec!["ls"]]
        );
        assert_eq!(commands("a --model <model path> -x", false), [vec!["a", "--model", "<model path>", "-x"]]);
        assert_eq!(commands("D=$(hf download a/b)", false), [vec!["D="], vec!["hf", "download", "a/b"]]);
    }

    #[test]
    fn the_array_form_of_a_dockerfile() {
        assert_eq!(
            commands("CMD [\"vllm\", \"serve\",\"a/b\"]\nRUN [ -f x ]", true)[0],
            ["CMD", "vllm", "serve", "a/b"]
        );
    }

    #[test]
    fn half_broken_text_ends() {
        for text in ["'", "\"abc", "${", "{{", "\\", "$(", "<", "a \\", "\"\\", "é'ü"] {
            commands(text, true);
        }
    }
}
