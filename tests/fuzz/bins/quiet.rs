//! For targets in which panics of Automerge are contained, and nothing to see: only one that gets out is said.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Mutex;

static LAST: Mutex<String> = Mutex::new(String::new());

/// In place of the fuzzer's own hook, which ends the program at any panic.
pub fn prepare() {
    set_hook(Box::new(|panic| {
        if let Ok(mut last) = LAST.lock() {
            *last = panic.to_string();
        }
    }));
}

/// Runs the target; a panic that gets out of it ends the program.
pub fn run(target: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(target)).is_err() {
        eprintln!("{}", LAST.lock().map(|last| last.clone()).unwrap_or_default());
        std::process::abort();
    }
}
