//! What `comply` and `stamp` wrote or would write, and what stays open.

use crate::page::{Cell, Page};
use crate::style::{Ink, Style};

/// Lines of one file's changes that are shown.
const DIFF_LINES_MAX: usize = 60;
/// Lines of a new file that are shown where it has more than twice as many: a license text is known by its beginning.
const NEW_LINES_MAX: usize = 10;

/// What was done, or would be.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// First row: what it is about.
    pub about: Vec<String>,
    /// True where nothing was written.
    pub dry_run: bool,
    /// Texts.
    pub texts: Vec<WrittenText>,
    /// GGUF files.
    pub headers: Vec<WrittenHeader>,
    /// Duties that stay open and could be written if what is missing were at hand: title, who asks, what to do.
    pub unmet: Vec<[String; 3]>,
    /// Duties that take a person: title, who asks, what to do.
    pub person: Vec<[String; 3]>,
    /// Files that were left as they are because they need nothing.
    pub unchanged: usize,
    /// Remarks.
    pub notes: Vec<String>,
    /// The outcome, in a sentence.
    pub outcome: String,
    /// True where nothing stays open that could be written.
    pub done: bool,
    /// What to type next.
    pub next: String,
}

/// A text that was written.
#[derive(Clone, Debug)]
pub struct WrittenText {
    /// Path.
    pub path: String,
    /// True for a new file.
    pub new: bool,
    /// What for.
    pub why: String,
    /// The change as a unified diff; shown where nothing was written.
    pub diff: String,
}

/// A GGUF file that was written: key, value before, value after.
#[derive(Clone, Debug)]
pub struct WrittenHeader {
    /// Path.
    pub path: String,
    /// What changed.
    pub keys: Vec<(String, Option<String>, Option<String>)>,
}

/// Prints what was written.
pub fn written(w: &Written, style: Style) -> String {
    let mut page = Page::new(style);
    for (n, line) in w.about.iter().enumerate() {
        page.row(Ink::Quiet, if n == 0 { "release" } else { "" }, line);
    }
    let verb = if w.dry_run { "would write" } else { "wrote" };
    let files = w.texts.iter().map(|t| {
        let what = if t.new { "new" } else { "changed" };
        vec![Cell::ink(Ink::Strong, t.path.clone()), Cell::plain(what), Cell::plain(t.why.clone())]
    });
    let headers = w.headers.iter().map(|h| {
        let n = h.keys.len();
        let keys = if n == 1 { "1 key".to_string() } else { format!("{n} keys") };
        vec![Cell::ink(Ink::Strong, h.path.clone()), Cell::plain("header"), Cell::plain(keys)]
    });
    let rows: Vec<Vec<Cell>> = files.chain(headers).collect();
    if rows.is_empty() {
        page.row(
            Ink::Quiet,
            if w.dry_run { "would" } else { "wrote" },
            if w.dry_run { "write nothing" } else { "nothing" },
        );
    } else {
        page.line(Ink::Good, verb);
        page.table(2, 2, &rows);
    }
    if w.unchanged > 0 {
        let n = w.unchanged;
        page.row(Ink::Quiet, "as it was", &format!("{n} {}", if n == 1 { "file" } else { "files" }));
    }
    for (ink, label, list) in [(Ink::Bad, "unmet, and not written", &w.unmet), (Ink::Open, "for a person", &w.person)] {
        if !list.is_empty() {
            page.line(ink, label);
            let rows: Vec<Vec<Cell>> = list
                .iter()
                .map(|[title, who, todo]| {
                    vec![Cell::plain(title.clone()), Cell::ink(Ink::Quiet, who.clone()), Cell::plain(todo.clone())]
                })
                .collect();
            page.table(2, 2, &rows);
        }
    }
    for note in &w.notes {
        page.row(Ink::Quiet, "note", note);
    }
    page.row_of(Ink::Quiet, "outcome", if w.done { Ink::Good } else { Ink::Bad }, &w.outcome);
    if !w.next.is_empty() {
        page.row(Ink::Quiet, "next", &w.next);
    }
    if w.dry_run {
        changes(&mut page, w);
    }
    page.finish()
}

fn changes(page: &mut Page, w: &Written) {
    for text in &w.texts {
        page.blank();
        let lines: Vec<&str> = text.diff.lines().collect();
        let most = if text.new && lines.len() > 2 * NEW_LINES_MAX { NEW_LINES_MAX } else { DIFF_LINES_MAX };
        for line in lines.iter().take(most) {
            let ink = match line.chars().next() {
                Some('+') => Ink::Good,
                Some('-') => Ink::Bad,
                Some('@') => Ink::Quiet,
                _ => Ink::Plain,
            };
            page.line(ink, line.trim_end_matches('\r'));
        }
        if lines.len() > most {
            page.line(Ink::Quiet, &format!("… {} more lines", lines.len() - most));
        }
    }
    for header in &w.headers {
        page.blank();
        page.line(Ink::Strong, &header.path);
        let value = |v: &Option<String>| v.clone().unwrap_or_else(|| "–".into());
        let rows: Vec<Vec<Cell>> = header
            .keys
            .iter()
            .map(|(key, was, is)| {
                vec![
                    Cell::plain(key.clone()),
                    Cell::ink(Ink::Bad, value(was)),
                    Cell::plain("→"),
                    Cell::ink(Ink::Good, value(is)),
                ]
            })
            .collect();
        page.table(2, 3, &rows);
    }
}
