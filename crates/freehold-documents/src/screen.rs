//! The screen of a check: may I, what first, which clause says so, what is done already.

use std::collections::{BTreeMap, BTreeSet};

use freehold_assess::{
    Access, Certainty, FindingCode, Gap, GapKind, Governing, HouseState, HouseUse, Limit, Obligation, Question, Status,
};
use freehold_base::{Graph, Permission, Relation, Verdict};
use freehold_check::Dossier;

use crate::page::{Cell, Page, cut};
use crate::style::{Ink, Style};
use crate::words;

/// Most rows of the lineage.
const LINEAGE_MAX: usize = 8;
/// Most clauses that are quoted below the answer.
const BECAUSE_MAX: usize = 4;
/// Most findings.
const FINDINGS_MAX: usize = 6;
/// Most questions.
const QUESTIONS_MAX: usize = 2;
/// Most ways in which a text is read, on one screen.
const READINGS_MAX: usize = 3;

/// One model's screen.
pub fn screen(d: &Dossier<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    head(d, &mut page);
    lineage(d, &mut page);
    answer(d, &mut page);
    because(d, &mut page);
    licenses(d, &mut page);
    house(d, &mut page);
    obligations(d, &mut page);
    questions(d, &mut page);
    counsel(d, &mut page);
    findings(d, &mut page);
    leans_on(d, &mut page);
    next(d, &mut page);
    page.finish()
}

/// Many models: a row each, worst first, and the count.
pub fn summary_table(dossiers: &[Dossier<'_>], style: Style) -> String {
    table(dossiers, style, true)
}

/// The parts of an assembly, a line each; they lie in it, so that there is no path to type.
pub fn parts_table(dossiers: &[Dossier<'_>], style: Style) -> String {
    table(dossiers, style, false)
}

fn table(dossiers: &[Dossier<'_>], style: Style, paths: bool) -> String {
    let mut page = Page::new(style);
    let mut order: Vec<&Dossier<'_>> = dossiers.iter().collect();
    order.sort_by_cached_key(|d| (heading_rank(d), d.assessment.verdict, d.subject.id.clone()));
    let mut rows = Vec::new();
    let mut counts: BTreeMap<(u8, &str), usize> = BTreeMap::new();
    for d in &order {
        let (ink, heading, _) = answer_words(d);
        *counts.entry((heading_rank(d), heading)).or_default() += 1;
        rows.push(vec![
            Cell::ink(ink, heading),
            Cell::plain(cut(&d.subject.id, 44)),
            Cell::plain(cut(&d.assessment.verdict.to_string(), 28)),
            Cell::ink(Ink::Quiet, reason_and_place(d)),
        ]);
    }
    page.table(0, 3, &rows);
    page.blank();
    let parts: Vec<String> = counts.iter().map(|((_, h), n)| format!("{n} {}", h.to_lowercase())).collect();
    page.row(Ink::Strong, "models", &format!("{}: {}", dossiers.len(), parts.join(", ")));
    if let Some(first) = order.first().filter(|_| paths) {
        let path = if first.subject.path.is_empty() { first.subject.id.clone() } else { one_path(first) };
        page.row(Ink::Quiet, "next", &format!("freehold check {path}   for one model's screen"));
    }
    page.finish()
}

/// The path to type for one model among many.
fn one_path(d: &Dossier<'_>) -> String {
    let path = d.subject.path.trim_end_matches('/');
    if path.ends_with(&d.subject.id) || path == "." && d.subject.id == "." {
        return path.to_string();
    }
    if path == "." { d.subject.id.clone() } else { format!("{path}/{}", d.subject.id) }
}

/// [`one_reason`], and where a model is named that does not lie here.
fn reason_and_place(d: &Dossier<'_>) -> String {
    let reason = one_reason(d);
    match d.subject.path.is_empty() && d.subject.kind.starts_with("named at") {
        true => format!("{reason} · {}", d.subject.kind),
        false => reason,
    }
}

/// The one clause, gap or duty that a row of the summary has room for.
fn one_reason(d: &Dossier<'_>) -> String {
    let a = &d.assessment;
    if let Some(l) = a.limits.first().filter(|_| !a.range.is_point() || a.range.best != Permission::Permitted) {
        return limit_cite(d, l);
    }
    if let Some(g) = a.gaps.first() {
        return g.says.clone();
    }
    let governing: BTreeSet<&str> =
        a.licenses.iter().filter(|l| !l.displaced && !l.outbound).map(|l| l.license.as_str()).collect();
    governing.into_iter().collect::<Vec<_>>().join(", ")
}

fn heading_rank(d: &Dossier<'_>) -> u8 {
    match answer_words(d).1 {
        "BLOCKED" => 0,
        "OPEN" => 1,
        _ => 2,
    }
}

fn head(d: &Dossier<'_>, page: &mut Page) {
    let s = &d.subject;
    let mut about = Vec::new();
    if !s.kind.is_empty() {
        about.push(s.kind.clone());
    }
    if s.files > 0 {
        let files = if s.files == 1 { "1 file".to_string() } else { format!("{} files", s.files) };
        about.push(format!("{}, {files}, {} read", words::size(s.bytes_total), words::size(s.bytes_read)));
    }
    page.row(Ink::Strong, &s.id, &about.join(" · "));
}

/// What the subject was made from, as a tree; a work that is met again is not opened again.
fn lineage(d: &Dossier<'_>, page: &mut Page) {
    let graph = &d.graph;
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut seen = BTreeSet::new();
    seen.insert(graph.subject);
    let left = tree(graph, graph.subject, 0, &mut seen, &mut rows);
    page.table(0, 1, &rows);
    if left > 0 {
        page.line(Ink::Quiet, &format!("  … and {left} more works; --format json lists them"));
    }
}

/// Adds the parents of a work; returns how many there was no room for.
fn tree(graph: &Graph, child: usize, depth: usize, seen: &mut BTreeSet<usize>, rows: &mut Vec<Vec<Cell>>) -> usize {
    let mut left = 0;
    for e in graph.edges.iter().filter(|e| e.child == child) {
        let parent = &graph.works[e.parent];
        let new = seen.insert(e.parent);
        if rows.len() >= LINEAGE_MAX || depth > LINEAGE_MAX {
            left += usize::from(new);
            continue;
        }
        let named = parent.description.as_ref().map_or_else(
            || parent.id.clone(),
            |t| {
                if parent.id.starts_with("dataset ") { t.clone() } else { parent.id.clone() }
            },
        );
        let place = words::place(&e.evidence);
        rows.push(vec![
            Cell::ink(Ink::Quiet, format!("{}└ {}", "  ".repeat(depth), words::step(e.relation))),
            Cell::plain(named),
            Cell::ink(Ink::Quiet, if place == "case" { String::new() } else { place }),
        ]);
        if new {
            left += tree(graph, e.parent, depth + 1, seen, rows);
        }
    }
    left
}

fn answer(d: &Dossier<'_>, page: &mut Page) {
    let (ink, heading, text) = answer_words(d);
    page.row(ink, heading, &text);
    if d.assessment.access_open {
        let rows: Vec<Vec<Cell>> = d
            .assessment
            .by_access
            .iter()
            .map(|(access, _, v)| {
                vec![Cell::ink(Ink::Quiet, access.as_str()), Cell::ink(words::verdict_ink(*v), v.as_str())]
            })
            .collect();
        page.table(10, 1, &rows);
    }
}

/// The answer in one line: a word (`BLOCKED`, `OPEN`, `CLEAR`) and a sentence that begins with the verdict.
pub fn answer_line(d: &Dossier<'_>) -> (&'static str, String) {
    let (_, heading, text) = answer_words(d);
    (heading, text)
}

/// A duty in one line: `license copy: recipients get a copy of the license text`.
pub fn duty_line(d: &Dossier<'_>, o: &Obligation<'_>) -> String {
    let name = d.graph.works[d.graph.subject].name.as_deref();
    format!("{}: {}", words::duty_title(d.catalog, o.code), words::duty_says(d.catalog, o, name))
}

/// The answer: color, one word, a sentence.
pub(crate) fn answer_words(d: &Dossier<'_>) -> (Ink, &'static str, String) {
    let a = &d.assessment;
    let verdict = a.verdict.as_str();
    let act = act_words(d);
    let lacks = lacks(d);
    match a.verdict {
        Verdict::Prohibited => (Ink::Bad, "BLOCKED", format!("{verdict}: the terms do not let you {act}")),
        Verdict::NeedsSeparateLicense => {
            (Ink::Bad, "BLOCKED", format!("{verdict}: you may not {act} without a license from {}", licensor(d)))
        }
        Verdict::Undetermined => {
            let open = open_words(d);
            match lacks {
                Some(lacks) => (Ink::Bad, "BLOCKED", format!("{verdict}: {lacks}; and {open}")),
                None => (Ink::Open, "OPEN", format!("{verdict}: whether you may {act} is open; {open}")),
            }
        }
        Verdict::NeedsReview => {
            let why = "counsel settles it";
            match lacks {
                Some(lacks) => (Ink::Bad, "BLOCKED", format!("{verdict}: {lacks}; and {}, {why}", review_words(d))),
                None => {
                    let text = format!("{verdict}: whether you may {act} is open; {}, {why}", review_words(d));
                    (Ink::Open, "OPEN", text)
                }
            }
        }
        Verdict::PermittedWithObligations | Verdict::Permitted => match lacks {
            Some(lacks) => (Ink::Bad, "BLOCKED", format!("{verdict}: the terms let you {act}, but {lacks}")),
            None => (Ink::Good, "CLEAR", format!("{verdict}: the terms let you {act}{}", duties_words(d))),
        },
    }
}

fn act_words(d: &Dossier<'_>) -> String {
    if d.assessment.access_open {
        return "use and ship this".into();
    }
    let acts: Vec<&str> = d.assessment.by_access.iter().map(|(a, _, _)| words::act(*a)).collect();
    acts.join(" and ")
}

fn owed<'d, 'c>(d: &'d Dossier<'c>) -> impl Iterator<Item = &'d Obligation<'c>> {
    d.assessment.obligations.iter().filter(|o| o.certainty == Certainty::Owed)
}

/// `dist/ lacks three of the five things you owe`, where it does.
fn lacks(d: &Dossier<'_>) -> Option<String> {
    let outgoing = d.outgoing.as_ref()?;
    let unmet = owed(d).filter(|o| o.status == Status::Unmet).count();
    if unmet == 0 {
        return None;
    }
    let all = owed(d).count();
    let path = if outgoing.path.is_empty() { "the release" } else { outgoing.path.as_str() };
    Some(match (unmet, all) {
        (1, 1) => format!("{path} lacks the one thing you owe"),
        (2, 2) => format!("{path} lacks both things you owe"),
        (n, all) if n == all => format!("{path} lacks all {} things you owe", words::count(all)),
        (n, all) => format!("{path} lacks {} of the {} things you owe", words::count(n), words::count(all)),
    })
}

fn duties_words(d: &Dossier<'_>) -> String {
    let n = owed(d).count();
    let attest = owed(d).filter(|o| o.status == Status::ToAttest).count();
    let perhaps = d.assessment.obligations.iter().filter(|o| o.certainty == Certainty::Conditional).count();
    let mut out = match (n, d.outgoing.as_ref()) {
        (0, _) if perhaps > 0 => "; what you owe hangs on facts that are not stated".to_string(),
        (0, _) => ", and you owe nothing for it".to_string(),
        (n, None) => format!("; you owe {} for it", things(n)),
        (n, Some(o)) => {
            let path = if o.path.is_empty() { "the release" } else { o.path.as_str() };
            if attest == n {
                format!("; of the {} you owe, a person attests each", things(n))
            } else {
                format!(", and {path} holds what you owe")
            }
        }
    };
    if d.outgoing.is_some() && attest > 0 && attest < n {
        out.push_str(&format!("; {} for a person to attest", things(attest)));
    }
    out
}

fn things(n: usize) -> String {
    if n == 1 { "one thing".into() } else { format!("{} things", words::count(n)) }
}

fn open_words(d: &Dossier<'_>) -> String {
    if d.assessment.gaps.iter().any(|g| g.kind == GapKind::Fact && g.term.is_none() && g.license.is_empty())
        && !d.assessment.access_open
    {
        return "nothing says what its author grants: ask, or find the license at its source".into();
    }
    match d.questions.len() {
        0 => "a fact is missing".into(),
        1 => "one fact settles it".into(),
        n => format!("{} facts settle it", words::count(n)),
    }
}

fn review_words(d: &Dossier<'_>) -> &'static str {
    let kinds: BTreeSet<GapKind> = d.assessment.gaps.iter().map(|g| g.kind).collect();
    if kinds.contains(&GapKind::Text) {
        "a text that decides was read by nobody here"
    } else if kinds.contains(&GapKind::Dispute) {
        "the statements about its license differ"
    } else {
        "the text bears two readings"
    }
}

/// Who could grant more.
fn licensor(d: &Dossier<'_>) -> String {
    let mut names: Vec<String> = Vec::new();
    for l in d.assessment.limits.iter().filter(|l| l.to <= Permission::NeedsSeparateLicense) {
        let law = &d.catalog.licenses[l.license];
        let text = match &law.contact {
            Some(contact) => format!("{} ({contact})", law.licensor),
            None => law.licensor.clone(),
        };
        if !names.contains(&text) {
            names.push(text);
        }
    }
    if names.is_empty() { "its licensor".into() } else { names.join(" and ") }
}

/// The clause that a limit rests on, as it is cited.
pub fn limit_cite(d: &Dossier<'_>, l: &Limit<'_>) -> String {
    let law = &d.catalog.licenses[l.license];
    match l.term {
        Some(t) => format!("{} {}", law.id, t.clause),
        None => format!("{} grants no {}", law.id, l.act.map_or("such act", |a| a.as_str())),
    }
}

/// The clauses that limit the outcome, with their words and the facts that made them bite.
fn because(d: &Dossier<'_>, page: &mut Page) {
    let a = &d.assessment;
    if a.range.is_point() && a.range.best == Permission::Permitted {
        return;
    }
    let decides =
        |l: &&Limit<'_>| if a.range.is_point() { l.sure && l.to == a.range.worst } else { l.to < a.range.best };
    let mut seen = BTreeSet::new();
    // clauses that hang on the same facts are one line
    let mut groups: Vec<(String, Vec<&Limit<'_>>)> = Vec::new();
    for l in a.limits.iter().filter(decides) {
        if !seen.insert(limit_cite(d, l)) {
            continue;
        }
        let facts = facts_words(d, &l.facts);
        match groups.iter_mut().find(|(f, _)| *f == facts && !f.is_empty()) {
            Some((_, list)) => list.push(l),
            None => groups.push((facts, vec![l])),
        }
    }
    let left = groups.len().saturating_sub(BECAUSE_MAX);
    groups.truncate(BECAUSE_MAX);
    let rows: Vec<String> = groups.iter().map(|(facts, list)| because_words(d, facts, list)).collect();
    for (i, text) in rows.iter().enumerate() {
        page.row(Ink::Quiet, if i == 0 { "because" } else { "" }, text);
    }
    if left > 0 {
        page.row(Ink::Quiet, "", &format!("… and {left} more clauses; freehold why verdict lists them"));
    }
}

/// Clauses that rest on the same facts: one with its words, several by number.
fn because_words(d: &Dossier<'_>, facts: &str, list: &[&Limit<'_>]) -> String {
    let facts = if facts.is_empty() { String::new() } else { format!("  ({facts})") };
    match list {
        [one] => match one.term {
            Some(t) => {
                let by =
                    one.position.map(|p| format!("  (as read by {})", d.house.cite_position(p))).unwrap_or_default();
                format!("{}  “{}”{facts}{by}", limit_cite(d, one), t.quote)
            }
            None => format!("{}{facts}", limit_cite(d, one)),
        },
        many => {
            let shown: Vec<String> = many.iter().take(3).map(|l| limit_cite(d, l)).collect();
            let more = many.len().saturating_sub(3);
            let more = if more > 0 { format!(" and {more} more clauses") } else { String::new() };
            format!("{}{more}{facts}", shown.join(", "))
        }
    }
}

/// `organization.country = DE, use.commercial not stated`.
fn facts_words(d: &Dossier<'_>, facts: &[freehold_catalog::FactId]) -> String {
    let mut out: Vec<String> = Vec::new();
    for id in facts {
        let fact = d.catalog.facts.get(*id);
        let text = match d.deployment.get(*id) {
            Some(v) => format!("{} = {v}", fact.name),
            None if fact.presumed.is_some() => continue,
            None if fact.origin != freehold_catalog::FactOrigin::Stated => continue,
            None => format!("{} not stated", fact.name),
        };
        if !out.contains(&text) {
            out.push(text);
        }
    }
    if out.len() > 4 {
        let more = out.len() - 3;
        out.truncate(3);
        out.push(format!("{more} more"));
    }
    out.join(", ")
}

/// What governs, and what was looked at and does not.
fn licenses(d: &Dossier<'_>, page: &mut Page) {
    let a = &d.assessment;
    type Key<'k> = (bool, &'k str, &'k str);
    let mut governs: Vec<(Key<'_>, Vec<&Governing>)> = Vec::new();
    for l in a.licenses.iter().filter(|l| !l.displaced && !l.outbound && !l.beyond) {
        let key = (l.code_only, l.license.as_str(), l.edition.as_str());
        match governs.iter_mut().find(|(k, _)| *k == key) {
            Some((_, list)) => list.push(l),
            None => governs.push((key, vec![l])),
        }
    }
    for (i, ((code_only, id, edition), list)) in governs.iter().enumerate() {
        if id.is_empty() {
            let works: Vec<&str> = list.iter().map(|l| d.graph.works[l.work].id.as_str()).collect();
            let text =
                format!("nothing that is stated: no file and no catalog says under what {} stands", works.join(", "));
            page.row(Ink::Open, if i == 0 { "governs" } else { "" }, &text);
            continue;
        }
        let agreed = list.iter().any(|l| l.agreement.is_some());
        // a tag may say what it likes: an agreement is one only where the engine says so
        let name = match d.catalog.license(id).filter(|l| l.agreement == agreed) {
            Some(law) => words::license_name(law, edition),
            None => format!("{id} (not in the catalog in law)"),
        };
        let mut text = format!("{name}  {}", from_words(d, list));
        if *code_only {
            text.push_str("; about the code alone");
        }
        page.row(Ink::Quiet, if i == 0 { "governs" } else { "" }, text.trim_end());
    }
    let mut first = true;
    let mut seen = BTreeSet::new();
    for l in a.licenses.iter().filter(|l| l.displaced || l.outbound || l.beyond) {
        // the same statement, told once by whoever made the layer
        let told = |o: &&Governing| o.outbound && o.work == l.work && (l.claims.is_empty() || o.claims == l.claims);
        if !l.outbound && a.licenses.iter().any(|o| told(&o)) {
            continue;
        }
        let text = set_aside(d, l);
        if seen.insert(text.clone()) {
            page.row(Ink::Quiet, if first { "not" } else { "" }, &text);
            first = false;
        }
    }
}

/// `from meta-llama/Llama-3.1-8B-Instruct: the publisher's terms for this model`.
fn from_words(d: &Dossier<'_>, list: &[&Governing]) -> String {
    let mut works: Vec<&str> = Vec::new();
    let mut basis: Vec<String> = Vec::new();
    for l in list {
        let work = &d.graph.works[l.work];
        if !works.contains(&work.id.as_str()) {
            works.push(&work.id);
        }
        for claim in l.claims.iter().filter_map(|c| work.claims.get(*c)) {
            let text = words::basis(claim);
            if !basis.contains(&text) {
                basis.push(text);
            }
        }
    }
    let subject = d.graph.works[d.graph.subject].id.as_str();
    let more = works.len().saturating_sub(3);
    works.truncate(3);
    let mut from = match works.as_slice() {
        [one] if *one == subject => "this model's own".to_string(),
        list => format!("from {}", list.join(", ")),
    };
    if more > 0 {
        from.push_str(&format!(" and {more} more"));
    }
    basis.truncate(2);
    if list.iter().any(|l| l.agreement.is_some()) {
        basis.push("as agreed".into());
    }
    if basis.is_empty() { from } else { format!("{from}: {}", basis.join(", ")) }
}

fn set_aside(d: &Dossier<'_>, l: &Governing) -> String {
    let work = &d.graph.works[l.work];
    let claim = l.claims.first().and_then(|c| work.claims.get(*c));
    let place = claim.map(words::basis).unwrap_or_default();
    let name = if l.license.is_empty() { "no license" } else { l.license.as_str() };
    let of = if l.work == d.graph.subject { String::new() } else { format!(" of {}", work.id) };
    if let Some(index) = l.agreement {
        return format!("{name}{of}: {} stands in its place", d.house.cite_agreement(index));
    }
    if l.beyond {
        return format!("{name}{of}: its terms do not reach this model");
    }
    if l.outbound {
        return format!("{name}, {place}{of}: your own choice for your own layer; it lifts nothing from a base");
    }
    let why = d.assessment.findings.iter().find(|f| f.work == work.id && is_about_claims(f.code));
    let why = match why.map(|f| f.code) {
        Some(FindingCode::MorePermissiveThanUpstream) => "a tag cannot lift the terms of what it was made from",
        Some(FindingCode::WrongVersion) => "it names another version than the base's",
        Some(FindingCode::NameSaysMitTextIsNot) => "it is called that, and the text is another",
        Some(FindingCode::DiffersFromUpstream) => "the publisher's own terms come first",
        _ if d.assessment.elections.iter().any(|e| e.work == l.work && e.taken != l.license) => {
            "offered as a choice, not chosen"
        }
        _ => "set aside",
    };
    if place.is_empty() { format!("{name}{of}: {why}") } else { format!("{name}, {place}{of}: {why}") }
}

/// Findings that a `not` row says already.
fn is_about_claims(code: FindingCode) -> bool {
    matches!(
        code,
        FindingCode::MorePermissiveThanUpstream
            | FindingCode::WrongVersion
            | FindingCode::NameSaysMitTextIsNot
            | FindingCode::DiffersFromUpstream
    )
}

/// Most entries of the house.
const HOUSE_MAX: usize = 6;

/// What of the house's own law the answer rests on, and what of it fell away.
fn house(d: &Dossier<'_>, page: &mut Page) {
    let told: Vec<&HouseUse> = d.assessment.house.iter().filter(|u| words::house_is_told(u)).collect();
    for (i, u) in told.iter().take(HOUSE_MAX).enumerate() {
        let ink = if u.state == HouseState::Applied { Ink::Quiet } else { Ink::Open };
        page.row(ink, if i == 0 { "house" } else { "" }, &u.says);
    }
    if told.len() > HOUSE_MAX {
        page.row(Ink::Quiet, "", &format!("… and {} more; --format json lists them", told.len() - HOUSE_MAX));
    }
}

fn obligations(d: &Dossier<'_>, page: &mut Page) {
    let a = &d.assessment;
    if a.obligations.is_empty() || matches!(a.verdict, Verdict::Prohibited) {
        return;
    }
    let name = d.graph.works[d.graph.subject].name.as_deref();
    let accesses: Vec<Access> = if a.access_open { Vec::new() } else { a.by_access.iter().map(|x| x.0).collect() };
    let groups = [
        (Certainty::Owed, "you owe"),
        (Certainty::Conditional, "you may owe, depending on what is not stated"),
        (Certainty::Arguable, "arguable: one reading of the text asks for it"),
    ];
    for (certainty, title) in groups {
        let list: Vec<&Obligation<'_>> = a.obligations.iter().filter(|o| o.certainty == certainty).collect();
        if list.is_empty() {
            continue;
        }
        let to = words::recipients(&accesses);
        let title = if certainty == Certainty::Owed && !to.is_empty() && accesses != [Access::Internal] {
            format!("{title}, {to}")
        } else {
            title.to_string()
        };
        page.line(Ink::Strong, &title);
        let rows: Vec<Vec<Cell>> = list.iter().map(|o| duty_row(d, o, name)).collect();
        page.table(2, 1, &rows);
    }
}

fn duty_row(d: &Dossier<'_>, o: &Obligation<'_>, name: Option<&str>) -> Vec<Cell> {
    let (ink, status) = words::status(&d.house, o);
    let mut says = words::duty_says(d.catalog, o, name);
    if o.certainty == Certainty::Conditional {
        let facts = facts_words(d, &o.facts);
        if !facts.is_empty() {
            says.push_str(&format!(" ({facts})"));
        }
    }
    if o.upstream {
        says.push_str(" (an earlier author's duty)");
    }
    let cite = o.sources.first().map(|s| {
        let more = o.sources.iter().map(|s| s.license).collect::<BTreeSet<_>>().len() - 1;
        let id = &d.catalog.licenses[s.license].id;
        if more > 0 { format!("{id} {} +{more}", s.term.clause) } else { format!("{id} {}", s.term.clause) }
    });
    vec![
        Cell::plain(words::duty_title(d.catalog, o.code)),
        Cell::plain(says),
        Cell::ink(Ink::Quiet, cut(&cite.unwrap_or_default(), 30)),
        Cell::ink(ink, cut(&status, 48)),
    ]
}

fn questions(d: &Dossier<'_>, page: &mut Page) {
    for q in d.questions.iter().take(QUESTIONS_MAX) {
        let fact = d.catalog.facts.get(q.fact);
        let cites = if q.asked_by.is_empty() {
            String::new()
        } else {
            let more = q.asked_by.len().saturating_sub(3);
            let list = q.asked_by.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            if more > 0 { format!("  ({list} and {more} more)") } else { format!("  ({list})") }
        };
        page.row(Ink::Open, "question", &format!("{}{cites}", fact.question));
        for line in answer_lines(q) {
            page.row(Ink::Quiet, "", &line);
        }
    }
    if d.questions.len() > QUESTIONS_MAX {
        let n = d.questions.len() - QUESTIONS_MAX;
        page.row(
            Ink::Quiet,
            "",
            &format!("{} more may follow; freehold check --ask asks them in turn", words::count(n)),
        );
    }
}

/// Answers that lead to the same outcome share a line.
fn answer_lines(q: &Question) -> Vec<String> {
    let mut groups: Vec<(Verdict, Vec<&str>)> = Vec::new();
    for a in &q.answers {
        match groups.iter_mut().find(|(v, _)| *v == a.verdict) {
            Some((_, list)) => list.push(&a.says),
            None => groups.push((a.verdict, vec![&a.says])),
        }
    }
    groups
        .into_iter()
        .map(|(v, mut list)| {
            // none at all is less than any limit
            if list.iter().any(|a| a.starts_with("up to ")) {
                list.retain(|a| *a != "none");
            }
            let more = list.len().saturating_sub(5);
            let shown = list.iter().take(5).copied().collect::<Vec<_>>().join(", ");
            let shown = if more > 0 { format!("{shown} and {more} more") } else { shown };
            format!("{shown} → {v}")
        })
        .collect()
}

/// What only counsel can settle: the readings of a clause, statements that differ, texts that nobody has read.
fn counsel(d: &Dossier<'_>, page: &mut Page) {
    let open: Vec<&Gap<'_>> = d.assessment.gaps.iter().filter(|g| g.kind != GapKind::Fact).collect();
    let mut first = true;
    for g in open.iter().take(READINGS_MAX) {
        let text = match g.term {
            Some(t) => format!("{} {}  “{}”", g.license, t.clause, t.quote),
            None => g.says.clone(),
        };
        page.row(if first { Ink::Open } else { Ink::Quiet }, if first { "counsel" } else { "" }, &text);
        first = false;
        for (id, says) in &g.readings {
            page.row(Ink::Quiet, "", &if id.is_empty() { format!("– {says}") } else { format!("– {id}: {says}") });
        }
    }
    if open.len() > READINGS_MAX {
        page.row(Ink::Quiet, "", &format!("… and {} more; --format json lists them", open.len() - READINGS_MAX));
    }
}

fn findings(d: &Dossier<'_>, page: &mut Page) {
    let a = &d.assessment;
    let said: BTreeSet<&str> =
        a.licenses.iter().filter(|l| l.displaced || l.outbound).map(|l| d.graph.works[l.work].id.as_str()).collect();
    let rows: Vec<_> =
        a.findings.iter().filter(|f| !(is_about_claims(f.code) && said.contains(f.work.as_str()))).collect();
    for (i, f) in rows.iter().take(FINDINGS_MAX).enumerate() {
        let place = f.evidence.first().map(words::place).filter(|p| !p.is_empty() && p != "case");
        let place = place.map(|p| format!("  {p}")).unwrap_or_default();
        page.row(
            if i == 0 { Ink::Open } else { Ink::Quiet },
            if i == 0 { "note" } else { "" },
            &format!("{}: {}{place}", f.code.as_str(), f.detail),
        );
    }
    if rows.len() > FINDINGS_MAX {
        page.row(Ink::Quiet, "", &format!("… and {} more; --format json lists them", rows.len() - FINDINGS_MAX));
    }
    for (i, m) in d.diagnostics.iter().take(FINDINGS_MAX).enumerate() {
        let file = m.label.as_ref().map(|l| format!("{}: ", l.file)).unwrap_or_default();
        page.row(Ink::Open, if i == 0 { "unread" } else { "" }, &format!("{file}{}", m.message));
    }
}

fn leans_on(d: &Dossier<'_>, page: &mut Page) {
    let assumed: Vec<&str> = d.assessment.assumptions.iter().map(|a| a.says.as_str()).collect();
    if !assumed.is_empty() {
        page.row(Ink::Quiet, "assumed", &assumed.join("; "));
    }
    if !d.not_read.is_empty() {
        page.row(Ink::Quiet, "not read", &d.not_read.join("; "));
    }
}

/// What to type next.
fn next(d: &Dossier<'_>, page: &mut Page) {
    let a = &d.assessment;
    let what = if d.subject.path.is_empty() { "." } else { d.subject.path.as_str() };
    let mut next: Vec<String> = Vec::new();
    if let Some(o) = owed(d).find(|o| o.status == Status::Unmet) {
        next.push(format!("freehold why {} {what}", o.code));
    }
    if let Some(q) = d.questions.first() {
        let fact = d.catalog.facts.get(q.fact);
        if fact.name == "use.access" {
            next.push(format!("freehold check {what} --access embedded-product"));
        } else if fact.name == "subject.made_by" {
            next.push(format!("freehold check {what} --made-by third-party"));
        } else {
            next.push(format!("freehold check {what} --ask"));
        }
    }
    match a.verdict {
        Verdict::Prohibited | Verdict::NeedsSeparateLicense | Verdict::NeedsReview => {
            next.push(format!("freehold why verdict {what}"));
            let trained = d.graph.edges.iter().any(|e| {
                e.child == d.graph.subject
                    && !e.is_loop()
                    && !matches!(e.relation, Relation::TrainedOnData | Relation::OutputsOf)
            });
            if trained {
                next.push(format!("freehold what-if {what} --swap-base MODEL"));
            }
        }
        _ if d.outgoing.is_none() && owed(d).any(|o| o.status == Status::Unknown) => {
            next.push(format!("freehold check {what} --release DIR"));
        }
        _ => {}
    }
    if next.len() < 2 {
        next.push(format!("freehold what-if {what} --access {}", another_access(d)));
    }
    page.row(Ink::Quiet, "next", &next.join("   ·   "));
}

fn another_access(d: &Dossier<'_>) -> &'static str {
    let stated: Vec<Access> = d.assessment.by_access.iter().map(|x| x.0).collect();
    if stated.contains(&Access::HostedApp) || d.assessment.access_open { "weights" } else { "hosted-app" }
}
