//! What a pipeline reads: SARIF, JUnit, a comment, annotations, a baseline; what installs the command.

use std::fs;
use std::path::Path;

use crate::run::{installed, root, run, session};

const AS_OF: &str = "--as-of=2026-11-24";

/// A repository with a refused model, an open one, a clear one and a broken file.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write(
        "freehold.toml",
        b"[organization]\ncountry = \"DE\"\n\n[use]\ncommercial = true\naccess = [\"weights\"]\nactivities = []\ncustomer_countries = [\"DE\"]\n",
    );
    write(
        "models/refused/README.md",
        "---\n# modèle\nlicense: apache-2.0\nbase_model: tencent/Hunyuan-A13B-Instruct # modèle\n---\n".as_bytes(),
    );
    write("models/refused/config.json", b"{\"model_type\": \"llama\"}");
    write("models/open/config.json", b"{\"model_type\": \"llama\"}");
    write("models/clear/README.md", b"---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n");
    write("models/clear/config.json", b"{\"model_type\": \"phi3\"}");
    write("models/broken, 100%/README.md", b"---\nlicense: apache-2.0\nbase_model: mistralai/Mistral-7B-v0.1\n---\n");
    write("models/broken, 100%/model.gguf", b"GGUF\x03\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff");
    write("dist/NOTICE", b"nothing of use\n");
    dir
}

#[test]
fn a_repository_in_each_format() {
    let dir = repository();
    for format in ["sarif", "junit", "markdown", "github"] {
        let text = session(
            dir.path(),
            &[
                &["check", "models", "--made-by", "third-party", AS_OF, "--format", format],
                &["check", "models/clear", "--release", "dist", AS_OF, "--format", format],
            ],
        );
        // the list of rules is long, and the same on each run
        let text = if format == "sarif" { without_rules(&text) } else { text };
        insta::assert_snapshot!(format!("a_repository_as_{format}"), text);
    }
}

/// A SARIF text without the rules' block.
fn without_rules(text: &str) -> String {
    let mut out = Vec::new();
    let mut skip = false;
    for line in text.lines() {
        if line.starts_with("            \"rules\"") || line.trim_start() == "\"rules\": [" {
            out.push("          \"rules\": […]".to_string());
            skip = true;
        }
        if !skip {
            out.push(line.to_string());
        }
        if line == "          ]" {
            skip = false;
        }
    }
    out.join("\n")
}

#[test]
fn an_old_repository_starts_quiet() {
    let dir = repository();
    fs::remove_dir_all(dir.path().join("models/broken, 100%")).unwrap();
    let check = |more: &[&'static str]| {
        let mut args = vec!["check", "models", "--made-by", "third-party"];
        args.extend(more);
        args
    };
    let first = session(
        dir.path(),
        &[
            &check(&[AS_OF]),
            &check(&[AS_OF, "--write-baseline", "known.toml"]),
            &check(&["--as-of=2026-12-01", "--baseline", "known.toml"]),
        ],
    );
    let file = fs::read_to_string(dir.path().join("known.toml")).unwrap();
    // the open model turns out worse; the refused one is mended
    fs::write(dir.path().join("models/open/README.md"), "---\nlicense: cc-by-nc-4.0\n---\n").unwrap();
    fs::write(dir.path().join("models/refused/README.md"), "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n")
        .unwrap();
    let then = session(
        dir.path(),
        &[
            &check(&["--as-of=2026-12-01", "--baseline", "known.toml"]),
            &check(&["--as-of=2026-12-01", "--baseline", "known.toml", "--format", "github"]),
            &check(&["--as-of=2026-12-01", "--write-baseline", "known.toml", "--format", "github"]),
        ],
    );
    let after = fs::read_to_string(dir.path().join("known.toml")).unwrap();
    insta::assert_snapshot!(format!("{first}\n\n--- known.toml\n{file}\n--- then\n{then}\n\n--- known.toml\n{after}"));
}

#[test]
fn a_baseline_that_is_none_is_refused() {
    let dir = repository();
    fs::write(dir.path().join("known.toml"), "[[known]]\nmodel = \"x\"\nclause = \"2\"\n").unwrap();
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["check", "models/clear", "--baseline", "absent.toml", AS_OF],
            &["check", "models/clear", "--baseline", "known.toml", AS_OF],
            // a file that is something else is not overwritten
            &["check", "models/clear", "--write-baseline", "models/clear/README.md", AS_OF],
            &["check", "models/clear", "--also", "human=x", AS_OF],
        ]
    ));
    assert!(fs::read_to_string(dir.path().join("models/clear/README.md")).unwrap().starts_with("---\nlicense: mit"));
}

#[test]
fn a_baseline_of_nothing_changes_no_status() {
    let dir = repository();
    fs::write(dir.path().join("none.toml"), "schema = \"freehold.baseline/1\"\n").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for what in ["models/refused", "models/open", "models/clear", "models/broken, 100%", "models", "dist", "absent"] {
        let with = run(dir.path(), &["check", what, AS_OF, "--baseline", "none.toml", "--made-by", "third-party"]).0;
        let without = run(dir.path(), &["check", what, AS_OF, "--made-by", "third-party"]).0;
        assert_eq!(with, without, "{what}");
        seen.insert(with);
    }
    assert_eq!(seen, std::collections::BTreeSet::from([0, 1, 3, 4, 5]));
}

#[test]
fn other_formats_are_written_beside() {
    let dir = repository();
    let args =
        ["check", "models", AS_OF, "--also", "sarif=out.sarif", "--also", "junit=out.xml", "--also", "json=out.json"];
    let (_, human, _) = run(dir.path(), &args);
    assert!(human.contains("models    4"), "{human}");
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    for (name, format) in [("out.sarif", "sarif"), ("out.xml", "junit"), ("out.json", "json")] {
        let (_, alone, _) = run(dir.path(), &["check", "models", AS_OF, "--format", format]);
        assert_eq!(read(name), alone, "{format}");
    }
}

#[test]
fn regions_hold_the_words_that_are_meant() {
    let dir = repository();
    let (_, text, _) = run(dir.path(), &["check", "models/refused", AS_OF, "--made-by=third-party", "--format=sarif"]);
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let all = log["runs"][0]["results"].as_array().unwrap();
    let mut words = std::collections::BTreeSet::new();
    for place in all.iter().flat_map(|r| r["locations"].as_array().unwrap().iter()) {
        let place = &place["physicalLocation"];
        let file = dir.path().join(place["artifactLocation"]["uri"].as_str().unwrap());
        let region = &place["region"];
        let (Some(line), Some(column)) = (region["startLine"].as_u64(), region["startColumn"].as_u64()) else {
            continue;
        };
        let text = fs::read_to_string(file).unwrap();
        let n = |v: u64| usize::try_from(v).unwrap();
        let end = n(region["endColumn"].as_u64().unwrap());
        let by_line: String =
            text.lines().nth(n(line) - 1).unwrap().chars().skip(n(column) - 1).take(end - n(column)).collect();
        let (at, size) = (n(region["byteOffset"].as_u64().unwrap()), n(region["byteLength"].as_u64().unwrap()));
        assert_eq!(by_line, text[at..at + size], "line and bytes name the same words");
        words.insert(by_line);
    }
    assert!(words.contains("tencent/Hunyuan-A13B-Instruct"), "{words:?}");
}

fn sarif_schema(path: &Path) -> jsonschema::Validator {
    // a bracket that nothing opens: old readers of patterns let it pass
    let text = fs::read_to_string(path).unwrap().replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$");
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

#[test]
fn sarif_passes_its_schema() {
    let Some(path) = installed("FREEHOLD_SARIF_SCHEMA", "the schema of SARIF 2.1.0") else { return };
    let valid = sarif_schema(&path);
    let dir = repository();
    fs::write(dir.path().join("none.toml"), "schema = \"freehold.baseline/1\"\n").unwrap();
    let runs: [(&Path, &[&str]); 4] = [
        (dir.path(), &["check", "models", AS_OF, "--format=sarif"]),
        (dir.path(), &["check", "models", AS_OF, "--format=sarif", "--baseline=none.toml"]),
        (dir.path(), &["check", "absent", "models/clear", AS_OF, "--format=sarif"]),
        (&root().join("examples"), &["check", ".", AS_OF, "--format=sarif"]),
    ];
    for (at, args) in runs {
        let (_, text, _) = run(at, args);
        let log = serde_json::from_str(&text).unwrap();
        let mistakes: Vec<String> = valid.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
        assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty());
    }
    let mut broken: serde_json::Value = serde_json::from_str(&run(dir.path(), runs[0].1).1).unwrap();
    broken["runs"][0]["results"][0]["level"] = "loud".into();
    assert!(!valid.is_valid(&broken), "a schema that takes anything checks nothing");
}

#[test]
fn what_a_policy_says_and_what_is_waived_is_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "freehold.toml",
        "[organization]\ncountry = \"DE\"\n\n[use]\ncommercial = true\naccess = [\"weights\"]\nactivities = []\n\n[policy]\n\n[[policy.deny]]\nid = \"no-phi\"\nlicense = [\"mit\"]\nsays = \"our products stand on Apache-2.0 alone\"\nfix = \"take another base\"\n\n[[policy.review]]\nid = \"tags\"\nbasis = [\"declared\"]\nsays = \"a tag alone is looked at\"\n",
    );
    write("models/a/README.md", "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n");
    write("models/a/config.json", "{\"model_type\": \"phi3\"}");
    write("models/b/README.md", "---\nlicense: mit\nbase_model: microsoft/phi-4\n---\n# b\n");
    write("models/b/config.json", "{\"model_type\": \"phi3\"}");
    let waive = [
        "waive",
        "no-phi",
        "models/b",
        "--reason=moved in | March",
        "--owner=Ada <b>",
        "--approver=Grace",
        "--until=2027-01-31",
        AS_OF,
    ];
    assert_eq!(run(dir.path(), &waive).0, 0, "{:?}", run(dir.path(), &waive));
    let formats = ["github", "junit", "markdown"].map(|f| format!("--format={f}"));
    let runs: Vec<Vec<&str>> = formats.iter().map(|f| vec!["check", "models", AS_OF, f.as_str()]).collect();
    let runs: Vec<&[&str]> = runs.iter().map(Vec::as_slice).collect();
    insta::assert_snapshot!(session(dir.path(), &runs));
    let (status, text, _) = run(dir.path(), &["check", "models", AS_OF, "--format=sarif"]);
    assert_eq!(status, 1);
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let denied: Vec<&serde_json::Value> = results.iter().filter(|r| r["ruleId"] == "policy/no-phi").collect();
    assert_eq!(denied.len(), 2);
    for r in &denied {
        let rule =
            &log["runs"][0]["tool"]["driver"]["rules"][usize::try_from(r["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], r["ruleId"]);
        let places =
            [&r["locations"], &r["relatedLocations"]].map(|l| l.as_array().cloned().unwrap_or_default()).concat();
        let of_rule =
            places.iter().map(|p| &p["physicalLocation"]).find(|p| p["artifactLocation"]["uri"] == "freehold.toml");
        let line = of_rule.unwrap()["region"]["startLine"].as_u64().unwrap();
        let file = fs::read_to_string(dir.path().join("freehold.toml")).unwrap();
        assert!(file.lines().nth(usize::try_from(line).unwrap() - 1).unwrap().contains("policy.deny"), "line {line}");
    }
    // every result says whether it is set aside, since one is
    let aside: Vec<(String, usize, bool)> = results
        .iter()
        .map(|r| {
            (
                r["ruleId"].as_str().unwrap().to_string(),
                r["suppressions"].as_array().unwrap().len(),
                r["properties"]["fails"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(aside.iter().filter(|(_, n, _)| *n == 1).count(), 1, "{aside:?}");
    assert_eq!(aside.iter().filter(|(id, _, fails)| id == "policy/no-phi" && *fails).count(), 1, "{aside:?}");
    let words = denied.iter().find_map(|r| r["suppressions"][0]["justification"].as_str()).unwrap();
    assert_eq!(words, "waived until 2027-01-31 by Grace for Ada <b>: moved in | March");
    if let Some(schema) = installed("FREEHOLD_SARIF_SCHEMA", "the schema of SARIF 2.1.0") {
        assert!(sarif_schema(&schema).is_valid(&log));
    }
}

#[test]
fn templates_are_written_once_and_are_yaml() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["init", "--ci", "github"],
            &["init", "--ci", "gitlab"],
            &["init", "--ci", "pre-commit"],
            &["init", "--ci", "pre-commit"],
            &["init", "--ci", "pre-commit", "--dry-run"],
            &["init", "--dry-run"],
            &["init", "--ci", "jenkins"],
        ]
    ));
    assert!(!dir.path().join("freehold.toml").exists());
    let (_, printed, _) = run(dir.path(), &["init", "--ci", "github", "--dry-run"]);
    let written = fs::read_to_string(dir.path().join(".github/workflows/freehold.yml")).unwrap();
    assert_eq!(printed, format!("# .github/workflows/freehold.yml\n{written}"));
    for file in ["action.yml", ".pre-commit-hooks.yaml", "ci/github.yml", "ci/gitlab.yml", "ci/pre-commit.yml"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let events: Result<Vec<_>, _> = saphyr_parser::Parser::new_from_str(&text).collect();
        let events = events.unwrap_or_else(|e| panic!("{file}: {e}"));
        assert!(events.len() > 10, "{file}");
        // what somebody else writes comes in as a variable, never pasted into a script
        for (n, line) in text.lines().enumerate() {
            let script = !line.trim_start().contains(": ${{") && !line.trim_start().starts_with("if:");
            assert!(!(script && line.contains("${{")), "{file}:{}: {line}", n + 1);
        }
    }
}

#[test]
fn templates_pass_their_readers_own_schemas() {
    let Some(python) = installed("FREEHOLD_PYTHON", "the schemas of GitHub, GitLab and pre-commit") else { return };
    let judged = |args: &[&str], file: &Path| {
        let mut command = std::process::Command::new(&python);
        let out = command.arg("-m").args(args).arg(file).current_dir(root()).output().unwrap();
        (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    };
    let schema = |name: &'static str| vec!["check_jsonschema", "--builtin-schema", name];
    for (args, file, broken) in [
        (schema("vendor.github-actions"), "action.yml", ("runs:", "walks:")),
        (schema("vendor.github-workflows"), "ci/github.yml", ("jobs:", "job:")),
        (schema("vendor.gitlab-ci"), "ci/gitlab.yml", ("script:", "scripts:")),
        (vec!["pre_commit", "validate-manifest"], ".pre-commit-hooks.yaml", ("entry:", "enter:")),
        (vec!["pre_commit", "validate-config"], "ci/pre-commit.yml", ("repo:", "repository:")),
    ] {
        let (ok, said) = judged(&args, &root().join(file));
        assert!(ok, "{file}: {said}");
        let dir = tempfile::tempdir().unwrap();
        let (text, bad) = (fs::read_to_string(root().join(file)).unwrap(), dir.path().join("bad.yaml"));
        assert!(text.contains(broken.0), "{file}");
        fs::write(&bad, text.replace(broken.0, broken.1)).unwrap();
        assert!(!judged(&args, &bad).0, "{file}: a judge that takes anything judges nothing");
    }
}

#[test]
#[cfg(unix)]
fn a_name_cannot_command_the_runner() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("m/a\n::error::b");
    fs::create_dir_all(&model).unwrap();
    fs::write(model.join("README.md"), "---\nlicense: cc-by-nc-4.0\nbase_model: \"x\\n::set-env::y\"\n---\n").unwrap();
    let args =
        ["check", "m", "m/a\n::error::b", "absent\n::error::c", AS_OF, "--made-by=third-party", "--format=github"];
    run(dir.path(), &["check", "m", AS_OF, "--made-by=third-party", "--write-baseline", "known.toml"]);
    let with = [&args[..], &["--baseline", "known.toml"]].concat();
    for args in [&args[..], &with] {
        let (_, out, err) = run(dir.path(), args);
        let kinds = [
            "::error file=",
            "::warning file=",
            "::notice file=",
            "::error title=",
            "freehold: ",
            "not counted: ",
            "baseline: ",
        ];
        for line in out.lines().chain(err.lines()) {
            assert!(kinds.iter().any(|k| line.starts_with(k)), "{line}");
        }
    }
}

#[test]
fn every_flag_of_a_template_exists() {
    let dir = tempfile::tempdir().unwrap();
    let help: String = ["check", "init"].map(|c| run(dir.path(), &["help", c]).1).concat();
    for file in ["action.yml", "ci/github.yml", "ci/gitlab.yml"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        // comments name flags of other commands
        let text: String = text.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect();
        let flags = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .filter(|w| w.starts_with("--") && w.len() > 2);
        for flag in flags.filter(|f| *f != "--quiet") {
            assert!(help.contains(flag), "{file}: {flag}");
        }
    }
}

#[test]
fn shells_complete_and_manuals_are_pages() {
    let dir = tempfile::tempdir().unwrap();
    for (shell, mark) in [
        ("bash", "complete -F _freehold"),
        ("zsh", "#compdef freehold"),
        ("fish", "complete -c freehold"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let (code, text, _) = run(dir.path(), &["completions", shell]);
        assert!(code == 0 && text.contains(mark) && text.contains("what-if"), "{shell}");
    }
    assert_eq!(run(dir.path(), &["completions", "cmd"]).0, 2);
    assert_eq!(run(dir.path(), &["man", "pages"]).0, 0);
    let page = fs::read_to_string(dir.path().join("pages/freehold-check.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("baseline"));
    assert!(dir.path().join("pages/freehold.1").exists());
}
