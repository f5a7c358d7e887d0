//! Archives that hold several works: the files in them, gathered into artifacts as those of a folder are.

use std::collections::{BTreeMap, BTreeSet};

use freehold_artifact::{Artifact, Members, read_member};
use freehold_base::Diagnostic;

use crate::disk::DiskFile;
use crate::gather::{self, ReadFile};
use crate::reader;

/// Every model in an archive; `name` is what a model at its top is called.
pub(crate) fn artifacts(name: &str, disk: &DiskFile, members: Members) -> (Vec<Artifact>, Vec<Diagnostic>) {
    let mut folders: BTreeMap<String, Vec<ReadFile>> = BTreeMap::new();
    for member in &members.files {
        let base = member.path.rsplit('/').next().unwrap_or(&member.path);
        let said =
            if reader::is_closed(base) { freehold_artifact::FileFacts::default() } else { read_member(member, disk) };
        let folder = member.path.rsplit_once('/').map_or("", |(f, _)| f).to_owned();
        folders.entry(folder).or_default().push(ReadFile::new(member.path.clone(), member.file_bytes(), said));
    }
    let composite: BTreeSet<String> =
        folders.iter().filter(|(_, files)| gather::is_composite(files)).map(|(f, _)| f.clone()).collect();
    let models: BTreeSet<String> =
        folders.iter().filter(|(_, files)| gather::is_model(files)).map(|(f, _)| f.clone()).collect();
    let mut owned: BTreeMap<Option<String>, Vec<ReadFile>> = BTreeMap::new();
    for (folder, files) in folders {
        // the outermost pipeline, else the nearest model
        let above: Vec<&str> = ancestors(&folder).collect();
        let owner =
            above.iter().rev().find(|f| composite.contains(**f)).or(above.iter().find(|f| models.contains(**f)));
        owned.entry(owner.map(|f| (*f).to_owned())).or_default().extend(files);
    }
    let loose = owned.remove(&None).unwrap_or_default();
    let mut out = Vec::new();
    let only = owned.len() == 1;
    let mut spare = Some(loose);
    for (folder, files) in owned {
        let folder = folder.unwrap_or_default();
        let inside = |f: &ReadFile| f.path.rsplit_once('/').map_or("", |(d, _)| d) == folder;
        let (own, mut rest): (Vec<ReadFile>, Vec<ReadFile>) = files.into_iter().partition(inside);
        if only {
            // texts around the only model speak for it
            rest.extend(spare.take().unwrap_or_default());
        }
        out.extend(gather::split(if folder.is_empty() { name } else { &folder }, own, rest));
    }
    let mut diagnostics = members.diagnostics;
    if let Some(first) = out.first_mut() {
        first.bytes_read = first.bytes_read.saturating_add(members.bytes_read);
    }
    let broken = spare.into_iter().flatten().flat_map(|f| f.said.diagnostics);
    diagnostics.extend(broken.filter(|d| d.severity == freehold_base::Severity::Error));
    (out, diagnostics)
}

/// A folder and those above it, nearest first; the last is the empty path.
fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |f| {
        if f.is_empty() { None } else { Some(f.rsplit_once('/').map_or("", |(above, _)| above)) }
    })
}
