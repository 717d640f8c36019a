//! What is being typed right now: each open page's cursor and unsaved changes, told to the other pages of the entry, on
//! this device and on others. Shown at once, kept nowhere: the record that follows is the truth.
//!
//! A message that is lost, late or too large for a datagram is no harm: the next one says it all again.

use codex_crdt_model::ids::{DeviceId, EntryId, NotebookId};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// Messages that a page may be behind; it then misses the oldest.
const BEHIND: usize = 256;
/// One message, bytes: the unsaved changes of two seconds, and a pasted page.
pub const MESSAGE_BYTES: usize = 64 << 10;

/// One page's word about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Which notebook.
    pub notebook: NotebookId,
    /// Which entry.
    pub entry: EntryId,
    /// On which device the page is open.
    pub device: DeviceId,
    /// Which page there.
    pub page: u64,
    /// What it says: JSON of the page's, or nothing when it is closed.
    pub says: Option<String>,
}

/// A word as it goes to another device; whose it is says the connection, of which notebook what is around it.
#[derive(Serialize, Deserialize)]
struct Wire {
    entry: EntryId,
    page: u64,
    says: Option<String>,
}

impl Word {
    /// For the wire.
    pub fn encode(&self) -> Vec<u8> {
        let Self { entry, page, says, .. } = self.clone();
        postcard::to_stdvec(&Wire { entry, page, says }).expect("encoding into memory cannot fail")
    }

    /// From a device. Total: any bytes give a word or `None`.
    pub fn decode(notebook: NotebookId, device: DeviceId, bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MESSAGE_BYTES {
            return None;
        }
        let (Wire { entry, page, says }, rest) = postcard::take_from_bytes(bytes).ok()?;
        rest.is_empty().then_some(Self { notebook, entry, device, page, says })
    }
}

/// Cloneable: all words that are said on this device or come to it.
#[derive(Debug, Clone)]
pub struct Talk(broadcast::Sender<Word>);

impl Default for Talk {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Talk {
    /// Tells every open page; they pick what is about their entry.
    pub fn say(&self, word: Word) {
        // Nobody may be listening.
        let _ = self.0.send(word);
    }

    /// Hears what is said from now on.
    pub fn hear(&self) -> broadcast::Receiver<Word> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_a_word_or_none(bytes: Vec<u8>) {
            if let Some(word) = Word::decode(NotebookId([1; 32]), DeviceId([1; 32]), &bytes) {
                prop_assert_eq!(word.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_word_comes_back_as_its_speakers() {
        let says = Some(r#"{"selection":[1,2]}"#.to_owned());
        let (notebook, entry, device) = (NotebookId([1; 32]), EntryId([2; 32]), DeviceId([3; 32]));
        let word = Word { notebook, entry, device, page: 7, says };
        assert_eq!(Word::decode(notebook, device, &word.encode()), Some(word.clone()));
        assert_eq!(
            Word::decode(notebook, device, &[word.encode(), vec![0]].concat()),
            None,
            "nothing may follow"
        );
    }
}
