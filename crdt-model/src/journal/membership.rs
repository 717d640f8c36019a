//! What a membership record says: who founded, who is admitted, which devices are whose, what changes and what ends.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, NotebookId, PersonId};
use crate::journal::Tip;
use crate::limits;

const CONSENT: &[u8] = b"codex device 1\0";
const RECOVERY: &[u8] = b"codex recovery 1\0";
const RECOVERED: &[u8] = b"codex recovered 1\0";

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// All.
    Owner,
    /// Write.
    Editor,
    /// Comments and seals.
    Commenter,
    /// Read.
    Viewer,
}

impl MembershipChange {
    /// Whether what takes a bound keeps it.
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::SealRule { needed, of } => *needed > 0 && of.len() <= limits::SEALERS,
            Self::Role { accepted, .. } | Self::Revoke { accepted, .. } | Self::Release { accepted } => {
                accepted.len() <= limits::ACCEPTED
            }
            _ => true,
        }
    }
}

impl Role {
    /// Whether what takes at least the other role may be done.
    pub fn is_at_least(self, needed: Self) -> bool {
        self <= needed
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Commenter => "commenter",
            Self::Viewer => "viewer",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role; there are owner, editor, commenter and viewer")]
pub struct BadRole(String);

impl std::str::FromStr for Role {
    type Err = BadRole;

    fn from_str(text: &str) -> Result<Self, BadRole> {
        let all = [Self::Owner, Self::Editor, Self::Commenter, Self::Viewer];
        all.into_iter().find(|role| role.name() == text).ok_or_else(|| BadRole(text.to_owned()))
    }
}

/// One change to who belongs. Whether it counts is decided by [`crate::membership`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MembershipChange {
    /// The notebook begins. The notebook's id is the hash of founder and nonce; only one such record counts.
    Found {
        /// Makes the id unique.
        nonce: [u8; 16],
        /// The notebook's name.
        name: String,
        /// The founder's device name.
        device_name: String,
    },
    /// A person may take part, with a first device whose key is the person's id from then on. For a device that belongs
    /// to somebody already: that person has this role again, and the device is not revoked any more.
    Admit {
        /// Which device.
        device: DeviceId,
        /// As what.
        role: Role,
        /// What it calls itself.
        name: String,
    },
    /// Another device of the author's person.
    Device {
        /// Which.
        device: DeviceId,
        /// What it calls itself.
        name: String,
        /// The device's own signature that it is this person's ([`consent`]). 64 bytes.
        consent: Vec<u8>,
    },
    /// A person's role changes, or ends. What the person's devices wrote without knowing of it counts up to what is
    /// accepted.
    Role {
        /// Whose.
        person: PersonId,
        /// What it is now; `None` removes the person.
        role: Option<Role>,
        /// The last records of the person's devices that are accepted as written before.
        accepted: Vec<Tip>,
    },
    /// A device is lost, or no longer anybody's.
    Revoke {
        /// Which.
        device: DeviceId,
        /// The last of its records that are accepted, one for each volume.
        accepted: Vec<Tip>,
    },
    /// What the author's person is called, and shown in.
    Profile {
        /// Its name.
        name: String,
        /// Red, green, blue.
        colour: [u8; 3],
    },
    /// The author's person can certify a device with this key too: it is made from a phrase on paper.
    Recovery {
        /// An ed25519 public key.
        key: [u8; 32],
    },
    /// A person's device, certified by the recovery key. It proves itself, so any member may write it down.
    Recover {
        /// Whose device.
        person: PersonId,
        /// Which.
        device: DeviceId,
        /// What it calls itself.
        name: String,
        /// The recovery key's signature ([`recovery`]). 64 bytes.
        proof: Vec<u8>,
        /// The device's own signature that it goes by this recovery key ([`recovered`]): nobody takes a device that is
        /// another's. 64 bytes.
        consent: Vec<u8>,
    },
    /// An owner accepts what was cut off: all of these journals up to these records.
    Release {
        /// The last records that count again, one for each journal.
        accepted: Vec<Tip>,
    },
    /// An owner says how many persons a seal takes, its author included.
    SealRule {
        /// So many.
        needed: u32,
        /// Of these; empty for anybody who may seal.
        of: Vec<PersonId>,
    },
}

fn consent_bytes(notebook: &NotebookId, person: &PersonId) -> Vec<u8> {
    [CONSENT, notebook.as_bytes(), person.as_bytes()].concat()
}

fn recovery_bytes(notebook: &NotebookId, device: &DeviceId) -> Vec<u8> {
    [RECOVERY, notebook.as_bytes(), device.as_bytes()].concat()
}

fn is_signed(key: &[u8; 32], bytes: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(key).ok();
    let signature = Signature::from_slice(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(bytes, &signature).is_ok())
}

/// A device's word that it is this person's.
pub fn consent(key: &SigningKey, notebook: &NotebookId, person: &PersonId) -> Vec<u8> {
    key.sign(&consent_bytes(notebook, person)).to_bytes().to_vec()
}

/// Whether the device gave its word.
pub fn is_consent(device: &DeviceId, notebook: &NotebookId, person: &PersonId, consent: &[u8]) -> bool {
    is_signed(device.as_bytes(), &consent_bytes(notebook, person), consent)
}

/// A recovery key's word that a device is its person's.
pub fn recovery(key: &SigningKey, notebook: &NotebookId, device: &DeviceId) -> Vec<u8> {
    key.sign(&recovery_bytes(notebook, device)).to_bytes().to_vec()
}

/// A device's word that it goes by a recovery key.
pub fn recovered(key: &SigningKey, notebook: &NotebookId, recovery: &[u8; 32]) -> Vec<u8> {
    key.sign(&recovered_bytes(notebook, recovery)).to_bytes().to_vec()
}

/// Whether the device gave it.
pub fn is_recovered(device: &DeviceId, notebook: &NotebookId, recovery: &[u8; 32], consent: &[u8]) -> bool {
    is_signed(device.as_bytes(), &recovered_bytes(notebook, recovery), consent)
}

fn recovered_bytes(notebook: &NotebookId, recovery: &[u8; 32]) -> Vec<u8> {
    [RECOVERED, &notebook.0, recovery].concat()
}

/// Whether the recovery key gave its word.
pub fn is_recovery(key: &[u8; 32], notebook: &NotebookId, device: &DeviceId, proof: &[u8]) -> bool {
    is_signed(key, &recovery_bytes(notebook, device), proof)
}
