//! What peers say to each other about one notebook. One frame is one [`Message`], postcard, length-prefixed
//! by the transport (`docs/protocol.md`). Decoding is total and bounded (losses.md L45).

use serde::{Deserialize, Serialize};

use crate::bounded::at_most;
use crate::ids::NotebookId;
use crate::journal::record::Record;
use crate::journal::{Fork, Receipt, Tip};
use crate::limits;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// First on both sides, and again whenever a record could not be taken: "this is what I know".
    Hello {
        /// Which notebook.
        notebook: NotebookId,
        /// The sender's frontier.
        #[serde(deserialize_with = "at_most::<{ limits::SEEN_TIPS }, _, _>")]
        tips: Vec<Tip>,
        /// Latest receipts the sender holds, its own first.
        #[serde(deserialize_with = "at_most::<{ limits::RECEIPTS }, _, _>")]
        receipts: Vec<Receipt>,
    },
    /// Records, in an order that respects `seen`.
    Records(#[serde(deserialize_with = "at_most::<{ limits::BATCH_RECORDS }, _, _>")] Vec<Record>),
    /// New receipts.
    Receipts(#[serde(deserialize_with = "at_most::<{ limits::RECEIPTS }, _, _>")] Vec<Receipt>),
    /// A journal was continued twice: before the first record that may stand on it.
    Fork(Fork),
}

impl Message {
    /// The frame's bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("encoding into memory cannot fail")
    }

    /// Total: any bytes give a message or `None`.
    pub fn decode(frame: &[u8]) -> Option<Self> {
        if frame.len() > limits::FRAME_BYTES {
            return None;
        }
        let (message, rest) = postcard::take_from_bytes::<Self>(frame).ok()?;
        rest.is_empty().then_some(message)
    }
}
