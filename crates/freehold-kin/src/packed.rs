//! Matrices that a file keeps in several tensors: codes, scales, and what else takes them back to numbers. FP8 with
//! scales, GPTQ, AWQ, bitsandbytes, MLX, MXFP4 and compressed-tensors.
//!
//! Everything is read number by number out of cached pages, since GPTQ and AWQ keep a matrix the other way round.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::bytes::Counted;
use crate::ggml::{FP4, e8m0, level_half};
use crate::model::Entry;
use crate::numbers::{CUT, Numbers, bf16, e4m3, e5m2, f16};

/// Longest `quant_state` of bitsandbytes that is read.
const STATE_BYTES_MAX: u64 = 4096;
/// How far GPTQ moves a number from its code, in steps: it corrects each for the errors of those before.
/// On generated matrices nearly all stay within (`docs/kin.md`).
const GPTQ_REACH: f32 = 1.5;

/// A tensor that is a part.
#[derive(Clone, Debug)]
struct Part {
    file: usize,
    dtype: Dtype,
    rows: u64,
    columns: u64,
    offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dtype {
    F32,
    F16,
    Bf16,
    E4m3,
    E5m2,
    /// 32 bits, signed or not.
    Word,
    Byte,
    I8,
    I64,
}

impl Dtype {
    fn of(name: &str) -> Option<(Dtype, u64)> {
        Some(match name {
            "F32" => (Dtype::F32, 4),
            "F16" => (Dtype::F16, 2),
            "BF16" => (Dtype::Bf16, 2),
            "F8_E4M3" => (Dtype::E4m3, 1),
            "F8_E5M2" => (Dtype::E5m2, 1),
            "I32" | "U32" => (Dtype::Word, 4),
            "U8" => (Dtype::Byte, 1),
            "I8" => (Dtype::I8, 1),
            "I64" => (Dtype::I64, 8),
            _ => return None,
        })
    }
}

/// The files that parts lie in.
pub(crate) type Files<'f, 'a> = &'f dyn Fn(usize) -> Option<&'f Counted<'a>>;

impl Part {
    /// Row and column of a number as its index.
    fn index(&self, row: u64, column: u64) -> Option<u64> {
        if row >= self.rows || column >= self.columns {
            return None;
        }
        row.checked_mul(self.columns)?.checked_add(column)
    }

    fn bytes<const N: usize>(&self, files: Files<'_, '_>, index: u64) -> Option<[u8; N]> {
        let at = self.offset.checked_add(index.checked_mul(u64::try_from(N).ok()?)?)?;
        files(self.file)?.few(at)
    }

    fn float(&self, files: Files<'_, '_>, index: u64) -> Option<f32> {
        if index >= self.rows.checked_mul(self.columns)? {
            return None;
        }
        Some(match self.dtype {
            Dtype::F32 => f32::from_le_bytes(self.bytes(files, index)?),
            Dtype::F16 => f16(u16::from_le_bytes(self.bytes(files, index)?)),
            Dtype::Bf16 => bf16(u16::from_le_bytes(self.bytes(files, index)?)),
            _ => return None,
        })
    }

    fn word(&self, files: Files<'_, '_>, row: u64, column: u64) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(files, self.index(row, column)?)?))
    }

    fn byte(&self, files: Files<'_, '_>, index: u64) -> Option<u8> {
        Some(self.bytes::<1>(files, index)?[0])
    }

    fn numbers(&self) -> u64 {
        self.rows.saturating_mul(self.columns)
    }

    fn is_float(&self) -> bool {
        matches!(self.dtype, Dtype::F32 | Dtype::F16 | Dtype::Bf16)
    }
}

/// How the parts become numbers.
#[derive(Clone, Debug)]
enum How {
    /// Eight-bit floats; rows and columns that share a scale.
    Fp8 { scale: Part, block: (u64, u64) },
    /// Words along the columns of the matrix; `add` is what stored zeros lack.
    Gptq { bits: u64, zeros: Part, scales: Part, group: u64, order: Option<Part>, add: u32 },
    /// Words along the rows of the matrix, in AWQ's order.
    Awq { zeros: Part, scales: Part, group: u64 },
    /// Four bits of a table that the file holds.
    Bnb4 { levels: Vec<f32>, block: u64, scale: Part, nested: Option<Nested> },
    /// Bytes with a scale for each row, times this.
    Int8 { scale: Part, unit: f32 },
    /// Codes in a row of bits; scale and offset of a group.
    Affine { bits: u64, group: u64, scales: Part, offsets: Option<Part>, center: u32 },
    /// Four-bit floats, 32 to a power of two.
    Mxfp4 { scales: Part },
}

/// Scales that are quantized themselves.
#[derive(Clone, Debug)]
struct Nested {
    levels: Vec<f32>,
    scale: Part,
    block: u64,
    offset: f32,
}

/// A matrix of several tensors.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// As it would be called in one piece.
    pub(crate) name: String,
    /// The word of a report.
    pub(crate) word: &'static str,
    pub(crate) rows: u64,
    pub(crate) columns: u64,
    codes: Part,
    how: How,
}

impl Matrix {
    /// The file of its codes, and where they begin.
    pub(crate) fn place(&self) -> (usize, u64) {
        (self.codes.file, self.codes.offset)
    }

    /// The bytes of all of its codes.
    pub(crate) fn range(&self) -> Option<(u64, u64)> {
        let width = if self.codes.dtype == Dtype::Word { 4 } else { 1 };
        Some((self.codes.offset, self.codes.offset.checked_add(self.codes.numbers().checked_mul(width)?)?))
    }

    /// True where neighbors in a row lie far apart.
    pub(crate) fn is_across(&self) -> bool {
        matches!(self.how, How::Gptq { .. } | How::Awq { .. })
    }

    /// True where numbers were moved to correct each other's errors.
    pub(crate) fn is_corrected(&self) -> bool {
        matches!(self.how, How::Gptq { .. })
    }

    /// Adds `n` numbers of a row.
    pub(crate) fn read(&self, files: Files<'_, '_>, row: u64, column: u64, n: u64, out: &mut Numbers) -> Option<()> {
        if row >= self.rows || column.checked_add(n)? > self.columns {
            return None;
        }
        for c in column..column.checked_add(n)? {
            let (value, half) = self.number(files, row, c)?;
            out.push(value, half + value.abs() / 2048.0);
        }
        Some(())
    }

    /// A number, and how far what was rounded to it may lie away.
    fn number(&self, files: Files<'_, '_>, row: u64, column: u64) -> Option<(f32, f32)> {
        let codes = &self.codes;
        Some(match &self.how {
            How::Fp8 { scale, block } => {
                let bits = codes.byte(files, codes.index(row, column)?)?;
                let (value, half) = if codes.dtype == Dtype::E4m3 { e4m3(bits) } else { e5m2(bits) };
                let s = scale.float(files, scale.index(row / block.0, column / block.1)?)?;
                (value * s, half * s.abs())
            }
            How::Gptq { bits, zeros, scales, group, order, add } => {
                let per = 32 / bits;
                let g = match order {
                    Some(o) => u64::from(o.word(files, 0, column)?),
                    None => column / group,
                };
                let pick = |word: u32, at: u64| word >> (at % per * bits) & ((1u32 << bits) - 1);
                let code = pick(codes.word(files, column / per, row)?, column);
                let zero = pick(zeros.word(files, g, row / per)?, row) + add;
                stepped(scales.float(files, scales.index(g, row)?)?, code, zero, (1 << bits) - 1, 2.0 * GPTQ_REACH)
            }
            How::Awq { zeros, scales, group } => {
                // even columns first, then odd ones
                let k = row % 8;
                let shift = (k / 2 + k % 2 * 4) * 4;
                let g = column / group;
                let code = codes.word(files, column, row / 8)? >> shift & 15;
                let zero = zeros.word(files, g, row / 8)? >> shift & 15;
                stepped(scales.float(files, scales.index(g, row)?)?, code, zero, 15, 1.0)
            }
            How::Bnb4 { levels, block, scale, nested } => {
                let index = row.checked_mul(self.columns)?.checked_add(column)?;
                let pair = codes.byte(files, index / 2)?;
                let code = usize::from(if index.is_multiple_of(2) { pair >> 4 } else { pair & 15 });
                let b = index / block;
                let s = match nested {
                    None => scale.float(files, b)?,
                    Some(n) => {
                        let level = *n.levels.get(usize::from(scale.byte(files, b)?))?;
                        level * n.scale.float(files, b / n.block)? + n.offset
                    }
                };
                let value = *levels.get(code)?;
                (value * s, gap(levels, value) * s.abs())
            }
            How::Int8 { scale, unit } => {
                let code = i8::from_le_bytes([codes.byte(files, codes.index(row, column)?)?]);
                let s = scale.float(files, if scale.numbers() == 1 { 0 } else { row })? * unit;
                (f32::from(code) * s, 0.5 * s.abs())
            }
            How::Affine { bits, group, scales, offsets, center } => {
                let bit = column.checked_mul(*bits)?;
                let (at, shift) = (bit / 32, bit % 32);
                let low = u64::from(codes.word(files, row, at)?);
                let high = if shift + bits > 32 { u64::from(codes.word(files, row, at + 1)?) } else { 0 };
                let last = (1u32 << bits) - 1;
                let code = u32::try_from((high << 32 | low) >> shift & u64::from(last)).ok()?;
                let g = column / group;
                let (value, half) = stepped(scales.float(files, scales.index(row, g)?)?, code, *center, last, 1.0);
                let offset = match offsets {
                    Some(o) => o.float(files, o.index(row, g)?)?,
                    None => 0.0,
                };
                // scale and offset were rounded themselves
                (
                    value + offset,
                    half + (value.abs() + offset.abs()) / if scales.dtype == Dtype::Bf16 { 256.0 } else { 2048.0 },
                )
            }
            How::Mxfp4 { scales } => {
                let index = row.checked_mul(self.columns)?.checked_add(column)?;
                let pair = codes.byte(files, index / 2)?;
                let code = usize::from(if index.is_multiple_of(2) { pair & 15 } else { pair >> 4 });
                let s = e8m0(scales.byte(files, index / 32)?) * 0.5;
                let level = *FP4.get(code)?;
                (f32::from(level) * s, level_half(&FP4, level) * s.abs())
            }
        })
    }
}

/// `scale * (code - zero)`, half of whose step is `reach` halves wide; codes are of eight bits at most.
fn stepped(scale: f32, code: u32, zero: u32, last: u32, reach: f32) -> (f32, f32) {
    #[expect(clippy::cast_precision_loss, reason = "numbers below a thousand")]
    let (c, z) = (code as f32, zero as f32);
    let reach = if code == 0 || code == last { reach.max(CUT) } else { reach };
    (scale * (c - z), 0.5 * reach * scale.abs())
}

/// [`level_half`] for levels that a file states.
fn gap(levels: &[f32], level: f32) -> f32 {
    let way = |sign: f32| levels.iter().map(|l| (l - level) * sign).filter(|g| *g > 0.0).reduce(f32::min);
    match (way(-1.0), way(1.0)) {
        (Some(below), Some(above)) => 0.5 * below.max(above),
        (one, other) => one.or(other).unwrap_or(0.0) * 0.5,
    }
}

/// What a folder's tensors make together.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) matrices: Vec<Matrix>,
    /// Entries, by their index, that are parts of one.
    pub(crate) used: BTreeSet<usize>,
    /// Words of what is packed in a way that is not read.
    pub(crate) refused: Vec<String>,
}

struct Shelf<'e, 'f, 'a> {
    entries: &'e [(usize, Entry)],
    names: BTreeMap<&'e str, usize>,
    files: Files<'f, 'a>,
    /// Numbers that share a scale in MLX's matrices.
    mlx_group: u64,
}

/// Brings parts together, whichever of the files they lie in.
pub(crate) fn gather(entries: &[(usize, Entry)], files: Files<'_, '_>) -> Gathered {
    let names: BTreeMap<&str, usize> = entries.iter().enumerate().map(|(i, (_, e))| (e.name.as_str(), i)).collect();
    let mut shelf = Shelf { entries, names, files, mlx_group: 64 };
    shelf.mlx_group = shelf.mlx_group_by_width().unwrap_or(64);
    let mut out = Gathered::default();
    for (_, entry) in entries {
        let Some((made, used)) = shelf.make(entry) else { continue };
        out.used.extend(used);
        match made {
            Ok(matrix) => out.matrices.push(matrix),
            Err(word) => out.refused.push(word.into()),
        }
    }
    out
}

/// A matrix or the word of what it is, and the entries that belong to it.
type Made = (Result<Matrix, &'static str>, Vec<usize>);

impl Shelf<'_, '_, '_> {
    /// A tensor as rows of its last dimension; `None` where it is absent or lies outside of its file.
    fn part(&self, name: &str) -> Option<Part> {
        let (file, e) = self.entries.get(*self.names.get(name)?)?;
        let (dtype, width) = Dtype::of(&e.storage)?;
        let columns = e.shape.last().copied().unwrap_or(1);
        let rows = e.shape.iter().rev().skip(1).try_fold(1u64, |n, d| n.checked_mul(*d))?;
        let bytes = rows.checked_mul(columns)?.checked_mul(width)?;
        let inside = e.offset.checked_add(bytes)? <= (self.files)(*file)?.size();
        let whole = e.bytes.is_none_or(|b| b == bytes) && bytes > 0;
        (inside && whole).then_some(Part { file: *file, dtype, rows, columns, offset: e.offset })
    }

    fn used(&self, stem: &str, ends: &[&str]) -> Vec<usize> {
        ends.iter().filter_map(|end| self.names.get(format!("{stem}{end}").as_str()).copied()).collect()
    }

    fn make(&self, entry: &Entry) -> Option<Made> {
        let name = entry.name.as_str();
        let has = |stem: &str, end: &str| self.names.contains_key(format!("{stem}{end}").as_str());
        if let Some(stem) = name.strip_suffix(".qweight") {
            let made = self.qweight(stem).ok_or("GPTQ or AWQ of an unknown shape");
            return Some((made, self.used(stem, &[".qweight", ".qzeros", ".scales", ".g_idx"])));
        }
        if let Some(stem) = name.strip_suffix("_blocks").filter(|s| entry.storage == "U8" && has(s, "_scales")) {
            let made = self.mxfp4(stem).ok_or("MXFP4 of an unknown shape");
            return Some((made, self.used(stem, &["_blocks", "_scales"])));
        }
        if let Some(stem) = name.strip_suffix(".weight_packed") {
            let made = if entry.storage == "U8" {
                Err("NVFP4")
            } else {
                self.compressed(stem).ok_or("compressed-tensors of an unknown shape")
            };
            let ends = [".weight_packed", ".weight_scale", ".weight_shape", ".weight_zero_point", ".weight_g_idx"];
            return Some((made, self.used(stem, &ends)));
        }
        let stem = name.strip_suffix(".weight")?;
        let (made, ends): (_, &[&str]) = match entry.storage.as_str() {
            "F8_E4M3" | "F8_E5M2" => {
                let end = [".weight_scale_inv", ".weight_scale", ".scale_weight"].into_iter().find(|e| has(stem, e))?;
                let made = self.fp8(stem, end).ok_or("FP8 with scales of an unknown shape");
                return Some((made, self.used(stem, &[".weight", end, ".input_scale", ".scale_input"])));
            }
            "U8" if has(stem, ".weight.absmax") => {
                let states = ["nf4", "fp4"].map(|t| format!(".weight.quant_state.bitsandbytes__{t}"));
                let made = self.bnb4(stem, &states).ok_or("bitsandbytes of an unknown shape");
                let mut used = self.used(stem, &states.each_ref().map(String::as_str));
                used.extend(self.used(stem, &[".weight", ".weight.absmax", ".weight.quant_map"]));
                used.extend(self.used(stem, &[".weight.nested_absmax", ".weight.nested_quant_map"]));
                return Some((made, used));
            }
            "U8" if has(stem, ".weight_scale") => (Err("NVFP4"), &[".weight", ".weight_scale", ".weight_scale_2"]),
            "I8" if has(stem, ".SCB") => {
                let made = self.int8(stem, ".SCB", 1.0 / 127.0).ok_or("8 bits of an unknown shape");
                (made, &[".weight", ".SCB", ".weight_format"])
            }
            "I8" if has(stem, ".weight_scale") => {
                let made = self.int8(stem, ".weight_scale", 1.0).ok_or("8 bits of an unknown shape");
                (made, &[".weight", ".weight_scale"])
            }
            "U32" if has(stem, ".scales") => {
                (self.mlx(stem).ok_or("MLX of an unknown shape"), &[".weight", ".scales", ".biases"])
            }
            _ => return None,
        };
        Some((made, self.used(stem, ends)))
    }

    fn fp8(&self, stem: &str, end: &str) -> Option<Matrix> {
        let codes = self.part(&format!("{stem}.weight"))?;
        let mut scale = self.part(&format!("{stem}{end}")).filter(Part::is_float)?;
        let block = if scale.numbers() == 1 {
            (scale.rows, scale.columns) = (1, 1);
            (codes.rows, codes.columns)
        } else if scale.numbers() == codes.rows {
            (scale.rows, scale.columns) = (codes.rows, 1);
            (1, codes.columns)
        } else {
            // 128 square, as DeepSeek has it, or what divides evenly
            let fits = |n: u64, of: u64| n.div_ceil(128) == of;
            if fits(codes.rows, scale.rows) && fits(codes.columns, scale.columns) {
                (128, 128)
            } else {
                let even = |n: u64, of: u64| n.checked_div(of).filter(|b| b.checked_mul(of) == Some(n) && *b > 0);
                (even(codes.rows, scale.rows)?, even(codes.columns, scale.columns)?)
            }
        };
        let (rows, columns) = (codes.rows, codes.columns);
        let how = How::Fp8 { scale, block };
        Some(Matrix { name: format!("{stem}.weight"), word: "FP8 with scales", rows, columns, codes, how })
    }

    fn qweight(&self, stem: &str) -> Option<Matrix> {
        let part = |end: &str| self.part(&format!("{stem}{end}"));
        let codes = part(".qweight").filter(|p| p.dtype == Dtype::Word)?;
        let zeros = part(".qzeros").filter(|p| p.dtype == Dtype::Word)?;
        let scales = part(".scales").filter(Part::is_float)?;
        let name = format!("{stem}.weight");
        let rows = scales.columns;
        if zeros.rows != scales.rows {
            return None;
        }
        if codes.columns.checked_mul(8) == Some(rows) && zeros.columns == codes.columns {
            let columns = codes.rows;
            let group = columns.checked_div(scales.rows).filter(|g| *g > 0 && g * scales.rows == columns)?;
            let how = How::Awq { zeros, scales, group };
            return Some(Matrix { name, word: "AWQ", rows, columns, codes, how });
        }
        let bits = zeros.columns.checked_mul(32)?.checked_div(rows).filter(|b| [2, 4, 8].contains(b))?;
        let columns = codes.rows.checked_mul(32 / bits)?;
        if codes.columns != rows || zeros.columns.checked_mul(32 / bits) != Some(rows) {
            return None;
        }
        let group = columns.div_ceil(scales.rows);
        let order = part(".g_idx").filter(|o| o.dtype == Dtype::Word && o.numbers() == columns);
        let order = order.map(|o| Part { rows: 1, columns, ..o });
        // symmetric files state their zero: with the older way of writing it is one less
        let middle = (0..32 / bits).fold(0u32, |w, i| w | 1 << (i * bits + bits - 1));
        let add = u32::from(zeros.word(self.files, 0, 0)? != middle);
        let how = How::Gptq { bits, zeros, scales, group, order, add };
        Some(Matrix { name, word: "GPTQ", rows, columns, codes, how })
    }

    fn bnb4(&self, stem: &str, states: &[String]) -> Option<Matrix> {
        #[derive(Deserialize)]
        struct State {
            blocksize: u64,
            shape: Vec<u64>,
            nested_blocksize: Option<u64>,
            nested_offset: Option<f32>,
        }
        let part = |end: &str| self.part(&format!("{stem}{end}"));
        let codes = part(".weight")?;
        let state = states.iter().find_map(|s| part(s)).filter(|p| p.numbers() <= STATE_BYTES_MAX)?;
        let json = (self.files)(state.file)?.exactly(state.offset, usize::try_from(state.numbers()).ok()?)?;
        let state: State = serde_json::from_slice(&json).ok()?;
        let table = |part: &Part, n: u64| {
            let all = (0..n).map(|i| part.float(self.files, i)).collect::<Option<Vec<f32>>>()?;
            all.iter().all(|v| v.is_finite()).then_some(all)
        };
        let levels = table(&part(".weight.quant_map")?, 16)?;
        let scale = part(".weight.absmax")?;
        let [rows, columns] = state.shape.as_slice() else { return None };
        let numbers = rows.checked_mul(*columns).filter(|n| *n > 0)?;
        let whole = codes.numbers() == numbers.div_ceil(2) && state.blocksize > 0;
        if !whole || scale.numbers() < numbers.div_ceil(state.blocksize) {
            return None;
        }
        let nested = if scale.dtype == Dtype::Byte {
            let block = state.nested_blocksize.filter(|b| *b > 0)?;
            let levels = table(&part(".weight.nested_quant_map")?, 256)?;
            let offset = state.nested_offset.unwrap_or(0.0);
            Some(Nested { levels, scale: part(".weight.nested_absmax")?, block, offset })
        } else {
            None
        };
        let how = How::Bnb4 { levels, block: state.blocksize, scale, nested };
        let (rows, columns) = (*rows, *columns);
        Some(Matrix { name: format!("{stem}.weight"), word: "bitsandbytes 4 bit", rows, columns, codes, how })
    }

    fn int8(&self, stem: &str, end: &str, unit: f32) -> Option<Matrix> {
        let codes = self.part(&format!("{stem}.weight"))?;
        let scale = self.part(&format!("{stem}{end}")).filter(Part::is_float)?;
        let (rows, columns) = (codes.rows, codes.columns);
        if scale.numbers() != rows && scale.numbers() != 1 {
            return None;
        }
        let how = How::Int8 { scale, unit };
        Some(Matrix { name: format!("{stem}.weight"), word: "8 bit", rows, columns, codes, how })
    }

    /// The width of an embedding, if a norm tells it, by the scales of its rows: four bits in groups of 64 and eight in
    /// groups of 32 have the same shapes.
    fn mlx_group_by_width(&self) -> Option<u64> {
        let (name, _) = self.names.iter().find(|(n, _)| n.ends_with("embed_tokens.scales"))?;
        let stem = name.strip_suffix("embed_tokens.scales")?;
        let width = self.part(&format!("{stem}norm.weight"))?.numbers();
        width.checked_div(self.part(name)?.columns).filter(|g| [16, 32, 64, 128].contains(g))
    }

    fn mlx(&self, stem: &str) -> Option<Matrix> {
        let codes = self.part(&format!("{stem}.weight"))?;
        let scales = self.part(&format!("{stem}.scales")).filter(Part::is_float)?;
        let offsets = self.part(&format!("{stem}.biases")).filter(Part::is_float)?;
        let group = self.mlx_group;
        let columns = scales.columns.checked_mul(group)?;
        let bits = codes.columns.checked_mul(32)?.checked_div(columns).filter(|b| [2, 3, 4, 5, 6, 8].contains(b))?;
        let rows = codes.rows;
        let alike = (scales.rows, offsets.rows, offsets.columns) == (rows, rows, scales.columns);
        if !alike || codes.columns.checked_mul(32) != columns.checked_mul(bits) {
            return None;
        }
        let how = How::Affine { bits, group, scales, offsets: Some(offsets), center: 0 };
        Some(Matrix { name: format!("{stem}.weight"), word: "MLX", rows, columns, codes, how })
    }

    fn compressed(&self, stem: &str) -> Option<Matrix> {
        let part = |end: &str| self.part(&format!("{stem}{end}"));
        let codes = part(".weight_packed").filter(|p| p.dtype == Dtype::Word)?;
        let scales = part(".weight_scale").filter(Part::is_float)?;
        let shape = part(".weight_shape").filter(|p| p.dtype == Dtype::I64 && p.numbers() == 2)?;
        if self.names.contains_key(format!("{stem}.weight_zero_point").as_str())
            || self.names.contains_key(format!("{stem}.weight_g_idx").as_str())
        {
            return None;
        }
        let columns = u64::from_le_bytes(shape.bytes(self.files, 1)?);
        let bits = codes.columns.checked_mul(32)?.checked_div(columns).filter(|b| [4, 8].contains(b))?;
        let group = columns.checked_div(scales.columns).filter(|g| *g > 0 && g * scales.columns == columns)?;
        if scales.rows != codes.rows || codes.columns.checked_mul(32) != columns.checked_mul(bits) {
            return None;
        }
        let rows = codes.rows;
        let how = How::Affine { bits, group, scales, offsets: None, center: 1 << (bits - 1) };
        Some(Matrix { name: format!("{stem}.weight"), word: "compressed-tensors", rows, columns, codes, how })
    }

    fn mxfp4(&self, stem: &str) -> Option<Matrix> {
        let codes = self.part(&format!("{stem}_blocks"))?;
        let scales = self.part(&format!("{stem}_scales")).filter(|p| p.dtype == Dtype::Byte)?;
        let columns = scales.columns.checked_mul(32)?;
        let rows = scales.rows;
        if codes.numbers() != rows.checked_mul(columns)? / 2 {
            return None;
        }
        let how = How::Mxfp4 { scales };
        Some(Matrix { name: stem.to_owned(), word: "MXFP4", rows, columns, codes, how })
    }
}
