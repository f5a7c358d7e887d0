//! Times a register of many records: `cargo run --release -p freehold-register --example bulk [N]`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for the workshop")]

use std::time::Instant;

use freehold_register::{Event, Filter, KeyFile, NewEvent, Register, Row, Trouble};
use serde_json::json;

/// 2026-11-25, in microseconds.
const DAY: i64 = 1_795_564_800_000_000;
/// Records of one write.
const BATCH: usize = 1000;

fn project(events: &[Event]) -> Option<Row> {
    let first = events.first()?;
    Some(Row {
        record: first.record.clone(),
        name: first.body["name"].as_str().unwrap_or_default().into(),
        state: first.body["state"].as_str().unwrap_or_default().into(),
        artifact: first.body["artifact"].as_str().unwrap_or_default().into(),
        expires: 0,
        updated: events.last()?.at,
        body: "{}".into(),
    })
}

fn main() {
    let n: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.db").display().to_string();
    let key = KeyFile::beside(&path);
    let mut register = Register::create(&path, &key, "bench", None).unwrap();
    let time = |what: &str, begun: Instant| println!("| {what} | {:.3} s |", begun.elapsed().as_secs_f64());
    println!("| {n} records in SQLite | time |\n|---|---|");
    let begun = Instant::now();
    let states = ["draft", "review", "approved", "rejected"];
    for from in (0..n).step_by(BATCH) {
        let done = register.change(DAY, |change| {
            let actor = change.private(&format!("person {}", from / BATCH))?;
            for i in from..(from + BATCH).min(n) {
                let body = json!({"name": format!("model {i}"), "state": states[i % 4], "artifact": format!("sha256:{i:064x}"),
                    "facts": {"base.model": {"value": "meta-llama/Llama-3.1-8B-Instruct", "state": "known"}}});
                let event = change.append(&NewEvent {
                    record: format!("R{i:07}"),
                    kind: "created".into(),
                    role: "requester".into(),
                    actor: actor.clone(),
                    body,
                })?;
                change.put_row(&project(&[event]).unwrap())?;
            }
            Ok::<(), Trouble>(())
        });
        done.unwrap().unwrap();
    }
    time("written, a thousand in a write, each with its signed checkpoint", begun);
    let begun = Instant::now();
    for i in 0..100 {
        let done = register.change(DAY, |change| {
            let new = NewEvent {
                record: format!("R{:07}", i * 7),
                kind: "set".into(),
                role: "requester".into(),
                actor: json!(null),
                body: json!({}),
            };
            change.append(&new)?;
            let history = change.history(&format!("R{:07}", i * 7))?;
            change.put_row(&project(&history).unwrap())
        });
        done.unwrap().unwrap();
    }
    println!("| one write of one event, durable | {:.2} ms |", begun.elapsed().as_secs_f64() * 10.0);
    let begun = Instant::now();
    let (mut after, mut seen) = (String::new(), 0);
    loop {
        let page = register.list(&Filter { after: after.clone(), ..Filter::default() }).unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(&last.record);
        seen += page.len();
    }
    assert_eq!(seen, n);
    time("all listed", begun);
    let begun = Instant::now();
    let page = register.list(&Filter { state: "approved".into(), ..Filter::default() }).unwrap();
    assert_eq!(page.len(), 1000.min(n / 4));
    time("a thousand of one state", begun);
    let begun = Instant::now();
    let one = register.list(&Filter { artifact: format!("sha256:{:064x}", n / 2), ..Filter::default() }).unwrap();
    assert_eq!(one.len(), 1);
    time("one found by the digest of its model, as the gate does", begun);
    let begun = Instant::now();
    register.prove(u64::try_from(n / 2).unwrap()).unwrap();
    time("one proof", begun);
    let begun = Instant::now();
    let report = register.verify(&project, &[]).unwrap();
    assert!(report.found.is_empty(), "{:?}", report.found);
    time("everything verified", begun);
    let begun = Instant::now();
    drop(register);
    let mut again = Register::open(&path, None).unwrap();
    again.head().unwrap();
    time("opened", begun);
    println!("| size of the file | {} MB |", std::fs::metadata(&path).unwrap().len() / 1_000_000);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .map_or(0, |k| k.trim().trim_end_matches(" kB").parse().unwrap_or(0));
    println!("| memory at its peak | {} MB |", peak / 1000);
}
