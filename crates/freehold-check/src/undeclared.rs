//! A base that no file names, told by the header: numbers, tokenizer, chat template, stretching of positions, and, where
//! no header states them, the shapes of the tensors. An inference for a person; no verdict is made of it.

use freehold_assess::{Finding, FindingCode, Likeness, Resemblance};
use freehold_base::{Evidence, Fact, FactKind, Graph, Work, WorkKind};
use freehold_catalog::{Catalog, Comparison, FoundTemplate, Header, Match as Known, Numbers, Sign};

use crate::model::canonical;

/// Most bases that a finding's sentence names.
const NAMED_MAX: usize = 3;

/// A finding where the header is that of known base models and the lineage names none of them.
pub(crate) fn undeclared_base(facts: &[Fact], graph: &Graph, catalog: &Catalog) -> Option<Finding> {
    let stated = Stated::of(facts)?;
    let all = catalog.fingerprints.matching(&stated.header);
    let first = all.first()?;
    let bases = bases(&all, catalog);
    if is_declared(&bases, graph, catalog) {
        return None;
    }
    let resemblance = resemblance(&stated, first, &all, &bases, catalog);
    let unknown = named_and_unknown(graph);
    let mut evidence: Vec<Evidence> = Vec::new();
    for place in resemblance.matched.iter().chain(&resemblance.differs).flat_map(|l| &l.evidence) {
        if !evidence.contains(place) {
            evidence.push(place.clone());
        }
    }
    Some(Finding {
        code: FindingCode::UndeclaredBase,
        work: graph.works[graph.subject].id.clone(),
        detail: sentence(&resemblance, &unknown),
        evidence,
        resemblance: Some(Box::new(resemblance)),
    })
}

/// The models of the rows: of a base and what its publisher or others made from it, the base is what would have to be named.
fn bases<'f>(all: &[Comparison<'f>], catalog: &Catalog) -> Vec<&'f str> {
    let made_from = |id: &str| catalog.models.find(id).iter().any(|r| !r.parents.is_empty());
    let all: Vec<&str> = all.iter().flat_map(|c| &c.row.models).map(String::as_str).collect();
    let bases: Vec<&str> = all.iter().copied().filter(|m| !made_from(m)).collect();
    if bases.is_empty() { all } else { bases }
}

fn family(id: &str, catalog: &Catalog) -> Option<String> {
    match catalog.models.resolve(id) {
        Some(Known::Id(rows)) => rows.first().and_then(|r| r.family.clone()),
        Some(Known::Reupload { model, .. }) => catalog.models.find(&model).first().and_then(|r| r.family.clone()),
        None => None,
    }
}

/// True where the model is a published one, or its lineage names one of the bases or of their family.
fn is_declared(bases: &[&str], graph: &Graph, catalog: &Catalog) -> bool {
    if catalog.models.resolve(&graph.works[graph.subject].id).is_some() {
        return true;
    }
    let bases: Vec<(String, Option<String>)> =
        bases.iter().map(|b| (canonical(b, catalog), family(b, catalog))).collect();
    let named = |work: &Work| {
        let known = canonical(&work.id, catalog);
        let (repository, own) = (freehold_lineage::is_repository_id(&work.id), family(&known, catalog));
        bases.iter().any(|(base, family)| (own.is_some() && own == *family) || (repository && known == *base))
    };
    graph.works.iter().any(named)
}

/// Bases that the files name and of which nothing is known.
fn named_and_unknown(graph: &Graph) -> Vec<&str> {
    let works = freehold_lineage::unknown_works(graph).into_iter();
    works.filter(|w| w.kind == WorkKind::Model).map(|w| w.id.as_str()).collect()
}

/// What the files state, and where.
struct Stated<'a> {
    facts: &'a [Fact],
    header: Header,
    /// The shapes that numbers were taken from, for want of a header.
    shapes: Vec<(FactKind, &'a Fact)>,
}

impl<'a> Stated<'a> {
    /// `None` where they state too little to be likened to anything ([`Numbers::agreement`]).
    fn of(facts: &'a [Fact]) -> Option<Stated<'a>> {
        let mut out = Stated { facts, header: Header::default(), shapes: Vec::new() };
        let all = |kind: FactKind| facts.iter().filter(move |f| f.kind == kind);
        let number = |kind: FactKind| all(kind).find_map(|f| f.value.parse::<u64>().ok());
        let texts = |kind: FactKind| all(kind).map(|f| f.value.clone()).collect::<Vec<_>>();
        let numbers_of = |kind: FactKind| all(kind).filter_map(|f| f.value.parse::<u64>().ok()).collect::<Vec<_>>();
        let mut numbers = Numbers {
            layers: number(FactKind::Layers),
            hidden: number(FactKind::Hidden),
            heads: number(FactKind::Heads),
            kv_heads: number(FactKind::KvHeads),
            feed_forward: number(FactKind::FeedForward),
            vocabulary: number(FactKind::Vocabulary),
            rope_base: number(FactKind::RopeBase),
            context: number(FactKind::Context),
            head_size: number(FactKind::HeadSize),
            ..Numbers::default()
        };
        out.shapes(&mut numbers);
        if numbers.layers.is_none() || numbers.hidden.is_none() {
            return None;
        }
        out.header = Header {
            numbers,
            architectures: texts(FactKind::Architecture),
            scaling: texts(FactKind::RopeScaling),
            factor: all(FactKind::RopeFactor).find_map(|f| f.value.parse().ok()),
            original_context: number(FactKind::RopeOriginalContext),
            tokenizer: texts(FactKind::TokenizerModel).into_iter().next(),
            pre: texts(FactKind::PreTokenizer).into_iter().next(),
            begin: texts(FactKind::BosToken),
            end: texts(FactKind::EosToken),
            begin_ids: numbers_of(FactKind::BosId),
            end_ids: numbers_of(FactKind::EosId),
            templates: all(FactKind::ChatTemplate).map(|f| template(&f.value)).collect(),
        };
        Some(out)
    }

    /// Fills in what no header states from the shapes of the tensors.
    fn shapes(&mut self, numbers: &mut Numbers) {
        // each file of several holds some of the blocks
        let blocks = self.facts.iter().filter(|f| f.kind == FactKind::Blocks);
        let deepest = blocks.filter_map(|f| Some((f.value.parse::<u64>().ok()?, f))).max_by_key(|(n, _)| *n);
        if let Some((n, fact)) = deepest.filter(|_| numbers.layers.is_none()) {
            numbers.layers = Some(n);
            self.shapes.push((FactKind::Layers, fact));
        }
        for fact in self.facts.iter().filter(|f| f.kind == FactKind::Shape) {
            let Some((role, rows, columns)) = shape(&fact.value) else { continue };
            let mut fill = |number: &mut Option<u64>, kind: FactKind, value: u64| {
                if number.is_none() {
                    *number = Some(value);
                    self.shapes.push((kind, fact));
                }
            };
            match role {
                "embedding" => {
                    fill(&mut numbers.hidden, FactKind::Hidden, columns);
                    fill(&mut numbers.vocabulary, FactKind::Vocabulary, rows);
                }
                "feed-forward" => fill(&mut numbers.feed_forward, FactKind::FeedForward, rows),
                "feed-forward-twice" => fill(&mut numbers.feed_forward, FactKind::FeedForward, rows / 2),
                // what heads say is better
                "queries" if numbers.heads.is_none() => fill(&mut numbers.queries, FactKind::Heads, rows),
                "keys" if numbers.kv_heads.is_none() => fill(&mut numbers.keys, FactKind::KvHeads, rows),
                "attention" if numbers.heads.is_none() => fill(&mut numbers.attention, FactKind::Heads, rows),
                _ => {}
            }
        }
    }

    /// Where a sign is stated.
    fn places(&self, sign: Sign) -> Vec<Evidence> {
        let kinds: &[FactKind] = match sign {
            Sign::Architecture => &[FactKind::Architecture],
            Sign::Layers => &[FactKind::Layers],
            Sign::Hidden => &[FactKind::Hidden],
            Sign::Heads => &[FactKind::Heads],
            Sign::KvHeads => &[FactKind::KvHeads],
            Sign::FeedForward => &[FactKind::FeedForward],
            Sign::Vocabulary => &[FactKind::Vocabulary],
            Sign::RopeBase => &[FactKind::RopeBase],
            Sign::RopeScaling => &[FactKind::RopeScaling, FactKind::RopeFactor, FactKind::RopeOriginalContext],
            Sign::Tokenizer => &[FactKind::PreTokenizer],
            Sign::BeginToken => &[FactKind::BosToken, FactKind::BosId],
            Sign::EndToken => &[FactKind::EosToken, FactKind::EosId],
            Sign::Template => &[FactKind::ChatTemplate],
        };
        let stated = self.facts.iter().filter(|f| kinds.contains(&f.kind));
        let shapes = self.shapes.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, f)| *f);
        let mut out: Vec<Evidence> = stated.chain(shapes).map(|f| f.evidence.clone()).collect();
        out.dedup();
        out
    }

    /// A sign in words, with the value that the files state; `base` = the row that it was compared with.
    fn words(&self, sign: Sign, base: &Numbers, published: bool) -> String {
        let n = &self.header.numbers;
        let number = |n: Option<u64>, unit: &str| n.map_or_else(|| unit.to_string(), |n| format!("{n} {unit}"));
        let text = |kind: FactKind| self.facts.iter().find(|f| f.kind == kind).map_or("", |f| f.value.as_str());
        match sign {
            Sign::Architecture => format!("architecture {}", text(FactKind::Architecture)),
            Sign::Layers => number(n.layers, "layers"),
            Sign::Hidden => number(n.hidden, "wide"),
            Sign::Heads if n.heads.is_some() => number(n.heads, "heads"),
            Sign::Heads if n.queries.is_some() => number(n.queries, "wide queries"),
            Sign::Heads => number(n.attention, "wide attention"),
            Sign::KvHeads if n.kv_heads.is_some() => number(n.kv_heads, "heads of keys"),
            Sign::KvHeads => number(n.keys, "wide keys"),
            Sign::FeedForward => number(n.feed_forward, "wide feed-forward"),
            Sign::Vocabulary => number(n.vocabulary, "words") + &growth(n.vocabulary, base.vocabulary),
            Sign::RopeBase => number(n.rope_base, "rotary base"),
            Sign::RopeScaling => match self.header.factor {
                Some(factor) => format!("rotary scaling {} by {factor}", text(FactKind::RopeScaling)),
                None => format!("rotary scaling {}", text(FactKind::RopeScaling)),
            },
            Sign::Tokenizer => format!("pre-tokenizer {}", text(FactKind::PreTokenizer)),
            Sign::BeginToken => format!("first token {}", token(text(FactKind::BosToken), text(FactKind::BosId))),
            Sign::EndToken => format!("end token {}", token(text(FactKind::EosToken), text(FactKind::EosId))),
            Sign::Template if published => "its published chat template".to_string(),
            Sign::Template => "markers of the chat template".to_string(),
        }
    }
}

fn token<'t>(text: &'t str, number: &'t str) -> &'t str {
    if text.is_empty() { number } else { text }
}

/// How a vocabulary differs from the base's: fine-tunes add tokens, and embeddings are padded.
fn growth(stated: Option<u64>, base: Option<u64>) -> String {
    match (stated, base) {
        (Some(a), Some(b)) if a > b => format!(" ({} more than its {b})", a - b),
        (Some(a), Some(b)) if a < b => format!(" ({} fewer than its {b})", b - a),
        _ => String::new(),
    }
}

/// `embedding 128256 x 4096`.
fn shape(value: &str) -> Option<(&str, u64, u64)> {
    let mut parts = value.split(' ');
    let (role, rows, by, columns) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (by == "x").then_some((role, rows.parse().ok()?, columns.parse().ok()?))
}

/// `hash <|marker|> <|marker|>`.
fn template(value: &str) -> FoundTemplate {
    let mut parts = value.split(' ');
    let hash = parts.next().unwrap_or_default().to_string();
    FoundTemplate { hash, markers: parts.map(str::to_string).collect() }
}

/// What a sign is, without a value.
fn name(sign: Sign) -> &'static str {
    match sign {
        Sign::Architecture => "architecture",
        Sign::Layers => "layers",
        Sign::Hidden => "width",
        Sign::Heads => "heads",
        Sign::KvHeads => "heads of keys",
        Sign::FeedForward => "feed-forward",
        Sign::Vocabulary => "vocabulary",
        Sign::RopeBase => "rotary base",
        Sign::RopeScaling => "rotary scaling",
        Sign::Tokenizer => "pre-tokenizer",
        Sign::BeginToken => "first token",
        Sign::EndToken => "end token",
        Sign::Template => "chat template",
    }
}

fn resemblance(
    stated: &Stated<'_>,
    first: &Comparison<'_>,
    all: &[Comparison<'_>],
    bases: &[&str],
    catalog: &Catalog,
) -> Resemblance {
    let likeness = |sign: &Sign| Likeness {
        what: stated.words(*sign, &first.row.numbers, first.published_template),
        evidence: stated.places(*sign),
    };
    // numbers first: they are what the resemblance rests on
    let order = |signs: &[Sign]| {
        let mut signs = signs.to_vec();
        signs.sort_by_key(|s| (*s == Sign::Architecture, *s));
        signs
    };
    // said of all rows: what one of them leaves open is open
    let everywhere = |s: &Sign| all.iter().all(|c| c.agrees.contains(s));
    let agrees: Vec<Sign> = order(&first.agrees).into_iter().filter(everywhere).collect();
    let open: Vec<Sign> =
        order(&first.unknown).into_iter().chain(order(&first.agrees).into_iter().filter(|s| !everywhere(s))).collect();
    let mut licenses: Vec<String> = bases
        .iter()
        .flat_map(|b| catalog.models.find(b))
        .filter_map(|r| catalog.license_named(&r.license).map(|i| catalog.licenses[i].id.clone()))
        .collect();
    licenses.sort_unstable();
    licenses.dedup();
    let mut families: Vec<Option<String>> = bases.iter().map(|b| family(b, catalog)).collect();
    families.sort_unstable();
    families.dedup();
    let mut ambiguous = Vec::new();
    if licenses.len() > 1 {
        ambiguous.push("which of these licenses it would be the header cannot tell".to_string());
    } else if families.len() > 1 {
        ambiguous.push(format!("{} families of models share it", families.len()));
    }
    for sign in first.differs.iter().filter(|s| !s.is_manners()) {
        ambiguous.push(format!("the {} is another, which fine-tunes seldom change", name(*sign)));
    }
    Resemblance {
        bases: bases.iter().map(|b| (*b).to_string()).collect(),
        licenses,
        matched: agrees.iter().map(likeness).collect(),
        differs: order(&first.differs).iter().map(likeness).collect(),
        not_compared: open.into_iter().map(|s| name(s).to_string()).collect(),
        ambiguous,
    }
}

/// The finding in a sentence.
fn sentence(r: &Resemblance, unknown: &[&str]) -> String {
    let list = |all: &[Likeness]| all.iter().map(|l| l.what.as_str()).collect::<Vec<_>>().join(", ");
    let known = if r.bases.len() == 1 { "1 known base".to_string() } else { format!("{} known bases", r.bases.len()) };
    let named = r.bases.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match r.bases.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let mut out = format!("{}: as {known}, {named}{more}", list(&r.matched));
    if !r.licenses.is_empty() {
        out.push_str(&format!(", under {}", r.licenses.join(", ")));
    }
    if !r.ambiguous.is_empty() {
        out.push_str(&format!("; ambiguous: {}", r.ambiguous.join(", ")));
    }
    if !r.differs.is_empty() {
        out.push_str(&format!("; unlike it: {}", list(&r.differs)));
    }
    if !r.not_compared.is_empty() {
        out.push_str(&format!("; not compared: {}", r.not_compared.join(", ")));
    }
    if let Some(first) = unknown.first() {
        out.push_str(&format!("; the base that the files name, {first}, is not known here"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(all: &[(FactKind, &str)]) -> Vec<Fact> {
        let evidence = |kind: &FactKind| Evidence { file: "f".into(), key: format!("{kind:?}"), ..Evidence::default() };
        all.iter().map(|(kind, v)| Fact { kind: *kind, value: (*v).to_string(), evidence: evidence(kind) }).collect()
    }

    fn graph(ids: &[&str]) -> Graph {
        Graph { works: ids.iter().map(|id| Work::named(*id, Evidence::default())).collect(), ..Graph::default() }
    }

    fn found(all: &[(FactKind, &str)]) -> Option<Finding> {
        undeclared_base(&facts(all), &graph(&["lamp"]), freehold_law::shared())
    }

    fn told(all: &[(FactKind, &str)]) -> Resemblance {
        *found(all).unwrap().resemblance.unwrap()
    }

    const EIGHT: &[(FactKind, &str)] = &[
        (FactKind::Architecture, "llama"),
        (FactKind::Layers, "32"),
        (FactKind::Hidden, "4096"),
        (FactKind::Heads, "32"),
        (FactKind::KvHeads, "8"),
        (FactKind::FeedForward, "14336"),
        (FactKind::RopeBase, "500000"),
        (FactKind::Vocabulary, "128264"),
    ];
    const STRETCHED: &[(FactKind, &str)] = &[(FactKind::RopeScaling, "rope_freqs.weight")];

    #[test]
    fn the_stretching_tells_the_version() {
        let r = told(&[EIGHT, STRETCHED].concat());
        assert_eq!(r.bases, ["meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct"]);
        assert!(r.ambiguous.is_empty() && r.differs.is_empty());
        let what: Vec<&str> = r.matched.iter().map(|l| l.what.as_str()).collect();
        assert!(what.contains(&"128264 words (8 more than its 128256)"), "{what:?}");
        assert!(what.contains(&"rotary scaling rope_freqs.weight"));
        assert_eq!(r.matched[0].evidence[0].key, "Layers");
        assert_eq!(r.not_compared, ["pre-tokenizer", "first token", "end token", "chat template"]);
    }

    #[test]
    fn bases_under_several_licenses_are_ambiguous() {
        let finding = found(EIGHT).unwrap();
        let r = finding.resemblance.unwrap();
        assert_eq!(r.licenses.len(), 2, "{r:?}");
        assert!(finding.detail.contains("as 4 known bases, ") && finding.detail.contains(" and 1 more, under "));
        assert!(finding.detail.contains("ambiguous: which of these licenses"), "{}", finding.detail);
        // what only some of the rows could be compared in is not said to match
        assert!(r.not_compared.contains(&"rotary scaling".to_string()));
    }

    #[test]
    fn another_tokenizer_is_a_doubt_and_with_another_first_token_the_end() {
        let qwen = (FactKind::PreTokenizer, "qwen2");
        let r = told(&[EIGHT, STRETCHED, &[qwen]].concat());
        assert_eq!(r.ambiguous, ["the pre-tokenizer is another, which fine-tunes seldom change"]);
        assert_eq!(r.differs[0].what, "pre-tokenizer qwen2");
        assert!(found(&[EIGHT, STRETCHED, &[qwen, (FactKind::BosId, "151643")]].concat()).is_none());
        let mut other_words = EIGHT.to_vec();
        other_words[7].1 = "151936";
        assert!(found(&[&other_words, STRETCHED].concat()).is_none());
        assert!(found(&[EIGHT, &[(FactKind::TokenizerModel, "llama")]].concat()).is_none());
    }

    #[test]
    fn a_chat_template_of_others_is_told_and_counts_for_nothing() {
        let chat = [(FactKind::ChatTemplate, "00 <|im_end|> <|im_start|>"), (FactKind::EosToken, "<|im_end|>")];
        let r = told(&[EIGHT, STRETCHED, &chat].concat());
        assert!(r.ambiguous.is_empty());
        assert_eq!(r.differs.len(), 2);
        let own = [(FactKind::ChatTemplate, "00 <|end_header_id|> <|start_header_id|>")];
        let r = told(&[EIGHT, STRETCHED, &own].concat());
        assert!(r.matched.iter().any(|l| l.what == "markers of the chat template"));
    }

    const SHAPES: &[(FactKind, &str)] = &[
        (FactKind::Blocks, "12"),
        (FactKind::Blocks, "32"),
        (FactKind::Shape, "embedding 128256 x 4096"),
        (FactKind::Shape, "feed-forward 14336 x 4096"),
        (FactKind::Shape, "queries 4096 x 4096"),
        (FactKind::Shape, "keys 1024 x 4096"),
    ];

    #[test]
    fn shapes_stand_for_a_header() {
        let r = told(&[SHAPES, STRETCHED].concat());
        assert_eq!(r.bases[0], "meta-llama/Llama-3.1-8B");
        assert_eq!(r.matched[0].what, "32 layers");
        assert_eq!(r.matched[0].evidence[0].key, "Blocks");
        assert!(r.matched.iter().any(|l| l.what == "1024 wide keys"));
        assert!(r.not_compared.contains(&"architecture".to_string()));
        let mut other = SHAPES.to_vec();
        other[5].1 = "keys 4096 x 4096";
        assert!(found(&other).is_none());
        assert!(found(&SHAPES[..3]).is_none(), "too little");
        assert!(found(&[(FactKind::Shape, "embedding x"), (FactKind::Shape, "")]).is_none());
    }

    #[test]
    fn who_names_it_or_is_it_is_not_told() {
        let all = facts(&[EIGHT, STRETCHED].concat());
        let law = freehold_law::shared();
        for named in ["meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-70B"] {
            assert!(undeclared_base(&all, &graph(&["lamp", named]), law).is_none(), "{named}");
        }
        assert!(undeclared_base(&all, &graph(&["meta-llama/Llama-3.1-8B"]), law).is_none());
        let unknown = undeclared_base(&all, &graph(&["lamp", "acme/unheard-of"]), law).unwrap();
        assert!(unknown.detail.ends_with("; the base that the files name, acme/unheard-of, is not known here"));
    }

    #[test]
    fn every_row_is_found_by_its_own_numbers() {
        let law = freehold_law::shared();
        let mut missed = Vec::new();
        for row in &law.fingerprints.rows {
            let header = Header {
                numbers: row.numbers,
                architectures: row.architectures.clone(),
                scaling: row.scaling.iter().map(|s| s.kind.clone()).collect(),
                factor: row.scaling.as_ref().and_then(|s| s.factor),
                ..Header::default()
            };
            if !law.fingerprints.matching(&header).iter().any(|c| c.row == row) {
                missed.push(row.models[0].as_str());
            }
        }
        assert_eq!(missed, Vec::<&str>::new());
    }
}
