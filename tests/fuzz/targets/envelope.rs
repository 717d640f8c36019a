//! Changes whose envelope is in order: what an honest device would write at a version, and from there on anything.

use codex_crdt_model::entry::{Document, Edit, change_hash};
use codex_crdt_model::ids::{DeviceId, EntryId, Heads, Volume};

/// Where the contents of a change begin, and where what follows on dependencies, actor, number and first operation.
pub fn split(change: &[u8]) -> Option<(usize, usize)> {
    let mut at = 9;
    varint(change, &mut at)?;
    let contents = at;
    at += 32 * usize::try_from(varint(change, &mut at)?).ok()?;
    at += usize::try_from(varint(change, &mut at)?).ok()?;
    varint(change, &mut at)?;
    varint(change, &mut at)?;
    (at <= change.len()).then_some((contents, at))
}

/// A change at this version by this author, with these bytes for time, message, columns and operations; and its branch.
pub fn change(
    document: &Document,
    version: &Heads,
    author: (DeviceId, Volume),
    rest: &[u8],
) -> Option<(u32, Vec<u8>)> {
    let edit = Edit::Place { parent: EntryId([0xee; 32]), name: "envelope".to_owned() };
    let made = document.clone().edit(version, &author.0, author.1, 0, &[edit]).ok()??;
    let (contents, end) = split(&made.change)?;
    let contents = [&made.change[contents..end], rest].concat();
    let mut change = [&made.change[..4], &[0; 4], &[1]].concat();
    let mut length = contents.len();
    while length >= 0x80 {
        change.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    change.push(u8::try_from(length).unwrap_or_default());
    change.extend(contents);
    if let Some(hash) = change_hash(&change) {
        change[4..8].copy_from_slice(&hash.as_bytes()[..4]);
    }
    Some((made.branch, change))
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
