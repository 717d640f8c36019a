//! libFuzzer around `targets/record.rs`.
#![no_main]

#[path = "../targets/record.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
