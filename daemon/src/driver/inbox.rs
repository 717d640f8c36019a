//! What waits for the driver: questions and news from everywhere, and, one by one, what the disk worker has done.

use tokio::sync::mpsc;

use super::Input;
use crate::disk::Told;

/// Where inputs come from.
pub(super) struct Inbox {
    pub queue: mpsc::UnboundedReceiver<Input>,
    pub from_disk: mpsc::Receiver<Told>,
}

impl Inbox {
    /// The next input; `None` when there is nobody left to give any.
    pub async fn next(&mut self) -> Option<Input> {
        tokio::select! {
            input = self.queue.recv() => input,
            Some(told) = self.from_disk.recv() => Some(told.into()),
        }
    }

    /// An input that waits already.
    pub fn waiting(&mut self) -> Option<Input> {
        let asked = self.queue.try_recv().ok();
        asked.or_else(|| self.from_disk.try_recv().ok().map(Input::from))
    }
}

impl From<Told> for Input {
    fn from(told: Told) -> Self {
        match told {
            Told::Event(event) => Self::Event(event),
            Told::Barrier(answer) => Self::Barrier(answer),
        }
    }
}
