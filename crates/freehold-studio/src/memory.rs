//! What a training will need of memory, before it begins.

use crate::config::Architecture;

/// Bytes that are estimated, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Estimate {
    /// The base, as stored: mapped, and given back by the system when memory is short.
    pub base: u64,
    /// The adapter four times over: itself, its gradient, two running means.
    pub adapter: u64,
    /// What layers keep of a batch.
    pub kept: u64,
    /// The widest layer at work, the logits, and what is widened from half.
    pub working: u64,
}

impl Estimate {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.base.saturating_add(self.adapter).saturating_add(self.kept).saturating_add(self.working)
    }
}

/// What a batch of `tokens` needs. `base` is the bytes of the base's files, `adapter` the numbers of the adapter.
pub fn estimate(s: &Architecture, tokens: usize, base: u64, adapter: u64, recompute: bool) -> Estimate {
    let wide = |a: usize, b: usize| (a as u64).saturating_mul(b as u64).saturating_mul(4);
    let attention = s.qkv_width() + 2 * s.heads * s.head_width;
    // the stream, its middle, queries to values, what came out, gate and up
    let layer = 3 * s.hidden + attention + 2 * s.intermediate;
    let kept = match recompute {
        true => wide(tokens, s.hidden).saturating_mul(s.layers as u64),
        false => wide(tokens, layer).saturating_mul(s.layers as u64),
    };
    let rows = (4_194_304 / s.vocabulary.max(1)).max(64).min(tokens);
    let working =
        wide(tokens, layer + attention + 3 * s.intermediate + 4 * s.hidden) + wide(rows, s.vocabulary) + (64 << 20);
    Estimate { base, adapter: adapter.saturating_mul(16), kept, working }
}

/// Bytes of memory that are free to use, where the system says so.
pub fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes: u64 =
        text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?.split_whitespace().next()?.parse().ok()?;
    let free = kilobytes.saturating_mul(1024);
    // a container may be allowed less than the machine has
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max").or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    let used = number("/sys/fs/cgroup/memory.current").unwrap_or(0);
    Some(limit.map_or(free, |l| free.min(l.saturating_sub(used))))
}

/// Bytes as a person reads them.
pub fn shown(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", units[unit]) }
}
