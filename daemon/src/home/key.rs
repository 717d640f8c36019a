//! The device key in its file: 64 hex digits that only the user can read, or locked with a passphrase.
//!
//! A locked key is text: what it is, how the passphrase is stretched (Argon2id, RFC 9106), and the key sealed with
//! XChaCha20-Poly1305. The lines before the last are authenticated with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::{HomeError, io, random, write_private};

/// The first line of a locked key's file.
const LOCKED: &str = "codex device key, locked with a passphrase, 1";
/// Memory of the stretching in KiB, passes and lanes: the second choice that RFC 9106 recommends (section 4).
const COST: Cost = Cost { memory_kib: 64 << 10, passes: 3, lanes: 4 };
/// A file that asks for more is refused: it would take the machine down.
const MOST: Cost = Cost { memory_kib: 4 << 20, passes: 64, lanes: 64 };
const SALT: usize = 16;
const NONCE: usize = 24;
const TAG: usize = 16;

/// What the passphrase is stretched with.
#[derive(Debug, Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Where a passphrase comes from when one is needed: a terminal, a file.
pub type AskPassphrase<'a> = &'a dyn Fn(&Path) -> Result<String, HomeError>;

/// Nobody can be asked.
pub fn nobody(path: &Path) -> Result<String, HomeError> {
    Err(HomeError::KeyLocked { path: path.display().to_string() })
}

/// Reads the key, or makes one.
pub fn read_or_make(path: &Path, ask: AskPassphrase<'_>) -> Result<[u8; 32], HomeError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            protect(path)?;
            if text.starts_with(LOCKED) {
                unlock(path, &text, &ask(path)?)
            } else {
                let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok();
                let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                bytes.ok_or_else(|| damaged(path))
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = random::<32>();
            write_plain(path, &secret)?;
            Ok(secret)
        }
        // Not UTF-8: something else lies there, and it must not be replaced.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(damaged(path)),
        Err(error) => Err(io("read the device key", path)(error)),
    }
}

/// Whether the key at a place is locked with a passphrase.
pub fn is_locked(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.starts_with(LOCKED))
}

/// Writes the key as it is.
pub fn write_plain(path: &Path, secret: &[u8; 32]) -> Result<(), HomeError> {
    write_private(path, format!("{}\n", HEXLOWER.encode(secret)).as_bytes())
}

/// Writes the key locked with a passphrase.
pub fn write_locked(path: &Path, secret: &[u8; 32], passphrase: &str) -> Result<(), HomeError> {
    let (salt, nonce) = (random::<SALT>(), random::<NONCE>());
    let Cost { memory_kib, passes, lanes } = COST;
    let head = format!(
        "{LOCKED}\nargon2id memory_kib={memory_kib} passes={passes} lanes={lanes} salt={}\nxchacha20poly1305 nonce={}\n",
        HEXLOWER.encode(&salt),
        HEXLOWER.encode(&nonce)
    );
    let cipher = cipher(COST, &salt, passphrase).ok_or_else(|| damaged(path))?;
    let payload = Payload { msg: secret, aad: head.as_bytes() };
    let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| damaged(path))?;
    write_private(path, format!("{head}{}\n", HEXLOWER.encode(&sealed)).as_bytes())
}

fn unlock(path: &Path, text: &str, passphrase: &str) -> Result<[u8; 32], HomeError> {
    let locked = Locked::parse(text).ok_or_else(|| damaged(path))?;
    let cipher = cipher(locked.cost, &locked.salt, passphrase).ok_or_else(|| damaged(path))?;
    let payload = Payload { msg: &locked.sealed, aad: locked.head.as_bytes() };
    let secret = cipher.decrypt(&XNonce::from(locked.nonce), payload);
    let secret = secret.map_err(|_| HomeError::Passphrase { path: path.display().to_string() })?;
    <[u8; 32]>::try_from(secret).map_err(|_| damaged(path))
}

fn cipher(cost: Cost, salt: &[u8], passphrase: &str) -> Option<XChaCha20Poly1305> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
    let mut key = [0; 32];
    let stretch = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    stretch.hash_password_into(passphrase.as_bytes(), salt, &mut key).ok()?;
    Some(XChaCha20Poly1305::new(&key.into()))
}

/// A locked key's file, read.
struct Locked<'a> {
    /// The lines that are authenticated.
    head: &'a str,
    cost: Cost,
    salt: [u8; SALT],
    nonce: [u8; NONCE],
    sealed: [u8; 32 + TAG],
}

impl<'a> Locked<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.split_inclusive('\n');
        let (what, stretch, nonce, sealed) = (lines.next()?, lines.next()?, lines.next()?, lines.next()?);
        let head = &text[..what.len() + stretch.len() + nonce.len()];
        let stretch = stretch.trim_end().strip_prefix("argon2id ")?;
        let mut words = stretch.split(' ');
        let mut word = |name: &str| words.next()?.strip_prefix(name)?.strip_prefix('=');
        let cost = Cost {
            memory_kib: word("memory_kib")?.parse().ok()?,
            passes: word("passes")?.parse().ok()?,
            lanes: word("lanes")?.parse().ok()?,
        };
        let salt = bytes(word("salt")?)?;
        let nonce = bytes(nonce.trim_end().strip_prefix("xchacha20poly1305 nonce=")?)?;
        let is_bounded =
            cost.memory_kib <= MOST.memory_kib && cost.passes <= MOST.passes && cost.lanes <= MOST.lanes;
        is_bounded.then_some(())?;
        Some(Self { head, cost, salt, nonce, sealed: bytes(sealed.trim_end())? })
    }
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok()?.try_into().ok()
}

fn protect(path: &Path) -> Result<(), HomeError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(io("protect the key", path))
}

fn damaged(path: &Path) -> HomeError {
    HomeError::Key { path: path.display().to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_locked_key_opens_with_its_passphrase_alone() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("device.key");
        let secret = read_or_make(&path, &nobody).unwrap();
        assert!(!is_locked(&path));
        write_locked(&path, &secret, "correct horse").unwrap();
        assert!(is_locked(&path));
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&HEXLOWER.encode(&secret)));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let with = |passphrase: &str| read_or_make(&path, &|_| Ok(passphrase.to_owned()));
        assert_eq!(with("correct horse").unwrap(), secret);
        assert!(matches!(with("wrong"), Err(HomeError::Passphrase { .. })));
        assert!(matches!(read_or_make(&path, &nobody), Err(HomeError::KeyLocked { .. })));
        write_plain(&path, &secret).unwrap();
        assert_eq!(read_or_make(&path, &nobody).unwrap(), secret);
    }

    /// losses.md L27
    #[test]
    fn a_locked_key_that_was_damaged_is_named_and_stays() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("device.key");
        write_locked(&path, &[7; 32], "p").unwrap();
        let good = fs::read_to_string(&path).unwrap();
        let huge = good.replace(&format!("memory_kib={}", COST.memory_kib), "memory_kib=4000000000");
        let cut = good[..good.len() - 10].to_owned();
        for bad in [huge, cut, good.replace("argon2id", "argon2d"), format!("{LOCKED}\n")] {
            fs::write(&path, &bad).unwrap();
            let error = read_or_make(&path, &|_| Ok("p".to_owned())).unwrap_err();
            assert!(matches!(error, HomeError::Key { .. }), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        }
        // What the stretching is told is authenticated.
        fs::write(&path, good.replace("passes=3", "passes=2")).unwrap();
        let error = read_or_make(&path, &|_| Ok("p".to_owned())).unwrap_err();
        assert!(matches!(error, HomeError::Passphrase { .. }), "{error}");
    }
}
