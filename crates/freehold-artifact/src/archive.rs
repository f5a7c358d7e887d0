//! What the members of a zip or tar archive say: pickles of torch, arrays of numpy, Keras' configuration, NeMo's, a
//! GGUF inside a llamafile. Members are told by their bytes; packed ones are not unpacked.

use freehold_base::FactKind;

use crate::input::Input;
use crate::labels;
use crate::pickle::{self, Report};
use crate::sink::{Sink, same_length_text};
use crate::sniff::{format_by_name, is_weights_name, packer};
use crate::yaml::{Id, Yaml};
use crate::zip::{self, Member, Zip};
use crate::{gguf, keras, safetensors, tar, tflite};

/// Most members that are models themselves and are read.
const MODELS_MAX: usize = 8;
/// Longest NeMo configuration that is read.
const NEMO_BYTES_MAX: usize = 2 << 20;
/// Most members that are walked as pickles.
const PICKLES_MAX: u32 = 4096;
/// Bytes of pickles, of all members together, after which no more are walked.
const PICKLE_BYTES_MAX: u64 = 32 << 20;
/// Deepest nesting of archives.
const DEPTH_MAX: u8 = 2;
/// Most keys of a NeMo configuration that are looked at.
const NEMO_KEYS_MAX: usize = 10_000;

/// Walks pickles of one file, within limits.
#[derive(Default)]
struct Pickles {
    report: Report,
    walked: u32,
    bytes: u64,
    left_out: bool,
}

impl Pickles {
    /// Looks into a part of the file; `head` are its first bytes. True where it is a pickle.
    fn look(&mut self, input: &mut Input<'_>, name: &str, at: u64, bytes: u64, head: &[u8]) -> bool {
        let lower = name.to_ascii_lowercase();
        let array = npy(head);
        let sure = lower.ends_with(".pkl") || lower.ends_with(".pickle") || head_of_protocol(head) || array.is_some();
        let from = match array {
            Some(array) if array.objects => array.data,
            Some(_) => return false,
            None => 0,
        };
        let probe = head.get(..head.len().min(pickle::PROBE_BYTES)).unwrap_or_default();
        let text = lower.ends_with(".py") || lower.ends_with(".json") || lower.ends_with(".txt");
        if text || (!sure && !pickle::may_be(probe, bytes)) {
            return false;
        }
        if self.walked >= PICKLES_MAX || self.bytes >= PICKLE_BYTES_MAX {
            self.left_out = true;
            return false;
        }
        let shift = at.saturating_add(from);
        let part = input.window(shift, bytes.saturating_sub(from));
        let Ok(mut inner) = Input::open(&part) else { return false };
        self.walked += 1;
        // bytes of tensors may begin like a pickle: only a name makes it one for certain
        let certain = array.is_some() || lower.ends_with(".pkl") || lower.ends_with(".pickle");
        let is = self.report.scan(&mut inner, shift, certain);
        self.bytes = self.bytes.saturating_add(inner.bytes_read);
        input.bytes_read = input.bytes_read.saturating_add(inner.bytes_read);
        is
    }

    fn tell(self, sink: &mut Sink<'_>) {
        if self.left_out {
            sink.warn("pickle-too-long", "an archive of very many pickles, not all were looked at", None);
        }
        self.report.tell(sink);
    }
}

/// Protocol 2 to 5 say so in their first bytes.
fn head_of_protocol(head: &[u8]) -> bool {
    head.first() == Some(&0x80) && head.get(1).is_some_and(|p| (2..=5).contains(p))
}

/// A `.npy` file's header.
#[derive(Clone, Copy)]
struct Npy {
    /// Where the data begins.
    data: u64,
    /// True where the data is a pickle.
    objects: bool,
}

fn npy(head: &[u8]) -> Option<Npy> {
    let rest = head.strip_prefix(b"\x93NUMPY")?;
    let (length, start) = match rest.first()? {
        1 => (u64::from(u16::from_le_bytes(rest.get(2..4)?.try_into().ok()?)), 10),
        _ => (u64::from(u32::from_le_bytes(rest.get(2..6)?.try_into().ok()?)), 12),
    };
    let end = usize::try_from(start + length).unwrap_or(usize::MAX).min(head.len());
    let header = head.get(usize::try_from(start).ok()?..end)?;
    // `|O` alone, or as a field among others
    let quoted = |mark: &[u8]| header.windows(mark.len()).any(|w| w == mark);
    let objects = [&b"'|O"[..], b"'O'", b"'O8'", b"'O4'", b"\"|O", b"'object'", b"'<O", b"'>O", b"'=O"];
    Some(Npy { data: start + length, objects: objects.iter().any(|m| quoted(m)) })
}

/// Reads a `.npy` file: numbers say nothing, objects are a pickle. False where it is none.
pub(crate) fn read_npy(input: &mut Input<'_>, sink: &mut Sink<'_>) -> bool {
    let head = input.head.clone();
    if !head.starts_with(b"\x93NUMPY") {
        return false;
    }
    sink.fact(FactKind::Format, "numpy", "", Some((0, 6)));
    let mut pickles = Pickles::default();
    let size = input.size;
    pickles.look(input, "", 0, size, &head);
    pickles.tell(sink);
    true
}

/// Reads a file that is one pickle, or several in a row. `base` is its name; false where it turns out to be none.
pub(crate) fn read_pickle(base: &str, input: &mut Input<'_>, sink: &mut Sink<'_>) -> bool {
    let mut report = Report::default();
    let lower = base.to_ascii_lowercase();
    let named = [".pkl", ".pickle", ".joblib"].iter().any(|e| lower.ends_with(e));
    let begins = head_of_protocol(&input.head);
    let probe = input.head.get(..input.head.len().min(pickle::PROBE_BYTES)).unwrap_or_default().to_vec();
    let torch = format_by_name(base) == Some("pytorch");
    if named && packer(base, &input.head).is_some() {
        return false;
    }
    if !(begins || named || (torch && pickle::may_be(&probe, input.size))) {
        return false;
    }
    let head = input.head.clone();
    if !report.scan(input, 0, begins || named) {
        input.head = head;
        return false;
    }
    let torch = report.torch || (torch && !lower.ends_with(".pkl"));
    let format = match report.format() {
        _ if torch => "pytorch",
        // what it holds tells more than its name, and its name more than nothing
        "pickle" if lower.ends_with(".joblib") => "joblib",
        format => format,
    };
    sink.fact(FactKind::Format, format, "", Some((0, head.len().min(4))));
    sink.out.model_file = is_weights_name(base);
    report.tell(sink);
    true
}

/// Reads a zip archive; false where it is nothing of a model's.
pub(crate) fn read_zip(base: &str, input: &mut Input<'_>, sink: &mut Sink<'_>, depth: u8) -> bool {
    let zip = zip::read(input);
    let named = |end: &str| zip.members.iter().any(|m| m.name == end || m.name.ends_with(&format!("/{end}")));
    let ending = |end: &str| zip.members.iter().any(|m| m.name.to_ascii_lowercase().ends_with(end));
    let promised = format_by_name(base);
    let mut pickles = Pickles::default();
    for m in zip.members.iter().filter(|m| m.stored) {
        pickles.look(input, &m.name, m.data_at, m.bytes, &m.head);
    }
    let torch = named("data.pkl") || named("constants.pkl");
    let keras = zip.members.iter().any(|m| m.name == "model.weights.h5") || promised == Some("keras");
    let models = zip.members.iter().any(is_model_member);
    let format = if models && !input.head.starts_with(b"PK") {
        "llamafile"
    } else if keras {
        "keras"
    } else if torch || matches!(promised, Some("pytorch")) {
        "pytorch"
    } else if ending(".npy") {
        "numpy"
    } else if pickles.report.pickles > 0 {
        "pickle"
    } else if models {
        "zip"
    } else if let Some(named) = promised {
        named
    } else {
        return false;
    };
    sink.fact(FactKind::Format, format, "", Some((0, input.head.len().min(4))));
    let whole_model = matches!(format, "keras" | "llamafile") || base.eq_ignore_ascii_case("weights.npz");
    sink.out.model_file |= whole_model || is_weights_name(base) || models;
    zip.tell(sink);
    if named("constants.pkl") && zip.members.iter().any(|m| m.name.contains("/code/")) {
        sink.note("torchscript-code", "holds TorchScript: code of its own that runs when the model is used", None);
    }
    unread(&zip, sink);
    if keras {
        keras_members(input, &zip, sink);
    }
    pickles.tell(sink);
    if depth < DEPTH_MAX {
        for m in zip.members.iter().filter(|m| is_model_member(m)).take(MODELS_MAX) {
            model_member(input, m, sink);
        }
    }
    true
}

/// Packed members that would say something.
fn unread(zip: &Zip, sink: &mut Sink<'_>) {
    let telling = |m: &&Member| {
        let lower = m.name.to_ascii_lowercase();
        let ends = [".pkl", ".pickle", ".npy", ".gguf", ".safetensors", ".pt", ".pth", ".bin", "config.json", ".ckpt"];
        !m.stored && ends.iter().any(|e| lower.ends_with(e))
    };
    let packed: Vec<&Member> = zip.members.iter().filter(telling).collect();
    if let Some(first) = packed.first() {
        let more = packed.len() - 1;
        let others = if more == 0 { String::new() } else { format!(" and {more} more") };
        let message = format!("`{}`{others} is packed in the archive: what it holds is not looked into", first.name);
        let at = usize::try_from(first.data_at).ok().map(|a| (a, a));
        sink.warn("zip-member-unread", message, at);
        sink.help("unpack the archive and check the folder");
    }
}

fn is_model_member(m: &Member) -> bool {
    let tflite = m.head.get(4..8) == Some(b"TFL3");
    m.stored && (tflite || m.head.starts_with(b"GGUF") || safetensors::header_length(&m.head, m.bytes).is_some())
}

/// Reads a GGUF, safetensors or TensorFlow Lite member where it stands.
fn model_member(input: &mut Input<'_>, m: &Member, sink: &mut Sink<'_>) {
    let part = input.window(m.data_at, m.bytes);
    let Ok(mut inner) = Input::open(&part) else { return };
    sink.within("", m.data_at, |sink| {
        if inner.head.starts_with(b"GGUF") {
            gguf::read(&mut inner, sink);
        } else if m.head.get(4..8) == Some(b"TFL3") {
            tflite::read(&mut inner, sink);
        } else if let Some(n) = safetensors::header_length(&inner.head, inner.size) {
            safetensors::read(&mut inner, n, sink);
        }
    });
    input.bytes_read = input.bytes_read.saturating_add(inner.bytes_read);
}

fn keras_members(input: &mut Input<'_>, zip: &Zip, sink: &mut Sink<'_>) {
    for m in
        zip.members.iter().filter(|m| m.stored && matches!(m.name.as_str(), "config.json" | "metadata.json")).take(4)
    {
        let want = usize::try_from(m.bytes).unwrap_or(usize::MAX).min(keras::CONFIG_BYTES_MAX);
        let Ok(bytes) = input.read(m.data_at, want) else { continue };
        sink.within(&m.name, m.data_at, |sink| {
            if m.name == "config.json" {
                keras::read_config(&bytes, sink);
            } else {
                keras::read_metadata(&bytes, sink);
            }
        });
    }
}

/// Reads a tar archive; false where it is nothing of a model's.
pub(crate) fn read_tar(base: &str, input: &mut Input<'_>, sink: &mut Sink<'_>) -> bool {
    let (members, trouble) = tar::read(input);
    let promised = format_by_name(base);
    let plain = |name: &str| name.trim_start_matches("./").to_owned();
    let config = members.iter().find(|m| plain(&m.name) == "model_config.yaml");
    let mut pickles = Pickles::default();
    let mut archives = Vec::new();
    for m in members.iter().filter(|m| !m.link) {
        if m.head.starts_with(b"PK\x03\x04") {
            archives.push(m);
        } else {
            pickles.look(input, &m.name, m.data_at, m.bytes, &m.head);
        }
    }
    let torch = ["sys_info", "storages", "tensors"].iter().all(|n| members.iter().any(|m| plain(&m.name) == **n));
    let format = if config.is_some() || promised == Some("nemo") {
        "nemo"
    } else if torch || promised == Some("pytorch") {
        "pytorch"
    } else if pickles.report.pickles > 0 {
        "pickle"
    } else {
        return false;
    };
    sink.fact(FactKind::Format, format, "", Some((0, 4)));
    sink.out.model_file = format == "nemo" || is_weights_name(base);
    for m in members.iter().filter(|m| m.link || !labels::stays_inside(&m.name)).take(4) {
        let at = usize::try_from(m.data_at).ok().map(|a| (a, a));
        if m.link {
            sink.warn("tar-link", format!("the member `{}` is a link or a device: it is not followed", m.name), at);
        } else {
            sink.error("tar-path", format!("the member `{}` would be unpacked outside its folder", m.name), at);
        }
    }
    if let Some((why, at)) = trouble {
        let at = usize::try_from(at).ok().map(|a| (a, a));
        sink.warn("tar-broken", format!("{why}: what follows in the archive is not read"), at);
    }
    if let Some(m) = config {
        nemo(input, m, sink);
    }
    pickles.tell(sink);
    for m in archives.into_iter().take(MODELS_MAX) {
        let part = input.window(m.data_at, m.bytes);
        let Ok(mut inner) = Input::open(&part) else { continue };
        let model_file = sink.out.model_file;
        sink.within(&m.name, m.data_at, |sink| {
            let name = m.name.rsplit('/').next().unwrap_or(&m.name);
            read_zip(name, &mut inner, sink, 1);
        });
        sink.out.model_file = model_file;
        input.bytes_read = input.bytes_read.saturating_add(inner.bytes_read);
    }
    true
}

/// Reads NeMo's configuration.
fn nemo(input: &mut Input<'_>, m: &tar::Member, sink: &mut Sink<'_>) {
    let want = usize::try_from(m.bytes).unwrap_or(usize::MAX).min(NEMO_BYTES_MAX);
    let Ok(bytes) = input.read(m.data_at, want) else { return };
    let (text, _) = same_length_text(&bytes);
    let yaml = Yaml::read(&text);
    sink.within("model_config.yaml", m.data_at, |sink| {
        if let Some((message, at)) = &yaml.error {
            let message = format!("broken YAML: {message}; what stands before it was read");
            sink.warn("nemo-yaml", message, Some((*at, *at)));
        }
        let mut left = NEMO_KEYS_MAX;
        for root in &yaml.documents {
            nemo_map(&yaml, *root, "", 0, &mut left, sink);
        }
    });
}

fn nemo_map(yaml: &Yaml, id: Id, path: &str, depth: usize, left: &mut usize, sink: &mut Sink<'_>) {
    for (key, value) in yaml.members(id) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let dotted = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        if let Some((text, place)) = yaml.scalar(value) {
            let kind = match key {
                "target" | "_target_" if depth == 0 => Some(FactKind::Architecture),
                "name" | "model_name" if depth == 0 => Some(FactKind::Name),
                "license" | "license_name" | "license_link" if depth < 2 => labels::kind(key),
                "base_model" if depth < 2 => Some(FactKind::BaseModel),
                "restore_from_path"
                | "init_from_pretrained_model"
                | "init_from_nemo_model"
                | "pretrained_model"
                | "pretrained_model_name"
                | "pretrained_model_name_or_path"
                | "hf_model_name"
                | "from_pretrained"
                | "base_model_path" => Some(FactKind::NameOrPath),
                _ => None,
            };
            if let Some(kind) = kind {
                sink.fact(kind, text, &dotted, Some(place));
            }
        } else if depth < 8 {
            nemo_map(yaml, value, &dotted, depth + 1, left, sink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::tests as tar_tests;
    use crate::zip::tests::archive;
    use crate::{FileFacts, read_file};

    const TENSOR: &[u8] = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.";
    const EVIL: &[u8] = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.";

    fn read(name: &str, bytes: &[u8]) -> FileFacts {
        read_file(name, &bytes)
    }

    fn codes(facts: &FileFacts) -> Vec<&'static str> {
        facts.diagnostics.iter().map(|d| d.code).collect()
    }

    fn formats(facts: &FileFacts) -> Vec<&str> {
        facts.facts.iter().filter(|f| f.kind == FactKind::Format).map(|f| f.value.as_str()).collect()
    }

    fn npy_file(descr: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn torch_archives_are_looked_into() {
        let plain =
            archive(b"", &[("m/data.pkl", "m/data.pkl", 0, TENSOR), ("m/data/0", "m/data/0", 0, &[0x80, 2, 0, 0])]);
        let facts = read("pytorch_model.bin", &plain);
        assert_eq!((formats(&facts), codes(&facts), facts.model_file), (vec!["pytorch"], vec!["pickle-code"], true));
        // by content: under another name, with a wrong checksum and the flag for encryption, behind other bytes
        let hidden = archive(b"", &[("m/data.pkl", "m/data.pkl", 0, TENSOR), ("m/readme", "m/readme", 0, EVIL)]);
        let facts = read("pytorch_model.bin", &hidden);
        assert_eq!(codes(&facts), ["pickle-code-execution"]);
        let (s, e) = facts.diagnostics[0].label.as_ref().unwrap().bytes.unwrap();
        assert_eq!(&hidden[s..e], b"cos\nsystem\n");
        let text = archive(b"", &[("m/data.pkl", "m/data.pkl", 0, b"cos\nsystem\n(S'id'\ntR.")]);
        assert_eq!(codes(&read("x.pt", &text)), ["pickle-code-execution"]);
        let unnamed = archive(b"", &[("a", "a", 0, b"(S'id'\nios\nsystem\n.")]);
        assert_eq!(codes(&read("x.pt", &unnamed)), ["pickle-code-execution"]);
        let packed = archive(b"", &[("m/data.pkl", "m/data.pkl", 8, b"xxxx")]);
        assert_eq!(codes(&read("x.pt", &packed)), ["zip-member-unread"]);
        let differ = archive(b"", &[("m/data.pkl", "m/other", 0, TENSOR)]);
        assert_eq!(codes(&read("x.pt", &differ)), ["zip-names-differ", "pickle-code"]);
        let whole = archive(b"", &[("m/data.pkl", "m/data.pkl", 0, EVIL)]);
        assert!(codes(&read("x.pt", &whole[..whole.len() - 30])).contains(&"pickle-code-execution"));
        let other = archive(b"", &[("word/document.xml", "word/document.xml", 8, b"xx")]);
        let facts = read("letter.docx", &other);
        assert!(facts.facts.is_empty() && facts.diagnostics.is_empty());
    }

    #[test]
    fn raw_pickles_and_arrays_are_looked_into() {
        let facts = read("model.pt", TENSOR);
        assert_eq!((formats(&facts), codes(&facts), facts.model_file), (vec!["pytorch"], vec!["pickle-code"], true));
        assert_eq!(formats(&read("scaler.joblib", b"\x80\x04N.")), ["joblib"]);
        let joblib = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b.";
        assert_eq!(formats(&read("scaler.pkl", joblib)), ["joblib"]);
        let array = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R.";
        assert_eq!(formats(&read("scaler.pickle", array)), ["numpy-pickle"]);
        assert_eq!(formats(&read("scaler.pickle", b"\x80\x02N.")), ["pickle"]);
        assert_eq!(codes(&read("m.pkl", b"cos\nsystem\n(S'id'\ntR.")), ["pickle-code-execution"]);
        assert_eq!(codes(&read("m.bin", b"cos\nsystem\n(S'id'\ntR.")), ["pickle-code-execution"]);
        let facts = read("firmware.bin", &[0x4d, 0x5a, 1, 2, 3]);
        assert!(facts.facts.is_empty() && facts.diagnostics.is_empty());
        let objects = npy_file("|O", EVIL);
        assert_eq!(codes(&read("a.npy", &objects)), ["pickle-code-execution"]);
        assert_eq!(codes(&read("a.npy", &npy_file("<f4", EVIL))), Vec::<&str>::new());
        let npz = archive(b"", &[("a.npy", "a.npy", 0, &objects), ("b.npy", "b.npy", 8, b"x")]);
        let facts = read("a.npz", &npz);
        assert_eq!(
            (formats(&facts), codes(&facts)),
            (vec!["numpy"], vec!["zip-member-unread", "pickle-code-execution"])
        );
        assert_eq!(codes(&read("m.pkl", b"\x1f\x8b\x08\0....")), ["compressed-unread"]);
        assert_eq!(codes(&read("m.bin", b"7z\xbc\xaf\x27\x1c....")), ["compressed-unread"]);
    }

    #[test]
    fn nemo_archives_say_what_they_are() {
        let yaml = b"target: nemo.collections.asr.models.EncDecCTCModel\nlicense: CC-BY-4.0\nlanguage_model:\n  pretrained_model_name: bert-base/uncased\n";
        let weights = archive(b"", &[("w/data.pkl", "w/data.pkl", 0, EVIL)]);
        let file = tar_tests::archive(&[("./model_config.yaml", yaml), ("./model_weights.ckpt", &weights)]);
        let facts = read("x.nemo", &file);
        assert_eq!((formats(&facts), codes(&facts)), (vec!["nemo", "pytorch"], vec!["pickle-code-execution"]));
        let (globals, said): (Vec<_>, Vec<_>) =
            facts.facts.iter().filter(|f| f.kind != FactKind::Format).partition(|f| f.kind == FactKind::Tag);
        assert_eq!(globals.len(), 1);
        assert_eq!(
            (globals[0].value.as_str(), globals[0].evidence.key.as_str()),
            ("os.system", "./model_weights.ckpt:pickle-global")
        );
        let values: Vec<_> = said.iter().map(|f| (f.evidence.key.as_str(), f.value.as_str())).collect();
        assert_eq!(
            values,
            [
                ("model_config.yaml:target", "nemo.collections.asr.models.EncDecCTCModel"),
                ("model_config.yaml:license", "CC-BY-4.0"),
                ("model_config.yaml:language_model.pretrained_model_name", "bert-base/uncased")
            ]
        );
        for f in &said {
            let (s, e) = f.evidence.bytes.unwrap();
            assert_eq!(&file[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], f.value.as_bytes());
        }
        let (s, e) = facts.diagnostics[0].label.as_ref().unwrap().bytes.unwrap();
        assert_eq!(&file[s..e], b"cos\nsystem\n");
        let old = tar_tests::archive(&[("sys_info", TENSOR), ("pickle", EVIL), ("tensors", b"1"), ("storages", b"1")]);
        assert_eq!(codes(&read("old.pt", &old)), ["pickle-code-execution"]);
        let plain = tar_tests::archive(&[("a.c", b"int main;\n")]);
        assert!(read("src.tar", &plain).facts.is_empty());
        let slip = tar_tests::archive(&[("model_config.yaml", b"name: x\n"), ("../../x", b"y")]);
        assert_eq!(codes(&read("x.nemo", &slip)), ["tar-path"]);
    }

    #[test]
    fn keras_archives_and_llamafiles_are_looked_into() {
        let config = keras::tests::config("Lambda", "keras.layers");
        let entries: &[zip::tests::Entry<'_>] = &[
            ("metadata.json", "metadata.json", 0, br#"{"keras_version": "3.3.3"}"#),
            ("config.json", "config.json", 0, config.as_bytes()),
            ("model.weights.h5", "model.weights.h5", 0, b"\x89HDF\r\n\x1a\n"),
        ];
        let facts = read("m.keras", &archive(b"", entries));
        assert_eq!((formats(&facts), codes(&facts)), (vec!["keras"], vec!["keras-lambda"]));
        assert!(facts.facts.iter().any(|f| f.value == "cats" && f.evidence.key == "config.json:config.name"));
        let mut gguf = b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x0f\0\0\0\0\0\0\0general.license\x08\0\0\0\x03\0\0\0\0\0\0\0mit".to_vec();
        gguf.resize(96, 0);
        let file = archive(
            b"MZqFpD='\n#!/bin/sh\n",
            &[(".args", ".args", 0, b"-m\nm.gguf\n"), ("m.gguf", "m.gguf", 0, &gguf)],
        );
        let facts = read("m.llamafile", &file);
        assert_eq!((formats(&facts), codes(&facts), facts.model_file), (vec!["llamafile", "gguf"], Vec::new(), true));
        let task = archive(b"", &[("detector.tflite", "detector.tflite", 0, &tflite::tests::model_file())]);
        let said = read("detector.task", &task);
        assert_eq!(formats(&said), ["zip", "tflite"]);
        assert!(said.facts.iter().any(|f| f.value == "Apache License. Version 2.0"));
        let license = facts.facts.iter().find(|f| f.kind == FactKind::LicenseTag).unwrap();
        let (s, e) = license.evidence.bytes.unwrap();
        assert_eq!(&file[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], b"mit");
    }
}
