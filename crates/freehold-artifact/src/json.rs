//! A JSON reader that knows where every value stands: no tree, no recursion, no allocation that the text does not back.
//!
//! Lenient where Python is: a byte order mark, `NaN` and `Infinity`, control characters inside strings. Everything
//! else that JSON forbids ends the walk with an error; what came before it was visited.

/// Deepest nesting that is read; real configs need six levels.
pub(crate) const DEPTH_MAX: usize = 128;

/// Why a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) at: usize,
}

/// A value as the visitor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// The bytes between the quotes, escapes as written; [`decode`] reads them.
    Str(&'a [u8]),
    /// As written.
    Number(&'a [u8]),
    Bool(bool),
    Null,
    /// An object begins; its members follow.
    Object,
    /// An array begins; its elements follow.
    Array,
}

/// Where in the document the visitor is.
pub(crate) struct Path {
    text: String,
    /// Length of `text` up to each open level.
    ends: Vec<usize>,
}

impl Path {
    /// `quantization_config.bits`, `architectures[0]`; a key with a dot or bracket is quoted: `["a.b"]`.
    pub(crate) fn dotted(&self) -> &str {
        &self.text
    }

    /// Levels below the document: 1 for a member of the top object.
    pub(crate) fn depth(&self) -> usize {
        self.ends.len()
    }

    /// The last step: `data_offsets` in `weight.data_offsets`; `[1]` in `a[1]`.
    pub(crate) fn last(&self) -> &str {
        self.step(self.ends.len().wrapping_sub(1))
    }

    /// The step at a level, 0 = the top member, as written in [`Path::dotted`], without its dot.
    pub(crate) fn step(&self, level: usize) -> &str {
        let Some(start) = self.ends.get(level) else { return "" };
        let end = self.ends.get(level.wrapping_add(1)).copied().unwrap_or(self.text.len());
        let step = self.text.get(*start..end).unwrap_or_default();
        step.strip_prefix('.').unwrap_or(step)
    }

    fn push_key(&mut self, raw: &[u8]) {
        self.ends.push(self.text.len());
        let key = decode(raw);
        if key.contains(['.', '[', ']']) || key.is_empty() {
            self.text.push_str("[\"");
            self.text.push_str(&key);
            self.text.push_str("\"]");
        } else {
            if !self.text.is_empty() {
                self.text.push('.');
            }
            self.text.push_str(&key);
        }
    }

    fn push_index(&mut self, index: usize) {
        self.ends.push(self.text.len());
        self.text.push('[');
        self.text.push_str(&index.to_string());
        self.text.push(']');
    }

    fn pop(&mut self) {
        if let Some(end) = self.ends.pop() {
            self.text.truncate(end);
        }
    }
}

/// What the visitor wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Go {
    /// Read on.
    On,
    /// Enough.
    Stop,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

enum Level {
    Object,
    Array(usize),
}

/// Is shown each value with its path and byte range.
pub(crate) type Visit<'v, 'a> = dyn FnMut(&Path, Value<'a>, (usize, usize)) -> Go + 'v;

/// Visits every value of the document in order with its path and byte range (for a string: between the quotes).
pub(crate) fn walk<'a>(bytes: &'a [u8], visit: &mut Visit<'_, 'a>) -> Result<(), JsonError> {
    let mut reader = Reader { bytes, at: if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 } };
    let mut levels: Vec<Level> = Vec::new();
    let mut path = Path { text: String::new(), ends: Vec::new() };
    loop {
        // at a value
        let (value, range) = reader.value()?;
        if visit(&path, value, range) == Go::Stop {
            return Ok(());
        }
        let opened = match value {
            Value::Object => Some((Level::Object, b'}')),
            Value::Array => Some((Level::Array(0), b']')),
            _ => None,
        };
        let mut first = false;
        if let Some((level, close)) = opened {
            if levels.len() >= DEPTH_MAX {
                return Err(reader.fail("json-too-deep", "nested deeper than 128 levels, the rest is not read"));
            }
            reader.space();
            if reader.peek() == Some(close) {
                reader.at += 1;
            } else {
                levels.push(level);
                first = true;
            }
        }
        if !reader.advance(&mut levels, &mut path, first)? {
            return Ok(());
        }
    }
}

impl<'a> Reader<'a> {
    /// Moves past separators and closing brackets to the next value; false at the end of the document.
    fn advance(&mut self, levels: &mut Vec<Level>, path: &mut Path, first: bool) -> Result<bool, JsonError> {
        loop {
            self.space();
            let Some(level) = levels.last_mut() else {
                return if self.peek().is_none() {
                    Ok(false)
                } else {
                    Err(self.fail("json-trailing", "more text after the end of the document"))
                };
            };
            if !first {
                path.pop();
                let close = if matches!(level, Level::Object) { b'}' } else { b']' };
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b) if b == close => {
                        self.at += 1;
                        levels.pop();
                        continue;
                    }
                    None => return Err(self.fail("json-truncated", "the document ends in the middle")),
                    Some(_) => return Err(self.fail("json-syntax", "expected a comma or a closing bracket")),
                }
            }
            match level {
                Level::Array(n) => {
                    path.push_index(*n);
                    *n = n.saturating_add(1);
                }
                Level::Object => {
                    self.space();
                    let (key, _) = self.string()?;
                    self.space();
                    if self.peek() != Some(b':') {
                        return Err(self.fail("json-syntax", "expected a colon after a key"));
                    }
                    self.at += 1;
                    path.push_key(key);
                }
            }
            return Ok(true);
        }
    }

    fn fail(&self, code: &'static str, message: &str) -> JsonError {
        JsonError { code, message: message.to_owned(), at: self.at.min(self.bytes.len()) }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<(Value<'a>, (usize, usize)), JsonError> {
        self.space();
        let start = self.at;
        let value = match self.peek() {
            None => return Err(self.fail("json-truncated", "the document ends where a value is due")),
            Some(b'"') => {
                let (text, range) = self.string()?;
                return Ok((Value::Str(text), range));
            }
            Some(b'{') => {
                self.at += 1;
                Value::Object
            }
            Some(b'[') => {
                self.at += 1;
                Value::Array
            }
            Some(_) => self.word()?,
        };
        Ok((value, (start, self.at)))
    }

    /// A number or a literal.
    fn word(&mut self) -> Result<Value<'a>, JsonError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let n = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')).count();
        let word = rest.get(..n).unwrap_or_default();
        let value = match word {
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            b"null" => Value::Null,
            b"NaN" | b"Infinity" | b"-Infinity" => Value::Number(word),
            _ if word.iter().any(u8::is_ascii_digit)
                && word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) =>
            {
                Value::Number(word)
            }
            _ => return Err(self.fail("json-syntax", "expected a value")),
        };
        self.at += n;
        Ok(value)
    }

    fn string(&mut self) -> Result<(&'a [u8], (usize, usize)), JsonError> {
        if self.peek() != Some(b'"') {
            let message = if self.peek().is_none() { "the document ends in the middle" } else { "expected a string" };
            return Err(self.fail(if self.peek().is_none() { "json-truncated" } else { "json-syntax" }, message));
        }
        let start = self.at + 1;
        let mut at = start;
        loop {
            match self.bytes.get(at) {
                None => {
                    return Err(self.fail("json-truncated", "a string never ends"));
                }
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        Ok((self.bytes.get(start..at).unwrap_or_default(), (start, at)))
    }
}

/// The text of a raw string: escapes resolved, what is not UTF-8 or not an escape replaced by U+FFFD.
pub(crate) fn decode(raw: &[u8]) -> String {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw).into_owned();
    }
    let text = String::from_utf8_lossy(raw);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = after.chars();
        let escaped = chars.next();
        rest = chars.as_str();
        match escaped {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some(c @ ('"' | '\\' | '/')) => out.push(c),
            Some('u') => rest = unicode_escape(rest, &mut out),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
    out.push_str(rest);
    out
}

/// Reads `XXXX` or `XXXX\uXXXX` after `\u`; what remains after it.
fn unicode_escape<'t>(text: &'t str, out: &mut String) -> &'t str {
    let unit = |t: &str| {
        let hex = t.get(..4).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u16::from_str_radix(hex, 16).ok()
    };
    let Some(first) = unit(text) else {
        out.push(char::REPLACEMENT_CHARACTER);
        return text;
    };
    let rest = text.get(4..).unwrap_or_default();
    let second = rest.strip_prefix("\\u").and_then(|t| unit(t).map(|u| (u, t.get(4..).unwrap_or_default())));
    if let (0xd800..=0xdbff, Some((low @ 0xdc00..=0xdfff, after))) = (first, second) {
        out.extend(char::decode_utf16([first, low]).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        return after;
    }
    out.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Vec<String>, Option<JsonError>) {
        let mut out = Vec::new();
        let error = walk(text.as_bytes(), &mut |path, value, (s, e)| {
            let at = text.get(s..e).unwrap_or_default();
            out.push(format!("{} {value:?} {at}", path.dotted()));
            Go::On
        })
        .err();
        (out, error)
    }

    fn paths(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        walk(text.as_bytes(), &mut |path, value, (s, e)| {
            if !matches!(value, Value::Object | Value::Array) {
                out.push(format!("{}={}", path.dotted(), &text[s..e]));
            }
            Go::On
        })
        .unwrap();
        out
    }

    #[test]
    fn every_value_has_its_path_and_place() {
        let text = r#" {"a":{"b":[1,{"c":"x"},[]],"d.e":true},"f":null,"":-1.5e3, "g":[],"h":{}} "#;
        assert_eq!(paths(text), ["a.b[0]=1", "a.b[1].c=x", "a[\"d.e\"]=true", "f=null", "[\"\"]=-1.5e3"]);
    }

    #[test]
    fn broken_documents_end_with_a_reason() {
        for (text, code) in [
            ("", "json-truncated"),
            ("{", "json-truncated"),
            ("{\"a\"", "json-syntax"),
            ("{\"a\":", "json-truncated"),
            ("{\"a\":1", "json-truncated"),
            ("{\"a\":\"x", "json-truncated"),
            ("{\"a\":\"x\\", "json-truncated"),
            ("{\"a\":1,}", "json-syntax"),
            ("{\"a\":1]", "json-syntax"),
            ("[1 2]", "json-syntax"),
            ("{} {}", "json-trailing"),
            ("<html>", "json-syntax"),
            ("{\"a\":nul}", "json-syntax"),
        ] {
            assert_eq!(seen(text).1.unwrap().code, code, "{text}");
        }
        let deep = "[".repeat(10_000);
        assert_eq!(seen(&deep).1.unwrap().code, "json-too-deep");
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(decode(br#"a\n\u0041\ud83d\ude00\"\\\/"#), "a\nA\u{1f600}\"\\/");
        assert_eq!(decode(br"\ud800x\u12\q"), "\u{fffd}x\u{fffd}12\u{fffd}");
        assert_eq!(decode(b"\xff"), "\u{fffd}");
    }
}
