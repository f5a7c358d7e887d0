//! What is handed out: the binary, its manual pages, and a wheel that carries it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::wheel::Wheel;

/// The target whose binary needs nothing of the machine that it runs on.
const STATIC: &str = "x86_64-unknown-linux-musl";

/// A binary that was built.
pub(crate) struct Built {
    pub(crate) path: PathBuf,
    /// What it was built for.
    pub(crate) target: String,
    /// What to tell.
    pub(crate) told: String,
}

fn host() -> String {
    let out = Command::new("rustc").arg("-vV").output();
    let text = out.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().find_map(|l| l.strip_prefix("host: ")).unwrap_or_default().to_string()
}

/// True where the standard library of a target is installed.
fn installed(target: &str) -> bool {
    let out = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = out.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string()).unwrap_or_default();
    Path::new(&sysroot).join("lib/rustlib").join(target).join("lib").is_dir()
}

fn build(target: Option<&str>) -> Result<PathBuf, String> {
    let root = crate::root();
    let mut cargo = Command::new(env!("CARGO"));
    // the release profile strips symbols
    cargo.args(["build", "--release", "--locked", "-p", "freehold"]).current_dir(&root);
    if let Some(target) = target {
        cargo.args(["--target", target]);
    }
    if !cargo.status().map_err(|e| e.to_string())?.success() {
        return Err("the command does not build".into());
    }
    let out = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let out = target.map_or_else(|| out.clone(), |t| out.join(t)).join("release");
    Ok(out.join(format!("freehold{}", std::env::consts::EXE_SUFFIX)))
}

/// `cargo xtask release`: the static binary where its target is installed, else one for this machine alone, and says so.
pub(crate) fn binary() -> Result<Built, String> {
    let is_static = installed(STATIC);
    let path = build(is_static.then_some(STATIC))?;
    let size = fs::metadata(&path).map_err(|e| format!("{}: {e}", path.display()))?.len();
    let target = if is_static { STATIC.to_string() } else { host() };
    let about = if is_static {
        "static: it runs on any Linux of that processor".to_string()
    } else {
        format!(
            "not static: it needs the C library of a machine like this one. `rustup target add {STATIC}` and a musl linker, \
             then once more"
        )
    };
    Ok(Built { told: format!("{} for {target}, {size} bytes, stripped\n{about}", path.display()), path, target })
}

/// The tags of Python's platforms on which a binary for a target runs.
fn platforms(target: &str) -> Result<&'static [&'static str], String> {
    Ok(match target {
        // static: any C library will do
        "x86_64-unknown-linux-musl" => &["manylinux2014_x86_64", "manylinux_2_17_x86_64", "musllinux_1_1_x86_64"],
        "aarch64-unknown-linux-musl" => &["manylinux2014_aarch64", "manylinux_2_17_aarch64", "musllinux_1_1_aarch64"],
        // needs the C library of the machine that built it: pip takes it from a file, an index would refuse it
        "x86_64-unknown-linux-gnu" => &["linux_x86_64"],
        "aarch64-unknown-linux-gnu" => &["linux_aarch64"],
        "x86_64-apple-darwin" => &["macosx_10_12_x86_64"],
        "aarch64-apple-darwin" => &["macosx_11_0_arm64"],
        "x86_64-pc-windows-msvc" | "x86_64-pc-windows-gnu" => &["win_amd64"],
        "aarch64-pc-windows-msvc" => &["win_arm64"],
        _ => return Err(format!("no platform tag is known for {target}")),
    })
}

/// `cargo xtask wheel OUT [BINARY [TARGET]]`: a wheel of the binary, which is built where none is given.
pub(crate) fn wheel(out: &Path, binary: Option<&Path>, target: Option<&str>) -> Result<String, String> {
    let (path, target) = match binary {
        Some(path) => (path.to_path_buf(), target.map_or_else(host, str::to_string)),
        None => {
            let built = self::binary()?;
            anstream::println!("{}", built.told);
            (built.path, built.target)
        }
    };
    let read = |path: &Path| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let text = |name: &str| read(&crate::root().join(name)).map(|b| String::from_utf8_lossy(&b).into_owned());
    let wheel = Wheel {
        version: env!("CARGO_PKG_VERSION"),
        platforms: platforms(&target)?,
        binary: read(&path)?,
        binary_name: if target.contains("windows") { "freehold.exe" } else { "freehold" },
        readme: &text("README.md")?,
        license: &text("LICENSE")?,
    };
    let to = out.join(wheel.name());
    fs::create_dir_all(out).map_err(|e| format!("{}: {e}", out.display()))?;
    fs::write(&to, wheel.bytes()?).map_err(|e| format!("{}: {e}", to.display()))?;
    Ok(format!("wrote {}", to.display()))
}

/// `cargo xtask man OUT`: the manual pages, which the command itself writes.
pub(crate) fn manual(out: &Path) -> Result<String, String> {
    let bin = build(None)?;
    let status = Command::new(&bin).arg("man").arg(out).status().map_err(|e| format!("{}: {e}", bin.display()))?;
    if status.success() {
        Ok(format!("wrote the pages to {}", out.display()))
    } else {
        Err("freehold man failed".into())
    }
}
