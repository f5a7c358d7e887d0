//! A paper that people read and file: headings, paragraphs, tables, quotes. Written as Markdown and as HTML; what comes from outside
//! brings no markup into either.

use freehold_base::shown;
use serde::{Deserialize, Serialize};

/// One piece of a paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// A numbered heading.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// Words that stand in a text, and where.
    Quote {
        /// The words.
        words: String,
        /// License, edition, clause.
        from: String,
    },
    /// Points.
    List(Vec<String>),
    /// A table: a caption, column heads, rows.
    Table {
        /// What it shows.
        caption: String,
        /// Heads.
        heads: Vec<String>,
        /// Rows, each as long as the heads.
        rows: Vec<Vec<String>>,
    },
    /// Something that must not be overlooked.
    Callout(String),
}

/// A paper.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Its title.
    pub title: String,
    /// The line below it.
    pub subtitle: String,
    /// Said at the head of every page: confidentiality, for example; empty for nothing.
    pub marking: String,
    /// What it is about, in pairs.
    pub about: Vec<(String, String)>,
    /// Its body.
    pub blocks: Vec<Block>,
    /// Said at its end.
    pub footer: String,
    /// The day that it is of, `YYYY-MM-DD`; empty for none.
    pub day: String,
}

/// Rows as CSV (RFC 4180). A cell that a spreadsheet would take for a formula is quoted as text.
pub fn csv(rows: &[Vec<String>]) -> String {
    let cell = |text: &String| {
        let text = plain(text);
        // a minus before digits alone is a number
        let formula =
            text.starts_with(['=', '+', '@', '|', '%']) || (text.starts_with('-') && text.parse::<f64>().is_err());
        let text = if formula { format!("'{text}") } else { text };
        if text.contains([',', '"', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    rows.iter().map(|row| format!("{}\r\n", row.iter().map(cell).collect::<Vec<_>>().join(","))).collect()
}

/// Text on one line, without control characters.
fn plain(text: &str) -> String {
    shown(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same, and nothing that Markdown would take for markup.
fn markdown_text(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // a number or a dash at the beginning of a line would begin a list
    let digits = out.chars().take_while(char::is_ascii_digit).count();
    match out.chars().nth(digits) {
        Some('.' | ')') if digits > 0 => out.insert(digits, '\\'),
        _ if out.starts_with(['-', '+', '=']) => out.insert(0, '\\'),
        _ => {}
    }
    out
}

fn html_text(text: &str) -> String {
    plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Paper {
    /// The same paper with every text on one line, without control characters: what a printer is given.
    pub fn printable(&self) -> Paper {
        let all = |texts: &[String]| texts.iter().map(|t| plain(t)).collect::<Vec<String>>();
        let block = |b: &Block| match b {
            Block::Heading(t) => Block::Heading(plain(t)),
            Block::Text(t) => Block::Text(plain(t)),
            Block::Callout(t) => Block::Callout(plain(t)),
            Block::Quote { words, from } => Block::Quote { words: plain(words), from: plain(from) },
            Block::List(items) => Block::List(all(items)),
            Block::Table { caption, heads, rows } => Block::Table {
                caption: plain(caption),
                heads: all(heads),
                // a row has as many cells as there are heads
                rows: rows
                    .iter()
                    .map(|r| {
                        let mut row = all(r);
                        row.resize(heads.len(), String::new());
                        row
                    })
                    .collect(),
            },
        };
        Paper {
            title: plain(&self.title),
            subtitle: plain(&self.subtitle),
            marking: plain(&self.marking),
            about: self.about.iter().map(|(k, v)| (plain(k), plain(v))).collect(),
            blocks: self.blocks.iter().map(block).collect(),
            footer: plain(&self.footer),
            day: self.day.clone(),
        }
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let t = markdown_text;
        let mut out = format!("# {}\n\n{}\n", t(&self.title), t(&self.subtitle));
        if !self.marking.is_empty() {
            out.push_str(&format!("\n**{}**\n", t(&self.marking)));
        }
        if !self.about.is_empty() {
            out.push_str("\n| | |\n|---|---|\n");
            for (name, value) in &self.about {
                out.push_str(&format!("| {} | {} |\n", t(name), t(value)));
            }
        }
        let mut number = 0_usize;
        for block in &self.blocks {
            out.push('\n');
            match block {
                Block::Heading(text) => {
                    number = number.saturating_add(1);
                    out.push_str(&format!("## {number}. {}\n", t(text)));
                }
                Block::Text(text) => out.push_str(&format!("{}\n", t(text))),
                Block::Callout(text) => out.push_str(&format!("**{}**\n", t(text))),
                Block::Quote { words, from } => out.push_str(&format!("> “{}”\n>\n> {}\n", t(words), t(from))),
                Block::List(items) => items.iter().for_each(|i| out.push_str(&format!("- {}\n", t(i)))),
                Block::Table { caption, heads, rows } => {
                    out.push_str(&format!("{}\n\n", t(caption)));
                    let row = |cells: &[String]| {
                        format!("| {} |\n", cells.iter().map(|c| t(c)).collect::<Vec<_>>().join(" | "))
                    };
                    out.push_str(&row(heads));
                    out.push_str(&format!("|{}\n", "---|".repeat(heads.len())));
                    rows.iter().for_each(|r| out.push_str(&row(r)));
                }
            }
        }
        out.push_str(&format!("\n---\n\n{}\n", t(&self.footer)));
        out
    }

    /// As one HTML file that needs nothing else, made to be printed too.
    pub fn html(&self) -> String {
        let t = html_text;
        let mut body = String::new();
        if !self.marking.is_empty() {
            body.push_str(&format!("<p class=\"marking\">{}</p>\n", t(&self.marking)));
        }
        body.push_str(&format!("<h1>{}</h1>\n<p class=\"subtitle\">{}</p>\n", t(&self.title), t(&self.subtitle)));
        if !self.about.is_empty() {
            body.push_str("<dl>\n");
            for (name, value) in &self.about {
                body.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", t(name), t(value)));
            }
            body.push_str("</dl>\n");
        }
        let mut number = 0_usize;
        for block in &self.blocks {
            match block {
                Block::Heading(text) => {
                    number = number.saturating_add(1);
                    body.push_str(&format!("<h2 id=\"s{number}\">{number}. {}</h2>\n", t(text)));
                }
                Block::Text(text) => body.push_str(&format!("<p>{}</p>\n", t(text))),
                Block::Callout(text) => body.push_str(&format!("<p class=\"callout\">{}</p>\n", t(text))),
                Block::Quote { words, from } => body.push_str(&format!(
                    "<figure><blockquote>“{}”</blockquote><figcaption>{}</figcaption></figure>\n",
                    t(words),
                    t(from)
                )),
                Block::List(items) => {
                    let items: String = items.iter().map(|i| format!("<li>{}</li>\n", t(i))).collect();
                    body.push_str(&format!("<ul>\n{items}</ul>\n"));
                }
                Block::Table { caption, heads, rows } => {
                    let heads: String = heads.iter().map(|h| format!("<th scope=\"col\">{}</th>", t(h))).collect();
                    let row = |r: &Vec<String>| {
                        let cells = r.iter().enumerate().map(|(i, c)| match i {
                            0 => format!("<th scope=\"row\">{}</th>", t(c)),
                            _ => format!("<td>{}</td>", t(c)),
                        });
                        format!("<tr>{}</tr>\n", cells.collect::<String>())
                    };
                    let rows: String = rows.iter().map(row).collect();
                    body.push_str(&format!(
                        "<table>\n<caption>{}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n",
                        t(caption)
                    ));
                }
            }
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n<footer><p>{}</p></footer>\n</body>\n</html>\n",
            t(&self.title),
            t(&self.footer)
        )
    }
}

/// The look of a paper, on a screen and printed.
const STYLE: &str = "\
:root { color-scheme: light; }
body { font: 11pt/1.5 Georgia, 'Times New Roman', serif; color: #1a1a1a; background: #fff; margin: 2.5rem auto; max-width: 46rem; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; break-after: avoid; }
p, li, td, th, dd { overflow-wrap: anywhere; }
th, td { min-width: 5.5em; }
.subtitle { color: #444; margin: 0 0 1.2rem; }
.marking { font: 700 .8rem/1.4 Helvetica, Arial, sans-serif; letter-spacing: .06em; text-transform: uppercase; color: #7a1010; margin: 0 0 1.5rem; }
.callout { border-left: 4px solid #7a1010; background: #faf3f3; padding: .6rem .9rem; break-inside: avoid; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0; padding: .8rem 0; border-top: 1px solid #bbb; border-bottom: 1px solid #bbb; }
dt { color: #444; } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1rem; font-size: .9em; }
caption { text-align: left; color: #444; padding-bottom: .3rem; }
thead { display: table-header-group; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid #ccc; font-weight: 400; }
thead th { font-weight: 700; border-bottom: 2px solid #444; }
tr { break-inside: avoid; }
figure { margin: .5rem 0 .9rem 1rem; padding-left: .9rem; border-left: 2px solid #999; break-inside: avoid; }
blockquote { margin: 0; } figcaption { color: #444; font-size: .9em; }
footer { margin-top: 2.5rem; border-top: 1px solid #bbb; color: #444; font-size: .85em; }
@media print { body { margin: 0; max-width: none; padding: 0; font-size: 10pt; } @page { margin: 2.2cm 2cm; } }
";

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile() -> Paper {
        let bad = "# <script>alert(1)</script> | `x` *b* [a](http://e) \u{1b}[31m \u{202e}$HOME\n- item";
        Paper {
            title: bad.into(),
            subtitle: "1. not a list".into(),
            marking: "privileged".into(),
            about: vec![(bad.into(), bad.into())],
            blocks: vec![
                Block::Heading(bad.into()),
                Block::Text(bad.into()),
                Block::Callout(bad.into()),
                Block::Quote { words: bad.into(), from: bad.into() },
                Block::List(vec![bad.into(), "- x".into()]),
                Block::Table {
                    caption: bad.into(),
                    heads: vec![bad.into(), "b".into()],
                    rows: vec![vec![bad.into(), "x".repeat(300)]],
                },
            ],
            footer: bad.into(),
            day: "2026-11-24".into(),
        }
    }

    #[test]
    fn what_comes_from_outside_brings_no_markup() {
        let (markdown, html) = (hostile().markdown(), hostile().html());
        for text in [&markdown, &html] {
            assert!(!text.contains("<script") && !text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
        }
        assert!(!markdown.contains("[a](http") && !markdown.lines().any(|l| l == "- item"), "{markdown}");
        assert!(markdown.contains("1\\. not a list"), "{markdown}");
        // one row a row, whatever stands in it
        let rows: Vec<&str> = markdown.lines().filter(|l| l.starts_with("| ")).collect();
        assert!(rows.iter().all(|r| r.replace("\\|", "").matches('|').count() == 3), "{rows:#?}");
    }

    #[test]
    fn a_cell_is_no_formula_and_stays_one_cell() {
        let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_string()).collect::<Vec<String>>();
        let text = csv(&[row(&["a", "=1+1", "-2", "-cmd|' /C calc'!A0", "x, \"y\"", "two\nlines", "\u{1b}[31m"])]);
        assert_eq!(text, "a,'=1+1,-2,'-cmd|' /C calc'!A0,\"x, \"\"y\"\"\",two lines,\u{fffd}[31m\r\n");
    }

    #[test]
    fn headings_are_numbered_and_tables_have_heads() {
        let html = hostile().html();
        assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
        assert!(
            html.contains("<h2 id=\"s1\">1. ")
                && html.contains("<th scope=\"col\">")
                && html.contains("<th scope=\"row\">")
        );
        for tag in ["table", "tr", "td", "ul", "li", "figure", "dl", "main", "footer"] {
            let (open, close) = (html.matches(&format!("<{tag}>")).count(), html.matches(&format!("</{tag}>")).count());
            assert_eq!(open, close, "{tag}");
        }
    }
}
