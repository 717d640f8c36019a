//! libFuzzer around `targets/ticket.rs`.
#![no_main]

#[path = "../targets/ticket.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
