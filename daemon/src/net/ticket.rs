//! Invitations as text: `codex`, then lower-case base32 without padding of a version byte, the postcard
//! bytes of the body, and the first four bytes of their BLAKE3 (over version and body).
//!
//! The checksum is for people who copy half of a line, not for security.

use std::fmt;
use std::str::FromStr;

use codex_crdt_model::ids::UnixMs;
use data_encoding::{Encoding, Specification};

use super::Ticket;

const PREFIX: &str = "codex";
const VERSION: u8 = 2;
const CHECKSUM: usize = 4;
/// Longest text looked at: a name, sixteen addresses and the rest are far below.
const TEXT_BYTES: usize = 8192;

/// Why a text is not an invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Something else altogether.
    #[error("this is not an invitation: one begins with `codex` and is one long word")]
    NotATicket,
    /// Made by another version.
    #[error("this invitation has format {0}, this program knows format 2; use the same version of codexd")]
    Version(u8),
    /// Cut, or mistyped.
    #[error("this invitation is damaged; copy the whole of it again")]
    Damaged,
}

impl Ticket {
    /// Whether it is void at this time (milliseconds since 1970).
    pub fn is_expired(&self, now_ms: UnixMs) -> bool {
        now_ms / 1000 > self.expires
    }
}

fn base32() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.translate.from.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    specification.translate.to.push_str("abcdefghijklmnopqrstuvwxyz");
    specification.encoding().expect("32 distinct symbols are a valid alphabet")
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let hash = blake3::hash(bytes);
    let mut first = [0; CHECKSUM];
    first.copy_from_slice(&hash.as_bytes()[..CHECKSUM]);
    first
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = postcard::to_extend(self, vec![VERSION]).map_err(|_| fmt::Error)?;
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        write!(f, "{PREFIX}{}", base32().encode(&bytes))
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let text = text.trim();
        if text.len() > TEXT_BYTES {
            return Err(TicketError::NotATicket);
        }
        let (prefix, rest) = text.split_at_checked(PREFIX.len()).ok_or(TicketError::NotATicket)?;
        if !prefix.eq_ignore_ascii_case(PREFIX) || rest.contains(char::is_whitespace) {
            return Err(TicketError::NotATicket);
        }
        let bytes = base32().decode(rest.as_bytes()).map_err(|_| TicketError::Damaged)?;
        let (signed, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(TicketError::Damaged)?;
        if checksum(signed) != *sum {
            return Err(TicketError::Damaged);
        }
        let (version, body) = signed.split_first().ok_or(TicketError::Damaged)?;
        if *version != VERSION {
            return Err(TicketError::Version(*version));
        }
        let (ticket, left) = postcard::take_from_bytes::<Self>(body).map_err(|_| TicketError::Damaged)?;
        if left.is_empty() { Ok(ticket) } else { Err(TicketError::Damaged) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use codex_crdt_model::ids::{DeviceId, NotebookId, PersonId};
    use codex_crdt_model::journal::Role;

    use super::*;

    fn ticket(name: &str, addresses: Vec<String>) -> Ticket {
        Ticket {
            notebook: NotebookId([1; 32]),
            name: name.to_owned(),
            inviter: DeviceId([2; 32]),
            addresses,
            secret: [3; 16],
            expires: 1_800_000_000,
            role: Role::Editor,
            person: Some(PersonId([4; 32])),
        }
    }

    #[test]
    fn a_ticket_survives_being_text() {
        let ticket = ticket("Zellkultur – März", vec!["10.0.0.1:4555".into(), "http://relay:3340/".into()]);
        let text = ticket.to_string();
        assert!(text.starts_with("codex") && text.chars().all(|c| c.is_ascii_alphanumeric()), "{text}");
        assert_eq!(text.parse::<Ticket>().unwrap(), ticket);
        assert_eq!(format!(" {}\n", text.to_uppercase()).parse::<Ticket>().unwrap(), ticket);
        assert!(!ticket.is_expired(1_800_000_000_999));
        assert!(ticket.is_expired(1_800_000_001_000));
    }

    #[test]
    fn the_example_of_the_protocol_is_what_a_ticket_is() {
        let text = ticket("n", vec![]).to_string();
        let bytes = base32().decode(&text.as_bytes()[PREFIX.len()..]).unwrap();
        let (said, sum) = bytes.split_last_chunk::<CHECKSUM>().unwrap();
        assert_eq!(said, super::super::wire::tests::example("ticket"));
        assert_eq!(sum[..], blake3::hash(said).as_bytes()[..CHECKSUM]);
    }

    #[test]
    fn what_is_wrong_with_a_ticket_is_said() {
        let text = ticket("n", vec![]).to_string();
        for bad in ["", "code", "hello world", "codex two words", "cödex", "https://example.org"] {
            assert_eq!(bad.parse::<Ticket>(), Err(TicketError::NotATicket), "{bad}");
        }
        for bad in ["codex", "codexaa", &text[..text.len() - 1], &text[..40], &text.replacen('a', "b", 1)] {
            assert_eq!(bad.parse::<Ticket>(), Err(TicketError::Damaged), "{bad}");
        }
        let mut newer = vec![3, 0];
        newer.extend(checksum(&[3, 0]));
        let newer = format!("codex{}", base32().encode(&newer));
        assert_eq!(newer.parse::<Ticket>(), Err(TicketError::Version(3)));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}", word in "codex[a-z2-7]{0,200}") {
            prop_assert!(text.parse::<Ticket>().is_err());
            prop_assert!(word.parse::<Ticket>().is_err());
        }

        #[test]
        fn no_body_makes_the_reader_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            bytes.insert(0, VERSION);
            let sum = checksum(&bytes);
            bytes.extend(sum);
            let _ = format!("codex{}", base32().encode(&bytes)).parse::<Ticket>();
        }

        #[test]
        fn any_ticket_survives(name in ".{0,40}", addresses in proptest::collection::vec(".{0,30}", 0..5)) {
            let ticket = ticket(&name, addresses);
            prop_assert_eq!(ticket.to_string().parse::<Ticket>().unwrap(), ticket);
        }
    }
}
