//! Deployment and configuration files: keys that hold models, environments, commands, scripts.

use std::cell::Cell;

use crate::defined::Origin;
use crate::ids::{self, Named, Slot, Squeezed};
use crate::language::{self, Language};
use crate::piece::Piece;
use crate::programs::{self, Shell};
use crate::shell::{self, Word};
use crate::sink::Sink;
use crate::tree::{self, Kind, NONE, Tree};
use crate::{ReferenceKind, Role};

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Yaml,
    Json,
    Toml,
}

/// Words of one list of arguments.
const ARGUMENTS_MAX: usize = 1024;

/// Words of a command that are put before a list of arguments beside it.
const BESIDE_MAX: usize = 32;

/// Reads all of `piece`.
pub(crate) fn scan(sink: &mut Sink<'_>, piece: &Piece<'_>, form: Form, depth: u8) {
    let tree = match form {
        Form::Yaml => tree::yaml(&piece.text),
        Form::Json => tree::json(&piece.text),
        Form::Toml => tree::toml(&piece.text),
    };
    if tree.cut {
        sink.cut();
    }
    let mut reader = Reader { tree: &tree, piece, depth, shell: Shell::default(), beside: Cell::new(None) };
    for id in 0..tree.nodes.len() {
        if sink.full() {
            sink.cut();
            return;
        }
        reader.node(sink, id);
    }
}

struct Reader<'t, 'p> {
    tree: &'t Tree<'t>,
    piece: &'p Piece<'p>,
    depth: u8,
    /// Variables that the scripts of this file set.
    shell: Shell,
    /// What stands beside each other in the map that was asked about last.
    beside: Cell<Option<(usize, Beside)>>,
}

/// What a map says about the models in it.
#[derive(Clone, Copy, Debug, Default)]
struct Beside {
    /// Ollama runs it.
    ollama: bool,
    /// It is a container: command and arguments are then read together.
    container: bool,
    /// The node of a file of the repository.
    file: Option<usize>,
    /// A key ends in `revision`.
    revision: bool,
}

/// A key in lower case without separators.
fn plain(key: &str) -> Squeezed {
    Squeezed::new(key)
}

fn is_image(key: &str) -> bool {
    key.eq_ignore_ascii_case("image")
}

/// True for keys whose value is a command line or its arguments.
fn is_command(key: &str) -> bool {
    let k = plain(key);
    let k = k.as_str();
    let exact = [
        "command",
        "args",
        "arguments",
        "entrypoint",
        "cmd",
        "run",
        "script",
        "exec",
        "beforescript",
        "afterscript",
        "cmds",
        "commands",
        "poststart",
        "prestart",
        "startupcommand",
        "launchcommand",
        "servecommand",
        "inlinescript",
        "shell",
    ];
    exact.contains(&k)
        || k.ends_with("args")
        || k.ends_with("arguments")
        || k.ends_with("command")
        || k.ends_with("cmd")
        || k.ends_with("builtinshell")
}

fn is_environment(key: &str) -> bool {
    matches!(
        plain(key).as_str(),
        "environment"
            | "env"
            | "envvars"
            | "environmentvariables"
            | "extraenv"
            | "containerenv"
            | "buildargs"
            | "variables"
    )
}

impl<'p> Reader<'_, 'p> {
    fn key(&self, id: usize) -> &str {
        self.tree.key(id)
    }

    fn parent(&self, id: usize) -> usize {
        self.tree.node(id).map_or(NONE, |n| n.parent)
    }

    /// Its own key, or that of the list it stands in.
    fn said_key(&self, id: usize) -> &str {
        let key = self.key(id);
        if key.is_empty() { self.key(self.parent(id)) } else { key }
    }

    /// A scalar, its escapes undone.
    fn value(&self, id: usize) -> Piece<'p> {
        match self.tree.node(id) {
            Some(n) => {
                let mut piece = self.piece.unquoted(n.value.0, n.value.1, n.quote);
                piece.folded = n.kind == Kind::Folded || (n.kind == Kind::Scalar && n.quote == 0);
                piece
            }
            None => Piece::empty(),
        }
    }

    fn push(&self, sink: &mut Sink<'_>, id: usize, named: Named, construct: &str, role: Option<Role>) {
        let Some(n) = self.tree.node(id) else { return };
        let span = (self.piece.at(n.value.0), self.piece.at(n.value.1.saturating_sub(1)) + 1);
        sink.push(named, construct, &self.tree.path(id), span, role);
    }

    /// True inside something about data: `datasets:`, `dataset_mixer:`.
    fn about_data(&self, id: usize) -> bool {
        let mut at = id;
        for _ in 0..4 {
            let key = self.key(at);
            if key.len() >= "dataset".len() && plain(key).as_str().contains("dataset") {
                return true;
            }
            at = self.parent(at);
        }
        false
    }

    fn node(&mut self, sink: &mut Sink<'_>, id: usize) {
        let Some(node) = self.tree.node(id).copied() else { return };
        if node.kind == Kind::Seq {
            self.list(sink, id);
            return;
        }
        if node.kind == Kind::Map {
            self.container(sink, id);
            return;
        }
        if node.value.1 <= node.value.0 {
            return;
        }
        let key = self.key(id).to_owned();
        let parent = self.parent(id);
        let parent_key = self.key(parent).to_owned();
        if key == "uses" || is_image(&key) || is_image(&parent_key) {
            return;
        }
        if matches!(node.kind, Kind::Block | Kind::Folded) && self.block(sink, id, &key) {
            return;
        }
        if self.tree.node(parent).is_some_and(|p| p.kind == Kind::Map) {
            let scripts = matches!(plain(&parent_key).as_str(), "scripts" | "tasks");
            if (is_command(&key) && !self.beside(parent).container) || scripts {
                let piece = self.value(id);
                shell::scan_with(sink, &piece, false, &mut self.shell);
                return;
            }
        }
        self.scalar(sink, id, &key, parent, &parent_key);
    }

    /// A scalar under a key or in a list.
    fn scalar(&mut self, sink: &mut Sink<'_>, id: usize, key: &str, parent: usize, parent_key: &str) {
        let node = self.tree.node(id).copied();
        let Some(node) = node.filter(|n| n.value.1 - n.value.0 <= 2048) else { return };
        let piece = self.value(id);
        let value = piece.text.as_ref();
        if let Some(named) = ids::url(value, false) {
            let construct = if key.is_empty() { "url".to_owned() } else { format!("key {key}") };
            self.push(sink, id, named, &construct, None);
            return;
        }
        if self.about_data(id) {
            return;
        }
        self.define(sink, id, key, parent_key, value);
        let Some((slot, role, construct)) = self.place(id, key, parent, parent_key) else { return };
        // a reference to another key of the file says nothing new
        if ids::only_variable(value) && ids::shell_default(value).is_none() {
            let span = (self.piece.at(node.value.0), self.piece.at(node.value.1.saturating_sub(1)) + 1);
            sink.pend(value, slot, &construct, &self.tree.path(id), span, role);
            return;
        }
        let Some(mut named) = ids::classify(value, slot) else { return };
        if named.kind == ReferenceKind::VendorApi && node.kind != Kind::Scalar {
            return;
        }
        if named.kind == ReferenceKind::Model && !named.unresolved {
            named.revision = named.revision.take().or_else(|| self.revision(parent, key));
            named.file = named.file.take().or_else(|| self.sibling_file(parent));
        }
        self.push(sink, id, named, &construct, role);
    }

    /// A scalar that files beside this one may use: values of a chart, arguments of a build, variables of Terraform.
    fn define(&self, sink: &mut Sink<'_>, id: usize, key: &str, parent_key: &str, value: &str) {
        if key.is_empty() {
            return;
        }
        let Some(n) = self.tree.node(id) else { return };
        let span = (self.piece.at(n.value.0), self.piece.at(n.value.1.saturating_sub(1)) + 1);
        if self.depth == 0 && sink.file_name() == "values.yaml" {
            let path = self.tree.path(id);
            let path = path.split_once('.').map_or("", |(_, rest)| rest);
            sink.define(Origin::Values, path, value, span);
        } else if let Some(name) = parent_key.strip_prefix("variable ").filter(|_| key == "default") {
            sink.define(Origin::Terraform, name.trim_matches(['"', ' ']), value, span);
        } else if sink.file_name().ends_with(".tfvars") {
            sink.define(Origin::Terraform, key, value, span);
        } else if is_environment(parent_key) || parent_key == "args" {
            sink.define(Origin::Environment, key, value, span);
        }
    }

    /// What the place of a scalar says about it.
    fn place(&self, id: usize, key: &str, parent: usize, parent_key: &str) -> Option<(Slot, Option<Role>, String)> {
        let said = self.said_key(id);
        // environment: map, or `- name: X` with `value: Y`
        if key == "value"
            && let Some(name) = self.tree.scalar(parent, "name")
        {
            let (slot, role) = ids::slot_of(name)?;
            let slot = if slot == Slot::Loaded { Slot::Named } else { slot };
            return Some((slot, role, format!("env {name}")));
        }
        let map = self.tree.node(parent).is_some_and(|p| p.kind == Kind::Map);
        let item = key.is_empty();
        if let Some((slot, role)) = ids::slot_of(said) {
            let plural = item || plain(said).as_str().ends_with('s');
            let slot = if plural && slot == Slot::Loaded { Slot::Named } else { slot };
            if map
                && (self.beside(parent).ollama || self.under_ollama(parent))
                && matches!(plain(said).as_str(), "model" | "modelname" | "modelid")
            {
                return Some((Slot::Ollama, role, format!("key {said}")));
            }
            let environment = is_environment(parent_key);
            let slot = if environment && slot == Slot::Loaded { Slot::Named } else { slot };
            let what = if environment || said.bytes().all(|b| !b.is_ascii_lowercase()) { "env" } else { "key" };
            return Some((slot, role, format!("{what} {said}")));
        }
        // `model: {name: x}`, `model: {repo: x}`
        let inside = if item { self.key(self.parent(parent)) } else { parent_key };
        let k = plain(key);
        let k = k.as_str();
        let names =
            ["name", "id", "repo", "path", "uri", "url", "source", "value", "default", "hf", "hub", "repository"];
        if !item && names.contains(&k) && (k != "value" || self.tree.child(parent, "name").is_none()) {
            // the map itself, or an item of a list of models (`models: [{name: x}]`)
            let list = self.tree.node(parent).is_some_and(|p| p.key.0 == p.key.1);
            let owner = if list { self.key(self.parent(parent)) } else { inside };
            if let Some((_, role)) = ids::slot_of(owner).filter(|_| !owner.is_empty()) {
                if matches!(k, "name" | "id") && self.beside(parent).ollama {
                    return Some((Slot::Ollama, role, format!("key {owner}.{key}")));
                }
                return Some((Slot::Named, role, format!("key {owner}.{key}")));
            }
        }
        // promptfoo: `providers: [openai:gpt-4o]` or `- id: …`
        let group = if item { self.key(parent) } else { self.key(self.parent(parent)) };
        if matches!(group, "providers" | "targets") && (item || k == "id") {
            return Some((Slot::Named, None, format!("key {group}")));
        }
        // a custom resource that is a model
        if k == "source" && self.root_kind(id).is_some_and(|kind| kind == "Model") {
            return Some((Slot::Named, None, "key source".to_owned()));
        }
        if matches!(k, "repo" | "hfrepo" | "repository") && self.sibling_file(parent).is_some() {
            return Some((Slot::Repo, None, format!("key {key}")));
        }
        None
    }

    /// True below a key that says that Ollama runs what is there (`spring.ai.ollama.chat.options.model`).
    fn under_ollama(&self, map: usize) -> bool {
        let mut at = map;
        for _ in 0..4 {
            if self.key(at).eq_ignore_ascii_case("ollama") {
                return true;
            }
            at = self.parent(at);
        }
        false
    }

    /// `kind:` of the document that `id` stands in.
    fn root_kind(&self, id: usize) -> Option<&str> {
        let mut at = id;
        for _ in 0..8 {
            if let Some(kind) = self.tree.scalar(at, "kind") {
                return Some(kind);
            }
            at = self.parent(at);
            if at == NONE {
                return None;
            }
        }
        None
    }

    /// What the map says, looked through once for all that stands in it.
    fn beside(&self, map: usize) -> Beside {
        if let Some((_, known)) = self.beside.get().filter(|(id, _)| *id == map) {
            return known;
        }
        let mut found = Beside::default();
        let (mut image, mut command) = (false, false);
        for child in self.tree.children(map, tree::CHILDREN_MAX) {
            let Some(node) = self.tree.node(child) else { continue };
            let scalar = || if node.kind == Kind::Scalar { self.tree.slice(node.value) } else { "" };
            match self.tree.slice(node.key) {
                "runtime" | "provider" | "backend" | "engine" | "type" | "llm_provider" | "api_type" | "class"
                | "_target_" | "api_base" | "base_url" | "apiBase" => {
                    let head: &str = scalar();
                    found.ollama |= head.len() <= 256 && head.to_ascii_lowercase().contains("ollama");
                }
                "image" => image = true,
                "command" | "args" | "arguments" => command = true,
                "file" | "filename" | "file_name" | "gguf_file" | "gguf" | "hf_file" | "weight_name"
                    if found.file.is_none() && ids::is_weights(scalar(), true) =>
                {
                    found.file = Some(child);
                }
                key if key.ends_with("revision") => found.revision = true,
                _ => {}
            }
        }
        found.container = image && command;
        self.beside.set(Some((map, found)));
        found
    }

    /// A file of the repository beside its id.
    fn sibling_file(&self, map: usize) -> Option<String> {
        let file = self.beside(map).file.and_then(|id| self.tree.node(id))?;
        Some(self.tree.slice(file.value).to_owned())
    }

    /// `revision:` beside a model, `model_revision:` beside `model_id:`.
    fn revision(&self, map: usize, key: &str) -> Option<String> {
        if !self.tree.node(map).is_some_and(|n| n.kind == Kind::Map) || !self.beside(map).revision {
            return None;
        }
        let own = format!(
            "{}_revision",
            key.trim_end_matches("_id").trim_end_matches("_path").trim_end_matches("_name_or_path")
        );
        let keys = [own.as_str(), "revision", "model_revision"];
        let value = keys.iter().find_map(|k| self.tree.scalar(map, k))?;
        let fits =
            !value.is_empty() && value.len() <= 64 && !ids::has_variable(value) && !value.contains(char::is_whitespace);
        fits.then(|| value.to_owned())
    }

    /// A block of text under `key`: a script, a file, or one value. True where it was read.
    fn block(&mut self, sink: &mut Sink<'_>, id: usize, key: &str) -> bool {
        let said = self.said_key(id).to_owned();
        let piece = self.value(id);
        if is_command(&said) {
            let language = piece
                .text
                .trim_start()
                .strip_prefix("#!")
                .map(|l| l.lines().next().unwrap_or_default().contains("python"));
            if language == Some(true) {
                language::dispatch(sink, Language::Python, &piece, self.depth + 1);
            } else {
                shell::scan_with(sink, &piece, false, &mut self.shell);
            }
            return true;
        }
        // a file in a config map, by its name
        if key.contains('.')
            && let Some(language) = Language::of(key, &piece.text)
        {
            language::dispatch(sink, language, &piece, self.depth + 1);
            return true;
        }
        if piece.text.trim_end().contains('\n') {
            shell::scan_with(sink, &piece, false, &mut self.shell);
            return true;
        }
        false
    }

    /// Words of a list of arguments, or of one line.
    fn words(&self, id: usize, out: &mut Vec<Word>, max: usize) {
        let Some(node) = self.tree.node(id) else { return };
        let scalar = |id: usize, out: &mut Vec<Word>| {
            let Some(n) = self.tree.node(id).filter(|n| matches!(n.kind, Kind::Scalar | Kind::Block | Kind::Folded))
            else {
                return;
            };
            if n.value.1 <= n.value.0 {
                return;
            }
            let piece = self.value(id);
            let span = (self.piece.at(n.value.0), self.piece.at(n.value.1 - 1) + 1);
            out.push(Word { text: piece.text.trim_end().to_owned(), span });
        };
        if node.kind == Kind::Seq {
            for child in self.tree.children(id, max) {
                scalar(child, out);
            }
        } else {
            scalar(id, out);
        }
    }

    /// A map that may be a container.
    fn container(&mut self, sink: &mut Sink<'_>, id: usize) {
        if !self.beside(id).container {
            return;
        }
        let image = self.tree.scalar(id, "image").map(str::to_owned);
        let mut words: Vec<Word> = Vec::new();
        for key in ["entrypoint", "command", "args", "arguments"] {
            let Some(child) = self.tree.child(id, key) else { continue };
            if self.tree.node(child).is_some_and(|n| n.kind == Kind::Seq) {
                self.words(child, &mut words, ARGUMENTS_MAX);
            } else {
                // one line: its own words
                self.line_words(child, &mut words);
            }
        }
        let lines = words.iter().any(|w| w.text.contains('\n'));
        if lines {
            // `command: [sh, -c]` with a script
            for word in words.iter().filter(|w| w.text.contains('\n')) {
                let mut piece = Piece::empty();
                piece.push(&word.text, word.span.0);
                shell::scan_with(sink, &piece, false, &mut self.shell);
            }
            words.retain(|w| !w.text.contains('\n'));
        }
        if !words.is_empty() {
            programs::container(sink, image.as_deref(), &words, &mut self.shell);
        }
    }

    /// The words of a command on one line, split at blanks outside quotes.
    fn line_words(&self, id: usize, out: &mut Vec<Word>) {
        let piece = self.value(id);
        let text = piece.text.as_ref();
        let mut start: Option<usize> = None;
        let mut quote = '\0';
        for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
            if quote != '\0' {
                if c == quote {
                    quote = '\0';
                }
                if i < text.len() {
                    continue;
                }
            }
            if matches!(c, '"' | '\'') {
                quote = c;
                start.get_or_insert(i);
            } else if c.is_whitespace() {
                if let Some(from) = start.take() {
                    let raw = text.get(from..i).unwrap_or_default();
                    let word = raw.trim_matches(['"', '\'']);
                    let lead = raw.find(word).unwrap_or(0);
                    if word != "\\" && !word.is_empty() && out.len() < ARGUMENTS_MAX {
                        let span = (piece.at(from + lead), piece.at(from + lead + word.len() - 1) + 1);
                        out.push(Word { text: word.to_owned(), span });
                    }
                }
            } else {
                start.get_or_insert(i);
            }
        }
    }

    /// A list: of arguments, or of `NAME=value`.
    fn list(&mut self, sink: &mut Sink<'_>, id: usize) {
        let key = self.key(id).to_owned();
        if is_environment(&key) {
            for child in self.tree.children(id, ARGUMENTS_MAX).collect::<Vec<_>>() {
                let piece = self.value(child);
                let Some((name, value)) = piece.text.split_once('=') else { continue };
                let Some(n) = self.tree.node(child) else { continue };
                let end = self.piece.at(n.value.1.saturating_sub(1)) + 1;
                let value = value.trim_matches(['"', '\'']);
                let span = (end.saturating_sub(value.len()), end);
                programs::set(sink, &mut self.shell, name.trim(), value, span);
            }
            return;
        }
        if !is_command(&key) || self.beside(self.parent(id)).container {
            return;
        }
        let mut words = Vec::new();
        self.words(id, &mut words, ARGUMENTS_MAX);
        // GitLab and Taskfile list whole lines; a list of words has hardly a blank in it
        let lines = words.iter().filter(|w| w.text.trim().contains(char::is_whitespace)).count();
        if matches!(plain(&key).as_str(), "script" | "beforescript" | "afterscript" | "cmds" | "commands" | "run")
            || lines * 2 > words.len()
        {
            for child in self.tree.children(id, ARGUMENTS_MAX).collect::<Vec<_>>() {
                let piece = self.value(child);
                if !piece.text.is_empty() {
                    shell::scan_with(sink, &piece, false, &mut self.shell);
                }
            }
            return;
        }
        // `command: llama-server` beside `args: […]`
        let mut all = Vec::new();
        for name in ["entrypoint", "command", "cmd"] {
            let other = self.tree.child(self.parent(id), name).filter(|o| *o != id);
            let Some(other) = other else { continue };
            match self.tree.node(other).map(|n| n.kind) {
                Some(Kind::Seq) => self.words(other, &mut all, BESIDE_MAX),
                Some(Kind::Scalar) => self.line_words(other, &mut all),
                _ => {}
            }
            all.truncate(BESIDE_MAX);
        }
        all.append(&mut words);
        let image = self.tree.scalar(self.parent(id), "image").map(str::to_owned);
        for word in all.iter().filter(|w| w.text.contains('\n')) {
            let mut piece = Piece::empty();
            piece.push(&word.text, word.span.0);
            shell::scan_with(sink, &piece, false, &mut self.shell);
        }
        all.retain(|w| !w.text.contains('\n'));
        if !all.is_empty() {
            programs::container(sink, image.as_deref(), &all, &mut self.shell);
        }
    }
}
