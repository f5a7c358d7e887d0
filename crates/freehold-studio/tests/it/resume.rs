//! What is killed goes on where it was, to the same bytes; and nothing half written is taken for a model.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::files::tokenizer_files;
use crate::parity::golden;

/// A recipe on a small base, whose answers are words.
pub(crate) fn recipe(folder: &Path, family: &str, more: &str) -> std::path::PathBuf {
    let base = folder.join("base");
    std::fs::create_dir_all(&base).expect("a folder");
    crate::formula::write(&base, &golden()["families"][family]["config"]);
    tokenizer_files(&base);
    let words = ["alpha", "bravo", "charlie", "delta", "echo"];
    let row = |i: usize| format!("{{\"instruction\": \"word {}\", \"output\": \"{}\"}}\n", i % 5, words[i % 5]);
    std::fs::write(folder.join("train.jsonl"), (0..40).map(row).collect::<String>()).expect("data");
    let text = format!(
        "name = \"words\"\n[base]\npath = \"base\"\n[[dataset]]\npath = \"train.jsonl\"\n[adapter]\nrank = 4\ndropout = 0.1\n[data]\nsequence_length = 120\nevaluation = 0.2\n{more}"
    );
    let path = folder.join("recipe.toml");
    std::fs::write(&path, text).expect("a recipe");
    path
}

fn studio() -> Command {
    Command::new(env!("CARGO_BIN_EXE_freehold-studio"))
}

/// Every file of a bundle and its bytes.
fn bundle(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.join("words/bundle")];
    while let Some(here) = folders.pop() {
        for entry in std::fs::read_dir(&here).expect("a bundle") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.push((
                    path.strip_prefix(folder).expect("below").to_string_lossy().into_owned(),
                    std::fs::read(&path).expect("bytes"),
                ));
            }
        }
    }
    all.sort();
    all
}

const TRAINING: &str = "[training]\nsteps = 30\nbatch = 2\naccumulate = 2\nlearning_rate = 0.01\nsave_every = 4\nevaluate_every = 5\nstop_after = 50\n[output]\nformats = [\"Q4_K_M\", \"F16\"]\nimportance = true\nmerged = true\n";

/// The whole run, killed again and again at other moments until it comes to its end.
#[test]
fn a_killed_run_ends_in_the_same_bytes() {
    let (whole, killed) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let first = recipe(whole.path(), "llama3_bf16", TRAINING);
    let began = Instant::now();
    let out = studio().arg("train").arg(&first).output().expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let took = began.elapsed();
    let wanted = bundle(whole.path());
    assert!(
        wanted.iter().any(|(n, _)| n.ends_with("model.gguf"))
            && wanted.iter().any(|(n, _)| n.ends_with("merged/config.json"))
    );

    let second = recipe(killed.path(), "llama3_bf16", TRAINING);
    let (mut kills, mut random) = (0, freehold_studio::random::Random(99));
    loop {
        let mut child =
            studio().arg("train").arg(&second).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        // at first early in the training, then anywhere up to the last file
        let share = if kills < 4 { 0.3 } else { 1.0 };
        std::thread::sleep(Duration::from_secs_f64(took.as_secs_f64() * share * f64::from(random.unit())));
        let ended = child.try_wait().expect("a state");
        if let Some(status) = ended {
            assert!(status.success());
            if kills >= 8 {
                break;
            }
            // it was quicker than the clock: once more from where it is, which is its end
            continue_from_start(killed.path());
            continue;
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
        kills += 1;
        whole_or_absent(killed.path());
        if kills >= 16 {
            let status = studio().arg("train").arg(&second).stdout(Stdio::null()).status().expect("it runs");
            assert!(status.success());
            break;
        }
    }
    let got = bundle(killed.path());
    let names = |all: &[(String, Vec<u8>)]| {
        all.iter().map(|(n, _)| n.clone()).filter(|n| !n.ends_with(".partial")).collect::<Vec<_>>()
    };
    assert_eq!(names(&wanted), names(&got));
    for (name, bytes) in &wanted {
        let same = got.iter().find(|(n, _)| n == name).map(|(_, b)| b == bytes);
        assert_eq!(same, Some(true), "{name} differs after {kills} kills");
    }
}

/// Takes the last checkpoint away, so that another run has something to do.
fn continue_from_start(folder: &Path) {
    let _ = std::fs::remove_file(folder.join("words/run/checkpoint"));
}

/// Whatever bears a model's name can be read to its end.
fn whole_or_absent(folder: &Path) {
    let bundle = folder.join("words/bundle");
    for name in ["model.gguf", "model-F16.gguf"] {
        let file = bundle.join(name);
        if file.exists() {
            freehold_studio::gguf::read(&file).unwrap_or_else(|e| panic!("half a file is called {name}: {e}"));
        }
    }
    for file in ["adapter/adapter_model.safetensors", "merged/model-00001-of-00002.safetensors"] {
        let file = bundle.join(file);
        if file.exists() {
            freehold_studio::weights::map_file(&file).unwrap_or_else(|e| panic!("half a file: {e}"));
        }
    }
    let checkpoint = folder.join("words/run/checkpoint");
    if checkpoint.exists() {
        assert!(std::fs::read(checkpoint).expect("bytes").starts_with(b"freehold-studio checkpoint"));
    }
}

/// A checkpoint of another training, or a damaged one, is told and not used.
#[test]
fn a_checkpoint_is_used_for_its_own_training_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = "[training]\nsteps = 2\nbatch = 2\n[output]\nformats = [\"F16\"]\n";
    let path = recipe(folder.path(), "qwen2", more);
    assert!(studio().arg("train").arg(&path).output().expect("it runs").status.success());
    let text = std::fs::read_to_string(&path).expect("a recipe");
    std::fs::write(&path, text.replace("rank = 4", "rank = 8")).expect("written");
    let said = |restart: bool| {
        let mut command = studio();
        command.arg("train").arg(&path);
        if restart {
            command.arg("--restart");
        }
        let out = command.output().expect("it runs");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, text) = said(false);
    assert!(code == Some(1) && text.contains("of another training") && text.contains("--restart"), "{code:?} {text}");
    assert_eq!(said(true).0, Some(0));
    let checkpoint = folder.path().join("words/run/checkpoint");
    let mut bytes = std::fs::read(&checkpoint).expect("bytes");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&checkpoint, bytes).expect("written");
    let (code, text) = said(false);
    assert!(code == Some(1) && text.contains("damaged"), "{code:?} {text}");
}

/// Data, recipe and base that are wrong: every mistake, each in its place, before anything is trained.
#[test]
fn mistakes_are_told_all_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = recipe(folder.path(), "qwen2", "[training]\nsteps = 2\n");
    let ask = || {
        let out = studio().arg("train").arg(&path).output().expect("it runs");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).replace(&*folder.path().to_string_lossy(), "DIR"))
    };
    let rows = "{\"instruction\": \"a\", \"output\": \"b\"}\nnot json\n{\"text\": \"other\"}\n{\"instruction\": 1, \"output\": \"b\"}\n{\"instruction\": \"a\", \"output\": \" \"}\n";
    std::fs::write(folder.path().join("train.jsonl"), rows).expect("data");
    let (code, text) = ask();
    assert_eq!(code, Some(2), "{text}");
    for wanted in [
        "train.jsonl:2: not JSON",
        "train.jsonl:3: has text",
        "train.jsonl:4: `instruction` is a number",
        "train.jsonl:5: `output` is empty",
        "4 bad rows",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    let recipe = std::fs::read_to_string(&path).expect("a recipe");
    std::fs::write(&path, recipe.replace("rank = 4", "rank = 0\nrankk = 1").replace("steps = 2", "steps = 0"))
        .expect("written");
    let (code, text) = ask();
    assert!(code == Some(2) && text.contains("rankk") && text.contains("training.steps is 0"), "{text}");
    std::fs::write(&path, recipe).expect("written");
    let config = folder.path().join("base/config.json");
    let text = std::fs::read_to_string(&config).expect("a config");
    std::fs::write(
        &config,
        text.replacen('{', "{\"num_experts\": 8, \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4}, ", 1),
    )
    .expect("written");
    let (code, text) = ask();
    assert!(code == Some(2) && text.contains("num_experts") && text.contains("yarn"), "{text}");
}

/// Every combination is trained and the best comes first; a plan tells and trains nothing.
#[test]
fn a_sweep_compares_and_a_plan_only_tells() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = "[training]\nsteps = 6\nbatch = 4\n[sweep]\n\"training.learning_rate\" = [1e-5, 0.02]\n\"adapter.rank\" = [2, 4]\n";
    let path = recipe(folder.path(), "qwen3", sweep);
    let out = studio().arg("plan").arg(&path).output().expect("it runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        out.status.success() && text.contains("40 rows of instruction and output") && text.contains("memory"),
        "{text}"
    );
    assert!(!folder.path().join("words").exists());
    let out = studio().arg("sweep").arg(&path).output().expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let table = String::from_utf8_lossy(&out.stdout).into_owned();
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert!(rows.len() == 4 && rows[0].contains("0.02") && rows[3].contains("0.00001"), "{table}");
    assert_eq!(std::fs::read_to_string(folder.path().join("words/sweep/outcomes.md")).expect("a table"), table);
    let text = std::fs::read_to_string(&path).expect("a recipe");
    std::fs::write(&path, text.replace("adapter.rank", "output.formats")).expect("written");
    let out = studio().arg("sweep").arg(&path).output().expect("it runs");
    assert!(out.status.code() == Some(2) && String::from_utf8_lossy(&out.stderr).contains("output.formats"));
}

/// CSV and Parquet give what JSONL gives.
#[test]
fn the_same_rows_in_three_forms_are_the_same_tokens() {
    use freehold_studio::data::{CHATML, Template, load};
    let folder = tempfile::tempdir().expect("a folder");
    tokenizer_files(folder.path());
    std::fs::write(folder.path().join("config.json"), "{}").expect("written");
    let tokenizer = freehold_studio::tokenizer::Tokenizer::open(folder.path()).expect("a tokenizer");
    let template = Template::new(CHATML, [None, None, None]).expect("a template");
    let rows = [("say \"a\", please", "a"), ("two\nlines", "b, c"), ("三", "drei 🚀")];
    let json: String =
        rows.iter().map(|(q, a)| serde_json::json!({"input": q, "output": a}).to_string() + "\n").collect();
    std::fs::write(folder.path().join("d.jsonl"), json).expect("written");
    let mut csv = csv::Writer::from_path(folder.path().join("d.csv")).expect("a file");
    csv.write_record(["input", "output"]).expect("written");
    rows.iter().for_each(|(q, a)| csv.write_record([q, a]).expect("written"));
    csv.flush().expect("flushed");
    parquet(&folder.path().join("d.parquet"), &rows);
    let of = |name: &str| load(&folder.path().join(name), &tokenizer, Some(&template), 512).expect("rows").1;
    let (a, b, c) = (of("d.jsonl"), of("d.csv"), of("d.parquet"));
    assert_eq!(a.len(), 3);
    assert!(a == b && a == c);
    // what the assistant says is learned, with its end of turn, and nothing else
    let said: Vec<u32> = a[0].ids.iter().zip(&a[0].learn).filter(|(_, l)| **l).map(|(i, _)| *i).collect();
    assert_eq!(tokenizer.decode(&said).expect("text"), "a<|im_end|>\n");
}

fn parquet(path: &Path, rows: &[(&str, &str)]) {
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::writer::SerializedFileWriter;
    let schema = "message m { required binary input (UTF8); required binary output (UTF8); }";
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(schema).expect("a schema"));
    let mut writer =
        SerializedFileWriter::new(std::fs::File::create(path).expect("a file"), schema, Default::default())
            .expect("a writer");
    let mut group = writer.next_row_group().expect("a group");
    let columns: [Vec<ByteArray>; 2] =
        [rows.iter().map(|r| r.0.into()).collect(), rows.iter().map(|r| r.1.into()).collect()];
    for column in columns {
        let mut to = group.next_column().expect("a column").expect("one more");
        to.typed::<ByteArrayType>().write_batch(&column, None, None).expect("written");
        to.close().expect("closed");
    }
    group.close().expect("closed");
    writer.close().expect("closed");
}
