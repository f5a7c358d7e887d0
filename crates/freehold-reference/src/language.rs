//! Which language a file is in, by its name or its beginning, and who reads it.

use crate::piece::Piece;
use crate::sink::Sink;
use crate::{code, config, notebook, plain, shell};

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Python, and Ruby and Nix, whose literals and comments look alike.
    Python,
    /// JavaScript, TypeScript and others with `//` comments (Go, Java, C#, …).
    JavaScript,
    /// Rust.
    Rust,
    /// Shell scripts, makefiles, `.env`, ini and unit files.
    Shell,
    /// Dockerfile.
    Docker,
    /// YAML, Helm templates included.
    Yaml,
    /// JSON, with comments too.
    Json,
    /// TOML and HCL.
    Toml,
    /// A Jupyter notebook: its code cells.
    Notebook,
    /// Ollama's Modelfile.
    Modelfile,
    /// Markdown: its fenced code.
    Markdown,
    /// Protocol buffers as text: the configuration of a Triton model.
    TextProto,
}

impl Language {
    /// The language of the file at `path`; `None` for what is not read: prose, lock files, data.
    pub fn of(path: &str, text: &str) -> Option<Language> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        let locks = ["package-lock.json", "pnpm-lock.yaml", "poetry.lock", "uv.lock", "yarn.lock", "cargo.lock"];
        if locks.iter().any(|l| lower.ends_with(l)) || lower.ends_with(".lock") || lower.ends_with(".min.js") {
            return None;
        }
        let stem = lower.split(['.', '-', '_']).next().unwrap_or_default();
        if stem == "modelfile" || lower.ends_with(".modelfile") {
            return Some(Language::Modelfile);
        }
        if stem == "dockerfile" || stem == "containerfile" || lower.ends_with(".dockerfile") {
            return Some(Language::Docker);
        }
        if lower.starts_with(".env") || lower.ends_with(".env") || matches!(stem, "makefile" | "justfile" | "procfile")
        {
            return Some(Language::Shell);
        }
        let ending = lower.rsplit_once('.').map(|(_, e)| e);
        match ending {
            Some("py" | "pyi" | "pyw" | "rb" | "nix") => Some(Language::Python),
            Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "vue" | "svelte" | "astro") => {
                Some(Language::JavaScript)
            }
            Some("go" | "java" | "kt" | "kts" | "cs" | "swift" | "scala" | "dart" | "php") => {
                Some(Language::JavaScript)
            }
            Some("rs") => Some(Language::Rust),
            Some("sh" | "bash" | "zsh" | "fish" | "ps1" | "bat" | "cmd" | "mk" | "slurm" | "sbatch" | "service") => {
                Some(Language::Shell)
            }
            Some("envrc" | "ini" | "cfg" | "conf" | "properties") => Some(Language::Shell),
            Some("yaml" | "yml") => Some(Language::Yaml),
            Some("json" | "jsonc" | "json5" | "kcpps") => Some(Language::Json),
            Some("pbtxt" | "textproto" | "prototxt") => Some(Language::TextProto),
            Some("toml" | "tf" | "hcl" | "tfvars" | "nomad") => Some(Language::Toml),
            Some("ipynb") => Some(Language::Notebook),
            Some("md" | "markdown" | "mdx") => Some(Language::Markdown),
            Some("txt" | "rst" | "html" | "css" | "csv" | "tsv" | "xml" | "jsonl" | "svg" | "log") => None,
            _ => Language::of_content(text),
        }
    }

    /// By the first lines: an interpreter, `FROM`, `apiVersion:`.
    fn of_content(text: &str) -> Option<Language> {
        let head: Vec<&str> = text.lines().take(200).map(str::trim_end).collect();
        let first = head.first().copied().unwrap_or_default();
        if let Some(bang) = first.strip_prefix("#!") {
            let any = |words: &[&str]| words.iter().any(|w| bang.contains(w));
            return match () {
                () if any(&["python"]) => Some(Language::Python),
                () if any(&["node", "deno", "bun"]) => Some(Language::JavaScript),
                () if any(&["sh"]) => Some(Language::Shell),
                () => None,
            };
        }
        let said = head.iter().copied().find(|l| !l.trim_start().is_empty() && !l.trim_start().starts_with('#'))?;
        let word = said.split_whitespace().next().unwrap_or_default();
        if word.eq_ignore_ascii_case("FROM") || word == "ARG" {
            let first_words = || head.iter().filter_map(|l| l.split_whitespace().next());
            let docker = ["RUN", "CMD", "COPY", "ENTRYPOINT", "WORKDIR", "ENV", "EXPOSE", "ARG", "ADD", "USER"];
            let is_docker = first_words().any(|w| docker.contains(&w));
            return Some(if is_docker { Language::Docker } else { Language::Modelfile });
        }
        if head.iter().take(40).any(|l| l.starts_with("apiVersion:")) || said == "---" {
            return Some(Language::Yaml);
        }
        said.starts_with('{').then_some(Language::Json)
    }
}

/// Deepest nesting of one language in another: a notebook cell, a script in a config map.
pub(crate) const NESTING_MAX: u8 = 3;

/// Reads `piece` as `language`.
pub(crate) fn dispatch(sink: &mut Sink<'_>, language: Language, piece: &Piece<'_>, depth: u8) {
    if sink.full() {
        sink.cut();
    }
    if depth > NESTING_MAX || sink.full() {
        return;
    }
    match language {
        Language::Python => code::scan(sink, piece, code::Style::Python),
        Language::JavaScript => code::scan(sink, piece, code::Style::JavaScript),
        Language::Rust => code::scan(sink, piece, code::Style::Rust),
        Language::Shell => shell::scan(sink, piece, false),
        Language::Docker => shell::scan(sink, piece, true),
        Language::Yaml => config::scan(sink, piece, config::Form::Yaml, depth),
        Language::Json => config::scan(sink, piece, config::Form::Json, depth),
        Language::Toml => config::scan(sink, piece, config::Form::Toml, depth),
        Language::Notebook => notebook::scan(sink, piece),
        Language::Modelfile => plain::modelfile(sink, piece),
        Language::TextProto => plain::text_proto(sink, piece),
        Language::Markdown => plain::markdown(sink, piece, depth),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name() {
        for (path, language) in [
            ("a/b.py", Language::Python),
            ("x.tsx", Language::JavaScript),
            ("src/main.rs", Language::Rust),
            ("deploy/run.sh", Language::Shell),
            (".env.production", Language::Shell),
            ("Dockerfile.gpu", Language::Docker),
            ("charts/values.yaml", Language::Yaml),
            ("package.json", Language::Json),
            ("pyproject.toml", Language::Toml),
            ("n.ipynb", Language::Notebook),
            ("Modelfile-mini", Language::Modelfile),
            ("README.md", Language::Markdown),
        ] {
            assert_eq!(Language::of(path, ""), Some(language), "{path}");
        }
        assert_eq!(Language::of("requirements.txt", "FROM x"), None);
        assert_eq!(Language::of("a/pnpm-lock.yaml", ""), None);
    }

    #[test]
    fn by_content() {
        assert_eq!(Language::of("run", "#!/usr/bin/env python3\n"), Some(Language::Python));
        assert_eq!(Language::of("run", "#!/bin/bash\n"), Some(Language::Shell));
        assert_eq!(Language::of("file", "# x\nFROM llama3\nPARAMETER temperature 0\n"), Some(Language::Modelfile));
        assert_eq!(Language::of("file", "FROM python:3.11\nRUN pip install x\n"), Some(Language::Docker));
        assert_eq!(Language::of("file", "apiVersion: v1\nkind: Pod\n"), Some(Language::Yaml));
        assert_eq!(Language::of("LICENSE", "Apache License\n"), None);
    }
}
