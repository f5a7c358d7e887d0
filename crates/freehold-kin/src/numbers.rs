//! Numbers out of the bytes of a tensor: floats, and ggml's blocks. Each comes with how far the number that it was
//! rounded from may lie from it.

/// How a tensor is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    F64,
    F32,
    F16,
    Bf16,
    Q8_0,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q4K,
    Q5K,
    Q6K,
}

impl Storage {
    /// By the `dtype` of safetensors.
    pub(crate) fn of_safetensors(dtype: &str) -> Option<Storage> {
        Some(match dtype {
            "F64" => Storage::F64,
            "F32" => Storage::F32,
            "F16" => Storage::F16,
            "BF16" => Storage::Bf16,
            _ => return None,
        })
    }

    /// By ggml's number.
    pub(crate) fn of_ggml(number: u32) -> Option<Storage> {
        Some(match number {
            0 => Storage::F32,
            1 => Storage::F16,
            2 => Storage::Q4_0,
            3 => Storage::Q4_1,
            6 => Storage::Q5_0,
            7 => Storage::Q5_1,
            8 => Storage::Q8_0,
            12 => Storage::Q4K,
            13 => Storage::Q5K,
            14 => Storage::Q6K,
            28 => Storage::F64,
            30 => Storage::Bf16,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Storage::F64 => "F64",
            Storage::F32 => "F32",
            Storage::F16 => "F16",
            Storage::Bf16 => "BF16",
            Storage::Q8_0 => "Q8_0",
            Storage::Q4_0 => "Q4_0",
            Storage::Q4_1 => "Q4_1",
            Storage::Q5_0 => "Q5_0",
            Storage::Q5_1 => "Q5_1",
            Storage::Q4K => "Q4_K",
            Storage::Q5K => "Q5_K",
            Storage::Q6K => "Q6_K",
        }
    }

    /// Numbers of one block, and its bytes.
    pub(crate) fn block(self) -> (u64, u64) {
        match self {
            Storage::F64 => (1, 8),
            Storage::F32 => (1, 4),
            Storage::F16 | Storage::Bf16 => (1, 2),
            Storage::Q8_0 => (32, 34),
            Storage::Q4_0 => (32, 18),
            Storage::Q4_1 => (32, 20),
            Storage::Q5_0 => (32, 22),
            Storage::Q5_1 => (32, 24),
            Storage::Q4K => (256, 144),
            Storage::Q5K => (256, 176),
            Storage::Q6K => (256, 210),
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Storage::F64 | Storage::F32 | Storage::F16 | Storage::Bf16)
    }
}

/// Half precision as single.
pub(crate) fn f16(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    match exponent {
        0 => f32::from_bits(sign | 0x3f80_0000) * f32::from(bits & 0x3ff) * (1.0 / 16_777_216.0),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        e => f32::from_bits(sign | (e + 112) << 23 | fraction << 13),
    }
}

/// Brain float as single.
pub(crate) fn bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Numbers of a tensor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    /// The values.
    pub(crate) values: Vec<f32>,
    /// For quantized ones: the largest distance of the number that was rounded; 0 for floats.
    pub(crate) half: Vec<f32>,
}

/// The end of a range of codes was reached: what was cut off may lie further away.
const CUT: f32 = 3.0;

impl Numbers {
    fn push(&mut self, value: f32, half: f32) {
        // what is no number is no evidence
        self.values.push(if value.is_finite() { value } else { 0.0 });
        self.half.push(if half.is_finite() { half } else { 0.0 });
    }

    /// `offset + scale * code`; scales are stored in half precision, so the step is known to 11 bits.
    fn code(&mut self, scale: f32, offset: f32, code: u8, center: u8, last: u8) {
        let product = scale * (f32::from(code) - f32::from(center));
        let cut = if code == last || code == 0 { CUT } else { 1.0 };
        let slack = (product.abs() + offset.abs()) / 2048.0;
        self.push(product + offset, scale.abs() * 0.5 * cut + slack);
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at.saturating_add(2)) {
        Some([a, b]) => u16::from_le_bytes([*a, *b]),
        _ => 0,
    }
}

fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Scale and minimum `j` of the twelve packed bytes of Q4_K and Q5_K.
fn k_scale(packed: &[u8], j: usize) -> (u8, u8) {
    if j < 4 {
        (byte(packed, j) & 63, byte(packed, j + 4) & 63)
    } else {
        let (high, low) = (byte(packed, j + 4), byte(packed, j - 4));
        (high & 15 | (low >> 6) << 4, high >> 4 | (byte(packed, j) >> 6) << 4)
    }
}

/// Adds the numbers of whole blocks.
pub(crate) fn decode(storage: Storage, bytes: &[u8], out: &mut Numbers) {
    let size = usize::try_from(storage.block().1).unwrap_or(1);
    for b in bytes.chunks_exact(size) {
        block(storage, b, out);
    }
}

fn block(storage: Storage, b: &[u8], out: &mut Numbers) {
    match storage {
        Storage::F64 => {
            let raw: [u8; 8] = b.try_into().unwrap_or_default();
            #[expect(clippy::cast_possible_truncation, reason = "compared in single precision")]
            out.push(f64::from_le_bytes(raw) as f32, 0.0);
        }
        Storage::F32 => out.push(f32::from_le_bytes(b.try_into().unwrap_or_default()), 0.0),
        Storage::F16 => out.push(f16(u16_at(b, 0)), 0.0),
        Storage::Bf16 => out.push(bf16(u16_at(b, 0)), 0.0),
        Storage::Q8_0 => {
            let d = f16(u16_at(b, 0));
            for q in b.get(2..34).unwrap_or_default() {
                let product = d * f32::from(i8::from_le_bytes([*q]));
                out.push(product, d.abs() * 0.5 + product.abs() / 2048.0);
            }
        }
        Storage::Q4_0 | Storage::Q4_1 | Storage::Q5_0 | Storage::Q5_1 => small(storage, b, out),
        Storage::Q4K | Storage::Q5K => {
            let (d, least) = (f16(u16_at(b, 0)), f16(u16_at(b, 2)));
            let packed = b.get(4..16).unwrap_or_default();
            let five = storage == Storage::Q5K;
            let (high, low) = (b.get(16..48).unwrap_or_default(), if five { 48 } else { 16 });
            for j in 0..8 {
                let (scale, minimum) = k_scale(packed, j);
                let (scale, offset) = (d * f32::from(scale), -(least * f32::from(minimum)));
                for i in 0..32 {
                    let pair = byte(b, low + j / 2 * 32 + i);
                    let nibble = if j % 2 == 0 { pair & 15 } else { pair >> 4 };
                    let fifth = if five { (byte(high, i) >> j & 1) << 4 } else { 0 };
                    out.code(scale, offset, nibble | fifth, 0, if five { 31 } else { 15 });
                }
            }
        }
        Storage::Q6K => {
            let d = f16(u16_at(b, 208));
            for i in 0..256usize {
                // two halves of 128; in each four runs of 32 that share low bytes by pairs and high bytes by fours
                let (half, run, at) = (i / 128, i % 128 / 32, i % 32);
                let low = byte(b, half * 64 + run % 2 * 32 + at);
                let nibble = if run < 2 { low & 15 } else { low >> 4 };
                let code = nibble | (byte(b, 128 + half * 32 + at) >> (run * 2) & 3) << 4;
                let scale = i8::from_le_bytes([byte(b, 192 + i / 16)]);
                out.code(d * f32::from(scale), 0.0, code, 32, 63);
            }
        }
    }
}

/// The older blocks of 32: a scale, for `_1` a minimum, for five bits a word of high bits, then nibbles.
fn small(storage: Storage, b: &[u8], out: &mut Numbers) {
    let d = f16(u16_at(b, 0));
    let has_offset = matches!(storage, Storage::Q4_1 | Storage::Q5_1);
    let five = matches!(storage, Storage::Q5_0 | Storage::Q5_1);
    let offset = if has_offset { f16(u16_at(b, 2)) } else { 0.0 };
    let at = if has_offset { 4 } else { 2 };
    let (high, low) = (b.get(at..at + 4).unwrap_or_default(), if five { at + 4 } else { at });
    let (center, last) = match (has_offset, five) {
        (true, true) => (0, 31),
        (true, false) => (0, 15),
        (false, true) => (16, 31),
        (false, false) => (8, 15),
    };
    for i in 0..32usize {
        let pair = byte(b, low + i % 16);
        let nibble = if i < 16 { pair & 15 } else { pair >> 4 };
        let fifth = if five { (byte(high, i / 8) >> (i % 8) & 1) << 4 } else { 0 };
        out.code(d, offset, nibble | fifth, center, last);
    }
}

/// Bits of the significand that numbers stored as floats really use: 8 where all are brain floats, 11 where all are
/// half floats, else 24.
pub(crate) fn precision(values: &[f32]) -> u8 {
    let short = |v: &f32, cut: u32| v.to_bits().trailing_zeros() >= cut || *v == 0.0;
    if values.iter().all(|v| short(v, 16)) {
        8
    } else if values.iter().all(|v| short(v, 13) || v.abs() < 6.2e-5) {
        11
    } else {
        24
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(storage: Storage, bytes: &[u8]) -> Vec<f32> {
        let mut out = Numbers::default();
        decode(storage, bytes, &mut out);
        assert_eq!(out.values.len(), out.half.len());
        out.values
    }

    #[test]
    fn half_floats() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x8400, -6.103_515_6e-5),
            (0, 0.0),
        ] {
            assert!((f16(bits) - value).abs() < 1e-12, "{bits:x} {}", f16(bits));
        }
        assert!(f16(0x7c00).is_infinite() && f16(0x7e00).is_nan());
        assert_eq!(bf16(0x3fc0), 1.5);
    }

    #[test]
    fn blocks_of_32() {
        let mut q8 = vec![0, 0x3c];
        q8.extend((0..32).map(|i: u8| i.wrapping_sub(16)));
        assert_eq!(numbers(Storage::Q8_0, &q8), (0..32).map(|i: i16| f32::from(i - 16)).collect::<Vec<_>>());
        let nibbles: Vec<u8> = (0..16).map(|i| i | (15 - i) << 4).collect();
        let up = |center: i16| (0..16).map(|i: i16| f32::from(i - center)).collect::<Vec<_>>();
        let down = |center: i16| (0..16).map(|i: i16| f32::from(15 - i - center)).collect::<Vec<_>>();
        assert_eq!(numbers(Storage::Q4_0, &[&[0, 0x3c], &nibbles[..]].concat()), [up(8), down(8)].concat());
        assert_eq!(numbers(Storage::Q4_1, &[&[0, 0x3c, 0, 0x3c], &nibbles[..]].concat()), [up(-1), down(-1)].concat());
        // high bits on the first half
        let five = [&[0, 0x3c, 0xff, 0xff, 0, 0], &nibbles[..]].concat();
        assert_eq!(numbers(Storage::Q5_0, &five), [up(0), down(16)].concat());
        let five = [&[0, 0x3c, 0, 0, 0xff, 0xff, 0, 0], &nibbles[..]].concat();
        assert_eq!(numbers(Storage::Q5_1, &five), [up(-16), down(0)].concat());
    }

    #[test]
    fn how_precise_floats_are() {
        assert_eq!(precision(&[1.5, 0.0, -3.0]), 8);
        assert_eq!(precision(&[1.5, f16(0x3555)]), 11);
        assert_eq!(precision(&[0.1]), 24);
    }
}
