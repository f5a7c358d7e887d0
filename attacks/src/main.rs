//! Writes every case, or measures a built `freehold` on them.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use freehold_attacks::{Attack, TARGET, cases};

/// Longest that one run may take before it is ended and counted as hanging.
const HANG: Duration = Duration::from_secs(10);

const USAGE: &str = "usage: freehold-attacks DIR\n       freehold-attacks --measure FREEHOLD [DIR]\n";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["--measure", freehold] => measure(Path::new(freehold), &std::env::temp_dir().join("freehold-attacks")),
        ["--measure", freehold, dir] => measure(Path::new(freehold), Path::new(dir)),
        [dir] if !dir.starts_with('-') => write_all(Path::new(dir)).map(drop),
        _ => {
            let _ = io::stderr().write_all(USAGE.as_bytes());
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let _ = io::stderr().write_all(format!("{e}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

/// Writes every case below `dir`, which must be absent or empty, and `manifest.tsv`. Gives back those that this machine
/// can hold.
fn write_all(dir: &Path) -> io::Result<Vec<(Attack, PathBuf)>> {
    fs::create_dir_all(dir)?;
    if fs::read_dir(dir)?.next().is_some() {
        return Err(io::Error::other(format!("`{}` is not empty", dir.display())));
    }
    let mut manifest = String::from("id\tclass\texpect\tpath\twhat\n");
    let mut written = Vec::new();
    for case in cases() {
        let home = dir.join(case.id);
        fs::create_dir_all(&home)?;
        match (case.build)(&home) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::Unsupported => continue,
            Err(e) => return Err(io::Error::new(e.kind(), format!("{}: {e}", case.id))),
        }
        manifest.push_str(&format!(
            "{}\t{}\t{}\t{}/{TARGET}\t{}\n",
            case.id,
            case.class.as_str(),
            case.expect.as_str(),
            case.id,
            case.what
        ));
        written.push((case, home));
    }
    fs::write(dir.join("manifest.tsv"), manifest)?;
    Ok(written)
}

/// What one run took.
struct Taken {
    id: &'static str,
    command: &'static str,
    wall: Duration,
    /// Peak resident set, where the system tells it.
    kilobytes: Option<u64>,
    status: String,
}

/// Runs `freehold inspect`, `check`, and `kin` against itself on every case.
fn measure(freehold: &Path, dir: &Path) -> io::Result<()> {
    let freehold = freehold.canonicalize()?;
    let written = write_all(dir)?;
    let mut taken = Vec::new();
    for (case, home) in &written {
        for command in ["inspect", "check", "kin"] {
            taken.push(one(&freehold, case.id, command, home)?);
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{} cases, {} runs", written.len(), taken.len())?;
    taken.sort_by_key(|t| std::cmp::Reverse(t.wall));
    let total: Duration = taken.iter().map(|t| t.wall).sum();
    writeln!(out, "together {:.1} s; slowest:", total.as_secs_f64())?;
    taken.iter().take(8).try_for_each(|t| writeln!(out, "  {}", line(t)))?;
    taken.sort_by_key(|t| std::cmp::Reverse(t.kilobytes));
    writeln!(out, "largest:")?;
    taken.iter().take(8).try_for_each(|t| writeln!(out, "  {}", line(t)))?;
    let bad =
        |t: &&Taken| t.status != "exit" || t.wall > Duration::from_secs(2) || t.kilobytes.is_some_and(|k| k > 200_000);
    let bad: Vec<&Taken> = taken.iter().filter(bad).collect();
    writeln!(out, "over 2 s, over 200 MB, or ended otherwise than by itself: {}", bad.len())?;
    bad.iter().try_for_each(|t| writeln!(out, "  {}", line(t)))
}

fn line(t: &Taken) -> String {
    let memory = t.kilobytes.map_or_else(|| "-".to_owned(), |k| format!("{:.1} MB", k as f64 / 1000.0));
    format!("{:<34} {:<8} {:>7.0} ms {:>10}  {}", t.id, t.command, t.wall.as_secs_f64() * 1000.0, memory, t.status)
}

fn one(freehold: &Path, id: &'static str, command: &'static str, home: &Path) -> io::Result<Taken> {
    let mut run = Command::new(freehold);
    run.arg(command).arg(TARGET).current_dir(home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command {
        "check" => drop(run.args(["--access", "internal"])),
        "kin" => drop(run.arg(TARGET)),
        _ => {}
    }
    let start = Instant::now();
    let mut child = run.spawn()?;
    let mut kilobytes = None;
    let status = loop {
        // the peak is monotonic: the last reading before the end is a lower bound within a millisecond
        kilobytes = peak(child.id()).max(kilobytes);
        if let Some(status) = child.try_wait()? {
            break match status.code() {
                Some(101) => "panic".to_owned(),
                Some(_) => "exit".to_owned(),
                None => format!("{status}"),
            };
        }
        if start.elapsed() > HANG {
            child.kill()?;
            child.wait()?;
            break "hang".to_owned();
        }
        std::thread::sleep(Duration::from_micros(500));
    };
    Ok(Taken { id, command, wall: start.elapsed(), kilobytes, status })
}

/// `VmHWM` of a process on Linux.
fn peak(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
