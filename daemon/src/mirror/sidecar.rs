//! Which names are sidecars of which: `F.json`, `F.xml`, `F.md` and the hidden `.F.json`, `.F.xml`, `.F.md`
//! hold properties of `F`; `.metadata` holds those of its folder.

/// The file that holds a folder's properties.
pub const FOLDER_FILE: &str = ".metadata";

/// How a sidecar is written; in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// An object.
    Json,
    /// An element.
    Xml,
    /// Frontmatter and a body.
    Markdown,
}

impl Form {
    const ALL: [(Form, &'static str); 3] =
        [(Form::Json, ".json"), (Form::Xml, ".xml"), (Form::Markdown, ".md")];

    /// The form of a sidecar with this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, extension)| name.ends_with(extension)).map(|(form, _)| form)
    }
}

/// Names of the files that `name` would be a sidecar of, the likelier first.
pub fn mains(name: &str) -> Vec<&str> {
    let Some((_, extension)) = Form::ALL.into_iter().find(|(_, extension)| name.ends_with(extension)) else {
        return Vec::new();
    };
    let stem = &name[..name.len() - extension.len()];
    [Some(stem), stem.strip_prefix('.')].into_iter().flatten().filter(|main| !main.is_empty()).collect()
}

/// Names that sidecars of `name` have, in order of precedence.
pub fn sidecars(name: &str) -> Vec<String> {
    let both = |(_, extension)| [format!("{name}{extension}"), format!(".{name}{extension}")];
    Form::ALL.into_iter().flat_map(both).collect()
}

/// Whether a file with this name can have sidecars: `README` and `README.md` are two ordinary files, but bytes
/// may have sidecars whatever they are called.
pub fn can_have(name: &str, is_text: bool) -> bool {
    !is_text || extension(name).is_some()
}

/// The part after the last dot, if there is something before it.
pub fn extension(name: &str) -> Option<&str> {
    name.rsplit_once('.').filter(|(stem, end)| !stem.is_empty() && !end.is_empty()).map(|(_, end)| end)
}
