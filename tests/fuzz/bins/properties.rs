//! libFuzzer around `targets/properties.rs`.
#![no_main]

#[path = "../targets/draw.rs"]
mod draw;
#[path = "../targets/properties.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
