//! Times what a start spends on the law: from its TOML files, and from the loaded form that the build wrote down.
//!
//! `cargo run --release -p freehold-law --example load`

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::time::Instant;

use freehold_catalog::Catalog;

/// Rounds; the median counts.
const ROUNDS: usize = 21;

fn median(work: impl Fn() -> usize) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            assert!(work() > 0);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    println!("from {} files of TOML: {:.1} ms", freehold_law::files().len(), {
        median(|| Catalog::load(freehold_law::files()).0.licenses.len())
    });
    println!("from the loaded form: {:.1} ms", median(|| freehold_law::catalog().licenses.len()));
}
