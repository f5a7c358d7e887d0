//! Ollama's Modelfile: what a model is made from, its adapter, its license texts. Templates, prompts and messages are
//! passed over.

use freehold_artifact::FileFacts;
use freehold_base::{Diagnostic, Evidence, Fact, FactKind};

use crate::oci::Digest;
use crate::said;

/// Longest Modelfile that is read, in bytes.
pub(crate) const BYTES_MAX: usize = 1 << 20;
/// Most statements that are kept of one.
const STATEMENTS_MAX: usize = 256;

/// `Modelfile`, `Modelfile.rp`, `Modelfile-mini`, `bot.Modelfile`.
pub(crate) fn is_name(base: &str) -> bool {
    let lower = base.to_ascii_lowercase();
    let tail = lower.strip_prefix("modelfile");
    let code = [".py", ".rs", ".go", ".ts", ".js", ".md", ".sh", ".json"].iter().any(|e| lower.ends_with(e));
    (tail.is_some_and(|t| t.is_empty() || t.starts_with(['.', '-', '_'])) || lower.ends_with(".modelfile")) && !code
}

/// What a Modelfile says.
pub(crate) struct Recipe {
    pub(crate) said: FileFacts,
    /// Files of the same folder that it is made from.
    pub(crate) files: Vec<String>,
}

/// An instruction with its value and the value's place.
struct Statement<'a> {
    command: &'a str,
    value: &'a str,
    start: usize,
}

/// What `FROM` or `ADAPTER` names.
#[derive(Debug, PartialEq, Eq)]
enum Source<'a> {
    /// A model's name, as the parent is called: a hub's repository without its tag, else the name with it.
    Name(String),
    /// A blob of a store.
    Blob(Digest),
    /// A file or folder.
    Path(&'a str),
}

/// Reads a Modelfile; `beside` tells whether its folder holds a name.
pub(crate) fn read(file: &str, bytes: &[u8], beside: &dyn Fn(&str) -> bool) -> Recipe {
    let mut said = FileFacts { bytes_read: u64::try_from(bytes.len()).unwrap_or(u64::MAX), ..FileFacts::default() };
    let mut files = Vec::new();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => {
            let message = "a Modelfile that is not UTF-8 is not read: what it is made from is not known";
            said.diagnostics.push(Diagnostic::warning("modelfile-encoding", message).in_file(file));
            return Recipe { said, files };
        }
    };
    let mut lines = Lines::new(text);
    let (statements, comment, open) = statements(text);
    if let Some(at) = open {
        let message = "a quoted text that never ends: what follows it is not read";
        said.diagnostics.push(Diagnostic::warning("modelfile-quote", message).at(file, text, at, at + 1));
    }
    if statements.len() >= STATEMENTS_MAX {
        let message = format!("more than {STATEMENTS_MAX} statements, the rest is not read");
        said.diagnostics.push(Diagnostic::warning("modelfile-too-long", message).in_file(file));
    }
    let adapter = statements.iter().any(|s| s.command.eq_ignore_ascii_case("adapter"));
    let mut blob = false;
    let mut named = false;
    for s in &statements {
        let command = s.command.to_ascii_uppercase();
        let end = s.start + s.value.len();
        let mut keep = |said: &mut FileFacts, kind, value: &str, key: &str, start: usize, end: usize| {
            if let Some(fact) = said::fact(kind, value, file, key) {
                said.facts.push(placed(fact, start, end, &mut lines));
            }
        };
        match (command.as_str(), source(s.value, beside)) {
            ("FROM", Source::Name(name)) => {
                named = true;
                keep(&mut said, FactKind::BaseModel, &name, "FROM", s.start, end);
                if adapter {
                    keep(&mut said, FactKind::AdapterBase, &name, "FROM", s.start, end);
                }
            }
            ("FROM", Source::Blob(digest)) => {
                blob = true;
                keep(&mut said, FactKind::Sha256, digest.hex(), "FROM", s.start, end);
            }
            ("FROM", Source::Path(path)) => files.push(path.strip_prefix("./").unwrap_or(path).to_owned()),
            ("ADAPTER", Source::Blob(digest)) => {
                keep(&mut said, FactKind::Sha256, digest.hex(), "ADAPTER", s.start, end);
                keep(&mut said, FactKind::AdapterType, "adapter", "ADAPTER", s.start, end);
            }
            ("ADAPTER", Source::Path(path)) => {
                files.push(path.strip_prefix("./").unwrap_or(path).to_owned());
                keep(&mut said, FactKind::AdapterType, "adapter", "ADAPTER", s.start, end);
            }
            ("ADAPTER", Source::Name(_)) => {
                keep(&mut said, FactKind::AdapterType, "adapter", "ADAPTER", s.start, end);
            }
            ("LICENSE", _) => {
                let mut license = said::license(file, "LICENSE", &s.value.as_bytes());
                license.facts = license.facts.into_iter().map(|f| placed(f, s.start, end, &mut lines)).collect();
                said.facts.append(&mut license.facts);
                said.texts.append(&mut license.texts);
                said.diagnostics.append(&mut license.diagnostics);
            }
            _ => {}
        }
    }
    // `ollama show --modelfile` writes the blob's path and the name that it stands for in a comment
    if let Some((name, start)) = comment.filter(|_| blob && !named)
        && let Source::Name(parent) = source(name, beside)
    {
        named = true;
        let kinds = if adapter { vec![FactKind::BaseModel, FactKind::AdapterBase] } else { vec![FactKind::BaseModel] };
        for kind in kinds {
            let fact = said::fact(kind, &parent, file, "# FROM");
            said.facts.extend(fact.map(|f| placed(f, start, start + name.len(), &mut lines)));
        }
    }
    said.model_file = named || blob;
    Recipe { said, files }
}

fn placed(fact: Fact, start: usize, end: usize, lines: &mut Lines<'_>) -> Fact {
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let evidence = Evidence { bytes: Some((wide(start), wide(end))), line: Some(lines.line(start)), ..fact.evidence };
    Fact { evidence, ..fact }
}

/// 1-based lines of offsets that mostly rise.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Lines<'a> {
        Lines { text: text.as_bytes(), at: 0, line: 1 }
    }

    fn line(&mut self, offset: usize) -> u32 {
        if offset < self.at {
            (self.at, self.line) = (0, 1);
        }
        let passed = self.text.get(self.at..offset).unwrap_or_default().iter().filter(|b| **b == b'\n').count();
        self.at = offset;
        self.line = self.line.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        self.line
    }
}

/// A name and where it stands.
type Place<'a> = (&'a str, usize);

/// The statements that count, the first `# FROM name` comment, and where a quoted text begins that never ends.
fn statements(text: &str) -> (Vec<Statement<'_>>, Option<Place<'_>>, Option<usize>) {
    let mut out = Vec::new();
    let mut comment = None;
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        let line_end = at + rest.find('\n').map_or(rest.len(), |n| n + 1);
        let line = text.get(at..line_end).unwrap_or_default();
        let bare = line.trim_start();
        let start = at + (line.len() - bare.len());
        if let Some(said) = bare.strip_prefix('#') {
            let word = said.trim_start();
            if comment.is_none()
                && let Some(name) =
                    word.get(..5).filter(|w| w.eq_ignore_ascii_case("from ")).and_then(|_| word.get(5..))
            {
                let from = start + (bare.len() - word.len()) + 5 + (name.len() - name.trim_start().len());
                comment = Some((name.trim(), from));
            }
            at = line_end;
            continue;
        }
        let command = bare.split(char::is_whitespace).next().unwrap_or_default();
        if command.is_empty() {
            at = line_end;
            continue;
        }
        // a role or a parameter's name stands before the value
        let mut from = start + command.len();
        let before = ["message", "parameter"].iter().any(|c| command.eq_ignore_ascii_case(c));
        if before {
            let tail = text.get(from..line_end).unwrap_or_default();
            let word = tail.trim_start_matches([' ', '\t', '\r']);
            let n = word.split(char::is_whitespace).next().unwrap_or_default().len();
            from += (tail.len() - word.len()) + n;
        }
        let tail = text.get(from..).unwrap_or_default();
        let blanks = tail.len() - tail.trim_start_matches([' ', '\t', '\r']).len();
        let (value, value_at, next) = match value(text, from + blanks) {
            Ok(found) => found,
            Err(open) => return (out, comment, Some(open)),
        };
        let counts = ["from", "adapter", "license"].iter().any(|c| command.eq_ignore_ascii_case(c));
        if counts && out.len() < STATEMENTS_MAX {
            out.push(Statement { command, value, start: value_at });
        }
        at = next;
    }
    (out, comment, None)
}

/// The value that begins at `from`: quoted once or three times over several lines, else to the end of the line.
/// Gives it, where it begins, and where the next line begins; an open quote is where it begins.
fn value(text: &str, from: usize) -> Result<(&str, usize, usize), usize> {
    let rest = text.get(from..).unwrap_or_default();
    let quote = if rest.starts_with("\"\"\"") {
        "\"\"\""
    } else if rest.starts_with('"') {
        "\""
    } else {
        ""
    };
    let mut end = from;
    loop {
        let line = text.get(end..).and_then(|r| r.split_inclusive('\n').next()).unwrap_or_default();
        let shown = end + line.trim_end().len();
        let next = end + line.len();
        if quote.is_empty() {
            let value = text.get(from..shown.max(from)).unwrap_or_default();
            return Ok((value, from, next));
        }
        let (open, close) = (from + quote.len(), shown.saturating_sub(quote.len()));
        if close >= open && text.get(close..shown) == Some(quote) && !line.trim().is_empty() {
            return Ok((text.get(open..close).unwrap_or_default(), open, next));
        }
        if line.is_empty() {
            return Err(from);
        }
        end = next;
    }
}

/// What a `FROM` names.
fn source<'a>(value: &'a str, beside: &dyn Fn(&str) -> bool) -> Source<'a> {
    let value = value.trim();
    let last = value.rsplit(['/', '\\']).next().unwrap_or(value);
    if let Some(digest) = last.starts_with("sha256").then(|| Digest::parse(last)).flatten() {
        return Source::Blob(digest);
    }
    let lower = value.to_ascii_lowercase();
    let is_file = [".gguf", ".ggml", ".bin", ".safetensors", ".pt", ".pth"].iter().any(|e| lower.ends_with(e));
    let drive = value.get(1..3).is_some_and(|t| t == ":\\" || t == ":/");
    let is_path = value.starts_with(['.', '/', '~', '$']) || value.contains('\\') || drive;
    let first = value.split('/').next().unwrap_or(value);
    if is_file || is_path || !name_is_good(value) || (!first.contains(':') && beside(first)) {
        return Source::Path(value);
    }
    for prefix in ["hf.co/", "huggingface.co/"] {
        if let Some((org, rest)) = value.strip_prefix(prefix).and_then(|r| r.split_once('/')) {
            let name = rest.split_once(':').map_or(rest, |(name, _)| name);
            return Source::Name(format!("{org}/{name}"));
        }
    }
    let bare = value.strip_prefix("registry.ollama.ai/").unwrap_or(value);
    let bare = bare.strip_prefix("library/").unwrap_or(bare);
    // `latest` says nothing, and a namespace's name with a tag is read as a path by whoever looks for `org/name`
    let short = match bare.rsplit_once(':') {
        Some((name, tag)) if tag == "latest" || name.contains('/') => name,
        _ => bare,
    };
    Source::Name(short.to_owned())
}

/// `[host[:port]/][namespace/]name[:tag]`, in the letters that Ollama allows.
fn name_is_good(value: &str) -> bool {
    let parts: Vec<&str> = value.split('/').collect();
    let word = |w: &str| {
        !w.is_empty()
            && w.len() <= 200
            && w.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:@".contains(&b))
    };
    parts.len() <= 4 && parts.into_iter().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use freehold_base::TextKind;

    fn recipe(text: &str) -> Recipe {
        read("Modelfile", text.as_bytes(), &|name| name == "mymodel")
    }

    fn values(said: &FileFacts, kind: FactKind) -> Vec<(&str, &str)> {
        let of = said.facts.iter().filter(|f| f.kind == kind);
        of.map(|f| (f.value.as_str(), f.evidence.key.as_str())).collect()
    }

    #[test]
    fn names_of_files() {
        for (name, expected) in [
            ("Modelfile", true),
            ("modelfile", true),
            ("Modelfile.rp-llama", true),
            ("Modelfile-mini", true),
            ("bot.Modelfile", true),
            ("modelfile.py", false),
            ("modelfiles", false),
            ("Makefile", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }

    #[test]
    fn from_names_parents_files_and_blobs() {
        let hex = "ab".repeat(32);
        for (value, expected) in [
            ("llama3.1:8b", Source::Name("llama3.1:8b".into())),
            ("llama3.2:latest", Source::Name("llama3.2".into())),
            ("registry.ollama.ai/library/phi3:mini", Source::Name("phi3:mini".into())),
            ("igorls/gemma-4-12B:latest", Source::Name("igorls/gemma-4-12B".into())),
            ("hf.co/bartowski/X-GGUF:Q4_K_M", Source::Name("bartowski/X-GGUF".into())),
            ("./model/unsloth.F16.gguf", Source::Path("./model/unsloth.F16.gguf")),
            ("/content/phi3.gguf", Source::Path("/content/phi3.gguf")),
            ("model.gguf", Source::Path("model.gguf")),
            (".", Source::Path(".")),
            ("C:\\models\\x.bin", Source::Path("C:\\models\\x.bin")),
            ("mymodel", Source::Path("mymodel")),
            ("a b", Source::Path("a b")),
            ("", Source::Path("")),
        ] {
            assert_eq!(source(value, &|n| n == "mymodel"), expected, "{value}");
        }
        let path = format!("/usr/share/ollama/.ollama/models/blobs/sha256-{hex}");
        assert_eq!(source(&path, &|_| false), Source::Blob(Digest::parse(&format!("sha256:{hex}")).unwrap()));
    }

    #[test]
    fn only_statements_count_and_quoted_texts_hide_nothing_else() {
        let read = recipe(
            "# made by hand\nfrom llama3.1:8b\nSYSTEM \"\"\"You are\nFROM nothing\n\"\"\"\n\
             PARAMETER stop \"<|x|>\"\nMESSAGE user \"\"\"FROM a\nLICENSE b\"\"\"\n\
             LICENSE \"\"\"\nPermission is hereby granted\n\"\"\"\nLICENSE apache-2.0\n",
        );
        assert_eq!(values(&read.said, FactKind::BaseModel), [("llama3.1:8b", "FROM")]);
        assert_eq!(values(&read.said, FactKind::LicenseTag), [("apache-2.0", "LICENSE")]);
        assert_eq!(read.said.texts.len(), 1);
        assert_eq!(read.said.texts[0].kind, TextKind::License);
        assert!(read.said.model_file && read.said.diagnostics.is_empty());
        let from = &read.said.facts[0].evidence;
        assert_eq!((from.line, from.bytes), (Some(2), Some((20, 31))));
    }

    #[test]
    fn a_generated_one_names_its_model_in_a_comment() {
        let blob = format!("FROM /x/blobs/sha256-{}\n", "0".repeat(64));
        let read = recipe(&format!("# Modelfile generated by \"ollama show\"\n# FROM llama3.1:8b\n\n{blob}"));
        assert_eq!(values(&read.said, FactKind::BaseModel), [("llama3.1:8b", "# FROM")]);
        assert_eq!(values(&read.said, FactKind::Sha256).len(), 1);
        // beside a name a comment says nothing
        let read = recipe("# FROM gemma2\nFROM llama3.2\n");
        assert_eq!(values(&read.said, FactKind::BaseModel), [("llama3.2", "FROM")]);
        let read = recipe(&format!("#FROM /usr/share/x.gguf\n{blob}"));
        assert!(values(&read.said, FactKind::BaseModel).is_empty());
    }

    #[test]
    fn an_adapter_makes_its_base_the_adapters() {
        let read = recipe("FROM llama3.2:3b\nADAPTER ./lora.gguf\n");
        assert_eq!(values(&read.said, FactKind::AdapterBase), [("llama3.2:3b", "FROM")]);
        assert_eq!(values(&read.said, FactKind::AdapterType), [("adapter", "ADAPTER")]);
        assert_eq!(read.files, ["lora.gguf"]);
    }

    #[test]
    fn hostile_ones_end() {
        let open = recipe("FROM a\nLICENSE \"\"\"never closed\nFROM b\n");
        assert_eq!(values(&open.said, FactKind::BaseModel), [("a", "FROM")]);
        assert_eq!(open.said.diagnostics[0].code, "modelfile-quote");
        let many = "FROM a\n".repeat(10_000);
        let read = recipe(&many);
        assert!(read.said.facts.len() <= STATEMENTS_MAX);
        assert_eq!(read.said.diagnostics[0].code, "modelfile-too-long");
        assert_eq!(read_bytes(b"FROM \xff\xfe"), "modelfile-encoding");
        // blank lines in an open quote are walked once
        recipe(&format!("SYSTEM \"\"\"{}", "\n".repeat(1 << 20)));
        for text in
            ["", "\n", "FROM", "FROM \"", "LICENSE \"\"\"", "\u{feff}FROM a", "MESSAGE", "PARAMETER x", "#", "# FROM"]
        {
            recipe(text);
        }
    }

    #[test]
    fn every_beginning_of_one_is_read() {
        let text = "# FROM é\nFROM \"llama3.1:8b\"\r\nPARAMETER\nMESSAGE user\nADAPTER ./a\u{a0}b.gguf\n\
                    LICENSE \"\"\"é\"\"\nx\"\"\" \nSYSTEM \"\nTEMPLATE x\nLICENSE \"\"\n";
        for end in (0..=text.len()).filter(|n| text.is_char_boundary(*n)) {
            for start in (0..=end).filter(|n| text.is_char_boundary(*n)) {
                recipe(&text[start..end]);
            }
        }
        // a parameter without its value does not take the line below
        let read = recipe("PARAMETER\nFROM llama3.2\n");
        assert_eq!(values(&read.said, FactKind::BaseModel), [("llama3.2", "FROM")]);
    }

    fn read_bytes(bytes: &[u8]) -> &'static str {
        read("Modelfile", bytes, &|_| false).said.diagnostics[0].code
    }
}
