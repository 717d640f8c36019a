//! Sidecars as a page meets them: which entries carry a file's properties, and their names after a move.
//! The rule of what counts as one is in `docs` and followed by the mirror as well.

use codex_crdt_model::entry::birth::Kind;
use codex_crdt_model::ids::EntryId;
use codex_crdt_model::store::Source;

use super::error::ApiError;
use super::reading::Found;

/// Extensions in order of precedence.
const FORMS: [&str; 3] = ["json", "xml", "md"];

/// A sidecar that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// Its entry.
    pub entry: EntryId,
    /// Its name.
    pub name: String,
    /// `json`, `xml` or `md`.
    pub form: &'static str,
}

/// Whether a file with this name can have sidecars: `README` and `README.md` are two ordinary files, but
/// bytes may have sidecars whatever they are called.
pub fn can_have(name: &str, kind: Kind) -> bool {
    let has_extension = name.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && !end.is_empty());
    match kind {
        Kind::Text => has_extension,
        Kind::Blob => true,
        Kind::Folder | Kind::Symlink => false,
    }
}

/// The sidecars of an entry, in order of precedence: plain before hidden, JSON before XML before Markdown.
pub fn of(source: &dyn Source, main: &Found) -> Result<Vec<Sidecar>, ApiError> {
    let mut sidecars = Vec::new();
    if !can_have(&main.row.place_name, main.row.kind) {
        return Ok(sidecars);
    }
    for form in FORMS {
        for dot in ["", "."] {
            let name = format!("{dot}{}.{form}", main.row.place_name);
            let Some(entry) = source.at(&main.row.place_parent, &name)? else { continue };
            let is_text = source.entry(&entry)?.is_some_and(|row| row.kind == Kind::Text);
            if is_text {
                sidecars.push(Sidecar { entry, name, form });
            }
        }
    }
    Ok(sidecars)
}

/// What a sidecar is called when its main file goes from one name to another.
pub fn renamed(sidecar: &str, from: &str, to: &str) -> Option<String> {
    let (dot, rest) = match sidecar.strip_prefix('.') {
        Some(hidden) if hidden.starts_with(from) => (".", hidden),
        _ => ("", sidecar),
    };
    let ending = rest.strip_prefix(from)?;
    Some(format!("{dot}{to}{ending}"))
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
