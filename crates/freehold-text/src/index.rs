//! The index as bytes: read in place, checked once at the door, every later read through `get`.
//!
//! Little endian. Header: magic (8), count of editions, count of postings (u32 each), offset of the bucket table.
//! Then one [`RECORD`]-byte record an edition, sorted by id; then what the records point to.

/// The first bytes of an index; the digits are the version of the layout and of the normalization.
pub(crate) const MAGIC: &[u8; 8] = b"fhtext01";
pub(crate) const HEADER: usize = 20;
pub(crate) const RECORD: usize = 80;
/// Buckets of postings by the top bits of the hash.
pub(crate) const BUCKET_BITS: u32 = 12;
pub(crate) const POSTING: usize = 7;
pub(crate) const WINDOW_BYTES: usize = 5;
pub(crate) const CLAUSE: usize = 20;
pub(crate) const LABEL_BYTES_MAX: usize = 15;
pub(crate) const REGION: usize = 9;
pub(crate) const MARK: usize = 8;
/// Set in the position of a mark that only numbers a paragraph.
pub(crate) const MARK_SOFT: u32 = 1 << 31;
/// One window in this many is posted for editions of more than [`POST_ALL_WORDS`] words.
pub(crate) const POST_EVERY: u64 = 8;
/// Editions up to this length have every window posted.
pub(crate) const POST_ALL_WORDS: u32 = 600;

/// Between an edition's id and which other copy of it a text is.
const COPY_OF: char = '#';
const EDITIONS_MAX: u32 = 20_000;
const WORDS_MAX: u32 = 1 << 20;

/// What sort of text an edition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditionKind {
    /// A license.
    License,
    /// An acceptable-use policy.
    UsePolicy,
    /// A text added to another.
    Addendum,
}

impl EditionKind {
    /// The word in the tables that list texts.
    pub fn as_str(self) -> &'static str {
        match self {
            EditionKind::License => "license",
            EditionKind::UsePolicy => "aup",
            EditionKind::Addendum => "addendum",
        }
    }

    /// The inverse of [`EditionKind::as_str`].
    pub fn parse(word: &str) -> Option<EditionKind> {
        [EditionKind::License, EditionKind::UsePolicy, EditionKind::Addendum].into_iter().find(|k| k.as_str() == word)
    }

    fn from_byte(b: u8) -> Option<EditionKind> {
        [EditionKind::License, EditionKind::UsePolicy, EditionKind::Addendum].into_iter().find(|k| *k as u8 == b)
    }
}

/// A text without which, or with other words in which, a copy is still the edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RegionKind {
    /// May be absent: a preamble, an appendix, the title line.
    Removable,
    /// A copyright line: may be absent or another.
    Copyright,
    /// A name that every holder writes anew.
    Holder,
}

impl RegionKind {
    fn from_byte(b: u8) -> RegionKind {
        match b {
            1 => RegionKind::Copyright,
            2 => RegionKind::Holder,
            _ => RegionKind::Removable,
        }
    }
}

/// Words `start..end` of an edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Region {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) kind: RegionKind,
}

/// Why bytes are not an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexError {
    /// The first bytes are not those of this version's index.
    NotAnIndex,
    /// A table points outside the bytes.
    Truncated,
    /// A value cannot be: an id that is not text or not in order, a count over the limit.
    Invalid,
}

impl std::fmt::Display for IndexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            IndexError::NotAnIndex => "not a text index of this version: build it again",
            IndexError::Truncated => "the text index is cut short: build it again",
            IndexError::Invalid => "the text index holds a value that cannot be: build it again",
        })
    }
}

impl std::error::Error for IndexError {}

/// The known editions. A view of bytes: making one reads the table of editions only.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a> {
    bytes: &'a [u8],
    editions: u32,
    postings: u32,
    buckets_at: usize,
}

/// One edition of the index.
#[derive(Clone, Copy, Debug)]
pub struct Edition<'a> {
    bytes: &'a [u8],
    record: &'a [u8],
    /// Its id (`llama-3.1-community`).
    pub id: &'a str,
    /// The id of the text: the edition's, or `edition#which` for another publisher's copy of the same edition.
    pub text: &'a str,
    /// What it is.
    pub kind: EditionKind,
    /// Words of the normalized text.
    pub words: u32,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn u40_of(chunk: &[u8]) -> u64 {
    match chunk {
        [a, b, c, d, e, ..] => u64::from(u32::from_le_bytes([*a, *b, *c, *d])) | u64::from(*e) << 32,
        _ => 0,
    }
}

impl<'a> Index<'a> {
    /// Reads an index, checking every offset of its tables.
    ///
    /// # Errors
    /// Where the bytes are not an index of this version, are cut short, or hold a value that cannot be.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Index<'a>, IndexError> {
        if bytes.get(..8) != Some(MAGIC.as_slice()) {
            return Err(IndexError::NotAnIndex);
        }
        let cut = IndexError::Truncated;
        let editions = u32_at(bytes, 8).ok_or(cut)?;
        let postings = u32_at(bytes, 12).ok_or(cut)?;
        let buckets_at = u32_at(bytes, 16).ok_or(cut)? as usize;
        if editions > EDITIONS_MAX {
            return Err(IndexError::Invalid);
        }
        let index = Index { bytes, editions, postings, buckets_at };
        let tables = (4usize << BUCKET_BITS) + 4;
        let all = buckets_at
            .checked_add(tables)
            .and_then(|n| n.checked_add((postings as usize).checked_mul(POSTING)?))
            .ok_or(cut)?;
        if bytes.len() < all {
            return Err(cut);
        }
        let mut last = "";
        for i in 0..editions {
            let edition = index.edition(i).ok_or(IndexError::Invalid)?;
            if edition.words > WORDS_MAX || (i > 0 && edition.text <= last) {
                return Err(IndexError::Invalid);
            }
            last = edition.text;
            edition.check().ok_or(cut)?;
        }
        Ok(index)
    }

    /// How many editions it knows.
    pub fn len(&self) -> usize {
        self.editions as usize
    }

    /// True where it knows none.
    pub fn is_empty(&self) -> bool {
        self.editions == 0
    }

    /// Every edition, by id.
    pub fn editions(&self) -> impl Iterator<Item = Edition<'a>> + '_ {
        (0..self.editions).filter_map(|i| self.edition(i))
    }

    /// The text with this id.
    pub fn get(&self, id: &str) -> Option<Edition<'a>> {
        let (mut low, mut high) = (0, self.editions);
        while low < high {
            let middle = low.midpoint(high);
            let edition = self.edition(middle)?;
            match edition.text.cmp(id) {
                std::cmp::Ordering::Equal => return Some(edition),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    pub(crate) fn edition(&self, i: u32) -> Option<Edition<'a>> {
        let at = HEADER.checked_add((i as usize).checked_mul(RECORD)?)?;
        let record = self.bytes.get(at..at.checked_add(RECORD)?)?;
        let id_at = u32_at(record, 0)? as usize;
        let id_len = u16_at(record, 4)? as usize;
        let text = std::str::from_utf8(self.bytes.get(id_at..id_at.checked_add(id_len)?)?).ok()?;
        let id = text.split_once(COPY_OF).map_or(text, |(edition, _)| edition);
        let kind = EditionKind::from_byte(*record.get(6)?)?;
        Some(Edition { bytes: self.bytes, record, id, text, kind, words: u32_at(record, 8)? })
    }

    /// Words of edition `i`, without a look at its id.
    pub(crate) fn length(&self, i: u32) -> usize {
        let at = HEADER + (i as usize).saturating_mul(RECORD);
        u32_at(self.bytes, at.saturating_add(8)).unwrap_or(0) as usize
    }

    /// Calls `found` with the edition of each posting of this window.
    pub(crate) fn postings(&self, hash: u64, mut found: impl FnMut(usize)) {
        let bucket = usize::try_from(hash >> (40 - BUCKET_BITS)).unwrap_or(usize::MAX);
        let at = |b: usize| {
            u32_at(self.bytes, self.buckets_at + b.min(1 << BUCKET_BITS) * 4).unwrap_or(0).min(self.postings)
        };
        let (mut low, end) = (at(bucket) as usize, at(bucket.saturating_add(1)) as usize);
        let base = self.buckets_at + (4usize << BUCKET_BITS) + 4;
        let posting = |i: usize| self.bytes.get(base + i * POSTING..base + (i + 1) * POSTING);
        let mut high = end;
        while low < high {
            let middle = low.midpoint(high);
            if posting(middle).is_some_and(|p| u40_of(p) < hash) { low = middle + 1 } else { high = middle }
        }
        for i in low..end {
            let Some(p) = posting(i).filter(|p| u40_of(p) == hash) else { break };
            found(usize::from(u16_at(p, WINDOW_BYTES).unwrap_or(u16::MAX)));
        }
    }
}

impl<'a> Edition<'a> {
    /// sha256 of the folded words joined by one space.
    pub fn sha256(&self) -> [u8; 32] {
        self.record.get(48..80).and_then(|b| b.try_into().ok()).unwrap_or([0; 32])
    }

    /// The label of the clause that holds word `i` (`1.b.i`); empty before the first.
    pub fn clause_at(&self, word: u32) -> &'a str {
        let table = self.table(16, 20, CLAUSE);
        let (mut low, mut high) = (0, table.len() / CLAUSE);
        while low < high {
            let middle = low.midpoint(high);
            if u32_at(table, middle * CLAUSE).is_some_and(|start| start <= word) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low.checked_sub(1).and_then(|i| table.get(i * CLAUSE..)).and_then(label).unwrap_or("")
    }

    /// Every clause: the word that it starts at, and its label.
    pub fn clauses(&self) -> impl Iterator<Item = (u32, &'a str)> {
        self.table(16, 20, CLAUSE).chunks_exact(CLAUSE).filter_map(|c| Some((u32_at(c, 0)?, label(c)?)))
    }

    pub(crate) fn windows(&self) -> Vec<u64> {
        let count = (self.words as usize).saturating_sub(crate::words::WINDOW_WORDS - 1);
        let at = u32_at(self.record, 12).unwrap_or(0) as usize;
        let bytes = self.bytes.get(at..at.saturating_add(count * WINDOW_BYTES)).unwrap_or_default();
        bytes.chunks_exact(WINDOW_BYTES).map(u40_of).collect()
    }

    pub(crate) fn regions(&self) -> Vec<Region> {
        let read = |c: &[u8]| {
            let kind = RegionKind::from_byte(*c.get(8)?);
            Some(Region { start: u32_at(c, 0)?, end: u32_at(c, 4)?, kind })
        };
        self.table(24, 28, REGION).chunks_exact(REGION).filter_map(read).collect()
    }

    /// Position (the word that follows), hash, and whether it only numbers a paragraph.
    pub(crate) fn marks(&self) -> Vec<(u32, u32, bool)> {
        let read = |c: &[u8]| {
            let at = u32_at(c, 0)?;
            Some((at & !MARK_SOFT, u32_at(c, 4)?, at & MARK_SOFT != 0))
        };
        self.table(32, 36, MARK).chunks_exact(MARK).filter_map(read).collect()
    }

    /// Hashes of the words that its title line may hold.
    pub(crate) fn title_words(&self) -> Vec<u32> {
        self.table(40, 44, 4).chunks_exact(4).filter_map(|c| u32_at(c, 0)).collect()
    }

    fn table(&self, offset: usize, count: usize, size: usize) -> &'a [u8] {
        self.try_table(offset, count, size).unwrap_or_default()
    }

    fn try_table(&self, offset: usize, count: usize, size: usize) -> Option<&'a [u8]> {
        let at = u32_at(self.record, offset)? as usize;
        let len = (u32_at(self.record, count)? as usize).checked_mul(size)?;
        self.bytes.get(at..at.checked_add(len)?)
    }

    fn check(&self) -> Option<()> {
        let count = (self.words as usize).saturating_sub(crate::words::WINDOW_WORDS - 1);
        let at = u32_at(self.record, 12)? as usize;
        self.bytes.get(at..at.checked_add(count * WINDOW_BYTES)?)?;
        for (offset, count, size) in [(16, 20, CLAUSE), (24, 28, REGION), (32, 36, MARK), (40, 44, 4)] {
            self.try_table(offset, count, size)?;
        }
        Some(())
    }
}

fn label(clause: &[u8]) -> Option<&str> {
    let len = usize::from(*clause.get(4)?).min(LABEL_BYTES_MAX);
    std::str::from_utf8(clause.get(5..5 + len)?).ok()
}
