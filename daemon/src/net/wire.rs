//! What goes over a QUIC connection with the sync ALPN: length-prefixed frames, and the few messages with
//! which connections and streams begin. What the frames of a notebook mean is none of its business.

use codex_crdt_model::ids::NotebookId;
use codex_crdt_model::limits::FRAME_BYTES;
use iroh::endpoint::{ReadError, ReadExactError, RecvStream, SendStream, WriteError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Names this protocol and its version.
pub(super) const ALPN: &[u8] = b"codex/sync/1";

/// A first frame or an answer is never longer.
pub(super) const GREETING_BYTES: usize = 4096;

/// A frame's buffer starts with at most this much and grows as bytes arrive: the length is the peer's word.
const FIRST_BYTES: usize = 64 << 10;

/// Sent by both sides of a lasting connection, each on a one-way stream: at its beginning, and again when
/// addresses change. The device that dialled sends first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Random, one for each run of the program: tells a restart from a second connection.
    pub run: u64,
    /// Where the sender can be reached.
    pub addresses: Vec<String>,
}

/// The first frame on a two-way stream, from the one who opened it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum First {
    /// The stream shall carry this notebook.
    Open {
        /// Which.
        notebook: NotebookId,
    },
    /// The sender has an invitation. On a connection of its own, without [`Hello`].
    Knock {
        /// To which notebook.
        notebook: NotebookId,
        /// The secret on it.
        secret: [u8; 16],
        /// What the sender calls itself.
        name: String,
        /// Its signature that it is another device of the inviter's, or goes by the recovery key; empty for another person.
        consent: Vec<u8>,
        /// A recovery key's signature that it is its person's; empty for another person.
        recovery: Vec<u8>,
    },
}

/// The answer to [`First`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Yes. After `Open`, frames follow in both directions; after `Knock`, nothing.
    Accepted {
        /// The device's name after `Open`, the notebook's after `Knock`.
        name: String,
    },
    /// No, and nothing follows.
    Refused {
        /// Why, for people.
        reason: String,
    },
    /// After `Knock`: somebody has to say yes first.
    Waiting,
}

/// Why nothing more can be read from a stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadFrameError {
    /// Finished between two frames.
    #[error("finished")]
    Finished,
    /// Finished within one.
    #[error("cut off in the middle of a frame")]
    Cut,
    /// A header says more than may be.
    #[error("a frame of {0} bytes was announced, {1} are allowed")]
    TooLong(usize, usize),
    /// Not a message of this protocol.
    #[error("a message that cannot be read")]
    Malformed,
    /// The connection or the stream broke.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ReadFrameError {
    /// Whether the peer broke the protocol, rather than the line.
    pub(super) fn is_fault(&self) -> bool {
        matches!(self, Self::Cut | Self::TooLong(..) | Self::Malformed)
    }
}

/// Reads how long the next frame is: at most `limit` bytes.
pub(super) async fn read_length(recv: &mut RecvStream, limit: usize) -> Result<usize, ReadFrameError> {
    let mut header = [0; 4];
    match recv.read_exact(&mut header).await {
        Ok(()) => {}
        Err(ReadExactError::FinishedEarly(0)) => return Err(ReadFrameError::Finished),
        Err(ReadExactError::FinishedEarly(_)) => return Err(ReadFrameError::Cut),
        Err(ReadExactError::ReadError(error)) => return Err(error.into()),
    }
    let length = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(ReadFrameError::TooLong(length, limit));
    }
    Ok(length)
}

/// Reads a frame's bytes.
pub(super) async fn read_bytes(recv: &mut RecvStream, length: usize) -> Result<Vec<u8>, ReadFrameError> {
    let mut frame = Vec::with_capacity(length.min(FIRST_BYTES));
    while frame.len() < length {
        match recv.read_chunk(length - frame.len()).await? {
            Some(chunk) => frame.extend_from_slice(&chunk),
            None => return Err(ReadFrameError::Cut),
        }
    }
    Ok(frame)
}

/// Reads one message of the beginning.
pub(super) async fn read_message<M: DeserializeOwned>(recv: &mut RecvStream) -> Result<M, ReadFrameError> {
    let length = read_length(recv, GREETING_BYTES).await?;
    let frame = read_bytes(recv, length).await?;
    decode(&frame).ok_or(ReadFrameError::Malformed)
}

/// One message of the beginning. Total: any bytes give one or `None`.
pub fn decode<M: DeserializeOwned>(frame: &[u8]) -> Option<M> {
    match postcard::take_from_bytes(frame) {
        Ok((message, [])) => Some(message),
        _ => None,
    }
}

/// Writes one frame; returns when QUIC has taken it.
pub(super) async fn write_frame(send: &mut SendStream, frame: Vec<u8>) -> Result<(), WriteError> {
    debug_assert!(frame.len() <= FRAME_BYTES, "the core keeps to its own limit");
    let header = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut chunks = [bytes::Bytes::copy_from_slice(&header), bytes::Bytes::from(frame)];
    send.write_all_chunks(&mut chunks).await
}

/// Writes one message of the beginning.
pub(super) async fn write_message<M: Serialize>(
    send: &mut SendStream,
    message: &M,
) -> Result<(), WriteError> {
    let bytes = postcard::to_stdvec(message).expect("these messages hold nothing that postcard refuses");
    write_frame(send, bytes).await
}

/// A word that is kept nowhere, as one datagram: the notebook, and what is said about it.
pub(super) fn word(notebook: &NotebookId, says: &[u8]) -> bytes::Bytes {
    [notebook.as_bytes().as_slice(), says].concat().into()
}

/// What a datagram says. Total: any bytes give a word or `None`.
pub fn read_word(datagram: &[u8]) -> Option<(NotebookId, &[u8])> {
    let (notebook, says) = datagram.split_first_chunk()?;
    Some((NotebookId(*notebook), says))
}

/// Cuts text to so many bytes, at a character's border.
pub(super) fn shorten(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// An example of `docs/protocol.md`: `XX*N` is a byte repeated, what follows two spaces a remark; without what
    /// depends on other bytes (`??`).
    pub fn example(name: &str) -> Vec<u8> {
        let text = include_str!("../../../docs/protocol.md");
        let block = text.split(&format!("```hex {name}\n")).nth(1).unwrap().split("```").next().unwrap();
        let words = block.lines().flat_map(|line| line.split("  ").next().unwrap().split_whitespace());
        let mut bytes = Vec::new();
        for word in words.filter(|word| !word.starts_with('?')) {
            let (digits, times) = word.split_once('*').map_or((word, 1), |(d, n)| (d, n.parse().unwrap()));
            bytes.extend(data_encoding::HEXLOWER.decode(digits.as_bytes()).unwrap().repeat(times));
        }
        bytes
    }

    /// Changing one of these bytes means a new ALPN.
    #[test]
    fn the_examples_of_the_beginning_are_what_is_sent() {
        let open = First::Open { notebook: NotebookId([0x11; 32]) };
        assert_eq!(postcard::to_stdvec(&open).unwrap(), example("open"));
        let knock = First::Knock {
            notebook: NotebookId([0x22; 32]),
            secret: [0x33; 16],
            name: "ab".into(),
            consent: vec![9],
            recovery: Vec::new(),
        };
        assert_eq!(postcard::to_stdvec(&knock).unwrap(), example("knock"));
        let accepted = Answer::Accepted { name: "a".into() };
        assert_eq!(postcard::to_stdvec(&accepted).unwrap(), example("accepted"));
        assert_eq!(postcard::to_stdvec(&Answer::Waiting).unwrap(), example("waiting"));
        let refused = Answer::Refused { reason: "b".into() };
        assert_eq!(postcard::to_stdvec(&refused).unwrap(), example("refused"));
        let hello = Hello { run: 5, addresses: vec!["10.0.0.1:80".into()] };
        assert_eq!(postcard::to_stdvec(&hello).unwrap(), example("hello"));
        assert!(
            include_str!("../../../docs/protocol.md")
                .contains(&format!("| `GREETING_BYTES` | {GREETING_BYTES} |"))
        );
        assert!(include_str!("../../../docs/protocol.md").contains(std::str::from_utf8(ALPN).unwrap()));
        assert!(
            include_str!("../../../docs/protocol.md")
                .contains(std::str::from_utf8(iroh_blobs::ALPN).unwrap())
        );
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(shorten("aü", 2), "a");
        assert_eq!(shorten("aü", 3), "aü");
        assert_eq!(shorten("aü", 30), "aü");
    }
}
