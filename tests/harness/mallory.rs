//! A dishonest member: a viewer whose program was changed. What it signs is well signed and says what it may not; its
//! frames come over honest machines' links.

use codex_crdt_model::entry::Birth;
use codex_crdt_model::entry::Content;
use codex_crdt_model::entry::birth::BIRTH_FORMAT;
use codex_crdt_model::event::{MembershipRequest, Request};
use codex_crdt_model::ids::{ContentHash, DeviceId, EntryId, PersonId, RecordHash, Volume};
use codex_crdt_model::journal::membership::consent;
use codex_crdt_model::journal::record::{Header, Item, Payload, RECORD_FORMAT, Record};
use codex_crdt_model::journal::seal::SealedEntry;
use codex_crdt_model::journal::{MembershipChange, Role, Seal, Tip};
use codex_crdt_model::store::Source;
use codex_crdt_model::sync::Message;
use ed25519_dalek::SigningKey;

use crate::world::World;

/// Its key, and the journal that it has made so far.
#[derive(Debug, Clone)]
pub struct Mallory {
    key: SigningKey,
    journal: Vec<Record>,
    /// Devices that it calls its own, or that it let in without a right to.
    socks: Vec<SigningKey>,
}

impl Mallory {
    /// Somebody whom nobody knows yet.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(&seed), journal: Vec::new(), socks: Vec::new() }
    }

    fn device(&self) -> DeviceId {
        DeviceId(self.key.verifying_key().to_bytes())
    }

    fn sign(
        &self,
        key: &SigningKey,
        seen: Vec<Tip>,
        place: (u64, RecordHash),
        payload: &Payload,
        world: &World,
    ) -> Record {
        let meta = world.machines[0].store.meta().ok().flatten().expect("the founder has a store");
        let header = Header {
            format: RECORD_FORMAT,
            notebook: meta.notebook,
            device: DeviceId(key.verifying_key().to_bytes()),
            volume: Volume(666),
            seq: place.0,
            previous: place.1,
            seen,
            membership: Vec::new(),
            time: 0,
            kind: 0,
            payload_hash: ContentHash([0; 32]),
            payload_size: 0,
        };
        Record::sign(key, header, payload)
    }
}

/// The founder lets it in as a viewer.
pub fn admit(world: &mut World) {
    let mallory = Mallory::new(world.rng.bytes());
    let device = mallory.device();
    world.mallory = Some(mallory);
    let request = MembershipRequest::Admit { device, role: Role::Viewer, name: "mallory".into() };
    world.ask(0, Request::People(request));
}

/// A text whose word must never appear.
fn forged_birth(world: &mut World) -> Payload {
    let token = format!("tok8{:05}", world.ledger.forged.len());
    world.ledger.forged.insert(token.clone());
    let meta = world.machines[0].store.meta().ok().flatten().expect("the founder has a store");
    let birth = Birth {
        format: BIRTH_FORMAT,
        notebook: meta.notebook,
        parent: EntryId::ROOT,
        name: format!("by-mallory-{token}.md"),
        content: Content::Text(format!("{token}\n")),
        nonce: 0,
    };
    Payload::Edit(vec![Item::Birth(birth.encode())])
}

/// A lock on an entry for what it never said, or a word for or against somebody else's seal.
fn forged_seal(world: &mut World, to: usize) -> Payload {
    let store = &world.machines[to].store;
    let entries: Vec<EntryId> = store.entries().map(|(id, _)| *id).collect();
    let entry = world.rng.pick(&entries).copied().unwrap_or(EntryId::ROOT);
    let seals = world.machines[to].store.seals(&entry).unwrap_or_default();
    let seal = world.rng.pick(&seals).map(|(_, row)| row.tip.hash);
    let meaning = "forged".to_owned();
    Payload::Seal(match seal {
        Some(seal) if world.rng.percent(50) => Seal::Witness { entry, seal, meaning },
        Some(seal) => Seal::Unlock { entry, seal, meaning },
        None => {
            let text = "what was never there\n".to_owned();
            let (hash, size) = (ContentHash::of(text.as_bytes()), text.len() as u64);
            let path = "a.md".to_owned();
            let (version, parts) = (Vec::new(), Vec::new());
            let text = Some(text);
            Seal::Entry(SealedEntry { entry, version, path, hash, size, text, parts, meaning, locks: true })
        }
    })
}

/// It says something over the link from one machine to another.
pub fn lie(world: &mut World, from: usize, to: usize) {
    let Some(mut mallory) = world.mallory.take() else { return };
    let me = PersonId::of_first(mallory.device());
    let founder = world.machines[0].device;
    let seen: Vec<Tip> = world.machines[to]
        .store
        .tips()
        .unwrap_or_default()
        .into_iter()
        .filter(|tip| tip.device != mallory.device() && world.machines.iter().any(|m| m.device == tip.device))
        .collect();
    // Whoever hides what it knows could have been removed without knowing.
    let seen = if world.rng.percent(50) { seen } else { Vec::new() };
    let payload = match world.rng.below(10) {
        5 => forged_seal(world, to),
        // Another device, which agrees; or one that it has no right to let in.
        6 | 7 => {
            let sock = SigningKey::from_bytes(&world.rng.bytes());
            let (device, name) = (DeviceId(sock.verifying_key().to_bytes()), "sock".to_owned());
            let notebook = world.machines[0].store.meta().ok().flatten().expect("it has a store").notebook;
            let consent = consent(&sock, &notebook, &me);
            mallory.socks.push(sock);
            Payload::Membership(match world.rng.percent(50) {
                true => MembershipChange::Device { device, name, consent },
                false => MembershipChange::Admit { device, role: Role::Owner, name },
            })
        }
        // What nobody can read.
        8 => Payload::Unknown(999, b"?".to_vec()),
        9 => Payload::Unknown(Payload::EDIT, b"\xff".to_vec()),
        0 | 1 => forged_birth(world),
        2 => Payload::Membership(MembershipChange::Role {
            person: me,
            role: Some(Role::Owner),
            accepted: Vec::new(),
        }),
        3 => Payload::Membership(MembershipChange::Revoke { device: founder, accepted: Vec::new() }),
        _ => Payload::Membership(MembershipChange::Admit {
            device: DeviceId(world.rng.bytes()),
            role: Role::Owner,
            name: "sock".into(),
        }),
    };
    let place = mallory
        .journal
        .last()
        .map_or((1, RecordHash([0; 32])), |last| (mallory.journal.len() as u64 + 1, last.hash()));
    let record = mallory.sign(&mallory.key, seen.clone(), place, &payload, world);
    let frame = match world.rng.below(9) {
        // A fork: another record for a place that is taken. Only one of the two is ever its journal's.
        0 if place.0 > 1 => {
            let other = forged_birth(world);
            let taken = mallory.journal[mallory.journal.len() - 1]
                .header()
                .map_or(RecordHash([0; 32]), |h| h.previous);
            let twin = mallory.sign(&mallory.key, seen, (place.0 - 1, taken), &other, world);
            Message::Records(vec![twin]).encode()
        }
        // Somebody whom nobody admitted.
        1 => {
            let stranger = SigningKey::from_bytes(&world.rng.bytes());
            let payload = forged_birth(world);
            let record = mallory.sign(&stranger, Vec::new(), (1, RecordHash([0; 32])), &payload, world);
            Message::Records(vec![record]).encode()
        }
        // A frontier that lies: far ahead, and of journals that nobody has.
        2 => {
            let notebook = world.machines[to].store.meta().ok().flatten().expect("it has a store").notebook;
            let lie = |device| Tip { device, volume: Volume(1), seq: u64::MAX, hash: RecordHash([1; 32]) };
            let mut tips: Vec<Tip> = (0..50).map(|_| lie(DeviceId(world.rng.bytes()))).collect();
            tips.push(lie(founder));
            // One more than there is of the listener's own journal.
            let meta = world.machines[to].store.meta().ok().flatten().expect("it has a store");
            let own = |tip: &&Tip| tip.device == meta.device && tip.volume == meta.volume;
            let known =
                world.machines[to].store.tips().unwrap_or_default().iter().find(own).map_or(0, |tip| tip.seq);
            tips.push(Tip {
                device: meta.device,
                volume: meta.volume,
                seq: known + 1,
                hash: RecordHash([1; 32]),
            });
            Message::Hello { notebook, tips, receipts: Vec::new() }.encode()
        }
        // One of its devices speaks, and lets in another one.
        8 if !mallory.socks.is_empty() => {
            let sock = world.rng.pick(&mallory.socks).cloned().expect("there is one");
            let next = DeviceId(world.rng.bytes());
            let admit = MembershipChange::Admit { device: next, role: Role::Owner, name: "sock's".into() };
            let none = RecordHash([0; 32]);
            let first = mallory.sign(&sock, Vec::new(), (1, none), &Payload::Membership(admit), world);
            let birth = forged_birth(world);
            let second = mallory.sign(&sock, Vec::new(), (2, first.hash()), &birth, world);
            Message::Records(vec![first, second]).encode()
        }
        // Its whole journal, in the wrong order.
        3 => Message::Records(mallory.journal.iter().rev().cloned().collect()).encode(),
        _ => {
            mallory.journal.push(record);
            Message::Records(mallory.journal.clone()).encode()
        }
    };
    world.mallory = Some(mallory);
    world.inject(from, to, frame, 5);
}
