//! GGUF version 3: written one tensor at a time, read back to compare.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::files::{hex, sync_folder};
use crate::quantize::Kind;

/// Where tensor data lies: offsets are multiples of this.
const ALIGNMENT: u64 = 32;
/// Bytes of one text, and entries of one list, that are read back.
const LONGEST: u64 = 1 << 26;

/// A value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unsigned, 32 bits.
    U32(u32),
    /// Unsigned, 64 bits.
    U64(u64),
    /// Signed, 32 bits.
    I32(i32),
    /// A float.
    F32(f32),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Signed numbers.
    I32s(Vec<i32>),
    /// Floats.
    F32s(Vec<f32>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Value {
    fn put(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, t: &str| {
            out.extend((t.len() as u64).to_le_bytes());
            out.extend(t.as_bytes());
        };
        let list = |out: &mut Vec<u8>, kind: u32, n: usize| {
            out.extend(9u32.to_le_bytes());
            out.extend(kind.to_le_bytes());
            out.extend((n as u64).to_le_bytes());
        };
        let one = |out: &mut Vec<u8>, kind: u32, bytes: &[u8]| {
            out.extend(kind.to_le_bytes());
            out.extend(bytes);
        };
        match self {
            Self::U32(n) => one(out, 4, &n.to_le_bytes()),
            Self::I32(n) => one(out, 5, &n.to_le_bytes()),
            Self::F32(n) => one(out, 6, &n.to_le_bytes()),
            Self::Bool(b) => one(out, 7, &[u8::from(*b)]),
            Self::U64(n) => one(out, 10, &n.to_le_bytes()),
            Self::Text(t) => {
                out.extend(8u32.to_le_bytes());
                text(out, t);
            }
            Self::Texts(all) => {
                list(out, 8, all.len());
                all.iter().for_each(|t| text(out, t));
            }
            Self::I32s(all) => {
                list(out, 5, all.len());
                all.iter().for_each(|n| out.extend(n.to_le_bytes()));
            }
            Self::F32s(all) => {
                list(out, 6, all.len());
                all.iter().for_each(|n| out.extend(n.to_le_bytes()));
            }
        }
    }
}

/// A tensor as the header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Columns first, as ggml counts.
    pub sides: Vec<u64>,
    /// How it is stored.
    pub kind: Kind,
    /// Bytes of its data.
    pub bytes: u64,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of each tensor's data.
    pub tensors: BTreeMap<String, [u8; 32]>,
}

/// Writes a file: keys, then tensors in the order given, each asked for when its turn comes. The file has another name
/// until it is whole and on the disk.
///
/// # Errors
/// What the disk says; a tensor of another size than described.
pub fn write(
    path: &Path,
    keys: &[(String, Value)],
    tensors: &[Described],
    mut data: impl FnMut(&Described) -> Result<Vec<u8>, String>,
) -> Result<Written, String> {
    let mut head = b"GGUF".to_vec();
    head.extend(3u32.to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend((keys.len() as u64).to_le_bytes());
    for (key, value) in keys {
        head.extend((key.len() as u64).to_le_bytes());
        head.extend(key.as_bytes());
        value.put(&mut head);
    }
    let mut at = 0u64;
    for t in tensors {
        head.extend((t.name.len() as u64).to_le_bytes());
        head.extend(t.name.as_bytes());
        head.extend((t.sides.len() as u32).to_le_bytes());
        t.sides.iter().for_each(|s| head.extend(s.to_le_bytes()));
        head.extend(t.kind.number().to_le_bytes());
        head.extend(at.to_le_bytes());
        at += t.bytes.next_multiple_of(ALIGNMENT);
    }
    let padded = head.len().next_multiple_of(ALIGNMENT as usize);
    head.resize(padded, 0);
    let says = |e: std::io::Error| format!("{}: {}", path.display(), e);
    let partial = path.with_extension("gguf.partial");
    let file = File::create(&partial).map_err(says)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let (mut whole, mut sums, mut bytes) = (Sha256::new(), BTreeMap::new(), head.len() as u64);
    whole.update(&head);
    out.write_all(&head).map_err(says)?;
    for t in tensors {
        let mut values = data(t)?;
        if values.len() as u64 != t.bytes {
            return Err(format!("{} has {} bytes where {} were announced", t.name, values.len(), t.bytes));
        }
        sums.insert(t.name.clone(), Sha256::digest(&values).into());
        values.resize(values.len().next_multiple_of(ALIGNMENT as usize), 0);
        whole.update(&values);
        out.write_all(&values).map_err(says)?;
        bytes += values.len() as u64;
    }
    let file = out.into_inner().map_err(|e| says(e.into_error()))?;
    file.sync_all().map_err(says)?;
    std::fs::rename(&partial, path).map_err(says)?;
    sync_folder(path);
    Ok(Written { bytes, sha256: hex(&whole.finalize()), tensors: sums })
}

/// A file as it was read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// Keys in order.
    pub keys: Vec<(String, Value)>,
    /// Tensors in order, with the SHA-256 of their data.
    pub tensors: Vec<(Described, [u8; 32])>,
}

struct Reader {
    file: std::io::BufReader<File>,
    length: u64,
}

impl Reader {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut to = [0; N];
        self.file.read_exact(&mut to).map_err(|_| "cut off".to_owned())?;
        Ok(to)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<String, String> {
        let n = self.u64()?;
        if n > LONGEST.min(self.length) {
            return Err(format!("a text of {n} bytes"));
        }
        let mut to = vec![0; usize::try_from(n).map_err(|e| e.to_string())?];
        self.file.read_exact(&mut to).map_err(|_| "cut off".to_owned())?;
        String::from_utf8(to).map_err(|_| "a text that is not UTF-8".into())
    }

    fn value(&mut self) -> Result<Value, String> {
        Ok(match self.u32()? {
            4 => Value::U32(self.u32()?),
            5 => Value::I32(self.bytes().map(i32::from_le_bytes)?),
            6 => Value::F32(self.bytes().map(f32::from_le_bytes)?),
            7 => Value::Bool(self.bytes::<1>()? != [0]),
            8 => Value::Text(self.text()?),
            10 => Value::U64(self.u64()?),
            9 => {
                let (kind, n) = (self.u32()?, self.u64()?);
                if n > LONGEST.min(self.length) {
                    return Err(format!("a list of {n} entries"));
                }
                match kind {
                    5 => Value::I32s((0..n).map(|_| self.bytes().map(i32::from_le_bytes)).collect::<Result<_, _>>()?),
                    6 => Value::F32s((0..n).map(|_| self.bytes().map(f32::from_le_bytes)).collect::<Result<_, _>>()?),
                    8 => Value::Texts((0..n).map(|_| self.text()).collect::<Result<_, _>>()?),
                    other => return Err(format!("a list of type {other}")),
                }
            }
            other => return Err(format!("a value of type {other}")),
        })
    }
}

/// Reads a file that [`write`] wrote, every byte of it.
///
/// # Errors
/// Whatever is not as `write` writes it.
pub fn read(path: &Path) -> Result<Read, String> {
    let says = |what: String| format!("{}: {what}", path.display());
    let file = File::open(path).map_err(|e| says(e.kind().to_string()))?;
    let length = file.metadata().map_err(|e| says(e.kind().to_string()))?.len();
    let mut r = Reader { file: std::io::BufReader::with_capacity(1 << 20, file), length };
    read_from(&mut r).map_err(says)
}

fn read_from(r: &mut Reader) -> Result<Read, String> {
    if r.bytes::<4>()? != *b"GGUF" || r.u32()? != 3 {
        return Err("no GGUF of version 3".into());
    }
    let (tensors, keys) = (r.u64()?, r.u64()?);
    if tensors > 1 << 20 || keys > 1 << 16 {
        return Err(format!("{tensors} tensors and {keys} keys"));
    }
    let mut pairs = Vec::new();
    for _ in 0..keys {
        pairs.push((r.text()?, r.value()?));
    }
    let mut described = Vec::new();
    for _ in 0..tensors {
        let (name, n) = (r.text()?, r.u32()?);
        if n > 4 {
            return Err(format!("{name} has {n} sides"));
        }
        let sides = (0..n).map(|_| r.u64()).collect::<Result<Vec<_>, _>>()?;
        let kind = r.u32().map(Kind::of)?.ok_or_else(|| format!("{name} is of an unknown type"))?;
        let values = sides.iter().try_fold(1u64, |n, s| n.checked_mul(*s)).and_then(|n| usize::try_from(n).ok());
        let bytes = kind.bytes(values.ok_or_else(|| format!("{name} is larger than any file"))?) as u64;
        described.push((Described { name, sides, kind, bytes }, r.u64()?));
    }
    let head = r.file.stream_position().map_err(|e| e.to_string())?;
    let start = head.next_multiple_of(ALIGNMENT);
    let mut all = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    for (d, offset) in described {
        let end = start.checked_add(offset).and_then(|a| a.checked_add(d.bytes)).filter(|e| *e <= r.length);
        end.ok_or_else(|| format!("{} lies outside the file", d.name))?;
        r.file.seek(SeekFrom::Start(start + offset)).map_err(|e| e.to_string())?;
        let (mut sum, mut left) = (Sha256::new(), d.bytes);
        while left > 0 {
            let n = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            r.file.read_exact(&mut buffer[..n]).map_err(|_| format!("{} is cut off", d.name))?;
            sum.update(&buffer[..n]);
            left -= n as u64;
        }
        all.push((d, sum.finalize().into()));
    }
    Ok(Read { keys: pairs, tensors: all })
}
