//! Names of models in text files: what the commands share.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use freehold_catalog::Catalog;
use freehold_reference::{Limits, Reference, ReferenceKind};

/// Bytes of a file that are looked at to tell text from bytes.
const HEAD_BYTES: usize = 8192;

/// A text file's beginning; `None` for what is no text. What is no text is told by its first bytes alone.
pub(crate) fn text_of(file: &Path) -> Option<String> {
    let limit = Limits::default().bytes_max as u64;
    let mut bytes = Vec::new();
    let mut open = fs::File::open(file).ok()?;
    open.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes).ok()?;
    if bytes.contains(&0) {
        return None;
    }
    open.take(limit).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The id in the catalog's spelling, so that two spellings of one model are one line.
pub(crate) fn canonical(r: &Reference, catalog: &Catalog) -> String {
    match (r.kind, catalog.models.find(&r.id).first()) {
        (ReferenceKind::Model, Some(row)) if !r.unresolved && row.id.eq_ignore_ascii_case(&r.id) => row.id.clone(),
        _ => r.id.clone(),
    }
}
