//! Names of models in text files: what the commands share.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold_artifact::Artifact;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_reference::{Definitions, Language, Limits, Reference, ReferenceKind, Scanned, scan};
use ignore::WalkState;

/// Open references that wait for the end of a walk; further ones are told as they stand.
const WAITING_MAX: usize = 65_536;
/// Files of one walk for references.
const FILES_MAX: usize = 500_000;
/// Most threads that read them.
const THREADS_MAX: usize = 8;

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

/// Files that were read as a model's own. What they name is that model's lineage, told with it; a folder of nothing
/// else is not looked into a second time.
#[derive(Default)]
pub(crate) struct AlreadyRead {
    /// Such files in folders that hold others too, relative to the folder that is scanned.
    files: BTreeSet<String>,
    /// Folders of which every file below is such a file.
    folders: BTreeSet<String>,
    /// Folders that hold others too, and the folders above them.
    mixed: BTreeSet<String>,
}

impl AlreadyRead {
    pub(crate) fn add(&mut self, files: Vec<(String, bool)>) {
        let folder = |file: &str| file.rsplit_once('/').map_or("", |(f, _)| f).to_string();
        for (file, _) in files.iter().filter(|(_, read)| !read) {
            let mut above = folder(file);
            while self.mixed.insert(above.clone()) && !above.is_empty() {
                above = folder(&above);
            }
        }
        for (file, _) in files.into_iter().filter(|(_, read)| *read) {
            let own = folder(&file);
            if self.mixed.contains(&own) {
                self.files.insert(file);
            } else if !self.folders.contains(&own) {
                self.folders.insert(own);
            }
        }
    }

    fn holds_file(&self, file: &str) -> bool {
        let own = file.rsplit_once('/').map_or("", |(f, _)| f);
        self.files.contains(file) || self.is_whole(own)
    }

    /// True where nothing below is left to be read.
    fn is_whole(&self, folder: &str) -> bool {
        self.folders.contains(folder) && !self.mixed.contains(folder)
    }
}

/// The files of a model, and whether each was read for the model itself.
pub(crate) fn own_files(artifact: &Artifact) -> Vec<(String, bool)> {
    let spoke: BTreeSet<&str> = artifact.facts.iter().map(|f| f.evidence.file.as_str()).collect();
    // what a listing left out was not read
    let cut = artifact.diagnostics.iter().any(|d| d.code.starts_with("too-"));
    let own = |path: &str| spoke.contains(path) || (!cut && freehold_artifact::is_own_file(path));
    artifact.files.iter().map(|f| (f.path.clone(), own(&f.path))).collect()
}

/// Every name of a model in the text files below a path, in the order of the files; what git ignores is left out where
/// it is a repository, and so are files that were `read`. Names that another file settles come last. Gives back how
/// many files were read.
pub(crate) fn walk(
    path: &str,
    read: &AlreadyRead,
    said: &mut Vec<Diagnostic>,
    tell: &mut dyn FnMut(Reference),
) -> usize {
    let mut files = files_below(path, read);
    if files.len() > FILES_MAX {
        let message = format!("too many files: names are looked for in the first {FILES_MAX}");
        said.push(Diagnostic::warning("walk-limit", message).in_file(path));
        files.truncate(FILES_MAX);
    }
    // what other files of the tree may settle waits until all are read
    let mut definitions = Definitions::default();
    let mut waiting: Vec<(Reference, bool)> = Vec::new();
    let mut files_read = 0_usize;
    for scanned in scanned(&files) {
        files_read += 1;
        definitions.add(scanned.definitions);
        for r in scanned.references {
            if r.variable.is_some() && waiting.len() < WAITING_MAX {
                waiting.push((r, true));
            } else {
                tell(r);
            }
        }
        let room = WAITING_MAX.saturating_sub(waiting.len());
        waiting.extend(scanned.pending.into_iter().take(room).map(|r| (r, false)));
    }
    for (mut r, open) in waiting {
        if definitions.settle(&mut r) || open {
            tell(r);
        }
    }
    files_read
}

/// The files below a path that may name models, in their order, each with the name that it is told by.
fn files_below(path: &str, read: &AlreadyRead) -> Vec<(PathBuf, String)> {
    let root = Path::new(path);
    let mut walk = ignore::WalkBuilder::new(root);
    walk.hidden(false).follow_links(false).threads(threads());
    let below = {
        let root = root.to_path_buf();
        move |p: &Path| p.strip_prefix(&root).unwrap_or(p).to_string_lossy().replace('\\', "/")
    };
    let (place, whole) = (below.clone(), read.folders.difference(&read.mixed).cloned().collect::<BTreeSet<_>>());
    // what is filtered is not opened; what the visitor skips has been
    walk.filter_entry(move |e| {
        let name = e.file_name();
        let foreign = name == ".git" || name == "node_modules" || name == "site-packages" || name == "__pycache__";
        let folder = e.depth() > 0 && e.file_type().is_some_and(|t| t.is_dir());
        !(foreign || (folder && whole.contains(&place(e.path()))))
    });
    let found = Mutex::new(Vec::new());
    walk.build_parallel().run(|| {
        let (found, below) = (&found, &below);
        Box::new(move |entry| {
            let file = entry.ok().filter(|e| e.file_type().is_some_and(|t| t.is_file()));
            let Some(entry) = file else { return WalkState::Continue };
            let shown = match below(entry.path()) {
                // the root is the file
                own if own.is_empty() => entry.path().to_string_lossy().into_owned(),
                own => own,
            };
            if !read.holds_file(&shown)
                && let Ok(mut found) = found.lock()
            {
                found.push((entry.into_path(), shown));
            }
            WalkState::Continue
        })
    });
    let mut files = found.into_inner().unwrap_or_default();
    // component by component, as a listing of each folder in turn would come
    files.sort();
    files
}

/// What the text files among these say, in their order; read on as many threads as there are cores.
fn scanned(files: &[(PathBuf, String)]) -> Vec<Scanned> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut here: Vec<(usize, Scanned)> = Vec::new();
        while let Some((at, (file, shown))) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            files.get(at).map(|f| (at, f))
        } {
            let Some(text) = text_of(file).filter(|text| Language::of(shown, text).is_some()) else { continue };
            here.push((at, scan(shown, &text, &Limits::default())));
        }
        here
    };
    let mut all = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads().min(files.len())).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(part) => all.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, scanned)| scanned).collect()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX)
}
