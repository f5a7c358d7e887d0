//! Loss curves, logits and adapters against transformers and PEFT, whose numbers `golden.py` recorded.

use std::path::Path;

use freehold_studio::decoder::{Batch, Decoder, Step};
use freehold_studio::lora::{Adapter, Shape};
use freehold_studio::optimizer::{AdamW, Moments, Schedule, clip};
use serde_json::Value;

use crate::formula::{batch, units, write};

pub(crate) fn golden() -> Value {
    serde_json::from_str(include_str!("golden.json")).expect("golden numbers")
}

/// The adapter that both sides begin with.
pub(crate) fn adapter(model: &mut Decoder, rslora: bool) -> Adapter {
    let shape = Shape { rank: 4, alpha: 8.0, rslora, dropout: 0.0, targets: model.target_names() };
    let mut adapter = Adapter::new(shape, &model.modules(), 1);
    for pair in &mut adapter.pairs {
        let name = |side| format!("base_model.model.{}.lora_{side}.weight", pair.module);
        pair.a = units(&name("A"), pair.a.len()).map(|u| u * 0.1).collect();
        pair.b = units(&name("B"), pair.b.len()).map(|u| u * 0.05).collect();
    }
    model.attach(&adapter);
    adapter
}

const ADAMW: AdamW = AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };

/// The furthest that a probe's logits are from the recorded ones.
fn apart(model: &Decoder, adapter: &Adapter, batch: &Batch, golden: &Value) -> f64 {
    let (words, length) = (model.architecture.vocabulary, batch.sequences[0].len());
    let logits = model.logits(Some(adapter), batch);
    let mut most = 0.0f64;
    for (k, row) in golden["probe"].as_array().expect("probe").iter().enumerate() {
        let (sequence, position) = (k % 2, (k * 7 + 3) % length);
        for (j, wanted) in row.as_array().expect("row").iter().enumerate() {
            let got = logits[(sequence * length + position) * words + (j * 37 + position * 11) % words];
            most = most.max((f64::from(got) - wanted.as_f64().expect("a number")).abs());
        }
    }
    let squares: f64 = logits.iter().map(|l| f64::from(*l) * f64::from(*l)).sum();
    let wanted = golden["sumsq"].as_f64().expect("a number");
    assert!((squares / wanted - 1.0).abs() < 1e-4, "the squares of all logits: {squares} for {wanted}");
    most
}

fn furthest(losses: &[f64], golden: &Value) -> f64 {
    let wanted = golden.as_array().expect("losses").iter().map(|l| l.as_f64().expect("a number"));
    assert_eq!(losses.len(), 50);
    losses.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// One step on one batch; its mean loss.
fn step(model: &Decoder, adapter: &mut Adapter, moments: &mut Moments, batch: &Batch, recompute: bool) -> f64 {
    let mut gradients = adapter.gradients();
    let targets = batch.targets() as f32;
    let how = Step { recompute, dropout: 0.0, seed: 0, divide_by: targets };
    let loss = model.learn(adapter, batch, &how, &mut gradients).expect("a loss");
    ADAMW.step(adapter, &gradients, moments, 2e-3);
    loss / f64::from(targets)
}

fn family(name: &str, config: &Value, golden: &Value) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), config);
    let mut model = Decoder::open(folder.path()).unwrap_or_else(|e| panic!("{name}: {e:#?}"));
    let start = adapter(&mut model, false);
    let before = apart(&model, &start, &batch(0, 48), &golden["before"]);
    let short = apart(&model, &start, &batch(0, 24), &golden["short"]);
    let mut ends = Vec::new();
    let mut report = format!("{name}: logits before {before:.1e}, short {short:.1e}");
    for recompute in [false, true] {
        let mut adapter = start.clone();
        let mut moments = Moments::new(&adapter);
        let losses: Vec<f64> =
            (0..50).map(|s| step(&model, &mut adapter, &mut moments, &batch(s, 48), recompute)).collect();
        let curve = furthest(&losses, &golden["losses"]);
        let after = apart(&model, &adapter, &batch(0, 48), &golden["after"]);
        report += &format!(", curve {curve:.1e}, logits after {after:.1e}");
        assert!(curve < 1e-5 && after < 1e-4 && before < 1e-4 && short < 1e-4, "{report}");
        ends.push(adapter);
    }
    assert!(ends[0] == ends[1], "{name}: computing layers again changes the result");
    if std::env::var_os("FREEHOLD_SHOW_PARITY").is_some() {
        use std::io::Write as _;
        writeln!(std::io::stderr(), "{report}").expect("stderr");
    }
}

#[test]
fn every_family_learns_as_transformers_and_peft_do() {
    let golden = golden();
    let families = golden["families"].as_object().expect("families");
    assert_eq!(families.len(), 12);
    for (name, golden) in families {
        family(name, &golden["config"], golden);
    }
}

/// transformers 5 spells positions otherwise; both spellings mean the same model.
#[test]
fn both_spellings_of_a_config_are_one_shape() {
    for (name, golden) in golden()["families"].as_object().expect("families") {
        let read = |v: &Value| freehold_studio::config::read(v.to_string().as_bytes());
        // how the files happen to be stored is no part of the shape
        let shape = |v| read(v).map(|s| freehold_studio::config::Architecture { dtype: None, ..s });
        let (old, new) = (shape(&golden["config"]), shape(&golden["v5"]));
        assert_eq!(old, new, "{name}");
    }
}

#[test]
fn clipping_schedule_accumulation_and_rslora_agree() {
    let golden = golden();
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &golden["families"]["llama3"]["config"]);
    let mut model = Decoder::open(folder.path()).expect("a model");
    let mut adapter = adapter(&mut model, true);
    let mut moments = Moments::new(&adapter);
    let (mut losses, mut lengths) = (Vec::new(), Vec::new());
    for s in 0..50u64 {
        let batches = [batch(2 * s, 48), batch(2 * s + 1, 48)];
        let targets = batches.iter().map(Batch::targets).sum::<usize>() as f32;
        let mut gradients = adapter.gradients();
        let how = Step { recompute: true, dropout: 0.0, seed: 0, divide_by: targets };
        let sum: f64 = batches.iter().map(|b| model.learn(&adapter, b, &how, &mut gradients).expect("a loss")).sum();
        lengths.push(clip(&mut gradients, 0.5));
        ADAMW.step(&mut adapter, &gradients, &mut moments, 2e-3 * Schedule::Cosine.factor(s, 5, 50));
        losses.push(sum / f64::from(targets));
    }
    let golden = &golden["schedule"];
    assert!(furthest(&losses, &golden["losses"]) < 1e-5);
    assert!(furthest(&lengths, &golden["norms"]) < 1e-4);
    assert!(apart(&model, &adapter, &batch(0, 48), &golden["after"]) < 1e-4);
}

/// Every pair gets a gradient: of B in the first step, of A in the second (B begins at zero).
#[test]
fn no_pair_is_left_out() {
    for (name, golden) in golden()["families"].as_object().expect("families") {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &golden["config"]);
        let mut model = Decoder::open(folder.path()).expect("a model");
        let shape = Shape { rank: 4, alpha: 8.0, rslora: false, dropout: 0.0, targets: model.target_names() };
        let mut adapter = Adapter::new(shape, &model.modules(), 1);
        model.attach(&adapter);
        assert_eq!(adapter.pairs.len(), model.modules().len());
        let mut moments = Moments::new(&adapter);
        let first = adapter.clone();
        step(&model, &mut adapter, &mut moments, &batch(0, 48), true);
        let zero = |v: &[f32]| v.iter().all(|x| *x == 0.0);
        assert!(moments.means.iter().all(|(a, b)| zero(a) && !zero(b)), "{name}");
        step(&model, &mut adapter, &mut moments, &batch(1, 48), true);
        assert!(moments.means.iter().all(|(a, _)| !zero(a)), "{name}");
        assert!(adapter.pairs.iter().zip(&first.pairs).all(|(now, then)| now.a != then.a && now.b != then.b), "{name}");
    }
}

/// Sequences one after another in one batch do not see each other, and an answer written token by token has the logits of
/// the whole.
#[test]
fn packed_sequences_and_cached_tokens_agree_with_whole_ones() {
    for (name, golden) in golden()["families"].as_object().expect("families") {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &golden["config"]);
        let mut model = Decoder::open(folder.path()).expect("a model");
        let adapter = adapter(&mut model, false);
        let both = batch(0, 48);
        let together = model.logits(Some(&adapter), &both);
        let mut one = Batch::default();
        one.push(&both.ids[48..], &both.learn[48..]);
        let alone = model.logits(Some(&adapter), &one);
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 2e-5);
        assert!(near(&together[48 * 320..], &alone), "{name}");
        let mut cache = model.cache(48);
        for (from, to) in [(0, 20), (20, 21), (21, 47), (47, 48)] {
            let got = model.next(Some(&adapter), &one.ids[from..to], &mut cache).expect("room");
            assert!(near(&got, &alone[(to - 1) * 320..]), "{name} {to}");
        }
        assert!(model.next(None, &[1], &mut cache).is_err());
    }
}

/// The folder that PEFT writes is read.
#[test]
fn peft_adapters_are_read() {
    let there = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peft_adapter");
    let golden = &golden()["families"]["phi3"];
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &golden["config"]);
    let mut model = Decoder::open(folder.path()).expect("a model");
    let adapter = Adapter::read(&there, &model.modules()).expect("an adapter");
    model.attach(&adapter);
    assert!(apart(&model, &adapter, &batch(0, 48), &golden["after"]) < 1e-4);
}
