//! What a dishonest member does without end comes to little, and keeps nobody apart.

use codex_crdt_model::core::Origin;
use codex_crdt_model::event::{Carried, Event, MembershipRequest, Request};
use codex_crdt_model::ids::{DeviceId, NotebookId, PersonId, RecordHash, Volume};
use codex_crdt_model::journal::membership::consent;
use codex_crdt_model::journal::record::{Header, Payload, Record};
use codex_crdt_model::journal::{MembershipChange, Role, Tip};
use codex_crdt_model::limits;
use codex_crdt_model::sync::Message;
use ed25519_dalek::SigningKey;

use crate::device::{Device, Pair, joined};
use crate::trust::{carried, take};

/// A journal that somebody writes by hand.
struct Liar {
    key: SigningKey,
    notebook: NotebookId,
    volume: Volume,
    seq: u64,
    previous: RecordHash,
}

impl Liar {
    fn new(n: u8, pair: &Pair) -> Self {
        Self::with(SigningKey::from_bytes(&[n; 32]), pair.a.core.meta().notebook)
    }

    fn with(key: SigningKey, notebook: NotebookId) -> Self {
        Self { key, notebook, volume: Volume(1), seq: 0, previous: RecordHash([0; 32]) }
    }

    fn id(&self) -> DeviceId {
        DeviceId(self.key.verifying_key().to_bytes())
    }

    fn person(&self) -> PersonId {
        PersonId::of_first(self.id())
    }

    fn admitted(self, pair: &mut Pair, role: Role) -> Self {
        let admit = MembershipRequest::Admit { device: self.id(), role, name: "l".into() };
        pair.a.ask(Request::People(admit));
        pair.settle();
        self
    }

    fn sign(&mut self, payload: &Payload) -> Record {
        self.seq += 1;
        let header = Header {
            format: codex_crdt_model::journal::record::RECORD_FORMAT,
            notebook: self.notebook,
            device: self.id(),
            volume: self.volume,
            seq: self.seq,
            previous: self.previous,
            seen: Vec::new(),
            membership: Vec::new(),
            time: 1,
            kind: 0,
            payload_hash: codex_crdt_model::ids::ContentHash([0; 32]),
            payload_size: 0,
        };
        let record = Record::sign(&self.key, header, payload);
        self.previous = record.hash();
        record
    }

    fn state(&mut self, change: MembershipChange) -> Record {
        self.sign(&Payload::Membership(change))
    }
}

fn part(records: Vec<Record>) -> Carried {
    Carried { records, ..Carried::default() }
}

/// Both go on as if nothing had been.
fn meet_and_work(pair: &mut Pair) {
    pair.a.put("of-a.md", "of A\n");
    pair.b.put("of-b.md", "of B\n");
    pair.settle();
    pair.cut();
    pair.connect();
    pair.settle();
    pair.same(&[("a.md", "one\n"), ("of-a.md", "of A\n"), ("of-b.md", "of B\n")]);
}

/// "I have more of your journal than you": without a record that is only a word.
#[test]
fn a_word_about_ones_own_journal_begins_few_others() {
    let mut pair = joined(&[("a.md", "one\n")]);
    for n in 0..2 * limits::VOLUMES {
        pair.a.put("a.md", &format!("one {n}\n"));
        pair.settle();
        let meta = pair.a.core.meta();
        let seq = pair.a.core.frontier().seq(meta.device, meta.volume) + 1;
        let tip = Tip { device: meta.device, volume: meta.volume, seq, hash: RecordHash([9; 32]) };
        let lie = Message::Hello { notebook: meta.notebook, tips: vec![tip], receipts: Vec::new() };
        let peer = pair.b.id;
        pair.a.queue.push_back(Event::Received { peer, frame: lie.encode() });
        pair.settle();
    }
    let own = pair.a.core.frontier().tips().filter(|tip| tip.device == pair.a.id).count();
    assert!(own <= limits::VOLUMES_BY_WORD + 1, "{own} journals");
    pair.a.put("a.md", "one\n");
    pair.settle();
    meet_and_work(&mut pair);
    assert_eq!(pair.b.core.frontier(), pair.a.core.frontier());
}

#[test]
fn what_a_member_says_without_end_is_bounded() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let mut liar = Liar::new(99, &pair).admitted(&mut pair, Role::Viewer);
    pair.cut();
    let profile = |n: usize| MembershipChange::Profile { name: n.to_string(), colour: [0; 3] };
    let many: Vec<Record> = (0..2 * limits::STATEMENTS).map(|n| liar.state(profile(n))).collect();
    assert_eq!(take(&mut pair.a, part(many.clone())), Ok(limits::STATEMENTS as u64));
    // Its other journals are of the same person.
    liar.volume = Volume(2);
    (liar.seq, liar.previous) = (0, RecordHash([0; 32]));
    assert_eq!(take(&mut pair.a, part(vec![liar.state(profile(1))])), Ok(0));
    assert_eq!(take(&mut pair.b, part(many)), Ok(limits::STATEMENTS as u64));
    meet_and_work(&mut pair);
    assert_eq!(pair.b.core.to_come(), 0, "nobody waits for the rest");
}

/// Nobody says by mistake what others would leave, and with it all that comes behind it in the journal.
#[test]
fn an_honest_member_is_told_before_nobody_listens() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let mut refused = 0;
    for n in 0..limits::STATEMENTS + 20 {
        let request = MembershipRequest::SetProfile { name: n.to_string(), colour: [0; 3] };
        for _ in 0..2 {
            // The second time says nothing new.
            pair.b.ask(Request::People(request.clone()));
        }
        pair.settle();
        refused += pair.b.replies.drain(..).filter(Result::is_err).count();
    }
    assert!(refused > 40, "{refused}");
    let person = PersonId::of_first(pair.b.id);
    pair.b.ask(Request::People(MembershipRequest::SetRole { person, role: Some(Role::Viewer) }));
    pair.settle();
    assert_eq!(pair.a.core.membership().role(&pair.b.id), Some(Role::Viewer), "what must be said is heard");
    assert_eq!(pair.a.core.frontier(), pair.b.core.frontier());
}

#[test]
fn own_devices_and_their_journals_are_those_of_one_person() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let mut liar = Liar::new(99, &pair).admitted(&mut pair, Role::Viewer);
    let (notebook, person) = (liar.notebook, liar.person());
    let mut others: Vec<Liar> =
        (0..60_u8).map(|n| Liar::with(SigningKey::from_bytes(&[n + 100; 32]), notebook)).collect();
    let mut records: Vec<Record> = Vec::new();
    for other in &others {
        let (device, consent) = (other.id(), consent(&other.key, &notebook, &person));
        records.push(liar.state(MembershipChange::Device { device, name: "d".into(), consent }));
    }
    for volume in 1..=20 {
        for other in &mut others {
            other.volume = Volume(volume);
            (other.seq, other.previous) = (0, RecordHash([0; 32]));
            records.push(other.sign(&Payload::Edit(Vec::new())));
        }
    }
    // Those that nobody let in are passed over where they are heard of, else they are refused: one part each.
    for record in records {
        let _ = take(&mut pair.a, part(vec![record]));
    }
    let of_liar = |tip: &Tip| tip.device == liar.id() || others.iter().any(|other| other.id() == tip.device);
    let journals: Vec<Tip> = pair.a.core.frontier().tips().filter(of_liar).collect();
    let devices: std::collections::BTreeSet<DeviceId> = journals.iter().map(|tip| tip.device).collect();
    assert!(devices.len() <= limits::DEVICES && journals.len() <= limits::VOLUMES, "{}", journals.len());
    meet_and_work(&mut pair);
}

/// A viewer names devices; they name others: nobody takes anything of them.
#[test]
fn of_whom_no_owner_let_in_nothing_is_taken() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let mut liar = Liar::new(99, &pair).admitted(&mut pair, Role::Viewer);
    let mut named = Liar::new(98, &pair);
    let admit = MembershipChange::Admit { device: named.id(), role: Role::Owner, name: "n".into() };
    assert_eq!(take(&mut pair.a, part(vec![liar.state(admit)])), Ok(1));
    let other = Liar::new(97, &pair);
    let admit = MembershipChange::Admit { device: other.id(), role: Role::Owner, name: "o".into() };
    assert_eq!(take(&mut pair.a, part(vec![named.state(admit)])), Ok(0));
    assert!(pair.a.core.frontier().tips().all(|tip| tip.device != named.id()));
    meet_and_work(&mut pair);
}

#[test]
fn records_that_nobody_can_read_are_bounded_like_others() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let mut liar = Liar::new(99, &pair).admitted(&mut pair, Role::Viewer);
    for payload in [Payload::Unknown(999, b"x".to_vec()), Payload::Unknown(Payload::EDIT, b"\xff".to_vec())] {
        liar.volume = Volume(liar.volume.0 + 1);
        (liar.seq, liar.previous) = (0, RecordHash([0; 32]));
        let many = (0..2 * limits::QUARANTINED).map(|_| liar.sign(&payload)).collect();
        take(&mut pair.a, part(many)).unwrap();
    }
    assert_eq!(pair.a.core.quarantined(), limits::QUARANTINED);
    meet_and_work(&mut pair);
}

/// Somebody promises a newcomer what never comes.
#[test]
fn a_promise_that_is_not_kept_ends_no_joining() {
    let mut pair = Pair::new();
    pair.a.put("a.md", "one\n");
    pair.settle();
    let liar = Liar::new(99, &pair).admitted(&mut pair, Role::Viewer);
    let (notebook, owner) = (pair.a.core.meta().notebook, pair.a.id);
    let volume = pair.a.core.meta().volume;
    let tips = vec![
        Tip { device: owner, volume, seq: u64::MAX, hash: RecordHash([9; 32]) },
        Tip { device: DeviceId([7; 32]), volume: Volume(u64::MAX), seq: u64::MAX, hash: RecordHash([9; 32]) },
    ];
    let promise = Message::Hello { notebook, tips, receipts: Vec::new() };
    pair.b.queue.push_back(Event::PeerConnected(liar.id()));
    pair.b.queue.push_back(Event::Received { peer: liar.id(), frame: promise.encode() });
    while pair.b.run() {}
    pair.b.outbox.clear();
    pair.connect();
    settle_two(&mut pair);
    assert!(pair.b.files().is_empty(), "all that was promised is waited for at first");
    let at = pair.b.core.deadline().expect("but not for ever");
    pair.b.now = at;
    pair.b.queue.push_back(Event::Tick);
    settle_two(&mut pair);
    pair.same(&[("a.md", "one\n")]);
}

/// What is for the liar leads nowhere.
fn settle_two(pair: &mut Pair) {
    for _ in 0..10_000 {
        let (a, b) = (pair.a.run(), pair.b.run());
        let (of_a, of_b) = (pair.a.id, pair.b.id);
        for (peer, frame) in pair.a.outbox.drain(..) {
            if peer == of_b {
                pair.b.queue.push_back(Event::Received { peer: of_a, frame });
            }
        }
        for (peer, frame) in pair.b.outbox.drain(..) {
            if peer == of_a {
                pair.a.queue.push_back(Event::Received { peer: of_b, frame });
            }
        }
        if !a && !b && pair.a.queue.is_empty() && pair.b.queue.is_empty() {
            return;
        }
    }
    panic!("the two never come to rest");
}

/// A newcomer whom only a bundle reaches does not take a lie for a promise either.
#[test]
fn a_newcomer_learns_all_that_is_known_whatever_else_is_said() {
    let mut pair = joined(&[("a.md", "one\n")]);
    let third = Device::new(
        3,
        Origin::Join { notebook: pair.a.core.meta().notebook, name: "n".into() },
        Some(pair.a.id),
    );
    let admit = MembershipRequest::Admit { device: third.id, role: Role::Editor, name: "c".into() };
    pair.a.ask(Request::People(admit));
    pair.settle();
    let mut bundle = carried(&pair.a);
    bundle.complete.push(Tip {
        device: DeviceId([7; 32]),
        volume: Volume(1),
        seq: 5,
        hash: RecordHash([9; 32]),
    });
    let mut third = third;
    take(&mut third, bundle).unwrap();
    while third.run() {}
    assert_eq!(third.files(), pair.a.files());
}
