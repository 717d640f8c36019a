//! Steps and their commit, where blocking is allowed. Events that wait together are stepped together and share one
//! transaction.

use codex_crdt_model::effect::Effect;
use codex_crdt_model::event::Event;
use codex_crdt_model::store::StoreError;
use codex_crdt_model::{Core, Stepped};

use crate::clock::now_ms;
use crate::store::Store;

/// The core and its store, and what a batch of steps came to. Travels to a blocking thread and back.
pub(super) struct Batch {
    pub core: Core,
    pub store: Store,
    pub effects: Vec<Effect>,
    pub came_to: CameTo,
    pub outcome: Result<(), StoreError>,
}

/// What steps did besides effects.
#[derive(Default)]
pub(super) struct CameTo {
    pub members_changed: bool,
    /// Something was written, or everything looked at: an earlier failure is over.
    pub proves_well: bool,
}

pub(super) async fn commit(core: Core, store: Store, stepped: Stepped) -> Batch {
    blocking(core, store, move |_, store, effects| {
        store.apply(&stepped.writes)?;
        effects.extend(stepped.effects);
        Ok(CameTo::default())
    })
    .await
}

pub(super) async fn step_all(core: Core, store: Store, events: Vec<Event>) -> Batch {
    blocking(core, store, move |core, store, effects| {
        let mut came_to = CameTo::default();
        for event in events {
            came_to.proves_well |= matches!(event, Event::Scanned(_));
            let stepped = core.step(now_ms(), event, store)?;
            came_to.members_changed |= !stepped.writes.members.is_empty();
            came_to.proves_well |= !stepped.writes.records.is_empty();
            store.apply(&stepped.writes)?;
            effects.extend(stepped.effects);
        }
        Ok(came_to)
    })
    .await
}

/// Runs steps and their commit where blocking is allowed.
async fn blocking(
    core: Core,
    store: Store,
    work: impl FnOnce(&mut Core, &mut Store, &mut Vec<Effect>) -> Result<CameTo, StoreError> + Send + 'static,
) -> Batch {
    tokio::task::spawn_blocking(move || {
        let mut batch =
            Batch { core, store, effects: Vec::new(), came_to: CameTo::default(), outcome: Ok(()) };
        let worked = work(&mut batch.core, &mut batch.store, &mut batch.effects);
        batch.outcome = worked.and_then(|came_to| {
            batch.came_to = came_to;
            batch.store.commit()
        });
        batch
    })
    .await
    .expect("the blocking pool runs as long as the driver; a panic in the core must not be survived half-way")
}
