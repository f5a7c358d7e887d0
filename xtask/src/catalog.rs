//! Checks the law: structure always, quotes where the texts are at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use freehold_base::{Diagnostic, Severity};
use freehold_catalog::{Catalog, CatalogFile, Effect, License, Term};
use freehold_documents::Style;
use freehold_text::{Words, quote_in};

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
    let texts = licenses.join("texts");
    let note = if texts.is_dir() {
        let (n, elsewhere) = quotes(&catalog, &texts, &mut mistakes);
        let not_compared = if elsewhere.is_empty() {
            String::new()
        } else {
            let list: Vec<&str> = elsewhere.iter().map(String::as_str).collect();
            format!("; not compared, read elsewhere (`read-at`): {}", list.join(", "))
        };
        format!("{n} quotes stand verbatim in their texts{not_compared}")
    } else {
        format!("skipped: quotes were not compared, {} is absent", texts.display())
    };
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

/// Every quote and every prescribed text stands in each edition that it is said of.
fn quotes(catalog: &Catalog, texts: &Path, mistakes: &mut Vec<Diagnostic>) -> (usize, BTreeSet<String>) {
    let mut elsewhere_read = BTreeSet::new();
    let mut cache: BTreeMap<String, Option<Words>> = BTreeMap::new();
    let mut checked = 0;
    for license in &catalog.licenses {
        let file = format!("catalog/licenses/{}.toml", license.id);
        for term in license.terms.iter().filter(|t| t.policy.is_none()) {
            for edition in editions(license, term) {
                let elsewhere = |e: &freehold_catalog::Edition| e.text == edition && e.read_at.is_some();
                if license.editions.iter().any(elsewhere) {
                    elsewhere_read.insert(edition);
                    continue;
                }
                checked += check_term(term, &edition, &file, texts, &mut cache, mistakes);
            }
        }
    }
    for policy in &catalog.policies {
        let file = format!("catalog/policies/{}.toml", policy.id);
        for item in &policy.items {
            checked += check_term(item, &policy.text, &file, texts, &mut cache, mistakes);
        }
    }
    (checked, elsewhere_read)
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
    texts: &Path,
    cache: &mut BTreeMap<String, Option<Words>>,
    mistakes: &mut Vec<Diagnostic>,
) -> usize {
    let words = cache
        .entry(text.to_string())
        .or_insert_with(|| fs::read_to_string(texts.join(format!("{text}.txt"))).ok().map(|t| Words::of(&t)));
    let Some(words) = words else {
        let message = format!("the text `{text}` is not at hand");
        mistakes.push(Diagnostic::error("no-text", message).in_file(file));
        return 0;
    };
    let mut said = vec![term.quote.as_str()];
    if let Effect::Duty(d) = &term.effect {
        said.extend(d.text.iter().flat_map(|t| t.split(" | ")));
    }
    for quote in &said {
        if quote_in(words, &Words::of(quote)).is_none() {
            let message =
                format!("term `{}` ({}) quotes what does not stand in `{text}`: “{quote}”", term.id, term.clause);
            mistakes.push(Diagnostic::error("not-verbatim", message).in_file(file));
        }
    }
    said.len()
}

/// `cargo xtask findings`.
pub(crate) fn findings() -> Result<String, String> {
    let path = crate::root().join("docs/findings.md");
    fs::write(&path, freehold_assess::findings_page()).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok("wrote docs/findings.md".into())
}

/// `cargo xtask pages`: a page a license in `docs/licenses/`, and their list. Pages of licenses that are gone are removed.
pub(crate) fn pages() -> Result<String, String> {
    let catalog = load()?;
    let dir = crate::root().join("docs/licenses");
    fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    for entry in fs::read_dir(&dir).map_err(|e| e.to_string())? {
        fs::remove_file(entry.map_err(|e| e.to_string())?.path()).map_err(|e| e.to_string())?;
    }
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).map_err(|e| format!("{name}: {e}"));
    for (i, license) in catalog.licenses.iter().enumerate() {
        write(&format!("{}.md", license.id), &freehold_documents::license_page(&catalog, i))?;
    }
    write("README.md", &freehold_documents::license_index(&catalog))?;
    Ok(format!("wrote {} pages to docs/licenses/", catalog.licenses.len() + 1))
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
