//! Every case of `freehold-attacks` through the built command: a clear answer, whatever lies there.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use freehold_attacks::{Attack, CANARY, Expect, FORGED, SECRETS, TARGET, cases};
use serde_json::Value;

/// A run that takes longer hangs. No measurement: an unoptimized build on a busy machine takes a part of it.
const HANG: Duration = Duration::from_secs(30);
/// Address space of a run, in KiB, where the shell can limit it.
const ADDRESS_SPACE: u32 = 4_000_000;
/// The statuses of the contract, but for a wrong command line.
const STATUSES: [i32; 5] = [0, 1, 3, 4, 5];

/// One run of the command.
struct Answer {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Answer {
    fn all(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }
}

/// Runs the command in a case's folder. Escape sequences are let through, as on a terminal.
fn freehold(home: &Path, args: &[&str]) -> io::Result<Answer> {
    let (out, err) = (home.join("stdout"), home.join("stderr"));
    let binary = env!("CARGO_BIN_EXE_freehold");
    let mut command = if cfg!(unix) {
        let mut shell = Command::new("sh");
        let limited = format!("ulimit -v {ADDRESS_SPACE} 2>/dev/null; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited, binary]);
        shell
    } else {
        Command::new(binary)
    };
    command.args(args).current_dir(home).env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR").env("COLUMNS", "100");
    command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let start = Instant::now();
    let mut child = command.spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status.code();
        }
        if start.elapsed() > HANG {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other("hangs"));
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = |path: &Path| fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned());
    Ok(Answer { status, out: text(&out)?, err: text(&err)? })
}

/// Characters that a terminal obeys or a reader does not see.
fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{61c}')
        || matches!(c, '\u{ad}' | '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{e0000}'..='\u{e007f}')
}

/// Words of the cases in letters of another alphabet than they seem.
const LOOKALIKES: [&str; 4] = ["met\u{430}", "ll\u{430}m", "\u{441}\u{441}-by", "\u{ff4d}eta"];

/// What is wrong with any output, whatever the case.
fn harm(answer: &Answer, json: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let all = answer.all();
    match answer.status {
        Some(status) if STATUSES.contains(&status) => {}
        status => wrong.push(format!("ends with {status:?}: {}", answer.err.lines().next().unwrap_or_default())),
    }
    if let Some(c) = all.chars().find(|c| if json { c.is_ascii_control() && *c != '\n' } else { is_hostile(*c) }) {
        let line = all.lines().find(|l| l.contains(c)).unwrap_or_default();
        wrong.push(format!("prints {c:?}: {}", line.escape_debug()));
    }
    for secret in SECRETS {
        if all.contains(&secret[8..]) {
            wrong.push("prints an access token".to_string());
        }
    }
    if all.contains(CANARY) || all.contains("root:x:0:") || all.contains("CARGO_PKG_NAME=") {
        wrong.push("was read outside the input".to_string());
    }
    if all.lines().any(|l| l.starts_with(FORGED)) {
        wrong.push("prints a forged line".to_string());
    }
    if let Some(word) = LOOKALIKES.iter().find(|w| !json && all.contains(**w)) {
        wrong.push(format!("prints a lookalike as it is: {word}"));
    }
    wrong
}

/// Severity, file and message of each diagnostic of a report.
fn diagnostics(report: &str) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(report).unwrap_or_default();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_string();
    let of = |a: &Value| a["diagnostics"].as_array().cloned().unwrap_or_default();
    let all = report["assessments"].as_array().map(|a| a.iter().flat_map(of).collect::<Vec<_>>()).unwrap_or_default();
    all.iter().map(|d| (text(&d["severity"]), text(&d["file"]), text(&d["message"]))).collect()
}

/// Base names of everything in the case's input.
fn names(dir: &Path, out: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        out.push(entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            names(&entry.path(), out);
        }
    }
}

/// What is wrong with the answers to one case.
fn judge(case: &Attack, home: &Path) -> io::Result<Vec<String>> {
    let check = ["check", TARGET, "--access", "internal", "--fail-on", "blocked,open,nothing"];
    let inspected = freehold(home, &["inspect", TARGET])?;
    let checked = freehold(home, &check)?;
    let report = freehold(home, &[&check[..], &["--format", "json"]].concat())?;
    let kin = freehold(home, &["kin", TARGET, TARGET])?;
    let kin_report = freehold(home, &["kin", TARGET, TARGET, "--format", "json"])?;
    let mut wrong = Vec::new();
    let all = [
        ("inspect", &inspected, false),
        ("check", &checked, false),
        ("json", &report, true),
        ("kin", &kin, false),
        ("kin json", &kin_report, true),
    ];
    for (what, answer, json) in all {
        wrong.extend(harm(answer, json).into_iter().map(|w| format!("{what} {w}")));
    }
    let said = diagnostics(&report.out);
    let told = report.err.contains("error[") || report.err.contains("warning[");
    let has = |severity: &str| said.iter().any(|(s, ..)| s == severity) || report.err.contains(&format!("{severity}["));
    match case.expect {
        Expect::Ok if has("error") => wrong.push(format!("is refused: {said:?} {}", report.err)),
        Expect::Ok => {}
        Expect::Warning if said.is_empty() && !told => wrong.push("is not told of".to_string()),
        Expect::Warning if has("error") => wrong.push(format!("is an error, not a warning: {said:?} {}", report.err)),
        Expect::Warning => {}
        Expect::Error => {
            let mut files = vec![TARGET.to_string()];
            names(&home.join(TARGET), &mut files);
            let named =
                said.iter().any(|(s, file, _)| s == "error" && files.iter().any(|f| file.ends_with(f.as_str())))
                    || (report.err.contains("error[") && files.iter().any(|f| report.err.contains(f.as_str())));
            if !named {
                wrong.push(format!("has no error that names the file: {said:?} {}", report.err));
            }
            for (command, answer) in [("check", &checked), ("inspect", &inspected)] {
                if answer.status == Some(0) {
                    wrong.push(format!("{command} passes"));
                }
            }
        }
    }
    Ok(wrong)
}

/// Gives back the rights that a case took, so that its folder can go.
#[cfg(unix)]
fn unlock(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.metadata().is_ok_and(|m| m.permissions().mode() & 0o777 == 0) {
            let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o700));
        }
    }
}

#[cfg(not(unix))]
fn unlock(_dir: &Path) {}

/// Builds a case, judges it, and takes it away; `None` where this machine cannot hold it.
fn replay(case: &Attack, dir: &Path) -> Option<Vec<String>> {
    let home = dir.join(case.id);
    fs::create_dir_all(&home).unwrap();
    match (case.build)(&home) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::Unsupported => return None,
        Err(e) => return Some(vec![format!("cannot be written: {e}")]),
    }
    let wrong = judge(case, &home).unwrap_or_else(|e| vec![e.to_string()]);
    unlock(&home.join(TARGET));
    let _ = fs::remove_dir_all(&home);
    Some(wrong)
}

#[test]
fn hostile_input_ends_in_a_clear_answer() {
    let dir = tempfile::tempdir().unwrap();
    let cases = cases();
    let (next, skipped, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match replay(case, dir.path()) {
                        Some(here) => {
                            wrong.lock().unwrap().extend(here.into_iter().map(|w| format!("{}: {w}", case.id)));
                        }
                        None => {
                            skipped.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let skipped = skipped.into_inner();
    if skipped > 0 {
        eprintln!("skipped: {skipped} cases that this machine cannot hold");
    }
}

/// A shell hands over whatever a pattern finds: the path itself may be hostile.
#[test]
fn a_path_of_the_command_line_cannot_command_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let path = format!("a\u{1b}[2J\u{202e}\u{9b}31m\n{FORGED}");
    for command in ["inspect", "check"] {
        let answer = freehold(dir.path(), &[command, &path]).unwrap();
        assert_eq!(answer.status, Some(3), "{}", answer.err);
        assert_eq!(harm(&answer, false), Vec::<String>::new(), "{command}");
    }
}

/// A download, a training run, an editor: files grow, shrink and go while they are read.
#[test]
fn files_that_change_while_they_are_read_end_in_a_clear_answer() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join(TARGET);
    fs::create_dir_all(&input).unwrap();
    let header = |n: usize| format!("{{\"__metadata__\":{{\"license\":\"mit\"}}{}}}", " ".repeat(n));
    let stop = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (weights, card) = (input.join("model.safetensors"), input.join("README.md"));
            let mut n = 0_usize;
            while stop.load(Ordering::Relaxed) == 0 {
                n = n.wrapping_add(1);
                let text = header(n * 7919 % 300_000);
                let bytes = [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
                let _ = fs::write(&weights, &bytes);
                let _ = fs::write(&card, format!("---\nlicense: mit\n---\n{}", "word ".repeat(n % 5000)));
                if let Ok(file) = File::options().write(true).open(&weights) {
                    let _ = file.set_len((n * 104_729 % 400_000) as u64);
                }
                if n.is_multiple_of(5) {
                    let _ = fs::remove_file(&card);
                }
            }
        });
        let mut wrong = Vec::new();
        for _ in 0..12 {
            let answer = freehold(dir.path(), &["check", TARGET, "--access", "internal"]).unwrap();
            wrong.extend(harm(&answer, false));
        }
        stop.store(1, Ordering::Relaxed);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
