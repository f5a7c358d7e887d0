//! `freehold-studio`: the heavy half of `freehold tune`, run by it.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use freehold_base::shown as plain;
use freehold_studio::decoder::Decoder;
use freehold_studio::export::Format;
use freehold_studio::finish::{self, Making, finish, gguf_file};
use freehold_studio::lora::Adapter;
use freehold_studio::memory::shown;
use freehold_studio::tokenizer::Tokenizer;
use freehold_studio::train::{Plan, Progress};
use freehold_studio::weights::Weights;
use freehold_studio::{job, recipe, sweep};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A mistake of the recipe or the data.
const USAGE: u8 = 2;
/// Something failed on the way.
const FAILED: u8 = 1;

fn command() -> Command {
    let recipe = || Arg::new("recipe").value_name("RECIPE").required(true).help("a recipe");
    let threads = || {
        Arg::new("threads")
            .long("threads")
            .value_name("N")
            .value_parser(clap::value_parser!(usize))
            .help("threads (default: one a core)")
    };
    let about = || Arg::new("about").long("about").value_name("FILE").help("keys of general.* for the GGUF, as JSON");
    Command::new("freehold-studio")
        .version(env!("CARGO_PKG_VERSION"))
        .about("trains, merges and writes the GGUF; `freehold tune` runs it and asks the licenses first")
        .subcommand_required(true)
        .subcommand(
            Command::new("plan")
                .about("reads base and data and tells what the training needs")
                .arg(recipe())
                .arg(threads()),
        )
        .subcommand(
            Command::new("train")
                .about("trains to the end, from the last checkpoint where there is one, and writes everything")
                .arg(recipe())
                .arg(
                    Arg::new("restart")
                        .long("restart")
                        .action(ArgAction::SetTrue)
                        .help("begin anew, whatever is there"),
                )
                .arg(about())
                .arg(threads()),
        )
        .subcommand(
            Command::new("export")
                .about("a base and an adapter trained elsewhere, as a GGUF")
                .arg(
                    Arg::new("base")
                        .long("base")
                        .value_name("DIR")
                        .required(true)
                        .help("the base, as transformers writes it"),
                )
                .arg(Arg::new("adapter").long("adapter").value_name("DIR").help("the adapter, as PEFT writes it"))
                .arg(
                    Arg::new("format")
                        .long("format")
                        .value_name("FORMAT")
                        .action(ArgAction::Append)
                        .help("F32, F16, BF16, Q8_0, Q4_0, Q5_0, Q4_K_M, Q5_K_M, Q6_K (default: Q4_K_M)"),
                )
                .arg(Arg::new("out").long("out").short('o').value_name("DIR").required(true).help("where the files go"))
                .arg(about())
                .arg(threads()),
        )
        .subcommand(
            Command::new("sweep")
                .about("trains once for every combination of [sweep] and compares")
                .arg(recipe())
                .arg(threads()),
        )
        .subcommand(
            Command::new("job")
                .about("the recipe as a job for another engine")
                .arg(recipe())
                .arg(
                    Arg::new("engine")
                        .long("engine")
                        .value_parser(["axolotl", "trl"])
                        .default_value("axolotl")
                        .help("what trains"),
                )
                .arg(
                    Arg::new("gpus")
                        .long("gpus")
                        .value_parser(clap::value_parser!(u32).range(1..=64))
                        .default_value("1")
                        .help("GPUs of a node"),
                )
                .arg(
                    Arg::new("nodes")
                        .long("nodes")
                        .value_parser(clap::value_parser!(u32).range(1..=1024))
                        .default_value("1")
                        .help("nodes"),
                )
                .arg(Arg::new("decision").long("decision").value_name("FILE").help("the gate's decision, as JSON"))
                .arg(
                    Arg::new("out").long("out").short('o').value_name("DIR").required(true).help("where the files go"),
                ),
        )
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    let Some((name, m)) = matches.subcommand() else { return ExitCode::from(USAGE) };
    if let Some(threads) = m.try_get_one::<usize>("threads").ok().flatten() {
        let _ = rayon::ThreadPoolBuilder::new().num_threads(*threads).build_global();
    }
    let code = match name {
        "plan" => plan(m).map(|p| tell(&p)).map_or_else(|w| fail(&w, USAGE), |()| 0),
        "train" => train(m),
        "export" => export(m).map_or_else(|w| fail(&w, FAILED), |()| 0),
        "sweep" => swept(m),
        "job" => jobs(m).map_or_else(|w| fail(&w, USAGE), |()| 0),
        _ => USAGE,
    };
    ExitCode::from(code)
}

/// Everything that is wrong, a line each.
fn fail(wrong: &[String], code: u8) -> u8 {
    for line in wrong {
        anstream::eprintln!("error: {}", plain(line));
    }
    if wrong.len() > 1 {
        anstream::eprintln!("{} mistakes", wrong.len());
    }
    code
}

fn text<'m>(m: &'m ArgMatches, key: &str) -> &'m str {
    m.get_one::<String>(key).map_or("", String::as_str)
}

fn plan(m: &ArgMatches) -> Result<Plan, Vec<String>> {
    Plan::new(recipe::read(Path::new(text(m, "recipe")))?)
}

/// What a training is about to do.
fn tell(plan: &Plan) {
    let (s, a) = (&plan.model.architecture, &plan.adapter);
    anstream::println!(
        "base      {:?}, {} layers of {}, {} million weights",
        s.family,
        s.layers,
        s.hidden,
        s.parameters() / 1_000_000
    );
    anstream::println!(
        "adapter   rank {}, alpha {}, {} pairs on {}, {} thousand numbers",
        a.shape.rank,
        a.shape.alpha,
        a.pairs.len(),
        a.shape.targets.join(" "),
        a.parameters() / 1000
    );
    for r in &plan.reports {
        anstream::println!(
            "data      {}: {} rows of {}, {} tokens, {} to learn; lengths {} to {}, half below {}",
            plain(&r.file),
            r.rows,
            r.schema.keys(),
            r.tokens,
            r.learned_tokens,
            r.lengths.least,
            r.lengths.most,
            r.lengths.median
        );
        let told = |what: &str, t: &freehold_studio::data::Told| {
            if t.count > 0 {
                let lines: Vec<String> = t.lines.iter().map(usize::to_string).collect();
                let more = if t.count > t.lines.len() { ", ..." } else { "" };
                anstream::println!("          {} {what}: line {}{more}", t.count, lines.join(", "));
            }
        };
        told("cut to sequence_length", &r.truncated);
        told("there already", &r.duplicates);
        told("with nothing left to learn, left out", &r.nothing_to_learn);
        for (kind, t) in &r.personal {
            told(&format!("with what looks like a {kind}"), t);
        }
        told("with what looks like a secret", &r.secrets);
        if r.bad_rows_count > 0 {
            let lines: Vec<String> =
                r.bad_rows.iter().take(20).map(|(l, why)| format!("{l} ({})", plain(why))).collect();
            anstream::println!("          {} bad rows, left out: line {}", r.bad_rows_count, lines.join(", "));
        }
    }
    let held = if plan.evaluation.is_empty() {
        String::new()
    } else {
        format!(", {} held back to evaluate on", plan.evaluation.len())
    };
    anstream::println!("training  {} rows{held}; {} steps", plan.training.len(), plan.steps);
    let m = plan.memory;
    anstream::println!(
        "memory    {}: base {} (mapped), adapter {}, kept for the way back {}{}, at work {}",
        shown(m.total()),
        shown(m.base),
        shown(m.adapter),
        shown(m.kept),
        if plan.recompute { " (layers are computed again)" } else { "" },
        shown(m.working)
    );
}

/// Shows progress on a terminal, and nothing in a pipe.
fn progress() -> impl FnMut(&Progress) {
    let terminal = std::io::stderr().is_terminal();
    move |p| {
        if terminal {
            let left = p.seconds_left as u64;
            let end = if p.step == p.steps { "\n" } else { "" };
            let mut err = std::io::stderr().lock();
            let _ = write!(
                err,
                "\r\x1b[Kstep {}/{}  loss {:.4}  {:.0} tokens/s  {}:{:02}:{:02} left{end}",
                p.step,
                p.steps,
                p.loss,
                p.tokens_a_second,
                left / 3600,
                left / 60 % 60,
                left % 60
            );
            let _ = err.flush();
        }
    }
}

fn about(m: &ArgMatches) -> Result<Vec<(String, freehold_studio::gguf::Value)>, Vec<String>> {
    let Some(path) = m.get_one::<String>("about") else { return Ok(vec![]) };
    let text = std::fs::read(path).map_err(|e| vec![format!("{path}: {}", e.kind())])?;
    let json = serde_json::from_slice(&text).map_err(|e| vec![format!("{path}: {e}")])?;
    finish::about(&json).map_err(|e| vec![format!("{path}: {e}")])
}

fn train(m: &ArgMatches) -> u8 {
    let (plan, about) = match (plan(m), about(m)) {
        (Ok(plan), Ok(about)) => (plan, about),
        (Err(wrong), Ok(_)) | (Ok(_), Err(wrong)) => return fail(&wrong, USAGE),
        (Err(mut wrong), Err(more)) => {
            wrong.extend(more);
            return fail(&wrong, USAGE);
        }
    };
    tell(&plan);
    let state = match plan.train(m.get_flag("restart"), progress()) {
        Ok(state) => state,
        Err(what) => return fail(&[what], FAILED),
    };
    let adapter = state.best.as_ref().unwrap_or(&state.adapter);
    let terminal = std::io::stderr().is_terminal();
    let report = finish(&plan, adapter, state.head.tokens, &about, |what| {
        if terminal {
            anstream::eprintln!("{what}");
        }
    });
    match report {
        Ok(report) => {
            summary(&plan, &report);
            0
        }
        Err(wrong) => fail(&wrong, FAILED),
    }
}

/// What came out.
fn summary(plan: &Plan, report: &serde_json::Value) {
    let e = &report["evaluation"];
    if let (Some(before), Some(after)) = (e["loss_before"].as_f64(), e["loss_after"].as_f64()) {
        anstream::println!("evaluated loss {before:.4} before, {after:.4} after, on {} rows held back", e["rows"]);
    }
    for file in report["files"].as_array().into_iter().flatten() {
        let llama = match (file["llama_cpp"]["loads"].as_bool(), file["llama_cpp"]["why"].as_str()) {
            (Some(true), _) => {
                format!("{} loads it and answers", file["llama_cpp"]["program"].as_str().unwrap_or_default())
            }
            (_, Some(why)) => format!("llama.cpp: {}", plain(why)),
            _ => String::new(),
        };
        anstream::println!(
            "wrote     {} ({}, {}); read back and compared; quantized weights {:.2} % off; {llama}",
            file["file"].as_str().unwrap_or_default(),
            file["format"].as_str().unwrap_or_default(),
            shown(file["bytes"].as_u64().unwrap_or(0)),
            100.0 * file["relative_error"].as_f64().unwrap_or(0.0),
        );
        for note in file["notes"].as_array().into_iter().flatten().filter_map(|n| n.as_str()) {
            anstream::println!("note      {note}");
        }
    }
    anstream::println!("bundle    {}", plan.recipe.out().join("bundle").display());
}

fn formats(m: &ArgMatches) -> Result<Vec<Format>, Vec<String>> {
    let asked: Vec<&String> = m.get_many::<String>("format").into_iter().flatten().collect();
    if asked.is_empty() {
        return Ok(vec![Format::Q4_K_M]);
    }
    let known = |name: &String| {
        let found = Format::ALL.into_iter().find(|f| f.1.eq_ignore_ascii_case(name)).map(|f| f.0);
        found.ok_or_else(|| vec![format!("--format {name}: known are {}", Format::ALL.map(|f| f.1).join(", "))])
    };
    asked.into_iter().map(known).collect()
}

fn export(m: &ArgMatches) -> Result<(), Vec<String>> {
    let (base, out) = (Path::new(text(m, "base")), PathBuf::from(text(m, "out")));
    let (formats, about) = (formats(m)?, about(m)?);
    let model = Decoder::open(base)?;
    let tokenizer = Tokenizer::open(base).map_err(|e| vec![e])?;
    let adapter =
        m.get_one::<String>("adapter").map(|dir| Adapter::read(Path::new(dir), &model.modules())).transpose()?;
    let weights = Weights::open(base)?;
    std::fs::create_dir_all(&out).map_err(|e| vec![format!("{}: {}", out.display(), e.kind())])?;
    let making = Making {
        architecture: &model.architecture,
        weights: &weights,
        adapter: adapter.as_ref(),
        tokenizer: &tokenizer,
        about: &about,
        importance: None,
    };
    for (n, format) in formats.iter().enumerate() {
        let file = gguf_file(n, *format);
        let made = making.gguf(&out.join(&file), *format, "Hello", |_, _| {})?;
        anstream::println!("wrote     {file} ({}, {}); read back and compared", made.format, shown(made.bytes));
        for note in &made.notes {
            anstream::println!("note      {note}");
        }
    }
    let file = gguf_file(0, formats[0]);
    freehold_studio::files::write(&out.join("Modelfile"), &[finish::modelfile(&file, &tokenizer).as_bytes()])
        .map_err(|e| vec![e])
}

fn swept(m: &ArgMatches) -> u8 {
    match sweep::run(Path::new(text(m, "recipe")), progress()) {
        Ok(table) => {
            anstream::print!("{table}");
            0
        }
        Err(wrong) => fail(&wrong, USAGE),
    }
}

fn jobs(m: &ArgMatches) -> Result<(), Vec<String>> {
    let recipe = recipe::read(Path::new(text(m, "recipe")))?;
    let number = |key: &str| m.get_one::<u32>(key).copied().unwrap_or(1);
    let decision = m
        .get_one::<String>("decision")
        .map(std::fs::read_to_string)
        .transpose()
        .map_err(|e| vec![format!("--decision: {}", e.kind())])?;
    let asked = job::Asked {
        engine: text(m, "engine"),
        gpus: number("gpus"),
        nodes: number("nodes"),
        decision: decision.as_deref(),
    };
    let out = PathBuf::from(text(m, "out"));
    for (name, body) in job::files(&recipe, &asked)? {
        let folder = out.join(&name).parent().map_or_else(|| out.clone(), Path::to_path_buf);
        std::fs::create_dir_all(&folder).map_err(|e| vec![format!("{}: {}", folder.display(), e.kind())])?;
        freehold_studio::files::write(&out.join(&name), &[body.as_bytes()]).map_err(|e| vec![e])?;
        anstream::println!("wrote     {name}");
    }
    Ok(())
}
