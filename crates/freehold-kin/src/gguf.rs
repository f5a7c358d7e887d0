//! The tensor table of a GGUF file, little-endian, versions 2 and 3, and the numbers of heads.

use crate::bytes::{Counted, Cursor};
use crate::model::{Entry, TENSORS_MAX};

/// Most bytes of header that are fetched.
const FETCH_BYTES_MAX: u64 = 64 << 20;
/// Most key-value pairs.
const PAIRS_MAX: u64 = 1 << 16;
/// Longest name of a key or tensor that is read.
const NAME_BYTES_MAX: u64 = 4096;
/// Most dimensions of a tensor.
const DIMENSIONS_MAX: u32 = 4;
/// Strings of one array that are walked over; vocabularies have a quarter of a million.
const STRINGS_MAX: u64 = 1 << 22;

/// What the file says.
#[derive(Default)]
pub(crate) struct Header {
    pub(crate) architecture: String,
    pub(crate) heads: Option<u64>,
    pub(crate) kv_heads: Option<u64>,
    pub(crate) entries: Vec<Entry>,
}

struct Walk<'c, 'a> {
    cursor: Cursor<'c, 'a>,
}

impl Walk<'_, '_> {
    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.cursor.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.cursor.take(8)?.try_into().ok()?))
    }

    fn name(&mut self) -> Option<String> {
        let n = self.u64().filter(|n| *n <= NAME_BYTES_MAX)?;
        Some(String::from_utf8_lossy(self.cursor.take(n)?).into_owned())
    }

    /// Bytes of a number of this type.
    fn width(kind: u32) -> Option<u64> {
        Some(match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            _ => return None,
        })
    }

    /// A value that is a number, or nothing; moves past any.
    fn number(&mut self, kind: u32) -> Option<Option<u64>> {
        match kind {
            4 | 5 => return Some(Some(u64::from(self.u32()?))),
            10 | 11 => return Some(Some(self.u64()?)),
            8 => {
                let n = self.u64()?;
                self.cursor.skip(n)?;
            }
            9 => {
                let (of, n) = (self.u32()?, self.u64()?);
                match Walk::width(of) {
                    Some(w) => self.cursor.skip(n.checked_mul(w)?)?,
                    None if of == 8 && n <= STRINGS_MAX => {
                        for _ in 0..n {
                            let length = self.u64()?;
                            self.cursor.skip(length)?;
                        }
                    }
                    None => return None,
                }
            }
            _ => self.cursor.skip(Walk::width(kind)?)?,
        }
        Some(None)
    }
}

/// Reads the table; in words what is wrong with it.
pub(crate) fn read(source: &Counted<'_>) -> Result<Header, String> {
    let mut walk = Walk { cursor: Cursor::new(source, FETCH_BYTES_MAX) };
    let mut alignment = 32u64;
    let mut header = Header::default();
    let outcome = (|| {
        walk.cursor.skip(4)?;
        let version = walk.u32()?;
        if !(2..=3).contains(&version) {
            return None;
        }
        let (tensors, pairs) = (walk.u64()?, walk.u64()?);
        let left = walk.cursor.left();
        let fits = |n: u64, each: u64| n.checked_mul(each).is_some_and(|b| b <= left);
        if !fits(pairs, 13) || pairs > PAIRS_MAX || !fits(tensors, 24) || usize::try_from(tensors).ok()? > TENSORS_MAX {
            return None;
        }
        for _ in 0..pairs {
            let key = walk.name()?;
            let kind = walk.u32()?;
            if key == "general.architecture" && kind == 8 {
                header.architecture = walk.name()?;
                continue;
            }
            let number = walk.number(kind)?;
            if key == "general.alignment" {
                alignment = number.filter(|a| a.is_power_of_two() && *a <= 1 << 20)?;
            } else if key.ends_with(".attention.head_count") {
                header.heads = number;
            } else if key.ends_with(".attention.head_count_kv") {
                header.kv_heads = number;
            }
        }
        for _ in 0..tensors {
            let name = walk.name()?;
            let n = walk.u32().filter(|n| *n <= DIMENSIONS_MAX)?;
            let mut shape = Vec::new();
            for _ in 0..n {
                shape.push(walk.u64()?);
            }
            shape.reverse();
            let storage = walk.u32()?;
            let offset = walk.u64()?;
            header.entries.push(Entry { name, storage: storage.to_string(), shape, offset, bytes: None });
        }
        Some(())
    })();
    if outcome.is_none() {
        return Err(format!("the GGUF header cannot be followed past byte {}", walk.cursor.at));
    }
    let data = walk.cursor.at.checked_next_multiple_of(alignment).ok_or("the header ends nowhere")?;
    for e in &mut header.entries {
        e.offset = e.offset.saturating_add(data);
    }
    Ok(header)
}
