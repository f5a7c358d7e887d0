//! What a training configuration uses and makes: axolotl, LLaMA-Factory, TRL, Unsloth, mergekit, transformers.
//!
//! Read like everything here: keys, literals and calls with their places, no program run. What stands behind a variable
//! that the file does not settle is kept and marked.

use std::collections::BTreeMap;

use freehold_base::{Diagnostic, Evidence};

use crate::code::Style;
use crate::lex::{self, Tok, Token};
use crate::mask::clean;
use crate::piece::Piece;
use crate::tree::{self, Kind, Tree};

/// Longest configuration that is read, in bytes.
pub const TRAINING_BYTES_MAX: usize = 4 << 20;
/// Models and datasets that are kept.
const USED_MAX: usize = 2_000;
/// Tokens of one call that are looked at.
const CALL_TOKENS_MAX: usize = 4_096;
/// Longest name that is kept, in characters.
const NAME_CHARS_MAX: usize = 512;
/// Entries of a list that are looked at.
const ENTRIES_MAX: usize = 2_000;

/// Whose configuration it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trainer {
    /// axolotl.
    Axolotl,
    /// LLaMA-Factory.
    LlamaFactory,
    /// TRL.
    Trl,
    /// Unsloth.
    Unsloth,
    /// mergekit.
    Mergekit,
    /// transformers alone.
    Transformers,
    /// Freehold's own recipe.
    Recipe,
}

impl Trainer {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Trainer::Axolotl => "axolotl",
            Trainer::LlamaFactory => "LLaMA-Factory",
            Trainer::Trl => "TRL",
            Trainer::Unsloth => "Unsloth",
            Trainer::Mergekit => "mergekit",
            Trainer::Transformers => "transformers",
            Trainer::Recipe => "a recipe",
        }
    }
}

/// What becomes of the models that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// All of a model's weights are trained on.
    Finetune,
    /// An adapter is trained.
    Adapter,
    /// Models are merged.
    Merge,
}

/// What a model is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// What is trained or merged.
    Base,
    /// An adapter that is trained on, or merged in.
    Adapter,
    /// Its outputs are learned.
    Teacher,
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The id, path or expression.
    pub text: String,
    /// Branch, tag or commit.
    pub revision: Option<String>,
    /// True where the text is a variable or an expression that the file does not settle.
    pub unread: bool,
    /// Where it stands.
    pub evidence: Evidence,
}

/// A dataset that is trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Its name.
    pub named: Named,
    /// True for a name out of LLaMA-Factory's `dataset_info.json`.
    pub listed: bool,
    /// Its license, where the configuration states one.
    pub license: Option<String>,
    /// Models whose outputs it holds.
    pub generated_by: Vec<Named>,
    /// True where it is the organization's own.
    pub own: bool,
}

/// What a configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Training {
    /// Whose it is.
    pub trainer: Trainer,
    /// What becomes of the models.
    pub method: Method,
    /// What will come out, as it will be called; `None` where nothing says so.
    pub output: Option<Named>,
    /// The models, each with what it is used as.
    pub models: Vec<(Use, Named)>,
    /// The license of the first model, where the configuration states one.
    pub base_license: Option<String>,
    /// The datasets.
    pub datasets: Vec<Data>,
    /// Where a repository's own code is let run.
    pub remote_code: Option<Evidence>,
    /// Where LLaMA-Factory lists its datasets (`dataset_dir`).
    pub list_folder: Option<String>,
    /// True where a limit cut the reading short.
    pub truncated: bool,
}

impl Training {
    fn new(trainer: Trainer, method: Method) -> Training {
        Training {
            trainer,
            method,
            output: None,
            models: Vec::new(),
            base_license: None,
            datasets: Vec::new(),
            remote_code: None,
            list_folder: None,
            truncated: false,
        }
    }

    fn model(&mut self, used: Use, named: Named) {
        if self.models.len() >= USED_MAX {
            self.truncated = true;
        } else if !named.text.is_empty() && !self.models.iter().any(|(u, n)| *u == used && n.text == named.text) {
            self.models.push((used, named));
        }
    }

    fn dataset(&mut self, named: Named, listed: bool) {
        if self.datasets.len() >= USED_MAX {
            self.truncated = true;
        } else if !named.text.is_empty() && !self.datasets.iter().any(|d| d.named.text == named.text) {
            self.datasets.push(Data { named, listed, license: None, generated_by: Vec::new(), own: false });
        }
    }
}

/// Reads the configuration in `text`, the content of the file at `path`.
///
/// # Errors
/// It is none, or which tool's it is cannot be told: what was looked for.
#[expect(clippy::result_large_err, reason = "once a run")]
pub fn training(path: &str, text: &str) -> Result<Training, Diagnostic> {
    let none = |what: String| Diagnostic::error("no-training-config", what).in_file(path).help(LOOKED_FOR);
    if text.len() > TRAINING_BYTES_MAX {
        let message = format!("a file of {} bytes; the limit is {TRAINING_BYTES_MAX}", text.len());
        return Err(Diagnostic::error("file-too-large", message).in_file(path));
    }
    let ending = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let found = match ending.as_str() {
        "py" => program(path, text, &Piece::whole(text)),
        "ipynb" => program(path, text, &crate::notebook::program(&Piece::whole(text))),
        "json" => keys(path, &tree::json(text)),
        _ => keys(path, &tree::yaml(text)),
    };
    let found = found.ok_or_else(|| none("no configuration of a training or a merge that is known here".into()))?;
    if found.models.is_empty() {
        let of = found.trainer.name();
        return Err(none(format!("{of} is used here, and no model is named that it would train or merge")));
    }
    Ok(found)
}

const LOOKED_FOR: &str = "looked for base_model (axolotl), model_name_or_path (LLaMA-Factory, TRL), merge_method, slices or experts (mergekit), \
from_pretrained or a trainer's model (Unsloth, TRL, transformers: .py, .ipynb), and [base] (a recipe: .toml)";

/// Where byte `at` of the file stands.
fn place(path: &str, text: &str, key: String, span: (usize, usize)) -> Evidence {
    let before = text.get(..span.0).unwrap_or_default();
    let line = u32::try_from(before.bytes().filter(|b| *b == b'\n').count() + 1).ok();
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Evidence { file: path.to_string(), key, bytes: Some((wide(span.0), wide(span.1))), line }
}

/// True for what a template or the environment fills in.
fn is_variable(text: &str) -> bool {
    text.contains("${") || text.contains("{{") || text.starts_with("!ENV") || text.starts_with('$')
}

struct Keys<'t> {
    path: &'t str,
    tree: &'t Tree<'t>,
}

impl Keys<'_> {
    fn top(&self, key: &str) -> Option<usize> {
        // the root holds documents
        let documents = self.tree.children(0, ENTRIES_MAX);
        documents.flat_map(|d| self.tree.children(d, ENTRIES_MAX)).find(|c| self.tree.key(*c) == key)
    }

    fn named(&self, id: usize) -> Option<Named> {
        let node = self.tree.node(id).filter(|n| n.kind == Kind::Scalar)?;
        let raw = self.tree.slice(node.value).trim();
        let empty = node.quote == 0 && matches!(raw, "null" | "~" | "None" | "");
        (!empty).then(|| Named {
            text: clean(raw, NAME_CHARS_MAX),
            revision: None,
            unread: is_variable(raw),
            evidence: place(self.path, self.tree.text, self.tree.path(id), node.value),
        })
    }

    fn text(&self, key: &str) -> Option<Named> {
        self.named(self.top(key)?)
    }

    fn is_true(&self, key: &str) -> Option<Evidence> {
        let named = self.text(key)?;
        matches!(named.text.to_ascii_lowercase().as_str(), "true" | "yes" | "on").then_some(named.evidence)
    }

    /// Each entry of a list, or the one value.
    fn each(&self, id: usize) -> Vec<usize> {
        match self.tree.node(id).map(|n| n.kind) {
            Some(Kind::Seq) => self.tree.children(id, ENTRIES_MAX).collect(),
            Some(_) => vec![id],
            None => vec![],
        }
    }
}

fn keys(path: &str, tree: &Tree<'_>) -> Option<Training> {
    let k = Keys { path, tree };
    let has = |key: &str| k.top(key).is_some();
    let any = |all: &[&str]| all.iter().any(|key| has(key));
    let mut found = match () {
        () if any(&["merge_method"]) || (has("slices") && !has("datasets")) || has("experts") => merge(&k),
        () if has("base_model") => axolotl(&k),
        () if has("model_name_or_path") => {
            let factory = any(&["stage", "finetuning_type", "template", "dataset_dir", "cutoff_len", "do_train"])
                || (has("export_dir") && has("adapter_name_or_path"));
            if factory { llama_factory(&k) } else { trl(&k) }
        }
        () => return None,
    };
    found.truncated |= tree.cut;
    Some(found)
}

fn axolotl(k: &Keys<'_>) -> Training {
    let adapter = k.text("adapter").is_some_and(|n| !n.text.is_empty());
    let mut t = Training::new(Trainer::Axolotl, if adapter { Method::Adapter } else { Method::Finetune });
    if let Some(mut base) = k.text("base_model") {
        base.revision = k.text("revision_of_model").map(|n| n.text);
        t.model(Use::Base, base);
    }
    if let Some(lora) = k.text("lora_model_dir") {
        t.model(Use::Adapter, lora);
    }
    for key in ["kd_teacher", "teacher_model"] {
        if let Some(teacher) = k.text(key) {
            t.model(Use::Teacher, teacher);
        }
    }
    for key in ["datasets", "pretraining_dataset"] {
        for entry in k.top(key).into_iter().flat_map(|id| k.each(id)) {
            match k.tree.child(entry, "path") {
                Some(path) => dataset_of(k, entry, path, &mut t),
                None => k.named(entry).into_iter().for_each(|n| t.dataset(n, false)),
            }
        }
    }
    t.output = k.text("hub_model_id").or_else(|| k.text("output_dir"));
    t.remote_code = k.is_true("trust_remote_code");
    t
}

/// `path: json` with `data_files` are files; `path` else.
fn dataset_of(k: &Keys<'_>, entry: usize, path: usize, t: &mut Training) {
    let Some(named) = k.named(path) else { return };
    let format = matches!(named.text.as_str(), "json" | "csv" | "parquet" | "text" | "arrow");
    let files = k.tree.child(entry, "data_files").filter(|_| format);
    match files {
        Some(files) => k.each(files).into_iter().filter_map(|f| k.named(f)).for_each(|n| t.dataset(n, false)),
        None => t.dataset(named, false),
    }
}

fn llama_factory(k: &Keys<'_>) -> Training {
    let full = k.text("finetuning_type").is_some_and(|n| matches!(n.text.as_str(), "full" | "freeze"));
    let exports = k.text("export_dir").is_some() && k.text("dataset").is_none();
    let method = match (full, exports) {
        (_, true) => Method::Merge,
        (true, _) => Method::Finetune,
        _ => Method::Adapter,
    };
    let mut t = Training::new(Trainer::LlamaFactory, method);
    if let Some(mut base) = k.text("model_name_or_path") {
        base.revision = k.text("model_revision").map(|n| n.text);
        t.model(Use::Base, base);
    }
    for (key, used) in [("adapter_name_or_path", Use::Adapter), ("teacher_model_name_or_path", Use::Teacher)] {
        k.text(key).iter().flat_map(split).for_each(|n| t.model(used, n));
    }
    for entry in ["dataset", "eval_dataset"].into_iter().take(1).filter_map(|key| k.top(key)).flat_map(|id| k.each(id))
    {
        k.named(entry).iter().flat_map(split).for_each(|n| t.dataset(n, true));
    }
    t.list_folder = Some(k.text("dataset_dir").map_or_else(|| "data".into(), |n| n.text));
    t.output = k.text("export_hub_model_id").or_else(|| k.text("hub_model_id"));
    t.output = t.output.or_else(|| k.text("export_dir")).or_else(|| k.text("output_dir"));
    t.remote_code = k.is_true("trust_remote_code");
    t
}

/// Names parted by commas.
fn split(all: &Named) -> Vec<Named> {
    let each = all.text.split(',').map(str::trim).filter(|t| !t.is_empty());
    each.map(|text| Named { text: text.to_string(), ..all.clone() }).collect()
}

fn trl(k: &Keys<'_>) -> Training {
    let adapter = k.is_true("use_peft").is_some() || ["lora_r", "lora_alpha"].iter().any(|key| k.top(key).is_some());
    let mut t = Training::new(Trainer::Trl, if adapter { Method::Adapter } else { Method::Finetune });
    if let Some(mut base) = k.text("model_name_or_path") {
        base.revision = k.text("model_revision").map(|n| n.text);
        t.model(Use::Base, base);
    }
    for key in ["teacher_model_name_or_path", "teacher_model"] {
        if let Some(teacher) = k.text(key) {
            t.model(Use::Teacher, teacher);
        }
    }
    if let Some(data) = k.text("dataset_name") {
        t.dataset(data, false);
    }
    for entry in k.top("datasets").into_iter().flat_map(|id| k.each(id)) {
        match k.tree.child(entry, "path") {
            Some(path) => dataset_of(k, entry, path, &mut t),
            None => k.named(entry).into_iter().for_each(|n| t.dataset(n, false)),
        }
    }
    t.output = k.text("hub_model_id").or_else(|| k.text("output_dir"));
    t.remote_code = k.is_true("trust_remote_code");
    t
}

fn merge(k: &Keys<'_>) -> Training {
    let mut t = Training::new(Trainer::Mergekit, Method::Merge);
    for (id, node) in k.tree.nodes.iter().enumerate() {
        if node.kind == Kind::Scalar && matches!(k.tree.key(id), "model" | "base_model" | "source_model") {
            let Some(named) = k.named(id) else { continue };
            // `model+lora`: both
            let mut parts = named.text.split('+');
            let reference = |text: &str| {
                let (text, revision) = text.split_once('@').map_or((text, None), |(t, r)| (t, Some(r.to_string())));
                Named { text: text.trim().to_string(), revision, ..named.clone() }
            };
            t.model(Use::Base, reference(parts.next().unwrap_or_default()));
            parts.for_each(|lora| t.model(Use::Adapter, reference(lora)));
        }
    }
    // mergekit writes where its command says; a document may carry a name
    t.output = k.text("name").or_else(|| k.text("out_path"));
    t
}

/// The datasets that LLaMA-Factory's `dataset_info.json` lists under these names: where each is, or `None`.
pub fn listed(info: &str, name: &str) -> Option<String> {
    let tree = tree::json(info);
    let root = tree.children(0, 1).next()?;
    let entry = tree.children(root, ENTRIES_MAX * 10).find(|c| tree.key(*c) == name)?;
    let keys = ["hf_hub_url", "ms_hub_url", "om_hub_url", "cloud_file_name", "file_name", "script_url"];
    keys.iter().find_map(|key| tree.scalar(entry, key)).map(str::to_string)
}

/// What a call is given.
struct Argument {
    /// Its keyword; empty for one without.
    keyword: String,
    /// Index among those without a keyword.
    index: usize,
    named: Option<Named>,
    /// Texts in a list or a table.
    texts: Vec<Named>,
    is_true: bool,
}

struct Program<'p> {
    path: &'p str,
    file: &'p str,
    piece: &'p Piece<'p>,
    tokens: Vec<Token>,
    /// What names were given as plain texts; `None` where more than once.
    names: BTreeMap<String, Option<Named>>,
}

impl Program<'_> {
    fn word(&self, i: usize) -> &str {
        self.tokens.get(i).and_then(|t| self.piece.text.get(t.start()..t.end())).unwrap_or_default()
    }

    fn is(&self, i: usize, mark: u8) -> bool {
        self.tokens.get(i).is_some_and(|t| t.tok == Tok::Mark(mark))
    }

    fn at(&self, i: usize, key: &str) -> Evidence {
        let span = self.tokens.get(i).map_or((0, 0), |t| (t.start(), t.end()));
        place(self.path, self.file, key.into(), (self.piece.at(span.0), self.piece.at(span.1)))
    }

    /// The value that begins at token `i` and ends before `end`.
    fn value(&self, i: usize, end: usize, key: &str) -> Option<Named> {
        let token = self.tokens.get(i)?;
        let one = end == i + 1;
        match token.tok {
            Tok::Text { computed, .. } => Some(Named {
                text: clean(self.word(i), NAME_CHARS_MAX),
                revision: None,
                unread: computed || !one,
                evidence: self.at(i, key),
            }),
            Tok::Name if one && matches!(self.word(i), "None" | "True" | "False") => None,
            Tok::Name if one && self.word(i).starts_with(|c: char| c.is_ascii_digit()) => None,
            Tok::Name if one => match self.names.get(self.word(i)) {
                Some(Some(known)) => {
                    Some(Named { evidence: Evidence { key: key.into(), ..known.evidence.clone() }, ..known.clone() })
                }
                _ => Some(Named { text: self.word(i).into(), revision: None, unread: true, evidence: self.at(i, key) }),
            },
            Tok::Name => {
                let from = token.start();
                let to = self.tokens.get(end - 1).map_or(from, Token::end);
                let text: String = self.piece.text.get(from..to).unwrap_or_default().chars().take(80).collect();
                Some(Named { text, revision: None, unread: true, evidence: self.at(i, key) })
            }
            _ => None,
        }
    }

    /// The arguments of the call whose bracket opens at token `open`.
    fn arguments(&self, open: usize) -> Vec<Argument> {
        let mut out = Vec::new();
        let (mut depth, mut start, mut index) = (0usize, open + 1, 0);
        for i in open..self.tokens.len().min(open + CALL_TOKENS_MAX) {
            let Some(Tok::Mark(mark)) = self.tokens.get(i).map(|t| t.tok) else { continue };
            let closes = matches!(mark, b')' | b']' | b'}');
            if matches!(mark, b'(' | b'[' | b'{') {
                depth += 1;
            } else if closes {
                depth = depth.saturating_sub(1);
            }
            if (closes && depth == 0) || (mark == b',' && depth == 1) {
                if let Some(argument) = self.argument(start, i, &mut index) {
                    out.push(argument);
                }
                start = i + 1;
            }
            if closes && depth == 0 {
                break;
            }
        }
        out
    }

    fn argument(&self, start: usize, end: usize, index: &mut usize) -> Option<Argument> {
        let solid = |i: &usize| self.tokens.get(*i).is_some_and(|t| t.tok != Tok::Line);
        let first = (start..end).find(solid)?;
        let second = (first + 1..end).find(solid);
        let keyed = second.filter(|i| self.is(*i, b'=') && !self.is(*i + 1, b'='));
        let keyword = keyed.map_or(String::new(), |_| self.word(first).to_string());
        let from = keyed.map_or(Some(first), |e| (e + 1..end).find(solid))?;
        let last = (from..end).rev().find(solid)?;
        let here = *index;
        if keyword.is_empty() {
            *index += 1;
        }
        let named = self.value(from, last + 1, if keyword.is_empty() { "argument" } else { &keyword });
        let group = self.is(from, b'[') || self.is(from, b'{');
        let text = |i: &usize| matches!(self.tokens.get(*i).map(|t| t.tok), Some(Tok::Text { .. }));
        // of a table only values: what a colon follows is a key
        let texts = (from..end).filter(|i| group && text(i) && !self.is(*i + 1, b':'));
        let texts = texts.filter_map(|i| self.value(i, i + 1, &keyword)).collect();
        Some(Argument { keyword, index: here, named, texts, is_true: self.word(from) == "True" && last == from })
    }
}

fn argument<'a>(all: &'a [Argument], index: usize, keywords: &[&str]) -> Option<&'a Argument> {
    let by_name = all.iter().find(|a| keywords.contains(&a.keyword.as_str()));
    by_name.or_else(|| all.iter().find(|a| a.keyword.is_empty() && a.index == index))
}

fn program(path: &str, file: &str, piece: &Piece<'_>) -> Option<Training> {
    let tokens = lex::tokens(&piece.text, Style::Python);
    let mut p = Program { path, file, piece, tokens, names: BTreeMap::new() };
    let imports =
        |module: &str| (0..p.tokens.len()).any(|i| matches!(p.word(i), "import" | "from") && p.word(i + 1) == module);
    let trainer = match () {
        () if imports("unsloth") => Trainer::Unsloth,
        () if imports("trl") => Trainer::Trl,
        () if imports("transformers") || imports("peft") => Trainer::Transformers,
        () => return None,
    };
    for i in 0..p.tokens.len() {
        if p.is(i + 1, b'=') && !p.is(i + 2, b'=') && p.tokens.get(i).is_some_and(|t| t.tok == Tok::Name) {
            let line_ends = p.tokens.get(i + 3).is_none_or(|t| t.tok == Tok::Line);
            let plain = matches!(p.tokens.get(i + 2).map(|t| t.tok), Some(Tok::Text { computed: false, long: false }));
            let starts = i == 0 || p.tokens.get(i - 1).is_some_and(|t| t.tok == Tok::Line);
            if starts {
                let value = if plain && line_ends { p.value(i + 2, i + 3, "") } else { None };
                let name = p.word(i).to_string();
                let again = p
                    .names
                    .get(&name)
                    .is_some_and(|old| old.as_ref().map(|o| &o.text) != value.as_ref().map(|v| &v.text));
                p.names.insert(name, if again { None } else { value });
            }
        }
    }
    // a program that only loads a model trains none
    let trains = |i: usize| {
        let word = p.word(i);
        p.is(i + 1, b'(')
            && (word.ends_with("Trainer") || matches!(word, "get_peft_model" | "LoraConfig" | "TrainingArguments"))
    };
    if !(0..p.tokens.len()).any(trains) {
        return None;
    }
    let mut t = Training::new(trainer, Method::Finetune);
    let mut aside = Aside::default();
    for i in 0..p.tokens.len() {
        if !p.is(i + 1, b'(') || p.tokens.get(i).is_none_or(|t| t.tok != Tok::Name) {
            continue;
        }
        // notebooks keep what is not done in lines that begin with `if False:`
        let start = (0..i)
            .rev()
            .take(CALL_TOKENS_MAX)
            .find(|j| p.tokens.get(*j).is_some_and(|t| t.tok == Tok::Line))
            .map_or(0, |j| j + 1);
        if p.word(start) == "if" && p.word(start + 1) == "False" {
            continue;
        }
        let receiver = if i >= 2 && p.is(i - 1, b'.') { p.word(i - 2) } else { "" };
        call((receiver, p.word(i)), &p.arguments(i + 1), &mut t, &mut aside);
    }
    t.output = t.output.or(aside.saved);
    if let Some(n) = aside.model.filter(|_| t.models.is_empty()) {
        t.model(Use::Base, n);
    }
    Some(t)
}

/// What counts where nothing else is named.
#[derive(Default)]
struct Aside {
    /// A folder that something is saved to.
    saved: Option<Named>,
    /// What a trainer is given, where that is a variable.
    model: Option<Named>,
}

/// What one call uses or makes.
fn call((receiver, name): (&str, &str), all: &[Argument], t: &mut Training, aside: &mut Aside) {
    let named = |index: usize, keywords: &[&str]| argument(all, index, keywords).and_then(|a| a.named.clone());
    let keyed = |keyword: &str| all.iter().find(|a| a.keyword == keyword);
    if t.remote_code.is_none() && keyed("trust_remote_code").is_some_and(|a| a.is_true) {
        let of = ["Tokenizer", "Processor"].iter().any(|w| receiver.contains(w));
        let at = all.iter().find_map(|a| a.named.as_ref()).map(|n| n.evidence.clone());
        t.remote_code = at.filter(|_| !of);
    }
    match name {
        "from_pretrained" => {
            if ["Tokenizer", "Processor", "Config", "FeatureExtractor"].iter().any(|w| receiver.contains(w)) {
                return;
            }
            if receiver == "PeftModel" || receiver.starts_with("PeftModel") {
                if let Some(n) = named(1, &["model_id"]) {
                    t.model(Use::Adapter, n);
                }
                return;
            }
            let used = if receiver.starts_with("AutoPeftModel") { Use::Adapter } else { Use::Base };
            let found = named(0, &["model_name", "pretrained_model_name_or_path", "model_id"]);
            if let Some(mut n) = found {
                n.revision = keyed("revision").and_then(|a| a.named.as_ref()).map(|r| r.text.clone());
                t.model(used, n);
            }
        }
        "get_peft_model" | "LoraConfig" => t.method = Method::Adapter,
        "load_dataset" => {
            let Some(path) = named(0, &["path"]) else { return };
            let format = matches!(path.text.as_str(), "json" | "csv" | "parquet" | "text" | "arrow");
            let files = keyed("data_files").filter(|_| format);
            match files {
                Some(a) if !a.texts.is_empty() => a.texts.iter().for_each(|n| t.dataset(n.clone(), false)),
                Some(a) => a.named.iter().for_each(|n| t.dataset(n.clone(), false)),
                None => t.dataset(path, false),
            }
        }
        "push_to_hub" | "push_to_hub_merged" | "push_to_hub_gguf" => {
            let to = named(0, &["repo_id"]);
            t.output = t.output.take().or(to);
        }
        "save_pretrained" | "save_pretrained_merged" | "save_pretrained_gguf" | "save_model" => {
            let to = named(0, &["save_directory", "output_dir"]);
            aside.saved = aside.saved.take().or(to);
        }
        _ if name.ends_with("Trainer") || name.ends_with("Config") || name == "TrainingArguments" => {
            // a variable here is nearly always the model itself, whose loading names it
            if name.ends_with("Trainer") {
                match argument(all, 0, &["model"]).and_then(|a| a.named.clone()) {
                    Some(n) if n.unread => aside.model = aside.model.take().or(Some(n)),
                    Some(n) => t.model(Use::Base, n),
                    None => {}
                }
                if let Some(n) = keyed("teacher_model").and_then(|a| a.named.clone()).filter(|n| !n.unread) {
                    t.model(Use::Teacher, n);
                }
            }
            if let Some(n) = keyed("teacher_model_name_or_path").and_then(|a| a.named.clone()) {
                t.model(Use::Teacher, n);
            }
            let to = keyed("hub_model_id").and_then(|a| a.named.clone());
            t.output = t.output.take().or(to);
            let folder = keyed("output_dir").and_then(|a| a.named.clone());
            aside.saved = aside.saved.take().or(folder);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(t: &Training) -> String {
        let models: Vec<String> =
            t.models.iter().map(|(u, n)| format!("{u:?} {}:{}", n.text, n.evidence.line.unwrap_or(0))).collect();
        let data: Vec<&str> = t.datasets.iter().map(|d| d.named.text.as_str()).collect();
        let out = t.output.as_ref().map_or("-", |o| o.text.as_str());
        format!("{} {:?}; {}; {}; {out}", t.trainer.name(), t.method, models.join(", "), data.join(", "))
    }

    fn read(path: &str, text: &str) -> String {
        training(path, text).map_or_else(|d| format!("{}: {}", d.code, d.message), |t| short(&t))
    }

    #[test]
    fn each_tools_own_keys() {
        let axolotl = "base_model: acme/base-7b\nadapter: qlora\ndatasets:\n  - path: acme/chats # ours\n    type: chat_template\n  - path: json\n    data_files: [a.jsonl, b.jsonl]\nhub_model_id: acme/out\n";
        assert_eq!(
            read("a.yml", axolotl),
            "axolotl Adapter; Base acme/base-7b:1; acme/chats, a.jsonl, b.jsonl; acme/out"
        );
        let factory = "model_name_or_path: acme/base-7b\nstage: sft\nfinetuning_type: full\ndataset: identity,alpaca_en\noutput_dir: saves/x\n";
        assert_eq!(
            read("f.yaml", factory),
            "LLaMA-Factory Finetune; Base acme/base-7b:1; identity, alpaca_en; saves/x"
        );
        let trl = "model_name_or_path: acme/base-7b\nuse_peft: true\ndataset_name: trl-lib/Capybara\noutput_dir: out\n";
        assert_eq!(read("t.yaml", trl), "TRL Adapter; Base acme/base-7b:1; trl-lib/Capybara; out");
        let merge = "slices:\n  - sources:\n      - model: acme/a+acme/lora\n        layer_range: [0, 8]\n      - model: acme/b@main\nmerge_method: slerp\nbase_model: acme/a\n";
        assert_eq!(read("m.yml", merge), "mergekit Merge; Base acme/a:3, Adapter acme/lora:3, Base acme/b:5; ; -");
    }

    #[test]
    fn programs_and_notebooks() {
        let unsloth = "from unsloth import FastLanguageModel\nNAME = \"unsloth/Llama-3.2-1B\"\nmodel, tokenizer = FastLanguageModel.from_pretrained(\n    model_name = NAME,\n    load_in_4bit = True,\n)\nmodel = FastLanguageModel.get_peft_model(model, r = 16)\ndata = load_dataset(\"json\", data_files={\"train\": \"x.jsonl\"})\nother = load_dataset(os.environ[\"DATA\"])\nif False: model.push_to_hub(\"hf/model\")\ntrainer = SFTTrainer(model = model)\nmodel.push_to_hub_gguf(\"acme/bot\", tokenizer)\n";
        let wanted = "Unsloth Adapter; Base unsloth/Llama-3.2-1B:2; x.jsonl, os.environ[\"DATA\"]; acme/bot";
        assert_eq!(read("u.py", unsloth), wanted);
        let t = training("u.py", unsloth).expect("a configuration");
        assert!(t.datasets[1].named.unread && !t.datasets[0].named.unread);
        let trl = "from trl import SFTTrainer\ntrainer = SFTTrainer(model=\"acme/base\", args=SFTConfig(output_dir=\"o\"), train_dataset=load_dataset(\"acme/d\"))\n";
        assert_eq!(read("t.py", trl), "TRL Finetune; Base acme/base:2; acme/d; o");
        let cell = |s: &str| format!("{{\"cell_type\": \"code\", \"source\": [{}]}}", serde_like(s));
        let book = format!("{{\"cells\": [{}]}}", cell(unsloth));
        assert!(read("n.ipynb", &book).starts_with("Unsloth Adapter; Base unsloth/Llama-3.2-1B"));
    }

    fn serde_like(text: &str) -> String {
        let line = |l: &str| format!("\"{}\\n\"", l.replace('\\', "\\\\").replace('"', "\\\""));
        text.lines().map(line).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_none_is_refused() {
        assert!(read("c.yaml", "services:\n  web:\n    image: x\n").starts_with("no-training-config"));
        assert!(read("x.py", "import os\n").starts_with("no-training-config"));
        assert!(
            read("x.py", "from trl import SFTTrainer\nt = SFTTrainer(train_dataset=d)\n").contains("no model is named")
        );
        let variable = training("a.yml", "base_model: ${BASE}\nadapter: lora\n").expect("a configuration");
        assert!(variable.models[0].1.unread);
    }

    #[test]
    fn lists_of_datasets_are_looked_up() {
        let info = r#"{"alpaca_en": {"hf_hub_url": "llamafactory/alpaca_en", "ms_hub_url": "x"}, "own": {"file_name": "own.json"}}"#;
        assert_eq!(listed(info, "alpaca_en").as_deref(), Some("llamafactory/alpaca_en"));
        assert_eq!(listed(info, "own").as_deref(), Some("own.json"));
        assert_eq!(listed(info, "absent"), None);
    }
}
