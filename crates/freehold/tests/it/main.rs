//! The command as a user meets it: whole output and exit status.

mod examples;
mod five_minutes;
mod mistakes;
mod real;
mod run;
