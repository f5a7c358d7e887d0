//! Pickles, walked opcode by opcode and never executed: which names the stream would import, where each stands.
//!
//! The walk keeps what a loader would have on its stack and in its memo as far as texts go, since a name may be put
//! together from two texts (`STACK_GLOBAL`). Names are held against a list of those that loading tensors needs; any
//! other is told. The walk goes on after `STOP`, because files hold several pickles in a row, and after a mistake,
//! because a loader has then already run what stood before it.

mod names;

use std::collections::BTreeMap;

use freehold_base::FactKind;

use crate::input::{Cursor, Input, Stop};
use crate::sink::Sink;
use names::{Sort, sort};

/// Most bytes of one pickle that are fetched; long values are jumped over and cost nothing.
const FETCH_BYTES_MAX: u64 = 16 << 20;
/// Most opcodes of one pickle that are walked.
const OPCODES_MAX: u64 = 6_000_000;
/// Most elements on the stack that are told apart.
const STACK_MAX: usize = 1 << 19;
/// Most memo entries that are kept.
const MEMO_MAX: usize = 1 << 18;
/// Longest text that can be a name or a hint.
const TEXT_BYTES_MAX: usize = 512;
/// Bytes of such texts that are kept of one pickle.
const TEXTS_BYTES_MAX: usize = 16 << 20;
/// Names of one pickle, alike or not, after which the walk ends; real ones have a few thousand.
const NAMED_MAX: u64 = 200_000;
/// Distinct names that are told apart, of all pickles of a file.
const NAMES_MAX: usize = 1024;
/// Names that run code which are told one by one.
const TOLD_MAX: usize = 16;
/// Other names that one warning lists.
const LISTED_MAX: usize = 5;
/// Names that are kept as facts of one file.
const GLOBALS_MAX: usize = 256;
/// The key of such a fact.
const GLOBAL_KEY: &str = "pickle-global";
/// Hints of lineage that are kept of one file.
const HINTS_MAX: usize = 64;
/// Bytes that are searched for more pickles after a mistake or behind the last one.
const SEARCH_BYTES_MAX: usize = 8 << 20;
/// Longest module and name that are looked for in them.
const SEARCH_NAME_BYTES_MAX: usize = 128;
/// Bytes of possible names that are compared in all.
const SEARCH_COMPARED_MAX: usize = 64 << 20;
/// Beginnings of pickles that are tried in them.
const SEARCH_TRIES_MAX: usize = 4096;
/// Opcodes that are walked from all of them together.
const SEARCH_OPCODES_MAX: u64 = 200_000;
/// Bytes of a member that decide whether it may be a pickle.
pub(crate) const PROBE_BYTES: usize = 512;

/// torch's magic number at the start of files from before its zip format, as `LONG1`.
const TORCH_MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// Keys of a pickled dictionary that say what the file belongs to, and what they say.
fn hint(key: &str) -> Option<FactKind> {
    Some(match key {
        "hub_model_id" | "push_to_hub_model_id" => FactKind::Repository,
        "_name_or_path"
        | "name_or_path"
        | "model_name_or_path"
        | "base_model_name_or_path"
        | "pretrained_model_name_or_path"
        | "pretrained_model_name" => FactKind::NameOrPath,
        "output_dir" => FactKind::Name,
        _ => return None,
    })
}

/// Last parts of a training run's folder that name nothing.
const GENERIC_FOLDERS: &[&str] = &[
    "results",
    "result",
    "output",
    "outputs",
    "out",
    "model",
    "models",
    "checkpoints",
    "tmp",
    "test",
    "content",
    "working",
    "logs",
    ".",
];

/// An element of the stack.
#[derive(Clone, Copy)]
enum Item {
    Mark,
    /// A text: its bytes among those kept, its place in the file.
    Text {
        start: usize,
        length: usize,
        place: (u64, u64),
    },
    /// Anything else, also a text that was too long to keep.
    Other,
}

/// What was set aside by number: nearly always 0, 1, 2 and so on.
#[derive(Default)]
struct Memo {
    row: Vec<Item>,
    others: BTreeMap<u64, Item>,
}

impl Memo {
    fn length(&self) -> u64 {
        u64::try_from(self.row.len().saturating_add(self.others.len())).unwrap_or(u64::MAX)
    }

    fn get(&self, index: u64) -> Option<Item> {
        let in_row = usize::try_from(index).ok().and_then(|i| self.row.get(i));
        in_row.or_else(|| self.others.get(&index)).copied()
    }

    fn set(&mut self, index: u64, item: Item) {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let full = self.row.len().saturating_add(self.others.len()) >= MEMO_MAX;
        if let Some(there) = self.row.get_mut(at) {
            *there = item;
        } else if let Some(there) = self.others.get_mut(&index) {
            *there = item;
        } else if !full && at == self.row.len() {
            self.row.push(item);
        } else if !full {
            self.others.insert(index, item);
        }
    }

    fn clear(&mut self) {
        self.row.clear();
        self.others.clear();
    }
}

/// One pickle file's or member's walk.
struct Walk<'c, 'i, 'a> {
    cursor: &'c mut Cursor<'i, 'a>,
    stack: Vec<Item>,
    memo: Memo,
    texts: Vec<u8>,
    /// What the pickle says that is being walked.
    found: Found,
    /// What those before it say.
    before: Found,
    /// Where it begins, and whether it does so with its protocol.
    start: (u64, bool),
    opcodes: u64,
    /// Names so far, alike or not.
    named: u64,
    /// Opcodes since the last `STOP`.
    since_stop: u64,
    stops: u64,
}

/// What one walk found; offsets are those of the walked part.
#[derive(Default)]
struct Found {
    /// Each distinct name with its first place, and whether it looks like one.
    names: BTreeMap<(String, String), (u64, u64)>,
    /// More names than are told apart.
    more_names: bool,
    /// A code-running name behind the limit.
    more_code: Vec<((String, String), (u64, u64))>,
    /// Where a name is made from what is no plain text, or from a registry.
    unresolved: Option<(u64, u64)>,
    hints: Vec<(FactKind, String, String, (u64, u64))>,
    /// Why it ended before its end: offset and reason.
    broken: Option<(u64, String)>,
    /// The walk's own limit was reached.
    cut: bool,
    stops: u64,
    opcodes: u64,
    torch: bool,
}

impl Found {
    fn name(&mut self, module: String, name: String, place: (u64, u64)) {
        let key = (module, name);
        if self.names.len() < NAMES_MAX || self.names.contains_key(&key) {
            self.names.entry(key).or_insert(place);
        } else {
            self.more_names = true;
            if self.more_code.len() < TOLD_MAX && sort(&key.0, &key.1) == Sort::Code {
                self.more_code.push((key, place));
            }
        }
    }

    /// True where it names something that can be a name.
    fn is_plausible(&self) -> bool {
        self.names.keys().any(|(m, n)| is_dotted_name(m) && is_dotted_name(n))
    }

    /// Adds what one more pickle of a row says.
    fn add(&mut self, pickle: Found) {
        for ((module, name), place) in pickle.names {
            self.name(module, name, place);
        }
        self.more_names |= pickle.more_names;
        let free = TOLD_MAX.saturating_sub(self.more_code.len());
        self.more_code.extend(pickle.more_code.into_iter().take(free));
        self.unresolved = self.unresolved.or(pickle.unresolved);
        let free = HINTS_MAX.saturating_sub(self.hints.len());
        self.hints.extend(pickle.hints.into_iter().take(free));
        self.broken = self.broken.take().or(pickle.broken);
        self.cut |= pickle.cut;
    }
}

/// True for `a.b_c`: what an import statement could hold.
fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(|part| {
        part.chars().next().is_some_and(|c| !c.is_ascii_digit())
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

enum End {
    Stop(Stop),
    Opcode(u8),
    Limit,
}

impl From<Stop> for End {
    fn from(stop: Stop) -> End {
        End::Stop(stop)
    }
}

impl Walk<'_, '_, '_> {
    /// Walks until something ends it; `limit` opcodes at most.
    fn run(&mut self, limit: u64) {
        loop {
            let at = self.cursor.at;
            if self.cursor.left() == 0 {
                if self.stops == 0 || self.since_stop > 0 {
                    self.found.broken = Some((at, "it ends without STOP".to_owned()));
                }
                break;
            }
            let outcome = if self.opcodes >= limit || self.named >= NAMED_MAX { Err(End::Limit) } else { self.step() };
            match outcome {
                Ok(()) => {}
                Err(End::Limit | End::Stop(Stop::Budget)) => {
                    self.found.cut = true;
                    break;
                }
                Err(end) => {
                    let why = match end {
                        End::Opcode(code) => format!("0x{code:02x} at byte {at} is no opcode"),
                        End::Stop(Stop::Truncated { needed }) => {
                            format!("a value at byte {at} would reach to byte {needed}, beyond the end")
                        }
                        End::Stop(Stop::Io(kind)) => format!("reading failed at byte {at}: {kind}"),
                        End::Stop(Stop::Budget) | End::Limit => String::new(),
                    };
                    self.found.broken = Some((at, why));
                    break;
                }
            }
        }
        self.end();
        self.before.stops = self.stops;
    }

    /// Closes one pickle of the row. What follows the first may be data that only looks like one: then it counts
    /// only where it says so itself or names what can be names.
    fn end(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        let (start, marked) = self.start;
        if self.stops == 0 || marked || found.is_plausible() {
            self.before.add(found);
        } else {
            // what is in there is searched from its beginning
            let broken = found.broken.take().map(|_| (start, String::new()));
            self.before.add(Found { broken, cut: found.cut, ..Found::default() });
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each group of the format's opcodes")]
    fn step(&mut self) -> Result<(), End> {
        let at = self.cursor.at;
        let code = self.cursor.byte()?;
        self.opcodes += 1;
        self.since_stop += 1;
        match code {
            b'(' => self.push(Item::Mark),
            b'.' => {
                self.end();
                self.stack.clear();
                self.memo.clear();
                self.texts.clear();
                self.stops += 1;
                self.since_stop = 0;
                self.start = (self.cursor.at, false);
            }
            b'0' => self.pop(1),
            b'1' => self.drop_to_mark(),
            b'2' => {
                let top = self.stack.last().copied().unwrap_or(Item::Other);
                self.push(top);
            }
            // numbers, truth values, empty collections
            b'F' | b'I' | b'L' | b'P' => {
                self.cursor.line(0)?;
                self.push(Item::Other);
            }
            b'J' => self.fixed(4)?,
            b'K' => self.fixed(1)?,
            b'M' => self.fixed(2)?,
            b'G' => self.fixed(8)?,
            b'N' | b']' | b'}' | b')' | 0x88 | 0x89 | 0x8f | 0x97 => self.push(Item::Other),
            0x8a => self.jump(1, 0)?,
            0x8b => self.jump(4, 0)?,
            b'B' => self.jump(4, 0)?,
            b'C' => self.jump(1, 0)?,
            0x8e | 0x96 => self.jump(8, 0)?,
            // texts
            b'S' | b'V' => {
                let start = self.cursor.at;
                let (line, cut) = self.cursor.line(TEXT_BYTES_MAX)?;
                let end = self.cursor.at.saturating_sub(1);
                let text = if code == b'S' { unquote(&line) } else { line };
                // escapes make a text that is not the bytes as they stand: it is resolved to be looked at
                let text = unescape(text, code == b'V');
                let item = if cut { Item::Other } else { self.text(&text, (start, end)) };
                self.push(item);
            }
            b'T' | b'X' => self.jump(4, TEXT_BYTES_MAX)?,
            b'U' | 0x8c => self.jump(1, TEXT_BYTES_MAX)?,
            0x8d => self.jump(8, TEXT_BYTES_MAX)?,
            // collections
            b'a' => self.pop(1),
            b's' => {
                self.pairs(2);
                self.pop(2);
            }
            b'e' | 0x90 => self.drop_to_mark(),
            b'u' => {
                self.pairs(self.above_mark());
                self.drop_to_mark();
            }
            b'd' => {
                self.pairs(self.above_mark());
                self.drop_to_mark();
                self.push(Item::Other);
            }
            b'l' | b't' | 0x91 => {
                self.drop_to_mark();
                self.push(Item::Other);
            }
            0x85 => self.replace(1),
            0x86 => self.replace(2),
            0x87 => self.replace(3),
            // memo
            b'g' => {
                let (line, _) = self.cursor.line(20)?;
                let index = number(&line);
                self.recall(index);
            }
            b'h' => {
                let index = self.unsigned(1)?;
                self.recall(Some(index));
            }
            b'j' => {
                let index = self.unsigned(4)?;
                self.recall(Some(index));
            }
            b'p' => {
                let (line, _) = self.cursor.line(20)?;
                let index = number(&line);
                self.remember(index);
            }
            b'q' => {
                let index = self.unsigned(1)?;
                self.remember(Some(index));
            }
            b'r' => {
                let index = self.unsigned(4)?;
                self.remember(Some(index));
            }
            0x94 => {
                let index = Some(self.memo.length());
                self.remember(index);
            }
            // names
            b'c' => {
                self.global_line(at)?;
                self.push(Item::Other);
            }
            b'i' => {
                self.global_line(at)?;
                self.drop_to_mark();
                self.push(Item::Other);
            }
            0x93 => {
                self.named += 1;
                self.stack_global(at);
                self.replace(2);
            }
            0x82..=0x84 => {
                // a number in a registry of the process that loads it
                self.cursor.skip([1, 2, 4].get(usize::from(code - 0x82)).copied().unwrap_or(1))?;
                self.found.unresolved.get_or_insert((at, self.cursor.at));
                self.push(Item::Other);
            }
            // calls
            b'R' | 0x81 => self.replace(2),
            0x92 => self.replace(3),
            b'b' => self.pop(1),
            b'o' => {
                self.drop_to_mark();
                self.push(Item::Other);
            }
            b'Q' => self.replace(1),
            // frames and buffers
            0x80 => {
                let protocol = self.cursor.byte()?;
                self.start.1 |= self.since_stop == 1 && protocol <= 5;
            }
            0x95 => self.cursor.skip(8)?,
            0x98 => {}
            _ => return Err(End::Opcode(code)),
        }
        Ok(())
    }

    fn push(&mut self, item: Item) {
        if self.stack.len() < STACK_MAX {
            self.stack.push(item);
        } else if let Some(top) = self.stack.last_mut() {
            *top = Item::Other;
        }
    }

    fn pop(&mut self, n: usize) {
        self.stack.truncate(self.stack.len().saturating_sub(n));
    }

    fn replace(&mut self, n: usize) {
        self.pop(n);
        self.push(Item::Other);
    }

    fn above_mark(&self) -> usize {
        self.stack.iter().rev().take_while(|i| !matches!(i, Item::Mark)).count()
    }

    fn drop_to_mark(&mut self) {
        let n = self.above_mark();
        self.pop(n.saturating_add(1));
    }

    /// A value of fixed length.
    fn fixed(&mut self, n: u64) -> Result<(), End> {
        self.cursor.skip(n)?;
        self.push(Item::Other);
        Ok(())
    }

    /// A number of 1, 2, 4 or 8 bytes.
    fn unsigned(&mut self, bytes: usize) -> Result<u64, End> {
        let raw = self.cursor.take(bytes)?;
        Ok(raw.iter().rev().fold(0_u64, |n, b| (n << 8) | u64::from(*b)))
    }

    /// A value with its length before it; a text where `kept` bytes of it may be one.
    fn jump(&mut self, length_bytes: usize, kept: usize) -> Result<(), End> {
        let length = self.unsigned(length_bytes)?;
        let start = self.cursor.at;
        if length > self.cursor.left() {
            return Err(Stop::Truncated { needed: start.saturating_add(length) }.into());
        }
        let end = start.saturating_add(length);
        match usize::try_from(length).ok().filter(|n| *n <= kept && kept > 0) {
            Some(n) => {
                let raw = self.cursor.take(n)?.to_vec();
                let item = self.text(&raw, (start, end));
                self.push(item);
            }
            None => {
                self.cursor.skip(length)?;
                self.push(Item::Other);
            }
        }
        Ok(())
    }

    /// Keeps a text, if it may be a name or a hint.
    fn text(&mut self, raw: &[u8], place: (u64, u64)) -> Item {
        let (start, length) = (self.texts.len(), raw.len());
        if length > TEXT_BYTES_MAX || start.saturating_add(length) > TEXTS_BYTES_MAX {
            return Item::Other;
        }
        self.texts.extend_from_slice(raw);
        Item::Text { start, length, place }
    }

    fn read(&self, item: Item) -> Option<(String, (u64, u64))> {
        let Item::Text { start, length, place } = item else { return None };
        let raw = self.texts.get(start..start.checked_add(length)?)?;
        Some((String::from_utf8_lossy(raw).into_owned(), place))
    }

    fn recall(&mut self, index: Option<u64>) {
        let item = index.and_then(|i| self.memo.get(i)).unwrap_or(Item::Other);
        self.push(item);
    }

    fn remember(&mut self, index: Option<u64>) {
        let item = self.stack.last().copied().unwrap_or(Item::Other);
        let Some(index) = index else { return };
        self.memo.set(index, item);
    }

    /// Module and name on two lines.
    fn global_line(&mut self, at: u64) -> Result<(), End> {
        self.named += 1;
        let (module, long) = self.cursor.line(TEXT_BYTES_MAX)?;
        let (name, longer) = self.cursor.line(TEXT_BYTES_MAX)?;
        let place = (at, self.cursor.at);
        if long || longer {
            self.found.unresolved.get_or_insert(place);
            return Ok(());
        }
        let text = |raw: &[u8]| String::from_utf8_lossy(raw).into_owned();
        self.found.name(text(&module), text(&name), place);
        Ok(())
    }

    /// Module and name from the stack.
    fn stack_global(&mut self, at: u64) {
        let place = (at, self.cursor.at);
        let mut top = self.stack.iter().rev().copied();
        let (name, module) = (top.next(), top.next());
        match (module.and_then(|m| self.read(m)), name.and_then(|n| self.read(n))) {
            (Some((module, _)), Some((name, _))) => self.found.name(module, name, place),
            _ => {
                self.found.unresolved.get_or_insert(place);
            }
        }
    }

    /// Reads the top `n` elements as keys and values.
    fn pairs(&mut self, n: usize) {
        let from = self.stack.len().saturating_sub(n);
        let pairs: Vec<(Item, Item)> = self
            .stack
            .get(from..)
            .unwrap_or_default()
            .chunks_exact(2)
            .filter_map(|c| Some((*c.first()?, *c.get(1)?)))
            .filter(|(k, v)| matches!((k, v), (Item::Text { length: 8..=32, .. }, Item::Text { .. })))
            .take(HINTS_MAX * 64)
            .collect();
        for (key, value) in pairs {
            let Some((key, _)) = self.read(key) else { continue };
            let (Some(kind), true) = (hint(&key), self.found.hints.len() < HINTS_MAX) else { continue };
            if let Some((value, place)) = self.read(value) {
                self.found.hints.push((kind, key, value, place));
            }
        }
    }
}

fn number(line: &[u8]) -> Option<u64> {
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

/// The text between the quotes of a protocol 0 string.
fn unquote(line: &[u8]) -> Vec<u8> {
    let inner = |q: u8| line.strip_prefix(&[q]).and_then(|l| l.strip_suffix(&[q]));
    inner(b'\'').or(inner(b'"')).unwrap_or(line).to_vec()
}

/// Resolves `\xNN`, `\uNNNN` and octal escapes as far as they can hide a name.
fn unescape(text: Vec<u8>, unicode: bool) -> Vec<u8> {
    if !text.contains(&b'\\') {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let digits = match after.first() {
            Some(b'x') if !unicode => 2,
            Some(b'u') if unicode => 4,
            Some(b'U') if unicode => 8,
            _ => 0,
        };
        let hex = after.get(1..digits + 1).and_then(|h| std::str::from_utf8(h).ok());
        let c = hex.filter(|_| digits > 0).and_then(|h| u32::from_str_radix(h, 16).ok()).and_then(char::from_u32);
        if let Some(c) = c {
            out.extend(c.to_string().bytes());
            rest = after.get(digits + 1..).unwrap_or_default();
            continue;
        }
        let octal: Vec<u8> = after.iter().copied().take(3).take_while(|b| (b'0'..=b'7').contains(b)).collect();
        match (octal.is_empty() || unicode, after.first()) {
            (false, _) => {
                let n = octal.iter().fold(0_u32, |n, b| n * 8 + u32::from(b - b'0'));
                out.extend(char::from_u32(n).unwrap_or('\u{fffd}').to_string().bytes());
                rest = after.get(octal.len()..).unwrap_or_default();
            }
            (true, Some(c @ (b'\\' | b'\'' | b'"'))) if !unicode => {
                out.push(*c);
                rest = after.get(1..).unwrap_or_default();
            }
            _ => out.push(b'\\'),
        }
    }
    out
}

fn walk(input: &mut Input<'_>, fetch: u64, limit: u64) -> Found {
    let torch = input.head.windows(TORCH_MAGIC.len()).take(64).any(|w| w == TORCH_MAGIC);
    let mut cursor = Cursor::new(input, fetch);
    let mut walk = Walk {
        cursor: &mut cursor,
        stack: Vec::new(),
        memo: Memo::default(),
        texts: Vec::new(),
        found: Found::default(),
        before: Found::default(),
        start: (0, false),
        opcodes: 0,
        named: 0,
        since_stop: 0,
        stops: 0,
    };
    walk.run(limit);
    let trailing = walk.stops > 0 && walk.since_stop < 16;
    let mut found = walk.before;
    found.opcodes = walk.opcodes;
    found.torch = torch;
    // data behind the last pickle is no broken pickle
    if trailing && let Some((at, _)) = found.broken.take() {
        found.broken = Some((at, String::new()));
    }
    found
}

/// True where a member's first bytes may be those of a pickle: it is then walked.
pub(crate) fn may_be(head: &[u8], size: u64) -> bool {
    let whole = u64::try_from(head.len()).unwrap_or(u64::MAX) >= size;
    if head.is_empty() {
        return false;
    }
    let Ok(mut input) = Input::open(&head) else { return false };
    let found = walk(&mut input, 0, 1000);
    if !found.names.is_empty() || found.unresolved.is_some() || found.stops > 0 {
        return true;
    }
    match found.broken {
        // the head is too short to tell, unless the value would reach beyond the member
        Some((_, why)) => !whole && (why.contains("ends without") || why.contains("would reach")),
        None => true,
    }
}

/// All pickles of one file.
#[derive(Default)]
pub(crate) struct Report {
    names: BTreeMap<(String, String), (u64, u64)>,
    more_names: bool,
    more_code: Vec<((String, String), (u64, u64))>,
    unresolved: Option<(u64, u64)>,
    hints: Vec<(FactKind, String, String, (u64, u64))>,
    broken: Option<(u64, String)>,
    cut: Option<u64>,
    /// How many pickles were walked.
    pub(crate) pickles: u32,
    /// True where one has torch's magic number.
    pub(crate) torch: bool,
}

impl Report {
    /// Walks what stands in `input`, which begins `shift` bytes into the file. With `sure` it is a pickle by its
    /// name or first bytes; otherwise it counts only where it turns out to be one.
    pub(crate) fn scan(&mut self, input: &mut Input<'_>, shift: u64, sure: bool) -> bool {
        let marked = input.head.first() == Some(&0x80);
        let found = walk(input, FETCH_BYTES_MAX, OPCODES_MAX);
        // the bytes of a tensor may begin like a pickle, and even end like one
        let real = found.is_plausible() || (marked && found.stops > 0 && found.broken.is_none());
        if !sure && !real {
            return false;
        }
        let joblib = found.names.keys().any(|(m, _)| m.starts_with("joblib"));
        let broken = found.broken.clone().filter(|(_, why)| !why.is_empty() && !joblib);
        if let Some((at, _)) = &found.broken {
            self.search(input, *at, shift);
        }
        self.take(found, shift);
        if let Some((at, why)) = broken {
            self.broken.get_or_insert((at.saturating_add(shift), why));
        }
        true
    }

    fn take(&mut self, found: Found, shift: u64) {
        let moved = |(s, e): (u64, u64)| (s.saturating_add(shift), e.saturating_add(shift));
        self.pickles = self.pickles.saturating_add(1);
        self.torch |= found.torch;
        for (name, place) in found.names {
            if self.names.len() < NAMES_MAX || self.names.contains_key(&name) {
                self.names.entry(name).or_insert(moved(place));
            } else {
                self.more_names = true;
                if self.more_code.len() < TOLD_MAX && sort(&name.0, &name.1) == Sort::Code {
                    self.more_code.push((name, moved(place)));
                }
            }
        }
        self.more_names |= found.more_names;
        for (name, place) in found.more_code {
            if self.more_code.len() < TOLD_MAX {
                self.more_code.push((name, moved(place)));
            }
        }
        self.unresolved = self.unresolved.or(found.unresolved.map(moved));
        for (kind, key, value, place) in found.hints {
            if self.hints.len() < HINTS_MAX {
                self.hints.push((kind, key, value, moved(place)));
            }
        }
        if found.cut {
            self.cut.get_or_insert(shift);
        }
    }

    /// Looks for names and further pickles behind the place where the walk ended.
    fn search(&mut self, input: &mut Input<'_>, at: u64, shift: u64) {
        let from = at.saturating_add(1);
        let Ok(rest) = input.read(from, SEARCH_BYTES_MAX) else { return };
        let base = shift.saturating_add(from);
        let place = |s: usize, e: usize| {
            let wide = |n: usize| base.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
            (wide(s), wide(e))
        };
        let (mut tries, mut opcodes_left) = (SEARCH_TRIES_MAX, SEARCH_OPCODES_MAX);
        let mut compared = 0_usize;
        let mut named = 0_u64;
        let mut i = 0;
        while let Some(tail) = rest.get(i..).filter(|t| t.len() > 4) {
            match tail.first() {
                Some(b'c' | b'i') if compared < SEARCH_COMPARED_MAX && named < NAMED_MAX => {
                    if let Some((module, name, length)) = text_global(tail, &mut compared) {
                        named += 1;
                        let mut found = Found::default();
                        found.name(module, name, place(i, i.saturating_add(length)));
                        self.take(found, 0);
                        self.pickles = self.pickles.saturating_sub(1);
                        i = i.saturating_add(length);
                        continue;
                    }
                }
                Some(0x80) if tail.get(1).is_some_and(|p| (2..=5).contains(p)) && tries > 0 && opcodes_left > 0 => {
                    tries -= 1;
                    if let Ok(mut inner) = Input::open(&tail) {
                        let found = walk(&mut inner, 1 << 20, opcodes_left);
                        opcodes_left = opcodes_left.saturating_sub(found.opcodes);
                        let named = |(m, n): &(String, String)| is_dotted_name(m) && is_dotted_name(n) && m.len() > 1;
                        if !found.names.is_empty() && found.names.keys().all(named) {
                            self.take(Found { hints: Vec::new(), cut: false, ..found }, place(i, i).0);
                        }
                    }
                }
                _ => {}
            }
            i = i.saturating_add(1);
        }
        if compared >= SEARCH_COMPARED_MAX || named >= NAMED_MAX || tries == 0 || opcodes_left == 0 {
            self.cut.get_or_insert(base);
        }
    }

    /// Tells what was found; `format` is what the file is called.
    /// Whose pickle it is, by the modules that it names: joblib's, one of arrays alone, or anybody's.
    pub(crate) fn format(&self) -> &'static str {
        let root = |(module, _): &(String, String)| module.split('.').next().unwrap_or_default().to_owned();
        let roots: std::collections::BTreeSet<String> = self.names.keys().map(root).collect();
        if roots.contains("joblib") {
            "joblib"
        } else if roots.contains("numpy") && roots.iter().all(|r| matches!(r.as_str(), "numpy" | "_codecs")) {
            "numpy-pickle"
        } else {
            "pickle"
        }
    }

    pub(crate) fn tell(self, sink: &mut Sink<'_>) {
        let narrow = |(s, e): (u64, u64)| usize::try_from(s).ok().zip(usize::try_from(e).ok());
        let (mut code, mut other) = (self.more_code, Vec::new());
        for (name, place) in self.names {
            match sort(&name.0, &name.1) {
                Sort::Tensor => {}
                Sort::Code => code.push((name, place)),
                Sort::Other => other.push((name, place)),
            }
        }
        code.sort_by_key(|(_, place)| *place);
        other.sort_by_key(|(_, place)| *place);
        let shown = |(m, n): &(String, String)| {
            let short = |t: &str| t.chars().take(80).collect::<String>();
            format!("{}.{}", short(m), short(n))
        };
        for (name, place) in code.iter().take(TOLD_MAX) {
            let message = format!("a pickle that names `{}`: loading it can run any code", shown(name));
            sink.error("pickle-code-execution", message, narrow(*place));
            sink.help("do not load it; look for the same weights as safetensors");
        }
        if let Some(place) = self.unresolved {
            let message = "a pickle that hides which name it imports: loading it can run any code";
            sink.error("pickle-global-unresolved", message, narrow(place));
            sink.help("do not load it; look for the same weights as safetensors");
        }
        if let Some((_, place)) = other.first() {
            let names: Vec<String> =
                other.iter().take(LISTED_MAX).map(|(name, _)| format!("`{}`", shown(name))).collect();
            let more = match (self.more_names, other.len().saturating_sub(LISTED_MAX)) {
                (true, _) => " and many more".to_owned(),
                (false, 0) => String::new(),
                (false, n) => format!(" and {n} more"),
            };
            let message = format!(
                "a pickle that names what tensors do not need: loading it imports and may call {}{more}",
                names.join(", ")
            );
            sink.warn("pickle-global", message, narrow(*place));
        } else if self.more_names {
            sink.warn("pickle-global", "many more names that tensors do not need are not listed", None);
        }
        let hidden = code.len().saturating_sub(TOLD_MAX);
        if hidden > 0 {
            sink.error("pickle-code-execution", format!("{hidden} more such names are not listed"), None);
        }
        // one line for people, each name with its place for programs
        for ((module, name), place) in other.iter().chain(&code).take(GLOBALS_MAX) {
            sink.fact_wide(FactKind::Tag, &format!("{module}.{name}"), GLOBAL_KEY, Some(*place));
        }
        if let Some((at, why)) = &self.broken {
            let message = format!("a broken pickle: {why}; a loader runs what stands before the mistake");
            sink.warn("pickle-broken", message, narrow((*at, *at)));
        }
        if let Some(at) = self.cut {
            sink.warn("pickle-too-long", "a long pickle, of which only the beginning was looked at", narrow((at, at)));
        }
        if code.is_empty() && other.is_empty() && self.unresolved.is_none() && self.broken.is_none() && self.pickles > 0
        {
            let message = "a pickle, which can run code when it is loaded; this one names only what tensors need";
            sink.note("pickle-code", message, None);
        }
        for (kind, key, value, place) in self.hints {
            tell_hint(kind, &key, &value, place, sink);
        }
    }
}

/// `cmodule\nname\n` at the start of `tail`, both long enough not to be chance. Adds to `compared` what it cost.
fn text_global(tail: &[u8], compared: &mut usize) -> Option<(String, String, usize)> {
    let mut line = |from: &[u8]| {
        let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
        let n = from.iter().take(SEARCH_NAME_BYTES_MAX).take_while(|b| name(b)).count();
        *compared = compared.saturating_add(n + 1);
        (n >= 2 && from.get(n) == Some(&b'\n')).then_some(n)
    };
    let body = tail.get(1..)?;
    let first = line(body)?;
    let after = body.get(first + 1..)?;
    let second = line(after)?;
    let (module, name) = (body.get(..first)?, after.get(..second)?);
    let text = |raw: &[u8]| String::from_utf8_lossy(raw).into_owned();
    let (module, name) = (text(module), text(name));
    let likely = is_dotted_name(&module) && is_dotted_name(&name) && first + second >= 6;
    likely.then_some((module, name, first + second + 3))
}

fn tell_hint(kind: FactKind, key: &str, value: &str, place: (u64, u64), sink: &mut Sink<'_>) {
    // a name without an owner is no repository
    let kind = if kind == FactKind::Repository && !value.contains('/') { FactKind::Name } else { kind };
    if kind != FactKind::Name {
        sink.fact_wide(kind, value, key, Some(place));
        return;
    }
    // the folder that a run writes to: its last part that says something
    let generic = |part: &str| {
        let lower = part.to_ascii_lowercase();
        part.len() < 3 || GENERIC_FOLDERS.contains(&lower.as_str()) || lower.starts_with("checkpoint")
    };
    let last = value.rsplit(['/', '\\']).find(|p| !p.is_empty()).filter(|p| !generic(p));
    if let Some(name) = last {
        sink.fact_wide(FactKind::Name, name, key, Some(place));
    }
}

#[cfg(test)]
mod tests {
    use freehold_base::Severity;

    use super::*;
    use crate::FileFacts;

    fn told(bytes: &[u8]) -> FileFacts {
        let mut sink = Sink::new("x.pkl");
        let mut input = Input::open(&bytes).unwrap();
        let mut report = Report::default();
        report.scan(&mut input, 0, true);
        report.tell(&mut sink);
        sink.out
    }

    fn codes(bytes: &[u8]) -> Vec<&'static str> {
        told(bytes).diagnostics.iter().map(|d| d.code).collect()
    }

    /// `SHORT_BINUNICODE`.
    fn text(t: &str) -> Vec<u8> {
        [&[0x8c, u8::try_from(t.len()).unwrap()][..], t.as_bytes()].concat()
    }

    #[test]
    fn names_of_tensors_are_a_note() {
        let old = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00((U\x07storageq\x01ctorch\nFloatStorage\nq\x02X\x01\x00\x00\x000tQK\x00K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR.";
        let facts = told(old);
        assert_eq!(facts.diagnostics.len(), 1, "{:?}", facts.diagnostics);
        assert_eq!((facts.diagnostics[0].code, facts.diagnostics[0].severity), ("pickle-code", Severity::Note));
        let new = [
            &b"\x80\x04\x95\x10\0\0\0\0\0\0\0"[..],
            &text("numpy.core.multiarray"),
            b"\x94",
            &text("_reconstruct"),
            b"\x94\x93\x94)R.",
        ]
        .concat();
        assert_eq!(codes(&new), ["pickle-code"]);
    }

    #[test]
    fn every_way_to_name_a_function_is_seen() {
        let stack = |m: &str, n: &str| [&b"\x80\x04"[..], &text(m), &text(n), b"\x93)R."].concat();
        let memo =
            [&b"\x80\x04"[..], &text("system"), b"\x94", &text("os"), b"\x940h\x00\x30h\x01h\x00\x93)R."].concat();
        let aside = [&b"\x80\x04"[..], &text("os"), &text("system"), &text("decoy"), b"0\x93)R."].concat();
        for bytes in [
            b"cos\nsystem\n(S'id'\ntR.".to_vec(),
            b"(S'id'\nios\nsystem\n.".to_vec(),
            b"(cos\nsystem\nS'id'\no.".to_vec(),
            b"\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R.".to_vec(),
            b"\x80\x02c__builtin__\neval\n.".to_vec(),
            b"V\\u006fs\nVsyste\\u006d\n\x93)R.".to_vec(),
            b"S'\\x6fs'\nS'system'\n\x93)R.".to_vec(),
            b"S'\\157s'\nS'system'\n\x93)R.".to_vec(),
            stack("os", "system"),
            stack("collections", "OrderedDict.__init__.__globals__"),
            stack("torch", "_utils.__builtins__"),
            stack("pkgutil", "resolve_name"),
            stack("numpy.testing._private.utils", "runstring"),
            memo,
            aside,
        ] {
            assert_eq!(codes(&bytes), ["pickle-code-execution"], "{}", String::from_utf8_lossy(&bytes));
        }
        assert_eq!(codes(b"\x80\x02cacme.models\nNet\n)\x81}b."), ["pickle-global"]);
        let place = told(b"\x80\x02cacme.models\nNet\n)\x81}b.").diagnostics[0].label.clone().unwrap().bytes;
        assert_eq!(place, Some((2, 19)));
    }

    #[test]
    fn what_cannot_be_resolved_is_danger() {
        for bytes in [
            &b"\x80\x04N\x8c\x06system\x93)R."[..],
            b"\x80\x04\x93.",
            b"\x80\x02\x82\x01)R.",
            b"\x80\x02\x84\x01\0\0\0)R.",
            b"\x80\x04h\x07\x8c\x06system\x93)R.",
        ] {
            assert!(codes(bytes).contains(&"pickle-global-unresolved"), "{bytes:?}");
        }
        let long = format!("c{}\nsystem\n.", "o".repeat(600));
        assert_eq!(codes(long.as_bytes()), ["pickle-global-unresolved"]);
    }

    #[test]
    fn the_walk_goes_on_after_stop_and_after_a_mistake() {
        assert_eq!(codes(b"\x80\x02N.\x80\x02cos\nsystem\n."), ["pickle-code-execution"]);
        assert_eq!(codes(b"\x80\x02cos\nsystem\n\xff"), ["pickle-code-execution", "pickle-broken"]);
        assert_eq!(codes(b"\x80\x02\xff\xff\xffcos\nsystem\n(S'x'\ntR."), ["pickle-code-execution", "pickle-broken"]);
        let new = [&b"\x80\x02N.garbage\xff\xfe\x80\x04"[..], &text("os"), &text("system"), b"\x93)R."].concat();
        assert_eq!(codes(&new), ["pickle-code-execution"]);
        assert_eq!(codes(b"\x80\x02cos\nsystem\n"), ["pickle-code-execution", "pickle-broken"]);
        assert_eq!(codes(b"\x80\x02X\xff\xff\xff\xff"), ["pickle-broken"]);
        // joblib puts an array's bytes between the opcodes
        let joblib = b"\x80\x04\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93)\x81}b\xff\xff\xff\xff\xff.";
        assert_eq!(codes(joblib), ["pickle-global"]);
    }

    #[test]
    fn data_behind_a_pickle_is_no_pickle() {
        for tail in
            [&b"c\xff\xfe\n\x90\x91\nN."[..], b"\x82\x01N.\xff", b"X\xff\xff\xff\xff", b"K\x01\x93.", b"\0\0\0\0"]
        {
            let bytes = [b"\x80\x02N.", tail].concat();
            assert_eq!(codes(&bytes), ["pickle-code"], "{tail:?}");
        }
        // a pickle all the same, marked or named
        assert_eq!(codes(b"\x80\x02N.\x80\x02\x82\x01N."), ["pickle-global-unresolved"]);
        assert_eq!(codes(b"\x80\x02N.cos\nsystem\n)R."), ["pickle-code-execution"]);
        assert_eq!(codes(b"\x80\x02N.X\x08\0\0\0\x80\x02cos\nx\n\xff"), ["pickle-code-execution"]);
    }

    #[test]
    fn storms_are_bounded() {
        assert!(!codes(&[b"\x80\x02".to_vec(), vec![b'('; 1_000_000]].concat()).is_empty());
        let names: String = (0..5000).map(|i| format!("cacme\nf{i}\n")).collect();
        let out = codes(format!("{names}cos\nsystem\n.").as_bytes());
        assert!(out.len() <= 2 * TOLD_MAX + 2 && out[0] == "pickle-code-execution", "{out:?}");
        let marks = [b"(1".repeat(100_000), b"(u".repeat(100_000), vec![b'u'; 100_000]].concat();
        codes(&marks);
        codes(&b"\x80\x02".repeat(100_000));
        codes(&[b"\xff".to_vec(), b"\x80\x04\x8c\x01a".repeat(50_000)].concat());
    }

    #[test]
    fn dictionaries_name_repositories_and_parents() {
        let bytes = [
            &b"\x80\x04}("[..],
            &text("output_dir"),
            &text("./runs/gemma-sql-lora"),
            &text("hub_model_id"),
            &text("acme/gemma-sql"),
            &text("_name_or_path"),
            &text("google/gemma-2b"),
            &text("logging_dir"),
            &text("x/y"),
            b"u.",
        ]
        .concat();
        let facts = told(&bytes);
        let said: Vec<_> = facts.facts.iter().map(|f| (f.kind, f.value.as_str())).collect();
        assert_eq!(
            said,
            [
                (FactKind::Name, "gemma-sql-lora"),
                (FactKind::Repository, "acme/gemma-sql"),
                (FactKind::NameOrPath, "google/gemma-2b")
            ]
        );
        let (s, e) = facts.facts[1].evidence.bytes.unwrap();
        assert_eq!(&bytes[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], b"acme/gemma-sql");
    }

    #[test]
    fn members_are_told_by_content() {
        assert!(may_be(b"\x80\x02}.", 4));
        assert!(may_be(b"cos\nsystem\n", 11));
        assert!(may_be(&[b"S'".to_vec(), vec![b'a'; 600]].concat(), 5000));
        assert!(!may_be(&[0; 512], 4096));
        assert!(!may_be(b"version 3\n", 10));
        assert!(!may_be(b"", 0));
    }
}
