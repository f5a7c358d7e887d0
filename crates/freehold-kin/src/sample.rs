//! Which numbers of a tensor are read, and what two samples say of each other.

use crate::model::{Model, Tensor};
use crate::names::Class;
use crate::numbers::{Numbers, precision};

/// Numbers of a norm or bias that are read.
const LINE_MAX: u64 = 4096;
/// Numbers of a matrix that are read, about.
const MATRIX_NUMBERS: u64 = 2048;
/// Numbers of one row of a matrix.
const ROW_NUMBERS: u64 = 512;
/// Columns of a tile.
const TILE_COLUMNS: u64 = 128;
/// Rows of a vocabulary that are read, and numbers of each.
const WORDS: (u64, u64) = (32, 256);

/// A piece of a row: row, column, numbers.
pub(crate) type Piece = (u64, u64, u64);

/// A hash that is the same everywhere (FNV-1a).
pub(crate) fn hash(text: &str, n: u64) -> u64 {
    let bytes = text.bytes().chain(n.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)) >> 7
}

/// The pieces of a tensor, by its kind and shape: the same in every layer and every model. `block` is the longer of
/// the two files' blocks; `across`: one of them keeps columns together, so that a tile costs it less than rows do.
pub(crate) fn plan(kind: &str, class: Class, rows: u64, columns: u64, block: u64, across: bool) -> Vec<Piece> {
    let whole = |n: u64| n / block.max(1) * block.max(1);
    if rows <= 1 {
        let n = whole(columns.min(LINE_MAX));
        return if n == 0 { Vec::new() } else { vec![(0, 0, n)] };
    }
    if across {
        let n = whole(columns.min(TILE_COLUMNS.max(block)));
        let count = MATRIX_NUMBERS.checked_div(n).unwrap_or(0).clamp(4, 64).min(rows);
        if n == 0 {
            return Vec::new();
        }
        let first = hash(kind, 0) % ((rows - count) / 8 + 1) * 8;
        let column = hash(kind, 1) % (columns.saturating_sub(n) / 256 + 1) * 256;
        return (first..first + count).map(|row| (row, column, n)).collect();
    }
    let vocabulary = matches!(class, Class::Embedding | Class::Head);
    let n = whole(columns.min(if vocabulary { WORDS.1 } else { ROW_NUMBERS }));
    if n == 0 {
        return Vec::new();
    }
    let count = if vocabulary { WORDS.0 } else { (MATRIX_NUMBERS / n).clamp(4, 64) }.min(rows);
    let starts = columns.saturating_sub(n) / 256 + 1;
    (0..count)
        .map(|i| {
            let stride = rows / count;
            let row = i * stride + hash(kind, i) % stride.max(1);
            (row, hash(kind, i ^ 0xff00) % starts * 256, n)
        })
        .collect()
}

/// Row of a GGUF file for a row of Hugging Face's: llama.cpp interleaves the halves of each head of queries and keys.
pub(crate) fn interleaved(row: u64, rows: u64, heads: u64) -> Option<u64> {
    let per_head = rows.checked_div(heads).filter(|p| p.checked_mul(heads) == Some(rows) && p % 2 == 0 && *p > 0)?;
    let (head, at) = (row / per_head, row % per_head);
    let half = per_head / 2;
    Some(head * per_head + at % half * 2 + at / half)
}

/// Reads pieces.
pub(crate) fn read(model: &Model<'_>, tensor: &Tensor, pieces: &[Piece]) -> Option<Numbers> {
    let mut out = Numbers::default();
    for (row, column, n) in pieces {
        model.read(tensor, *row, *column, *n, &mut out)?;
    }
    Some(out)
}

/// What two samples of the same places say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measure {
    /// Numbers compared.
    pub(crate) n: u64,
    /// Those that are equal.
    pub(crate) equal: u64,
    /// Those that may be roundings of one number.
    pub(crate) fits: u64,
    /// Sums of squares: of A, of B, of the difference; and of the products.
    pub(crate) aa: f64,
    pub(crate) bb: f64,
    pub(crate) dd: f64,
    pub(crate) ab: f64,
    /// Sums, for what is left without the mean.
    pub(crate) a: f64,
    pub(crate) b: f64,
    /// Different values in A, up to 64.
    pub(crate) distinct: usize,
    /// All values of both are one: an untouched gain, an empty bias.
    pub(crate) constant: bool,
}

impl Measure {
    /// The cosine of the two samples.
    pub(crate) fn cosine(&self) -> f64 {
        ratio(self.ab, (self.aa * self.bb).sqrt())
    }

    /// Norm of the difference over the norm of A.
    pub(crate) fn relative(&self) -> f64 {
        ratio(self.dd, self.aa).sqrt()
    }

    pub(crate) fn share(&self, of: u64) -> f64 {
        if self.n == 0 { 0.0 } else { of as f64 / self.n as f64 }
    }

    pub(crate) fn add(&mut self, m: &Measure) {
        self.n += m.n;
        self.equal += m.equal;
        self.fits += m.fits;
        self.aa += m.aa;
        self.bb += m.bb;
        self.dd += m.dd;
        self.ab += m.ab;
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 && a.is_finite() { a / b } else { 0.0 }
}

/// Unit in the last place, relative, of a float with so many bits.
fn relative_half(bits: u8) -> f32 {
    1.001 / f32::from_bits((127 + u32::from(bits)) << 23)
}

/// Compares two samples; `floats`: whether each is stored as floats.
pub(crate) fn measure(a: &Numbers, b: &Numbers, floats: (bool, bool)) -> Measure {
    let bits = |x: &Numbers, float: bool| if float { precision(&x.values) } else { 24 };
    let (pa, pb) = (bits(a, floats.0), bits(b, floats.1));
    // of the same precision they are equal or not; of another, one may be the other's rounding
    let rounded = pa != pb || !(floats.0 && floats.1);
    let (ra, rb) = if rounded { (relative_half(pa), relative_half(pb)) } else { (0.0, 0.0) };
    // half precision loses what is below its range
    let floor = if rounded && (pa == 11 || pb == 11) { 3.1e-8 } else { 0.0 };
    let mut m = Measure::default();
    let mut seen: Vec<u32> = Vec::new();
    let first = (a.values.first().copied().unwrap_or(0.0), b.values.first().copied().unwrap_or(0.0));
    m.constant = true;
    for (((x, y), hx), hy) in a.values.iter().zip(&b.values).zip(&a.half).zip(&b.half) {
        let (wide_x, wide_y) = (f64::from(*x), f64::from(*y));
        m.n += 1;
        m.equal += u64::from(x == y);
        let reach = hx + hy + x.abs() * ra + y.abs() * rb + floor;
        m.fits += u64::from((x - y).abs() <= reach);
        m.aa += wide_x * wide_x;
        m.bb += wide_y * wide_y;
        m.ab += wide_x * wide_y;
        m.dd += (wide_x - wide_y) * (wide_x - wide_y);
        m.a += wide_x;
        m.b += wide_y;
        m.constant &= *x == first.0 && *y == first.1;
        if seen.len() < 64 && !seen.contains(&x.to_bits()) {
            seen.push(x.to_bits());
        }
    }
    m.distinct = seen.len();
    m
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f32]) -> Numbers {
        Numbers { values: values.to_vec(), half: vec![0.0; values.len()] }
    }

    #[test]
    fn places_lie_inside_and_depend_on_name_and_shape_alone() {
        for (rows, columns, block) in
            [(1, 128, 1), (64, 64, 32), (4096, 4096, 256), (3, 100, 1), (151_936, 896, 32), (2, 16, 32)]
        {
            for class in [Class::Projection, Class::Embedding] {
                for across in [false, true] {
                    let pieces = plan("attn_q.weight", class, rows, columns, block, across);
                    assert_eq!(pieces, plan("attn_q.weight", class, rows, columns, block, across));
                    assert!(!pieces.is_empty() || columns < block);
                    for (row, column, n) in pieces {
                        assert!(row < rows && column + n <= columns && column % block == 0 && n % block == 0 && n > 0);
                    }
                }
            }
        }
        assert!(plan("x", Class::Projection, 2, 16, 32, false).is_empty());
    }

    #[test]
    fn heads_are_interleaved_as_llama_cpp_does() {
        // one head of four rows: halves (0, 1) and (2, 3) become 0, 2, 1, 3 of the file
        let rows: Vec<_> = (0..4).map(|r| interleaved(r, 4, 1).unwrap()).collect();
        assert_eq!(rows, [0, 2, 1, 3]);
        assert_eq!(interleaved(5, 8, 2), Some(6));
        assert_eq!(interleaved(0, 6, 4), None);
        assert_eq!(interleaved(0, 6, 0), None);
    }

    #[test]
    fn rounding_fits_and_a_step_aside_does_not() {
        let long = floats(&[0.1, -0.3, 2.7]);
        let short: Vec<f32> = long
            .values
            .iter()
            .map(|v| crate::numbers::bf16(u16::try_from((v.to_bits() + 0x8000) >> 16).unwrap()))
            .collect();
        let m = measure(&long, &floats(&short), (true, true));
        assert_eq!((m.n, m.equal, m.fits), (3, 0, 3));
        let m = measure(&floats(&short), &floats(&[short[0], short[1] * 1.015_625, short[2]]), (true, true));
        assert_eq!((m.equal, m.fits), (2, 2));
        assert!(measure(&floats(&[1.0; 8]), &floats(&[1.0; 8]), (true, true)).constant);
    }
}
