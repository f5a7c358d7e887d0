//! The evidence pack: one record as everybody reads it (papers, tables, bills, notices), and what proves it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use freehold_base::shown;
use freehold_catalog::Catalog;
use freehold_check::{Dossier, judge};
use freehold_documents::{Block, Paper, csv};
use freehold_governance::{Wrong, day, folded, last_day, moment_of, named, now, state_words, told_whole, usage};
use freehold_record::Record;
use freehold_register::{Event, Register};
use freehold_wire::{Assessment, Bom, BomApproval, BomRecord, CycloneDx, RegimeTable, cyclonedx, regimes, spdx3};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::again::law_of;
use super::{key_of, location, open};
use crate::commands::memo::{heading, memo, table, word};
use crate::commands::{prepare, print, report};
use crate::context::get;
use crate::exit;

/// How an auditor checks a pack; the words stand in the pack.
const VERIFY: &str = include_str!("../verify.md");

/// Files of a pack by their paths in it.
type Files = BTreeMap<String, Vec<u8>>;

/// `freehold register export`.
pub(super) fn export(matches: &ArgMatches, catalog: &Catalog) -> Result<u8, Wrong> {
    let location = location(matches)?;
    let mut register = open(matches)?;
    let id = named(&mut register, get(matches, "record").unwrap_or_default())?;
    let dir = PathBuf::from(get(matches, "out").unwrap_or_default());
    if dir.exists() {
        return Err(usage(format!("{} is there already", dir.display()), "name a folder that is not there"));
    }
    let moment = now();
    let events = register.history(&id)?;
    let record = folded(&events);
    let whole = told_whole(&mut register, &record.to_json(&id, moment))?;
    let law = law_of(prepare(matches, catalog).map_err(Wrong::Told)?);
    let mut files = Files::new();
    let mut notes: Vec<String> = Vec::new();
    let dossier = match record.case.is_null() {
        true => {
            notes.push("no case is kept: no memo, no table of duties, no bill of materials".into());
            None
        }
        false => Some(judge(law.parts(&record)?, law.catalog)),
    };
    let privileged = matches.get_flag("privileged");
    let mut papers = vec![("00-cover", cover(&register, &id, &record, &whole, moment))];
    if let Some(d) = &dossier {
        papers.push(("01-memo", memo(d, Some(&whole), privileged)));
        let a = Assessment::of(d);
        put(&mut files, "03-obligations.csv", csv(&obligations(&a, &record)));
        bills(&mut files, d, &bom_record(&id, &record, &whole, moment));
        notes.extend(texts(&mut files, d));
    }
    let tables = tables(&whole, law.catalog)?;
    for t in &tables {
        put(&mut files, &format!("12-mapping/{}.csv", t.id), csv(&mapped(t)));
    }
    papers.push(("12-mapping/coverage", mapping(&record, &tables, moment)));
    for (name, paper) in &papers {
        put(&mut files, &format!("{name}.html"), paper.html());
        put(&mut files, &format!("{name}.md"), paper.markdown());
    }
    notes.extend(crate::press::papers(&papers, &mut files));
    put(&mut files, "02-record.json", format!("{whole:#}\n"));
    put(&mut files, "04-datasets.csv", csv(&datasets(&whole)));
    put(&mut files, "05-exceptions.csv", csv(&exceptions(&whole)));
    put(&mut files, "06-approvals.csv", csv(&approvals(&whole)));
    let head = register.head()?;
    put(&mut files, "events.jsonl", events.iter().map(|e| format!("{}\n", e.leaf)).collect());
    put(&mut files, "checkpoint", head.note.clone());
    put(&mut files, "vkey", format!("{}\n", register.verifying_key()));
    put(&mut files, "VERIFY.md", VERIFY.replace("{ORIGIN}", register.origin()));
    proofs(&mut register, &events, &mut files)?;
    let sums: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", hex(bytes))).collect();
    // whoever holds the key says with it that these are the files
    match key_of(matches, &location).ok().and_then(|k| k.read().ok()).map(|k| k.sign(&sums)) {
        Some(Ok(note)) => put(&mut files, "SHA256SUMS.note", note.to_string()),
        _ => notes.push("the key is not at hand: SHA256SUMS is not signed".into()),
    }
    files.insert("SHA256SUMS".into(), sums.into_bytes());
    write(&dir, &files)?;
    let mut out = format!(
        "wrote     {}: {} files, {} events with a proof each, against the checkpoint of {} events\n",
        dir.display(),
        files.len(),
        events.len(),
        head.size,
    );
    notes.iter().for_each(|n| out.push_str(&format!("note      {n}\n")));
    out.push_str(&format!("next      read {}/VERIFY.md\n", dir.display()));
    print(&shown(&out));
    Ok(exit::CLEAR)
}

fn put(files: &mut Files, name: &str, text: String) {
    files.insert(name.to_string(), text.into_bytes());
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn proofs(register: &mut Register, events: &[Event], files: &mut Files) -> Result<(), Wrong> {
    for e in events {
        put(files, &format!("proofs/{}.leaf", e.index), e.leaf.clone());
        put(files, &format!("proofs/{}.tlog-proof", e.index), register.prove(e.index)?.to_string());
    }
    Ok(())
}

fn write(dir: &Path, files: &Files) -> Result<(), Wrong> {
    let unwritable = |e: std::io::Error| usage(format!("{} cannot be written: {}", dir.display(), e.kind()), "");
    for (name, bytes) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap_or(dir)).map_err(unwritable)?;
        fs::write(path, bytes).map_err(unwritable)?;
    }
    Ok(())
}

/// The first page: what it is about, what was decided, by whom, and how to check it.
fn cover(register: &Register, id: &str, record: &Record, whole: &Value, moment: i64) -> Paper {
    let fact = |name: &str| record.value(name).unwrap_or_else(|| "not stated".into());
    let about = vec![
        ("record".to_string(), id.to_string()),
        ("state".to_string(), state_words(record, moment)),
        ("stands on".to_string(), fact("base.model")),
        ("under".to_string(), fact("license.concluded")),
        ("answer".to_string(), word(&record.outcome["verdict"])),
        ("used for".to_string(), fact("use.description")),
        ("owner".to_string(), fact("governance.owner")),
        ("bytes".to_string(), record.artifact.clone()),
        ("log".to_string(), register.origin().to_string()),
    ];
    let mut blocks = vec![heading("Decision")];
    let rows = approvals(whole);
    match rows.get(1..) {
        Some(rows) if !rows.is_empty() => {
            let rows = rows.iter().map(|r| r.iter().take(4).cloned().collect()).collect();
            blocks.push(table("Approvals", &["role", "person", "on", "said"], rows));
        }
        _ => blocks.push(Block::Text("Nobody has approved it.".into())),
    }
    let changed = record.changed();
    if !changed.is_empty() {
        blocks.push(Block::Callout(format!("Changed since the approval: {}.", changed.join(", "))));
    }
    let conditions: Vec<String> = whole["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| {
            let met = if c["answered_at"].is_null() { "open" } else { "met" };
            format!(
                "{}: {} (due {}, {met})",
                word(&c["id"]),
                word(&c["says"]["says"]),
                last_day(c["says"]["due"].as_i64().unwrap_or(0))
            )
        })
        .collect();
    if !conditions.is_empty() {
        blocks.push(Block::Text("It holds under these conditions:".into()));
        blocks.push(Block::List(conditions));
    }
    blocks.push(heading("What is in this pack"));
    blocks.push(Block::List(
        [
            "01-memo: the review memo, clause by clause",
            "02-record.json: the whole record",
            "03-obligations.csv, 04-datasets.csv, 05-exceptions.csv, 06-approvals.csv: tables",
            "07-licenses: the texts that are at hand, byte for byte",
            "09-aibom: bills of materials in CycloneDX and SPDX, with the record inside",
            "12-mapping: what regimes ask, and where it stands",
            "events.jsonl, proofs, checkpoint, vkey: what proves it",
            "SHA256SUMS, SHA256SUMS.note: the hash of each file, signed",
        ]
        .map(str::to_string)
        .to_vec(),
    ));
    blocks.push(heading("How to check it"));
    blocks.push(Block::Text(
        "VERIFY.md says how, with programs that are not ours. The public key is in vkey: compare it with the one that you were given by another way.".into(),
    ));
    Paper {
        title: format!("Evidence pack: {}", record.name),
        subtitle: "A governance record, and the proof that nobody changed it since".into(),
        marking: String::new(),
        about,
        blocks,
        day: day(moment),
        footer: format!("Record {id} of {}. No legal advice.", register.origin()),
    }
}

fn head(names: &[&str]) -> Vec<Vec<String>> {
    vec![names.iter().map(|n| (*n).to_string()).collect()]
}

/// How a record answers every regime.
fn tables(whole: &Value, catalog: &Catalog) -> Result<Vec<RegimeTable>, Wrong> {
    regimes(whole, catalog).map_err(|mistakes| {
        report(&mistakes);
        Wrong::Told(exit::INTERNAL)
    })
}

/// A regime as a table.
fn mapped(t: &RegimeTable) -> Vec<Vec<String>> {
    let mut rows = head(&["point", "asks", "answer", "what the record says"]);
    rows.extend(t.rows.iter().map(|r| vec![r.id.clone(), r.name.clone(), r.answer.as_str().into(), r.says.clone()]));
    rows
}

/// Every regime on paper.
fn mapping(record: &Record, tables: &[RegimeTable], moment: i64) -> Paper {
    let mut blocks = Vec::new();
    for t in tables {
        blocks.push(heading(&t.name));
        blocks.push(Block::Text(format!(
            "Text of {}; {}. Read as: {}. Compared on {}.",
            t.date, t.status, t.read_as, t.checked
        )));
        let heads = ["point", "asks", "answer", "what the record says"];
        let rows = mapped(t).into_iter().skip(1).collect();
        blocks.push(table("Points, in our words", &heads, rows));
    }
    Paper {
        title: format!("What regimes ask: {}", record.name),
        subtitle: "Where this record answers them, and where it does not".into(),
        marking: String::new(),
        about: Vec::new(),
        blocks,
        day: day(moment),
        footer: "None of this enters the answer on the licenses. Whether a regime binds you is for counsel; no legal advice.".into(),
    }
}

/// `freehold register coverage`.
pub(super) fn coverage(matches: &ArgMatches, catalog: &Catalog) -> Result<u8, Wrong> {
    let mut register = open(matches)?;
    let id = named(&mut register, get(matches, "record").unwrap_or_default())?;
    let record = folded(&register.history(&id)?);
    let whole = told_whole(&mut register, &record.to_json(&id, now()))?;
    let asked = get(matches, "regime").unwrap_or_default();
    let mut tables = tables(&whole, catalog)?;
    let all: Vec<String> = tables.iter().map(|t| t.id.clone()).collect();
    tables.retain(|t| asked.is_empty() || t.id == asked);
    if tables.is_empty() {
        return Err(usage(format!("`{asked}` is no regime here"), format!("one of: {}", all.join(", "))));
    }
    if get(matches, "format") == Some("csv") {
        let mut rows = head(&["regime", "point", "asks", "answer", "what the record says"]);
        for t in &tables {
            rows.extend(mapped(t).into_iter().skip(1).map(|r| std::iter::once(t.id.clone()).chain(r).collect()));
        }
        print(&csv(&rows));
        return Ok(exit::CLEAR);
    }
    if get(matches, "format") == Some("json") {
        let row = |r: &freehold_wire::RegimeRow| json!({"point": r.id, "asks": r.name, "answer": r.answer.as_str(), "says": r.says});
        let one = |t: &RegimeTable| {
            json!({"id": t.id, "name": t.name, "date": t.date, "status": t.status, "read_as": t.read_as, "checked": t.checked,
                "rows": t.rows.iter().map(row).collect::<Vec<_>>()})
        };
        let page = json!({"schema": "freehold.coverage/1", "record": id, "regimes": tables.iter().map(one).collect::<Vec<_>>()});
        print(&format!("{page:#}\n"));
        return Ok(exit::CLEAR);
    }
    let mut out = String::new();
    for t in &tables {
        out.push_str(&format!("{}  {} ({})\n", t.id, t.name, t.status));
        for r in &t.rows {
            out.push_str(&format!("  {:22} {:20} {}\n", r.id, r.answer.as_str(), r.name));
            if !r.says.is_empty() {
                out.push_str(&format!("  {:22} {:20} {}\n", "", "", r.says));
            }
        }
        out.push('\n');
    }
    out.push_str("none of this enters the answer on the licenses\n");
    print(&shown(&out));
    Ok(exit::CLEAR)
}

/// A row for each duty and each license that it is owed to.
fn obligations(a: &Assessment, record: &Record) -> Vec<Vec<String>> {
    let mut rows = head(&[
        "code",
        "license",
        "edition",
        "clause",
        "quote",
        "text that is prescribed",
        "where",
        "how sure",
        "status",
        "seen at",
        "excepted by",
    ]);
    for o in &a.obligations {
        let seen = record.attributions.get(&format!("{} {}", o.code, o.license)).map(|e| word(&e.body["where"]));
        let excepted =
            record.exceptions.iter().find(|(_, e)| e.answered_at.is_some() && e.body["covers"] == o.code.as_str());
        rows.push(vec![
            o.code.clone(),
            o.license.clone(),
            o.edition.clone(),
            o.clause.clone(),
            o.words.clone(),
            o.text.clone().unwrap_or_default(),
            o.places.join("; "),
            o.certainty.clone(),
            o.status.clone(),
            seen.unwrap_or_default(),
            excepted.map(|(id, _)| id.clone()).unwrap_or_default(),
        ]);
    }
    rows
}

fn datasets(whole: &Value) -> Vec<Vec<String>> {
    const KEYS: &[&str] = &[
        "id",
        "version",
        "sha256",
        "role",
        "source",
        "owner",
        "acquisition",
        "license",
        "contract",
        "copyright",
        "personal_data",
        "legal_basis",
        "opt_outs",
        "generator",
        "generator_terms",
        "period",
        "size",
    ];
    let mut rows = head(KEYS);
    rows.extend(each(whole, "datasets").map(|d| KEYS.iter().map(|k| word(&d[*k])).collect()));
    rows
}

fn each<'v>(whole: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    whole[key].as_array().into_iter().flatten()
}

fn exceptions(whole: &Value) -> Vec<Vec<String>> {
    let mut rows = head(&["id", "sets aside", "reason", "asked by", "agreed by", "from", "last day"]);
    rows.extend(each(whole, "exceptions").map(|e| {
        let from = e["answered_at"].as_i64().map(day).unwrap_or_default();
        let end = e["says"]["expires"].as_i64().map(last_day).unwrap_or_default();
        vec![
            word(&e["id"]),
            word(&e["says"]["covers"]),
            word(&e["says"]["reason"]),
            word(&e["by"]),
            word(&e["answered_by"]),
            from,
            end,
        ]
    }));
    rows
}

fn approvals(whole: &Value) -> Vec<Vec<String>> {
    let mut rows = head(&["role", "person", "on", "said", "given for"]);
    rows.extend(each(whole, "approvals").map(|a| {
        vec![
            word(&a["role"]),
            word(&a["by"]),
            a["at"].as_i64().map(day).unwrap_or_default(),
            word(&a["comment"]),
            word(&a["inputs"]),
        ]
    }));
    rows
}

/// What a bill carries of a record.
pub(super) fn bom_record(id: &str, record: &Record, whole: &Value, moment: i64) -> BomRecord {
    let rfc3339 = |at: &Value| at.as_i64().map_or_else(String::new, moment_of);
    BomRecord {
        id: id.to_string(),
        state: record.state_at(moment).as_str().to_string(),
        until: if record.expires > 0 { last_day(record.expires) } else { String::new() },
        statement: record.statement(),
        approvals: each(whole, "approvals")
            .map(|a| BomApproval {
                role: word(&a["role"]),
                by: word(&a["by"]),
                at: rfc3339(&a["at"]),
                comment: word(&a["comment"]),
            })
            .collect(),
    }
}

fn bills(files: &mut Files, d: &Dossier<'_>, record: &BomRecord) {
    let Some(bom) = Bom::of(std::slice::from_ref(d), &[], &d.subject.id) else { return };
    let bom = bom.with_record(record.clone());
    put(files, "09-aibom/model.cdx.json", cyclonedx(&bom, CycloneDx::V1_7));
    put(files, "09-aibom/model.cdx16.json", cyclonedx(&bom, CycloneDx::V1_6));
    put(files, "09-aibom/model.spdx3.json", spdx3(&bom));
}

/// The texts of the licenses that govern, where the organization keeps them; what is not there.
fn texts(files: &mut Files, d: &Dossier<'_>) -> Vec<String> {
    let store = crate::commands::texts::store();
    let mut missing = Vec::new();
    let governs =
        d.assessment.licenses.iter().filter(|l| !l.displaced && !l.outbound && !l.beyond && !l.edition.is_empty());
    let mut editions: Vec<&str> = governs.map(|l| l.edition.as_str()).collect();
    editions.sort_unstable();
    editions.dedup();
    for edition in editions {
        let name = format!("{}.txt", edition.replace(['/', '\\'], "_"));
        let text = store.as_ref().and_then(|s| fs::read(s.join(&name)).ok());
        let license = d.catalog.license_of_edition(edition);
        let known = license.map(|(_, e)| e);
        let Some(bytes) = text else {
            missing.push(edition);
            continue;
        };
        let source = json!({
            "edition": edition,
            "sha256": hex(&bytes),
            "url": known.map(|e| e.url.clone()),
            "catalog": d.catalog.version,
        });
        put(files, &format!("07-licenses/{edition}.source.json"), format!("{source:#}\n"));
        files.insert(format!("07-licenses/{name}"), bytes);
    }
    if missing.is_empty() {
        return Vec::new();
    }
    vec![format!("texts that are not kept here: {}: freehold texts add FILE", missing.join(", "))]
}
