//! The layout of the Hugging Face cache: `models--{org}--{name}/{refs,blobs,snapshots/{revision}}`.

use std::path::{Path, PathBuf};

use freehold_artifact::clean_name;
use freehold_base::{Evidence, Fact, FactKind};

/// A snapshot's place in a cache.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    /// `models--org--name`.
    pub(crate) folder: String,
    /// `org/name`.
    pub(crate) repository: String,
    /// The commit.
    pub(crate) revision: String,
    /// Where its blobs lie, canonical: links may lead there and nowhere else.
    pub(crate) blobs: Option<PathBuf>,
}

/// `models--org--name` → `org/name`; the hub allows no `--` inside either.
pub(crate) fn repository(folder: &str) -> Option<String> {
    let name = folder.strip_prefix("models--").filter(|n| !n.is_empty())?;
    Some(name.replacen("--", "/", 1))
}

fn name(path: &Path) -> Option<&str> {
    path.file_name().and_then(|n| n.to_str())
}

/// Where `path` is a snapshot's folder, by its own and its parents' names.
pub(crate) fn snapshot_of(path: &Path) -> Option<Snapshot> {
    let revision = clean_name(name(path)?);
    let snapshots = path.parent().filter(|p| name(p) == Some("snapshots"))?;
    let home = snapshots.parent()?;
    let folder = clean_name(name(home)?);
    let repository = repository(&folder)?;
    let blobs = home.join("blobs").canonicalize().ok().filter(|b| home.canonicalize().is_ok_and(|h| b.starts_with(h)));
    Some(Snapshot { folder, repository, revision, blobs })
}

impl Snapshot {
    /// What the path itself says.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let fact = |kind, value: &str, file: String, key: &str| Fact {
            kind,
            value: value.to_owned(),
            evidence: Evidence { file, key: key.to_owned(), ..Evidence::default() },
        };
        let mut facts = vec![fact(FactKind::Repository, &self.repository, self.folder.clone(), "folder")];
        if is_hex(&self.revision, 40) {
            let place = format!("{}/snapshots/{}", self.folder, self.revision);
            facts.push(fact(FactKind::Revision, &self.revision, place, "folder"));
        }
        facts
    }
}

/// The content's sha256, where a link's target is a blob that is named by one.
pub(crate) fn blob_hash(target: &Path) -> Option<String> {
    name(target).filter(|n| is_hex(n, 64)).map(str::to_ascii_lowercase)
}

/// True for a commit's 40 hex digits.
pub(crate) fn is_commit(text: &str) -> bool {
    is_hex(text, 40)
}

/// Folders of a cache that hold datasets and apps: no models.
pub(crate) fn is_other(folder: &str) -> bool {
    folder.starts_with("datasets--") || folder.starts_with("spaces--")
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_repositories() {
        assert_eq!(repository("models--meta-llama--Llama-3.1-8B").as_deref(), Some("meta-llama/Llama-3.1-8B"));
        assert_eq!(repository("models--gpt2").as_deref(), Some("gpt2"));
        assert_eq!(repository("datasets--squad"), None);
        assert_eq!(repository("models--"), None);
    }
}
