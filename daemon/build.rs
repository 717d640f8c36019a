//! Builds the web UI.
fn main() {}
