//! Invitations: any text, and any body in a text with the right checksum.

use codexd::net::Ticket;

/// Reading is total, and a ticket survives being text.
pub fn run(bytes: &[u8]) {
    read(&String::from_utf8_lossy(bytes));
    let sum = blake3::hash(bytes);
    let whole = [bytes, &sum.as_bytes()[..4]].concat();
    read(&format!("codex{}", data_encoding::BASE32_NOPAD.encode(&whole).to_lowercase()));
}

fn read(text: &str) {
    match text.parse::<Ticket>() {
        Ok(ticket) => {
            assert_eq!(ticket.to_string().parse::<Ticket>(), Ok(ticket.clone()));
            let _ = ticket.is_expired(0);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
