#![allow(clippy::unwrap_used)]
//! Tokens that `openssl ts` made, once: of the hash of `root`, with the time to the microsecond and an accuracy of 1.5 s. Certificates
//! beside them. The whole way, with an authority that answers, is in `tests/e2e/timestamps.rs`.

use codex_crdt_model::ids::MerkleHash;

use super::{Pinned, Setting, Token, setting::Asks};

const RSA: &[u8] = include_bytes!("tests/rsa.der");
const ECDSA: &[u8] = include_bytes!("tests/ecdsa.der");

fn root() -> MerkleHash {
    MerkleHash(ring::digest::digest(&ring::digest::SHA256, b"root").as_ref().try_into().unwrap())
}

fn pinned(pem: &str) -> Pinned {
    Pinned::from_pem(pem).unwrap()
}

#[test]
fn what_an_authority_signed_is_read_and_is_of_whom_is_pinned() {
    for (bytes, own, above, other) in [
        (
            RSA,
            include_str!("tests/rsa-authority.pem"),
            include_str!("tests/rsa-root.pem"),
            include_str!("tests/ecdsa-root.pem"),
        ),
        (
            ECDSA,
            include_str!("tests/ecdsa-authority.pem"),
            include_str!("tests/ecdsa-root.pem"),
            include_str!("tests/rsa-authority.pem"),
        ),
    ] {
        let token = Token::read(bytes).unwrap();
        assert_eq!((token.authority.as_str(), token.imprint), ("Fixture clock", root()));
        token.is_over(&root()).unwrap();
        assert!(token.is_over(&MerkleHash([7; 32])).unwrap_err().to_string().contains("something else"));
        assert_eq!(pinned(own).trusts(&token), Ok(()));
        assert_eq!(pinned(above).trusts(&token), Ok(()));
        assert!(pinned(other).trusts(&token).unwrap_err().contains("not believed"));
        assert!(Pinned::default().trusts(&token).unwrap_err().contains("no certificate is pinned"));
        // Before its certificate was made.
        let early = Token { time: 1_000_000_000_000, ..token };
        assert!(pinned(own).trusts(&early).unwrap_err().contains("not valid then"));
        assert!(pinned(above).trusts(&early).is_err());
    }
}

/// 42.777105 s and 43.24348 s, up to the next millisecond, and 1.5 s.
#[test]
fn a_time_is_what_the_token_says_and_its_accuracy_on_top() {
    for (bytes, expect) in [(RSA, "2026-11-27T07:46:44.278Z"), (ECDSA, "2026-11-27T07:46:44.744Z")] {
        let time = Token::read(bytes).unwrap().time;
        assert_eq!(jiff::Timestamp::from_millisecond(time).unwrap().to_string(), expect);
    }
}

/// Whatever is changed: it is refused, or what was signed is the same.
#[test]
fn no_changed_byte_gives_another_time_or_imprint() {
    for bytes in [RSA, ECDSA] {
        let good = Token::read(bytes).unwrap();
        for at in 0..bytes.len() {
            let mut bent = bytes.to_vec();
            bent[at] ^= 1;
            if let Ok(token) = Token::read(&bent) {
                assert_eq!(
                    (token.time, token.imprint, token.signer),
                    (good.time, good.imprint, good.signer.clone())
                );
            }
            assert!(Token::read(&bytes[..at]).is_err(), "cut off at {at}");
        }
        assert!(Token::read(&[bytes, b"\0"].concat()).is_err(), "something follows");
    }
}

#[test]
fn settings_are_read_as_they_are_written() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("timestamps.toml");
    assert_eq!(Setting::load(&path).unwrap(), Setting::default());
    let both = pinned(include_str!("tests/rsa-root.pem")).and(pinned(include_str!("tests/ecdsa-root.pem")));
    let asks = Some(Asks::new("http://tsa.example.org/tsr", Some(5)).unwrap());
    for setting in [Setting { asks, pinned: both.clone() }, Setting { asks: None, pinned: both }] {
        setting.save(&path).unwrap();
        assert_eq!(Setting::load(&path).unwrap(), setting);
    }
    for (text, words) in [
        ("certificates = 7", "certificates"),
        ("certificates = \"x\"", "no certificate"),
        ("url = \"x\"", "address"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Setting::load(&path).unwrap_err().to_string();
        assert!(error.contains("timestamps.toml") && error.contains(words), "{error}");
    }
}
