//! PDF and DOCX, printed by `freehold-press` where it lies beside this program or on PATH.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use freehold_documents::Paper;

/// What is told where there is no press.
pub(crate) const ABSENT: &str =
    "PDF and DOCX need freehold-press, which is not beside freehold nor on PATH; the HTML prints the same";

/// A heavy half of this program: beside it, else on PATH.
pub(crate) fn helper(name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|e| Some(e.parent()?.join(&name)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = beside.into_iter().chain(std::env::split_paths(&path).map(|d| d.join(&name)));
    all.into_iter().find(|p| p.is_file())
}

/// A paper as `pdf` or `docx`; `Ok(None)` where there is no press.
///
/// # Errors
/// What the press says.
pub(crate) fn printed(paper: &Paper, form: &str) -> Result<Option<Vec<u8>>, String> {
    let Some(press) = helper("freehold-press") else { return Ok(None) };
    let text = serde_json::to_vec(paper).map_err(|e| e.to_string())?;
    let mut child = Command::new(press)
        .arg(form)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("freehold-press does not start: {}", e.kind()))?;
    // it reads everything before it writes anything
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(&text);
    }
    let out = child.wait_with_output().map_err(|e| format!("freehold-press: {}", e.kind()))?;
    if !out.status.success() {
        return Err(format!("freehold-press: {}", String::from_utf8_lossy(&out.stderr).trim()));
    }
    let said = String::from_utf8_lossy(&out.stderr);
    if !said.trim().is_empty() {
        anstream::eprintln!("{}", freehold_base::shown(said.trim()));
    }
    Ok(Some(out.stdout))
}

/// Papers by their names in both forms; what is to be told where there are none.
pub(crate) fn papers(papers: &[(&str, Paper)], files: &mut BTreeMap<String, Vec<u8>>) -> Option<String> {
    for (name, paper) in papers {
        for form in ["pdf", "docx"] {
            match printed(paper, form) {
                Ok(Some(bytes)) => {
                    files.insert(format!("{name}.{form}"), bytes);
                }
                Ok(None) => return Some(ABSENT.into()),
                Err(says) => return Some(format!("{name}.{form} could not be printed: {says}")),
            }
        }
    }
    None
}
