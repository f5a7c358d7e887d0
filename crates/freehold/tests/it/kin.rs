//! `freehold kin`, over tiny models made here.

use std::path::Path;

use crate::run::{run, session};

const WIDTH: usize = 64;

struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(self.0 >> 48).unwrap()) / 32_768.0 - 1.0
    }
}

/// Names, shapes and numbers of a model of two layers.
fn made(seed: u64) -> Vec<(String, usize, Vec<f32>)> {
    let mut dice = Dice(seed);
    let mut names = vec![("model.embed_tokens.weight".to_string(), 48)];
    for l in 0..2 {
        names.push((format!("model.layers.{l}.input_layernorm.weight"), 0));
        for part in ["self_attn.q_proj", "mlp.down_proj"] {
            names.push((format!("model.layers.{l}.{part}.weight"), WIDTH));
        }
    }
    let numbers = |rows: usize, dice: &mut Dice| {
        let one = |dice: &mut Dice| if rows == 0 { 1.0 + 0.1 * dice.roll() } else { 0.1 * dice.roll() };
        (0..rows.max(1) * WIDTH).map(|_| one(dice)).collect::<Vec<f32>>()
    };
    names.into_iter().map(|(name, rows)| (name, rows, numbers(rows, &mut dice))).collect()
}

fn write(path: &Path, tensors: &[(String, usize, Vec<f32>)]) {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (name, rows, w) in tensors {
        let from = data.len();
        data.extend(w.iter().flat_map(|v| v.to_le_bytes()));
        let shape = if *rows == 0 { format!("[{WIDTH}]") } else { format!("[{rows},{WIDTH}]") };
        let to = data.len();
        header.push(format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}"));
    }
    let header = format!("{{{}}}", header.join(","));
    let length = u64::try_from(header.len()).unwrap().to_le_bytes();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, [&length[..], header.as_bytes(), &data].concat()).unwrap();
}

#[test]
fn kin_are_told_from_strangers() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let base = made(1);
    write(&at("base/model.safetensors"), &base);
    let (first, second) = base.split_at(3);
    write(&at("copy/model-00001-of-00002.safetensors"), first);
    write(&at("copy/model-00002-of-00002.safetensors"), second);
    let mut dice = Dice(9);
    let mut tuned = base.clone();
    tuned.iter_mut().for_each(|(_, _, w)| w.iter_mut().for_each(|v| *v += 0.002 * dice.roll()));
    write(&at("tuned/model.safetensors"), &tuned);
    let mut adapted = base.clone();
    for (_, rows, w) in adapted.iter_mut().filter(|(_, rows, _)| *rows == WIDTH) {
        let line: Vec<f32> = (0..WIDTH).map(|_| 0.1 * dice.roll()).collect();
        for row in w.chunks_exact_mut(*rows) {
            let by = 0.1 * dice.roll();
            row.iter_mut().zip(&line).for_each(|(v, l)| *v += by * l);
        }
    }
    write(&at("adapted/model.safetensors"), &adapted);
    write(&at("stranger/model.safetensors"), &made(2));
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["kin", "base", "copy"],
            &["kin", "base", "copy/model-00001-of-00002.safetensors"],
            &["kin", "base", "tuned"],
            &["kin", "base", "adapted"],
            &["kin", "base", "stranger"],
        ]
    ));
    let (code, out, _) = run(dir.path(), &["kin", "base", "adapted", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, report["schema"].as_str(), report["relation"].as_str()),
        (0, Some("freehold.kinship/1"), Some("adapter-merged"))
    );
    let schema = serde_json::from_str(&run(dir.path(), &["schema", "kin"]).1).unwrap();
    assert!(jsonschema::is_valid(&schema, &report), "{report}");
}

#[test]
fn what_is_no_model_and_what_has_nothing_in_common() {
    let dir = tempfile::tempdir().unwrap();
    let base = made(1);
    write(&dir.path().join("base/model.safetensors"), &base);
    let other: Vec<_> =
        base.iter().map(|(name, rows, w)| (name.replace("model.", "unet/"), *rows, w.clone())).collect();
    write(&dir.path().join("other/weights.safetensors"), &other);
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    std::fs::write(dir.path().join("broken.safetensors"), b"\x10\0\0\0\0\0\0\0{\"a\":").unwrap();
    std::fs::write(dir.path().join("broken.gguf"), b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff").unwrap();
    insta::assert_snapshot!(session(
        dir.path(),
        &[
            &["kin", "base", "other"],
            &["kin", "base", "empty"],
            &["kin", "base", "absent"],
            &["kin", "base", "broken.safetensors"],
            &["kin", "broken.gguf", "base"],
        ]
    ));
}

#[test]
fn folders_of_parts_are_compared_part_by_part() {
    let dir = tempfile::tempdir().unwrap();
    let parts = |name: &str, unet: u64| {
        let at = dir.path().join(name);
        write(&at.join("unet/diffusion_pytorch_model.safetensors"), &made(unet));
        write(&at.join("vae/diffusion_pytorch_model.safetensors"), &made(3)[..2]);
        std::fs::create_dir_all(at.join("scheduler")).unwrap();
        std::fs::write(at.join("model_index.json"), "{}").unwrap();
    };
    parts("one", 1);
    parts("two", 2);
    let (code, out, _) = run(dir.path(), &["kin", "one", "two", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let said = |i: usize| (report["parts"][i]["name"].as_str(), report["parts"][i]["relation"].as_str());
    assert_eq!((code, report["relation"].as_str()), (0, Some("unrelated")));
    assert_eq!(said(0), (Some("unet"), Some("unrelated")));
    assert_eq!(said(1).0, Some("vae"));
    assert!(jsonschema::is_valid(&freehold_wire::kinship_schema(), &report), "{report}");
    let (_, out, _) = run(dir.path(), &["kin", "one", "two"]);
    assert!(out.contains("one/unet") && out.contains("two/vae"), "{out}");
    // a file of torch's beside what a training leaves
    std::fs::create_dir(dir.path().join("torch")).unwrap();
    for name in ["pytorch_model.bin", "training_args.bin"] {
        std::fs::write(dir.path().join("torch").join(name), b"PK\x03\x04").unwrap();
    }
    let (code, _, err) = run(dir.path(), &["kin", "torch", "torch"]);
    assert!(code == 3 && err.contains("pytorch_model.bin") && !err.contains("training_args"), "{code} {err}");
}
