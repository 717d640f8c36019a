//! The certificates that the user pinned: of authorities, or of those who vouch for them. Nobody else is believed.

use std::time::Duration;

use codex_crdt_model::ids::UnixMs;
use data_encoding::HEXLOWER;
use der::Decode;
use ring::digest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::Certificate;

use super::token::{Token, is_for_timestamps, name};

/// id-kp-timeStamping, 1.3.6.1.5.5.7.3.8.
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// Certificates that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinned(Vec<CertificateDer<'static>>);

/// Why a text holds no certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; a file in PEM form is expected, with the certificate of the authority or of whoever vouches for it (`-----BEGIN CERTIFICATE-----`)"
)]
pub struct PinnedError(String);

/// One of them, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CertificateShown {
    /// What it calls its owner.
    pub name: String,
    /// SHA-256 of it, hex, as `openssl x509 -fingerprint -sha256` shows it.
    pub fingerprint: String,
    /// Until when it is good.
    pub until: String,
}

fn fingerprint(der: &CertificateDer<'_>) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, der).as_ref())
}

impl Pinned {
    /// All certificates in a text in PEM form: at least one.
    pub fn from_pem(text: &str) -> Result<Self, PinnedError> {
        let mut all = Vec::new();
        for one in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let one = one.map_err(|error| PinnedError(format!("it cannot be read: {error}")))?;
            if EndEntityCert::try_from(&one).is_err() || Certificate::from_der(&one).is_err() {
                return Err(PinnedError("a certificate in it cannot be read".to_owned()));
            }
            all.push(one);
        }
        if all.is_empty() {
            return Err(PinnedError("there is no certificate in it".to_owned()));
        }
        Ok(Self(all))
    }

    /// These and others, each once.
    pub fn and(mut self, others: Self) -> Self {
        for one in others.0 {
            if !self.0.contains(&one) {
                self.0.push(one);
            }
        }
        self
    }

    /// These without the one of this fingerprint.
    pub fn without(mut self, of: &str) -> Self {
        self.0.retain(|one| fingerprint(one) != of);
        self
    }

    /// In PEM form.
    pub fn to_pem(&self) -> String {
        let lines = |der: &[u8]| {
            let text = data_encoding::BASE64.encode(der);
            let lines: Vec<&str> =
                (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
        };
        self.0.iter().map(|one| lines(one)).collect()
    }

    /// For people.
    pub fn shown(&self) -> Vec<CertificateShown> {
        let shown = |der: &CertificateDer<'_>| {
            let certificate = Certificate::from_der(der).ok()?;
            let until = certificate.tbs_certificate().validity().not_after.to_unix_duration();
            let until = jiff::Timestamp::from_second(i64::try_from(until.as_secs()).ok()?).ok()?;
            Some(CertificateShown {
                name: name(&certificate),
                fingerprint: fingerprint(der),
                until: until.to_string(),
            })
        };
        self.0.iter().filter_map(shown).collect()
    }

    /// Whether a token is of an authority that is pinned, or that somebody pinned vouches for by the certificates in the
    /// token; by a certificate for stamping times that was good then. Why not, in words.
    pub fn trusts(&self, token: &Token) -> Result<(), String> {
        let not = |reason: &str| format!("`{}` is not believed here: {reason}", token.authority);
        if self.0.is_empty() {
            return Err(not("no certificate is pinned"));
        }
        if self.0.contains(&token.signer) {
            let certificate =
                Certificate::from_der(&token.signer).map_err(|_| not("its certificate cannot be read"))?;
            return is_for_timestamps(&certificate, token.time)
                .map_err(|reason| not(&format!("of its certificate, {reason}")));
        }
        self.vouch_for(token, token.time).map_err(|error| {
            not(&format!(
                "its certificate is not the one that is pinned, and none that is vouches for it ({error})"
            ))
        })
    }

    fn vouch_for(&self, token: &Token, time: UnixMs) -> Result<(), webpki::Error> {
        let anchors: Vec<TrustAnchor<'_>> =
            self.0.iter().filter_map(|one| webpki::anchor_from_trusted_cert(one).ok()).collect();
        let seconds = u64::try_from(time.div_euclid(1000)).unwrap_or(0);
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        EndEntityCert::try_from(&token.signer)?
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &anchors,
                &token.others,
                time,
                KeyUsage::required(TIME_STAMPING),
                None,
                None,
            )
            .map(|_| ())
    }
}
