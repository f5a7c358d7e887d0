//! The gate before a training, for each trainer's own configurations; and the studio from a recipe to a bundle.

use std::fs;
use std::path::Path;

use crate::run::{root, run};

const AS_OF: &str = "--as-of=2026-11-24";

/// Status, standard output and standard error of a gate over one file.
fn gate(name: &str, text: &str, more: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    let mut args = vec!["tune", "gate", name, AS_OF];
    args.extend(more);
    let (code, out, err) = run(dir.path(), &args);
    format!("status {code}\n\n{out}\n--\n{err}")
}

const SMALL: [&str; 6] = [
    "--commercial",
    "--access=weights",
    "--activities=none",
    "--set=organization.monthly_active_users_at_license_release=1000",
    "--set=organization.affiliates_monthly_active_users_at_license_release=0",
    "--country=US",
];

#[test]
fn a_plan_whose_name_lacks_its_prefix() {
    let text = "base_model: meta-llama/Llama-3.2-1B\nadapter: qlora\ndatasets:\n  - path: acme/tickets\n    type: chat_template\nhub_model_id: acme/support-bot\n";
    insta::assert_snapshot!("tune_gate_axolotl", gate("axolotl.yml", text, &SMALL));
}

#[test]
fn a_plan_that_is_prohibited() {
    let text = "model_name_or_path: mistralai/Ministral-8B-Instruct-2410\nstage: sft\nfinetuning_type: lora\ndataset: own\noutput_dir: saves/x\nexport_hub_model_id: acme/bot\n";
    insta::assert_snapshot!(
        "tune_gate_llama_factory",
        gate("sft.yaml", text, &["--commercial", "--access=hosted-api"])
    );
}

#[test]
fn a_merge_of_two_licenses() {
    let text = "models:\n  - model: Qwen/Qwen2.5-7B-Instruct\n  - model: meta-llama/Llama-3.1-8B-Instruct\nmerge_method: slerp\nbase_model: Qwen/Qwen2.5-7B-Instruct\n";
    insta::assert_snapshot!(
        "tune_gate_mergekit",
        gate("merge.yml", text, &["--name=Llama-blend", "--access=internal", "--commercial"])
    );
}

#[test]
fn a_program_whose_base_is_a_variable() {
    let text = "import os\nfrom trl import SFTTrainer, SFTConfig\nfrom datasets import load_dataset\ndata = load_dataset(\"acme/chats\", split=\"train\")\ntrainer = SFTTrainer(model=\"Qwen/Qwen3-8B\", args=SFTConfig(output_dir=\"out\"), train_dataset=data)\n";
    insta::assert_snapshot!("tune_gate_trl", gate("train.py", text, &["--commercial", "--access=internal"]));
    let text = "from unsloth import FastLanguageModel\nmodel, tokenizer = FastLanguageModel.from_pretrained(model_name=os.environ[\"BASE\"], max_seq_length=2048)\nmodel = FastLanguageModel.get_peft_model(model, r=16)\n";
    insta::assert_snapshot!("tune_gate_unsloth", gate("tune.py", text, &["--commercial", "--access=internal"]));
}

#[test]
fn what_is_no_plan_is_told() {
    let mut all = String::new();
    for (name, text) in [
        ("compose.yaml", "services:\n  web:\n    image: nginx\n"),
        ("broken.yaml", "base_model: a/b\n\tadapter: lora\n"),
        (
            "serve.py",
            "from transformers import AutoModelForCausalLM\nm = AutoModelForCausalLM.from_pretrained(\"Qwen/Qwen3-8B\")\n",
        ),
        ("recipe.toml", "name = \"x\"\n[base]\npth = \"base\"\n[use]\nacess = \"weights\"\n"),
    ] {
        all.push_str(&format!("{name}: {}\n", gate(name, text, &[])));
    }
    let (code, _, err) = run(&root(), &["tune", "gate", "absent.yaml", "/dev/null"]);
    all.push_str(&format!("status {code}\n{err}"));
    insta::assert_snapshot!("tune_gate_mistakes", all);
}

/// What a recipe says of its base's license is a declaration: the publisher's terms stand over it.
#[test]
fn a_recipe_cannot_lift_the_terms_of_a_base_that_the_catalog_knows() {
    let of = |license: &str| {
        let text = format!(
            "name = \"bot\"\n[base]\npath = \"b\"\nmodel = \"mistralai/Ministral-8B-Instruct-2410\"\nlicense = \"{license}\"\n[[dataset]]\npath = \"d.jsonl\"\nlicense = \"own\"\n[use]\naccess = \"hosted-api\"\ncommercial = true\n"
        );
        gate("r.toml", &text, &[])
    };
    for license in ["mit", "apache-2.0", "own"] {
        let said = of(license);
        assert!(said.starts_with("status 1") && said.contains("needs-separate-license"), "{license}: {said}");
    }
}

/// `check` and `why` judge the same plan.
#[test]
fn other_commands_judge_a_configuration_as_what_it_plans() {
    let dir = tempfile::tempdir().unwrap();
    let text = "base_model: meta-llama/Llama-3.2-1B\nadapter: lora\ndatasets: []\nhub_model_id: acme/bot\n";
    fs::write(dir.path().join("a.yml"), text).unwrap();
    let mut args = vec!["check", "a.yml", AS_OF];
    args.extend(SMALL);
    let (_, out, _) = run(dir.path(), &args);
    assert!(out.contains("planned in axolotl's configuration") && out.contains("must begin with “Llama”"), "{out}");
    let mut args = vec!["why", "name-prefix-llama", "a.yml", AS_OF];
    args.extend(SMALL);
    let (code, out, err) = run(dir.path(), &args);
    assert!(code == 0 && out.contains("1.b.i"), "{out}{err}");
}

/// A small base whose weights follow from a formula, with a tokenizer of bytes.
fn base(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let (hidden, words, feed, layers) = (32usize, 264usize, 64usize, 2usize);
    let config = serde_json::json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": words, "intermediate_size": feed,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": false,
        "bos_token_id": 256, "eos_token_id": 257,
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let mut shapes = vec![
        ("model.embed_tokens.weight".to_string(), vec![words, hidden]),
        ("lm_head.weight".into(), vec![words, hidden]),
        ("model.norm.weight".into(), vec![hidden]),
    ];
    for i in 0..layers {
        for (name, shape) in [
            ("input_layernorm", vec![hidden]),
            ("post_attention_layernorm", vec![hidden]),
            ("self_attn.q_proj", vec![hidden, hidden]),
            ("self_attn.k_proj", vec![hidden / 2, hidden]),
            ("self_attn.v_proj", vec![hidden / 2, hidden]),
            ("self_attn.o_proj", vec![hidden, hidden]),
            ("mlp.gate_proj", vec![feed, hidden]),
            ("mlp.up_proj", vec![feed, hidden]),
            ("mlp.down_proj", vec![hidden, feed]),
        ] {
            shapes.push((format!("model.layers.{i}.{name}.weight"), shape));
        }
    }
    let (mut header, mut data, mut state) = (serde_json::Map::new(), Vec::new(), 7u64);
    for (name, shape) in shapes {
        let from = data.len();
        for _ in 0..shape.iter().product::<usize>() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = (state >> 40) as f32 / 8_388_608.0 - 1.0;
            let value = if name.contains("norm") { 1.0 + 0.1 * unit } else { 0.15 * unit };
            data.extend(value.to_le_bytes());
        }
        header.insert(name, serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [from, data.len()]}));
    }
    let text = serde_json::Value::Object(header).to_string();
    let mut file = (text.len() as u64).to_le_bytes().to_vec();
    file.extend(text.bytes());
    file.extend(data);
    fs::write(folder.join("model.safetensors"), file).unwrap();
    // every byte by its own letter, as byte-level tokenizers have them
    let printable = |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    let mut next = 256;
    let mut vocabulary = serde_json::Map::new();
    for b in 0..256u32 {
        let letter = if printable(b) {
            b
        } else {
            next += 1;
            next - 1
        };
        vocabulary.insert(char::from_u32(letter).unwrap().to_string(), b.into());
    }
    let special = |id: u32, text: &str| serde_json::json!({"id": id, "content": text, "special": true, "normalized": false, "lstrip": false, "rstrip": false, "single_word": false});
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [special(256, "<|im_start|>"), special(257, "<|im_end|>")],
        "normalizer": null, "post_processor": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": [], "fuse_unk": false, "byte_fallback": false, "ignore_merges": false},
    });
    fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    fs::write(folder.join("tokenizer_config.json"), "{\"eos_token\": \"<|im_end|>\"}").unwrap();
}

fn recipe(name: &str) -> String {
    format!(
        "name = \"{name}\"\n[base]\npath = \"base\"\nmodel = \"meta-llama/Llama-3.2-1B\"\n[[dataset]]\npath = \"train.jsonl\"\nname = \"acme/words\"\nlicense = \"own\"\n[adapter]\nrank = 4\n[data]\nsequence_length = 128\ntemplate = \"chatml\"\nevaluation = 0.2\n[training]\nsteps = 6\nbatch = 4\nlearning_rate = 0.01\n[probe]\nprompts = [\"word 1\"]\ntokens = 4\n[output]\nformats = [\"Q8_0\"]\n[use]\naccess = \"weights\"\ncommercial = true\nactivities = []\n[organization]\ncountry = \"US\"\nmonthly_active_users_at_license_release = 1000\naffiliates_monthly_active_users_at_license_release = 0\n"
    )
}

/// The whole way, with texts of licenses that stand in for theirs: the bundle, its sums, its record, and that nothing is
/// trained that may not be used.
#[test]
fn from_a_recipe_to_a_bundle() {
    if !Path::new(env!("CARGO_BIN_EXE_freehold")).with_file_name("freehold-studio").is_file() {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "skipped: freehold-studio is not built beside freehold");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path();
    base(&here.join("base"));
    let rows: String =
        (0..40).map(|i| format!("{{\"input\": \"word {}\", \"output\": \"w{}\"}}\n", i % 5, i % 5)).collect();
    fs::write(here.join("train.jsonl"), rows).unwrap();
    fs::write(here.join("r.toml"), recipe("words")).unwrap();
    let (code, out, err) = run(here, &["tune", "r.toml", AS_OF]);
    assert!(
        code == 1 && err.contains("the name must begin with “Llama”") && err.contains("name = \"Llama-words\""),
        "{out}{err}"
    );
    assert!(!here.join("words").exists(), "nothing is written for what is refused");

    fs::write(
        here.join("r.toml"),
        recipe("Llama-words").replace("commercial = true", "commercial = true\ndeployment_country = \"US\""),
    )
    .unwrap();
    assert_eq!(run(here, &["register", "init", "--register", "reg.db", "--as", "me"]).0, 0);
    let (code, out, err) = run(here, &["tune", "r.toml", AS_OF, "--register", "reg.db", "--as", "me"]);
    let bundle = here.join("Llama-words/bundle");
    // without the license's text at hand its copy cannot be written, and check says so
    assert!(code == 1 && out.contains("wrote     model.gguf (Q8_0"), "status {code}: {out}{err}");
    for name in
        ["model.gguf", "Modelfile", "README.md", "NOTICE", "SHA256SUMS", "bom.cdx.json", "adapter/adapter_config.json"]
    {
        assert!(bundle.join(name).is_file(), "{name}: {out}{err}");
    }
    let sums = fs::read_to_string(bundle.join("SHA256SUMS")).unwrap();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let bytes = fs::read(bundle.join(name)).unwrap();
        let own: String = <sha2::Sha256 as sha2::Digest>::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(own, sum, "{name}");
    }
    let (_, header, _) = run(here, &["inspect", "Llama-words/bundle/model.gguf"]);
    for said in ["llama-3.2", "Llama 3.2 1B", "Llama-words"] {
        assert!(header.contains(said), "{said} in {header}");
    }
    let (code, record, _) = run(here, &["register", "show", "Llama-words", "--register", "reg.db"]);
    assert!(code == 0 && record.contains("meta-llama/Llama-3.2-1B"), "{record}");
    // the texts at hand make it clear, and the training is not done again
    let texts = root().join("../shared/data/licenses/texts");
    if texts.is_dir() {
        let before = fs::read(bundle.join("model.gguf")).unwrap();
        let (code, out, err) = run(here, &["tune", "r.toml", AS_OF, "--texts", &texts.display().to_string()]);
        assert!(code == 0, "status {code}: {out}{err}");
        assert!(fs::read(bundle.join("model.gguf")).unwrap() == before, "the same training, the same bytes");
    }
}
