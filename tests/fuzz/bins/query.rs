//! libFuzzer around `targets/query.rs`.
#![no_main]

#[path = "../targets/query.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
