//! A bundle's file: frames with their lengths and checksums, written and read as a stream. Knows files only; what the
//! frames say is [`codex_crdt_model::bundle`], and what becomes of it the daemon's matter.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use codex_crdt_model::bundle::{CHECKSUM, Check, Fault, Head, MAGIC, Part, Place};
use codex_crdt_model::limits;

/// Why a bundle cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the bundle `{path}`: {reason}")]
pub struct WriteError {
    /// The file.
    pub path: String,
    /// Why, and what to do.
    pub reason: String,
}

/// Why a bundle is not read further.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: {fault}",
    match self.offset {
        0 => format!("cannot read the bundle `{path}`"),
        offset => format!("the bundle `{path}` is not good from byte {offset} on"),
    }
)]
pub struct ReadError {
    /// The file.
    pub path: String,
    /// Where the frame begins that is not good; 0 if it is no bundle at all, or cannot be read.
    pub offset: u64,
    /// What is wrong, and at which record.
    pub fault: Fault,
}

/// A bundle in the making. Until it is finished it lies beside its place, and goes away if it never is.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    part: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Writer {
    /// Begins a file where nothing may be yet.
    pub fn create(path: &Path, head: Head) -> Result<Self, WriteError> {
        let refuse = |reason: String| WriteError { path: path.display().to_string(), reason };
        if path.symlink_metadata().is_ok() {
            return Err(refuse("there is something already; remove it or give another name".into()));
        }
        let Some(name) = path.file_name() else { return Err(refuse("it names no file".into())) };
        let part = path.with_file_name(format!(".{}.part", name.to_string_lossy()));
        // One that an earlier run left behind is of no use; if there is none, that is well.
        let _ = std::fs::remove_file(&part);
        let file = OpenOptions::new().write(true).create_new(true).open(&part);
        let file = file.map_err(|error| refuse(format!("{error}; give a file in a folder that is there")))?;
        let mut writer =
            Self { path: path.to_owned(), part, file: Some(BufWriter::with_capacity(1 << 20, file)) };
        writer.bytes(MAGIC)?;
        writer.part(&Part::Head(head))?;
        Ok(writer)
    }

    /// Writes the next part.
    pub fn part(&mut self, part: &Part) -> Result<(), WriteError> {
        let frame = part.encode();
        let length = u32::try_from(frame.len()).expect("a part is bounded far below 4 GiB");
        self.bytes(&length.to_be_bytes())?;
        self.bytes(&Part::checksum(&frame))?;
        self.bytes(&frame)
    }

    /// Ends it; it survives power loss. Gives its size in bytes.
    pub fn finish(mut self) -> Result<u64, WriteError> {
        self.part(&Part::End)?;
        let ended = self.end();
        ended.map_err(|error| self.failed(&error))
    }

    fn end(&mut self) -> std::io::Result<u64> {
        let file = self.file.take().expect("taken only here");
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let size = file.metadata()?.len();
        std::fs::rename(&self.part, &self.path)?;
        Ok(size)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes));
        written.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> WriteError {
        let reason = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                format!("{error}; free some space there, or give another place")
            }
            ErrorKind::FileTooLarge => {
                format!(
                    "{error}; its file system does not hold files of this size: format it anew (exFAT, ext4)"
                )
            }
            _ => error.to_string(),
        };
        WriteError { path: self.path.display().to_string(), reason }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After the end there is nothing under this name; else what is there is no bundle.
        let _ = std::fs::remove_file(&self.part);
    }
}

/// A bundle that is being read. Whatever it hands out is good and follows on what came before.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    offset: u64,
    check: Check,
}

impl Reader {
    /// Opens a file and reads its head.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let failed = |fault: Fault| ReadError { path: path.display().to_string(), offset: 0, fault };
        let refuse = |reason: String| failed(Fault { at: None, reason });
        // Before it is opened: opening a pipe waits for somebody to write to it.
        let meta = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
        if !meta.is_file() {
            return Err(refuse("it is not a file".into()));
        }
        let file = File::open(path).map_err(|error| refuse(error.to_string()))?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let mut magic = [0; MAGIC.len()];
        let read = file.read_exact(&mut magic);
        if read.is_err() || magic != *MAGIC {
            let is_other = magic.starts_with(b"codex bundle ");
            return Err(refuse(match is_other {
                true => "it is of a version that this program does not know; use a newer one".into(),
                false => "it is no bundle; `codexd bundle export` makes one".into(),
            }));
        }
        let mut offset = MAGIC.len() as u64;
        let first = frame(&mut file, &mut offset, None).map_err(failed)?;
        let check = Check::begin(first).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, offset, check })
    }

    /// What it is.
    pub fn head(&self) -> &Head {
        self.check.head()
    }

    /// What was read so far.
    pub fn check(&self) -> &Check {
        &self.check
    }

    /// The next part; `None` after the end.
    pub fn next_part(&mut self) -> Result<Option<Part>, ReadError> {
        if self.check.has_ended() {
            return Ok(None);
        }
        let at = self.offset;
        let part = frame(&mut self.file, &mut self.offset, self.check.last())
            .and_then(|part| self.check.take(&part).map(|()| part))
            .and_then(|part| self.nothing_follows(part));
        part.map(Some).map_err(|fault| ReadError { path: self.path.display().to_string(), offset: at, fault })
    }

    fn nothing_follows(&mut self, part: Part) -> Result<Part, Fault> {
        let rest = if part == Part::End { self.file.read(&mut [0]).unwrap_or(0) } else { 0 };
        if rest == 0 { Ok(part) } else { Err(Fault { at: None, reason: "something follows its end".into() }) }
    }
}

/// Reads one frame. The buffer grows as bytes arrive: a length alone takes no memory.
fn frame(file: &mut impl Read, offset: &mut u64, last: Option<Place>) -> Result<Part, Fault> {
    let mut before = [0; 4 + CHECKSUM];
    let mut bytes = Vec::new();
    let cut_off = |bytes: &[u8], why: String| match Part::place_in(bytes) {
        Some(at) => Fault { at: Some(at), reason: why },
        None => Fault {
            at: None,
            reason: last.map_or_else(|| why.clone(), |last| format!("{why}, after {last}")),
        },
    };
    file.read_exact(&mut before).map_err(|error| cut_off(&[], ended(&error)))?;
    let (length, checksum) = before.split_at(4);
    let length = u32::from_be_bytes(length.try_into().expect("4 bytes were split off"));
    if length as usize > limits::FRAME_BYTES {
        return Err(cut_off(&[], format!("a frame of {length} bytes is longer than any")));
    }
    let read = file.take(u64::from(length)).read_to_end(&mut bytes);
    let read = read.map_err(|error| cut_off(&bytes, ended(&error)))?;
    if read < length as usize {
        return Err(cut_off(&bytes, "the file is cut off in the middle of it".into()));
    }
    let sum = Part::checksum(&bytes);
    if sum != *checksum {
        return Err(cut_off(&bytes, "its bytes are damaged: the checksum is another".into()));
    }
    let part = Part::decode(&bytes).ok_or_else(|| cut_off(&bytes, "it cannot be read".into()))?;
    *offset += before.len() as u64 + u64::from(length);
    Ok(part)
}

fn ended(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "the file is cut off".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
