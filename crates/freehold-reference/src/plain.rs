//! Ollama's Modelfile, and Markdown's fenced code.

use crate::ids::{self, Named, Slot};
use crate::language::{self, Language};
use crate::piece::Piece;
use crate::sink::Sink;
use crate::{ReferenceKind, Role};

/// Reads `FROM` and `ADAPTER`; what stands between `"""` is text.
pub(crate) fn modelfile(sink: &mut Sink<'_>, piece: &Piece<'_>) {
    let text = piece.text.as_ref();
    let mut at = 0;
    let mut quoted = false;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let marks = line.matches("\"\"\"").count();
        if quoted {
            quoted = marks % 2 == 0;
            continue;
        }
        quoted = marks % 2 == 1;
        let body = line.trim();
        let Some((word, value)) = body.split_once(char::is_whitespace) else { continue };
        let role = match word.to_ascii_uppercase().as_str() {
            "FROM" => Role::Base,
            "ADAPTER" => Role::Adapter,
            _ => continue,
        };
        let value = value.trim().trim_matches('"');
        let Some(named) = parent(value, role) else { continue };
        let from = start + line.find(value).unwrap_or(0);
        let span = (piece.at(from), piece.at(from + value.len().saturating_sub(1)) + 1);
        let construct = if role == Role::Base { "FROM" } else { "ADAPTER" };
        sink.push(named, construct, construct, span, Some(role));
    }
}

fn parent(value: &str, role: Role) -> Option<Named> {
    let folder = ids::is_path(value) || ids::is_weights(value, true) || value == "." || value == "..";
    if (folder || role == Role::Adapter) && !ids::has_variable(value) && !value.contains("://") {
        return (!value.is_empty() && value.len() <= 512).then(|| Named::new(ReferenceKind::File, value));
    }
    ids::classify(value, Slot::Ollama)
}

/// Reads `key: "model" value: { string_value: "owner/name" }` of a Triton model, over one line or several.
pub(crate) fn text_proto(sink: &mut Sink<'_>, piece: &Piece<'_>) {
    let text = piece.text.as_ref();
    let mut at = 0;
    let mut key = "";
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let code = line.split('#').next().unwrap_or_default();
        // name, then the text in quotes behind it
        let mut parts = code.split('"');
        let mut from = 0;
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            let begins = from + name.len() + 1;
            from = begins + value.len() + 1;
            let name = name.trim_end_matches([' ', '\t', ':']);
            if name.ends_with("string_value") {
                if let Some((slot, role)) = ids::slot_of(key.strip_suffix("_dir").unwrap_or(key))
                    && let Some(named) =
                        ids::classify(value, if slot == Slot::Loaded { Slot::Loaded } else { Slot::Path })
                {
                    let span = (piece.at(start + begins), piece.at(start + begins + value.len().saturating_sub(1)) + 1);
                    sink.push(named, &format!("parameter {key}"), key, span, role);
                }
            } else if name.ends_with("key") {
                key = value;
            }
        }
    }
}

/// The language that a fence names.
fn fenced(info: &str) -> Option<Language> {
    let word: String =
        info.trim().trim_start_matches(['{', '.']).chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    match word.to_ascii_lowercase().as_str() {
        "" | "sh" | "bash" | "shell" | "console" | "zsh" | "terminal" | "shellsession" | "cmd" | "powershell"
        | "env" => Some(Language::Shell),
        "py" | "python" | "python3" | "pycon" | "ipython" => Some(Language::Python),
        "js" | "javascript" | "ts" | "typescript" | "jsx" | "tsx" | "mjs" => Some(Language::JavaScript),
        "rs" | "rust" => Some(Language::Rust),
        "yaml" | "yml" => Some(Language::Yaml),
        "json" | "jsonc" | "json5" => Some(Language::Json),
        "toml" => Some(Language::Toml),
        "dockerfile" | "docker" => Some(Language::Docker),
        "modelfile" => Some(Language::Modelfile),
        _ => None,
    }
}

/// Reads fenced code in the language that its fence names; a fence without a name is read as shell.
pub(crate) fn markdown(sink: &mut Sink<'_>, piece: &Piece<'_>, depth: u8) {
    let text = piece.text.as_ref();
    let mut at = 0;
    // the mark that closes the fence, its language and where its content begins
    let mut open: Option<(&str, Option<Language>, usize)> = None;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let body = line.trim_start_matches([' ', '\t', '>']);
        let mark = ["```", "~~~"].into_iter().find(|m| body.starts_with(m));
        match (open, mark) {
            (None, Some(mark)) => {
                let info = body.trim_start_matches(['`', '~']);
                // `` ```x``` `` on one line opens nothing
                if !info.contains("```") {
                    open = Some((mark, fenced(info), at));
                }
            }
            (Some((closing, language, from)), Some(mark))
                if mark == closing && body.trim_end().trim_matches(['`', '~']).is_empty() =>
            {
                if let Some(language) = language {
                    language::dispatch(sink, language, &piece.part(from, start), depth + 1);
                }
                open = None;
            }
            _ => {}
        }
    }
    if let Some((_, Some(language), from)) = open {
        language::dispatch(sink, language, &piece.part(from, text.len()), depth + 1);
    }
}
