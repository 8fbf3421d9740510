//! Parties that accept a signature which they must refuse: the call is signed again, rightly, and so
//! passes.

use super::faulty::Behind;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, Uri};
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::signature::{
    CONTENT_DIGEST, ReceivedSignature, RequestComponents, SIGNATURE, SIGNATURE_INPUT, SignatureError,
    sign_request, verify_request,
};
use onbill_origin::ambient::{Clock as _, Random, SystemClock, SystemRandom};

/// The address that the kits sign for to say another one than the party's.
const ELSEWHERE: &str = "elsewhere.invalid";

/// What is wrong with the signature of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Missing,
    Wrong,
    Late,
    OtherAddress,
    /// For another host, which the call names as its own.
    OtherHost,
    BodyChanged,
    Replayed,
    OtherUse,
}

/// Finds the flaw in the signature of a call, if it has one.
pub(super) fn flaw_of(
    behind: &Behind,
    request: &Request<Bytes>,
    keys: &Keyring,
    key_use: KeyUse,
) -> Option<Flaw> {
    let Some(received) = ReceivedSignature::from_headers(request.headers()) else {
        return Some(Flaw::Missing);
    };
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let target = RequestComponents {
        method: request.method().as_str(),
        authority: host,
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        body: (!request.body().is_empty()).then(|| (&request.body()[..], content_type.unwrap_or_default())),
    };
    let verify =
        |target: &RequestComponents<'_>| verify_request(target, received, keys, key_use, SystemClock.now());
    match verify(&target) {
        Ok(_) if host == ELSEWHERE => Some(Flaw::OtherHost),
        Ok(verified) => (behind.times_before(verified.nonce.value()) > 0).then_some(Flaw::Replayed),
        Err(SignatureError::Stale { .. }) => Some(Flaw::Late),
        Err(SignatureError::DigestMismatch) => Some(Flaw::BodyChanged),
        Err(SignatureError::BadSignature) => {
            let elsewhere = RequestComponents { authority: ELSEWHERE, ..target };
            Some(if verify(&elsewhere).is_ok() { Flaw::OtherAddress } else { Flaw::Wrong })
        }
        Err(SignatureError::UnknownKey | SignatureError::Malformed) => Some(Flaw::OtherUse),
    }
}

/// The call with a signature that is right.
pub(super) fn sign_again(mut request: Request<Bytes>, keys: &Keyring, key_use: KeyUse) -> Request<Bytes> {
    let host = request.headers()[HOST].to_str().expect("is text").to_owned();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let absolute: Uri = format!("http://{host}{path}").parse().expect("is an address");
    let received = std::mem::replace(request.uri_mut(), absolute);
    for name in [SIGNATURE, SIGNATURE_INPUT, CONTENT_DIGEST] {
        request.headers_mut().remove(name);
    }
    // A partner's ring has keys of two operators, of which the kits play Acme.
    let of_acme = keys.signing_key(key_use, "operator:acme");
    let key = of_acme.or_else(|| keys.keys_for_use(key_use).last()).expect("is there");
    let random: &dyn Random = &SystemRandom;
    sign_request(&mut request, key, SystemClock.now(), &random.nonce()).expect("signs");
    *request.uri_mut() = received;
    request
}
