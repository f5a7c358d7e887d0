//! Source code: calls that load models, arguments and entries that are called something with `model`, constants one
//! hop away. Works on tokens; knows no grammar beyond brackets, commas and line ends.

use std::collections::BTreeMap;

use crate::defined::Origin;
use crate::ids::{self, Named, Slot};
use crate::lex::{self, Tok, Token};
use crate::piece::Piece;
use crate::programs::{self, Shell};
use crate::shell::{self, Word};
use crate::sink::Sink;
use crate::steps;
use crate::{ReferenceKind, Role};

/// How comments, literals and line ends are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Python,
    JavaScript,
    Rust,
}

/// Tokens of one call's arguments that are looked at.
const CALL_TOKENS_MAX: usize = 256;

/// Tokens of one expression that are looked at.
const EXPRESSION_TOKENS_MAX: usize = 64;

/// Constants of one name that are remembered.
const BINDINGS_MAX: usize = 64;

/// Longest name whose constants are remembered, in bytes.
const BOUND_BYTES_MAX: usize = 96;

/// Imported names that are remembered.
const IMPORTS_MAX: usize = 1024;

/// Tokens of one import that are looked at.
const IMPORT_TOKENS_MAX: usize = 96;

/// Hops from a name to its text.
const HOPS_MAX: u8 = 2;

/// Longest variable that is shown, in bytes.
const VARIABLE_BYTES_MAX: usize = 120;

/// A name is given a value at a token.
#[derive(Clone, Copy, Debug)]
struct Binding {
    at: usize,
    from: usize,
    /// Where its expression ends.
    end: usize,
}

/// One argument of a call: its name, where its value begins and ends.
#[derive(Clone, Copy, Debug)]
struct Argument<'a> {
    name: &'a str,
    from: usize,
    to: usize,
}

/// What a loader makes of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Makes {
    Plain,
    /// A name without an owner belongs to this one.
    Owner(&'static str),
    Whisper,
    FasterWhisper,
    Spacy,
    TorchHub,
    /// Only a weights file counts.
    Weights,
    /// Only a hosted model counts.
    Vendor,
    /// Only an id with an owner counts.
    HubId,
}

/// A function that takes a model.
#[derive(Clone, Copy, Debug)]
struct Loader {
    construct: &'static str,
    names: &'static [&'static str],
    position: Option<usize>,
    slot: Slot,
    role: Option<Role>,
    makes: Makes,
    /// A variable that is not settled is reported.
    open: bool,
}

const fn loader(construct: &'static str, names: &'static [&'static str], position: usize, slot: Slot) -> Loader {
    Loader { construct, names, position: Some(position), slot, role: None, makes: Makes::Plain, open: false }
}

/// An open bracket: the name that is called where it belongs to a call, and whether nothing inside is a model.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    callee: Option<usize>,
    barred: bool,
}

/// Brackets that are kept; deeper ones count as the deepest.
const NESTED_MAX: usize = 2048;

/// Open brackets with what is known of each.
#[derive(Default)]
struct Nested<T> {
    open: Vec<T>,
    deeper: usize,
}

impl<T: Copy + Default> Nested<T> {
    fn push(&mut self, what: T) {
        if self.open.len() < NESTED_MAX {
            self.open.push(what);
        } else {
            self.deeper += 1;
        }
    }

    fn pop(&mut self) {
        match self.deeper.checked_sub(1) {
            Some(n) => self.deeper = n,
            None => {
                self.open.pop();
            }
        }
    }

    fn top(&self) -> T {
        self.open.last().copied().unwrap_or_default()
    }
}

/// What an expression says.
enum Said {
    /// These literals; `true`: exactly one and nothing else.
    Texts(Vec<usize>, bool),
    /// A literal that is put together when the program runs.
    Computed(usize),
    /// The name of something else.
    Name,
    /// The result of a call that is reported by itself, or of nothing that matters.
    Other,
}

struct Code<'p> {
    piece: &'p Piece<'p>,
    text: &'p str,
    style: Style,
    tokens: Vec<Token>,
    bindings: BTreeMap<&'p str, Vec<Binding>>,
    mlx: bool,
    /// The file speaks of the hub or of weights, so that a `repo` is likely one of the hub.
    hub: bool,
}

/// Reads all of `piece`.
pub(crate) fn scan(sink: &mut Sink<'_>, piece: &Piece<'_>, style: Style) {
    let text = piece.text.as_ref();
    let tokens = lex::tokens(text, style);
    let hub = ["hugging", "hf_", "from_pretrained", "transformers", "diffusers", "safetensors", "gguf", "GGUF"];
    let hub = hub.iter().any(|w| text.contains(w));
    let mlx = text.contains("mlx_lm") || text.contains("mlx_vlm");
    let mut code = Code { piece, text, style, tokens, bindings: BTreeMap::new(), mlx, hub };
    code.bind();
    code.import(sink);
    code.define(sink);
    code.read(sink);
}

impl<'p> Code<'p> {
    fn tok(&self, at: usize) -> Option<Tok> {
        self.tokens.get(at).map(|t| t.tok)
    }

    fn is(&self, at: usize, mark: u8) -> bool {
        self.tok(at) == Some(Tok::Mark(mark))
    }

    fn said(&self, at: usize) -> &'p str {
        self.tokens.get(at).and_then(|t| self.text.get(t.start()..t.end())).unwrap_or_default()
    }

    fn name(&self, at: usize) -> &'p str {
        if self.tok(at) == Some(Tok::Name) { self.said(at) } else { "" }
    }

    /// The token before `at` that is no line end.
    fn before(&self, at: usize) -> Option<usize> {
        let mut i = at.checked_sub(1)?;
        for _ in 0..4 {
            if self.tok(i) != Some(Tok::Line) {
                return Some(i);
            }
            i = i.checked_sub(1)?;
        }
        None
    }

    fn span(&self, at: usize) -> (usize, usize) {
        self.tokens.get(at).map_or((0, 0), |t| {
            (
                self.piece.at(t.start()),
                self.piece.at(t.end().saturating_sub(1).max(t.start())) + usize::from(t.end() > t.start()),
            )
        })
    }

    /// True where `at` is `=` and not part of `==`, `=>`, `<=`, `:=`, …
    fn is_assign(&self, at: usize) -> bool {
        let marks = |i: usize| {
            matches!(self.tok(i), Some(Tok::Mark(b'=' | b'!' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'|' | b'&')))
        };
        let touching =
            |i: usize, j: usize| self.tokens.get(i).zip(self.tokens.get(j)).is_some_and(|(a, b)| a.end() == b.start());
        self.is(at, b'=')
            && !(matches!(self.tok(at + 1), Some(Tok::Mark(b'=' | b'>'))) && touching(at, at + 1))
            && !at.checked_sub(1).is_some_and(|p| marks(p) && touching(p, at))
    }

    /// Where the expression from `from` ends.
    fn expression_end(&self, from: usize) -> usize {
        let mut depth = 0usize;
        let mut at = from;
        while at < from + EXPRESSION_TOKENS_MAX {
            steps::count(1);
            match self.tok(at) {
                None => return at,
                Some(Tok::Mark(b'(' | b'[' | b'{')) => depth += 1,
                Some(Tok::Mark(b')' | b']' | b'}')) => match depth.checked_sub(1) {
                    Some(d) => depth = d,
                    None => return at,
                },
                Some(Tok::Mark(b',' | b';')) if depth == 0 => return at,
                Some(Tok::Line) if depth == 0 && at > from => {
                    let goes_on =
                        |b: u8| matches!(b, b'=' | b'|' | b'?' | b':' | b'&' | b'+' | b'(' | b',' | b'\\' | b'.');
                    let last = matches!(self.tok(at - 1), Some(Tok::Mark(b)) if goes_on(b));
                    let next = matches!(self.tok(at + 1), Some(Tok::Mark(b)) if matches!(b, b'?' | b'|' | b':' | b'.'));
                    let goes_on = last || (next && self.style != Style::Python);
                    if !goes_on {
                        return at;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// Remembers which names are given which expressions.
    fn bind(&mut self) {
        let mut open: Nested<bool> = Nested::default();
        for at in 0..self.tokens.len() {
            match self.tok(at) {
                Some(Tok::Mark(b @ (b'(' | b'[' | b'{'))) => {
                    // the brackets of a definition hold parameters, those of a call arguments
                    let called = b == b'(' && at > 0 && self.tok(at - 1) == Some(Tok::Name);
                    let definition =
                        called && at >= 2 && matches!(self.name(at - 2), "def" | "function" | "fn" | "func");
                    open.push(called && !definition);
                    let flag = (called && self.name(at - 1) == "add_argument").then(|| self.parsed_flag(at)).flatten();
                    if let Some((name, binding)) = flag {
                        let known = self.bindings.entry(name).or_default();
                        if known.len() < BINDINGS_MAX {
                            known.push(binding);
                        }
                    }
                }
                Some(Tok::Mark(b')' | b']' | b'}')) => {
                    open.pop();
                }
                Some(Tok::Mark(b'=')) if self.is_assign(at) && !open.top() => {
                    let Some(name) = self.assigned(at) else { continue };
                    let from = at + 1;
                    let text = self.name(name);
                    if text.len() > BOUND_BYTES_MAX {
                        continue;
                    }
                    let known = self.bindings.entry(text).or_default();
                    if known.len() < BINDINGS_MAX {
                        let end = self.expression_end(from);
                        if let Some(known) = self.bindings.get_mut(text) {
                            known.push(Binding { at: name, from, end });
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// `from a.b import X as Y`, `import {X as Y} from './b'`, `use a::b::X`: which module a name comes from.
    fn import(&self, sink: &mut Sink<'_>) {
        for at in 0..self.tokens.len() {
            let begins = at.checked_sub(1).is_none_or(|p| matches!(self.tok(p), Some(Tok::Line | Tok::Mark(b';'))));
            if !begins || sink.imports.len() >= IMPORTS_MAX {
                continue;
            }
            let begins = match self.style {
                Style::Python => self.name(at) == "from",
                Style::JavaScript => matches!(self.name(at), "import" | "const"),
                Style::Rust => self.name(at) == "use",
            };
            if !begins {
                continue;
            }
            steps::count(IMPORT_TOKENS_MAX);
            let to = (at..at + IMPORT_TOKENS_MAX).find(|i| match self.tok(*i) {
                None => true,
                Some(Tok::Mark(b';')) => true,
                // inside brackets an import goes on
                Some(Tok::Line) => {
                    !(at..*i).any(|j| self.is(j, b'(') || self.is(j, b'{'))
                        || (at..*i).any(|j| self.is(j, b')') || self.is(j, b'}'))
                }
                _ => false,
            });
            let Some(to) = to else { continue };
            let names = |from: usize, to: usize, stem: &str, sink: &mut Sink<'_>| {
                let mut i = from;
                while i < to {
                    let name = self.name(i);
                    i += 1;
                    if name.is_empty() || matches!(name, "type" | "as") {
                        continue;
                    }
                    let renamed = self.name(i) == "as" || (self.is(i, b':') && !self.is(i + 1, b':'));
                    let own = if renamed { self.name(i + 1) } else { name };
                    i += if renamed { 2 } else { 0 };
                    if own.len() <= BOUND_BYTES_MAX && stem.len() <= BOUND_BYTES_MAX {
                        sink.imports.insert(own.to_owned(), (stem.to_owned(), name.to_owned()));
                    }
                }
            };
            match (self.style, self.name(at)) {
                (Style::Python, "from") => {
                    let Some(word) = (at..to).find(|i| self.name(*i) == "import") else { continue };
                    names(word + 1, to, self.last_name(at + 1, word), sink);
                }
                (Style::JavaScript, "import" | "const") => {
                    let Some(path) = (at..to).rev().find(|i| matches!(self.tok(*i), Some(Tok::Text { .. }))) else {
                        continue;
                    };
                    let from = (at..path).find(|i| matches!(self.name(*i), "from" | "require")).unwrap_or(path);
                    let said = self.said(path).trim_end_matches('/');
                    let said = said.strip_suffix("/index").unwrap_or(said);
                    let stem = said.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
                    if from < path && said.starts_with(['.', '@', '~']) {
                        names(at + 1, from, stem, sink);
                    }
                }
                (Style::Rust, "use") => {
                    let Some(last) = (at..to).rev().find(|i| self.is(*i, b':')) else { continue };
                    let stem = self.last_name(at + 1, last);
                    names(last + 1, to, stem, sink);
                }
                _ => {}
            }
        }
    }

    /// Constants that another file may import: each name that is given one text.
    fn define(&self, sink: &mut Sink<'_>) {
        for (name, all) in &self.bindings {
            let [b] = all.as_slice() else { continue };
            if let Said::Texts(texts, true) = self.expression(b.from, b.end)
                && let Some(text) = texts.first()
            {
                sink.define(Origin::Code, name, self.said(*text), self.span(*text));
            }
        }
    }

    /// `add_argument("--model-name", default="x")` settles `args.model_name`, where the flag is written with `_`.
    fn parsed_flag(&self, paren: usize) -> Option<(&'p str, Binding)> {
        let arguments = self.arguments(paren);
        let flag =
            arguments.iter().filter(|a| a.name.is_empty()).map(|a| self.said(a.from)).find(|f| f.starts_with("--"))?;
        let default = arguments.iter().find(|a| a.name == "default")?;
        let end = self.expression_end(default.from);
        Some((flag.trim_start_matches('-'), Binding { at: paren, from: default.from, end }))
    }

    /// The name that `=` at `at` gives a value, with a type between (`x: str = `) or without.
    fn assigned(&self, at: usize) -> Option<usize> {
        let last = at.checked_sub(1)?;
        // back over `Annotated[str, "…"]`
        if self.is(last, b']') {
            let mut depth = 0usize;
            for i in (last.saturating_sub(EXPRESSION_TOKENS_MAX)..=last).rev() {
                match self.tok(i)? {
                    Tok::Mark(b']') => depth += 1,
                    Tok::Mark(b'[') => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 {
                    let (kind, colon, name) = (i.checked_sub(1)?, i.checked_sub(2)?, i.checked_sub(3)?);
                    let typed = self.tok(kind)? == Tok::Name && self.is(colon, b':') && self.tok(name)? == Tok::Name;
                    if typed {
                        return Some(name);
                    }
                    break;
                }
            }
        }
        // back over a type, at most 8 tokens on this line
        for back in 0..8 {
            let Some(i) = last.checked_sub(back) else { break };
            match self.tok(i)? {
                Tok::Mark(b':') if back > 0 && i > 0 && !self.is(i - 1, b':') => {
                    return (self.tok(i.checked_sub(1)?)? == Tok::Name).then_some(i - 1);
                }
                Tok::Mark(b'[' | b']' | b'&' | b'<' | b'>' | b'|' | b'.' | b'\'' | b':') | Tok::Name => {}
                _ => break,
            }
        }
        (self.tok(last)? == Tok::Name).then_some(last)
    }

    /// The arguments of the call whose bracket opens at `paren`.
    fn arguments(&self, paren: usize) -> Vec<Argument<'p>> {
        let mut out = Vec::new();
        let mut depth = 0usize;
        let mut from = paren + 1;
        let stop = (paren + CALL_TOKENS_MAX).min(self.tokens.len());
        let mut at = paren + 1;
        while at <= stop {
            steps::count(1);
            let ends = match self.tok(at) {
                None => true,
                Some(Tok::Mark(b'(' | b'[' | b'{')) => {
                    depth += 1;
                    false
                }
                Some(Tok::Mark(b')' | b']' | b'}')) => {
                    if depth == 0 {
                        self.argument(from, at, &mut out);
                        return out;
                    }
                    depth -= 1;
                    false
                }
                Some(Tok::Mark(b',')) => depth == 0,
                _ => false,
            };
            if ends {
                self.argument(from, at, &mut out);
                from = at + 1;
            }
            at += 1;
        }
        out
    }

    fn argument(&self, from: usize, to: usize, out: &mut Vec<Argument<'p>>) {
        let mut from = from;
        while from < to && self.tok(from) == Some(Tok::Line) {
            from += 1;
        }
        let mut to = to;
        while to > from && self.tok(to - 1) == Some(Tok::Line) {
            to -= 1;
        }
        if from >= to {
            return;
        }
        let named = self.tok(from) == Some(Tok::Name) && self.is_assign(from + 1);
        if named {
            let mut value = from + 2;
            while value < to && self.tok(value) == Some(Tok::Line) {
                value += 1;
            }
            out.push(Argument { name: self.name(from), from: value, to });
        } else {
            out.push(Argument { name: "", from, to });
        }
    }

    /// What the expression `from..to` says.
    fn expression(&self, from: usize, to: usize) -> Said {
        let significant = |i: &usize| self.tok(*i) != Some(Tok::Line);
        steps::count(to.saturating_sub(from));
        let mut inside = (from..to).filter(significant);
        let Some(first) = inside.next() else { return Said::Other };
        let texts: Vec<usize> = (from..to).filter(|i| matches!(self.tok(*i), Some(Tok::Text { .. }))).collect();
        if let Some(Tok::Text { computed, .. }) = self.tok(first) {
            let second = inside.next();
            let converted = second.is_some_and(|s| {
                self.is(s, b'.')
                    && matches!(
                        self.name(s + 1),
                        "into" | "to_string" | "to_owned" | "strip" | "trim" | "as_str" | "toString"
                    )
            });
            let alone =
                second.is_none() || converted || second.is_some_and(|s| matches!(self.name(s), "as" | "satisfies"));
            if computed && alone {
                return Said::Computed(first);
            }
            if alone {
                return Said::Texts(vec![first], true);
            }
            // `"x" if a else "y"`
            let choice = second.is_some_and(|s| matches!(self.name(s), "if" | "or"));
            return if choice { Said::Texts(texts, false) } else { Said::Other };
        }
        if !texts.is_empty() {
            return Said::Texts(texts, false);
        }
        let chain = (from..to).filter(significant).all(|i| {
            matches!(self.tok(i), Some(Tok::Name | Tok::Mark(b'.' | b'[' | b']' | b':' | b'?' | b'!' | b'&' | b'$')))
        });
        let name = self.name(first);
        let nothing = matches!(
            name,
            "None" | "null" | "undefined" | "True" | "False" | "true" | "false" | "self" | "cls" | "await" | "new"
        );
        let lone_self = nothing && (to - from == 1 || matches!(name, "await" | "new"));
        let number = name.as_bytes().first().is_some_and(u8::is_ascii_digit);
        if chain && !name.is_empty() && !lone_self && !number { Said::Name } else { Said::Other }
    }

    /// The last name of `a.b.c` or `a::b`.
    fn last_name(&self, from: usize, to: usize) -> &'p str {
        (from..to).rev().map(|i| self.name(i)).find(|n| !n.is_empty()).unwrap_or_default()
    }

    /// The expression that settles `name` where it is used at `at`.
    fn bound(&self, name: &str, at: usize) -> Option<Binding> {
        let all = self.bindings.get(name)?;
        // not the expression that it stands in: `path = Path(path)`
        let upto = all.partition_point(|b| b.from <= at);
        let before = all.get(..upto).unwrap_or_default().iter().rev().find(|b| b.end <= at);
        before.or_else(|| all.iter().find(|b| b.at > at)).copied()
    }

    /// True where the call at `from..to` is one that is reported by itself (`snapshot_download(…)`).
    fn is_loaded(&self, from: usize, to: usize) -> bool {
        steps::count(to.saturating_sub(from));
        (from..to).any(|i| self.tok(i) == Some(Tok::Name) && self.is(i + 1, b'(') && self.loader(i).is_some())
    }

    /// Hands every model of the expression to `each`: what it names and the token where it stands. `true` where the
    /// expression is settled, though it may name nothing.
    fn resolve(
        &self,
        from: usize,
        to: usize,
        makes: Makes,
        slot: Slot,
        hops: u8,
        out: &mut Vec<(Named, usize)>,
    ) -> bool {
        match self.expression(from, to) {
            Said::Texts(texts, exact) => {
                let count = out.len();
                // a part of a path says too little of a file
                if !exact && makes == Makes::Weights {
                    return true;
                }
                for at in texts {
                    let text = self.said(at);
                    // keys of a map, names of a variable of the environment
                    if !exact
                        && (self.is(at + 1, b':')
                            && !self.is(at.saturating_sub(1), b'?')
                            && self.style == Style::Python)
                    {
                        continue;
                    }
                    let found = if exact { made(text, makes, slot) } else { made(text, makes, strict(slot)) };
                    // of several literals only what has the shape of an id is meant
                    out.extend(
                        found
                            .filter(|n| exact || n.kind != ReferenceKind::File || ids::is_weights(&n.id, false))
                            .map(|n| (n, at)),
                    );
                }
                exact || out.len() > count
            }
            Said::Computed(at) => {
                let text = self.said(at);
                if text.contains('\n') || text.contains(' ') && !ids::is_weights(text, false) {
                    return true;
                }
                if matches!(makes, Makes::Plain | Makes::Owner(_) | Makes::HubId)
                    && let Some(named) = ids::classify(text, if slot == Slot::Path { Slot::Loaded } else { slot })
                {
                    out.push((named, at));
                }
                true
            }
            Said::Name => {
                let name = self.last_name(from, to);
                let Some(b) = self.bound(name, from).filter(|_| hops > 0) else { return false };
                self.is_loaded(b.from, b.end) || self.resolve(b.from, b.end, makes, slot, hops - 1, out)
            }
            Said::Other => self.is_loaded(from, to),
        }
    }

    /// The object that a method is called on: `a` of `a.b(`, `A` of `A::b(`.
    fn object(&self, callee: usize) -> &'p str {
        let Some(dot) = callee.checked_sub(1) else { return "" };
        if self.is(dot, b'.') {
            let Some(o) = dot.checked_sub(1) else { return "" };
            // `torch.hub.load`, and `a?.b(`
            return if self.is(o, b'?') { o.checked_sub(1).map_or("", |o| self.name(o)) } else { self.name(o) };
        }
        if self.is(dot, b':') && dot > 1 && self.is(dot - 1, b':') { self.name(dot - 2) } else { "" }
    }

    /// The loader called at `callee`.
    fn loader(&self, callee: usize) -> Option<Loader> {
        const IDS: &[&str] = &[
            "pretrained_model_name_or_path",
            "model_name_or_path",
            "model_name",
            "model_id",
            "repo_id",
            "model_path",
            "model",
            "pretrained_model_name",
            "path_or_hf_repo",
            "preset",
            "pretrained_path",
        ];
        const HUB: &[&str] = &["repo_id", "model_id", "repo", "repoId"];
        const NAMES: &[&str] = &["model_name_or_path", "model_name", "model", "model_id", "repo_id"];
        let name = self.name(callee);
        let object = self.object(callee);
        let found = match name {
            _ if name.starts_with("from_pretrained") => {
                let open = Loader { open: true, ..loader("from_pretrained", IDS, 0, Slot::Loaded) };
                if object.starts_with("PeftModel") {
                    return Some(Loader {
                        names: &["model_id", "peft_model_id"],
                        position: Some(1),
                        role: Some(Role::Adapter),
                        ..open
                    });
                }
                let tokenizer = ["Tokenizer", "Processor", "FeatureExtractor"].iter().any(|t| object.contains(t));
                let adapter = object.starts_with("AutoPeft");
                let role = if tokenizer { Some(Role::Tokenizer) } else { adapter.then_some(Role::Adapter) };
                Loader { role, ..open }
            }
            "from_quantized" | "from_single_file" | "fromPretrained" => {
                Loader { open: true, ..loader("from_pretrained", IDS, 0, Slot::Loaded) }
            }
            "from_preset" => Loader { makes: Makes::HubId, ..loader("from_preset", IDS, 0, Slot::Named) },
            "from_model_id" => loader("from_model_id", NAMES, 0, Slot::Loaded),
            "load_lora_weights"
            | "load_adapter"
            | "load_lora_adapter"
            | "load_textual_inversion"
            | "load_ip_adapter" => Loader {
                role: Some(Role::Adapter),
                ..loader(
                    "load_lora_weights",
                    &["pretrained_model_name_or_path_or_dict", "peft_model_id", "adapter_name_or_path"],
                    0,
                    Slot::Named,
                )
            },
            "pipeline" => loader("pipeline", &["model"], 1, Slot::Loaded),
            "SentenceTransformer"
            | "SparseEncoder"
            | "SentenceTransformerEmbeddings"
            | "SentenceTransformerEmbeddingFunction" => Loader {
                makes: Makes::Owner("sentence-transformers"),
                open: true,
                ..loader("SentenceTransformer", NAMES, 0, Slot::Loaded)
            },
            "HuggingFaceEmbedding"
            | "HuggingFaceEmbeddings"
            | "HuggingFaceBgeEmbeddings"
            | "HuggingFaceInstructEmbeddings"
            | "INSTRUCTOR" => Loader {
                makes: Makes::Owner("sentence-transformers"),
                ..loader("HuggingFaceEmbeddings", NAMES, 0, Slot::Loaded)
            },
            "CrossEncoder" | "HuggingFaceCrossEncoder" => {
                Loader { makes: Makes::Owner("cross-encoder"), ..loader("CrossEncoder", NAMES, 0, Slot::Loaded) }
            }
            "FlagModel" | "BGEM3FlagModel" | "FlagReranker" | "FlagLLMReranker" | "HFEmbedder" | "TextEmbedding" => {
                loader("embedder", NAMES, 0, Slot::Named)
            }
            "snapshot_download"
            | "hf_hub_download"
            | "hf_hub_url"
            | "model_info"
            | "model_file_download"
            | "cached_download"
            | "try_to_load_from_cache"
            | "snapshotDownload" => Loader { open: true, ..loader(hub_construct(name), HUB, 0, Slot::Repo) },
            "LLM" | "AsyncEngineArgs" | "EngineArgs" | "LLMEngine" | "vLLMWrapper" | "VLLM" => Loader {
                open: name != "VLLM",
                ..loader("LLM", &["model", "model_path", "model_name"], 0, Slot::Loaded)
            },
            "Engine" if matches!(object, "sgl" | "sglang") => {
                Loader { open: true, ..loader("Engine", &["model_path"], 0, Slot::Loaded) }
            }
            "Llama" | "LlamaCpp" | "LlamaCppEmbeddings" | "GPT4All" | "LlamaCPP" => {
                Loader { open: true, position: None, ..loader("Llama", &["model_path", "model"], 0, Slot::Path) }
            }
            "load_model" if matches!(object, "whisper" | "whisperx" | "whisper_timestamped" | "stable_whisper") => {
                Loader { makes: Makes::Whisper, open: true, ..loader("whisper.load_model", &["name"], 0, Slot::Loaded) }
            }
            "WhisperModel" => Loader {
                makes: Makes::FasterWhisper,
                open: true,
                ..loader("WhisperModel", &["model_size_or_path"], 0, Slot::Loaded)
            },
            "load" if object == "spacy" => {
                Loader { makes: Makes::Spacy, open: true, ..loader("spacy.load", &["name"], 0, Slot::Loaded) }
            }
            "load" if object == "hub" => {
                Loader { makes: Makes::TorchHub, ..loader("torch.hub.load", &["repo_or_dir", "github"], 0, Slot::Repo) }
            }
            "load" if self.mlx && matches!(object, "" | "mlx_lm" | "mlx_vlm") => {
                Loader { open: true, ..loader("mlx_lm.load", IDS, 0, Slot::Loaded) }
            }
            "load" if object == "torch" => {
                Loader { makes: Makes::Weights, ..loader("torch.load", &["f"], 0, Slot::Path) }
            }
            "load_model"
            | "load_file"
            | "safe_open"
            | "InferenceSession"
            | "load_state_dict_from_url"
            | "load_checkpoint" => Loader {
                makes: Makes::Weights,
                ..loader("weights file", &["filepath", "filename", "path_or_bytes", "url", "path"], 0, Slot::Path)
            },
            "YOLO" | "RTDETR" | "SAM" | "FastSAM" | "YOLOWorld" | "YOLOE" => {
                Loader { makes: Makes::Weights, ..loader("YOLO", &["model"], 0, Slot::Path) }
            }
            "ChatOllama"
            | "OllamaLLM"
            | "Ollama"
            | "OllamaEmbeddings"
            | "OllamaEmbedding"
            | "OllamaEmbeddingFunction"
            | "OllamaMultiModal"
            | "OllamaModel"
            | "OllamaChatGenerator"
            | "OllamaGenerator" => loader("Ollama client", &["model", "model_name", "model_id"], 0, Slot::Ollama),
            "chat" | "generate" | "embeddings" | "embed" | "pull" | "show" if object == "ollama" => {
                loader("Ollama client", &["model"], 0, Slot::Ollama)
            }
            "HuggingFaceEndpoint"
            | "HuggingFaceHub"
            | "HuggingFaceInferenceAPI"
            | "HuggingFaceLLM"
            | "InferenceClient"
            | "AsyncInferenceClient"
            | "HfApiModel"
            | "InferenceClientModel"
            | "TransformersModel"
            | "HuggingFaceInferenceAPIEmbeddings" => {
                loader("inference client", &["repo_id", "model", "model_name", "model_id"], 0, Slot::Named)
            }
            "init_chat_model" | "init_embeddings" | "initChatModel" | "from_provider" => {
                loader("init_chat_model", &["model"], 0, Slot::Named)
            }
            "GenerativeModel" | "getGenerativeModel" | "openai" | "anthropic" | "google" | "mistral" | "groq"
            | "xai" | "cohere" | "bedrock" | "languageModel" | "gateway" => {
                Loader { makes: Makes::Vendor, ..loader("model of an API", &["model", "model_name"], 0, Slot::Named) }
            }
            "model" if self.style == Style::Rust && !object.is_empty() => {
                Loader { open: true, ..loader("hf-hub model", &[], 0, Slot::Named) }
            }
            "new" if self.style == Style::Rust && object.ends_with("ModelBuilder") => {
                loader("model builder", &[], 0, Slot::Named)
            }
            "new" if self.style == Style::Rust && matches!(object, "GenerationRequest" | "ChatMessageRequest") => {
                loader("Ollama client", &[], 0, Slot::Ollama)
            }
            "agent" | "extractor" | "completion_model" if self.style == Style::Rust => {
                Loader { makes: Makes::Vendor, ..loader("model of an API", &[], 0, Slot::Named) }
            }
            "encoding_for_model" | "EncodingForModel" => Loader {
                makes: Makes::Vendor,
                role: Some(Role::Tokenizer),
                ..loader("encoding_for_model", &["model_name"], 0, Slot::Named)
            },
            "KeyBERT" | "BERTopic" => Loader {
                makes: Makes::Owner("sentence-transformers"),
                position: (name == "KeyBERT").then_some(0),
                ..loader("SentenceTransformer", &["model", "embedding_model"], 0, Slot::Loaded)
            },
            "from_hparams" => Loader { open: true, ..loader("from_hparams", &["source"], 0, Slot::Repo) },
            "Textractor" | "Embeddings" | "Summary" | "Reranker" | "Encoder" => {
                Loader { makes: Makes::HubId, ..loader("model class", &["path", "model"], 0, Slot::Named) }
            }
            "load" if matches!(object, "SequenceTagger" | "TextClassifier") => {
                Loader { makes: Makes::HubId, ..loader("flair model", &[], 0, Slot::Named) }
            }
            "transformers" | "exllamav2" | "mlxlm" | "vllm" if object == "models" => {
                Loader { makes: Makes::HubId, ..loader("outlines model", &["model_name"], 0, Slot::Named) }
            }
            "import_model" if object == "transformers" => {
                Loader { makes: Makes::HubId, ..loader("bentoml model", &[], 1, Slot::Named) }
            }
            "DownloadModel" | "downloadModel" => loader("download", &["modelName"], 0, Slot::Repo),
            "New" if object == "hub" => loader("download", &[], 0, Slot::Repo),
            "newInstance" if object == "HuggingFaceTokenizer" => {
                Loader { role: Some(Role::Tokenizer), ..loader("tokenizer", &[], 0, Slot::Loaded) }
            }
            "OllamaApiClient" => loader("Ollama client", &["defaultModel"], 1, Slot::Ollama),
            "ModelParams" if self.style == Style::JavaScript => loader("LLamaSharp", &["modelPath"], 0, Slot::Path),
            "optModelUrls" | "optModelName" => loader("DJL criteria", &[], 0, Slot::Named),
            _ if name.starts_with("AddOpenAI")
                || name.starts_with("AddHuggingFace")
                || name.starts_with("AddOllama") =>
            {
                let slot = if name.starts_with("AddOllama") { Slot::Ollama } else { Slot::Named };
                loader("kernel builder", &["modelId"], 0, slot)
            }
            // `OllamaChatModel.builder().modelName("x")`
            "modelName" | "modelId" | "model"
                if self.style == Style::JavaScript && self.is(callee.saturating_sub(1), b'.') =>
            {
                let from = callee.saturating_sub(EXPRESSION_TOKENS_MAX);
                let back = (from..callee).rev().take_while(|i| !self.is(*i, b';') && !self.is(*i, b'{'));
                let ollama = back.into_iter().any(|i| self.name(i).contains("Ollama"));
                let slot = if ollama { Slot::Ollama } else { Slot::Named };
                loader("model of a builder", &[], 0, slot)
            }
            "new" | "with_revision" | "model" if self.style == Style::Rust && object == "Repo" => {
                Loader { open: true, ..loader("hf-hub model", &[], 0, Slot::Repo) }
            }
            _ => return None,
        };
        Some(found)
    }

    /// Reads all calls, arguments, entries, constants and literals.
    fn read(&self, sink: &mut Sink<'_>) {
        // open brackets, with the name that is called where it is a call
        let mut open: Nested<Open> = Nested::default();
        for at in 0..self.tokens.len() {
            if sink.full() {
                sink.cut();
                return;
            }
            match self.tok(at) {
                Some(Tok::Mark(b'(')) => {
                    let callee = at.checked_sub(1).filter(|p| self.tok(*p) == Some(Tok::Name));
                    let barred = self.is_barred(callee) || callee.is_some_and(|c| self.call(sink, c, at));
                    open.push(Open { callee, barred });
                }
                // an object or list inside a call belongs to it
                Some(Tok::Mark(b'[' | b'{')) => {
                    open.push(open.top());
                    if self.is(at, b'[') {
                        self.command_list(sink, at);
                    }
                }
                Some(Tok::Mark(b')' | b']' | b'}')) => {
                    open.pop();
                }
                Some(Tok::Mark(b'=')) if self.is_assign(at) => {
                    // `os.environ["MODEL_ID"] = "x"`
                    if at > 3
                        && self.is(at - 1, b']')
                        && self.is(at - 3, b'[')
                        && matches!(self.tok(at - 2), Some(Tok::Text { .. }))
                    {
                        self.slot(sink, self.said(at - 2), at + 1, open.top(), false);
                    } else if let Some(name) = self.assigned(at) {
                        self.slot(sink, self.name(name), at + 1, open.top(), true);
                    }
                }
                Some(Tok::Mark(b':')) => {
                    let Some(before) = at.checked_sub(1) else { continue };
                    let key = match self.tok(before) {
                        Some(Tok::Text { .. }) => self.said(before),
                        Some(Tok::Name) if self.style == Style::JavaScript => self.name(before),
                        _ => continue,
                    };
                    self.slot(sink, key, at + 1, open.top(), false);
                }
                Some(Tok::Name) => self.nix_models(sink, at),
                Some(Tok::Text { long, .. }) => self.literal(sink, at, long, open.top()),
                _ => {}
            }
        }
    }

    /// True for calls that write, and for calls about data.
    fn is_barred(&self, callee: Option<usize>) -> bool {
        let Some(callee) = callee else { return false };
        let name = self.name(callee);
        let object = self.object(callee).to_ascii_lowercase();
        let lower = name.to_ascii_lowercase();
        let writes =
            ["push_to_hub", "upload_", "create_repo", "save_pretrained", "delete_", "create_commit", "update_repo"];
        writes.iter().any(|w| lower.starts_with(w)) || lower.contains("dataset") || object.contains("dataset")
    }

    /// Reads a call; true where it is about data, so that nothing inside it is a model.
    fn call(&self, sink: &mut Sink<'_>, callee: usize, paren: usize) -> bool {
        let Some(loader) = self.loader(callee) else {
            self.option(sink, callee, paren);
            return false;
        };
        // `def from_pretrained(cls, …)`
        if self.before(callee).is_some_and(|b| matches!(self.name(b), "def" | "function" | "fn" | "class"))
            || self.is_barred(Some(callee))
        {
            return false;
        }
        let arguments = self.arguments(paren);
        let text_of = |name: &str, position: Option<usize>| {
            let by_name = arguments.iter().find(|a| a.name == name);
            let free: Vec<&Argument<'_>> = arguments.iter().filter(|a| a.name.is_empty()).collect();
            let a = by_name.or_else(|| position.and_then(|p| free.get(p).copied()))?;
            self.constant(a.from, a.to)
        };
        if text_of("repo_type", None).is_some_and(|t| t != "model")
            || self.rust_repo_type(&arguments)
            || text_of("source", None) == Some("local")
        {
            return true;
        }
        let free: Vec<&Argument<'_>> = arguments.iter().filter(|a| a.name.is_empty()).collect();
        if loader.construct == "pipeline" {
            // lmdeploy.pipeline("owner/name"): the model comes first
            if let Some(first) = free.first() {
                self.give(
                    sink,
                    &Loader { makes: Makes::HubId, slot: Slot::Repo, open: false, ..loader },
                    first,
                    None,
                    None,
                );
            }
        }
        if loader.role == Some(Role::Adapter)
            && loader.construct == "from_pretrained"
            && loader.position == Some(1)
            && let Some(first) = free.first()
            && matches!(self.expression(first.from, first.to), Said::Texts(_, true))
        {
            self.give(sink, &Loader { role: Some(Role::Base), open: false, ..loader }, first, None, None);
        }
        let named = loader.names.iter().find_map(|n| arguments.iter().find(|a| a.name == *n));
        let chosen = named.or_else(|| loader.position.and_then(|p| free.get(p).copied()));
        let Some(argument) = chosen else { return false };
        let revision = text_of("revision", if self.name(callee) == "with_revision" { Some(2) } else { None });
        let download = matches!(loader.construct, "hf_hub_download" | "model_file_download");
        let file = text_of("filename", if download { Some(1) } else { None })
            .or_else(|| text_of("gguf_file", None))
            .or_else(|| text_of("model_file", None))
            .or_else(|| text_of("weight_name", None))
            .or_else(|| text_of("file_path", None));
        // a variable in a slot for the object itself (`pipeline(model=model)`) names nothing
        self.give(sink, &loader, argument, revision.map(str::to_owned), file.map(str::to_owned));
        false
    }

    /// The text of a literal, or of the constant that a name stands for.
    fn constant(&self, from: usize, to: usize) -> Option<&'p str> {
        match self.expression(from, to) {
            Said::Texts(texts, true) => texts.first().map(|t| self.said(*t)),
            Said::Name => {
                let b = self.bound(self.last_name(from, to), from)?;
                match self.expression(b.from, b.end) {
                    Said::Texts(texts, true) => texts.first().map(|t| self.said(*t)),
                    _ => None,
                }
            }
            _ => None,
        }
        .filter(|t| !t.is_empty() && t.len() <= 200 && !t.contains(char::is_whitespace))
    }

    fn rust_repo_type(&self, arguments: &[Argument<'_>]) -> bool {
        self.style == Style::Rust
            && arguments
                .iter()
                .any(|a| matches!(self.last_name(a.from, a.to), "Dataset" | "Space") && self.name(a.from) == "RepoType")
    }

    /// Reports what a loader was given.
    fn give(
        &self,
        sink: &mut Sink<'_>,
        loader: &Loader,
        a: &Argument<'_>,
        revision: Option<String>,
        file: Option<String>,
    ) {
        let mut found = Vec::new();
        let settled = self.resolve(a.from, a.to, loader.makes, loader.slot, HOPS_MAX, &mut found);
        let none = found.is_empty();
        for (mut named, at) in found {
            if named.unresolved && !loader.open && loader.makes != Makes::HubId && ids::only_variable(&named.id) {
                continue;
            }
            if named.kind == ReferenceKind::Model || loader.makes == Makes::TorchHub {
                named.revision = named.revision.take().or_else(|| revision.clone());
                named.file = named.file.take().or_else(|| file.clone());
            }
            sink.push(named, loader.construct, a.name, self.span(at), loader.role);
        }
        if !settled && none && loader.open {
            self.open_variable(sink, loader, a);
        }
    }

    /// Reports the variable that a loader was given.
    fn open_variable(&self, sink: &mut Sink<'_>, loader: &Loader, a: &Argument<'_>) {
        let environment = (a.from..a.to).any(|i| matches!(self.name(i), "getenv" | "environ" | "env"));
        if !matches!(self.expression(a.from, a.to), Said::Name) && !environment {
            // `configs["x"].repo_id`
            let chain = (a.from..a.to)
                .all(|i| !self.is(i, b'(') && !self.is(i, b'+') && !self.is(i, b'{') && !self.is(i, b'%'));
            let starts_named = !self.name(a.from).is_empty();
            if !(chain && starts_named && matches!(self.expression(a.from, a.to), Said::Texts(_, false))) {
                return;
            }
        }
        let (Some(first), Some(last)) = (self.tokens.get(a.from), self.tokens.get(a.to.saturating_sub(1))) else {
            return;
        };
        // the quote of a literal at the end belongs to what is shown
        let text = self.text.get(first.start()..last.end()).unwrap_or_default();
        if text.len() > VARIABLE_BYTES_MAX || text.contains('\n') {
            return;
        }
        let span = (self.piece.at(first.start()), self.piece.at(last.end().saturating_sub(1)) + 1);
        sink.push(Named::unresolved(ReferenceKind::Model, text), loader.construct, a.name, span, loader.role);
    }

    /// `add_argument("--model", default="x")`, `click.option(…)`, `typer.Option("x", "--model")`, `#[arg(default_value = "x")]`.
    fn option(&self, sink: &mut Sink<'_>, callee: usize, paren: usize) {
        if !matches!(
            self.name(callee),
            "add_argument" | "option" | "Option" | "argument" | "DEFINE_string" | "add_option"
        ) {
            return;
        }
        let arguments = self.arguments(paren);
        let free = arguments.iter().filter(|a| a.name.is_empty());
        let flag = free.filter(|a| matches!(self.tok(a.from), Some(Tok::Text { .. }))).map(|a| self.said(a.from));
        let Some(flag) = flag.filter(|f| f.len() <= 64).find(|f| ids::slot_of(f).is_some()) else { return };
        let Some((_, role)) = ids::slot_of(flag) else { return };
        let Some(default) = arguments.iter().find(|a| a.name == "default") else { return };
        let option = Loader { role, ..loader("default of a flag", &[], 0, Slot::Named) };
        self.give(sink, &option, default, None, None);
    }

    /// A name with a value: an argument, an entry, a constant. `assigned`: with `=`.
    fn slot(&self, sink: &mut Sink<'_>, key: &str, from: usize, open: Open, assigned: bool) {
        let callee = open.callee;
        // `{"openai": "gpt-4o"}`
        if !assigned && ids::is_provider(key) && matches!(self.tok(from), Some(Tok::Text { .. })) && !open.barred {
            let value = self.said(from);
            if ids::is_vendor(value) {
                let named = Named::new(ReferenceKind::VendorApi, value);
                sink.push(named, &format!("entry {key}"), key, self.span(from), None);
            }
            return;
        }
        // `ModelMeta(name="owner/name")`
        let holder = matches!(key, "name" | "path" | "hf_id" | "repo")
            && callee.is_some_and(|c| {
                matches!(self.name(c), "ModelMeta" | "ModelInfo" | "ModelSpec" | "Embeddings" | "HuggingFaceModel")
            });
        if key.len() < 3 && !holder {
            return;
        }
        let lower = key.to_ascii_lowercase();
        let hinted = assigned
            && key.len() <= 64
            && !ids::is_refused(key)
            && !["branch", "dataset", "docker", "image", "npm", "mime", "route"].iter().any(|w| lower.contains(w))
            && (["model", "ckpt", "checkpoint", "hf_", "llm"].iter().any(|w| lower.contains(w))
                || (self.hub && lower.contains("repo") && !lower.contains("git")));
        let slot = ids::slot_of(key);
        let default = self.style == Style::Rust && key == "default_value";
        if slot.is_none() && !hinted && !default && !holder {
            return;
        }
        if open.barred {
            return;
        }
        if callee.is_some_and(|c| matches!(self.name(c), "load_dataset" | "print" | "getLogger")) {
            return;
        }
        let to = self.expression_end(from);
        // the loader that is called there is reported by itself
        if self.is_loaded(from, to) {
            return;
        }
        let role = slot.and_then(|(_, role)| role);
        // a file of the repository that the loader names
        if lower == "model_file"
            && callee.is_some_and(|c| self.loader(c).is_some_and(|l| l.construct == "from_pretrained"))
        {
            return;
        }
        let ollama = lower.contains("ollama")
            || callee.is_some_and(|c| self.object(c) == "ollama" || self.name(c).contains("Ollama"));
        let named_model = lower.contains("ollama") || matches!(lower.as_str(), "model" | "model_name" | "model_id");
        let wanted = match slot {
            Some(_) if ollama && named_model => Slot::Ollama,
            Some(_)
                if named_model
                    && callee.is_some_and(|c| self.name(c).starts_with("HuggingFace") && self.loader(c).is_none()) =>
            {
                Slot::Loaded
            }
            Some((Slot::Loaded, _))
                if lower.contains("path") || lower == "hf_model_id" || assigned && callee.is_some() =>
            {
                Slot::Loaded
            }
            Some(_) => Slot::Named,
            None => Slot::Repo,
        };
        // a constant may be anything: no names without an owner
        let wanted = if assigned && callee.is_none() && wanted == Slot::Loaded { Slot::Named } else { wanted };
        let mut found = Vec::new();
        self.resolve(from, to, Makes::Plain, wanted, 0, &mut found);
        for (named, at) in found {
            // variables are reported by loaders alone
            if named.unresolved && (ids::only_variable(&named.id) || callee.is_none()) {
                continue;
            }
            // a path that is no weights file may be anything here
            if named.kind == ReferenceKind::File && !ids::is_weights(&named.id, true) && !named.id.contains("://") {
                continue;
            }
            let what = if assigned && callee.is_none() { "constant" } else { "argument" };
            let construct = if assigned { format!("{what} {key}") } else { format!("entry {key}") };
            sink.push(named, &construct, key, self.span(at), role);
        }
    }

    /// `loadModels = [ "llama3.2:3b" "phi3" ];` of NixOS.
    fn nix_models(&self, sink: &mut Sink<'_>, at: usize) {
        if self.name(at) != "loadModels" || !self.is(at + 1, b'=') || !self.is(at + 2, b'[') {
            return;
        }
        for i in (at + 3..at + CALL_TOKENS_MAX).take_while(|i| !self.is(*i, b']')) {
            if matches!(self.tok(i), Some(Tok::Text { .. }))
                && let Some(named) = ids::ollama(self.said(i))
            {
                sink.push(named, "services.ollama.loadModels", "loadModels", self.span(i), None);
            }
        }
    }

    /// A literal by itself: URLs, `hf-hub:`, commands that are run.
    fn literal(&self, sink: &mut Sink<'_>, at: usize, long: bool, open: Open) {
        let callee = open.callee;
        let text = self.said(at);
        if text.len() < 8 || text.len() > 8192 {
            return;
        }
        // documentation: a literal that is a statement
        let alone = at == 0 || self.tok(at - 1) == Some(Tok::Line);
        if alone
            && callee.is_none()
            && (long || self.style == Style::Python)
            && matches!(self.tok(at + 1), None | Some(Tok::Line))
        {
            return;
        }
        if open.barred {
            return;
        }
        if let Some(named) = ids::url(text, false) {
            sink.push(named, "url", "", self.span(at), None);
            return;
        }
        // `Agent("openai:gpt-4o")`: an argument by itself
        if let Some(callee) = callee.map(|c| self.name(c)).filter(|n| !is_said(n))
            && at.checked_sub(1).is_some_and(|p| matches!(self.tok(p), Some(Tok::Mark(b'(' | b',')) | Some(Tok::Line)))
            && let Some(named) = ids::provider_and_model(text)
        {
            sink.push(named, &format!("argument of {callee}"), "", self.span(at), None);
            return;
        }
        let Some(token) = self.tokens.get(at) else { return };
        let runs = callee.is_some_and(|c| {
            matches!(
                self.name(c),
                "system"
                    | "run"
                    | "call"
                    | "check_call"
                    | "check_output"
                    | "Popen"
                    | "popen"
                    | "exec"
                    | "execSync"
                    | "spawn"
                    | "getoutput"
                    | "run_commands"
                    | "sh"
                    | "shell"
                    | "execute"
                    | "run_command"
            )
        });
        if runs && text.contains(' ') {
            let piece = self.piece.part(token.start(), token.end());
            shell::scan(sink, &piece, false);
            return;
        }
        if long || !text.contains("://") {
            return;
        }
        for (start, _) in text.match_indices("http").take(8) {
            let rest = text.get(start..).unwrap_or_default();
            let end = rest.find([' ', '"', '\'', ')', '>', '<', '\\', '`', ',']).unwrap_or(rest.len());
            if let Some(named) = rest.get(..end).and_then(|u| ids::url(u, false)) {
                let from = token.start() + start;
                sink.push(named, "url", "", (self.piece.at(from), self.piece.at(from + end - 1) + 1), None);
            }
        }
    }

    /// `["ollama", "pull", "llama3"]`: a command as a list of words.
    fn command_list(&self, sink: &mut Sink<'_>, bracket: usize) {
        let mut first = bracket + 1;
        while self.tok(first) == Some(Tok::Line) {
            first += 1;
        }
        let program = self.said(first);
        let known = [
            "vllm",
            "ollama",
            "hf",
            "huggingface-cli",
            "llama-server",
            "llama-cli",
            "python",
            "python3",
            "text-generation-launcher",
            "mlx_lm.server",
            "docker",
            "sglang",
        ];
        if !matches!(self.tok(first), Some(Tok::Text { .. }))
            || !(known.contains(&program) || program.starts_with("--"))
        {
            return;
        }
        let words: Vec<Word> = self
            .arguments(bracket)
            .iter()
            .filter(|a| a.name.is_empty())
            .map(|a| match (self.tok(a.from), a.to - a.from) {
                (Some(Tok::Text { .. }), 1) => Word { text: self.said(a.from).to_owned(), span: self.span(a.from) },
                _ => {
                    let end = self.tokens.get(a.to.saturating_sub(1)).map_or(0, |t| t.end());
                    let start = self.tokens.get(a.from).map_or(0, |t| t.start());
                    let said = self.text.get(start..end).unwrap_or_default();
                    Word {
                        text: format!("{{{said}}}"),
                        span: (self.piece.at(start), self.piece.at(end.saturating_sub(1)) + 1),
                    }
                }
            })
            .collect();
        let settled: Vec<Word> = words.iter().map(|w| self.settled(w)).collect();
        programs::command(sink, &settled, &mut Shell::default());
    }

    /// A word `{NAME}` of a list whose constant is known.
    fn settled(&self, word: &Word) -> Word {
        let name = word.text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
        let bound = name.and_then(|n| self.bindings.get(n)).and_then(|b| b.last());
        match bound.map(|b| (self.expression(b.from, b.end), b)) {
            Some((Said::Texts(texts, true), _)) => match texts.first() {
                Some(t) => Word { text: self.said(*t).to_owned(), span: self.span(*t) },
                None => word.clone(),
            },
            _ => word.clone(),
        }
    }
}

/// Functions that say, compare or cut a text.
fn is_said(name: &str) -> bool {
    matches!(
        name,
        "print"
            | "println"
            | "log"
            | "info"
            | "debug"
            | "warning"
            | "warn"
            | "error"
            | "startswith"
            | "endswith"
            | "startsWith"
            | "endsWith"
            | "replace"
            | "split"
            | "strip"
            | "get"
            | "pop"
            | "append"
            | "join"
            | "skip"
            | "assertEqual"
            | "assert_eq"
    )
}

fn hub_construct(name: &str) -> &'static str {
    match name {
        "snapshot_download" | "snapshotDownload" => "snapshot_download",
        "model_file_download" => "model_file_download",
        "hf_hub_download" | "cached_download" | "hf_hub_url" | "try_to_load_from_cache" => "hf_hub_download",
        _ => "model_info",
    }
}

/// Of several literals only what has the shape of an id is meant.
fn strict(slot: Slot) -> Slot {
    match slot {
        Slot::Loaded | Slot::Path => Slot::Named,
        Slot::Ollama => Slot::Named,
        other => other,
    }
}

/// What a literal names for a loader.
fn made(text: &str, makes: Makes, slot: Slot) -> Option<Named> {
    match makes {
        Makes::Plain => ids::classify(text, slot),
        Makes::Owner(owner) => {
            let named = ids::classify(text, slot)?;
            let bare = named.kind == ReferenceKind::Model && !named.id.contains('/') && !named.unresolved;
            Some(if bare { Named::new(ReferenceKind::Model, format!("{owner}/{}", named.id)) } else { named })
        }
        Makes::Whisper => programs::whisper(text).or_else(|| ids::classify(text, Slot::Path)),
        Makes::FasterWhisper => {
            let size = text.strip_prefix("distil-").unwrap_or(text);
            let known = programs::whisper(size).is_some();
            if known && size == text {
                let size = if text == "turbo" { "large-v3-turbo" } else { text };
                let owner = if size == "large-v3-turbo" { "mobiuslabsgmbh" } else { "Systran" };
                let size = if size == "large" { "large-v3" } else { size };
                return Some(Named::new(ReferenceKind::Model, format!("{owner}/faster-whisper-{size}")));
            }
            if known {
                return Some(Named::new(ReferenceKind::Model, format!("Systran/faster-distil-whisper-{size}")));
            }
            ids::classify(text, Slot::Path)
        }
        Makes::Spacy => {
            programs::spacy(text).or_else(|| ids::classify(text, Slot::Named).filter(|n| n.kind == ReferenceKind::File))
        }
        Makes::TorchHub => {
            let (repository, revision) = match text.split_once(':') {
                Some((r, v)) => (r, Some(v.to_owned())),
                None => (text, None),
            };
            ids::is_hub_id(repository).then(|| Named {
                revision,
                ..Named::new(ReferenceKind::File, format!("https://github.com/{repository}"))
            })
        }
        Makes::Weights => ids::is_weights(text, false).then(|| ids::classify(text, Slot::Path)).flatten(),
        Makes::Vendor => ids::classify(text, Slot::Named).filter(|n| n.kind == ReferenceKind::VendorApi),
        Makes::HubId => ids::classify(text, Slot::Named).filter(|n| n.kind == ReferenceKind::Model),
    }
}
