//! The law of a run: the catalog of this build, and a folder of the organization's own over it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use freehold_base::{Diagnostic, Severity};
use freehold_catalog::{Catalog, CatalogFile};

use crate::commands::report;
use crate::exit;

/// Largest file of law, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Most files of a folder of law.
const FILES_MAX: usize = 5_000;

/// The catalog of a run. `--catalog DIR` is looked for before the command line is read, whose flags the catalog makes.
pub(crate) fn catalog(args: impl Iterator<Item = OsString>) -> Result<Catalog, u8> {
    match overlay(args) {
        // a folder that the command line names and that is not there is a mistake of the command line
        Some(dir) => over_builtin(&dir, exit::USAGE),
        None => Ok(freehold_law::catalog()),
    }
}

fn overlay(args: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let mut args = args.skip(1);
    while let Some(arg) = args.next() {
        let Some(text) = arg.to_str() else { continue };
        match text.strip_prefix("--catalog") {
            Some("") => return args.next().map(PathBuf::from),
            Some(rest) => {
                if let Some(dir) = rest.strip_prefix('=') {
                    return Some(PathBuf::from(dir));
                }
            }
            None if text == "--" => break,
            None => {}
        }
    }
    std::env::var_os("FREEHOLD_CATALOG").filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// A folder of law over the catalog of this build. Mistakes are printed; the exit status is given where there are any, or
/// `unreadable` where the folder cannot be read.
pub(crate) fn over_builtin(dir: &Path, unreadable: u8) -> Result<Catalog, u8> {
    let files = read(dir).map_err(|d| {
        report(&[d]);
        unreadable
    })?;
    let refs: Vec<CatalogFile<'_>> =
        files.iter().map(|(path, shown, text)| CatalogFile { path, text, shown }).collect();
    let name = dir.file_name().map_or_else(|| dir.display().to_string(), |n| n.to_string_lossy().into_owned());
    let (catalog, mistakes) = Catalog::overlaid(freehold_law::files(), &refs, &name);
    report(&mistakes);
    if mistakes.iter().any(|d| d.severity == Severity::Error) { Err(exit::USAGE) } else { Ok(catalog) }
}

/// Every `.toml` below a folder, two levels deep: path below it, path as shown, text.
#[expect(clippy::result_large_err, reason = "once a run")]
fn read(dir: &Path) -> Result<Vec<(String, String, String)>, Diagnostic> {
    let wrong = |path: &Path, why: String| Diagnostic::error("unreadable-law", why).in_file(path.display().to_string());
    let mut out = Vec::new();
    let mut open = vec![(dir.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let entries = fs::read_dir(&folder).map_err(|e| {
            wrong(&folder, format!("cannot be read: {e}")).help("a folder with licenses/, policies/ or models/ in it")
        })?;
        for entry in entries {
            let path = entry.map_err(|e| wrong(&folder, format!("cannot be read: {e}")))?.path();
            let metadata = fs::symlink_metadata(&path).map_err(|e| wrong(&path, format!("cannot be read: {e}")))?;
            if metadata.is_dir() && depth == 0 {
                open.push((path, depth + 1));
            } else if metadata.is_file() && path.extension().is_some_and(|e| e == "toml") {
                if metadata.len() > FILE_BYTES_MAX || out.len() >= FILES_MAX {
                    return Err(wrong(
                        &path,
                        format!("more than {FILE_BYTES_MAX} bytes, or more than {FILES_MAX} files"),
                    ));
                }
                let text = fs::read_to_string(&path).map_err(|e| wrong(&path, format!("cannot be read: {e}")))?;
                let below = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                out.push((below, path.display().to_string(), text));
            }
        }
    }
    out.sort();
    Ok(out)
}
