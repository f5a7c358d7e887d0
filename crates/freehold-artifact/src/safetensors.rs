//! safetensors: the JSON header only. `__metadata__` carries what authors say (SAI ModelSpec, kohya's `ss_*`),
//! tensor names tell an adapter, offsets tell whether the file is whole.

use std::collections::BTreeSet;

use freehold_base::FactKind;

use crate::input::Input;
use crate::json::{self, Go, Path, Value};
use crate::shapes::Shapes;
use crate::sink::Sink;

/// Longest header (the format's own limit).
const HEADER_BYTES_MAX: u64 = 100_000_000;
/// Metadata keys that are remembered for the search for duplicates.
const METADATA_KEYS_MAX: usize = 4096;

/// Length of the header where the first bytes are those of a safetensors file of this size.
pub(crate) fn header_length(head: &[u8], size: u64) -> Option<u64> {
    let n = declared(head)?;
    let fits = (2..=HEADER_BYTES_MAX).contains(&n) && n.checked_add(8).is_some_and(|end| end <= size);
    (fits && head.get(8) == Some(&b'{')).then_some(n)
}

fn declared(head: &[u8]) -> Option<u64> {
    head.get(..8)?.try_into().ok().map(u64::from_le_bytes)
}

/// Says what is wrong with a file that is named `.safetensors` and is none.
pub(crate) fn read_broken(head: &[u8], size: u64, sink: &mut Sink<'_>) {
    let message = match declared(head) {
        None => format!("{size} bytes are too few for a safetensors file"),
        Some(n) if n > HEADER_BYTES_MAX => format!("declares a header of {n} bytes, more than the format allows"),
        Some(n) if n.saturating_add(8) > size => format!("declares a header of {n} bytes, the file has {size}"),
        Some(_) => "does not begin with a JSON object: not a safetensors file in spite of its name".to_owned(),
    };
    sink.error("safetensors-header", message, Some((0, 8.min(head.len()))));
}

/// What the entries say together.
#[derive(Default)]
struct Entries {
    end_max: u64,
    bytes: u64,
    begin: u64,
    tensors: u64,
    bad_offsets: bool,
    adapter: bool,
    /// kohya's name for the file that training began with.
    began_with: Option<(String, (usize, usize))>,
    shapes: Shapes,
    tensor: Tensor,
}

/// The entry that is being read.
#[derive(Default)]
struct Tensor {
    name: String,
    place: (u64, u64),
    /// False where the numbers are packed, so that the shape is not the matrix's.
    plain: bool,
    /// Its first dimensions, one more than a matrix has.
    shape: Vec<u64>,
}

impl Entries {
    /// The entry that was read is whole.
    fn tensor_ends(&mut self) {
        if !self.tensor.name.is_empty() {
            let shape = self.tensor.plain.then_some(self.tensor.shape.as_slice());
            self.shapes.tensor(&self.tensor.name, shape, self.tensor.place);
        }
    }
}

/// Reads the header; `n` is what [`header_length`] gave.
pub(crate) fn read(input: &mut Input<'_>, n: u64, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, "safetensors", "", Some((0, 8)));
    sink.out.model_file = true;
    let header = match input.start(usize::try_from(n.saturating_add(8)).unwrap_or(usize::MAX)) {
        Ok(h) => h,
        Err(e) => return sink.error("unreadable", format!("reading failed: {}", e.kind()), None),
    };
    let json = header.get(8..).unwrap_or_default();
    let mut entries = Entries::default();
    let mut keys: BTreeSet<Vec<u8>> = BTreeSet::new();
    let outcome = json::walk(json, &mut |path, value, (s, e)| {
        let place = (s + 8, e + 8);
        if path.step(0) == "__metadata__" {
            metadata(path, value, place, &mut keys, &mut entries, sink);
        } else {
            entry(path, value, place, &mut entries, sink);
        }
        Go::On
    });
    entries.tensor_ends();
    if !entries.adapter {
        entries.shapes.facts(sink);
    }
    if let Some((name, place)) = entries.began_with.take() {
        // beside a network's matrices it is what they stand on, else what was trained further
        let kind = if entries.adapter { FactKind::AdapterBase } else { FactKind::BaseModelName };
        sink.fact(kind, &name, "__metadata__.ss_sd_model_name", Some(place));
    }
    if let Err(e) = outcome {
        sink.error(
            e.code,
            format!("the header is broken at byte {}: {}", e.at + 8, e.message),
            Some((e.at + 8, e.at + 8)),
        );
        return;
    }
    check_extent(&entries, n, input.size, sink);
}

fn metadata(
    path: &Path,
    value: Value<'_>,
    place: (usize, usize),
    keys: &mut BTreeSet<Vec<u8>>,
    entries: &mut Entries,
    sink: &mut Sink<'_>,
) {
    if path.depth() != 2 {
        return;
    }
    let name = plain_step(path.last());
    let key = &format!("__metadata__.{name}");
    if keys.len() < METADATA_KEYS_MAX && !keys.insert(key.as_bytes().to_vec()) {
        sink.warn("safetensors-duplicate-key", format!("`{key}` stands twice: both values are kept"), Some(place));
    }
    let Some(kind) = metadata_kind(name) else { return };
    let Value::Str(raw) = value else {
        sink.warn("safetensors-metadata", format!("`{key}` is not a text: it states nothing"), Some(place));
        return;
    };
    let text = json::decode(raw);
    match name {
        "ss_sd_model_name" => {
            if text != "None" {
                entries.began_with = Some((text, place));
            }
            return;
        }
        "sd_merge_models" => return merged_models(&text, key, place, sink),
        // `stable-diffusion-xl-v1-base/lora`: the base, then what the file is
        "modelspec.architecture" => {
            if let Some((base, form)) = text.split_once('/') {
                sink.fact(FactKind::BaseModelName, base, key, Some(place));
                if !entries.adapter && matches!(form, "lora" | "dora" | "lycoris" | "textual-inversion" | "control-net")
                {
                    entries.adapter = true;
                    sink.fact(FactKind::AdapterType, form, key, Some(place));
                }
            }
        }
        "ss_network_module" => entries.adapter |= text != "None",
        _ => {}
    }
    if matches!(kind, FactKind::MergeParent | FactKind::Tag) {
        for part in text.split(',').take(256) {
            sink.fact(kind, part.trim(), key, Some(place));
        }
    } else if text != "None" {
        // kohya writes Python's None for what was not given
        sink.fact(kind, &text, key, Some(place));
    }
}

/// A step of a path without the quotes that a key with dots has there.
fn plain_step(step: &str) -> &str {
    step.trim_start_matches("[\"").trim_end_matches("\"]")
}

/// What the merger of Stable Diffusion web UI writes: `{"<hash>": {"name": "a.safetensors", …}}`.
fn merged_models(text: &str, key: &str, place: (usize, usize), sink: &mut Sink<'_>) {
    let mut names = Vec::new();
    // the text is JSON inside JSON: its parts have no place of their own
    let outcome = json::walk(text.as_bytes(), &mut |path, value, _| {
        if let (2, "name", Value::Str(raw)) = (path.depth(), path.last(), value) {
            names.push(json::decode(raw));
        }
        if names.len() < 256 { Go::On } else { Go::Stop }
    });
    if outcome.is_err() {
        sink.warn("safetensors-metadata", format!("`{key}` is broken: parents that it names may be lost"), Some(place));
    }
    for name in names {
        sink.fact(FactKind::MergeParent, &name, key, Some(place));
    }
}

fn metadata_kind(name: &str) -> Option<FactKind> {
    Some(match name {
        "modelspec.title" | "ss_output_name" => FactKind::Name,
        "modelspec.license" | "license" => FactKind::LicenseTag,
        "modelspec.architecture" => FactKind::Architecture,
        "modelspec.merged_from" | "sd_merge_models" => FactKind::MergeParent,
        "modelspec.author" => FactKind::Organization,
        "modelspec.tags" => FactKind::Tag,
        "ss_sd_model_name" => FactKind::AdapterBase,
        "ss_base_model_version" => FactKind::BaseModelName,
        "ss_network_module" => FactKind::AdapterType,
        "base_model" => FactKind::BaseModel,
        _ => return None,
    })
}

fn entry(path: &Path, value: Value<'_>, place: (usize, usize), entries: &mut Entries, sink: &mut Sink<'_>) {
    match path.depth() {
        1 => {
            entries.tensors += 1;
            entries.tensor_ends();
            let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
            entries.tensor.name.clear();
            entries.tensor.name.push_str(plain_step(path.last()));
            entries.tensor.place = (wide(place.0), wide(place.1));
            entries.tensor.shape.clear();
            entries.tensor.plain = false;
            let name = path.last();
            if let Some(kind) = adapter_kind(name).filter(|_| !entries.adapter) {
                entries.adapter = true;
                sink.fact(FactKind::AdapterType, kind, name, Some(place));
            }
        }
        // what is packed is whole numbers
        2 if path.last() == "dtype" => {
            entries.tensor.plain = matches!(value, Value::Str(t) if t.starts_with(b"F") || t.starts_with(b"BF"));
        }
        3 if path.step(1) == "shape" => {
            let n = match value {
                Value::Number(raw) => std::str::from_utf8(raw).ok().and_then(|t| t.parse::<u64>().ok()),
                _ => None,
            };
            if entries.tensor.shape.len() < 3 {
                entries.tensor.shape.push(n.unwrap_or(0));
            }
        }
        3 if path.step(1) == "data_offsets" => {
            let Value::Number(raw) = value else {
                entries.bad_offsets = true;
                return;
            };
            let Some(n) = std::str::from_utf8(raw).ok().and_then(|t| t.parse::<u64>().ok()) else {
                entries.bad_offsets = true;
                return;
            };
            match path.last() {
                "[0]" => entries.begin = n,
                "[1]" if n >= entries.begin => {
                    entries.end_max = entries.end_max.max(n);
                    entries.bytes = entries.bytes.saturating_add(n - entries.begin);
                }
                _ => entries.bad_offsets = true,
            }
        }
        _ => {}
    }
}

/// The family of adapters whose matrices carry such names.
fn adapter_kind(tensor: &str) -> Option<&'static str> {
    let has = |part: &str| tensor.contains(part);
    if has("lora_A") || has("lora_B") || has("lora_up") || has("lora_down") || has(".lora.") || has("lora_embedding_") {
        Some("lora")
    } else if has("lokr_w") || has("hada_w") {
        Some("lycoris")
    } else {
        None
    }
}

fn check_extent(entries: &Entries, n: u64, size: u64, sink: &mut Sink<'_>) {
    let end = entries.end_max.saturating_add(n).saturating_add(8);
    if entries.bad_offsets {
        sink.warn("safetensors-offsets", "an entry's data_offsets are not two rising numbers", None);
    } else if entries.bytes != entries.end_max {
        sink.warn("safetensors-offsets", "the tensors overlap or leave holes, which the format forbids", None);
    }
    if end > size {
        let message = format!("tensors extend to byte {end}, the file has {size}: it is cut off");
        sink.warn("safetensors-truncated", message, None);
    } else if end < size && !entries.bad_offsets {
        let message = format!("tensors end at byte {end}, the file has {size}: something else is appended");
        sink.warn("safetensors-trailing-bytes", message, None);
    }
}

/// Reads a shard index (`*.index.json`): names of shards must be plain file names.
pub(crate) fn read_index(bytes: &[u8], sink: &mut Sink<'_>) {
    let mut format = None;
    let mut shapes = Shapes::default();
    let mut bad = 0_u32;
    let outcome = json::walk(bytes, &mut |path, value, place| {
        if path.step(0) != "weight_map" || path.depth() != 2 {
            return Go::On;
        }
        let Value::Str(raw) = value else { return Go::On };
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        shapes.tensor(plain_step(path.last()), None, (wide(place.0), wide(place.1)));
        if !is_plain_name(raw) {
            bad += 1;
            if bad <= 4 {
                let name = json::decode(raw);
                let message = format!("names the shard `{name}`, which is not a plain file name: it is not followed");
                sink.error("index-path", message, Some(place));
            }
        } else if format.is_none() {
            let name = if raw.ends_with(b".safetensors") { "safetensors" } else { "pytorch" };
            format = Some((name, place));
        }
        Go::On
    });
    if let Some((name, place)) = format {
        sink.fact(FactKind::Format, name, "weight_map", Some(place));
        sink.out.model_file = true;
        shapes.facts(sink);
    }
    if let Err(e) = outcome {
        sink.error(e.code, e.message, Some((e.at, e.at)));
    }
}

fn is_plain_name(raw: &[u8]) -> bool {
    let odd = |b: &u8| matches!(b, b'/' | b'\\' | b':') || *b < 0x20;
    !raw.is_empty() && raw != b"." && raw != b".." && !raw.iter().any(odd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_file;

    fn said(metadata: &str, tensors: &str) -> Vec<(FactKind, String)> {
        let header = format!(r#"{{"__metadata__":{{{metadata}}}{tensors}}}"#);
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
        let facts = read_file("m.safetensors", &bytes).facts;
        facts.into_iter().filter(|f| f.kind != FactKind::Format).map(|f| (f.kind, f.value)).collect()
    }

    #[test]
    fn kohya_and_model_specs_name_the_base() {
        let own = |kind, text: &str| (kind, text.to_owned());
        let lora = said(
            r#""ss_sd_model_name":"sd_xl_base_1.0.safetensors","ss_base_model_version":"sdxl_base_v1-0","ss_network_module":"networks.lora","modelspec.author":"Acme""#,
            "",
        );
        assert_eq!(
            lora,
            [
                own(FactKind::BaseModelName, "sdxl_base_v1-0"),
                own(FactKind::AdapterType, "networks.lora"),
                own(FactKind::Organization, "Acme"),
                own(FactKind::AdapterBase, "sd_xl_base_1.0.safetensors")
            ]
        );
        assert_eq!(said(r#""ss_sd_model_name":"a.ckpt""#, ""), [own(FactKind::BaseModelName, "a.ckpt")]);
        assert_eq!(said(r#""ss_sd_model_name":"None","ss_network_module":"None""#, ""), []);
        let spec = said(r#""modelspec.architecture":"stable-diffusion-xl-v1-base/lora""#, "");
        assert_eq!(
            spec,
            [
                own(FactKind::BaseModelName, "stable-diffusion-xl-v1-base"),
                own(FactKind::AdapterType, "lora"),
                own(FactKind::Architecture, "stable-diffusion-xl-v1-base/lora")
            ]
        );
        let merged =
            said(r#""sd_merge_models":"{\"ab\": {\"name\": \"x.ckpt\"}, \"cd\": {\"name\": \"y.ckpt\"}}""#, "");
        assert_eq!(merged, [own(FactKind::MergeParent, "x.ckpt"), own(FactKind::MergeParent, "y.ckpt")]);
    }
}
