//! The server in this process, asked over a socket.

mod api;
mod matrix;
mod support;
