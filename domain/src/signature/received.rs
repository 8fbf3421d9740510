//! The signature of a received message: its header fields, and why it can be invalid.

use super::input::serialize_input;
use super::profile::{CONTENT_DIGEST, LABEL, SIGNATURE, SIGNATURE_INPUT};
use crate::encoding::encode_base64;
use http::HeaderMap;
use sfv::{BareItem, Dictionary, InnerList, Item, ListEntry, Parser};

/// The signature header fields of a received message, not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedSignature<'a> {
    /// The value of `signature-input`.
    pub signature_input: &'a str,
    /// The value of `signature`.
    pub signature: &'a str,
    /// The value of `content-digest`, empty when absent.
    pub content_digest: &'a str,
}

impl<'a> ReceivedSignature<'a> {
    /// Reads the header fields; `None` when one is missing, repeated or not text.
    pub fn from_headers(headers: &'a HeaderMap) -> Option<Self> {
        Self::from_headers_named(headers, SIGNATURE_INPUT, SIGNATURE)
    }

    /// Reads header fields with other names, in which a forwarded request carries the signature of
    /// its first signer.
    pub fn from_headers_named(headers: &'a HeaderMap, input: &str, signature: &str) -> Option<Self> {
        let single_value = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let first = values.next()?.to_str().ok()?;
            values.next().is_none().then_some(first)
        };
        let content_digest =
            if headers.contains_key(CONTENT_DIGEST) { single_value(CONTENT_DIGEST)? } else { "" };
        Some(Self {
            signature_input: single_value(input)?,
            signature: single_value(signature)?,
            content_digest,
        })
    }

    /// The id of the key that the message says has signed it, by which the ring to verify it with is
    /// found.
    pub fn claimed_key_id(&self) -> Option<String> {
        match parse_signature_input(self.signature_input).ok()?.params.get("keyid") {
            Some(BareItem::String(id)) => Some(id.as_str().to_owned()),
            _ => None,
        }
    }
}

/// Why a signature is not valid, for the log. The caller gets the same response for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// A header field is missing, does not parse, or has another label, component or parameter than
    /// the profile.
    Malformed,
    /// `created` is too far in the past or in the future; everything else of the signature is right.
    Stale {
        /// Seconds from our time to the signer's: negative when it is in the past.
        seconds_off: i64,
    },
    /// There is no such key for this use.
    UnknownKey,
    /// `content-digest` is not the digest of the body.
    DigestMismatch,
    /// The signature does not match the signature base.
    BadSignature,
}

impl SignatureError {
    /// The word for the reason, in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Stale { .. } => "stale",
            Self::UnknownKey => "unknown-key",
            Self::DigestMismatch => "digest-mismatch",
            Self::BadSignature => "bad-signature",
        }
    }
}

/// The components and parameters of a `signature-input` header field. It is refused unless it is
/// spelled as RFC 9651 §4.1 writes it: a parser also takes members and parameters that occur twice,
/// other spaces and leading zeros.
pub(super) fn parse_signature_input(header: &str) -> Result<InnerList, SignatureError> {
    let input = parse_only_member(header, |entry| match entry {
        ListEntry::InnerList(list) => Some(list),
        ListEntry::Item(_) => None,
    })?;
    let is_exact = serialize_input(&input).is_some_and(|text| is_labelled(header, &text));
    if is_exact { Ok(input) } else { Err(SignatureError::Malformed) }
}

/// The bytes of a `signature` header field, in the one spelling that base64 has for them.
pub(super) fn parse_signature(header: &str) -> Result<Vec<u8>, SignatureError> {
    let bytes = parse_only_member(header, |entry| match entry {
        ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), .. }) => Some(bytes),
        _ => None,
    })?;
    let is_exact = is_labelled(header, &format!(":{}:", encode_base64(&bytes)));
    if is_exact { Ok(bytes) } else { Err(SignatureError::Malformed) }
}

/// Whether a header field is this value under the label. Spaces around it are not part of it.
fn is_labelled(header: &str, value: &str) -> bool {
    header.trim_matches([' ', '\t']).strip_prefix(LABEL).and_then(|rest| rest.strip_prefix('='))
        == Some(value)
}

/// The only member of a dictionary, which must have the label of the profile.
fn parse_only_member<T>(
    header: &str,
    select: impl FnOnce(ListEntry) -> Option<T>,
) -> Result<T, SignatureError> {
    let mut dictionary: Dictionary = Parser::new(header).parse().map_err(|_| SignatureError::Malformed)?;
    if dictionary.len() != 1 {
        return Err(SignatureError::Malformed);
    }
    dictionary.swap_remove(LABEL).and_then(select).ok_or(SignatureError::Malformed)
}
