//! What a license text that nobody has read appears to say, for the person who has to read it.

use crate::identification::{Identified, heading};
use crate::page::{Cell, Page};
use crate::style::{Ink, Style};

/// What a text appears to say; the words of each field are those of `freehold.reading/1`.
#[derive(Clone, Debug, Default)]
pub struct ReadText {
    /// What it was identified as.
    pub identified: Identified,
    /// Id of the license in law that it is an edition of.
    pub law: Option<String>,
    /// Terms of which it says something else than its edition: (name, was, now); `None` where it is no altered edition.
    pub changes: Option<Vec<ReadChange>>,
    /// What it says of each term.
    pub proposals: Vec<ReadProposal>,
    /// Names of the terms of which it says nothing.
    pub silent: Vec<String>,
    /// It was longer than is read.
    pub truncated: bool,
}

/// A term of which an altered text says something else.
#[derive(Clone, Debug, Default)]
pub struct ReadChange {
    /// Its name.
    pub name: String,
    /// can, cannot, must; empty = nothing.
    pub was: String,
    /// The same of this text.
    pub now: String,
    /// The sentences behind it: line, words.
    pub sentences: Vec<(usize, String)>,
}

/// What a text says of one term.
#[derive(Clone, Debug, Default)]
pub struct ReadProposal {
    /// Its name.
    pub name: String,
    /// can, cannot, must.
    pub attitude: String,
    /// The text only supposes it.
    pub supposed: bool,
    /// The sentences that say so: line, words, with a condition.
    pub sentences: Vec<(usize, String, bool)>,
    /// How many sentences say something else.
    pub against: usize,
}

/// Sentences of a change that are shown.
const SENTENCES_MAX: usize = 2;

/// Prints what one text appears to say.
pub fn reading(catalog: &freehold_catalog::Catalog, text: &ReadText, style: Style) -> String {
    let mut page = Page::new(style);
    heading(&mut page, catalog, &text.identified);
    let exact = text.identified.matched == "exact";
    if let (true, Some(law)) = (exact, &text.law) {
        page.row(Ink::Quiet, "  next", &format!("this text is in law, word for word: freehold explain {law}"));
        return page.finish();
    }
    page.row_of(
        Ink::Quiet,
        "  review",
        Ink::Open,
        "needs-review: found by rules in the words, sentence by sentence; a person has to read the text",
    );
    if text.truncated {
        page.row_of(Ink::Quiet, "", Ink::Open, "the text is longer than is read: its end was not looked at");
    }
    if let Some(changes) = &text.changes {
        changed(&mut page, changes);
        if let Some(law) = &text.law {
            let rest = format!(
                "where its words are the license's own, its terms are too: freehold explain {law}. What the changed words mean is for counsel"
            );
            page.row(Ink::Quiet, "  next", &rest);
            return page.finish();
        }
    }
    proposals(&mut page, text);
    page.row(
        Ink::Quiet,
        "  next",
        "have it read; what is read goes into a folder of law of your own (freehold help catalog)",
    );
    page.finish()
}

fn said(attitude: &str) -> &str {
    if attitude.is_empty() { "nothing" } else { attitude }
}

fn changed(page: &mut Page, changes: &[ReadChange]) {
    if changes.is_empty() {
        page.row(
            Ink::Quiet,
            "  changes",
            "no change of what the text appears to grant, require or forbid was found in the words that differ",
        );
        return;
    }
    page.row(Ink::Quiet, "  changes", "what the text appears to say otherwise than the edition");
    let mut rows = Vec::new();
    for c in changes {
        let mut words: Vec<String> =
            c.sentences.iter().take(SENTENCES_MAX).map(|(line, quote)| format!("line {line}  “{quote}”")).collect();
        if words.is_empty() {
            words.push("the words that said it are gone".into());
        }
        for (i, words) in words.into_iter().enumerate() {
            let (name, turn) = if i == 0 {
                (c.name.clone(), format!("{} → {}", said(&c.was), said(&c.now)))
            } else {
                (String::new(), String::new())
            };
            rows.push(vec![Cell::plain(name), Cell::ink(Ink::Open, turn), Cell::plain(words)]);
        }
    }
    page.table(10, 2, &rows);
}

fn proposals(page: &mut Page, text: &ReadText) {
    let groups =
        [("can", "  permits", Ink::Good), ("must", "  requires", Ink::Open), ("cannot", "  forbids", Ink::Bad)];
    for (attitude, label, ink) in groups {
        let all: Vec<&ReadProposal> = text.proposals.iter().filter(|p| p.attitude == attitude).collect();
        if all.is_empty() {
            continue;
        }
        let count =
            if all.len() == 1 { "1 term, it appears".to_string() } else { format!("{} terms, it appears", all.len()) };
        page.row(Ink::Quiet, label, &count);
        let rows: Vec<Vec<Cell>> = all
            .iter()
            .map(|p| {
                let words = match p.sentences.first() {
                    Some((line, quote, conditional)) => {
                        let condition = if *conditional { ", on a condition" } else { "" };
                        let supposed = if p.supposed { ", only supposed" } else { "" };
                        let against = match p.against {
                            0 => String::new(),
                            1 => "; 1 sentence says otherwise".into(),
                            n => format!("; {n} sentences say otherwise"),
                        };
                        format!("line {line}{condition}{supposed}  “{quote}”{against}")
                    }
                    None => "supposed throughout".into(),
                };
                vec![Cell::ink(ink, p.name.clone()), Cell::plain(words)]
            })
            .collect();
        page.table(10, 1, &rows);
    }
    if text.proposals.is_empty() {
        page.row(Ink::Quiet, "  says", "nothing that the rules know: it may be no license, or not in English");
    } else if !text.silent.is_empty() {
        page.row(Ink::Quiet, "  silent", &format!("nothing found on: {}", text.silent.join(", ")));
    }
}
