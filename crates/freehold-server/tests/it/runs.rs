//! Trainings from here: a program that stands for `freehold tune`, its progress, its end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{Person, server};

/// Writes what the studio writes, a step every tenth of a second, until it has taken twenty or is stopped.
const TUNE: &str = r#"#!/bin/sh
set -e
echo "gate      clear"
mkdir -p bot/run
for step in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  echo "{\"step\": $step, \"loss\": $((30 - step)).5}" >> bot/run/metrics.jsonl
  sleep 0.1
done
echo "before and after" > bot/run/samples.md
"#;

const RECIPE: &str = "name = \"bot\"\n[base]\npath = \"base\"\nmodel = \"Qwen/Qwen2.5-0.5B\"\n[[dataset]]\npath = \"data.jsonl\"\nlicense = \"own\"\n";

#[test]
fn a_training_is_told_as_it_goes_and_can_be_stopped() {
    let studio = tempfile::tempdir().unwrap().keep();
    std::fs::create_dir(studio.join("base")).unwrap();
    std::fs::write(studio.join("data.jsonl"), "{}\n").unwrap();
    let program = studio.join("tune.sh");
    std::fs::write(&program, TUNE).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let server = server(|c| {
        c.studio = Some(studio.clone());
        c.program = program.clone();
    });
    let keeper = Person::first(&server);
    let person = keeper.with_role("requester");
    for (bad, what) in [
        ("", "empty"),
        ("name = 1", "no recipe"),
        (&RECIPE.replace("base\"", "../../etc\""), "leads out"),
        (&RECIPE.replace("\"bot\"", "\"../bot\""), "writes elsewhere"),
    ] {
        let refused = person.api("POST", "/api/v1/runs", &json!({"recipe": bad}));
        assert_eq!(refused.status, 422, "{what}: {}", refused.text);
    }
    let run = person.api("POST", "/api/v1/runs", &json!({"recipe": RECIPE}));
    assert_eq!(run.status, 201, "{}", run.text);
    let id = run.json()["id"].as_str().unwrap().to_string();
    assert_eq!(person.api("POST", "/api/v1/runs", &json!({"recipe": RECIPE})).status, 409, "one at once");
    // events until the end
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    write!(stream, "GET /api/v1/runs/{id}/events HTTP/1.1\r\nhost: {address}\r\ncookie: {}\r\n\r\n", person.cookie)
        .unwrap();
    let (mut events, mut states) = (Vec::new(), Vec::new());
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        if let Some(name) = line.strip_prefix("event: ") {
            events.push(name.to_string());
        }
        if let Some(data) = line.strip_prefix("data: ") {
            states.push(serde_json::from_str::<Value>(data).unwrap());
            if events.last().is_some_and(|e| e == "end") {
                break;
            }
        }
    }
    assert!(events.len() > 3, "{events:?}");
    let last = states.last().unwrap();
    assert_eq!((last["state"].as_str(), last["points"].as_array().map(Vec::len)), (Some("done"), Some(20)), "{last}");
    assert_eq!(last["samples"], "before and after\n");
    let page = person.get(&format!("/runs/{id}"));
    assert!(page.status == 200 && page.text.contains("polyline id=\"loss-line\""), "{}", page.status);
    // another, which is stopped
    let run = person.api("POST", "/api/v1/runs", &json!({"recipe": RECIPE.replace("\"bot\"", "\"two\"")}));
    let id = run.json()["id"].as_str().unwrap().to_string();
    let stopped = person.api("POST", &format!("/api/v1/runs/{id}/stop"), &Value::Null);
    assert_eq!(stopped.json()["state"], "stopped", "{}", stopped.text);
    assert_eq!(person.get("/api/v1/runs").json()["runs"].as_array().unwrap().len(), 2);
}
