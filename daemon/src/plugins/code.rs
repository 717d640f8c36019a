//! Code of plugins: an importer is given a file and gives back entries, an exporter entries and gives back files, a transformer an entry
//! and gives back what is new of it. It runs in QuickJS, in a process of its own that has so much time and memory, may open nothing and start nothing, and knows no function of ours. Why so: `docs/decisions/0018`.

mod inside;
mod shape;
mod syntax;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use codex_crdt_model::path::EntryPath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Plugins;
use crate::signs;

pub use inside::run;
pub use syntax::{Faults, faults};

/// The largest file that is imported.
pub const FILE_BYTES: usize = 32 << 20;
/// Entries of one file.
const ENTRIES: usize = 2000;
/// Files of one export.
const FILES: usize = 100;
/// Texts of them, together, with their paths.
const TEXT_BYTES: usize = 32 << 20;
/// Properties of one entry, with all that stands in their values; and JSON of them.
const PROPERTIES: usize = 10_000;
const PROPERTY_BYTES: usize = 1 << 20;
/// The same of all entries together.
const ALL_PROPERTIES: usize = 200_000;
const ALL_PROPERTY_BYTES: usize = 16 << 20;
/// What the process may say in all: JSON of those texts.
const ANSWER_BYTES: u64 = 80 << 20;
/// Memory of the script.
const MEMORY_BYTES: usize = 256 << 20;
/// Memory of the process, with the file in it several times.
const PROCESS_BYTES: u64 = 768 << 20;
/// Processor time, s; and twice as much by the clock.
const SECONDS: u64 = 10;

/// What the process is told.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    script: String,
    given: Given,
}

/// What the code is given.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Given {
    /// A file, of which an importer makes entries.
    File {
        name: String,
        /// Base64.
        bytes: String,
    },
    /// Entries, of which an exporter makes files: JSON of a list of [`GivenEntry`].
    Entries(String),
    /// An entry, which a transformer changes: JSON of a [`GivenEntry`].
    Entry(String),
}

impl Given {
    /// What of `codex` takes it, and what that gives back.
    fn taker(&self) -> (&'static str, &'static str) {
        match self {
            Self::File { .. } => ("importer", "a list of `{path, text, properties}`"),
            Self::Entries(_) => ("exporter", "a list of `{name, text}`"),
            Self::Entry(_) => ("transformer", "`{text, properties}`, or `null` if nothing is to change"),
        }
    }
}

/// What it says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Entries(Vec<Imported>),
    Files(Vec<Exported>),
    Change(Transformed),
    Failed(CodeError),
}

/// Why code gave nothing back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeError {
    /// What it says itself, most likely of what it was given.
    Thrown(String),
    /// What it did wrong, or was not let do.
    Stopped(String),
}

impl std::fmt::Display for CodeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Thrown(words) | Self::Stopped(words)) = self;
        formatter.write_str(words)
    }
}

impl From<String> for CodeError {
    fn from(words: String) -> Self {
        Self::Stopped(words)
    }
}

impl Plugins {
    /// Counts what code was not let do, or did wrong. What it says of what it was given is no refusal.
    pub fn code_failed(&self, id: &str, call: &str, why: &CodeError) {
        if let CodeError::Stopped(words) = why {
            self.refuse(id, call, words);
        }
    }
}

/// An entry as exporters and transformers are given it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GivenEntry {
    /// Its path in its notebook.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// `text`, `blob`, `folder` or `symlink`.
    pub kind: String,
    /// What it is.
    pub media_type: String,
    /// Metadata of all sources, merged.
    pub properties: Value,
    /// Tags.
    pub tags: Vec<String>,
    /// When it began.
    pub created: String,
    /// When it last changed.
    pub modified: String,
    /// Its text, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A file that an exporter makes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exported {
    /// What it is called: a name, no path.
    pub name: String,
    /// What it holds.
    #[serde(default)]
    pub text: String,
    /// What it holds, if that is no text: base64 (RFC 4648).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
}

/// What a transformer changes of an entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transformed {
    /// Its text, if that is to be another one.
    #[serde(default)]
    pub text: Option<String>,
    /// Properties to set; `null` removes.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// An entry that an importer makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// Where, below the folder that the user chose.
    pub path: String,
    /// Its text.
    #[serde(default)]
    pub text: String,
    /// Its properties.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub properties: Map<String, Value>,
}

/// Runs an importer's script over a file. Blocks, for as long as it may take; one at a time in the whole daemon.
pub fn import(script: &str, name: &str, bytes: &[u8]) -> Result<Vec<Imported>, CodeError> {
    if bytes.len() > FILE_BYTES {
        return Err(CodeError::Thrown(format!("`{name}` is larger than {} MiB; split it", FILE_BYTES >> 20)));
    }
    let given = Given::File { name: name.to_owned(), bytes: data_encoding::BASE64.encode(bytes) };
    match done(script, given)? {
        Said::Entries(entries) => Ok(checked(entries)?),
        said => Err(said.instead()),
    }
}

/// Runs an exporter's script over entries, as [`import`] runs.
pub fn export(script: &str, entries: &[GivenEntry]) -> Result<Vec<Exported>, CodeError> {
    let entries =
        serde_json::to_string(entries).map_err(|why| format!("cannot give it the entries: {why}"))?;
    if entries.len() > FILE_BYTES {
        return Err(CodeError::Thrown(format!(
            "the entries are {} MiB with their texts; {} are the most: choose fewer",
            entries.len() >> 20,
            FILE_BYTES >> 20
        )));
    }
    match done(script, Given::Entries(entries))? {
        Said::Files(files) => Ok(checked_files(files)?),
        said => Err(said.instead()),
    }
}

/// Runs a transformer's script over an entry, as [`import`] runs.
pub fn transform(script: &str, entry: &GivenEntry) -> Result<Transformed, CodeError> {
    let entry = serde_json::to_string(entry).map_err(|why| format!("cannot give it the entry: {why}"))?;
    match done(script, Given::Entry(entry))? {
        Said::Change(change) => Ok(checked_change(change)?),
        said => Err(said.instead()),
    }
}

impl Said {
    /// Why it is not what was asked for.
    fn instead(self) -> CodeError {
        match self {
            Self::Failed(why) => why,
            Self::Entries(_) | Self::Files(_) | Self::Change(_) => {
                CodeError::Stopped("the code gave back something else than was asked".to_owned())
            }
        }
    }
}

fn done(script: &str, given: Given) -> Result<Said, String> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let order = Order { script: script.to_owned(), given };
    if cfg!(test) { Ok(inside::work(&order)) } else { by_process(&order) }
}

fn by_process(order: &Order) -> Result<Said, String> {
    let cannot = |what: &str, why: &dyn std::fmt::Display| {
        format!("cannot {what} the process that runs plugins' code: {why}")
    };
    let program = std::env::current_exe().map_err(|why| cannot("find", &why))?;
    let child = Command::new(program)
        .arg("plugin-code")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(|why| cannot("start", &why))?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(cannot("talk to", &"it has no pipes"));
    };
    let order = serde_json::to_vec(order).map_err(|why| cannot("tell", &why))?;
    // Both at once: each may wait for the other.
    let telling = std::thread::spawn(move || stdin.write_all(&order));
    let reading = std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = std::io::Read::read_to_end(&mut std::io::Read::take(stdout, ANSWER_BYTES), &mut said);
        read.map(|_| said)
    });
    let until = Instant::now() + Duration::from_secs(2 * SECONDS);
    let ended = loop {
        match child.try_wait() {
            Ok(Some(_)) => break true,
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => {
                // It may just have ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                break false;
            }
        }
    };
    // Who is ended closes its pipes.
    let _ = telling.join();
    let said = reading.join().map_err(|_| "the code broke off".to_owned())?;
    if !ended {
        return Err(format!("the code was stopped: it took longer than {} s", 2 * SECONDS));
    }
    let said = said.map_err(|why| cannot("read", &why))?;
    few(&said, most_values())?;
    serde_json::from_slice(&said)
        .map_err(|_| "the code was stopped: it used more memory or time than it may".to_owned())
}

fn checked(entries: Vec<Imported>) -> Result<Vec<Imported>, String> {
    if entries.len() > ENTRIES {
        return Err(format!("the code made {} entries of one file; {ENTRIES} are the most", entries.len()));
    }
    let bytes: usize = entries.iter().map(|entry| entry.text.len() + entry.path.len()).sum();
    if bytes > TEXT_BYTES {
        return Err(format!("the code made texts of {} MiB; {} are the most", bytes >> 20, TEXT_BYTES >> 20));
    }
    let (mut all, mut all_bytes) = (0, 0);
    for entry in &entries {
        let (count, bytes) = checked_properties(&entry.properties).map_err(|what| {
            let path: String = entry.path.chars().take(100).collect();
            format!("the code gave `{path}` {what}")
        })?;
        (all, all_bytes) = (all + count, all_bytes + bytes);
    }
    if all > ALL_PROPERTIES || all_bytes > ALL_PROPERTY_BYTES {
        return Err(format!(
            "the code made {all} properties and values in them, {} MiB, of one file; {ALL_PROPERTIES} and {} MiB are the most",
            all_bytes >> 20,
            ALL_PROPERTY_BYTES >> 20
        ));
    }
    Ok(entries)
}

/// How many properties and values in them, and how many bytes of JSON.
fn checked_properties(properties: &Map<String, Value>) -> Result<(usize, usize), String> {
    let json = serde_json::to_vec(properties).map_err(|why| why.to_string())?;
    let (count, bytes) = (values(&json), json.len());
    let most = |what: String| format!("{what}; put long tables into the text, or into an entry of their own");
    if count > PROPERTIES {
        return Err(most(format!("{count} properties and values in them; {PROPERTIES} are the most")));
    }
    if bytes > PROPERTY_BYTES {
        let (given, may) = (bytes >> 10, PROPERTY_BYTES >> 10);
        return Err(most(format!("properties of {given} KiB; {may} are the most")));
    }
    Ok((count, bytes))
}

fn checked_change(change: Transformed) -> Result<Transformed, String> {
    let bytes = change.text.as_ref().map_or(0, String::len);
    if bytes > TEXT_BYTES {
        return Err(format!(
            "the code made a text of {} MiB; {} are the most",
            bytes >> 20,
            TEXT_BYTES >> 20
        ));
    }
    checked_properties(&change.properties).map_err(|what| format!("the code gave {what}"))?;
    Ok(change)
}

/// Whoever saves them puts them into one folder: each has a name of its own there.
fn checked_files(files: Vec<Exported>) -> Result<Vec<Exported>, String> {
    if files.len() > FILES {
        return Err(format!("the code made {} files; {FILES} are the most", files.len()));
    }
    let bytes = |file: &Exported| file.text.len() + file.bytes.as_ref().map_or(0, String::len) / 4 * 3;
    let bytes: usize = files.iter().map(bytes).sum();
    if bytes > TEXT_BYTES {
        return Err(format!("the code made files of {} MiB; {} are the most", bytes >> 20, TEXT_BYTES >> 20));
    }
    let mut names = std::collections::BTreeSet::new();
    for file in &files {
        let name = EntryPath::parse(&file.name).ok().filter(|path| path.names().count() == 1);
        if name.is_none() || !is_plain(&file.name) {
            let name: String = file.name.chars().take(100).collect();
            return Err(format!(
                "the code called a file `{}`; it must be a plain name, such as `list.csv`",
                signs::plain(&name)
            ));
        }
        if !names.insert(file.name.to_lowercase()) {
            return Err(format!("the code made two files that are called `{}`", file.name));
        }
    }
    Ok(files)
}

/// A name that every system takes for a name and shows as it is (Windows: Naming Files, Paths, and Namespaces).
fn is_plain(name: &str) -> bool {
    const DEVICES: [&str; 22] = [
        "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
        "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
    ];
    let stem = name.split('.').next().unwrap_or_default().trim().to_lowercase();
    !name.starts_with(['.', '-'])
        && !name.ends_with(['.', ' '])
        && !name
            .contains(|sign: char| sign.is_control() || signs::steers(sign) || "\\:<>\"|?*".contains(sign))
        && !DEVICES.contains(&stem.as_str())
}

/// All values of entries that may be made: beside its properties, one is an object, a path, a text, and the object of the properties.
const fn most_values() -> usize {
    ALL_PROPERTIES + 8 * (ENTRIES + 1)
}

/// Says no to JSON of so many values that the memory it takes is out of all proportion to its bytes. Looked at before it is read.
fn few(json: &[u8], most: usize) -> Result<(), String> {
    let found = values(json);
    if found > most {
        return Err(format!("the code made a list of {found} values; {most} are the most"));
    }
    Ok(())
}

/// How many values stand in JSON: each is the first of a list or an object, or follows a comma.
fn values(json: &[u8]) -> usize {
    let (mut count, mut is_text, mut at) = (0, false, 0);
    while let Some(byte) = json.get(at) {
        match byte {
            b'\\' if is_text => at += 1,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' if !is_text => count += 1,
            _ => {}
        }
        at += 1;
    }
    count
}
