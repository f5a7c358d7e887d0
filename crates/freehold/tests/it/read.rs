//! `freehold read`, over a text of our own that no index knows and over a copy of this project's LICENSE that was turned.

use crate::run::{root, run, session};

const OWN: &str = "The Lamp License\n\n1. You may use and modify the Model, and distribute copies of it, for research only.\n\
    You may not use it for commercial purposes.\n\n2. If you distribute the Model you must retain all copyright notices and\n\
    provide a copy of this license with it. You must give credit to its authors.\n\n\
    3. The Model is provided as is. In no event shall the authors be liable for any damages.\n";

#[test]
fn what_a_text_appears_to_say() {
    let dir = tempfile::tempdir().unwrap();
    let apache = std::fs::read_to_string(root().join("LICENSE")).unwrap();
    let turned = apache.replacen(
        "You must give any other recipients of the Work or",
        "You are not required to give any other recipients of the Work or",
        1,
    );
    assert_ne!(turned, apache);
    for (name, text) in [("own.txt", OWN), ("turned.txt", &turned), ("exact.txt", &apache), ("prose.txt", "A lamp.\n")]
    {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["read", "own.txt"],
            &["read", "turned.txt", "exact.txt"],
            &["read", "prose.txt", "absent.txt"],
            &["read", "--format", "jsonl", "turned.txt"],
            &["read", "."],
        ]
    ));
}

#[test]
fn a_base_that_no_file_names_is_told_by_its_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let numbers = |layers: u32, context: u32| {
        format!(
            "{{\"architectures\":[\"LlamaForCausalLM\"],\"num_hidden_layers\":{layers},\"hidden_size\":4096,\"num_attention_heads\":32,\n\
             \"num_key_value_heads\":8,\"intermediate_size\":14336,\"vocab_size\":128264,\"rope_theta\":500000.0,\n\
             \"max_position_embeddings\":{context}}}"
        )
    };
    let card = |base: &str| format!("---\nlicense: apache-2.0\n{base}---\n# Ours\n");
    let models = [
        ("laundered", numbers(32, 131_072), card("")),
        ("version-unknown", numbers(32, 2048), card("")),
        ("own", numbers(31, 131_072), card("")),
        ("honest", numbers(32, 131_072), card("base_model: meta-llama/Llama-3.1-8B\n")),
    ];
    for (name, config, card) in models {
        let folder = dir.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("config.json"), config).unwrap();
        std::fs::write(folder.join("README.md"), card).unwrap();
    }
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["check", "laundered", "--access", "hosted-api"],
            &["check", "version-unknown", "--access", "hosted-api"],
            &["check", "own", "--access", "hosted-api"],
            &["check", "honest", "--access", "internal", "--fail-on", "never"],
        ]
    ));
}

/// A GGUF header of texts, numbers and tensors (name, innermost dimension first); nothing follows it.
fn gguf(texts: &[(&str, &str)], numbers: &[(&str, u32)], tensors: &[(&str, &[u64])]) -> Vec<u8> {
    let string = |t: &str| [&(t.len() as u64).to_le_bytes()[..], t.as_bytes()].concat();
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend(((texts.len() + numbers.len()) as u64).to_le_bytes());
    for (key, value) in texts {
        out.extend([string(key), 8_u32.to_le_bytes().to_vec(), string(value)].concat());
    }
    for (key, value) in numbers {
        out.extend([string(key), 4_u32.to_le_bytes().to_vec(), value.to_le_bytes().to_vec()].concat());
    }
    for (name, shape) in tensors {
        let dimensions: Vec<u8> = shape.iter().flat_map(|d| d.to_le_bytes()).collect();
        // each begins where the data begins: no byte of it is read
        out.extend(
            [string(name), u32::try_from(shape.len()).unwrap().to_le_bytes().to_vec(), dimensions, vec![0; 12]]
                .concat(),
        );
    }
    out
}

/// The parts of `undeclared-base` that a test looks at: bases, why ambiguous; `None` where it is not found.
fn undeclared(folder: &std::path::Path) -> Option<(Vec<String>, usize)> {
    let (_, text, _) = run(folder, &["check", ".", "--access", "internal", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(jsonschema::is_valid(&freehold_wire::report_schema(), &json), "{json}");
    let findings = json.pointer("/assessments/0/findings").unwrap();
    let finding = findings.as_array().unwrap().iter().find(|f| f["code"] == "undeclared-base")?;
    let found = &finding["resemblance"];
    assert_eq!(found["basis"], "inferred");
    assert!(!found["matched"][0]["evidence"].as_array().unwrap().is_empty());
    let bases = found["bases"].as_array().unwrap().iter().map(|b| b.as_str().unwrap().to_string()).collect();
    Some((bases, found["ambiguous"].as_array().unwrap().len()))
}

#[test]
fn a_header_tells_a_base_by_more_than_its_numbers() {
    const TEXTS: &[(&str, &str)] = &[
        ("general.architecture", "llama"),
        ("general.name", "Lamp 8B"),
        ("general.license", "apache-2.0"),
        ("tokenizer.ggml.model", "gpt2"),
    ];
    const NUMBERS: &[(&str, u32)] = &[
        ("llama.block_count", 32),
        ("llama.embedding_length", 4096),
        ("llama.attention.head_count", 32),
        ("llama.attention.head_count_kv", 8),
        ("llama.feed_forward_length", 14336),
        ("llama.vocab_size", 128_256),
        ("llama.rope.freq_base", 500_000),
    ];
    const STRETCHED: (&str, &[u64]) = ("rope_freqs.weight", &[64]);
    const SHAPES: &[(&str, &[u64])] = &[
        STRETCHED,
        ("token_embd.weight", &[4096, 128_256]),
        ("blk.0.ffn_gate.weight", &[4096, 14336]),
        ("blk.0.attn_q.weight", &[4096, 4096]),
        ("blk.0.attn_k.weight", &[4096, 1024]),
        ("blk.31.attn_k.weight", &[4096, 1024]),
    ];
    let with = |pre: &'static str| [TEXTS, &[("tokenizer.ggml.pre", pre)][..]].concat();
    let begin = |n: u32| [NUMBERS, &[("tokenizer.ggml.bos_token_id", n)][..]].concat();
    let of_weights = r#"{"model.embed_tokens.weight":{"dtype":"BF16","shape":[128256,4096],"data_offsets":[0,1050673152]},
        "model.layers.0.mlp.gate_proj.weight":{"dtype":"BF16","shape":[14336,4096],"data_offsets":[1050673152,1168113664]},
        "model.layers.31.self_attn.k_proj.weight":{"dtype":"BF16","shape":[1024,4096],"data_offsets":[1168113664,1176502272]},
        "model.layers.0.self_attn.k_proj.weight":{"dtype":"BF16","shape":[1024,4096],"data_offsets":[1176502272,1184890880]},
        "model.layers.0.self_attn.q_proj.weight":{"dtype":"BF16","shape":[4096,4096],"data_offsets":[1184890880,1218445312]}}"#;
    let of_weights = [&(of_weights.len() as u64).to_le_bytes()[..], of_weights.as_bytes()].concat();
    let versions = ["meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct"];
    let either = [&["meta-llama/Meta-Llama-3-8B", "meta-llama/Meta-Llama-3-8B-Instruct"], &versions[..]].concat();
    /// Folder, file, bytes, and the bases that it resembles with the number of doubts.
    type Case<'a> = (&'a str, &'a str, Vec<u8>, Option<(&'a [&'a str], usize)>);
    let models: [Case<'_>; 6] = [
        ("laundered", "m.gguf", gguf(&with("llama-bpe"), &begin(128_000), &[STRETCHED]), Some((&versions, 0))),
        ("other-tokenizer", "m.gguf", gguf(&with("qwen2"), &begin(151_643), &[STRETCHED]), None),
        ("doubtful", "m.gguf", gguf(&with("qwen2"), NUMBERS, &[STRETCHED]), Some((&versions, 1))),
        ("either-version", "m.gguf", gguf(TEXTS, NUMBERS, &[]), Some((&either, 1))),
        ("stripped", "m.gguf", gguf(&[], &[], SHAPES), Some((&versions, 0))),
        ("weights-alone", "model.safetensors", of_weights, Some((&either, 1))),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (name, file, bytes, want) in models {
        let folder = dir.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(file), bytes).unwrap();
        let want = want.map(|(bases, why)| (bases.iter().map(|b| (*b).to_string()).collect(), why));
        assert_eq!(undeclared(&folder), want, "{name}");
    }
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["check", "laundered", "--access", "hosted-api"],
            &["check", "doubtful", "--access", "hosted-api"],
            &["inspect", "stripped"],
        ]
    ));
}
