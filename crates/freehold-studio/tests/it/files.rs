//! GGUF files against a real llama.cpp: bytes, logits, tokens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use freehold_studio::decoder::{Batch, Decoder};
use freehold_studio::export::{Export, Format, merged, pair_of};
use freehold_studio::gguf::{self, Value};
use freehold_studio::lora::Adapter;
use freehold_studio::tokenizer::Tokenizer;
use freehold_studio::weights::{Tensor, Weights};
use serde_json::{Value as Json, json};
use tokenizers::AddedToken;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use crate::formula::{batch, units};
use crate::llama::{ask, judge, read_floats};
use crate::parity::{adapter, golden};

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A byte-level tokenizer of 320 tokens, trained on this file, and its config.
pub(crate) fn tokenizer_files(folder: &Path) {
    let mut t = tokenizers::Tokenizer::new(BPE::builder().ignore_merges(true).build().expect("a model"));
    let split =
        Split::new(SplitPattern::Regex(LLAMA3.into()), SplitDelimiterBehavior::Isolated, false).expect("a pattern");
    let level = ByteLevel::new(false, true, false);
    t.with_pre_tokenizer(Some(Sequence::new(vec![split.into(), level.into()]))).with_decoder(Some(level));
    let specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"];
    let trainer = BpeTrainer::builder()
        .vocab_size(315)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/files.rs");
    t.train_from_files(&mut TrainerWrapper::from(trainer), vec![here.to_string_lossy().into_owned()]).expect("trained");
    t.add_special_tokens(specials.map(|s| AddedToken::from(s, true)).to_vec()).expect("added");
    t.save(folder.join("tokenizer.json"), false).expect("saved");
    let config = json!({
        "bos_token": specials[0], "eos_token": specials[1], "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    });
    std::fs::write(folder.join("tokenizer_config.json"), config.to_string()).expect("config");
}

/// The model of a golden family, changed where llama.cpp would compute otherwise, with a tokenizer.
fn model(folder: &Path, config: &Json, wide: bool) -> (Decoder, Adapter, Weights) {
    let mut config = config.clone();
    if config["model_type"] == "gemma2" {
        config["query_pre_attn_scalar"] = config["head_dim"].clone();
    }
    if wide {
        for (key, value) in [("hidden_size", 256), ("intermediate_size", 512), ("num_hidden_layers", 8)] {
            config[key] = value.into();
        }
    }
    crate::formula::write(folder, &config);
    tokenizer_files(folder);
    let mut model = Decoder::open(folder).unwrap_or_else(|e| panic!("{e:#?}"));
    let adapter = adapter(&mut model, false);
    (model, adapter, Weights::open(folder).expect("weights"))
}

fn about() -> Vec<(String, Value)> {
    vec![
        ("general.name".into(), "small".into()),
        ("general.license".into(), "apache-2.0".into()),
        ("general.base_model.count".into(), Value::U32(1)),
        ("general.base_model.0.name".into(), "base".into()),
    ]
}

/// Logits of one sequence in llama.cpp.
fn logits(judge: &Path, file: &Path, ids: &[u32]) -> Vec<f32> {
    let (list, out) = (file.with_extension("ids"), file.with_extension("f32"));
    std::fs::write(&list, ids.iter().map(|i| format!("{i} ")).collect::<String>()).expect("ids");
    let text = |p: &Path| p.to_string_lossy().into_owned();
    ask(judge, &["logits", &text(file), &text(&list), &text(&out)], None);
    read_floats(&out)
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

#[test]
fn every_family_gives_llama_cpps_logits() {
    let Some(judge) = judge() else { return };
    for (name, golden) in golden()["families"].as_object().expect("families") {
        let folder = tempfile::tempdir().expect("a folder");
        let (model, adapter, weights) = model(folder.path(), &golden["config"], false);
        let tokenizer = Tokenizer::open(folder.path()).expect("a tokenizer");
        let about = about();
        let export = Export {
            architecture: &model.architecture,
            tensors: &weights.tensors,
            adapter: Some(&adapter),
            tokenizer: &tokenizer,
            about: &about,
            importance: None,
        };
        // llama.cpp gives Mistral and Phi-3 no window (the export says so): a sequence shorter than theirs; it takes
        // the long factors by the room it has, 16 tokens more than it is given
        let length = match name.as_str() {
            "mistral" | "phi3" => 15,
            "phi3_longrope" | "phi4" => 40,
            _ => 48,
        };
        assert_eq!(!export.notes().is_empty(), matches!(name.as_str(), "mistral" | "phi3"), "{name}");
        let whole = batch(0, 48);
        let mut one = Batch::default();
        one.push(&whole.ids[..length], &whole.learn[..length]);
        let with_adapter = model.logits(Some(&adapter), &one);
        let ours = merged_model(&model, &adapter, &weights).logits(None, &one);
        // merging rounds to what the base is stored as
        let rounding = if name == "llama3_bf16" { 0.05 } else { 1e-5 };
        assert!(furthest(&ours, &with_adapter) < rounding, "{name}");
        for (format, most) in [(Format::F32, 3e-3), (Format::F16, 2e-2), (Format::BF16, 0.2), (Format::Q8_0, 0.3)] {
            let file = folder.path().join(format!("{}.gguf", format.name()));
            export.write(&file, format, |_, _| {}).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            let theirs = logits(&judge, &file, &one.ids);
            let apart = furthest(&ours, &theirs);
            assert!(apart < most, "{name} {}: {apart}", format.name());
        }
    }
}

/// The model with its adapter merged.
fn merged_model(model: &Decoder, adapter: &Adapter, weights: &Weights) -> Decoder {
    let one = |(name, tensor): (&String, &Tensor)| {
        (name.clone(), Tensor::held(&merged(tensor, pair_of(Some(adapter), name)), tensor.shape.clone()))
    };
    let mut weights = Weights { tensors: weights.tensors.iter().map(one).collect(), files: vec![] };
    Decoder::of(model.architecture.clone(), &mut weights).expect("a model")
}

/// Tensors of two files: types and sums of their bytes.
fn tensors(file: &Path) -> BTreeMap<String, (gguf::Described, [u8; 32])> {
    let read = gguf::read(file).expect("a GGUF");
    read.tensors.into_iter().map(|(d, sum)| (d.name.clone(), (d, sum))).collect()
}

#[test]
fn every_format_has_llama_cpps_bytes() {
    let Some(judge) = judge() else { return };
    for (name, wide) in [
        ("llama3", true),
        ("llama32_tied", true),
        ("llama3", false),
        ("qwen2", true),
        ("phi3", true),
        ("gemma2", true),
        ("gemma3", false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (model, adapter, weights) = model(folder.path(), &golden()["families"][name]["config"], wide);
        let tokenizer = Tokenizer::open(folder.path()).expect("a tokenizer");
        let importance: BTreeMap<String, Vec<f32>> = importances(&model);
        let text = |p: PathBuf| p.to_string_lossy().into_owned();
        let f32_file = folder.path().join("f32.gguf");
        let matrix = folder.path().join("imatrix");
        std::fs::write(&matrix, in_judges_form(&importance)).expect("written");
        for weighed in [false, true] {
            let export = Export {
                architecture: &model.architecture,
                tensors: &weights.tensors,
                adapter: Some(&adapter),
                tokenizer: &tokenizer,
                about: &[],
                importance: weighed.then_some(&importance),
            };
            export.write(&f32_file, Format::F32, |_, _| {}).expect("written");
            for (format, _, number, _) in Format::ALL.into_iter().skip(1) {
                let (ours, theirs) = (folder.path().join("ours.gguf"), folder.path().join("theirs.gguf"));
                let written = export.write(&ours, format, |_, _| {}).expect("written");
                let (from, to, number) = (text(f32_file.clone()), text(theirs.clone()), number.to_string());
                let mut arguments = vec!["quantize", &from, &to, &number];
                let matrix = text(matrix.clone());
                if weighed {
                    arguments.push(&matrix);
                }
                ask(&judge, &arguments, None);
                let (mine, other) = (tensors(&ours), tensors(&theirs));
                assert_eq!(mine.len(), other.len());
                for (tensor, (described, sum)) in &other {
                    let (own, own_sum) = &mine[tensor];
                    let what = format!("{name} (wide: {wide}) {} weighed: {weighed} {tensor}", format.name());
                    assert_eq!((own.kind, &own.sides), (described.kind, &described.sides), "{what}");
                    assert_eq!(own_sum, sum, "{what}: {:?}", own.kind);
                    assert_eq!(written.written.tensors[tensor], *sum);
                }
            }
        }
    }
}

fn importances(model: &Decoder) -> BTreeMap<String, Vec<f32>> {
    let one = |(module, inputs, _): (String, usize, usize)| {
        let name = freehold_studio::export::gguf_name(&module)?;
        let values = units(&name, inputs).map(|u| u * u * 4.0 + 1e-3).collect();
        Some((name, values))
    };
    model.modules().into_iter().filter_map(one).collect()
}

fn in_judges_form(importance: &BTreeMap<String, Vec<f32>>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, values) in importance {
        out.extend((name.len() as u32).to_le_bytes());
        out.extend(name.as_bytes());
        out.extend((values.len() as u32).to_le_bytes());
        values.iter().for_each(|v| out.extend(v.to_le_bytes()));
    }
    out
}

/// A thousand texts: every script, emoji with joiners, spaces of all kinds, numbers, contractions, special tokens.
fn texts(specials: &[String]) -> Vec<String> {
    const SCRIPTS: &[(u32, u32)] = &[
        (0x20, 0x7e),
        (0xa1, 0x17f),
        (0x370, 0x3ff),
        (0x400, 0x4ff),
        (0x531, 0x58a),
        (0x5d0, 0x5ea),
        (0x621, 0x64a),
        (0x660, 0x669),
        (0x710, 0x72f),
        (0x780, 0x7a5),
        (0x7c0, 0x7ea),
        (0x905, 0x939),
        (0x966, 0x96f),
        (0x985, 0x9b9),
        (0xa05, 0xa39),
        (0xa85, 0xab9),
        (0xb05, 0xb39),
        (0xb85, 0xbb9),
        (0xc05, 0xc39),
        (0xc85, 0xcb9),
        (0xd05, 0xd39),
        (0xd85, 0xdb1),
        (0xe01, 0xe5b),
        (0xe81, 0xeb0),
        (0xf40, 0xf6c),
        (0x1000, 0x102a),
        (0x10d0, 0x10fa),
        (0x1100, 0x1112),
        (0x1200, 0x1248),
        (0x13a0, 0x13f4),
        (0x1401, 0x1450),
        (0x1680, 0x169a),
        (0x16a0, 0x16ea),
        (0x1780, 0x17b3),
        (0x1820, 0x1877),
        (0x1e00, 0x1eff),
        (0x2010, 0x205e),
        (0x2070, 0x209c),
        (0x20a0, 0x20bf),
        (0x2190, 0x21ff),
        (0x2200, 0x22ff),
        (0x2460, 0x24ff),
        (0x2500, 0x257f),
        (0x2600, 0x26ff),
        (0x2c00, 0x2c5f),
        (0x2d30, 0x2d67),
        (0x3041, 0x3096),
        (0x30a1, 0x30fa),
        (0x3105, 0x312f),
        (0x4e00, 0x9fff),
        (0xa000, 0xa48c),
        (0xac00, 0xd7a3),
        (0xff01, 0xff5e),
        (0x10330, 0x1034a),
        (0x12000, 0x12399),
        (0x13000, 0x1342e),
        (0x1f300, 0x1f5ff),
        (0x1f600, 0x1f64f),
        (0x1f680, 0x1f6ff),
        (0x1f900, 0x1f9ff),
        (0x20000, 0x2a6df),
    ];
    let mut random = freehold_studio::random::Random(7);
    let fixed = [
        "",
        " ",
        "  ",
        "\n",
        "\t\t",
        "\r\n\r\n",
        "a b  c   d    e",
        "I'LL don't WE'RE she's o'clock",
        "3 33 333 3333 33333 1234567",
        "\u{a0}\u{2003}x\u{200b}y\u{feff}z",
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 😶\u{200d}🌫\u{fe0f} 🇩🇪🏴",
        "fn main() { println!(\"{x:?}\"); }",
        "x\n\n\ny \n z\t",
        "ﷺ ½ ① ²",
        "https://example.org/a?b=c&d=%20#e",
        "<b>not special</b> <|not_special|>",
    ];
    let mut all: Vec<String> = fixed.map(str::to_owned).to_vec();
    while all.len() < 1000 {
        let mut text = String::new();
        let mixed = random.below(3) == 0;
        let mut script = random.below(SCRIPTS.len());
        for _ in 0..8 + random.below(60) {
            if mixed && random.below(4) == 0 {
                script = random.below(SCRIPTS.len());
            }
            match random.below(12) {
                0 => text.push(' '),
                1 => text.push_str(["\n", "  ", ", ", ". ", "\t", "'s ", "42", " 1999 "][random.below(8)]),
                2 if !specials.is_empty() && random.below(4) == 0 => {
                    text.push_str(&specials[random.below(specials.len())])
                }
                _ => {
                    let (from, to) = SCRIPTS[script];
                    text.extend(char::from_u32(from + random.below((to - from + 1) as usize) as u32));
                }
            }
        }
        all.push(text);
    }
    all
}

/// A folder with a tokenizer as transformers would have saved it, from a vocabulary that llama.cpp's project publishes.
fn published(folder: &Path, file: &Path) -> Option<Vec<String>> {
    let read = gguf::read(file).ok()?;
    let get = |key: &str| read.keys.iter().find(|(k, _)| k == key).map(|(_, v)| v);
    let Some(Value::Texts(tokens)) = get("tokenizer.ggml.tokens") else { return None };
    let Some(Value::I32s(kinds)) = get("tokenizer.ggml.token_type") else { return None };
    let added: Vec<Json> = (tokens.iter().zip(kinds).enumerate())
        .filter(|(_, (_, kind))| matches!(kind, 3 | 4))
        .map(|(id, (text, kind))| {
            json!({"id": id, "content": text, "special": *kind == 3, "normalized": false,
            "lstrip": false, "rstrip": false, "single_word": false})
        })
        .collect();
    let specials = added.iter().filter_map(|t| t["content"].as_str()).map(str::to_owned).collect();
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let tokenizer = match get("tokenizer.ggml.merges") {
        Some(Value::Texts(merges)) => {
            let Some(Value::Text(pre)) = get("tokenizer.ggml.pre") else { return None };
            let pattern = if pre == "qwen2" { LLAMA3.replace("{1,3}", "") } else { LLAMA3.into() };
            let vocabulary: serde_json::Map<String, Json> = (tokens.iter().zip(kinds).enumerate())
                .filter(|(_, (_, kind))| **kind == 1)
                .map(|(id, (text, _))| (text.clone(), id.into()))
                .collect();
            let split =
                json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
            json!({"version": "1.0", "added_tokens": added, "normalizer": null, "post_processor": null, "decoder": level,
                "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
                "model": {"type": "BPE", "vocab": vocabulary, "merges": merges, "ignore_merges": pre == "llama-bpe",
                    "byte_fallback": false, "fuse_unk": false}})
        }
        _ => {
            let Some(Value::F32s(scores)) = get("tokenizer.ggml.scores") else { return None };
            let numbers: BTreeMap<&str, usize> = tokens.iter().enumerate().map(|(i, t)| (t.as_str(), i)).collect();
            let mut merges = Vec::new();
            for (id, token) in tokens.iter().enumerate().filter(|(i, _)| kinds[*i] == 1) {
                let cuts = token.char_indices().skip(1).map(|(at, _)| token.split_at(at));
                let mut own: Vec<_> = cuts.filter_map(|(a, b)| Some((*numbers.get(a)?, *numbers.get(b)?))).collect();
                own.sort_unstable();
                merges.extend(own.into_iter().map(|(a, b)| (scores[id], a, b)));
            }
            merges.sort_by(|x, y| y.0.total_cmp(&x.0));
            let merges: Vec<[&str; 2]> =
                merges.iter().map(|(_, a, b)| [tokens[*a].as_str(), tokens[*b].as_str()]).collect();
            let vocabulary: serde_json::Map<String, Json> =
                tokens.iter().enumerate().map(|(id, text)| (text.clone(), id.into())).collect();
            json!({"version": "1.0", "added_tokens": added, "pre_tokenizer": null, "post_processor": null, "decoder": null,
                "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u{2581}"},
                    {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}]},
                "model": {"type": "BPE", "vocab": vocabulary, "merges": merges, "byte_fallback": true, "fuse_unk": true,
                    "unk_token": "<unk>", "ignore_merges": false}})
        }
    };
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).ok()?;
    std::fs::write(folder.join("tokenizer_config.json"), "{}").ok()?;
    Some(specials)
}

/// A file with a tokenizer and next to no model: llama.cpp reads the vocabulary alone.
fn vocabulary_file(folder: &Path, tokenizer: &Tokenizer) -> PathBuf {
    let path = folder.join("vocabulary.gguf");
    let mut keys = vec![("general.architecture".to_owned(), Value::from("llama"))];
    let number = |key: &str, n: u32| (format!("llama.{key}"), Value::U32(n));
    keys.extend([number("block_count", 1), number("context_length", 64), number("embedding_length", 32)]);
    keys.extend([number("feed_forward_length", 32), number("attention.head_count", 1)]);
    keys.push(("llama.attention.layer_norm_rms_epsilon".into(), Value::F32(1e-5)));
    keys.extend(tokenizer.keys(tokenizer.words()).unwrap_or_else(|e| panic!("{e}")));
    gguf::write(&path, &keys, &[], |_| Ok(vec![])).expect("written");
    path
}

fn same_tokens(judge: &Path, folder: &Path, specials: &[String], what: &str) {
    let tokenizer = Tokenizer::open(folder).expect("a tokenizer");
    let file = vocabulary_file(folder, &tokenizer);
    let texts = texts(specials);
    let asked = ask(judge, &["tokens", &file.to_string_lossy()], Some(&texts.join("\u{1e}")));
    let theirs: Vec<Vec<u32>> =
        asked.lines().map(|l| l.split_whitespace().map(|n| n.parse().expect("a number")).collect()).collect();
    assert_eq!(theirs.len(), texts.len());
    let wrong: Vec<_> = texts
        .iter()
        .zip(&theirs)
        .filter(|(text, theirs)| tokenizer.encode(text, false).expect("tokens") != **theirs)
        .map(|(text, theirs)| (text, tokenizer.encode(text, false).expect("tokens"), theirs))
        .collect();
    assert!(wrong.is_empty(), "{what}: {} of {} differ, the first: {:#?}", wrong.len(), texts.len(), wrong[0]);
}

#[test]
fn a_thousand_texts_have_llama_cpps_tokens() {
    let Some(judge) = judge() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    tokenizer_files(folder.path());
    let specials = ["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>"].map(str::to_owned);
    same_tokens(&judge, folder.path(), &specials, "a tokenizer trained here");
    // vocabularies that llama.cpp's project publishes, where they lie beside its libraries
    let models = judge.parent().expect("a folder").join("models");
    for name in ["llama-bpe", "qwen2", "llama-spm", "phi-3"] {
        let file = models.join(format!("ggml-vocab-{name}.gguf"));
        let folder = tempfile::tempdir().expect("a folder");
        let Some(specials) = published(folder.path(), &file) else {
            panic!("{} is missing or damaged", file.display());
        };
        same_tokens(&judge, folder.path(), &specials, name);
    }
}
