//! Reading by offset, counted.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;

use freehold_artifact::ReadAt;

/// Bytes that are fetched at once where numbers lie far apart.
const PAGE_BYTES: u64 = 512;
/// Pages that are kept.
const PAGES_MAX: usize = 4096;

/// A source and how much was read of it.
pub(crate) struct Counted<'a> {
    source: &'a dyn ReadAt,
    read: Cell<u64>,
    pages: RefCell<BTreeMap<u64, Vec<u8>>>,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt) -> Counted<'a> {
        Counted { source, read: Cell::new(0), pages: RefCell::default() }
    }

    pub(crate) fn size(&self) -> u64 {
        self.source.size()
    }

    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.get()
    }

    /// Exactly `want` bytes from `offset`; `None` where the file ends before or the medium fails. Allocates no more
    /// than the file has.
    pub(crate) fn exactly(&self, offset: u64, want: usize) -> Option<Vec<u8>> {
        let end = offset.checked_add(u64::try_from(want).ok()?)?;
        if end > self.source.size() {
            return None;
        }
        let mut buffer = vec![0; want];
        let mut filled = 0usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
            match self.source.read_at(offset.checked_add(u64::try_from(filled).ok()?)?, rest) {
                Ok(0) => return None,
                Ok(n) => filled = filled.saturating_add(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        self.read.set(self.read.get().saturating_add(u64::try_from(filled).unwrap_or(u64::MAX)));
        Some(buffer)
    }

    /// A few bytes from `offset`, out of pages that are kept: for what is read number by number.
    pub(crate) fn few<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        let mut out = [0; N];
        let mut pages = self.pages.borrow_mut();
        for (i, to) in out.iter_mut().enumerate() {
            let at = offset.checked_add(u64::try_from(i).ok()?)?;
            let number = at / PAGE_BYTES;
            if !pages.contains_key(&number) {
                if pages.len() >= PAGES_MAX {
                    pages.clear();
                }
                let from = number.checked_mul(PAGE_BYTES)?;
                let want = PAGE_BYTES.min(self.size().checked_sub(from)?);
                pages.insert(number, self.exactly(from, usize::try_from(want).ok()?)?);
            }
            *to = pages.get(&number)?.get(usize::try_from(at % PAGE_BYTES).ok()?).copied()?;
        }
        Some(out)
    }
}

/// Bytes of one step of a walk.
const STEP_BYTES: u64 = 64 << 10;

/// A forward walk with a small buffer; jumps cost nothing.
pub(crate) struct Cursor<'c, 'a> {
    source: &'c Counted<'a>,
    buffer: Vec<u8>,
    buffer_at: u64,
    pub(crate) at: u64,
    budget: u64,
}

impl<'c, 'a> Cursor<'c, 'a> {
    /// A walk from byte 0 that fetches at most `budget` bytes.
    pub(crate) fn new(source: &'c Counted<'a>, budget: u64) -> Cursor<'c, 'a> {
        Cursor { source, buffer: Vec::new(), buffer_at: 0, at: 0, budget }
    }

    pub(crate) fn left(&self) -> u64 {
        self.source.size().saturating_sub(self.at)
    }

    /// Jumps over bytes that must exist.
    pub(crate) fn skip(&mut self, n: u64) -> Option<()> {
        if n > self.left() {
            return None;
        }
        self.at = self.at.checked_add(n)?;
        Some(())
    }

    /// The next `n` bytes, at most 64 KiB.
    pub(crate) fn take(&mut self, n: u64) -> Option<&[u8]> {
        if n > self.left() || n > STEP_BYTES {
            return None;
        }
        let inside = self.at >= self.buffer_at
            && self.at.checked_add(n)? <= self.buffer_at.checked_add(u64::try_from(self.buffer.len()).ok()?)?;
        if !inside {
            let want = STEP_BYTES.min(self.left());
            self.budget = self.budget.checked_sub(want)?;
            self.buffer = self.source.exactly(self.at, usize::try_from(want).ok()?)?;
            self.buffer_at = self.at;
        }
        let from = usize::try_from(self.at.checked_sub(self.buffer_at)?).ok()?;
        self.at = self.at.checked_add(n)?;
        self.buffer.get(from..from.checked_add(usize::try_from(n).ok()?)?)
    }
}
