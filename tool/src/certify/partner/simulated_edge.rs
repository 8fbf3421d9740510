//! The edge, and an operator's origin behind it, as the kit simulates them towards the partner. It
//! verifies the partner's calls and signs its successes as an origin does. A charge and a refund stay
//! PENDING, so that a webhook can settle them.

use crate::ambient::{nonce, now, random_bytes};
use crate::certify::answer::quote;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use onbill_domain::account::AccountType;
use onbill_domain::ids::{ExtId, OfferId, OperatorId};
use onbill_domain::key::{Key, KeyUse, Keyring};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::{
    CONTENT_DIGEST, ReceivedSignature, RequestComponents, ResponseComponents, SIGNATURE, SIGNATURE_INPUT,
    sign_response, verify_request,
};
use onbill_domain::wire::ott::{
    PartnerSubscriptionResponse, RefundRequest, RefundResponse, TokenValidateRequest, TokenValidateResponse,
    TransactionRequest, TransactionResponse, TransactionStatus,
};
use onbill_domain::wire::parse;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;

const CHARGES: &str = "/ott/v1/transaction";

/// How the edge answers when the partner spends a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenAnswer {
    /// As onbill does.
    Genuine,
    /// With 400 `token-invalid`.
    Refused,
    /// With a success that no operator has signed, as an edge in the wrong hands could.
    Unsigned,
}

/// A sign-up session.
pub(super) struct Session {
    pub(super) pai: Pai,
    pub(super) return_url: String,
    pub(super) offer: OfferId,
    pub(super) answer: TokenAnswer,
    /// How often the partner has spent its token with a valid signature.
    pub(super) spent: u32,
}

/// A charge that the partner has posted.
#[derive(Clone)]
pub(super) struct PostedCharge {
    pub(super) asked: TransactionRequest,
    pub(super) stated: TransactionResponse,
}

#[derive(Default)]
struct Notes {
    /// The sessions by their token.
    sessions: HashMap<String, Session>,
    /// The nonces that came, each with the id of its key.
    nonces: HashSet<(String, String)>,
    /// Why the latest call was refused, if one was.
    refused: Option<String>,
}

pub(super) struct SimulatedEdge {
    ring: Keyring,
    operator: OperatorId,
    /// The operator's key of use `origin-to-partner`.
    key: Key,
    /// What the partner signs for.
    authority: String,
    notes: Mutex<Notes>,
    charges: watch::Sender<Vec<PostedCharge>>,
    refunds: watch::Sender<Vec<RefundResponse>>,
}

/// A success with its body, or a refusal.
type Answered = Result<(StatusCode, Bytes), Reject>;

impl SimulatedEdge {
    pub(super) fn new(ring: Keyring, operator: OperatorId, key: Key, authority: String) -> Self {
        let (charges, refunds) = (watch::Sender::new(Vec::new()), watch::Sender::new(Vec::new()));
        Self { ring, operator, key, authority, notes: Mutex::default(), charges, refunds }
    }

    /// Serves until the returned task is aborted.
    pub(super) fn serve(self: &Arc<Self>, listener: TcpListener) -> tokio::task::JoinHandle<()> {
        let router = Router::new().fallback(answer).with_state(Arc::clone(self));
        tokio::spawn(async move {
            // It ends with the kit.
            let _ = axum::serve(listener, router).await;
        })
    }

    pub(super) fn open(&self, token: String, session: Session) {
        self.locked().sessions.insert(token, session);
    }

    /// How often the token was spent.
    pub(super) fn times_spent(&self, token: &str) -> u32 {
        self.locked().sessions.get(token).map_or(0, |session| session.spent)
    }

    /// Why the latest call was refused.
    pub(super) fn latest_refusal(&self) -> Option<String> {
        self.locked().refused.clone()
    }

    /// The charges that were posted, as they grow.
    pub(super) fn charges(&self) -> watch::Receiver<Vec<PostedCharge>> {
        self.charges.subscribe()
    }

    /// The refunds that were posted, as they grow.
    pub(super) fn refunds(&self) -> watch::Receiver<Vec<RefundResponse>> {
        self.refunds.subscribe()
    }

    /// From now on this is what `GET` says of a charge.
    pub(super) fn settle_charge(&self, stated: &TransactionResponse) {
        self.charges.send_modify(|charges| {
            for charge in
                charges.iter_mut().filter(|charge| charge.stated.transaction_id == stated.transaction_id)
            {
                charge.stated = stated.clone();
            }
        });
    }

    fn locked(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the `signature` field of a call that the partner has signed.
    fn verify(
        &self,
        method: &Method,
        uri: &http::Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<String, Reject> {
        let content_type =
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = RequestComponents {
            method: method.as_str(),
            authority: &self.authority,
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            body: (!body.is_empty()).then_some((&body[..], content_type)),
        };
        let received = ReceivedSignature::from_headers(headers);
        let verified = match received {
            None => Err("it is not signed"),
            Some(received) => verify_request(&target, received, &self.ring, KeyUse::PartnerCall, now())
                .map_err(onbill_domain::signature::SignatureError::as_str)
                .and_then(|verified| {
                    let nonce = (verified.key.id.clone(), verified.nonce.value().to_owned());
                    let is_first = self.locked().nonces.insert(nonce);
                    is_first.then(|| received.signature.to_owned()).ok_or("its nonce came before")
                }),
        };
        verified.map_err(|why| {
            self.locked().refused = Some(format!("{method} {}: {why}", quote(uri.path())));
            Reject::unauthorized()
        })
    }

    fn spend_token(&self, body: &[u8]) -> Result<(Answered, bool), Reject> {
        let request: TokenValidateRequest = parse(body)?;
        let mut notes = self.locked();
        let invalid = || Reject::new(ErrorCode::TokenInvalid, "The token is not valid.");
        let session = notes.sessions.get_mut(&request.token).ok_or_else(invalid)?;
        session.spent += 1;
        if session.answer == TokenAnswer::Refused {
            return Err(invalid());
        }
        let stated = TokenValidateResponse {
            pai: session.pai,
            operator: self.operator.clone(),
            offer: session.offer.clone(),
            status: "ACTIVE".to_owned(),
            account_type: AccountType::Postpaid,
            locale: Locale::En,
            return_url: session.return_url.clone(),
            paid_until: None,
        };
        Ok((success(StatusCode::OK, &stated), session.answer == TokenAnswer::Genuine))
    }

    fn post_charge(&self, body: &[u8]) -> Answered {
        let asked: TransactionRequest = parse(body)?;
        asked.check()?;
        let known = self.find_charge(&asked.ext_transaction_id);
        if let Some(known) = known {
            if known.asked != asked {
                return Err(Reject::new(
                    ErrorCode::IdempotencyViolation,
                    "The id was used for another charge.",
                ));
            }
            return success(StatusCode::OK, &known.stated);
        }
        let stated = TransactionResponse {
            transaction_id: new_id()?,
            ext_transaction_id: asked.ext_transaction_id.clone(),
            status: TransactionStatus::Pending,
            decline_reason: None,
            raw_result: None,
        };
        let answered = success(StatusCode::CREATED, &stated);
        self.charges.send_modify(|charges| charges.push(PostedCharge { asked, stated }));
        answered
    }

    fn find_charge(&self, id: &ExtId) -> Option<PostedCharge> {
        self.charges.borrow().iter().find(|charge| charge.asked.ext_transaction_id == *id).cloned()
    }

    /// The charge of a path.
    fn charge_of(&self, id: &str) -> Result<PostedCharge, Reject> {
        let id = percent_decode_str(id).decode_utf8().ok().and_then(|id| ExtId::parse(&id));
        let absent = || Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.");
        id.and_then(|id| self.find_charge(&id)).ok_or_else(absent)
    }

    fn post_refund(&self, id: &str, body: &[u8]) -> Answered {
        let asked: RefundRequest = parse(body)?;
        asked.check()?;
        let charge = self.charge_of(id)?;
        if charge.stated.status != TransactionStatus::Approved {
            return Err(Reject::new(ErrorCode::RequestInProgress, "The charge is not settled yet."));
        }
        let known =
            self.refunds.borrow().iter().find(|known| known.ext_refund_id == asked.ext_refund_id).cloned();
        if let Some(known) = known {
            return success(StatusCode::OK, &known);
        }
        let whole = charge.asked.amount;
        let amount = asked.amount.unwrap_or(whole);
        let remaining = Money { amount_minor: whole.amount_minor - amount.amount_minor, ..whole };
        if amount.currency != whole.currency || remaining.amount_minor < 0 {
            return Err(Reject::invalid_request("amount must be within the charge."));
        }
        let stated = RefundResponse {
            refund_id: new_id()?,
            ext_refund_id: asked.ext_refund_id,
            ext_transaction_id: charge.asked.ext_transaction_id,
            status: TransactionStatus::Pending,
            amount,
            remaining,
            raw_result: None,
        };
        let answered = success(StatusCode::CREATED, &stated);
        self.refunds.send_modify(|refunds| refunds.push(stated));
        answered
    }

    /// A success as an origin signs it; `None` if there is no randomness.
    fn sign(&self, status: StatusCode, body: &Bytes, request_signature: &str) -> Option<HeaderMap> {
        let components = ResponseComponents {
            status: status.as_u16(),
            body: (body, "application/json"),
            request_signature,
        };
        let signed = sign_response(&components, &self.key, now(), &nonce().ok()?)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_DIGEST, HeaderValue::from_str(&signed.content_digest?).ok()?);
        headers.insert(SIGNATURE_INPUT, HeaderValue::from_str(&signed.signature_input).ok()?);
        headers.insert(SIGNATURE, HeaderValue::from_str(&signed.signature).ok()?);
        Some(headers)
    }
}

/// 1. A body over the limit → 413; not signed by the partner → 401.
/// 2. A call that the kit simulates → as onbill answers it. Any other → 503.
/// 3. A success is signed, unless the session says otherwise.
async fn answer(State(edge): State<Arc<SimulatedEdge>>, request: Request<Body>) -> Response {
    respond(&edge, request)
        .await
        .unwrap_or_else(|reject| http::Response::<Bytes>::from(reject).map(Body::from))
}

async fn respond(edge: &SimulatedEdge, request: Request<Body>) -> Result<Response, Reject> {
    // 1.
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await;
    let body = body.map_err(|_| Reject::new(ErrorCode::BodyTooLarge, "The body is larger than 16 KiB."))?;
    let request_signature = edge.verify(&parts.method, &parts.uri, &parts.headers, &body)?;
    // 2.
    let path = parts.uri.path();
    let of_charge = path.strip_prefix(CHARGES).and_then(|rest| rest.strip_prefix('/'));
    let (answered, is_signed) = match (parts.method.as_str(), path, of_charge) {
        ("POST", "/ott/v1/token/validate", _) => edge.spend_token(&body)?,
        ("POST", "/ott/v1/partnerSubscription", _) => {
            let stated = PartnerSubscriptionResponse {
                partner_subscription_id: new_id()?,
                status: "ACTIVE".to_owned(),
            };
            (success(StatusCode::CREATED, &stated), true)
        }
        ("POST", CHARGES, _) => (edge.post_charge(&body), true),
        ("GET", _, Some(id)) if !id.contains('/') => {
            (edge.charge_of(id).and_then(|charge| success(StatusCode::OK, &charge.stated)), true)
        }
        ("POST", _, Some(rest)) if rest.ends_with("/refund") => {
            (edge.post_refund(rest.trim_end_matches("/refund"), &body), true)
        }
        _ => return Err(Reject::service_unavailable()),
    };
    // 3.
    let (status, body) = answered?;
    let headers = edge.sign(status, &body, &request_signature).ok_or_else(Reject::service_unavailable)?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if is_signed {
        *response.headers_mut() = headers;
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn success(status: StatusCode, stated: &impl Serialize) -> Answered {
    let body = serde_json::to_vec(stated).map_err(|_| Reject::service_unavailable())?;
    Ok((status, Bytes::from(body)))
}

fn new_id() -> Result<String, Reject> {
    let bytes = random_bytes().map_err(|_| Reject::service_unavailable())?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::signature::sign_request;

    // The pair of RFC 8037, appendices A.1 and A.2.
    const RING: &str = r#"[
        {"id":"p","party":"partner:netflix","use":"partner-call","alg":"ed25519",
         "public":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","private":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"},
        {"id":"o","party":"operator:acme","use":"origin-to-partner","alg":"hmac-sha256",
         "secret":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}]"#;

    #[test]
    fn nonce_works_once() {
        let ring = Keyring::parse(RING).expect("is well formed");
        let last = |key_use| ring.keys_for_use(key_use).last().expect("is there").clone();
        let acme = OperatorId::parse("acme").expect("is a slug");
        let authority = "kit.example".to_owned();
        let edge = SimulatedEdge::new(ring.clone(), acme, last(KeyUse::OriginToPartner), authority);
        let verify = |nonce: &str| {
            let request = Request::post("https://kit.example/ott/v1/token/validate");
            let request = request.header(CONTENT_TYPE, "application/json").body(Bytes::from_static(b"{}"));
            let mut request = request.expect("is a request");
            sign_request(&mut request, &last(KeyUse::PartnerCall), now(), nonce).expect("signs");
            edge.verify(request.method(), request.uri(), request.headers(), request.body()).is_ok()
        };
        let [first, second] = ["A", "B"].map(|letter| letter.repeat(22));
        assert_eq!([&first, &second, &first].map(|nonce| verify(nonce)), [true, true, false]);
        let why = edge.latest_refusal().expect("there is one");
        assert!(why.ends_with("its nonce came before"), "{why}");
    }
}
