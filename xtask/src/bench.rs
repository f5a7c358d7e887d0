//! Times the command as a user runs it: whole processes, from start to exit.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs that are timed, after one that warms the file cache.
const RUNS: usize = 41;

/// `cargo xtask bench`: median, least and most wall time of a check and of the start alone, and the memory at its peak.
pub(crate) fn command() -> Result<String, String> {
    let root = crate::root();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "-p", "freehold"])
        .current_dir(&root)
        .status()
        .map_err(|e| e.to_string())?;
    if !built.success() {
        return Err("the command does not build".into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let bin = target.join("release/freehold");
    let lora = "examples/support-bot-lora";
    let check: Vec<String> = [
        "check",
        &format!("{lora}/model"),
        "--use",
        &format!("{lora}/use.toml"),
        "--release",
        &format!("{lora}/release"),
    ]
    .map(String::from)
    .to_vec();
    let mut out = String::from("| command | median | least | most | memory at its peak |\n|---|---|---|---|---|\n");
    for (name, args) in
        [("`freehold check` of one model", check), ("`freehold explain mit`", vec!["explain".into(), "mit".into()])]
    {
        let run = |with_time: bool| -> Result<(f64, String), String> {
            let mut command = if with_time {
                let mut c = Command::new("/usr/bin/time");
                c.args(["-f", "%M"]).arg(&bin);
                c
            } else {
                Command::new(&bin)
            };
            let start = Instant::now();
            let done = command
                .args(&args)
                .current_dir(&root)
                .stdout(Stdio::null())
                .output()
                .map_err(|e| format!("{}: {e}", bin.display()))?;
            Ok((start.elapsed().as_secs_f64() * 1e3, String::from_utf8_lossy(&done.stderr).into_owned()))
        };
        run(false)?;
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            times.push(run(false)?.0);
        }
        times.sort_by(f64::total_cmp);
        let memory = run(true).ok().and_then(|(_, e)| e.lines().last()?.trim().parse::<u64>().ok());
        let memory =
            memory.map_or("not measured: no /usr/bin/time".into(), |kb| format!("{:.1} MB", kb as f64 / 1024.0));
        out.push_str(&format!(
            "| {name} | {:.1} ms | {:.1} ms | {:.1} ms | {memory} |\n",
            times[RUNS / 2],
            times[0],
            times[RUNS - 1]
        ));
    }
    Ok(out)
}
