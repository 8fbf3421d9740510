//! The keys of the one who calls: they sign a request, and check who signed its response.

use crate::ambient::{nonce, now};
use crate::base::{base_text, components_of, params_text};
use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use clap::Args;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use onbill_domain::key::{Key, KeyUse, Keyring};
use onbill_domain::signature::{
    CONTENT_DIGEST, ReceivedSignature, RequestComponents, ResponseComponents, SIGNATURE, SIGNATURE_INPUT,
    sign_request, verify_response,
};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(crate) struct KeyOptions {
    /// Your key file: a ring, or a JWKS.
    #[arg(long, value_name = "FILE", env = "ONBILL_KEYS")]
    pub(crate) keys: PathBuf,
    /// The use of the key: partner-call for a partner, bss-to-origin for an operator. With
    /// origin-to-bss you call your own CSP API as the origin does. Without it, the first of these
    /// that the file has.
    #[arg(long = "use", value_name = "USE", value_parser = parse_use)]
    pub(crate) key_use: Option<KeyUse>,
    /// The id of the key, if not the last one of this use.
    #[arg(long, value_name = "ID")]
    pub(crate) key: Option<String>,
}

/// Reads the use of a key, as a ring names it.
pub(crate) fn parse_use(text: &str) -> Result<KeyUse, String> {
    KeyUse::parse(text).ok_or_else(|| format!("there is no use {text:?}; a ring names it in \"use\""))
}

/// Reads a ring, or a JWKS.
pub(crate) fn read_ring(file: &Path) -> anyhow::Result<Keyring> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    Keyring::parse(&text).map_err(|why| anyhow!("{}: {why}", file.display()))
}

/// Which success a partner may act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseSigner<'k> {
    /// This party has signed it.
    Party(&'k str),
    /// This party has signed it, and the call was for another operator.
    Other(&'k str),
    /// It is not signed, or wrongly.
    Unverified,
    /// Responses to this caller are not signed.
    NotExpected,
}

impl ResponseSigner<'_> {
    /// The same for a call that names its operator. Any operator of the ring could sign otherwise.
    pub(crate) fn for_operator(self, operator: &str) -> Self {
        match self {
            Self::Party(party) if party.strip_prefix("operator:") != Some(operator) => Self::Other(party),
            other => other,
        }
    }

    /// Whether a success counts as no response.
    pub(crate) fn is_refused(self) -> bool {
        matches!(self, Self::Other(_) | Self::Unverified)
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Party(party) | Self::Other(party) => party,
            Self::Unverified => "no one",
            Self::NotExpected => "not expected",
        }
    }
}

/// The keys of a caller, and the one that signs.
pub(crate) struct Signer {
    ring: Keyring,
    key_use: KeyUse,
    key_id: String,
}

impl Signer {
    pub(crate) fn read(options: &KeyOptions) -> anyhow::Result<Self> {
        Self::new(read_ring(&options.keys)?, options.key_use, options.key.as_deref())
            .with_context(|| format!("use {}", options.keys.display()))
    }

    fn new(ring: Keyring, key_use: Option<KeyUse>, key_id: Option<&str>) -> anyhow::Result<Self> {
        let usual = [KeyUse::PartnerCall, KeyUse::OperatorToOrigin, KeyUse::OriginToOperator];
        let first = usual.into_iter().find(|key_use| ring.keys_for_use(*key_use).next().is_some());
        let key_use =
            key_use.or(first).context("it has no key to sign calls with; --use names another use")?;
        let is_meant = |key: &&Key| key_id.is_none_or(|id| key.id == id);
        let key = ring.keys_for_use(key_use).filter(is_meant).last();
        let key = key.with_context(|| format!("it has no such key of the use {}", key_use.as_str()))?;
        if key.sign(b"").is_none() {
            bail!("it has only the public half of {}: who calls needs the private one", key.id);
        }
        let key_id = key.id.clone();
        Ok(Self { ring, key_use, key_id })
    }

    /// Signs the request with a new nonce. It must have an absolute URI and, with a body, a type.
    pub(crate) fn sign(&self, request: &mut Request<Bytes>) -> anyhow::Result<()> {
        let key = self.ring.find(self.key_use, &self.key_id).context("the key is gone")?;
        sign_request(request, key, now(), &nonce()?).context("this request cannot be signed")
    }

    /// Who signed the response to this request.
    pub(crate) fn response_signer(
        &self,
        request: &HeaderMap,
        response: &Response<Bytes>,
    ) -> ResponseSigner<'_> {
        if self.key_use != KeyUse::PartnerCall {
            return ResponseSigner::NotExpected;
        }
        self.find_response_signer(request, response).map_or(ResponseSigner::Unverified, ResponseSigner::Party)
    }

    fn find_response_signer(&self, request: &HeaderMap, response: &Response<Bytes>) -> Option<&str> {
        let received = ReceivedSignature::from_headers(response.headers())?;
        let response = ResponseComponents {
            status: response.status().as_u16(),
            body: (response.body(), response.headers().get(CONTENT_TYPE)?.to_str().ok()?),
            request_signature: request.get(SIGNATURE)?.to_str().ok()?,
        };
        let verified = verify_response(&response, received, &self.ring, KeyUse::OriginToPartner, now());
        Some(verified.ok()?.key.party.as_str())
    }
}

/// The signature base of a request that is signed.
pub(crate) fn signed_base(request: &Request<Bytes>) -> Option<String> {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let body = request.body();
    let components = RequestComponents {
        method: request.method().as_str(),
        authority: request.uri().authority()?.as_str(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        body: (!body.is_empty()).then_some((&body[..], text(CONTENT_TYPE.as_str()).unwrap_or_default())),
    };
    let components = components_of(&components, text(CONTENT_DIGEST).unwrap_or_default());
    Some(base_text(&components, params_text(text(SIGNATURE_INPUT)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::encoding::encode_base64url;
    use onbill_domain::signature::sign_response;
    use serde_json::json;

    fn ring() -> Keyring {
        let entry = |id: &str, byte: u8| {
            json!({"id": id, "party": "partner:netflix", "use": "partner-call", "alg": "ed25519",
                "private": encode_base64url(&[byte; 32])})
        };
        let webhooks = json!({"id": "a", "party": "operator:acme", "use": "origin-to-partner",
            "alg": "hmac-sha256", "secret": encode_base64url(&[4; 32])});
        Keyring::parse(&json!([entry("old", 2), entry("new", 3), webhooks]).to_string())
            .expect("is well formed")
    }

    fn request() -> Request<Bytes> {
        Request::post("https://pay.example.com/ott/v1/pin?operator=acme")
            .header("content-type", "application/json")
            .body(Bytes::from_static(b"{}"))
            .expect("is a request")
    }

    #[test]
    fn printed_base_is_the_signed_one() {
        let (signer, mut request) = (Signer::new(ring(), None, None).expect("has a key"), request());
        signer.sign(&mut request).expect("signs");
        let base = signed_base(&request).expect("is signed");
        let key = ring();
        let key = key.find(KeyUse::PartnerCall, "new").expect("the last one signs");
        assert_eq!(key.sign(base.as_bytes()).map(|bytes| onbill_domain::encoding::encode_base64(&bytes)), {
            let value = request.headers()[SIGNATURE].to_str().expect("is text");
            Some(value.trim_start_matches("sig1=:").trim_end_matches(':').to_owned())
        });
    }

    #[test]
    fn key_is_chosen_by_id_and_use() {
        assert_eq!(Signer::new(ring(), None, Some("old")).expect("is there").key_id, "old");
        for (key_use, id) in [(None, Some("other")), (Some(KeyUse::OperatorToOrigin), None)] {
            assert!(Signer::new(ring(), key_use, id).is_err());
        }
    }

    #[test]
    fn response_names_the_operator_that_signed_it() {
        let (signer, mut request) = (Signer::new(ring(), None, None).expect("has a key"), request());
        signer.sign(&mut request).expect("signs");
        let body = Bytes::from_static(b"{}");
        let components = ResponseComponents {
            status: 202,
            body: (&body, "application/json"),
            request_signature: request.headers()[SIGNATURE].to_str().expect("is text"),
        };
        let keys = ring();
        let key = keys.find(KeyUse::OriginToPartner, "a").expect("is there");
        let headers = sign_response(&components, key, now(), "0123456789abcdef").expect("signs");
        let response = Response::builder()
            .status(202)
            .header("content-type", "application/json")
            .header(CONTENT_DIGEST, headers.content_digest.expect("has a body"))
            .header(SIGNATURE_INPUT, headers.signature_input)
            .header(SIGNATURE, headers.signature)
            .body(body)
            .expect("is a response");
        assert_eq!(
            signer.response_signer(request.headers(), &response),
            ResponseSigner::Party("operator:acme")
        );
        let changed = response.map(|_| Bytes::from_static(b"[]"));
        assert_eq!(signer.response_signer(request.headers(), &changed), ResponseSigner::Unverified);
    }
}
