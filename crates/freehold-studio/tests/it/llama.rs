//! The same numbers, files and tokens as a real llama.cpp. Skipped with one line where none is at hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use freehold_studio::quantize::{Kind, dequantize, quantize};

/// `judge` and the libraries beside it: `FREEHOLD_LLAMA` names their folder.
pub(crate) fn judge() -> Option<PathBuf> {
    let there = std::env::var_os("FREEHOLD_LLAMA").map(|d| PathBuf::from(d).join("judge")).filter(|p| p.is_file());
    if there.is_none() {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "skipped: FREEHOLD_LLAMA names no llama.cpp to compare with");
    }
    there
}

/// What the judge prints.
pub(crate) fn ask(judge: &Path, arguments: &[&str], input: Option<&str>) -> String {
    let mut command = Command::new(judge);
    command.args(arguments).env("FREEHOLD_LLAMA_LIB", judge.parent().expect("a folder").join("lib"));
    let file = input.map(|text| {
        let mut file = tempfile::tempfile().expect("a file");
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
        std::io::Seek::rewind(&mut file).expect("rewound");
        file
    });
    if let Some(file) = file {
        command.stdin(file);
    }
    let out = command.output().expect("the judge runs");
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

pub(crate) fn write_floats(path: &Path, values: &[f32]) {
    std::fs::write(path, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()).expect("written");
}

pub(crate) fn read_floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("read");
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// Rows of many shapes: bell curves, heavy tails, zeros, constants, tiny, huge and denormal values, outliers.
fn rows(columns: usize) -> Vec<f32> {
    let unit = |row: usize, i: usize| crate::formula::units(&format!("row {row}"), i + 1).last().expect("one");
    let mut all = Vec::new();
    for row in 0..36 {
        let us: Vec<f32> = crate::formula::units(&format!("row {row}"), columns * 4).collect();
        let bell = |i: usize| us[4 * i] + us[4 * i + 1] + us[4 * i + 2] + us[4 * i + 3];
        for i in 0..columns {
            all.push(match row % 12 {
                0 => bell(i) * 0.02,
                1 => bell(i).powi(5) * 0.1,
                2 => 0.0,
                3 => unit(row, 0) * 0.3,
                4 => bell(i) * 1e-30,
                5 => bell(i) * 1e4,
                6 => bell(i) * 1e-41,
                7 => {
                    if i % 7 == 0 {
                        bell(i)
                    } else {
                        0.0
                    }
                }
                8 => bell(i) * 0.01 + if i == columns / 3 { 5.0 } else { 0.0 },
                9 => bell(i).abs() + 0.5,
                10 => -bell(i).abs() - 0.5,
                _ => (us[4 * i] * 8.0).round() / 8.0,
            });
        }
    }
    all
}

#[test]
fn every_kind_of_row_has_ggmls_bytes() {
    let Some(judge) = judge() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for columns in [256, 1024] {
        let values = rows(columns);
        let importance: Vec<f32> =
            crate::formula::units("importance", columns).map(|u| (u + 1.0) * 3.0 + 1e-3).collect();
        write_floats(Path::new(&at("in")), &values);
        write_floats(Path::new(&at("importance")), &importance);
        for kind in Kind::ALL {
            for weights in [None, Some(&importance[..])] {
                let number = kind.number().to_string();
                let (input, out, third) = (at("in"), at("out"), at("importance"));
                let columns_text = columns.to_string();
                let mut arguments = vec!["rows", &number, &columns_text, &input, &out];
                if kind == Kind::F32 {
                    continue;
                }
                arguments.extend(weights.map(|_| third.as_str()));
                ask(&judge, &arguments, None);
                let (theirs, ours) = (std::fs::read(&out).expect("out"), quantize(kind, &values, columns, weights));
                assert_eq!(theirs.len(), ours.len());
                let row = kind.bytes(columns);
                let wrong: Vec<usize> =
                    (0..36).filter(|r| theirs[r * row..(r + 1) * row] != ours[r * row..(r + 1) * row]).collect();
                assert!(wrong.is_empty(), "{kind:?}, weighed: {}, rows {wrong:?}", weights.is_some());
                // what is read back is near what went in
                let back = dequantize(kind, &ours);
                let (mut error, mut size) = (0.0f64, 0.0f64);
                for (a, b) in values[..columns].iter().zip(&back[..columns]) {
                    error += f64::from(a - b).powi(2);
                    size += f64::from(*a).powi(2);
                }
                assert!((error / size).sqrt() < 0.1, "{kind:?}");
            }
        }
    }
}
