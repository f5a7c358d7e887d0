//! The workshop's commands.
fn main() {}
