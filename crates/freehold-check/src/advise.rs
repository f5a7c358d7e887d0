//! The advisor: which base models this organization may use the way it wants to, by the license texts, and of those which suit it
//! best, by what is published of them. The same pipeline as a check, over the catalog's rows; no fact of a model moves a verdict.

use std::sync::Arc;

use freehold_assess::{Certainty, Deployment, House, Limit};
use freehold_base::{Evidence, MadeBy, Relation, Verdict, WorkKind};
use freehold_catalog::{Capability, Catalog, Score, Sourced};

use crate::assembly::{NamedWork, composed, named_work};
use crate::dossier::{Dossier, Parts, Subject, judge_unasked};

/// What a base model must be able to do. Empty and `None` ask for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs {
    /// One of these kinds (`instruct`, `code`, …).
    pub kinds: Vec<String>,
    /// All of these languages, ISO 639.
    pub languages: Vec<String>,
    /// It takes all of these: text, image, audio, video.
    pub takes: Vec<String>,
    /// Shortest context, in tokens.
    pub context_min: Option<u64>,
    /// Fewest parameters.
    pub parameters_min: Option<u64>,
    /// Most parameters.
    pub parameters_max: Option<u64>,
    /// Most memory for the weights alone, in bytes.
    pub memory_bytes_max: Option<u64>,
    /// Bits a weight, for the memory; 16 where it is not said.
    pub bits: u32,
    /// The organization trains it further: the answer is about the model that comes out.
    pub finetune: bool,
    /// No use policy, and no restriction on what it is used for.
    pub no_use_policy: bool,
    /// Publishers or families that are left out, in any case.
    pub without: Vec<String>,
}

/// How much each thing counts, from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Few duties, no use policy, nothing open.
    pub simplicity: f64,
    /// Languages.
    pub multilingual: f64,
    /// Published scores, or the user's own.
    pub quality: f64,
    /// Small.
    pub size: f64,
}

impl Default for Weights {
    fn default() -> Weights {
        Weights { simplicity: 1.0, multilingual: 0.0, quality: 1.0, size: 0.5 }
    }
}

/// A score of the user's own.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnScore {
    /// The model's id.
    pub model: String,
    /// What was measured.
    pub name: String,
    /// The score: more is better.
    pub value: f64,
}

/// What is asked of the advisor.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// What the model must be able to do.
    pub needs: Needs,
    /// How much each thing counts.
    pub weights: Weights,
    /// The user's own scores.
    pub scores: &'a [OwnScore],
    /// Who, what for, how it reaches whom.
    pub deployment: &'a Deployment,
    /// The day.
    pub as_of: &'a str,
    /// The house's own law.
    pub house: &'a Arc<House>,
}

/// Why a model is left out, or what is not known of it: a sentence, lower case, no full stop.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss {
    /// What it is about: `license`, or a need (`context`).
    pub about: &'static str,
    /// The sentence.
    pub says: String,
    /// The source of the fact, as an index of the catalog's; `None` for a license.
    pub source: Option<u32>,
}

/// One part of a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// `simplicity`, `multilingual`, `quality`, `size`.
    pub name: &'static str,
    /// From 0 to 1; `None` = not known, which counts as 0.
    pub value: Option<f64>,
    /// What it rests on, in a sentence.
    pub says: String,
    /// Sources of its facts, as indices of the catalog's.
    pub sources: Vec<u32>,
}

/// A base model under the question.
#[derive(Clone, Debug)]
pub struct Advised<'c> {
    /// What is known of it.
    pub model: &'c Capability,
    /// The answer for this deployment.
    pub dossier: Dossier<'c>,
    /// Why it is left out; empty for one that is not.
    pub excluded: Vec<Miss>,
    /// What is asked for and not known of it.
    pub unknown: Vec<Miss>,
    /// The ranking's parts.
    pub parts: Vec<Part>,
    /// The weighted mean of the parts; what is not known counts as 0.
    pub rank: f64,
}

impl Advised<'_> {
    /// True where the license texts allow it without anything open.
    pub fn is_admissible(&self) -> bool {
        matches!(self.dossier.assessment.verdict, Verdict::Permitted | Verdict::PermittedWithObligations)
    }

    /// Bytes of its weights at so many bits each; an estimate from the stated figure.
    pub fn memory_bytes(&self, bits: u32) -> Option<u64> {
        memory(self.model, bits)
    }
}

/// The advice.
#[derive(Clone, Debug)]
pub struct Advice<'c> {
    /// Admissible, and all that is asked for is known of them; best first.
    pub ranked: Vec<Advised<'c>>,
    /// Admissible, but something that is asked for is not known of them; best first.
    pub unknown: Vec<Advised<'c>>,
    /// Their license leaves something open for this deployment; best first.
    pub open: Vec<Advised<'c>>,
    /// Left out, by id.
    pub excluded: Vec<Advised<'c>>,
}

fn memory(model: &Capability, bits: u32) -> Option<u64> {
    let bits = u64::from(if bits == 0 { 16 } else { bits });
    model.parameters.as_ref().and_then(|p| p.value.checked_mul(bits)).map(|b| b / 8)
}

/// Open models of which it is told what would settle them: asking tries every answer on the engine.
const ASKED_MAX: usize = 40;

/// Asks about every base model of the catalog.
pub fn advise<'c>(ask: &Ask<'_>, catalog: &'c Catalog) -> Advice<'c> {
    let all = catalog.capabilities.models.iter().map(|m| one(m, ask, catalog)).collect();
    let mut out = ranked(all, ask, catalog);
    out.open.iter_mut().take(ASKED_MAX).for_each(|a| a.dossier.ask());
    out
}

/// The same models ranked by other weights, and with other needs of their use policies: who is asked first is not judged again.
pub fn ranked_anew<'c>(advice: &Advice<'c>, ask: &Ask<'_>, catalog: &'c Catalog) -> Advice<'c> {
    let Advice { ranked: a, unknown: b, open: c, excluded: d } = advice;
    let again = |a: &Advised<'c>| {
        let mut a = a.clone();
        (a.excluded, a.unknown) = (Vec::new(), Vec::new());
        by_license(&a.dossier, &ask.needs, catalog, &mut a.excluded);
        by_needs(a.model, &ask.needs, &mut a.excluded, &mut a.unknown);
        a
    };
    ranked(a.iter().chain(b).chain(c).chain(d).map(again).collect(), ask, catalog)
}

fn ranked<'c>(mut all: Vec<Advised<'c>>, ask: &Ask<'_>, catalog: &'c Catalog) -> Advice<'c> {
    for i in 0..all.len() {
        let parts = parts(&all, i, ask, catalog);
        let (mut sum, mut of) = (0.0, 0.0);
        for (p, w) in parts.iter().zip(weights(&ask.weights)) {
            // what is not known counts as the worst: silence must not win
            sum += p.value.unwrap_or(0.0) * w;
            of += w;
        }
        if let Some(a) = all.get_mut(i) {
            a.rank = if of > 0.0 { sum / of } else { 0.0 };
            a.parts = parts;
        }
    }
    let mut out = Advice { ranked: Vec::new(), unknown: Vec::new(), open: Vec::new(), excluded: Vec::new() };
    // best first; what ranks alike in the order of ids
    all.sort_by(|a, b| b.rank.total_cmp(&a.rank).then_with(|| a.model.id.cmp(&b.model.id)));
    for a in all {
        match (a.excluded.is_empty(), a.is_admissible(), a.unknown.is_empty()) {
            (false, _, _) => out.excluded.push(a),
            (true, false, _) => out.open.push(a),
            (true, true, false) => out.unknown.push(a),
            (true, true, true) => out.ranked.push(a),
        }
    }
    out.excluded.sort_by(|a, b| a.model.id.cmp(&b.model.id));
    out
}

/// Base models of like size (half to double the parameters) and of one kind with `id` that may be used so: what could take its
/// place, those that are most of its kind first. `None` where its size is not known.
pub fn of_like_size<'c>(id: &str, ask: &Ask<'_>, catalog: &'c Catalog) -> Option<Vec<Advised<'c>>> {
    let model = catalog.capabilities.find(id)?;
    let size = model.parameters.as_ref()?.value;
    let needs = Needs {
        parameters_min: Some(size / 2),
        parameters_max: Some(size.saturating_mul(2)),
        kinds: model.kind.clone(),
        ..ask.needs.clone()
    };
    let ask = Ask { needs, ..ask.clone() };
    let mut alike: Vec<_> = advise(&ask, catalog).ranked.into_iter().filter(|a| a.model.id != model.id).collect();
    let less = |a: &[String], b: &[String]| a.iter().filter(|k| !b.contains(k)).count();
    alike.sort_by_key(|a| less(&a.model.kind, &model.kind) + less(&model.kind, &a.model.kind));
    Some(alike)
}

fn one<'c>(model: &'c Capability, ask: &Ask<'_>, catalog: &'c Catalog) -> Advised<'c> {
    let named = NamedWork {
        id: model.id.clone(),
        kind: WorkKind::Model,
        unresolved: false,
        evidence: Evidence::stated("the advisor"),
    };
    let (graph, diagnostics) = named_work(&named, catalog, ask.as_of);
    let (graph, kind) = if ask.needs.finetune {
        let step = (&graph, Relation::Finetune, Evidence::stated("the advisor"));
        (composed("your fine-tune", Some(MadeBy::Organization), &[step]), "a fine-tune of it")
    } else {
        (graph, "as it is published")
    };
    let dossier = judge_unasked(
        Parts {
            subject: Subject { id: model.id.clone(), kind: kind.to_string(), ..Subject::default() },
            graph,
            deployment: ask.deployment.clone(),
            outgoing: None,
            made_by: None,
            diagnostics,
            not_read: vec!["its files: only what the catalog knows of it".to_string()],
            as_of: ask.as_of.to_string(),
            findings: Vec::new(),
            house: ask.house.clone(),
        },
        catalog,
    );
    let (mut excluded, mut unknown) = (Vec::new(), Vec::new());
    by_license(&dossier, &ask.needs, catalog, &mut excluded);
    by_needs(model, &ask.needs, &mut excluded, &mut unknown);
    Advised { model, dossier, excluded, unknown, parts: Vec::new(), rank: 0.0 }
}

/// A limit with its clause and words.
fn cited(l: &Limit<'_>, catalog: &Catalog) -> String {
    let license = catalog.licenses.get(l.license).map_or("", |l| l.name.as_str());
    match l.term {
        Some(t) => format!("{license} {}: “{}”", t.clause, t.quote),
        None => format!("{license}: nothing in it grants this"),
    }
}

fn by_license(d: &Dossier<'_>, needs: &Needs, catalog: &Catalog, out: &mut Vec<Miss>) {
    let miss = |says: String| Miss { about: "license", says, source: None };
    let verdict = d.assessment.verdict;
    if matches!(verdict, Verdict::Prohibited | Verdict::NeedsSeparateLicense) {
        let sure: Vec<String> = d.assessment.limits.iter().filter(|l| l.sure).map(|l| cited(l, catalog)).collect();
        let all = if sure.is_empty() { vec![verdict.as_str().to_string()] } else { sure };
        out.extend(all.into_iter().map(|c| miss(format!("{}: {c}", verdict.as_str()))));
    }
    if needs.no_use_policy {
        for name in use_policies(d, catalog) {
            out.push(miss(format!("a use policy or restriction binds: {name}")));
        }
    }
}

/// What restricts the use: use policies that a license incorporates, and duties to keep one; each with its clause.
fn use_policies(d: &Dossier<'_>, catalog: &Catalog) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for o in d.assessment.obligations.iter().filter(|o| o.code == "aup-compliance") {
        for s in &o.sources {
            let license = catalog.licenses.get(s.license).map_or("", |l| l.name.as_str());
            out.push(format!("{license} {}: “{}”", s.term.clause, s.term.quote));
        }
    }
    out.sort();
    out.dedup();
    out
}

fn by_needs(model: &Capability, needs: &Needs, out: &mut Vec<Miss>, unknown: &mut Vec<Miss>) {
    let not_known = |about: &'static str, says: &str| Miss { about, says: says.to_string(), source: None };
    if !needs.kinds.is_empty() && !needs.kinds.iter().any(|k| model.kind.contains(k)) {
        out.push(not_known("kind", &format!("it is {}, not {}", model.kind.join(", "), needs.kinds.join(" or "))));
    }
    let name = format!("{} {}", model.id, model.family).to_lowercase();
    if let Some(w) = needs.without.iter().find(|w| !w.is_empty() && name.contains(&w.to_lowercase())) {
        out.push(not_known("without", &format!("you leave out `{w}`")));
    }
    let mut lists = |about: &'static str, wanted: &[String], has: Option<&Sourced<Vec<String>>>, what: &str| {
        if wanted.is_empty() {
            return;
        }
        match has {
            None => unknown.push(not_known(about, &format!("{what} are not listed anywhere that was read"))),
            Some(has) => {
                let lacks: Vec<&str> = wanted.iter().filter(|w| !has.value.contains(w)).map(String::as_str).collect();
                if !lacks.is_empty() {
                    let says = format!("{what}: {}; not {}", has.value.join(", "), lacks.join(", "));
                    out.push(Miss { about, says, source: Some(has.source) });
                }
            }
        }
    };
    let which = match &model.languages_count {
        Some(n) if model.languages.is_none() => format!("its languages ({} in all)", n.value),
        _ => "its languages".to_string(),
    };
    let with_images = model.languages_with_images.as_ref().filter(|_| needs.takes.iter().any(|t| t == "image"));
    match with_images {
        Some(l) => lists("languages", &needs.languages, Some(l), "its languages with images"),
        None => lists("languages", &needs.languages, model.languages.as_ref(), &which),
    }
    lists("takes", &needs.takes, model.takes.as_ref(), "the kinds of input");
    let mut bound = |about: &'static str, wanted: Option<u64>, has: Option<(u64, u32)>, least: bool, unit: &str| {
        let Some(wanted) = wanted else { return };
        match has {
            None => unknown.push(not_known(about, &format!("its {about} is not stated anywhere that was read"))),
            Some((has, source)) if (least && has < wanted) || (!least && has > wanted) => {
                let than = if least { "less" } else { "more" };
                let says = format!("{about} {has}{unit}, {than} than {wanted}{unit}");
                out.push(Miss { about, says, source: Some(source) });
            }
            Some(_) => {}
        }
    };
    let of = |s: &Option<Sourced<u64>>| s.as_ref().map(|s| (s.value, s.source));
    bound("context", needs.context_min, of(&model.context), true, " tokens");
    bound("size", needs.parameters_min, of(&model.parameters), true, " parameters");
    bound("size", needs.parameters_max, of(&model.parameters), false, " parameters");
    let bytes = memory(model, needs.bits).zip(model.parameters.as_ref().map(|p| p.source));
    bound("memory", needs.memory_bytes_max, bytes, false, " bytes for its weights");
}

fn weights(w: &Weights) -> [f64; 4] {
    [w.simplicity, w.multilingual, w.quality, w.size]
}

fn parts(all: &[Advised<'_>], at: usize, ask: &Ask<'_>, catalog: &Catalog) -> Vec<Part> {
    let Some(a) = all.get(at) else { return Vec::new() };
    vec![simplicity(a, catalog), multilingual(a, &ask.needs), quality(all, a, ask.scores), size(a)]
}

/// Few duties, no use policy, nothing open, terms that stay as they are.
fn simplicity(a: &Advised<'_>, catalog: &Catalog) -> Part {
    let assessment = &a.dossier.assessment;
    let mine = |o: &&freehold_assess::Obligation<'_>| !o.upstream && o.certainty >= Certainty::Conditional;
    let duties = assessment.obligations.iter().filter(mine).count();
    let policies = usize::from(!use_policies(&a.dossier, catalog).is_empty());
    let hangs = assessment.limits.len() + assessment.gaps.len();
    let mut changes = 0;
    for l in assessment.licenses.iter().filter(|l| !l.displaced && !l.outbound && !l.beyond) {
        let terms = catalog.license(&l.license).map(|l| l.terms.as_slice()).unwrap_or_default();
        let may = |t: &freehold_catalog::Term| t.subject() == Some("unilateral-change") && t.stands_in(&l.edition);
        changes += usize::from(terms.iter().any(may));
    }
    // a duty is a sheet of paper, a use policy a process, an open question a lawyer
    let cost = duties + 4 * policies + 3 * hangs + 3 * changes;
    let says = format!(
        "{duties} dut{}, {}, {}{}",
        if duties == 1 { "y" } else { "ies" },
        if policies == 0 { "no use policy" } else { "a use policy" },
        if hangs == 0 {
            "nothing that limits the answer".to_string()
        } else {
            format!("{hangs} terms that limit the answer or leave it open")
        },
        if changes == 0 { "" } else { "; the terms reserve a change" },
    );
    Part { name: "simplicity", value: Some(10.0 / (10.0 + small(cost))), says, sources: Vec::new() }
}

/// A count as a number that arithmetic takes.
fn small(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Languages enough for everybody.
const MANY: f64 = 100.0;

fn multilingual(a: &Advised<'_>, needs: &Needs) -> Part {
    let m = a.model;
    let listed = m.languages.as_ref().map(|l| (l.value.len(), l.source));
    let counted = m.languages_count.as_ref().map(|c| (usize::try_from(c.value).unwrap_or(usize::MAX), c.source));
    let Some((count, source)) = listed.into_iter().chain(counted).max() else {
        return Part {
            name: "multilingual",
            value: None,
            says: "languages not stated anywhere that was read".into(),
            sources: Vec::new(),
        };
    };
    let breadth = (small(count.max(1)).ln() / MANY.ln()).min(1.0);
    let (value, says) = match (&m.languages, needs.languages.is_empty()) {
        (Some(l), false) => {
            let has = needs.languages.iter().filter(|w| l.value.contains(w)).count();
            let share = small(has) / small(needs.languages.len());
            (0.7 * share + 0.3 * breadth, format!("{has} of {} asked, {count} in all", needs.languages.len()))
        }
        _ => (breadth, format!("{count} language{}", if count == 1 { "" } else { "s" })),
    };
    Part { name: "multilingual", value: Some(value), says, sources: vec![source] }
}

/// Fewest models that a benchmark compares.
const PEERS_MIN: usize = 3;

/// Where a model stands among those that state the same benchmark in the same setup; the user's own scores stand before published ones.
fn quality(all: &[Advised<'_>], a: &Advised<'_>, own: &[OwnScore]) -> Part {
    let mine = own.iter().filter(|s| s.model.eq_ignore_ascii_case(&a.model.id));
    let mut places = Vec::new();
    let mut names = Vec::new();
    let mut sources = Vec::new();
    for s in mine {
        let peers: Vec<f64> = own.iter().filter(|o| o.name == s.name).map(|o| o.value).collect();
        places.push(place(s.value, &peers));
        names.push(format!("{} {} (yours)", s.name, s.value));
    }
    if own.is_empty() {
        for s in a.model.scores.iter().filter(|s| s.stated_by.is_none()) {
            // without a stated setup only the figures of one source compare
            let alike = |o: &&Score| {
                let same = o.setup == s.setup && (s.setup.is_some() || o.source == s.source);
                o.stated_by.is_none() && o.name == s.name && same
            };
            let peers: Vec<f64> = all.iter().flat_map(|o| o.model.scores.iter().find(alike)).map(|o| o.value).collect();
            if peers.len() < PEERS_MIN {
                continue;
            }
            places.push(place(s.value, &peers));
            names.push(format!("{} {} among {}", s.name, s.value, peers.len()));
            sources.push(s.source);
        }
    }
    sources.dedup();
    if places.is_empty() {
        let says = if own.is_empty() { "no published score that compares" } else { "not among your scores" };
        return Part { name: "quality", value: None, says: says.into(), sources };
    }
    let value = places.iter().sum::<f64>() / small(places.len());
    Part { name: "quality", value: Some(value), says: names.join(", "), sources }
}

/// The share of the others that a value is above, a tie counting half.
fn place(value: f64, peers: &[f64]) -> f64 {
    let others = peers.len().saturating_sub(1);
    if others == 0 {
        return 0.5;
    }
    let below = peers.iter().filter(|p| **p < value).count();
    let alike = peers.iter().filter(|p| p.total_cmp(&value).is_eq()).count().saturating_sub(1);
    (small(below) + 0.5 * small(alike)) / small(others)
}

fn size(a: &Advised<'_>) -> Part {
    match &a.model.parameters {
        None => Part { name: "size", value: None, says: "size not stated".into(), sources: Vec::new() },
        Some(p) => {
            let billions = f64::from(u32::try_from(p.value / 1_000_000).unwrap_or(u32::MAX)) / 1000.0;
            // a model of 8 billion parameters stands in the middle
            let value = 8.0 / (8.0 + billions);
            Part {
                name: "size",
                value: Some(value),
                says: format!("{billions} billion parameters"),
                sources: vec![p.source],
            }
        }
    }
}

/// A count with its unit: `8B`, `1.5b`, `128k`, `24GB`, `131072`. `None` for what is none. Thousands but for tokens (`128k` of
/// context is 131,072 to its publishers; a need of `128k` is met by either) and never above what fits.
pub fn count(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text
        .strip_suffix("ib")
        .or_else(|| text.strip_suffix('b').filter(|t| t.ends_with(['k', 'm', 'g', 't'])))
        .unwrap_or(&text);
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let times = match unit.trim() {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "b" | "g" => 1e9,
        "t" => 1e12,
        _ => return None,
    };
    let value = number.parse::<f64>().ok()? * times;
    if !(0.0..=1e18).contains(&value) {
        return None;
    }
    format!("{value:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_units() {
        let all = [
            ("8B", 8_000_000_000),
            ("1.5b", 1_500_000_000),
            ("128k", 128_000),
            ("24GB", 24_000_000_000),
            ("24GiB", 24_000_000_000),
            ("7", 7),
        ];
        for (text, value) in all {
            assert_eq!(count(text), Some(value), "{text}");
        }
        for text in ["", "B", "-1", "1e9", "many", "1x", "9999999999999999999T"] {
            assert_eq!(count(text), None, "{text}");
        }
    }

    #[test]
    fn a_place_among_peers_counts_ties_half() {
        assert_eq!(place(2.0, &[1.0, 2.0, 3.0]), 0.5);
        assert_eq!(place(3.0, &[1.0, 2.0, 3.0]), 1.0);
        assert_eq!(place(1.0, &[1.0, 1.0]), 0.5);
        assert_eq!(place(1.0, &[1.0]), 0.5);
    }
}
