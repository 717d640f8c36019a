//! Sync by a file: what a notebook holds goes into a bundle, and what a bundle holds goes the way of what peers send.
//! Everything below blocks and is run where that is allowed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use codex_crdt_model::effect::Reply;
use codex_crdt_model::entry::birth::{Content, Kind};
use codex_crdt_model::event::Request;
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::journal::Seal;
use codex_crdt_model::store::{EntryRow, Source};
use codex_crdt_model::view;

use super::Daemon;
use crate::bundle::ReadError;
use crate::driver::Notebook;
use crate::store::Reader;

mod export;
mod import;

use export::Exporter;
use import::Importer;

/// Entries read at a time.
const ENTRIES: usize = 512;

/// What goes into a bundle.
#[derive(Debug, Clone, Default)]
pub struct Export {
    /// Leave out what this device holds by its last receipt: its id, the beginning of it, or its name.
    pub reader: Option<String>,
    /// Older versions of attachments too.
    pub whole: bool,
}

/// What went into a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Where it is.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Records in it.
    pub records: u64,
    /// Records left out.
    pub left_out: u64,
    /// Attachments in it.
    pub blobs: u64,
    /// Attachments of live entries that belong into it and are not here.
    pub blobs_not_here: u64,
    /// Attachments that belong into it and were left out, because the store's copy is damaged and the notebook's folder has
    /// no other.
    pub blobs_damaged: Vec<DamagedBlob>,
}

/// An attachment whose bytes are not those that its hash names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedBlob {
    /// The hash.
    pub hash: ContentHash,
    /// Where entries are, or were, that are it.
    pub paths: Vec<String>,
}

/// What became of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Notebook id, hex.
    pub notebook: String,
    /// Its name here.
    pub name: String,
    /// Records in it.
    pub records: u64,
    /// Those that were not here before.
    pub new_records: u64,
    /// Records that do not count and of which there is too much already.
    pub left_records: u64,
    /// Attachments in it.
    pub blobs: u64,
    /// Those that were not here before.
    pub new_blobs: u64,
    /// Attachments that no version of an entry refers to: they were left.
    pub left_blobs: u64,
}

/// A bundle that was not taken in whole.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.in_words())]
pub struct ImportError {
    /// Why, and at which record.
    pub error: anyhow::Error,
    /// The file itself is not good.
    pub is_damaged: bool,
    /// What was taken in before.
    pub so_far: Imported,
}

impl ImportError {
    fn in_words(&self) -> String {
        let Imported { name, new_records, new_blobs, .. } = &self.so_far;
        if name.is_empty() {
            return format!("cannot import the bundle: {:#}", self.error);
        }
        let again = if self.is_damaged { ": have it made again and import that" } else { "" };
        format!(
            "cannot import the bundle into `{name}`: {:#}; {new_records} records and {new_blobs} attachments before that were \
             taken in and stay{again}",
            self.error
        )
    }
}

impl Daemon {
    /// Writes a bundle of a notebook.
    pub async fn export_bundle(
        self: &Arc<Self>,
        notebook: Notebook,
        path: PathBuf,
        export: Export,
    ) -> anyhow::Result<Exported> {
        // Stated first: what it says is held is then also in the bundle.
        let Reply::Receipt(receipt) = notebook.ask(Request::StateReceipt).await? else {
            bail!("the notebook stated no receipt");
        };
        let daemon = Arc::clone(self);
        let name = self.registered(&notebook.id).map(|one| one.name).unwrap_or_default();
        let work = move || {
            let root = &notebook.root;
            let exported = notebook
                .read(|reader| Exporter { daemon: &daemon, reader, root, name, export }.run(&path, receipt));
            exported.with_context(|| format!("cannot read the notebook at {}", notebook.root.display()))?
        };
        tokio::task::spawn_blocking(work).await.context("the export broke off")?
    }

    /// Takes a bundle in.
    pub async fn import_bundle(self: &Arc<Self>, path: PathBuf) -> Result<Imported, ImportError> {
        let daemon = Arc::clone(self);
        let work = move || {
            let mut importer = Importer::new(&daemon);
            let outcome = importer.run(&path);
            let so_far = importer.so_far;
            outcome.map(|()| so_far.clone()).map_err(|error| ImportError {
                is_damaged: error.is::<ReadError>(),
                error,
                so_far,
            })
        };
        let joined = tokio::task::spawn_blocking(work).await;
        joined.unwrap_or_else(|error| {
            let error = anyhow::Error::from(error).context("the import broke off");
            Err(ImportError { error, is_damaged: false, so_far: Imported::default() })
        })
    }
}

/// A record that could not be taken in.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Refused(pub codex_crdt_model::bundle::Fault);

/// Every attachment that an entry is, or with `whole` ever was: entry, hash, size, whether it is the living entry's own.
pub(crate) fn each_blob(
    reader: &Reader,
    whole: bool,
    mut work: impl FnMut(&EntryId, ContentHash, u64, bool) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = 0;
    loop {
        let page = reader.entries_since(after, ENTRIES)?;
        let Some((_, last)) = page.last() else { break };
        after = last.revision;
        for (id, row) in page {
            if row.kind == Kind::Blob && (row.alive || whole) {
                work(&id, row.hash, row.size, row.alive)?;
            }
            if whole {
                for (hash, size) in older(reader, &id, &row)? {
                    work(&id, hash, size, false)?;
                }
            }
        }
    }
    // What was sealed can be shown to whoever has the seal, whatever became of the entry. Texts are in their records.
    let quarantined = reader.quarantined()?;
    for (position, row) in reader.all_seals()? {
        if quarantined.contains_key(&position) {
            continue;
        }
        let Seal::Entry(sealed) = row.seal else { continue };
        if !row.is_text {
            work(&sealed.entry, sealed.hash, sealed.size, false)?;
        }
        for part in sealed.parts {
            work(&part.entry, part.hash, part.size, false)?;
        }
    }
    Ok(())
}

/// Attachments that an entry was, if it is one or was born as one.
fn older(reader: &Reader, id: &EntryId, row: &EntryRow) -> anyhow::Result<BTreeSet<(ContentHash, u64)>> {
    let mut found = BTreeSet::new();
    if row.is_void() {
        return Ok(found);
    }
    let blob = |content: Content| match content {
        Content::Blob { hash, size } => Some((hash, size)),
        Content::Text(_) | Content::Folder | Content::Symlink(_) => None,
    };
    let born = blob(view::birth(reader, id, row.birth)?.content);
    if row.kind != Kind::Blob && born.is_none() {
        return Ok(found);
    }
    found.extend(born);
    let document = view::document(reader, id, row.birth)?;
    for change in document.changes() {
        found.extend(document.view_at(&vec![change]).and_then(|view| blob(view.content)));
    }
    Ok(found)
}

impl Daemon {
    /// Waits for what others do, on a thread that may block.
    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}
