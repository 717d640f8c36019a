//! A receipt: "I hold durably everything up to this frontier, and all its blobs but these." One per device,
//! only the latest counts, outside the journals (else receipts would beget receipts).

use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::ids::{ContentHash, DeviceId, NotebookId};
use crate::journal::frontier::{Frontier, Tip};
use crate::limits;
use crate::store::MissingBlob;

const DOMAIN: &[u8] = b"codex receipt 1\0";

/// A device's signed statement of what it holds durably.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which notebook.
    pub notebook: NotebookId,
    /// Who states it.
    pub device: DeviceId,
    /// Grows with every receipt of this device; the greatest counts.
    pub number: u64,
    /// The frontier held.
    pub tips: Vec<Tip>,
    /// Blobs of live entries that are not held, at most [`limits::RECEIPT_BLOBS`] of them.
    pub blobs_missing: Vec<ContentHash>,
    /// How many blobs are not held in all.
    pub blobs_missing_count: u64,
    /// How many of these are not wanted either: its owner leaves them with the others.
    pub blobs_left_count: u64,
    /// Signature over the domain prefix and the fields above.
    signature: Vec<u8>,
}

impl Receipt {
    /// Signs a statement.
    pub fn sign(
        key: &SigningKey,
        notebook: NotebookId,
        number: u64,
        frontier: &Frontier,
        missing: &BTreeMap<ContentHash, MissingBlob>,
    ) -> Self {
        let mut blobs_missing: Vec<ContentHash> = missing.keys().copied().collect();
        let blobs_left_count = missing.values().filter(|missing| !missing.wanted).count() as u64;
        let blobs_missing_count = blobs_missing.len() as u64;
        blobs_missing.truncate(limits::RECEIPT_BLOBS);
        let mut receipt = Self {
            notebook,
            device: DeviceId(key.verifying_key().to_bytes()),
            number,
            tips: frontier.tips().collect(),
            blobs_missing,
            blobs_missing_count,
            blobs_left_count,
            signature: Vec::new(),
        };
        receipt.signature = key.sign(&receipt.signed_bytes()).to_bytes().to_vec();
        receipt
    }

    /// Whether the device named in it signed it.
    pub fn verify(&self) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(self.device.as_bytes()) else { return false };
        let Ok(signature) = Signature::from_slice(&self.signature) else { return false };
        self.tips.len() <= limits::SEEN_TIPS
            && self.blobs_missing.len() <= limits::RECEIPT_BLOBS
            && key.verify_strict(&self.signed_bytes(), &signature).is_ok()
    }

    /// The frontier as a map.
    pub fn frontier(&self) -> Frontier {
        Frontier::from_tips(self.tips.iter().copied())
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let fields = (
            &self.notebook,
            &self.device,
            self.number,
            &self.tips,
            &self.blobs_missing,
            self.blobs_missing_count,
            self.blobs_left_count,
        );
        let mut bytes = DOMAIN.to_vec();
        bytes.extend(postcard::to_stdvec(&fields).expect("encoding into memory cannot fail"));
        bytes
    }
}
