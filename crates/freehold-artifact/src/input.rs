//! Reading by offset, counted: a 40 GB file costs the few kilobytes that its header has.

use std::io;

/// Something whose bytes can be read at an offset: a file (`pread`) or a slice.
pub trait ReadAt {
    /// Length in bytes.
    fn size(&self) -> u64;

    /// Reads into `buffer` from `offset`; the number of bytes read, 0 at the end. A short read is legal.
    ///
    /// # Errors
    /// Whatever the medium reports.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for &[u8] {
    fn size(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|o| self.get(o..)).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(n)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.as_slice().size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }
}

/// Bytes of every file that are read first: enough to tell what it is, and the whole of most configs.
pub(crate) const HEAD_BYTES: usize = 4096;

/// A part of a source, read as if it were a file of its own: a member of an archive.
pub(crate) struct Window<'a> {
    source: &'a dyn ReadAt,
    from: u64,
    size: u64,
}

impl<'a> Window<'a> {
    /// `size` bytes from `from`, fewer where the source ends before.
    pub(crate) fn new(source: &'a dyn ReadAt, from: u64, size: u64) -> Window<'a> {
        Window { source, from, size: size.min(source.size().saturating_sub(from)) }
    }
}

impl ReadAt for Window<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let n = buffer.len().min(left);
        self.source.read_at(self.from.saturating_add(offset), buffer.get_mut(..n).unwrap_or_default())
    }
}

/// A source, its first bytes, and how much was read of it.
pub(crate) struct Input<'a> {
    source: &'a dyn ReadAt,
    /// Length of the file.
    pub(crate) size: u64,
    /// The first bytes: all of a short file.
    pub(crate) head: Vec<u8>,
    /// Bytes read so far.
    pub(crate) bytes_read: u64,
}

impl<'a> Input<'a> {
    /// Reads the head.
    pub(crate) fn open(source: &'a dyn ReadAt) -> io::Result<Input<'a>> {
        let size = source.size();
        let mut input = Input { source, size, head: Vec::new(), bytes_read: 0 };
        input.head = input.read(0, HEAD_BYTES)?;
        Ok(input)
    }

    /// A part of the file that is read by itself; its bytes are counted by whoever reads it.
    pub(crate) fn window(&self, from: u64, size: u64) -> Window<'a> {
        Window::new(self.source, from, size)
    }

    /// Up to `want` bytes from `offset`: fewer only at the end of the file. Never allocates more than the file has.
    pub(crate) fn read(&mut self, offset: u64, want: usize) -> io::Result<Vec<u8>> {
        self.read_behind(Vec::new(), offset, want)
    }

    /// [`Input::read`] with the bytes put behind those of `buffer`, in the same allocation.
    fn read_behind(&mut self, mut buffer: Vec<u8>, offset: u64, want: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let before = buffer.len();
        buffer.reserve_exact(want.min(left));
        buffer.resize(before.saturating_add(want.min(left)), 0);
        let mut filled = before;
        while let Some(rest) = buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
            let at = offset.saturating_add(u64::try_from(filled - before).unwrap_or(u64::MAX));
            match self.source.read_at(at, rest) {
                Ok(0) => break,
                Ok(n) => filled = filled.saturating_add(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        buffer.truncate(filled);
        self.bytes_read = self.bytes_read.saturating_add(u64::try_from(filled - before).unwrap_or(u64::MAX));
        Ok(buffer)
    }

    /// The file from its start, at most `limit` bytes; reuses the head.
    pub(crate) fn start(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let want = usize::try_from(self.size).unwrap_or(usize::MAX).min(limit);
        if want <= self.head.len() {
            return Ok(self.head.get(..want).unwrap_or_default().to_vec());
        }
        let have = self.head.len();
        // one allocation: a header of 100 MB must not be held twice
        let mut all = Vec::with_capacity(want);
        all.extend_from_slice(&self.head);
        self.read_behind(all, u64::try_from(have).unwrap_or(u64::MAX), want.saturating_sub(have))
    }
}

/// A forward walk through a file with a small buffer; jumps cost nothing.
pub(crate) struct Cursor<'i, 'a> {
    input: &'i mut Input<'a>,
    buffer: Vec<u8>,
    buffer_at: u64,
    /// Where the next read begins.
    pub(crate) at: u64,
    /// Bytes that may still be fetched.
    budget: u64,
    /// Bytes fetched at once.
    step: usize,
}

/// Why a walk ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The file ends before what it declares: needed until, declared where.
    Truncated { needed: u64 },
    /// The walk would read more than a header can have.
    Budget,
    /// The medium failed.
    Io(io::ErrorKind),
}

/// Buffer of a walk, after the head.
const STEP_BYTES: usize = 64 << 10;

impl<'i, 'a> Cursor<'i, 'a> {
    /// A walk from byte 0 that fetches at most `budget` bytes beyond the head.
    pub(crate) fn new(input: &'i mut Input<'a>, budget: u64) -> Cursor<'i, 'a> {
        Cursor::stepping(input, budget, STEP_BYTES)
    }

    /// A walk that fetches `step` bytes at once: less is wasted where most of the file is jumped over.
    pub(crate) fn stepping(input: &'i mut Input<'a>, budget: u64, step: usize) -> Cursor<'i, 'a> {
        let buffer = std::mem::take(&mut input.head);
        Cursor { input, buffer, buffer_at: 0, at: 0, budget, step }
    }

    /// Moves to any place in the file.
    pub(crate) fn seek(&mut self, at: u64) -> Result<(), Stop> {
        if at > self.input.size {
            return Err(Stop::Truncated { needed: at });
        }
        self.at = at;
        Ok(())
    }

    /// The next byte, consumed.
    pub(crate) fn byte(&mut self) -> Result<u8, Stop> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    /// Bytes up to the next line break, which is consumed and not returned; the first `kept_max` of them, and
    /// whether there were more.
    pub(crate) fn line(&mut self, kept_max: usize) -> Result<(Vec<u8>, bool), Stop> {
        let mut line = Vec::new();
        let mut cut = false;
        loop {
            match self.byte()? {
                b'\n' => return Ok((line, cut)),
                b if line.len() < kept_max => line.push(b),
                _ => cut = true,
            }
        }
    }

    /// Length of the file.
    pub(crate) fn size(&self) -> u64 {
        self.input.size
    }

    /// Bytes from here to the end of the file.
    pub(crate) fn left(&self) -> u64 {
        self.input.size.saturating_sub(self.at)
    }

    /// Consumes strings, each behind its length of 64 bits, as long as they lie in the buffer: at most `n`, each at most
    /// `bytes_max`. `each` gets a string's place and bytes. Gives back how many; what stops it is for the caller.
    pub(crate) fn strings_at_hand(
        &mut self,
        n: u64,
        big_endian: bool,
        bytes_max: u64,
        mut each: impl FnMut(u64, u64, &[u8]),
    ) -> u64 {
        let Some(mut from) = self.offset_in_buffer(0) else { return 0 };
        let mut done = 0;
        while done < n
            && let Some((raw, rest)) = self.buffer.get(from..).and_then(|b| b.split_first_chunk::<8>())
        {
            let length = if big_endian { u64::from_be_bytes(*raw) } else { u64::from_le_bytes(*raw) };
            let wanted = usize::try_from(length.min(bytes_max.saturating_add(1))).unwrap_or(usize::MAX);
            let Some(bytes) = rest.get(..wanted).filter(|_| length <= bytes_max) else { break };
            each(done, self.at.saturating_add(8), bytes);
            let whole = wanted.saturating_add(8);
            from = from.saturating_add(whole);
            self.at = self.at.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX));
            done = done.saturating_add(1);
        }
        done
    }

    /// The next `n` bytes (at most [`STEP_BYTES`]), consumed.
    pub(crate) fn take(&mut self, n: usize) -> Result<&[u8], Stop> {
        let wide = u64::try_from(n).unwrap_or(u64::MAX);
        if wide > self.left() {
            return Err(Stop::Truncated { needed: self.at.saturating_add(wide) });
        }
        if self.offset_in_buffer(n).is_none() {
            self.fill(n)?;
        }
        let from = self.offset_in_buffer(n);
        self.at = self.at.saturating_add(wide);
        // a file that shrank while it was read
        from.and_then(|f| self.buffer.get(f..f.saturating_add(n))).ok_or(Stop::Truncated { needed: self.at })
    }

    /// Where the next `n` bytes begin in the buffer, if they all lie in it.
    fn offset_in_buffer(&self, n: usize) -> Option<usize> {
        let from = usize::try_from(self.at.checked_sub(self.buffer_at)?).ok()?;
        (from.checked_add(n)? <= self.buffer.len()).then_some(from)
    }

    fn fill(&mut self, n: usize) -> Result<(), Stop> {
        let want = n.max(self.step);
        let cost = u64::try_from(want).unwrap_or(u64::MAX).min(self.left());
        self.budget = self.budget.checked_sub(cost).ok_or(Stop::Budget)?;
        self.buffer = self.input.read(self.at, want).map_err(|e| Stop::Io(e.kind()))?;
        self.buffer_at = self.at;
        Ok(())
    }

    /// Jumps over `n` bytes that must exist.
    pub(crate) fn skip(&mut self, n: u64) -> Result<(), Stop> {
        if n > self.left() {
            return Err(Stop::Truncated { needed: self.at.saturating_add(n) });
        }
        self.at = self.at.saturating_add(n);
        Ok(())
    }
}
