//! The license texts that the catalog is checked against, and the index of hashes that is made from them.
//!
//! Two sources: a folder with `index.tsv` and `texts/`, and the SPDX License List's texts as the `spdx` crate carries
//! them, for the ids that the folder has no text of.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use freehold_text::{BUILT_IN, EditionKind, Readings, Words, build_index_from};
use sha2::{Digest, Sha256};

/// Fewer words than this are no license.
const TEXT_WORDS_MIN: usize = 13;

/// The text of an id: the folder's, else the SPDX list's.
pub(crate) fn text_of(licenses: &Path, id: &str) -> Option<String> {
    fs::read_to_string(licenses.join("texts").join(format!("{id}.txt")))
        .ok()
        .or_else(|| spdx_text(id).map(String::from))
}

/// The SPDX list's text of an id.
pub(crate) fn spdx_text(id: &str) -> Option<&'static str> {
    let i = spdx::text::LICENSE_TEXTS.binary_search_by(|(name, _)| (*name).cmp(id)).ok()?;
    spdx::text::LICENSE_TEXTS.get(i).map(|(_, text)| *text)
}

/// The SPDX list's text of an exception.
pub(crate) fn exception_text(id: &str) -> Option<&'static str> {
    spdx::text::EXCEPTION_TEXTS.iter().find(|(name, _)| *name == id).map(|(_, text)| *text)
}

/// The first line of the table of readings: of which rules it is.
pub(crate) fn readings_head(rules: &[u8]) -> String {
    let hash: String = Sha256::digest(rules).iter().map(|b| format!("{b:02x}")).collect();
    format!("# what each text appears to say, by catalog/reading.toml {hash}; `cargo xtask texts` writes it")
}

/// `cargo xtask texts`: reads `index.tsv` and `texts/` of a folder and the SPDX list, writes `catalog/texts.idx`
/// and `catalog/readings.tsv`.
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
    // several ids of the list may go by one text: the first stands for it, ids that the catalog cites before the others,
    // those in use before those that the list has withdrawn. `-or-later` is a choice of the user, not a text.
    let catalog = crate::catalog::load()?;
    let rank = |id: &str| match spdx::license_id(id) {
        _ if catalog.license_of_edition(id).is_some() => 0,
        Some(l) if l.name == id && !l.is_deprecated() => 1,
        _ => 2,
    };
    let mut listed: Vec<(i32, &str, &str)> = spdx::text::LICENSE_TEXTS
        .iter()
        .filter(|(id, _)| !id.ends_with("-or-later") && !id.ends_with('+'))
        .map(|(id, text)| (rank(id), *id, *text))
        .collect();
    listed.sort_unstable();
    for (_, id, text) in listed {
        let words = Words::of(text);
        // `any-OSI` and `NOASSERTION` are in the list and have no text of their own
        if words.words.len() >= TEXT_WORDS_MIN && seen.insert(words.sha256()) {
            // the list's copy of an edition that the folder has in its publisher's words
            let id = if have.contains(id) { format!("{id}#spdx") } else { id.to_string() };
            texts.push((id, EditionKind::License, text.to_string()));
        }
    }
    let (n, spdx) = (texts.len(), texts.len() - ours);
    let rules =
        fs::read(crate::root().join("catalog/reading.toml")).map_err(|e| format!("catalog/reading.toml: {e}"))?;
    let table = Readings::table(&BUILT_IN, texts.iter().map(|(id, _, text)| (id.as_str(), text.as_str())));
    let readings = crate::root().join("catalog/readings.tsv");
    fs::write(&readings, format!("{}\n{table}", readings_head(&rules)))
        .map_err(|e| format!("{}: {e}", readings.display()))?;
    let bytes = build_index_from(texts).map_err(|e| e.to_string())?;
    let out = crate::root().join("catalog/texts.idx");
    fs::write(&out, &bytes).map_err(|e| format!("{}: {e}", out.display()))?;
    Ok(format!(
        "wrote catalog/texts.idx: {n} texts ({spdx} of SPDX list {}), {} bytes",
        spdx::identifiers::VERSION,
        bytes.len()
    ))
}
