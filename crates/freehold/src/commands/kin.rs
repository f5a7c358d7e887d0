//! `freehold kin`: what the weights of two models say of their kinship. No verdict.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_artifact::ReadAt;
use freehold_base::Diagnostic;
use freehold_catalog::Catalog;
use freehold_documents::kinship;
use freehold_kin::{Kinship, Model, compare};
use freehold_source::DiskFile;
use freehold_wire::KinshipReport;

use super::{print, report, style};
use crate::context::get;
use crate::exit;

/// Endings of files of weights.
const ENDINGS: &[&str] = &["safetensors", "gguf", "bin", "pt", "pth", "ckpt"];
/// Files of a training that end like weights and are none.
const BESIDE: &[&str] = &["training_args", "optimizer", "scheduler", "rng_state", "random_states", "scaler"];
/// What the file of a model is called, before its shard's number.
const USUAL: &[&str] = &["model", "diffusion_pytorch_model", "pytorch_model", "adapter_model"];
/// Entries of a folder that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// Stands in a folder whose subfolders are the parts of one model, as diffusers keeps it.
const PARTS_INDEX: &str = "model_index.json";
/// Parts that are compared.
const PARTS_MAX: usize = 32;

pub(crate) fn run(matches: &ArgMatches, _catalog: &Catalog) -> u8 {
    let (name_a, name_b) = (get(matches, "a").unwrap_or_default(), get(matches, "b").unwrap_or_default());
    let mut said = Vec::new();
    let mut found = Vec::new();
    for part in parts(Path::new(name_a), Path::new(name_b)) {
        let (path_a, path_b) = (Path::new(name_a).join(&part), Path::new(name_b).join(&part));
        let (path_a, path_b) = if part.is_empty() { (name_a.into(), name_b.into()) } else { (path_a, path_b) };
        match pair(&path_a, &path_b, &mut said) {
            Some(k) => found.push((part, k)),
            None if part.is_empty() => {
                report(&said);
                return exit::UNREADABLE;
            }
            None => {}
        }
    }
    // what most of the bytes are in stands for the whole
    found.sort_by_key(|(_, k)| std::cmp::Reverse(k.bytes_total.0));
    let Some((_, first)) = found.first() else {
        report(&said);
        return exit::UNREADABLE;
    };
    if get(matches, "format") == Some("json") {
        let parts = if found.len() > 1 || found.iter().any(|(p, _)| !p.is_empty()) { found.as_slice() } else { &[] };
        let all = KinshipReport::new(name_a, name_b, first, parts, &said);
        print(&format!("{}\n", serde_json::to_string_pretty(&all).unwrap_or_default()));
    } else {
        for (i, (part, k)) in found.iter().enumerate() {
            let of = |name: &str| if part.is_empty() { name.to_owned() } else { format!("{name}/{part}") };
            print(&format!("{}{}", if i > 0 { "\n" } else { "" }, kinship(&of(name_a), &of(name_b), k, style())));
        }
    }
    report(&said);
    if found.iter().all(|(_, k)| k.compared == 0) { exit::NOTHING } else { exit::CLEAR }
}

/// Compares the models that two paths name; `None` where one cannot be read.
fn pair(a: &Path, b: &Path, said: &mut Vec<Diagnostic>) -> Option<Kinship> {
    let (files_a, files_b) = (weights(a, said), weights(b, said));
    let (files_a, files_b) = (files_a?, files_b?);
    let (a, b) = (Model::open(lend(&files_a)), Model::open(lend(&files_b)));
    for model in [&a, &b] {
        said.extend_from_slice(model.diagnostics());
    }
    let broken = [&a, &b].iter().any(|m| m.tensors() == 0 && !m.diagnostics().is_empty());
    (!broken).then(|| compare(&a, &b))
}

/// Subfolders that both have, where both are folders of parts; else the paths themselves.
fn parts(a: &Path, b: &Path) -> Vec<String> {
    let of = |path: &Path| -> Vec<String> {
        let listed = fs::read_dir(path).ok().filter(|_| path.join(PARTS_INDEX).is_file());
        let folders = listed.into_iter().flatten().take(ENTRIES_MAX).flatten();
        // a link may lead anywhere
        let folders = folders.filter(|e| e.file_type().is_ok_and(|t| t.is_dir()));
        let mut names: Vec<String> = folders.filter_map(|e| e.file_name().into_string().ok()).collect();
        names.retain(|n| entries(&path.join(n)).is_ok_and(|(all, _)| !all.is_empty()));
        names.sort();
        names
    };
    let of_b = of(b);
    let mut both: Vec<String> = of(a).into_iter().filter(|n| of_b.contains(n)).collect();
    both.truncate(PARTS_MAX);
    if both.is_empty() { vec![String::new()] } else { both }
}

fn lend(files: &[(String, DiskFile)]) -> Vec<(String, &dyn ReadAt)> {
    files.iter().map(|(name, file)| (name.clone(), file as &dyn ReadAt)).collect()
}

/// The files of the model that a path names, opened; `None` where there are none.
fn weights(path: &Path, said: &mut Vec<Diagnostic>) -> Option<Vec<(String, DiskFile)>> {
    let failed = |said: &mut Vec<Diagnostic>, e: &io::Error| {
        let code = if e.kind() == io::ErrorKind::NotFound { "source-not-found" } else { "unreadable" };
        said.push(Diagnostic::error(code, format!("`{}` cannot be read: {}", path.display(), e.kind())));
    };
    let listed = if path.is_dir() { of_folder(path, said) } else { of_file(path) };
    let paths = listed.map_err(|e| failed(said, &e)).ok()?;
    if paths.is_empty() {
        let message = format!("`{}` holds no weights that are read: .safetensors, .gguf, .bin or .pt", path.display());
        said.push(Diagnostic::error("kin-no-weights", message));
        return None;
    }
    let mut out = Vec::new();
    for path in paths {
        // a cache's files are links into its blobs
        let opened = path.canonicalize().and_then(|real| DiskFile::open(&real));
        match opened {
            Ok(file) => out.push((path.display().to_string(), file)),
            Err(e) => {
                failed(said, &e);
                return None;
            }
        }
    }
    Some(out)
}

/// What stands before `-00001-of-00003` in a file's name without its ending, and whether that is there.
fn stem(name: &str) -> (&str, bool) {
    let base = name.rsplit_once('.').map_or(name, |(base, _)| base);
    let number = |t: &str| t.len() == 5 && t.bytes().all(|b| b.is_ascii_digit());
    base.rsplit_once("-of-")
        .filter(|(_, count)| number(count))
        .and_then(|(head, _)| head.rsplit_once('-'))
        .filter(|(_, no)| number(no))
        .map_or((base, false), |(head, _)| (head, true))
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A file, and the other shards of its model.
fn of_file(path: &Path) -> io::Result<Vec<PathBuf>> {
    let name = name_of(path);
    let (own, shard) = stem(&name);
    let folder = path.parent().filter(|_| shard).map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
    let Some(folder) = folder else { return Ok(vec![path.to_path_buf()]) };
    let (all, _) = entries(folder)?;
    let mut out: Vec<PathBuf> = all.into_iter().filter(|p| stem(&name_of(p)) == (own, true)).collect();
    if !out.iter().any(|p| name_of(p) == name) {
        out.push(path.to_path_buf());
    }
    Ok(out)
}

/// Files of weights in a folder, sorted, that lie inside of it, or in the blobs of the same cached repository; and
/// whether any lead elsewhere.
fn entries(folder: &Path) -> io::Result<(Vec<PathBuf>, bool)> {
    let root = folder.canonicalize()?;
    let repository = root.parent().filter(|p| p.ends_with("snapshots")).and_then(Path::parent);
    let (mut out, mut elsewhere) = (Vec::new(), false);
    for entry in fs::read_dir(folder)?.take(ENTRIES_MAX) {
        let path = entry?.path();
        let known = path.extension().and_then(|e| e.to_str()).is_some_and(|e| ENDINGS.contains(&e));
        if !known || BESIDE.contains(&stem(&name_of(&path)).0) {
            continue;
        }
        let Ok(real) = path.canonicalize() else { continue };
        if !real.is_file() {
            continue;
        }
        if real.starts_with(&root) || repository.is_some_and(|r| real.starts_with(r)) {
            out.push(path);
        } else {
            elsewhere = true;
        }
    }
    out.sort();
    Ok((out, elsewhere))
}

/// The files of one model in a folder: safetensors before GGUF before torch's, `model*` before others, one of several
/// GGUF files or of torch's.
fn of_folder(folder: &Path, said: &mut Vec<Diagnostic>) -> io::Result<Vec<PathBuf>> {
    let (all, elsewhere) = entries(folder)?;
    if elsewhere {
        let message = "a link leads out of the folder: it is not followed";
        said.push(Diagnostic::warning("link-outside", message).in_file(folder.display().to_string()));
    }
    let ends = |p: &PathBuf, end: &str| p.extension().is_some_and(|e| e == end);
    let usual = |all: &[PathBuf]| {
        let named = |name: &str| all.iter().filter(|p| stem(&name_of(p)).0 == name).cloned().collect::<Vec<_>>();
        USUAL.iter().map(|name| named(name)).find(|files| !files.is_empty())
    };
    let (plain, others): (Vec<PathBuf>, Vec<PathBuf>) = all.into_iter().partition(|p| ends(p, "safetensors"));
    if !plain.is_empty() {
        // Mistral's folders hold every tensor twice
        return Ok(usual(&plain).unwrap_or(plain));
    }
    let (gguf, torch): (Vec<PathBuf>, Vec<PathBuf>) = others.into_iter().partition(|p| ends(p, "gguf"));
    let gguf: Vec<PathBuf> = gguf.into_iter().filter(|p| !name_of(p).contains("mmproj")).collect();
    let (what, rest) = if gguf.is_empty() { ("torch", torch) } else { ("GGUF", gguf) };
    if let Some(files) = usual(&rest).filter(|_| what == "torch") {
        return Ok(files);
    }
    let mut models: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for path in rest {
        models.entry(stem(&name_of(&path)).0.to_owned()).or_default().push(path);
    }
    if models.len() > 1
        && let Some(first) = models.keys().next()
    {
        let message = format!("the folder holds {} {what} models: `{first}` is compared", models.len());
        let d = Diagnostic::warning("kin-several", message).in_file(folder.display().to_string());
        said.push(d.help("name the file"));
    }
    Ok(models.into_values().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_have_one_stem() {
        assert_eq!(stem("model-00002-of-00003.safetensors"), ("model", true));
        assert_eq!(stem("llama-3.2-1b.Q8_0.gguf"), ("llama-3.2-1b.Q8_0", false));
        assert_eq!(stem("a-1-of-00003.gguf"), ("a-1-of-00003", false));
        assert_eq!(stem(""), ("", false));
    }
}
