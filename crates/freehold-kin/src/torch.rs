//! The tensor table of torch's files: zip archives and the form before them. Their pickle is followed opcode by opcode as
//! far as numbers, texts, tuples, dictionaries and the calls that make a tensor of a storage go; nothing is imported or
//! called, and what else it would make is an empty object.

use std::collections::BTreeMap;

use freehold_artifact::{ReadAt, stored_members};

use crate::bytes::Counted;
use crate::model::{Entry, TENSORS_MAX};

/// Longest pickle that is followed; that of ten thousand tensors has 1.5 MB.
const PICKLE_BYTES_MAX: u64 = 16 << 20;
/// Most opcodes of a file.
const OPCODES_MAX: u64 = 4_000_000;
/// Most values on the stack, in the memo, in tuples and in dictionaries, each.
const VALUES_MAX: usize = 1 << 19;
/// Most dimensions of a tensor.
const DIMENSIONS_MAX: usize = 8;
/// Longest name of a tensor.
const NAME_BYTES_MAX: usize = 1024;
/// How deep dictionaries and modules may stand in each other.
const DEPTH_MAX: usize = 48;
/// Entries of dictionaries that are looked at for tensors.
const LOOKED_MAX: usize = 1 << 20;

/// torch's magic number at the start of files from before its zip format, as a pickle of its own.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// Parts of a module's path that torch keeps for itself.
const INNER: &[&str] = &["_modules", "_parameters", "_buffers", "state_dict", "model_state_dict"];

/// A storage's class, the `dtype` that safetensors gives it, and the bytes of a number.
const STORAGES: &[(&str, &str, u64)] = &[
    ("FloatStorage", "F32", 4),
    ("HalfStorage", "F16", 2),
    ("BFloat16Storage", "BF16", 2),
    ("DoubleStorage", "F64", 8),
    ("LongStorage", "I64", 8),
    ("IntStorage", "I32", 4),
    ("ShortStorage", "I16", 2),
    ("CharStorage", "I8", 1),
    ("ByteStorage", "U8", 1),
    ("BoolStorage", "BOOL", 1),
    ("UntypedStorage", "U8", 1),
    ("float8_e4m3fn", "F8_E4M3", 1),
    ("float8_e5m2", "F8_E5M2", 1),
    ("float32", "F32", 4),
    ("float16", "F16", 2),
    ("bfloat16", "BF16", 2),
];

#[derive(Clone, Copy, Debug)]
enum Global {
    Tensor,
    TensorOfType,
    Parameter,
    Typed,
    Storage(&'static str, u64),
    Other,
}

impl Global {
    fn of(module: &str, name: &str) -> Global {
        match (module, name) {
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Tensor,
            ("torch._utils", "_rebuild_tensor_v3") => Global::TensorOfType,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Global::Parameter,
            ("torch._tensor", "_rebuild_from_type_v2") => Global::Typed,
            ("torch" | "torch.storage", _) => {
                let known = STORAGES.iter().find(|(n, ..)| *n == name);
                known.map_or(Global::Other, |(_, dtype, width)| Global::Storage(dtype, *width))
            }
            _ => Global::Other,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Value {
    Mark,
    Other,
    Int(i64),
    /// Bytes of the pickle: from, length.
    Text(usize, usize),
    /// Values among those of tuples: from, length.
    Tuple(usize, usize),
    /// A dictionary, list or object by its number.
    Holder(usize),
    Global(Global),
    Storage(usize),
    Tensor(usize),
}

/// A storage as the pickle names it.
#[derive(Clone, Copy)]
struct Storage {
    dtype: &'static str,
    width: u64,
    key: (usize, usize),
    numbers: u64,
}

/// A tensor as the pickle makes it.
struct Made {
    storage: usize,
    dtype: &'static str,
    width: u64,
    offset: u64,
    shape: Vec<u64>,
    /// Its numbers stand one behind the other.
    whole: bool,
}

/// One file's pickles.
struct Walk<'p> {
    pickle: &'p [u8],
    at: usize,
    stack: Vec<Value>,
    memo: Vec<Value>,
    tuples: Vec<Value>,
    holders: Vec<Vec<(Value, Value)>>,
    held: usize,
    storages: Vec<Storage>,
    tensors: Vec<Made>,
    opcodes: u64,
}

impl<'p> Walk<'p> {
    fn new(pickle: &'p [u8]) -> Walk<'p> {
        Walk {
            pickle,
            at: 0,
            stack: Vec::new(),
            memo: Vec::new(),
            tuples: Vec::new(),
            holders: Vec::new(),
            held: 0,
            storages: Vec::new(),
            tensors: Vec::new(),
            opcodes: 0,
        }
    }

    fn bytes(&mut self, n: usize) -> Option<&'p [u8]> {
        let end = self.at.checked_add(n)?;
        let out = self.pickle.get(self.at..end)?;
        self.at = end;
        Some(out)
    }

    /// A little-endian number of at most eight bytes.
    fn number(&mut self, n: usize) -> Option<u64> {
        Some(self.bytes(n)?.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b)))
    }

    fn text(&mut self, width: usize) -> Option<Value> {
        let n = usize::try_from(self.number(width)?).ok()?;
        let from = self.at;
        self.bytes(n)?;
        Some(Value::Text(from, n))
    }

    /// Up to the line's end: from, length.
    fn line(&mut self) -> Option<(usize, usize)> {
        let from = self.at;
        let n = self.pickle.get(from..)?.iter().position(|b| *b == b'\n')?;
        self.at = from.checked_add(n)?.checked_add(1)?;
        Some((from, n))
    }

    fn str(&self, (from, n): (usize, usize)) -> &'p str {
        let bytes = self.pickle.get(from..from.saturating_add(n)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn push(&mut self, value: Value) -> Option<()> {
        if self.stack.len() >= VALUES_MAX {
            return None;
        }
        self.stack.push(value);
        Some(())
    }

    fn pop(&mut self) -> Option<Value> {
        self.stack.pop()
    }

    /// What stands above the last mark, which goes.
    fn above_mark(&mut self) -> Option<Vec<Value>> {
        let at = self.stack.iter().rposition(|v| matches!(v, Value::Mark))?;
        let out = self.stack.split_off(at.checked_add(1)?);
        self.stack.pop();
        Some(out)
    }

    fn tuple(&mut self, values: &[Value]) -> Option<()> {
        let from = self.tuples.len();
        if from.checked_add(values.len())? > VALUES_MAX {
            return None;
        }
        self.tuples.extend_from_slice(values);
        self.push(Value::Tuple(from, values.len()))
    }

    fn holder(&mut self) -> Option<Value> {
        if self.holders.len() >= VALUES_MAX {
            return None;
        }
        self.holders.push(Vec::new());
        Some(Value::Holder(self.holders.len() - 1))
    }

    fn hold(&mut self, holder: Value, key: Value, value: Value) -> Option<()> {
        if let Value::Holder(i) = holder {
            self.held = self.held.checked_add(1).filter(|n| *n <= VALUES_MAX)?;
            self.holders.get_mut(i)?.push((key, value));
        }
        Some(())
    }

    fn items(&self, value: Value) -> &[Value] {
        match value {
            Value::Tuple(from, n) => self.tuples.get(from..from.saturating_add(n)).unwrap_or_default(),
            _ => &[],
        }
    }

    fn remember(&mut self, index: usize) -> Option<()> {
        let top = *self.stack.last()?;
        if index >= VALUES_MAX {
            return None;
        }
        if index >= self.memo.len() {
            self.memo.resize(index.checked_add(1)?, Value::Other);
        }
        *self.memo.get_mut(index)? = top;
        Some(())
    }

    fn recall(&mut self, index: usize) -> Option<()> {
        let value = *self.memo.get(index)?;
        self.push(value)
    }

    /// A storage by what torch calls it: `("storage", class, key, device, numbers)`.
    fn storage(&mut self, id: Value) -> Value {
        let found = match self.items(id) {
            [
                _,
                Value::Global(Global::Storage(dtype, width)),
                Value::Text(from, n),
                _,
                Value::Int(numbers),
                rest @ ..,
            ] if !matches!(rest, [Value::Tuple(..)]) => {
                u64::try_from(*numbers).ok().map(|numbers| Storage { dtype, width: *width, key: (*from, *n), numbers })
            }
            _ => None,
        };
        match found {
            Some(s) if self.storages.len() < VALUES_MAX => {
                self.storages.push(s);
                Value::Storage(self.storages.len() - 1)
            }
            _ => Value::Other,
        }
    }

    fn sizes(&self, value: Value) -> Option<Vec<u64>> {
        let items = self.items(value);
        let size = |v: &Value| if let Value::Int(n) = v { u64::try_from(*n).ok() } else { None };
        if items.len() > DIMENSIONS_MAX { None } else { items.iter().map(size).collect() }
    }

    fn tensor(&mut self, arguments: Value, typed: bool) -> Option<Value> {
        let items = self.items(arguments);
        let [Value::Storage(storage), Value::Int(offset), shape, stride, rest @ ..] = items else { return None };
        let own = match rest {
            [_, _, Value::Global(Global::Storage(dtype, width)), ..] if typed => Some((*dtype, *width)),
            _ => None,
        };
        let (storage, offset) = (*storage, u64::try_from(*offset).ok()?);
        let (shape, stride) = (self.sizes(*shape)?, self.sizes(*stride)?);
        let s = self.storages.get(storage)?;
        let (dtype, width) = own.unwrap_or((s.dtype, s.width));
        let mut whole = shape.len() == stride.len();
        let mut step = 1u64;
        for (n, by) in shape.iter().zip(&stride).rev() {
            whole &= *n <= 1 || *by == step;
            step = step.checked_mul(*n)?;
        }
        if self.tensors.len() >= TENSORS_MAX {
            return None;
        }
        self.tensors.push(Made { storage, dtype, width, offset, shape, whole });
        Some(Value::Tensor(self.tensors.len() - 1))
    }

    fn call(&mut self, function: Value, arguments: Value) -> Option<Value> {
        let made = match function {
            Value::Global(Global::Tensor) => self.tensor(arguments, false),
            Value::Global(Global::TensorOfType) => self.tensor(arguments, true),
            Value::Global(Global::Parameter) => self.items(arguments).first().copied(),
            Value::Global(Global::Typed) => match self.items(arguments) {
                [Value::Global(Global::Tensor), _, inner, ..] => {
                    let inner = *inner;
                    self.tensor(inner, false)
                }
                _ => None,
            },
            _ => return self.holder(),
        };
        Some(made.unwrap_or(Value::Other))
    }

    /// Follows one pickle to its `STOP`; what it makes.
    #[expect(clippy::too_many_lines, reason = "one arm an opcode")]
    fn follow(&mut self) -> Option<Value> {
        self.stack.clear();
        self.memo.clear();
        loop {
            self.opcodes = self.opcodes.checked_add(1).filter(|n| *n <= OPCODES_MAX)?;
            let op = *self.bytes(1)?.first()?;
            match op {
                b'.' => return self.pop(),
                0x80 => drop(self.bytes(1)?),
                0x95 => drop(self.bytes(8)?),
                b'(' => self.push(Value::Mark)?,
                b'0' => drop(self.pop()?),
                b'1' => drop(self.above_mark()?),
                b'2' => {
                    let top = *self.stack.last()?;
                    self.push(top)?;
                }
                b')' => self.tuple(&[])?,
                b't' => {
                    let values = self.above_mark()?;
                    self.tuple(&values)?;
                }
                0x85..=0x87 => {
                    let n = usize::from(op - 0x84);
                    let values = self.stack.split_off(self.stack.len().checked_sub(n)?);
                    self.tuple(&values)?;
                }
                b'}' | b']' | 0x8f => {
                    let new = self.holder()?;
                    self.push(new)?;
                }
                b'd' | b'l' | 0x91 => {
                    let values = self.above_mark()?;
                    let new = self.holder()?;
                    self.fill(new, &values, op == b'd')?;
                    self.push(new)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.hold(*self.stack.last()?, key, value)?;
                }
                b'a' => {
                    let value = self.pop()?;
                    self.hold(*self.stack.last()?, Value::Other, value)?;
                }
                b'u' | b'e' | 0x90 => {
                    let values = self.above_mark()?;
                    self.fill(*self.stack.last()?, &values, op == b'u')?;
                }
                b'N' | 0x88 | 0x89 | 0x97 => self.push(Value::Other)?,
                0x98 => {}
                b'J' => {
                    let n = i32::from_le_bytes(self.bytes(4)?.try_into().ok()?);
                    self.push(Value::Int(i64::from(n)))?;
                }
                b'K' | b'M' => {
                    let n = self.number(if op == b'K' { 1 } else { 2 })?;
                    self.push(Value::Int(i64::try_from(n).ok()?))?;
                }
                0x8a | 0x8b => {
                    let n = usize::try_from(self.number(if op == 0x8a { 1 } else { 4 })?).ok()?;
                    let bytes = self.bytes(n)?;
                    let short = bytes.len() < 8 || bytes.len() == 8 && bytes.last().is_some_and(|b| *b < 0x80);
                    let positive = bytes.iter().rev().fold(0u64, |v, b| v << 8 | u64::from(*b));
                    // what is below zero is no size
                    let number = i64::try_from(positive).ok().filter(|_| short).map_or(Value::Other, Value::Int);
                    self.push(number)?;
                }
                b'G' => {
                    self.bytes(8)?;
                    self.push(Value::Other)?;
                }
                b'I' | b'L' => {
                    let line = self.line()?;
                    let number = self.str(line).trim_end_matches('L').parse().map_or(Value::Other, Value::Int);
                    self.push(number)?;
                }
                b'F' | b'S' | b'V' | b'P' => {
                    self.line()?;
                    self.push(Value::Other)?;
                }
                b'U' | b'C' | 0x8c => {
                    let text = self.text(1)?;
                    self.push(text)?;
                }
                b'T' | b'X' | b'B' => {
                    let text = self.text(4)?;
                    self.push(text)?;
                }
                0x8d | 0x8e | 0x96 => {
                    let text = self.text(8)?;
                    self.push(text)?;
                }
                b'c' | b'i' => {
                    let (module, name) = (self.line()?, self.line()?);
                    let global = Value::Global(Global::of(self.str(module), self.str(name)));
                    if op == b'i' {
                        self.above_mark()?;
                        let new = self.holder()?;
                        self.push(new)?;
                    } else {
                        self.push(global)?;
                    }
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let global = match (module, name) {
                        (Value::Text(a, n), Value::Text(b, m)) => Global::of(self.str((a, n)), self.str((b, m))),
                        _ => Global::Other,
                    };
                    self.push(Value::Global(global))?;
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    let made = self.call(function, arguments)?;
                    self.push(made)?;
                }
                0x92 => {
                    self.stack.truncate(self.stack.len().checked_sub(3)?);
                    let new = self.holder()?;
                    self.push(new)?;
                }
                b'o' => {
                    self.above_mark()?;
                    let new = self.holder()?;
                    self.push(new)?;
                }
                b'b' => {
                    let state = self.pop()?;
                    let object = *self.stack.last()?;
                    self.build(object, state)?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    let storage = self.storage(id);
                    self.push(storage)?;
                }
                b'h' | b'j' => {
                    let index = usize::try_from(self.number(if op == b'h' { 1 } else { 4 })?).ok()?;
                    self.recall(index)?;
                }
                b'q' | b'r' => {
                    let index = usize::try_from(self.number(if op == b'q' { 1 } else { 4 })?).ok()?;
                    self.remember(index)?;
                }
                b'g' | b'p' => {
                    let line = self.line()?;
                    let index = self.str(line).parse().ok()?;
                    if op == b'g' { self.recall(index)? } else { self.remember(index)? }
                }
                0x94 => self.remember(self.memo.len())?,
                0x82..=0x84 => {
                    self.bytes(usize::from([1u8, 2, 4].get(usize::from(op - 0x82)).copied()?))?;
                    self.push(Value::Other)?;
                }
                _ => return None,
            }
        }
    }

    fn fill(&mut self, holder: Value, values: &[Value], pairs: bool) -> Option<()> {
        if pairs {
            let (all, _) = values.as_chunks::<2>();
            all.iter().try_for_each(|[key, value]| self.hold(holder, *key, *value))
        } else {
            values.iter().try_for_each(|value| self.hold(holder, Value::Other, *value))
        }
    }

    /// An object's attributes are as good as a dictionary's entries.
    fn build(&mut self, object: Value, state: Value) -> Option<()> {
        let (Value::Holder(_), Value::Holder(i)) = (object, state) else { return Some(()) };
        let n = self.holders.get(i)?.len();
        for at in 0..n {
            let Some((key, value)) = self.holders.get(i).and_then(|h| h.get(at)).copied() else { break };
            // `_metadata` of a state dictionary and an object that holds itself
            self.hold(object, key, value)?;
        }
        Some(())
    }

    /// Tensors by their path below a value.
    fn collect(&self, value: Value, path: &str, depth: usize, looked: &mut usize, out: &mut Vec<(String, usize)>) {
        let Value::Holder(i) = value else { return };
        if depth >= DEPTH_MAX {
            return;
        }
        for (key, value) in self.holders.get(i).into_iter().flatten() {
            *looked += 1;
            if *looked > LOOKED_MAX || out.len() >= TENSORS_MAX {
                return;
            }
            let Value::Text(from, n) = key else { continue };
            let key = self.str((*from, *n));
            let name = match (path, INNER.contains(&key)) {
                (path, true) => path.to_owned(),
                ("", false) => key.to_owned(),
                (path, false) => format!("{path}.{key}"),
            };
            if name.len() > NAME_BYTES_MAX {
                continue;
            }
            match value {
                Value::Tensor(t) => out.push((name, *t)),
                Value::Holder(_) => self.collect(*value, &name, depth + 1, looked, out),
                _ => {}
            }
        }
    }

    /// The table, given where each storage begins and how many bytes it has.
    fn entries(&self, root: Value, places: &BTreeMap<&str, (u64, u64)>) -> Vec<Entry> {
        let mut found = Vec::new();
        self.collect(root, "", 0, &mut 0, &mut found);
        let entry = |(name, tensor): (String, usize)| {
            let t = self.tensors.get(tensor)?;
            let key = self.str(self.storages.get(t.storage)?.key);
            let numbers = t.shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d))?;
            let place = places.get(key).and_then(|(at, bytes)| {
                let from = t.offset.checked_mul(t.width)?;
                let n = numbers.checked_mul(t.width)?;
                (from.checked_add(n)? <= *bytes).then_some(at.checked_add(from)?)
            });
            let storage = match place {
                _ if !t.whole => "in a view of its storage",
                None => "outside of its storage",
                Some(_) => t.dtype,
            };
            let offset = place.unwrap_or(0);
            Some(Entry { name, storage: storage.to_owned(), shape: t.shape.clone(), offset, bytes: None })
        };
        found.into_iter().filter_map(entry).collect()
    }
}

/// Reads the table of a file that is neither GGUF nor safetensors; in words what is wrong with it.
pub(crate) fn read(source: &dyn ReadAt, bytes: &Counted<'_>, head: &[u8]) -> Result<Vec<Entry>, String> {
    if head.starts_with(b"PK") {
        zipped(source, bytes)
    } else if LEGACY.starts_with(head) && head.len() >= 8 {
        legacy(bytes)
    } else {
        Err("neither GGUF, safetensors nor a file of torch".into())
    }
}

const BROKEN: &str = "its pickle cannot be followed to its end";

fn zipped(source: &dyn ReadAt, bytes: &Counted<'_>) -> Result<Vec<Entry>, String> {
    let members = stored_members(source);
    let table = members.iter().find(|m| m.name.ends_with("/data.pkl") || m.name == "data.pkl");
    let table = table.ok_or("a zip archive without a `data.pkl` as torch writes it")?;
    let folder = table.name.strip_suffix("data.pkl").unwrap_or_default();
    if table.bytes > PICKLE_BYTES_MAX {
        return Err(format!("a pickle of {} bytes, more than the {PICKLE_BYTES_MAX} that are followed", table.bytes));
    }
    let member = |m: &freehold_artifact::StoredMember| bytes.exactly(m.at, usize::try_from(m.bytes).ok()?);
    let order = members.iter().find(|m| m.name.strip_prefix(folder) == Some("byteorder") && m.bytes <= 16);
    if order.and_then(member).is_some_and(|b| b == b"big") {
        return Err("its numbers are big-endian".into());
    }
    let pickle = member(table).ok_or("it cannot be read")?;
    let mut places: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for m in &members {
        if let Some(key) = m.name.strip_prefix(folder).and_then(|n| n.strip_prefix("data/")) {
            places.entry(key).or_insert((m.at, m.bytes));
        }
    }
    let mut walk = Walk::new(&pickle);
    let root = walk.follow().ok_or(BROKEN)?;
    Ok(walk.entries(root, &places))
}

/// Bytes of the start that are tried, one after the other: most tables are short, and what follows them are weights.
const STARTS: [u64; 3] = [256 << 10, 2 << 20, PICKLE_BYTES_MAX];

fn legacy(bytes: &Counted<'_>) -> Result<Vec<Entry>, String> {
    let mut last = BROKEN.to_owned();
    for limit in STARTS {
        match legacy_start(bytes, limit) {
            Err(e) if bytes.size() > limit => last = e,
            outcome => return outcome,
        }
    }
    Err(last)
}

fn legacy_start(bytes: &Counted<'_>, limit: u64) -> Result<Vec<Entry>, String> {
    let n = usize::try_from(bytes.size().min(limit)).unwrap_or(0);
    let start = bytes.exactly(0, n).ok_or("it cannot be read")?;
    let mut walk = Walk::new(&start);
    // a magic number, a version, the machine; then the model and the order of its storages
    let mut root = Value::Other;
    for i in 0..4 {
        let made = walk.follow().ok_or(BROKEN)?;
        if i == 3 {
            root = made;
        }
    }
    let Value::Holder(list) = walk.follow().ok_or(BROKEN)? else { return Err(BROKEN.into()) };
    let known: BTreeMap<&str, Storage> = walk.storages.iter().map(|s| (walk.str(s.key), *s)).collect();
    let mut places = BTreeMap::new();
    let mut at = u64::try_from(walk.at).map_err(|_| BROKEN)?;
    for (_, key) in walk.holders.get(list).into_iter().flatten() {
        let Value::Text(from, n) = key else { break };
        let key = walk.str((*from, *n));
        let Some((s, said)) = known.get(key).zip(bytes.few(at).map(u64::from_le_bytes)) else { break };
        let size = s.numbers.checked_mul(s.width).filter(|_| said == s.numbers);
        let Some((data, end)) = at.checked_add(8).zip(size.and_then(|n| at.checked_add(8)?.checked_add(n))) else {
            break;
        };
        if end > bytes.size() {
            break;
        }
        places.insert(key, (data, end - data));
        at = end;
    }
    Ok(walk.entries(root, &places))
}
