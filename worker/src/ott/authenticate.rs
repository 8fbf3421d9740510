//! Authenticates the partner, or the origin, that signed a call.

use crate::admission::{check_partner_rate, read_json_body};
use crate::call::Call;
use crate::config::Partner;
use crate::platform::Platform;
use http::Method;
use http::header::CONTENT_TYPE;
use onbill_domain::key::{Key, KeyUse, Keyring};
use onbill_domain::reject::Reject;
use onbill_domain::signature::{ReceivedSignature, RequestComponents, verify_request};

/// 1. A call with a body is JSON → else 415; at most 16 KiB → else 413.
/// 2. It is signed by a partner that we serve → else 401, the same whatever was wrong.
/// 3. The partner is within its rate → else 429.
///
/// The authority is the one that the call came in on. A signature made for another host of this
/// deployment passes here and is refused at the origin, which knows its public address: only there
/// can it have an effect.
pub(crate) async fn authenticate_partner<'c, P: Platform>(
    call: &'c Call<'_, P>,
) -> Result<&'c Partner, Reject> {
    // 1.
    if call.request.method() != Method::GET {
        read_json_body(call.request)?;
    }
    // 2.
    let partner = find_signing_partner(call).map_err(|why| {
        call.warn(why);
        Reject::unauthorized()
    })?;
    call.notes.note_partner(&partner.id);
    // 3.
    check_partner_rate(call, partner.id.as_str()).await?;
    Ok(partner)
}

/// Finds the partner that signed; the error is for the log.
fn find_signing_partner<'c, P: Platform>(call: &'c Call<'_, P>) -> Result<&'c Partner, &'static str> {
    let key = find_signing_key(call, call.config.partner_keys(), KeyUse::PartnerCall)?;
    let partner = key.party.partner_id().and_then(|id| call.config.find_partner(id.as_str()));
    partner.ok_or("the signature is of a partner that is not served")
}

/// Finds the key of a ring that signed a call, if it is one of this use; the error is for the log.
pub(crate) fn find_signing_key<'k, P: Platform>(
    call: &Call<'_, P>,
    keys: &'k Keyring,
    key_use: KeyUse,
) -> Result<&'k Key, &'static str> {
    use onbill_domain::signature::SignatureError;
    let body = call.request.body();
    let target = RequestComponents {
        method: call.request.method().as_str(),
        authority: call.authority(),
        path: call.request.uri().path(),
        query: call.request.uri().query().unwrap_or_default(),
        body: (!body.is_empty()).then(|| (&body[..], call.header(CONTENT_TYPE).unwrap_or_default())),
    };
    let presented = ReceivedSignature::from_headers(call.request.headers()).ok_or("no signature")?;
    let verified = verify_request(&target, presented, keys, key_use, call.platform.now());
    let verified = verified.map_err(|refused| match refused {
        SignatureError::Malformed => "the signature is not of the profile",
        SignatureError::Stale { .. } => "the signature is stale",
        SignatureError::UnknownKey => "the signature names a key that is not there",
        SignatureError::DigestMismatch => "the body is not the signed one",
        SignatureError::BadSignature => "the signature does not match",
    })?;
    Ok(verified.key)
}
