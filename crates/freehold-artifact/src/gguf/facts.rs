//! Which keys of a GGUF header say something about identity, lineage and license.

use std::collections::{BTreeMap, BTreeSet};

use freehold_base::FactKind;

use super::tables::{file_type_name, is_float};
use super::{VALUE_BYTES_MAX, Value, shard_from};
use crate::sink::Sink;
use crate::template::{self, TEMPLATE_BYTES_MAX};

/// Most numbered bases and datasets that are told apart.
const NUMBERED_MAX: usize = 256;

/// Most special tokens whose words are looked up.
const SPECIAL_MAX: usize = 16;

/// What is gathered while the pairs go by.
#[derive(Default)]
pub(super) struct Header {
    pub(super) quantization_known: bool,
    pub(super) adapter_known: bool,
    split_no: Option<u64>,
    split_count: Option<u64>,
    /// Datasets that a link identifies: their display name is then not needed.
    linked_datasets: BTreeSet<String>,
    /// Words of the vocabulary that look like special tokens, by number, with the range of their bytes.
    pub(super) marked: BTreeMap<u64, (String, (u64, u64))>,
    /// Special tokens by number: what they are for, the number.
    special: Vec<(FactKind, u64)>,
    layers_known: bool,
    hidden_known: bool,
    named_datasets: BTreeMap<String, (String, String, (u64, u64))>,
}

/// What a text under a key states.
fn text_kind(key: &str) -> Option<FactKind> {
    Some(match key {
        "general.architecture" => FactKind::Architecture,
        "general.name" | "general.basename" => FactKind::Name,
        "general.version" => FactKind::Version,
        "general.organization" => FactKind::Organization,
        "general.size_label" => FactKind::SizeLabel,
        "general.quantized_by" => FactKind::QuantizedBy,
        "general.license" => FactKind::LicenseTag,
        "general.license.name" => FactKind::LicenseName,
        "general.license.link" => FactKind::LicenseLink,
        "general.source.repo_url" | "general.repo_url" | "general.source.huggingface.repository" => {
            FactKind::Repository
        }
        "general.datasets" => FactKind::Dataset,
        "general.tags" => FactKind::Tag,
        "adapter.type" => FactKind::AdapterType,
        "tokenizer.ggml.model" => FactKind::TokenizerModel,
        "tokenizer.ggml.pre" => FactKind::PreTokenizer,
        _ if key.ends_with(".rope.scaling.type") => FactKind::RopeScaling,
        _ if key.starts_with("general.base_model.") => match key.rsplit('.').next() {
            Some("name") => FactKind::BaseModelName,
            Some("repo_url") => FactKind::BaseModel,
            _ => return None,
        },
        _ if key.starts_with("general.dataset.") => match key.rsplit('.').next() {
            Some("name" | "repo_url" | "url") => FactKind::Dataset,
            _ => return None,
        },
        _ if key.ends_with(".license") || key == "license" => FactKind::LicenseTag,
        _ => return None,
    })
}

/// Keys whose text is a repository only where it links to one.
fn link_kind(key: &str) -> Option<FactKind> {
    match key {
        "general.url" | "general.source.url" => Some(FactKind::Repository),
        _ if key.starts_with("general.base_model.") && key.ends_with(".url") => Some(FactKind::BaseModel),
        _ => None,
    }
}

/// Which number of the architecture a key states (`llama.block_count`); a vision tower's are not the model's.
fn dimension_kind(key: &str) -> Option<FactKind> {
    let (architecture, rest) = key.split_once('.')?;
    if matches!(architecture, "general" | "tokenizer" | "clip" | "split" | "adapter") {
        return None;
    }
    Some(match rest {
        "block_count" => FactKind::Layers,
        "embedding_length" => FactKind::Hidden,
        "attention.head_count" => FactKind::Heads,
        "attention.head_count_kv" => FactKind::KvHeads,
        "feed_forward_length" => FactKind::FeedForward,
        "vocab_size" => FactKind::Vocabulary,
        "rope.freq_base" => FactKind::RopeBase,
        "context_length" => FactKind::Context,
        "attention.key_length" => FactKind::HeadSize,
        "rope.scaling.original_context_length" => FactKind::RopeOriginalContext,
        _ => return None,
    })
}

/// The key of the chat template.
const TEMPLATE_KEY: &str = "tokenizer.chat_template";
/// The key of the vocabulary.
pub(super) const TOKENS_KEY: &str = "tokenizer.ggml.tokens";

/// How many bytes of a key's text are kept; those of other keys are jumped over.
pub(super) fn wanted(key: &str) -> u64 {
    if key == TEMPLATE_KEY {
        return u64::try_from(TEMPLATE_BYTES_MAX).unwrap_or(u64::MAX);
    }
    let said = key == "general.type" || text_kind(key).is_some() || link_kind(key).is_some();
    if said { VALUE_BYTES_MAX } else { 0 }
}

impl Header {
    /// Takes one pair.
    pub(super) fn pair(&mut self, key: &str, value: &Value, place: (u64, u64), sink: &mut Sink<'_>) {
        match value {
            Value::Text { text, place, cut } => self.text(key, text, *cut, *place, sink),
            Value::List(list) => {
                let Some(kind) = text_kind(key) else { return };
                for (i, (text, place)) in list.iter().enumerate() {
                    sink.fact_wide(kind, text, &format!("{key}[{i}]"), Some(*place));
                }
            }
            Value::Number(n) => self.number(key, *n, place, sink),
            Value::Float(x) if key.ends_with(".rope.scaling.factor") => {
                if (1e-6..1e12).contains(x) {
                    sink.fact_wide(FactKind::RopeFactor, &x.to_string(), key, Some(place));
                }
            }
            Value::Float(x) => {
                // a whole number within what a header may mean; NaN and the like state nothing
                if let Some(kind) = dimension_kind(key).filter(|_| (1.0..1e12).contains(x)) {
                    sink.fact_wide(kind, &format!("{x:.0}"), key, Some(place));
                }
            }
            Value::Count(n) if key == TOKENS_KEY => {
                sink.fact_wide(FactKind::Vocabulary, &n.to_string(), key, Some((place.0, place.0)));
            }
            Value::Bool(true) if matches!(key, "clip.has_vision_encoder" | "clip.has_audio_encoder") => {
                sink.fact_wide(FactKind::Multimodal, "true", key, Some(place));
            }
            Value::Bool(_) | Value::Count(_) | Value::Other => {}
        }
        if text_kind(key).is_some() && !matches!(value, Value::Text { .. } | Value::List(_)) {
            let at = usize::try_from(place.0).ok().zip(usize::try_from(place.1).ok());
            sink.warn("gguf-wrong-type", format!("`{key}` is not a text: it states nothing"), at);
        }
    }

    fn text(&mut self, key: &str, text: &str, cut: bool, place: (u64, u64), sink: &mut Sink<'_>) {
        if key == "general.type" {
            match text {
                "adapter" => sink.fact_wide(FactKind::AdapterType, "adapter", key, Some(place)),
                "mmproj" => sink.fact_wide(FactKind::Multimodal, "true", key, Some(place)),
                _ => {}
            }
            self.adapter_known |= text == "adapter";
            return;
        }
        if key == TEMPLATE_KEY {
            return template::keep(text, key, place, sink);
        }
        if let Some(kind) = link_kind(key) {
            if text.contains("huggingface.co/") || text.contains("hf.co/") {
                sink.fact_wide(kind, text, key, Some(place));
            }
            return;
        }
        let Some(kind) = text_kind(key) else { return };
        if let Some(number) = key.strip_prefix("general.dataset.") {
            let (number, field) = number.split_once('.').unwrap_or((number, ""));
            if field == "repo_url" || (field == "url" && !self.linked_datasets.contains(number)) {
                if self.linked_datasets.len() < NUMBERED_MAX {
                    self.linked_datasets.insert(number.to_owned());
                }
            } else if field == "name" && self.named_datasets.len() < NUMBERED_MAX {
                self.named_datasets.insert(number.to_owned(), (text.to_owned(), key.to_owned(), place));
                return;
            }
        }
        self.adapter_known |= kind == FactKind::AdapterType;
        sink.fact_wide(kind, text, key, Some(place));
        if cut && kind == FactKind::LicenseTag {
            sink.warn("value-cut", format!("`{key}` is longer than 8 KiB: only its beginning is kept"), None);
        }
    }

    fn number(&mut self, key: &str, n: u64, place: (u64, u64), sink: &mut Sink<'_>) {
        if let Some(kind) = dimension_kind(key) {
            self.layers_known |= kind == FactKind::Layers;
            self.hidden_known |= kind == FactKind::Hidden;
            return sink.fact_wide(kind, &n.to_string(), key, Some(place));
        }
        match key {
            "general.file_type" => {
                self.quantization_known = true;
                match file_type_name(n) {
                    Some(name) if is_float(name) => {}
                    Some(name) => sink.fact_wide(FactKind::Quantization, name, key, Some(place)),
                    None => sink.fact_wide(FactKind::Quantization, &format!("file-type-{n}"), key, Some(place)),
                }
            }
            "tokenizer.ggml.bos_token_id" => {
                sink.fact_wide(FactKind::BosId, &n.to_string(), key, Some(place));
                self.special(FactKind::BosToken, n);
            }
            "tokenizer.ggml.eos_token_id" | "tokenizer.ggml.eot_token_id" => {
                sink.fact_wide(FactKind::EosId, &n.to_string(), key, Some(place));
                self.special(FactKind::EosToken, n);
            }
            "split.no" => self.split_no = Some(n),
            "split.count" => self.split_count = Some(n),
            _ => {}
        }
    }

    fn special(&mut self, kind: FactKind, n: u64) {
        if self.special.len() < SPECIAL_MAX && !self.special.contains(&(kind, n)) {
            self.special.push((kind, n));
        }
    }

    /// True where the header states its sizes, so that the tensors need not tell them.
    pub(super) fn is_sized(&self) -> bool {
        self.layers_known && self.hidden_known
    }

    /// What can be said once all pairs were seen, or as many as could be read.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) {
        for (kind, n) in std::mem::take(&mut self.special) {
            if let Some((text, place)) = self.marked.get(&n) {
                sink.fact_wide(kind, text, &format!("{TOKENS_KEY}[{n}]"), Some(*place));
            }
        }
        for (number, (text, key, place)) in std::mem::take(&mut self.named_datasets) {
            if !self.linked_datasets.contains(&number) {
                sink.fact_wide(FactKind::Dataset, &text, &key, Some(place));
            }
        }
        sink.out.shard = shard_from(self.split_no, self.split_count);
    }
}
