//! People: accounts, sessions, tokens. A secret is kept as its hash alone.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use base64::Engine as _;
use freehold_governance::{Who, Wrong, keep};
use freehold_register::Shelf;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::call::{Call, Problem};

/// Every scope of an API token.
pub(crate) const SCOPES: &[(&str, &str)] = &[
    ("read", "reads everything that its person reads"),
    ("assess", "asks questions about models that are kept nowhere"),
    ("write", "makes and fills in records, submits them"),
    ("approve", "decides: triage, approvals, exceptions, conditions"),
    ("tune", "starts and stops trainings"),
    ("admin", "people, rules, webhooks, erasure"),
];

/// How long a session lasts, in microseconds.
const SESSION_MICROS: i64 = 12 * 3_600_000_000;
/// How long the first link lasts.
const SETUP_MICROS: i64 = 24 * 3_600_000_000;
/// Shortest and longest password, in characters.
const PASSWORD: std::ops::RangeInclusive<usize> = 12..=256;
/// Longest life of an API token, in days.
pub(crate) const TOKEN_DAYS_MAX: u32 = 366;
/// The cookie of a session.
pub(crate) const COOKIE: &str = "freehold_session";

/// Somebody who asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Caller {
    /// The name of the account.
    pub(crate) login: String,
    /// The name in the register.
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    /// What a token may be used for; `None` for a session, which may all that its person may.
    pub(crate) scopes: Option<Vec<String>>,
    /// What a form of this session carries.
    pub(crate) csrf: String,
    /// The id of the session or token.
    pub(crate) by: String,
}

impl Caller {
    pub(crate) fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|r| r == role)
    }

    /// In which role a step is taken: the one that is named, else the first that may.
    pub(crate) fn role_for(&self, step: &str, named: &str) -> Result<Who, Problem> {
        if !named.is_empty() {
            if !self.has(named) {
                let says = format!("{} does not hold the role {named}", self.login);
                return Err(Problem::new(403, "not-your-role", says).fix(format!("held: {}", self.roles.join(", "))));
            }
            return Ok((self.name.clone(), named.to_string()));
        }
        let may = self.roles.iter().find(|r| freehold_record::may(r, step));
        match may {
            Some(role) => Ok((self.name.clone(), role.clone())),
            None => {
                let roles: Vec<&str> =
                    freehold_record::ROLES.iter().map(|(r, _)| *r).filter(|r| freehold_record::may(r, step)).collect();
                Err(Problem::new(403, "not-your-role", format!("none of your roles may {step}"))
                    .fix(format!("for: {}", roles.join(", "))))
            }
        }
    }
}

/// Random bytes as text that a URL takes.
pub(crate) fn secret() -> Result<String, Problem> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Problem::new(503, "no-random", "this machine gives no random bytes"))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a secret.
pub(crate) fn hashed(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_default()
}

fn word(v: &Value) -> String {
    v.as_str().unwrap_or_default().to_string()
}

pub(crate) fn words(v: &Value) -> Vec<String> {
    v.as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_string)).collect()
}

/// An account's name: what a URL and a log take as it is.
fn login_of(text: &str) -> Result<String, Problem> {
    let login = text.trim().to_lowercase();
    let fits = !login.is_empty()
        && login.len() <= 128
        && login.chars().all(|c| c.is_ascii_alphanumeric() || ".-_@+".contains(c));
    if fits {
        Ok(login)
    } else {
        Err(Problem::new(422, "bad-login", "a login has letters, digits and .-_@+ alone, 128 at most"))
    }
}

fn password_hash(password: &str) -> Result<String, Problem> {
    let length = password.chars().count();
    if !PASSWORD.contains(&length) {
        let says = format!("a password has {} to {} characters", PASSWORD.start(), PASSWORD.end());
        return Err(Problem::new(422, "bad-password", says));
    }
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|_| Problem::new(503, "no-random", "this machine gives no random bytes"))?;
    let hash: Result<phc::PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|h| h.to_string()).map_err(|_| Problem::new(500, "fault", "a password cannot be hashed"))
}

fn is_password(password: &str, hash: &str) -> bool {
    Argon2::default().verify_password(password.as_bytes(), hash).is_ok()
}

/// A hash that no password has: whoever tries an unknown login waits as long as for a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$0000000000000000000000000000000000000000000";

/// Roles that are words of the register.
fn roles_of(wanted: &[String]) -> Result<Vec<String>, Problem> {
    let known = freehold_record::ROLES;
    if let Some(unknown) = wanted.iter().find(|r| !known.iter().any(|(k, _)| k == r)) {
        let all: Vec<&str> = known.iter().map(|(r, _)| *r).collect();
        return Err(Problem::new(422, "unknown-role", format!("`{unknown}` is no role"))
            .fix(format!("one of: {}", all.join(", "))));
    }
    let mut out: Vec<String> = Vec::new();
    wanted.iter().for_each(|r| {
        if !out.contains(r) {
            out.push(r.clone());
        }
    });
    Ok(out)
}

/// What is told of an account.
fn shown(a: &Value) -> Value {
    json!({
        "login": a["login"], "name": a["name"], "roles": a["roles"], "disabled": a["disabled"] == true,
        "signs_in": if a["oidc"].is_string() { "elsewhere" } else { "here" }, "created": a["created"],
    })
}

impl App {
    /// Whether anybody has an account.
    pub(crate) fn is_new(&self) -> Result<bool, Problem> {
        Ok(self.shelf(|s| s.count("account", 0))? == 0)
    }

    /// A link by which the first account is made, once.
    pub(crate) fn setup_link(&self, now: i64) -> Result<String, Problem> {
        let secret = secret()?;
        let (id, expires) = (hashed(&secret), now.saturating_add(SETUP_MICROS));
        self.shelf(|s| s.create("setup", &id, "{}", expires, now))?;
        Ok(format!("{}/setup?token={secret}", self.url()))
    }

    pub(crate) fn is_setup(&self, token: &str, now: i64) -> Result<bool, Problem> {
        let id = hashed(token);
        Ok(self.is_new()? && self.shelf(|s| s.get("setup", &id, now))?.is_some())
    }

    /// Makes the first account; the link is used up by it.
    pub(crate) fn set_up(&self, token: &str, account: &Value, now: i64) -> Result<Value, Problem> {
        if !self.is_setup(token, now)? {
            return Err(Problem::new(403, "link-used", "this link was used, or its time is over")
                .fix("restart the server: it prints another while there is no account"));
        }
        let mut roles = words(&account["roles"]);
        if !roles.iter().any(|r| r == "compliance") {
            roles.push("compliance".into());
        }
        let account = json!({"login": account["login"], "name": account["name"], "password": account["password"], "roles": roles});
        // a mistake in the form does not use the link up
        let account = self.checked(&account, now)?;
        // taken by one, whoever else has seen it
        if !self.shelf(|s| s.remove("setup", &hashed(token)))? {
            return Err(Problem::new(403, "link-used", "this link was used"));
        }
        let who = (word(&account["name"]), "compliance".to_string());
        self.keep_account(&account, &who, now)
    }

    /// Makes an account: `login`, `name`, `roles`, `password` or `oidc`. Its roles are written into the register, which holds the
    /// command line to them too.
    pub(crate) fn add_account(&self, account: &Value, who: &Who, now: i64) -> Result<Value, Problem> {
        self.keep_account(&self.checked(account, now)?, who, now)
    }

    /// An account as it is kept, out of what somebody asks for.
    fn checked(&self, account: &Value, now: i64) -> Result<Value, Problem> {
        let login = login_of(&word(&account["login"]))?;
        let name = word(&account["name"]).trim().to_string();
        if name.is_empty() || name.len() > 200 {
            return Err(Problem::new(422, "bad-name", "a name has 1 to 200 bytes"));
        }
        let roles = roles_of(&words(&account["roles"]))?;
        let password = match account["password"].as_str() {
            Some(p) if !p.is_empty() => json!(password_hash(p)?),
            _ => Value::Null,
        };
        let taken = self.accounts(now)?.iter().any(|a| a["name"] == name.as_str());
        if taken {
            return Err(Problem::new(
                409,
                "name-taken",
                "somebody has this name: the register tells people apart by it",
            ));
        }
        Ok(json!({
            "login": login, "name": name, "roles": roles, "password": password, "oidc": Value::Null, "disabled": false, "created": now,
        }))
    }

    fn keep_account(&self, body: &Value, who: &Who, now: i64) -> Result<Value, Problem> {
        let login = word(&body["login"]);
        let made = self.shelf(|s| s.create("account", &login, &body.to_string(), 0, now))?;
        if !made {
            return Err(Problem::new(409, "login-taken", format!("`{login}` is an account already")));
        }
        self.keep_roles(&word(&body["name"]), &words(&body["roles"]), who)?;
        Ok(shown(body))
    }

    /// Writes somebody's roles into the register.
    fn keep_roles(&self, name: &str, roles: &[String], who: &Who) -> Result<(), Problem> {
        self.write(|register| {
            keep(register, who, "keep roles", "member", |change| -> Result<Value, Wrong> {
                Ok(json!({"person": change.private(name)?, "roles": roles}))
            })
        })
    }

    pub(crate) fn accounts(&self, now: i64) -> Result<Vec<Value>, Problem> {
        let items = self.shelf(|s| s.list("account", "", 10_000, now))?;
        Ok(items.iter().map(|i| shown(&parsed(&i.body))).collect())
    }

    /// Changes an account: `roles`, `disabled`, `password`, whichever is there. Its sessions end.
    pub(crate) fn change_account(&self, login: &str, change: &Value, who: &Who, now: i64) -> Result<Value, Problem> {
        let item = self.shelf(|s| s.get("account", login, now))?;
        let Some(item) = item else { return Err(Problem::missing(format!("no account is called `{login}`"))) };
        let mut body = parsed(&item.body);
        let mut roles = None;
        if !change["roles"].is_null() {
            let new = roles_of(&words(&change["roles"]))?;
            body["roles"] = json!(new);
            roles = Some(new);
        }
        if let Some(disabled) = change["disabled"].as_bool() {
            body["disabled"] = json!(disabled);
            if disabled {
                roles = Some(Vec::new());
            } else if roles.is_none() {
                roles = Some(words(&body["roles"]));
            }
        }
        if let Some(password) = change["password"].as_str() {
            body["password"] = json!(password_hash(password)?);
        }
        let keeps = |a: &Value| a["disabled"] != true && words(&a["roles"]).iter().any(|r| r == "compliance");
        let others = self.accounts(now)?.iter().any(|a| a["login"] != login && keeps(a));
        if !others && !keeps(&body) {
            return Err(Problem::new(409, "last-one", "somebody must keep accounts and rules")
                .fix("give compliance to somebody else first"));
        }
        if !self.shelf(|s| s.replace("account", login, item.rev, &body.to_string(), 0))? {
            return Err(Problem::new(409, "changed-meanwhile", "somebody changed it meanwhile"));
        }
        if let Some(roles) = roles {
            self.keep_roles(&word(&body["name"]), &roles, who)?;
        }
        self.end_sessions(login, now)?;
        Ok(shown(&body))
    }

    fn end_sessions(&self, login: &str, now: i64) -> Result<(), Problem> {
        self.shelf(|s: &mut Shelf| {
            for item in s.list("session", "", 100_000, now)? {
                if parsed(&item.body)["login"] == login {
                    s.remove("session", &item.id)?;
                }
            }
            Ok(())
        })
    }

    /// Signs somebody in by their password: the session's secret.
    pub(crate) fn sign_in(&self, login: &str, password: &str, call: &Call) -> Result<String, Problem> {
        let login = login.trim().to_lowercase();
        let wrong = || Problem::new(401, "wrong-password", "no account has this login and password");
        let mut buckets = vec![(format!("sign-in from {}", call.peer), 30.0)];
        let known = login_of(&login).is_ok();
        if known {
            // a stranger elsewhere locks nobody out so easily as somebody who guesses from one place
            buckets.push((format!("sign-in from {} as {login}", call.peer), 10.0));
            buckets.push((format!("sign-in as {login}"), 100.0));
        }
        for (who, most) in buckets {
            if let Err(wait) = self.limits.take(&who, most, most / 600.0, call.now) {
                let says = "too many attempts";
                return Err(Problem { retry_after: Some(wait), ..Problem::new(429, "too-many", says) });
            }
        }
        if !known {
            return Err(wrong());
        }
        let account = self.shelf(|s| s.get("account", &login, call.now))?.map(|i| parsed(&i.body));
        let hash = account.as_ref().and_then(|a| a["password"].as_str()).unwrap_or(NOBODY);
        let right = is_password(password, hash);
        match account {
            Some(a) if right && a["disabled"] != true => self.start_session(&login, call.now),
            _ => Err(wrong()),
        }
    }

    pub(crate) fn start_session(&self, login: &str, now: i64) -> Result<String, Problem> {
        let (token, csrf) = (secret()?, secret()?);
        let body = json!({"login": login, "csrf": csrf, "created": now}).to_string();
        let (id, expires) = (hashed(&token), now.saturating_add(SESSION_MICROS));
        self.shelf(|s| s.create("session", &id, &body, expires, now))?;
        Ok(token)
    }

    /// The account that signs in elsewhere as this subject, or is asked for by this address for the first time.
    pub(crate) fn account_of(&self, subject: &str, email: Option<&str>, now: i64) -> Result<String, Problem> {
        let items = self.shelf(|s| s.list("account", "", 10_000, now))?;
        for i in &items {
            let a = parsed(&i.body);
            let first = a["oidc"].is_null() && email.is_some_and(|e| e.eq_ignore_ascii_case(&i.id));
            if a["oidc"] == subject || first {
                if a["disabled"] == true {
                    return Err(Problem::new(403, "disabled", "this account is closed"));
                }
                if first {
                    let mut bound = a;
                    bound["oidc"] = json!(subject);
                    self.shelf(|s| s.replace("account", &i.id, i.rev, &bound.to_string(), 0))?;
                }
                return Ok(i.id.clone());
            }
        }
        Err(Problem::new(403, "no-account", "nobody here has this address")
            .fix("compliance makes the account, with this address as its login"))
    }

    /// Who a request is from.
    pub(crate) fn caller(&self, call: &Call) -> Result<Option<Caller>, Problem> {
        let bearer = call.header("authorization");
        if !bearer.is_empty() {
            let secret = bearer.strip_prefix("Bearer ").map(str::trim).unwrap_or_default();
            let id = hashed(secret);
            let Some(item) = self.shelf(|s| s.get("token", &id, call.now))? else {
                return Err(Problem::new(401, "bad-token", "this token is none, or its time is over"));
            };
            let t = parsed(&item.body);
            let Some(mut caller) = self.person(&word(&t["login"]), call.now)? else {
                return Err(Problem::new(401, "bad-token", "the account of this token is closed"));
            };
            caller.scopes = Some(words(&t["scopes"]));
            caller.by = format!("token {}", word(&t["name"]));
            return Ok(Some(caller));
        }
        let Some(cookie) = cookie(call.header("cookie"), COOKIE) else { return Ok(None) };
        let id = hashed(&cookie);
        let Some(item) = self.shelf(|s| s.get("session", &id, call.now))? else { return Ok(None) };
        let session = parsed(&item.body);
        let Some(mut caller) = self.person(&word(&session["login"]), call.now)? else { return Ok(None) };
        caller.csrf = word(&session["csrf"]);
        caller.by = "session".into();
        Ok(Some(caller))
    }

    fn person(&self, login: &str, now: i64) -> Result<Option<Caller>, Problem> {
        let item = self.shelf(|s| s.get("account", login, now))?;
        let account = item.map(|i| parsed(&i.body)).filter(|a| a["disabled"] != true);
        Ok(account.map(|a| Caller {
            login: login.to_string(),
            name: word(&a["name"]),
            roles: words(&a["roles"]),
            ..Caller::default()
        }))
    }

    pub(crate) fn sign_out(&self, call: &Call) -> Result<(), Problem> {
        if let Some(cookie) = cookie(call.header("cookie"), COOKIE) {
            self.shelf(|s| s.remove("session", &hashed(&cookie)))?;
        }
        Ok(())
    }

    /// Makes a token of the caller's: its secret is told once.
    pub(crate) fn add_token(&self, caller: &Caller, wanted: &Value, now: i64) -> Result<Value, Problem> {
        let scopes = words(&wanted["scopes"]);
        let known = |s: &String| SCOPES.iter().any(|(k, _)| k == s);
        if scopes.is_empty() || !scopes.iter().all(known) {
            let all: Vec<&str> = SCOPES.iter().map(|(s, _)| *s).collect();
            return Err(
                Problem::new(422, "bad-scopes", "a token has scopes").fix(format!("some of: {}", all.join(", ")))
            );
        }
        if let Some(held) = &caller.scopes
            && !scopes.iter().all(|s| held.contains(s))
        {
            return Err(Problem::new(403, "wider", "a token makes none that may more than itself"));
        }
        let days =
            wanted["days"].as_u64().and_then(|d| u32::try_from(d).ok()).filter(|d| (1..=TOKEN_DAYS_MAX).contains(d));
        let Some(days) = days else {
            return Err(Problem::new(422, "bad-days", format!("`days` is 1 to {TOKEN_DAYS_MAX}")));
        };
        let name = word(&wanted["name"]).trim().to_string();
        if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
            return Err(Problem::new(422, "bad-name", "a token has a name of at most 100 bytes"));
        }
        let secret = format!("fh_{}", secret()?);
        let expires = now.saturating_add(i64::from(days) * freehold_governance::DAY_MICROS);
        let body = json!({"login": caller.login, "name": name, "scopes": scopes, "created": now});
        let id = hashed(&secret);
        self.shelf(|s| s.create("token", &id, &body.to_string(), expires, now))?;
        Ok(json!({"id": id, "name": name, "scopes": scopes, "expires": expires, "secret": secret}))
    }

    /// The tokens of one person, or of everybody.
    pub(crate) fn tokens(&self, of: Option<&str>, now: i64) -> Result<Vec<Value>, Problem> {
        let items = self.shelf(|s| s.list("token", "", 10_000, now))?;
        let one = |i: &freehold_register::Item| {
            let t = parsed(&i.body);
            json!({"id": i.id, "login": t["login"], "name": t["name"], "scopes": t["scopes"], "created": t["created"], "expires": i.expires})
        };
        let mine = |t: &Value| of.is_none_or(|l| t["login"] == l);
        Ok(items.iter().map(one).filter(mine).collect())
    }
}

/// A cookie's value.
pub(crate) fn cookie(header: &str, name: &str) -> Option<String> {
    header.split(';').find_map(|c| c.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_string))
}

/// Whether two secrets are the same, told in a time that says nothing of where they differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && hashed(a) == hashed(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_told_apart_and_kept_as_hashes() {
        let hash = password_hash("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$") && is_password("correct horse battery", &hash));
        assert!(!is_password("correct horse batterz", &hash) && !is_password("", NOBODY));
        assert!(password_hash("short").is_err() && password_hash(&"x".repeat(300)).is_err());
    }

    #[test]
    fn logins_are_what_a_url_takes() {
        assert_eq!(login_of(" Ada@Example.org ").unwrap(), "ada@example.org");
        for bad in ["", "a b", "a/b", "ä", "<b>", "a\nb"] {
            assert!(login_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        assert_eq!(cookie("a=1; freehold_session=x; b=2", COOKIE).as_deref(), Some("x"));
        assert_eq!(cookie("xfreehold_session=x", COOKIE), None);
        assert_eq!(cookie("freehold_sessions=x", COOKIE), None);
    }
}
