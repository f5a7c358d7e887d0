//! What a work's own layer stands under: the first that applies of the user's word, the catalog's row, the recognized
//! text where the tag agrees or is silent, the tag; claims in dispute are all kept.

use freehold_base::{Basis, By, Claim, Covers, Graph, MadeBy, Relation, Work};
use freehold_catalog::{Catalog, Strictness};

use crate::expression::{Leaf, Parsed, Statement, parse};
use crate::finding::{Finding, FindingCode};

/// A license statement that is weighed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alternative {
    pub(crate) statement: Statement,
    /// Text id where the copy or the row is of one edition.
    pub(crate) edition: Option<String>,
    /// The text resembles the license and differs from it.
    pub(crate) altered: bool,
    /// Additions that nobody has read.
    pub(crate) additions: Vec<String>,
    /// Terms in law that bind beside the statement.
    pub(crate) beside: Vec<Leaf>,
    /// Binds only if somebody else made the work; who did is not stated.
    pub(crate) perhaps: bool,
}

/// What is weighed for a layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Conclusion {
    /// One, or several in dispute.
    pub(crate) alternatives: Vec<Alternative>,
    /// The tag is looser than the terms of a base: its restrictions count, its duties do not.
    pub(crate) displaced: bool,
    /// Statements about the code alone: reported, their duties arguable.
    pub(crate) code: Vec<Alternative>,
}

/// A layer's conclusion, with what was chosen and what was not.
pub(crate) struct Layer<'g> {
    pub(crate) conclusion: Conclusion,
    /// The claims that were weighed.
    pub(crate) weighed: Vec<&'g Claim>,
    /// The claims that were not: displaced, superseded, outbound.
    pub(crate) set_aside: Vec<&'g Claim>,
    /// Our own choice for a layer of ours.
    pub(crate) outbound: Vec<Alternative>,
}

fn alternative(claim: &Claim, parsed: Parsed, catalog: &Catalog) -> Option<Alternative> {
    let mut additions = claim.additions.clone();
    additions.extend(parsed.additions);
    Some(Alternative {
        statement: parsed.statement?,
        // a statement that names a text names its edition
        edition: claim
            .edition
            .clone()
            .or_else(|| catalog.license_of_edition(claim.license.trim()).map(|(_, e)| e.text.clone())),
        altered: claim.altered,
        additions,
        beside: claim.beside.iter().map(|b| leaf_beside(b, catalog)).collect(),
        perhaps: false,
    })
}

/// What binds beside a license; unread where it is not in law.
fn leaf_beside(id: &str, catalog: &Catalog) -> Leaf {
    catalog.license_named(id).map_or_else(|| Leaf::Unread(id.to_string()), Leaf::License)
}

impl Alternative {
    /// Every leaf of the statement, and what binds beside it.
    pub(crate) fn leaves(&self) -> Vec<&Leaf> {
        let mut leaves = self.statement.leaves();
        leaves.extend(&self.beside);
        leaves
    }
}

fn about_code(claim: &Claim) -> bool {
    !claim.covers.is_empty() && claim.covers.iter().all(|c| matches!(c, Covers::Code | Covers::Documentation))
}

/// Concludes what `work`'s own layer stands under, before it is compared with its parents.
pub(crate) fn conclude<'g>(
    work: &'g Work,
    made_by: Option<MadeBy>,
    (adds_layer, stands_alone): (bool, bool),
    catalog: &Catalog,
    findings: &mut Vec<Finding>,
) -> Layer<'g> {
    let mut layer = Layer { conclusion: Conclusion::default(), weighed: vec![], set_aside: vec![], outbound: vec![] };
    let ours = made_by == Some(MadeBy::Organization);
    let perhaps = made_by.is_none() && !work.known;
    let mut read: Vec<(&Claim, Alternative)> = Vec::new();
    for claim in &work.claims {
        let Some(mut alternative) = alternative(claim, parse(&claim.license, catalog), catalog) else { continue };
        if perhaps && !claim.expression && claim.basis != Basis::Told {
            alternative.perhaps = true;
            layer.outbound.push(Alternative { perhaps: false, ..alternative.clone() });
        }
        if about_code(claim) {
            layer.conclusion.code.push(alternative);
        } else if ours && !claim.expression && is_our_choice(claim, stands_alone) {
            layer.outbound.push(alternative);
            layer.set_aside.push(claim);
        } else {
            read.push((claim, alternative));
        }
    }
    if (ours || perhaps) && read.is_empty() {
        // a work that stands on nothing and says nothing: if somebody else made it, nothing is granted
        if perhaps && adds_layer && stands_alone {
            layer.conclusion.alternatives.push(missing(true));
            findings.push(missing_license(work));
        }
        return layer;
    }
    choose(work, &read, &mut layer, catalog, findings);
    let same = |a: &Alternative, b: &Alternative| a.statement == b.statement;
    if layer.conclusion.code.iter().any(|c| layer.conclusion.alternatives.iter().any(|w| !same(c, w))) {
        let weights = display_all(&layer.conclusion.alternatives, catalog);
        let code = display_all(&layer.conclusion.code, catalog);
        findings.push(finding(FindingCode::CodeAndWeightsDiffer, work, format!("code: {code}; weights: {weights}")));
    }
    if layer.conclusion.alternatives.is_empty() && adds_layer {
        layer.conclusion.alternatives.push(missing(false));
        findings.push(missing_license(work));
    }
    layer
}

/// What is said of a layer of ours is our own choice for it; what the user states of a work that stands on nothing may be
/// what it was taken under, and binds.
fn is_our_choice(claim: &Claim, stands_alone: bool) -> bool {
    match claim.basis {
        Basis::Catalog => false,
        Basis::Told => !stands_alone,
        Basis::Recognized | Basis::Declared | Basis::Inferred => true,
    }
}

/// True where a tag names a family of texts and this license is one of them.
fn family_has(statement: &Statement, license: usize, catalog: &Catalog) -> bool {
    let Statement::One(Leaf::Family(tag)) = statement else { return false };
    let Some(freehold_catalog::TagMeaning::Family(texts)) = catalog.tags.meaning(tag) else { return false };
    texts
        .iter()
        .any(|t| catalog.license_of_edition(t).map(|(i, _)| i).or_else(|| catalog.license_named(t)) == Some(license))
}

fn missing(perhaps: bool) -> Alternative {
    Alternative {
        statement: Statement::One(Leaf::Missing),
        edition: None,
        altered: false,
        additions: Vec::new(),
        beside: Vec::new(),
        perhaps,
    }
}

fn missing_license(work: &Work) -> Finding {
    finding(FindingCode::MissingLicense, work, format!("nothing says under what license `{}` stands", work.id))
}

fn finding(code: FindingCode, work: &Work, detail: String) -> Finding {
    let evidence = work.claims.iter().map(|c| c.evidence.clone()).collect();
    Finding { code, work: work.id.clone(), detail, evidence, resemblance: None }
}

fn display_all(alternatives: &[Alternative], catalog: &Catalog) -> String {
    alternatives.iter().map(|a| a.statement.display(catalog)).collect::<Vec<_>>().join(" or ")
}

/// Picks what is weighed among the claims that say something.
fn choose<'g>(
    work: &Work,
    read: &[(&'g Claim, Alternative)],
    layer: &mut Layer<'g>,
    catalog: &Catalog,
    findings: &mut Vec<Finding>,
) {
    let of = |basis: Basis| read.iter().filter(move |(c, _)| c.basis == basis && !c.superseded).collect::<Vec<_>>();
    let (told, rows, recognized, declared) =
        (of(Basis::Told), of(Basis::Catalog), of(Basis::Recognized), of(Basis::Declared));
    let older: Vec<_> = read.iter().filter(|(c, _)| c.superseded).collect();
    let leading = [told, rows, recognized.clone(), declared.clone()].into_iter().find(|l| !l.is_empty());
    let Some(mut leading) = leading.or_else(|| (!older.is_empty()).then(|| older.clone())) else { return };
    // a copy that came with the earlier terms stays under them
    let came_with = |(_, old): &&&(&Claim, Alternative)| {
        recognized.iter().chain(&declared).any(|(_, a)| a.statement == old.statement)
            && leading.iter().all(|(_, a)| a.statement != old.statement)
    };
    if let Some(old) = older.iter().find(came_with) {
        let detail = format!(
            "this copy came under {}; the publisher now offers {}",
            old.1.statement.display(catalog),
            leading.iter().map(|(_, a)| a.statement.display(catalog)).collect::<Vec<_>>().join(" or ")
        );
        findings.push(finding(FindingCode::LicenseChangedSinceAcquired, work, detail));
        leading = vec![*old];
    }
    let leading_basis = leading.first().map(|(c, _)| c.basis);
    for (claim, a) in leading.iter().map(|x| (x.0, &x.1)) {
        layer.weighed.push(claim);
        push_new(&mut layer.conclusion.alternatives, a.clone());
    }
    for (claim, a) in recognized.iter().chain(&declared).map(|x| (x.0, &x.1)) {
        if layer.weighed.iter().any(|w| std::ptr::eq(*w, claim)) {
            continue;
        }
        compare(work, claim, a, leading_basis, layer, catalog, findings);
    }
    if layer.conclusion.alternatives.iter().any(|a| a.altered) {
        let names = display_all(&layer.conclusion.alternatives, catalog);
        findings.push(finding(
            FindingCode::AlteredLicenseText,
            work,
            format!("the text resembles {names} and differs"),
        ));
    }
}

/// A second statement about a layer: it agrees, it only looks different, it is looser, or it is a dispute.
fn compare<'g>(
    work: &Work,
    claim: &'g Claim,
    a: &Alternative,
    leading: Option<Basis>,
    layer: &mut Layer<'g>,
    catalog: &Catalog,
    findings: &mut Vec<Finding>,
) {
    if let Some(same) = layer.conclusion.alternatives.iter_mut().find(|l| l.statement == a.statement) {
        // the text that came with the copy says which edition
        if same.edition.is_none() {
            same.edition.clone_from(&a.edition);
        }
        same.altered |= a.altered;
        layer.weighed.push(claim);
        return;
    }
    let in_family = |l: &Alternative| match l.statement {
        Statement::One(Leaf::License(i)) => family_has(&a.statement, i, catalog),
        _ => false,
    };
    if layer.conclusion.alternatives.iter().any(in_family) {
        // the tag names several texts, and what leads is one of them
        layer.weighed.push(claim);
        return;
    }
    if layer.conclusion.alternatives.iter().any(|l| looks_like(l, &claim.license, catalog)) {
        let name = display_all(&layer.conclusion.alternatives, catalog);
        let detail = format!("the tag says `{}`; the license is {name}", claim.license);
        findings.push(finding(FindingCode::NameSaysMitTextIsNot, work, detail));
        layer.set_aside.push(claim);
        return;
    }
    let known = display_all(&layer.conclusion.alternatives, catalog);
    let text_against_tag = claim.basis == Basis::Declared && leading == Some(Basis::Recognized);
    let code = if text_against_tag || claim.basis == Basis::Recognized {
        FindingCode::ContradictsLicenseFile
    } else {
        FindingCode::DiffersFromUpstream
    };
    let detail = format!("{} says `{}`, against {known}", basis_words(claim), claim.license);
    findings.push(finding(code, work, detail));
    let stricter = layer.conclusion.alternatives.iter().all(|l| strictness(a, catalog) > strictness(l, catalog));
    // the publisher's row outranks a looser tag; anything else that differs is in dispute
    if matches!(leading, Some(Basis::Catalog | Basis::Told)) && claim.basis == Basis::Declared && !stricter {
        layer.set_aside.push(claim);
    } else {
        layer.weighed.push(claim);
        push_new(&mut layer.conclusion.alternatives, a.clone());
    }
}

fn push_new(list: &mut Vec<Alternative>, a: Alternative) {
    if !list.contains(&a) {
        list.push(a);
    }
}

fn basis_words(claim: &Claim) -> &'static str {
    match claim.basis {
        Basis::Recognized => "the license file",
        _ => "the tag",
    }
}

fn looks_like(a: &Alternative, tag: &str, catalog: &Catalog) -> bool {
    let tag = freehold_catalog::fold_tag(tag);
    a.statement.leaves().iter().any(|l| match l {
        Leaf::License(i) => catalog.licenses[*i].looks_like.iter().any(|s| freehold_catalog::fold_tag(s) == tag),
        _ => false,
    })
}

/// How much a statement limits; `None` where it was never read.
pub(crate) fn strictness(a: &Alternative, catalog: &Catalog) -> Option<Strictness> {
    statement_strictness(&a.statement, catalog)
}

fn statement_strictness(s: &Statement, catalog: &Catalog) -> Option<Strictness> {
    match s {
        Statement::One(Leaf::License(i)) => Some(catalog.licenses[*i].strictness),
        Statement::One(_) => None,
        Statement::All(parts) => parts.iter().map(|p| statement_strictness(p, catalog)).max().flatten(),
        Statement::Any(parts) => parts.iter().map(|p| statement_strictness(p, catalog)).min().flatten(),
    }
}

/// Licenses that reach a node through what its weights were made from, as a set of indices.
pub(crate) type LicenseSet = Vec<u64>;

/// Adds the members of one set to another; true where it grew.
pub(crate) fn add_all(into: &mut LicenseSet, from: &LicenseSet) -> bool {
    let mut grew = false;
    for (a, b) in into.iter_mut().zip(from) {
        grew |= *b & !*a != 0;
        *a |= b;
    }
    grew
}

pub(crate) fn members(set: &LicenseSet) -> impl Iterator<Item = usize> {
    set.iter()
        .enumerate()
        .flat_map(|(word, bits)| (0..64).filter(move |b| bits & (1 << b) != 0).map(move |b| word * 64 + b))
}

/// Compares the tag on a derivative with the terms of what it was made from.
pub(crate) fn displace(
    work: &Work,
    layer: &mut Layer<'_>,
    upstream: &LicenseSet,
    graph: (&Graph, &[usize]),
    catalog: &Catalog,
    findings: &mut Vec<Finding>,
) {
    let licenses: Vec<usize> = members(upstream).collect();
    let Some(strictest) = licenses.iter().copied().max_by_key(|i| catalog.licenses[*i].strictness) else { return };
    if only_copied(graph) {
        // on a copy, which adds nothing of its own, a tag that names a family of texts says no more than that the
        // original's is one of them; who adds a layer may have put another of them on it
        let says_the_same = |a: &Alternative| licenses.iter().any(|i| family_has(&a.statement, *i, catalog));
        layer.conclusion.alternatives.retain(|a| !says_the_same(a));
        layer.outbound.retain(|a| !says_the_same(a));
    }
    let perhaps = layer.conclusion.alternatives.iter().any(|a| a.perhaps);
    let ours = !layer.outbound.is_empty();
    let stated = if ours { &layer.outbound } else { &layer.conclusion.alternatives };
    let mut displaced = false;
    for a in stated.clone() {
        let leaves = a.statement.leaves();
        if matches!(a.statement, Statement::All(_)) && licenses.iter().any(|i| leaves.contains(&&Leaf::License(*i))) {
            continue;
        }
        let tag = a.statement.display(catalog);
        let base = &catalog.licenses[strictest];
        let same_family = leaves.iter().find_map(|l| match l {
            Leaf::License(i) if !licenses.contains(i) => {
                let own = &catalog.licenses[*i];
                // a later version that the base's license takes is no mistake
                let other = |u: &&usize| {
                    let law = &catalog.licenses[**u];
                    law.family == own.family && (only_copied(graph) || !law.accepts(&own.id))
                };
                licenses.iter().find(other)
            }
            _ => None,
        });
        if let Some(other) = same_family {
            let detail = format!("`{tag}` is stated; the base stands under {}", catalog.licenses[*other].id);
            findings.push(finding(FindingCode::WrongVersion, work, detail));
            displaced = true;
        } else if strictness(&a, catalog).is_some_and(|s| s < base.strictness) {
            let detail = format!("`{tag}` is stated; the base's {} goes on binding", base.id);
            findings.push(finding(FindingCode::MorePermissiveThanUpstream, work, detail));
            displaced = true;
        } else if only_copied(graph) && !leaves.iter().any(|l| matches!(l, Leaf::License(i) if licenses.contains(i))) {
            let ids: Vec<&str> = licenses.iter().map(|i| catalog.licenses[*i].id.as_str()).collect();
            let detail = format!("`{tag}` is stated for a copy of what stands under {}", ids.join(", "));
            findings.push(finding(FindingCode::DiffersFromUpstream, work, detail));
        }
        let travels = licenses.iter().find(|i| {
            catalog.licenses[**i]
                .looks_like
                .iter()
                .any(|s| freehold_catalog::fold_tag(s) == freehold_catalog::fold_tag(&tag))
        });
        if let Some(i) = travels {
            let detail = format!("the tag says `{tag}`; the base's license is {}", catalog.licenses[*i].id);
            findings.push(finding(FindingCode::NameSaysMitTextIsNot, work, detail));
        }
    }
    let stands = layer.weighed.iter().all(|c| c.basis == Basis::Declared);
    if displaced && (!ours || perhaps) && stands {
        layer.conclusion.displaced = true;
        layer.set_aside.append(&mut layer.weighed);
    }
}

/// True where the work is a copy, conversion or quantization of its parents and nothing else.
fn only_copied((graph, edges): (&Graph, &[usize])) -> bool {
    !edges.is_empty() && edges.iter().all(|e| copies(graph.edges[*e].relation))
}

/// True for steps that add no layer of their own.
pub(crate) fn copies(r: Relation) -> bool {
    matches!(r, Relation::Copy | Relation::Converted | Relation::Quantized)
}

/// Who took a step, given who is said to have made the subject.
pub(crate) fn by_of(graph: &Graph, edge: usize, made_by: Option<MadeBy>) -> (By, bool) {
    let e = &graph.edges[edge];
    match made_by {
        Some(MadeBy::Organization) if e.child == graph.subject => (By::Us, false),
        Some(MadeBy::ThirdParty) if e.child == graph.subject => (By::Upstream, false),
        _ => (e.by, e.by_presumed),
    }
}
