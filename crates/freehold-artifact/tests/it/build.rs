//! Small valid files, made by hand.

use freehold_artifact::{FileFacts, read_file};
use freehold_base::FactKind;

/// Reads bytes under a name.
pub(crate) fn read(name: &str, bytes: impl AsRef<[u8]>) -> FileFacts {
    read_file(name, &bytes.as_ref())
}

/// `key=value` of every fact of a kind.
pub(crate) fn said(facts: &FileFacts, kind: FactKind) -> Vec<String> {
    let of_kind = facts.facts.iter().filter(|f| f.kind == kind);
    of_kind.map(|f| format!("{}={}", f.evidence.key, f.value)).collect()
}

/// Codes of the diagnostics.
pub(crate) fn codes(facts: &FileFacts) -> Vec<&'static str> {
    facts.diagnostics.iter().map(|d| d.code).collect()
}

/// Writes GGUF of any version and byte order.
pub(crate) struct Gguf {
    pub(crate) version: u32,
    pub(crate) big_endian: bool,
    pairs: Vec<u8>,
    pub(crate) pair_count: u64,
    tensors: Vec<u8>,
    pub(crate) tensor_count: u64,
}

impl Gguf {
    pub(crate) fn new(version: u32, big_endian: bool) -> Gguf {
        Gguf { version, big_endian, pairs: Vec::new(), pair_count: 0, tensors: Vec::new(), tensor_count: 0 }
    }

    pub(crate) fn u32(&self, n: u32) -> Vec<u8> {
        if self.big_endian { n.to_be_bytes().to_vec() } else { n.to_le_bytes().to_vec() }
    }

    pub(crate) fn length(&self, n: u64) -> Vec<u8> {
        match (self.version, self.big_endian) {
            (1, _) => self.u32(n as u32),
            (_, true) => n.to_be_bytes().to_vec(),
            (_, false) => n.to_le_bytes().to_vec(),
        }
    }

    pub(crate) fn string(&self, text: &[u8]) -> Vec<u8> {
        [self.length(text.len() as u64), text.to_vec()].concat()
    }

    /// A pair whose value is given as bytes.
    pub(crate) fn raw(mut self, key: &str, kind: u32, value: &[u8]) -> Gguf {
        let pair = [self.string(key.as_bytes()), self.u32(kind), value.to_vec()].concat();
        self.pairs.extend(pair);
        self.pair_count += 1;
        self
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Gguf {
        let value = self.string(value.as_bytes());
        self.raw(key, 8, &value)
    }

    pub(crate) fn number(self, key: &str, value: u32) -> Gguf {
        let value = self.u32(value);
        self.raw(key, 4, &value)
    }

    pub(crate) fn texts(self, key: &str, values: &[&str]) -> Gguf {
        let items: Vec<u8> = values.iter().flat_map(|v| self.string(v.as_bytes())).collect();
        let value = [self.u32(8), self.length(values.len() as u64), items].concat();
        self.raw(key, 9, &value)
    }

    /// A one-dimensional tensor.
    pub(crate) fn tensor(self, name: &str, elements: u64, kind: u32, offset: u64) -> Gguf {
        self.shaped(name, &[elements], kind, offset)
    }

    /// A tensor; the innermost dimension comes first.
    pub(crate) fn shaped(mut self, name: &str, shape: &[u64], kind: u32, offset: u64) -> Gguf {
        let place = if self.big_endian { offset.to_be_bytes() } else { offset.to_le_bytes() };
        let dimensions: Vec<u8> = shape.iter().flat_map(|d| self.length(*d)).collect();
        let rank = self.u32(shape.len() as u32);
        let all = [self.string(name.as_bytes()), rank, dimensions, self.u32(kind), place.to_vec()];
        self.tensors.extend(all.concat());
        self.tensor_count += 1;
        self
    }

    pub(crate) fn bytes(&self, data: usize) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(self.u32(self.version));
        out.extend(self.length(self.tensor_count));
        out.extend(self.length(self.pair_count));
        out.extend(&self.pairs);
        out.extend(&self.tensors);
        out.resize(out.len().next_multiple_of(32), 0);
        out.resize(out.len() + data, 0);
        out
    }
}

/// A small complete model header.
pub(crate) fn sample(version: u32, big_endian: bool) -> Gguf {
    Gguf::new(version, big_endian)
        .text("general.architecture", "llama")
        .text("general.name", "Meta Llama 3.1 8B Instruct")
        .text("general.basename", "Meta-Llama-3.1")
        .text("general.size_label", "8B")
        .number("general.file_type", 15)
        .number("general.base_model.count", 1)
        .text("general.base_model.0.name", "Llama 3.1 8B")
        .text("general.base_model.0.repo_url", "https://huggingface.co/meta-llama/Llama-3.1-8B")
        .texts("general.datasets", &["acme/chat", "acme/code"])
        .texts("tokenizer.ggml.tokens", &["<s>", "a", "b", ""])
        .text("tokenizer.chat_template", "{{ bos_token }}")
        .text("general.license", "llama3.1")
        .text("general.license.link", "LICENSE")
}

/// A safetensors file of this header and data.
pub(crate) fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.resize(out.len() + data, 0);
    out
}

pub(crate) const ADAPTER: &str = r#"{"__metadata__":{"format":"pt","modelspec.license":"openrail++","ss_sd_model_name":"sd_xl_base_1.0.safetensors"},
"unet.lora_A.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},"unet.lora_B.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[32,64]}}"#;

pub(crate) const CARD: &str = "---\nlicense: apache-2.0\nbase_model:\n  - meta-llama/Llama-3.1-8B\n  - \"acme/été\"\nbase_model_relation: finetune\ndatasets: [acme/chat]\ntags:\n- gguf\npipeline_tag: text-generation\nmodel_name: Löwe\nextra_gated_prompt: |-\n  Do you agree?\n---\n# Model\ntext\n```yaml\nmerge_method: ties\nbase_model: a/base\nmodels:\n  - model: a/b+c/lora\n  - model: a/d@main\n```\n";

pub(crate) const RECIPE: &str = "name: step\nmerge_method: slerp\nslices:\n  - sources:\n      - model: a/one\n      - model: b/two@rev+c/lora\n---\nmerge_method: linear\nmodels:\n  - model: step\n  - model: {model: {path: d/four, revision: main}, lora: e/five}\n---\nbase_model: f/six\nexperts:\n  - source_model: g/seven\n";

pub(crate) const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
