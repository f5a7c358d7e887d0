//! Tar archives: which members there are and where, nothing is unpacked. NeMo's `.nemo` files are such, and torch's
//! from before 2017.

use crate::input::Input;

/// Most members that are looked at.
const MEMBERS_MAX: usize = 4096;
/// Bytes of a header.
const BLOCK: u64 = 512;
/// Longest name that is read from an extension's member.
const NAME_BYTES_MAX: u64 = 4096;
/// First bytes of each member that are kept.
const HEAD_BYTES: usize = 512;

/// A file in the archive.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its path as written.
    pub(crate) name: String,
    /// Where its bytes begin.
    pub(crate) data_at: u64,
    /// How many there are.
    pub(crate) bytes: u64,
    /// The first of them.
    pub(crate) head: Vec<u8>,
    /// True for a link of either kind.
    pub(crate) link: bool,
}

/// True where the first block is a header: its checksum is right.
pub(crate) fn is_one(head: &[u8]) -> bool {
    let Some(block) = head.get(..512) else { return false };
    let Some(declared) = octal(block.get(148..156).unwrap_or_default()) else { return false };
    let sum: u64 =
        block.iter().enumerate().map(|(i, b)| u64::from(if (148..156).contains(&i) { b' ' } else { *b })).sum();
    declared == sum && block.first() != Some(&0)
}

/// Octal digits between spaces and zeros; a base-256 number where the first bit is set.
fn octal(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first()
        && first & 0x80 != 0
    {
        let mut n = u64::from(first & 0x7f);
        for b in rest {
            n = n.checked_mul(256)?.checked_add(u64::from(*b))?;
        }
        return Some(n);
    }
    let text: Vec<u8> = field.iter().copied().filter(|b| !matches!(b, 0 | b' ')).collect();
    if text.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(std::str::from_utf8(&text).ok()?, 8).ok()
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// The members, as far as the archive can be read, and why it could not be read to its end.
pub(crate) fn read(input: &mut Input<'_>) -> (Vec<Member>, Option<(String, u64)>) {
    let mut members = Vec::new();
    let mut long_name: Option<String> = None;
    let mut at = 0_u64;
    for _ in 0..MEMBERS_MAX {
        let Ok(block) = input.read(at, 512) else { return (members, Some(("reading failed".to_owned(), at))) };
        if block.is_empty() || block.iter().all(|b| *b == 0) {
            return (members, None);
        }
        if !is_one(&block) {
            return (members, Some(("a member's checksum is wrong".to_owned(), at)));
        }
        let part = |range: std::ops::Range<usize>| block.get(range).unwrap_or_default();
        let Some(bytes) = octal(part(124..136)) else {
            return (members, Some(("a member's size is no number".to_owned(), at)));
        };
        let data_at = at.saturating_add(BLOCK);
        let next = bytes.checked_next_multiple_of(BLOCK).and_then(|b| data_at.checked_add(b));
        let Some(next) = next.filter(|_| data_at.saturating_add(bytes) <= input.size) else {
            return (members, Some((format!("a member declares {bytes} bytes, more than the file has"), at)));
        };
        let kind = part(156..157).first().copied().unwrap_or(0);
        match kind {
            b'L' | b'x' => {
                let want = usize::try_from(bytes.min(NAME_BYTES_MAX)).unwrap_or(0);
                let body = input.read(data_at, want).unwrap_or_default();
                long_name = if kind == b'L' { Some(text(&body)) } else { pax_path(&body) };
            }
            b'g' | b'K' => {}
            _ => {
                let (name, prefix) = (text(part(0..100)), text(part(345..500)));
                let short = if part(257..262) == b"ustar" && !prefix.is_empty() && part(257..265) != b"ustar  \0" {
                    format!("{prefix}/{name}")
                } else {
                    name
                };
                let name = long_name.take().unwrap_or(short);
                // a device or a pipe is as little a file as a link
                let link = matches!(kind, b'1' | b'2' | b'3' | b'4' | b'6');
                if matches!(kind, 0 | b'0' | b'7') || link {
                    let kept = usize::try_from(bytes).unwrap_or(usize::MAX).min(HEAD_BYTES);
                    let head = input.read(data_at, kept).unwrap_or_default();
                    members.push(Member { name, data_at, bytes, head, link });
                }
            }
        }
        at = next;
    }
    (members, Some((format!("more than {MEMBERS_MAX} members"), at)))
}

/// The `path` of an extended header: lines of `length key=value`.
fn pax_path(body: &[u8]) -> Option<String> {
    let line = body.split(|b| *b == b'\n').find_map(|l| {
        let at = l.iter().position(|b| *b == b' ')?;
        l.get(at + 1..)?.strip_prefix(b"path=")
    })?;
    Some(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A member's header and content.
    fn member(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
        let mut block = vec![0_u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        block[154] = 0;
        block.extend(data);
        block.resize(block.len().next_multiple_of(512), 0);
        block
    }

    /// An archive.
    pub(crate) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out: Vec<u8> = entries.iter().flat_map(|(name, data)| member(name, b'0', data)).collect();
        out.resize(out.len() + 1024, 0);
        out
    }

    fn names(bytes: &[u8]) -> (Vec<String>, bool) {
        let (members, trouble) = read(&mut Input::open(&bytes).unwrap());
        (members.into_iter().map(|m| m.name).collect(), trouble.is_some())
    }

    #[test]
    fn members_have_their_places() {
        let bytes = archive(&[("model_config.yaml", b"name: x\n"), ("model_weights.ckpt", &[7; 1000])]);
        assert!(is_one(&bytes) && !is_one(&bytes[1..]) && !is_one(b"") && !is_one(&[0; 512]));
        let (members, trouble) = read(&mut Input::open(&bytes.as_slice()).unwrap());
        assert!(trouble.is_none());
        let at = usize::try_from(members[0].data_at).unwrap();
        assert_eq!(&bytes[at..at + 8], b"name: x\n");
        assert_eq!((members[1].bytes, members[1].head.len()), (1000, 512));
        let long = [member("././@LongLink", b'L', b"a/very/long/name\0"), member("short", b'0', b"x")].concat();
        assert_eq!(names(&long).0, ["a/very/long/name"]);
        let pax = [member("x", b'x', b"20 path=other/name\n"), member("short", b'0', b"x")].concat();
        assert_eq!(names(&pax).0, ["other/name"]);
    }

    #[test]
    fn broken_archives_end() {
        let bytes = archive(&[("a", &[1; 700]), ("b", b"x")]);
        for n in 0..bytes.len() {
            names(&bytes[..n]);
        }
        assert!(names(&bytes[..600]).1);
        let mut huge = bytes.clone();
        huge[124..136].fill(0xff);
        assert_eq!(names(&huge), (Vec::new(), true));
        assert_eq!(octal(&[0xff; 12]), None);
        assert_eq!(octal(b"0000644\0"), Some(0o644));
        assert_eq!(octal(&[0x80, 0, 1, 0]), Some(256));
    }
}
