//! After a failure of the store: the core is opened again from what is durable, as often as it takes. Meanwhile nobody
//! who asks is left waiting.

use std::time::Duration;

use codex_crdt_model::Core;
use codex_crdt_model::event::Event;
use codex_crdt_model::store::StoreError;
use tokio::sync::oneshot;

use super::batch::{Batch, commit};
use super::{Driver, Inbox, Input, seed};

/// After a failure of the store, it is opened again this much later.
const REOPEN: Duration = Duration::from_secs(5);

/// What came of opening the core again.
pub(super) enum Reopened {
    /// It is open; these events came meanwhile.
    Again(Box<Batch>, Vec<Event>),
    /// It shall stop, or nobody holds a handle any more.
    Stopped(Option<oneshot::Sender<()>>),
}

impl Driver {
    /// A step or its write failed: nothing of the batch counts. Opens the core again from what is durable.
    pub(super) async fn reopen(&mut self, batch: Batch, error: StoreError, inbox: &mut Inbox) -> Reopened {
        tracing::error!(notebook = %self.id, %error, "a step failed; the notebook is opened again");
        self.failure = Some(error.to_string());
        let Batch { mut core, mut store, .. } = batch;
        store.rollback();
        let mut late = Vec::new();
        loop {
            // Whoever asked is answered with the reason.
            self.publish(&core, &store);
            self.answers.clear();
            self.barriers.clear();
            if let Some(stopped) = self.wait_to_reopen(inbox, &mut late).await {
                return stopped;
            }
            let opened = seed().and_then(|seed| Core::open(self.shells.key.clone(), seed, false, &store));
            match opened {
                Ok((fresh, opened)) => {
                    let mut batch = commit(fresh, store, opened).await;
                    if batch.outcome.is_ok() {
                        for peer in self.open_peers.clone() {
                            self.shells.net.disconnect(self.id, peer, "the notebook was opened again");
                        }
                        let effects = std::mem::take(&mut batch.effects);
                        self.carry_out(effects);
                        return Reopened::Again(Box::new(batch), late);
                    }
                    Batch { core, store, .. } = batch;
                    store.rollback();
                }
                Err(error) => self.failure = Some(error.to_string()),
            }
        }
    }

    /// Waits a while. What comes in meanwhile and would not come again is kept; what is asked for is refused at once.
    async fn wait_to_reopen(&mut self, inbox: &mut Inbox, late: &mut Vec<Event>) -> Option<Reopened> {
        let again = tokio::time::sleep(REOPEN);
        tokio::pin!(again);
        loop {
            let input = tokio::select! {
                () = &mut again => return None,
                input = inbox.next() => input,
            };
            match input {
                None => return Some(Reopened::Stopped(None)),
                // Its answer is dropped with it.
                Some(Input::Ask { .. }) => {}
                Some(input) => {
                    if let Some(done) = self.take(input, late) {
                        return Some(Reopened::Stopped(Some(done)));
                    }
                }
            }
            self.barriers.clear();
            self.parts.clear();
            // A scan follows the opening, and peers say again what they said.
            late.retain(|event| {
                !matches!(
                    event,
                    Event::Observed(_) | Event::Scanned(_) | Event::Received { .. } | Event::Tick
                )
            });
        }
    }
}
