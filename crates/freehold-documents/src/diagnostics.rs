//! Mistakes of the user's input, all at once, each with its place and what to do.

use freehold_base::{Diagnostic, Severity};

use crate::style::{Ink, Style, clean};

/// Prints mistakes, one block each, and a line that counts them where there are several.
pub fn diagnostics(mistakes: &[Diagnostic], style: Style) -> String {
    let mut out = String::new();
    // one line each: a name with a line break in it cannot forge a mistake, or the lack of one
    let line = |text: &str| clean(text).replace('\n', " ");
    for d in mistakes {
        let (word, ink) = match d.severity {
            Severity::Error => ("error", Ink::Bad),
            Severity::Warning => ("warning", Ink::Open),
            Severity::Note => ("note", Ink::Quiet),
        };
        out.push_str(&format!(
            "{}{} {}\n",
            style.paint(ink, word),
            style.paint(Ink::Quiet, &format!("[{}]:", d.code)),
            line(&d.message)
        ));
        if let Some(label) = &d.label {
            let place = match label.position {
                Some((line, column)) => format!("{}:{line}:{column}", label.file),
                None => label.file.clone(),
            };
            out.push_str(&format!("  {} {}\n", style.paint(Ink::Quiet, "-->"), line(&place)));
        }
        if let Some(help) = &d.help {
            out.push_str(&format!("  {} {}\n", style.paint(Ink::Good, "help:"), clean(help)));
        }
    }
    let errors = mistakes.iter().filter(|d| d.severity == Severity::Error).count();
    if errors > 1 {
        out.push_str(&format!("{errors} mistakes\n"));
    }
    out
}
