//! Client of the operator's CSP API: account status, billing, SMS. Every call is signed.
//!
//! Nothing here decides what an unexpected response means for a charge: it returns [`Unclear`], and
//! the queue retries. Only a dropped connection is made good at once, within the rule that a charge
//! is looked up before it is posted again.

use super::call_span::CallSubject;
use super::peer::{Connection, NoResponse};
use super::signed_client::{Repetition, SignedClient};
use crate::instruments::{CspCall, CspResult, Instruments, Receiver};
use crate::last_answer::LastAnswer;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use onbill_domain::ids::OperatorId;
use onbill_domain::key::{KeyUse, Party};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::csp::{
    AccountValidateRequest, BillChargeRequest, BillChargeResponse, BillRefundRequest, BillRefundResponse,
    SmsRequest,
};
use onbill_domain::wire::csp_answer::{self, AccountAnswer, has_error_code};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A call that its caller cancelled after so long, while there was no response, has failed. Before, it
/// was rather the caller who had gone. It is the shortest that `hand_off_seconds` can be.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(1);

/// There was no response, or one that does not show what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear;

/// Client of one operator's CSP API.
pub struct CspClient {
    url: String,
    operator: Party,
    client: SignedClient,
    instruments: Arc<Instruments>,
}

impl CspClient {
    /// Calls `url` as the onbill of `operator`.
    pub fn new(
        url: &str,
        operator: &OperatorId,
        client: SignedClient,
        instruments: Arc<Instruments>,
    ) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { url, operator: Party::operator(operator), client, instruments }
    }

    /// Looks up the operator's record of an account; `None` when the operator reports that there is
    /// none. A 404 counts with the operator's own code only: a misrouted proxy responds with 404 as
    /// well, and would end an account by it.
    pub async fn look_up_account(
        &self,
        question: &AccountValidateRequest,
    ) -> Result<Option<AccountAnswer>, Unclear> {
        let call = self.begin(CspCall::Account);
        let answer = self.ask_account(question).await;
        call.end(result_of_lookup(&answer));
        answer
    }

    async fn ask_account(&self, question: &AccountValidateRequest) -> Result<Option<AccountAnswer>, Unclear> {
        let call =
            self.build_call(CallSubject("account"), Method::POST, "/account/validate", Some(question))?;
        match self.send_repeatable(Repetition::Read, call).await? {
            (StatusCode::OK, body) => csp_answer::read_account(&body).map(Some).ok_or(Unclear),
            (StatusCode::NOT_FOUND, body) if has_error_code(&body, ErrorCode::AccountNotFound) => Ok(None),
            _ => Err(Unclear),
        }
    }

    /// Puts a line on the bill, once per transaction id. When the connection of the post is dropped,
    /// the charge is looked up, and posted once more if billing has never seen it.
    pub async fn submit_charge(&self, charge: &BillChargeRequest) -> Result<BillChargeResponse, Unclear> {
        let call = self.begin(CspCall::Charge);
        let answer = self.post_charge(charge).await;
        call.end(result_of(&answer));
        answer
    }

    async fn post_charge(&self, charge: &BillChargeRequest) -> Result<BillChargeResponse, Unclear> {
        let call = || self.build_call(CallSubject("transaction"), Method::POST, "/transaction", Some(charge));
        let answer = match self.send_once(Connection::Kept, call()?).await {
            Err(NoResponse::Dropped) => match self.look_up_charge(&charge.transaction_id).await? {
                Some(known) => return Ok(known),
                None => self.send_once(Connection::Fresh, call()?).await,
            },
            answer => answer,
        };
        match answer.map_err(|_| Unclear)? {
            (StatusCode::OK | StatusCode::CREATED, body) => {
                csp_answer::read_charge_outcome(&body).ok_or(Unclear)
            }
            _ => Err(Unclear),
        }
    }

    /// Looks up the outcome of a transaction id; `None` when billing reports that it has never seen
    /// it.
    pub async fn look_up_charge(&self, transaction_id: &str) -> Result<Option<BillChargeResponse>, Unclear> {
        let call = self.begin(CspCall::ChargeLookup);
        let answer = self.ask_charge(transaction_id).await;
        call.end(result_of_lookup(&answer));
        answer
    }

    async fn ask_charge(&self, transaction_id: &str) -> Result<Option<BillChargeResponse>, Unclear> {
        let path = format!("/transaction/{transaction_id}");
        let call = self.build_call::<()>(CallSubject("transaction"), Method::GET, &path, None)?;
        match self.send_repeatable(Repetition::Read, call).await? {
            (StatusCode::OK, body) => csp_answer::read_charge_outcome(&body).map(Some).ok_or(Unclear),
            (StatusCode::NOT_FOUND, body) if has_error_code(&body, ErrorCode::TransactionNotFound) => {
                Ok(None)
            }
            _ => Err(Unclear),
        }
    }

    /// Refunds part or all of a charge on its bill, once per refund id.
    pub async fn submit_refund(&self, refund: &BillRefundRequest) -> Result<BillRefundResponse, Unclear> {
        let call = self.begin(CspCall::Refund);
        let answer = self.post_refund(refund).await;
        call.end(result_of(&answer));
        answer
    }

    async fn post_refund(&self, refund: &BillRefundRequest) -> Result<BillRefundResponse, Unclear> {
        let call = self.build_call(CallSubject("refund"), Method::POST, "/refund", Some(refund))?;
        match self.send_repeatable(Repetition::Idempotent, call).await? {
            (StatusCode::OK | StatusCode::CREATED, body) => {
                csp_answer::read_refund_outcome(&body).ok_or(Unclear)
            }
            _ => Err(Unclear),
        }
    }

    /// Sends an SMS to a subscriber.
    pub async fn send_sms(&self, msisdn: &Msisdn, text: &str) -> Result<(), Unclear> {
        let call = self.begin(CspCall::Sms);
        let answer = self.post_sms(msisdn, text).await;
        call.end(result_of(&answer));
        answer
    }

    async fn post_sms(&self, msisdn: &Msisdn, text: &str) -> Result<(), Unclear> {
        let request = SmsRequest { msisdn: msisdn.clone(), text: text.to_owned() };
        let call =
            self.build_call(CallSubject("notification"), Method::POST, "/notification", Some(&request))?;
        match self.send_once(Connection::Kept, call).await.map_err(|_| Unclear)? {
            (status, _) if status.is_success() => Ok(()),
            _ => Err(Unclear),
        }
    }

    fn begin(&self, call: CspCall) -> CallUnderWay<'_> {
        CallUnderWay { call, begun: Instant::now(), ended: false, instruments: &self.instruments }
    }

    fn build_call<T: Serialize>(
        &self,
        subject: CallSubject,
        method: Method,
        path: &str,
        body: Option<&T>,
    ) -> Result<Request<Bytes>, Unclear> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.extension(subject);
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(serde_json::to_vec(body).map_err(|_| Unclear)?)
            }
            None => Bytes::new(),
        };
        request.body(body).map_err(|_| Unclear)
    }

    async fn send_once(
        &self,
        connection: Connection,
        call: Request<Bytes>,
    ) -> Result<(StatusCode, Bytes), NoResponse> {
        let answer = self.client.send(KeyUse::OriginToOperator, &self.operator, connection, call).await?;
        Ok((answer.status(), answer.into_body()))
    }

    async fn send_repeatable(
        &self,
        repetition: Repetition,
        call: Request<Bytes>,
    ) -> Result<(StatusCode, Bytes), Unclear> {
        let key_use = KeyUse::OriginToOperator;
        let answer = self.client.send_repeatable(key_use, &self.operator, repetition, call).await;
        let answer = answer.map_err(|_| Unclear)?;
        Ok((answer.status(), answer.into_body()))
    }
}

/// A call from its beginning to its end. A charge whose partner waits is cancelled at its deadline: then this
/// is dropped, and the operator's systems have not answered.
struct CallUnderWay<'c> {
    call: CspCall,
    begun: Instant,
    ended: bool,
    instruments: &'c Instruments,
}

impl CallUnderWay<'_> {
    fn end(mut self, result: CspResult) {
        // A job that fails after a clear answer does not fail by it.
        if result != CspResult::Unclear {
            LastAnswer::forget();
        }
        self.note(result);
        self.ended = true;
    }

    fn note(&self, result: CspResult) {
        self.instruments.metrics.csp.note(self.call, result, self.begun.elapsed());
        let receiver = match self.call {
            CspCall::Charge | CspCall::ChargeLookup | CspCall::Refund => Receiver::Billing,
            CspCall::Account => Receiver::Accounts,
            // The gateway itself is noted, whichever it is.
            CspCall::Sms => return,
        };
        self.instruments.signals.note_call(receiver, result != CspResult::Unclear);
    }
}

impl Drop for CallUnderWay<'_> {
    fn drop(&mut self) {
        if !self.ended && self.begun.elapsed() >= GIVEN_UP_AFTER {
            self.note(CspResult::Unclear);
        }
    }
}

fn result_of<T>(answer: &Result<T, Unclear>) -> CspResult {
    if answer.is_ok() { CspResult::Answered } else { CspResult::Unclear }
}

fn result_of_lookup<T>(answer: &Result<Option<T>, Unclear>) -> CspResult {
    match answer {
        Ok(Some(_)) => CspResult::Answered,
        Ok(None) => CspResult::Absent,
        Err(Unclear) => CspResult::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{SystemClock, SystemRandom};
    use crate::http::{Peer, Unreachable};
    use async_trait::async_trait;
    use http::Response;
    use onbill_domain::encoding::encode_base64url;
    use onbill_domain::key::Keyring;
    use onbill_domain::wire::csp::BillingDecision;
    use serde_json::json;

    /// Gives every call the same response.
    struct SameResponse(u16, &'static str);

    #[async_trait]
    impl Peer for SameResponse {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
            Response::builder().status(self.0).body(Bytes::from(self.1)).map_err(|_| Unreachable)
        }
    }

    fn csp_client(status: u16, body: &'static str) -> CspClient {
        let secret = encode_base64url(&[1; 32]);
        let ring = json!([{"id": "k", "party": "operator:acme", "use": "origin-to-bss", "alg": "hmac-sha256",
                           "secret": secret}]);
        let keys = Arc::new(Keyring::parse(&ring.to_string()).expect("is well formed"));
        let peer = Arc::new(SameResponse(status, body));
        let clock = Arc::new(SystemClock);
        let instruments = Instruments::new(clock.clone());
        let client = SignedClient::new(keys, peer, clock, Arc::new(SystemRandom));
        let acme = OperatorId::parse("acme").expect("is a slug");
        CspClient::new("https://bss.acme.example/csp", &acme, client, instruments)
    }

    fn question() -> AccountValidateRequest {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        AccountValidateRequest { msisdn, partner: None, offer: None, amount: None, purpose: None }
    }

    #[tokio::test]
    async fn not_found_is_believed_from_the_operator_only() {
        let csp = csp_client(404, r#"{"code":"account-not-found","message":"There is no such account."}"#);
        assert_eq!(csp.look_up_account(&question()).await.map(|answer| answer.is_some()), Ok(false));
        assert_eq!(csp.look_up_charge("t").await, Err(Unclear));
        let csp = csp_client(404, r#"{"code":"transaction-not-found","message":"There is no such charge."}"#);
        assert_eq!(csp.look_up_charge("t").await, Ok(None));
        // A misrouted proxy, a path that the operator does not have, an empty page.
        for body in ["<html>404 Not Found", r#"{"code":"not-found","message":"There is no such path."}"#, ""]
        {
            let csp = csp_client(404, body);
            assert_eq!(csp.look_up_account(&question()).await.err(), Some(Unclear), "{body}");
            assert_eq!(csp.look_up_charge("t").await, Err(Unclear), "{body}");
        }
    }

    #[tokio::test]
    async fn only_an_unclear_answer_is_kept_for_a_person() {
        let kept = async |status, body| {
            let asked = LastAnswer::scope(async {
                let _ = csp_client(status, body).look_up_charge("t").await;
                LastAnswer::current()
            });
            asked.await.and_then(|answer| answer.code)
        };
        assert_eq!(kept(200, r#"{"status":"APPROVED","rawCode":0}"#).await, None);
        assert_eq!(kept(404, r#"{"code":"transaction-not-found","message":"No."}"#).await, None);
        assert_eq!(kept(200, "<html>200 OK").await.as_deref(), Some("200"));
        assert_eq!(kept(503, "").await.as_deref(), Some("503"));
    }

    #[tokio::test]
    async fn raw_code_of_another_type_costs_no_approval() {
        let billed = csp_client(200, r#"{"status":"APPROVED","rawCode":0}"#).look_up_charge("t").await;
        let billed = billed.ok().flatten().expect("is clear");
        assert_eq!((billed.status, billed.raw_code.as_deref()), (BillingDecision::Approved, Some("0")));
        let listed = csp_client(200, r#"["APPROVED",null]"#).look_up_charge("t").await;
        assert_eq!(listed, Err(Unclear), "a list is no object");
    }

    #[tokio::test]
    async fn refund_response_of_a_proxy_is_unclear() {
        let currency = onbill_domain::currency::Currency::parse("USD").expect("is listed");
        let refund = BillRefundRequest {
            refund_id: "r".to_owned(),
            transaction_id: "t".to_owned(),
            amount: onbill_domain::money::Money { amount_minor: 1, currency },
            partner: onbill_domain::ids::PartnerId::parse("netflix").expect("is a slug"),
            charge_code: None,
            tax: None,
        };
        let says = async |status, body| {
            csp_client(status, body).submit_refund(&refund).await.map(|answer| answer.status)
        };
        for body in ["", "{}", r#"{"refundID":"r"}"#, r#"{"status":"APPROVED"}"#] {
            assert_eq!(says(201, body).await, Ok(BillingDecision::Approved), "{body}");
        }
        assert_eq!(says(200, r#"{"status":"DECLINED","rawCode":"61"}"#).await, Ok(BillingDecision::Declined));
        for body in ["<html>200 OK", r#"{"status":"PERHAPS"}"#, "[]"] {
            assert_eq!(says(200, body).await, Err(Unclear), "{body}");
        }
        assert_eq!(says(202, "").await, Err(Unclear));
        assert_eq!(says(404, r#"{"code":"transaction-not-found","message":"No."}"#).await, Err(Unclear));
    }

    #[tokio::test]
    async fn account_without_subscriber_id_is_refused() {
        let named = csp_client(200, r#"{"status":"ACTIVE","type":"postpaid","subscriberID":"s-1"}"#);
        assert_eq!(named.look_up_account(&question()).await.map(|answer| answer.is_some()), Ok(true));
        let odd = csp_client(200, "\u{feff}{\"status\":\"active\",\"type\":7,\"subscriberID\":42}\n");
        let odd = odd.look_up_account(&question()).await.ok().flatten().expect("is clear about what decides");
        assert_eq!((odd.subscriber_id.as_str(), odd.account.account_type), ("42", None));
        for body in [
            r#"{"status":"ACTIVE","type":"postpaid","subscriberID":""}"#,
            r#"{"status":"ACTIVE","type":"postpaid"}"#,
            r#"{"status":"UNHEARD-OF","type":"postpaid"}"#,
            "<html>200 OK",
        ] {
            assert_eq!(
                csp_client(200, body).look_up_account(&question()).await.err(),
                Some(Unclear),
                "{body}"
            );
        }
    }
}
