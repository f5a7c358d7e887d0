//! JSON configs and shard indexes.

use std::io;
use std::path::Path;

use crate::bytes::{Gguf, safetensors};
use crate::disk::{bait, card, put, sparse};
use crate::{Attack, Cases, Class, FORGED, SECRETS};

const CONFIG: &str = r#"{"architectures":["LlamaForCausalLM"],"model_type":"llama"}"#;

fn config(home: &Path, text: &str) -> io::Result<()> {
    card(home)?;
    put(home, "config.json", text)
}

fn index(home: &Path, file: &str) -> io::Result<()> {
    bait(home)?;
    put(home, "config.json", CONFIG)?;
    let map = format!(r#"{{"metadata":{{"total_size":8}},"weight_map":{{"a":"{file}"}}}}"#);
    put(home, "model.safetensors.index.json", map)
}

/// Cases of shard indexes.
pub(crate) fn index_cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Index);
    c.ok("index-valid", "two shards that are named and absent", |d| {
        put(d, "config.json", CONFIG)?;
        let map = r#"{"metadata":{"total_size":8},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}"#;
        put(d, "model.safetensors.index.json", map)
    });
    c.ok("index-valid-bin", "the older index of pickles", |d| {
        put(d, "config.json", CONFIG)?;
        put(d, "pytorch_model.bin.index.json", r#"{"weight_map":{"a":"pytorch_model-00001-of-00001.bin"}}"#)
    });
    c.ok("index-valid-large", "50,000 tensors", |d| {
        put(d, "config.json", CONFIG)?;
        let all: Vec<String> =
            (0..50_000).map(|i| format!("\"t{i}\":\"model-{:05}-of-00010.safetensors\"", i % 10)).collect();
        put(d, "model.safetensors.index.json", format!("{{\"weight_map\":{{{}}}}}", all.join(",")))
    });
    c.error("index-parent", "a shard in the folder above", |d| index(d, "../out/model.gguf"));
    c.error("index-parents", "a shard in /etc, by dots", |d| index(d, "../../../../../../../../etc/passwd"));
    c.error("index-absolute", "a shard at an absolute path", |d| index(d, "/etc/passwd"));
    c.error("index-backslash", "a shard by a path of Windows", |d| index(d, r"..\\..\\windows\\win.ini"));
    c.error("index-drive", "a shard on a drive of Windows", |d| index(d, "C:secret.safetensors"));
    c.error("index-escaped-slash", "dots and slashes written as escapes", |d| {
        index(d, r"\u002e\u002e\u002fout\u002fmodel.gguf")
    });
    c.error("index-url", "a shard on a server", |d| index(d, "http://evil.example/model.safetensors"));
    c.error("index-dots", "a shard that is the folder above", |d| index(d, ".."));
    c.error("index-nul", "a shard whose name ends at a NUL for some", |d| index(d, r"model.safetensors\u0000.txt"));
    c.error("index-escape", "an escape sequence in a shard's name", |d| index(d, r"a/\u001b[2J\u202e\u009b"));
    c.error("index-cut", "an index that ends in the middle", |d| {
        put(d, "config.json", CONFIG)?;
        put(d, "model.safetensors.index.json", r#"{"weight_map":{"a":"model-0"#)
    });
    c.error("index-deep", "10,000 brackets, one in another", |d| {
        put(d, "config.json", CONFIG)?;
        put(d, "model.safetensors.index.json", format!("{{\"weight_map\":{}", "[".repeat(10_000)))
    });
    c.error("index-many-bad", "10,000 paths that lead out, told in a few lines", |d| {
        put(d, "config.json", CONFIG)?;
        let all: Vec<String> = (0..10_000).map(|i| format!("\"t{i}\":\"../{i}\"")).collect();
        put(d, "model.safetensors.index.json", format!("{{\"weight_map\":{{{}}}}}", all.join(",")))
    });
    c.error("index-map-list", "a map that is a list", |d| {
        put(d, "config.json", CONFIG)?;
        put(d, "model.safetensors.index.json", r#"{"weight_map":["../a","/etc/passwd"]}"#)
    });
    c.done()
}

/// Cases of configs.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Json);
    c.ok("json-valid", "a small valid config", |d| config(d, CONFIG));
    c.ok("json-valid-bom", "a byte order mark, which Windows writes", |d| config(d, &format!("\u{feff}{CONFIG}")));
    c.ok("json-valid-nan", "NaN and Infinity, which Python writes", |d| {
        config(d, r#"{"model_type":"llama","a":NaN,"b":-Infinity}"#)
    });
    c.ok("json-valid-big-numbers", "numbers beyond any machine's", |d| {
        config(d, &format!(r#"{{"model_type":"llama","hidden_size":{},"a":1e999999}}"#, "9".repeat(5000)))
    });
    c.ok("json-valid-surrogates", "a name in escapes, half of them broken", |d| {
        config(d, r#"{"model_type":"llama","_name_or_path":"a\ud83d\ude00b\ud800c\udfffd"}"#)
    });
    c.ok("json-valid-depth", "lists 100 levels deep", |d| {
        config(d, &format!(r#"{{"model_type":"llama","x":{}{}}}"#, "[".repeat(100), "]".repeat(100)))
    });
    c.error("json-cut", "a config that ends in the middle", |d| config(d, r#"{"architectures":["#));
    c.error("json-deep", "1,000,000 brackets, one in another", |d| config(d, &"[".repeat(1_000_000)));
    c.error("json-deep-objects", "200,000 objects, one in another", |d| config(d, &"{\"a\":".repeat(200_000)));
    c.error("json-list", "a config that is a list", |d| config(d, "[1,2]"));
    c.error("json-text", "a config that is a text", |d| config(d, "\"llama\""));
    c.error("json-trailing", "a second document behind the first", |d| config(d, &format!("{CONFIG} {CONFIG}")));
    c.error("json-comma", "a comma too many", |d| config(d, r#"{"model_type":"llama",}"#));
    c.error("json-comment", "a comment, which JSON has not", |d| config(d, "{\"model_type\":\"llama\" // x\n}"));
    c.error("json-quotes", "Python's quotes", |d| config(d, "{'model_type':'llama'}"));
    c.error("json-html", "a login page that was saved as config.json", |d| config(d, "<html>Sign in</html>"));
    c.error("json-nul", "a config of NUL bytes", |d| config(d, &"\0".repeat(4096)));
    c.error("json-utf16", "a config in UTF-16", |d| {
        card(d)?;
        let bytes: Vec<u8> = CONFIG.encode_utf16().flat_map(u16::to_le_bytes).collect();
        put(d, "config.json", [b"\xff\xfe", bytes.as_slice()].concat())
    });
    c.warning("json-empty", "an empty config", |d| config(d, ""));
    c.error("json-spaces", "16 MB of spaces", |d| config(d, &" ".repeat(16 << 20)));
    c.error("json-sparse", "a config of 50 GB of zeros", |d| {
        card(d)?;
        sparse(d, "config.json", b"{", 50 << 30)
    });
    c.error("json-endless-string", "a string of 17 MB", |d| {
        config(d, &format!(r#"{{"model_type":"llama","x":"{}"}}"#, "x".repeat(17 << 20)))
    });
    c.ok("json-many-keys", "200,000 keys", |d| {
        let all: Vec<String> = (0..200_000).map(|i| format!("\"k{i}\":{i}")).collect();
        config(d, &format!("{{\"model_type\":\"llama\",{}}}", all.join(",")))
    });
    c.ok("json-many-architectures", "50,000 architectures", |d| {
        config(d, &format!(r#"{{"model_type":"llama","architectures":[{}"x"]}}"#, "\"a\",".repeat(50_000)))
    });
    c.warning("json-duplicate-key", "two bases under one key", |d| {
        config(d, r#"{"model_type":"llama","_name_or_path":"Qwen/Qwen2.5-7B","_name_or_path":"google/gemma-2-9b"}"#)
    });
    c.ok("json-escape", "escape sequences in the path that the config names", |d| {
        config(d, r#"{"model_type":"llama\u001b[2J","_name_or_path":"a/b\u001b]0;owned\u0007\u009b31m"}"#)
    });
    c.ok("json-bidi", "a base that reads backwards on a terminal", |d| {
        config(d, r#"{"model_type":"llama","_name_or_path":"acme/\u202e2-amall\u2066\u061c"}"#)
    });
    c.ok("json-newline", "a name with a line of its own", |d| {
        config(d, &format!(r#"{{"model_type":"llama","_name_or_path":"a/b\n{FORGED}: cleared"}}"#))
    });
    c.ok("json-secret", "access tokens in what the config names", |d| {
        config(d, &format!(r#"{{"model_type":"llama","_name_or_path":"{}/x","a":"{}"}}"#, SECRETS[0], SECRETS[1]))
    });
    c.error("json-secret-in-broken", "an access token where the JSON breaks", |d| {
        config(d, &format!(r#"{{"model_type":"llama","token":{}}}"#, SECRETS[2]))
    });
    c.ok("json-adapter-parent", "an adapter whose base is a path out of the folder", |d| {
        bait(d)?;
        put(d, "adapter_config.json", r#"{"peft_type":"LORA","base_model_name_or_path":"../out"}"#)
    });
    c.ok("json-adapter-etc", "an adapter whose base is a file of the system", |d| {
        put(d, "adapter_config.json", r#"{"peft_type":"LORA","base_model_name_or_path":"/etc/passwd"}"#)
    });
    c.warning("json-adapter-null", "an adapter without a base", |d| {
        put(d, "adapter_config.json", r#"{"peft_type":"LORA","base_model_name_or_path":null}"#)
    });
    c.ok("json-auto-map", "code of another repository that a loader would run", |d| {
        config(d, r#"{"model_type":"llama","auto_map":{"AutoModel":"evil/code--modeling.Evil"}}"#)
    });
    c.error("json-gguf-beside-broken", "a broken config beside a sound GGUF", |d| {
        put(d, "config.json", "{\"model_type\":")?;
        put(d, "model.gguf", Gguf::sample().bytes(0))
    });
    c.ok("json-tokenizer", "a tokenizer of 20 GB, which is not read", |d| {
        config(d, CONFIG)?;
        sparse(d, "tokenizer.json", b"{\"model\":\"x", 20 << 30)
    });
    c.warning("json-civitai-deep", "a sidecar of Civitai's of 100,000 brackets", |d| {
        put(d, "models/Lora/ink.safetensors", safetensors("{}", 0))?;
        put(d, "models/Lora/ink.civitai.info", "[".repeat(100_000))
    });
    c.ok("json-civitai-escape", "escape sequences, a line break and an access token in a sidecar", |d| {
        put(d, "models/Lora/ink.safetensors", safetensors("{}", 0))?;
        let name = format!("a\\u001b[2J\\u202e\\n{FORGED} {}", SECRETS[0]);
        let text =
            format!(r#"{{"baseModel":"{name}","model":{{"name":"{name}","type":"LORA","allowNoCredit":false}}}}"#);
        put(d, "models/Lora/ink.civitai.info", text)
    });
    c.ok("json-civitai-files", "a sidecar of 100,000 files and terms", |d| {
        put(d, "models/Lora/ink.safetensors", safetensors("{}", 0))?;
        let files = vec![r#"{"hashes":{"SHA256":"AB"}}"#; 50_000].join(",");
        let terms = vec![r#""allowNoCredit":false"#; 50_000].join(",");
        put(d, "models/Lora/ink.civitai.info", format!(r#"{{"files":[{files}],{terms}}}"#))
    });
    c.ok("json-lm-studio-path", "a hub manifest whose sources are paths", |d| {
        bait(d)?;
        let source = r#"{"type":"huggingface","user":"../../out","repo":"/etc/passwd"}"#;
        let text = format!(r#"{{"type":"model","owner":"a","name":"b","dependencies":[{{"sources":[{source}]}}]}}"#);
        put(d, "hub/models/a/b/manifest.json", text)
    });
    c.done()
}
