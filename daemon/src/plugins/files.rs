//! The files of one plugin: those in the binary, or a folder of this device. Bounded, so that a folder of any size costs little,
//! and never followed out of itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

/// A manifest is a page of text.
pub const MANIFEST_BYTES: u64 = 256 << 10;
/// The largest file of a plugin.
const FILE_BYTES: u64 = 8 << 20;
/// All files of a plugin.
const PLUGIN_BYTES: u64 = 32 << 20;
const FILES: usize = 500;
const DEPTH: usize = 8;

/// Names of a manifest, the first one that is there counts.
pub const MANIFESTS: [&str; 5] =
    ["manifest.yml", "manifest.yaml", "plugin.yaml", "theme.yaml", "integration.yaml"];

#[derive(RustEmbed)]
#[folder = "../plugins"]
#[exclude = "README.md"]
#[exclude = "tests/*"]
struct Bundled;

/// Where a plugin's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// In the binary, below this folder.
    Bundled(String),
    /// A folder.
    Folder(PathBuf),
}

impl Files {
    /// For people: where it is.
    pub fn shown(&self, name: &str) -> String {
        match self {
            Self::Bundled(folder) => format!("(bundled) {folder}/{name}"),
            Self::Folder(folder) => folder.join(name).display().to_string(),
        }
    }

    /// A file's bytes. `name` is a path inside the plugin.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let clean = inside(name)?;
        match self {
            Self::Bundled(folder) => match Bundled::get(&format!("{folder}/{clean}")) {
                Some(file) => Ok(file.data.into_owned()),
                None => Err(format!("there is no file `{clean}` in the plugin")),
            },
            Self::Folder(folder) => {
                // What is not hashed is not read, and no folder on the way leads elsewhere.
                if clean.split('/').any(is_skipped) {
                    return Err(format!("`{clean}` is no part of the plugin; call the file otherwise"));
                }
                let mut place = folder.clone();
                for step in clean.split('/').take(clean.matches('/').count()) {
                    place.push(step);
                    let stat = fs::symlink_metadata(&place);
                    if !stat.is_ok_and(|stat| stat.is_dir()) {
                        return Err(format!("{} is no folder of the plugin", place.display()));
                    }
                }
                read_file(&folder.join(&clean), FILE_BYTES)
            }
        }
    }

    /// A file's text.
    pub fn text(&self, name: &str) -> Result<String, String> {
        String::from_utf8(self.read(name)?).map_err(|_| format!("the file `{name}` is not text in UTF-8"))
    }

    /// BLAKE3 over the names and bytes of all files: one byte more or less is another plugin.
    pub fn hash(&self) -> Result<String, String> {
        let mut hasher = blake3::Hasher::new();
        let mut add = |name: &str, bytes: &[u8]| {
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(blake3::hash(bytes).as_bytes());
        };
        match self {
            Self::Bundled(folder) => {
                let start = format!("{folder}/");
                for name in Bundled::iter().filter(|name| name.starts_with(&start)) {
                    if let Some(file) = Bundled::get(&name) {
                        add(&name[start.len()..], &file.data);
                    }
                }
            }
            Self::Folder(folder) => {
                for (name, path) in listed(folder)? {
                    add(&name, &read_file(&path, FILE_BYTES)?);
                }
            }
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// What version control and desktops leave in folders: no part of a plugin.
fn is_skipped(name: &str) -> bool {
    [".git", ".DS_Store"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The bundled plugins' folders and the names of their manifests.
pub fn bundled() -> Vec<(Files, String)> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for path in Bundled::iter() {
        if let Some((folder, name)) = path.rsplit_once('/')
            && MANIFESTS.contains(&name)
        {
            found.insert(folder.to_owned(), name.to_owned());
        }
    }
    found.into_iter().map(|(folder, name)| (Files::Bundled(folder), name)).collect()
}

/// The plugins in a folder, at any depth. A folder with a manifest has none below it; the folder itself is none.
pub fn installed(folder: &Path) -> Vec<(Files, String)> {
    let mut found = Vec::new();
    look_below(folder, 0, &mut found);
    found.sort_by_key(|one| one.0.shown(""));
    found
}

/// The name of a folder's manifest.
pub fn manifest_in(folder: &Path) -> Option<&'static str> {
    MANIFESTS
        .into_iter()
        .find(|name| fs::symlink_metadata(folder.join(name)).is_ok_and(|stat| stat.is_file()))
}

fn look(folder: &Path, depth: usize, found: &mut Vec<(Files, String)>) {
    if let Some(name) = manifest_in(folder) {
        found.push((Files::Folder(folder.to_owned()), name.to_owned()));
        return;
    }
    look_below(folder, depth, found);
}

fn look_below(folder: &Path, depth: usize, found: &mut Vec<(Files, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // A link could lead anywhere, and round in a circle.
        if !hidden
            && depth < DEPTH
            && found.len() < FILES
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            look(&entry.path(), depth + 1, found);
        }
    }
}

/// The files of a plugin's folder by the names that they have in it.
pub fn listed(folder: &Path) -> Result<BTreeMap<String, PathBuf>, String> {
    let mut files = BTreeMap::new();
    let mut bytes = 0;
    list(folder, "", 0, &mut files, &mut bytes)?;
    Ok(files)
}

fn list(
    folder: &Path,
    start: &str,
    depth: usize,
    files: &mut BTreeMap<String, PathBuf>,
    bytes: &mut u64,
) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!("{} is more than {DEPTH} folders deep; a plugin is not", folder.display()));
    }
    let entries = fs::read_dir(folder).map_err(|why| format!("cannot list {}: {why}", folder.display()))?;
    for entry in entries {
        let entry = entry.map_err(|why| format!("cannot list {}: {why}", folder.display()))?;
        let path = entry.path();
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| format!("the name {} is not UTF-8", name.display()))?;
        let stat =
            fs::symlink_metadata(&path).map_err(|why| format!("cannot read {}: {why}", path.display()))?;
        if is_skipped(&name) {
            continue;
        }
        if stat.is_dir() {
            list(&path, &format!("{start}{name}/"), depth + 1, files, bytes)?;
        } else if stat.is_file() {
            *bytes += stat.len();
            if stat.len() > FILE_BYTES || *bytes > PLUGIN_BYTES || files.len() >= FILES {
                return Err(format!(
                    "{} is too much for a plugin: at most {FILES} files, {} MiB each, {} MiB in all",
                    path.display(),
                    FILE_BYTES >> 20,
                    PLUGIN_BYTES >> 20
                ));
            }
            files.insert(format!("{start}{name}"), path);
        } else {
            return Err(format!("{} is a link or no file; put the file itself there", path.display()));
        }
    }
    Ok(())
}

/// A path that stays inside the plugin, cleaned.
pub fn inside(name: &str) -> Result<String, String> {
    let steps: Vec<&str> = name.split('/').filter(|step| !matches!(*step, "" | ".")).collect();
    let out =
        name.starts_with('/') || name.contains(['\\', '\0']) || steps.contains(&"..") || name.contains(':');
    if out || steps.is_empty() {
        return Err(format!(
            "`{name}` is no path inside the plugin; write it from the plugin's folder, without `..`"
        ));
    }
    Ok(steps.join("/"))
}

/// A plain file that is not too large; a link is refused.
fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let stat = fs::symlink_metadata(path).map_err(|why| format!("cannot read {shown}: {why}"))?;
    if !stat.is_file() {
        return Err(format!("{shown} is a link or no file; put the file itself there"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|why| format!("cannot read {shown}: {why}"))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|why| format!("cannot read {shown}: {why}"))?;
    if bytes.len() as u64 > most {
        return Err(format!("{shown} is larger than {} KiB", most >> 10));
    }
    Ok(bytes)
}

/// The text of a manifest.
pub fn manifest_text(files: &Files, name: &str) -> Result<String, String> {
    let bytes = match files {
        Files::Folder(folder) => read_file(&folder.join(name), MANIFEST_BYTES)?,
        Files::Bundled(_) => files.read(name)?,
    };
    String::from_utf8(bytes).map_err(|_| format!("{} is not text in UTF-8", files.shown(name)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_outside_is_read() {
        let temp = tempfile::tempdir().unwrap();
        let plugin = temp.path().join("plugin");
        fs::create_dir(&plugin).unwrap();
        fs::write(temp.path().join("secret"), "s").unwrap();
        fs::write(plugin.join("view.js"), "v").unwrap();
        std::os::unix::fs::symlink("../secret", plugin.join("link.js")).unwrap();
        let files = Files::Folder(plugin.clone());
        assert_eq!(files.read("./view.js").unwrap(), b"v");
        for name in ["../secret", "/etc/passwd", "a/../../secret", "link.js", "", ".", "c:\\x", "a\0b"] {
            assert!(files.read(name).is_err(), "{name:?}");
        }
        assert!(files.hash().is_err(), "a link is named");
    }

    #[test]
    fn what_is_not_hashed_is_not_read() {
        let temp = tempfile::tempdir().unwrap();
        let plugin = temp.path().join("plugin");
        fs::create_dir_all(plugin.join("sub/.git")).unwrap();
        fs::create_dir(temp.path().join("outside")).unwrap();
        fs::write(temp.path().join("outside/secret"), "s").unwrap();
        fs::write(plugin.join(".DS_Store"), "v").unwrap();
        fs::write(plugin.join("sub/.git/config"), "c").unwrap();
        std::os::unix::fs::symlink("../outside", plugin.join(".git")).unwrap();
        let files = Files::Folder(plugin.clone());
        files.hash().unwrap();
        for name in [".DS_Store", ".git/secret", "sub/.git/config", "sub/.GIT/config"] {
            assert!(files.read(name).is_err(), "{name}");
        }
        std::os::unix::fs::symlink("../outside", plugin.join("way")).unwrap();
        assert!(files.read("way/secret").is_err());
    }

    #[test]
    fn the_plugin_folder_is_no_plugin_itself() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("one")).unwrap();
        fs::write(temp.path().join("one/manifest.yml"), "").unwrap();
        fs::write(temp.path().join("plugin.yaml"), "").unwrap();
        let found = installed(temp.path());
        assert_eq!(found, [(Files::Folder(temp.path().join("one")), "manifest.yml".to_owned())]);
    }

    #[test]
    fn a_byte_makes_another_hash_and_so_does_a_name() {
        let temp = tempfile::tempdir().unwrap();
        let files = Files::Folder(temp.path().to_owned());
        fs::write(temp.path().join("a.js"), "1").unwrap();
        let first = files.hash().unwrap();
        assert_eq!(files.hash().unwrap(), first);
        fs::write(temp.path().join("a.js"), "2").unwrap();
        assert_ne!(files.hash().unwrap(), first);
        fs::rename(temp.path().join("a.js"), temp.path().join("b.js")).unwrap();
        fs::write(temp.path().join("b.js"), "1").unwrap();
        assert_ne!(files.hash().unwrap(), first);
    }

    #[test]
    fn a_huge_file_costs_no_more_than_its_bound() {
        let temp = tempfile::tempdir().unwrap();
        let huge = File::create(temp.path().join("manifest.yml")).unwrap();
        huge.set_len(100 << 20).unwrap();
        let files = Files::Folder(temp.path().to_owned());
        assert!(manifest_text(&files, "manifest.yml").unwrap_err().contains("larger than"));
        assert!(files.hash().unwrap_err().contains("too much"));
    }
}
