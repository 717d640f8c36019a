//! libFuzzer around `targets/markdown.rs`.
#![no_main]

#[path = "../targets/draw.rs"]
mod draw;
mod quiet;
#[path = "../targets/markdown.rs"]
mod target;

libfuzzer_sys::fuzz_target!(init: quiet::prepare(), |bytes: &[u8]| quiet::run(|| target::run(bytes)));
