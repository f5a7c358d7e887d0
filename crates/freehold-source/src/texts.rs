//! The small text files of a release: notices, licenses, documentation.

use std::fs;
use std::path::Path;

use freehold_base::Diagnostic;

/// Largest text file that is read, in bytes; a longer one is no notice.
const TEXT_BYTES_MAX: u64 = 1 << 20;
/// Most bytes of text that are kept of one release.
const RELEASE_BYTES_MAX: u64 = 64 << 20;
/// Folders below the release, in levels.
const DEPTH_MAX: usize = 12;
/// Most files of a release that are looked at.
const FILES_MAX: usize = 200_000;

/// Extensions of text that a person reads; a file without one is read where its name is that of a notice.
const EXTENSIONS: [&str; 7] = ["md", "txt", "html", "htm", "rst", "adoc", "text"];

/// The text files below `dir`, sorted by path relative to it. Links are not followed.
///
/// # Errors
/// `dir` is absent or is no folder.
#[expect(clippy::result_large_err, reason = "one result for a whole walk")]
pub fn read_texts(dir: &Path) -> Result<Vec<(String, String)>, Diagnostic> {
    let metadata = fs::metadata(dir).map_err(|e| {
        Diagnostic::error("release-not-found", format!("the release cannot be read: {}", e.kind()))
            .in_file(dir.display().to_string())
            .help("give the folder that goes out")
    })?;
    if !metadata.is_dir() {
        return Err(Diagnostic::error("release-not-a-folder", "the release must be a folder")
            .in_file(dir.display().to_string())
            .help("unpack an archive first"));
    }
    let mut paths = Vec::new();
    collect(dir, "", 0, &mut paths);
    paths.sort();
    let mut out = Vec::new();
    let mut left = RELEASE_BYTES_MAX;
    for (relative, bytes) in paths {
        if bytes > left {
            break;
        }
        // a file that vanished or is not UTF-8 all through is still evidence of nothing; keep what reads
        if let Ok(raw) = fs::read(dir.join(&relative)) {
            left -= bytes;
            out.push((relative, String::from_utf8_lossy(&raw).into_owned()));
        }
    }
    Ok(out)
}

fn collect(dir: &Path, prefix: &str, depth: usize, out: &mut Vec<(String, u64)>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else { continue };
        if out.len() >= FILES_MAX || name == ".git" {
            continue;
        }
        let relative = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if kind.is_dir() && depth < DEPTH_MAX {
            collect(&entry.path(), &relative, depth + 1, out);
        } else if kind.is_file() && is_text(&name) {
            let bytes = entry.metadata().map_or(u64::MAX, |m| m.len());
            if bytes <= TEXT_BYTES_MAX {
                out.push((relative, bytes));
            }
        }
    }
}

fn is_text(name: &str) -> bool {
    match name.rsplit_once('.') {
        Some((_, extension)) => EXTENSIONS.iter().any(|e| extension.eq_ignore_ascii_case(e)),
        None => {
            let name = name.to_ascii_lowercase();
            ["licen", "notice", "copying", "readme", "eula", "terms", "changes"].iter().any(|n| name.starts_with(n))
        }
    }
}
