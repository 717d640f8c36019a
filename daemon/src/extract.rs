//! The text of attachments, for the search: PDF, Word documents, Jupyter notebooks.
//!
//! What others made may be anything, so it is read in a process of its own, which has so much time and memory and no more; if that
//! ends badly, the attachment has no text. One at a time in the whole daemon.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use codex_crdt_model::ids::ContentHash;

mod inside;

pub use inside::{notebook, run};

/// Larger files are not read.
pub const FILE_BYTES: u64 = 100 << 20;
/// Longer texts are cut.
pub const TEXT_BYTES: usize = 2 << 20;
/// Memory of the process that reads, bytes.
const MEMORY_BYTES: u64 = 1 << 30;
/// Processor time that it has, s; and twice as much by the clock.
const SECONDS: u64 = 20;
/// What it says first: any other program says something else.
const MAGIC: &str = "codex text 1\n";
/// How it ends if the file holds other bytes than were meant.
const OTHER_BYTES: i32 = 3;

const PDF: &str = "application/pdf";
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const NOTEBOOK: &str = "application/x-ipynb+json";

/// A kind of attachment that has a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// PDF.
    Pdf,
    /// A Word document (`.docx`).
    Word,
    /// A Jupyter notebook (`.ipynb`).
    Notebook,
}

impl Kind {
    /// By media type, else by name.
    pub fn of(media_type: &str, name: &str) -> Option<Self> {
        let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
        match (media_type, end.as_str()) {
            (PDF, _) | (_, "pdf") => Some(Self::Pdf),
            (WORD, _) | (_, "docx") => Some(Self::Word),
            (NOTEBOOK, _) | (_, "ipynb") => Some(Self::Notebook),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Word => "docx",
            Self::Notebook => "ipynb",
        }
    }
}

/// What became of reading a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extracted {
    /// Its text.
    Text(String),
    /// It has none, or none that can be read.
    Nothing,
    /// It is not there, or holds other bytes by now: to be tried again.
    NotYet,
}

/// Reads the text of the file that holds these bytes. Blocks, for [`SECONDS`] and as long as others are read at most.
pub fn of_file(path: &Path, kind: Kind, hash: &ContentHash) -> Extracted {
    static ONE: Mutex<()> = Mutex::new(());
    let one_at_a_time = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let found = if cfg!(test) { inside::read(path, kind.word(), hash) } else { by_process(path, kind, hash) };
    drop(one_at_a_time);
    found
}

fn by_process(path: &Path, kind: Kind, hash: &ContentHash) -> Extracted {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() && meta.len() > FILE_BYTES => return Extracted::Nothing,
        Ok(meta) if meta.is_file() => {}
        _ => return Extracted::NotYet,
    }
    let Ok(program) = std::env::current_exe() else { return Extracted::Nothing };
    let child = Command::new(program)
        .args(["extract", kind.word(), &hash.to_string()])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return Extracted::NotYet };
    let Some(stdout) = child.stdout.take() else { return Extracted::Nothing };
    let reading = std::thread::spawn(move || {
        let mut said = Vec::new();
        // What was read until it broke off is looked at all the same.
        let _ = stdout.take((MAGIC.len() + TEXT_BYTES) as u64).read_to_end(&mut said);
        said
    });
    let until = Instant::now() + Duration::from_secs(2 * SECONDS);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) | Err(_) => {
                // It may just have ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    let said = reading.join().unwrap_or_default();
    // Whatever uses up its processor time is ended by the system; who ran out of the clock's had to share it, and is tried again.
    let Some(status) = status else { return Extracted::NotYet };
    match status.code() {
        Some(0) => {
            let said = String::from_utf8_lossy(&said);
            said.strip_prefix(MAGIC).map_or(Extracted::Nothing, |text| whole(text.to_owned()))
        }
        Some(OTHER_BYTES) => Extracted::NotYet,
        code => {
            tracing::info!(path = %path.display(), ?code, "the text of an attachment cannot be read");
            Extracted::Nothing
        }
    }
}

/// Cut to the bound; what is only space is nothing.
fn whole(mut text: String) -> Extracted {
    if text.trim().is_empty() {
        return Extracted::Nothing;
    }
    let end = (0..=TEXT_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or_default());
    Extracted::Text(text)
}
