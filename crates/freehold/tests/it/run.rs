//! Runs the command and writes down what a person sees.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Test input that lies beside a checkout of the project's own developers; absent elsewhere.
pub(crate) fn shared(below: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(below);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: ../shared/{below} is absent");
    None
}

/// One run: status, standard output, standard error.
pub(crate) fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_freehold"))
        .args(args)
        .current_dir(dir)
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        // no store of whoever runs the tests
        .env("HOME", dir.join("home"))
        .envs(
            ["HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"]
                .map(|v| (v, "")),
        )
        .envs(["FREEHOLD_REGISTER", "FREEHOLD_REGISTER_KEY", "FREEHOLD_ACTOR", "FREEHOLD_TEXTS"].map(|v| (v, "")))
        .output()
        .unwrap();
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

/// The same as a session on a terminal.
pub(crate) fn session(dir: &Path, commands: &[&[&str]]) -> String {
    let mut out = String::new();
    for args in commands {
        let shown: Vec<String> =
            args.iter().map(|a| if a.contains(' ') { format!("'{a}'") } else { (*a).to_string() }).collect();
        let (code, stdout, stderr) = run(dir, args);
        out.push_str(&format!("$ freehold {}\n{stdout}{stderr}[exit {code}]\n\n", shown.join(" ")));
    }
    // how much law there is changes with every license that is added
    let law = |line: &str| if line.starts_with("  law ") { "  law      …".to_string() } else { line.to_string() };
    out.lines().map(law).collect::<Vec<_>>().join("\n").replace(&dir.display().to_string(), "DIR")
}

/// A program or folder of `./test` by its variable.
pub(crate) fn installed(name: &str, what: &str) -> Option<PathBuf> {
    let found = std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: {name} is not set, so {what} cannot judge (./test installs it)");
    }
    found
}
