//! The one request that goes out: a hash to the authority, its token back, checked before anybody keeps it.

use std::io::ErrorKind;
use std::time::Duration;

use codex_crdt_model::ids::MerkleHash;
use codex_crdt_model::limits;
use der::asn1::{Any, BitString, OctetString, Uint};
use der::{Decode, Encode, Sequence};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::pinned::Pinned;
use super::token::{MessageImprint, SHA256, Token, TokenError};

/// The whole exchange takes no longer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Being connected takes no longer.
const CONNECT: Duration = Duration::from_secs(10);
/// An answer is not longer: a token and what it is wrapped in.
const ANSWER_BYTES: usize = limits::TIMESTAMP_TOKEN_BYTES + 4096;
/// What an authority says when it refuses, characters.
const WORDS: usize = 200;

/// Why there is no timestamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskFailed {
    /// It does not answer.
    #[error("the authority at {url} cannot be reached: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// It answers with something else.
    #[error("what answers at {url} is no authority for timestamps: {reason}")]
    Answer {
        /// Where.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It says no.
    #[error("the authority refused: {0}")]
    Refused(String),
    /// It answers something else than what was asked.
    #[error("the authority's answer is not kept: {0}")]
    Token(#[from] TokenError),
    /// It answers another question.
    #[error("the authority's answer is not kept: it answers another question (the nonce is another)")]
    Nonce,
    /// It is somebody else.
    #[error("the authority's answer is not kept: {0}")]
    NotTrusted(String),
}

#[derive(Sequence)]
struct Request {
    version: u8,
    imprint: MessageImprint,
    nonce: Uint,
    wants_certificate: bool,
}

#[derive(Sequence)]
struct StatusInfo {
    status: u8,
    #[asn1(optional = "true")]
    words: Option<Vec<String>>,
    #[asn1(optional = "true")]
    failure: Option<BitString>,
}

#[derive(Sequence)]
struct Response {
    status: StatusInfo,
    #[asn1(optional = "true")]
    token: Option<Any>,
}

/// Asks an authority to stamp a root. The token, as it came, and what it says.
pub async fn ask(url: &str, root: &MerkleHash, pinned: &Pinned) -> Result<(Vec<u8>, Token), AskFailed> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)
        .map_err(|error| AskFailed::Unreachable { url: url.to_owned(), reason: error.to_string() })?;
    let answer = exchange(url, request(root, &nonce)).await?;
    let bad = |reason: String| AskFailed::Answer { url: url.to_owned(), reason };
    let response =
        Response::from_der(&answer).map_err(|error| bad(format!("its answer cannot be read: {error}")))?;
    // 0 and 1: granted, maybe with changes.
    if response.status.status > 1 {
        return Err(AskFailed::Refused(refusal(&response.status)));
    }
    let token = response.token.ok_or_else(|| bad("it says yes and sends no token".to_owned()))?;
    let bytes = token.to_der().map_err(|error| bad(format!("its token cannot be read: {error}")))?;
    if bytes.len() > limits::TIMESTAMP_TOKEN_BYTES {
        return Err(bad(format!("its token is longer than {} bytes", limits::TIMESTAMP_TOKEN_BYTES)));
    }
    let token = Token::read(&bytes)?;
    token.is_over(root)?;
    let asked = Uint::new(&nonce).expect("sixteen bytes are a number");
    if token.nonce.as_deref() != Some(asked.as_bytes()) {
        return Err(AskFailed::Nonce);
    }
    pinned.trusts(&token).map_err(AskFailed::NotTrusted)?;
    Ok((bytes, token))
}

fn request(root: &MerkleHash, nonce: &[u8]) -> Vec<u8> {
    let algorithm = AlgorithmIdentifierOwned { oid: SHA256, parameters: Some(Any::null()) };
    let hashed = OctetString::new(root.0.to_vec()).expect("32 bytes fit");
    let imprint = MessageImprint { algorithm, hashed };
    let nonce = Uint::new(nonce).expect("sixteen bytes are a number");
    let request = Request { version: 1, imprint, nonce, wants_certificate: true };
    request.to_der().expect("a request of a hundred bytes fits")
}

async fn exchange(url: &str, request: Vec<u8>) -> Result<Vec<u8>, AskFailed> {
    let unreachable = |error: &reqwest::Error| {
        let reason = plain(error, error.is_timeout());
        AskFailed::Unreachable { url: url.to_owned(), reason }
    };
    let bad = |reason: String| AskFailed::Answer { url: url.to_owned(), reason };
    // The client does not start without one; an error means that it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT)
        // Nobody but the authority that was named is asked.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| unreachable(&error))?;
    let sent = client
        .post(url)
        .header("Content-Type", "application/timestamp-query")
        .header("Accept", "application/timestamp-reply")
        .body(request)
        .send()
        .await;
    let mut response = sent.map_err(|error| unreachable(&error))?;
    if !response.status().is_success() {
        return Err(bad(format!("it answers {}", response.status())));
    }
    let mut answer = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if answer.len() + part.len() > ANSWER_BYTES {
            return Err(bad(format!("its answer is longer than {ANSWER_BYTES} bytes")));
        }
        answer.extend_from_slice(&part);
    }
    Ok(answer)
}

/// Why nobody answers, in words for people; what is under an error says more than the error.
fn plain(error: &(dyn std::error::Error + 'static), takes_too_long: bool) -> String {
    let chain: Vec<_> = std::iter::successors(Some(error), |error| error.source()).collect();
    let kind = chain.iter().find_map(|one| one.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let known = match kind {
        _ if chain.iter().any(|one| one.to_string().starts_with("dns error")) => {
            Some("the name in its address is not found; is the address right, and is there a network?")
        }
        Some(ErrorKind::ConnectionRefused) => {
            Some("nothing listens there (connection refused); is the address right?")
        }
        Some(ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown) => {
            Some("no network leads there")
        }
        Some(ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe) => {
            Some("it broke the connection off")
        }
        Some(ErrorKind::TimedOut) => Some("it takes too long"),
        _ => takes_too_long.then_some("it takes too long"),
    };
    let last = || chain.last().map_or_else(String::new, ToString::to_string);
    known.map_or_else(last, str::to_owned)
}

fn refusal(status: &StatusInfo) -> String {
    let words = status.words.clone().unwrap_or_default().join("; ");
    let words: String = words.chars().filter(|letter| !letter.is_control()).take(WORDS).collect();
    if words.is_empty() { format!("its status is {}, without a word", status.status) } else { words }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::plain;

    #[test]
    fn why_nobody_answers_is_said_in_plain_words() {
        for (error, words) in [
            (Error::from(ErrorKind::ConnectionRefused), "nothing listens there"),
            (Error::from(ErrorKind::NetworkUnreachable), "no network leads there"),
            (Error::from(ErrorKind::ConnectionReset), "broke the connection off"),
            (Error::from(ErrorKind::TimedOut), "takes too long"),
            (
                Error::other("dns error: failed to lookup address information"),
                "name in its address is not found",
            ),
            (Error::other("of another kind"), "of another kind"),
        ] {
            let said = plain(&error, false);
            assert!(said.contains(words), "{words}: {said}");
        }
        assert_eq!(plain(&Error::other("deadline"), true), "it takes too long");
    }
}
