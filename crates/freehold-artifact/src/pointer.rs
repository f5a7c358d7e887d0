//! Small files that stand for big ones: git-lfs pointers and the metadata that `hf download` leaves.

use freehold_base::FactKind;

use crate::sink::Sink;
use crate::sniff;

/// Longest pointer file; the format allows 1024 bytes.
const POINTER_BYTES_MAX: u64 = 1024;

/// True where the first bytes are a git-lfs pointer's.
pub(crate) fn is_lfs(head: &[u8]) -> bool {
    head.starts_with(b"version https://git-lfs.github.com/spec/")
        || head.starts_with(b"version https://hawser.github.com/spec/")
}

/// Lines with their offsets.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    bytes.split_inclusive(|b| *b == b'\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_ascii_end())
    })
}

fn is_hex(text: &[u8], digits: usize) -> bool {
    text.len() == digits && text.iter().all(u8::is_ascii_hexdigit)
}

/// Reads a git-lfs pointer: the hash of the content that it stands for is the weights' identity.
pub(crate) fn read_lfs(path: &str, bytes: &[u8], size: u64, sink: &mut Sink<'_>) {
    if size > POINTER_BYTES_MAX {
        sink.error("lfs-pointer", format!("a git-lfs pointer of {size} bytes: the format allows 1024"), None);
        return;
    }
    let mut oid = None;
    let mut content_bytes = None;
    for (at, line) in lines(bytes) {
        if let Some(hex) = line.strip_prefix(b"oid sha256:") {
            if !is_hex(hex, 64) || oid.is_some() {
                sink.error("lfs-pointer", "the git-lfs pointer's oid is not one sha256", Some((at, at + line.len())));
                return;
            }
            let place = (at + 11, at + 11 + hex.len());
            oid = Some((String::from_utf8_lossy(hex).to_ascii_lowercase(), place));
        } else if let Some(n) = line.strip_prefix(b"size ") {
            content_bytes = std::str::from_utf8(n).ok().and_then(|t| t.parse::<u64>().ok());
        }
    }
    let Some((hash, place)) = oid else {
        sink.error("lfs-pointer", "a git-lfs pointer without an oid: what it stands for is not known", None);
        return;
    };
    sink.fact(FactKind::Sha256, &hash, "oid", Some(place));
    if content_bytes.is_none() {
        sink.warn("lfs-pointer", "a git-lfs pointer without a size", None);
    }
    sink.out.pointer_bytes = content_bytes;
    let base = path.rsplit('/').next().unwrap_or(path);
    if let Some(format) = sniff::format_by_name(base) {
        sink.fact(FactKind::Format, format, "", None);
        sink.out.model_file = sniff::is_weights_name(base);
        if format == "pytorch" {
            sniff::pickle_note(sink);
        }
    } else if sniff::is_read_name(path) {
        let message = "a git-lfs pointer stands where a text is due: its content is not here";
        sink.warn("lfs-pointer-text", message, None);
        sink.help("fetch it with `git lfs pull`");
    }
}

/// True for `.cache/huggingface/download/…​.metadata` and its older place.
pub(crate) fn is_download_metadata(path: &str) -> bool {
    let under = |folder: &str| path.starts_with(folder) || path.contains(&format!("/{folder}"));
    path.ends_with(".metadata") && (under(".cache/huggingface/") || under(".huggingface/"))
}

/// Reads commit, etag and time; the commit is the exact revision of the copy.
pub(crate) fn read_download_metadata(bytes: &[u8], sink: &mut Sink<'_>) {
    let mut lines = lines(bytes);
    match lines.next() {
        Some((at, commit)) if is_hex(commit, 40) => {
            let text = String::from_utf8_lossy(commit).into_owned();
            sink.fact(FactKind::Revision, &text, "commit", Some((at, at + commit.len())));
        }
        _ => {
            sink.warn("download-metadata", "the first line is not a commit: the revision is not known", Some((0, 0)));
            return;
        }
    }
    if let Some((at, etag)) = lines.next().filter(|(_, etag)| is_hex(etag, 64)) {
        let text = String::from_utf8_lossy(etag).to_ascii_lowercase();
        sink.fact(FactKind::Sha256, &text, "etag", Some((at, at + etag.len())));
    }
}
