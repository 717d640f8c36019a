//! What of a notebook goes into a bundle, and for whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, bail};
use codex_crdt_model::bundle::{Head, Part};
use codex_crdt_model::entry::birth::Birth;
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId};
use codex_crdt_model::journal::record::{Header, Item, Payload, Record};
use codex_crdt_model::journal::{Frontier, Receipt, Tip};
use codex_crdt_model::limits;
use codex_crdt_model::store::Source;
use codex_crdt_model::view;

use super::{DamagedBlob, Export, Exported, each_blob};
use crate::bundle::Writer;
use crate::clock::now_ms;
use crate::daemon::Daemon;
use crate::store::Reader;

/// Receipts in one part: so many of the largest stay below the bound of a frame.
const RECEIPTS: usize = 32;
/// Headers read at a time.
const PAGE: usize = 256;

/// One export.
pub(super) struct Exporter<'a> {
    pub daemon: &'a Daemon,
    pub reader: &'a Reader,
    pub root: &'a Path,
    pub name: String,
    pub export: Export,
}

/// The attachments that belong into a bundle.
#[derive(Default)]
struct Attachments {
    good: Vec<Attachment>,
    not_here: u64,
    damaged: Vec<DamagedBlob>,
}

/// An attachment whose bytes were seen to be those that its hash names.
struct Attachment {
    hash: ContentHash,
    size: u64,
    from: From,
}

/// Where an attachment's bytes are taken from.
enum From {
    Store,
    /// A file in the notebook's folder: the store's copy is damaged.
    File(File),
}

/// The entries that records in a bundle change.
enum Touched {
    /// These.
    These(BTreeSet<EntryId>),
    /// Any: the records also say who belongs, and so what counts.
    Any,
}

impl Exporter<'_> {
    pub fn run(self, path: &Path, own: Receipt) -> anyhow::Result<Exported> {
        let meta = self.reader.meta()?.context("the store is empty")?;
        let tips = self.reader.tips()?;
        let held = self.held_by_reader(&meta.notebook.to_string(), own.device)?;
        let base = self.base(&tips, held.as_ref())?;
        let known = Frontier::from_tips(base.iter().copied());
        let goal = Frontier::from_tips(tips.iter().copied());
        let touched = self.touched(meta.position, &known, held.is_some())?;
        let attachments = self.attachments(held.as_ref(), &touched)?;
        let records = goal.ahead_of(&known);
        let head = Head {
            notebook: meta.notebook,
            name: self.name.chars().take(60).collect(),
            maker: meta.device,
            made: now_ms(),
            base,
            tips,
            blobs: attachments.good.len() as u64,
        };
        let mut writer = Writer::create(path, head)?;
        let mut forks = self.reader.forks()?;
        forks.sort_by_key(|row| row.after);
        let mut forks = forks.into_iter().peekable();
        self.each_record(meta.position, &goal, &known, |position, _, record| {
            // What is behind a proof may need it.
            while let Some(row) = forks.next_if(|row| row.after < position) {
                writer.part(&Part::Fork(row.fork.bare()))?;
            }
            // Damage is told here, not where the stick arrives.
            record.verify(&meta.notebook).with_context(|| unreadable(position))?;
            Ok(writer.part(&Part::Record(record))?)
        })?;
        for row in forks {
            writer.part(&Part::Fork(row.fork.bare()))?;
        }
        let others = self.reader.receipts()?.into_iter().filter(|receipt| receipt.device != own.device);
        let receipts: Vec<Receipt> = std::iter::once(own.clone()).chain(others).collect();
        for some in receipts.chunks(RECEIPTS) {
            writer.part(&Part::Receipts(some.to_vec()))?;
        }
        for one in &attachments.good {
            self.write(&mut writer, one)?;
        }
        let size = writer.finish()?;
        let left_out = known.ahead_of(&Frontier::default());
        let path = path.display().to_string();
        Ok(Exported {
            path,
            size,
            records,
            left_out,
            blobs: attachments.good.len() as u64,
            blobs_not_here: attachments.not_here,
            blobs_damaged: attachments.damaged,
        })
    }

    /// What the reader said last.
    fn held_by_reader(&self, notebook: &str, own: DeviceId) -> anyhow::Result<Option<Receipt>> {
        let Some(key) = &self.export.reader else { return Ok(None) };
        let members = self.reader.members()?;
        let is_named = |device: &DeviceId, name: &str| {
            device.to_string() == *key
                || name == key
                || (key.len() >= 8 && device.to_string().starts_with(key))
        };
        let mut named = members.iter().filter(|(device, row)| **device != own && is_named(device, &row.name));
        let device = match (named.next(), named.next()) {
            (Some((device, _)), None) => *device,
            (None, _) => bail!(
                "no other member's device is called `{key}` or has this id; see `codexd members {notebook}`"
            ),
            (Some(_), Some(_)) => bail!(
                "several devices are called `{key}`; give the id, as `codexd members {notebook}` shows it"
            ),
        };
        Ok(self.reader.receipts()?.into_iter().find(|receipt| receipt.device == device))
    }

    /// The records that need not be in the bundle.
    fn base(&self, tips: &[Tip], held: Option<&Receipt>) -> anyhow::Result<Vec<Tip>> {
        let Some(held) = held.map(Receipt::frontier) else { return Ok(Vec::new()) };
        let mut base = Vec::new();
        for tip in tips {
            let Some((seq, hash)) = held.tip(tip.device, tip.volume) else { continue };
            let seq_here = seq.min(tip.seq);
            let position = self.reader.position_of(tip.device, tip.volume, seq_here)?;
            let Some(record) = position.map(|position| self.reader.record(position)).transpose()?.flatten()
            else {
                continue;
            };
            // A journal that was written twice is sent from its beginning, so that the reader sees it.
            if seq > tip.seq || record.hash() == hash {
                base.push(Tip { seq: seq_here, hash: record.hash(), ..*tip });
            }
        }
        Ok(base)
    }

    /// Every record that belongs into the bundle.
    fn each_record(
        &self,
        until: u64,
        goal: &Frontier,
        known: &Frontier,
        mut work: impl FnMut(u64, &Header, Record) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut after = 0;
        while after < until {
            let headers = self.reader.headers(after, PAGE)?;
            let Some((last, ..)) = headers.last() else { break };
            after = *last;
            for (position, tip, bytes) in headers {
                let is_wanted = tip.seq > known.seq(tip.device, tip.volume)
                    && tip.seq <= goal.seq(tip.device, tip.volume);
                if !is_wanted {
                    continue;
                }
                let header = Header::decode(&bytes).with_context(|| unreadable(position))?;
                let record = self.reader.record(position)?.with_context(|| unreadable(position))?;
                work(position, &header, record)?;
            }
        }
        Ok(())
    }

    fn touched(&self, until: u64, known: &Frontier, only_new: bool) -> anyhow::Result<Touched> {
        if !only_new {
            return Ok(Touched::Any);
        }
        let goal = Frontier::from_tips(self.reader.tips()?);
        let (mut entries, mut is_any) = (BTreeSet::new(), false);
        self.each_record(until, &goal, known, |_, header, record| {
            match Payload::decode(header.kind, &record.payload) {
                Some(Payload::Edit(items)) => entries.extend(items.iter().map(|item| match item {
                    Item::Birth(bytes) => Birth::id_of(bytes),
                    Item::Change { entry, .. } => *entry,
                })),
                Some(Payload::Seal(seal)) => drop(entries.insert(seal.entry())),
                Some(Payload::Membership(_)) => is_any = true,
                // Neither brings an attachment.
                Some(Payload::Comment(_) | Payload::Timestamp(_) | Payload::Unknown(..)) | None => {}
            }
            Ok(())
        })?;
        Ok(if is_any { Touched::Any } else { Touched::These(entries) })
    }

    /// The attachments that belong into the bundle. All their bytes are read: what is damaged is told here, not where the
    /// stick arrives.
    fn attachments(&self, held: Option<&Receipt>, touched: &Touched) -> anyhow::Result<Attachments> {
        let lacks = |id: &EntryId, hash: &ContentHash| {
            let Some(held) = held else { return true };
            let is_new = match touched {
                Touched::Any => true,
                Touched::These(entries) => entries.contains(id),
            };
            // A receipt names only the first of many.
            is_new
                || held.blobs_missing.contains(hash)
                || held.blobs_missing_count > held.blobs_missing.len() as u64
        };
        let mut wanted: BTreeMap<ContentHash, (bool, BTreeSet<EntryId>)> = BTreeMap::new();
        each_blob(self.reader, self.export.whole, |id, hash, _, is_live| {
            if lacks(id, &hash) {
                let (is_of_live, entries) = wanted.entry(hash).or_default();
                *is_of_live |= is_live;
                entries.insert(*id);
            }
            Ok(())
        })?;
        let mut found = Attachments::default();
        for (hash, (is_of_live, entries)) in wanted {
            // What a record says of its size is its author's word.
            let Some(size) = self.daemon.wait(self.daemon.shells.blobs.size(&hash))? else {
                found.not_here += u64::from(is_of_live);
                continue;
            };
            let stored = Attachment { hash, size, from: From::Store };
            match self.is_sound(&stored).then_some(stored).or_else(|| self.in_folder(hash, size, &entries)) {
                Some(good) => found.good.push(good),
                None => found.damaged.push(DamagedBlob { hash, paths: self.paths(&entries) }),
            }
        }
        Ok(found)
    }

    /// The same attachment as a file of one of these entries.
    fn in_folder(&self, hash: ContentHash, size: u64, entries: &BTreeSet<EntryId>) -> Option<Attachment> {
        self.paths(entries).iter().find_map(|path| {
            let path = self.root.join(path);
            // Before it is opened: opening a pipe waits for somebody to write to it.
            let is_it = path.symlink_metadata().is_ok_and(|meta| meta.is_file() && meta.len() == size);
            let file = is_it.then(|| File::open(&path).ok())??;
            let one = Attachment { hash, size, from: From::File(file) };
            self.is_sound(&one).then_some(one)
        })
    }

    fn paths(&self, entries: &BTreeSet<EntryId>) -> Vec<String> {
        let path = |id| view::path(self.reader, &self.reader.entry(id).ok()??).ok();
        entries.iter().filter_map(path).collect()
    }

    fn is_sound(&self, one: &Attachment) -> bool {
        self.each_chunk(one, |_| Ok(())).is_ok_and(|found| found == one.hash)
    }

    /// Reads an attachment; gives what its bytes hash to.
    fn each_chunk(
        &self,
        one: &Attachment,
        mut work: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<ContentHash> {
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        while at < one.size {
            let length = (one.size - at).min(limits::BUNDLE_CHUNK_BYTES as u64);
            let bytes = match &one.from {
                From::Store => {
                    self.daemon.wait(self.daemon.shells.blobs.read(&one.hash, at, length))?.to_vec()
                }
                From::File(file) => {
                    let mut bytes = vec![0; usize::try_from(length)?];
                    file.read_exact_at(&mut bytes, at)?;
                    bytes
                }
            };
            if bytes.is_empty() {
                bail!("attachment {} has only {at} of {} bytes here", one.hash, one.size);
            }
            hasher.update(&bytes);
            work(&bytes)?;
            at += bytes.len() as u64;
        }
        Ok(ContentHash(*hasher.finalize().as_bytes()))
    }

    fn write(&self, writer: &mut Writer, one: &Attachment) -> anyhow::Result<()> {
        writer.part(&Part::Blob { hash: one.hash, size: one.size })?;
        let written = self.each_chunk(one, |bytes| Ok(writer.part(&Part::Bytes(bytes.to_vec()))?))?;
        if written != one.hash {
            bail!("the bytes of attachment {} changed while they were written; export again", one.hash);
        }
        Ok(())
    }
}

fn unreadable(position: u64) -> String {
    format!("the record at position {position} cannot be read; see `codexd verify`")
}
