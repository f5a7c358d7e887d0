//! A part of the file, perhaps decoded, that knows where each of its bytes stands in the file.

use std::borrow::Cow;

/// Text with a map from its own offsets to those of the file.
#[derive(Clone, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) text: Cow<'a, str>,
    /// `(own offset, file offset)`, ascending; between two entries both advance together.
    map: Vec<(usize, usize)>,
    /// True where a line break only separates words (folded and plain scalars of YAML).
    pub(crate) folded: bool,
}

impl<'a> Piece<'a> {
    /// The file itself.
    pub(crate) fn whole(text: &'a str) -> Piece<'a> {
        Piece { text: Cow::Borrowed(text), map: vec![(0, 0)], folded: false }
    }

    /// An empty text that is added to.
    pub(crate) fn empty() -> Piece<'a> {
        Piece { text: Cow::Owned(String::new()), map: Vec::new(), folded: false }
    }

    /// `from..to` of this text.
    pub(crate) fn part(&self, from: usize, to: usize) -> Piece<'_> {
        let text = self.text.get(from..to).unwrap_or_default();
        let first = self.map.partition_point(|(own, _)| *own <= from);
        let mut map = vec![(0, self.at(from))];
        let inside = self.map.get(first..).unwrap_or_default().iter().take_while(|(own, _)| *own < to);
        map.extend(inside.map(|(own, file)| (own - from, *file)));
        Piece { text: Cow::Borrowed(text), map, folded: self.folded }
    }

    /// Adds `text`, which stands at `file`.
    pub(crate) fn push(&mut self, text: &str, file: usize) {
        self.map.push((self.text.len(), file));
        self.text.to_mut().push_str(text);
    }

    /// Adds all of `other`.
    pub(crate) fn append(&mut self, other: &Piece<'_>) {
        let start = self.text.len();
        self.map.extend(other.map.iter().map(|(own, file)| (own + start, *file)));
        self.text.to_mut().push_str(&other.text);
    }

    /// Where the byte at `own` stands in the file.
    pub(crate) fn at(&self, own: usize) -> usize {
        let i = self.map.partition_point(|(o, _)| *o <= own).saturating_sub(1);
        self.map.get(i).map_or(own, |(o, file)| file + own.saturating_sub(*o))
    }

    /// A quoted scalar of JSON, YAML or TOML at `from..to` of this text, its escapes undone.
    pub(crate) fn unquoted(&self, from: usize, to: usize, quote: u8) -> Piece<'_> {
        let part = self.part(from, to);
        let escape = match quote {
            b'"' => '\\',
            b'\'' => '\'',
            _ => return part,
        };
        if !part.text.contains(escape) {
            return part;
        }
        let mut out = Piece { folded: part.folded, ..Piece::empty() };
        let mut start = 0;
        let mut chars = part.text.char_indices();
        while let Some((at, c)) = chars.next() {
            if c != escape {
                continue;
            }
            out.push(part.text.get(start..at).unwrap_or_default(), part.at(start));
            let Some((next_at, next)) = chars.next() else {
                start = part.text.len();
                break;
            };
            let mut end = next_at + next.len_utf8();
            let mut encoded = [0; 4];
            let put: &str = match (quote, next) {
                (b'\'', _) => "'",
                (_, 'n') => "\n",
                (_, 't') => "\t",
                (_, 'r') => "",
                // a line that goes on
                (_, '\n') => "",
                (_, 'u') => {
                    let hex = part.text.get(end..end + 4).unwrap_or_default();
                    match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
                        Some(c) => {
                            end += 4;
                            for _ in 0..4 {
                                chars.next();
                            }
                            c.encode_utf8(&mut encoded)
                        }
                        None => "",
                    }
                }
                (_, c) => c.encode_utf8(&mut encoded),
            };
            out.push(put, part.at(at));
            start = end;
        }
        out.push(part.text.get(start..).unwrap_or_default(), part.at(start));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_survive_decoding() {
        let whole = Piece::whole(r#"x "a\nb\"c\u0041d" y"#);
        let p = whole.unquoted(3, 17, b'"');
        assert_eq!(p.text, "a\nb\"cAd");
        assert_eq!(p.at(0), 3);
        assert_eq!(p.at(2), 6);
        assert_eq!(p.at(6), 16);
        let q = p.part(2, 4);
        assert_eq!((q.text.as_ref(), q.at(0)), ("b\"", 6));
    }
}
