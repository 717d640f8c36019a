//! How much of one peer may wait to be taken in.
//!
//! What came is in memory until the step that took it in is on disk. A peer sends as fast as the line carries, and steps take
//! time: so each of its streams has a budget, and is read on only while there is some left. QUIC then holds back the sender.

use std::sync::Arc;

use codex_crdt_model::limits::FRAME_BYTES;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of frames of one notebook from one peer that wait at most: 32 MiB, and two of the largest.
pub(super) const BUDGET: usize = if 2 * FRAME_BYTES > 32 << 20 { 2 * FRAME_BYTES } else { 32 << 20 };
/// What the smallest frame costs besides its bytes, or a flood of empty ones would cost nothing.
pub(super) const FRAME_COST: usize = 512;

/// What is left of a budget. It outlives the streams: whoever opens another has no more of it.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
#[must_use = "dropped, it is given back"]
pub struct Part(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET)))
    }
}

impl Budget {
    /// Waits until there is enough for a frame; `None` if there never will be.
    pub(super) async fn take(&self, frame_bytes: usize) -> Option<Part> {
        let cost = u32::try_from(frame_bytes.saturating_add(FRAME_COST).min(BUDGET)).ok()?;
        Arc::clone(&self.0).acquire_many_owned(cost).await.ok().map(Part)
    }
}
