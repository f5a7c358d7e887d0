//! `freehold register`: governance records, and the gate that reads them.

mod again;
mod import;
mod pack;

use std::path::PathBuf;

use clap::ArgMatches;
use freehold_base::{Diagnostic, shown};
use freehold_catalog::Catalog;
use freehold_check::Dossier;
use freehold_governance::{
    Listed, Who, Wrong, assessed, change, end_of, folded, keep, named, now, pages, project, rules, rules_event, since,
    told_whole, usage, waiting,
};
use freehold_log::Checkpoint;
use freehold_record::{Area, Command, FIELDS, Record, State};
use freehold_register::{Change, KeyFile, NewEvent, Register, Remembered};
use freehold_wire::Gate;
use serde_json::{Map, Value, json};

use super::{prepare, print, report};
use crate::context::{all, get};
use crate::exit;
use crate::load::dossiers;

pub(crate) use freehold_governance::{day, deployment_json, last_day};

fn location(matches: &ArgMatches) -> Result<String, Wrong> {
    let set = std::env::var("FREEHOLD_REGISTER").ok().filter(|v| !v.is_empty());
    get(matches, "register").map(str::to_string).or(set).ok_or_else(|| {
        usage(
            "no register is named",
            "--register FILE or postgres://…, or FREEHOLD_REGISTER; `freehold register init` makes one",
        )
    })
}

pub(crate) fn key_of(matches: &ArgMatches, location: &str) -> Result<KeyFile, Wrong> {
    let set = std::env::var_os("FREEHOLD_REGISTER_KEY").filter(|v| !v.is_empty()).map(PathBuf::from);
    match get(matches, "key").map(PathBuf::from).or(set) {
        Some(path) => Ok(KeyFile::at(path)),
        None if location.contains("://") => {
            Err(usage("a register in a database needs its key named", "--key FILE, or FREEHOLD_REGISTER_KEY"))
        }
        None => Ok(KeyFile::beside(location)),
    }
}

/// Where this machine remembers what it saw of registers.
pub(crate) fn remembered() -> Option<Remembered> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state =
        set("XDG_STATE_HOME").or_else(|| Some(set("HOME").or_else(|| set("USERPROFILE"))?.join(".local/state")))?;
    Some(Remembered::in_folder(state.join("freehold/registers")))
}

pub(crate) fn run(matches: &ArgMatches, catalog: &Catalog) -> u8 {
    let done = match matches.subcommand() {
        Some(("fields", _)) => fields(),
        Some(("init", m)) => init(m),
        Some(("add", m)) => add(m, catalog),
        Some(("assess", m)) => assess_again(m, catalog),
        Some(("impact", m)) => again::impact(m, catalog),
        Some(("reassess", m)) => again::reassess(m, catalog),
        Some(("import", m)) => import::import(m, catalog),
        Some(("list", m)) => list(m),
        Some(("show", m)) => show(m),
        Some(("set", m)) => set(m),
        Some(("log", m)) => log(m),
        Some(("verify", m)) => verify(m),
        Some(("checkpoint", m)) => checkpoint(m),
        Some(("prove", m)) => prove(m),
        Some(("coverage", m)) => pack::coverage(m, catalog),
        Some(("export", m)) => pack::export(m, catalog),
        Some(("erase", m)) => erase(m),
        Some(("member", m)) => member(m),
        Some(("rules", m)) => rules_command(m),
        Some((word, m)) => step(word, m),
        None => Ok(exit::USAGE),
    };
    done.unwrap_or_else(told_wrong)
}

fn diagnostic(code: &'static str, p: freehold_record::Problem) -> Diagnostic {
    let d = Diagnostic::error(code, format!("{}: {}", p.about, p.says));
    if p.fix.is_empty() { d } else { d.help(p.fix) }
}

/// Tells what went wrong: the status.
fn told_wrong(wrong: Wrong) -> u8 {
    match wrong {
        Wrong::Told(code) => code,
        Wrong::Changed => {
            report(&[
                Diagnostic::error("changed", "somebody changed the record meanwhile").help("look at it, then again")
            ]);
            exit::BLOCKED
        }
        Wrong::Usage(d) => {
            report(&[*d]);
            exit::USAGE
        }
        Wrong::Refused(problems) => {
            report(&problems.into_iter().map(|p| diagnostic("refused", p)).collect::<Vec<_>>());
            exit::BLOCKED
        }
        Wrong::Trouble(t) => {
            report(&[Diagnostic::error("register", t.to_string())]);
            exit::UNREADABLE
        }
    }
}

fn open(matches: &ArgMatches) -> Result<Register, Wrong> {
    Ok(Register::open(&location(matches)?, remembered())?)
}

fn open_to_write(matches: &ArgMatches) -> Result<Register, Wrong> {
    let location = location(matches)?;
    Ok(Register::open_to_write(&location, &key_of(matches, &location)?, remembered())?)
}

fn init(matches: &ArgMatches) -> Result<u8, Wrong> {
    let location = location(matches)?;
    let key = key_of(matches, &location)?;
    let name = get(matches, "name").unwrap_or("local");
    let register = Register::create(&location, &key, name, remembered())?;
    print(&format!(
        "made      {}\nlog       {}\nkey       {}   sign with it, keep it away from who keeps the database, and keep a copy\npublic    {}\nnext      freehold register add PATH --called NAME --as YOU\n",
        shown(&register.shown()),
        register.origin(),
        shown(&key.path().display().to_string()),
        register.verifying_key(),
    ));
    Ok(exit::CLEAR)
}

/// The person and the role of a command.
fn person(matches: &ArgMatches) -> Result<Who, Wrong> {
    let set = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    let who = get(matches, "as").map(str::to_string).or_else(|| set("FREEHOLD_ACTOR"));
    let who = who.ok_or_else(|| usage("it is not stated who does this", "--as \"Ada Lovelace\", or FREEHOLD_ACTOR"))?;
    Ok((who.trim().to_string(), get(matches, "role").unwrap_or("requester").to_string()))
}

/// The person and the role of a command on the register as a whole, which compliance alone gives.
fn keeper(matches: &ArgMatches, does: &str) -> Result<Who, Wrong> {
    let (who, role) = person(matches)?;
    if role != "compliance" {
        return Err(usage(format!("{role} does not {does}"), "for: compliance"));
    }
    Ok((who, role))
}

/// Writes an event of the register as a whole.
fn house_event(
    matches: &ArgMatches,
    who: &Who,
    does: &str,
    kind: &str,
    body: impl FnOnce(&mut Change<'_>) -> Result<Value, Wrong>,
) -> Result<(), Wrong> {
    keep(&mut open_to_write(matches)?, who, does, kind, body)
}

/// `freehold register rules`: tells them, or keeps new ones.
fn rules_command(matches: &ArgMatches) -> Result<u8, Wrong> {
    let Some(file) = get(matches, "from") else {
        let mut register = open(matches)?;
        let events = register.history("")?;
        let whose = match rules_event(&events) {
            Some(e) => format!("kept since {}, event {}", day(e.at), e.index),
            None => "the register keeps none: these hold for everybody".to_string(),
        };
        let lines: String = rules(&events).lines().iter().map(|l| format!("{l}\n")).collect();
        print(&shown(&format!("{lines}{whose}\n")));
        return Ok(exit::CLEAR);
    };
    let who = keeper(matches, "keep rules")?;
    let new = import::rules_file(file)?;
    house_event(matches, &who, "keep rules", "rules", |_| Ok(json!({"rules": new.to_json()})))?;
    print(&shown(&format!("{}\n", new.lines().join("\n"))));
    Ok(exit::CLEAR)
}

/// One dossier of a path, under the facts of the command line.
fn one_dossier<T>(matches: &ArgMatches, catalog: &Catalog, work: impl FnOnce(&Dossier<'_>) -> T) -> Result<T, Wrong> {
    let run = prepare(matches, catalog).map_err(Wrong::Told)?;
    let what = get(matches, "what").unwrap_or(".");
    let loaded = dossiers(&[what], &run);
    loaded.only(what, "a record").map(work).map_err(Wrong::Told)
}

fn add(matches: &ArgMatches, catalog: &Catalog) -> Result<u8, Wrong> {
    let who = person(matches)?;
    let (mut body, called) = one_dossier(matches, catalog, |d| (assessed(d), d.subject.id.clone()))?;
    let body = body.as_mut().map_err(|_| usage("the assessment cannot be written as JSON", ""))?;
    body["name"] = json!(get(matches, "called").map_or(called, str::to_string));
    let body = body.clone();
    let mut register = open_to_write(matches)?;
    let (id, record) = change(&mut register, None, &who, |_, _| Ok(Command::Create(body)))?;
    print(&screen(&mut register, &id, &record)?);
    Ok(exit::CLEAR)
}

fn assess_again(matches: &ArgMatches, catalog: &Catalog) -> Result<u8, Wrong> {
    let mut body = one_dossier(matches, catalog, assessed)??;
    let mut register = if matches.get_flag("dry-run") { open(matches)? } else { open_to_write(matches)? };
    let id = named(&mut register, get(matches, "record").unwrap_or_default())?;
    let before = folded(&register.history(&id)?);
    if !before.datasets.is_empty() {
        body = again::with_datasets(body, &before, prepare(matches, catalog).map_err(Wrong::Told)?)?;
    }
    let mut lines = before.differs_from(&body["outcome"]);
    for key in ["artifact", "deployment"] {
        let was = if key == "artifact" { json!(before.artifact) } else { before.deployment.clone() };
        if body[key] != was {
            lines.push(format!("{key} is another"));
        }
    }
    let told = |lines: &[String]| lines.iter().map(|l| format!("  {l}\n")).collect::<String>();
    if matches.get_flag("dry-run") {
        let moves = if lines.is_empty() {
            "nothing would change\n".to_string()
        } else {
            format!("would change\n{}", told(&lines))
        };
        print(&shown(&moves));
        return Ok(if lines.is_empty() { exit::CLEAR } else { exit::OPEN });
    }
    let who = person(matches)?;
    let moment = now();
    let (id, record) = change(&mut register, Some(&id), &who, |_, _| Ok(Command::Assess(body)))?;
    let head = if lines.is_empty() {
        "assessed again: nothing changed\n".to_string()
    } else {
        format!("changed\n{}", told(&lines))
    };
    print(&shown(&format!("{head}state     {}\n", record.state_at(moment).as_str())));
    let _ = id;
    Ok(exit::CLEAR)
}

/// `KEY=VALUE` pairs as a JSON object.
fn pairs(matches: &ArgMatches, id: &str) -> Result<Map<String, Value>, Wrong> {
    let mut out = Map::new();
    for pair in all(matches, id) {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| usage(format!("`{pair}` is no KEY=VALUE"), "write it as key=value"))?;
        out.insert(key.trim().to_string(), json!(value.trim()));
    }
    Ok(out)
}

fn set(matches: &ArgMatches) -> Result<u8, Wrong> {
    let who = person(matches)?;
    let mut register = open_to_write(matches)?;
    let id = named(&mut register, get(matches, "record").unwrap_or_default())?;
    if let Some(file) = get(matches, "from") {
        let commands = import::record_file(file)?;
        let (record, left) = import::set_from(&mut register, &id, &who, &commands)?;
        for (role, fields) in left {
            let fields: Vec<&str> = fields.into_iter().collect();
            print(&shown(&format!("note      for {role} to state: {}\n", fields.join(", "))));
        }
        print(&shown(&format!("state     {}\n", record.state_at(now()).as_str())));
        if all(matches, "value").is_empty() {
            return Ok(exit::CLEAR);
        }
    }
    let state = get(matches, "state").unwrap_or("known");
    let source = get(matches, "source").unwrap_or("person");
    let mut record = Record::default();
    for (field, value) in pairs(matches, "value")? {
        let value = if state == "known" { value } else { Value::Null };
        let body = json!({"field": field, "value": value, "state": state, "source": source});
        record = change(&mut register, Some(&id), &who, |_, _| Ok(Command::Set(body)))?.1;
    }
    print(&shown(&format!("state     {}\n", record.state_at(now()).as_str())));
    Ok(exit::CLEAR)
}

/// The steps of the workflow, and what is added to a record.
fn step(word: &str, matches: &ArgMatches) -> Result<u8, Wrong> {
    let who = person(matches)?;
    let text = |key: &str| matches.try_get_one::<String>(key).ok().flatten().cloned();
    let mut register = open_to_write(matches)?;
    let id = named(&mut register, get(matches, "record").unwrap_or_default())?;
    let mut said = Map::new();
    for key in ["entry", "answer", "reason", "where", "covers", "says", "by", "comment", "until", "due"] {
        if let Some(value) = text(key) {
            said.insert(key.into(), json!(value));
        }
    }
    if word == "dataset" {
        said.insert("values".into(), Value::Object(pairs(matches, "value")?));
    }
    let record = freehold_governance::step(&mut register, &id, &who, word, &said, None)?;
    let state = record.state_at(now());
    let waits = waiting(&record, &rules(&register.history("")?));
    let waits = if waits.is_empty() { String::new() } else { format!("waits for {}\n", waits.join(", ")) };
    let until = if state.is_in_force() { format!(" until {}", last_day(record.expires)) } else { String::new() };
    let next = match record.unassessed().as_slice() {
        [] => String::new(),
        new => format!("next      freehold register reassess   takes {} into the assessment\n", new.join(", ")),
    };
    print(&shown(&format!("record    {id}\nstate     {}{until}\n{waits}{next}", state.as_str())));
    Ok(exit::CLEAR)
}

fn fields() -> Result<u8, Wrong> {
    let mut out = String::new();
    for area in Area::ALL {
        out.push_str(&format!("{}\n", area.title()));
        for f in FIELDS.iter().filter(|f| f.area == area) {
            let needed = if f.needed { "needed" } else { "" };
            out.push_str(&format!("  {:34} {:7} {}   [{}]\n", f.name, needed, f.asks, f.for_whom));
        }
    }
    out.push_str(
        "datasets, clauses of use policies, attributions, exceptions and conditions have commands of their own\n",
    );
    print(&out);
    Ok(exit::CLEAR)
}

fn list(matches: &ArgMatches) -> Result<u8, Wrong> {
    let mut register = open(matches)?;
    let moment = now();
    let wanted = get(matches, "state").unwrap_or_default();
    if !wanted.is_empty() && State::parse(wanted).is_none() {
        let known: Vec<&str> = State::ALL.iter().map(|s| s.as_str()).collect();
        return Err(usage(format!("`{wanted}` is no state"), format!("one of: {}", known.join(", "))));
    }
    let before = get(matches, "expires-before")
        .map(|d| end_of(d).ok_or_else(|| usage(format!("`{d}` is no day"), "write it as 2027-01-31")))
        .transpose()?;
    let mut found: Vec<Listed> = Vec::new();
    pages(&mut register, 0, |_, page| {
        found.extend(page.into_iter().map(|row| Listed::of(row, moment)).filter(|l| {
            (wanted.is_empty() || wanted == l.state.as_str())
                && [("licenses", "license"), ("bases", "base"), ("owner", "owner"), ("verdict", "verdict")]
                    .iter()
                    .all(|(key, flag)| get(matches, flag).is_none_or(|asked| l.has(key, asked)))
                && before.is_none_or(|end| l.state.is_in_force() && l.row.expires <= end)
        }));
        Ok(())
    })?;
    if get(matches, "format") == Some("json") {
        let one = |l: &Listed| {
            json!({
                "id": l.row.record, "name": l.row.name, "state": l.state.as_str(), "verdict": l.body["verdict"],
                "licenses": l.body["licenses"], "bases": l.body["bases"], "owner": l.body["owner"],
                "artifact": l.row.artifact, "expires": l.row.expires, "updated": l.row.updated,
            })
        };
        let all: Vec<Value> = found.iter().map(one).collect();
        print(&format!("{:#}\n", json!({"schema": "freehold.records/1", "records": all})));
    } else if get(matches, "format") == Some("csv") {
        let mut rows = vec![
            ["id", "name", "state", "until", "verdict", "licenses", "bases", "owner"].map(str::to_string).to_vec(),
        ];
        rows.extend(found.iter().map(|l| {
            let until = if l.row.expires > 0 { last_day(l.row.expires) } else { String::new() };
            vec![
                l.row.record.clone(),
                l.row.name.clone(),
                l.state.as_str().to_string(),
                until,
                l.words("verdict").join(" "),
                l.words("licenses").join(" "),
                l.words("bases").join(" "),
                l.words("owner").join(" "),
            ]
        }));
        print(&freehold_documents::csv(&rows));
    } else {
        let mut rows: Vec<[String; 6]> = Vec::with_capacity(found.len());
        for l in &found {
            let until = if l.row.expires > 0 { format!("until {}", last_day(l.row.expires)) } else { String::new() };
            let of = match l.words("bases").as_slice() {
                [] => String::new(),
                bases => format!("on {}", bases.join(", ")),
            };
            let under = l.words("licenses").join(", ");
            rows.push([l.row.record.clone(), l.row.name.clone(), l.state.as_str().into(), until, under, of]);
        }
        let width = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        let mut out = String::new();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(c, w)| format!("{c:w$}"));
            out.push_str(&format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end()));
        }
        let n = rows.len();
        print(&shown(&format!("{out}{n} record{}\n", if n == 1 { "" } else { "s" })));
    }
    Ok(if found.is_empty() { exit::NOTHING } else { exit::CLEAR })
}

fn show(matches: &ArgMatches) -> Result<u8, Wrong> {
    let mut register = open(matches)?;
    let id = named(&mut register, get(matches, "record").unwrap_or_default())?;
    let record = folded(&register.history(&id)?);
    if get(matches, "format") == Some("json") {
        let whole = told_whole(&mut register, &record.to_json(&id, now()))?;
        print(&format!("{}\n", serde_json::to_string_pretty(&whole).unwrap_or_default()));
    } else {
        print(&screen(&mut register, &id, &record)?);
    }
    Ok(exit::CLEAR)
}

/// A record on a screen.
fn screen(register: &mut Register, id: &str, record: &Record) -> Result<String, Wrong> {
    let moment = now();
    let state = record.state_at(moment);
    let word = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_string);
    let mut out = format!("{}  {id}\n", record.name);
    let until = if state.is_in_force() { format!(" until {}", last_day(record.expires)) } else { String::new() };
    out.push_str(&format!("state     {}{until}\n", state.as_str()));
    if !record.why.is_null() {
        out.push_str(&format!("why       {}\n", word(&told_whole(register, &record.why)?)));
    }
    let changed = record.changed();
    if !changed.is_empty() {
        out.push_str(&format!("changed   since the approval: {}\n", changed.join(", ")));
        since(record).iter().for_each(|l| out.push_str(&format!("          {l}\n")));
    }
    let waits = waiting(record, &rules(&register.history("")?));
    if !waits.is_empty() {
        out.push_str(&format!("waits for {}\n", waits.join(", ")));
    }
    out.push_str(&format!("verdict   {}\n", word(&record.outcome["verdict"])));
    for step in record.lineage.as_array().into_iter().flatten() {
        let step_word =
            freehold_base::Relation::parse(&word(&step["relation"])).map_or("from", freehold_documents::step_word);
        out.push_str(&format!("from      {}, {step_word} {}\n", word(&step["child"]), word(&step["parent"])));
    }
    let owed: Vec<String> = record.outcome["obligations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|o| o["certainty"] == "owed" && o["upstream"] != true)
        .map(|o| {
            let key = format!("{} {}", word(&o["code"]), word(&o["license"]));
            let seen = record.attributions.get(&key).map(|a| format!("seen at {}", word(&a.body["where"])));
            format!("  {key:44} {:10} {}", word(&o["clause"]), seen.unwrap_or_else(|| word(&o["status"])))
        })
        .collect();
    if !owed.is_empty() {
        out.push_str(&format!("owed\n{}\n", owed.join("\n")));
    }
    for area in Area::ALL {
        let known: Vec<&freehold_record::Field> =
            FIELDS.iter().filter(|f| f.area == area && record.facts.contains_key(f.name)).collect();
        let mut lines: Vec<String> = Vec::new();
        for f in known {
            let Some(fact) = record.facts.get(f.name) else { continue };
            let value = if fact.state == "known" { word(&fact.value) } else { fact.state.clone() };
            lines.push(format!("  {:30} {value}   ({})", f.name, fact.source));
        }
        if area == Area::Data {
            for d in record.datasets.values() {
                let parts: Vec<String> = d
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(k, _)| *k != "id")
                    .map(|(k, v)| format!("{k} {}", word(v)))
                    .collect();
                lines.push(format!("  dataset {:22} {}", word(&d["id"]), parts.join(", ")));
            }
        }
        let entries = match area {
            Area::UsePolicy => Some((&record.clauses, "answer", "reason")),
            Area::Attribution => Some((&record.attributions, "where", "")),
            Area::Governance => Some((&record.exceptions, "covers", "reason")),
            _ => None,
        };
        for (key, e) in entries.iter().flat_map(|(all, _, _)| all.iter()) {
            let Some((_, a, b)) = entries else { continue };
            let agreed = match (area, e.answered_at) {
                (Area::Governance, Some(_)) => {
                    format!(", agreed, until {}", last_day(e.body["expires"].as_i64().unwrap_or(0)))
                }
                (Area::Governance, None) => ", nobody agreed yet".into(),
                _ => String::new(),
            };
            let says: Vec<String> = [a, b].into_iter().filter(|k| !k.is_empty()).map(|k| word(&e.body[k])).collect();
            lines.push(format!("  {key:30} {}{agreed}", says.join(": ")));
        }
        if area == Area::Governance {
            for (key, c) in &record.conditions {
                let met = if c.answered_at.is_some() {
                    "met".to_string()
                } else {
                    format!("due {}", last_day(c.body["due"].as_i64().unwrap_or(0)))
                };
                lines.push(format!("  condition {key:20} {}: {met}", word(&c.body["says"])));
            }
            for a in &record.approvals {
                let by = word(&told_whole(register, &a.by)?);
                let stale = if a.inputs == record.inputs() { "" } else { ", for other facts than these" };
                lines.push(format!("  approved as {:18} {by}, {}{stale}", a.role, day(a.at)));
            }
        }
        if !lines.is_empty() {
            out.push_str(&format!("{}\n{}\n", area.title(), lines.join("\n")));
        }
    }
    let missing: Vec<&freehold_record::Field> = record.missing().into_iter().filter(|f| f.needed).collect();
    if !missing.is_empty() {
        let lines: Vec<String> = missing.iter().map(|f| format!("  {:30} {}", f.name, f.asks)).collect();
        out.push_str(&format!("to add, before it can be submitted\n{}\n", lines.join("\n")));
        out.push_str(&format!("next      freehold register set {id} {}=…\n", missing.first().map_or("", |f| f.name)));
    }
    Ok(shown(&out))
}

fn log(matches: &ArgMatches) -> Result<u8, Wrong> {
    let mut register = open(matches)?;
    let events = match get(matches, "record") {
        Some(what) => {
            let id = named(&mut register, what)?;
            register.history(&id)?
        }
        None => {
            let mut all = Vec::new();
            let size = register.head()?.size;
            while u64::try_from(all.len()).unwrap_or(u64::MAX) < size {
                let page = register.events(u64::try_from(all.len()).unwrap_or(u64::MAX))?;
                if page.is_empty() {
                    break;
                }
                all.extend(page);
            }
            all
        }
    };
    if get(matches, "format") == Some("jsonl") {
        print(&events.iter().map(|e| format!("{}\n", e.leaf)).collect::<String>());
        return Ok(exit::CLEAR);
    }
    let mut out = String::new();
    for e in &events {
        let who = told_whole(&mut register, &e.actor)?;
        let body = told_whole(&mut register, &e.body)?;
        let mut says: Vec<String> = Vec::new();
        for key in ["name", "field", "value", "id", "answer", "where", "covers", "comment"] {
            if let Some(v) = body[key].as_str() {
                says.push(format!("{key} {v}"));
            }
        }
        let record = if e.record.is_empty() { "register" } else { e.record.as_str() };
        out.push_str(&format!(
            "{:6}  {}  {record:26}  {:18} {} ({})  {}\n",
            e.index,
            jiff::Timestamp::from_microsecond(e.at).map(|t| format!("{t:.3}")).unwrap_or_default(),
            e.kind,
            who.as_str().unwrap_or("nobody"),
            e.role,
            says.join(", "),
        ));
    }
    print(&shown(&out));
    Ok(if events.is_empty() { exit::NOTHING } else { exit::CLEAR })
}

fn verify(matches: &ArgMatches) -> Result<u8, Wrong> {
    let mut register = open(matches)?;
    let mut known = Vec::new();
    for file in all(matches, "checkpoint") {
        let note =
            std::fs::read_to_string(file).map_err(|e| usage(format!("{file} cannot be read: {}", e.kind()), ""))?;
        let head = Checkpoint::open(&note, register.verifying_key());
        known.push(head.map_err(|e| {
            usage(format!("{file}: {e}"), "a checkpoint of this register, as `freehold register checkpoint` prints it")
        })?);
    }
    let report = register.verify(&project, &known)?;
    let head = register.head();
    let mut out = String::new();
    for f in &report.found {
        out.push_str(&format!("BAD       {}\n", f.says));
    }
    if report.more > 0 {
        out.push_str(&format!("          … and {} more\n", report.more));
    }
    out.push_str(&format!(
        "log       {}\nread      {} events, {} records, {} signed checkpoints that agree{}\n",
        register.origin(),
        report.events,
        report.records,
        report.checkpoints,
        if report.erased > 0 { format!(", {} private texts erased", report.erased) } else { String::new() },
    ));
    let fine = report.found.is_empty() && head.is_ok();
    out.push_str(if fine {
        "WHOLE     every event, every hash, every signature and every record agree\n"
    } else {
        "DAMAGED   what is listed first is the first that is not as it was signed\n"
    });
    if known.is_empty() && fine {
        out.push_str(
            "note      compared with nothing kept elsewhere: --checkpoint FILE compares with one that you kept\n",
        );
    }
    print(&shown(&out));
    Ok(if fine { exit::CLEAR } else { exit::UNREADABLE })
}

fn checkpoint(matches: &ArgMatches) -> Result<u8, Wrong> {
    let head = open(matches)?.head()?;
    print(&head.note);
    Ok(exit::CLEAR)
}

fn prove(matches: &ArgMatches) -> Result<u8, Wrong> {
    let index = get(matches, "index").unwrap_or_default();
    let index: u64 = index.parse().map_err(|_| {
        usage(format!("`{index}` is no place in the log"), "a number, as `freehold register log` tells it")
    })?;
    print(&open(matches)?.prove(index)?.to_string());
    Ok(exit::CLEAR)
}

fn erase(matches: &ArgMatches) -> Result<u8, Wrong> {
    let (who, role) = person(matches)?;
    if role != "compliance" {
        return Err(usage(format!("{role} does not erase"), "for: compliance"));
    }
    let text = get(matches, "text").unwrap_or_default().to_string();
    let mut register = open_to_write(matches)?;
    let done = register.change(now(), |change| -> Result<(), Wrong> {
        let Some(hash) = change.known_private(&text)? else {
            return Err(usage(
                "no name and no comment is written so",
                "give it as it was written; `freehold register log` tells them",
            ));
        };
        let actor = change.private(&who)?;
        change.erase(&hash)?;
        change.append(&NewEvent {
            record: String::new(),
            kind: "erased".into(),
            role: role.clone(),
            actor,
            body: json!({"of": {"private": hash}}),
        })?;
        Ok(())
    })?;
    done?;
    print("erased: the log stays whole, and what stood for the text in it tells nothing any more\n");
    Ok(exit::CLEAR)
}

fn member(matches: &ArgMatches) -> Result<u8, Wrong> {
    let who = keeper(matches, "keep roles")?;
    let name = get(matches, "name").unwrap_or_default().to_string();
    let roles: Vec<String> = get(matches, "roles")
        .unwrap_or_default()
        .split(',')
        .map(|r| r.trim().to_string())
        .filter(|r| !r.is_empty())
        .collect();
    if let Some(unknown) = roles.iter().find(|r| !freehold_record::ROLES.iter().any(|(known, _)| known == r)) {
        let known: Vec<&str> = freehold_record::ROLES.iter().map(|(r, _)| *r).collect();
        return Err(usage(format!("`{unknown}` is no role"), format!("one of: {}", known.join(", "))));
    }
    house_event(matches, &who, "keep roles", "member", |change| {
        Ok(json!({"person": change.private(&name)?, "roles": roles}))
    })?;
    print(&shown(&format!("{name}: {}\n", if roles.is_empty() { "no role".to_string() } else { roles.join(", ") })));
    Ok(exit::CLEAR)
}

/// A record as JSON, its private texts put back; mistakes are told, and give the status.
pub(crate) fn record_json(matches: &ArgMatches, what: &str) -> Result<Value, u8> {
    let read = || -> Result<Value, Wrong> {
        let mut register = open(matches)?;
        let id = named(&mut register, what)?;
        let record = folded(&register.history(&id)?);
        told_whole(&mut register, &record.to_json(&id, now()))
    };
    read().map_err(told_wrong)
}

/// The gate: each dossier against the approvals of a register.
pub(crate) fn gate(location: &str, dossiers: &[Dossier<'_>]) -> Result<Vec<Gate>, Box<Diagnostic>> {
    freehold_governance::gate(location, dossiers, remembered())
}

/// The gate's lines below the answers.
pub(crate) fn gate_lines(dossiers: &[Dossier<'_>], gated: &[Gate]) -> String {
    let mut out = String::from("\n");
    for (d, g) in dossiers.iter().zip(gated) {
        let word = if g.covered { "APPROVED" } else { "NOT APPROVED" };
        for (i, line) in g.says.iter().enumerate() {
            let head = if i == 0 {
                format!("register  {word}  {}  ", d.subject.id)
            } else {
                "                        ".to_string()
            };
            out.push_str(&format!("{head}{line}\n"));
        }
    }
    shown(&out)
}
