//! The operator's identity provider, over the network: its discovery document, its keys, and the exchange
//! of a code for an ID token. All three are asked for by this origin itself, never by a browser.

use super::id_token::claimed_key_id;
use super::keys::IssuerKeys;
use crate::ambient::Clock;
use crate::http::Peer;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use onbill_domain::encoding::encode_base64;
use onbill_domain::timestamp::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// How long document and keys are kept, in seconds: an hour. Issuers announce a change for longer.
const KEPT_SECONDS: i64 = 3_600;
/// How soon they may be asked for again because of a token whose key is not among them, in seconds: a
/// stranger's tokens must not have us ask without end.
const AGAIN_SECONDS: i64 = 60;
/// For how long document and keys are not asked for again after a failure, in seconds: people
/// who open the sign-in must not make us call a failing identity provider without end.
const FAILED_SECONDS: i64 = 5;
/// Codes that are exchanged at a time; others wait their turn. A shift that begins signs in one by one, and
/// a stranger with made-up codes has no more calls open than that.
const EXCHANGES_MAX: usize = 8;
/// What a form leaves as it is, beside letters and digits (WHATWG URL §5.2). A server that does not decode
/// `client_secret_basic` then still reads most secrets.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

/// Why the identity provider gave nothing that can be used. It is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProviderFault {
    Unreachable,
    /// Its discovery document is malformed, of another issuer, or names an address that is not https.
    BadDocument,
    BadKeys,
    /// It does not accept the code: it was used before, it is old, or it belongs to another sign-in.
    CodeRefused,
    BadAnswer,
}

/// The discovery document (`OpenID` Connect Discovery §3), as far as it is used.
#[derive(Clone, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Document and keys, as of a time.
struct Known {
    document: Document,
    keys: IssuerKeys,
    read_at: Timestamp,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

pub(super) struct IdentityProvider {
    issuer: String,
    client_id: String,
    client_secret: Zeroizing<String>,
    redirect_uri: String,
    peer: Arc<dyn Peer>,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Arc<Known>>>,
    /// The last time that they could not be read. One reads them at a time, and the others take what it read.
    failed: tokio::sync::Mutex<Option<(Timestamp, ProviderFault)>>,
    exchanges: Semaphore,
}

/// An ID token, with the keys that may have signed it.
pub(super) struct ReceivedToken {
    pub(super) token: String,
    known: Arc<Known>,
}

impl ReceivedToken {
    pub(super) fn keys(&self) -> &IssuerKeys {
        &self.known.keys
    }
}

/// Where the discovery document of an issuer is (`OpenID` Connect Discovery §4).
pub(crate) fn discovery_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl IdentityProvider {
    pub(super) fn new(
        issuer: &str,
        client_id: &str,
        client_secret: Zeroizing<String>,
        redirect_uri: String,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret,
            redirect_uri,
            peer,
            clock,
            known: Mutex::default(),
            failed: tokio::sync::Mutex::default(),
            exchanges: Semaphore::new(EXCHANGES_MAX),
        }
    }

    /// Where a browser asks for a code.
    pub(super) async fn authorization_endpoint(&self) -> Result<String, ProviderFault> {
        Ok(self.find_known(KEPT_SECONDS).await?.document.authorization_endpoint.clone())
    }

    /// Exchanges a code for the ID token (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub(super) async fn exchange_code(
        &self,
        code: &str,
        verifier: &str,
    ) -> Result<ReceivedToken, ProviderFault> {
        let known = self.find_known(KEPT_SECONDS).await?;
        let _turn = self.exchanges.acquire().await.map_err(|_| ProviderFault::Unreachable)?;
        let request = self.token_request(&known.document, code, verifier)?;
        let answer = self.peer.send(request).await.map_err(|_| ProviderFault::Unreachable)?;
        match answer.status() {
            StatusCode::OK => {}
            status if status.is_client_error() => return Err(ProviderFault::CodeRefused),
            _ => return Err(ProviderFault::Unreachable),
        }
        let TokenAnswer { id_token } =
            serde_json::from_slice(answer.body()).map_err(|_| ProviderFault::BadAnswer)?;
        // The issuer may have a new key since.
        let id = claimed_key_id(&id_token);
        let is_missing = id.is_some_and(|id| !known.keys.has(id.as_deref()));
        let known = if is_missing { self.find_known(AGAIN_SECONDS).await? } else { known };
        Ok(ReceivedToken { token: id_token, known })
    }

    fn token_request(
        &self,
        document: &Document,
        code: &str,
        verifier: &str,
    ) -> Result<Request<Bytes>, ProviderFault> {
        let (id, secret) = (encode(&self.client_id), Zeroizing::new(encode(&self.client_secret)));
        let mut form = Zeroizing::new(format!(
            "grant_type=authorization_code&code={}&redirect_uri={}&code_verifier={}",
            encode(code),
            encode(&self.redirect_uri),
            encode(verifier)
        ));
        let mut request = Request::post(&document.token_endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        if document.takes_basic() {
            // RFC 6749 §2.3.1: both halves are encoded as in a form first.
            let basic = Zeroizing::new(encode_base64(format!("{id}:{}", *secret).as_bytes()));
            request = request.header(AUTHORIZATION, format!("Basic {}", *basic));
        } else {
            for part in ["&client_id=", &id, "&client_secret=", &secret] {
                form.push_str(part);
            }
        }
        request.body(Bytes::from(form.as_bytes().to_vec())).map_err(|_| ProviderFault::BadDocument)
    }

    /// Document and keys that were read less than so many seconds ago.
    async fn find_known(&self, age_seconds: i64) -> Result<Arc<Known>, ProviderFault> {
        if let Some(known) = self.recall(age_seconds) {
            return Ok(known);
        }
        let mut failed = self.failed.lock().await;
        // Another sign-in may have read them meanwhile, or found that it cannot.
        if let Some(known) = self.recall(age_seconds) {
            return Ok(known);
        }
        let now = self.clock.now();
        match *failed {
            Some((at, fault)) if (0..FAILED_SECONDS).contains(&(now.unix_seconds() - at.unix_seconds())) => {
                Err(fault)
            }
            _ => {
                let read = self.read_known().await;
                *failed = read.as_ref().err().map(|fault| (now, *fault));
                read
            }
        }
    }

    fn recall(&self, age_seconds: i64) -> Option<Arc<Known>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.clock.now().unix_seconds();
        known.filter(|known| now - known.read_at.unix_seconds() < age_seconds)
    }

    /// Asks for document and keys, and keeps them.
    async fn read_known(&self) -> Result<Arc<Known>, ProviderFault> {
        let document = self.get(&discovery_url(&self.issuer)).await?;
        let document: Document = serde_json::from_slice(&document).map_err(|_| ProviderFault::BadDocument)?;
        if !document.is_of(&self.issuer) {
            return Err(ProviderFault::BadDocument);
        }
        let keys = IssuerKeys::parse(&self.get(&document.jwks_uri).await?).ok_or(ProviderFault::BadKeys)?;
        let known = Arc::new(Known { document, keys, read_at: self.clock.now() });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }

    async fn get(&self, url: &str) -> Result<Bytes, ProviderFault> {
        let request = Request::get(url).header(ACCEPT, "application/json").body(Bytes::new());
        let request = request.map_err(|_| ProviderFault::BadDocument)?;
        let answer = self.peer.send(request).await.map_err(|_| ProviderFault::Unreachable)?;
        if answer.status() == StatusCode::OK {
            Ok(answer.into_body())
        } else {
            Err(ProviderFault::Unreachable)
        }
    }
}

impl Document {
    /// Whether the document is the issuer's own (`OpenID` Connect Discovery §4.3), and keeps to TLS.
    fn is_of(&self, issuer: &str) -> bool {
        let urls = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        self.issuer == issuer
            && urls.into_iter().all(|url| crate::config::require_https(url, "the document").is_ok())
    }

    /// `client_secret_basic`, which also applies when the document has no methods.
    fn takes_basic(&self) -> bool {
        let is_basic = |method: &String| method == "client_secret_basic";
        self.token_endpoint_auth_methods_supported.as_ref().is_none_or(|all| all.iter().any(is_basic))
    }
}

/// As in a form and in a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_leaves_as_it_is_what_the_standard_leaves() {
        assert_eq!(encode("a-B.c_1*"), "a-B.c_1*");
        assert_eq!(encode("~+/: =&%ü"), "%7E%2B%2F%3A%20%3D%26%25%C3%BC");
    }
}
