//! The command as a user meets it: whole output and exit status.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on says where it stopped, and one that is skipped says so"
)]

mod advise;
mod assembly;
mod attacks;
mod bom;
mod comply;
mod examples;
mod five_minutes;
mod house;
mod identify;
mod kin;
mod law;
mod lineage;
mod mcp;
mod memo;
mod mistakes;
mod pipeline;
mod policy;
mod read;
mod real;
mod register;
mod repository;
mod run;
mod scan;
mod serve;
mod tune;
mod tutorial;
