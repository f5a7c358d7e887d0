//! What goes out, and which duties it meets.

use freehold_catalog::{Catalog, Duty};

/// One thing that a release holds or shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// What sort: `license-copy`, `notice-file`, `change-notice`, `notices-retained`, `own-license-with-restrictions`,
    /// or a place where words are shown: `website`, `ui`, `docs`, `model-card`.
    pub kind: String,
    /// The license it is about, or the words that are shown; empty for none.
    pub what: String,
}

/// The folder, archive or image that goes out. Its notices are a complete list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// Everything in it that meets a duty.
    pub notices: Vec<Notice>,
    /// What may meet a duty and takes a person to read (an agreement of our own).
    pub unsure: Vec<Notice>,
}

/// Whether a duty is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The release meets it.
    Met,
    /// The release was looked at, and it is not there.
    Unmet,
    /// No file can show it; a person attests it.
    ToAttest,
    /// Nothing was looked at.
    Unknown,
}

impl Status {
    /// The word on every public surface.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Met => "met",
            Status::Unmet => "unmet",
            Status::ToAttest => "to-attest",
            Status::Unknown => "unknown",
        }
    }
}

/// The status of a duty under a license, against a release (`None` = none was given) and the model's stated name.
pub(crate) fn status(
    duty: &Duty,
    license: usize,
    release: Option<&Release>,
    name: Option<&str>,
    catalog: &Catalog,
) -> Status {
    if let Some(prefix) = &duty.name_prefix {
        // the name is known without a release; it is the license's word, with no regard to case of the rest
        return match name {
            Some(name) if begins_with(name, prefix) => Status::Met,
            Some(_) => Status::Unmet,
            None => Status::Unknown,
        };
    }
    let Some(kind) = catalog.obligations.get(&duty.code).and_then(|o| o.met_by.as_deref()) else {
        return Status::ToAttest;
    };
    if kind == "name" {
        // the name that counts is another's than the subject's: a person looks
        return Status::ToAttest;
    }
    if kind == "license-copy" && catalog.licenses.get(license).is_some_and(|l| l.agreement) {
        // no index knows the text of an agreement of the house: a person looks
        return Status::ToAttest;
    }
    let Some(release) = release else { return Status::Unknown };
    let hit = |n: &Notice| match kind {
        "license-copy" | "notice-file" => n.kind == kind && is_about(n, license, catalog),
        "words" => is_place(&n.kind, duty) && shows(&n.what, duty),
        "own-license-with-restrictions" => n.kind.starts_with("own-license-with"),
        _ => n.kind == kind,
    };
    if release.notices.iter().any(hit) {
        Status::Met
    } else if release.unsure.iter().any(hit) {
        Status::ToAttest
    } else {
        Status::Unmet
    }
}

/// True for a duty that may be met where no file shows it, so that a person's word counts: nothing in a release meets it;
/// or it is words that may stand on a website or a screen, an agreement with users, the name of another model.
pub fn attestable(duty: &Duty, catalog: &Catalog) -> bool {
    /// Places that a release holds as files.
    const FILES: [&str; 2] = ["model-card", "notice-file"];
    match catalog.obligations.get(&duty.code).and_then(|o| o.met_by.as_deref()) {
        None | Some("ui" | "own-license-with-restrictions") => true,
        Some("words") => duty.places.is_empty() || duty.places.iter().any(|p| !FILES.contains(&p.as_str())),
        Some("name") => duty.name_prefix.is_none(),
        Some(_) => false,
    }
}

/// True where a name begins with a prescribed word: compared without case, and with space, hyphen and underscore as one.
pub fn begins_with(name: &str, prefix: &str) -> bool {
    let fold = |s: &str| -> String {
        s.chars().map(|c| if matches!(c, '_' | ' ') { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    fold(name).starts_with(&fold(prefix))
}

fn is_about(n: &Notice, license: usize, catalog: &Catalog) -> bool {
    catalog.license_named(&n.what) == Some(license)
}

/// A notice's place against the license's own list of places; without a list any place will do.
fn is_place(kind: &str, duty: &Duty) -> bool {
    const PLACES: [(&str, &[&str]); 7] = [
        ("website", &["website", "related-website"]),
        ("ui", &["user-interface", "ui"]),
        ("blog", &["blogpost"]),
        ("about", &["about-page"]),
        ("docs", &["product-documentation", "documentation", "docs"]),
        ("model-card", &["model-card"]),
        ("notice-file", &["notice-file"]),
    ];
    let Some((_, names)) = PLACES.iter().find(|(k, _)| *k == kind) else { return false };
    duty.places.is_empty() || duty.places.iter().any(|p| names.contains(&p.as_str()))
}

/// True where words have no blank that somebody must fill in (`© [applicable year]`).
pub(crate) fn is_whole(words: &str) -> bool {
    !words.contains(['[', '<', '{'])
}

/// True where one of a duty's places is a file of the release, or no place is prescribed.
pub(crate) fn writable(duty: &Duty) -> bool {
    ["about", "docs", "model-card"].iter().any(|kind| is_place(kind, duty))
}

/// The words are shown where all of them stand in what is shown; a text of choices (`A" or "B`) is met by one.
fn shows(shown: &str, duty: &Duty) -> bool {
    let fold = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let shown = fold(shown);
    match &duty.text {
        Some(text) => text.split(" | ").any(|choice| shown.contains(&fold(choice))),
        None => !shown.is_empty(),
    }
}
