//! What a bundle holds is taken in: records in batches through the core, attachments through the blob store.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use codex_crdt_model::bundle::Part;
use codex_crdt_model::effect::Reply;
use codex_crdt_model::event::{Carried, Event, Request};
use codex_crdt_model::ids::ContentHash;
use codex_crdt_model::limits;
use codex_crdt_model::store::Source;

use super::{Imported, Refused, each_blob};
use crate::blobs::Blobs;
use crate::bundle::Reader as BundleReader;
use crate::daemon::Daemon;
use crate::driver::Notebook;
use crate::store::Reader;

/// Records taken in together at most.
const RECORDS: usize = 256;
/// Attachments that are made durable together: many small ones cost one sync.
const SYNCED_TOGETHER: usize = 64;

/// One import.
pub(super) struct Importer<'a> {
    daemon: &'a Daemon,
    pub so_far: Imported,
    /// Attachments that are here and may not survive a power loss yet: nobody is told of them before.
    unsynced: Vec<ContentHash>,
}

impl<'a> Importer<'a> {
    pub fn new(daemon: &'a Daemon) -> Self {
        Self { daemon, so_far: Imported::default(), unsynced: Vec::new() }
    }

    pub fn run(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut bundle = BundleReader::open(path)?;
        let head = bundle.head().clone();
        let id = head.notebook;
        let Some(known) = self.daemon.registered(&id) else {
            bail!(
                "it is of the notebook `{}` ({id}), which this device does not have; join it first with a ticket of a member's \
                 (`codexd join TICKET FOLDER`), then import again",
                head.name.escape_debug()
            );
        };
        self.so_far.notebook = id.to_string();
        self.so_far.name.clone_from(&known.name);
        let Some(notebook) = self.daemon.running(&id) else {
            bail!("the notebook does not run: {}", known.failed.unwrap_or_default());
        };
        let mut part = Carried::default();
        let mut bytes = 0;
        let mut blob: Option<Incoming> = None;
        let mut known_blobs: Option<BTreeSet<ContentHash>> = None;
        loop {
            let next = match bundle.next_part() {
                Ok(next) => next,
                Err(error) => {
                    // What was good before stays.
                    self.give(&notebook, std::mem::take(&mut part))?;
                    self.sync_blobs(&notebook)?;
                    return Err(error.into());
                }
            };
            let Some(next) = next else { break };
            if let Part::Fork(fork) = next {
                // What stands before it makes its device known.
                if !part.records.is_empty() {
                    self.give(&notebook, std::mem::take(&mut part))?;
                    bytes = 0;
                }
                part.forks.push(fork);
                continue;
            }
            let is_record = matches!(next, Part::Record(_));
            if !is_record || bytes > limits::BATCH_BYTES || part.records.len() >= RECORDS {
                self.give(&notebook, std::mem::take(&mut part))?;
                bytes = 0;
            }
            match next {
                Part::Record(record) => {
                    bytes += record.size();
                    part.records.push(record);
                    self.so_far.records += 1;
                }
                Part::Receipts(receipts) => {
                    self.give(&notebook, Carried { receipts, ..Carried::default() })?;
                }
                Part::Blob { hash, size } => {
                    self.so_far.blobs += 1;
                    blob = self.blob(&notebook, &mut known_blobs, hash, size)?;
                    self.end_blob(&notebook, &mut blob)?;
                }
                Part::Bytes(bytes) => {
                    if let Some(incoming) = &mut blob {
                        incoming.push(&bytes)?;
                    }
                    self.end_blob(&notebook, &mut blob)?;
                }
                Part::End => {
                    self.sync_blobs(&notebook)?;
                    self.give(&notebook, Carried { complete: head.tips.clone(), ..Carried::default() })?;
                }
                Part::Head(_) | Part::Fork(_) => {}
            }
        }
        Ok(())
    }

    fn give(&mut self, notebook: &Notebook, part: Carried) -> anyhow::Result<()> {
        if part == Carried::default() {
            return Ok(());
        }
        let Reply::Carried { new, left, refused } =
            self.daemon.wait(notebook.ask(Request::TakeCarried(part)))?
        else {
            bail!("the notebook gave no answer");
        };
        self.so_far.new_records += new;
        self.so_far.left_records += left;
        match refused {
            Some(fault) => Err(Refused(fault).into()),
            None => Ok(()),
        }
    }

    /// Where an attachment's bytes go; `None` if they are not wanted.
    fn blob(
        &mut self,
        notebook: &Notebook,
        known: &mut Option<BTreeSet<ContentHash>>,
        hash: ContentHash,
        size: u64,
    ) -> anyhow::Result<Option<Incoming>> {
        if self.daemon.wait(self.daemon.shells.blobs.has(&hash))? {
            self.told(notebook, hash);
            return Ok(None);
        }
        if notebook.read(|reader| reader.blob_missing(&hash))??.is_none() {
            let known = match known {
                Some(known) => known,
                None => known.insert(notebook.read(all_blobs)??),
            };
            if !known.contains(&hash) {
                self.so_far.left_blobs += 1;
                return Ok(None);
            }
        }
        Incoming::begin(self.daemon, hash, size).map(Some)
    }

    fn end_blob(&mut self, notebook: &Notebook, blob: &mut Option<Incoming>) -> anyhow::Result<()> {
        let Some(whole) = blob.take_if(|incoming| incoming.left == 0) else { return Ok(()) };
        self.unsynced.push(whole.hash);
        self.daemon.wait(whole.finish(&self.daemon.shells.blobs))?;
        if self.unsynced.len() >= SYNCED_TOGETHER { self.sync_blobs(notebook) } else { Ok(()) }
    }

    fn sync_blobs(&mut self, notebook: &Notebook) -> anyhow::Result<()> {
        if self.unsynced.is_empty() {
            return Ok(());
        }
        self.daemon.wait(self.daemon.shells.blobs.sync())?;
        for hash in std::mem::take(&mut self.unsynced) {
            self.so_far.new_blobs += 1;
            self.told(notebook, hash);
        }
        Ok(())
    }

    /// Every notebook may wait for it; this one takes it, whatever its fetch policy says.
    fn told(&self, notebook: &Notebook, hash: ContentHash) {
        self.daemon.shells.net.arrived(hash);
        for state in self.daemon.lock_read().values() {
            if let Ok(notebook) = &state.running {
                notebook.blob_held(hash);
            }
        }
        notebook.happened(Event::BlobHeld(hash));
    }
}

fn all_blobs(reader: &Reader) -> anyhow::Result<BTreeSet<ContentHash>> {
    let mut all = BTreeSet::new();
    each_blob(reader, true, |_, hash, _, _| {
        all.insert(hash);
        Ok(())
    })?;
    Ok(all)
}

/// An attachment on its way in; its file goes away with this value.
struct Incoming {
    hash: ContentHash,
    left: u64,
    path: PathBuf,
    file: Option<std::fs::File>,
}

impl Incoming {
    fn begin(daemon: &Daemon, hash: ContentHash, size: u64) -> anyhow::Result<Self> {
        let path = daemon.home.tmp_dir().join(format!("bundle-{hash}"));
        let file = std::fs::File::create(&path)
            .with_context(|| format!("cannot keep an attachment as `{}`", path.display()))?;
        Ok(Self { hash, left: size, path, file: Some(file) })
    }

    fn push(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(bytes).with_context(|| {
                format!(
                    "cannot keep an attachment as `{}`; free some space and import again",
                    self.path.display()
                )
            })?;
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Ok(())
    }

    /// Its bytes are in the store when this returns, though not durable yet.
    async fn finish(mut self, blobs: &Blobs) -> anyhow::Result<()> {
        drop(self.file.take());
        let (hash, _) = blobs.import(&self.path).await?;
        if hash != self.hash {
            bail!(
                "attachment {} became {hash} on the way in: this disk or this memory is not sound",
                self.hash
            );
        }
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What is left is swept at the next start in any case.
        let _ = std::fs::remove_file(&self.path);
    }
}
