//! `freehold comply`: writes what is owed and can be written into the release.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_artifact::{Artifact, GgufPlan};
use freehold_assess::{Certainty, Status};
use freehold_base::{Diagnostic, TextKind, Verdict};
use freehold_catalog::Catalog;
use freehold_check::{Dossier, ReleaseFile};
use freehold_comply::{Asked, AtHand, Edit, Identity, Plan, Source, identity, plan};
use freehold_documents::{Written, WrittenHeader, WrittenText, written};
use freehold_text::{Limits, Match, identify};

use super::{prepare, print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::{Run, dossier, outgoing};
use crate::write::{self, Root};

/// The folder of texts that is looked for where none is named.
const TEXTS: &str = "texts";
/// Most works whose copies are looked for in the stores of this machine.
const UPSTREAM_MAX: usize = 32;

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let mut run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let (what, dir) = (get(matches, "what").unwrap_or("."), get(matches, "release").unwrap_or("."));
    if Path::new(what).extension().is_some_and(|e| e == "toml") && Path::new(what).is_file() {
        let d = Diagnostic::error("no-files", "a case has no files to learn from").in_file(what);
        report(&[d.help("give the model's folder or file")]);
        return exit::USAGE;
    }
    // the name is what is to be written: what the release shows today is judged first
    let name = run.said.name.take();
    if name.as_deref().is_some_and(|n| n.trim().is_empty() || n.chars().any(char::is_control)) {
        report(&[Diagnostic::error(
            "bad-name",
            "`--name` is empty or holds a line break or another control character",
        )]);
        return exit::USAGE;
    }
    match comply(matches, what, dir, name.as_deref(), &mut run) {
        Ok((page, code)) => {
            print(&written(&page, style()));
            code
        }
        Err((said, code)) => {
            report(&said);
            code
        }
    }
}

type Failed = (Vec<Diagnostic>, u8);

fn comply(
    matches: &ArgMatches,
    what: &str,
    dir: &str,
    name: Option<&str>,
    run: &mut Run<'_>,
) -> Result<(Written, u8), Failed> {
    let unreadable = |d: Diagnostic| (vec![d], exit::UNREADABLE);
    let root = Root::open(dir).map_err(unreadable)?;
    let files = release_files(dir).map_err(unreadable)?;
    let artifacts = freehold_source::open(Path::new(what), &freehold_source::Limits::default()).map_err(unreadable)?;
    if artifacts.is_empty() {
        let d = Diagnostic::warning("nothing-found", "no model was found here").in_file(what);
        return Err((vec![d], exit::NOTHING));
    }
    let before: Vec<Dossier<'_>> = artifacts.iter().map(|a| dossier(what, a, run)).collect();
    let mut said = Vec::new();
    let texts = at_hand(matches, what, &artifacts, &before, run, &mut said);
    report(&said);
    let ours = own_headers(Path::new(dir), &artifacts);
    let asked = Asked {
        index: &run.index,
        release: &root,
        files: &files,
        texts: &texts,
        name,
        copyright: &all(matches, "copyright"),
        all: matches.get_flag("all"),
        holds_model: !ours.is_empty() || same_folder(what, dir),
        alone: before.len() == 1,
    };
    let mut done = Plan::default();
    for d in &before {
        let next = plan(d, &asked, std::mem::take(&mut done.edits));
        done.edits = next.edits;
        done.left.extend(next.left);
        done.notes.extend(next.notes);
        done.name = done.name.or(next.name);
    }
    let mut notes = std::mem::take(&mut done.notes);
    let says = Identity { name: done.name.clone(), ..before.first().map(identity).unwrap_or_default() };
    let headers = if before.len() == 1 { headers(&ours, &says, &mut notes) } else { Vec::new() };
    let dry_run = matches.get_flag("dry-run");
    let failed = if dry_run { Vec::new() } else { write_all(&root, &done.edits, &headers) };
    let failed_at: BTreeSet<String> = failed.iter().filter_map(|d| Some(d.label.as_ref()?.file.clone())).collect();
    report(&failed);
    // what the release shows now, by the same rules as check's
    let files = if dry_run || !failed.is_empty() {
        with_edits(files, &done.edits, &failed_at)
    } else {
        release_files(dir).map_err(unreadable)?
    };
    run.outgoing = Some(outgoing(dir, &files, &run.index, run.catalog));
    run.said.name = name.map(str::to_string);
    let after: Vec<Dossier<'_>> = artifacts.iter().map(|a| dossier(what, a, run)).collect();
    let mut page = Written {
        about: before.iter().map(|d| format!("{dir}, for {}", d.subject.id)).collect(),
        dry_run,
        texts: done.edits.iter().filter(|e| !failed_at.contains(&e.path)).map(shown).collect(),
        headers: headers.iter().map(|(path, plan)| shown_header(path, plan)).collect(),
        notes,
        ..Written::default()
    };
    open_duties(&after, &done, run.catalog, &mut page);
    finish(&after, what, dir, name, failed.is_empty(), &mut page);
    let code = match (failed.is_empty(), page.done) {
        (false, _) => exit::UNREADABLE,
        (true, false) => exit::BLOCKED,
        (true, true) => exit::CLEAR,
    };
    Ok((page, code))
}

#[expect(clippy::result_large_err, reason = "once a run")]
fn release_files(dir: &str) -> Result<Vec<ReleaseFile>, Diagnostic> {
    let texts = freehold_source::read_texts(Path::new(dir))?;
    Ok(texts.into_iter().map(|(path, text)| ReleaseFile { path, text }).collect())
}

/// The release's texts as they would be.
fn with_edits(files: Vec<ReleaseFile>, edits: &[Edit], without: &BTreeSet<String>) -> Vec<ReleaseFile> {
    let mut by_path: BTreeMap<String, String> = files.into_iter().map(|f| (f.path, f.text)).collect();
    for e in edits.iter().filter(|e| !without.contains(&e.path)) {
        by_path.insert(e.path.clone(), e.is.clone());
    }
    by_path.into_iter().map(|(path, text)| ReleaseFile { path, text }).collect()
}

fn same_folder(a: &str, b: &str) -> bool {
    Path::new(a)
        .canonicalize()
        .ok()
        .zip(Path::new(b).canonicalize().ok())
        .is_some_and(|(a, b)| a == b || a.starts_with(&b))
}

/// GGUF files of the release that are the model's: by the name that they have in its own folder.
fn own_headers(dir: &Path, artifacts: &[Artifact]) -> Vec<PathBuf> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
    let own: BTreeSet<String> = artifacts.iter().flat_map(|a| &a.files).map(|f| base(&f.path)).collect();
    write::files(dir, &|name| name.to_ascii_lowercase().ends_with(".gguf") && own.contains(name))
}

/// What would change in the headers; one that cannot be changed is told.
fn headers(paths: &[PathBuf], says: &Identity, notes: &mut Vec<String>) -> Vec<(PathBuf, GgufPlan)> {
    let mut out = Vec::new();
    for path in paths {
        let planned = write::header(path).map_err(|d| d.message).and_then(|header| {
            let (set, without) = says.gguf_keys(&header, false);
            header.with(&set, &without)
        });
        match planned {
            Ok(plan) if plan.changes.is_empty() => {}
            Ok(plan) => out.push((path.clone(), plan)),
            Err(message) => notes.push(format!("{}: {message}: its header is left as it is", path.display())),
        }
    }
    out
}

fn write_all(root: &Root, edits: &[Edit], headers: &[(PathBuf, GgufPlan)]) -> Vec<Diagnostic> {
    let texts = edits.iter().filter_map(|e| root.write(&e.path, e.was.as_deref(), &e.is).err());
    let mut failed: Vec<Diagnostic> = texts.collect();
    failed.extend(headers.iter().filter_map(|(path, plan)| write::gguf(path, path, plan).err()));
    failed
}

/// Texts at hand, in the order in which they are taken: the model's own, copies of what it was made from in the stores
/// of this machine, the organization's folder.
fn at_hand(
    matches: &ArgMatches,
    what: &str,
    artifacts: &[Artifact],
    dossiers: &[Dossier<'_>],
    run: &Run<'_>,
    said: &mut Vec<Diagnostic>,
) -> Vec<AtHand> {
    let mut out = Vec::new();
    for a in artifacts {
        out.extend(of_artifact(a, what, Source::Artifact));
    }
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    let stores = freehold_source::stores(&|name| std::env::var(name).ok(), home.as_deref());
    let named: BTreeSet<&str> = dossiers.iter().flat_map(|d| &d.graph.works).map(|w| w.id.as_str()).collect();
    for id in named.into_iter().filter(|id| freehold_comply::is_repository_id(id)).take(UPSTREAM_MAX) {
        for store in &stores {
            let flat = id.replace('/', "--");
            for folder in [store.path.join(format!("models--{flat}")), store.path.join(id)] {
                if !folder.is_dir() {
                    continue;
                }
                let shown = folder.display().to_string();
                if let Ok(found) = freehold_source::open(&folder, &freehold_source::Limits::default()) {
                    out.extend(found.iter().flat_map(|a| of_artifact(a, &shown, Source::Upstream)));
                }
            }
        }
    }
    let given = get(matches, "texts").map(str::to_string);
    let store = super::texts::store().filter(|s| s.is_dir()).map(|s| s.display().to_string());
    let here = given.or_else(|| Some(TEXTS.to_string()).filter(|t| Path::new(t).is_dir()));
    for dir in here.into_iter().chain(store) {
        match freehold_source::read_texts(Path::new(&dir)) {
            Ok(texts) => out.extend(of_folder(&dir, texts, dossiers, run)),
            Err(d) => said.push(Diagnostic::warning("no-texts", d.message).in_file(dir)),
        }
    }
    out.extend(of_spdx(dossiers, run));
    out
}

/// The texts of the SPDX list that are wanted: where one differs from the edition that is asked for, it is not taken.
fn of_spdx(dossiers: &[Dossier<'_>], run: &Run<'_>) -> Vec<AtHand> {
    let sources = dossiers.iter().flat_map(|d| &d.assessment.obligations).flat_map(|o| &o.sources);
    let ids: BTreeSet<&str> =
        sources.filter_map(|s| run.catalog.licenses.get(s.license)).map(|l| l.spdx.as_str()).collect();
    let texts = ids.into_iter().filter_map(|id| Some((id, spdx::license_id(id)?.text())));
    texts
        .map(|(id, text)| AtHand {
            source: Source::Spdx,
            from: format!("the SPDX License List {} ({id})", spdx::identifiers::VERSION),
            notice: false,
            text: text.to_string(),
        })
        .collect()
}

fn of_artifact(a: &Artifact, around: &str, source: Source) -> Vec<AtHand> {
    let kind = |k: TextKind| matches!(k, TextKind::License | TextKind::UsePolicy | TextKind::Notice);
    let texts = a.texts.iter().filter(|t| kind(t.kind));
    texts
        .map(|t| AtHand {
            source,
            from: format!("{around}/{}", t.file),
            notice: t.kind == TextKind::Notice,
            text: t.text.clone(),
        })
        .collect()
}

/// The texts of a folder that are wanted: by name, and where none is named so, by what they are.
fn of_folder(dir: &str, texts: Vec<(String, String)>, dossiers: &[Dossier<'_>], run: &Run<'_>) -> Vec<AtHand> {
    let sources = dossiers.iter().flat_map(|d| &d.assessment.obligations).flat_map(|o| &o.sources);
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for s in sources {
        let Some(license) = run.catalog.licenses.get(s.license) else { continue };
        let names = wanted.entry(s.edition.clone()).or_default();
        names.extend([s.edition.to_lowercase(), license.id.to_lowercase(), license.spdx.to_lowercase()]);
        for policy in license.policies.iter().filter_map(|p| run.catalog.policy(p)) {
            wanted
                .entry(policy.text.clone())
                .or_default()
                .extend([policy.text.to_lowercase(), policy.id.to_lowercase()]);
        }
    }
    let stem = |path: &str| {
        let base = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        [".txt", ".md", ".html"].iter().find_map(|e| base.strip_suffix(e).map(str::to_string)).unwrap_or(base)
    };
    let hand = |path: &str, text: &str| AtHand {
        source: Source::Texts,
        from: format!("{dir}/{path}"),
        notice: false,
        text: text.to_string(),
    };
    let mut out = Vec::new();
    let mut missing = false;
    for (edition, names) in &wanted {
        let is_it = |text: &str| {
            let found = identify(&run.index, text, Limits::default());
            found.matched == Match::Exact && found.edition.as_deref() == Some(edition.as_str())
        };
        let mut named = texts.iter().filter(|(path, text)| names.contains(&stem(path)) && is_it(text)).peekable();
        missing |= named.peek().is_none();
        out.extend(named.map(|(path, text)| hand(path, text)));
    }
    if missing {
        for (path, text) in &texts {
            let found = identify(&run.index, text, Limits::default());
            let exact = found.matched == Match::Exact;
            let hit = found.edition.filter(|e| exact && wanted.contains_key(e));
            if hit.is_some() && !out.iter().any(|t| t.from == format!("{dir}/{path}")) {
                out.push(hand(path, text));
            }
        }
    }
    out
}

/// What stays open of what is owed.
fn open_duties(after: &[Dossier<'_>], done: &Plan, catalog: &Catalog, page: &mut Written) {
    let title = |code: &str| catalog.obligations.get(code).map_or_else(|| code.to_string(), |o| o.title.clone());
    let push = |list: &mut Vec<[String; 3]>, row: [String; 3]| {
        if !list.contains(&row) {
            list.push(row);
        }
    };
    for (d, o) in after.iter().flat_map(|d| d.assessment.obligations.iter().map(move |o| (d, o))) {
        if o.upstream || o.certainty != Certainty::Owed {
            continue;
        }
        let Some(first) = o.sources.first() else { continue };
        let license = d.catalog.licenses.get(first.license).map(|l| l.id.as_str()).unwrap_or_default();
        let who = format!("{license} {}", first.term.clause);
        let lefts: Vec<_> = done.left.iter().filter(|l| l.code == o.code).collect();
        match (o.status, o.fixable(catalog)) {
            (Status::Unmet, true) => {
                let rest = "written, and check still does not find it";
                if lefts.is_empty() {
                    push(&mut page.unmet, [title(o.code), who.clone(), rest.into()]);
                }
                for l in lefts {
                    push(&mut page.unmet, [title(o.code), l.asked_by.clone(), l.todo.clone()]);
                }
            }
            (Status::Unmet, false) => {
                for l in lefts {
                    push(&mut page.person, [title(o.code), l.asked_by.clone(), l.todo.clone()]);
                }
            }
            (Status::ToAttest, _) => {
                let says = catalog.obligations.get(o.code).map(|e| e.says.clone()).unwrap_or_default();
                push(&mut page.person, [title(o.code), who, format!("no file shows it: {says}")]);
            }
            // one of several works may lack it all the same
            (Status::Met, _) => {
                for l in lefts {
                    push(&mut page.person, [title(o.code), l.asked_by.clone(), l.todo.clone()]);
                }
            }
            (Status::Unknown, _) => {}
        }
    }
}

fn finish(after: &[Dossier<'_>], what: &str, dir: &str, name: Option<&str>, written: bool, page: &mut Written) {
    page.done = page.unmet.is_empty() && written;
    let n = page.unmet.len();
    page.outcome = match (page.done, page.person.len()) {
        (false, _) if !written => "not everything could be written".into(),
        (false, _) if n == 1 => "one owed duty stays unmet".into(),
        (false, _) => format!("{n} owed duties stay unmet"),
        (true, 0) => "nothing that is owed and can be written is unmet".into(),
        (true, 1) => "nothing that is owed and can be written is unmet; one duty is for a person".into(),
        (true, p) => format!("nothing that is owed and can be written is unmet; {p} duties are for a person"),
    };
    for d in after {
        let says = match d.assessment.verdict {
            Verdict::Prohibited | Verdict::NeedsSeparateLicense => {
                "no file changes that: the terms do not let you ship it so"
            }
            Verdict::Undetermined | Verdict::NeedsReview => "what is owed may change when that is settled",
            Verdict::Permitted | Verdict::PermittedWithObligations => continue,
        };
        page.notes.push(format!("the verdict of {} is {}: {says}", d.subject.id, d.assessment.verdict.as_str()));
    }
    let again = name.map(|n| format!(" --name '{}'", n.replace('\'', "'\\''"))).unwrap_or_default();
    page.next = if page.dry_run {
        format!("freehold comply {what} --release {dir} …, without --dry-run")
    } else {
        format!("freehold check {what} --release {dir}{again} …")
    };
}

/// An edit as it is shown.
pub(crate) fn shown(e: &Edit) -> WrittenText {
    let old = e.was.as_deref().unwrap_or_default();
    let diff = similar::TextDiff::from_lines(old, e.is.as_str());
    let before = if e.was.is_none() { "/dev/null".to_string() } else { format!("a/{}", e.path) };
    WrittenText {
        path: e.path.clone(),
        new: e.was.is_none(),
        why: e.why.join(" · "),
        diff: diff.unified_diff().header(&before, &format!("b/{}", e.path)).to_string(),
    }
}

/// A header as it is shown.
pub(crate) fn shown_header(path: &Path, plan: &GgufPlan) -> WrittenHeader {
    let keys = plan.changes.iter().map(|c| (c.key.clone(), c.was.clone(), c.is.clone()));
    WrittenHeader { path: path.display().to_string(), keys: keys.collect() }
}
