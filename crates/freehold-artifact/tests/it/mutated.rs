//! Arbitrary bytes, and valid files with some bytes changed, never panic.

use freehold_artifact::fuzz;
use proptest::prelude::*;

use crate::build::{ADAPTER, CARD, POINTER, RECIPE, safetensors, sample};

/// Valid files, one for each parser and some that cross formats.
pub(crate) fn valid() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("gguf", sample(3, false).tensor("a.weight", 256, 12, 0).bytes(144)),
        ("gguf", sample(3, true).tensor("a.weight", 256, 12, 0).bytes(144)),
        ("gguf", sample(1, false).tensor("a.lora_a", 32, 2, 0).bytes(32)),
        ("safetensors", safetensors(ADAPTER, 64)),
        ("index", br#"{"metadata":{"total_size":1},"weight_map":{"a":"model-00001-of-00002.safetensors"}}"#.to_vec()),
        ("config", br#"{"_name_or_path":"a/b","architectures":["X"],"auto_map":{"A":"o/r--f.C"},"model_type":"x","quantization_config":{"quant_method":"gptq","bits":4},"vision_config":{}}"#.to_vec()),
        ("config", br#"{"base_model_name_or_path":"a/b","revision":null,"peft_type":"LORA"}"#.to_vec()),
        ("card", CARD.as_bytes().to_vec()),
        ("merge", RECIPE.as_bytes().to_vec()),
        ("pointer", POINTER.as_bytes().to_vec()),
        ("pointer", b"0123456789abcdef0123456789abcdef01234567\n\"etag\"\n1731000000.5\n".to_vec()),
        ("legal", b"permission is hereby granted\n".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..600), magic in 0_usize..6) {
        let head: &[u8] = [&b""[..], b"GGUF\x03\0\0\0", b"---\n", b"{", b"\x40\0\0\0\0\0\0\0{", b"version https://git-lfs.github.com/spec/v1\n"][magic];
        let data = [head, &data].concat();
        for (_, target) in fuzz::ALL {
            target(&data);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[-a-z:{}\\[\\]\"'|>&*!%#?,\n\t é\u{feff}]{0,300}") {
        let card = format!("---\nlicense: mit\n{text}\n---\n```yaml\nmerge_method: x\n{text}\n```\n");
        fuzz::fuzz_card(card.as_bytes());
        fuzz::fuzz_merge(text.as_bytes());
        fuzz::fuzz_config(text.as_bytes());
    }

    #[test]
    fn mutated_files_never_panic(
        which in 0_usize..12,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..12),
    ) {
        let mut data = valid()[which].1.clone();
        for (at, byte, how) in edits {
            let i = at.index(data.len() + 1);
            match how {
                0 if i < data.len() => data[i] = byte,
                1 => data.insert(i, byte),
                _ => data.truncate(i.max(data.len() / 2)),
            }
        }
        for (_, target) in fuzz::ALL {
            target(&data);
        }
    }
}
