//! One notebook's stream to one peer: two tasks, one for each direction.

use codex_crdt_model::ids::{DeviceId, NotebookId};
use codex_crdt_model::limits::FRAME_BYTES;
use iroh::endpoint::{RecvStream, SendStream, VarInt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::actor::Happened;
use super::budget::Budget;
use super::wire::{self, Answer, ReadFrameError};

/// Which stream. The number tells it from an earlier one to the same peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub peer: DeviceId,
    pub notebook: NotebookId,
    pub number: u64,
}

/// Code of streams that are cut.
const CUT: VarInt = VarInt::from_u32(1);

/// Hands frames to QUIC, which pushes back; tells the actor how many, whenever the queue has become empty.
pub(super) async fn write(
    key: Key,
    mut send: SendStream,
    greeting: Option<Answer>,
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    cut: CancellationToken,
    happened: mpsc::Sender<Happened>,
) {
    let work = async {
        if let Some(greeting) = greeting {
            wire::write_message(&mut send, &greeting).await?;
        }
        let mut written = 0;
        while let Some(frame) = queue.recv().await {
            wire::write_frame(&mut send, frame).await?;
            written += 1;
            if queue.is_empty() && happened.send(Happened::Written { key, written }).await.is_err() {
                break;
            }
        }
        anyhow::Ok(())
    };
    match cut.run_until_cancelled(work).await {
        Some(Ok(())) => {
            let _ = send.finish();
        }
        Some(Err(error)) => {
            let reason = format!("cannot write: {error:#}");
            let _ = happened.send(Happened::Ended { key, reason, fault: false }).await;
        }
        None => {
            let _ = send.reset(CUT);
        }
    }
}

/// Reads frames until the stream ends or the peer breaks the protocol; only this stream suffers (L45). The budget is taken before
/// a frame is read, so that what waits and what is being read stay within it together.
pub(super) async fn read(
    key: Key,
    mut recv: RecvStream,
    budget: Budget,
    cut: CancellationToken,
    happened: mpsc::Sender<Happened>,
) {
    let work = async {
        loop {
            let read = async {
                let length = wire::read_length(&mut recv, FRAME_BYTES).await?;
                let part = budget.take(length).await.ok_or(ReadFrameError::Finished)?;
                Ok((wire::read_bytes(&mut recv, length).await?, part))
            };
            match read.await {
                Ok((frame, part)) => {
                    if happened.send(Happened::Frame { key, frame, part }).await.is_err() {
                        return ReadFrameError::Finished;
                    }
                }
                Err(error) => return error,
            }
        }
    };
    let ended = cut.run_until_cancelled(work).await;
    let _ = recv.stop(CUT);
    if let Some(error) = ended {
        let (reason, fault) = (error.to_string(), error.is_fault());
        let _ = happened.send(Happened::Ended { key, reason, fault }).await;
    }
}
