//! Every file of the fuzz corpus goes through its target's function: no panic, no hang.

use std::path::{Path, PathBuf};

type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("gguf", freehold_artifact::fuzz::fuzz_gguf),
    ("safetensors", freehold_artifact::fuzz::fuzz_safetensors),
    ("index", freehold_artifact::fuzz::fuzz_index),
    ("config", freehold_artifact::fuzz::fuzz_config),
    ("card", freehold_artifact::fuzz::fuzz_card),
    ("merge", freehold_artifact::fuzz::fuzz_merge),
    ("pointer", freehold_artifact::fuzz::fuzz_pointer),
    ("legal", freehold_artifact::fuzz::fuzz_legal),
    ("pickle", freehold_artifact::fuzz::fuzz_pickle),
    ("zip", freehold_artifact::fuzz::fuzz_zip),
    ("tar", freehold_artifact::fuzz::fuzz_tar),
    ("members", freehold_artifact::fuzz::fuzz_members),
    ("onnx", freehold_artifact::fuzz::fuzz_onnx),
    ("tflite", freehold_artifact::fuzz::fuzz_tflite),
    ("keras", freehold_artifact::fuzz::fuzz_keras),
    ("coreml", freehold_artifact::fuzz::fuzz_coreml),
    ("modelfile", freehold_artifact::fuzz::fuzz_modelfile),
    ("manifest", freehold_artifact::fuzz::fuzz_manifest),
    ("sidecar", freehold_artifact::fuzz::fuzz_sidecar),
    ("openvino", freehold_artifact::fuzz::fuzz_openvino),
    ("identify", freehold_text::fuzz::fuzz_identify),
    ("text-index", freehold_text::fuzz::fuzz_index),
    ("case", |data| freehold_check::fuzz::fuzz_case(data, freehold_law::shared())),
    ("house", |data| freehold_check::fuzz::fuzz_house(data, freehold_law::shared())),
    ("license", |data| freehold_check::fuzz::fuzz_license(data, freehold_law::files())),
    ("policy", |data| freehold_policy::fuzz::fuzz_policy(data, freehold_law::shared())),
    ("scenarios", |data| freehold_check::fuzz::fuzz_scenarios(data)),
    ("reading", freehold_text::fuzz::fuzz_reading),
    ("kin", freehold_kin::fuzz::fuzz_kin),
    ("reference", freehold_reference::fuzz::fuzz_reference),
    ("gguf-edit", freehold_artifact::fuzz::fuzz_gguf_edit),
    ("card-edit", freehold_artifact::fuzz::fuzz_card_edit),
    ("bom", |data| freehold_wire::fuzz::fuzz_bom(data, freehold_law::shared())),
    ("log", freehold_log::fuzz::fuzz_log),
    ("record", freehold_record::fuzz::fuzz_record),
    ("registry", |data| freehold_wire::fuzz::fuzz_registry(data, freehold_law::shared())),
    ("stored", |data| freehold_wire::fuzz::fuzz_stored(data, freehold_law::shared())),
    ("bundle", freehold_wire::fuzz::fuzz_bundle),
];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

#[test]
fn the_corpus_replays() {
    for (name, run) in TARGETS {
        let dir = fuzz().join("corpus").join(name);
        let mut seen = 0;
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            run(&std::fs::read(entry.unwrap().path()).unwrap());
            seen += 1;
        }
        assert!(seen > 0, "`fuzz/corpus/{name}` is empty");
    }
}

#[test]
fn every_target_has_a_function_here() {
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let bins: Vec<&str> =
        manifest.lines().filter_map(|l| l.strip_prefix("name = \"")?.strip_suffix('"')).skip(1).collect();
    let known: Vec<&str> = TARGETS.iter().map(|(n, _)| *n).collect();
    // the workshop does not build the heavy leaves: their own tests replay their corpus
    let elsewhere = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/freehold-studio/tests/it/replay.rs");
    assert!(std::fs::read_to_string(elsewhere).unwrap().contains("corpus/studio"));
    assert_eq!(bins.into_iter().filter(|b| *b != "studio").collect::<Vec<_>>(), known);
}
