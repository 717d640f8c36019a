//! Tokens of authorities for timestamps, certificates, and what stands around a token in a record.

use codex_crdt_model::ids::{MerkleHash, NotebookId};
use codex_crdt_model::journal::Payload;
use codex_crdt_model::journal::timestamp::seal_leaf;
use codexd::timestamps::proof::Proof;
use codexd::timestamps::{pinned::Pinned, token::Token};

/// Reading is total; nobody is believed who is not pinned; every seal that a sound timestamp names leads to its root.
pub fn run(bytes: &[u8]) {
    if let Ok(token) = Token::read(bytes) {
        assert!(token.is_over(&token.imprint).is_ok());
        assert!(token.is_over(&MerkleHash(token.imprint.0.map(|byte| !byte))).is_err());
        assert!(Pinned::default().trusts(&token).is_err(), "nobody is believed unasked");
    }
    if let Ok(pinned) = Pinned::from_pem(&String::from_utf8_lossy(bytes)) {
        assert!(!pinned.shown().is_empty());
        assert!(Pinned::from_pem(&pinned.to_pem()).is_ok_and(|again| again.to_pem() == pinned.to_pem()));
    }
    let Some(Payload::Timestamp(stamp)) = Payload::decode(Payload::TIMESTAMP, bytes) else { return };
    if !stamp.is_sound() {
        return;
    }
    let notebook = NotebookId([9; 32]);
    let tree = stamp.tree(&notebook);
    let root = tree.root();
    for seal in &stamp.seals {
        let leaf = stamp.leaf_of(seal).expect("it names this seal");
        let inclusion = tree.inclusion(leaf).expect("so it is a leaf");
        assert_eq!(inclusion.root_of(seal_leaf(&notebook, seal)), Some(root));
        assert!(inclusion.leaves == 1 || inclusion.root_of(root) != Some(root), "the root is no leaf");
    }
    if let Ok(proof) = Proof::of_stamp(stamp, &notebook, &Pinned::default()) {
        assert!(proof.trust.is_err(), "nobody is believed unasked");
    }
}
