//! What could not be read, listed or made durable, for whoever shows how the notebook stands. A problem stays until
//! the thing is seen to be well, or until a whole scan meets it no more. Nothing here is ever taken for a deletion.

use std::collections::BTreeMap;

/// Problems kept: a folder of ten thousand unreadable files is one trouble, not ten thousand.
const KEPT: usize = 1000;
/// Problems handed out in full; of the rest the number is told.
const SHOWN: usize = 20;

/// Something is wrong with one thing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Which: its path in the notebook, or `.` for the notebook itself.
    pub path: String,
    /// What was tried, why not, and what to do.
    pub reason: String,
}

/// The first problems, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Troubles {
    /// By path.
    pub first: Vec<Problem>,
    /// Of all.
    pub count: usize,
}

/// The worker's list.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: BTreeMap<String, (String, Until)>,
    changed: bool,
}

/// When a problem is over, if nobody says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// When a survey after this one has met everything.
    Survey(u32),
    /// Never.
    Mended,
}

impl Problems {
    /// A survey met something that cannot be taken in.
    pub fn met(&mut self, path: &str, reason: String, survey: u32) {
        self.note(path, reason, Until::Survey(survey));
    }

    /// Something failed that no survey looks at.
    pub fn failing(&mut self, what: &str, reason: String) {
        self.note(what, reason, Until::Mended);
    }

    fn note(&mut self, path: &str, reason: String, until: Until) {
        let path = if path.is_empty() { "." } else { path };
        if self.found.len() >= KEPT && !self.found.contains_key(path) {
            return;
        }
        let old = self.found.insert(path.to_owned(), (reason.clone(), until));
        self.changed |= old.is_none_or(|(before, _)| before != reason);
    }

    /// It is well again, or gone.
    pub fn well(&mut self, path: &str) {
        let path = if path.is_empty() { "." } else { path };
        self.changed |= !self.found.is_empty() && self.found.remove(path).is_some();
    }

    /// Everything was looked at: what no survey from this one on has met is over.
    pub fn looked_at_all(&mut self, since: u32) {
        let before = self.found.len();
        self.found.retain(|_, (_, until)| match until {
            Until::Survey(met) => *met >= since,
            Until::Mended => true,
        });
        self.changed |= self.found.len() != before;
    }

    /// What is to be told, if that has changed since it was last asked for.
    pub fn news(&mut self) -> Option<Troubles> {
        std::mem::take(&mut self.changed).then(|| Troubles {
            first: self
                .found
                .iter()
                .take(SHOWN)
                .map(|(path, (reason, _))| Problem { path: path.clone(), reason: reason.clone() })
                .collect(),
            count: self.found.len(),
        })
    }
}
