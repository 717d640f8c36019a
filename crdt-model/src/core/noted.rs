//! What somebody signed about entries, kept where it is found: seals, comments, timestamps. Whether it counts is seen when it is
//! asked for.

use super::txn::Txn;
use crate::effect::Notice;
use crate::ids::{RecordHash, UnixMs};
use crate::journal::{Comment, Seal, Tip};
use crate::membership::Knows;
use crate::store::{CommentRow, SealRow};

/// Keeps a seal where it is found; whether it counts is seen when it is asked for.
pub(in crate::core) fn note_seal(txn: &mut Txn<'_>, tip: Tip, time: UnixMs, seal: Seal, knows: Knows) {
    let is_text = matches!(&seal, Seal::Entry(sealed) if sealed.text.is_some());
    let entry = seal.entry();
    let row = SealRow { tip, time, seal: seal.without_text(), is_text, knows };
    txn.writes.seals.push((txn.meta.position, row));
    txn.notify(Notice::Sealed(entry));
}

/// Keeps a comment where it is found; whether it counts is seen when it is asked for.
pub(in crate::core) fn note_comment(txn: &mut Txn<'_>, tip: Tip, time: UnixMs, comment: Comment) {
    let entry = comment.entry();
    txn.writes.comments.push((txn.meta.position, CommentRow { tip, time, comment }));
    txn.notify(Notice::Commented(entry));
}

/// Keeps which seals a timestamp names; what it proves is seen when it is asked for.
pub(in crate::core) fn note_timestamp(txn: &mut Txn<'_>, seals: Vec<RecordHash>) {
    txn.writes.timestamps.push((txn.meta.position, seals));
    txn.notify(Notice::Timestamped);
}
