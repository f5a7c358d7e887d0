//! One plain function for each parser, for fuzzers and for the replay of their corpora. None may panic, hang or
//! allocate beyond its input's order of magnitude, whatever the bytes.

use crate::{FileFacts, ReadAt, read_file};

fn run(name: &str, data: &[u8]) -> FileFacts {
    let facts = read_file(name, &data);
    assert!(facts.facts.iter().all(|f| f.value.len() <= freehold_base::Fact::VALUE_BYTES_MAX), "a value is too long");
    let size = data.size();
    let inside = |place: Option<(u64, u64)>| place.is_none_or(|(s, e)| s <= e && e <= size);
    assert!(facts.facts.iter().all(|f| inside(f.evidence.bytes)), "evidence lies outside the file");
    facts
}

/// GGUF and its predecessors.
pub fn fuzz_gguf(data: &[u8]) {
    run("model.gguf", data);
}

/// safetensors headers.
pub fn fuzz_safetensors(data: &[u8]) {
    run("model.safetensors", data);
}

/// Shard indexes.
pub fn fuzz_index(data: &[u8]) {
    run("model.safetensors.index.json", data);
}

/// Every JSON config, and a chat template.
pub fn fuzz_config(data: &[u8]) {
    for name in [
        "config.json",
        "adapter_config.json",
        "tokenizer_config.json",
        "quantize_config.json",
        "model_index.json",
        "chat_template.jinja",
    ] {
        run(name, data);
    }
}

/// Model cards.
pub fn fuzz_card(data: &[u8]) {
    run("README.md", data);
}

/// Merge recipes.
pub fn fuzz_merge(data: &[u8]) {
    run("mergekit_config.yml", data);
}

/// git-lfs pointers and download metadata.
pub fn fuzz_pointer(data: &[u8]) {
    run("model-00001-of-00002.bin", data);
    run(".cache/huggingface/download/model.safetensors.metadata", data);
}

/// New keys in a GGUF header: what is written reads back with those keys, and the tensors' bytes are the old ones.
pub fn fuzz_gguf_edit(data: &[u8]) {
    let Ok(header) = crate::gguf_header("model.gguf", &data) else { return };
    let text = |t: &str| crate::GgufValue::Text(t.to_owned());
    let set = [
        ("general.license".to_owned(), text("mit")),
        ("general.base_model.count".to_owned(), crate::GgufValue::Number(1)),
        ("general.base_model.0.repo_url".to_owned(), text("https://huggingface.co/a/b")),
    ];
    let plan = header.with(&set, &["general.base_model.".to_owned()]).expect("short texts");
    let written = crate::gguf_bytes(&plan, &data).expect("a slice reads");
    assert_eq!(written.size(), plan.bytes, "the length is the planned one");
    let again = crate::gguf_header("model.gguf", &written).expect("what is written is read");
    assert_eq!(again.text("general.license"), Some("mit"));
    assert_eq!(again.data(&written), header.data(data), "data moved");
    assert!(again.with(&set, &["general.base_model.".to_owned()]).expect("short texts").changes.is_empty());
}

/// New fields in a card: what is written reads back, whatever the card was.
pub fn fuzz_card_edit(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let field = crate::CardField {
        key: "license".into(),
        values: vec!["a: b #c".into()],
        list: false,
        replace: true,
        after: &["base_model"],
    };
    if let Ok(out) = crate::edit_card(text, std::slice::from_ref(&field)) {
        assert_eq!(crate::card_values(&out, "license"), field.values);
        assert_eq!(crate::edit_card(&out, &[field]).as_deref(), Ok(out.as_str()));
    }
}

/// Legal texts.
pub fn fuzz_legal(data: &[u8]) {
    run("LICENSE", data);
}

/// Pickles: raw, in a row, behind an array's header.
pub fn fuzz_pickle(data: &[u8]) {
    for name in ["model.pkl", "pytorch_model.bin", "array.npy", "model.joblib"] {
        run(name, data);
    }
}

/// Zip archives of torch, numpy and llamafile.
pub fn fuzz_zip(data: &[u8]) {
    for name in ["model.pt", "weights.npz", "model.llamafile", "some.zip"] {
        run(name, data);
    }
}

/// Tar archives of NeMo and of torch's first years.
pub fn fuzz_tar(data: &[u8]) {
    run("model.nemo", data);
    run("model.pt", data);
}

/// Archives of whole products and images.
pub fn fuzz_members(data: &[u8]) {
    crate::members::read_all("product.zip", &data);
}

/// ONNX.
pub fn fuzz_onnx(data: &[u8]) {
    run("model.onnx", data);
}

/// TensorFlow Lite.
pub fn fuzz_tflite(data: &[u8]) {
    run("model.tflite", data);
}

/// Keras archives, HDF5.
pub fn fuzz_keras(data: &[u8]) {
    run("model.keras", data);
    run("model.h5", data);
}

/// Core ML models and package manifests.
pub fn fuzz_coreml(data: &[u8]) {
    run("model.mlmodel", data);
    run("model.mlpackage/Manifest.json", data);
}

/// Ollama's recipes, and license statements of one word or many.
pub fn fuzz_modelfile(data: &[u8]) {
    run("Modelfile", data);
    crate::read_license("blobs/license", "", &data);
}

/// Manifests of blob stores and their configs.
pub fn fuzz_manifest(data: &[u8]) {
    let manifest = crate::manifest::Manifest::parse(data, "manifest", 64);
    assert!(manifest.layers.len() <= 64, "more layers than were asked for");
    assert!(manifest.layers.iter().all(|l| l.digest.hex().len() == 64), "a digest is a path");
    let inside = |name: &String| crate::labels::stays_inside(name);
    assert!(manifest.layers.iter().all(|l| l.name.as_ref().is_none_or(inside)), "a name leaves its folder");
    assert!(crate::manifest::read_config(data, "config").said.texts.is_empty(), "a config has no text");
}

/// Files that tools write beside weights.
pub fn fuzz_sidecar(data: &[u8]) {
    for name in ["x.civitai.info", "x.json", "model.yml", "model.yaml", "manifest.json", "gpt-4.yaml"] {
        let said = run(name, data);
        // a recipe may name files anywhere
        let recipe = crate::modelfile::is_generated(data);
        assert!(recipe || said.made_from.iter().all(|f| !f.contains('/')), "a file of another folder");
    }
}

/// OpenVINO's XML.
pub fn fuzz_openvino(data: &[u8]) {
    run("openvino_model.xml", data);
}

/// A parser under fuzz.
pub type Target = fn(&[u8]);

/// Each parser by the name of its corpus folder.
pub const ALL: &[(&str, Target)] = &[
    ("gguf", fuzz_gguf),
    ("safetensors", fuzz_safetensors),
    ("index", fuzz_index),
    ("config", fuzz_config),
    ("card", fuzz_card),
    ("merge", fuzz_merge),
    ("pointer", fuzz_pointer),
    ("legal", fuzz_legal),
    ("pickle", fuzz_pickle),
    ("zip", fuzz_zip),
    ("tar", fuzz_tar),
    ("members", fuzz_members),
    ("onnx", fuzz_onnx),
    ("tflite", fuzz_tflite),
    ("keras", fuzz_keras),
    ("coreml", fuzz_coreml),
    ("modelfile", fuzz_modelfile),
    ("manifest", fuzz_manifest),
    ("sidecar", fuzz_sidecar),
    ("openvino", fuzz_openvino),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::{coreml, keras, manifest, onnx, openvino, sidecar, tar, tflite, zip};

    const TENSOR: &[u8] = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.";
    const CALL: &[u8] = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.";
    const STACK: &[u8] =
        b"\x80\x04\x95\x1f\0\0\0\0\0\0\0}(\x8c\x0doutput_dir\x94\x8c\x01xu\x8c\x02os\x94\x8c\x06system\x94\x93)R.";
    const LEGACY: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\0.\x01\0\0\0\0\0\0\0";

    /// Small files of the containers, each with the folder and name of its seed.
    fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
        let npy = [&b"\x93NUMPY\x01\0\x1e\0"[..], b"{'descr': '|O', 'shape': (1,)}", TENSOR].concat();
        let gguf = [&b"GGUF\x03\0\0\0"[..], &[0; 56]].concat();
        let config = keras::tests::config("Lambda", "keras.layers");
        let h5 = [&b"\x89HDF\r\n\x1a\n\0keras_version\0"[..], config.as_bytes(), b"\0"].concat();
        let torch =
            zip::tests::archive(b"", &[("m/data.pkl", "m/data.pkl", 0, TENSOR), ("m/data/0", "m/data/0", 0, &[0; 16])]);
        let yaml = b"target: nemo.X\nlicense: CC-BY-4.0\n";
        let manifest =
            br#"{"itemInfoEntries":{"A":{"path":"com.apple.CoreML/model.mlmodel"}},"rootModelIdentifier":"A"}"#;
        let blob = format!("FROM /x/blobs/sha256-{}\n", "0".repeat(64));
        let generated = format!("# Modelfile generated by \"ollama show\"\n# FROM llama3.1:8b\n\n{blob}");
        let sidecars = sidecar::tests::EXAMPLES;
        let sidecars = sidecars
            .iter()
            .map(|(name, text)| ("sidecar", name.rsplit('/').next().unwrap_or_default(), text.as_bytes().to_vec()));
        let mut all = vec![
            ("modelfile", "generated", generated.into_bytes()),
            ("modelfile", "adapter", b"FROM llama3.2:3b\nADAPTER ./lora.gguf\nLICENSE \"\"\"\nMIT\n\"\"\"\n".to_vec()),
            ("modelfile", "open", b"from ./a.gguf\nSYSTEM \"\"\"x\nFROM b\n".to_vec()),
            ("manifest", "layers", manifest::tests::manifest().into_bytes()),
            (
                "manifest",
                "config",
                br#"{"model_family": "llama", "remote_host": "x", "config": {"paramSize": "8b"}}"#.to_vec(),
            ),
            (
                "manifest",
                "path",
                br#"{"layers": [{"digest": "sha256:../../x", "size": 1e9}, 7], "config": []}"#.to_vec(),
            ),
            ("openvino", "net", openvino::tests::NET.as_bytes().to_vec()),
            ("openvino", "entity", b"<!DOCTYPE n [<!ENTITY a \"&a;\">]><net name='&a;'><layers/><rt_info".to_vec()),
            ("pickle", "tensor", TENSOR.to_vec()),
            ("pickle", "call", CALL.to_vec()),
            ("pickle", "stack", STACK.to_vec()),
            ("pickle", "legacy", LEGACY.to_vec()),
            ("pickle", "text", b"(S'\\x6fs'\nS'system'\n\x93(dp0\nVname\nVx\nsios\nsystem\n.".to_vec()),
            ("pickle", "npy", npy.clone()),
            ("zip", "torch", torch.clone()),
            ("zip", "npz", zip::tests::archive(b"", &[("a.npy", "a.npy", 0, &npy), ("b.npy", "b.npy", 8, b"x")])),
            ("zip", "llamafile", zip::tests::archive(b"MZqFpD='\n", &[("m.gguf", "m.gguf", 0, &gguf)])),
            ("zip", "names", zip::tests::archive(b"", &[("../a", "b", 0, CALL), ("../a", "../a", 0, b"")])),
            ("tar", "nemo", tar::tests::archive(&[("./model_config.yaml", yaml), ("model_weights.ckpt", &torch)])),
            (
                "tar",
                "torch",
                tar::tests::archive(&[("sys_info", TENSOR), ("pickle", CALL), ("tensors", b"1"), ("storages", b"1")]),
            ),
            ("tar", "slip", tar::tests::archive(&[("model_config.yaml", b"a: ["), ("../../x", b"y")])),
            (
                "members",
                "product",
                zip::tests::archive(b"", &[("m/a.npy", "m/a.npy", 0, &npy), ("m/b", "m/b", 8, b"x")]),
            ),
            (
                "members",
                "image",
                tar::tests::archive(&[
                    ("manifest.json", b"[]"),
                    ("l/layer.tar", &tar::tests::archive(&[("m/model.gguf", &gguf)])),
                ]),
            ),
            ("onnx", "plain", onnx::tests::model("weights.data", &[("license", "mit"), ("author", "Acme")])),
            ("onnx", "outside", onnx::tests::model("../../etc/passwd", &[])),
            ("onnx", "cut", onnx::tests::model("w", &[("license", "mit")])[..40].to_vec()),
            ("tflite", "metadata", tflite::tests::model_file()),
            ("tflite", "empty", b"\x08\0\0\0TFL3\0\0\0\0".to_vec()),
            ("tflite", "offset", b"\xff\xff\xff\x7fTFL3\x04\0\x04\0\x04\0\0\0".to_vec()),
            (
                "keras",
                "archive",
                zip::tests::archive(
                    b"",
                    &[
                        ("config.json", "config.json", 0, config.as_bytes()),
                        ("model.weights.h5", "model.weights.h5", 0, b"x"),
                    ],
                ),
            ),
            ("keras", "hdf5", h5),
            (
                "keras",
                "module",
                zip::tests::archive(
                    b"",
                    &[("config.json", "config.json", 0, keras::tests::config("Popen", "subprocess").as_bytes())],
                ),
            ),
            ("coreml", "model", coreml::tests::model_file()),
            ("coreml", "manifest", manifest.to_vec()),
            ("coreml", "outside", br#"{"itemInfoEntries":{"A":{"path":"../../x"}}}"#.to_vec()),
        ];
        all.extend(sidecars);
        all
    }

    /// The seeds are what [`seeds`] makes: `FREEHOLD_WRITE_SEEDS=1` writes them anew.
    #[test]
    fn container_seeds_are_current() {
        let corpus = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"));
        for (folder, name, bytes) in seeds() {
            let path = corpus.join(folder).join(name);
            if std::env::var_os("FREEHOLD_WRITE_SEEDS").is_some() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &bytes).unwrap();
            }
            assert!(fs::read(&path).ok().as_deref() == Some(bytes.as_slice()), "{folder}/{name} is stale");
        }
    }

    #[test]
    fn container_seeds_cut_anywhere_never_panic() {
        for (folder, _, bytes) in seeds() {
            let (_, target) = ALL.iter().find(|(n, _)| *n == folder).unwrap();
            for n in (0..bytes.len()).step_by(1 + bytes.len() / 256) {
                target(&bytes[..n]);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn mutated_containers_never_panic(
            which in any::<prop::sample::Index>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..12),
        ) {
            let all = seeds();
            let mut data = all[which.index(all.len())].2.clone();
            for (at, byte, how) in edits {
                let i = at.index(data.len() + 1);
                match how {
                    0 | 1 if i < data.len() => data[i] = if how == 0 { byte } else { 0xff },
                    2 => data.insert(i, byte),
                    _ => data.truncate(i.max(data.len() / 2)),
                }
            }
            for (_, target) in ALL {
                target(&data);
            }
        }
    }
}
