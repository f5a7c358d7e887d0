//! What the API does: records, steps, revisions, keys, webhooks, uploads.

use std::io::{Read as _, Write as _};

use serde_json::{Value, json};

use crate::support::{Person, ask, server};

fn made(person: &Person) -> Value {
    let body = json!({"model": "mistralai/Mistral-7B-Instruct-v0.3", "record": "bot", "facts": {"use.access": ["hosted-app"], "use.commercial": true}});
    let answer = person.api("POST", "/api/v1/records", &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

#[test]
fn a_question_is_answered_with_its_clauses_and_nothing_is_kept() {
    let server = server(|_| ());
    let person = Person::first(&server);
    let question = json!({"model": "mistralai/Mistral-Large-Instruct-2411", "facts": {"use.access": ["hosted-app"], "use.commercial": true, "organization.kind": "company"}});
    let answer = person.api("POST", "/api/v1/assessments", &question);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["verdict"], "needs-separate-license");
    assert!(answer.json()["limits"].as_array().unwrap().iter().any(|l| l["license"] == "mrl-0.1"));
    let wrong = person.api(
        "POST",
        "/api/v1/assessments",
        &json!({"model": "x/y", "facts": {"use.acces": [], "use.commercial": "maybe"}}),
    );
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.json()["errors"].as_array().unwrap().len(), 2, "all mistakes at once: {}", wrong.text);
    assert_eq!(wrong.header("content-type"), "application/problem+json");
    assert_eq!(person.get("/api/v1/records").json()["records"], json!([]));
    let moved = person.api("POST", "/api/v1/what-if", &json!({"model": "meta-llama/Llama-3.1-8B-Instruct", "finetune": true, "facts": {"use.access": ["hosted-app"]}, "swap_base": "Qwen/Qwen2.5-7B-Instruct"}));
    assert_eq!(moved.json()["after"]["verdict"], "permitted", "{}", moved.text);
    assert!(!moved.json()["like_size"].as_array().unwrap().is_empty());
}

#[test]
fn a_record_is_changed_on_its_revision_alone() {
    let server = server(|_| ());
    let keeper = Person::first(&server);
    let person = keeper.with_role("requester");
    let record = made(&person);
    let at = format!("/api/v1/records/{}", record["id"].as_str().unwrap());
    let read = person.get(&at);
    let tag = read.header("etag").to_string();
    assert_eq!(tag, format!("\"{}\"", record["revision"]));
    assert_eq!(person.api_with("GET", &at, &Value::Null, &[("if-none-match", &tag)]).status, 304);
    let field = json!({"field": "use.description", "value": "answers"});
    let first = person.api_with("POST", &format!("{at}/facts"), &field, &[("if-match", &tag)]);
    assert_eq!(first.status, 200, "{}", first.text);
    let second = person.api_with("POST", &format!("{at}/facts"), &field, &[("if-match", &tag)]);
    assert_eq!((second.status, second.json()["title"].as_str()), (412, Some("changed meanwhile")));
    // what stands in the way of a submission is told at once
    let early = person.api("POST", &format!("{at}/steps/submit"), &json!({}));
    assert_eq!(early.status, 409);
    assert!(early.json()["errors"].as_array().unwrap().len() > 2, "{}", early.text);
    assert_eq!(person.api("POST", &format!("{at}/steps/fly"), &json!({})).status, 404);
    let proofs = person.get(&format!("{at}/proofs")).json();
    assert_eq!(proofs["events"].as_array().unwrap().len(), 2);
    let verified = person.api("POST", "/api/v1/register/verify", &Value::Null).json();
    assert_eq!(verified["whole"], true, "{verified}");
}

#[test]
fn the_same_key_gets_the_same_answer_and_makes_one_record() {
    let server = server(|_| ());
    let keeper = Person::first(&server);
    let person = keeper.with_role("requester");
    let body = json!({"model": "microsoft/phi-4", "record": "once"});
    let key = [("idempotency-key", "a-key")];
    let one = person.api_with("POST", "/api/v1/records", &body, &key);
    let two = person.api_with("POST", "/api/v1/records", &body, &key);
    assert_eq!((one.status, two.status), (201, 201));
    assert_eq!(one.json()["id"], two.json()["id"]);
    assert_eq!(two.header("idempotency-replayed"), "true");
    let other =
        person.api_with("POST", "/api/v1/records", &json!({"model": "microsoft/phi-4", "record": "other"}), &key);
    assert_eq!(other.status, 422);
    assert_eq!(person.get("/api/v1/records").json()["records"].as_array().unwrap().len(), 1);
}

#[test]
fn what_an_approval_rests_on_is_judged_by_the_servers_law_of_today() {
    let server = server(|_| ());
    let keeper = Person::first(&server);
    let person = keeper.with_role("requester");
    let subject = json!({"id": "bot", "made_by": "organization", "parents": [{"work": "meta-llama/Llama-3.1-8B-Instruct", "relation": "finetune"}]});
    let plain = json!({"subject": subject, "use": {"access": ["hosted-app"]}});
    let mut own = plain.clone();
    own["attestations"] = json!([{
        "code": "attribution-built-with-llama", "license": "llama-3.1", "artifact": "bot", "who": "M. Myself, product",
        "when": "2026-01-01", "until": "2099-01-01", "evidence": format!("sha256:{}", "0".repeat(64)),
    }]);
    // what is only asked may bring its own
    let asked = person.api("POST", "/api/v1/assessments", &json!({"case": own}));
    assert_eq!(asked.status, 200, "{}", asked.text);
    let kept = person.api("POST", "/api/v1/records", &json!({"case": own}));
    assert_eq!((kept.status, kept.json()["title"].as_str()), (422, Some("own law")), "{}", kept.text);
    let early = person.api("POST", "/api/v1/records", &json!({"case": plain, "as_of": "2020-01-01"}));
    assert_eq!((early.status, early.json()["title"].as_str()), (422, Some("other day")), "{}", early.text);
    let made = person.api("POST", "/api/v1/records", &json!({"case": plain}));
    assert_eq!(made.status, 201, "{}", made.text);
    let again = format!("/api/v1/records/{}/assess", made.json()["id"].as_str().unwrap());
    for body in [json!({"case": own}), json!({"case": plain, "as_of": "2020-01-01"}), json!({"as_of": "2020-01-01"})] {
        let refused = person.api("POST", &again, &body);
        assert_eq!(refused.status, 422, "{body} {}", refused.text);
    }
    assert_eq!(person.api("POST", &again, &json!({})).status, 200);
}

#[test]
fn a_secret_is_kept_nowhere_and_a_token_sees_what_its_scopes_show() {
    let server = server(|_| ());
    let keeper = Person::first(&server);
    keeper.with_role("requester");
    let body = json!({"name": "t", "scopes": ["read"], "days": 1});
    let key = [("idempotency-key", "a-key")];
    let made = [0, 1].map(|_| keeper.api_with("POST", "/api/v1/tokens", &body, &key).json()["secret"].clone());
    assert_ne!(made[0], made[1], "no answer with a secret is kept to be given again");
    let secret = made[0].as_str().unwrap();
    for file in std::fs::read_dir(&server.dir).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
    }
    let bearer = format!("Bearer {secret}");
    let page = ask("GET", &format!("{}/settings", server.url), &[("authorization", &bearer)], b"");
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("The requester"), "accounts are for the scope `admin`");
    assert!(keeper.get("/settings").text.contains("The requester"));
}

#[test]
fn who_shows_a_key_that_is_none_is_counted_and_fills_no_disk() {
    let server = server(|_| ());
    let keeper = Person::first(&server);
    let at = format!("{}/api/v1/records/{}/report", server.url, "x".repeat(2_000));
    let tried: Vec<u16> = (0..90).map(|_| ask("POST", &at, &[("authorization", "x")], b"{}").status).collect();
    assert!(tried.contains(&401) && tried.contains(&429), "{tried:?}");
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert!(!keeper.get("/api/v1/access").text.contains("xxxxxxxxxx"), "what nobody known asked for is not kept");
}

#[test]
fn a_mistake_in_the_form_does_not_use_the_first_link_up() {
    let server = server(|_| ());
    let token = server.link.as_ref().unwrap().split("token=").nth(1).unwrap();
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("token={token}&login=Ada+Lovelace&name=Ada&password=short");
    let wrong = ask("POST", &format!("{}/setup", server.url), &headers, body.as_bytes());
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    Person::first(&server);
}

#[test]
fn an_address_behind_a_proxy_is_believed_of_a_proxy_that_is_named() {
    let attempts = |server: &crate::support::Server| -> Vec<u16> {
        let one = |n: usize| {
            let from = format!("203.0.113.1, 198.51.100.{n}");
            let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-forwarded-for", from.as_str())];
            ask("POST", &format!("{}/sign-in", server.url), &headers, b"login=carla&password=wrong").status
        };
        (0..14).map(one).collect()
    };
    let plain = server(|_| ());
    Person::first(&plain);
    assert_eq!(attempts(&plain).last(), Some(&429), "anybody may write that header");
    let behind = server(|c| c.proxies = vec!["127.0.0.1".parse().unwrap()]);
    Person::first(&behind);
    assert_eq!(attempts(&behind).last(), Some(&401), "each from an address of its own");
}

#[test]
fn lists_come_in_pages() {
    let server = server(|_| ());
    let person = Person::first(&server);
    let mut after = String::new();
    let mut all = 0;
    loop {
        let page = person.get(&format!("/api/v1/licenses?limit=50&after={after}"));
        let json = page.json();
        all += json["licenses"].as_array().unwrap().len();
        let Some(next) = json["next"].as_str() else { break };
        assert!(page.header("link").contains("rel=\"next\""));
        after = next.to_string();
    }
    assert_eq!(all, freehold_law::shared().licenses.len());
    assert_eq!(person.get("/api/v1/licenses?limit=0").status, 400);
    assert_eq!(person.get("/api/v1/records?state=flying").status, 400);
}

/// A listener that takes one delivery, after it has refused the first.
fn listener() -> (String, std::thread::JoinHandle<(String, String)>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut last = (String::new(), String::new());
        for n in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
            let mut bytes = Vec::new();
            let mut chunk = [0; 4096];
            let (head, body) = loop {
                let read = stream.read(&mut chunk).unwrap();
                bytes.extend_from_slice(&chunk[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length = head
                        .to_lowercase()
                        .lines()
                        .find_map(|l| l.strip_prefix("content-length: ").and_then(|n| n.parse::<usize>().ok()))
                        .unwrap_or(0);
                    if body.len() >= length {
                        break (head.to_string(), body.to_string());
                    }
                }
            };
            let status = if n == 0 { "500 no" } else { "204 yes" };
            stream
                .write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
                .unwrap();
            last = (head, body);
        }
        last
    });
    (url, thread)
}

#[test]
fn a_change_is_told_signed_and_again_until_it_is_taken() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let server = server(|_| ());
    let keeper = Person::first(&server);
    let (url, thread) = listener();
    let hook = keeper.api("POST", "/api/v1/webhooks", &json!({"url": url, "events": ["created"]}));
    assert_eq!(hook.status, 201, "{}", hook.text);
    let secret = hook.json()["secret"].as_str().unwrap().to_string();
    let record = made(&keeper.with_role("requester"));
    let (head, body) = thread.join().unwrap();
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((told["event"].as_str(), &told["record"]["id"]), (Some("created"), &record["id"]));
    let signature = head.lines().find_map(|l| l.strip_prefix("freehold-signature: ")).unwrap();
    let (t, v1) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{t}.{body}").as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(v1, expected);
    assert!(!keeper.get("/api/v1/webhooks").text.contains(&secret), "a secret is told once");
}

#[test]
fn uploads_are_read_as_models_and_hostile_ones_are_refused() {
    let server = server(|_| ());
    let keeper = Person::first(&server);
    let person = keeper.with_role("requester");
    let send = |path: &str, bytes: &[u8]| {
        let headers = [
            ("cookie", person.cookie.as_str()),
            ("x-csrf-token", person.csrf.as_str()),
            ("content-type", "application/x-tar"),
        ];
        ask("POST", &format!("{}{path}", server.url), &headers, bytes)
    };
    for (bytes, what) in [(b"".to_vec(), "nothing"), (vec![0; 4096], "zeros"), (b"../../etc/passwd".to_vec(), "a word")]
    {
        let answer = send("/api/v1/assessments/bundle", &bytes);
        assert_eq!(answer.status, 422, "{what}: {}", answer.text);
    }
    // a path that leads out is read as a name, if at all, and written nowhere
    let mut tar = Vec::new();
    tar_file("../../evil/README.md", b"---\nlicense: mit\nbase_model: google/gemma-2-9b\n---\n", &mut tar);
    tar_file(
        "m/adapter_config.json",
        br#"{"base_model_name_or_path": "google/gemma-2-9b", "peft_type": "LORA"}"#,
        &mut tar,
    );
    tar_file("m/README.md", b"---\nlicense: mit\nbase_model: google/gemma-2-9b\n---\n", &mut tar);
    tar.resize(tar.len() + 1024, 0);
    let answer = send("/api/v1/assessments/bundle?name=mine", &tar);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let a = &answer.json()["assessments"][0];
    assert!(a["licenses"].as_array().unwrap().iter().any(|l| l["id"] == "gemma"), "{a}");
    assert!(!std::path::Path::new("/evil").exists() && !server.dir.join("evil").exists());
}

/// A file of a tar, as anybody's program writes it.
fn tar_file(path: &str, bytes: &[u8], out: &mut Vec<u8>) {
    let mut head = [0_u8; 512];
    head[..path.len()].copy_from_slice(path.as_bytes());
    head[100..108].copy_from_slice(b"0000644\0");
    head[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    head[148..156].copy_from_slice(b"        ");
    head[156] = b'0';
    head[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend(head);
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(512), 0);
}

#[test]
fn too_many_attempts_to_sign_in_are_refused_and_a_closed_account_is_out() {
    let server = server(|_| ());
    let keeper = Person::first(&server);
    let person = keeper.with_role("requester");
    assert_eq!(person.get("/api/v1/me").status, 200);
    let closed = keeper.api("PATCH", "/api/v1/accounts/requester", &json!({"disabled": true}));
    assert_eq!(closed.status, 200, "{}", closed.text);
    assert_eq!(person.get("/api/v1/me").status, 401, "its sessions end");
    let last = keeper.api("PATCH", "/api/v1/accounts/carla", &json!({"roles": ["legal"]}));
    assert_eq!(last.status, 409, "somebody must keep accounts");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let mut statuses = Vec::new();
    for _ in 0..14 {
        statuses.push(ask("POST", &format!("{}/sign-in", server.url), &headers, b"login=carla&password=wrong").status);
    }
    assert!(statuses.contains(&401) && statuses.last() == Some(&429), "{statuses:?}");
}

#[test]
fn the_document_is_openapi_and_names_every_route() {
    let document = freehold_server::openapi("http://127.0.0.1");
    assert_eq!(document["openapi"], "3.1.0");
    for (method, path, _, _, page) in freehold_server::matrix() {
        let there = !document["paths"][path][method.to_lowercase()].is_null();
        assert_eq!(there, !page, "{method} {path}");
    }
    // every reference leads somewhere
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(!document["components"]["schemas"][name].is_null(), "{name}");
    }
}
