//! Kinship of models made here, and files that anybody may have written.

#![expect(clippy::unwrap_used, reason = "tests")]

use freehold_artifact::ReadAt;
use freehold_kin::{Class, Kinship, Model, Relation, compare};
use proptest::prelude::*;

mod common;
#[path = "forms/mod.rs"]
mod forms;

const WIDTH: usize = 96;
const LAYERS: usize = 3;
const WORDS: usize = 80;

/// A tensor: name, rows (0 for a norm), numbers.
type Tensor = (String, usize, Vec<f32>);

struct Dice(u64);

impl Dice {
    /// About normal.
    fn roll(&mut self) -> f32 {
        let mut sum = -6.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += f32::from(u16::try_from(self.0 >> 48).unwrap()) / 65_536.0;
        }
        sum
    }
}

fn made(seed: u64, learned_norms: bool) -> Vec<Tensor> {
    let mut dice = Dice(seed);
    let mut out = Vec::new();
    let mut add = |name: String, rows: usize| {
        let w = (0..rows.max(1) * WIDTH)
            .map(|_| {
                if rows > 0 {
                    0.05 * dice.roll()
                } else if learned_norms {
                    1.0 + 0.1 * dice.roll()
                } else {
                    1.0
                }
            })
            .collect();
        out.push((name, rows, w));
    };
    add("model.embed_tokens.weight".into(), WORDS);
    for l in 0..LAYERS {
        add(format!("model.layers.{l}.input_layernorm.weight"), 0);
        for part in ["self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj"] {
            add(format!("model.layers.{l}.{part}.weight"), WIDTH);
        }
    }
    add("model.norm.weight".into(), 0);
    out
}

fn safetensors(tensors: &[Tensor], bf16: bool) -> Vec<u8> {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (name, rows, w) in tensors {
        let from = data.len();
        for v in w {
            if bf16 {
                data.extend(u16::try_from((v.to_bits() + 0x8000) >> 16).unwrap().to_le_bytes());
            } else {
                data.extend(v.to_le_bytes());
            }
        }
        let shape = if *rows == 0 { format!("[{}]", w.len()) } else { format!("[{rows},{}]", w.len() / rows) };
        let (dtype, to) = (if bf16 { "BF16" } else { "F32" }, data.len());
        header.push(format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}"));
    }
    let header = format!("{{\"__metadata__\":{{\"format\":\"pt\"}},{}}}", header.join(","));
    let length = u64::try_from(header.len()).unwrap().to_le_bytes();
    [&length[..], header.as_bytes(), &data].concat()
}

/// A GGUF of the same, matrices in half precision, queries as llama.cpp keeps them.
fn gguf(tensors: &[Tensor], heads: usize) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    let wide = |n: usize| u64::try_from(n).unwrap().to_le_bytes();
    let text = |t: &str| [&wide(t.len())[..], t.as_bytes()].concat();
    out.extend(3u32.to_le_bytes());
    out.extend(wide(tensors.len()));
    out.extend(wide(2));
    // an array of words, to be walked over
    out.extend(text("tokenizer.ggml.tokens"));
    out.extend([9u32, 8].iter().flat_map(|n| n.to_le_bytes()));
    out.extend(wide(2));
    out.extend([text("a"), text("bc")].concat());
    out.extend(text("llama.attention.head_count"));
    out.extend([4, u32::try_from(heads).unwrap()].iter().flat_map(|n| n.to_le_bytes()));
    let mut data: Vec<u8> = Vec::new();
    for (name, rows, w) in tensors {
        let mut short = name.replace("model.", "").replace("layers", "blk").replace("input_layernorm", "attn_norm");
        for (from, to) in [
            ("self_attn.q_proj", "attn_q"),
            ("self_attn.v_proj", "attn_v"),
            ("mlp.up_proj", "ffn_up"),
            ("embed_tokens", "token_embd"),
        ] {
            short = short.replace(from, to);
        }
        out.extend(text(if short == "norm.weight" { "output_norm.weight" } else { &short }));
        out.extend(u32::from(*rows > 0).wrapping_add(1).to_le_bytes());
        out.extend(wide(w.len() / (*rows).max(1)));
        if *rows > 0 {
            out.extend(wide(*rows));
        }
        out.extend(u32::from(false).to_le_bytes());
        out.extend(wide(data.len()));
        let half = rows / heads / 2;
        for r in 0..(*rows).max(1) {
            let from = if name.contains("q_proj") {
                r / (2 * half) * 2 * half + r % (2 * half) % 2 * half + r % (2 * half) / 2
            } else {
                r
            };
            data.extend(w[from * WIDTH..][..WIDTH].iter().flat_map(|v| v.to_le_bytes()));
        }
        data.resize(data.len().next_multiple_of(32), 0);
    }
    out.resize(out.len().next_multiple_of(32), 0);
    out.extend(data);
    out
}

fn kin(a: &[Vec<u8>], b: &[Vec<u8>]) -> Kinship {
    fn lend(files: &[Vec<u8>]) -> Vec<(String, &dyn ReadAt)> {
        files.iter().enumerate().map(|(i, f)| (format!("{i}.safetensors"), f as &dyn ReadAt)).collect()
    }
    compare(&Model::open(lend(a)), &Model::open(lend(b)))
}

fn changed(from: &[Tensor], mut change: impl FnMut(&str, usize, &mut [f32])) -> Vec<Tensor> {
    let mut out = from.to_vec();
    out.iter_mut().for_each(|(name, rows, w)| change(name, *rows, w));
    out
}

#[test]
fn a_copy_is_the_same_however_it_is_divided_and_little_of_it_is_read() {
    let base = made(1, true);
    let whole = [safetensors(&base, false)];
    let (first, rest) = base.split_at(5);
    let shards = [safetensors(first, false), safetensors(rest, false)];
    let k = kin(&whole, &shards);
    assert_eq!((k.relation, k.compared, k.alone), (Relation::Same, base.len(), (0, 0)));
    assert!(k.score > 0.99);
    assert!(k.bytes_read.0 < k.bytes_total.0);
    assert!(k.proofs.iter().any(|p| p.b.0 == "1.safetensors" && p.bytes_b.0 < p.bytes_b.1));
    assert!(k.classes.iter().any(|c| c.class == Class::Norm && c.equal == LAYERS + 1));
}

#[test]
fn rounding_and_the_other_container_are_no_difference() {
    let base = made(2, true);
    let long = [safetensors(&base, false)];
    assert_eq!(kin(&long, &[safetensors(&base, true)]).relation, Relation::SameRounded);
    for heads in [4, 6] {
        let turned = [gguf(&base, heads)];
        assert_eq!(kin(&long, &turned).relation, Relation::Same, "{heads}");
        assert_eq!(kin(&turned, &long).relation, Relation::Same, "{heads}");
    }
}

#[test]
fn an_adapter_leaves_norms_and_changes_few_directions_and_training_does_not() {
    let base = made(3, true);
    let mut dice = Dice(30);
    let tuned = changed(&base, |_, _, w| w.iter_mut().for_each(|v| *v += 0.001 * dice.roll()));
    let adapted = changed(&base, |_, rows, w| {
        if rows == WIDTH {
            for _ in 0..4 {
                let line: Vec<f32> = (0..WIDTH).map(|_| 0.1 * dice.roll()).collect();
                for row in w.chunks_exact_mut(WIDTH) {
                    let by = 0.05 * dice.roll();
                    row.iter_mut().zip(&line).for_each(|(v, l)| *v += by * l);
                }
            }
        }
    });
    let projections = changed(&base, |_, rows, w| {
        if rows == WIDTH {
            w.iter_mut().for_each(|v| *v += 0.001 * dice.roll());
        }
    });
    let a = [safetensors(&base, false)];
    assert_eq!(kin(&a, &[safetensors(&tuned, false)]).relation, Relation::Derived);
    let k = kin(&a, &[safetensors(&adapted, false)]);
    assert_eq!(k.relation, Relation::AdapterMerged, "{k:#?}");
    assert!(k.proofs.iter().any(|p| p.rank == Some(4)), "{k:#?}");
    assert_eq!(kin(&a, &[safetensors(&projections, false)]).relation, Relation::Derived);
}

#[test]
fn strangers_of_one_architecture_share_nothing_but_their_ones() {
    for learned in [false, true] {
        let k = kin(&[safetensors(&made(4, learned), false)], &[safetensors(&made(5, learned), false)]);
        assert_eq!(k.relation, Relation::Unrelated, "{k:#?}");
        assert!(k.score < 0.25);
        // an untouched gain of ones proves nothing
        assert_eq!(k.classes.iter().any(|c| c.class == Class::Norm), learned);
    }
}

#[test]
fn layers_that_were_cut_or_doubled_are_found() {
    let base = made(6, true);
    let moved = |order: [usize; 4]| {
        let mut out: Vec<Tensor> = base.iter().filter(|(n, ..)| !n.contains("layers")).cloned().collect();
        for (to, from) in order.iter().enumerate() {
            let of = format!("layers.{from}.");
            let named = |(n, r, w): &Tensor| (n.replace(&of, &format!("layers.{to}.")), *r, w.clone());
            out.extend(base.iter().filter(|(n, ..)| n.contains(&of)).map(named));
        }
        out
    };
    let k = kin(&[safetensors(&base, false)], &[safetensors(&moved([0, 1, 1, 2]), false)]);
    assert_eq!(k.relation, Relation::Derived);
    assert_eq!(k.layers, (3, 4));
    assert!(k.classes.iter().all(|c| c.equal == c.tensors), "{k:#?}");
}

#[test]
fn other_shapes_and_names_and_nothing_at_all_are_no_answer() {
    let base = made(7, true);
    let narrow: Vec<Tensor> = base.iter().map(|(n, r, w)| (n.clone(), *r, w[..w.len() / 2].to_vec())).collect();
    let renamed: Vec<Tensor> =
        base.iter().map(|(n, r, w)| (format!("x.{}", n.replace('.', "_")), *r, w.clone())).collect();
    let a = [safetensors(&base, false)];
    for b in [safetensors(&narrow, false), safetensors(&renamed, false), Vec::new(), b"GGUF".to_vec()] {
        let k = kin(&a, &[b]);
        assert_eq!((k.relation, k.compared), (Relation::CannotTell, 0));
        assert!(!k.reasons.is_empty());
    }
}

#[test]
fn of_a_stack_that_no_model_has_some_layers_are_sampled() {
    let deep = |seed: u64| {
        let mut dice = Dice(seed);
        let layer =
            |l: usize| (format!("model.layers.{l}.mlp.up_proj.weight"), 16, (0..256).map(|_| dice.roll()).collect());
        (0..600).map(layer).collect::<Vec<Tensor>>()
    };
    let k = kin(&[safetensors(&deep(1), false)], &[safetensors(&deep(2), false)]);
    assert_eq!((k.compared, k.layers), (256, (600, 600)));
    assert!(matches!(k.relation, Relation::Unrelated | Relation::CannotTell), "{k:#?}");
}

/// One model in both forms, made once.
fn forms() -> &'static [Vec<u8>; 2] {
    static FORMS: std::sync::OnceLock<[Vec<u8>; 2]> = std::sync::OnceLock::new();
    FORMS.get_or_init(|| [safetensors(&made(8, true), false), gguf(&made(8, true), 4)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_bytes_are_there_is_an_answer(
        cut in 0usize..4000,
        edits in prop::collection::vec((0usize..4000, any::<u8>()), 0..12),
        gguf_form in any::<bool>(),
    ) {
        let whole = forms()[usize::from(gguf_form)].clone();
        let mut bytes = whole.clone();
        for (at, value) in edits {
            if let Some(b) = bytes.get_mut(at) {
                *b = value;
            }
        }
        if cut % 3 == 0 {
            bytes.truncate(cut);
        }
        let k = kin(&[whole], &[bytes]);
        prop_assert!((0.0..=1.0).contains(&k.score));
        prop_assert!(k.bytes_read.1 <= 4 * k.bytes_total.1 + 1024);
    }

    #[test]
    fn noise_is_no_model(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let named = [b"GGUF\x03\0\0\0".as_slice(), &bytes].concat();
        prop_assert_eq!(kin(&[named], &[bytes]).relation, Relation::CannotTell);
    }
}
