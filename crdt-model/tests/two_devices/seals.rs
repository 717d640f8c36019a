//! Seals: what is signed is exactly what is there, on every device, and nobody signs who may not.

use codex_crdt_model::effect::{Refusal, Reply};
use codex_crdt_model::event::{MembershipRequest, Request, Version};
use codex_crdt_model::ids::{ContentHash, EntryId, RecordHash};
use codex_crdt_model::journal::record::{Header, Payload, Record};
use codex_crdt_model::journal::seal::SealedEntry;
use codex_crdt_model::journal::{MembershipChange, Role, Seal, Timestamp};
use codex_crdt_model::membership::Membership;
use codex_crdt_model::seals::{self, Sealed};
use codex_crdt_model::store::Source;
use ed25519_dalek::SigningKey;

use crate::device::{Device, joined};
use crate::trust::{carried, take};

fn entry(device: &Device, name: &str) -> EntryId {
    device.store.at(&EntryId::ROOT, name).unwrap().unwrap()
}

fn version(device: &Device, id: &EntryId) -> Version {
    Version(device.store.entry(id).unwrap().unwrap().heads)
}

fn ask(device: &mut Device, request: Request) -> Result<RecordHash, Refusal> {
    device.ask(request);
    while device.run() {}
    match device.replies.pop() {
        Some(Ok(Reply::Signed(hash))) => Ok(hash),
        Some(Err(refusal)) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn seal(device: &mut Device, name: &str, parts: Vec<EntryId>) -> Result<RecordHash, Refusal> {
    let entry = entry(device, name);
    let version = version(device, &entry);
    ask(device, Request::Seal { entry, version, parts, meaning: "recorded".into(), locks: false })
}

fn witness(device: &mut Device, name: &str, seal: RecordHash) -> Result<RecordHash, Refusal> {
    let entry = entry(device, name);
    ask(device, Request::Witness { entry, seal, meaning: "witnessed".into() })
}

fn reason(refused: Result<RecordHash, Refusal>) -> String {
    refused.unwrap_err().to_string()
}

/// The seals that count, as everybody who reads sees them.
fn sealed(device: &Device, name: &str) -> Vec<Sealed> {
    let membership = Membership::of(&device.core.meta().notebook, device.store.statements().unwrap());
    seals::of_entry(&device.store, &membership, &entry(device, name)).unwrap()
}

fn text_of(device: &Device, sealed: &Sealed) -> Option<String> {
    let record = device.store.record(sealed.position).unwrap().unwrap();
    match Payload::decode(record.header().unwrap().kind, &record.payload) {
        Some(Payload::Seal(Seal::Entry(SealedEntry { text, .. }))) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_seal_says_on_every_device_exactly_what_was_there() {
    let mut pair = joined(&[("a.md", "---\nph: 7\n---\none\n"), ("part.md", "part\n")]);
    let part = entry(&pair.a, "part.md");
    seal(&mut pair.a, "a.md", vec![part]).unwrap();
    pair.settle();
    pair.b.put("a.md", "---\nph: 8\n---\none\n");
    pair.settle();
    for device in [&pair.a, &pair.b] {
        let all = sealed(device, "a.md");
        assert_eq!(all.len(), 1);
        let (what, text) = (&all[0].what, text_of(device, &all[0]));
        assert_eq!(text.as_deref(), Some("---\nph: 7\n---\none\n"));
        assert_eq!(what.hash, ContentHash::of(b"---\nph: 7\n---\none\n"));
        assert_eq!((what.path.as_str(), what.meaning.as_str()), ("a.md", "recorded"));
        assert_eq!((what.parts.len(), what.parts[0].hash), (1, ContentHash::of(b"part\n")));
        assert_ne!(device.store.entry(&what.entry).unwrap().unwrap().hash, what.hash, "it has changed since");
    }
}

#[test]
fn a_second_person_confirms_and_the_rule_counts_persons() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let number = seal(&mut pair.a, "a.md", vec![]).unwrap();
    assert!(reason(witness(&mut pair.a, "a.md", number)).contains("your own"));
    pair.a.ask(Request::People(MembershipRequest::SetSealRule { needed: 2, of: vec![] }));
    pair.settle();
    assert!(!sealed(&pair.b, "a.md")[0].complete, "one of two");
    witness(&mut pair.b, "a.md", number).unwrap();
    assert!(reason(witness(&mut pair.b, "a.md", number)).contains("already"));
    pair.settle();
    for device in [&pair.a, &pair.b] {
        let all = sealed(device, "a.md");
        assert_eq!((all[0].signed, all[0].complete, all[0].witnesses.len()), (2, true, 1));
    }
    // Of named persons only these count.
    let only = sealed(&pair.a, "a.md")[0].witnesses[0].person;
    pair.a.ask(Request::People(MembershipRequest::SetSealRule { needed: 1, of: vec![only] }));
    pair.settle();
    assert_eq!(sealed(&pair.b, "a.md")[0].signed, 1);
}

/// Laptop to laptop, without any network.
#[test]
fn a_seal_is_confirmed_by_bundles_alone() {
    let mut pair = joined(&[("a.md", "one\n")]);
    pair.cut();
    let number = seal(&mut pair.a, "a.md", vec![]).unwrap();
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(1));
    witness(&mut pair.b, "a.md", number).unwrap();
    assert_eq!(take(&mut pair.a, carried(&pair.b)), Ok(1));
    assert_eq!(sealed(&pair.a, "a.md")[0].witnesses.len(), 1);
}

#[test]
fn what_has_changed_since_it_was_read_is_not_sealed() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = entry(&pair.a, "a.md");
    let read = version(&pair.a, &id);
    pair.b.put("a.md", "two\n");
    pair.settle();
    let late =
        Request::Seal { entry: id, version: read, parts: vec![], meaning: "read".into(), locks: false };
    assert!(reason(ask(&mut pair.a, late)).contains("changed since"));
    let now = version(&pair.a, &id);
    let mute = Request::Seal { entry: id, version: now, parts: vec![], meaning: " ".into(), locks: false };
    assert!(reason(ask(&mut pair.a, mute)).contains("what it means"));
}

#[test]
fn viewers_do_not_seal_and_commenters_do() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let person = pair.a.core.membership().person_of(&pair.b.id).unwrap();
    let role = |role| Request::People(MembershipRequest::SetRole { person, role: Some(role) });
    pair.a.ask(role(Role::Viewer));
    pair.settle();
    assert!(reason(seal(&mut pair.b, "a.md", vec![])).contains("commenter"));
    // A changed program signs all the same: it is kept, and counts nowhere.
    let header = |device: &Device, seq| {
        let tip = device.core.frontier().tip(device.id, device.core.meta().volume);
        let (last, previous) = tip.unwrap_or((0, RecordHash([0; 32])));
        assert_eq!(last + 1, seq);
        let some = device.store.record(1).unwrap().unwrap().header().unwrap();
        let seen = device.store.tips().unwrap().into_iter().filter(|tip| tip.device != device.id).collect();
        Header { device: device.id, volume: device.core.meta().volume, seq, previous, seen, ..some }
    };
    let next = pair.b.core.frontier().seq(pair.b.id, pair.b.core.meta().volume) + 1;
    let what = SealedEntry {
        entry: entry(&pair.b, "a.md"),
        version: vec![],
        path: "a.md".into(),
        hash: ContentHash::of(b"one\n"),
        size: 4,
        text: Some("one\n".into()),
        parts: vec![],
        meaning: "forged".into(),
        locks: true,
    };
    let key = SigningKey::from_bytes(&[2; 32]);
    let record = Record::sign(&key, header(&pair.b, next), &Payload::Seal(Seal::Entry(what.clone())));
    let part = codex_crdt_model::event::Carried { records: vec![record], ..Default::default() };
    take(&mut pair.a, part.clone()).unwrap();
    take(&mut pair.b, part).unwrap();
    assert!(sealed(&pair.a, "a.md").is_empty() && !pair.a.store.seals(&what.entry).unwrap().is_empty());
    pair.a.ask(role(Role::Commenter));
    pair.settle();
    assert!(sealed(&pair.a, "a.md").is_empty(), "it was signed when it might not be");
    seal(&mut pair.b, "a.md", vec![]).unwrap();
    pair.settle();
    assert_eq!(sealed(&pair.a, "a.md").len(), 1);
}

/// A lock takes an editor, and an owner lifts it; what never was locks nothing, and nobody confirms it.
#[test]
fn only_true_seals_of_editors_lock_and_owners_lift_that() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let id = entry(&pair.b, "a.md");
    let now = version(&pair.b, &id);
    let lock = |meaning: &str| Request::Seal {
        entry: id,
        version: now.clone(),
        parts: vec![],
        meaning: meaning.into(),
        locks: true,
    };
    let number = ask(&mut pair.b, lock("finished")).unwrap();
    pair.settle();
    assert!(sealed(&pair.a, "a.md")[0].locks);
    let lift = |seal| Request::Unlock { entry: id, seal, meaning: "more to do".into() };
    assert!(reason(ask(&mut pair.b, lift(number))).contains("owner"));
    ask(&mut pair.a, lift(number)).unwrap();
    pair.settle();
    for device in [&pair.a, &pair.b] {
        let seal = &sealed(device, "a.md")[0];
        assert!(!seal.locks && seal.is_true && seal.complete, "the seal stays");
    }
    // A changed program signs what never was.
    let Seal::Entry(true_one) = sealed(&pair.b, "a.md")[0].row.seal.clone() else { panic!("a seal") };
    let text = "never so\n".to_owned();
    let lie = SealedEntry {
        hash: ContentHash::of(text.as_bytes()),
        size: text.len() as u64,
        text: Some(text),
        ..true_one
    };
    let (seq, previous) = pair.b.core.frontier().tip(pair.b.id, pair.b.core.meta().volume).unwrap();
    let some = pair.b.store.record(1).unwrap().unwrap().header().unwrap();
    let header = Header {
        device: pair.b.id,
        volume: pair.b.core.meta().volume,
        seq: seq + 1,
        previous,
        seen: Vec::new(),
        ..some
    };
    let record = Record::sign(&SigningKey::from_bytes(&[2; 32]), header, &Payload::Seal(Seal::Entry(lie)));
    let hash = record.hash();
    take(&mut pair.a, codex_crdt_model::event::Carried { records: vec![record], ..Default::default() })
        .unwrap();
    let all = sealed(&pair.a, "a.md");
    assert!(all.len() == 2 && !all[1].is_true && !all[1].locks && !all[1].complete, "{all:?}");
    assert!(reason(witness(&mut pair.a, "a.md", hash)).contains("something else"));
    let commenter = pair.a.core.membership().person_of(&pair.b.id).unwrap();
    let role = MembershipRequest::SetRole { person: commenter, role: Some(Role::Commenter) };
    pair.a.ask(Request::People(role));
    pair.settle();
    assert!(reason(ask(&mut pair.b, lock("by a commenter"))).contains("editor"));
}

/// What somebody signed stays signed when they leave.
#[test]
fn nobody_takes_a_seal_back_by_leaving() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let number = seal(&mut pair.a, "a.md", vec![]).unwrap();
    pair.settle();
    witness(&mut pair.b, "a.md", number).unwrap();
    pair.settle();
    let volume = pair.b.core.meta().volume;
    let (seq, previous) = pair.b.core.frontier().tip(pair.b.id, volume).unwrap();
    let some = pair.b.store.record(1).unwrap().unwrap().header().unwrap();
    let header = Header { device: pair.b.id, volume, seq: seq + 1, previous, seen: Vec::new(), ..some };
    // A changed program accepts nothing of itself.
    let change = MembershipChange::Revoke { device: pair.b.id, accepted: Vec::new() };
    let record = Record::sign(&SigningKey::from_bytes(&[2; 32]), header, &Payload::Membership(change));
    take(&mut pair.a, codex_crdt_model::event::Carried { records: vec![record], ..Default::default() })
        .unwrap();
    assert_eq!(pair.a.core.membership().role(&pair.b.id), None);
    assert_eq!(sealed(&pair.a, "a.md")[0].witnesses.len(), 1);
}

#[test]
fn what_contradicts_itself_is_no_seal() {
    let what = SealedEntry {
        entry: EntryId([1; 32]),
        version: vec![],
        path: "a.md".into(),
        hash: ContentHash::of(b"one\n"),
        size: 4,
        text: Some("one\n".into()),
        parts: vec![],
        meaning: "recorded".into(),
        locks: false,
    };
    let is_sound = |what: SealedEntry| Seal::Entry(what).is_sound();
    assert!(is_sound(what.clone()));
    assert!(!is_sound(SealedEntry { text: Some("two\n".into()), ..what.clone() }));
    assert!(!is_sound(SealedEntry { size: 5, ..what.clone() }));
    assert!(!is_sound(SealedEntry { meaning: " ".into(), ..what.clone() }));
    assert!(!is_sound(SealedEntry { path: "p".repeat(5000), ..what }));
}

/// What an authority said of a seal goes where the seal goes, and is found by it; a viewer's has no effect.
#[test]
fn a_timestamp_is_found_by_its_seals_on_every_device() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let number = seal(&mut pair.a, "a.md", vec![]).unwrap();
    pair.settle();
    let stamp = |token: u8| {
        let tips = Vec::new();
        Request::Timestamp(Timestamp { seals: vec![number], tips, token: vec![token] })
    };
    let made = ask(&mut pair.a, stamp(1)).unwrap();
    pair.settle();
    for device in [&pair.a, &pair.b] {
        let [position] = device.store.timestamps(&number).unwrap()[..] else { panic!("one timestamp") };
        assert_eq!(device.store.record(position).unwrap().unwrap().hash(), made);
        assert!(device.store.timestamps(&made).unwrap().is_empty());
    }
    let none = Timestamp { seals: vec![], tips: vec![], token: vec![1] };
    assert!(reason(ask(&mut pair.a, Request::Timestamp(none))).contains("out of bounds"));
    let viewer = pair.a.core.membership().person_of(&pair.b.id).unwrap();
    pair.a.ask(Request::People(MembershipRequest::SetRole { person: viewer, role: Some(Role::Viewer) }));
    pair.settle();
    assert!(reason(ask(&mut pair.b, stamp(2))).contains("commenter"));
    let (volume, some) =
        (pair.b.core.meta().volume, pair.b.store.record(1).unwrap().unwrap().header().unwrap());
    let (seq, previous) = pair.b.core.frontier().tip(pair.b.id, volume).unwrap_or((0, RecordHash([0; 32])));
    let seen = pair.b.core.frontier().tips().filter(|tip| tip.device != pair.b.id).collect();
    let header = Header { device: pair.b.id, volume, seq: seq + 1, previous, seen, ..some };
    let forced = Timestamp { seals: vec![number], tips: vec![], token: vec![3] };
    let record = Record::sign(&SigningKey::from_bytes(&[2; 32]), header, &Payload::Timestamp(forced));
    let carried = codex_crdt_model::event::Carried { records: vec![record], ..Default::default() };
    assert_eq!(take(&mut pair.a, carried), Ok(1));
    let all = pair.a.store.timestamps(&number).unwrap();
    let quarantined = pair.a.store.quarantined().unwrap();
    let counts: Vec<bool> = all.iter().map(|position| !quarantined.contains_key(position)).collect();
    assert_eq!(counts, [true, false]);
}
