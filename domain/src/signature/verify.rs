//! Verifying a signed request, and the answer to one.

use super::base::{Component, RequestComponents, ResponseComponents, signature_base};
use super::sign::{RESPONSE_TAG, tag};
use super::{LABEL, SIGNATURE, SIGNATURE_INPUT};
use crate::digest;
use crate::key::{Key, KeyUse, Keyring};
use crate::limits::{NONCE_BYTES_MAX, NONCE_BYTES_MIN, SIGNATURE_SKEW_SECONDS};
use crate::timestamp::Timestamp;
use http::HeaderMap;
use sfv::{BareItem, Dictionary, InnerList, Item, ListEntry, Parser};

/// The signature headers as they came.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedSignature<'a> {
    /// `signature-input`.
    pub signature_input: &'a str,
    /// `signature`.
    pub signature: &'a str,
    /// `content-digest`, empty when absent.
    pub content_digest: &'a str,
}

impl<'a> ReceivedSignature<'a> {
    /// Reads them from the headers of that name; `None` when one is missing, repeated or not text.
    pub fn from_headers(headers: &'a HeaderMap) -> Option<Self> {
        Self::from_headers_named(headers, SIGNATURE_INPUT, SIGNATURE)
    }

    /// The same, from headers of other names: how a forwarded request carries its first signer's.
    pub fn from_headers_named(headers: &'a HeaderMap, input: &str, signature: &str) -> Option<Self> {
        let one = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let first = values.next()?.to_str().ok()?;
            values.next().is_none().then_some(first)
        };
        let content_digest =
            if headers.contains_key(super::CONTENT_DIGEST) { one(super::CONTENT_DIGEST)? } else { "" };
        Some(Self { signature_input: one(input)?, signature: one(signature)?, content_digest })
    }
}

/// A nonce that came with a valid signature. Only [`verify_request`] makes one: holding it proves the signature, and whoever
/// acts on the call must spend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce {
    key_id: String,
    value: String,
    expires_at: Timestamp,
}

impl Nonce {
    /// The key it came with: two parties may draw the same nonce.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The nonce itself.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// From this moment on its signature is stale anyway, and it may be forgotten.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// A request or an answer whose signature is valid.
#[derive(Clone, Debug)]
pub struct VerifiedSignature<'k> {
    /// The key, and with it the party, that signed.
    pub key: &'k Key,
    /// To be spent by whoever acts on the call. An answer's is nothing to keep: it is bound to one call.
    pub nonce: Nonce,
}

/// Why a signature was refused: for the log. The caller gets one answer for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// The headers are not the profile's: missing, unparsable, other label, components or parameters.
    Malformed,
    /// Too old, or from the future.
    Stale,
    /// No such key for this use.
    UnknownKey,
    /// The body is not the signed one.
    DigestMismatch,
    /// The signature does not match.
    BadSignature,
}

/// Checks `presented` for `target` against the keys of one use.
pub fn verify_request<'k>(
    target: &RequestComponents<'_>,
    presented: ReceivedSignature<'_>,
    keys: &'k Keyring,
    key_use: KeyUse,
    now: Timestamp,
) -> Result<VerifiedSignature<'k>, SignatureError> {
    let components = target.components(presented.content_digest).ok_or(SignatureError::Malformed)?;
    let verified = verify_over(&components, presented, (keys, key_use), &tag(key_use), now)?;
    if let Some((body, _)) = target.body
        && !digest::matches_content_digest(presented.content_digest, body)
    {
        return Err(SignatureError::DigestMismatch);
    }
    Ok(verified)
}

/// The same for an answer.
pub fn verify_response<'k>(
    answer: &ResponseComponents<'_>,
    presented: ReceivedSignature<'_>,
    keys: &'k Keyring,
    key_use: KeyUse,
    now: Timestamp,
) -> Result<VerifiedSignature<'k>, SignatureError> {
    let components = answer.components(presented.content_digest).ok_or(SignatureError::Malformed)?;
    let verified = verify_over(&components, presented, (keys, key_use), RESPONSE_TAG, now)?;
    if digest::matches_content_digest(presented.content_digest, answer.body.0) {
        Ok(verified)
    } else {
        Err(SignatureError::DigestMismatch)
    }
}

fn verify_over<'k>(
    components: &[Component<'_>],
    presented: ReceivedSignature<'_>,
    (keys, key_use): (&'k Keyring, KeyUse),
    tag: &str,
    now: Timestamp,
) -> Result<VerifiedSignature<'k>, SignatureError> {
    let list = only_member(presented.signature_input, |entry| match entry {
        ListEntry::InnerList(list) => Some(list),
        ListEntry::Item(_) => None,
    })?;
    let signature = only_signature(presented.signature)?;
    let params = read_params(&list, components)?;

    if params.created.abs_diff(now.unix_seconds()) > SIGNATURE_SKEW_SECONDS.unsigned_abs() {
        return Err(SignatureError::Stale);
    }
    let key = keys.find(key_use, params.key_id).ok_or(SignatureError::UnknownKey)?;
    if params.tag != tag {
        return Err(SignatureError::Malformed);
    }
    let base = signature_base(components, &list).ok_or(SignatureError::Malformed)?;
    if !key.verify(base.as_bytes(), &signature) {
        return Err(SignatureError::BadSignature);
    }
    let nonce = Nonce {
        key_id: key.id.clone(),
        value: params.nonce.to_owned(),
        // One second past the last moment at which `created` would still pass.
        expires_at: Timestamp::from_unix_seconds(params.created).plus_seconds(SIGNATURE_SKEW_SECONDS + 1),
    };
    Ok(VerifiedSignature { key, nonce })
}

/// The signature in a header `signature`.
pub(super) fn only_signature(header: &str) -> Result<Vec<u8>, SignatureError> {
    only_member(header, |entry| match entry {
        ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), .. }) => Some(bytes),
        _ => None,
    })
}

/// The one member of a dictionary, which must be `sig1`.
fn only_member<T>(header: &str, pick: impl FnOnce(ListEntry) -> Option<T>) -> Result<T, SignatureError> {
    let mut dictionary: Dictionary = Parser::new(header).parse().map_err(|_| SignatureError::Malformed)?;
    if dictionary.len() != 1 {
        return Err(SignatureError::Malformed);
    }
    dictionary.swap_remove(LABEL).and_then(pick).ok_or(SignatureError::Malformed)
}

struct Params<'a> {
    created: i64,
    nonce: &'a str,
    key_id: &'a str,
    tag: &'a str,
}

fn read_params<'a>(list: &'a InnerList, wanted: &[Component<'_>]) -> Result<Params<'a>, SignatureError> {
    let identifiers = wanted.iter().map(|component| &component.identifier);
    if !list.items.iter().eq(identifiers) || list.params.len() != 4 {
        return Err(SignatureError::Malformed);
    }
    let text = |name: &str| match list.params.get(name) {
        Some(BareItem::String(text)) => Ok(text.as_str()),
        _ => Err(SignatureError::Malformed),
    };
    let created = match list.params.get("created") {
        Some(BareItem::Integer(seconds)) => i64::from(*seconds),
        _ => return Err(SignatureError::Malformed),
    };
    let nonce = text("nonce")?;
    if !(NONCE_BYTES_MIN..=NONCE_BYTES_MAX).contains(&nonce.len()) {
        return Err(SignatureError::Malformed);
    }
    Ok(Params { created, nonce, key_id: text("keyid")?, tag: text("tag")? })
}
