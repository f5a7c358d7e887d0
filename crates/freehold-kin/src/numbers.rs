//! Numbers out of the bytes of a tensor. Each comes with how far the number that it was rounded from may lie from it.

use crate::ggml::Block;

/// How a tensor is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    F64,
    F32,
    F16,
    Bf16,
    /// Eight bits: four of exponent, three of fraction, no infinity (`float8_e4m3fn`).
    F8E4m3,
    /// Eight bits: five of exponent, two of fraction.
    F8E5m2,
    /// A block type of ggml.
    Block(Block),
    /// A matrix made of several tensors of its file; its word for a report.
    Packed(&'static str),
}

impl Storage {
    /// By the `dtype` of safetensors.
    pub(crate) fn of_safetensors(dtype: &str) -> Option<Storage> {
        Some(match dtype {
            "F64" => Storage::F64,
            "F32" => Storage::F32,
            "F16" => Storage::F16,
            "BF16" => Storage::Bf16,
            "F8_E4M3" => Storage::F8E4m3,
            "F8_E5M2" => Storage::F8E5m2,
            _ => return None,
        })
    }

    /// By ggml's number.
    pub(crate) fn of_ggml(number: u32) -> Option<Storage> {
        Some(match number {
            0 => Storage::F32,
            1 => Storage::F16,
            28 => Storage::F64,
            30 => Storage::Bf16,
            _ => Storage::Block(Block::of(number)?),
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Storage::F64 => "F64",
            Storage::F32 => "F32",
            Storage::F16 => "F16",
            Storage::Bf16 => "BF16",
            Storage::F8E4m3 => "FP8 E4M3",
            Storage::F8E5m2 => "FP8 E5M2",
            Storage::Block(b) => b.name(),
            Storage::Packed(name) => name,
        }
    }

    /// Numbers of one block, and its bytes. What is packed counts as numbers of one byte: nothing is read by it.
    pub(crate) fn block(self) -> (u64, u64) {
        match self {
            Storage::F64 => (1, 8),
            Storage::F32 => (1, 4),
            Storage::F16 | Storage::Bf16 => (1, 2),
            Storage::F8E4m3 | Storage::F8E5m2 | Storage::Packed(_) => (1, 1),
            Storage::Block(b) => b.size(),
        }
    }

    /// True for floats that nobody scaled: equal or not, and their precision shows in their bits.
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
pub(crate) const CUT: f32 = 5.0;

impl Numbers {
    pub(crate) fn push(&mut self, value: f32, half: f32) {
        // what is no number is no evidence
        self.values.push(if value.is_finite() { value } else { 0.0 });
        self.half.push(if half.is_finite() { half } else { 0.0 });
    }

    /// `offset + scale * code`; scales are stored in half precision, so the step is known to 11 bits.
    pub(crate) fn code(&mut self, scale: f32, offset: f32, code: u8, center: u8, last: u8) {
        let product = scale * (f32::from(code) - f32::from(center));
        let cut = if code == last || code == 0 { CUT } else { 1.0 };
        let slack = (product.abs() + offset.abs()) / 2048.0;
        self.push(product + offset, scale.abs() * 0.5 * cut + slack);
    }
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at.saturating_add(2)) {
        Some([a, b]) => u16::from_le_bytes([*a, *b]),
        _ => 0,
    }
}

pub(crate) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The value of an eight-bit float with three bits of fraction, and how far what was rounded to it may lie away.
pub(crate) fn e4m3(bits: u8) -> (f32, f32) {
    let (exponent, fraction) = (i32::from(bits >> 3 & 15), f32::from(bits & 7));
    let (value, step) = if exponent == 0 {
        (fraction * 2f32.powi(-9), 2f32.powi(-9))
    } else {
        ((1.0 + fraction / 8.0) * 2f32.powi(exponent - 7), 2f32.powi(exponent - 10))
    };
    match bits & 0x7f {
        // what is no number is no evidence
        0x7f => (0.0, 0.0),
        last => (if bits > 0x7f { -value } else { value }, step * if last == 0x7e { 0.5 * CUT } else { 0.5 }),
    }
}

/// The same with two bits of fraction.
pub(crate) fn e5m2(bits: u8) -> (f32, f32) {
    let value = f16(u16::from(bits) << 8);
    let exponent = i32::from(bits >> 2 & 31).max(1);
    if value.is_finite() { (value, 2f32.powi(exponent - 18)) } else { (0.0, 0.0) }
}

/// Adds the numbers of whole blocks.
pub(crate) fn decode(storage: Storage, bytes: &[u8], out: &mut Numbers) {
    let size = usize::try_from(storage.block().1).unwrap_or(1);
    for b in bytes.chunks_exact(size) {
        match storage {
            Storage::F64 => {
                let raw: [u8; 8] = b.try_into().unwrap_or_default();
                #[expect(clippy::cast_possible_truncation, reason = "compared in single precision")]
                out.push(f64::from_le_bytes(raw) as f32, 0.0);
            }
            Storage::F32 => out.push(f32::from_le_bytes(b.try_into().unwrap_or_default()), 0.0),
            Storage::F16 => out.push(f16(u16_at(b, 0)), 0.0),
            Storage::Bf16 => out.push(bf16(u16_at(b, 0)), 0.0),
            Storage::F8E4m3 | Storage::F8E5m2 => {
                let (value, half) = if storage == Storage::F8E4m3 { e4m3(byte(b, 0)) } else { e5m2(byte(b, 0)) };
                out.push(value, half);
            }
            Storage::Block(block) => block.decode(b, out),
            Storage::Packed(_) => {}
        }
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
        assert_eq!(
            numbers(Storage::Block(Block::Q8_0), &q8),
            (0..32).map(|i: i16| f32::from(i - 16)).collect::<Vec<_>>()
        );
        let nibbles: Vec<u8> = (0..16).map(|i| i | (15 - i) << 4).collect();
        let up = |center: i16| (0..16).map(|i: i16| f32::from(i - center)).collect::<Vec<_>>();
        let down = |center: i16| (0..16).map(|i: i16| f32::from(15 - i - center)).collect::<Vec<_>>();
        assert_eq!(
            numbers(Storage::Block(Block::Q4_0), &[&[0, 0x3c], &nibbles[..]].concat()),
            [up(8), down(8)].concat()
        );
        assert_eq!(
            numbers(Storage::Block(Block::Q4_1), &[&[0, 0x3c, 0, 0x3c], &nibbles[..]].concat()),
            [up(-1), down(-1)].concat()
        );
        // high bits on the first half
        let five = [&[0, 0x3c, 0xff, 0xff, 0, 0], &nibbles[..]].concat();
        assert_eq!(numbers(Storage::Block(Block::Q5_0), &five), [up(0), down(16)].concat());
        let five = [&[0, 0x3c, 0, 0, 0xff, 0xff, 0, 0], &nibbles[..]].concat();
        assert_eq!(numbers(Storage::Block(Block::Q5_1), &five), [up(-16), down(0)].concat());
    }

    #[test]
    fn how_precise_floats_are() {
        assert_eq!(precision(&[1.5, 0.0, -3.0]), 8);
        assert_eq!(precision(&[1.5, f16(0x3555)]), 11);
        assert_eq!(precision(&[0.1]), 24);
    }

    /// Every byte as `ml_dtypes` reads it: `float8_e4m3fn`, then `float8_e5m2`.
    const FP8: &[u8] = include_bytes!("../tests/fp8.golden");

    #[test]
    fn eight_bit_floats_are_those_of_ml_dtypes_and_halves_reach_the_neighbor() {
        let all: Vec<f32> = FP8.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let (four, five) = all.split_at(256);
        for bits in 0..=255u8 {
            for (made, expected) in [(e4m3(bits), four[usize::from(bits)]), (e5m2(bits), five[usize::from(bits)])] {
                assert_eq!(made.0, if expected.is_finite() { expected } else { 0.0 }, "{bits}");
            }
            if bits & 0x7f < 0x7e {
                assert!((e4m3(bits + 1).0 - e4m3(bits).0).abs() <= 2.0 * e4m3(bits).1, "{bits}");
            }
            if bits & 0x7f < 0x7b {
                assert!((e5m2(bits + 1).0 - e5m2(bits).0).abs() <= 2.0 * e5m2(bits).1, "{bits}");
            }
        }
    }
}
