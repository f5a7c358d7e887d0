//! Files made to break readers: each must end in an answer that names the trouble.

use crate::build::{Gguf, codes, read, safetensors, sample};

fn gguf(pairs: u64, tensors: u64, body: &[u8]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3_u32.to_le_bytes());
    out.extend(tensors.to_le_bytes());
    out.extend(pairs.to_le_bytes());
    out.extend(body);
    out
}

/// A pair with key `k`, its value's type, and raw bytes.
fn pair(kind: u32, value: &[u8]) -> Vec<u8> {
    [&1_u64.to_le_bytes()[..], b"k", &kind.to_le_bytes(), value].concat()
}

#[test]
fn gguf_lengths_and_counts_that_wrap() {
    for n in [1_u64 << 61, 1 << 63, u64::MAX, u64::MAX - 8, 1 << 32, (1 << 60) + 1] {
        let length = n.to_le_bytes();
        let cases = [
            gguf(n, 0, &[0; 64]),
            gguf(0, n, &[0; 64]),
            gguf(1, 0, &[&length[..], &[0; 64]].concat()),
            gguf(1, 0, &pair(8, &[&length[..], &[0; 64]].concat())),
            gguf(1, 0, &pair(9, &[&0_u32.to_le_bytes()[..], &length, &[0; 64]].concat())),
            gguf(1, 0, &pair(9, &[&8_u32.to_le_bytes()[..], &length, &[0; 64]].concat())),
            gguf(1, 0, &pair(9, &[&12_u32.to_le_bytes()[..], &length, &[0; 64]].concat())),
            gguf(0, 1, &[&length[..], &[0; 64]].concat()),
        ];
        for (i, bytes) in cases.iter().enumerate() {
            let facts = read("m.gguf", bytes);
            assert_eq!(facts.diagnostics.len(), 1, "{n} case {i}: {:?}", facts.diagnostics);
            assert!(facts.bytes_read <= 2 * bytes.len() as u64);
        }
        let tensor = Gguf::new(3, false).tensor("w", n, 0, n).tensor("v", n, 0, 32).bytes(0);
        assert!(!codes(&read("m.gguf", tensor)).is_empty());
    }
}

#[test]
fn gguf_of_odd_values() {
    let nested = pair(9, &[&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes(), &[0; 64]].concat());
    assert_eq!(codes(&read("m.gguf", gguf(1, 0, &nested))), ["gguf-nested-array"]);
    assert_eq!(codes(&read("m.gguf", gguf(1, 0, &pair(13, &[0; 64])))), ["gguf-value-type"]);
    assert_eq!(codes(&read("m.gguf", gguf(1, 0, &pair(7, &[2; 64])))), ["gguf-bool"]);
    let dimensions = [&1_u64.to_le_bytes()[..], b"w", &5_u32.to_le_bytes(), &[0; 64]].concat();
    assert_eq!(codes(&read("m.gguf", gguf(0, 1, &dimensions))), ["gguf-dimensions"]);
    let alignment = Gguf::new(3, false).number("general.alignment", 0).bytes(0);
    assert_eq!(codes(&read("m.gguf", alignment)), ["gguf-alignment"]);
    assert_eq!(codes(&read("m.gguf", Gguf::new(4, false).bytes(64))), ["gguf-version"]);
    assert_eq!(codes(&read("m.gguf", Gguf::new(0, false).bytes(64))), ["gguf-version"]);
    assert_eq!(codes(&read("m.gguf", b"GGUF")), ["gguf-truncated"]);
    assert_eq!(codes(&read("m.gguf", b"GGU")), ["gguf-magic"]);
    assert_eq!(codes(&read("m.gguf", "")), ["empty-file"]);
    let binary =
        Gguf::new(3, false).raw("general.license", 8, &[&5_u64.to_le_bytes()[..], b"\xff\0\xfe\x1b["].concat());
    let facts = read("m.gguf", binary.bytes(0));
    assert!(facts.facts.iter().all(|f| !f.value.contains(['\0', '\u{1b}'])));
}

#[test]
fn gguf_cut_at_every_byte() {
    let bytes = sample(3, false).tensor("a.weight", 256, 12, 0).bytes(144);
    for n in 0..bytes.len() {
        let facts = read("m.gguf", &bytes[..n]);
        assert!(!facts.diagnostics.is_empty(), "cut at {n} goes unnoticed");
    }
}

#[test]
fn safetensors_of_odd_headers() {
    for (n, code) in [
        (u64::MAX, "safetensors-header"),
        (100_000_001, "safetensors-header"),
        (1 << 20, "safetensors-header"),
        (0, "safetensors-header"),
    ] {
        let bytes = [&n.to_le_bytes()[..], b"{}          "].concat();
        assert_eq!(codes(&read("m.safetensors", bytes)), [code], "{n}");
    }
    assert_eq!(codes(&read("m.safetensors", b"{}")), ["safetensors-header"]);
    assert_eq!(codes(&read("m.safetensors", safetensors(r#" {"a":1}"#, 0))), ["safetensors-header"]);
    assert_eq!(codes(&read("m.safetensors", safetensors(r#"{"a":"#, 0))), ["json-truncated"]);
    let twice = r#"{"__metadata__":{"license":"mit","license":"gemma"}}"#;
    assert_eq!(codes(&read("m.safetensors", safetensors(twice, 0))), ["safetensors-duplicate-key"]);
    let typed = r#"{"__metadata__":{"license":7}}"#;
    assert_eq!(codes(&read("m.safetensors", safetensors(typed, 0))), ["safetensors-metadata"]);
    for offsets in ["[0,-1]", "[9,1]", "[0,1e3]", "[\"a\",1]", "[0,1,2]", "[0,18446744073709551615]"] {
        let header = format!(r#"{{"a":{{"dtype":"F32","shape":[1],"data_offsets":{offsets}}}}}"#);
        assert!(!codes(&read("m.safetensors", safetensors(&header, 4))).is_empty(), "{offsets}");
    }
}

#[test]
fn deep_nesting_ends() {
    for open in ["[", "{\"a\":"] {
        let deep = format!("{{\"model_type\":\"x\",\"a\":{}", open.repeat(10_000));
        assert_eq!(codes(&read("config.json", &deep)), ["json-too-deep"]);
        assert_eq!(codes(&read("m.safetensors", safetensors(&deep, 0))), ["json-too-deep"]);
        assert_eq!(codes(&read("m.safetensors.index.json", &deep)), ["json-too-deep"]);
    }
    for open in ["[", "{a: ", "- ", "? ", "- - ? - "] {
        let deep = open.repeat(10_000);
        assert!(!codes(&read("README.md", format!("---\nlicense: mit\nx:\n  {deep}\n---\n"))).is_empty(), "{open}");
        read("mergekit_config.yml", &deep);
    }
    let indented: String = (0..2000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    assert_eq!(codes(&read("mergekit_config.yml", indented)), ["merge-yaml"]);
}

#[test]
fn aliases_do_not_explode() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..40 {
        let list = vec![format!("*a{}", i - 1); 9].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{list}]\n"));
    }
    read("README.md", format!("---\n{bomb}base_model: *a39\ntags: *a0\n---\n"));
    read("mergekit_config.yml", format!("{bomb}merge_method: x\nmodels: *a39\nslices: *a39\n"));
    let cycle = "merge_method: x\nmodels: &m [*m, {model: *m}]\nslices: &s [{sources: *s}]\n";
    read("mergekit_config.yml", cycle);
    let sources = format!("&x [{}]", vec!["{model: a/b}"; 3000].join(","));
    let slices = vec!["{sources: *x}"; 3000].join(",");
    let facts = read("mergekit_config.yml", format!("merge_method: x\nkeep: {sources}\nslices: [{slices}]\n"));
    assert!(codes(&facts).contains(&"merge-too-long"));
}

#[test]
fn many_and_huge_values_are_bounded() {
    let tags: String = (0..100_000).map(|i| format!("- tag{i}\n")).collect();
    let facts = read("README.md", format!("---\nlicense: mit\ntags:\n{tags}---\n"));
    assert!(facts.facts.len() <= 4096 && codes(&facts).contains(&"too-many-facts"));
    let huge = "x".repeat(3 << 20);
    for facts in [
        read("README.md", format!("---\nlicense: {huge}\n---\n")),
        read("config.json", format!("{{\"_name_or_path\":\"{huge}\",\"model_type\":\"{huge}\"}}")),
        read("m.gguf", Gguf::new(3, false).text("general.license", &huge).bytes(0)),
        read("m.safetensors", safetensors(&format!("{{\"__metadata__\":{{\"license\":\"{huge}\"}}}}"), 0)),
    ] {
        assert!(facts.facts.iter().all(|f| f.value.len() <= 4096));
    }
    let keys: String = (0..50_000).map(|i| format!("\"k{i}\":1,")).collect();
    read("config.json", format!("{{{keys}\"model_type\":\"x\"}}"));
    for unit in [
        "# x\n",
        "---\n",
        "a: b\n",
        "\t",
        "'",
        "\"",
        "&a ",
        "*a ",
        "!!x ",
        "%YAML 1.2\n",
        "|\n",
        "- ",
        ": ",
        ",",
        "<<: *a\n",
    ] {
        let text = unit.repeat((1 << 18) / unit.len());
        read("README.md", format!("---\n{text}\n---\n{text}"));
        read("mergekit_config.yml", &text);
    }
}

#[test]
fn odd_text_is_read_as_text() {
    let latin = [b"---\nlicense: mit\nmodel_name: L\xf6we\nbase_model: a/b\n---\n".as_slice()].concat();
    let facts = read("README.md", latin);
    assert_eq!(codes(&facts), ["text-encoding"]);
    assert!(facts.facts.iter().any(|f| f.value == "a/b"));
    assert_eq!(codes(&read("config.json", "<html>not found</html>")), ["json-syntax"]);
    assert_eq!(codes(&read("config.json", "[1,2]")), ["json-not-object"]);
    assert_eq!(codes(&read("config.json", "{\"a\":1}\n<<<<<<< HEAD")), ["json-trailing"]);
    let long = format!("version https://git-lfs.github.com/spec/v1\n{}", "x".repeat(2000));
    assert_eq!(codes(&read("m.bin", long)), ["lfs-pointer"]);
    assert_eq!(codes(&read("m.bin", "version https://git-lfs.github.com/spec/v1\nsize 1\n")), ["lfs-pointer"]);
    assert_eq!(codes(&read("m.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:zz\n")), ["lfs-pointer"]);
    assert_eq!(codes(&read(".cache/huggingface/download/x.metadata", "zzz\n")), ["download-metadata"]);
}
