//! What a pipeline is told of a run: the issues of `freehold-wire`, with the places of the working tree.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use freehold_assess::Obligation;
use freehold_base::Evidence;
use freehold_check::Dossier;
use freehold_policy::Outcome as Ruled;
use freehold_wire::Gate;
use freehold_wire::pipeline::{Checked, Pipeline, Place, Told, checked, input, not_approved, policy};

use crate::load::{Loaded, Run};

/// How far into a text file a column is counted, in bytes; evidence beyond it has its line alone.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// The issues of a run, those of a policy too; no outcomes = there is no policy.
pub(crate) fn of(loaded: &Loaded<'_>, run: &Run<'_>, outcomes: &[Ruled], gates: &[Gate]) -> Pipeline {
    let here = std::env::current_dir().and_then(|d| d.canonicalize()).unwrap_or_default();
    let mut models: Vec<Checked> = Vec::with_capacity(loaded.dossiers.len());
    let mut taken = BTreeSet::new();
    for (at, d) in loaded.dossiers.iter().enumerate() {
        let mut one = model(d, outcomes.get(at), &here);
        if let Some(gate) = gates.get(at).filter(|g| !g.covered) {
            let here = Place { path: one.path.clone(), folder: Path::new(&one.path).is_dir(), ..Place::default() };
            one.issues.push(not_approved(gate, here));
        }
        // several models of one file, or of one name in a store, are told apart by what they are called
        if !taken.insert(one.path.clone()) {
            one.path = format!("{}#{}", one.path, d.subject.id);
        }
        models.push(one);
    }
    let alone = |e: &Evidence| place(Path::new(&e.file), e, &here);
    let besides = loaded.mistakes.iter().chain(&loaded.unreadable).chain(&loaded.nothing);
    Pipeline {
        models,
        input: besides.map(|d| input(d, &alone)).collect(),
        as_of: run.as_of.clone(),
        catalog: run.catalog.version.clone(),
        ..Pipeline::default()
    }
}

fn model(d: &Dossier<'_>, outcome: Option<&Ruled>, here: &Path) -> Checked {
    let root = Path::new(&d.subject.path);
    let within = |file: &str| -> Option<PathBuf> {
        let file = Path::new(file);
        if !file.components().all(|c| matches!(c, Component::Normal(_))) {
            return None;
        }
        if root.is_dir() {
            Some(root.join(file))
        } else {
            (root.file_name() == Some(file.as_os_str())).then(|| root.to_path_buf())
        }
    };
    // below a folder of many models each has its own, named by its id
    let own = within(&d.subject.id).filter(|p| p.exists()).unwrap_or_else(|| root.to_path_buf());
    let (answer, duty) = (freehold_documents::answer_line(d), |o: &Obligation<'_>| freehold_documents::duty_line(d, o));
    let find = |e: &Evidence| within(&e.file).and_then(|path| place(&path, e, here));
    let told = Told {
        path: if d.subject.path.is_empty() { d.subject.id.clone() } else { relative(&own, here) },
        folder: own.is_dir(),
        answer,
        duty: &duty,
        place: &find,
    };
    let mut out = checked(d, &told);
    if let Some(outcome) = outcome {
        let rule = |e: &Evidence| place(Path::new(&e.file), e, here);
        for mut issue in policy(outcome, &find, &rule, &freehold_documents::waiver_words) {
            // what is about the model and stands nowhere in it is the model's, not its policy's
            if issue.places.is_empty() {
                issue.places.push(Place { path: told.path.clone(), folder: told.folder, ..Place::default() });
            }
            out.issues.push(issue);
        }
    }
    out
}

/// The place of evidence in a file that is there.
fn place(path: &Path, e: &Evidence, here: &Path) -> Option<Place> {
    if !path.is_file() {
        return None;
    }
    let mut out =
        Place { path: relative(path, here), line: e.line, bytes: e.bytes, key: e.key.clone(), ..Place::default() };
    if let (Some(line), Some((from, to))) = (e.line, e.bytes)
        && let Some((start, end)) = positions(path, from, to)
        && start.0 == line
    {
        (out.column, out.end) = (Some(start.1), Some(end));
    }
    Some(out)
}

/// 1-based line and column, in characters, of two bytes of a text file.
fn positions(path: &Path, from: u64, to: u64) -> Option<((u32, u32), (u32, u32))> {
    if from > to || to > TEXT_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(to).read_to_end(&mut bytes).ok()?;
    let at = |end: u64| -> Option<(u32, u32)> {
        let before = std::str::from_utf8(bytes.get(..usize::try_from(end).ok()?)?).ok()?;
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Some((u32::try_from(line).ok()?, u32::try_from(column).ok()?))
    };
    Some((at(from)?, at(to)?))
}

/// A path as a pipeline names it: with `/`, below the folder where the command runs; absolute where it is not.
fn relative(path: &Path, here: &Path) -> String {
    let plain = path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    let path = if plain {
        path.to_path_buf()
    } else {
        let full = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        full.strip_prefix(here).map(Path::to_path_buf).unwrap_or(full)
    };
    let parts: Vec<String> = path
        .components()
        .filter(|c| !matches!(c, Component::CurDir | Component::RootDir))
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect();
    let root = if path.has_root() { "/" } else { "" };
    let joined = parts.join("/");
    if joined.is_empty() && root.is_empty() { ".".into() } else { format!("{root}{joined}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_characters() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("README.md");
        std::fs::write(&file, "---\nné: mit\n").unwrap();
        // `mit` begins after the two bytes of é
        assert_eq!(positions(&file, 9, 12), Some(((2, 5), (2, 8))));
        assert_eq!(positions(&file, 6, 7), None, "inside a letter");
        assert_eq!(positions(&file, 9, 99), None, "beyond the end");
    }

    #[test]
    fn paths_are_named_from_here() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(here.join("a/b")).unwrap();
        assert_eq!(relative(Path::new("./a/b/"), &here), "a/b");
        assert_eq!(relative(Path::new("."), &here), ".");
        assert_eq!(relative(&here.join("a/b"), &here), "a/b");
        assert_eq!(relative(&here.join("a"), &here.join("a/b")), here.join("a").to_string_lossy());
    }
}
