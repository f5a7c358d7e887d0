//! What a value is: a Hugging Face id, an Ollama name, a vendor's model, a weights file, or none of these.

use crate::{ReferenceKind, Role};

/// How much the place says about the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A key or argument that is called something with `model`: only what has the shape of an id counts.
    Named,
    /// A loader or server takes it: names without an owner (`gpt2`), folders and variables count too.
    Loaded,
    /// A repository id (`repo_id=`): an owner is needed, variables count.
    Repo,
    /// Ollama reads it.
    Ollama,
    /// A weights file or folder, or an id.
    Path,
}

/// What a value names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) kind: ReferenceKind,
    pub(crate) id: String,
    pub(crate) revision: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) unresolved: bool,
}

impl Named {
    pub(crate) fn new(kind: ReferenceKind, id: impl Into<String>) -> Named {
        Named { kind, id: id.into(), revision: None, file: None, unresolved: false }
    }

    pub(crate) fn unresolved(kind: ReferenceKind, id: impl Into<String>) -> Named {
        Named { unresolved: true, ..Named::new(kind, id) }
    }
}

/// Longest value that is looked at, in bytes.
const VALUE_BYTES_MAX: usize = 512;

/// Extensions of weights files that need no further sign.
const WEIGHTS: &[&str] = &[
    ".gguf",
    ".ggml",
    ".safetensors",
    ".pt",
    ".pth",
    ".ckpt",
    ".onnx",
    ".tflite",
    ".nemo",
    ".llamafile",
    ".mlpackage",
    ".mlmodel",
    ".keras",
];

/// Extensions of weights files that other files have too: only where a model is expected.
const WEIGHTS_MAYBE: &[&str] = &[".bin", ".h5", ".engine", ".pb", ".task", ".litertlm"];

/// Extensions of files that are no weights; a name after the slash that ends so is a path.
const NOT_WEIGHTS: &[&str] = &[
    ".py", ".sh", ".js", ".ts", ".tsx", ".mjs", ".rs", ".go", ".java", ".json", ".jsonl", ".yaml", ".yml", ".toml",
    ".md", ".txt", ".csv", ".tsv", ".html", ".css", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".mp3", ".mp4",
    ".wav", ".flac", ".pdf", ".zip", ".tar", ".gz", ".git", ".ipynb", ".ini", ".cfg", ".conf", ".log", ".lock",
    ".parquet", ".jinja", ".j2", ".tpl", ".xml", ".sql", ".whl", ".so", ".dll", ".exe", ".env", ".tmp", ".npz", ".npy",
    ".pkl",
];

/// First parts of a path or type that are no owner of a repository.
const NOT_OWNERS: &[&str] = &[
    "application",
    "text",
    "image",
    "audio",
    "video",
    "multipart",
    "font",
    "message",
    "model",
    "models",
    "data",
    "dataset",
    "datasets",
    "src",
    "lib",
    "bin",
    "usr",
    "opt",
    "home",
    "tmp",
    "etc",
    "var",
    "mnt",
    "root",
    "app",
    "apps",
    "checkpoint",
    "checkpoints",
    "ckpt",
    "ckpts",
    "weights",
    "pretrained",
    "pretrained_models",
    "pretrained-models",
    "output",
    "outputs",
    "out",
    "result",
    "results",
    "save",
    "saves",
    "saved",
    "saved_models",
    "runs",
    "logs",
    "log",
    "config",
    "configs",
    "conf",
    "scripts",
    "docs",
    "doc",
    "test",
    "tests",
    "example",
    "examples",
    "assets",
    "build",
    "dist",
    "node_modules",
    "local",
    "path",
    "cache",
    "workspace",
    "content",
    "kaggle",
    "experiments",
    "exp",
    "artifacts",
    "resources",
    "static",
    "public",
    "templates",
    "your",
    "files",
    "storage",
    "input",
    "v1",
    "api",
    "refs",
    "heads",
    "train",
    "eval",
    "and",
    "either",
    "true",
    "yes",
    "n",
    "owner",
    "org",
    "org_name",
    "organization",
    "user",
    "username",
    "user_name",
    "namespace",
    "your-org",
    "your_org",
    "your-username",
    "your_username",
    "your-name",
    "your_hf_username",
    "your-hf-username",
    "my-org",
    "my_org",
    "hf_username",
    "repo",
    "lora",
    "loras",
    "adapters",
    "vae",
    "unet",
    "roles",
    "projects",
    "publishers",
    "locations",
    "general",
];

/// Names that stand in a model's place and name none: what a server calls whatever it serves, placeholders.
const NOT_NAMES: &[&str] = &[
    "assistant",
    "tgi",
    "model",
    "default",
    "auto",
    "none",
    "null",
    "test",
    "local",
    "custom",
    "base",
    "local-model",
    "my-model",
    "your-model",
    "model-name",
    "model-id",
    "your-model-name",
    "your-model-id",
    "fake-model",
    "mock-model-id",
    "fake-model-id",
    "dummy-model-id",
    "test-model-id",
    "mock-model-name",
    "test-model",
    "mock-model",
    "dummy-model",
    "some-model",
    "any-model",
    "vllm-model",
    "fine-tuned-model",
    "finetuned-model",
    "mock-gpt-4",
    "unknown-model",
];

/// Prefixes that say which API answers. `true`: a hosting service, whose names are kept whole.
const PROVIDERS: &[(&str, bool)] = &[
    ("openai", false),
    ("azure", false),
    ("azure_openai", false),
    ("azure_ai", true),
    ("azureopenai", false),
    ("anthropic", false),
    ("bedrock", true),
    ("bedrock_converse", true),
    ("vertex_ai", true),
    ("vertex", true),
    ("google_vertexai", true),
    ("gemini", false),
    ("google", false),
    ("google_genai", false),
    ("mistral", false),
    ("mistralai", false),
    ("cohere", false),
    ("cohere_chat", false),
    ("groq", true),
    ("together_ai", true),
    ("together", true),
    ("fireworks_ai", true),
    ("fireworks", true),
    ("deepseek", false),
    ("xai", false),
    ("x-ai", false),
    ("perplexity", true),
    ("openrouter", true),
    ("replicate", true),
    ("deepinfra", true),
    ("databricks", false),
    ("watsonx", true),
    ("nvidia_nim", true),
    ("cerebras", true),
    ("sambanova", true),
    ("ai21", false),
    ("voyage", false),
    ("litellm_proxy", false),
    ("github", false),
    ("dashscope", false),
    ("moonshot", false),
    ("zai", false),
    ("text-completion-openai", false),
];

/// Beginnings of the names of hosted models. What follows must be the end, `-`, `.`, `:`, `@` or a digit.
const VENDOR: &[&str] = &[
    "gpt-3.5",
    "gpt-35",
    "gpt-4",
    "gpt-5",
    "gpt-image",
    "gpt-realtime",
    "gpt-audio",
    "chatgpt",
    "o1",
    "o3",
    "o4-mini",
    "text-embedding-3",
    "text-embedding-ada",
    "text-embedding-004",
    "text-embedding-005",
    "text-davinci",
    "davinci-002",
    "babbage-002",
    "dall-e",
    "tts-1",
    "whisper-1",
    "omni-moderation",
    "codex-mini",
    "computer-use-preview",
    "claude",
    "gemini",
    "text-bison",
    "chat-bison",
    "mistral-large",
    "mistral-medium",
    "mistral-small",
    "mistral-tiny",
    "mistral-saba",
    "mistral-embed",
    "mistral-ocr",
    "codestral",
    "ministral",
    "pixtral",
    "magistral",
    "devstral",
    "open-mistral",
    "open-mixtral",
    "command-r",
    "command-a",
    "command-light",
    "command-nightly",
    "embed-english",
    "embed-multilingual",
    "rerank-english",
    "rerank-multilingual",
    "rerank-v3",
    "grok",
    "deepseek-chat",
    "deepseek-reasoner",
    "sonar",
    "voyage",
    "jamba-1",
    "jamba-large",
    "jamba-mini",
    "nova-pro",
    "nova-lite",
    "nova-micro",
    "qwen-max",
    "qwen-plus",
    "qwen-turbo",
    "qwen-long",
    "qwen-flash",
    "qwen-vl-max",
    "qwen-vl-plus",
    "qwen3-max",
    "moonshot-v1",
    "kimi-k2",
    "glm-4-plus",
    "glm-4-air",
    "glm-4-flash",
    "ernie-4",
    "doubao",
];

/// Names that one hosting service gives to open weights: alone they mean that service.
const HOSTED: &[&str] = &[
    "mixtral-8x7b-32768",
    "llama-3.1-8b-instant",
    "llama-3.3-70b-versatile",
    "llama-3.1-70b-versatile",
    "llama3-8b-8192",
    "llama3-70b-8192",
];

/// Names in the shape of a hosted model whose weights are open.
const NOT_VENDOR: &[&str] =
    &["gpt-oss", "gemini-nano", "claude-code", "claude-desktop", "grok-1", "gpt-4all", "gpt-4o-tokenizer"];

fn ends_with_any(lower: &str, list: &[&str]) -> bool {
    list.iter().any(|e| lower.len() > e.len() && lower.ends_with(e))
}

/// True for the name of a weights file. `expected`: a model is expected here, so extensions that others share count.
pub(crate) fn is_weights(value: &str, expected: bool) -> bool {
    let lower = value.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    ends_with_any(&lower, WEIGHTS) || (expected && ends_with_any(&lower, WEIGHTS_MAYBE))
}

/// True where the value is written as a path: `./x`, `../x`, `/x`, `~/x`, `C:\x`.
pub(crate) fn is_path(value: &str) -> bool {
    let b = value.as_bytes();
    value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with("~/")
        || (value.starts_with('/') && !value.starts_with("//") && value.len() > 1)
        || (b.first().is_some_and(u8::is_ascii_alphabetic) && b.get(1) == Some(&b':') && b.get(2) == Some(&b'\\'))
}

/// True where a part of the value is filled in when the program runs: `$X`, `${x}`, `{x}`, `{{ x }}`, `%s`, `$(x)`.
pub(crate) fn has_variable(value: &str) -> bool {
    let b = value.as_bytes();
    let dollar = b.windows(2).any(
        |w| matches!(w, [b'$', c] if c.is_ascii_alphabetic() || matches!(c, b'_' | b'{' | b'(' | b'1'..=b'9' | b'@')),
    );
    dollar || (value.contains('{') && value.contains('}')) || value.contains("%s")
}

/// True where nothing but a variable stands there.
pub(crate) fn only_variable(value: &str) -> bool {
    let v = value.trim();
    let bare = v.strip_prefix('$').is_some_and(|r| r.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    let braced = |open: &str, close: &str| {
        v.strip_prefix(open).and_then(|r| r.strip_suffix(close)).is_some_and(|r| !r.contains('}') && !r.contains('{'))
    };
    bare || v == "%s"
        || braced("${{", "}}")
        || braced("{{", "}}")
        || braced("${", "}")
        || braced("{", "}")
        || braced("$(", ")")
}

fn owner_char(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
}

/// True for `owner/name` in the grammar of Hugging Face that is not a path, a type, a date or a file.
pub(crate) fn is_hub_id(value: &str) -> bool {
    if value.len() > 193 {
        return false;
    }
    let Some((owner, name)) = value.split_once('/') else { return false };
    if owner.is_empty() || name.is_empty() || owner.len() > 96 || name.len() > 96 || name.contains('/') {
        return false;
    }
    if !owner.bytes().all(owner_char) || !name.bytes().all(owner_char) {
        return false;
    }
    if !owner.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) || name.starts_with(['.', '-']) {
        return false;
    }
    if value.contains("--") || value.contains("..") || name.ends_with('.') {
        return false;
    }
    // dates (2024/01), fractions, and version numbers have no letter on one side
    let letters = |s: &str| s.bytes().any(|b| b.is_ascii_alphabetic());
    if !letters(name) || (!letters(owner) && owner.len() < 5 && !owner.starts_with("01")) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    let owner = lower.split('/').next().unwrap_or_default();
    let name = lower.split('/').nth(1).unwrap_or_default();
    let place =
        ["model", "model-name", "model_name", "model-id", "model_id", "repo", "repo-name", "reward-model", "name"];
    // `meta.llama` would be a package; an owner with a dot and no capital is a host (`ghcr.io/x`)
    let host =
        [".io", ".com", ".org", ".net", ".ai", ".dev", ".co"].iter().any(|t| owner.ends_with(t)) && owner != "01.ai";
    let placeholder = ["your", "my-", "my_"].iter().any(|p| owner.starts_with(p));
    !NOT_OWNERS.contains(&owner)
        && !host
        && !placeholder
        && !place.contains(&name)
        && !name.starts_with("your-")
        && !name.starts_with("your_")
        && !ends_with_any(&lower, NOT_WEIGHTS)
        && !ends_with_any(&lower, WEIGHTS)
        && !lower.ends_with(".bin")
}

/// True for a name without an owner that a loader takes from the hub (`gpt2`, `bert-base-uncased`).
pub(crate) fn is_bare_name(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let placeholder = ["your", "my-", "my_", "path", "checkpoint", "output", "result", "saved", "final", "tmp"];
    (3..=96).contains(&value.len())
        && value.bytes().all(owner_char)
        && value.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && value.bytes().any(|b| b.is_ascii_alphabetic())
        && value.bytes().any(|b| b.is_ascii_digit() || b == b'-')
        && !value.ends_with(['-', '.'])
        && !NOT_NAMES.contains(&lower.as_str())
        && !placeholder.iter().any(|p| lower.starts_with(p))
        && !ends_with_any(&lower, NOT_WEIGHTS)
        && !value.contains("--")
        && !value.contains("..")
        && !is_version(&lower)
}

/// `v1`, `1.2.3`, `3.x`: a version, not a name.
fn is_version(lower: &str) -> bool {
    let rest = lower.strip_prefix('v').unwrap_or(lower);
    rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'x' | b'-'))
}

/// True for the name of a model that only an API serves.
pub(crate) fn is_vendor(value: &str) -> bool {
    if value.len() > 96 || !value.bytes().all(|b| owner_char(b) || matches!(b, b':' | b'@')) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    if NOT_VENDOR.iter().any(|n| lower.starts_with(n)) || ends_with_any(&lower, NOT_WEIGHTS) {
        return false;
    }
    if is_bedrock(&lower) {
        return true;
    }
    // `mistral-small:24b` is Ollama's
    if is_tagged(value) {
        return false;
    }
    VENDOR.iter().any(|v| {
        lower.strip_prefix(v).is_some_and(|rest| {
            let edge = rest.chars().next().is_none_or(|c| {
                matches!(c, '-' | '.' | ':' | '@') || (c.is_ascii_digit() && !v.ends_with(|l: char| l.is_ascii_digit()))
            });
            // gpt-4o, gpt-4.1, claude2
            let family = v.starts_with("gpt-4") && rest.starts_with('o');
            let alone = matches!(*v, "claude" | "gemini" | "grok" | "sonar" | "chatgpt" | "voyage" | "codestral");
            (edge || family) && !(alone && rest.is_empty() && *v != "sonar")
        })
    })
}

/// `us.anthropic.claude-3-5-sonnet-20240620-v1:0`.
fn is_bedrock(lower: &str) -> bool {
    let region = ["us.", "eu.", "apac.", "global.", "us-gov."];
    let rest = region.iter().find_map(|r| lower.strip_prefix(r)).unwrap_or(lower);
    let makers = [
        "anthropic.",
        "amazon.",
        "meta.",
        "mistral.",
        "cohere.",
        "ai21.",
        "stability.",
        "deepseek.",
        "openai.",
        "qwen.",
    ];
    let Some(model) = makers.iter().find_map(|m| rest.strip_prefix(m)) else { return false };
    let versioned = model.rsplit_once("-v").is_some_and(|(_, v)| v.starts_with(|c: char| c.is_ascii_digit()))
        || model.rsplit_once(':').is_some_and(|(_, v)| v.bytes().all(|b| b.is_ascii_digit()));
    versioned || model.starts_with("claude-") || (model.starts_with("titan-") || model.starts_with("nova-"))
}

/// The characters of an Ollama name without its tag: `[host/][owner/]name`.
fn is_ollama_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 160
        && name.split('/').count() <= 3
        && name.split('/').all(|p| !p.is_empty() && p.bytes().all(owner_char) && !p.starts_with(['-', '.']))
        && name.bytes().any(|b| b.is_ascii_alphabetic())
}

/// True for `name:tag` in which the tag is one of a model: `8b`, `latest`, `30b-a3b`, `q4_K_M`.
pub(crate) fn is_tagged(value: &str) -> bool {
    let Some((name, tag)) = value.rsplit_once(':') else { return false };
    if !is_ollama_name(name) || tag.is_empty() || !tag.bytes().all(owner_char) {
        return false;
    }
    if name.split('/').next().is_some_and(|h| h.contains('.')) && name.contains('/') && !name.starts_with("hf.co/") {
        return false;
    }
    let tag = tag.to_ascii_lowercase();
    let mut parts = tag.split(['-', '_']);
    let size = |p: &str| {
        let p = p.strip_prefix(['e', 'a']).unwrap_or(p);
        let number = p.trim_end_matches(['b', 'm']);
        number.len() + 1 == p.len()
            && number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'x'))
            && number.starts_with(|c: char| c.is_ascii_digit())
    };
    let quant = |p: &str| {
        matches!(p, "fp16" | "bf16" | "fp8" | "instruct" | "cloud")
            || p.strip_prefix("iq")
                .or_else(|| p.strip_prefix('q'))
                .is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
    };
    parts.any(|p| size(p) || quant(p)) || (tag == "latest" && !is_image(name))
}

/// Names of container images that carry the tag `latest` and are no model.
fn is_image(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        "vllm",
        "openai",
        "server",
        "nginx",
        "redis",
        "postgres",
        "ubuntu",
        "python",
        "node",
        "inference",
        "sglang",
        "llama.cpp",
        "localai",
        "ollama/ollama",
        "webui",
    ]
    .iter()
    .any(|w| lower.contains(w))
}

/// What an Ollama command or client was given.
pub(crate) fn ollama(value: &str) -> Option<Named> {
    let value = value.trim();
    for host in ["hf.co/", "huggingface.co/", "https://hf.co/", "https://huggingface.co/"] {
        if let Some(rest) = value.strip_prefix(host) {
            let id = rest.split(':').next().unwrap_or_default();
            return is_hub_id(id).then(|| Named::new(ReferenceKind::Model, id));
        }
    }
    if has_variable(value) {
        return Some(Named::unresolved(ReferenceKind::OllamaModel, value));
    }
    if is_path(value) || is_weights(value, true) {
        return Some(Named::new(ReferenceKind::File, value));
    }
    let name = value.split(':').next().unwrap_or_default();
    let tag = value.split_once(':').map_or("latest", |(_, t)| t);
    let plain = is_ollama_name(name) && !tag.is_empty() && tag.bytes().all(owner_char);
    let lower = name.to_ascii_lowercase();
    (plain && value.len() >= 2 && !NOT_NAMES.contains(&lower.as_str()))
        .then(|| Named::new(ReferenceKind::OllamaModel, value))
}

/// A model on the hub, or a weights file elsewhere, by its URL. `expected`: a page of a repository counts too.
pub(crate) fn url(value: &str, expected: bool) -> Option<Named> {
    let value = value.trim();
    if value.len() > 2048 || value.contains(char::is_whitespace) {
        return None;
    }
    // Deep Java Library
    if let Some(rest) = value.strip_prefix("djl://ai.djl.huggingface.") {
        return hub_path(rest.split_once('/')?.1);
    }
    for scheme in ["hf-hub:", "hf_hub:", "hf://"] {
        if let Some(rest) = value.strip_prefix(scheme) {
            return hub_path(rest);
        }
    }
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let host = host.rsplit('@').next().unwrap_or_default();
    if !matches!(host, "huggingface.co" | "www.huggingface.co" | "hf.co" | "hf-mirror.com") {
        let file = value.split(['?', '#']).next().unwrap_or_default();
        if !is_weights(file, expected) {
            return None;
        }
        return Some(if has_variable(file) {
            Named::unresolved(ReferenceKind::File, file)
        } else {
            Named::new(ReferenceKind::File, file)
        });
    }
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let path = path.strip_prefix("api/models/").unwrap_or(path);
    let mut parts = path.splitn(4, '/');
    let (owner, name) = (parts.next()?, parts.next()?);
    if [
        "datasets",
        "spaces",
        "docs",
        "blog",
        "papers",
        "collections",
        "api",
        "models",
        "organizations",
        "settings",
        "join",
    ]
    .contains(&owner)
        || ["tasks", "learn", "chat", "posts", "new", "login", "pricing", "search"].contains(&owner)
    {
        return None;
    }
    let id = format!("{owner}/{}", name.strip_suffix(".git").unwrap_or(name));
    let variable = has_variable(&id);
    if !variable && !is_hub_id(&id) {
        return None;
    }
    let mut named =
        if variable { Named::unresolved(ReferenceKind::Model, id) } else { Named::new(ReferenceKind::Model, id) };
    match (parts.next(), parts.next()) {
        (Some("resolve" | "blob" | "raw"), Some(rest)) => {
            let (revision, file) = rest.split_once('/')?;
            let lower = file.to_ascii_lowercase();
            let picture =
                [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".mp4", ".wav", ".mp3", ".pdf", ".md", ".jinja"];
            if ends_with_any(&lower, &picture) {
                return None;
            }
            named.revision = Some(revision.to_owned());
            named.file = Some(file.to_owned());
            Some(named)
        }
        (Some("tree"), Some(rest)) if expected => {
            named.revision = rest.split('/').next().map(str::to_owned);
            Some(named)
        }
        (None, None) if expected => Some(named),
        _ => None,
    }
}

/// `owner/name[/file]` with `@revision` or `:revision` after the name.
fn hub_path(rest: &str) -> Option<Named> {
    let rest = rest.strip_prefix("models/").unwrap_or(rest);
    if rest.starts_with("datasets/") || rest.starts_with("spaces/") || rest.starts_with("buckets/") {
        return None;
    }
    if has_variable(rest) {
        return Some(Named::unresolved(ReferenceKind::Model, rest));
    }
    let mut parts = rest.splitn(3, '/');
    let (owner, name, file) = (parts.next()?, parts.next()?, parts.next());
    let (name, revision) = match name.split_once(['@', ':']) {
        Some((name, revision)) => (name, Some(revision.to_owned())),
        None => (name, None),
    };
    let id = format!("{owner}/{name}");
    is_hub_id(&id).then(|| Named {
        revision,
        file: file.filter(|f| !f.is_empty()).map(str::to_owned),
        ..Named::new(ReferenceKind::Model, id)
    })
}

/// `provider/name` of LiteLLM, `provider:name` of LangChain and promptfoo.
fn provided(value: &str) -> Option<Named> {
    let (provider, rest) = value.split_once(['/', ':'])?;
    let colon = value.as_bytes().get(provider.len()) == Some(&b':');
    // promptfoo puts the sort of call between: `openai:chat:gpt-4o`
    let rest = [
        "chat:",
        "completion:",
        "responses:",
        "messages:",
        "embedding:",
        "embeddings:",
        "text-generation:",
        "converse:",
    ]
    .iter()
    .find_map(|p| rest.strip_prefix(p))
    .filter(|_| colon)
    .unwrap_or(rest);
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return None;
    }
    match provider {
        "ollama" | "ollama_chat" => return ollama(rest).filter(|_| rest != "ollama" && !rest.starts_with("ollama:")),
        "huggingface" | "hosted_vllm" | "vllm" | "hf" | "tgi" | "local_vllm" => {
            if is_hub_id(rest) {
                return Some(Named::new(ReferenceKind::Model, rest));
            }
            // huggingface/together/org/name
            let inner = rest.split_once('/').map(|(_, r)| r).unwrap_or_default();
            return is_hub_id(inner).then(|| Named::new(ReferenceKind::Model, inner));
        }
        _ => {}
    }
    let (_, hosting) = PROVIDERS.iter().find(|(p, _)| *p == provider)?;
    if is_vendor(rest) {
        return Some(Named::new(ReferenceKind::VendorApi, rest));
    }
    let inner = rest.rsplit('/').next().unwrap_or_default();
    if *hosting && inner != rest && is_vendor(inner) {
        return Some(Named::new(ReferenceKind::VendorApi, inner));
    }
    let plain = rest.len() <= 120 && rest.bytes().all(|b| owner_char(b) || matches!(b, b':' | b'/' | b'@'));
    (*hosting && plain && rest.bytes().any(|b| b.is_ascii_digit())).then(|| Named::new(ReferenceKind::VendorApi, value))
}

/// True for the name of an API: `openai`, `anthropic`.
pub(crate) fn is_provider(name: &str) -> bool {
    PROVIDERS.iter().any(|(p, _)| *p == name)
}

/// A literal that says both the API and one of its models (`openai:gpt-4o`), wherever it stands.
pub(crate) fn provider_and_model(value: &str) -> Option<Named> {
    let (provider, rest) = value.split_once(['/', ':'])?;
    let known =
        is_provider(provider) && (is_vendor(rest) || is_vendor(rest.rsplit([':', '/']).next().unwrap_or_default()));
    known.then(|| provided(value)).flatten()
}

/// True where the part before the slash is an API and no owner on the hub: `azure/my-deployment`.
fn is_api_only(value: &str) -> bool {
    let owners = ["openai", "google", "mistralai", "databricks", "together", "xai", "ai21", "replicate", "github"];
    let provider = value.split('/').next().unwrap_or_default();
    provider.len() < value.len() && !owners.contains(&provider) && PROVIDERS.iter().any(|(p, _)| *p == provider)
}

/// `owner/name@revision`, `owner/name:quantization` taken apart.
fn hub_id_with(value: &str) -> Option<Named> {
    if is_hub_id(value) {
        return Some(Named::new(ReferenceKind::Model, value));
    }
    let (id, revision) = value.split_once('@')?;
    (is_hub_id(id) && !revision.is_empty() && revision.bytes().all(|b| owner_char(b) || b == b'/'))
        .then(|| Named { revision: Some(revision.to_owned()), ..Named::new(ReferenceKind::Model, id) })
}

/// What `value` names where it stands in a `slot`; `None` where it names no model.
pub(crate) fn classify(value: &str, slot: Slot) -> Option<Named> {
    let value = value.trim();
    if value.is_empty() || value.len() > VALUE_BYTES_MAX || value.contains(['\n', '\r', '"', '`']) {
        return None;
    }
    if value.starts_with('<') || value.contains("<your") || value.contains("/your") || value.contains("...") {
        return None;
    }
    if slot == Slot::Ollama {
        return ollama(value);
    }
    if value.starts_with("pvc://")
        || value.starts_with("s3://")
        || value.starts_with("gs://")
        || value.starts_with("oci://")
        || value.starts_with("azureml://")
    {
        let stored = slot != Slot::Repo;
        let kind = ReferenceKind::File;
        return stored
            .then(|| if has_variable(value) { Named::unresolved(kind, value) } else { Named::new(kind, value) });
    }
    if value.contains("://") || value.starts_with("hf-hub:") || value.starts_with("hf_hub:") {
        return url(value, true);
    }
    if has_variable(value) {
        return variable(value, slot);
    }
    if value.contains(char::is_whitespace) {
        return None;
    }
    if slot != Slot::Repo {
        if is_weights(value, true) {
            return Some(Named::new(ReferenceKind::File, value));
        }
        if is_path(value) {
            return Some(Named::new(ReferenceKind::File, value));
        }
        if let Some(found) = provided(value) {
            return Some(found);
        }
        if is_vendor(value) || HOSTED.contains(&value) {
            return Some(Named::new(ReferenceKind::VendorApi, value));
        }
    }
    if slot != Slot::Repo && is_api_only(value) {
        return None;
    }
    if let Some(found) = hub_id_with(value) {
        return Some(found);
    }
    if let Some(found) = value.strip_prefix("hf.co/").and_then(|_| ollama(value)) {
        return Some(found);
    }
    if slot != Slot::Repo && is_tagged(value) {
        let hub = value.rsplit_once(':').filter(|(id, _)| slot == Slot::Loaded && is_hub_id(id));
        return Some(match hub {
            Some((id, _)) => Named::new(ReferenceKind::Model, id),
            None => Named::new(ReferenceKind::OllamaModel, value),
        });
    }
    if matches!(slot, Slot::Loaded | Slot::Path) {
        // `models/x` is a folder beside the program
        if let Some((owner, _)) = value.split_once('/') {
            let folder = NOT_OWNERS.contains(&owner.to_ascii_lowercase().as_str());
            let plain = value.bytes().all(|b| owner_char(b) || b == b'/');
            let kept = folder && plain && !ends_with_any(&value.to_ascii_lowercase(), NOT_WEIGHTS);
            return (kept && !is_placeholder(owner)).then(|| Named::new(ReferenceKind::File, value));
        }
    }
    (slot == Slot::Loaded && is_bare_name(value)).then(|| Named::new(ReferenceKind::Model, value))
}

fn is_placeholder(owner: &str) -> bool {
    let owner = owner.to_ascii_lowercase();
    [
        "org",
        "user",
        "your",
        "owner",
        "namespace",
        "my-",
        "my_",
        "path",
        "application",
        "text",
        "image",
        "audio",
        "video",
    ]
    .iter()
    .any(|p| owner.starts_with(p))
}

/// A value that is filled in later: a loader's variable, or one with a written part that says something.
fn variable(value: &str, slot: Slot) -> Option<Named> {
    if let Some(default) = shell_default(value) {
        return classify(default, slot);
    }
    if only_variable(value) {
        return (matches!(slot, Slot::Loaded | Slot::Repo)).then(|| Named::unresolved(ReferenceKind::Model, value));
    }
    // spaces inside `${{ x }}` are part of the variable
    let mut depth = 0usize;
    let mut written = String::new();
    for c in value.chars() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => written.push(c),
            _ => {}
        }
    }
    let shell = written.split(['/', '.', '-']).filter(|p| !p.starts_with('$')).collect::<Vec<_>>().join("/");
    let says = shell.bytes().any(|b| b.is_ascii_alphanumeric());
    if written.contains(char::is_whitespace) || written.contains(['=', ';', '|', ',', '"', '\'', '<', '>']) {
        return None;
    }
    if is_weights(value, slot != Slot::Named) {
        return Some(Named::unresolved(ReferenceKind::File, value));
    }
    let joined = value.contains('/');
    // names of resources of a cloud
    if value.starts_with("projects/") || value.starts_with("publishers/") {
        return None;
    }
    match slot {
        Slot::Repo if !joined => None,
        Slot::Loaded | Slot::Repo => Some(Named::unresolved(ReferenceKind::Model, value)),
        _ => (says && joined).then(|| Named::unresolved(ReferenceKind::Model, value)),
    }
}

/// The `y` of `${X:-y}` where nothing else stands beside it.
pub(crate) fn shell_default(value: &str) -> Option<&str> {
    let inner = value.strip_prefix("${")?.strip_suffix('}')?;
    let (name, default) = inner.split_once(":-").or_else(|| inner.split_once('-'))?;
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !default.contains(['{', '}']);
    (plain && !default.is_empty()).then_some(default)
}

/// Longest name that may say that it holds a model, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A name in lower case without separators; of a longer one its beginning.
pub(crate) struct Squeezed {
    bytes: [u8; NAME_BYTES_MAX],
    length: usize,
}

impl Squeezed {
    pub(crate) fn new(name: &str) -> Squeezed {
        let mut squeezed = Squeezed { bytes: [0; NAME_BYTES_MAX], length: 0 };
        let kept = name.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase());
        for (to, from) in squeezed.bytes.iter_mut().zip(kept) {
            *to = from;
            squeezed.length += 1;
        }
        squeezed
    }

    pub(crate) fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default()
    }
}

/// True for names with `model` in them that hold something else: what a server calls it, what is written.
pub(crate) fn is_refused(name: &str) -> bool {
    refused(Squeezed::new(name).as_str())
}

fn refused(n: &str) -> bool {
    let not = [
        "servedmodelname",
        "hubmodelid",
        "pushtohubmodelid",
        "modeltype",
        "modelclass",
        "modelalias",
        "datamodel",
        "usermodel",
        "basemodelclass",
        "threatmodel",
        "pydanticmodel",
        "authmodel",
    ];
    let written = ["save", "output", "export", "merged", "new", "final", "trained", "quantized", "dataset"];
    not.contains(&n) || written.iter().any(|w| n.starts_with(w))
}

/// What a key, an argument, a flag or a variable of this name holds: `model`, `MODEL_ID`, `--model-name-or-path`.
pub(crate) fn slot_of(name: &str) -> Option<(Slot, Option<Role>)> {
    if name.len() > NAME_BYTES_MAX || name.len() < 3 {
        return None;
    }
    let squeezed = Squeezed::new(name);
    let n = squeezed.as_str();
    if refused(n) {
        return None;
    }
    let loaded = [
        "modelnameorpath",
        "pretrainedmodelnameorpath",
        "nameorpath",
        "basemodel",
        "basemodelnameorpath",
        "hfmodelid",
        "pretrainedmodel",
        "pretrainedmodelname",
        "pretrainedmodelpath",
        "hfmodel",
        "basemodelid",
        "basemodelname",
    ];
    let base = n.starts_with("basemodel") || n == "parentid" || n == "parentmodel";
    if loaded.contains(&n) {
        return Some((Slot::Loaded, base.then_some(Role::Base)));
    }
    if n.starts_with("tokenizer")
        && ["", "id", "name", "path", "model", "modelid", "modelname", "nameorpath", "repo"]
            .contains(&n.trim_start_matches("tokenizer"))
    {
        return Some((Slot::Named, Some(Role::Tokenizer)));
    }
    let draft = n.contains("draft") || n.starts_with("speculative") || n == "assistantmodel" || n == "assistantmodelid";
    if draft && (n.contains("model") || n.contains("path") || n.contains("draft")) && !n.contains("token") {
        return Some((Slot::Named, Some(Role::Draft)));
    }
    let adapter = ["adapter", "lora", "peft"].iter().any(|a| n.starts_with(a));
    if adapter {
        let rest = ["adapter", "lora", "peft"].iter().find_map(|a| n.strip_prefix(a)).unwrap_or_default();
        let known = [
            "",
            "s",
            "id",
            "name",
            "path",
            "model",
            "modelid",
            "modelname",
            "modelpath",
            "nameorpath",
            "repo",
            "repoid",
            "ckpt",
            "checkpoint",
            "weights",
            "adapter",
            "url",
        ];
        return known.contains(&rest).then_some((Slot::Named, Some(Role::Adapter)));
    }
    let named = [
        "repoid",
        "hfrepo",
        "hfrepoid",
        "hubid",
        "hfid",
        "hfhubid",
        "huggingfaceid",
        "huggingfacerepo",
        "modelrepo",
        "llm",
        "llmname",
        "llmid",
        "llms",
        "embedder",
        "embeddings",
        "embedding",
        "reranker",
        "judge",
        "checkpoint",
        "checkpointpath",
        "ckpt",
        "ckptpath",
        "ckptname",
        "pretrained",
        "pretrainedpath",
        "weights",
        "weightspath",
        "mmproj",
        "mmprojpath",
        "storageuri",
        "parentid",
        "vae",
        "vaepath",
        "aepath",
        "unet",
        "textencoder",
        "textencoderid",
        "controlnet",
        "modelfile",
        "ggufpath",
        "ggufpath",
        "ggufurl",
        "ggufrepo",
        "gguf",
        "hfpath",
        "ditweight",
        "safetensorspath",
        "pathorhfrepo",
    ];
    if named.contains(&n) {
        return Some((Slot::Named, base.then_some(Role::Base)));
    }
    let tails = [
        "model",
        "modelid",
        "modelname",
        "modelpath",
        "modeldir",
        "modelrepo",
        "modelrepoid",
        "modeluri",
        "modelurl",
        "modelsource",
        "modelslug",
        "modelcheckpoint",
        "modelweights",
        "models",
        "modelnameorpath",
        "modelids",
        "modelnames",
        "modelalias",
        "modelroot",
        "modelkey",
        "checkpointpath",
    ];
    let hit = tails.iter().any(|t| n.ends_with(t)) || n.starts_with("modelid") || n.starts_with("modelname");
    hit.then_some((Slot::Named, base.then_some(Role::Base)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(value: &str, slot: Slot) -> Option<(ReferenceKind, String)> {
        classify(value, slot).map(|n| (n.kind, n.id))
    }

    #[test]
    fn hub_ids_by_their_grammar() {
        for ok in [
            "Qwen/Qwen3-8B",
            "01-ai/Yi-6B",
            "meta-llama/Llama-3.1-8B",
            "openai/whisper-large-v3",
            "a1/b_c.d",
            "openai-community/gpt2",
        ] {
            assert!(is_hub_id(ok), "{ok}");
        }
        let not = [
            "application/json",
            "image/png",
            "./x/y",
            "../x",
            "/x/y",
            "~/x",
            "2024/01",
            "12/24",
            "a/b/c",
            "a--b/c",
            "a/..",
            "org/x.git",
            "org/nb.ipynb",
            "src/main.rs",
            "models/x",
            "path/to",
            "ghcr.io/x",
            "your-org/model",
            "org/model",
            "x/",
            "/x",
            "n/a",
            "a b/c",
            "data/train",
            "org/x.gguf",
            "text/event-stream",
            "refs/main",
            "org/.hidden",
        ];
        for bad in not {
            assert!(!is_hub_id(bad), "{bad}");
        }
    }

    #[test]
    fn vendor_names() {
        for ok in [
            "gpt-4o",
            "gpt-4o-mini-2024-07-18",
            "gpt-4",
            "gpt-4.1-mini",
            "gpt-5",
            "gpt-3.5-turbo",
            "o1",
            "o3-mini",
            "o4-mini",
            "text-embedding-3-small",
            "claude-3-5-sonnet-20241022",
            "claude-opus-4-1",
            "claude-3.5-sonnet",
            "us.anthropic.claude-3-5-sonnet-20240620-v1:0",
            "anthropic.claude-v2",
            "gemini-1.5-pro",
            "mistral-large-latest",
            "command-r-plus",
            "grok-2",
            "deepseek-chat",
        ] {
            assert!(is_vendor(ok), "{ok}");
        }
        for bad in [
            "gpt-oss-20b",
            "gpt2",
            "gpt-neo",
            "gpt-j-6b",
            "mistral-small:24b",
            "o1b",
            "claude",
            "gemini",
            "command",
            "assistant",
            "o10",
        ] {
            assert!(!is_vendor(bad), "{bad}");
        }
    }

    #[test]
    fn ollama_names_need_a_tag_of_a_model_elsewhere() {
        for ok in [
            "llama3.1:8b",
            "qwen3:30b-a3b",
            "phi3:latest",
            "gemma3n:e4b",
            "x:7b-instruct-q4_K_M",
            "mixtral:8x7b",
            "me/x:8b",
        ] {
            assert!(is_tagged(ok), "{ok}");
        }
        for bad in [
            "localhost:8080",
            "vllm/vllm-openai:latest",
            "python:3.11",
            "a:b",
            "key:",
            "http://x:80",
            "docker.io/x/y:1b",
        ] {
            assert!(!is_tagged(bad), "{bad}");
        }
        assert_eq!(id("llama3", Slot::Ollama), Some((ReferenceKind::OllamaModel, "llama3".into())));
        assert_eq!(
            id("hf.co/bartowski/X-GGUF:Q4_K_M", Slot::Ollama),
            Some((ReferenceKind::Model, "bartowski/X-GGUF".into()))
        );
    }

    #[test]
    fn values_in_a_named_slot() {
        for bad in [
            "assistant",
            "tgi",
            "model",
            "default",
            "application/json",
            "gpt2",
            "2024-01-01",
            "my model",
            "$MODEL",
            "${x}",
            "<id>",
        ] {
            assert_eq!(id(bad, Slot::Named), None, "{bad}");
        }
        assert_eq!(id("openai/gpt-4.1-mini", Slot::Named), Some((ReferenceKind::VendorApi, "gpt-4.1-mini".into())));
        assert_eq!(
            id("openai/whisper-large-v3", Slot::Named),
            Some((ReferenceKind::Model, "openai/whisper-large-v3".into()))
        );
        assert_eq!(id("openai:gpt-4o", Slot::Named), Some((ReferenceKind::VendorApi, "gpt-4o".into())));
        assert_eq!(id("openai:chat:gpt-4o", Slot::Named), Some((ReferenceKind::VendorApi, "gpt-4o".into())));
        assert_eq!(id("ollama/llama3.1", Slot::Named), Some((ReferenceKind::OllamaModel, "llama3.1".into())));
        assert_eq!(
            id("huggingface/together/deepseek-ai/DeepSeek-R1", Slot::Named),
            Some((ReferenceKind::Model, "deepseek-ai/DeepSeek-R1".into()))
        );
        assert_eq!(
            id("groq/llama-3.3-70b-versatile", Slot::Named),
            Some((ReferenceKind::VendorApi, "groq/llama-3.3-70b-versatile".into()))
        );
        assert_eq!(
            id("bedrock/us.anthropic.claude-3-haiku-20240307-v1:0", Slot::Named),
            Some((ReferenceKind::VendorApi, "us.anthropic.claude-3-haiku-20240307-v1:0".into()))
        );
        assert_eq!(id("./models/x", Slot::Named), Some((ReferenceKind::File, "./models/x".into())));
        assert_eq!(id("luna.gguf", Slot::Named), Some((ReferenceKind::File, "luna.gguf".into())));
        assert_eq!(id("azure/REPLACE-DEPLOYMENT", Slot::Named), None);
    }

    #[test]
    fn loaders_take_bare_names_and_variables() {
        assert_eq!(id("gpt2", Slot::Loaded), Some((ReferenceKind::Model, "gpt2".into())));
        assert_eq!(id("bert-base-uncased", Slot::Loaded), Some((ReferenceKind::Model, "bert-base-uncased".into())));
        assert_eq!(id("models/x-7b", Slot::Loaded), Some((ReferenceKind::File, "models/x-7b".into())));
        let open = classify("$MODEL", Slot::Loaded).unwrap();
        assert!(open.unresolved && open.id == "$MODEL");
        let part = classify("apple/M-$size", Slot::Loaded).unwrap();
        assert!(part.unresolved);
        assert_eq!(id("${MODEL:-Qwen/Qwen3-8B}", Slot::Named), Some((ReferenceKind::Model, "Qwen/Qwen3-8B".into())));
        for bad in ["output", "checkpoint-500", "my-model", "v1.2", "1.0.0"] {
            assert_eq!(id(bad, Slot::Loaded), None, "{bad}");
        }
    }

    #[test]
    fn urls() {
        let n = url("https://huggingface.co/a/b-7b/resolve/main/x/y.gguf?download=true", false).unwrap();
        assert_eq!(
            (n.id.as_str(), n.revision.as_deref(), n.file.as_deref()),
            ("a/b-7b", Some("main"), Some("x/y.gguf"))
        );
        assert_eq!(url("https://huggingface.co/a/b-7b", false), None);
        assert_eq!(url("https://huggingface.co/a/b-7b", true).unwrap().id, "a/b-7b");
        assert_eq!(url("https://huggingface.co/datasets/a/b/resolve/main/x.bin", true), None);
        assert_eq!(url("https://huggingface.co/a/b-7b/resolve/main/logo.png", true), None);
        assert_eq!(url("https://huggingface.co/docs/transformers", true), None);
        assert_eq!(url("https://host.example/x/model.pth", false).unwrap().kind, ReferenceKind::File);
        assert_eq!(url("https://host.example/x/page.html", true), None);
        let n = url("hf://a/b-7b@v2/x.safetensors", false).unwrap();
        assert_eq!(
            (n.id.as_str(), n.revision.as_deref(), n.file.as_deref()),
            ("a/b-7b", Some("v2"), Some("x.safetensors"))
        );
        assert_eq!(url("hf://datasets/a/b", true), None);
        assert_eq!(url("hf-hub:timm/vit_base", false).unwrap().id, "timm/vit_base");
    }

    #[test]
    fn slots_by_name() {
        for ok in [
            "model",
            "MODEL_ID",
            "HF_MODEL_ID",
            "--model",
            "model-id",
            "modelURL",
            "llm_model",
            "default_model",
            "repo_id",
            "modelId",
            "EMBEDDING_MODEL",
        ] {
            assert!(slot_of(ok).is_some(), "{ok}");
        }
        for bad in [
            "served_model_name",
            "hub_model_id",
            "model_type",
            "name",
            "file",
            "max_model_len",
            "modelRef",
            "models_dir2",
            "dataset",
        ] {
            assert!(slot_of(bad).is_none(), "{bad}");
        }
        assert_eq!(slot_of("tokenizer").unwrap().1, Some(Role::Tokenizer));
        assert_eq!(slot_of("lora_path").unwrap().1, Some(Role::Adapter));
        assert_eq!(slot_of("speculative_model").unwrap().1, Some(Role::Draft));
        assert_eq!(slot_of("base_model").unwrap().1, Some(Role::Base));
    }
}
