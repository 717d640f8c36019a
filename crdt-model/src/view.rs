//! Reading an entry out of a store: for everybody who shows, searches or exports what the core decided.

use crate::entry::{Birth, Content, Document};
use crate::ids::EntryId;
use crate::limits;
use crate::store::{BirthAt, EntryRow, Source, StoreError};

/// An entry's birth, from the record that brought it.
pub fn birth(source: &dyn Source, id: &EntryId, at: BirthAt) -> Result<Birth, StoreError> {
    source.birth(at)?.as_deref().and_then(Birth::decode).ok_or_else(|| StoreError {
        doing: "reading a birth",
        reason: format!("record {} has no birth of entry {id} as item {}", at.position, at.item),
    })
}

/// An entry's document with all its versions.
pub fn document(source: &dyn Source, id: &EntryId, at: BirthAt) -> Result<Document, StoreError> {
    let birth = birth(source, id, at)?;
    Document::load(*id, &birth, &source.document(id)?)
        .map_err(|error| StoreError { doing: "reading a document", reason: error.to_string() })
}

/// An entry's content now. `changed`: it is more than its birth (its row has heads); else no document is made.
pub fn content(source: &dyn Source, id: &EntryId, at: BirthAt, changed: bool) -> Result<Content, StoreError> {
    if changed { Ok(document(source, id, at)?.view().content) } else { Ok(birth(source, id, at)?.content) }
}

/// Where the derived tree shows an entry: names from the top, `/` between them.
pub fn path(source: &dyn Source, row: &EntryRow) -> Result<String, StoreError> {
    let mut names = vec![row.place_name.clone()];
    let mut parent = row.place_parent;
    while parent != EntryId::ROOT && names.len() <= limits::DEPTH {
        let Some(folder) = source.entry(&parent)? else { break };
        parent = folder.place_parent;
        names.push(folder.place_name);
    }
    names.reverse();
    Ok(names.join("/"))
}
