//! The files in an archive that is no model's own container: a product's zip, a container image.

use freehold_base::Diagnostic;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use crate::input::{Input, ReadAt, Window};
use crate::sink::Sink;
use crate::{FileFacts, labels, mask, sniff, tar, zip};

/// Most members of one archive.
const MEMBERS_MAX: usize = 20_000;
/// Deepest nesting of archives: an image holds layers, a layer holds files.
const DEPTH_MAX: u8 = 2;
/// Packed bytes of a member that are read to unpack its beginning: a whole card or config, the header of weights.
const PACKED_READ_BYTES_MAX: usize = 8 << 20;
/// Bytes that are kept of what comes out: the longest config that is read, and a header with its vocabulary.
const UNPACKED_BYTES_MAX: usize = 16 << 20;
/// Bytes from which a packed member is worth a word.
const PACKED_BYTES_MIN: u64 = 1 << 20;

/// A file whose bytes stand in the archive as they are, or packed by deflate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Path inside the innermost archive, with `/`; stays inside its folder.
    pub path: String,
    /// Where its bytes begin in the outermost archive.
    pub at: u64,
    /// How many there are.
    pub bytes: u64,
    /// Where they are packed by deflate: how many there are unpacked, as the archive says.
    pub unpacked_bytes: Option<u64>,
}

impl Member {
    /// Bytes of the file itself.
    pub fn file_bytes(&self) -> u64 {
        self.unpacked_bytes.unwrap_or(self.bytes)
    }
}

/// What an archive holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Its files, in the archive's order; of two of one path the first.
    pub files: Vec<Member>,
    /// What is wrong with it, and what could not be looked into.
    pub diagnostics: Vec<Diagnostic>,
    /// Bytes fetched to learn this.
    pub bytes_read: u64,
}

/// The members of a zip or tar archive, with those of the archives inside it; `None` for what is no archive, or is the
/// container of one model (a checkpoint of torch, NeMo's, Keras', numpy's, a llamafile). `name` is the archive's path.
pub fn members(name: &str, source: &dyn ReadAt) -> Option<Members> {
    let mut input = Input::open(source).ok()?;
    let zipped = is_zip(&input.head);
    if !zipped && !tar::is_one(&input.head) {
        return None;
    }
    let said = crate::read_file(name, source);
    let own = said.facts.iter().find(|f| f.kind == freehold_base::FactKind::Format);
    if own.is_some_and(|f| f.value != "zip") {
        return None;
    }
    let mut out = Members { bytes_read: said.bytes_read, ..Members::default() };
    let mut sink = Sink::new(name);
    list(&mut input, 0, 0, &mut out, &mut sink);
    out.bytes_read = out.bytes_read.saturating_add(input.bytes_read);
    out.diagnostics = sink.out.diagnostics;
    let mut seen = std::collections::BTreeSet::new();
    out.files.retain(|m| seen.insert(m.path.clone()));
    Some(out)
}

/// Reads a member as [`crate::read_file`] reads a file. `path` becomes the evidence's file.
pub fn read_member(member: &Member, source: &dyn ReadAt) -> FileFacts {
    let window = Window::new(source, member.at, member.bytes);
    let Some(size) = member.unpacked_bytes else { return crate::read_file(&member.path, &window) };
    if !sniff::is_own_file(&member.path) {
        return FileFacts::default();
    }
    match unpack(&window) {
        Some(bytes) => crate::read_file(&member.path, &Unpacked { size: size.max(bytes.size()), bytes }),
        None => {
            let mut sink = Sink::new(&member.path);
            sink.error("member-broken", "its packed bytes cannot be unpacked", None);
            sink.out
        }
    }
}

/// The beginning of a packed file, as far as [`UNPACKED_BYTES_MAX`]; `None` where it is broken at once.
fn unpack(packed: &dyn ReadAt) -> Option<Vec<u8>> {
    let mut input = Input::open(packed).ok()?;
    let packed = input.start(PACKED_READ_BYTES_MAX).ok()?;
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
    // nothing unpacks to more than a thousand times its size
    let room = packed.len().saturating_mul(1_100).min(UNPACKED_BYTES_MAX);
    let mut out = vec![0; room];
    let (_, _, written) = decompress(&mut DecompressorOxide::new(), &packed, &mut out, 0, flags);
    out.truncate(written);
    // what came before a limit or a fault is kept
    Some(out).filter(|o| !o.is_empty())
}

/// A file of which only the beginning was unpacked.
struct Unpacked {
    bytes: Vec<u8>,
    size: u64,
}

impl ReadAt for Unpacked {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.bytes.read_at(offset, buffer)
    }
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Members of either kind of archive, by what they share.
struct Listed {
    name: String,
    at: u64,
    bytes: u64,
    stored: bool,
    /// For deflate: bytes unpacked.
    unpacked: Option<u64>,
    head: Vec<u8>,
}

/// Lists the archive that begins at byte `shift` of the outermost.
fn list(input: &mut Input<'_>, shift: u64, depth: u8, out: &mut Members, sink: &mut Sink<'_>) {
    let mut packed: Vec<String> = Vec::new();
    let size = input.size;
    for m in listed(input, sink) {
        if m.at.checked_add(m.bytes).is_none_or(|end| end > size) {
            // told where the archive was read
            continue;
        }
        let at = shift.saturating_add(m.at);
        if out.files.len() >= MEMBERS_MAX {
            sink.warn("too-many-members", format!("more than {MEMBERS_MAX} files in the archive"), None);
            break;
        }
        if !labels::stays_inside(&m.name) {
            let message = format!("the member `{}` would be unpacked outside its folder", mask::clean_name(&m.name));
            sink.error("archive-path", message, None);
            continue;
        }
        let compressed = m.head.starts_with(b"\x1f\x8b") || m.head.starts_with(b"\x28\xb5\x2f\xfd");
        let layer = compressed && !m.name.rsplit('/').next().unwrap_or_default().contains('.');
        if (!m.stored && m.unpacked.is_none()) || layer {
            // small packed files are an image's manifests and a zip's texts
            if m.bytes >= PACKED_BYTES_MIN {
                packed.push(mask::clean_name(&m.name));
            }
            continue;
        }
        let inner = m.stored && (tar::is_one(&m.head) || (is_zip(&m.head) && m.name.ends_with(".zip")));
        if inner && depth >= DEPTH_MAX {
            sink.warn("archive-too-deep", "archives in archives, deeper than is looked into", None);
        } else if inner {
            let window = input.window(m.at, m.bytes);
            if let Ok(mut part) = Input::open(&window) {
                list(&mut part, at, depth + 1, out, sink);
                out.bytes_read = out.bytes_read.saturating_add(part.bytes_read);
            }
        }
        if inner {
            continue;
        }
        let path = mask::clean_name(m.name.trim_start_matches("./"));
        out.files.push(Member { path, at, bytes: m.bytes, unpacked_bytes: m.unpacked });
    }
    if let Some(first) = packed.first() {
        let more = match packed.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let message = format!("`{first}`{more} is compressed in the archive: what it holds is not looked into");
        sink.warn("archive-member-packed", message, None);
        sink.help("unpack the archive and check the folder; an image can be unpacked with its layers");
    }
}

fn listed(input: &mut Input<'_>, sink: &mut Sink<'_>) -> Vec<Listed> {
    if is_zip(&input.head) {
        let zip = zip::read(input);
        zip.tell(sink);
        let of = |m: zip::Member| Listed {
            name: m.name,
            at: m.data_at,
            bytes: m.bytes,
            stored: m.stored,
            unpacked: m.deflated.then_some(m.full),
            head: m.head,
        };
        return zip.members.into_iter().filter(|m| !m.name.ends_with('/')).map(of).collect();
    }
    let (members, trouble) = tar::read(input);
    if let Some((why, _)) = trouble {
        sink.warn("tar-broken", format!("{why}: what follows in the archive is not read"), None);
    }
    let of = |m: tar::Member| Listed {
        name: m.name,
        at: m.data_at,
        bytes: m.bytes,
        stored: true,
        unpacked: None,
        head: m.head,
    };
    members.into_iter().filter(|m| !m.link).map(of).collect()
}

/// Lists any bytes as an archive and reads every member, for fuzzers.
pub(crate) fn read_all(name: &str, source: &dyn ReadAt) {
    for member in members(name, source).unwrap_or_default().files.iter().take(64) {
        assert!(member.at.saturating_add(member.bytes) <= source.size(), "a member lies outside the archive");
        read_member(member, source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &[u8] = b"---\nlicense: mit\nbase_model: x/y\n---\n";

    #[test]
    fn an_image_is_listed_through_its_layers() {
        let layer = tar::tests::archive(&[("models/bot/README.md", CARD), ("etc/passwd", b"root")]);
        let image = tar::tests::archive(&[("manifest.json", b"[]"), ("0a1b/layer.tar", &layer)]);
        let image = image.as_slice();
        let found = members("image.tar", &image).unwrap();
        let paths: Vec<&str> = found.files.iter().map(|m| m.path.as_str()).collect();
        assert_eq!(paths, ["manifest.json", "models/bot/README.md", "etc/passwd"]);
        let said = read_member(&found.files[1], &image);
        assert!(said.model_file);
        assert_eq!(said.facts[0].evidence.file, "models/bot/README.md");
        assert!(found.diagnostics.is_empty(), "{:?}", found.diagnostics);
    }

    #[test]
    fn a_product_s_zip_is_listed_and_a_checkpoint_is_not() {
        let product = zip::tests::archive(b"", &[("m/README.md", "m/README.md", 0, CARD), ("a.txt", "a.txt", 9, b"x")]);
        let found = members("product.zip", &product.as_slice()).unwrap();
        assert_eq!(found.files.iter().map(|m| m.path.as_str()).collect::<Vec<_>>(), ["m/README.md"]);
        let torch = zip::tests::archive(b"", &[("m/data.pkl", "m/data.pkl", 0, b"\x80\x02}.")]);
        assert_eq!(members("m.pt", &torch.as_slice()), None);
        assert_eq!(members("README.md", &CARD), None);
    }

    #[test]
    fn packed_members_are_unpacked_within_a_limit() {
        let packed = miniz_oxide::deflate::compress_to_vec(CARD, 6);
        let bomb = miniz_oxide::deflate::compress_to_vec(&vec![b' '; 64 << 20], 1);
        let zip = zip::tests::archive(
            b"",
            &[("m/README.md", "m/README.md", 8, &packed), ("m/LICENSE", "m/LICENSE", 8, &bomb), ("x", "x", 8, b"\xff")],
        );
        let zip = zip.as_slice();
        let found = members("product.zip", &zip).unwrap();
        let said = read_member(&found.files[0], &zip);
        assert!(said.model_file && said.diagnostics.is_empty(), "{:?}", said.diagnostics);
        let said = read_member(&found.files[1], &zip);
        assert!(said.texts.iter().all(|t| t.text.len() <= UNPACKED_BYTES_MAX));
        let broken = Member { path: "m/config.json".into(), ..found.files[2].clone() };
        assert_eq!(read_member(&broken, &zip).diagnostics[0].code, "member-broken");
    }

    #[test]
    fn archives_in_archives_end() {
        let mut bytes = tar::tests::archive(&[("m/README.md", CARD)]);
        for _ in 0..6 {
            bytes = tar::tests::archive(&[("layer.tar", &bytes)]);
        }
        let found = members("a.tar", &bytes.as_slice()).unwrap();
        assert_eq!((found.files.len(), found.diagnostics[0].code), (0, "archive-too-deep"));
    }

    #[test]
    fn what_leaves_the_folder_is_an_error_and_what_is_packed_is_told() {
        let slip = tar::tests::archive(&[("../../x", b"y"), ("ok", b"z")]);
        let found = members("a.tar", &slip.as_slice()).unwrap();
        assert_eq!((found.files.len(), found.diagnostics[0].code), (1, "archive-path"));
        let mut layer = b"\x1f\x8b\x08\0".to_vec();
        layer.resize(2 << 20, 0);
        let image = tar::tests::archive(&[("blobs/sha256/0a", &layer)]);
        let found = members("a.tar", &image.as_slice()).unwrap();
        assert_eq!((found.files.len(), found.diagnostics[0].code), (0, "archive-member-packed"));
    }
}
