//! The tutorial, replayed: what its page shows is what its commands print.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::root;

/// Something that the page has its reader do.
enum Step {
    /// A file to write: its name and content.
    Write(String, String),
    /// A command, and what it is said to print.
    Run(String, Vec<String>),
}

/// The steps of a page: fenced blocks marked `console`, and those that name the file that they are.
fn steps(page: &str) -> Vec<Step> {
    let mut out = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```").filter(|k| !k.is_empty()) else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
        if let Some((_, file)) = kind.split_once(' ') {
            out.push(Step::Write(file.to_string(), block.join("\n") + "\n"));
            continue;
        }
        assert_eq!(kind, "console", "a block of the tutorial is a session or names its file");
        for line in block {
            match (line.strip_prefix("$ "), out.last_mut()) {
                (Some(command), _) => out.push(Step::Run(command.to_string(), Vec::new())),
                (None, Some(Step::Run(_, shown))) => shown.push(line.to_string()),
                _ => panic!("{line}: printed by no command"),
            }
        }
    }
    out
}

/// Whether a page shows what was printed: `…` alone stands for any lines, behind words for any lines that begin with them.
fn shows(shown: &[String], printed: &[&str]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return printed.is_empty() };
    let left_out = |words: &str| {
        let n = printed.iter().take_while(|l| l.starts_with(words)).count();
        (0..=n).rev().any(|n| shows(rest, printed.get(n..).unwrap_or_default()))
    };
    match first.strip_suffix('…') {
        Some(words) => left_out(words),
        None => printed.first().is_some_and(|l| l == first) && shows(rest, printed.get(1..).unwrap_or_default()),
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
#[cfg(unix)]
fn from_red_to_green_as_the_page_says() {
    let page = fs::read_to_string(root().join("docs/tutorial/README.md")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    copy(&root().join("docs/tutorial/storefront"), dir.path());
    let binary = Path::new(env!("CARGO_BIN_EXE_freehold"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let (mut ran, mut statuses) = (0, Vec::new());
    for step in steps(&page) {
        match step {
            Step::Write(file, text) => fs::write(dir.path().join(file), text).unwrap(),
            // the copy that the test works on is made already
            Step::Run(command, _) if command.starts_with("cp -r docs/tutorial/storefront ") => {}
            Step::Run(command, shown) => {
                let out = Command::new("sh")
                    .args(["-c", &format!("{command} 2>&1")])
                    .current_dir(dir.path())
                    .envs([("PATH", path.as_str()), ("COLUMNS", "100"), ("NO_COLOR", "1")])
                    .env("HOME", dir.path().join("home"))
                    .envs(
                        ["HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME", "XDG_DATA_HOME"]
                            .map(|v| (v, "")),
                    )
                    .output()
                    .unwrap();
                let printed = String::from_utf8_lossy(&out.stdout).into_owned();
                let lines: Vec<&str> = printed.lines().collect();
                assert!(shows(&shown, &lines), "$ {command}\nthe page:\n{}\nprinted:\n{printed}", shown.join("\n"));
                ran += 1;
                if command.starts_with("freehold check") {
                    statuses.push(out.status.code().unwrap());
                }
            }
        }
    }
    assert!(ran > 8, "only {ran} commands were found");
    assert_eq!((statuses.first(), statuses.contains(&0)), (Some(&1), true), "red, then green: {statuses:?}");
}

#[test]
fn a_page_that_shows_something_else_is_found() {
    let page = |text: &str| text.lines().map(str::to_string).collect::<Vec<_>>();
    let printed = ["CLEAR a", "CLEAR b", "models 2"];
    assert!(shows(&page("CLEAR …\nmodels 2"), &printed));
    assert!(shows(&page("…\nmodels 2"), &printed));
    assert!(shows(&page("CLEAR a\n…"), &printed));
    assert!(!shows(&page("OPEN …\nmodels 2"), &printed));
    assert!(!shows(&page("CLEAR a\nmodels 2"), &printed));
    assert!(!shows(&page("CLEAR …\nmodels 3"), &printed));
    assert!(!shows(&page(""), &printed));
}
