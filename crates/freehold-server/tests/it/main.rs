//! The server in this process, asked over a socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

mod api;
mod matrix;
#[cfg(unix)]
mod runs;
mod support;
