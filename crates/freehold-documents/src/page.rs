//! A page of labeled rows: a label column, wrapped text, and small tables. Everything printed goes through here, where it
//! is cleaned of control characters.

use crate::style::{Ink, Style, clean};

/// Columns of the label.
const LABEL: usize = 10;
/// Spaces between the columns of a table.
const GUTTER: &str = "  ";

/// A page in the making.
pub(crate) struct Page {
    pub(crate) style: Style,
    out: String,
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) ink: Ink,
    pub(crate) text: String,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Cell {
        Cell { ink: Ink::Plain, text: text.into() }
    }

    pub(crate) fn ink(ink: Ink, text: impl Into<String>) -> Cell {
        Cell { ink, text: text.into() }
    }
}

/// Columns that a text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// Wraps at spaces; a word longer than a line (a path, an address) is kept whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width.max(16))
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    textwrap::wrap(&clean(text), options).into_iter().map(|l| l.into_owned()).collect()
}

/// Cuts to a width at a word, with an ellipsis.
pub(crate) fn cut(text: &str, width: usize) -> String {
    let text = clean(text).replace('\n', " ");
    if columns(&text) <= width {
        return text;
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if columns(&out) >= width {
            out.pop();
            break;
        }
    }
    format!("{}…", out.trim_end())
}

impl Page {
    pub(crate) fn new(style: Style) -> Page {
        Page { style, out: String::new() }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    pub(crate) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// A line as it is, in one ink.
    pub(crate) fn line(&mut self, ink: Ink, text: &str) {
        self.out.push_str(&self.style.paint(ink, text));
        self.out.push('\n');
    }

    /// A label and text beside it; the label stands on the first line only.
    pub(crate) fn row(&mut self, ink: Ink, label: &str, text: &str) {
        self.row_of(ink, label, Ink::Plain, text);
    }

    /// The same with ink for the text.
    pub(crate) fn row_of(&mut self, ink: Ink, label: &str, text_ink: Ink, text: &str) {
        let at = if columns(label) < LABEL { LABEL } else { columns(label) + 2 };
        let lines = wrap(text, self.style.width.saturating_sub(LABEL));
        // a label wider than its column pushes the first line only
        let first = wrap(text, self.style.width.saturating_sub(at)).into_iter().next().unwrap_or_default();
        let mut pad = " ".repeat(at - columns(label));
        self.out.push_str(&self.style.paint(ink, label));
        if at == LABEL {
            for (i, line) in lines.iter().enumerate() {
                if i > 0 {
                    pad = " ".repeat(LABEL);
                }
                self.out.push_str(&pad);
                self.out.push_str(&self.style.paint(text_ink, line));
                self.out.push('\n');
            }
            if lines.is_empty() {
                self.out.push('\n');
            }
            return;
        }
        self.out.push_str(&pad);
        self.out.push_str(&self.style.paint(text_ink, &first));
        self.out.push('\n');
        let rest = clean(text);
        let rest = rest.get(first.len()..).unwrap_or("").trim_start();
        for line in wrap(rest, self.style.width.saturating_sub(LABEL)).into_iter().filter(|l| !l.is_empty()) {
            self.out.push_str(&" ".repeat(LABEL));
            self.out.push_str(&self.style.paint(text_ink, &line));
            self.out.push('\n');
        }
    }

    /// Rows of cells. Columns are as wide as they need; the `flex` column takes what is left and wraps.
    pub(crate) fn table(&mut self, indent: usize, flex: usize, rows: &[Vec<Cell>]) {
        let n = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0usize; n];
        for row in rows {
            for (i, cell) in row.iter().enumerate() {
                widths[i] = widths[i].max(columns(&clean(&cell.text)));
            }
        }
        let others: usize = widths.iter().enumerate().filter(|(i, _)| *i != flex).map(|(_, w)| w).sum();
        let gutters = GUTTER.len() * n.saturating_sub(1);
        let left = self.style.width.saturating_sub(indent + others + gutters).max(20);
        if let Some(w) = widths.get_mut(flex) {
            *w = (*w).min(left);
        }
        for row in rows {
            let wrapped: Vec<Vec<String>> = row
                .iter()
                .enumerate()
                .map(|(i, c)| if i == flex { wrap(&c.text, widths[i]) } else { vec![clean(&c.text)] })
                .collect();
            let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
            for k in 0..height {
                let mut line = " ".repeat(indent);
                let mut plain = indent;
                let mut at = indent;
                for (i, cell) in row.iter().enumerate() {
                    let text = wrapped[i].get(k).map(String::as_str).unwrap_or("");
                    if !text.is_empty() {
                        line.push_str(&" ".repeat(at.saturating_sub(plain)));
                        line.push_str(&self.style.paint(cell.ink, text));
                        plain = at + columns(text);
                    }
                    at += widths[i] + GUTTER.len();
                }
                self.out.push_str(&line);
                self.out.push('\n');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up_and_wrap_the_wide_column() {
        let mut page = Page::new(Style { color: false, width: 40 });
        page.table(
            2,
            1,
            &[
                vec![Cell::plain("a"), Cell::plain("some words that do not fit on one line"), Cell::plain("met")],
                vec![Cell::plain("bbb"), Cell::plain("許可"), Cell::plain("unmet")],
            ],
        );
        let text = page.finish();
        assert_eq!(
            text,
            "  a    some words that do not fit  met\n       on one line\n  bbb  許可                        unmet\n"
        );
    }

    #[test]
    fn rows_hang_under_their_label() {
        let mut page = Page::new(Style { color: false, width: 30 });
        page.row(Ink::Quiet, "governs", "the quick brown fox jumps over it");
        page.row(Ink::Quiet, "a-long-label", "the quick brown fox jumps over it");
        assert_eq!(
            page.finish(),
            "governs   the quick brown fox\n          jumps over it\na-long-label  the quick brown\n          fox jumps over it\n"
        );
    }
}
