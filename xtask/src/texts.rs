//! The license texts that the catalog is checked against, and the index of hashes that is made from them.
//!
//! Two sources: a folder with `index.tsv` and `texts/`, and the SPDX License List's texts as the `spdx` crate carries
//! them, for the ids that the folder has no text of.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use freehold_text::{EditionKind, Words, build_index_from};

/// The text of an id: the folder's, else the SPDX list's.
pub(crate) fn text_of(licenses: &Path, id: &str) -> Option<String> {
    fs::read_to_string(licenses.join("texts").join(format!("{id}.txt"))).ok().or_else(|| spdx_text(id).map(String::from))
}

/// The text of an SPDX id that is not deprecated.
pub(crate) fn spdx_text(id: &str) -> Option<&'static str> {
    let i = spdx::text::LICENSE_TEXTS.binary_search_by(|(name, _)| (*name).cmp(id)).ok()?;
    spdx::text::LICENSE_TEXTS.get(i).map(|(_, text)| *text)
}

/// `cargo xtask texts`: reads `index.tsv` and `texts/` of a folder and the SPDX list, writes `catalog/texts.idx`.
pub(crate) fn build(dir: &Path) -> Result<String, String> {
    let table = fs::read_to_string(dir.join("index.tsv")).map_err(|e| format!("{}/index.tsv: {e}", dir.display()))?;
    let mut texts = Vec::new();
    let (mut have, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (Some(id), Some(kind)) = (columns.first(), columns.last()) else { continue };
        let path = dir.join("texts").join(format!("{id}.txt"));
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let kind = EditionKind::parse(kind).ok_or_else(|| format!("{id}: unknown kind of text `{kind}`"))?;
        have.insert(id.to_string());
        seen.insert(Words::of(&text).sha256());
        texts.push((id.to_string(), kind, text));
    }
    let ours = texts.len();
    for (id, text) in spdx::text::LICENSE_TEXTS {
        // NOASSERTION and NONE are in the list and have no text
        let words = Words::of(text);
        let listed =
            words.words.len() >= 8 && spdx::license_id(id).is_some_and(|l| l.name == *id && !l.is_deprecated());
        // `-only` and `-or-later` are one text; the first of the list stands for it
        if listed && !have.contains(*id) && seen.insert(words.sha256()) {
            texts.push((id.to_string(), EditionKind::License, text.to_string()));
        }
    }
    let (n, spdx) = (texts.len(), texts.len() - ours);
    let bytes = build_index_from(texts).map_err(|e| e.to_string())?;
    let out = crate::root().join("catalog/texts.idx");
    fs::write(&out, &bytes).map_err(|e| format!("{}: {e}", out.display()))?;
    Ok(format!("wrote catalog/texts.idx: {n} texts ({spdx} of SPDX list {}), {} bytes", spdx::identifiers::VERSION, bytes.len()))
}
