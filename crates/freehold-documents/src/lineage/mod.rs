//! The lineage: a tree for a terminal, a picture, a Mermaid diagram. Each says of every step what it is, who took it and
//! where that stands, and of every work what it stands under. No verdict.

mod layout;
mod mermaid;
mod svg;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use freehold_base::{Basis, By, Evidence, MadeBy, WorkKind};
use freehold_catalog::Catalog;
use freehold_check::{Lineage, LineageStep, LineageTerm, LineageWork, Maker, Role};

use crate::page::columns;
use crate::style::{Ink, Style, clean};
use crate::words;

pub use mermaid::lineage_mermaid;
pub use svg::lineage_svg;

/// Most steps of indentation; what is deeper goes on below, from the left.
const DEPTH_MAX: usize = 10;
/// Most columns of a name.
const NAME_MAX: usize = 120;
/// Most names of a list in a sentence.
const LIST_MAX: usize = 12;
/// Most places of one step.
const PLACES_MAX: usize = 4;

/// The lineage as a tree.
pub fn lineage_text(lineage: &Lineage, catalog: &Catalog, style: Style) -> String {
    let parents = parents_of(lineage);
    let mut tree = Tree {
        lineage,
        catalog,
        style,
        numbers: numbers(lineage),
        parents,
        opened: vec![false; lineage.works.len()],
        later: VecDeque::new(),
        out: String::new(),
    };
    tree.everything();
    tree.summary();
    tree.out
}

/// Steps up from each work, as indices.
fn parents_of(lineage: &Lineage) -> Vec<Vec<usize>> {
    let mut parents = vec![Vec::new(); lineage.works.len()];
    for (i, step) in lineage.steps.iter().enumerate() {
        parents[step.child].push(i);
    }
    parents
}

/// Works that are named more than once get a number to be referred to by.
fn numbers(lineage: &Lineage) -> BTreeMap<usize, usize> {
    let mut times = vec![0usize; lineage.works.len()];
    for subject in &lineage.subjects {
        times[*subject] += 1;
    }
    for step in &lineage.steps {
        times[step.parent] += 1;
    }
    times.iter().enumerate().filter(|(_, n)| **n > 1).enumerate().map(|(k, (w, _))| (w, k + 1)).collect()
}

/// Steps that wait for their turn.
struct Frame {
    work: usize,
    /// What stands before the lines of its parents.
    prefix: String,
    next: usize,
}

struct Tree<'a> {
    lineage: &'a Lineage,
    catalog: &'a Catalog,
    style: Style,
    numbers: BTreeMap<usize, usize>,
    parents: Vec<Vec<usize>>,
    opened: Vec<bool>,
    /// Works that stand too deep and go on below.
    later: VecDeque<usize>,
    out: String,
}

impl Tree<'_> {
    fn everything(&mut self) {
        for subject in self.lineage.subjects.clone() {
            // what another subject was made from is open already
            if !self.opened[subject] {
                self.root(subject, "");
            }
        }
        self.rest();
        let mut made_from = vec![false; self.opened.len()];
        for step in &self.lineage.steps {
            made_from[step.parent] = true;
        }
        let apart: Vec<usize> = (0..self.opened.len()).filter(|w| !made_from[*w]).collect();
        for work in apart.into_iter().chain(0..self.opened.len()) {
            if !self.opened[work] {
                self.root(work, "named, and nothing that was asked about was made from it");
                self.rest();
            }
        }
    }

    fn rest(&mut self) {
        while let Some(work) = self.later.pop_front() {
            if !self.opened[work] {
                self.root(work, "continued from above");
            }
        }
    }

    fn root(&mut self, work: usize, note: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let number = self.number(work);
        let mut tags = tags(&self.lineage.works[work]);
        tags.extend((!note.is_empty()).then(|| note.to_string()));
        let name = name(&self.lineage.works[work]);
        self.head("", "", &[(Ink::Strong, &name), (Ink::Quiet, &number)], &tags.join(" · "));
        self.walk(work);
    }

    /// Prints a work's details and everything above it.
    fn walk(&mut self, root: usize) {
        self.opened[root] = true;
        self.details(root, "");
        let mut frames = vec![Frame { work: root, prefix: String::new(), next: 0 }];
        let mut on: BTreeSet<usize> = BTreeSet::from([root]);
        while let Some(frame) = frames.last_mut() {
            let list = &self.parents[frame.work];
            let Some(&step) = list.get(frame.next) else {
                on.remove(&frame.work);
                frames.pop();
                continue;
            };
            frame.next += 1;
            let last = frame.next == list.len();
            let prefix = frame.prefix.clone();
            let below = format!("{prefix}{}", if last { "   " } else { "│  " });
            let depth = frames.len();
            if self.step(step, (&prefix, &below), last, depth, &on) {
                let parent = self.lineage.steps[step].parent;
                on.insert(parent);
                frames.push(Frame { work: parent, prefix: below, next: 0 });
            }
        }
    }

    /// Prints a step; true where its parent is opened.
    fn step(&mut self, at: usize, prefix: (&str, &str), last: bool, depth: usize, on: &BTreeSet<usize>) -> bool {
        let lineage = self.lineage;
        let step = &lineage.steps[at];
        let parent = &lineage.works[step.parent];
        let branch = format!("{}{} ", prefix.0, if last { "└─" } else { "├─" });
        let (cycle, seen) = (on.contains(&step.parent), self.opened[step.parent]);
        let deep = !seen && depth > DEPTH_MAX;
        if deep && !self.numbers.contains_key(&step.parent) {
            let number = self.numbers.len() + 1;
            self.numbers.insert(step.parent, number);
        }
        let name = name(parent);
        let number = self.number(step.parent);
        let ink = if parent.unresolved { Ink::Open } else { Ink::Plain };
        let relation = format!("{} ", words::step(step.relation));
        let mut parts = vec![(Ink::Quiet, relation.as_str()), (ink, name.as_str()), (Ink::Quiet, number.as_str())];
        let mut notes = Vec::new();
        if step.child == step.parent {
            parts.push((Ink::Bad, "  cycle: named as made from itself"));
        } else if cycle {
            parts.push((Ink::Bad, "  cycle: this leads back to it"));
        } else if seen {
            notes.push("see above".to_string());
        } else if deep {
            self.later.push_back(step.parent);
            notes.push("goes on below".to_string());
        } else {
            notes = tags(parent);
        }
        self.head(&branch, prefix.1, &parts, &notes.join(" · "));
        let open = !seen && !deep;
        let bar = if open && !self.parents[step.parent].is_empty() { "│ " } else { "  " };
        let inner = format!("{}{bar}", prefix.1);
        self.row(&inner, "step", Ink::Plain, &step_says(step));
        if open {
            self.opened[step.parent] = true;
            self.details(step.parent, prefix.1);
        }
        open
    }

    fn number(&self, work: usize) -> String {
        self.numbers.get(&work).map(|n| format!(" [{n}]")).unwrap_or_default()
    }

    /// What a work stands under and where it lies.
    fn details(&mut self, work: usize, prefix: &str) {
        let w = &self.lineage.works[work];
        let bar = if self.parents[work].is_empty() { "  " } else { "│ " };
        let inner = format!("{prefix}{bar}");
        if let Some(about) = w.work.description.as_ref().filter(|d| !w.id.starts_with("dataset ") || **d != w.id) {
            self.row(&inner, "is", Ink::Plain, about);
        }
        if w.unresolved {
            let why = match w.work.kind {
                WorkKind::Model => "the catalog does not know it, and no file of it is here",
                _ => "no file of it is here, and nothing is said of it",
            };
            let from = place(&w.work.evidence);
            self.row(&inner, "not found", Ink::Open, &format!("{why}; named in {from}"));
            return;
        }
        let mut label = "license";
        for term in &w.terms {
            let ink = if term.license.is_empty() { Ink::Open } else { Ink::Plain };
            self.row(&inner, label, ink, &term_says(w, term, self.catalog));
            label = "";
        }
        if w.terms.is_empty() {
            let text = if self.parents[work].is_empty() {
                "nothing is said of it"
            } else {
                "nothing is said of its own layer: what it was made from binds"
            };
            self.row(&inner, label, Ink::Quiet, text);
        }
    }

    /// A line of parts, and notes behind them or, where there is no room, below.
    fn head(&mut self, branch: &str, below: &str, parts: &[(Ink, &str)], notes: &str) {
        let mut at = columns(branch);
        self.out.push_str(&self.style.paint(Ink::Quiet, branch));
        for (ink, text) in parts {
            let text = one_line(text);
            at += columns(&text);
            self.out.push_str(&self.style.paint(*ink, &text));
        }
        let notes = &one_line(notes);
        if !notes.is_empty() && at + 2 + columns(notes) <= self.style.width {
            self.out.push_str("  ");
            self.out.push_str(&self.style.paint(Ink::Quiet, notes));
            self.out.push('\n');
            return;
        }
        self.out.push('\n');
        if !notes.is_empty() {
            self.wrapped(below, "  ", Ink::Quiet, notes);
        }
    }

    /// A label and text beside it, below a branch.
    fn row(&mut self, prefix: &str, label: &str, ink: Ink, text: &str) {
        self.wrapped(prefix, &format!("{label:<10}"), ink, text);
    }

    fn wrapped(&mut self, prefix: &str, label: &str, ink: Ink, text: &str) {
        let room = self.style.width.saturating_sub(columns(prefix) + columns(label)).max(24);
        let options = textwrap::Options::new(room)
            .break_words(false)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
        let text = one_line(text);
        let mut label = label.to_string();
        for line in textwrap::wrap(&text, options) {
            self.out.push_str(&self.style.paint(Ink::Quiet, prefix));
            self.out.push_str(&self.style.paint(Ink::Quiet, &label));
            self.out.push_str(&self.style.paint(ink, &line));
            self.out.push('\n');
            label = " ".repeat(columns(&label));
        }
    }

    fn summary(&mut self) {
        let lineage = self.lineage;
        self.out.push('\n');
        let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let text =
            format!("{}, {}", count(lineage.works.len(), "work", "works"), count(lineage.steps.len(), "step", "steps"));
        self.wrapped("", "lineage   ", Ink::Plain, &text);
        let lost: Vec<usize> = (0..lineage.works.len()).filter(|w| lineage.works[*w].unresolved).collect();
        if !lost.is_empty() {
            let text = list(lineage, &lost);
            self.wrapped("", "not found ", Ink::Open, &text);
        }
        for cycle in &lineage.cycles {
            self.wrapped("", "cycle     ", Ink::Bad, &cycle_says(lineage, cycle));
        }
        for d in &lineage.diagnostics {
            let file = d.label.as_ref().map(|l| format!("{}: ", l.file)).unwrap_or_default();
            self.wrapped("", "unread    ", Ink::Open, &format!("{file}{}", d.message));
        }
    }
}

/// The works of a list, by name.
fn list(lineage: &Lineage, works: &[usize]) -> String {
    let names: Vec<String> = works.iter().take(LIST_MAX).map(|w| name(&lineage.works[*w])).collect();
    let more = works.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

fn cycle_says(lineage: &Lineage, cycle: &[usize]) -> String {
    match cycle {
        [one] => format!("{} is named as made from itself", name(&lineage.works[*one])),
        many => format!("{} are named as made from each other", list(lineage, many)),
    }
}

/// Cuts a text to columns, with an ellipsis; marks that stand on a letter count as far as they are allowed to.
fn cut(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut at = 0;
    // a letter may carry a mark or two, not thousands
    for (i, c) in text.chars().enumerate() {
        let wide = columns(c.encode_utf8(&mut [0; 4]));
        if at + wide > width || i >= width * 3 {
            while at >= width {
                let Some(last) = out.pop() else { break };
                at -= columns(last.encode_utf8(&mut [0; 4]));
            }
            return format!("{}…", out.trim_end());
        }
        at += wide;
        out.push(c);
    }
    out
}

/// A work's name on one line: its id, and its own name where that says more.
fn name(w: &LineageWork) -> String {
    let id = cut(&one_line(&w.id), NAME_MAX);
    match &w.work.name {
        Some(own) if *own != w.id => format!("{id} “{}”", cut(&one_line(own), NAME_MAX)),
        _ => id,
    }
}

/// Cleaned of what a terminal or a reader of markup would obey, on one line.
fn one_line(text: &str) -> String {
    // beside what `clean` replaces: separators of lines and paragraphs, and what XML does not allow
    let hostile =
        |c: char| matches!(c, '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}');
    let spaced: String = text.chars().map(|c| if c == '\n' || c == '\r' { ' ' } else { c }).collect();
    clean(&spaced).chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// What a work is and whose, in a few words.
fn tags(w: &LineageWork) -> Vec<String> {
    let mut out = Vec::new();
    if w.work.kind != WorkKind::Model {
        out.push(w.work.kind.as_str().to_string());
    }
    if let Some((path, about)) = &w.subject {
        out.extend((!about.is_empty()).then(|| about.clone()));
        out.extend((!path.is_empty() && *path != w.id).then(|| format!("in {path}")));
    }
    out.push(
        match w.work.made_by {
            Some(MadeBy::Organization) => "ours",
            Some(MadeBy::ThirdParty) => "third party",
            None => "maker not stated",
        }
        .to_string(),
    );
    if w.work.known && w.work.claims.iter().any(|c| c.basis == Basis::Catalog) {
        out.push("in the catalog".to_string());
    }
    out
}

/// Where a statement stands: `README.md:3`, `model.gguf:general.license@120-131`, `catalog/models/acme.toml:acme/base`.
fn place(e: &Evidence) -> String {
    let mut out = e.file.clone();
    match (e.line, e.key.is_empty()) {
        (Some(line), true) => out.push_str(&format!(":{line}")),
        (Some(line), false) => out.push_str(&format!(":{line} {}", e.key)),
        (None, false) => out.push_str(&format!(":{}", e.key)),
        (None, true) => {}
    }
    if let (None, Some((from, to))) = (e.line, e.bytes) {
        out.push_str(&format!("@{from}-{to}"));
    }
    one_line(&out)
}

/// Who took a step.
fn by(step: &LineageStep) -> String {
    let who = match step.by {
        By::Us => "taken by us",
        By::Upstream => "taken upstream",
        By::Unknown => "who took it is not stated",
    };
    if step.presumed { format!("{who}, presumed") } else { who.to_string() }
}

/// Who took a step, and where it stands.
fn step_says(step: &LineageStep) -> String {
    let mut places: Vec<String> = step.evidence.iter().map(place).collect();
    let more = places.len().saturating_sub(PLACES_MAX);
    places.truncate(PLACES_MAX);
    if more > 0 {
        places.push(format!("{more} more"));
    }
    format!("{} · {}", by(step), places.join("; "))
}

/// A license, how it is known and where that stands, and what it is to the work.
fn term_says(w: &LineageWork, term: &LineageTerm, catalog: &Catalog) -> String {
    if term.license.is_empty() {
        return "nothing that is stated: no file and no catalog says".to_string();
    }
    let mut out = vec![one_line(&term.license)];
    if !term.edition.is_empty() && !term.edition.eq_ignore_ascii_case(&term.license) {
        out[0].push_str(&format!(" ({})", one_line(&term.edition)));
    }
    if catalog.license(&term.license).is_none() && term.role != Role::Said && term.role != Role::SetAside {
        out.push("not in law here".to_string());
    }
    let claims: Vec<String> = term
        .claims
        .iter()
        .filter_map(|c| w.work.claims.get(*c))
        .map(|c| {
            let altered = if c.altered { ", altered" } else { "" };
            let replaced = if c.superseded { ", replaced since" } else { "" };
            format!("{}{altered}{replaced}, {}", c.basis, place(&c.evidence))
        })
        .collect();
    out.push(claims.join("; "));
    out.push(
        match term.role {
            Role::Governs => "",
            Role::Code => "for the code alone",
            Role::OwnChoice if w.work.made_by.is_none() => "our own choice, if we made it",
            Role::OwnChoice => "our own choice",
            Role::SetAside => "set aside",
            Role::Said => "said, and not weighed",
        }
        .to_string(),
    );
    if term.role == Role::Governs && !term.reaches {
        out.push("does not go on binding what was asked about".to_string());
    }
    out.retain(|part| !part.is_empty());
    out.join(" · ")
}

/// The licenses of a work in a few words, for a box.
fn licenses_in_short(w: &LineageWork, has_parents: bool) -> String {
    let of = |role: Role| -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for t in w.terms.iter().filter(|t| t.role == role && !t.license.is_empty()) {
            let name = one_line(&t.license);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    };
    let governs = of(Role::Governs);
    let own = of(Role::OwnChoice);
    if !governs.is_empty() {
        return governs.join(" · ");
    }
    if !own.is_empty() {
        return format!("{} (own choice)", own.join(" · "));
    }
    let aside = of(Role::SetAside);
    let said: Vec<String> = [of(Role::Code), of(Role::Said)].concat();
    if w.unresolved {
        "not found".to_string()
    } else if !aside.is_empty() {
        format!("{} (set aside)", aside.join(" · "))
    } else if !said.is_empty() {
        said.join(" · ")
    } else if has_parents {
        "nothing of its own".to_string()
    } else {
        "no license stated".to_string()
    }
}

/// Everything that is known of a work, on one line.
fn work_says(w: &LineageWork, catalog: &Catalog) -> String {
    let mut out = vec![name(w), tags(w).join(", ")];
    if w.unresolved {
        out.push(format!("not found; named in {}", place(&w.work.evidence)));
    }
    out.extend(w.terms.iter().map(|t| term_says(w, t, catalog)));
    out.join(" — ")
}

/// A step in a sentence.
fn step_sentence(lineage: &Lineage, step: &LineageStep) -> String {
    let (child, parent) = (&lineage.works[step.child], &lineage.works[step.parent]);
    let cycle = if step.cyclic { " — part of a cycle" } else { "" };
    format!("{} {} {}: {}{cycle}", name(child), words::step(step.relation), name(parent), step_says(step))
}

/// What a picture of limited size shows: each subject and what is nearest to it, subject by subject, and the steps between.
struct Drawn {
    works: Vec<usize>,
    steps: Vec<usize>,
    /// Works and steps there was no room for.
    left_out: (usize, usize),
}

fn drawn(lineage: &Lineage, works_max: usize, steps_max: usize) -> Drawn {
    let parents = parents_of(lineage);
    let mut works: Vec<usize> = Vec::new();
    let mut seen = vec![false; lineage.works.len()];
    for root in lineage.subjects.iter().copied().chain(0..lineage.works.len()) {
        let mut open = VecDeque::from([root]);
        while let Some(w) = open.pop_front() {
            if works.len() >= works_max || std::mem::replace(&mut seen[w], true) {
                continue;
            }
            works.push(w);
            open.extend(parents[w].iter().map(|s| lineage.steps[*s].parent));
        }
    }
    let shown: BTreeSet<usize> = works.iter().copied().collect();
    let both = |s: &LineageStep| shown.contains(&s.child) && shown.contains(&s.parent);
    let mut steps: Vec<usize> = (0..lineage.steps.len()).filter(|s| both(&lineage.steps[*s])).collect();
    steps.truncate(steps_max);
    let left_out = (lineage.works.len() - works.len(), lineage.steps.len() - steps.len());
    Drawn { works, steps, left_out }
}

/// The heading of a picture.
fn title(lineage: &Lineage) -> String {
    let names: Vec<String> =
        lineage.subjects.iter().take(3).map(|w| cut(&one_line(&lineage.works[*w].id), 60)).collect();
    let more = lineage.subjects.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Lineage of {}{more}", names.join(", "))
}

/// The word for whose a work is.
fn maker_word(maker: Maker) -> &'static str {
    match maker {
        Maker::Ours => "ours",
        Maker::ThirdParty => "third party",
        Maker::Dataset => "dataset",
        Maker::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use freehold_base::{Relation, Work};

    fn work(id: &str) -> LineageWork {
        let work = Work::named(id, Evidence::stated("case"));
        LineageWork { id: id.into(), of: String::new(), work, terms: Vec::new(), subject: None, unresolved: false }
    }

    fn step(child: usize, parent: usize, cyclic: bool) -> LineageStep {
        let evidence =
            vec![Evidence { bytes: Some((12, 20)), key: "general.base".into(), ..Evidence::stated("m.gguf") }];
        LineageStep { child, parent, relation: Relation::Merge, by: By::Us, presumed: true, evidence, cyclic }
    }

    fn law() -> Catalog {
        Catalog::load(&[]).0
    }

    const STYLE: Style = Style { color: false, width: 100 };

    #[test]
    fn a_work_made_from_itself_stays() {
        let lineage = Lineage {
            works: vec![work("a"), work("b")],
            steps: vec![step(0, 0, true), step(0, 1, false)],
            subjects: vec![0],
            cycles: vec![vec![0]],
            diagnostics: Vec::new(),
        };
        let text = lineage_text(&lineage, &law(), STYLE);
        assert_eq!(text.matches("cycle: named as made from itself").count(), 1, "{text}");
        assert!(text.contains("taken by us, presumed · m.gguf:general.base@12-20"), "{text}");
        assert!(text.contains("a is named as made from itself"), "{text}");
        let svg = lineage_svg(&lineage, &law());
        assert_eq!(svg.matches("class=\"line cycle presumed\"").count(), 1, "{svg}");
        assert!(lineage_mermaid(&lineage).contains("w0 -.->|\"merged from (cycle)\"| w0"));
    }

    #[test]
    fn a_long_chain_goes_on_below_and_every_work_is_opened_once() {
        let n = 500;
        let lineage = Lineage {
            works: (0..n).map(|i| work(&format!("work-{i}-"))).collect(),
            steps: (0..n - 1).map(|i| step(i, i + 1, false)).collect(),
            subjects: vec![0],
            ..Lineage::default()
        };
        let text = lineage_text(&lineage, &law(), STYLE);
        let deepest = text.lines().map(columns).max().unwrap_or(0);
        assert!(deepest <= 100, "{deepest}");
        assert_eq!(text.matches("goes on below").count(), text.matches("continued from above").count());
        for i in 0..n {
            let named = text.matches(&format!("work-{i}-")).count();
            assert!((1..=2).contains(&named), "work {i}: {named}");
        }
    }

    #[test]
    fn a_picture_has_limits_and_says_what_it_leaves_out() {
        let n = 2_000;
        let lineage = Lineage {
            works: (0..n).map(|i| work(&format!("w{i}"))).collect(),
            steps: (1..n).map(|i| step(0, i, false)).collect(),
            subjects: vec![0],
            ..Lineage::default()
        };
        let svg = lineage_svg(&lineage, &law());
        assert!(svg.contains("and 1700 more works and 1700 more steps"));
        assert!(lineage_mermaid(&lineage).contains("and 1800 more works, 1800 more steps"));
    }

    #[test]
    fn no_name_reaches_markup_or_the_terminal() {
        let evil = "\u{1b}[2J\u{202e}</text><script>&\"'\n\u{ffff}\u{0}";
        let mut one = work(evil);
        one.subject = Some((evil.into(), evil.into()));
        let lineage = Lineage { works: vec![one], subjects: vec![0], ..Lineage::default() };
        for text in [lineage_text(&lineage, &law(), STYLE), lineage_svg(&lineage, &law()), lineage_mermaid(&lineage)] {
            let hostile = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{ffff}');
            assert!(!text.contains(hostile), "{text}");
        }
        assert!(!lineage_svg(&lineage, &law()).contains("<script"));
    }

    #[test]
    fn names_are_cut_by_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(columns(&cut("日本語の模型", 6)), 5);
        assert!(cut(&format!("z{}", "\u{301}".repeat(5_000)), 10).chars().count() <= 31);
    }
}
