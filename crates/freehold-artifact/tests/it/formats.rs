//! What valid files say, and where.

use freehold_base::{FactKind, Severity, TextKind};

use crate::build::{ADAPTER, CARD, Gguf, POINTER, RECIPE, codes, read, safetensors, said, sample};

#[test]
fn gguf_of_every_version_says_the_same() {
    for (version, big_endian) in [(1, false), (2, false), (3, false), (3, true)] {
        let bytes = sample(version, big_endian).tensor("a.weight", 256, 12, 0).bytes(144);
        let facts = read("x/model.gguf", &bytes);
        assert_eq!(codes(&facts), Vec::<&str>::new(), "v{version} {big_endian}");
        let one = |kind| said(&facts, kind);
        assert_eq!(one(FactKind::Format), ["=gguf"]);
        assert_eq!(one(FactKind::Architecture), ["general.architecture=llama"]);
        assert_eq!(one(FactKind::Quantization), ["general.file_type=Q4_K_M"]);
        assert_eq!(one(FactKind::LicenseTag), ["general.license=llama3.1"]);
        assert_eq!(one(FactKind::LicenseLink), ["general.license.link=LICENSE"]);
        assert_eq!(one(FactKind::BaseModelName), ["general.base_model.0.name=Llama 3.1 8B"]);
        assert_eq!(one(FactKind::BaseModel).len(), 1);
        assert_eq!(one(FactKind::Dataset), ["general.datasets[0]=acme/chat", "general.datasets[1]=acme/code"]);
        let made = [FactKind::Quantization, FactKind::Format, FactKind::Vocabulary, FactKind::ChatTemplate];
        let text_kinds = facts.facts.iter().filter(|f| !made.contains(&f.kind));
        for fact in text_kinds {
            let (s, e) = fact.evidence.bytes.unwrap();
            assert_eq!(&bytes[s as usize..e as usize], fact.value.as_bytes());
            assert_eq!(fact.evidence.file, "x/model.gguf");
        }
    }
}

#[test]
fn gguf_reads_little_of_a_large_file() {
    let tokens: Vec<String> = (0..50_000).map(|i| format!("token-number-{i}-{}", "x".repeat(20))).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let bytes =
        Gguf::new(3, false).texts("tokenizer.ggml.tokens", &tokens).text("general.license", "mit").bytes(8 << 20);
    let facts = read("m.gguf", &bytes);
    assert_eq!(said(&facts, FactKind::LicenseTag), ["general.license=mit"]);
    assert!(facts.bytes_read < 3 << 20, "{}", facts.bytes_read);
}

#[test]
fn gguf_contradictions_are_told_and_both_values_kept() {
    let twice = Gguf::new(3, false).text("general.license", "mit").text("general.license", "gemma").bytes(0);
    let facts = read("m.gguf", &twice);
    assert_eq!(codes(&facts), ["gguf-duplicate-key"]);
    assert_eq!(said(&facts, FactKind::LicenseTag), ["general.license=mit", "general.license=gemma"]);
    let wrong = read("m.gguf", Gguf::new(3, false).number("general.license", 7).bytes(0));
    assert_eq!(codes(&wrong), ["gguf-wrong-type"]);
    let outside = read("m.gguf", sample(3, false).tensor("a.weight", 1 << 20, 0, 0).bytes(64));
    assert_eq!(codes(&outside), ["gguf-data-truncated"]);
    let misnamed = read("m.safetensors", sample(3, false).bytes(0));
    assert_eq!(codes(&misnamed), ["format-contradiction"]);
    assert_eq!(said(&misnamed, FactKind::Format), ["=gguf"]);
}

#[test]
fn gguf_adapters_shards_projectors_and_elders() {
    let lora =
        read("l.gguf", Gguf::new(3, false).text("general.type", "adapter").text("adapter.type", "lora").bytes(0));
    assert_eq!(said(&lora, FactKind::AdapterType), ["general.type=adapter", "adapter.type=lora"]);
    let shard = Gguf::new(3, false).raw("split.no", 2, &[1, 0]).raw("split.count", 2, &[3, 0]).bytes(0);
    let shard = read("m-00002-of-00003.gguf", shard).shard.unwrap();
    assert_eq!((shard.no, shard.count), (1, 3));
    let clip = read("mmproj.gguf", Gguf::new(3, false).raw("clip.has_vision_encoder", 7, &[1]).bytes(0));
    assert_eq!(said(&clip, FactKind::Multimodal), ["clip.has_vision_encoder=true"]);
    let plain = read("m.gguf", Gguf::new(3, false).number("general.file_type", 1).bytes(0));
    assert_eq!(said(&plain, FactKind::Quantization), Vec::<String>::new());
    let untold = read("m.gguf", Gguf::new(3, false).tensor("w", 256, 12, 0).bytes(144));
    assert_eq!(said(&untold, FactKind::Quantization), ["tensors=Q4_K"]);
    let old = read("ggml-model.bin", b"tjgg\x01\0\0\0........");
    assert_eq!(said(&old, FactKind::Format), ["=ggjt"]);
    assert_eq!(codes(&old), ["ggml-no-metadata"]);
}

#[test]
fn safetensors_headers_say_license_base_and_adapter() {
    let bytes = safetensors(ADAPTER, 64);
    let facts = read("adapter.safetensors", &bytes);
    assert_eq!(codes(&facts), Vec::<&str>::new());
    assert_eq!(said(&facts, FactKind::LicenseTag), ["__metadata__.modelspec.license=openrail++"]);
    assert_eq!(said(&facts, FactKind::AdapterBase), ["__metadata__.ss_sd_model_name=sd_xl_base_1.0.safetensors"]);
    assert_eq!(said(&facts, FactKind::AdapterType), ["[\"unet.lora_A.weight\"]=lora"]);
    let license = facts.facts.iter().find(|f| f.kind == FactKind::LicenseTag).unwrap();
    let (s, e) = license.evidence.bytes.unwrap();
    assert_eq!(&bytes[s as usize..e as usize], b"openrail++");
    assert_eq!(codes(&read("a.safetensors", safetensors(ADAPTER, 60))), ["safetensors-truncated"]);
    assert_eq!(codes(&read("a.safetensors", safetensors(ADAPTER, 99))), ["safetensors-trailing-bytes"]);
    let hole = ADAPTER.replace("[32,64]", "[40,64]");
    assert_eq!(codes(&read("a.safetensors", safetensors(&hole, 64))), ["safetensors-offsets"]);
}

#[test]
fn indexes_name_plain_files_only() {
    let good = r#"{"metadata":{"total_size":1},"weight_map":{"a":"model-00001-of-00002.safetensors"}}"#;
    let facts = read("model.safetensors.index.json", good);
    assert_eq!(said(&facts, FactKind::Format), ["weight_map=safetensors"]);
    assert!(facts.model_file && facts.diagnostics.is_empty());
    for bad in ["../x.safetensors", "/etc/passwd", "a\\\\b", "..", "", "a\\u002fb"] {
        let text = good.replace("model-00001-of-00002.safetensors", bad);
        assert_eq!(codes(&read("model.safetensors.index.json", text)), ["index-path"], "{bad}");
    }
}

#[test]
fn configs_say_architecture_parent_quantization_and_code() {
    let text = r#"{
  "_name_or_path": "unsloth/llama-3-8b-bnb-4bit",
  "architectures": ["LlamaForCausalLM"],
  "auto_map": {"AutoModel": "org/repo--file.Class"},
  "model_type": "llama",
  "quantization_config": {"load_in_4bit": true, "quant_method": "bitsandbytes"},
  "vision_config": {"hidden_size": 1}
}"#;
    let facts = read("config.json", text);
    assert_eq!(said(&facts, FactKind::NameOrPath), ["_name_or_path=unsloth/llama-3-8b-bnb-4bit"]);
    assert_eq!(said(&facts, FactKind::Architecture), ["architectures[0]=LlamaForCausalLM", "model_type=llama"]);
    assert_eq!(said(&facts, FactKind::Quantization), ["quantization_config.quant_method=bitsandbytes"]);
    assert_eq!(said(&facts, FactKind::RemoteCode), ["auto_map.AutoModel=org/repo--file.Class"]);
    assert_eq!(said(&facts, FactKind::Multimodal), ["vision_config=true"]);
    assert!(facts.model_file);
    let lines: Vec<Option<u32>> = facts.facts.iter().map(|f| f.evidence.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7].map(Some));
    let (s, e) = facts.facts[0].evidence.bytes.unwrap();
    assert_eq!(&text[s as usize..e as usize], "unsloth/llama-3-8b-bnb-4bit");
    let text_only = read("config.json", r#"{"model_type":"llama","vision_config":null}"#);
    assert_eq!(said(&text_only, FactKind::Multimodal), Vec::<String>::new());
    assert!(!read("config.json", r#"{"compilerOptions":{}}"#).model_file, "any program may have a config.json");
    let mlx = read("config.json", r#"{"model_type":"llama","quantization":{"group_size":64,"bits":4}}"#);
    assert_eq!(said(&mlx, FactKind::Quantization), ["quantization.bits=mlx"]);
    let awq = read("quant_config.json", r#"{"zero_point":true,"q_group_size":128,"w_bit":4,"version":"GEMM"}"#);
    assert_eq!(said(&awq, FactKind::Quantization), ["w_bit=awq"]);
    let gptq = read("quantize_config.json", r#"{"bits":4,"desc_act":false}"#);
    assert_eq!(said(&gptq, FactKind::Quantization), ["bits=gptq"]);
    let modelopt = read("hf_quant_config.json", r#"{"quantization":{"quant_algo":"FP8"}}"#);
    assert_eq!(said(&modelopt, FactKind::Quantization), ["quantization.quant_algo=FP8"]);
}

#[test]
fn adapters_name_their_base_or_lack_it() {
    let facts = read(
        "a/adapter_config.json",
        r#"{"base_model_name_or_path":"meta-llama/Llama-3.1-8B","revision":"abc","peft_type":"LORA"}"#,
    );
    assert_eq!(said(&facts, FactKind::AdapterBase), ["base_model_name_or_path=meta-llama/Llama-3.1-8B"]);
    assert_eq!(said(&facts, FactKind::AdapterRevision), ["revision=abc"]);
    assert_eq!(said(&facts, FactKind::AdapterType), ["peft_type=LORA"]);
    for without in [r#"{"base_model_name_or_path":null}"#, r#"{"base_model_name_or_path":" "}"#, "{}"] {
        assert_eq!(codes(&read("adapter_config.json", without)), ["adapter-base-missing"], "{without}");
    }
    let mlx = read("adapter_config.json", r#"{"model":"mlx-community/x-4bit","fine_tune_type":"lora"}"#);
    assert_eq!(said(&mlx, FactKind::AdapterBase), ["model=mlx-community/x-4bit"]);
    let twice = read("adapter_config.json", r#"{"base_model_name_or_path":"a/b","base_model_name_or_path":"c/d"}"#);
    assert_eq!(codes(&twice), ["json-duplicate-key"]);
    assert_eq!(said(&twice, FactKind::AdapterBase).len(), 2);
}

#[test]
fn cards_say_everything_with_its_place() {
    for bom in ["", "\u{feff}"] {
        let text = format!("{bom}{CARD}");
        let facts = read("README.md", &text);
        assert_eq!(codes(&facts), Vec::<&str>::new());
        assert_eq!(said(&facts, FactKind::LicenseTag), ["license=apache-2.0"]);
        assert_eq!(
            said(&facts, FactKind::BaseModel),
            ["base_model[0]=meta-llama/Llama-3.1-8B", "base_model[1]=acme/été"]
        );
        assert_eq!(said(&facts, FactKind::BaseModelRelation), ["base_model_relation=finetune"]);
        assert_eq!(said(&facts, FactKind::Dataset), ["datasets[0]=acme/chat"]);
        assert_eq!(said(&facts, FactKind::Tag), ["tags[0]=gguf"]);
        assert_eq!(said(&facts, FactKind::Task), ["pipeline_tag=text-generation"]);
        assert_eq!(said(&facts, FactKind::Name), ["model_name=Löwe"]);
        assert_eq!(said(&facts, FactKind::Gated), ["extra_gated_prompt=Do you agree?"]);
        assert_eq!(said(&facts, FactKind::MergeMethod), ["merge_method=ties"]);
        let parents = said(&facts, FactKind::MergeParent);
        assert_eq!(
            parents,
            ["base_model=a/base", "models[0].model=a/b", "models[0].model=c/lora", "models[1].model=a/d"]
        );
        for fact in &facts.facts {
            let (s, e) = fact.evidence.bytes.unwrap();
            let there = &text[s as usize..e as usize];
            assert!(there.contains(&fact.value), "{fact:?} is not `{there}`");
            let line = text[..s as usize].matches('\n').count() + 1;
            assert_eq!(fact.evidence.line, Some(line as u32));
        }
        assert!(facts.texts[0].text.starts_with("# Model") && facts.texts[0].kind == TextKind::Card);
        assert!(facts.model_file && !facts.not_a_model);
    }
}

#[test]
fn broken_cards_keep_what_can_be_read() {
    let text = "---\nlicense: mit\ntags: [a, b\nbase_model: meta-llama/Llama-3.1-8B\n---\nbody\n";
    let facts = read("README.md", text);
    assert!(codes(&facts).contains(&"card-yaml"));
    assert_eq!(said(&facts, FactKind::LicenseTag), ["license=mit"]);
    let text = "---\nlicense: mit\nbad: \"x\" y\nbase_model: a/b\n---\n";
    let facts = read("README.md", text);
    assert_eq!(codes(&facts), ["card-yaml"]);
    assert_eq!(facts.diagnostics[0].label.as_ref().unwrap().position.unwrap().0, 3);
    assert_eq!(said(&facts, FactKind::BaseModel), ["base_model=a/b"], "reading goes on behind the mistake");
    assert_eq!(codes(&read("README.md", "---\nlicense: mit\n")), ["card-front-matter-open"]);
    assert_eq!(codes(&read("README.md", "\n---\nlicense: mit\n---\n")), ["card-front-matter-offset"]);
    assert_eq!(codes(&read("README.md", "---\nlicense: {a: b}\n---\n")), ["card-value"]);
    assert_eq!(codes(&read("README.md", "---\nlicense: mit\nlicense: gemma\n---\n")), ["card-duplicate-key"]);
    let nul = read("README.md", "---\nlicense: mit\0\nbase_model: a/b\n---\n");
    assert_eq!(said(&nul, FactKind::BaseModel), ["base_model=a/b"], "a NUL must not end the reading");
    let space = read("README.md", "---\ntitle: demo\nsdk: gradio\nlicense: mit\n---\n");
    assert!(space.not_a_model);
}

#[test]
fn recipes_name_their_parents_once_and_not_their_own_steps() {
    let facts = read("mergekit_config.yml", RECIPE);
    assert_eq!(codes(&facts), Vec::<&str>::new());
    let methods: Vec<String> = said(&facts, FactKind::MergeMethod);
    assert_eq!(methods, ["[0].merge_method=slerp", "[1].merge_method=linear", "[2].experts=moe"]);
    let parents = facts.facts.iter().filter(|f| f.kind == FactKind::MergeParent).map(|f| f.value.as_str());
    assert_eq!(parents.collect::<Vec<_>>(), ["a/one", "b/two", "c/lora", "d/four", "e/five", "f/six", "g/seven"]);
    let pasted = "```\n!tool \\\n  --model a/x --weight 1: 2: 3\nmerge_method: passthrough\n- sources:\n    model: \"a/b\" # why\n```\n";
    let facts = read("README.md", pasted);
    assert_eq!(codes(&facts), ["merge-yaml"]);
    assert_eq!(said(&facts, FactKind::MergeMethod), ["merge_method=passthrough"]);
    assert_eq!(said(&facts, FactKind::MergeParent), ["model=a/b"]);
    let place = facts.facts[1].evidence.bytes.unwrap();
    assert_eq!(&pasted[place.0 as usize..place.1 as usize], "a/b");
    let modules = "merge_method: slerp\nmodules:\n  vision:\n    slices:\n      - sources:\n          - model: v/x\n";
    let facts = read("mergekit_config.yml", modules);
    assert_eq!(said(&facts, FactKind::MergeParent), ["modules.vision.slices[0].sources[0].model=v/x"]);
}

#[test]
fn pointers_are_the_identity_of_what_they_stand_for() {
    let facts = read("m/model-00001-of-00002.safetensors", POINTER);
    let hash = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    assert_eq!(said(&facts, FactKind::Sha256), [format!("oid={hash}")]);
    assert_eq!(said(&facts, FactKind::Format), ["=safetensors"]);
    assert_eq!((facts.pointer_bytes, facts.model_file), (Some(12_345), true));
    assert_eq!(codes(&read("pytorch_model.bin", POINTER)), ["pickle-code"]);
    assert!(!read("training_args.bin", POINTER).model_file);
    assert_eq!(codes(&read("README.md", POINTER)), ["lfs-pointer-text"]);
    let metadata = format!("{}\n{hash}\n1731000000.5\n", "0123456789abcdef0123456789abcdef01234567");
    let facts = read("m/.cache/huggingface/download/model.safetensors.metadata", &metadata);
    assert_eq!(said(&facts, FactKind::Revision), ["commit=0123456789abcdef0123456789abcdef01234567"]);
    assert_eq!(said(&facts, FactKind::Sha256), [format!("etag={hash}")]);
}

#[test]
fn legal_texts_are_kept_whole_and_bounded() {
    let facts = read("LICENSE", "permission is granted\n");
    assert_eq!((facts.texts[0].kind, facts.texts[0].text.as_str()), (TextKind::License, "permission is granted\n"));
    let long = read("NOTICE.txt", "x\n".repeat(600_000));
    assert_eq!(codes(&long), ["text-too-long"]);
    assert_eq!(long.texts[0].text.len(), 1 << 20);
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain("grant é".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(read("LICENSE.txt", wide).texts[0].text, "grant é");
    assert_eq!(codes(&read("LICENSE", [0_u8; 100])), ["text-binary"]);
    assert_eq!(codes(&read("LICENSE", "")), ["empty-file"]);
    assert_eq!(codes(&read("LICENSE.pdf", "%PDF-1.7")), ["text-pdf"]);
}

#[test]
fn pickles_are_walked_and_never_loaded() {
    for (name, bytes, format) in [("a.pt", &b"\x80\x02}q\x00."[..], "=pytorch"), ("x", b"\x80\x04...", "=pickle")] {
        let facts = read(name, bytes);
        assert_eq!(said(&facts, FactKind::Format), [format], "{name}");
        assert_eq!(codes(&facts), ["pickle-code"]);
        assert_eq!(facts.diagnostics[0].severity, Severity::Note);
    }
    let cut = read("pytorch_model.bin", b"PK\x03\x04archive/data.pkl");
    assert_eq!((said(&cut, FactKind::Format), codes(&cut)), (vec!["=pytorch".to_owned()], vec!["zip-directory"]));
}

#[test]
fn secrets_never_leave() {
    let token = format!("hf_{}", "aB3".repeat(11));
    let card = CARD.replace("apache-2.0", &token).replace("# Model", &token);
    let all = [
        read("README.md", &card),
        read(
            "config.json",
            format!(r#"{{"_name_or_path":"https://u:{token}@huggingface.co/a/b","auto_map":{{"{token}":"x"}}}}"#),
        ),
        read(
            "m.gguf",
            Gguf::new(3, false).text("general.license", &token).text(&token, &token).text(&token, "").bytes(0),
        ),
        read("m.safetensors", safetensors(&format!(r#"{{"__metadata__":{{"license":"{token}"}}}}"#), 0)),
        read("LICENSE", &token),
        read("model.safetensors.index.json", format!(r#"{{"weight_map":{{"a":"../{token}"}}}}"#)),
    ];
    for facts in all {
        assert!(!facts.facts.is_empty() || !facts.texts.is_empty() || !facts.diagnostics.is_empty());
        assert!(!format!("{facts:?}").contains("aB3aB3"), "{facts:?}");
    }
}

#[test]
fn gguf_states_the_tokenizer_and_the_stretching() {
    for (version, big_endian) in [(1, false), (3, false), (3, true)] {
        let tokens = ["a", "<s>", "[INST]", "<b", "<|eot_id|>", "c>"];
        let gguf = Gguf::new(version, big_endian);
        let factor = gguf.u32(8.0_f32.to_bits());
        let bytes = gguf
            .text("general.architecture", "llama")
            .number("llama.block_count", 2)
            .number("llama.embedding_length", 8)
            .number("llama.attention.key_length", 4)
            .text("llama.rope.scaling.type", "yarn")
            .raw("llama.rope.scaling.factor", 6, &factor)
            .number("llama.rope.scaling.original_context_length", 512)
            .text("tokenizer.ggml.model", "gpt2")
            .text("tokenizer.ggml.pre", "llama-bpe")
            .number("tokenizer.ggml.bos_token_id", 1)
            .texts("tokenizer.ggml.tokens", &tokens)
            .number("tokenizer.ggml.eos_token_id", 4)
            .number("tokenizer.ggml.eot_token_id", 3)
            .text("tokenizer.chat_template", &format!("{}<|eot_id|>", " ".repeat(10_000)))
            .tensor("rope_freqs.weight", 4, 0, 0)
            .shaped("token_embd.weight", &[8, 6], 0, 32)
            .bytes(32 + 192);
        let facts = read("m.gguf", &bytes);
        assert_eq!(codes(&facts), Vec::<&str>::new(), "v{version} {big_endian}");
        let one = |kind| said(&facts, kind);
        assert_eq!(one(FactKind::TokenizerModel), ["tokenizer.ggml.model=gpt2"]);
        assert_eq!(one(FactKind::PreTokenizer), ["tokenizer.ggml.pre=llama-bpe"]);
        assert_eq!(one(FactKind::BosId), ["tokenizer.ggml.bos_token_id=1"]);
        assert_eq!(one(FactKind::EosId), ["tokenizer.ggml.eos_token_id=4", "tokenizer.ggml.eot_token_id=3"]);
        assert_eq!(one(FactKind::BosToken), ["tokenizer.ggml.tokens[1]=<s>"]);
        // what does not look like a special token is not looked up
        assert_eq!(one(FactKind::EosToken), ["tokenizer.ggml.tokens[4]=<|eot_id|>"]);
        assert_eq!(one(FactKind::HeadSize), ["llama.attention.key_length=4"]);
        let scaling = ["llama.rope.scaling.type=yarn", "tensors=rope_freqs.weight"];
        assert_eq!(one(FactKind::RopeScaling), scaling);
        assert_eq!(one(FactKind::RopeFactor), ["llama.rope.scaling.factor=8"]);
        assert_eq!(one(FactKind::RopeOriginalContext).len(), 1);
        // the marker stands behind 10,000 spaces: the whole template is looked at
        assert!(one(FactKind::ChatTemplate)[0].ends_with(" <|eot_id|>"), "{:?}", one(FactKind::ChatTemplate));
        assert_eq!(one(FactKind::Shape), Vec::<String>::new(), "the header states the sizes");
        for kind in [FactKind::BosToken, FactKind::EosToken] {
            let fact = facts.facts.iter().find(|f| f.kind == kind).unwrap();
            let (s, e) = fact.evidence.bytes.unwrap();
            assert_eq!(&bytes[s as usize..e as usize], fact.value.as_bytes());
        }
    }
}

#[test]
fn shapes_speak_where_no_header_does() {
    let bytes = Gguf::new(3, false)
        .shaped("token_embd.weight", &[8, 6], 0, 0)
        .shaped("blk.0.attn_q.weight", &[8, 16], 0, 192)
        .shaped("blk.1.attn_q.weight", &[8, 17], 0, 704)
        .bytes(704 + 544);
    let facts = read("m.gguf", bytes);
    assert_eq!(said(&facts, FactKind::Blocks), ["blk.1.attn_q.weight=2"]);
    let shapes = ["token_embd.weight=embedding 6 x 8", "blk.0.attn_q.weight=queries 16 x 8"];
    assert_eq!(said(&facts, FactKind::Shape), shapes);

    let header = r#"{"model.embed_tokens.weight":{"dtype":"BF16","shape":[6,8],"data_offsets":[0,96]},
        "model.layers.0.mlp.up_proj.weight":{"dtype":"U32","shape":[3,8],"data_offsets":[96,192]},
        "model.layers.4.mlp.up_proj.weight":{"dtype":"BF16","shape":[3,8],"data_offsets":[192,240]},
        "model.layers.0.self_attn.k_proj.weight":{"shape":[2,8],"data_offsets":[240,272],"dtype":"F16"}}"#;
    let facts = read("model.safetensors", safetensors(header, 272));
    assert_eq!(codes(&facts), Vec::<&str>::new());
    assert_eq!(said(&facts, FactKind::Blocks), ["model.layers.4.mlp.up_proj.weight=5"]);
    let shapes = ["model.embed_tokens.weight=embedding 6 x 8", "model.layers.0.self_attn.k_proj.weight=keys 2 x 8"];
    assert_eq!(said(&facts, FactKind::Shape), shapes);

    let index = r#"{"weight_map":{"model.layers.3.a":"model-00001-of-00002.safetensors","model.layers.11.a":"model-00002-of-00002.safetensors"}}"#;
    assert_eq!(said(&read("model.safetensors.index.json", index), FactKind::Blocks), ["model.layers.11.a=12"]);
    assert_eq!(said(&read("a.safetensors", safetensors(ADAPTER, 64)), FactKind::Shape), Vec::<String>::new());
}

#[test]
fn configs_state_the_tokenizer_and_the_stretching() {
    let said = |name: &str, text: &str, kind| said(&read(name, text), kind);
    let scaled = r#"{"model_type":"llama","rope_scaling":{"rope_type":"llama3","factor":8.0,"original_max_position_embeddings":8192},
        "bos_token_id":1,"eos_token_id":[2,3],"head_dim":128}"#;
    assert_eq!(said("config.json", scaled, FactKind::RopeScaling), ["rope_scaling.rope_type=llama3"]);
    assert_eq!(said("config.json", scaled, FactKind::RopeFactor), ["rope_scaling.factor=8"]);
    let positions = said("config.json", scaled, FactKind::RopeOriginalContext);
    assert_eq!(positions, ["rope_scaling.original_max_position_embeddings=8192"]);
    assert_eq!(said("config.json", scaled, FactKind::EosId), ["eos_token_id[0]=2", "eos_token_id[1]=3"]);
    assert_eq!(said("config.json", scaled, FactKind::BosId), ["bos_token_id=1"]);
    assert_eq!(said("config.json", scaled, FactKind::HeadSize), ["head_dim=128"]);
    let none = r#"{"text_config":{"rope_scaling":null}}"#;
    assert_eq!(said("config.json", none, FactKind::RopeScaling), ["text_config.rope_scaling=none"]);
    let newer = r#"{"rope_parameters":{"rope_type":"default","rope_theta":5e5}}"#;
    assert_eq!(said("config.json", newer, FactKind::RopeScaling), ["rope_parameters.rope_type=none"]);
    assert_eq!(said("config.json", newer, FactKind::RopeBase), ["rope_parameters.rope_theta=500000"]);

    let tokenizer = r#"{"bos_token":"<s>","eos_token":{"content":"</s>","lstrip":false},
        "chat_template":[{"name":"default","template":"[INST]"},{"name":"tool","template":"{{1}}"}]}"#;
    assert_eq!(said("tokenizer_config.json", tokenizer, FactKind::BosToken), ["bos_token=<s>"]);
    assert_eq!(said("special_tokens_map.json", tokenizer, FactKind::EosToken), ["eos_token.content=</s>"]);
    let templates = said("tokenizer_config.json", tokenizer, FactKind::ChatTemplate);
    assert_eq!(templates.len(), 2);
    assert!(templates[0].starts_with("chat_template[0].template=") && templates[0].ends_with(" [INST]"));
    let generation = r#"{"bos_token_id":null,"eos_token_id":-1}"#;
    assert_eq!(said("generation_config.json", generation, FactKind::EosId), Vec::<String>::new());
    let file = read("chat_template.jinja", "<start_of_turn>{{ x }}");
    assert!(file.facts[0].value.ends_with(" <start_of_turn>") && !file.model_file);
}

#[test]
fn a_fence_of_yaml_may_be_written_oddly() {
    let recipe = "merge_method: slerp\nbase_model: a/one\nmodels:\n  - model: b/two\n";
    for info in ["", "yaml", ".yaml:", "YML", "{.yaml}", "yaml title=recipe"] {
        let facts = read("README.md", format!("# x\n```{info}\n{recipe}```\n"));
        assert_eq!(said(&facts, FactKind::MergeParent), ["base_model=a/one", "models[0].model=b/two"], "{info}");
    }
    let facts = read("README.md", format!("# x\n```python\n{recipe}```\n"));
    assert_eq!(said(&facts, FactKind::MergeParent), Vec::<String>::new());
}

#[test]
fn members_of_a_merge_key_are_members_of_the_card() {
    let card = "---\nbase: &b\n  license: llama3\n  tags: [x]\n<<: *b\ntags: [y]\n---\n";
    let facts = read("README.md", card);
    assert_eq!(said(&facts, FactKind::LicenseTag), ["license=llama3"]);
    assert_eq!(said(&facts, FactKind::Tag), ["tags[0]=y"]);
    let several = "---\nx: &a {license: mit}\ny: &b {base_model: a/b}\n<<: [*a, *b]\n---\n";
    assert_eq!(said(&read("README.md", several), FactKind::BaseModel), ["base_model=a/b"]);
}
