//! What somebody here asks to sign: an entry as it is, or that somebody else's seal says what is so. And what an authority
//! for timestamps says of seals.

use super::{Answer, live, people};
use crate::core::Core;
use crate::core::noted;
use crate::core::txn::Txn;
use crate::effect::{Refusal, Reply};
use crate::entry::Content;
use crate::entry::birth::Kind;
use crate::event::Version;
use crate::ids::{ContentHash, EntryId, RecordHash};
use crate::journal::seal::{SealedEntry, SealedPart};
use crate::journal::{Payload, Role, Seal, Timestamp};
use crate::limits;
use crate::store::{EntryRow, StoreError};

/// What somebody says with a seal.
pub(super) struct Said {
    pub meaning: String,
    pub locks: bool,
}

fn no(path: &(impl ToString + ?Sized), reason: impl Into<String>) -> Answer {
    Ok(Err(Refusal::Seal { path: path.to_string(), reason: reason.into() }))
}

/// Why a meaning is none.
fn meaningless(meaning: &str) -> Option<String> {
    if meaning.trim().is_empty() {
        return Some("say what it means, as `recorded by me` or `reviewed`".into());
    }
    if meaning.chars().any(char::is_control) {
        return Some("what it means is one line, without control characters".into());
    }
    let is_long = meaning.len() > limits::MEANING_BYTES;
    is_long.then(|| format!("what it means is longer than {} bytes", limits::MEANING_BYTES))
}

pub(super) fn seal(
    core: &Core,
    txn: &mut Txn<'_>,
    id: EntryId,
    version: &Version,
    parts: Vec<EntryId>,
    said: Said,
) -> Answer {
    if let Some(refusal) = people::refused(txn, "seal something", Role::Commenter) {
        return Ok(Err(refusal));
    }
    let Some(row) = live(txn, id)? else { return Ok(Err(Refusal::NoEntry(id))) };
    let path = txn.path(&id)?;
    if let Some(reason) = meaningless(&said.meaning) {
        return no(&path, reason);
    }
    if row.heads != version.0 {
        return no(&path, "it has changed since you looked; read it again, then seal it");
    }
    if said.locks
        && let Some(refusal) = people::refused(txn, "lock something", Role::Editor)
    {
        return Ok(Err(refusal));
    }
    if let Some(reason) = differs(core, txn, &id) {
        return no(&path, reason);
    }
    if parts.len() > limits::SEAL_PARTS {
        return no(&path, format!("it embeds more than {} entries", limits::SEAL_PARTS));
    }
    if let Some(reason) = lacking(txn, &row)? {
        return no(&path, reason);
    }
    let text = match row.kind {
        Kind::Text => match txn.document(&id, &row)?.view().content {
            Content::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    };
    let mut sealed_parts = Vec::new();
    for part in parts {
        let Some(row) = live(txn, part)? else { return Ok(Err(Refusal::NoEntry(part))) };
        let part_path = txn.path(&part)?.to_string();
        if let Some(reason) = lacking(txn, &row)?.or_else(|| differs(core, txn, &part)) {
            return no(&path, format!("`{part_path}` belongs to it, and {reason}"));
        }
        sealed_parts.push(SealedPart { entry: part, path: part_path, hash: row.hash, size: row.size });
    }
    let sealed = SealedEntry {
        entry: id,
        version: row.heads,
        path: path.to_string(),
        hash: row.hash,
        size: row.size,
        text,
        parts: sealed_parts,
        meaning: said.meaning,
        locks: said.locks,
    };
    sign(txn, path.as_str(), Seal::Entry(sealed))
}

/// Why what lies in the folder is not what would be signed.
fn differs(core: &Core, txn: &Txn<'_>, id: &EntryId) -> Option<String> {
    let differs = core.drafts.has(id) || txn.people.own_held().contains(id);
    differs.then(|| "the file here differs from what is shared; bring it back to that first".to_owned())
}

/// Why something cannot be signed: nobody signs what is not there to be read.
fn lacking(txn: &Txn<'_>, row: &EntryRow) -> Result<Option<String>, StoreError> {
    Ok(match row.kind {
        Kind::Folder => Some("a folder has no content; seal what is in it".into()),
        Kind::Symlink => Some("it is a link; seal what it points to".into()),
        Kind::Blob if txn.blob_missing(&row.hash)?.is_some() => {
            Some("its bytes are not on this device; fetch them first".into())
        }
        Kind::Blob | Kind::Text => None,
    })
}

pub(super) fn witness(
    core: &Core,
    txn: &mut Txn<'_>,
    entry: EntryId,
    seal: RecordHash,
    meaning: String,
) -> Answer {
    if let Some(refusal) = people::refused(txn, "confirm a seal", Role::Commenter) {
        return Ok(Err(refusal));
    }
    let Some(row) = txn.entry(&entry)? else { return Ok(Err(Refusal::NoEntry(entry))) };
    let path = if row.alive { txn.path(&entry)?.to_string() } else { row.name };
    if let Some(reason) = meaningless(&meaning) {
        return no(&path, reason);
    }
    if let Some(reason) = differs(core, txn, &entry) {
        return no(&path, reason);
    }
    let all = crate::seals::of_entry(txn.source, &txn.people.membership, &entry)?;
    let Some(sealed) = all.into_iter().find(|sealed| sealed.row.tip.hash == seal) else {
        return no(&path, format!("it has no seal {seal}"));
    };
    if !sealed.is_true {
        return no(&path, "the seal says something else than the version that it names");
    }
    let own = txn.people.membership.person_of(&txn.meta.device);
    if sealed.person == own {
        return no(&path, "the seal is your own; somebody else confirms it");
    }
    if sealed.witnesses.iter().any(|witness| Some(witness.person) == own) {
        return no(&path, "you have confirmed this seal already");
    }
    let here = |hash: &ContentHash| Ok::<_, StoreError>(txn.blob_missing(hash)?.is_none());
    if !sealed.row.is_text && !here(&sealed.what.hash)? {
        return no(&path, "its bytes are not on this device; fetch them first");
    }
    for part in &sealed.what.parts {
        if !here(&part.hash)? {
            return no(
                &path,
                format!("the bytes of `{}` are not on this device; fetch them first", part.path),
            );
        }
    }
    sign(txn, &path, Seal::Witness { entry, seal, meaning })
}

/// Lifts a lock.
pub(super) fn unlock(txn: &mut Txn<'_>, entry: EntryId, seal: RecordHash, meaning: String) -> Answer {
    if let Some(refusal) = people::refused(txn, "lift a lock", Role::Owner) {
        return Ok(Err(refusal));
    }
    let Some(row) = txn.entry(&entry)? else { return Ok(Err(Refusal::NoEntry(entry))) };
    let path = if row.alive { txn.path(&entry)?.to_string() } else { row.name };
    if let Some(reason) = meaningless(&meaning) {
        return no(&path, reason);
    }
    let all = crate::seals::of_entry(txn.source, &txn.people.membership, &entry)?;
    if !all.iter().any(|sealed| sealed.row.tip.hash == seal && sealed.locks) {
        return no(&path, format!("the seal {seal} does not lock it"));
    }
    sign(txn, &path, Seal::Unlock { entry, seal, meaning })
}

fn sign(txn: &mut Txn<'_>, path: &str, seal: Seal) -> Answer {
    if !seal.is_sound() {
        return no(path, "it is out of bounds: a path is too long, or names nothing");
    }
    Ok(Ok(Reply::Signed(noted::sign(txn, Payload::Seal(seal)).hash)))
}

/// Keeps what an authority said. That the token is over the root, and whose it is, the shell has seen.
pub(super) fn timestamp(txn: &mut Txn<'_>, stamp: Timestamp) -> Answer {
    if let Some(refusal) = people::refused(txn, "keep a timestamp", Role::Commenter) {
        return Ok(Err(refusal));
    }
    if !stamp.is_sound() {
        let reason = "it is out of bounds: its token is too long, or it names no seal, or too many";
        return Ok(Err(Refusal::Timestamp(reason.into())));
    }
    Ok(Ok(Reply::Signed(noted::sign(txn, Payload::Timestamp(stamp)).hash)))
}
