//! Loads `catalog/` and writes it down in the loaded form; lists its files for those who read them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use freehold_catalog::{Catalog, CatalogFile};

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let root = Path::new(&manifest).join("../../catalog").canonicalize().expect("catalog/ exists");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let mut out = String::from("pub(super) const FILES: &[super::CatalogFile<'static>] = &[\n");
    let mut files = Vec::new();
    for path in paths {
        println!("cargo::rerun-if-changed={}", path.display());
        let relative = path.strip_prefix(&root).expect("below catalog/").to_string_lossy().replace('\\', "/");
        let shown = format!("catalog/{relative}");
        writeln!(
            out,
            "    super::CatalogFile {{ path: {relative:?}, text: include_str!({path:?}), shown: {shown:?} }},"
        )
        .expect("string");
        files.push((relative, shown, fs::read_to_string(&path).expect("a file of catalog/ is readable text")));
    }
    out.push_str("];\n");
    let target = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(target.join("embedded.rs"), out).expect("OUT_DIR is writable");
    let refs: Vec<CatalogFile<'_>> =
        files.iter().map(|(path, shown, text)| CatalogFile { path, text, shown }).collect();
    let (catalog, mistakes) = Catalog::load(&refs);
    for m in &mistakes {
        let file = m.label.as_ref().map(|l| l.file.as_str()).unwrap_or_default();
        println!("cargo::warning={file}: {}", m.message);
    }
    fs::write(target.join("catalog.bin"), catalog.to_bytes().expect("a catalog can be written down"))
        .expect("OUT_DIR is writable");
}

fn collect(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("catalog/ is readable") {
        let path = entry.expect("catalog/ is readable").path();
        if path.is_dir() {
            collect(&path, out);
        } else if path.extension().is_some_and(|e| e == "toml") {
            out.push(path);
        }
    }
}
