//! A wheel that pip installs without an index, and whose command runs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The command that this build made, or, where only the workshop was built, a stand-in.
fn binary(dir: &Path) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("freehold");
    if built.is_file() {
        return built;
    }
    let script = dir.join("stand-in");
    std::fs::write(&script, "#!/bin/sh\necho freehold 0.1.0\n").unwrap();
    script
}

fn wheel(out: &Path, binary: &Path) -> PathBuf {
    let made = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("wheel").arg(out).arg(binary).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut files = std::fs::read_dir(out).unwrap().map(|e| e.unwrap().path());
    files.find(|p| p.extension().is_some_and(|e| e == "whl")).unwrap()
}

#[test]
#[cfg(unix)]
fn pip_installs_the_wheel_and_the_command_runs() {
    let dir = tempfile::tempdir().unwrap();
    let wheel = wheel(&dir.path().join("dist"), &binary(dir.path()));
    let venv = dir.path().join("venv");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).output();
    if !made.is_ok_and(|m| m.status.success()) {
        println!("skipped: no python3 with venv");
        return;
    }
    let pip = Command::new(venv.join("bin/python"))
        .args(["-m", "pip", "install", "--no-index", "--disable-pip-version-check"])
        .arg(&wheel)
        .output()
        .unwrap();
    assert!(pip.status.success(), "{}", String::from_utf8_lossy(&pip.stderr));
    let run = Command::new(venv.join("bin/freehold")).arg("--version").output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert_eq!(said.trim(), concat!("freehold ", env!("CARGO_PKG_VERSION")));
    // pip checks no hash of RECORD on install: `zipfile` and `hashlib` do
    let check = "import sys,zipfile,hashlib,base64\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nnames=set(z.namelist())\n\
                 record=[n for n in names if n.endswith('/RECORD')][0]\n\
                 for line in z.read(record).decode().splitlines():\n \
                 name,h,size=line.rsplit(',',2)\n names.remove(name)\n \
                 if name==record: assert not h and not size; continue\n \
                 b=z.read(name)\n \
                 assert h=='sha256='+base64.urlsafe_b64encode(hashlib.sha256(b).digest()).rstrip(b'=').decode(), name\n \
                 assert int(size)==len(b), name\nassert not names, names";
    let checked = Command::new("python3").args(["-c", check]).arg(&wheel).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn the_same_binary_gives_the_same_wheel() {
    let dir = tempfile::tempdir().unwrap();
    let binary = dir.path().join("freehold");
    std::fs::write(&binary, [7u8; 1000]).unwrap();
    let made = |name: &str| std::fs::read(wheel(&dir.path().join(name), &binary)).unwrap();
    assert_eq!(made("a"), made("b"));
}

#[test]
fn a_target_without_a_tag_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("wheel")
        .arg(dir.path())
        .args([env!("CARGO_BIN_EXE_xtask"), "z80-unknown-cpm"])
        .output()
        .unwrap();
    assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains("no platform tag"));
}
