//! What is none of our business: Codex's and Git's own folders, editors' swap and backup files, what
//! `.codexignore` files name, and notebooks inside this one. What is ignored is never reported, neither as
//! there nor as missing.

use std::collections::BTreeMap;
use std::path::Path;

use codex_crdt_model::path::EntryPath;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::root::{OWN, Root};

/// The file with ignore rules in gitignore syntax.
pub(super) const RULES: &str = ".codexignore";

/// Longer rule files are read only so far.
const RULES_BYTES: u64 = 1 << 20;

/// Rules met so far in one survey; they are read again in the next.
#[derive(Debug, Default)]
pub(super) struct Rules {
    by_folder: BTreeMap<EntryPath, Option<Gitignore>>,
    nested: BTreeMap<EntryPath, bool>,
}

/// Whether a name is ignored wherever it appears.
pub(super) fn is_ignored_name(name: &str) -> bool {
    name == OWN
        || name == ".git"
        || name.ends_with(".swp")
        || name.ends_with(".swx")
        || name.starts_with(".#")
        || name.ends_with('~')
}

/// Whether a name looks like that of a file which lives only until it is renamed over another. It is an ordinary
/// file if it stays. `4913` is what Vim tries a folder with: made, and removed at once.
pub(super) fn looks_passing(name: &str) -> bool {
    const ENDS: [&str; 5] = [".tmp", ".temp", ".part", ".partial", ".crdownload"];
    let lower = name.to_ascii_lowercase();
    ENDS.iter().any(|end| lower.ends_with(end))
        || lower.contains(".tmp.")
        || lower.contains(".tmp-")
        || lower.starts_with(".goutputstream-")
        || lower.starts_with(".~")
        || lower.starts_with("~$")
        || name == "4913"
}

/// Whether the worker may never write there, whatever a peer asks: on a file system that does not know upper from
/// lower case, `.GIT` is `.git`.
pub(super) fn is_forbidden(path: &EntryPath) -> bool {
    path.names().any(|name| name.eq_ignore_ascii_case(OWN) || name.eq_ignore_ascii_case(".git"))
}

impl Rules {
    /// Whether one name in a folder that is not ignored itself is ignored.
    pub fn ignores(&mut self, root: &Root, path: &EntryPath, is_folder: bool) -> bool {
        if is_ignored_name(path.name()) {
            return true;
        }
        let mut folder = path.parent();
        while let Some(at) = folder {
            if let Some(rules) = self.rules_of(root, &at) {
                match rules.matched(root.absolute(path), is_folder) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => break,
                    Match::None => {}
                }
            }
            folder = at.parent();
        }
        is_folder && self.is_nested(root, path)
    }

    /// Whether a path or any folder above it is ignored.
    pub fn ignores_within(&mut self, root: &Root, path: &EntryPath, is_folder: bool) -> bool {
        let mut at = EntryPath::root();
        let last = path.names().count();
        path.names().enumerate().any(|(depth, name)| {
            at = at.join(name);
            self.ignores(root, &at, is_folder || depth + 1 < last)
        })
    }

    fn is_nested(&mut self, root: &Root, folder: &EntryPath) -> bool {
        *self.nested.entry(folder.clone()).or_insert_with(|| root.has_marker(folder))
    }

    fn rules_of(&mut self, root: &Root, folder: &EntryPath) -> Option<&Gitignore> {
        self.by_folder
            .entry(folder.clone())
            .or_insert_with(|| {
                let file = folder.join(RULES);
                let text = root.read_small(&file, RULES_BYTES)?;
                parse(&root.absolute(folder), &file, &text)
            })
            .as_ref()
    }
}

/// The rules of a file in this folder. Lines that are none have no effect, and are named in the log.
pub fn parse(folder: &Path, file: &EntryPath, text: &[u8]) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new(folder);
    for line in String::from_utf8_lossy(text).lines() {
        if let Err(error) = builder.add_line(None, line) {
            tracing::warn!("{file}: the line `{line}` is no rule and has no effect: {error}");
        }
    }
    match builder.build() {
        Ok(rules) => Some(rules),
        Err(error) => {
            tracing::warn!("{file} has no effect: {error}");
            None
        }
    }
}
