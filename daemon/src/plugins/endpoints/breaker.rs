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

/// A service that asks to be left alone is, for so long at most.
const LEFT_ALONE: Duration = Duration::from_secs(3600);

/// Why nothing is asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// Too many requests in a window of time; it is asked again in so long.
    Rate(Duration),
    /// The service did not answer several times; it is asked again in so long.
    Open(Duration),
    /// The service itself said in how long.
    Said(Duration),
}

/// What is known of one service.
#[derive(Debug, Default)]
pub struct Gate {
    asked: VecDeque<Instant>,
    failures: u32,
    open_since: Option<Instant>,
    is_probing: bool,
    not_before: Option<Instant>,
}

/// One request that was let through. It is given back with what came of it.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Turn {
    is_probe: bool,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The service answered.
    Answered,
    /// It did not, or said that it cannot.
    Failed,
    /// Nobody waited for it any more: that says nothing of the service.
    Dropped,
}

impl Gate {
    /// Counts a request, or says why there is none now.
    pub fn enter(&mut self, limit: &RateLimit, now: Instant) -> Result<Turn, Wait> {
        if let Some(at) = self.not_before.filter(|at| *at > now) {
            return Err(Wait::Said(at.saturating_duration_since(now)));
        }
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
        let is_probe = self.open_since.is_some();
        self.is_probing = is_probe;
        Ok(Turn { is_probe })
    }

    /// A request is over. A probe that was dropped leaves its place to the next one.
    pub fn leave(&mut self, turn: Turn, end: End, now: Instant) {
        if turn.is_probe {
            self.is_probing = false;
        }
        match end {
            End::Answered => (self.failures, self.open_since) = (0, None),
            End::Failed => {
                self.failures += 1;
                if self.failures >= FAILURES || turn.is_probe {
                    self.open_since = Some(now);
                }
            }
            End::Dropped => {}
        }
    }

    /// The service says in how long it wants to be asked again.
    pub fn leave_alone(&mut self, long: Duration, now: Instant) {
        let until = now + long.min(LEFT_ALONE);
        self.not_before = self.not_before.max(Some(until));
    }

    /// Whether it still wants to be left alone then.
    pub fn is_left_alone(&self, then: Instant) -> bool {
        self.not_before.is_some_and(|at| at > then)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Whether a request is let through; what came of it.
    fn asked(gate: &mut Gate, limit: &RateLimit, now: Instant, end: End) -> Result<(), Wait> {
        gate.enter(limit, now).map(|turn| gate.leave(turn, end, now))
    }

    #[test]
    fn windows_are_kept() {
        let limit =
            RateLimit { requests_per_minute: Some(2), requests_per_hour: Some(3), requests_per_day: None };
        let (mut gate, start) = (Gate::default(), Instant::now());
        let mut at =
            |seconds: u64| asked(&mut gate, &limit, start + Duration::from_secs(seconds), End::Answered);
        assert_eq!(at(0), Ok(()));
        assert_eq!(at(10), Ok(()));
        assert_eq!(at(20), Err(Wait::Rate(Duration::from_secs(40))));
        assert_eq!(at(60), Ok(()));
        assert_eq!(at(200), Err(Wait::Rate(Duration::from_secs(3400))));
        assert_eq!(at(3601), Ok(()));
    }

    /// A gate that five failures opened, at its fifth second.
    fn opened(limit: &RateLimit, start: Instant) -> Gate {
        let mut gate = Gate::default();
        for second in 0..5 {
            assert_eq!(asked(&mut gate, limit, start + Duration::from_secs(second), End::Failed), Ok(()));
        }
        gate
    }

    #[test]
    fn what_fails_is_left_alone_and_then_probed_once() {
        let limit = RateLimit { requests_per_minute: Some(1000), ..RateLimit::default() };
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut gate = opened(&limit, start);
        assert!(matches!(gate.enter(&limit, at(6)), Err(Wait::Open(_))));
        let probe = gate.enter(&limit, at(34)).unwrap();
        assert!(matches!(gate.enter(&limit, at(34)), Err(Wait::Open(_))), "and no other beside it");
        gate.leave(probe, End::Failed, at(35));
        assert!(matches!(gate.enter(&limit, at(60)), Err(Wait::Open(_))));
        assert_eq!(asked(&mut gate, &limit, at(65), End::Answered), Ok(()));
        assert_eq!(asked(&mut gate, &limit, at(65), End::Answered), Ok(()));
    }

    #[test]
    fn a_probe_for_which_nobody_waits_leaves_its_place_to_the_next() {
        let limit = RateLimit { requests_per_minute: Some(1000), ..RateLimit::default() };
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut gate = opened(&limit, start);
        assert_eq!(asked(&mut gate, &limit, at(40), End::Dropped), Ok(()));
        let probe = gate.enter(&limit, at(40)).unwrap();
        // One that was on its way since before ends late: the probe is still the only one.
        gate.leave(Turn { is_probe: false }, End::Dropped, at(41));
        assert!(matches!(gate.enter(&limit, at(41)), Err(Wait::Open(_))));
        gate.leave(probe, End::Answered, at(41));
        assert_eq!(asked(&mut gate, &limit, at(41), End::Answered), Ok(()));
    }

    #[test]
    fn a_service_is_left_alone_as_long_as_it_says_but_not_for_ever() {
        let limit = RateLimit { requests_per_minute: Some(1000), ..RateLimit::default() };
        let (mut gate, start) = (Gate::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        gate.leave_alone(Duration::from_secs(120), start);
        gate.leave_alone(Duration::from_secs(3), start);
        let left = gate.enter(&limit, at(20));
        assert_eq!(left, Err(Wait::Said(Duration::from_secs(100))), "the longer one holds");
        assert_eq!(asked(&mut gate, &limit, at(120), End::Answered), Ok(()));
        gate.leave_alone(Duration::from_secs(u64::MAX), at(120));
        assert_eq!(gate.enter(&limit, at(121)), Err(Wait::Said(Duration::from_secs(3599))));
    }
}
