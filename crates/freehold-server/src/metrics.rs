//! Counters in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::app::held;

/// Upper ends of the buckets of times, in seconds.
const ENDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Default)]
struct Timed {
    counts: Vec<u64>,
    sum: f64,
    all: u64,
}

#[derive(Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(String, u16), u64>>,
    times: Mutex<BTreeMap<String, Timed>>,
    pub(crate) open: AtomicI64,
    pub(crate) delivered: AtomicU64,
    pub(crate) undelivered: AtomicU64,
}

impl Metrics {
    pub(crate) fn request(&self, route: &str, status: u16, seconds: f64) {
        *held(&self.requests).entry((route.to_string(), status)).or_default() += 1;
        let mut times = held(&self.times);
        let t = times.entry(route.to_string()).or_default();
        t.counts.resize(ENDS.len(), 0);
        for (count, _) in t.counts.iter_mut().zip(ENDS).filter(|(_, end)| seconds <= **end) {
            *count += 1;
        }
        t.sum += seconds;
        t.all += 1;
    }

    /// The page; `register` is how many events the log has, `more` are lines of others.
    pub(crate) fn page(&self, register: u64) -> String {
        let mut out = String::from(
            "# HELP freehold_requests_total Requests by route and status.\n# TYPE freehold_requests_total counter\n",
        );
        for ((route, status), n) in held(&self.requests).iter() {
            let _ = writeln!(out, "freehold_requests_total{{route=\"{route}\",status=\"{status}\"}} {n}");
        }
        out.push_str("# HELP freehold_request_seconds Time to answer.\n# TYPE freehold_request_seconds histogram\n");
        for (route, t) in held(&self.times).iter() {
            for (end, n) in ENDS.iter().zip(&t.counts) {
                let _ = writeln!(out, "freehold_request_seconds_bucket{{route=\"{route}\",le=\"{end}\"}} {n}");
            }
            let _ = writeln!(out, "freehold_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {}", t.all);
            let _ = writeln!(out, "freehold_request_seconds_sum{{route=\"{route}\"}} {}", t.sum);
            let _ = writeln!(out, "freehold_request_seconds_count{{route=\"{route}\"}} {}", t.all);
        }
        for (name, kind, says, value) in [
            (
                "freehold_requests_open",
                "gauge",
                "Requests that are being answered.",
                self.open.load(Ordering::Relaxed).to_string(),
            ),
            ("freehold_register_events", "gauge", "Events in the log.", register.to_string()),
            (
                "freehold_webhooks_delivered_total",
                "counter",
                "Deliveries that were taken.",
                self.delivered.load(Ordering::Relaxed).to_string(),
            ),
            (
                "freehold_webhooks_failed_total",
                "counter",
                "Attempts that failed.",
                self.undelivered.load(Ordering::Relaxed).to_string(),
            ),
        ] {
            let _ = writeln!(out, "# HELP {name} {says}\n# TYPE {name} {kind}\n{name} {value}");
        }
        out
    }
}
