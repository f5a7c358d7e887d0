//! Assistants in an editor: the messages as they go, and the official client.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::run::installed;

fn asked(messages: &[&str]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_freehold"))
        .arg("mcp")
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for m in messages {
        writeln!(input, "{m}").unwrap();
    }
    drop(input);
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    String::from_utf8_lossy(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn a_check_is_answered_with_citations_and_mistakes_with_what_to_do() {
    let call = |id: u32, name: &str, arguments: Value| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
            .to_string()
    };
    let check = call(
        2,
        "check",
        json!({"what": "hf:mistralai/Mistral-Large-Instruct-2411", "facts": {"use.access": "hosted-app", "use.commercial": "yes", "organization.kind": "company"}}),
    );
    let wrong = call(3, "check", json!({"what": "hf:a/b", "facts": {"use.acces": "weights"}}));
    let none = call(4, "fly", json!({}));
    let out = asked(&[
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"0"}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        &check,
        &wrong,
        &none,
        "no json",
        r#"{"jsonrpc":"2.0","id":5,"method":"no/such"}"#,
    ]);
    assert_eq!(out.len(), 6, "a notification is not answered");
    assert_eq!(out[0]["result"]["protocolVersion"], "2024-11-05");
    let text = out[1]["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("needs-separate-license") && text.contains("3.2"), "{text}");
    assert_eq!(out[1]["result"]["structuredContent"]["assessments"][0]["verdict"], "needs-separate-license");
    assert!(
        out[2]["result"]["isError"] == true
            && out[2]["result"]["content"][0]["text"].as_str().unwrap().contains("use.acces")
    );
    assert_eq!(out[3]["result"]["isError"], true);
    assert_eq!((&out[4]["error"]["code"], &out[5]["error"]["code"]), (&json!(-32700), &json!(-32601)));
}

#[test]
fn the_official_client_is_answered() {
    let Some(python) = installed("FREEHOLD_MCP", "the official client of the Model Context Protocol") else { return };
    let script = crate::run::root().join("tests/validate/ask_mcp.py");
    let calls = json!([
        ["check", {"what": "hf:meta-llama/Llama-3.1-8B-Instruct", "facts": {"use.access": "hosted-app"}}],
        ["explain", {"name": "gemma"}],
        ["compare", {"from": "gemma", "to": "mit"}],
        ["advise", {"finetune": true, "max_size": "8B", "facts": {"use.access": "weights"}}],
        ["check", {"what": "/nowhere"}],
    ]);
    let out =
        Command::new(python).arg(script).arg(env!("CARGO_BIN_EXE_freehold")).arg(calls.to_string()).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..3], ["server freehold", "tools check explain compare advise", "read-only True"]);
    let failed: Vec<bool> = lines[3..].iter().map(|l| l.split(' ').nth(1) == Some("True")).collect();
    assert_eq!(failed, [false, false, false, false, true], "{text}");
}
