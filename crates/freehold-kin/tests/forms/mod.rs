//! Quantized forms and containers: what is read of them is what was written.

use freehold_artifact::ReadAt;
use freehold_kin::{Class, Kinship, Model, Relation};

use crate::common::{torch_legacy, torch_zip, zip};
use crate::{LAYERS, WIDTH, kin, made, safetensors};

/// A file of safetensors of any parts: name, dtype, shape, bytes.
pub(crate) fn file(parts: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (name, dtype, shape, bytes) in parts {
        let (at, end) = (data.len(), data.len() + bytes.len());
        header.push(format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{at},{end}]}}"));
        data.extend(bytes);
    }
    let header = format!("{{{}}}", header.join(","));
    [&u64::try_from(header.len()).unwrap().to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn floats(w: &[f32]) -> Vec<u8> {
    w.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn words(w: &[u32]) -> Vec<u8> {
    w.iter().flat_map(|v| v.to_le_bytes()).collect()
}

const ROWS: usize = 32;
const COLUMNS: usize = 64;

/// Codes of a matrix of 32 rows and 64 columns, below `last`.
fn codes(last: u32) -> Vec<u32> {
    let mut seed = 5u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % (last + 1)
    };
    (0..ROWS * COLUMNS).map(|_| next()).collect()
}

/// What a packed matrix and the numbers that it stands for say of each other.
fn against(packed: &[u8], plain: &[f32]) -> Kinship {
    let plain = file(&[("layers.0.up.weight", "F32", &[ROWS, COLUMNS], floats(plain))]);
    kin(&[packed.to_vec()], &[plain])
}

fn is_equal(k: &Kinship) -> bool {
    k.classes.len() == 1 && k.classes[0].class == Class::Projection && k.classes[0].equal == 1
}

/// A scale for each group of 32 columns of each row: powers of two, so that nothing is rounded.
fn scale(row: usize, column: usize) -> f32 {
    2f32.powi(i32::try_from(row % 3 + column / 32).unwrap() - 6)
}

fn plain(codes: &[u32], zero: impl Fn(usize, usize) -> u32) -> Vec<f32> {
    let number = |(i, c): (usize, &u32)| {
        let (row, column) = (i / COLUMNS, i % COLUMNS);
        let code = i16::try_from(*c).unwrap() - i16::try_from(zero(row, column / 32)).unwrap();
        f32::from(code) * scale(row, column)
    };
    codes.iter().enumerate().map(number).collect()
}

fn pack(codes: impl Iterator<Item = u32>, bits: u32) -> Vec<u32> {
    let all: Vec<u32> = codes.collect();
    let per = usize::try_from(32 / bits).unwrap();
    let shift = |i: usize| u32::try_from(i).unwrap() * bits;
    all.chunks(per).map(|c| c.iter().enumerate().fold(0, |w, (i, c)| w | c << shift(i))).collect()
}

fn gptq(bits: u32, stored_less: u32, zero: u32, order: &[u32]) -> Vec<u8> {
    let q = codes((1 << bits) - 1);
    let per = usize::try_from(32 / bits).unwrap();
    // packed along the columns, then turned
    let lines = pack(q.iter().copied(), bits);
    let across = COLUMNS / per;
    let turned: Vec<u32> = (0..across).flat_map(|b| (0..ROWS).map(move |r| r * across + b)).map(|i| lines[i]).collect();
    let zeros = pack(std::iter::repeat_n(zero - stored_less, 2 * ROWS), bits);
    let scales: Vec<f32> = (0..2).flat_map(|g| (0..ROWS).map(move |r| scale(r, 32 * g))).collect();
    file(&[
        ("layers.0.up.qweight", "I32", &[across, ROWS], words(&turned)),
        ("layers.0.up.qzeros", "I32", &[2, ROWS / per], words(&zeros)),
        ("layers.0.up.scales", "F32", &[2, ROWS], floats(&scales)),
        ("layers.0.up.g_idx", "I32", &[COLUMNS], words(order)),
    ])
}

#[test]
fn gptq_of_both_ways_to_write_its_zeros_in_any_order_of_groups() {
    let order: Vec<u32> = (0..64).map(|c| c / 32).collect();
    for (bits, less, zero) in [(4, 1, 8), (4, 0, 8), (4, 1, 5), (8, 1, 128), (8, 0, 128), (2, 1, 2)] {
        let k = against(&gptq(bits, less, zero, &order), &plain(&codes((1 << bits) - 1), |_, _| zero));
        assert!(is_equal(&k), "{bits} {less} {zero}: {k:#?}");
    }
    let other: Vec<u32> = (0..64).map(|c| c % 2).collect();
    let q = codes(15);
    let expected: Vec<f32> = q
        .iter()
        .enumerate()
        .map(|(i, c)| (f32::from(u16::try_from(*c).unwrap()) - 8.0) * scale(i / COLUMNS, 32 * (i % 2)))
        .collect();
    assert!(is_equal(&against(&gptq(4, 1, 8, &other), &expected)));
    // groups that do not exist
    let wild = vec![u32::MAX; 64];
    assert_eq!(against(&gptq(4, 1, 8, &wild), &expected).compared, 0);
}

#[test]
fn awq_packs_even_rows_before_odd_ones() {
    let q = codes(15);
    let zero = |r: usize, g: usize| u32::try_from((r * 7 + g * 3) % 16).unwrap();
    let order = |line: Vec<u32>| {
        let turn = |c: &[u32]| [0, 2, 4, 6, 1, 3, 5, 7].map(|i: usize| c[i]);
        pack(line.chunks(8).flat_map(turn), 4)
    };
    let across: Vec<u32> = (0..COLUMNS).flat_map(|c| (0..ROWS).map(move |r| r * COLUMNS + c)).map(|i| q[i]).collect();
    let zeros: Vec<u32> = (0..2).flat_map(|g| (0..ROWS).map(move |r| zero(r, g))).collect();
    let scales: Vec<f32> = (0..2).flat_map(|g| (0..ROWS).map(move |r| scale(r, 32 * g))).collect();
    let packed = file(&[
        ("layers.0.up.qweight", "I32", &[COLUMNS, ROWS / 8], words(&order(across))),
        ("layers.0.up.qzeros", "I32", &[2, ROWS / 8], words(&order(zeros))),
        ("layers.0.up.scales", "F32", &[2, ROWS], floats(&scales)),
    ]);
    let k = against(&packed, &plain(&q, zero));
    assert!(is_equal(&k), "{k:#?}");
}

#[test]
fn bytes_with_scales_and_tables_of_sixteen() {
    let q = codes(254);
    let signed: Vec<u8> = q.iter().map(|c| u8::try_from(*c).unwrap().wrapping_sub(127)).collect();
    let expected: Vec<f32> = q
        .iter()
        .enumerate()
        .map(|(i, c)| (f32::from(u8::try_from(*c).unwrap()) - 127.0) * scale(i / COLUMNS, 0))
        .collect();
    let rows: Vec<f32> = (0..ROWS).map(|r| scale(r, 0)).collect();
    let scb: Vec<f32> = rows.iter().map(|s| s * 127.0).collect();
    for (end, values) in [("SCB", &scb), ("weight_scale", &rows)] {
        let packed = file(&[
            ("layers.0.up.weight", "I8", &[ROWS, COLUMNS], signed.clone()),
            (&format!("layers.0.up.{end}"), "F32", &[ROWS], floats(values)),
        ]);
        let k = against(&packed, &expected);
        assert!(is_equal(&k), "{end} {k:#?}");
    }

    // a table of sixteen, high half first, scales quantized themselves
    let q = codes(15);
    let level = |c: u32| f32::from(u16::try_from(c).unwrap()) / 8.0 - 1.0;
    let pairs: Vec<u8> = q.chunks(2).map(|p| u8::try_from(p[0] << 4 | p[1]).unwrap()).collect();
    let blocks = ROWS * COLUMNS / 64;
    let outer: Vec<u8> = (0..blocks).map(|b| u8::try_from(b * 5).unwrap()).collect();
    let table: Vec<f32> = (0..=255u8).map(|b| f32::from(b) / 256.0).collect();
    let expected: Vec<f32> =
        q.iter().enumerate().map(|(i, c)| level(*c) * (f32::from(outer[i / 64]) / 256.0 * 0.5 + 0.25)).collect();
    let state = br#"{"quant_type":"nf4","blocksize":64,"shape":[32,64],"nested_blocksize":256,"nested_offset":0.25}"#;
    let stem = "layers.0.up.weight";
    let named = |end: &str| format!("{stem}.{end}");
    let packed = file(&[
        (stem, "U8", &[pairs.len(), 1], pairs.clone()),
        (&named("absmax"), "U8", &[blocks], outer.clone()),
        (&named("quant_map"), "F32", &[16], floats(&(0..16).map(level).collect::<Vec<_>>())),
        (&named("nested_absmax"), "F32", &[1], floats(&[0.5])),
        (&named("nested_quant_map"), "F32", &[256], floats(&table)),
        (&named("quant_state.bitsandbytes__nf4"), "U8", &[state.len()], state.to_vec()),
    ]);
    let k = against(&packed, &expected);
    assert!(is_equal(&k), "{k:#?}");
}

#[test]
fn eight_bit_floats_by_every_sort_of_scale() {
    let q: Vec<u8> = codes(125).iter().map(|c| u8::try_from(*c).unwrap()).collect();
    let value = |b: u8| {
        let (e, m) = (i32::from(b >> 3), f32::from(b & 7));
        if e == 0 { m * 2f32.powi(-9) } else { (1.0 + m / 8.0) * 2f32.powi(e - 7) }
    };
    type Sort<'s> = (&'s str, &'s [usize], &'s dyn Fn(usize, usize) -> f32);
    let sorts: [Sort<'_>; 4] = [
        ("weight_scale", &[], &|_, _| 0.5),
        ("weight_scale", &[ROWS, 1], &|r, _| scale(r, 0)),
        ("weight_scale_inv", &[2, 2], &|r, c| [0.5, 0.25, 2.0, 4.0][r / 16 * 2 + c / 32]),
        ("scale_weight", &[1], &|_, _| 0.125),
    ];
    for (end, shape, scale) in sorts {
        let (a, b) = (shape.first().copied().unwrap_or(1), shape.get(1).copied().unwrap_or(1));
        let scales: Vec<f32> = (0..a * b).map(|i| scale(i / b * (ROWS / a), i % b * (COLUMNS / b))).collect();
        let packed = file(&[
            ("layers.0.up.weight", "F8_E4M3", &[ROWS, COLUMNS], q.clone()),
            (&format!("layers.0.up.{end}"), "F32", shape, floats(&scales)),
        ]);
        let expected: Vec<f32> =
            q.iter().enumerate().map(|(i, b)| value(*b) * scale(i / COLUMNS, i % COLUMNS)).collect();
        let k = against(&packed, &expected);
        assert!(is_equal(&k), "{end} {shape:?} {k:#?}");
    }
    // scales of no shape that fits: told by name
    let packed = file(&[
        ("layers.0.up.weight", "F8_E4M3", &[ROWS, COLUMNS], q.clone()),
        ("layers.0.up.weight_scale", "F32", &[7, 3], floats(&[1.0; 21])),
    ]);
    let k = against(&packed, &[1.0; ROWS * COLUMNS]);
    assert_eq!((k.relation, k.compared), (Relation::CannotTell, 0));
    assert!(k.reasons.iter().any(|r| r.contains("FP8 with scales of an unknown shape")), "{k:#?}");
}

#[test]
fn four_bit_floats_and_signed_codes_in_groups() {
    let q = codes(15);
    const LEVELS: [f32; 16] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0];
    let pairs: Vec<u8> = q.chunks(2).map(|p| u8::try_from(p[0] | p[1] << 4).unwrap()).collect();
    let powers: Vec<u8> = (0..ROWS * 2).map(|i| u8::try_from(120 + i % 5).unwrap()).collect();
    let expected: Vec<f32> = q
        .iter()
        .enumerate()
        .map(|(i, c)| LEVELS[usize::try_from(*c).unwrap()] * 2f32.powi(i32::from(powers[i / 32]) - 127))
        .collect();
    let packed = file(&[
        ("layers.0.up.weight_blocks", "U8", &[1, ROWS, 2, 16], pairs),
        ("layers.0.up.weight_scales", "U8", &[1, ROWS, 2], powers.clone()),
    ]);
    let k = against(&packed, &expected);
    assert!(is_equal(&k), "{k:#?}");

    let scales: Vec<f32> = (0..ROWS).flat_map(|r| [scale(r, 0), scale(r, 32)]).collect();
    let shape = [ROWS, COLUMNS].iter().flat_map(|n| u64::try_from(*n).unwrap().to_le_bytes()).collect();
    let packed = file(&[
        ("layers.0.up.weight_packed", "I32", &[ROWS, 8], words(&pack(q.iter().copied(), 4))),
        ("layers.0.up.weight_scale", "F32", &[ROWS, 2], floats(&scales)),
        ("layers.0.up.weight_shape", "I64", &[2], shape),
    ]);
    let k = against(&packed, &plain(&q, |_, _| 8));
    assert!(is_equal(&k), "{k:#?}");
}

/// Written by the `mlx` package (0.32.4) in 2, 3, 4, 5, 6 and 8 bits, beside what it reads back.
#[test]
fn mlx_reads_as_mlx_reads_it() {
    let packed = include_bytes!("../mlx.golden").to_vec();
    let plain = include_bytes!("../mlx-plain.golden").to_vec();
    let k = kin(&[packed], &[plain]);
    assert_eq!((k.relation, k.compared, k.alone), (Relation::SameRounded, 8, (0, 0)), "{k:#?}");
    // the package rounds each number to half precision
    assert!(k.classes.iter().all(|c| c.difference < 1e-3 && c.fits == c.tensors), "{k:#?}");
}

fn saved(tensors: &[crate::Tensor]) -> Vec<crate::common::Saved<'_>> {
    let shape = |rows: usize, n: usize| if rows == 0 { vec![n] } else { vec![rows, n / rows] };
    tensors.iter().map(|(n, r, w)| (n.as_str(), shape(*r, w.len()), "FloatStorage", 4, floats(w))).collect()
}

#[test]
fn both_forms_of_torch_are_the_same_as_safetensors() {
    let base = made(1, true);
    let plain = safetensors(&base, false);
    for bytes in [torch_zip(&saved(&base)), torch_legacy(&saved(&base))] {
        let k = kin(std::slice::from_ref(&plain), std::slice::from_ref(&bytes));
        assert_eq!((k.relation, k.compared, k.alone), (Relation::Same, base.len(), (0, 0)), "{k:#?}");
        assert_eq!(k.layers.1, u32::try_from(LAYERS).unwrap());
        // cut short: what is left is compared or nothing is, and nothing breaks
        for n in (0..bytes.len()).step_by(bytes.len() / 40) {
            let k = kin(std::slice::from_ref(&plain), &[bytes[..n].to_vec()]);
            assert_ne!(k.relation, Relation::Unrelated);
        }
    }
}

fn said(bytes: &Vec<u8>) -> String {
    let model = Model::open(vec![("m.pt".to_owned(), bytes as &dyn ReadAt)]);
    model.diagnostics().iter().map(|d| d.message.clone()).collect()
}

#[test]
fn what_torch_would_run_is_walked_over_and_what_is_broken_is_told() {
    let call = b"\x80\x02}(X\x01\0\0\0acos\nsystem\nX\x02\0\0\0id\x85Ru.";
    let archive = |pickle: &[u8]| zip(&[("m/data.pkl".to_owned(), pickle.to_vec())]);
    let k = kin(&[archive(call)], &[safetensors(&made(1, true), false)]);
    assert_eq!(k.relation, Relation::CannotTell);
    assert!(said(&archive(b"\x80\x02(((((")).contains("cannot be followed"));
    assert!(said(&zip(&[("a.txt".to_owned(), b"x".to_vec())])).contains("without a `data.pkl`"));
    let big = zip(&[("m/data.pkl".to_owned(), b"}.".to_vec()), ("m/byteorder".to_owned(), b"big".to_vec())]);
    assert!(said(&big).contains("big-endian"));
    // a tensor that says it goes on behind its storage
    let short = vec![("model.layers.0.up.weight", vec![WIDTH, WIDTH], "FloatStorage", 4, vec![0; 64])];
    let k = kin(&[torch_zip(&short)], &[safetensors(&made(1, true), false)]);
    assert!(k.reasons.iter().any(|r| r.contains("outside of its storage")), "{k:#?}");
}

#[test]
fn numbers_that_are_none_are_no_evidence() {
    let nan: Vec<crate::Tensor> = made(1, true).into_iter().map(|(n, r, w)| (n, r, vec![f32::NAN; w.len()])).collect();
    let k = kin(&[safetensors(&nan, false)], &[safetensors(&nan, false)]);
    assert_eq!((k.relation, k.score), (Relation::CannotTell, 0.5), "{k:#?}");
}

#[test]
fn a_transform_that_programs_fix_is_no_kinship() {
    let with = |seed: u64| {
        let mut all = made(seed, true);
        let wave = |i: usize| (f32::from(u16::try_from(i % 977).unwrap()) * 0.1).sin();
        all.push(("stft.conv.weight".into(), WIDTH, (0..WIDTH * WIDTH).map(wave).collect()));
        all
    };
    let k = kin(&[safetensors(&with(1), false)], &[safetensors(&with(2), false)]);
    assert_eq!(k.relation, Relation::Unrelated, "{k:#?}");
}

/// Seeds that are made here: `FREEHOLD_WRITE_SEEDS=1` writes them anew.
#[test]
fn seeds_of_torch_are_current() {
    let corpus = std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/kin"));
    let one = || vec![("layers.0.up.weight", vec![32, 32], "BFloat16Storage", 2, vec![0x3c; 2048])];
    for (name, bytes) in [("torch-zip", torch_zip(&one())), ("torch-legacy", torch_legacy(&one()))] {
        let path = corpus.join(name);
        if std::env::var_os("FREEHOLD_WRITE_SEEDS").is_some() {
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(std::fs::read(&path).ok().as_deref() == Some(bytes.as_slice()), "{name} is stale");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn mutated_seeds_never_panic(
        which in proptest::prelude::any::<proptest::sample::Index>(),
        edits in proptest::collection::vec(
            (proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>(), 0u8..4),
            1..10,
        ),
    ) {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/kin");
        let mut names: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|e| e.unwrap().path()).collect();
        names.sort();
        let mut data = std::fs::read(&names[which.index(names.len())]).unwrap();
        for (at, byte, how) in edits {
            // headers matter most
            let i = at.index(data.len().min(700) + 1);
            match how {
                0 | 1 if i < data.len() => data[i] = if how == 0 { byte } else { 0xff },
                2 => data.insert(i, byte),
                _ => data.truncate(data.len().saturating_sub(usize::from(byte))),
            }
        }
        freehold_kin::fuzz::fuzz_kin(&data);
    }
}
