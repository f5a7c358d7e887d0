//! `freehold memo`: what counsel reads and signs, clause by clause.

use clap::ArgMatches;
use freehold_base::{Diagnostic, Relation};
use freehold_catalog::Catalog;
use freehold_check::Dossier;
use freehold_documents::{Block, Paper};
use freehold_wire::{Assessment, Evidence};
use serde_json::Value;

use super::{prepare, register, report};
use crate::context::get;
use crate::exit;
use crate::load::dossiers;

/// Said where `--privileged` asks for it.
const MARKING: &str = "privileged and confidential · prepared at the request of counsel";

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let by = match prepare(matches, catalog) {
        Ok(run) => run,
        Err(code) => return code,
    };
    let what = get(matches, "what").unwrap_or(".");
    let loaded = dossiers(&[what], &by);
    let one = match loaded.only(what, "a memo") {
        Ok(one) => one,
        Err(code) => return code,
    };
    let record = match get(matches, "record").map(|id| register::record_json(matches, id)).transpose() {
        Ok(record) => record,
        Err(code) => return code,
    };
    let paper = if matches.get_flag("pass-through") {
        freehold_documents::pass_through(one)
    } else {
        memo(one, record.as_ref(), matches.get_flag("privileged"))
    };
    let out = get(matches, "out");
    let bytes = match get(matches, "format") {
        Some(form @ ("pdf" | "docx")) => {
            if out.is_none() && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
                let d = Diagnostic::error("binary", format!("{form} is not for a terminal")).help("--out memo.pdf");
                report(&[d]);
                return exit::USAGE;
            }
            match crate::press::printed(&paper, form) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => {
                    report(&[Diagnostic::error("no-press", crate::press::ABSENT)]);
                    return exit::USAGE;
                }
                Err(says) => {
                    report(&[Diagnostic::error("press", says)]);
                    return exit::INTERNAL;
                }
            }
        }
        Some("html") => paper.html().into_bytes(),
        _ => paper.markdown().into_bytes(),
    };
    use std::io::Write as _;
    let written = match out {
        None => std::io::stdout().write_all(&bytes),
        Some(file) => std::fs::write(file, bytes),
    };
    if let (Err(e), Some(file)) = (written, out) {
        report(&[Diagnostic::error("unwritable", format!("cannot be written: {}", e.kind())).in_file(file)]);
        return exit::UNREADABLE;
    }
    exit::CLEAR
}

pub(super) fn heading(text: &str) -> Block {
    Block::Heading(text.to_string())
}

pub(super) fn table(caption: &str, heads: &[&str], rows: Vec<Vec<String>>) -> Block {
    Block::Table { caption: caption.to_string(), heads: heads.iter().map(|h| (*h).to_string()).collect(), rows }
}

fn place(e: &Evidence) -> String {
    match (e.line, e.key.as_str()) {
        (Some(line), _) => format!("{}:{line}", e.file),
        (None, "") => e.file.clone(),
        (None, key) => format!("{} {key}", e.file),
    }
}

fn places(all: &[Evidence]) -> String {
    let mut named: Vec<String> = all.iter().map(place).collect();
    named.dedup();
    named.truncate(3);
    named.join(", ")
}

/// The words of a value on one line.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Array(all) => all.iter().map(word).collect::<Vec<_>>().join(", "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

pub(super) fn memo(d: &Dossier<'_>, record: Option<&Value>, privileged: bool) -> Paper {
    let a = Assessment::of(d);
    let name = a.subject.name.clone().unwrap_or_else(|| a.subject.id.clone());
    let mut about = vec![
        (
            "model".to_string(),
            format!("{name} ({})", if a.subject.kind.is_empty() { "model" } else { &a.subject.kind }),
        ),
        ("as of".to_string(), a.as_of.clone()),
        ("law applied".to_string(), format!("catalog {}, review level {}", a.catalog.version, a.catalog.review_level)),
    ];
    if !d.subject.artifact.is_empty() {
        about.push(("what was read".to_string(), format!("{} files, {}", a.subject.files, d.subject.artifact)));
    }
    if let Some(outgoing) = &d.outgoing {
        about.push(("release".to_string(), outgoing.path.clone()));
    }
    if let Some(r) = record {
        about.push(("record".to_string(), format!("{} ({})", word(&r["id"]), word(&r["state"]))));
    }
    let mut blocks = Vec::new();
    question(d, &a, &name, &mut blocks);
    facts(d, &a, &mut blocks);
    licenses(d, &a, &mut blocks);
    clauses(d, &a, &mut blocks);
    duties(d, &a, &mut blocks);
    data(&a, record, &mut blocks);
    findings(&a, &mut blocks);
    open(&a, &mut blocks);
    if let Some(r) = record {
        guidance(r, d, &mut blocks);
        decision(r, &mut blocks);
    }
    limits(&a, &mut blocks);
    Paper {
        title: format!("Review memo: {name}"),
        subtitle: "May we use it the way we want to, and what do we owe if we do?".into(),
        marking: if privileged { MARKING.into() } else { String::new() },
        about,
        blocks,
        day: a.as_of.clone(),
        footer: format!(
            "{}, catalog {}, as of {}. A reading of license texts on the facts that are stated here; no legal advice. The same input, catalog and day give the same memo.",
            a.engine, a.catalog.version, a.as_of
        ),
    }
}

fn question(d: &Dossier<'_>, a: &Assessment, name: &str, out: &mut Vec<Block>) {
    out.push(heading("Question and short answer"));
    let accesses: Vec<&str> = a.by_access.iter().map(|b| b.access.as_str()).collect();
    let how =
        if a.access_open { "in any way (none is stated, so each is judged)".to_string() } else { accesses.join(", ") };
    out.push(Block::Text(format!("May {name} be used as: {how}?")));
    let (_, answer) = freehold_documents::answer_line(d);
    out.push(Block::Callout(answer));
    if a.by_access.len() > 1 {
        let rows = a.by_access.iter().map(|b| vec![b.access.clone(), b.verdict.clone()]).collect();
        out.push(table("Each way of use by itself", &["use", "answer"], rows));
    }
}

fn facts(d: &Dossier<'_>, a: &Assessment, out: &mut Vec<Block>) {
    out.push(heading("Facts"));
    let rows: Vec<Vec<String>> = a
        .lineage
        .edges
        .iter()
        .map(|e| {
            let step = Relation::parse(&e.relation).map_or("from", freehold_documents::step_word);
            let by = if e.by_presumed { format!("{} (presumed)", e.by) } else { e.by.clone() };
            vec![e.child.clone(), step.to_string(), e.parent.clone(), by, place(&e.evidence)]
        })
        .collect();
    if rows.is_empty() {
        out.push(Block::Text("The files name nothing that the model was made from.".into()));
    } else {
        out.push(table("What it was made from", &["model", "is", "of", "step taken by", "where that stands"], rows));
    }
    let stated = register::deployment_json(&d.deployment, d.catalog);
    let rows: Vec<Vec<String>> = stated
        .as_object()
        .into_iter()
        .flatten()
        .map(|(fact, value)| {
            let value = word(value);
            vec![fact.clone(), if value.is_empty() { "none".into() } else { value }]
        })
        .collect();
    if rows.is_empty() {
        out.push(Block::Text("No fact of the organization or of the use is stated.".into()));
    } else {
        out.push(table("What is stated of the organization and the use", &["fact", "value"], rows));
    }
}

fn licenses(d: &Dossier<'_>, a: &Assessment, out: &mut Vec<Block>) {
    out.push(heading("Licenses found, and where"));
    let title = |id: &str| {
        let index = d.catalog.license_named(id);
        index.and_then(|i| d.catalog.licenses.get(i)).map_or_else(|| id.to_string(), |l| format!("{} ({id})", l.name))
    };
    let rows: Vec<Vec<String>> = a
        .licenses
        .iter()
        // what was set aside and stands nowhere is told by the statement that does
        .filter(|l| !l.displaced || !l.basis.is_empty() || !l.evidence.is_empty())
        .map(|l| {
            let role = match (l.displaced, l.outbound) {
                (true, _) => "set aside: it lifts nothing from a base",
                (_, true) => "our own choice for our own layer",
                _ => "governs",
            };
            let basis = if l.basis.is_empty() { String::new() } else { format!("{}: ", l.basis.join(", ")) };
            vec![
                l.work.clone(),
                if l.edition.is_empty() { title(&l.id) } else { format!("{}, text {}", title(&l.id), l.edition) },
                role.to_string(),
                format!("{basis}{}", places(&l.evidence)),
            ]
        })
        .collect();
    if rows.is_empty() {
        out.push(Block::Text("None: no file and no row of the catalog says what the model stands under.".into()));
    } else {
        out.push(table(
            "Statements, declared and concluded",
            &["work", "license and its text", "what it does here", "basis and place"],
            rows,
        ));
    }
    for e in &a.elections {
        out.push(Block::Text(format!("Of {} the choice taken is {}.", e.offered, e.taken)));
    }
}

fn clauses(_d: &Dossier<'_>, a: &Assessment, out: &mut Vec<Block>) {
    out.push(heading("Clauses that limit the answer"));
    if a.limits.is_empty() && a.gaps.is_empty() {
        out.push(Block::Text("None on the facts that are stated.".into()));
    }
    // a clause that withholds several acts for one reason is told once
    let mut told: Vec<(&freehold_wire::Limit, Vec<&str>)> = Vec::new();
    for l in &a.limits {
        let same = |o: &freehold_wire::Limit| {
            (&o.license, &o.clause, &o.words, &o.to, o.sure, &o.facts, &o.position)
                == (&l.license, &l.clause, &l.words, &l.to, l.sure, &l.facts, &l.position)
        };
        match told.iter_mut().find(|(o, _)| same(o)) {
            Some((_, acts)) => acts.extend(l.act.as_deref()),
            None => told.push((l, l.act.iter().map(String::as_str).collect())),
        }
    }
    for (l, acts) in told {
        let from = format!("{} {}", l.license, l.clause.as_deref().unwrap_or_default());
        if let Some(words) = &l.words {
            out.push(Block::Quote { words: words.clone(), from: from.trim().to_string() });
        }
        let sure = if l.sure { "limits the answer to" } else { "may limit the answer to" };
        let facts = if l.facts.is_empty() { String::new() } else { format!(" It rests on: {}.", l.facts.join(", ")) };
        let acts = match (acts.is_empty(), l.words.is_some()) {
            (true, _) => String::new(),
            (false, true) => format!(" The acts at issue: {}.", acts.join(", ")),
            (false, false) => format!(" No clause grants: {}.", acts.join(", ")),
        };
        let position = l.position.as_deref().map(|p| format!(" Read as {p} settled it.")).unwrap_or_default();
        out.push(Block::Text(format!("{} {sure} {}.{acts}{facts}{position}", from.trim(), l.to)));
    }
    for g in &a.gaps {
        out.push(Block::Text(format!("Open ({}): {}. If it falls badly: {}.", g.kind, g.says, g.worst)));
        if g.readings.len() > 1 {
            out.push(Block::List(g.readings.iter().map(|r| r.says.clone()).collect()));
        }
    }
}

fn duties(d: &Dossier<'_>, a: &Assessment, out: &mut Vec<Block>) {
    out.push(heading("What is owed"));
    if a.obligations.is_empty() {
        out.push(Block::Text("Nothing.".into()));
        return;
    }
    let title = |code: &str| d.catalog.obligations.get(code).map_or_else(|| code.to_string(), |o| o.title.clone());
    let status = |o: &freehold_wire::Obligation| match o.status.as_str() {
        "met" => "met".to_string(),
        "unmet" => "not there".to_string(),
        "to-attest" => "a person has to say so".to_string(),
        _ => "not checked: no release was looked at".to_string(),
    };
    let rows: Vec<Vec<String>> = a
        .obligations
        .iter()
        .map(|o| vec![title(&o.code), format!("{} {}", o.license, o.clause), o.certainty.clone(), status(o)])
        .collect();
    out.push(table("Duties", &["duty", "clause", "how sure", "status"], rows));
    for o in &a.obligations {
        let text = o.text.as_deref().map(|t| format!("; prescribed: “{t}”")).unwrap_or_default();
        let places = if o.places.is_empty() { String::new() } else { format!("; where: {}", o.places.join(", ")) };
        out.push(Block::Quote {
            words: o.words.clone(),
            from: format!("{}, {} ({}){text}{places}", title(&o.code), o.license, o.clause),
        });
    }
}

fn data(a: &Assessment, record: Option<&Value>, out: &mut Vec<Block>) {
    out.push(heading("Training data"));
    let named: Vec<String> = a
        .lineage
        .edges
        .iter()
        .filter(|e| e.relation == "trained-on-data")
        .map(|e| format!("{}  {}", e.parent, place(&e.evidence)))
        .collect();
    if !named.is_empty() {
        out.push(Block::Text("The files name:".into()));
        out.push(Block::List(named));
    }
    let rows: Vec<Vec<String>> = record
        .and_then(|r| r["datasets"].as_array())
        .into_iter()
        .flatten()
        .map(|d| {
            ["id", "role", "acquisition", "license", "personal_data", "generator"]
                .iter()
                .map(|k| word(&d[*k]))
                .collect()
        })
        .collect();
    if rows.is_empty() {
        out.push(Block::Text("No provenance is recorded.".into()));
    } else {
        out.push(table(
            "Provenance",
            &["dataset", "role", "acquired", "license", "personal data", "generated by"],
            rows,
        ));
    }
}

fn findings(a: &Assessment, out: &mut Vec<Block>) {
    if a.findings.is_empty() {
        return;
    }
    out.push(heading("Findings"));
    let rows = a.findings.iter().map(|f| vec![f.title.clone(), f.detail.clone(), places(&f.evidence)]).collect();
    out.push(table("What is wrong or worth knowing besides", &["finding", "here", "where"], rows));
}

fn open(a: &Assessment, out: &mut Vec<Block>) {
    out.push(heading("Open questions"));
    if a.questions.is_empty() {
        out.push(Block::Text("None that a fact would settle.".into()));
        return;
    }
    for q in &a.questions {
        let why = if q.why.is_empty() { String::new() } else { format!(" ({})", q.why.join(", ")) };
        out.push(Block::Text(format!("{}{why}", q.text)));
        out.push(Block::List(q.answers.iter().map(|x| format!("{}: {}", x.says, x.verdict)).collect()));
    }
}

/// Tests of the Commission's guidelines; the other regimes are in the evidence pack.
fn guidance(r: &Value, d: &Dossier<'_>, out: &mut Vec<Block>) {
    let Ok(all) = freehold_wire::regimes(r, d.catalog) else { return };
    let Some(t) = all.iter().find(|t| t.id == "eu-gpai-guidelines") else { return };
    out.push(heading("European Union: general-purpose AI models"));
    out.push(Block::Text(format!("{}, of {}; {}. It moves no answer above.", t.name, t.date, t.status)));
    let rows =
        t.rows.iter().map(|r| vec![r.name.clone(), r.answer.as_str().into(), r.says.clone(), r.id.clone()]).collect();
    out.push(table("Tests, in our words", &["question", "answer", "why", "where"], rows));
}

fn decision(r: &Value, out: &mut Vec<Block>) {
    out.push(heading("Decision, exceptions, conditions"));
    let rows = |key: &str| r[key].as_array().cloned().unwrap_or_default();
    let day = |v: &Value| v.as_i64().map_or_else(String::new, register::day);
    out.push(Block::Text(match r["expires"].as_i64() {
        Some(end) if end > 0 => format!("The record is {}, until {}.", word(&r["state"]), register::last_day(end)),
        _ => format!("The record is {}.", word(&r["state"])),
    }));
    let changed = word(&r["changed"]);
    if !changed.is_empty() {
        out.push(Block::Callout(format!("Changed since the approval: {changed}.")));
    }
    let approvals: Vec<Vec<String>> = rows("approvals")
        .iter()
        .map(|a| vec![word(&a["role"]), word(&a["by"]), day(&a["at"]), word(&a["comment"])])
        .collect();
    if !approvals.is_empty() {
        out.push(table("Approvals", &["role", "person", "on", "said"], approvals));
    }
    let entry = |e: &Value, keys: &[&str]| {
        keys.iter().map(|k| word(&e["says"][*k])).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(": ")
    };
    for (key, caption, keys) in [
        ("clauses", "Clauses of use policies, answered", &["answer", "reason"][..]),
        ("attributions", "Where attributions are seen", &["where"]),
        ("exceptions", "Exceptions", &["covers", "reason"]),
        ("conditions", "Conditions", &["says"]),
    ] {
        let all: Vec<Vec<String>> = rows(key)
            .iter()
            .map(|e| {
                let answered = if e["answered_at"].is_null() {
                    String::new()
                } else {
                    format!("{}, {}", word(&e["answered_by"]), day(&e["answered_at"]))
                };
                vec![word(&e["id"]), entry(e, keys), word(&e["by"]), answered]
            })
            .collect();
        if !all.is_empty() {
            out.push(table(caption, &["which", "what", "by", "answered by"], all));
        }
    }
}

fn limits(a: &Assessment, out: &mut Vec<Block>) {
    out.push(heading("Assumptions and limits"));
    if !a.assumptions.is_empty() {
        out.push(Block::Text("Not stated, and taken for the ordinary case:".into()));
        let one = |x: &freehold_wire::Assumption| {
            let by =
                if x.leaned_on_by.is_empty() { String::new() } else { format!(" ({})", x.leaned_on_by.join(", ")) };
            format!("{}{by}", x.says)
        };
        out.push(Block::List(a.assumptions.iter().map(one).collect()));
    }
    if !a.not_read.is_empty() {
        out.push(Block::Text("Not looked at:".into()));
        out.push(Block::List(a.not_read.clone()));
    }
    if !a.diagnostics.is_empty() {
        out.push(Block::Text("Of the files that were read:".into()));
        out.push(Block::List(a.diagnostics.iter().map(|d| d.message.clone()).collect()));
    }
    out.push(Block::Text(
        "The verdict is a reading of the texts that are cited, on the facts that are stated. Where a text bears two readings both stand here. Weights were not read, and nothing was run.".into(),
    ));
}
