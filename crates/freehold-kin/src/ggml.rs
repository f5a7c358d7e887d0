//! ggml's blocks: a few scales and many short codes. Layouts are those of `ggml-quants.c`.

use crate::numbers::{CUT, Numbers, byte, f16, u16_at};

/// A block type.
#[expect(non_camel_case_types, reason = "the names that everybody knows")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    IQ2_XXS,
    IQ2_XS,
    IQ3_XXS,
    IQ1_S,
    IQ4_NL,
    IQ3_S,
    IQ2_S,
    IQ4_XS,
    IQ1_M,
    TQ1_0,
    TQ2_0,
    MXFP4,
}

/// Each type: ggml's number, name, numbers of a block, bytes of it.
const TABLE: &[(Block, u32, &str, u64, u64)] = &[
    (Block::Q4_0, 2, "Q4_0", 32, 18),
    (Block::Q4_1, 3, "Q4_1", 32, 20),
    (Block::Q5_0, 6, "Q5_0", 32, 22),
    (Block::Q5_1, 7, "Q5_1", 32, 24),
    (Block::Q8_0, 8, "Q8_0", 32, 34),
    (Block::Q2_K, 10, "Q2_K", 256, 84),
    (Block::Q3_K, 11, "Q3_K", 256, 110),
    (Block::Q4_K, 12, "Q4_K", 256, 144),
    (Block::Q5_K, 13, "Q5_K", 256, 176),
    (Block::Q6_K, 14, "Q6_K", 256, 210),
    (Block::IQ2_XXS, 16, "IQ2_XXS", 256, 66),
    (Block::IQ2_XS, 17, "IQ2_XS", 256, 74),
    (Block::IQ3_XXS, 18, "IQ3_XXS", 256, 98),
    (Block::IQ1_S, 19, "IQ1_S", 256, 50),
    (Block::IQ4_NL, 20, "IQ4_NL", 32, 18),
    (Block::IQ3_S, 21, "IQ3_S", 256, 110),
    (Block::IQ2_S, 22, "IQ2_S", 256, 82),
    (Block::IQ4_XS, 23, "IQ4_XS", 256, 136),
    (Block::IQ1_M, 29, "IQ1_M", 256, 56),
    (Block::TQ1_0, 34, "TQ1_0", 256, 54),
    (Block::TQ2_0, 35, "TQ2_0", 256, 66),
    (Block::MXFP4, 39, "MXFP4", 32, 17),
];

/// Types that are not read, by the names that ggml gives their numbers.
const UNREAD: &[(u32, &str)] = &[
    (4, "Q4_2"),
    (5, "Q4_3"),
    (9, "Q8_1"),
    (15, "Q8_K"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (36, "IQ4_NL_4_4"),
    (37, "IQ4_NL_4_8"),
    (38, "IQ4_NL_8_8"),
    (40, "NVFP4"),
];

/// The name of a type that is not read.
pub(crate) fn unread_name(number: &str) -> String {
    let known = number.parse().ok().and_then(|n: u32| UNREAD.iter().find(|(of, _)| *of == n));
    known.map_or_else(|| format!("ggml type {number}"), |(_, name)| (*name).to_owned())
}

/// Levels of IQ4_NL and IQ4_XS.
const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/// Levels of a four-bit float, doubled.
pub(crate) const FP4: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// The points that IQ1, IQ2 and IQ3 choose from, packed as in `gguf`'s Python package (its terms stand in `tables/codebooks.txt`).
const BOOKS: &[u8] = include_bytes!("../tables/codebooks.bin");

/// A codebook: where it begins, numbers of a point, bits of each, and what the bits stand for.
struct Book {
    at: usize,
    width: usize,
    bits: usize,
    levels: &'static [i8],
}

const TWO: &[i8] = &[8, 25, 43];
const IQ2_XXS: Book = Book { at: 0, width: 8, bits: 2, levels: TWO };
const IQ2_XS: Book = Book { at: 512, width: 8, bits: 2, levels: TWO };
const IQ2_S: Book = Book { at: 1536, width: 8, bits: 2, levels: TWO };
const IQ3_XXS: Book = Book { at: 3584, width: 4, bits: 4, levels: &[4, 12, 20, 28, 36, 44, 52, 62] };
const IQ3_S: Book = Book { at: 4096, width: 4, bits: 4, levels: &[1, 3, 5, 7, 9, 11, 13, 15] };
const IQ1: Book = Book { at: 5120, width: 8, bits: 2, levels: &[-1, 0, 1] };

impl Book {
    /// Number `i` of a point.
    fn level(&self, point: usize, i: usize) -> f32 {
        let bit = (point * self.width + i) * self.bits;
        let code = byte(BOOKS, self.at + bit / 8) >> (bit % 8) & (if self.bits == 2 { 3 } else { 15 });
        self.levels.get(usize::from(code)).map_or(0.0, |l| f32::from(*l))
    }
}

/// How far a number may lie from the point that was chosen for eight or four of them together, in units of its scale:
/// the whole group decides, so that single numbers are moved beyond half a step. Measured with ggml's own quantizer
/// (`docs/kin.md`).
const IQ2_REACH: f32 = 34.0;
const IQ3_XXS_REACH: f32 = 26.0;
const IQ3_S_REACH: f32 = 5.0;
const IQ1_REACH: f32 = 2.5;

impl Block {
    pub(crate) fn of(number: u32) -> Option<Block> {
        TABLE.iter().find(|t| t.1 == number).map(|t| t.0)
    }

    fn row(self) -> Option<&'static (Block, u32, &'static str, u64, u64)> {
        TABLE.iter().find(|t| t.0 == self)
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().map_or("", |t| t.2)
    }

    /// Numbers of one block, and its bytes.
    pub(crate) fn size(self) -> (u64, u64) {
        self.row().map_or((1, 1), |t| (t.3, t.4))
    }

    /// Adds the numbers of one block.
    pub(crate) fn decode(self, b: &[u8], out: &mut Numbers) {
        match self {
            Block::Q8_0 => {
                let d = f16(u16_at(b, 0));
                for q in b.get(2..34).unwrap_or_default() {
                    let product = d * f32::from(i8::from_le_bytes([*q]));
                    out.push(product, d.abs() * 0.5 + product.abs() / 2048.0);
                }
            }
            Block::Q4_0 | Block::Q4_1 | Block::Q5_0 | Block::Q5_1 => small(self, b, out),
            Block::Q2_K => q2(b, out),
            Block::Q3_K => q3(b, out),
            Block::Q4_K | Block::Q5_K => q4(self == Block::Q5_K, b, out),
            Block::Q6_K => {
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
            Block::IQ4_NL => {
                let d = f16(u16_at(b, 0));
                nibbles(b, 2, d, &IQ4, out);
            }
            Block::IQ4_XS => {
                let (d, high) = (f16(u16_at(b, 0)), u16_at(b, 2));
                for j in 0..8usize {
                    let low = byte(b, 4 + j / 2) >> (j % 2 * 4) & 15;
                    let scale = i16::from(low) | ((high >> (2 * j) & 3) << 4).cast_signed();
                    nibbles(b, 8 + 16 * j, d * f32::from(scale - 32), &IQ4, out);
                }
            }
            Block::MXFP4 => nibbles(b, 1, e8m0(byte(b, 0)) * 0.5, &FP4, out),
            Block::TQ1_0 | Block::TQ2_0 => ternary(self, b, out),
            Block::IQ2_XXS | Block::IQ2_XS | Block::IQ2_S => iq2(self, b, out),
            Block::IQ3_XXS | Block::IQ3_S => iq3(self, b, out),
            Block::IQ1_S | Block::IQ1_M => iq1(self, b, out),
        }
    }
}

/// A power of two by its exponent alone.
pub(crate) fn e8m0(bits: u8) -> f32 {
    match bits {
        0 => f32::from_bits(0x0040_0000),
        e => f32::from_bits(u32::from(e) << 23),
    }
}

/// Half the way to the farther neighbor among the levels; more at the ends, where what lay beyond was cut.
pub(crate) fn level_half(levels: &[i8], level: i8) -> f32 {
    let gap = |way: i16| {
        let nearest = levels.iter().map(|l| (i16::from(*l) - i16::from(level)) * way).filter(|g| *g > 0).min();
        nearest.map(f32::from)
    };
    match (gap(-1), gap(1)) {
        (Some(below), Some(above)) => below.max(above) * 0.5,
        (one, other) => one.or(other).unwrap_or(0.0) * 0.5 * CUT,
    }
}

fn level(scale: f32, level: i8, half: f32, out: &mut Numbers) {
    let product = scale * f32::from(level);
    out.push(product, scale.abs() * half + product.abs() / 2048.0);
}

/// 32 numbers of 16 bytes: low halves, then high halves.
fn nibbles(b: &[u8], at: usize, scale: f32, levels: &[i8; 16], out: &mut Numbers) {
    let halves = levels.map(|l| level_half(levels, l));
    for i in 0..32usize {
        let pair = byte(b, at + i % 16);
        let code = usize::from(if i < 16 { pair & 15 } else { pair >> 4 });
        if let (Some(l), Some(half)) = (levels.get(code), halves.get(code)) {
            level(scale, *l, *half, out);
        }
    }
}

/// The older blocks of 32: a scale, for `_1` a minimum, for five bits a word of high bits, then nibbles.
fn small(block: Block, b: &[u8], out: &mut Numbers) {
    let d = f16(u16_at(b, 0));
    let has_offset = matches!(block, Block::Q4_1 | Block::Q5_1);
    let five = matches!(block, Block::Q5_0 | Block::Q5_1);
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

/// Two bits of number `i`, where four runs of 32 share 32 bytes.
fn two_bits(b: &[u8], at: usize, i: usize) -> u8 {
    byte(b, at + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3
}

fn q2(b: &[u8], out: &mut Numbers) {
    let (d, least) = (f16(u16_at(b, 80)), f16(u16_at(b, 82)));
    for i in 0..256usize {
        let scales = byte(b, i / 16);
        let (scale, offset) = (d * f32::from(scales & 15), -(least * f32::from(scales >> 4)));
        out.code(scale, offset, two_bits(b, 16, i), 0, 3);
    }
}

fn q3(b: &[u8], out: &mut Numbers) {
    let d = f16(u16_at(b, 108));
    for i in 0..256usize {
        let j = i / 16;
        let low = byte(b, 96 + j % 8) >> (j / 8 * 4) & 15;
        let scale = low | (byte(b, 104 + j % 4) >> (j / 4 * 2) & 3) << 4;
        let code = two_bits(b, 32, i) | (byte(b, i % 32) >> (i / 32) & 1) << 2;
        out.code(d * (f32::from(scale) - 32.0), 0.0, code, 4, 7);
    }
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

fn q4(five: bool, b: &[u8], out: &mut Numbers) {
    let (d, least) = (f16(u16_at(b, 0)), f16(u16_at(b, 2)));
    let packed = b.get(4..16).unwrap_or_default();
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

/// Five numbers of three values in a byte, or four in two bits each.
fn ternary(block: Block, b: &[u8], out: &mut Numbers) {
    let one = block == Block::TQ1_0;
    let d = f16(u16_at(b, if one { 52 } else { 64 }));
    const POWERS: [u8; 5] = [1, 3, 9, 27, 81];
    for i in 0..256usize {
        let code = if one {
            let (at, power) = match i {
                0..160 => (i % 32, i / 32),
                160..240 => (32 + i % 16, (i - 160) / 16),
                _ => (48 + i % 4, (i - 240) / 4),
            };
            let turned = byte(b, at).wrapping_mul(POWERS.get(power).copied().unwrap_or(1));
            i8::try_from((u16::from(turned) * 3) >> 8).unwrap_or(0)
        } else {
            i8::try_from(two_bits(b, 0, i)).unwrap_or(0)
        };
        level(d, code - 1, 0.5, out);
    }
}

/// The signs of eight numbers by seven bits: the eighth makes their count even.
fn even_signs(seven: u32) -> u8 {
    let seven = u8::try_from(seven & 127).unwrap_or(0);
    seven | (u8::try_from(seven.count_ones() & 1).unwrap_or(0)) << 7
}

fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from(u16_at(b, at)) | u32::from(u16_at(b, at + 2)) << 16
}

/// Adds a point of a codebook, scaled and signed.
fn point(book: &Book, index: usize, signs: u8, scale: f32, reach: f32, out: &mut Numbers) {
    for i in 0..book.width {
        let product = scale * book.level(index, i);
        out.push(if signs >> i & 1 == 1 { -product } else { product }, scale.abs() * reach);
    }
}

fn iq2(block: Block, b: &[u8], out: &mut Numbers) {
    let d = f16(u16_at(b, 0));
    for j in 0..32usize {
        let (book, index, signs, scale) = match block {
            Block::IQ2_XXS => {
                let word = u32_at(b, 2 + j / 4 * 8 + 4);
                let index = byte(b, 2 + j / 4 * 8 + j % 4);
                #[expect(clippy::cast_precision_loss, reason = "four bits")]
                let scale = (word >> 28) as f32;
                (&IQ2_XXS, u16::from(index), even_signs(word >> (j % 4 * 7)), scale)
            }
            Block::IQ2_XS => {
                let word = u16_at(b, 2 + 2 * j);
                let scale = byte(b, 66 + j / 4) >> (j % 4 / 2 * 4) & 15;
                (&IQ2_XS, word & 511, even_signs(u32::from(word >> 9)), f32::from(scale))
            }
            _ => {
                let high = byte(b, 66 + j / 4) >> (j % 4 * 2) & 3;
                let scale = byte(b, 74 + j / 4) >> (j % 4 / 2 * 4) & 15;
                (&IQ2_S, u16::from(byte(b, 2 + j)) | u16::from(high) << 8, byte(b, 34 + j), f32::from(scale))
            }
        };
        point(book, usize::from(index), signs, d * (0.5 + scale) * 0.25, IQ2_REACH, out);
    }
}

fn iq3(block: Block, b: &[u8], out: &mut Numbers) {
    let d = f16(u16_at(b, 0));
    for j in 0..64usize {
        // two points of four share a byte of signs
        let shift = j % 2 * 4;
        if block == Block::IQ3_XXS {
            let word = u32_at(b, 66 + j / 8 * 4);
            #[expect(clippy::cast_precision_loss, reason = "four bits")]
            let scale = d * (0.5 + (word >> 28) as f32) * 0.5;
            let signs = even_signs(word >> (j % 8 / 2 * 7)) >> shift;
            point(&IQ3_XXS, usize::from(byte(b, 2 + j)), signs, scale, IQ3_XXS_REACH, out);
        } else {
            let scale = d * f32::from(1 + 2 * (byte(b, 106 + j / 16) >> (j / 8 % 2 * 4) & 15));
            let high = byte(b, 66 + j / 8) >> (j % 8) & 1;
            let index = usize::from(byte(b, 2 + j)) | usize::from(high) << 8;
            point(&IQ3_S, index, byte(b, 74 + j / 2) >> shift, scale, IQ3_S_REACH, out);
        }
    }
}

fn iq1(block: Block, b: &[u8], out: &mut Numbers) {
    for j in 0..32usize {
        let (scale, high, below) = if block == Block::IQ1_S {
            let word = u16_at(b, 34 + j / 4 * 2);
            let scale = f16(u16_at(b, 0)) * f32::from(2 * (word >> 12 & 7) + 1);
            (scale, word >> (j % 4 * 3) & 7, word & 0x8000 != 0)
        } else {
            let word = |i: usize| u16_at(b, 48 + 2 * i);
            let d = (0..4).fold(0, |d, i| d | (word(i) & 0xf000) >> (12 - 4 * i));
            let scale = f16(d) * f32::from(2 * (word(j / 8) >> (j / 2 % 4 * 3) & 7) + 1);
            let high = byte(b, 32 + j / 2) >> (j % 2 * 4);
            (scale, u16::from(high & 7), high & 8 != 0)
        };
        let at = if block == Block::IQ1_S { 2 } else { 0 };
        let index = usize::from(byte(b, at + j)) | usize::from(high) << 8;
        let delta = if below { -0.125 } else { 0.125 };
        for i in 0..8 {
            out.push(scale * (IQ1.level(index, i) + delta), scale.abs() * IQ1_REACH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random blocks of every type and the numbers that the `gguf` package (0.19) makes of them.
    const GOLDEN: &[u8] = include_bytes!("../tests/ggml.golden");

    #[test]
    fn numbers_are_those_of_gguf_to_the_bit() {
        let mut rest = GOLDEN;
        let mut seen = 0;
        while let Some((number, after)) = rest.split_first() {
            let block = Block::of(u32::from(*number)).unwrap();
            let (n, bytes) = block.size();
            let (raw, after) = after.split_at(usize::try_from(bytes).unwrap());
            let (expected, after) = after.split_at(usize::try_from(n * 4).unwrap());
            let mut out = Numbers::default();
            block.decode(raw, &mut out);
            let expected: Vec<f32> = expected.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            assert_eq!(out.values, expected, "{}", block.name());
            assert_eq!(out.half.len(), expected.len());
            assert!(out.half.iter().all(|h| *h >= 0.0));
            (seen, rest) = (seen + 1, after);
        }
        assert_eq!(seen, TABLE.len());
    }

    #[test]
    fn whatever_the_bytes_are_a_block_has_its_numbers() {
        for (block, _, name, n, bytes) in TABLE {
            for fill in [0u8, 0x7f, 0xff] {
                let mut out = Numbers::default();
                block.decode(&vec![fill; usize::try_from(*bytes).unwrap()], &mut out);
                assert_eq!(out.values.len(), usize::try_from(*n).unwrap(), "{name}");
                assert!(out.values.iter().chain(&out.half).all(|v| v.is_finite()), "{name}");
            }
        }
    }

    #[test]
    fn levels_reach_half_the_way_and_further_at_the_ends() {
        assert_eq!(level_half(&IQ4, 1), 6.0);
        assert_eq!(level_half(&IQ4, 113), 60.0);
        assert_eq!(level_half(&FP4, 0), 0.5);
    }
}
