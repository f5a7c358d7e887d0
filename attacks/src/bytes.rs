//! The layouts that cases are made of: GGUF, safetensors, zip, tar, protobuf, pickle opcodes.

/// A length as the 64 bits that formats write.
pub(crate) fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn short(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// GGUF's string: a length and bytes.
pub(crate) fn string(text: &[u8]) -> Vec<u8> {
    [&wide(text.len()).to_le_bytes(), text].concat()
}

/// A GGUF file under construction; every count can be made to lie.
#[derive(Clone)]
pub(crate) struct Gguf {
    version: u32,
    big: bool,
    pairs: Vec<u8>,
    pair_count: u64,
    tensors: Vec<u8>,
    tensor_count: u64,
}

impl Gguf {
    /// Version 3 with an architecture and nothing else.
    pub(crate) fn new() -> Gguf {
        Gguf::of(3, false).text("general.architecture", "llama")
    }

    /// An empty header of a version and byte order.
    pub(crate) fn of(version: u32, big: bool) -> Gguf {
        Gguf { version, big, pairs: Vec::new(), pair_count: 0, tensors: Vec::new(), tensor_count: 0 }
    }

    /// A small complete header: what a converter writes of a model under the Apache license.
    pub(crate) fn sample() -> Gguf {
        Gguf::new()
            .text("general.name", "Bot 1B")
            .text("general.license", "apache-2.0")
            .text("general.base_model.0.repo_url", "https://huggingface.co/Qwen/Qwen2.5-1.5B")
            .u32("general.file_type", 1)
    }

    fn w32(&self, n: u32) -> Vec<u8> {
        if self.big { n.to_be_bytes().to_vec() } else { n.to_le_bytes().to_vec() }
    }

    fn w64(&self, n: u64) -> Vec<u8> {
        if self.big { n.to_be_bytes().to_vec() } else { n.to_le_bytes().to_vec() }
    }

    fn length(&self, n: u64) -> Vec<u8> {
        if self.version == 1 { self.w32(u32::try_from(n).unwrap_or(u32::MAX)) } else { self.w64(n) }
    }

    fn string(&self, text: &[u8]) -> Vec<u8> {
        [self.length(wide(text.len())), text.to_vec()].concat()
    }

    /// A pair: key, type, and the value's bytes as they are.
    pub(crate) fn raw(mut self, key: &[u8], kind: u32, value: &[u8]) -> Gguf {
        let pair = [self.string(key), self.w32(kind), value.to_vec()].concat();
        self.pairs.extend(pair);
        self.pair_count += 1;
        self
    }

    /// Bytes among the pairs that are no pair; counted as one.
    pub(crate) fn junk(mut self, bytes: &[u8]) -> Gguf {
        self.pairs.extend(bytes);
        self.pair_count += 1;
        self
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Gguf {
        self.bytes_value(key, value.as_bytes())
    }

    pub(crate) fn bytes_value(self, key: &str, value: &[u8]) -> Gguf {
        let value = self.string(value);
        self.raw(key.as_bytes(), 8, &value)
    }

    pub(crate) fn u32(self, key: &str, value: u32) -> Gguf {
        let value = self.w32(value);
        self.raw(key.as_bytes(), 4, &value)
    }

    /// An array's head, element type and count as stated, over elements as given.
    pub(crate) fn array(self, key: &str, kind: u32, count: u64, elements: &[u8]) -> Gguf {
        let value = [self.w32(kind), self.length(count), elements.to_vec()].concat();
        self.raw(key.as_bytes(), 9, &value)
    }

    /// A string that states a length of its own over bytes as given.
    pub(crate) fn lying_text(self, key: &str, length: u64, bytes: &[u8]) -> Gguf {
        let value = [self.length(length), bytes.to_vec()].concat();
        self.raw(key.as_bytes(), 8, &value)
    }

    /// A tensor: name, shape, type, offset.
    pub(crate) fn tensor(mut self, name: &str, shape: &[u64], kind: u32, offset: u64) -> Gguf {
        let shape_bytes: Vec<u8> = shape.iter().flat_map(|d| self.length(*d)).collect();
        let head = [self.string(name.as_bytes()), self.w32(narrow(shape.len())), shape_bytes].concat();
        let all = [head, self.w32(kind), self.w64(offset)].concat();
        self.tensors.extend(all);
        self.tensor_count += 1;
        self
    }

    /// Bytes among the tensors that are no description; counted as one.
    pub(crate) fn tensor_junk(mut self, bytes: &[u8]) -> Gguf {
        self.tensors.extend(bytes);
        self.tensor_count += 1;
        self
    }

    pub(crate) fn pair_count(mut self, n: u64) -> Gguf {
        self.pair_count = n;
        self
    }

    pub(crate) fn tensor_count(mut self, n: u64) -> Gguf {
        self.tensor_count = n;
        self
    }

    /// The header alone, unpadded.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(self.w32(self.version));
        out.extend(self.length(self.tensor_count));
        out.extend(self.length(self.pair_count));
        out.extend(&self.pairs);
        out.extend(&self.tensors);
        out
    }

    /// The file with `data` bytes of zeros behind the padded header.
    pub(crate) fn bytes(&self, data: usize) -> Vec<u8> {
        let mut out = self.header();
        out.resize(out.len().next_multiple_of(32), 0);
        out.resize(out.len() + data, 0);
        out
    }
}

/// A safetensors file of this header and as many zeros.
pub(crate) fn safetensors(header: &str, data: usize) -> Vec<u8> {
    safetensors_raw(header.as_bytes(), wide(header.len()), data)
}

/// The same with a stated length of its own.
pub(crate) fn safetensors_raw(header: &[u8], length: u64, data: usize) -> Vec<u8> {
    let mut out = [&length.to_le_bytes(), header].concat();
    out.resize(out.len() + data, 0);
    out
}

/// CRC-32 as zip has it.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// A member of a zip under construction; every field can be made to lie.
#[derive(Clone)]
pub(crate) struct Member {
    /// The name in the member's own header.
    pub(crate) local: Vec<u8>,
    /// The name in the directory at the end.
    pub(crate) central: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc: u32,
    /// Size that both headers state, unpacked.
    pub(crate) size: u32,
    /// Where the directory says that the member begins; `None` = where it does.
    pub(crate) offset: Option<u32>,
    /// Unix mode in the directory's attributes.
    pub(crate) mode: u32,
}

impl Member {
    /// A stored member.
    pub(crate) fn new(name: &str, data: &[u8]) -> Member {
        Member {
            local: name.as_bytes().to_vec(),
            central: name.as_bytes().to_vec(),
            data: data.to_vec(),
            method: 0,
            flags: 0,
            crc: crc32(data),
            size: narrow(data.len()),
            offset: None,
            mode: 0o100_644,
        }
    }
}

/// A zip of these members; `entries` is the count that the end record states, `None` = the true one.
pub(crate) fn zip(members: &[Member], entries: Option<u16>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for m in members {
        let at = narrow(out.len());
        let common = [
            &m.flags.to_le_bytes()[..],
            &m.method.to_le_bytes(),
            &[0; 4],
            &m.crc.to_le_bytes(),
            &narrow(m.data.len()).to_le_bytes(),
            &m.size.to_le_bytes(),
        ]
        .concat();
        out.extend(b"PK\x03\x04\x14\x00");
        out.extend(&common);
        out.extend(short(m.local.len()).to_le_bytes());
        out.extend([0; 2]);
        out.extend(&m.local);
        out.extend(&m.data);
        directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend(&common);
        directory.extend(short(m.central.len()).to_le_bytes());
        directory.extend([0; 8]);
        directory.extend((m.mode << 16).to_le_bytes());
        directory.extend(m.offset.unwrap_or(at).to_le_bytes());
        directory.extend(&m.central);
    }
    let at = narrow(out.len());
    out.extend(&directory);
    let n = entries.unwrap_or_else(|| short(members.len()));
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend(n.to_le_bytes());
    out.extend(n.to_le_bytes());
    out.extend(narrow(directory.len()).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// A tar member's header and content; `size` is what the header states.
pub(crate) fn tar_member(name: &str, kind: u8, target: &str, size: &str, data: &[u8]) -> Vec<u8> {
    let mut head = vec![0_u8; 512];
    let mut field = |at: usize, text: &[u8]| {
        for (to, from) in head.iter_mut().skip(at).zip(text) {
            *to = *from;
        }
    };
    field(0, name.as_bytes());
    field(100, b"0000644\0");
    field(108, b"0000000\0");
    field(116, b"0000000\0");
    field(124, size.as_bytes());
    field(136, b"00000000000\0");
    field(148, b"        ");
    field(156, &[kind]);
    field(157, target.as_bytes());
    field(257, b"ustar\x0000");
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    for (to, from) in head.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").as_bytes()) {
        *to = *from;
    }
    head.extend(data);
    head.resize(head.len().next_multiple_of(512), 0);
    head
}

/// A tar of these members.
pub(crate) fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut out = members.concat();
    out.resize(out.len() + 1024, 0);
    out
}

/// A number as protobuf writes it.
pub(crate) fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(n & 0x7f).unwrap_or(0);
        n >>= 7;
        if n == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// A protobuf field of bytes.
pub(crate) fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(wide(bytes.len())), bytes.to_vec()].concat()
}

/// A protobuf field of a number.
pub(crate) fn number(field: u64, n: u64) -> Vec<u8> {
    [varint(field << 3), varint(n)].concat()
}
