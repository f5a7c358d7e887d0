//! The tokenizer of a folder: as transformers encodes with it, and as a GGUF describes it to llama.cpp.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use crate::gguf::Value;

/// The longest `tokenizer.json` or `tokenizer.model` that is read.
const FILE_MAX: u64 = 256 << 20;

/// A tokenizer and what its folder says of it.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    json: Json,
    config: Json,
    /// The folder's `config.json`, for tokens that only it names.
    model: Json,
    pieces: Option<Vec<Piece>>,
    /// The chat template, where there is one.
    pub template: Option<String>,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("words", &self.inner.get_vocab_size(true)).finish_non_exhaustive()
    }
}

/// One piece of a `tokenizer.model`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    text: String,
    score: f32,
    /// SentencePiece's number: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    kind: u64,
}

fn file(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, String> {
    let path = folder.join(name);
    match std::fs::metadata(&path) {
        Err(_) => Ok(None),
        Ok(m) if !m.is_file() => Err(format!("{name}: not a file")),
        Ok(m) if m.len() > FILE_MAX => Err(format!("{name}: {} bytes are more than {FILE_MAX}", m.len())),
        Ok(_) => std::fs::read(path).map(Some).map_err(|e| format!("{name}: {}", e.kind())),
    }
}

fn json(folder: &Path, name: &str) -> Result<Json, String> {
    let text = file(folder, name)?;
    text.map_or(Ok(Json::Null), |t| serde_json::from_slice(&t).map_err(|e| format!("{name}: {e}")))
}

/// GGUF's numbers of what a token is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// Patterns that pre-tokenizers split at, as published `tokenizer.json` files write them, with the name that llama.cpp
/// knows them by and whether whole words are looked up before merging (`ignore_merges`).
const PATTERNS: &[(&str, bool, &str)] = &[
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        true,
        "llama-bpe",
    ),
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        false,
        "dbrx",
    ),
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        false,
        "qwen2",
    ),
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        true,
        "tekken",
    ),
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        false,
        "gpt-4o",
    ),
];

impl Tokenizer {
    /// Reads `tokenizer.json`, `tokenizer_config.json`, `tokenizer.model`, `chat_template.jinja` and `config.json`.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let text = file(folder, "tokenizer.json")?
            .ok_or("tokenizer.json is missing: save the tokenizer once with a current transformers, which writes it")?;
        let json_ = serde_json::from_slice(&text).map_err(|e| format!("tokenizer.json: {e}"))?;
        let inner = tokenizers::Tokenizer::from_bytes(&text).map_err(|e| format!("tokenizer.json: {e}"))?;
        let config = json(folder, "tokenizer_config.json")?;
        let jinja = file(folder, "chat_template.jinja")?;
        let template = match jinja {
            Some(bytes) => Some(String::from_utf8(bytes).map_err(|_| "chat_template.jinja is not UTF-8")?),
            None => match &config["chat_template"] {
                Json::String(text) => Some(text.clone()),
                Json::Array(all) => {
                    let usual = all.iter().find(|t| t["name"] == "default");
                    usual.and_then(|t| t["template"].as_str()).map(str::to_owned)
                }
                _ => None,
            },
        };
        let pieces = file(folder, "tokenizer.model")?.map(|b| pieces(&b)).transpose()?;
        Ok(Self { inner, json: json_, config, model: json(folder, "config.json")?, pieces, template })
    }

    /// Tokens of a text; with `special`, with what the tokenizer puts around it.
    ///
    /// # Errors
    /// What the tokenizer says.
    pub fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, String> {
        self.inner.encode_fast(text, special).map(|e| e.get_ids().to_vec()).map_err(|e| e.to_string())
    }

    /// Tokens of a text as it is, each with the byte that it begins at.
    ///
    /// # Errors
    /// What the tokenizer says.
    pub fn encode_with_places(&self, text: &str) -> Result<Vec<(u32, usize)>, String> {
        let encoded = self.inner.encode(text, false).map_err(|e| e.to_string())?;
        Ok(encoded.get_ids().iter().zip(encoded.get_offsets()).map(|(id, (from, _))| (*id, *from)).collect())
    }

    /// The text of tokens, specials left out.
    ///
    /// # Errors
    /// What the tokenizer says.
    pub fn decode(&self, ids: &[u32]) -> Result<String, String> {
        self.inner.decode(ids, true).map_err(|e| e.to_string())
    }

    /// One more than the highest token.
    pub fn words(&self) -> usize {
        let top = self.inner.get_vocab(true).into_values().max();
        top.map_or(0, |t| t as usize + 1)
    }

    /// The text of a special token (`bos_token`, ...) as `tokenizer_config.json` writes it.
    pub fn special(&self, key: &str) -> Option<&str> {
        let value = &self.config[key];
        value.as_str().or_else(|| value["content"].as_str())
    }

    /// The number of a special token: as the tokenizer's config names it, else as the model's numbers it.
    pub fn special_id(&self, kind: &str) -> Option<u32> {
        let named = self.special(&format!("{kind}_token")).and_then(|t| self.inner.token_to_id(t));
        let number = &self.model[format!("{kind}_token_id")];
        let numbered = number.as_u64().or_else(|| number.as_array()?.first()?.as_u64());
        named.or_else(|| numbered.and_then(|n| u32::try_from(n).ok()))
    }

    /// The text of one token, as the vocabulary has it.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// Tokens that end an answer: the end of text, and the ends of turns that chat templates use.
    pub fn ends(&self) -> Vec<u32> {
        let names =
            ["<|eot_id|>", "<|im_end|>", "<end_of_turn>", "<|end|>", "</s>", "<|endoftext|>", "<|end_of_text|>"];
        let mut all: Vec<u32> = names.iter().filter_map(|n| self.inner.token_to_id(n)).collect();
        all.extend(self.special_id("eos"));
        if let Some(list) = self.model["eos_token_id"].as_array() {
            all.extend(list.iter().filter_map(|n| u32::try_from(n.as_u64()?).ok()));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether texts are cut into bytes, rather than into SentencePiece's pieces.
    fn is_byte_level(&self) -> bool {
        let text = |v: &Json| v.to_string().contains("\"ByteLevel\"");
        text(&self.json["pre_tokenizer"]) || text(&self.json["decoder"])
    }

    /// What llama.cpp calls the way texts are split before merging.
    ///
    /// # Errors
    /// A pattern that is not known: it is refused, for another pattern would give other tokens.
    pub fn split(&self) -> Result<&'static str, String> {
        let pre = &self.json["pre_tokenizer"];
        let parts: Vec<&Json> = match pre["type"].as_str() {
            Some("Sequence") => pre["pretokenizers"].as_array().into_iter().flatten().collect(),
            _ => vec![pre],
        };
        let whole = self.json["model"]["ignore_merges"].as_bool().unwrap_or(false);
        let bytes =
            |p: &Json, regex: bool| p["type"] == "ByteLevel" && p["use_regex"].as_bool().unwrap_or(true) == regex;
        let found = match parts[..] {
            [one] if bytes(one, true) && !whole => Some("gpt-2"),
            [split, level] if split["type"] == "Split" && bytes(level, false) => {
                let isolated = split["behavior"] == "Isolated" && split["invert"] == false;
                let pattern = split["pattern"]["Regex"].as_str().filter(|_| isolated);
                let known = |(text, merges, _): &&(&str, bool, &str)| Some(*text) == pattern && *merges == whole;
                PATTERNS.iter().find(known).map(|(.., name)| *name)
            }
            _ => None,
        };
        found.ok_or_else(|| {
            let pattern = parts.iter().find_map(|p| p["pattern"]["Regex"].as_str()).unwrap_or("none");
            format!("a pre-tokenizer that llama.cpp is not known to have (ignore_merges: {whole}, pattern: {pattern})")
        })
    }

    /// The added tokens: number to text, and whether it is special.
    fn added(&self) -> BTreeMap<usize, (String, bool)> {
        let list = self.json["added_tokens"].as_array().into_iter().flatten();
        let one = |t: &Json| {
            let id = usize::try_from(t["id"].as_u64()?).ok()?;
            Some((id, (t["content"].as_str()?.to_owned(), t["special"].as_bool().unwrap_or(false))))
        };
        list.filter_map(one).collect()
    }

    /// The `tokenizer.*` keys of a GGUF for a model with `rows` embeddings.
    ///
    /// # Errors
    /// A tokenizer that llama.cpp would not have the same tokens from.
    pub fn keys(&self, rows: usize) -> Result<Vec<(String, Value)>, String> {
        if self.words() > rows {
            return Err(format!("the tokenizer has {} tokens and the model {rows} embeddings", self.words()));
        }
        if self.json["model"]["type"].as_str().is_some_and(|t| t != "BPE") {
            return Err(format!("the tokenizer is a {}: the studio writes BPE", self.json["model"]["type"]));
        }
        let mut keys: Vec<(String, Value)> = Vec::new();
        let mut put = |key: &str, value: Value| keys.push((format!("tokenizer.{key}"), value));
        let vocabulary = self.json["model"]["vocab"].as_object().ok_or("tokenizer.json has no vocabulary")?;
        let mut tokens: Vec<String> = (0..rows).map(|i| format!("[PAD{i}]")).collect();
        let mut kinds = vec![What::Unused; rows];
        for (text, id) in vocabulary {
            let id = id.as_u64().and_then(|i| usize::try_from(i).ok()).filter(|i| *i < rows);
            let id = id.ok_or_else(|| format!("the token {text:?} has no row among {rows}"))?;
            tokens[id].clone_from(text);
            kinds[id] = What::Normal;
        }
        if self.is_byte_level() {
            for (id, (text, special)) in self.added() {
                let control = special || looks_special(&text);
                kinds[id] = if control { What::Control } else { What::UserDefined };
                tokens[id] = if control { text } else { text.replace('\u{2581}', " ") };
            }
            put("ggml.model", "gpt2".into());
            put("ggml.pre", self.split()?.into());
            put("ggml.tokens", Value::Texts(tokens));
            put("ggml.token_type", Value::I32s(kinds.iter().map(|k| *k as i32).collect()));
            put("ggml.merges", Value::Texts(self.merges()?));
        } else {
            let space = self.space_prefix()?;
            let mut scores = self.scores(&mut tokens, &mut kinds)?;
            for (id, (text, special)) in self.added() {
                // SentencePiece's own unknown, control and byte pieces keep what they are
                let control = special || looks_special(&text);
                if kinds[id] != What::Unknown {
                    kinds[id] = if control { What::Control } else { What::UserDefined };
                }
                if self.pieces.as_ref().is_none_or(|p| p.get(id).is_none_or(|p| p.kind == 1 || p.kind == 4)) {
                    scores[id] = -1000.0;
                }
                tokens[id] = if control { text } else { text.replace('\u{2581}', " ") };
            }
            put("ggml.model", "llama".into());
            put("ggml.pre", "default".into());
            put("ggml.tokens", Value::Texts(tokens));
            put("ggml.scores", Value::F32s(scores));
            put("ggml.token_type", Value::I32s(kinds.iter().map(|k| *k as i32).collect()));
            put("ggml.add_space_prefix", Value::Bool(space));
        }
        let names = [
            ("bos", "bos"),
            ("eos", "eos"),
            ("unk", "unknown"),
            ("sep", "seperator"),
            ("pad", "padding"),
            ("mask", "mask"),
        ];
        for (kind, key) in names {
            if let Some(id) = self.special_id(kind).filter(|i| (*i as usize) < rows) {
                put(&format!("ggml.{key}_token_id"), Value::U32(id));
            }
        }
        let around = self.encode("a", true)?;
        let bare = self.encode("a", false)?;
        let begins = self.special_id("bos").is_some_and(|b| around.first() == Some(&b) && bare.first() != Some(&b));
        let ends = self.special_id("eos").is_some_and(|e| around.last() == Some(&e) && bare.last() != Some(&e));
        let said = |key: &str| self.config[key].as_bool();
        put("ggml.add_bos_token", Value::Bool(begins || said("add_bos_token").unwrap_or(false)));
        put("ggml.add_eos_token", Value::Bool(ends || said("add_eos_token").unwrap_or(false)));
        if let Some(template) = &self.template {
            put("chat_template", template.as_str().into());
        }
        Ok(keys)
    }

    /// The merges as a GGUF spells them: two pieces and a space, a space within a piece being U+0120.
    fn merges(&self) -> Result<Vec<String>, String> {
        let list = self.json["model"]["merges"].as_array().ok_or("tokenizer.json has no merges")?;
        let one = |merge: &Json| match merge {
            Json::String(text) => Some(text.clone()),
            Json::Array(two) => match &two[..] {
                [a, b] => {
                    Some(format!("{} {}", a.as_str()?.replace(' ', "\u{120}"), b.as_str()?.replace(' ', "\u{120}")))
                }
                _ => None,
            },
            _ => None,
        };
        list.iter().map(|m| one(m).ok_or_else(|| format!("tokenizer.json: a merge that is no pair: {m}"))).collect()
    }

    /// Whether a text gets a space before it.
    fn space_prefix(&self) -> Result<bool, String> {
        let normalizer = self.json["normalizer"].to_string();
        let pre = &self.json["pre_tokenizer"];
        let kind = pre["type"].as_str().unwrap_or("none");
        match kind {
            "Metaspace" => match pre["prepend_scheme"].as_str() {
                Some("always") => Ok(true),
                Some("never") => Ok(false),
                // only the first part of a text: llama.cpp puts one after every special token too
                Some("first") => Ok(true),
                _ => Ok(pre["add_prefix_space"].as_bool().unwrap_or(true)),
            },
            "none" | "Split" => Ok(normalizer.contains("\"Prepend\"")),
            other => Err(format!("a pre-tokenizer that llama.cpp is not known to have ({other})")),
        }
    }

    /// The scores of SentencePiece's pieces: from `tokenizer.model`, else the order of the merges, which is the same.
    fn scores(&self, tokens: &mut [String], kinds: &mut [What]) -> Result<Vec<f32>, String> {
        let mut scores = vec![-10_000.0; tokens.len()];
        if let Some(pieces) = &self.pieces {
            for (id, piece) in pieces.iter().enumerate().take(tokens.len()) {
                tokens[id].clone_from(&piece.text);
                scores[id] = piece.score;
                kinds[id] = match piece.kind {
                    2 => What::Unknown,
                    3 => What::Control,
                    5 => What::Unused,
                    6 => What::Byte,
                    _ => What::Normal,
                };
            }
            return Ok(scores);
        }
        if self.json["model"]["byte_fallback"] != true {
            return Err("neither byte-level nor with a fallback to bytes: llama.cpp has no such BPE".into());
        }
        let numbers: BTreeMap<&str, usize> = tokens.iter().enumerate().map(|(i, t)| (t.as_str(), i)).collect();
        let merged: Vec<(usize, usize)> = self
            .merges()?
            .iter()
            .enumerate()
            .filter_map(|(rank, merge)| Some((*numbers.get(merge.replacen(' ', "", 1).as_str())?, rank)))
            .collect();
        for (id, rank) in merged.into_iter().rev() {
            scores[id] = -(rank as f32);
        }
        let unknown = self.json["model"]["unk_token"].as_str();
        for (id, token) in tokens.iter().enumerate() {
            let byte = token.len() == 6 && token.starts_with("<0x") && token.ends_with('>');
            if kinds[id] == What::Normal && (byte || Some(token.as_str()) == unknown) {
                kinds[id] = if byte { What::Byte } else { What::Unknown };
                scores[id] = 0.0;
            }
        }
        Ok(scores)
    }
}

/// Added tokens that ought to be special and are not marked so.
fn looks_special(text: &str) -> bool {
    let between = |a: &str, b: &str| text.starts_with(a) && text.ends_with(b);
    ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(&text)
        || between("<|", "|>")
        || between("<\u{ff5c}", "\u{ff5c}>")
        || between("<unused", ">")
}

/// The pieces of a `tokenizer.model`: repeated field 1 of a protocol buffer, each a text, a score and a kind.
pub(crate) fn pieces(bytes: &[u8]) -> Result<Vec<Piece>, String> {
    let damaged = || "tokenizer.model is damaged".to_owned();
    let mut all = Vec::new();
    let mut at = bytes;
    while !at.is_empty() {
        let (field, value) = field(&mut at).ok_or_else(damaged)?;
        let (1, Field::Bytes(mut inner)) = (field, value) else { continue };
        let mut piece = Piece { text: String::new(), score: 0.0, kind: 1 };
        while !inner.is_empty() {
            match self::field(&mut inner).ok_or_else(damaged)? {
                (1, Field::Bytes(text)) => piece.text = String::from_utf8(text.to_vec()).map_err(|_| damaged())?,
                (2, Field::Fixed(bits)) => piece.score = f32::from_bits(bits),
                (3, Field::Number(kind)) => piece.kind = kind,
                _ => {}
            }
        }
        all.push(piece);
    }
    if all.is_empty() { Err(damaged()) } else { Ok(all) }
}

enum Field<'a> {
    Number(u64),
    Fixed(u32),
    Bytes(&'a [u8]),
    Other,
}

fn number(at: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = at.split_first()?;
        *at = rest;
        value |= u64::from(byte & 127) << shift;
        if byte < &128 {
            return Some(value);
        }
    }
    None
}

fn field<'a>(at: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let tag = number(at)?;
    let mut take = |n: usize| {
        let (taken, rest) = at.split_at_checked(n)?;
        *at = rest;
        Some(taken)
    };
    let value = match tag & 7 {
        1 => take(8).map(|_| Field::Other)?,
        5 => Field::Fixed(u32::from_le_bytes(take(4)?.try_into().ok()?)),
        0 => Field::Number(number(at)?),
        2 => {
            let n = usize::try_from(number(at)?).ok()?;
            let (taken, rest) = at.split_at_checked(n)?;
            *at = rest;
            Field::Bytes(taken)
        }
        _ => return None,
    };
    Some((tag >> 3, value))
}
