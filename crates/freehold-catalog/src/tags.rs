//! `tags.toml`: license tags that are not licenses.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Node, Sink, Table};

/// What a tag that is no license says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagMeaning<'t> {
    /// Nothing: the terms are elsewhere or nowhere.
    Silent,
    /// One of several texts that differ.
    Family(&'t [String]),
}

/// All such tags.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tags {
    silent: BTreeSet<String>,
    families: BTreeMap<String, Vec<String>>,
    exceptions: Vec<Exception>,
}

/// An exception to a license (`Apache-2.0 WITH LLVM-exception`) whose text was read: it permits more and asks nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exception {
    /// SPDX id.
    pub id: String,
    /// The operative words, which stand in the exception's text.
    pub quote: String,
    /// What it permits, for the reader.
    pub permits: String,
}

impl Tags {
    /// What the tag says, if it is one of these.
    pub fn meaning(&self, tag: &str) -> Option<TagMeaning<'_>> {
        let tag = crate::fold_tag(tag);
        if tag.is_empty() || self.silent.contains(&tag) {
            return Some(TagMeaning::Silent);
        }
        self.families.get(&tag).map(|texts| TagMeaning::Family(texts))
    }

    /// The exception that goes by this id, compared without case.
    pub fn exception(&self, id: &str) -> Option<&Exception> {
        self.exceptions.iter().find(|e| e.id.eq_ignore_ascii_case(id))
    }

    /// Every exception.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    pub(crate) fn load(root: &Node, sink: &Sink<'_>) -> Tags {
        let mut out = Tags::default();
        let Some(top) = Table::open(root, "tags.toml", sink) else { return out };
        top.need("schema");
        out.silent = top.texts("silent").iter().map(|t| crate::fold_tag(&t.text)).collect();
        for row in top.tables("family") {
            let tag = crate::fold_tag(&row.need("tag").text);
            out.families.insert(tag, row.texts("texts").into_iter().map(|t| t.text).collect());
            row.finish();
        }
        for row in top.tables("exception") {
            let exception =
                Exception { id: row.need("id").text, quote: row.need("quote").text, permits: row.need("permits").text };
            out.exceptions.push(exception);
            row.finish();
        }
        top.finish();
        out
    }
}
