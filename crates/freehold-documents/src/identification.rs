//! What a license text is, in a short block a file.

use freehold_catalog::{Catalog, Edition};

use crate::page::{Cell, Page, cut};
use crate::style::{Ink, Style};
use crate::words;

/// A text and what it was identified as; the words of each field are those of `freehold.identification/1`.
#[derive(Clone, Debug, Default)]
pub struct Identified {
    /// The path as it was given.
    pub file: String,
    /// Text id.
    pub edition: Option<String>,
    /// exact, altered, partial, combined or none.
    pub matched: String,
    /// The editions found.
    pub parts: Vec<IdentifiedPart>,
    /// Where the words differ.
    pub differences: Vec<IdentifiedDifference>,
    /// Text ids that are close, and how close from 0 to 1.
    pub near: Vec<(String, f64)>,
    /// A license that is named.
    pub points_to: Option<String>,
    /// Words in no part.
    pub other_words: usize,
}

/// An edition in a text.
#[derive(Clone, Debug, Default)]
pub struct IdentifiedPart {
    /// Text id.
    pub edition: String,
    /// exact, altered or partial.
    pub matched: String,
    /// From 0 to 1.
    pub coverage: f64,
}

/// A place where the words differ.
#[derive(Clone, Debug, Default)]
pub struct IdentifiedDifference {
    /// added, removed or replaced.
    pub kind: String,
    /// The edition's clause; may be empty.
    pub clause: String,
    /// The edition's words, where its text is at hand.
    pub was: Option<String>,
    /// The words that stand there.
    pub is: String,
    /// How many words of the edition are concerned.
    pub words: u32,
}

/// Differences that are shown.
const SHOWN_MAX: usize = 8;
/// Columns of the words of a difference.
const WORDS_MAX: usize = 160;

/// Prints what one text is.
pub fn identification(catalog: &Catalog, text: &Identified, style: Style) -> String {
    let mut page = Page::new(style);
    heading(&mut page, catalog, text);
    if text.matched == "none" || text.matched == "partial" {
        for (edition, similarity) in text.near.iter().take(2) {
            let close = format!("{}, {} alike", name(catalog, edition), percent(*similarity));
            page.row(Ink::Quiet, "  near", &close);
        }
    }
    if let Some(named) = &text.points_to {
        page.row(Ink::Quiet, "  names", named);
    }
    page.row(Ink::Quiet, "  next", &next(catalog, text));
    page.finish()
}

/// The file, the license, how it agrees, and where it differs.
pub(crate) fn heading(page: &mut Page, catalog: &Catalog, text: &Identified) {
    page.line(Ink::Strong, &text.file);
    if let Some(edition) = &text.edition {
        page.row(Ink::Quiet, "  license", &name(catalog, edition));
    }
    let (ink, says) = says(text);
    page.row_of(Ink::Quiet, "  match", ink, &says);
    if text.edition.is_none() {
        for part in &text.parts {
            let what = match part.matched.as_str() {
                "exact" => "word for word".to_string(),
                other => format!("{other}, {} of its words", percent(part.coverage)),
            };
            page.row(Ink::Quiet, "  holds", &format!("{}: {what}", name(catalog, &part.edition)));
        }
    }
    differences(page, &text.differences);
}

/// Full name and date of an edition, with its id.
fn name(catalog: &Catalog, edition: &str) -> String {
    if let Some((license, _)) = catalog.license_of_edition(edition) {
        let license = &catalog.licenses[license];
        let name = words::license_name(license, edition);
        return if license.id == edition { name } else { format!("{name} ({edition})") };
    }
    match catalog.policies.iter().find(|p| p.text == edition) {
        Some(policy) => format!("{} ({edition})", policy.name),
        None => edition.to_string(),
    }
}

fn says(text: &Identified) -> (Ink, String) {
    let coverage = text.parts.first().map_or(0.0, |p| p.coverage);
    match text.matched.as_str() {
        "exact" => (Ink::Good, "exact, word for word".into()),
        "altered" => {
            let places = match text.differences.len() {
                1 => "1 place differs".to_string(),
                n => format!("{n} places differ"),
            };
            (Ink::Open, format!("altered: {places}; {} of its words are there", percent(coverage)))
        }
        "partial" => (Ink::Open, format!("a piece: {} of its words are there", percent(coverage))),
        "combined" if text.parts.len() == 1 => {
            (Ink::Open, format!("a license inside a longer text of {} other words", text.other_words))
        }
        "combined" => {
            let others = if text.other_words == 0 {
                String::new()
            } else {
                format!(", and {} words that are none of theirs", text.other_words)
            };
            (Ink::Open, format!("{} license texts in one file{others}", text.parts.len()))
        }
        _ => (Ink::Bad, "no license text that this build knows".into()),
    }
}

/// The file as it is typed again.
fn shown_path(file: &str) -> &str {
    if file == "standard input" { "-" } else { file }
}

/// 0.999 is not yet all.
fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

fn differences(page: &mut Page, all: &[IdentifiedDifference]) {
    let quoted = |words: &str| format!("“{}”", cut(words.trim(), WORDS_MAX));
    let rows: Vec<Vec<Cell>> = all
        .iter()
        .take(SHOWN_MAX)
        .map(|d| {
            let count = if d.words == 1 { "1 word".to_string() } else { format!("{} words", d.words) };
            let was = d.was.as_deref().map_or(count, quoted);
            let what = match d.kind.as_str() {
                "added" => quoted(&d.is),
                "removed" => was,
                _ => format!("{} in place of {was}", quoted(&d.is)),
            };
            let clause = if d.clause.is_empty() { "–".to_string() } else { d.clause.clone() };
            vec![Cell::plain(clause), Cell::ink(Ink::Open, d.kind.clone()), Cell::plain(what)]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    page.row(Ink::Quiet, "  differs", "by clause of the license");
    page.table(10, 2, &rows);
    if all.len() > SHOWN_MAX {
        page.row(Ink::Quiet, "", &format!("and {} more: --format json lists them", all.len() - SHOWN_MAX));
    }
}

fn next(catalog: &Catalog, text: &Identified) -> String {
    let explain = |edition: &str| {
        let license = catalog.license_of_edition(edition).map(|(i, _)| catalog.licenses[i].id.as_str());
        license.map(|id| format!("freehold explain {id}"))
    };
    let unread = "the catalog has not read this text: its terms are for you or counsel to read";
    let address = |edition: &str| {
        catalog.license_of_edition(edition).and_then(|(_, e): (_, &Edition)| e.url.clone()).map(|u| format!(": {u}"))
    };
    let edition = text.edition.as_deref().unwrap_or_default();
    match text.matched.as_str() {
        "exact" => match explain(edition) {
            Some(command) => command,
            None if catalog.policies.iter().any(|p| p.text == edition) => {
                "a use policy: `freehold explain` of the license that it belongs to lists its lines".into()
            }
            None => unread.into(),
        },
        "altered" => format!(
            "its author changed these words, so the license's terms may not be its own: freehold read {}; or compare with the publisher's text{}",
            shown_path(&text.file),
            address(edition).unwrap_or_default()
        ),
        "partial" => {
            format!("a piece grants nothing by itself: get the whole text{}", address(edition).unwrap_or_default())
        }
        "combined" => {
            let mut commands: Vec<String> = text.parts.iter().filter_map(|p| explain(&p.edition)).collect();
            commands.sort();
            commands.dedup();
            let read = "read which part of the work each text is for";
            if commands.is_empty() { read.into() } else { format!("{read}; {}", commands.join(" · ")) }
        }
        _ => match &text.points_to {
            Some(named) => match catalog.license_named(named) {
                Some(i) => format!(
                    "a name is no text: get the text that it names; freehold explain {}",
                    catalog.licenses[i].id
                ),
                None => "a name is no text: get the text that it names, and identify that".into(),
            },
            None => format!(
                "have it read, or ask its author which license this is; what it appears to say: freehold read {}",
                shown_path(&text.file)
            ),
        },
    }
}
