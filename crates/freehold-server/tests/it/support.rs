//! A server for a test, and people who ask it.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::mpsc::channel;

use freehold_assess::{Deployment, House};
use freehold_register::{KeyFile, Register};
use freehold_server::{Config, serve};
use freehold_text::Index;
use serde_json::{Value, json};

static TEXTS: &[u8] = include_bytes!("../../../../catalog/texts.idx");
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) link: Option<String>,
    pub(crate) dir: PathBuf,
}

/// A server of its own; it ends with the process.
pub(crate) fn server(change: impl FnOnce(&mut Config)) -> Server {
    let dir = tempfile::tempdir().unwrap().keep();
    let register = dir.join("register.db").display().to_string();
    let key = KeyFile::beside(&register);
    drop(Register::create(&register, &key, "test", None).unwrap());
    let catalog = freehold_law::shared();
    let mut config = Config {
        register,
        key: key.path().to_path_buf(),
        remembered: None,
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        catalog,
        index: Index::from_bytes(TEXTS).unwrap(),
        house: std::sync::Arc::new(House::default()),
        organization: Deployment::empty(catalog),
        policy: None,
        program: "freehold-is-not-here".into(),
        studio: None,
        oidc: None,
        proxies: Vec::new(),
        private_hooks: true,
        rate: 200,
        log: false,
    };
    change(&mut config);
    let (send, receive) = channel();
    std::thread::spawn(move || {
        serve(config, |address, link| send.send((address, link)).unwrap()).unwrap();
    });
    let (address, link) = receive.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    Server { url: format!("http://{address}"), link, dir }
}

pub(crate) fn agent() -> &'static ureq::Agent {
    static AGENT: OnceLock<ureq::Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        ureq::Agent::new_with_config(
            ureq::Agent::config_builder()
                .max_redirects(0)
                .max_redirects_will_error(false)
                .http_status_as_error(false)
                .proxy(None)
                .build(),
        )
    })
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap_or_default())
    }
}

/// Asks with any method, headers and body.
pub(crate) fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (k, v) in headers {
        request = request.header(*k, *v);
    }
    let request = request.body(body.to_vec()).unwrap();
    let mut answer = agent().run(request).unwrap();
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        text: answer.body_mut().read_to_string().unwrap_or_default(),
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) url: String,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let encoded = |t: &str| t.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    fields.iter().map(|(k, v)| format!("{k}={}", encoded(v))).collect::<Vec<_>>().join("&").into_bytes()
}

impl Person {
    fn of(url: &str, signed_in: &Answer) -> Person {
        let cookie = signed_in.header("set-cookie").split(';').next().unwrap_or_default().to_string();
        assert!(cookie.starts_with("freehold_session="), "{} {}", signed_in.status, signed_in.text);
        let page = ask("GET", &format!("{url}/settings"), &[("cookie", &cookie)], b"");
        let csrf =
            page.text.split("name=\"csrf\" value=\"").nth(1).and_then(|t| t.split('"').next()).unwrap_or_default();
        Person { url: url.to_string(), cookie, csrf: csrf.to_string() }
    }

    /// Makes the first account.
    pub(crate) fn first(server: &Server) -> Person {
        let token = server.link.as_ref().unwrap().split("token=").nth(1).unwrap();
        let fields = [("token", token), ("login", "carla"), ("name", "Carla Compliance"), ("password", PASSWORD)];
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        Person::of(&server.url, &ask("POST", &format!("{}/setup", server.url), &headers, &form(&fields)))
    }

    pub(crate) fn signed_in(url: &str, login: &str) -> Person {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let fields = [("login", login), ("password", PASSWORD)];
        Person::of(url, &ask("POST", &format!("{url}/sign-in"), &headers, &form(&fields)))
    }

    /// Makes an account with one role, and signs it in.
    pub(crate) fn with_role(&self, role: &str) -> Person {
        let body = json!({"login": role, "name": format!("The {role}"), "roles": [role], "password": PASSWORD});
        let made = self.api("POST", "/api/v1/accounts", &body);
        assert_eq!(made.status, 201, "{}", made.text);
        Person::signed_in(&self.url, role)
    }

    pub(crate) fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.api_with(method, path, body, &[])
    }

    pub(crate) fn api_with(&self, method: &str, path: &str, body: &Value, more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![("cookie", self.cookie.as_str()), ("x-csrf-token", self.csrf.as_str())];
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        if !body.is_null() {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(more);
        ask(method, &format!("{}{path}", self.url), &headers, &bytes)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.api("GET", path, &Value::Null)
    }

    /// Sends a form.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend(fields);
        let headers = [("cookie", self.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        ask("POST", &format!("{}{path}", self.url), &headers, &form(&all))
    }

    /// A token of theirs.
    pub(crate) fn token(&self, scopes: &[&str]) -> String {
        let made = self.api("POST", "/api/v1/tokens", &json!({"name": "t", "scopes": scopes, "days": 1}));
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["secret"].as_str().unwrap().to_string()
    }
}
