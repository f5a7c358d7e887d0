//! The tensor table of a safetensors file.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use crate::bytes::Counted;
use crate::model::{Entry, TENSORS_MAX};

/// Longest header that is read; real ones have a few hundred kilobytes, the format allows 100 MB.
const HEADER_BYTES_MAX: u64 = 32 << 20;
/// Most dimensions of a tensor.
const DIMENSIONS_MAX: usize = 8;

/// True where the first bytes are those of a safetensors file of this size.
pub(crate) fn is(head: &[u8], size: u64) -> bool {
    let declared = head.get(..8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    declared.is_some_and(|n| (2..=100_000_000).contains(&n) && n.saturating_add(8) <= size)
        && head.get(8) == Some(&b'{')
}

#[derive(Deserialize)]
struct Declared {
    dtype: String,
    shape: Few,
    data_offsets: [u64; 2],
}

/// A short list of sizes.
struct Few(Vec<u64>);

impl<'de> Deserialize<'de> for Few {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Few, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Few;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of sizes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Few, A::Error> {
                let mut out = Vec::new();
                while let Some(n) = seq.next_element()? {
                    if out.len() >= DIMENSIONS_MAX {
                        return Err(de::Error::custom("a tensor of more than 8 dimensions"));
                    }
                    out.push(n);
                }
                Ok(Few(out))
            }
        }
        d.deserialize_seq(V)
    }
}

struct Table {
    entries: Vec<(String, Declared)>,
    /// A tensor's entry that is not one.
    broken: u64,
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Table, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Table;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of tensors")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
                let mut out = Table { entries: Vec::new(), broken: 0 };
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    if out.entries.len() >= TENSORS_MAX {
                        return Err(de::Error::custom(format!("more than {TENSORS_MAX} tensors")));
                    }
                    out.entries.push((name, map.next_value()?));
                }
                Ok(out)
            }
        }
        d.deserialize_map(V)
    }
}

/// Reads the table; in words what is wrong with it.
pub(crate) fn read(source: &Counted<'_>) -> Result<Vec<Entry>, String> {
    let head = source.exactly(0, 8).ok_or("it cannot be read")?;
    let n = u64::from_le_bytes(head.try_into().unwrap_or_default());
    if n > HEADER_BYTES_MAX {
        return Err(format!("a header of {n} bytes, more than the {HEADER_BYTES_MAX} that are read"));
    }
    let json = source.exactly(8, usize::try_from(n).map_err(|_| "too long")?).ok_or("the header is cut off")?;
    let table: Table = serde_json::from_slice(&json).map_err(|e| format!("the header is broken: {e}"))?;
    let data = n.saturating_add(8);
    let mut out = Vec::new();
    let mut broken = table.broken;
    for (name, d) in table.entries {
        let [from, to] = d.data_offsets;
        let end = data.checked_add(to).filter(|e| *e <= source.size());
        match (data.checked_add(from), to.checked_sub(from), end) {
            (Some(offset), Some(bytes), Some(_)) => {
                out.push(Entry { name, storage: d.dtype, shape: d.shape.0, offset, bytes: Some(bytes) });
            }
            _ => broken = broken.saturating_add(1),
        }
    }
    if out.is_empty() && broken > 0 {
        return Err("no tensor lies inside of the file: it is cut off or the header alone".into());
    }
    Ok(out)
}
