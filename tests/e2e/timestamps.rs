//! Timestamps of seals, by an authority that `openssl ts` is: what it signs is kept, goes to others, and is checked by everybody;
//! what is not good is not kept, and said.

use std::fs;
use std::path::Path;

use codex_crdt_model::bundle::Part;
use codex_crdt_model::journal::Timestamp;
use codex_crdt_model::journal::record::{Header, Payload, Record};
use ed25519_dalek::SigningKey;
use serde_json::Value;

use crate::authority::{Authority, Mode, openssl};
use crate::daemon::{Daemon, until};
use crate::verifier::{Verifier, parts, place, record, write};
use crate::{alone, join};

/// An entry's first seal; nothing while the entry is not there yet.
fn seal(daemon: &Daemon, path: &str) -> Value {
    let seals = daemon.try_run(&["seals", "notes", path, "--json"]);
    seals.map_or(Value::Null, |text| serde_json::from_str::<Value>(&text).unwrap()["items"][0].clone())
}

fn status(daemon: &Daemon) -> Value {
    daemon.json(&["timestamps", "status"])
}

/// The one notebook's standing.
fn standing(daemon: &Daemon) -> Value {
    status(daemon)["notebooks"][0].clone()
}

fn set(daemon: &Daemon, authority: &Authority, certificate: &str) {
    let certificate = authority.file(certificate);
    daemon.run(&["timestamps", "set", &authority.url(), "--certificate", &certificate, "--after", "0s"]);
}

fn sealed() -> (tempfile::TempDir, Daemon) {
    let (dir, a) = alone(|folder| fs::write(folder.join("day.md"), "one\n").unwrap());
    a.run(&["wait", "--idle"]);
    a.run(&["seal", "notes", "day.md", "--meaning", "recorded"]);
    (dir, a)
}

#[test]
fn an_authority_stamps_seals_and_everybody_can_check_it() {
    let (dir, a) = sealed();
    let authority = Authority::make(dir.path(), "near");
    authority.serve();
    assert_eq!(
        (status(&a)["url"].clone(), seal(&a, "day.md")["timestamps"].clone()),
        (Value::Null, Value::Array(vec![]))
    );
    assert!(a.try_run(&["timestamps", "now"]).unwrap_err().error.contains("no authority"));
    assert_eq!(authority.asked(), 0, "nobody is asked who was not named");

    set(&a, &authority, "tsa.pem");
    until("the seal is stamped", || seal(&a, "day.md")["timestamps"][0]["trusted"] == true);
    let stamp = seal(&a, "day.md")["timestamps"][0].clone();
    assert_eq!(stamp["authority"], "near clock", "{stamp:#}");
    let said = a.run(&["seals", "notes", "day.md"]);
    let before = stamp["before"].as_str().unwrap();
    assert!(said.contains(&format!("existed before {before}, says near clock")), "{said}");
    until("nothing waits", || standing(&a)["waiting"] == 0);
    assert_eq!(authority.asked(), 1, "one timestamp is enough");

    // Who comes later has it too, and believes it when told whom to believe: here, who vouches for the authority.
    let b = join(dir.path(), &a);
    until("B has it", || seal(&b, "day.md")["timestamps"][0]["id"] == stamp["id"]);
    let doubted = b.run(&["seals", "notes", "day.md"]);
    assert!(doubted.contains("says near clock (NOT BELIEVED here)"), "{doubted}");
    b.run(&["timestamps", "trust", &authority.file("ca.pem")]);
    assert_eq!(seal(&b, "day.md")["timestamps"][0]["trusted"], true);
    for daemon in [&a, &b] {
        let report = daemon.json(&["verify"])["notebooks"][0].clone();
        let found = &report["timestamps"][0];
        assert_eq!((&found["good"], &found["trusted"]), (&true.into(), &true.into()), "{report:#}");
    }
    // A confirmation is a signature too.
    b.run(&["witness", "notes", "day.md", "--meaning", "seen"]);
    until("the confirmation is stamped", || {
        a.json(&["verify"])["notebooks"][0]["timestamps"].as_array().unwrap().len() == 2
    });
    a.run(&["wait", "--synced"]);
    // Off is off; what is there stays.
    a.run(&["timestamps", "off"]);
    let asked = authority.asked();
    a.run(&["seal", "notes", "day.md", "--meaning", "again"]);
    assert!(a.try_run(&["timestamps", "now"]).is_err());
    assert_eq!((authority.asked(), &seal(&a, "day.md")["timestamps"][0]["trusted"]), (asked, &true.into()));

    without_our_code(dir.path(), &a, &authority, &stamp);
}

/// `verify.py` finds the root again, and `openssl ts` takes the token.
fn without_our_code(dir: &Path, a: &Daemon, authority: &Authority, stamp: &Value) {
    let (bundle, tokens) = (dir.join("bundle"), dir.join("tokens"));
    a.run(&["bundle", "export", "notes", bundle.to_str().unwrap()]);
    let report = Verifier::find().good_with(&bundle, &["--tokens", tokens.to_str().unwrap()]);
    let found = report["timestamps"].as_array().unwrap().iter().find(|one| one["id"] == stamp["id"]).unwrap();
    assert_eq!((&found["over_its_root"], &found["root"]), (&true.into(), &stamp["root"]), "{report:#}");
    assert_eq!(
        (&found["seals"][0]["path"], &found["leaves"]),
        (&stamp["path"], &stamp["leaves"]),
        "{report:#}"
    );
    let token = tokens.join(format!("{}.der", stamp["id"].as_str().unwrap()));
    let (root, ca) = (stamp["root"].as_str().unwrap(), authority.file("ca.pem"));
    openssl(
        dir,
        &["ts", "-verify", "-digest", root, "-token_in", "-in", token.to_str().unwrap(), "-CAfile", &ca],
    );
}

/// An answer that is not to the question, of somebody else, or of nobody is not kept; what is wrong is said, and the next good one is.
#[test]
fn what_is_not_good_is_not_kept_and_is_said() {
    let (dir, a) = sealed();
    let (authority, other) = (Authority::make(dir.path(), "near"), Authority::make(dir.path(), "far"));
    let trouble = |words: &str| {
        let failed = a.try_run(&["timestamps", "now"]).unwrap_err();
        assert!(failed.code == Some(1) && failed.error.contains(words), "{words}: {failed:?}");
        let found = standing(&a);
        assert!(found["trouble"].as_str().is_some_and(|said| said.contains(words)), "{words}: {found:#}");
        assert_eq!(found["waiting"], 1, "{found:#}");
        assert_eq!(seal(&a, "day.md")["timestamps"], Value::Array(vec![]), "{words}");
        let status = a.run(&["status"]);
        assert!(status.contains("seals without a timestamp: 1; ") && status.contains(words), "{status}");
    };
    // Nobody is there yet.
    set(&a, &authority, "tsa.pem");
    until("it is said", || standing(&a)["trouble"].is_string());
    trouble("cannot be reached: nothing listens there");
    authority.serve();
    for (mode, words) in [
        (Mode::OtherImprint, "the token is for something else"),
        (Mode::OtherNonce, "answers another question"),
        (Mode::Refuses, "the authority refused"),
        (Mode::NoAuthority, "no authority for timestamps"),
        (Mode::Endless, "longer than"),
    ] {
        authority.answers(mode);
        trouble(words);
    }
    authority.answers(Mode::Good);
    a.run(&["timestamps", "now"]);
    assert_eq!(standing(&a)["trouble"], Value::Null);
    assert_eq!(seal(&a, "day.md")["timestamps"][0]["trusted"], true);
    // Another authority's certificate: what comes is not of the one that is pinned.
    let (dir, a) = sealed();
    let far = other.file("tsa.pem");
    a.run(&["timestamps", "set", &authority.url(), "--certificate", &far, "--after", "0s"]);
    assert_eq!(a.try_run(&["timestamps", "now"]).unwrap_err().code, Some(1));
    let said = standing(&a)["trouble"].as_str().unwrap().to_owned();
    assert!(said.contains("`near clock` is not believed here"), "{said}");
    assert_eq!(seal(&a, "day.md")["timestamps"], Value::Array(vec![]));
    for (url, file, words) in [
        ("ftp://x/y", far.as_str(), "no address of an authority"),
        ("http://127.0.0.1:1/", "/dev/null", "there is no certificate in it"),
        ("http://127.0.0.1:1/", "/nowhere", "cannot read the certificate"),
    ] {
        let refused = a.try_run(&["timestamps", "set", url, "--certificate", file]).unwrap_err();
        assert!(refused.error.contains(words), "{refused:?}");
    }
    drop(dir);
}

/// All that goes out is a hash, that of the tree over the seals, with a random number; what is off wants nothing any more.
#[test]
fn an_authority_learns_a_hash_and_nothing_else() {
    let (dir, a) = sealed();
    let authority = Authority::make(dir.path(), "near");
    set(&a, &authority, "tsa.pem");
    until("nobody is there", || standing(&a)["trouble"].is_string());
    let off = a.run(&["timestamps", "off"]);
    assert!(off.starts_with("asks nobody") && !off.contains("reached") && !off.contains("next"), "{off}");
    assert!(!a.run(&["status"]).contains("without a timestamp"));
    authority.serve();
    set(&a, &authority, "tsa.pem");
    until("the seal is stamped", || seal(&a, "day.md")["timestamps"][0]["trusted"] == true);
    let query = fs::read(authority.file("query")).unwrap();
    let shown = openssl(dir.path(), &["ts", "-query", "-text", "-in", &authority.file("query")]);
    let names = shown.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name);
    let names: Vec<&str> = names.filter(|name| !name.starts_with(' ')).collect();
    assert_eq!(
        names,
        ["Version", "Hash Algorithm", "Policy OID", "Nonce", "Certificate required"],
        "{shown}"
    );
    let root = seal(&a, "day.md")["timestamps"][0]["root"].as_str().unwrap().to_owned();
    let hex: String = query.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(hex.contains(&root) && query.len() < 32 + 48, "{shown}");
    let head = fs::read_to_string(authority.file("head")).unwrap().to_lowercase();
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut headers: Vec<&str> = headers.map(|(name, _)| name).collect();
    headers.sort_unstable();
    assert_eq!(headers, ["accept", "content-length", "content-type", "host"], "{head}");
    for word in ["notes", "day", &a.device()[..8], "codex"] {
        assert!(!head.contains(word), "{word}: {head}");
    }
}

/// A certificate that was pinned by mistake is believed no more: what it vouches for shows as not believed.
#[test]
fn an_authority_is_believed_no_more_once_its_certificate_is_taken_out() {
    let (dir, a) = sealed();
    let authority = Authority::make(dir.path(), "near");
    authority.serve();
    set(&a, &authority, "tsa.pem");
    until("the seal is stamped", || seal(&a, "day.md")["timestamps"][0]["trusted"] == true);
    let fingerprint = status(&a)["certificates"][0]["fingerprint"].as_str().unwrap().to_owned();
    let distrust = |which: &str| a.try_run(&["timestamps", "distrust", which]);
    for (which, code, words) in [
        ("", 2, "no certificate is named"),
        ("5b0c", 1, "eight digits or more"),
        ("00000000", 1, "no certificate that is believed here"),
        (&fingerprint, 1, "codexd timestamps off"),
    ] {
        let refused = distrust(which).unwrap_err();
        assert!(refused.code == Some(code) && refused.error.contains(words), "{which}: {refused:?}");
    }
    a.run(&["timestamps", "off"]);
    // As `openssl x509 -fingerprint` writes it.
    let pairs: Vec<&str> = (0..64).step_by(2).map(|at| &fingerprint[at..at + 2]).collect();
    distrust(&pairs.join(":").to_uppercase()).unwrap();
    assert_eq!(status(&a)["certificates"], Value::Array(vec![]));
    assert_eq!(seal(&a, "day.md")["timestamps"][0]["trusted"], false);
    a.run(&["timestamps", "trust", &authority.file("tsa.pem")]);
    assert_eq!(seal(&a, "day.md")["timestamps"][0]["trusted"], true);
}

/// The settings and the wait are there after a restart, and an authority that comes back is asked without anybody's doing.
#[test]
fn a_restart_forgets_neither_the_authority_nor_the_seals() {
    let (dir, mut a) = sealed();
    let authority = Authority::make(dir.path(), "near");
    set(&a, &authority, "ca.pem");
    until("it is said", || standing(&a)["trouble"].is_string());
    a.stop();
    authority.serve();
    a.restart();
    until("the seal is stamped", || seal(&a, "day.md")["timestamps"][0]["trusted"] == true);
}

/// Whoever changes a token in a bundle is refused; a member that signs a false one is named by everybody who checks.
#[test]
fn a_tampered_token_is_refused_and_a_false_one_is_named() {
    let (dir, mut a) = sealed();
    let mut b = join(dir.path(), &a);
    until("B has the seal", || seal(&b, "day.md")["signed"] == 1);
    a.run(&["wait", "--synced"]);
    b.stop();
    let authority = Authority::make(dir.path(), "near");
    authority.serve();
    set(&a, &authority, "tsa.pem");
    until("the seal is stamped", || seal(&a, "day.md")["timestamps"][0]["trusted"] == true);
    let (good, bent) = (dir.path().join("good"), dir.path().join("bent"));
    a.run(&["bundle", "export", "notes", good.to_str().unwrap()]);
    a.stop();
    b.restart();

    let good = parts(&good);
    let kind = |part: &Part| match part {
        Part::Record(record) => Header::decode(&record.header).map(|header| header.kind),
        _ => None,
    };
    let at = good.iter().position(|part| kind(part) == Some(Payload::TIMESTAMP)).unwrap();
    let mut tampered = good.clone();
    // The last byte of the token: of its signature.
    *record(&mut tampered[at]).payload.last_mut().unwrap() ^= 1;
    write(&bent, &tampered);
    Verifier::find().names("token", &bent, place(&good[at]), "payload");
    let refused = b.try_run(&["bundle", "import", bent.to_str().unwrap()]).unwrap_err();
    assert!(refused.error.contains("payload"), "{refused:?}");

    // A changed program signs the same again, with its own key.
    let mut forged = good.clone();
    let one = record(&mut forged[at]);
    let header = Header::decode(&one.header).unwrap();
    let Some(Payload::Timestamp(stamp)) = Payload::decode(header.kind, &one.payload) else {
        panic!("a timestamp")
    };
    let mut token = stamp.token;
    *token.last_mut().unwrap() ^= 1;
    let key = fs::read_to_string(a.home().join("device.key")).unwrap();
    let key = data_encoding::HEXLOWER.decode(key.trim().as_bytes()).unwrap();
    let key = SigningKey::from_bytes(&key.try_into().unwrap());
    *one = Record::sign(&key, header.clone(), &Payload::Timestamp(Timestamp { token, ..stamp }));
    let hash = one.hash();
    let Part::Head(head) = &mut forged[0] else { panic!("a head") };
    let tip =
        head.tips.iter_mut().find(|tip| (tip.device, tip.volume) == (header.device, header.volume)).unwrap();
    assert_eq!(tip.seq, header.seq, "nothing follows on it");
    tip.hash = hash;
    forged.retain(|part| !matches!(part, Part::Receipts(_)));
    write(&bent, &forged);
    let id = hash.to_string();
    b.run(&["bundle", "import", bent.to_str().unwrap()]);
    let report = b.json(&["verify"])["notebooks"][0].clone();
    let found = report["timestamps"].as_array().unwrap().iter().find(|one| one["id"] == id.as_str()).unwrap();
    assert_eq!((&found["good"], &found["trusted"]), (&false.into(), &false.into()), "{report:#}");
    assert!(found["reason"].as_str().unwrap().contains("signature"), "{report:#}");
    assert!(b.run(&["verify"]).contains("PROVES NOTHING"));
    assert_eq!(
        seal(&b, "day.md")["timestamps"],
        Value::Array(vec![]),
        "it proves nothing, so it does not show"
    );
}
