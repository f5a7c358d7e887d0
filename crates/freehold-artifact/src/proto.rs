//! Protocol buffers without a schema: one field after the other, long ones jumped over.

use crate::input::{Cursor, Stop};

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// A number.
    Varint(u64),
    /// Text, bytes or a message: the range in the file. The cursor stands at its start.
    Bytes { at: u64, end: u64 },
    /// Four or eight bytes, jumped over.
    Fixed,
}

/// Why a message cannot be read.
#[derive(Debug)]
pub(crate) enum Fault {
    Stop(Stop),
    /// In words, and where.
    Broken(String),
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Fault {
        Fault::Stop(stop)
    }
}

impl Fault {
    /// In words, for a diagnostic.
    pub(crate) fn words(&self) -> String {
        match self {
            Fault::Stop(Stop::Truncated { needed }) => format!("it would reach to byte {needed}, beyond the end"),
            Fault::Stop(Stop::Budget) => "it is longer than what is read".to_owned(),
            Fault::Stop(Stop::Io(kind)) => format!("reading failed: {kind}"),
            Fault::Broken(why) => why.clone(),
        }
    }
}

fn varint(cursor: &mut Cursor<'_, '_>) -> Result<u64, Fault> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = cursor.byte()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Fault::Broken(format!("a number of more than ten bytes ends at byte {}", cursor.at)))
}

/// The next field of a message that ends at `end`; `None` at the end.
pub(crate) fn field(cursor: &mut Cursor<'_, '_>, end: u64) -> Result<Option<(u64, Wire)>, Fault> {
    if cursor.at >= end {
        return Ok(None);
    }
    let start = cursor.at;
    let tag = varint(cursor)?;
    let number = tag >> 3;
    if number == 0 || number >= 1 << 29 {
        return Err(Fault::Broken(format!("the field at byte {start} has no legal number")));
    }
    let wire = match tag & 7 {
        0 => Wire::Varint(varint(cursor)?),
        1 => {
            cursor.skip(8)?;
            Wire::Fixed
        }
        2 => {
            let length = varint(cursor)?;
            let at = cursor.at;
            let Some(last) = at.checked_add(length).filter(|l| *l <= end) else {
                return Err(Stop::Truncated { needed: at.saturating_add(length) }.into());
            };
            Wire::Bytes { at, end: last }
        }
        5 => {
            cursor.skip(4)?;
            Wire::Fixed
        }
        kind => return Err(Fault::Broken(format!("the field at byte {start} is of kind {kind}, which is not in use"))),
    };
    if cursor.at > end {
        return Err(Fault::Broken(format!("the field at byte {start} is longer than its message")));
    }
    Ok(Some((number, wire)))
}

/// The text at a range, at most `max` bytes of it; the cursor then stands behind the range.
pub(crate) fn text(cursor: &mut Cursor<'_, '_>, at: u64, end: u64, max: usize) -> Result<String, Fault> {
    cursor.seek(at)?;
    let length = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(max);
    let text = String::from_utf8_lossy(cursor.take(length)?).into_owned();
    cursor.seek(end)?;
    Ok(text)
}

/// A map's entry (`string` to `string`): key, value, range of the value.
pub(crate) fn entry(
    cursor: &mut Cursor<'_, '_>,
    at: u64,
    end: u64,
    max: usize,
) -> Result<(String, String, (u64, u64)), Fault> {
    cursor.seek(at)?;
    let (mut key, mut value, mut place) = (String::new(), String::new(), (at, end));
    while let Some((number, wire)) = field(cursor, end)? {
        if let Wire::Bytes { at, end } = wire {
            match number {
                1 => key = text(cursor, at, end, 256)?,
                2 => {
                    value = text(cursor, at, end, max)?;
                    place = (at, end);
                }
                _ => cursor.seek(end)?,
            }
        }
    }
    cursor.seek(end)?;
    Ok((key, value, place))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::input::Input;

    fn number(mut n: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while n >= 0x80 {
            out.push(u8::try_from(n & 0x7f).unwrap() | 0x80);
            n >>= 7;
        }
        out.push(u8::try_from(n).unwrap());
        out
    }

    /// A field with bytes.
    pub(crate) fn bytes(field: u64, body: impl AsRef<[u8]>) -> Vec<u8> {
        let body = body.as_ref();
        [number(field << 3 | 2), number(body.len() as u64), body.to_vec()].concat()
    }

    /// A field with a number.
    pub(crate) fn varint(field: u64, n: u64) -> Vec<u8> {
        [number(field << 3), number(n)].concat()
    }

    #[test]
    fn fields_come_one_by_one() {
        let message = [varint(1, 300), bytes(14, "abc"), vec![0x1d, 0, 0, 0, 0]].concat();
        let source = message.as_slice();
        let mut input = Input::open(&source).unwrap();
        let end = input.size;
        let mut cursor = Cursor::new(&mut input, 0);
        assert_eq!(field(&mut cursor, end).unwrap(), Some((1, Wire::Varint(300))));
        let (n, wire) = field(&mut cursor, end).unwrap().unwrap();
        let Wire::Bytes { at, end: last } = wire else { panic!("{wire:?}") };
        assert_eq!((n, text(&mut cursor, at, last, 9).unwrap().as_str()), (14, "abc"));
        assert_eq!(field(&mut cursor, end).unwrap(), Some((3, Wire::Fixed)));
        assert_eq!(field(&mut cursor, end).unwrap(), None);
        for broken in [&b"\x0b"[..], b"\x00\x01", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x08", b"\x09\0"] {
            let mut input = Input::open(&broken).unwrap();
            let end = input.size;
            assert!(field(&mut Cursor::new(&mut input, 0), end).is_err(), "{broken:?}");
        }
    }
}
