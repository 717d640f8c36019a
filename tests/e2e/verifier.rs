//! `tests/verify/verify.py`, which knows only the documents, against bundles that a daemon made, good ones and tampered ones.

use std::fs;
use std::path::Path;
use std::process::Command;

use codex_crdt_model::bundle::{MAGIC, Part, Place};
use codex_crdt_model::journal::record::{Header, Record};
use serde_json::Value;

use crate::daemon::until;
use crate::{alone, join, tree};

/// The interpreter that has what the verifier needs.
fn python(root: &Path) -> String {
    let prepared = Command::new(root.join("prepare")).output().unwrap();
    assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
    String::from_utf8(prepared.stdout).unwrap().trim().to_owned()
}

pub struct Verifier {
    root: std::path::PathBuf,
    python: String,
}

impl Verifier {
    pub fn find() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("verify");
        let python = python(&root);
        Self { root, python }
    }

    /// Exit code, and what was printed.
    fn run(&self, file: &Path) -> (i32, Value) {
        self.run_with(file, &[])
    }

    /// Also with the folder of files, and options.
    fn run_with(&self, file: &Path, more: &[&str]) -> (i32, Value) {
        let mut command = Command::new(&self.python);
        let output = command.arg(self.root.join("verify.py")).arg(file).args(more).output().unwrap();
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code().unwrap(), report)
    }

    fn good(&self, file: &Path) -> Value {
        self.good_with(file, &[])
    }

    pub fn good_with(&self, file: &Path, more: &[&str]) -> Value {
        let (code, report) = self.run_with(file, more);
        assert_eq!((code, &report["good"]), (0, &true.into()), "{report:#}");
        assert_eq!(report["notes"], serde_json::json!([]), "{report:#}");
        report
    }

    /// That it is refused, and the record is named; `None`: something else than a record is.
    pub fn names(&self, what: &str, file: &Path, place: Option<Place>, reason: &str) {
        let (code, report) = self.run(file);
        assert_eq!((code, &report["good"]), (1, &false.into()), "{what}: {report:#}");
        let is_it = |fault: &Value| {
            let there = match place {
                None => fault["seq"].is_null(),
                Some(at) => {
                    fault["device"] == at.device.to_string()
                        && fault["volume"].as_str() == Some(&at.volume.0.to_string())
                        && fault["seq"] == at.seq
                }
            };
            there && fault["reason"].as_str().unwrap().contains(reason)
        };
        let faults = report["faults"].as_array().unwrap();
        assert!(faults.iter().any(is_it), "{what}: {place:?} is not named: {report:#}");
    }
}

pub fn parts(file: &Path) -> Vec<Part> {
    let bytes = fs::read(file).unwrap();
    let mut rest = bytes.strip_prefix(MAGIC).unwrap();
    let mut parts = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        parts.push(Part::decode(&after[8..8 + length]).unwrap());
        rest = &after[8 + length..];
    }
    parts
}

/// Writes parts with right lengths and checksums, as whoever tampers does.
pub fn write(file: &Path, parts: &[Part]) {
    let mut bytes = MAGIC.to_vec();
    for part in parts {
        let frame = part.encode();
        bytes.extend(u32::try_from(frame.len()).unwrap().to_be_bytes());
        bytes.extend(Part::checksum(&frame));
        bytes.extend(frame);
    }
    fs::write(file, bytes).unwrap();
}

pub fn place(part: &Part) -> Option<Place> {
    let Part::Record(record) = part else { return None };
    Header::decode(&record.header).map(|header| Place::of(&header))
}

pub fn record(part: &mut Part) -> &mut Record {
    let Part::Record(record) = part else { panic!("{part:?} is no record") };
    record
}

/// Law 7 for whoever trusts nobody: what was signed can be checked from the documents alone.
#[test]
fn an_independent_verifier_accepts_what_is_good_and_names_what_is_not() {
    let verifier = Verifier::find();
    let (dir, a) = alone(|folder| {
        fs::write(folder.join("note.md"), "one\ntwo\n").unwrap();
        fs::write(folder.join("plate.png"), vec![0xffu8; 2_500_000]).unwrap();
        fs::create_dir_all(folder.join("empty")).unwrap();
        fs::write(folder.join("nothing.bin"), [0u8; 0]).unwrap();
    });
    a.run(&["wait", "--idle", "--timeout", "3m"]);
    let b = join(dir.path(), &a);
    let told = |text: &str| fs::read_to_string(a.folder.join("note.md")).is_ok_and(|t| t == text);
    until("both are the same", || tree(&a.folder) == tree(&b.folder));
    for (folder, text) in [(&b.folder, "one, by b\ntwo\n"), (&a.folder, "one, by b\ntwo, by a\n")] {
        fs::write(folder.join("note.md"), text).unwrap();
        until("it arrived", || told(text) && tree(&a.folder) == tree(&b.folder));
        a.run(&["wait", "--synced", "--timeout", "3m"]);
    }
    a.run(&["seal", "notes", "note.md", "--meaning", "recorded"]);
    until("B has the seal", || b.json(&["seals", "notes", "note.md"])["items"][0]["signed"] == 1);
    b.run(&["witness", "notes", "note.md", "--meaning", "witnessed"]);
    until("A has the witness", || a.json(&["seals", "notes", "note.md"])["items"][0]["signed"] == 2);
    b.run(&["comment", "notes", "note.md", "--text", "why two?", "--on", "two"]);
    until("A has the comment", || a.json(&["comments", "notes"])["items"][0]["quote"] == "two");
    let thread = a.json(&["comments", "notes"])["items"][0]["id"].as_str().unwrap()[..8].to_owned();
    a.run(&["comment", "notes", "note.md", "--to", &thread, "--text", "a habit", "--resolve"]);
    a.run(&["wait", "--synced", "--timeout", "3m"]);
    let whole = dir.path().join("whole");
    a.run(&["bundle", "export", "notes", whole.to_str().unwrap()]);
    let device = b.status()["device"]["id"].as_str().unwrap().to_owned();
    let news = dir.path().join("news");
    a.run(&["bundle", "export", "notes", news.to_str().unwrap(), "--for", &device]);

    let report = verifier.good(&whole);
    assert!(report["founded"] == true && report["records"].as_u64() > Some(4), "{report:#}");
    assert!(report["attachments"] == 1 && report["receipts"] == 2, "{report:#}");
    let seal = &report["seals"][0];
    assert_eq!((&seal["path"], &seal["carried"]), (&"note.md".into(), &true.into()), "{report:#}");
    assert_eq!(seal["witnesses"][0]["device"], b.device(), "{report:#}");
    for (text, is_it) in [("one, by b\ntwo, by a\n", true), ("another\n", false)] {
        let files = dir.path().join("files");
        fs::create_dir_all(&files).unwrap();
        fs::write(files.join("note.md"), text).unwrap();
        let (_, report) = verifier.run_with(&whole, &[files.to_str().unwrap()]);
        assert_eq!(report["seals"][0]["in_folder"], is_it, "{report:#}");
    }
    // A name is no content: what was only moved is found by its bytes.
    let files = dir.path().join("files");
    fs::create_dir_all(files.join("2026/.git")).unwrap();
    for path in ["2026/first day.md", "2026/.git/copy"] {
        fs::write(files.join(path), "one, by b\ntwo, by a\n").unwrap();
    }
    let report = verifier.good_with(&whole, &[files.to_str().unwrap()]);
    let sealed = &report["seals"][0];
    assert_eq!(sealed["in_folder"], false, "{report:#}");
    assert_eq!(sealed["now_at"], serde_json::json!(["2026/first day.md"]), "{report:#}");
    let report = verifier.good(&news);
    assert!(report["left_out"].as_u64() > Some(4) && report["attachments"] == 0, "{report:#}");

    let good = parts(&whole);
    // Two records that follow one another in one journal, the second with edits; and the last of another journal.
    let at = (1..good.len())
        .find(|n| {
            let (one, two) = (place(&good[*n]), place(&good[n + 1]));
            matches!((one, two), (Some(one), Some(two)) if one.device == two.device && one.volume == two.volume)
        })
        .unwrap();
    let second = place(&good[at + 1]);
    let last = good.iter().rposition(|part| place(part).is_some()).unwrap();
    let blob = good.iter().position(|part| matches!(part, Part::Bytes(_))).unwrap();
    let bent = dir.path().join("bent");
    let tampered = |change: &dyn Fn(&mut Vec<Part>)| {
        let mut parts = good.clone();
        change(&mut parts);
        write(&bent, &parts);
    };
    let check = |what: &str, at: Option<Place>, reason: &str, change: &dyn Fn(&mut Vec<Part>)| {
        tampered(change);
        verifier.names(what, &bent, at, reason);
        let refused = b.try_run(&["bundle", "import", bent.to_str().unwrap()]);
        assert!(refused.is_err(), "{what}: the daemon takes it");
    };
    check("payload", second, "payload", &|p| *record(&mut p[at + 1]).payload.last_mut().unwrap() ^= 1);
    check("signature", second, "signature", &|p| record(&mut p[at + 1]).signature[5] ^= 1);
    check("removed", second, "is missing", &|p| drop(p.remove(at + 1)));
    check("last removed", place(&good[last]), "is missing", &|p| drop(p.remove(last)));
    check("swapped", second, "is expected", &|p| p.swap(at, at + 1));
    check("twice", second, "already", &|p| p.insert(at + 2, p[at + 1].clone()));
    check("founding removed", place(&good[1]), "is missing", &|p| drop(p.remove(1)));
    let of_kind = |part: &Part, kind: u16| {
        let Part::Record(record) = part else { return false };
        Header::decode(&record.header).is_some_and(|header| header.kind == kind)
    };
    let seal = good
        .iter()
        .rposition(|part| {
            of_kind(part, 3) && place(part).is_some_and(|at| at.device.to_string() == a.device())
        })
        .unwrap();
    let comment = good.iter().position(|part| of_kind(part, 5)).unwrap();
    check("what was said", place(&good[comment]), "payload", &|p| {
        let payload = &mut record(&mut p[comment]).payload;
        let at = payload.windows(4).position(|window| window == b"why ").unwrap();
        payload[at] = b'W';
    });
    check("sealed text", place(&good[seal]), "payload", &|p| {
        let payload = &mut record(&mut p[seal]).payload;
        let at = payload.windows(3).position(|window| window == b"two").unwrap();
        payload[at] = b'T';
    });
    check("cut", None, "no end", &|p| drop(p.pop()));
    check("attachment", None, "other bytes", &|p| {
        let Part::Bytes(bytes) = &mut p[blob] else { panic!("bytes") };
        bytes[0] ^= 1;
    });
    check("receipt", None, "receipt", &|p| {
        let receipts = p.iter_mut().find_map(|part| match part {
            Part::Receipts(receipts) => Some(receipts),
            _ => None,
        });
        receipts.unwrap()[0].number += 1;
    });

    // Damage on the way: the same bytes without a new checksum, and a file that was cut off in the middle of a record.
    let bytes = fs::read(&whole).unwrap();
    let payload = record(&mut good[at + 1].clone()).payload.clone();
    let found = bytes.windows(payload.len()).position(|window| window == payload).unwrap();
    let mut damaged = bytes.clone();
    damaged[found] ^= 1;
    fs::write(&bent, damaged).unwrap();
    verifier.names("damaged", &bent, second, "damaged");
    fs::write(&bent, &bytes[..found]).unwrap();
    verifier.names("truncated", &bent, second, "cut off");
    for garbage in [&b""[..], b"hello", &bytes[..20], &[MAGIC.as_slice(), &[0xff; 4000]].concat()] {
        fs::write(&bent, garbage).unwrap();
        assert_eq!(verifier.run(&bent).0, 1);
    }
}

/// Whoever has no idea how to call it asks, also before anything is installed.
#[test]
fn the_verifier_says_how_it_is_called() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("verify/verify.py");
    let asked = Command::new("python3").arg("-I").arg(file).arg("--help").output().unwrap();
    assert!(asked.status.success(), "{asked:?}");
    assert!(String::from_utf8(asked.stdout).unwrap().contains("verify.py FILE [FOLDER] [--tokens FOLDER]"));
}
