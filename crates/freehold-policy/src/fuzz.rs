//! Entry point for the fuzzer; the same function replays the corpus in the ordinary tests.

use freehold_catalog::Catalog;

use crate::{NewWaiver, PolicyFile, Waivers, with_waiver};

/// A file as a policy, every environment of it; and as a file of waivers, read, and with one waiver more.
pub fn fuzz_policy(data: &[u8], catalog: &Catalog) {
    let text = String::from_utf8_lossy(data);
    let (policy, _) = PolicyFile::read("fuzz.toml", &text, catalog);
    let Some(policy) = policy else { return };
    let _ = policy.policy(None);
    for name in policy.environments().map(str::to_string).collect::<Vec<_>>() {
        assert!(policy.policy(Some(&name)).is_ok(), "an environment that is listed is there");
    }
    let _ = Waivers::read("fuzz.toml", &text, &policy);
    let new = NewWaiver { code: "missing-license".into(), reason: "x".into(), ..NewWaiver::default() };
    let _ = with_waiver(&text, &new);
}
