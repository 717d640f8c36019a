//! `docs/journal-format.md`, `docs/protocol.md` and `docs/bundle-format.md` against the code: every example, byte by byte, and every bound.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use codex_crdt_model::bundle::{Head, MAGIC, Part};
use codex_crdt_model::entry::{Birth, Content};
use codex_crdt_model::ids::{
    ChangeHash, ContentHash, DeviceId, EntryId, NotebookId, PersonId, RecordHash, Volume,
};
use codex_crdt_model::journal::comment::Anchor;
use codex_crdt_model::journal::membership::{consent, recovered, recovery};
use codex_crdt_model::journal::record::{Header, Item, Payload, RECORD_FORMAT, Record, notebook_id};
use codex_crdt_model::journal::seal::{SealedEntry, SealedPart};
use codex_crdt_model::journal::{
    Comment, Fork, Frontier, MembershipChange, Receipt, Role, Seal, Timestamp, Tip,
};
use codex_crdt_model::limits;
use codex_crdt_model::store::MissingBlob;
use codex_crdt_model::sync::Message;
use ed25519_dalek::{Signature, SigningKey};

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// An example: bytes, `None` where any will do.
type Example = Vec<Option<u8>>;

/// The fenced blocks that begin with "```hex NAME".
fn examples(text: &str) -> BTreeMap<String, Example> {
    let mut found = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```hex ") else { continue };
        let block = lines.by_ref().take_while(|line| *line != "```");
        let bytes = block.flat_map(|line| bytes_of(line.split("  ").next().unwrap())).collect();
        assert!(found.insert(name.to_owned(), bytes).is_none(), "`{name}` is there twice");
    }
    found
}

fn bytes_of(words: &str) -> Example {
    let mut bytes = Vec::new();
    for word in words.split_whitespace() {
        let (digits, times) = word.split_once('*').map_or((word, 1), |(d, n)| (d, n.parse().unwrap()));
        for _ in 0..times {
            bytes.extend(
                (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()),
            );
        }
    }
    bytes
}

fn check(examples: &mut BTreeMap<String, Example>, name: &str, bytes: &[u8]) {
    let example = examples.remove(name).unwrap_or_else(|| panic!("no example is called `{name}`"));
    let same = example.len() == bytes.len()
        && example.iter().zip(bytes).all(|(expect, byte)| expect.is_none_or(|expect| expect == *byte));
    let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        same,
        "`{name}` is {} ({} bytes, the example has {})",
        shown.join(""),
        bytes.len(),
        example.len()
    );
}

fn tip() -> Tip {
    Tip { device: DeviceId([5; 32]), volume: Volume(2), seq: 7, hash: RecordHash([6; 32]) }
}

fn record(key: &SigningKey, payload: &Payload) -> Record {
    let header = Header {
        format: RECORD_FORMAT,
        notebook: NotebookId([9; 32]),
        device: DeviceId(key.verifying_key().to_bytes()),
        volume: Volume(300),
        seq: 1,
        previous: RecordHash([0; 32]),
        seen: vec![tip()],
        membership: Vec::new(),
        time: 1000,
        kind: 0,
        payload_hash: ContentHash([0; 32]),
        payload_size: 0,
    };
    Record::sign(key, header, payload)
}

fn birth(parent: u8, name: &str, content: Content, nonce: u64) -> Vec<u8> {
    let birth = Birth {
        format: 1,
        notebook: NotebookId([9; 32]),
        parent: EntryId([parent; 32]),
        name: name.into(),
        content,
        nonce,
    };
    let bytes = birth.encode();
    assert_eq!(birth.id().0, blake3::derive_key("codex 2026 entry birth", &bytes));
    assert_eq!(Birth::decode(&bytes), Some(birth));
    bytes
}

#[test]
fn the_examples_of_the_journal_format_are_what_the_code_writes() {
    let mut examples = examples(&document("journal-format.md"));
    let key = SigningKey::from_bytes(&[3; 32]);
    let payload = Payload::Edit(vec![Item::Birth(vec![0xb1; 24])]);
    let signed = record(&key, &payload);
    check(&mut examples, "header", &signed.header);
    let said = [&b"codex record 1\0"[..], &signed.header].concat();
    let signature = Signature::from_slice(&signed.signature).unwrap();
    key.verifying_key().verify_strict(&said, &signature).unwrap();
    assert_eq!(signed.hash().0, blake3::derive_key("codex 2026 record", &signed.header));
    let header = signed.verify(&NotebookId([9; 32])).unwrap();
    assert_eq!(header.payload_hash.0, *blake3::hash(&signed.payload).as_bytes());

    let change = Item::Change { entry: EntryId([8; 32]), branch: 128, change: vec![0xc1, 0xc2, 0xc3] };
    let payload = |payload: Payload| record(&key, &payload).payload;
    check(&mut examples, "edit", &payload(Payload::Edit(vec![Item::Birth(vec![0xb1, 0xb2]), change])));
    let found = MembershipChange::Found { nonce: [4; 16], name: "lab".into(), device_name: "a".into() };
    check(&mut examples, "found", &payload(Payload::Membership(found)));
    let admit = MembershipChange::Admit { device: DeviceId([5; 32]), role: Role::Editor, name: "b".into() };
    check(&mut examples, "admit", &payload(Payload::Membership(admit)));
    let device = DeviceId([5; 32]);
    let person = PersonId([11; 32]);
    let accepted = vec![tip()];
    let statements = [
        (
            "device",
            MembershipChange::Device {
                device,
                name: "b".into(),
                consent: consent(&key, &NotebookId([9; 32]), &person),
            },
        ),
        ("role", MembershipChange::Role { person, role: Some(Role::Viewer), accepted: accepted.clone() }),
        ("removal", MembershipChange::Role { person, role: None, accepted: Vec::new() }),
        ("revoke", MembershipChange::Revoke { device, accepted: Vec::new() }),
        ("profile", MembershipChange::Profile { name: "Ada".into(), colour: [0xff, 0x80, 0] }),
        ("recovery", MembershipChange::Recovery { key: [12; 32] }),
        (
            "recover",
            MembershipChange::Recover {
                person,
                device,
                name: "b".into(),
                proof: recovery(&key, &NotebookId([9; 32]), &device),
                consent: recovered(&key, &NotebookId([9; 32]), &[12; 32]),
            },
        ),
        ("release", MembershipChange::Release { accepted }),
        ("seal rule", MembershipChange::SealRule { needed: 2, of: vec![person] }),
    ];
    for (name, statement) in statements {
        check(&mut examples, name, &payload(Payload::Membership(statement)));
    }
    let text = "hi\n".to_owned();
    let part = SealedPart {
        entry: EntryId([7; 32]),
        path: "p.png".into(),
        hash: ContentHash([10; 32]),
        size: 123_456,
    };
    let sealed = SealedEntry {
        entry: EntryId([8; 32]),
        version: vec![ChangeHash([6; 32])],
        path: "a.md".into(),
        hash: ContentHash::of(text.as_bytes()),
        size: 3,
        text: Some(text),
        parts: vec![part],
        meaning: "done".into(),
        locks: true,
    };
    check(&mut examples, "seal", &payload(Payload::Seal(Seal::Entry(sealed))));
    let witness =
        Seal::Witness { entry: EntryId([8; 32]), seal: RecordHash([6; 32]), meaning: "read".into() };
    check(&mut examples, "witness", &payload(Payload::Seal(witness)));
    let unlock = Seal::Unlock { entry: EntryId([8; 32]), seal: RecordHash([6; 32]), meaning: "more".into() };
    check(&mut examples, "unlock", &payload(Payload::Seal(unlock)));
    let (entry, thread) = (EntryId([8; 32]), RecordHash([6; 32]));
    let anchor = Anchor {
        version: vec![ChangeHash([6; 32])],
        start: 5,
        end: 300,
        quote: "boil".into(),
        before: "  ".into(),
        after: "\n".into(),
    };
    let comments = [
        ("thread", Comment::Thread { entry, anchor: Some(anchor), text: "why?".into() }),
        ("reply", Comment::Reply { entry, thread, text: "yes".into() }),
        ("resolve", Comment::Resolve { entry, thread, resolved: true, turn: 2 }),
        ("comment edit", Comment::Edit { entry, comment: thread, text: None, turn: 1 }),
    ];
    for (name, comment) in comments {
        check(&mut examples, name, &payload(Payload::Comment(comment)));
    }
    let stamp =
        Timestamp { seals: vec![RecordHash([6; 32])], tips: vec![tip()], token: vec![0x30, 0x7f, 0x06] };
    check(&mut examples, "timestamp", &payload(Payload::Timestamp(stamp)));
    let signed = |said: &[&[u8]], signature: &[u8]| {
        let signature = Signature::from_slice(signature).unwrap();
        key.verifying_key().verify_strict(&said.concat(), &signature).unwrap();
    };
    let said = consent(&key, &NotebookId([9; 32]), &person);
    signed(&[b"codex device 1\0", &[9; 32], &[11; 32]], &said);
    let said = recovery(&key, &NotebookId([9; 32]), &device);
    signed(&[b"codex recovery 1\0", &[9; 32], &[5; 32]], &said);
    let said = recovered(&key, &NotebookId([9; 32]), &[12; 32]);
    signed(&[b"codex recovered 1\0", &[9; 32], &[12; 32]], &said);
    let founder = DeviceId(key.verifying_key().to_bytes());
    let id = blake3::derive_key("codex 2026 notebook", &[&founder.0[..], &[4; 16]].concat());
    assert_eq!(notebook_id(&founder, &[4; 16]).0, id);

    check(&mut examples, "birth text", &birth(0, "a.md", Content::Text("hi\n".into()), 0));
    let blob = Content::Blob { hash: ContentHash([7; 32]), size: 65_536 };
    check(&mut examples, "birth blob", &birth(8, "p", blob, 0));
    check(&mut examples, "birth folder", &birth(0, "d", Content::Folder, u64::MAX));
    check(&mut examples, "birth link", &birth(0, "l", Content::Symlink("..".into()), 0));

    let frontier = Frontier::from_tips([tip()]);
    let left = MissingBlob { size: 5, wanted: false };
    let missing = BTreeMap::from([(ContentHash([10; 32]), left)]);
    let receipt = Receipt::sign(&key, NotebookId([9; 32]), 5, &frontier, &missing);
    // A receipt stands on the wire as in a message, after the variant's number and the count.
    let bytes = Message::Receipts(vec![receipt]).encode()[2..].to_vec();
    let (fields, signature) = bytes.split_at(bytes.len() - 65);
    let said = [&b"codex receipt 1\0"[..], fields].concat();
    let signature = Signature::from_slice(&signature[1..]).unwrap();
    key.verifying_key().verify_strict(&said, &signature).unwrap();
    check(&mut examples, "receipt", &bytes);
    assert!(examples.is_empty(), "examples that nothing checks: {:?}", examples.keys());
}

#[test]
fn the_messages_of_the_protocol_are_what_the_code_sends() {
    let mut examples = examples(&document("protocol.md"));
    let hello = Message::Hello { notebook: NotebookId([9; 32]), tips: vec![tip()], receipts: Vec::new() };
    let record = Record { header: vec![1, 2, 3], signature: vec![0; 64], payload: vec![0xb1, 0xb2] };
    let receipts = Message::Receipts(Vec::new());
    let fork = fork();
    let messages = [
        ("hello", hello),
        ("records", Message::Records(vec![record])),
        ("receipts", receipts),
        ("fork", Message::Fork(fork)),
    ];
    for (name, message) in messages {
        check(&mut examples, &format!("message {name}"), &message.encode());
        assert_eq!(Message::decode(&message.encode()), Some(message));
    }
}

fn fork() -> Fork {
    let side = |header: Vec<u8>| Record { header, signature: vec![0; 64], payload: Vec::new() };
    Fork { one: side(vec![1, 2]), other: side(vec![1, 3]) }
}

#[test]
fn the_parts_of_a_bundle_are_what_the_code_writes() {
    let mut examples = examples(&document("bundle-format.md"));
    let head = Head {
        notebook: NotebookId([9; 32]),
        name: "lab".into(),
        maker: DeviceId([5; 32]),
        made: 1000,
        base: Vec::new(),
        tips: vec![tip()],
        blobs: 1,
    };
    let record = Record { header: vec![1, 2, 3], signature: vec![0; 64], payload: vec![0xb1, 0xb2] };
    check(&mut examples, "magic", MAGIC);
    let end = Part::End.encode();
    let frame = [&[0, 0, 0, 1][..], &blake3::hash(&end).as_bytes()[..8], &end].concat();
    assert_eq!(Part::checksum(&end), blake3::hash(&end).as_bytes()[..8]);
    check(&mut examples, "frame end", &frame);
    let parts = [
        ("head", Part::Head(head)),
        ("record", Part::Record(record)),
        ("receipts", Part::Receipts(Vec::new())),
        ("blob", Part::Blob { hash: ContentHash([10; 32]), size: 123_456 }),
        ("bytes", Part::Bytes(vec![0xb1, 0xb2])),
        ("fork", Part::Fork(fork())),
    ];
    for (name, part) in parts {
        check(&mut examples, name, &part.encode());
        assert_eq!(Part::decode(&part.encode()), Some(part));
    }
    assert!(examples.is_empty(), "examples that nothing checks: {:?}", examples.keys());
}

#[test]
fn the_bounds_in_the_documents_are_those_of_the_code() {
    let known: BTreeMap<&str, usize> = [
        ("HEADER_BYTES", limits::HEADER_BYTES),
        ("RECORD_BYTES", limits::RECORD_BYTES),
        ("RECORD_ITEMS", limits::RECORD_ITEMS),
        ("SEEN_TIPS", limits::SEEN_TIPS),
        ("MEANING_BYTES", limits::MEANING_BYTES),
        ("SEAL_PARTS", limits::SEAL_PARTS),
        ("SEALERS", limits::SEALERS),
        ("COMMENT_BYTES", limits::COMMENT_BYTES),
        ("QUOTE_BYTES", limits::QUOTE_BYTES),
        ("AROUND_BYTES", limits::AROUND_BYTES),
        ("TIMESTAMP_SEALS", limits::TIMESTAMP_SEALS),
        ("TIMESTAMP_TOKEN_BYTES", limits::TIMESTAMP_TOKEN_BYTES),
        ("RECEIPT_BLOBS", limits::RECEIPT_BLOBS),
        ("TEXT_BYTES", limits::TEXT_BYTES),
        ("NAME_BYTES", limits::NAME_BYTES),
        ("PATH_BYTES", limits::PATH_BYTES),
        ("CHANGE_BYTES", limits::CHANGE_BYTES),
        ("CHANGE_OPS", limits::CHANGE_OPS),
        ("BRANCHES", limits::BRANCHES as usize),
        ("FRAME_BYTES", limits::FRAME_BYTES),
        ("BATCH_BYTES", limits::BATCH_BYTES),
        ("BATCH_RECORDS", limits::BATCH_RECORDS),
        ("RECEIPTS", limits::RECEIPTS),
        ("BUNDLE_CHUNK_BYTES", limits::BUNDLE_CHUNK_BYTES),
    ]
    .into();
    let mut named = BTreeMap::new();
    let all = ["journal-format.md", "protocol.md", "bundle-format.md"].map(document);
    for line in all.concat().lines() {
        let Some((name, value)) = line.strip_prefix("| `").and_then(|rest| rest.split_once("` | ")) else {
            continue;
        };
        if let Ok(value) = value.trim_end_matches(" |").parse::<usize>() {
            let before = named.insert(name.to_owned(), value);
            assert!(before.is_none_or(|before| before == value), "`{name}` is two bounds");
        }
    }
    // Of the transport, which the core does not know.
    assert_eq!(named.remove("GREETING_BYTES"), Some(4096));
    let named: BTreeMap<&str, usize> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(named, known);
}
