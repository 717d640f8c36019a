//! Records: header, payload, what a payload carries, the signature, the proof of a fork.

use codex_crdt_model::entry::Birth;
use codex_crdt_model::ids::{ContentHash, DeviceId};
use codex_crdt_model::journal::record::RECORD_FORMAT;
use codex_crdt_model::journal::{Fork, Header, Payload, Record};
use codex_crdt_model::limits;
use ed25519_dalek::SigningKey;

/// Decoding is total, what decodes survives being encoded, and a record is good exactly if it is signed and says what it
/// may.
pub fn run(bytes: &[u8]) {
    for kind in 1..=5 {
        payload(kind, bytes);
    }
    if let Some(birth) = Birth::decode(bytes) {
        assert_eq!(Birth::decode(&birth.encode()), Some(birth));
    }
    let Some(header) = Header::decode(bytes) else { return };
    let unsigned = Record { header: bytes.to_vec(), signature: vec![0; 64], payload: Vec::new() };
    assert!(unsigned.verify_header(&header.notebook).is_err(), "nobody signed it");
    signed(header);
}

fn payload(kind: u16, bytes: &[u8]) {
    let Some(payload) = Payload::decode(kind, bytes) else { return };
    let items = if let Payload::Edit(items) = &payload { items.len() } else { 0 };
    assert!(items <= limits::RECORD_ITEMS, "{items} items");
    let again = match &payload {
        Payload::Edit(items) => postcard::to_stdvec(items),
        Payload::Membership(change) => postcard::to_stdvec(change),
        Payload::Seal(seal) => postcard::to_stdvec(seal),
        Payload::Comment(comment) => postcard::to_stdvec(comment),
        Payload::Timestamp(stamp) => postcard::to_stdvec(stamp),
        Payload::Unknown(_, bytes) => Ok(bytes.clone()),
    };
    assert_eq!(again.ok().and_then(|again| Payload::decode(kind, &again)), Some(payload));
}

/// The same header, signed by somebody: good if it says what a header may say.
fn signed(header: Header) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let header = Header { device: DeviceId(key.verifying_key().to_bytes()), ..header };
    let (notebook, seq) = (header.notebook, header.seq);
    let may = header.format == RECORD_FORMAT && seq > 0 && header.seen.len() <= limits::SEEN_TIPS;
    let payload = Payload::Unknown(header.kind, header.seq.to_be_bytes().to_vec());
    let one = Record::sign(&key, header.clone(), &payload);
    let verified = one.verify(&notebook);
    assert_eq!(verified.is_ok(), may && one.header.len() <= limits::HEADER_BYTES, "{verified:?}");
    let Ok(verified) = verified else { return };
    assert_eq!(Some(&verified), one.header().as_ref());
    let said = (verified.payload_hash, verified.payload_size as usize);
    assert_eq!(said, (ContentHash::of(&one.payload), one.payload.len()));
    let other = Header { time: verified.time.wrapping_add(1), ..header };
    let other = Record::sign(&key, other, &payload);
    let fork = Fork { one: one.bare(), other };
    assert!(fork.verify(&notebook).is_ok_and(|at| at.seq == seq), "two records have one place");
    assert!(Fork { one: one.clone(), other: one }.verify(&notebook).is_err(), "one record is no fork");
}
