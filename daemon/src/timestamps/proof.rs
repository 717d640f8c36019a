//! What a timestamp in a journal proves, checked from its record alone.

use codex_crdt_model::ids::{MerkleHash, NotebookId};
use codex_crdt_model::journal::timestamp::Tree;
use codex_crdt_model::journal::{Payload, Record, Timestamp};

use super::pinned::Pinned;
use super::token::{Token, TokenError};

/// A timestamp whose token is over its root, and signed.
#[derive(Debug, Clone)]
pub struct Proof {
    /// What it names.
    pub stamp: Timestamp,
    /// The tree over that.
    pub tree: Tree,
    /// Its root.
    pub root: MerkleHash,
    /// What the authority said.
    pub token: Token,
    /// Whether the authority is believed here; why not, in words.
    pub trust: Result<(), String>,
}

impl Proof {
    /// What a record proves.
    pub fn of(record: &Record, notebook: &NotebookId, pinned: &Pinned) -> Result<Self, TokenError> {
        let kind = record.header().map_or(0, |header| header.kind);
        match Payload::decode(kind, &record.payload) {
            Some(Payload::Timestamp(stamp)) => Self::of_stamp(stamp, notebook, pinned),
            _ => Err(TokenError::Unreadable("the record is no timestamp".to_owned())),
        }
    }

    /// What a timestamp proves.
    pub fn of_stamp(stamp: Timestamp, notebook: &NotebookId, pinned: &Pinned) -> Result<Self, TokenError> {
        let tree = stamp.tree(notebook);
        let root = tree.root();
        let token = Token::read(&stamp.token)?;
        token.is_over(&root)?;
        let trust = pinned.trusts(&token);
        Ok(Self { stamp, tree, root, token, trust })
    }
}
