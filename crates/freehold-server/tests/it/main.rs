//! The server in this process, asked over a socket.

mod api;
mod matrix;
#[cfg(unix)]
mod runs;
mod support;
