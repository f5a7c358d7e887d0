//! The memo as counsel gets it.

use std::fs;

use crate::run::{root, run};

const AS_OF: &str = "--as-of=2026-11-24";

fn memo(example: &str, more: &[&str]) -> (i32, String, String) {
    let dir = root().join("examples").join(example);
    let at = |name: &str| dir.join(name).display().to_string();
    let (model, uses, release) = (at("model"), at("use.toml"), at("release"));
    let mut args = vec!["memo", model.as_str(), "--use", uses.as_str(), AS_OF];
    if dir.join("release").is_dir() {
        args.extend(["--release", release.as_str()]);
    }
    args.extend(more);
    let (code, out, err) = run(&root(), &args);
    (code, out.replace(&root().display().to_string(), "ROOT"), err)
}

#[test]
fn of_a_lora_that_is_shipped_and_of_a_model_that_is_not_granted() {
    for example in ["support-bot-lora", "qwen-3b-product"] {
        let (code, text, said) = memo(example, &[]);
        assert_eq!((code, said.as_str()), (0, ""));
        insta::assert_snapshot!(format!("memo_{}", example.replace('-', "_")), text);
    }
}

#[test]
fn of_every_example_in_both_forms() {
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if !root().join("examples").join(&name).join("model").is_dir() {
            continue;
        }
        let (code, text, _) = memo(&name, &["--privileged"]);
        let (also, html, _) = memo(&name, &["--privileged", "--format=html"]);
        assert_eq!((code, also), (0, 0), "{name}");
        assert!(text.contains("privileged and confidential") && html.contains("class=\"marking\""), "{name}");
        for heading in ["Question and short answer", "What is owed", "Open questions", "Assumptions and limits"] {
            assert!(text.contains(heading) && html.contains(heading), "{name}: {heading}");
        }
        // everything that is opened is closed, in order
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1).filter_map(|t| t.split('>').next()) {
            let word = tag.split_whitespace().next().unwrap();
            match word.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}"),
                None if ["!DOCTYPE", "meta", "br"].contains(&word) => {}
                None => open.push(word),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
        assert_eq!(memo(&name, &["--privileged"]).1, text, "{name}: the same twice");
    }
}

#[test]
fn of_what_is_no_model_and_of_several() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(dir.path(), &["memo", "."]).0, 5);
    assert_eq!(run(dir.path(), &["memo", "absent"]).0, 3);
    for name in ["a", "b"] {
        fs::create_dir(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("config.json"), "{\"model_type\": \"llama\"}").unwrap();
    }
    let (code, _, said) = run(dir.path(), &["memo", "."]);
    assert!(code == 2 && said.contains("2 models lie there"), "{said}");
    assert_eq!(run(dir.path(), &["memo", "a", "--out", "absent/x.md"]).0, 3);
    assert_eq!(run(dir.path(), &["memo", "a", "--out", "x.md"]).0, 0);
    assert!(fs::read_to_string(dir.path().join("x.md")).unwrap().starts_with("# Review memo: a"));
    let (code, _, said) = run(dir.path(), &["memo", "a", "--record", "x", "--register", "absent.db"]);
    assert!(code == 3 && said.contains("no register at"), "{said}");
}
