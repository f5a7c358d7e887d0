//! `freehold stamp`: license and lineage into GGUF files and cards, in bulk.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_artifact::{GgufPlan, edit_card, has_front_matter};
use freehold_assess::{Leaf, parse_statement};
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_comply::{Edit, Identity, Look, Release as _, identity};
use freehold_documents::{Written, written};

use super::comply::{shown, shown_header};
use super::{prepare, print, report, style};
use crate::context::{all, get};
use crate::exit;
use crate::load::{Run, dossier};
use crate::write::{self, Root};

/// What is written into a file.
enum Stamp {
    Header(PathBuf, GgufPlan),
    Card(PathBuf, Edit),
}

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let run = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let (stated, mistakes) = stated(matches, catalog);
    let from_card = matches.get_flag("from-card");
    let paths = all(matches, "what");
    let out = get(matches, "out").map(PathBuf::from);
    let mut mistakes = mistakes;
    if from_card && stated.is_some() {
        mistakes.push(Diagnostic::error("two-sources", "`--from-card` and values by hand: one or the other"));
    }
    let one_header = matches!(paths.as_slice(), [one] if is_header(Path::new(one)) && Path::new(one).is_file());
    if out.is_some() && !one_header {
        mistakes.push(Diagnostic::error("out-of-many", "`--out` is for one GGUF file"));
    }
    if let Some(out) = out.as_deref().filter(|o| o.exists()) {
        let d = Diagnostic::error("file-exists", "is there already").in_file(out.display().to_string());
        mistakes.push(d.help("give a name that is free"));
    }
    if !mistakes.is_empty() {
        report(&mistakes);
        return exit::USAGE;
    }
    let mut work = Work { run: &run, stated, from_card, stamps: Vec::new(), unchanged: 0, said: Vec::new(), seen: 0 };
    for path in &paths {
        work.path(Path::new(path));
    }
    work.finish(matches, out.as_deref())
}

fn is_header(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf"))
}

/// What the flags state; `None` where none does. And what is wrong with it.
fn stated(matches: &ArgMatches, catalog: &Catalog) -> (Option<Identity>, Vec<Diagnostic>) {
    let text = |id: &str| get(matches, id).map(str::to_string);
    let many = |id: &str| all(matches, id).into_iter().map(str::to_string).collect::<Vec<_>>();
    let says = Identity {
        name: text("name"),
        license: text("license"),
        license_name: text("license-name"),
        license_link: text("license-link"),
        bases: many("base-model"),
        relation: text("relation"),
        datasets: many("dataset"),
    };
    let mut mistakes = Vec::new();
    let texts = [&says.name, &says.license, &says.license_name, &says.license_link];
    if texts.into_iter().flatten().any(|t| t.trim().is_empty() || t.chars().any(char::is_control)) {
        mistakes.push(Diagnostic::error(
            "bad-value",
            "a value is empty or holds a line break or another control character",
        ));
    }
    for id in says.bases.iter().chain(&says.datasets).filter(|id| !freehold_comply::is_repository_id(id)) {
        let d = Diagnostic::error("no-repository", format!("`{id}` is no repository")).help("write it as ORG/NAME");
        mistakes.push(d);
    }
    let license = says.license.as_deref().filter(|l| !l.eq_ignore_ascii_case("other"));
    if let Some(statement) = license.and_then(|l| parse_statement(l, catalog).statement) {
        for part in statement.leaves() {
            let Leaf::Unread(part) = part else { continue };
            let mut d = Diagnostic::error("unknown-license", format!("no license in law is called `{part}`"));
            let near = freehold_base::nearest(part, catalog.license_names());
            d = d.help(match near {
                Some(near) => format!("did you mean `{near}`? a license of your own: --license other --license-name NAME --license-link URL"),
                None => "a license of your own: --license other --license-name NAME --license-link URL".into(),
            });
            mistakes.push(d);
        }
    }
    if says.license.is_none() && (says.license_name.is_some() || says.license_link.is_some()) {
        mistakes.push(
            Diagnostic::error("no-license", "a name or a link of a license, and no --license").help("--license other"),
        );
    }
    (Some(says).filter(|s| *s != Identity::default()), mistakes)
}

struct Work<'r, 'c> {
    run: &'r Run<'c>,
    stated: Option<Identity>,
    from_card: bool,
    stamps: Vec<Stamp>,
    unchanged: usize,
    said: Vec<Diagnostic>,
    seen: usize,
}

impl Work<'_, '_> {
    fn path(&mut self, path: &Path) {
        if path.is_dir() {
            let wanted = |name: &str| {
                let lower = name.to_ascii_lowercase();
                lower.ends_with(".gguf") || lower == "readme.md" || lower == "model-card.md"
            };
            for file in write::files(path, &wanted) {
                self.file(&file, false);
            }
        } else if path.exists() {
            self.file(path, true);
        } else {
            let d = Diagnostic::error("source-not-found", "is not there").in_file(path.display().to_string());
            self.said.push(d);
        }
    }

    fn file(&mut self, path: &Path, named: bool) {
        let name = path.display().to_string();
        if is_header(path) {
            self.seen += 1;
            let done = match self.values(path) {
                Ok((says, replace)) => self.header(path, &says, replace),
                Err(d) => Err(d),
            };
            self.said.extend(done.err());
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("md")) {
            // with --from-card cards are where values come from
            if self.from_card {
                return;
            }
            match self.card(path, named) {
                Ok(()) => {}
                Err(d) => self.said.push(d),
            }
        } else {
            let d = Diagnostic::error("not-stamped", "is neither a GGUF file nor a card (.md)").in_file(name);
            self.said.push(d.help("convert it to GGUF, or stamp the card beside it"));
        }
    }

    /// What is written into a file, and whether it replaces what stands there.
    #[expect(clippy::result_large_err, reason = "one result a file")]
    fn values(&self, path: &Path) -> Result<(Identity, bool), Diagnostic> {
        let name = path.display().to_string();
        if let Some(stated) = &self.stated {
            return Ok((stated.clone(), true));
        }
        if self.from_card {
            let card = path.with_file_name("README.md");
            let refused = |why: String| Diagnostic::error("no-card", why).in_file(name.clone());
            return match Root::open(&folder_of(path))?.look("README.md") {
                Look::Text(text) if has_front_matter(&text) => {
                    let says = Identity::of_card(&text);
                    // a card's title is a name for readers; a header's own is kept
                    Ok((Identity { name: None, ..says }, true))
                }
                Look::Text(_) | Look::Absent => {
                    let d = refused(format!("there is no card with front matter at {}", card.display()));
                    Err(d.help("state the values: --license … --base-model …"))
                }
                Look::Refused(why) => Err(refused(format!("{} {why}", card.display()))),
            };
        }
        let found = freehold_source::open(path, &freehold_source::Limits::default())?;
        let says = found.first().map(|a| identity(&dossier(&name, a, self.run))).unwrap_or_default();
        Ok((Identity { name: None, ..says }, false))
    }

    #[expect(clippy::result_large_err, reason = "one result a file")]
    fn header(&mut self, path: &Path, says: &Identity, replace: bool) -> Result<(), Diagnostic> {
        let header = write::header(path)?;
        let (set, without) = says.gguf_keys(&header, replace);
        let plan = header
            .with(&set, &without)
            .map_err(|e| Diagnostic::error("not-written", e).in_file(path.display().to_string()))?;
        if plan.changes.is_empty() {
            self.unchanged += 1;
        } else {
            self.stamps.push(Stamp::Header(path.to_path_buf(), plan));
        }
        Ok(())
    }

    #[expect(clippy::result_large_err, reason = "one result a file")]
    fn card(&mut self, path: &Path, named: bool) -> Result<(), Diagnostic> {
        let name = path.display().to_string();
        let refused = |why: String| Diagnostic::error("not-written", why).in_file(name.clone());
        let root = Root::open(&folder_of(path))?;
        let base = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let text = match root.look(&base) {
            Look::Text(text) => text,
            Look::Absent => return Err(refused("is not there".into())),
            Look::Refused(why) => return Err(refused(why)),
        };
        // a README in a folder is a model's card where it says so; one that is named becomes one
        if !named && !has_front_matter(&text) {
            return Ok(());
        }
        self.seen += 1;
        let (says, replace) = match &self.stated {
            Some(stated) => (stated.clone(), true),
            None => {
                let found = freehold_source::open(Path::new(&folder_of(path)), &freehold_source::Limits::default())?;
                let says = match found.as_slice() {
                    [one] => identity(&dossier(&name, one, self.run)),
                    _ => return Err(refused("several models lie beside this card: state the values".into())),
                };
                (Identity { name: None, ..says }, false)
            }
        };
        let is = edit_card(&text, &says.card_fields(replace)).map_err(refused)?;
        if is == text {
            self.unchanged += 1;
        } else {
            let edit = Edit { path: name.clone(), was: Some(text), is, why: vec!["card".into()] };
            self.stamps.push(Stamp::Card(path.to_path_buf(), edit));
        }
        Ok(())
    }

    fn finish(mut self, matches: &ArgMatches, out: Option<&Path>) -> u8 {
        let dry_run = matches.get_flag("dry-run");
        let mut page = Written { dry_run, unchanged: self.unchanged, ..Written::default() };
        for stamp in &self.stamps {
            let done = match stamp {
                _ if dry_run => Ok(()),
                Stamp::Header(path, plan) => write::gguf(path, out.unwrap_or(path), plan),
                Stamp::Card(path, edit) => {
                    let base = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                    match Root::open(&folder_of(path)) {
                        Ok(root) => root.write(&base, edit.was.as_deref(), &edit.is),
                        Err(d) => Err(d),
                    }
                }
            };
            match (done, stamp) {
                (Err(d), _) => self.said.push(d),
                (Ok(()), Stamp::Header(path, plan)) => page.headers.push(shown_header(out.unwrap_or(path), plan)),
                (Ok(()), Stamp::Card(_, edit)) => page.texts.push(shown(edit)),
            }
        }
        let n = self.said.len();
        page.done = n == 0;
        page.outcome = match (self.seen, n) {
            (0, 0) => "no GGUF file and no card was found".into(),
            (_, 0) => "every file says it".into(),
            (_, 1) => "one file was left as it is".into(),
            (_, n) => format!("{n} files were left as they are"),
        };
        print(&written(&page, style()));
        report(&self.said);
        match (self.seen, n) {
            (0, 0) => exit::NOTHING,
            (_, 0) => exit::CLEAR,
            _ => exit::UNREADABLE,
        }
    }
}

fn folder_of(path: &Path) -> String {
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    dir.display().to_string()
}
