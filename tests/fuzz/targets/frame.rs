//! What a peer sends: the messages of a notebook's stream, and those with which connections and streams begin.

use codex_crdt_model::ids::{DeviceId, NotebookId};
use codex_crdt_model::limits;
use codex_crdt_model::sync::Message;
use codexd::live::Word;
use codexd::net::wire::{Answer, First, Hello, decode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Decoding is total and bounded, and what decodes survives being encoded.
pub fn run(bytes: &[u8]) {
    greeting::<Hello>(bytes);
    greeting::<First>(bytes);
    greeting::<Answer>(bytes);
    word(bytes);
    let Some(message) = Message::decode(bytes) else { return };
    assert_eq!(Message::decode(&message.encode()).as_ref(), Some(&message));
    match message {
        Message::Hello { tips, receipts, .. } => {
            assert!(tips.len() <= limits::SEEN_TIPS && receipts.len() <= limits::RECEIPTS);
            assert!(receipts.iter().all(|receipt| !receipt.verify()), "nobody signed them");
        }
        Message::Receipts(receipts) => assert!(receipts.len() <= limits::RECEIPTS),
        Message::Records(records) => assert!(records.len() <= limits::BATCH_RECORDS),
        Message::Fork(fork) => {
            let _ = fork.at();
        }
    }
}

/// What a page elsewhere says while somebody types.
fn word(bytes: &[u8]) {
    let (notebook, device) = (NotebookId([9; 32]), DeviceId([5; 32]));
    let Some(word) = Word::decode(notebook, device, bytes) else { return };
    assert_eq!(Word::decode(notebook, device, &word.encode()), Some(word));
}

fn greeting<M: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let Some(message) = decode::<M>(bytes) else { return };
    let again = postcard::to_stdvec(&message).expect("these messages hold nothing that postcard refuses");
    assert_eq!(decode::<M>(&again), Some(message));
}
