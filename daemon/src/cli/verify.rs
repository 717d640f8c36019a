//! `verify`: every signature, every chain, who might write what, every document against its records, every file against its
//! document, every stored attachment against its hash. Reads only, and needs no daemon.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use codex_crdt_model::entry::Document;
use codex_crdt_model::entry::birth::{Birth, Kind};
use codex_crdt_model::ids::{ContentHash, EntryId};
use codex_crdt_model::store::{EntryRow, Source, StoreError};
use serde::Serialize;

use super::failure::Failure;
use super::print::{self, Output};
use crate::home::Place;
use crate::http::reading;
use crate::store::Reader;
use crate::system::{Meant, NotebookRow, System};
use crate::timestamps::{Pinned, Setting};

mod attachments;
mod journals;
mod seals;
mod timestamps;

pub use attachments::DamagedFound;
pub use journals::{Fork, Named};
pub use seals::SealFound;
pub use timestamps::TimestampFound;

/// Rows read at a time.
const PAGE: usize = 500;
/// Faults and notes shown of each notebook; the rest is counted.
const SHOWN: usize = 50;

/// What was found in one notebook.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Notebook id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// Records checked.
    pub records: u64,
    /// Entries checked.
    pub entries: u64,
    /// Files compared.
    pub files: u64,
    /// Stored attachments whose bytes were read.
    pub attachments: u64,
    /// Those that are damaged; each is also among the faults.
    pub damaged_attachments: Vec<DamagedFound>,
    /// Records that are not good, or not where they should be; each is also among the faults.
    pub bad_records: Vec<Named>,
    /// Records that do not count, and why; each is also among the notes.
    pub without_effect: Vec<Named>,
    /// Places in journals that two records claim.
    pub forks: Vec<Fork>,
    /// Seals that count, and how each stands.
    pub seals: Vec<SealFound>,
    /// Timestamps that count, and what each proves.
    pub timestamps: Vec<TimestampFound>,
    /// What must not be.
    pub faults: Vec<String>,
    /// What may be: a file that was edited and not taken in yet, an attachment that has not arrived.
    pub notes: Vec<String>,
}

/// `verify`.
pub async fn verify(home: Option<&Path>, out: Output, only: Option<String>) -> Result<(), Failure> {
    let chosen = choose(home, only.as_deref())?;
    let place = Place::find(home)?;
    let pinned = Setting::load(&place.timestamps()).map_err(|error| Failure::new(error.to_string()))?.pinned;
    let blobs = place.blobs_dir();
    let work =
        move || chosen.iter().map(|(name, root)| check(name, root, &blobs, &pinned)).collect::<Vec<_>>();
    let reports = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::new(format!("cannot verify: the check broke off: {error}")))?;
    print::progress("");
    let value = serde_json::json!({"notebooks": reports});
    out.show(&value, |_| reports.iter().map(text).collect::<Vec<_>>().join("\n"));
    if reports.iter().any(|report| !report.faults.is_empty()) { Err(Failure::said()) } else { Ok(()) }
}

/// Name and folder of each notebook to check.
fn choose(home: Option<&Path>, only: Option<&str>) -> Result<Vec<(String, PathBuf)>, Failure> {
    let known = registered(&Place::find(home)?)?;
    let Some(key) = only else {
        if known.is_empty() {
            print::line("no notebook is registered on this home; `codexd verify PATH` checks a folder");
        }
        return Ok(known.into_iter().map(|row| (row.name, row.path.into())).collect());
    };
    match NotebookRow::meant(known.iter(), key) {
        Meant::One(row) => return Ok(vec![(row.name.clone(), row.path.clone().into())]),
        Meant::Several => {
            let slugs: Vec<&str> =
                known.iter().filter(|row| row.name == key).map(|row| row.slug.as_str()).collect();
            let say = format!("several notebooks are called `{key}`; say which: {}", slugs.join(", "));
            return Err(Failure::new(say));
        }
        Meant::Nothing => {}
    }
    let folder = Path::new(key);
    if folder.join(".codex/store.db").exists() {
        return Ok(vec![(folder.display().to_string(), folder.to_owned())]);
    }
    Err(Failure::new(format!(
        "cannot verify `{key}`: it is neither a notebook of this home nor a folder with a notebook; see `codexd notebook list`"
    )))
}

/// The registered notebooks of a home; none if there is no home yet.
pub fn registered(place: &Place) -> Result<Vec<NotebookRow>, Failure> {
    if !place.system_db().exists() {
        return Ok(Vec::new());
    }
    Ok(System::open(&place.system_db())?.notebooks()?)
}

fn text(report: &Report) -> String {
    let good = if report.faults.is_empty() { "is sound" } else { "HAS FAULTS" };
    let mut lines = vec![format!(
        "`{}` {good}: {} records, {} entries, {} files, {} stored attachments  ({})",
        report.name, report.records, report.entries, report.files, report.attachments, report.path
    )];
    for (word, all) in [("fault", &report.faults), ("note", &report.notes)] {
        lines.extend(all.iter().take(SHOWN).map(|one| format!("  {word}: {one}")));
        if all.len() > SHOWN {
            lines.push(format!("  … and {} more; see --json", all.len() - SHOWN));
        }
    }
    for seal in report.seals.iter().take(SHOWN) {
        // The words of `seals`.
        let stands = match (seal.is_true, seal.unchanged, seal.deleted) {
            (false, ..) => "NOT TRUE",
            (_, true, _) => "unchanged since",
            (_, _, true) => "DELETED since",
            _ => "CHANGED since",
        };
        let complete = if seal.complete { "" } else { ", not complete" };
        lines.push(format!(
            "  seal {}: `{}` \"{}\", {stands}, {} witnesses{complete}",
            print::short(&seal.id),
            seal.path,
            seal.meaning,
            seal.witnesses.len()
        ));
    }
    if report.seals.len() > SHOWN {
        lines.push(format!("  … and {} more; see --json", report.seals.len() - SHOWN));
    }
    for stamp in report.timestamps.iter().take(SHOWN) {
        let short = print::short(&stamp.id);
        let seals = stamp.seals.len();
        lines.push(match (&stamp.before, &stamp.authority) {
            (Some(before), Some(authority)) => {
                let doubt =
                    stamp.reason.as_ref().map_or(String::new(), |reason| format!("; NOT BELIEVED: {reason}"));
                format!("  timestamp {short}: {seals} seals existed before {before}, says {authority}{doubt}")
            }
            _ => format!(
                "  timestamp {short}: PROVES NOTHING: {}",
                stamp.reason.as_deref().unwrap_or_default()
            ),
        });
    }
    if report.timestamps.len() > SHOWN {
        lines.push(format!("  … and {} more; see --json", report.timestamps.len() - SHOWN));
    }
    lines.join("\n")
}

/// Checks the notebook in a folder, and its attachments in the store in `blobs`; whose timestamps are believed is said by
/// `pinned`.
pub fn check(name: &str, root: &Path, blobs: &Path, pinned: &Pinned) -> Report {
    let mut report = Report { name: name.to_owned(), path: root.display().to_string(), ..Report::default() };
    let reader = match Reader::open(&root.join(".codex/store.db")) {
        Ok(reader) => reader,
        Err(error) => {
            report.faults.push(error.to_string());
            return report;
        }
    };
    // One state of the store, whatever a running daemon commits meanwhile.
    let mut checker = Checker { root, blobs, pinned, begun: Instant::now(), report: &mut report };
    if let Err(error) = reader.at_once(|reader| checker.all(reader)) {
        report.faults.push(error.to_string());
    }
    report
}

struct Checker<'a> {
    root: &'a Path,
    blobs: &'a Path,
    pinned: &'a Pinned,
    begun: Instant,
    report: &'a mut Report,
}

impl Checker<'_> {
    fn all(&mut self, reader: &Reader) -> Result<(), StoreError> {
        let Some(meta) = reader.meta()? else {
            self.fault("the store is empty: it was made and never begun");
            return Ok(());
        };
        self.report.id = meta.notebook.to_string();
        let marker = std::fs::read_to_string(self.root.join(".codex/notebook")).unwrap_or_default();
        if marker.trim() != self.report.id {
            self.fault(format!(
                "the marker .codex/notebook says `{}`, the store `{}`",
                marker.trim(),
                self.report.id
            ));
        }
        self.journals(reader, &meta.notebook)?;
        self.entries(reader)?;
        self.attachments(reader)
    }

    fn fault(&mut self, words: impl Into<String>) {
        self.report.faults.push(words.into());
    }

    fn note(&mut self, words: impl Into<String>) {
        self.report.notes.push(words.into());
    }

    fn progress(&self, what: &str, count: u64) {
        if self.begun.elapsed().as_millis() > 1000 {
            print::progress(&format!("{}: {count} {what}", self.report.name));
        }
    }

    fn entries(&mut self, reader: &Reader) -> Result<(), StoreError> {
        let pending: BTreeSet<EntryId> = reader.pending(None, usize::MAX >> 1)?.into_iter().collect();
        let missing = reader.blobs_missing()?;
        let mut after = 0;
        loop {
            let page = reader.entries_since(after, PAGE)?;
            let Some((_, last)) = page.last() else { return Ok(()) };
            after = last.revision;
            for (id, row) in page {
                self.report.entries += 1;
                self.document(reader, &id, &row)?;
                if row.alive {
                    if row.kind == Kind::Blob && missing.contains_key(&row.hash) {
                        self.note(format!("the bytes of `{}` have not arrived yet", row.place_name));
                    }
                    if !pending.contains(&id) {
                        self.file(reader, &id, &row)?;
                    }
                }
            }
            self.progress("entries", self.report.entries);
        }
    }

    fn document(&mut self, reader: &Reader, id: &EntryId, row: &EntryRow) -> Result<(), StoreError> {
        let shown = format!("entry {} (`{}`)", id.short(), row.place_name);
        let Some(birth) = reader.birth(row.birth)? else {
            self.fault(format!("{shown}: its birth is not in its record"));
            return Ok(());
        };
        let Some(birth) = Birth::decode(&birth).filter(|_| Birth::id_of(&birth) == *id) else {
            self.fault(format!("{shown}: its birth is not the one that its id names"));
            return Ok(());
        };
        let document = match Document::load(*id, &birth, &reader.document(id)?) {
            Ok(document) => document,
            Err(error) => {
                self.fault(error.to_string());
                return Ok(());
            }
        };
        if document.heads() != row.heads {
            self.fault(format!("{shown}: its document is at another version than its row"));
        }
        if document.view().content.hash() != row.hash {
            self.fault(format!("{shown}: its document has other content than its row says"));
        }
        let known: BTreeSet<_> = document.changes().into_iter().collect();
        let lost = reader
            .history(id)?
            .iter()
            .filter_map(|row| row.change)
            .filter(|change| !known.contains(change))
            .count();
        if lost > 0 {
            self.fault(format!("{shown}: {lost} changes of its records are not in its document"));
        }
        Ok(())
    }

    fn file(&mut self, reader: &Reader, id: &EntryId, row: &EntryRow) -> Result<(), StoreError> {
        let Some(base) = reader.base(id)? else { return Ok(()) };
        let Some(confirmed) = base.confirmed else { return Ok(()) };
        let Ok(path) = reading::path_of(reader, row) else { return Ok(()) };
        if base.name != row.place_name {
            return Ok(());
        }
        self.report.files += 1;
        let target = self.root.join(path.as_str());
        match look(&target, row.kind) {
            Err(error) => self.note(format!("`{path}` cannot be read: {error}; not taken for deleted")),
            Ok(None) => self.note(format!("`{path}` is gone from the folder; not taken in yet")),
            Ok(Some(hash)) if hash != confirmed.hash => {
                self.note(format!("`{path}` was changed in the folder; not taken in yet"));
            }
            Ok(Some(_)) if confirmed.hash != row.hash => {
                self.fault(format!(
                    "`{path}` is not what its document says, and nothing is waiting to be written"
                ));
            }
            Ok(Some(_)) => {}
        }
        Ok(())
    }
}

/// The hash of what lies there; `None` if nothing of that kind does.
fn look(path: &Path, kind: Kind) -> std::io::Result<Option<ContentHash>> {
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match kind {
        Kind::Folder => Ok(meta.is_dir().then(|| ContentHash::of(b""))),
        Kind::Symlink if meta.is_symlink() => {
            let target = std::fs::read_link(path)?;
            Ok(Some(ContentHash::of(target.as_os_str().as_encoded_bytes())))
        }
        Kind::Text | Kind::Blob if meta.is_file() => hash_of(path).map(Some),
        _ => Ok(None),
    }
}

fn hash_of(path: &Path) -> std::io::Result<ContentHash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path)?)?;
    Ok(ContentHash(*hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests;
