//! The tensors of a folder as transformers writes it: safetensors shards, mapped into memory and never copied whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

use crate::compute::{Threads, View, multiply, multiply_into, wide};
use crate::numbers::{from_bf16, from_f16};

/// The largest header that is read.
const HEADER_MAX: u64 = 256 << 20;

/// How values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Four bytes.
    F32,
    /// IEEE half.
    F16,
    /// bfloat16.
    Bf16,
}

impl Dtype {
    /// Bytes of one value.
    pub fn bytes(self) -> usize {
        if self == Self::F32 { 4 } else { 2 }
    }

    /// As safetensors spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
        }
    }
}

/// Where a tensor's bytes are.
#[derive(Clone, Debug)]
enum Bytes {
    Mapped(Arc<memmap2::Mmap>, usize, usize),
    Held(Arc<[u8]>),
}

/// One tensor.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Its values' kind.
    pub dtype: Dtype,
    /// Rows first.
    pub shape: Vec<usize>,
    bytes: Bytes,
}

impl Tensor {
    /// From values held.
    pub fn held(values: &[f32], shape: Vec<usize>) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape, bytes: Bytes::Held(bytes.into()) }
    }

    /// The bytes as stored, little-endian.
    pub fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(map, from, to) => &map[*from..*to],
            Bytes::Held(bytes) => bytes,
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows and columns of a matrix; a vector is one row.
    pub fn sides(&self) -> (usize, usize) {
        match self.shape[..] {
            [rows, columns] => (rows, columns),
            _ => (1, self.len()),
        }
    }

    /// Values `from..to` as f32.
    pub fn values(&self, from: usize, to: usize) -> Vec<f32> {
        let mut out = vec![0.0; to - from];
        self.read(from, &mut out);
        out
    }

    /// All values as f32.
    pub fn all(&self) -> Vec<f32> {
        self.values(0, self.len())
    }

    /// Values from `from` on, as many as fit.
    pub fn read(&self, from: usize, to: &mut [f32]) {
        let width = self.dtype.bytes();
        let bytes = &self.bytes()[from * width..(from + to.len()) * width];
        let two = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
        match self.dtype {
            Dtype::F32 => to
                .iter_mut()
                .zip(bytes.chunks_exact(4))
                .for_each(|(t, b)| *t = f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
            Dtype::F16 => to.iter_mut().zip(bytes.chunks_exact(2)).for_each(|(t, b)| *t = from_f16(two(b))),
            Dtype::Bf16 => {
                wide!({ to.iter_mut().zip(bytes.chunks_exact(2)).for_each(|(t, b)| *t = from_bf16(two(b))) })
            }
        }
    }

    /// The values where they lie, if they are f32 and lie evenly.
    fn direct(&self) -> Option<&[f32]> {
        if self.dtype != Dtype::F32 || cfg!(target_endian = "big") {
            return None;
        }
        #[expect(unsafe_code, reason = "any four bytes are an f32; `align_to` gives the evenly lying middle")]
        let (before, middle, after) = unsafe { self.bytes().align_to::<f32>() };
        (before.is_empty() && after.is_empty()).then_some(middle)
    }
}

/// Rows of a half-width matrix that are widened at once.
const PANEL_VALUES: usize = 1 << 20;

/// A matrix that is multiplied with, as stored: `rows` outputs, `columns` inputs.
#[derive(Clone, Debug)]
pub struct Matrix {
    tensor: Tensor,
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub columns: usize,
}

impl Matrix {
    /// A tensor of two dimensions.
    pub fn new(tensor: Tensor) -> Self {
        let (rows, columns) = tensor.sides();
        Self { tensor, rows, columns }
    }

    /// The tensor.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Calls with row numbers and their values, a panel of rows at a time.
    fn panels(&self, rows: std::ops::Range<usize>, mut each: impl FnMut(std::ops::Range<usize>, &[f32])) {
        if let Some(all) = self.tensor.direct() {
            each(rows.clone(), &all[rows.start * self.columns..rows.end * self.columns]);
            return;
        }
        let many = (PANEL_VALUES / self.columns.max(1)).max(16);
        let mut panel = Vec::new();
        let mut at = rows.start;
        while at < rows.end {
            let to = (at + many).min(rows.end);
            panel.resize((to - at) * self.columns, 0.0);
            let part = (panel.len() / (4 * rayon::current_num_threads())).max(4096);
            panel.par_chunks_mut(part).enumerate().for_each(|(i, p)| self.tensor.read(at * self.columns + i * part, p));
            each(at..to, &panel);
            at = to;
        }
    }

    /// `to[.., offset..offset + rows] = x W^T`, where rows of `to` begin `step` apart.
    pub fn forward(&self, to: &mut [f32], step: usize, x: View<'_>) {
        self.forward_rows(to, step, x, 0..self.rows);
    }

    /// [`Matrix::forward`] with some of the rows.
    pub fn forward_rows(&self, to: &mut [f32], step: usize, x: View<'_>, rows: std::ops::Range<usize>) {
        let first = rows.start;
        self.panels(rows, |rows, panel| {
            let w = View::new(panel, rows.len(), self.columns).turned();
            multiply_into(&mut to[rows.start - first..], step, x, w, 1.0, false, Threads::All);
        });
    }

    /// `to = grad W`, or that added; rows of `grad` begin `step` apart.
    pub fn back(&self, to: &mut [f32], grad: &[f32], step: usize, add: bool) {
        self.back_rows(to, grad, step, add, 0..self.rows);
    }

    /// [`Matrix::back`] with some of the rows: `grad` is that of their outputs alone.
    pub fn back_rows(&self, to: &mut [f32], grad: &[f32], step: usize, mut add: bool, rows: std::ops::Range<usize>) {
        let (tokens, first) = (to.len() / self.columns, rows.start);
        self.panels(rows, |rows, panel| {
            let g = View::spaced(&grad[rows.start - first..], tokens, rows.len(), step);
            multiply(to, g, View::new(panel, rows.len(), self.columns), 1.0, add, Threads::All);
            add = true;
        });
    }

    /// One row's values.
    pub fn row(&self, row: usize, to: &mut [f32]) {
        self.tensor.read(row * self.columns, to);
    }
}

/// The tensors of a folder by name.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// By name, in the order of names.
    pub tensors: BTreeMap<String, Tensor>,
    /// The files that they came from.
    pub files: Vec<PathBuf>,
}

/// Maps a file of safetensors.
///
/// # Errors
/// What is wrong with the file.
pub fn map_file(path: &Path) -> Result<BTreeMap<String, Tensor>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let says = |what: String| format!("{name}: {what}");
    let file = File::open(path).map_err(|e| says(e.kind().to_string()))?;
    let length = file.metadata().map_err(|e| says(e.kind().to_string()))?;
    if !length.is_file() {
        return Err(says("not a file".into()));
    }
    #[expect(
        unsafe_code,
        reason = "a map of a file that another process may shorten: the reader would get SIGBUS, no memory of ours is at stake"
    )]
    let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|e| says(e.kind().to_string()))?;
    let map = Arc::new(map);
    let tensors = described(&map).map_err(says)?;
    let held = |(name, d): (String, Described)| {
        (name, Tensor { dtype: d.dtype, shape: d.shape, bytes: Bytes::Mapped(Arc::clone(&map), d.from, d.to) })
    };
    Ok(tensors.into_iter().map(held).collect())
}

/// A tensor as a header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    dtype: Dtype,
    shape: Vec<usize>,
    /// Its first byte in the file.
    pub(crate) from: usize,
    /// One behind its last.
    pub(crate) to: usize,
}

/// The tensors of a file of safetensors, every one inside it.
pub(crate) fn described(file: &[u8]) -> Result<BTreeMap<String, Described>, String> {
    let head: [u8; 8] = file.get(..8).and_then(|b| b.try_into().ok()).ok_or("shorter than 8 bytes")?;
    let header = u64::from_le_bytes(head);
    let end = usize::try_from(header).ok().filter(|_| header <= HEADER_MAX).and_then(|h| h.checked_add(8));
    let end = end.filter(|e| *e <= file.len()).ok_or_else(|| format!("a header of {header} bytes does not fit"))?;
    let parsed: BTreeMap<String, Value> =
        serde_json::from_slice(&file[8..end]).map_err(|e| format!("the header is no JSON object: {e}"))?;
    let tensors = parsed.into_iter().filter(|(name, _)| name != "__metadata__");
    tensors
        .map(|(name, value)| {
            let read = one(&value, end, file.len()).map_err(|what| format!("`{name}` {what}"))?;
            Ok((name, read))
        })
        .collect()
}

fn one(value: &Value, end: usize, length: usize) -> Result<Described, String> {
    let dtype = match value.get("dtype").and_then(Value::as_str) {
        Some("F32") => Dtype::F32,
        Some("F16") => Dtype::F16,
        Some("BF16") => Dtype::Bf16,
        other => return Err(format!("is of type {}: the studio reads F32, F16 and BF16", other.unwrap_or("unknown"))),
    };
    let list = |key: &str| -> Option<Vec<usize>> {
        let all = value.get(key)?.as_array()?.iter();
        all.map(|v| v.as_u64().and_then(|n| usize::try_from(n).ok())).collect()
    };
    let shape = list("shape").ok_or("has no shape")?;
    let count = shape.iter().try_fold(dtype.bytes(), |n, s| n.checked_mul(*s)).ok_or("is larger than any file")?;
    let (from, to) = match list("data_offsets").as_deref() {
        Some([from, to]) => (end.checked_add(*from), end.checked_add(*to)),
        _ => return Err("has no data_offsets".into()),
    };
    let (Some(from), Some(to)) = (from, to) else { return Err("lies outside the file".into()) };
    if from > to || to > length {
        return Err("lies outside the file".into());
    }
    if to - from != count {
        return Err(format!("has {} bytes where its shape needs {count}", to - from));
    }
    Ok(Described { dtype, shape, from, to })
}

impl Weights {
    /// Maps `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// What is missing or wrong, a line each.
    pub fn open(folder: &Path) -> Result<Self, Vec<String>> {
        let index = folder.join("model.safetensors.index.json");
        let mut names = BTreeSet::new();
        if index.is_file() {
            let text =
                std::fs::read(&index).map_err(|e| vec![format!("model.safetensors.index.json: {}", e.kind())])?;
            let value: Value =
                serde_json::from_slice(&text).map_err(|e| vec![format!("model.safetensors.index.json: {e}")])?;
            let map = value.get("weight_map").and_then(Value::as_object);
            let shards = map.into_iter().flatten().filter_map(|(_, file)| file.as_str());
            names.extend(shards.map(str::to_owned));
            if names.is_empty() {
                return Err(vec!["model.safetensors.index.json names no shard".into()]);
            }
        } else {
            names.insert("model.safetensors".to_owned());
        }
        let mut all = Self::default();
        let mut wrong = Vec::new();
        for name in names {
            // a shard lies beside its index: a name with a path in it would leave the folder
            if name.contains(['/', '\\']) || name == ".." {
                wrong.push(format!("model.safetensors.index.json names {name:?}, which is not beside it"));
                continue;
            }
            let path = folder.join(&name);
            match map_file(&path) {
                Ok(tensors) => all.tensors.extend(tensors),
                Err(what) => wrong.push(what),
            }
            all.files.push(path);
        }
        if wrong.is_empty() { Ok(all) } else { Err(wrong) }
    }
}
