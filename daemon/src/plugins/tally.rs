//! What plugins did since the program was started: counts, and the last refusals of each.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::now_ms;

/// So many refusals of a plugin are kept.
const KEPT: usize = 50;

/// Something that a plugin was not let do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What it tried.
    pub call: String,
    /// Why not.
    pub reason: String,
}

/// Counts by plugin.
#[derive(Debug, Default)]
pub struct Tally {
    plugins: BTreeMap<String, Count>,
}

#[derive(Debug, Default)]
struct Count {
    done: u64,
    refused: u64,
    refusals: VecDeque<Refusal>,
}

impl Tally {
    /// One more that was done.
    pub fn done(&mut self, plugin: &str) {
        self.count(plugin).done += 1;
    }

    /// One more that was refused.
    pub fn refused(&mut self, plugin: &str, call: &str, reason: &str) {
        let count = self.count(plugin);
        count.refused += 1;
        count.refusals.push_back(Refusal { at: now_ms(), call: cut(call), reason: cut(reason) });
        if count.refusals.len() > KEPT {
            count.refusals.pop_front();
        }
    }

    /// Done, refused, and the last refusals, the newest first.
    pub fn of(&self, plugin: &str) -> (u64, u64, Vec<Refusal>) {
        self.plugins.get(plugin).map_or((0, 0, Vec::new()), |count| {
            (count.done, count.refused, count.refusals.iter().rev().cloned().collect())
        })
    }

    fn count(&mut self, plugin: &str) -> &mut Count {
        self.plugins.entry(plugin.to_owned()).or_default()
    }
}

fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}
