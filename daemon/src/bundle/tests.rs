#![allow(clippy::unwrap_used)]
use codex_crdt_model::Core;
use codex_crdt_model::core::Origin;
use codex_crdt_model::ids::{ContentHash, DeviceId};
use codex_crdt_model::journal::record::{Header, Item, Payload, Record};
use codex_crdt_model::journal::{Fork, Frontier, Receipt, Tip};
use ed25519_dalek::SigningKey;

use super::*;

/// A journal of four records and one attachment, as a bundle.
struct Sample {
    dir: tempfile::TempDir,
    head: Head,
    parts: Vec<Part>,
}

fn tip(record: &Record) -> Tip {
    record.header().unwrap().tip(record.hash())
}

fn sample() -> Sample {
    let key = SigningKey::from_bytes(&[3; 32]);
    let origin = Origin::Found { name: "lab".into(), device_name: "a".into() };
    let founding = Core::create(&key, origin, [4; 32], 1000);
    let notebook = founding.meta.unwrap().notebook;
    let mut records = vec![founding.records[0].record.clone()];
    for n in 0..3 {
        let last = tip(records.last().unwrap());
        let header = Header { seq: last.seq + 1, previous: last.hash, ..records[0].header().unwrap() };
        records.push(Record::sign(&key, header, &Payload::Edit(vec![Item::Birth(vec![n; 40])])));
    }
    let tips = vec![tip(records.last().unwrap())];
    let receipt = Receipt::sign(
        &key,
        notebook,
        1,
        &Frontier::from_tips(tips.iter().copied()),
        &std::collections::BTreeMap::new(),
    );
    let bytes = vec![7; 3000];
    let mut parts: Vec<Part> = records.into_iter().map(Part::Record).collect();
    parts.push(Part::Receipts(vec![receipt]));
    parts.push(Part::Blob { hash: ContentHash::of(&bytes), size: 3000 });
    parts.extend(bytes.chunks(2000).map(|chunk| Part::Bytes(chunk.to_vec())));
    let maker = DeviceId(key.verifying_key().to_bytes());
    let head = Head { notebook, name: "lab".into(), maker, made: 2000, base: Vec::new(), tips, blobs: 1 };
    Sample { dir: tempfile::tempdir().unwrap(), head, parts }
}

impl Sample {
    fn write(&self, name: &str, parts: &[Part]) -> PathBuf {
        let path = self.dir.path().join(name);
        let mut writer = Writer::create(&path, self.head.clone()).unwrap();
        parts.iter().for_each(|part| writer.part(part).unwrap());
        writer.finish().unwrap();
        path
    }

    fn fault(&self, name: &str, parts: &[Part]) -> (Option<u64>, String) {
        let (_, error) = read(&self.write(name, parts));
        let fault = error.unwrap().fault;
        (fault.at.map(|at| at.seq), fault.reason)
    }
}

/// Parts that were good, and what was not.
fn read(path: &Path) -> (Vec<Part>, Option<ReadError>) {
    let mut parts = Vec::new();
    let mut reader = match Reader::open(path) {
        Ok(reader) => reader,
        Err(error) => return (parts, Some(error)),
    };
    loop {
        match reader.next_part() {
            Ok(Some(part)) => parts.push(part),
            Ok(None) => return (parts, None),
            Err(error) => return (parts, Some(error)),
        }
    }
}

#[test]
fn what_was_written_is_read() {
    let sample = sample();
    let (parts, error) = read(&sample.write("good", &sample.parts));
    assert!(error.is_none(), "{error:?}");
    assert_eq!(parts[..sample.parts.len()], sample.parts[..]);
    assert_eq!(parts.last(), Some(&Part::End));
}

/// losses.md L45
#[test]
fn a_bundle_that_is_cut_off_anywhere_gives_what_was_good_and_says_where_it_ends() {
    let sample = sample();
    let whole = std::fs::read(sample.write("good", &sample.parts)).unwrap();
    let (good, _) = read(&sample.dir.path().join("good"));
    let cut = sample.dir.path().join("cut");
    let mut before = 0;
    for end in (0..whole.len()).rev() {
        std::fs::write(&cut, &whole[..end]).unwrap();
        let (parts, error) = read(&cut);
        let fault = error.expect("it is not whole").fault;
        assert_eq!(parts[..], good[..parts.len()], "cut at {end}");
        assert!(before == 0 || parts.len() <= before, "cut at {end}");
        before = parts.len();
        // In the middle of a record, it is the next one that is named.
        if let Some(at) = fault.at {
            assert_eq!(at.seq as usize, parts.len() + 1, "cut at {end}: {fault}");
        }
    }
}

/// losses.md L45
#[test]
fn one_changed_byte_anywhere_is_noticed_and_what_was_before_it_is_good() {
    let sample = sample();
    let whole = std::fs::read(sample.write("good", &sample.parts)).unwrap();
    let (good, _) = read(&sample.dir.path().join("good"));
    let bent = sample.dir.path().join("bent");
    for at in 0..whole.len() {
        for bit in [1, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            std::fs::write(&bent, &bytes).unwrap();
            let (parts, error) = read(&bent);
            assert!(error.is_some(), "byte {at} changed and nobody noticed");
            assert_eq!(parts[..], good[..parts.len()], "byte {at}");
        }
    }
}

/// Whoever tampers with a bundle also writes the right checksums.
#[test]
fn a_tampered_record_is_named() {
    let sample = sample();
    let with = |change: &dyn Fn(&mut Vec<Part>)| {
        let mut parts = sample.parts.clone();
        change(&mut parts);
        parts
    };
    let bend = |part: &mut Part, bend: &dyn Fn(&mut Record)| {
        let Part::Record(record) = part else { panic!("a record") };
        bend(record);
    };
    let cases: [(&str, Vec<Part>, Option<u64>, &str); 9] = [
        ("payload", with(&|p| bend(&mut p[2], &|r| r.payload[9] ^= 1)), Some(3), "payload"),
        ("signature", with(&|p| bend(&mut p[1], &|r| r.signature[9] ^= 1)), Some(2), "signature"),
        ("header", with(&|p| bend(&mut p[1], &|r| *r.header.last_mut().unwrap() ^= 1)), Some(2), "signature"),
        ("removed", with(&|p| drop(p.remove(1))), Some(3), "2 expected"),
        ("last removed", with(&|p| drop(p.remove(3))), Some(4), "missing"),
        ("swapped", with(&|p| p.swap(1, 2)), Some(3), "2 expected"),
        ("twice", with(&|p| p.insert(1, p[0].clone())), Some(1), "2 expected"),
        ("bytes", with(&|p| p[6] = Part::Bytes(vec![8; 2000])), None, "other bytes"),
        ("order", with(&|p| p.swap(3, 4)), Some(4), "missing"),
    ];
    for (name, parts, seq, reason) in cases {
        let found = sample.fault(name, &parts);
        assert!(found.0 == seq && found.1.contains(reason), "{name}: {found:?}");
    }
}

#[test]
fn what_is_no_bundle_is_said_to_be_none_and_nothing_is_written_over() {
    let sample = sample();
    let path = sample.dir.path().join("x");
    for (bytes, expect) in [
        (&b""[..], "no bundle"),
        (b"codex bundle 1\0", "cut off"),
        (b"codex bundle 2\0........................", "version"),
        (b"codex bundle 1\0\xff\xff\xff\xff01234567", "longer than any"),
        (b"# A note\n\nwith text, long enough to hold a head.\n", "no bundle"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = Reader::open(&path).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
    let pipe = sample.dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for path in [sample.dir.path(), &pipe] {
        let error = Reader::open(path).unwrap_err().to_string();
        assert!(error.contains("not a file"), "{error}");
    }
    std::fs::remove_file(pipe).unwrap();
    let error = Writer::create(&path, sample.head.clone()).unwrap_err().to_string();
    assert!(error.contains("something already"), "{error}");
    // One that is never finished leaves nothing.
    drop(Writer::create(&sample.dir.path().join("y"), sample.head.clone()).unwrap());
    assert_eq!(std::fs::read_dir(sample.dir.path()).unwrap().count(), 1);
}

/// Of a journal that was continued twice the maker has one branch; what others saw of the other one is not missed.
#[test]
fn behind_the_proof_of_a_fork_the_other_branch_may_be_lacking() {
    let mut sample = sample();
    let liar = SigningKey::from_bytes(&[5; 32]);
    let device = DeviceId(liar.verifying_key().to_bytes());
    let Part::Record(last) = sample.parts[3].clone() else { panic!("a record") };
    let header = last.header().unwrap();
    let sign = |text: u8| {
        let header =
            Header { device, seq: 1, previous: codex_crdt_model::ids::RecordHash([0; 32]), ..header.clone() };
        Record::sign(&liar, header, &Payload::Unknown(9, vec![text]))
    };
    let (here, elsewhere) = (sign(1), sign(2));
    let author = SigningKey::from_bytes(&[3; 32]);
    let saw = Header { seen: vec![tip(&elsewhere)], ..header };
    let Some(Payload::Edit(items)) = Payload::decode(Payload::EDIT, &last.payload) else { panic!("an edit") };
    let saw = Record::sign(&author, saw, &Payload::Edit(items));
    sample.head.tips = vec![tip(&saw), tip(&here)];
    let fork = Fork { one: here.bare(), other: elsewhere.bare() };
    let with = |proof: Option<Fork>| {
        let mut parts = sample.parts.clone();
        parts.splice(
            3..4,
            proof.map(Part::Fork).into_iter().chain([Part::Record(saw.clone()), Part::Record(here.clone())]),
        );
        parts
    };
    let (parts, error) = read(&sample.write("proved", &with(Some(fork.clone()))));
    assert!(error.is_none() && parts.len() == sample.parts.len() + 3, "{error:?}");
    assert_eq!(sample.fault("unproved", &with(None)).0, Some(4));
    let same = Fork { other: fork.one.clone(), ..fork.clone() };
    assert!(sample.fault("same", &with(Some(same))).1.contains("no proof"));
    let unsigned = Fork { other: Record { signature: vec![0; 64], ..fork.other }, ..fork };
    assert!(sample.fault("unsigned", &with(Some(unsigned))).1.contains("signature"));
}
