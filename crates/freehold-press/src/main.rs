//! `freehold-press pdf|docx`: a paper as JSON on standard input, the printed one on standard output.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use freehold_documents::Paper;
use freehold_press::{PAPER_BYTES_MAX, docx, pdf};

fn printed(form: &str) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    std::io::stdin().take(PAPER_BYTES_MAX + 1).read_to_end(&mut text).map_err(|e| format!("no paper: {e}"))?;
    if text.len() as u64 > PAPER_BYTES_MAX {
        return Err(format!("a paper of more than {PAPER_BYTES_MAX} bytes"));
    }
    let paper: Paper = serde_json::from_slice(&text).map_err(|e| format!("no paper: {e}"))?;
    match form {
        "pdf" => {
            let fonts = std::env::var_os("FREEHOLD_FONTS").filter(|v| !v.is_empty());
            let (bytes, lacks) = pdf(&paper, fonts.as_deref().map(std::path::Path::new))?;
            if let Some(why) = lacks {
                let _ = writeln!(std::io::stderr(), "note: no PDF/A: {why}; FREEHOLD_FONTS names a folder of fonts");
            }
            Ok(bytes)
        }
        "docx" => docx(&paper),
        _ => Err("freehold-press pdf or freehold-press docx, with a paper on standard input".into()),
    }
}

fn main() -> ExitCode {
    let form = std::env::args().nth(1).unwrap_or_default();
    let done = printed(&form).and_then(|bytes| {
        std::io::stdout().write_all(&bytes).and_then(|()| std::io::stdout().flush()).map_err(|e| e.to_string())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(says) => {
            let _ = writeln!(std::io::stderr(), "error: {says}");
            ExitCode::from(2)
        }
    }
}
