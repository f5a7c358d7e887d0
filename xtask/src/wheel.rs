//! A Python wheel that carries a binary and nothing else: a zip whose entries are stored as they are, with no time in it,
//! so that the same binary gives the same bytes. By the binary distribution format, Wheel-Version 1.0.

use sha2::{Digest, Sha256};

/// A file of the wheel.
struct Entry {
    name: String,
    bytes: Vec<u8>,
    /// Unix permissions.
    mode: u32,
}

/// What goes into a wheel.
pub(crate) struct Wheel<'w> {
    pub(crate) version: &'w str,
    /// Tags of the platforms that the binary runs on (`linux_x86_64`); at least one.
    pub(crate) platforms: &'w [&'static str],
    pub(crate) binary: Vec<u8>,
    /// `freehold`, or `freehold.exe`.
    pub(crate) binary_name: &'w str,
    pub(crate) readme: &'w str,
    pub(crate) license: &'w str,
}

impl Wheel<'_> {
    /// The file's name.
    pub(crate) fn name(&self) -> String {
        format!("freehold-{}-py3-none-{}.whl", self.version, self.platforms.join("."))
    }

    /// The file.
    pub(crate) fn bytes(self) -> Result<Vec<u8>, String> {
        let info = format!("freehold-{}.dist-info", self.version);
        let tags: String = self.platforms.iter().map(|p| format!("Tag: py3-none-{p}\n")).collect();
        let metadata = format!(
            "Metadata-Version: 2.1\nName: freehold\nVersion: {}\nSummary: may we ship this model the way we want to, and what do we owe if we do\nLicense: Apache-2.0\nRequires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n{}",
            self.version, self.readme
        );
        let wheel =
            format!("Wheel-Version: 1.0\nGenerator: freehold-xtask {}\nRoot-Is-Purelib: false\n{tags}", self.version);
        let text = |name: String, text: &str| Entry { name, bytes: text.as_bytes().to_vec(), mode: 0o644 };
        let binary = format!("freehold-{}.data/scripts/{}", self.version, self.binary_name);
        let mut entries = vec![
            Entry { name: binary, bytes: self.binary, mode: 0o755 },
            text(format!("{info}/METADATA"), &metadata),
            text(format!("{info}/WHEEL"), &wheel),
            text(format!("{info}/licenses/LICENSE"), self.license),
        ];
        let mut record = String::new();
        for e in &entries {
            let hash = base64(&Sha256::digest(&e.bytes));
            record.push_str(&format!("{},sha256={hash},{}\n", e.name, e.bytes.len()));
        }
        record.push_str(&format!("{info}/RECORD,,\n"));
        entries.push(text(format!("{info}/RECORD"), &record));
        zip(&entries)
    }
}

/// URL-safe base64 without padding, as RECORD wants it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..=chunk.len() {
            let six = bits >> (18 - 6 * i) & 63;
            out.push(char::from(LETTERS[six as usize]));
        }
    }
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> =
        (0..256u32).map(|n| (0..8).fold(n, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })).collect();
    !bytes.iter().fold(!0u32, |c, b| table[((c ^ u32::from(*b)) & 0xff) as usize] ^ (c >> 8))
}

/// A zip of stored entries, all of 1980-01-01, the earliest day that the format has.
fn zip(entries: &[Entry]) -> Result<Vec<u8>, String> {
    let small = |n: usize| u32::try_from(n).map_err(|_| "more than 4 GB do not fit into a plain zip".to_string());
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for e in entries {
        let (at, size, crc) = (small(out.len())?, small(e.bytes.len())?, crc32(&e.bytes));
        let name_size = u16::try_from(e.name.len()).map_err(|e| e.to_string())?;
        // version 2.0, no flags, stored, midnight, 1980-01-01
        let mut common = Vec::new();
        for half in [20u16, 0, 0, 0, 0x21] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc, size, size] {
            common.extend(word.to_le_bytes());
        }
        common.extend(name_size.to_le_bytes());
        common.extend(0u16.to_le_bytes());
        out.extend(0x0403_4b50u32.to_le_bytes());
        out.extend(&common);
        out.extend(e.name.as_bytes());
        out.extend(&e.bytes);
        directory.extend(0x0201_4b50u32.to_le_bytes());
        // made on Unix, whose permissions stand in the upper half of the attributes
        directory.extend((3u16 << 8 | 20).to_le_bytes());
        directory.extend(&common);
        directory.extend([0u8; 6]);
        directory.extend(((0o100_000 | e.mode) << 16).to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(e.name.as_bytes());
    }
    let (at, size) = (small(out.len())?, small(directory.len())?);
    let n = u16::try_from(entries.len()).map_err(|e| e.to_string())?;
    out.extend(directory);
    out.extend(0x0605_4b50u32.to_le_bytes());
    for half in [0, 0, n, n] {
        out.extend(half.to_le_bytes());
    }
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    Ok(out)
}
