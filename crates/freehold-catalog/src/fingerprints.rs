//! `fingerprints.toml`: what of a header tells one base model from another, and how a header compares with it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::document::{Node, NodeValue, Sink, Table, unknown_word};

/// The numbers of an architecture, as a header or a config states them; `None` = not stated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Blocks.
    pub layers: Option<u64>,
    /// Width of the embedding.
    pub hidden: Option<u64>,
    /// Attention heads.
    pub heads: Option<u64>,
    /// Heads of keys and values.
    pub kv_heads: Option<u64>,
    /// Width of the feed-forward layer.
    pub feed_forward: Option<u64>,
    /// Words of the vocabulary; padding and added tokens make it differ a little.
    pub vocabulary: Option<u64>,
    /// Base of the rotary position embedding.
    pub rope_base: Option<u64>,
    /// Positions that the model was made for.
    pub context: Option<u64>,
    /// Width of one head.
    pub head_size: Option<u64>,
    /// Width of all queries: what shapes of tensors tell where no header states heads.
    pub queries: Option<u64>,
    /// Width of all keys.
    pub keys: Option<u64>,
    /// Width of queries, keys and values in one matrix.
    pub attention: Option<u64>,
}

/// How a rotary embedding is stretched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// The type as configs write it; `none` = it is not stretched; empty = not stated.
    pub kind: String,
    /// By how much.
    pub factor: Option<f64>,
    /// Positions before it.
    pub original_context: Option<u64>,
    /// The tensor by which GGUF files carry it instead.
    pub tensor: Option<String>,
}

/// A tokenizer that base models share. Empty lists = not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenizerPrint {
    /// Its name in rows.
    pub id: String,
    /// Kinds (`tokenizer.ggml.model`).
    pub models: Vec<String>,
    /// Pre-tokenizers (`tokenizer.ggml.pre`), those of known derivatives too.
    pub pre: Vec<String>,
    /// Tokens that begin a text.
    pub begin: Vec<String>,
    /// Tokens that end a text or a turn.
    pub end: Vec<String>,
    /// Their numbers.
    pub begin_ids: Vec<u64>,
    /// Their numbers.
    pub end_ids: Vec<u64>,
}

/// A make of chat template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplatePrint {
    /// Its name in rows.
    pub id: String,
    /// Marker tokens that it names, all of them.
    pub markers: Vec<String>,
    /// Marker tokens that it does not name.
    pub without: Vec<String>,
    /// Hashes of published ones.
    pub hashes: Vec<String>,
}

/// Known base models that share all that is known of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Their repository ids.
    pub models: Vec<String>,
    /// What they share.
    pub numbers: Numbers,
    /// Names of the architecture, as headers and configs spell it; empty = not known.
    pub architectures: Vec<String>,
    /// The stretching of the rotary embedding; `None` = not known.
    pub scaling: Option<Scaling>,
    /// Index into [`Fingerprints::tokenizers`].
    pub tokenizer: Option<usize>,
    /// Index into [`Fingerprints::templates`].
    pub template: Option<usize>,
}

/// All that `fingerprints.toml` holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// Rows of base models.
    pub rows: Vec<Fingerprint>,
    /// Tokenizers.
    pub tokenizers: Vec<TokenizerPrint>,
    /// Makes of chat templates.
    pub templates: Vec<TemplatePrint>,
}

/// A chat template as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundTemplate {
    /// Its hash.
    pub hash: String,
    /// The marker tokens that it names.
    pub markers: Vec<String>,
}

/// What a model's header and configs state. Empty and `None` = not stated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// The numbers.
    pub numbers: Numbers,
    /// Names of its architecture.
    pub architectures: Vec<String>,
    /// Kinds of stretching, or tensors that hold it.
    pub scaling: Vec<String>,
    /// By how much.
    pub factor: Option<f64>,
    /// Positions before it.
    pub original_context: Option<u64>,
    /// Kind of tokenizer.
    pub tokenizer: Option<String>,
    /// Pre-tokenizer.
    pub pre: Option<String>,
    /// Tokens that begin a text.
    pub begin: Vec<String>,
    /// Tokens that end a text or a turn.
    pub end: Vec<String>,
    /// Their numbers.
    pub begin_ids: Vec<u64>,
    /// Their numbers.
    pub end_ids: Vec<u64>,
    /// Chat templates.
    pub templates: Vec<FoundTemplate>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Name of the architecture.
    Architecture,
    /// Blocks.
    Layers,
    /// Width.
    Hidden,
    /// Attention heads, or the width of all queries.
    Heads,
    /// Heads of keys and values, or the width of all keys.
    KvHeads,
    /// Width of the feed-forward layer.
    FeedForward,
    /// Words of the vocabulary.
    Vocabulary,
    /// Base of the rotary embedding.
    RopeBase,
    /// Its stretching.
    RopeScaling,
    /// Kind of tokenizer and pre-tokenizer.
    Tokenizer,
    /// Token that begins a text.
    BeginToken,
    /// Tokens that end a text or a turn.
    EndToken,
    /// Chat template.
    Template,
}

/// How two sides of a sign stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Agrees,
    Differs,
    Unknown,
}

/// A row beside a header: nothing in it rules the row out.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison<'f> {
    /// The row.
    pub row: &'f Fingerprint,
    /// What both state alike.
    pub agrees: Vec<Sign>,
    /// What a fine-tune may have changed, and was: at most one of them is more than a change of manners
    /// ([`Sign::is_manners`]).
    pub differs: Vec<Sign>,
    /// What one side does not state.
    pub unknown: Vec<Sign>,
    /// True where the chat template is a published one, unchanged.
    pub published_template: bool,
}

impl Sign {
    /// True for what nearly every fine-tune sets anew: its difference speaks against nothing.
    pub fn is_manners(self) -> bool {
        matches!(self, Sign::EndToken | Sign::Template)
    }
}

impl Comparison<'_> {
    /// True where something differs that fine-tunes rarely touch.
    pub fn is_doubtful(&self) -> bool {
        self.differs.iter().any(|s| !s.is_manners())
    }
}

/// Vocabularies that differ by no more are the same: embeddings are padded, and fine-tunes add a few tokens.
const VOCABULARY_SLACK: u64 = 1024;
/// Differences of what fine-tunes rarely touch that rule a row out.
const DOUBTS_MAX: usize = 1;

impl Numbers {
    /// Width of all queries, stated or from heads.
    fn all_queries(&self) -> Option<u64> {
        self.queries.or_else(|| self.heads?.checked_mul(self.head_size?))
    }

    /// Width of all keys, stated or from heads.
    fn all_keys(&self) -> Option<u64> {
        self.keys.or_else(|| self.kv_heads?.checked_mul(self.head_size?))
    }

    /// Width of queries, keys and values together, stated or from their own.
    fn all_attention(&self) -> Option<u64> {
        let parts = || self.all_queries()?.checked_add(self.all_keys()?.checked_mul(2)?);
        self.attention.or_else(parts)
    }

    /// Each number and how it stands to the other side's.
    fn outcomes(&self, other: &Numbers) -> [(Sign, Outcome); 7] {
        let vocabulary = match (self.vocabulary, other.vocabulary) {
            (Some(a), Some(b)) if a.abs_diff(b) <= VOCABULARY_SLACK => Outcome::Agrees,
            (Some(_), Some(_)) => Outcome::Differs,
            _ => Outcome::Unknown,
        };
        // where one side has no heads the widths of the matrices are what can be compared
        let known = |all: &[Outcome]| all.iter().copied().find(|o| *o != Outcome::Unknown).unwrap_or(Outcome::Unknown);
        let attention = same(self.all_attention(), other.all_attention());
        let queries = same(self.all_queries(), other.all_queries());
        let heads = known(&[same(self.heads, other.heads), queries, attention]);
        let keys = same(self.all_keys(), other.all_keys());
        let kv_heads = known(&[same(self.kv_heads, other.kv_heads), keys, attention]);
        [
            (Sign::Layers, same(self.layers, other.layers)),
            (Sign::Hidden, same(self.hidden, other.hidden)),
            (Sign::Heads, heads),
            (Sign::KvHeads, kv_heads),
            (Sign::FeedForward, same(self.feed_forward, other.feed_forward)),
            (Sign::Vocabulary, vocabulary),
            (Sign::RopeBase, same(self.rope_base, other.rope_base)),
        ]
    }

    /// How many numbers of the two are stated on both sides and agree; `None` where one differs, or too few are stated to
    /// tell anything: layers, width and heads must be, and two of the others besides the rotary base.
    pub fn agreement(&self, other: &Numbers) -> Option<usize> {
        // most rows differ here
        if [same(self.layers, other.layers), same(self.hidden, other.hidden)] != [Outcome::Agrees; 2] {
            return None;
        }
        let outcomes = self.outcomes(other);
        if outcomes.iter().any(|(_, o)| *o == Outcome::Differs) {
            return None;
        }
        let agree: Vec<Sign> = outcomes.iter().filter(|(_, o)| *o == Outcome::Agrees).map(|(s, _)| *s).collect();
        let count = |signs: &[Sign]| agree.iter().filter(|s| signs.contains(s)).count();
        let core = count(&[Sign::Layers, Sign::Hidden, Sign::Heads]);
        let rest = count(&[Sign::KvHeads, Sign::FeedForward, Sign::Vocabulary]);
        (core == 3 && rest >= 2).then_some(agree.len())
    }
}

fn same(a: Option<u64>, b: Option<u64>) -> Outcome {
    match (a, b) {
        (Some(a), Some(b)) if a == b => Outcome::Agrees,
        (Some(_), Some(_)) => Outcome::Differs,
        _ => Outcome::Unknown,
    }
}

/// Whether any of what was found is among what is known; either may be silent.
fn among<T: PartialEq>(found: &[T], known: &[T]) -> Outcome {
    if found.is_empty() || known.is_empty() {
        Outcome::Unknown
    } else if found.iter().any(|f| known.contains(f)) {
        Outcome::Agrees
    } else {
        Outcome::Differs
    }
}

impl Scaling {
    fn outcome(&self, header: &Header) -> Outcome {
        if self.tensor.as_ref().is_some_and(|t| header.scaling.contains(t)) {
            return Outcome::Agrees;
        }
        // a tensor says that it is stretched, not how
        let kinds: Vec<&String> = header.scaling.iter().filter(|s| !s.ends_with(".weight")).collect();
        if kinds.is_empty() {
            return Outcome::Unknown;
        }
        let kind = if self.kind.is_empty() { Outcome::Unknown } else { among(&kinds, &[&self.kind]) };
        let factor = match (self.factor, header.factor) {
            (Some(a), Some(b)) if (a - b).abs() < 1e-3 => Outcome::Agrees,
            (Some(_), Some(_)) => Outcome::Differs,
            _ => Outcome::Unknown,
        };
        let context = same(self.original_context, header.original_context);
        worst(&[kind, factor, context])
    }
}

/// Differs where one does; agrees where one does and none differs.
fn worst(all: &[Outcome]) -> Outcome {
    if all.contains(&Outcome::Differs) {
        Outcome::Differs
    } else if all.contains(&Outcome::Agrees) {
        Outcome::Agrees
    } else {
        Outcome::Unknown
    }
}

impl Fingerprints {
    /// The rows that `header` may be of, those alone that fit best: nothing rules them out (another architecture, another
    /// number, another kind of tokenizer, two doubts), and as many numbers agree as [`Numbers::agreement`] asks. Of these,
    /// rows without a doubt come before others, then rows whose stretching, context and tokenizer are the stated ones: later
    /// versions of one architecture often differ in nothing else.
    pub fn matching(&self, header: &Header) -> Vec<Comparison<'_>> {
        let all: Vec<Comparison<'_>> = self.rows.iter().filter_map(|row| self.compare(row, header)).collect();
        let all = narrowed(all, |c| !c.is_doubtful());
        let all = narrowed(all, |c| c.agrees.contains(&Sign::RopeScaling));
        let context = header.numbers.context;
        let all = narrowed(all, |c| context.is_some() && c.row.numbers.context == context);
        narrowed(all, |c| c.agrees.contains(&Sign::Tokenizer))
    }

    /// The row beside the header; `None` where something rules it out.
    fn compare<'f>(&self, row: &'f Fingerprint, header: &Header) -> Option<Comparison<'f>> {
        // numbers first: they rule out nearly all rows, and comparing them costs least
        row.numbers.agreement(&header.numbers)?;
        let architecture = among(&header.architectures, &row.architectures);
        if architecture == Outcome::Differs {
            return None;
        }
        let mut outcomes = vec![(Sign::Architecture, architecture)];
        outcomes.extend(row.numbers.outcomes(&header.numbers));
        outcomes.push((
            Sign::RopeScaling,
            row.scaling.as_ref().map_or(Outcome::Unknown, |scaling| scaling.outcome(header)),
        ));
        let none = TokenizerPrint::default();
        let tokenizer = row.tokenizer.and_then(|t| self.tokenizers.get(t)).unwrap_or(&none);
        let kind = among(header.tokenizer.as_slice(), &tokenizer.models);
        if kind == Outcome::Differs {
            return None;
        }
        // a kind is shared by half of all models: alone it tells nothing
        outcomes.push((Sign::Tokenizer, among(header.pre.as_slice(), &tokenizer.pre)));
        let either = |texts: Outcome, ids: Outcome| if texts == Outcome::Unknown { ids } else { texts };
        outcomes.push((
            Sign::BeginToken,
            either(among(&header.begin, &tokenizer.begin), among(&header.begin_ids, &tokenizer.begin_ids)),
        ));
        outcomes.push((
            Sign::EndToken,
            either(among(&header.end, &tokenizer.end), among(&header.end_ids, &tokenizer.end_ids)),
        ));
        let template = row.template.and_then(|t| self.templates.get(t));
        outcomes.push((Sign::Template, template.map_or(Outcome::Unknown, |t| t.outcome(&header.templates))));
        let of = |outcome: Outcome| outcomes.iter().filter(|(_, o)| *o == outcome).map(|(s, _)| *s).collect();
        let comparison = Comparison {
            row,
            agrees: of(Outcome::Agrees),
            differs: of(Outcome::Differs),
            unknown: of(Outcome::Unknown),
            published_template: template
                .is_some_and(|t| header.templates.iter().any(|found| t.hashes.contains(&found.hash))),
        };
        let doubts = comparison.differs.iter().filter(|s| !s.is_manners()).count();
        (doubts <= DOUBTS_MAX).then_some(comparison)
    }
}

/// Those that `better` holds of, or all where it holds of none.
fn narrowed<'f>(all: Vec<Comparison<'f>>, better: impl Fn(&Comparison<'f>) -> bool) -> Vec<Comparison<'f>> {
    if all.iter().any(&better) { all.into_iter().filter(better).collect() } else { all }
}

impl TemplatePrint {
    fn outcome(&self, found: &[FoundTemplate]) -> Outcome {
        let fits = |t: &FoundTemplate| {
            self.hashes.contains(&t.hash)
                || (self.markers.iter().all(|m| t.markers.contains(m))
                    && !self.without.iter().any(|m| t.markers.contains(m)))
        };
        if found.iter().any(fits) {
            Outcome::Agrees
        } else if found.iter().any(|t| !t.markers.is_empty()) {
            Outcome::Differs
        } else {
            Outcome::Unknown
        }
    }
}

pub(crate) fn load(root: &Node, sink: &Sink<'_>) -> Fingerprints {
    let Some(top) = Table::open(root, "fingerprints.toml", sink) else { return Fingerprints::default() };
    top.need("schema");
    top.need("source");
    top.need("checked");
    let texts = |table: &Table<'_, '_>, key| table.texts(key).into_iter().map(|t| t.text).collect::<Vec<_>>();
    let mut out = Fingerprints::default();
    let mut architectures: Vec<(String, Vec<String>)> = Vec::new();
    for table in top.tables("architecture") {
        architectures.push((new_id(&table, architectures.iter().map(|(id, _)| id)), texts(&table, "names")));
        table.need("source");
        table.finish();
    }
    for table in top.tables("tokenizer") {
        out.tokenizers.push(TokenizerPrint {
            id: new_id(&table, out.tokenizers.iter().map(|t| &t.id)),
            models: texts(&table, "models"),
            pre: texts(&table, "pre-tokenizers"),
            begin: texts(&table, "begin"),
            end: texts(&table, "end"),
            begin_ids: ids(&table, "begin-ids"),
            end_ids: ids(&table, "end-ids"),
        });
        table.need("source");
        table.finish();
    }
    for table in top.tables("template") {
        let template = TemplatePrint {
            id: new_id(&table, out.templates.iter().map(|t| &t.id)),
            markers: texts(&table, "markers"),
            without: texts(&table, "without"),
            hashes: texts(&table, "hashes"),
        };
        if template.markers.is_empty() {
            table.missing("markers");
        }
        out.templates.push(template);
        table.need("source");
        table.finish();
    }
    let mut seen = BTreeSet::new();
    for row in top.tables("fingerprint") {
        let number = |key: &'static str| row.integer(key).and_then(|n| u64::try_from(n).ok());
        let numbers = Numbers {
            layers: number("layers"),
            hidden: number("hidden"),
            heads: number("heads"),
            kv_heads: number("kv-heads"),
            feed_forward: number("feed-forward"),
            vocabulary: number("vocabulary"),
            rope_base: number("rope-base"),
            context: number("context"),
            head_size: number("head-size"),
            queries: None,
            keys: None,
            attention: None,
        };
        let models = row.texts("models");
        for model in &models {
            if !seen.insert(model.text.clone()) {
                sink.error("duplicate", model.span, format!("`{}` has two rows", model.text));
            }
        }
        let tokenizers: Vec<&str> = out.tokenizers.iter().map(|t| t.id.as_str()).collect();
        let templates: Vec<&str> = out.templates.iter().map(|t| t.id.as_str()).collect();
        let names: Vec<&str> = architectures.iter().map(|(id, _)| id.as_str()).collect();
        let architecture = named(&row, "architecture", &names).and_then(|i| architectures.get(i));
        out.rows.push(Fingerprint {
            models: models.into_iter().map(|t| t.text).collect(),
            numbers,
            architectures: architecture.map(|(_, names)| names.clone()).unwrap_or_default(),
            scaling: row.table("rope-scaling").map(scaling),
            tokenizer: named(&row, "tokenizer", &tokenizers),
            template: named(&row, "template", &templates),
        });
        row.text("source");
        row.finish();
    }
    top.finish();
    out
}

/// The id of a table, which no table before it has.
fn new_id<'t>(table: &Table<'_, '_>, mut before: impl Iterator<Item = &'t String>) -> String {
    let id = table.need("id");
    if before.any(|b| *b == id.text) {
        table.sink().error("duplicate", id.span, format!("`{}` is named twice", id.text));
    }
    id.text
}

/// Index of the table that a key names.
fn named(row: &Table<'_, '_>, key: &'static str, ids: &[&str]) -> Option<usize> {
    let id = row.text(key)?;
    let index = ids.iter().position(|i| *i == id.text);
    if index.is_none() {
        unknown_word(row.sink(), key, &id, ids.iter().copied());
    }
    index
}

fn ids(table: &Table<'_, '_>, key: &'static str) -> Vec<u64> {
    let mut out = Vec::new();
    for node in table.list(key) {
        match node.value {
            NodeValue::Integer(i) if i >= 0 => out.push(u64::try_from(i).unwrap_or(0)),
            _ => table.sink().error("wrong-type", node.span, format!("`{key}` must be a list of whole numbers from 0")),
        }
    }
    out
}

fn scaling(table: Table<'_, '_>) -> Scaling {
    let factor = table.get("factor").and_then(|node| match &node.value {
        NodeValue::Integer(i) => i32::try_from(*i).ok().map(f64::from),
        NodeValue::Float(f) => Some(*f),
        _ => {
            table.sink().error("wrong-type", node.span, "`factor` must be a number");
            None
        }
    });
    let out = Scaling {
        kind: table.text("type").map(|t| t.text).unwrap_or_default(),
        factor,
        original_context: table.integer("original-context").and_then(|n| u64::try_from(n).ok()),
        tensor: table.text("tensor").map(|t| t.text),
    };
    table.finish();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse_toml;

    fn eight(context: Option<u64>) -> Numbers {
        Numbers {
            layers: Some(32),
            hidden: Some(4096),
            heads: Some(32),
            kv_heads: Some(8),
            feed_forward: Some(14336),
            vocabulary: Some(128_256),
            rope_base: Some(500_000),
            context,
            ..Numbers::default()
        }
    }

    fn own(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|t| (*t).to_string()).collect()
    }

    #[test]
    fn a_number_that_differs_ends_it_and_padding_does_not() {
        let base = eight(None);
        assert_eq!(base.agreement(&base), Some(7));
        assert_eq!(base.agreement(&Numbers { vocabulary: Some(128_258), ..base }), Some(7));
        assert_eq!(base.agreement(&Numbers { vocabulary: Some(32_000), ..base }), None);
        assert_eq!(base.agreement(&Numbers { rope_base: Some(10_000), ..base }), None);
        assert_eq!(base.agreement(&Numbers { rope_base: None, ..base }), Some(6));
    }

    #[test]
    fn too_little_says_nothing() {
        let base = eight(None);
        let few = Numbers { layers: Some(32), hidden: Some(4096), heads: Some(32), ..Numbers::default() };
        assert_eq!(base.agreement(&few), None);
        assert_eq!(base.agreement(&Numbers::default()), None);
    }

    #[test]
    fn widths_stand_for_heads_where_no_header_states_them() {
        let base = Numbers { head_size: Some(128), ..eight(None) };
        let shapes = Numbers {
            layers: Some(32),
            hidden: Some(4096),
            vocabulary: Some(128_256),
            queries: Some(4096),
            keys: Some(1024),
            ..Numbers::default()
        };
        assert_eq!(base.agreement(&shapes), Some(5));
        assert_eq!(base.agreement(&Numbers { keys: Some(4096), ..shapes }), None);
        // without the head's size the widths cannot be compared
        assert_eq!(eight(None).agreement(&shapes), None);
        let one = Numbers { queries: None, keys: None, attention: Some(6144), ..shapes };
        assert_eq!(base.agreement(&one), Some(5));
        assert_eq!(base.agreement(&Numbers { attention: Some(12_288), ..one }), None);
    }

    fn prints() -> Fingerprints {
        let tokenizer = TokenizerPrint {
            id: "t".into(),
            models: own(&["gpt2"]),
            pre: own(&["llama-bpe"]),
            begin: own(&["<|begin_of_text|>"]),
            end: own(&["<|end_of_text|>"]),
            begin_ids: vec![128_000],
            end_ids: vec![128_001],
        };
        let template = TemplatePrint {
            id: "c".into(),
            markers: own(&["<|start|>"]),
            without: own(&["<|other|>"]),
            hashes: own(&["00"]),
        };
        let row = |id: &str, context, scaling| Fingerprint {
            models: vec![id.into()],
            numbers: eight(context),
            architectures: own(&["llama"]),
            scaling,
            tokenizer: Some(0),
            template: Some(0),
        };
        let scaling = Scaling {
            kind: "llama3".into(),
            factor: Some(8.0),
            original_context: Some(8192),
            tensor: Some("rope_freqs.weight".into()),
        };
        Fingerprints {
            rows: vec![row("old", Some(8192), None), row("new", Some(131_072), Some(scaling))],
            tokenizers: vec![tokenizer],
            templates: vec![template],
        }
    }

    fn header(context: Option<u64>) -> Header {
        Header { numbers: eight(context), architectures: own(&["llama"]), ..Header::default() }
    }

    fn found(header: &Header) -> Vec<String> {
        prints().matching(header).iter().map(|c| c.row.models[0].clone()).collect()
    }

    #[test]
    fn the_context_tells_versions_apart_where_it_is_stated() {
        assert_eq!(found(&header(Some(131_072))), ["new"]);
        assert_eq!(found(&header(None)), ["old", "new"]);
        assert_eq!(found(&header(Some(4096))), ["old", "new"]);
    }

    #[test]
    fn stretching_tells_versions_apart() {
        let with = |kinds: &[&str], factor| Header { scaling: own(kinds), factor, ..header(None) };
        assert_eq!(found(&with(&["rope_freqs.weight"], None)), ["new"]);
        assert_eq!(found(&with(&["llama3"], Some(8.0))), ["new"]);
        assert_eq!(found(&with(&["llama3"], Some(32.0))), ["old"]);
        assert_eq!(found(&with(&["none"], None)), ["old"]);
    }

    #[test]
    fn another_architecture_or_kind_of_tokenizer_ends_it() {
        assert!(found(&Header { architectures: own(&["gemma"]), ..header(None) }).is_empty());
        assert_eq!(found(&Header { architectures: Vec::new(), ..header(None) }).len(), 2);
        assert!(found(&Header { tokenizer: Some("llama".into()), ..header(None) }).is_empty());
        assert_eq!(found(&Header { tokenizer: Some("gpt2".into()), ..header(None) }).len(), 2);
    }

    #[test]
    fn one_doubt_is_told_and_two_end_it() {
        let all = prints();
        let one = Header { pre: Some("qwen2".into()), ..header(Some(8192)) };
        let first = &all.matching(&one)[0];
        assert_eq!((first.differs.as_slice(), first.is_doubtful()), (&[Sign::Tokenizer][..], true));
        let two = Header { begin: own(&["<|im_start|>"]), ..one };
        assert!(all.matching(&two).is_empty());
    }

    #[test]
    fn manners_are_told_and_rule_nothing_out() {
        let all = prints();
        let template = |hash: &str, markers: &[&str]| vec![FoundTemplate { hash: hash.into(), markers: own(markers) }];
        let chat = Header { end: own(&["<|im_end|>"]), templates: template("01", &["<|im_start|>"]), ..header(None) };
        let first = &all.matching(&chat)[0];
        assert_eq!((first.differs.as_slice(), first.is_doubtful()), (&[Sign::EndToken, Sign::Template][..], false));
        let own_words = Header { templates: template("01", &["<|start|>", "<|x|>"]), ..header(None) };
        let first = &all.matching(&own_words)[0];
        assert!(first.agrees.contains(&Sign::Template) && !first.published_template);
        let published = Header { templates: template("00", &[]), ..header(None) };
        assert!(all.matching(&published)[0].published_template);
        let excluded = Header { templates: template("01", &["<|start|>", "<|other|>"]), ..header(None) };
        assert!(all.matching(&excluded)[0].differs.contains(&Sign::Template));
    }

    #[test]
    fn mistakes_of_the_file_are_reported() {
        let text = "schema = \"s\"\nsource = \"s\"\nchecked = 2026-01-01\n\
            [[tokenizer]]\nid = \"a\"\nbegin-ids = [\"x\"]\nsource = \"s\"\n\
            [[tokenizer]]\nid = \"a\"\nsource = \"s\"\n\
            [[template]]\nid = \"b\"\nsource = \"s\"\n\
            [[fingerprint]]\nmodels = [\"m\"]\ntokenizer = \"c\"\nrope-scaling = { typ = \"x\" }\n\
            [[fingerprint]]\nmodels = [\"m\"]\n";
        let sink = Sink::new("fingerprints.toml", text);
        load(&parse_toml(&sink), &sink);
        let mut codes: Vec<&str> = sink.into_diagnostics().iter().map(|d| d.code).collect();
        codes.sort_unstable();
        let want = ["duplicate", "duplicate", "missing-key", "unknown-key", "unknown-value", "wrong-type"];
        assert_eq!(codes, want);
    }
}
