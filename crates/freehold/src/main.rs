//! `freehold`: the command. Reads like a table of contents.

mod assembly;
mod bills;
mod cli;
mod commands;
mod context;
mod deployments;
mod exit;
mod house;
mod law;
mod load;
mod names;
mod pipeline;
mod press;
mod references;
mod write;

use std::process::ExitCode;

/// Reading ten thousand models makes millions of short strings on several threads; the C library's allocator takes a
/// fifth of that time (`docs/benchmarks.md`), and a static binary's takes more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let catalog = match law::catalog(std::env::args_os()) {
        Ok(catalog) => catalog,
        Err(code) => return ExitCode::from(code),
    };
    let matches = match cli::command(&catalog).try_get_matches() {
        Ok(matches) => matches,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { exit::USAGE } else { exit::CLEAR });
        }
    };
    let code = match matches.subcommand() {
        Some(("check", m)) => commands::check::run(m, &catalog),
        Some(("init", m)) => commands::init::run(m, &catalog),
        Some(("why", m)) => commands::why::run(m, &catalog),
        Some(("what-if", m)) => commands::what_if::run(m, &catalog),
        Some(("advise", m)) => commands::advise::run(m, &catalog),
        Some(("comply", m)) => commands::comply::run(m, &catalog),
        Some(("stamp", m)) => commands::stamp::run(m, &catalog),
        Some(("inspect", m)) => commands::inspect::run(m, &catalog),
        Some(("lineage", m)) => commands::lineage::run(m, &catalog),
        Some(("explain", m)) => commands::explain::run(m, &catalog),
        Some(("identify", m)) => commands::identify::run(m, &catalog),
        Some(("scan", m)) => commands::scan::run(m, &catalog),
        Some(("read", m)) => commands::read::run(m, &catalog),
        Some(("diff", m)) => commands::diff::run(m, &catalog),
        Some(("kin", m)) => commands::kin::run(m, &catalog),
        Some(("tune", m)) => commands::tune::run(m, &catalog),
        Some(("bom", m)) => commands::bom::run(m, &catalog),
        Some(("policy", m)) => commands::policy::run(m, &catalog),
        Some(("memo", m)) => commands::memo::run(m, &catalog),
        Some(("register", m)) => commands::register::run(m, &catalog),
        Some(("serve", m)) => commands::serve::run(m, &catalog),
        Some(("report", m)) => commands::report::run(m, &catalog),
        Some(("mcp", m)) => commands::mcp::run(m, &catalog),
        Some(("backup", m)) => commands::serve::backup(m),
        Some(("texts", m)) => commands::texts::run(m, &catalog),
        Some(("waive", m)) => commands::waive::run(m, &catalog),
        Some(("catalog", m)) => commands::catalog::run(m, &catalog),
        Some(("attest", m)) => commands::house::attest(m, &catalog),
        Some(("position", m)) => commands::house::position(m, &catalog),
        Some(("agreement", m)) => commands::house::agreement(m, &catalog),
        Some(("assess", m)) => commands::assess::run(m, &catalog),
        Some(("completions", m)) => commands::shells::completions(m, &catalog),
        Some(("man", m)) => commands::shells::manual(m, &catalog),
        Some(("schema", m)) => commands::schema(m),
        Some(("help", m)) => commands::help(m, &catalog),
        _ => commands::welcome(&catalog),
    };
    ExitCode::from(code)
}
