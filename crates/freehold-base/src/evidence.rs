//! Facts read from bytes, each with the place where it stands.

/// Where a statement stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// Path of the file, relative to the source's root, with `/`; empty for what no file says
    /// (a case, a flag, the catalog).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Dotted path of the key inside the file (`general.license`, `base_model[0]`); empty for a whole file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Byte range of the value in the file, end exclusive; `None` where the file was not read by offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<(u64, u64)>,
    /// 1-based line of the value in a text file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl Evidence {
    /// A statement that is not in a file: `source` says whose it is (`catalog models/meta-llama.toml`, `case`).
    pub fn stated(source: impl Into<String>) -> Evidence {
        Evidence { file: source.into(), ..Evidence::default() }
    }
}

/// What a [`Fact`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// The artifact's name for itself (`general.name`, `model_name` of a card). A claim, not identity.
    Name,
    /// The repository it says it is or was downloaded as (`org/name`): `_name_or_path` is *not* this
    /// (see [`FactKind::NameOrPath`]); an HF cache folder, a `source.repo_url` are.
    Repository,
    /// Commit or tag of the repository copy.
    Revision,
    /// Architecture family (`general.architecture`, `architectures[0]`, `model_type`).
    Architecture,
    /// Human size label or parameter count (`8B`).
    SizeLabel,
    /// Quantization (`Q4_K_M`, `gptq`, `awq`, `bitsandbytes`, …): the file is a quantized form.
    Quantization,
    /// Container format (`gguf`, `safetensors`, `pytorch`, …).
    Format,
    /// A license tag or expression, raw, as written (`license:`, `general.license`).
    LicenseTag,
    /// `license_name` beside `license: other`.
    LicenseName,
    /// `license_link`.
    LicenseLink,
    /// A parent named by a card (`base_model`) or a GGUF header (`general.base_model.N`), raw.
    BaseModel,
    /// `base_model_relation` of a card: finetune, adapter, merge, quantized.
    BaseModelRelation,
    /// `base_model_name_or_path` of an adapter.
    AdapterBase,
    /// `revision` of an adapter's base.
    AdapterRevision,
    /// `peft_type` or `adapter.type`: the artifact is an adapter.
    AdapterType,
    /// `_name_or_path` / `name_or_path`: often the parent after a fine-tune, a lineage hint.
    NameOrPath,
    /// `merge_method` of a merge recipe: the artifact is a merge.
    MergeMethod,
    /// A model named in a merge recipe.
    MergeParent,
    /// A dataset named by a card or a header.
    Dataset,
    /// Who quantized it (`general.quantized_by`, `quantized_by`).
    QuantizedBy,
    /// Base-model display name in a header that has no id (`general.base_model.0.name`).
    BaseModelName,
    /// `auto_map` code taken from a repository or the folder: loading it runs code.
    RemoteCode,
    /// A tag of a card (`mergekit`, `gguf`, …).
    Tag,
    /// `pipeline_tag` / modality hint (`text-generation`, `image-text-to-text`).
    Task,
    /// True where the config has a vision or audio tower.
    Multimodal,
    /// sha256 of a file's content known without reading it (LFS pointer, HF blob name).
    Sha256,
    /// Version of the model that the header states.
    Version,
    /// The organization that the header states (`general.organization`).
    Organization,
    /// Number of blocks: one of the numbers that tell one base model from another.
    Layers,
    /// Width of the embedding.
    Hidden,
    /// Attention heads.
    Heads,
    /// Heads of keys and values.
    KvHeads,
    /// Width of the feed-forward layer.
    FeedForward,
    /// Words of the vocabulary.
    Vocabulary,
    /// Base of the rotary position embedding, rounded to a whole number.
    RopeBase,
    /// Positions that the model was made for.
    Context,
    /// Width of one attention head (`head_dim`, `attention.key_length`).
    HeadSize,
    /// How the rotary embedding is stretched: the type as written (`llama3`, `yarn`), `none` where the config says that it
    /// is not, or the name of a tensor that holds the stretching.
    RopeScaling,
    /// By how much it is stretched.
    RopeFactor,
    /// Positions before the stretching.
    RopeOriginalContext,
    /// Kind of tokenizer (`tokenizer.ggml.model`).
    TokenizerModel,
    /// Which rules cut the text before the tokenizer (`tokenizer.ggml.pre`).
    PreTokenizer,
    /// The token that begins a text.
    BosToken,
    /// A token that ends a text or a turn.
    EosToken,
    /// Number of the token that begins a text.
    BosId,
    /// Number of a token that ends a text or a turn.
    EosId,
    /// A chat template, never rendered: its hash without white space, then the marker tokens that it names, by spaces.
    ChatTemplate,
    /// Number of blocks by the names of the tensors in one file: the highest index and one.
    Blocks,
    /// What a tensor is and its shape, where that tells a width: `embedding 128256 x 4096`, rows first. The key is its name.
    Shape,
    /// `gated` terms that the card asks the reader to accept (`extra_gated_prompt` present).
    Gated,
}

/// One statement, raw, with its place. Two statements that differ are both kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Fact {
    /// What it is about.
    pub kind: FactKind,
    /// The value as written, secrets masked, at most [`Fact::VALUE_BYTES_MAX`] bytes.
    pub value: String,
    /// Where it stands.
    pub evidence: Evidence,
}

impl Fact {
    /// Longest value that is kept; longer ones are cut at a character boundary.
    pub const VALUE_BYTES_MAX: usize = 4096;
}

/// What sort of legal text a file in the folder is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextKind {
    /// `LICENSE*`, `COPYING*`, `LICENCE*`.
    License,
    /// `NOTICE*`, `Notice.txt`.
    Notice,
    /// `USE_POLICY*`, `ACCEPTABLE_USE*`.
    UsePolicy,
    /// The model card's body.
    Card,
}

/// A legal text found beside a model.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TextFile {
    /// By its name.
    pub kind: TextKind,
    /// Path relative to the source's root.
    pub file: String,
    /// Content as UTF-8 (invalid bytes replaced), at most the reader's stated limit.
    pub text: String,
}
