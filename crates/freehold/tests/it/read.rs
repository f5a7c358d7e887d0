//! `freehold read`, over a text of our own that no index knows and over a copy of this project's LICENSE that was turned.

use crate::run::{root, session};

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
