//! The JSON files beside a model: `config.json`, `adapter_config.json`, the tokenizer's, diffusers' index,
//! quantizers' own. Every kept value has its dotted key, bytes and line.

use std::borrow::Cow;
use std::collections::BTreeSet;

use freehold_base::FactKind;

use crate::json::{self, Go, Path, Value};
use crate::sink::Sink;
use crate::template::{self, TEMPLATE_BYTES_MAX};

/// Which of the known files it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Config {
    /// `config.json` of transformers, diffusers, MLX.
    Model,
    /// `adapter_config.json` of PEFT and mlx-lm.
    Adapter,
    /// `model_index.json` of diffusers.
    Pipeline,
    /// `tokenizer_config.json`, `generation_config.json`, `special_tokens_map.json`, processors: a path hint, remote code,
    /// special tokens and chat templates.
    Side,
    /// `quantize_config.json`, `quant_config.json`, `hf_quant_config.json`.
    Quantizer,
}

impl Config {
    /// By the file's own name.
    pub(crate) fn named(base: &str) -> Option<Config> {
        Some(match base {
            "config.json" => Config::Model,
            "adapter_config.json" => Config::Adapter,
            "model_index.json" => Config::Pipeline,
            "tokenizer_config.json"
            | "generation_config.json"
            | "special_tokens_map.json"
            | "chat_template.json"
            | "preprocessor_config.json"
            | "processor_config.json" => Config::Side,
            "quantize_config.json" | "quant_config.json" | "hf_quant_config.json" => Config::Quantizer,
            _ => return None,
        })
    }
}

/// Keys of a model's config that hold a tower for images or sound.
const TOWERS: &[&str] = &[
    "vision_config",
    "audio_config",
    "speech_config",
    "vision_tower",
    "mm_vision_tower",
    "audio_tower",
    "mm_audio_tower",
    "vision_encoder",
    "audio_encoder",
    "visual",
    "audio",
    "img_processor",
];

/// What is known once the whole file was seen.
#[derive(Default)]
struct Seen {
    keys: BTreeSet<String>,
    tower: Option<(String, (usize, usize))>,
    quant_method: bool,
    loaded_in_bits: Option<(&'static str, String, (usize, usize))>,
    quantizer_hint: Option<(&'static str, String, (usize, usize))>,
    is_model: bool,
    base: bool,
    null_base: Option<(usize, usize)>,
    fallback_base: Option<(String, String, (usize, usize))>,
}

/// Reads one such file.
pub(crate) fn read(config: Config, bytes: &[u8], sink: &mut Sink<'_>) {
    let mut seen = Seen::default();
    let mut object = true;
    let outcome = json::walk(bytes, &mut |path, value, place| {
        if path.depth() == 0 {
            object = value == Value::Object;
            return if object { Go::On } else { Go::Stop };
        }
        duplicate(path, place, &mut seen, sink);
        match config {
            Config::Model | Config::Pipeline => model(path, value, place, &mut seen, sink),
            Config::Adapter => adapter(path, value, place, &mut seen, sink),
            Config::Side => side(path, value, place, sink),
            Config::Quantizer => quantizer(path, value, place, &mut seen, sink),
        }
        if sink.is_full() { Go::Stop } else { Go::On }
    });
    if !object {
        sink.error("json-not-object", "holds JSON that is not an object: nothing in it is read", Some((0, 1)));
    }
    if let Err(e) = &outcome {
        let message = format!("broken JSON: {}; what stands before it was read", e.message);
        sink.error(e.code, message, Some((e.at, e.at)));
    }
    finish(config, seen, outcome.is_ok(), sink);
}

fn finish(config: Config, seen: Seen, whole: bool, sink: &mut Sink<'_>) {
    match config {
        Config::Model | Config::Pipeline => {
            sink.out.model_file = seen.is_model;
            if let Some((key, place)) = seen.tower.filter(|_| seen.is_model) {
                sink.fact(FactKind::Multimodal, "true", &key, Some(place));
            }
        }
        Config::Adapter => {
            sink.out.model_file = true;
            if !seen.base {
                match seen.fallback_base {
                    Some((value, key, place)) => sink.fact(FactKind::AdapterBase, &value, &key, Some(place)),
                    None if whole => {
                        let message = "the adapter names no base model: what it stands on is not known";
                        sink.warn("adapter-base-missing", message, seen.null_base);
                        sink.help("state the base in adapter_config.json (base_model_name_or_path) or in the card");
                    }
                    None => {}
                }
            }
        }
        Config::Side | Config::Quantizer => {}
    }
    // `load_in_4bit` says what `quant_method` says better
    if let Some((value, key, place)) = seen.loaded_in_bits.or(seen.quantizer_hint).filter(|_| !seen.quant_method) {
        sink.fact(FactKind::Quantization, value, &key, Some(place));
    }
}

/// Two members of one name at the top: programs take the last, both are kept here.
fn duplicate(path: &Path, place: (usize, usize), seen: &mut Seen, sink: &mut Sink<'_>) {
    if path.depth() == 1 && seen.keys.len() < 4096 && !seen.keys.insert(path.dotted().to_owned()) {
        let message = format!("the key `{}` stands twice: both values are kept, programs read the last", path.dotted());
        sink.warn("json-duplicate-key", message, Some(place));
    }
}

fn text_of(value: Value<'_>) -> Option<String> {
    match value {
        Value::Str(raw) => Some(json::decode(raw)),
        _ => None,
    }
}

/// Keeps a text under its dotted key.
fn keep(kind: FactKind, path: &Path, value: Value<'_>, place: (usize, usize), sink: &mut Sink<'_>) {
    if let Some(text) = text_of(value) {
        sink.fact(kind, &text, path.dotted(), Some(place));
    }
}

fn model(path: &Path, value: Value<'_>, place: (usize, usize), seen: &mut Seen, sink: &mut Sink<'_>) {
    let (top, depth) = (path.step(0), path.depth());
    match (top, depth) {
        ("_name_or_path", 1) => {
            seen.is_model = true;
            keep(FactKind::NameOrPath, path, value, place, sink);
        }
        ("architectures", 2) | ("model_type" | "_class_name", 1) => {
            seen.is_model = true;
            keep(FactKind::Architecture, path, value, place, sink);
        }
        (key, 1) if dimension_kind(key).is_some() => dimension(key, path, value, place, sink),
        ("rope_scaling" | "rope_parameters", 1 | 2) => rope(1, path, value, place, sink),
        ("bos_token_id" | "eos_token_id", 1 | 2) => token_id(path, value, place, sink),
        // a multimodal model's language part
        ("text_config" | "llm_config" | "language_config", 2) if dimension_kind(path.last()).is_some() => {
            dimension(path.last(), path, value, place, sink);
        }
        ("text_config" | "llm_config" | "language_config", 2 | 3)
            if matches!(path.step(1), "rope_scaling" | "rope_parameters") =>
        {
            rope(2, path, value, place, sink);
        }
        ("license", 1) => keep(FactKind::LicenseTag, path, value, place, sink),
        ("auto_map", 2..) => keep(FactKind::RemoteCode, path, value, place, sink),
        (_, 2) if path.last() == "_name_or_path" => keep(FactKind::NameOrPath, path, value, place, sink),
        ("quantization_config" | "compression_config" | "quantization", 1..) => {
            quantization(path, value, place, seen, sink);
        }
        (key, 1) if TOWERS.contains(&key) && seen.tower.is_none() => {
            let there = match value {
                Value::Object => true,
                Value::Str(raw) => !raw.is_empty(),
                _ => false,
            };
            if there {
                seen.tower = Some((key.to_owned(), place));
            }
        }
        _ => {}
    }
}

/// Which number of the architecture a key states, in the spellings of the model families.
fn dimension_kind(key: &str) -> Option<FactKind> {
    Some(match key {
        "num_hidden_layers" | "n_layer" | "n_layers" | "num_layers" => FactKind::Layers,
        "hidden_size" | "n_embd" | "d_model" => FactKind::Hidden,
        "num_attention_heads" | "n_head" | "n_heads" => FactKind::Heads,
        "num_key_value_heads" | "num_kv_heads" | "multi_query_group_num" => FactKind::KvHeads,
        "intermediate_size" | "ffn_hidden_size" | "n_inner" => FactKind::FeedForward,
        "vocab_size" | "padded_vocab_size" => FactKind::Vocabulary,
        "rope_theta" => FactKind::RopeBase,
        "max_position_embeddings" | "n_positions" | "seq_length" => FactKind::Context,
        "head_dim" => FactKind::HeadSize,
        _ => return None,
    })
}

/// How the rotary embedding is stretched: an object, or null where it is not. `level` = steps above its members.
fn rope(level: usize, path: &Path, value: Value<'_>, place: (usize, usize), sink: &mut Sink<'_>) {
    if path.depth() == level {
        if value == Value::Null {
            sink.fact(FactKind::RopeScaling, "none", path.dotted(), Some(place));
        }
        return;
    }
    match (path.last(), value) {
        // what newer configs write where nothing is stretched
        ("type" | "rope_type", Value::Str(b"default")) => {
            sink.fact(FactKind::RopeScaling, "none", path.dotted(), Some(place));
        }
        ("type" | "rope_type", _) => keep(FactKind::RopeScaling, path, value, place, sink),
        ("rope_theta", _) => dimension("rope_theta", path, value, place, sink),
        ("original_max_position_embeddings", Value::Number(raw)) => {
            if let Some(n) = whole(raw) {
                sink.fact(FactKind::RopeOriginalContext, &n, path.dotted(), Some(place));
            }
        }
        ("factor", Value::Number(raw)) => {
            if let Some(n) = number(raw).filter(|n| (1e-6..1e12).contains(n)) {
                sink.fact(FactKind::RopeFactor, &n.to_string(), path.dotted(), Some(place));
            }
        }
        _ => {}
    }
}

/// `bos_token_id`, `eos_token_id`: a number, or a list of them.
fn token_id(path: &Path, value: Value<'_>, place: (usize, usize), sink: &mut Sink<'_>) {
    let kind = if path.step(0) == "bos_token_id" { FactKind::BosId } else { FactKind::EosId };
    let Value::Number(raw) = value else { return };
    if let Some(n) = std::str::from_utf8(raw).ok().and_then(|n| n.parse::<u32>().ok()) {
        sink.fact(kind, &n.to_string(), path.dotted(), Some(place));
    }
}

fn number(raw: &[u8]) -> Option<f64> {
    std::str::from_utf8(raw).ok().and_then(|n| n.trim().parse::<f64>().ok())
}

fn dimension(key: &str, path: &Path, value: Value<'_>, place: (usize, usize), sink: &mut Sink<'_>) {
    let (Some(kind), Value::Number(raw)) = (dimension_kind(key), value) else { return };
    if let Some(n) = whole(raw) {
        sink.fact(kind, &n, path.dotted(), Some(place));
    }
}

/// A number of an architecture without its decimals, where it is one: most are written without.
fn whole(raw: &[u8]) -> Option<Cow<'_, str>> {
    let plain = raw.len() <= 12 && raw.first().is_some_and(|b| (b'1'..=b'9').contains(b));
    if plain && raw.iter().all(u8::is_ascii_digit) {
        return std::str::from_utf8(raw).ok().map(Cow::Borrowed);
    }
    number(raw).filter(|n| (1.0..1e12).contains(n)).map(|n| Cow::Owned(format!("{n:.0}")))
}

fn quantization(path: &Path, value: Value<'_>, place: (usize, usize), seen: &mut Seen, sink: &mut Sink<'_>) {
    let hint = |name| Some((name, path.dotted().to_owned(), place));
    match (path.depth(), path.last(), value) {
        (1, "quantization_config", Value::Object) => seen.is_model = true,
        (2, "quant_method" | "quant_algo", Value::Str(_)) => {
            seen.quant_method = true;
            keep(FactKind::Quantization, path, value, place, sink);
        }
        (2, "load_in_4bit" | "load_in_8bit" | "_load_in_4bit" | "_load_in_8bit", Value::Bool(true)) => {
            seen.loaded_in_bits = hint("bitsandbytes");
        }
        // MLX writes `quantization: {group_size, bits}`
        (2, "bits", Value::Number(_)) if path.step(0) == "quantization" => seen.quantizer_hint = hint("mlx"),
        (2, "bits", Value::Number(_)) if seen.quantizer_hint.is_none() => {
            seen.quantizer_hint = hint("unknown-method");
        }
        _ => {}
    }
}

fn adapter(path: &Path, value: Value<'_>, place: (usize, usize), seen: &mut Seen, sink: &mut Sink<'_>) {
    let said = text_of(value).is_some_and(|t| !t.trim().is_empty());
    match (path.depth(), path.step(0)) {
        (1, "base_model_name_or_path") => {
            if said {
                seen.base = true;
                keep(FactKind::AdapterBase, path, value, place, sink);
            } else {
                seen.null_base = Some(place);
            }
        }
        (1, "revision") => keep(FactKind::AdapterRevision, path, value, place, sink),
        (1, "peft_type" | "fine_tune_type") => keep(FactKind::AdapterType, path, value, place, sink),
        // mlx-lm and adapter-transformers name the base otherwise
        (1, "model" | "model_name") if said => {
            seen.fallback_base = text_of(value).map(|t| (t, path.dotted().to_owned(), place));
        }
        (2.., "auto_map") => keep(FactKind::RemoteCode, path, value, place, sink),
        _ => {}
    }
}

fn side(path: &Path, value: Value<'_>, place: (usize, usize), sink: &mut Sink<'_>) {
    match (path.depth(), path.step(0)) {
        (1, "name_or_path" | "_name_or_path") => keep(FactKind::NameOrPath, path, value, place, sink),
        (2.., "auto_map") => keep(FactKind::RemoteCode, path, value, place, sink),
        (1 | 2, "bos_token_id" | "eos_token_id") => token_id(path, value, place, sink),
        (1, "bos_token") => keep(FactKind::BosToken, path, value, place, sink),
        (1, "eos_token") => keep(FactKind::EosToken, path, value, place, sink),
        // `{"content": "<s>", …}` instead of the text itself
        (2, "bos_token") if path.last() == "content" => keep(FactKind::BosToken, path, value, place, sink),
        (2, "eos_token") if path.last() == "content" => keep(FactKind::EosToken, path, value, place, sink),
        // one text, or a list of `{"name": …, "template": …}`
        (1, "chat_template") => chat_template(path, value, place, sink),
        (3, "chat_template") if path.last() == "template" => chat_template(path, value, place, sink),
        _ => {}
    }
}

fn chat_template(path: &Path, value: Value<'_>, place: (usize, usize), sink: &mut Sink<'_>) {
    let Value::Str(raw) = value else { return };
    let text = json::decode(raw.get(..raw.len().min(TEMPLATE_BYTES_MAX)).unwrap_or_default());
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    template::keep(&text, path.dotted(), (wide(place.0), wide(place.1)), sink);
}

fn quantizer(path: &Path, value: Value<'_>, place: (usize, usize), seen: &mut Seen, sink: &mut Sink<'_>) {
    let hint = |name| Some((name, path.dotted().to_owned(), place));
    match (path.depth(), path.last()) {
        (1 | 2, "quant_method" | "quant_algo") if text_of(value).is_some() => {
            seen.quant_method = true;
            keep(FactKind::Quantization, path, value, place, sink);
        }
        (1, "model_name_or_path") => keep(FactKind::NameOrPath, path, value, place, sink),
        (1, "w_bit") => seen.quantizer_hint = hint("awq"),
        // AutoGPTQ's own file names no method
        (1, "bits" | "desc_act") if seen.quantizer_hint.is_none() => seen.quantizer_hint = hint("gptq"),
        _ => {}
    }
}
