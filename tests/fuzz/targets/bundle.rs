//! Bundles: any bytes as a file, and parts in frames with the right checksums, whose records may be signed and follow on
//! one another.

use std::collections::BTreeMap;

use codex_crdt_model::bundle::{Head, MAGIC, Part};
use codex_crdt_model::ids::{ContentHash, DeviceId, NotebookId, RecordHash, Volume};
use codex_crdt_model::journal::{Payload, Record, Tip};
use codexd::bundle::Reader;
use ed25519_dalek::SigningKey;

use super::draw::Draw;

/// Reading is total, ends, and hands out no more than stands in the file.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw(bytes);
    let choice = draw.byte();
    if choice & 1 == 0 {
        read(draw.0);
        return;
    }
    let mut parts: Vec<Vec<u8>> = Vec::new();
    while !draw.is_empty() && parts.len() < 64 {
        parts.push(draw.piece().to_vec());
    }
    if choice & 2 != 0 {
        mend(&mut parts);
    }
    let mut file = MAGIC.to_vec();
    for part in &parts {
        file.extend(u32::try_from(part.len()).expect("a piece is short").to_be_bytes());
        file.extend(Part::checksum(part));
        file.extend(part);
    }
    read(&file);
    // Cut off within the last part.
    read(&file[..file.len() - parts.last().map_or(0, |last| last.len().div_ceil(2))]);
}

fn read(file: &[u8]) {
    let name = format!("codex-fuzz-bundle-{}-{:?}", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, file).expect("there is room for a small file");
    let opened = Reader::open(&path);
    // What is open can be read on.
    std::fs::remove_file(&path).expect("it was just made");
    let Ok(mut reader) = opened else { return };
    let (mut parts, mut size) = (1, 0);
    loop {
        match reader.next_part() {
            Ok(Some(part)) => {
                assert_eq!(Part::decode(&part.encode()).as_ref(), Some(&part));
                size += part.encode().len();
                parts += 1;
            }
            Ok(None) => {
                assert!(reader.check().has_ended());
                break;
            }
            Err(error) => {
                assert!(error.offset as usize <= file.len() && !error.to_string().is_empty());
                break;
            }
        }
    }
    // An encoding is the shortest there is.
    assert!(parts * 12 + size <= file.len() + parts, "{parts} parts of {size} bytes");
}

/// Signs the records, puts them in order, and makes head and attachments say what follows.
fn mend(parts: &mut [Vec<u8>]) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let device = DeviceId(key.verifying_key().to_bytes());
    let mut decoded: Vec<Option<Part>> = parts.iter().map(|part| Part::decode(part)).collect();
    let notebook = decoded.iter().flatten().find_map(|part| match part {
        Part::Head(head) => Some(head.notebook),
        _ => None,
    });
    let notebook = notebook.unwrap_or(NotebookId([9; 32]));
    let mut tips: BTreeMap<Volume, Tip> = BTreeMap::new();
    let mut blobs = 0;
    for at in 0..decoded.len() {
        let after = decoded.get(at + 1).cloned().flatten();
        match &mut decoded[at] {
            Some(Part::Record(record)) => {
                let Some(mut header) = record.header() else { continue };
                let last =
                    tips.get(&header.volume).map_or((0, RecordHash([0; 32])), |tip| (tip.seq, tip.hash));
                (header.format, header.notebook, header.device) = (1, notebook, device);
                (header.seq, header.previous) = (last.0 + 1, last.1);
                let kind = header.kind;
                *record = Record::sign(&key, header.clone(), &Payload::Unknown(kind, record.payload.clone()));
                tips.insert(header.volume, header.tip(record.hash()));
            }
            Some(Part::Blob { hash, size }) => {
                blobs += 1;
                let bytes = if let Some(Part::Bytes(bytes)) = after { bytes } else { Vec::new() };
                (*hash, *size) = (ContentHash::of(&bytes), bytes.len() as u64);
            }
            _ => {}
        }
    }
    if let Some(Some(Part::Head(head))) = decoded.first_mut() {
        let tips = tips.into_values().chain(head.base.iter().copied());
        *head = Head { tips: tips.collect(), blobs, ..head.clone() };
    }
    for (part, decoded) in parts.iter_mut().zip(decoded) {
        if let Some(decoded) = decoded {
            *part = decoded.encode();
        }
    }
}
