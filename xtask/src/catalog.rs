//! Checks the law: structure always, quotes where the texts are at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use freehold_base::{Diagnostic, Severity};
use freehold_catalog::{Catalog, CatalogFile, Effect, License, Term};
use freehold_documents::Style;
use freehold_text::{Words, quote_in};

use crate::texts;

/// Reads `catalog/` from disk, so that a mistake shows before the build that embeds it.
fn read_catalog() -> Result<Vec<(String, String)>, String> {
    let root = crate::root().join("catalog");
    let mut files = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))? {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "toml") {
                let relative =
                    path.strip_prefix(&root).map_err(|e| e.to_string())?.to_string_lossy().replace('\\', "/");
                files.push((relative, fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// `cargo xtask catalog check`.
pub(crate) fn check(licenses: &Path) -> Result<String, String> {
    let (catalog, mut mistakes) = read()?;
    model_rows(&catalog, licenses, &mut mistakes);
    let quotes = quotes(&catalog, licenses, &mut mistakes);
    let mut note = format!("{} quotes stand verbatim in their texts", quotes.compared);
    if !quotes.elsewhere.is_empty() {
        let list: Vec<&str> = quotes.elsewhere.iter().map(String::as_str).collect();
        note.push_str(&format!("; not compared, read elsewhere (`read-at`): {}", list.join(", ")));
    }
    if quotes.skipped > 0 {
        note.push_str(&format!(
            "; skipped: {} quotes were not compared, {} is absent",
            quotes.skipped,
            licenses.display()
        ));
    }
    if mistakes.iter().any(|d| d.severity == Severity::Error) {
        let style = Style { color: false, width: 110 };
        return Err(format!(
            "{}\n{} mistakes in catalog/",
            freehold_documents::diagnostics(&mistakes, style),
            mistakes.len()
        ));
    }
    let terms: usize = catalog.licenses.iter().map(|l| l.terms.iter().filter(|t| t.policy.is_none()).count()).sum();
    let items: usize = catalog.policies.iter().map(|p| p.items.len()).sum();
    Ok(format!(
        "{} licenses with {terms} terms, {} use policies with {items} items, {} model rows: no mistake; {note}",
        catalog.licenses.len(),
        catalog.policies.len(),
        catalog.models.rows().len()
    ))
}

/// Every row names a license that is in law, or a text that is known by name.
fn model_rows(catalog: &Catalog, licenses: &Path, mistakes: &mut Vec<Diagnostic>) {
    let index = fs::read_to_string(licenses.join("index.tsv")).unwrap_or_default();
    let known: BTreeSet<&str> = index.lines().skip(1).filter_map(|l| l.split('\t').next()).collect();
    for row in catalog.models.rows() {
        let in_law = catalog.license_named(&row.license).is_some();
        if !in_law && !known.is_empty() && !known.contains(row.license.as_str()) && !row.license.contains(' ') {
            let message = format!("`{}` is under `{}`, which no license or text goes by", row.id, row.license);
            mistakes.push(Diagnostic::error("unknown-license", message).in_file(row.file.clone()));
        }
        for id in &row.beside {
            if !catalog.license(id).is_some_and(|l| l.beside) {
                let message = format!(
                    "`{}` names `{id}` beside its license, and no entry with `beside = true` has that id",
                    row.id
                );
                mistakes.push(Diagnostic::error("unknown-license", message).in_file(row.file.clone()));
            }
        }
        if row.source.trim().is_empty() || row.checked.len() != 10 {
            let message = format!("`{}` needs a source and the day it was looked at", row.id);
            mistakes.push(Diagnostic::error("no-source", message).in_file(row.file.clone()));
        }
        for (parent, _) in &row.parents {
            if catalog.models.find(parent).is_empty() {
                let message = format!("`{}` names the parent `{parent}`, which has no row", row.id);
                mistakes.push(Diagnostic::warning("unknown-parent", message).in_file(row.file.clone()));
            }
        }
    }
}

/// What became of the quotes.
#[derive(Default)]
struct Quotes {
    compared: usize,
    /// Quotes of texts that only the absent folder has.
    skipped: usize,
    /// Texts that were read elsewhere.
    elsewhere: BTreeSet<String>,
}

/// Every quote and every prescribed text stands in each edition that it is said of.
fn quotes(catalog: &Catalog, licenses: &Path, mistakes: &mut Vec<Diagnostic>) -> Quotes {
    let mut done = Quotes::default();
    let mut texts = TextCache { licenses, texts: BTreeMap::new() };
    for license in &catalog.licenses {
        let file = format!("catalog/licenses/{}.toml", license.id);
        for term in license.terms.iter().filter(|t| t.policy.is_none()) {
            for edition in editions(license, term) {
                let elsewhere = |e: &freehold_catalog::Edition| e.text == edition && e.read_at.is_some();
                if license.editions.iter().any(elsewhere) {
                    done.elsewhere.insert(edition);
                    continue;
                }
                check_term(term, &edition, &file, &mut texts, &mut done, mistakes);
            }
        }
    }
    for policy in &catalog.policies {
        let file = format!("catalog/policies/{}.toml", policy.id);
        for item in &policy.items {
            check_term(item, &policy.text, &file, &mut texts, &mut done, mistakes);
        }
    }
    for exception in catalog.tags.exceptions() {
        let text = texts::exception_text(&exception.id).map(Words::of);
        if text.is_none_or(|text| quote_in(&text, &Words::of(&exception.quote)).is_none()) {
            let message = format!("exception `{}` quotes what does not stand in its text", exception.id);
            mistakes.push(Diagnostic::error("not-verbatim", message).in_file("catalog/tags.toml"));
        }
        done.compared += 1;
    }
    done
}

/// Texts that were read once.
struct TextCache<'a> {
    licenses: &'a Path,
    texts: BTreeMap<String, Option<Words>>,
}

impl TextCache<'_> {
    fn get(&mut self, id: &str) -> Option<&Words> {
        let licenses = self.licenses;
        self.texts.entry(id.to_string()).or_insert_with(|| texts::text_of(licenses, id).map(|t| Words::of(&t))).as_ref()
    }
}

fn editions(license: &License, term: &Term) -> Vec<String> {
    if term.editions.is_empty() {
        license.editions.iter().map(|e| e.text.clone()).collect()
    } else {
        term.editions.clone()
    }
}

fn check_term(
    term: &Term,
    text: &str,
    file: &str,
    texts: &mut TextCache<'_>,
    done: &mut Quotes,
    mistakes: &mut Vec<Diagnostic>,
) {
    let mut said = vec![term.quote.as_str()];
    if let Effect::Duty(d) = &term.effect {
        said.extend(d.text.iter().flat_map(|t| t.split(" | ")));
    }
    let absent = !texts.licenses.is_dir();
    let Some(words) = texts.get(text) else {
        if absent {
            done.skipped += said.len();
        } else {
            let message = format!("the text `{text}` is not at hand");
            mistakes.push(Diagnostic::error("no-text", message).in_file(file));
        }
        return;
    };
    for quote in &said {
        if quote_in(words, &Words::of(quote)).is_none() {
            let message =
                format!("term `{}` ({}) quotes what does not stand in `{text}`: “{quote}”", term.id, term.clause);
            mistakes.push(Diagnostic::error("not-verbatim", message).in_file(file));
        }
    }
    done.compared += said.len();
}

/// `cargo xtask findings`.
pub(crate) fn findings() -> Result<String, String> {
    let catalog = load()?;
    let pages = freehold_documents::finding_pages(&catalog);
    write_pages("docs/findings", &pages)
}

/// Writes a folder of pages; what is no page any more is removed.
fn write_pages(folder: &str, pages: &[(String, String)]) -> Result<String, String> {
    let dir = crate::root().join(folder);
    fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    for entry in fs::read_dir(&dir).map_err(|e| e.to_string())? {
        fs::remove_file(entry.map_err(|e| e.to_string())?.path()).map_err(|e| e.to_string())?;
    }
    for (name, text) in pages {
        fs::write(dir.join(name), text).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(format!("wrote {} pages to {folder}/", pages.len()))
}

/// `cargo xtask pages`: a page a license in `docs/licenses/`, and their list. Pages of licenses that are gone are removed.
pub(crate) fn pages() -> Result<String, String> {
    let catalog = load()?;
    let page =
        |(i, license): (usize, &License)| (format!("{}.md", license.id), freehold_documents::license_page(&catalog, i));
    let mut pages: Vec<(String, String)> = catalog.licenses.iter().enumerate().map(page).collect();
    pages.push(("README.md".into(), freehold_documents::license_index(&catalog)));
    write_pages("docs/licenses", &pages)
}

/// The catalog as it lies in the checkout, and its mistakes.
fn read() -> Result<(Catalog, Vec<Diagnostic>), String> {
    let files = read_catalog()?;
    let shown: Vec<String> = files.iter().map(|(path, _)| format!("catalog/{path}")).collect();
    let refs: Vec<CatalogFile<'_>> =
        files.iter().zip(&shown).map(|((path, text), shown)| CatalogFile { path, text, shown }).collect();
    Ok(Catalog::load(&refs))
}

/// The catalog as it lies in the checkout, without a mistake.
pub(crate) fn load() -> Result<Catalog, String> {
    let (catalog, mistakes) = read()?;
    if mistakes.iter().any(|d| d.severity == Severity::Error) {
        return Err("catalog/ has mistakes: cargo xtask catalog check".into());
    }
    Ok(catalog)
}
