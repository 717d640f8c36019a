//! Not to ask too often, and not to ask what does not answer: counts in windows of time, and a circuit breaker with one probe.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::plugins::manifest::RateLimit;

/// While a manifest says nothing.
const MINUTE: u32 = 60;
/// So many failures in a row open the circuit.
const FAILURES: u32 = 5;
/// For so long nothing is asked then; after it, once.
const OPEN: Duration = Duration::from_secs(30);
const WINDOWS: [Duration; 3] =
    [Duration::from_secs(60), Duration::from_secs(3600), Duration::from_secs(24 * 3600)];

/// Why nothing is asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// Too many requests in a window of time; it is asked again in so long.
    Rate(Duration),
    /// The service did not answer several times; it is asked again in so long.
    Open(Duration),
}

/// What is known of one service.
#[derive(Debug, Default)]
pub struct Gate {
    asked: VecDeque<Instant>,
    failures: u32,
    open_since: Option<Instant>,
    is_probing: bool,
}

impl Gate {
    /// Counts a request, or says why there is none now.
    pub fn enter(&mut self, limit: &RateLimit, now: Instant) -> Result<(), Wait> {
        if let Some(since) = self.open_since {
            let waited = now.saturating_duration_since(since);
            if waited < OPEN || self.is_probing {
                return Err(Wait::Open(OPEN.saturating_sub(waited)));
            }
        }
        let limits =
            [limit.requests_per_minute.or(Some(MINUTE)), limit.requests_per_hour, limit.requests_per_day];
        let ago = |window: Duration| move |at: &&Instant| now.saturating_duration_since(**at) < window;
        for (window, most) in WINDOWS.into_iter().zip(limits) {
            let Some(most) = most else { continue };
            let within = self.asked.iter().rev().take_while(ago(window)).count();
            if within >= most as usize {
                let oldest = self.asked[self.asked.len() - most as usize];
                return Err(Wait::Rate(window.saturating_sub(now.saturating_duration_since(oldest))));
            }
        }
        let kept = limits.into_iter().flatten().max().unwrap_or(MINUTE) as usize;
        self.asked.push_back(now);
        while self.asked.len() > kept {
            self.asked.pop_front();
        }
        self.is_probing = self.open_since.is_some();
        Ok(())
    }

    /// It answered.
    pub fn answered(&mut self) {
        (self.failures, self.open_since, self.is_probing) = (0, None, false);
    }

    /// It did not, or said that it cannot.
    pub fn failed(&mut self, now: Instant) {
        self.failures += 1;
        if self.failures >= FAILURES || self.is_probing {
            self.open_since = Some(now);
        }
        self.is_probing = false;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn windows_are_kept() {
        let limit =
            RateLimit { requests_per_minute: Some(2), requests_per_hour: Some(3), requests_per_day: None };
        let (mut gate, start) = (Gate::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(gate.enter(&limit, at(0)), Ok(()));
        assert_eq!(gate.enter(&limit, at(10)), Ok(()));
        assert_eq!(gate.enter(&limit, at(20)), Err(Wait::Rate(Duration::from_secs(40))));
        assert_eq!(gate.enter(&limit, at(60)), Ok(()));
        assert_eq!(gate.enter(&limit, at(200)), Err(Wait::Rate(Duration::from_secs(3400))));
        assert_eq!(gate.enter(&limit, at(3601)), Ok(()));
    }

    #[test]
    fn what_fails_is_left_alone_and_then_probed_once() {
        let limit = RateLimit { requests_per_minute: Some(1000), ..RateLimit::default() };
        let (mut gate, start) = (Gate::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for second in 0..5 {
            assert_eq!(gate.enter(&limit, at(second)), Ok(()));
            gate.failed(at(second));
        }
        assert!(matches!(gate.enter(&limit, at(6)), Err(Wait::Open(_))));
        assert_eq!(gate.enter(&limit, at(34)), Ok(()), "one probe");
        assert!(matches!(gate.enter(&limit, at(34)), Err(Wait::Open(_))), "and no other beside it");
        gate.failed(at(35));
        assert!(matches!(gate.enter(&limit, at(60)), Err(Wait::Open(_))));
        assert_eq!(gate.enter(&limit, at(65)), Ok(()));
        gate.answered();
        assert_eq!(gate.enter(&limit, at(65)), Ok(()));
    }
}
