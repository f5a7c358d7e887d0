//! Where the tools of a machine keep models, and what the folders there say about what lies in them.

use std::path::{Path, PathBuf};

use crate::said::is_repository;

/// A tool's way of keeping models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreKind {
    /// The Hugging Face hub's cache: `models--{org}--{name}`.
    HuggingFaceCache,
    /// The cache of transformers before 4.22: `{hash}.{etag}` and a `.json` with the address.
    TransformersCache,
    /// sentence-transformers before 2.3: `{org}_{name}`.
    SentenceTransformers,
    /// Checkpoints that `torch.hub` fetched.
    TorchHub,
    /// ModelScope's cache: `{org}/{name}`.
    ModelScope,
    /// Ollama: `manifests` and `blobs`.
    Ollama,
    /// LM Studio: `{publisher}/{repository}`.
    LmStudio,
    /// GPT4All: a folder of GGUF files.
    Gpt4All,
    /// llama.cpp: `{org}_{repository}_{file}.gguf`.
    LlamaCpp,
    /// Jan: `models` in its data folder.
    Jan,
    /// Docker Model Runner: `models.json`, `manifests` and `blobs`.
    Docker,
    /// LocalAI: weights and a `{name}.yaml` for each.
    LocalAi,
    /// ComfyUI: loose files in `models/checkpoints`, `models/loras` and others.
    ComfyUi,
    /// Stable Diffusion web UI (AUTOMATIC1111, Forge): loose files in `models/Stable-diffusion`, `models/Lora`.
    StableDiffusionWebUi,
    /// InvokeAI: loose files in `models/{base}/{sort}`.
    InvokeAi,
    /// text-generation-webui: `{org}_{name}` and loose files in `user_data/models`.
    TextGenerationWebUi,
}

impl StoreKind {
    /// Every one that is known.
    pub const ALL: &[StoreKind] = &[
        StoreKind::HuggingFaceCache,
        StoreKind::TransformersCache,
        StoreKind::SentenceTransformers,
        StoreKind::TorchHub,
        StoreKind::ModelScope,
        StoreKind::Ollama,
        StoreKind::LmStudio,
        StoreKind::Gpt4All,
        StoreKind::LlamaCpp,
        StoreKind::Jan,
        StoreKind::Docker,
        StoreKind::LocalAi,
        StoreKind::ComfyUi,
        StoreKind::StableDiffusionWebUi,
        StoreKind::InvokeAi,
        StoreKind::TextGenerationWebUi,
    ];

    /// Its name as people write it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            StoreKind::HuggingFaceCache => "Hugging Face cache",
            StoreKind::TransformersCache => "old transformers cache",
            StoreKind::SentenceTransformers => "sentence-transformers",
            StoreKind::TorchHub => "torch hub",
            StoreKind::ModelScope => "ModelScope",
            StoreKind::Ollama => "Ollama",
            StoreKind::LmStudio => "LM Studio",
            StoreKind::Gpt4All => "GPT4All",
            StoreKind::LlamaCpp => "llama.cpp",
            StoreKind::Jan => "Jan",
            StoreKind::Docker => "Docker Model Runner",
            StoreKind::LocalAi => "LocalAI",
            StoreKind::ComfyUi => "ComfyUI",
            StoreKind::StableDiffusionWebUi => "Stable Diffusion web UI",
            StoreKind::InvokeAi => "InvokeAI",
            StoreKind::TextGenerationWebUi => "text-generation-webui",
        }
    }

    /// Its name, in kebab case or as the tool writes itself.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            StoreKind::HuggingFaceCache => "huggingface-cache",
            StoreKind::TransformersCache => "transformers-cache",
            StoreKind::SentenceTransformers => "sentence-transformers",
            StoreKind::TorchHub => "torch-hub",
            StoreKind::ModelScope => "modelscope",
            StoreKind::Ollama => "ollama",
            StoreKind::LmStudio => "lm-studio",
            StoreKind::Gpt4All => "gpt4all",
            StoreKind::LlamaCpp => "llama.cpp",
            StoreKind::Jan => "jan",
            StoreKind::Docker => "docker-model-runner",
            StoreKind::LocalAi => "localai",
            StoreKind::ComfyUi => "comfyui",
            StoreKind::StableDiffusionWebUi => "stable-diffusion-webui",
            StoreKind::InvokeAi => "invokeai",
            StoreKind::TextGenerationWebUi => "text-generation-webui",
        }
    }
}

/// The stores that are known, by [`StoreKind::title`], with commas: for help texts.
#[must_use]
pub fn known_stores() -> String {
    StoreKind::ALL.iter().map(|k| k.title()).collect::<Vec<_>>().join(", ")
}

/// A place on this machine where a tool keeps models.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Store {
    /// Whose it is.
    pub kind: StoreKind,
    /// Its folder, as the variable or the home folder gives it.
    pub path: PathBuf,
}

/// The known places of this machine that exist, sorted by kind and path, each folder once. `env` gives the value of an
/// environment variable; `home` is the user's home folder. Nothing below the folders is looked at.
pub fn stores(env: &dyn Fn(&str) -> Option<String>, home: Option<&Path>) -> Vec<Store> {
    let var = |name: &str| env(name).filter(|v| !v.trim().is_empty()).map(|v| expand(&v, home));
    let at = |relative: &str| home.map(|h| h.join(relative));
    let cache = var("XDG_CACHE_HOME").or_else(|| at(".cache"));
    let data = var("XDG_DATA_HOME").or_else(|| at(".local/share"));
    let under = |root: &Option<PathBuf>, relative: &str| root.as_ref().map(|r| r.join(relative));
    let local = var("LOCALAPPDATA");
    let roaming = var("APPDATA");
    let hugging_face = var("HF_HOME").or_else(|| under(&cache, "huggingface"));
    let torch = var("TORCH_HOME").or_else(|| under(&cache, "torch"));
    // a variable moves a store: the usual place is looked at all the same, for what was left there
    let candidates: Vec<(StoreKind, Option<PathBuf>)> = vec![
        (StoreKind::HuggingFaceCache, var("HF_HUB_CACHE")),
        (StoreKind::HuggingFaceCache, var("HUGGINGFACE_HUB_CACHE")),
        (StoreKind::HuggingFaceCache, under(&hugging_face, "hub")),
        (StoreKind::HuggingFaceCache, at(".cache/huggingface/hub")),
        (StoreKind::TransformersCache, var("TRANSFORMERS_CACHE")),
        (StoreKind::TransformersCache, var("PYTORCH_TRANSFORMERS_CACHE")),
        (StoreKind::TransformersCache, under(&hugging_face, "transformers")),
        (StoreKind::TransformersCache, under(&torch, "transformers")),
        (StoreKind::SentenceTransformers, var("SENTENCE_TRANSFORMERS_HOME")),
        (StoreKind::SentenceTransformers, under(&torch, "sentence_transformers")),
        (StoreKind::TorchHub, under(&torch, "hub/checkpoints")),
        (StoreKind::ModelScope, var("MODELSCOPE_CACHE")),
        (StoreKind::ModelScope, under(&cache, "modelscope/hub")),
        (StoreKind::Ollama, var("OLLAMA_MODELS")),
        (StoreKind::Ollama, at(".ollama/models")),
        (StoreKind::Ollama, Some(PathBuf::from("/usr/share/ollama/.ollama/models"))),
        (StoreKind::LmStudio, at(".lmstudio/models")),
        (StoreKind::LmStudio, under(&cache, "lm-studio/models")),
        (StoreKind::LmStudio, at(".lmstudio/hub/models")),
        (StoreKind::Gpt4All, under(&data, "nomic.ai/GPT4All")),
        (StoreKind::Gpt4All, at("Library/Application Support/nomic.ai/GPT4All")),
        (StoreKind::Gpt4All, under(&local, "nomic.ai/GPT4All")),
        (StoreKind::LlamaCpp, var("LLAMA_CACHE")),
        (StoreKind::LlamaCpp, under(&cache, "llama.cpp")),
        (StoreKind::LlamaCpp, at("Library/Caches/llama.cpp")),
        (StoreKind::LlamaCpp, under(&local, "llama.cpp")),
        (StoreKind::Jan, under(&data, "Jan/data/llamacpp/models")),
        (StoreKind::Jan, under(&data, "Jan/data/models")),
        (StoreKind::Jan, at("Library/Application Support/Jan/data/llamacpp/models")),
        (StoreKind::Jan, at("Library/Application Support/Jan/data/models")),
        (StoreKind::Jan, under(&roaming, "Jan/data/llamacpp/models")),
        (StoreKind::Jan, under(&roaming, "Jan/data/models")),
        (StoreKind::Jan, at("jan/models")),
        (StoreKind::Docker, at(".docker/models")),
        (StoreKind::LocalAi, var("LOCALAI_MODELS_PATH")),
        (StoreKind::LocalAi, at("localai/models")),
        (StoreKind::LocalAi, at("LocalAI/models")),
        (StoreKind::LocalAi, Some(PathBuf::from("/usr/share/local-ai/models"))),
        // programs that people unpack somewhere: where their instructions say so
        (StoreKind::ComfyUi, at("ComfyUI/models")),
        (StoreKind::ComfyUi, at("Documents/ComfyUI/models")),
        (StoreKind::StableDiffusionWebUi, at("stable-diffusion-webui/models")),
        (StoreKind::StableDiffusionWebUi, at("stable-diffusion-webui-forge/models")),
        (StoreKind::InvokeAi, var("INVOKEAI_ROOT").map(|r| r.join("models"))),
        (StoreKind::InvokeAi, at("invokeai/models")),
        (StoreKind::TextGenerationWebUi, at("text-generation-webui/user_data/models")),
        (StoreKind::TextGenerationWebUi, at("text-generation-webui/models")),
    ];
    let mut out: Vec<Store> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for (kind, path) in candidates {
        // an absolute path only: one that depends on where the command was started is no place of this machine
        let Some(path) = path.filter(|p| p.is_absolute() && p.is_dir()) else { continue };
        let Ok(real) = path.canonicalize() else { continue };
        if !seen.contains(&real) {
            seen.push(real);
            out.push(Store { kind, path });
        }
    }
    out.sort();
    out
}

/// `~/x` as the shell would have read it.
fn expand(value: &str, home: Option<&Path>) -> PathBuf {
    let tail = value.strip_prefix("~/").or_else(|| (value == "~").then_some(""));
    tail.zip(home).map_or_else(|| PathBuf::from(value), |(tail, home)| home.join(tail))
}

/// What the folders around a model say about where it was downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// `org/name`.
    pub(crate) repository: String,
    /// The folders that say so.
    pub(crate) folder: String,
}

/// The repository that a folder's place in a store names. `marked` is true where the folder holds ModelScope's own
/// files.
pub(crate) fn kept(folder: &Path, marked: bool) -> Option<Kept> {
    let mut names = folder.iter().rev().map(|n| n.to_str().unwrap_or_default());
    let mut next = || names.next().unwrap_or_default();
    let (name, org, third, fourth) = (next(), next(), next(), next());
    let of = |org: &str, repository: &str, folder: String| {
        is_repository(org, repository).then(|| Kept { repository: format!("{org}/{repository}"), folder })
    };
    let both = || format!("{org}/{name}");
    let lower = fourth.to_ascii_lowercase();
    if third == "models" && matches!(lower.as_str(), ".lmstudio" | "lm-studio" | "lmstudio") {
        return of(org, name, both());
    }
    if third == "huggingface.co" {
        return of(org, name, both());
    }
    // text-generation-webui's own download: a hub's organization has no underscore
    if org == "models" && matches!(third, "user_data" | "text-generation-webui") {
        let (owner, rest) = name.split_once('_')?;
        return of(owner, rest, name.to_owned());
    }
    let fifth = next();
    let modelscope =
        (third == "hub" && fourth == "modelscope") || (third == "models" && fourth == "hub" && fifth == "modelscope");
    if marked || modelscope {
        // a dot in a name is written as three underscores
        return of(&org.replace("___", "."), &name.replace("___", "."), both());
    }
    if org == "sentence_transformers" && third == "torch" {
        let (org, name) = name.split_once('_')?;
        // an address of the time before the hub, written with underscores
        return (!org.contains('.')).then(|| of(org, name, format!("{org}_{name}"))).flatten();
    }
    None
}

/// Folders below `models` where image programs keep loose files, in small letters: each file is a model. Of ComfyUI,
/// the web UI of Stable Diffusion and its forks, InvokeAI.
const LOOSE: &[&str] = &[
    "checkpoints",
    "clip",
    "clip_vision",
    "codeformer",
    "controlnet",
    "diffusion_models",
    "embedding",
    "embeddings",
    "esrgan",
    "gfpgan",
    "gligen",
    "hypernetworks",
    "ip_adapter",
    "ipadapter",
    "karlo",
    "lora",
    "loras",
    "lycoris",
    "main",
    "photomaker",
    "realesrgan",
    "stable-diffusion",
    "style_models",
    "swinir",
    "t2i_adapter",
    "text_encoders",
    "unet",
    "upscale_models",
    "vae",
    "vae-approx",
    "vae_approx",
];

/// True for a folder where image programs keep loose files, and for the folders below where people sort them. Such a
/// folder has no config: whoever finds one there has another sort of model before him.
pub(crate) fn is_loose(folder: &Path) -> bool {
    let names: Vec<String> =
        folder.iter().rev().take(6).map(|n| n.to_str().unwrap_or_default().to_ascii_lowercase()).collect();
    // InvokeAI has the base between: `models/sdxl/lora`
    names.iter().enumerate().take(4).any(|(i, name)| {
        let above = names.iter().skip(i + 1).take(2);
        LOOSE.contains(&name.as_str()) && above.into_iter().any(|n| n == "models")
    })
}

/// True for the folder where `torch.hub` keeps checkpoints, each a model of its own.
pub(crate) fn is_torch_hub(folder: &Path) -> bool {
    folder.ends_with("hub/checkpoints")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(path: &str, marked: bool) -> Option<String> {
        kept(Path::new(path), marked).map(|k| k.repository)
    }

    #[test]
    fn folders_of_stores_name_repositories() {
        for (path, expected) in [
            ("/h/.lmstudio/models/bartowski/X-GGUF", Some("bartowski/X-GGUF")),
            ("/h/.cache/lm-studio/models/bartowski/X-GGUF", Some("bartowski/X-GGUF")),
            ("/h/.cache/modelscope/hub/Qwen/Qwen2___5-7B", Some("Qwen/Qwen2.5-7B")),
            ("/h/.cache/modelscope/hub/models/Qwen/Qwen2___5-7B", Some("Qwen/Qwen2.5-7B")),
            (
                "/h/.cache/torch/sentence_transformers/sentence-transformers_all-MiniLM-L6-v2",
                Some("sentence-transformers/all-MiniLM-L6-v2"),
            ),
            ("/h/.cache/torch/sentence_transformers/sbert.net_models_bert", None),
            ("/h/jan/models/huggingface.co/bartowski/X-GGUF", Some("bartowski/X-GGUF")),
            ("/h/text-generation-webui/user_data/models/TheBloke_X-7B_GPTQ", Some("TheBloke/X-7B_GPTQ")),
            ("/h/text-generation-webui/user_data/models/mine", None),
            ("/h/work/models/acme_x", None),
            ("/h/work/models/acme/bot", None),
            ("/h/.lmstudio/models/bartowski", None),
            ("/h/.lmstudio/models/a b/c", None),
            ("/", None),
        ] {
            assert_eq!(repository(path, false).as_deref(), expected, "{path}");
        }
        assert_eq!(repository("/srv/Qwen/Qwen2___5-7B", true).as_deref(), Some("Qwen/Qwen2.5-7B"));
    }

    #[test]
    fn loose_folders_are_below_models() {
        for (path, expected) in [
            ("/h/ComfyUI/models/checkpoints", true),
            ("/h/ComfyUI/models/loras/sdxl/styles", true),
            ("/h/stable-diffusion-webui/models/Stable-diffusion", true),
            ("/h/invokeai/models/sdxl/lora", true),
            ("/h/work/checkpoints", false),
            ("/h/models/acme/bot", false),
            ("/h/models", false),
            ("/", false),
        ] {
            assert_eq!(is_loose(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn every_kind_is_listed_once() {
        let names: std::collections::BTreeSet<_> = StoreKind::ALL.iter().map(|k| k.as_str()).collect();
        assert_eq!(names.len(), StoreKind::ALL.len());
        // the last of the enumeration is in the list, so none was added without it
        assert_eq!(StoreKind::ALL.last().map(|k| *k as usize + 1), Some(StoreKind::ALL.len()));
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = Path::new("/h");
        assert_eq!(expand("~/m", Some(home)), Path::new("/h/m"));
        assert_eq!(expand("/m", Some(home)), Path::new("/m"));
        assert_eq!(expand("~/m", None), Path::new("~/m"));
    }
}
