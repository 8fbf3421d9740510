//! The keys of all parties, and what they sign: the partner's calls, the edge's calls to the origin, tokens.

use crate::clock::now;
use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use http::Request;
use onbill_domain::ids::{OfferId, OperatorId, PartnerId};
use onbill_domain::key::{Key, KeyUse, Keyring};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::Pai;
use onbill_domain::signature::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, sign_request};
use onbill_domain::token::{self, ISSUER, SessionClaims, SignupClaims};
use onbill_domain::wire::edge::{
    PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER, SUBSCRIBER_HANDLE_HEADER,
};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const OPERATOR: &str = "acme";
pub(crate) const PARTNER: &str = "netflix";
pub(crate) const OFFER: &str = "netflix-standard";

pub(crate) struct Keys {
    /// The edge's secrets.
    pub(crate) edge_root: String,
    pub(crate) edge_partners: String,
    /// The origin's ring, which has all keys that it shares with the edge.
    pub(crate) origin_json: String,
    /// The origin's ring as a file.
    pub(crate) origin_file: PathBuf,
    origin: Keyring,
    operator: Keyring,
    partner: Keyring,
    /// Makes nonces and ids unique, also between runs on one ledger.
    counter: AtomicU64,
    run: i64,
}

impl Keys {
    /// Reads the key sets that `cargo xtask keys` writes.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let file = folder.join(name);
            fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))
        };
        let ring = |name: &str| Keyring::parse(&read(name)?).map_err(|why| anyhow!("{name}: {why}"));
        let edge: Value = serde_json::from_str(&read("edge.json")?).context("read edge.json")?;
        let secret = |name: &str| {
            let value = edge[name].as_str().map(str::to_owned);
            value.with_context(|| format!("edge.json has no {name}"))
        };
        let origin_name = format!("origin-{OPERATOR}.json");
        Ok(Self {
            edge_root: secret("EDGE_ROOT_KEY")?,
            edge_partners: secret("PARTNER_KEYS")?,
            origin_json: read(&origin_name)?,
            origin_file: folder.join(&origin_name),
            origin: ring(&origin_name)?,
            operator: ring(&format!("operator-{OPERATOR}.json"))?,
            partner: ring(&format!("partner-{PARTNER}.json"))?,
            counter: AtomicU64::default(),
            run: now().unix_seconds(),
        })
    }

    /// An id that no call of this or an earlier run has had; also long enough for a nonce.
    pub(crate) fn unique_id(&self) -> String {
        format!("{:016x}-{:08}", self.run, self.counter.fetch_add(1, Ordering::Relaxed))
    }

    /// A POST of the partner to the edge at this authority.
    pub(crate) fn sign_partner_call(
        &self,
        authority: &str,
        path: &str,
        body: &Value,
    ) -> Result<Request<Bytes>> {
        let mut request = json_post(authority, path, body)?;
        self.sign(&mut request, &self.partner, KeyUse::PartnerCall, PARTNER_PARTY)?;
        Ok(request)
    }

    /// The same call as the edge passes it on to the origin. The partner has signed for `edge_authority`.
    pub(crate) fn sign_forwarded_call(
        &self,
        (edge_authority, origin): (&str, &str),
        path: &str,
        subscriber: &str,
        body: &Value,
    ) -> Result<Request<Bytes>> {
        let signed = self.sign_partner_call(edge_authority, path, body)?;
        let mut forwarded = json_post(origin, path, body)?;
        for (from, to) in [
            (CONTENT_DIGEST, CONTENT_DIGEST),
            (SIGNATURE_INPUT, PARTNER_SIGNATURE_INPUT_HEADER),
            (SIGNATURE, PARTNER_SIGNATURE_HEADER),
        ] {
            forwarded.headers_mut().insert(to, signed.headers()[from].clone());
        }
        forwarded.headers_mut().insert(SUBSCRIBER_HANDLE_HEADER, subscriber.parse()?);
        self.sign(&mut forwarded, &self.origin, KeyUse::EdgeToOrigin, OPERATOR_PARTY)?;
        Ok(forwarded)
    }

    /// A call of the edge's own to the origin.
    pub(crate) fn sign_edge_call(&self, origin: &str, path: &str, body: &Value) -> Result<Request<Bytes>> {
        let mut request = json_post(origin, path, body)?;
        self.sign(&mut request, &self.origin, KeyUse::EdgeToOrigin, OPERATOR_PARTY)?;
        Ok(request)
    }

    /// A call of the operator's own systems to the origin, with a body if there is one.
    pub(crate) fn sign_operator_call(
        &self,
        origin: &str,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Request<Bytes>> {
        let mut request = match body {
            Some(body) => json_post(origin, target, body)?,
            None => Request::get(format!("http://{origin}{target}")).body(Bytes::new())?,
        };
        self.sign(&mut request, &self.operator, KeyUse::OperatorToOrigin, OPERATOR_PARTY)?;
        Ok(request)
    }

    /// A sign-up token of the origin for this PAI.
    pub(crate) fn sign_signup_token(&self, pai: Pai) -> Result<String> {
        let issued = now().unix_seconds();
        let claims = SignupClaims {
            iss: ISSUER.to_owned(),
            aud: PartnerId::parse(PARTNER).context("the partner's id")?,
            sub: pai,
            op: OperatorId::parse(OPERATOR).context("the operator's id")?,
            offer: OfferId::parse(OFFER).context("the offer's id")?,
            jti: self.unique_id(),
            iat: issued,
            exp: issued + 300,
        };
        let key = find_key(&self.origin, KeyUse::SignupToken, OPERATOR_PARTY)?;
        token::sign(key, &claims).context("the token cannot be signed")
    }

    /// The dashboard's assertion that this number is its customer's.
    pub(crate) fn sign_session(&self, number: &Msisdn) -> Result<String> {
        let issued = now().unix_seconds();
        let claims = SessionClaims {
            iss: OperatorId::parse(OPERATOR).context("the operator's id")?,
            aud: ISSUER.to_owned(),
            numbers: vec![number.clone()],
            jti: Some(self.unique_id()),
            iat: issued,
            exp: issued + 600,
        };
        let key = find_key(&self.operator, KeyUse::SessionAssertion, OPERATOR_PARTY)?;
        token::sign(key, &claims).context("the assertion cannot be signed")
    }

    fn sign(&self, request: &mut Request<Bytes>, ring: &Keyring, key_use: KeyUse, party: &str) -> Result<()> {
        let key = find_key(ring, key_use, party)?;
        sign_request(request, key, now(), &self.unique_id()).context("the call cannot be signed")?;
        // A request to a server has its target in the path and its authority in the host field.
        let host = request.uri().authority().context("the call has an authority")?.as_str().parse()?;
        request.headers_mut().insert(http::header::HOST, host);
        let target = request.uri().path_and_query().context("the call has a path")?.as_str().parse()?;
        *request.uri_mut() = target;
        Ok(())
    }
}

const OPERATOR_PARTY: &str = "operator:acme";
const PARTNER_PARTY: &str = "partner:netflix";

fn find_key<'k>(ring: &'k Keyring, key_use: KeyUse, party: &str) -> Result<&'k Key> {
    ring.signing_key(key_use, party)
        .with_context(|| format!("the ring has no key of {party} for {key_use:?}"))
}

fn json_post(authority: &str, path: &str, body: &Value) -> Result<Request<Bytes>> {
    let request = Request::post(format!("http://{authority}{path}"));
    let request = request.header(http::header::CONTENT_TYPE, "application/json");
    Ok(request.body(Bytes::from(body.to_string()))?)
}
