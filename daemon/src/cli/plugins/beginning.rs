//! A plugin to begin with: a folder with a manifest that works.

use std::path::Path;

use clap::ValueEnum;

use crate::cli::failure::Failure;
use crate::cli::print::{line, note};
use crate::plugins::{catalogue, files};

/// What a plugin brings.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// A view of entries.
    View,
    /// A theme.
    Theme,
    /// Requests to a service.
    Integration,
    /// Code that makes entries of files.
    Importer,
    /// Code that makes files of entries.
    Exporter,
    /// Code that changes entries.
    Transformer,
    /// A block in notes.
    Block,
    /// A template of entries.
    Template,
}

/// Makes one.
pub fn begin(folder: &Path, kind: Kind) -> Result<(), Failure> {
    let id = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let fits = !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fits {
        let say = format!(
            "`{id}` cannot be a plugin's id; name the folder with lower case letters, digits and `-`"
        );
        return Err(Failure::new(say));
    }
    if folder.exists() {
        return Err(Failure::new(format!("{} is there already; give another folder", folder.display())));
    }
    let failed = |why: std::io::Error| Failure::new(format!("cannot make {}: {why}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (name, written) in beginning(kind) {
        let name = name.replace("ID", &id);
        std::fs::write(folder.join(name), written.replace("PLUGIN", &id)).map_err(failed)?;
    }
    debug_assert!(files::manifest_in(folder).is_some());
    if catalogue::is_bundled(&id) {
        note(&format!(
            "a bundled plugin has the id `{id}` too; give `id` in the manifest another value unless this one is to take its place"
        ));
    }
    line(&format!("{} is made; `codexd plugin add {}` installs it", folder.display(), folder.display()));
    Ok(())
}

fn beginning(kind: Kind) -> Vec<(&'static str, &'static str)> {
    match kind {
        Kind::View => vec![
            ("manifest.yml", include_str!("../../../plugins/view.yml")),
            ("ID.js", include_str!("../../../plugins/view.js")),
        ],
        Kind::Theme => vec![
            ("manifest.yml", include_str!("../../../plugins/theme.yml")),
            ("ID.css", include_str!("../../../plugins/theme.css")),
        ],
        Kind::Integration => vec![
            ("manifest.yml", include_str!("../../../plugins/integration.yml")),
            ("ID.js", include_str!("../../../plugins/integration.js")),
        ],
        Kind::Exporter => vec![
            ("manifest.yml", include_str!("../../../plugins/exporter.yml")),
            ("ID.js", include_str!("../../../plugins/exporter.js")),
        ],
        Kind::Transformer => vec![
            ("manifest.yml", include_str!("../../../plugins/transformer.yml")),
            ("ID.js", include_str!("../../../plugins/transformer.js")),
        ],
        Kind::Importer => vec![
            ("manifest.yml", include_str!("../../../plugins/importer.yml")),
            ("ID.js", include_str!("../../../plugins/importer.js")),
        ],
        Kind::Block => vec![
            ("manifest.yml", include_str!("../../../plugins/block.yml")),
            ("ID.js", include_str!("../../../plugins/block.js")),
        ],
        Kind::Template => vec![
            ("manifest.yml", include_str!("../../../plugins/template.yml")),
            ("ID-template.yaml", include_str!("../../../plugins/template.yaml")),
        ],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::plugins;
    use crate::plugins::code::{self, Faults};

    #[test]
    fn what_is_begun_is_sound() {
        let temp = tempfile::tempdir().unwrap();
        for kind in Kind::value_variants() {
            let folder = temp.path().join(format!("my-{kind:?}").to_lowercase());
            begin(&folder, *kind).unwrap();
            let plugin =
                catalogue::read_one(&folder).map_err(|problems| plugins::in_words(&problems)).unwrap();
            assert_eq!(plugin.id(), folder.file_name().unwrap().to_str().unwrap());
            assert_eq!(crate::http::plugins::frames::warnings(&plugin), Vec::<String>::new());
            let Faults { problems, warnings } = code::faults(&plugin);
            assert!(problems.is_empty() && warnings.is_empty(), "{problems:?} {warnings:?}");
            assert!(begin(&folder, *kind).is_err(), "what is there stays");
        }
        assert!(begin(&temp.path().join("Bad Name"), Kind::View).is_err());
    }
}
