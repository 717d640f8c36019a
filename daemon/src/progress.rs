//! What a notebook is working on and how far it is, for status, pages and terminals. Knows nobody.

use serde::Serialize;
use utoipa::ToSchema;

/// One piece of work under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// Which.
    pub what: Work,
    /// So much is done: files, records or attachments.
    pub done: u64,
    /// Of so much, where that is known.
    pub total: Option<u64>,
}

/// Kinds of work that may take a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Files are looked at.
    Scan,
    /// What was found in files is taken in.
    Import,
    /// Records arrive from peers.
    Receive,
    /// Files are written.
    Write,
    /// Attachments are fetched.
    Attachments,
    /// Entries are made searchable.
    Index,
}

/// Turns "so much is left" into "so much of so much": the most that was left since nothing was is the whole.
#[derive(Debug, Default)]
pub struct Gauge {
    most: u64,
}

impl Gauge {
    /// How far it is now; `None` if nothing is left.
    pub fn at(&mut self, what: Work, left: u64) -> Option<Progress> {
        self.most = if left == 0 { 0 } else { self.most.max(left) };
        (left > 0).then(|| Progress { what, done: self.most - left, total: Some(self.most) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_grows_with_the_work_and_begins_anew_after_rest() {
        let mut gauge = Gauge::default();
        let mut seen = |left| gauge.at(Work::Write, left).map(|at| (at.done, at.total.unwrap_or_default()));
        assert_eq!(seen(0), None);
        assert_eq!(seen(10), Some((0, 10)));
        assert_eq!(seen(4), Some((6, 10)));
        assert_eq!(seen(12), Some((0, 12)));
        assert_eq!(seen(0), None);
        assert_eq!(seen(2), Some((0, 2)));
    }
}
