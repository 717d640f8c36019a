//! libFuzzer around `targets/core.rs`.
#![no_main]

mod quiet;
#[path = "../targets/core.rs"]
mod target;

libfuzzer_sys::fuzz_target!(init: quiet::prepare(), |bytes: &[u8]| quiet::run(|| target::run(bytes)));
