//! Webhooks: what happens to records, told to addresses that compliance names, signed by HMAC-SHA-256. A delivery is kept until it is
//! taken or was tried often enough; of several instances one delivers it.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use freehold_register::new_id;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::api::records::Whole;
use crate::app::App;
use crate::call::Problem;
use crate::people::{hex, secret, words};

/// Most webhooks.
const HOOKS_MAX: usize = 100;
/// How often a delivery is tried.
const TRIES_MAX: u64 = 8;
/// Deliveries that a round looks at, and that it makes: those that wait for a dead address stop no others.
const WAITING_MAX: u32 = 5_000;
const ROUND_MAX: usize = 100;
/// How long one try is another instance's, in microseconds.
const LEASE_MICROS: i64 = 60_000_000;
/// How long a delivery is kept in all.
const KEPT_MICROS: i64 = 3 * 86_400_000_000;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether an address is one of the open network: not this machine, not a network behind it, not a cloud's own.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || v4.is_unspecified()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => {
                let first = v6.segments().first().copied().unwrap_or(0);
                // of what is handed out, 2000::/3, without tunnels that carry an address of the other kind and examples
                (0x2000..0x4000).contains(&first)
                    && first != 0x2002
                    && !(first == 0x2001 && v6.segments().get(1).is_some_and(|s| *s == 0 || *s == 0xdb8))
            }
        },
    }
}

/// Looks names up and gives public addresses alone: looked at and connected to is the same address.
#[derive(Debug)]
struct Public {
    private_too: bool,
}

impl Resolver for Public {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_string();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let found = (host.as_str(), port).to_socket_addrs().map_err(|_| ureq::Error::HostNotFound)?;
        let mut out = self.empty();
        let fits = found.filter(|a: &SocketAddr| self.private_too || is_public(a.ip()));
        fits.take(8).for_each(|a| out.push(a));
        if out.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(out) }
    }
}

/// A client that goes where it is sent and nowhere else.
pub(crate) fn client(private_too: bool) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .proxy(None)
        .user_agent("freehold")
        .build();
    ureq::Agent::with_parts(config, DefaultConnector::default(), Public { private_too })
}

/// Whether changes may be told to an address.
fn address(url: &str, private_too: bool) -> Result<String, Problem> {
    let bad = |says: &str| Problem::new(422, "bad-address", says.to_string());
    let uri: ureq::http::Uri = url.parse().map_err(|_| bad("it is no address"))?;
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if private_too => {}
        _ => return Err(bad("an address of a webhook begins with https://")),
    }
    let host = uri.host().unwrap_or_default();
    if host.is_empty() || uri.authority().is_some_and(|a| a.as_str().contains('@')) || url.len() > 2000 {
        return Err(bad("an address has a host, and no name and password"));
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>()
        && !private_too
        && !is_public(ip)
    {
        return Err(bad("the address lies on a private network").fix("--private-webhooks lets them"));
    }
    Ok(url.to_string())
}

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_default()
}

/// `t=…,v1=…` over the moment and the body.
pub(crate) fn signature(secret: &str, at: i64, body: &str) -> String {
    let seconds = at / 1_000_000;
    let signed = format!("{seconds}.{body}");
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mut m| {
        m.update(signed.as_bytes());
        m.finalize().into_bytes()
    });
    format!("t={seconds},v1={}", mac.map(|m| hex(&m)).unwrap_or_default())
}

impl App {
    pub(crate) fn add_hook(&self, value: &Value, now: i64) -> Result<Value, Problem> {
        let url = address(value["url"].as_str().unwrap_or_default().trim(), self.config.private_hooks)?;
        let events = words(&value["events"]);
        if events.len() > 40 || events.iter().any(|e| e.len() > 40) {
            return Err(Problem::new(422, "bad-events", "`events` is a list of at most 40 words"));
        }
        if self.hooks(now)?.len() >= HOOKS_MAX {
            return Err(Problem::new(409, "too-many", format!("at most {HOOKS_MAX} webhooks")));
        }
        let (id, key) = (new_id(now)?, secret()?);
        let body = json!({"url": url, "events": events, "secret": key, "created": now});
        self.shelf(|s| s.create("hook", &id, &body.to_string(), 0, now))?;
        Ok(json!({"id": id, "url": url, "events": events, "secret": key}))
    }

    /// Webhooks without their secrets.
    pub(crate) fn hooks(&self, now: i64) -> Result<Vec<Value>, Problem> {
        let items = self.shelf(|s| s.list("hook", "", 1000, now))?;
        Ok(items
            .iter()
            .map(|i| {
                let h = parsed(&i.body);
                json!({"id": i.id, "url": h["url"], "events": h["events"], "created": h["created"], "last": h["last"]})
            })
            .collect())
    }

    /// Tells that something happened to a record: a delivery for each webhook that wants it.
    pub(crate) fn tell(&self, event: &str, w: &Whole, now: i64) {
        let told = || -> Result<(), Problem> {
            let items = self.shelf(|s| s.list("hook", "", 1000, now))?;
            for item in items {
                let hook = parsed(&item.body);
                let wanted = words(&hook["events"]);
                if !wanted.is_empty() && !wanted.iter().any(|e| e == event) {
                    continue;
                }
                let id = new_id(now)?;
                let body = json!({
                    "schema": "freehold.webhook/1", "id": id, "event": event, "at": freehold_governance::moment_of(now),
                    "record": {"id": w.id, "name": w.json["name"], "state": w.json["state"], "verdict": w.record.outcome["verdict"], "revision": w.record.events},
                });
                let delivery =
                    json!({"hook": item.id, "event": event, "body": body.to_string(), "tries": 0, "next": now});
                self.shelf(|s| s.create("delivery", &id, &delivery.to_string(), now.saturating_add(KEPT_MICROS), now))?;
            }
            Ok(())
        };
        // the record is written; that nobody could be told is for the log
        if let Err(p) = told() {
            crate::routes::log_line(&json!({"webhooks": p.says}).to_string());
        }
    }

    /// One round of deliveries: how many were taken.
    pub(crate) fn deliver(&self, client: &ureq::Agent, now: i64) -> Result<usize, Problem> {
        let mut taken = 0;
        let mut tried = 0;
        for item in self.shelf(|s| s.list("delivery", "", WAITING_MAX, now))? {
            // one that answers slowly makes no signature old
            let now = now.max(freehold_governance::now());
            if tried >= ROUND_MAX {
                break;
            }
            let mut d = parsed(&item.body);
            let tries = d["tries"].as_u64().unwrap_or(0);
            if d["next"].as_i64().unwrap_or(0) > now {
                continue;
            }
            tried += 1;
            // whoever replaces it first delivers it
            d["tries"] = json!(tries + 1);
            d["next"] = json!(now.saturating_add(LEASE_MICROS));
            if !self.shelf(|s| s.replace("delivery", &item.id, item.rev, &d.to_string(), item.expires))? {
                continue;
            }
            let hook = self.shelf(|s| s.get("hook", d["hook"].as_str().unwrap_or_default(), now))?;
            let Some(hook) = hook else {
                self.shelf(|s| s.remove("delivery", &item.id))?;
                continue;
            };
            let h = parsed(&hook.body);
            let (url, body) = (h["url"].as_str().unwrap_or_default(), d["body"].as_str().unwrap_or_default());
            let sent = client
                .post(url)
                .header("content-type", "application/json")
                .header("freehold-event", d["event"].as_str().unwrap_or_default())
                .header("freehold-delivery", &item.id)
                .header("freehold-signature", &signature(h["secret"].as_str().unwrap_or_default(), now, body))
                .send(body.as_bytes());
            let outcome = match sent {
                Ok(answer) if answer.status().is_success() => Ok(answer.status().as_u16()),
                Ok(answer) => Err(format!("answered {}", answer.status().as_u16())),
                Err(e) => Err(e.to_string()),
            };
            let mut seen = h.clone();
            seen["last"] = json!({"at": freehold_governance::moment_of(now), "says": match &outcome { Ok(s) => format!("taken ({s})"), Err(e) => e.clone() }});
            self.shelf(|s| s.replace("hook", &hook.id, hook.rev, &seen.to_string(), 0))?;
            match outcome {
                Ok(_) => {
                    taken += 1;
                    self.metrics.delivered.fetch_add(1, Ordering::Relaxed);
                    self.shelf(|s| s.remove("delivery", &item.id))?;
                }
                Err(_) if tries + 1 >= TRIES_MAX => {
                    self.metrics.undelivered.fetch_add(1, Ordering::Relaxed);
                    self.shelf(|s| s.remove("delivery", &item.id))?;
                }
                Err(_) => {
                    self.metrics.undelivered.fetch_add(1, Ordering::Relaxed);
                    let wait = 1_000_000_i64.saturating_mul(1 << tries.min(20));
                    d["next"] = json!(now.saturating_add(wait));
                    self.shelf(|s| s.replace("delivery", &item.id, item.rev + 1, &d.to_string(), item.expires))?;
                }
            }
        }
        Ok(taken)
    }
}

/// Delivers until it is told to stop.
pub(crate) fn work(app: &Arc<App>, stop: &AtomicBool) {
    let client = client(app.config.private_hooks);
    let mut rounds = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        let now = freehold_governance::now();
        let _ = app.deliver(&client, now);
        rounds = rounds.wrapping_add(1);
        if rounds.is_multiple_of(600) {
            let _ = app.shelf(|s| s.sweep(now));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_not_public() {
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "2002:a00::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "93.184.216.34", "2606:4700::1111"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn addresses_of_webhooks_are_looked_at() {
        assert!(address("https://hooks.example.org/x", false).is_ok());
        for bad in [
            "http://hooks.example.org",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://u:p@example.org/",
            "file:///etc/passwd",
            "gopher://x",
            "",
            "https://",
        ] {
            assert!(address(bad, false).is_err(), "{bad}");
        }
        assert!(address("http://127.0.0.1:9/x", true).is_ok());
    }

    #[test]
    fn a_signature_is_what_hmac_says() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac key
        let expected = "t=1700000000,v1=";
        let got = signature("key", 1_700_000_000_000_000, "{}");
        assert!(got.starts_with(expected) && got.len() == expected.len() + 64);
        assert_ne!(got, signature("yek", 1_700_000_000_000_000, "{}"));
    }
}
