//! The trail behind a duty, a finding, a clause, a fact or a verdict: file and bytes, sentence, fact, rule.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use freehold_assess::{Finding, HouseKind, HouseState, HouseUse, Obligation};
use freehold_catalog::{Effect, FactId, Term};
use freehold_check::Dossier;

use crate::page::Page;
use crate::screen::answer_words;
use crate::style::{Ink, Style};
use crate::words;

/// Prints the trail of `code`: a duty's code or the beginning of one, a finding's code, `verdict` or the verdict's word,
/// `LICENSE` or `LICENSE CLAUSE`, a fact's name, `assumptions`. Gives what could be asked for where nothing goes by that.
pub fn why(d: &Dossier<'_>, code: &str, style: Style) -> Result<String, Vec<String>> {
    let mut page = Page::new(style);
    let a = &d.assessment;
    let code = code.trim();
    let mut answered = false;
    if code == "verdict" || code == a.verdict.as_str() {
        verdict(d, &mut page);
        answered = true;
    }
    if code == "assumptions" {
        assumptions(d, &mut page);
        answered = true;
    }
    for o in a.obligations.iter().filter(|o| o.code == code || (code.len() >= 4 && o.code.starts_with(code))) {
        obligation(d, o, &mut page);
        answered = true;
    }
    for f in a.findings.iter().filter(|f| f.code.as_str() == code) {
        finding(f, &mut page);
        answered = true;
    }
    answered |= clauses(d, code, &mut page);
    if let Some(id) = d.catalog.facts.find(code) {
        fact(d, id, &mut page);
        answered = true;
    }
    if answered { Ok(page.finish()) } else { Err(names(d)) }
}

/// What `why` answers to, for this dossier.
fn names(d: &Dossier<'_>) -> Vec<String> {
    let a = &d.assessment;
    let mut out = vec!["verdict".to_string()];
    out.extend(a.obligations.iter().map(|o| o.code.to_string()));
    out.extend(a.findings.iter().map(|f| f.code.as_str().to_string()));
    out.extend(
        a.limits.iter().filter_map(|l| l.term.map(|t| format!("{} {}", d.catalog.licenses[l.license].id, t.clause))),
    );
    out.extend(a.licenses.iter().filter(|l| d.catalog.license(&l.license).is_some()).map(|l| l.license.clone()));
    out.sort();
    out.dedup();
    out
}

fn verdict(d: &Dossier<'_>, page: &mut Page) {
    let a = &d.assessment;
    let (ink, heading, text) = answer_words(d);
    page.row(ink, heading, &text);
    page.row(
        Ink::Quiet,
        "range",
        &format!("{} at worst, {} at best", words::permission(a.range.worst), words::permission(a.range.best)),
    );
    for (access, range, v) in &a.by_access {
        page.row(
            Ink::Quiet,
            "",
            &format!("{access}: {v} ({} to {})", range.worst, range.best, access = access.as_str()),
        );
    }
    page.row(Ink::Quiet, "rule", "every license that reaches the model must allow every act; the least of them counts");
    for l in &a.limits {
        let law = &d.catalog.licenses[l.license];
        page.blank();
        match l.term {
            Some(t) => {
                let sure = if l.sure { "limits it to" } else { "may limit it to" };
                page.row(Ink::Strong, &format!("{} {}", law.id, t.clause), &format!("{sure}: {}", l.to));
                term(d, l.license, t, page);
            }
            None => {
                let act = l.act.map_or("this", |a| a.as_str());
                page.row(Ink::Strong, &law.id, &format!("no grant in its text names the act `{act}`: {}", l.to));
            }
        }
    }
    for u in a.house.iter().filter(|u| u.state != HouseState::Moot && u.kind != HouseKind::Attestation) {
        page.blank();
        house(d, u, page);
    }
    for g in a.gaps.iter().filter(|g| g.term.is_none()) {
        page.blank();
        page.row(Ink::Open, g.kind.as_str(), &g.says);
        evidence_of_claims(d, page);
    }
    if a.limits.is_empty() && a.gaps.is_empty() {
        for l in a.licenses.iter().filter(|l| !l.displaced && !l.outbound && !l.beyond) {
            let Some(law) = d.catalog.license(&l.license) else { continue };
            page.blank();
            page.row(Ink::Strong, &law.id, "grants it");
            for t in law.terms.iter().filter(|t| matches!(t.effect, Effect::Grant(_))) {
                page.row(Ink::Quiet, "words", &format!("{}  “{}”", t.clause, t.quote));
            }
            trail(d, &law.id, page);
        }
    }
}

/// An entry of the house: what it says here, who wrote it down where, on what it rests.
fn house(d: &Dossier<'_>, u: &HouseUse, page: &mut Page) {
    page.row(Ink::Strong, u.kind.as_str(), &u.says);
    let Some(entry) = d.house.entry(u.kind, u.index) else { return };
    page.row(Ink::Quiet, "by", &format!("{}, {}, {}", entry.who, entry.when, words::full_place(&entry.evidence)));
    if !entry.why.is_empty() {
        page.row(Ink::Quiet, "reason", &entry.why);
    }
    if !entry.digest.is_empty() {
        page.row(Ink::Quiet, "evidence", &format!("sha256:{}", entry.digest));
    }
}

fn evidence_of_claims(d: &Dossier<'_>, page: &mut Page) {
    for work in &d.graph.works {
        for claim in &work.claims {
            let text = format!("{}: `{}`, {}", work.id, claim.license, words::full_place(&claim.evidence));
            page.row(Ink::Quiet, "stated", &text);
        }
    }
}

fn assumptions(d: &Dossier<'_>, page: &mut Page) {
    for a in &d.assessment.assumptions {
        let by = if a.leaned_on_by.is_empty() { String::new() } else { format!("  ({})", a.leaned_on_by.join(", ")) };
        page.row(Ink::Quiet, "assumed", &format!("{}{by}", a.says));
        if let Some(f) = a.fact {
            page.row(Ink::Quiet, "state it", &format!("--set {}=…", d.catalog.facts.get(f).name));
        }
    }
    if d.assessment.assumptions.is_empty() {
        page.row(Ink::Quiet, "assumed", "nothing");
    }
}

fn obligation(d: &Dossier<'_>, o: &Obligation<'_>, page: &mut Page) {
    let (_, status) = words::status(&d.house, o);
    page.row(Ink::Strong, o.code, &format!("{}, {status}", o.certainty.as_str()));
    let name = d.graph.works[d.graph.subject].name.as_deref();
    page.row(Ink::Quiet, "asks for", &words::duty_says(d.catalog, o, name));
    for s in &o.sources {
        page.blank();
        let law = &d.catalog.licenses[s.license];
        page.row(Ink::Strong, &law.id, &format!("{}, clause {}", words::license_name(law, &s.edition), s.term.clause));
        term(d, s.license, s.term, page);
        trail(d, &law.id, page);
    }
    for u in d.assessment.house.iter().filter(|u| u.kind == HouseKind::Attestation) {
        let attested = d.house.attestations.get(u.index);
        let asks = |license: usize| o.sources.iter().any(|s| s.license == license);
        if attested.is_some_and(|a| a.code == o.code && asks(a.license)) {
            page.blank();
            house(d, u, page);
        }
    }
    if let Some(outgoing) = &d.outgoing {
        page.blank();
        let found: Vec<String> = outgoing
            .release
            .notices
            .iter()
            .map(|n| {
                let what = crate::page::cut(&n.what, 48);
                if what.is_empty() { n.kind.clone() } else { format!("{}: {what}", n.kind) }
            })
            .collect();
        let path = if outgoing.path.is_empty() { "the release" } else { outgoing.path.as_str() };
        let shown = if found.is_empty() { "nothing that meets a duty".to_string() } else { found.join("; ") };
        page.row(Ink::Quiet, "found", &format!("in {path}: {shown}"));
    }
    if let Some(entry) = d.catalog.obligations.get(o.code) {
        let met = match entry.met_by.as_deref() {
            Some("license-copy") => "a file with the whole text of the license (LICENSE, or one of that name)",
            Some("notice-file") => "a file called NOTICE with the prescribed words",
            Some("notices-retained") => "the copyright notices of the original, in a LICENSE or NOTICE file",
            Some("change-notice") => "a sentence in NOTICE, CHANGES or CHANGELOG that says what was modified",
            Some("own-license-with-restrictions") => {
                "an agreement of yours (EULA, terms) that carries the restrictions"
            }
            Some("words") => "the prescribed words in one of the places",
            Some("name") => "the name",
            Some("ui") => "a sentence that users see",
            Some("docs") => "documentation beside the model",
            Some(other) => other,
            None => "a person who attests it: no file can show it",
        };
        page.row(Ink::Quiet, "met by", met);
    }
}

/// A rule: its words, when it bites, the facts that it read, where it is written down.
fn term(d: &Dossier<'_>, license: usize, t: &Term, page: &mut Page) {
    let law = &d.catalog.licenses[license];
    page.row(Ink::Quiet, "words", &format!("“{}”", t.quote));
    let taken =
        d.house.positions.iter().position(|p| p.license == license && p.term == t.id && p.entry.in_force(&d.house.day));
    for r in &t.readings {
        if !r.says.is_empty() {
            let by = taken.filter(|p| d.house.positions[*p].reading == r.id);
            let by = by.map(|p| format!(" ({})", d.house.cite_position(p))).unwrap_or_default();
            page.row(Ink::Quiet, "reading", &format!("{}: {}{by}", r.id, r.says));
        }
        if !r.written.is_empty() {
            page.row(Ink::Quiet, "when", &r.written);
        }
    }
    if let Some(unless) = &t.unless_written {
        page.row(Ink::Quiet, "unless", unless);
    }
    if let Effect::Duty(duty) = &t.effect
        && let Some(wider) = &duty.arguable_written
    {
        page.row(Ink::Quiet, "arguable", wider);
    }
    let mut facts = Vec::new();
    for e in t.readings.iter().map(|r| &r.when).chain(&t.unless) {
        e.mentions(&d.catalog.facts, &mut facts);
    }
    facts.sort();
    facts.dedup();
    for f in facts {
        page.row(Ink::Quiet, "fact", &fact_words(d, f));
    }
    if let Some(note) = &t.note {
        page.row(Ink::Quiet, "note", note);
    }
    let file = match t.policy.and_then(|p| law.policies.get(p)) {
        Some(id) => match d.catalog.policy(id) {
            Some(policy) => format!("{}, item {}", policy.file, t.id),
            None => format!("{id}, item {}", t.id),
        },
        None => format!("{}, term {}", law.file, t.id),
    };
    page.row(Ink::Quiet, "rule", &file);
}

fn fact_words(d: &Dossier<'_>, id: FactId) -> String {
    let fact = d.catalog.facts.get(id);
    match (d.deployment.get(id), &fact.presumed) {
        (Some(v), _) => format!("{} = {v}", fact.name),
        (None, Some((_, says))) => format!("{}: not stated; presumed: {says}", fact.name),
        (None, None) => match work_fact(d, &fact.name) {
            Some(v) => format!("{} = {v}", fact.name),
            None => format!("{}: not stated", fact.name),
        },
    }
}

/// A fact that the graph holds of a work.
fn work_fact(d: &Dossier<'_>, name: &str) -> Option<String> {
    d.graph.works.iter().find_map(|w| {
        let (_, v) = w.facts.iter().find(|(n, _)| n == name)?;
        Some(format!("{v} ({})", w.id))
    })
}

/// How a license reaches the model: the work that stands under it, what says so, and each step with its place.
fn trail(d: &Dossier<'_>, license: &str, page: &mut Page) {
    let mut seen = BTreeSet::new();
    for l in d.assessment.licenses.iter().filter(|l| l.license == license && !l.displaced && !l.outbound) {
        if !seen.insert(l.work) || seen.len() > 6 {
            continue;
        }
        let work = &d.graph.works[l.work];
        let standing: Vec<&str> = l.standings.iter().map(|s| s.as_str()).collect();
        let standing =
            if standing.is_empty() { String::new() } else { format!("; this model is {}", standing.join(", ")) };
        page.row(Ink::Quiet, "from", &format!("{}{standing}", work.id));
        for claim in l.claims.iter().filter_map(|c| work.claims.get(*c)) {
            let text = format!("`{}` ({}), {}", claim.license, claim.basis, words::full_place(&claim.evidence));
            page.row(Ink::Quiet, "stated", &text);
        }
        for e in path(d, l.work) {
            let e = &d.graph.edges[e];
            let by = match (e.by, e.by_presumed) {
                (by, true) => format!("by {by}, presumed"),
                (by, false) => format!("by {by}"),
            };
            let text = format!(
                "{} {} {} ({by}), {}",
                d.graph.works[e.child].id,
                words::step(e.relation),
                d.graph.works[e.parent].id,
                words::full_place(&e.evidence)
            );
            page.row(Ink::Quiet, "step", &text);
        }
    }
}

/// The shortest way from the subject up to a work, as edges.
fn path(d: &Dossier<'_>, to: usize) -> Vec<usize> {
    let mut came: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = VecDeque::from([d.graph.subject]);
    while let Some(node) = open.pop_front() {
        if node == to {
            break;
        }
        for (i, e) in d.graph.edges.iter().enumerate().filter(|(_, e)| e.child == node) {
            if e.parent != d.graph.subject && !came.contains_key(&e.parent) {
                came.insert(e.parent, i);
                open.push_back(e.parent);
            }
        }
    }
    let mut out = Vec::new();
    let mut at = to;
    while let Some(e) = came.get(&at) {
        out.push(*e);
        at = d.graph.edges[*e].child;
    }
    out.reverse();
    out
}

fn finding(f: &Finding, page: &mut Page) {
    page.row(Ink::Strong, f.code.as_str(), f.code.title());
    page.row(Ink::Quiet, "here", &format!("{}: {}", f.work, f.detail));
    for e in &f.evidence {
        page.row(Ink::Quiet, "at", &words::full_place(e));
    }
    let words = f.code.explained();
    page.row(Ink::Quiet, "means", &format!("{} {} Fix: {}", words.means, words.matters, words.fix));
}

/// `LICENSE` prints every term that was weighed; `LICENSE CLAUSE` the terms of that clause.
fn clauses(d: &Dossier<'_>, code: &str, page: &mut Page) -> bool {
    let (name, clause) = match code.split_once(' ') {
        Some((name, clause)) => (name, Some(clause.trim())),
        None => (code, None),
    };
    let own = || d.catalog.licenses.iter().position(|l| l.agreement && l.id == name);
    let Some(index) = d.catalog.license_named(name).or_else(own) else { return false };
    let law = &d.catalog.licenses[index];
    let governs = d.assessment.licenses.iter().any(|l| l.license == law.id);
    let Some(clause) = clause else {
        page.row(Ink::Strong, &law.id, &law.name);
        if governs {
            trail(d, &law.id, page);
        } else {
            page.row(Ink::Quiet, "reaches", "nothing here stands under it");
        }
        return true;
    };
    let mut any = false;
    for t in law.terms.iter().filter(|t| t.clause == clause || t.id == clause) {
        if any {
            page.blank();
        }
        page.row(Ink::Strong, &format!("{} {}", law.id, t.clause), effect_word(&t.effect));
        term(d, index, t, page);
        any = true;
    }
    any
}

/// What a term does, in a word.
pub(crate) fn effect_word(e: &Effect) -> &'static str {
    match e {
        Effect::Grant(_) => "grants",
        Effect::Forbid(_) => "forbids",
        Effect::LicenseNeeded(_) => "needs a separate license",
        Effect::EndsGrant => "ends the license",
        Effect::Duty(_) => "asks for something",
        Effect::Outbound(_) => "limits your own license",
        Effect::Information(_) => "says",
    }
}

fn fact(d: &Dossier<'_>, id: FactId, page: &mut Page) {
    let def = d.catalog.facts.get(id);
    page.row(Ink::Strong, &def.name, &def.question);
    page.row(Ink::Quiet, "here", &fact_words(d, id));
    let mut cites = Vec::new();
    for l in d.assessment.limits.iter().filter(|l| l.facts.contains(&id)) {
        let clause = l.term.map_or("", |t| t.clause.as_str());
        let cite = format!("{} {clause}", d.catalog.licenses[l.license].id);
        if !cites.contains(&cite) {
            cites.push(cite);
        }
    }
    if !cites.is_empty() {
        page.row(Ink::Quiet, "read by", &cites.join(", "));
    }
}
