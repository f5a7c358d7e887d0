//! License statements: a tag, an SPDX expression, or several parts of a repository named in one line.

use freehold_base::Covers;
use freehold_catalog::{Catalog, TagMeaning};

/// A license as it is judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaf {
    /// In law: index into the catalog's licenses.
    License(usize),
    /// Named, and nobody here has read the text.
    Unread(String),
    /// A tag that names several texts that differ.
    Family(String),
    /// Nothing is stated.
    Missing,
}

/// A license statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statement {
    /// One license.
    One(Leaf),
    /// All of them bind.
    All(Vec<Statement>),
    /// Any of them may be chosen.
    Any(Vec<Statement>),
}

impl Statement {
    /// Every leaf.
    pub fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Statement::One(l) => vec![l],
            Statement::All(parts) | Statement::Any(parts) => parts.iter().flat_map(Statement::leaves).collect(),
        }
    }

    /// As a person writes it.
    pub fn display(&self, catalog: &Catalog) -> String {
        let join = |parts: &[Statement], word: &str| {
            let inner = |p: &Statement| match p {
                Statement::One(_) => p.display(catalog),
                _ => format!("({})", p.display(catalog)),
            };
            parts.iter().map(inner).collect::<Vec<_>>().join(word)
        };
        match self {
            Statement::One(Leaf::License(i)) => catalog.licenses[*i].id.clone(),
            Statement::One(Leaf::Unread(n) | Leaf::Family(n)) => n.clone(),
            Statement::One(Leaf::Missing) => "no license".into(),
            Statement::All(parts) => join(parts, " AND "),
            Statement::Any(parts) => join(parts, " OR "),
        }
    }
}

/// A statement with what was added to it in free text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parsed {
    /// The statement; `None` where the tag says nothing.
    pub statement: Option<Statement>,
    /// Additions (`… + no commercial use`).
    pub additions: Vec<String>,
}

/// Longest statement that is read, in bytes; the rest is unread.
const STATEMENT_BYTES_MAX: usize = 512;
/// Most words of an expression.
const EXPRESSION_WORDS_MAX: usize = 64;

/// Reads a statement. What cannot be read as an expression is one unread license.
pub fn parse(text: &str, catalog: &Catalog) -> Parsed {
    let cut = text.char_indices().map(|(i, c)| i + c.len_utf8()).take_while(|e| *e <= STATEMENT_BYTES_MAX).last();
    let mut text = text.get(..cut.unwrap_or(0)).unwrap_or("").trim();
    let mut additions = Vec::new();
    if let Some((base, addition)) = text.split_once(" + ") {
        text = base.trim();
        additions.push(addition.trim().to_string());
    }
    if let Some(found) = leaf(text, catalog) {
        return Parsed { statement: found.map(Statement::One), additions };
    }
    let words = words(text);
    let has_operator = words.iter().any(|w| matches!(w.to_ascii_uppercase().as_str(), "AND" | "OR" | "WITH"));
    if has_operator && words.len() <= EXPRESSION_WORDS_MAX {
        let mut reader = Reader { words: &words, at: 0, catalog, depth: 0 };
        if let Some(statement) = reader.any()
            && reader.at == words.len()
        {
            return Parsed { statement: Some(statement), additions };
        }
    }
    Parsed { statement: Some(Statement::One(Leaf::Unread(text.to_string()))), additions }
}

/// `None` = not a plain name; `Some(None)` = a tag that says nothing.
fn leaf(name: &str, catalog: &Catalog) -> Option<Option<Leaf>> {
    if let Some(i) = catalog.license_named(name) {
        return Some(Some(Leaf::License(i)));
    }
    match catalog.tags.meaning(name) {
        Some(TagMeaning::Silent) => Some(None),
        Some(TagMeaning::Family(_)) => Some(Some(Leaf::Family(name.to_string()))),
        None => None,
    }
}

fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for chunk in text.split_whitespace() {
        let mut rest = chunk;
        while let Some(at) = rest.find(['(', ')']) {
            if at > 0 {
                out.push(&rest[..at]);
            }
            out.push(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
        if !rest.is_empty() {
            out.push(rest);
        }
    }
    out
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    catalog: &'a Catalog,
    depth: usize,
}

impl Reader<'_> {
    fn keyword(&mut self, word: &str) -> bool {
        let hit = self.words.get(self.at).is_some_and(|w| w.eq_ignore_ascii_case(word));
        self.at += usize::from(hit);
        hit
    }

    fn any(&mut self) -> Option<Statement> {
        let mut parts = vec![self.all()?];
        while self.keyword("OR") {
            parts.push(self.all()?);
        }
        Some(if parts.len() == 1 { parts.swap_remove(0) } else { Statement::Any(parts) })
    }

    fn all(&mut self) -> Option<Statement> {
        let mut parts = vec![self.one()?];
        while self.keyword("AND") {
            parts.push(self.one()?);
        }
        Some(if parts.len() == 1 { parts.swap_remove(0) } else { Statement::All(parts) })
    }

    fn one(&mut self) -> Option<Statement> {
        self.depth += 1;
        if self.depth > EXPRESSION_WORDS_MAX {
            return None;
        }
        if self.keyword("(") {
            let inner = self.any()?;
            return self.keyword(")").then_some(inner);
        }
        let word = *self.words.get(self.at)?;
        if matches!(word.to_ascii_uppercase().as_str(), "AND" | "OR" | "WITH" | ")") {
            return None;
        }
        self.at += 1;
        if self.keyword("WITH") {
            let exception = *self.words.get(self.at)?;
            self.at += 1;
            // what only permits more is judged without it: the answer is no better than the truth
            if self.catalog.tags.exception(exception).is_some() {
                let name = leaf(word, self.catalog).flatten().unwrap_or_else(|| Leaf::Unread(word.to_string()));
                return Some(Statement::One(name));
            }
            // an exception changes the text, and the text of this one is unread here
            return Some(Statement::One(Leaf::Unread(format!("{word} WITH {exception}"))));
        }
        let name = leaf(word, self.catalog).flatten().unwrap_or_else(|| Leaf::Unread(word.to_string()));
        Some(Statement::One(name))
    }
}

/// Splits `LICENSE-CODE=mit; LICENSE-MODEL=deepseek-1.0` into parts with what each covers.
pub fn parts(text: &str) -> Vec<(Option<Covers>, String)> {
    if !text.contains('=') {
        return vec![(None, text.trim().to_string())];
    }
    let part = |p: &str| {
        let Some((file, license)) = p.split_once('=') else { return (None, p.trim().to_string()) };
        (covers_of_file(file), license.trim().to_string())
    };
    text.split(';').filter(|p| !p.trim().is_empty()).map(part).collect()
}

/// What a license file covers, by its name (`LICENSE-CODE`, `LICENSE-MODEL`).
pub fn covers_of_file(name: &str) -> Option<Covers> {
    let name = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if has(&["code", "software"]) {
        Some(Covers::Code)
    } else if has(&["model", "weight"]) {
        Some(Covers::Weights)
    } else if has(&["data"]) {
        Some(Covers::Data)
    } else if has(&["doc"]) {
        Some(Covers::Documentation)
    } else {
        None
    }
}
