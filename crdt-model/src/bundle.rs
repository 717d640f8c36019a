//! A bundle: records, receipts and attachments' bytes in a file, for devices that never meet. What stands in its frames,
//! and whether it follows on what stood before; the file itself is the daemon's (`docs/bundle-format.md`).
//! Decoding is total and bounded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::bounded::at_most;
use crate::ids::{ContentHash, DeviceId, NotebookId, RecordHash, UnixMs, Volume};
use crate::journal::record::{Header, Record};
use crate::journal::{Fork, ForkRefused, Frontier, Receipt, Tip};
use crate::limits;

/// How a bundle begins: what it is, and its version.
pub const MAGIC: &[u8; 15] = b"codex bundle 1\0";

/// Bytes of a frame's checksum.
pub const CHECKSUM: usize = 8;

/// What one frame says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// First.
    Head(Head),
    /// Then the records, in an order that respects `seen`.
    Record(Record),
    /// Then the latest receipts that its maker holds, its own first.
    Receipts(#[serde(deserialize_with = "at_most::<{ limits::RECEIPTS }, _, _>")] Vec<Receipt>),
    /// Then attachments: here one begins, and its bytes follow.
    Blob {
        /// Which.
        hash: ContentHash,
        /// Its size in bytes.
        size: u64,
    },
    /// The next bytes of the attachment that began last, at most [`limits::BUNDLE_CHUNK_BYTES`].
    Bytes(Vec<u8>),
    /// Last: nothing is missing.
    End,
    /// Among the records: a journal was continued twice. Before the first record that may stand on it.
    Fork(Fork),
}

/// What a bundle is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Of which notebook.
    pub notebook: NotebookId,
    /// The notebook's name at its maker's.
    pub name: String,
    /// Who made it. Claimed: what is in it proves itself.
    pub maker: DeviceId,
    /// When. Claimed.
    pub made: UnixMs,
    /// The records left out, because the reader holds them; empty if none are.
    #[serde(deserialize_with = "at_most::<{ limits::SEEN_TIPS }, _, _>")]
    pub base: Vec<Tip>,
    /// The last record of every journal, base and bundle together.
    #[serde(deserialize_with = "at_most::<{ limits::SEEN_TIPS }, _, _>")]
    pub tips: Vec<Tip>,
    /// Attachments in it.
    pub blobs: u64,
}

/// The place of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Whose journal.
    pub device: DeviceId,
    /// Which lifetime of it.
    pub volume: Volume,
    /// Number in it.
    pub seq: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "record {} of device {}, volume {}", self.seq, self.device, self.volume.0)
    }
}

impl Place {
    /// Where a header says that it belongs.
    pub fn of(header: &Header) -> Self {
        Self { device: header.device, volume: header.volume, seq: header.seq }
    }
}

/// What is wrong with a bundle, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", self.at.map_or(String::new(), |at| format!("{at}: ")))]
pub struct Fault {
    /// At which record; `None` if it is none, or says not which.
    pub at: Option<Place>,
    /// Why.
    pub reason: String,
}

impl Fault {
    fn new(at: Option<Place>, reason: impl Into<String>) -> Self {
        Self { at, reason: reason.into() }
    }
}

impl Part {
    /// The frame's bytes.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("encoding into memory cannot fail")
    }

    /// Total: any bytes give a part or `None`.
    pub fn decode(frame: &[u8]) -> Option<Self> {
        if frame.len() > limits::FRAME_BYTES {
            return None;
        }
        let (part, rest) = postcard::take_from_bytes::<Self>(frame).ok()?;
        let is_bounded = match &part {
            Part::Head(head) => head.name.len() <= limits::NAME_BYTES,
            Part::Bytes(bytes) => bytes.len() <= limits::BUNDLE_CHUNK_BYTES,
            Part::Record(_) | Part::Receipts(_) | Part::Blob { .. } | Part::End | Part::Fork(_) => true,
        };
        (rest.is_empty() && is_bounded).then_some(part)
    }

    /// Which record the beginning of a damaged frame says to be.
    pub fn place_in(frame: &[u8]) -> Option<Place> {
        const RECORD: u32 = 1;
        let ((variant, header), _) = postcard::take_from_bytes::<(u32, &[u8])>(frame).ok()?;
        (variant == RECORD).then(|| Header::decode(header)).flatten().map(|header| Place::of(&header))
    }

    /// What a frame's bytes are checked by.
    pub fn checksum(frame: &[u8]) -> [u8; CHECKSUM] {
        let hash = ContentHash::of(frame);
        let (first, _) = hash.0.split_first_chunk().expect("8 of 32 bytes");
        *first
    }
}

/// Where in a bundle one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Records,
    Receipts,
    Blobs,
    Ended,
}

/// Reads a bundle's parts in their order: each must follow on those before.
#[derive(Debug)]
pub struct Check {
    head: Head,
    stage: Stage,
    known: Frontier,
    goal: Frontier,
    last: Option<Place>,
    blob: Option<(ContentHash, u64, blake3::Hasher)>,
    blobs: u64,
    records: u64,
    not_carried: BTreeSet<(DeviceId, Volume)>,
    forked: BTreeSet<(DeviceId, Volume)>,
}

impl Check {
    /// From the first part.
    pub fn begin(first: Part) -> Result<Self, Fault> {
        let Part::Head(head) = first else { return Err(Fault::new(None, "it does not begin with a head")) };
        let known = Frontier::from_tips(head.base.iter().copied());
        let goal = Frontier::from_tips(head.tips.iter().copied());
        if known.len() != head.base.len() || goal.len() != head.tips.len() || !goal.covers(&known) {
            return Err(Fault::new(None, "its head contradicts itself"));
        }
        Ok(Self {
            head,
            stage: Stage::Records,
            known,
            goal,
            last: None,
            blob: None,
            blobs: 0,
            records: 0,
            not_carried: BTreeSet::new(),
            forked: BTreeSet::new(),
        })
    }

    /// What it is.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The last good record.
    pub fn last(&self) -> Option<Place> {
        self.last
    }

    /// Records so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Journals that records of the bundle had seen and that its maker did not hold so far.
    pub fn not_carried(&self) -> usize {
        self.not_carried.len()
    }

    /// Whether the end has come.
    pub fn has_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// Takes the next part in. A record is then good by itself and follows on those before; an attachment's last bytes
    /// make it the one that its hash names.
    pub fn take(&mut self, part: &Part) -> Result<(), Fault> {
        let stage = match part {
            Part::Head(_) => return Err(Fault::new(None, "it has a second head")),
            Part::Record(record) => {
                self.record(record)?;
                Stage::Records
            }
            Part::Fork(fork) => {
                self.fork(fork)?;
                Stage::Records
            }
            Part::Receipts(_) => Stage::Receipts,
            Part::Blob { .. } | Part::Bytes(_) => Stage::Blobs,
            Part::End => Stage::Ended,
        };
        if stage > Stage::Records {
            self.whole_journals()?;
        }
        if stage < self.stage || self.stage == Stage::Ended {
            return Err(Fault::new(self.last, "after it, the parts are in a wrong order"));
        }
        self.stage = stage;
        match part {
            Part::Receipts(receipts) => self.receipts(receipts),
            Part::Blob { hash, size } => self.blob(*hash, *size),
            Part::Bytes(bytes) => self.bytes(bytes),
            Part::End => self.end(),
            Part::Head(_) | Part::Record(_) | Part::Fork(_) => Ok(()),
        }
    }

    fn fork(&mut self, fork: &Fork) -> Result<(), Fault> {
        let at = fork.at().map(|at| at.place());
        let refuse = |refused: ForkRefused| Fault::new(at, format!("it is no proof of a fork: {refused}"));
        let at = fork.verify(&self.head.notebook).map_err(refuse)?;
        self.forked.insert((at.device, at.volume));
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), Fault> {
        let at = Header::decode(&record.header).map(|header| Place::of(&header));
        let header = record.verify(&self.head.notebook).map_err(|error| Fault::new(at, error.to_string()))?;
        let refuse = |reason: String| Err(Fault::new(at, reason));
        let (device, volume) = (header.device, header.volume);
        let (seq, hash) = self.known.tip(device, volume).unwrap_or((0, RecordHash([0; 32])));
        if header.seq != seq + 1 {
            return refuse(format!("the journal's last record before it is {seq}: {} expected", seq + 1));
        }
        if header.previous != hash {
            return refuse(format!("it does not follow on record {seq}, which has another hash"));
        }
        if header.seq > self.goal.seq(device, volume) {
            return refuse("the head does not name it".to_owned());
        }
        for tip in &header.seen {
            let (device, volume) = (tip.device, tip.volume);
            if self.known.seq(device, volume) >= tip.seq {
                continue;
            }
            if self.goal.seq(device, volume) >= tip.seq && !self.forked.contains(&(device, volume)) {
                let seen = Place { device, volume, seq: tip.seq };
                return refuse(format!("it had seen {seen}, which comes after it or not at all"));
            }
            self.not_carried.insert((device, volume));
        }
        self.known.advance(Tip { device, volume, seq: header.seq, hash: record.hash() });
        self.last = at;
        self.records += 1;
        Ok(())
    }

    fn whole_journals(&self) -> Result<(), Fault> {
        for tip in self.goal.tips() {
            let (seq, hash) = self.known.tip(tip.device, tip.volume).unwrap_or((0, RecordHash([0; 32])));
            if seq < tip.seq {
                let at = Place { device: tip.device, volume: tip.volume, seq: seq + 1 };
                return Err(Fault::new(Some(at), format!("it is missing, up to record {}", tip.seq)));
            }
            if hash != tip.hash {
                let at = Place { device: tip.device, volume: tip.volume, seq };
                return Err(Fault::new(Some(at), "it is not the one that the head names"));
            }
        }
        Ok(())
    }

    fn receipts(&self, receipts: &[Receipt]) -> Result<(), Fault> {
        for receipt in receipts {
            if receipt.notebook != self.head.notebook || !receipt.verify() {
                return Err(Fault::new(
                    None,
                    format!("the receipt of device {} is not its own", receipt.device),
                ));
            }
        }
        Ok(())
    }

    fn blob(&mut self, hash: ContentHash, size: u64) -> Result<(), Fault> {
        self.no_blob_is_open()?;
        self.blobs += 1;
        self.blob = Some((hash, size, blake3::Hasher::new()));
        if size == 0 { self.bytes(&[]) } else { Ok(()) }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some((hash, left, hasher)) = &mut self.blob else {
            return Err(Fault::new(None, "it has bytes of no attachment"));
        };
        let after = left.checked_sub(bytes.len() as u64);
        *left = after
            .ok_or_else(|| Fault::new(None, format!("attachment {hash} has more bytes than its size")))?;
        hasher.update(bytes);
        if *left > 0 {
            return Ok(());
        }
        let (hash, is_it) = (*hash, hasher.finalize().as_bytes() == &hash.0);
        self.blob = None;
        if is_it { Ok(()) } else { Err(Fault::new(None, format!("attachment {hash} has other bytes"))) }
    }

    fn no_blob_is_open(&self) -> Result<(), Fault> {
        match &self.blob {
            Some((hash, left, _)) => Err(Fault::new(None, format!("attachment {hash} lacks {left} bytes"))),
            None => Ok(()),
        }
    }

    fn end(&self) -> Result<(), Fault> {
        self.no_blob_is_open()?;
        if self.blobs != self.head.blobs {
            let reason = format!("it has {} attachments, and its head names {}", self.blobs, self.head.blobs);
            return Err(Fault::new(None, reason));
        }
        Ok(())
    }
}
