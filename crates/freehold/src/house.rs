//! The house of a run: the organization's agreements, positions and attestations, in three files beside `freehold.toml` or in
//! a folder that `--house` names.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use clap::ArgMatches;
use freehold_assess::HouseKind;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_check::{HouseText, OwnLaw, house_file, house_schema, read_house};
use sha2::{Digest as _, Sha256};

use crate::context::{find_organization_file, get, text_of};

const KINDS: [HouseKind; 3] = [HouseKind::Agreement, HouseKind::Position, HouseKind::Attestation];

/// A catalog with agreements in it, kept to the end of the run: what is judged under it points into it.
pub(crate) fn kept<'c>(catalog: Catalog) -> &'c Catalog {
    Box::leak(Box::new(catalog))
}

/// The folder of the house's files.
pub(crate) fn folder(matches: &ArgMatches) -> Option<PathBuf> {
    match get(matches, "house") {
        Some(dir) => Some(PathBuf::from(dir)),
        None => find_organization_file().map(|f| f.parent().map(Path::to_path_buf).unwrap_or_default()),
    }
}

/// Reads the house of a run, and where it lives.
pub(crate) fn of_run(
    matches: &ArgMatches,
    catalog: &Catalog,
    as_of: &str,
    mistakes: &mut Vec<Diagnostic>,
) -> (OwnLaw, Option<PathBuf>) {
    let home = folder(matches);
    if let (Some(stated), Some(dir)) = (get(matches, "house"), &home)
        && !dir.is_dir()
    {
        mistakes.push(Diagnostic::error("no-folder", "`--house` names no folder").in_file(stated));
    }
    let texts = home.as_deref().map(|home| texts(home, mistakes)).unwrap_or_default();
    let (own, found) = read(&texts, catalog, as_of);
    mistakes.extend(found);
    (own, home)
}

/// The files of a house that are there: which, path, text.
type Texts = Vec<(HouseKind, String, String)>;

fn texts(home: &Path, mistakes: &mut Vec<Diagnostic>) -> Texts {
    let mut out = Vec::new();
    for kind in KINDS {
        let path = home.join(house_file(kind));
        if fs::symlink_metadata(&path).is_err() {
            continue;
        }
        match text_of(&path) {
            Ok(text) => out.push((kind, path.display().to_string(), text)),
            Err(d) => mistakes.push(*d),
        }
    }
    out
}

fn read(texts: &Texts, catalog: &Catalog, as_of: &str) -> (OwnLaw, Vec<Diagnostic>) {
    let files: Vec<HouseText<'_>> =
        texts.iter().map(|(kind, file, text)| HouseText { kind: *kind, file, text }).collect();
    read_house(&files, catalog, as_of)
}

/// Adds an entry to a file of the house, which keeps everything that is in it. Nothing is written where the file would have
/// a mistake with it. Gives the file and the line of the entry.
///
/// # Errors
/// Every mistake that the files have, or would have.
pub(crate) fn add(
    home: &Path,
    kind: HouseKind,
    block: &str,
    catalog: &Catalog,
    as_of: &str,
) -> Result<(String, usize), Vec<Diagnostic>> {
    let mut mistakes = Vec::new();
    let mut all = texts(home, &mut mistakes);
    let path = home.join(house_file(kind));
    let name = path.display().to_string();
    let mut text = match all.iter().position(|(k, _, _)| *k == kind) {
        Some(at) => all.remove(at).2,
        None => format!("schema = \"{}\"\n", house_schema(kind)),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push('\n');
    let line = text.lines().count() + 1;
    text.push_str(block);
    all.push((kind, name.clone(), text));
    mistakes.extend(read(&all, catalog, as_of).1);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let written = all.last().map_or("", |(_, _, text)| text.as_str());
    replace(&path, written)
        .map_err(|e| vec![Diagnostic::error("unwritable", format!("cannot be written: {e}")).in_file(name.clone())])?;
    Ok((name, line))
}

/// Puts a text in the place of a file, so that a crash leaves the one or the other.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// The SHA-256 of a file, in hex.
pub(crate) fn sha256(path: &Path) -> Result<String, Box<Diagnostic>> {
    let unreadable = |e: std::io::Error| {
        Box::new(Diagnostic::error("unreadable", format!("cannot be read: {e}")).in_file(path.display().to_string()))
    };
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(unreadable)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Where a model lies, below the folder of the house where it lies below it: `path` as the user named it, `id` the model's
/// name among those found there (empty for the path itself).
pub(crate) fn place(home: Option<&Path>, path: &str, id: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let mut full = plain(&here.join(path));
    let file = Path::new(path).is_file();
    if !file && !id.is_empty() && !full.to_string_lossy().replace('\\', "/").ends_with(id) {
        full.push(id);
    }
    let home = home.map(|h| plain(&here.join(h)));
    let below = home.as_deref().and_then(|h| full.strip_prefix(h).ok()).unwrap_or(&full);
    below.to_string_lossy().replace('\\', "/")
}

/// A path without `.` and `..`, read off its words.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_below_the_house() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(place(Some(&here), "models/x/../bot", ""), "models/bot");
        assert_eq!(place(Some(&here), "./models", "bot"), "models/bot");
        assert_eq!(place(Some(&here), "models/bot", "bot"), "models/bot");
        assert_eq!(place(Some(Path::new("models")), "models/bot", "bot"), "bot");
        assert_eq!(place(Some(Path::new("/nowhere")), "/models/bot", "bot"), "/models/bot");
    }
}
