//! Every route, every role: who may ask, and nobody else.

use freehold_server::{Who, matrix};
use serde_json::Value;

use crate::support::{Person, ask, server};

/// A path with something in each of its parts.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|p| match p {
            "{id}" => "01ZZZZZZZZZZZZZZZZZZZZZZZZ",
            "{step}" => "submit",
            "{index}" => "0",
            "{name}" => "freehold.css",
            p if p.starts_with('{') => "x",
            p => p,
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn code(text: &str) -> String {
    serde_json::from_str::<Value>(text).ok().and_then(|v| v["title"].as_str().map(str::to_string)).unwrap_or_default()
}

#[test]
fn every_route_is_for_whom_it_is_for_and_for_nobody_else() {
    let server = server(|_| ());
    let keeper = Person::first(&server);
    let roles: Vec<&str> = freehold_record::ROLES.iter().map(|(r, _)| *r).collect();
    let people: Vec<(&str, Person)> =
        roles.iter().map(|r| (*r, if *r == "compliance" { keeper.clone() } else { keeper.with_role(r) })).collect();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for (method, path, who, scope, page) in matrix() {
        // it ends the session that asks
        if path == "/sign-out" {
            continue;
        }
        let at = filled(path);
        let url = format!("{}{at}", server.url);
        let mut stranger = ask(method, &url, &[], b"");
        while stranger.status == 429 {
            // who is not known is let in slowly
            std::thread::sleep(std::time::Duration::from_millis(250));
            stranger = ask(method, &url, &[], b"");
        }
        let refused = if page {
            stranger.status == 303 && stranger.header("location").starts_with("/sign-in?next=")
        } else {
            stranger.status == 401
        };
        if (who == Who::Nobody) == refused {
            wrong.push(format!("{method} {path}: nobody gets {}", stranger.status));
        }
        if who == Who::Nobody {
            continue;
        }
        for (role, person) in &people {
            let may = match who {
                Who::Roles(roles) => roles.contains(role),
                _ => true,
            };
            let answer =
                if method == "GET" || !page { person.api(method, &at, &Value::Null) } else { person.form(&at, &[]) };
            asked += 1;
            let shut = answer.status == 403
                && (code(&answer.text) == "not your role" || answer.text.contains("none of your roles may do this"));
            if may == shut || answer.status == 401 || answer.status >= 500 {
                wrong.push(format!(
                    "{method} {path}: {role} gets {} ({})",
                    answer.status,
                    answer.text.chars().take(120).collect::<String>()
                ));
            }
        }
        // a token may what its scopes say, and is no session
        let (_, person) =
            people.iter().find(|(r, _)| matches!(who, Who::Roles(all) if all.contains(r))).unwrap_or(&people[0]);
        let other = ["read", "assess", "write", "approve", "tune", "admin"].into_iter().find(|s| *s != scope).unwrap();
        for (held, may) in [(scope, true), (other, false)] {
            let token = format!("Bearer {}", person.token(&[held]));
            let answer = ask(method, &url, &[("authorization", &token)], b"");
            asked += 1;
            let shut = answer.status == 403 && (code(&answer.text) == "scope" || answer.text.contains("no scope"));
            if may == shut || answer.status == 401 || answer.status >= 500 {
                wrong.push(format!(
                    "{method} {path}: a token with {held} gets {} {}",
                    answer.status,
                    answer.text.chars().take(200).collect::<String>()
                ));
            }
        }
        // without the session's own word nothing is done
        if method != "GET" {
            let bare = ask(method, &url, &[("cookie", &person.cookie)], b"");
            if bare.status != 403 {
                wrong.push(format!("{method} {path}: without csrf {}", bare.status));
            }
            let foreign = ask(
                method,
                &url,
                &[("cookie", &person.cookie), ("x-csrf-token", &person.csrf), ("origin", "https://evil.example")],
                b"",
            );
            if foreign.status != 403 {
                wrong.push(format!("{method} {path}: from another site {}", foreign.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 900, "{asked}");
}

#[test]
fn another_name_for_this_address_leads_nowhere() {
    let server = server(|_| ());
    let answer = ask("GET", &format!("{}/healthz", server.url), &[("host", "evil.example")], b"");
    assert_eq!(answer.status, 421, "{}", answer.text);
}

#[test]
fn the_first_link_works_once_and_nobody_is_let_in_before() {
    let server = server(|_| ());
    let none = ask("GET", &format!("{}/setup?token=wrong", server.url), &[], b"");
    assert_eq!(none.status, 403);
    let link = server.link.clone().unwrap();
    assert_eq!(ask("GET", &link, &[], b"").status, 200);
    Person::first(&server);
    assert_eq!(ask("GET", &link, &[], b"").status, 403, "it was used");
}
