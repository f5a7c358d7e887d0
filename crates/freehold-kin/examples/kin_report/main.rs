//! How well kinship is told, on models that are made here: small transformers, trained for real, and what people do to
//! models. Prints the table of `docs/kin.md`.
//!
//! `cargo run --release -p freehold-kin --example kin_report [BASES]`: so many bases to calibrate on and as many to
//! report on (default 4). Everything follows from the seeds.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::needless_range_loop,
    clippy::type_complexity,
    reason = "an experiment on numbers of its own, run by hand"
)]

mod forms;
mod make;
#[path = "../../tests/common/mod.rs"]
mod saved;
mod train;

use std::collections::BTreeMap;
use std::path::Path;

use forms::Packed;
use freehold_artifact::ReadAt;
use freehold_kin::{Kinship, Model, Relation, compare};
use make::{Store, files};
use train::{Language, Net, adapt, train};

/// What a pair really is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Truth {
    Is(Relation),
    /// The model says what the other says, and no number shows it: counted apart.
    Disguised,
}

struct Case {
    what: &'static str,
    truth: Truth,
    found: Kinship,
}

fn write(dir: &Path, name: &str, files: &[Vec<u8>]) -> Vec<std::path::PathBuf> {
    let path = |i: usize| dir.join(format!("{name}-{i}.bin"));
    files.iter().enumerate().for_each(|(i, bytes)| std::fs::write(path(i), bytes).unwrap());
    (0..files.len()).map(path).collect()
}

fn pair(dir: &Path, a: &[Vec<u8>], b: &[Vec<u8>]) -> Kinship {
    let read = |paths: Vec<std::path::PathBuf>| paths.iter().map(|p| std::fs::read(p).unwrap()).collect::<Vec<_>>();
    let (a, b) = (read(write(dir, "a", a)), read(write(dir, "b", b)));
    fn lend(all: &[Vec<u8>]) -> Vec<(String, &dyn ReadAt)> {
        all.iter().enumerate().map(|(i, f)| (format!("{i}"), f as &dyn ReadAt)).collect()
    }
    let (ma, mb) = (Model::open(lend(&a)), Model::open(lend(&b)));
    assert!(ma.diagnostics().is_empty() && mb.diagnostics().is_empty());
    compare(&ma, &mb)
}

/// Quantized forms, and the names of their pairs: the base, fine-tuned, with norms and words still, an adapter of rank 8,
/// a stranger.
const FORMS: &[(Packed, [&str; 5])] = &[
    (
        Packed::Fp8,
        [
            "FP8",
            "fine-tuned, then FP8",
            "norms and words still, then FP8",
            "adapter of rank 8, then FP8",
            "stranger, FP8",
        ],
    ),
    (
        Packed::Fp8Block,
        [
            "FP8, blocks",
            "fine-tuned, then FP8, blocks",
            "norms and words still, then FP8, blocks",
            "adapter of rank 8, then FP8, blocks",
            "stranger, FP8, blocks",
        ],
    ),
    (
        Packed::GptqRounded,
        [
            "GPTQ form, rounded",
            "fine-tuned, then GPTQ form, rounded",
            "norms and words still, then GPTQ form, rounded",
            "adapter of rank 8, then GPTQ form, rounded",
            "stranger, GPTQ form, rounded",
        ],
    ),
    (
        Packed::Gptq,
        [
            "GPTQ",
            "fine-tuned, then GPTQ",
            "norms and words still, then GPTQ",
            "adapter of rank 8, then GPTQ",
            "stranger, GPTQ",
        ],
    ),
    (
        Packed::Gptq8,
        [
            "GPTQ, 8 bits",
            "fine-tuned, then GPTQ, 8 bits",
            "norms and words still, then GPTQ, 8 bits",
            "adapter of rank 8, then GPTQ, 8 bits",
            "stranger, GPTQ, 8 bits",
        ],
    ),
    (
        Packed::Awq,
        [
            "AWQ",
            "fine-tuned, then AWQ",
            "norms and words still, then AWQ",
            "adapter of rank 8, then AWQ",
            "stranger, AWQ",
        ],
    ),
    (
        Packed::Nf4,
        [
            "NF4",
            "fine-tuned, then NF4",
            "norms and words still, then NF4",
            "adapter of rank 8, then NF4",
            "stranger, NF4",
        ],
    ),
    (
        Packed::Int8,
        [
            "int8",
            "fine-tuned, then int8",
            "norms and words still, then int8",
            "adapter of rank 8, then int8",
            "stranger, int8",
        ],
    ),
    (
        Packed::Mlx,
        [
            "MLX",
            "fine-tuned, then MLX",
            "norms and words still, then MLX",
            "adapter of rank 8, then MLX",
            "stranger, MLX",
        ],
    ),
];

/// Every derivative of one base, and strangers.
fn family(seed: u64) -> Vec<Case> {
    use Relation::{AdapterMerged, Derived, Same, SameRounded, Unrelated};
    use Store::{Bf16, F16, F32, GgufF16, GgufMxfp4, GgufQ2K, GgufQ4, GgufQ4K, GgufQ8, Torch, TorchOld};
    let dir = std::env::temp_dir().join(format!("kin-report-{}-{seed}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (own, other) = (Language::new(seed), Language::new(seed + 500));
    let none = |_: &train::Matrix| false;
    let mut base = Net::fresh(seed);
    let start = train(&mut Net::fresh(seed), &own, (1, 0.0, seed), None, &none);
    let end = train(&mut base, &own, (100, 3e-3, seed), None, &none);
    let tuned = |steps: i32, rate: f32, salt: u64, still: &dyn Fn(&train::Matrix) -> bool| {
        let mut net = base.clone();
        train(&mut net, &other, (steps, rate, seed + salt), None, still);
        net
    };
    let mut stranger = Net::fresh(seed + 9000);
    let other_end = train(&mut stranger, &own, (100, 3e-3, seed + 9000), None, &none);
    println!("seed {seed}: loss {start:.2} at first, {end:.2} trained; a stranger on the same language {other_end:.2}");
    let mut foreign = Net::fresh(seed + 9100);
    train(&mut foreign, &other, (60, 3e-3, seed + 9100), None, &none);
    let mut pupil = Net::fresh(seed + 9200);
    train(&mut pupil, &own, (60, 3e-3, seed + 9200), Some(&base), &none);
    let (one, two) = (tuned(30, 1e-3, 1, &none), tuned(30, 1e-3, 2, &none));
    let gentle = tuned(20, 3e-5, 3, &none);
    let frozen = tuned(30, 3e-4, 4, &|m| !m.is_projection());
    let hard = tuned(100, 3e-3, 5, &none);
    let harder = tuned(60, 6e-3, 6, &none);
    let low: Vec<Net> = [4, 8, 16].iter().map(|r| adapt(&base, &other, (25, 3e-3, seed + 7), *r)).collect();
    let weak = adapt(&base, &other, (15, 3e-4, seed + 8), 8);
    let mut words = make::longer(&base, 64, seed);
    train(&mut words, &other, (20, 3e-4, seed + 9), None, &none);
    let short = make::rounded(&base);
    let mut transplanted = foreign.clone();
    transplanted.all[0] = base.all[0].clone();

    let mut out = Vec::new();
    let mut add = |what: &'static str, truth: Truth, a: (&Net, Store), b: (&Net, Store)| {
        let shards = if what.contains("shards") { 3 } else { 1 };
        let found = pair(&dir, &files(a.0, a.1, 1), &files(b.0, b.1, shards));
        out.push(Case { what, truth, found });
    };
    let is = Truth::Is;
    add("a copy, in shards", is(Same), (&base, F32), (&base, F32));
    add("a copy, BF16", is(Same), (&base, Bf16), (&base, Bf16));
    add("BF16 kept as F32", is(Same), (&short, F32), (&short, Bf16));
    add("rounded to BF16", is(SameRounded), (&base, F32), (&base, Bf16));
    add("rounded to F16", is(SameRounded), (&base, F32), (&base, F16));
    add("BF16 against F16", is(SameRounded), (&base, Bf16), (&base, F16));
    add("GGUF F16", is(SameRounded), (&base, F32), (&base, GgufF16));
    add("GGUF Q8_0", is(SameRounded), (&base, F32), (&base, GgufQ8));
    add("GGUF Q8_0 of BF16", is(SameRounded), (&short, Bf16), (&short, GgufQ8));
    add("GGUF Q4_0", is(SameRounded), (&base, F32), (&base, GgufQ4));
    add("Q8_0 against Q4_0", is(SameRounded), (&base, GgufQ8), (&base, GgufQ4));
    add("fine-tuned", is(Derived), (&base, F32), (&one, F32));
    add("fine-tuned, BF16", is(Derived), (&base, Bf16), (&one, Bf16));
    add("fine-tuned gently", is(Derived), (&base, F32), (&gentle, F32));
    add("fine-tuned gently, BF16", is(Derived), (&base, Bf16), (&gentle, Bf16));
    add("fine-tuned, norms and words still", is(Derived), (&base, F32), (&frozen, F32));
    add("fine-tuned, norms and words still, BF16", is(Derived), (&base, Bf16), (&frozen, Bf16));
    add("fine-tuned, then Q8_0", is(Derived), (&base, F32), (&one, GgufQ8));
    add("fine-tuned, then Q4_0", is(Derived), (&base, F32), (&one, GgufQ4));
    add("fine-tuned gently, then Q8_0", is(Derived), (&base, F32), (&gentle, GgufQ8));
    add("fine-tuned gently, then Q4_0", is(Derived), (&base, F32), (&gentle, GgufQ4));
    add("norms and words still, then Q4_0", is(Derived), (&base, F32), (&frozen, GgufQ4));
    add("both Q4_0, one fine-tuned", is(Derived), (&base, GgufQ4), (&one, GgufQ4));
    add("two fine-tunes of one base", is(Derived), (&one, F32), (&two, F32));
    add("merged, linear", is(Derived), (&base, F32), (&make::merge(&one, &two, 0.5, false), F32));
    add("merged, on the sphere", is(Derived), (&base, F32), (&make::merge(&one, &two, 0.4, true), F32));
    add("merged, against its parent", is(Derived), (&one, Bf16), (&make::merge(&one, &two, 0.5, false), Bf16));
    add("merged with a stranger, half", is(Derived), (&base, F32), (&make::merge(&base, &stranger, 0.5, false), F32));
    add("trained on, as long as before", is(Derived), (&base, F32), (&hard, F32));
    add("trained on, twice the rate", is(Derived), (&base, F32), (&harder, F32));
    add("5 % noise", is(Derived), (&base, F32), (&make::noisy(&base, 0.05, seed), F32));
    add("100 % noise", is(Derived), (&base, F32), (&make::noisy(&base, 1.0, seed), F32));
    add("300 % noise", is(Derived), (&base, F32), (&make::noisy(&base, 3.0, seed), F32));
    add("more words, fine-tuned", is(Derived), (&base, F32), (&words, F32));
    add("a layer left out", is(Derived), (&base, F32), (&make::stacked(&base, &[0, 1, 3]), F32));
    add("layers doubled", is(Derived), (&base, F32), (&make::stacked(&base, &[0, 1, 2, 1, 2, 3]), F32));
    add("fine-tuned, layers doubled", is(Derived), (&base, F32), (&make::stacked(&one, &[0, 1, 2, 1, 2, 3]), F32));
    add("heads and channels permuted", is(Derived), (&base, F32), (&make::inner_permuted(&base, seed), F32));
    add("all channels permuted", is(Derived), (&base, F32), (&make::outer_permuted(&base, seed), F32));
    add("adapter of rank 4", is(AdapterMerged), (&base, F32), (&low[0], F32));
    add("adapter of rank 8", is(AdapterMerged), (&base, F32), (&low[1], F32));
    add("adapter of rank 16", is(AdapterMerged), (&base, F32), (&low[2], F32));
    add("adapter of rank 8, BF16", is(AdapterMerged), (&short, Bf16), (&low[1], Bf16));
    add("adapter of rank 16, BF16 base and F16", is(AdapterMerged), (&short, Bf16), (&low[2], F16));
    add("weak adapter of rank 8", is(AdapterMerged), (&base, F32), (&weak, F32));
    add("weak adapter of rank 8, BF16", is(AdapterMerged), (&short, Bf16), (&weak, Bf16));
    add("adapter of rank 8, then Q8_0", is(AdapterMerged), (&base, F32), (&low[1], GgufQ8));
    add("fresh seeds, untrained", is(Unrelated), (&Net::fresh(seed), F32), (&Net::fresh(seed + 1), F32));
    add("stranger, same language", is(Unrelated), (&base, F32), (&stranger, F32));
    add("stranger, other language", is(Unrelated), (&base, F32), (&foreign, F32));
    add("stranger, BF16", is(Unrelated), (&base, Bf16), (&stranger, Bf16));
    add("stranger, Q8_0", is(Unrelated), (&base, F32), (&stranger, GgufQ8));
    add("stranger, both Q4_0", is(Unrelated), (&base, GgufQ4), (&stranger, GgufQ4));
    add("stranger, layers doubled", is(Unrelated), (&base, F32), (&make::stacked(&foreign, &[0, 1, 2, 1, 2, 3]), F32));
    add("fine-tune against stranger", is(Unrelated), (&one, F32), (&foreign, F32));
    add("strangers, two languages", is(Unrelated), (&stranger, F32), (&foreign, F32));
    add("stranger with the base's embedding", is(Derived), (&base, F32), (&transplanted, F32));
    add("all channels turned", Truth::Disguised, (&base, F32), (&make::turned(&base, seed), F32));
    add(
        "all channels permuted, 5 % noise",
        Truth::Disguised,
        (&base, F32),
        (&make::noisy(&make::outer_permuted(&base, seed), 0.05, 1), F32),
    );
    add("distilled into a fresh model", Truth::Disguised, (&base, F32), (&pupil, F32));
    add("torch archive, BF16", is(Same), (&base, Bf16), (&base, Torch));
    add("torch before archives, BF16", is(Same), (&base, Bf16), (&base, TorchOld));
    add("GGUF Q4_K and Q4_0", is(SameRounded), (&base, F32), (&base, GgufQ4K));
    add("GGUF Q2_K and Q4_0", is(SameRounded), (&base, F32), (&base, GgufQ2K));
    add("GGUF MXFP4", is(SameRounded), (&base, F32), (&base, GgufMxfp4));
    add("fine-tuned, then Q4_K and Q4_0", is(Derived), (&base, F32), (&one, GgufQ4K));
    add("fine-tuned, then Q2_K and Q4_0", is(Derived), (&base, F32), (&one, GgufQ2K));
    add("stranger, Q2_K and Q4_0", is(Unrelated), (&base, F32), (&stranger, GgufQ2K));
    add("fine-tuned, torch archive", is(Derived), (&base, Bf16), (&one, Torch));
    for (form, names) in FORMS {
        let q = Store::Packed(*form);
        add(names[0], is(SameRounded), (&base, F32), (&base, q));
        add(names[1], is(Derived), (&base, F32), (&one, q));
        add(names[2], is(Derived), (&base, F32), (&frozen, q));
        add(names[3], is(AdapterMerged), (&base, F32), (&low[1], q));
        add(names[4], is(Unrelated), (&base, F32), (&stranger, q));
    }
    let q = |form| Store::Packed(form);
    add("GPTQ against GGUF Q4_0", is(SameRounded), (&base, q(Packed::Gptq)), (&base, GgufQ4));
    add("GPTQ against AWQ", is(SameRounded), (&base, q(Packed::Gptq)), (&base, q(Packed::Awq)));
    add("stranger, both GPTQ", is(Unrelated), (&base, q(Packed::Gptq)), (&stranger, q(Packed::Gptq)));
    // for the calibration of the score: noise until nothing is left
    for amount in [4.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0] {
        let noise = make::noisy(&base, amount, seed + 3);
        add("more noise", is(Derived), (&base, F32), (&noise, F32));
    }
    for salt in 0..10 {
        let fresh = Net::fresh(seed + 20_000 + salt);
        add("more strangers", is(Unrelated), (&base, F32), (&fresh, F32));
    }
    std::fs::remove_dir_all(&dir).unwrap();
    out
}

/// Center and width of the curve from closeness to score, by likelihood.
fn fit(cases: &[Case]) -> (f64, f64) {
    let points: Vec<(f64, f64)> = cases
        .iter()
        .filter(|c| c.truth != Truth::Disguised)
        .map(|c| (c.found.closeness, if c.truth == Truth::Is(Relation::Unrelated) { 0.0 } else { 1.0 }))
        .collect();
    let loss = |center: f64, width: f64| -> f64 {
        points
            .iter()
            .map(|(x, y)| {
                let p = (1.0 / (1.0 + ((center - x) / width).exp())).clamp(1e-9, 1.0 - 1e-9);
                -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
            })
            .sum()
    };
    let grid = (1..100).flat_map(|c| (2..60).map(move |w| (f64::from(c) / 200.0, f64::from(w) / 1000.0)));
    grid.min_by(|p, q| loss(p.0, p.1).total_cmp(&loss(q.0, q.1))).unwrap()
}

fn report(cases: &[Case]) {
    use Relation::{AdapterMerged, CannotTell, Derived, Same, SameRounded, Unrelated};
    let main: Vec<&Case> = cases
        .iter()
        .filter(|c| c.truth != Truth::Disguised && !c.what.starts_with("more n") && !c.what.starts_with("more s"))
        .collect();
    let columns = [Same, SameRounded, AdapterMerged, Derived, Unrelated, CannotTell];
    println!("\n| really \\ said | {} |", columns.map(Relation::as_str).join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    let count =
        |t: Relation, f: Relation| main.iter().filter(|c| c.truth == Truth::Is(t) && c.found.relation == f).count();
    for t in columns.into_iter().filter(|t| *t != CannotTell) {
        let row: Vec<String> = columns.iter().map(|f| count(t, *f).to_string()).collect();
        println!("| {} | {} |", t.as_str(), row.join(" | "));
    }
    println!("\n| answer | precision | recall |\n|---|---|---|");
    let share = |n: usize, of: usize| {
        if of == 0 { "–".to_string() } else { format!("{:.3} ({n}/{of})", n as f64 / of as f64) }
    };
    for t in columns.into_iter().filter(|t| *t != CannotTell) {
        let said = main.iter().filter(|c| c.found.relation == t).count();
        let truly = main.iter().filter(|c| c.truth == Truth::Is(t)).count();
        println!("| {} | {} | {} |", t.as_str(), share(count(t, t), said), share(count(t, t), truly));
    }
    let kin = |r: Relation| !matches!(r, Unrelated | CannotTell);
    let truly = |c: &&&Case| matches!(c.truth, Truth::Is(r) if kin(r));
    let said = main.iter().filter(|c| kin(c.found.relation)).count();
    let right = main.iter().filter(truly).filter(|c| kin(c.found.relation)).count();
    println!("| kin at all | {} | {} |", share(right, said), share(right, main.iter().filter(truly).count()));

    println!("\n| score | pairs | kin |\n|---|---|---|");
    let scored: Vec<&Case> = cases.iter().filter(|c| c.truth != Truth::Disguised).collect();
    for (from, to) in [(0.0, 0.1), (0.1, 0.25), (0.25, 0.75), (0.75, 0.95), (0.95, 1.01)] {
        let within: Vec<&&Case> = scored.iter().filter(|c| (from..to).contains(&c.found.score)).collect();
        let kin = within.iter().filter(|c| c.truth != Truth::Is(Unrelated)).count();
        println!("| {from:.2} to {:.2} | {} | {} |", f64::min(to, 1.0), within.len(), share(kin, within.len()));
    }
    let mut rows: BTreeMap<&str, (usize, Truth, BTreeMap<&str, usize>, f64, f64)> = BTreeMap::new();
    let mut order = Vec::new();
    for c in cases {
        let row = rows.entry(c.what).or_insert_with(|| {
            order.push(c.what);
            (0, c.truth, BTreeMap::new(), f64::MAX, f64::MIN)
        });
        row.0 += 1;
        *row.2.entry(c.found.relation.as_str()).or_default() += 1;
        row.3 = row.3.min(c.found.closeness);
        row.4 = row.4.max(c.found.closeness);
    }
    println!("\n| pair | really | said | closeness |\n|---|---|---|---|");
    for what in order {
        let (_, truth, said, low, high) = &rows[what];
        let truth = match truth {
            Truth::Is(r) => r.as_str(),
            Truth::Disguised => "kin, disguised",
        };
        let said: Vec<String> = said.iter().map(|(r, n)| format!("{r} {n}")).collect();
        println!("| {what} | {truth} | {} | {low:.3} to {high:.3} |", said.join(", "));
    }
    let bytes =
        |of: &dyn Fn(&Kinship) -> (u64, u64)| cases.iter().map(|c| of(&c.found).0 + of(&c.found).1).sum::<u64>();
    let (read, total) = (bytes(&|k| k.bytes_read), bytes(&|k| k.bytes_total));
    println!(
        "\nread {} kB of {} kB a pair ({:.1} %)",
        read / 1024 / cases.len() as u64,
        total / 1024 / cases.len() as u64,
        read as f64 / total as f64 * 100.0
    );
}

fn main() {
    let bases: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(4);
    let all = |first: u64| {
        let run = |from: u64| {
            move || (0..bases).filter(|i| i % 2 == from).flat_map(|i| family(first + i)).collect::<Vec<_>>()
        };
        std::thread::scope(|s| {
            let (a, b) = (s.spawn(run(0)), s.spawn(run(1)));
            let mut cases = a.join().unwrap();
            cases.extend(b.join().unwrap());
            cases
        })
    };
    println!("calibration");
    let cases = all(1000);
    let (center, width) = fit(&cases);
    println!("fitted: center {center}, width {width}");
    report(&cases);
    println!("report");
    report(&all(2000));
}
