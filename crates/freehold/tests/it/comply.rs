//! `comply` and `stamp` as a user meets them: examples, real folders, attacks, crashes, another reader.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::run::{root, run, session, shared};

const AS_OF: &str = "--as-of=2026-11-24";
const EXAMPLES: [&str; 6] =
    ["gemma-reviewer", "mistral-merge", "mystery", "phi-4-awq", "qwen-3b-product", "support-bot-lora"];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A folder of a test, by its own name.
struct Folder {
    _around: tempfile::TempDir,
    path: PathBuf,
}

impl Folder {
    fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder with a copy of an example as `model`, `use.toml` and `release`, and license texts of the SPDX list.
fn example(name: &str) -> Folder {
    let around = tempfile::tempdir().unwrap();
    let dir = Folder { path: around.path().join(name), _around: around };
    copy(&root().join("examples").join(name), dir.path());
    std::fs::create_dir_all(dir.path().join("release")).unwrap();
    let texts = dir.path().join("texts");
    std::fs::create_dir_all(&texts).unwrap();
    for id in ["MIT", "Apache-2.0"] {
        std::fs::write(texts.join(format!("{id}.txt")), spdx::license_id(id).unwrap().text()).unwrap();
    }
    dir
}

/// Every file below a folder with its bytes.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                out.push((entry.path(), std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    out.sort();
    out
}

const COMPLY: [&str; 7] = ["comply", "model", "--use", "use.toml", "--release", "release", AS_OF];
const CHECK: [&str; 7] = ["check", "model", "--use", "use.toml", "--release", "release", AS_OF];

fn with<'a>(base: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    base.iter().chain(more).copied().collect()
}

/// Codes of duties that are owed, unmet and called fixable.
fn fixable_and_unmet(dir: &Path, check: &[&str]) -> Vec<String> {
    let (_, report, stderr) = run(dir, &with(check, &["--format", "json"]));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    let all = report["assessments"].as_array().unwrap().iter().flat_map(|a| a["obligations"].as_array().unwrap());
    let open = all.filter(|o| o["status"] == "unmet" && o["certainty"] == "owed" && o["fixable"] == true);
    open.map(|o| o["code"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_lora_in_a_product() {
    let dir = example("support-bot-lora");
    insta::assert_snapshot!(session(dir.path(), &[&with(&COMPLY, &["--dry-run"]), &COMPLY, &COMPLY, &CHECK]));
}

#[test]
fn a_license_that_leaves_the_holder_blank() {
    let dir = example("phi-4-awq");
    let holder = ["--copyright", "Copyright (c) Microsoft Corporation."];
    insta::assert_snapshot!(session(dir.path(), &[&COMPLY, &with(&COMPLY, &holder), &with(&COMPLY, &holder), &CHECK]));
    let copy = std::fs::read_to_string(dir.path().join("release/LICENSE-mit.txt")).unwrap();
    assert!(copy.contains("Copyright (c) Microsoft Corporation.") && !copy.contains('<'));
}

#[test]
fn every_example_ends_with_nothing_fixable_unmet() {
    let texts = shared("data/licenses/texts").map(|t| t.display().to_string());
    for name in EXAMPLES {
        let dir = example(name);
        let mut args = with(&COMPLY, &["--copyright", "mit=Copyright (c) Microsoft Corporation."]);
        match &texts {
            Some(texts) => args.extend(["--texts", texts]),
            // what needs a text that is not here stays open, and says so
            None if ["gemma-reviewer", "qwen-3b-product", "support-bot-lora"].contains(&name) => {
                let (code, out, _) = run(dir.path(), &args);
                assert_eq!(code, 1, "{name}: {out}");
                assert_eq!(fixable_and_unmet(dir.path(), &CHECK), ["include-license-copy"], "{name}");
                continue;
            }
            None => {}
        }
        let model = files(&dir.path().join("model"));
        let before = fixable_and_unmet(dir.path(), &CHECK);
        assert_eq!(before.is_empty(), ["mistral-merge", "mystery"].contains(&name), "{name}: {before:?}");
        let untouched = files(dir.path());
        run(dir.path(), &with(&args, &["--dry-run"]));
        assert_eq!(files(dir.path()), untouched, "{name}: a dry run wrote");
        let (code, out, err) = run(dir.path(), &args);
        assert_eq!(code, 0, "{name}: {out}{err}");
        assert_eq!(fixable_and_unmet(dir.path(), &CHECK), Vec::<String>::new(), "{name}");
        assert_eq!(files(&dir.path().join("model")), model, "{name}: the model was touched");
        let once = files(dir.path());
        let (code, out, _) = run(dir.path(), &args);
        assert_eq!((code, files(dir.path()) == once), (0, true), "{name}: twice is not once: {out}");
    }
}

/// What a header file of a model is made into a release of.
const GIVEN_OUT: [&str; 9] = [
    "--access",
    "weights",
    "--commercial=yes",
    "--made-by",
    "organization",
    "--set",
    "organization.kind=company",
    "--texts",
    "texts",
];

#[test]
fn real_cards_and_headers() {
    let (Some(cards), Some(texts)) = (shared("data/artifacts/card"), shared("data/licenses/texts")) else { return };
    let mut tried = 0;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(cards).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let texts = texts.display().to_string();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "md")).step_by(paths.len() / 24 + 1) {
        let dir = tempfile::tempdir().unwrap();
        let release = dir.path().join("release");
        std::fs::create_dir_all(&release).unwrap();
        std::fs::copy(path, release.join("README.md")).unwrap();
        let holder = "Copyright (c) 2026 The holder";
        let mut args = vec!["comply", "release", "--release", "release", "--copyright", holder, AS_OF];
        args.extend(GIVEN_OUT.iter().map(|a| if *a == "texts" { texts.as_str() } else { a }));
        let (code, out, err) = run(dir.path(), &args);
        assert!([0, 1, 5].contains(&code), "{}: {out}{err}", path.display());
        if code == 5 {
            continue;
        }
        tried += 1;
        let mut check = vec!["check", "release", "--release", "release", AS_OF];
        check.extend(&GIVEN_OUT[..7]);
        let open = fixable_and_unmet(dir.path(), &check);
        // what stays open is what comply says stays open
        assert_eq!(open.is_empty(), code == 0, "{}: {open:?}\n{out}{err}", path.display());
        let once = files(dir.path());
        run(dir.path(), &args);
        assert_eq!(files(dir.path()), once, "{}: twice is not once", path.display());
        let (was, is) = (std::fs::read(path).unwrap(), std::fs::read(release.join("README.md")).unwrap());
        let body = |b: &[u8]| String::from_utf8_lossy(b).splitn(3, "---").last().map(str::to_string).unwrap();
        assert!(body(&is).starts_with(body(&was).trim_end()), "{}: the card's body changed", path.display());
    }
    assert!(tried >= 20, "{tried}");
}

/// A GGUF file with real numbers in two tensors and `data` bytes of a third.
fn gguf(keys: &[(&str, &str)], data: usize) -> Vec<u8> {
    let text = |s: &str| [(s.len() as u64).to_le_bytes().to_vec(), s.as_bytes().to_vec()].concat();
    let mut out = b"GGUF".to_vec();
    out.extend(3_u32.to_le_bytes());
    out.extend(3_u64.to_le_bytes());
    out.extend((keys.len() as u64).to_le_bytes());
    for (key, value) in keys {
        out.extend(text(key));
        out.extend(8_u32.to_le_bytes());
        out.extend(text(value));
    }
    let data = data.next_multiple_of(32);
    for (name, elements, at) in [("a", 8_u64, 0_u64), ("b", 8, 32), ("c", data as u64 / 4, 64)] {
        out.extend(text(name));
        out.extend(1_u32.to_le_bytes());
        out.extend(elements.to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        out.extend(at.to_le_bytes());
    }
    out.resize(out.len().next_multiple_of(32), 0);
    let numbers = (0..16 + data / 4).flat_map(|n| (n as f32 * 0.5).to_le_bytes());
    out.extend(numbers);
    out
}

const KEYS: [(&str, &str); 2] = [("general.architecture", "llama"), ("general.name", "bot")];

#[test]
fn stamping_in_bulk() {
    let dir = tempfile::tempdir().unwrap();
    let models = dir.path().join("models");
    std::fs::create_dir_all(models.join("two")).unwrap();
    std::fs::write(models.join("one.gguf"), gguf(&KEYS, 64)).unwrap();
    let twice = [("general.architecture", "llama"), ("general.license", "mit"), ("general.license", "apache-2.0")];
    std::fs::write(models.join("twice.gguf"), gguf(&twice, 64)).unwrap();
    std::fs::write(models.join("cut.gguf"), &gguf(&KEYS, 64)[..300]).unwrap();
    std::fs::write(models.join("two/bot.gguf"), gguf(&KEYS, 64)).unwrap();
    let card = "---\r\nlicense: mit # ours\r\ntags: [a]\r\n---\r\n# Bot\r\n";
    std::fs::write(models.join("two/README.md"), card).unwrap();
    let stamp = ["stamp", "models", "--license", "apache-2.0", "--base-model", "acme/base", "--relation", "quantized"];
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &with(&stamp, &["--dry-run"]),
            &stamp,
            &stamp,
            &["stamp", "models/two/bot.gguf", "--from-card"],
            &["stamp", "models/one.gguf", "--license", "apache-2.O"],
            &["stamp", "models/one.gguf", "--license", "other", "--license-name", "acme", "--out", "new.gguf"],
            &["inspect", "new.gguf"],
            &["stamp", "nothing"],
        ]
    ));
    let card = std::fs::read_to_string(models.join("two/README.md")).unwrap();
    assert_eq!(
        card,
        "---\r\nlicense: apache-2.0 # ours\r\nbase_model: acme/base\r\nbase_model_relation: quantized\r\ntags: [a]\r\n---\r\n# Bot\r\n"
    );
    assert_eq!(std::fs::read(models.join("twice.gguf")).unwrap(), gguf(&twice, 64));
}

#[test]
fn a_release_with_weights_gets_its_keys() {
    let dir = example("phi-4-awq");
    let release = dir.path().join("release");
    std::fs::remove_file(release.join("README.md")).unwrap();
    copy(&dir.path().join("model"), &release);
    std::fs::write(release.join("phi-4-Q8_0.gguf"), gguf(&[("general.architecture", "phi3")], 64)).unwrap();
    let args = [
        "comply",
        "release",
        "--use",
        "use.toml",
        "--release",
        "release",
        AS_OF,
        "--copyright",
        "Copyright (c) Microsoft Corporation.",
    ];
    insta::assert_snapshot!(session(dir.path(), &[&with(&args, &["--dry-run"]), &args, &args]));
}

/// Nothing outside of the release changes, whatever lies in it.
#[cfg(unix)]
#[test]
fn attacks() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = example("support-bot-lora");
    let release = dir.path().join("release");
    let outside = dir.path().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("secret"), "old\n").unwrap();
    std::fs::remove_file(release.join("NOTICE")).unwrap();
    symlink(outside.join("secret"), release.join("NOTICE")).unwrap();
    std::fs::remove_dir_all(release.join("docs")).unwrap();
    symlink(&outside, release.join("docs")).unwrap();
    symlink(outside.join("new"), release.join("ABOUT.md")).unwrap();
    std::fs::write(release.join("MODEL-CARD.md"), b"---\nlicense: \xff\n---\n").unwrap();
    let hostile = ["--name", "Llama: [y] #\u{202e}../../x"];
    insta::assert_snapshot!(session(
        dir.path(),
        &[&with(&COMPLY, &hostile), &with(&COMPLY, &["--name", "Llama\nlicense: mit"])]
    ));
    assert_eq!(files(&outside), [(outside.join("secret"), b"old\n".to_vec())]);

    // a hostile name is one value of one field
    std::fs::remove_file(release.join("MODEL-CARD.md")).unwrap();
    run(dir.path(), &with(&COMPLY, &hostile));
    let card = std::fs::read_to_string(release.join("MODEL-CARD.md")).unwrap();
    assert!(card.starts_with("---\nmodel_name: \"Llama: [y] #\u{202e}../../x\"\n"), "{card}");
    assert_eq!(files(&outside).len(), 1);

    // a read-only release is told
    let dir = example("support-bot-lora");
    let release = dir.path().join("release");
    let before = files(&release);
    std::fs::set_permissions(&release, std::fs::Permissions::from_mode(0o555)).unwrap();
    let (code, out, err) = run(dir.path(), &COMPLY);
    std::fs::set_permissions(&release, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(code, 3, "{out}{err}");
    assert!(err.contains("read-only"), "{err}");
    let top = |all: Vec<(PathBuf, Vec<u8>)>| {
        all.into_iter().filter(|(p, _)| p.parent() == Some(&*release)).collect::<Vec<_>>()
    };
    assert_eq!(top(files(&release)), top(before));
}

/// Killed at any moment, the file is the old one or the new one.
#[test]
fn a_crash_leaves_the_old_file_or_the_new_one() {
    const KILLS: u32 = 100;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bot.gguf");
    let old = gguf(&KEYS, 24 << 20);
    std::fs::write(&path, &old).unwrap();
    let args = ["stamp", "bot.gguf", "--license", "apache-2.0", "--base-model", "acme/base"];
    let started = std::time::Instant::now();
    let (code, out, err) = run(dir.path(), &args);
    let whole = started.elapsed();
    assert_eq!(code, 0, "{out}{err}");
    let new = std::fs::read(&path).unwrap();
    assert_ne!(old, new);
    assert_eq!(old[old.len() - (24 << 20)..], new[new.len() - (24 << 20)..]);
    let (mut olds, mut news, mut left_behind) = (0, 0, 0);
    for n in 0..KILLS {
        std::fs::write(&path, &old).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_freehold"))
            .args(args)
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // spread over a whole run and a little more; the order is mixed so that a slow minute falls on all moments
        let step = n * 37 % KILLS;
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * 1.2 * f64::from(step) / f64::from(KILLS)));
        let _ = child.kill();
        child.wait().unwrap();
        let now = std::fs::read(&path).unwrap();
        assert!(now == old || now == new, "kill {n}: {} bytes, neither old nor new", now.len());
        olds += u32::from(now == old);
        news += u32::from(now == new);
        left_behind += u32::from(files(dir.path()).len() > 1);
    }
    println!("{KILLS} kills: {olds} old, {news} new, {left_behind} with an unfinished file beside");
    assert!(olds > 0, "no kill came before the end");
    std::fs::write(&path, &old).unwrap();
    run(dir.path(), &args);
    assert_eq!(files(dir.path()), [(path, new)], "what was left behind is gone");
}

/// The reader of the format's own project reads what was written, with the tensors as they were.
#[test]
fn another_reader_reads_it() {
    let Some(python) = std::env::var_os("FREEHOLD_PYTHON") else {
        eprintln!("skipped: FREEHOLD_PYTHON is not set: ./test sets it");
        return;
    };
    let has = Command::new(&python).args(["-c", "import gguf"]).output().unwrap();
    if !has.status.success() {
        eprintln!("skipped: the Python of FREEHOLD_PYTHON has no `gguf`");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("old.gguf"), gguf(&KEYS, 4096)).unwrap();
    let stamp = ["stamp", "old.gguf", "--license", "other", "--license-name", "acme", "--base-model", "acme/base"];
    let (code, out, err) = run(dir.path(), &with(&stamp, &["--dataset", "acme/data", "--out", "new.gguf"]));
    assert_eq!(code, 0, "{out}{err}");
    let script = r#"
import gguf
old, new = gguf.GGUFReader("old.gguf"), gguf.GGUFReader("new.gguf")
for a, b in zip(old.tensors, new.tensors, strict=True):
    assert a.name == b.name and a.tensor_type == b.tensor_type and a.data.tobytes() == b.data.tobytes(), a.name
text = lambda key: bytes(new.fields[key].parts[new.fields[key].data[0]]).decode()
print(text("general.license"), text("general.license.name"), text("general.base_model.0.repo_url"))
print(new.fields["general.base_model.count"].parts[-1][0], text("general.dataset.0.repo_url"), text("general.name"))
print(len(new.tensors), float(new.tensors[1].data[1]))
"#;
    let out = Command::new(&python).args(["-c", script]).current_dir(dir.path()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(
        String::from_utf8_lossy(&out.stdout).replace("\r\n", "\n"),
        "other acme https://huggingface.co/acme/base\n1 https://huggingface.co/datasets/acme/data bot\n3 4.5\n"
    );
}

#[test]
fn a_copy_of_the_bases_license_in_the_models_own_folder_is_no_license_of_the_model() {
    let around = tempfile::tempdir().unwrap();
    let model = around.path().join("bot");
    std::fs::create_dir_all(around.path().join("texts")).unwrap();
    std::fs::create_dir_all(&model).unwrap();
    std::fs::write(around.path().join("texts/Apache-2.0.txt"), spdx::license_id("Apache-2.0").unwrap().text()).unwrap();
    let card = "---\nlicense: mit\nbase_model: Qwen/Qwen2.5-7B-Instruct\nbase_model_relation: finetune\n---\n";
    std::fs::write(model.join("README.md"), card).unwrap();
    let flags = ["--access", "weights", "--commercial=yes", "--activities", "none", "--made-by=organization", AS_OF];
    let check = || run(around.path(), &[&["check", "bot", "--release", "bot"], &flags[..]].concat());
    let (_, before, _) = check();
    assert!(before.contains("license copy") && before.contains("unmet"), "{before}");
    let comply = [&["comply", "bot", "--release", "bot"], &flags[..]].concat();
    assert_eq!(run(around.path(), &comply).0, 0);
    assert!(model.join("LICENSE-apache-2.0.txt").is_file());
    let (status, after, _) = check();
    assert_eq!(status, 0, "{after}");
    assert!(!after.contains("contradicts-license-file") && !after.contains("unmet"), "{after}");
    let (_, again, _) = run(around.path(), &[&comply[..], &["--dry-run"]].concat());
    assert!(again.contains("write nothing"), "{again}");
    // the same text called LICENSE and no more is what the folder says of itself
    std::fs::rename(model.join("LICENSE-apache-2.0.txt"), model.join("LICENSE")).unwrap();
    let (_, said, _) = run(around.path(), &["check", "bot", "--access", "weights", "--made-by=third-party", AS_OF]);
    assert!(said.contains("declared-license-contradicts-license-file"), "{said}");
}

#[test]
fn an_organization_keeps_its_texts() {
    let around = tempfile::tempdir().unwrap();
    let model = around.path().join("bot");
    std::fs::create_dir_all(&model).unwrap();
    let card = "---\nlicense: apache-2.0\nbase_model: Qwen/Qwen2.5-7B-Instruct\n---\n";
    std::fs::write(model.join("README.md"), card).unwrap();
    let text = spdx::license_id("CC-BY-4.0").unwrap().text();
    std::fs::write(around.path().join("cc.txt"), text).unwrap();
    std::fs::write(around.path().join("mine.txt"), "All rights reserved, and then some.\n").unwrap();
    let said = session(
        around.path(),
        &[
            &["texts", "list"],
            &["texts", "add", "cc.txt", "mine.txt", "absent.txt"],
            &["texts", "add", "cc.txt"],
            &["texts", "list"],
        ],
    );
    insta::assert_snapshot!(said);
    // the list that this build carries is the last to be asked
    let comply = ["comply", "bot", "--release", "bot", "--access", "weights", "--made-by=third-party", AS_OF];
    let (_, from_list, _) = run(around.path(), &comply);
    assert!(from_list.contains("from the SPDX License List"), "{from_list}");
    let written = std::fs::read_to_string(model.join("LICENSE-apache-2.0.txt")).unwrap();
    assert_eq!(written, spdx::license_id("Apache-2.0").unwrap().text());
}
