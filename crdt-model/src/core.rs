//! One notebook: the state machine.

use ed25519_dalek::SigningKey;

use crate::effect::Effect;
use crate::event::Event;
use crate::ids::UnixMs;
use crate::store::{Meta, Source, StoreError, WriteSet};

/// One notebook.
#[derive(Debug)]
pub struct Core {
    key: SigningKey,
}

/// What a step wants.
#[derive(Debug, Default)]
pub struct Stepped {
    /// To be written in one transaction, before any effect.
    pub writes: WriteSet,
    /// To be done then, in order.
    pub effects: Vec<Effect>,
}

/// A step that failed has no effect; the core must be opened again from the store.
pub type StepError = StoreError;

/// How a notebook comes to be on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It begins here.
    Found {
        /// Its name.
        name: String,
        /// This device's name.
        device_name: String,
    },
    /// It exists among peers: nothing on disk is born before their tree is known.
    Join {
        /// Its id.
        notebook: crate::ids::NotebookId,
        /// Its name here.
        name: String,
    },
}

impl Core {
    /// The writes that make a new store of a notebook. `seed` is 32 random bytes.
    pub fn create(_key: &SigningKey, _origin: Origin, _seed: [u8; 32], _now: UnixMs) -> WriteSet {
        WriteSet::default()
    }

    /// Opens a notebook from its store. `seed` is 32 random bytes; `fresh_volume` says that the journal
    /// here may not be the newest, so a new volume must begin.
    pub fn open(
        key: SigningKey,
        _seed: [u8; 32],
        _fresh_volume: bool,
        _source: &dyn Source,
    ) -> Result<(Self, Stepped), StepError> {
        Ok((Self { key }, Stepped::default()))
    }

    /// Takes in one event.
    pub fn step(&mut self, _now: UnixMs, _event: Event, _source: &dyn Source) -> Result<Stepped, StepError> {
        let _ = &self.key;
        Ok(Stepped::default())
    }

    /// When `Event::Tick` is wanted, if nothing else happens.
    pub fn deadline(&self) -> Option<UnixMs> {
        None
    }

    /// The notebook's values as the core knows them.
    pub fn meta(&self) -> Option<&Meta> {
        None
    }
}
