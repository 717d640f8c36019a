//! The attachments in the home's store: whether each still has the bytes that its hash names. Small ones lie in the store's
//! own database and are not read here.

use std::collections::{BTreeMap, BTreeSet};

use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::store::{Source, StoreError};
use codex_crdt_model::view;
use serde::Serialize;

use super::{Checker, hash_of, look};
use crate::daemon::each_blob;
use crate::store::Reader;

/// A stored attachment that is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamagedFound {
    /// BLAKE3 of the bytes that it should have.
    pub hash: String,
    /// The file of the store that has others.
    pub stored: String,
    /// Where entries are, or were, that are it.
    pub paths: Vec<String>,
    /// A file in the folder that has the right bytes.
    pub good_copy: Option<String>,
}

impl Checker<'_> {
    /// Reads every stored attachment of every version, and of what was sealed.
    pub(super) fn attachments(&mut self, reader: &Reader) -> Result<(), StoreError> {
        let mut all: BTreeMap<ContentHash, BTreeSet<EntryId>> = BTreeMap::new();
        let listed = each_blob(reader, true, |id, hash, _, _| {
            all.entry(hash).or_default().insert(*id);
            Ok(())
        });
        if let Err(error) = listed {
            self.fault(format!("not every attachment could be checked: {error:#}"));
        }
        for (hash, entries) in all {
            let file = |kind: &str| self.blobs.join("data").join(format!("{hash}.{kind}"));
            let stored = file("data");
            // One that is still arriving has a list of the parts that are here.
            if !stored.is_file() || file("bitfield").exists() {
                continue;
            }
            self.report.attachments += 1;
            self.progress("stored attachments", self.report.attachments);
            let why = match hash_of(&stored) {
                Ok(found) if found == hash => continue,
                Ok(_) => "its bytes are others".to_owned(),
                Err(error) => format!("it cannot be read: {error}"),
            };
            let mut paths = Vec::new();
            for id in &entries {
                let Some(row) = reader.entry(id)? else { continue };
                paths.push(view::path(reader, &row)?);
            }
            let mut files = paths.iter().map(|path| self.root.join(path));
            let good = files.find(|path| matches!(look(path, Kind::Blob), Ok(Some(found)) if found == hash));
            self.damaged(
                DamagedFound {
                    hash: hash.to_string(),
                    stored: stored.display().to_string(),
                    paths,
                    good_copy: good.map(|path| path.display().to_string()),
                },
                &why,
            );
        }
        Ok(())
    }

    fn damaged(&mut self, found: DamagedFound, why: &str) {
        let of: Vec<String> = found.paths.iter().map(|path| format!("`{path}`")).collect();
        let to_do = match &found.good_copy {
            Some(good) => format!("`{good}` still has the right bytes: stop the daemon and copy it over that file"),
            None => "the folder has no good copy: take the same file from the home of another device that holds it, or from a \
                     backup, and copy it over that file while the daemon is stopped"
                .to_owned(),
        };
        self.fault(format!(
            "the stored attachment of {} is damaged ({}): {why}; {to_do}",
            of.join(", "),
            found.stored
        ));
        self.report.damaged_attachments.push(found);
    }
}
