//! When to try again: 0.2 s, doubling to 30 s, with jitter so that two sides do not keep colliding.

use std::time::Duration;

const FIRST_MS: u64 = 200;
const LAST_MS: u64 = 30_000;

/// How often something has failed in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait, between three and five quarters of the step.
    pub(super) fn next(&mut self) -> Duration {
        self.next_up_to(LAST_MS)
    }

    /// As [`Backoff::next`], with another bound in milliseconds.
    pub(super) fn next_up_to(&mut self, last_ms: u64) -> Duration {
        let step = FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(last_ms);
        self.failures = self.failures.saturating_add(1);
        let chance = u64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) % (step / 2);
        Duration::from_millis(step - step / 4 + chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let mut backoff = Backoff::default();
        for step in [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000, 30_000] {
            let waited = backoff.next().as_millis();
            assert!(waited >= step * 3 / 4 && waited <= step * 5 / 4, "{waited} for {step}");
        }
        backoff.reset();
        assert!(backoff.next().as_millis() <= 250);
    }
}
