//! Builds the index of license texts: hashes and clause offsets, never text.

use std::fs;
use std::path::Path;

use freehold_text::{EditionKind, build_index_from};

/// `cargo xtask texts`: reads `index.tsv` and `texts/` of a folder, writes `catalog/texts.idx`.
pub(crate) fn build(dir: &Path) -> Result<String, String> {
    let table = fs::read_to_string(dir.join("index.tsv")).map_err(|e| format!("{}/index.tsv: {e}", dir.display()))?;
    let mut texts = Vec::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (Some(id), Some(kind)) = (columns.first(), columns.last()) else { continue };
        let path = dir.join("texts").join(format!("{id}.txt"));
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let kind = EditionKind::parse(kind).ok_or_else(|| format!("{id}: unknown kind of text `{kind}`"))?;
        texts.push((id.to_string(), kind, text));
    }
    let n = texts.len();
    let bytes = build_index_from(texts).map_err(|e| e.to_string())?;
    let out = crate::root().join("catalog/texts.idx");
    fs::write(&out, &bytes).map_err(|e| format!("{}: {e}", out.display()))?;
    Ok(format!("wrote catalog/texts.idx: {n} texts, {} bytes", bytes.len()))
}
