//! What somebody signs about entries: seals, comments, timestamps. Each is kept where it is found; whether it counts is seen
//! when it is asked for.

use super::txn::Txn;
use crate::effect::Notice;
use crate::ids::UnixMs;
use crate::journal::{Payload, Seal, Tip};
use crate::membership::Knows;
use crate::store::{CommentRow, SealRow};

/// Signs something about entries here, and keeps it.
pub(super) fn sign(txn: &mut Txn<'_>, payload: Payload) -> Tip {
    txn.close();
    let (tip, knows) = txn.sign(&payload, Vec::new());
    note(txn, tip, txn.now, payload, knows);
    tip
}

/// Keeps what the record says that was added last. Other payloads say nothing about entries.
pub(super) fn note(txn: &mut Txn<'_>, tip: Tip, time: UnixMs, payload: Payload, knows: Knows) {
    let position = txn.meta.position;
    match payload {
        Payload::Seal(seal) => {
            let is_text = matches!(&seal, Seal::Entry(sealed) if sealed.text.is_some());
            txn.notify(Notice::Sealed(seal.entry()));
            let row = SealRow { tip, time, seal: seal.without_text(), is_text, knows };
            txn.writes.seals.push((position, row));
        }
        Payload::Comment(comment) => {
            txn.notify(Notice::Commented(comment.entry()));
            txn.writes.comments.push((position, CommentRow { tip, time, comment }));
        }
        Payload::Timestamp(stamp) => {
            txn.notify(Notice::Timestamped);
            txn.writes.timestamps.push((position, stamp.seals));
        }
        Payload::Edit(_) | Payload::Membership(_) | Payload::Unknown(..) => {}
    }
}
