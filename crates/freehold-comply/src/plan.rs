//! The plan: for each duty that the release does not meet, what is written, or what a person has to do.

use std::collections::{BTreeMap, BTreeSet};

use freehold_artifact::{edit_card, has_front_matter};
use freehold_assess::{Certainty, Obligation, Source as Asking, Status};
use freehold_base::{By, Value};
use freehold_catalog::{Duty, Effect, License};
use freehold_check::{Dossier, ReleaseFile};
use freehold_text::{Index, Limits, Match, has_blank_holder, holder, identify, with_holder};

use crate::identity::{Identity, identity};
use crate::words::{credit, file_name, sentence, step};
use crate::{AtHand, Desk, Left, Look, Plan, Release, Source};

/// What is asked besides the dossier.
pub struct Asked<'a> {
    /// What knows license texts.
    pub index: &'a Index<'a>,
    /// The release.
    pub release: &'a dyn Release,
    /// Its texts, as check reads them.
    pub files: &'a [ReleaseFile],
    /// Texts at hand, in the order of [`crate::Source`].
    pub texts: &'a [AtHand],
    /// The name that the user gives it.
    pub name: Option<&'a str>,
    /// Copyright lines for texts that leave the holder blank: `LINE`, or `LICENSE=LINE`.
    pub copyright: &'a [&'a str],
    /// Also what is only arguable or hangs on an open fact.
    pub all: bool,
    /// True where the model's own files lie in the release.
    pub holds_model: bool,
    /// True where the release is this one model's: then its card is.
    pub alone: bool,
}

/// Plans for one model. `done` are edits of the same release that were planned before, for another model.
pub fn plan(dossier: &Dossier<'_>, asked: &Asked<'_>, done: Vec<crate::Edit>) -> Plan {
    let mut work = Work {
        d: dossier,
        asked,
        desk: Desk { release: asked.release, edits: done.into_iter().map(|e| (e.path.clone(), e)).collect() },
        plan: Plan::default(),
        copies: BTreeSet::new(),
    };
    let due =
        |o: &&Obligation<'_>| !o.upstream && o.status == Status::Unmet && (asked.all || o.certainty == Certainty::Owed);
    for o in dossier.assessment.obligations.iter().filter(due) {
        work.duty(o);
    }
    work.use_policies();
    if asked.alone {
        work.card();
    }
    let Work { desk, mut plan, .. } = work;
    plan.edits = desk.edits.into_values().collect();
    plan.left.sort();
    plan.left.dedup();
    plan
}

struct Work<'a, 'd, 'c> {
    d: &'d Dossier<'c>,
    asked: &'a Asked<'a>,
    desk: Desk<'a>,
    plan: Plan,
    /// Editions whose copy was planned, or tried.
    copies: BTreeSet<String>,
}

fn duty_of<'c>(source: &Asking<'c>) -> Option<&'c Duty> {
    match &source.term.effect {
        Effect::Duty(duty) => Some(duty),
        _ => None,
    }
}

impl<'c> Work<'_, '_, 'c> {
    fn license(&self, source: &Asking<'_>) -> Option<&'c License> {
        self.d.catalog.licenses.get(source.license)
    }

    fn left(&mut self, o: &Obligation<'_>, source: &Asking<'_>, todo: String) {
        let license = self.license(source).map(|l| l.id.clone()).unwrap_or_default();
        self.plan.left.push(Left {
            code: o.code.to_string(),
            asked_by: format!("{license} {}", source.term.clause),
            todo,
            fixable: o.fixable(self.d.catalog),
        });
    }

    fn duty(&mut self, o: &Obligation<'c>) {
        let entry = self.d.catalog.obligations.get(o.code);
        let Some(first) = o.sources.first() else { return };
        if !o.fixable(self.d.catalog) {
            let says = entry.map(|e| e.says.clone()).unwrap_or_default();
            let places = duty_of(first).map(|d| d.places.join(", ").replace('-', " ")).unwrap_or_default();
            let words = o.text().map(|t| format!(": “{t}”")).unwrap_or_default();
            let at = if places.is_empty() { String::new() } else { format!(" on one of: {places}") };
            return self.left(o, first, format!("takes a person: {says}{words}{at}"));
        }
        match entry.and_then(|e| e.met_by.as_deref()) {
            Some("license-copy") => {
                for source in &o.sources {
                    if !self.shown("license-copy", source) {
                        self.license_copy(o, source, false);
                    }
                }
            }
            Some("notices-retained") => {
                for source in &o.sources {
                    // what the license asks besides its own text: the NOTICE of the work
                    if o.code.contains("notice-file") {
                        self.upstream_notice(o, source);
                    } else {
                        self.license_copy(o, source, true);
                    }
                }
            }
            Some("notice-file") => {
                for source in &o.sources {
                    if !self.shown("notice-file", source) {
                        self.notice(o, source);
                    }
                }
            }
            Some("change-notice") => self.changes(o, first),
            Some("words") => self.attribution(o, first),
            Some("name") => self.name(o, first),
            _ => self.left(o, first, "nothing here knows how to write this".into()),
        }
    }

    /// True where the release shows something of a license already.
    fn shown(&self, kind: &str, source: &Asking<'_>) -> bool {
        let release = self.d.outgoing.as_ref().map(|o| &o.release);
        let about = |what: &str| self.d.catalog.license_named(what) == Some(source.license);
        release.is_some_and(|r| r.notices.iter().any(|n| n.kind == kind && about(&n.what)))
    }

    /// A text at hand that is an edition word for word; where the holder's line must stand, one that has it.
    fn at_hand(&self, edition: &str) -> Vec<&AtHand> {
        let is_it = |t: &&AtHand| !t.notice && is_edition(self.asked.index, &t.text, edition);
        self.asked.texts.iter().filter(is_it).collect()
    }

    fn license_copy(&mut self, o: &Obligation<'_>, source: &Asking<'_>, holder_needed: bool) {
        let Some(license) = self.license(source) else { return };
        let path = format!("LICENSE-{}.txt", file_name(&license.id));
        if !self.copies.insert(source.edition.clone()) {
            // told or written already, for another duty
            if !self.desk.edits.contains_key(&path) {
                let todo = format!("{path} could not be written: see above");
                self.left(o, source, todo);
            }
            return;
        }
        let there = self.desk.look(&path);
        let mut found: Vec<Copy> = self
            .at_hand(&source.edition)
            .into_iter()
            .map(|t| Copy { text: t.text.clone(), from: t.from.clone(), source: Some(t.source) })
            .collect();
        if let Look::Text(text) = &there
            && is_edition(self.asked.index, text, &source.edition)
        {
            found.insert(0, Copy { text: text.clone(), from: path.clone(), source: None });
        }
        // the line of a holder is the work's own: the work's copy has it, ours may have another, a folder of texts anybody's
        found.sort_by_key(|c| match (holder(&c.text), c.source) {
            (Some(_), Some(Source::Texts | Source::Spdx)) => 3,
            _ if has_blank_holder(&c.text) => 2,
            (Some(_), Some(Source::Artifact)) => 1,
            _ => 0,
        });
        let Some(copy) = found.into_iter().next() else {
            let edition = license.editions.iter().find(|e| e.text == source.edition);
            let at = edition.and_then(|e| e.url.as_deref());
            let at = at.map(|u| format!("its publisher keeps it at {u}")).unwrap_or_else(|| "ask its publisher".into());
            let todo = format!(
                "no copy of the text is at hand: {at}; save it as {}.txt, `freehold texts add` it, and run this again",
                file_name(&source.edition)
            );
            return self.left(o, source, todo);
        };
        let from = copy.from;
        let anybodys = matches!(copy.source, Some(Source::Texts | Source::Spdx)) || has_blank_holder(&copy.text);
        let text = match holder(&copy.text).map(str::to_string) {
            Some(line) if anybodys => {
                let given = self.holder(license).and_then(|given| with_holder(&copy.text, given));
                match given.filter(|t| is_edition(self.asked.index, t, &source.edition) && !has_blank_holder(t)) {
                    Some(text) => text,
                    None => {
                        let works = self.works_under(license).join(", ");
                        let whose = if works.is_empty() { "its holder".to_string() } else { works };
                        let blank = has_blank_holder(&copy.text);
                        let says = if blank { "leaves the holder blank".into() } else { format!("says “{line}”") };
                        let todo = format!(
                            "{from} {says}: give the line of {whose} with --copyright 'Copyright (c) …', as it stands in the original's LICENSE"
                        );
                        return self.left(o, source, todo);
                    }
                }
            }
            Some(line) if copy.source == Some(Source::Artifact) => {
                let works = self.works_under(license).join(", ");
                self.plan
                    .notes
                    .push(format!("{path} says “{line}”, as {from} does: see that it is the line of {works}"));
                copy.text
            }
            _ => copy.text,
        };
        match &there {
            Look::Refused(reason) => return self.left(o, source, format!("{path} {reason}")),
            Look::Text(old) if !is_edition(self.asked.index, old, &source.edition) => {
                let todo = format!("{path} is there and is another text: move it away and run this again");
                return self.left(o, source, todo);
            }
            _ => {}
        }
        if holder_needed && !text.to_lowercase().contains("copyright") {
            self.left(o, source, format!("the copy from {from} names no copyright holder: add the original's notice"));
        }
        self.desk.put(&path, there, text, &format!("license copy, from {from}"));
    }

    /// The copyright line that the user gave for a license.
    fn holder(&self, license: &License) -> Option<&str> {
        let of = |line: &&&str| line.split_once('=').is_some_and(|(id, _)| self.d.catalog.license_named(id).is_some());
        let named = self.asked.copyright.iter().filter(of).find_map(|line| {
            let (id, text) = line.split_once('=')?;
            let same = self.d.catalog.license_named(id).and_then(|i| self.d.catalog.licenses.get(i));
            same.filter(|l| l.id == license.id).map(|_| text)
        });
        let mut plain = self.asked.copyright.iter().filter(|l| !of(l)).copied();
        named.or_else(|| plain.next())
    }

    fn upstream_notice(&mut self, o: &Obligation<'_>, source: &Asking<'_>) {
        let notices: Vec<(String, String)> =
            self.asked.texts.iter().filter(|t| t.notice).map(|t| (t.text.clone(), t.from.clone())).collect();
        let Some((text, from)) = notices.into_iter().next() else {
            let todo =
                "the work has a NOTICE of its own and no copy of it is at hand: take it from the work's repository";
            return self.left(o, source, todo.into());
        };
        let path = self.notice_path();
        let has = matches!(self.desk.look(&path), Look::Text(t) if t.contains(text.trim()));
        if !has && let Err(e) = self.desk.append(&path, "", text.trim_end(), &format!("upstream NOTICE, from {from}")) {
            self.left(o, source, format!("{e}: add the words of {from} yourself"));
        }
    }

    /// The release's own NOTICE, or the usual name.
    fn notice_path(&self) -> String {
        let is_notice = |p: &str| !p.contains('/') && p.to_ascii_lowercase().starts_with("notice");
        let there = self.asked.files.iter().map(|f| f.path.as_str()).find(|p| is_notice(p));
        there.unwrap_or("NOTICE").to_string()
    }

    fn notice(&mut self, o: &Obligation<'_>, source: &Asking<'_>) {
        let Some(words) = duty_of(source).and_then(|d| d.text.as_deref()) else { return };
        let line = sentence(words, &self.shown_name());
        let path = self.notice_path();
        if matches!(self.desk.look(&path), Look::Text(t) if t.contains(&line)) {
            return;
        }
        if let Err(e) = self.desk.append(&path, "", &line, "notice") {
            self.left(o, source, format!("{e}: add the line “{line}” yourself"));
        }
    }

    /// What the model is called where a sentence needs its name.
    fn shown_name(&self) -> String {
        let subject = self.d.graph.works.get(self.d.graph.subject);
        let own = subject.and_then(|w| w.name.clone().or_else(|| Some(w.id.clone())));
        let own = own.map(|n| n.rsplit('/').next().unwrap_or(&n).to_string());
        self.plan.name.clone().or(self.asked.name.map(str::to_string)).or(own).unwrap_or_default()
    }

    /// Works that stand under a license.
    fn works_under(&self, license: &License) -> Vec<String> {
        let under = |edition: &str| license.editions.iter().any(|e| e.text == edition);
        let works = self.d.assessment.licenses.iter().filter(|l| under(&l.edition) && !l.outbound && !l.displaced);
        let mut ids: Vec<String> = works
            .filter(|l| l.work != self.d.graph.subject)
            .filter_map(|l| self.d.graph.works.get(l.work))
            .map(|w| w.id.clone())
            .collect();
        ids.dedup();
        ids
    }

    fn credits(&self, source: &Asking<'_>) -> Vec<String> {
        let Some(license) = self.license(source) else { return Vec::new() };
        let url = license.editions.iter().find(|e| e.text == source.edition).and_then(|e| e.url.as_deref());
        self.works_under(license).iter().map(|work| credit(work, license, url)).collect()
    }

    fn changes(&mut self, o: &Obligation<'_>, first: &Asking<'_>) {
        let graph = &self.d.graph;
        let organization = match self.d.deployment.named(self.d.catalog, "organization.name") {
            Some(Value::Text(name)) => name.clone(),
            _ => "the distributor of this release".to_string(),
        };
        let ours = graph.edges.iter().filter(|e| e.by == By::Us && !e.is_loop());
        let lines: Vec<String> = ours
            .filter_map(|e| Some((step(e.relation)?, graph.works.get(e.child)?, graph.works.get(e.parent)?)))
            .map(|(step, child, parent)| {
                let child =
                    if std::ptr::eq(child, &graph.works[graph.subject]) { self.shown_name() } else { child.id.clone() };
                format!("- {}: {child} was modified: {step} {} by {organization}", self.d.as_of, parent.id)
            })
            .collect();
        if lines.is_empty() {
            let todo = "the files do not say what was changed: say it in CHANGES.md, which names the modified work";
            return self.left(o, first, todo.into());
        }
        let mut paragraph = lines.join("\n");
        if o.code.contains("license") {
            for line in o.sources.iter().flat_map(|s| self.credits(s)).collect::<BTreeSet<_>>() {
                paragraph.push_str(&format!("\n- {line}"));
            }
        }
        let there = self.asked.files.iter().map(|f| f.path.as_str());
        let named = |p: &&str| !p.contains('/') && p.to_ascii_lowercase().starts_with("changes");
        let path = there.into_iter().find(named).unwrap_or("CHANGES.md").to_string();
        if matches!(self.desk.look(&path), Look::Text(t) if t.contains(&paragraph)) {
            return;
        }
        match self.desk.append(&path, "# Changes\n\n", &paragraph, "change notice") {
            Ok(()) if organization.starts_with("the distributor") => self.plan.notes.push(format!(
                "{path} says “{organization}”: --set organization.name=… in its place before the first run, or edit it"
            )),
            Ok(()) => {}
            Err(e) => self.left(o, first, format!("{e}: state the changes yourself: {paragraph}")),
        }
    }

    fn attribution(&mut self, o: &Obligation<'_>, first: &Asking<'_>) {
        let Some(duty) = duty_of(first) else { return };
        let lines = match &duty.text {
            Some(words) => vec![sentence(words, &self.shown_name())],
            None => {
                let lines = o.sources.iter().flat_map(|s| self.credits(s)).collect::<BTreeSet<_>>();
                lines.into_iter().collect()
            }
        };
        if lines.is_empty() {
            return self.left(
                o,
                first,
                "no work that asks for it is named: name its title, author, source and license".into(),
            );
        }
        if duty.text.is_none() {
            let clause = &first.term.clause;
            self.plan.notes.push(format!(
                "the attribution that {} asks for has no prescribed words: read clause {clause} and complete what was written",
                self.license(first).map_or("the license", |l| l.id.as_str())
            ));
        }
        let (path, head) = self.attribution_path(duty);
        for line in lines {
            if matches!(self.desk.look(&path), Look::Text(t) if t.contains(&line)) {
                continue;
            }
            if let Err(e) = self.desk.append(&path, head, &line, "attribution") {
                self.left(o, first, format!("{e}: show the words “{line}” yourself"));
            }
        }
    }

    /// Where an attribution goes: a file that people read already, else a new one.
    fn attribution_path(&self, duty: &Duty) -> (String, &'static str) {
        let may = |place: &str| duty.places.is_empty() || duty.places.iter().any(|p| p.contains(place));
        let base = |p: &str| p.rsplit('/').next().unwrap_or(p).to_ascii_lowercase();
        let prose = |p: &str| [".md", ".txt", ".rst"].iter().any(|e| p.ends_with(e)) || !p.contains('.');
        let find = |is: &dyn Fn(&ReleaseFile) -> bool| self.asked.files.iter().find(|f| is(f)).map(|f| f.path.clone());
        let about = || find(&|f| base(&f.path).starts_with("about") && prose(&base(&f.path)));
        let card = || find(&|f| f.path == "README.md" && has_front_matter(&f.text));
        // a card is no documentation of a product
        let readme = || {
            let own = |p: &str| base(p).starts_with("readme") && !p.contains('/') && prose(&base(p));
            find(&|f| own(&f.path) && !has_front_matter(&f.text))
        };
        let found = may("about").then(about).flatten();
        let found = found.or_else(|| may("model-card").then(card).flatten());
        let found = found.or_else(|| may("documentation").then(readme).flatten());
        match found {
            Some(path) => (path, ""),
            None if may("about") => ("ABOUT.md".into(), "# About\n\n"),
            None if may("documentation") => ("ATTRIBUTION.md".into(), "# Attribution\n\n"),
            None => (self.card_path(), "---\n---\n"),
        }
    }

    fn name(&mut self, o: &Obligation<'_>, first: &Asking<'_>) {
        let Some(prefix) = duty_of(first).and_then(|d| d.name_prefix.as_deref()) else { return };
        let begins = |name: &str| freehold_assess::begins_with(name, prefix);
        let own = self.d.graph.works.get(self.d.graph.subject).and_then(|w| w.name.clone()).unwrap_or_default();
        let name = match (&self.plan.name, self.asked.name) {
            (Some(name), _) if begins(name) => return,
            (Some(name), _) => {
                let todo = format!("the name must begin with “{prefix}”, and another license made it “{name}”");
                return self.left(o, first, todo);
            }
            (None, Some(name)) if begins(name) => name.to_string(),
            (None, Some(name)) => {
                return self.left(o, first, format!("`--name {name}`: the name must begin with “{prefix}”"));
            }
            (None, None) if own.is_empty() => {
                return self.left(o, first, format!("give a name that begins with “{prefix}” with --name"));
            }
            (None, None) => {
                let joined = if own.contains(' ') { prefix.to_string() } else { prefix.replace(' ', "-") };
                let gap = if own.contains(' ') { ' ' } else { '-' };
                format!("{joined}{gap}{own}")
            }
        };
        let path = self.card_path();
        let was = self.desk.look(&path);
        let text = match &was {
            Look::Text(text) => text.clone(),
            Look::Absent => format!("# {name}\n"),
            Look::Refused(reason) => {
                return self.left(o, first, format!("{path} {reason}: name the model “{name}” yourself"));
            }
        };
        let fields = Identity { name: Some(name.clone()), ..Identity::default() }.card_fields(false);
        match edit_card(&text, &fields) {
            Ok(is) => {
                self.desk.put(&path, was, is, "model name");
                self.plan.notes.push(format!(
                    "the model is called “{name}” in {path} (--name gives another): its folder, its files and the pages that show it are yours to rename"
                ));
                self.plan.name = Some(name);
            }
            Err(e) => self.left(o, first, format!("{path}: {e}: write `model_name: {name}` into it yourself")),
        }
    }

    /// The release's model card: one that is there, else a new one.
    fn card_path(&self) -> String {
        let is_card = |p: &str| matches!(p.to_ascii_lowercase().as_str(), "readme.md" | "model-card.md");
        let there = self.asked.files.iter().find(|f| is_card(&f.path) && has_front_matter(&f.text));
        let planned = self.desk.edits.values().find(|e| is_card(&e.path) && has_front_matter(&e.is));
        let readme = self.asked.files.iter().any(|f| f.path.eq_ignore_ascii_case("readme.md"));
        match (there.map(|f| &f.path), planned.map(|e| &e.path)) {
            (Some(path), _) | (None, Some(path)) => path.clone(),
            // a product's own README is no model card
            (None, None) if self.asked.holds_model && !readme => "README.md".into(),
            (None, None) => "MODEL-CARD.md".into(),
        }
    }

    /// A copy of each use policy that binds whoever gets the model, where one is at hand.
    fn use_policies(&mut self) {
        let due = |o: &&Obligation<'_>| !o.upstream && o.certainty == Certainty::Owed;
        let leaves = |o: &Obligation<'_>| {
            let entry = self.d.catalog.obligations.get(o.code);
            entry.and_then(|e| e.met_by.as_deref()).is_some_and(|m| m == "license-copy")
        };
        let given: BTreeSet<usize> = self
            .d
            .assessment
            .obligations
            .iter()
            .filter(due)
            .filter(|o| leaves(o))
            .flat_map(|o| o.sources.iter().map(|s| s.license))
            .collect();
        let policies = given.iter().filter_map(|i| self.d.catalog.licenses.get(*i)).flat_map(|l| &l.policies);
        let wanted: BTreeMap<&str, &str> = policies
            .filter_map(|id| self.d.catalog.policy(id))
            .map(|p| (p.text.as_str(), p.url.as_deref().unwrap_or("its publisher's page")))
            .collect();
        // some licenses have their restrictions in an attachment of their own text: that copy is one of both
        let is_license = |edition: &str| self.d.catalog.license_of_edition(edition).is_some();
        for (edition, url) in wanted.into_iter().filter(|(e, _)| !is_license(e)) {
            let named = |f: &&ReleaseFile| {
                let p = f.path.to_ascii_lowercase();
                p.contains("policy") || p.contains("use") || p.contains("license")
            };
            let there = self.asked.files.iter().filter(named).any(|f| holds(self.asked.index, &f.text, edition));
            let path = format!("USE-POLICY-{}.txt", file_name(edition));
            if there || self.desk.edits.contains_key(&path) {
                continue;
            }
            match self.at_hand(edition).first().map(|t| (t.text.clone(), t.from.clone())) {
                Some((text, from)) if self.desk.look(&path) == Look::Absent => {
                    self.desk.put(&path, Look::Absent, text, &format!("use policy, from {from}"));
                }
                Some(_) => self.plan.notes.push(format!("{path} is there and is another text: left as it is")),
                None => self.plan.notes.push(format!(
                    "the use policy binds whoever gets the model, and no copy of it is at hand: it stands at {url}"
                )),
            }
        }
    }

    /// Fields that the release's card lacks.
    fn card(&mut self) {
        let path = self.card_path();
        let was = self.desk.look(&path);
        let Look::Text(text) = &was else { return };
        if !has_front_matter(text) {
            return;
        }
        let fields = identity(self.d).card_fields(false);
        match edit_card(text, &fields) {
            Ok(is) => self.desk.put(&path, was, is, "card"),
            Err(e) => self.plan.notes.push(format!("{path}: {e}: its fields are left as they are")),
        }
    }
}

/// A copy of a license text; `source` is `None` where it lies in the release already.
struct Copy {
    text: String,
    from: String,
    source: Option<Source>,
}

/// True where a text is an edition, word for word, and nothing else.
fn is_edition(index: &Index<'_>, text: &str, edition: &str) -> bool {
    let found = identify(index, text, Limits::default());
    found.matched == Match::Exact && found.edition.as_deref() == Some(edition)
}

/// True where a text holds an edition, word for word.
fn holds(index: &Index<'_>, text: &str, edition: &str) -> bool {
    let found = identify(index, text, Limits::default());
    found.parts.iter().any(|p| p.matched == Match::Exact && p.edition == edition)
}
