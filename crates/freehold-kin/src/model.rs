//! A model's tensors, wherever its files keep them.

use std::collections::{BTreeMap, BTreeSet};

use freehold_artifact::ReadAt;
use freehold_base::Diagnostic;

use crate::bytes::Counted;
use crate::names::{Class, Key, class, key};
use crate::numbers::{Numbers, Storage, decode};
use crate::packed::{self, Matrix};
use crate::{gguf, safetensors, torch};

/// Most tensors of one file.
pub(crate) const TENSORS_MAX: usize = 1 << 18;
/// Dimensions shorter than this are no rows of their own.
const SHORT: u64 = 16;
/// Most files of one model.
const FILES_MAX: usize = 1024;

/// A row of a file's table, as declared.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// A `dtype`, or ggml's number.
    pub(crate) storage: String,
    pub(crate) shape: Vec<u64>,
    /// From the start of the file.
    pub(crate) offset: u64,
    /// Where the table says so.
    pub(crate) bytes: Option<u64>,
}

/// A tensor that can be read.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) file: usize,
    pub(crate) name: String,
    pub(crate) storage: Storage,
    pub(crate) class: Class,
    pub(crate) rows: u64,
    pub(crate) columns: u64,
    pub(crate) offset: u64,
    /// Where its numbers lie in several tensors.
    pub(crate) packed: Option<Box<Matrix>>,
}

impl Tensor {
    /// True where neighbors in a row lie far apart.
    pub(crate) fn is_across(&self) -> bool {
        self.packed.as_ref().is_some_and(|m| m.is_across())
    }

    /// True where numbers were moved to correct each other's errors.
    pub(crate) fn is_corrected(&self) -> bool {
        self.packed.as_ref().is_some_and(|m| m.is_corrected())
    }
}

/// A file of a model.
struct Source<'a> {
    name: String,
    bytes: Counted<'a>,
}

/// Two conventions of the same architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Safetensors,
    Gguf,
}

/// A model, its tensor tables read.
pub struct Model<'a> {
    files: Vec<Source<'a>>,
    pub(crate) tensors: BTreeMap<Key, Tensor>,
    pub(crate) form: Form,
    pub(crate) heads: Option<u64>,
    pub(crate) kv_heads: Option<u64>,
    /// GGUF keeps the gains of these architectures' norms one higher.
    pub(crate) gain_above: f32,
    /// Storage types that are not read, with how many tensors have them.
    pub(crate) unread: BTreeMap<String, u64>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Model<'a> {
    /// Reads the tensor tables of the files of one model, in their order. What cannot be read is told, and the rest
    /// goes on.
    pub fn open(files: Vec<(String, &'a dyn ReadAt)>) -> Model<'a> {
        let mut model = Model {
            files: Vec::new(),
            tensors: BTreeMap::new(),
            form: Form::Safetensors,
            heads: None,
            kv_heads: None,
            gain_above: 0.0,
            unread: BTreeMap::new(),
            diagnostics: Vec::new(),
        };
        let mut found: Vec<(usize, Form, Entry)> = Vec::new();
        for (index, (name, source)) in files.into_iter().enumerate() {
            if index >= FILES_MAX {
                let message = format!("more than {FILES_MAX} files of weights: this one and those after are not read");
                model.diagnostics.push(Diagnostic::warning("kin-files", message).in_file(name));
                break;
            }
            let bytes = Counted::new(source);
            let head = bytes.exactly(0, usize::try_from(bytes.size().min(9)).unwrap_or(0)).unwrap_or_default();
            let table = if head.starts_with(b"GGUF") {
                gguf::read(&bytes).map(|header| {
                    model.form = Form::Gguf;
                    model.heads = header.heads.or(model.heads);
                    model.kv_heads = header.kv_heads.or(model.kv_heads);
                    if header.architecture.starts_with("gemma") && header.architecture != "gemma3n" {
                        model.gain_above = 1.0;
                    }
                    (Form::Gguf, header.entries)
                })
            } else if safetensors::is(&head, bytes.size()) {
                safetensors::read(&bytes).map(|entries| (Form::Safetensors, entries))
            } else {
                torch::read(source, &bytes, &head).map(|entries| (Form::Safetensors, entries))
            };
            match table {
                Ok((form, entries)) => found.extend(entries.into_iter().map(|e| (index, form, e))),
                Err(message) => model.diagnostics.push(Diagnostic::error("kin-unreadable", message).in_file(&*name)),
            }
            model.files.push(Source { name, bytes });
        }
        let sandwich = found.iter().any(|(_, _, e)| e.name.contains("pre_feedforward_layernorm"));
        let mut twice: BTreeSet<String> = BTreeSet::new();
        let (plain, gguf): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, form, _)| *form == Form::Safetensors);
        let plain: Vec<(usize, Entry)> = plain.into_iter().map(|(file, _, e)| (file, e)).collect();
        let made = packed::gather(&plain, &|i| model.files.get(i).map(|f| &f.bytes));
        for word in made.refused {
            model.not_read(&word);
        }
        for matrix in made.matrices {
            model.add_packed(matrix, sandwich, &mut twice);
        }
        for (i, (file, entry)) in plain.into_iter().enumerate() {
            if !made.used.contains(&i) {
                model.add(file, Form::Safetensors, entry, sandwich, &mut twice);
            }
        }
        for (file, form, entry) in gguf {
            model.add(file, form, entry, sandwich, &mut twice);
        }
        if let Some(name) = twice.first() {
            let message = format!("{} tensors stand twice (`{name}`): the first of each counts", twice.len());
            model.diagnostics.push(Diagnostic::warning("kin-twice", message));
        }
        model
    }

    fn add(&mut self, file: usize, form: Form, entry: Entry, sandwich: bool, twice: &mut BTreeSet<String>) {
        let Some(key) = key(&entry.name, sandwich) else { return };
        let storage = match form {
            Form::Safetensors => Storage::of_safetensors(&entry.storage),
            Form::Gguf => entry.storage.parse().ok().and_then(Storage::of_ggml),
        };
        let Some(storage) = storage else {
            let name = if form == Form::Gguf { crate::ggml::unread_name(&entry.storage) } else { entry.storage };
            self.not_read(&name);
            return;
        };
        // the last dimension of a convolution is its kernel's: what is short is taken with what stands above it
        let (mut columns, mut rows) = (1u64, Some(1u64));
        for n in entry.shape.iter().rev() {
            match columns.checked_mul(*n).filter(|_| columns < SHORT && rows == Some(1)) {
                Some(more) => columns = more,
                None => rows = rows.and_then(|r| r.checked_mul(*n)),
            }
        }
        let (numbers, block_bytes) = storage.block();
        let bytes = rows.and_then(|r| r.checked_mul(columns / numbers)).and_then(|n| n.checked_mul(block_bytes));
        let whole = columns % numbers == 0 && columns > 0 && rows.is_some_and(|r| r > 0);
        let inside = bytes
            .and_then(|b| entry.offset.checked_add(b))
            .is_some_and(|end| self.files.get(file).is_some_and(|f| end <= f.bytes.size()));
        if !whole || !inside || entry.bytes.is_some_and(|b| Some(b) != bytes) {
            self.not_read("outside of its file");
            return;
        }
        if self.tensors.contains_key(&key) {
            twice.insert(entry.name);
            return;
        }
        let rows = rows.unwrap_or(1);
        let class = class(&key.kind, rows > 1);
        let tensor =
            Tensor { file, name: entry.name, storage, class, rows, columns, offset: entry.offset, packed: None };
        self.tensors.insert(key, tensor);
    }

    fn add_packed(&mut self, matrix: Matrix, sandwich: bool, twice: &mut BTreeSet<String>) {
        let Some(key) = key(&matrix.name, sandwich) else { return };
        if self.tensors.contains_key(&key) {
            twice.insert(matrix.name);
            return;
        }
        let (file, offset) = matrix.place();
        let tensor = Tensor {
            file,
            name: matrix.name.clone(),
            storage: Storage::Packed(matrix.word),
            class: class(&key.kind, true),
            rows: matrix.rows,
            columns: matrix.columns,
            offset,
            packed: Some(Box::new(matrix)),
        };
        self.tensors.insert(key, tensor);
    }

    /// Counts a tensor whose numbers are not read, by what it is.
    fn not_read(&mut self, what: &str) {
        let what: String = what.chars().take(48).collect();
        if self.unread.len() < 64 || self.unread.contains_key(&what) {
            *self.unread.entry(what).or_default() += 1;
        }
    }

    /// What is wrong with the files.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Tensors whose numbers can be read.
    pub fn tensors(&self) -> usize {
        self.tensors.len()
    }

    /// Layers of the longest stack.
    pub fn layers(&self) -> u32 {
        self.tensors.keys().filter_map(|k| k.layer).max().map_or(0, |n| n.saturating_add(1))
    }

    /// Bytes fetched so far, and those of all files.
    pub fn bytes(&self) -> (u64, u64) {
        let sum = |of: &dyn Fn(&Source<'_>) -> u64| self.files.iter().fold(0u64, |n, f| n.saturating_add(of(f)));
        (sum(&|f| f.bytes.bytes_read()), sum(&|f| f.bytes.size()))
    }

    /// How its tensors are stored, the most common first.
    pub fn storage(&self) -> Vec<(&'static str, usize)> {
        let mut n: BTreeMap<&'static str, usize> = BTreeMap::new();
        for t in self.tensors.values() {
            *n.entry(t.storage.name()).or_default() += 1;
        }
        let mut all: Vec<_> = n.into_iter().collect();
        all.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), *name));
        all
    }

    /// The name of a tensor's file.
    pub(crate) fn file(&self, tensor: &Tensor) -> &str {
        self.files.get(tensor.file).map_or("", |f| f.name.as_str())
    }

    /// Where `n` numbers of a row from a column lie in the file, in whole blocks; `None` outside of the tensor.
    pub(crate) fn place(tensor: &Tensor, row: u64, column: u64, n: u64) -> Option<(u64, u64)> {
        let (numbers, bytes) = tensor.storage.block();
        if row >= tensor.rows
            || column.checked_add(n)? > tensor.columns
            || !column.is_multiple_of(numbers)
            || !n.is_multiple_of(numbers)
        {
            return None;
        }
        if let Some(matrix) = &tensor.packed {
            return matrix.range();
        }
        let first = row.checked_mul(tensor.columns)?.checked_add(column)? / numbers;
        let start = tensor.offset.checked_add(first.checked_mul(bytes)?)?;
        Some((start, start.checked_add((n / numbers).checked_mul(bytes)?)?))
    }

    /// Adds `n` numbers of a row from a column.
    pub(crate) fn read(&self, tensor: &Tensor, row: u64, column: u64, n: u64, out: &mut Numbers) -> Option<()> {
        if let Some(matrix) = &tensor.packed {
            return matrix.read(&|i| self.files.get(i).map(|f| &f.bytes), row, column, n, out);
        }
        let (start, end) = Model::place(tensor, row, column, n)?;
        let source = self.files.get(tensor.file)?;
        let raw = source.bytes.exactly(start, usize::try_from(end.checked_sub(start)?).ok()?)?;
        let from = out.values.len();
        decode(tensor.storage, &raw, out);
        if tensor.class == Class::Norm && self.gain_above != 0.0 && tensor.name.ends_with(".weight") {
            let (values, half) = (out.values.iter_mut().skip(from), out.half.iter_mut().skip(from));
            for (v, h) in values.zip(half) {
                *h += (v.abs() + 1.0) * f32::EPSILON;
                *v -= self.gain_above;
            }
        }
        Some(())
    }
}
