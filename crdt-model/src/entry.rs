//! An entry: one file or folder, one Automerge document.
//!
//! `birth` says what an entry is before any change, `document` wraps the Automerge document, `frontmatter`
//! splits and joins the YAML block byte for byte, `text` turns an outside rewrite into small edits.

pub mod birth;
pub mod document;
pub mod frontmatter;
pub mod text;

pub use birth::{Birth, Content};
pub use document::{
    ChangeRefused, Clash, Deed, Document, DocumentError, Edit, MadeBy, NewChange, Place, View, blobs_of,
    change_hash, deeds_of,
};
