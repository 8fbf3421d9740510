//! Verifying the signature of a request, and of a response.

use super::base::signature_base;
use super::components::{Component, RequestComponents, ResponseComponents};
use super::profile::{RESPONSE_TAG, request_tag};
use super::received::{ReceivedSignature, SignatureError, parse_signature, parse_signature_input};
use crate::digest;
use crate::key::{Key, KeyUse, Keyring};
use crate::limits::{NONCE_BYTES_MAX, NONCE_BYTES_MIN, SIGNATURE_SKEW_SECONDS};
use crate::timestamp::Timestamp;
use sfv::{BareItem, InnerList};

/// The nonce of a valid signature. Only a verification makes one, so having it proves the
/// signature. What acts on the request must use it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce {
    key_id: String,
    value: String,
    expires_at: Timestamp,
}

impl Nonce {
    /// The key that signed it: two parties can draw the same nonce.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The nonce itself.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// When its signature is stale, so that it need not be remembered.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// A valid signature.
#[derive(Clone, Debug)]
pub struct VerifiedSignature<'k> {
    /// The key that signed, and with it the party.
    pub key: &'k Key,
    /// When it was made, by the signer's clock.
    pub created: Timestamp,
    /// The nonce, which must be used up by what acts on a request. A response's nonce need not be
    /// remembered, as a response belongs to one request.
    pub nonce: Nonce,
}

/// Verifies the signature of a request with the keys of one use.
pub fn verify_request<'k>(
    request: &RequestComponents<'_>,
    received: ReceivedSignature<'_>,
    keys: &'k Keyring,
    key_use: KeyUse,
    now: Timestamp,
) -> Result<VerifiedSignature<'k>, SignatureError> {
    let components = request.covered(received.content_digest).ok_or(SignatureError::Malformed)?;
    let verified = verify_components(&components, received, (keys, key_use), &request_tag(key_use), now)?;
    match request.body {
        Some((body, _)) => check_digest(received, body).map(|()| verified),
        None => Ok(verified),
    }
}

/// The key that a signature names, right or wrong: whose calls they are that are refused. `None` when
/// it names none that we have, or cannot be read.
pub fn named_key<'k>(received: ReceivedSignature<'_>, keys: &'k Keyring, key_use: KeyUse) -> Option<&'k Key> {
    let input = parse_signature_input(received.signature_input).ok()?;
    match input.params.get("keyid") {
        Some(BareItem::String(id)) => keys.find(key_use, id.as_str()),
        _ => None,
    }
}

/// Verifies the signature of a response with the keys of one use.
pub fn verify_response<'k>(
    response: &ResponseComponents<'_>,
    received: ReceivedSignature<'_>,
    keys: &'k Keyring,
    key_use: KeyUse,
    now: Timestamp,
) -> Result<VerifiedSignature<'k>, SignatureError> {
    let components = response.covered(received.content_digest).ok_or(SignatureError::Malformed)?;
    let verified = verify_components(&components, received, (keys, key_use), RESPONSE_TAG, now)?;
    check_digest(received, response.body.0).map(|()| verified)
}

fn check_digest(received: ReceivedSignature<'_>, body: &[u8]) -> Result<(), SignatureError> {
    if digest::matches_content_digest(received.content_digest, body) {
        Ok(())
    } else {
        Err(SignatureError::DigestMismatch)
    }
}

fn verify_components<'k>(
    components: &[Component<'_>],
    received: ReceivedSignature<'_>,
    (keys, key_use): (&'k Keyring, KeyUse),
    tag: &str,
    now: Timestamp,
) -> Result<VerifiedSignature<'k>, SignatureError> {
    let input = parse_signature_input(received.signature_input)?;
    let signature = parse_signature(received.signature)?;
    let params = read_params(&input, components)?;

    let key = keys.find(key_use, params.key_id).ok_or(SignatureError::UnknownKey)?;
    if params.tag != tag {
        return Err(SignatureError::Malformed);
    }
    let base = signature_base(components, &input).ok_or(SignatureError::Malformed)?;
    if !key.verify(base.as_bytes(), &signature) {
        return Err(SignatureError::BadSignature);
    }
    // Last: only a genuine signature shows something about its signer's clock.
    let seconds_off = params.created.saturating_sub(now.unix_seconds());
    if seconds_off.unsigned_abs() > SIGNATURE_SKEW_SECONDS.unsigned_abs() {
        return Err(SignatureError::Stale { seconds_off });
    }
    let created = Timestamp::from_unix_seconds(params.created);
    let nonce = Nonce {
        key_id: key.id.clone(),
        value: params.nonce.to_owned(),
        // One second after the last moment at which `created` is not stale.
        expires_at: created.plus_seconds(SIGNATURE_SKEW_SECONDS + 1),
    };
    Ok(VerifiedSignature { key, created, nonce })
}

/// The signature parameters (RFC 9421 §2.3) of the profile.
struct Params<'a> {
    created: i64,
    nonce: &'a str,
    key_id: &'a str,
    tag: &'a str,
}

fn read_params<'a>(input: &'a InnerList, components: &[Component<'_>]) -> Result<Params<'a>, SignatureError> {
    let identifiers = components.iter().map(|component| &component.identifier);
    if !input.items.iter().eq(identifiers) || input.params.len() != 4 {
        return Err(SignatureError::Malformed);
    }
    let string_param = |name: &str| match input.params.get(name) {
        Some(BareItem::String(text)) => Ok(text.as_str()),
        _ => Err(SignatureError::Malformed),
    };
    let created = match input.params.get("created") {
        Some(BareItem::Integer(seconds)) => i64::from(*seconds),
        _ => return Err(SignatureError::Malformed),
    };
    let nonce = string_param("nonce")?;
    if !(NONCE_BYTES_MIN..=NONCE_BYTES_MAX).contains(&nonce.len()) {
        return Err(SignatureError::Malformed);
    }
    Ok(Params { created, nonce, key_id: string_param("keyid")?, tag: string_param("tag")? })
}
