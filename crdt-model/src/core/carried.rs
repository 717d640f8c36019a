//! Sync without a network: what came in a bundle. Records go the way of those from a peer; only what cannot be taken is
//! told, as there is nobody to be asked again.

use super::Core;
use super::peers::{self, Taken};
use super::txn::Txn;
use crate::bundle::{Fault, Place};
use crate::effect::Reply;
use crate::event::Carried;
use crate::ids::RecordHash;
use crate::journal::{Frontier, Header};
use crate::store::{Mode, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// Takes in part of a bundle.
pub(super) fn take(core: &mut Core, txn: &mut Txn<'_>, part: Carried) -> Result<Reply> {
    txn.close();
    let (mut new, mut left, mut refused) = (0, 0, None);
    for fork in part.forks {
        if let Err(refused) = peers::take_fork(core, txn, fork)? {
            let reason = format!("a proof of a forked journal is none: {refused}");
            return Ok(Reply::Carried { new, left, refused: Some(Fault { at: None, reason }) });
        }
    }
    for record in part.records {
        let header = match record.verify(&txn.meta.notebook) {
            Ok(header) => header,
            Err(error) => {
                let at = Header::decode(&record.header).map(|header| Place::of(&header));
                refused = Some(Fault { at, reason: error.to_string() });
                break;
            }
        };
        let reason = match peers::take_verified(core, txn, &header, record)? {
            Taken::New => {
                new += 1;
                continue;
            }
            Taken::Known => continue,
            Taken::Left => {
                left += 1;
                continue;
            }
            Taken::Gap => what_it_lacks(txn, &header),
            Taken::Refused(reason) => format!("it is of a device {reason}"),
        };
        refused = Some(Fault { at: Some(Place::of(&header)), reason });
        break;
    }
    if new > 0 {
        peers::took_records(core, txn)?;
    }
    let own = txn.meta.device;
    peers::take_receipts(core, txn, part.receipts, own)?;
    let goal = Frontier::from_tips(part.complete);
    let is_all = !goal.is_empty() && peers::is_reached(txn, &goal) && peers::is_all_here(core, txn);
    if txn.meta.mode == Mode::Joining && is_all {
        core.go_live(txn);
    }
    Ok(Reply::Carried { new, left, refused })
}

/// Why a record does not follow on what is here.
fn what_it_lacks(txn: &Txn<'_>, header: &Header) -> String {
    let have = txn.frontier.tip(header.device, header.volume);
    let (seq, hash) = have.unwrap_or((0, RecordHash([0; 32])));
    if header.seq > seq + 1 {
        return format!(
            "of this journal only {seq} records are here; a bundle that holds the rest comes first"
        );
    }
    if header.previous != hash {
        return format!(
            "record {seq} before it is another one here: the journal was written twice, by a copy or a lie"
        );
    }
    let lacks = header.seen.iter().find(|tip| txn.frontier.seq(tip.device, tip.volume) < tip.seq);
    lacks.map_or_else(String::new, |tip| {
        let place = Place { device: tip.device, volume: tip.volume, seq: tip.seq };
        format!("its author had seen {place}, which is not here; a bundle that holds it comes first")
    })
}
