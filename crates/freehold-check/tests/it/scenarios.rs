//! `scenarios/*.md`: prose, a case, what is expected of it. Each pair of blocks is judged as of one day.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use freehold_assess::{Certainty, Status};
use freehold_check::{Dossier, case_from_toml, judge};

const AS_OF: &str = "2026-11-24";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// A case and its expectation, with the line on which the case begins.
struct Pair {
    line: usize,
    case: String,
    expect: toml::Table,
}

fn pairs(file: &str, text: &str) -> Vec<Pair> {
    let mut out = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    let mut case: Option<(usize, String)> = None;
    for (i, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(word)) => open = Some((word.trim().to_string(), i + 1, String::new())),
            (Some((word, at, body)), Some(_)) => {
                match word.as_str() {
                    "toml" => {
                        assert!(case.is_none(), "{file}:{at}: a case without an `expect` block before it");
                        case = Some((*at, body.clone()));
                    }
                    "expect" => {
                        let (line, case) =
                            case.take().unwrap_or_else(|| panic!("{file}:{at}: `expect` without a case before it"));
                        let expect = body.parse().unwrap_or_else(|e| panic!("{file}:{at}: {e}"));
                        out.push(Pair { line, case, expect });
                    }
                    _ => {}
                }
                open = None;
            }
            (Some((_, _, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none() && case.is_none(), "{file}: a block is not closed or has no `expect`");
    out
}

fn judged(file: &str, pair: &Pair) -> Result<Dossier<'static>, String> {
    let catalog = freehold_law::shared();
    let (case, mistakes) = case_from_toml(file, &pair.case, catalog, AS_OF);
    if !mistakes.is_empty() {
        return Err(mistakes.iter().map(|m| m.message.clone()).collect::<Vec<_>>().join("; "));
    }
    let mut case = case.ok_or("no case")?;
    // a case with agreements is judged under a law of its own, which is kept as long as the test runs
    let catalog = case.law.take().map_or(catalog, |law| Box::leak(Box::new(law)));
    Ok(judge(case.into_parts("", AS_OF), catalog))
}

type Words = BTreeSet<String>;

fn compare(d: &Dossier<'_>, expect: &toml::Table) -> Vec<String> {
    let a = &d.assessment;
    let mut wrong = Vec::new();
    let words = |key: &str| -> Option<Vec<String>> {
        let list = expect.get(key)?.as_array()?;
        Some(list.iter().filter_map(|v| v.as_str()).map(str::to_string).collect())
    };
    let by = |c: Certainty| -> Words {
        a.obligations.iter().filter(|o| o.certainty == c).map(|o| o.code.to_string()).collect()
    };
    let unmet = |o: &&freehold_assess::Obligation<'_>| o.certainty == Certainty::Owed && o.status == Status::Unmet;
    let attested = |o: &&freehold_assess::Obligation<'_>| o.status == Status::Met && !o.attested.is_empty();
    let sets: [(&str, Words); 7] = [
        ("owed", by(Certainty::Owed)),
        ("conditional", by(Certainty::Conditional)),
        ("arguable", by(Certainty::Arguable)),
        ("attested", a.obligations.iter().filter(attested).map(|o| o.code.to_string()).collect()),
        ("unmet", a.obligations.iter().filter(unmet).map(|o| o.code.to_string()).collect()),
        ("house", a.house.iter().map(|u| format!("{} {}", u.kind.as_str(), u.state.as_str())).collect()),
        ("findings", a.findings.iter().map(|f| f.code.as_str().to_string()).collect()),
    ];
    for (key, got) in sets {
        if let Some(want) = words(key).map(|w| w.into_iter().collect::<Words>())
            && want != got
        {
            wrong.push(format!("{key}: expected {want:?}, got {got:?}"));
        }
    }
    let one = [("verdict", a.verdict.as_str()), ("best", a.range.best.as_str()), ("worst", a.range.worst.as_str())];
    for (key, got) in one {
        if let Some(want) = expect.get(key).and_then(|v| v.as_str())
            && want != got
        {
            wrong.push(format!("{key}: expected {want}, got {got}"));
        }
    }
    let asks: Vec<String> = d.questions.iter().map(|q| d.catalog.facts.get(q.fact).name.clone()).collect();
    if let Some(want) = words("asks")
        && want != asks
    {
        wrong.push(format!("asks: expected {want:?}, got {asks:?}"));
    }
    let cite = |license: usize, clause: &str| format!("{} {clause}", d.catalog.licenses[license].id);
    let mut cited: Words = a.limits.iter().filter_map(|l| l.term.map(|t| cite(l.license, &t.clause))).collect();
    cited.extend(a.gaps.iter().filter_map(|g| g.term.map(|t| format!("{} {}", g.license, t.clause))));
    cited.extend(a.obligations.iter().flat_map(|o| &o.sources).map(|s| cite(s.license, &s.term.clause)));
    for clause in words("because").unwrap_or_default() {
        if !cited.contains(&clause) {
            wrong.push(format!("because: `{clause}` is not cited; cited are {cited:?}"));
        }
    }
    const KEYS: &[&str] = &[
        "verdict",
        "best",
        "worst",
        "owed",
        "conditional",
        "arguable",
        "unmet",
        "attested",
        "house",
        "findings",
        "asks",
        "because",
    ];
    wrong.extend(expect.keys().filter(|k| !KEYS.contains(&k.as_str())).map(|k| format!("`{k}` is not checked")));
    if expect.get("verdict").is_none() {
        wrong.push("an expectation without a verdict".into());
    }
    wrong
}

#[test]
fn every_scenario_comes_out_as_it_says() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "md") && !p.ends_with("README.md"));
    files.sort();
    assert!(files.len() >= 40, "{} scenarios", files.len());
    let mut wrong = Vec::new();
    let mut judged_pairs = 0;
    for path in &files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let pairs = pairs(&file, &std::fs::read_to_string(path).unwrap());
        if pairs.is_empty() {
            wrong.push(format!("{file}: no case"));
        }
        for pair in &pairs {
            judged_pairs += 1;
            match judged(&file, pair) {
                Ok(d) => {
                    wrong.extend(compare(&d, &pair.expect).into_iter().map(|w| format!("{file}:{}: {w}", pair.line)));
                }
                Err(e) => wrong.push(format!("{file}:{}: {e}", pair.line)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {judged_pairs} pairs:\n{}", wrong.len(), wrong.join("\n"));
}
