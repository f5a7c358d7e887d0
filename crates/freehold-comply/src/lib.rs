//! What a release lacks and can be given: from a dossier and what the release holds to edits of its files. Pure: texts
//! come in, texts go out; a shell looks at the files ([`Release`]) and writes the edits.
//!
//! A license text is never made up: each copy is one that was at hand ([`AtHand`]) and is that edition word for word.
//! What takes a person is told and not written.

mod identity;
mod plan;
mod words;

use std::collections::BTreeMap;

pub use freehold_lineage::is_repository_id;
pub use identity::{Identity, RELATIONS, governing, identity, new_keys, tag_of};
pub use plan::{Asked, plan};

/// What lies at a path of the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing, and its folders are folders of the release or not there either.
    Absent,
    /// A text, exactly as it is.
    Text(String),
    /// Something that is not edited: a link, a folder, bytes that are no UTF-8. Why, in a few words.
    Refused(String),
}

/// The release, as the planner sees it.
pub trait Release {
    /// What lies at a path below the release.
    fn look(&self, path: &str) -> Look;
}

/// Where a text was at hand, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The model's own files.
    Artifact,
    /// A copy of what it was made from, in a store of this machine.
    Upstream,
    /// The organization's folder of texts.
    Texts,
    /// The SPDX License List, as this build carries it.
    Spdx,
}

/// A text that was at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtHand {
    /// Whose copy it is.
    pub source: Source,
    /// Where it lies, as it is shown.
    pub from: String,
    /// True for a NOTICE, false for what may be a license or a use policy.
    pub notice: bool,
    /// The text.
    pub text: String,
}

/// An edit of one file of the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Path below the release, with `/`.
    pub path: String,
    /// What stands there; `None` where the file is new.
    pub was: Option<String>,
    /// What shall stand there.
    pub is: String,
    /// What it is for, in a few words each.
    pub why: Vec<String>,
}

/// A duty that stays open, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// Its code.
    pub code: String,
    /// The license that asks, and its clause.
    pub asked_by: String,
    /// What to do, in a sentence.
    pub todo: String,
    /// True where it could be written if what is missing were at hand.
    pub fixable: bool,
}

/// What to do with a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Edits, by path.
    pub edits: Vec<Edit>,
    /// What stays open.
    pub left: Vec<Left>,
    /// What was written and wants a look, or could be better.
    pub notes: Vec<String>,
    /// The name to write into the card and into GGUF files.
    pub name: Option<String>,
}

/// The release with the edits so far.
struct Desk<'r> {
    release: &'r dyn Release,
    edits: BTreeMap<String, Edit>,
}

impl Desk<'_> {
    fn look(&self, path: &str) -> Look {
        match self.edits.get(path) {
            Some(edit) => Look::Text(edit.is.clone()),
            None => self.release.look(path),
        }
    }

    /// Puts a text where nothing or another text stands.
    fn put(&mut self, path: &str, was: Look, is: String, why: &str) {
        let was = match was {
            Look::Text(text) => Some(text),
            _ => None,
        };
        if was.as_ref() == Some(&is) {
            return;
        }
        let edit = self.edits.entry(path.to_string()).or_insert_with(|| Edit {
            path: path.to_string(),
            was,
            is: String::new(),
            why: Vec::new(),
        });
        edit.is = is;
        if !edit.why.iter().any(|w| w == why) {
            edit.why.push(why.to_string());
        }
    }

    /// Adds a paragraph to a text, in its own line ends; a new text begins with `head`.
    ///
    /// # Errors
    /// What lies there is not edited; why.
    fn append(&mut self, path: &str, head: &str, paragraph: &str, why: &str) -> Result<(), String> {
        let was = self.look(path);
        let is = match &was {
            Look::Absent => format!("{head}{paragraph}\n"),
            Look::Text(text) => words::appended(text, paragraph),
            Look::Refused(reason) => return Err(format!("{path} {reason}")),
        };
        self.put(path, was, is, why);
        Ok(())
    }
}
