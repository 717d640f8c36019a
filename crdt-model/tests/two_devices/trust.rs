//! What stands outside of a plain meeting: bundles, forked journals, what no longer counts.

use codex_crdt_model::Core;
use codex_crdt_model::bundle::Fault;
use codex_crdt_model::core::Origin;
use codex_crdt_model::effect::Reply;
use codex_crdt_model::event::{Carried, MembershipRequest, Request};
use codex_crdt_model::ids::{DeviceId, RecordHash, Volume};
use codex_crdt_model::journal::record::{Header, Payload, Record};
use codex_crdt_model::journal::{MembershipChange, Role, Tip};
use codex_crdt_model::store::Source;
use ed25519_dalek::SigningKey;

use crate::device::{Device, Node, Pair, joined};

/// What a device has, as it stands in a bundle.
pub fn carried(device: &Device) -> Carried {
    let records = (1..=device.core.meta().position).map(|at| device.store.record(at).unwrap().unwrap());
    let complete = device.store.tips().unwrap();
    let forks = device.store.forks().map(|row| row.fork.bare()).collect();
    Carried { forks, records: records.collect(), receipts: Vec::new(), complete }
}

pub fn take(device: &mut Device, part: Carried) -> Result<u64, Fault> {
    device.ask(Request::TakeCarried(part));
    while device.run() {}
    match device.replies.pop() {
        Some(Ok(Reply::Carried { new, refused: None, .. })) => Ok(new),
        Some(Ok(Reply::Carried { refused: Some(fault), .. })) => Err(fault),
        other => panic!("{other:?}"),
    }
}

/// Laws 1 and 2 without any connection.
#[test]
fn bundles_alone_bring_a_joiner_in_and_carry_both_sides_edits() {
    let mut pair = Pair::new();
    pair.a.put("poem.md", "roses\nviolets\n");
    pair.settle();
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(3));
    pair.same(&[("poem.md", "roses\nviolets\n")]);
    pair.a.put("poem.md", "red roses\nviolets\n");
    pair.b.put("poem.md", "roses\nblue violets\n");
    pair.settle();
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(1));
    assert_eq!(take(&mut pair.a, carried(&pair.b)), Ok(1));
    pair.same(&[("poem.md", "red roses\nblue violets\n")]);
    for _ in 0..2 {
        assert_eq!(take(&mut pair.a, carried(&pair.b)), Ok(0));
        assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(0));
    }
    pair.same(&[("poem.md", "red roses\nblue violets\n")]);
    // The receipt that goes back says that B holds all of it.
    pair.b.ask(Request::StateReceipt);
    while pair.b.run() {}
    let Some(Ok(Reply::Receipt(receipt))) = pair.b.replies.pop() else { panic!("no receipt") };
    assert!(receipt.verify() && receipt.frontier().covers(pair.a.core.frontier()));
    take(&mut pair.a, Carried { receipts: vec![receipt.clone()], ..Carried::default() }).unwrap();
    assert_eq!(pair.a.store.receipts().unwrap(), [receipt]);
}

/// A dishonest member gives each of two honest ones another branch of its journal, which goes on. They still meet.
#[test]
fn a_forked_journal_keeps_nobody_apart() {
    let mut pair = joined(&[("a.md", "one\n")]);
    pair.cut();
    let liar = SigningKey::from_bytes(&[99; 32]);
    let device = DeviceId(liar.verifying_key().to_bytes());
    pair.a.ask(Request::People(MembershipRequest::Admit { device, role: Role::Viewer, name: "l".into() }));
    pair.settle();
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(1));
    let header = pair.a.store.record(1).unwrap().unwrap().header().unwrap();
    let sign = |seq, previous, name: &str| {
        let header = Header { device, volume: Volume(1), seq, previous, seen: Vec::new(), ..header.clone() };
        let change = MembershipChange::Profile { name: name.into(), colour: [0; 3] };
        Record::sign(&liar, header, &Payload::Membership(change))
    };
    let none = RecordHash([0; 32]);
    let (one, other) = (sign(1, none, "one"), sign(1, none, "other"));
    let second = sign(2, one.hash(), "second");
    let part = |records: &[&Record]| Carried {
        records: records.iter().map(|record| (*record).clone()).collect(),
        ..Carried::default()
    };
    assert_eq!(take(&mut pair.a, part(&[&one, &second])), Ok(2));
    assert_eq!(take(&mut pair.b, part(&[&other])), Ok(1));
    pair.a.put("a.md", "one\nof A, who saw the one\n");
    pair.b.put("b.md", "of B, who saw the other\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one\nof A, who saw the one\n"), ("b.md", "of B, who saw the other\n")]);
    for device in [&pair.a, &pair.b] {
        assert_eq!(device.store.forks().count(), 1, "both have the proof, once");
        assert_eq!(device.core.to_come(), 0, "nobody waits for the other branch");
    }
    // Nor does whoever only gets a bundle, and it stays so after a restart.
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(0));
    // What A wrote stands on a branch that only A has, and the other branch goes on from there: a joiner still gets in.
    let tips = pair.b.store.tips().unwrap();
    let seen = tips.into_iter().filter(|tip| tip.device == pair.a.id).collect();
    let next = Header { device, volume: Volume(1), seq: 2, previous: other.hash(), seen, ..header.clone() };
    let next = Record::sign(&liar, next, &Payload::Edit(Vec::new()));
    assert_eq!(take(&mut pair.b, part(&[&next])), Ok(1));
    let notebook = pair.a.core.meta().notebook;
    let third = Device::new(3, Origin::Join { notebook, name: "n".into() }, Some(pair.b.id));
    let change = MembershipRequest::Admit { device: third.id, role: Role::Viewer, name: "c".into() };
    pair.a.ask(Request::People(change));
    pair.settle();
    let mut met = Pair { a: pair.b, b: third };
    met.connect();
    met.settle();
    met.same(&[("a.md", "one\nof A, who saw the one\n"), ("b.md", "of B, who saw the other\n")]);
    pair.b = met.a;
    let (opened, _) = Core::open(SigningKey::from_bytes(&[1; 32]), [7; 32], false, &pair.a.store).unwrap();
    assert!(opened.shared(opened.frontier()).len() < opened.frontier().len());
}

/// A dishonest member begins journals without end: of so many none more is taken in or waited for, and the others still meet.
#[test]
fn journals_without_end_are_bounded_and_keep_nobody_apart() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let liar = SigningKey::from_bytes(&[99; 32]);
    let device = DeviceId(liar.verifying_key().to_bytes());
    pair.a.ask(Request::People(MembershipRequest::Admit { device, role: Role::Editor, name: "l".into() }));
    pair.settle();
    pair.cut();
    let header = pair.a.store.record(1).unwrap().unwrap().header().unwrap();
    let begin = |volume: u64| {
        let previous = RecordHash([0; 32]);
        let header =
            Header { device, volume: Volume(volume), seq: 1, previous, seen: Vec::new(), ..header.clone() };
        Record::sign(&liar, header, &Payload::Edit(Vec::new()))
    };
    let most = codex_crdt_model::limits::VOLUMES as u64;
    let many = |from: u64| (from..from + most + 50).map(begin).collect();
    // Each has others of them.
    for (device, from) in [(&mut pair.a, 1), (&mut pair.b, 1000)] {
        let part = Carried { records: many(from), ..Carried::default() };
        assert_eq!(take(device, part), Ok(most));
    }
    pair.a.put("a.md", "one\ntwo\n");
    pair.b.put("b.md", "three\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one\ntwo\n"), ("b.md", "three\n")]);
    for device in [&pair.a, &pair.b] {
        assert!(device.core.frontier().len() < most as usize + 10);
        assert_eq!(device.core.to_come(), 0, "nobody waits for the rest");
    }
}

/// On one branch a dishonest viewer names a stranger, whose records go on from there; it forks more journals than are
/// remembered. Whoever has the other branches takes nothing of the stranger, and still meets the first.
#[test]
fn strangers_of_one_branch_and_many_forks_keep_nobody_apart() {
    let mut pair = joined(&[("a.md", "one\n")]);
    pair.cut();
    let liar = SigningKey::from_bytes(&[99; 32]);
    let stranger = SigningKey::from_bytes(&[98; 32]);
    let id = |key: &SigningKey| DeviceId(key.verifying_key().to_bytes());
    pair.a.ask(Request::People(MembershipRequest::Admit {
        device: id(&liar),
        role: Role::Viewer,
        name: "l".into(),
    }));
    pair.settle();
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(1));
    let some = pair.a.store.record(1).unwrap().unwrap().header().unwrap();
    let sign = |key: &SigningKey, volume, change| {
        let none = RecordHash([0; 32]);
        let header = Header {
            device: id(key),
            volume: Volume(volume),
            seq: 1,
            previous: none,
            seen: Vec::new(),
            ..some.clone()
        };
        Record::sign(key, header, &Payload::Membership(change))
    };
    let profile = |name: &str| MembershipChange::Profile { name: name.into(), colour: [0; 3] };
    let admits = MembershipChange::Admit { device: id(&stranger), role: Role::Owner, name: "s".into() };
    let part = |records| Carried { records, ..Carried::default() };
    let of_stranger = sign(&stranger, 1, profile("s"));
    assert_eq!(take(&mut pair.a, part(vec![sign(&liar, 1, admits), of_stranger])), Ok(1));
    assert_eq!(take(&mut pair.b, part(vec![sign(&liar, 1, profile("other"))])), Ok(1));
    for volume in 2..40 {
        take(&mut pair.a, part(vec![sign(&liar, volume, profile("one"))])).unwrap();
        take(&mut pair.b, part(vec![sign(&liar, volume, profile("other"))])).unwrap();
    }
    pair.a.put("a.md", "one\nof A, who has seen it all\n");
    pair.b.put("b.md", "of B\n");
    pair.settle();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one\nof A, who has seen it all\n"), ("b.md", "of B\n")]);
    for device in [&pair.a, &pair.b] {
        assert!(device.store.forks().count() <= codex_crdt_model::limits::FORKS);
        assert_eq!(device.core.to_come(), 0);
    }
}

/// A notebook without an owner could never have one again.
#[test]
fn the_last_owners_last_device_is_not_revoked() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let ask = |device: &mut Device, change| {
        device.ask(Request::People(change));
        while device.run() {}
        device.replies.pop().unwrap()
    };
    let (a, b) = (pair.a.id, pair.b.id);
    let refused = ask(&mut pair.a, MembershipRequest::Revoke { device: a }).unwrap_err();
    assert!(refused.to_string().contains("last device of the last owner"), "{refused}");
    let person = pair.a.core.membership().person_of(&b).unwrap();
    ask(&mut pair.a, MembershipRequest::SetRole { person, role: Some(Role::Owner) }).unwrap();
    ask(&mut pair.a, MembershipRequest::Revoke { device: a }).unwrap();
    let refused = ask(&mut pair.a, MembershipRequest::SetRole { person, role: None }).unwrap_err();
    assert!(refused.to_string().contains("you are not a member"), "{refused}");
}

/// What is held back is bounded by its bytes, so it must be counted with them: also what had counted before.
#[test]
fn what_no_longer_counts_is_held_back_with_its_size() {
    let mut pair = joined(&[("a.md", "one\n")]);
    pair.cut();
    pair.b.put("a.md", "one\ntwo\n");
    pair.a.ask(Request::People(MembershipRequest::Revoke { device: pair.b.id }));
    pair.settle();
    assert!(pair.b.store.quarantined().unwrap().is_empty());
    assert_eq!(take(&mut pair.b, carried(&pair.a)), Ok(1));
    let held = pair.b.store.quarantined().unwrap();
    let size = |position| pair.b.store.record(position).unwrap().unwrap().size() as u64;
    assert_eq!(held.len(), 1);
    assert!(held.iter().all(|(position, row)| row.size == size(*position)), "{held:?}");
    assert_eq!(pair.b.files()["a.md"], Node::File("one\ntwo\n".into()), "what B wrote stays on its disk");
}

/// Law 7: a file is believed no more than a peer; what stood before what is wrong was taken in.
#[test]
fn a_record_that_cannot_be_taken_from_a_bundle_is_named() {
    let prepared = || {
        let mut pair = Pair::new();
        for n in 0..3 {
            pair.a.put(&format!("{n}.md"), "text\n");
            pair.settle();
        }
        pair
    };
    let whole = carried(&prepared().a);
    let refused = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut pair = prepared();
        let mut part = whole.clone();
        change(&mut part.records);
        let fault = take(&mut pair.b, part).unwrap_err();
        (fault.at.unwrap().seq, pair.b.core.meta().position, fault.reason)
    };
    let expect = |found: (u64, u64, String), seq: u64, taken: u64, reason: &str| {
        assert!(found.0 == seq && found.1 == taken && found.2.contains(reason), "{found:?}");
    };
    expect(refused(&|records| records[2].payload[3] ^= 1), 3, 2, "payload");
    expect(refused(&|records| records[3].signature[3] ^= 1), 4, 3, "signature");
    expect(refused(&|records| drop(records.remove(2))), 4, 2, "only 2 records");
    expect(refused(&|records| records.swap(2, 3)), 4, 2, "only 2 records");
    let forger = SigningKey::from_bytes(&[99; 32]);
    let header = |records: &[Record]| Header {
        device: DeviceId(forger.verifying_key().to_bytes()),
        seq: 1,
        previous: RecordHash([0; 32]),
        ..records[2].header().unwrap()
    };
    let forged =
        refused(&|records| records[2] = Record::sign(&forger, header(records), &Payload::Edit(Vec::new())));
    expect(forged, 1, 2, "nobody admitted");
    let unseen = refused(&|records| {
        let seen =
            vec![Tip { device: DeviceId([7; 32]), volume: Volume(1), seq: 5, hash: RecordHash([1; 32]) }];
        let key = SigningKey::from_bytes(&[1; 32]);
        let header = Header { seen, ..records[2].header().unwrap() };
        records[2] = Record::sign(&key, header, &Payload::Edit(Vec::new()));
    });
    expect(unseen, 3, 2, "had seen");
}

/// losses.md L5: an old copy of B goes on while it may only read, so that it cannot say anew what it wrote in places that
/// others have filled. Once it may write again, the next peer that it meets makes it try again.
#[test]
fn a_branch_that_could_not_be_taken_back_is_tried_again_when_somebody_connects() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let (store, disk) = (pair.b.store.clone(), pair.b.disk.clone());
    pair.b.put("before.md", "of B, before\n");
    pair.settle();
    pair.cut();
    // Put back, and written to.
    let key = SigningKey::from_bytes(&[2; 32]);
    (pair.b.store, pair.b.disk) = (store, disk);
    let (core, opened) = Core::open(key, [77; 32], false, &pair.b.store).unwrap();
    pair.b.store.apply(&opened.writes);
    pair.b.core = core;
    pair.b.scan();
    pair.b.put("since.md", "of B, since then\n");
    pair.settle();
    let person = pair.a.core.membership().person_of(&pair.b.id).unwrap();
    let role_of_b = |pair: &mut Pair, role| {
        pair.a.ask(Request::People(MembershipRequest::SetRole { person, role: Some(role) }));
        pair.settle();
    };
    role_of_b(&mut pair, Role::Viewer);
    let all = carried(&pair.a);
    let statement = all.records.last().unwrap().clone();
    take(&mut pair.b, Carried { records: vec![statement], ..Carried::default() }).unwrap();
    pair.connect();
    pair.settle();
    assert_eq!(pair.b.store.forks().count(), 1, "B knows of its other branch");
    assert!(!pair.a.files().contains_key("since.md"), "and may not say its own anew");
    role_of_b(&mut pair, Role::Editor);
    assert!(!pair.a.files().contains_key("since.md"));
    pair.cut();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one\n"), ("before.md", "of B, before\n"), ("since.md", "of B, since then\n")]);
}
