//! Zip archives: the central directory and the local headers, held against each other. Nothing is unpacked.
//!
//! Loaders differ in which of the two they believe, and in whether they look at names, checksums or the flag for
//! encryption. So both are read, and a member is looked into wherever its bytes stand as they are.

use std::collections::BTreeSet;

use crate::input::Input;
use crate::sink::Sink;

/// Longest central directory that is read; a checkpoint of 10,000 tensors has 1 MB.
const DIRECTORY_BYTES_MAX: u64 = 16 << 20;
/// Most members that are read.
const MEMBERS_MAX: usize = 1 << 16;
/// Bytes at the end of a file where the end record may stand: a comment has at most 65,535.
const TAIL_BYTES: u64 = 65_557;
/// Bytes at the start that are searched for local headers where there is no directory.
const RESCUE_BYTES: usize = 1 << 20;
/// Members that are found this way.
const RESCUE_MEMBERS_MAX: usize = 1024;
/// Longest name that is kept.
const NAME_BYTES_MAX: usize = 1024;
/// Bytes read at each local header: most names, paddings and the first bytes of the content.
const LOCAL_BYTES: usize = 512;

/// The method of deflate.
const DEFLATE: u16 = 8;

/// A member.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name in the directory.
    pub(crate) name: String,
    /// True where its bytes stand in the file as they are.
    pub(crate) stored: bool,
    /// True where they are packed by deflate, the one method that is unpacked.
    pub(crate) deflated: bool,
    /// How many there are unpacked, as the directory says.
    pub(crate) full: u64,
    /// Where they begin.
    pub(crate) data_at: u64,
    /// How many there are in the file.
    pub(crate) bytes: u64,
    /// The first of them, as far as they were read.
    pub(crate) head: Vec<u8>,
}

/// What an archive holds.
#[derive(Debug, Default)]
pub(crate) struct Zip {
    pub(crate) members: Vec<Member>,
    /// What is wrong with it: code, message, place.
    pub(crate) troubles: Vec<(&'static str, String, Option<u64>)>,
}

impl Zip {
    /// Says what is wrong.
    pub(crate) fn tell(&self, sink: &mut Sink<'_>) {
        for (code, message, at) in &self.troubles {
            let place = at.and_then(|a| usize::try_from(a).ok()).map(|a| (a, a));
            if *code == "zip-path" {
                sink.error(code, message, place);
            } else {
                sink.warn(code, message, place);
            }
        }
    }

    fn trouble(&mut self, code: &'static str, message: String, at: Option<u64>) {
        if self.troubles.iter().filter(|(c, _, _)| *c == code).count() < 4 {
            self.troubles.push((code, message, at));
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

/// Where the directory stands.
struct Directory {
    at: u64,
    bytes: u64,
    entries: u64,
    /// Bytes put before the archive, which its offsets do not count.
    shift: u64,
}

/// True where the file ends like a zip archive, whatever it begins with.
pub(crate) fn ends_like_one(input: &mut Input<'_>) -> bool {
    directory(input).is_some()
}

/// Reads the archive; without a directory, the local headers that can be found.
pub(crate) fn read(input: &mut Input<'_>) -> Zip {
    let mut zip = Zip::default();
    match directory(input) {
        Some(d) => members(input, &d, &mut zip),
        None => {
            let message = "a zip archive without a directory: it is cut off or made to be read otherwise";
            zip.trouble("zip-directory", message.to_owned(), None);
        }
    }
    if zip.members.is_empty() {
        rescue(input, &mut zip);
    }
    zip
}

fn directory(input: &mut Input<'_>) -> Option<Directory> {
    let size = input.size;
    let tail_at = size.saturating_sub(TAIL_BYTES);
    // the plain case first: no comment
    let short_at = size.saturating_sub(22);
    let short = input.read(short_at, 22).ok()?;
    let (tail, base) = if short.starts_with(b"PK\x05\x06") && short.len() == 22 {
        (short, short_at)
    } else {
        (input.read(tail_at, usize::try_from(TAIL_BYTES).unwrap_or(usize::MAX)).ok()?, tail_at)
    };
    let found = tail.windows(4).rposition(|w| w == b"PK\x05\x06")?;
    let end = tail.get(found..)?;
    let end_at = base.checked_add(u64::try_from(found).ok()?)?;
    let mut entries = u64::from(u16_at(end, 10)?);
    let mut bytes = u64::from(u32_at(end, 12)?);
    let mut at = u64::from(u32_at(end, 16)?);
    let mut directory_end = end_at;
    // torch writes the 64-bit record always, whether or not the values need it
    let locator = end_at.checked_sub(20).and_then(|l| input.read(l, 20).ok()).unwrap_or_default();
    if locator.starts_with(b"PK\x06\x07") {
        let said = u64_at(&locator, 8)?;
        let usual = end_at.saturating_sub(76);
        for wide_at in [said, usual] {
            let wide = input.read(wide_at, 56).ok()?;
            if wide.starts_with(b"PK\x06\x06") {
                entries = u64_at(&wide, 32)?;
                bytes = u64_at(&wide, 40)?;
                at = u64_at(&wide, 48)?;
                directory_end = wide_at;
                break;
            }
        }
    }
    // bytes before the archive move everything, as Python's reader has it
    let shift = directory_end.checked_sub(bytes)?.saturating_sub(at);
    let at = at.checked_add(shift)?;
    (at.checked_add(bytes)? <= size).then_some(Directory { at, bytes, entries, shift })
}

fn members(input: &mut Input<'_>, directory: &Directory, zip: &mut Zip) {
    let want = usize::try_from(directory.bytes.min(DIRECTORY_BYTES_MAX)).unwrap_or(usize::MAX);
    let Ok(records) = input.read(directory.at, want) else { return };
    if directory.bytes > DIRECTORY_BYTES_MAX || directory.entries > u64::try_from(MEMBERS_MAX).unwrap_or(u64::MAX) {
        zip.trouble("zip-too-long", "an archive of very many members, not all are looked at".to_owned(), None);
    }
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut at = 0_usize;
    while zip.members.len() < MEMBERS_MAX {
        let Some(record) = records.get(at..).filter(|r| r.starts_with(b"PK\x01\x02")) else { break };
        let place = directory.at.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        let Some((length, next)) = member(input, record, directory.shift, place, zip) else { break };
        if let Some(name) = next
            && !names.insert(name.clone())
        {
            zip.trouble(
                "zip-duplicate",
                format!("two members are named `{name}`: programs differ in theirs"),
                Some(place),
            );
        }
        at = at.saturating_add(length);
    }
    let read = u64::try_from(names.len()).unwrap_or(u64::MAX);
    if at < records.len() && zip.members.len() < MEMBERS_MAX && directory.bytes <= DIRECTORY_BYTES_MAX {
        let message = format!("the directory is broken after {read} members, what follows is not listed");
        zip.trouble("zip-directory", message, None);
    }
}

/// Reads one record of the directory and its local header: the record's length and the member's name.
fn member(
    input: &mut Input<'_>,
    record: &[u8],
    shift: u64,
    place: u64,
    zip: &mut Zip,
) -> Option<(usize, Option<String>)> {
    let method = u16_at(record, 10)?;
    let mut bytes = u64::from(u32_at(record, 20)?);
    let mut full = u64::from(u32_at(record, 24)?);
    let (name_length, extra_length) = (usize::from(u16_at(record, 28)?), usize::from(u16_at(record, 30)?));
    let comment_length = usize::from(u16_at(record, 32)?);
    let mut local_at = u64::from(u32_at(record, 42)?);
    let raw = record.get(46..46 + name_length)?;
    let extra = record.get(46 + name_length..46 + name_length + extra_length)?;
    let length = 46 + name_length + extra_length + comment_length;
    wide_values(extra, &mut full, &mut bytes, &mut local_at);
    let name = String::from_utf8_lossy(raw.get(..NAME_BYTES_MAX.min(name_length))?).into_owned();
    if name.split(['/', '\\']).any(|p| p == "..") || name.starts_with(['/', '\\']) {
        zip.trouble("zip-path", format!("the member `{name}` would be unpacked outside its folder"), Some(place));
    }
    let local_at = local_at.checked_add(shift)?;
    let local = input.read(local_at, LOCAL_BYTES).unwrap_or_default();
    if !local.starts_with(b"PK\x03\x04") || local.len() < 30 {
        zip.trouble("zip-member", format!("the member `{name}` is not where the directory says"), Some(place));
        return Some((length, None));
    }
    let (local_method, local_name) = (u16_at(&local, 8)?, usize::from(u16_at(&local, 26)?));
    let local_extra = usize::from(u16_at(&local, 28)?);
    let short = 30 + local_name <= LOCAL_BYTES;
    let there = local.get(30..(30 + local_name).min(local.len())).unwrap_or_default();
    if there != raw.get(..there.len()).unwrap_or_default() || (short && there.len() != raw.len()) {
        let other = String::from_utf8_lossy(there).into_owned();
        let message = format!("a member is named `{name}` in the directory and `{other}` where it stands");
        zip.trouble("zip-names-differ", message, Some(local_at));
    }
    let stored = method == 0 || local_method == 0;
    if method != local_method {
        let message = format!("`{name}` is packed otherwise in the directory than where it stands");
        zip.trouble("zip-member", message, Some(local_at));
    }
    let head_at = 30 + local_name + local_extra;
    let data_at = local_at.checked_add(u64::try_from(head_at).ok()?)?;
    // a size that lies does not hide bytes
    let bytes = bytes.max(if stored { full } else { 0 }).min(input.size.saturating_sub(data_at));
    let kept = usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut head: Vec<u8> = local.get(head_at..).unwrap_or_default().iter().take(kept).copied().collect();
    if stored && head.len() < 64.min(kept) {
        head = input.read(data_at, LOCAL_BYTES.min(kept)).unwrap_or_default();
    }
    let deflated = !stored && method == DEFLATE;
    zip.members.push(Member { name: name.clone(), stored, deflated, full, data_at, bytes, head });
    Some((length, Some(name)))
}

/// The 64-bit values of a record, for those that do not fit into 32.
fn wide_values(extra: &[u8], full: &mut u64, bytes: &mut u64, local_at: &mut u64) {
    let mut at = 0_usize;
    while let (Some(id), Some(length)) = (u16_at(extra, at), u16_at(extra, at + 2)) {
        let body = extra.get(at + 4..).unwrap_or_default();
        if id == 1 {
            let mut field = 0;
            for value in [full, bytes, local_at] {
                if *value == 0xffff_ffff
                    && let Some(wide) = u64_at(body.get(..usize::from(length)).unwrap_or_default(), field)
                {
                    *value = wide;
                    field += 8;
                }
            }
            return;
        }
        at = at.saturating_add(4 + usize::from(length));
    }
}

/// Finds members by their local headers where the directory is of no use.
fn rescue(input: &mut Input<'_>, zip: &mut Zip) {
    let Ok(start) = input.read(0, RESCUE_BYTES) else { return };
    let mut at = 0_usize;
    while zip.members.len() < RESCUE_MEMBERS_MAX {
        let Some(found) = start.get(at..).and_then(|r| r.windows(4).position(|w| w == b"PK\x03\x04")) else { break };
        let here = at + found;
        at = here + 4;
        let Some(local) = start.get(here..) else { break };
        let (Some(method), Some(name), Some(extra)) = (u16_at(local, 8), u16_at(local, 26), u16_at(local, 28)) else {
            continue;
        };
        let Some(raw) = local.get(30..30 + usize::from(name)) else { continue };
        let head_at = 30 + usize::from(name) + usize::from(extra);
        let Some(data) = local.get(head_at..) else { continue };
        let Ok(data_at) = u64::try_from(here + head_at) else { continue };
        let size = u32_at(local, 18).map_or(0, u64::from);
        let left = input.size.saturating_sub(data_at);
        let bytes = if size == 0 || size > left { left } else { size };
        let kept = usize::try_from(bytes).unwrap_or(usize::MAX).min(LOCAL_BYTES);
        zip.members.push(Member {
            name: String::from_utf8_lossy(raw.get(..raw.len().min(NAME_BYTES_MAX)).unwrap_or_default()).into_owned(),
            stored: method == 0,
            deflated: method == DEFLATE,
            full: u32_at(local, 22).map_or(0, u64::from),
            data_at,
            bytes,
            head: data.iter().take(kept).copied().collect(),
        });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A member to be written: name in the directory, name where it stands, method, content.
    pub(crate) type Entry<'a> = (&'a str, &'a str, u16, &'a [u8]);

    /// An archive behind `before`.
    pub(crate) fn archive(before: &[u8], entries: &[Entry<'_>]) -> Vec<u8> {
        let mut out = before.to_vec();
        let mut records = Vec::new();
        let n16 = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
        let n32 = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        for (name, local, method, data) in entries {
            let at = out.len();
            let middle = [&[0, 0][..], &method.to_le_bytes(), &[0; 8], &n32(data.len()), &n32(data.len())].concat();
            out.extend([b"PK\x03\x04\x14\0", &middle[..], &n16(local.len()), &[0, 0], local.as_bytes(), data].concat());
            records.extend([b"PK\x01\x02\x14\0\x14\0", &middle[..], &n16(name.len()), &[0; 12], &n32(at)].concat());
            records.extend(name.as_bytes());
        }
        let at = out.len();
        out.extend(&records);
        let count = n16(entries.len());
        out.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &n32(records.len()), &n32(at), &[0, 0]].concat());
        out
    }

    fn open(bytes: &[u8]) -> Zip {
        read(&mut Input::open(&bytes).unwrap())
    }

    #[test]
    fn members_have_their_places() {
        let bytes = archive(b"", &[("a/data.pkl", "a/data.pkl", 0, b"content"), ("b", "b", 8, b"xx")]);
        let zip = open(&bytes);
        assert!(zip.troubles.is_empty(), "{:?}", zip.troubles);
        let first = &zip.members[0];
        let at = usize::try_from(first.data_at).unwrap();
        assert_eq!(&bytes[at..at + 7], b"content");
        assert_eq!((first.name.as_str(), first.stored, first.head.as_slice()), ("a/data.pkl", true, &b"content"[..]));
        assert!(!zip.members[1].stored);
        let behind = [b"#!/bin/sh\n".to_vec(), bytes].concat();
        let zip = open(&behind);
        assert_eq!((zip.members.len(), zip.members[0].head.as_slice()), (2, &b"content"[..]));
    }

    #[test]
    fn the_64_bit_record_counts_whether_or_not_it_is_needed() {
        let plain = archive(b"", &[("a/data.pkl", "a/data.pkl", 0, b"content")]);
        let end = plain.len() - 22;
        let directory_at = u32_at(&plain, end + 16).unwrap();
        let length = u64::try_from(end).unwrap() - u64::from(directory_at);
        let wide = [
            &b"PK\x06\x06"[..],
            &44_u64.to_le_bytes(),
            &[0; 12],
            &1_u64.to_le_bytes(),
            &1_u64.to_le_bytes(),
            &length.to_le_bytes(),
            &u64::from(directory_at).to_le_bytes(),
            b"PK\x06\x07\0\0\0\0",
            &u64::try_from(end).unwrap().to_le_bytes(),
            &1_u32.to_le_bytes(),
        ]
        .concat();
        for needed in [false, true] {
            let mut tail = plain[end..].to_vec();
            if needed {
                tail[8..20].fill(0xff);
            }
            let bytes = [&plain[..end], &wide, &tail].concat();
            for before in [&b""[..], b"#!/bin/sh\n"] {
                let zip = open(&[before, &bytes].concat());
                assert!(zip.troubles.is_empty(), "{:?}", zip.troubles);
                assert_eq!(zip.members[0].head, b"content");
            }
        }
    }

    #[test]
    fn contradictions_are_told() {
        let codes = |bytes: &[u8]| open(bytes).troubles.iter().map(|t| t.0).collect::<Vec<_>>();
        assert_eq!(codes(&archive(b"", &[("a.txt", "data.pkl", 0, b"x")])), ["zip-names-differ"]);
        assert_eq!(codes(&archive(b"", &[("a", "a", 0, b"x"), ("a", "a", 0, b"y")])), ["zip-duplicate"]);
        assert_eq!(codes(&archive(b"", &[("../a", "../a", 0, b"x")])), ["zip-path"]);
        let whole = archive(b"", &[("a/data.pkl", "a/data.pkl", 0, b"content")]);
        let cut = open(&whole[..50]);
        assert_eq!((cut.troubles[0].0, cut.members.len()), ("zip-directory", 1));
        assert_eq!(cut.members[0].head, b"content");
        for n in 0..whole.len() {
            open(&whole[..n]);
        }
        let mut lying = whole.clone();
        for i in 0..whole.len() {
            for b in [0, 0x7f, 0xff] {
                lying[i] = b;
                open(&lying);
            }
            lying[i] = whole[i];
        }
    }
}
