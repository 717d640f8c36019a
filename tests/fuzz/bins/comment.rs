//! libFuzzer around `targets/comment.rs`.
#![no_main]

#[path = "../targets/change.rs"]
mod change;
#[path = "../targets/draw.rs"]
mod draw;
#[path = "../targets/envelope.rs"]
mod envelope;
mod quiet;
#[path = "../targets/comment.rs"]
mod target;

libfuzzer_sys::fuzz_target!(init: quiet::prepare(), |bytes: &[u8]| quiet::run(|| target::run(bytes)));
