//! A timestamp token: the CMS signature of an authority under a `TSTInfo` (RFC 3161, RFC 5652). What is not as it must be is
//! refused with a reason; that the authority is one to believe is for [`super::pinned`].

use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{EncapsulatedContentInfo, SignerIdentifier, SignerInfo, SignerInfos};
use codex_crdt_model::ids::{MerkleHash, UnixMs};
use der::asn1::{Any, Int, ObjectIdentifier, OctetString, SetOfVec, Uint};
use der::{Decode, Encode, Sequence, Tag, Tagged};
use ring::digest;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier};
use x509_cert::spki::AlgorithmIdentifierOwned;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
pub(super) const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");

/// What an authority signed, and with what. Its signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// At this time at the latest, what it names was there: the authority's time and how far that may be off, ms since 1970.
    pub time: UnixMs,
    /// What the authority's certificate calls it.
    pub authority: String,
    /// What it is over.
    pub imprint: MerkleHash,
    /// What was asked with; nothing if it was asked without.
    pub(super) nonce: Option<Vec<u8>>,
    /// The certificate that it is signed with.
    pub(super) signer: CertificateDer<'static>,
    /// All certificates in it.
    pub(super) others: Vec<CertificateDer<'static>>,
}

/// Why bytes are no token that proves something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// They are something else.
    #[error("it is no timestamp token: {0}")]
    Unreadable(String),
    /// It is for something else.
    #[error("the token is for something else: its imprint is {found}, and the root is {root}")]
    Imprint {
        /// What it is for.
        found: String,
        /// What it should be for.
        root: MerkleHash,
    },
    /// The signature does not hold.
    #[error("the token's signature does not hold: {0}")]
    Signature(String),
}

#[derive(Debug, Sequence)]
struct SignedData {
    version: CmsVersion,
    digest_algorithms: SetOfVec<AlgorithmIdentifierOwned>,
    content: EncapsulatedContentInfo,
    // As they stand: what is written anew may be other bytes, and no longer what was signed.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    certificates: Option<SetOfVec<Any>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    crls: Option<SetOfVec<Any>>,
    signers: SignerInfos,
}

/// What is stamped: an algorithm and a hash.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct MessageImprint {
    pub algorithm: AlgorithmIdentifierOwned,
    pub hashed: OctetString,
}

#[derive(Debug, Sequence)]
struct Accuracy {
    #[asn1(optional = "true")]
    seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

#[derive(Debug, Sequence)]
struct TstInfo {
    version: u8,
    policy: ObjectIdentifier,
    imprint: MessageImprint,
    serial: Int,
    // A `GeneralizedTime` that may have fractions of a second.
    time: Any,
    #[asn1(optional = "true")]
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Uint>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tsa: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    extensions: Option<Vec<Any>>,
}

#[derive(Debug, Sequence)]
struct CertId {
    hash: OctetString,
    #[asn1(optional = "true")]
    issuer: Option<Any>,
}

#[derive(Debug, Sequence)]
struct CertIdV2 {
    #[asn1(optional = "true")]
    algorithm: Option<AlgorithmIdentifierOwned>,
    hash: OctetString,
    #[asn1(optional = "true")]
    issuer: Option<Any>,
}

#[derive(Debug, Sequence)]
struct SigningCertificate {
    certificates: Vec<Any>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

fn unreadable(what: &'static str) -> impl FnOnce(der::Error) -> TokenError {
    move |error| TokenError::Unreadable(format!("{what}: {error}"))
}

fn no<T>(reason: impl Into<String>) -> Result<T, TokenError> {
    Err(TokenError::Unreadable(reason.into()))
}

impl Token {
    /// Reads a token and checks its signature by the certificate in it.
    pub fn read(bytes: &[u8]) -> Result<Self, TokenError> {
        let outer = ContentInfo::from_der(bytes).map_err(unreadable("its envelope"))?;
        if outer.content_type != SIGNED_DATA {
            return no("it is not signed data");
        }
        let signed: SignedData = outer.content.decode_as().map_err(unreadable("its signed data"))?;
        if signed.content.econtent_type != TST_INFO {
            return no("what is signed is no timestamp");
        }
        let Some(content) = &signed.content.econtent else { return no("what is signed is not in it") };
        let content: OctetString = content.decode_as().map_err(unreadable("its content"))?;
        let info = TstInfo::from_der(content.as_bytes()).map_err(unreadable("its time"))?;
        let [signer] = signed.signers.0.as_slice() else { return no("not exactly one has signed it") };
        let others: Vec<CertificateDer<'static>> = signed
            .certificates
            .iter()
            .flat_map(SetOfVec::iter)
            .filter(|one| one.tag() == Tag::Sequence)
            .map(|one| one.to_der().map(CertificateDer::from))
            .collect::<Result<_, _>>()
            .map_err(unreadable("its certificates"))?;
        let Some((signed_with, certificate)) = find(&signer.sid, &others) else {
            return no("the certificate that it is signed with is not in it");
        };
        check(signer, content.as_bytes(), &signed_with)?;
        Ok(Self {
            time: time(&info)?,
            authority: name(&certificate),
            imprint: imprint(&info.imprint)?,
            nonce: info.nonce.map(|nonce| nonce.as_bytes().to_vec()),
            signer: signed_with,
            others,
        })
    }

    /// That it is over this root.
    pub fn is_over(&self, root: &MerkleHash) -> Result<(), TokenError> {
        if self.imprint == *root {
            return Ok(());
        }
        Err(TokenError::Imprint { found: self.imprint.to_string(), root: *root })
    }
}

fn imprint(imprint: &MessageImprint) -> Result<MerkleHash, TokenError> {
    let hash = <[u8; 32]>::try_from(imprint.hashed.as_bytes()).ok();
    match hash.filter(|_| imprint.algorithm.oid == SHA256) {
        Some(hash) => Ok(MerkleHash(hash)),
        None => no("its imprint is not of SHA-256"),
    }
}

/// The certificate that somebody signed with.
fn find(
    who: &SignerIdentifier,
    all: &[CertificateDer<'static>],
) -> Option<(CertificateDer<'static>, Certificate)> {
    let is_it = |certificate: &Certificate| {
        let inner = certificate.tbs_certificate();
        match who {
            SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber { issuer, serial_number }) => {
                inner.issuer() == issuer && inner.serial_number() == serial_number
            }
            SignerIdentifier::SubjectKeyIdentifier(id) => {
                matches!(inner.get_extension::<SubjectKeyIdentifier>(), Ok(Some((_, own))) if own == *id)
            }
        }
    };
    all.iter().find_map(|bytes| {
        let certificate = Certificate::from_der(bytes).ok()?;
        is_it(&certificate).then(|| (bytes.clone(), certificate))
    })
}

/// That the certificate's key signed the content, as RFC 5652, section 5.4 says, and that its owner meant this certificate.
fn check(signer: &SignerInfo, content: &[u8], certificate: &CertificateDer<'_>) -> Result<(), TokenError> {
    let bad = |reason: &str| Err(TokenError::Signature(reason.to_owned()));
    let Some(hash) = algorithm(&signer.digest_alg.oid) else {
        return bad("its hash is not SHA-256, 384 or 512");
    };
    let Some(attributes) = &signer.signed_attrs else { return bad("it has no signed attributes") };
    let only = |oid: ObjectIdentifier| {
        let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
        match (found.next().map(|attribute| attribute.values.as_slice()), found.next()) {
            (Some([value]), None) => Some(value),
            _ => None,
        }
    };
    let is_timestamp =
        only(CONTENT_TYPE).is_some_and(|value| value.decode_as::<ObjectIdentifier>() == Ok(TST_INFO));
    if !is_timestamp {
        return bad("it is over something that is no timestamp");
    }
    let digest = digest::digest(hash, content);
    let is_same = only(MESSAGE_DIGEST)
        .and_then(|value| value.decode_as::<OctetString>().ok())
        .is_some_and(|said| said.as_bytes() == digest.as_ref());
    if !is_same {
        return bad("it is over another time or another imprint");
    }
    let is_meant = match (only(SIGNING_CERTIFICATE_V2), only(SIGNING_CERTIFICATE)) {
        (Some(value), _) => names_v2(value, certificate),
        (None, Some(value)) => names_v1(value, certificate),
        (None, None) => false,
    };
    if !is_meant {
        return bad("it does not name the certificate that it is made with");
    }
    let said = attributes.to_der().map_err(unreadable("its signed attributes"))?;
    let Ok(key) = webpki::EndEntityCert::try_from(certificate) else {
        return bad("its certificate cannot be read");
    };
    let algorithms = signature_algorithms(&signer.signature_algorithm.oid, &signer.digest_alg.oid);
    if algorithms.is_empty() {
        return bad(
            "it is made in a way that is not known here (RSA with PKCS #1 v1.5, ECDSA on P-256 or P-384 are)",
        );
    }
    let holds =
        algorithms.iter().any(|one| key.verify_signature(*one, &said, signer.signature.as_bytes()).is_ok());
    if holds { Ok(()) } else { bad("it is not of the certificate's key, or what it is over was changed") }
}

fn names_v1(value: &Any, certificate: &[u8]) -> bool {
    let Ok(named) = value.decode_as::<SigningCertificate>() else { return false };
    let Some(Ok(first)) = named.certificates.first().map(Any::decode_as::<CertId>) else { return false };
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref() == first.hash.as_bytes()
}

fn names_v2(value: &Any, certificate: &[u8]) -> bool {
    let Ok(named) = value.decode_as::<SigningCertificate>() else { return false };
    let Some(Ok(first)) = named.certificates.first().map(Any::decode_as::<CertIdV2>) else { return false };
    let hash = first.algorithm.map_or(Some(&digest::SHA256), |one| algorithm(&one.oid));
    hash.is_some_and(|hash| digest::digest(hash, certificate).as_ref() == first.hash.as_bytes())
}

fn algorithm(oid: &ObjectIdentifier) -> Option<&'static digest::Algorithm> {
    match *oid {
        SHA256 => Some(&digest::SHA256),
        SHA384 => Some(&digest::SHA384),
        SHA512 => Some(&digest::SHA512),
        _ => None,
    }
}

type Algorithm = &'static dyn rustls::pki_types::SignatureVerificationAlgorithm;

fn signature_algorithms(signature: &ObjectIdentifier, hash: &ObjectIdentifier) -> Vec<Algorithm> {
    use webpki::ring;
    match (*signature, *hash) {
        (RSA_SHA256, _) | (RSA, SHA256) => vec![ring::RSA_PKCS1_2048_8192_SHA256],
        (RSA_SHA384, _) | (RSA, SHA384) => vec![ring::RSA_PKCS1_2048_8192_SHA384],
        (RSA_SHA512, _) | (RSA, SHA512) => vec![ring::RSA_PKCS1_2048_8192_SHA512],
        (ECDSA_SHA256, _) => vec![ring::ECDSA_P256_SHA256, ring::ECDSA_P384_SHA256],
        (ECDSA_SHA384, _) => vec![ring::ECDSA_P256_SHA384, ring::ECDSA_P384_SHA384],
        _ => Vec::new(),
    }
}

/// The authority's time, and how far that may be off, up to the next millisecond.
fn time(info: &TstInfo) -> Result<UnixMs, TokenError> {
    let wrong = || TokenError::Unreadable("its time is none".to_owned());
    if info.time.tag() != Tag::GeneralizedTime {
        return Err(wrong());
    }
    let text = std::str::from_utf8(info.time.value()).map_err(|_| wrong())?;
    let digits = text.strip_suffix('Z').ok_or_else(wrong)?;
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(wrong()),
        None => (digits, ""),
    };
    if whole.len() != 14 || !whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", whole).map_err(|_| wrong())?;
    let whole = jiff::tz::TimeZone::UTC.to_timestamp(whole).map_err(|_| wrong())?.as_millisecond();
    // Milliseconds, and one more for what is below them.
    let fraction = match fraction.len() {
        0 => 0,
        _ => {
            format!("{fraction:0<3}")[..3].parse::<i64>().map_err(|_| wrong())?
                + i64::from(fraction.len() > 3)
        }
    };
    let Some(accuracy) = &info.accuracy else { return Ok(whole + fraction) };
    let seconds = i64::from(accuracy.seconds.unwrap_or(0)) * 1000;
    let below = i64::from(accuracy.millis.unwrap_or(0)) + i64::from(accuracy.micros.is_some());
    Ok(whole + fraction + seconds + below)
}

/// What a certificate calls its owner, without what a terminal would take for a command.
pub(super) fn name(certificate: &Certificate) -> String {
    let subject = certificate.tbs_certificate().subject();
    let common = subject.common_name().ok().flatten().map(|name| name.value().into_owned());
    let name = common.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| subject.to_string());
    name.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// Whether a certificate is for stamping times, and was good then.
pub(super) fn is_for_timestamps(certificate: &Certificate, time: UnixMs) -> Result<(), &'static str> {
    let inner = certificate.tbs_certificate();
    let usage = inner.get_extension::<ExtendedKeyUsage>().ok().flatten();
    if !usage.is_some_and(|(_, usage)| usage.0.contains(&TIME_STAMPING)) {
        return Err("it is not for stamping times");
    }
    let seconds = u64::try_from(time.div_euclid(1000)).unwrap_or(0);
    let (from, to) = (inner.validity().not_before, inner.validity().not_after);
    if seconds < from.to_unix_duration().as_secs() || seconds > to.to_unix_duration().as_secs() {
        return Err("it was not valid then");
    }
    Ok(())
}
