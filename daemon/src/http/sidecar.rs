//! Sidecars as a page meets them: which entries carry a file's properties, and their names after a move.
//! What counts as one is the mirror's rule.

use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::store::Source;

use super::error::ApiError;
use super::reading::{self, Found};
use crate::mirror::sidecar::{self as rule, Form};

/// A sidecar that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Its entry.
    pub entry: EntryId,
    /// Its name.
    pub name: String,
    /// How it is written.
    pub form: Form,
}

/// Whether a file with this name can have sidecars.
pub fn can_have(name: &str, kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Blob) && rule::can_have(name, kind == Kind::Text)
}

/// The sidecars of an entry, in order of precedence: plain before hidden, JSON before XML before Markdown.
pub fn of(source: &dyn Source, main: &Found) -> Result<Vec<Sidecar>, ApiError> {
    let mut sidecars = Vec::new();
    if !can_have(&main.row.place_name, main.row.kind) {
        return Ok(sidecars);
    }
    for name in rule::sidecars(&main.row.place_name) {
        let Some(entry) = source.at(&main.row.place_parent, &name)? else { continue };
        let is_text = source.entry(&entry)?.is_some_and(|row| row.kind == Kind::Text);
        if let Some(form) = Form::of(&name).filter(|_| is_text) {
            sidecars.push(Sidecar { entry, name, form });
        }
    }
    Ok(sidecars)
}

/// A file and its sidecars are deleted one after the other.
const TOGETHER_MS: i64 = 10_000;

/// The deleted sidecars of a file that is back, as far as they went with it, and nothing else took their place.
pub fn that_went_with(source: &dyn Source, main: &EntryId, deleted: i64) -> Result<Vec<EntryId>, ApiError> {
    let main = reading::any(source, main)?;
    let mut gone = Vec::new();
    if !can_have(&main.row.place_name, main.row.kind) {
        return Ok(gone);
    }
    let folder = main.path.parent().unwrap_or_default();
    for name in rule::sidecars(&main.row.place_name) {
        let found =
            reading::was_at(source, &folder.join(&name))?.filter(|found| found.row.kind == Kind::Text);
        let with_it = |found: &Found| !found.row.alive && (found.row.modified - deleted).abs() <= TOGETHER_MS;
        gone.extend(found.filter(with_it).map(|found| found.id));
    }
    Ok(gone)
}

/// What a sidecar is called when its main file goes from one name to another.
pub fn renamed(sidecar: &str, from: &str, to: &str) -> Option<String> {
    if let Some(ending) = sidecar.strip_prefix(from) {
        return Some(format!("{to}{ending}"));
    }
    let ending = sidecar.strip_prefix('.')?.strip_prefix(from)?;
    Some(format!(".{to}{ending}"))
}

/// The name of a new sidecar.
pub fn new_name(main: &str) -> String {
    format!(".{main}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readme_and_readme_md_are_two_files() {
        assert!(!can_have("README", Kind::Text) && !can_have(".bashrc", Kind::Text));
        assert!(can_have("data.csv", Kind::Text) && can_have("scan", Kind::Blob));
        assert!(!can_have("a.b", Kind::Folder));
    }

    #[test]
    fn sidecars_are_renamed_with_their_file() {
        for (sidecar, from, to, expect) in [
            ("a.png.json", "a.png", "b.png", Some("b.png.json")),
            (".a.png.json", "a.png", "b.jpg", Some(".b.jpg.json")),
            ("..hid.csv.json", ".hid.csv", ".shown.csv", Some("..shown.csv.json")),
            (".hid.csv.xml", ".hid.csv", "x.csv", Some("x.csv.xml")),
            ("other.json", "a.png", "b.png", None),
        ] {
            assert_eq!(renamed(sidecar, from, to).as_deref(), expect, "{sidecar}");
        }
    }
}
