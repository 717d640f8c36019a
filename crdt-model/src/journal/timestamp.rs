//! What a timestamp says: an authority for timestamps (RFC 3161) signed the root of a Merkle tree over seals and journals'
//! ends, so all of these existed then. The tree is that of RFC 6962; anybody can make it again from the record. Whether the
//! authority signed, and whether it is one to believe, is for whoever knows certificates: here a token is bytes.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bounded::at_most;
use crate::ids::{MerkleHash, NotebookId, RecordHash};
use crate::journal::frontier::Tip;
use crate::limits;

const DOMAIN: &[u8] = b"codex timestamp 1\0";

/// What an authority's token is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// Seals and confirmations: the hashes of their records, ascending. The first leaves.
    #[serde(deserialize_with = "at_most::<{ limits::TIMESTAMP_SEALS }, _, _>")]
    pub seals: Vec<RecordHash>,
    /// How far the journals went, ascending. The leaves after these.
    #[serde(deserialize_with = "at_most::<{ limits::SEEN_TIPS }, _, _>")]
    pub tips: Vec<Tip>,
    /// The authority's token: DER of a CMS `ContentInfo`, whose message imprint is the root.
    pub token: Vec<u8>,
}

/// That one leaf is in the tree: its place, and the hashes beside the way from it to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// Which leaf, from 0.
    pub index: u64,
    /// How many there are.
    pub leaves: u64,
    /// The hashes beside its way, from the leaf up: an audit path of RFC 6962.
    pub path: Vec<MerkleHash>,
}

impl Timestamp {
    /// Whether it keeps the bounds and names each thing once, in order.
    pub fn is_sound(&self) -> bool {
        let has_token = (1..=limits::TIMESTAMP_TOKEN_BYTES).contains(&self.token.len());
        has_token
            && !self.seals.is_empty()
            && self.seals.is_sorted_by(|one, next| one < next)
            && self.tips.is_sorted_by(|one, next| one < next)
    }

    /// What the token's message imprint must be.
    pub fn root(&self, notebook: &NotebookId) -> MerkleHash {
        self.tree(notebook).root()
    }

    /// The tree over what it names.
    pub fn tree(&self, notebook: &NotebookId) -> Tree {
        Tree::over(self.leaves(notebook))
    }

    /// Which leaf a seal is; `None` if it is none.
    pub fn leaf_of(&self, seal: &RecordHash) -> Option<usize> {
        self.seals.binary_search(seal).ok()
    }

    fn leaves(&self, notebook: &NotebookId) -> Vec<MerkleHash> {
        let seals = self.seals.iter().map(|seal| seal_leaf(notebook, seal));
        seals.chain(self.tips.iter().map(|tip| tip_leaf(notebook, tip))).collect()
    }
}

impl Inclusion {
    /// The root that a leaf at this place leads to; `None` if there is no such place, or the path has another length.
    pub fn root_of(&self, leaf: MerkleHash) -> Option<MerkleHash> {
        let mut path = self.path.iter();
        let root = climb(self.index, self.leaves, leaf, &mut path)?;
        path.next().is_none().then_some(root)
    }
}

/// The leaf of a seal.
pub fn seal_leaf(notebook: &NotebookId, seal: &RecordHash) -> MerkleHash {
    leaf(notebook, 0, &seal.0)
}

/// The leaf of a journal's end.
pub fn tip_leaf(notebook: &NotebookId, tip: &Tip) -> MerkleHash {
    leaf(notebook, 1, &postcard::to_stdvec(tip).expect("encoding into memory cannot fail"))
}

fn leaf(notebook: &NotebookId, kind: u8, what: &[u8]) -> MerkleHash {
    hash(&[&[0], DOMAIN, &notebook.0, &[kind], what])
}

fn hash(parts: &[&[u8]]) -> MerkleHash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    MerkleHash(hasher.finalize().into())
}

fn node(left: &MerkleHash, right: &MerkleHash) -> MerkleHash {
    hash(&[&[1], &left.0, &right.0])
}

/// A Merkle tree, from the leaves up. What has nothing beside it goes up as it is, so a tree parts where RFC 6962 says: at the
/// largest power of two that is less than the number of its leaves.
#[derive(Debug, Clone)]
pub struct Tree(Vec<Vec<MerkleHash>>);

impl Tree {
    fn over(leaves: Vec<MerkleHash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(2).map(|pair| match pair {
                [left, right] => node(left, right),
                alone => alone[0],
            });
            levels.push(above.collect());
        }
        Self(levels)
    }

    /// Its root.
    pub fn root(&self) -> MerkleHash {
        self.0.last().and_then(|top| top.first()).copied().unwrap_or_else(|| hash(&[]))
    }

    /// That a leaf is in it; `None` if there is no such leaf.
    pub fn inclusion(&self, index: usize) -> Option<Inclusion> {
        let leaves = self.0.first()?.len();
        let beside = |(level, hashes): (usize, &Vec<MerkleHash>)| hashes.get((index >> level) ^ 1).copied();
        let path = self.0.iter().enumerate().filter_map(beside).collect();
        (index < leaves).then_some(Inclusion { index: index as u64, leaves: leaves as u64, path })
    }
}

/// The path's hashes are taken from the leaf up, so the way down is walked first.
fn climb<'a>(
    index: u64,
    leaves: u64,
    leaf: MerkleHash,
    path: &mut impl Iterator<Item = &'a MerkleHash>,
) -> Option<MerkleHash> {
    if index >= leaves {
        return None;
    }
    if leaves == 1 {
        return Some(leaf);
    }
    let middle = leaves.checked_next_power_of_two()? / 2;
    if index < middle {
        let left = climb(index, middle, leaf, path)?;
        path.next().map(|right| node(&left, right))
    } else {
        let right = climb(index - middle, leaves - middle, leaf, path)?;
        path.next().map(|left| node(left, &right))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ids::{DeviceId, Volume};

    const NOTEBOOK: NotebookId = NotebookId([9; 32]);

    fn timestamp(seals: u8, tips: u8) -> Timestamp {
        let tip =
            |n| Tip { device: DeviceId([n; 32]), volume: Volume(1), seq: 300, hash: RecordHash([n; 32]) };
        Timestamp {
            seals: (0..seals).map(|n| RecordHash([n; 32])).collect(),
            tips: (0..tips).map(tip).collect(),
            token: vec![1],
        }
    }

    #[test]
    fn every_seal_is_proved_and_nothing_else() {
        for (seals, tips) in [(1, 0), (1, 1), (2, 0), (3, 0), (2, 3), (7, 1), (8, 0), (13, 20)] {
            let stamp = timestamp(seals, tips);
            let root = stamp.root(&NOTEBOOK);
            for seal in &stamp.seals {
                let proof = stamp.tree(&NOTEBOOK).inclusion(stamp.leaf_of(seal).unwrap()).unwrap();
                assert_eq!(proof.root_of(seal_leaf(&NOTEBOOK, seal)), Some(root), "{seals} {tips}");
                let other = seal_leaf(&NOTEBOOK, &RecordHash([99; 32]));
                assert_ne!(proof.root_of(other), Some(root));
                assert_ne!(proof.root_of(seal_leaf(&NotebookId([8; 32]), seal)), Some(root));
                let longer = Inclusion { path: [proof.path.clone(), vec![root]].concat(), ..proof.clone() };
                assert_eq!(longer.root_of(seal_leaf(&NOTEBOOK, seal)), None);
                if let Some(shorter) = proof.path.len().checked_sub(1) {
                    let shorter = Inclusion { path: proof.path[..shorter].to_vec(), ..proof.clone() };
                    assert_eq!(shorter.root_of(seal_leaf(&NOTEBOOK, seal)), None);
                }
                let beyond = Inclusion { index: proof.leaves, ..proof };
                assert_eq!(beyond.root_of(seal_leaf(&NOTEBOOK, seal)), None);
            }
            assert_eq!(stamp.leaf_of(&RecordHash([99; 32])), None);
            assert_eq!(stamp.tree(&NOTEBOOK).inclusion(stamp.seals.len() + stamp.tips.len()), None);
        }
        let endless = Inclusion { index: 5, leaves: u64::MAX, path: Vec::new() };
        assert_eq!(endless.root_of(MerkleHash([1; 32])), None);
    }

    /// The tree of RFC 6962, with three leaves, spelled out.
    #[test]
    fn the_root_is_the_one_of_rfc_6962() {
        let stamp = timestamp(2, 1);
        let sha = |parts: &[&[u8]]| <[u8; 32]>::from(Sha256::digest(parts.concat()));
        let leaf = |kind: u8, what: &[u8]| sha(&[b"\0codex timestamp 1\0", &[9; 32], &[kind], what]);
        let tip = [&[0; 32][..], &[1, 0xac, 2], &[0; 32]].concat();
        let below = sha(&[&[1], &leaf(0, &[0; 32]), &leaf(0, &[1; 32])]);
        assert_eq!(stamp.root(&NOTEBOOK).0, sha(&[&[1], &below, &leaf(1, &tip)]));
    }

    #[test]
    fn what_is_out_of_bounds_or_out_of_order_is_not_sound() {
        let sound = timestamp(3, 3);
        assert!(sound.is_sound());
        let check = |change: &dyn Fn(&mut Timestamp)| {
            let mut other = sound.clone();
            change(&mut other);
            assert!(!other.is_sound(), "{other:?}");
        };
        check(&|it| it.seals.clear());
        check(&|it| it.seals.swap(0, 1));
        check(&|it| it.seals[1] = it.seals[0]);
        check(&|it| it.tips.swap(0, 1));
        check(&|it| it.tips[1] = it.tips[0]);
        check(&|it| it.token.clear());
        check(&|it| it.token = vec![0; limits::TIMESTAMP_TOKEN_BYTES + 1]);
    }
}
