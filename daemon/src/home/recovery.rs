//! A recovery phrase: twelve words (BIP-39) on paper, from which a key is made that certifies another device of a person
//! who has lost them all. The words are shown once and kept nowhere.

use anyhow::{Context as _, bail};
use bip39::{Language, Mnemonic};
use ed25519_dalek::SigningKey;

/// Words of a phrase.
const WORDS: usize = 12;

/// A new phrase, and its key.
pub fn new_phrase() -> anyhow::Result<(String, SigningKey)> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).context("cannot draw random numbers for a recovery phrase")?;
    let words =
        Mnemonic::from_entropy_in(Language::English, &entropy).context("cannot make a recovery phrase")?;
    let key = key_of(&words.to_string())?;
    Ok((words.to_string(), key))
}

/// The key that a phrase stands for. Case and spaces do not matter; a mistyped word does, and is told.
pub fn key_of(phrase: &str) -> anyhow::Result<SigningKey> {
    let words: Vec<String> = phrase.split_whitespace().map(str::to_lowercase).collect();
    if words.len() != WORDS {
        bail!(
            "a recovery phrase has {WORDS} words, this has {}; give all of them between quotes",
            words.len()
        );
    }
    let phrase = Mnemonic::parse_in_normalized(Language::English, &words.join(" "))
        .map_err(|error| anyhow::anyhow!("this is no recovery phrase: {error}; look at the paper again"))?;
    Ok(SigningKey::from_bytes(&blake3::derive_key("codex 2026 recovery", &phrase.to_entropy())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_phrase_is_its_key_and_a_mistake_is_told() {
        let (phrase, key) = new_phrase().unwrap();
        assert_eq!(key_of(&format!("  {}\n", phrase.to_uppercase())).unwrap().to_bytes(), key.to_bytes());
        let (other, _) = new_phrase().unwrap();
        assert_ne!(phrase, other);
        for (bad, why) in
            [("one two", "12 words"), (&phrase.replacen(' ', " xyzzy ", 1), "12 words"), ("", "12 words")]
        {
            assert!(key_of(bad).unwrap_err().to_string().contains(why), "{bad}");
        }
        let wrong = ["zebra"; WORDS].join(" ");
        assert!(key_of(&wrong).unwrap_err().to_string().contains("no recovery phrase"));
    }
}
