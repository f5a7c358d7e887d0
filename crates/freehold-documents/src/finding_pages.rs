//! A page for each code that a check may report: findings, verdicts, duties, and what could not be read.

use freehold_assess::{Explained, FindingCode, verdict_explained};
use freehold_base::{Severity, Verdict};
use freehold_catalog::{Catalog, Effect};

use crate::license_page::cell;

/// What each finding looks like on a screen.
const EXAMPLES: &str = include_str!("finding_examples.txt");

const WRITTEN: &str = "*Written by `cargo xtask findings` from the code's own words; correct them there, not here.*";

/// How any finding is set aside.
const WAIVE: &str = "A finding never moves a verdict or the exit status. To stop hearing of it in one repository, write it \
                     down as known: `freehold check WHAT --write-baseline FILE`, then `--baseline FILE`. It stays visible \
                     as *in the baseline since* that day.";

/// How what moves the exit status is set aside.
const BASELINE: &str = "An old repository can start quiet: `freehold check WHAT --write-baseline FILE` writes it down as \
                        known, `--baseline FILE` then leaves it out of the exit status and shows since when. A worse \
                        verdict of the same model, or another clause, counts all the same. It makes nothing allowed.";

/// The page of what could not be read.
pub const INPUT_PAGE: &str = "input";

/// Every page of `docs/findings/`: file name and Markdown; `README.md` is the index.
pub fn finding_pages(catalog: &Catalog) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut index = format!(
        "# Codes\n\n{WRITTEN}\n\nEvery code that `freehold check` reports, on the screen, in JSON and in SARIF (where each \
         links to its page).\n\n## Verdicts\n\n| verdict | means |\n|---|---|\n"
    );
    for verdict in Verdict::ALL {
        let words = verdict_explained(verdict);
        index.push_str(&row(verdict.as_str(), words.means));
        pages.push((verdict.as_str().to_string(), verdict_page(verdict, words)));
    }
    index.push_str(
        "\n## Findings\n\nWhat is wrong or worth knowing besides the answer.\n\n| code | says |\n|---|---|\n",
    );
    for code in FindingCode::ALL {
        index.push_str(&row(code.as_str(), code.title()));
        pages.push((code.as_str().to_string(), finding_page(*code)));
    }
    index.push_str("\n## Duties\n\nWhat a license may ask for.\n\n| code | says |\n|---|---|\n");
    for code in catalog.obligations.codes() {
        let name = duty_file(code);
        let says = entry(catalog, code).map(|o| o.says.as_str()).unwrap_or_default();
        index.push_str(&row(name, says));
        pages.push((name.to_string(), duty_page(catalog, code)));
    }
    index.push_str(&format!(
        "\n## Input\n\n[What could not be read]({INPUT_PAGE}.md): broken, hostile and contradictory files.\n"
    ));
    pages.push((INPUT_PAGE.to_string(), input_page()));
    let mut out: Vec<(String, String)> = pages.into_iter().map(|(name, text)| (format!("{name}.md"), text)).collect();
    out.push(("README.md".into(), index));
    out
}

fn row(code: &str, says: &str) -> String {
    format!("| [{code}]({code}.md) | {says} |\n")
}

/// The page of a code of a duty: a family's codes share one.
pub fn duty_page_name<'c>(catalog: &'c Catalog, code: &'c str) -> &'c str {
    entry(catalog, code).map_or(code, |o| duty_file(&o.code))
}

/// The file of an entry, without its ending: a family's prefix without its last dash.
fn duty_file(code: &str) -> &str {
    code.trim_end_matches('-')
}

/// An entry by its code, or a family's by its prefix.
fn entry<'c>(catalog: &'c Catalog, code: &str) -> Option<&'c freehold_catalog::Obligation> {
    catalog.obligations.get(code).or_else(|| catalog.obligations.get(&format!("{code}x")))
}

fn sections(words: Explained) -> String {
    format!(
        "## What it says\n\n{}\n\n## Why it matters\n\n{}\n\n## What it rests on\n\n{}.\n\n## How to fix it\n\n{}\n",
        words.means,
        words.matters,
        capital(words.rests),
        capital(words.fix)
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn finding_page(code: FindingCode) -> String {
    let loud = match code.severity() {
        Severity::Note => "a note",
        Severity::Warning | Severity::Error => "a warning",
    };
    format!(
        "# {}\n\n*{}.* In a pipeline: {loud}.\n\n{WRITTEN}\n\n{}\n## How to set it aside\n\n{WAIVE}\n\n## Example\n\n```text\n{}\n```\n",
        code.as_str(),
        capital(code.title()),
        sections(code.explained()),
        example(code.as_str())
    )
}

/// The example of a code; empty where there is none, which a test refuses.
fn example(code: &str) -> &'static str {
    let mut sections = EXAMPLES.split("\n## ").skip(1);
    let of = |section: &'static str| section.split_once('\n').filter(|(head, _)| *head == code);
    sections.find_map(of).map_or("", |(_, text)| text.trim_end())
}

fn verdict_page(verdict: Verdict, words: Explained) -> String {
    let exit = match verdict {
        Verdict::Prohibited | Verdict::NeedsSeparateLicense => "1, blocked",
        Verdict::Undetermined | Verdict::NeedsReview => "4, open",
        Verdict::PermittedWithObligations | Verdict::Permitted => "0, clear; 1 where a release lacks what is owed",
    };
    let aside = match verdict {
        Verdict::PermittedWithObligations | Verdict::Permitted => String::new(),
        _ => format!("\n## How to set it aside\n\n{BASELINE}\n"),
    };
    format!("# {verdict}\n\nExit status: {exit}.\n\n{WRITTEN}\n\n{}{aside}", sections(words))
}

fn duty_page(catalog: &Catalog, code: &str) -> String {
    let Some(o) = entry(catalog, code) else { return String::new() };
    let family = code.ends_with('-');
    let name = if family { format!("{code}…") } else { code.to_string() };
    let mut out = format!("# {name}\n\n*{}.* {}.\n\n{WRITTEN}\n\n", capital(&o.title), capital(&o.says));
    if family {
        out.push_str("A family: each license's own word follows the dash.\n\n");
    }
    out.push_str("## How it is met\n\n");
    out.push_str(&match &o.met_by {
        Some(kind) => format!(
            "By what goes out: `freehold check WHAT --release DIR` looks for it there (`{kind}` in a case's notices). \
             Without a release it is *not checked*, never *unmet*.\n"
        ),
        None => "By what somebody does: no file shows it, so it is *to attest*.\n".to_string(),
    });
    out.push_str(&format!(
        "\n## Where it is unmet\n\nExit status 1, blocked. {BASELINE}\n\n## Who asks for it\n\n| license | clause | words |\n|---|---|---|\n"
    ));
    for license in &catalog.licenses {
        for term in &license.terms {
            let Effect::Duty(duty) = &term.effect else { continue };
            let same = if family { duty.code.starts_with(code) } else { duty.code == code };
            if same {
                let id = &license.id;
                let row = format!("| [{id}](../licenses/{id}.md) | {} | {} |\n", cell(&term.clause), cell(&term.quote));
                // a clause may ask for several things of one family
                if !out.ends_with(&row) {
                    out.push_str(&row);
                }
            }
        }
    }
    out
}

fn input_page() -> String {
    format!(
        "# What could not be read\n\n{WRITTEN}\n\n\
         A file is broken, hostile, too large, or says something that cannot be. Each mistake has a code of its own \
         (`gguf-truncated`, `json-syntax`, …), the file, the place in it and what to do.\n\n\
         ## Why it matters\n\nAn answer over a file that was not understood is none: exit status 3, whatever else is clear.\n\n\
         ## How to fix it\n\nFetch the file again, or take it out of what is checked.\n\n\
         ## How to set it aside\n\nNot by a baseline: what was not read is not known.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_example_that_names_it() {
        for code in FindingCode::ALL {
            assert!(example(code.as_str()).contains(&format!("{}:", code.as_str())), "{}", code.as_str());
        }
        assert_eq!(EXAMPLES.matches("\n## ").count(), FindingCode::ALL.len());
    }

    #[test]
    fn no_two_codes_share_a_page() {
        let mut names: Vec<&str> = FindingCode::ALL.iter().map(|c| c.as_str()).collect();
        names.extend(Verdict::ALL.iter().map(|v| v.as_str()));
        names.push(INPUT_PAGE);
        let n = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), n);
    }

    #[test]
    fn sentences_end_where_the_page_needs_it() {
        for code in FindingCode::ALL {
            let words = code.explained();
            assert!(words.means.ends_with('.') && words.matters.ends_with('.'), "{}", code.as_str());
            assert!(words.fix.ends_with('.') && !words.rests.ends_with('.'), "{}", code.as_str());
        }
    }
}
