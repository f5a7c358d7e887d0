//! What a command line loads: which program it is, which of its words and flags are models.

use std::collections::BTreeMap;

use crate::defined::Origin;
use crate::ids::{self, Named, Slot};
use crate::shell::Word;
use crate::sink::Sink;
use crate::steps;
use crate::{ReferenceKind, Role};

/// What earlier commands of the file settled.
#[derive(Debug, Default)]
pub(crate) struct Shell {
    /// Variables with the place of their value.
    variables: BTreeMap<String, (String, (usize, usize))>,
    /// The container image whose arguments follow, where it is one of a model server.
    image: Option<&'static str>,
}

/// Words of a recipe whose `@` is taken off.
const RECIPE_WORDS_MAX: usize = 256;

/// Files that variables come from.
const SOURCED_MAX: usize = 16;

/// Words after a program that are looked at for what it takes.
const POSITIONAL_MAX: usize = 64;

/// Words of one download.
const DOWNLOAD_WORDS_MAX: usize = 32;

/// Variables that are remembered.
const VARIABLES_MAX: usize = 4096;

/// How a program takes its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Only by flags.
    Flags,
    /// The first word that is no flag.
    First,
    /// The first word, a name of Ollama.
    Ollama,
    /// A repository, then files of it (`hf download`).
    Download,
    /// A spaCy package.
    Spacy,
    /// A URL among its words.
    Url,
    /// `git clone`: the page of a repository.
    Clone,
    /// Flags, of which `--model` is a Whisper size.
    Whisper,
    /// Flags of llama.cpp.
    Llama,
    /// A weights file as first word.
    File,
}

/// A program found in a command: what to call it, how it takes its model, how many words it is.
struct Program {
    construct: String,
    takes: Takes,
    words: usize,
    /// True where a bare word or a variable in `--model` is a model of this program.
    loads: bool,
}

fn base_name(word: &str) -> &str {
    word.rsplit(['/', '\\']).next().unwrap_or(word).trim_end_matches(".exe")
}

/// Images of model servers, by a part of their name.
fn image_of(word: &str) -> Option<(&'static str, Takes)> {
    if !word.contains(['/', ':', '-']) || word.len() > 512 {
        return None;
    }
    let name = word.split('@').next().unwrap_or_default();
    let images: &[(&str, &str, Takes)] = &[
        ("vllm/vllm-openai", "vllm image", Takes::First),
        ("vllm-openai:", "vllm image", Takes::First),
        ("rocm/vllm", "vllm image", Takes::Flags),
        ("text-generation-inference", "text-generation-inference image", Takes::Flags),
        ("text-embeddings-inference", "text-embeddings-inference image", Takes::Flags),
        ("lmsysorg/sglang", "sglang image", Takes::Flags),
        ("ggml-org/llama.cpp", "llama.cpp image", Takes::Llama),
        ("ggerganov/llama.cpp", "llama.cpp image", Takes::Llama),
        ("infinity:", "infinity image", Takes::Flags),
    ];
    images.iter().find(|(part, _, _)| name.contains(part)).map(|(_, construct, takes)| (*construct, *takes))
}

/// The program that begins at word `at`.
fn program(words: &[Word], at: usize) -> Option<Program> {
    let word = words.get(at)?.text.as_str();
    let next = words.get(at + 1).map(|w| w.text.as_str()).unwrap_or_default();
    let after = words.get(at + 2).map(|w| w.text.as_str()).unwrap_or_default();
    let found = |construct: &str, takes: Takes, words: usize| {
        Some(Program { construct: construct.to_owned(), takes, words, loads: true })
    };
    let name = base_name(word);
    match (name, next) {
        ("vllm", "serve" | "chat" | "complete") => return found(&format!("vllm {next}"), Takes::First, 2),
        ("vllm", "bench") => return found("vllm bench", Takes::Flags, 2),
        ("ollama", "pull" | "run" | "cp" | "push") if next != "push" => {
            return found(&format!("ollama {next}"), Takes::Ollama, 2);
        }
        ("docker", "model") if matches!(after, "run" | "pull") => {
            return found(&format!("docker model {after}"), Takes::Ollama, 3);
        }
        ("hf" | "huggingface-cli", "download") => return found(&format!("{name} download"), Takes::Download, 2),
        ("modelscope", "download") => return found("modelscope download", Takes::Download, 2),
        ("lms", "load" | "get") => return found(&format!("lms {next}"), Takes::First, 2),
        ("lmdeploy", "serve") if after == "api_server" => return found("lmdeploy serve", Takes::First, 3),
        ("lmdeploy", "chat") => return found("lmdeploy chat", Takes::First, 2),
        ("sglang", "serve") | ("transformers", "serve" | "chat") => {
            return found(&format!("{name} {next}"), Takes::First, 2);
        }
        ("git", "clone") => return found("git clone", Takes::Clone, 2),
        ("git", "lfs") if after == "clone" => return found("git clone", Takes::Clone, 3),
        ("spacy", "download") => return found("spacy download", Takes::Spacy, 2),
        ("optimum-cli", "export") => return found("optimum-cli export", Takes::Flags, 2),
        _ => {}
    }
    match name {
        "text-generation-launcher" | "text-embeddings-router" | "sglang-router" | "trtllm-build" | "tabbyAPI" => {
            return found(name, Takes::Flags, 1);
        }
        "trtllm-serve" => return found(name, Takes::First, if next == "serve" { 2 } else { 1 }),
        "whisper" | "whisper-ctranslate2" | "whisperx" if at == 0 || !next.is_empty() => {
            return found(name, Takes::Whisper, 1);
        }
        "curl" | "wget" | "aria2c" | "axel" => {
            return Some(Program { construct: name.to_owned(), takes: Takes::Url, words: 1, loads: false });
        }
        "llama-quantize" => return found(name, Takes::File, 1),
        _ if name.starts_with("llama-") && name.len() < 32 && !name.contains('.') => {
            let tools = [
                "server",
                "cli",
                "run",
                "bench",
                "embedding",
                "perplexity",
                "tts",
                "simple",
                "speculative",
                "parallel",
                "completion",
                "lookup",
                "imatrix",
            ];
            if tools.iter().any(|t| name.contains(t)) {
                return found(name, Takes::Llama, 1);
            }
        }
        _ => {}
    }
    let module = at.checked_sub(1).and_then(|p| words.get(p)).is_some_and(|w| w.text == "-m");
    let servers = [
        "vllm.entrypoints",
        "sglang.",
        "mlx_lm",
        "mlx_vlm",
        "fastchat.serve",
        "llava.serve",
        "llama_cpp.server",
        "lmdeploy.",
        "tensorrt_llm",
    ];
    if servers.iter().any(|s| name.starts_with(s)) && name.len() < 64 && !name.ends_with(".py") && !name.contains('=') {
        let construct = if module { format!("python -m {name}") } else { name.to_owned() };
        return (module || name.starts_with("mlx_")).then_some(Program {
            construct,
            takes: Takes::Flags,
            words: 1,
            loads: true,
        });
    }
    if let Some((construct, takes)) = image_of(word) {
        return found(construct, takes, 1);
    }
    None
}

/// The Hugging Face repository behind a Whisper size.
pub(crate) fn whisper(size: &str) -> Option<Named> {
    let sizes = [
        "tiny",
        "tiny.en",
        "base",
        "base.en",
        "small",
        "small.en",
        "medium",
        "medium.en",
        "large-v1",
        "large-v2",
        "large-v3",
        "large-v3-turbo",
    ];
    let known = match size {
        "turbo" => "large-v3-turbo",
        "large" => "large-v3",
        s => sizes.iter().copied().find(|k| *k == s)?,
    };
    // the repository of the first large model has no version in its name
    let known = if known == "large-v1" { "large" } else { known };
    Some(Named::new(ReferenceKind::Model, format!("openai/whisper-{known}")))
}

/// The Hugging Face repository of a spaCy pipeline (`en_core_web_sm`).
pub(crate) fn spacy(name: &str) -> Option<Named> {
    let name = name.split("==").next().unwrap_or_default();
    let b = name.as_bytes();
    let plain =
        (6..=64).contains(&b.len()) && b.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'_');
    let language = b.get(2) == Some(&b'_') || name.starts_with("xx_");
    let size = ["_sm", "_md", "_lg", "_trf"].iter().any(|s| name.ends_with(s));
    (plain && language && size).then(|| Named::new(ReferenceKind::Model, format!("spacy/{name}")))
}

/// True for `NAME=…`.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let name = name.strip_suffix([':', '?', '+']).unwrap_or(name);
    let head = name.as_bytes().first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    let plain = head && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then_some((name, value))
}

/// The value and place of a word that is only a variable this file sets; else the word itself.
fn resolve(shell: &Shell, value: &str, span: (usize, usize)) -> (String, (usize, usize)) {
    let name = value.strip_prefix("${").and_then(|r| r.strip_suffix('}')).or_else(|| value.strip_prefix('$'));
    let name = name.or_else(|| value.strip_prefix("$(").and_then(|r| r.strip_suffix(')')));
    // of a justfile
    let name = name.or_else(|| value.strip_prefix("{{").and_then(|r| r.strip_suffix("}}")).map(str::trim));
    match name.and_then(|n| shell.variables.get(n)) {
        Some((value, span)) => (value.clone(), *span),
        None => (value.to_owned(), span),
    }
}

fn sub(word: &Word, from: usize) -> (usize, usize) {
    // the last bytes of a word are the value, whatever quotes stand before it
    let length = word.text.len().saturating_sub(from);
    (word.span.1.saturating_sub(length).max(word.span.0), word.span.1)
}

/// A variable is set: remembered, and reported where its name says that it holds a model.
pub(crate) fn set(sink: &mut Sink<'_>, shell: &mut Shell, name: &str, value: &str, span: (usize, usize)) {
    if !value.is_empty() && shell.variables.len() < VARIABLES_MAX {
        let value = ids::shell_default(value).unwrap_or(value);
        shell.variables.insert(name.to_owned(), (value.to_owned(), span));
    }
    sink.define(Origin::Environment, name, ids::shell_default(value).unwrap_or(value), span);
    let Some((slot, role)) = ids::slot_of(name) else { return };
    // a variable called BASE_MODEL may hold anything: names without an owner do not count here
    let slot = if slot == Slot::Loaded { Slot::Named } else { slot };
    let lower = name.to_ascii_lowercase();
    let slot = if lower.contains("ollama") { Slot::Ollama } else { slot };
    if slot == Slot::Ollama && ids::has_variable(value) {
        return;
    }
    if value.starts_with("${{") {
        choices(sink, name, value, span, role);
        return;
    }
    if let Some(named) = ids::classify(value, slot) {
        let construct = if name == lower { format!("constant {name}") } else { format!("env {name}") };
        sink.push(named, &construct, name, span, role);
    }
}

/// `spring.ai.ollama.chat.options.model=x`: what the last part of the name says; false where it is no such name.
fn dotted(sink: &mut Sink<'_>, shell: &mut Shell, name: &str, value: &str, span: (usize, usize)) -> bool {
    let plain = name.len() <= 128 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let Some((_, last)) = name.rsplit_once('.').filter(|_| plain) else { return false };
    let ollama = name.split('.').any(|p| p == "ollama") && ids::slot_of(last).is_some();
    if ollama {
        set(sink, shell, "ollama_model", value, span)
    } else {
        set(sink, shell, last, value, span)
    }
    true
}

/// The ids that an expression of GitHub Actions chooses from: `${{ a == 'x' && 'owner/name' || '' }}`.
fn choices(sink: &mut Sink<'_>, name: &str, value: &str, span: (usize, usize), role: Option<Role>) {
    for (at, mark) in value.match_indices("&& '").chain(value.match_indices("|| '")).take(8) {
        let from = at + mark.len();
        let rest = value.get(from..).unwrap_or_default();
        let text = rest.split('\'').next().unwrap_or_default();
        if let Some(named) = ids::classify(text, Slot::Named) {
            let start = span.0 + from;
            sink.push(named, &format!("env {name}"), name, (start, start + text.len()), role);
        }
    }
}

/// Reads one command.
pub(crate) fn command(sink: &mut Sink<'_>, words: &[Word], shell: &mut Shell) {
    // `@hf download x` of a makefile
    let bare: Vec<Word>;
    let mut words = words;
    if let Some((first, rest)) = words.split_first()
        && let Some(text) = first.text.strip_prefix('@').filter(|t| t.starts_with(|c: char| c.is_ascii_lowercase()))
        && rest.len() < RECIPE_WORDS_MAX
        && !first.text.contains('=')
    {
        let own = Word { text: text.to_owned(), span: (first.span.0 + 1, first.span.1) };
        bare = std::iter::once(own).chain(rest.iter().cloned()).collect();
        words = &bare;
    }
    while let Some((first, rest)) = words.split_first() {
        if ![
            "$", "%", ">", "!", "sudo", "export", "exec", "nohup", "time", "then", "do", "else", "env", "set", "local",
            "declare", "@", "-", "ENV", "ARG", "setx",
        ]
        .contains(&first.text.as_str())
        {
            break;
        }
        // `ENV NAME value`
        if let ("ENV", [name, value]) = (first.text.as_str(), rest)
            && !name.text.contains('=')
        {
            set(sink, shell, &name.text, &value.text, value.span);
            return;
        }
        words = rest;
    }
    let Some(first) = words.first() else { return };
    if let Some((name, value)) = first.text.split_once('=')
        && name.contains('.')
        && words.len() == 1
        && dotted(sink, shell, name, value, sub(first, name.len() + 1))
    {
        return;
    }
    if let [name, equals, value, ..] = words
        && matches!(equals.text.as_str(), "=" | ":=" | "?=" | "+=")
    {
        // `$env:NAME = "value"` of PowerShell, `a.b.model = value` of a properties file
        let own = name.text.trim();
        let own = own.strip_prefix("$env:").unwrap_or(own);
        if !dotted(sink, shell, own, &value.text, value.span) {
            set(sink, shell, own, &value.text, value.span);
        }
        return;
    }
    match first.text.as_str() {
        "FROM" => {
            shell.image = words.get(1).and_then(|w| image_of(&w.text)).map(|(construct, _)| construct);
            return;
        }
        // the files that variables come from
        "source" | "." | "include" | "-include" if sink.sourced.len() < SOURCED_MAX => {
            if let Some(file) = words.get(1).map(|w| base_name(&w.text)).filter(|f| f.len() <= 96) {
                sink.sourced.push(file.to_owned());
            }
            return;
        }
        "LABEL" | "EXPOSE" | "WORKDIR" | "MAINTAINER" | "USER" | "VOLUME" => return,
        "ADD" => urls(sink, words, "ADD"),
        "pip" | "pip3" | "npm" | "apt" | "apt-get" | "conda" | "uv" | "echo" | "printf" if !mentions_server(words) => {
            return;
        }
        _ => {}
    }
    walk(sink, words, shell);
}

fn mentions_server(words: &[Word]) -> bool {
    words.iter().any(|w| matches!(base_name(&w.text), "vllm" | "ollama" | "hf"))
}

fn walk(sink: &mut Sink<'_>, words: &[Word], shell: &mut Shell) {
    let mut program_now: Option<Program> = None;
    let mut leading = true;
    let mut at = 0;
    // CMD of an image that serves models: its words are the server's
    if let Some(image) = shell.image
        && words.first().is_some_and(|w| matches!(w.text.as_str(), "CMD" | "ENTRYPOINT"))
    {
        let takes = if image == "vllm image" { Takes::First } else { Takes::Flags };
        let takes = if image == "llama.cpp image" { Takes::Llama } else { takes };
        let p = Program { construct: image.to_owned(), takes, words: 1, loads: true };
        if !(1..words.len()).any(|i| program(words, i).is_some()) {
            positional(sink, words, 1, &p, shell);
        }
        program_now = Some(p);
        at = 1;
    }
    while let Some(word) = words.get(at) {
        steps::count(1);
        let text = word.text.as_str();
        if let Some((name, value)) = assignment(text)
            && (leading || name.bytes().all(|b| !b.is_ascii_lowercase()) || name == "Environment")
        {
            if name == "Environment" {
                if let Some((name, inner)) = assignment(value) {
                    let from = text.len() - inner.len();
                    set(sink, shell, name, inner, sub(word, from));
                }
            } else {
                set(sink, shell, name, value, sub(word, text.len() - value.len()));
            }
            // `ExecStart=/usr/bin/vllm serve …`
            leading = leading && !name.starts_with("Exec");
            if !name.starts_with("Exec") {
                at += 1;
                continue;
            }
        }
        leading = false;
        if let Some(found) = unit_program(words, at).or_else(|| program(words, at)) {
            positional(sink, words, at + found.words, &found, shell);
            at += found.words;
            program_now = Some(found);
            continue;
        }
        if text.starts_with('-') {
            at += flag(sink, words, at, program_now.as_ref(), shell);
            continue;
        }
        if let Some(named) = ids::url(text, false) {
            let construct = program_now.as_ref().map_or("url", |p| p.construct.as_str());
            sink.push(named, construct, "", word.span, None);
        } else if text.len() > 24 && text.contains(' ') {
            inner(sink, word, shell);
        }
        at += 1;
    }
}

/// `ExecStart=/usr/bin/vllm`: the program behind the key of a unit file.
fn unit_program(words: &[Word], at: usize) -> Option<Program> {
    let text = words.get(at)?.text.as_str();
    let (key, value) = text.split_once('=')?;
    if !key.starts_with("Exec") {
        return None;
    }
    let mut cut: Vec<Word> = words.iter().skip(at).take(3).cloned().collect();
    cut.first_mut()?.text = value.to_owned();
    program(&cut, 0)
}

/// A quoted command inside a command: `sh -c "vllm serve …"`.
fn inner(sink: &mut Sink<'_>, word: &Word, shell: &mut Shell) {
    let known = [
        "vllm ",
        "ollama ",
        "huggingface",
        "hf download",
        "llama-server",
        "sglang",
        "--model",
        "mlx_lm",
        "text-generation-launcher",
    ];
    if word.text.len() > 4096 || !known.iter().any(|k| word.text.contains(k)) {
        return;
    }
    let mut piece = crate::piece::Piece::empty();
    piece.push(&word.text, word.span.0);
    // quotes inside quotes end here: the words of the inner command are read flatly
    let flat: Vec<Word> = split_flat(&piece);
    for part in flat.split(|w| matches!(w.text.as_str(), "&&" | "||" | ";" | "|")) {
        flat_command(sink, part, shell);
    }
}

fn split_flat(piece: &crate::piece::Piece<'_>) -> Vec<Word> {
    let text = piece.text.as_ref();
    let mut out = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if c.is_whitespace() {
            if let Some(from) = start.take() {
                let word: &str = text.get(from..i).unwrap_or_default();
                let trimmed = word.trim_matches(['"', '\'', ';']);
                if !trimmed.is_empty() && trimmed != "\\" {
                    let lead = word.find(trimmed).unwrap_or(0);
                    let from = from + lead;
                    let span = (piece.at(from), piece.at(from + trimmed.len() - 1) + 1);
                    out.push(Word { text: trimmed.to_owned(), span });
                }
            }
        } else if start.is_none() {
            start = Some(i);
        }
    }
    out
}

fn flat_command(sink: &mut Sink<'_>, words: &[Word], shell: &mut Shell) {
    // no nesting below this: an inner word has no blanks
    command(sink, words, shell);
}

fn urls(sink: &mut Sink<'_>, words: &[Word], construct: &str) {
    for word in words.iter().skip(1) {
        if let Some(named) = ids::url(&word.text, false) {
            sink.push(named, construct, "", word.span, None);
        }
    }
}

/// The words after a program, up to the first that it takes as its model.
fn positional(sink: &mut Sink<'_>, words: &[Word], from: usize, program: &Program, shell: &Shell) {
    let rest = words.get(from..(from + POSITIONAL_MAX).min(words.len())).unwrap_or_default();
    steps::count(rest.len());
    let construct = program.construct.as_str();
    match program.takes {
        Takes::Flags | Takes::Whisper | Takes::Llama | Takes::Url => {}
        Takes::Clone => {
            for word in rest.iter().filter(|w| !w.text.starts_with('-')).take(4) {
                let named = ids::url(&word.text, true).filter(|n| n.kind == ReferenceKind::Model);
                if let Some(named) = named {
                    sink.push(named, construct, "", word.span, None);
                    return;
                }
            }
        }
        Takes::Spacy => {
            if let Some((word, named)) = rest.iter().find_map(|w| spacy(&w.text).map(|n| (w, n))) {
                sink.push(named, construct, "", word.span, None);
            }
        }
        Takes::File => {
            let first = rest.iter().find(|w| !w.text.starts_with('-'));
            if let Some(word) = first.filter(|w| ids::is_weights(&w.text, false)) {
                let named = ids::classify(&word.text, Slot::Path);
                if let Some(named) = named {
                    sink.push(named, construct, "", word.span, None);
                }
            }
        }
        Takes::Ollama => {
            let Some(word) = rest.iter().find(|w| !w.text.starts_with('-')) else { return };
            let (value, span) = resolve(shell, &word.text, word.span);
            let docker = construct.starts_with("docker");
            let named = ids::classify(&value, Slot::Ollama).filter(|n| !docker || n.kind == ReferenceKind::Model);
            if let Some(named) = named {
                sink.push(named, construct, "", span, None);
            }
        }
        Takes::Download => download(sink, rest, construct, shell),
        Takes::First => {
            let mut after_flag = false;
            for word in rest.iter().take(64) {
                let text = word.text.as_str();
                if text.starts_with('-') {
                    after_flag = !text.contains('=');
                    continue;
                }
                let (value, span) = resolve(shell, text, word.span);
                // behind a flag it may be the flag's value: only an id counts then
                if after_flag && !ids::is_hub_id(&value) {
                    after_flag = false;
                    continue;
                }
                if after_flag && named_flag_before(rest, word) {
                    after_flag = false;
                    continue;
                }
                if let Some(named) = ids::classify(&value, Slot::Loaded) {
                    sink.push(named, construct, "", span, None);
                }
                return;
            }
        }
    }
}

/// True where the flag before `word` takes a value that is no model to load.
fn named_flag_before(words: &[Word], word: &Word) -> bool {
    let at = words.iter().position(|w| w.span == word.span).unwrap_or(0);
    let flag = at.checked_sub(1).and_then(|p| words.get(p)).map(|w| w.text.as_str()).unwrap_or_default();
    let values = ["served-model-name", "tokenizer", "name", "lora", "speculative", "template", "draft", "model", "dir"];
    values.iter().any(|v| flag.contains(v))
}

fn download(sink: &mut Sink<'_>, rest: &[Word], construct: &str, shell: &Shell) {
    let rest = rest.get(..DOWNLOAD_WORDS_MAX.min(rest.len())).unwrap_or_default();
    let value_of = |names: &[&str]| {
        rest.iter().enumerate().find_map(|(i, w)| {
            let (name, value) = match w.text.split_once('=') {
                Some((n, v)) => (n, Some(v.to_owned())),
                None => (w.text.as_str(), None),
            };
            names.contains(&name).then(|| value.or_else(|| rest.get(i + 1).map(|w| w.text.clone()))).flatten()
        })
    };
    if value_of(&["--repo-type", "--repo_type"]).is_some_and(|t| t != "model")
        || rest.iter().any(|w| w.text == "--dataset")
    {
        return;
    }
    let mut free = Vec::new();
    let mut skip = false;
    for word in rest {
        if word.text.starts_with('-') {
            let switch = ["--quiet", "--force-download", "--resume-download", "--no-force-download", "-q"];
            let model = word.text == "--model";
            skip = !word.text.contains('=') && !switch.contains(&word.text.as_str()) && !model;
            continue;
        }
        if skip {
            skip = false;
            continue;
        }
        free.push(word);
    }
    let Some((repo, files)) = free.split_first() else { return };
    let (value, span) = resolve(shell, &repo.text, repo.span);
    let Some(mut named) = ids::classify(&value, Slot::Repo).or_else(|| ids::classify(&value, Slot::Loaded)) else {
        return;
    };
    if named.kind != ReferenceKind::Model {
        return;
    }
    let include = value_of(&["--include"]).filter(|f| !f.contains('*'));
    named.file = files.first().map(|w| w.text.trim_start_matches("./").to_owned()).or(include);
    named.revision = value_of(&["--revision"]);
    sink.push(named, construct, "", span, None);
}

/// One flag and its value; says how many words it was.
fn flag(sink: &mut Sink<'_>, words: &[Word], at: usize, program: Option<&Program>, shell: &mut Shell) -> usize {
    let Some(word) = words.get(at) else { return 1 };
    let (name, value) = match word.text.split_once('=') {
        Some((name, value)) => (name, Some((value.to_owned(), sub(word, word.text.len() - value.len()), 1))),
        None => {
            let next = words.get(at + 1).filter(|w| !w.text.starts_with('-') || ids::has_variable(&w.text));
            (word.text.as_str(), next.map(|w| (w.text.clone(), w.span, 2)))
        }
    };
    // docker run -e NAME=VALUE
    if matches!(name, "-e" | "--env" | "--build-arg" | "--set" | "--set-string") {
        let Some((value, span, used)) = value else { return 1 };
        if let Some((name, inner)) =
            value.rsplit_once('=').filter(|_| !value.contains("://")).or_else(|| value.split_once('='))
        {
            let span = (span.1.saturating_sub(inner.len()).max(span.0), span.1);
            let last = name.rsplit('.').next().unwrap_or_default();
            set(sink, shell, last, inner, span);
        }
        return used;
    }
    if name == "--lora-modules" || name == "--enable-lora-modules" {
        return 1 + lora_modules(sink, words, at + 1);
    }
    let Some((value, span, used)) = value else { return 1 };
    // what these servers call the model that they serve
    let alias = matches!(name, "--model-name" | "--model-names");
    if alias && program.is_some_and(|p| p.construct.contains("lmdeploy") || p.construct.contains("fastchat")) {
        return used;
    }
    let bare = name.trim_start_matches('-');
    let loads = program.is_some_and(|p| p.loads);
    let construct = match program {
        Some(p) => p.construct.clone(),
        None => format!("flag {name}"),
    };
    if name.contains("speculative") && name.contains("config") {
        if let Some((model, from)) = json_value(&value, "model") {
            let start = span.0 + from.min(span.1 - span.0);
            let named = ids::classify(model, Slot::Loaded);
            if let Some(named) = named {
                sink.push(named, &construct, name, (start, start + model.len()), Some(Role::Draft));
            }
        }
        return used;
    }
    let takes = program.map(|p| p.takes);
    let llama = takes == Some(Takes::Llama);
    let (slot, role) = match name {
        "-hf" | "-hfr" | "--hf-repo" | "-hfrepo" => (Slot::Repo, None),
        "-hfd" | "-hfrd" | "--hf-repo-draft" => (Slot::Repo, Some(Role::Draft)),
        "-hfv" | "--hf-repo-v" => (Slot::Repo, None),
        "-m" if llama => (Slot::Path, None),
        "-md" if llama => (Slot::Path, Some(Role::Draft)),
        "--lora" if llama => (Slot::Path, Some(Role::Adapter)),
        "--mmproj" | "-mm" => (Slot::Path, None),
        "-m" => {
            // without a program in sight only a weights file says what it is
            if !ids::is_weights(&value, false) {
                return 1;
            }
            (Slot::Path, None)
        }
        "--model" if takes == Some(Takes::Whisper) => {
            if let Some(named) = whisper(&value) {
                sink.push(named, &construct, name, span, None);
            }
            return used;
        }
        _ => {
            let Some((slot, role)) = ids::slot_of(bare) else { return 1 };
            match slot {
                Slot::Named if loads => (if llama { Slot::Path } else { Slot::Loaded }, role),
                // a flag of an unknown program: `--model_name_or_path gpt2` says enough by itself
                Slot::Loaded if !loads && !bare.contains("path") => (Slot::Named, role),
                other => (other, role),
            }
        }
    };
    let (value, span) = resolve(shell, &value, span);
    let plain = if slot == Slot::Repo && takes != Some(Takes::Download) {
        value.split(':').next().unwrap_or_default()
    } else {
        &value
    };
    // variables count only where the program is known
    let open = ids::only_variable(plain) && ids::shell_default(plain).is_none();
    if open && !loads && slot != Slot::Repo {
        sink.pend(&value, Slot::Named, &construct, name, span, role);
        return used;
    }
    if let Some(mut named) = ids::classify(if ids::has_variable(&value) { &value } else { plain }, slot) {
        if slot == Slot::Repo {
            named.file = file_flag(words);
        }
        sink.push(named, &construct, name, span, role);
        return used;
    }
    1
}

/// `--hf-file x` anywhere in the command.
fn file_flag(words: &[Word]) -> Option<String> {
    let at = words.iter().take(POSITIONAL_MAX).position(|w| w.text == "--hf-file" || w.text == "-hff")?;
    words.get(at + 1).map(|w| w.text.clone())
}

/// `name=path …` after `--lora-modules`, or JSON with a `path`.
fn lora_modules(sink: &mut Sink<'_>, words: &[Word], from: usize) -> usize {
    let rest = words.get(from..).unwrap_or_default();
    let mut used = 0;
    for word in rest.iter().take_while(|w| !w.text.starts_with('-')) {
        used += 1;
        let (value, span) = if word.text.starts_with('{') {
            let Some((path, at)) = json_value(&word.text, "path") else { continue };
            (path.to_owned(), (word.span.0 + at, word.span.0 + at + path.len()))
        } else {
            let Some((_, path)) = word.text.split_once('=') else { break };
            (path.to_owned(), sub(word, word.text.len() - path.len()))
        };
        if let Some(named) = ids::classify(&value, Slot::Loaded) {
            sink.push(named, "--lora-modules", "--lora-modules", span, Some(Role::Adapter));
        }
    }
    used
}

/// The text behind `"key":` in a line of JSON, and where it begins.
fn json_value<'t>(text: &'t str, key: &str) -> Option<(&'t str, usize)> {
    let at = text.find(&format!("\"{key}\""))? + key.len() + 2;
    let colon = at + text.get(at..)?.find(':')? + 1;
    let open = colon + text.get(colon..)?.find('"')? + 1;
    let close = open + text.get(open..)?.find('"')?;
    Some((text.get(open..close)?, open))
}

/// The command and arguments of a container, given as lists; `image` is the container's.
pub(crate) fn container(sink: &mut Sink<'_>, image: Option<&str>, words: &[Word], shell: &mut Shell) {
    let known = (0..words.len().min(64)).any(|i| program(words, i).is_some());
    let Some((construct, takes)) = image.and_then(image_of).filter(|_| !known) else {
        command(sink, words, shell);
        return;
    };
    let mut all = vec![Word { text: image.unwrap_or_default().to_owned(), span: (0, 0) }];
    all.extend(words.iter().cloned());
    let p = Program { construct: construct.to_owned(), takes, words: 1, loads: true };
    positional(sink, &all, 1, &p, shell);
    let mut at = 1;
    while let Some(word) = all.get(at) {
        if word.text.starts_with('-') {
            at += flag(sink, &all, at, Some(&p), shell);
        } else {
            if word.text.contains(' ') {
                inner(sink, word, shell);
            }
            at += 1;
        }
    }
}
